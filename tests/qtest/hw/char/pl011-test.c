/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL011: registers, both directions, FIFO levels, interrupts, reset. */
#include "libqtest.h"
#include <sys/socket.h>
#include <sys/un.h>

#define BASE    0x09000000
#define DR      (BASE + 0x00)
#define RSR     (BASE + 0x04)
#define FR      (BASE + 0x18)
#define IBRD    (BASE + 0x24)
#define FBRD    (BASE + 0x28)
#define LCR     (BASE + 0x2c)
#define CR      (BASE + 0x30)
#define IFLS    (BASE + 0x34)
#define IMSC    (BASE + 0x38)
#define RIS     (BASE + 0x3c)
#define MIS     (BASE + 0x40)
#define ICR     (BASE + 0x44)
#define ID      (BASE + 0xfe0)
#define SPI     1

#define FR_RXFE 0x10
#define FR_RXFF 0x40
#define FR_TXFE 0x80
#define LCR_FEN 0x10
#define CR_ON   0x301
#define CR_LBE  0x80
#define INT_RX  0x10
#define INT_TX  0x20
#define INT_RT  0x40
#define INT_OE  0x400

static QTest *start_loopback(uint32_t lcr)
{
    QTest *qts = qtest_start("-M virt -serial null");

    qtest_irq_intercept_in(qts, "gsi");
    qtest_writel(qts, LCR, lcr);
    qtest_writel(qts, CR, CR_ON | CR_LBE);
    return qts;
}

static void test_absent(void)
{
    QTest *qts = qtest_start("-M virt");

    g_assert_cmphex(qtest_readl(qts, FR), ==, UINT32_MAX);
    qtest_quit(qts);
}

static void test_registers(void)
{
    static const struct { uint32_t reg, reset, mask; } regs[] = {
        { IBRD, 0, 0xffff }, { FBRD, 0, 0x3f }, { LCR, 0, 0xff },
        { CR, 0x300, 0xff87 }, { IFLS, 0x12, 0x3f }, { IMSC, 0, 0x7ff },
    };
    static const uint8_t id[] = {
        0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
    };
    QTest *qts = qtest_start("-M virt -serial null");

    for (size_t i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_assert_cmphex(qtest_readl(qts, regs[i].reg), ==, regs[i].reset);
        qtest_writel(qts, regs[i].reg, UINT32_MAX);
        g_assert_cmphex(qtest_readl(qts, regs[i].reg), ==, regs[i].mask);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(id); i++) {
        g_assert_cmphex(qtest_readl(qts, ID + 4 * i), ==, id[i]);
    }
    g_assert_cmphex(qtest_readl(qts, BASE + 0xc), ==, 0);
    qtest_writel(qts, BASE + 0xffc, 1);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    for (size_t i = 0; i < G_N_ELEMENTS(regs); i++) {
        QTEST_WAIT(qts, qtest_readl(qts, regs[i].reg) == regs[i].reset);
    }
    qtest_quit(qts);
}

static void test_transmit(void)
{
    QTest *qts = qtest_start("-M virt -chardev ringbuf,id=r,size=64 "
                             "-serial chardev:r");
    struct json_object *ret;

    qtest_irq_intercept_in(qts, "gsi");
    qtest_writel(qts, CR, CR_ON);
    g_assert_cmphex(qtest_readl(qts, FR) & (FR_TXFE | FR_RXFE), ==,
                    FR_TXFE | FR_RXFE);
    qtest_writel(qts, DR, 'h');
    qtest_writeb(qts, DR, 'i');
    qtest_writel(qts, IMSC, INT_TX);
    g_assert_true(qtest_get_irq(qts, SPI));
    g_assert_cmphex(qtest_readl(qts, MIS), ==, INT_TX);
    qtest_writel(qts, ICR, INT_TX);
    g_assert_false(qtest_get_irq(qts, SPI));
    QTEST_WAIT(qts, qtest_readl(qts, FR) & FR_TXFE);
    ret = qtest_qmp_ok(qts, "{'execute': 'ringbuf-read', 'arguments': "
                       "{'device': 'r', 'size': 10}}");
    g_assert_cmpstr(json_object_get_string(ret), ==, "hi");
    json_object_put(ret);
    qtest_quit(qts);
}

