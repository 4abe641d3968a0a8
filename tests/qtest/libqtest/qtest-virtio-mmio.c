/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MMIO transport for qtests. VirtIO 1.2, 4.2.2. */
#include "util/osdep.h"
#include "qtest-virtio.h"

enum {
    MAGIC = 0x000, VERSION = 0x004, DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010, DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020, DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030, QUEUE_NUM_MAX = 0x034, QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044, QUEUE_NOTIFY = 0x050, STATUS = 0x070,
    QUEUE_DESC = 0x080, QUEUE_DRIVER = 0x090, QUEUE_DEVICE = 0x0a0,
    CONFIG = 0x100,
};

static uint32_t reg_read(QVirtio *v, unsigned int reg)
{
    return qtest_readl(v->qts, v->base + reg);
}

static void reg_write(QVirtio *v, unsigned int reg, uint32_t val)
{
    qtest_writel(v->qts, v->base + reg, val);
}

static void reg_write_addr(QVirtio *v, unsigned int reg, uint64_t val)
{
    reg_write(v, reg, val);
    reg_write(v, reg + 4, val >> 32);
}

static uint8_t mmio_get_status(QVirtio *v)
{
    return reg_read(v, STATUS);
}

static void mmio_set_status(QVirtio *v, uint8_t status)
{
    reg_write(v, STATUS, status);
}

static uint32_t mmio_get_features(QVirtio *v, bool high)
{
    reg_write(v, DEVICE_FEATURES_SEL, high);
    return reg_read(v, DEVICE_FEATURES);
}

static void mmio_set_features(QVirtio *v, bool high, uint32_t val)
{
    reg_write(v, DRIVER_FEATURES_SEL, high);
    reg_write(v, DRIVER_FEATURES, val);
}

static uint32_t mmio_config_read(QVirtio *v, unsigned int offset,
                                 unsigned int size)
{
    uint64_t at = v->base + CONFIG + offset;

    return size == 1 ? qtest_readb(v->qts, at) :
           size == 2 ? qtest_readw(v->qts, at) : qtest_readl(v->qts, at);
}

static void mmio_config_write(QVirtio *v, unsigned int offset, uint32_t val,
                              unsigned int size)
{
    uint64_t at = v->base + CONFIG + offset;

    if (size == 1) {
        qtest_writeb(v->qts, at, val);
    } else {
        qtest_writel(v->qts, at, val);
    }
}

static uint16_t mmio_queue_max(QVirtQueue *q)
{
    reg_write(q->v, QUEUE_SEL, q->index);
    return reg_read(q->v, QUEUE_NUM_MAX);
}

static void mmio_queue_enable(QVirtQueue *q)
{
    g_assert_cmpuint(reg_read(q->v, QUEUE_READY), ==, 0);
    reg_write(q->v, QUEUE_NUM, q->size);
    reg_write_addr(q->v, QUEUE_DESC, q->desc);
    reg_write_addr(q->v, QUEUE_DRIVER, q->avail);
    reg_write_addr(q->v, QUEUE_DEVICE, q->used);
    reg_write(q->v, QUEUE_READY, 1);
    g_assert_cmpuint(reg_read(q->v, QUEUE_READY), ==, 1);
}

static void mmio_kick(QVirtQueue *q)
{
    reg_write(q->v, QUEUE_NOTIFY, q->index);
}

static const QVirtioOps mmio_ops = {
    .get_status = mmio_get_status,
    .set_status = mmio_set_status,
    .get_features = mmio_get_features,
    .set_features = mmio_set_features,
    .config_read = mmio_config_read,
    .config_write = mmio_config_write,
    .queue_max = mmio_queue_max,
    .queue_enable = mmio_queue_enable,
    .kick = mmio_kick,
};

void qvirtio_init_mmio(QVirtio *v, QTest *qts, uint64_t base,
                       uint16_t virtio_id)
{
    memset(v, 0, sizeof(*v));
    v->ops = &mmio_ops;
    v->qts = qts;
    v->base = base;
    g_assert_cmphex(reg_read(v, MAGIC), ==, 0x74726976);
    g_assert_cmpuint(reg_read(v, VERSION), ==, 2);
    g_assert_cmpuint(reg_read(v, DEVICE_ID), ==, virtio_id);
    qvirtio_greet(v);
}
