/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the VM runs, and why not: the states of QMP's RunState, the
 * transitions allowed between them, and the requests (stop, reset, shutdown,
 * powerdown, wakeup) that the main loop carries out.
 *
 * Life cycle: runstate_init() after main_loop_init(); the state is prelaunch.
 * main() builds the machine, calls system_reset(SHUTDOWN_CAUSE_NONE), then
 * vm_start() unless -S, then system_main_loop(), whose result is the exit
 * status.
 *
 * Context: big lock, except the *_request functions, which any thread may
 * call, and runstate_is_running() and runstate_get().
 */
#ifndef SYSTEM_RUNSTATE_H
#define SYSTEM_RUNSTATE_H

#include "qapi/qapi-types-run-state.h"
#include "util/error.h"

void runstate_init(void);
RunState runstate_get(void);
bool runstate_is_running(void);
void runstate_set(RunState s);          /* an illegal transition is logged */
/* Whether the VM has to be reset before it can go on. */
bool runstate_needs_reset(void);

/* vm_change_state_add: hear when the VM starts and stops. Low @priority starts
 * first and stops last: 0 for devices, below for what they depend on. */
typedef void VMStateChangeFn(void *opaque, bool running, RunState state);
typedef struct VMStateChangeEntry VMStateChangeEntry;
VMStateChangeEntry *vm_change_state_add(VMStateChangeFn *fn, void *opaque,
                                        int priority);
void vm_change_state_del(VMStateChangeEntry *e);

void vm_start(void);
/*
 * vm_stop: stop the CPUs, tell the listeners, then drain and flush the disks.
 * Returns 0 or the first error of the flush, -errno. On a vCPU's thread it is
 * a request.
 */
int vm_stop(RunState s);
/* The same at the end of the process: no event. */
int vm_shutdown(void);
/* From a vCPU or an iothread: stop as soon as the main loop gets there. */
void vm_stop_request(RunState s);
/* What drains and flushes, for vm_stop; the block layer's. NULL: nothing. */
void vm_set_flush(int (*flush)(void));

/* Whether -S (or a QMP cont during -incoming) lets the VM run by itself. */
void vm_set_autostart(bool on);
bool vm_get_autostart(void);

/* ---- What the guest, QMP and signals ask for ---- */

/* The -action settings, also set by QMP set-action. */
typedef struct SystemActions {
    RebootAction reboot;
    ShutdownAction shutdown;
    PanicAction panic;
} SystemActions;
extern SystemActions system_actions;

void system_reset_request(ShutdownCause cause);
void system_shutdown_request(ShutdownCause cause);
void system_shutdown_request_with_code(ShutdownCause cause, int exit_code);
void system_powerdown_request(void);
/* Error: the guest does not sleep. Big lock. */
bool system_wakeup_request(Error **errp);
/* The guest said that it crashed; @info (may be NULL) is given away. Big
 * lock. */
void system_guest_panicked(GuestPanicInformation *info);

typedef void PowerdownFn(void *opaque);
void powerdown_notifier_add(PowerdownFn *fn, void *opaque);
void powerdown_notifier_del(PowerdownFn *fn, void *opaque);

/* system_reset: reset all now; the event goes out unless @cause is none or
 * subsystem-reset. Main thread. */
void system_reset(ShutdownCause cause);

/* ---- The main loop ---- */

/* From now on SIGINT, SIGHUP and SIGTERM are shutdown requests. */
bool system_signals_init(Error **errp);
/* The main loop runs until a shutdown; returns the exit status. */
int system_main_loop(void);

#endif
