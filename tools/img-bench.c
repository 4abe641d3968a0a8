/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img bench: requests of one size, so many at a time. */
#include "util/osdep.h"
#include "img-internal.h"
#include "util/main-loop.h"

typedef struct Bench {
    BlockBackend *blk;
    bool write, no_drain;
    uint64_t count, depth, flush_interval;
    int64_t bytes, step, offset, length;
    uint8_t *buf;
    IoVec iov;

    /* While it runs */
    uint64_t to_send, in_flight, to_finish, until_flush;
    bool flushing;
    int ret;
} Bench;

static void submit(Bench *b);

static void request_done(void *opaque, int ret)
{
    Bench *b = opaque;

    b->in_flight--;
    b->to_finish--;
    if (ret < 0) {
        b->ret = ret;
    } else {
        submit(b);
    }
}

static void flush_done(void *opaque, int ret)
{
    Bench *b = opaque;

    b->flushing = false;
    b->ret = ret < 0 ? ret : b->ret;
    if (ret >= 0) {
        submit(b);
    }
}

/* Whether requests may go out; starts a flush when it is time. */
static bool flush_allows(Bench *b)
{
    if (!b->flush_interval || b->until_flush) {
        return true;
    }
    if (b->flushing || (!b->no_drain && b->in_flight)) {
        return false;
    }
    b->flushing = true;
    b->until_flush = b->flush_interval;
    blk_aio_flush(b->blk, flush_done, b);
    return b->no_drain;
}

static void submit(Bench *b)
{
    blk_io_plug();
    while (b->to_send && b->in_flight < b->depth && !b->ret &&
           (b->no_drain || !b->flushing) && flush_allows(b)) {
        int64_t offset = b->offset;

        b->offset = b->length ? (offset + b->step) % b->length : 0;
        b->in_flight++;
        b->to_send--;
        b->until_flush -= b->until_flush > 0;
        if (b->write) {
            blk_aio_pwritev(b->blk, offset, &b->iov, 0, request_done, b);
        } else {
            blk_aio_preadv(b->blk, offset, &b->iov, 0, request_done, b);
        }
    }
    blk_io_unplug();
}

static int run_bench(Bench *b)
{
    int64_t start, ns;

    printf("Sending %" PRIu64 " %s requests, %" PRId64 " bytes each, %" PRIu64
           " in parallel (starting at offset %" PRId64 ", step size %" PRId64
           ")\n", b->count, b->write ? "write" : "read", b->bytes, b->depth,
           b->offset, b->step);
    if (b->flush_interval) {
        printf("Sending flush every %" PRIu64 " requests\n",
               b->flush_interval);
    }
    fflush(stdout);
    start = clock_get_ns(CLOCK_REALTIME_NS);
    submit(b);
    AIO_WAIT_WHILE(NULL, b->in_flight || b->flushing ||
                   (b->to_finish && !b->ret));
    ns = clock_get_ns(CLOCK_REALTIME_NS) - start;
    if (b->ret < 0) {
        error_report("Failed request: %s", g_strerror(-b->ret));
        return 1;
    }
    printf("Run completed in %3.3f seconds.\n", (double)ns / NSEC_PER_SEC);
    return 0;
}

/* ---- Options ---- */

typedef struct BenchArgs {
    const char *count, *depth, *offset, *size, *step, *pattern, *flush;
    bool native, quiet;
} BenchArgs;

static bool parse_count(const char *text, const char *what, uint64_t *val)
{
    if (text && (!parse_uint64(text, val, NULL) || *val > INT_MAX)) {
        error_report("Invalid %s specified", what);
        return false;
    }
    return true;
}

static bool parse_amount(const char *text, const char *what, int64_t *val)
{
    if (text) {
        *val = tool_parse_number(what, text, 0, what[0] == 'o' ? INT64_MAX :
                                                                 INT_MAX);
    }
    return *val >= 0;
}

