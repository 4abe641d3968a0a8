/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img map: where in which file the content of an image is. */
#include "util/osdep.h"
#include "img-internal.h"
#include "util/main-loop.h"

typedef struct Entry {
    int64_t start, length, map;
    unsigned depth;
    bool data, zero, present, has_map;
    BlockDriverState *file;
} Entry;

typedef struct Look {
    BlockDriverState *bs;
    int64_t offset, bytes;
    Entry *e;
} Look;

/* Down the chain to the layer that decides. */
static int coroutine_fn look_co(void *opaque)
{
    Look *l = opaque;
    BlockDriverState *bs = l->bs;
    BdrvStatus st = { .pnum = l->bytes };
    unsigned depth = 0;
    int ret = 0;

    while (bs) {
        ret = bdrv_co_block_status(bs, true, l->offset, st.pnum, &st);
        if (ret < 0) {
            return ret;
        }
        if (ret & (BDRV_BLOCK_ZERO | BDRV_BLOCK_DATA)) {
            break;
        }
        bs = bdrv_get_backing(bs);
        depth += bs != NULL;
    }
    /* The file ends in its last sector; the image ends with that. */
    if (!st.pnum) {
        st = (BdrvStatus) { .pnum = l->bytes, .map = l->offset };
        ret = BDRV_BLOCK_ZERO | BDRV_BLOCK_ALLOCATED | BDRV_BLOCK_OFFSET_VALID;
    }
    *l->e = (Entry) {
        .start = l->offset, .length = st.pnum, .map = st.map, .depth = depth,
        .data = ret & BDRV_BLOCK_DATA, .zero = ret & BDRV_BLOCK_ZERO,
        .present = ret & BDRV_BLOCK_ALLOCATED,
        .has_map = ret & BDRV_BLOCK_OFFSET_VALID, .file = st.file,
    };
    return 0;
}

static bool continues(const Entry *a, const Entry *b)
{
    return a->length && a->data == b->data && a->zero == b->zero &&
           a->present == b->present && a->depth == b->depth &&
           a->has_map == b->has_map && a->file == b->file &&
           (!a->has_map || a->map + a->length == b->map);
}

static bool print_human(const Entry *e)
{
    if (e->data && !e->has_map) {
        error_report("File contains external, encrypted or compressed "
                     "clusters.");
        return false;
    }
    if (e->data && !e->zero) {
        printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n",
               e->start, e->length, e->map,
               e->file ? bdrv_get_filename(e->file) : "");
    }
    return true;
}

static const char *truth(bool val)
{
    return val ? "true" : "false";
}

static bool print_entry(const Entry *e, bool json, bool last)
{
    if (!json) {
        return print_human(e);
    }
    printf("{ \"start\": %" PRId64 ", \"length\": %" PRId64 ", \"depth\": %u, "
           "\"present\": %s, \"zero\": %s, \"data\": %s", e->start, e->length,
           e->depth, truth(e->present), truth(e->zero), truth(e->data));
    if (e->has_map) {
        printf(", \"offset\": %" PRId64, e->map);
    }
    fputs(last ? "}" : "},\n", stdout);
    return true;
}

static bool print_map(BlockDriverState *bs, int64_t start, int64_t end,
                      bool json)
{
    Entry cur = { .start = start }, next;

    while (cur.start + cur.length < end) {
        Look l = { bs, cur.start + cur.length,
                   end - cur.start - cur.length, &next };
        int ret = bdrv_run(main_context(), look_co, &l);

        if (ret < 0) {
            error_report("Failed to read image metadata: %s",
                         g_strerror(-ret));
            return false;
        }
        if (continues(&cur, &next)) {
            cur.length += next.length;
            continue;
        }
        if (cur.length && !print_entry(&cur, json, false)) {
            return false;
        }
        cur = next;
    }
    return print_entry(&cur, json, true);
}

int img_map(int argc, char **argv)
{
    ToolOpen o = { 0 };
    const char *from = NULL, *len = NULL;
    bool json = false, ok;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'f', "format", TOOL_TEXT, &o.format },
        { 0, "output", TOOL_OUTPUT, &json },
        { 's', "start-offset", TOOL_TEXT, &from },
        { 'l', "max-length", TOOL_TEXT, &len },
        { 'U', "force-share", TOOL_FLAG, &o.force_share },
        IMG_OPT_END,
    };
    int64_t start = 0, max = INT64_MAX, end;
    BlockBackend *blk;
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    if (from && (start = tool_parse_bytes("start offset", from)) < 0) {
        return 1;
    }
    if (len && (max = tool_parse_bytes("max length", len)) < 0) {
        return 1;
    }
    if (!img_check_mode(o.image_opts, o.format)) {
        return 1;
    }
    blk = tool_open(argv[first], &o);
    if (!blk) {
        return 1;
    }
    end = tool_length(blk);
    end = MIN(end, max > INT64_MAX - start ? INT64_MAX : start + max);
    fputs(json ? "[" : "Offset          Length          Mapped to       "
          "File\n", stdout);
    ok = print_map(blk_get_bs(blk), start, end, json);
    if (json && ok) {
        puts("]");
    }
    blk_unref(blk);
    return !ok;
}
