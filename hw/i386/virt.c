/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virt machine of x86-64: CPUs, RAM, PCI Express and hardware-reduced
 * ACPI; no chipset. Maps and files: virt-internal.h. The guest learns
 * everything from ACPI and PCI. Threading: main thread, big lock.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/char/serial.h"
#include "hw/rtc/mc146818rtc.h"
#include "system/accel.h"
#include "system/rtc.h"
#include "system/serial.h"
#include "target/i386/cpu.h"
#include "util/log.h"

/* ---- Interrupts ---- */

/* The kernel has the controllers: a line is a call of the accelerator. */
static void virt_gsi_handler(void *opaque, int n, int level)
{
    accel_gsi_set(n, level);
}

/*
 * v->gsi[] is what devices are wired to: lines into the kernel's interrupt
 * controllers, or, when only the local APICs are the kernel's
 * (kernel_irqchip=split), inputs of our own I/O APIC.
 */
static bool virt_create_irqchip(VirtMachine *v, Error **errp)
{
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;
    IOAPICState *ioapic;

    if (ac && ac->create_irqchip &&
        !ac->create_irqchip(current_accel, MACHINE(v), errp)) {
        return false;
    }
    if (!accel_irqchip_is_split()) {
        for (int i = 0; i < VIRT_NUM_GSIS; i++) {
            v->gsi[i] = irq_new(virt_gsi_handler, v, i);
        }
        return true;
    }
    ioapic = IOAPIC(qdev_new(TYPE_IOAPIC));
    if (!qdev_realize_and_unref(DEVICE(ioapic), NULL, errp)) {
        return false;
    }
    memory_region_add_subregion_overlap(get_system_memory(), VIRT_IOAPIC_BASE,
                                        &ioapic->mr, 1);
    for (int i = 0; i < VIRT_NUM_GSIS; i++) {
        v->gsi[i] = qdev_get_gpio_in_named(DEVICE(ioapic), NULL, i);
    }
    return true;
}

/* ---- Devices ---- */

/* Above all RAM and what can be plugged, inside the addresses a CPU has. */
static bool virt_place_pci64(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);
    uint64_t limit = 1ULL << virt_phys_bits(v);
    uint64_t top = VIRT_HIGH_RAM_BASE + v->high_ram_size;

    if (ms->maxram_size > ms->ram_size) {
        top = ROUND_UP(top, GiB) + (ms->maxram_size - ms->ram_size) +
              ms->ram_slots * GiB;
    }
    v->pci64_base = ROUND_UP(top, VIRT_PCI64_ALIGN);
    v->pci64_size = ROUND_UP(v->pci->hole64_size, VIRT_PCI64_ALIGN);
    if (v->pci64_base > limit) {
        error_setg(errp, "memory up to 0x%" PRIx64 " is beyond the %u "
                   "physical address bits of the CPU", v->pci64_base,
                   virt_phys_bits(v));
        error_append_hint(errp, "Use -cpu ...,host-phys-bits=on or less "
                          "memory.");
        return false;
    }
    v->pci64_size = MIN(v->pci64_size, limit - v->pci64_base);
    return true;
}

static bool virt_create_pci(VirtMachine *v, Error **errp)
{
    MemoryRegion *sys = get_system_memory(), *io = get_system_io();
    PCILiteHost *pci = PCI_LITE_HOST(qdev_new(TYPE_PCI_LITE_HOST));
    PCIDevice *fn0;

    object_property_add_child(OBJECT(v), "pcihost", OBJECT(pci));
    pci->dma_as = &address_space_memory;
    if (!qdev_realize_and_unref(DEVICE(pci), NULL, errp)) {
        return false;
    }
    v->pci = pci;
    /* BARs lie below all else: what the board has mapped wins. */
    memory_region_add_subregion_overlap(sys, 0, &pci->mem, -1);
    memory_region_add_subregion_overlap(io, 0, &pci->io, -1);
    memory_region_add_subregion(sys, VIRT_ECAM_BASE, &pci->ecam);
    memory_region_add_subregion(io, VIRT_PORT_PCI_ADDR, &pci->config_addr);
    memory_region_add_subregion(io, VIRT_PORT_PCI_DATA, &pci->config_data);
    /* The bridge itself, where guests and firmware expect to find one. */
    fn0 = pci_new(PCI_DEVFN_OF(0, 0), TYPE_PCI_LITE);
    return pci_realize_and_unref(fn0, pci->bus, errp) &&
           virt_place_pci64(v, errp);
}

static bool virt_create_acpi(VirtMachine *v, Error **errp)
{
    MemoryRegion *io = get_system_io();
    AcpiGed *ged = ACPI_GED(qdev_new(TYPE_ACPI_GED));

    if (!qdev_realize_and_unref(DEVICE(ged), NULL, errp)) {
        return false;
    }
    v->ged = ged;
    qdev_connect_gpio_out_named(DEVICE(ged), "irq", 0,
                                v->gsi[VIRT_GSI_EVENTS]);
    memory_region_add_subregion(io, VIRT_PORT_SLEEP, &ged->sleep_mr);
    memory_region_add_subregion(io, VIRT_PORT_PM_TIMER, &ged->timer_mr);
    memory_region_add_subregion(io, VIRT_PORT_EVENTS, &ged->selector_mr);
    v->pci->port_cf9 = &ged->reset_mr;
    return true;
}

