/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ITS of GICv3 in the kernel: message-signalled interrupts by the device
 * that sends them. Linux Documentation/virt/kvm/devices/arm-vgic-its.rst.
 *
 * Its tables are in guest memory; saving writes the kernel's caches there, so
 * that only registers travel. Threading: big lock.
 */
#include "util/osdep.h"
#include "hw/intc/arm_gic.h"
#include "migration/vmstate.h"
#include "qom/property.h"
#include "system/runstate.h"
#include "util/log.h"
#include "arm-internal.h"

OBJECT_DECLARE_SIMPLE_TYPE(KVMIts, KVM_ARM_ITS)

/* Registers (Arm IHI 0069, 12.19) */
enum {
    GITS_CTLR = 0x0000, GITS_IIDR = 0x0004, GITS_CBASER = 0x0080,
    GITS_CWRITER = 0x0088, GITS_CREADR = 0x0090, GITS_BASER = 0x0100,
};
#define GITS_NR_BASER 8

struct KVMIts {
    DeviceState parent_obj;

    /* Properties */
    uint64_t base;

    /* Guest-visible registers (migrated), valid while saved or loaded */
    uint64_t ctlr, iidr, cbaser, cwriter, creadr, baser[GITS_NR_BASER];

    int fd;                         /* -1: none */
    VMStateChangeEntry *vm_change;
};

static int its_get(KVMIts *its, uint64_t reg, uint64_t *value)
{
    return kvm_arm_device_get(its->fd, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg,
                              value);
}

static int its_set(KVMIts *its, uint64_t reg, uint64_t value)
{
    return kvm_arm_device_set(its->fd, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg,
                              &value);
}

static int its_control(KVMIts *its, uint64_t attr)
{
    return kvm_arm_device_set(its->fd, KVM_DEV_ARM_VGIC_GRP_CTRL, attr, NULL);
}

/* ---- State ---- */

/* Guest memory may be on its way elsewhere when the VM stops: now. */
static void its_vm_change(void *opaque, bool running, RunState state)
{
    KVMIts *its = opaque;
    int ret;

    if (running) {
        return;
    }
    ret = its_control(its, KVM_DEV_ARM_ITS_SAVE_TABLES);
    if (ret < 0 && ret != -EFAULT) {
        warn_report_once("the ITS's tables cannot be written to guest "
                         "memory: %s", strerror(-ret));
    }
}

static bool its_pre_save(void *opaque, Error **errp)
{
    KVMIts *its = opaque;
    int ret = 0;

    for (int i = 0; !ret && i < GITS_NR_BASER; i++) {
        ret = its_get(its, GITS_BASER + i * 8, &its->baser[i]);
    }
    if (ret || (ret = its_get(its, GITS_CTLR, &its->ctlr)) ||
        (ret = its_get(its, GITS_IIDR, &its->iidr)) ||
        (ret = its_get(its, GITS_CBASER, &its->cbaser)) ||
        (ret = its_get(its, GITS_CREADR, &its->creadr)) ||
        (ret = its_get(its, GITS_CWRITER, &its->cwriter))) {
        return kvm_arm_ioctl_error(ret, "cannot read the ITS", errp);
    }
    return true;
}

/* The order is the kernel's: GITS_CBASER clears GITS_CREADR, and enabling
 * comes last. */
static int its_put(KVMIts *its)
{
    int ret = its_set(its, GITS_IIDR, its->iidr);

    if (!ret) {
        ret = its_set(its, GITS_CBASER, its->cbaser);
    }
    if (!ret) {
        ret = its_set(its, GITS_CREADR, its->creadr);
    }
    if (!ret) {
        ret = its_set(its, GITS_CWRITER, its->cwriter);
    }
    for (int i = 0; !ret && i < GITS_NR_BASER; i++) {
        ret = its_set(its, GITS_BASER + i * 8, its->baser[i]);
    }
    if (!ret) {
        ret = its_control(its, KVM_DEV_ARM_ITS_RESTORE_TABLES);
    }
    return ret ? ret : its_set(its, GITS_CTLR, its->ctlr);
}

static bool its_post_load(void *opaque, int version_id, Error **errp)
{
    int ret = its_put(opaque);

    return ret == 0 || kvm_arm_ioctl_error(ret, "cannot restore the ITS",
                                           errp);
}

static const VMStateDescription vmstate_its = {
    .name = "arm_gicv3_its",
    .version_id = 1,
    .minimum_version_id = 1,
    /* after the GIC: its LPIs are restored into that */
    .priority = VMSTATE_PRI_PCI_BUS,
    .pre_save = its_pre_save,
    .post_load = its_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(ctlr, KVMIts),
        VMSTATE_UINT64(iidr, KVMIts),
        VMSTATE_UINT64(cbaser, KVMIts),
        VMSTATE_UINT64(cwriter, KVMIts),
        VMSTATE_UINT64(creadr, KVMIts),
        VMSTATE_UINT64_ARRAY(baser, KVMIts, GITS_NR_BASER),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- Life ---- */

static void its_reset_hold(Object *obj)
{
    KVMIts *its = KVM_ARM_ITS(obj);
    int ret = its_control(its, KVM_DEV_ARM_ITS_CTRL_RESET);

    if (ret < 0) {
        warn_report("the ITS cannot be reset: %s", strerror(-ret));
    }
}

static bool its_realize(DeviceState *dev, Error **errp)
{
    KVMIts *its = KVM_ARM_ITS(dev);
    int ret;

    its->fd = kvm_arm_device_create(kvm_state(), KVM_DEV_TYPE_ARM_VGIC_ITS,
                                    false);
    if (its->fd < 0) {
        kvm_arm_ioctl_error(its->fd, "the host's KVM has no ITS", errp);
        error_append_hint(errp, "Use -machine its=off");
        return false;
    }
    ret = kvm_arm_device_set(its->fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
                             KVM_VGIC_ITS_ADDR_TYPE, &its->base);
    if (ret == 0) {
        ret = its_control(its, KVM_DEV_ARM_VGIC_CTRL_INIT);
    }
    if (ret < 0) {
        return kvm_arm_ioctl_error(ret, "cannot set up the ITS", errp);
    }
    its->vm_change = vm_change_state_add(its_vm_change, its, 0);
    kvm_arm(kvm_state())->has_its = true;
    return true;
}

static void its_instance_init(Object *obj)
{
    KVM_ARM_ITS(obj)->fd = -1;
}

static void its_instance_finalize(Object *obj)
{
    KVMIts *its = KVM_ARM_ITS(obj);

    if (its->vm_change) {
        vm_change_state_del(its->vm_change);
    }
    if (its->fd >= 0) {
        close(its->fd);
    }
}

static const Property its_props[] = {
    PROP_UINT64("base", KVMIts, base, 0,
                "guest physical address of its registers"),
};

static void its_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "GICv3 ITS in the kernel";
    dc->realize = its_realize;
    dc->reset_hold = its_reset_hold;
    dc->vmsd = &vmstate_its;
    dc->user_creatable = false;
    dc->hotpluggable = false;
    device_class_set_props(dc, its_props);
}

static const TypeInfo its_types[] = {
    {
        .name = TYPE_KVM_ARM_ITS,
        .parent = TYPE_DEVICE,
        .help = "GICv3 ITS in the kernel",
        .instance_size = sizeof(KVMIts),
        .instance_init = its_instance_init,
        .instance_finalize = its_instance_finalize,
        .class_init = its_class_init,
    },
};
DEFINE_TYPES(its_types)
