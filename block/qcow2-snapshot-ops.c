/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots made, restored, deleted.
 *
 * Each begins and ends with all tables on the disk. In between counts and the
 * COPIED flags do not agree, so the image is marked as dirty (version 3): who
 * opens it after a crash repairs it. What must hold at any point all the same:
 * a cluster that a table in the file leads to is counted, and no table in the
 * file has COPIED for what two of them share. So:
 *
 *   create   counts up; L1 copy; flags; then the table with the new snapshot
 *   goto     counts up; new L1; then the header; then old counts down; flags
 *   delete   the table without it; then counts down; then flags
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

#define MAX_NAME_BYTES 255

/* ---- In common ---- */

static int coroutine_fn begin(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (s->data_file != bs->file) {
        error_setg(errp, "Snapshots in the image cannot be used with an "
                   "external data file");
        return -ENOTSUP;
    }
    if (s->corrupt) {
        error_setg(errp, "The image is corrupt");
        return -EIO;
    }
    ret = qcow2_flush(bs);
    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    if (ret >= 0 && s->version >= 3) {
        ret = qcow2_mark_dirty(bs);
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not write the image's tables");
    }
    return ret;
}

/* Counts that went down, and flags after them. */
static int coroutine_fn end(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = qcow2_flush(bs);

    qcow2_overlap_forget(s);
    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    ret = ret < 0 ? ret : qcow2_tree_flags(bs);
    ret = ret < 0 ? ret : qcow2_flush(bs);
    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    return ret < 0 || s->lazy_refcounts ? ret : qcow2_mark_clean(bs);
}

static Qcow2Snapshot *find(Qcow2State *s, const char *id, guint *index)
{
    for (guint i = 0; i < s->snapshots->len; i++) {
        Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if (g_str_equal(sn->facts.id, id)) {
            *index = i;
            return sn;
        }
    }
    return NULL;
}

/* With room for a disk of that size. *@entries is the length. */
static uint64_t *coroutine_fn read_l1(BlockDriverState *bs,
                                      const Qcow2Snapshot *sn,
                                      uint32_t *entries, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t needed = qcow2_l1_entries(s, sn->facts.disk_bytes);
    g_autofree uint64_t *l1 = NULL;
    int ret;

    if (!qcow2_l1_valid(s, sn->l1_offset, sn->l1_size) ||
        needed * 8 > QCOW2_MAX_L1_BYTES) {
        error_setg(errp, "The L1 table of snapshot '%s' is not where one can "
                   "be, or is too large", sn->facts.name);
        return NULL;
    }
    *entries = MAX(needed, sn->l1_size);
    l1 = g_try_new0(uint64_t, *entries + 1);
    ret = l1 ? bdrv_co_pread(bs->file->bs, sn->l1_offset, l1,
                             sn->l1_size * 8ULL) : -ENOMEM;
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to read snapshot L1 table");
        return NULL;
    }
    for (uint32_t i = 0; i < sn->l1_size; i++) {
        l1[i] = get_be64((uint8_t *)(l1 + i));
    }
    return g_steal_pointer(&l1);
}

/* A table in new clusters, without COPIED. The offset or -errno. */
static int64_t coroutine_fn store_l1(BlockDriverState *bs, const uint64_t *l1,
                                     uint32_t entries)
{
    g_autofree uint8_t *buf = g_try_malloc(entries * 8ULL + 1);
    int64_t offset;
    int ret;

    if (!buf || !entries) {
        return entries ? -ENOMEM : 0;
    }
    offset = qcow2_alloc(bs, entries * 8ULL);
    if (offset < 0) {
        return offset;
    }
    for (uint32_t i = 0; i < entries; i++) {
        put_be64(buf + i * 8ULL, l1[i] & ~QCOW2_OFLAG_COPIED);
    }
    ret = bdrv_co_pwrite(bs->file->bs, offset, buf, entries * 8ULL, 0);
    return ret < 0 ? ret : offset;
}

static void free_l1(BlockDriverState *bs, uint64_t offset, uint32_t entries)
{
    Qcow2State *s = bs->opaque;

    if (entries) {
        qcow2_free_later(bs, offset, qcow2_clusters(s, entries * 8ULL) <<
                         s->cluster_bits);
    }
}

