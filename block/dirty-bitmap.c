/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps: one bit for each granule in an array of words. A search goes
 * by words, which is fast enough for the 2 MiB that a disk of 1 TiB has at 64
 * KiB. See block/dirty-bitmap.h.
 */
#include "util/osdep.h"
#include "block/dirty-bitmap.h"
#include "block-internal.h"
#include "util/bitmap.h"
#include "util/bytes.h"

#define DEFAULT_GRANULARITY (64 * KiB)
#define CLUSTER_MIN         (4 * KiB)

struct BdrvDirtyBitmap {
    BlockDriverState *bs;
    char *name;
    unsigned shift;                 /* granularity is 1 << shift */
    int64_t size;                   /* bytes of the node */
    unsigned long *map;             /* bits past the end are 0 */
    uint64_t count;                 /* set bits */
    bool disabled, persistent, inconsistent, readonly, busy;
    LIST_ENTRY(BdrvDirtyBitmap) next;
};

struct BdrvBitmapBackup {
    uint64_t count, words;
    unsigned long map[];
};

static uint64_t bits_of(int64_t bytes, unsigned shift)
{
    return ((uint64_t)bytes + BIT64(shift) - 1) >> shift;
}

static uint64_t num_bits(const BdrvDirtyBitmap *b)
{
    return bits_of(b->size, b->shift);
}

static uint64_t num_words(const BdrvDirtyBitmap *b)
{
    uint64_t words = BITS_TO_LONGS(num_bits(b));

    return MAX(words, 1);
}

static void lock(const BdrvDirtyBitmap *b)
{
    g_mutex_lock(&b->bs->dirty_lock);
}

static void unlock(const BdrvDirtyBitmap *b)
{
    g_mutex_unlock(&b->bs->dirty_lock);
}

/* ---- Creation ---- */

static bool check_new(BlockDriverState *bs, const char *name,
                      uint32_t granularity, Error **errp)
{
    if (!*name) {
        error_setg(errp, "Bitmap name cannot be empty");
        return false;
    }
    if (strlen(name) > BDRV_BITMAP_MAX_NAME) {
        error_setg(errp, "Bitmap name too long: more than %d bytes",
                   BDRV_BITMAP_MAX_NAME);
        return false;
    }
    if (bdrv_dirty_bitmap_find(bs, name)) {
        error_setg(errp, "Bitmap already exists: %s", name);
        return false;
    }
    if (granularity < BDRV_BITMAP_MIN_GRANULARITY ||
        !IS_POWER_OF_2(granularity)) {
        error_setg(errp, "Granularity must be power of 2 and at least %u, not "
                   "%u", BDRV_BITMAP_MIN_GRANULARITY, granularity);
        return false;
    }
    return true;
}

BdrvDirtyBitmap *bdrv_dirty_bitmap_new(BlockDriverState *bs, const char *name,
                                       uint32_t granularity, int64_t bytes,
                                       Error **errp)
{
    BdrvDirtyBitmap *b;

    if (!check_new(bs, name, granularity, errp)) {
        return NULL;
    }
    b = g_new0(BdrvDirtyBitmap, 1);
    b->bs = bs;
    b->name = g_strdup(name);
    b->shift = __builtin_ctz(granularity);
    b->size = bytes;
    b->map = bitmap_try_new(num_words(b) * BITS_PER_LONG);
    if (!b->map) {
        error_setg(errp, "No memory for bitmap '%s' of granularity %u", name,
                   granularity);
        error_append_hint(errp, "A larger granularity takes less.");
        g_free(b->name);
        g_free(b);
        return NULL;
    }
    lock(b);
    LIST_INSERT_HEAD(&bs->dirty_bitmaps, b, next);
    unlock(b);
    return b;
}

void bdrv_dirty_bitmap_free(BdrvDirtyBitmap *b)
{
    lock(b);
    LIST_REMOVE(b, next);
    unlock(b);
    g_free(b->name);
    g_free(b->map);
    g_free(b);
}

void bdrv_dirty_bitmaps_free_all(BlockDriverState *bs)
{
    while (!LIST_EMPTY(&bs->dirty_bitmaps)) {
        bdrv_dirty_bitmap_free(LIST_FIRST(&bs->dirty_bitmaps));
    }
}

BdrvDirtyBitmap *bdrv_dirty_bitmap_find(BlockDriverState *bs, const char *name)
{
    BdrvDirtyBitmap *b;

    LIST_FOREACH(b, &bs->dirty_bitmaps, next) {
        if (g_str_equal(b->name, name)) {
            return b;
        }
    }
    return NULL;
}

