/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware of the virt machine: two banks of flash, the first with its code at
 * the reset vector, the second with its variables; and the kernel that it is
 * to start, by fw_cfg.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "block/block.h"
#include "hw/block/pflash_cfi01.h"

/* Two chips of 16 bits side by side, as edk2 and the device tree have it. */
#define FLASH_WIDTH         4
#define FLASH_CHIP_WIDTH    2
#define FLASH_SECTOR_BYTES  (256 * KiB)
#define FLASH_ID_INTEL      0x89
#define FLASH_ID_28F128     0x18

/* Name of what a bank gets; NULL: nothing. */
static const char *virt_flash_drive(const VirtMachine *v, unsigned unit)
{
    return v->flash_node[unit] ? v->flash_node[unit] : drive_get_flash(unit);
}

bool virt_has_firmware(const VirtMachine *v)
{
    return MACHINE(v)->firmware || virt_flash_drive(v, 0);
}

/* ---- Flash ---- */

static bool virt_set_flash_drive(VirtMachine *v, unsigned unit,
                                 DeviceState *dev, Error **errp)
{
    const char *drive = virt_flash_drive(v, unit);

    if (v->flash_node[unit] && drive_get_flash(unit)) {
        error_setg(errp, "flash %u is both '%s' and '%s'", unit,
                   v->flash_node[unit], drive_get_flash(unit));
        error_append_hint(errp, "Leave out -machine pflash%u= or -drive "
                          "if=pflash,unit=%u.", unit, unit);
        return false;
    }
    if (unit == 0 && drive && MACHINE(v)->firmware) {
        error_setg(errp, "-bios '%s' and drive '%s' are both for flash 0",
                   MACHINE(v)->firmware, drive);
        error_append_hint(errp, "Leave out -bios.");
        return false;
    }
    return !drive || object_property_set_str(OBJECT(dev), "drive", drive, errp);
}

static bool virt_set_flash_props(Object *obj, unsigned unit, Error **errp)
{
    const struct { const char *name; uint64_t val; } props[] = {
        { "num-blocks", VIRT_FLASH_BYTES / FLASH_SECTOR_BYTES },
        { "sector-length", FLASH_SECTOR_BYTES },
        { "width", FLASH_WIDTH }, { "device-width", FLASH_CHIP_WIDTH },
        { "id0", FLASH_ID_INTEL }, { "id1", FLASH_ID_28F128 },
    };
    g_autofree char *name = g_strdup_printf("virt.flash%u", unit);

    for (size_t i = 0; i < G_N_ELEMENTS(props); i++) {
        if (!object_property_set_uint(obj, props[i].name, props[i].val,
                                      errp)) {
            return false;
        }
    }
    return object_property_set_str(obj, "name", name, errp);
}

static bool virt_create_bank(VirtMachine *v, unsigned unit, Error **errp)
{
    DeviceState *dev = qdev_new(TYPE_PFLASH_CFI01);
    g_autofree char *name = g_strdup_printf("virt.flash%u", unit);

    object_property_add_child(OBJECT(v), name, OBJECT(dev));
    v->flash[unit] = PFLASH_CFI01(dev);
    if (!virt_set_flash_props(OBJECT(dev), unit, errp) ||
        !virt_set_flash_drive(v, unit, dev, errp) ||
        !qdev_realize_and_unref(dev, NULL, errp)) {
        error_prepend(errp, "flash %u: ", unit);
        return false;
    }
    memory_region_add_subregion(get_system_memory(),
                                VIRT_FLASH_BASE + unit * VIRT_FLASH_BYTES,
                                &v->flash[unit]->mem);
    return true;
}

/* -bios: content that the guest may change and that nobody keeps. */
static bool virt_load_bios(VirtMachine *v, const char *path, Error **errp)
{
    uint8_t *ram = memory_region_get_ram_ptr(&v->flash[0]->mem);
    BootSource src;
    bool ok;

    if (!boot_source_open(&src, path, "firmware", errp)) {
        return false;
    }
    ok = src.size <= VIRT_FLASH_BYTES;
    if (!ok) {
        error_setg(errp, "firmware '%s' has %" PRIu64 " bytes, flash 0 has "
                   "%" PRIu64, path, src.size, (uint64_t)VIRT_FLASH_BYTES);
    }
    ok = ok && boot_source_read(&src, 0, ram, src.size, errp);
    boot_source_close(&src);
    return ok;
}

bool virt_create_flash(VirtMachine *v, Error **errp)
{
    const char *bios = MACHINE(v)->firmware;

    return virt_create_bank(v, 0, errp) && virt_create_bank(v, 1, errp) &&
           (!bios || virt_load_bios(v, bios, errp));
}

/* ---- Kernel ---- */

static bool add_source(FWCfg *s, uint16_t size_key, uint16_t data_key,
                       const BootSource *src, Error **errp)
{
    uint8_t *data;

    if (src->size > BOOT_IMAGE_MAX) {
        error_setg(errp, "'%s' has %" PRIu64 " bytes, firmware takes at most "
                   "%" PRIu64 " MiB", src->name, src->size,
                   (uint64_t)(BOOT_IMAGE_MAX / MiB));
        return false;
    }
    data = g_malloc(src->size);
    if (!boot_source_read(src, 0, data, src->size, errp)) {
        g_free(data);
        return false;
    }
    fw_cfg_add_u32(s, size_key, src->size);
    fw_cfg_add_bytes(s, data_key, data, src->size);
    return true;
}

bool virt_add_kernel_items(VirtMachine *v, Error **errp)
{
    BootPlan *p = &v->plan;
    BootImage *img = &p->kernel;
    size_t len = strlen(p->cmdline) + 1;

    if (img->unpacked) {
        fw_cfg_add_u32(v->fw_cfg, FW_CFG_KERNEL_SIZE, img->bytes);
        fw_cfg_add_bytes(v->fw_cfg, FW_CFG_KERNEL_DATA,
                         g_steal_pointer(&img->unpacked), img->bytes);
    } else if (!add_source(v->fw_cfg, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA,
                           &img->file, errp)) {
        return false;
    }
    if (p->initrd.size &&
        !add_source(v->fw_cfg, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA,
                    &p->initrd, errp)) {
        return false;
    }
    fw_cfg_add_u32(v->fw_cfg, FW_CFG_CMDLINE_SIZE, len);
    fw_cfg_add_bytes(v->fw_cfg, FW_CFG_CMDLINE_DATA, g_memdup2(p->cmdline, len),
                     len);
    boot_plan_close(p);
    return true;
}
