/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to stop, reset, power down, wake or end the VM. They come from any
 * thread; a bottom half of the main loop carries them out, one after the
 * other, never from a nested loop.
 */
#include "util/osdep.h"
#include "system/runstate.h"
#include "system/runstate-internal.h"

#include <signal.h>

#include "hw/core/cpu.h"
#include "hw/core/machine.h"
#include "hw/core/reset.h"
#include "system/accel.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/thread.h"
#include "qapi/qapi-events-run-state.h"
#include "trace/trace-system.h"

SystemActions system_actions = {
    .reboot = REBOOT_ACTION_RESET,
    .shutdown = SHUTDOWN_ACTION_POWEROFF,
    .panic = PANIC_ACTION_SHUTDOWN,
};

typedef struct Requests {
    ShutdownCause reset, shutdown;      /* none: not requested */
    bool powerdown, wakeup, stop;
    RunState stop_state;
} Requests;

static pthread_mutex_t requests_lock = PTHREAD_MUTEX_INITIALIZER;
static Requests pending;                /* requests_lock */
static AioBH *requests_bh;
static int exit_status;                 /* big lock */
static int signal_number;               /* atomic; 0: none */
static int signal_pid;                  /* atomic */
static EventNotifier signal_event = EVENT_NOTIFIER_INIT;

typedef struct PowerdownNotifier {
    PowerdownFn *fn;
    void *opaque;
    TAILQ_ENTRY(PowerdownNotifier) link;
} PowerdownNotifier;
static TAILQ_HEAD(, PowerdownNotifier) powerdown_notifiers =
    TAILQ_HEAD_INITIALIZER(powerdown_notifiers);

/* ---- Asking ---- */

static void requests_schedule(void)
{
    pthread_mutex_unlock(&requests_lock);
    aio_bh_schedule(requests_bh);
}

void vm_stop_request(RunState s)
{
    pthread_mutex_lock(&requests_lock);
    pending.stop = true;
    pending.stop_state = s;
    requests_schedule();
}

void vm_cancel_stop_request(void)
{
    MUTEX_GUARD(&requests_lock);
    pending.stop = false;
}

void system_reset_request(ShutdownCause cause)
{
    bool shutdown = system_actions.reboot == REBOOT_ACTION_SHUTDOWN &&
                    cause != SHUTDOWN_CAUSE_SUBSYSTEM_RESET;

    pthread_mutex_lock(&requests_lock);
    if (shutdown) {
        pending.shutdown = cause;
    } else {
        pending.reset = cause;
    }
    requests_schedule();
    cpu_stop_current();
}

void system_shutdown_request(ShutdownCause cause)
{
    pthread_mutex_lock(&requests_lock);
    pending.shutdown = cause;
    requests_schedule();
    cpu_stop_current();
}

void system_shutdown_request_with_code(ShutdownCause cause, int exit_code)
{
    __atomic_store_n(&exit_status, exit_code, __ATOMIC_RELAXED);
    system_shutdown_request(cause);
}

void system_powerdown_request(void)
{
    pthread_mutex_lock(&requests_lock);
    pending.powerdown = true;
    requests_schedule();
}

bool system_wakeup_request(Error **errp)
{
    if (runstate_get() != RUN_STATE_SUSPENDED) {
        error_setg(errp, "unable to wake up: the guest is not suspended");
        return false;
    }
    pthread_mutex_lock(&requests_lock);
    pending.wakeup = true;
    requests_schedule();
    return true;
}

void powerdown_notifier_add(PowerdownFn *fn, void *opaque)
{
    PowerdownNotifier *n = g_new0(PowerdownNotifier, 1);

    n->fn = fn;
    n->opaque = opaque;
    TAILQ_INSERT_TAIL(&powerdown_notifiers, n, link);
}

void powerdown_notifier_del(PowerdownFn *fn, void *opaque)
{
    PowerdownNotifier *n, *next;

    TAILQ_FOREACH_SAFE(n, &powerdown_notifiers, link, next) {
        if (n->fn == fn && n->opaque == opaque) {
            TAILQ_REMOVE(&powerdown_notifiers, n, link);
            g_free(n);
        }
    }
}

void system_guest_panicked(GuestPanicInformation *info)
{
    PanicAction action = system_actions.panic;

    trace_system_guest_panicked(PanicAction_str(action));
    guest_error("guest", "panicked");
    if (current_cpu) {
        current_cpu->crash_occurred = true;
    }
    if (action == PANIC_ACTION_SHUTDOWN &&
        system_actions.shutdown == SHUTDOWN_ACTION_PAUSE) {
        action = PANIC_ACTION_PAUSE;
    }
    switch (action) {
    case PANIC_ACTION_PAUSE:
        qapi_event_send_guest_panicked(GUEST_PANIC_ACTION_PAUSE, info);
        vm_stop(RUN_STATE_GUEST_PANICKED);
        break;
    case PANIC_ACTION_SHUTDOWN:
    case PANIC_ACTION_EXIT_FAILURE:
        qapi_event_send_guest_panicked(GUEST_PANIC_ACTION_POWEROFF, info);
        vm_stop(RUN_STATE_GUEST_PANICKED);
        system_shutdown_request_with_code(
            SHUTDOWN_CAUSE_GUEST_PANIC,
            action == PANIC_ACTION_EXIT_FAILURE ? EXIT_FAILURE : EXIT_SUCCESS);
        break;
    default:
        qapi_event_send_guest_panicked(GUEST_PANIC_ACTION_RUN, info);
        break;
    }
    qapi_free_GuestPanicInformation(info);
}

