/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream of the qtest protocol: lines in, lines out, and a log of both. */
#include "util/osdep.h"
#include "accel/qtest.h"
#include "qtest-internal.h"
#include "chardev/char.h"
#include "util/timer.h"

/* The longest line: a block of 256 MiB in hexadecimal does not fit, which is
 * fine. */
#define QTEST_MAX_LINE (64 * MiB)

static CharFrontend qtest_fe;
static GString *qtest_input;
static FILE *qtest_log;
static int64_t qtest_log_start;

static void qtest_log_line(char direction, const char *line)
{
    if (qtest_log) {
        int64_t ns = clock_get_ns(CLOCK_REALTIME_NS) - qtest_log_start;

        fprintf(qtest_log, "[%c +%.06f] %s\n", direction,
                (double)ns / NSEC_PER_SEC, line);
        fflush(qtest_log);
    }
}

void qtest_send(const char *fmt, ...)
{
    g_autofree char *line = NULL;
    g_autofree char *out = NULL;
    va_list ap;

    va_start(ap, fmt);
    line = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    qtest_log_line('S', line);
    if (chr_fe_backend_open(&qtest_fe)) {
        out = g_strconcat(line, "\n", NULL);
        chr_fe_write_all(&qtest_fe, out, strlen(out));
    }
}

static size_t qtest_can_read(void *opaque)
{
    return 64 * KiB;
}

static void qtest_read(void *opaque, const uint8_t *buf, size_t size)
{
    char *end;

    g_string_append_len(qtest_input, (const char *)buf, size);
    while ((end = memchr(qtest_input->str, '\n', qtest_input->len)) != NULL) {
        size_t len = end - qtest_input->str;
        g_autofree char *line = g_strndup(qtest_input->str, len);

        g_string_erase(qtest_input, 0, len + 1);
        qtest_log_line('R', line);
        qtest_run_line(g_strchomp(line));
    }
    if (qtest_input->len > QTEST_MAX_LINE) {
        g_string_truncate(qtest_input, 0);
        qtest_send("FAIL the line is too long");
    }
}

static void qtest_event(void *opaque, ChrEvent event)
{
    if (event == CHR_EVENT_OPENED) {
        g_string_truncate(qtest_input, 0);
        qtest_log_line('I', "OPENED");
    } else if (event == CHR_EVENT_CLOSED) {
        qtest_log_line('I', "CLOSED");
    }
}

bool qtest_server_init(const char *spec, const char *log_path, Error **errp)
{
    Chardev *chr;

    if (log_path && !g_str_equal(log_path, "none")) {
        qtest_log = fopen(log_path, "we");
        if (qtest_log == NULL) {
            error_setg_errno(errp, errno, "cannot open the log '%s'", log_path);
            return false;
        }
    }
    qtest_log_start = clock_get_ns(CLOCK_REALTIME_NS);
    chr = chardev_new_from_spec("qtest", spec, NULL, errp);
    if (chr == NULL) {
        error_prepend(errp, "-qtest: ");
        return false;
    }
    qtest_input = g_string_new(NULL);
    if (!chr_fe_init(&qtest_fe, chr, errp)) {
        return false;
    }
    chr_fe_set_handlers(&qtest_fe, qtest_can_read, qtest_read, qtest_event,
                        NULL, NULL);
    chr_fe_set_open(&qtest_fe, true);
    return true;
}