BdrvDirtyBitmap *bdrv_dirty_bitmap_next(BlockDriverState *bs,
                                        BdrvDirtyBitmap *prev)
{
    return prev ? LIST_NEXT(prev, next) : LIST_FIRST(&bs->dirty_bitmaps);
}

uint32_t bdrv_dirty_bitmap_default_granularity(BlockDriverState *bs)
{
    uint32_t cluster = bdrv_get_cluster_size(bs);

    return cluster ? MAX(cluster, CLUSTER_MIN) : DEFAULT_GRANULARITY;
}

/* ---- Facts and flags ---- */

BlockDriverState *bdrv_dirty_bitmap_node(const BdrvDirtyBitmap *b)
{
    return b->bs;
}

const char *bdrv_dirty_bitmap_name(const BdrvDirtyBitmap *b)
{
    return b->name;
}

uint32_t bdrv_dirty_bitmap_granularity(const BdrvDirtyBitmap *b)
{
    return 1u << b->shift;
}

int64_t bdrv_dirty_bitmap_size(const BdrvDirtyBitmap *b)
{
    return b->size;
}

int64_t bdrv_dirty_bitmap_count(const BdrvDirtyBitmap *b)
{
    uint64_t count;

    lock(b);
    count = b->count;
    unlock(b);
    return count << b->shift;
}

bool bdrv_dirty_bitmap_enabled(const BdrvDirtyBitmap *b)
{
    return !b->disabled;
}

void bdrv_dirty_bitmap_set_enabled(BdrvDirtyBitmap *b, bool on)
{
    lock(b);
    b->disabled = !on;
    unlock(b);
}

bool bdrv_dirty_bitmap_persistent(const BdrvDirtyBitmap *b)
{
    return b->persistent;
}

void bdrv_dirty_bitmap_set_persistent(BdrvDirtyBitmap *b, bool on)
{
    b->persistent = on;
}

bool bdrv_dirty_bitmap_inconsistent(const BdrvDirtyBitmap *b)
{
    return b->inconsistent;
}

void bdrv_dirty_bitmap_set_inconsistent(BdrvDirtyBitmap *b)
{
    lock(b);
    b->inconsistent = b->disabled = true;
    unlock(b);
}

bool bdrv_dirty_bitmap_readonly(const BdrvDirtyBitmap *b)
{
    return b->readonly;
}

void bdrv_dirty_bitmap_set_readonly(BdrvDirtyBitmap *b, bool on)
{
    b->readonly = on;
}

bool bdrv_dirty_bitmap_busy(const BdrvDirtyBitmap *b)
{
    return b->busy;
}

void bdrv_dirty_bitmap_set_busy(BdrvDirtyBitmap *b, bool on)
{
    b->busy = on;
}

bool bdrv_dirty_bitmap_check(const BdrvDirtyBitmap *b, int flags, Error **errp)
{
    if ((flags & BDRV_BITMAP_BUSY) && b->busy) {
        error_setg(errp, "Bitmap '%s' is currently in use by another operation "
                   "and cannot be used", b->name);
        return false;
    }
    if ((flags & BDRV_BITMAP_READONLY) && b->readonly) {
        error_setg(errp, "Bitmap '%s' is readonly and cannot be modified",
                   b->name);
        return false;
    }
    if ((flags & BDRV_BITMAP_INCONSISTENT) && b->inconsistent) {
        error_setg(errp, "Bitmap '%s' is inconsistent and cannot be used",
                   b->name);
        error_append_hint(errp, "Try block-dirty-bitmap-remove to delete this "
                          "bitmap from disk");
        return false;
    }
    return true;
}

/* ---- Bits; the lock is held ---- */

static unsigned long word_mask(uint64_t word, uint64_t from, uint64_t to)
{
    unsigned long mask = ~0ul;

    if (word == BIT_WORD(from)) {
        mask &= ~0ul << (from % BITS_PER_LONG);
    }
    if (word == BIT_WORD(to - 1)) {
        mask &= ~0ul >> (BITS_PER_LONG - 1 - (to - 1) % BITS_PER_LONG);
    }
    return mask;
}

/* Bits [from, to) become @on. */
static void change_bits(BdrvDirtyBitmap *b, uint64_t from, uint64_t to,
                        bool on)
{
    uint64_t bits = num_bits(b);

    to = MIN(to, bits);
    if (from >= to) {
        return;
    }
    for (uint64_t w = BIT_WORD(from); w <= BIT_WORD(to - 1); w++) {
        unsigned long mask = word_mask(w, from, to);
        unsigned long old = b->map[w];

        b->map[w] = on ? old | mask : old & ~mask;
        b->count += __builtin_popcountl(b->map[w]);
        b->count -= __builtin_popcountl(old);
    }
}

