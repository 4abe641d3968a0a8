/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The power cut, and what must be in the image after it. */
#include "qcow2-crash.h"

/* ---- What is left ---- */

BlockDriverState *crash_open(const Crash *c, BlockDriverState *const *files,
                             BdrvOpenFlags flags, bool read_only)
{
    BlockdevRef file = { .type = QAPI_KIND_STRING,
                         .u.reference = files[FILE_IMAGE]->node_name };
    BlockdevRef data = { .type = QAPI_KIND_STRING };
    BlockdevRefOrNull backing = { .type = QAPI_KIND_NULL };
    BlockdevQcow2Encryption luks = {
        .format = BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_LUKS,
        .u.luks.key_secret = (char *)"s",
    };
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
    o.u.qcow2.file = &file;
    o.u.qcow2.backing = &backing;
    if (files[FILE_DATA]) {
        data.u.reference = files[FILE_DATA]->node_name;
        o.u.qcow2.data_file = &data;
    }
    if (c->kind->extras & EXTRA_LUKS) {
        o.u.qcow2.encrypt = &luks;
    }
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
            (op->anything ||
             !memcmp(got, op->after + (at - op->offset), SECTOR))) {
            return true;
        }
    }
    return false;
}

/* @got: @size bytes of the disk as they are now. */
static void check_sectors(Crash *c, const uint8_t *got, int64_t size,
                          const char *where, guint cut)
{
    g_autofree uint8_t *model = g_malloc(MAX_BYTES);
    guint next;
    int64_t then = model_at(c, cut, model, &next);

    for (int64_t at = 0; at < MIN(size, then); at += SECTOR) {
        if (memcmp(got + at, model + at, SECTOR) &&
            !later_value(c, next, cut, at, got + at)) {
            g_error("%s: cut after %u: sector at 0x%" PRIx64 " of the %s is "
                    "0x%x, was 0x%x at the last flush", c->kind->name, cut, at,
                    where, got[at], model[at]);
        }
    }
}

static bool size_is_right(Crash *c, int64_t now, guint cut)
{
    g_autofree uint8_t *model = g_malloc(MAX_BYTES);
    guint next;
    bool ok = now == model_at(c, cut, model, &next);

    for (guint i = next; i < c->ops->len && op_at(c, i)->start <= cut; i++) {
        ok |= now == op_at(c, i)->size;
    }
    return ok;
}

static void check_data(Crash *c, BlockDriverState *bs, guint cut)
{
    g_autofree uint8_t *got = g_malloc0(MAX_BYTES);
    int64_t size = bdrv_get_length(bs);

    g_assert_true(size_is_right(c, size, cut));
    g_assert_cmpint(qtest_request(bs, QTEST_READ, 0, size, got), ==, 0);
    check_sectors(c, got, size, "disk", cut);
    if (c->kind->extras & EXTRA_RAW_DATA) {
        Qcow2State *s = bs->opaque;

        memset(got, 0xff, MAX_BYTES);
        g_assert_cmpint(qtest_request(s->data_file->bs, QTEST_READ, 0, size,
                                      got), ==, 0);
        check_sectors(c, got, size, "data file", cut);
    }
}

