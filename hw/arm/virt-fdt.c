/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device tree of the virt machine. Bindings: Linux Documentation/
 * devicetree/bindings, named at each node. An interrupt is kind (0: SPI, 1:
 * of each CPU), number and trigger (interrupt-controller/arm,gic.yaml).
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "fdt-internal.h"
#include "hw/char/pl011.h"
#include "hw/core/numa.h"
#include "hw/gpio/pl061.h"
#include "hw/intc/arm_gic.h"
#include "hw/intc/arm_gicv2m.h"
#include "hw/rtc/pl031.h"
#include "hw/virtio/virtio-mmio.h"
#include "target/arm/cpu.h"

/* Enough for 512 CPUs and 32 transports. */
#define FDT_ROOM        (512 * KiB)

#define FDT_SPI         0
#define FDT_PPI         1
#define FDT_EDGE        1
#define FDT_LEVEL       4
#define FDT_PPI_FIRST   16          /* number 0 is interrupt id 16 */
/* GICv2 tells the CPUs in bits 8 to 15. */
#define FDT_PPI_CPUS(n) ((BIT(n) - 1) << 8)

#define CLOCK_HZ        24000000    /* of the peripherals; nothing runs at it */

typedef struct VirtFdt {
    FdtWriter w;
    VirtMachine *v;
    uint32_t gic, msi, clock;       /* phandles */
} VirtFdt;

/* clock/fixed-clock.yaml */
static void add_clock(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    fdt_node(w, "apb-pclk");
    fdt_str(w, "compatible", "fixed-clock");
    fdt_cell(w, "#clock-cells", 0);
    fdt_cell(w, "clock-frequency", CLOCK_HZ);
    fdt_str(w, "clock-output-names", "clk24mhz");
    f->clock = fdt_phandle(w);
    fdt_end(w);
}

static void add_memory_range(VirtFdt *f, const NumaRange *r)
{
    FdtWriter *w = &f->w;

    fdt_nodef(w, "memory@%" PRIx64, r->base);
    fdt_str(w, "device_type", "memory");
    fdt_reg1(w, r->base, r->size);
    if (numa_num_nodes(MACHINE(f->v))) {
        fdt_cell(w, "numa-node-id", r->node);
    }
    fdt_end(w);
}

/* One for each NUMA node, or one. */
static void add_memory(VirtFdt *f)
{
    const NumaRange ram = { VIRT_RAM_BASE, MACHINE(f->v)->ram_size, 0 };
    NumaRange pieces[1 + NUMA_MAX_NODES];
    unsigned n = numa_split_ram(MACHINE(f->v), &ram, 1, pieces);

    if (!n) {
        add_memory_range(f, &ram);
    }
    for (unsigned i = 0; i < n; i++) {
        add_memory_range(f, &pieces[i]);
    }
}

/* numa.txt: each pair once, (from, to, distance). */
static void add_distances(VirtFdt *f)
{
    const MachineState *ms = MACHINE(f->v);
    unsigned n = numa_num_nodes(ms);
    g_autofree uint32_t *map = g_new(uint32_t, 3 * n * n);
    FdtWriter *w = &f->w;

    if (!numa_has_distances(ms)) {
        return;
    }
    for (unsigned i = 0; i < n * n; i++) {
        map[3 * i] = i / n;
        map[3 * i + 1] = i % n;
        map[3 * i + 2] = numa_distance(ms, i / n, i % n);
    }
    fdt_node(w, "distance-map");
    fdt_str(w, "compatible", "numa-distance-map-v1");
    fdt_cells(w, "distance-matrix", 3 * n * n, map);
    fdt_end(w);
}

/* ---- CPUs ---- */

/* arm/cpus.yaml */
static void add_cpu(VirtFdt *f, CPUState *cs, uint32_t phandle)
{
    MachineState *ms = MACHINE(f->v);
    const ARMCPU *cpu = ARM_CPU(cs);
    FdtWriter *w = &f->w;

    fdt_nodef(w, "cpu@%" PRIx64, cpu->mp_affinity);
    fdt_str(w, "device_type", "cpu");
    fdt_str(w, "compatible", "arm,armv8");
    fdt_str(w, "enable-method", "psci");
    fdt_cell(w, "reg", cpu->mp_affinity);
    if (numa_num_nodes(ms)) {
        fdt_cell(w, "numa-node-id",
                 machine_possible_cpus(ms)->slots[cs->cpu_index].ids.node_id);
    }
    fdt_cell(w, "phandle", phandle);
    fdt_end(w);
}

