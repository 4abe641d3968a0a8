/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa-debug-exit, isa-debugcon and pvpanic-pci. */
#include "libqtest.h"
#include "qtest-pci.h"

static void test_exit_default(void)
{
    QTest *qts = qtest_start("-M virt -device isa-debug-exit");

    qtest_outb(qts, 0x501, 0x15);
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0x2b);
}

static void test_exit_placed(void)
{
    QTest *qts = qtest_start("-M virt -device isa-debug-exit,iobase=0xf4,"
                             "iosize=4");

    qtest_outb(qts, 0x501, 1);
    qtest_outl(qts, 0xf4, 0);
    g_assert_cmpint(qtest_wait_exit(qts), ==, 1);
}

static void test_debugcon(void)
{
    QTest *qts = qtest_start("-M virt -chardev ringbuf,id=r,size=64 "
                             "-device isa-debugcon,chardev=r");
    struct json_object *ret;

    g_assert_cmphex(qtest_inb(qts, 0xe9), ==, 0xe9);
    qtest_outb(qts, 0xe9, 'o');
    qtest_outb(qts, 0xe9, 'k');
    ret = qtest_qmp_ok(qts, "{'execute': 'ringbuf-read', 'arguments': "
                       "{'device': 'r', 'size': 10}}");
    g_assert_cmpstr(json_object_get_string(ret), ==, "ok");
    json_object_put(ret);
    qtest_quit(qts);
}

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
    g_test_add_func("/debug-exit/default", test_exit_default);
    g_test_add_func("/debug-exit/placed", test_exit_placed);
    g_test_add_func("/debugcon/write", test_debugcon);
    g_test_add_func("/pvpanic/event", test_pvpanic);
    return qtest_main();
}
