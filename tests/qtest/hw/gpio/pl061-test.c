/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL061: masked data, edges and levels, and the power button on it. */
#include "libqtest.h"

#define BASE    0x09030000
#define DATA(m) (BASE + (m) * 4)
#define DIR     (BASE + 0x400)
#define IS      (BASE + 0x404)
#define IBE     (BASE + 0x408)
#define IEV     (BASE + 0x40c)
#define IE      (BASE + 0x410)
#define RIS     (BASE + 0x414)
#define MIS     (BASE + 0x418)
#define IC      (BASE + 0x41c)
#define ID      (BASE + 0xfe0)
#define SPI     7
#define BUTTON  8                   /* pin 3 */
#define PRESS_NS 100000000

static void press(QTest *qts)
{
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_powerdown'}"));
    QTEST_WAIT(qts, qtest_readl(qts, DATA(0xff)) & BUTTON);
}

static void test_outputs(void)
{
    QTest *qts = qtest_start("-M virt");

    g_assert_cmphex(qtest_readl(qts, ID), ==, 0x61);
    qtest_writel(qts, DATA(0xff), 0xff);
    g_assert_cmphex(qtest_readl(qts, DATA(0xff)), ==, 0);
    qtest_writel(qts, DIR, 0x0f);
    qtest_writel(qts, DATA(0x05), 0xff);
    g_assert_cmphex(qtest_readl(qts, DATA(0xff)), ==, 0x05);
    g_assert_cmphex(qtest_readl(qts, DATA(0x04)), ==, 0x04);
    qtest_writel(qts, DATA(0x04), 0);
    g_assert_cmphex(qtest_readb(qts, DATA(0xff)), ==, 0x01);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    QTEST_WAIT(qts, qtest_readl(qts, DIR) == 0);
    qtest_writel(qts, BASE + 0x800, 1);
    qtest_quit(qts);
}

static void test_button_edges(void)
{
    QTest *qts = qtest_start("-M virt");

    qtest_irq_intercept_in(qts, "gsi");
    qtest_writel(qts, IBE, BUTTON);
    qtest_writel(qts, IE, BUTTON);
    press(qts);
    g_assert_true(qtest_get_irq(qts, SPI));
    g_assert_cmphex(qtest_readl(qts, MIS), ==, BUTTON);
    qtest_writel(qts, IC, 0xff);
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_clock_step(qts, PRESS_NS);
    g_assert_cmphex(qtest_readl(qts, DATA(0xff)), ==, 0);
    g_assert_true(qtest_get_irq(qts, SPI));
    /* now rising edges alone */
    qtest_writel(qts, IC, 0xff);
    qtest_writel(qts, IBE, 0);
    qtest_writel(qts, IEV, BUTTON);
    press(qts);
    g_assert_true(qtest_get_irq(qts, SPI));
    qtest_writel(qts, IC, 0xff);
    qtest_clock_step(qts, PRESS_NS);
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_quit(qts);
}

static void test_button_level(void)
{
    QTest *qts = qtest_start("-M virt");

    qtest_irq_intercept_in(qts, "gsi");
    qtest_writel(qts, IEV, BUTTON);
    qtest_writel(qts, IS, BUTTON);
    qtest_writel(qts, IE, BUTTON);
    g_assert_false(qtest_get_irq(qts, SPI));
    press(qts);
    g_assert_true(qtest_get_irq(qts, SPI));
    /* as long as it is held */
    qtest_writel(qts, IC, 0xff);
    g_assert_true(qtest_get_irq(qts, SPI));
    qtest_clock_step(qts, PRESS_NS);
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pl061/outputs", test_outputs);
    g_test_add_func("/pl061/button/edges", test_button_edges);
    g_test_add_func("/pl061/button/level", test_button_level);
    return qtest_main();
}
