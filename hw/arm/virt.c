/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virt machine of Arm: CPUs, RAM, a GIC, PCI Express, and the few devices
 * that a guest finds by device tree or ACPI. Maps and files:
 * virt-internal.h. Threading: main thread, big lock.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/char/pl011.h"
#include "hw/rtc/pl031.h"
#include "hw/virtio/virtio-mmio.h"
#include "qapi/qapi-types-common.h"
#include "qom/property.h"
#include "system/serial.h"
#include "target/arm/cpu.h"

/* ---- Devices ---- */

static bool virt_create_uart(VirtMachine *v, Error **errp)
{
    Chardev *chr = serial_get(0);
    DeviceState *dev;

    if (serial_get(1)) {
        error_setg(errp, "the virt machine has one serial port");
        error_append_hint(errp, "Use -device virtio-serial-pci and "
                          "virtconsole for more consoles");
        return false;
    }
    if (!chr) {
        return true;
    }
    dev = qdev_new(TYPE_PL011);
    if (!object_property_set_str(OBJECT(dev), "chardev", chardev_get_id(chr),
                                 errp)) {
        object_unref(dev);
        return false;
    }
    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VIRT_UART_BASE,
                                &PL011(dev)->io);
    qdev_connect_gpio_out_named(dev, NULL, 0, v->spi[VIRT_SPI_UART]);
    v->has_uart = true;
    return true;
}

static bool virt_create_rtc(VirtMachine *v, Error **errp)
{
    DeviceState *dev = qdev_new(TYPE_PL031);

    object_property_add_child(OBJECT(v), "rtc", OBJECT(dev));
    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VIRT_RTC_BASE,
                                &PL031(dev)->io);
    qdev_connect_gpio_out_named(dev, NULL, 0, v->spi[VIRT_SPI_RTC]);
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
    memory_region_add_subregion(get_system_memory(), VIRT_FW_CFG_BASE,
                                &s->mmio);
    return true;
}

/* Windows onto the bus's own spaces. */
static void virt_map_pci(VirtMachine *v)
{
    MemoryRegion *sys = get_system_memory();
    GPEXHost *pci = v->pci;

    memory_region_init_alias(&v->pci32_alias, OBJECT(v), "pcie-mmio",
                             &pci->mem, VIRT_PCI32_BASE, VIRT_PCI32_BYTES);
    memory_region_add_subregion(sys, VIRT_PCI32_BASE, &v->pci32_alias);
    memory_region_init_alias(&v->pci_io_alias, OBJECT(v), "pcie-pio",
                             &pci->io, 0, VIRT_PCI_IO_BYTES);
    memory_region_add_subregion(sys, VIRT_PCI_IO_BASE, &v->pci_io_alias);
    if (v->pci64.size) {
        memory_region_init_alias(&v->pci64_alias, OBJECT(v), "pcie-mmio-high",
                                 &pci->mem, v->pci64.base, v->pci64.size);
        memory_region_add_subregion(sys, v->pci64.base, &v->pci64_alias);
    }
    memory_region_add_subregion(sys, v->ecam.base, &pci->ecam);
}

static bool virt_create_pci(VirtMachine *v, Error **errp)
{
    GPEXHost *pci = GPEX_HOST(qdev_new(TYPE_GPEX_HOST));

    object_property_add_child(OBJECT(v), "pcihost", OBJECT(pci));
    pci->dma_as = &address_space_memory;
    pci->ecam_bytes = v->ecam.size;
    pci->has_msi = v->has_its || v->has_v2m;
    if (!qdev_realize_and_unref(DEVICE(pci), NULL, errp)) {
        return false;
    }
    v->pci = pci;
    virt_map_pci(v);
    for (int i = 0; i < GPEX_NUM_IRQS; i++) {
        qdev_connect_gpio_out_named(DEVICE(pci), NULL, i,
                                    v->spi[VIRT_SPI_PCI + i]);
    }
    return gpex_create_root(pci, errp);
}

static bool virt_create_mmio_slot(VirtMachine *v, unsigned n, Error **errp)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(qdev_new(TYPE_VIRTIO_MMIO));

    p->slot = n;
    if (!qdev_realize_and_unref(DEVICE(p), NULL, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(),
                                VIRT_MMIO_BASE + n * VIRTIO_MMIO_BYTES,
                                &p->io);
    qdev_connect_gpio_out_named(DEVICE(p), NULL, 0,
                                v->spi[VIRT_SPI_MMIO + n]);
    return true;
}

/* A device without bus= takes the oldest: the last slot, as with QEMU. */
static bool virt_create_mmio(VirtMachine *v, Error **errp)
{
    for (unsigned n = VIRT_NUM_MMIO; n--; ) {
        if (!virt_create_mmio_slot(v, n, errp)) {
            return false;
        }
    }
    return true;
}

static bool virt_create_devices(VirtMachine *v, Error **errp)
{
    return virt_create_flash(v, errp) && virt_create_uart(v, errp) && virt_create_rtc(v, errp) &&
           virt_create_power_button(v, errp) && virt_create_fw_cfg(v, errp) &&
           virt_create_pci(v, errp) && virt_create_mmio(v, errp);
}

