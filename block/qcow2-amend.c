/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of how an image is made. An upgrade comes first and a downgrade last,
 * so that the rest is done with all that version 3 has.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

/* ---- Is it possible? ---- */

static bool parse_compat(const BdrvAmend *a, unsigned *version, Error **errp)
{
    static const struct {
        const char *name;
        unsigned version;
    } names[] = { { "0.10", 2 }, { "v2", 2 }, { "1.1", 3 }, { "v3", 3 } };

    for (size_t i = 0; a->has_compat && i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(names[i].name, a->compat)) {
            *version = names[i].version;
            return true;
        }
    }
    if (a->has_compat) {
        error_setg(errp, "Unknown compatibility level %s", a->compat);
    }
    return !a->has_compat;
}

static bool check_width(const BdrvAmend *a, unsigned version, Error **errp)
{
    if (a->has_refcount_bits &&
        (!a->refcount_bits || a->refcount_bits > 64 ||
         !IS_POWER_OF_2(a->refcount_bits))) {
        error_setg(errp, "Refcount width must be a power of two and may not "
                   "exceed 64 bits");
        return false;
    }
    if (a->has_refcount_bits && version < 3 && a->refcount_bits != 16) {
        error_setg(errp, "Refcount widths other than 16 bits require "
                   "compatibility level 1.1 or above (use compat=1.1 or "
                   "greater)");
        return false;
    }
    return true;
}

static bool check_data_file(const Qcow2State *s, const BdrvAmend *a,
                            Error **errp)
{
    if (a->data_file && !(s->incompatible & QCOW2_INCOMPAT_DATA_FILE)) {
        error_setg(errp, "data-file can only be set for images that use an "
                   "external data file");
        return false;
    }
    if (a->has_data_file_raw && a->data_file_raw &&
        !(s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA)) {
        error_setg(errp, "data-file-raw cannot be set on existing images");
        return false;
    }
    return true;
}

static bool check_backing(const BlockDriverState *bs, const BdrvAmend *a,
                          Error **errp)
{
    const char *what = NULL;

    if (a->has_backing_file &&
        !g_str_equal(a->backing_file ? a->backing_file : "",
                     bs->backing_file ? bs->backing_file : "")) {
        what = "file";
    } else if (a->has_backing_fmt &&
               !g_str_equal(a->backing_fmt ? a->backing_fmt : "",
                            bs->backing_format ? bs->backing_format : "")) {
        what = "file format";
    }
    if (what) {
        error_setg(errp, "Cannot amend the backing %s", what);
        error_append_hint(errp, "You can use 'qemu-img rebase' instead.");
    }
    return !what;
}

static bool check_amend(BlockDriverState *bs, const BdrvAmend *a,
                        unsigned version, Error **errp)
{
    const Qcow2State *s = bs->opaque;
    bool lazy = a->has_lazy_refcounts ? a->lazy_refcounts :
                s->compatible & QCOW2_COMPAT_LAZY_REFCOUNTS;

    if (a->has_lazy_refcounts && lazy && version < 3) {
        error_setg(errp, "Lazy refcounts only supported with compatibility "
                   "level 1.1 and above (use compat=1.1 or greater)");
        return false;
    }
    return check_width(a, version, errp) &&
           check_data_file(s, a, errp) && check_backing(bs, a, errp);
}

/* ---- Steps; lock held ---- */

static int coroutine_fn update_header(BlockDriverState *bs, Error **errp)
{
    int ret = qcow2_write_header(bs);

    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to update the image header");
    }
    return ret;
}

static int coroutine_fn upgrade(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret;

    s->version = 3;
    s->header_bytes = QCOW2_HEADER_BYTES;
    ret = update_header(bs, errp);
    if (ret < 0) {
        s->version = 2;
        s->header_bytes = QCOW2_V2_HEADER_BYTES;
    }
    return ret;
}

static int coroutine_fn amend_bits(BlockDriverState *bs, const BdrvAmend *a,
                                   Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t compatible = s->compatible, autoclear = s->autoclear;
    g_autofree char *old_name = NULL;
    int ret;

    if (!a->has_lazy_refcounts && !a->data_file && !a->has_data_file_raw) {
        return 0;
    }
    if (a->has_lazy_refcounts) {
        s->lazy_refcounts = a->lazy_refcounts;
        s->compatible = a->lazy_refcounts ?
            compatible | QCOW2_COMPAT_LAZY_REFCOUNTS :
            compatible & ~(uint64_t)QCOW2_COMPAT_LAZY_REFCOUNTS;
    }
    if (a->has_data_file_raw && !a->data_file_raw) {
        s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_RAW_DATA;
    }
    if (a->data_file) {
        old_name = s->data_file_name;
        s->data_file_name = *a->data_file ? g_strdup(a->data_file) : NULL;
    }
    ret = update_header(bs, errp);
    if (ret < 0) {
        s->compatible = compatible;
        s->autoclear = autoclear;
        if (a->data_file) {
            g_free(s->data_file_name);
            s->data_file_name = g_steal_pointer(&old_name);
        }
        return ret;
    }
    /* The counts that are late are to be written before it counts as clean. */
    return s->lazy_refcounts || !s->dirty_bit_set ? ret : qcow2_settle(bs);
}

