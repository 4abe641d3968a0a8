/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a qcow2 node that may be others each time it is opened or
 * reopened: the caches of tables, which discards reach the file, lazy counts,
 * overlap checks. Main thread, unless said otherwise.
 */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include "util/log.h"
#include "util/main-loop.h"

/* Bytes of an L2 slice, when the user does not say; 4 KiB is a page. */
#define DEFAULT_SLICE_BYTES   (4 * KiB)
#define DEFAULT_MAX_L2_CACHE  (32 * MiB)
#define DEFAULT_CLEAN_SECONDS 600

struct Qcow2Options {
    uint64_t slice_bytes, l2_bytes, ref_bytes;
    uint64_t clean_seconds;
    unsigned overlap_check;
    bool lazy_refcounts;
    bool pass_discard[QCOW2_FREED__MAX];
    Qcow2Cache l2_cache, ref_cache;
};

/* ---- What they say ---- */

/* Which of both caches gets how much of "cache-size". */
static bool share_caches(const BlockdevOptionsQcow2 *o, uint64_t l2_needed,
                         Qcow2Options *n, Error **errp)
{
    uint64_t all = o->cache_size;

    if (o->has_l2_cache_size && o->has_refcount_cache_size) {
        error_setg(errp, "cache-size, l2-cache-size and refcount-cache-size "
                   "may not be set at the same time");
        return false;
    }
    if (o->has_l2_cache_size ? n->l2_bytes > all :
        o->has_refcount_cache_size && n->ref_bytes > all) {
        error_setg(errp, "%s may not exceed cache-size",
                   o->has_l2_cache_size ? "l2-cache-size" :
                                          "refcount-cache-size");
        return false;
    }
    if (o->has_l2_cache_size) {
        n->ref_bytes = all - n->l2_bytes;
    } else if (o->has_refcount_cache_size) {
        n->l2_bytes = all - n->ref_bytes;
    } else if (all >= l2_needed && all - l2_needed >= n->ref_bytes) {
        n->l2_bytes = l2_needed;
        n->ref_bytes = all - l2_needed;
    } else {
        n->ref_bytes = MIN(all, n->ref_bytes);
        n->l2_bytes = all - n->ref_bytes;
    }
    return true;
}

static bool parse_caches(BlockDriverState *bs, const BlockdevOptionsQcow2 *o,
                         Qcow2Options *n, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t needed = DIV_ROUND_UP(s->size, s->cluster_bytes) *
                      s->l2_entry_bytes;

    n->slice_bytes = o->has_l2_cache_entry_size ? o->l2_cache_entry_size :
                     MIN(DEFAULT_SLICE_BYTES, (uint64_t)s->cluster_bytes);
    if (n->slice_bytes < 512 || n->slice_bytes > s->cluster_bytes ||
        !IS_POWER_OF_2(n->slice_bytes)) {
        error_setg(errp, "L2 cache entry size must be a power of two between "
                   "512 and the cluster size (%u)", s->cluster_bytes);
        return false;
    }
    needed = ROUND_UP(needed, s->cluster_bytes);    /* whole tables */
    n->l2_bytes = o->has_l2_cache_size ? o->l2_cache_size :
                  MIN(needed, DEFAULT_MAX_L2_CACHE);
    n->ref_bytes = o->has_refcount_cache_size ? o->refcount_cache_size :
                   (uint64_t)QCOW2_MIN_TABLES * s->cluster_bytes;
    if (o->has_cache_size && !share_caches(o, needed, n, errp)) {
        return false;
    }
    if (n->l2_bytes / n->slice_bytes > INT32_MAX ||
        n->ref_bytes / s->cluster_bytes > INT32_MAX) {
        error_setg(errp, "%s cache size too big",
                   n->l2_bytes / n->slice_bytes > INT32_MAX ? "L2" :
                                                              "Refcount");
        return false;
    }
    return true;
}

