/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /chosen of the device tree: what the loader has to say (Devicetree
 * Specification 0.4, 3.6; Linux bindings chosen.yaml). Its seeds are fresh at
 * each reset.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include <libfdt.h>
#include <sys/random.h>

#define RNG_SEED_BYTES  32
/* Room for what is set, in the tree as it was built. */
#define CHOSEN_ROOM     4096

static int set_seeds(void *fdt, int node)
{
    uint64_t seed[RNG_SEED_BYTES / 8];
    int err;

    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed)) {
        return -FDT_ERR_INTERNAL;
    }
    err = fdt_setprop(fdt, node, "rng-seed", seed, sizeof(seed));
    if (!err && getrandom(seed, sizeof(seed[0]), 0) == sizeof(seed[0])) {
        err = fdt_setprop(fdt, node, "kaslr-seed", seed, sizeof(seed[0]));
    }
    return err;
}

static int set_initrd(const BootPlan *p, void *fdt, int node)
{
    uint64_t start = VIRT_RAM_BASE + p->initrd_offset;
    int err;

    if (!p->initrd.size) {
        return 0;
    }
    err = fdt_setprop_u64(fdt, node, "linux,initrd-start", start);
    return err ? err : fdt_setprop_u64(fdt, node, "linux,initrd-end",
                                       start + p->initrd.size);
}

static int set_all(VirtMachine *v, void *fdt)
{
    int node = fdt_path_offset(fdt, "/chosen"), err;

    if (node == -FDT_ERR_NOTFOUND) {
        node = fdt_add_subnode(fdt, 0, "chosen");
    }
    err = MIN(node, 0);
    if (!err && v->has_uart && !MACHINE(v)->dtb) {
        err = fdt_setprop_string(fdt, node, "stdout-path", "/pl011@9000000");
    }
    if (!err && v->direct_boot && *v->plan.cmdline) {
        err = fdt_setprop_string(fdt, node, "bootargs", v->plan.cmdline);
    }
    if (!err && v->direct_boot) {
        err = set_initrd(&v->plan, fdt, node);
    }
    if (!err && v->dtb_randomness) {
        err = set_seeds(fdt, node);
    }
    return err;
}

bool virt_fdt_check(VirtMachine *v, Error **errp)
{
    int err = fdt_check_full(v->fdt->data, v->fdt->len);

    if (err) {
        error_setg(errp, "'%s' is no device tree: %s", MACHINE(v)->dtb,
                   fdt_strerror(err));
    }
    return err == 0;
}

bool virt_fdt_set_chosen(VirtMachine *v, Error **errp)
{
    uint32_t room = v->fdt->len + CHOSEN_ROOM;
    g_autofree void *fdt = g_malloc0(room);
    int err = fdt_open_into(v->fdt->data, fdt, room);

    if (!err) {
        err = set_all(v, fdt);
    }
    if (!err) {
        err = fdt_pack(fdt);
    }
    if (err) {
        error_setg(errp, "cannot complete the device tree: %s",
                   fdt_strerror(err));
        return false;
    }
    g_byte_array_set_size(v->fdt, 0);
    g_byte_array_append(v->fdt, fdt, fdt_totalsize(fdt));
    if (v->fdt->len > BOOT_FDT_MAX) {
        error_setg(errp, "the device tree has %u bytes, at most 2 MiB are "
                   "taken", v->fdt->len);
        return false;
    }
    return true;
}
