/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virt machine of Arm: its maps, and what its files share. Addresses and
 * interrupts are those of QEMU's machine of that name.
 *
 *   guest physical             what                                    SPI
 *   0x00000000 - 0x07ffffff    two flash banks of 64 MiB
 *   0x08000000                 GIC: distributor
 *   0x08010000                 GICv2: CPU interface
 *   0x08020000                 GICv2: MSI frame (v2m)                 48-111
 *   0x08080000                 GICv3: ITS
 *   0x080a0000 - 0x08ffffff    GICv3: redistributors of 123 CPUs
 *   0x09000000                 PL011 serial port                        1
 *   0x09010000                 PL031 clock                              2
 *   0x09020000                 fw_cfg
 *   0x09030000                 PL061: power button                      7
 *   0x09080000                 ACPI events                              9
 *   0x090a0000                 RAM: time stolen from CPUs, 64 bytes each
 *   0x0a000000 + 0x200 * n     32 virtio-mmio transports              16 + n
 *   0x10000000 - 0x3efeffff    PCI memory, 32-bit window
 *   0x3eff0000 - 0x3effffff    PCI I/O ports
 *   0x3f000000 - 0x3fffffff    PCI configuration, 16 buses (highmem-ecam=off)
 *   0x40000000 -               RAM: device tree, kernel at 2 MiB (direct boot)
 *
 * Above RAM and what can be plugged, at 256 GiB or higher, each at a multiple
 * of its size: more redistributors (64 MiB), PCI configuration of 256 buses,
 * PCI memory, 64-bit window (512 GiB). INTA to INTD of PCI are SPIs 3 to 6.
 */
#ifndef HW_ARM_VIRT_INTERNAL_H
#define HW_ARM_VIRT_INTERNAL_H

#include "hw/acpi/ged.h"
#include "hw/acpi/tables.h"
#include "hw/arm/boot.h"
#include "hw/core/machine.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/pci-host/gpex.h"
#include "util/timer.h"

#define VIRT_FLASH_BASE         0x00000000ULL
#define VIRT_FLASH_BYTES        (64 * MiB)  /* a bank */
#define VIRT_NUM_FLASH          2
#define VIRT_GIC_DIST_BASE      0x08000000ULL
#define VIRT_GIC_CPU_BASE       0x08010000ULL
#define VIRT_GIC_V2M_BASE       0x08020000ULL
#define VIRT_GIC_ITS_BASE       0x08080000ULL
#define VIRT_GIC_REDIST_BASE    0x080a0000ULL
#define VIRT_GIC_REDIST_BYTES   0x00f60000ULL
#define VIRT_UART_BASE          0x09000000ULL
#define VIRT_RTC_BASE           0x09010000ULL
#define VIRT_FW_CFG_BASE        0x09020000ULL
#define VIRT_GPIO_BASE          0x09030000ULL
#define VIRT_EVENTS_BASE        0x09080000ULL
#define VIRT_PVTIME_BASE        0x090a0000ULL
#define VIRT_PVTIME_BYTES       0x00010000ULL
#define VIRT_MMIO_BASE          0x0a000000ULL
#define VIRT_PCI32_BASE         0x10000000ULL
#define VIRT_PCI32_BYTES        0x2eff0000ULL
#define VIRT_PCI_IO_BASE        0x3eff0000ULL
#define VIRT_PCI_IO_BYTES       0x00010000ULL
#define VIRT_ECAM_LOW_BASE      0x3f000000ULL
#define VIRT_ECAM_LOW_BYTES     0x01000000ULL
#define VIRT_RAM_BASE           0x40000000ULL
#define VIRT_HIGH_MIN           (256 * GiB)
#define VIRT_HIGH_REDIST_BYTES  (64 * MiB)
#define VIRT_HIGH_ECAM_BYTES    (256 * MiB)
#define VIRT_PCI64_BYTES        (512 * GiB)

/* SPIs: 32 below an interrupt id */
#define VIRT_SPI_UART           1
#define VIRT_SPI_RTC            2
#define VIRT_SPI_PCI            3
#define VIRT_SPI_GPIO           7
#define VIRT_SPI_EVENTS         9
#define VIRT_SPI_MMIO           16
#define VIRT_SPI_V2M            48
#define VIRT_NUM_V2M            64
#define VIRT_NUM_SPIS           256

