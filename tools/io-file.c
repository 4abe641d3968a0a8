/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-io: commands about the open file as a whole, and opening it. */
#include "util/osdep.h"
#include "io-internal.h"
#include <getopt.h>
#include <json-c/json.h>
#include "util/main-loop.h"

/* ---- Allocation ---- */

typedef struct Alloc {
    BlockDriverState *bs;
    int64_t offset, bytes, pnum;
} Alloc;

static int coroutine_fn alloc_co(void *opaque)
{
    Alloc *a = opaque;
    BdrvStatus st;
    int ret = bdrv_co_block_status(a->bs, false, a->offset, a->bytes, &st);

    a->pnum = st.pnum;
    return ret < 0 ? ret : !!(ret & BDRV_BLOCK_ALLOCATED);
}

static int is_allocated(IoState *s, int64_t offset, int64_t bytes,
                        int64_t *pnum)
{
    Alloc a = { blk_get_bs(s->blk), offset, bytes, 0 };
    int64_t end = tool_length(s->blk);
    int ret = bdrv_run(main_context(), alloc_co, &a);

    /* Status ends with the last byte, the image with its sector. */
    if (a.pnum && offset + a.pnum == blk_get_length(s->blk)) {
        a.pnum = MIN(bytes, end - offset);
    }
    *pnum = a.pnum;
    return ret;
}

static int cmd_alloc(IoState *s, int argc, char **argv)
{
    int64_t offset = io_number(argv[1]), start = offset;
    int64_t count = argc == 3 ? io_number(argv[2]) : 512;
    int64_t left = count, sum = 0, n;
    g_autofree char *where = NULL;

    if (offset < 0 || count < 0) {
        return -EINVAL;
    }
    while (left) {
        int ret = is_allocated(s, offset, left, &n);

        if (ret < 0) {
            printf("is_allocated failed: %s\n", g_strerror(-ret));
            return ret;
        }
        if (!n) {
            count -= left;
            break;
        }
        sum += ret ? n : 0;
        offset += n;
        left -= n;
    }
    where = io_size_text(start);
    printf("%" PRId64 "/%" PRId64 " bytes allocated at offset %s\n", sum,
           count, where);
    return 0;
}

static int cmd_map(IoState *s, int argc, char **argv)
{
    int64_t total = tool_length(s->blk), offset = 0;

    while (offset < total) {
        int64_t n, run = 0;
        int ret = is_allocated(s, offset, total - offset, &n), next = ret;
        g_autofree char *size = NULL, *where = NULL;

        while (ret >= 0 && next == ret && n) {
            run += n;
            next = is_allocated(s, offset + run, total - offset - run, &n);
        }
        if (ret < 0 || !run) {
            printf("Failed to query allocation status\n");
            return ret < 0 ? ret : -EIO;
        }
        size = io_size_text(run);
        where = io_size_text(offset);
        printf("%s (0x%" PRIx64 ") bytes %s allocated at offset %s (0x%" PRIx64
               ")\n", size, run, ret ? "   " : "not", where, offset);
        offset += run;
    }
    return 0;
}

/* ---- Facts and size ---- */

static int cmd_length(IoState *s, int argc, char **argv)
{
    g_autofree char *text = io_size_text(tool_length(s->blk));

    printf("%s\n", text);
    return 0;
}

/* The state of a machine lies behind what the last L2 table maps. */
static double vmstate_offset(IoState *s, const ImageInfoSpecific *info)
{
    uint64_t cluster = bdrv_get_cluster_size(blk_get_bs(s->blk));
    const ImageInfoSpecificQCow2 *q =
        info && info->type == IMAGE_INFO_SPECIFIC_KIND_QCOW2 ?
        info->u.qcow2.data : NULL;
    uint64_t entry = q && q->has_extended_l2 && q->extended_l2 ? 16 : 8;
    uint64_t covered = cluster * (cluster / entry);
    uint64_t length = blk_get_length(s->blk);

    return q ? DIV_ROUND_UP(length, covered) * (double)covered : 0;
}

