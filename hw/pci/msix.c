/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X: PCI Express Base 5.0, 7.7.2 and 6.1.4.
 *
 * The guest changes the table under the big lock; devices raise vectors from
 * any thread. What both touch are the mask bits (table bytes, "enabled",
 * "all_masked") and the pending bits. A raiser that finds its vector masked
 * sets the pending bit and then looks at the mask again; the unmasker clears
 * the mask first and then takes the pending bit: one of the two sends.
 */
#include "util/osdep.h"
#include "hw/pci/msix.h"
#include "msix-internal.h"
#include "trace/trace-hw_pci.h"

#define ENTRY_BYTES         PCI_MSIX_ENTRY_SIZE
#define EXCLUSIVE_BAR_BYTES 4096
#define CONTROL_HI          (PCI_MSIX_FLAGS + 1)

static uint8_t *msix_entry(const MSIXState *m, unsigned int vector)
{
    return m->table + vector * ENTRY_BYTES;
}

static uint32_t msix_load(const uint8_t *p)
{
    return GUINT32_FROM_LE(__atomic_load_n((const uint32_t *)p,
                                           __ATOMIC_SEQ_CST));
}

bool msix_present(const PCIDevice *dev)
{
    return dev->msix != NULL;
}

static unsigned int msix_nvectors(const PCIDevice *dev)
{
    return dev->msix ? dev->msix->nvectors : 0;
}

bool msix_enabled(const PCIDevice *dev)
{
    return dev->msix && __atomic_load_n(&dev->msix->enabled, __ATOMIC_ACQUIRE);
}

