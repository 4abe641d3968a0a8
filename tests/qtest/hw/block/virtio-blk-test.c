/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk: requests on a raw file and on nothing, with and without an
 * iothread, and requests that make no sense. VirtIO 1.2, 5.2.
 */
#include "libqtest/qtest-virtio.h"
#include <fcntl.h>

#ifdef CONFIG_QCOW2
#define HAVE_QCOW2 true
#else
#define HAVE_QCOW2 false
#endif
#define BLK_ID      2
#define SECTOR      512u
#define DISK_BYTES  (1 * MiB)

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11,
       T_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_NONE = 0xee };

#define F_RO        (1ull << 5)
#define F_DISCARD   (1ull << 13)
#define F_ZEROES    (1ull << 14)

typedef struct Rig {
    QTest *qts;
    QPci pci;
    QVirtio v;
    QVirtQueue q;
    uint64_t hdr, data, status;     /* guest addresses */
    char *path;                     /* of the image, may be NULL */
} Rig;

static void rig_start_driver(Rig *r)
{
    qvirtio_init(&r->v, &r->pci, BLK_ID, 0);
    qvirtio_negotiate(&r->v, UINT64_MAX & ~QVIRTIO_RING_PACKED &
                             ~QVIRTIO_EVENT_IDX);
    qvirtio_queue_setup(&r->v, &r->q, 0, 0);
    qvirtio_driver_ok(&r->v);
}

static void rig_init(Rig *r, const char *blockdev, const char *device)
{
    r->qts = qtest_startf("-M virt -m 64M %s -device virtio-blk-pci,drive=d,%s",
                          blockdev, device);
    qpci_init(&r->pci, r->qts);
    rig_start_driver(r);
    r->hdr = qtest_alloc(r->qts, 4096, 4096);
    r->data = qtest_alloc(r->qts, 64 * KiB, 4096);
    r->status = qtest_alloc(r->qts, 16, 16);
}

static void rig_init_raw(Rig *r, const char *extra, const char *device)
{
    g_autofree char *blockdev = NULL;
    int fd = g_file_open_tmp("virtio-blk-XXXXXX", &r->path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, DISK_BYTES), ==, 0);
    close(fd);
    blockdev = g_strdup_printf("-object iothread,id=io -object iothread,id=io2 "
                               "-blockdev driver=raw,"
                               "node-name=d,%sfile.driver=file,"
                               "file.filename=%s", extra, r->path);
    rig_init(r, blockdev, device);
}

static void rig_init_null(Rig *r, const char *device)
{
    r->path = NULL;
    rig_init(r, "-object iothread,id=io -blockdev driver=null-co,node-name=d,"
             "size=1099511627776,read-zeroes=on", device);
}

static void rig_end(Rig *r)
{
    qvirtio_clear(&r->v);
    qtest_quit(r->qts);
    if (r->path) {
        unlink(r->path);
        g_free(r->path);
    }
}

static void write_header(Rig *r, uint32_t type, uint64_t sector)
{
    qtest_writel(r->qts, r->hdr, type);
    qtest_writel(r->qts, r->hdr + 4, 0);
    qtest_writeq(r->qts, r->hdr + 8, sector);
    qtest_writeb(r->qts, r->status, S_NONE);
}

/* Header, @len bytes at r->data, status: three descriptors. */
static uint8_t request(Rig *r, uint32_t type, uint64_t sector, uint32_t len,
                       uint32_t *used)
{
    bool in = type == T_IN || type == T_GET_ID;
    QVirtBuf bufs[3] = { { r->hdr, 16, false }, { r->data, len, in },
                         { r->status, 1, true } };
    uint16_t head;

    write_header(r, type, sector);
    if (len == 0) {
        bufs[1] = bufs[2];
    }
    head = qvq_add(&r->q, bufs, len ? 3 : 2);
    qvq_kick(&r->q);
    qvq_wait_used(&r->q, head, used);
    return qtest_readb(r->qts, r->status);
}

static uint8_t range_request(Rig *r, uint32_t type, uint64_t sector,
                             uint32_t sectors, uint32_t flags)
{
    qtest_writeq(r->qts, r->data, sector);
    qtest_writel(r->qts, r->data + 8, sectors);
    qtest_writel(r->qts, r->data + 12, flags);
    return request(r, type, 0, 16, NULL);
}

