/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block device, VIRTIO 1.2, 5.2: read, write, flush, get id, discard, write
 * zeroes; multi-queue, write cache toggle, resize. SCSI commands, secure erase
 * and zoned disks are not offered.
 *
 * All queues run in one AioContext, the main loop's or, with iothread=ID, an
 * iothread's without the big lock; or each in that of an iothread which
 * iothread-vq-mapping names (virtio-blk-mapping.c). Requests of a batch are submitted together;
 * completions of a batch make one interrupt. A request that fails under the
 * policy "stop" waits in a list and is repeated when the VM runs again.
 */
#include "util/osdep.h"
#include "hw/block/virtio-blk.h"
#include <linux/virtio_blk.h>
#include "block/block-backend.h"
#include "hw/core/boot-order.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio.h"
#include "system/iothread.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "virtio-blk-internal.h"
#include "trace/trace-hw_block.h"

#define BLK_SECTOR_BITS   9
#define BLK_QUEUES_AUTO   UINT16_MAX    /* one for each CPU */
#define BLK_CONFIG_LEN    offsetof(struct virtio_blk_config,                   \
                                   max_secure_erase_sectors)
/* Of one request, what the block layer takes. */
#define BLK_MAX_SECTORS   ((uint32_t)(INT32_MAX >> BLK_SECTOR_BITS))

OBJECT_DECLARE_SIMPLE_TYPE(VirtIOBlock, VIRTIO_BLK)

typedef struct VirtIOBlockReq {
    VirtQueueElement elem;
    VirtIOBlock *s;
    VirtQueue *vq;
    uint32_t type;
    int64_t offset;                 /* bytes */
    int64_t bytes;                  /* discard, zeroes */
    bool unmap;                     /* zeroes may be holes */
    uint32_t in_len;                /* bytes for the driver, with status */
    uint8_t *status;                /* in the driver's last buffer */
    IoVec data;
    BlockAcctCookie acct;
    STAILQ_ENTRY(VirtIOBlockReq) next;
} VirtIOBlockReq;

typedef struct VirtIOBlockQueue {
    VirtIOBlock *s;
    VirtQueue *vq;
    AioContext *ctx;
    AioBH *notify_bh;
    STAILQ_HEAD(, VirtIOBlockReq) stalled;  /* stalled_lock */
} VirtIOBlockQueue;

struct VirtIOBlock {
    VirtIODevice parent_obj;

    /* Properties (frozen after realize) */
    BlockConf conf;
    IOThread *iothread;
    VirtIOBlockMapping *mapping;
    char *serial;
    uint16_t num_queues, queue_size;
    uint32_t max_discard_sectors, max_write_zeroes_sectors;
    bool seg_max_adjust, report_discard_granularity, scsi, request_merging;

    /* Runtime; home of the context */
    VirtIOBlockQueue *queues;
    AioContext **contexts;          /* of the queues */
    bool readonly;
    bool original_wce;
    GMutex stalled_lock;            /* filled by the home, taken by main */
};

static void blk_submit(VirtIOBlockReq *req);

/* ---- Completion ---- */

static void blk_req_free(VirtIOBlockReq *req)
{
    iovec_destroy(&req->data);
    g_free(req);
}

static void blk_req_done(VirtIOBlockReq *req, uint8_t status)
{
    VirtIOBlock *s = req->s;

    trace_virtio_blk_req_done(s, req, status);
    *req->status = status;
    memory_mark_dirty(req->status, 1);
    virtqueue_push(req->vq, &req->elem, req->in_len);
    aio_bh_schedule(s->queues[virtio_queue_get_index(req->vq)].notify_bh);
    blk_req_free(req);
}

static void blk_notify_bh(void *opaque)
{
    VirtIOBlockQueue *q = opaque;

    virtio_notify(&q->s->parent_obj, q->vq);
}

static bool blk_req_is_read(const VirtIOBlockReq *req)
{
    return req->type == VIRTIO_BLK_T_IN;
}

