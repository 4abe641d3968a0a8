/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States, stop and start, requests and their actions; the QMP commands. */
#include "util/osdep.h"
#include <signal.h>
#include "system-test-util.h"
#include "qapi/qapi-commands-run-state.h"
#include "qapi/qapi-commands-control.h"
#include "util/timer.h"

static void back_to_prelaunch(void)
{
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    }
    if (runstate_get() != RUN_STATE_PRELAUNCH) {
        runstate_set(RUN_STATE_PRELAUNCH);
    }
    g_string_truncate(test_events, 0);
    system_actions = (SystemActions){ .panic = PANIC_ACTION_SHUTDOWN };
}

static void test_start_stop(void)
{
    int64_t t;

    g_assert_cmpint(runstate_get(), ==, RUN_STATE_PRELAUNCH);
    vm_start();
    g_assert_true(runstate_is_running());
    g_assert_true(virtual_clock_is_enabled());
    assert_events("RESUME ");
    vm_start();
    assert_events("");
    g_assert_cmpint(vm_stop(RUN_STATE_PAUSED), ==, 0);
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_PAUSED);
    assert_events("STOP ");
    t = clock_get_ns(CLOCK_VIRTUAL);
    g_usleep(1000);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, t);
    vm_stop(RUN_STATE_IO_ERROR);
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_PAUSED);
    assert_events("");
    vm_start();
    vm_shutdown();
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_SHUTDOWN);
    assert_events("RESUME ");
    back_to_prelaunch();
}

static GString *order;

static void note_change(void *opaque, bool running, RunState state)
{
    g_string_append_printf(order, "%c%s ", running ? '+' : '-',
                           (const char *)opaque);
}

static void test_listeners_ordered(void)
{
    VMStateChangeEntry *b, *a, *c;

    order = g_string_new(NULL);
    b = vm_change_state_add(note_change, (char *)"b", 0);
    a = vm_change_state_add(note_change, (char *)"a", -5);
    c = vm_change_state_add(note_change, (char *)"c", 10);
    vm_start();
    g_assert_cmpstr(order->str, ==, "+a +b +c ");
    g_string_truncate(order, 0);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmpstr(order->str, ==, "-c -b -a ");
    vm_change_state_del(b);
    vm_change_state_del(a);
    vm_change_state_del(c);
    g_string_free(order, true);
    back_to_prelaunch();
}

static int flush_eio(void)
{
    return -EIO;
}

static void test_stop_reports_flush(void)
{
    vm_start();
    vm_set_flush(flush_eio);
    g_assert_cmpint(vm_stop(RUN_STATE_PAUSED), ==, -EIO);
    vm_set_flush(NULL);
    back_to_prelaunch();
}

static void test_stop_request(void)
{
    vm_start();
    vm_stop_request(RUN_STATE_IO_ERROR);
    g_assert_true(runstate_is_running());
    test_loop_once();
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_IO_ERROR);
    assert_events("RESUME STOP ");

    /* a start overtakes a stop */
    vm_stop_request(RUN_STATE_IO_ERROR);
    vm_start();
    test_loop_once();
    g_assert_true(runstate_is_running());
    back_to_prelaunch();
}

static void test_reset(void)
{
    vm_start();
    system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    test_loop_once();
    g_assert_true(runstate_is_running());
    assert_events("RESUME RESET(guest-reset) ");

    vm_stop(RUN_STATE_INTERNAL_ERROR);
    g_assert_true(runstate_needs_reset());
    g_assert_true(qmp_system_reset(NULL));
    test_loop_once();
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_PRELAUNCH);
    assert_events("STOP RESET(host-qmp-system-reset) ");

    system_reset_request(SHUTDOWN_CAUSE_SUBSYSTEM_RESET);
    test_loop_once();
    assert_events("");
    back_to_prelaunch();
}

static void test_reset_no_reboot(void)
{
    system_actions.reboot = REBOOT_ACTION_SHUTDOWN;
    system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    g_assert_cmpint(system_main_loop(), ==, 0);
    assert_events("SHUTDOWN(guest-reset) ");
    back_to_prelaunch();
}

static void test_shutdown(void)
{
    vm_start();
    system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
    g_assert_cmpint(system_main_loop(), ==, 0);
    assert_events("RESUME SHUTDOWN(guest-shutdown) ");

    system_actions.shutdown = SHUTDOWN_ACTION_PAUSE;
    system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
    test_loop_once();
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_SHUTDOWN);
    assert_events("SHUTDOWN(guest-shutdown) STOP ");

    /* quit ends it all the same */
    g_assert_true(qmp_quit(NULL));
    g_assert_cmpint(system_main_loop(), ==, 0);
    assert_events("SHUTDOWN(host-qmp-quit) ");
    back_to_prelaunch();
}

static int powerdowns;

static void count_powerdown(void *opaque)
{
    powerdowns++;
}

