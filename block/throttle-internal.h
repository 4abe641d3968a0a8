/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of the rate of requests: groups whose members share limits.
 *
 * A member (a drive, a "throttle" node) asks before each request and waits
 * when the group is over a limit. Waiting members take turns. A group is known
 * by its name; it lives as long as it has a member, or an object
 * "throttle-group" of that name.
 *
 * Threading: throttle_wait() in the coroutine of a request, any thread; all
 * else in the main thread, big lock.
 */
#ifndef BLOCK_THROTTLE_INTERNAL_H
#define BLOCK_THROTTLE_INTERNAL_H

#include "qapi/qapi-types-block-throttle.h"
#include "util/coroutine.h"
#include "util/error.h"
#include "util/queue.h"

/* ---- Buckets (throttle-bucket.c) ---- */

enum {
    THROTTLE_BPS_TOTAL, THROTTLE_BPS_READ, THROTTLE_BPS_WRITE,
    THROTTLE_IOPS_TOTAL, THROTTLE_IOPS_READ, THROTTLE_IOPS_WRITE,
    THROTTLE_BUCKETS,
};

/* Units are bytes or requests, rates are per second. */
typedef struct ThrottleLimit {
    int64_t avg;                    /* rate; 0: no limit */
    int64_t max;                    /* rate in bursts; 0: none */
    int64_t burst_length;           /* seconds that a burst may take */
} ThrottleLimit;

typedef struct ThrottleConfig {
    ThrottleLimit limits[THROTTLE_BUCKETS];
    int64_t op_size;                /* bytes that count as one request; 0: any */
} ThrottleConfig;

typedef struct ThrottleState {
    ThrottleConfig cfg;
    double level[THROTTLE_BUCKETS];         /* units taken and not yet leaked */
    double burst[THROTTLE_BUCKETS];
    int64_t last_ns;                /* when they were leaked last */
} ThrottleState;

void throttle_config_init(ThrottleConfig *cfg);
bool throttle_config_enabled(const ThrottleConfig *cfg);
bool throttle_config_check(const ThrottleConfig *cfg, Error **errp);
void throttle_config_from_limits(ThrottleConfig *cfg, const ThrottleLimits *l);
ThrottleLimits *throttle_config_to_limits(const ThrottleConfig *cfg);
/* throttle_delay: nanoseconds from @now until a request in that direction may
 * go; 0: now. */
int64_t throttle_delay(ThrottleState *s, bool is_write, int64_t now);
void throttle_account(ThrottleState *s, bool is_write, int64_t bytes);

/* ---- Groups (throttle-group.c) ---- */

typedef struct ThrottleGroup ThrottleGroup;
typedef struct ThrottleWaiter ThrottleWaiter;

typedef struct ThrottleMember {
    ThrottleGroup *group;           /* NULL: no limit */
    unsigned unlimited;             /* drained sections; the group's lock */
    STAILQ_HEAD(, ThrottleWaiter) waiters[2];       /* by direction */
    TAILQ_ENTRY(ThrottleMember) next;
} ThrottleMember;

ThrottleGroup *throttle_group_find(const char *name);
/* throttle_group_get: the one of that name, made when there is none. */
ThrottleGroup *throttle_group_get(const char *name);
void throttle_group_put(ThrottleGroup *g);
const char *throttle_group_name(const ThrottleGroup *g);
void throttle_group_get_config(ThrottleGroup *g, ThrottleConfig *cfg);
void throttle_group_set_config(ThrottleGroup *g, const ThrottleConfig *cfg);

/* throttle_join, throttle_leave: nothing of the member is in flight. */
void throttle_join(ThrottleMember *m, ThrottleGroup *g);
void throttle_leave(ThrottleMember *m);
/* throttle_wait: until a request may go; it then counts. */
void coroutine_fn throttle_wait(ThrottleMember *m, bool is_write,
                                int64_t bytes);
/* Let all requests pass, those that wait as well; no more. Nests. */
void throttle_unlimited_begin(ThrottleMember *m);
void throttle_unlimited_end(ThrottleMember *m);

#endif
