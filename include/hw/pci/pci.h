/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI and PCI Express: functions, buses, configuration space.
 *
 * A device model derives from TYPE_PCI_DEVICE, names its ids in class_init and
 * does its work in PCIDeviceClass.realize: the function has its address and a
 * configuration header by then; it adds BARs and capabilities. Everything that
 * was registered goes away by itself after PCIDeviceClass.exit.
 *
 *     static bool x_realize(PCIDevice *dev, Error **errp)
 *     {
 *         memory_region_init_io(&s->mmio, OBJECT(s), &x_ops, s, "x", 4096);
 *         pci_register_bar(dev, 0, PCI_BAR_MEM64, &s->mmio);
 *         return msix_init_exclusive_bar(dev, 2, 1, errp);
 *     }
 *
 * Configuration space is bytes in dev->config with three masks beside it:
 * wmask (bits the guest writes), w1cmask (bits a written 1 clears), cmask
 * (bits that must be equal on both sides of a migration). A capability sets
 * its masks; PCIDeviceClass.config_write sees every write for side effects.
 *
 * Threading: big lock. Exceptions, for any thread: pci_dma_as(), msix_notify()
 * and the other calls that hw/pci/msix.h says.
 */
#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H

#include "util/bytes.h"
#include "migration/vmstate.h"
#include "system/memory.h"
#include "hw/core/qdev.h"
#include "hw/pci/pci_regs.h"

#define TYPE_PCI_DEVICE "pci-device"
#define TYPE_PCI_BUS    "PCI"
#define TYPE_PCIE_BUS   "PCIE"
OBJECT_DECLARE_TYPE(PCIDevice, PCIDeviceClass, PCI_DEVICE)
OBJECT_DECLARE_TYPE(PCIBus, PCIBusClass, PCI_BUS)

/* Types that say on which buses a device may sit. */
#define INTERFACE_PCIE_DEVICE           "pci-express-device"
#define INTERFACE_CONVENTIONAL_PCI_DEVICE "conventional-pci-device"

/* Kinds of BAR: the low bits of the register. */
#define PCI_BAR_IO          PCI_BASE_ADDRESS_SPACE_IO
#define PCI_BAR_MEM32       PCI_BASE_ADDRESS_MEM_TYPE_32
#define PCI_BAR_MEM64       PCI_BASE_ADDRESS_MEM_TYPE_64
#define PCI_BAR_MEM64_PREF  (PCI_BAR_MEM64 | PCI_BASE_ADDRESS_MEM_PREFETCH)

#define PCI_BAR_UNMAPPED    UINT64_MAX

typedef struct PCIRegion {
    MemoryRegion *mr;               /* NULL: no such BAR */
    MemoryRegion *container;        /* the bus's memory or I/O space */
    uint64_t size;                  /* bytes, a power of 2 */
    uint64_t addr;                  /* bus address or PCI_BAR_UNMAPPED */
    uint8_t type;                   /* PCI_BAR_* */
} PCIRegion;

struct PCIDeviceClass {
    DeviceClass parent_class;

    bool (*realize)(PCIDevice *dev, Error **errp);
    void (*exit)(PCIDevice *dev);
    /* Instead of / around pci_default_config_*; NULL: those alone. @len is 1,
     * 2 or 4 and never crosses the end of the space. */
    uint32_t (*config_read)(PCIDevice *dev, uint32_t addr, unsigned int len);
    void (*config_write)(PCIDevice *dev, uint32_t addr, uint32_t val,
                         unsigned int len);

    /* Reset, after configuration space and MSI-X; NULL: nothing more. */
    void (*reset)(PCIDevice *dev);

    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t class_id;              /* PCI_CLASS_* */
    uint16_t subsystem_vendor_id;   /* 0: 1af4:1100 as on QEMU */
    uint16_t subsystem_id;
    uint8_t prog_if;
    uint8_t revision;
    bool is_bridge;                 /* type 1 header */
};

struct PCIDevice {
    DeviceState parent_obj;

    /* Properties */
    int32_t addr;                   /* devfn, or -1: the first free slot */
    char *romfile;                  /* must be empty: no option ROMs here */
    uint32_t rombar;
    uint32_t romsize;
    uint32_t acpi_index;            /* 0: none */
    bool multifunction;

    /* Fixed after realize */
    uint8_t devfn;
    bool is_express;                /* 4096 bytes of configuration space */
    uint16_t config_size;           /* bytes; 256 or 4096 */
    char name[64];                  /* the type's name, for messages */
    uint8_t *cmask, *wmask, *w1cmask;
    uint8_t *used;                  /* bytes taken by capabilities */
    PCIRegion regions[PCI_NUM_REGIONS];

    /* Guest-visible registers */
    uint8_t *config;

    /* Runtime */
    AddressSpace *dma_as;           /* read by any thread: see pci_dma_as() */
    uint8_t irq_level;              /* of the INTx pin */
    uint8_t pcie_cap;               /* offset of the capability or 0 */
    uint16_t pcie_ext_cap_end;      /* last extended capability or 0 */
    uint8_t msi_cap;                /* 0: none */
    struct MSIXState *msix;         /* NULL: none; hw/pci/msix.h */
};

struct PCIBusClass {
    BusClass parent_class;
};

/*
 * How a root bus raises INTx: @pin 0..3 is INTA..INTD after the swizzle of the
 * bridges on the way, @slot the slot on the root bus.
 */
typedef void PCISetIrqFn(void *opaque, uint8_t slot, unsigned int pin,
                         int level);

struct PCIBus {
    BusState parent_obj;

