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
    int ret = bdrv_pread(bs->file->bs, offset, buf, bytes);

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
