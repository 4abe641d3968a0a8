/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AML encoder: ACPI 6.5, 20.2. Package lengths are written in their shortest
 * form: the block's body is moved up by one to four bytes when it is closed.
 */
#include "util/osdep.h"
#include "hw/acpi/aml-build.h"
#include "util/bytes.h"

#define OP_NAME         0x08
#define OP_BYTE         0x0a
#define OP_WORD         0x0b
#define OP_DWORD        0x0c
#define OP_STRING       0x0d
#define OP_QWORD        0x0e
#define OP_SCOPE        0x10
#define OP_BUFFER       0x11
#define OP_PACKAGE      0x12
#define OP_VAR_PACKAGE  0x13
#define OP_METHOD       0x14
#define OP_DUAL_NAME    0x2e
#define OP_MULTI_NAME   0x2f
#define OP_EXT          0x5b
#define OP_LOCAL0       0x60
#define OP_ARG0         0x68
#define OP_IF           0xa0
#define OP_ELSE         0xa1
#define OP_WHILE        0xa2
#define EXT_MUTEX       0x01
#define EXT_REGION      0x80
#define EXT_FIELD       0x81
#define EXT_DEVICE      0x82

#define NAME_SEG_LEN    4
#define MAX_NAME_SEGS   16
#define PKG_LENGTH_MAX  ((1u << 28) - 1)

#define RES_END_TAG     0x79
/* BufferSize of a template is a word, so that it can be set at the end. */
#define RES_SIZE_BYTES  3

void aml_init(Aml *a)
{
    *a = (Aml){ .cap = 8 * KiB };
    a->data = g_malloc(a->cap);
}

void aml_cleanup(Aml *a)
{
    g_free(a->data);
    *a = (Aml){ 0 };
}

static uint8_t *aml_reserve(Aml *a, size_t len)
{
    uint8_t *p;

    if (a->cap - a->len < len) {
        a->cap = MAX(a->cap * 2, a->len + len);
        a->data = g_realloc(a->data, a->cap);
    }
    p = a->data + a->len;
    a->len += len;
    return p;
}

void aml_bytes(Aml *a, const void *data, size_t len)
{
    if (len) {
        memcpy(aml_reserve(a, len), data, len);
    }
}

void aml_u8(Aml *a, uint8_t v)
{
    *aml_reserve(a, 1) = v;
}

void aml_le(Aml *a, uint64_t v, unsigned int nbytes)
{
    put_le_n(aml_reserve(a, nbytes), nbytes, v);
}

void aml_op(Aml *a, AmlOp op)
{
    if (op > 0xff) {
        aml_u8(a, OP_EXT);
    }
    aml_u8(a, op & 0xff);
}

/* ---- Names (20.2.2) ---- */

static void aml_name_seg(Aml *a, const char *seg, size_t len)
{
    uint8_t *p = aml_reserve(a, NAME_SEG_LEN);

    g_assert(len >= 1 && len <= NAME_SEG_LEN);
    memset(p, '_', NAME_SEG_LEN);
    memcpy(p, seg, len);
}

void aml_path(Aml *a, const char *path)
{
    unsigned int nsegs = 1;
    const char *p;

    while (*path == '\\' || *path == '^') {
        aml_u8(a, *path++);
    }
    if (!*path) {
        aml_u8(a, 0);
        return;
    }
    for (p = path; *p; p++) {
        nsegs += *p == '.';
    }
    g_assert(nsegs <= MAX_NAME_SEGS);
    if (nsegs == 2) {
        aml_u8(a, OP_DUAL_NAME);
    } else if (nsegs > 2) {
        aml_u8(a, OP_MULTI_NAME);
        aml_u8(a, nsegs);
    }
    while (nsegs--) {
        size_t len = strcspn(path, ".");

        aml_name_seg(a, path, len);
        path += len + 1;
    }
}

/* ---- Data (20.2.3) ---- */

