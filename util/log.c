/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process says to its operator; see include/util/log.h. */
#include "util/osdep.h"
#include <time.h>
#include "util/log.h"
#include "util/cutils.h"
#include "util/error.h"

uint32_t log_mask;

static FILE *log_file;                  /* NULL: standard error */
static const char *program_name = "qemu-system-nemu";
static char *guest_name;
static bool timestamps;

static const struct {
    uint32_t bit;
    const char *name;
    const char *help;
} log_items[] = {
    { LOG_GUEST_ERROR, "guest_errors",
      "log when the guest breaks a device's specification" },
    { LOG_UNIMP, "unimp", "log use of what a device does not implement" },
    { LOG_TRACE, "trace", "log every trace event" },
};

static FILE *log_stream(void)
{
    return log_file ? log_file : stderr;
}

int log_get_fd(void)
{
    return log_file ? fileno(log_file) : -1;
}

static void PRINTF(2, 0) log_line(const char *level, const char *fmt,
                                  va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    g_autofree char *stamp = NULL;

    if (timestamps) {
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *sec = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

        stamp = g_strdup_printf("%s.%06dZ ", sec,
                                g_date_time_get_microsecond(now));
    }
    fprintf(stderr, "%s%s%s%s: %s%s\n", stamp ? stamp : "",
            guest_name ? guest_name : "", guest_name ? " " : "", program_name,
            level, text);
    fflush(stderr);
}

void error_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line("", fmt, ap);
    va_end(ap);
}

void error_printf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void warn_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line("warning: ", fmt, ap);
    va_end(ap);
}

void info_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line("info: ", fmt, ap);
    va_end(ap);
}

/*
 * Take a token. Returns false when the message must be dropped. When a window
 * opens after drops, the count goes to *@suppressed.
 */
static bool log_rate_limit_ok(LogRateLimit *rl, uint32_t *suppressed)
{
    int64_t now = g_get_monotonic_time() * NSEC_PER_USEC;

    *suppressed = 0;
    if (now - rl->window_start_ns >= rl->interval_ns) {
        rl->window_start_ns = now;
        rl->used = 0;
        *suppressed = rl->suppressed;
        rl->suppressed = 0;
    }
    if (rl->used >= rl->burst) {
        rl->suppressed++;
        return false;
    }
    rl->used++;
    return true;
}

void guest_error(const char *dev, const char *fmt, ...)
{
    static GMutex lock;
    static LogRateLimit limit = { .interval_ns = NSEC_PER_SEC, .burst = 10 };
    g_autofree char *text = NULL;
    uint32_t dropped;
    bool ok;
    va_list ap;

    if (!(log_mask & LOG_GUEST_ERROR)) {
        return;
    }
    g_mutex_lock(&lock);
    ok = log_rate_limit_ok(&limit, &dropped);
    g_mutex_unlock(&lock);
    if (!ok) {
        return;
    }
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (dropped) {
        log_printf("%s: %s (%u more guest errors not shown)\n", dev, text,
                   dropped);
    } else {
        log_printf("%s: %s\n", dev, text);
    }
}

static void log_item_unknown(const char *name, Error **errp)
{
    const char *names[G_N_ELEMENTS(log_items) + 1] = { NULL };

    for (size_t i = 0; i < G_N_ELEMENTS(log_items); i++) {
        names[i] = log_items[i].name;
    }
    error_setg(errp, "unknown log item '%s'", name);
    if (!error_hint_closest(errp, name, names)) {
        error_append_hint(errp, "-d help lists the log items");
    }
}

bool log_set_mask(const char *items, Error **errp)
{
    g_auto(GStrv) names = g_strsplit(items, ",", -1);
    uint32_t mask = 0;

    for (char **n = names; *n; n++) {
        size_t i;

        for (i = 0; i < G_N_ELEMENTS(log_items); i++) {
            if (g_str_equal(*n, log_items[i].name)) {
                mask |= log_items[i].bit;
                break;
            }
        }
        if (i == G_N_ELEMENTS(log_items)) {
            log_item_unknown(*n, errp);
            return false;
        }
    }
    log_mask = mask;
    return true;
}

void log_print_mask_help(void)
{
    printf("Log items (comma separated):\n");
    for (size_t i = 0; i < G_N_ELEMENTS(log_items); i++) {
        printf("%-15s %s\n", log_items[i].name, log_items[i].help);
    }
}

bool log_set_file(const char *path, Error **errp)
{
    FILE *f = fopen(path, "ae");

    if (!f) {
        error_setg_errno(errp, errno, "cannot open log file '%s'", path);
        return false;
    }
    setvbuf(f, NULL, _IOLBF, 0);
    log_file = f;
    return true;
}

void log_set_program_name(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    program_name = slash ? slash + 1 : argv0;
}

const char *log_get_program_name(void)
{
    return program_name;
}

void log_set_timestamps(bool on)
{
    timestamps = on;
}

void log_set_guest_name(const char *name)
{
    g_free(guest_name);
    guest_name = g_strdup(name);
}

void log_printf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(log_stream(), fmt, ap);
    va_end(ap);
    fflush(log_stream());
}
