/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMState: each field type against its bytes on the wire, versions,
 * subsections, and hostile input.
 */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "tests/unit/lib/assert-error.h"

typedef struct Inner {
    uint8_t a;
    uint16_t b;
} Inner;

typedef struct Dev {
    bool flag;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int32_t i32;
    uint16_t words[3];
    uint8_t count;
    uint32_t regs[4];
    Inner inner;
    Inner inners[2];
    uint32_t n_ptr;
    uint64_t *ptr;
    uint32_t n_alloc;
    uint32_t *alloc;
    uint16_t n_bytes;
    uint8_t *bytes;
    uint8_t raw[3];
    uint32_t fixed;
    uint32_t index;
    uint32_t newer;
    uint32_t extra;
    bool want_extra;
    bool saved, loaded;
} Dev;

static const VMStateDescription vmstate_inner = {
    .name = "inner",
    .version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(a, Inner),
        VMSTATE_UINT16(b, Inner),
        VMSTATE_END_OF_LIST()
    },
};

static bool extra_needed(void *opaque)
{
    return ((Dev *)opaque)->want_extra;
}

static const VMStateDescription vmstate_extra = {
    .name = "dev/extra",
    .version_id = 2,
    .minimum_version_id = 1,
    .needed = extra_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(extra, Dev),
        VMSTATE_END_OF_LIST()
    },
};

static bool dev_pre_save(void *opaque, Error **errp)
{
    ((Dev *)opaque)->saved = true;
    return true;
}

static bool dev_post_load(void *opaque, int version_id, Error **errp)
{
    Dev *d = opaque;

    d->loaded = true;
    if (d->u8 == 0xee) {
        error_setg(errp, "u8 is bad");
        return false;
    }
    return true;
}

static bool u16_is_even(void *opaque, int version_id)
{
    return !(((Dev *)opaque)->u16 & 1);
}

static const VMStateDescription vmstate_dev = {
    .name = "dev",
    .version_id = 3,
    .minimum_version_id = 2,
    .pre_save = dev_pre_save,
    .post_load = dev_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(flag, Dev),
        VMSTATE_UINT8(u8, Dev),
        VMSTATE_UINT16(u16, Dev),
        VMSTATE_VALIDATE("u16 is even", u16_is_even),
        VMSTATE_UINT32(u32, Dev),
        VMSTATE_UINT64(u64, Dev),
        VMSTATE_INT32(i32, Dev),
        VMSTATE_UINT16_ARRAY(words, Dev, 3),
        VMSTATE_UINT8(count, Dev),
        VMSTATE_VARRAY_UINT32(regs, Dev, count),
        VMSTATE_STRUCT(inner, Dev, vmstate_inner, Inner),
        VMSTATE_STRUCT_ARRAY(inners, Dev, 2, vmstate_inner, Inner),
        VMSTATE_UNUSED(2),
        VMSTATE_UINT32_EQUAL(n_ptr, Dev),
        VMSTATE_VARRAY_UINT64_POINTER(ptr, Dev, n_ptr, 8),
        VMSTATE_UINT32(n_alloc, Dev),
        VMSTATE_VARRAY_UINT32_ALLOC(alloc, Dev, n_alloc, 2),
        VMSTATE_UINT16(n_bytes, Dev),
        VMSTATE_VBUFFER_ALLOC(bytes, Dev, n_bytes, 5),
        VMSTATE_BUFFER(raw, Dev),
        VMSTATE_UINT32_MAX(index, Dev, 9),
        VMSTATE_UINT32_V(newer, Dev, 3),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const[]) {
        &vmstate_extra,
        NULL
    },
};

static uint64_t ptr_store[1] = { 0x1122334455667788 };
static uint32_t alloc_store[2] = { 0xa1, 0xa2 };
static uint8_t bytes_store[2] = { 0xb1, 0xb2 };