static void read_file(Rig *r, off_t offset, void *buf, size_t len)
{
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pread(fd, buf, len, offset), ==, len);
    close(fd);
}

static void check_rw(Rig *r)
{
    uint8_t out[4096], in[4096];
    uint32_t used;

    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] = i * 7 + (i >> 8);
    }
    for (unsigned int i = 0; i < 300; i++) {
        uint64_t sector = i * 5 % 2000;

        out[0] = i;
        qtest_memwrite(r->qts, r->data, out, sizeof(out));
        g_assert_cmpuint(request(r, T_OUT, sector, 4096, &used), ==, S_OK);
        g_assert_cmpuint(used, ==, 1);
        if (i % 30) {
            continue;
        }
        g_assert_cmpuint(request(r, T_FLUSH, 0, 0, NULL), ==, S_OK);
        read_file(r, sector * SECTOR, in, sizeof(in));
        g_assert_cmpmem(in, sizeof(in), out, sizeof(out));
        qtest_memset(r->qts, r->data, 0xaa, sizeof(out));
        g_assert_cmpuint(request(r, T_IN, sector, 4096, &used), ==, S_OK);
        g_assert_cmpuint(used, ==, 4097);
        qtest_memread(r->qts, r->data, in, sizeof(in));
        g_assert_cmpmem(in, sizeof(in), out, sizeof(out));
    }
}

static void test_rw(gconstpointer device)
{
    Rig r;

    rig_init_raw(&r, "", device);
    g_assert_cmpuint(qvirtio_config_readq(&r.v, 0), ==, DISK_BYTES / SECTOR);
    check_rw(&r);
    /* The same after reset. */
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    check_rw(&r);
    rig_end(&r);
}

/* Header and data in one descriptor, data and status in one. */
static void test_layout(void)
{
    Rig r;
    uint8_t sector[SECTOR];
    uint16_t head;
    uint32_t used;

    rig_init_raw(&r, "", "num-queues=1");
    write_header(&r, T_OUT, 3);
    qtest_memset(r.qts, r.hdr + 16, 0x5c, SECTOR);
    head = qvq_add(&r.q, (QVirtBuf[]){ { r.hdr, 9, false },
                                       { r.hdr + 9, 7 + SECTOR, false },
                                       { r.status, 1, true } }, 3);
    qvq_kick(&r.q);
    qvq_wait_used(&r.q, head, &used);
    g_assert_cmpuint(qtest_readb(r.qts, r.status), ==, S_OK);

    write_header(&r, T_IN, 3);
    head = qvq_add(&r.q, (QVirtBuf[]){ { r.hdr, 16, false },
                                       { r.data, 100, true },
                                       { r.data + 100, SECTOR - 99, true } },
                   3);
    qvq_kick(&r.q);
    qvq_wait_used(&r.q, head, &used);
    g_assert_cmpuint(used, ==, SECTOR + 1);
    g_assert_cmpuint(qtest_readb(r.qts, r.data + SECTOR), ==, S_OK);
    qtest_memread(r.qts, r.data, sector, SECTOR);
    for (size_t i = 0; i < SECTOR; i++) {
        g_assert_cmphex(sector[i], ==, 0x5c);
    }
    rig_end(&r);
}

static void test_get_id(void)
{
    Rig r;
    char id[21] = { 0 };

    rig_init_raw(&r, "", "serial=a-serial-of-20-bytes-and-more");
    g_assert_cmpuint(request(&r, T_GET_ID, 0, 20, NULL), ==, S_OK);
    qtest_memread(r.qts, r.data, id, 20);
    g_assert_cmpstr(id, ==, "a-serial-of-20-bytes");
    g_assert_cmpuint(request(&r, T_GET_ID, 0, 5, NULL), ==, S_OK);
    rig_end(&r);
}