/* The first bit from @from that is @on; @to when there is none before it. */
static uint64_t find_bit_from(const BdrvDirtyBitmap *b, uint64_t from,
                              uint64_t to, bool on)
{
    while (from < to) {
        unsigned long word = b->map[BIT_WORD(from)];

        word = (on ? word : ~word) & (~0ul << (from % BITS_PER_LONG));
        if (word) {
            from = BIT_WORD(from) * BITS_PER_LONG + __builtin_ctzl(word);
            return MIN(from, to);
        }
        from = (BIT_WORD(from) + 1) * BITS_PER_LONG;
    }
    return to;
}

static void recount(BdrvDirtyBitmap *b)
{
    b->count = 0;
    for (uint64_t w = 0; w < num_words(b); w++) {
        b->count += __builtin_popcountl(b->map[w]);
    }
}

/* ---- Ranges ---- */

void bdrv_dirty_bitmap_set(BdrvDirtyBitmap *b, int64_t offset, int64_t bytes)
{
    lock(b);
    change_bits(b, offset >> b->shift, bits_of(offset + bytes, b->shift),
                true);
    unlock(b);
}

void bdrv_dirty_bitmap_reset(BdrvDirtyBitmap *b, int64_t offset, int64_t bytes)
{
    int64_t end = offset + bytes;

    lock(b);
    change_bits(b, bits_of(offset, b->shift),
                end >= b->size ? num_bits(b) : (uint64_t)end >> b->shift,
                false);
    unlock(b);
}

void bdrv_dirty_bitmap_clear(BdrvDirtyBitmap *b)
{
    bdrv_dirty_bitmap_reset(b, 0, b->size);
}

bool bdrv_dirty_bitmap_get(BdrvDirtyBitmap *b, int64_t offset)
{
    bool set;

    if (offset < 0 || offset >= b->size) {
        return false;
    }
    lock(b);
    set = test_bit(offset >> b->shift, b->map);
    unlock(b);
    return set;
}

static int64_t next_of(BdrvDirtyBitmap *b, int64_t offset, int64_t bytes,
                       bool on)
{
    int64_t end = bytes < 0 ? b->size : MIN(offset + bytes, b->size);
    uint64_t to = bits_of(MAX(end, 0), b->shift), bit;

    if (offset >= end) {
        return -1;
    }
    lock(b);
    bit = find_bit_from(b, offset >> b->shift, to, on);
    unlock(b);
    return bit == to ? -1 : MAX(offset, (int64_t)(bit << b->shift));
}

int64_t bdrv_dirty_bitmap_next_dirty(BdrvDirtyBitmap *b, int64_t offset,
                                     int64_t bytes)
{
    return next_of(b, offset, bytes, true);
}

int64_t bdrv_dirty_bitmap_next_zero(BdrvDirtyBitmap *b, int64_t offset,
                                    int64_t bytes)
{
    return next_of(b, offset, bytes, false);
}

bool bdrv_dirty_bitmap_next_area(BdrvDirtyBitmap *b, int64_t offset,
                                 int64_t end, int64_t max,
                                 int64_t *area_offset, int64_t *area_bytes)
{
    int64_t start, stop;

    end = MIN(end, b->size);
    start = next_of(b, offset, end - offset, true);
    if (start < 0) {
        return false;
    }
    end = MIN(end - start, max) + start;
    stop = next_of(b, start, end - start, false);
    *area_offset = start;
    *area_bytes = (stop < 0 ? end : stop) - start;
    return true;
}

/* ---- All bits ---- */

bool bdrv_dirty_bitmap_merge(BdrvDirtyBitmap *to, BdrvDirtyBitmap *from,
                             Error **errp)
{
    g_autofree BdrvBitmapBackup *src = NULL;
    BdrvDirtyBitmap copy = *from;
    uint64_t bit = 0, end, bits = num_bits(from);

    if (to->size != from->size) {
        error_setg(errp, "Bitmaps are of different sizes (destination size is "
                   "%" PRId64 ") and can't be merged", to->size);
        return false;
    }
    /* A copy: they may be of two nodes, whose locks are never held at once. */
    src = bdrv_dirty_bitmap_backup(from);
    if (!src) {
        error_setg(errp, "No memory to merge bitmap '%s'", from->name);
        return false;
    }
    copy.map = src->map;
    while ((bit = find_bit_from(&copy, bit, bits, true)) < bits) {
        end = find_bit_from(&copy, bit, bits, false);
        bdrv_dirty_bitmap_set(to, bit << from->shift,
                              (end - bit) << from->shift);
        bit = end;
    }
    return true;
}

