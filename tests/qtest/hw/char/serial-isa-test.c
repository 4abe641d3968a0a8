/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 16550A: registers, FIFO, interrupts; there only when asked for. */
#include "libqtest.h"

#define PORT    0x3f8
#define DATA    (PORT + 0)
#define IER     (PORT + 1)
#define IIR     (PORT + 2)
#define FCR     (PORT + 2)
#define LCR     (PORT + 3)
#define MCR     (PORT + 4)
#define LSR     (PORT + 5)
#define MSR     (PORT + 6)
#define SCR     (PORT + 7)
#define GSI     4

static void test_absent(void)
{
    QTest *qts = qtest_start("-M virt");

    g_assert_cmphex(qtest_inb(qts, LSR), ==, 0xff);
    g_assert_cmphex(qtest_inb(qts, 0x70), ==, 0xff);
    g_assert_cmphex(qtest_inb(qts, 0x64), ==, 0xff);
    qtest_quit(qts);
}

static void test_registers(void)
{
    QTest *qts = qtest_start("-M virt -serial null");

    g_assert_cmphex(qtest_inb(qts, LSR), ==, 0x60);
    qtest_outb(qts, SCR, 0x5a);
    g_assert_cmphex(qtest_inb(qts, SCR), ==, 0x5a);
    qtest_outb(qts, LCR, 0x80);
    qtest_outb(qts, DATA, 1);
    qtest_outb(qts, IER, 0);
    g_assert_cmphex(qtest_inb(qts, DATA), ==, 1);
    qtest_outb(qts, LCR, 3);
    qtest_outb(qts, FCR, 1);
    g_assert_cmphex(qtest_inb(qts, IIR) & 0xc0, ==, 0xc0);
    /* modem loop-back */
    qtest_outb(qts, MCR, 0x1f);
    g_assert_cmphex(qtest_inb(qts, MSR) & 0xf0, ==, 0xf0);
    qtest_quit(qts);
}

static void test_loopback_data(void)
{
    QTest *qts = qtest_start("-M virt -serial null");

    qtest_outb(qts, FCR, 1);
    qtest_outb(qts, MCR, 0x10);
    qtest_outb(qts, DATA, 'x');
    QTEST_WAIT(qts, qtest_inb(qts, LSR) & 1);
    g_assert_cmphex(qtest_inb(qts, DATA), ==, 'x');
    qtest_quit(qts);
}

static void test_transmit(void)
{
    QTest *qts = qtest_start("-M virt -chardev ringbuf,id=r,size=64 "
                             "-device isa-serial,chardev=r");
    struct json_object *ret;

    qtest_irq_intercept_in(qts, "gsi");
    qtest_outb(qts, MCR, 8);
    qtest_outb(qts, IER, 2);
    g_assert_true(qtest_get_irq(qts, GSI));
    g_assert_cmphex(qtest_inb(qts, IIR) & 0xf, ==, 2);
    g_assert_false(qtest_get_irq(qts, GSI));
    qtest_outb(qts, DATA, 'h');
    qtest_outb(qts, DATA, 'i');
    QTEST_WAIT(qts, (qtest_inb(qts, LSR) & 0x60) == 0x60);
    ret = qtest_qmp_ok(qts, "{'execute': 'ringbuf-read', 'arguments': "
                       "{'device': 'r', 'size': 10}}");
    g_assert_cmpstr(json_object_get_string(ret), ==, "hi");
    json_object_put(ret);
    qtest_quit(qts);
}

static void test_two_ports(void)
{
    QTest *qts = qtest_start("-M virt -serial null -serial null");
    g_autofree char *err = NULL;

    g_assert_cmphex(qtest_inb(qts, 0x2fd), ==, 0x60);
    qtest_quit(qts);
    g_assert_cmpint(qtest_run("-M virt,accel=qtest -nodefaults -display none "
                              "-device isa-serial -device isa-serial "
                              "-device isa-serial -device isa-serial "
                              "-device isa-serial", NULL, &err), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/serial/absent", test_absent);
    g_test_add_func("/serial/registers", test_registers);
    g_test_add_func("/serial/loopback", test_loopback_data);
    g_test_add_func("/serial/transmit", test_transmit);
    g_test_add_func("/serial/two-ports", test_two_ports);
    return qtest_main();
}
