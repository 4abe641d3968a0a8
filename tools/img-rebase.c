/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-img rebase: another backing file. In safe mode what the guest sees
 * stays the same: where the new backing file differs from the old one, the
 * image gets the old content. In unsafe mode (-u) only the name changes.
 */
#include "util/osdep.h"
#include "img-internal.h"
#include "util/main-loop.h"

#define CHUNK_BYTES (1 * MiB)

typedef struct Rebase {
    ToolOpen open, in;
    const char *name, *backing, *backing_format;
    bool unsafe, compress, show, quiet;
    BlockBackend *blk, *old, *new;
    uint8_t *buf[2];
} Rebase;

/* ---- Copy of what differs ---- */

/* Past the end of a backing file the guest sees zeros. */
static int coroutine_fn read_backing(BlockBackend *blk, int64_t offset,
                                     uint8_t *buf, int64_t bytes)
{
    if (!blk) {
        memset(buf, 0, bytes);
        return 0;
    }
    return tool_co_read(blk, offset, buf, bytes);
}

static int coroutine_fn write_old(Rebase *r, int64_t offset, int64_t bytes)
{
    IoVec iov;

    iovec_init_buf(&iov, r->buf[0], bytes);
    return r->compress ? bdrv_co_pwritev_compressed(blk_get_bs(r->blk), offset,
                                                    &iov, NULL) :
                         blk_co_pwritev(r->blk, offset, &iov, 0);
}

static int coroutine_fn compare_and_write(Rebase *r, int64_t offset,
                                          int64_t bytes)
{
    int64_t done = 0, unit;
    int ret = read_backing(r->old, offset, r->buf[0], bytes);

    if (ret >= 0) {
        ret = read_backing(r->new, offset, r->buf[1], bytes);
    }
    if (ret < 0) {
        error_report("error while reading from backing file: %s",
                     g_strerror(-ret));
        return ret;
    }
    unit = bdrv_get_cluster_size(blk_get_bs(r->blk));
    unit = unit ? unit : 64 * KiB;
    while (done < bytes) {
        int64_t n = MIN(bytes - done, unit - (offset + done) % unit);

        if (memcmp(r->buf[0] + done, r->buf[1] + done, n)) {
            uint8_t *start = r->buf[0];

            r->buf[0] += done;
            ret = write_old(r, offset + done, n);
            r->buf[0] = start;
        }
        if (ret < 0) {
            error_report("Error while writing to COW image: %s",
                         g_strerror(-ret));
            return ret;
        }
        done += n;
    }
    return 0;
}

static int coroutine_fn copy_co(void *opaque)
{
    Rebase *r = opaque;
    BlockDriverState *bs = blk_get_bs(r->blk);
    int64_t total = blk_get_length(r->blk), offset = 0;

    while (offset < total) {
        BdrvStatus st;
        int flags = bdrv_co_block_status(bs, false, offset,
                                         MIN(total - offset, CHUNK_BYTES),
                                         &st);
        int ret;

        if (flags < 0 || !st.pnum) {
            error_report("error while reading image metadata: %s",
                         g_strerror(flags < 0 ? -flags : EIO));
            return flags < 0 ? flags : -EIO;
        }
        if (!(flags & BDRV_BLOCK_ALLOCATED)) {
            ret = compare_and_write(r, offset, st.pnum);
            if (ret < 0) {
                return ret;
            }
        }
        offset += st.pnum;
        tool_progress_set(100.0 * offset / total);
    }
    return 0;
}

/* ---- Backing files ---- */

static bool open_old(Rebase *r)
{
    g_autofree char *path = NULL;
    BlockDriverState *bs = blk_get_bs(r->blk);
    ToolOpen o = r->in;
    Error *err = NULL;

    if (!bdrv_get_backing_file(bs)) {
        return true;
    }
    path = bdrv_get_full_backing_name(bs, &err);
    o.format = bdrv_get_backing_format(bs);
    r->old = path ? tool_open_err(path, &o, &err) : NULL;
    if (!r->old) {
        error_prepend(&err, "Could not open old backing file '%s': ",
                      path ? path : bdrv_get_backing_file(bs));
        tool_report_err(err);
    }
    return r->old != NULL;
}

