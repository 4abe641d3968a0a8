/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2 and GICv3 in the kernel as devices: making them, where they lie, and
 * their place in the machine's life. Linux Documentation/virt/kvm/devices/
 * arm-vgic.rst, arm-vgic-v3.rst. Their registers: arm-gic-state.c.
 *
 * Left out: GICv2's security extensions, and GICs that KVM does not have.
 * Threading: big lock.
 */
#include "util/osdep.h"
#include "hw/intc/arm_gic.h"
#include "migration/vmstate.h"
#include "qom/property.h"
#include "system/runstate.h"
#include "util/log.h"
#include "arm-gic-internal.h"

#define GIC_IRQS_MIN    64
#define GIC_IRQS_STEP   32
#define GIC_IRQS_MAX    1024        /* what the attribute takes */
#define REDIST_COUNT_SHIFT 52

/* ---- Making ---- */

static bool check_irqs(const KVMGic *g, Error **errp)
{
    if (g->num_irq < GIC_IRQS_MIN || g->num_irq > GIC_IRQS_MAX ||
        g->num_irq % GIC_IRQS_STEP) {
        error_setg(errp, "num-irq takes %d to %d in steps of %d, not '%u'",
                   GIC_IRQS_MIN, GIC_IRQS_MAX, GIC_IRQS_STEP, g->num_irq);
        return false;
    }
    return true;
}

static bool set_attr(KVMGic *g, uint32_t group, uint64_t attr,
                     const void *value, const char *what, Error **errp)
{
    int ret = kvm_arm_device_set(g->fd, group, attr, value);

    return ret == 0 || kvm_arm_ioctl_error(ret, what, errp);
}

static bool set_address(KVMGic *g, uint64_t attr, uint64_t value,
                        const char *what, Error **errp)
{
    return set_attr(g, KVM_DEV_ARM_VGIC_GRP_ADDR, attr, &value, what, errp);
}

/* A region holds the frames of that many CPUs. */
static bool place_redist(KVMGic *g, unsigned i, Error **errp)
{
    uint64_t value = g->redist_base[i] | i |
                     (uint64_t)g->redist_count[i] << REDIST_COUNT_SHIFT;

    return !g->redist_count[i] ||
           set_address(g, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, value,
                       "cannot place the redistributors", errp);
}

static bool place(KVMGic *g, Error **errp)
{
    if (g->version == 2) {
        return set_address(g, KVM_VGIC_V2_ADDR_TYPE_DIST, g->dist_base,
                           "cannot place the distributor", errp) &&
               set_address(g, KVM_VGIC_V2_ADDR_TYPE_CPU, g->cpu_base,
                           "cannot place the CPU interface", errp);
    }
    return set_address(g, KVM_VGIC_V3_ADDR_TYPE_DIST, g->dist_base,
                       "cannot place the distributor", errp) &&
           place_redist(g, 0, errp) && place_redist(g, 1, errp);
}

static bool create(KVMGic *g, Error **errp)
{
    KVMState *s = kvm_state();

    g->fd = kvm_arm_device_create(s, g->version == 2
                                     ? KVM_DEV_TYPE_ARM_VGIC_V2
                                     : KVM_DEV_TYPE_ARM_VGIC_V3, false);
    if (g->fd < 0) {
        error_setg_errno(errp, -g->fd,
                         "host does not support in-kernel GICv%u emulation",
                         g->version);
        error_append_hint(errp, "Use -machine gic-version=%u",
                          g->version == 2 ? 3 : 2);
        return false;
    }
    kvm_arm(s)->gic_fd = g->fd;     /* which closes it */
    return true;
}

/* Lines by their number; the kernel's table would go with the first MSI. */
static void add_routes(const KVMGic *g)
{
    KVMState *s = kvm_state();

    for (uint32_t spi = 0; spi < g->num_irq - ARM_GIC_FIRST_SPI; spi++) {
        const struct kvm_irq_routing_entry e = {
            .gsi = spi,
            .type = KVM_IRQ_ROUTING_IRQCHIP,
            .u.irqchip = { .irqchip = 0, .pin = spi },
        };

        kvm_route_set(s, &e);
    }
}

/* ---- State ---- */

/* LPIs that are pending are kept in guest memory: write them there. */
static void gic_vm_change(void *opaque, bool running, RunState state)
{
    KVMGic *g = opaque;

    if (running) {
        g->has_run = true;
    } else if (g->version == 3 && g->has_run) {
        kvm_arm_device_set(g->fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
                           KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL);
    }
}

static void gic_reset_hold(Object *obj)
{
    KVMGic *g = KVM_GIC(obj);
    int ret = g->has_run ? kvm_gic_reset(g) : 0;

    if (ret < 0) {
        warn_report("the interrupt controller cannot be reset: %s",
                    strerror(-ret));
    }
    g->has_run = g->has_run && ret < 0;
}

