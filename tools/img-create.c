/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img create, and new images for the other commands. */
#include "util/osdep.h"
#include "img-internal.h"
#include <json-c/json.h>

/* ---- The text of -o ---- */

/* "a=b,,c,d=e": the first item; ",," stands for a comma. *@text moves on. */
static char *next_item(const char **text)
{
    GString *item = g_string_new(NULL);
    const char *p = *text;

    while (*p && (*p != ',' || p[1] == ',')) {
        p += *p == ',';
        g_string_append_c(item, *p++);
    }
    *text = *p ? p + 1 : p;
    return g_string_free(item, FALSE);
}

static const BdrvCreateOption *find_option(const BdrvCreateOption *table,
                                           const char *name)
{
    for (; table->name; table++) {
        if (g_str_equal(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

/* "lazy_refcounts" alone stands for "lazy_refcounts=on". */
static bool parse_item(const BdrvCreateOption *table, const char *item,
                       struct json_object *values, Error **errp)
{
    const char *eq = strchr(item, '=');
    g_autofree char *name = eq ? g_strndup(item, eq - item) : g_strdup(item);
    const BdrvCreateOption *option = find_option(table, name);
    const char *text = eq ? eq + 1 : "on";
    g_autofree char *val = NULL;

    if (!option && !eq && g_str_has_prefix(name, "no")) {
        option = find_option(table, name + 2);
        text = "off";
    }
    if (!option) {
        error_setg(errp, "Invalid parameter '%s'", name);
        return false;
    }
    val = bdrv_create_option_value(option, text, errp);
    if (!val) {
        return false;
    }
    json_object_object_add(values, option->name, json_object_new_string(val));
    return true;
}

struct json_object *img_parse_create_options(const BdrvCreateOption *table,
                                             const char *text, Error **errp)
{
    struct json_object *values = json_object_new_object();

    while (text && *text) {
        g_autofree char *item = next_item(&text);

        if (!parse_item(table, item, values, errp)) {
            json_object_put(values);
            return NULL;
        }
    }
    return values;
}

/* ---- Help ---- */

static int compare_options(const void *a, const void *b)
{
    return strcmp(((const BdrvCreateOption *)a)->name,
                  ((const BdrvCreateOption *)b)->name);
}

void img_print_option_table(const BdrvCreateOption *table)
{
    static const char *const kinds[] = {
        [BDRV_OPTION_STRING] = "str", [BDRV_OPTION_BOOL] = "bool (on/off)",
        [BDRV_OPTION_NUMBER] = "num", [BDRV_OPTION_SIZE] = "size",
    };

    for (; table->name; table++) {
        g_autofree char *left = g_strdup_printf("  %s=<%s>", table->name,
                                                kinds[table->type]);

        printf("%-24s - %s\n", left, table->help);
    }
}

int img_print_create_options(const char *format, const char *filename)
{
    Error *err = NULL;
    g_autofree BdrvCreateOption *table = bdrv_create_options(format, filename,
                                                             &err);
    size_t n = 0;

    if (!table) {
        tool_report_err(err);
        return 1;
    }
    while (table[n].name) {
        n++;
    }
    qsort(table, n, sizeof(table[0]), compare_options);
    if (filename) {
        printf("Supported options:\n");
    } else {
        printf("Supported %s options:\n", format);
    }
    img_print_option_table(table);
    if (!filename) {
        printf("\nThe protocol level may support further options.\n"
               "Specify the target filename to include those options.\n");
    }
    return 0;
}

/* ---- One image ---- */

static void set_value(struct json_object *values, const char *name,
                      const char *val)
{
    json_object_object_add(values, name, json_object_new_string(val));
}

static const char *get_value(struct json_object *values, const char *name)
{
    struct json_object *val;

    return json_object_object_get_ex(values, name, &val) ?
           json_object_get_string(val) : NULL;
}

static bool add_backing(const ImgCreate *c, const BdrvCreateOption *table,
                        struct json_object *values, Error **errp)
{
    if (c->backing) {
        if (!find_option(table, "backing_file")) {
            error_setg(errp, "Backing file not supported for file format '%s'",
                       c->format);
            return false;
        }
        set_value(values, "backing_file", c->backing);
    }
    if (c->backing_format) {
        if (!find_option(table, "backing_fmt")) {
            error_setg(errp, "Backing format not supported for file format "
                       "'%s'", c->format);
            return false;
        }
        set_value(values, "backing_fmt", c->backing_format);
    }
    return true;
}

/* Whether it is there, and its size when none was given. */
static bool look_at_backing(const ImgCreate *c, const char *backing,
                            const char *format, int64_t *size, Error **errp)
{
    g_autofree char *path = bdrv_path_from(c->filename, backing);
    const ToolOpen o = { .format = format, .flags = BDRV_O_NO_IO };
    BlockBackend *blk;

    if (format && !bdrv_has_driver(format)) {
        error_setg(errp, "Unknown driver '%s'", format);
        error_append_hint(errp, "Could not open backing image.");
        return false;
    }
    blk = tool_open_err(path, &o, errp);
    if (!blk) {
        error_append_hint(errp, "Could not open backing image.");
        return false;
    }
    if (!format) {
        error_setg(errp, "Backing file specified without backing format");
        error_append_hint(errp, "Detected format of %s.",
                          bdrv_get_format_name(blk_get_bs(blk)));
        blk_unref(blk);
        return false;
    }
    *size = *size < 0 ? blk_get_length(blk) : *size;
    blk_unref(blk);
    return true;
}

static bool choose_size(const ImgCreate *c, struct json_object *values,
                        Error **errp)
{
    const char *given = get_value(values, "size");
    const char *backing = get_value(values, "backing_file");
    const char *format = get_value(values, "backing_fmt");
    int64_t size = given ? g_ascii_strtoll(given, NULL, 10) : c->size;
    g_autofree char *text = NULL;

    if (c->force_size) {
        size = c->size;
    } else if (given && c->size >= 0) {
        error_setg(errp, "The image size must be specified only once");
        return false;
    }
    if (backing && !*backing) {
        error_setg(errp, "Expected backing file name, got empty string");
        return false;
    }
    if (backing && g_str_equal(backing, c->filename)) {
        error_setg(errp, "Error: Trying to create an image with the same "
                   "filename as the backing file");
        return false;
    }
    if (backing && c->unsafe && !format) {
        error_setg(errp, "Backing file specified without backing format");
        return false;
    }
    if (backing && !c->unsafe &&
        !look_at_backing(c, backing, format, &size, errp)) {
        return false;
    }
    if (size < 0) {
        error_setg(errp, "Image creation needs a size parameter");
        return false;
    }
    text = g_strdup_printf("%" PRId64, size);
    set_value(values, "size", text);
    return true;
}

static void print_formatting(const ImgCreate *c, const BdrvCreateOption *table,
                             struct json_object *values)
{
    printf("Formatting '%s', fmt=%s", c->filename, c->format);
    for (; table->name; table++) {
        const char *val = get_value(values, table->name);

        val = val ? val : table->def;
        if (val) {
            g_auto(GStrv) parts = g_strsplit(val, ",", -1);
            g_autofree char *quoted = g_strjoinv(",,", parts);

            printf(" %s=%s", table->name, quoted);
        }
    }
    printf("\n");
    fflush(stdout);
}

bool img_create_image(const ImgCreate *c, Error **errp)
{
    g_autofree BdrvCreateOption *table = bdrv_create_options(c->format,
                                                             c->filename, errp);
    struct json_object *values;
    bool ok;

    if (!table) {
        return false;
    }
    values = img_parse_create_options(table, c->options, errp);
    if (!values) {
        return false;
    }
    ok = add_backing(c, table, values, errp) && choose_size(c, values, errp);
    if (ok && !c->quiet) {
        print_formatting(c, table, values);
    }
    ok = ok && bdrv_create_image(c->filename, c->format, values, errp);
    json_object_put(values);
    return ok;
}

/* ---- The command ---- */

int img_create(int argc, char **argv)
{
    g_autoptr(GPtrArray) list = NULL;
    ImgCreate c = { .format = "raw", .size = -1 };
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT,
        { 'F', NULL, TOOL_TEXT, &c.backing_format },
        { 'b', NULL, TOOL_TEXT, &c.backing },
        { 'f', NULL, TOOL_TEXT, &c.format },
        { 'o', NULL, TOOL_LIST, &list },
        { 'q', NULL, TOOL_FLAG, &c.quiet },
        { 'u', NULL, TOOL_FLAG, &c.unsafe },
        IMG_OPT_END,
    };
    g_autofree char *joined = NULL;
    Error *err = NULL;
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    joined = img_join_options(list);
    c.options = joined;
    c.filename = first < argc ? argv[first++] : NULL;
    if (joined && img_options_want_help(joined)) {
        return img_print_create_options(c.format, c.filename);
    }
    if (!c.filename) {
        return tool_usage_error("Expecting image file name");
    }
    if (first < argc) {
        c.size = tool_parse_bytes("image size", argv[first++]);
        if (c.size < 0) {
            return 1;
        }
    }
    if (first < argc) {
        return tool_usage_error("Unexpected argument: %s", argv[first]);
    }
    if (!img_create_image(&c, &err)) {
        error_prepend(&err, "%s: ", c.filename);
        tool_report_err(err);
        return 1;
    }
    return 0;
}
