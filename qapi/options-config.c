/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -readconfig and -set. Each section of a file becomes the argument of an
 * option:
 *
 *     [device "net0"]             -device id=net0,driver=virtio-net-pci,...
 *       driver = "virtio-net-pci"
 *
 * so that all that is said of options holds for files too.
 */
#include "util/osdep.h"
#include "qapi/options.h"

#include <json-c/json.h>

#include "util/error.h"
#include "util/keyval.h"

typedef struct ConfigReader {
    CliOptions *opts;
    const char *fname;
    int line;
    char *option;       /* of the section; NULL before the first */
    GString *arg;
} ConfigReader;

/* Append ",key=value" with the commas of the value doubled. */
static void append_param(GString *arg, const char *key, const char *value)
{
    g_string_append_printf(arg, "%s%s=", arg->len ? "," : "", key);
    for (; *value; value++) {
        g_string_append_c(arg, *value);
        if (*value == ',') {
            g_string_append_c(arg, ',');
        }
    }
}

static bool config_error(ConfigReader *r, const char *what, Error **errp)
{
    error_setg(errp, "%s:%d: %s", r->fname, r->line + 1, what);
    return false;
}

static bool end_section(ConfigReader *r, Error **errp)
{
    g_autofree char *section = g_steal_pointer(&r->option);

    if (section && !cli_add(r->opts, cli_section_option(r->opts, section),
                            r->arg->str, errp)) {
        error_prepend(errp, "%s: ", r->fname);
        return false;
    }
    g_string_truncate(r->arg, 0);
    return true;
}

/* [name] or [name "id"] */
static bool read_header(ConfigReader *r, const char *line, Error **errp)
{
    g_autofree char *inner = NULL;
    char *quote, *end;

    if (!g_str_has_suffix(line, "]")) {
        return config_error(r, "expected ']' at the end", errp);
    }
    if (!end_section(r, errp)) {
        return false;
    }
    inner = g_strndup(line + 1, strlen(line) - 2);
    quote = strchr(inner, '"');
    if (quote) {
        end = strchr(quote + 1, '"');
        if (!end || end[1]) {
            return config_error(r, "expected '[option \"id\"]'", errp);
        }
        *quote = *end = '\0';
        append_param(r->arg, "id", quote + 1);
    }
    r->option = g_strdup(g_strstrip(inner));
    return true;
}

/* key = "value" */
static bool read_setting(ConfigReader *r, char *line, Error **errp)
{
    char *equals = strchr(line, '=');
    char *value;
    size_t len;

    if (!r->option) {
        return config_error(r, "setting before the first '[option]'", errp);
    }
    if (!equals) {
        return config_error(r, "expected 'key = \"value\"'", errp);
    }
    *equals = '\0';
    value = g_strstrip(equals + 1);
    len = strlen(value);
    if (len < 2 || value[0] != '"' || value[len - 1] != '"') {
        return config_error(r, "expected a value in double quotes", errp);
    }
    value[len - 1] = '\0';
    append_param(r->arg, g_strstrip(line), value + 1);
    return true;
}

bool cli_read_config(CliOptions *opts, const char *fname, const char *text,
                     Error **errp)
{
    ConfigReader r = { .opts = opts, .fname = fname };
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    bool ok = true;

    r.arg = g_string_new(NULL);
    for (; ok && lines[r.line]; r.line++) {
        char *line = g_strstrip(lines[r.line]);

        if (*line == '[') {
            ok = read_header(&r, line, errp);
        } else if (*line && *line != '#') {
            ok = read_setting(&r, line, errp);
        }
    }
    ok = ok && end_section(&r, errp);
    g_free(r.option);
    g_string_free(r.arg, TRUE);
    return ok;
}

/* ---- -set ---- */

static bool item_has_id(const CliItem *item, const char *id)
{
    struct json_object *val = NULL;

    return item->tree && json_object_object_get_ex(item->tree, "id", &val) &&
           !g_strcmp0(json_object_get_string(val), id);
}

static const CliItem *find_item(const CliOptions *opts, const char *option,
                                const char *id, Error **errp)
{
    int num = cli_find(opts, option, errp);

    for (size_t i = 0; num >= 0 && i < cli_count(opts, num); i++) {
        const CliItem *item = cli_get(opts, num, i);

        if (item_has_id(item, id)) {
            return item;
        }
    }
    if (num >= 0) {
        error_setg(errp, "there is no -%s with id '%s'", option, id);
    }
    return NULL;
}

bool cli_set(CliOptions *opts, const char *text, Error **errp)
{
    const char *eq = strchr(text, '=');
    g_autofree char *path = g_strndup(text, eq ? eq - text : 0);
    g_auto(GStrv) parts = g_strsplit(path, ".", 3);
    g_autofree char *keyval = NULL;
    struct json_object *change;
    const CliItem *item;
    GString *arg;
    bool ok;

    if (g_strv_length(parts) != 3) {
        error_setg(errp, "'%s' is not option.id.parameter=value", text);
        return false;
    }
    item = find_item(opts, parts[0], parts[1], errp);
    if (!item) {
        return false;
    }
    if (item->json) {
        error_setg(errp, "'%s' was given as JSON: change it there", parts[1]);
        return false;
    }
    arg = g_string_new(NULL);
    append_param(arg, parts[2], eq + 1);
    keyval = g_string_free(arg, FALSE);
    change = keyval_parse(keyval, NULL, NULL, errp);
    ok = change && keyval_merge(item->tree, change, errp);
    json_object_put(change);
    return ok;
}
