/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virt machine of x86-64: its maps, and what its files share.
 *
 *   guest physical             what
 *   0x00000000 - 0xbfffffff    low RAM, as much as there is
 *     0x000f0000                 SMBIOS; ACPI tables from 0xe0000 (direct boot)
 *   0xc0000000 - 0xe7ffffff    PCI memory, 32-bit window
 *   0xe8000000 - 0xf7ffffff    PCI configuration (ECAM), 256 buses
 *   0xfec00000                 IOAPIC
 *   0xfee00000                 LAPIC, MSI
 *     - 0xffffffff               firmware ROM ends here
 *   0x100000000 -              high RAM
 *   then, 1 GiB aligned        device memory (maxmem), PCI 64-bit window
 *
 * 0xc0000000 + 0x38000000 is the hole that stock OVMF expects of this host
 * bridge, with ECAM at its end.
 *
 *   port            what                     GSI   who
 *   0x0070, 0x0071  RTC, for firmware
 *   0x0402, 0x00e9  debug console, on request  4   serial port, on request
 *   0x03f8 - 0x03ff serial port, on request    9   ACPI events (edge)
 *   0x0510 - 0x051b fw_cfg
 *   0x0600, 0x0601  sleep control, status
 *   0x0608 - 0x060b PM timer
 *   0x0610 - 0x0613 event selector
 *   0x0cf8, 0x0cfc  PCI configuration; 0x0cf9: reset
 */
#ifndef HW_I386_VIRT_INTERNAL_H
#define HW_I386_VIRT_INTERNAL_H

#include "hw/acpi/ged.h"
#include "hw/acpi/tables.h"
#include "hw/core/machine.h"
#include "hw/i386/boot.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/isa.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/pci-host/pci-lite.h"
#include "qapi/qapi-types-common.h"

#define VIRT_LOW_RAM_MAX        0xc0000000ULL
#define VIRT_PCI32_BASE         0xc0000000ULL
#define VIRT_PCI32_END          0xe8000000ULL
#define VIRT_ECAM_BASE          0xe8000000ULL
#define VIRT_IOAPIC_BASE        0xfec00000ULL
#define VIRT_LAPIC_BASE         0xfee00000ULL
#define VIRT_HIGH_RAM_BASE      0x100000000ULL
#define VIRT_PCI64_ALIGN        GiB
#define VIRT_ROM_MAX            (16 * MiB)
#define VIRT_ROM_ALIAS_MAX      (128 * KiB)     /* below 1 MiB */

#define VIRT_PORT_SLEEP         0x600
#define VIRT_PORT_PM_TIMER      0x608
#define VIRT_PORT_EVENTS        0x610
#define VIRT_PORT_PCI_ADDR      0xcf8
#define VIRT_PORT_RESET         0xcf9
#define VIRT_PORT_PCI_DATA      0xcfc
#define VIRT_BOOT_PCI_IO        0xc000  /* ports for BARs that we assign */

#define VIRT_GSI_EVENTS         9
#define VIRT_NUM_GSIS           IOAPIC_NUM_PINS

#define VIRT_BUSES_PER_BRIDGE   8       /* its own and a switch of six ports */
#define VIRT_MAX_CPUS           255     /* ids that xAPIC interrupts reach */

#define TYPE_VIRT_MACHINE       "virt-machine-base"
OBJECT_DECLARE_SIMPLE_TYPE(VirtMachine, VIRT_MACHINE)

struct VirtMachine {
    MachineState parent_obj;

    /* Memory */
    MemoryRegion low_ram, high_ram;     /* aliases of the machine's RAM */
    MemoryRegion rom, rom_alias;        /* -bios */
    uint64_t low_ram_size, high_ram_size;
    uint64_t pci64_base, pci64_size;
    E820Entry e820[BOOT_MAX_E820];
    unsigned int ne820;

    /* Devices */
    Irq *gsi[VIRT_NUM_GSIS];
    PCILiteHost *pci;
    ISABus *isa;
    AcpiGed *ged;
    FWCfg *fw_cfg;

    /* Boot */
    bool direct_boot, has_rom;
    OnOffAuto rtc;                  /* auto: for firmware */
    bool has_rtc;
    bool loaded;                    /* and the guest did not run since */
    BootPlan plan;
    AcpiTables acpi;
    uint64_t acpi_gpa;
    GByteArray *smbios;             /* direct boot: at BOOT_SMBIOS_GPA */
};

/* virt-fixed.c: properties that take the value the machine has. */
void virt_add_fixed_props(ObjectClass *oc);

/* virt-memory.c */
bool virt_create_memory(VirtMachine *v, Error **errp);
bool virt_load_rom(VirtMachine *v, Error **errp);
uint8_t *virt_low_ram_ptr(VirtMachine *v);
/* How much of it lies there in one piece: the first NUMA node's. */
uint64_t virt_boot_ram_size(VirtMachine *v);

/* virt-cpus.c */
const CpuSlotList *virt_possible_cpus(MachineState *ms);
bool virt_create_cpus(VirtMachine *v, Error **errp);
unsigned int virt_phys_bits(VirtMachine *v);

/* virt-acpi.c: all tables of the machine as it is now, not placed. */
void virt_build_acpi(VirtMachine *v, AcpiTables *t);
void virt_build_dsdt(VirtMachine *v, AcpiTables *t);
/*
 * virt_last_bus: the highest bus number that the tables tell of: 0 without a
 * bridge, else as many as the bridges may need (none can be added later).
 * Linux looks for peers of the root bus at every device number of every bus
 * up to it, by ports: 255 buses cost 16,000 exits.
 */
uint8_t virt_last_bus(VirtMachine *v);

/* virt-smbios.c: entry point and structures, to be at BOOT_SMBIOS_GPA; or for
 * firmware, to fw_cfg. */
bool virt_build_smbios(VirtMachine *v, Error **errp);
bool virt_add_smbios(VirtMachine *v, Error **errp);

/* virt-boot.c */
bool virt_prepare_boot(VirtMachine *v, Error **errp);
/* All devices are there: tables, fw_cfg, first load. */
bool virt_finish_boot(VirtMachine *v, Error **errp);

/* boot-cpu.c: registers of a CPU at the kernel's entry; of all CPUs, what
 * firmware would have set up. */
struct X86CPU;
void boot_cpu_enter(struct X86CPU *cpu, const BootImage *img);
void boot_cpu_init_any(struct X86CPU *cpu);

#endif
