/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the tools, from tables; objects; numbers. */
#include "util/osdep.h"
#include "tools-internal.h"
#include <getopt.h>
#include <json-c/json.h>
#include "qapi/json.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-visit-qom.h"
#include "qapi/visitor.h"
#include "qom/object.h"
#include "trace/control.h"
#include "util/keyval.h"
#include "util/main-loop.h"
#include "util/rcu.h"

#define LONG_ONLY 0x100             /* values of options without a letter */
/* About what a short request takes, with the sleep and the wake-up that a look
 * for its end saves. */
#define SPIN_NS 65536

void tool_init(const char *argv0)
{
    g_autoptr(Error) err = NULL;

    log_set_program_name(argv0);
    rcu_register_thread();
    bql_lock();
    signal(SIGPIPE, SIG_IGN);
    if (!main_loop_init(&err)) {
        tool_report_err(g_steal_pointer(&err));
        exit(EXIT_FAILURE);
    }
    aio_context_set_poll_params(main_context(), SPIN_NS, 0, 0, NULL);
    bdrv_allow_legacy_crypto();
}

void tool_cleanup(void)
{
    block_cleanup();
    user_creatable_cleanup();
}

void tool_print_version(const char *name)
{
    printf("%s version 8.2.0 (nemu-%s)\n"
           "NEMU, a hypervisor for cloud workloads, KVM only\n", name,
           NEMU_VERSION);
}

int tool_usage_error(const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report("%s", text);
    error_printf("Try '%s --help' for more information\n",
                 log_get_program_name());
    return 1;
}

void tool_report_err(Error *err)
{
    error_report("%s", error_get_pretty(err));
    if (error_get_hint(err)) {
        error_printf("%s\n", error_get_hint(err));
    }
    error_free(err);
}

/* ---- Objects, traces ---- */

static struct json_object *object_tree(const char *text, Error **errp)
{
    struct json_object *tree = NULL;

    if (*text != '{') {
        return keyval_parse(text, "qom-type", NULL, errp);
    }
    return json_parse(text, strlen(text), &tree, errp) ? tree : NULL;
}

bool tool_add_object(const char *text, Error **errp)
{
    struct json_object *tree = object_tree(text, errp);
    g_autoptr(Visitor) v = NULL;
    ObjectOptions *o = NULL;
    bool ok;

    if (!tree) {
        return false;
    }
    v = input_visitor_new(tree, *text == '{' ? VISIT_INPUT_JSON :
                                               VISIT_INPUT_KEYVAL);
    ok = visit_type_ObjectOptions(v, NULL, &o, errp) &&
         qmp_object_add(o, errp);
    qapi_free_ObjectOptions(o);
    json_object_put(tree);
    return ok;
}

static ToolParsed do_trace(const char *text, Error **errp)
{
    bool help = false;

    if (!trace_option(text, &help, errp)) {
        return TOOL_PARSE_ERROR;
    }
    if (help) {
        trace_list();
        exit(EXIT_SUCCESS);
    }
    return TOOL_PARSED;
}

/* ---- Tables ---- */

static bool takes_argument(ToolKind kind)
{
    return kind != TOOL_FLAG && kind != TOOL_HELP;
}

static void make_tables(const ToolOption *options, bool stop, GString *letters,
                        GArray *longs)
{
    /* "+": stop at the first that is no option; ":": tell a lack apart. */
    g_string_append(letters, stop ? "+:" : ":");
    for (int i = 0; options[i].ch || options[i].name; i++) {
        const ToolOption *o = &options[i];

        if (o->ch) {
            g_string_append_c(letters, o->ch);
            g_string_append(letters, takes_argument(o->kind) ? ":" : "");
        }
        if (o->name) {
            struct option row = {
                o->name, takes_argument(o->kind), NULL, LONG_ONLY + i,
            };

            g_array_append_val(longs, row);
        }
    }
}

