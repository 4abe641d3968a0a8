/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virt machine before its first instruction: tables in guest memory, what
 * iasl says of them, and mistakes on the command line. */
#include "libqtest.h"
#include <elf.h>
#include <glib/gstdio.h>
#include "firmware.h"
#include "iasl-check.h"
#include "qtest-fw_cfg.h"
#include "util/bytes.h"

#define TABLES_GPA  0xe0000
#define TABLES_END  0x100000
#define PVH_INFO    0x6000
#define ENTRY_GPA   0x200000

typedef struct Kernel {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[2];
    uint32_t note[3];
    char name[4];
    uint32_t entry;
    uint8_t text[16];
} Kernel;

static const Kernel kernel = {
    .eh = {
        .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
        .e_machine = EM_X86_64, .e_phoff = offsetof(Kernel, ph),
        .e_phnum = 2, .e_phentsize = sizeof(Elf64_Phdr),
    },
    .ph = {
        { .p_type = PT_LOAD, .p_offset = offsetof(Kernel, text),
          .p_paddr = ENTRY_GPA, .p_filesz = 16, .p_memsz = 4096 },
        { .p_type = PT_NOTE, .p_offset = offsetof(Kernel, note),
          .p_filesz = 20 },
    },
    .note = { 4, 4, 18 }, .name = "Xen", .entry = ENTRY_GPA,
    .text = { 0xf4 },
};

