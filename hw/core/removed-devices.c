/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that users of other hypervisors ask for and that were left out on
 * purpose, each with what serves the same end here; and those that are not in
 * every build.
 */
#include "util/osdep.h"
#include "qdev-internal.h"

static const struct {
    const char *driver;             /* a trailing '*' fits any end */
    const char *instead;
} removed[] = {
    { "e1000*", "virtio-net-pci" },
    { "rtl8139", "virtio-net-pci" },
    { "ne2k_*", "virtio-net-pci" },
    { "pcnet", "virtio-net-pci" },
    { "i825*", "virtio-net-pci" },
    { "vmxnet3", "virtio-net-pci" },
    { "usb-net", "virtio-net-pci" },
    { "tulip", "virtio-net-pci" },
    { "ide-*", "virtio-blk-pci" },
    { "floppy", "virtio-blk-pci" },
    { "isa-fdc", "virtio-blk-pci" },
    { "isa-ide", "virtio-blk-pci" },
    { "piix*-ide", "virtio-blk-pci" },
    { "nvme*", "virtio-blk-pci" },
    { "usb-storage", "virtio-blk-pci" },
    { "usb-bot", "virtio-blk-pci" },
    { "usb-uas", "virtio-blk-pci" },
    { "sdhci-pci", "virtio-blk-pci" },
    { "lsi*", "virtio-blk-pci" },
    { "megasas*", "virtio-blk-pci" },
    { "mptsas*", "virtio-blk-pci" },
    { "pvscsi", "virtio-blk-pci" },
    { "am53c974", "virtio-blk-pci" },
    { "pci-serial*", "virtio-serial-pci" },
    { "usb-serial", "virtio-serial-pci" },
    { "usb-braille", "virtio-serial-pci" },
    { "isa-parallel", "isa-serial" },
    { "ioh3420", "pcie-root-port" },
    { "x3130-upstream", "pcie-root-port" },
    { "xio3130-downstream", "pcie-root-port" },
    { "i82801b11-bridge", "pcie-root-port" },
};

/* Looked at when the type is not there, so it is not built in. */
static const struct {
    const char *driver, *option;
} optional[] = {
    { "pc-testdev", "--enable-test-devices" },
    { "pci-testdev", "--enable-test-devices" },
};

/* @pattern may hold one '*', which fits any text. */
static bool pattern_fits(const char *pattern, const char *name)
{
    const char *star = strchr(pattern, '*');
    size_t head;

    if (!star) {
        return g_str_equal(pattern, name);
    }
    head = star - pattern;
    return strncmp(pattern, name, head) == 0 &&
           strlen(name) >= strlen(pattern) - 1 &&
           g_str_has_suffix(name + head, star + 1);
}

const char *qdev_removed_replacement(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(removed); i++) {
        if (pattern_fits(removed[i].driver, driver)) {
            return removed[i].instead;
        }
    }
    return NULL;
}

const char *qdev_configure_option(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(optional); i++) {
        if (g_str_equal(driver, optional[i].driver)) {
            return optional[i].option;
        }
    }
    return NULL;
}