static Dev sample(void)
{
    return (Dev){
        .flag = true, .u8 = 0x12, .u16 = 0x3456, .u32 = 0x789abcde,
        .u64 = 0x0102030405060708, .i32 = -2, .words = { 1, 2, 3 },
        .count = 2, .regs = { 0x10, 0x20, 0x30, 0x40 },
        .inner = { 5, 6 }, .inners = { { 7, 8 }, { 9, 10 } },
        .n_ptr = 1, .ptr = ptr_store, .n_alloc = 2, .alloc = alloc_store,
        .n_bytes = 2, .bytes = bytes_store, .raw = { 1, 2, 3 },
        .index = 9, .newer = 0x77, .extra = 0x99, .want_extra = true,
    };
}

/* What QEMU's encoding rules give for sample(). */
static const uint8_t wire[] = {
    1,                                      /* flag */
    0x12,
    0x34, 0x56,
    0x78, 0x9a, 0xbc, 0xde,
    1, 2, 3, 4, 5, 6, 7, 8,
    0xff, 0xff, 0xff, 0xfe,                 /* i32 */
    0, 1, 0, 2, 0, 3,
    2, 0, 0, 0, 0x10, 0, 0, 0, 0x20,        /* count, regs */
    5, 0, 6,
    7, 0, 8, 9, 0, 10,
    0, 0,                                   /* unused */
    0, 0, 0, 1, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    0, 0, 0, 2, 0, 0, 0, 0xa1, 0, 0, 0, 0xa2,
    0, 2, 0xb1, 0xb2,
    1, 2, 3,
    0, 0, 0, 9,
    0, 0, 0, 0x77,
    5, 9, 'd', 'e', 'v', '/', 'e', 'x', 't', 'r', 'a', 0, 0, 0, 2,
    0, 0, 0, 0x99,
};

enum {
    OFF_FLAG = 0, OFF_U8 = 1, OFF_U16 = 3, OFF_COUNT = 26, OFF_N_PTR = 49,
    OFF_N_ALLOC = 61, OFF_N_BYTES = 71, OFF_INDEX = 80,
    OFF_SUB = sizeof(wire) - 19, OFF_SUB_NAME = OFF_SUB + 2,
    OFF_SUB_VERSION = OFF_SUB + 14,
};

static Dev blank(void)
{
    static uint64_t store[8];

    return (Dev){ .n_ptr = 1, .ptr = store };
}

static void dev_free(Dev *d)
{
    g_free(d->alloc);
    g_free(d->bytes);
}

static bool load(Dev *d, const void *data, size_t len, int version,
                 Error **errp)
{
    VMStateReader r;

    vmstate_reader_init(&r, data, len);
    return vmstate_load(&vmstate_dev, d, version, &r, errp);
}

static void test_save_gives_wire_format(void)
{
    Dev d = sample();
    VMStateWriter w;

    vmstate_writer_init(&w);
    g_assert_true(vmstate_save(&vmstate_dev, &d, &w, NULL));
    g_assert_true(d.saved);
    g_assert_cmpmem(w.buf->data, w.buf->len, wire, sizeof(wire));
    vmstate_writer_cleanup(&w);
}

static void test_load_restores(void)
{
    Dev d = blank();
    Dev want = sample();

    g_assert_true(load(&d, wire, sizeof(wire), 3, NULL));
    g_assert_true(d.loaded);
    g_assert_true(d.flag);
    g_assert_cmphex(d.u64, ==, want.u64);
    g_assert_cmpint(d.i32, ==, -2);
    g_assert_cmpmem(d.words, sizeof(d.words), want.words, sizeof(want.words));
    g_assert_cmpuint(d.regs[1], ==, 0x20);
    g_assert_cmpuint(d.regs[2], ==, 0);
    g_assert_cmpuint(d.inners[1].b, ==, 10);
    g_assert_cmphex(d.ptr[0], ==, ptr_store[0]);
    g_assert_cmpuint(d.alloc[1], ==, 0xa2);
    g_assert_cmpuint(d.bytes[1], ==, 0xb2);
    g_assert_cmpuint(d.newer, ==, 0x77);
    g_assert_cmpuint(d.extra, ==, 0x99);
    dev_free(&d);
}

