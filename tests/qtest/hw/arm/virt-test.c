/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virt machine of Arm before its first instruction: device tree, where
 * kernel and initrd are, and mistakes on the command line. */
#include "libqtest.h"
#include <glib/gstdio.h>
#include "util/bytes.h"

#define FDT_MAX     (2 * MiB)
#define FDT_MAGIC   0xd00dfeed
#define KERNEL_GPA  (QTEST_RAM_BASE + 2 * MiB)
#define IMAGE_MAGIC 0x644d5241

static char *write_tmp(const void *data, size_t len)
{
    char *path = NULL;
    int fd = g_file_open_tmp("nemu-test-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, len), ==, len);
    close(fd);
    return path;
}

static char *kernel_path(void)
{
    uint8_t image[4096] = { 0 };

    put_le64(image + 16, 3 * MiB);
    put_le32(image + 56, IMAGE_MAGIC);
    image[100] = 0x5a;
    return write_tmp(image, sizeof(image));
}

/* The tree as source text; NULL: there is no dtc. */
static char *read_tree(QTest *qts)
{
    g_autofree uint8_t *fdt = g_malloc(FDT_MAX);
    g_autofree char *path = NULL, *err = NULL;
    const char *argv[] = { "dtc", "-I", "dtb", "-O", "dts", NULL, NULL };
    char *text = NULL;
    int status;

    qtest_memread(qts, QTEST_RAM_BASE, fdt, FDT_MAX);
    g_assert_cmphex(get_be32(fdt), ==, FDT_MAGIC);
    g_assert_cmpuint(get_be32(fdt + 4), <=, FDT_MAX);
    path = write_tmp(fdt, get_be32(fdt + 4));
    argv[5] = path;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                      NULL, &text, &err, &status, NULL)) {
        g_test_skip("dtc does not start");
    } else {
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpstr(err, ==, "");
    }
    g_unlink(path);
    return text;
}

static void assert_tree_has(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        g_error("the device tree has no '%s'", part);
    }
}

static void test_tree(void)
{
    g_autofree char *path = kernel_path();
    QTest *qts = qtest_startf("-M virt -kernel %s -append 'a=b c' -smp "
                              "4,sockets=2,clusters=1,cores=2 -serial null",
                              path);
    g_autofree char *text = read_tree(qts);

    if (text) {
        assert_tree_has(text, "compatible = \"linux,dummy-virt\"");
        assert_tree_has(text, "reg = <0x00 0x40000000 0x00 0x8000000>");
        assert_tree_has(text, "cpu@3 {");
        assert_tree_has(text, "socket1 {");
        assert_tree_has(text, "compatible = \"arm,gic-v3\"");
        assert_tree_has(text, "its@8080000 {");
        assert_tree_has(text, "bus-range = <0x00 0xff>");
        assert_tree_has(text, "bootargs = \"a=b c\"");
        assert_tree_has(text, "stdout-path = \"/pl011@9000000\"");
        assert_tree_has(text, "rng-seed");
        assert_tree_has(text, "kaslr-seed");
        g_assert_null(strstr(text, "linux,initrd-start"));
        g_assert_null(strstr(text, "pmu {"));
    }
    qtest_quit(qts);
    g_unlink(path);
}

static void test_tree_gicv2(void)
{
    QTest *qts = qtest_start("-M virt,gic-version=2,highmem-ecam=off,"
                             "dtb-randomness=off");
    g_autofree char *text = read_tree(qts);

    if (text) {
        assert_tree_has(text, "compatible = \"arm,cortex-a15-gic\"");
        assert_tree_has(text, "bus-range = <0x00 0x0f>");
        assert_tree_has(text, "reg = <0x00 0x3f000000 0x00 0x1000000>");
        g_assert_null(strstr(text, "its@"));
        g_assert_null(strstr(text, "-seed"));
        g_assert_null(strstr(text, "pl011"));
        g_assert_null(strstr(text, "bootargs"));
    }
    qtest_quit(qts);
}

/* A second region of redistributors above RAM, and all CPUs in the tree. */
static void test_tree_many_cpus(void)
{
    QTest *qts = qtest_start("-M virt -smp 200");
    g_autofree char *text = read_tree(qts);

    if (text) {
        assert_tree_has(text, "#redistributor-regions = <0x02>");
        assert_tree_has(text, "cpu@c07 {");
    }
    qtest_quit(qts);
}

