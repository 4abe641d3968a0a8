/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about an image for its users, what a new one would take, and the name
 * of the backing file in the header.
 */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-block-core.h"
#include "qapi/visitor.h"

/* ---- Facts ---- */

ImageInfoSpecific *qcow2_get_specific_info(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    ImageInfoSpecific *info = g_new0(ImageInfoSpecific, 1);
    ImageInfoSpecificQCow2 *q = g_new0(ImageInfoSpecificQCow2, 1);

    info->type = IMAGE_INFO_SPECIFIC_KIND_QCOW2;
    info->u.qcow2.data = q;
    q->compat = g_strdup(s->version < 3 ? "0.10" : "1.1");
    q->refcount_bits = s->refcount_bits;
    q->compression_type = s->compression;
    q->encrypt = qcow2_crypto_info(s);
    if (s->version < 3) {
        return info;
    }
    q->has_lazy_refcounts = q->has_corrupt = q->has_extended_l2 = true;
    q->lazy_refcounts = s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS;
    q->corrupt = s->incompatible & QCOW2_INCOMPAT_CORRUPT;
    q->extended_l2 = s->extended_l2;
    q->bitmaps = qcow2_bitmaps_info(s);
    q->data_file = g_strdup(s->data_file_name);
    q->has_data_file_raw = s->incompatible & QCOW2_INCOMPAT_DATA_FILE;
    q->data_file_raw = s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA;
    return info;
}

bool qcow2_is_dirty(BlockDriverState *bs)
{
    return ((Qcow2State *)bs->opaque)->incompatible & QCOW2_INCOMPAT_DIRTY;
}

/* ---- The backing file's name ---- */

int coroutine_fn qcow2_co_change_backing(BlockDriverState *bs,
                                         const char *filename,
                                         const char *format)
{
    Qcow2State *s = bs->opaque;
    char *old_file = bs->backing_file, *old_format = bs->backing_format;
    int ret;

    if (filename && (s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA)) {
        return -EINVAL;
    }
    if (filename && strlen(filename) > QCOW2_MAX_BACKING_NAME) {
        return -EINVAL;
    }
    co_mutex_lock(&s->lock);
    bs->backing_file = g_strdup(filename);
    bs->backing_format = g_strdup(format);
    /* What was copied from the old one is there before its name goes. */
    ret = qcow2_flush(bs);
    if (ret >= 0) {
        ret = qcow2_write_header(bs);
    }
    co_mutex_unlock(&s->lock);
    if (ret < 0) {
        g_free(bs->backing_file);
        g_free(bs->backing_format);
        bs->backing_file = old_file;
        bs->backing_format = old_format;
        return ret;
    }
    g_free(old_file);
    g_free(old_format);
    return 0;
}

/* ---- What a new image takes ---- */

/* Bytes of blocks and table that count @clusters and themselves. */
static uint64_t count_bytes(uint64_t clusters, uint64_t cluster_bytes,
                            uint64_t bits)
{
    uint64_t per_block = cluster_bytes * 8 / bits;
    uint64_t per_table = cluster_bytes / 8;
    uint64_t own = 0, blocks, next;

    for (;; own = next) {
        blocks = DIV_ROUND_UP(clusters + own, per_block);
        next = blocks + DIV_ROUND_UP(blocks, per_table);
        if (next == own) {
            return own * cluster_bytes;
        }
    }
}

/* Header, L1 and L2 tables and counts for @bytes, which are all there. */
static uint64_t metadata_bytes(uint64_t bytes, uint64_t cluster_bytes,
                               unsigned entry_bytes, uint64_t bits,
                               uint64_t *l1_bytes)
{
    uint64_t l2 = ROUND_UP(bytes / cluster_bytes, cluster_bytes / entry_bytes) *
                  entry_bytes;
    uint64_t tables;

    *l1_bytes = l2 / cluster_bytes * 8;
    tables = cluster_bytes + l2 + ROUND_UP(*l1_bytes, cluster_bytes);
    return tables + count_bytes((tables + bytes) / cluster_bytes,
                                cluster_bytes, bits);
}

typedef struct Measure {
    BlockDriverState *in;
    uint64_t cluster_bytes, data;
} Measure;

