/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL031: the time, setting it, the alarm. */
#include "libqtest.h"

#define BASE    0x09010000
#define DR      (BASE + 0x00)
#define MR      (BASE + 0x04)
#define LR      (BASE + 0x08)
#define CR      (BASE + 0x0c)
#define IMSC    (BASE + 0x10)
#define RIS     (BASE + 0x14)
#define MIS     (BASE + 0x18)
#define ICR     (BASE + 0x1c)
#define ID      (BASE + 0xfe0)
#define SPI     2
#define SECOND  1000000000ll

static void test_time(void)
{
    QTest *qts = qtest_start("-M virt");
    uint32_t now = g_get_real_time() / G_USEC_PER_SEC;
    uint32_t seen = qtest_readl(qts, DR);

    g_assert_cmpuint(seen, >=, now);
    g_assert_cmpuint(seen, <=, now + 60);
    g_assert_cmphex(qtest_readl(qts, CR), ==, 1);
    g_assert_cmphex(qtest_readl(qts, ID), ==, 0x31);
    g_assert_cmphex(qtest_readl(qts, ID + 0x1c), ==, 0xb1);
    g_assert_cmphex(qtest_readb(qts, ID + 0x1c), ==, 0xb1);     /* edk2 */
    qtest_writel(qts, DR, 5);
    qtest_writel(qts, CR, 0);
    g_assert_cmpuint(qtest_readl(qts, DR), >=, now);
    qtest_quit(qts);
}

static void test_set(void)
{
    QTest *qts = qtest_start("-M virt -rtc base=2030-01-02T03:04:05,clock=vm");

    g_assert_cmpuint(qtest_readl(qts, DR), ==, 1893553445);
    qtest_clock_step(qts, 10 * SECOND);
    g_assert_cmpuint(qtest_readl(qts, DR), ==, 1893553455);
    qtest_writel(qts, LR, 1000);
    g_assert_cmpuint(qtest_readl(qts, LR), ==, 1000);
    g_assert_cmpuint(qtest_readl(qts, DR), ==, 1000);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    QTEST_WAIT(qts, qtest_readl(qts, LR) == 0);
    g_assert_cmpuint(qtest_readl(qts, DR), ==, 1000);
    qtest_quit(qts);
}

static void test_alarm(void)
{
    QTest *qts = qtest_start("-M virt -rtc base=2030-01-02T03:04:05,clock=vm");
    uint32_t now = qtest_readl(qts, DR);

    qtest_irq_intercept_in(qts, "gsi");
    qtest_writel(qts, MR, now + 5);
    qtest_writel(qts, IMSC, 1);
    qtest_clock_step(qts, 4 * SECOND);
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_clock_step(qts, 2 * SECOND);
    g_assert_true(qtest_get_irq(qts, SPI));
    g_assert_cmphex(qtest_readl(qts, MIS), ==, 1);
    qtest_writel(qts, ICR, 1);
    g_assert_false(qtest_get_irq(qts, SPI));
    /* masked it is only noted; now is at once */
    qtest_writel(qts, IMSC, 0);
    qtest_writel(qts, MR, qtest_readl(qts, DR));
    g_assert_false(qtest_get_irq(qts, SPI));
    g_assert_cmphex(qtest_readl(qts, RIS), ==, 1);
    g_assert_cmphex(qtest_readl(qts, MIS), ==, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pl031/time", test_time);
    g_test_add_func("/pl031/set", test_set);
    g_test_add_func("/pl031/alarm", test_alarm);
    return qtest_main();
}
