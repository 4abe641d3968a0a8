/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dirty bitmaps loaded from an image and stored in it; see the header. */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include "util/log.h"

typedef struct BitmapTask {
    BlockDriverState *bs;
    Qcow2Bitmap *b;
    BdrvDirtyBitmap *mem;
} BitmapTask;

static bool writable(const BlockDriverState *bs)
{
    return !bs->read_only && (bs->file->perm & BLK_PERM_WRITE);
}

/* ---- Loading ---- */

static int coroutine_fn load_cluster(BlockDriverState *bs, uint64_t entry,
                                     uint8_t *buf)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset = entry & QCOW2_OFFSET_MASK;

    if ((entry & QCOW2_BITMAP_RESERVED) || qcow2_in_cluster(s, offset) ||
        (offset && (entry & QCOW2_BITMAP_ALL_ONES))) {
        return -EINVAL;
    }
    if (!offset) {
        memset(buf, entry & QCOW2_BITMAP_ALL_ONES ? 0xff : 0, s->cluster_bytes);
        return 0;
    }
    return bdrv_co_pread(bs->file->bs, offset, buf, s->cluster_bytes);
}

static int coroutine_fn load_co(void *opaque)
{
    BitmapTask *t = opaque;
    Qcow2State *s = t->bs->opaque;
    uint64_t bytes = bdrv_dirty_bitmap_data_bytes(t->mem);
    g_autofree uint8_t *buf = g_try_malloc(s->cluster_bytes);
    g_autofree uint64_t *table = NULL;
    int ret = buf ? 0 : -ENOMEM;

    if (t->b->table_entries != qcow2_clusters(s, bytes)) {
        return -EINVAL;
    }
    ret = ret < 0 ? ret : qcow2_bitmap_read_table(t->bs, t->b, &table);
    for (uint32_t i = 0; ret >= 0 && i < t->b->table_entries; i++) {
        uint64_t pos = (uint64_t)i << s->cluster_bits;

        ret = load_cluster(t->bs, table[i], buf);
        if (ret >= 0 && table[i]) {
            bdrv_dirty_bitmap_put_data(t->mem, pos, buf,
                                       MIN(s->cluster_bytes, bytes - pos));
        }
    }
    return ret;
}

static bool load_one(BlockDriverState *bs, Qcow2Bitmap *b, Error **errp)
{
    Qcow2State *s = bs->opaque;
    BitmapTask t = { .bs = bs, .b = b };
    int ret;

    t.mem = bdrv_dirty_bitmap_new(bs, b->name, 1u << b->granularity_bits,
                                  s->size, errp);
    if (!t.mem) {
        return false;
    }
    bdrv_dirty_bitmap_set_persistent(t.mem, true);
    bdrv_dirty_bitmap_set_enabled(t.mem, b->flags & QCOW2_BITMAP_AUTO);
    if (b->flags & QCOW2_BITMAP_IN_USE) {
        bdrv_dirty_bitmap_set_inconsistent(t.mem);
        return true;
    }
    ret = bdrv_run(bs->ctx, load_co, &t);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read bitmap '%s' from image",
                         b->name);
        return false;
    }
    bdrv_dirty_bitmap_set_readonly(t.mem, !writable(bs));
    return true;
}

bool qcow2_bitmaps_load(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;

    if (bs->open_flags & BDRV_O_CHECK) {
        return true;
    }
    for (guint i = 0; i < s->bitmaps->len; i++) {
        if (!load_one(bs, g_ptr_array_index(s->bitmaps, i), errp)) {
            bdrv_dirty_bitmaps_free_all(bs);
            return false;
        }
    }
    return !writable(bs) || qcow2_bitmaps_claim(bs, errp);
}

/* ---- In use ---- */

static int coroutine_fn claim_co(void *opaque)
{
    BlockDriverState *bs = opaque;
    Qcow2State *s = bs->opaque;
    int ret;

    co_mutex_lock(&s->lock);
    ret = qcow2_bitmaps_update_dir(bs);
    co_mutex_unlock(&s->lock);
    return ret;
}

bool qcow2_bitmaps_claim(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret;

    for (guint i = 0; i < s->bitmaps->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(s->bitmaps, i);

        b->flags |= QCOW2_BITMAP_IN_USE;
    }
    ret = s->bitmaps->len ? bdrv_run(bs->ctx, claim_co, bs) : 0;
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not mark the bitmaps of '%s' as in "
                         "use", bdrv_get_filename(bs));
        return false;
    }
    for (BdrvDirtyBitmap *m = NULL; (m = bdrv_dirty_bitmap_next(bs, m));) {
        bdrv_dirty_bitmap_set_readonly(m, false);
    }
    return true;
}

/* ---- Storing ---- */

