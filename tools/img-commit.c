/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-img commit: what an image has over one below it goes into that one.
 *
 * The chain is opened image by image from the bottom, so that the one that
 * is written can be opened for it while those above read it.
 */
#include "util/osdep.h"
#include "img-internal.h"
#include <json-c/json.h>
#include "util/main-loop.h"

#define CHUNK_BYTES (1 * MiB)

typedef struct Commit {
    ToolOpen open;
    const char *name, *base_name, *rate_text;
    bool keep_top, show, quiet;     /* keep_top: do not empty it */
    int64_t rate;
    GPtrArray *names, *formats;     /* of the chain, from the top */
    unsigned base;                  /* index in them */
    GPtrArray *blks;                /* from the bottom up */
    BlockBackend *top, *target;
} Commit;

/* ---- The chain ---- */

static bool learn_chain(Commit *c)
{
    ToolOpen o = c->open;
    BlockDriverState *bs, *base;
    BlockBackend *blk;

    o.write = true;
    blk = tool_open(c->name, &o);
    if (!blk) {
        return false;
    }
    bs = blk_get_bs(blk);
    base = c->base_name ? bdrv_find_backing_image(bs, c->base_name) :
                          bdrv_get_backing(bs);
    if (!base || base == bs) {
        if (c->base_name) {
            error_report("Did not find '%s' in the backing chain of '%s'",
                         c->base_name, c->name);
        } else {
            error_report("Image does not have a backing file");
        }
        blk_unref(blk);
        return false;
    }
    for (; bs; bs = bdrv_get_backing(bs)) {
        c->base = bs == base ? c->names->len : c->base;
        g_ptr_array_add(c->names, g_strdup(bdrv_get_filename(bs)));
        g_ptr_array_add(c->formats, g_strdup(bdrv_get_format_name(bs)));
    }
    blk_unref(blk);
    return true;
}

static BlockBackend *open_layer(const Commit *c, unsigned i,
                                BlockBackend *below)
{
    ToolOpen o = c->open;
    BlockBackend *blk;

    /* The top may be named by options that say more than its file name. */
    o.image_opts = i == 0 && c->open.image_opts;
    o.format = i == 0 ? c->open.format : g_ptr_array_index(c->formats, i);
    o.write = o.resize = i == 0 || i == c->base;
    o.flags = below ? 0 : BDRV_O_NO_BACKING;
    o.extra = json_object_new_object();
    if (below) {
        json_object_object_add(o.extra, "backing", json_object_new_string(
            bdrv_get_node_name(blk_get_bs(below))));
    }
    blk = tool_open(i ? g_ptr_array_index(c->names, i) : c->name, &o);
    json_object_put(o.extra);
    return blk;
}

static bool open_chain(Commit *c)
{
    BlockBackend *below = NULL;

    for (int i = c->names->len - 1; i >= 0; i--) {
        BlockBackend *blk = open_layer(c, i, below);

        if (!blk) {
            return false;
        }
        g_ptr_array_add(c->blks, blk);
        c->target = i == (int)c->base ? blk : c->target;
        below = blk;
    }
    c->top = below;
    return true;
}

static void close_chain(Commit *c)
{
    while (c->blks->len) {
        blk_unref(g_ptr_array_remove_index(c->blks, c->blks->len - 1));
    }
}

/* ---- The copy ---- */

static int coroutine_fn commit_range(Commit *c, int flags, int64_t offset,
                                     int64_t bytes, uint8_t *buf)
{
    IoVec iov;
    int ret;

    if (flags & BDRV_BLOCK_ZERO) {
        return blk_co_pwrite_zeroes(c->target, offset, bytes,
                                    BDRV_REQ_MAY_UNMAP);
    }
    iovec_init_buf(&iov, buf, bytes);
    ret = blk_co_preadv(c->top, offset, &iov, 0);
    return ret < 0 ? ret : blk_co_pwritev(c->target, offset, &iov, 0);
}

