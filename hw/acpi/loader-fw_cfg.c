/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/acpi/loader.h"
#include "hw/nvram/fw_cfg.h"

bool acpi_loader_add(FWCfg *s, const AcpiTables *t, Error **errp)
{
    AcpiLoaderFile files[ACPI_LOADER_FILES];
    bool ok = true;

    acpi_loader_build(t, files);
    for (int i = 0; i < ACPI_LOADER_FILES; i++) {
        ok = fw_cfg_add_file(s, files[i].name, files[i].data, files[i].len,
                             ok ? errp : NULL) && ok;
    }
    return ok;
}