static int fail(int ret, Error **errp, const char *what)
{
    if (ret < 0) {
        error_setg_errno(errp, ret == -EINVAL ? ERANGE : -ret, "%s", what);
    }
    return ret;
}

/* ---- Create ---- */

static char *next_id(const Qcow2State *s)
{
    unsigned long max = 0;

    for (guint i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        unsigned long id = strtoul(sn->facts.id, NULL, 10);

        max = MAX(max, id);
    }
    return g_strdup_printf("%lu", max + 1);
}

static Qcow2Snapshot *new_snapshot(const Qcow2State *s,
                                   const BdrvSnapshot *facts)
{
    Qcow2Snapshot *sn = g_new0(Qcow2Snapshot, 1);

    sn->facts = *facts;
    sn->facts.id = facts->id ? g_strdup(facts->id) : next_id(s);
    sn->facts.name = g_strdup(facts->name ? facts->name : "");
    sn->facts.disk_bytes = s->size;
    sn->l1_size = s->l1_size;
    return sn;
}

static bool check_new(const Qcow2State *s, const Qcow2Snapshot *sn,
                      Error **errp)
{
    guint index;

    if (find((Qcow2State *)s, sn->facts.id, &index)) {
        error_setg(errp, "There is a snapshot with id '%s'", sn->facts.id);
        return false;
    }
    if (strlen(sn->facts.name) > MAX_NAME_BYTES ||
        strlen(sn->facts.id) > MAX_NAME_BYTES) {
        error_setg(errp, "The name of a snapshot has at most %d bytes",
                   MAX_NAME_BYTES);
        return false;
    }
    return true;
}

/* All that the snapshot needs is on the disk when it is in the table. */
static int coroutine_fn add_snapshot(BlockDriverState *bs, Qcow2Snapshot *sn)
{
    Qcow2State *s = bs->opaque;
    int64_t offset;
    int ret = qcow2_tree_raise(bs, s->l1, s->l1_size);

    if (ret < 0) {
        return ret;
    }
    offset = store_l1(bs, s->l1, s->l1_size);
    ret = offset < 0 ? offset : qcow2_write_counts(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    ret = ret < 0 ? ret : qcow2_tree_flags(bs);
    ret = ret < 0 ? ret : qcow2_flush(bs);
    if (ret >= 0) {
        sn->l1_offset = offset;
        g_ptr_array_add(s->snapshots, sn);
        ret = qcow2_write_snapshots(bs, s->snapshots);
        if (ret < 0) {
            g_ptr_array_steal_index(s->snapshots, s->snapshots->len - 1);
        }
    }
    if (ret < 0) {
        if (offset > 0) {
            free_l1(bs, offset, s->l1_size);
        }
        qcow2_tree_free(bs, s->l1, s->l1_size);
    }
    return ret;
}

int coroutine_fn qcow2_co_snapshot_create(BlockDriverState *bs,
                                          const BdrvSnapshot *facts,
                                          Error **errp)
{
    Qcow2State *s = bs->opaque;
    Qcow2Snapshot *sn = new_snapshot(s, facts);
    int ret, end_ret;

    if (!check_new(s, sn, errp)) {
        qcow2_snapshot_free(sn);
        return -EINVAL;
    }
    co_mutex_lock(&s->lock);
    ret = begin(bs, errp);
    if (ret < 0) {
        qcow2_snapshot_free(sn);
        co_mutex_unlock(&s->lock);
        return ret;
    }
    ret = add_snapshot(bs, sn);
    fail(ret, errp, "Could not create the snapshot");
    if (ret < 0) {
        qcow2_snapshot_free(sn);
    }
    end_ret = end(bs);
    co_mutex_unlock(&s->lock);
    return ret < 0 ? ret : fail(end_ret, errp, "Could not write the tables");
}

/* ---- Goto ---- */

static int coroutine_fn switch_to(BlockDriverState *bs, const Qcow2Snapshot *sn,
                                  uint64_t *l1, uint32_t entries)
{
    Qcow2State *s = bs->opaque;
    uint64_t old_offset = s->l1_offset, old_size = s->size;
    uint32_t old_entries = s->l1_size;
    int64_t offset = store_l1(bs, l1, entries);
    int ret = offset < 0 ? offset : qcow2_write_counts(bs);

    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret >= 0) {
        s->l1_offset = offset;
        s->l1_size = entries;
        s->size = sn->facts.disk_bytes;
        ret = qcow2_write_header(bs);
        ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    }
    if (ret < 0) {
        s->l1_offset = old_offset;
        s->l1_size = old_entries;
        s->size = old_size;
        if (offset > 0) {
            free_l1(bs, offset, entries);
        }
        return ret;
    }
    ret = qcow2_tree_free(bs, s->l1, old_entries);
    free_l1(bs, old_offset, old_entries);
    g_free(s->l1);
    s->l1 = l1;
    s->l1_dirty_from = s->l1_dirty_to = 0;
    return ret;
}

