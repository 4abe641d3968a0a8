/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check and repair. See qcow2-check-internal.h for the parts and for memory.
 *
 * Order of a repair: counts first, then the flags that follow from them, then
 * the bits in the header that say the image is not to be trusted. Where tables
 * cannot be read, clusters that nothing seems to use are left alone: they may
 * be what those tables had.
 */
#include "util/osdep.h"
#include "qcow2-check-internal.h"
#include "util/log.h"

void qcow2_check_say(Qcow2Check *c, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    if (c->quiet || ++c->lines > QCOW2_CHECK_MAX_LINES) {
        return;
    }
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_printf("%s\n", text);
    if (c->lines == QCOW2_CHECK_MAX_LINES) {
        error_printf("(what else is found is only counted)\n");
    }
}

static int coroutine_fn repair_counts(Qcow2Check *c)
{
    int ret;

    if (!c->rebuild) {
        return 0;
    }
    if (!qcow2_check_fixes(c, BDRV_FIX_ERRORS)) {
        if (c->fix) {
            qcow2_check_say(c, "ERROR need to rebuild refcount structures");
        }
        return 0;
    }
    if (c->unsure) {
        qcow2_check_say(c, "ERROR the refcount structures cannot be rebuilt "
                        "while tables cannot be read");
        return 0;
    }
    ret = qcow2_check_rebuild(c);
    return ret;
}

/* Nothing is wrong with it any more. */
static int coroutine_fn clear_bits(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    const uint64_t bits = QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT;
    int ret = bdrv_co_flush(c->bs->file->bs);

    if (ret < 0 || c->r->check_errors || c->r->corruptions || !c->fix) {
        return ret;
    }
    s->corrupt = false;
    if (!(s->incompatible & bits)) {
        return 0;
    }
    s->incompatible &= ~bits;
    ret = qcow2_write_header(c->bs);
    if (ret >= 0) {
        s->dirty_bit_set = false;
        ret = bdrv_co_flush(c->bs->file->bs);
    }
    return ret;
}

static int coroutine_fn run_check(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    int ret = qcow2_check_walk(c);

    ret = ret < 0 ? ret : qcow2_check_own(c);
    ret = ret < 0 ? ret : qcow2_check_compare(c);
    ret = ret < 0 ? ret : repair_counts(c);
    ret = ret < 0 ? ret : qcow2_check_flags(c);
    ret = ret < 0 ? ret : clear_bits(c);
    c->r->image_end_offset = c->end_cluster << s->cluster_bits;
    if (c->fix) {
        s->free_hint = 0;
        s->free_byte = 0;
    }
    return ret;
}

/* What is in memory goes out first, so that only the file counts. */
static int coroutine_fn start_check(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    if ((bs->file->perm & BLK_PERM_WRITE) && !s->corrupt) {
        ret = qcow2_flush(bs);
        ret = ret < 0 ? ret : qcow2_write_counts(bs);
    }
    qcow2_cache_forget_all(&s->l2_cache);
    qcow2_cache_forget_all(&s->ref_cache);
    return ret;
}

static int coroutine_fn prepare(Qcow2Check *c, BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = start_check(bs);

    c->bs = bs;
    c->file_bytes = bs->file->bs->total_bytes;
    c->l2 = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    c->l2_order = g_array_new(FALSE, FALSE, sizeof(Qcow2L2Ref *));
    c->tables = g_hash_table_new(NULL, NULL);
    c->own = g_array_new(FALSE, FALSE, sizeof(Qcow2Range));
    qcow2_counts_init(&c->counts, s);
    c->r->total_clusters = qcow2_clusters(s, s->size);
    if (ret < 0) {
        c->r->check_errors++;
    }
    return ret;
}

static void destroy(Qcow2Check *c)
{
    g_array_unref(c->own);
    g_hash_table_unref(c->tables);
    g_array_unref(c->l2_order);
    g_hash_table_unref(c->l2);
    qcow2_counts_destroy(&c->counts);
}

int coroutine_fn qcow2_check_locked(BlockDriverState *bs,
                                    BdrvCheckResult *result, int fix)
{
    Qcow2State *s = bs->opaque;
    Qcow2Check c = { .r = result, .fix = fix };
    bool corrupt = s->corrupt;
    int ret = prepare(&c, bs);

    /* A repair is what may be written to a corrupt image. */
    s->corrupt = corrupt && !fix;
    ret = ret < 0 ? ret : run_check(&c);
    s->corrupt = s->incompatible & QCOW2_INCOMPAT_CORRUPT ||
                 (corrupt && (ret < 0 || result->corruptions));
    s->corrupt_told &= s->corrupt;
    destroy(&c);
    return ret;
}

/* ---- Another width ---- */

static int coroutine_fn rebuild_with(Qcow2Check *c, unsigned order,
                                     Error **errp)
{
    Qcow2State *s = c->bs->opaque;
    unsigned old = s->refcount_order;
    uint64_t max = order == 6 ? INT64_MAX : (1ULL << (1u << order)) - 1;
    uint64_t cluster, count;
    int ret;

    if (qcow2_counts_find_above(&c->counts, max, &cluster, &count)) {
        error_setg(errp, "Cannot decrease refcount entry width to %u bits: "
                   "Cluster at offset 0x%" PRIx64 " has a refcount of %" PRIu64,
                   1u << order, cluster << s->cluster_bits, count);
        return -EINVAL;
    }
    qcow2_set_width(s, order);
    ret = qcow2_check_rebuild(c);
    if (ret < 0) {
        qcow2_set_width(s, old);
        qcow2_cache_forget_all(&s->ref_cache);
        error_setg_errno(errp, -ret, "Could not write the new refcount "
                         "structures");
    }
    return ret;
}

int coroutine_fn qcow2_change_width(BlockDriverState *bs, unsigned order,
                                    Error **errp)
{
    BdrvCheckResult r = { 0 };
    Qcow2Check c = { .r = &r, .quiet = true };
    int ret = prepare(&c, bs);

    ret = ret < 0 ? ret : qcow2_check_walk(&c);
    ret = ret < 0 ? ret : qcow2_check_own(&c);
    if (ret < 0 || r.corruptions) {
        error_setg_errno(errp, ret < 0 ? -ret : EIO, "Cannot change the "
                         "refcount width of a damaged image");
        ret = ret < 0 ? ret : -EIO;
    } else {
        ret = rebuild_with(&c, order, errp);
    }
    destroy(&c);
    return ret;
}

/* ---- The driver's ---- */

int coroutine_fn qcow2_co_check(BlockDriverState *bs, BdrvCheckResult *result,
                                int fix)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (fix && bs->read_only) {
        return -EROFS;
    }
    co_mutex_lock(&s->lock);
    ret = qcow2_check_locked(bs, result, fix);
    co_mutex_unlock(&s->lock);
    return ret;
}
