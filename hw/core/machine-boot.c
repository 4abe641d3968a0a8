/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -boot: what firmware should boot; which boot options fit together. */
#include "util/osdep.h"
#include "hw/core/machine.h"
#include "qapi/qapi-types-machine.h"

/* The menu's field in fw_cfg has 16 bits. */
#define BOOT_TIME_MAX_MS 0xffff

/* Letters 'a' to 'p', each once. */
static bool check_order(const char *order, Error **errp)
{
    uint32_t seen = 0;

    for (const char *p = order; p && *p; p++) {
        if (*p < 'a' || *p > 'p') {
            error_setg(errp, "Invalid boot device '%c'", *p);
            return false;
        }
        if (seen & BIT(*p - 'a')) {
            error_setg(errp, "Boot device '%c' was given twice", *p);
            return false;
        }
        seen |= BIT(*p - 'a');
    }
    return true;
}

static bool check_time(const char *name, bool given, int64_t ms, int64_t min,
                       Error **errp)
{
    if (given && (ms < min || ms > BOOT_TIME_MAX_MS)) {
        error_setg(errp, "%s is invalid, it should be a value between %" PRId64
                   " and %d", name, min, BOOT_TIME_MAX_MS);
        return false;
    }
    return true;
}

static void set_str(char **field, const char *value)
{
    if (value) {
        g_free(*field);
        *field = g_strdup(value);
    }
}

bool machine_set_boot(MachineState *ms, const BootConfiguration *config,
                      Error **errp)
{
    if (!check_order(config->order, errp) || !check_order(config->once, errp) ||
        !check_time("splash-time", config->has_splash_time,
                    config->splash_time, 0, errp) ||
        !check_time("reboot-timeout", config->has_reboot_timeout,
                    config->reboot_timeout, -1, errp)) {
        return false;
    }
    set_str(&ms->boot_order, config->order);
    set_str(&ms->boot_once, config->once);
    set_str(&ms->boot_splash, config->splash);
    if (config->has_menu) {
        ms->boot_menu = config->menu;
    }
    if (config->has_strict) {
        ms->boot_strict = config->strict;
    }
    if (config->has_splash_time) {
        ms->boot_splash_time_ms = config->splash_time;
    }
    if (config->has_reboot_timeout) {
        ms->boot_reboot_timeout_ms = config->reboot_timeout;
    }
    return true;
}

bool machine_check_boot_options(const MachineState *ms, Error **errp)
{
    if (!ms->kernel_filename && ms->kernel_cmdline && *ms->kernel_cmdline) {
        error_setg(errp, "-append only allowed with -kernel option");
        return false;
    }
    if (!ms->kernel_filename && ms->initrd_filename) {
        error_setg(errp, "-initrd only allowed with -kernel option");
        return false;
    }
    return true;
}
