/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pc-testdev: its register, its memory, its interrupt lines. */
#include "libqtest.h"

#define IOMEM 0xff000000

static void test_register(void)
{
    QTest *qts = qtest_start("-M virt -device pc-testdev");

    qtest_outl(qts, 0xe0, 0x44332211);
    g_assert_cmphex(qtest_inl(qts, 0xe0), ==, 0x44332211);
    g_assert_cmphex(qtest_inw(qts, 0xe2), ==, 0x4433);
    qtest_outb(qts, 0xe1, 0xaa);
    g_assert_cmphex(qtest_inl(qts, 0xe8), ==, 0x4433aa11);
    qtest_outw(qts, 0xea, 0x7788);
    g_assert_cmphex(qtest_inl(qts, 0xe0), ==, 0x7788aa11);
    qtest_quit(qts);
}

static void test_memory(void)
{
    QTest *qts = qtest_start("-M virt -device pc-testdev");

    qtest_writeq(qts, IOMEM, 0x8877665544332211);
    g_assert_cmphex(qtest_readl(qts, IOMEM + 3), ==, 0x77665544);
    qtest_writew(qts, IOMEM + 0xfffe, 0xbeef);
    g_assert_cmphex(qtest_readw(qts, IOMEM + 0xfffe), ==, 0xbeef);
    g_assert_cmphex(qtest_readb(qts, IOMEM + 0x10000), ==, 0xff);
    qtest_quit(qts);
}

static void test_irq_lines(void)
{
    QTest *qts = qtest_start("-M virt -device pc-testdev");

    qtest_irq_intercept_in(qts, "gsi");
    qtest_outb(qts, 0x200e, 1);
    g_assert_true(qtest_get_irq(qts, 14));
    g_assert_false(qtest_get_irq(qts, 13));
    qtest_outb(qts, 0x200e, 0);
    g_assert_false(qtest_get_irq(qts, 14));
    g_assert_cmpuint(qtest_irq_rises(qts, 14), ==, 1);
    qtest_outb(qts, 0x2017, 1);         /* there is a port, but no line */
    qtest_quit(qts);
}

/* Dropping a page keeps what is in it; an address with no RAM does no harm. */
static void test_flush(void)
{
    QTest *qts = qtest_start("-M virt -m 128 -device pc-testdev");

    qtest_writel(qts, 0x123456, 0x600df00d);
    qtest_outl(qts, 0xe4, 0x123456);
    g_assert_cmphex(qtest_readl(qts, 0x123456), ==, 0x600df00d);
    qtest_outl(qts, 0xe4, 0xd0000000);
    qtest_outl(qts, 0xe4, 0xffffffff);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pc-testdev/register", test_register);
    g_test_add_func("/pc-testdev/memory", test_memory);
    g_test_add_func("/pc-testdev/irq-lines", test_irq_lines);
    g_test_add_func("/pc-testdev/flush", test_flush);
    return qtest_main();
}