static void coroutine_fn keep_rate(const Commit *c, int64_t start_ns,
                                   int64_t done)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS);
    int64_t due = c->rate ? start_ns + (double)done * NSEC_PER_SEC / c->rate :
                            now;

    if (due > now) {
        co_sleep_ns(CLOCK_REALTIME_NS, due - now);
    }
}

static int coroutine_fn copy_co(void *opaque)
{
    Commit *c = opaque;
    BlockDriverState *top = blk_get_bs(c->top), *base = blk_get_bs(c->target);
    int64_t total = blk_get_length(c->top), offset = 0, copied = 0;
    int64_t start_ns = clock_get_ns(CLOCK_REALTIME_NS);
    g_autofree uint8_t *buf = aligned_alloc(4096, CHUNK_BYTES);
    int ret = buf ? 0 : -ENOMEM;

    if (buf && blk_get_length(c->target) < total) {
        ret = blk_co_truncate(c->target, total, false, PREALLOC_MODE_OFF, 0,
                              NULL);
    }
    while (offset < total && ret >= 0) {
        BdrvStatus st;
        int flags = bdrv_co_status_above(top, base, true, offset,
                                         total - offset, &st);
        int64_t n = st.pnum;

        if (flags < 0) {
            return flags;
        }
        if (flags & BDRV_BLOCK_ALLOCATED) {
            n = flags & BDRV_BLOCK_ZERO ? n : MIN(n, CHUNK_BYTES);
            ret = commit_range(c, flags, offset, n, buf);
            copied += flags & BDRV_BLOCK_ZERO ? 0 : n;
            keep_rate(c, start_ns, copied);
        }
        offset += n;
        tool_progress_set(100.0 * offset / total);
    }
    return ret < 0 ? ret : blk_co_flush(c->target);
}

static int run_commit(Commit *c)
{
    int ret;

    tool_progress_init(c->show, 1);
    ret = bdrv_run(main_context(), copy_co, c);
    tool_progress_end();
    if (ret >= 0 && !c->keep_top) {
        ret = bdrv_make_empty(blk_get_bs(c->top));
        if (ret == -ENOTSUP) {
            ret = 0;
        } else if (ret < 0) {
            error_report("Could not empty %s: %s", c->name, g_strerror(-ret));
            return 1;
        }
    }
    if (ret < 0) {
        error_report("Error during commit: %s", g_strerror(-ret));
        return 1;
    }
    if (!c->quiet) {
        printf("Image committed.\n");
    }
    return 0;
}

/* ---- The command ---- */

static int commit(Commit *c)
{
    int status = 1;

    c->names = g_ptr_array_new_with_free_func(g_free);
    c->formats = g_ptr_array_new_with_free_func(g_free);
    c->blks = g_ptr_array_new();
    if (learn_chain(c) && open_chain(c)) {
        status = run_commit(c);
    }
    close_chain(c);
    g_ptr_array_unref(c->names);
    g_ptr_array_unref(c->formats);
    g_ptr_array_unref(c->blks);
    return status;
}

int img_commit(int argc, char **argv)
{
    Commit c = { .open = { .unmap = true } };
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&c.open.image_opts),
        { 'f', NULL, TOOL_TEXT, &c.open.format },
        { 't', NULL, TOOL_TEXT, &c.open.cache },
        { 'b', NULL, TOOL_TEXT, &c.base_name },
        { 'd', NULL, TOOL_FLAG, &c.keep_top },
        { 'p', NULL, TOOL_FLAG, &c.show },
        { 'q', NULL, TOOL_FLAG, &c.quiet },
        { 'r', NULL, TOOL_TEXT, &c.rate_text },
        IMG_OPT_END,
    };
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    if (c.rate_text &&
        (c.rate = tool_parse_bytes("rate limit", c.rate_text)) < 0) {
        return 1;
    }
    if (!img_check_mode(c.open.image_opts, c.open.format)) {
        return 1;
    }
    if (!tool_check_cache(c.open.cache)) {
        error_report("Invalid cache option: %s", c.open.cache);
        return 1;
    }
    /* Images in between would show other content than before: kept. */
    c.keep_top |= c.base_name != NULL;
    c.show &= !c.quiet;
    c.name = argv[first];
    return commit(&c);
}
