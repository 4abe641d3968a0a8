/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bridge as guests number it and open its windows, well and badly. */
#include "libqtest.h"
#include "qtest-pci.h"
#include <linux/pci_regs.h>

static void test_bridge(void)
{
    QTest *qts = qtest_start("-M virt -device pcie-root-port,id=rp,addr=4 "
                             "-device virtio-rng-pci,bus=rp");
    QPciDevice *port, *dev;
    QPci pci;
    uint32_t bar = QTEST_BAR_BASE + 0x10000000;
    uint32_t window = bar >> 16;

    qpci_init(&pci, qts);
    port = qpci_at(&pci, 0, QPCI_DEVFN(4, 0));
    g_assert_nonnull(port);
    /* not numbered: nothing answers */
    g_assert_null(qpci_at(&pci, 1, 0));
    qpci_config_writel(port, PCI_PRIMARY_BUS, 0x00050500);
    dev = qpci_at(&pci, 5, 0);
    g_assert_nonnull(dev);
    g_assert_null(qpci_at(&pci, 5, QPCI_DEVFN(1, 0)));
    g_assert_cmpuint(qpci_find_cap(dev, PCI_CAP_ID_EXP, 0), !=, 0);
    /* closed window, then open */
    qpci_config_writel(dev, PCI_BASE_ADDRESS_4, bar);
    qpci_config_writel(dev, PCI_BASE_ADDRESS_5, 0);
    qpci_config_writew(dev, PCI_COMMAND, 6);
    qpci_config_writew(port, PCI_COMMAND, 6);
    g_assert_cmphex(qtest_readl(qts, bar + 0x1000), ==, UINT32_MAX);
    qpci_config_writel(port, PCI_MEMORY_BASE, window << 16 | window);
    g_assert_cmphex(qtest_readl(qts, bar + 0x1000), !=, UINT32_MAX);
    /* it ends below its base */
    qpci_config_writel(port, PCI_MEMORY_BASE, (window - 1) << 16 | window);
    g_assert_cmphex(qtest_readl(qts, bar + 0x1000), ==, UINT32_MAX);
    /* the secondary bus reset puts the device back */
    qpci_config_writew(port, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
    g_assert_cmphex(qpci_config_readw(dev, PCI_COMMAND), ==, 0);
    qpci_free(port);
    qpci_free(dev);
    qtest_quit(qts);
}

/* Bus numbers that make no tree. */
static void test_bridge_abuse(void)
{
    QTest *qts = qtest_start("-M virt -device pcie-root-port,id=a,addr=4 "
                             "-device pcie-root-port,id=b,addr=5 "
                             "-device virtio-rng-pci,bus=b");
    QPciDevice *a, *b;
    QPci pci;

    qpci_init(&pci, qts);
    a = qpci_at(&pci, 0, QPCI_DEVFN(4, 0));
    b = qpci_at(&pci, 0, QPCI_DEVFN(5, 0));
    qpci_config_writel(a, PCI_PRIMARY_BUS, 0x00ff0100);
    qpci_config_writel(b, PCI_PRIMARY_BUS, 0x00ff0100);
    g_assert_null(qpci_at(&pci, 2, 0));
    qpci_config_writel(b, PCI_PRIMARY_BUS, 0x0001ff00);
    g_assert_null(qpci_at(&pci, 255, 0));
    qpci_config_writel(a, PCI_PRIMARY_BUS, 0xffffffff);
    qpci_config_writel(b, PCI_MEMORY_BASE, 0x0000ffff);
    qpci_config_writel(b, PCI_PREF_MEMORY_BASE, 0x0000ffff);
    qpci_config_writel(b, PCI_PREF_LIMIT_UPPER32, UINT32_MAX);
    qpci_config_writew(b, PCI_COMMAND, 7);
    qpci_free(a);
    qpci_free(b);
    qtest_quit(qts);
}

static void test_query_pci(void)
{
    QTest *qts = qtest_start("-M virt -device pcie-root-port,id=rp,addr=4 "
                             "-device virtio-rng-pci,bus=rp,id=r");
    struct json_object *ret, *bridge, *rng;
    QPciDevice *port, *dev;
    QPci pci;

    qpci_init(&pci, qts);
    port = qpci_at(&pci, 0, QPCI_DEVFN(4, 0));
    ret = qtest_qmp_ok(qts, "{'execute': 'query-pci'}");
    g_assert_cmpint(qjson_int(ret, "0.devices.1.pci_bridge.bus.secondary"),
                    ==, 0);
    json_object_put(ret);
    qpci_config_writel(port, PCI_PRIMARY_BUS, 0x00070500);
    qpci_config_writel(port, PCI_MEMORY_BASE, 0xd010d000);
    qpci_config_writew(port, PCI_COMMAND, 6);
    dev = qpci_at(&pci, 5, 0);
    qpci_config_writel(dev, PCI_BASE_ADDRESS_4, 0xd0000000);
    qpci_config_writew(dev, PCI_COMMAND, 2);
    ret = qtest_qmp_ok(qts, "{'execute': 'query-pci'}");
    g_assert_cmpint(qjson_int(ret, "0.devices.0.class_info.class"), ==, 0x0600);
    g_assert_cmpstr(qjson_str(ret, "0.devices.1.qdev_id"), ==, "rp");
    g_assert_cmpint(qjson_int(ret, "0.devices.1.class_info.class"), ==,
                    0x0604);
    bridge = qjson_get(ret, "0.devices.1.pci_bridge");
    g_assert_cmpint(qjson_int(bridge, "bus.number"), ==, 0);
    g_assert_cmpint(qjson_int(bridge, "bus.secondary"), ==, 5);
    g_assert_cmpint(qjson_int(bridge, "bus.subordinate"), ==, 7);
    g_assert_cmphex(qjson_int(bridge, "bus.memory_range.base"), ==,
                    0xd0000000);
    g_assert_cmphex(qjson_int(bridge, "bus.memory_range.limit"), ==,
                    0xd01fffff);
    rng = qjson_get(bridge, "devices.0");
    g_assert_cmpstr(qjson_str(rng, "qdev_id"), ==, "r");
    g_assert_cmpint(qjson_int(rng, "bus"), ==, 5);
    g_assert_cmpint(qjson_int(rng, "id.vendor"), ==, 0x1af4);
    g_assert_cmpint(qjson_int(rng, "regions.1.bar"), ==, 4);
    g_assert_cmphex(qjson_int(rng, "regions.1.address"), ==, 0xd0000000);
    g_assert_cmphex(qjson_int(rng, "regions.1.size"), ==, 0x4000);
    json_object_put(ret);
    qpci_free(dev);
    qpci_free(port);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pcie-root-port/windows", test_bridge);
    g_test_add_func("/pcie-root-port/abuse", test_bridge_abuse);
    g_test_add_func("/pcie-root-port/query-pci", test_query_pci);
    return qtest_main();
}
