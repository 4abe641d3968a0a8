/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio driver for qtests, and its PCI transport. VirtIO 1.2, 4.1. */
#include "util/osdep.h"
#include "qtest-virtio.h"

#define VIRTIO_VENDOR       0x1af4
#define VIRTIO_DEVICE_BASE  0x1040
#define CAP_VENDOR          0x09

/* struct virtio_pci_cap, 4.1.4 */
#define VCAP_TYPE           3
#define VCAP_BAR            4
#define VCAP_OFFSET         8
#define VCAP_LENGTH         12
#define VCAP_MULTIPLIER     16

enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE };

static void qvirtio_take_cap(QVirtio *v, uint8_t cap)
{
    QPciDevice *pci = v->pci;
    QVirtioWindow w = {
        .bar = qpci_config_readb(pci, cap + VCAP_BAR),
        .offset = qpci_config_readl(pci, cap + VCAP_OFFSET),
        .length = qpci_config_readl(pci, cap + VCAP_LENGTH),
    };

    switch (qpci_config_readb(pci, cap + VCAP_TYPE)) {
    case CFG_COMMON:
        v->common = w;
        break;
    case CFG_NOTIFY:
        v->notify = w;
        v->notify_multiplier = qpci_config_readl(pci, cap + VCAP_MULTIPLIER);
        break;
    case CFG_ISR:
        v->isr = w;
        break;
    case CFG_DEVICE:
        v->device = w;
        break;
    default:
        return;
    }
    qpci_map_bar(pci, w.bar);
}

/* ---- The common configuration ---- */

static uint32_t common_readl(QVirtio *v, unsigned int reg)
{
    return qpci_bar_readl(v->pci, v->common.bar, v->common.offset + reg);
}

static void common_writel(QVirtio *v, unsigned int reg, uint32_t val)
{
    qpci_bar_writel(v->pci, v->common.bar, v->common.offset + reg, val);
}

static uint16_t common_readw(QVirtio *v, unsigned int reg)
{
    return qpci_bar_readw(v->pci, v->common.bar, v->common.offset + reg);
}

static void common_writew(QVirtio *v, unsigned int reg, uint16_t val)
{
    qpci_bar_writew(v->pci, v->common.bar, v->common.offset + reg, val);
}

/* 64-bit registers take two accesses, 4.1.3.1. */
static void common_writeq(QVirtio *v, unsigned int reg, uint64_t val)
{
    common_writel(v, reg, val);
    common_writel(v, reg + 4, val >> 32);
}

static uint8_t pci_get_status(QVirtio *v)
{
    return qpci_bar_readb(v->pci, v->common.bar,
                          v->common.offset + QVIRTIO_COMMON_STATUS);
}

static void pci_set_status(QVirtio *v, uint8_t status)
{
    qpci_bar_writeb(v->pci, v->common.bar,
                    v->common.offset + QVIRTIO_COMMON_STATUS, status);
}

static uint32_t pci_get_features(QVirtio *v, bool high)
{
    common_writel(v, QVIRTIO_COMMON_DFSELECT, high);
    return common_readl(v, QVIRTIO_COMMON_DF);
}

static void pci_set_features(QVirtio *v, bool high, uint32_t val)
{
    common_writel(v, QVIRTIO_COMMON_GFSELECT, high);
    common_writel(v, QVIRTIO_COMMON_GF, val);
}

unsigned int qvirtio_num_queues(QVirtio *v)
{
    return common_readw(v, QVIRTIO_COMMON_NUMQ);
}

void qvirtio_enable_msix(QVirtio *v)
{
    qpci_msix_enable(v->pci);
    v->msix = true;
    v->config_vector_addr = qpci_msix_arm(v->pci, 0);
    common_writew(v, QVIRTIO_COMMON_MSIX, 0);
    g_assert_cmpuint(common_readw(v, QVIRTIO_COMMON_MSIX), ==, 0);
}

static uint32_t pci_device_read(QVirtio *v, unsigned int offset,
                                unsigned int size)
{
    uint64_t at = v->device.offset + offset;

    return size == 1 ? qpci_bar_readb(v->pci, v->device.bar, at) :
           size == 2 ? qpci_bar_readw(v->pci, v->device.bar, at) :
                       qpci_bar_readl(v->pci, v->device.bar, at);
}

static void pci_device_write(QVirtio *v, unsigned int offset, uint32_t val,
                             unsigned int size)
{
    if (size == 1) {
        qpci_bar_writeb(v->pci, v->device.bar, v->device.offset + offset, val);
    } else {
        qpci_bar_writel(v->pci, v->device.bar, v->device.offset + offset, val);
    }
}

static uint16_t pci_queue_max(QVirtQueue *q)
{
    common_writew(q->v, QVIRTIO_COMMON_Q_SELECT, q->index);
    return common_readw(q->v, QVIRTIO_COMMON_Q_SIZE);
}