static void test_discard_zeroes(gconstpointer device)
{
    Rig r;
    uint8_t buf[SECTOR], zero[SECTOR] = { 0 };

    rig_init_raw(&r, "discard=unmap,file.discard=unmap,", device);
    g_assert_true(r.v.features & F_DISCARD);
    g_assert_true(r.v.features & F_ZEROES);
    qtest_memset(r.qts, r.data, 0x77, 64 * KiB);
    g_assert_cmpuint(request(&r, T_OUT, 0, 64 * KiB, NULL), ==, S_OK);
    g_assert_cmpuint(range_request(&r, T_ZEROES, 8, 16, 0), ==, S_OK);
    g_assert_cmpuint(range_request(&r, T_ZEROES, 40, 8, 1), ==, S_OK);
    g_assert_cmpuint(range_request(&r, T_DISCARD, 64, 32, 0), ==, S_OK);
    for (unsigned int i = 0; i < 64 * KiB / SECTOR; i++) {
        bool clear = (i >= 8 && i < 24) || (i >= 40 && i < 48);

        read_file(&r, i * SECTOR, buf, SECTOR);
        if (i >= 64 && i < 96) {
            continue;                   /* anything may be there */
        }
        if (clear) {
            g_assert_cmpmem(buf, SECTOR, zero, SECTOR);
        } else {
            g_assert_cmphex(buf[0], ==, 0x77);
            g_assert_cmphex(buf[SECTOR - 1], ==, 0x77);
        }
    }
    /* Out of range, unknown flags, unmap of a discard, nothing at all. */
    g_assert_cmpuint(range_request(&r, T_DISCARD, 2047, 2, 0), ==, S_IOERR);
    g_assert_cmpuint(range_request(&r, T_ZEROES, UINT64_MAX, 1, 0), ==,
                     S_IOERR);
    g_assert_cmpuint(range_request(&r, T_ZEROES, 1ull << 55, 1, 0), ==,
                     S_IOERR);
    g_assert_cmpuint(range_request(&r, T_ZEROES, 0, UINT32_MAX, 0), ==,
                     S_IOERR);
    g_assert_cmpuint(range_request(&r, T_DISCARD, 0, 8, 1), ==, S_UNSUPP);
    g_assert_cmpuint(range_request(&r, T_ZEROES, 0, 8, 2), ==, S_UNSUPP);
    g_assert_cmpuint(request(&r, T_DISCARD, 0, 15, NULL), !=, S_OK);
    rig_end(&r);
}

static void test_refused(gconstpointer device)
{
    Rig r;

    rig_init_raw(&r, "", device);
    g_assert_cmpuint(request(&r, T_IN, 2047, 512, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_IN, 2048, 512, NULL), ==, S_IOERR);
    g_assert_cmpuint(request(&r, T_OUT, 2047, 1024, NULL), ==, S_IOERR);
    g_assert_cmpuint(request(&r, T_OUT, UINT64_MAX, 512, NULL), ==, S_IOERR);
    g_assert_cmpuint(request(&r, T_IN, 1ull << 55, 512, NULL), ==, S_IOERR);
    g_assert_cmpuint(request(&r, T_IN, (1ull << 54) - 1, 512, NULL), ==,
                     S_IOERR);
    g_assert_cmpuint(request(&r, T_IN, 0, 100, NULL), ==, S_IOERR);
    g_assert_cmpuint(request(&r, 0x4711, 0, 512, NULL), ==, S_UNSUPP);
    g_assert_cmpuint(request(&r, T_IN, 0, 0, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_IN, 0, 512, NULL), ==, S_OK);
    rig_end(&r);
}

static void broken_then_usable(Rig *r, const QVirtBuf *bufs, unsigned int n)
{
    write_header(r, T_IN, 0);
    qvq_add(&r->q, bufs, n);
    qvq_kick(&r->q);
    QTEST_WAIT(r->qts, qvirtio_get_status(&r->v) & QVIRTIO_NEEDS_RESET);
    g_assert_cmpuint(qvq_get_used_idx(&r->q), ==, 0);
    qvirtio_clear(&r->v);
    rig_start_driver(r);
    g_assert_cmpuint(request(r, T_IN, 0, 512, NULL), ==, S_OK);
    qvirtio_clear(&r->v);
    rig_start_driver(r);
}

