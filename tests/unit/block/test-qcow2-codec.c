/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What unpacks a cluster: streams as the format's writers leave them, with
 * other bytes behind them, without an end, too short, damaged.
 */
#include "util/osdep.h"
#include "block/qcow2-codec-internal.h"
#include <zlib.h>

#define CLUSTER (64 * KiB)
#define ROOM    (2 * CLUSTER)

typedef struct Stream {
    const char *name;
    size_t bytes;                   /* that were packed */
    int end;                        /* Z_FINISH, or without its last block */
    bool damaged;
    int result;
} Stream;

static const Stream streams[] = {
    { "whole", CLUSTER, Z_FINISH, false, 0 },
    { "no_end", CLUSTER, Z_SYNC_FLUSH, false, 0 },
    { "more", CLUSTER + 1, Z_FINISH, false, 0 },
    { "short", CLUSTER - 1, Z_FINISH, false, -EIO },
    { "short_no_end", CLUSTER - 1, Z_SYNC_FLUSH, false, -EIO },
    { "damaged", CLUSTER, Z_FINISH, true, -EIO },
};

static void fill(uint8_t *buf, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        buf[i] = i % 5 ? i / 251 : i * 7;
    }
}

static size_t pack(const Stream *t, const uint8_t *src, uint8_t *dst)
{
    z_stream z = { .next_in = (uint8_t *)src, .avail_in = t->bytes,
                   .next_out = dst, .avail_out = ROOM - 512 };
    int ret;

    g_assert_cmpint(deflateInit2(&z, 6, Z_DEFLATED, -12, 9,
                                 Z_DEFAULT_STRATEGY), ==, Z_OK);
    ret = deflate(&z, t->end);
    g_assert_cmpint(ret, ==, t->end == Z_FINISH ? Z_STREAM_END : Z_OK);
    deflateEnd(&z);
    return ROOM - 512 - z.avail_out;
}

static void test_unpack(const void *data)
{
    const Stream *t = data;
    g_autofree uint8_t *src = g_malloc0(CLUSTER + 1);
    g_autofree uint8_t *packed = g_malloc0(ROOM);
    g_autofree uint8_t *dst = g_malloc0(CLUSTER);
    Qcow2Codec *c = qcow2_codec_new(0, false);
    size_t n;

    fill(src, CLUSTER + 1);
    n = pack(t, src, packed);
    if (t->damaged) {
        memset(packed + n / 2, 0xff, n / 4);
    }
    /* The last sector goes on, with what another cluster has there. */
    if (t->end == Z_FINISH) {
        memset(packed + n, 0x5a, 511);
        n += 511;
    }
    for (int turn = 0; turn < 2; turn++) {
        memset(dst, 0, CLUSTER);
        g_assert_cmpint(qcow2_codec_run(c, dst, CLUSTER, packed, n), ==,
                        t->result);
        g_assert_true(t->result || !memcmp(dst, src, CLUSTER));
    }
    qcow2_codec_free(c);
}

/* What this packs, and says of what does not shrink. */
static void test_pack(void)
{
    g_autofree uint8_t *src = g_malloc0(CLUSTER), *dst = g_malloc(CLUSTER);
    g_autofree uint8_t *packed = g_malloc(CLUSTER);
    Qcow2Codec *packs = qcow2_codec_new(0, true);
    Qcow2Codec *unpacks = qcow2_codec_new(0, false);
    int n;

    fill(src, CLUSTER);
    n = qcow2_codec_run(packs, packed, CLUSTER - 1, src, CLUSTER);
    g_assert_cmpint(n, >, 0);
    g_assert_cmpint(qcow2_codec_run(unpacks, dst, CLUSTER, packed, n), ==, 0);
    g_assert_cmpint(memcmp(src, dst, CLUSTER), ==, 0);
    for (size_t i = 0; i < CLUSTER; i++) {
        src[i] = g_test_rand_int_range(0, 256);
    }
    g_assert_cmpint(qcow2_codec_run(packs, packed, CLUSTER - 1, src, CLUSTER),
                    ==, -ENOSPC);
    qcow2_codec_free(packs);
    qcow2_codec_free(unpacks);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2_codec/unpack/%s",
                                                streams[i].name);

        g_test_add_data_func(path, &streams[i], test_unpack);
    }
    g_test_add_func("/qcow2_codec/pack", test_pack);
    return g_test_run();
}
