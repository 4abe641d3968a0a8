/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACPI tables and SMBIOS that the virt machine of Arm hands to firmware. */
#include "qtest-fw_cfg.h"
#include <glib/gstdio.h>
#include "firmware.h"
#include "util/bytes.h"

typedef struct Tables {
    QTest *qts;
    GByteArray *script, *tables, *rsdp;
} Tables;

static void start(Tables *t, const char *args)
{
    t->qts = qtest_start(args);
    t->script = qtest_fw_cfg_file(t->qts, "etc/table-loader");
    t->tables = qtest_fw_cfg_file(t->qts, "etc/acpi/tables");
    t->rsdp = qtest_fw_cfg_file(t->qts, "etc/acpi/rsdp");
    g_assert_true(t->script && t->tables && t->rsdp);
    firmware_run_loader(t->script, t->tables, t->rsdp);
}

static void stop(Tables *t)
{
    g_byte_array_unref(t->script);
    g_byte_array_unref(t->tables);
    g_byte_array_unref(t->rsdp);
    qtest_quit(t->qts);
}

static const uint8_t *find(Tables *t, const char *signature)
{
    const uint8_t *p = firmware_find_table(t->tables, t->rsdp, signature);

    g_assert_nonnull(p);
    return p;
}

/* The nth structure of a kind in the MADT, or NULL. */
static const uint8_t *madt_entry(Tables *t, uint8_t type, unsigned int nth)
{
    const uint8_t *madt = find(t, "APIC");

    for (uint32_t off = 44; off < get_le32(madt + 4); off += madt[off + 1]) {
        g_assert_cmpuint(madt[off + 1], >=, 2);
        if (madt[off] == type && nth-- == 0) {
            return madt + off;
        }
    }
    return NULL;
}

enum { GICC = 0x0b, GICD, MSI_FRAME, GICR, ITS };

static void test_gicv3(void)
{
    g_autofree char *names = NULL;
    const uint8_t *dsdt;
    Tables t;

    start(&t, "-M virt -smp 4,sockets=2,clusters=1,cores=2 -serial null");
    names = firmware_check_tables(t.tables, t.rsdp);
    g_assert_cmpstr(names, ==,
                    "FACP APIC GTDT PPTT MCFG SPCR DBG2 IORT DSDT ");
    g_assert_nonnull(madt_entry(&t, GICC, 3));
    g_assert_null(madt_entry(&t, GICC, 4));
    g_assert_cmpuint(madt_entry(&t, GICD, 0)[20], ==, 3);
    g_assert_nonnull(madt_entry(&t, GICR, 0));
    g_assert_null(madt_entry(&t, GICR, 1));
    g_assert_nonnull(madt_entry(&t, ITS, 0));
    g_assert_null(madt_entry(&t, MSI_FRAME, 0));
    g_assert_cmphex(get_le64(find(&t, "MCFG") + 44), ==, QTEST_ECAM_BASE);
    g_assert_cmpuint(find(&t, "MCFG")[44 + 11], ==, 255);
    /* no device of the guest's: firmware programs it */
    dsdt = find(&t, "DSDT");
    g_assert_null(memmem(dsdt, get_le32(dsdt + 4), "LNRO0015", 8));
    stop(&t);
}

static void test_gicv2(void)
{
    g_autofree char *names = NULL;
    const uint8_t *frame;
    Tables t;

    start(&t, "-M virt,gic-version=2,highmem=off");
    names = firmware_check_tables(t.tables, t.rsdp);
    g_assert_cmpstr(names, ==, "FACP APIC GTDT PPTT MCFG DSDT ");
    g_assert_cmpuint(madt_entry(&t, GICD, 0)[20], ==, 2);
    g_assert_cmphex(get_le64(madt_entry(&t, GICC, 0) + 32), ==, 0x8010000);
    frame = madt_entry(&t, MSI_FRAME, 0);
    g_assert_nonnull(frame);
    g_assert_cmpuint(get_le16(frame + 20), ==, 64);
    g_assert_cmpuint(get_le16(frame + 22), ==, 80);
    g_assert_null(madt_entry(&t, GICR, 0));
    g_assert_cmphex(get_le64(find(&t, "MCFG") + 44), ==, 0x3f000000);
    g_assert_cmpuint(find(&t, "MCFG")[44 + 11], ==, 15);
    stop(&t);
}