/* The number of parts of a level that must be opened or closed at @index. */
static bool at_start(unsigned index, unsigned each)
{
    return index % each == 0;
}

static bool at_end(unsigned index, unsigned each, unsigned n)
{
    return (index + 1) % each == 0 || index + 1 == n;
}

/* cpu/cpu-topology.txt; @first: the phandle of CPU 0. */
static void add_cpu_map(VirtFdt *f, uint32_t first)
{
    const CpuTopology *smp = &MACHINE(f->v)->smp;
    unsigned core = smp->threads, cluster = core * smp->cores;
    unsigned socket = cluster * smp->clusters, n = smp->cpus;
    FdtWriter *w = &f->w;

    fdt_node(w, "cpu-map");
    for (unsigned i = 0; i < n; i++) {
        if (at_start(i, socket)) {
            fdt_nodef(w, "socket%u", i / socket);
        }
        if (at_start(i, cluster)) {
            fdt_nodef(w, "cluster%u", i / cluster % smp->clusters);
        }
        if (at_start(i, core)) {
            fdt_nodef(w, "core%u", i / core % smp->cores);
        }
        if (smp->threads > 1) {
            fdt_nodef(w, "thread%u", i % smp->threads);
        }
        fdt_cell(w, "cpu", first + i);
        for (int levels = (smp->threads > 1) + at_end(i, core, n) +
                          at_end(i, cluster, n) + at_end(i, socket, n);
             levels; levels--) {
            fdt_end(w);
        }
    }
    fdt_end(w);
}

static void add_cpus(VirtFdt *f)
{
    FdtWriter *w = &f->w;
    uint32_t first = w->phandles + 1;
    CPUState *cs;

    fdt_node(w, "cpus");
    fdt_cell(w, "#address-cells", 1);
    fdt_cell(w, "#size-cells", 0);
    CPU_FOREACH(cs) {
        add_cpu(f, cs, fdt_new_phandle(w));
    }
    add_cpu_map(f, first);
    fdt_end(w);
}

/* arm/psci.yaml */
static void add_psci(VirtFdt *f)
{
    fdt_node(&f->w, "psci");
    fdt_strs(&f->w, "compatible", "arm,psci-1.0", "arm,psci-0.2", "arm,psci",
             NULL);
    fdt_str(&f->w, "method", "hvc");
    fdt_end(&f->w);
}

/* Trigger of an interrupt of each CPU. */
static uint32_t ppi_flags(const VirtFdt *f)
{
    return FDT_LEVEL | (f->v->gic_version == 2
                        ? FDT_PPI_CPUS(MACHINE(f->v)->smp.cpus) : 0);
}

/* timer/arm,arch_timer.yaml: the order is its. */
static void add_timer(VirtFdt *f)
{
    uint32_t flags = ppi_flags(f);

    fdt_node(&f->w, "timer");
    fdt_strs(&f->w, "compatible", "arm,armv8-timer", "arm,armv7-timer", NULL);
    fdt_empty(&f->w, "always-on");
    FDT_CELLS(&f->w, "interrupts",
              FDT_PPI, ARM_PPI_SEC_PHYS_TIMER - FDT_PPI_FIRST, flags,
              FDT_PPI, ARM_PPI_PHYS_TIMER - FDT_PPI_FIRST, flags,
              FDT_PPI, ARM_PPI_VIRT_TIMER - FDT_PPI_FIRST, flags,
              FDT_PPI, ARM_PPI_HYP_TIMER - FDT_PPI_FIRST, flags);
    fdt_end(&f->w);
}

