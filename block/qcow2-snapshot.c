/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots in the image ("Snapshots" in the specification): the table of them,
 * in memory and in the file.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

#define HEADER_BYTES    40
#define KNOWN_EXTRA     24              /* state size, disk size, icount */
#define MAX_EXTRA       1024            /* what other programs may add */
#define MAX_SNAPSHOTS   65536
#define MAX_TABLE_BYTES (64 * MiB)
#define NO_ICOUNT       UINT64_MAX

void qcow2_snapshot_free(gpointer opaque)
{
    Qcow2Snapshot *sn = opaque;

    g_free(sn->facts.id);
    g_free(sn->facts.name);
    g_free(sn->extra);
    g_free(sn);
}

bool qcow2_l1_valid(const Qcow2State *s, uint64_t offset, uint32_t entries)
{
    uint64_t bytes = entries * 8ULL;

    return bytes <= QCOW2_MAX_L1_BYTES && !qcow2_in_cluster(s, offset) &&
           offset <= QCOW2_OFFSET_MASK - bytes;
}

/* ---- Reading ---- */

static void parse_extra(const Qcow2State *s, Qcow2Snapshot *sn,
                        const uint8_t *data, uint32_t bytes)
{
    BdrvSnapshot *f = &sn->facts;

    if (bytes >= 8) {
        f->vm_state_bytes = get_be64(data);
    }
    f->disk_bytes = bytes >= 16 ? get_be64(data + 8) : s->size;
    f->icount = bytes >= 24 ? get_be64(data + 16) : NO_ICOUNT;
    f->has_icount = f->icount != NO_ICOUNT;
    if (bytes > KNOWN_EXTRA) {
        sn->extra_bytes = bytes - KNOWN_EXTRA;
        sn->extra = g_memdup2(data + KNOWN_EXTRA, sn->extra_bytes);
    }
}

static bool read_at(BlockDriverState *bs, uint64_t offset, void *buf,
                    uint64_t bytes, Error **errp)
{
    Qcow2State *s = bs->opaque;
    /* The last cluster need not be all there. */
    uint64_t end = bs->file->bs->total_bytes + s->cluster_bytes;
    int ret = offset > end || bytes > end - offset ? -EIO :
              bdrv_pread(bs->file->bs, offset, buf, bytes);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to read snapshot table");
    }
    return ret >= 0;
}

/* One entry at *@offset, which moves behind it. */
static bool read_one(BlockDriverState *bs, uint64_t *offset, Error **errp)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *rest = NULL;
    uint32_t extra, id_bytes, name_bytes;
    uint8_t h[HEADER_BYTES];
    Qcow2Snapshot *sn;

    if (!read_at(bs, *offset, h, HEADER_BYTES, errp)) {
        return false;
    }
    id_bytes = get_be16(h + 12);
    name_bytes = get_be16(h + 14);
    extra = get_be32(h + 36);
    if (extra > MAX_EXTRA) {
        error_setg(errp, "Too much extra metadata in snapshot table entry %u",
                   s->snapshots->len);
        return false;
    }
    rest = g_malloc(extra + id_bytes + name_bytes + 1);
    if (!read_at(bs, *offset + HEADER_BYTES, rest,
                 extra + id_bytes + name_bytes, errp)) {
        return false;
    }
    sn = g_new0(Qcow2Snapshot, 1);
    sn->l1_offset = get_be64(h);
    sn->l1_size = get_be32(h + 8);
    sn->facts.date_sec = get_be32(h + 16);
    sn->facts.date_nsec = get_be32(h + 20);
    sn->facts.vm_clock_nsec = get_be64(h + 24);
    sn->facts.vm_state_bytes = get_be32(h + 32);
    parse_extra(s, sn, rest, extra);
    sn->facts.id = g_strndup((char *)rest + extra, id_bytes);
    sn->facts.name = g_strndup((char *)rest + extra + id_bytes, name_bytes);
    g_ptr_array_add(s->snapshots, sn);
    *offset += ROUND_UP((uint64_t)HEADER_BYTES + extra + id_bytes + name_bytes,
                        8);
    return true;
}