static char *kernel_path(void)
{
    char *path = NULL;
    int fd = g_file_open_tmp("nemu-kernel-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, &kernel, sizeof(kernel)), ==, sizeof(kernel));
    close(fd);
    return path;
}

static QTest *start(const char *args)
{
    g_autofree char *path = kernel_path();
    QTest *qts = qtest_startf("-M virt -kernel %s %s", path, args);

    g_unlink(path);
    return qts;
}

static uint8_t *read_tables(QTest *qts)
{
    uint8_t *mem = g_malloc(TABLES_END - TABLES_GPA);

    qtest_memread(qts, TABLES_GPA, mem, TABLES_END - TABLES_GPA);
    return mem;
}

static const uint8_t *at(const uint8_t *mem, uint64_t gpa)
{
    g_assert_cmphex(gpa, >=, TABLES_GPA);
    g_assert_cmphex(gpa, <, TABLES_END - 36);
    return mem + (gpa - TABLES_GPA);
}

static const uint8_t *find_rsdp(const uint8_t *mem)
{
    for (uint32_t i = 0; i < TABLES_END - TABLES_GPA; i += 16) {
        if (!memcmp(mem + i, "RSD PTR ", 8)) {
            return mem + i;
        }
    }
    g_error("no RSDP");
}

static void check_table(const uint8_t *table, GString *names)
{
    g_string_append_len(names, (const char *)table, 4);
    g_string_append_c(names, ' ');
    iasl_check_table(table);
}

/* All tables, DSDT last; returns their names. */
static char *check_tables(QTest *qts)
{
    g_autofree uint8_t *mem = read_tables(qts);
    const uint8_t *xsdt = at(mem, get_le64(find_rsdp(mem) + 24));
    GString *names = g_string_new(NULL);
    const uint8_t *fadt = NULL;

    iasl_check_table(xsdt);
    for (uint32_t off = 36; off < get_le32(xsdt + 4); off += 8) {
        const uint8_t *table = at(mem, get_le64(xsdt + off));

        check_table(table, names);
        if (!memcmp(table, "FACP", 4)) {
            fadt = table;
        }
    }
    g_assert_nonnull(fadt);
    check_table(at(mem, get_le64(fadt + 140)), names);
    return g_string_free(names, FALSE);
}

static void test_tables_small(void)
{
    QTest *qts = start("");
    g_autofree char *names = check_tables(qts);

    g_assert_cmpstr(names, ==, "FACP APIC MCFG DSDT ");
    qtest_quit(qts);
}

static void test_tables_large(void)
{
    QTest *qts = start("-smp 16,sockets=2,cores=4,threads=2 -m 5G "
                       "-serial null -serial null "
                       "-device pcie-root-port,id=r0");
    g_autofree char *names = check_tables(qts);

    g_assert_cmpstr(names, ==, "FACP APIC MCFG SPCR DSDT ");
    qtest_quit(qts);
}

static uint8_t last_bus(const char *args)
{
    QTest *qts = start(args);
    g_autofree uint8_t *mem = read_tables(qts);
    const uint8_t *xsdt = at(mem, get_le64(find_rsdp(mem) + 24));
    const uint8_t *mcfg = NULL;

    for (uint32_t off = 36; off < get_le32(xsdt + 4); off += 8) {
        const uint8_t *table = at(mem, get_le64(xsdt + off));

        mcfg = memcmp(table, "MCFG", 4) ? mcfg : table;
    }
    g_assert_nonnull(mcfg);
    g_assert_cmpuint(mcfg[44 + 10], ==, 0);
    qtest_quit(qts);
    return mcfg[44 + 11];
}

/* A guest looks at every bus that the tables speak of. */
static void test_buses(void)
{
    g_assert_cmpuint(last_bus(""), ==, 0);
    g_assert_cmpuint(last_bus("-device pcie-root-port,id=r0"), ==, 8);
    g_assert_cmpuint(last_bus("-device pcie-root-port,id=r0,slot=1 "
                              "-device pcie-root-port,id=r1,slot=2"), ==, 16);
}

/* FADT, IA-PC boot architecture flags: bit 5, there is no CMOS RTC. */
static bool fadt_says_no_rtc(QTest *qts)
{
    g_autofree uint8_t *mem = read_tables(qts);
    const uint8_t *xsdt = at(mem, get_le64(find_rsdp(mem) + 24));
    const uint8_t *fadt = at(mem, get_le64(xsdt + 36));

    g_assert_true(!memcmp(fadt, "FACP", 4));
    return get_le16(fadt + 109) & BIT(5);
}

static void test_tables_rtc(void)
{
    QTest *qts = start("-machine rtc=on");
    g_autofree char *names = check_tables(qts);

    g_assert_cmpstr(names, ==, "FACP APIC MCFG DSDT ");
    g_assert_false(fadt_says_no_rtc(qts));
    qtest_quit(qts);
    qts = start("");
    g_assert_true(fadt_says_no_rtc(qts));
    qtest_quit(qts);
}

static void test_smbios(void)
{
    QTest *qts = start("-uuid 33db4d5b-1ff7-401c-9657-7441c03dd766 "
                       "-smbios type=1,manufacturer='Maker,, Inc'");
    g_autofree uint8_t *mem = read_tables(qts);
    const uint8_t *ep = at(mem, 0xf0000), *p;
    uint8_t sum = 0, last = 0;
    unsigned int n = 0;

    g_assert_cmpmem(ep, 5, "_SM3_", 5);
    for (int i = 0; i < ep[6]; i++) {
        sum += ep[i];
    }
    g_assert_cmphex(sum, ==, 0);
    p = at(mem, get_le64(ep + 16));
    for (n = 0; n < 20 && last != 127; n++) {
        last = p[0];
        if (last == 1) {
            g_assert_cmphex(get_le32(p + 8), ==, 0x33db4d5b);
            g_assert_cmpstr((const char *)p + p[1], ==, "Maker, Inc");
        }
        for (p += p[1]; p[0] || p[1]; p++) {
        }
        p += 2;
    }
    g_assert_cmpuint(last, ==, 127);
    g_assert_cmpuint(p - at(mem, get_le64(ep + 16)), ==, get_le32(ep + 12));
    qtest_quit(qts);
}

static void test_start_info(void)
{
    QTest *qts = start("-append 'a b' -m 256");
    char cmdline[4];

    g_assert_cmphex(qtest_readl(qts, PVH_INFO), ==, 0x336ec578);
    qtest_memread(qts, qtest_readq(qts, PVH_INFO + 24), cmdline, 4);
    g_assert_cmpstr(cmdline, ==, "a b");
    g_assert_cmphex(qtest_readb(qts, ENTRY_GPA), ==, 0xf4);
    /* what the guest overwrote comes back with a reset */
    qtest_writeb(qts, ENTRY_GPA, 0);
    qtest_writeb(qts, ENTRY_GPA + 100, 0xff);
    qtest_memset(qts, TABLES_GPA, 0, 256);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'system_reset'}"));
    json_object_put(qtest_qmp_event(qts, "RESET"));
    g_assert_cmphex(qtest_readb(qts, ENTRY_GPA), ==, 0xf4);
    g_assert_cmphex(qtest_readb(qts, ENTRY_GPA + 100), ==, 0);
    g_free(check_tables(qts));
    qtest_quit(qts);
}

