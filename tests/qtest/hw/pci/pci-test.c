/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space, BARs and MSI-X, as guests use and abuse them. */
#include "libqtest.h"
#include "qtest-pci.h"
#include <linux/pci_regs.h>

#define RNG_ID      0x1044
#define ECAM        QTEST_ECAM_BASE
#define RAM_GPA     (QTEST_RAM_BASE + 0x100000)
#define RNG_BAR     4

static QTest *start_rng(QPci *pci, QPciDevice **dev)
{
    QTest *qts = qtest_start("-M virt -device virtio-rng-pci,addr=3");

    qpci_init(pci, qts);
    *dev = qpci_at(pci, 0, QPCI_DEVFN(3, 0));
    g_assert_nonnull(*dev);
    g_assert_cmphex(qpci_config_readw(*dev, PCI_DEVICE_ID), ==, RNG_ID);
    return qts;
}

static void test_config_access(void)
{
    QPci pci, ecam;
    QPciDevice *dev, *same;
    QTest *qts = start_rng(&pci, &dev);

    qpci_init_ecam(&ecam, qts, ECAM, QTEST_BAR_BASE, QTEST_BAR_END);
    same = qpci_at(&ecam, 0, QPCI_DEVFN(3, 0));
    g_assert_nonnull(same);
    /* read-only registers stay, writable bits take */
    qpci_config_writel(dev, PCI_VENDOR_ID, 0xdeadbeef);
    g_assert_cmphex(qpci_config_readl(same, PCI_VENDOR_ID), ==, 0x10441af4);
    qpci_config_writew(dev, PCI_COMMAND, 0xffff);
    g_assert_cmphex(qpci_config_readw(same, PCI_COMMAND), ==, 0x0547);
    qpci_config_writeb(same, PCI_INTERRUPT_LINE, 0x5a);
    g_assert_cmphex(qpci_config_readb(dev, PCI_INTERRUPT_LINE), ==, 0x5a);
    /* a conventional function ends at 256 bytes, also for a wide access */
    g_assert_cmphex(qpci_config_readl(same, 0x100), ==, UINT32_MAX);
    qpci_config_writel(same, 0x100, 0);
    /* nobody home */
    g_assert_null(qpci_at(&pci, 0, QPCI_DEVFN(9, 0)));
    g_assert_null(qpci_at(&ecam, 77, QPCI_DEVFN(3, 0)));
    qtest_writel(qts, ECAM + 0x0ffffffc, 1);
    qpci_free(dev);
    qpci_free(same);
    qtest_quit(qts);
}

/* What a guest writes into BARs must never hide RAM or crash us. */
static void test_bar_abuse(void)
{
    static const uint32_t places[] = {
        0, 0x1000, RAM_GPA, 0xfee00000, 0xfffff000, 0xffffffff, (uint32_t)ECAM,
    };
    QPci pci;
    QPciDevice *dev;
    QTest *qts = start_rng(&pci, &dev);

    qtest_writel(qts, RAM_GPA, 0x600df00d);
    qpci_config_writew(dev, PCI_COMMAND, 7);
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        qpci_config_writel(dev, PCI_BASE_ADDRESS_4, places[i]);
        qpci_config_writel(dev, PCI_BASE_ADDRESS_5, 0);
        g_assert_cmphex(qtest_readl(qts, RAM_GPA), ==, 0x600df00d);
        qpci_config_writel(dev, PCI_BASE_ADDRESS_5, 0xffffffff);
        qpci_config_writel(dev, PCI_BASE_ADDRESS_1, places[i]);
    }
    /* the host bridge is still there */
    g_assert_cmphex(qtest_readw(qts, ECAM + 0xa), ==, 0x0600);
    qpci_free(dev);
    qtest_quit(qts);
}

static void test_bar_decode(void)
{
    QPci pci;
    QPciDevice *dev;
    QTest *qts = start_rng(&pci, &dev);
    uint64_t addr;

    qpci_enable(dev);
    addr = qpci_map_bar(dev, RNG_BAR)->addr;
    g_assert_cmphex(qtest_readl(qts, addr + 0x1000), !=, UINT32_MAX);
    qpci_config_writew(dev, PCI_COMMAND, 0);
    g_assert_cmphex(qtest_readl(qts, addr + 0x1000), ==, UINT32_MAX);
    qpci_config_writew(dev, PCI_COMMAND, PCI_COMMAND_MEMORY);
    g_assert_cmphex(qtest_readl(qts, addr + 0x1000), !=, UINT32_MAX);
    qpci_free(dev);
    qtest_quit(qts);
}

