/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New images. The least that can be opened is written by hand: a header, a
 * refcount table of one cluster and its first block. Then the driver makes the
 * rest of it.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

typedef struct Create {
    BlockDriverState *file;
    CryptoBlock *crypto;            /* NULL: not encrypted */
    const BlockdevCreateOptionsQcow2 *o;
    unsigned cluster_bits, refcount_order, version, compression;
    bool extended_l2, lazy, raw_data;
    Error **errp;
} Create;

static bool check_cluster_size(Create *c, Error **errp)
{
    uint64_t bytes = c->o->has_cluster_size ? c->o->cluster_size : 64 * KiB;

    if (bytes < 512 || bytes > 2 * MiB || !IS_POWER_OF_2(bytes)) {
        error_setg(errp, "Cluster size must be a power of two between 512 and "
                   "2048k");
        return false;
    }
    c->cluster_bits = __builtin_ctzll(bytes);
    if (c->extended_l2 && bytes < 16 * KiB) {
        error_setg(errp, "Extended L2 entries are only supported with cluster "
                   "sizes of at least 16384 bytes");
        return false;
    }
    return true;
}

static bool check_refcount_bits(Create *c, Error **errp)
{
    uint64_t bits = c->o->has_refcount_bits ? c->o->refcount_bits : 16;

    if (bits < 1 || bits > 64 || !IS_POWER_OF_2(bits)) {
        error_setg(errp, "Refcount width must be a power of two and may not "
                   "exceed 64 bits");
        return false;
    }
    c->refcount_order = __builtin_ctzll(bits);
    if (c->version < 3 && bits != 16) {
        error_setg(errp, "Different refcount widths than 16 bits require "
                   "compatibility level 1.1 or above (use version=v3 or "
                   "greater)");
        return false;
    }
    return true;
}

static bool check_v3_features(Create *c, Error **errp)
{
    const char *what = c->lazy ? "Lazy refcounts" :
                       c->extended_l2 ? "Extended L2 entries are" :
                       c->o->data_file ? "External data files are" :
                       c->compression ? "Non-zlib compression type is" : NULL;

    if (c->version < 3 && what) {
        error_setg(errp, "%s only supported with compatibility level 1.1 and "
                   "above (use version=v3 or greater)", what);
        return false;
    }
    return true;
}

static bool check_options(Create *c, Error **errp)
{
    const BlockdevCreateOptionsQcow2 *o = c->o;

    c->version = o->has_version && o->version == BLOCKDEV_QCOW2_VERSION_V2 ?
                 2 : 3;
    c->extended_l2 = o->has_extended_l2 && o->extended_l2;
    c->lazy = o->has_lazy_refcounts && o->lazy_refcounts;
    c->raw_data = o->has_data_file_raw && o->data_file_raw;
    c->compression = o->has_compression_type ? o->compression_type :
                     QCOW2_COMPRESSION_ZLIB;
    if (o->size % 512) {
        error_setg(errp, "The image size must be a multiple of 512 bytes");
        return false;
    }
    if (c->raw_data && !o->data_file) {
        error_setg(errp, "data-file-raw requires data-file");
        return false;
    }
    if (c->raw_data && o->backing_file) {
        error_setg(errp, "Backing file and data-file-raw cannot be used at "
                   "the same time");
        return false;
    }
    if (c->raw_data && o->encrypt) {
        error_setg(errp, "Encryption and data-file-raw cannot be used at the "
                   "same time");
        return false;
    }
    if (o->backing_file && o->has_preallocation && !c->extended_l2 &&
        o->preallocation != PREALLOC_MODE_OFF) {
        error_setg(errp, "Backing file and preallocation can only be used at "
                   "the same time if extended_l2 is enabled");
        return false;
    }
    return check_cluster_size(c, errp) && check_refcount_bits(c, errp) &&
           check_v3_features(c, errp);
}

static void put_header(const Create *c, uint8_t *h)
{
    uint64_t cluster = 1ULL << c->cluster_bits;

    put_be32(h, QCOW2_MAGIC);
    put_be32(h + 4, c->version);
    put_be32(h + 20, c->cluster_bits);
    put_be64(h + 40, 3 * cluster);          /* L1: none yet */
    put_be64(h + 48, cluster);
    put_be32(h + 56, 1);
    if (c->version < 3) {
        return;
    }
    put_be64(h + 72, (c->extended_l2 ? QCOW2_INCOMPAT_EXTENDED_L2 : 0) |
                     (c->compression ? QCOW2_INCOMPAT_COMPRESSION : 0) |
                     (c->o->data_file ? QCOW2_INCOMPAT_DATA_FILE : 0));
    put_be64(h + 80, c->lazy ? QCOW2_COMPAT_LAZY_REFCOUNTS : 0);
    put_be64(h + 88, c->raw_data ? QCOW2_AUTOCLEAR_RAW_DATA : 0);
    put_be32(h + 96, c->refcount_order);
    put_be32(h + 100, QCOW2_HEADER_BYTES);
    h[104] = c->compression;
}

