/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parallel NOR flash with Intel's command set (CFI command set 0001h), as in
 * the data sheet of 28F128J3 (Intel StrataFlash) and JEDEC JESD68.01 (CFI).
 *
 * A bank is WIDTH bytes wide and made of WIDTH / DEVICE_WIDTH equal chips side
 * by side. A driver gives each the same command in the same write, so one state
 * serves all and the lowest byte of a write is the command.
 *
 *     write 1   write 2 ...                    then reads give
 *     ff                                       the array
 *     90                                       identifiers, lock bits
 *     98                                       the CFI query table
 *     70                                       the status register
 *     50                                       (clears its error bits)
 *     40, 10    data                           status
 *     e8        words - 1, data ..., d0        status
 *     20        d0                             status
 *     60        01, d0, 2f or 03               status
 *     b0, d0                                   status
 *
 * While reads give the array they are direct (system/memory.h, ROM device).
 * Programming clears bits only; the time it takes is that of the write to the
 * drive (pflash_cfi01-store.c). Left out: lock bits (all blocks are unlocked,
 * to lock one is accepted), suspended operations (none lasts), protection
 * registers. Context: big lock.
 */
#include "util/osdep.h"
#include "hw/block/pflash_cfi01.h"
#include "migration/vmstate.h"
#include "util/bytes.h"
#include "util/log.h"
#include "trace/trace-hw_block.h"

/* Commands (table "Command Bus-Cycle Definitions") */
enum {
    CMD_LOCK = 0x01, CMD_CONFIGURE = 0x03, CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20, CMD_LOCK_DOWN = 0x2f, CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50, CMD_LOCK_SETUP = 0x60, CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90, CMD_READ_QUERY = 0x98, CMD_SUSPEND = 0xb0,
    CMD_CONFIRM = 0xd0, CMD_BUFFER = 0xe8, CMD_RESET_OTHER = 0xf0,
    CMD_READ_ARRAY = 0xff,
};

typedef enum PFlashMode {
    MODE_ARRAY, MODE_STATUS, MODE_ID, MODE_QUERY, MODE__MAX,
} PFlashMode;

typedef enum PFlashStep {
    STEP_COMMAND, STEP_PROGRAM, STEP_ERASE, STEP_LOCK, STEP_BUFFER_COUNT,
    STEP_BUFFER_FIRST, STEP_BUFFER_DATA, STEP_BUFFER_CONFIRM, STEP__MAX,
} PFlashStep;

#define SR_SEQUENCE     (PFLASH_SR_ERASE | PFLASH_SR_PROGRAM)
#define ID_LOCK_STATUS  2           /* word of a block; 0: unlocked */

/* ---- Geometry ---- */

static unsigned pflash_chips(const PFlashCFI01 *s)
{
    return s->width / s->device_width;
}

/* The word of a chip's register space that @addr shows. */
static uint32_t pflash_word(const PFlashCFI01 *s, hwaddr addr)
{
    return addr / (s->width * (s->max_device_width / s->device_width));
}

/* ---- Query table (JESD68.01; the extended table: Intel's) ---- */

static void pflash_fill_query(PFlashCFI01 *s)
{
    static const uint8_t fixed[PFLASH_QUERY_BYTES] = {
        [0x10] = 'Q', 'R', 'Y',
        [0x13] = 0x01, 0x00,        /* command set 0001h */
        [0x15] = 0x31, 0x00,        /* where its own table is */
        [0x1b] = 0x27, 0x36,        /* 2.7 to 3.6 V */
        [0x1f] = 7, 7, 10, 0,       /* typical: 128 us, 128 us, 1 s */
        [0x23] = 4, 4, 4, 0,        /* the most: 16 times that */
        [0x2a] = PFLASH_BUFFER_BITS, 0,
        [0x2c] = 1,                 /* erase regions */
        [0x31] = 'P', 'R', 'I', '1', '0',
    };
    uint64_t chip = s->bytes / pflash_chips(s);

    memcpy(s->query, fixed, sizeof(fixed));
    s->query[0x27] = 63 - __builtin_clzll(chip);
    s->query[0x28] = s->device_width == 1 ? 0 : s->device_width == 2 ? 1 : 3;
    put_le16(&s->query[0x2d], s->num_blocks - 1);
    put_le16(&s->query[0x2f], s->sector_bytes / pflash_chips(s) / 256);
}