static void blk_req_failed(VirtIOBlockReq *req, int error)
{
    VirtIOBlock *s = req->s;
    BlkErrorAction action = blk_get_error_action(s->conf.blk,
                                                 blk_req_is_read(req), error);

    if (action == BLK_ERROR_STOP) {
        VirtIOBlockQueue *q = &s->queues[virtio_queue_get_index(req->vq)];

        g_mutex_lock(&s->stalled_lock);
        STAILQ_INSERT_TAIL(&q->stalled, req, next);
        g_mutex_unlock(&s->stalled_lock);
        blk_error_action(s->conf.blk, action, blk_req_is_read(req), error);
        return;
    }
    blk_error_action(s->conf.blk, action, blk_req_is_read(req), error);
    if (action == BLK_ERROR_IGNORE) {
        blk_acct_done(s->conf.blk, &req->acct);
        blk_req_done(req, VIRTIO_BLK_S_OK);
    } else {
        blk_acct_failed(s->conf.blk, &req->acct);
        blk_req_done(req, VIRTIO_BLK_S_IOERR);
    }
}

static void blk_req_complete(void *opaque, int ret)
{
    VirtIOBlockReq *req = opaque;

    if (ret == -ENOTSUP && (req->type == VIRTIO_BLK_T_DISCARD ||
                            req->type == VIRTIO_BLK_T_WRITE_ZEROES)) {
        blk_acct_failed(req->s->conf.blk, &req->acct);
        blk_req_done(req, VIRTIO_BLK_S_UNSUPP);
    } else if (ret < 0) {
        blk_req_failed(req, -ret);
    } else {
        blk_acct_done(req->s->conf.blk, &req->acct);
        blk_req_done(req, VIRTIO_BLK_S_OK);
    }
}

/* ---- Requests ---- */

static void blk_submit(VirtIOBlockReq *req)
{
    BlockBackend *blk = req->s->conf.blk;

    switch (req->type) {
    case VIRTIO_BLK_T_IN:
        blk_acct_start(blk, &req->acct, req->data.size, BLOCK_ACCT_READ);
        blk_aio_preadv(blk, req->offset, &req->data, 0, blk_req_complete, req);
        break;
    case VIRTIO_BLK_T_OUT:
        blk_acct_start(blk, &req->acct, req->data.size, BLOCK_ACCT_WRITE);
        blk_aio_pwritev(blk, req->offset, &req->data, 0, blk_req_complete, req);
        break;
    case VIRTIO_BLK_T_FLUSH:
        blk_acct_start(blk, &req->acct, 0, BLOCK_ACCT_FLUSH);
        blk_aio_flush(blk, blk_req_complete, req);
        break;
    case VIRTIO_BLK_T_DISCARD:
        blk_acct_start(blk, &req->acct, req->bytes, BLOCK_ACCT_UNMAP);
        blk_aio_pdiscard(blk, req->offset, req->bytes, blk_req_complete, req);
        break;
    case VIRTIO_BLK_T_WRITE_ZEROES:
        blk_acct_start(blk, &req->acct, req->bytes, BLOCK_ACCT_WRITE);
        blk_aio_pwrite_zeroes(blk, req->offset, req->bytes,
                              req->unmap ? BDRV_REQ_MAY_UNMAP : 0,
                              blk_req_complete, req);
        break;
    }
}

/* Whether [sector, sector + bytes) is on the disk and a whole number of
 * blocks; sets req->offset. */
static bool blk_range_ok(VirtIOBlockReq *req, uint64_t sector, uint64_t bytes)
{
    VirtIOBlock *s = req->s;
    int64_t len = blk_get_length(s->conf.blk);
    uint32_t block = s->conf.logical_block_size;

    if (len < 0 || sector > (uint64_t)len >> BLK_SECTOR_BITS) {
        return false;
    }
    req->offset = sector << BLK_SECTOR_BITS;
    return IS_ALIGNED((uint64_t)req->offset, block) &&
           IS_ALIGNED(bytes, block) && range_fits(req->offset, bytes, len);
}

/*
 * The payload: what comes after the header, or before the status. Drivers use
 * descriptors of their own for these two; then the lists serve as they are.
 */