static void test_tree_numa(void)
{
    QTest *qts = qtest_start("-M virt -m 256M -smp 2 "
                             "-object memory-backend-ram,id=m0,size=96M "
                             "-object memory-backend-ram,id=m1,size=160M "
                             "-numa node,cpus=0,memdev=m0 "
                             "-numa node,cpus=1,memdev=m1 "
                             "-numa dist,src=1,dst=0,val=30");
    g_autofree char *text = read_tree(qts);

    if (text) {
        assert_tree_has(text, "memory@46000000 {");
        assert_tree_has(text, "reg = <0x00 0x46000000 0x00 0xa000000>;\n"
                        "\t\tnuma-node-id = <0x01>;");
        assert_tree_has(text, "reg = <0x01>;\n\t\t\tnuma-node-id = <0x01>;");
        assert_tree_has(text, "compatible = \"numa-distance-map-v1\"");
        assert_tree_has(text, "distance-matrix = <0x00 0x00 0x0a 0x00 0x01 "
                        "0x1e 0x01 0x00 0x1e 0x01 0x01 0x0a>");
    }
    qtest_quit(qts);
}

/* Kernel and initrd in memory, again after a reset. */
static void test_load(void)
{
    g_autofree char *kernel = kernel_path();
    g_autofree char *initrd = write_tmp("initrd!", 7);
    QTest *qts = qtest_startf("-M virt -kernel %s -initrd %s", kernel, initrd);
    uint64_t initrd_gpa = KERNEL_GPA + 4 * MiB;
    char buf[8] = { 0 };
    g_autofree char *text = read_tree(qts);

    g_assert_cmphex(qtest_readl(qts, KERNEL_GPA + 56), ==, IMAGE_MAGIC);
    g_assert_cmphex(qtest_readb(qts, KERNEL_GPA + 100), ==, 0x5a);
    qtest_memread(qts, initrd_gpa, buf, 7);
    g_assert_cmpstr(buf, ==, "initrd!");
    if (text) {
        assert_tree_has(text, "linux,initrd-start = <0x00 0x40600000>");
        assert_tree_has(text, "linux,initrd-end = <0x00 0x40600007>");
    }
    qtest_memset(qts, QTEST_RAM_BASE, 0xff, 8 * MiB);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    QTEST_WAIT(qts, qtest_readb(qts, KERNEL_GPA + 100) == 0x5a);
    g_assert_cmphex(qtest_readl(qts, KERNEL_GPA + 4096), ==, 0);
    qtest_memread(qts, initrd_gpa, buf, 7);
    g_assert_cmpstr(buf, ==, "initrd!");
    qtest_quit(qts);
    g_unlink(kernel);
    g_unlink(initrd);
}

/* The user's tree, with what the loader has to say; again after a reset. */
static void test_dtb(void)
{
    QTest *qts = qtest_start("-M virt,dtb-randomness=off");
    g_autofree uint8_t *fdt = g_malloc(FDT_MAX);
    g_autofree char *kernel = kernel_path(), *path = NULL, *text = NULL;

    qtest_memread(qts, QTEST_RAM_BASE, fdt, FDT_MAX);
    qtest_quit(qts);
    path = write_tmp(fdt, get_be32(fdt + 4));
    qts = qtest_startf("-M virt,gic-version=2,dtb=%s -kernel %s "
                       "-append hello",
                       path, kernel);
    text = read_tree(qts);
    if (text) {
        assert_tree_has(text, "compatible = \"arm,gic-v3\"");
        assert_tree_has(text, "bootargs = \"hello\"");
    }
    qtest_quit(qts);
    g_unlink(path);
    g_unlink(kernel);
}

#define FW_CFG_DATA     0x09020000
#define FW_CFG_SELECT   (FW_CFG_DATA + 8)
#define KERNEL_SIZE     0x08
#define INITRD_SIZE     0x0b
#define KERNEL_DATA     0x11
#define INITRD_DATA     0x12
#define CMDLINE_SIZE    0x14
#define CMDLINE_DATA    0x15

static void read_item(QTest *qts, uint16_t key, void *buf, size_t len)
{
    qtest_writew(qts, FW_CFG_SELECT, GUINT16_TO_BE(key));
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = qtest_readb(qts, FW_CFG_DATA);
    }
}

static uint32_t read_number(QTest *qts, uint16_t key)
{
    uint32_t val;

    read_item(qts, key, &val, sizeof(val));
    return GUINT32_FROM_LE(val);
}

/* With firmware the kernel goes by fw_cfg, not into memory; the device tree is
 * there. */