/* Where PCI is when the redistributors below it are not. */
static void test_compact_highmem(void)
{
    static const struct { const char *args; uint64_t ecam; } maps[] = {
        { "-M virt", 0x4010000000 },
        { "-M virt,highmem-redists=off", 0x4000000000 },
        { "-M virt,highmem-redists=off,compact-highmem=off", 0x4010000000 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
        Tables t;

        start(&t, maps[i].args);
        g_assert_cmphex(get_le64(find(&t, "MCFG") + 44), ==, maps[i].ecam);
        stop(&t);
    }
}

/* Without ITS and with two regions of redistributors; threads. */
static void test_many_cpus(void)
{
    g_autofree char *names = NULL;
    Tables t;

    start(&t, "-M virt,its=off -smp 200,threads=2");
    names = firmware_check_tables(t.tables, t.rsdp);
    g_assert_cmpstr(names, ==, "FACP APIC GTDT PPTT MCFG DSDT ");
    g_assert_nonnull(madt_entry(&t, GICC, 199));
    g_assert_cmphex(get_le64(madt_entry(&t, GICC, 17) + 68), ==, 0x101);
    g_assert_nonnull(madt_entry(&t, GICR, 1));
    g_assert_null(madt_entry(&t, ITS, 0));
    stop(&t);
}

#define EVENTS      0x09080000
#define POWER_EVENT 16

/* With firmware the power button is an event that the DSDT knows. */
static void test_power_button(void)
{
    g_autofree char *path = NULL, *line = NULL;
    int fd = g_file_open_tmp("nemu-firmware-XXXXXX", &path, NULL);
    const uint8_t *dsdt;
    Tables t;

    g_assert_cmpint(write(fd, "firmware", 8), ==, 8);
    close(fd);
    line = g_strdup_printf("-M virt -bios %s", path);
    start(&t, line);
    g_unlink(path);
    g_free(firmware_check_tables(t.tables, t.rsdp));
    dsdt = find(&t, "DSDT");
    g_assert_nonnull(memmem(dsdt, get_le32(dsdt + 4), "ACPI0013", 8));
    g_assert_cmphex(qtest_readl(t.qts, EVENTS), ==, 0);
    json_object_put(qtest_qmp_ok(t.qts, "{'execute': 'system_powerdown'}"));
    QTEST_WAIT(t.qts, qtest_readl(t.qts, EVENTS) == POWER_EVENT);
    g_assert_cmphex(qtest_readl(t.qts, EVENTS), ==, 0);
    stop(&t);

    start(&t, "-M virt");
    dsdt = find(&t, "DSDT");
    g_assert_null(memmem(dsdt, get_le32(dsdt + 4), "ACPI0013", 8));
    stop(&t);
}

/* SMBIOS takes the same way. */
static void test_smbios(void)
{
    QTest *qts = qtest_start("-M virt,acpi=off -smp 4,sockets=2 "
                             "-smbios type=0,vendor=Maker "
                             "-smbios type=11,value=a,value=b "
                             "-smbios type=41,designation=LAN,pcidev=r "
                             "-device virtio-rng-pci,id=r,addr=7");
    GByteArray *ep = qtest_fw_cfg_file(qts, "etc/smbios/smbios-anchor");
    GByteArray *structs = qtest_fw_cfg_file(qts, "etc/smbios/smbios-tables");

    g_assert_true(ep && structs);
    g_assert_cmpmem(ep->data, 5, "_SM3_", 5);
    g_assert_cmpuint(get_le32(ep->data + 12), ==, structs->len);
    g_assert_cmpuint(structs->data[0], ==, 0);
    g_assert_cmpstr((char *)structs->data + structs->data[1], ==, "Maker");
    g_assert_nonnull(memmem(structs->data, structs->len, "a\0b\0", 5));
    g_assert_nonnull(memmem(structs->data, structs->len, "CPU 1", 6));
    /* bus 0, slot 7 */
    g_assert_nonnull(memmem(structs->data, structs->len, "\0\x38LAN", 6));
    g_byte_array_unref(ep);
    g_byte_array_unref(structs);
    qtest_quit(qts);
}

static void test_off(void)
{
    const char *const args[] = { "-M virt,acpi=off", "-M virt -no-acpi" };

    for (size_t i = 0; i < G_N_ELEMENTS(args); i++) {
        QTest *qts = qtest_start(args[i]);

        g_assert_null(qtest_fw_cfg_file(qts, "etc/table-loader"));
        g_assert_null(qtest_fw_cfg_file(qts, "etc/acpi/tables"));
        qtest_quit(qts);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/virt/acpi/gicv3", test_gicv3);
    g_test_add_func("/arm/virt/acpi/gicv2", test_gicv2);
    g_test_add_func("/arm/virt/acpi/compact-highmem", test_compact_highmem);
    g_test_add_func("/arm/virt/acpi/many-cpus", test_many_cpus);
    g_test_add_func("/arm/virt/acpi/power-button", test_power_button);
    g_test_add_func("/arm/virt/smbios", test_smbios);
    g_test_add_func("/arm/virt/acpi/off", test_off);
    return qtest_main();
}