static int cmd_info(IoState *s, int argc, char **argv)
{
    BlockDriverState *bs = blk_get_bs(s->blk);
    ImageInfoSpecific *info = bdrv_get_specific_info(bs, NULL);
    g_autofree char *cluster = io_size_text(bdrv_get_cluster_size(bs));
    g_autofree char *vmstate = io_size_text(vmstate_offset(s, info));

    printf("format name: %s\ncluster size: %s\nvm state offset: %s\n",
           bdrv_get_format_name(bs), cluster, vmstate);
    if (info) {
        tool_print_specific(info);
        qapi_free_ImageInfoSpecific(info);
    }
    return 0;
}

static int cmd_flush(IoState *s, int argc, char **argv)
{
    int ret = blk_flush(s->blk);

    if (ret < 0) {
        printf("flush: %s\n", g_strerror(-ret));
    }
    return ret;
}

typedef struct Truncate {
    BlockBackend *blk;
    int64_t size;
    PreallocMode mode;
    Error **errp;
} Truncate;

static int coroutine_fn truncate_co(void *opaque)
{
    Truncate *t = opaque;

    return blk_co_truncate(t->blk, t->size, false, t->mode, 0, t->errp);
}

static int cmd_truncate(IoState *s, int argc, char **argv)
{
    Truncate t = { .blk = s->blk };
    Error *err = NULL;
    int ch;

    optind = 0;
    while ((ch = getopt(argc, argv, "m:")) != -1) {
        if (ch != 'm') {
            return io_usage(argv[0]);
        }
        if (!tool_parse_prealloc(optarg, &t.mode)) {
            return -EINVAL;
        }
    }
    if (optind != argc - 1) {
        return io_usage(argv[0]);
    }
    t.size = io_number(argv[optind]);
    t.errp = &err;
    if (t.size < 0) {
        return -EINVAL;
    }
    if (bdrv_run(main_context(), truncate_co, &t) < 0) {
        tool_report_err(err);
        return -EINVAL;
    }
    return 0;
}

/* ---- Waiting ---- */

static int coroutine_fn sleep_co(void *opaque)
{
    co_sleep_ns(CLOCK_REALTIME_NS, *(uint64_t *)opaque * NSEC_PER_MSEC);
    return 0;
}

static int cmd_sleep(IoState *s, int argc, char **argv)
{
    uint64_t ms;

    if (!parse_uint64(argv[1], &ms, NULL) || ms > INT_MAX) {
        printf("%s is not a valid argument\n", argv[1]);
        return -EINVAL;
    }
    return bdrv_run(main_context(), sleep_co, &ms);
}

/* ---- Breakpoints: for images with a blkdebug node ---- */

static int cmd_break(IoState *s, int argc, char **argv)
{
    int ret = bdrv_debug_break(blk_get_bs(s->blk), argv[1], argv[2]);

    if (ret < 0) {
        printf("Could not set breakpoint: %s\n", g_strerror(-ret));
    }
    return ret;
}

static int cmd_remove_break(IoState *s, int argc, char **argv)
{
    int ret = bdrv_debug_remove_break(blk_get_bs(s->blk), argv[1]);

    if (ret < 0) {
        printf("Could not remove breakpoint %s: %s\n", argv[1],
               g_strerror(-ret));
    }
    return ret;
}

static int cmd_resume(IoState *s, int argc, char **argv)
{
    int ret = bdrv_debug_resume(blk_get_bs(s->blk), argv[1]);

    if (ret < 0) {
        printf("Could not resume request: %s\n", g_strerror(-ret));
    }
    return ret;
}

static int cmd_wait_break(IoState *s, int argc, char **argv)
{
    if (!bdrv_debug_can_break(blk_get_bs(s->blk))) {
        printf("Could not wait for breakpoint %s: %s\n", argv[1],
               g_strerror(ENOTSUP));
        return -ENOTSUP;
    }
    while (!bdrv_debug_is_suspended(blk_get_bs(s->blk), argv[1])) {
        aio_poll(main_context(), true);
    }
    return 0;
}

