/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bootindex and -boot, as firmware reads them. The paths are QEMU's. */
#include "qtest-fw_cfg.h"

#ifdef TARGET_AARCH64
#define ROOT "/pci@ffffffffffffffff"
#else
#define ROOT "/pci@i0cf8"
#endif

static void assert_file(QTest *qts, const char *name, const void *data,
                        size_t len)
{
    GByteArray *file = qtest_fw_cfg_file(qts, name);

    g_assert_nonnull(file);
    g_assert_cmpmem(file->data, file->len, data, len);
    g_byte_array_unref(file);
}

static void assert_order(QTest *qts, const char *order)
{
    assert_file(qts, "bootorder", order, *order ? strlen(order) + 1 : 0);
}

/* By index, whatever the order of the command line. */
static void test_order(void)
{
    QTest *qts = qtest_start(
        "-M virt -blockdev null-co,node-name=n0 -blockdev null-co,node-name=n1 "
        "-device virtio-blk-pci,drive=n0,bootindex=7,addr=5.1 "
        "-device virtio-net-pci,bootindex=0,addr=4 "
        "-device virtio-net-pci,bootindex=-3,addr=0x11 "
        "-device pcie-root-port,id=rp,chassis=1,addr=0x1e "
        "-device virtio-blk-pci,bus=rp,drive=n1,bootindex=2");

    assert_order(qts, ROOT "/ethernet@4/ethernet-phy@0\n"
                 ROOT "/pci-bridge@1e/scsi@0/disk@0,0\n"
                 ROOT "/scsi@5,1/disk@0,0");
    g_assert_null(qtest_fw_cfg_file(qts, "etc/boot-menu-wait"));
    assert_file(qts, "etc/boot-fail-wait", "\xff\xff\xff\xff", 4);
    qtest_quit(qts);
}

static void test_strict(void)
{
    QTest *qts = qtest_start("-M virt -blockdev null-co,node-name=n0 -boot "
                             "strict=on,menu=on,splash-time=300,"
                             "reboot-timeout=7 -device virtio-blk-pci,"
                             "drive=n0,bootindex=1,addr=3");

    assert_order(qts, ROOT "/scsi@3/disk@0,0\nHALT");
    assert_file(qts, "etc/boot-menu-wait", "\x2c\x01", 2);
    assert_file(qts, "etc/boot-fail-wait", "\x07\0\0\0", 4);
    qtest_quit(qts);
}

static void test_none(void)
{
    QTest *qts = qtest_start("-M virt -blockdev null-co,node-name=n0 "
                             "-boot strict=on "
                             "-device virtio-blk-pci,drive=n0");

    assert_order(qts, "");
    qtest_quit(qts);
}

static void test_twice(void)
{
    g_autofree char *err = NULL;

    g_assert_cmpint(qtest_run("-accel qtest -M virt -nodefaults -display none "
                              "-device virtio-net-pci,bootindex=1 "
                              "-device virtio-net-pci,bootindex=1", NULL,
                              &err), ==, 1);
    g_assert_nonnull(strstr(err, "The bootindex 1 has already been used"));
}

#ifdef TARGET_AARCH64
static void test_mmio(void)
{
    QTest *qts = qtest_start(
        "-M virt -blockdev null-co,node-name=n0 "
        "-device virtio-blk-device,drive=n0,bootindex=3,"
        "bus=virtio-mmio-bus.31 "
        "-device virtio-net-device,bootindex=4,bus=virtio-mmio-bus.0");

    assert_order(qts, "/virtio-mmio@000000000a003e00/disk@0,0\n"
                 "/virtio-mmio@000000000a000000/ethernet-phy@0");
    qtest_quit(qts);
}
#endif

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/boot-order/index", test_order);
    g_test_add_func("/boot-order/strict", test_strict);
    g_test_add_func("/boot-order/none", test_none);
    g_test_add_func("/boot-order/twice", test_twice);
#ifdef TARGET_AARCH64
    g_test_add_func("/boot-order/mmio", test_mmio);
#endif
    return qtest_main();
}