static void pci_queue_enable(QVirtQueue *q)
{
    QVirtio *v = q->v;

    q->notify_offset = v->notify.offset + v->notify_multiplier *
                       common_readw(v, QVIRTIO_COMMON_Q_NOFF);
    common_writew(v, QVIRTIO_COMMON_Q_SIZE, q->size);
    common_writeq(v, QVIRTIO_COMMON_Q_DESC, q->desc);
    common_writeq(v, QVIRTIO_COMMON_Q_AVAIL, q->avail);
    common_writeq(v, QVIRTIO_COMMON_Q_USED, q->used);
    if (v->msix && q->index + 1u < v->pci->msix_vectors) {
        q->vector_addr = qpci_msix_arm(v->pci, q->index + 1);
        common_writew(v, QVIRTIO_COMMON_Q_MSIX, q->index + 1);
        g_assert_cmpuint(common_readw(v, QVIRTIO_COMMON_Q_MSIX), ==,
                         q->index + 1);
    }
    common_writew(v, QVIRTIO_COMMON_Q_ENABLE, 1);
}

static void pci_kick(QVirtQueue *q)
{
    qpci_bar_writew(q->v->pci, q->v->notify.bar, q->notify_offset, q->index);
}

static const QVirtioOps pci_ops = {
    .get_status = pci_get_status,
    .set_status = pci_set_status,
    .get_features = pci_get_features,
    .set_features = pci_set_features,
    .config_read = pci_device_read,
    .config_write = pci_device_write,
    .queue_max = pci_queue_max,
    .queue_enable = pci_queue_enable,
    .kick = pci_kick,
};

/* ---- The device ---- */

void qvirtio_init(QVirtio *v, QPci *pci, uint16_t virtio_id, int nth)
{
    uint8_t cap = 0;

    memset(v, 0, sizeof(*v));
    v->ops = &pci_ops;
    v->qts = pci->qts;
    v->pci = qpci_find(pci, VIRTIO_VENDOR, VIRTIO_DEVICE_BASE + virtio_id,
                       nth);
    g_assert_nonnull(v->pci);
    qpci_enable(v->pci);
    while ((cap = qpci_find_cap(v->pci, CAP_VENDOR, cap)) != 0) {
        qvirtio_take_cap(v, cap);
    }
    g_assert_cmpuint(v->common.length, >=, QVIRTIO_COMMON_Q_NDATA);
    g_assert_cmpuint(v->notify.length, >, 0);
    qvirtio_greet(v);
}

void qvirtio_clear(QVirtio *v)
{
    qvirtio_reset(v);
    if (v->pci) {
        qpci_free(v->pci);
        v->pci = NULL;
    }
}

uint8_t qvirtio_get_status(QVirtio *v)
{
    return v->ops->get_status(v);
}

void qvirtio_set_status(QVirtio *v, uint8_t status)
{
    v->ops->set_status(v, status);
}

void qvirtio_reset(QVirtio *v)
{
    qvirtio_set_status(v, 0);
    QTEST_WAIT(v->qts, qvirtio_get_status(v) == 0);
}

void qvirtio_greet(QVirtio *v)
{
    qvirtio_reset(v);
    qvirtio_set_status(v, QVIRTIO_ACKNOWLEDGE);
    qvirtio_set_status(v, QVIRTIO_ACKNOWLEDGE | QVIRTIO_DRIVER);
}

uint64_t qvirtio_device_features(QVirtio *v)
{
    uint64_t low = v->ops->get_features(v, false);

    return low | (uint64_t)v->ops->get_features(v, true) << 32;
}

void qvirtio_negotiate(QVirtio *v, uint64_t wanted)
{
    v->features = qvirtio_device_features(v) & wanted;
    g_assert_true(v->features & QVIRTIO_VERSION_1);
    v->ops->set_features(v, false, v->features);
    v->ops->set_features(v, true, v->features >> 32);
    qvirtio_set_status(v, qvirtio_get_status(v) | QVIRTIO_FEATURES_OK);
    g_assert_true(qvirtio_get_status(v) & QVIRTIO_FEATURES_OK);
}

void qvirtio_driver_ok(QVirtio *v)
{
    qvirtio_set_status(v, qvirtio_get_status(v) | QVIRTIO_DRIVER_OK);
}

uint8_t qvirtio_config_readb(QVirtio *v, unsigned int offset)
{
    return v->ops->config_read(v, offset, 1);
}

uint16_t qvirtio_config_readw(QVirtio *v, unsigned int offset)
{
    return v->ops->config_read(v, offset, 2);
}

uint32_t qvirtio_config_readl(QVirtio *v, unsigned int offset)
{
    return v->ops->config_read(v, offset, 4);
}

uint64_t qvirtio_config_readq(QVirtio *v, unsigned int offset)
{
    return qvirtio_config_readl(v, offset) |
           (uint64_t)qvirtio_config_readl(v, offset + 4) << 32;
}

void qvirtio_config_writeb(QVirtio *v, unsigned int offset, uint8_t val)
{
    v->ops->config_write(v, offset, val, 1);
}

