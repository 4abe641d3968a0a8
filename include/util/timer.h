/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and timers, in nanoseconds.
 *
 * A timer belongs to an AioContext, whose thread runs its callback (for the
 * main context: with the big lock held). It is one-shot; a periodic one arms
 * itself again in its callback, from the time it was due and not from "now",
 * else it drifts. Armed timers shape the time-out of the context's wait:
 * nothing ticks, an idle process sleeps until the earliest one.
 *
 * timer_mod_ns(), timer_del() and timer_pending() may be called from any
 * thread. After timer_del() from another thread the callback may still be
 * running; from the context's own thread (or under the big lock, for the main
 * context) it is not, unless the caller is that callback.
 */
#ifndef UTIL_TIMER_H
#define UTIL_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include "util/queue.h"

struct AioContext;

typedef enum ClockType {
    /* Monotonic host time. Never stops, never jumps. */
    CLOCK_REALTIME_NS,
    /*
     * The guest's time: monotonic while the VM runs, stands still while it is
     * stopped. What devices use. The qtest accelerator sets it by hand.
     */
    CLOCK_VIRTUAL,
    /* Wall clock (UTC since 1970). May jump; for RTCs only. */
    CLOCK_HOST,
    CLOCK_TYPE__MAX,
} ClockType;

/* clock_get_ns: the time on @clock. Any thread. No system call (vDSO). */
int64_t clock_get_ns(ClockType clock);

typedef void TimerFn(void *opaque);

/* Private members; embed it, and initialize it before all else. */
typedef struct AioTimer {
    struct AioContext *ctx;
    TimerFn *cb;
    void *opaque;
    int64_t expire_ns;
    ClockType clock;
    TAILQ_ENTRY(AioTimer) next;     /* linked while armed */
} AioTimer;

/*
 * timer_init_ns: prepare @t. It starts disarmed.
 * @ctx: whose thread runs @cb; NULL: main_context()
 */
void timer_init_ns(AioTimer *t, struct AioContext *ctx, ClockType clock,
                   TimerFn *cb, void *opaque);

/* timer_new_ns, timer_free: the same on the heap. timer_free disarms. */
AioTimer *timer_new_ns(struct AioContext *ctx, ClockType clock, TimerFn *cb,
                       void *opaque);
void timer_free(AioTimer *t);

/*
 * timer_mod_ns: arm @t (again) for @expire_ns, an absolute time on its clock.
 * A time in the past fires at the next iteration of the loop.
 */
void timer_mod_ns(AioTimer *t, int64_t expire_ns);

/* timer_del: disarm. Fine on a timer that is not armed. */
void timer_del(AioTimer *t);

/* timer_pending: whether it is armed. */
bool timer_pending(const AioTimer *t);

/* timer_expire_time_ns: when it is due, or -1 when it is not armed. */
int64_t timer_expire_time_ns(const AioTimer *t);

/*
 * The virtual clock
 *
 * It starts stopped at 0. The run state starts and stops it with the VM; its
 * timers do not fire while it is stopped, and lose nothing.
 */

/* virtual_clock_enable: let it run, or stop it. Big lock held. */
void virtual_clock_enable(bool on);
bool virtual_clock_is_enabled(void);

/*
 * virtual_clock_set_ns: put it to @ns: an incoming migration does this while
 * it is stopped.
 */
void virtual_clock_set_ns(int64_t ns);

/*
 * virtual_clock_set_manual: time passes only through virtual_clock_step_to()
 * from now on. For the qtest accelerator, before the first timer is armed.
 */
void virtual_clock_set_manual(void);

/*
 * virtual_clock_step_to: in manual mode, advance to @ns (never back), stopping
 * at each timer on the way so that each callback sees its own due time.
 * Timers of the main context run in the caller, who holds the big lock; those
 * of other contexts are woken.
 */
void virtual_clock_step_to(int64_t ns);

/*
 * virtual_clock_deadline_ns: when the next timer on the virtual clock is due,
 * over all contexts; INT64_MAX when there is none.
 */
int64_t virtual_clock_deadline_ns(void);

#endif
