/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "pc-testdev": what the public KVM unit tests for x86 drive a hypervisor
 * with, as their x86/ folder uses it. In builds with test devices only.
 *
 *     port    bytes
 *     0xe0    4    a register of 32 bits, at any width
 *     0xe4    4    write of a physical address: the host drops its mapping of
 *                  that page, so that the guest's next access faults in it
 *     0xe8    4    the same register, byte by byte
 *     0x2000  24   interrupt line n follows the value written to 0x2000 + n
 *     memory
 *     0xff000000   64 KiB that behave as RAM but exit at each access
 *
 * Threading: big lock.
 */
#include "util/osdep.h"
#include <sys/mman.h>
#include "hw/isa/isa.h"
#include "migration/vmstate.h"
#include "util/bytes.h"
#include "trace/trace-hw_misc.h"

#define TYPE_PC_TESTDEV "pc-testdev"
OBJECT_DECLARE_SIMPLE_TYPE(PCTestdev, PC_TESTDEV)

#define PORT_REGISTER       0xe0
#define PORT_FLUSH          0xe4
#define PORT_REGISTER_BYTES 0xe8
#define PORT_IRQ_LINES      0x2000
#define REGISTER_BYTES      4
#define IRQ_LINES           24
#define IOMEM_GPA           0xff000000
#define IOMEM_BYTES         (64 * KiB)
#define PAGE_BYTES          4096

struct PCTestdev {
    ISADevice parent_obj;

    /* Guest-visible */
    uint8_t reg[REGISTER_BYTES];
    uint8_t iomem[IOMEM_BYTES];

    /* Runtime */
    MemoryRegion reg_mr, reg_bytes_mr, flush_mr, irq_mr, iomem_mr;
};

/* ---- The register ---- */

static uint64_t pc_testdev_reg_read(void *opaque, hwaddr addr,
                                    unsigned int size)
{
    PCTestdev *s = opaque;
    uint64_t val = get_le_n(s->reg + addr, size);

    trace_pc_testdev_read(s, addr, size, val);
    return val;
}

static void pc_testdev_reg_write(void *opaque, hwaddr addr, uint64_t val,
                                 unsigned int size)
{
    PCTestdev *s = opaque;

    trace_pc_testdev_write(s, addr, size, val);
    put_le_n(s->reg + addr, size, val);
}

static const MemoryRegionOps pc_testdev_reg_ops = {
    .read = pc_testdev_reg_read,
    .write = pc_testdev_reg_write,
};

static const MemoryRegionOps pc_testdev_reg_bytes_ops = {
    .read = pc_testdev_reg_read,
    .write = pc_testdev_reg_write,
    .impl = { .min_access_size = 1, .max_access_size = 1 },
};

/* ---- Dropping a page ---- */

/*
 * A change of the protection there and back: KVM unmaps the page. Adding a
 * right, not taking one, lets other threads go on with the page meanwhile.
 */
static void pc_testdev_flush_write(void *opaque, hwaddr addr, uint64_t val,
                                   unsigned int size)
{
    uint64_t len = PAGE_BYTES;
    void *page;

    trace_pc_testdev_flush(opaque, val);
    page = address_space_map(&address_space_memory,
                             ROUND_DOWN(val, PAGE_BYTES), &len, true,
                             MEMTXATTRS_UNSPECIFIED);
    if (!page) {
        return;
    }
    if (len == PAGE_BYTES) {
        mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
        mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE);
    }
    address_space_unmap(&address_space_memory, page, len, true, 0);
}

