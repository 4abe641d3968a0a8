/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands that start, stop, reset and end the VM. */
#include "util/osdep.h"
#include "qapi/qapi-commands-run-state.h"
#include "qapi/qapi-commands-control.h"
#include "system/runstate.h"

StatusInfo *qmp_query_status(Error **errp)
{
    StatusInfo *info = g_new0(StatusInfo, 1);

    info->running = runstate_is_running();
    info->status = runstate_get();
    return info;
}

bool qmp_stop(Error **errp)
{
    if (runstate_get() == RUN_STATE_INMIGRATE) {
        vm_set_autostart(false);
    } else {
        vm_stop(RUN_STATE_PAUSED);
    }
    return true;
}

bool qmp_cont(Error **errp)
{
    if (runstate_needs_reset()) {
        error_setg(errp, "Resetting the Virtual Machine is required");
        return false;
    }
    switch (runstate_get()) {
    case RUN_STATE_SUSPENDED:
        break;
    case RUN_STATE_FINISH_MIGRATE:
        error_setg(errp, "Migration is not finalized yet");
        return false;
    case RUN_STATE_INMIGRATE:
        vm_set_autostart(true);
        break;
    default:
        vm_start();
        break;
    }
    return true;
}

bool qmp_quit(Error **errp)
{
    system_actions.shutdown = SHUTDOWN_ACTION_POWEROFF;
    system_shutdown_request(SHUTDOWN_CAUSE_HOST_QMP_QUIT);
    return true;
}

bool qmp_system_reset(Error **errp)
{
    system_reset_request(SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
    return true;
}

bool qmp_system_powerdown(Error **errp)
{
    system_powerdown_request();
    return true;
}

bool qmp_system_wakeup(Error **errp)
{
    return system_wakeup_request(errp);
}

bool qmp_set_action(bool has_reboot, RebootAction reboot, bool has_shutdown,
                    ShutdownAction shutdown, bool has_panic, PanicAction panic,
                    Error **errp)
{
    if (has_reboot) {
        system_actions.reboot = reboot;
    }
    if (has_shutdown) {
        system_actions.shutdown = shutdown;
    }
    if (has_panic) {
        system_actions.panic = panic;
    }
    return true;
}