void qvirtio_config_writel(QVirtio *v, unsigned int offset, uint32_t val)
{
    v->ops->config_write(v, offset, val, 4);
}

/* ---- Queues ---- */

void qvirtio_queue_setup(QVirtio *v, QVirtQueue *q, uint16_t index,
                         uint16_t size)
{
    uint16_t max;

    memset(q, 0, sizeof(*q));
    q->v = v;
    q->index = index;
    max = v->ops->queue_max(q);
    g_assert_cmpuint(max, >, 0);
    q->size = size ? size : max;
    q->desc = qtest_alloc(v->qts, 16 * q->size, 16);
    q->avail = qtest_alloc(v->qts, 6 + 2 * q->size, 2);
    q->used = qtest_alloc(v->qts, 6 + 8 * q->size, 4);
    v->ops->queue_enable(q);
}

static void write_desc_at(QTest *qts, uint64_t at, const QVirtBuf *buf,
                          uint16_t flags, uint16_t next)
{
    struct {
        uint64_t addr;
        uint32_t len;
        uint16_t flags, next;
    } PACKED desc = { buf->addr, buf->len, flags, next };

    qtest_memwrite(qts, at, &desc, sizeof(desc));
}

void qvq_write_desc(QVirtQueue *q, uint16_t slot, const QVirtBuf *buf,
                    uint16_t flags, uint16_t next)
{
    write_desc_at(q->v->qts, q->desc + 16 * slot, buf, flags, next);
}

void qvq_set_avail_idx(QVirtQueue *q, uint16_t idx)
{
    q->avail_idx = idx;
    qtest_writew(q->v->qts, q->avail + 2, idx);
}

void qvq_make_available(QVirtQueue *q, uint16_t head)
{
    qtest_writew(q->v->qts, q->avail + 4 + 2 * (q->avail_idx % q->size), head);
    qvq_set_avail_idx(q, q->avail_idx + 1);
}

static uint16_t buf_flags(const QVirtBuf *buf, bool last)
{
    return (buf->device_writes ? QVIRTQ_WRITE : 0) | (last ? 0 : QVIRTQ_NEXT);
}

uint16_t qvq_add(QVirtQueue *q, const QVirtBuf *bufs, unsigned int n)
{
    uint16_t head = q->next_desc;
    unsigned int i;

    g_assert_cmpuint(n, <=, q->size);
    for (i = 0; i < n; i++) {
        uint16_t slot = q->next_desc;

        q->next_desc = (q->next_desc + 1) % q->size;
        qvq_write_desc(q, slot, &bufs[i], buf_flags(&bufs[i], i == n - 1),
                       q->next_desc);
    }
    qvq_make_available(q, head);
    return head;
}

uint16_t qvq_add_indirect(QVirtQueue *q, const QVirtBuf *bufs, unsigned int n)
{
    QVirtBuf table = { .addr = qtest_alloc(q->v->qts, 16 * n, 16),
                       .len = 16 * n };
    uint16_t head = q->next_desc;
    unsigned int i;

    for (i = 0; i < n; i++) {
        write_desc_at(q->v->qts, table.addr + 16 * i, &bufs[i],
                      buf_flags(&bufs[i], i == n - 1), i + 1);
    }
    q->next_desc = (q->next_desc + 1) % q->size;
    qvq_write_desc(q, head, &table, QVIRTQ_INDIRECT, 0);
    qvq_make_available(q, head);
    return head;
}

uint16_t qvq_get_used_idx(QVirtQueue *q)
{
    return qtest_readw(q->v->qts, q->used + 2);
}

void qvq_set_used_event(QVirtQueue *q, uint16_t idx)
{
    qtest_writew(q->v->qts, q->avail + 4 + 2 * q->size, idx);
}

uint16_t qvq_get_avail_event(QVirtQueue *q)
{
    return qtest_readw(q->v->qts, q->used + 4 + 8 * q->size);
}

void qvq_kick(QVirtQueue *q)
{
    q->v->ops->kick(q);
}

bool qvq_poll_used(QVirtQueue *q, uint32_t *head, uint32_t *len)
{
    uint64_t at = q->used + 4 + 8 * (q->used_idx % q->size);
    uint32_t elem[2];

    if (qvq_get_used_idx(q) == q->used_idx) {
        return false;
    }
    qtest_memread(q->v->qts, at, elem, sizeof(elem));
    q->used_idx++;
    *head = elem[0];
    *len = elem[1];
    return true;
}

void qvq_wait_used(QVirtQueue *q, uint16_t head, uint32_t *len)
{
    uint32_t got_head, got_len;

    QTEST_WAIT(q->v->qts, qvq_poll_used(q, &got_head, &got_len));
    g_assert_cmpuint(got_head, ==, head);
    if (len) {
        *len = got_len;
    }
}

bool qvq_interrupted(QVirtQueue *q)
{
    g_assert_cmphex(q->vector_addr, !=, 0);
    return qpci_msix_fired(q->v->pci, q->vector_addr, q->index + 1);
}