static void test_memory_split(void)
{
    QTest *qts = qtest_start("-M virt -m 4G");
    uint64_t size = 0;

    qtest_outw(qts, 0x510, 3);          /* fw_cfg: all memory there is */
    for (int i = 0; i < 8; i++) {
        size |= (uint64_t)qtest_inb(qts, 0x511) << 8 * i;
    }
    g_assert_cmphex(size, ==, 4 * GiB);

    qtest_writel(qts, 0xbffffffc, 1);
    qtest_writel(qts, 0x100000000, 2);
    qtest_writel(qts, 0x13ffffffc, 3);
    g_assert_cmphex(qtest_readl(qts, 0xbffffffc), ==, 1);
    g_assert_cmphex(qtest_readl(qts, 0x100000000), ==, 2);
    g_assert_cmphex(qtest_readl(qts, 0x13ffffffc), ==, 3);
    g_assert_cmphex(qtest_readl(qts, 0xc0000000), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readl(qts, 0x140000000), ==, UINT32_MAX);
    qtest_quit(qts);
}

static void test_rom(void)
{
    g_autofree char *path = NULL;
    g_autofree uint8_t *rom = g_malloc0(64 * KiB);
    int fd = g_file_open_tmp("nemu-rom-XXXXXX", &path, NULL);
    QTest *qts;

    rom[0xfff0] = 0xea;
    g_assert_cmpint(write(fd, rom, 64 * KiB), ==, 64 * KiB);
    close(fd);
    qts = qtest_startf("-M virt -bios %s", path);
    g_assert_cmphex(qtest_readb(qts, 0xfffffff0), ==, 0xea);
    g_assert_cmphex(qtest_readb(qts, 0xffff0), ==, 0xea);
    qtest_writeb(qts, 0xffff0, 0);
    qtest_writeb(qts, 0xfffffff0, 0);
    g_assert_cmphex(qtest_readb(qts, 0xffff0), ==, 0xea);
    g_unlink(path);
    qtest_quit(qts);
}

/* Firmware has its own type 0. */
static void check_smbios_files(QTest *qts)
{
    GByteArray *ep = qtest_fw_cfg_file(qts, "etc/smbios/smbios-anchor");
    GByteArray *structs = qtest_fw_cfg_file(qts, "etc/smbios/smbios-tables");

    g_assert_true(ep && structs);
    g_assert_cmpuint(ep->len, ==, 24);
    g_assert_cmpuint(get_le32(ep->data + 12), ==, structs->len);
    g_assert_cmpuint(structs->data[0], ==, 1);
    g_byte_array_unref(ep);
    g_byte_array_unref(structs);
}

/* Firmware takes the tables from fw_cfg. */
static void test_rom_tables(void)
{
    g_autofree char *path = NULL, *names = NULL;
    g_autofree uint8_t *rom = g_malloc0(64 * KiB);
    int fd = g_file_open_tmp("nemu-rom-XXXXXX", &path, NULL);
    GByteArray *script, *tables, *rsdp;
    QTest *qts;

    g_assert_cmpint(write(fd, rom, 64 * KiB), ==, 64 * KiB);
    close(fd);
    qts = qtest_startf("-M virt -bios %s", path);
    g_unlink(path);
    script = qtest_fw_cfg_file(qts, "etc/table-loader");
    tables = qtest_fw_cfg_file(qts, "etc/acpi/tables");
    rsdp = qtest_fw_cfg_file(qts, "etc/acpi/rsdp");
    g_assert_true(script && tables && rsdp);
    firmware_run_loader(script, tables, rsdp);
    names = firmware_check_tables(tables, rsdp);
    g_assert_cmpstr(names, ==, "FACP APIC MCFG DSDT ");
    check_smbios_files(qts);
    g_byte_array_unref(script);
    g_byte_array_unref(tables);
    g_byte_array_unref(rsdp);
    qtest_quit(qts);
}

