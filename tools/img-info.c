/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img info. */
#include "util/osdep.h"
#include "img-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-block-image.h"
#include "qapi/visitor.h"

/* ---- For people ---- */

static void print_snapshot(const SnapshotInfo *sn)
{
    g_autofree char *size = size_to_str(sn->vm_state_size);
    time_t date = sn->date_sec;
    struct tm tm;
    char when[32] = "", clock[64], icount[24] = "";
    int64_t secs = sn->vm_clock_sec;

    if (localtime_r(&date, &tm)) {
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    }
    snprintf(clock, sizeof(clock), "%02d:%02d:%02d.%03d", (int)(secs / 3600),
             (int)(secs / 60 % 60), (int)(secs % 60),
             (int)(sn->vm_clock_nsec / 1000000));
    if (sn->has_icount) {
        snprintf(icount, sizeof(icount), "%" PRId64, sn->icount);
    }
    printf("%-9s %-16s %8s%20s%13s%11s\n", sn->id, sn->name, size, when,
           clock, icount);
}

void img_print_snapshots(const SnapshotInfoList *list)
{
    if (!list) {
        return;
    }
    printf("Snapshot list:\n%-9s %-16s %8s%20s%13s%11s\n", "ID", "TAG",
           "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
    for (; list; list = list->next) {
        print_snapshot(list->value);
    }
}

static void print_backing(const ImageInfo *info)
{
    if (!info->backing_filename) {
        return;
    }
    printf("backing file: %s", info->backing_filename);
    if (!info->full_backing_filename) {
        printf(" (cannot determine actual path)");
    } else if (strcmp(info->backing_filename, info->full_backing_filename)) {
        printf(" (actual path: %s)", info->full_backing_filename);
    }
    printf("\n");
    if (info->backing_filename_format) {
        printf("backing file format: %s\n", info->backing_filename_format);
    }
}

static void print_info(const ImageInfo *info)
{
    g_autofree char *size = size_to_str(info->virtual_size);
    g_autofree char *disk = info->has_actual_size ?
                            size_to_str(info->actual_size) :
                            g_strdup("unavailable");

    printf("image: %s\nfile format: %s\nvirtual size: %s (%" PRId64
           " bytes)\ndisk size: %s\n", info->filename, info->format, size,
           info->virtual_size, disk);
    if (info->has_encrypted && info->encrypted) {
        printf("encrypted: yes\n");
    }
    if (info->has_cluster_size) {
        printf("cluster_size: %" PRId64 "\n", info->cluster_size);
    }
    if (info->has_dirty_flag && info->dirty_flag) {
        printf("cleanly shut down: no\n");
    }
    print_backing(info);
    img_print_snapshots(info->snapshots);
    if (info->format_specific) {
        tool_print_specific(info->format_specific);
    }
}

/* ---- The command ---- */

/* One image, by name; each is opened without what is below it. */
static ImageInfo *collect(const char *name, const ToolOpen *o)
{
    BlockBackend *blk = tool_open(name, o);
    Error *err = NULL;
    ImageInfo *info;

    if (!blk) {
        return NULL;
    }
    info = bdrv_image_info(blk_get_bs(blk), &err);
    if (!info) {
        tool_report_err(err);
    }
    blk_unref(blk);
    return info;
}

static bool enter_image(GHashTable *seen, const char *name)
{
    if (!g_hash_table_add(seen, g_strdup(name))) {
        error_report("Backing file '%s' creates an infinite loop.", name);
        return false;
    }
    return true;
}

/* All images of the chain, or the one. NULL: reported. */
static GPtrArray *collect_chain(const char *name, ToolOpen o, bool chain)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                       g_free, NULL);
    GPtrArray *all = g_ptr_array_new_with_free_func(
        (GDestroyNotify)qapi_free_ImageInfo);
    const char *next = name;

    while (next) {
        ImageInfo *info = enter_image(seen, next) ? collect(next, &o) : NULL;

        if (!info) {
            g_ptr_array_unref(all);
            return NULL;
        }
        g_ptr_array_add(all, info);
        o.image_opts = false;
        next = NULL;
        if (chain && info->backing_filename) {
            next = info->full_backing_filename;
            o.format = info->backing_filename_format;
            if (!next) {
                error_report("Could not determine the backing file name");
                g_ptr_array_unref(all);
                return NULL;
            }
        }
    }
    return all;
}

static void print_all(const GPtrArray *all, bool json, bool chain)
{
    struct json_object *array = json ? json_object_new_array() : NULL;

    for (guint i = 0; i < all->len; i++) {
        ImageInfo *info = g_ptr_array_index(all, i);

        if (json) {
            json_object_array_add(array, QAPI_TO_JSON(ImageInfo, info));
            continue;
        }
        if (i) {
            printf("\n");
        }
        print_info(info);
    }
    if (json) {
        tool_print_json(chain ? array : json_object_array_get_idx(array, 0));
        json_object_put(array);
    }
}

int img_info(int argc, char **argv)
{
    ToolOpen o = { .flags = BDRV_O_NO_BACKING | BDRV_O_NO_IO };
    bool json = false, chain = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'f', "format", TOOL_TEXT, &o.format },
        { 0, "output", TOOL_OUTPUT, &json },
        { 0, "backing-chain", TOOL_FLAG, &chain },
        { 'U', "force-share", TOOL_FLAG, &o.force_share },
        IMG_OPT_END,
    };
    g_autoptr(GPtrArray) all = NULL;
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    if (!img_check_mode(o.image_opts, o.format)) {
        return 1;
    }
    all = collect_chain(argv[first], o, chain);
    if (!all) {
        return 1;
    }
    print_all(all, json, chain);
    return 0;
}
