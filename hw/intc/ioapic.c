/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O APIC: Intel 82093AA data sheet, version register as 0x20 (with an EOI
 * register). Interrupts leave as MSIs; the accelerator knows the message of
 * each pin for irqfds and reports the end of level-triggered ones. Left out:
 * delivery modes SMI, INIT and ExtINT have no wire of their own, they are sent
 * as the guest wrote them. Threading: big lock.
 */
#include "util/osdep.h"
#include "hw/intc/ioapic.h"
#include "migration/vmstate.h"
#include "system/accel.h"
#include "trace/trace-hw_intc.h"

#define IOAPIC_BYTES        4096
#define REG_SELECT          0x00
#define REG_WINDOW          0x10
#define REG_EOI             0x40
#define IDX_ID              0x00
#define IDX_VERSION         0x01
#define IDX_ARB             0x02
#define IDX_REDIR           0x10
#define VERSION             (0x20 | (IOAPIC_NUM_PINS - 1) << 16)
#define ID_SHIFT            24
#define ID_MASK             0xf

#define REDIR_VECTOR        0xffULL
#define REDIR_DELIVERY_MODE (7ULL << 8)
#define REDIR_LOGICAL       BIT64(11)
#define REDIR_STATUS        BIT64(12)
#define REDIR_REMOTE_IRR    BIT64(14)
#define REDIR_LEVEL         BIT64(15)
#define REDIR_MASKED        BIT64(16)
#define REDIR_READ_ONLY     (REDIR_STATUS | REDIR_REMOTE_IRR)
#define REDIR_DEST_SHIFT    56

#define MSI_BASE            0xfee00000
#define MSI_DEST_SHIFT      12
#define MSI_LOGICAL         BIT(2)
#define MSI_ASSERT          BIT(14)
#define MSI_LEVEL           BIT(15)

/* ---- Delivery ---- */

static MSIMessage ioapic_message(uint64_t e)
{
    uint32_t data = e & (REDIR_VECTOR | REDIR_DELIVERY_MODE);

    if (e & REDIR_LEVEL) {
        data |= MSI_LEVEL | MSI_ASSERT;
    }
    return (MSIMessage){
        .address = MSI_BASE | (uint32_t)(e >> REDIR_DEST_SHIFT)
                                  << MSI_DEST_SHIFT |
                   (e & REDIR_LOGICAL ? MSI_LOGICAL : 0),
        .data = data,
    };
}

static void ioapic_service(IOAPICState *s, unsigned int pin)
{
    uint64_t *e = &s->redir[pin];
    MSIMessage msg = ioapic_message(*e);

    if (!(s->irr & BIT(pin)) || (*e & REDIR_MASKED)) {
        return;
    }
    if (*e & REDIR_LEVEL) {
        if (*e & REDIR_REMOTE_IRR) {
            return;                 /* under way */
        }
        *e |= REDIR_REMOTE_IRR;
    } else {
        s->irr &= ~BIT(pin);
    }
    accel_msi_send(&msg);
}

static void ioapic_set_pin(void *opaque, int pin, int level)
{
    IOAPICState *s = opaque;
    bool was = s->irr & BIT(pin);

    if (s->redir[pin] & REDIR_LEVEL) {
        s->irr = level ? s->irr | BIT(pin) : s->irr & ~BIT(pin);
    } else if (level) {
        s->irr |= BIT(pin);         /* an edge, kept while masked */
    } else {
        return;
    }
    if (level && !(was && (s->redir[pin] & REDIR_LEVEL))) {
        ioapic_service(s, pin);
    }
}

static void ioapic_eoi(void *opaque, uint8_t vector)
{
    IOAPICState *s = opaque;

    for (unsigned int pin = 0; pin < IOAPIC_NUM_PINS; pin++) {
        uint64_t *e = &s->redir[pin];

        if ((*e & REDIR_VECTOR) == vector && (*e & REDIR_LEVEL)) {
            *e &= ~REDIR_REMOTE_IRR;
            ioapic_service(s, pin);
        }
    }
}

static void ioapic_update_route(IOAPICState *s, unsigned int pin)
{
    MSIMessage msg = ioapic_message(s->redir[pin]);

    accel_pin_route_set(pin, s->redir[pin] & REDIR_MASKED ? NULL : &msg);
}

/* ---- Registers ---- */

static void ioapic_write_redir(IOAPICState *s, unsigned int idx, uint32_t val)
{
    unsigned int pin = idx / 2;
    uint64_t *e = &s->redir[pin];

    if (idx & 1) {
        *e = (*e & UINT32_MAX) | (uint64_t)val << 32;
    } else {
        *e = (*e & ~(uint64_t)UINT32_MAX) | (val & ~REDIR_READ_ONLY) |
             (*e & REDIR_READ_ONLY);
    }
    if (!(*e & REDIR_LEVEL)) {
        *e &= ~REDIR_REMOTE_IRR;
    }
    ioapic_update_route(s, pin);
    accel_msi_route_commit();
    ioapic_service(s, pin);
}

