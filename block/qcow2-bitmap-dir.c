/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of dirty bitmaps ("Bitmaps extension" and "Bitmap directory"
 * in the specification): what bitmaps there are and where their tables are.
 * The autoclear bit says that nobody wrote to the image who does not know them.
 */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include "util/log.h"

#define ENTRY_BYTES     24
#define MAX_DIR_BYTES   (64 * MiB)
#define MAX_TABLE       (128u << 20)        /* entries */
#define TYPE_DIRTY      1
#define FLAGS_KNOWN     (QCOW2_BITMAP_IN_USE | QCOW2_BITMAP_AUTO |             \
                         QCOW2_BITMAP_EXTRA_COMPATIBLE)

void qcow2_bitmap_free(gpointer opaque)
{
    Qcow2Bitmap *b = opaque;

    g_free(b->name);
    g_free(b->extra);
    g_free(b);
}

Qcow2Bitmap *qcow2_bitmap_find(const Qcow2State *s, const char *name)
{
    for (guint i = 0; i < s->bitmaps->len; i++) {
        Qcow2Bitmap *b = g_ptr_array_index(s->bitmaps, i);

        if (g_str_equal(b->name, name)) {
            return b;
        }
    }
    return NULL;
}

/* ---- The extension ---- */

bool qcow2_bitmaps_take_extension(BlockDriverState *bs, const uint8_t *data,
                                  uint32_t bytes, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset, dir_bytes;
    uint32_t n;

    if (!(s->autoclear & QCOW2_AUTOCLEAR_BITMAPS)) {
        warn_report("a program lacking bitmap support modified the image '%s', "
                    "so all bitmaps are now considered inconsistent",
                    bdrv_get_filename(bs));
        return true;
    }
    if (bytes != QCOW2_BITMAPS_EXT_BYTES) {
        error_setg(errp, "bitmaps_ext: Invalid extension length: %u", bytes);
        return false;
    }
    n = get_be32(data);
    dir_bytes = get_be64(data + 8);
    offset = get_be64(data + 16);
    if (get_be32(data + 4)) {
        error_setg(errp, "bitmaps_ext: Reserved field is not zero");
        return false;
    }
    if (!n || n > QCOW2_MAX_BITMAPS) {
        error_setg(errp, "bitmaps_ext: image has %u bitmaps, from 1 to %d are "
                   "possible", n, QCOW2_MAX_BITMAPS);
        return false;
    }
    if (qcow2_in_cluster(s, offset) || !offset ||
        offset > QCOW2_OFFSET_MASK - MAX_DIR_BYTES) {
        error_setg(errp, "bitmaps_ext: invalid bitmap directory offset 0x%"
                   PRIx64, offset);
        return false;
    }
    if (dir_bytes > MAX_DIR_BYTES) {
        error_setg(errp, "bitmaps_ext: bitmap directory size (%" PRIu64 ") "
                   "exceeds the maximum supported size (%d)", dir_bytes,
                   (int)MAX_DIR_BYTES);
        return false;
    }
    s->nb_bitmaps = n;
    s->bitmap_dir_offset = offset;
    s->bitmap_dir_bytes = dir_bytes;
    return true;
}

void qcow2_bitmaps_put_extension(const Qcow2State *s, uint8_t *data)
{
    memset(data, 0, QCOW2_BITMAPS_EXT_BYTES);
    put_be32(data, s->nb_bitmaps);
    put_be64(data + 8, s->bitmap_dir_bytes);
    put_be64(data + 16, s->bitmap_dir_offset);
}

/* ---- Reading ---- */

static const char *check_entry(const Qcow2State *s, const Qcow2Bitmap *b,
                               unsigned type)
{
    if (type != TYPE_DIRTY) {
        return "is of an unknown type";
    }
    if (b->flags & ~(uint32_t)FLAGS_KNOWN) {
        return "has unknown flags";
    }
    if (b->extra_bytes && !(b->flags & QCOW2_BITMAP_EXTRA_COMPATIBLE)) {
        return "has extra data of another program";
    }
    if (b->granularity_bits < 9 || b->granularity_bits > 31) {
        return "has a granularity that is not supported";
    }
    if (b->table_entries > MAX_TABLE || qcow2_in_cluster(s, b->table_offset) ||
        (b->table_entries && !b->table_offset) ||
        b->table_offset > QCOW2_OFFSET_MASK - MAX_TABLE * 8ULL) {
        return "has no valid table";
    }
    return qcow2_bitmap_find(s, b->name) ? "is there twice" : NULL;
}

