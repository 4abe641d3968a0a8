/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/smbios/smbios.h"
#include "hw/pci/pci.h"

bool smbios_find_pci(const char *id, uint8_t *devfn, Error **errp)
{
    DeviceState *dev = qdev_find_device(id, errp);

    if (!dev) {
        return false;
    }
    if (!object_dynamic_cast(OBJECT(dev), TYPE_PCI_DEVICE)) {
        error_setg(errp, "device '%s' is not on a PCI bus", id);
        return false;
    }
    /* other buses get their numbers from the guest */
    if (!pci_bus_is_root(pci_get_bus(PCI_DEVICE(dev)))) {
        error_setg(errp, "device '%s' is not on the root bus", id);
        return false;
    }
    *devfn = PCI_DEVICE(dev)->devfn;
    return true;
}
