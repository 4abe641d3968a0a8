/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What firmware should boot, as fw_cfg tells it. */
#include "util/osdep.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/core/boot-order.h"
#include "hw/core/machine.h"
#include "util/bytes.h"

static bool add_order(FWCfg *s, const MachineState *ms, Error **errp)
{
    uint32_t len;
    char *list = boot_order_list(ms, &len);

    return fw_cfg_add_file(s, "bootorder", list, len, errp);
}

/* Milliseconds that the menu is shown, and until a failed boot is tried again;
 * -1: for ever. */
static bool add_times(FWCfg *s, const MachineState *ms, Error **errp)
{
    uint8_t *fail = g_malloc(4), *menu;

    put_le32(fail, ms->boot_reboot_timeout_ms);
    if (!fw_cfg_add_file(s, "etc/boot-fail-wait", fail, 4, errp)) {
        return false;
    }
    if (ms->boot_splash_time_ms < 0) {
        return true;
    }
    menu = g_malloc(2);
    put_le16(menu, ms->boot_splash_time_ms);
    return fw_cfg_add_file(s, "etc/boot-menu-wait", menu, 2, errp);
}

bool fw_cfg_add_boot(FWCfg *s, const MachineState *ms, Error **errp)
{
    fw_cfg_add_u16(s, FW_CFG_BOOT_MENU, ms->boot_menu);
    return add_order(s, ms, errp) && add_times(s, ms, errp);
}
