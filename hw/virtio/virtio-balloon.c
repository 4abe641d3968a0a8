/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory balloon, VIRTIO 1.2, 5.5: the guest hands pages to the host on
 * request, reports pages it does not use, and tells memory statistics.
 *
 * Queues: inflate, deflate, statistics, free page reporting. Free page hints
 * belong to live migration and are not offered. All queues run in the main
 * loop.
 *
 * Pages are given back to the host as they come; nothing is done on deflate,
 * the next access of the guest brings a zero page. Pages of a host page size
 * above 4 KiB are freed only when a whole one is given at once.
 */
#include "util/osdep.h"
#include "hw/virtio/virtio-balloon.h"
#include <linux/virtio_balloon.h>
#include "qapi/qapi-commands-machine.h"
#include "qapi/qapi-events-machine.h"
#include "qapi/visitor.h"
#include "hw/core/machine.h"
#include "system/ram-discard.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "trace/trace-hw_virtio.h"

#define BALLOON_PAGE_SHIFT  VIRTIO_BALLOON_PFN_SHIFT
#define BALLOON_QUEUE_SIZE  128
/* Of one buffer, which may be the same memory many times over; Linux sends
 * 256 pages and a statistic of each kind. The rest is not looked at. */
#define BALLOON_PAGES_MAX   (16 * 1024)
#define BALLOON_STATS_MAX   256

#ifndef VIRTIO_BALLOON_F_REPORTING
#define VIRTIO_BALLOON_F_REPORTING 5
#endif

static const char *const stat_names[VIRTIO_BALLOON_STATS] = {
    "stat-swap-in", "stat-swap-out", "stat-major-faults", "stat-minor-faults",
    "stat-free-memory", "stat-total-memory", "stat-available-memory",
    "stat-disk-caches", "stat-htlb-pgalloc", "stat-htlb-pgfail",
    /* Newer guests; named as Linux names them. */
    "stat-oom-kills", "stat-alloc-stalls", "stat-async-scans",
    "stat-direct-scans", "stat-async-reclaims", "stat-direct-reclaims",
};

/* ---- Inflate and deflate ---- */

static void balloon_discard(VirtIODevice *vdev, hwaddr gpa, uint64_t len)
{
    MemoryRegionSection s = memory_region_find(vdev->dma_as, gpa, len);

    if (!s.mr || s.offset_in_as != gpa || s.size < len ||
        !memory_region_is_ram(s.mr) || s.readonly) {
        guest_error("virtio-balloon", "page at 0x%" PRIx64 " is not RAM", gpa);
    } else {
        ram_block_discard(s.mr->ram_block, s.offset_in_region, len);
    }
    memory_region_section_unref(&s);
}

typedef struct PageRun {
    hwaddr start, end;              /* equal: empty */
} PageRun;

/* Runs of neighbouring pages, up or down, go in one call. */
static void balloon_inflate_page(VirtIODevice *vdev, PageRun *run, hwaddr gpa)
{
    hwaddr page = 1ULL << BALLOON_PAGE_SHIFT;

    if (gpa == run->end && run->start != run->end) {
        run->end += page;
    } else if (gpa + page == run->start) {
        run->start = gpa;
    } else {
        if (run->start != run->end) {
            balloon_discard(vdev, run->start, run->end - run->start);
        }
        run->start = gpa;
        run->end = gpa + page;
    }
}

static void balloon_inflate_elem(VirtIODevice *vdev, VirtQueueElement *elem)
{
    uint32_t pfns[256];
    PageRun run = { 0, 0 };

    for (size_t off = 0; off < BALLOON_PAGES_MAX * sizeof(pfns[0]);
         off += sizeof(pfns)) {
        size_t n = iov_to_buf(elem->out_sg, elem->out_num, off, pfns,
                              sizeof(pfns)) / sizeof(pfns[0]);

        for (size_t i = 0; i < n; i++) {
            balloon_inflate_page(vdev, &run,
                                 (hwaddr)pfns[i] << BALLOON_PAGE_SHIFT);
        }
        if (n < G_N_ELEMENTS(pfns)) {
            break;
        }
    }
    if (run.start != run.end) {
        balloon_discard(vdev, run.start, run.end - run.start);
    }
}

