/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-io: the command line, and commands from it or standard input. */
#include "util/osdep.h"
#include "io-internal.h"
#include <locale.h>
#include "util/main-loop.h"

static const char usage[] =
    "Usage: %s [OPTIONS]... [-c STRING]... [file]\n"
    "Reads and writes a disk image by commands.\n\n"
    "  --object OBJECTDEF   make an object, for example a secret\n"
    "  --image-opts         the file is given by options\n"
    "  -c, --cmd STRING     run a command; may be repeated\n"
    "  -f, --format FMT     format of the image\n"
    "  -r, --read-only      open for reading only\n"
    "  -s, --snapshot       writes are lost at the end\n"
    "  -n, --nocache        short for -t none\n"
    "  -C, --copy-on-read   copy what is read from the backing file\n"
    "  -m, --misalign       accepted; buffers are aligned all the same\n"
    "  -k, --native-aio     short for -i native\n"
    "  -i, --aio=MODE       threads, native or io_uring\n"
    "  -t, --cache=MODE     none, writeback, writethrough, directsync, unsafe\n"
    "  -d, --discard=MODE   ignore or unmap\n"
    "  -T, --trace PATTERN  choose trace events\n"
    "  -U, --force-share    others may write at the same time\n"
    "  -h, --help           display this help and exit\n"
    "  -V, --version        output version information and exit\n\n"
    "See '%s -c help' for information on available commands.\n";

typedef struct IoArgs {
    GPtrArray *commands;
    bool read_only, no_cache, misalign, native, version;
    const char *discard;
} IoArgs;

static bool one_of(const char *val, const char *const *list)
{
    return !val || g_strv_contains(list, val);
}

static bool apply_args(IoState *s, const IoArgs *a)
{
    static const char *const aios[] = { "threads", "native", "io_uring", NULL };

    if (a->no_cache) {
        s->open.cache = "none";
    }
    if (a->native) {
        s->open.aio = "native";
    }
    if (!tool_check_cache(s->open.cache)) {
        error_report("Invalid cache option: %s", s->open.cache);
        return false;
    }
    if (!one_of(s->open.aio, aios)) {
        error_report("Invalid aio option: %s", s->open.aio);
        return false;
    }
    if (!io_set_discard(s, a->discard ? a->discard : "unmap")) {
        return false;
    }
    if (s->open.image_opts && s->open.format) {
        error_report("--image-opts and -f are mutually exclusive");
        return false;
    }
    s->image_opts = s->open.image_opts;
    s->open.write = !a->read_only;
    return true;
}

static int run_stdin(IoState *s)
{
    g_autofree char *line = NULL;
    bool prompt = true;
    size_t size = 0;
    int failed = 0;

    while (!s->quit) {
        if (prompt) {
            printf("%s> ", log_get_program_name());
            fflush(stdout);
        }
        if (getline(&line, &size, stdin) < 0) {
            break;
        }
        failed |= io_run_line(s, line) < 0;
        fflush(stdout);
    }
    if (!s->quit) {
        printf("\n");
    }
    return failed;
}

static int run_commands(IoState *s, const IoArgs *a)
{
    int failed = 0;

    if (!a->commands) {
        return run_stdin(s);
    }
    for (guint i = 0; i < a->commands->len && !s->quit; i++) {
        failed |= io_run_line(s, g_ptr_array_index(a->commands, i)) < 0;
        fflush(stdout);
    }
    return failed;
}

static int run(IoState *s, const IoArgs *a, int argc, char **argv)
{
    Error *err = NULL;
    int status;

    if (argc > 1) {
        printf(usage, log_get_program_name(), log_get_program_name());
        return 1;
    }
    if (!apply_args(s, a)) {
        return 1;
    }
    if (argc && !io_open(s, argv[0], &err)) {
        tool_report_err(err);
        return 1;
    }
    status = run_commands(s, a);
    /* What is still on its way shows its result first. */
    io_close(s);
    fflush(stdout);
    return status;
}

int main(int argc, char **argv)
{
    static IoState s;
    IoArgs a = { 0 };
    const ToolOption options[] = {
        { 'h', "help", TOOL_HELP, NULL },
        { 'V', "version", TOOL_FLAG, &a.version },
        { 'c', "cmd", TOOL_LIST, &a.commands },
        { 'f', "format", TOOL_TEXT, &s.open.format },
        { 'r', "read-only", TOOL_FLAG, &a.read_only },
        { 's', "snapshot", TOOL_FLAG, &s.snapshot },
        { 'n', "nocache", TOOL_FLAG, &a.no_cache },
        { 'C', "copy-on-read", TOOL_FLAG, &s.copy_on_read },
        { 'm', "misalign", TOOL_FLAG, &a.misalign },
        { 'k', "native-aio", TOOL_FLAG, &a.native },
        { 'i', "aio", TOOL_TEXT, &s.open.aio },
        { 't', "cache", TOOL_TEXT, &s.open.cache },
        { 'd', "discard", TOOL_TEXT, &a.discard },
        { 'T', "trace", TOOL_TRACE, NULL },
        { 'U', "force-share", TOOL_FLAG, &s.open.force_share },
        { 0, "object", TOOL_OBJECT, NULL },
        { 0, "image-opts", TOOL_FLAG, &s.open.image_opts },
        { 0, NULL, TOOL_FLAG, NULL },
    };
    ToolParsed parsed;
    int first, status = 1;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    tool_init(argv[0]);
    parsed = tool_parse(argc, argv, options, false, &first);
    if (parsed == TOOL_PARSED_HELP) {
        printf(usage, log_get_program_name(), log_get_program_name());
        status = 0;
    } else if (a.version) {
        tool_print_version(log_get_program_name());
        status = 0;
    } else if (parsed == TOOL_PARSED) {
        status = run(&s, &a, argc - first, argv + first);
    }
    tool_cleanup();
    return status;
}