static bool open_new(Rebase *r)
{
    g_autofree char *path = NULL;
    ToolOpen o = r->in;
    Error *err = NULL;

    if (!r->backing || !*r->backing) {
        return true;
    }
    path = bdrv_path_from(bdrv_get_filename(blk_get_bs(r->blk)), r->backing);
    o.format = r->backing_format;
    r->new = tool_open_err(path, &o, &err);
    if (!r->new) {
        error_prepend(&err, "Could not open new backing file '%s': ",
                      r->backing);
        tool_report_err(err);
    }
    return r->new != NULL;
}

static bool copy_differences(Rebase *r)
{
    bool ok;

    if (!open_old(r) || !open_new(r)) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        r->buf[i] = aligned_alloc(4096, CHUNK_BYTES);
        g_assert(r->buf[i]);
    }
    ok = bdrv_run(main_context(), copy_co, r) >= 0;
    free(r->buf[0]);
    free(r->buf[1]);
    return ok;
}

static bool change_name(Rebase *r)
{
    const char *name = r->backing && *r->backing ? r->backing : NULL;
    int ret;

    if (name && !r->backing_format) {
        error_report("Could not change the backing file to '%s': backing "
                     "format must be specified", name);
        return false;
    }
    ret = bdrv_change_backing(blk_get_bs(r->blk), name,
                              name ? r->backing_format : NULL);
    if (ret == -ENOSPC) {
        error_report("Could not change the backing file to '%s': No space "
                     "left in the file header", name ? name : "");
    } else if (ret < 0) {
        error_report("Could not change the backing file to '%s': %s",
                     name ? name : "", g_strerror(-ret));
    }
    return ret >= 0;
}

/* ---- The command ---- */

static int rebase(Rebase *r)
{
    bool ok = false;

    tool_progress_init(r->show, 1);
    /* Its own backing file is looked at by itself; but it has to be there. */
    r->open.flags = BDRV_O_NO_BACKING;
    r->blk = tool_open(r->name, &r->open);
    if (r->blk && r->compress &&
        !bdrv_format_compresses(bdrv_get_format_name(blk_get_bs(r->blk)))) {
        error_report("Compression not supported for this file format");
    } else if (r->blk) {
        ok = (r->unsafe || copy_differences(r)) && change_name(r);
    }
    if (ok) {
        tool_progress_set(100);
    }
    tool_progress_end();
    ok &= tool_close(r->blk, r->name);
    blk_unref(r->old);
    blk_unref(r->new);
    return !ok;
}

static bool check_options(const Rebase *r)
{
    if (!img_check_mode(r->open.image_opts, r->open.format)) {
        return false;
    }
    if (!tool_check_cache(r->open.cache)) {
        error_report("Invalid cache option: %s", r->open.cache);
        return false;
    }
    if (!tool_check_cache(r->in.cache)) {
        error_report("Invalid source cache option: %s", r->in.cache);
        return false;
    }
    if (r->backing_format && !bdrv_has_driver(r->backing_format)) {
        error_report("Invalid format name: '%s'", r->backing_format);
        return false;
    }
    return true;
}

int img_rebase(int argc, char **argv)
{
    Rebase r = { .open = { .write = true, .unmap = true } };
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&r.open.image_opts),
        { 'f', NULL, TOOL_TEXT, &r.open.format },
        { 'F', NULL, TOOL_TEXT, &r.backing_format },
        { 'b', NULL, TOOL_TEXT, &r.backing },
        { 'u', NULL, TOOL_FLAG, &r.unsafe },
        { 'c', "compress", TOOL_FLAG, &r.compress },
        { 'p', NULL, TOOL_FLAG, &r.show },
        { 'q', NULL, TOOL_FLAG, &r.quiet },
        { 't', NULL, TOOL_TEXT, &r.open.cache },
        { 'T', NULL, TOOL_TEXT, &r.in.cache },
        { 'U', "force-share", TOOL_FLAG, &r.in.force_share },
        IMG_OPT_END,
    };
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    if (!r.unsafe && !r.backing) {
        return tool_usage_error("Must specify backing file (-b) or use unsafe "
                                "mode (-u)");
    }
    if (!check_options(&r)) {
        return 1;
    }
    r.name = argv[first];
    r.show &= !r.quiet;
    return rebase(&r);
}
