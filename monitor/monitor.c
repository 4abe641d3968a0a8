/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making and ending monitors; see include/monitor/monitor.h. */
#include "util/osdep.h"
#include "monitor-internal.h"

void monitor_init(void)
{
    monitor_fds_init();
    qmp_events_init();
}

void monitor_cleanup(void)
{
    qmp_events_cleanup();
    qmp_sessions_cleanup();
    hmp_sessions_cleanup();
    monitor_fds_cleanup();
}

bool monitor_new(Chardev *chr, MonitorMode mode, bool pretty, Error **errp)
{
    if (mode == MONITOR_MODE_CONTROL) {
        return qmp_session_new(chr, pretty, errp);
    }
    if (pretty) {
        error_setg(errp, "'pretty' is not compatible with HMP monitors");
        return false;
    }
    return hmp_session_new(chr, errp);
}

bool monitor_new_from_options(const MonitorOptions *opts, Error **errp)
{
    Chardev *chr = chardev_find(opts->chardev);

    if (!chr) {
        error_setg(errp, "chardev '%s' not found", opts->chardev);
        return false;
    }
    return monitor_new(chr, opts->has_mode ? opts->mode : MONITOR_MODE_READLINE,
                       opts->has_pretty && opts->pretty, errp);
}