static bool parse_args(Bench *b, const BenchArgs *a, uint64_t *pattern)
{
    if (!parse_count(a->count, "request count", &b->count) ||
        !parse_count(a->depth, "queue depth", &b->depth) ||
        !parse_count(a->flush, "flush interval", &b->flush_interval) ||
        !parse_count(a->pattern, "pattern byte", pattern) ||
        !parse_amount(a->offset, "offset", &b->offset) ||
        !parse_amount(a->size, "buffer size", &b->bytes) ||
        !parse_amount(a->step, "step_size", &b->step)) {
        return false;
    }
    if (!b->depth) {
        error_report("Invalid queue depth specified");
        return false;
    }
    if (*pattern > 0xff) {
        error_report("Invalid pattern byte specified");
        return false;
    }
    if (!b->write && b->flush_interval) {
        error_report("--flush-interval is only available in write tests");
        return false;
    }
    if (b->flush_interval && b->flush_interval < b->depth) {
        error_report("Flush interval can't be smaller than depth");
        return false;
    }
    b->step = b->step ? b->step : b->bytes;
    return true;
}

static bool check_modes(ToolOpen *o, const BenchArgs *a)
{
    o->aio = a->native ? "native" : o->aio;
    if (!tool_check_cache(o->cache)) {
        error_report("Invalid cache mode");
        return false;
    }
    if (o->aio && strcmp(o->aio, "threads") && strcmp(o->aio, "native") &&
        strcmp(o->aio, "io_uring")) {
        error_report("Invalid aio option: %s", o->aio);
        return false;
    }
    return img_check_mode(o->image_opts, o->format);
}

static int open_and_run(Bench *b, const char *name, const ToolOpen *o,
                        uint64_t pattern)
{
    int status;

    b->blk = tool_open(name, o);
    if (!b->blk) {
        return 1;
    }
    b->length = blk_get_length(b->blk);
    b->buf = aligned_alloc(4096, ROUND_UP(MAX(b->bytes, 1), 4096));
    if (!b->buf) {
        error_report("cannot allocate a buffer of %" PRId64 " bytes",
                     b->bytes);
        blk_unref(b->blk);
        return 1;
    }
    memset(b->buf, pattern, b->bytes);
    iovec_init_buf(&b->iov, b->buf, b->bytes);
    b->to_send = b->to_finish = b->count;
    b->until_flush = b->flush_interval;
    status = run_bench(b);
    blk_unref(b->blk);
    free(b->buf);
    return status;
}

int img_bench(int argc, char **argv)
{
    ToolOpen o = { 0 };
    Bench b = { .count = 75000, .depth = 64, .bytes = 4096 };
    BenchArgs a = { 0 };
    uint64_t pattern = 0;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'c', NULL, TOOL_TEXT, &a.count },
        { 'd', NULL, TOOL_TEXT, &a.depth },
        { 'f', NULL, TOOL_TEXT, &o.format },
        { 'n', NULL, TOOL_FLAG, &a.native },
        { 'i', NULL, TOOL_TEXT, &o.aio },
        { 'o', NULL, TOOL_TEXT, &a.offset },
        { 'q', NULL, TOOL_FLAG, &a.quiet },
        { 's', NULL, TOOL_TEXT, &a.size },
        { 'S', NULL, TOOL_TEXT, &a.step },
        { 't', NULL, TOOL_TEXT, &o.cache },
        { 'w', NULL, TOOL_FLAG, &b.write },
        { 'U', "force-share", TOOL_FLAG, &o.force_share },
        { 0, "pattern", TOOL_TEXT, &a.pattern },
        { 0, "flush-interval", TOOL_TEXT, &a.flush },
        { 0, "no-drain", TOOL_FLAG, &b.no_drain },
        IMG_OPT_END,
    };
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (!parse_args(&b, &a, &pattern) || !check_modes(&o, &a)) {
        return 1;
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    o.write = b.write;
    o.unmap = b.write;
    return open_and_run(&b, argv[first], &o, pattern);
}