static bool virt_create_fw_cfg(VirtMachine *v, Error **errp)
{
    FWCfg *s = FW_CFG(qdev_new(TYPE_FW_CFG));

    object_property_add_child(OBJECT(v), "fw_cfg", OBJECT(s));
    if (!qdev_realize_and_unref(DEVICE(s), NULL, errp)) {
        return false;
    }
    v->fw_cfg = s;
    memory_region_add_subregion(get_system_io(), FW_CFG_IO_BASE, &s->io);
    return true;
}

/* Kernels have kvmclock and look for no RTC when ACPI says there is none. */
static bool virt_create_rtc(VirtMachine *v, Error **errp)
{
    DeviceState *dev;

    v->has_rtc = v->rtc == ON_OFF_AUTO_ON ||
                 (v->rtc == ON_OFF_AUTO_AUTO &&
                  (v->has_rom || rtc_base_is_date()));
    if (!v->has_rtc) {
        if (rtc_base_is_date()) {
            error_setg(errp, "-rtc base=DATE: the machine has no RTC to set");
            error_append_hint(errp, "Leave out rtc=off of -machine.");
            return false;
        }
        return true;
    }
    dev = qdev_new(TYPE_MC146818_RTC);
    if (!qdev_realize_and_unref(dev, BUS(v->isa), errp)) {
        return false;
    }
    mc146818_set_memory(MC146818_RTC(dev), v->low_ram_size, v->high_ram_size,
                        MACHINE(v)->smp.cpus);
    return true;
}

static bool virt_create_serials(VirtMachine *v, Error **errp)
{
    for (unsigned int i = 0; i < SERIAL_MAX_PORTS; i++) {
        Chardev *chr = serial_get(i);
        DeviceState *dev;

        if (!chr) {
            continue;
        }
        dev = qdev_new(TYPE_ISA_SERIAL);
        if (!object_property_set_uint(OBJECT(dev), "index", i, errp) ||
            !object_property_set_str(OBJECT(dev), "chardev",
                                     chardev_get_id(chr), errp)) {
            object_unref(dev);
            return false;
        }
        if (!qdev_realize_and_unref(dev, BUS(v->isa), errp)) {
            return false;
        }
    }
    return true;
}

static bool virt_create_devices(VirtMachine *v, Error **errp)
{
    v->isa = isa_bus_new(NULL, get_system_io(), v->gsi);
    return qbus_realize(BUS(v->isa), errp) && virt_create_pci(v, errp) &&
           virt_create_acpi(v, errp) && virt_create_fw_cfg(v, errp) &&
           virt_create_rtc(v, errp) && virt_create_serials(v, errp);
}

/* ---- The machine ---- */

static bool virt_finish(MachineState *ms, Error **errp)
{
    return virt_finish_boot(VIRT_MACHINE(ms), errp);
}

static bool virt_init(MachineState *ms, Error **errp)
{
    VirtMachine *v = VIRT_MACHINE(ms);
    bool ok;

    /* One transaction: the accelerator hears of the finished map alone. CPUs
     * come after the interrupt controllers, which KVM asks for. */
    memory_region_transaction_begin();
    ok = virt_create_memory(v, errp) && virt_create_irqchip(v, errp) &&
         virt_prepare_boot(v, errp) && virt_create_cpus(v, errp) &&
         virt_create_devices(v, errp);
    memory_region_transaction_commit();
    return ok;
}

static const Property virt_props[] = {
    PROP_ON_OFF_AUTO("rtc", VirtMachine, rtc, ON_OFF_AUTO_AUTO,
                     "real-time clock at ports 0x70 and 0x71; auto: only for "
                     "firmware or when -rtc gives a date"),
};

static void virt_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->init = virt_init;
    mc->finish = virt_finish;
    mc->possible_cpus = virt_possible_cpus;
    mc->max_cpus = VIRT_MAX_CPUS;
    mc->smp_dies_supported = true;
    mc->default_cpu_type = X86_CPU_TYPE_NAME("qemu64");
    mc->default_ram_size = 128 * MiB;
    mc->default_ram_id = "virt.ram";
    mc->default_nic = "virtio-net-pci";
    /* Of what "on" adds the guest uses the IOAPIC alone, to set it up. The
     * kernel would wait for several RCU grace periods to make the rest. */
    mc->default_irqchip = "split";
    object_class_add_props(oc, virt_props);
    virt_add_fixed_props(oc);
}

static void virt_1_0_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->alias = "virt";
    mc->desc = "NEMU virtual machine: PCI Express and ACPI, no legacy devices";
    mc->is_default = true;
}

static const TypeInfo virt_types[] = {
    {
        .name = TYPE_VIRT_MACHINE,
        .parent = TYPE_MACHINE,
        .help = "base of the virt machines",
        .instance_size = sizeof(VirtMachine),
        .class_init = virt_class_init,
        .abstract = true,
    }, {
        .name = MACHINE_TYPE_NAME("virt-1.0"),
        .parent = TYPE_VIRT_MACHINE,
        .help = "PCI Express and hardware-reduced ACPI",
        .class_init = virt_1_0_class_init,
    },
};

DEFINE_TYPES(virt_types)
