/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-system-nemu: from argv to the main loop.
 *
 * The order in which options take effect is fixed here, whatever their order
 * on the command line: log and process, descriptors, machine object,
 * character devices, objects, block, network, accelerator, board, devices,
 * monitors. Errors come out as one line and exit status 1; what was made is
 * undone by cleanup().
 */
#include "util/osdep.h"
#include "main-internal.h"
#include <locale.h>
#include <signal.h>
#include <json-c/json.h>
#include "block/block-backend.h"
#include "chardev/char-mux.h"
#include "chardev/char.h"
#include "hw/core/reset.h"
#include "monitor/monitor.h"
#include "net/net.h"
#include "qapi/qapi-options-apply.h"
#include "qom/property.h"
#include "system/accel.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "trace/control.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/rcu.h"

StartOptions start;

/* Apply generated handlers for options @ids (ends with -1) in that order. */
static bool apply(const int *ids, Error **errp)
{
    for (; *ids >= 0; ids++) {
        if (!cli_apply(start.cli, cli_apply_table, *ids, errp)) {
            return false;
        }
    }
    return true;
}

static void stop_on_io_error(void)
{
    vm_stop_request(RUN_STATE_IO_ERROR);
}

static void forget_io_errors(void *opaque, bool running, RunState state)
{
    if (running) {
        blk_reset_io_status_all();
    }
}

static bool start_process(Error **errp)
{
    static const int early[] = {
        CLI_OPTION_NAME, CLI_OPTION_MSG, CLI_OPTION_D, CLI_OPTION_d,
        CLI_OPTION_TRACE, CLI_OPTION_UUID, CLI_OPTION_OVERCOMMIT,
        CLI_OPTION_RUN_WITH, CLI_OPTION_CHROOT, CLI_OPTION_RUNAS,
        CLI_OPTION_NODEFAULTS, CLI_OPTION_NO_USER_CONFIG,
        CLI_OPTION_NOGRAPHIC, CLI_OPTION_DISPLAY, CLI_OPTION_VGA,
        CLI_OPTION_VNC, CLI_OPTION_AUDIO, CLI_OPTION_AUDIODEV,
        CLI_OPTION_SNAPSHOT, CLI_OPTION_DAEMONIZE, CLI_OPTION_PIDFILE, CLI_OPTION_S,
        CLI_OPTION_ACTION, CLI_OPTION_NO_REBOOT, CLI_OPTION_NO_SHUTDOWN,
        CLI_OPTION_RTC, CLI_OPTION_L, CLI_OPTION_PARALLEL, CLI_OPTION_NET, -1,
    };

    if (!apply(early, errp)) {
        return false;
    }
    if (start.daemonize && start.nographic) {
        error_setg(errp, "-nographic cannot be used with -daemonize");
        error_append_hint(errp, "Use -display none.");
        /* libvirt's probe gives both, with no stream on standard input. */
        if (!start.nodefaults) {
            return false;
        }
        g_clear_pointer(errp, error_free);
    }
    if (!start.daemonize) {
        return true;
    }
    chr_stdio_disable();
    return daemon_fork(errp);
}

static int drain_and_flush(void)
{
    bdrv_drain_all();
    return bdrv_flush_all();
}

/* C-a x ends the process even with -no-shutdown, as a signal does. */
static void quit_from_console(void)
{
    system_actions.shutdown = SHUTDOWN_ACTION_POWEROFF;
    system_shutdown_request(SHUTDOWN_CAUSE_HOST_UI);
}

static bool start_runtime(Error **errp)
{
    rcu_register_thread();
    bql_lock();
    signal(SIGPIPE, SIG_IGN);
    if (!main_loop_init(errp)) {
        return false;
    }
    memory_map_init();
    runstate_init();
    vm_set_flush(drain_and_flush);
    vm_set_autostart(!start.stopped);
    monitor_init();
    chr_mux_set_quit(quit_from_console);
    return true;
}

static bool start_backends(Error **errp)
{
    static const int backends[] = {
        CLI_OPTION_CHARDEV, CLI_OPTION_OBJECT, CLI_OPTION_BLOCKDEV,
        CLI_OPTION_DRIVE, CLI_OPTION_PFLASH, CLI_OPTION_NETDEV, CLI_OPTION_NIC,
        CLI_OPTION_DEBUGCON, -1,
    };

    return apply(backends, errp);
}

