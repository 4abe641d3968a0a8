/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img: which command it is, and what all of them share. */
#include "util/osdep.h"
#include "img-internal.h"
#include <locale.h>
#include "util/main-loop.h"

typedef struct ImgCommand {
    const char *name;
    ImgCommandFn *run;
    const char *synopsis;
} ImgCommand;

static const ImgCommand commands[] = {
    { "amend", img_amend, "[--object objectdef] [--image-opts] [-p] [-q] "
      "[-f fmt] [-t cache] [--force] -o options filename" },
    { "bench", img_bench, "[-c count] [-d depth] [-f fmt] "
      "[--flush-interval=flush_interval] [-i aio] [-n] [--no-drain] "
      "[-o offset] [--pattern=pattern] [-q] [-s buffer_size] [-S step_size] "
      "[-t cache] [-w] [-U] filename" },
    { "bitmap", img_bitmap, "(--merge SOURCE | --add | --remove | --clear | "
      "--enable | --disable)... [-b source_file [-F source_fmt]] "
      "[-g granularity] [--object objectdef] [--image-opts | -f fmt] filename "
      "bitmap" },
    { "check", img_check, "[--object objectdef] [--image-opts] [-q] [-f fmt] "
      "[--output=ofmt] [-r [leaks | all]] [-T src_cache] [-U] filename" },
    { "commit", img_commit, "[--object objectdef] [--image-opts] [-q] "
      "[-f fmt] [-t cache] [-b base] [-r rate_limit] [-d] [-p] filename" },
    { "compare", img_compare, "[--object objectdef] [--image-opts] [-f fmt] "
      "[-F fmt] [-T src_cache] [-p] [-q] [-s] [-U] filename1 filename2" },
    { "convert", img_convert, "[--object objectdef] [--image-opts] "
      "[--target-image-opts] [--target-is-zero] [--bitmaps] [-U] [-C] [-c] "
      "[-p] [-q] [-n] [-f fmt] [-t cache] [-T src_cache] [-O output_fmt] "
      "[-B backing_file [-F backing_fmt]] [-o options] [-l snapshot_param] "
      "[-S sparse_size] [-r rate_limit] [-m num_coroutines] [-W] [--salvage] "
      "filename [filename2 [...]] output_filename" },
    { "create", img_create, "[--object objectdef] [-q] [-f fmt] "
      "[-b backing_file [-F backing_fmt]] [-u] [-o options] filename [size]" },
    { "dd", img_dd, "[--image-opts] [-U] [-f fmt] [-O output_fmt] "
      "[bs=block_size] [count=blocks] [skip=blocks] if=input of=output" },
    { "info", img_info, "[--object objectdef] [--image-opts] [-f fmt] "
      "[--output=ofmt] [--backing-chain] [-U] filename" },
    { "map", img_map, "[--object objectdef] [--image-opts] [-f fmt] "
      "[--start-offset=offset] [--max-length=len] [--output=ofmt] [-U] "
      "filename" },
    { "measure", img_measure, "[--output=ofmt] [-O output_fmt] [-o options] "
      "[--size N | [--object objectdef] [--image-opts] [-f fmt] "
      "[-l snapshot_param] filename]" },
    { "snapshot", img_snapshot, "[--object objectdef] [--image-opts] [-U] "
      "[-q] [-l | -a snapshot | -c snapshot | -d snapshot] filename" },
    { "rebase", img_rebase, "[--object objectdef] [--image-opts] [-U] [-q] "
      "[-f fmt] [-t cache] [-T src_cache] [-p] [-u] -b backing_file "
      "[-F backing_fmt] filename" },
    { "resize", img_resize, "[--object objectdef] [--image-opts] [-f fmt] "
      "[--preallocation=prealloc] [-q] [--shrink] filename [+ | -]size" },
};

static const char intro[] =
    "usage: %s [standard options] command [command options]\n"
    "Makes, shows, checks and converts disk images.\n\n"
    "    '-h', '--help'       display this help and exit\n"
    "    '-V', '--version'    output version information and exit\n"
    "    '-T', '--trace'      [[enable=]<pattern>][,events=<file>]"
    "[,file=<file>]\n"
    "                         choose trace events\n\n"
    "Command syntax:\n";

