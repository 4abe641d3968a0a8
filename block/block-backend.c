/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BlockBackend: binding, facts, contexts, statistics, error policy. */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/qapi-events-block-core.h"
#include "util/main-loop.h"

BlkList blk_backends = TAILQ_HEAD_INITIALIZER(blk_backends);

static void (*stop_handler)(void);

/* ---- Creation, binding ---- */

BlockBackend *blk_new(AioContext *ctx, uint64_t perm, uint64_t shared)
{
    BlockBackend *blk = g_new0(BlockBackend, 1);

    blk->refcnt = 1;
    blk->name = g_strdup("");
    blk->ctx = ctx ? ctx : main_context();
    blk->perm = perm;
    blk->shared = shared;
    blk->write_cache = true;
    blk->account_invalid = blk->account_failed = true;
    blk->on_read_error = BLK_ON_ERROR_REPORT;
    blk->on_write_error = BLK_ON_ERROR_ENOSPC;
    g_mutex_init(&blk->stats_lock);
    g_mutex_init(&blk->queue_lock);
    g_queue_init(&blk->queued);
    TAILQ_INSERT_TAIL(&blk_backends, blk, next);
    return blk;
}

void blk_ref(BlockBackend *blk)
{
    blk->refcnt++;
}

void blk_unref(BlockBackend *blk)
{
    if (!blk || --blk->refcnt) {
        return;
    }
    blk_remove_bs(blk);
    throttle_leave(&blk->throttle);
    TAILQ_REMOVE(&blk_backends, blk, next);
    for (int i = 0; i < BLOCK_ACCT__MAX; i++) {
        g_free(blk->histograms[i].boundaries);
        g_free(blk->histograms[i].bins);
    }
    g_mutex_clear(&blk->stats_lock);
    g_mutex_clear(&blk->queue_lock);
    g_free(blk->name);
    g_free(blk);
}

BlockBackend *blk_find(const char *name)
{
    BlockBackend *blk;

    TAILQ_FOREACH(blk, &blk_backends, next) {
        if (*blk->name && g_str_equal(blk->name, name)) {
            return blk;
        }
    }
    return NULL;
}

const char *blk_get_name(const BlockBackend *blk)
{
    return blk->name;
}

bool blk_insert_bs(BlockBackend *blk, BlockDriverState *bs, Error **errp)
{
    bdrv_ref(bs);
    blk->root = bdrv_attach_child(NULL, blk, bs, "root",
                                  BDRV_CHILD_FILTERED | BDRV_CHILD_PRIMARY,
                                  blk->perm, blk->shared, errp);
    return blk->root != NULL;
}

void blk_remove_bs(BlockBackend *blk)
{
    if (blk->root) {
        blk_drain(blk);
        bdrv_detach_child(g_steal_pointer(&blk->root));
    }
}

BlockDriverState *blk_get_bs(BlockBackend *blk)
{
    return blk->root ? blk->root->bs : NULL;
}

bool blk_set_perm(BlockBackend *blk, uint64_t perm, uint64_t shared,
                  Error **errp)
{
    if (blk->root && !bdrv_child_set_perm(blk->root, perm, shared, errp)) {
        return false;
    }
    blk->perm = perm;
    blk->shared = shared;
    return true;
}

bool blk_attach_dev(BlockBackend *blk, Object *dev, Error **errp)
{
    if (blk->dev) {
        g_autofree char *path = object_get_canonical_path(blk->dev);

        error_setg(errp, "Drive '%s' is already in use by '%s'",
                   *blk->name ? blk->name :
                   blk->root ? blk->root->bs->node_name : "", path);
        return false;
    }
    blk_ref(blk);
    blk->dev = dev;
    return true;
}

void blk_detach_dev(BlockBackend *blk, Object *dev)
{
    blk->dev = NULL;
    blk->ops = NULL;
    blk_unref(blk);
}

Object *blk_get_attached_dev(BlockBackend *blk)
{
    return blk->dev;
}

void blk_set_dev_ops(BlockBackend *blk, const BlockDevOps *ops, void *opaque)
{
    blk->ops = ops;
    blk->ops_opaque = opaque;
    if (ops && ops->drained_begin &&
        __atomic_load_n(&blk->quiesce, __ATOMIC_SEQ_CST)) {
        ops->drained_begin(opaque);
    }
}

BlockDriverState *bdrv_lookup(const char *device, const char *node_name,
                              Error **errp)
{
    BlockBackend *blk = device ? blk_find(device) : NULL;
    BlockDriverState *bs = node_name ? bdrv_find_node(node_name) : NULL;

    if (blk && !blk->root) {
        error_setg(errp, "Device '%s' has no medium", device);
        return NULL;
    }
    if (!blk && !bs) {
        error_setg(errp, "Cannot find device='%s' nor node-name='%s'",
                   device ? device : "", node_name ? node_name : "");
        return NULL;
    }
    return blk ? blk->root->bs : bs;
}