/* Clusters that have data in any layer of @m->in. */
static int coroutine_fn measure_data_co(void *opaque)
{
    Measure *m = opaque;
    uint64_t size = m->in->total_bytes, offset = 0;
    const int data = BDRV_BLOCK_DATA | BDRV_BLOCK_ALLOCATED;

    while (offset < size) {
        uint64_t end, first = ROUND_DOWN(offset, m->cluster_bytes);
        BdrvStatus st;
        int ret = bdrv_co_status_above(m->in, NULL, true, offset,
                                       size - offset, &st);

        if (ret < 0) {
            return ret;
        }
        end = offset + st.pnum;
        if (!(ret & BDRV_BLOCK_ZERO) && (ret & data) == data) {
            end = ROUND_UP(end, m->cluster_bytes);
            m->data += end - first;
        }
        if (end <= offset) {
            return -EIO;
        }
        offset = end;
    }
    return 0;
}

static bool measure_options(const BlockdevCreateOptionsQcow2 *o,
                            uint64_t *cluster, uint64_t *bits, Error **errp)
{
    *cluster = o->has_cluster_size ? o->cluster_size : 64 * KiB;
    *bits = o->has_refcount_bits ? o->refcount_bits : 16;
    if (*cluster < 512 || *cluster > 2 * MiB || !IS_POWER_OF_2(*cluster)) {
        error_setg(errp, "Cluster size must be a power of two between 512 and "
                   "2048k");
        return false;
    }
    if (*bits < 1 || *bits > 64 || !IS_POWER_OF_2(*bits)) {
        error_setg(errp, "Refcount width must be a power of two and may not "
                   "exceed 64 bits");
        return false;
    }
    return true;
}

static BlockMeasureInfo *measure(const BlockdevCreateOptionsQcow2 *o,
                                 BlockDriverState *in, Error **errp)
{
    uint64_t size, meta, l1_bytes, bits, crypto;
    BlockMeasureInfo *info;
    Measure m = { .in = in };
    bool full = o->has_preallocation &&
                (o->preallocation == PREALLOC_MODE_FULL ||
                 o->preallocation == PREALLOC_MODE_FALLOC);

    if (!measure_options(o, &m.cluster_bytes, &bits, errp) ||
        !qcow2_crypto_measure(o->encrypt, &crypto, errp)) {
        return NULL;
    }
    size = in ? (uint64_t)in->total_bytes : o->size;
    if (size > BDRV_MAX_LENGTH) {
        error_setg(errp, "The image size is too large (try using a larger "
                   "cluster size)");
        return NULL;
    }
    if (full) {
        m.data = size;
    } else if (in) {
        int ret = bdrv_run(in->ctx, measure_data_co, &m);

        if (ret < 0) {
            error_setg_errno(errp, -ret, "Unable to get block status");
            return NULL;
        }
    }
    size = ROUND_UP(size, m.cluster_bytes);
    m.data = MIN(ROUND_UP(m.data, m.cluster_bytes), size);
    meta = metadata_bytes(size, m.cluster_bytes, o->has_extended_l2 &&
                          o->extended_l2 ? 16 : 8, bits, &l1_bytes);
    if (l1_bytes > QCOW2_MAX_L1_BYTES) {
        error_setg(errp, "The image size is too large (try using a larger "
                   "cluster size)");
        return NULL;
    }
    meta += ROUND_UP(crypto, m.cluster_bytes);
    info = g_new0(BlockMeasureInfo, 1);
    info->fully_allocated = meta + size;
    info->required = meta + m.data;
    info->has_bitmaps = in && in->drv->can_store_bitmap &&
        !(o->has_version && o->version == BLOCKDEV_QCOW2_VERSION_V2);
    info->bitmaps = info->has_bitmaps ?
                    qcow2_bitmaps_bytes(in, m.cluster_bytes) : 0;
    return info;
}

BlockMeasureInfo *qcow2_measure(struct json_object *options,
                                BlockDriverState *in, Error **errp)
{
    struct json_object *all = json_object_get(options);
    g_autoptr(BlockdevCreateOptionsQcow2) o = NULL;
    g_autoptr(Visitor) v = NULL;

    if (in) {
        json_object_object_add(all, "size",
                               json_object_new_int64(in->total_bytes));
    }
    qcow2_name_encryption(all);
    v = input_visitor_new(all, VISIT_INPUT_KEYVAL);
    visit_type_BlockdevCreateOptionsQcow2(v, NULL, &o, errp);
    json_object_put(all);
    return o ? measure(o, in, errp) : NULL;
}