static void balloon_handle_pages(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);
    VirtQueueElement *elem;

    while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
        if (vq == s->inflate_vq) {
            balloon_inflate_elem(vdev, elem);
        }
        trace_virtio_balloon_pages(vdev, vq == s->inflate_vq,
                                   iov_size(elem->out_sg, elem->out_num) / 4);
        virtqueue_push(vq, elem, 0);
        g_free(elem);
    }
    virtio_notify(vdev, vq);
}

/* A page the guest poisons must keep its pattern: do not free it. */
static bool balloon_may_free_reported(VirtIOBalloon *s)
{
    return !virtio_vdev_has_feature(&s->parent_obj,
                                    VIRTIO_BALLOON_F_PAGE_POISON) ||
           s->poison_val == 0;
}

static void balloon_handle_reporting(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);
    VirtQueueElement *elem;

    while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
        for (uint32_t i = 0; i < elem->in_num; i++) {
            uint64_t offset;
            RamBlock *rb;

            rcu_read_lock();
            rb = ram_block_from_host(elem->in_sg[i].iov_base, &offset);
            if (rb && balloon_may_free_reported(s)) {
                ram_block_discard(rb, offset, elem->in_sg[i].iov_len);
            }
            rcu_read_unlock();
        }
        virtqueue_push(vq, elem, 0);
        g_free(elem);
    }
    virtio_notify(vdev, vq);
}

/* ---- Statistics ---- */

static void balloon_stats_arm(VirtIOBalloon *s)
{
    if (s->stats_interval_s) {
        timer_mod_ns(&s->stats_timer, clock_get_ns(CLOCK_VIRTUAL) +
                     s->stats_interval_s * NSEC_PER_SEC);
    }
}

/* All ones is "not known": clients leave such a value out. */
static void balloon_stats_forget(VirtIOBalloon *s)
{
    for (int i = 0; i < VIRTIO_BALLOON_STATS; i++) {
        s->stats[i] = UINT64_MAX;
    }
}

/* The guest keeps one buffer in the queue; giving it back asks for new data. */
static void balloon_handle_stats(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);
    VirtQueueElement *elem = virtqueue_pop(vq, sizeof(*elem));
    struct virtio_balloon_stat stats[BALLOON_STATS_MAX];
    size_t n;

    if (!elem) {
        return;
    }
    if (s->stats_elem) {
        guest_error("virtio-balloon", "more than one statistics buffer");
        virtqueue_push(vq, s->stats_elem, 0);
        g_free(s->stats_elem);
    }
    s->stats_elem = elem;
    balloon_stats_forget(s);
    n = iov_to_buf(elem->out_sg, elem->out_num, 0, stats, sizeof(stats)) /
        sizeof(stats[0]);
    for (size_t i = 0; i < n; i++) {
        if (stats[i].tag < VIRTIO_BALLOON_STATS) {
            s->stats[stats[i].tag] = stats[i].val;
        }
    }
    s->stats_last_update_s = g_get_real_time() / G_USEC_PER_SEC;
    balloon_stats_arm(s);
}

static void balloon_stats_timer(void *opaque)
{
    VirtIOBalloon *s = opaque;

    if (!s->stats_elem) {
        balloon_stats_arm(s);
        return;
    }
    virtqueue_push(s->stats_vq, s->stats_elem, 0);
    virtio_notify(&s->parent_obj, s->stats_vq);
    g_clear_pointer(&s->stats_elem, g_free);
}

static bool balloon_get_stats(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(obj);
    bool ok;

    if (!visit_start_struct(v, name, NULL, 0, errp)) {
        return false;
    }
    ok = visit_type_int64(v, "last-update", &s->stats_last_update_s, errp) &&
         visit_start_struct(v, "stats", NULL, 0, errp);
    for (int i = 0; ok && i < VIRTIO_BALLOON_STATS; i++) {
        ok = visit_type_uint64(v, stat_names[i], &s->stats[i], errp);
    }
    if (ok) {
        visit_end_struct(v);
    }
    visit_end_struct(v);
    return ok;
}

