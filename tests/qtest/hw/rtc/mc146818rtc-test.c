/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mc146818rtc: dates across every kind of boundary in each format, setting the
 * time, the update flags, RAM, and where it is present. */
#include "libqtest.h"

#define S(n) ((int64_t)(n) * 1000000000)

enum { SEC = 0, MIN_ = 2, HOUR = 4, WDAY = 6, DAY, MONTH, YEAR, A, B, C, D,
       CENTURY = 0x32 };
#define B_SET       0x80
#define B_BINARY    0x04
#define B_24H       0x02
#define A_UIP       0x80

static uint8_t rtc_read(QTest *qts, uint8_t reg)
{
    qtest_outb(qts, 0x70, reg);
    return qtest_inb(qts, 0x71);
}

static void rtc_write(QTest *qts, uint8_t reg, uint8_t val)
{
    qtest_outb(qts, 0x70, reg);
    qtest_outb(qts, 0x71, val);
}

static QTest *start(const char *base)
{
    return qtest_startf("-M virt,rtc=on -rtc base=%s,clock=vm", base);
}

/* Century, year, month, day, weekday, hours, minutes, seconds as they are. */
static void assert_raw(QTest *qts, const char *want)
{
    static const uint8_t regs[] = { CENTURY, YEAR, MONTH, DAY, WDAY, HOUR,
                                    MIN_, SEC };
    g_autoptr(GString) got = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_string_append_printf(got, "%s%02x", i ? " " : "",
                               rtc_read(qts, regs[i]));
    }
    g_assert_cmpstr(got->str, ==, want);
}