/* ---- Facts ---- */

bool blk_is_available(BlockBackend *blk)
{
    return blk->root != NULL;
}

bool blk_is_writable(BlockBackend *blk)
{
    return blk->perm & BLK_PERM_WRITE;
}

bool blk_supports_write_perm(BlockBackend *blk)
{
    return blk->root && !blk->root->bs->read_only;
}

int64_t blk_get_length(BlockBackend *blk)
{
    return blk->root ? blk->root->bs->total_bytes : -ENOMEDIUM;
}

uint32_t blk_get_request_alignment(BlockBackend *blk)
{
    return blk->root ? blk->root->bs->limits.request_alignment : 512;
}

uint32_t blk_get_max_transfer(BlockBackend *blk)
{
    uint32_t max = blk->root ? blk->root->bs->limits.max_transfer : 0;

    return max ? max : BDRV_REQUEST_MAX_BYTES;
}

int blk_get_max_iov(BlockBackend *blk)
{
    return blk->root ? blk->root->bs->limits.max_iov : IOV_MAX;
}

bool blk_enable_write_cache(BlockBackend *blk)
{
    return blk->write_cache;
}

void blk_set_enable_write_cache(BlockBackend *blk, bool on)
{
    blk->write_cache = on;
}

/* ---- Contexts, draining ---- */

AioContext *blk_get_aio_context(BlockBackend *blk)
{
    return blk->ctx;
}

bool blk_set_aio_context(BlockBackend *blk, AioContext *ctx, Error **errp)
{
    blk_drain(blk);
    if (blk->root && !bdrv_set_aio_context(blk->root->bs, ctx, blk->root,
                                           errp)) {
        return false;
    }
    blk->ctx = ctx;
    return true;
}

void blk_inc_in_flight(BlockBackend *blk)
{
    __atomic_fetch_add(&blk->in_flight, 1, __ATOMIC_SEQ_CST);
}

void blk_dec_in_flight(BlockBackend *blk)
{
    if (__atomic_sub_fetch(&blk->in_flight, 1, __ATOMIC_SEQ_CST) == 0) {
        aio_wait_kick();
    }
}

unsigned blk_get_in_flight(BlockBackend *blk)
{
    return __atomic_load_n(&blk->in_flight, __ATOMIC_SEQ_CST);
}

void blk_drain(BlockBackend *blk)
{
    throttle_unlimited_begin(&blk->throttle);
    AIO_WAIT_WHILE(NULL, blk_get_in_flight(blk));
    throttle_unlimited_end(&blk->throttle);
}

void blk_root_drained_begin(BlockBackend *blk)
{
    throttle_unlimited_begin(&blk->throttle);
    if (__atomic_fetch_add(&blk->quiesce, 1, __ATOMIC_SEQ_CST) == 0 &&
        blk->ops && blk->ops->drained_begin) {
        blk->ops->drained_begin(blk->ops_opaque);
    }
}

static void wake_queued(BlockBackend *blk)
{
    Coroutine *co;

    do {
        g_mutex_lock(&blk->queue_lock);
        co = g_queue_pop_head(&blk->queued);
        g_mutex_unlock(&blk->queue_lock);
        if (co) {
            aio_co_wake(co);
        }
    } while (co);
}