static void test_malformed(gconstpointer device)
{
    Rig r;

    rig_init_raw(&r, "", device);
    broken_then_usable(&r, (QVirtBuf[]){ { r.hdr, 15, false },
                                         { r.status, 1, true } }, 2);
    broken_then_usable(&r, (QVirtBuf[]){ { r.hdr, 16, false } }, 1);
    broken_then_usable(&r, (QVirtBuf[]){ { r.status, 1, true } }, 1);
    rig_end(&r);
}

static void test_read_only(void)
{
    Rig r;

    rig_init_raw(&r, "read-only=on,", "num-queues=1");
    g_assert_true(r.v.features & F_RO);
    g_assert_cmphex(r.v.features & (F_DISCARD | F_ZEROES), ==, 0);
    g_assert_cmpuint(request(&r, T_OUT, 0, 512, NULL), ==, S_IOERR);
    g_assert_cmpuint(range_request(&r, T_ZEROES, 0, 1, 0), ==, S_UNSUPP);
    g_assert_cmpuint(request(&r, T_IN, 0, 512, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_FLUSH, 0, 0, NULL), ==, S_OK);
    rig_end(&r);
}

/* More bytes in one request than the block layer takes: the same buffer many
 * times over, 64 GiB in all. */
static void test_huge(gconstpointer device)
{
    static const unsigned int n = 1022;
    QVirtBuf bufs[1024];
    Rig r;
    uint16_t head;

    rig_init_null(&r, device);
    g_assert_cmpuint(request(&r, T_IN, (1ull << 31) - 1, 512, NULL), ==, S_OK);
    for (uint32_t type = T_IN; type <= T_OUT; type++) {
        write_header(&r, type, 0);
        bufs[0] = (QVirtBuf){ r.hdr, 16, false };
        for (unsigned int i = 1; i <= n; i++) {
            bufs[i] = (QVirtBuf){ QTEST_RAM_BASE + 4 * MiB, 56 * MiB,
                                    type == T_IN };
        }
        bufs[n + 1] = (QVirtBuf){ r.status, 1, true };
        head = qvq_add_indirect(&r.q, bufs, n + 2);
        qvq_kick(&r.q);
        qvq_wait_used(&r.q, head, NULL);
        g_assert_cmpuint(qtest_readb(r.qts, r.status), ==, S_IOERR);
    }
    g_assert_cmpuint(request(&r, T_IN, 0, 4096, NULL), ==, S_OK);
    rig_end(&r);
}

static void test_interrupts(gconstpointer device)
{
    Rig r;

    rig_init_raw(&r, "", device);
    qvirtio_clear(&r.v);
    qvirtio_init(&r.v, &r.pci, BLK_ID, 0);
    qvirtio_enable_msix(&r.v);
    qvirtio_negotiate(&r.v, QVIRTIO_VERSION_1);
    qvirtio_queue_setup(&r.v, &r.q, 0, 0);
    qvirtio_driver_ok(&r.v);
    for (int i = 0; i < 50; i++) {
        g_assert_cmpuint(request(&r, T_IN, i, 512, NULL), ==, S_OK);
        QTEST_WAIT(r.qts, qvq_interrupted(&r.q));
    }
    rig_end(&r);
}

/* Many in flight; reset and stop while they are. */
static void test_in_flight(gconstpointer device)
{
    Rig r;

    rig_init_raw(&r, "", device);
    for (int round = 0; round < 10; round++) {
        write_header(&r, T_IN, 0);
        for (int i = 0; i < 60; i++) {
            qvq_add(&r.q, (QVirtBuf[]){ { r.hdr, 16, false },
                                        { r.data, 64 * KiB, true },
                                        { r.status, 1, true } }, 3);
        }
        qvq_kick(&r.q);
        if (round % 2) {
            qvirtio_clear(&r.v);
            rig_start_driver(&r);
            continue;
        }
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'stop'}"));
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
        QTEST_WAIT(r.qts, qvq_get_used_idx(&r.q) == r.q.avail_idx);
        r.q.used_idx = r.q.avail_idx;
        g_assert_cmpuint(qtest_readb(r.qts, r.status), ==, S_OK);
    }
    rig_end(&r);
}

/* ---- The graph below changes ---- */

#define IN_FLIGHT 16