static const ToolOption *find_option(const ToolOption *options, int ch)
{
    if (ch >= LONG_ONLY) {
        return &options[ch - LONG_ONLY];
    }
    while (options->ch != ch) {
        options++;
    }
    return options;
}

static ToolParsed set_output(bool *json, const char *text)
{
    if (!g_str_equal(text, "json") && !g_str_equal(text, "human")) {
        error_report("--output must be used with human or json as argument.");
        return TOOL_PARSE_ERROR;
    }
    *json = g_str_equal(text, "json");
    return TOOL_PARSED;
}

static ToolParsed apply_option(const ToolOption *o, const char *arg,
                               Error **errp)
{
    GPtrArray **list = o->to;

    switch (o->kind) {
    case TOOL_FLAG:
        *(bool *)o->to = true;
        return TOOL_PARSED;
    case TOOL_TEXT:
        *(const char **)o->to = arg;
        return TOOL_PARSED;
    case TOOL_LIST:
        *list = *list ? *list : g_ptr_array_new();
        g_ptr_array_add(*list, (char *)arg);
        return TOOL_PARSED;
    case TOOL_OBJECT:
        return tool_add_object(arg, errp) ? TOOL_PARSED : TOOL_PARSE_ERROR;
    case TOOL_OUTPUT:
        return set_output(o->to, arg);
    case TOOL_TRACE:
        return do_trace(arg, errp);
    default:
        return TOOL_PARSED_HELP;
    }
}

ToolParsed tool_parse(int argc, char **argv, const ToolOption *options,
                      bool stop, int *first)
{
    g_autoptr(GString) letters = g_string_new(NULL);
    g_autoptr(GArray) longs = g_array_new(TRUE, TRUE, sizeof(struct option));
    ToolParsed result = TOOL_PARSED;
    Error *err = NULL;
    int ch;

    make_tables(options, stop, letters, longs);
    optind = 0;
    opterr = 0;
    while (result == TOOL_PARSED &&
           (ch = getopt_long(argc, argv, letters->str,
                             (struct option *)longs->data, NULL)) != -1) {
        if (ch == ':' || ch == '?') {
            tool_usage_error(ch == ':' ?
                             "missing argument for option '%s'" :
                             "unrecognized option '%s'", argv[optind - 1]);
            return TOOL_PARSE_ERROR;
        }
        result = apply_option(find_option(options, ch), optarg, &err);
    }
    if (err) {
        tool_report_err(err);
    }
    *first = optind;
    return result;
}

/* ---- Numbers ---- */

/* Digits and a suffix: what is wrong is how large it is. */
static bool is_number(const char *text)
{
    text += strspn(text, "0123456789.");
    return !*text || (strchr("bkmgtpeBKMGTPE", *text) && !text[1]);
}

int64_t tool_parse_number(const char *what, const char *text, int64_t min,
                          int64_t max)
{
    uint64_t val;
    bool ok = parse_size(text, 'B', &val, NULL);

    if (!ok && (!*text || !is_number(text))) {
        error_report("Invalid %s specified. You may use k, M, G, T, P or E "
                     "suffixes for", what);
        error_report("kilobytes, megabytes, gigabytes, terabytes, petabytes "
                     "and exabytes.");
        return -1;
    }
    if (ok && val >= (uint64_t)min && val <= (uint64_t)max) {
        return val;
    }
    if (max == INT64_MAX && min > 0) {
        error_report("Invalid %s specified. Must be at least %" PRId64 ".",
                     what, min);
    } else {
        error_report("Invalid %s specified. Must be between %" PRId64 " and %"
                     PRId64 ".", what, min, max);
    }
    return -1;
}

bool tool_parse_prealloc(const char *text, PreallocMode *mode)
{
    for (int i = 0; i < PREALLOC_MODE__MAX; i++) {
        if (g_str_equal(text, PreallocMode_str(i))) {
            *mode = i;
            return true;
        }
    }
    error_report("Invalid preallocation mode '%s'", text);
    return false;
}
