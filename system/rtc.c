/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -rtc; see include/system/rtc.h. */
#include "util/osdep.h"
#include "system/rtc.h"
#include <time.h>
#include "qapi/qapi-events-misc.h"
#include "util/timer.h"

#define NS_PER_S 1000000000LL

static struct {
    ClockType clock;
    int64_t offset_ns;
    bool date;
} rtc = { .clock = CLOCK_HOST };

static ClockType rtc_clock_type(RtcClock clock)
{
    switch (clock) {
    case RTC_CLOCK_RT:
        return CLOCK_REALTIME_NS;
    case RTC_CLOCK_VM:
        return CLOCK_VIRTUAL;
    default:
        return CLOCK_HOST;
    }
}

/* Seconds since 1970 of "2006-06-17" or "2006-06-17T16:01:21". */
static bool rtc_parse_date(const char *text, int64_t *seconds)
{
    struct tm tm = { 0 }, check;
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    time_t t;

    if (end && *end == 'T') {
        end = strptime(end, "T%H:%M:%S", &tm);
    }
    if (!end || *end) {
        return false;
    }
    /* strptime takes 31 February; timegm makes March of it */
    check = tm;
    t = timegm(&check);
    if (check.tm_mday != tm.tm_mday || check.tm_mon != tm.tm_mon) {
        return false;
    }
    *seconds = t;
    return true;
}

static int64_t rtc_local_seconds(time_t now)
{
    struct tm tm;

    return timegm(localtime_r(&now, &tm));
}

bool rtc_configure(const RtcOptions *opts, Error **errp)
{
    int64_t host_ns = clock_get_ns(CLOCK_HOST), base_ns = host_ns, s;

    if (!opts->base || g_str_equal(opts->base, "utc")) {
        rtc.date = false;
    } else if (g_str_equal(opts->base, "localtime")) {
        s = host_ns / NS_PER_S;
        base_ns += (rtc_local_seconds(s) - s) * NS_PER_S;
        rtc.date = false;
    } else if (rtc_parse_date(opts->base, &s)) {
        base_ns = s * NS_PER_S;
        rtc.date = true;
    } else {
        error_setg(errp, "-rtc base=%s is no date", opts->base);
        error_append_hint(errp, "Use utc, localtime, 2006-06-17 or "
                          "2006-06-17T16:01:21.");
        return false;
    }
    if (opts->has_clock) {
        rtc.clock = rtc_clock_type(opts->clock);
    }
    rtc.offset_ns = base_ns - (rtc.clock == CLOCK_HOST ? host_ns
                                                       : rtc_clock_ns());
    return true;
}

bool rtc_base_is_date(void)
{
    return rtc.date;
}

int64_t rtc_clock_ns(void)
{
    return clock_get_ns(rtc.clock);
}

static int64_t rtc_clock_behind_host_ns(void)
{
    return rtc.clock == CLOCK_REALTIME_NS
               ? clock_get_ns(CLOCK_HOST) - rtc_clock_ns() : 0;
}

int64_t rtc_offset_save(int64_t offset_ns)
{
    return offset_ns - rtc_clock_behind_host_ns();
}

int64_t rtc_offset_load(int64_t offset_ns)
{
    return offset_ns + rtc_clock_behind_host_ns();
}

int64_t rtc_base_offset_ns(void)
{
    return rtc.offset_ns;
}

void rtc_report_change(const char *qom_path, int64_t offset_ns)
{
    /* to the nearest second: the guest writes whole ones */
    int64_t ns = offset_ns - rtc.offset_ns;
    int64_t half = ns < 0 ? -NS_PER_S / 2 : NS_PER_S / 2;

    qapi_event_send_rtc_change((ns + half) / NS_PER_S, qom_path);
}
