/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio driver for qtests: modern PCI transport (VirtIO 1.2, 4.1) or MMIO
 * (4.2), split rings (2.7). It does what it is told, also wrong things.
 *
 *     QVirtio v;
 *     QVirtQueue q;
 *     uint32_t len, head;
 *
 *     qvirtio_init(&v, &pci, 4, 0);                    // entropy
 *     qvirtio_negotiate(&v, UINT64_MAX & ~QVIRTIO_RING_PACKED);
 *     qvirtio_queue_setup(&v, &q, 0, 0);
 *     qvirtio_driver_ok(&v);
 *     head = qvq_add(&q, &(QVirtBuf){ addr, 64, true }, 1);
 *     qvq_kick(&q);
 *     qvq_wait_used(&q, head, &len);
 *     qvirtio_clear(&v);
 */
#ifndef QTEST_VIRTIO_H
#define QTEST_VIRTIO_H

#include "qtest-pci.h"

/* Device status, 2.1 */
#define QVIRTIO_ACKNOWLEDGE     0x01
#define QVIRTIO_DRIVER          0x02
#define QVIRTIO_DRIVER_OK       0x04
#define QVIRTIO_FEATURES_OK     0x08
#define QVIRTIO_NEEDS_RESET     0x40
#define QVIRTIO_FAILED          0x80

/* Feature bits, 6 */
#define QVIRTIO_INDIRECT_DESC   (1ull << 28)
#define QVIRTIO_EVENT_IDX       (1ull << 29)
#define QVIRTIO_VERSION_1       (1ull << 32)
#define QVIRTIO_RING_PACKED     (1ull << 34)
#define QVIRTIO_IN_ORDER        (1ull << 35)

/* Descriptor flags, 2.7.5 */
#define QVIRTQ_NEXT             1
#define QVIRTQ_WRITE            2
#define QVIRTQ_INDIRECT         4

#define QVIRTIO_NO_VECTOR       0xffff

/* Offsets in the common configuration, 4.1.4.3 */
enum {
    QVIRTIO_COMMON_DFSELECT = 0x00, QVIRTIO_COMMON_DF = 0x04,
    QVIRTIO_COMMON_GFSELECT = 0x08, QVIRTIO_COMMON_GF = 0x0c,
    QVIRTIO_COMMON_MSIX = 0x10, QVIRTIO_COMMON_NUMQ = 0x12,
    QVIRTIO_COMMON_STATUS = 0x14, QVIRTIO_COMMON_CFGGEN = 0x15,
    QVIRTIO_COMMON_Q_SELECT = 0x16, QVIRTIO_COMMON_Q_SIZE = 0x18,
    QVIRTIO_COMMON_Q_MSIX = 0x1a, QVIRTIO_COMMON_Q_ENABLE = 0x1c,
    QVIRTIO_COMMON_Q_NOFF = 0x1e, QVIRTIO_COMMON_Q_DESC = 0x20,
    QVIRTIO_COMMON_Q_AVAIL = 0x28, QVIRTIO_COMMON_Q_USED = 0x30,
    QVIRTIO_COMMON_Q_NDATA = 0x38, QVIRTIO_COMMON_Q_RESET = 0x3a,
};

/* A structure of the device: which BAR, where. */
typedef struct QVirtioWindow {
    int bar;
    uint32_t offset, length;
} QVirtioWindow;

typedef struct QVirtio QVirtio;
typedef struct QVirtQueue QVirtQueue;

/* The transport's registers. */
typedef struct QVirtioOps {
    uint8_t (*get_status)(QVirtio *v);
    void (*set_status)(QVirtio *v, uint8_t status);
    /* bits 0 to 31 or, with @high, 32 to 63 */
    uint32_t (*get_features)(QVirtio *v, bool high);
    void (*set_features)(QVirtio *v, bool high, uint32_t val);
    uint32_t (*config_read)(QVirtio *v, unsigned int offset,
                            unsigned int size);
    void (*config_write)(QVirtio *v, unsigned int offset, uint32_t val,
                         unsigned int size);
    /* the largest size of q->index */
    uint16_t (*queue_max)(QVirtQueue *q);
    /* size and addresses are there */
    void (*queue_enable)(QVirtQueue *q);
    void (*kick)(QVirtQueue *q);
} QVirtioOps;

