/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pci-testdev: each test of each BAR counts the writes it should; BAR 2. */
#include "libqtest.h"
#include "qtest-pci.h"

#define WRITES 16

typedef struct Fixture {
    QTest *qts;
    QPci pci;
    QPciDevice *dev;
} Fixture;

static void start(Fixture *f, const char *options)
{
    f->qts = qtest_startf("-M virt -device pci-testdev%s", options);
    qpci_init(&f->pci, f->qts);
    f->dev = qpci_find(&f->pci, 0x1b36, 0x0005, 0);
    g_assert_nonnull(f->dev);
    qpci_enable(f->dev);
    qpci_map_bar(f->dev, 0);
    qpci_map_bar(f->dev, 1);
}

static void stop(Fixture *f)
{
    qpci_free(f->dev);
    qtest_quit(f->qts);
}

static void assert_name(QPciDevice *dev, int bar, const char *name)
{
    for (size_t i = 0; i <= strlen(name); i++) {
        g_assert_cmpint(qpci_bar_readb(dev, bar, 16 + i), ==, name[i]);
    }
}

static void run_one(QPciDevice *dev, int bar, int number, const char *name)
{
    uint32_t offset, data;

    qpci_bar_writeb(dev, bar, 0, number);
    g_assert_cmpuint(qpci_bar_readl(dev, bar, 12), ==, 0);
    g_assert_cmpuint(qpci_bar_readb(dev, bar, 1), ==, 1);
    assert_name(dev, bar, name);
    offset = qpci_bar_readl(dev, bar, 4);
    data = qpci_bar_readl(dev, bar, 8);
    for (int i = 0; i < WRITES; i++) {
        qpci_bar_writeb(dev, bar, offset, data);
        qpci_bar_writeb(dev, bar, offset + 16, data);
    }
    g_assert_cmpuint(qpci_bar_readl(dev, bar, 12), ==, WRITES);
    /* it is the other BAR's business that it has no test running */
    g_assert_cmpuint(qpci_bar_readb(dev, !bar, 1), ==, 0);
}

static void test_counts(void)
{
    static const char *const names[2][3] = {
        { "mmio-no-eventfd", "mmio-wildcard-eventfd",
          "mmio-datamatch-eventfd" },
        { "portio-no-eventfd", "portio-wildcard-eventfd",
          "portio-datamatch-eventfd" },
    };
    Fixture f;

    start(&f, "");
    for (int bar = 0; bar < 2; bar++) {
        for (int i = 0; i < 3; i++) {
            run_one(f.dev, bar, i, names[bar][i]);
        }
        qpci_bar_writeb(f.dev, bar, 0, 3);
        g_assert_cmpuint(qpci_bar_readb(f.dev, bar, 1), ==, 0);
    }
    stop(&f);
}

static void test_datamatch(void)
{
    Fixture f;
    uint32_t offset, data;

    start(&f, "");
    qpci_bar_writeb(f.dev, 0, 0, 2);
    offset = qpci_bar_readl(f.dev, 0, 4);
    data = qpci_bar_readl(f.dev, 0, 8);
    qpci_bar_writeb(f.dev, 0, offset, data ^ 1);
    g_assert_cmpuint(qpci_bar_readl(f.dev, 0, 12), ==, 0);
    qpci_bar_writeb(f.dev, 0, offset, data);
    g_assert_cmpuint(qpci_bar_readl(f.dev, 0, 12), ==, 1);
    stop(&f);
}

static void test_reset(void)
{
    Fixture f;

    start(&f, "");
    qpci_bar_writeb(f.dev, 0, 0, 1);
    json_object_put(qtest_qmp_ok(f.qts, "{'execute': 'system_reset'}"));
    json_object_put(qtest_qmp_event(f.qts, "RESET"));
    g_assert_cmphex(qpci_config_readw(f.dev, 4), ==, 0);
    qpci_free(f.dev);
    f.dev = qpci_find(&f.pci, 0x1b36, 0x0005, 0);
    qpci_enable(f.dev);
    qpci_map_bar(f.dev, 0);
    g_assert_cmpuint(qpci_bar_readb(f.dev, 0, 1), ==, 0);
    stop(&f);
}

static void test_membar(void)
{
    g_autofree char *err = NULL;
    Fixture f;

    start(&f, ",membar=1M,membar-backed=on");
    g_assert_cmphex(qpci_map_bar(f.dev, 2)->size, ==, 1 * MiB);
    qpci_bar_writel(f.dev, 2, 0xffffc, 0x600df00d);
    g_assert_cmphex(qpci_bar_readl(f.dev, 2, 0xffffc), ==, 0x600df00d);
    stop(&f);
    start(&f, ",membar=1M");
    qpci_map_bar(f.dev, 2);
    g_assert_cmphex(qpci_bar_readl(f.dev, 2, 0), ==, 0xffffffff);
    stop(&f);
    g_assert_cmpint(qtest_run("-M virt -accel qtest -nodefaults -device "
                              "pci-testdev,membar=5000", NULL, &err), ==, 1);
    g_assert_nonnull(strstr(err, "membar=5000 must be a power of 2"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci-testdev/counts", test_counts);
    g_test_add_func("/pci-testdev/datamatch", test_datamatch);
    g_test_add_func("/pci-testdev/reset", test_reset);
    g_test_add_func("/pci-testdev/membar", test_membar);
    return qtest_main();
}
