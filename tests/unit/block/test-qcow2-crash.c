/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power cuts. Every write and flush that the driver makes on its file is
 * written down while random requests run. Then the machine "stops" after any
 * number of them: what was flushed is there; of the writes after that each
 * sector is there or not, as it comes. In the image that is left
 *
 *   - a check finds nothing but leaks (but where the image says it is dirty),
 *   - a repair leaves nothing,
 *   - each sector has what it had at the last flush that was acknowledged, or
 *     something that was written to it since,
 *   - and so do snapshots have theirs,
 *   - a bitmap that is not marked as in use has all that was written since it
 *     was made.
 *
 * Where the image was dirty, the power is cut in the repair as well.
 *
 * --long N tries at least N of them; without it, some hundreds.
 */
#include "qcow2-test.h"
#include "../lib/mem-node.h"
#include "block/dirty-bitmap.h"
#include "block/image.h"

#define SECTOR    512
#define MAX_BYTES (512 * KiB)
#define SHORT_OPS 100
#define LONG_OPS  400

static uint64_t wanted;                     /* images to try in all; 0: few */
static uint64_t bitmaps_seen;               /* that survived */

/* ---- What was asked for ---- */

typedef struct Op {
    guint start, end;               /* length of the log, before and after */
    bool flush;
    int64_t size;                   /* of the disk after it */
    int64_t offset, bytes;          /* what it may have changed */
    uint8_t *after;                 /* that range, after it */
} Op;

typedef struct Snap {
    char name[16];
    guint made;                     /* log when it was there for sure */
    guint gone;                     /* log when it began to go */
    int64_t size;
    uint8_t *data;
} Snap;

/* A persistent bitmap, and what the disk had when it was made. */
typedef struct Marks {
    char name[16];
    int64_t size;
    uint8_t *data;
} Marks;

typedef enum Extras {
    EXTRA_BASE = 1,                 /* there is a backing file */
    EXTRA_SNAPSHOTS = 2,
    EXTRA_FIXED = 4,                /* it is not resized */
    EXTRA_BITMAPS = 8,              /* with closing and opening again */
    EXTRA_AMEND = 16,
} Extras;

typedef struct Kind {
    const char *name;
    BlockdevCreateOptionsQcow2 options;
    unsigned extras;                /* Extras */
} Kind;

typedef struct Crash {
    const Kind *kind;
    BlockDriverState *file, *base;
    QTest t;
    GArray *log;
    uint8_t *first;                 /* the file before all of it */
    int64_t first_bytes;
    GArray *ops;                    /* Op */
    GPtrArray *snaps;               /* Snap */
    GPtrArray *marks;               /* Marks */
    uint8_t model[MAX_BYTES];
    uint8_t base_data[MAX_BYTES];
    int64_t size;
    unsigned next_snap;
    uint64_t tried;
} Crash;

/* ---- Requests ---- */

static void op_clear(gpointer op)
{
    g_free(((Op *)op)->after);
}

static void snap_free(gpointer opaque)
{
    Snap *s = opaque;

    g_free(s->data);
    g_free(s);
}

static void marks_free(gpointer opaque)
{
    Marks *m = opaque;

    g_free(m->data);
    g_free(m);
}

static void open_disk(Crash *c);

static void op_done(Crash *c, guint start, bool flush, int64_t offset,
                    int64_t bytes)
{
    Op op = { start, c->log->len, flush, c->size, offset, bytes, NULL };

    op.after = g_memdup2(c->model + offset, bytes);
    g_array_append_val(c->ops, op);
}

