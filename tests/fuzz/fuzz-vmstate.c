/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMState loader over a table that has every kind of field. What loads is
 * saved and loaded again and must then save to the same bytes. The first byte
 * chooses the version and how small the pieces are in which bytes arrive.
 */
#include "util/osdep.h"
#include "migration/vmstate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Part {
    uint16_t a;
    bool b;
    uint8_t n;
    uint8_t bytes[3];
} Part;

typedef struct Whole {
    bool flag;
    uint8_t count, fixed, more;
    uint16_t n_bytes;
    uint32_t n_alloc, limited, extra;
    uint64_t wide;
    int32_t words[2];
    uint32_t regs[4];
    Part part, parts[2], counted[3];
    uint64_t *wides;
    uint32_t *alloc;
    uint8_t *bytes;
    char raw[5];
} Whole;

static const VMStateDescription vmstate_part = {
    .name = "whole/part",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(a, Part),
        VMSTATE_BOOL(b, Part),
        VMSTATE_UINT8(n, Part),
        VMSTATE_VARRAY_UINT8(bytes, Part, n),
        VMSTATE_END_OF_LIST()
    },
};

static bool has_extra(void *opaque)
{
    return ((Whole *)opaque)->extra != 0;
}

static bool has_more(void *opaque)
{
    return ((Whole *)opaque)->more != 0;
}

static const VMStateDescription vmstate_more = {
    .name = "whole/extra/more",
    .needed = has_more,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(more, Whole),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_extra = {
    .name = "whole/extra",
    .version_id = 1,
    .needed = has_extra,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(extra, Whole),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) { &vmstate_more, NULL },
};

static bool flag_is_set(void *opaque, int version_id)
{
    return ((Whole *)opaque)->flag;
}

static bool wide_is_no_7(void *opaque, int version_id)
{
    return ((Whole *)opaque)->wide != 7;
}

static const VMStateDescription vmstate_whole = {
    .name = "whole",
    .version_id = 3,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(flag, Whole),
        VMSTATE_UINT8_EQUAL(fixed, Whole),
        VMSTATE_UINT8(count, Whole),
        VMSTATE_VARRAY_UINT32(regs, Whole, count),
        VMSTATE_UINT64(wide, Whole),
        VMSTATE_VALIDATE("wide is not 7", wide_is_no_7),
        VMSTATE_INT32_ARRAY(words, Whole, 2),
        VMSTATE_STRUCT(part, Whole, vmstate_part, Part),
        VMSTATE_STRUCT_TEST(part, Whole, flag_is_set, vmstate_part, Part),
        VMSTATE_STRUCT_ARRAY(parts, Whole, 2, vmstate_part, Part),
        VMSTATE_STRUCT_VARRAY(counted, Whole, count, vmstate_part, Part),
        VMSTATE_UNUSED(3),
        VMSTATE_UINT32(n_alloc, Whole),
        VMSTATE_VARRAY_UINT32_ALLOC(alloc, Whole, n_alloc, 100),
        VMSTATE_VARRAY_UINT64_POINTER(wides, Whole, count, 4),
        VMSTATE_UINT16_V(n_bytes, Whole, 2),
        VMSTATE_VBUFFER_ALLOC(bytes, Whole, n_bytes, 40000),
        VMSTATE_BUFFER(raw, Whole),
        VMSTATE_UINT32_MAX(limited, Whole, 99),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) { &vmstate_extra, NULL },
};

/* Bytes that arrive in pieces, each in memory of its own. */
typedef struct Source {
    const uint8_t *data;
    size_t left, piece;
    uint8_t *window;
} Source;

static bool source_fill(VMStateReader *r, size_t need, Error **errp)
{
    Source *src = r->opaque;
    size_t have = vmstate_reader_left(r);
    size_t take = MIN(src->left, MAX(need - have, src->piece));
    uint8_t *window = g_malloc(have + take);

    if (have) {
        memcpy(window, r->data + r->pos, have);
    }
    if (take) {
        memcpy(window + have, src->data, take);
    }
    g_free(src->window);
    src->window = window;
    src->data += take;
    src->left -= take;
    r->data = window;
    r->pos = 0;
    r->len = have + take;
    if (r->len < need) {
        error_setg(errp, "no more");
        return false;
    }
    return true;
}

static bool load(Whole *w, const uint8_t *data, size_t size, int version,
                 size_t piece)
{
    Source src = { .data = data, .left = size, .piece = piece };
    VMStateReader r = { .fill = source_fill, .opaque = &src };
    Error *err = NULL;
    bool ok = vmstate_load(&vmstate_whole, w, version, &r, &err);

    g_assert(ok == !err);
    error_free(err);
    g_free(src.window);
    return ok;
}

static void whole_init(Whole *w)
{
    memset(w, 0, sizeof(*w));
    w->fixed = 9;
    w->wides = g_new0(uint64_t, 4);
}

static void whole_free(Whole *w)
{
    g_free(w->wides);
    g_free(w->alloc);
    g_free(w->bytes);
}

static void save_and_load(Whole *w)
{
    VMStateWriter first, second;
    Whole again;

    vmstate_writer_init(&first);
    vmstate_writer_init(&second);
    whole_init(&again);
    g_assert(vmstate_save(&vmstate_whole, w, &first, NULL));
    g_assert(load(&again, first.buf->data, first.buf->len, 3, 1));
    g_assert(vmstate_save(&vmstate_whole, &again, &second, NULL));
    g_assert(first.buf->len == second.buf->len &&
             !memcmp(first.buf->data, second.buf->data, first.buf->len));
    whole_free(&again);
    vmstate_writer_cleanup(&first);
    vmstate_writer_cleanup(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Whole w;

    if (!size) {
        return 0;
    }
    whole_init(&w);
    if (load(&w, data + 1, size - 1, data[0] & 7, data[0] >> 3)) {
        save_and_load(&w);
    }
    whole_free(&w);
    return 0;
}
