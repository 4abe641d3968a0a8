/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI for qtests: find functions, program BARs and MSI-X as a guest would.
 *
 *     QPci pci;
 *     QPciDevice *dev;
 *
 *     qpci_init(&pci, qts);
 *     dev = qpci_find(&pci, 0x1af4, 0x1044, 0);
 *     qpci_enable(dev);
 *     qpci_map_bar(dev, 4);
 *     qpci_bar_readl(dev, 4, 0);
 *     qpci_free(dev);
 */
#ifndef QTEST_PCI_H
#define QTEST_PCI_H

#include "libqtest.h"

#define QPCI_BARS 6
#define QPCI_DEVFN(slot, fn) ((slot) << 3 | (fn))

typedef struct QPci {
    QTest *qts;
    uint64_t ecam;                  /* 0: CF8/CFC */
    uint64_t mmio_next, mmio_end;   /* where BARs go */
    uint32_t io_next;
} QPci;

typedef struct QPciBar {
    uint64_t addr, size;            /* bytes; size 0: not mapped */
    bool is_io;
} QPciBar;

typedef struct QPciDevice {
    QPci *pci;
    QTest *qts;
    uint8_t bus, devfn;
    QPciBar bars[QPCI_BARS];
    /* after qpci_msix_enable */
    uint8_t msix_cap;
    unsigned int msix_vectors;
    uint8_t msix_table_bar, msix_pba_bar;
    uint32_t msix_table, msix_pba;  /* offsets */
} QPciDevice;

/* Configuration by ports CF8/CFC, or ECAM where there are none; BARs from
 * QTEST_BAR_BASE on. */
void qpci_init(QPci *pci, QTest *qts);
/* The same by ECAM at @ecam; BARs in [@mmio, @mmio_end). */
void qpci_init_ecam(QPci *pci, QTest *qts, uint64_t ecam, uint64_t mmio,
                    uint64_t mmio_end);

/* The @nth function of these ids on bus 0, or NULL; qpci_free(). */
QPciDevice *qpci_find(QPci *pci, uint16_t vendor, uint16_t device, int nth);
/* What is at an address, NULL when nothing answers. */
QPciDevice *qpci_at(QPci *pci, uint8_t bus, uint8_t devfn);
void qpci_free(QPciDevice *dev);

uint8_t qpci_config_readb(QPciDevice *dev, unsigned int offset);
uint16_t qpci_config_readw(QPciDevice *dev, unsigned int offset);
uint32_t qpci_config_readl(QPciDevice *dev, unsigned int offset);
void qpci_config_writeb(QPciDevice *dev, unsigned int offset, uint8_t val);
void qpci_config_writew(QPciDevice *dev, unsigned int offset, uint16_t val);
void qpci_config_writel(QPciDevice *dev, unsigned int offset, uint32_t val);

/* Offset of the next capability @id after @start (0: from the head); 0 when
 * there is none. Fails on a loop. */
uint8_t qpci_find_cap(QPciDevice *dev, uint8_t id, uint8_t start);

/* Memory, I/O and bus mastering on. */
void qpci_enable(QPciDevice *dev);
/* Size it, give it an address, once. */
const QPciBar *qpci_map_bar(QPciDevice *dev, int bar);

uint8_t qpci_bar_readb(QPciDevice *dev, int bar, uint64_t offset);
uint16_t qpci_bar_readw(QPciDevice *dev, int bar, uint64_t offset);
uint32_t qpci_bar_readl(QPciDevice *dev, int bar, uint64_t offset);
uint64_t qpci_bar_readq(QPciDevice *dev, int bar, uint64_t offset);
void qpci_bar_writeb(QPciDevice *dev, int bar, uint64_t offset, uint8_t val);
void qpci_bar_writew(QPciDevice *dev, int bar, uint64_t offset, uint16_t val);
void qpci_bar_writel(QPciDevice *dev, int bar, uint64_t offset, uint32_t val);
void qpci_bar_writeq(QPciDevice *dev, int bar, uint64_t offset, uint64_t val);

/* ---- MSI-X: vectors are words in guest RAM ---- */

/* Map table and PBA, enable; all vectors stay masked. */
void qpci_msix_enable(QPciDevice *dev);
void qpci_msix_disable(QPciDevice *dev);
void qpci_msix_set_function_mask(QPciDevice *dev, bool masked);
/* Give vector @n an address of its own and unmask it. Returns the address: the
 * word there becomes qpci_msix_data(n) when it fires. */
uint64_t qpci_msix_arm(QPciDevice *dev, unsigned int n);
uint32_t qpci_msix_data(unsigned int n);
void qpci_msix_mask(QPciDevice *dev, unsigned int n, bool masked);
bool qpci_msix_pending(QPciDevice *dev, unsigned int n);
/* Whether it fired at @addr; clears the word. */
bool qpci_msix_fired(QPciDevice *dev, uint64_t addr, unsigned int n);

#endif
