/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaky buckets. What a request takes is poured in and leaks out at the
 * average rate. A request may go while the bucket is not above its brim; then
 * it may overflow, and the next ones wait until it is down to the brim again.
 *
 *   without max     the brim is what leaks in 100 ms: requests come evenly
 *   max, length 1   the brim is max: a burst of that much at once
 *   max, length n   the brim is max * n, and a second bucket that leaks at
 *                   max, with a brim of 100 ms of that, keeps the burst from
 *                   being faster than max
 */
#include "util/osdep.h"
#include "throttle-internal.h"
#include "util/timer.h"

/* So that sums in double stay exact. */
#define VALUE_MAX 1000000000000000ll

/* Parts of a second that requests without bursts are evened out over. */
#define EVEN_PARTS 10

void throttle_config_init(ThrottleConfig *cfg)
{
    *cfg = (ThrottleConfig) { 0 };
    for (int i = 0; i < THROTTLE_BUCKETS; i++) {
        cfg->limits[i].burst_length = 1;
    }
}

bool throttle_config_enabled(const ThrottleConfig *cfg)
{
    for (int i = 0; i < THROTTLE_BUCKETS; i++) {
        if (cfg->limits[i].avg > 0) {
            return true;
        }
    }
    return false;
}

/* ---- Which limits make sense ---- */

static const char *check_limit(const ThrottleLimit *l)
{
    if (l->avg < 0 || l->avg > VALUE_MAX || l->max < 0 || l->max > VALUE_MAX) {
        return "bps/iops/max values must be within [0, 1000000000000000]";
    }
    if (l->burst_length <= 0) {
        return "the burst length cannot be 0";
    }
    if (l->burst_length > 1 && !l->max) {
        return "burst length set without burst rate";
    }
    if (l->max && l->burst_length > VALUE_MAX / l->max) {
        return "burst length too high for this burst rate";
    }
    if (l->max && !l->avg) {
        return "bps_max/iops_max require corresponding bps/iops values";
    }
    if (l->max && l->max < l->avg) {
        return "bps_max/iops_max cannot be lower than bps/iops";
    }
    return NULL;
}

/* A total and one of its parts? */
static bool both_kinds(const ThrottleLimit *total)
{
    return (total[0].avg && (total[1].avg || total[2].avg)) ||
           (total[0].max && (total[1].max || total[2].max));
}

bool throttle_config_check(const ThrottleConfig *cfg, Error **errp)
{
    const ThrottleLimit *l = cfg->limits;
    const char *wrong = NULL;

    if (both_kinds(&l[THROTTLE_BPS_TOTAL]) ||
        both_kinds(&l[THROTTLE_IOPS_TOTAL])) {
        wrong = "bps/iops/max total values and read/write values cannot be "
                "used at the same time";
    } else if (cfg->op_size < 0) {
        wrong = "iops size must not be negative";
    } else if (cfg->op_size && !l[THROTTLE_IOPS_TOTAL].avg &&
               !l[THROTTLE_IOPS_READ].avg && !l[THROTTLE_IOPS_WRITE].avg) {
        wrong = "iops size requires an iops value to be set";
    }
    for (int i = 0; !wrong && i < THROTTLE_BUCKETS; i++) {
        wrong = check_limit(&l[i]);
    }
    if (wrong) {
        error_setg(errp, "%s", wrong);
    }
    return !wrong;
}

/* ---- To and from the schema's form ---- */

#define EACH_LIMIT(X)                                                          \
    X(THROTTLE_BPS_TOTAL, bps_total) X(THROTTLE_BPS_READ, bps_read)            \
    X(THROTTLE_BPS_WRITE, bps_write) X(THROTTLE_IOPS_TOTAL, iops_total)        \
    X(THROTTLE_IOPS_READ, iops_read) X(THROTTLE_IOPS_WRITE, iops_write)

