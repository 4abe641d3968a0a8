/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of the fuzz targets that need one. */
#include "fuzz-machine.h"
#include <json-c/json.h>
#include "block/block.h"
#include "hw/core/qdev-monitor.h"
#include "qapi/qapi-commands-block-core.h"
#include "qapi/qapi-visit-block-core.h"
#include "qapi/visitor.h"
#include "util/bytes.h"
#include "util/error.h"
#include "tests/unit/lib/machine.h"

/* Turns of the main loop that one step of an input may take. */
#define POLL_MAX 1000

static void must(bool ok, Error **errp)
{
    if (!ok) {
        error_report_err(*errp);
        abort();
    }
}

void fuzz_start_machine(void)
{
    test_machine_new(FUZZ_RAM_BYTES);
}

void fuzz_add_blockdev(const char *json)
{
    struct json_object *tree = json_tokener_parse(json);
    g_autoptr(Visitor) v = input_visitor_new(tree, VISIT_INPUT_JSON);
    g_autoptr(BlockdevOptions) opts = NULL;
    Error *err = NULL;

    must(visit_type_BlockdevOptions(v, NULL, &opts, &err), &err);
    must(qmp_blockdev_add(opts, &err), &err);
    json_object_put(tree);
}

void fuzz_add_device(const char *json)
{
    struct json_object *opts = json_tokener_parse(json);
    Error *err = NULL;

    must(qdev_device_add(opts, &err), &err);
    json_object_put(opts);
}

void fuzz_run_machine(void)
{
    test_machine_start(machine_get());
}

void fuzz_poll(void)
{
    int n = 0;

    while (aio_poll(main_context(), false)) {
        if (++n == POLL_MAX) {
            abort();
        }
    }
}

uint8_t fuzz_u8(FuzzInput *in)
{
    if (!in->left) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

uint16_t fuzz_u16(FuzzInput *in)
{
    uint16_t low = fuzz_u8(in);

    return low | (uint16_t)fuzz_u8(in) << 8;
}

uint32_t fuzz_u32(FuzzInput *in)
{
    uint32_t low = fuzz_u16(in);

    return low | (uint32_t)fuzz_u16(in) << 16;
}

uint64_t fuzz_u64(FuzzInput *in)
{
    uint64_t low = fuzz_u32(in);

    return low | (uint64_t)fuzz_u32(in) << 32;
}

size_t fuzz_bytes(FuzzInput *in, const uint8_t **bytes, size_t len)
{
    len = MIN(len, in->left);
    *bytes = in->data;
    in->data += len;
    in->left -= len;
    return len;
}
