/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image whose format was guessed to be raw must stay one, whatever the guest
 * writes: else the next start would take its word for the format. The input is
 * the image's first sector, then pieces with their places.
 */
#include "util/osdep.h"
#include "../unit/lib/mem-node.h"
#include "fuzz-loop.h"

#define IMAGE_BYTES 4096

static BlockDriverState *open_raw(BlockDriverState *file)
{
    BlockdevRef ref = { .type = QAPI_KIND_STRING,
                        .u.reference = file->node_name };
    BlockdevOptions o = { .driver = BLOCKDEV_DRIVER_RAW };
    BlockDriverState *bs;

    o.u.raw.file = &ref;
    bs = bdrv_open(&o, NULL);
    g_assert(bs);
    bs->probed = true;
    bdrv_refresh_limits(bs);
    return bs;
}

typedef struct Write {
    BlockDriverState *bs;
    int64_t offset, bytes;
    const uint8_t *data;
} Write;

static int coroutine_fn write_co(void *opaque)
{
    Write *w = opaque;

    return bdrv_co_pwrite(w->bs, w->offset, w->data, w->bytes, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t image[IMAGE_BYTES] = { 0 };
    BlockDriverState *file, *bs;
    size_t pos = 512;

    fuzz_start_loop();
    memcpy(image, data, MIN(size, (size_t)512));
    if (!bdrv_probes_as_raw(image, 512)) {
        return 0;
    }
    file = mem_node_new("file", image, IMAGE_BYTES);
    bs = open_raw(file);
    while (pos + 3 < size) {
        Write w = { bs, (data[pos] << 8 | data[pos + 1]) & 1023,
                    data[pos + 2] + 1, data + pos + 3 };

        pos += 3;
        w.bytes = MIN(w.bytes, (int64_t)(size - pos));
        pos += w.bytes;
        bdrv_run(bs->ctx, write_co, &w);
        g_assert(bdrv_probes_as_raw(((MemNode *)file->opaque)->data, 512));
    }
    bdrv_unref(bs);
    bdrv_unref(file);
    return 0;
}
