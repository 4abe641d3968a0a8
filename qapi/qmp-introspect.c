/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command that tells the schema itself: a text made by the schema compiler,
 * parsed when somebody asks, not before. */
#include "util/osdep.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/qapi-commands-introspect.h"
#include "qapi/qapi-introspect.h"
#include "qapi/visitor.h"
#include "util/error.h"

bool qmp_query_qmp_schema(struct json_object *args, struct json_object **ret,
                          Error **errp)
{
    return qapi_visit_args(args, NULL, qapi_no_members, errp) &&
           json_parse(qmp_schema_json, strlen(qmp_schema_json), ret, errp);
}
