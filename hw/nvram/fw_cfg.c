/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg; see include/hw/nvram/fw_cfg.h.
 *
 *   0  word   selector, little endian (write)
 *   1  byte   data of the selected item, one by one (read)
 *   4  qword  address of a FWCfgDmaAccess, big endian; writing the low half
 *             (offset 8) starts the transfer
 *
 * Boards without ports map the same in another layout: fw_cfg_mmio_ops.
 *
 * Items are read only for the guest. A transfer is done at once and goes to
 * RAM only; its length is the guest's, so bytes past the end of an item are
 * filled with zeros without being copied from anywhere.
 */
#include "util/osdep.h"
#include "hw/nvram/fw_cfg.h"
#include "system/dma.h"
#include "trace/trace-hw_nvram.h"

#define FW_CFG_INVALID_KEY  0xffff

#define FW_CFG_VERSION      0x01
#define FW_CFG_VERSION_DMA  0x02
#define FW_CFG_DMA_SIGNATURE 0x51454d5520434647ULL      /* "QEMU CFG" */

#define DMA_ERROR   0x01
#define DMA_READ    0x02
#define DMA_SKIP    0x04
#define DMA_SELECT  0x08
#define DMA_WRITE   0x10

typedef struct PACKED FWCfgDmaAccess {
    uint32_t control;               /* big endian, as all of it */
    uint32_t length;
    uint64_t address;
} FWCfgDmaAccess;

/* An entry of the file directory, as the guest sees it. */
typedef struct PACKED FWCfgDirEntry {
    uint32_t size;                  /* big endian */
    uint16_t select;
    uint16_t reserved;
    char name[FW_CFG_NAME_MAX];
} FWCfgDirEntry;
_Static_assert(sizeof(FWCfgDirEntry) == 64, "fw_cfg directory entry");

/* ---- Items ---- */

void fw_cfg_add_bytes(FWCfg *s, uint16_t key, void *data, uint32_t len)
{
    g_assert(key < FW_CFG_ENTRIES);
    g_free(s->entries[key].data);
    s->entries[key].data = data;
    s->entries[key].len = len;
}

void fw_cfg_add_u16(FWCfg *s, uint16_t key, uint16_t val)
{
    val = GUINT16_TO_LE(val);
    fw_cfg_add_bytes(s, key, g_memdup2(&val, sizeof(val)), sizeof(val));
}

void fw_cfg_add_u32(FWCfg *s, uint16_t key, uint32_t val)
{
    val = GUINT32_TO_LE(val);
    fw_cfg_add_bytes(s, key, g_memdup2(&val, sizeof(val)), sizeof(val));
}

void fw_cfg_add_u64(FWCfg *s, uint16_t key, uint64_t val)
{
    val = GUINT64_TO_LE(val);
    fw_cfg_add_bytes(s, key, g_memdup2(&val, sizeof(val)), sizeof(val));
}

static void update_directory(FWCfg *s)
{
    size_t len = sizeof(uint32_t) + s->num_files * sizeof(FWCfgDirEntry);
    uint8_t *dir = g_malloc0(len);
    FWCfgDirEntry *e = (FWCfgDirEntry *)(dir + sizeof(uint32_t));
    uint32_t count = GUINT32_TO_BE(s->num_files);

    memcpy(dir, &count, sizeof(count));
    for (uint32_t i = 0; i < s->num_files; i++) {
        e[i].size = GUINT32_TO_BE(s->entries[s->files[i].key].len);
        e[i].select = GUINT16_TO_BE(s->files[i].key);
        memcpy(e[i].name, s->files[i].name, FW_CFG_NAME_MAX);
    }
    fw_cfg_add_bytes(s, FW_CFG_FILE_DIR, dir, len);
}

bool fw_cfg_add_file(FWCfg *s, const char *name, void *data, uint32_t len,
                     Error **errp)
{
    uint32_t i;

    for (i = 0; i < s->num_files; i++) {
        if (g_str_equal(s->files[i].name, name)) {
            break;
        }
    }
    if (i == FW_CFG_FILE_SLOTS || strlen(name) >= FW_CFG_NAME_MAX) {
        error_setg(errp, "fw_cfg file '%s': %s", name,
                   i == FW_CFG_FILE_SLOTS ? "there is no room for more files" :
                   "the name is too long");
        g_free(data);
        return false;
    }
    if (i == s->num_files) {
        g_strlcpy(s->files[i].name, name, FW_CFG_NAME_MAX);
        s->files[i].key = FW_CFG_FILE_FIRST + i;
        s->num_files++;
    }
    fw_cfg_add_bytes(s, s->files[i].key, data, len);
    update_directory(s);
    return true;
}