static void blk_init_data(VirtIOBlockReq *req, bool is_read)
{
    VirtQueueElement *e = &req->elem;
    const size_t hdr = sizeof(struct virtio_blk_outhdr);

    if (is_read && e->in_sg[e->in_num - 1].iov_len == 1) {
        iovec_init_external(&req->data, e->in_sg, e->in_num - 1);
    } else if (is_read) {
        iovec_init(&req->data, e->in_num);
        iovec_concat_iov(&req->data, e->in_sg, e->in_num, 0,
                         iov_size(e->in_sg, e->in_num) - 1);
    } else if (e->out_sg[0].iov_len == hdr) {
        iovec_init_external(&req->data, e->out_sg + 1, e->out_num - 1);
    } else {
        iovec_init(&req->data, e->out_num);
        iovec_concat_iov(&req->data, e->out_sg, e->out_num, hdr,
                         iov_size(e->out_sg, e->out_num) - hdr);
    }
}

static void blk_handle_rw(VirtIOBlockReq *req, uint64_t sector)
{
    VirtIOBlock *s = req->s;
    bool is_read = req->type == VIRTIO_BLK_T_IN;

    if (!is_read && s->readonly) {
        blk_req_done(req, VIRTIO_BLK_S_IOERR);
        return;
    }
    blk_init_data(req, is_read);
    /* The used length has 32 bits, and drivers of the block layer count in
     * int; the same buffer many times over can be longer. */
    if (req->data.size > (uint64_t)BLK_MAX_SECTORS << BLK_SECTOR_BITS ||
        !blk_range_ok(req, sector, req->data.size)) {
        blk_acct_invalid(s->conf.blk,
                         is_read ? BLOCK_ACCT_READ : BLOCK_ACCT_WRITE);
        blk_req_done(req, VIRTIO_BLK_S_IOERR);
        return;
    }
    req->in_len += is_read ? req->data.size : 0;
    blk_submit(req);
}

static void blk_handle_discard_zeroes(VirtIOBlockReq *req)
{
    VirtIOBlock *s = req->s;
    bool discard = req->type == VIRTIO_BLK_T_DISCARD;
    uint32_t max = discard ? s->max_discard_sectors :
                             s->max_write_zeroes_sectors;
    unsigned bit = discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES;
    struct virtio_blk_discard_write_zeroes dwz;

    if (!virtio_vdev_has_feature(&s->parent_obj, bit) ||
        iov_size(req->elem.out_sg, req->elem.out_num) !=
        sizeof(struct virtio_blk_outhdr) + sizeof(dwz)) {
        blk_req_done(req, VIRTIO_BLK_S_UNSUPP);
        return;
    }
    iov_to_buf(req->elem.out_sg, req->elem.out_num,
               sizeof(struct virtio_blk_outhdr), &dwz, sizeof(dwz));
    /* VIRTIO 1.2, 5.2.6.2: unknown flags, and unmap of a discard. */
    if ((dwz.flags & ~VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) ||
        (discard && dwz.flags)) {
        blk_req_done(req, VIRTIO_BLK_S_UNSUPP);
        return;
    }
    req->bytes = (int64_t)dwz.num_sectors << BLK_SECTOR_BITS;
    req->unmap = dwz.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
    if (s->readonly || dwz.num_sectors > max ||
        !blk_range_ok(req, dwz.sector, req->bytes)) {
        blk_acct_invalid(s->conf.blk,
                         discard ? BLOCK_ACCT_UNMAP : BLOCK_ACCT_WRITE);
        blk_req_done(req, VIRTIO_BLK_S_IOERR);
        return;
    }
    if (req->bytes == 0) {
        blk_req_done(req, VIRTIO_BLK_S_OK);
        return;
    }
    blk_submit(req);
}

static void blk_handle_get_id(VirtIOBlockReq *req)
{
    char id[VIRTIO_BLK_ID_BYTES] = { 0 };

    strncpy(id, req->s->serial ? req->s->serial : "", sizeof(id));
    blk_init_data(req, true);
    req->in_len += iovec_from_buf(&req->data, 0, id, sizeof(id));
    blk_req_done(req, VIRTIO_BLK_S_OK);
}