static bool balloon_get_interval(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    return visit_type_int64(v, name, &VIRTIO_BALLOON(obj)->stats_interval_s,
                            errp);
}

static bool balloon_set_interval(Object *obj, Visitor *v, const char *name,
                                 void *opaque, Error **errp)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(obj);
    int64_t val;

    if (!visit_type_int64(v, name, &val, errp)) {
        return false;
    }
    if (val < 0 || val > UINT32_MAX) {
        error_setg(errp, "property '%s' takes 0 to %u seconds, not %" PRId64,
                   name, UINT32_MAX, val);
        return false;
    }
    s->stats_interval_s = val;
    if (s->stats_timer.cb) {
        timer_del(&s->stats_timer);
        balloon_stats_arm(s);
    }
    return true;
}

/* ---- Configuration ---- */

static void balloon_get_config(VirtIODevice *vdev, uint8_t *config)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);
    struct virtio_balloon_config cfg = {
        .num_pages = s->num_pages,
        .actual = s->actual,
        .poison_val = s->poison_val,
    };

    memcpy(config, &cfg, vdev->config_len);
}

static uint64_t balloon_guest_bytes(const VirtIOBalloon *s)
{
    uint64_t ram = machine_get()->ram_size;
    uint64_t given = (uint64_t)s->actual << BALLOON_PAGE_SHIFT;

    return ram - MIN(given, ram);
}

static void balloon_set_config(VirtIODevice *vdev, const uint8_t *config)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);
    struct virtio_balloon_config cfg = { 0 };
    uint32_t old = s->actual;

    memcpy(&cfg, config, vdev->config_len);
    s->actual = cfg.actual;
    if (virtio_vdev_has_feature(vdev, VIRTIO_BALLOON_F_PAGE_POISON)) {
        s->poison_val = cfg.poison_val;
    }
    if (s->actual != old) {
        qapi_event_send_balloon_change(balloon_guest_bytes(s));
    }
}

static uint64_t balloon_get_features(VirtIODevice *vdev, uint64_t features)
{
    return features | BIT64(VIRTIO_BALLOON_F_STATS_VQ);
}

/* The statistics buffer goes back to the ring, from which it is read again when
 * the device runs: after migration on the other side. */
static void balloon_running(VirtIODevice *vdev, bool running)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);

    if (!running && s->stats_elem) {
        virtqueue_unpop(s->stats_vq, s->stats_elem);
        g_clear_pointer(&s->stats_elem, g_free);
    }
}

static void balloon_reset(VirtIODevice *vdev)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);

    timer_del(&s->stats_timer);
    s->actual = 0;
    s->poison_val = 0;
}

/* ---- QMP ---- */

static VirtIOBalloon *balloon_find(Error **errp)
{
    Object *obj = object_resolve_path_type("", TYPE_VIRTIO_BALLOON, NULL);

    if (!obj) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_ACTIVE,
                  "No balloon device has been activated");
        return NULL;
    }
    return VIRTIO_BALLOON(obj);
}

bool qmp_balloon(int64_t value, Error **errp)
{
    VirtIOBalloon *s = balloon_find(errp);
    uint64_t ram = machine_get()->ram_size;

    if (!s) {
        return false;
    }
    if (value <= 0) {
        error_setg(errp, "Parameter 'target' expects a size");
        return false;
    }
    s->num_pages = (ram - MIN((uint64_t)value, ram)) >> BALLOON_PAGE_SHIFT;
    virtio_notify_config(&s->parent_obj);
    trace_virtio_balloon_target(s, value, s->num_pages);
    return true;
}

BalloonInfo *qmp_query_balloon(Error **errp)
{
    VirtIOBalloon *s = balloon_find(errp);
    BalloonInfo *info;

    if (!s) {
        return NULL;
    }
    info = g_new0(BalloonInfo, 1);
    info->actual = balloon_guest_bytes(s);
    return info;
}

/* ---- Life ---- */

static bool balloon_post_load(void *opaque, int version_id, Error **errp)
{
    balloon_stats_arm(opaque);
    return true;
}