static int coroutine_fn goto_snapshot(BlockDriverState *bs,
                                      const Qcow2Snapshot *sn, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint32_t entries;
    uint64_t *l1 = read_l1(bs, sn, &entries, errp);
    int ret;

    if (!l1) {
        return -EIO;
    }
    for (uint32_t i = 0; i < entries; i++) {
        l1[i] &= ~QCOW2_OFLAG_COPIED;
    }
    ret = qcow2_tree_raise(bs, l1, entries);
    if (ret >= 0) {
        ret = switch_to(bs, sn, l1, entries);
        if (ret < 0 && s->l1 != l1) {
            qcow2_tree_free(bs, l1, entries);
        }
    }
    if (s->l1 != l1) {
        g_free(l1);
    }
    return fail(ret, errp, "Could not apply the snapshot");
}

int coroutine_fn qcow2_co_snapshot_goto(BlockDriverState *bs, const char *id,
                                        Error **errp)
{
    Qcow2State *s = bs->opaque;
    Qcow2Snapshot *sn;
    int ret, end_ret;
    guint index;

    co_mutex_lock(&s->lock);
    sn = find(s, id, &index);
    ret = sn ? begin(bs, errp) : -ENOENT;
    if (ret < 0) {
        co_mutex_unlock(&s->lock);
        return ret;
    }
    ret = goto_snapshot(bs, sn, errp);
    end_ret = end(bs);
    co_mutex_unlock(&s->lock);
    return ret < 0 ? ret : fail(end_ret, errp, "Could not write the tables");
}

/* ---- Delete ---- */

static int coroutine_fn delete_snapshot(BlockDriverState *bs, guint index,
                                        Error **errp)
{
    Qcow2State *s = bs->opaque;
    Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, index);
    g_autofree uint64_t *l1 = NULL;
    uint32_t entries;
    int ret;

    l1 = read_l1(bs, sn, &entries, errp);
    if (!l1) {
        return -EIO;
    }
    g_ptr_array_steal_index(s->snapshots, index);
    ret = qcow2_write_snapshots(bs, s->snapshots);
    if (ret < 0) {
        g_ptr_array_insert(s->snapshots, index, sn);
        return fail(ret, errp, "Failed to remove snapshot from snapshot list");
    }
    ret = qcow2_tree_free(bs, l1, sn->l1_size);
    free_l1(bs, sn->l1_offset, sn->l1_size);
    qcow2_snapshot_free(sn);
    return fail(ret, errp, "Failed to free the cluster and L1 table");
}

int coroutine_fn qcow2_co_snapshot_delete(BlockDriverState *bs, const char *id,
                                          Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret, end_ret;
    guint index;

    co_mutex_lock(&s->lock);
    ret = find(s, id, &index) ? begin(bs, errp) : -ENOENT;
    if (ret < 0) {
        co_mutex_unlock(&s->lock);
        return ret;
    }
    ret = delete_snapshot(bs, index, errp);
    end_ret = end(bs);
    co_mutex_unlock(&s->lock);
    return ret < 0 ? ret : fail(end_ret, errp, "Could not write the tables");
}

/* ---- Look at ---- */

int coroutine_fn qcow2_co_snapshot_load_tmp(BlockDriverState *bs,
                                            const char *id, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint32_t entries;
    uint64_t *l1 = NULL;
    guint index;

    co_mutex_lock(&s->lock);
    if (find(s, id, &index)) {
        l1 = read_l1(bs, g_ptr_array_index(s->snapshots, index), &entries,
                     errp);
    }
    if (l1) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, index);

        g_free(s->l1);
        s->l1 = l1;
        s->l1_size = entries;
        s->size = sn->facts.disk_bytes;
    }
    co_mutex_unlock(&s->lock);
    return l1 ? 0 : -EIO;
}