static void assert_refused(const char *args, const char *text)
{
    g_autofree char *all = g_strconcat("-M virt,accel=qtest -nodefaults "
                                       "-display none ", args, NULL);
    g_autofree char *err = NULL;

    g_assert_cmpint(qtest_run(all, NULL, &err), ==, 1);
    if (!strstr(err, text)) {
        g_error("'%s' does not say '%s'", err, text);
    }
}

static void test_errors(void)
{
    g_autofree char *path = kernel_path();
    g_autofree char *low = g_strdup_printf("-kernel %s -m 1", path);
    g_autofree char *node = g_strdup_printf(
        "-kernel %s -m 65600K -object memory-backend-ram,id=m0,size=64K "
        "-object memory-backend-ram,id=m1,size=64M -numa node,memdev=m0 "
        "-numa node,memdev=m1", path);
    g_autofree char *both = g_strdup_printf("-kernel %s -bios %s", path, path);
    g_autofree char *rom = g_strdup_printf("-bios %s", path);
    g_autofree char *initrd = g_strdup_printf("-kernel %s -initrd /no/x",
                                              path);

    assert_refused("-kernel /no/such", "/no/such");
    assert_refused("-kernel /dev/null", "not a regular file");
    assert_refused("-kernel /proc/self/status", "empty");
    assert_refused("-append x", "-append only allowed with -kernel");
    assert_refused("-initrd x", "-initrd only allowed with -kernel");
    assert_refused("-bios /no/rom", "/no/rom");
    assert_refused(rom, "multiple of 4 KiB");
    assert_refused(initrd, "/no/x");
    assert_refused(low, "not enough memory for kernel");
    assert_refused(node, "the first NUMA node has 65536 bytes");
    assert_refused(both, "-bios");
    assert_refused("-smp 300", "300");
    assert_refused("-smbios type=1,colour=red", "colour");
    assert_refused("-smbios type=9", "'9'");
    assert_refused("-smbios type=41,pcidev=x", "'x'");
    assert_refused("-smbios type=41,pcidev=c "
                   "-device virtio-serial-pci -device virtconsole,id=c",
                   "not on a PCI bus");
    assert_refused("-smbios type=41,pcidev=d -device pcie-root-port,id=p "
                   "-device virtio-rng-pci,bus=p,id=d", "not on the root bus");
    assert_refused("-smbios file=/no/smbios", "/no/smbios");
    g_unlink(path);
}

/* What other boards can have: off, or on, is accepted for what is so. */
static void test_fixed_switches(void)
{
    static const struct { const char *name, *is, *error; } cases[] = {
        { "acpi", "on", "acpi=off: the guest finds its devices by ACPI" },
        { "hpet", "off", "hpet=on: there is no HPET" },
        { "pit", "off", "pit=on: there is no interval timer" },
        { "smm", "off", "smm=on: there is no system management mode" },
        { "vmport", "off", "vmport=on: there is no port of VMware's" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *name = cases[i].name, *is = cases[i].is;
        const char *other = g_str_equal(is, "on") ? "off" : "on";
        g_autofree char *bad = g_strdup_printf("-M virt,%s=%s", name, other);
        g_autofree char *hint = g_strdup_printf("use %s=%s", name, is);

        qtest_quit(qtest_startf("-M virt,%s=%s", name, is));
        if (!g_str_equal(name, "hpet")) {
            qtest_quit(qtest_startf("-M virt,%s=auto", name));
        }
        assert_refused(bad, cases[i].error);
        assert_refused(bad, hint);
    }
    assert_refused("-M virt,hpet=auto", "hpet");
    qtest_quit(qtest_start("-M virt -no-acpi -no-hpet"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virt/tables/small", test_tables_small);
    g_test_add_func("/virt/tables/large", test_tables_large);
    g_test_add_func("/virt/tables/buses", test_buses);
    g_test_add_func("/virt/tables/rtc", test_tables_rtc);
    g_test_add_func("/virt/smbios", test_smbios);
    g_test_add_func("/virt/start-info", test_start_info);
    g_test_add_func("/virt/memory/split", test_memory_split);
    g_test_add_func("/virt/rom", test_rom);
    g_test_add_func("/virt/rom/tables", test_rom_tables);
    g_test_add_func("/virt/errors", test_errors);
    g_test_add_func("/virt/fixed-switches", test_fixed_switches);
    return qtest_main();
}
