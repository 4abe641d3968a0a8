/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SMBIOS says of the virt machine, for firmware to take from fw_cfg. A
 * kernel finds it by UEFI alone. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/smbios/smbios.h"
#include "system/guest-info.h"

bool virt_add_smbios(VirtMachine *v, Error **errp)
{
    const MachineState *ms = MACHINE(v);
    const CpuTopology *smp = &ms->smp;
    const SmbiosMachine m = {
        .config = ms->smbios, .name = MACHINE_GET_CLASS(ms)->name,
        .uuid = guest_info_get_uuid(), .sockets = smp->sockets,
        .cores = smp->clusters * smp->cores,
        .threads = smp->clusters * smp->cores * smp->threads,
        .ram = { { VIRT_RAM_BASE, ms->ram_size } }, .nram = 1,
        .find_pci = smbios_find_pci,
    };

    return smbios_add(v->fw_cfg, &m, errp);
}
