/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes that VMState reads and writes; see include/migration/vmstate.h. */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "util/bytes.h"

/* ---- Reading ---- */

void vmstate_reader_init(VMStateReader *r, const void *data, size_t len)
{
    *r = (VMStateReader){ .data = data, .len = len };
}

size_t vmstate_reader_left(const VMStateReader *r)
{
    return r->len - r->pos;
}

const uint8_t *vmstate_peek(VMStateReader *r, size_t need, Error **errp)
{
    if (need > vmstate_reader_left(r)) {
        if (!r->fill) {
            error_setg(errp, "the state ends after %zu bytes, %zu more are "
                       "missing", r->len, need - vmstate_reader_left(r));
            return NULL;
        }
        if (!r->fill(r, need, errp)) {
            return NULL;
        }
    }
    return r->data + r->pos;
}

/* A window may be smaller than a large buffer: go in steps. */
#define READ_STEP (16 * KiB)

bool vmstate_read(VMStateReader *r, void *buf, size_t len, Error **errp)
{
    uint8_t *out = buf;

    while (len) {
        size_t left = vmstate_reader_left(r), step = MAX(READ_STEP, left);
        size_t n = MIN(len, step);
        const uint8_t *in = vmstate_peek(r, n, errp);

        if (!in) {
            return false;
        }
        if (out) {
            memcpy(out, in, n);
            out += n;
        }
        r->pos += n;
        len -= n;
    }
    return true;
}

bool vmstate_skip(VMStateReader *r, size_t len, Error **errp)
{
    return vmstate_read(r, NULL, len, errp);
}

bool vmstate_read_u8(VMStateReader *r, uint8_t *v, Error **errp)
{
    return vmstate_read(r, v, 1, errp);
}

bool vmstate_read_be16(VMStateReader *r, uint16_t *v, Error **errp)
{
    uint8_t b[2];

    if (!vmstate_read(r, b, sizeof(b), errp)) {
        return false;
    }
    *v = get_be16(b);
    return true;
}

bool vmstate_read_be32(VMStateReader *r, uint32_t *v, Error **errp)
{
    uint8_t b[4];

    if (!vmstate_read(r, b, sizeof(b), errp)) {
        return false;
    }
    *v = get_be32(b);
    return true;
}

bool vmstate_read_be64(VMStateReader *r, uint64_t *v, Error **errp)
{
    uint8_t b[8];

    if (!vmstate_read(r, b, sizeof(b), errp)) {
        return false;
    }
    *v = get_be64(b);
    return true;
}

/* ---- Writing ---- */

void vmstate_writer_init(VMStateWriter *w)
{
    *w = (VMStateWriter){ .buf = g_byte_array_new() };
}

void vmstate_writer_cleanup(VMStateWriter *w)
{
    g_clear_pointer(&w->buf, g_byte_array_unref);
}

/* GByteArray counts in 32 bits and ends the process when that overflows. */
#define WRITE_MAX (1 * GiB)

bool vmstate_write(VMStateWriter *w, const void *buf, size_t len, Error **errp)
{
    if (w->flush && w->buf->len + len > w->flush_size &&
        !w->flush(w, errp)) {
        return false;
    }
    if (len > WRITE_MAX || w->buf->len > WRITE_MAX - len) {
        error_setg(errp, "the state of a device is larger than %llu bytes",
                   WRITE_MAX);
        return false;
    }
    g_byte_array_append(w->buf, buf, len);
    return true;
}

bool vmstate_write_u8(VMStateWriter *w, uint8_t v, Error **errp)
{
    return vmstate_write(w, &v, sizeof(v), errp);
}

bool vmstate_write_be16(VMStateWriter *w, uint16_t v, Error **errp)
{
    uint8_t b[2];

    put_be16(b, v);
    return vmstate_write(w, b, sizeof(b), errp);
}

bool vmstate_write_be32(VMStateWriter *w, uint32_t v, Error **errp)
{
    uint8_t b[4];

    put_be32(b, v);
    return vmstate_write(w, b, sizeof(b), errp);
}

bool vmstate_write_be64(VMStateWriter *w, uint64_t v, Error **errp)
{
    uint8_t b[8];

    put_be64(b, v);
    return vmstate_write(w, b, sizeof(b), errp);
}
