/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt controllers in the kernel.
 *
 * on: PIC, IOAPIC and LAPICs. GSI n is pin n of the IOAPIC; the PIC is there,
 * since KVM makes it, but no line of ours leads to it. The kernel starts with
 * routes to both; ours take their place with the first MSI route, since each
 * change of the table waits for an RCU grace period, and start-up has better
 * to do. Until then a PIC with all its inputs masked says nothing. State and
 * reset of the IOAPIC and PIC are those of the devices "kvm-ioapic" and
 * "kvm-i8259" below.
 *
 * split, what the virt machine chooses: LAPICs only. The board's IOAPIC tells
 * the MSI of each pin.
 */
#include "util/osdep.h"
#include "hw/core/qdev.h"
#include "migration/vmstate.h"
#include "util/log.h"
#include "i386-internal.h"

#define TYPE_KVM_IOAPIC "kvm-ioapic"
#define TYPE_KVM_I8259  "kvm-i8259"
OBJECT_DECLARE_SIMPLE_TYPE(KVMIoapic, KVM_IOAPIC)
OBJECT_DECLARE_SIMPLE_TYPE(KVMI8259, KVM_I8259)

struct KVMIoapic {
    DeviceState parent_obj;
    /* Guest-visible registers, as of the last save */
    uint64_t base_gpa;
    uint32_t ioregsel, id, irr;
    uint64_t redirection[KVM_IOAPIC_PINS];
};

/* One of the two PICs. */
typedef struct PicState {
    uint8_t last_irr, irr, imr, isr, priority_add, irq_base, read_reg_select,
        poll, special_mask, init_state, auto_eoi, rotate_on_auto_eoi,
        special_fully_nested_mode, init4, elcr, elcr_mask;
} PicState;

struct KVMI8259 {
    DeviceState parent_obj;
    PicState pics[2];
};

static bool get_chip(uint32_t id, struct kvm_irqchip *chip, Error **errp)
{
    int ret;

    *chip = (struct kvm_irqchip){ .chip_id = id };
    ret = kvm_vm_ioctl(kvm_state(), KVM_GET_IRQCHIP, chip);
    return ret == 0 || kvm_i386_ioctl_error(ret, "KVM_GET_IRQCHIP", errp);
}

static bool set_chip(struct kvm_irqchip *chip, Error **errp)
{
    int ret = kvm_vm_ioctl(kvm_state(), KVM_SET_IRQCHIP, chip);

    return ret == 0 || kvm_i386_ioctl_error(ret, "KVM_SET_IRQCHIP", errp);
}

/* ---- IOAPIC ---- */

enum {
    IOAPIC_BASE_GPA = 0xfec00000,
    IOAPIC_MASKED = 1 << 16,
};

static bool ioapic_put(KVMIoapic *d, Error **errp)
{
    struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
    struct kvm_ioapic_state *k = &chip.chip.ioapic;

    k->base_address = d->base_gpa;
    k->ioregsel = d->ioregsel;
    k->id = d->id;
    k->irr = d->irr;
    for (int i = 0; i < KVM_IOAPIC_PINS; i++) {
        k->redirtbl[i].bits = d->redirection[i];
    }
    return set_chip(&chip, errp);
}

static bool ioapic_pre_save(void *opaque, Error **errp)
{
    KVMIoapic *d = opaque;
    struct kvm_irqchip chip;
    const struct kvm_ioapic_state *k = &chip.chip.ioapic;

    if (!get_chip(KVM_IRQCHIP_IOAPIC, &chip, errp)) {
        return false;
    }
    d->base_gpa = k->base_address;
    d->ioregsel = k->ioregsel;
    d->id = k->id;
    d->irr = k->irr;
    for (int i = 0; i < KVM_IOAPIC_PINS; i++) {
        d->redirection[i] = k->redirtbl[i].bits;
    }
    return true;
}

