/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flash of the arm virt machine: its commands, and how they reach the drive. */
#include "libqtest.h"
#include <json-c/json.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <glib/gstdio.h>
#include "util/bytes.h"

#define BANK0       0x00000000u
#define BANK1       0x04000000u
#define BANK_BYTES  (64 * MiB)
#define SECTOR      (256 * KiB)
#define BUFFER      4096u

/* A command for both chips. */
#define BOTH(x)     ((x) * 0x00010001u)
#define READY       0x80u
#define ERASE_FAIL  0x20u
#define PROG_FAIL   0x10u
#define LOCKED      0x02u

enum { ARRAY = 0xff, STATUS = 0x70, CLEAR = 0x50, PROGRAM = 0x40,
       BUFFERED = 0xe8, ERASE = 0x20, CONFIRM = 0xd0, LOCK = 0x60, ID = 0x90,
       QUERY = 0x98 };

static void command(QTest *qts, uint32_t addr, uint32_t cmd)
{
    qtest_writel(qts, addr, BOTH(cmd));
}

static bool is_ready(QTest *qts, uint32_t bank)
{
    return (qtest_readl(qts, bank) & READY) != 0;
}

/* Status without the ready bit, of both chips alike; clears it. */
static uint32_t wait_status(QTest *qts, uint32_t bank)
{
    uint32_t val;

    QTEST_WAIT(qts, is_ready(qts, bank));
    val = qtest_readl(qts, bank);
    g_assert_cmphex(val >> 16, ==, val & 0xffff);
    command(qts, bank, CLEAR);
    return (val & 0xffff) ^ READY;
}

static uint32_t erase(QTest *qts, uint32_t addr)
{
    command(qts, addr, ERASE);
    command(qts, addr, CONFIRM);
    return wait_status(qts, addr);
}

static uint32_t program(QTest *qts, uint32_t addr, uint32_t val)
{
    command(qts, addr, PROGRAM);
    qtest_writel(qts, addr, val);
    return wait_status(qts, addr);
}

static uint32_t read_array(QTest *qts, uint32_t addr)
{
    command(qts, addr & ~(SECTOR - 1), ARRAY);
    return qtest_readl(qts, addr);
}

/* ---- Questions ---- */

static void test_query(void)
{
    static const struct { uint32_t word; uint8_t val; } rows[] = {
        { 0x10, 'Q' }, { 0x11, 'R' }, { 0x12, 'Y' }, { 0x13, 1 }, { 0x14, 0 },
        { 0x15, 0x31 }, { 0x27, 25 }, { 0x28, 1 }, { 0x2a, 11 }, { 0x2c, 1 },
        { 0x2d, 0xff }, { 0x2e, 0 }, { 0x2f, 0 }, { 0x30, 2 }, { 0x31, 'P' },
        { 0x40, 0 },
    };
    QTest *qts = qtest_start("-M virt");

    command(qts, BANK1 + 0x55 * 4, QUERY);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmphex(qtest_readl(qts, BANK1 + rows[i].word * 4), ==,
                        BOTH(rows[i].val));
    }
    g_assert_cmphex(qtest_readw(qts, BANK1 + 0x10 * 4 + 2), ==, 'Q');
    g_assert_cmphex(qtest_readb(qts, BANK1 + 0x10 * 4 + 2), ==, 'Q');
    g_assert_cmphex(qtest_readb(qts, BANK1 + 0x10 * 4 + 1), ==, 0);
    g_assert_cmphex(qtest_readq(qts, BANK1 + 0x10 * 4), ==,
                    0x0052005200510051ull);
    command(qts, BANK1, ID);
    g_assert_cmphex(qtest_readl(qts, BANK1), ==, BOTH(0x89));
    g_assert_cmphex(qtest_readl(qts, BANK1 + 4), ==, BOTH(0x18));
    g_assert_cmphex(qtest_readl(qts, BANK1 + SECTOR + 8), ==, 0);
    /* the other bank is another one */
    g_assert_cmphex(qtest_readl(qts, BANK0), ==, 0);
    command(qts, BANK1, ARRAY);
    g_assert_cmphex(qtest_readl(qts, BANK1 + 0x10 * 4), ==, 0);
    qtest_quit(qts);
}

/* ---- Changes ---- */

