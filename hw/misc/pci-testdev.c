/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "pci-testdev" (1b36:0005): what low-level accesses cost and whether they
 * arrive. BAR 0 is memory, BAR 1 I/O; each has three tests: writes that come
 * to the device, writes that signal an eventfd, and those that do so for one
 * value alone. Interface: QEMU's docs/specs/pci-testdev. In builds with test
 * devices only.
 *
 *     0  byte   number of the test to start (write)
 *     1  byte   width of its accesses in bytes; 0: there is no such test
 *     4  dword  offset to write to           12  dword  writes seen
 *     8  dword  value to write               16  name, NUL-terminated
 *
 * BAR 2 is there when "membar" gives it a size: a window with nothing behind
 * it, or RAM with "membar-backed".
 *
 * Threading: big lock; the kernel alone touches the eventfd besides.
 */
#include "util/osdep.h"
#include "hw/pci/pci.h"
#include "migration/vmstate.h"
#include "util/bytes.h"
#include "trace/trace-hw_misc.h"

#define TYPE_PCI_TESTDEV "pci-testdev"
OBJECT_DECLARE_SIMPLE_TYPE(PCITestdev, PCI_TESTDEV)

#define HDR_TEST        0
#define HDR_WIDTH       1
#define HDR_OFFSET      4
#define HDR_DATA        8
#define HDR_COUNT       12
#define HDR_NAME        16
#define HDR_BYTES       64

#define MEM_BYTES       4096
#define IO_BYTES        256
#define ACCESS_BYTES    1
#define TEST_DATA       0xfa
#define TESTS           3           /* of each BAR */
#define NO_TEST         (-1)
#define MEMBAR_MIN      4096

enum { TEST_PLAIN, TEST_WILDCARD, TEST_DATAMATCH };

static const char *const test_names[2 * TESTS] = {
    "mmio-no-eventfd", "mmio-wildcard-eventfd", "mmio-datamatch-eventfd",
    "portio-no-eventfd", "portio-wildcard-eventfd", "portio-datamatch-eventfd",
};

struct PCITestdev {
    PCIDevice parent_obj;

    /* Properties */
    uint64_t membar_size;
    bool membar_backed;

    /* Guest-visible registers */
    int32_t current;                /* index of test_names, or NO_TEST */
    uint32_t count;

    /* Runtime */
    MemoryRegion bar[2];            /* memory, I/O */
    MemoryRegion membar;
    EventNotifier kick;
    int32_t armed;                  /* the test that has the eventfd */
};

/* ---- Tests ---- */

static uint32_t pci_testdev_offset(int test)
{
    uint32_t size = test < TESTS ? MEM_BYTES : IO_BYTES;

    return size / 2 + test % TESTS * ACCESS_BYTES;
}

/* In memory any width will do: the kernel has a fast way for that. */
static unsigned int pci_testdev_width(int test)
{
    return test == TEST_WILDCARD ? 0 : ACCESS_BYTES;
}

static void pci_testdev_disarm(PCITestdev *s)
{
    int test = s->armed;

    if (test != NO_TEST) {
        memory_region_del_eventfd(&s->bar[test / TESTS],
                                  pci_testdev_offset(test),
                                  pci_testdev_width(test),
                                  test % TESTS == TEST_DATAMATCH, TEST_DATA,
                                  &s->kick);
        event_notifier_test_and_clear(&s->kick);
        s->armed = NO_TEST;
    }
}

static void pci_testdev_arm(PCITestdev *s)
{
    int test = s->current;

    if (test != NO_TEST && test % TESTS != TEST_PLAIN) {
        memory_region_add_eventfd(&s->bar[test / TESTS],
                                  pci_testdev_offset(test),
                                  pci_testdev_width(test),
                                  test % TESTS == TEST_DATAMATCH, TEST_DATA,
                                  &s->kick);
        s->armed = test;
    }
}

static void pci_testdev_start(PCITestdev *s, int bar, uint64_t number)
{
    pci_testdev_disarm(s);
    s->current = number < TESTS ? bar * TESTS + (int)number : NO_TEST;
    s->count = 0;
    pci_testdev_arm(s);
}

