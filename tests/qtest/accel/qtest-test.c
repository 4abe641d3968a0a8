/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The qtest protocol itself. */
#include "libqtest.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static void test_memory(void)
{
    QTest *qts = qtest_start("-M virt -m 32");
    uint64_t addr = QTEST_RAM_BASE + 0x200000;
    g_autofree uint8_t *out = g_malloc(100000), *in = g_malloc(100000);

    qtest_writeb(qts, addr, 0x12);
    qtest_writew(qts, addr + 2, 0x3456);
    qtest_writel(qts, addr + 4, 0x789abcde);
    qtest_writeq(qts, addr + 8, 0x0123456789abcdefull);
    g_assert_cmphex(qtest_readb(qts, addr), ==, 0x12);
    g_assert_cmphex(qtest_readw(qts, addr + 2), ==, 0x3456);
    g_assert_cmphex(qtest_readl(qts, addr + 4), ==, 0x789abcde);
    g_assert_cmphex(qtest_readq(qts, addr), ==, 0x789abcde34560012ull);
    g_assert_cmphex(qtest_readb(qts, addr + 8), ==, 0xef);

    for (int i = 0; i < 100000; i++) {
        out[i] = i * 7;
    }
    qtest_memwrite(qts, addr, out, 100000);
    qtest_memread(qts, addr, in, 100000);
    g_assert_cmpmem(in, 100000, out, 100000);
    qtest_memset(qts, addr + 1, 0x5a, 3);
    g_assert_cmphex(qtest_readl(qts, addr), ==, 0x5a5a5a00);
    qtest_quit(qts);
}

static void test_nothing_there(void)
{
    QTest *qts = qtest_start("-M none");

    g_assert_cmphex(qtest_readl(qts, 0x1000), ==, UINT32_MAX);
    qtest_writel(qts, 0x1000, 1);
    g_assert_cmphex(qtest_inw(qts, 0x1234), ==, UINT16_MAX);
    qtest_quit(qts);
}

static void test_clock(void)
{
    QTest *qts = qtest_start("-M none");

    g_assert_cmpint(qtest_clock_step(qts, 1000), ==, 1000);
    g_assert_cmpint(qtest_clock_set(qts, 5000), ==, 5000);
    g_assert_cmpint(qtest_clock_step_next(qts), >=, 5000);
    qtest_quit(qts);
}

static void talk(int fd, const char *cmd, const char *expect)
{
    char buf[256];
    ssize_t n;

    g_assert_cmpint(write(fd, cmd, strlen(cmd)), ==, strlen(cmd));
    n = read(fd, buf, sizeof(buf) - 1);
    g_assert_cmpint(n, >, 0);
    buf[n] = 0;
    g_assert_cmpstr(buf, ==, expect);
}

/* A foreign client: the program listens, lines as they are on the wire. */
static void test_wire(void)
{
    g_autofree char *dir = g_dir_make_tmp("qtest-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    QTest *qts = qtest_startf("-M none");
    g_autofree char *args = g_strdup_printf(
        "'%s' -M none -nodefaults -display none -accel qtest "
        "-qtest unix:%s,server=on,wait=off", g_getenv("NEMU_BINARY"), path);
    g_auto(GStrv) argv = NULL;
    int fd, pid, status;
    int64_t end = qtest_deadline_us();

    qtest_quit(qts);
    g_assert_true(g_shell_parse_argv(args, NULL, &argv, NULL));
    g_assert_true(g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                NULL, NULL, &pid, NULL));
    strcpy(sun.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    while (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(10000);
    }
    talk(fd, "endianness\n", "OK little\n");
    talk(fd, "readl 0x10\n", "OK 0x00000000ffffffff\n");
    talk(fd, "inb 16\n", "OK 0x00ff\n");
    talk(fd, "read 0x10 4\n", "OK 0xffffffff\n");
    talk(fd, "write 0x10 4 0x01020304\n", "OK\n");
    talk(fd, "write 0x10 4 0x0102zz\n",
         "FAIL the data is not hexadecimal\n");
    talk(fd, "b64read 0 3\n", "OK ////\n");
    talk(fd, "b64write 0 4 AAAA\n", "FAIL the data has 3 bytes\n");
    talk(fd, "memset 0 0x7fffffffffff 1\n",
         "FAIL size 0x7fffffffffff is too large\n");
    talk(fd, "readl\n", "FAIL wrong number of arguments for 'readl'\n");
    talk(fd, "readl x\n", "FAIL 'x' is not a number\n");
    talk(fd, "frobnicate 1\n", "FAIL Unknown command 'frobnicate'\n");
    talk(fd, "irq_intercept_in /nowhere\n", "FAIL Unknown device\n");
    talk(fd, "clock_set 7\n", "OK 7\n");
    talk(fd, "clock_set 6\n", "FAIL the clock does not go back\n");
    close(fd);
    kill(pid, SIGTERM);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    unlink(path);
    rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accel/qtest/nothing-there", test_nothing_there);
    g_test_add_func("/accel/qtest/clock", test_clock);
    g_test_add_func("/accel/qtest/wire", test_wire);
    g_test_add_func("/accel/qtest/memory", test_memory);
    return qtest_main();
}
