/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that tell the schema itself. Both answers are texts made by the
 * schema compiler and are parsed when somebody asks, not before.
 */
#include "util/osdep.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/qapi-commands-introspect.h"
#include "qapi/qapi-commands-misc.h"
#include "qapi/qapi-introspect.h"
#include "qapi/qapi-options.h"
#include "qapi/qapi-visit-misc.h"
#include "util/error.h"

bool qmp_query_qmp_schema(struct json_object *args, struct json_object **ret,
                          Error **errp)
{
    return qapi_visit_args(args, NULL, qapi_no_members, errp) &&
           json_parse(qmp_schema_json, strlen(qmp_schema_json), ret, errp);
}

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
    if (option) {
        keep_option(&list, option, errp);
    }
    return list;
}