/* ---- The machine ---- */

/* What QEMU's machine can be asked for and KVM guests cannot have. */
static bool virt_check_props(const VirtMachine *v, Error **errp)
{
    const struct { const char *name; bool on; const char *why; } absent[] = {
        { "secure", v->secure, "KVM gives guests no secure state" },
        { "virtualization", v->virtualization,
          "KVM gives guests no hypervisor state (EL2)" },
        { "mte", v->mte, "memory tagging is not available in this version" },
        { "ras", v->ras, "memory errors are not reported in this version" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++) {
        if (absent[i].on) {
            error_setg(errp, "%s=on: %s", absent[i].name, absent[i].why);
            error_append_hint(errp, "Leave out %s=on", absent[i].name);
            return false;
        }
    }
    if (v->iommu && strcmp(v->iommu, "none")) {
        error_setg(errp, "iommu takes 'none' in this version, not '%s'",
                   v->iommu);
        return false;
    }
    return true;
}

static bool virt_init(MachineState *ms, Error **errp)
{
    VirtMachine *v = VIRT_MACHINE(ms);
    bool ok;

    memory_region_transaction_begin();
    ok = virt_check_props(v, errp) && virt_choose_gic(v, errp) &&
         virt_create_memory(v, errp) && virt_prepare_boot(v, errp) &&
         virt_create_cpus(v, errp) && virt_create_gic(v, errp) &&
         virt_create_devices(v, errp);
    memory_region_transaction_commit();
    return ok;
}

static bool virt_finish(MachineState *ms, Error **errp)
{
    return virt_finish_boot(VIRT_MACHINE(ms), errp);
}

static const Property virt_props[] = {
    PROP_STRING("gic-version", VirtMachine, gic_version_name, NULL,
                "interrupt controller: 2, 3, or host or max for the best one"),
    PROP_BOOL("its", VirtMachine, its, true,
              "give GICv3 an ITS, which message-signalled interrupts need"),
    PROP_ON_OFF_AUTO("acpi", VirtMachine, acpi, ON_OFF_AUTO_AUTO,
                     "describe the machine by ACPI tables as well"),
    PROP_BOOL("highmem", VirtMachine, highmem, true,
              "use addresses above 4 GiB"),
    PROP_BOOL("highmem-ecam", VirtMachine, highmem_ecam, true,
              "256 PCI buses, configured above RAM; off: 16 buses below"),
    PROP_BOOL("highmem-mmio", VirtMachine, highmem_mmio, true,
              "a PCI memory window above RAM"),
    PROP_BOOL("highmem-redists", VirtMachine, highmem_redists, true,
              "GICv3 redistributors above RAM for more than 123 CPUs"),
    PROP_BOOL("compact-highmem", VirtMachine, compact_highmem, true,
              "leave no room above RAM for what is not there"),
    PROP_BOOL("secure", VirtMachine, secure, false,
              "secure state; KVM guests cannot have it"),
    PROP_BOOL("virtualization", VirtMachine, virtualization, false,
              "hypervisor state; KVM guests cannot have it"),
    PROP_BOOL("mte", VirtMachine, mte, false,
              "memory tagging; not available in this version"),
    PROP_BOOL("ras", VirtMachine, ras, false,
              "report memory errors; not available in this version"),
    PROP_STRING("pflash0", VirtMachine, flash_node[0], NULL,
                "node with the firmware, 64 MiB"),
    PROP_STRING("pflash1", VirtMachine, flash_node[1], NULL,
                "node with the firmware's variables, 64 MiB"),
    PROP_STRING("iommu", VirtMachine, iommu, NULL,
                "none; others are not available in this version"),
    PROP_STRING("dumpdtb", VirtMachine, dumpdtb, NULL,
                "write the device tree into this file and end"),
    PROP_BOOL("dtb-randomness", VirtMachine, dtb_randomness, true,
              "put random seeds into the device tree"),
    { .name = "dtb-kaslr-seed", .info = &prop_info_bool,
      .offset = offsetof(VirtMachine, dtb_randomness),
      .flags = PROP_F_HIDDEN | PROP_F_NO_DEF,
      .help = "another spelling of dtb-randomness" },
};

static void virt_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->init = virt_init;
    mc->finish = virt_finish;
    mc->possible_cpus = virt_possible_cpus;
    mc->max_cpus = VIRT_MAX_CPUS;
    mc->smp_clusters_supported = true;
    mc->default_cpu_type = ARM_CPU_TYPE_NAME("max");
    mc->default_ram_size = 128 * MiB;
    mc->default_ram_id = "mach-virt.ram";
    mc->default_nic = "virtio-net-pci";
    object_class_add_props(oc, virt_props);
}

static void virt_1_0_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->alias = "virt";
    mc->desc = "NEMU virtual machine: PCI Express, GIC, device tree or ACPI";
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
        .help = "PCI Express and GIC, found by device tree or ACPI",
        .class_init = virt_1_0_class_init,
    },
};

DEFINE_TYPES(virt_types)