static void test_program(void)
{
    QTest *qts = qtest_start("-M virt");
    uint32_t at = BANK1 + SECTOR + 64;

    g_assert_cmphex(program(qts, at, 0x12345678), ==, 0);
    g_assert_cmphex(read_array(qts, at), ==, 0);        /* zeros stay */
    g_assert_cmphex(erase(qts, at), ==, 0);
    g_assert_cmphex(read_array(qts, at), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readl(qts, BANK1 + 2 * SECTOR - 4), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readl(qts, BANK1 + 2 * SECTOR), ==, 0);
    g_assert_cmphex(qtest_readl(qts, BANK1 + SECTOR - 4), ==, 0);
    g_assert_cmphex(program(qts, at, 0xff00ff0f), ==, 0);
    g_assert_cmphex(program(qts, at, 0x0ff0ffff), ==, 0);
    g_assert_cmphex(read_array(qts, at), ==, 0x0f00ff0f);
    /* 8 and 16 bits */
    command(qts, at, PROGRAM);
    qtest_writeb(qts, at + 5, 0x5a);
    g_assert_cmphex(wait_status(qts, at), ==, 0);
    qtest_writew(qts, at, PROGRAM);
    qtest_writew(qts, at + 8, 0x1234);
    g_assert_cmphex(wait_status(qts, at), ==, 0);
    g_assert_cmphex(read_array(qts, at + 4), ==, 0xffff5aff);
    g_assert_cmphex(read_array(qts, at + 8), ==, 0xffff1234);
    qtest_quit(qts);
}

static void fill_buffer(QTest *qts, uint32_t at, unsigned words)
{
    command(qts, at, BUFFERED);
    g_assert_cmphex(qtest_readl(qts, at), ==, BOTH(READY));
    command(qts, at, words - 1);
    for (unsigned i = 0; i < words; i++) {
        qtest_writel(qts, at + 4 * i, 0x1000 + i);
    }
}

static void test_buffer(void)
{
    QTest *qts = qtest_start("-M virt");
    uint32_t at = BANK1 + 2 * SECTOR - BUFFER;

    erase(qts, at);
    fill_buffer(qts, at, BUFFER / 4);
    g_assert_cmphex(qtest_readl(qts, at), ==, BOTH(READY));
    command(qts, at, CONFIRM);
    g_assert_cmphex(wait_status(qts, at), ==, 0);
    for (unsigned i = 0; i < BUFFER / 4; i += 100) {
        g_assert_cmphex(read_array(qts, at + 4 * i), ==, 0x1000 + i);
    }
    qtest_quit(qts);
}

/* Commands that go wrong change nothing and say so; the next one is taken. */
static void test_bad_sequences(void)
{
    QTest *qts = qtest_start("-M virt");
    uint32_t at = BANK1 + 2 * SECTOR - 8;
    uint32_t bad = ERASE_FAIL | PROG_FAIL;

    command(qts, at, ERASE);
    command(qts, at, ARRAY);
    g_assert_cmphex(wait_status(qts, at), ==, bad);
    command(qts, at, LOCK);
    command(qts, at, 0x77);
    g_assert_cmphex(wait_status(qts, at), ==, bad);
    command(qts, at, BUFFERED);
    command(qts, at, BUFFER / 4);               /* one too many */
    g_assert_cmphex(wait_status(qts, at), ==, bad);
    erase(qts, at);
    fill_buffer(qts, at, 2);
    command(qts, at, ARRAY);
    g_assert_cmphex(wait_status(qts, at), ==, bad);
    command(qts, at, BUFFERED);
    command(qts, at, 2);
    qtest_writel(qts, at, 0);                   /* beyond the sector's end */
    g_assert_cmphex(wait_status(qts, at), ==, bad);
    command(qts, at, BUFFERED);
    command(qts, at, 1);
    qtest_writel(qts, at, 0);
    qtest_writel(qts, at - 4, 0);               /* before the start */
    g_assert_cmphex(wait_status(qts, at), ==, bad);
    g_assert_cmphex(read_array(qts, at), ==, UINT32_MAX);
    command(qts, at, LOCK);
    command(qts, at, CONFIRM);
    g_assert_cmphex(wait_status(qts, at), ==, 0);
    command(qts, at, 0x33);                     /* no command */
    g_assert_cmphex(qtest_readl(qts, at), ==, UINT32_MAX);
    qtest_quit(qts);
}