struct QVirtio {
    const QVirtioOps *ops;
    QTest *qts;
    uint64_t features;              /* negotiated */

    /* PCI */
    QPciDevice *pci;
    QVirtioWindow common, notify, isr, device;
    uint32_t notify_multiplier;
    bool msix;                      /* vector 0: config, 1 + n: queue n */
    uint64_t config_vector_addr;

    /* MMIO */
    uint64_t base;                  /* of its registers */
};

typedef struct QVirtBuf {
    uint64_t addr;
    uint32_t len;
    bool device_writes;
} QVirtBuf;

struct QVirtQueue {
    QVirtio *v;
    uint16_t index, size;
    uint64_t desc, avail, used;     /* guest addresses */
    uint32_t notify_offset;         /* in the notify window's BAR */
    uint16_t next_desc;             /* descriptors are used in turn */
    uint16_t avail_idx, used_idx;   /* next to write, next to read */
    uint64_t vector_addr;           /* 0: no vector */
};

/*
 * Find the @nth device of type @virtio_id, map it, reset it, acknowledge.
 * Fails the test when it is not there.
 */
void qvirtio_init(QVirtio *v, QPci *pci, uint16_t virtio_id, int nth);
/* The same for what is at @base; it must have that type. */
void qvirtio_init_mmio(QVirtio *v, QTest *qts, uint64_t base,
                       uint16_t virtio_id);
/* Reset and acknowledge, as both of them do. */
void qvirtio_greet(QVirtio *v);
/* Reset and let go. */
void qvirtio_clear(QVirtio *v);
/* Before the queues: vectors for configuration and queues. PCI only. */
void qvirtio_enable_msix(QVirtio *v);

void qvirtio_reset(QVirtio *v);
uint8_t qvirtio_get_status(QVirtio *v);
void qvirtio_set_status(QVirtio *v, uint8_t status);
uint64_t qvirtio_device_features(QVirtio *v);
/* Accept what the device offers of @wanted, with FEATURES_OK. */
void qvirtio_negotiate(QVirtio *v, uint64_t wanted);
void qvirtio_driver_ok(QVirtio *v);
unsigned int qvirtio_num_queues(QVirtio *v);        /* PCI only */

uint8_t qvirtio_config_readb(QVirtio *v, unsigned int offset);
uint16_t qvirtio_config_readw(QVirtio *v, unsigned int offset);
uint32_t qvirtio_config_readl(QVirtio *v, unsigned int offset);
uint64_t qvirtio_config_readq(QVirtio *v, unsigned int offset);
void qvirtio_config_writeb(QVirtio *v, unsigned int offset, uint8_t val);
void qvirtio_config_writel(QVirtio *v, unsigned int offset, uint32_t val);

/* Rings in guest RAM, enabled. @size 0: what the device offers. */
void qvirtio_queue_setup(QVirtio *v, QVirtQueue *q, uint16_t index,
                         uint16_t size);

/* Put a chain of @n buffers on the available ring; returns the head. */
uint16_t qvq_add(QVirtQueue *q, const QVirtBuf *bufs, unsigned int n);
/* The same through an indirect table. */
uint16_t qvq_add_indirect(QVirtQueue *q, const QVirtBuf *bufs, unsigned int n);
/* The pieces, for tests of broken rings. */
void qvq_write_desc(QVirtQueue *q, uint16_t slot, const QVirtBuf *buf,
                    uint16_t flags, uint16_t next);
void qvq_make_available(QVirtQueue *q, uint16_t head);
void qvq_set_avail_idx(QVirtQueue *q, uint16_t idx);
uint16_t qvq_get_used_idx(QVirtQueue *q);
void qvq_set_used_event(QVirtQueue *q, uint16_t idx);
uint16_t qvq_get_avail_event(QVirtQueue *q);

void qvq_kick(QVirtQueue *q);
/* Take the next used element if there is one. */
bool qvq_poll_used(QVirtQueue *q, uint32_t *head, uint32_t *len);
/* Wait for it; it must be @head. *@len (may be NULL): bytes written. */
void qvq_wait_used(QVirtQueue *q, uint16_t head, uint32_t *len);
/* Whether the queue's vector fired since the last call. */
bool qvq_interrupted(QVirtQueue *q);

#endif