static bool ioapic_post_load(void *opaque, int version_id, Error **errp)
{
    return ioapic_put(opaque, errp);
}

static void ioapic_reset_hold(Object *obj)
{
    KVMIoapic *d = KVM_IOAPIC(obj);
    Error *err = NULL;

    d->base_gpa = IOAPIC_BASE_GPA;
    d->ioregsel = d->id = d->irr = 0;
    for (int i = 0; i < KVM_IOAPIC_PINS; i++) {
        d->redirection[i] = IOAPIC_MASKED;
    }
    if (!ioapic_put(d, &err)) {
        warn_report_err(err);
    }
}

static const VMStateDescription vmstate_ioapic = {
    .name = "ioapic",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_INTC,
    .pre_save = ioapic_pre_save,
    .post_load = ioapic_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(base_gpa, KVMIoapic),
        VMSTATE_UINT32(ioregsel, KVMIoapic),
        VMSTATE_UINT32(id, KVMIoapic),
        VMSTATE_UINT32(irr, KVMIoapic),
        VMSTATE_UINT64_ARRAY(redirection, KVMIoapic, KVM_IOAPIC_PINS),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- PIC ---- */

static bool pic_put(KVMI8259 *d, Error **errp)
{
    for (int i = 0; i < 2; i++) {
        struct kvm_irqchip chip = {
            .chip_id = i ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER,
        };

        G_STATIC_ASSERT(sizeof(PicState) == sizeof(struct kvm_pic_state));
        memcpy(&chip.chip.pic, &d->pics[i], sizeof(PicState));
        if (!set_chip(&chip, errp)) {
            return false;
        }
    }
    return true;
}

static bool pic_pre_save(void *opaque, Error **errp)
{
    KVMI8259 *d = opaque;

    for (int i = 0; i < 2; i++) {
        struct kvm_irqchip chip;

        if (!get_chip(i ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER,
                      &chip, errp)) {
            return false;
        }
        memcpy(&d->pics[i], &chip.chip.pic, sizeof(PicState));
    }
    return true;
}

static bool pic_post_load(void *opaque, int version_id, Error **errp)
{
    return pic_put(opaque, errp);
}

static void pic_reset_hold(Object *obj)
{
    KVMI8259 *d = KVM_I8259(obj);
    Error *err = NULL;

    memset(d->pics, 0, sizeof(d->pics));
    for (int i = 0; i < 2; i++) {
        d->pics[i].imr = 0xff;
    }
    /* which lines may be level triggered: a PC's */
    d->pics[0].elcr_mask = 0xf8;
    d->pics[1].elcr_mask = 0xde;
    if (!pic_put(d, &err)) {
        warn_report_err(err);
    }
}

static const VMStateDescription vmstate_pic_state = {
    .name = "pic",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(last_irr, PicState),
        VMSTATE_UINT8(irr, PicState),
        VMSTATE_UINT8(imr, PicState),
        VMSTATE_UINT8(isr, PicState),
        VMSTATE_UINT8(priority_add, PicState),
        VMSTATE_UINT8(irq_base, PicState),
        VMSTATE_UINT8(read_reg_select, PicState),
        VMSTATE_UINT8(poll, PicState),
        VMSTATE_UINT8(special_mask, PicState),
        VMSTATE_UINT8(init_state, PicState),
        VMSTATE_UINT8(auto_eoi, PicState),
        VMSTATE_UINT8(rotate_on_auto_eoi, PicState),
        VMSTATE_UINT8(special_fully_nested_mode, PicState),
        VMSTATE_UINT8(init4, PicState),
        VMSTATE_UINT8(elcr, PicState),
        VMSTATE_UINT8(elcr_mask, PicState),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_pic = {
    .name = "i8259",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_INTC,
    .pre_save = pic_pre_save,
    .post_load = pic_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(pics, KVMI8259, 2, vmstate_pic_state, PicState),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- The types ---- */

static void ioapic_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "IOAPIC in the kernel";
    dc->user_creatable = false;
    dc->hotpluggable = false;
    dc->reset_hold = ioapic_reset_hold;
    dc->vmsd = &vmstate_ioapic;
}

static void pic_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "interrupt controller pair in the kernel";
    dc->user_creatable = false;
    dc->hotpluggable = false;
    dc->reset_hold = pic_reset_hold;
    dc->vmsd = &vmstate_pic;
}

static const TypeInfo irqchip_types[] = {
    {
        .name = TYPE_KVM_IOAPIC,
        .parent = TYPE_DEVICE,
        .help = "IOAPIC in the kernel",
        .instance_size = sizeof(KVMIoapic),
        .class_init = ioapic_class_init,
    },
    {
        .name = TYPE_KVM_I8259,
        .parent = TYPE_DEVICE,
        .help = "interrupt controller pair in the kernel",
        .instance_size = sizeof(KVMI8259),
        .class_init = pic_class_init,
    },
};
DEFINE_TYPES(irqchip_types)

/* ---- Making them ---- */

static bool make_device(const char *type, Error **errp)
{
    return qdev_realize_and_unref(qdev_new(type), NULL, errp);
}

static bool create_full(KVMState *s, Error **errp)
{
    int ret = kvm_vm_ioctl(s, KVM_CREATE_IRQCHIP, NULL);

    if (ret < 0) {
        return kvm_i386_ioctl_error(ret, "the kernel does not make an irqchip",
                                    errp);
    }
    for (uint32_t pin = 0; pin < KVM_IOAPIC_PINS; pin++) {
        const struct kvm_irq_routing_entry e = {
            .gsi = pin,
            .type = KVM_IRQ_ROUTING_IRQCHIP,
            .u.irqchip = { .irqchip = KVM_IRQCHIP_IOAPIC, .pin = pin },
        };

        kvm_route_set(s, &e);
    }
    return make_device(TYPE_KVM_I8259, errp) &&
           make_device(TYPE_KVM_IOAPIC, errp);
}

static bool create_split(KVMState *s, Error **errp)
{
    int ret = kvm_vm_enable_cap(s, KVM_CAP_SPLIT_IRQCHIP, KVM_IOAPIC_PINS, 0);

    if (ret < 0) {
        kvm_i386_ioctl_error(ret, "kernel-irqchip=split", errp);
        error_append_hint(errp, "Use kernel-irqchip=on");
        return false;
    }
    /* 32-bit ids in MSIs, and no broadcast at id 255 */
    if (kvm_check_extension(s, KVM_CAP_X2APIC_API) &&
        kvm_vm_enable_cap(s, KVM_CAP_X2APIC_API,
                          KVM_X2APIC_API_USE_32BIT_IDS |
                          KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK, 0) == 0) {
        kvm_i386(s)->ext_dest_id = true;
    }
    return true;
}

bool kvm_i386_create_irqchip(KVMState *s, Error **errp)
{
    return s->irqchip_mode == KVM_IRQCHIP_MODE_SPLIT ? create_split(s, errp)
                                                     : create_full(s, errp);
}

int kvm_arch_pin_route_set(AccelState *as, int pin, const MSIMessage *msg)
{
    KVMState *s = KVM_ACCEL(as);
    struct kvm_irq_routing_entry e = {
        .gsi = pin, .type = KVM_IRQ_ROUTING_MSI,
    };

    if (s->irqchip_mode != KVM_IRQCHIP_MODE_SPLIT || pin < 0 ||
        pin >= KVM_IOAPIC_PINS) {
        return -EINVAL;
    }
    if (!msg) {
        kvm_route_clear(s, pin);
        return 0;
    }
    e.u.msi.data = msg->data;
    kvm_arch_msi_address(s, msg->address, &e.u.msi.address_lo,
                         &e.u.msi.address_hi);
    kvm_route_set(s, &e);
    return 0;
}