void aml_int(Aml *a, uint64_t v)
{
    if (v <= 1) {
        aml_u8(a, v);
    } else if (v == UINT64_MAX) {
        aml_op(a, AML_ONES);
    } else if (v <= UINT8_MAX) {
        aml_u8(a, OP_BYTE);
        aml_u8(a, v);
    } else if (v <= UINT16_MAX) {
        aml_u8(a, OP_WORD);
        aml_le(a, v, 2);
    } else if (v <= UINT32_MAX) {
        aml_u8(a, OP_DWORD);
        aml_le(a, v, 4);
    } else {
        aml_u8(a, OP_QWORD);
        aml_le(a, v, 8);
    }
}

void aml_string(Aml *a, const char *s)
{
    aml_u8(a, OP_STRING);
    aml_bytes(a, s, strlen(s) + 1);
}

/* 19.6.39: three letters of five bits, four hex digits, big endian. */
void aml_eisa_id(Aml *a, const char *id)
{
    uint32_t v;

    g_assert(strlen(id) == 7);
    v = (uint32_t)(id[0] - 0x40) << 26 | (uint32_t)(id[1] - 0x40) << 21 |
        (uint32_t)(id[2] - 0x40) << 16;
    for (int i = 0; i < 4; i++) {
        v |= (uint32_t)g_ascii_xdigit_value(id[3 + i]) << (12 - 4 * i);
    }
    aml_u8(a, OP_DWORD);
    aml_le(a, GUINT32_SWAP_LE_BE(v), 4);
}

/* ---- Package lengths (20.2.4) ---- */

static unsigned int aml_pkg_length_bytes(size_t total)
{
    return total < BIT(6) ? 1 : total < BIT(12) ? 2 : total < BIT(20) ? 3 : 4;
}

static void aml_put_pkg_length(uint8_t *p, unsigned int nbytes, size_t total)
{
    g_assert(total <= PKG_LENGTH_MAX);
    if (nbytes == 1) {
        *p = total;
        return;
    }
    *p++ = (nbytes - 1) << 6 | (total & 0xf);
    for (total >>= 4; --nbytes; total >>= 8) {
        *p++ = total & 0xff;
    }
}

/* The length counts its own bytes. */
static unsigned int aml_pkg_length_for(size_t body)
{
    unsigned int n = 1;

    while (aml_pkg_length_bytes(body + n) > n) {
        n++;
    }
    return n;
}

static void aml_begin(Aml *a, AmlBlock kind)
{
    g_assert(a->depth < AML_MAX_DEPTH);
    a->open[a->depth].pos = a->len;
    a->open[a->depth].kind = kind;
    a->depth++;
}

static void aml_end_resources(Aml *a, size_t pos)
{
    uint8_t *size;
    size_t len;

    aml_u8(a, RES_END_TAG);
    aml_u8(a, 0);                   /* checksum 0: none, 6.4.2.9 */
    len = a->len - pos - RES_SIZE_BYTES;
    g_assert(len <= UINT16_MAX);
    size = a->data + pos;
    size[0] = OP_WORD;
    put_le16(size + 1, len);
}

void aml_end(Aml *a)
{
    unsigned int n;
    size_t pos, body;

    g_assert(a->depth > 0);
    a->depth--;
    pos = a->open[a->depth].pos;
    if (a->open[a->depth].kind == AML_BLOCK_RESOURCES) {
        aml_end_resources(a, pos);
    }
    body = a->len - pos;
    n = aml_pkg_length_for(body);
    aml_reserve(a, n);
    memmove(a->data + pos + n, a->data + pos, body);
    aml_put_pkg_length(a->data + pos, n, body + n);
}

void aml_buffer(Aml *a, const void *data, size_t len)
{
    aml_u8(a, OP_BUFFER);
    aml_begin(a, AML_BLOCK_PLAIN);
    aml_int(a, len);
    aml_bytes(a, data, len);
    aml_end(a);
}

/* 19.6.142: the first three groups are little endian. */
void aml_uuid(Aml *a, const char *uuid)
{
    static const uint8_t order[16] = {
        3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
    };
    uint8_t out[16];
    unsigned int n = 0;

    while (*uuid && n < sizeof(out)) {
        if (*uuid == '-') {
            uuid++;
            continue;
        }
        out[order[n++]] = g_ascii_xdigit_value(uuid[0]) << 4 |
                          g_ascii_xdigit_value(uuid[1]);
        uuid += 2;
    }
    g_assert(n == sizeof(out) && !*uuid);
    aml_buffer(a, out, sizeof(out));
}