static void test_reset(void)
{
    QTest *qts = qtest_start("-M virt");

    erase(qts, BANK1);
    command(qts, BANK1, BUFFERED);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    QTEST_WAIT(qts, qtest_readl(qts, BANK1) == UINT32_MAX);
    command(qts, BANK1, STATUS);                /* a command, not a count */
    g_assert_cmphex(qtest_readl(qts, BANK1), ==, BOTH(READY));
    qtest_quit(qts);
}

/* ---- Drives ---- */

static char *make_image(off_t bytes)
{
    char *path = NULL;
    int fd = g_file_open_tmp("pflash-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, "first", 5, 0), ==, 5);
    g_assert_cmpint(ftruncate(fd, bytes), ==, 0);
    close(fd);
    return path;
}

static uint32_t image_word(const char *path, off_t at)
{
    uint8_t buf[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    g_assert_cmpint(pread(fd, buf, 4, at), ==, 4);
    close(fd);
    return get_le32(buf);
}

/* What the guest was told is done is in the file, and there at the next start,
 * by another way to name it. */
static void test_drive(void)
{
    g_autofree char *path = make_image(BANK_BYTES);
    QTest *qts = qtest_startf("-M virt -drive if=pflash,unit=1,format=raw,"
                              "file=%s", path);
    uint32_t at = BANK1 + 5 * SECTOR + 4;
    struct json_object *resp;

    g_assert_cmphex(qtest_readl(qts, BANK1), ==, 0x73726966);
    g_assert_cmphex(erase(qts, at), ==, 0);
    g_assert_cmphex(image_word(path, 5 * SECTOR), ==, UINT32_MAX);
    g_assert_cmphex(image_word(path, 6 * SECTOR), ==, 0);
    g_assert_cmphex(program(qts, at, 0xcafe), ==, 0);
    g_assert_cmphex(image_word(path, 5 * SECTOR + 4), ==, 0xcafe);
    resp = qtest_qmp_ok(qts, "{'execute': 'query-blockstats'}");
    g_assert_cmpint(qjson_int(json_object_array_get_idx(resp, 0),
                              "stats.wr_operations"), ==, 2);
    json_object_put(resp);
    resp = qtest_qmp_ok(qts, "{'execute': 'qom-get', 'arguments': {'path': "
                        "'/machine/virt.flash1', 'property': 'drive'}}");
    g_assert_cmpstr(json_object_get_string(resp), ==, "pflash0");
    json_object_put(resp);
    qtest_quit(qts);

    qts = qtest_startf("-blockdev driver=raw,node-name=vars,file.driver=file,"
                       "file.filename=%s -machine virt,pflash1=vars", path);
    g_assert_cmphex(qtest_readl(qts, at), ==, 0xcafe);
    qtest_quit(qts);
    g_unlink(path);
}

/* A guest that does not look at the status loses nothing when it goes. */
static void test_impatient(void)
{
    g_autofree char *path = make_image(BANK_BYTES);
    QTest *qts = qtest_startf("-M virt -drive if=pflash,format=raw,unit=1,"
                              "file=%s", path);

    for (unsigned i = 0; i < 8; i++) {
        command(qts, BANK1 + 2 * i * SECTOR, ERASE);
        command(qts, BANK1 + 2 * i * SECTOR, CONFIRM);
    }
    qtest_quit(qts);
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmphex(image_word(path, 2 * i * SECTOR), ==, UINT32_MAX);
        g_assert_cmphex(image_word(path, (2 * i + 1) * SECTOR), ==, 0);
    }
    g_unlink(path);
}

static void test_readonly(void)
{
    g_autofree char *path = make_image(BANK_BYTES);
    QTest *qts = qtest_startf("-M virt -drive if=pflash,format=raw,"
                              "readonly=on,file=%s", path);

    g_assert_cmphex(erase(qts, BANK0), ==, ERASE_FAIL | LOCKED);
    g_assert_cmphex(program(qts, BANK0, 0), ==, PROG_FAIL | LOCKED);
    g_assert_cmphex(read_array(qts, BANK0), ==, 0x73726966);
    qtest_quit(qts);
    g_unlink(path);
}

/* Writes beyond the first MiB of a file fail from here on, in children. */
static void limit_files(pid_t pid, uint64_t bytes)
{
    struct rlimit lim;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &lim);
    lim.rlim_cur = bytes;
    g_assert_cmpint(prlimit(pid, RLIMIT_FSIZE, &lim, NULL), ==, 0);
}

