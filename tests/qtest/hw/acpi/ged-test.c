/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events, sleep, reset and PM timer of the virt machine. */
#include "libqtest.h"

#define PORT_SLEEP      0x600
#define PORT_PM_TIMER   0x608
#define PORT_EVENTS     0x610
#define PORT_RESET      0xcf9
#define GSI_EVENTS      9
#define EVENT_POWER     0x10
#define PM_TIMER_HZ     3579545

static void qmp(QTest *qts, const char *cmd)
{
    json_object_put(qtest_qmp_ok(qts, "{'execute': '%s'}", cmd));
}

static void test_power_button(void)
{
    QTest *qts = qtest_start("-M virt");

    qtest_irq_intercept_in(qts, "gsi");
    g_assert_cmphex(qtest_inl(qts, PORT_EVENTS), ==, 0);
    qmp(qts, "system_powerdown");
    json_object_put(qtest_qmp_event(qts, "POWERDOWN"));
    g_assert_cmpuint(qtest_irq_rises(qts, GSI_EVENTS), ==, 1);
    /* reading takes the events */
    g_assert_cmphex(qtest_inl(qts, PORT_EVENTS), ==, EVENT_POWER);
    g_assert_cmphex(qtest_inl(qts, PORT_EVENTS), ==, 0);
    /* writes and narrow reads do nothing */
    qmp(qts, "system_powerdown");
    json_object_put(qtest_qmp_event(qts, "POWERDOWN"));
    qtest_outl(qts, PORT_EVENTS, UINT32_MAX);
    qtest_inb(qts, PORT_EVENTS);
    g_assert_cmphex(qtest_inl(qts, PORT_EVENTS), ==, EVENT_POWER);
    qtest_quit(qts);
}

static void test_reset_clears_events(void)
{
    QTest *qts = qtest_start("-M virt");

    qmp(qts, "system_powerdown");
    qmp(qts, "system_reset");
    json_object_put(qtest_qmp_event(qts, "RESET"));
    g_assert_cmphex(qtest_inl(qts, PORT_EVENTS), ==, 0);
    qtest_quit(qts);
}

static void test_sleep(void)
{
    QTest *qts = qtest_start("-M virt");
    struct json_object *ev;

    /* the status register takes writes; a state that does not exist is
     * refused */
    qtest_outb(qts, PORT_SLEEP + 1, 0xff);
    qtest_outb(qts, PORT_SLEEP, 3 << 2 | 0x20);
    g_assert_false(qtest_qmp_event_seen(qts, "SHUTDOWN"));
    qtest_outb(qts, PORT_SLEEP, 5 << 2);
    g_assert_false(qtest_qmp_event_seen(qts, "SHUTDOWN"));
    qtest_outb(qts, PORT_SLEEP, 5 << 2 | 0x20);
    ev = qtest_qmp_event(qts, "SHUTDOWN");
    g_assert_cmpstr(qjson_str(ev, "data.reason"), ==, "guest-shutdown");
    json_object_put(ev);
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
}

static void test_reset_port(void)
{
    QTest *qts = qtest_start("-M virt");
    struct json_object *ev;

    qtest_outb(qts, PORT_RESET, 2);
    g_assert_false(qtest_qmp_event_seen(qts, "RESET"));
    qtest_outb(qts, PORT_RESET, 6);
    ev = qtest_qmp_event(qts, "RESET");
    g_assert_cmpstr(qjson_str(ev, "data.reason"), ==, "guest-reset");
    json_object_put(ev);
    qtest_quit(qts);
}

static void test_pm_timer(void)
{
    QTest *qts = qtest_start("-M virt");
    uint32_t a, b;

    a = qtest_inl(qts, PORT_PM_TIMER);
    g_assert_cmphex(a >> 24, ==, 0);
    qtest_clock_step(qts, 1000000000);
    b = qtest_inl(qts, PORT_PM_TIMER);
    g_assert_cmpuint((b - a) & 0xffffff, ==, PM_TIMER_HZ);
    /* wraps at 24 bits */
    qtest_clock_step(qts, 4000000000);
    b = qtest_inl(qts, PORT_PM_TIMER);
    g_assert_cmpuint((b - a) & 0xffffff, ==, 5 * PM_TIMER_HZ & 0xffffff);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/power-button", test_power_button);
    g_test_add_func("/acpi/events/reset", test_reset_clears_events);
    g_test_add_func("/acpi/sleep", test_sleep);
    g_test_add_func("/acpi/reset-port", test_reset_port);
    g_test_add_func("/acpi/pm-timer", test_pm_timer);
    return qtest_main();
}
