/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-io: finding and running commands; help; numbers and reports. */
#include "util/osdep.h"
#include "io-internal.h"
#include <getopt.h>
#include <math.h>
#include <signal.h>

static const IoCommand *const tables[] = {
    io_rw_commands, io_aio_commands, io_misc_commands, io_open_commands,
};

/* ---- Commands ---- */

const IoCommand *io_find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        for (const IoCommand *c = tables[i]; c->name; c++) {
            if (g_str_equal(c->name, name) ||
                (c->alias && g_str_equal(c->alias, name))) {
                return c;
            }
        }
    }
    return NULL;
}

static void print_oneline(const IoCommand *c)
{
    printf("%s %s%s-- %s\n", c->name, c->args ? c->args : "",
           c->args ? " " : "", c->oneline);
}

int io_usage(const char *name)
{
    print_oneline(io_find_command(name));
    return -EINVAL;
}

static int compare_commands(const void *a, const void *b)
{
    const IoCommand *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int help_all(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        for (const IoCommand *c = tables[i]; c->name; c++) {
            g_ptr_array_add(all, (gpointer)c);
        }
    }
    g_ptr_array_sort(all, compare_commands);
    for (guint i = 0; i < all->len; i++) {
        print_oneline(g_ptr_array_index(all, i));
    }
    printf("\nUse 'help commandname' for extended help.\n");
    return 0;
}

static int cmd_help(IoState *s, int argc, char **argv)
{
    const IoCommand *c;

    if (argc == 1) {
        return help_all();
    }
    c = io_find_command(argv[1]);
    if (!c) {
        printf("command %s not found\n", argv[1]);
        return -EINVAL;
    }
    print_oneline(c);
    if (c->help) {
        printf("\n%s\n", c->help);
    }
    return 0;
}

static int cmd_quit(IoState *s, int argc, char **argv)
{
    s->quit = true;
    return 0;
}

/* ---- Ends that nobody expects: a crash, to see what images make of it ---- */

static int cmd_abort(IoState *s, int argc, char **argv)
{
    abort();
}

static int cmd_sigraise(IoState *s, int argc, char **argv)
{
    int64_t number = io_number(argv[1]);

    if (number < 0) {
        return -EINVAL;
    }
    if (number > SIGRTMAX) {
        printf("signal argument '%s' is too large to be a valid signal\n",
               argv[1]);
        return -EINVAL;
    }
    raise(number);
    return 0;
}

/* Help is here, as it needs the tables. */
const IoCommand io_misc_commands[] = {
    { "abort", NULL, cmd_abort, 0, 0, .no_file = true,
      .oneline = "simulate a program crash using abort(3)" },
    { "help", "?", cmd_help, 0, 1, .no_file = true, .args = "[command]",
      .oneline = "help for one or all commands" },
    { "quit", "q", cmd_quit, 0, 0, .no_file = true,
      .oneline = "exit the program" },
    { "sigraise", NULL, cmd_sigraise, 1, 1, .no_file = true, .args = "signal",
      .oneline = "raises a signal",
      .help = " signal is a number, as of kill(1)" },
    { NULL },
};

static bool check_count(const IoCommand *c, int n)
{
    if (n >= c->min && (c->max < 0 || n <= c->max)) {
        return true;
    }
    if (c->max < 0) {
        fprintf(stderr, "bad argument count %d to %s, expected at least %d "
                "arguments\n", n, c->name, c->min);
    } else if (c->min == c->max) {
        fprintf(stderr, "bad argument count %d to %s, expected %d arguments\n",
                n, c->name, c->min);
    } else {
        fprintf(stderr, "bad argument count %d to %s, expected between %d and "
                "%d arguments\n", n, c->name, c->min, c->max);
    }
    return false;
}

/* The rights are kept: a later command would ask again. */
static bool take_rights(IoState *s, const IoCommand *c)
{
    Error *err = NULL;

    if (!c->perm || !s->blk) {
        return true;
    }
    if (!blk_supports_write_perm(s->blk)) {
        error_report("Block node is read-only");
        return false;
    }
    if (!tool_add_perm(s->blk, c->perm, &err)) {
        tool_report_err(err);
        return false;
    }
    return true;
}

int io_run_line(IoState *s, const char *line)
{
    g_auto(GStrv) parts = g_strsplit_set(line, " \t\n", -1);
    g_autofree char **argv = g_new0(char *, g_strv_length(parts) + 1);
    const IoCommand *c;
    int argc = 0;

    for (unsigned i = 0; parts[i]; i++) {
        if (*parts[i]) {
            argv[argc++] = parts[i];
        }
    }
    if (!argc) {
        return 0;
    }
    c = io_find_command(argv[0]);
    if (!c) {
        fprintf(stderr, "command \"%s\" not found\n", argv[0]);
        return -EINVAL;
    }
    if (!c->no_file && !s->blk) {
        fprintf(stderr, "no file open, try 'help open'\n");
        return -EINVAL;
    }
    if (!check_count(c, argc - 1) || !take_rights(s, c)) {
        return -EINVAL;
    }
    return c->run(s, argc, argv);
}

