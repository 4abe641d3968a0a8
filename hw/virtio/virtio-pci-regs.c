/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of virtio over PCI, VIRTIO 1.2, 4.1.4: the four regions, and
 * the way to them through the configuration space. Context: big lock.
 */
#include "util/osdep.h"
#include "virtio-pci-internal.h"
#include <linux/virtio_pci.h>
#include "util/log.h"
#include "trace/trace-hw_virtio.h"

/* Newer than the oldest kernel headers we build with (4.1.4.3). */
#define COMMON_Q_NDATA 56
#define COMMON_Q_RESET 58

/* ---- Common configuration, 4.1.4.3 ---- */

/* Registers of the selected queue; one that does not exist reads as 0. */
static uint64_t queue_reg_read(VirtIOPCIProxy *p, hwaddr off)
{
    VirtQueue *vq = virtio_get_queue(p->vdev, p->vdev->queue_sel);

    if (!vq) {
        return 0;
    }
    switch (off) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
        return virtio_queue_get_num(vq);
    case VIRTIO_PCI_COMMON_Q_MSIX:
        return virtio_queue_get_vector(vq);
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        return virtio_queue_is_enabled(vq);
    case VIRTIO_PCI_COMMON_Q_NOFF:
    case COMMON_Q_NDATA:
        return p->vdev->queue_sel;
    case VIRTIO_PCI_COMMON_Q_DESCLO ... VIRTIO_PCI_COMMON_Q_USEDHI:
        off -= VIRTIO_PCI_COMMON_Q_DESCLO;
        return virtio_queue_get_addr_half(vq, off / 8, off & 4);
    default:                        /* Q_RESET: done at once */
        return 0;
    }
}

static void queue_reg_write(VirtIOPCIProxy *p, hwaddr off, uint32_t val)
{
    VirtQueue *vq = virtio_get_queue(p->vdev, p->vdev->queue_sel);

    if (!vq) {
        guest_error("virtio-pci", "write to queue %u, which does not exist",
                    p->vdev->queue_sel);
        return;
    }
    switch (off) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
        virtio_queue_set_num(vq, val);
        break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
        virtio_pci_set_queue_vector(p, vq, val);
        break;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
        if (val == 1) {
            virtio_queue_enable(vq);
        }
        break;
    case VIRTIO_PCI_COMMON_Q_DESCLO ... VIRTIO_PCI_COMMON_Q_USEDHI:
        off -= VIRTIO_PCI_COMMON_Q_DESCLO;
        virtio_queue_set_addr_half(vq, off / 8, off & 4, val);
        break;
    case COMMON_Q_RESET:
        if (val == 1 &&
            virtio_vdev_has_feature(p->vdev, VIRTIO_F_RING_RESET)) {
            virtio_queue_reset(vq);
        }
        break;
    default:
        guest_error("virtio-pci", "write to register 0x%" PRIx64, off);
        break;
    }
}

static uint64_t common_read(void *opaque, hwaddr off, unsigned int size)
{
    VirtIOPCIProxy *p = opaque;
    VirtIODevice *vdev = p->vdev;

    switch (off) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        return p->dfselect;
    case VIRTIO_PCI_COMMON_DF:
        return p->dfselect > 1 ? 0 :
               (uint32_t)(virtio_dev_get_features(vdev) >> 32 * p->dfselect);
    case VIRTIO_PCI_COMMON_GFSELECT:
        return p->gfselect;
    case VIRTIO_PCI_COMMON_GF:
        return p->gfselect > 1 ? 0 : p->gf[p->gfselect];
    case VIRTIO_PCI_COMMON_MSIX:
        return vdev->config_vector;
    case VIRTIO_PCI_COMMON_NUMQ:
        return vdev->num_queues;
    case VIRTIO_PCI_COMMON_STATUS:
        return vdev->status;
    case VIRTIO_PCI_COMMON_CFGGENERATION:
        return __atomic_load_n(&vdev->generation, __ATOMIC_ACQUIRE) & 0xff;
    case VIRTIO_PCI_COMMON_Q_SELECT:
        return vdev->queue_sel;
    default:
        return queue_reg_read(p, off);
    }
}

/* The selected half; it reads back as before when the device refuses it. */
static void set_driver_features(VirtIOPCIProxy *p, uint32_t val)
{
    uint32_t gf[2] = { p->gf[0], p->gf[1] };

    if (p->gfselect > 1) {
        return;
    }
    gf[p->gfselect] = val;
    if (virtio_dev_set_driver_features(p->vdev,
                                       (uint64_t)gf[1] << 32 | gf[0])) {
        p->gf[p->gfselect] = val;
    }
}