/* Eight of sixteen make an interrupt; one too many is lost and told. */
static void test_fifo_levels(void)
{
    QTest *qts = start_loopback(LCR_FEN);

    qtest_writel(qts, IMSC, INT_RX);
    for (int i = 0; i < 16; i++) {
        g_assert_cmpint(qtest_get_irq(qts, SPI), ==, i >= 8);
        qtest_writel(qts, DR, i);
    }
    g_assert_cmphex(qtest_readl(qts, FR) & FR_RXFF, ==, FR_RXFF);
    qtest_writel(qts, DR, 99);
    g_assert_cmphex(qtest_readl(qts, RIS) & INT_OE, ==, INT_OE);
    for (int i = 0; i < 16; i++) {
        g_assert_cmpint(qtest_readl(qts, DR) & 0xff, ==, i);
        g_assert_cmpint(qtest_get_irq(qts, SPI), ==, i < 8);
    }
    g_assert_cmphex(qtest_readl(qts, RSR), ==, 8);
    qtest_writel(qts, RSR, 0);
    g_assert_cmphex(qtest_readl(qts, RSR), ==, 0);
    g_assert_cmphex(qtest_readl(qts, FR) & FR_RXFE, ==, FR_RXFE);
    g_assert_cmphex(qtest_readl(qts, DR), ==, 0);
    qtest_quit(qts);
}

static void test_one_character(void)
{
    QTest *qts = start_loopback(0);

    qtest_writel(qts, IMSC, INT_RX);
    qtest_writel(qts, DR, 'x');
    g_assert_true(qtest_get_irq(qts, SPI));
    g_assert_cmphex(qtest_readl(qts, DR), ==, 'x');
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_quit(qts);
}

/* Fewer than the level are told of after a while. */
static void test_timeout(void)
{
    QTest *qts = start_loopback(LCR_FEN);

    qtest_writel(qts, IMSC, INT_RX | INT_RT);
    qtest_writel(qts, DR, 'x');
    qtest_clock_step(qts, 100000);
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_clock_step(qts, 1000000);
    g_assert_true(qtest_get_irq(qts, SPI));
    g_assert_cmphex(qtest_readl(qts, MIS), ==, INT_RT);
    g_assert_cmphex(qtest_readl(qts, DR), ==, 'x');
    g_assert_false(qtest_get_irq(qts, SPI));
    qtest_quit(qts);
}

/* Input waits until the receiver is on. */
static void test_receive(void)
{
    int pair[2];
    QTest *qts;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    qts = qtest_startf("-M virt -chardev socket,id=s,fd=%d -serial chardev:s",
                       pair[1]);
    close(pair[1]);
    g_assert_cmpint(write(pair[0], "ab", 2), ==, 2);
    g_assert_cmphex(qtest_readl(qts, FR) & FR_RXFE, ==, FR_RXFE);
    qtest_writel(qts, CR, CR_ON);
    QTEST_WAIT(qts, !(qtest_readl(qts, FR) & FR_RXFE));
    g_assert_cmphex(qtest_readl(qts, DR), ==, 'a');
    QTEST_WAIT(qts, !(qtest_readl(qts, FR) & FR_RXFE));
    g_assert_cmphex(qtest_readl(qts, DR), ==, 'b');
    qtest_quit(qts);
    close(pair[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pl011/absent", test_absent);
    g_test_add_func("/pl011/registers", test_registers);
    g_test_add_func("/pl011/transmit", test_transmit);
    g_test_add_func("/pl011/fifo-levels", test_fifo_levels);
    g_test_add_func("/pl011/one-character", test_one_character);
    g_test_add_func("/pl011/timeout", test_timeout);
    g_test_add_func("/pl011/receive", test_receive);
    return qtest_main();
}