static void test_reset(void)
{
    QPci pci;
    QPciDevice *dev;
    QTest *qts = start_rng(&pci, &dev);

    qpci_enable(dev);
    qpci_map_bar(dev, RNG_BAR);
    qpci_msix_enable(dev);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    json_object_put(qtest_qmp_event(qts, "RESET"));
    g_assert_cmphex(qpci_config_readw(dev, PCI_COMMAND), ==, 0);
    g_assert_cmphex(qpci_config_readl(dev, PCI_BASE_ADDRESS_4), ==, 0xc);
    g_assert_cmphex(qpci_config_readw(dev, dev->msix_cap + PCI_MSIX_FLAGS) &
                    0xc000, ==, 0);
    qpci_free(dev);
    qtest_quit(qts);
}

/* ---- MSI-X: the configuration vector of a device that is told to fail ---- */

static void test_msix_table(void)
{
    QPci pci;
    QPciDevice *dev;
    QTest *qts = start_rng(&pci, &dev);
    const QPciBar *bar;

    qpci_enable(dev);
    qpci_msix_enable(dev);
    bar = &dev->bars[dev->msix_table_bar];
    /* all vectors start masked */
    g_assert_cmphex(qpci_bar_readl(dev, dev->msix_table_bar,
                                   dev->msix_table + 12), ==, 1);
    qpci_bar_writeq(dev, dev->msix_table_bar, dev->msix_table,
                    0x12345678fee00000ull);
    g_assert_cmphex(qpci_bar_readl(dev, dev->msix_table_bar,
                                   dev->msix_table + 4), ==, 0x12345678);
    /* pending bits cannot be written, odd sizes are refused */
    qpci_bar_writel(dev, dev->msix_pba_bar, dev->msix_pba, UINT32_MAX);
    g_assert_cmphex(qpci_bar_readl(dev, dev->msix_pba_bar, dev->msix_pba), ==,
                    0);
    qtest_writeb(qts, bar->addr, 0xff);
    qtest_writew(qts, bar->addr + 2, 0xffff);
    g_assert_cmphex(qpci_bar_readl(dev, dev->msix_table_bar, dev->msix_table),
                    ==, 0xfee00000);
    /* past the last entry */
    qtest_writel(qts, bar->addr + 16 * dev->msix_vectors, 1);
    qpci_free(dev);
    qtest_quit(qts);
}

/* ---- The command line ---- */

static void test_errors(void)
{
    static const struct {
        const char *args, *text;
    } cases[] = {
        { "-device virtio-rng-pci,addr=0", "slot 0 function 0 not available "
          "for virtio-rng-pci, in use by " },
        { "-device virtio-rng-pci,addr=3 -device virtio-rng-pci,addr=3.1",
          "single function" },
        { "-device virtio-rng-pci,addr=40", "'40' is not a PCI address" },
        { "-device virtio-rng-pci,addr=1.8", "'1.8' is not a PCI address" },
        { "-device virtio-rng-pci,romfile=x", "option ROM" },
        { "-device pcie-root-port,id=r -device virtio-rng-pci,bus=r,addr=1",
          "slot 1 is not valid" },
        { "-device pcie-root-port,id=r -device virtio-rng-pci,bus=r "
          "-device virtio-rng-pci,bus=r", "no slot/function available" },
        { "-device pcie-root-port,id=r -device pcie-root-port,bus=r",
          "root bus" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *args = g_strconcat("-M virt,accel=qtest -nodefaults "
            "-display none ", cases[i].args, NULL);
        g_autofree char *err = NULL;

        g_assert_cmpint(qtest_run(args, NULL, &err), ==, 1);
        if (!strstr(err, cases[i].text)) {
            g_error("'%s' does not say '%s'", err, cases[i].text);
        }
    }
}

/* 31 slots are free; -device finds them all, and then says so. */
static void test_full_bus(void)
{
    g_autoptr(GString) args = g_string_new("-M virt,accel=qtest -nodefaults "
                                           "-display none");
    g_autofree char *err = NULL;

    for (int i = 0; i < 32; i++) {
        g_string_append(args, " -device virtio-rng-pci");
    }
    g_assert_cmpint(qtest_run(args->str, NULL, &err), ==, 1);
    g_assert_nonnull(strstr(err, "PCI"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci/config/access", test_config_access);
    g_test_add_func("/pci/bar/abuse", test_bar_abuse);
    g_test_add_func("/pci/bar/decode", test_bar_decode);
    g_test_add_func("/pci/reset", test_reset);
    g_test_add_func("/pci/msix/table", test_msix_table);
    g_test_add_func("/pci/errors", test_errors);
    g_test_add_func("/pci/full-bus", test_full_bus);
    return qtest_main();
}
