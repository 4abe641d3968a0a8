/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process says to its operator.
 *
 *   error_report  the action that was asked for failed
 *   warn_report   something is off, the action went on
 *   info_report   rare facts an operator wants (one line at most per event)
 *   guest_error   the guest broke a specification; rate limited, shown only
 *                 with `-d guest_errors`
 *
 * All write one line, "PROG: warning: text", to standard error, with a timestamp
 * in front under `-msg timestamp=on`. guest_error, log_printf and traces write
 * to the log, which is standard error, too, unless `-D` names a file: who starts
 * the process sees why it failed in either case. Thread safe.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdarg.h>

struct Error;

void error_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void error_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void warn_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void info_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* warn_report_once: the first call of each call site prints, the rest do not. */
#define warn_report_once(...)                                                  \
    do {                                                                       \
        static bool once_;                                                     \
        if (!__atomic_exchange_n(&once_, true, __ATOMIC_RELAXED)) {            \
            warn_report(__VA_ARGS__);                                          \
        }                                                                      \
    } while (0)

/* A token bucket: at most @burst messages per @interval_ns. */
typedef struct LogRateLimit {
    int64_t interval_ns;
    uint32_t burst;
    int64_t window_start_ns;
    uint32_t used;
    uint32_t suppressed;
} LogRateLimit;

/*
 * guest_error: the guest (or a peer) broke a rule of the specification. @dev
 * names the device ("virtio-rng", "pci"). At most ten lines a second for the
 * whole process; the rest is counted and reported with the next line.
 */
void guest_error(const char *dev, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Log categories of `-d`, a bit each. */
enum {
    LOG_GUEST_ERROR = 1u << 0,
    LOG_UNIMP       = 1u << 1,
    LOG_TRACE       = 1u << 2,
};
extern uint32_t log_mask;

/* log_set_mask: parse "guest_errors,unimp" into log_mask. */
bool log_set_mask(const char *items, struct Error **errp);
void log_print_mask_help(void);

/* log_set_file: send the log to @path instead of standard error (`-D`). */
bool log_set_file(const char *path, struct Error **errp);

/* log_get_fd: the descriptor of that file; -1: none. */
int log_get_fd(void);

void log_set_program_name(const char *argv0);
const char *log_get_program_name(void);
void log_set_timestamps(bool on);
void log_set_guest_name(const char *name);       /* -msg guest-name=on */

/* log_printf: one line of developer output (traces, -d items), unprefixed. */
void log_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
