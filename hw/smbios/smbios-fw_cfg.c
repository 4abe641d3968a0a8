/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/smbios/smbios.h"
#include "hw/nvram/fw_cfg.h"

bool smbios_add(FWCfg *s, const SmbiosMachine *m, Error **errp)
{
    GByteArray *structs = smbios_build(m, errp);
    uint8_t *ep;
    uint32_t len;
    bool ok;

    if (!structs) {
        return false;
    }
    len = structs->len;
    ep = g_malloc(SMBIOS_ENTRY_BYTES);
    smbios_entry_point(ep, len, 0);
    ok = fw_cfg_add_file(s, SMBIOS_ANCHOR_FILE, ep, SMBIOS_ENTRY_BYTES, errp);
    return fw_cfg_add_file(s, SMBIOS_TABLES_FILE,
                           g_byte_array_free(structs, FALSE), len,
                           ok ? errp : NULL) && ok;
}
