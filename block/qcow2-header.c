/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header and its extensions. Everything in it is checked before anything
 * uses it: sizes against what the format and this program allow, offsets for
 * their alignment. Extensions that we do not know are kept as they are.
 */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include "qcow2-codec-internal.h"
#include "util/log.h"

typedef struct HeaderBuf {
    uint8_t *data;
    uint64_t bytes;                 /* one cluster */
} HeaderBuf;

/* ---- Reading ---- */

static bool parse_fixed(BlockDriverState *bs, const uint8_t *h, Error **errp)
{
    Qcow2State *s = bs->opaque;

    if (get_be32(h) != QCOW2_MAGIC) {
        error_setg(errp, "Image is not in qcow2 format");
        return false;
    }
    s->version = get_be32(h + 4);
    if (s->version < 2 || s->version > 3) {
        error_setg(errp, "Unsupported qcow2 version %u", s->version);
        return false;
    }
    s->cluster_bits = get_be32(h + 20);
    if (s->cluster_bits < QCOW2_MIN_CLUSTER_BITS ||
        s->cluster_bits > QCOW2_MAX_CLUSTER_BITS) {
        error_setg(errp, "Unsupported cluster size: 2^%u", s->cluster_bits);
        return false;
    }
    s->cluster_bytes = 1u << s->cluster_bits;
    s->size = get_be64(h + 24);
    s->crypt_method = get_be32(h + 32);
    s->l1_size = get_be32(h + 36);
    s->l1_offset = get_be64(h + 40);
    s->reftable_offset = get_be64(h + 48);
    s->reftable_clusters = get_be32(h + 56);
    s->nb_snapshots = get_be32(h + 60);
    s->snapshots_offset = get_be64(h + 64);
    s->refcount_order = 4;
    s->header_bytes = QCOW2_V2_HEADER_BYTES;
    return true;
}

static bool parse_v3(BlockDriverState *bs, const uint8_t *h, Error **errp)
{
    Qcow2State *s = bs->opaque;

    s->incompatible = get_be64(h + 72);
    s->compatible = get_be64(h + 80);
    s->autoclear = get_be64(h + 88);
    s->refcount_order = get_be32(h + 96);
    s->header_bytes = get_be32(h + 100);
    if (s->header_bytes < QCOW2_V3_HEADER_BYTES) {
        error_setg(errp, "qcow2 header too short: %u bytes", s->header_bytes);
        return false;
    }
    if (s->header_bytes > s->cluster_bytes) {
        error_setg(errp, "qcow2 header exceeds cluster size");
        return false;
    }
    if (s->refcount_order > 6) {
        error_setg(errp, "Reference count entry width too large; may not "
                   "exceed 64 bits");
        return false;
    }
    s->compression = s->header_bytes > QCOW2_V3_HEADER_BYTES ?
                     h[QCOW2_V3_HEADER_BYTES] : QCOW2_COMPRESSION_ZLIB;
    return true;
}

/* The name that the image gives to a feature bit. */
static char *feature_name(const Qcow2State *s, uint8_t type, unsigned bit)
{
    const Qcow2Extension *e;

    STAILQ_FOREACH(e, &s->extensions, next) {
        if (e->type != QCOW2_EXT_FEATURE_NAMES) {
            continue;
        }
        for (uint32_t i = 0; i + 48 <= e->bytes; i += 48) {
            if (e->data[i] == type && e->data[i + 1] == bit) {
                return g_strndup((char *)e->data + i + 2, 46);
            }
        }
    }
    return g_strdup_printf("Unknown incompatible feature: bit %u", bit);
}

static bool check_features(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t unknown = s->incompatible & ~(uint64_t)QCOW2_INCOMPAT_KNOWN;
    bool typed = s->incompatible & QCOW2_INCOMPAT_COMPRESSION;

    if (unknown) {
        g_autofree char *name = feature_name(s, 0, __builtin_ctzll(unknown));

        error_setg(errp, "Unsupported qcow2 feature(s): %s", name);
        return false;
    }
    if (typed != (s->compression != QCOW2_COMPRESSION_ZLIB)) {
        error_setg(errp, "Compression type incompatible feature bit must %sbe "
                   "set for compression type %u", typed ? "not " : "",
                   s->compression);
        return false;
    }
    if (!qcow2_compression_available(s->compression)) {
        error_setg(errp, "Unknown compression type: %u", s->compression);
        if (s->compression == QCOW2_COMPRESSION_ZSTD) {
            error_append_hint(errp, "That is zstd, which this program was "
                              "built without: configure --enable-zstd, with "
                              "libzstd");
        }
        return false;
    }
    if ((s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA) &&
        !(s->incompatible & QCOW2_INCOMPAT_DATA_FILE)) {
        error_setg(errp, "data-file-raw requires a data file");
        return false;
    }
    if ((s->incompatible & QCOW2_INCOMPAT_CORRUPT) && !bs->read_only &&
        !(bs->open_flags & BDRV_O_CHECK)) {
        error_setg(errp, "qcow2: Image is corrupt; cannot be opened "
                   "read/write");
        error_append_hint(errp, "Check it with -r, or open it with "
                          "read-only=on.");
        return false;
    }
    if ((s->incompatible & QCOW2_INCOMPAT_EXTENDED_L2) &&
        s->cluster_bits < 14) {
        error_setg(errp, "Extended L2 entries are only supported with cluster "
                   "sizes of at least 16384 bytes");
        return false;
    }
    if (s->crypt_method > QCOW2_CRYPT_LUKS) {
        error_setg(errp, "Unsupported encryption method %u", s->crypt_method);
        return false;
    }
    return true;
}

