/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -object, object-add, object-del. */
#include "util/osdep.h"
#include "qom/property.h"
#include <json-c/json.h>

typedef struct Store {
    Object parent_obj;
    uint64_t size;
    bool busy;
} Store;

static int alive;

static const Property store_props[] = {
    PROP_SIZE("size", Store, size, 0, "bytes"),
    PROP_BOOL("busy", Store, busy, false, "whether in use"),
};

static bool store_complete(Object *obj, Error **errp)
{
    if (!((Store *)obj)->size) {
        error_setg(errp, "property 'size' is required");
        return false;
    }
    return true;
}

static bool store_can_be_deleted(Object *obj, Error **errp)
{
    return !((Store *)obj)->busy;
}

static void store_class_init(ObjectClass *oc, const void *data)
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = store_complete;
    ucc->can_be_deleted = store_can_be_deleted;
    object_class_add_props(oc, store_props);
}

static void store_init(Object *obj)
{
    alive++;
}

static void store_finalize(Object *obj)
{
    alive--;
}

static const char *const store_interfaces[] = { TYPE_USER_CREATABLE, NULL };

static const TypeInfo types[] = {
    {
        .name = "test-store", .parent = TYPE_OBJECT,
        .instance_size = sizeof(Store), .instance_init = store_init,
        .instance_finalize = store_finalize, .class_init = store_class_init,
        .interfaces = store_interfaces,
    },
};
DEFINE_TYPES(types)

static Object *add(const char *type, const char *id, const char *json,
                   Error **errp)
{
    struct json_object *props = json_tokener_parse(json);
    Object *obj = user_creatable_add(type, id, props, errp);

    json_object_put(props);
    return obj;
}

static void test_add_del(void)
{
    Object *obj = add("test-store", "mem0", "{\"size\": \"1M\"}", NULL);
    Error *err = NULL;

    g_assert_nonnull(obj);
    g_assert_cmpuint(((Store *)obj)->size, ==, MiB);
    g_assert(object_resolve_path("/objects/mem0", NULL) == obj);
    object_property_set_bool(obj, "busy", true, NULL);
    g_assert_false(user_creatable_del("mem0", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "object 'mem0' is in use, can not be deleted");
    g_clear_pointer(&err, error_free);
    object_property_set_bool(obj, "busy", false, NULL);
    g_assert_true(user_creatable_del("mem0", NULL));
    g_assert_cmpint(alive, ==, 0);
    g_assert_false(user_creatable_del("mem0", &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "object 'mem0' not found");
    error_free(err);
}

static void test_errors_leave_nothing(void)
{
    static const struct {
        const char *type, *id, *props, *error;
    } cases[] = {
        { "test-stor", "x", "{}", "'test-stor' is not a valid object type" },
        { "container", "x", "{}", "'container' is not a valid object type" },
        { "test-store", "1x", "{}", "Parameter 'id' expects an identifier" },
        { "test-store", "", "{}", "Parameter 'id' expects an identifier" },
        { "test-store", "a/b", "{}", "Parameter 'id' expects an identifier" },
        { "test-store", "x", "{}", "property 'size' is required" },
        { "test-store", "x", "{\"sice\":1}",
          "Property 'test-store.sice' not found" },
        { "test-store", "taken", "{\"size\":1}",
          "attempt to add duplicate property 'taken'" },
    };

    g_assert_nonnull(add("test-store", "taken", "{\"size\":1}", NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;

        g_assert_null(add(cases[i].type, cases[i].id, cases[i].props, &err));
        g_assert_true(g_str_has_prefix(error_get_pretty(err), cases[i].error));
        error_free(err);
        g_assert_cmpint(alive, ==, 1);
        g_assert_null(object_resolve_path("/objects/x", NULL));
    }
    user_creatable_cleanup();
    g_assert_cmpint(alive, ==, 0);
}

static void test_ids(void)
{
    g_assert_true(id_wellformed("a"));
    g_assert_true(id_wellformed("net0.a-b_c"));
    g_assert_false(id_wellformed("_a"));
    g_assert_false(id_wellformed("a b"));
    g_assert_false(id_wellformed("\xc3\xa4"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qom/user-creatable/add-del", test_add_del);
    g_test_add_func("/qom/user-creatable/errors", test_errors_leave_nothing);
    g_test_add_func("/qom/user-creatable/ids", test_ids);
    return g_test_run();
}
