/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SMBIOS says of the virt machine: in memory for a kernel that is entered
 * directly, in fw_cfg for firmware. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/smbios/smbios.h"
#include "system/guest-info.h"

#define STRUCTS_OFFSET  0x20        /* the entry point, aligned */

static SmbiosMachine virt_smbios_machine(VirtMachine *v)
{
    const MachineState *ms = MACHINE(v);
    const CpuTopology *smp = &ms->smp;
    unsigned int cores = smp->dies * smp->clusters * smp->cores;

    return (SmbiosMachine){
        .config = ms->smbios, .name = MACHINE_GET_CLASS(ms)->name,
        .uuid = guest_info_get_uuid(), .sockets = smp->sockets,
        .cores = cores, .threads = cores * smp->threads,
        .ram = { { 0, v->low_ram_size },
                 { VIRT_HIGH_RAM_BASE, v->high_ram_size } },
        .nram = v->high_ram_size ? 2 : 1,
        .is_firmware = v->direct_boot, .find_pci = smbios_find_pci,
    };
}

bool virt_build_smbios(VirtMachine *v, Error **errp)
{
    const SmbiosMachine m = virt_smbios_machine(v);
    GByteArray *structs = smbios_build(&m, errp);
    uint64_t len;

    if (!structs) {
        return false;
    }
    len = STRUCTS_OFFSET + structs->len;
    if (len > BOOT_SMBIOS_MAX) {
        error_setg(errp, "SMBIOS tables have %" PRIu64 " bytes, %u fit below "
                   "1 MiB", len, BOOT_SMBIOS_MAX);
        error_append_hint(errp, "Give fewer or shorter -smbios options.");
        g_byte_array_unref(structs);
        return false;
    }
    v->smbios = g_byte_array_new();
    g_byte_array_set_size(v->smbios, STRUCTS_OFFSET);
    memset(v->smbios->data, 0, STRUCTS_OFFSET);
    smbios_entry_point(v->smbios->data, structs->len,
                       BOOT_SMBIOS_GPA + STRUCTS_OFFSET);
    g_byte_array_append(v->smbios, structs->data, structs->len);
    g_byte_array_unref(structs);
    return true;
}

bool virt_add_smbios(VirtMachine *v, Error **errp)
{
    const SmbiosMachine m = virt_smbios_machine(v);

    return smbios_add(v->fw_cfg, &m, errp);
}
