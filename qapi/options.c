/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line; see include/qapi/options.h. */
#include "util/osdep.h"
#include "qapi/options.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "util/cutils.h"
#include "util/error.h"
#include "util/keyval.h"

struct CliOptions {
    const CliTable *table;
    GPtrArray *items;
};

static void item_free(void *opaque)
{
    CliItem *item = opaque;

    g_free(item->text);
    json_object_put(item->tree);
    g_free(item);
}

CliOptions *cli_new(const CliTable *table)
{
    CliOptions *opts = g_new0(CliOptions, 1);

    opts->table = table;
    opts->items = g_ptr_array_new_with_free_func(item_free);
    return opts;
}

void cli_free(CliOptions *opts)
{
    if (opts) {
        g_ptr_array_free(opts->items, TRUE);
        g_free(opts);
    }
}

static int find_option(const CliTable *table, const char *name)
{
    for (int i = 0; i < table->count; i++) {
        if (!strcmp(table->options[i].name, name)) {
            return i;
        }
    }
    for (const CliAlias *a = table->aliases; a->name; a++) {
        if (!strcmp(a->name, name)) {
            return a->id;
        }
    }
    return -1;
}

static void unknown_option(const CliTable *table, const char *name,
                           Error **errp)
{
    g_autofree const char **names = g_new0(const char *, table->count + 1);
    const char *close;

    for (int i = 0, n = 0; i < table->count; i++) {
        if (table->options[i].kind != CLI_ABSENT) {
            names[n++] = table->options[i].name;
        }
    }
    close = closest_string(name, names);
    if (close) {
        error_setg(errp, "invalid option '-%s', did you mean '-%s'?", name,
                   close);
    } else {
        error_setg(errp, "invalid option '-%s'", name);
    }
}

int cli_find(const CliOptions *opts, const char *name, Error **errp)
{
    int id = find_option(opts->table, name);

    if (id < 0) {
        unknown_option(opts->table, name, errp);
    }
    return id;
}

const char *cli_section_option(const CliOptions *opts, const char *section)
{
    for (int i = 0; i < opts->table->count; i++) {
        const CliOption *opt = &opts->table->options[i];

        if (opt->group && g_str_equal(opt->group, section)) {
            return opt->name;
        }
    }
    return section;
}

static bool takes_arg(const CliOption *opt)
{
    return opt->kind == CLI_ABSENT ? opt->flags & CLI_HAS_ARG
                                   : opt->kind != CLI_FLAG;
}

static bool parse_json_tree(CliItem *item, Error **errp)
{
    if (!json_parse(item->text, strlen(item->text), &item->tree, errp)) {
        return false;
    }
    item->json = true;
    return true;
}

static bool parse_tree(const CliOption *opt, CliItem *item, Error **errp)
{
    int flags = 0;

    if (item->text[0] == '{') {
        return parse_json_tree(item, errp);
    }
    flags |= opt->flags & CLI_BARE ? KEYVAL_BARE_BOOL : 0;
    flags |= opt->flags & CLI_MULTI ? KEYVAL_REPEAT_LIST : 0;
    flags |= opt->flags & CLI_MIXED ? KEYVAL_MIXED : 0;
    item->tree = keyval_parse_flags(item->text, opt->implied_key, flags,
                                    &item->help, errp);
    return item->tree != NULL;
}

static bool parse_value(const CliOption *opt, CliItem *item, Error **errp)
{
    switch (opt->kind) {
    case CLI_ENUM:
        if (!strcmp(item->text, "help") || !strcmp(item->text, "?")) {
            item->help = true;
            return true;
        }
        item->value = qapi_enum_parse(opt->values, item->text, -1, errp);
        return item->value >= 0;
    case CLI_STRUCT:
    case CLI_TREE:
        return parse_tree(opt, item, errp);
    default:
        return true;
    }
}

/* Put a new item where its option's way to repeat wants it. */
static bool store_item(CliOptions *opts, const CliOption *opt, CliItem *item,
                       Error **errp)
{
    for (guint i = 0; i < opts->items->len; i++) {
        CliItem *old = g_ptr_array_index(opts->items, i);

        if (old->id != item->id || opt->repeat == CLI_LIST) {
            continue;
        }
        if (opt->repeat == CLI_LAST) {
            g_ptr_array_remove_index(opts->items, i);
            break;
        }
        if (!keyval_merge(old->tree, item->tree, errp)) {
            return false;
        }
        g_free(old->text);
        old->text = g_steal_pointer(&item->text);
        old->help |= item->help;
        old->json &= item->json;
        item_free(item);
        return true;
    }
    g_ptr_array_add(opts->items, item);
    return true;
}

