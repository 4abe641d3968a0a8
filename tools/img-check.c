/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-img check. Exit status: 0 no errors (left), 1 could not be checked,
 * 2 corruptions, 3 leaks only, 63 the format has no check.
 */
#include "util/osdep.h"
#include "img-internal.h"
#include <json-c/json.h>

enum {
    CHECK_FAILED      = 1,
    CHECK_CORRUPT     = 2,
    CHECK_LEAKS       = 3,
    CHECK_UNSUPPORTED = 63,
};

static void add_number(struct json_object *o, const char *name, int64_t val)
{
    if (val) {
        json_object_object_add(o, name, json_object_new_int64(val));
    }
}

static void print_json(BlockBackend *blk, const char *filename,
                       const BdrvCheckResult *r)
{
    struct json_object *o = json_object_new_object();

    add_number(o, "image-end-offset", r->image_end_offset);
    add_number(o, "total-clusters", r->total_clusters);
    add_number(o, "allocated-clusters", r->allocated_clusters);
    add_number(o, "fragmented-clusters", r->fragmented_clusters);
    add_number(o, "compressed-clusters", r->compressed_clusters);
    json_object_object_add(o, "check-errors",
                           json_object_new_int64(r->check_errors));
    add_number(o, "corruptions", r->corruptions);
    add_number(o, "leaks", r->leaks);
    add_number(o, "corruptions-fixed", r->corruptions_fixed);
    add_number(o, "leaks-fixed", r->leaks_fixed);
    json_object_object_add(o, "filename", json_object_new_string(filename));
    json_object_object_add(o, "format", json_object_new_string(
        bdrv_get_format_name(blk_get_bs(blk))));
    tool_print_json(o);
    json_object_put(o);
}

static void print_human(const BdrvCheckResult *r)
{
    if (!r->corruptions && !r->leaks && !r->check_errors) {
        printf("No errors were found on the image.\n");
    }
    if (r->corruptions) {
        printf("\n%" PRId64 " errors were found on the image.\n"
               "Data may be corrupted, or further writes to the image may "
               "corrupt it.\n", r->corruptions);
    }
    if (r->leaks) {
        printf("\n%" PRId64 " leaked clusters were found on the image.\n"
               "This means waste of disk space, but no harm to data.\n",
               r->leaks);
    }
    if (r->check_errors) {
        printf("\n%" PRId64 " internal errors have occurred during the "
               "check.\n", r->check_errors);
    }
    if (r->total_clusters && r->allocated_clusters) {
        double allocated = r->allocated_clusters;

        printf("%" PRId64 "/%" PRId64 " = %0.2f%% allocated, %0.2f%% "
               "fragmented, %0.2f%% compressed clusters\n",
               r->allocated_clusters, r->total_clusters,
               allocated * 100 / r->total_clusters,
               r->fragmented_clusters * 100 / allocated,
               r->compressed_clusters * 100 / allocated);
    }
    if (r->image_end_offset) {
        printf("Image end offset: %" PRId64 "\n", r->image_end_offset);
    }
}

/* What was mended is looked at once more. */
static int check_again(BlockBackend *blk, BdrvCheckResult *r, bool say)
{
    int64_t corruptions_fixed = r->corruptions_fixed;
    int64_t leaks_fixed = r->leaks_fixed;
    int ret;

    if (!corruptions_fixed && !leaks_fixed) {
        return 0;
    }
    if (say) {
        printf("The following inconsistencies were found and repaired:\n\n"
               "    %" PRId64 " leaked clusters\n    %" PRId64
               " corruptions\n\nDouble checking the fixed image now...\n",
               leaks_fixed, corruptions_fixed);
        fflush(stdout);
    }
    ret = bdrv_check(blk_get_bs(blk), r, 0);
    r->corruptions_fixed = corruptions_fixed;
    r->leaks_fixed = leaks_fixed;
    return ret;
}

static int run_check(BlockBackend *blk, const char *filename, int fix,
                     bool json, bool quiet)
{
    BdrvCheckResult r;
    int ret = bdrv_check(blk_get_bs(blk), &r, fix);

    if (ret == -ENOTSUP) {
        error_report("This image format does not support checks");
        return CHECK_UNSUPPORTED;
    }
    if (ret >= 0) {
        ret = check_again(blk, &r, !json && !quiet);
    }
    if (ret >= 0 && json) {
        print_json(blk, filename, &r);
    } else if (ret >= 0 && !quiet) {
        print_human(&r);
    }
    fflush(stdout);
    if (ret < 0 || r.check_errors) {
        if (ret < 0) {
            error_report("Check failed: %s", g_strerror(-ret));
        } else {
            error_report("Check failed");
        }
        return CHECK_FAILED;
    }
    return r.corruptions ? CHECK_CORRUPT : r.leaks ? CHECK_LEAKS : 0;
}

int img_check(int argc, char **argv)
{
    ToolOpen o = { .flags = BDRV_O_CHECK, .unmap = true };
    const char *repair = NULL;
    bool json = false, quiet = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'f', "format", TOOL_TEXT, &o.format },
        { 'r', "repair", TOOL_TEXT, &repair },
        { 0, "output", TOOL_OUTPUT, &json },
        { 'T', NULL, TOOL_TEXT, &o.cache },
        { 'q', NULL, TOOL_FLAG, &quiet },
        { 'U', "force-share", TOOL_FLAG, &o.force_share },
        IMG_OPT_END,
    };
    int fix = 0, first, status;
    BlockBackend *blk;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (repair && g_str_equal(repair, "leaks")) {
        fix = BDRV_FIX_LEAKS;
    } else if (repair && g_str_equal(repair, "all")) {
        fix = BDRV_FIX_LEAKS | BDRV_FIX_ERRORS;
    } else if (repair) {
        return tool_usage_error("Unknown option value for -r (expecting "
                                "'leaks' or 'all'): %s", repair);
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    if (!img_check_mode(o.image_opts, o.format)) {
        return 1;
    }
    if (!tool_check_cache(o.cache)) {
        error_report("Invalid source cache option: %s", o.cache);
        return 1;
    }
    o.write = o.resize = fix != 0;
    blk = tool_open(argv[first], &o);
    if (!blk) {
        return 1;
    }
    status = run_check(blk, argv[first], fix, json, quiet);
    blk_unref(blk);
    return status;
}