/* The entry at *@pos of @dir. */
static bool parse_entry(Qcow2State *s, const uint8_t *dir, uint64_t *pos,
                        Error **errp)
{
    const uint8_t *e = dir + *pos;
    uint64_t left = s->bitmap_dir_bytes - *pos;
    uint32_t name_bytes, extra;
    const char *what;
    Qcow2Bitmap *b;

    if (left < ENTRY_BYTES ||
        (extra = get_be32(e + 20), name_bytes = get_be16(e + 18),
         extra > left - ENTRY_BYTES ||
         name_bytes > left - ENTRY_BYTES - extra) ||
        !name_bytes || name_bytes > QCOW2_MAX_BITMAP_NAME) {
        error_setg(errp, "Broken bitmap directory: entry %u is not whole",
                   s->bitmaps->len);
        return false;
    }
    b = g_new0(Qcow2Bitmap, 1);
    b->table_offset = get_be64(e);
    b->table_entries = get_be32(e + 8);
    b->flags = get_be32(e + 12);
    b->granularity_bits = e[17];
    b->extra_bytes = extra;
    b->extra = g_memdup2(e + ENTRY_BYTES, extra);
    b->name = g_strndup((const char *)e + ENTRY_BYTES + extra, name_bytes);
    what = check_entry(s, b, e[16]);
    if (what) {
        error_setg(errp, "Bitmap '%s' %s", b->name, what);
        qcow2_bitmap_free(b);
        return false;
    }
    g_ptr_array_add(s->bitmaps, b);
    *pos += ROUND_UP((uint64_t)ENTRY_BYTES + extra + name_bytes, 8);
    return true;
}

bool qcow2_bitmaps_read_dir(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *dir = NULL;
    uint64_t pos = 0;
    int ret;

    if (!s->nb_bitmaps) {
        return true;
    }
    dir = g_try_malloc(s->bitmap_dir_bytes + 1);
    ret = dir ? bdrv_pread(bs->file->bs, s->bitmap_dir_offset, dir,
                           s->bitmap_dir_bytes) : -ENOMEM;
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to read bitmap directory");
        return false;
    }
    for (uint32_t i = 0; i < s->nb_bitmaps; i++) {
        if (!parse_entry(s, dir, &pos, errp)) {
            return false;
        }
    }
    if (ROUND_UP(s->bitmap_dir_bytes, 8) != pos) {
        error_setg(errp, "Broken bitmap directory: %" PRIu64 " bytes, not %"
                   PRIu64, pos, s->bitmap_dir_bytes);
        return false;
    }
    return true;
}

/* ---- Writing ---- */

static void put_entry(const Qcow2Bitmap *b, GByteArray *dir)
{
    static const uint8_t zeros[8];
    uint8_t e[ENTRY_BYTES] = { 0 };

    put_be64(e, b->table_offset);
    put_be32(e + 8, b->table_entries);
    put_be32(e + 12, b->flags);
    e[16] = TYPE_DIRTY;
    e[17] = b->granularity_bits;
    put_be16(e + 18, strlen(b->name));
    put_be32(e + 20, b->extra_bytes);
    g_byte_array_append(dir, e, sizeof(e));
    g_byte_array_append(dir, b->extra, b->extra_bytes);
    g_byte_array_append(dir, (const uint8_t *)b->name, strlen(b->name));
    g_byte_array_append(dir, zeros, ROUND_UP(dir->len, 8) - dir->len);
}

static GByteArray *build_dir(const GPtrArray *list)
{
    GByteArray *dir = g_byte_array_new();

    for (guint i = 0; i < list->len; i++) {
        put_entry(g_ptr_array_index(list, i), dir);
    }
    return dir;
}