/* arm/pmu.yaml */
static void add_pmu(VirtFdt *f)
{
    if (!ARM_CPU(cpu_get(0))->has_pmu) {
        return;
    }
    fdt_node(&f->w, "pmu");
    fdt_str(&f->w, "compatible", "arm,armv8-pmuv3");
    FDT_CELLS(&f->w, "interrupts", FDT_PPI, ARM_PPI_PMU - FDT_PPI_FIRST,
              ppi_flags(f));
    fdt_end(&f->w);
}

/* ---- Interrupt controller ---- */

static void add_its(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    fdt_nodef(w, "its@%" PRIx64, (uint64_t)VIRT_GIC_ITS_BASE);
    fdt_str(w, "compatible", "arm,gic-v3-its");
    fdt_empty(w, "msi-controller");
    fdt_cell(w, "#msi-cells", 1);
    fdt_reg1(w, VIRT_GIC_ITS_BASE, ARM_GICV3_ITS_BYTES);
    f->msi = fdt_phandle(w);
    fdt_end(w);
}

/* interrupt-controller/arm,gic-v3.yaml */
static void add_gicv3(VirtFdt *f)
{
    VirtMachine *v = f->v;
    FdtWriter *w = &f->w;
    const uint64_t regs[][2] = {
        { VIRT_GIC_DIST_BASE, ARM_GICV3_DIST_BYTES },
        { VIRT_GIC_REDIST_BASE, VIRT_GIC_REDIST_BYTES },
        { v->redist2.base, v->redist2.size },
    };
    bool two = MACHINE(v)->smp.cpus > VIRT_GIC_REDIST_BYTES /
                                      ARM_GICV3_REDIST_BYTES;

    fdt_str(w, "compatible", "arm,gic-v3");
    fdt_cell(w, "#redistributor-regions", two ? 2 : 1);
    fdt_reg(w, "reg", two ? 3 : 2, regs);
    if (v->has_its) {
        add_its(f);
    }
}

/* interrupt-controller/arm,gic.yaml */
static void add_gicv2(VirtFdt *f)
{
    static const uint64_t regs[][2] = {
        { VIRT_GIC_DIST_BASE, ARM_GICV2_DIST_BYTES },
        { VIRT_GIC_CPU_BASE, ARM_GICV2_CPU_BYTES },
    };

    FdtWriter *w = &f->w;

    fdt_str(w, "compatible", "arm,cortex-a15-gic");
    fdt_reg(w, "reg", 2, regs);
    fdt_nodef(w, "v2m@%" PRIx64, (uint64_t)VIRT_GIC_V2M_BASE);
    fdt_str(w, "compatible", "arm,gic-v2m-frame");
    fdt_empty(w, "msi-controller");
    fdt_reg1(w, VIRT_GIC_V2M_BASE, ARM_GICV2M_BYTES);
    f->msi = fdt_phandle(w);
    fdt_end(w);
}

static void add_gic(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    fdt_nodef(w, "intc@%" PRIx64, (uint64_t)VIRT_GIC_DIST_BASE);
    fdt_empty(w, "interrupt-controller");
    fdt_cell(w, "#interrupt-cells", 3);
    fdt_cell(w, "#address-cells", 2);
    fdt_cell(w, "#size-cells", 2);
    fdt_empty(w, "ranges");
    fdt_cell(w, "phandle", f->gic);
    if (f->v->gic_version == 3) {
        add_gicv3(f);
    } else {
        add_gicv2(f);
    }
    fdt_end(w);
}

/* ---- Devices ---- */

static void add_spi(VirtFdt *f, uint32_t spi, uint32_t trigger)
{
    FDT_CELLS(&f->w, "interrupts", FDT_SPI, spi, trigger);
}

/* serial/pl011.yaml */
static void add_uart(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    if (!f->v->has_uart) {
        return;
    }
    fdt_nodef(w, "pl011@%" PRIx64, (uint64_t)VIRT_UART_BASE);
    fdt_strs(w, "compatible", "arm,pl011", "arm,primecell", NULL);
    fdt_reg1(w, VIRT_UART_BASE, PL011_BYTES);
    add_spi(f, VIRT_SPI_UART, FDT_LEVEL);
    FDT_CELLS(w, "clocks", f->clock, f->clock);
    fdt_strs(w, "clock-names", "uartclk", "apb_pclk", NULL);
    fdt_end(w);
    fdt_node(w, "aliases");
    fdt_str(w, "serial0", "/pl011@9000000");
    fdt_end(w);
}