static void test_dates(void)
{
    static const struct {
        const char *base;
        int64_t step_s;
        uint8_t b;
        const char *raw;
    } cases[] = {
        { "2024-02-28T23:59:58", 0, B_24H, "20 24 02 28 04 23 59 58" },
        { "2024-02-28T23:59:58", 2, B_24H, "20 24 02 29 05 00 00 00" },
        { "2023-02-28T23:59:59", 1, B_24H, "20 23 03 01 04 00 00 00" },
        { "2100-02-28T23:59:59", 1, B_24H, "21 00 03 01 02 00 00 00" },
        { "1999-12-31T23:59:59", 1, B_24H, "20 00 01 01 07 00 00 00" },
        { "2000-02-28", 86400, B_24H, "20 00 02 29 03 00 00 00" },
        { "2038-01-19T03:14:07", 1, B_24H, "20 38 01 19 03 03 14 08" },
        { "1969-12-31T23:59:59", 0, B_24H, "19 69 12 31 04 23 59 59" },
        { "2026-11-21T13:45:59", 0, B_24H | B_BINARY,
          "14 1a 0b 15 07 0d 2d 3b" },
        { "2026-11-21T13:45:59", 0, 0, "20 26 11 21 07 81 45 59" },
        { "2026-11-21T00:00:00", 0, 0, "20 26 11 21 07 12 00 00" },
        { "2026-11-21T12:00:00", 0, 0, "20 26 11 21 07 92 00 00" },
        { "2026-11-21T11:59:59", 0, B_BINARY, "14 1a 0b 15 07 0b 3b 3b" },
        { "2026-11-21T23:00:00", 0, B_BINARY, "14 1a 0b 15 07 8b 00 00" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        QTest *qts = start(cases[i].base);

        g_test_message("%s + %d s", cases[i].base, (int)cases[i].step_s);
        qtest_clock_step(qts, S(cases[i].step_s));
        rtc_write(qts, B, cases[i].b);
        assert_raw(qts, cases[i].raw);
        qtest_quit(qts);
    }
}

/* As firmware does it: stop, write, go on. */
static void test_set(void)
{
    QTest *qts = start("2024-01-01T00:00:00");
    struct json_object *event;

    rtc_write(qts, B, B_SET | B_24H);
    rtc_write(qts, SEC, 0x58);
    rtc_write(qts, MIN_, 0x59);
    qtest_clock_step(qts, S(100));
    assert_raw(qts, "20 24 01 01 02 00 59 58");
    rtc_write(qts, B, B_24H);
    event = qtest_qmp_event(qts, "RTC_CHANGE");
    g_assert_cmpint(qjson_int(event, "data.offset"), ==, 59 * 60 + 58 - 100);
    g_assert_true(g_str_has_prefix(qjson_str(event, "data.qom-path"),
                                   "/machine/unattached/device["));
    json_object_put(event);
    qtest_clock_step(qts, S(2));
    assert_raw(qts, "20 24 01 01 02 01 00 00");
    /* a single register, without stopping */
    rtc_write(qts, YEAR, 0x30);
    qtest_clock_step(qts, S(1));
    assert_raw(qts, "20 30 01 01 03 01 00 01");
    qtest_quit(qts);
}

/* What is no date does no harm. */
static void test_set_nonsense(void)
{
    QTest *qts = start("2024-01-01T00:00:00");

    rtc_write(qts, B, B_SET | B_BINARY);
    for (unsigned int reg = 0; reg < 128; reg++) {
        if (reg < A || reg > D) {
            rtc_write(qts, reg, 0xff);
        }
    }
    rtc_write(qts, B, B_BINARY);
    qtest_clock_step(qts, S(1));
    rtc_read(qts, YEAR);
    rtc_write(qts, B, B_SET | B_24H);
    for (unsigned int reg = 0; reg < A; reg++) {
        rtc_write(qts, reg, 0);
    }
    rtc_write(qts, CENTURY, 0);
    rtc_write(qts, B, B_24H);
    qtest_clock_step(qts, S(1));
    rtc_read(qts, YEAR);
    g_assert_cmphex(rtc_read(qts, D), ==, 0x80);
    qtest_quit(qts);
}

static void test_flags(void)
{
    QTest *qts = start("2024-01-01T00:00:00");

    g_assert_cmphex(rtc_read(qts, A), ==, 0x26);
    g_assert_cmphex(rtc_read(qts, C), ==, 0);
    qtest_clock_step(qts, S(1) - 244000);
    g_assert_cmphex(rtc_read(qts, A), ==, 0x26 | A_UIP);
    g_assert_cmphex(rtc_read(qts, C), ==, 0);
    qtest_clock_step(qts, 244000);
    g_assert_cmphex(rtc_read(qts, A), ==, 0x26);
    g_assert_cmphex(rtc_read(qts, C), ==, 0x10);
    g_assert_cmphex(rtc_read(qts, C), ==, 0);
    rtc_write(qts, A, 0x66);            /* divider reset: no updates */
    qtest_clock_step(qts, S(2) - 100);
    g_assert_cmphex(rtc_read(qts, A), ==, 0x66);
    g_assert_cmphex(rtc_read(qts, SEC), ==, 0x01);
    rtc_write(qts, A, 0x26);            /* the first comes after half one */
    qtest_clock_step(qts, S(1) / 2 - 100);
    g_assert_cmphex(rtc_read(qts, SEC), ==, 0x01);
    qtest_clock_step(qts, 100);
    g_assert_cmphex(rtc_read(qts, SEC), ==, 0x02);
    qtest_quit(qts);
}

static void test_ram(void)
{
    QTest *qts = qtest_start("-M virt,rtc=on -m 4G -smp 3");

    /* 3 GiB below the hole, 1 GiB above */
    g_assert_cmphex(rtc_read(qts, 0x15), ==, 0x80);
    g_assert_cmphex(rtc_read(qts, 0x16), ==, 0x02);
    g_assert_cmphex(rtc_read(qts, 0x17), ==, 0xff);
    g_assert_cmphex(rtc_read(qts, 0x31), ==, 0xff);
    g_assert_cmphex(rtc_read(qts, 0x34), ==, 0x00);
    g_assert_cmphex(rtc_read(qts, 0x35), ==, 0xbf);
    g_assert_cmphex(rtc_read(qts, 0x5b), ==, 0x00);
    g_assert_cmphex(rtc_read(qts, 0x5c), ==, 0x40);
    g_assert_cmphex(rtc_read(qts, 0x5d), ==, 0x00);
    g_assert_cmphex(rtc_read(qts, 0x5f), ==, 2);
    rtc_write(qts, 0x80 | 0x0e, 0x5a);  /* bit 7 is not of the index */
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    json_object_put(qtest_qmp_event(qts, "RESET"));
    g_assert_cmphex(rtc_read(qts, 0x0e), ==, 0x5a);
    g_assert_cmphex(qtest_inb(qts, 0x70), ==, 0xff);
    qtest_quit(qts);
}

static void test_host_clock(void)
{
    QTest *qts = qtest_start("-M virt,rtc=on");
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    int minutes;

    rtc_write(qts, B, B_24H | B_BINARY);
    minutes = rtc_read(qts, HOUR) * 60 + rtc_read(qts, MIN_) -
              g_date_time_get_hour(now) * 60 - g_date_time_get_minute(now);
    g_assert_cmpint((minutes + 1441) % 1440, <=, 2);
    qtest_quit(qts);
}

static void test_presence(void)
{
    g_autofree char *err = NULL, *err2 = NULL, *rom = NULL;
    g_autofree uint8_t *zeros = g_malloc0(64 * KiB);
    QTest *qts = qtest_start("-M virt");
    int fd = g_file_open_tmp("nemu-rom-XXXXXX", &rom, NULL);

    g_assert_cmphex(rtc_read(qts, D), ==, 0xff);
    qtest_quit(qts);
    g_assert_cmpint(write(fd, zeros, 64 * KiB), ==, 64 * KiB);
    close(fd);
    qts = qtest_startf("-M virt -bios %s", rom);
    g_assert_cmphex(rtc_read(qts, D), ==, 0x80);
    qtest_quit(qts);
    qts = qtest_startf("-M virt,rtc=off -bios %s", rom);
    g_assert_cmphex(rtc_read(qts, D), ==, 0xff);
    qtest_quit(qts);
    unlink(rom);
    qts = qtest_start("-M virt -rtc base=2024-01-01,clock=vm");
    g_assert_cmphex(rtc_read(qts, YEAR), ==, 0x24);
    qtest_quit(qts);
    g_assert_cmpint(qtest_run("-M virt,rtc=off -accel qtest -nodefaults -rtc "
                              "base=2024-01-01", NULL, &err), ==, 1);
    g_assert_nonnull(strstr(err, "no RTC to set"));
    g_assert_cmpint(qtest_run("-M virt,rtc=on -accel qtest -nodefaults -rtc "
                              "base=2023-02-29", NULL, &err2), ==, 1);
    g_assert_nonnull(strstr(err2, "base=2023-02-29 is no date"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mc146818rtc/dates", test_dates);
    g_test_add_func("/mc146818rtc/set", test_set);
    g_test_add_func("/mc146818rtc/set-nonsense", test_set_nonsense);
    g_test_add_func("/mc146818rtc/flags", test_flags);
    g_test_add_func("/mc146818rtc/ram", test_ram);
    g_test_add_func("/mc146818rtc/host-clock", test_host_clock);
    g_test_add_func("/mc146818rtc/presence", test_presence);
    return qtest_main();
}
