/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-balloon: pages, statistics, page reporting; and virtio-rng. */
#include "fuzz-virtio.h"
#include "hw/virtio/virtio-balloon.h"
#include "qapi/qapi-commands-machine.h"
#include "qom/property.h"
#include "util/error.h"

static VirtIODevice *balloon, *rng;

static void balloon_event(VirtIODevice *vdev, uint8_t what, FuzzInput *in)
{
    switch (what % 3) {
    case 0:
        qmp_balloon(fuzz_u32(in), NULL);
        break;
    case 1:
        object_property_set_int(OBJECT(vdev), "guest-stats-polling-interval",
                                fuzz_u8(in), NULL);
        break;
    default:
        qapi_free_BalloonInfo(qmp_query_balloon(NULL));
        break;
    }
}

static const FuzzVirtio fuzz_balloon = {
    .queues = { 0, 1, 2, 3 },
    .n_queues = 4,
    .event = balloon_event,
};

static const FuzzVirtio fuzz_rng = { .queues = { 0 }, .n_queues = 1 };

static void start(void)
{
    fuzz_start_machine();
    fuzz_add_device("{\"driver\":\"virtio-balloon-pci\",\"id\":\"b\","
                    "\"packed\":true,\"in_order\":true,\"ioeventfd\":false,"
                    "\"free-page-reporting\":true}");
    fuzz_add_device("{\"driver\":\"virtio-rng-pci\",\"id\":\"r\","
                    "\"packed\":true,\"in_order\":true,\"ioeventfd\":false,"
                    "\"max-bytes\":1024,\"period\":1000}");
    balloon = fuzz_virtio_find("b");
    rng = fuzz_virtio_find("r");
    fuzz_run_machine();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };

    if (!balloon) {
        start();
    }
    if (fuzz_u8(&in) & 1) {
        fuzz_virtio_run(&fuzz_rng, rng, &in);
    } else {
        fuzz_virtio_run(&fuzz_balloon, balloon, &in);
    }
    return 0;
}
