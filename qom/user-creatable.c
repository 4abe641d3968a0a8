/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that users make with -object and object-add. */
#include "util/osdep.h"
#include "qom/object.h"
#include "qom/property.h"



/* It holds callbacks only. */
static const TypeInfo user_creatable_info = {
    .name = TYPE_USER_CREATABLE,
    .parent = TYPE_INTERFACE,
    .help = "objects that -object makes",
    .class_size = sizeof(UserCreatableClass),
};

static void user_creatable_register(void)
{
    type_register_static(&user_creatable_info);
}
type_init(user_creatable_register)

bool id_wellformed(const char *id)
{
    if (!g_ascii_isalpha(id[0])) {
        return false;
    }
    for (id++; *id; id++) {
        if (!g_ascii_isalnum(*id) && !strchr("-._", *id)) {
            return false;
        }
    }
    return true;
}

bool user_creatable_complete(Object *obj, Error **errp)
{
    UserCreatableClass *ucc;

    ucc = INTERFACE_GET_CLASS(UserCreatableClass, obj, TYPE_USER_CREATABLE);
    return !ucc || !ucc->complete || ucc->complete(obj, errp);
}

static bool check_id(const char *id, Error **errp)
{
    if (!id_wellformed(id)) {
        error_setg(errp, "Parameter 'id' expects an identifier");
        error_append_hint(errp, "identifiers consist of letters, digits, '-', "
                          "'.', '_', starting with a letter");
        return false;
    }
    if (object_property_find(object_get_objects_root(), id)) {
        error_setg(errp, "attempt to add duplicate property '%s' to object "
                   "(type 'container')", id);
        return false;
    }
    return true;
}

Object *user_creatable_add(const char *type, const char *id,
                           struct json_object *props, Error **errp)
{
    ObjectClass *oc = object_class_by_user_name(type, TYPE_USER_CREATABLE,
                                                "object type", errp);
    g_autoptr(Object) obj = NULL;

    if (!oc || !check_id(id, errp)) {
        return NULL;
    }
    obj = object_new_from_class(oc);
    object_apply_globals(obj);
    if (object_globals_take_error(errp) ||
        !object_set_props(obj, props, errp)) {
        return NULL;
    }
    /* complete may want the path for its name */
    object_property_add_child(object_get_objects_root(), id, obj);
    if (!user_creatable_complete(obj, errp)) {
        object_unparent(obj);
        return NULL;
    }
    return obj;
}

bool user_creatable_del(const char *id, Error **errp)
{
    Object *root = object_get_objects_root();
    Object *obj = object_resolve_path_component(root, id);
    UserCreatableClass *ucc;
    Error *local_err = NULL;

    if (!obj) {
        error_setg(errp, "object '%s' not found", id);
        return false;
    }
    ucc = INTERFACE_GET_CLASS(UserCreatableClass, obj, TYPE_USER_CREATABLE);
    if (ucc && ucc->can_be_deleted && !ucc->can_be_deleted(obj, &local_err)) {
        if (local_err) {
            error_propagate(errp, local_err);
        } else {
            error_setg(errp, "object '%s' is in use, can not be deleted", id);
        }
        return false;
    }
    object_unparent(obj);
    return true;
}

void user_creatable_cleanup(void)
{
    Object *root = object_get_objects_root();
    Object *last;

    while ((last = TAILQ_LAST(&root->children, ObjectChildren))) {
        object_unparent(last);
    }
}