/* The entry for one cluster of bits; nothing is stored where all are 0. */
static int coroutine_fn store_cluster(BlockDriverState *bs, const uint8_t *buf,
                                      uint64_t *entry)
{
    Qcow2State *s = bs->opaque;
    int64_t offset;
    int ret;

    *entry = 0;
    if (!buf[0] && !memcmp(buf, buf + 1, s->cluster_bytes - 1)) {
        return 0;
    }
    offset = qcow2_alloc(bs, s->cluster_bytes);
    if (offset < 0) {
        return offset;
    }
    *entry = offset;
    ret = bdrv_co_pwrite(bs->file->bs, offset, buf, s->cluster_bytes, 0);
    return ret;
}

static int coroutine_fn store_table(BlockDriverState *bs, Qcow2Bitmap *b,
                                    uint64_t *table)
{
    int64_t offset = qcow2_alloc(bs, b->table_entries * 8ULL);

    if (offset < 0) {
        return offset;
    }
    b->table_offset = offset;
    for (uint32_t i = 0; i < b->table_entries; i++) {
        put_be64((uint8_t *)(table + i), table[i]);
    }
    return bdrv_co_pwrite(bs->file->bs, offset, table, b->table_entries * 8ULL,
                          0);
}

static int coroutine_fn store_one(BlockDriverState *bs, BdrvDirtyBitmap *mem,
                                  Qcow2Bitmap *b)
{
    Qcow2State *s = bs->opaque;
    uint64_t bytes = bdrv_dirty_bitmap_data_bytes(mem);
    g_autofree uint8_t *buf = g_try_malloc(s->cluster_bytes);
    g_autofree uint64_t *table = NULL;
    int ret = 0;

    b->table_entries = qcow2_clusters(s, bytes);
    table = g_try_new0(uint64_t, b->table_entries + 1);
    if (!buf || !table) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; ret >= 0 && i < b->table_entries; i++) {
        uint64_t pos = (uint64_t)i << s->cluster_bits;

        memset(buf, 0, s->cluster_bytes);
        bdrv_dirty_bitmap_get_data(mem, pos, buf,
                                   MIN(s->cluster_bytes, bytes - pos));
        ret = store_cluster(bs, buf, &table[i]);
    }
    return ret < 0 || !b->table_entries ? ret : store_table(bs, b, table);
}

static Qcow2Bitmap *describe(const BdrvDirtyBitmap *mem)
{
    Qcow2Bitmap *b = g_new0(Qcow2Bitmap, 1);

    b->name = g_strdup(bdrv_dirty_bitmap_name(mem));
    b->granularity_bits = __builtin_ctz(bdrv_dirty_bitmap_granularity(mem));
    b->flags = bdrv_dirty_bitmap_enabled(mem) ? QCOW2_BITMAP_AUTO : 0;
    return b;
}

static bool to_store(const BdrvDirtyBitmap *m)
{
    return bdrv_dirty_bitmap_persistent(m) &&
           !bdrv_dirty_bitmap_inconsistent(m) &&
           !bdrv_dirty_bitmap_readonly(m);
}

static int coroutine_fn store_as_new(BlockDriverState *bs, BdrvDirtyBitmap *m,
                                     GPtrArray *list, GPtrArray *stored)
{
    Qcow2Bitmap *b = describe(m);

    g_ptr_array_add(stored, b);
    g_ptr_array_add(list, b);
    return store_one(bs, m, b);
}

static bool in_directory(const Qcow2State *s, const char *name)
{
    for (guint i = 0; i < s->bitmaps->len; i++) {
        const Qcow2Bitmap *b = g_ptr_array_index(s->bitmaps, i);

        if (g_str_equal(b->name, name)) {
            return true;
        }
    }
    return false;
}

/* In the order of the directory, which users see, with new ones behind it.
 * What is there and is not replaced stays as it is. */
static int coroutine_fn store_new(BlockDriverState *bs, GPtrArray *list,
                                  GPtrArray *stored)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    for (guint i = 0; ret >= 0 && i < s->bitmaps->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(s->bitmaps, i);
        BdrvDirtyBitmap *m = bdrv_dirty_bitmap_find(bs, b->name);

        if (m && to_store(m)) {
            ret = store_as_new(bs, m, list, stored);
        } else {
            g_ptr_array_add(list, b);
        }
    }
    for (BdrvDirtyBitmap *m = NULL;
         ret >= 0 && (m = bdrv_dirty_bitmap_next(bs, m));) {
        if (to_store(m) && !in_directory(s, bdrv_dirty_bitmap_name(m))) {
            ret = store_as_new(bs, m, list, stored);
        }
    }
    return ret < 0 ? ret : qcow2_bitmaps_write_dir(bs, list);
}

/* The list in memory is that in the file: @list, and what it replaced goes. */
static void coroutine_fn take_over(BlockDriverState *bs, GPtrArray *list)
{
    Qcow2State *s = bs->opaque;
    GPtrArray *now = g_ptr_array_new_with_free_func(qcow2_bitmap_free);

    for (guint i = 0; i < s->bitmaps->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(s->bitmaps, i);

        if (!g_ptr_array_find(list, b, NULL)) {
            qcow2_bitmap_free_clusters(bs, b);
            qcow2_bitmap_free(b);
        }
    }
    for (guint i = 0; i < list->len; i++) {
        g_ptr_array_add(now, g_ptr_array_index(list, i));
    }
    g_ptr_array_set_free_func(s->bitmaps, NULL);
    g_ptr_array_unref(s->bitmaps);
    s->bitmaps = now;
}