static bool make_caches(const Qcow2State *s, Qcow2Options *n, Error **errp)
{
    if (qcow2_cache_init(&n->l2_cache, n->slice_bytes,
                         MAX(n->l2_bytes / n->slice_bytes,
                             QCOW2_MIN_TABLES)) &&
        qcow2_cache_init(&n->ref_cache, s->cluster_bytes,
                         MAX(n->ref_bytes / s->cluster_bytes,
                             QCOW2_MIN_TABLES))) {
        return true;
    }
    error_setg(errp, "Could not allocate the metadata caches");
    return false;
}

static bool parse_lazy(const Qcow2State *s, const BlockdevOptionsQcow2 *o,
                       Qcow2Options *n, Error **errp)
{
    n->lazy_refcounts = o->has_lazy_refcounts ? o->lazy_refcounts :
                        s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS;
    if (n->lazy_refcounts && s->version < 3) {
        error_setg(errp, "Lazy refcounts require a qcow2 image with at least "
                   "qemu 1.1 compatibility level");
        return false;
    }
    return true;
}

static void parse_discard(const BlockdevOptionsQcow2 *o, bool unmap,
                          Qcow2Options *n)
{
    n->pass_discard[QCOW2_FREED_ALWAYS] = true;
    n->pass_discard[QCOW2_FREED_REQUEST] =
        o->has_pass_discard_request ? o->pass_discard_request : unmap;
    n->pass_discard[QCOW2_FREED_SNAPSHOT] =
        !o->has_pass_discard_snapshot || o->pass_discard_snapshot;
    n->pass_discard[QCOW2_FREED_OTHER] =
        o->has_pass_discard_other && o->pass_discard_other;
}

static void options_free(Qcow2Options *n)
{
    if (n) {
        qcow2_cache_destroy(&n->l2_cache);
        qcow2_cache_destroy(&n->ref_cache);
        g_free(n);
    }
}

/* NULL with an error. @unmap: discards of the guest are wanted at all. */
static Qcow2Options *parse_options(BlockDriverState *bs,
                                   const BlockdevOptionsQcow2 *o, bool unmap,
                                   Error **errp)
{
    Qcow2State *s = bs->opaque;
    Qcow2Options *n = g_new0(Qcow2Options, 1);

    n->overlap_check = qcow2_overlap_mask(o->overlap_check);
    parse_discard(o, unmap, n);
    n->clean_seconds = o->has_cache_clean_interval ? o->cache_clean_interval :
                                                     DEFAULT_CLEAN_SECONDS;
    if (n->clean_seconds > UINT32_MAX) {
        error_setg(errp, "Cache clean interval too big");
    } else if (parse_lazy(s, o, n, errp) && parse_caches(bs, o, n, errp) &&
               make_caches(s, n, errp)) {
        return n;
    }
    options_free(n);
    return NULL;
}

/* ---- Tables that were not used for long ---- */

static void coroutine_fn clean_co(void *opaque)
{
    BlockDriverState *bs = opaque;
    Qcow2State *s = bs->opaque;
    unsigned left;

    co_mutex_lock(&s->lock);
    left = qcow2_cache_clean(&s->l2_cache);
    left += qcow2_cache_clean(&s->ref_cache);
    s->clean_asleep = !left;
    if (left) {
        timer_mod_ns(s->clean_timer, clock_get_ns(CLOCK_REALTIME_NS) +
                     s->clean_ns);
    }
    co_mutex_unlock(&s->lock);
    bdrv_dec_in_flight(bs);
}

static void clean_timer_fn(void *opaque)
{
    BlockDriverState *bs = opaque;

    bdrv_inc_in_flight(bs);
    aio_co_enter(bs->ctx, coroutine_create(clean_co, bs));
}

/* A table is kept again. Lock held. */
void coroutine_fn qcow2_clean_wake(Qcow2State *s)
{
    if (s->clean_asleep) {
        s->clean_asleep = false;
        timer_mod_ns(s->clean_timer, clock_get_ns(CLOCK_REALTIME_NS) +
                     s->clean_ns);
    }
}

static void set_clean_timer(BlockDriverState *bs, uint64_t seconds)
{
    Qcow2State *s = bs->opaque;

    timer_free(s->clean_timer);
    s->clean_ns = seconds * NSEC_PER_SEC;
    s->clean_timer = seconds ? timer_new_ns(main_context(), CLOCK_REALTIME_NS,
                                            clean_timer_fn, bs) : NULL;
    s->clean_asleep = seconds != 0;
}

