/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run state of the VM: its table of transitions, start and stop. */
#include "util/osdep.h"
#include "system/runstate.h"
#include "system/runstate-internal.h"
#include "hw/core/cpu.h"
#include "system/accel.h"
#include "system/memory.h"
#include "util/log.h"
#include "util/timer.h"
#include "qapi/qapi-events-run-state.h"
#include "trace/trace-system.h"

static RunState current_state = RUN_STATE_PRELAUNCH;    /* atomic */
static bool autostart = true;
static int (*flush_fn)(void);

/* ---- States ---- */

#define S(name) BIT(RUN_STATE_##name)

/* From each state, those that may follow. "prelaunch" follows by a reset while
 * the VM is stopped, "finish-migrate" by a migration of a stopped VM. */
#define RESET_OR_MIGRATE (S(PRELAUNCH) | S(FINISH_MIGRATE))

static const uint32_t transitions[RUN_STATE__MAX] = {
    [RUN_STATE_DEBUG]          = S(RUNNING) | RESET_OR_MIGRATE,
    [RUN_STATE_INMIGRATE]      = S(INTERNAL_ERROR) | S(IO_ERROR) | S(PAUSED) |
                                 S(RUNNING) | S(SHUTDOWN) | S(SUSPENDED) |
                                 S(WATCHDOG) | S(GUEST_PANICKED) |
                                 S(POSTMIGRATE) | RESET_OR_MIGRATE,
    [RUN_STATE_INTERNAL_ERROR] = S(PAUSED) | RESET_OR_MIGRATE,
    [RUN_STATE_IO_ERROR]       = S(RUNNING) | RESET_OR_MIGRATE,
    [RUN_STATE_PAUSED]         = S(RUNNING) | S(POSTMIGRATE) |
                                 RESET_OR_MIGRATE,
    [RUN_STATE_POSTMIGRATE]    = S(RUNNING) | RESET_OR_MIGRATE,
    [RUN_STATE_PRELAUNCH]      = S(RUNNING) | S(FINISH_MIGRATE) |
                                 S(INMIGRATE) | S(SUSPENDED) | S(PAUSED),
    [RUN_STATE_FINISH_MIGRATE] = S(RUNNING) | S(PAUSED) | S(POSTMIGRATE) |
                                 S(PRELAUNCH) | S(SUSPENDED),
    [RUN_STATE_RESTORE_VM]     = S(RUNNING) | S(PRELAUNCH) | S(SUSPENDED),
    [RUN_STATE_RUNNING]        = S(DEBUG) | S(INTERNAL_ERROR) | S(IO_ERROR) |
                                 S(PAUSED) | S(FINISH_MIGRATE) |
                                 S(RESTORE_VM) | S(SAVE_VM) | S(SHUTDOWN) |
                                 S(WATCHDOG) | S(GUEST_PANICKED) |
                                 S(SUSPENDED),
    [RUN_STATE_SAVE_VM]        = S(RUNNING) | S(SUSPENDED),
    [RUN_STATE_SHUTDOWN]       = S(PAUSED) | RESET_OR_MIGRATE,
    [RUN_STATE_SUSPENDED]      = S(RUNNING) | S(PAUSED) | S(SHUTDOWN) |
                                 RESET_OR_MIGRATE,
    [RUN_STATE_WATCHDOG]       = S(RUNNING) | RESET_OR_MIGRATE,
    [RUN_STATE_GUEST_PANICKED] = S(RUNNING) | RESET_OR_MIGRATE,
};

RunState runstate_get(void)
{
    return __atomic_load_n(&current_state, __ATOMIC_RELAXED);
}

bool runstate_is_running(void)
{
    return runstate_get() == RUN_STATE_RUNNING;
}

void runstate_set(RunState s)
{
    RunState old = current_state;

    if (s == old) {
        return;
    }
    if (!(transitions[old] & BIT(s))) {
        error_report("illegal transition of the run state from '%s' to '%s'",
                     RunState_str(old), RunState_str(s));
    }
    trace_runstate_set(RunState_str(old), RunState_str(s));
    __atomic_store_n(&current_state, s, __ATOMIC_RELEASE);
}

bool runstate_needs_reset(void)
{
    return current_state == RUN_STATE_INTERNAL_ERROR ||
           current_state == RUN_STATE_SHUTDOWN;
}

/* ---- Who wants to hear of it ---- */

struct VMStateChangeEntry {
    VMStateChangeFn *fn;
    void *opaque;
    int priority;
    TAILQ_ENTRY(VMStateChangeEntry) link;
};
TAILQ_HEAD(VMStateChangeList, VMStateChangeEntry);
static struct VMStateChangeList entries = TAILQ_HEAD_INITIALIZER(entries);

VMStateChangeEntry *vm_change_state_add(VMStateChangeFn *fn, void *opaque,
                                        int priority)
{
    VMStateChangeEntry *e = g_new0(VMStateChangeEntry, 1), *other;

    e->fn = fn;
    e->opaque = opaque;
    e->priority = priority;
    TAILQ_FOREACH(other, &entries, link) {
        if (other->priority > priority) {
            TAILQ_INSERT_BEFORE(other, e, link);
            return e;
        }
    }
    TAILQ_INSERT_TAIL(&entries, e, link);
    return e;
}

void vm_change_state_del(VMStateChangeEntry *e)
{
    TAILQ_REMOVE(&entries, e, link);
    g_free(e);
}

static void vm_state_notify(bool running)
{
    VMStateChangeEntry *e, *next;

    if (running) {
        TAILQ_FOREACH_SAFE(e, &entries, link, next) {
            e->fn(e->opaque, true, current_state);
        }
        return;
    }
    for (e = TAILQ_LAST(&entries, VMStateChangeList); e; e = next) {
        next = TAILQ_PREV(e, VMStateChangeList, link);
        e->fn(e->opaque, false, current_state);
    }
}

static void vm_tell_accel(bool running)
{
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;

    if (ac && ac->vm_state_change) {
        ac->vm_state_change(current_accel, running);
    }
}

/* ---- Start and stop ---- */

void vm_start(void)
{
    vm_cancel_stop_request();
    if (runstate_is_running()) {
        return;
    }
    memory_map_share();
    runstate_set(RUN_STATE_RUNNING);
    virtual_clock_enable(true);
    vm_tell_accel(true);
    vm_state_notify(true);
    qapi_event_send_resume();
    cpus_resume_all();
}

void vm_set_flush(int (*flush)(void))
{
    flush_fn = flush;
}

static int vm_do_stop(RunState s, bool send_event)
{
    if (runstate_is_running()) {
        cpus_pause_all();
        virtual_clock_enable(false);
        runstate_set(s);
        vm_tell_accel(false);
        vm_state_notify(false);
        if (send_event) {
            qapi_event_send_stop();
        }
    }
    return flush_fn ? flush_fn() : 0;
}

int vm_stop(RunState s)
{
    if (current_cpu) {
        vm_stop_request(s);
        cpu_stop_current();
        return 0;
    }
    return vm_do_stop(s, true);
}

int vm_shutdown(void)
{
    return vm_do_stop(RUN_STATE_SHUTDOWN, false);
}

void vm_set_autostart(bool on)
{
    autostart = on;
}

bool vm_get_autostart(void)
{
    return autostart;
}