static const char parameters[] =
    "\nfmt         format of an image; found out when it is not given\n"
    "cache       none, writeback (the default but for convert), writethrough,\n"
    "            directsync or unsafe (the default for convert)\n"
    "size        bytes; the suffixes k, M, G, T, P and E are powers of 1024\n"
    "options     name=value,...; -o help lists those of a format\n"
    "objectdef   an object as for qemu-system-nemu, for example a secret\n"
    "The manual page nemu-img(1) says what each command does.\n";

int img_help(void)
{
    g_autofree const char **drivers = bdrv_list_drivers();

    tool_print_version(log_get_program_name());
    printf(intro, log_get_program_name());
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        printf("  %s %s\n", commands[i].name, commands[i].synopsis);
    }
    fputs(parameters, stdout);
    printf("\nSupported formats:");
    for (unsigned i = 0; drivers[i]; i++) {
        printf(" %s", drivers[i]);
    }
    printf("\n");
    return 0;
}

/* ---- For the commands ---- */

bool img_begin(int argc, char **argv, const ToolOption *options, int *first,
               int *status)
{
    switch (tool_parse(argc, argv, options, false, first)) {
    case TOOL_PARSED:
        return true;
    case TOOL_PARSED_HELP:
        *status = img_help();
        return false;
    default:
        *status = 1;
        return false;
    }
}

bool img_check_mode(bool image_opts, const char *format)
{
    if (image_opts && format) {
        error_report("--image-opts and --format are mutually exclusive");
        return false;
    }
    return true;
}

char *img_join_options(const GPtrArray *list)
{
    GString *all = list ? g_string_new(NULL) : NULL;

    for (guint i = 0; list && i < list->len; i++) {
        g_string_append_printf(all, "%s%s", i ? "," : "",
                               (char *)g_ptr_array_index(list, i));
    }
    return list ? g_string_free(all, FALSE) : NULL;
}

bool img_options_want_help(const char *text)
{
    g_auto(GStrv) items = g_strsplit(text ? text : "", ",", -1);

    return g_strv_contains((const char *const *)items, "help") ||
           g_strv_contains((const char *const *)items, "?");
}

typedef struct StatusCall {
    BlockDriverState *bs, *base;
    bool want_zero;
    int64_t offset, bytes;
    BdrvStatus *st;
} StatusCall;

static int coroutine_fn status_co(void *opaque)
{
    StatusCall *c = opaque;

    return bdrv_co_status_above(c->bs, c->base, c->want_zero, c->offset,
                                c->bytes, c->st);
}

int img_status(BlockDriverState *bs, BlockDriverState *base, bool want_zero,
               int64_t offset, int64_t bytes, BdrvStatus *st)
{
    StatusCall c = { bs, base, want_zero, offset, bytes, st };

    return bdrv_run(main_context(), status_co, &c);
}

/* ---- Start ---- */

static int run_command(int argc, char **argv)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(commands[i].name, argv[0])) {
            return commands[i].run(argc, argv);
        }
    }
    return tool_usage_error("Command not found: %s", argv[0]);
}

int main(int argc, char **argv)
{
    bool version = false;
    const ToolOption options[] = {
        IMG_OPT_HELP,
        { 'V', "version", TOOL_FLAG, &version },
        { 'T', "trace", TOOL_TRACE, NULL },
        IMG_OPT_END,
    };
    ToolParsed parsed;
    int first, status;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    tool_init(argv[0]);
    parsed = tool_parse(argc, argv, options, true, &first);
    if (parsed == TOOL_PARSED_HELP) {
        status = img_help();
    } else if (parsed == TOOL_PARSE_ERROR) {
        status = 1;
    } else if (version) {
        tool_print_version(log_get_program_name());
        status = 0;
    } else if (first >= argc) {
        status = tool_usage_error("Not enough arguments");
    } else {
        status = run_command(argc - first, argv + first);
    }
    tool_cleanup();
    return status;
}