/* Writes that went to the eventfd so far. */
static void pci_testdev_collect(PCITestdev *s)
{
    uint64_t n;

    if (s->armed != NO_TEST &&
        read(event_notifier_get_fd(&s->kick), &n, sizeof(n)) == sizeof(n)) {
        s->count += n;
    }
}

/* ---- Registers ---- */

static uint64_t pci_testdev_read(PCITestdev *s, int bar, hwaddr addr,
                                 unsigned int size)
{
    uint8_t hdr[HDR_BYTES] = { 0 };
    uint64_t val = 0;

    if (s->current != NO_TEST && s->current / TESTS == bar &&
        range_fits(addr, size, sizeof(hdr))) {
        pci_testdev_collect(s);
        hdr[HDR_WIDTH] = ACCESS_BYTES;
        put_le32(hdr + HDR_OFFSET, pci_testdev_offset(s->current));
        put_le32(hdr + HDR_DATA, TEST_DATA);
        put_le32(hdr + HDR_COUNT, s->count);
        g_strlcpy((char *)hdr + HDR_NAME, test_names[s->current],
                  HDR_BYTES - HDR_NAME);
        val = get_le_n(hdr + addr, size);
    }
    trace_pci_testdev_read(s, bar, addr, val);
    return val;
}

static void pci_testdev_write(PCITestdev *s, int bar, hwaddr addr,
                              uint64_t val)
{
    trace_pci_testdev_write(s, bar, addr, val);
    if (addr == HDR_TEST) {
        pci_testdev_start(s, bar, val & 0xff);
    } else if (s->current != NO_TEST && s->current / TESTS == bar &&
               addr == pci_testdev_offset(s->current) &&
               (s->current % TESTS != TEST_DATAMATCH || val == TEST_DATA)) {
        s->count++;
    }
}

static uint64_t pci_testdev_mem_read(void *opaque, hwaddr addr,
                                     unsigned int size)
{
    return pci_testdev_read(opaque, 0, addr, size);
}

static void pci_testdev_mem_write(void *opaque, hwaddr addr, uint64_t val,
                                  unsigned int size)
{
    pci_testdev_write(opaque, 0, addr, val);
}

static uint64_t pci_testdev_io_read(void *opaque, hwaddr addr,
                                    unsigned int size)
{
    return pci_testdev_read(opaque, 1, addr, size);
}

static void pci_testdev_io_write(void *opaque, hwaddr addr, uint64_t val,
                                 unsigned int size)
{
    pci_testdev_write(opaque, 1, addr, val);
}

static const MemoryRegionOps pci_testdev_mem_ops = {
    .read = pci_testdev_mem_read,
    .write = pci_testdev_mem_write,
};

static const MemoryRegionOps pci_testdev_io_ops = {
    .read = pci_testdev_io_read,
    .write = pci_testdev_io_write,
};

/* ---- Life ---- */

static bool pci_testdev_init_membar(PCITestdev *s, Error **errp)
{
    uint64_t size = s->membar_size;

    if (size == 0) {
        return true;
    }
    if (size < MEMBAR_MIN || size & (size - 1)) {
        error_setg(errp, "membar=%" PRIu64 " must be a power of 2 of at least "
                   "%u bytes", size, MEMBAR_MIN);
        return false;
    }
    if (!s->membar_backed) {
        memory_region_init(&s->membar, OBJECT(s), "pci-testdev-membar", size);
    } else if (!memory_region_init_ram(&s->membar, OBJECT(s),
                                       "pci-testdev-membar", size, errp)) {
        return false;
    }
    pci_register_bar(&s->parent_obj, 2, PCI_BAR_MEM64_PREF, &s->membar);
    return true;
}