static void test_powerdown(void)
{
    powerdown_notifier_add(count_powerdown, NULL);
    g_assert_true(qmp_system_powerdown(NULL));
    g_assert_cmpint(powerdowns, ==, 0);
    test_loop_once();
    g_assert_cmpint(powerdowns, ==, 1);
    powerdown_notifier_del(count_powerdown, NULL);
    system_powerdown_request();
    test_loop_once();
    g_assert_cmpint(powerdowns, ==, 1);
    assert_events("POWERDOWN POWERDOWN ");
}

static void test_wakeup(void)
{
    g_autoptr(Error) err = NULL;

    g_assert_false(qmp_system_wakeup(&err));
    g_assert_nonnull(err);
    vm_start();
    runstate_set(RUN_STATE_SUSPENDED);
    g_assert_true(qmp_system_wakeup(NULL));
    test_loop_once();
    g_assert_true(runstate_is_running());
    assert_events("RESUME WAKEUP ");
    back_to_prelaunch();
}

typedef struct PanicCase {
    PanicAction panic;
    ShutdownAction shutdown;
    const char *events;
    RunState state;
    bool ends;
    int status;
} PanicCase;

static void test_panic(void)
{
    static const PanicCase cases[] = {
        { PANIC_ACTION_PAUSE, SHUTDOWN_ACTION_POWEROFF,
          "GUEST_PANICKED(pause) STOP ", RUN_STATE_GUEST_PANICKED },
        { PANIC_ACTION_SHUTDOWN, SHUTDOWN_ACTION_PAUSE,
          "GUEST_PANICKED(pause) STOP ", RUN_STATE_GUEST_PANICKED },
        { PANIC_ACTION_NONE, SHUTDOWN_ACTION_POWEROFF,
          "GUEST_PANICKED(run) ", RUN_STATE_RUNNING },
        { PANIC_ACTION_SHUTDOWN, SHUTDOWN_ACTION_POWEROFF,
          "GUEST_PANICKED(poweroff) STOP SHUTDOWN(guest-panic) ",
          RUN_STATE_GUEST_PANICKED, true, 0 },
        { PANIC_ACTION_EXIT_FAILURE, SHUTDOWN_ACTION_POWEROFF,
          "GUEST_PANICKED(poweroff) STOP SHUTDOWN(guest-panic) ",
          RUN_STATE_GUEST_PANICKED, true, 1 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const PanicCase *c = &cases[i];

        vm_start();
        g_string_truncate(test_events, 0);
        g_assert_true(qmp_set_action(false, 0, true, c->shutdown, true,
                                     c->panic, NULL));
        system_guest_panicked(NULL);
        if (c->ends) {
            g_assert_cmpint(system_main_loop(), ==, c->status);
        } else {
            test_loop_once();
        }
        assert_events(c->events);
        g_assert_cmpint(runstate_get(), ==, c->state);
        back_to_prelaunch();
    }
}

static void test_qmp_stop_cont(void)
{
    g_autoptr(Error) err = NULL;
    StatusInfo *info;

    g_assert_true(qmp_cont(NULL));
    g_assert_true(qmp_stop(NULL));
    info = qmp_query_status(NULL);
    g_assert_false(info->running);
    g_assert_cmpint(info->status, ==, RUN_STATE_PAUSED);
    qapi_free_StatusInfo(info);
    g_assert_true(qmp_cont(NULL));
    vm_stop(RUN_STATE_INTERNAL_ERROR);
    g_assert_false(qmp_cont(&err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Resetting the Virtual Machine is required");
    back_to_prelaunch();

    runstate_set(RUN_STATE_INMIGRATE);
    g_assert_true(qmp_stop(NULL));
    g_assert_false(vm_get_autostart());
    g_assert_true(qmp_cont(NULL));
    g_assert_true(vm_get_autostart());
    back_to_prelaunch();
}

static void test_signal(void)
{
    g_assert_true(system_signals_init(NULL));
    system_actions.shutdown = SHUTDOWN_ACTION_PAUSE;
    kill(getpid(), SIGTERM);
    g_assert_cmpint(system_main_loop(), ==, 0);
    assert_events("SHUTDOWN(host-signal) ");
    back_to_prelaunch();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    system_test_init();
    g_test_add_func("/system/runstate/start-stop", test_start_stop);
    g_test_add_func("/system/runstate/listeners", test_listeners_ordered);
    g_test_add_func("/system/runstate/flush", test_stop_reports_flush);
    g_test_add_func("/system/runstate/stop-request", test_stop_request);
    g_test_add_func("/system/runstate/qmp", test_qmp_stop_cont);
    g_test_add_func("/system/requests/reset", test_reset);
    g_test_add_func("/system/requests/no-reboot", test_reset_no_reboot);
    g_test_add_func("/system/requests/shutdown", test_shutdown);
    g_test_add_func("/system/requests/powerdown", test_powerdown);
    g_test_add_func("/system/requests/wakeup", test_wakeup);
    g_test_add_func("/system/requests/signal", test_signal);
    /* last: the exit status stays */
    g_test_add_func("/system/requests/panic", test_panic);
    return g_test_run();
}
