/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa-debugcon: bytes to the stream, presence on reading. */
#include "libqtest.h"

static void test_debugcon(void)
{
    QTest *qts = qtest_start("-M virt -chardev ringbuf,id=r,size=64 "
                             "-device isa-debugcon,chardev=r");
    struct json_object *ret;

    g_assert_cmphex(qtest_inb(qts, 0xe9), ==, 0xe9);
    qtest_outb(qts, 0xe9, 'o');
    qtest_outb(qts, 0xe9, 'k');
    ret = qtest_qmp_ok(qts, "{'execute': 'ringbuf-read', 'arguments': "
                       "{'device': 'r', 'size': 10}}");
    g_assert_cmpstr(json_object_get_string(ret), ==, "ok");
    json_object_put(ret);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/debugcon/write", test_debugcon);
    return qtest_main();
}