/* One sector each, all submitted at once; their status is checked later. */
static void submit_writes(Rig *r, uint8_t byte)
{
    for (unsigned int i = 0; i < IN_FLIGHT; i++) {
        uint64_t hdr = r->hdr + i * 16, data = r->data + i * SECTOR;

        qtest_writel(r->qts, hdr, T_OUT);
        qtest_writel(r->qts, hdr + 4, 0);
        qtest_writeq(r->qts, hdr + 8, i * 100);
        qtest_memset(r->qts, data, byte, SECTOR);
        qtest_writeb(r->qts, r->hdr + 2048 + i, S_NONE);
        qvq_add(&r->q, (QVirtBuf[]){ { hdr, 16, false },
            { data, SECTOR, false }, { r->hdr + 2048 + i, 1, true } }, 3);
        qvq_kick(&r->q);
    }
}

/* They end in any order. */
static void check_written(Rig *r)
{
    QTEST_WAIT(r->qts, qvq_get_used_idx(&r->q) == r->q.avail_idx);
    r->q.used_idx = r->q.avail_idx;
    for (unsigned int i = 0; i < IN_FLIGHT; i++) {
        g_assert_cmpuint(qtest_readb(r->qts, r->hdr + 2048 + i), ==, S_OK);
    }
}

static void check_sectors(Rig *r, uint8_t byte)
{
    for (unsigned int i = 0; i < IN_FLIGHT; i++) {
        g_assert_cmpuint(request(r, T_IN, i * 100, SECTOR, NULL), ==, S_OK);
        g_assert_cmphex(qtest_readb(r->qts, r->data), ==, byte);
        g_assert_cmphex(qtest_readb(r->qts, r->data + SECTOR - 1), ==, byte);
    }
}

/* Overlays under a disk that is written to; what is below stays as it was. */
static void test_snapshots(gconstpointer device)
{
    uint8_t before[SECTOR], after[SECTOR];
    g_autofree char *node = g_strdup("d");
    Rig r;

    rig_init_raw(&r, "", device);
    for (int i = 1; i <= 5; i++) {
        g_autofree char *next = g_strdup_printf("s%d", i);

        submit_writes(&r, i);
        json_object_put(qtest_qmp_ok(r.qts,
            "{'execute':'blockdev-snapshot-sync','arguments':{'node-name':'%s',"
            "'snapshot-file':'%s','snapshot-node-name':'%s'}}", node,
            qtest_tmp_path(r.qts, next), next));
        check_written(&r);
        check_sectors(&r, i);
        g_free(node);
        node = g_steal_pointer(&next);
        read_file(&r, 0, i == 1 ? before : after, SECTOR);
    }
    g_assert_cmpmem(before, SECTOR, after, SECTOR);
    rig_end(&r);
}

/* Bits are set by writes in the disk's own thread. */
static void test_dirty_bitmap(void)
{
    Rig r;
    struct json_object *nodes, *bitmap;
    int64_t count = 0;

    rig_init_raw(&r, "", "iothread=io");
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'block-dirty-bitmap-add',"
        "'arguments':{'node':'d','name':'b','granularity':512}}"));
    g_assert_cmpuint(request(&r, T_OUT, 7, 4096, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_IN, 100, 4096, NULL), ==, S_OK);
    nodes = qtest_qmp_ok(r.qts, "{'execute':'query-block'}");
    bitmap = json_object_object_get(json_object_array_get_idx(nodes, 0),
                                    "inserted");
    bitmap = json_object_array_get_idx(
        json_object_object_get(bitmap, "dirty-bitmaps"), 0);
    count = json_object_get_int64(json_object_object_get(bitmap, "count"));
    g_assert_cmpint(count, ==, 4096);
    json_object_put(nodes);
    rig_end(&r);
}

/* Reading it clears it. */
static uint8_t read_isr(Rig *r)
{
    return qpci_bar_readb(r->v.pci, r->v.isr.bar, r->v.isr.offset);
}