static int coroutine_fn write_skeleton(Create *c)
{
    const Qcow2State counts = { .refcount_bits = 1u << c->refcount_order };
    uint64_t cluster = 1ULL << c->cluster_bits;
    g_autofree uint8_t *buf = g_malloc0(3 * cluster);

    put_header(c, buf);
    put_be64(buf + cluster, 2 * cluster);
    for (int i = 0; i < 3; i++) {
        qcow2_count_write(&counts, buf + 2 * cluster, i, 1);
    }
    return bdrv_co_pwrite(c->file, 0, buf, 3 * cluster, 0);
}

/* The names that other programs show for bits they do not know. */
static void add_feature_names(BlockDriverState *bs)
{
    static const struct {
        uint8_t type, bit;
        const char *name;
    } names[] = {
        { 0, 0, "dirty bit" }, { 0, 1, "corrupt bit" },
        { 0, 2, "external data file" }, { 0, 3, "compression type" },
        { 0, 4, "extended L2 entries" }, { 1, 0, "lazy refcounts" },
        { 2, 0, "bitmaps" }, { 2, 1, "raw external data" },
    };
    Qcow2State *s = bs->opaque;
    Qcow2Extension *e = g_new0(Qcow2Extension, 1);

    e->type = QCOW2_EXT_FEATURE_NAMES;
    e->bytes = G_N_ELEMENTS(names) * 48;
    e->data = g_malloc0(e->bytes);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        uint8_t *row = e->data + i * 48;

        row[0] = names[i].type;
        row[1] = names[i].bit;
        memcpy(row + 2, names[i].name, strlen(names[i].name));
    }
    STAILQ_INSERT_TAIL(&s->extensions, e, next);
}

static int coroutine_fn skeleton_co(void *opaque)
{
    Create *c = opaque;
    int ret = bdrv_co_truncate(c->file, 0, false, PREALLOC_MODE_OFF, 0,
                               c->errp);

    return ret < 0 ? ret : write_skeleton(c);
}

typedef struct Finish {
    Create *c;
    BlockDriverState *bs;
} Finish;

static int coroutine_fn finish_co(void *opaque)
{
    Finish *f = opaque;
    const BlockdevCreateOptionsQcow2 *o = f->c->o;
    BlockDriverState *bs = f->bs;
    int ret;

    if (f->c->version >= 3) {
        add_feature_names(bs);
    }
    if (o->data_file) {
        Qcow2State *s = bs->opaque;

        s->data_file_name = g_strdup(bdrv_get_filename(s->data_file->bs));
    }
    bs->backing_file = g_strdup(o->backing_file);
    bs->backing_format = o->has_backing_fmt ?
                         g_strdup(BlockdevDriver_str(o->backing_fmt)) : NULL;
    ret = f->c->crypto ? qcow2_crypto_create(bs, f->c->crypto, f->c->errp) : 0;
    if (ret < 0) {
        return ret;
    }
    ret = qcow2_write_header(bs);
    if (ret < 0) {
        error_setg_errno(f->c->errp, -ret, "Could not write the header; is "
                         "the name of the backing file too long?");
        return ret;
    }
    if (qcow2_l1_entries(bs->opaque, o->size) * 8 > QCOW2_MAX_L1_BYTES) {
        error_setg(f->c->errp, "The image size is too large for file format "
                   "'qcow2' (try using a larger cluster size)");
        return -EFBIG;
    }
    return qcow2_co_truncate(bs, o->size, false, o->has_preallocation ?
                             o->preallocation : PREALLOC_MODE_OFF, 0,
                             f->c->errp);
}

static BlockDriverState *open_new(Create *c)
{
    BlockdevRef file = {
        .type = QAPI_KIND_STRING, .u.reference = c->file->node_name,
    };
    BlockdevRefOrNull none = { .type = QAPI_KIND_NULL };
    BlockdevOptions o = { .driver = BLOCKDEV_DRIVER_QCOW2 };

    o.u.qcow2.file = &file;
    o.u.qcow2.backing = &none;
    o.u.qcow2.data_file = c->o->data_file;
    return bdrv_open(&o, c->errp);
}

bool qcow2_create(BlockDriverState *file, const BlockdevCreateOptionsQcow2 *o,
                  Error **errp)
{
    Create c = { .file = file, .o = o, .errp = errp };
    Finish f = { .c = &c };
    int ret;

    if (!check_options(&c, errp) ||
        !qcow2_crypto_new(o->encrypt, &c.crypto, errp)) {
        return false;
    }
    ret = bdrv_run(file->ctx, skeleton_co, &c);
    if (ret < 0) {
        crypto_block_free(c.crypto);
        if (errp && !*errp) {
            error_setg_errno(errp, -ret, "Could not write the image header");
        }
        return false;
    }
    f.bs = open_new(&c);
    if (!f.bs) {
        crypto_block_free(c.crypto);
        return false;
    }
    ret = bdrv_run(f.bs->ctx, finish_co, &f);
    bdrv_unref(f.bs);
    return ret >= 0;
}