/* ---- Doing ---- */

static bool shutdown_by_guest(ShutdownCause cause)
{
    return cause >= SHUTDOWN_CAUSE_GUEST_SHUTDOWN;
}

void system_reset(ShutdownCause cause)
{
    MachineState *ms = machine_get();

    trace_system_reset(ShutdownCause_str(cause));
    cpus_pause_all();
    if (ms) {
        machine_reset(ms);
    } else {
        reset_all();
    }
    if (cause != SHUTDOWN_CAUSE_NONE &&
        cause != SHUTDOWN_CAUSE_SUBSYSTEM_RESET) {
        qapi_event_send_reset(shutdown_by_guest(cause), cause);
    }
    cpu_synchronize_all_post_reset();
}

static void requests_do_reset(ShutdownCause cause)
{
    system_reset(cause);
    cpus_resume_all();
    switch (runstate_get()) {
    case RUN_STATE_RUNNING:
    case RUN_STATE_INMIGRATE:
    case RUN_STATE_FINISH_MIGRATE:
        break;
    default:
        runstate_set(RUN_STATE_PRELAUNCH);
        break;
    }
}

/* The name of a process, for the message about who killed us; g_free(). */
static char *process_name(int pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
    char *name = NULL;

    if (!g_file_get_contents(path, &name, NULL, NULL) || name[0] == 0) {
        g_free(name);
        return g_strdup("<unknown process>");
    }
    return name;                        /* ends at the first argument */
}

static void report_signal(void)
{
    int signo = __atomic_exchange_n(&signal_number, 0, __ATOMIC_ACQUIRE);
    int pid = __atomic_load_n(&signal_pid, __ATOMIC_RELAXED);
    g_autofree char *name = NULL;

    if (signo == 0 || qtest_enabled()) {
        return;
    }
    if (pid == 0) {
        /* from the terminal or the kernel */
        error_report("terminating on signal %d", signo);
    } else {
        name = process_name(pid);
        error_report("terminating on signal %d from pid %d (%s)", signo, pid,
                     name);
    }
}

static void requests_do_shutdown(ShutdownCause cause)
{
    trace_system_shutdown(ShutdownCause_str(cause));
    report_signal();
    qapi_event_send_shutdown(shutdown_by_guest(cause), cause);
    if (system_actions.shutdown == SHUTDOWN_ACTION_PAUSE) {
        vm_stop(RUN_STATE_SHUTDOWN);
    } else {
        main_loop_quit();
    }
}

static void requests_do_wakeup(void)
{
    if (runstate_get() == RUN_STATE_SUSPENDED) {
        cpus_pause_all();
        runstate_set(RUN_STATE_RUNNING);
        cpus_resume_all();
        qapi_event_send_wakeup();
    }
}

static void requests_do_powerdown(void)
{
    PowerdownNotifier *n, *next;

    trace_system_powerdown();
    qapi_event_send_powerdown();
    TAILQ_FOREACH_SAFE(n, &powerdown_notifiers, link, next) {
        n->fn(n->opaque);
    }
}

static void requests_run(void *opaque)
{
    Requests now;

    pthread_mutex_lock(&requests_lock);
    now = pending;
    memset(&pending, 0, sizeof(pending));
    pthread_mutex_unlock(&requests_lock);

    if (now.shutdown != SHUTDOWN_CAUSE_NONE) {
        requests_do_shutdown(now.shutdown);
        if (system_actions.shutdown != SHUTDOWN_ACTION_PAUSE) {
            return;
        }
    }
    if (now.reset != SHUTDOWN_CAUSE_NONE) {
        requests_do_reset(now.reset);
    }
    if (now.wakeup) {
        requests_do_wakeup();
    }
    if (now.powerdown) {
        requests_do_powerdown();
    }
    if (now.stop) {
        vm_stop(now.stop_state);
    }
}

void runstate_init(void)
{
    requests_bh = main_loop_bh_new(requests_run, NULL);
}

/* ---- Signals and the main loop ---- */

/* Runs in any thread that does not block it: a library's, too. */
static void signal_handler(int signo, siginfo_t *info, void *context)
{
    int saved_errno = errno;

    __atomic_store_n(&signal_pid, info->si_pid, __ATOMIC_RELAXED);
    __atomic_store_n(&signal_number, signo, __ATOMIC_RELEASE);
    event_notifier_set(&signal_event);
    errno = saved_errno;
}

static void signal_received(EventNotifier *n)
{
    if (__atomic_load_n(&signal_number, __ATOMIC_ACQUIRE) == 0) {
        return;
    }
    /* even with -no-shutdown a signal ends the process */
    system_actions.shutdown = SHUTDOWN_ACTION_POWEROFF;
    system_shutdown_request(SHUTDOWN_CAUSE_HOST_SIGNAL);
}

bool system_signals_init(Error **errp)
{
    static const int signals[] = { SIGINT, SIGHUP, SIGTERM };
    struct sigaction sa = {
        .sa_sigaction = signal_handler, .sa_flags = SA_SIGINFO | SA_RESTART,
    };
    size_t i;

    if (!event_notifier_init(&signal_event, false, errp)) {
        return false;
    }
    aio_set_event_notifier(main_context(), &signal_event, signal_received,
                           NULL);
    for (i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &sa, NULL);
    }
    return true;
}

int system_main_loop(void)
{
    main_loop_run();
    return __atomic_load_n(&exit_status, __ATOMIC_RELAXED);
}