static bool start_machine(Error **errp)
{
    static const int globals[] = { CLI_OPTION_GLOBAL, -1 };
    static const int numa[] = { CLI_OPTION_NUMA, -1 };
    static const int board[] = { CLI_OPTION_FW_CFG, -1 };
    MachineState *ms = start.machine;

    if (!apply(globals, errp) || !start_configure_machine(errp)) {
        return false;
    }
    machine_phase_advance(PHASE_MACHINE_CREATED);
    if (!start_init_accel(errp)) {
        return false;
    }
    machine_phase_advance(PHASE_ACCEL_CREATED);
    machine_phase_advance(PHASE_LATE_BACKENDS);
    return machine_prepare(ms, errp) && apply(numa, errp) &&
           start_serials(errp) && machine_run_board_init(ms, errp) &&
           drive_check_flash(errp) && apply(board, errp);
}

/* Somebody may still want to look at it through a monitor. */
static void warn_nothing_to_run(void)
{
    MachineState *ms = start.machine;

    if (vm_get_autostart() && !qtest_enabled() && ms->possible_cpus &&
        !ms->kernel_filename && !ms->firmware && !drive_get_flash(0)) {
        warn_report("the guest has nothing to run: give it a -kernel, or "
                    "firmware by -bios");
    }
}

static bool start_monitors(Error **errp)
{
    static const int monitors[] = {
        CLI_OPTION_MON, CLI_OPTION_QMP, CLI_OPTION_QMP_PRETTY,
        CLI_OPTION_MONITOR, CLI_OPTION_QTEST, -1,
    };

    return apply(monitors, errp) && start_default_monitor(errp);
}

static bool start_all(Error **errp)
{
    static const int fds[] = { CLI_OPTION_ADD_FD, -1 };

    if (!start_process(errp) || !start_runtime(errp) || !apply(fds, errp) ||
        !start_make_machine(errp) || !start_set_accel_options(errp) ||
        !start_backends(errp)) {
        return false;
    }
    /* Before the slow part: who waits for the file has a process to watch. */
    if (start.pidfile && !daemon_write_pidfile(start.pidfile, errp)) {
        return false;
    }
    blk_set_stop_handler(stop_on_io_error);
    /* Before devices repeat what failed. */
    vm_change_state_add(forget_io_errors, NULL, -1);
    if (!start_machine(errp) || !start_devices(errp) ||
        object_globals_take_error(errp) || !start_monitors(errp)) {
        return false;
    }
    net_check_clients();
    object_globals_warn_unused();
    warn_nothing_to_run();
    if (!machine_creation_done(start.machine, errp)) {
        return false;
    }
    system_reset(SHUTDOWN_CAUSE_NONE);
    /* Until here a signal just kills: something may wait for a client. */
    if (!system_signals_init(errp)) {
        return false;
    }
    if (!daemon_drop_rights(errp)) {
        return false;
    }
#ifdef CONFIG_SECCOMP
    if (!sandbox_apply(errp)) {
        return false;
    }
#endif
    if (!daemon_ready(errp)) {
        return false;
    }
    if (vm_get_autostart()) {
        vm_start();
    }
    return true;
}

static void cleanup(void)
{
    if (start.machine) {
        vm_shutdown();
    }
    monitor_cleanup();
    net_cleanup();
    block_cleanup();
    chardev_cleanup();
    daemon_remove_pidfile();
}

/* The whole command line, its files included; mistakes come out here. */
static bool read_command_line(int argc, char **argv, Error **errp)
{
    static const int first[] = { CLI_OPTION_READCONFIG, CLI_OPTION_SET, -1 };

    start.cli = cli_new(&cli_table);
    if (!cli_parse(start.cli, argc, argv, errp)) {
        return false;
    }
    return apply(first, errp) && cli_check(start.cli, errp);
}

int main(int argc, char **argv)
{
    Error *err = NULL;
    bool failed = false;
    int status;

    setlocale(LC_CTYPE, "");
    log_set_program_name(argv[0]);
    if (!read_command_line(argc, argv, &err)) {
        error_report_err(err);
        return 1;
    }
    if (start_print_help(&failed)) {
        return failed ? 1 : 0;
    }
    if (!start_all(&err)) {
        error_report_err(err);
        cleanup();
        return 1;
    }
    status = system_main_loop();
    cleanup();
    return status;
}