void aml_local(Aml *a, unsigned int n)
{
    g_assert(n < 8);
    aml_u8(a, OP_LOCAL0 + n);
}

void aml_arg(Aml *a, unsigned int n)
{
    g_assert(n < 7);
    aml_u8(a, OP_ARG0 + n);
}

void aml_no_target(Aml *a)
{
    aml_u8(a, 0);                   /* NullName */
}

/* ---- Blocks (20.2.5) ---- */

static void aml_block(Aml *a, unsigned int op)
{
    aml_op(a, op);
    aml_begin(a, AML_BLOCK_PLAIN);
}

void aml_scope(Aml *a, const char *path)
{
    aml_block(a, OP_SCOPE);
    aml_path(a, path);
}

void aml_device(Aml *a, const char *name)
{
    aml_block(a, OP_EXT << 8 | EXT_DEVICE);
    aml_path(a, name);
}

void aml_method(Aml *a, const char *name, unsigned int nargs, bool serialized)
{
    g_assert(nargs <= 7);
    aml_block(a, OP_METHOD);
    aml_path(a, name);
    aml_u8(a, nargs | (serialized ? BIT(3) : 0));
}

void aml_if(Aml *a)
{
    aml_block(a, OP_IF);
}

void aml_else(Aml *a)
{
    aml_block(a, OP_ELSE);
}

void aml_while(Aml *a)
{
    aml_block(a, OP_WHILE);
}

void aml_package(Aml *a, uint8_t nelems)
{
    aml_block(a, OP_PACKAGE);
    aml_u8(a, nelems);
}

/* ---- Named objects ---- */

void aml_name(Aml *a, const char *name)
{
    aml_u8(a, OP_NAME);
    aml_path(a, name);
}

void aml_name_int(Aml *a, const char *name, uint64_t v)
{
    aml_name(a, name);
    aml_int(a, v);
}

void aml_name_string(Aml *a, const char *name, const char *v)
{
    aml_name(a, name);
    aml_string(a, v);
}

void aml_name_eisa_id(Aml *a, const char *name, const char *id)
{
    aml_name(a, name);
    aml_eisa_id(a, id);
}

void aml_mutex(Aml *a, const char *name)
{
    aml_op(a, OP_EXT << 8 | EXT_MUTEX);
    aml_path(a, name);
    aml_u8(a, 0);                   /* sync level */
}

void aml_acquire(Aml *a, const char *name)
{
    aml_op(a, AML_ACQUIRE);
    aml_path(a, name);
    aml_le(a, 0xffff, 2);           /* no time-out */
}

void aml_release(Aml *a, const char *name)
{
    aml_op(a, AML_RELEASE);
    aml_path(a, name);
}

void aml_notify(Aml *a, const char *path, uint8_t value)
{
    aml_op(a, AML_NOTIFY);
    aml_path(a, path);
    aml_int(a, value);
}

void aml_region(Aml *a, const char *name, AmlSpace space, uint64_t offset,
                uint64_t len)
{
    aml_op(a, OP_EXT << 8 | EXT_REGION);
    aml_path(a, name);
    aml_u8(a, space);
    aml_int(a, offset);
    aml_int(a, len);
}

void aml_field(Aml *a, const char *region, uint8_t flags)
{
    aml_block(a, OP_EXT << 8 | EXT_FIELD);
    aml_path(a, region);
    aml_u8(a, flags);
}

static void aml_field_bits(Aml *a, uint32_t nbits)
{
    unsigned int n = aml_pkg_length_bytes(nbits);

    aml_put_pkg_length(aml_reserve(a, n), n, nbits);
}

void aml_field_unit(Aml *a, const char *name, uint32_t nbits)
{
    aml_name_seg(a, name, strlen(name));
    aml_field_bits(a, nbits);
}

void aml_field_skip(Aml *a, uint32_t nbits)
{
    aml_u8(a, 0);
    aml_field_bits(a, nbits);
}

void aml_resources(Aml *a)
{
    aml_u8(a, OP_BUFFER);
    aml_begin(a, AML_BLOCK_RESOURCES);
    aml_reserve(a, RES_SIZE_BYTES);
}
