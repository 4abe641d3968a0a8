/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express capability, version 2 (PCI Express Base 5.0, 7.5.3). All links
 * are 2.5 GT/s x1: their speed means nothing here, and drivers take the lowest
 * as given.
 */
#include "util/osdep.h"
#include "hw/pci/pcie.h"

#define EXP_CAP_BYTES   0x3c
#define EXP_VERSION     2
#define LINK_X1_2_5GT   (PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4)

static void pcie_cap_init_link(PCIDevice *dev, uint8_t *c, uint8_t type,
                               uint8_t port)
{
    uint8_t *w = dev->wmask + dev->pcie_cap;
    uint32_t lnkcap = LINK_X1_2_5GT | (uint32_t)port << 24;

    if (type == PCI_EXP_TYPE_RC_END) {
        return;
    }
    if (type == PCI_EXP_TYPE_ROOT_PORT) {
        lnkcap |= PCI_EXP_LNKCAP_DLLLARC;
    }
    put_le32(c + PCI_EXP_LNKCAP, lnkcap);
    put_le16(c + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_2_5GB |
             PCI_EXP_LNKSTA_NLW_X1);
    put_le16(w + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC |
             PCI_EXP_LNKCTL_ES);
    put_le16(c + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_2_5GT);
    put_le32(c + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB);
}

bool pcie_cap_init(PCIDevice *dev, uint8_t type, uint8_t port, Error **errp)
{
    uint8_t cap = pci_add_capability(dev, PCI_CAP_ID_EXP, 0, EXP_CAP_BYTES,
                                     errp);
    uint8_t *c, *w, *w1c;

    if (!cap) {
        return false;
    }
    if (type == PCI_EXP_TYPE_ENDPOINT && pci_bus_is_root(pci_get_bus(dev))) {
        type = PCI_EXP_TYPE_RC_END;
    }
    dev->pcie_cap = cap;
    c = dev->config + cap;
    w = dev->wmask + cap;
    w1c = dev->w1cmask + cap;
    put_le16(c + PCI_EXP_FLAGS, EXP_VERSION | type << 4);
    put_le32(c + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER);
    put_le16(w + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE |
             PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |
             PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
             PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN |
             PCI_EXP_DEVCTL_READRQ);
    put_le16(w1c + PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
             PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
    pcie_cap_init_link(dev, c, type, port);
    return true;
}

void pcie_cap_slot_init(PCIDevice *dev, uint16_t slot, bool hotplug)
{
    uint8_t *c = dev->config + dev->pcie_cap;
    uint8_t *w = dev->wmask + dev->pcie_cap;
    uint8_t *w1c = dev->w1cmask + dev->pcie_cap;
    uint32_t cap = (uint32_t)slot << 19;

    /* @hotplug waits for native hot-plug: nothing is promised before. */
    put_le16(c + PCI_EXP_FLAGS, get_le16(c + PCI_EXP_FLAGS) |
             PCI_EXP_FLAGS_SLOT);
    put_le32(c + PCI_EXP_SLTCAP, cap);
    put_le16(w + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_DLLSCE);
    put_le16(w1c + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
    put_le16(w + PCI_EXP_RTCTL, PCI_EXP_RTCTL_PMEIE | PCI_EXP_RTCTL_SECEE |
             PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE);
    /* presence and link follow what is behind */
    put_le16(dev->cmask + dev->pcie_cap + PCI_EXP_SLTSTA, 0);
    put_le16(dev->cmask + dev->pcie_cap + PCI_EXP_LNKSTA, 0);
}

void pcie_cap_set_present(PCIDevice *dev, bool present)
{
    uint8_t *c = dev->config + dev->pcie_cap;
    uint16_t sltsta, lnksta;

    if (!dev->pcie_cap) {
        return;
    }
    sltsta = get_le16(c + PCI_EXP_SLTSTA) & ~PCI_EXP_SLTSTA_PDS;
    lnksta = get_le16(c + PCI_EXP_LNKSTA) & ~PCI_EXP_LNKSTA_DLLLA;
    if (present) {
        sltsta |= PCI_EXP_SLTSTA_PDS;
        lnksta |= PCI_EXP_LNKSTA_DLLLA;
    }
    put_le16(c + PCI_EXP_SLTSTA, sltsta);
    put_le16(c + PCI_EXP_LNKSTA, lnksta);
}
