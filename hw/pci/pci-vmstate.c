/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions in the migration stream. Of the configuration space only the
 * bits that can change at run time are taken; all others must be equal, since
 * they say what the device is.
 */
#include "util/osdep.h"
#include "pci-internal.h"
#include "msix-internal.h"

static bool pci_put_config(VMStateWriter *w, const void *pv, size_t size,
                           const VMStateField *field, Error **errp)
{
    const PCIDevice *dev = container_of((uint8_t *const *)pv, PCIDevice,
                                        config);

    return vmstate_write(w, dev->config, dev->config_size, errp);
}

static bool pci_get_config(VMStateReader *r, void *pv, size_t size,
                           const VMStateField *field, Error **errp)
{
    PCIDevice *dev = container_of((uint8_t **)pv, PCIDevice, config);
    uint8_t buf[PCIE_CONFIG_SIZE_BYTES];

    if (!vmstate_read(r, buf, dev->config_size, errp)) {
        return false;
    }
    for (unsigned int i = 0; i < dev->config_size; i++) {
        uint8_t fixed = dev->cmask[i] & ~dev->wmask[i] & ~dev->w1cmask[i];

        if ((buf[i] ^ dev->config[i]) & fixed) {
            error_setg(errp, "%s: byte 0x%x of configuration space is 0x%02x "
                       "in the stream and 0x%02x here (mask 0x%02x)",
                       dev->name, i, buf[i], dev->config[i], fixed);
            return false;
        }
    }
    memcpy(dev->config, buf, dev->config_size);
    return true;
}

static const VMStateInfo vmstate_info_pci_config = {
    .name = "pci config", .get = pci_get_config, .put = pci_put_config,
};

static bool pci_post_load(void *opaque, int version_id, Error **errp)
{
    PCIDevice *dev = opaque;

    pci_update_mappings(dev);
    pci_update_mastering(dev);
    return true;
}

const VMStateDescription vmstate_pci_device = {
    .name = "pci-device",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = pci_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16_EQUAL(config_size, PCIDevice),
        VMSTATE_CUSTOM(config, PCIDevice, vmstate_info_pci_config, uint8_t *),
        VMSTATE_UINT8_MAX(irq_level, PCIDevice, 1),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- MSI-X ---- */

static bool msix_put(VMStateWriter *w, const void *pv, size_t size,
                     const VMStateField *field, Error **errp)
{
    const MSIXState *m = *(MSIXState *const *)pv;

    return vmstate_write_be16(w, m->nvectors, errp) &&
           vmstate_write(w, m->table, m->table_bytes, errp) &&
           vmstate_write(w, m->pba, m->pba_bytes, errp);
}

static bool msix_get(VMStateReader *r, void *pv, size_t size,
                     const VMStateField *field, Error **errp)
{
    MSIXState *m = *(MSIXState **)pv;
    uint16_t n;

    if (!vmstate_read_be16(r, &n, errp)) {
        return false;
    }
    if (n != m->nvectors) {
        error_setg(errp, "%u MSI-X vectors in the stream, %u here", n,
                   m->nvectors);
        return false;
    }
    return vmstate_read(r, m->table, m->table_bytes, errp) &&
           vmstate_read(r, m->pba, m->pba_bytes, errp);
}

static const VMStateInfo vmstate_info_msix = {
    .name = "msix", .get = msix_get, .put = msix_put,
};

static bool msix_field_exists(void *opaque, int version_id)
{
    return msix_present(opaque);
}

/* Vectors that are not there are not pending, whatever the stream says. */
static bool msix_post_load(void *opaque, int version_id, Error **errp)
{
    PCIDevice *dev = opaque;
    MSIXState *m = dev->msix;

    if (!m) {
        return true;
    }
    for (unsigned int i = m->nvectors; i < m->pba_bytes * 8; i++) {
        m->pba[i / 8] &= ~BIT(i % 8);
    }
    msix_state_changed(dev);
    return true;
}

const VMStateDescription vmstate_msix = {
    .name = "msix",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = msix_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_SCALAR_TEST_V(msix, PCIDevice, msix_field_exists, 0,
                              vmstate_info_msix, struct MSIXState *),
        VMSTATE_END_OF_LIST()
    },
};