/* ---- Opening ---- */

/* An image that takes the writes and is gone afterwards. */
static BlockBackend *open_snapshot(IoState *s, BlockBackend *below,
                                   Error **errp)
{
    const char *dir = g_getenv("TMPDIR") ? g_getenv("TMPDIR") : "/var/tmp";
    g_autofree char *path = g_build_filename(dir, "nemu-io-XXXXXX", NULL);
    struct json_object *o = json_object_new_object();
    g_autofree char *size = g_strdup_printf("%" PRId64, tool_length(below));
    ToolOpen open = { .format = "qcow2", .write = true, .cache = "unsafe" };
    BlockBackend *blk = NULL;
    int fd = g_mkstemp(path);

    json_object_object_add(o, "size", json_object_new_string(size));
    if (fd < 0) {
        error_setg_errno(errp, errno, "Could not create '%s'", path);
    } else if (bdrv_create_image(path, "qcow2", o, errp)) {
        open.extra = json_object_new_object();
        json_object_object_add(open.extra, "backing", json_object_new_string(
            bdrv_get_node_name(blk_get_bs(below))));
        blk = tool_open_err(path, &open, errp);
        json_object_put(open.extra);
    }
    json_object_put(o);
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    return blk;
}

static BlockBackend *open_filter(IoState *s, BlockBackend *below, Error **errp)
{
    g_autofree char *options = g_strdup_printf("driver=copy-on-read,file=%s",
        bdrv_get_node_name(blk_get_bs(below)));
    const ToolOpen open = { .image_opts = true, .write = s->open.write };

    return tool_open_err(options, &open, errp);
}

bool io_open(IoState *s, const char *name, Error **errp)
{
    ToolOpen open = s->open;
    BlockBackend *below, *blk;

    open.write = s->open.write && !s->snapshot;
    below = tool_open_err(name, &open, errp);
    if (!below) {
        error_prepend(errp, "can't open%s%s: ", *name ? " device " : "", name);
        return false;
    }
    blk = s->snapshot ? open_snapshot(s, below, errp) :
          s->copy_on_read ? open_filter(s, below, errp) : below;
    if (blk != below) {
        blk_unref(below);
    }
    if (!blk) {
        return false;
    }
    s->blk = blk;
    return true;
}

void io_close(IoState *s)
{
    if (s->blk) {
        blk_drain(s->blk);
        blk_unref(s->blk);
        s->blk = NULL;
        json_object_put(s->reopened);
        s->reopened = NULL;
    }
}

static int cmd_close(IoState *s, int argc, char **argv)
{
    io_close(s);
    return 0;
}

bool io_set_discard(IoState *s, const char *mode)
{
    s->open.unmap = g_str_equal(mode, "unmap") || g_str_equal(mode, "on");
    if (!s->open.unmap && !g_str_equal(mode, "ignore") &&
        !g_str_equal(mode, "off")) {
        error_report("Invalid discard option: %s", mode);
        return false;
    }
    return true;
}

static bool set_open_option(IoState *s, int ch, const char *arg,
                            GString *options)
{
    switch (ch) {
    case 's': s->snapshot = true; return true;
    case 'n': s->open.cache = "none"; return true;
    case 'C': s->copy_on_read = true; return true;
    case 'r': s->open.write = false; return true;
    case 'k': s->open.aio = "native"; return true;
    case 'U': s->open.force_share = true; return true;
    case 'i': s->open.aio = g_intern_string(arg); return true;
    case 't': s->open.cache = g_intern_string(arg); return true;
    case 'o':
        g_string_append_printf(options, "%s%s", options->len ? "," : "", arg);
        return true;
    case 'd': return io_set_discard(s, arg);
    default:
        return false;
    }
}

/* The options of all -o, and the path among them. */
static char *name_of_open(const GString *options, const char *path)
{
    if (!options->len || !path) {
        return g_strdup(path ? path : options->str);
    }
    return g_strdup_printf(strstr(options->str, "driver=") ?
                           "%s,file.filename=%s" : "%s,filename=%s",
                           options->str, path);
}