void blk_root_drained_end(BlockBackend *blk)
{
    throttle_unlimited_end(&blk->throttle);
    if (__atomic_sub_fetch(&blk->quiesce, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    if (blk->ops && blk->ops->drained_end) {
        blk->ops->drained_end(blk->ops_opaque);
    }
    wake_queued(blk);
}

bool blk_root_drained_poll(BlockBackend *blk)
{
    return blk_get_in_flight(blk) ||
           (blk->ops && blk->ops->drained_poll &&
            blk->ops->drained_poll(blk->ops_opaque));
}

void blk_root_resized(BlockBackend *blk)
{
    if (blk->ops && blk->ops->resize_cb) {
        blk->ops->resize_cb(blk->ops_opaque);
    }
}

bool blk_is_held(const BlockBackend *blk)
{
    return !blk->no_queue && __atomic_load_n(&blk->quiesce, __ATOMIC_SEQ_CST);
}

/* Requests wait here while the image is drained, and count as done. */
void coroutine_fn blk_wait_while_drained(BlockBackend *blk)
{
    while (blk_is_held(blk)) {
        g_mutex_lock(&blk->queue_lock);
        if (!__atomic_load_n(&blk->quiesce, __ATOMIC_SEQ_CST)) {
            g_mutex_unlock(&blk->queue_lock);
            break;
        }
        g_queue_push_tail(&blk->queued, coroutine_self());
        g_mutex_unlock(&blk->queue_lock);
        blk_dec_in_flight(blk);
        coroutine_yield();
        blk_inc_in_flight(blk);
    }
}

/* ---- Error policy ---- */

void blk_set_on_error(BlockBackend *blk, BlkOnError on_read,
                      BlkOnError on_write)
{
    blk->on_read_error = on_read == BLK_ON_ERROR_AUTO ? BLK_ON_ERROR_REPORT :
                                                        on_read;
    blk->on_write_error = on_write == BLK_ON_ERROR_AUTO ?
                          BLK_ON_ERROR_ENOSPC : on_write;
}

BlkErrorAction blk_get_error_action(BlockBackend *blk, bool is_read, int error)
{
    switch (is_read ? blk->on_read_error : blk->on_write_error) {
    case BLK_ON_ERROR_IGNORE:
        return BLK_ERROR_IGNORE;
    case BLK_ON_ERROR_STOP:
        return BLK_ERROR_STOP;
    case BLK_ON_ERROR_ENOSPC:
        return error == ENOSPC ? BLK_ERROR_STOP : BLK_ERROR_REPORT;
    default:
        return BLK_ERROR_REPORT;
    }
}

void blk_reset_io_status_all(void)
{
    BlockBackend *blk;

    TAILQ_FOREACH(blk, &blk_backends, next) {
        blk->io_failed = blk->io_nospace = false;
    }
}

void blk_set_stop_handler(void (*stop)(void))
{
    stop_handler = stop;
}

void blk_error_action(BlockBackend *blk, BlkErrorAction action, bool is_read,
                      int error)
{
    static const BlockErrorAction wire[] = {
        [BLK_ERROR_REPORT] = BLOCK_ERROR_ACTION_REPORT,
        [BLK_ERROR_IGNORE] = BLOCK_ERROR_ACTION_IGNORE,
        [BLK_ERROR_STOP] = BLOCK_ERROR_ACTION_STOP,
    };

    if (action == BLK_ERROR_STOP) {
        if (!blk->io_failed) {
            blk->io_nospace = error == ENOSPC;
        }
        blk->io_failed = true;
    }
    qapi_event_send_block_io_error(blk->name, blk->root ?
                                   blk->root->bs->node_name : NULL,
                                   is_read ? IO_OPERATION_TYPE_READ :
                                   IO_OPERATION_TYPE_WRITE, wire[action],
                                   action == BLK_ERROR_STOP, error == ENOSPC,
                                   g_strerror(error));
    /* Last: who hears of the stop can ask why. */
    if (action == BLK_ERROR_STOP && stop_handler) {
        stop_handler();
    }
}

/* ---- Statistics ---- */

void blk_acct_start(BlockBackend *blk, BlockAcctCookie *c, int64_t bytes,
                    BlockAcctType type)
{
    c->bytes = bytes;
    c->type = type;
    c->start_ns = clock_get_ns(CLOCK_REALTIME_NS);
}

static void histogram_add(BlkHistogram *h, uint64_t ns)
{
    unsigned low = 0, high = h->num;

    if (!h->bins) {
        return;
    }
    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (ns < h->boundaries[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    h->bins[low]++;
}

static void acct_end(BlockBackend *blk, BlockAcctCookie *c, bool failed)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS);

    g_mutex_lock(&blk->stats_lock);
    if (failed) {
        blk->failed[c->type]++;
    } else {
        blk->bytes[c->type] += c->bytes;
        blk->ops_done[c->type]++;
    }
    if (!failed || blk->account_failed) {
        blk->total_ns[c->type] += now - c->start_ns;
        histogram_add(&blk->histograms[c->type], MAX(now - c->start_ns, 0));
        blk->last_access_ns = now;
    }
    g_mutex_unlock(&blk->stats_lock);
}

void blk_acct_done(BlockBackend *blk, BlockAcctCookie *c)
{
    acct_end(blk, c, false);
}

void blk_acct_failed(BlockBackend *blk, BlockAcctCookie *c)
{
    acct_end(blk, c, true);
}

void blk_acct_invalid(BlockBackend *blk, BlockAcctType type)
{
    g_mutex_lock(&blk->stats_lock);
    blk->invalid[type]++;
    if (blk->account_invalid) {
        blk->last_access_ns = clock_get_ns(CLOCK_REALTIME_NS);
    }
    g_mutex_unlock(&blk->stats_lock);
}