/* rtc/arm,pl031.yaml */
static void add_rtc(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    fdt_nodef(w, "pl031@%" PRIx64, (uint64_t)VIRT_RTC_BASE);
    fdt_strs(w, "compatible", "arm,pl031", "arm,primecell", NULL);
    fdt_reg1(w, VIRT_RTC_BASE, PL031_BYTES);
    add_spi(f, VIRT_SPI_RTC, FDT_LEVEL);
    fdt_cell(w, "clocks", f->clock);
    fdt_str(w, "clock-names", "apb_pclk");
    fdt_end(w);
}

#define KEY_POWER 116               /* linux/input-event-codes.h */

/* gpio/pl061-gpio.yaml, input/gpio-keys.yaml */
static void add_power_button(VirtFdt *f)
{
    FdtWriter *w = &f->w;
    uint32_t pins;

    if (f->v->ged) {
        return;
    }
    fdt_nodef(w, "pl061@%" PRIx64, (uint64_t)VIRT_GPIO_BASE);
    fdt_strs(w, "compatible", "arm,pl061", "arm,primecell", NULL);
    fdt_reg1(w, VIRT_GPIO_BASE, PL061_BYTES);
    fdt_empty(w, "gpio-controller");
    fdt_cell(w, "#gpio-cells", 2);
    add_spi(f, VIRT_SPI_GPIO, FDT_LEVEL);
    fdt_cell(w, "clocks", f->clock);
    fdt_str(w, "clock-names", "apb_pclk");
    pins = fdt_phandle(w);
    fdt_end(w);
    fdt_node(w, "gpio-keys");
    fdt_str(w, "compatible", "gpio-keys");
    fdt_node(w, "poweroff");
    fdt_str(w, "label", "GPIO Key Poweroff");
    fdt_cell(w, "linux,code", KEY_POWER);
    FDT_CELLS(w, "gpios", pins, VIRT_PIN_POWER, 0);
    fdt_end(w);
    fdt_end(w);
}

/* mtd/mtd-physmap.yaml */
static void add_flash(VirtFdt *f)
{
    static const uint64_t banks[][2] = {
        { VIRT_FLASH_BASE, VIRT_FLASH_BYTES },
        { VIRT_FLASH_BASE + VIRT_FLASH_BYTES, VIRT_FLASH_BYTES },
    };
    FdtWriter *w = &f->w;

    fdt_nodef(w, "flash@%" PRIx64, (uint64_t)VIRT_FLASH_BASE);
    fdt_str(w, "compatible", "cfi-flash");
    fdt_reg(w, "reg", 2, banks);
    fdt_cell(w, "bank-width", 4);
    fdt_end(w);
}

/* firmware/qemu,fw-cfg-mmio.yaml */
static void add_fw_cfg(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    fdt_nodef(w, "fw-cfg@%" PRIx64, (uint64_t)VIRT_FW_CFG_BASE);
    fdt_str(w, "compatible", "qemu,fw-cfg-mmio");
    fdt_reg1(w, VIRT_FW_CFG_BASE, FW_CFG_MMIO_SIZE);
    fdt_empty(w, "dma-coherent");
    fdt_end(w);
}

/* virtio/mmio.yaml. The line is high until the driver has acknowledged all: an
 * edge would lose what comes between its read and that. */
static void add_virtio_mmio(VirtFdt *f)
{
    FdtWriter *w = &f->w;

    for (uint32_t n = 0; n < VIRT_NUM_MMIO; n++) {
        uint64_t base = VIRT_MMIO_BASE + n * VIRTIO_MMIO_BYTES;

        fdt_nodef(w, "virtio_mmio@%" PRIx64, base);
        fdt_str(w, "compatible", "virtio,mmio");
        fdt_reg1(w, base, VIRTIO_MMIO_BYTES);
        add_spi(f, VIRT_SPI_MMIO + n, FDT_LEVEL);
        fdt_empty(w, "dma-coherent");
        fdt_end(w);
    }
}

/* ---- PCI ---- */

