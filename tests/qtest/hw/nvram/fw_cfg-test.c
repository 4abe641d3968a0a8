/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_cfg by ports, or registers in memory, and by DMA; QEMU's docs/specs/
 * fw_cfg. */
#include "libqtest.h"
#include "util/bytes.h"

#ifdef TARGET_AARCH64
#define BASE        0x09020000
#else
#define PORT_SELECT 0x510
#define PORT_DATA   0x511
#define PORT_DMA    0x514
#endif
#define KEY_SIG     0x00
#define KEY_ID      0x01
#define KEY_CPUS    0x05
#define KEY_DIR     0x19
#define DIR_ENTRY   64

#define DMA_ERROR   1
#define DMA_READ    2
#define DMA_SKIP    4
#define DMA_SELECT  8
#define DMA_WRITE   16

#ifdef TARGET_AARCH64
static void select_item(QTest *qts, uint16_t key)
{
    qtest_writew(qts, BASE + 8, GUINT16_TO_BE(key));
}

static uint8_t read_data(QTest *qts)
{
    return qtest_readb(qts, BASE);
}

static void write_dma(QTest *qts, unsigned int offset, uint32_t val)
{
    qtest_writel(qts, BASE + 16 + offset, val);
}
#else
static void select_item(QTest *qts, uint16_t key)
{
    qtest_outw(qts, PORT_SELECT, key);
}

static uint8_t read_data(QTest *qts)
{
    return qtest_inb(qts, PORT_DATA);
}

static void write_dma(QTest *qts, unsigned int offset, uint32_t val)
{
    qtest_outl(qts, PORT_DMA + offset, val);
}
#endif

static void read_item(QTest *qts, uint16_t key, void *buf, size_t len)
{
    uint8_t *p = buf;

    select_item(qts, key);
    while (len--) {
        *p++ = read_data(qts);
    }
}

#ifndef TARGET_AARCH64
/* Key of a file, and its size. */
static uint16_t find_file(QTest *qts, const char *name, uint32_t *size)
{
    uint8_t entry[DIR_ENTRY];
    uint32_t count;

    read_item(qts, KEY_DIR, &count, sizeof(count));
    for (uint32_t i = 0; i < GUINT32_FROM_BE(count); i++) {
        for (int j = 0; j < DIR_ENTRY; j++) {
            entry[j] = read_data(qts);
        }
        if (!strcmp((char *)entry + 8, name)) {
            *size = get_be32(entry);
            return get_be16(entry + 4);
        }
    }
    return 0;
}
#endif

static uint32_t dma(QTest *qts, uint32_t control, uint32_t len, uint64_t addr)
{
    uint64_t gpa = qtest_alloc(qts, 16, 16);
    uint8_t req[16];

    put_be32(req, control);
    put_be32(req + 4, len);
    put_be64(req + 8, addr);
    qtest_memwrite(qts, gpa, req, sizeof(req));
    write_dma(qts, 0, GUINT32_TO_BE((uint32_t)(gpa >> 32)));
    write_dma(qts, 4, GUINT32_TO_BE((uint32_t)gpa));
    qtest_memread(qts, gpa, req, 4);
    return get_be32(req);
}

static void test_signature(void)
{
    QTest *qts = qtest_start("-M virt");
    char sig[5] = "";
    uint32_t id;

    read_item(qts, KEY_SIG, sig, 4);
    g_assert_cmpstr(sig, ==, "QEMU");
    read_item(qts, KEY_ID, &id, 4);
    g_assert_cmphex(GUINT32_FROM_LE(id), ==, 3);
    /* past the end and no such item: zeros */
    g_assert_cmphex(read_data(qts), ==, 0);
    read_item(qts, 0x7abc, &id, 4);
    g_assert_cmphex(id, ==, 0);
    qtest_quit(qts);
}

#ifdef TARGET_AARCH64
/* Wide reads give bytes in the order of addresses. */
static void test_registers(void)
{
    QTest *qts = qtest_start("-M virt -smp 3");
    uint64_t sig;

    select_item(qts, KEY_SIG);
    g_assert_cmphex(qtest_readl(qts, BASE), ==, 0x554d4551);
    select_item(qts, KEY_SIG);
    g_assert_cmphex(qtest_readq(qts, BASE), ==, 0x554d4551);
    sig = qtest_readq(qts, BASE + 16);
    g_assert_cmpmem(&sig, 8, "QEMU CFG", 8);
    select_item(qts, KEY_CPUS);
    g_assert_cmpuint(qtest_readw(qts, BASE), ==, 3);
    qtest_writel(qts, BASE + 8, 0);
    g_assert_cmphex(qtest_readb(qts, BASE + 12), ==, 0);
    qtest_quit(qts);
}
#else
static void test_e820(void)
{
    QTest *qts = qtest_start("-M virt -m 4G");
    uint32_t size = 0;
    uint16_t key = find_file(qts, "etc/e820", &size);
    uint64_t ram = 0;
    g_autofree uint8_t *map = NULL;

    g_assert_cmpuint(key, !=, 0);
    g_assert_cmpuint(size % 20, ==, 0);
    map = g_malloc(size);
    read_item(qts, key, map, size);
    for (uint32_t i = 0; i < size; i += 20) {
        if (get_le32(map + i + 16) == 1) {
            ram += get_le64(map + i + 8);
            g_assert_cmphex(get_le64(map + i), <=, 4 * GiB);
        }
    }
    g_assert_cmphex(ram, ==, 4 * GiB - 0x60000);
    qtest_quit(qts);
}

#endif

static void test_dma(void)
{
    QTest *qts = qtest_start("-M virt");
    uint64_t buf = qtest_alloc(qts, 4096, 4096);

    g_assert_cmphex(dma(qts, DMA_SELECT | DMA_READ | KEY_SIG << 16, 4, buf),
                    ==, 0);
    g_assert_cmphex(qtest_readl(qts, buf), ==, 0x554d4551);
    g_assert_cmphex(dma(qts, DMA_SELECT | DMA_SKIP | KEY_SIG << 16, 2, 0), ==,
                    0);
    g_assert_cmphex(dma(qts, DMA_READ, 2, buf), ==, 0);
    g_assert_cmphex(qtest_readw(qts, buf), ==, 0x554d);
    qtest_quit(qts);
}

/* Onto registers, into nothing, absurd lengths. */
static void test_dma_abuse(void)
{
    QTest *qts = qtest_start("-M virt");

    dma(qts, DMA_SELECT | DMA_READ | KEY_SIG << 16, 4, QTEST_ECAM_BASE);
    dma(qts, DMA_SELECT | DMA_READ | KEY_SIG << 16, 0xffffffff,
        QTEST_RAM_BASE + 0x1000);
    dma(qts, DMA_SELECT | DMA_READ | KEY_SIG << 16, 64, UINT64_MAX - 8);
    dma(qts, DMA_SELECT | DMA_SKIP | KEY_SIG << 16, 0xffffffff, 0);
    g_assert_cmphex(dma(qts, DMA_SELECT | DMA_WRITE | KEY_SIG << 16, 4,
                        0x1000) & DMA_ERROR, ==, DMA_ERROR);
    write_dma(qts, 0, UINT32_MAX);
    write_dma(qts, 4, UINT32_MAX);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fw_cfg/signature", test_signature);
#ifdef TARGET_AARCH64
    g_test_add_func("/fw_cfg/registers", test_registers);
#else
    g_test_add_func("/fw_cfg/e820", test_e820);
#endif
    g_test_add_func("/fw_cfg/dma", test_dma);
    g_test_add_func("/fw_cfg/dma/abuse", test_dma_abuse);
    return qtest_main();
}