static void op_flush(Crash *c)
{
    guint start = c->log->len;

    g_assert_cmpint(qtest_request(c->t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    op_done(c, start, true, 0, 0);
}

static void op_write(Crash *c, int64_t offset, int64_t bytes)
{
    guint start = c->log->len;

    for (int64_t i = 0; i < bytes; i++) {
        c->model[offset + i] = g_test_rand_int_range(1, 255);
    }
    g_assert_cmpint(qtest_write(&c->t, offset, bytes, c->model + offset), ==,
                    0);
    op_done(c, start, false, offset, bytes);
}

static void op_zero(Crash *c, QTestKind kind, int64_t offset, int64_t bytes)
{
    guint start = c->log->len;

    if (kind == QTEST_DISCARD) {
        /* Only what is a whole cluster for sure. */
        uint32_t cluster = bdrv_get_cluster_size(c->t.bs);

        bytes = ROUND_DOWN(offset + bytes, cluster);
        offset = ROUND_UP(offset, cluster);
        bytes -= offset;
        if (bytes <= 0 || (c->base && ((Qcow2State *)
                                       c->t.bs->opaque)->version < 3)) {
            return;
        }
    }
    memset(c->model + offset, 0, bytes);
    g_assert_cmpint(qtest_request(c->t.bs, kind, offset, bytes, NULL), ==, 0);
    op_done(c, start, false, offset, bytes);
}

static void op_compress(Crash *c, int64_t offset)
{
    uint32_t cluster = bdrv_get_cluster_size(c->t.bs);
    guint start = c->log->len;

    offset = ROUND_DOWN(offset, cluster);
    if (offset + cluster > c->size) {
        return;
    }
    memset(c->model + offset, g_test_rand_int_range(1, 255), cluster);
    g_assert_cmpint(qtest_request(c->t.bs, QTEST_COMPRESS, offset, cluster,
                                  c->model + offset), ==, 0);
    op_done(c, start, false, offset, cluster);
}

static void op_resize(Crash *c)
{
    int64_t size = g_test_rand_int_range(1, MAX_BYTES / SECTOR) * SECTOR;
    int64_t from = MIN(size, c->size), to = MAX(size, c->size);
    guint start = c->log->len;

    memset(c->model + from, 0, to - from);
    c->size = size;
    /* Bits of what is cut off are gone. */
    for (guint i = 0; i < c->marks->len; i++) {
        Marks *m = g_ptr_array_index(c->marks, i);

        m->size = MIN(m->size, size);
    }
    g_assert_cmpint(qtest_request(c->t.bs, QTEST_TRUNCATE, 0, size, NULL), ==,
                    0);
    op_done(c, start, false, from, to - from);
}

static void op_snapshot(Crash *c)
{
    Snap *s = g_new0(Snap, 1);
    BdrvSnapshot facts = { .name = s->name };
    guint start = c->log->len;

    snprintf(s->name, sizeof(s->name), "s%u", c->next_snap++);
    s->size = c->size;
    s->data = g_memdup2(c->model, MAX_BYTES);
    g_assert_cmpint(bdrv_snapshot_create(c->t.bs, &facts, NULL), ==, 0);
    s->made = c->log->len;
    s->gone = UINT_MAX;
    g_ptr_array_add(c->snaps, s);
    op_done(c, start, true, 0, 0);
}

static void op_goto_or_delete(Crash *c, bool delete)
{
    guint start = c->log->len;
    guint n = c->snaps->len;
    Snap *s = n ? g_ptr_array_index(c->snaps, g_test_rand_int_range(0, n)) :
                  NULL;

    if (!s || s->gone != UINT_MAX) {
        return;
    }
    if (delete) {
        s->gone = start;
        g_assert_cmpint(bdrv_snapshot_delete(c->t.bs, NULL, s->name, NULL), ==,
                        0);
        op_done(c, start, true, 0, 0);
        return;
    }
    memcpy(c->model, s->data, MAX_BYTES);
    c->size = s->size;
    g_assert_cmpint(bdrv_snapshot_goto(c->t.bs, s->name, NULL), ==, 0);
    op_done(c, start, false, 0, MAX_BYTES);
    op_flush(c);
}

static void op_bitmap(Crash *c)
{
    Marks *m = g_new0(Marks, 1);
    BdrvDirtyBitmap *b;

    snprintf(m->name, sizeof(m->name), "b%u", c->marks->len);
    m->size = c->size;
    m->data = g_memdup2(c->model, MAX_BYTES);
    b = bdrv_dirty_bitmap_new(c->t.bs, m->name,
                              SECTOR << g_test_rand_int_range(0, 4),
                              c->size, NULL);
    g_assert_nonnull(b);
    bdrv_dirty_bitmap_set_persistent(b, true);
    g_ptr_array_add(c->marks, m);
}

static void op_remove_bitmap(Crash *c)
{
    BdrvDirtyBitmap *b = bdrv_dirty_bitmap_next(c->t.bs, NULL);
    guint start = c->log->len;

    if (b) {
        g_assert_true(c->t.bs->drv->remove_stored_bitmap(c->t.bs,
                      bdrv_dirty_bitmap_name(b), NULL));
        bdrv_dirty_bitmap_free(b);
        op_done(c, start, false, 0, 0);
    }
}

/* Bitmaps are stored, and claimed again. */
static void op_reopen(Crash *c)
{
    guint start = c->log->len;

    qtest_close(&c->t);
    op_done(c, start, true, 0, 0);
    open_disk(c);
}

static void op_amend(Crash *c)
{
    static const char *const compat[] = { "v2", "v3" };
    BdrvAmend a = { 0 };
    guint start = c->log->len;

    if (g_test_rand_bit()) {
        a.has_compat = true;
        a.compat = compat[g_test_rand_bit()];
    } else if (g_test_rand_bit()) {
        a.has_refcount_bits = true;
        a.refcount_bits = 1 << g_test_rand_int_range(0, 7);
    } else {
        a.has_lazy_refcounts = true;
        a.lazy_refcounts = g_test_rand_bit();
    }
    /* Version 2 cannot have all of that, and says so. */
    bdrv_amend(c->t.bs, &a, NULL);
    op_done(c, start, false, 0, 0);
}

static void op_special(Crash *c)
{
    unsigned what = 1 << g_test_rand_int_range(0, 5);

    if (what == EXTRA_BASE && !(c->kind->extras & EXTRA_FIXED)) {
        op_resize(c);
    }
    switch (what & c->kind->extras) {
    case EXTRA_SNAPSHOTS:
        op_snapshot(c);
        break;
    case EXTRA_BITMAPS:
        op_bitmap(c);
        break;
    case EXTRA_AMEND:
        op_amend(c);
        break;
    default:
        if (c->kind->extras & EXTRA_SNAPSHOTS) {
            op_goto_or_delete(c, g_test_rand_bit());
        } else if (c->kind->extras & EXTRA_BITMAPS) {
            (g_test_rand_bit() ? op_remove_bitmap : op_reopen)(c);
        }
    }
}

static void one_op(Crash *c)
{
    int64_t offset = g_test_rand_int_range(0, c->size / SECTOR) * SECTOR;
    int64_t bytes = g_test_rand_int_range(1, g_test_rand_bit() ? 64 : 8) *
                    SECTOR;

    bytes = MIN(bytes, c->size - offset);
    switch (g_test_rand_int_range(0, 14)) {
    case 0:
        op_zero(c, QTEST_DISCARD, offset, bytes);
        break;
    case 1:
        op_zero(c, QTEST_ZERO, offset, bytes);
        break;
    case 2:
        op_zero(c, QTEST_UNMAP, offset, bytes);
        break;
    case 3:
        op_compress(c, offset);
        break;
    case 4:
    case 5:
    case 6:
        op_flush(c);
        break;
    case 7:
        op_special(c);
        break;
    default:
        op_write(c, offset, bytes);
    }
}

/* ---- After the cut ---- */

static BlockDriverState *open_after(Crash *c, BlockDriverState *file,
                                    BdrvOpenFlags flags, bool read_only)
{
    BlockdevRef file_ref = { .type = QAPI_KIND_STRING,
                             .u.reference = file->node_name };
    BlockdevRefOrNull backing = { .type = QAPI_KIND_NULL };
    BlockdevOptions o = { .driver = BLOCKDEV_DRIVER_QCOW2 };
    BlockDriverState *bs;
    Error *err = NULL;

    if (c->base) {
        backing.type = QAPI_KIND_STRING;
        backing.u.reference = c->base->node_name;
    }
    o.has_read_only = true;
    o.read_only = read_only;
    o.has_discard = true;
    o.discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP;
    o.u.qcow2.file = &file_ref;
    o.u.qcow2.backing = &backing;
    bs = bdrv_open_flags(&o, flags, &err);
    if (!bs) {
        g_error("%s", error_get_pretty(err));
    }
    return bs;
}

static const Op *op_at(Crash *c, guint i)
{
    return &g_array_index(c->ops, Op, i);
}

/* The disk at the last flush that ended by @cut; *@next is the op after it. */
static int64_t model_at(Crash *c, guint cut, uint8_t *model, guint *next)
{
    int64_t size = MAX_BYTES;

    memcpy(model, c->base_data, MAX_BYTES);
    *next = 0;
    for (guint i = 0; i < c->ops->len && op_at(c, i)->end <= cut; i++) {
        *next = op_at(c, i)->flush ? i + 1 : *next;
    }
    for (guint i = 0; i < *next; i++) {
        if (op_at(c, i)->bytes) {
            memcpy(model + op_at(c, i)->offset, op_at(c, i)->after,
                   op_at(c, i)->bytes);
        }
        size = op_at(c, i)->size;
    }
    return size;
}

/* Whether an op that had begun by @cut left that there. */
static bool later_value(Crash *c, guint next, guint cut, int64_t at,
                        const uint8_t *got)
{
    for (guint i = next; i < c->ops->len && op_at(c, i)->start <= cut; i++) {
        const Op *op = op_at(c, i);

        if (at >= op->offset && at + SECTOR <= op->offset + op->bytes &&
            !memcmp(got, op->after + (at - op->offset), SECTOR)) {
            return true;
        }
    }
    return false;
}

static void check_data(Crash *c, BlockDriverState *bs, guint cut)
{
    g_autofree uint8_t *model = g_malloc(MAX_BYTES);
    g_autofree uint8_t *got = g_malloc0(MAX_BYTES);
    guint next;
    int64_t size = model_at(c, cut, model, &next), now = bdrv_get_length(bs);
    bool size_ok = now == size;

    for (guint i = next; i < c->ops->len && op_at(c, i)->start <= cut; i++) {
        size_ok |= now == op_at(c, i)->size;
    }
    g_assert_true(size_ok);
    g_assert_cmpint(qtest_request(bs, QTEST_READ, 0, now, got), ==, 0);
    for (int64_t at = 0; at < MIN(now, size); at += SECTOR) {
        if (memcmp(got + at, model + at, SECTOR) &&
            !later_value(c, next, cut, at, got + at)) {
            g_error("%s: cut after %u: sector at 0x%" PRIx64 " is 0x%x, was "
                    "0x%x at the last flush", c->kind->name, cut, at, got[at],
                    model[at]);
        }
    }
}

static void check_snapshots(Crash *c, BlockDriverState *file, guint cut)
{
    g_autofree uint8_t *got = g_malloc0(MAX_BYTES);

    for (guint i = 0; i < c->snaps->len; i++) {
        Snap *s = g_ptr_array_index(c->snaps, i);
        BlockDriverState *bs;

        if (s->made > cut || s->gone <= cut) {
            continue;
        }
        bs = open_after(c, file, 0, false);
        bs->read_only = true;       /* for load_tmp */
        if (bdrv_snapshot_load_tmp(bs, NULL, s->name, NULL) < 0) {
            g_error("%s: cut after %u: snapshot %s is gone", c->kind->name,
                    cut, s->name);
        }
        g_assert_cmpint(bdrv_get_length(bs), ==, s->size);
        g_assert_cmpint(qtest_request(bs, QTEST_READ, 0, s->size, got), ==, 0);
        g_assert_cmpmem(got, s->size, s->data, s->size);
        bs->read_only = false;
        ((Qcow2State *)bs->opaque)->corrupt = true;     /* write nothing */
        bdrv_unref(bs);
    }
}

static void check_bitmap(Crash *c, BlockDriverState *bs, BdrvDirtyBitmap *b,
                         const uint8_t *got, guint cut)
{
    unsigned index = strtoul(bdrv_dirty_bitmap_name(b) + 1, NULL, 10);
    const Marks *m;
    int64_t size = bdrv_get_length(bs);

    g_assert_cmpuint(index, <, c->marks->len);
    m = g_ptr_array_index(c->marks, index);
    size = MIN(m->size, size);
    for (int64_t at = 0; at < size; at += SECTOR) {
        if (memcmp(got + at, m->data + at, SECTOR) &&
            !bdrv_dirty_bitmap_get(b, at)) {
            g_error("%s: cut after %u: bitmap %s does not have the write at "
                    "0x%" PRIx64, c->kind->name, cut, m->name, at);
        }
    }
}

static void check_bitmaps(Crash *c, BlockDriverState *file, guint cut)
{
    g_autofree uint8_t *got = g_malloc0(MAX_BYTES);
    BlockDriverState *bs;

    if (!(c->kind->extras & EXTRA_BITMAPS)) {
        return;
    }
    bs = open_after(c, file, 0, true);
    g_assert_cmpint(qtest_request(bs, QTEST_READ, 0, bdrv_get_length(bs), got),
                    ==, 0);
    for (BdrvDirtyBitmap *b = NULL; (b = bdrv_dirty_bitmap_next(bs, b));) {
        if (!bdrv_dirty_bitmap_inconsistent(b)) {
            check_bitmap(c, bs, b, got, cut);
            bitmaps_seen++;
        }
    }
    bdrv_unref(bs);
}

static void apply(MemNode *m, const MemLogEntry *e, bool torn);

static void check_image(Crash *c, MemNode *left, guint cut, bool again);

/* The repair in @log of @left, cut short somewhere. */
static void cut_repair(Crash *c, const MemNode *left, GArray *log, guint cut)
{
    guint n = g_test_rand_int_range(0, log->len + 1), flushed = 0;
    bool torn = g_test_rand_bit();
    MemNode half = { 0 };

    for (guint i = 0; i < n; i++) {
        if (g_array_index(log, MemLogEntry, i).kind == MEM_LOG_FLUSH) {
            flushed = i + 1;
        }
    }
    mem_node_write(&half, 0, left->data, left->bytes);
    for (guint i = 0; i < n; i++) {
        apply(&half, &g_array_index(log, MemLogEntry, i), torn && i >= flushed);
    }
    check_image(c, &half, cut, false);
    g_free(half.data);
}

static void repair(Crash *c, BlockDriverState *bs, const MemNode *left,
                   guint cut, bool again)
{
    MemNode *m = bs->file->bs->opaque;
    /* Version 2 has no mark for the moment in which a snapshot is made. */
    bool dirty = qcow2_is_dirty(bs) || (c->kind->options.has_version &&
                 (c->kind->extras & EXTRA_SNAPSHOTS));
    GArray *log = mem_log_new();
    BdrvCheckResult r;

    g_assert_cmpint(bdrv_check(bs, &r, 0), ==, 0);
    if (!dirty && (r.corruptions || r.check_errors)) {
        g_error("%s: cut after %u: %" PRId64 " corruptions", c->kind->name,
                cut, r.corruptions);
    }
    m->log = log;
    g_assert_cmpint(bdrv_check(bs, &r, dirty ? BDRV_FIX_LEAKS |
                               BDRV_FIX_ERRORS : BDRV_FIX_LEAKS), ==, 0);
    m->log = NULL;
    if (dirty && again) {
        cut_repair(c, left, log, cut);
    }
    g_array_unref(log);
}

/* @again: whether a repair is cut short, too. */
static void check_image(Crash *c, MemNode *left, guint cut, bool again)
{
    BlockDriverState *file = mem_node_new(again ? "left" : "half", left->data,
                                          left->bytes);
    BlockDriverState *bs = open_after(c, file, BDRV_O_CHECK, false);
    BdrvCheckResult r;

    repair(c, bs, left, cut, again);
    g_assert_cmpint(bdrv_check(bs, &r, 0), ==, 0);
    if (r.corruptions || r.leaks) {
        g_error("%s: cut after %u: a repair leaves %" PRId64 " corruptions and "
                "%" PRId64 " leaks", c->kind->name, cut, r.corruptions,
                r.leaks);
    }
    check_data(c, bs, cut);
    bdrv_unref(bs);
    check_snapshots(c, file, cut);
    check_bitmaps(c, file, cut);
    bdrv_unref(file);
    c->tried++;
}

/* ---- Cutting ---- */

static void apply(MemNode *m, const MemLogEntry *e, bool torn)
{
    if (e->kind == MEM_LOG_LENGTH) {
        mem_node_set_length(m, e->bytes);
    }
    if (e->kind != MEM_LOG_WRITE) {
        return;
    }
    if (!torn) {
        mem_node_write(m, e->offset, e->data, e->bytes);
        return;
    }
    for (int64_t at = 0; at < e->bytes;) {
        int64_t n = MIN(SECTOR - (e->offset + at) % SECTOR, e->bytes - at);

        if (g_test_rand_bit()) {
            mem_node_write(m, e->offset + at, e->data + at, n);
        }
        at += n;
    }
}

/* How the writes that nobody flushed are: all there, some, or torn. */
typedef enum Cut { CUT_ALL, CUT_NONE, CUT_SOME, CUT_TORN, CUT__MAX } Cut;

static void cut_here(Crash *c, const MemNode *durable, guint from, guint cut,
                     Cut how)
{
    MemNode left = { .data = g_memdup2(durable->data, durable->allocated),
                     .bytes = durable->bytes,
                     .allocated = durable->allocated };

    for (guint i = from; i < cut; i++) {
        const MemLogEntry *e = &g_array_index(c->log, MemLogEntry, i);

        /* A length is part of a journal: it does not get lost alone. */
        if (how == CUT_ALL || e->kind == MEM_LOG_LENGTH ||
            (how == CUT_SOME && g_test_rand_bit())) {
            apply(&left, e, false);
        } else if (how == CUT_TORN) {
            apply(&left, e, true);
        }
    }
    check_image(c, &left, cut, true);
    g_free(left.data);
}

static void cut_everywhere(Crash *c, guint every)
{
    MemNode durable = { 0 };
    guint from = 0;

    mem_node_write(&durable, 0, c->first, c->first_bytes);
    for (guint cut = 0; cut <= c->log->len; cut++) {
        const MemLogEntry *last = cut ? &g_array_index(c->log, MemLogEntry,
                                                       cut - 1) : NULL;

        if (last && last->kind == MEM_LOG_FLUSH) {
            for (; from < cut; from++) {
                apply(&durable, &g_array_index(c->log, MemLogEntry, from),
                      false);
            }
        }
        if (cut % every == 0) {
            cut_here(c, &durable, from, cut, (cut / every) % CUT__MAX);
        }
    }
    g_free(durable.data);
}

/* ---- Kinds of images ---- */

#define SIZE .size = MAX_BYTES
#define V2 .has_version = true, .version = BLOCKDEV_QCOW2_VERSION_V2
#define CLUSTER(n) .has_cluster_size = true, .cluster_size = (n)
#define BITS(n) .has_refcount_bits = true, .refcount_bits = (n)
#define LAZY .has_lazy_refcounts = true, .lazy_refcounts = true
#define SUB .has_extended_l2 = true, .extended_l2 = true

static const Kind kinds[] = {
    { "plain", { SIZE, CLUSTER(4096) } },
    { "backing", { SIZE, CLUSTER(4096) }, EXTRA_BASE },
    { "clusters_512", { SIZE, CLUSTER(512) }, EXTRA_BASE },
    { "clusters_64k", { SIZE }, EXTRA_BASE },
    { "v2", { SIZE, V2, CLUSTER(1024) }, EXTRA_FIXED },
    { "refcounts_1", { SIZE, CLUSTER(1024), BITS(1) } },
    { "refcounts_64", { SIZE, CLUSTER(512), BITS(64) } },
    { "lazy", { SIZE, CLUSTER(4096), LAZY }, EXTRA_BASE },
    { "subclusters", { SIZE, CLUSTER(16 * KiB), SUB }, EXTRA_BASE },
    { "snapshots", { SIZE, CLUSTER(4096) }, EXTRA_SNAPSHOTS },
    { "snapshots_512", { SIZE, CLUSTER(512) }, EXTRA_BASE | EXTRA_SNAPSHOTS },
    { "snapshots_lazy", { SIZE, CLUSTER(4096), LAZY }, EXTRA_SNAPSHOTS },
    { "snapshots_sub", { SIZE, CLUSTER(16 * KiB), SUB },
      EXTRA_BASE | EXTRA_SNAPSHOTS },
    { "snapshots_v2", { SIZE, V2, CLUSTER(4096) },
      EXTRA_FIXED | EXTRA_SNAPSHOTS },
    { "bitmaps", { SIZE, CLUSTER(4096) }, EXTRA_BITMAPS },
    { "bitmaps_512", { SIZE, CLUSTER(512) }, EXTRA_BASE | EXTRA_BITMAPS },
    { "bitmaps_lazy", { SIZE, CLUSTER(4096), LAZY }, EXTRA_BITMAPS },
    { "amend", { SIZE, CLUSTER(1024) }, EXTRA_AMEND },
    { "amend_backing", { SIZE, CLUSTER(4096) }, EXTRA_BASE | EXTRA_AMEND },
    { "amend_sub", { SIZE, CLUSTER(16 * KiB), SUB }, EXTRA_AMEND },
};

static void open_disk(Crash *c)
{
    c->t.bs = open_after(c, c->file, 0, false);
    c->t.blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE |
                       BLK_PERM_RESIZE, BLK_PERM_ALL);
    g_assert_true(blk_insert_bs(c->t.blk, c->t.bs, NULL));
}

static void crash_start(Crash *c, const Kind *k)
{
    Error *err = NULL;
    MemNode *m;

    c->kind = k;
    c->size = MAX_BYTES;
    c->ops = g_array_new(FALSE, FALSE, sizeof(Op));
    g_array_set_clear_func(c->ops, op_clear);
    c->snaps = g_ptr_array_new_with_free_func(snap_free);
    c->marks = g_ptr_array_new_with_free_func(marks_free);
    if (k->extras & EXTRA_BASE) {
        for (size_t i = 0; i < MAX_BYTES; i++) {
            c->base_data[i] = i / SECTOR | 1;
        }
        memcpy(c->model, c->base_data, MAX_BYTES);
        c->base = mem_node_new("base", c->base_data, MAX_BYTES);
    }
    c->file = mem_node_new("image", NULL, 0);
    if (!qcow2_create(c->file, &k->options, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    m = c->file->opaque;
    c->first = g_memdup2(m->data, m->bytes);
    c->first_bytes = m->bytes;
    open_disk(c);
    c->log = m->log = mem_log_new();
}

static void crash_free(Crash *c)
{
    g_array_unref(c->log);
    bdrv_unref(c->file);
    bdrv_unref(c->base);
    g_array_unref(c->ops);
    g_ptr_array_unref(c->snaps);
    g_ptr_array_unref(c->marks);
    g_free(c->first);
    g_free(c);
}

static uint64_t one_run(const Kind *k, unsigned ops, guint every)
{
    Crash *c = g_new0(Crash, 1);
    uint64_t tried;

    crash_start(c, k);
    for (unsigned i = 0; i < ops; i++) {
        one_op(c);
    }
    qtest_close(&c->t);
    ((MemNode *)c->file->opaque)->log = NULL;
    cut_everywhere(c, every);
    tried = c->tried;
    crash_free(c);
    return tried;
}

static void test_crash(const void *data)
{
    const Kind *k = data;
    uint64_t share = wanted / G_N_ELEMENTS(kinds) + 1, tried = 0;

    if (!wanted) {
        tried = one_run(k, SHORT_OPS, 3);
    }
    while (wanted && tried < share) {
        tried += one_run(k, LONG_OPS, 1);
    }
    g_assert_true(!wanted || bitmaps_seen ||
                  !(k->extras & EXTRA_BITMAPS));
    g_test_message("%s: %" PRIu64 " images", k->name, tried);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc == 3 && g_str_equal(argv[1], "--long")) {
        wanted = strtoull(argv[2], NULL, 10);
    }
    test_loop_init();
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2/crash/%s",
                                                kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_crash);
    }
    return g_test_run();
}