static void blk_handle_req(VirtIOBlockReq *req)
{
    VirtIODevice *vdev = &req->s->parent_obj;
    VirtQueueElement *e = &req->elem;
    struct virtio_blk_outhdr hdr;
    struct iovec *last = e->in_num ? &e->in_sg[e->in_num - 1] : NULL;

    if (!last || iov_to_buf(e->out_sg, e->out_num, 0, &hdr, sizeof(hdr)) <
                 sizeof(hdr)) {
        virtio_error(vdev, "request without header or status");
        virtqueue_detach(req->vq, e);
        blk_req_free(req);
        return;
    }
    req->status = (uint8_t *)last->iov_base + last->iov_len - 1;
    req->type = hdr.type & ~VIRTIO_BLK_T_BARRIER;
    req->in_len = 1;
    trace_virtio_blk_req(req->s, req, req->type, hdr.sector);

    switch (req->type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
        blk_handle_rw(req, hdr.sector);
        break;
    case VIRTIO_BLK_T_FLUSH:
        blk_submit(req);
        break;
    case VIRTIO_BLK_T_GET_ID:
        blk_handle_get_id(req);
        break;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
        blk_handle_discard_zeroes(req);
        break;
    default:
        blk_req_done(req, VIRTIO_BLK_S_UNSUPP);
        break;
    }
}

static void blk_handle_output(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);
    VirtIOBlockReq *req;

    blk_io_plug();
    do {
        virtio_queue_set_notification(vq, false);
        while ((req = virtqueue_pop(vq, sizeof(*req)))) {
            req->s = s;
            req->vq = vq;
            blk_handle_req(req);
        }
        virtio_queue_set_notification(vq, true);
    } while (!virtqueue_is_empty(vq));
    blk_io_unplug();
}

/* ---- Configuration ---- */

static uint32_t blk_discard_alignment(const VirtIOBlock *s)
{
    uint32_t g = s->conf.discard_granularity;

    if (g == 0 || g == UINT32_MAX || !s->report_discard_granularity) {
        g = s->conf.logical_block_size;
    }
    return g >> BLK_SECTOR_BITS;
}

static void blk_get_config(VirtIODevice *vdev, uint8_t *config)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);
    int64_t len = blk_get_length(s->conf.blk);
    uint32_t block = s->conf.logical_block_size;
    struct virtio_blk_config cfg = {
        .capacity = len < 0 ? 0 : ROUND_DOWN(len, block) >> BLK_SECTOR_BITS,
        .seg_max = s->seg_max_adjust ? s->queue_size - 2 : 126,
        .blk_size = block,
        .physical_block_exp =
            __builtin_ctz(MAX(s->conf.physical_block_size, block) / block),
        .min_io_size = s->conf.min_io_size / block,
        .opt_io_size = s->conf.opt_io_size / block,
        .wce = blk_enable_write_cache(s->conf.blk),
        .num_queues = s->num_queues,
        .max_discard_sectors = s->max_discard_sectors,
        .max_discard_seg = 1,
        .discard_sector_alignment = blk_discard_alignment(s),
        .max_write_zeroes_sectors = s->max_write_zeroes_sectors,
        .max_write_zeroes_seg = 1,
        .write_zeroes_may_unmap = 1,
    };

    memcpy(config, &cfg, vdev->config_len);
}

static void blk_set_config(VirtIODevice *vdev, const uint8_t *config)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    if (virtio_vdev_has_feature(vdev, VIRTIO_BLK_F_CONFIG_WCE)) {
        blk_set_enable_write_cache(s->conf.blk,
            config[offsetof(struct virtio_blk_config, wce)] & 1);
    }
}

static uint64_t blk_get_features(VirtIODevice *vdev, uint64_t f)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    f |= BIT64(VIRTIO_BLK_F_SEG_MAX) | BIT64(VIRTIO_BLK_F_TOPOLOGY) |
         BIT64(VIRTIO_BLK_F_BLK_SIZE);
    if (blk_enable_write_cache(s->conf.blk) ||
        virtio_has_feature(f, VIRTIO_BLK_F_CONFIG_WCE)) {
        f |= BIT64(VIRTIO_BLK_F_FLUSH);
    }
    if (s->readonly) {
        f |= BIT64(VIRTIO_BLK_F_RO);
        f &= ~(BIT64(VIRTIO_BLK_F_DISCARD) | BIT64(VIRTIO_BLK_F_WRITE_ZEROES));
    }
    if (s->num_queues > 1) {
        f |= BIT64(VIRTIO_BLK_F_MQ);
    }
    return f;
}