#define PCI_RANGE_IO    0x01000000u
#define PCI_RANGE_MEM32 0x02000000u
#define PCI_RANGE_MEM64 0x03000000u

static void add_pci_ranges(VirtFdt *f)
{
    const VirtRange *high = &f->v->pci64;
    const uint32_t cells[] = {
        PCI_RANGE_IO, 0, 0, 0, VIRT_PCI_IO_BASE, 0, VIRT_PCI_IO_BYTES,
        PCI_RANGE_MEM32, 0, VIRT_PCI32_BASE, 0, VIRT_PCI32_BASE,
        0, VIRT_PCI32_BYTES,
        PCI_RANGE_MEM64, high->base >> 32, high->base, high->base >> 32,
        high->base, high->size >> 32, high->size,
    };

    fdt_cells(&f->w, "ranges", high->size ? 21 : 14, cells);
}

/* Slots take turns: pin INTA of slot 1 is wired as INTB of slot 0. */
static void add_pci_interrupts(VirtFdt *f)
{
    enum { ROW = 10 };
    uint32_t map[4 * 4 * ROW], *p = map;

    for (unsigned slot = 0; slot < 4; slot++) {
        for (unsigned pin = 0; pin < 4; pin++, p += ROW) {
            const uint32_t row[ROW] = {
                slot << 11, 0, 0, pin + 1, f->gic, 0, 0,
                FDT_SPI, VIRT_SPI_PCI + (slot + pin) % 4, FDT_LEVEL,
            };

            memcpy(p, row, sizeof(row));
        }
    }
    fdt_cell(&f->w, "#interrupt-cells", 1);
    fdt_cells(&f->w, "interrupt-map", G_N_ELEMENTS(map), map);
    FDT_CELLS(&f->w, "interrupt-map-mask", 3 << 11, 0, 0, 7);
}

/* pci/host-generic-pci.yaml */
static void add_pci(VirtFdt *f)
{
    const VirtRange *ecam = &f->v->ecam;
    FdtWriter *w = &f->w;

    fdt_nodef(w, "pcie@%" PRIx64, (uint64_t)VIRT_PCI32_BASE);
    fdt_str(w, "compatible", "pci-host-ecam-generic");
    fdt_str(w, "device_type", "pci");
    fdt_cell(w, "#address-cells", 3);
    fdt_cell(w, "#size-cells", 2);
    fdt_cell(w, "linux,pci-domain", 0);
    FDT_CELLS(w, "bus-range", 0, ecam->size / PCI_ECAM_BUS_BYTES - 1);
    fdt_empty(w, "dma-coherent");
    fdt_reg1(w, ecam->base, ecam->size);
    if (f->msi) {
        FDT_CELLS(w, "msi-map", 0, f->msi, 0, 0x10000);
    }
    add_pci_ranges(f);
    add_pci_interrupts(f);
    fdt_end(w);
}

/* ---- All of it ---- */

bool virt_build_fdt(VirtMachine *v, Error **errp)
{
    VirtFdt f = { .v = v };
    FdtWriter *w = &f.w;

    fdt_writer_init(w, FDT_ROOM);
    f.gic = fdt_new_phandle(w);
    fdt_node(w, "");
    fdt_cell(w, "interrupt-parent", f.gic);
    fdt_cell(w, "#address-cells", 2);
    fdt_cell(w, "#size-cells", 2);
    fdt_str(w, "model", "linux,dummy-virt");
    fdt_str(w, "compatible", "linux,dummy-virt");
    fdt_empty(w, "dma-coherent");
    add_clock(&f);
    add_memory(&f);
    add_distances(&f);
    add_cpus(&f);
    add_psci(&f);
    add_timer(&f);
    add_pmu(&f);
    add_gic(&f);
    add_flash(&f);
    add_uart(&f);
    add_rtc(&f);
    add_power_button(&f);
    add_fw_cfg(&f);
    add_virtio_mmio(&f);
    add_pci(&f);
    fdt_node(w, "chosen");
    fdt_end(w);
    fdt_end(w);
    v->fdt = fdt_writer_finish(w, errp);
    return v->fdt != NULL;
}
