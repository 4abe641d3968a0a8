/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa-debug-exit: the written value becomes the exit status. */
#include "libqtest.h"

static void test_exit_default(void)
{
    QTest *qts = qtest_start("-M virt -device isa-debug-exit");

    qtest_outb(qts, 0x501, 0x15);
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0x2b);
}

static void test_exit_placed(void)
{
    QTest *qts = qtest_start("-M virt -device isa-debug-exit,iobase=0xf4,"
                             "iosize=4");

    qtest_outb(qts, 0x501, 1);
    qtest_outl(qts, 0xf4, 0);
    g_assert_cmpint(qtest_wait_exit(qts), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/debug-exit/default", test_exit_default);
    g_test_add_func("/debug-exit/placed", test_exit_placed);
    return qtest_main();
}
