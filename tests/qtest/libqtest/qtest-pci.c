/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI for qtests. PCI Local Bus 3.0 chapter 6; PCIe base 5.0, 7.2. */
#include "util/osdep.h"
#include "qtest-pci.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

#define PCI_ID          0x00
#define PCI_COMMAND     0x04
#define PCI_STATUS      0x06
#define PCI_BAR0        0x10
#define PCI_CAP_POINTER 0x34

#define COMMAND_IO      0x1
#define COMMAND_MEMORY  0x2
#define COMMAND_MASTER  0x4
#define STATUS_CAPS     0x10

#define CAP_MSIX        0x11
#define MSIX_CONTROL    2
#define MSIX_TABLE      4
#define MSIX_PBA        8
#define MSIX_ENABLE     0x8000
#define MSIX_MASKALL    0x4000
#define MSIX_ENTRY_SIZE 16

void qpci_init(QPci *pci, QTest *qts)
{
    *pci = (QPci){
        .qts = qts, .mmio_next = QTEST_BAR_BASE, .mmio_end = QTEST_BAR_END,
        .io_next = 0xc000,
    };
#ifdef TARGET_AARCH64
    pci->ecam = QTEST_ECAM_BASE;    /* there are no ports */
#endif
}

void qpci_init_ecam(QPci *pci, QTest *qts, uint64_t ecam, uint64_t mmio,
                    uint64_t mmio_end)
{
    qpci_init(pci, qts);
    pci->ecam = ecam;
    pci->mmio_next = mmio;
    pci->mmio_end = mmio_end;
}

/* ---- Configuration ---- */

/* Select a register; returns where its bytes are. */
static uint64_t qpci_select(QPciDevice *dev, unsigned int offset)
{
    if (dev->pci->ecam) {
        return dev->pci->ecam + ((uint64_t)dev->bus << 20) +
               ((uint64_t)dev->devfn << 12) + offset;
    }
    g_assert_cmpuint(offset, <, 256);
    qtest_outl(dev->qts, CONFIG_ADDRESS,
               0x80000000u | dev->bus << 16 | dev->devfn << 8 | (offset & ~3u));
    return CONFIG_DATA + (offset & 3);
}

#define DEFINE_CONFIG(suffix, type)                                            \
    type qpci_config_read##suffix(QPciDevice *dev, unsigned int offset)        \
    {                                                                          \
        uint64_t at = qpci_select(dev, offset);                                \
                                                                               \
        return dev->pci->ecam ? qtest_read##suffix(dev->qts, at) :             \
                                qtest_in##suffix(dev->qts, at);                \
    }                                                                          \
    void qpci_config_write##suffix(QPciDevice *dev, unsigned int offset,       \
                                   type val)                                   \
    {                                                                          \
        uint64_t at = qpci_select(dev, offset);                                \
                                                                               \
        if (dev->pci->ecam) {                                                  \
            qtest_write##suffix(dev->qts, at, val);                            \
        } else {                                                               \
            qtest_out##suffix(dev->qts, at, val);                              \
        }                                                                      \
    }

DEFINE_CONFIG(b, uint8_t)
DEFINE_CONFIG(w, uint16_t)
DEFINE_CONFIG(l, uint32_t)

QPciDevice *qpci_at(QPci *pci, uint8_t bus, uint8_t devfn)
{
    QPciDevice *dev = g_new0(QPciDevice, 1);

    dev->pci = pci;
    dev->qts = pci->qts;
    dev->bus = bus;
    dev->devfn = devfn;
    if (qpci_config_readl(dev, PCI_ID) == UINT32_MAX) {
        g_free(dev);
        return NULL;
    }
    return dev;
}

QPciDevice *qpci_find(QPci *pci, uint16_t vendor, uint16_t device, int nth)
{
    unsigned int devfn;

    for (devfn = 0; devfn < 256; devfn++) {
        QPciDevice *dev = qpci_at(pci, 0, devfn);

        if (dev == NULL) {
            continue;
        }
        if (qpci_config_readl(dev, PCI_ID) ==
            ((uint32_t)device << 16 | vendor) && nth-- == 0) {
            return dev;
        }
        qpci_free(dev);
    }
    return NULL;
}

void qpci_free(QPciDevice *dev)
{
    g_free(dev);
}