static void test_load_old_version(void)
{
    Dev d = blank();
    size_t cut = OFF_SUB - 4;       /* version 2 had no "newer" */
    Error *err = NULL;

    d.newer = 5;
    g_assert_true(load(&d, wire, cut, 2, NULL));
    g_assert_cmpuint(d.newer, ==, 5);
    g_assert_cmpuint(d.extra, ==, 0);
    g_assert_false(load(&d, wire, sizeof(wire), 1, &err));
    assert_error(err, "too old");
    g_clear_pointer(&err, error_free);
    g_assert_false(load(&d, wire, sizeof(wire), 4, &err));
    assert_error(err, "too new");
    error_free(err);
    dev_free(&d);
}

static void test_bad_bytes_refused(void)
{
    static const struct {
        size_t offset;
        uint8_t value;
        const char *error;
    } cases[] = {
        { OFF_FLAG, 2, "'flag' of 'dev': value 2 is no boolean" },
        { OFF_U8, 0xee, "'dev': u8 is bad" },
        { OFF_U16, 0x57, "check 'u16 is even' failed" },
        { OFF_COUNT, 5, "'regs' of 'dev': 5 elements, at most 4 fit" },
        { OFF_COUNT, 255, "255 elements" },
        { OFF_N_PTR, 2, "differs from 1 here" },
        { OFF_N_ALLOC, 3, "3 elements, at most 2 fit" },
        { OFF_N_ALLOC - 3, 0x80, "at most 2 fit" },
        { OFF_N_BYTES, 6, "6 elements, at most 5 fit" },
        { OFF_INDEX, 0xff, "is above 9" },
        { OFF_SUB_NAME + 4, 'E', "unknown subsection 'dev/Extra'" },
        { OFF_SUB_VERSION, 3, "'dev/extra': incoming version 3 is too new" },
        { OFF_SUB_VERSION, 0, "too old" },
        { OFF_SUB_VERSION - 3, 0x80, "too new" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t bytes[sizeof(wire)];
        Dev d = blank();
        Error *err = NULL;

        memcpy(bytes, wire, sizeof(wire));
        bytes[cases[i].offset] = cases[i].value;
        g_assert_false(load(&d, bytes, sizeof(bytes), 3, &err));
        g_test_message("%zu: %s", i, error_get_pretty(err));
        assert_error(err, cases[i].error);
        error_free(err);
        dev_free(&d);
    }
}

/* Every prefix either loads (it ends where a subsection may) or fails. */
static void test_truncated_refused(void)
{
    for (size_t len = 0; len < sizeof(wire); len++) {
        Dev d = blank();
        Error *err = NULL;
        /* on the heap so that a sanitizer sees a read behind the end */
        uint8_t *bytes = g_memdup2(wire, len);
        bool ok = load(&d, bytes, len, 3, &err);

        /* a part of the next header is not ours to judge */
        g_assert_true(ok == (len >= OFF_SUB && len < OFF_SUB + 11));
        g_assert_true(ok == !err);
        error_free(err);
        g_free(bytes);
        dev_free(&d);
    }
}

static void test_foreign_subsection_left_alone(void)
{
    uint8_t bytes[sizeof(wire)];
    VMStateReader r;
    Dev d = blank();

    memcpy(bytes, wire, sizeof(wire));
    bytes[OFF_SUB_NAME] = 'x';
    vmstate_reader_init(&r, bytes, sizeof(bytes));
    g_assert_true(vmstate_load(&vmstate_dev, &d, 3, &r, NULL));
    g_assert_cmpuint(d.extra, ==, 0);
    g_assert_cmpuint(vmstate_reader_left(&r), ==, 19);
    dev_free(&d);
}

static void test_subsection_not_needed(void)
{
    Dev d = sample();
    VMStateWriter w;

    d.want_extra = false;
    vmstate_writer_init(&w);
    g_assert_true(vmstate_save(&vmstate_dev, &d, &w, NULL));
    g_assert_cmpmem(w.buf->data, w.buf->len, wire, OFF_SUB);
    vmstate_writer_cleanup(&w);
}

static void test_save_checks_counts(void)
{
    Dev d = sample();
    VMStateWriter w;
    Error *err = NULL;

    d.count = 5;
    vmstate_writer_init(&w);
    g_assert_false(vmstate_save(&vmstate_dev, &d, &w, &err));
    assert_error(err, "'regs' of 'dev'");
    error_free(err);
    vmstate_writer_cleanup(&w);
}

static void test_unmigratable(void)
{
    static const VMStateDescription no = {
        .name = "no", .unmigratable = "holds host state",
    };
    VMStateWriter w;
    VMStateReader r;
    Error *err = NULL;

    vmstate_writer_init(&w);
    g_assert_false(vmstate_save(&no, &w, &w, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "State blocked by non-migratable device 'no': "
                    "holds host state");
    error_free(err);
    vmstate_reader_init(&r, "", 0);
    g_assert_false(vmstate_load(&no, &w, 0, &r, NULL));
    vmstate_writer_cleanup(&w);
}

/* A window of a few bytes over a longer stream. */
typedef struct Source {
    const uint8_t *data;
    size_t len, taken;
    uint8_t window[64 * KiB];
} Source;

static bool source_fill(VMStateReader *r, size_t need, Error **errp)
{
    Source *src = r->opaque;
    size_t left = vmstate_reader_left(r);

    if (left) {
        memmove(src->window, r->data + r->pos, left);
    }
    if (need - left > src->len - src->taken) {
        error_setg(errp, "source is empty");
        return false;
    }
    memcpy(src->window + left, src->data + src->taken, need - left);
    src->taken += need - left;
    r->data = src->window;
    r->pos = 0;
    r->len = need;
    return true;
}

static void test_reader_refills(void)
{
    Source *src = g_new0(Source, 1);
    VMStateReader r = { .fill = source_fill, .opaque = src };
    Dev d = blank();
    Error *err = NULL;

    src->data = wire;
    src->len = sizeof(wire);
    g_assert_true(vmstate_load(&vmstate_dev, &d, 3, &r, NULL));
    g_assert_cmpuint(d.extra, ==, 0x99);
    dev_free(&d);

    d = blank();
    *src = (Source){ .data = wire, .len = 20 };
    r = (VMStateReader){ .fill = source_fill, .opaque = src };
    g_assert_false(vmstate_load(&vmstate_dev, &d, 3, &r, &err));
    assert_error(err, "source is empty");
    error_free(err);
    g_free(src);
}

static bool count_flush(VMStateWriter *w, Error **errp)
{
    g_byte_array_append(w->opaque, w->buf->data, w->buf->len);
    g_byte_array_set_size(w->buf, 0);
    return true;
}

static void test_writer_flushes(void)
{
    GByteArray *out = g_byte_array_new();
    Dev d = sample();
    VMStateWriter w;

    vmstate_writer_init(&w);
    w.flush = count_flush;
    w.flush_size = 10;
    w.opaque = out;
    g_assert_true(vmstate_save(&vmstate_dev, &d, &w, NULL));
    g_assert_cmpuint(out->len, >, 0);
    g_assert_cmpuint(w.buf->len, <=, 10);
    count_flush(&w, NULL);
    g_assert_cmpmem(out->data, out->len, wire, sizeof(wire));
    g_byte_array_unref(out);
    vmstate_writer_cleanup(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration/vmstate/save", test_save_gives_wire_format);
    g_test_add_func("/migration/vmstate/load", test_load_restores);
    g_test_add_func("/migration/vmstate/versions", test_load_old_version);
    g_test_add_func("/migration/vmstate/bad-bytes", test_bad_bytes_refused);
    g_test_add_func("/migration/vmstate/truncated", test_truncated_refused);
    g_test_add_func("/migration/vmstate/subsection/foreign",
                    test_foreign_subsection_left_alone);
    g_test_add_func("/migration/vmstate/subsection/not-needed",
                    test_subsection_not_needed);
    g_test_add_func("/migration/vmstate/save/counts", test_save_checks_counts);
    g_test_add_func("/migration/vmstate/unmigratable", test_unmigratable);
    g_test_add_func("/migration/vmstate/reader/refill", test_reader_refills);
    g_test_add_func("/migration/vmstate/writer/flush", test_writer_flushes);
    return g_test_run();
}
