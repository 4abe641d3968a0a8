/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options about the process, its log, and the run state. */
#include "util/osdep.h"
#include "main-internal.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include "accel/qtest.h"
#include "monitor/monitor.h"
#include "qapi/qapi-options-apply.h"
#include "system/guest-info.h"
#include "system/rtc.h"
#include "system/runstate.h"
#include "trace/control.h"
#include "util/cutils.h"
#include "util/file.h"
#include "util/log.h"

#define READCONFIG_MAX (1u << 20)   /* bytes */

/* ---- Log ---- */

bool cli_option_msg(MsgOptions *val, Error **errp)
{
    log_set_timestamps(val->has_timestamp && val->timestamp);
    if (val->has_guest_name && val->guest_name) {
        log_set_guest_name(guest_info_get_name());
    }
    return true;
}

bool cli_option_D(const char *arg, Error **errp)
{
    return log_set_file(arg, errp);
}

bool cli_option_d(const char *arg, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(arg, ",", -1);
    g_autoptr(GPtrArray) rest = g_ptr_array_new();
    g_autofree char *mask = NULL;

    for (char **item = items; *item; item++) {
        if (!g_str_has_prefix(*item, "trace:")) {
            g_ptr_array_add(rest, *item);
        } else if (!trace_enable(*item + strlen("trace:"), errp)) {
            return false;
        }
    }
    g_ptr_array_add(rest, NULL);
    mask = g_strjoinv(",", (char **)rest->pdata);
    return (*items && !*mask) || log_set_mask(mask, errp);
}

bool cli_option_trace(TraceOptions *val, Error **errp)
{
    return (!val->file || trace_set_file(val->file, errp)) &&
           (!val->events || trace_enable_file(val->events, errp)) &&
           (!val->enable || trace_enable(val->enable, errp));
}

/* ---- Names ---- */

bool cli_option_name(NameOptions *val, Error **errp)
{
    if (val->guest) {
        guest_info_set_name(val->guest);
    }
    if (val->process) {
        prctl(PR_SET_NAME, val->process);
    }
    /* Threads always have names. */
    return true;
}

bool cli_option_uuid(const char *arg, Error **errp)
{
    Uuid uuid;

    if (!uuid_from_string(arg, &uuid, errp)) {
        return false;
    }
    guest_info_set_uuid(&uuid);
    return true;
}

/* ---- Process ---- */

bool cli_option_nodefaults(Error **errp)
{
    start.nodefaults = true;
    return true;
}

bool cli_option_nographic(Error **errp)
{
    start.nographic = true;
    return true;
}

bool cli_option_daemonize(Error **errp)
{
    start.daemonize = true;
    return true;
}

bool cli_option_pidfile(const char *arg, Error **errp)
{
    start.pidfile = g_strdup(arg);
    return true;
}

bool cli_option_S(Error **errp)
{
    start.stopped = true;
    return true;
}

bool cli_option_overcommit(OvercommitOptions *val, Error **errp)
{
    if (val->has_mem_lock && val->mem_lock &&
        mlockall(MCL_CURRENT | MCL_FUTURE) < 0) {
        error_setg_errno(errp, errno, "cannot lock memory");
        error_append_hint(errp, "Raise the limit of locked memory (ulimit -l).");
        return false;
    }
    if (val->has_cpu_pm && val->cpu_pm) {
        error_setg(errp, "cpu-pm=on is not supported");
        error_append_hint(errp, "let the host poll: halt_poll_ns of its module "
                          "kvm");
        return false;
    }
    return true;
}

bool cli_option_run_with(RunWithOptions *val, Error **errp)
{
    if (val->has_async_teardown && val->async_teardown) {
        error_setg(errp, "async-teardown=on is not supported: the guest's "
                   "memory is freed before the process ends");
        return false;
    }
    if (val->chroot) {
        start.chroot_dir = g_strdup(val->chroot);
    }
    return true;
}

bool cli_option_chroot(const char *arg, Error **errp)
{
    start.chroot_dir = g_strdup(arg);
    return true;
}

bool cli_option_runas(const char *arg, Error **errp)
{
    start.runas = g_strdup(arg);
    return true;
}

bool cli_option_add_fd(AddFdOptions *val, Error **errp)
{
    int fd;

    if (val->fd <= STDERR_FILENO || val->fd > INT_MAX ||
        !fd_is_valid(val->fd)) {
        error_setg(errp, "fd %" PRId64 " is not an open descriptor "
                   "above 2", val->fd);
        return false;
    }
    if (val->set < 0) {
        error_setg(errp, "set %" PRId64 " is negative", val->set);
        return false;
    }
    fd = fcntl(val->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot copy fd %" PRId64,
                         val->fd);
        return false;
    }
    return monitor_fdset_add(val->set, fd, val->opaque, errp) >= 0;
}

/* ---- Run state ---- */

bool cli_option_action(ActionSettings *val, Error **errp)
{
    if (val->has_reboot) {
        system_actions.reboot = val->reboot;
    }
    if (val->has_shutdown) {
        system_actions.shutdown = val->shutdown;
    }
    if (val->has_panic) {
        system_actions.panic = val->panic;
    }
    return true;
}

bool cli_option_no_reboot(Error **errp)
{
    system_actions.reboot = REBOOT_ACTION_SHUTDOWN;
    return true;
}

bool cli_option_no_shutdown(Error **errp)
{
    system_actions.shutdown = SHUTDOWN_ACTION_PAUSE;
    return true;
}

bool cli_option_rtc(RtcOptions *val, Error **errp)
{
    return rtc_configure(val, errp);
}

bool cli_option_qtest(const char *arg, Error **errp)
{
    return qtest_server_init(arg, cli_text(start.cli, CLI_OPTION_QTEST_LOG),
                             errp);
}

bool cli_option_qtest_log(const char *arg, Error **errp)
{
    return true;
}

/* ---- Accepted: they ask for what is so anyway ---- */

bool cli_option_no_user_config(Error **errp)
{
    return true;
}

bool cli_option_display(DisplayOptions *val, Error **errp)
{
    return true;
}

bool cli_option_vnc(NoneOnly val, Error **errp)
{
    return true;
}

bool cli_option_vga(NoneOnly val, Error **errp)
{
    return true;
}

bool cli_option_net(NoneOnly val, Error **errp)
{
    return true;
}

bool cli_option_parallel(NoneOnly val, Error **errp)
{
    return true;
}

bool cli_option_audiodev(AudiodevOptions *val, Error **errp)
{
    return true;
}

bool cli_option_audio(AudioOptions *val, Error **errp)
{
    return true;
}

/* ---- -readconfig, -set ---- */

/* Its options stand behind those of the command line. */
bool cli_option_readconfig(const char *arg, Error **errp)
{
    g_autofree char *text = file_read_all(arg, READCONFIG_MAX, NULL, errp);

    return text && cli_read_config(start.cli, arg, text, errp);
}

bool cli_option_set(const char *arg, Error **errp)
{
    return cli_set(start.cli, arg, errp);
}