/* A driver that cannot flush gets a write-through disk (5.2.5.2). */
static void blk_set_features(VirtIODevice *vdev, uint64_t f)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    if (f == 0) {
        blk_set_enable_write_cache(s->conf.blk, s->original_wce);
    } else if (!virtio_has_feature(f, VIRTIO_BLK_F_CONFIG_WCE)) {
        blk_set_enable_write_cache(s->conf.blk,
                                   virtio_has_feature(f, VIRTIO_BLK_F_FLUSH));
    }
}

/* ---- Stop, reset, drain ---- */

static void blk_retry_in_home(void *opaque)
{
    VirtIOBlockQueue *q = opaque;
    VirtIOBlockReq *req, *next;
    STAILQ_HEAD(, VirtIOBlockReq) list = STAILQ_HEAD_INITIALIZER(list);

    g_mutex_lock(&q->s->stalled_lock);
    STAILQ_CONCAT(&list, &q->stalled);
    g_mutex_unlock(&q->s->stalled_lock);
    STAILQ_FOREACH_SAFE(req, &list, next, next) {
        blk_submit(req);
    }
}

static void blk_running(VirtIODevice *vdev, bool running)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    for (uint16_t i = 0; running && i < s->num_queues; i++) {
        VirtIOBlockQueue *q = &s->queues[i];

        if (!STAILQ_EMPTY(&q->stalled)) {
            aio_bh_schedule_oneshot(q->ctx, blk_retry_in_home, q);
        }
    }
}

static void blk_do_drain(VirtIODevice *vdev)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    blk_drain(s->conf.blk);
}

/* The queue is stopped and drained. */
static void blk_drop_stalled(VirtIOBlockQueue *q)
{
    VirtIOBlockReq *req;

    while ((req = STAILQ_FIRST(&q->stalled))) {
        STAILQ_REMOVE_HEAD(&q->stalled, next);
        virtqueue_detach(req->vq, &req->elem);
        blk_req_free(req);
    }
}

static void blk_reset(VirtIODevice *vdev)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    blk_drain(s->conf.blk);
    for (uint16_t i = 0; i < s->num_queues; i++) {
        blk_drop_stalled(&s->queues[i]);
    }
}

static void blk_queue_reset(VirtIODevice *vdev, uint32_t n)
{
    blk_drop_stalled(&VIRTIO_BLK(vdev)->queues[n]);
}

static void blk_resize_cb(void *opaque)
{
    virtio_notify_config(opaque);
}

static void blk_drained_begin(void *opaque)
{
    virtio_pause_queues(opaque);
}

static void blk_drained_end(void *opaque)
{
    virtio_resume_queues(opaque);
}

static const BlockDevOps blk_dev_ops = {
    .resize_cb = blk_resize_cb,
    .drained_begin = blk_drained_begin,
    .drained_end = blk_drained_end,
};

/* ---- Life ---- */

static bool blk_check_props(VirtIOBlock *s, Error **errp)
{
    if (s->num_queues == BLK_QUEUES_AUTO) {
        unsigned int cpus = machine_get()->smp.max_cpus;

        s->num_queues = CLAMP(cpus, 1, VIRTIO_QUEUE_MAX - 1);
    }
    if (s->num_queues == 0 || s->num_queues >= VIRTIO_QUEUE_MAX) {
        error_setg(errp, "num-queues property must be from 1 to %d, not %u",
                   VIRTIO_QUEUE_MAX - 1, s->num_queues);
        return false;
    }
    if (s->queue_size <= 2 || !IS_POWER_OF_2(s->queue_size) ||
        s->queue_size > VIRTQUEUE_MAX_SIZE) {
        error_setg(errp, "invalid queue-size property (%u), must be a power "
                   "of 2 from 4 to %d", s->queue_size, VIRTQUEUE_MAX_SIZE);
        return false;
    }
    if (s->scsi) {
        error_setg(errp, "scsi=on is not supported: it is not part of virtio "
                   "1.0");
        error_append_hint(errp, "Leave it out, or set it to off.");
        return false;
    }
    if (s->max_discard_sectors == 0 ||
        s->max_discard_sectors > BLK_MAX_SECTORS ||
        s->max_write_zeroes_sectors == 0 ||
        s->max_write_zeroes_sectors > BLK_MAX_SECTORS) {
        error_setg(errp, "max-discard-sectors and max-write-zeroes-sectors "
                   "must be from 1 to %u", BLK_MAX_SECTORS);
        return false;
    }
    return true;
}