static void check_snapshots(Crash *c, BlockDriverState *const *files,
                            guint cut)
{
    g_autofree uint8_t *got = g_malloc0(MAX_BYTES);

    for (guint i = 0; i < c->snaps->len; i++) {
        Snap *s = g_ptr_array_index(c->snaps, i);
        BlockDriverState *bs;

        if (s->made > cut || s->gone <= cut) {
            continue;
        }
        bs = crash_open(c, files, 0, false);
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

static void check_bitmaps(Crash *c, BlockDriverState *const *files,
                            guint cut)
{
    g_autofree uint8_t *got = g_malloc0(MAX_BYTES);
    BlockDriverState *bs;

    if (!(c->kind->extras & EXTRA_BITMAPS)) {
        return;
    }
    bs = crash_open(c, files, 0, true);
    g_assert_cmpint(qtest_request(bs, QTEST_READ, 0, bdrv_get_length(bs), got),
                    ==, 0);
    for (BdrvDirtyBitmap *b = NULL; (b = bdrv_dirty_bitmap_next(bs, b));) {
        if (!bdrv_dirty_bitmap_inconsistent(b)) {
            check_bitmap(c, bs, b, got, cut);
            c->bitmaps_seen++;
        }
    }
    bdrv_unref(bs);
}

/* ---- Cutting ---- */

static void apply(MemNode *files, const MemLogEntry *e, bool torn)
{
    MemNode *m = &files[e->id];

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

/* What @log before @end makes of @first. @from: of each file, the first entry
 * that may be lost. */
static void leave(MemNode *left, const MemNode *first, GArray *log,
                  const guint *from, guint end, Cut how)
{
    for (int i = 0; i < FILE__MAX; i++) {
        left[i] = first[i];
        left[i].data = g_memdup2(first[i].data, first[i].allocated);
    }
    for (guint i = MIN(from[FILE_IMAGE], from[FILE_DATA]); i < end; i++) {
        const MemLogEntry *e = &g_array_index(log, MemLogEntry, i);

        /* A length is part of a journal: it does not get lost alone. */
        if (i >= from[e->id] &&
            (how == CUT_ALL || e->kind == MEM_LOG_LENGTH ||
             how == CUT_TORN || (how == CUT_SOME && g_test_rand_bit()))) {
            apply(left, e, how == CUT_TORN && e->kind == MEM_LOG_WRITE);
        }
    }
}

static void files_free(MemNode *files)
{
    for (int i = 0; i < FILE__MAX; i++) {
        g_free(files[i].data);
    }
}

/* Make in @files what a flush that ends @log before @end made durable. */
static void make_durable(MemNode *files, GArray *log, guint *from, guint end)
{
    const MemLogEntry *last = end ? &g_array_index(log, MemLogEntry, end - 1) :
                              NULL;

    if (!last || last->kind != MEM_LOG_FLUSH) {
        return;
    }
    for (; from[last->id] < end; from[last->id]++) {
        const MemLogEntry *e = &g_array_index(log, MemLogEntry,
                                              from[last->id]);

        if (e->id == last->id) {
            apply(files, e, false);
        }
    }
}

static void check_image(Crash *c, const MemNode *left, guint cut, bool again);

/* The repair in @log of @left, cut short somewhere. */
static void cut_repair(Crash *c, const MemNode *left, GArray *log, guint cut)
{
    static const guint none[FILE__MAX];
    guint n = g_test_rand_int_range(0, log->len + 1), from[FILE__MAX] = { 0 };
    MemNode durable[FILE__MAX], half[FILE__MAX];

    leave(durable, left, log, none, 0, CUT_ALL);
    for (guint i = 0; i < n; i++) {
        make_durable(durable, log, from, i + 1);
    }
    leave(half, durable, log, from, n, g_test_rand_bit() ? CUT_TORN : CUT_ALL);
    check_image(c, half, cut, false);
    files_free(half);
    files_free(durable);
}

static void log_to(BlockDriverState *const *files, GArray *log)
{
    for (int i = 0; i < FILE__MAX && files[i]; i++) {
        ((MemNode *)files[i]->opaque)->log = log;
    }
}

static void repair(Crash *c, BlockDriverState *const *files,
                   const MemNode *left, guint cut, bool again)
{
    BlockDriverState *bs = crash_open(c, files, BDRV_O_CHECK, false);
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
    log_to(files, log);
    g_assert_cmpint(bdrv_check(bs, &r, dirty ? BDRV_FIX_LEAKS |
                               BDRV_FIX_ERRORS : BDRV_FIX_LEAKS), ==, 0);
    log_to(files, NULL);
    if (dirty && again) {
        cut_repair(c, left, log, cut);
    }
    g_array_unref(log);
    g_assert_cmpint(bdrv_check(bs, &r, 0), ==, 0);
    if (r.corruptions || r.leaks) {
        g_error("%s: cut after %u: a repair leaves %" PRId64 " corruptions and "
                "%" PRId64 " leaks", c->kind->name, cut, r.corruptions,
                r.leaks);
    }
    check_data(c, bs, cut);
    bdrv_unref(bs);
}

/* @again: whether a repair is cut short, too. */
static void check_image(Crash *c, const MemNode *left, guint cut, bool again)
{
    static const char *const names[][FILE__MAX] = {
        { "half", "half-data" }, { "left", "left-data" },
    };
    BlockDriverState *files[FILE__MAX] = { NULL };

    for (int i = 0; i < FILE__MAX && c->files[i]; i++) {
        files[i] = mem_node_new(names[again][i], left[i].data, left[i].bytes);
        ((MemNode *)files[i]->opaque)->id = i;
    }
    repair(c, files, left, cut, again);
    check_snapshots(c, files, cut);
    check_bitmaps(c, files, cut);
    for (int i = 0; i < FILE__MAX && files[i]; i++) {
        bdrv_unref(files[i]);
    }
    c->tried++;
}

void crash_cut(Crash *c, guint every)
{
    static const guint none[FILE__MAX];
    guint from[FILE__MAX] = { 0 };
    MemNode durable[FILE__MAX], left[FILE__MAX];

    leave(durable, c->first, c->log, none, 0, CUT_ALL);
    for (guint cut = 0; cut <= c->log->len; cut++) {
        make_durable(durable, c->log, from, cut);
        if (cut % every == 0) {
            leave(left, durable, c->log, from, cut,
                  (cut / every) % CUT__MAX);
            check_image(c, left, cut, true);
            files_free(left);
        }
    }
    files_free(durable);
}