void qcow2_set_width(Qcow2State *s, unsigned order)
{
    s->refcount_order = order;
    s->refcount_bits = 1u << order;
    s->refcount_max = s->refcount_bits == 64 ? INT64_MAX :
                      (1ULL << s->refcount_bits) - 1;
    s->refblock_bits = s->cluster_bits + 3 - order;
}

static void derive(Qcow2State *s)
{
    s->extended_l2 = s->incompatible & QCOW2_INCOMPAT_EXTENDED_L2;
    s->l2_entry_bytes = s->extended_l2 ? 16 : 8;
    s->l2_bits = s->cluster_bits - (s->extended_l2 ? 4 : 3);
    qcow2_set_width(s, s->refcount_order);
    s->subcluster_bytes = s->extended_l2 ? s->cluster_bytes / 32 :
                                           s->cluster_bytes;
    s->dirty_bit_set = s->incompatible & QCOW2_INCOMPAT_DIRTY;
    s->corrupt = s->incompatible & QCOW2_INCOMPAT_CORRUPT;
}

static bool check_table(const Qcow2State *s, uint64_t offset, uint64_t bytes,
                        uint64_t max, const char *what, Error **errp)
{
    if (bytes > max) {
        error_setg(errp, "%s too large: %" PRIu64 " bytes, at most %" PRIu64,
                   what, bytes, max);
        return false;
    }
    if (qcow2_in_cluster(s, offset) || offset > QCOW2_OFFSET_MASK - bytes) {
        error_setg(errp, "%s offset invalid: 0x%" PRIx64, what, offset);
        return false;
    }
    return true;
}

static bool check_tables(Qcow2State *s, Error **errp)
{
    uint64_t per_l2 = (uint64_t)s->cluster_bytes << s->l2_bits;
    uint64_t needed = s->size / per_l2 + (s->size % per_l2 != 0);

    if (s->size > BDRV_MAX_LENGTH) {
        error_setg(errp, "Image size %" PRIu64 " is too large", s->size);
        return false;
    }
    if (!s->reftable_clusters) {
        error_setg(errp, "Image does not contain a reference count table");
        return false;
    }
    if (s->l1_size < needed) {
        error_setg(errp, "L1 table is too small: %u entries, %" PRIu64
                   " needed", s->l1_size, needed);
        return false;
    }
    return check_table(s, s->reftable_offset, (uint64_t)s->reftable_clusters <<
                       s->cluster_bits, QCOW2_MAX_REFTABLE_BYTES,
                       "Reference count table", errp) &&
           check_table(s, s->l1_offset, s->l1_size * 8ULL, QCOW2_MAX_L1_BYTES,
                       "Active L1 table", errp) &&
           (!s->nb_snapshots ||
            check_table(s, s->snapshots_offset, s->nb_snapshots * 40ULL,
                        65536 * 1024ULL, "Snapshot table", errp));
}

static bool take_extension(BlockDriverState *bs, uint32_t type, uint32_t bytes,
                           const uint8_t *data, Error **errp)
{
    Qcow2State *s = bs->opaque;
    Qcow2Extension *e;

    if (type == QCOW2_EXT_BACKING_FORMAT) {
        g_free(bs->backing_format);
        bs->backing_format = g_strndup((const char *)data, bytes);
        return true;
    }
    if (type == QCOW2_EXT_DATA_FILE) {
        g_free(s->data_file_name);
        s->data_file_name = g_strndup((const char *)data, bytes);
        return true;
    }
    if (type == QCOW2_EXT_CRYPTO) {
        return qcow2_crypto_take_extension(bs, data, bytes, errp);
    }
    if (type == QCOW2_EXT_BITMAPS) {
        return qcow2_bitmaps_take_extension(bs, data, bytes, errp);
    }
    e = g_new0(Qcow2Extension, 1);
    e->type = type;
    e->bytes = bytes;
    e->data = g_memdup2(data, bytes);
    STAILQ_INSERT_TAIL(&s->extensions, e, next);
    return true;
}