static void test_firmware(void)
{
    g_autofree char *bios = write_tmp("firmware", 9);
    g_autofree char *kernel = kernel_path();
    g_autofree char *initrd = write_tmp("initrd!", 7), *text = NULL;
    QTest *qts = qtest_startf("-M virt -bios %s -kernel %s -initrd %s "
                              "-append 'a b'", bios, kernel, initrd);
    char buf[9];

    qtest_memread(qts, 0, buf, 9);
    g_assert_cmpstr(buf, ==, "firmware");
    g_assert_cmphex(qtest_readl(qts, KERNEL_GPA + 56), ==, 0);
    g_assert_cmpuint(read_number(qts, KERNEL_SIZE), ==, 4096);
    g_assert_cmpuint(read_number(qts, INITRD_SIZE), ==, 7);
    g_assert_cmpuint(read_number(qts, CMDLINE_SIZE), ==, 4);
    read_item(qts, INITRD_DATA, buf, 8);
    g_assert_cmpmem(buf, 8, "initrd!", 8);
    read_item(qts, CMDLINE_DATA, buf, 4);
    g_assert_cmpstr(buf, ==, "a b");
    read_item(qts, KERNEL_DATA, buf, 8);
    g_assert_cmpmem(buf, 8, "\0\0\0\0\0\0\0\0", 8);
    text = read_tree(qts);
    if (text) {
        assert_tree_has(text, "flash@0 {");
        assert_tree_has(text, "reg = <0x00 0x00 0x00 0x4000000 0x00 0x4000000 "
                        "0x00 0x4000000>");
        g_assert_null(strstr(text, "linux,initrd-start"));
    }
    qtest_quit(qts);
    g_unlink(bios);
    g_unlink(kernel);
    g_unlink(initrd);
}

/* What firmware starts need not be an Image. */
static void test_firmware_any_kernel(void)
{
    g_autofree char *bios = write_tmp("firmware", 9);
    g_autofree char *kernel = g_strdup("/bin/sh");
    QTest *qts = qtest_startf("-M virt -bios %s -kernel %s", bios, kernel);

    g_assert_cmpuint(read_number(qts, KERNEL_SIZE), >, 4096);
    g_assert_cmpuint(read_number(qts, CMDLINE_SIZE), ==, 1);
    qtest_quit(qts);
    g_unlink(bios);
}

static void test_mistakes(void)
{
    static const struct { const char *args, *error; } bad[] = {
        { "-M virt,gic-version=4", "'4'" },
        { "-M virt,gic-version=2 -smp 9", "gic-version=2" },
        { "-M virt,secure=on", "secure=on" },
        { "-M virt,virtualization=on", "virtualization=on" },
        { "-M virt,mte=on", "mte=on" },
        { "-M virt,ras=on", "ras=on" },
        { "-M virt,usb=on", "usb=on" },
        { "-M virt,iommu=smmuv3", "'smmuv3'" },
        { "-M virt,highmem=off -m 4G", "0x140000000" },
        { "-M virt,highmem=off -smp 200", "200 CPUs" },
        { "-M virt -initrd /nonexistent", "-initrd" },
        { "-M virt -append x", "-append" },
        { "-M virt -kernel /nonexistent", "/nonexistent" },
        { "-M virt -kernel /dev/null", "/dev/null" },
        { "-M virt -cpu cortex-a57", "'cortex-a57'" },
        { "-M virt -cpu max,sve=on", "'sve'" },
        { "-M virt -smp 600", "600" },
        { "-M virt,dtb=/bin/sh", "/bin/sh" },
        { "-M virt,dtb=/nonexistent", "/nonexistent" },
        { "-M virt -bios /nonexistent", "/nonexistent" },
        { "-M virt -serial null -serial null", "one serial port" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *err = NULL;
        g_autofree char *line = g_strdup_printf(
            "-accel qtest -nodefaults -display none %s", bad[i].args);

        g_assert_cmpint(qtest_run(line, NULL, &err), ==, 1);
        if (!strstr(err, bad[i].error)) {
            g_error("%s: '%s' has no '%s'", bad[i].args, err, bad[i].error);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/virt/tree/gicv3", test_tree);
    g_test_add_func("/arm/virt/tree/gicv2", test_tree_gicv2);
    g_test_add_func("/arm/virt/tree/many-cpus", test_tree_many_cpus);
    g_test_add_func("/arm/virt/tree/numa", test_tree_numa);
    g_test_add_func("/arm/virt/load", test_load);
    g_test_add_func("/arm/virt/dtb", test_dtb);
    g_test_add_func("/arm/virt/firmware", test_firmware);
    g_test_add_func("/arm/virt/firmware/any-kernel", test_firmware_any_kernel);
    g_test_add_func("/arm/virt/mistakes", test_mistakes);
    return qtest_main();
}