static int cmd_open(IoState *s, int argc, char **argv)
{
    g_autoptr(GString) options = g_string_new(NULL);
    g_autofree char *all = NULL;
    Error *err = NULL;
    int ch;

    if (s->blk) {
        error_report("file open already, try 'help close'");
        return -EINVAL;
    }
    s->open = (ToolOpen) { .write = true, .unmap = true };
    s->snapshot = s->copy_on_read = false;
    optind = 0;
    while ((ch = getopt(argc, argv, "snCro:ki:t:d:U")) != -1) {
        if (!set_open_option(s, ch, optarg, options)) {
            return ch == 'd' ? -EINVAL : io_usage(argv[0]);
        }
    }
    if (!tool_check_cache(s->open.cache)) {
        error_report("Invalid cache option: %s", s->open.cache);
        return -EINVAL;
    }
    if (s->image_opts && options->len) {
        printf("--image-opts and 'open -o' are mutually exclusive\n");
        return -EINVAL;
    }
    if (optind < argc - 1 || (optind == argc && !options->len)) {
        return io_usage(argv[0]);
    }
    s->open.image_opts = options->len || s->image_opts;
    all = name_of_open(options, argv[optind]);
    if (!io_open(s, all, &err)) {
        tool_report_err(err);
        return -EINVAL;
    }
    return 0;
}

const IoCommand io_open_commands[] = {
    { "alloc", NULL, cmd_alloc, 1, 2, .args = "offset [count]",
      .oneline = "checks if offset is allocated in the file" },
    { "break", NULL, cmd_break, 2, 2, .args = "event tag",
      .oneline = "sets a breakpoint on event and tags the stopped request as "
                 "tag" },
    { "close", "c", cmd_close, 0, 0,
      .oneline = "close the current open file" },
    { "flush", "f", cmd_flush, 0, 0,
      .oneline = "flush all in-core file state to disk" },
    { "info", "i", cmd_info, 0, 0,
      .oneline = "prints information about the current file" },
    { "length", "l", cmd_length, 0, 0,
      .oneline = "gets the length of the current file" },
    { "map", NULL, cmd_map, 0, 1, .args = "",
      .oneline = "prints the allocated areas of a file" },
    { "open", "o", cmd_open, 1, -1, .no_file = true,
      .args = "[-rsCnkU] [-t cache] [-d discard] [-o options] [path]",
      .oneline = "open the file specified by path",
      .help = " -C  copy what is read from the backing file\n"
              " -d  what discards do\n -i  threads, native or io_uring\n"
              " -k  short for -i native\n -n  short for -t none\n"
              " -o  options of the node\n -r  only for reading\n"
              " -s  writes are lost at the end\n -t  cache mode\n"
              " -U  others may write at the same time\n" },
    { "remove_break", NULL, cmd_remove_break, 1, 1, .args = "tag",
      .oneline = "remove a breakpoint by tag" },
    { "reopen", NULL, io_reopen, 0, -1,
      .args = "[(-r|-w)] [-c cache] [-o options]",
      .oneline = "reopens an image with new options",
      .help = " -c  cache mode\n -o  options of the node\n"
              " -r  only for reading\n -w  for writing\n" },
    { "resume", NULL, cmd_resume, 1, 1, .args = "tag",
      .oneline = "resumes the request tagged as tag" },
    { "sleep", NULL, cmd_sleep, 1, 1,
      .oneline = "waits for the given value in milliseconds" },
    { "truncate", "t", cmd_truncate, 1, -1,
      BLK_PERM_WRITE | BLK_PERM_RESIZE, .args = "[-m prealloc_mode] off",
      .oneline = "truncates the current file at the given offset" },
    { "wait_break", NULL, cmd_wait_break, 1, 1, .args = "tag",
      .oneline = "waits for the suspension of a request" },
    { NULL },
};
