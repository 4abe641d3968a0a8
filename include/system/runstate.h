/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the VM runs, and why not: the states of QMP's RunState, the
 * transitions allowed between them, and the requests (reset, shutdown,
 * powerdown) that the main loop carries out.
 *
 * Context: big lock, except the *_request functions, which any thread may
 * call.
 */
#ifndef SYSTEM_RUNSTATE_H
#define SYSTEM_RUNSTATE_H

#include "qapi/qapi-types-run-state.h"

RunState runstate_get(void);
bool runstate_is_running(void);
void runstate_set(RunState s);          /* an illegal transition is logged */

typedef void VMStateChangeFn(void *opaque, bool running, RunState state);
typedef struct VMStateChangeEntry VMStateChangeEntry;
/* Low @priority starts first and stops last. */
VMStateChangeEntry *vm_change_state_add(VMStateChangeFn *fn, void *opaque,
                                        int priority);
void vm_change_state_del(VMStateChangeEntry *e);

void vm_start(void);
int vm_stop(RunState s);                /* flushes; first error, -errno */
/* From a vCPU or an iothread: stop as soon as the main loop gets there. */
void vm_stop_request(RunState s);

void system_reset_request(ShutdownCause cause);
void system_shutdown_request(ShutdownCause cause);
void system_shutdown_request_with_code(ShutdownCause cause, int exit_code);
void system_powerdown_request(void);
void system_wakeup_request(Error **errp);
void system_guest_panicked(GuestPanicInformation *info);
typedef void PowerdownFn(void *opaque);
void powerdown_notifier_add(PowerdownFn *fn, void *opaque);

/* The main loop runs until a shutdown; returns the exit status. */
int system_main_loop(void);

#endif