static const VMStateDescription vmstate_balloon = {
    .name = "virtio-balloon-device",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = balloon_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(num_pages, VirtIOBalloon),
        VMSTATE_UINT32(actual, VirtIOBalloon),
        VMSTATE_UINT32(poison_val, VirtIOBalloon),
        VMSTATE_END_OF_LIST()
    },
};

static bool balloon_realize(VirtIODevice *vdev, Error **errp)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);
    bool poison = virtio_has_feature(vdev->host_features,
                                     VIRTIO_BALLOON_F_PAGE_POISON);

    if (object_resolve_path_type("", TYPE_VIRTIO_BALLOON, NULL) !=
        OBJECT(vdev)) {
        error_setg(errp, "Only one balloon device is supported");
        return false;
    }
    virtio_init(vdev, poison ? sizeof(struct virtio_balloon_config) :
                offsetof(struct virtio_balloon_config, free_page_hint_cmd_id));
    s->inflate_vq = virtio_add_queue(vdev, BALLOON_QUEUE_SIZE,
                                     balloon_handle_pages);
    s->deflate_vq = virtio_add_queue(vdev, BALLOON_QUEUE_SIZE,
                                     balloon_handle_pages);
    s->stats_vq = virtio_add_queue(vdev, BALLOON_QUEUE_SIZE,
                                   balloon_handle_stats);
    if (virtio_has_feature(vdev->host_features, VIRTIO_BALLOON_F_REPORTING)) {
        s->reporting_vq = virtio_add_queue(vdev, BALLOON_QUEUE_SIZE,
                                           balloon_handle_reporting);
    }
    balloon_stats_forget(s);
    timer_init_ns(&s->stats_timer, main_context(), CLOCK_VIRTUAL,
                  balloon_stats_timer, s);
    return true;
}

static void balloon_unrealize(VirtIODevice *vdev)
{
    VirtIOBalloon *s = VIRTIO_BALLOON(vdev);

    timer_del(&s->stats_timer);
    s->stats_timer.cb = NULL;
    virtio_cleanup(vdev);
}

static const Property balloon_props[] = {
    PROP_BIT64("deflate-on-oom", VirtIOBalloon, parent_obj.host_features,
               VIRTIO_BALLOON_F_DEFLATE_ON_OOM, false,
               "let the guest take pages back when it runs out of memory"),
    PROP_BIT64("free-page-reporting", VirtIOBalloon, parent_obj.host_features,
               VIRTIO_BALLOON_F_REPORTING, false,
               "let the guest report pages it does not use"),
    PROP_BIT64("page-poison", VirtIOBalloon, parent_obj.host_features,
               VIRTIO_BALLOON_F_PAGE_POISON, true,
               "let the guest tell the pattern it fills free pages with"),
};

static void balloon_class_init(ObjectClass *oc, const void *data)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);

    vdc->device_id = VIRTIO_ID_BALLOON;
    vdc->realize = balloon_realize;
    vdc->unrealize = balloon_unrealize;
    vdc->get_features = balloon_get_features;
    vdc->get_config = balloon_get_config;
    vdc->set_config = balloon_set_config;
    vdc->reset = balloon_reset;
    vdc->running = balloon_running;
    vdc->vmsd = &vmstate_balloon;
    DEVICE_CLASS(oc)->categories = BIT(DEVICE_CATEGORY_MISC);
    device_class_set_props(DEVICE_CLASS(oc), balloon_props);
    object_class_property_add(oc, "guest-stats", "guest statistics",
                              "memory statistics the guest sent last, bytes",
                              balloon_get_stats, NULL, NULL);
    object_class_property_add(oc, "guest-stats-polling-interval", "int",
                              "seconds between requests for statistics, 0 = "
                              "never", balloon_get_interval,
                              balloon_set_interval, NULL);
}

static const TypeInfo balloon_types[] = {
    {
        .name = TYPE_VIRTIO_BALLOON,
        .parent = TYPE_VIRTIO_DEVICE,
        .help = "gives memory of the guest back to the host",
        .instance_size = sizeof(VirtIOBalloon),
        .class_init = balloon_class_init,
    },
};
DEFINE_TYPES(balloon_types)
