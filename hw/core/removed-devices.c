/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that users of other hypervisors ask for and that were left out on
 * purpose or are still missing, each with what serves the same end here; and
 * those that are not in every build.
 */
#include "util/osdep.h"
#include "qdev-internal.h"

#define NO_DISPLAY "there is no graphical display"
#define NO_USB     "there is no USB"
#define NO_SOUND   "there is no sound"
#define NO_IPMI    "there is no IPMI"

static const struct {
    const char *driver;             /* one '*' fits any text */
    const char *instead;            /* NULL: nothing */
    const char *why;                /* NULL: @instead says it */
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
    { "VGA", "virtconsole", NO_DISPLAY },
    { "secondary-vga", "virtconsole", NO_DISPLAY },
    { "isa-*vga", "virtconsole", NO_DISPLAY },
    { "cirrus-vga", "virtconsole", NO_DISPLAY },
    { "vmware-svga", "virtconsole", NO_DISPLAY },
    { "virtio-vga*", "virtconsole", NO_DISPLAY },
    { "virtio-gpu*", "virtconsole", NO_DISPLAY },
    { "vhost-user-gpu*", "virtconsole", NO_DISPLAY },
    { "vhost-user-vga", "virtconsole", NO_DISPLAY },
    { "qxl*", "virtconsole", NO_DISPLAY },
    { "bochs-display", "virtconsole", NO_DISPLAY },
    { "ati-vga", "virtconsole", NO_DISPLAY },
    { "ramfb", "virtconsole", NO_DISPLAY },
    { "sga", "isa-serial", NO_DISPLAY },
    { "virtio-keyboard*", "virtconsole", NO_DISPLAY },
    { "virtio-mouse*", "virtconsole", NO_DISPLAY },
    { "virtio-tablet*", "virtconsole", NO_DISPLAY },
    { "virtio-input-host*", "virtconsole", NO_DISPLAY },
    { "vmmouse", "virtconsole", NO_DISPLAY },
    { "i8042", "virtconsole", "there is no keyboard" },
    { "AC97", NULL, NO_SOUND },
    { "ES1370", NULL, NO_SOUND },
    { "sb16", NULL, NO_SOUND },
    { "adlib", NULL, NO_SOUND },
    { "gus", NULL, NO_SOUND },
    { "cs4231a", NULL, NO_SOUND },
    { "hda-*", NULL, NO_SOUND },
    { "*intel-hda", NULL, NO_SOUND },
    { "virtio-snd*", NULL, NO_SOUND },
    { "*xhci", NULL, NO_USB },
    { "*-uhci", NULL, NO_USB },
    { "usb-ehci", NULL, NO_USB },
    { "pci-ohci", NULL, NO_USB },
    { "ich9-usb-*", NULL, NO_USB },
    { "usb-*", NULL, NO_USB },
    { "u2f-*", NULL, NO_USB },
    { "isa-ipmi-*", NULL, NO_IPMI },
    { "pci-ipmi-*", NULL, NO_IPMI },
    { "ipmi-*", NULL, NO_IPMI },
    { "hpet", NULL, "guests have kvmclock and the TSC" },
    { "pvrdma", "virtio-net-pci" },
    { "rocker", "virtio-net-pci" },
    { "ich9-ahci", "virtio-blk-pci" },
    { "dc390", "virtio-blk-pci" },
    { "sd-card", "virtio-blk-pci" },
    { "pvpanic", "pvpanic-pci" },
};

/* Not here yet, and nothing against them. Their names are near to those of
 * devices that do something else. */
static const struct {
    const char *driver, *instead;
} missing[] = {
    { "virtio-scsi*", "virtio-blk-pci" },
    { "vhost-scsi*", "virtio-blk-pci" },
    { "vhost-user-scsi*", "virtio-blk-pci" },
    { "vhost-user-blk*", "virtio-blk-pci" },
    { "scsi-*", "virtio-blk-pci" },
    { "virtio-pmem*", "virtio-blk-pci" },
    { "nvdimm", "virtio-blk-pci" },
    { "virtio-9p*", "virtio-blk-pci" },
    { "vhost-user-fs*", "virtio-blk-pci" },
    { "vhost-vsock*", "virtserialport" },
    { "vhost-user-vsock*", "virtserialport" },
    { "vhost-user-rng*", "virtio-rng-pci" },
    { "pci-bridge", "pcie-root-port" },
    { "pcie-pci-bridge", "pcie-root-port" },
    { "pxb*", "pcie-root-port" },
    { "i6300esb", "pvpanic-pci" },
    { "ib700", "pvpanic-pci" },
    { "vfio-*", NULL },
    { "pc-dimm", NULL },
    { "virtio-mem*", NULL },
    { "virtio-iommu*", NULL },
    { "intel-iommu", NULL },
    { "amd-iommu", NULL },
    { "virtio-crypto*", NULL },
    { "tpm-*", NULL },
    { "ivshmem-*", NULL },
    { "vmgenid", NULL },
    { "vmcoreinfo", NULL },
    { "loader", NULL },
    { "guest-loader", NULL },
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

static char *missing_hint(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
        const char *instead = missing[i].instead;

        if (pattern_fits(missing[i].driver, driver)) {
            bool has = instead && object_class_by_name(instead);

            return g_strdup_printf("this version has no '%s'%s%s%s", driver,
                                   has ? "; use '" : "", has ? instead : "",
                                   has ? "'" : "");
        }
    }
    return NULL;
}

/* Only names a type that is in this build. */
char *qdev_removed_hint(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(removed); i++) {
        const char *why = removed[i].why, *instead = removed[i].instead;

        if (!pattern_fits(removed[i].driver, driver)) {
            continue;
        }
        if (instead && !object_class_by_name(instead)) {
            instead = NULL;
        }
        return g_strdup_printf("this program leaves '%s' out on purpose"
                               "%s%s%s%s%s", driver, why ? ": " : "",
                               why ? why : "", instead ? "; use '" : "",
                               instead ? instead : "", instead ? "'" : "");
    }
    return missing_hint(driver);
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