static void common_write(void *opaque, hwaddr off, uint64_t val,
                         unsigned int size)
{
    VirtIOPCIProxy *p = opaque;
    VirtIODevice *vdev = p->vdev;

    switch (off) {
    case VIRTIO_PCI_COMMON_DFSELECT:
        p->dfselect = val;
        break;
    case VIRTIO_PCI_COMMON_GFSELECT:
        p->gfselect = val;
        break;
    case VIRTIO_PCI_COMMON_GF:
        set_driver_features(p, val);
        break;
    case VIRTIO_PCI_COMMON_MSIX:
        virtio_pci_set_vector(p, &vdev->config_vector, val);
        break;
    case VIRTIO_PCI_COMMON_STATUS:
        trace_virtio_pci_status(p, vdev->status, val);
        if ((val & 0xff) == 0) {
            virtio_pci_reset_device(p);
        } else {
            virtio_dev_set_status(vdev, val);
        }
        break;
    case VIRTIO_PCI_COMMON_Q_SELECT:
        vdev->queue_sel = val;
        break;
    default:
        queue_reg_write(p, off, val);
        break;
    }
}

/* ---- The other three regions ---- */

static uint64_t isr_read(void *opaque, hwaddr off, unsigned int size)
{
    VirtIOPCIProxy *p = opaque;

    return off == 0 ? virtio_dev_read_isr(p->vdev) : 0;
}

static uint64_t device_read(void *opaque, hwaddr off, unsigned int size)
{
    VirtIOPCIProxy *p = opaque;

    return virtio_dev_config_read(p->vdev, off, size);
}

static void device_write(void *opaque, hwaddr off, uint64_t val,
                         unsigned int size)
{
    VirtIOPCIProxy *p = opaque;

    virtio_dev_config_write(p->vdev, off, val, size);
}

static uint64_t notify_read(void *opaque, hwaddr off, unsigned int size)
{
    return 0;
}

static void notify_write(void *opaque, hwaddr off, uint64_t val,
                         unsigned int size)
{
    VirtIOPCIProxy *p = opaque;
    VirtQueue *vq = virtio_get_queue(p->vdev, off / p->notify_mult);

    if (vq) {
        virtio_queue_kick(vq);
    }
}

const MemoryRegionOps virtio_pci_region_ops[REGION__MAX] = {
    [REGION_COMMON] = {
        .read = common_read, .write = common_write,
        .impl = { .min_access_size = 1, .max_access_size = 4 },
        .valid = { .min_access_size = 1, .max_access_size = 4 },
    },
    [REGION_ISR] = {
        .read = isr_read,
        .valid = { .min_access_size = 1, .max_access_size = 4 },
    },
    [REGION_DEVICE] = {
        .read = device_read, .write = device_write,
        .valid = { .min_access_size = 1, .max_access_size = 4,
                   .unaligned = true },
        .impl = { .min_access_size = 1, .max_access_size = 4,
                  .unaligned = true },
    },
    [REGION_NOTIFY] = {
        .read = notify_read, .write = notify_write,
        .valid = { .min_access_size = 1, .max_access_size = 4 },
    },
};

/* ---- Access through configuration space, 4.1.4.9 ---- */

/* Find the register that the capability names now. */
static int cfg_cap_target(VirtIOPCIProxy *p, hwaddr *off, uint32_t *len)
{
    const uint8_t *cap = p->parent_obj.config + p->cfg_cap;
    uint32_t offset;

    memcpy(&offset, cap + offsetof(struct virtio_pci_cap, offset), 4);
    memcpy(len, cap + offsetof(struct virtio_pci_cap, length), 4);
    if (cap[offsetof(struct virtio_pci_cap, bar)] != VIRTIO_PCI_MODERN_BAR ||
        (*len != 1 && *len != 2 && *len != 4) || offset % *len) {
        return -1;
    }
    for (int i = 0; i < REGION__MAX; i++) {
        VirtIOPCIRegion *r = &p->regions[i];

        if (offset >= r->offset &&
            range_fits(offset - r->offset, *len, r->size)) {
            *off = offset - r->offset;
            return i;
        }
    }
    return -1;
}

uint32_t virtio_pci_config_read(PCIDevice *pci, uint32_t addr,
                                unsigned int len)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);
    uint32_t data = p->cfg_cap +
                    offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
    uint32_t n, val;
    hwaddr off;
    int region;

    if (p->cfg_cap && addr < data + 4 && addr + len > data) {
        region = cfg_cap_target(p, &off, &n);
        if (region >= 0 && virtio_pci_region_ops[region].read) {
            val = virtio_pci_region_ops[region].read(p, off, n);
            memcpy(pci->config + data, &val, n);
        }
    }
    return pci_default_config_read(pci, addr, len);
}

void virtio_pci_config_write(PCIDevice *pci, uint32_t addr, uint32_t val,
                             unsigned int len)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);
    uint32_t data = p->cfg_cap +
                    offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
    uint32_t n;
    hwaddr off;
    int region;

    pci_default_config_write(pci, addr, val, len);
    if (addr <= PCI_COMMAND && addr + len > PCI_COMMAND) {
        virtio_set_dma_enabled(p->vdev,
                               pci->config[PCI_COMMAND] & PCI_COMMAND_MASTER);
    }
    if (p->cfg_cap && addr < data + 4 && addr + len > data) {
        region = cfg_cap_target(p, &off, &n);
        memcpy(&val, pci->config + data, 4);
        if (region >= 0 && virtio_pci_region_ops[region].write) {
            val = n == 4 ? val : val & (BIT(8 * n) - 1);
            virtio_pci_region_ops[region].write(p, off, val, n);
        }
    }
}
