/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "vmstate-check.h"

/* ---- Tables ---- */

static bool count_is_loaded_before(const VMStateDescription *vmsd,
                                   const VMStateField *array)
{
    for (const VMStateField *f = vmsd->fields; f != array; f++) {
        if (f->offset == array->count_offset && f->size == array->count_size) {
            return true;
        }
    }
    return false;
}

static const char *field_problem(const VMStateDescription *vmsd,
                                 const VMStateField *f)
{
    if (f->flags & VMS_VALIDATE) {
        return f->field_exists ? NULL : "a check without a function";
    }
    if (!(f->flags & VMS_STRUCT) == !f->info) {
        return "needs either an info or a description";
    }
    if (f->flags & VMS_STRUCT && !f->vmsd) {
        return "has no description";
    }
    if (!f->size && !(f->flags & VMS_VBUFFER)) {
        return "has no size";
    }
    if (f->flags & VMS_ARRAY && !f->num) {
        return "has no elements";
    }
    if (f->flags & (VMS_VARRAY | VMS_VBUFFER)) {
        if (!f->num) {
            return "has no capacity";
        }
        if (f->count_size != 1 && f->count_size != 2 && f->count_size != 4) {
            return "has a count of odd size";
        }
        if (!count_is_loaded_before(vmsd, f)) {
            return "is loaded before its count";
        }
    }
    if (f->version_id > vmsd->version_id) {
        return "is newer than the description";
    }
    return NULL;
}

static bool check_fields(const VMStateDescription *vmsd, Error **errp)
{
    for (const VMStateField *f = vmsd->fields; f && f->name; f++) {
        const char *problem = field_problem(vmsd, f);

        if (problem) {
            error_setg(errp, "'%s' of '%s' %s", f->name, vmsd->name, problem);
            return false;
        }
        if (f->flags & VMS_STRUCT && !vmstate_check_table(f->vmsd, errp)) {
            error_prepend(errp, "'%s' of '%s': ", f->name, vmsd->name);
            return false;
        }
    }
    return true;
}

static bool check_subsection(const VMStateDescription *vmsd,
                             const VMStateDescription *const *sub,
                             Error **errp)
{
    g_autofree char *stem = g_strdup_printf("%s/", vmsd->name);

    if (!g_str_has_prefix((*sub)->name, stem)) {
        error_setg(errp, "subsection '%s' must be called '%s...'",
                   (*sub)->name, stem);
        return false;
    }
    if (!(*sub)->needed) {
        error_setg(errp, "subsection '%s' is always there: make its fields "
                   "part of '%s'", (*sub)->name, vmsd->name);
        return false;
    }
    for (const VMStateDescription *const *s = vmsd->subsections; s != sub;
         s++) {
        if (g_str_equal((*s)->name, (*sub)->name)) {
            error_setg(errp, "subsection '%s' is there twice", (*sub)->name);
            return false;
        }
    }
    return vmstate_check_table(*sub, errp);
}

bool vmstate_check_table(const VMStateDescription *vmsd, Error **errp)
{
    const VMStateDescription *const *sub = vmsd->subsections;

    if (!vmsd->name || !*vmsd->name || strlen(vmsd->name) > UINT8_MAX) {
        error_setg(errp, "a description needs a name of up to 255 bytes");
        return false;
    }
    if (vmsd->minimum_version_id > vmsd->version_id) {
        error_setg(errp, "'%s' cannot load its own version", vmsd->name);
        return false;
    }
    if (!check_fields(vmsd, errp)) {
        return false;
    }
    for (; sub && *sub; sub++) {
        if (!check_subsection(vmsd, sub, errp)) {
            return false;
        }
    }
    return true;
}

/* ---- Contents ---- */

static bool load(const VMStateDescription *vmsd, void *opaque,
                 const void *data, size_t len, size_t *left, Error **errp)
{
    /* on the heap, so that a sanitizer sees a read behind the end */
    g_autofree uint8_t *copy = g_memdup2(data, len);
    VMStateReader r;
    bool ok;

    vmstate_reader_init(&r, copy, len);
    ok = vmstate_load(vmsd, opaque, vmsd->version_id, &r, errp);
    *left = vmstate_reader_left(&r);
    return ok;
}

static bool roundtrip(const VMStateDescription *vmsd, void *opaque,
                      VMStateWriter *first, VMStateWriter *second,
                      Error **errp)
{
    size_t left;

    if (!vmstate_save(vmsd, opaque, first, errp) ||
        !load(vmsd, opaque, first->buf->data, first->buf->len, &left, errp) ||
        !vmstate_save(vmsd, opaque, second, errp)) {
        return false;
    }
    if (left) {
        error_setg(errp, "'%s': %zu of %u bytes were not loaded", vmsd->name,
                   left, first->buf->len);
        return false;
    }
    if (first->buf->len != second->buf->len) {
        error_setg(errp, "'%s': %u bytes at first, %u after a load",
                   vmsd->name, first->buf->len, second->buf->len);
        return false;
    }
    for (guint i = 0; i < first->buf->len; i++) {
        if (first->buf->data[i] != second->buf->data[i]) {
            error_setg(errp, "'%s': byte %u differs after a load", vmsd->name,
                       i);
            return false;
        }
    }
    return true;
}

bool vmstate_check_roundtrip(const VMStateDescription *vmsd, void *opaque,
                             Error **errp)
{
    VMStateWriter first, second;
    bool ok;

    vmstate_writer_init(&first);
    vmstate_writer_init(&second);
    ok = roundtrip(vmsd, opaque, &first, &second, errp);
    vmstate_writer_cleanup(&first);
    vmstate_writer_cleanup(&second);
    return ok;
}

void vmstate_check_hostile(const VMStateDescription *vmsd, void *opaque)
{
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };
    VMStateWriter w;
    size_t left;

    vmstate_writer_init(&w);
    g_assert_true(vmstate_save(vmsd, opaque, &w, NULL));
    for (guint len = 0; len < w.buf->len; len++) {
        load(vmsd, opaque, w.buf->data, len, &left, NULL);
    }
    for (guint i = 0; i < w.buf->len; i++) {
        for (size_t m = 0; m < G_N_ELEMENTS(masks); m++) {
            w.buf->data[i] ^= masks[m];
            load(vmsd, opaque, w.buf->data, w.buf->len, &left, NULL);
            w.buf->data[i] ^= masks[m];
        }
    }
    load(vmsd, opaque, w.buf->data, w.buf->len, &left, NULL);
    vmstate_writer_cleanup(&w);
}