/* ---- Opening, reopening ---- */

static void use_options(BlockDriverState *bs, Qcow2Options *n)
{
    Qcow2State *s = bs->opaque;

    qcow2_cache_destroy(&s->l2_cache);
    qcow2_cache_destroy(&s->ref_cache);
    qcow2_cache_take(&s->l2_cache, &n->l2_cache);
    qcow2_cache_take(&s->ref_cache, &n->ref_cache);
    qcow2_forget_unpacked(s);
    s->l2_slice_entries = n->slice_bytes / s->l2_entry_bytes;
    s->lazy_refcounts = n->lazy_refcounts;
    s->overlap_check = n->overlap_check;
    qcow2_overlap_forget(s);
    memcpy(s->pass_discard, n->pass_discard, sizeof(s->pass_discard));
    set_clean_timer(bs, n->clean_seconds);
    g_free(n);
}

bool qcow2_set_options(BlockDriverState *bs, const BlockdevOptionsQcow2 *o,
                       Error **errp)
{
    Qcow2Options *n = parse_options(bs, o, bs->discard_unmap, errp);

    if (n) {
        use_options(bs, n);
    }
    return n != NULL;
}

void qcow2_free_options(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    g_clear_pointer(&s->clean_timer, timer_free);
    g_clear_pointer(&s->next_options, options_free);
    qcow2_cache_destroy(&s->l2_cache);
    qcow2_cache_destroy(&s->ref_cache);
    qcow2_forget_unpacked(s);
}

static int coroutine_fn settle_co(void *opaque)
{
    BlockDriverState *bs = opaque;
    Qcow2State *s = bs->opaque;
    int ret;

    co_mutex_lock(&s->lock);
    ret = s->corrupt ? 0 : qcow2_settle(bs);
    co_mutex_unlock(&s->lock);
    return ret;
}

/* Nothing is to be written once nothing may be, nor kept in other caches. */
static int write_all(BlockDriverState *bs, bool read_only)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (bs->read_only || !(bs->file->perm & BLK_PERM_WRITE)) {
        return 0;
    }
    ret = bdrv_run(bs->ctx, read_only ? qcow2_inactivate_co : settle_co, bs);
    s->dirty_bit_set = s->incompatible & QCOW2_INCOMPAT_DIRTY;
    return ret;
}

bool qcow2_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                          Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (bs->read_only && !r->access.read_only &&
        (s->incompatible & (QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT))) {
        error_setg(errp, "'%s' was not closed, or is damaged, and is not "
                   "opened for writing", bdrv_get_filename(bs));
        error_append_hint(errp, "Check it, or close and open it again.");
        return false;
    }
    if (r->options) {
        s->next_options = parse_options(bs, &r->options->u.qcow2,
                                        r->access.discard_unmap, errp);
        if (!s->next_options) {
            return false;
        }
    }
    ret = write_all(bs, r->access.read_only);
    if (ret < 0) {
        g_clear_pointer(&s->next_options, options_free);
        error_setg_errno(errp, -ret, "Could not write the tables of '%s'",
                         bdrv_get_filename(bs));
    }
    return ret >= 0;
}

/* Bitmaps that were stored are in use again, or can be from now on. */
static void claim_bitmaps(BlockDriverState *bs)
{
    Error *err = NULL;

    if (!bs->read_only) {
        if ((bs->file->perm & BLK_PERM_WRITE) &&
            !qcow2_bitmaps_claim(bs, &err)) {
            error_report_err(err);
        }
        return;
    }
    for (BdrvDirtyBitmap *m = NULL; (m = bdrv_dirty_bitmap_next(bs, m));) {
        if (bdrv_dirty_bitmap_persistent(m)) {
            bdrv_dirty_bitmap_set_readonly(m, true);
        }
    }
}

void qcow2_reopen_commit(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    if (s->next_options) {
        use_options(bs, g_steal_pointer(&s->next_options));
    }
    claim_bitmaps(bs);
}

void qcow2_reopen_abort(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    g_clear_pointer(&s->next_options, options_free);
    claim_bitmaps(bs);
}