/* ---- Downgrade ---- */

static bool can_downgrade(BlockDriverState *bs, Error **errp)
{
    const Qcow2State *s = bs->opaque;
    uint64_t features = s->incompatible & ~(uint64_t)QCOW2_INCOMPAT_DIRTY;

    if (features & QCOW2_INCOMPAT_DATA_FILE) {
        error_setg(errp, "Cannot downgrade an image with a data file");
        return false;
    }
    if (features) {
        error_setg(errp, "Cannot downgrade an image with incompatible features "
                   "0x%" PRIx64 " set", features);
        return false;
    }
    if (s->refcount_bits != 16) {
        error_setg(errp, "compat=0.10 requires refcount_bits=16");
        return false;
    }
    if (s->nb_bitmaps) {
        error_setg(errp, "Cannot downgrade an image with bitmaps");
        return false;
    }
    for (guint i = 0; i < s->snapshots->len; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if (sn->facts.vm_state_bytes > UINT32_MAX ||
            sn->facts.disk_bytes != s->size) {
            error_setg(errp, "Internal snapshots prevent downgrade of image");
            return false;
        }
    }
    return true;
}

/* Version 2 has no mark for zeros: nothing, or data, in its place. */
static int coroutine_fn expand_zeros(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    uint64_t at = 0;
    int ret = 0;

    while (at < s->size && ret >= 0) {
        Qcow2Map m;

        co_mutex_lock(&s->lock);
        ret = qcow2_lookup(bs, at, s->size - at, &m);
        if (ret >= 0 && m.kind == QCOW2_ZERO && !bs->backing) {
            ret = qcow2_drop_clusters(bs, at, m.bytes);
        }
        co_mutex_unlock(&s->lock);
        if (ret >= 0 && m.kind == QCOW2_ZERO && bs->backing) {
            ret = qcow2_write_zeros(bs, at, at + m.bytes);
        }
        at += m.bytes;
    }
    return ret;
}

static int coroutine_fn downgrade(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (!can_downgrade(bs, errp)) {
        return -ENOTSUP;
    }
    ret = expand_zeros(bs);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to turn zero into data clusters");
        return ret;
    }
    co_mutex_lock(&s->lock);
    ret = qcow2_tree_has_zeros(bs);
    if (ret > 0) {
        error_setg(errp, "Internal snapshots prevent downgrade of image");
        ret = -ENOTSUP;
    }
    ret = ret < 0 ? ret : qcow2_settle(bs);
    if (ret >= 0) {
        s->version = 2;
        s->compatible = s->autoclear = 0;
        s->lazy_refcounts = false;
        s->tail_bytes = 0;
        ret = update_header(bs, errp);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

/* ---- All of it ---- */

static int coroutine_fn amend_locked(BlockDriverState *bs, const BdrvAmend *a,
                                     unsigned version, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret = version > s->version ? upgrade(bs, errp) : 0;

    if (ret >= 0 && a->has_refcount_bits &&
        a->refcount_bits != s->refcount_bits) {
        ret = qcow2_change_width(bs, __builtin_ctzll(a->refcount_bits), errp);
    }
    return ret < 0 ? ret : amend_bits(bs, a, errp);
}

int coroutine_fn qcow2_co_amend(BlockDriverState *bs, const BdrvAmend *a,
                                Error **errp)
{
    Qcow2State *s = bs->opaque;
    unsigned version = s->version;
    int ret;

    if (!parse_compat(a, &version, errp) || !check_amend(bs, a, version, errp) ||
        (version < s->version && !a->has_refcount_bits &&
         !can_downgrade(bs, errp))) {
        return -EINVAL;
    }
    if (a->progress) {
        a->progress(a->opaque, 0, 1);
    }
    co_mutex_lock(&s->lock);
    ret = qcow2_crypto_amend(bs, a, errp);
    ret = ret < 0 ? ret : amend_locked(bs, a, version, errp);
    co_mutex_unlock(&s->lock);
    if (ret >= 0 && a->has_size && (uint64_t)a->size != s->size) {
        ret = qcow2_co_truncate(bs, a->size, false, PREALLOC_MODE_OFF, 0, errp);
    }
    if (ret >= 0 && version < s->version) {
        ret = downgrade(bs, errp);
    }
    if (ret >= 0 && a->progress) {
        a->progress(a->opaque, 1, 1);
    }
    return ret;
}
