/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the virt machine starts: in flash, if there is firmware, which gets the
 * kernel by fw_cfg, or in the kernel. Device tree and, without firmware, kernel
 * and initrd are put into RAM when the machine is complete and again at each
 * reset, since the guest overwrites them.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/core/reset.h"
#include "system/runstate.h"
#include "target/arm/cpu.h"
#include "util/log.h"

static bool virt_open_kernel(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);
    BootPlan *p = &v->plan;
    bool any = virt_has_firmware(v);

    p->cmdline = ms->kernel_cmdline ? ms->kernel_cmdline : "";
    if (!(any ? boot_image_open_any(&p->kernel, ms->kernel_filename, errp) :
                boot_image_open(&p->kernel, ms->kernel_filename, errp))) {
        return false;
    }
    return (!ms->initrd_filename ||
            boot_source_open(&p->initrd, ms->initrd_filename, "initrd",
                             errp)) &&
           (any || boot_place(p, virt_boot_ram_size(v), errp));
}

static void virt_boot_reset(void *opaque);

bool virt_prepare_boot(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);

    v->plan.kernel.file.fd = v->plan.initrd.fd = -1;
    if (!machine_check_boot_options(ms, errp)) {
        return false;
    }
    if (ms->kernel_filename) {
        if (!virt_open_kernel(v, errp)) {
            boot_plan_close(&v->plan);
            return false;
        }
        v->direct_boot = !virt_has_firmware(v);
    }
    reset_register(virt_boot_reset, v);
    return true;
}

/* ---- Loading ---- */

static bool virt_load(VirtMachine *v, bool clean, Error **errp)
{
    uint8_t *ram = virt_ram_ptr(v);

    if (!virt_fdt_set_chosen(v, errp)) {
        return false;
    }
    if (virt_boot_ram_size(v) >= BOOT_FDT_MAX) {
        memcpy(ram, v->fdt->data, v->fdt->len);
    }
    return !v->direct_boot || boot_load(&v->plan, ram, clean, errp);
}

/* -dtb: the user's instead of ours. */
static bool virt_read_fdt(VirtMachine *v, const char *path, Error **errp)
{
    BootSource src;
    bool ok;

    if (!boot_source_open(&src, path, "device tree", errp)) {
        return false;
    }
    ok = src.size <= BOOT_FDT_MAX;
    if (!ok) {
        error_setg(errp, "device tree '%s' has %" PRIu64 " bytes, at most 2 "
                   "MiB are taken", path, src.size);
    }
    v->fdt = g_byte_array_new();
    if (ok) {
        g_byte_array_set_size(v->fdt, src.size);
        ok = boot_source_read(&src, 0, v->fdt->data, src.size, errp);
    }
    boot_source_close(&src);
    return ok && virt_fdt_check(v, errp);
}

static void virt_fill_fw_cfg(VirtMachine *v)
{
    MachineState *ms = MACHINE(v);

    fw_cfg_add_u16(v->fw_cfg, FW_CFG_NB_CPUS, ms->smp.cpus);
    fw_cfg_add_u16(v->fw_cfg, FW_CFG_MAX_CPUS, ms->smp.max_cpus);
    fw_cfg_add_u64(v->fw_cfg, FW_CFG_RAM_SIZE, ms->ram_size);
}

/* dumpdtb: the tree as the kernel would get it; then there is nothing to run,
 * and the main loop ends before the first instruction. */
static bool virt_dump_fdt(VirtMachine *v, Error **errp)
{
    g_autoptr(GError) gerr = NULL;

    if (!v->dumpdtb) {
        return true;
    }
    if (!g_file_set_contents(v->dumpdtb, (const char *)v->fdt->data,
                             v->fdt->len, &gerr)) {
        error_setg(errp, "dumpdtb=%s: %s", v->dumpdtb, gerr->message);
        return false;
    }
    info_report("device tree written to '%s'", v->dumpdtb);
    vm_set_autostart(false);
    system_actions.shutdown = SHUTDOWN_ACTION_POWEROFF;
    system_shutdown_request(SHUTDOWN_CAUSE_HOST_UI);
    return true;
}

bool virt_finish_boot(VirtMachine *v, Error **errp)
{
    const char *dtb = MACHINE(v)->dtb;

    if (!(dtb ? virt_read_fdt(v, dtb, errp) : virt_build_fdt(v, errp))) {
        return false;
    }
    virt_fill_fw_cfg(v);
    if (!fw_cfg_add_boot(v->fw_cfg, MACHINE(v), errp) ||
        !virt_add_acpi(v, errp) || !virt_add_smbios(v, errp)) {
        return false;
    }
    if (MACHINE(v)->kernel_filename && !v->direct_boot &&
        !virt_add_kernel_items(v, errp)) {
        return false;
    }
    v->loaded = virt_load(v, true, errp);
    return v->loaded && virt_dump_fdt(v, errp);
}

/* ---- Reset ---- */

static void virt_boot_reset(void *opaque)
{
    VirtMachine *v = opaque;
    g_autoptr(Error) err = NULL;
    ARMCPUState *env;

    if (!v->loaded && !virt_load(v, false, &err)) {
        error_prepend(&err, "cannot load the kernel again: ");
        error_report_err(g_steal_pointer(&err));
        system_shutdown_request(SHUTDOWN_CAUSE_HOST_ERROR);
        return;
    }
    v->loaded = false;
    if (v->direct_boot) {
        env = &ARM_CPU(cpu_get(0))->env;
        env->pc = VIRT_RAM_BASE + v->plan.kernel_offset;
        env->x[0] = VIRT_RAM_BASE;      /* the device tree */
    }
}