static uint32_t ioapic_read_window(const IOAPICState *s)
{
    unsigned int idx = s->select - IDX_REDIR;

    switch (s->select) {
    case IDX_ID:
    case IDX_ARB:
        return (uint32_t)s->id << ID_SHIFT;
    case IDX_VERSION:
        return VERSION;
    default:
        return idx < 2 * IOAPIC_NUM_PINS
                   ? s->redir[idx / 2] >> (idx & 1 ? 32 : 0)
                   : 0;
    }
}

static void ioapic_write_window(IOAPICState *s, uint32_t val)
{
    unsigned int idx = s->select - IDX_REDIR;

    if (s->select == IDX_ID) {
        s->id = val >> ID_SHIFT & ID_MASK;
    } else if (s->select >= IDX_REDIR && idx < 2 * IOAPIC_NUM_PINS) {
        ioapic_write_redir(s, idx, val);
    }
}

static uint64_t ioapic_read(void *opaque, hwaddr addr, unsigned int size)
{
    IOAPICState *s = opaque;

    switch (addr) {
    case REG_SELECT:
        return s->select;
    case REG_WINDOW:
        return ioapic_read_window(s);
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, hwaddr addr, uint64_t val,
                         unsigned int size)
{
    IOAPICState *s = opaque;

    trace_ioapic_write(s, addr, s->select, val);
    switch (addr) {
    case REG_SELECT:
        s->select = val;
        break;
    case REG_WINDOW:
        ioapic_write_window(s, val);
        break;
    case REG_EOI:
        ioapic_eoi(s, val);
        break;
    default:
        break;
    }
}

static const MemoryRegionOps ioapic_ops = {
    .read = ioapic_read,
    .write = ioapic_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- Life ---- */

static void ioapic_update_all(IOAPICState *s)
{
    for (unsigned int pin = 0; pin < IOAPIC_NUM_PINS; pin++) {
        ioapic_update_route(s, pin);
    }
    accel_msi_route_commit();
}

static void ioapic_reset_hold(Object *obj)
{
    IOAPICState *s = IOAPIC(obj);

    s->id = s->select = 0;
    s->irr = 0;
    for (unsigned int pin = 0; pin < IOAPIC_NUM_PINS; pin++) {
        s->redir[pin] = REDIR_MASKED;
    }
    ioapic_update_all(s);
}

static bool ioapic_realize(DeviceState *dev, Error **errp)
{
    accel_set_eoi_handler(ioapic_eoi, dev);
    return true;
}

static void ioapic_unrealize(DeviceState *dev)
{
    accel_set_eoi_handler(NULL, NULL);
}

static void ioapic_instance_init(Object *obj)
{
    IOAPICState *s = IOAPIC(obj);

    memory_region_init_io(&s->mr, obj, &ioapic_ops, s, "ioapic",
                          IOAPIC_BYTES);
    qdev_init_gpio_in_named(DEVICE(s), ioapic_set_pin, NULL, IOAPIC_NUM_PINS);
}

static void ioapic_instance_finalize(Object *obj)
{
    memory_region_deinit(&IOAPIC(obj)->mr);
}

static bool ioapic_post_load(void *opaque, int version_id, Error **errp)
{
    IOAPICState *s = opaque;

    s->id &= ID_MASK;
    s->irr &= BIT(IOAPIC_NUM_PINS) - 1;
    ioapic_update_all(s);
    return true;
}

static const VMStateDescription vmstate_ioapic = {
    .name = TYPE_IOAPIC,
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_INTC,
    .post_load = ioapic_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(id, IOAPICState),
        VMSTATE_UINT8(select, IOAPICState),
        VMSTATE_UINT32(irr, IOAPICState),
        VMSTATE_UINT64_ARRAY(redir, IOAPICState, IOAPIC_NUM_PINS),
        VMSTATE_END_OF_LIST()
    },
};

static void ioapic_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = ioapic_realize;
    dc->unrealize = ioapic_unrealize;
    dc->reset_hold = ioapic_reset_hold;
    dc->vmsd = &vmstate_ioapic;
    dc->user_creatable = false;
}

static const TypeInfo ioapic_types[] = {
    {
        .name = TYPE_IOAPIC,
        .parent = TYPE_DEVICE,
        .help = "I/O APIC of machines with kernel-irqchip=split",
        .instance_size = sizeof(IOAPICState),
        .instance_init = ioapic_instance_init,
        .instance_finalize = ioapic_instance_finalize,
        .class_init = ioapic_class_init,
    },
};

DEFINE_TYPES(ioapic_types)
