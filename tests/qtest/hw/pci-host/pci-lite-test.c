/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration mechanisms of the host bridge. */
#include "libqtest.h"
#include "qtest-pci.h"

#define ECAM 0xe8000000ull

static void test_config_disabled(void)
{
    QTest *qts = qtest_start("-M virt");

    qtest_outl(qts, 0xcf8, 0x00000000);
    g_assert_cmphex(qtest_inl(qts, 0xcfc), ==, UINT32_MAX);
    qtest_outl(qts, 0xcf8, 0x80000003);
    g_assert_cmphex(qtest_inl(qts, 0xcf8), ==, 0x80000000);
    g_assert_cmphex(qtest_inw(qts, 0xcfe), ==, 0x0d57);
    /* narrow writes are no address */
    qtest_outb(qts, 0xcf8, 0x12);
    g_assert_cmphex(qtest_inl(qts, 0xcf8), ==, 0x80000000);
    qtest_quit(qts);
}

/* All of ECAM answers, in every size. */
static void test_ecam(void)
{
    QTest *qts = qtest_start("-M virt");

    g_assert_cmphex(qtest_readl(qts, ECAM), ==, 0x0d578086);
    g_assert_cmphex(qtest_readb(qts, ECAM + 1), ==, 0x80);
    g_assert_cmphex(qtest_readw(qts, ECAM + 0xa), ==, 0x0600);
    g_assert_cmphex(qtest_readl(qts, ECAM + 0x0ffffffc), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readq(qts, ECAM + 0xff8), ==, UINT64_MAX);
    qtest_writeq(qts, ECAM + 0x0ffffff8, 0);
    qtest_writel(qts, ECAM, 0);
    g_assert_cmphex(qtest_readl(qts, ECAM), ==, 0x0d578086);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci-lite/config-ports", test_config_disabled);
    g_test_add_func("/pci-lite/ecam", test_ecam);
    return qtest_main();
}