    PCIDevice *parent_dev;          /* the bridge; NULL: a root bus */
    PCIDevice *devices[PCI_DEVFN_MAX];
    MemoryRegion *mem;              /* where memory BARs are mapped */
    MemoryRegion *io;
    AddressSpace *dma_as;           /* what bus masters see */
    AddressSpace *dma_off_as;       /* root: what all see with mastering off */
    uint8_t slot_min;               /* first slot for automatic addresses */
    bool is_express;
    bool single_slot;               /* below a port: slot 0 only */
    uint64_t reserved_slots;        /* bit n: slot n is not for users */

    /* Root buses */
    PCISetIrqFn *set_irq;           /* NULL: no INTx, devices have no pin */
    void *irq_opaque;
    bool has_msi;
    uint16_t segment;
};

/* ---- Devices ---- */

/*
 * pci_register_bar: BAR @nr is @mr, whose size must be a power of 2, at least
 * 16 bytes for memory and 4 for I/O. A 64-bit BAR takes @nr + 1 too. To be
 * called from realize.
 */
void pci_register_bar(PCIDevice *dev, unsigned int nr, uint8_t type,
                      MemoryRegion *mr);

/*
 * pci_add_capability: put a capability of @len bytes (header included) at
 * @pos, or with @pos 0 at the first free place. All bytes are 0 and read only.
 * Returns its offset, or 0 with *@errp set.
 */
uint8_t pci_add_capability(PCIDevice *dev, uint8_t id, uint8_t pos, uint8_t len,
                           Error **errp);

/* The plain configuration access: masks, BARs, bus mastering, MSI-X. Hooks
 * call them. */
uint32_t pci_default_config_read(PCIDevice *dev, uint32_t addr,
                                 unsigned int len);
void pci_default_config_write(PCIDevice *dev, uint32_t addr, uint32_t val,
                              unsigned int len);

/* The bus @dev is on; its bus number (changes with the guest's bridges); its
 * requester id. */
PCIBus *pci_get_bus(const PCIDevice *dev);
uint8_t pci_dev_bus_num(const PCIDevice *dev);

/*
 * pci_dma_as: where the DMA of @dev goes now: guest memory, or a space with
 * nothing in it while the guest has bus mastering off. Any thread; ask for
 * each transfer, the answer changes.
 */
static inline AddressSpace *pci_dma_as(PCIDevice *dev)
{
    return __atomic_load_n(&dev->dma_as, __ATOMIC_ACQUIRE);
}

/* pci_irq_set: drive the INTx pin. No-op without a pin (hw/pci-host/pci-lite
 * has none: use MSI-X). */
void pci_irq_set(PCIDevice *dev, int level);

/* pci_send_msi: deliver if bus mastering is on. Any thread. */
struct MSIMessage;
void pci_send_msi(PCIDevice *dev, const struct MSIMessage *msg);

/* pci_new: a device of @type with properties addr and multifunction set;
 * realize it with qdev_realize_and_unref(). @devfn -1: automatic. */
PCIDevice *pci_new(int32_t devfn, const char *type);
bool pci_realize_and_unref(PCIDevice *dev, PCIBus *bus, Error **errp);

/* ---- Buses ---- */

typedef struct PCIRootBusInfo {
    MemoryRegion *mem, *io;
    AddressSpace *dma_as;
    PCISetIrqFn *set_irq;           /* NULL: no INTx */
    void *irq_opaque;
    bool has_msi;
    uint8_t slot_min;
} PCIRootBusInfo;

/* pci_root_bus_new: the bus of host bridge @parent; realized with it. */
PCIBus *pci_root_bus_new(DeviceState *parent, const char *name,
                         const char *type, const PCIRootBusInfo *info);
/* pci_bus_num: 0 for a root bus, else the bridge's secondary bus number. */
uint8_t pci_bus_num(const PCIBus *bus);
bool pci_bus_is_root(const PCIBus *bus);
PCIBus *pci_bus_root(PCIBus *bus);
/* pci_find_device: by requester address; NULL when none. */
PCIDevice *pci_find_device(PCIBus *root, uint8_t bus_num, uint8_t devfn);
typedef void PCIDeviceFn(PCIDevice *dev, void *opaque);
void pci_bus_foreach(PCIBus *bus, PCIDeviceFn *fn, void *opaque);
/* All root buses in the order of their creation; @i from 0, NULL at the end. */
PCIBus *pci_root_bus_get(unsigned int i);

/* ---- Configuration access by the host bridge ---- */

/*
 * pci_config_read, pci_config_write: @addr is bus << 20 | devfn << 12 |
 * register for ECAM. Nothing there reads all ones. Any address is fine.
 */
uint32_t pci_config_read(PCIBus *root, uint32_t addr, unsigned int len);
void pci_config_write(PCIBus *root, uint32_t addr, uint32_t val,
                      unsigned int len);
/* The same as a memory window, one MiB a bus (PCI Express Base 5.0, 7.2.2).
 * Opaque: the root PCIBus. */
extern const MemoryRegionOps pci_ecam_ops;
/* pci_host_function_class_init: function 00.0, so that guests find a bus. */
void pci_host_function_class_init(ObjectClass *oc, uint16_t vendor_id,
                                  uint16_t device_id);

/* ---- VMState ---- */

/*
 * The state of a PCI function for the table of a device:
 * VMSTATE_PCI_DEVICE(parent_obj, XState). Loading checks cmask, re-maps BARs.
 */
extern const VMStateDescription vmstate_pci_device;
#define VMSTATE_PCI_DEVICE(f, S) VMSTATE_STRUCT(f, S, vmstate_pci_device, PCIDevice)

/* ---- Property ---- */

/* "5", "0x5", "5.1", "0x05.0x1", or a devfn number; -1: automatic. */
extern const PropertyInfo prop_info_pci_devfn;

#endif