int coroutine_fn qcow2_bitmaps_update_dir(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    g_autoptr(GByteArray) dir = build_dir(s->bitmaps);
    int ret = qcow2_overlap_check(bs, QCOW2_OL_BITMAP_DIRECTORY,
                                  s->bitmap_dir_offset, dir->len);

    if (dir->len != ROUND_UP(s->bitmap_dir_bytes, 8)) {
        return -EIO;
    }
    ret = ret < 0 ? ret : bdrv_co_pwrite(bs->file->bs, s->bitmap_dir_offset,
                                         dir->data, dir->len, 0);
    return ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
}

static int coroutine_fn switch_dir(BlockDriverState *bs, uint64_t offset,
                                   uint64_t bytes, uint32_t n)
{
    Qcow2State *s = bs->opaque;
    uint64_t old_offset = s->bitmap_dir_offset, old_bytes = s->bitmap_dir_bytes;
    uint64_t old_autoclear = s->autoclear;
    uint32_t old_n = s->nb_bitmaps;
    int ret;

    s->nb_bitmaps = n;
    s->bitmap_dir_offset = offset;
    s->bitmap_dir_bytes = bytes;
    s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
    s->autoclear |= n ? QCOW2_AUTOCLEAR_BITMAPS : 0;
    ret = qcow2_write_header(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret < 0) {
        s->nb_bitmaps = old_n;
        s->bitmap_dir_offset = old_offset;
        s->bitmap_dir_bytes = old_bytes;
        s->autoclear = old_autoclear;
        return ret;
    }
    if (old_n) {
        qcow2_free_later(bs, old_offset, qcow2_clusters(s, old_bytes) <<
                         s->cluster_bits);
    }
    return 0;
}

int coroutine_fn qcow2_bitmaps_write_dir(BlockDriverState *bs,
                                         const GPtrArray *list)
{
    Qcow2State *s = bs->opaque;
    g_autoptr(GByteArray) dir = build_dir(list);
    int64_t offset = 0;
    int ret = list->len > QCOW2_MAX_BITMAPS || dir->len > MAX_DIR_BYTES ?
              -EFBIG : 0;

    if (ret >= 0 && dir->len) {
        offset = qcow2_alloc(bs, dir->len);
        ret = offset < 0 ? offset :
              bdrv_co_pwrite(bs->file->bs, offset, dir->data, dir->len, 0);
    }
    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    ret = ret < 0 ? ret : switch_dir(bs, offset, dir->len, list->len);
    if (ret < 0 && offset > 0) {
        qcow2_free_later(bs, offset, qcow2_clusters(s, dir->len) <<
                         s->cluster_bits);
    }
    return ret;
}

/* ---- Tables ---- */

int coroutine_fn qcow2_bitmap_read_table(BlockDriverState *bs,
                                         const Qcow2Bitmap *b, uint64_t **table)
{
    g_autofree uint64_t *t = g_try_malloc(b->table_entries * 8ULL + 1);
    int ret = t ? 0 : -ENOMEM;

    if (ret >= 0 && b->table_entries) {
        ret = bdrv_co_pread(bs->file->bs, b->table_offset, t,
                            b->table_entries * 8ULL);
    }
    for (uint32_t i = 0; ret >= 0 && i < b->table_entries; i++) {
        t[i] = get_be64((uint8_t *)(t + i));
    }
    *table = ret < 0 ? NULL : g_steal_pointer(&t);
    return ret;
}

int coroutine_fn qcow2_bitmap_free_clusters(BlockDriverState *bs,
                                            const Qcow2Bitmap *b)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint64_t *table = NULL;
    int ret = qcow2_bitmap_read_table(bs, b, &table);

    for (uint32_t i = 0; ret >= 0 && i < b->table_entries; i++) {
        uint64_t offset = table[i] & QCOW2_OFFSET_MASK;

        if (offset && !qcow2_in_cluster(s, offset)) {
            qcow2_free_later(bs, offset, s->cluster_bytes);
        }
    }
    if (ret >= 0 && b->table_entries) {
        qcow2_free_later(bs, b->table_offset, qcow2_clusters(s,
                         b->table_entries * 8ULL) << s->cluster_bits);
    }
    return ret;
}
