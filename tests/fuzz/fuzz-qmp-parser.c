/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything between bytes and C values: the JSON stream, dispatch, the
 * visitors in both modes, and option texts. The first byte of the input
 * chooses; what is read is written, read again and must then be the same.
 */
#include "util/osdep.h"
#include "qapi/dispatch.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/qapi-options.h"
#include "qapi/qapi-visit-block-core.h"
#include "qapi/qapi-visit-char.h"
#include "qapi/qapi-visit-introspect.h"
#include "qapi/qapi-visit-net.h"
#include "qapi/qapi-visit-qom.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A value that was read in KEYVAL mode is strict JSON when written. */
#define VISIT_BOTH_WAYS(T)                                                     \
    static bool both_ways_##T(struct json_object *args,                        \
                              struct json_object **ret, Error **errp)          \
    {                                                                          \
        VisitInputMode mode = VISIT_INPUT_KEYVAL;                              \
                                                                               \
        for (int round = 0; round < 2; round++) {                              \
            g_autoptr(Visitor) in = input_visitor_new(args, mode);             \
            g_autoptr(Visitor) out = output_visitor_new();                     \
            g_autoptr(T) val = NULL;                                           \
                                                                               \
            if (!visit_type_##T(in, NULL, &val, errp)) {                       \
                g_assert(round == 0 && !val);                                  \
                return false;                                                  \
            }                                                                  \
            visit_type_##T(out, NULL, &val, NULL);                             \
            json_object_put(*ret);                                             \
            *ret = output_visitor_take(out);                                   \
            args = *ret;                                                       \
            mode = VISIT_INPUT_JSON;                                           \
            if (round == 1) {                                                  \
                break;                                                         \
            }                                                                  \
        }                                                                      \
        return true;                                                           \
    }

VISIT_BOTH_WAYS(BlockdevOptions)
VISIT_BOTH_WAYS(ChardevBackend)
VISIT_BOTH_WAYS(Netdev)
VISIT_BOTH_WAYS(ObjectOptions)
VISIT_BOTH_WAYS(SchemaInfo)

static const QmpCommand commands[] = {
    { "block", both_ways_BlockdevOptions, QMP_ALLOW_OOB },
    { "char", both_ways_ChardevBackend, QMP_NO_SUCCESS_RESP },
    { "net", both_ways_Netdev, QMP_ALLOW_PRECONFIG },
    { "object", both_ways_ObjectOptions, 0 },
    { "schema", both_ways_SchemaInfo, QMP_ALLOW_OOB },
};
static const QmpCommandTable table = { commands, G_N_ELEMENTS(commands) };

static void run_value(void *opaque, struct json_object *value, Error *err)
{
    const QmpDispatchContext *ctx = opaque;
    struct json_object *response;
    g_autofree char *text = NULL;

    if (err) {
        response = qmp_error_response(NULL, err);
        error_free(err);
    } else {
        response = qmp_dispatch(&table, value, ctx);
    }
    text = json_print(response, false);
    json_object_put(response);
    json_object_put(value);
}

static void run_stream(const QmpDispatchContext *ctx, const char *text,
                       size_t size)
{
    JsonStream *s = json_stream_new(run_value, (void *)ctx);

    json_stream_feed(s, text, size / 2);
    json_stream_feed(s, text + size / 2, size - size / 2);
    json_stream_end(s);
    json_stream_free(s);
}

static void run_option(int id, const char *arg)
{
    g_autoptr(CliOptions) opts = cli_new(&cli_table);
    g_autoptr(Error) err = NULL;

    if (cli_add(opts, cli_table.options[id].name, arg, &err)) {
        cli_check(opts, &err);
    }
}

static void run_config(const char *text)
{
    g_autoptr(CliOptions) opts = cli_new(&cli_table);
    g_autoptr(Error) err = NULL;

    cli_read_config(opts, "fuzz", text, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = NULL;

    if (size < 1) {
        return 0;
    }
    text = g_strndup((const char *)data + 1, size - 1);
    if (data[0] >= '0' && data[0] < '4') {
        QmpDispatchContext ctx = { .oob_enabled = data[0] & 1,
                                   .preconfig = data[0] & 2 };

        run_stream(&ctx, (const char *)data + 1, size - 1);
    } else if (data[0] == '4') {
        run_config(text);
    } else {
        run_option(data[0] % cli_table.count, text);
    }
    return 0;
}