/* The nodes are moved to where the first queue is. */
static bool blk_bind_ctx(VirtIOBlock *s, Error **errp)
{
    if (s->mapping && s->iothread) {
        error_setg(errp, "iothread and iothread-vq-mapping properties cannot "
                   "be set at the same time");
        return false;
    }
    if (s->mapping) {
        s->contexts = virtio_blk_mapping_apply(s->mapping, s->num_queues,
                                               errp);
    } else {
        s->contexts = g_new(AioContext *, s->num_queues);
        for (uint16_t i = 0; i < s->num_queues; i++) {
            s->contexts[i] = s->iothread ?
                iothread_get_aio_context(s->iothread) : main_context();
        }
    }
    if (!s->contexts) {
        return false;
    }
    if (s->contexts[0] != main_context() &&
        !blk_set_aio_context(s->conf.blk, s->contexts[0], errp)) {
        g_clear_pointer(&s->contexts, g_free);
        return false;
    }
    return true;
}

static bool blk_realize(VirtIODevice *vdev, Error **errp)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    if (!blk_check_props(s, errp) ||
        !block_conf_realize(&s->conf, OBJECT(s), &s->readonly, true, true,
                            errp)) {
        return false;
    }
    if (!boot_order_add(DEVICE(s), s->conf.bootindex, "disk@0,0", errp) ||
        !blk_bind_ctx(s, errp)) {
        boot_order_remove(DEVICE(s));
        block_conf_unrealize(&s->conf, OBJECT(s));
        return false;
    }
    s->original_wce = blk_enable_write_cache(s->conf.blk);
    g_mutex_init(&s->stalled_lock);
    virtio_init(vdev, BLK_CONFIG_LEN);
    s->queues = g_new0(VirtIOBlockQueue, s->num_queues);
    for (uint16_t i = 0; i < s->num_queues; i++) {
        VirtIOBlockQueue *q = &s->queues[i];

        q->s = s;
        q->ctx = s->contexts[i];
        STAILQ_INIT(&q->stalled);
        q->vq = virtio_add_queue(vdev, s->queue_size, blk_handle_output);
        q->notify_bh = aio_bh_new(q->ctx, blk_notify_bh, q);
        virtio_queue_set_ctx(q->vq, q->ctx == main_context() ? NULL : q->ctx);
    }
    blk_set_dev_ops(s->conf.blk, &blk_dev_ops, s);
    return true;
}

static void blk_unrealize(VirtIODevice *vdev)
{
    VirtIOBlock *s = VIRTIO_BLK(vdev);

    boot_order_remove(DEVICE(s));
    blk_set_dev_ops(s->conf.blk, NULL, NULL);
    for (uint16_t i = 0; i < s->num_queues; i++) {
        aio_bh_delete(s->queues[i].notify_bh);
    }
    virtio_cleanup(vdev);
    g_clear_pointer(&s->queues, g_free);
    if (s->contexts[0] != main_context()) {
        blk_set_aio_context(s->conf.blk, main_context(), NULL);
    }
    g_clear_pointer(&s->contexts, g_free);
    block_conf_unrealize(&s->conf, OBJECT(s));
    g_mutex_clear(&s->stalled_lock);
}