/* ---- Access ---- */

static const FWCfgEntry *current_entry(const FWCfg *s)
{
    return s->cur_key < FW_CFG_ENTRIES ? &s->entries[s->cur_key] : NULL;
}

static void select_key(FWCfg *s, uint16_t key)
{
    trace_fw_cfg_select(key);
    s->cur_offset = 0;
    s->cur_key = key < FW_CFG_ENTRIES && s->entries[key].data ?
                 key : FW_CFG_INVALID_KEY;
}

static uint8_t read_byte(FWCfg *s)
{
    const FWCfgEntry *e = current_entry(s);

    return e && s->cur_offset < e->len ?
           ((uint8_t *)e->data)[s->cur_offset++] : 0;
}

/* Copy the rest of the item, then zeros, to guest memory. */
static bool dma_read_item(FWCfg *s, uint64_t addr, uint32_t len)
{
    static const uint8_t zero[4096];
    const FWCfgEntry *e = current_entry(s);
    uint32_t n = e && s->cur_offset < e->len ?
                 MIN(len, e->len - s->cur_offset) : 0;

    if (n && dma_write(s->dma_as, addr, (uint8_t *)e->data + s->cur_offset,
                       n) != MEMTX_OK) {
        return false;
    }
    s->cur_offset += n;
    for (addr += n, len -= n; len; addr += n, len -= n) {
        n = MIN(len, sizeof(zero));
        if (dma_write(s->dma_as, addr, zero, n) != MEMTX_OK) {
            return false;
        }
    }
    return true;
}

static void dma_skip_item(FWCfg *s, uint32_t len)
{
    const FWCfgEntry *e = current_entry(s);

    if (e) {
        s->cur_offset += MIN(len, e->len - MIN(s->cur_offset, e->len));
    }
}

static void dma_transfer(FWCfg *s)
{
    uint64_t desc = s->dma_addr;
    FWCfgDmaAccess d;
    uint32_t control, status = 0;

    s->dma_addr = 0;
    if (dma_read(s->dma_as, desc, &d, sizeof(d)) != MEMTX_OK) {
        status = GUINT32_TO_BE(DMA_ERROR);
        dma_write(s->dma_as, desc, &status, sizeof(status));
        return;
    }
    control = GUINT32_FROM_BE(d.control);
    if (control & DMA_SELECT) {
        select_key(s, control >> 16);
    }
    if (control & DMA_READ) {
        status = dma_read_item(s, GUINT64_FROM_BE(d.address),
                               GUINT32_FROM_BE(d.length)) ? 0 : DMA_ERROR;
    } else if (control & DMA_WRITE) {
        status = DMA_ERROR;         /* no item can be written */
    } else if (control & DMA_SKIP) {
        dma_skip_item(s, GUINT32_FROM_BE(d.length));
    }
    status = GUINT32_TO_BE(status);
    dma_write(s->dma_as, desc, &status, sizeof(status));
}

static uint64_t fw_cfg_read(void *opaque, hwaddr addr, unsigned int size)
{
    FWCfg *s = opaque;
    uint64_t val = 0;

    if (addr == 1 && size == 1) {
        return read_byte(s);
    }
    if (addr >= 4 && range_fits(addr - 4, size, 8)) {
        /* The signature reads in big-endian order. */
        uint64_t sig = GUINT64_TO_BE(FW_CFG_DMA_SIGNATURE);

        memcpy(&val, (uint8_t *)&sig + (addr - 4), size);
    }
    return val;
}

