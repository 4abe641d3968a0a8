/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-img compare. Exit status: 0 identical, 1 different, 2 could not be
 * opened, 3 allocation could not be found out, 4 could not be read.
 */
#include "util/osdep.h"
#include "img-internal.h"
#include "util/main-loop.h"

#define CHUNK_BYTES  (1 * MiB)
#define SECTOR_BYTES 512

enum {
    SAME          = 0,
    DIFFERENT     = 1,
    OPEN_FAILED   = 2,
    STATUS_FAILED = 3,
    READ_FAILED   = 4,
};

typedef struct Image {
    const char *name;
    BlockBackend *blk;
    int64_t length;
    uint8_t *buf;
    BdrvStatus st;
    int flags;                      /* of the range at hand */
} Image;

typedef struct Compare {
    Image im[2];
    bool strict, quiet;
    int result;
} Compare;

static int coroutine_fn fail(Compare *c, int result, const char *text)
{
    if (!c->quiet) {
        printf("%s\n", text);
    }
    return c->result = result;
}

static int coroutine_fn mismatch(Compare *c, int64_t offset)
{
    g_autofree char *text = g_strdup_printf("Content mismatch at offset %"
                                            PRId64 "!", offset);

    return fail(c, DIFFERENT, text);
}

static int coroutine_fn read_chunk(Compare *c, Image *im, int64_t offset,
                                   int64_t bytes)
{
    int ret = tool_co_read(im->blk, offset, im->buf, bytes);

    if (ret < 0) {
        error_report("Error while reading offset %" PRId64 " of %s: %s",
                     offset, im->name, g_strerror(-ret));
        return c->result = READ_FAILED;
    }
    return 0;
}

static int coroutine_fn look(Compare *c, Image *im, int64_t offset,
                             int64_t bytes)
{
    im->flags = bdrv_co_status_above(blk_get_bs(im->blk), NULL, true, offset,
                                     bytes, &im->st);
    if (im->flags < 0 || !im->st.pnum) {
        error_report("Sector allocation test failed for %s", im->name);
        return c->result = STATUS_FAILED;
    }
    return 0;
}

/* The offset of the first sector that differs; -1: none. */
static int64_t first_difference(const uint8_t *a, const uint8_t *b,
                                int64_t bytes)
{
    if (!memcmp(a, b, bytes)) {
        return -1;
    }
    for (int64_t i = 0; i < bytes; i += SECTOR_BYTES) {
        if (memcmp(a + i, b + i, MIN(SECTOR_BYTES, bytes - i))) {
            return i;
        }
    }
    return -1;
}

static int coroutine_fn check_empty(Compare *c, Image *im, int64_t offset,
                                    int64_t bytes)
{
    int ret = read_chunk(c, im, offset, bytes);
    IoVec iov;

    if (ret) {
        return ret;
    }
    iovec_init_buf(&iov, im->buf, bytes);
    for (int64_t i = 0; i < bytes; i += SECTOR_BYTES) {
        if (!iovec_is_zero(&iov, i, MIN(SECTOR_BYTES, bytes - i))) {
            return mismatch(c, offset + i);
        }
    }
    return 0;
}

static int coroutine_fn compare_data(Compare *c, int64_t offset, int64_t bytes)
{
    bool data[2];
    int64_t diff;

    for (int i = 0; i < 2; i++) {
        data[i] = (c->im[i].flags & BDRV_BLOCK_ALLOCATED) &&
                  !(c->im[i].flags & BDRV_BLOCK_ZERO);
    }
    if (!data[0] && !data[1]) {
        return 0;
    }
    if (data[0] != data[1]) {
        return check_empty(c, &c->im[data[0] ? 0 : 1], offset, bytes);
    }
    for (int i = 0; i < 2; i++) {
        int ret = read_chunk(c, &c->im[i], offset, bytes);

        if (ret) {
            return ret;
        }
    }
    diff = first_difference(c->im[0].buf, c->im[1].buf, bytes);
    return diff < 0 ? 0 : mismatch(c, offset + diff);
}

static bool coroutine_fn same_status(const Compare *c)
{
    const int seen = BDRV_BLOCK_DATA | BDRV_BLOCK_ZERO | BDRV_BLOCK_ALLOCATED;

    return !((c->im[0].flags ^ c->im[1].flags) & seen);
}