/* From the end of the header to the backing file's name, if it has one. */
static bool parse_extensions(BlockDriverState *bs, const HeaderBuf *h,
                             uint64_t end, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t pos = s->header_bytes;

    while (pos + 8 <= end) {
        uint32_t type = get_be32(h->data + pos);
        uint32_t bytes = get_be32(h->data + pos + 4);

        if (type == QCOW2_EXT_END) {
            return true;
        }
        pos += 8;
        if (bytes > end - pos) {
            error_setg(errp, "Header extension too large: type 0x%x, %u bytes",
                       type, bytes);
            return false;
        }
        if (!take_extension(bs, type, bytes, h->data + pos, errp)) {
            return false;
        }
        pos += ROUND_UP((uint64_t)bytes, 8);
    }
    return true;
}

static bool parse_backing(BlockDriverState *bs, const HeaderBuf *h,
                          uint64_t *end, Error **errp)
{
    uint64_t offset = get_be64(h->data + 8);
    uint32_t bytes = get_be32(h->data + 16);

    *end = h->bytes;
    if (!offset) {
        return true;
    }
    if (offset > h->bytes || bytes > QCOW2_MAX_BACKING_NAME ||
        bytes > h->bytes - offset) {
        error_setg(errp, "Invalid backing file offset or size: 0x%" PRIx64
                   ", %u bytes", offset, bytes);
        return false;
    }
    *end = offset;
    if (bytes) {
        bs->backing_file = g_strndup((char *)h->data + offset, bytes);
    }
    return true;
}

bool qcow2_read_header(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint8_t fixed[QCOW2_HEADER_BYTES] = { 0 };
    g_autofree uint8_t *cluster = NULL;
    HeaderBuf h;
    uint64_t end;
    int ret = bdrv_pread(bs->file->bs, 0, fixed, sizeof(fixed));

    STAILQ_INIT(&s->extensions);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read qcow2 header");
        return false;
    }
    if (!parse_fixed(bs, fixed, errp) ||
        (s->version == 3 && !parse_v3(bs, fixed, errp))) {
        return false;
    }
    cluster = g_malloc0(s->cluster_bytes);
    h = (HeaderBuf) { cluster, s->cluster_bytes };
    ret = bdrv_pread(bs->file->bs, 0, cluster, s->cluster_bytes);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read qcow2 header");
        return false;
    }
    if (s->header_bytes > QCOW2_HEADER_BYTES) {
        s->tail_bytes = s->header_bytes - QCOW2_HEADER_BYTES;
        s->tail = g_memdup2(cluster + QCOW2_HEADER_BYTES, s->tail_bytes);
    }
    if (!parse_backing(bs, &h, &end, errp) ||
        !parse_extensions(bs, &h, end, errp) || !check_features(bs, errp)) {
        return false;
    }
    derive(s);
    return check_tables(s, errp);
}

void qcow2_free_header(Qcow2State *s)
{
    Qcow2Extension *e;

    while ((e = STAILQ_FIRST(&s->extensions))) {
        STAILQ_REMOVE_HEAD(&s->extensions, next);
        g_free(e->data);
        g_free(e);
    }
    g_free(s->data_file_name);
    g_free(s->tail);
}

/* ---- Writing ---- */

static bool put_extension(HeaderBuf *h, uint64_t *pos, uint32_t type,
                          const void *data, uint32_t bytes)
{
    uint64_t end = *pos + 8 + ROUND_UP((uint64_t)bytes, 8);

    if (end > h->bytes) {
        return false;
    }
    put_be32(h->data + *pos, type);
    put_be32(h->data + *pos + 4, bytes);
    if (bytes) {
        memcpy(h->data + *pos + 8, data, bytes);
    }
    *pos = end;
    return true;
}

static bool put_string(HeaderBuf *h, uint64_t *pos, uint32_t type,
                       const char *text)
{
    return !text || put_extension(h, pos, type, text, strlen(text));
}