bool qcow2_read_snapshots(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset = s->snapshots_offset;

    if (s->nb_snapshots > MAX_SNAPSHOTS) {
        error_setg(errp, "Snapshot table too large");
        return false;
    }
    for (uint32_t i = 0; i < s->nb_snapshots; i++) {
        if (!read_one(bs, &offset, errp)) {
            return false;
        }
        if (offset - s->snapshots_offset > MAX_TABLE_BYTES) {
            error_setg(errp, "Snapshot table too large: the entries up to "
                       "number %u take more than %d MiB", i,
                       (int)(MAX_TABLE_BYTES / MiB));
            return false;
        }
    }
    s->snapshots_bytes = offset - s->snapshots_offset;
    return true;
}

void qcow2_snapshot_list(BlockDriverState *bs, GPtrArray *list)
{
    Qcow2State *s = bs->opaque;

    for (guint i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);
        BdrvSnapshot *f = g_memdup2(&sn->facts, sizeof(sn->facts));

        f->id = g_strdup(f->id);
        f->name = g_strdup(f->name);
        g_ptr_array_add(list, f);
    }
}

/* ---- Writing ---- */

static void put_one(const Qcow2Snapshot *sn, GByteArray *table)
{
    const BdrvSnapshot *f = &sn->facts;
    uint8_t h[HEADER_BYTES + KNOWN_EXTRA] = { 0 };
    static const uint8_t zeros[8];

    put_be64(h, sn->l1_offset);
    put_be32(h + 8, sn->l1_size);
    put_be16(h + 12, strlen(f->id));
    put_be16(h + 14, strlen(f->name));
    put_be32(h + 16, f->date_sec);
    put_be32(h + 20, f->date_nsec);
    put_be64(h + 24, f->vm_clock_nsec);
    put_be32(h + 32, f->vm_state_bytes > UINT32_MAX ? 0 : f->vm_state_bytes);
    put_be32(h + 36, KNOWN_EXTRA + sn->extra_bytes);
    put_be64(h + 40, f->vm_state_bytes);
    put_be64(h + 48, f->disk_bytes);
    put_be64(h + 56, f->has_icount ? f->icount : NO_ICOUNT);
    g_byte_array_append(table, h, sizeof(h));
    g_byte_array_append(table, sn->extra, sn->extra_bytes);
    g_byte_array_append(table, (const uint8_t *)f->id, strlen(f->id));
    g_byte_array_append(table, (const uint8_t *)f->name, strlen(f->name));
    g_byte_array_append(table, zeros, ROUND_UP(table->len, 8) - table->len);
}

static int coroutine_fn switch_table(BlockDriverState *bs, uint64_t offset,
                                     uint64_t bytes, uint32_t n)
{
    Qcow2State *s = bs->opaque;
    uint64_t old_offset = s->snapshots_offset, old_bytes = s->snapshots_bytes;
    uint32_t old_n = s->nb_snapshots;
    int ret;

    s->snapshots_offset = offset;
    s->snapshots_bytes = bytes;
    s->nb_snapshots = n;
    ret = qcow2_write_header(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret < 0) {
        s->snapshots_offset = old_offset;
        s->snapshots_bytes = old_bytes;
        s->nb_snapshots = old_n;
        return ret;
    }
    if (old_bytes) {
        qcow2_free_later(bs, old_offset, qcow2_clusters(s, old_bytes) <<
                         s->cluster_bits);
    }
    return 0;
}

int coroutine_fn qcow2_write_snapshots(BlockDriverState *bs,
                                       const GPtrArray *list)
{
    Qcow2State *s = bs->opaque;
    g_autoptr(GByteArray) table = g_byte_array_new();
    int64_t offset = 0;
    int ret = 0;

    for (guint i = 0; i < list->len; i++) {
        put_one(g_ptr_array_index(list, i), table);
        if (table->len > MAX_TABLE_BYTES) {
            return -EFBIG;
        }
    }
    if (list->len > MAX_SNAPSHOTS) {
        return -EFBIG;
    }
    if (table->len) {
        offset = qcow2_alloc(bs, table->len);
        ret = offset < 0 ? offset :
              bdrv_co_pwrite(bs->file->bs, offset, table->data, table->len, 0);
    }
    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    ret = ret < 0 ? ret : switch_table(bs, offset, table->len, list->len);
    if (ret < 0 && offset > 0) {
        qcow2_free_later(bs, offset, qcow2_clusters(s, table->len) <<
                         s->cluster_bits);
    }
    return ret;
}