uint8_t qpci_find_cap(QPciDevice *dev, uint8_t id, uint8_t start)
{
    unsigned int steps = 0;
    uint8_t at;

    if (!(qpci_config_readw(dev, PCI_STATUS) & STATUS_CAPS)) {
        return 0;
    }
    at = qpci_config_readb(dev, start ? start + 1 : PCI_CAP_POINTER);
    while (at) {
        g_assert_cmpuint(++steps, <, 64);
        g_assert_cmpuint(at & 3, ==, 0);
        if (qpci_config_readb(dev, at) == id) {
            return at;
        }
        at = qpci_config_readb(dev, at + 1);
    }
    return 0;
}

void qpci_enable(QPciDevice *dev)
{
    uint16_t command = qpci_config_readw(dev, PCI_COMMAND);

    qpci_config_writew(dev, PCI_COMMAND, command | COMMAND_IO |
                       COMMAND_MEMORY | COMMAND_MASTER);
}

/* ---- BARs ---- */

static uint64_t qpci_place(uint64_t *next, uint64_t size)
{
    uint64_t addr = (*next + size - 1) & ~(size - 1);

    *next = addr + size;
    return addr;
}

static void qpci_map_io(QPciDevice *dev, int bar, uint32_t sizes)
{
    unsigned int reg = PCI_BAR0 + 4 * bar;
    QPciBar *b = &dev->bars[bar];
    uint64_t next = dev->pci->io_next;

    b->is_io = true;
    b->size = (uint32_t)~(sizes & ~3u) + 1;
    b->size &= 0xffff;
    b->addr = qpci_place(&next, b->size);
    dev->pci->io_next = next;
    qpci_config_writel(dev, reg, b->addr);
}

static void qpci_map_memory(QPciDevice *dev, int bar, uint32_t low)
{
    unsigned int reg = PCI_BAR0 + 4 * bar;
    uint64_t sizes = 0xffffffff00000000ull | (low & ~15u);
    bool wide = (low & 6) == 4;
    QPciBar *b = &dev->bars[bar];

    if (wide) {
        qpci_config_writel(dev, reg + 4, UINT32_MAX);
        sizes = (uint64_t)qpci_config_readl(dev, reg + 4) << 32 |
                (low & ~15u);
    }
    b->size = ~sizes + 1;
    b->addr = qpci_place(&dev->pci->mmio_next, b->size);
    g_assert_cmphex(dev->pci->mmio_next, <=, dev->pci->mmio_end);
    qpci_config_writel(dev, reg, b->addr);
    if (wide) {
        qpci_config_writel(dev, reg + 4, b->addr >> 32);
    }
}

const QPciBar *qpci_map_bar(QPciDevice *dev, int bar)
{
    unsigned int reg = PCI_BAR0 + 4 * bar;
    uint32_t low;

    g_assert_cmpint(bar, <, QPCI_BARS);
    if (dev->bars[bar].size) {
        return &dev->bars[bar];
    }
    qpci_config_writel(dev, reg, UINT32_MAX);
    low = qpci_config_readl(dev, reg);
    g_assert_cmphex(low, !=, 0);
    if (low & 1) {
        qpci_map_io(dev, bar, low);
    } else {
        qpci_map_memory(dev, bar, low);
    }
    return &dev->bars[bar];
}

static uint64_t qpci_bar_addr(QPciDevice *dev, int bar, uint64_t offset)
{
    const QPciBar *b = &dev->bars[bar];

    g_assert_cmphex(offset, <, b->size);
    return b->addr + offset;
}

#ifdef QTEST_PIO_BASE
#define BAR_IN(suffix, qts, at)  qtest_read##suffix(qts, QTEST_PIO_BASE + (at))
#define BAR_OUT(suffix, qts, at, val)                                          \
    qtest_write##suffix(qts, QTEST_PIO_BASE + (at), val)
#else
#define BAR_IN(suffix, qts, at)  qtest_in##suffix(qts, at)
#define BAR_OUT(suffix, qts, at, val) qtest_out##suffix(qts, at, val)
#endif

#define DEFINE_BAR(suffix, type)                                               \
    type qpci_bar_read##suffix(QPciDevice *dev, int bar, uint64_t offset)      \
    {                                                                          \
        uint64_t at = qpci_bar_addr(dev, bar, offset);                         \
                                                                               \
        return dev->bars[bar].is_io ? BAR_IN(suffix, dev->qts, at) :           \
                                      qtest_read##suffix(dev->qts, at);        \
    }                                                                          \
    void qpci_bar_write##suffix(QPciDevice *dev, int bar, uint64_t offset,     \
                                type val)                                      \
    {                                                                          \
        uint64_t at = qpci_bar_addr(dev, bar, offset);                         \
                                                                               \
        if (dev->bars[bar].is_io) {                                            \
            BAR_OUT(suffix, dev->qts, at, val);                                \
        } else {                                                               \
            qtest_write##suffix(dev->qts, at, val);                            \
        }                                                                      \
    }