int coroutine_fn qcow2_bitmaps_store(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(GPtrArray) stored = g_ptr_array_new();
    bool any = false;
    int ret;

    for (BdrvDirtyBitmap *m = NULL; (m = bdrv_dirty_bitmap_next(bs, m));) {
        any |= to_store(m);
    }
    if (!any) {
        return 0;
    }
    co_mutex_lock(&s->lock);
    ret = s->corrupt ? -EIO : store_new(bs, list, stored);
    if (ret >= 0) {
        take_over(bs, list);
    } else {
        g_ptr_array_set_free_func(stored, qcow2_bitmap_free);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

/* ---- For users ---- */

bool qcow2_can_store_bitmap(BlockDriverState *bs, const char *name,
                            uint32_t granularity, Error **errp)
{
    Qcow2State *s = bs->opaque;

    if (s->version < 3) {
        error_setg(errp, "Cannot store dirty bitmaps in qcow2 v2 files");
    } else if (strlen(name) > QCOW2_MAX_BITMAP_NAME) {
        error_setg(errp, "Name length exceeds maximum (%d characters)",
                   QCOW2_MAX_BITMAP_NAME);
    } else if (s->bitmaps->len >= QCOW2_MAX_BITMAPS) {
        error_setg(errp, "Maximum number of persistent bitmaps is already "
                   "reached");
    } else if (!writable(bs)) {
        error_setg(errp, "The image is read-only");
    } else if (s->size / granularity / 8 > 512 * MiB) {
        error_setg(errp, "Too much space will be occupied by the bitmap. Use "
                   "larger granularity");
    } else {
        return true;
    }
    error_prepend(errp, "Can't make bitmap '%s' persistent in '%s': ", name,
                  bs->node_name);
    return false;
}

static int coroutine_fn remove_co(void *opaque)
{
    BitmapTask *t = opaque;
    Qcow2State *s = t->bs->opaque;
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    int ret;

    for (guint i = 0; i < s->bitmaps->len; i++) {
        if (g_ptr_array_index(s->bitmaps, i) != t->b) {
            g_ptr_array_add(list, g_ptr_array_index(s->bitmaps, i));
        }
    }
    co_mutex_lock(&s->lock);
    ret = qcow2_bitmaps_write_dir(t->bs, list);
    if (ret >= 0) {
        take_over(t->bs, list);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

bool qcow2_remove_stored_bitmap(BlockDriverState *bs, const char *name,
                                Error **errp)
{
    BitmapTask t = { .bs = bs, .b = qcow2_bitmap_find(bs->opaque, name) };
    int ret = t.b ? bdrv_run(bs->ctx, remove_co, &t) : 0;

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to update bitmap extension");
    }
    return ret >= 0;
}

static void add_flag(Qcow2BitmapInfo *info, Qcow2BitmapInfoFlags flag)
{
    Qcow2BitmapInfoFlagsList *one = g_new0(Qcow2BitmapInfoFlagsList, 1);

    one->value = flag;
    one->next = info->flags;
    info->flags = one;
}

Qcow2BitmapInfoList *qcow2_bitmaps_info(const Qcow2State *s)
{
    Qcow2BitmapInfoList *list = NULL, **tail = &list;

    for (guint i = 0; i < s->bitmaps->len; i++) {
        const Qcow2Bitmap *b = g_ptr_array_index(s->bitmaps, i);
        Qcow2BitmapInfo *info = g_new0(Qcow2BitmapInfo, 1);

        info->name = g_strdup(b->name);
        info->granularity = 1u << b->granularity_bits;
        if (b->flags & QCOW2_BITMAP_AUTO) {
            add_flag(info, QCOW2_BITMAP_INFO_FLAGS_AUTO);
        }
        if (b->flags & QCOW2_BITMAP_IN_USE) {
            add_flag(info, QCOW2_BITMAP_INFO_FLAGS_IN_USE);
        }
        *tail = g_new0(Qcow2BitmapInfoList, 1);
        (*tail)->value = info;
        tail = &(*tail)->next;
    }
    return list;
}

uint64_t qcow2_bitmaps_bytes(BlockDriverState *bs, uint32_t cluster_bytes)
{
    uint64_t bytes = 0, dir = 0;

    for (BdrvDirtyBitmap *m = NULL; (m = bdrv_dirty_bitmap_next(bs, m));) {
        uint64_t data = bdrv_dirty_bitmap_data_bytes(m);
        uint64_t n = DIV_ROUND_UP(data, cluster_bytes);
        size_t name_bytes = strlen(bdrv_dirty_bitmap_name(m));

        if (bdrv_dirty_bitmap_persistent(m)) {
            bytes += n * cluster_bytes + ROUND_UP(n * 8, cluster_bytes);
            dir += ROUND_UP(24 + name_bytes, 8);
        }
    }
    return bytes + ROUND_UP(dir, cluster_bytes);
}
