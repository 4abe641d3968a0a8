/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where kernel and initrd go, and putting them there. */
#include "util/osdep.h"
#include "hw/i386/boot.h"
#include "util/bytes.h"

#define PAGE_BYTES 4096

static uint64_t to_mib(uint64_t bytes)
{
    return DIV_ROUND_UP(bytes, MiB);
}

/* ---- Placing ---- */

static bool boot_check_kernel(const BootPlan *plan, uint64_t low_ram,
                              Error **errp)
{
    const BootImage *img = &plan->image;

    if (img->end > low_ram) {
        error_setg(errp, "not enough memory for kernel '%s': it needs the "
                   "first %" PRIu64 " MiB, there are %" PRIu64,
                   plan->kernel.name, to_mib(img->end),
                   to_mib(low_ram));
        error_append_hint(errp, "Give the guest more memory with -m.");
        return false;
    }
    return true;
}

static bool boot_check_cmdline(const BootPlan *plan, Error **errp)
{
    size_t len = strlen(plan->cmdline);
    size_t max = MIN(plan->image.cmdline_max, BOOT_CMDLINE_MAX - 1);

    if (len > max) {
        error_setg(errp, "kernel command line has %zu characters, '%s' takes "
                   "at most %zu", len, plan->kernel.name, max);
        return false;
    }
    return true;
}

/* As high as the kernel allows, out of the way of what it unpacks. */
static bool boot_place_initrd(BootPlan *plan, uint64_t low_ram, Error **errp)
{
    uint64_t size = plan->initrd.size;
    uint64_t top = MIN(low_ram, plan->image.initrd_max);
    uint64_t gpa = size <= top ? ROUND_DOWN(top - size, PAGE_BYTES) : 0;

    if (size == 0) {
        return true;
    }
    if (gpa < plan->image.end) {
        error_setg(errp, "not enough memory for initrd '%s': %" PRIu64
                   " bytes do not fit between the kernel's end at %" PRIu64
                   " MiB and %" PRIu64 " MiB", plan->initrd.name, size,
                   to_mib(plan->image.end), to_mib(top));
        error_append_hint(errp, "Give the guest more memory with -m.");
        return false;
    }
    plan->initrd_gpa = gpa;
    return true;
}

bool boot_place(BootPlan *plan, uint64_t low_ram, Error **errp)
{
    const BootFormat *format = plan->image.format;

    if (!boot_check_kernel(plan, low_ram, errp)) {
        return false;
    }
    if (format) {
        return format->place(plan, low_ram, errp);
    }
    return boot_check_cmdline(plan, errp) &&
           boot_place_initrd(plan, low_ram, errp);
}

void boot_plan_close(BootPlan *plan)
{
    if (plan->image.format) {
        plan->image.format->close(plan);
    }
    boot_source_close(&plan->kernel);
    boot_source_close(&plan->initrd);
}

/* ---- Loading ---- */

/* Touch no page that is known to be zero: it costs a fault. */
static bool boot_load_segment(const BootPlan *plan, const BootSegment *seg,
                              uint8_t *ram, bool clean, Error **errp)
{
    if (!boot_source_read(&plan->kernel, seg->offset, ram + seg->gpa,
                          seg->filesz, errp)) {
        return false;
    }
    if (!clean) {
        memset(ram + seg->gpa + seg->filesz, 0, seg->memsz - seg->filesz);
    }
    return true;
}

bool boot_load(const BootPlan *plan, uint8_t *ram, bool clean, Error **errp)
{
    for (unsigned int i = 0; i < plan->image.nsegments; i++) {
        if (!boot_load_segment(plan, &plan->image.segments[i], ram, clean,
                               errp)) {
            return false;
        }
    }
    if (plan->image.format) {
        return plan->image.format->load(plan, ram, errp);
    }
    if (plan->initrd.size &&
        !boot_source_read(&plan->initrd, 0, ram + plan->initrd_gpa,
                          plan->initrd.size, errp)) {
        return false;
    }
    g_strlcpy((char *)ram + BOOT_CMDLINE_GPA, plan->cmdline, BOOT_CMDLINE_MAX);
    if (plan->image.protocol == BOOT_PVH) {
        boot_write_pvh_info(plan, ram);
    } else {
        boot_write_linux_params(plan, ram);
        boot_write_tables(ram);
    }
    return true;
}