static int coroutine_fn compare_common(Compare *c, int64_t total, int64_t all)
{
    int64_t offset = 0;

    while (offset < total) {
        int64_t n = total - offset;

        if (look(c, &c->im[0], offset, n) || look(c, &c->im[1], offset, n)) {
            return c->result;
        }
        n = MIN(c->im[0].st.pnum, c->im[1].st.pnum);
        if (c->strict && !same_status(c)) {
            g_autofree char *text = g_strdup_printf("Strict mode: Offset %"
                PRId64 " block status mismatch!", offset);

            return fail(c, DIFFERENT, text);
        }
        if (!((c->im[0].flags & c->im[1].flags) & BDRV_BLOCK_ZERO)) {
            n = MIN(n, CHUNK_BYTES);
        }
        if (compare_data(c, offset, n)) {
            return c->result;
        }
        offset += n;
        tool_progress_set(100.0 * offset / all);
    }
    return 0;
}

/* What only the longer one has must be zeros. */
static int coroutine_fn compare_rest(Compare *c, int64_t offset)
{
    Image *im = &c->im[c->im[0].length > c->im[1].length ? 0 : 1];

    if (!c->quiet) {
        printf("Warning: Image size mismatch!\n");
    }
    while (offset < im->length) {
        int64_t n;

        if (look(c, im, offset, im->length - offset)) {
            return c->result;
        }
        n = im->st.pnum;
        if ((im->flags & BDRV_BLOCK_ALLOCATED) &&
            !(im->flags & BDRV_BLOCK_ZERO)) {
            n = MIN(n, CHUNK_BYTES);
            if (check_empty(c, im, offset, n)) {
                return c->result;
            }
        }
        offset += n;
        tool_progress_set(100.0 * offset / im->length);
    }
    return 0;
}

static int coroutine_fn compare_co(void *opaque)
{
    Compare *c = opaque;
    int64_t a = c->im[0].length, b = c->im[1].length;

    if (a != b && c->strict) {
        return fail(c, DIFFERENT, "Strict mode: Image size mismatch!");
    }
    if (compare_common(c, MIN(a, b), MAX(a, b)) ||
        (a != b && compare_rest(c, MIN(a, b)))) {
        return c->result;
    }
    return fail(c, SAME, "Images are identical.");
}

static int run_compare(Compare *c, const ToolOpen o[2], bool show)
{
    c->result = OPEN_FAILED;
    for (int i = 0; i < 2; i++) {
        Image *im = &c->im[i];

        im->blk = tool_open(im->name, &o[i]);
        if (!im->blk) {
            goto out;
        }
        im->length = tool_length(im->blk);
        im->buf = aligned_alloc(4096, CHUNK_BYTES);
        g_assert(im->buf);
    }
    tool_progress_init(show, 2);
    bdrv_run(main_context(), compare_co, c);
    tool_progress_end();
out:
    for (int i = 0; i < 2; i++) {
        free(c->im[i].buf);
        blk_unref(c->im[i].blk);
    }
    return c->result;
}

int img_compare(int argc, char **argv)
{
    ToolOpen o[2] = { { 0 } };
    Compare c = { 0 };
    bool show = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o[0].image_opts),
        { 'f', NULL, TOOL_TEXT, &o[0].format },
        { 'F', NULL, TOOL_TEXT, &o[1].format },
        { 'T', NULL, TOOL_TEXT, &o[0].cache },
        { 'p', NULL, TOOL_FLAG, &show },
        { 'q', NULL, TOOL_FLAG, &c.quiet },
        { 's', NULL, TOOL_FLAG, &c.strict },
        { 'U', "force-share", TOOL_FLAG, &o[0].force_share },
        IMG_OPT_END,
    };
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status ? OPEN_FAILED : 0;
    }
    if (first != argc - 2) {
        return tool_usage_error("Expecting two image file names");
    }
    if (!img_check_mode(o[0].image_opts, o[0].format) ||
        !img_check_mode(o[0].image_opts, o[1].format)) {
        return OPEN_FAILED;
    }
    if (!tool_check_cache(o[0].cache)) {
        error_report("Invalid source cache option: %s", o[0].cache);
        return OPEN_FAILED;
    }
    o[1].image_opts = o[0].image_opts;
    o[1].cache = o[0].cache;
    o[1].force_share = o[0].force_share;
    c.im[0].name = argv[first];
    c.im[1].name = argv[first + 1];
    return run_compare(&c, o, show && !c.quiet);
}