static void fw_cfg_write(void *opaque, hwaddr addr, uint64_t data,
                         unsigned int size)
{
    FWCfg *s = opaque;

    if (addr == 0 && size == 2) {
        select_key(s, data);
    } else if (addr == 4 && size == 4) {
        s->dma_addr = (uint64_t)GUINT32_SWAP_LE_BE((uint32_t)data) << 32;
    } else if (addr == 8 && size == 4) {
        s->dma_addr |= GUINT32_SWAP_LE_BE((uint32_t)data);
        dma_transfer(s);
    } else if (addr == 4 && size == 8) {
        s->dma_addr = GUINT64_SWAP_LE_BE(data);
        dma_transfer(s);
    }
}

static const MemoryRegionOps fw_cfg_ops = {
    .read = fw_cfg_read,
    .write = fw_cfg_write,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* ---- In memory ---- */

enum {
    MMIO_DATA = 0,
    MMIO_SELECTOR = 8,
    MMIO_DMA = 16,
};

/* Bytes of the item in the order of addresses, up to 8 in one access. */
static uint64_t read_data(FWCfg *s, unsigned int size)
{
    uint64_t val = 0;

    for (unsigned int i = 0; i < size; i++) {
        val |= (uint64_t)read_byte(s) << (8 * i);
    }
    return val;
}

static uint64_t fw_cfg_mmio_read(void *opaque, hwaddr addr, unsigned int size)
{
    if (addr == MMIO_DATA) {
        return read_data(opaque, size);
    }
    return addr >= MMIO_DMA ? fw_cfg_read(opaque, addr - MMIO_DMA + 4, size)
                            : 0;
}

static void fw_cfg_mmio_write(void *opaque, hwaddr addr, uint64_t data,
                              unsigned int size)
{
    if (addr == MMIO_SELECTOR && size == 2) {
        select_key(opaque, GUINT16_SWAP_LE_BE((uint16_t)data));
    } else if (addr >= MMIO_DMA) {
        fw_cfg_write(opaque, addr - MMIO_DMA + 4, data, size);
    }
}

static const MemoryRegionOps fw_cfg_mmio_ops = {
    .read = fw_cfg_mmio_read,
    .write = fw_cfg_mmio_write,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

/* ---- Life ---- */

static void fw_cfg_reset_hold(Object *obj)
{
    FWCfg *s = FW_CFG(obj);

    select_key(s, FW_CFG_SIGNATURE);
    s->dma_addr = 0;
}

static void fw_cfg_instance_init(Object *obj)
{
    FWCfg *s = FW_CFG(obj);

    s->dma_as = &address_space_memory;
    memory_region_init_io(&s->io, obj, &fw_cfg_ops, s, "fw_cfg",
                          FW_CFG_IO_SIZE);
    memory_region_init_io(&s->mmio, obj, &fw_cfg_mmio_ops, s, "fw_cfg.mmio",
                          FW_CFG_MMIO_SIZE);
    fw_cfg_add_bytes(s, FW_CFG_SIGNATURE, g_memdup2("QEMU", 4), 4);
    fw_cfg_add_u32(s, FW_CFG_ID, FW_CFG_VERSION | FW_CFG_VERSION_DMA);
    update_directory(s);
}

static void fw_cfg_instance_finalize(Object *obj)
{
    FWCfg *s = FW_CFG(obj);

    memory_region_deinit(&s->io);
    memory_region_deinit(&s->mmio);
    for (int i = 0; i < FW_CFG_ENTRIES; i++) {
        g_free(s->entries[i].data);
    }
}

static const VMStateDescription vmstate_fw_cfg = {
    .name = TYPE_FW_CFG,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(cur_key, FWCfg),
        VMSTATE_UINT32(cur_offset, FWCfg),
        VMSTATE_UINT64(dma_addr, FWCfg),
        VMSTATE_END_OF_LIST()
    },
};

static void fw_cfg_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->reset_hold = fw_cfg_reset_hold;
    dc->vmsd = &vmstate_fw_cfg;
    dc->user_creatable = false;
}

static const TypeInfo fw_cfg_types[] = {
    {
        .name = TYPE_FW_CFG,
        .parent = TYPE_DEVICE,
        .help = "items for the guest's firmware",
        .instance_size = sizeof(FWCfg),
        .instance_init = fw_cfg_instance_init,
        .instance_finalize = fw_cfg_instance_finalize,
        .class_init = fw_cfg_class_init,
    },
};
DEFINE_TYPES(fw_cfg_types)