/* ---- Array ---- */

/* Whether the array can be changed; else what the guest sees. */
static bool pflash_may_change(PFlashCFI01 *s, uint8_t fail)
{
    if (s->readonly) {
        s->status |= fail | PFLASH_SR_LOCKED;
    }
    return !s->readonly;
}

static void pflash_program(PFlashCFI01 *s, uint32_t at, const uint8_t *data,
                           uint32_t bytes)
{
    trace_pflash_program(s->name, at, bytes);
    if (!pflash_may_change(s, PFLASH_SR_PROGRAM)) {
        return;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        s->array[at + i] &= data[i];
    }
    pflash_store_changed(s, at, bytes, PFLASH_SR_PROGRAM);
}

static void pflash_erase(PFlashCFI01 *s, uint32_t at)
{
    at = ROUND_DOWN(at, (uint32_t)s->sector_bytes);
    trace_pflash_erase(s->name, at);
    if (pflash_may_change(s, PFLASH_SR_ERASE)) {
        memset(s->array + at, 0xff, s->sector_bytes);
        pflash_store_changed(s, at, s->sector_bytes, PFLASH_SR_ERASE);
    }
}

/* ---- Reads ---- */

static uint8_t pflash_read_word(const PFlashCFI01 *s, uint32_t word)
{
    uint32_t block_words = s->sector_bytes / s->width;

    switch (s->mode) {
    case MODE_QUERY:
        return word < sizeof(s->query) ? s->query[word] : 0;
    case MODE_ID:
        word %= block_words;
        return word < ID_LOCK_STATUS ? s->id[word] : 0;
    default:
        return s->status | (s->busy ? 0 : PFLASH_SR_READY);
    }
}

static uint64_t pflash_read(void *opaque, hwaddr addr, unsigned int size)
{
    PFlashCFI01 *s = opaque;
    uint64_t val = 0;

    for (unsigned i = 0; i < size; i++) {
        uint64_t byte = 0;

        if (s->mode == MODE_ARRAY) {
            byte = s->array[addr + i];
        } else if ((addr + i) % s->device_width == 0) {
            byte = pflash_read_word(s, pflash_word(s, addr + i));
        }
        val |= byte << (8 * i);
    }
    trace_pflash_read(s->name, addr, size, s->mode, val);
    return val;
}

/* ---- Commands ---- */

/* A chip shows its status while it expects more. */
static void pflash_set_step(PFlashCFI01 *s, PFlashStep step)
{
    s->step = step;
    s->mode = MODE_STATUS;
}

static void pflash_bad_sequence(PFlashCFI01 *s, hwaddr addr, uint32_t data)
{
    guest_error(s->name, "0x%x at 0x%" PRIx64 " is not what the command before "
                "it takes", data, addr);
    s->status |= SR_SEQUENCE;
    pflash_set_step(s, STEP_COMMAND);
}

static void pflash_command(PFlashCFI01 *s, hwaddr addr, uint8_t cmd)
{
    switch (cmd) {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        pflash_set_step(s, STEP_PROGRAM);
        break;
    case CMD_ERASE:
        pflash_set_step(s, STEP_ERASE);
        break;
    case CMD_BUFFER:
        pflash_set_step(s, STEP_BUFFER_COUNT);
        break;
    case CMD_LOCK_SETUP:
        pflash_set_step(s, STEP_LOCK);
        break;
    case CMD_CLEAR_STATUS:
        s->status = 0;
        break;
    case CMD_READ_STATUS:
    case CMD_SUSPEND:
    case CMD_CONFIRM:
        s->mode = MODE_STATUS;
        break;
    case CMD_READ_ID:
        s->mode = MODE_ID;
        break;
    case CMD_READ_QUERY:
        s->mode = MODE_QUERY;
        break;
    default:
        guest_error(s->name, "0x%x at 0x%" PRIx64 " is no command", cmd, addr);
        s->mode = MODE_ARRAY;
        break;
    case CMD_RESET_OTHER:           /* a probe for AMD's chips */
    case CMD_READ_ARRAY:
        s->mode = MODE_ARRAY;
        break;
    }
}

