/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the virt machine starts: a kernel entered directly, or a ROM at the
 * reset vector. Kernel and tables are put into RAM when the machine is
 * complete and again at each reset, since the guest overwrites them.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/acpi/loader.h"
#include "hw/core/reset.h"
#include "system/accel.h"
#include "system/runstate.h"
#include "target/i386/cpu.h"
#include "util/bytes.h"
#include "util/log.h"

static bool virt_open_kernel(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);
    BootPlan *p = &v->plan;

    /* What we put below 1 MiB, whatever the kernel needs. */
    if (virt_boot_ram_size(v) < MiB) {
        error_setg(errp, "not enough memory for kernel '%s': the first NUMA "
                   "node has %" PRIu64 " bytes, it needs 1 MiB at least",
                   ms->kernel_filename, virt_boot_ram_size(v));
        return false;
    }
    p->cmdline = ms->kernel_cmdline ? ms->kernel_cmdline : "";
    p->e820 = v->e820;
    p->initrd_arg = ms->initrd_filename;
    if (!boot_source_open(&p->kernel, ms->kernel_filename, "kernel", errp) ||
        !boot_image_parse(&p->kernel, &p->image, errp)) {
        return false;
    }
    if (ms->initrd_filename && !p->image.format &&
        !boot_source_open(&p->initrd, ms->initrd_filename, "initrd", errp)) {
        return false;
    }
    return boot_place(p, virt_boot_ram_size(v), errp);
}

static bool virt_check_boot_options(const MachineState *ms, Error **errp)
{
    if (!machine_check_boot_options(ms, errp)) {
        return false;
    }
    if (ms->dtb) {
        error_setg(errp, "-dtb '%s': x86 guests take no device tree", ms->dtb);
        return false;
    }
    if (ms->kernel_filename && ms->firmware) {
        error_setg(errp, "-kernel with -bios is not supported yet: a kernel "
                   "is entered without firmware");
        error_append_hint(errp, "Leave out -bios.");
        return false;
    }
    return true;
}

static void virt_boot_reset(void *opaque);

bool virt_prepare_boot(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);

    v->plan.kernel.fd = v->plan.initrd.fd = -1;
    if (!virt_check_boot_options(ms, errp)) {
        return false;
    }
    if (ms->firmware && !virt_load_rom(v, errp)) {
        return false;
    }
    if (ms->kernel_filename) {
        if (!virt_open_kernel(v, errp)) {
            boot_plan_close(&v->plan);
            return false;
        }
        v->direct_boot = true;
    }
    reset_register(virt_boot_reset, v);
    return true;
}

/* ---- Tables ---- */

/* Where BIOSes have them, or, when they are too many, at the end of the
 * RAM that the loader fills. */
static bool virt_place_acpi(VirtMachine *v, Error **errp)
{
    uint64_t len = ROUND_UP(v->acpi.out.len, 4096);
    uint64_t top = virt_boot_ram_size(v), end;
    E820Entry *low = &v->e820[2];

    v->acpi_gpa = BOOT_ACPI_GPA;
    if (len > BOOT_ACPI_MAX) {
        v->acpi_gpa = top - len;
        if (v->acpi_gpa < v->plan.image.end ||
            v->plan.initrd_gpa + v->plan.initrd.size > v->acpi_gpa) {
            error_setg(errp, "no room for %" PRIu64 " bytes of ACPI tables "
                       "in memory", len);
            return false;
        }
        end = low->addr + low->len;
        low->len = v->acpi_gpa - low->addr;
        if (top < end) {
            v->e820[v->ne820++] = (E820Entry){ top, end - top, E820_RAM };
        }
        v->e820[v->ne820++] = (E820Entry){ v->acpi_gpa, len, E820_ACPI };
    }
    acpi_tables_relocate(&v->acpi, v->acpi_gpa);
    v->plan.acpi_rsdp_gpa = v->acpi_gpa + v->acpi.rsdp;
    return true;
}

static bool virt_load(VirtMachine *v, bool clean, Error **errp)
{
    uint8_t *ram = virt_low_ram_ptr(v);

    memcpy(ram + v->acpi_gpa, v->acpi.out.data, v->acpi.out.len);
    memcpy(ram + BOOT_SMBIOS_GPA, v->smbios->data, v->smbios->len);
    return boot_load(&v->plan, ram, clean, errp);
}

static bool virt_add_e820_file(VirtMachine *v, Error **errp)
{
    size_t len = v->ne820 * 20;
    uint8_t *data = g_malloc(len), *p = data;

    for (unsigned int i = 0; i < v->ne820; i++, p += 20) {
        put_le64(p, v->e820[i].addr);
        put_le64(p + 8, v->e820[i].len);
        put_le32(p + 16, v->e820[i].type);
    }
    return fw_cfg_add_file(v->fw_cfg, "etc/e820", data, len, errp);
}

static bool virt_fill_fw_cfg(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);

    fw_cfg_add_u16(v->fw_cfg, FW_CFG_NB_CPUS, ms->smp.cpus);
    fw_cfg_add_u16(v->fw_cfg, FW_CFG_MAX_CPUS, ms->smp.max_cpus);
    fw_cfg_add_u64(v->fw_cfg, FW_CFG_RAM_SIZE, ms->ram_size);
    return virt_add_e820_file(v, errp) &&
           fw_cfg_add_boot(v->fw_cfg, ms, errp);
}

bool virt_finish_boot(VirtMachine *v, Error **errp)
{
    acpi_tables_init(&v->acpi);
    virt_build_acpi(v, &v->acpi);
    if (!v->direct_boot) {
        return acpi_loader_add(v->fw_cfg, &v->acpi, errp) &&
               virt_add_smbios(v, errp) &&
               virt_fill_fw_cfg(v, errp);
    }
    if (!virt_place_acpi(v, errp)) {
        return false;
    }
    v->plan.ne820 = v->ne820;
    if (!virt_build_smbios(v, errp)) {
        return false;
    }
    v->loaded = virt_load(v, true, errp);
    return v->loaded && virt_fill_fw_cfg(v, errp);
}

/* ---- Reset ---- */

static void virt_boot_reset(void *opaque)
{
    static const BootPciWindow window = {
        .mem = VIRT_PCI32_BASE, .mem_end = VIRT_PCI32_END,
        .io = VIRT_BOOT_PCI_IO, .io_end = 0x10000,
    };
    VirtMachine *v = opaque;
    g_autoptr(Error) err = NULL;
    CPUState *cs;

    if (!v->direct_boot) {
        return;
    }
    if (!v->loaded && !virt_load(v, false, &err)) {
        error_prepend(&err, "cannot load the kernel again: ");
        error_report_err(g_steal_pointer(&err));
        system_shutdown_request(SHUTDOWN_CAUSE_HOST_ERROR);
        return;
    }
    v->loaded = false;
    if (v->plan.image.format && v->plan.image.format->start) {
        v->plan.image.format->start(&window);
    }
    CPU_FOREACH(cs) {
        boot_cpu_init_any(X86_CPU(cs));
    }
    boot_cpu_enter(X86_CPU(cpu_get(0)), &v->plan.image);
}