static void test_write_error(void)
{
    g_autofree char *path = make_image(BANK_BYTES);
    QTest *qts = qtest_startf("-M virt -drive if=pflash,format=raw,unit=1,"
                              "werror=report,file=%s", path);

    limit_files(qtest_pid(qts), 1 * MiB);
    g_assert_cmphex(erase(qts, BANK1 + 8 * SECTOR), ==, ERASE_FAIL);
    g_assert_cmphex(program(qts, BANK1 + 9 * SECTOR, 0), ==, PROG_FAIL);
    g_assert_cmphex(erase(qts, BANK1), ==, 0);
    json_object_put(qtest_qmp_event(qts, "BLOCK_IO_ERROR"));
    qtest_quit(qts);
    g_unlink(path);
}

/* The chip is busy until the VM goes on and the write succeeds. */
static void test_write_error_stop(void)
{
    g_autofree char *path = make_image(BANK_BYTES);
    QTest *qts = qtest_startf("-M virt -drive if=pflash,format=raw,unit=1,"
                              "werror=stop,file=%s", path);
    uint32_t at = BANK1 + 8 * SECTOR;

    limit_files(qtest_pid(qts), 1 * MiB);
    command(qts, at, ERASE);
    command(qts, at, CONFIRM);
    json_object_put(qtest_qmp_event(qts, "STOP"));
    g_assert_false(is_ready(qts, at));
    limit_files(qtest_pid(qts), RLIM_INFINITY);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'cont'}"));
    g_assert_cmphex(wait_status(qts, at), ==, 0);
    g_assert_cmphex(image_word(path, 8 * SECTOR), ==, UINT32_MAX);
    qtest_quit(qts);
    g_unlink(path);
}

static void test_mistakes(void)
{
    g_autofree char *small = make_image(2 * MiB);
    g_autofree char *large = make_image(BANK_BYTES + 512);
    g_autofree char *right = make_image(BANK_BYTES);
    const struct { const char *args, *file, *errors[3]; } bad[] = {
        { "-M virt -drive if=pflash,format=raw,file=", small,
          { "67108864", "2097152", "truncate -s 67108864" } },
        { "-M virt -pflash ", large, { "67108864", "67109376", "size" } },
        { "-M virt,pflash0=nix -blockdev driver=file,node-name=x,filename=",
          right, { "'nix'" } },
        { "-M virt -drive if=pflash,unit=2,format=raw,file=", right,
          { "unit=2", "-bios" } },
        { "-M none -drive if=pflash,format=raw,file=", right, { "unit=0" } },
        { "-M virt -drive if=pflash,unit=9,format=raw,file=", right, { "9" } },
        { "-M virt -drive if=pflash,unit=0,index=1,format=raw,file=", right,
          { "index=1", "unit=0" } },
        { "-M virt,pflash0=x -blockdev driver=null-co,node-name=x,size=67108864"
          " -drive if=pflash,format=raw,readonly=on,file=", right,
          { "'x'", "'pflash0'" } },
        { "-M virt -bios /bin/sh -drive if=pflash,format=raw,file=", right,
          { "'/bin/sh'", "-bios" } },
        { "-M virt -bios ", large, { "67109376", "67108864" } },
        { "-M virt -global driver=cfi.pflash01,property=secure,value=on "
          "-bios ", small,
          { "secure" } },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *err = NULL;
        g_autofree char *line = g_strdup_printf(
            "-accel qtest -nodefaults -display none %s%s", bad[i].args,
            bad[i].file);

        g_assert_cmpint(qtest_run(line, NULL, &err), ==, 1);
        for (int k = 0; k < 3 && bad[i].errors[k]; k++) {
            if (!strstr(err, bad[i].errors[k])) {
                g_error("%s: '%s' has no '%s'", line, err, bad[i].errors[k]);
            }
        }
    }
    g_unlink(small);
    g_unlink(large);
    g_unlink(right);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pflash/query", test_query);
    g_test_add_func("/pflash/program", test_program);
    g_test_add_func("/pflash/buffer", test_buffer);
    g_test_add_func("/pflash/bad-sequences", test_bad_sequences);
    g_test_add_func("/pflash/reset", test_reset);
    g_test_add_func("/pflash/drive", test_drive);
    g_test_add_func("/pflash/drive/impatient", test_impatient);
    g_test_add_func("/pflash/drive/readonly", test_readonly);
    g_test_add_func("/pflash/drive/error", test_write_error);
    g_test_add_func("/pflash/drive/error-stop", test_write_error_stop);
    g_test_add_func("/pflash/mistakes", test_mistakes);
    return qtest_main();
}
