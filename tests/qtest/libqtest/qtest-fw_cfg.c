/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qtest-fw_cfg.h"
#include "util/bytes.h"

#define KEY_DIR     0x19
#define DIR_ENTRY   64
#define DMA_READ    2
#define DMA_SELECT  8

static void write_dma(QTest *qts, uint64_t gpa)
{
#ifdef TARGET_AARCH64
    qtest_writel(qts, 0x09020010, GUINT32_TO_BE((uint32_t)(gpa >> 32)));
    qtest_writel(qts, 0x09020014, GUINT32_TO_BE((uint32_t)gpa));
#else
    qtest_outl(qts, 0x514, GUINT32_TO_BE((uint32_t)(gpa >> 32)));
    qtest_outl(qts, 0x518, GUINT32_TO_BE((uint32_t)gpa));
#endif
}

static void read_item(QTest *qts, uint16_t key, void *buf, uint32_t len)
{
    uint64_t gpa = qtest_alloc(qts, 16 + len, 16);
    uint8_t req[16];

    put_be32(req, (uint32_t)key << 16 | DMA_SELECT | DMA_READ);
    put_be32(req + 4, len);
    put_be64(req + 8, gpa + 16);
    qtest_memwrite(qts, gpa, req, sizeof(req));
    write_dma(qts, gpa);
    g_assert_cmphex(qtest_readl(qts, gpa), ==, 0);
    qtest_memread(qts, gpa + 16, buf, len);
}

GByteArray *qtest_fw_cfg_file(QTest *qts, const char *name)
{
    g_autofree uint8_t *dir = NULL;
    uint8_t count[4];
    uint32_t n;

    read_item(qts, KEY_DIR, count, sizeof(count));
    n = get_be32(count);
    g_assert_cmpuint(n, <=, 1000);
    dir = g_malloc(4 + n * DIR_ENTRY);
    read_item(qts, KEY_DIR, dir, 4 + n * DIR_ENTRY);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *entry = dir + 4 + i * DIR_ENTRY;

        if (!strcmp((const char *)entry + 8, name)) {
            GByteArray *file = g_byte_array_new();

            g_byte_array_set_size(file, get_be32(entry));
            read_item(qts, get_be16(entry + 4), file->data, file->len);
            return file;
        }
    }
    return NULL;
}