static void put_fixed(const Qcow2State *s, uint8_t *h)
{
    put_be32(h, QCOW2_MAGIC);
    put_be32(h + 4, s->version);
    put_be32(h + 20, s->cluster_bits);
    put_be64(h + 24, s->size);
    put_be32(h + 32, s->crypt_method);
    put_be32(h + 36, s->l1_size);
    put_be64(h + 40, s->l1_offset);
    put_be64(h + 48, s->reftable_offset);
    put_be32(h + 56, s->reftable_clusters);
    put_be32(h + 60, s->nb_snapshots);
    put_be64(h + 64, s->snapshots_offset);
    if (s->version < 3) {
        return;
    }
    put_be64(h + 72, s->incompatible);
    put_be64(h + 80, s->compatible);
    put_be64(h + 88, s->autoclear);
    put_be32(h + 96, s->refcount_order);
    put_be32(h + 100, MAX(s->header_bytes, QCOW2_HEADER_BYTES));
    h[104] = s->compression;
    if (s->tail_bytes) {
        memcpy(h + QCOW2_HEADER_BYTES, s->tail, s->tail_bytes);
    }
}

static size_t backing_bytes(const BlockDriverState *bs)
{
    return bs->backing_file ? strlen(bs->backing_file) : 0;
}

static bool put_extensions(BlockDriverState *bs, HeaderBuf *h, uint64_t *pos)
{
    Qcow2State *s = bs->opaque;
    const Qcow2Extension *e;
    uint8_t bitmaps[QCOW2_BITMAPS_EXT_BYTES], crypto[QCOW2_CRYPTO_EXT_BYTES];

    qcow2_bitmaps_put_extension(s, bitmaps);
    qcow2_crypto_put_extension(s, crypto);
    if (!put_string(h, pos, QCOW2_EXT_BACKING_FORMAT, bs->backing_format) ||
        !put_string(h, pos, QCOW2_EXT_DATA_FILE, s->data_file_name) ||
        (s->crypto_bytes && !put_extension(h, pos, QCOW2_EXT_CRYPTO, crypto,
                                           sizeof(crypto))) ||
        (s->nb_bitmaps && !put_extension(h, pos, QCOW2_EXT_BITMAPS, bitmaps,
                                         sizeof(bitmaps)))) {
        return false;
    }
    STAILQ_FOREACH(e, &s->extensions, next) {
        /* The names of features are a help; small clusters go without. */
        if (e->type == QCOW2_EXT_FEATURE_NAMES &&
            *pos + 8 + e->bytes + 8 + backing_bytes(bs) > h->bytes) {
            continue;
        }
        if (!put_extension(h, pos, e->type, e->data, e->bytes)) {
            return false;
        }
    }
    return put_extension(h, pos, QCOW2_EXT_END, NULL, 0);
}

static bool put_backing(BlockDriverState *bs, HeaderBuf *h, uint64_t pos)
{
    size_t bytes = backing_bytes(bs);

    if (!bytes) {
        return true;
    }
    if (bytes > MIN((uint64_t)QCOW2_MAX_BACKING_NAME, h->bytes - pos)) {
        return false;
    }
    memcpy(h->data + pos, bs->backing_file, bytes);
    put_be64(h->data + 8, pos);
    put_be32(h->data + 16, bytes);
    return true;
}

int coroutine_fn qcow2_write_header(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *data = g_malloc0(s->cluster_bytes);
    HeaderBuf h = { data, s->cluster_bytes };
    uint64_t pos = s->version < 3 ? QCOW2_V2_HEADER_BYTES :
                   ROUND_UP(QCOW2_HEADER_BYTES + s->tail_bytes, 8);

    put_fixed(s, data);
    if (!put_extensions(bs, &h, &pos) || !put_backing(bs, &h, pos)) {
        return -ENOSPC;
    }
    return bdrv_co_pwrite(bs->file->bs, 0, data, s->cluster_bytes, 0);
}

int coroutine_fn qcow2_mark_dirty(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (s->dirty_bit_set) {
        return 0;
    }
    s->incompatible |= QCOW2_INCOMPAT_DIRTY;
    ret = qcow2_write_header(bs);
    if (ret >= 0) {
        ret = bdrv_co_flush(bs->file->bs);
    }
    if (ret < 0) {
        s->incompatible &= ~(uint64_t)QCOW2_INCOMPAT_DIRTY;
        return ret;
    }
    s->dirty_bit_set = true;
    return 0;
}

int coroutine_fn qcow2_mark_clean(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = s->dirty_bit_set ? bdrv_co_flush(bs->file->bs) : 0;

    if (ret < 0 || !s->dirty_bit_set) {
        return ret;
    }
    s->incompatible &= ~(uint64_t)QCOW2_INCOMPAT_DIRTY;
    ret = qcow2_write_header(bs);
    if (ret < 0) {
        s->incompatible |= QCOW2_INCOMPAT_DIRTY;
        return ret;
    }
    s->dirty_bit_set = false;
    return bdrv_co_flush(bs->file->bs);
}