/* Two writes and a read, each in one of the classes. */
static void test_histogram(void)
{
    Rig r;
    struct json_object *stats, *h, *bins;
    int64_t writes;

    rig_init_raw(&r, "", "iothread=io,id=disk");
    json_object_put(qtest_qmp_ok(r.qts,
        "{'execute':'block-latency-histogram-set','arguments':{'id':'disk',"
        "'boundaries':[1,3600000000000]}}"));
    g_assert_cmpuint(request(&r, T_OUT, 7, 4096, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_OUT, 9, 4096, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_IN, 100, 4096, NULL), ==, S_OK);
    stats = qtest_qmp_ok(r.qts, "{'execute':'query-blockstats'}");
    h = json_object_object_get(json_object_array_get_idx(stats, 0), "stats");
    h = json_object_object_get(h, "wr_latency_histogram");
    bins = json_object_object_get(h, "bins");
    g_assert_cmpuint(json_object_array_length(bins), ==, 3);
    writes = json_object_get_int64(json_object_array_get_idx(bins, 1));
    g_assert_cmpint(writes, ==, 2);
    json_object_put(stats);
    rig_end(&r);
}

/* The event comes from the disk's own thread. */
static void test_write_threshold(gconstpointer device)
{
    Rig r;
    struct json_object *event;

    rig_init_null(&r, device);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':"
        "'block-set-write-threshold','arguments':{'node-name':'d',"
        "'write-threshold':%d}}", 7 * SECTOR + 4096));
    g_assert_cmpuint(request(&r, T_OUT, 7, 4096, NULL), ==, S_OK);
    g_assert_cmpuint(request(&r, T_OUT, 8, 4096, NULL), ==, S_OK);
    event = qtest_qmp_event(r.qts, "BLOCK_WRITE_THRESHOLD");
    g_assert_cmpint(qjson_int(event, "data.amount-exceeded"), ==, SECTOR);
    json_object_put(event);
    rig_end(&r);
}

static char *query_text(Rig *r, const char *command, const char *member)
{
    struct json_object *o = qtest_qmp_ok(r->qts, "{'execute':'%s'}", command);
    struct json_object *row = json_object_is_type(o, json_type_array) ?
                              json_object_array_get_idx(o, 0) : o;
    char *text = g_strdup(json_object_get_string(
        json_object_object_get(row, member)));

    json_object_put(o);
    return text;
}

/* The disk is full once: the VM stops, and the write is repeated when it goes
 * on. */
static void test_no_space(gconstpointer device)
{
    g_autofree char *status = NULL, *nospace = NULL, *ok = NULL;
    uint16_t head;
    Rig r;

    r.path = NULL;
    rig_init(&r, "-object iothread,id=io -blockdev driver=blkdebug,node-name=d,"
             "image.driver=null-co,inject-error.0.event=none,"
             "inject-error.0.errno=28,inject-error.0.once=on,"
             "inject-error.0.iotype=write", device);
    write_header(&r, T_OUT, 0);
    head = qvq_add(&r.q, (QVirtBuf[]){ { r.hdr, 16, false },
        { r.data, SECTOR, false }, { r.status, 1, true } }, 3);
    qvq_kick(&r.q);
    json_object_put(qtest_qmp_event(r.qts, "BLOCK_IO_ERROR"));
    json_object_put(qtest_qmp_event(r.qts, "STOP"));
    status = query_text(&r, "query-status", "status");
    g_assert_cmpstr(status, ==, "io-error");
    nospace = query_text(&r, "query-block", "io-status");
    g_assert_cmpstr(nospace, ==, "nospace");
    g_assert_cmpuint(qtest_readb(r.qts, r.status), ==, S_NONE);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
    qvq_wait_used(&r.q, head, NULL);
    g_assert_cmpuint(qtest_readb(r.qts, r.status), ==, S_OK);
    ok = query_text(&r, "query-block", "io-status");
    g_assert_cmpstr(ok, ==, "ok");
    rig_end(&r);
}

#define MAPPED "num-queues=4,iothread-vq-mapping.0.iothread=io,"               \
               "iothread-vq-mapping.1.iothread=io2"