/* ---- Arguments ---- */

int64_t io_number(const char *text)
{
    uint64_t val;

    if (!parse_size(text, 'B', &val, NULL) || val > INT64_MAX) {
        printf("Parsing error: non-numeric argument, or extraneous/"
               "unrecognized suffix -- %s\n", text);
        return -1;
    }
    return val;
}

int64_t io_length(const char *text)
{
    int64_t val = io_number(text);

    if (val > BDRV_REQUEST_MAX_BYTES) {
        printf("length cannot exceed %" PRId64 ", given %s\n",
               (int64_t)BDRV_REQUEST_MAX_BYTES, text);
        return -1;
    }
    return val;
}

bool io_parse_pattern(const char *text, int *pattern)
{
    char *end;
    long val = strtol(text, &end, 0);

    if (!*text || *end || val < 0 || val > 0xff) {
        printf("%s is not a valid pattern byte\n", text);
        return false;
    }
    *pattern = val;
    return true;
}

static bool set_flag(IoFlags *f, int ch, const char *arg)
{
    switch (ch) {
    case 'b': f->v_b = true; return true;
    case 'C': f->v_C = true; return true;
    case 'c': f->v_c = true; return true;
    case 'f': f->v_f = true; return true;
    case 'i': f->v_i = true; return true;
    case 'n': f->v_n = true; return true;
    case 'q': f->v_q = true; return true;
    case 'u': f->v_u = true; return true;
    case 'v': f->v_v = true; return true;
    case 'z': f->v_z = true; return true;
    case 'P': f->pattern = arg; return true;
    case 's': f->start = arg; return true;
    case 'l': f->length = arg; return true;
    default:
        return ch == 'p';           /* older scripts give it */
    }
}

bool io_parse_flags(int argc, char **argv, const char *letters, IoFlags *f,
                    int *first)
{
    int ch;

    optind = 0;
    opterr = 1;
    while ((ch = getopt(argc, argv, letters)) != -1) {
        if (!set_flag(f, ch, optarg)) {
            io_usage(argv[0]);
            return false;
        }
    }
    *first = optind;
    return true;
}

/* ---- Output ---- */

char *io_size_text(double bytes)
{
    static const char *const units[] = {
        "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB",
    };
    unsigned unit = 0;
    char num[64];
    size_t len;

    while (unit + 1 < G_N_ELEMENTS(units) && bytes >= 1024) {
        bytes /= 1024;
        unit++;
    }
    len = snprintf(num, sizeof(num), unit ? "%.3f" : "%f", bytes);
    if (bytes == floor(bytes)) {
        len = strcspn(num, ".");
    }
    return g_strdup_printf("%.*s %s", (int)len, num, units[unit]);
}

static char *time_text(double secs, bool fixed)
{
    unsigned whole = secs, hundredths = (secs - whole) * 100;
    unsigned hours = whole / 3600, mins = whole / 60 % 60;

    whole %= 60;
    if (fixed) {
        return g_strdup_printf("%u:%02u:%02u.%02u", hours, mins, whole,
                               hundredths);
    }
    return hours || mins ?
           g_strdup_printf("%u:%02u:%02u.%02u", hours, mins, whole,
                           hundredths) :
           g_strdup_printf("%02u.%02u sec", whole, hundredths);
}

void io_print_report(const char *op, int64_t start_ns, int64_t offset,
                     int64_t count, int64_t total, const IoFlags *f)
{
    int64_t ns = clock_get_ns(CLOCK_REALTIME_NS) - start_ns;
    double secs = MAX(ns, 1) / (double)NSEC_PER_SEC;
    g_autofree char *when = time_text(secs, f->v_C);
    g_autofree char *amount = io_size_text(total);
    g_autofree char *speed = io_size_text(total / secs);

    if (f->v_q) {
        return;
    }
    if (f->v_C) {
        printf("%" PRId64 ",%d,%s,%.3f,%.3f\n", total, 1, when, total / secs,
               1 / secs);
        return;
    }
    printf("%s %" PRId64 "/%" PRId64 " bytes at offset %" PRId64 "\n"
           "%s, %d ops; %s (%s/sec and %.4f ops/sec)\n", op, total, count,
           offset, amount, 1, when, speed, 1 / secs);
}

void io_dump(const uint8_t *buf, int64_t offset, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 16) {
        int64_t n = MIN(16, bytes - i);

        printf("%08" PRIx64 ":  ", offset + i);
        for (int64_t k = 0; k < n; k++) {
            printf("%02x ", buf[i + k]);
        }
        printf(" ");
        for (int64_t k = 0; k < n; k++) {
            printf("%c", g_ascii_isalnum(buf[i + k]) ? buf[i + k] : '.');
        }
        printf("\n");
    }
}

bool io_verify(const uint8_t *buf, int pattern, int64_t offset, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i++) {
        if (buf[i] != pattern) {
            printf("Pattern verification failed at offset %" PRId64 ", %"
                   PRId64 " bytes\n", offset, bytes);
            return false;
        }
    }
    return true;
}
