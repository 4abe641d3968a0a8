/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img dd. */
#include "util/osdep.h"
#include "img-internal.h"
#include "util/main-loop.h"

typedef struct Dd {
    const char *in_name, *out_name, *out_format;
    ToolOpen in;
    int64_t bs, count, skip;        /* count -1: all */
    BlockBackend *src, *dst;
    int64_t from, bytes;
} Dd;

static bool parse_operand(Dd *d, const char *arg)
{
    const char *eq = strchr(arg, '=');
    g_autofree char *name = eq ? g_strndup(arg, eq - arg) : g_strdup(arg);
    const char *val = eq ? eq + 1 : "";

    if (!eq) {
        error_report("unrecognized operand %s", arg);
        return false;
    }
    if (g_str_equal(name, "if")) {
        d->in_name = val;
    } else if (g_str_equal(name, "of")) {
        d->out_name = val;
    } else if (g_str_equal(name, "bs")) {
        d->bs = tool_parse_number("bs", val, 1, INT_MAX);
        return d->bs > 0;
    } else if (g_str_equal(name, "count")) {
        d->count = tool_parse_bytes("count", val);
        return d->count >= 0;
    } else if (g_str_equal(name, "skip")) {
        d->skip = tool_parse_bytes("skip", val);
        return d->skip >= 0;
    } else {
        error_report("unrecognized operand %s", name);
        return false;
    }
    return true;
}

static int coroutine_fn copy_co(void *opaque)
{
    Dd *d = opaque;
    g_autofree uint8_t *buf = g_malloc(d->bs);
    int64_t done = 0;

    while (done < d->bytes) {
        int64_t n = MIN(d->bs, d->bytes - done);
        int ret = tool_co_read(d->src, d->from + done, buf, n);
        IoVec iov;

        if (ret < 0) {
            error_report("error while reading from input image file: %s",
                         g_strerror(-ret));
            return ret;
        }
        iovec_init_buf(&iov, buf, n);
        ret = blk_co_pwritev(d->dst, done, &iov, 0);
        if (ret < 0) {
            error_report("error while writing to output image file: %s",
                         g_strerror(-ret));
            return ret;
        }
        done += n;
    }
    return 0;
}

/* What is copied, and the size of the new image. */
static void choose_range(Dd *d, int64_t *size)
{
    int64_t length = tool_length(d->src), all = length;

    if (d->count >= 0 && d->count <= INT64_MAX / d->bs &&
        d->count * d->bs < all) {
        all = d->count * d->bs;
    }
    if (d->skip > INT64_MAX / d->bs || d->skip * d->bs > length) {
        error_report("%s: cannot skip to specified offset", d->in_name);
        *size = 0;
        return;
    }
    d->from = d->skip * d->bs;
    d->bytes = d->count >= 0 ? MIN(all, length - d->from) : length - d->from;
    *size = d->bytes;
}

static int run_dd(Dd *d)
{
    ImgCreate create = {
        .filename = d->out_name, .format = d->out_format, .unsafe = true,
        .quiet = true,
    };
    const ToolOpen out = { .format = d->out_format, .write = true };
    Error *err = NULL;

    d->src = tool_open(d->in_name, &d->in);
    if (!d->src) {
        return 1;
    }
    choose_range(d, &create.size);
    if (!img_create_image(&create, &err)) {
        error_prepend(&err, "%s: error while creating output image of type "
                      "'%s': ", d->out_name, d->out_format);
        tool_report_err(err);
        return 1;
    }
    d->dst = tool_open(d->out_name, &out);
    return d->dst ? bdrv_run(main_context(), copy_co, d) < 0 : 1;
}

int img_dd(int argc, char **argv)
{
    Dd d = { .out_format = "raw", .bs = 512, .count = -1 };
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&d.in.image_opts),
        { 'f', NULL, TOOL_TEXT, &d.in.format },
        { 'O', NULL, TOOL_TEXT, &d.out_format },
        { 'U', "force-share", TOOL_FLAG, &d.in.force_share },
        IMG_OPT_END,
    };
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    for (; first < argc; first++) {
        if (!parse_operand(&d, argv[first])) {
            return 1;
        }
    }
    if (!d.in_name || !d.out_name) {
        error_report("Must specify both input and output files");
        return 1;
    }
    if (!img_check_mode(d.in.image_opts, d.in.format)) {
        return 1;
    }
    if (!bdrv_has_driver(d.out_format)) {
        error_report("Unknown file format");
        return 1;
    }
    status = run_dd(&d);
    blk_unref(d.src);
    return tool_close(d.dst, d.out_name) ? status : 1;
}