static void pflash_lock(PFlashCFI01 *s, hwaddr addr, uint8_t cmd)
{
    if (cmd == CMD_LOCK || cmd == CMD_CONFIRM || cmd == CMD_LOCK_DOWN ||
        cmd == CMD_CONFIGURE) {
        pflash_set_step(s, STEP_COMMAND);
    } else {
        pflash_bad_sequence(s, addr, cmd);
    }
}

/* ---- Write buffer: words from one place of one block, then confirmation ---- */

static void pflash_buffer_count(PFlashCFI01 *s, hwaddr addr, uint32_t data)
{
    uint64_t words = s->device_width == 4 ? data :
                     data & ((1u << (8 * s->device_width)) - 1);
    uint64_t bytes = (words + 1) * s->width;

    if (bytes > pflash_chips(s) << PFLASH_BUFFER_BITS) {
        pflash_bad_sequence(s, addr, data);
        return;
    }
    memset(s->buffer, 0xff, sizeof(s->buffer));
    s->buffer_bytes = s->buffer_left = bytes;
    pflash_set_step(s, STEP_BUFFER_FIRST);
}

static void pflash_buffer_data(PFlashCFI01 *s, hwaddr addr, uint32_t data,
                               unsigned size)
{
    uint32_t at = addr;

    if (s->step == STEP_BUFFER_FIRST) {
        if (at / s->sector_bytes !=
            (at + (uint64_t)s->buffer_bytes - 1) / s->sector_bytes) {
            pflash_bad_sequence(s, addr, data);
            return;
        }
        s->buffer_at = at;
    }
    if (at < s->buffer_at || size > s->buffer_left ||
        !range_fits(at - s->buffer_at, size, s->buffer_bytes)) {
        pflash_bad_sequence(s, addr, data);
        return;
    }
    put_le_n(&s->buffer[at - s->buffer_at], size, data);
    s->buffer_left -= size;
    pflash_set_step(s, s->buffer_left ? STEP_BUFFER_DATA :
                                        STEP_BUFFER_CONFIRM);
}

/* ---- Writes ---- */

static void pflash_write_data(PFlashCFI01 *s, hwaddr addr, uint32_t data,
                              unsigned size)
{
    uint8_t word[4];

    put_le_n(word, size, data);
    pflash_set_step(s, STEP_COMMAND);
    pflash_program(s, addr, word, size);
}

/* The second write of a command that wants to be confirmed. */
static void pflash_confirm(PFlashCFI01 *s, hwaddr addr, uint32_t data)
{
    PFlashStep step = s->step;

    if ((data & 0xff) != CMD_CONFIRM) {
        pflash_bad_sequence(s, addr, data);
        return;
    }
    pflash_set_step(s, STEP_COMMAND);
    if (step == STEP_ERASE) {
        pflash_erase(s, addr);
    } else {
        pflash_program(s, s->buffer_at, s->buffer, s->buffer_bytes);
    }
}

static void pflash_write(void *opaque, hwaddr addr, uint64_t data,
                         unsigned int size)
{
    PFlashCFI01 *s = opaque;

    trace_pflash_write(s->name, addr, size, s->step, data);
    switch (s->step) {
    case STEP_PROGRAM:
        pflash_write_data(s, addr, data, size);
        break;
    case STEP_ERASE:
    case STEP_BUFFER_CONFIRM:
        pflash_confirm(s, addr, data);
        break;
    case STEP_LOCK:
        pflash_lock(s, addr, data);
        break;
    case STEP_BUFFER_COUNT:
        pflash_buffer_count(s, addr, data);
        break;
    case STEP_BUFFER_FIRST:
    case STEP_BUFFER_DATA:
        pflash_buffer_data(s, addr, data, size);
        break;
    default:
        pflash_command(s, addr, data);
        break;
    }
    memory_region_rom_device_set_romd(&s->mem, s->mode == MODE_ARRAY);
}