BdrvBitmapBackup *bdrv_dirty_bitmap_backup(BdrvDirtyBitmap *b)
{
    uint64_t words = num_words(b);
    BdrvBitmapBackup *copy = g_try_malloc(sizeof(*copy) +
                                          words * sizeof(unsigned long));

    if (copy) {
        copy->words = words;
        lock(b);
        copy->count = b->count;
        memcpy(copy->map, b->map, words * sizeof(unsigned long));
        unlock(b);
    }
    return copy;
}

void bdrv_dirty_bitmap_restore(BdrvDirtyBitmap *b, BdrvBitmapBackup *backup)
{
    g_assert(backup->words == num_words(b));
    lock(b);
    b->count = backup->count;
    memcpy(b->map, backup->map, backup->words * sizeof(unsigned long));
    unlock(b);
    g_free(backup);
}

void bdrv_bitmap_backup_free(BdrvBitmapBackup *backup)
{
    g_free(backup);
}

uint64_t bdrv_dirty_bitmap_data_bytes(const BdrvDirtyBitmap *b)
{
    return bits_of(num_bits(b), 3);
}

static uint8_t data_byte(const BdrvDirtyBitmap *b, uint64_t pos)
{
    return b->map[pos / sizeof(long)] >> (pos % sizeof(long) * 8);
}

void bdrv_dirty_bitmap_get_data(BdrvDirtyBitmap *b, uint64_t pos, uint8_t *buf,
                                size_t bytes)
{
    uint64_t len = bdrv_dirty_bitmap_data_bytes(b);

    lock(b);
    for (size_t i = 0; i < bytes; i++) {
        buf[i] = pos + i < len ? data_byte(b, pos + i) : 0;
    }
    unlock(b);
}

/* What is past the last bit would be counted. */
static void drop_tail(BdrvDirtyBitmap *b)
{
    uint64_t bits = num_bits(b);

    for (uint64_t w = BIT_WORD(bits); w < num_words(b); w++) {
        b->map[w] &= w == BIT_WORD(bits) ? BIT_MASK(bits) - 1 : 0;
    }
}

void bdrv_dirty_bitmap_put_data(BdrvDirtyBitmap *b, uint64_t pos,
                                const uint8_t *buf, size_t bytes)
{
    uint64_t len = bdrv_dirty_bitmap_data_bytes(b);

    lock(b);
    for (size_t i = 0; i < bytes && pos + i < len; i++) {
        unsigned shift = (pos + i) % sizeof(long) * 8;
        unsigned long *word = &b->map[(pos + i) / sizeof(long)];

        *word = (*word & ~(0xfful << shift)) | (unsigned long)buf[i] << shift;
    }
    drop_tail(b);
    recount(b);
    unlock(b);
}

/* ---- For the core ---- */

void bdrv_set_dirty(BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    BdrvDirtyBitmap *b;

    if (LIST_EMPTY(&bs->dirty_bitmaps)) {
        return;
    }
    g_mutex_lock(&bs->dirty_lock);
    LIST_FOREACH(b, &bs->dirty_bitmaps, next) {
        if (!b->disabled) {
            change_bits(b, offset >> b->shift,
                        bits_of(offset + bytes, b->shift), true);
        }
    }
    g_mutex_unlock(&bs->dirty_lock);
}

static void resize(BdrvDirtyBitmap *b, int64_t bytes)
{
    uint64_t old = num_words(b), words;
    unsigned long *map;

    b->size = bytes;
    words = num_words(b);
    map = words == old ? b->map : g_try_renew(unsigned long, b->map, words);
    if (!map) {
        /* Too small for the node, so without a meaning. */
        b->size = old * BITS_PER_LONG << b->shift;
        b->inconsistent = b->disabled = true;
        return;
    }
    b->map = map;
    for (uint64_t w = old; w < words; w++) {
        map[w] = 0;
    }
    drop_tail(b);
    recount(b);
}

void bdrv_dirty_bitmaps_resize(BlockDriverState *bs)
{
    BdrvDirtyBitmap *b;

    if (LIST_EMPTY(&bs->dirty_bitmaps)) {
        return;
    }
    g_mutex_lock(&bs->dirty_lock);
    LIST_FOREACH(b, &bs->dirty_bitmaps, next) {
        resize(b, bs->total_bytes);
    }
    g_mutex_unlock(&bs->dirty_lock);
}