static const MemoryRegionOps pc_testdev_flush_ops = {
    .write = pc_testdev_flush_write,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- Interrupt lines ---- */

static void pc_testdev_irq_write(void *opaque, hwaddr addr, uint64_t val,
                                 unsigned int size)
{
    PCTestdev *s = opaque;

    trace_pc_testdev_irq(s, addr, val);
    irq_set(isa_get_irq(&s->parent_obj, addr), val != 0);
}

static const MemoryRegionOps pc_testdev_irq_ops = {
    .write = pc_testdev_irq_write,
    .valid = { .min_access_size = 1, .max_access_size = 4,
               .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 4,
              .unaligned = true },
};

/* ---- Memory ---- */

static uint64_t pc_testdev_iomem_read(void *opaque, hwaddr addr,
                                      unsigned int size)
{
    PCTestdev *s = opaque;
    uint64_t val = range_fits(addr, size, IOMEM_BYTES)
                       ? get_le_n(s->iomem + addr, size) : UINT64_MAX;

    trace_pc_testdev_read(s, IOMEM_GPA + addr, size, val);
    return val;
}

static void pc_testdev_iomem_write(void *opaque, hwaddr addr, uint64_t val,
                                   unsigned int size)
{
    PCTestdev *s = opaque;

    trace_pc_testdev_write(s, IOMEM_GPA + addr, size, val);
    if (range_fits(addr, size, IOMEM_BYTES)) {
        put_le_n(s->iomem + addr, size, val);
    }
}

static const MemoryRegionOps pc_testdev_iomem_ops = {
    .read = pc_testdev_iomem_read,
    .write = pc_testdev_iomem_write,
    .valid = { .min_access_size = 1, .max_access_size = 8,
               .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8,
              .unaligned = true },
};

/* ---- Life ---- */

static bool pc_testdev_realize(DeviceState *dev, Error **errp)
{
    PCTestdev *s = PC_TESTDEV(dev);
    ISADevice *isa = &s->parent_obj;
    Object *obj = OBJECT(s);

    memory_region_init_io(&s->reg_mr, obj, &pc_testdev_reg_ops, s,
                          "pc-testdev-ioport", REGISTER_BYTES);
    memory_region_init_io(&s->flush_mr, obj, &pc_testdev_flush_ops, s,
                          "pc-testdev-flush-page", 4);
    memory_region_init_io(&s->reg_bytes_mr, obj, &pc_testdev_reg_bytes_ops, s,
                          "pc-testdev-ioport-byte", REGISTER_BYTES);
    memory_region_init_io(&s->irq_mr, obj, &pc_testdev_irq_ops, s,
                          "pc-testdev-irq-line", IRQ_LINES);
    memory_region_init_io(&s->iomem_mr, obj, &pc_testdev_iomem_ops, s,
                          "pc-testdev-iomem", IOMEM_BYTES);
    if (!isa_register_io(isa, &s->reg_mr, PORT_REGISTER, errp) ||
        !isa_register_io(isa, &s->flush_mr, PORT_FLUSH, errp) ||
        !isa_register_io(isa, &s->reg_bytes_mr, PORT_REGISTER_BYTES, errp) ||
        !isa_register_io(isa, &s->irq_mr, PORT_IRQ_LINES, errp)) {
        return false;
    }
    /* The tests have this address built in, as they have the ports. */
    memory_region_add_subregion_overlap(get_system_memory(), IOMEM_GPA,
                                        &s->iomem_mr, 1);
    return true;
}

static void pc_testdev_finalize(Object *obj)
{
    PCTestdev *s = PC_TESTDEV(obj);

    memory_region_deinit(&s->reg_mr);
    memory_region_deinit(&s->reg_bytes_mr);
    memory_region_deinit(&s->flush_mr);
    memory_region_deinit(&s->irq_mr);
    memory_region_deinit(&s->iomem_mr);
}

static void pc_testdev_reset_hold(Object *obj)
{
    PCTestdev *s = PC_TESTDEV(obj);

    memset(s->reg, 0, sizeof(s->reg));
}

static const VMStateDescription vmstate_pc_testdev = {
    .name = TYPE_PC_TESTDEV,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BUFFER(reg, PCTestdev),
        VMSTATE_BUFFER(iomem, PCTestdev),
        VMSTATE_END_OF_LIST()
    },
};

static void pc_testdev_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = pc_testdev_realize;
    dc->reset_hold = pc_testdev_reset_hold;
    dc->vmsd = &vmstate_pc_testdev;
    dc->categories = BIT(DEVICE_CATEGORY_MISC);
}

static const TypeInfo pc_testdev_types[] = {
    {
        .name = TYPE_PC_TESTDEV,
        .parent = TYPE_ISA_DEVICE,
        .help = "ports, interrupt lines and memory of the KVM unit tests",
        .instance_size = sizeof(PCTestdev),
        .instance_finalize = pc_testdev_finalize,
        .class_init = pc_testdev_class_init,
    },
};
DEFINE_TYPES(pc_testdev_types)