/* Requests in flight are drained, stalled ones block the migration. */
static bool blk_pre_save(void *opaque, Error **errp)
{
    VirtIOBlock *s = opaque;

    for (uint16_t i = 0; i < s->num_queues; i++) {
        if (!STAILQ_EMPTY(&s->queues[i].stalled)) {
            error_setg(errp, "requests of a stopped disk wait to be repeated");
            return false;
        }
    }
    return true;
}

static const VMStateDescription vmstate_virtio_blk = {
    .name = TYPE_VIRTIO_BLK,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = blk_pre_save,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(original_wce, VirtIOBlock),
        VMSTATE_END_OF_LIST()
    },
};

static const Property virtio_blk_props[] = {
    BLOCK_PROPS(VirtIOBlock, conf),
    PROP_STRING("serial", VirtIOBlock, serial, NULL,
                "serial number, 20 bytes are seen by the guest"),
    PROP_BIT64("config-wce", VirtIOBlock, parent_obj.host_features,
               VIRTIO_BLK_F_CONFIG_WCE, true,
               "let the driver switch the write cache"),
    PROP_BIT64("discard", VirtIOBlock, parent_obj.host_features,
               VIRTIO_BLK_F_DISCARD, true, "offer discard"),
    PROP_BIT64("write-zeroes", VirtIOBlock, parent_obj.host_features,
               VIRTIO_BLK_F_WRITE_ZEROES, true, "offer to write zeroes"),
    PROP_BOOL("report-discard-granularity", VirtIOBlock,
              report_discard_granularity, true,
              "tell the discard granularity rather than the block size"),
    PROP_UINT32("max-discard-sectors", VirtIOBlock, max_discard_sectors,
                BLK_MAX_SECTORS, "512-byte sectors in one discard"),
    PROP_UINT32("max-write-zeroes-sectors", VirtIOBlock,
                max_write_zeroes_sectors, BLK_MAX_SECTORS,
                "512-byte sectors in one request to write zeroes"),
    PROP_UINT16("num-queues", VirtIOBlock, num_queues, BLK_QUEUES_AUTO,
                "request queues, 1 to 1023; default: one for each CPU"),
    PROP_UINT16("queue-size", VirtIOBlock, queue_size, 256,
                "descriptors in a queue, a power of 2 from 4 to 1024"),
    PROP_BOOL("seg-max-adjust", VirtIOBlock, seg_max_adjust, true,
              "let a request fill the queue"),
    PROP_BOOL("request-merging", VirtIOBlock, request_merging, true,
              "accepted; requests are passed on as the driver merged them"),
    PROP_BOOL("scsi", VirtIOBlock, scsi, false,
              "only off: SCSI commands are not part of virtio 1.0"),
    PROP_LINK("iothread", VirtIOBlock, iothread, TYPE_IOTHREAD,
              "iothread object that serves the queues; default: main loop"),
    PROP_CUSTOM("iothread-vq-mapping", VirtIOBlock, mapping,
                prop_info_virtio_blk_mapping,
                "list of iothreads that share the queues: {iothread, vqs}"),
};

static void virtio_blk_class_init(ObjectClass *oc, const void *data)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);

    vdc->device_id = VIRTIO_ID_BLOCK;
    vdc->realize = blk_realize;
    vdc->unrealize = blk_unrealize;
    vdc->get_config = blk_get_config;
    vdc->set_config = blk_set_config;
    vdc->get_features = blk_get_features;
    vdc->set_features = blk_set_features;
    vdc->reset = blk_reset;
    vdc->queue_reset = blk_queue_reset;
    vdc->running = blk_running;
    vdc->drain = blk_do_drain;
    vdc->vmsd = &vmstate_virtio_blk;
    DEVICE_CLASS(oc)->categories = BIT(DEVICE_CATEGORY_STORAGE);
    device_class_set_props(DEVICE_CLASS(oc), virtio_blk_props);
}

static const TypeInfo virtio_blk_types[] = {
    {
        .name = TYPE_VIRTIO_BLK,
        .parent = TYPE_VIRTIO_DEVICE,
        .help = "disk",
        .instance_size = sizeof(VirtIOBlock),
        .class_init = virtio_blk_class_init,
    },
};
DEFINE_TYPES(virtio_blk_types)
