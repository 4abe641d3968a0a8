/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk requests, split and packed. The first byte chooses the disk: one
 * that completes at once, one that takes its time, a read-only one with large
 * blocks.
 */
#include "fuzz-virtio.h"
#include "block/block.h"

static VirtIODevice *disks[3];

static void blk_event(VirtIODevice *vdev, uint8_t what, FuzzInput *in)
{
    bdrv_drain_all();
}

static const FuzzVirtio fuzz = {
    .queues = { 0, 1 },
    .n_queues = 2,
    .event = blk_event,
};

static void start(void)
{
    fuzz_start_machine();
    fuzz_add_blockdev("{\"driver\":\"null-co\",\"node-name\":\"n0\","
                      "\"size\":1048576,\"read-zeroes\":true}");
    fuzz_add_blockdev("{\"driver\":\"null-co\",\"node-name\":\"n1\","
                      "\"size\":1048576,\"latency-ns\":20000}");
    fuzz_add_blockdev("{\"driver\":\"raw\",\"node-name\":\"n2\","
                      "\"read-only\":true,\"offset\":4096,\"size\":40960,"
                      "\"file\":{\"driver\":\"null-co\",\"size\":1048576}}");
    for (int i = 0; i < 3; i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"driver\":\"virtio-blk-pci\",\"id\":\"d%d\",\"drive\":\"n%d\","
            "\"packed\":true,\"in_order\":true,\"num-queues\":2,"
            "\"logical_block_size\":%d,\"ioeventfd\":false,"
            "\"serial\":\"0123456789012345678901234567890\"}",
            i, i, i == 2 ? 4096 : 512);
        g_autofree char *id = g_strdup_printf("d%d", i);

        fuzz_add_device(json);
        disks[i] = fuzz_virtio_find(id);
    }
    fuzz_run_machine();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };

    if (!disks[0]) {
        start();
    }
    fuzz_virtio_run(&fuzz, disks[fuzz_u8(&in) % G_N_ELEMENTS(disks)], &in);
    return 0;
}
