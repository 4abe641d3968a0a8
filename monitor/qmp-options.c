/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query-command-line-options: a text made by the schema compiler. What the
 * schema does not know, the properties that -machine takes, is added here.
 */
#include "util/osdep.h"
#include <json-c/json.h>
#include "hw/core/machine.h"
#include "qapi/json.h"
#include "qapi/qapi-commands-misc.h"
#include "qapi/qapi-options.h"
#include "qapi/qapi-visit-misc.h"
#include "util/error.h"

/* Leave only the entry called @option in *@list. */
static bool keep_option(CommandLineOptionInfoList **list, const char *option,
                        Error **errp)
{
    CommandLineOptionInfoList **pos = list;

    while (*pos) {
        CommandLineOptionInfoList *node = *pos;

        if (!strcmp(node->value->option, option)) {
            pos = &node->next;
            continue;
        }
        *pos = node->next;
        node->next = NULL;
        qapi_free_CommandLineOptionInfoList(node);
    }
    if (!*list) {
        error_setg(errp, "invalid option name: %s", option);
    }
    return *list != NULL;
}

/* ---- Properties of machines ---- */

static CommandLineParameterType param_type(const char *type)
{
    if (g_str_equal(type, "bool")) {
        return COMMAND_LINE_PARAMETER_TYPE_BOOLEAN;
    }
    if (g_str_equal(type, "size")) {
        return COMMAND_LINE_PARAMETER_TYPE_SIZE;
    }
    return g_str_has_prefix(type, "int") || g_str_has_prefix(type, "uint") ?
           COMMAND_LINE_PARAMETER_TYPE_NUMBER :
           COMMAND_LINE_PARAMETER_TYPE_STRING;
}

static bool has_param(const CommandLineOptionInfo *info, const char *name)
{
    const CommandLineParameterInfoList *e = info->parameters;

    while (e && !g_str_equal(e->value->name, name)) {
        e = e->next;
    }
    return e != NULL;
}

static void add_param(CommandLineOptionInfo *info, const char *name,
                      const char *type, const char *help)
{
    CommandLineParameterInfoList *e;

    if (has_param(info, name)) {
        return;
    }
    e = g_new0(CommandLineParameterInfoList, 1);
    e->value = g_new0(CommandLineParameterInfo, 1);
    e->value->name = g_strdup(name);
    e->value->type = param_type(type);
    e->value->help = g_strdup(help);
    e->next = info->parameters;
    info->parameters = e;
}

static bool add_prop(ObjectProperty *prop, void *opaque)
{
    if (prop->set && !(prop->row && prop->row->flags & PROP_F_HIDDEN)) {
        add_param(opaque, prop->name, prop->type, prop->description);
    }
    return true;
}

/* Those of all machines together: the client has not chosen one yet. */
static void add_machine_params(CommandLineOptionInfoList *list)
{
    GSList *classes, *item;

    while (list && !g_str_equal(list->value->option, "machine")) {
        list = list->next;
    }
    if (!list) {
        return;
    }
    classes = object_class_get_list(TYPE_MACHINE, false);
    for (item = classes; item; item = item->next) {
        object_class_property_foreach(item->data, add_prop, list->value);
    }
    g_slist_free(classes);
    add_param(list->value, "type", "str", "the machine");
}

/* ---- The command ---- */

CommandLineOptionInfoList *qmp_query_command_line_options(const char *option,
                                                          Error **errp)
{
    CommandLineOptionInfoList *list = NULL;
    struct json_object *tree;
    Visitor *v;

    if (!json_parse(cli_options_json, strlen(cli_options_json), &tree, errp)) {
        return NULL;
    }
    v = input_visitor_new(tree, VISIT_INPUT_JSON);
    visit_type_CommandLineOptionInfoList(v, NULL, &list, errp);
    visit_free(v);
    json_object_put(tree);
    add_machine_params(list);
    if (option) {
        keep_option(&list, option, errp);
    }
    return list;
}