/* Each queue in its iothread; the graph changes while all are at work. */
static void test_mapping(gconstpointer mapping)
{
    Rig r;
    QVirtQueue queues[4];
    uint8_t data[SECTOR];

    rig_init_raw(&r, "", mapping);
    qvirtio_clear(&r.v);
    qvirtio_init(&r.v, &r.pci, BLK_ID, 0);
    qvirtio_negotiate(&r.v, UINT64_MAX & ~QVIRTIO_RING_PACKED &
                            ~QVIRTIO_EVENT_IDX);
    for (int i = 0; i < 4; i++) {
        qvirtio_queue_setup(&r.v, &queues[i], i, 0);
    }
    qvirtio_driver_ok(&r.v);
    for (int n = 0; n < 3; n++) {
        for (int i = 0; i < 4; i++) {
            r.q = queues[i];
            submit_writes(&r, n * 16 + i);
            if (i == 2) {
                json_object_put(qtest_qmp_ok(r.qts,
                    "{'execute':'blockdev-reopen','arguments':{'options':["
                    "{'driver':'raw','node-name':'d','detect-zeroes':'%s',"
                    "'file':{'driver':'file','filename':'%s'}}]}}",
                    n & 1 ? "off" : "on", r.path));
            }
            check_written(&r);
            check_sectors(&r, n * 16 + i);
            queues[i] = r.q;
        }
    }
    read_file(&r, 100 * SECTOR, data, SECTOR);
    g_assert_cmphex(data[0], ==, 2 * 16 + 3);
    rig_end(&r);
}

static void test_resize(gconstpointer device)
{
    Rig r;

    rig_init_raw(&r, "", device);
    g_assert_cmpuint(request(&r, T_IN, DISK_BYTES / SECTOR, 512, NULL), ==,
                     S_IOERR);
    read_isr(&r);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'block_resize',"
        "'arguments':{'node-name':'d','size':%u}}",
        (unsigned int)(3 * DISK_BYTES)));
    g_assert_cmpuint(qvirtio_config_readq(&r.v, 0), ==,
                     3 * DISK_BYTES / SECTOR);
    /* VirtIO 1.2, 4.1.4.5: bit 1, the configuration has changed. */
    g_assert_cmphex(read_isr(&r) & 2, ==, 2);
    g_assert_cmpuint(request(&r, T_OUT, 3 * DISK_BYTES / SECTOR - 1, 512,
                             NULL), ==, S_OK);
    rig_end(&r);
}

int main(int argc, char **argv)
{
    static const char *const where[][2] = {
        { "main-loop", "num-queues=1" },
        { "iothread", "iothread=io,num-queues=2" },
    };
    static const struct {
        const char *name;
        void (*fn)(gconstpointer device);
    } tests[] = {
        { "rw", test_rw }, { "discard-zeroes", test_discard_zeroes },
        { "refused", test_refused }, { "malformed", test_malformed },
        { "huge", test_huge }, { "in-flight", test_in_flight },
        { "interrupts", test_interrupts }, { "resize", test_resize },
        { "no-space", test_no_space },
        { "write-threshold", test_write_threshold },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t w = 0; w < G_N_ELEMENTS(where); w++) {
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
            g_autofree char *path = g_strdup_printf("/virtio-blk/%s/%s",
                                                    where[w][0],
                                                    tests[i].name);

            g_test_add_data_func(path, where[w][1], tests[i].fn);
        }
    }
    if (HAVE_QCOW2) {
        g_test_add_data_func("/virtio-blk/main-loop/snapshots", where[0][1],
                             test_snapshots);
        g_test_add_data_func("/virtio-blk/iothread/snapshots", where[1][1],
                             test_snapshots);
    }
    g_test_add_data_func("/virtio-blk/mapping/in-turn", MAPPED, test_mapping);
    g_test_add_data_func("/virtio-blk/mapping/by-number", MAPPED
                         ",iothread-vq-mapping.0.vqs.0=1,"
                         "iothread-vq-mapping.0.vqs.1=2,"
                         "iothread-vq-mapping.1.vqs.0=0,"
                         "iothread-vq-mapping.1.vqs.1=3", test_mapping);
    g_test_add_func("/virtio-blk/histogram", test_histogram);
    g_test_add_func("/virtio-blk/dirty-bitmap", test_dirty_bitmap);
    g_test_add_func("/virtio-blk/layout", test_layout);
    g_test_add_func("/virtio-blk/get-id", test_get_id);
    g_test_add_func("/virtio-blk/read-only", test_read_only);
    return qtest_main();
}
