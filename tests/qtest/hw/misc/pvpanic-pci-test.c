/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvpanic-pci: the event that a guest raises. */
#include "libqtest.h"
#include "qtest-pci.h"

static void test_pvpanic(void)
{
    QTest *qts = qtest_start("-M virt -device pvpanic-pci -action panic=none");
    QPciDevice *dev;
    QPci pci;

    qpci_init(&pci, qts);
    dev = qpci_find(&pci, 0x1b36, 0x0011, 0);
    g_assert_nonnull(dev);
    qpci_enable(dev);
    qpci_map_bar(dev, 0);
    g_assert_cmphex(qpci_bar_readb(dev, 0, 0), ==, 3);
    qpci_bar_writeb(dev, 0, 0, 1);
    json_object_put(qtest_qmp_event(qts, "GUEST_PANICKED"));
    qpci_free(dev);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pvpanic-pci/event", test_pvpanic);
    return qtest_main();
}
