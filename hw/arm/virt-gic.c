/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller of the virt machine: which version, and where its
 * parts lie. The accelerator has the device; without one that has (qtest) the
 * lines end in the accelerator alone.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/intc/arm_gic.h"
#include "hw/intc/arm_gicv2m.h"
#include "system/accel.h"
#include "target/arm/host.h"

#define GICV2_MAX_CPUS 8

static bool host_has(unsigned version)
{
    return !arm_host || (version == 2 ? arm_host->gicv2 : arm_host->gicv3);
}

static unsigned best_version(void)
{
    return host_has(3) ? 3 : 2;
}

static bool check_version(VirtMachine *v, Error **errp)
{
    unsigned n = MACHINE(v)->smp.max_cpus;

    if (!host_has(v->gic_version)) {
        error_setg(errp, "gic-version=%u: host does not support in-kernel "
                   "GICv%u emulation", v->gic_version, v->gic_version);
        error_append_hint(errp, "Use gic-version=%u, host or max",
                          5 - v->gic_version);
        return false;
    }
    if (v->gic_version == 2 && n > GICV2_MAX_CPUS) {
        error_setg(errp, "gic-version=2 serves %u CPUs, not %u",
                   GICV2_MAX_CPUS, n);
        error_append_hint(errp, "Use gic-version=3");
        return false;
    }
    return true;
}

bool virt_choose_gic(VirtMachine *v, Error **errp)
{
    const char *name = v->gic_version_name;

    if (!name || !strcmp(name, "host") || !strcmp(name, "max")) {
        v->gic_version = best_version();
    } else if (!strcmp(name, "2") || !strcmp(name, "3")) {
        v->gic_version = name[0] - '0';
    } else {
        error_setg(errp, "gic-version takes 2, 3, host or max, not '%s'",
                   name);
        return false;
    }
    v->has_its = v->gic_version == 3 && v->its &&
                 (!arm_host || arm_host->its);
    v->has_v2m = v->gic_version == 2;
    return check_version(v, errp);
}

/* ---- Making it ---- */

static bool set_u64(DeviceState *dev, const char *name, uint64_t value,
                    Error **errp)
{
    return object_property_set_uint(OBJECT(dev), name, value, errp);
}

static bool place_v3(VirtMachine *v, DeviceState *dev, Error **errp)
{
    unsigned n = MACHINE(v)->smp.cpus;
    unsigned low = MIN(n, VIRT_GIC_REDIST_BYTES / ARM_GICV3_REDIST_BYTES);

    return set_u64(dev, "redist-base", VIRT_GIC_REDIST_BASE, errp) &&
           set_u64(dev, "redist-count", low, errp) &&
           set_u64(dev, "redist2-base", v->redist2.base, errp) &&
           set_u64(dev, "redist2-count", n - low, errp);
}

static bool virt_make_gic(VirtMachine *v, DeviceState *dev, Error **errp)
{
    bool ok = set_u64(dev, "num-irq", VIRT_NUM_SPIS + ARM_GIC_FIRST_SPI,
                      errp) &&
              set_u64(dev, "dist-base", VIRT_GIC_DIST_BASE, errp) &&
              (v->gic_version == 3
               ? place_v3(v, dev, errp)
               : set_u64(dev, "cpu-base", VIRT_GIC_CPU_BASE, errp));

    if (!ok) {
        object_unref(dev);
        return false;
    }
    return qdev_realize_and_unref(dev, NULL, errp);
}

static bool virt_make_its(DeviceState *dev, Error **errp)
{
    if (!set_u64(dev, "base", VIRT_GIC_ITS_BASE, errp)) {
        object_unref(dev);
        return false;
    }
    return qdev_realize_and_unref(dev, NULL, errp);
}

static bool virt_make_v2m(VirtMachine *v, DeviceState *dev, Error **errp)
{
    if (!set_u64(dev, "base-spi", VIRT_SPI_V2M + ARM_GIC_FIRST_SPI, errp) ||
        !set_u64(dev, "num-spi", VIRT_NUM_V2M, errp)) {
        object_unref(dev);
        return false;
    }
    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VIRT_GIC_V2M_BASE,
                                &ARM_GICV2M(dev)->io);
    for (int i = 0; i < VIRT_NUM_V2M; i++) {
        qdev_connect_gpio_out_named(dev, NULL, i, v->spi[VIRT_SPI_V2M + i]);
    }
    return true;
}

static void virt_spi_handler(void *opaque, int n, int level)
{
    accel_gsi_set(n, level);
}

bool virt_create_gic(VirtMachine *v, Error **errp)
{
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;

    if (ac && ac->create_irqchip &&
        !ac->create_irqchip(current_accel, MACHINE(v), errp)) {
        return false;
    }
    for (int i = 0; i < VIRT_NUM_SPIS; i++) {
        v->spi[i] = irq_new(virt_spi_handler, v, i);
    }
    if (v->has_v2m && !virt_make_v2m(v, qdev_new(TYPE_ARM_GICV2M), errp)) {
        return false;
    }
    if (!kvm_enabled()) {
        return true;
    }
    return virt_make_gic(v, qdev_new(v->gic_version == 3 ? TYPE_KVM_ARM_GICV3
                                                         : TYPE_KVM_ARM_GIC),
                         errp) &&
           (!v->has_its || virt_make_its(qdev_new(TYPE_KVM_ARM_ITS), errp));
}
