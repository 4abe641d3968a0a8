/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -rtc says: the time of day that real-time clocks start with, and the
 * clock by which they go on. An RTC device shows rtc_clock_ns() plus an offset
 * of its own, which is rtc_base_offset_ns() until the guest sets the time.
 *
 * Life cycle: rtc_configure() at most once, from the command line; without it
 * the base is UTC and the clock the host's. Context: main thread, big lock.
 */
#ifndef SYSTEM_RTC_H
#define SYSTEM_RTC_H

#include "util/error.h"
#include "qapi/qapi-types-options.h"

/* Errors: a base that is neither "utc", "localtime" nor a date. */
bool rtc_configure(const RtcOptions *opts, Error **errp);
/* Whether a date was given, which a machine without an RTC cannot honour. */
bool rtc_base_is_date(void);

/* The clock, in nanoseconds from whenever it started. */
int64_t rtc_clock_ns(void);
/* Nanoseconds since 1970 are rtc_clock_ns() plus this. */
int64_t rtc_base_offset_ns(void);

/* An offset as it can be in a migration stream, and back: the other process
 * has another CLOCK_REALTIME_NS, but the same time of day. */
int64_t rtc_offset_save(int64_t offset_ns);
int64_t rtc_offset_load(int64_t offset_ns);

/* The guest set the RTC at @qom_path, so that its offset is @offset_ns: tell
 * clients, who keep it for the guest's next start. */
void rtc_report_change(const char *qom_path, int64_t offset_ns);

#endif