static bool pci_testdev_realize(PCIDevice *dev, Error **errp)
{
    PCITestdev *s = PCI_TESTDEV(dev);

    if (!event_notifier_init(&s->kick, false, errp)) {
        return false;
    }
    memory_region_init_io(&s->bar[0], OBJECT(s), &pci_testdev_mem_ops, s,
                          "pci-testdev-mmio", MEM_BYTES);
    memory_region_init_io(&s->bar[1], OBJECT(s), &pci_testdev_io_ops, s,
                          "pci-testdev-portio", IO_BYTES);
    pci_register_bar(dev, 0, PCI_BAR_MEM32, &s->bar[0]);
    pci_register_bar(dev, 1, PCI_BAR_IO, &s->bar[1]);
    if (!pci_testdev_init_membar(s, errp)) {
        event_notifier_cleanup(&s->kick);
        return false;
    }
    return true;
}

static void pci_testdev_exit(PCIDevice *dev)
{
    PCITestdev *s = PCI_TESTDEV(dev);

    pci_testdev_disarm(s);
    event_notifier_cleanup(&s->kick);
}

static void pci_testdev_reset(PCIDevice *dev)
{
    PCITestdev *s = PCI_TESTDEV(dev);

    pci_testdev_disarm(s);
    s->current = NO_TEST;
    s->count = 0;
}

static void pci_testdev_instance_init(Object *obj)
{
    PCITestdev *s = PCI_TESTDEV(obj);

    s->current = s->armed = NO_TEST;
    s->kick = (EventNotifier)EVENT_NOTIFIER_INIT;
}

static void pci_testdev_finalize(Object *obj)
{
    PCITestdev *s = PCI_TESTDEV(obj);

    memory_region_deinit(&s->bar[0]);
    memory_region_deinit(&s->bar[1]);
    memory_region_deinit(&s->membar);
}

static bool pci_testdev_pre_save(void *opaque, Error **errp)
{
    pci_testdev_collect(opaque);
    return true;
}

static bool pci_testdev_post_load(void *opaque, int version_id, Error **errp)
{
    PCITestdev *s = opaque;

    pci_testdev_disarm(s);
    if (s->current < NO_TEST || s->current >= 2 * TESTS) {
        error_setg(errp, "pci-testdev has no test %d", s->current);
        s->current = NO_TEST;
        return false;
    }
    pci_testdev_arm(s);
    return true;
}

static const VMStateDescription vmstate_pci_testdev = {
    .name = TYPE_PCI_TESTDEV,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = pci_testdev_pre_save,
    .post_load = pci_testdev_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, PCITestdev),
        VMSTATE_INT32(current, PCITestdev),
        VMSTATE_UINT32(count, PCITestdev),
        VMSTATE_END_OF_LIST()
    },
};

static const Property pci_testdev_props[] = {
    PROP_SIZE("membar", PCITestdev, membar_size, 0,
              "bytes of the 64-bit BAR 2, a power of 2; 0: there is none"),
    PROP_BOOL("membar-backed", PCITestdev, membar_backed, false,
              "RAM is behind BAR 2; else reads give all ones"),
};

static void pci_testdev_class_init(ObjectClass *oc, const void *data)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);
    DeviceClass *dc = DEVICE_CLASS(oc);

    k->realize = pci_testdev_realize;
    k->exit = pci_testdev_exit;
    k->reset = pci_testdev_reset;
    k->vendor_id = 0x1b36;
    k->device_id = 0x0005;
    k->class_id = PCI_CLASS_OTHERS;
    dc->vmsd = &vmstate_pci_testdev;
    dc->categories = BIT(DEVICE_CATEGORY_MISC);
    device_class_set_props(dc, pci_testdev_props);
}

static const TypeInfo pci_testdev_types[] = {
    {
        .name = TYPE_PCI_TESTDEV,
        .parent = TYPE_PCI_DEVICE,
        .help = "memory and I/O accesses with and without eventfds, for tests",
        .instance_size = sizeof(PCITestdev),
        .instance_init = pci_testdev_instance_init,
        .instance_finalize = pci_testdev_finalize,
        .class_init = pci_testdev_class_init,
        .interfaces = (const char *const[]) {
            INTERFACE_CONVENTIONAL_PCI_DEVICE, NULL,
        },
    },
};
DEFINE_TYPES(pci_testdev_types)