/* Errors start with "-smp cpus=x: ", and may end with an explanation. */
static void explain_item(const CliOption *opt, const CliItem *item,
                         Error **errp)
{
    if (opt->absent && errp && *errp) {
        Error *plain = *errp;

        *errp = NULL;
        error_setg(errp, "%s: %s", error_get_pretty(plain), opt->absent);
        error_free(plain);
    }
    error_prepend(errp, "-%s%s%s: ", opt->name, item->text ? " " : "",
                  item->text ? item->text : "");
}

static bool add_option(CliOptions *opts, int id, const char *arg, Error **errp)
{
    const CliOption *opt = &opts->table->options[id];
    CliItem *item;

    if (opt->kind == CLI_ABSENT) {
        error_setg(errp, "option '-%s' is not supported: %s", opt->name,
                   opt->absent);
        return false;
    }
    item = g_new0(CliItem, 1);
    item->id = id;
    item->text = g_strdup(arg);
    if (!parse_value(opt, item, errp) ||
        !store_item(opts, opt, item, errp)) {
        explain_item(opt, item, errp);
        item_free(item);
        return false;
    }
    return true;
}

bool cli_add(CliOptions *opts, const char *name, const char *arg, Error **errp)
{
    int id = cli_find(opts, name, errp);

    if (id < 0) {
        return false;
    }
    if (takes_arg(&opts->table->options[id]) && !arg) {
        error_setg(errp, "option '-%s' needs an argument", name);
        return false;
    }
    return add_option(opts, id, arg, errp);
}

bool cli_parse(CliOptions *opts, int argc, char *const *argv, Error **errp)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const char *arg = NULL;
        int id;

        if (name[0] != '-' || !name[1]) {
            error_setg(errp, "unexpected argument '%s': a disk is given as "
                       "-drive file=FILE", name);
            return false;
        }
        name += name[1] == '-' ? 2 : 1;
        id = find_option(opts->table, name);
        if (id >= 0 && takes_arg(&opts->table->options[id])) {
            arg = i + 1 < argc ? argv[++i] : NULL;
        }
        if (!cli_add(opts, name, arg, errp)) {
            return false;
        }
    }
    return true;
}

size_t cli_total(const CliOptions *opts)
{
    return opts->items->len;
}

const CliItem *cli_nth(const CliOptions *opts, size_t n)
{
    return g_ptr_array_index(opts->items, n);
}

const CliItem *cli_get(const CliOptions *opts, int id, size_t n)
{
    for (size_t i = 0; i < cli_total(opts); i++) {
        if (cli_nth(opts, i)->id == id && n-- == 0) {
            return cli_nth(opts, i);
        }
    }
    return NULL;
}

size_t cli_count(const CliOptions *opts, int id)
{
    size_t count = 0;

    for (size_t i = 0; i < cli_total(opts); i++) {
        count += cli_nth(opts, i)->id == id;
    }
    return count;
}

bool cli_given(const CliOptions *opts, int id)
{
    return cli_get(opts, id, 0) != NULL;
}

const char *cli_text(const CliOptions *opts, int id)
{
    size_t count = cli_count(opts, id);

    return count ? cli_get(opts, id, count - 1)->text : NULL;
}

Visitor *cli_item_visitor(const CliItem *item)
{
    return input_visitor_new(item->tree, item->json ? VISIT_INPUT_JSON
                                                    : VISIT_INPUT_KEYVAL);
}

bool cli_check(const CliOptions *opts, Error **errp)
{
    for (size_t i = 0; i < cli_total(opts); i++) {
        const CliItem *item = cli_nth(opts, i);
        const CliOption *opt = &opts->table->options[item->id];
        Visitor *v;
        bool ok;

        if (opt->kind != CLI_STRUCT || item->help) {
            continue;
        }
        v = cli_item_visitor(item);
        ok = opt->check(v, errp);
        visit_free(v);
        if (!ok) {
            explain_item(opt, item, errp);
            return false;
        }
    }
    return true;
}

bool cli_apply(const CliOptions *opts, CliApplyFn *const *apply, int id,
               Error **errp)
{
    for (size_t i = 0; i < cli_total(opts); i++) {
        const CliItem *item = cli_nth(opts, i);

        if (item->id == id && !apply[id](item, errp)) {
            explain_item(&opts->table->options[id], item, errp);
            return false;
        }
    }
    return true;
}

void cli_print_help(const CliTable *table, const char *progname, FILE *out)
{
    fprintf(out, "usage: %s [options]\n", progname);
    for (int cat = 0; cat < table->category_count; cat++) {
        fprintf(out, "\n%s:\n", table->categories[cat]);
        for (int i = 0; i < table->count; i++) {
            const CliOption *opt = &table->options[i];

            if (opt->category == cat && opt->help) {
                fputs(opt->help, out);
            }
        }
    }
}

void cli_print_option_help(const CliTable *table, int id, FILE *out)
{
    const CliOption *opt = &table->options[id];

    fputs(opt->detail ? opt->detail : opt->help, out);
}