static const MemoryRegionOps pflash_ops = {
    .read = pflash_read,
    .write = pflash_write,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

/* ---- State ---- */

static void pflash_reset_hold(Object *obj)
{
    PFlashCFI01 *s = PFLASH_CFI01(obj);

    s->mode = MODE_ARRAY;
    s->step = STEP_COMMAND;
    s->status = 0;
    s->buffer_at = s->buffer_bytes = s->buffer_left = 0;
    memory_region_rom_device_set_romd(&s->mem, true);
}

static bool pflash_pre_save(void *opaque, Error **errp)
{
    PFlashCFI01 *s = opaque;

    if (s->busy) {
        error_setg(errp, "flash '%s' waits for its drive", s->name);
        return false;
    }
    return true;
}

static bool pflash_post_load(void *opaque, int version_id, Error **errp)
{
    PFlashCFI01 *s = opaque;

    if (s->mode >= MODE__MAX || s->step >= STEP__MAX ||
        (s->mode == MODE_ARRAY && s->step != STEP_COMMAND)) {
        error_setg(errp, "flash '%s' has state %u, %u", s->name, s->mode,
                   s->step);
        return false;
    }
    if (s->buffer_bytes > sizeof(s->buffer) ||
        s->buffer_left > s->buffer_bytes ||
        !range_fits(s->buffer_at, s->buffer_bytes, s->bytes)) {
        error_setg(errp, "flash '%s' has a write buffer of %u bytes for "
                   "0x%x", s->name, s->buffer_bytes, s->buffer_at);
        return false;
    }
    memory_region_rom_device_set_romd(&s->mem, s->mode == MODE_ARRAY);
    return true;
}

static const VMStateDescription vmstate_pflash = {
    .name = TYPE_PFLASH_CFI01,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = pflash_pre_save,
    .post_load = pflash_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(mode, PFlashCFI01),
        VMSTATE_UINT8(step, PFlashCFI01),
        VMSTATE_UINT8(status, PFlashCFI01),
        VMSTATE_UINT32(buffer_at, PFlashCFI01),
        VMSTATE_UINT32(buffer_bytes, PFlashCFI01),
        VMSTATE_UINT32(buffer_left, PFlashCFI01),
        VMSTATE_BUFFER(buffer, PFlashCFI01),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- Life ---- */

static bool pflash_check_widths(PFlashCFI01 *s, Error **errp)
{
    if (!s->device_width) {
        s->device_width = s->width;
    }
    if (!s->max_device_width) {
        s->max_device_width = s->device_width;
    }
    if ((s->width != 1 && s->width != 2 && s->width != 4) ||
        !IS_POWER_OF_2(s->device_width) || s->device_width > s->width ||
        !IS_POWER_OF_2(s->max_device_width) || s->max_device_width > 4 ||
        s->max_device_width < s->device_width) {
        error_setg(errp, "width %u, device-width %u, max-device-width %u: "
                   "they are 1, 2 or 4, and a chip is not wider than the bank",
                   s->width, s->device_width, s->max_device_width);
        return false;
    }
    return true;
}

static bool pflash_check_props(PFlashCFI01 *s, Error **errp)
{
    if (s->big_endian || s->secure) {
        error_setg(errp, "%s=on is not available: %s",
                   s->big_endian ? "big-endian" : "secure",
                   s->big_endian ? "guests are little endian" :
                   "KVM gives guests no secure state");
        return false;
    }
    if (!s->name) {
        error_setg(errp, "attribute \"name\" not specified.");
        return false;
    }
    if (!IS_POWER_OF_2(s->sector_bytes) ||
        s->sector_bytes < PFLASH_PAGE_BYTES || s->sector_bytes > 8 * MiB ||
        !s->num_blocks || s->num_blocks > 65536 ||
        s->num_blocks * s->sector_bytes > 1 * GiB) {
        error_setg(errp, "num-blocks %u, sector-length %" PRIu64 ": a sector "
                   "is a power of two from 4 KiB to 8 MiB, the whole at most "
                   "1 GiB", s->num_blocks, s->sector_bytes);
        return false;
    }
    s->bytes = s->num_blocks * s->sector_bytes;
    return pflash_check_widths(s, errp);
}

static bool pflash_check_size(PFlashCFI01 *s, Error **errp)
{
    int64_t len = blk_get_length(s->conf.blk);

    if (len < 0) {
        error_setg_errno(errp, -len, "cannot tell the size of the drive of "
                         "flash '%s'", s->name);
        return false;
    }
    if (len != s->bytes) {
        error_setg(errp, "device requires %u bytes, block backend provides "
                   "%" PRId64 " bytes", s->bytes, len);
        if (len < s->bytes) {
            error_append_hint(errp, "Pad a copy of the image: truncate -s %u "
                              "COPY", s->bytes);
        } else {
            error_append_hint(errp, "Give flash '%s' an image of exactly that "
                              "size", s->name);
        }
        return false;
    }
    return true;
}

static bool pflash_open_drive(PFlashCFI01 *s, Error **errp)
{
    if (!block_conf_realize(&s->conf, OBJECT(s), &s->readonly, true, false,
                            errp)) {
        return false;
    }
    if (!pflash_check_size(s, errp) || !pflash_store_load(s, errp)) {
        block_conf_unrealize(&s->conf, OBJECT(s));
        return false;
    }
    pflash_store_init(s);
    return true;
}

static bool pflash_realize(DeviceState *dev, Error **errp)
{
    PFlashCFI01 *s = PFLASH_CFI01(dev);

    if (!pflash_check_props(s, errp) ||
        !memory_region_init_rom_device(&s->mem, OBJECT(s), &pflash_ops, s,
                                       s->name, s->bytes, errp)) {
        return false;
    }
    s->array = memory_region_get_ram_ptr(&s->mem);
    pflash_fill_query(s);
    if (s->conf.blk && !pflash_open_drive(s, errp)) {
        memory_region_deinit(&s->mem);
        return false;
    }
    return true;
}

static void pflash_unrealize(DeviceState *dev)
{
    PFlashCFI01 *s = PFLASH_CFI01(dev);

    if (s->conf.blk) {
        pflash_store_cleanup(s);
        block_conf_unrealize(&s->conf, OBJECT(s));
    }
}

static void pflash_instance_init(Object *obj)
{
    PFlashCFI01 *s = PFLASH_CFI01(obj);

    s->conf.discard_granularity = UINT32_MAX;
    s->conf.rerror = s->conf.werror = BLK_ON_ERROR_AUTO;
}

static void pflash_instance_finalize(Object *obj)
{
    memory_region_deinit(&PFLASH_CFI01(obj)->mem);
}

static const Property pflash_props[] = {
    PROP_DRIVE("drive", PFlashCFI01, conf.blk, "node name of a -blockdev, or "
               "id of a -drive, as large as the flash; none: the content is "
               "forgotten"),
    PROP_UINT32("num-blocks", PFlashCFI01, num_blocks, 0,
                "sectors, 1 to 65536"),
    PROP_UINT64("sector-length", PFlashCFI01, sector_bytes, 0,
                "bytes of a sector of the bank, a power of 2 from 4096"),
    PROP_UINT8("width", PFlashCFI01, width, 0, "bytes of the bank: 1, 2 or 4"),
    PROP_UINT8("device-width", PFlashCFI01, device_width, 0,
               "bytes of a chip: 1, 2 or 4; 0: the bank is one chip"),
    PROP_UINT8("max-device-width", PFlashCFI01, max_device_width, 0,
               "bytes that a chip could be wide; 0: device-width"),
    PROP_BOOL("big-endian", PFlashCFI01, big_endian, false,
              "only off: guests are little endian"),
    PROP_BOOL("secure", PFlashCFI01, secure, false,
              "only off: KVM gives guests no secure state"),
    PROP_UINT16("id0", PFlashCFI01, id[0], 0, "manufacturer"),
    PROP_UINT16("id1", PFlashCFI01, id[1], 0, "device code"),
    PROP_UINT16("id2", PFlashCFI01, id[2], 0, "not seen by the guest"),
    PROP_UINT16("id3", PFlashCFI01, id[3], 0, "not seen by the guest"),
    PROP_STRING("name", PFlashCFI01, name, NULL,
                "name of its memory in messages and migration"),
};

static void pflash_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = pflash_realize;
    dc->unrealize = pflash_unrealize;
    dc->reset_hold = pflash_reset_hold;
    dc->vmsd = &vmstate_pflash;
    dc->categories = BIT(DEVICE_CATEGORY_STORAGE);
    dc->user_creatable = false;
    device_class_set_props(dc, pflash_props);
}

static const TypeInfo pflash_types[] = {
    {
        .name = TYPE_PFLASH_CFI01,
        .parent = TYPE_DEVICE,
        .help = "NOR flash memory for firmware and its variables",
        .instance_size = sizeof(PFlashCFI01),
        .instance_init = pflash_instance_init,
        .instance_finalize = pflash_instance_finalize,
        .class_init = pflash_class_init,
    },
};
DEFINE_TYPES(pflash_types)
