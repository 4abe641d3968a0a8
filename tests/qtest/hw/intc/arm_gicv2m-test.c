/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GICv2m: what it offers, a message, messages that are not its own. */
#include "libqtest.h"

#define BASE    0x08020000
#define TYPER   (BASE + 0x008)
#define SETSPI  (BASE + 0x040)
#define IIDR    (BASE + 0xfcc)
#define FIRST   80                  /* interrupt id; SPI 48 */

static void test_registers(void)
{
    QTest *qts = qtest_start("-M virt,gic-version=2");

    g_assert_cmphex(qtest_readl(qts, TYPER), ==, FIRST << 16 | 64);
    g_assert_cmphex(qtest_readl(qts, IIDR), ==, 0x05100000);
    g_assert_cmphex(qtest_readl(qts, SETSPI), ==, 0);
    qtest_quit(qts);
}

static void test_absent(void)
{
    QTest *qts = qtest_start("-M virt,gic-version=3");

    g_assert_cmphex(qtest_readl(qts, TYPER), ==, UINT32_MAX);
    qtest_quit(qts);
}

/* A pulse leaves the wire low; the device's own output tells of it. */
static void test_messages(void)
{
    static const uint32_t strange[] = {
        0, 31, FIRST - 1, FIRST + 64, 1023, UINT32_MAX,
    };
    QTest *qts = qtest_start("-M virt,gic-version=2");

    qtest_irq_intercept_in(qts, "gsi");
    for (size_t i = 0; i < G_N_ELEMENTS(strange); i++) {
        qtest_writel(qts, SETSPI, strange[i]);
    }
    qtest_writel(qts, SETSPI, FIRST);
    qtest_writew(qts, SETSPI, FIRST + 63);
    g_assert_false(qtest_get_irq(qts, FIRST - 32));
    qtest_writel(qts, BASE + 0xffc, FIRST);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gicv2m/registers", test_registers);
    g_test_add_func("/gicv2m/absent", test_absent);
    g_test_add_func("/gicv2m/messages", test_messages);
    return qtest_main();
}
