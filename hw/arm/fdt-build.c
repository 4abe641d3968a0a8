/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a device tree; see fdt-internal.h. */
#include "util/osdep.h"
#include "fdt-internal.h"
#include <libfdt.h>

static void check(FdtWriter *w, int err)
{
    if (!w->err) {
        w->err = err;
    }
}

void fdt_writer_init(FdtWriter *w, size_t bytes)
{
    *w = (FdtWriter){ .buf = g_malloc0(bytes), .bytes = bytes };
    check(w, fdt_create(w->buf, bytes));
    check(w, fdt_finish_reservemap(w->buf));
}

GByteArray *fdt_writer_finish(FdtWriter *w, Error **errp)
{
    GByteArray *out = NULL;

    check(w, fdt_finish(w->buf));
    if (w->err) {
        error_setg(errp, "cannot write the device tree: %s",
                   fdt_strerror(w->err));
    } else {
        out = g_byte_array_new();
        g_byte_array_append(out, w->buf, fdt_totalsize(w->buf));
    }
    g_clear_pointer(&w->buf, g_free);
    return out;
}

void fdt_node(FdtWriter *w, const char *name)
{
    check(w, fdt_begin_node(w->buf, name));
}

void fdt_nodef(FdtWriter *w, const char *fmt, ...)
{
    g_autofree char *name = NULL;
    va_list ap;

    va_start(ap, fmt);
    name = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    fdt_node(w, name);
}

void fdt_end(FdtWriter *w)
{
    check(w, fdt_end_node(w->buf));
}

uint32_t fdt_new_phandle(FdtWriter *w)
{
    return ++w->phandles;
}

uint32_t fdt_phandle(FdtWriter *w)
{
    uint32_t phandle = fdt_new_phandle(w);

    fdt_cell(w, "phandle", phandle);
    return phandle;
}

void fdt_empty(FdtWriter *w, const char *name)
{
    check(w, fdt_property(w->buf, name, NULL, 0));
}

void fdt_str(FdtWriter *w, const char *name, const char *value)
{
    check(w, fdt_property_string(w->buf, name, value));
}

void fdt_strs(FdtWriter *w, const char *name, ...)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    const char *s;
    va_list ap;

    va_start(ap, name);
    while ((s = va_arg(ap, const char *))) {
        g_byte_array_append(all, (const uint8_t *)s, strlen(s) + 1);
    }
    va_end(ap);
    check(w, fdt_property(w->buf, name, all->data, all->len));
}

void fdt_cells(FdtWriter *w, const char *name, unsigned n,
               const uint32_t *cells)
{
    void *p = NULL;

    check(w, fdt_property_placeholder(w->buf, name, n * sizeof(*cells), &p));
    for (unsigned i = 0; p && i < n; i++) {
        fdt32_st((uint8_t *)p + i * sizeof(*cells), cells[i]);
    }
}

void fdt_cell(FdtWriter *w, const char *name, uint32_t value)
{
    fdt_cells(w, name, 1, &value);
}

void fdt_reg(FdtWriter *w, const char *name, unsigned n,
             const uint64_t (*pairs)[2])
{
    void *p = NULL;

    check(w, fdt_property_placeholder(w->buf, name, n * sizeof(*pairs), &p));
    for (unsigned i = 0; p && i < n; i++) {
        fdt64_st((uint8_t *)p + i * sizeof(*pairs), pairs[i][0]);
        fdt64_st((uint8_t *)p + i * sizeof(*pairs) + 8, pairs[i][1]);
    }
}

void fdt_reg1(FdtWriter *w, uint64_t base, uint64_t size)
{
    fdt_reg(w, "reg", 1, (const uint64_t[][2]){ { base, size } });
}
