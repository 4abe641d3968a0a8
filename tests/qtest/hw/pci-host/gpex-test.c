/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic PCI Express host: ECAM high and low, its windows. */
#include "libqtest.h"
#include "qtest-pci.h"

#define ROOT_ID     0x00081b36
#define ECAM_LOW    0x3f000000ull
#define HIGH_WINDOW 0x8000000000ull

static void test_ecam(void)
{
    QTest *qts = qtest_start("-M virt");

    g_assert_cmphex(qtest_readl(qts, QTEST_ECAM_BASE), ==, ROOT_ID);
    g_assert_cmphex(qtest_readb(qts, QTEST_ECAM_BASE + 1), ==, 0x1b);
    g_assert_cmphex(qtest_readw(qts, QTEST_ECAM_BASE + 0xa), ==, 0x0600);
    g_assert_cmphex(qtest_readl(qts, QTEST_ECAM_BASE + 0x0ffffffc), ==,
                    UINT32_MAX);
    qtest_writel(qts, QTEST_ECAM_BASE, 0);
    g_assert_cmphex(qtest_readl(qts, QTEST_ECAM_BASE), ==, ROOT_ID);
    qtest_quit(qts);
}

static void test_ecam_low(void)
{
    QTest *qts = qtest_start("-M virt,highmem-ecam=off");

    g_assert_cmphex(qtest_readl(qts, ECAM_LOW), ==, ROOT_ID);
    g_assert_cmphex(qtest_readl(qts, ECAM_LOW + 0x00fffffc), ==, UINT32_MAX);
    qtest_quit(qts);
}

/* A BAR shows in both windows, and nowhere else. */
static void test_windows(void)
{
    QTest *qts = qtest_start("-M virt -device virtio-rng-pci,addr=5");
    QPci pci;
    QPciDevice *dev;

    qpci_init(&pci, qts);
    dev = qpci_find(&pci, 0x1af4, 0x1044, 0);
    g_assert_nonnull(dev);
    qpci_enable(dev);
    qpci_config_writel(dev, 0x20, 0x10000000);
    qpci_config_writel(dev, 0x24, 0);
    g_assert_cmphex(qtest_readw(qts, 0x10000012), ==, 1);   /* num_queues */
    qpci_config_writel(dev, 0x20, HIGH_WINDOW & UINT32_MAX);
    qpci_config_writel(dev, 0x24, HIGH_WINDOW >> 32);
    g_assert_cmphex(qtest_readw(qts, HIGH_WINDOW + 0x12), ==, 1);
    g_assert_cmphex(qtest_readw(qts, 0x10000012), ==, UINT16_MAX);
    /* onto RAM: RAM wins */
    qtest_writel(qts, QTEST_RAM_BASE + 0x400000, 0x600df00d);
    qpci_config_writel(dev, 0x20, QTEST_RAM_BASE + 0x400000);
    qpci_config_writel(dev, 0x24, 0);
    g_assert_cmphex(qtest_readl(qts, QTEST_RAM_BASE + 0x400000), ==,
                    0x600df00d);
    qpci_free(dev);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpex/ecam", test_ecam);
    g_test_add_func("/gpex/ecam-low", test_ecam_low);
    g_test_add_func("/gpex/windows", test_windows);
    return qtest_main();
}