#define VIRT_NUM_MMIO           32      /* virtio-mmio transports */

#define VIRT_PIN_POWER          3       /* of the PL061 */

#define VIRT_MAX_CPUS           512

#define TYPE_VIRT_MACHINE       "virt-machine-base"
OBJECT_DECLARE_SIMPLE_TYPE(VirtMachine, VIRT_MACHINE)

/* Where a part of the machine lies; size 0: it is not there. */
typedef struct VirtRange {
    uint64_t base, size;            /* bytes */
} VirtRange;

struct VirtMachine {
    MachineState parent_obj;

    /* Properties */
    char *gic_version_name;
    char *iommu;
    char *dumpdtb;
    bool its, highmem, highmem_ecam, highmem_mmio, highmem_redists,
         compact_highmem;
    bool secure, virtualization, mte, ras, dtb_randomness;
    int acpi;                       /* OnOffAuto */
    char *flash_node[VIRT_NUM_FLASH];   /* names of nodes */

    /* Maps */
    VirtRange redist2, ecam, pci64;
    unsigned gic_version;           /* 2 or 3 */
    bool has_its, has_v2m;          /* for messages; at most one */

    /* Devices */
    Irq *spi[VIRT_NUM_SPIS];
    GPEXHost *pci;
    MemoryRegion pvtime;
    MemoryRegion pci32_alias, pci64_alias, pci_io_alias;
    struct PFlashCFI01 *flash[VIRT_NUM_FLASH];
    FWCfg *fw_cfg;
    bool has_uart;
    AcpiGed *ged;                   /* NULL: the PL061 has the power button */
    Irq *power_button;
    AioTimer power_timer;           /* until it is let go */

    /* Boot */
    BootPlan plan;
    bool direct_boot;
    bool loaded;                    /* and the guest did not run since */
    GByteArray *fdt;
};

/* virt-cpus.c */
const CpuSlotList *virt_possible_cpus(MachineState *ms);
bool virt_create_cpus(VirtMachine *v, Error **errp);

/* virt-memory.c: RAM, and where all that depends on its size goes. */
bool virt_create_memory(VirtMachine *v, Error **errp);
uint8_t *virt_ram_ptr(VirtMachine *v);
/* How much of it lies there in one piece: the first NUMA node's. */
uint64_t virt_boot_ram_size(VirtMachine *v);

/* virt-gic.c */
bool virt_choose_gic(VirtMachine *v, Error **errp);
bool virt_create_gic(VirtMachine *v, Error **errp);

/* virt-acpi.c: tables for firmware, unless acpi=off. */
bool virt_has_acpi(const VirtMachine *v);
bool virt_add_acpi(VirtMachine *v, Error **errp);
/* virt-dsdt.c */
void virt_build_dsdt(VirtMachine *v, AcpiTables *t);

/* virt-smbios.c */
bool virt_add_smbios(VirtMachine *v, Error **errp);

/* virt-power.c */
bool virt_create_power_button(VirtMachine *v, Error **errp);

/* virt-firmware.c */
bool virt_create_flash(VirtMachine *v, Error **errp);
/* Whether the guest starts in flash: firmware tells it of ACPI, and takes the
 * kernel from fw_cfg. */
bool virt_has_firmware(const VirtMachine *v);
/* Give the firmware what is in v->plan, and close that. */
bool virt_add_kernel_items(VirtMachine *v, Error **errp);

/* virt-fdt.c: the device tree of the machine as it is now, without what only
 * the loader knows. */
bool virt_build_fdt(VirtMachine *v, Error **errp);
/* virt-chosen.c: what the loader says: command line, initrd, fresh seeds. */
bool virt_fdt_set_chosen(VirtMachine *v, Error **errp);
/* Whether a tree that came from outside is one. */
bool virt_fdt_check(VirtMachine *v, Error **errp);

/* virt-boot.c */
bool virt_prepare_boot(VirtMachine *v, Error **errp);
/* All devices are there: device tree, first load. */
bool virt_finish_boot(VirtMachine *v, Error **errp);

#endif