DEFINE_BAR(b, uint8_t)
DEFINE_BAR(w, uint16_t)
DEFINE_BAR(l, uint32_t)

uint64_t qpci_bar_readq(QPciDevice *dev, int bar, uint64_t offset)
{
    return qtest_readq(dev->qts, qpci_bar_addr(dev, bar, offset));
}

void qpci_bar_writeq(QPciDevice *dev, int bar, uint64_t offset, uint64_t val)
{
    qtest_writeq(dev->qts, qpci_bar_addr(dev, bar, offset), val);
}

/* ---- MSI-X ---- */

static void qpci_msix_control(QPciDevice *dev, uint16_t clear, uint16_t set)
{
    uint16_t control = qpci_config_readw(dev, dev->msix_cap + MSIX_CONTROL);

    qpci_config_writew(dev, dev->msix_cap + MSIX_CONTROL,
                       (control & ~clear) | set);
}

void qpci_msix_enable(QPciDevice *dev)
{
    uint32_t table, pba;

    dev->msix_cap = qpci_find_cap(dev, CAP_MSIX, 0);
    g_assert_cmphex(dev->msix_cap, !=, 0);
    dev->msix_vectors = (qpci_config_readw(dev, dev->msix_cap + MSIX_CONTROL) &
                         0x7ff) + 1;
    table = qpci_config_readl(dev, dev->msix_cap + MSIX_TABLE);
    pba = qpci_config_readl(dev, dev->msix_cap + MSIX_PBA);
    dev->msix_table_bar = table & 7;
    dev->msix_table = table & ~7u;
    dev->msix_pba_bar = pba & 7;
    dev->msix_pba = pba & ~7u;
    qpci_map_bar(dev, dev->msix_table_bar);
    qpci_map_bar(dev, dev->msix_pba_bar);
    qpci_msix_control(dev, MSIX_MASKALL, MSIX_ENABLE);
}

void qpci_msix_disable(QPciDevice *dev)
{
    qpci_msix_control(dev, MSIX_ENABLE, 0);
}

void qpci_msix_set_function_mask(QPciDevice *dev, bool masked)
{
    qpci_msix_control(dev, MSIX_MASKALL, masked ? MSIX_MASKALL : 0);
}

static uint64_t qpci_msix_entry(QPciDevice *dev, unsigned int n)
{
    g_assert_cmpuint(n, <, dev->msix_vectors);
    return dev->msix_table + n * MSIX_ENTRY_SIZE;
}

uint32_t qpci_msix_data(unsigned int n)
{
    return 0x4d530000u | n;
}

uint64_t qpci_msix_arm(QPciDevice *dev, unsigned int n)
{
    uint64_t entry = qpci_msix_entry(dev, n);
    uint64_t addr = qtest_alloc(dev->qts, 4, 4);

    qpci_bar_writel(dev, dev->msix_table_bar, entry, addr);
    qpci_bar_writel(dev, dev->msix_table_bar, entry + 4, addr >> 32);
    qpci_bar_writel(dev, dev->msix_table_bar, entry + 8, qpci_msix_data(n));
    qpci_bar_writel(dev, dev->msix_table_bar, entry + 12, 0);
    return addr;
}

void qpci_msix_mask(QPciDevice *dev, unsigned int n, bool masked)
{
    qpci_bar_writel(dev, dev->msix_table_bar, qpci_msix_entry(dev, n) + 12,
                    masked);
}

bool qpci_msix_pending(QPciDevice *dev, unsigned int n)
{
    uint32_t word = qpci_bar_readl(dev, dev->msix_pba_bar,
                                   dev->msix_pba + n / 32 * 4);

    return word >> (n % 32) & 1;
}

bool qpci_msix_fired(QPciDevice *dev, uint64_t addr, unsigned int n)
{
    uint32_t word = qtest_readl(dev->qts, addr);

    if (word == 0) {
        return false;
    }
    g_assert_cmphex(word, ==, qpci_msix_data(n));
    qtest_writel(dev->qts, addr, 0);
    return true;
}