bool msix_is_masked(const PCIDevice *dev, unsigned int vector)
{
    const MSIXState *m = dev->msix;

    return __atomic_load_n(&m->all_masked, __ATOMIC_SEQ_CST) ||
           (msix_load(msix_entry(m, vector) + PCI_MSIX_ENTRY_VECTOR_CTRL) &
            PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static MSIMessage msix_get_message(const PCIDevice *dev, unsigned int vector)
{
    const uint8_t *e = msix_entry(dev->msix, vector);

    return (MSIMessage){
        .address = msix_load(e + PCI_MSIX_ENTRY_LOWER_ADDR) |
                   (uint64_t)msix_load(e + PCI_MSIX_ENTRY_UPPER_ADDR) << 32,
        .data = msix_load(e + PCI_MSIX_ENTRY_DATA),
        .requester = pci_dev_bus_num(dev) << 8 | dev->devfn,
    };
}

/* ---- Pending bits ---- */

void msix_set_pending(PCIDevice *dev, unsigned int vector)
{
    trace_msix_set_pending_bit(dev->name, vector);
    __atomic_or_fetch(&dev->msix->pba[vector / 8], BIT(vector % 8),
                      __ATOMIC_SEQ_CST);
}

static bool msix_take_pending(MSIXState *m, unsigned int vector)
{
    uint8_t bit = BIT(vector % 8);

    return __atomic_fetch_and(&m->pba[vector / 8], (uint8_t)~bit,
                              __ATOMIC_SEQ_CST) & bit;
}

static void msix_send(PCIDevice *dev, unsigned int vector)
{
    MSIMessage msg = msix_get_message(dev, vector);

    pci_send_msi(dev, &msg);
}

void msix_notify(PCIDevice *dev, unsigned int vector)
{
    if (!msix_enabled(dev) || vector >= dev->msix->nvectors) {
        return;
    }
    if (!msix_is_masked(dev, vector)) {
        msix_send(dev, vector);
        return;
    }
    msix_set_pending(dev, vector);
    if (!msix_is_masked(dev, vector) &&
        msix_take_pending(dev->msix, vector)) {
        msix_send(dev, vector);
    }
}

/* ---- Vector notifiers ---- */

static bool msix_deliverable(const PCIDevice *dev, unsigned int vector)
{
    return msix_enabled(dev) && !msix_is_masked(dev, vector);
}

/* Bring the device's view of @vector ("routed") up to date. */
static int msix_update_route(PCIDevice *dev, unsigned int vector)
{
    MSIXState *m = dev->msix;
    bool want = m->use && m->users[vector] && msix_deliverable(dev, vector);
    int ret = 0;

    if (m->routed[vector] && !want) {
        m->routed[vector] = false;
        m->release(dev, vector);
    } else if (!m->routed[vector] && want) {
        ret = m->use(dev, vector, msix_get_message(dev, vector));
        m->routed[vector] = ret >= 0;
    }
    return ret < 0 ? ret : 0;
}

/* The mask of @vector may have changed. */
static void msix_vector_changed(PCIDevice *dev, unsigned int vector)
{
    msix_update_route(dev, vector);
    if (msix_deliverable(dev, vector) &&
        msix_take_pending(dev->msix, vector)) {
        msix_send(dev, vector);
    }
}

bool msix_vector_use(PCIDevice *dev, unsigned int vector)
{
    MSIXState *m = dev->msix;

    if (!m || vector >= m->nvectors) {
        return false;
    }
    if (m->users[vector]++ == 0) {
        msix_update_route(dev, vector);
    }
    return true;
}

void msix_vector_unuse(PCIDevice *dev, unsigned int vector)
{
    MSIXState *m = dev->msix;

    if (!m || vector >= m->nvectors || !m->users[vector]) {
        return;
    }
    if (--m->users[vector] == 0) {
        msix_update_route(dev, vector);
        msix_take_pending(m, vector);
    }
}

void msix_unuse_all_vectors(PCIDevice *dev)
{
    for (unsigned int i = 0; i < msix_nvectors(dev); i++) {
        if (dev->msix->users[i]) {
            dev->msix->users[i] = 1;
            msix_vector_unuse(dev, i);
        }
    }
}

static void msix_release_all(PCIDevice *dev)
{
    MSIXState *m = dev->msix;

    for (unsigned int i = 0; i < m->nvectors; i++) {
        if (m->routed[i]) {
            m->routed[i] = false;
            m->release(dev, i);
        }
    }
}

int msix_set_vector_notifiers(PCIDevice *dev, MsixUseFn *use,
                              MsixReleaseFn *release, MsixPollFn *poll)
{
    MSIXState *m = dev->msix;

    g_assert(m && !m->use);
    m->use = use;
    m->release = release;
    m->poll = poll;
    for (unsigned int i = 0; i < m->nvectors; i++) {
        int ret = msix_update_route(dev, i);

        if (ret < 0) {
            msix_unset_vector_notifiers(dev);
            return ret;
        }
    }
    return 0;
}

void msix_unset_vector_notifiers(PCIDevice *dev)
{
    MSIXState *m = dev->msix;

    if (!m || !m->use) {
        return;
    }
    msix_release_all(dev);
    m->use = NULL;
    m->release = NULL;
    m->poll = NULL;
}

/* ---- Registers ---- */

void msix_state_changed(PCIDevice *dev)
{
    MSIXState *m = dev->msix;
    uint16_t flags = get_le16(dev->config + m->cap + PCI_MSIX_FLAGS);
    bool enabled = flags & PCI_MSIX_FLAGS_ENABLE;
    bool masked = flags & PCI_MSIX_FLAGS_MASKALL;

    if (enabled == m->enabled && masked == m->all_masked) {
        return;
    }
    trace_msix_set_enabled(dev->name, enabled, masked);
    __atomic_store_n(&m->all_masked, masked, __ATOMIC_SEQ_CST);
    __atomic_store_n(&m->enabled, enabled, __ATOMIC_SEQ_CST);
    for (unsigned int i = 0; i < m->nvectors; i++) {
        msix_vector_changed(dev, i);
    }
}

void msix_write_config(PCIDevice *dev, uint32_t addr, unsigned int len)
{
    if (dev->msix && addr <= dev->msix->cap + CONTROL_HI &&
        addr + len > dev->msix->cap + CONTROL_HI) {
        msix_state_changed(dev);
    }
}

static uint64_t msix_table_read(void *opaque, hwaddr addr, unsigned int size)
{
    PCIDevice *dev = opaque;

    return get_le_n(dev->msix->table + addr, size);
}

/* A changed address of a vector that is not masked is undefined by the
 * specification; make it take effect anyhow. */
static void msix_table_write(void *opaque, hwaddr addr, uint64_t val,
                             unsigned int size)
{
    PCIDevice *dev = opaque;
    MSIXState *m = dev->msix;
    unsigned int vector = addr / ENTRY_BYTES;
    uint32_t *p = (uint32_t *)(m->table + addr);

    trace_msix_write_table(dev->name, addr, val);
    if (addr % ENTRY_BYTES != PCI_MSIX_ENTRY_VECTOR_CTRL &&
        m->routed[vector] && get_le32(p) != (uint32_t)val) {
        m->routed[vector] = false;
        m->release(dev, vector);
    }
    __atomic_store_n(p, GUINT32_TO_LE((uint32_t)val), __ATOMIC_SEQ_CST);
    msix_vector_changed(dev, vector);
}

static uint64_t msix_pba_read(void *opaque, hwaddr addr, unsigned int size)
{
    PCIDevice *dev = opaque;
    MSIXState *m = dev->msix;

    if (m->poll) {
        unsigned int start = addr * 8;

        m->poll(dev, MIN(start, m->nvectors),
                MIN(start + size * 8, m->nvectors));
    }
    return get_le_n(m->pba + addr, size);
}

static void msix_pba_write(void *opaque, hwaddr addr, uint64_t val,
                           unsigned int size)
{
}

static const MemoryRegionOps msix_table_ops = {
    .read = msix_table_read,
    .write = msix_table_write,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

static const MemoryRegionOps msix_pba_ops = {
    .read = msix_pba_read,
    .write = msix_pba_write,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- Set-up ---- */

static void msix_mask_all(MSIXState *m)
{
    memset(m->table, 0, m->nvectors * ENTRY_BYTES);
    for (unsigned int i = 0; i < m->nvectors; i++) {
        put_le32(msix_entry(m, i) + PCI_MSIX_ENTRY_VECTOR_CTRL,
                 PCI_MSIX_ENTRY_CTRL_MASKBIT);
    }
    memset(m->pba, 0, m->pba_bytes);
}

void msix_reset(PCIDevice *dev)
{
    MSIXState *m = dev->msix;

    if (!m) {
        return;
    }
    put_le16(dev->config + m->cap + PCI_MSIX_FLAGS, m->nvectors - 1);
    msix_mask_all(m);
    msix_state_changed(dev);
}

static bool msix_add_cap(PCIDevice *dev, unsigned int nvectors,
                         const MsixLayout *l, Error **errp)
{
    uint8_t cap = pci_add_capability(dev, PCI_CAP_ID_MSIX, l->cap_pos,
                                     PCI_CAP_MSIX_SIZEOF, errp);

    if (!cap) {
        return false;
    }
    dev->msix->cap = cap;
    put_le16(dev->config + cap + PCI_MSIX_FLAGS, nvectors - 1);
    put_le32(dev->config + cap + PCI_MSIX_TABLE,
             l->table_offset_bytes | l->table_bar);
    put_le32(dev->config + cap + PCI_MSIX_PBA,
             l->pba_offset_bytes | l->pba_bar);
    put_le16(dev->wmask + cap + PCI_MSIX_FLAGS,
             PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    return true;
}

bool msix_init(PCIDevice *dev, unsigned int nvectors, const MsixLayout *l,
               Error **errp)
{
    bool has_msi = pci_bus_root(pci_get_bus(dev))->has_msi;
    MSIXState *m;

    g_assert(!dev->msix && l->table_offset_bytes % 8 == 0 &&
             l->pba_offset_bytes % 8 == 0);
    if (nvectors < 1 || nvectors > MSIX_MAX_VECTORS) {
        error_setg(errp, "%s: %u MSI-X vectors, must be 1 to %u", dev->name,
                   nvectors, MSIX_MAX_VECTORS);
        return false;
    }
    if (!has_msi) {
        error_setg(errp, "%s: MSI-X is not supported by this machine",
                   dev->name);
        return false;
    }
    m = dev->msix = g_new0(MSIXState, 1);
    m->nvectors = nvectors;
    m->table_bytes = nvectors * ENTRY_BYTES;
    m->pba_bytes = DIV_ROUND_UP(nvectors, 64) * 8;
    m->table = g_malloc0(m->table_bytes);
    m->pba = g_malloc0(m->pba_bytes);
    m->users = g_new0(uint16_t, nvectors);
    m->routed = g_new0(bool, nvectors);
    msix_mask_all(m);
    memory_region_init_io(&m->table_mr, OBJECT(dev), &msix_table_ops, dev,
                          "msix-table", m->table_bytes);
    memory_region_init_io(&m->pba_mr, OBJECT(dev), &msix_pba_ops, dev,
                          "msix-pba", m->pba_bytes);
    if (!msix_add_cap(dev, nvectors, l, errp)) {
        msix_uninit(dev);
        return false;
    }
    m->table_parent = l->table_mr;
    m->pba_parent = l->pba_mr;
    memory_region_add_subregion(l->table_mr, l->table_offset_bytes,
                                &m->table_mr);
    memory_region_add_subregion(l->pba_mr, l->pba_offset_bytes, &m->pba_mr);
    return true;
}

static uint32_t round_up_pow2(uint32_t v)
{
    uint32_t p = 1;

    while (p < v) {
        p <<= 1;
    }
    return p;
}

bool msix_init_exclusive_bar(PCIDevice *dev, unsigned int nvectors,
                             uint8_t bar, Error **errp)
{
    uint32_t table = MIN(nvectors, MSIX_MAX_VECTORS) * ENTRY_BYTES;
    uint32_t pba = DIV_ROUND_UP(MIN(nvectors, MSIX_MAX_VECTORS), 64) * 8;
    uint32_t size = EXCLUSIVE_BAR_BYTES, pba_offset = size / 2;
    MsixLayout l = { .table_bar = bar, .pba_bar = bar };
    MemoryRegion *mr;

    if (table > pba_offset) {
        pba_offset = table;
    }
    if (pba_offset + pba > size) {
        size = round_up_pow2(pba_offset + pba);
    }
    mr = g_new0(MemoryRegion, 1);
    memory_region_init(mr, OBJECT(dev), "msix", size);
    l.table_mr = l.pba_mr = mr;
    l.pba_offset_bytes = pba_offset;
    if (!msix_init(dev, nvectors, &l, errp)) {
        memory_region_deinit(mr);
        g_free(mr);
        return false;
    }
    dev->msix->exclusive_bar = mr;
    pci_register_bar(dev, bar, PCI_BAR_MEM32, mr);
    return true;
}

void msix_uninit(PCIDevice *dev)
{
    MSIXState *m = dev->msix;

    if (!m) {
        return;
    }
    msix_unset_vector_notifiers(dev);
    if (m->table_parent) {
        memory_region_del_subregion(m->table_parent, &m->table_mr);
        memory_region_del_subregion(m->pba_parent, &m->pba_mr);
    }
    memory_region_deinit(&m->table_mr);
    memory_region_deinit(&m->pba_mr);
    if (m->exclusive_bar) {
        memory_region_deinit(m->exclusive_bar);
        g_free(m->exclusive_bar);
    }
    dev->msix = NULL;
    g_free(m->table);
    g_free(m->pba);
    g_free(m->users);
    g_free(m->routed);
    g_free(m);
}