#define TAKE(index, name)                                                      \
    cfg->limits[index].avg = l->has_##name ? l->name : cfg->limits[index].avg; \
    cfg->limits[index].max =                                                   \
        l->has_##name##_max ? l->name##_max : cfg->limits[index].max;          \
    cfg->limits[index].burst_length = l->has_##name##_max_length ?             \
        l->name##_max_length : cfg->limits[index].burst_length;

#define GIVE(index, name)                                                      \
    l->has_##name = l->has_##name##_max = l->has_##name##_max_length = true;   \
    l->name = cfg->limits[index].avg;                                          \
    l->name##_max = cfg->limits[index].max;                                    \
    l->name##_max_length = cfg->limits[index].burst_length;

void throttle_config_from_limits(ThrottleConfig *cfg, const ThrottleLimits *l)
{
    EACH_LIMIT(TAKE)
    cfg->op_size = l->has_iops_size ? l->iops_size : cfg->op_size;
}

ThrottleLimits *throttle_config_to_limits(const ThrottleConfig *cfg)
{
    ThrottleLimits *l = g_new0(ThrottleLimits, 1);

    EACH_LIMIT(GIVE)
    l->has_iops_size = true;
    l->iops_size = cfg->op_size;
    return l;
}

/* ---- The buckets at work ---- */

static void leak(ThrottleState *s, int64_t now)
{
    double seconds = (double)MAX(now - s->last_ns, 0) / NSEC_PER_SEC;

    s->last_ns = now;
    for (int i = 0; i < THROTTLE_BUCKETS; i++) {
        const ThrottleLimit *l = &s->cfg.limits[i];

        s->level[i] = MAX(s->level[i] - l->avg * seconds, 0);
        s->burst[i] = MAX(s->burst[i] - l->max * seconds, 0);
    }
}

/* Seconds until @level, which leaks at @rate, is down to @brim. */
static double time_to(double level, double brim, double rate)
{
    return level > brim ? (level - brim) / rate : 0;
}

static double bucket_delay(const ThrottleState *s, int i)
{
    const ThrottleLimit *l = &s->cfg.limits[i];
    double delay;

    if (!l->avg) {
        return 0;
    }
    if (!l->max) {
        return time_to(s->level[i], (double)l->avg / EVEN_PARTS, l->avg);
    }
    delay = time_to(s->level[i], (double)l->max * l->burst_length, l->avg);
    if (l->burst_length > 1) {
        double burst = time_to(s->burst[i], (double)l->max / EVEN_PARTS,
                               l->max);

        delay = MAX(delay, burst);
    }
    return delay;
}

/* The buckets that a request in one direction is poured into. */
static const int buckets_of[2][4] = {
    { THROTTLE_BPS_TOTAL, THROTTLE_IOPS_TOTAL, THROTTLE_BPS_READ,
      THROTTLE_IOPS_READ },
    { THROTTLE_BPS_TOTAL, THROTTLE_IOPS_TOTAL, THROTTLE_BPS_WRITE,
      THROTTLE_IOPS_WRITE },
};

int64_t throttle_delay(ThrottleState *s, bool is_write, int64_t now)
{
    double longest = 0;

    leak(s, now);
    for (size_t i = 0; i < G_N_ELEMENTS(buckets_of[0]); i++) {
        double delay = bucket_delay(s, buckets_of[is_write][i]);

        longest = MAX(longest, delay);
    }
    return longest * NSEC_PER_SEC;
}

void throttle_account(ThrottleState *s, bool is_write, int64_t bytes)
{
    double ops = s->cfg.op_size && bytes > s->cfg.op_size ?
                 (double)bytes / s->cfg.op_size : 1;

    for (size_t i = 0; i < G_N_ELEMENTS(buckets_of[0]); i++) {
        int b = buckets_of[is_write][i];
        double units = b < THROTTLE_IOPS_TOTAL ? (double)bytes : ops;

        s->level[b] += units;
        if (s->cfg.limits[b].burst_length > 1) {
            s->burst[b] += units;
        }
    }
}