static bool gic_pre_save(void *opaque, Error **errp)
{
    return kvm_gic_save(opaque, errp);
}

static void gic_post_save(void *opaque)
{
    kvm_gic_drop_state(opaque);
}

static bool gic_pre_load(void *opaque, Error **errp)
{
    return kvm_gic_prepare_load(opaque, errp);
}

static bool gic_post_load(void *opaque, int version_id, Error **errp)
{
    ((KVMGic *)opaque)->has_run = true;
    return kvm_gic_load(opaque, errp);
}

static const VMStateDescription vmstate_gic = {
    .name = "arm_gic",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_INTC,
    .pre_save = gic_pre_save,
    .post_save = gic_post_save,
    .pre_load = gic_pre_load,
    .post_load = gic_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(nr_values, KVMGic),
        VMSTATE_VARRAY_UINT64_POINTER(values, KVMGic, nr_values,
                                      KVM_GIC_VALUES_MAX),
        VMSTATE_END_OF_LIST()
    },
};

static bool gic_realize(DeviceState *dev, Error **errp)
{
    KVMGic *g = KVM_GIC(dev);

    if (!check_irqs(g, errp) || !create(g, errp) ||
        !set_attr(g, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &g->num_irq,
                  "cannot set the number of interrupts", errp) ||
        !place(g, errp) ||
        !set_attr(g, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
                  NULL, "cannot set up the interrupt controller", errp)) {
        return false;
    }
    add_routes(g);
    g->vm_change = vm_change_state_add(gic_vm_change, g, 0);
    return kvm_arm_vcpus_finish(kvm_state(), errp);
}

/* ---- The types ---- */

static const Property gic_props[] = {
    PROP_UINT32("num-irq", KVMGic, num_irq, 288,
                "interrupts, with the 32 of each CPU, in steps of 32"),
    PROP_UINT64("dist-base", KVMGic, dist_base, 0,
                "guest physical address of the distributor"),
};

static const Property gicv2_props[] = {
    PROP_UINT64("cpu-base", KVMGic, cpu_base, 0,
                "guest physical address of the CPU interface"),
};

static const Property gicv3_props[] = {
    PROP_UINT64("redist-base", KVMGic, redist_base[0], 0,
                "guest physical address of the first redistributor region"),
    PROP_UINT32("redist-count", KVMGic, redist_count[0], 0,
                "CPUs that it serves"),
    PROP_UINT64("redist2-base", KVMGic, redist_base[1], 0,
                "guest physical address of the second redistributor region"),
    PROP_UINT32("redist2-count", KVMGic, redist_count[1], 0,
                "CPUs that it serves; 0: there is none"),
};

static void gic_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = gic_realize;
    dc->reset_hold = gic_reset_hold;
    dc->vmsd = &vmstate_gic;
    dc->user_creatable = false;
    dc->hotpluggable = false;
    device_class_set_props(dc, gic_props);
}

static void gicv2_instance_init(Object *obj)
{
    KVM_GIC(obj)->version = 2;
}

static void gicv2_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->desc = "GICv2 in the kernel";
    device_class_set_props(DEVICE_CLASS(oc), gicv2_props);
}

static void gicv3_instance_init(Object *obj)
{
    KVM_GIC(obj)->version = 3;
}

static void gicv3_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->desc = "GICv3 in the kernel";
    device_class_set_props(DEVICE_CLASS(oc), gicv3_props);
}

static void gic_instance_finalize(Object *obj)
{
    KVMGic *g = KVM_GIC(obj);

    if (g->vm_change) {
        vm_change_state_del(g->vm_change);
    }
    kvm_gic_drop_state(g);
}

static const TypeInfo gic_types[] = {
    {
        .name = TYPE_KVM_GIC,
        .parent = TYPE_DEVICE,
        .help = "interrupt controller in the kernel",
        .abstract = true,
        .instance_size = sizeof(KVMGic),
        .instance_finalize = gic_instance_finalize,
        .class_init = gic_class_init,
    },
    {
        .name = TYPE_KVM_ARM_GIC,
        .parent = TYPE_KVM_GIC,
        .help = "GICv2 in the kernel",
        .instance_init = gicv2_instance_init,
        .class_init = gicv2_class_init,
    },
    {
        .name = TYPE_KVM_ARM_GICV3,
        .parent = TYPE_KVM_GIC,
        .help = "GICv3 in the kernel",
        .instance_init = gicv3_instance_init,
        .class_init = gicv3_class_init,
    },
};
DEFINE_TYPES(gic_types)
