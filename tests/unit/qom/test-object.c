/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types, classes, interfaces, casts and the life of an object. */
#include "util/osdep.h"
#include "qom/object.h"
#include "tests/unit/lib/assert-error.h"

#define TYPE_BASE  "test-base"
#define TYPE_LEAF  "test-leaf"
#define TYPE_SPEAK "test-speak"
#define TYPE_SING  "test-sing"

typedef struct BaseClass {
    ObjectClass parent_class;
    int number;
    int base_inits;
} BaseClass;

typedef struct Base {
    Object parent_obj;
    int value;
} Base;

typedef struct Leaf {
    Base parent_obj;
    char pad[40] __attribute__((aligned(64)));
} Leaf;

typedef struct SpeakClass {
    InterfaceClass parent_class;
    int (*speak)(Object *obj);
} SpeakClass;

static GString *trail;
static int class_inits;

static void note(const char *what)
{
    g_string_append_printf(trail, "%s ", what);
}

static int speak_one(Object *obj)
{
    return 1;
}

static int speak_two(Object *obj)
{
    return 2;
}

static void base_class_init(ObjectClass *oc, const void *data)
{
    SpeakClass *sc;

    class_inits++;
    ((BaseClass *)oc)->number = 7;
    sc = (SpeakClass *)object_class_dynamic_cast(oc, TYPE_SPEAK);
    sc->speak = speak_one;
}

static void base_class_base_init(ObjectClass *oc, const void *data)
{
    ((BaseClass *)oc)->base_inits++;
}

static void leaf_class_init(ObjectClass *oc, const void *data)
{
    SpeakClass *sc;

    class_inits++;
    g_assert_cmpint(((BaseClass *)oc)->number, ==, 7);
    ((BaseClass *)oc)->number = 8;
    sc = (SpeakClass *)object_class_dynamic_cast(oc, TYPE_SPEAK);
    g_assert(sc->speak == speak_one);
    if (data) {
        sc->speak = speak_two;
    }
}

static void base_init(Object *obj)
{
    note("base+");
}

static void base_post(Object *obj)
{
    note("base!");
}

static void base_fini(Object *obj)
{
    note("base-");
}

static void leaf_init(Object *obj)
{
    note("leaf+");
}

static void leaf_post(Object *obj)
{
    note("leaf!");
}

static void leaf_fini(Object *obj)
{
    note("leaf-");
}

static const char *const base_interfaces[] = { TYPE_SING, NULL };

static const TypeInfo test_types[] = {
    {   /* the parent stands after the child on purpose */
        .name = TYPE_LEAF, .parent = TYPE_BASE,
        .instance_size = sizeof(Leaf), .instance_align = 64,
        .instance_init = leaf_init, .instance_post_init = leaf_post,
        .instance_finalize = leaf_fini, .class_init = leaf_class_init,
    }, {
        .name = "test-leaf-two", .parent = TYPE_BASE,
        .class_init = leaf_class_init, .class_data = "two",
    }, {
        .name = TYPE_BASE, .parent = TYPE_OBJECT, .abstract = true,
        .instance_size = sizeof(Base), .class_size = sizeof(BaseClass),
        .instance_init = base_init, .instance_post_init = base_post,
        .instance_finalize = base_fini, .class_init = base_class_init,
        .class_base_init = base_class_base_init,
        .interfaces = base_interfaces,
    }, {
        .name = TYPE_SPEAK, .parent = TYPE_INTERFACE,
        .class_size = sizeof(SpeakClass),
    }, {
        .name = TYPE_SING, .parent = TYPE_SPEAK,
    },
};
DEFINE_TYPES(test_types)

static void test_class_made_on_first_use(void)
{
    BaseClass *bc;

    g_assert_cmpint(class_inits, ==, 0);
    g_assert_null(object_class_by_name("no-such-type"));
    bc = (BaseClass *)object_class_by_name(TYPE_LEAF);
    g_assert_nonnull(bc);
    g_assert_cmpint(class_inits, ==, 2);
    g_assert_cmpint(bc->number, ==, 8);
    g_assert_cmpint(bc->base_inits, ==, 1);
    g_assert(object_class_by_name(TYPE_LEAF) == &bc->parent_class);
    g_assert_cmpint(class_inits, ==, 2);
    g_assert_cmpstr(object_class_get_name(
        object_class_get_parent(&bc->parent_class)), ==, TYPE_BASE);
}

static void test_init_and_finalize_order(void)
{
    Object *obj;

    trail = g_string_new(NULL);
    obj = object_new(TYPE_LEAF);
    g_assert_cmpuint((uintptr_t)obj % 64, ==, 0);
    g_assert_cmpstr(object_get_typename(obj), ==, TYPE_LEAF);
    object_ref(obj);
    object_unref(obj);
    g_assert_cmpstr(trail->str, ==, "base+ leaf+ leaf! base! ");
    object_unref(obj);
    g_assert_cmpstr(trail->str, ==, "base+ leaf+ leaf! base! leaf- base- ");
    object_unref(NULL);
    g_string_free(trail, true);
    trail = NULL;
}

static void test_interface_methods_inherited(void)
{
    Object *one, *two;

    trail = g_string_new(NULL);
    one = object_new(TYPE_LEAF);
    two = object_new("test-leaf-two");
    g_assert_cmpint(INTERFACE_GET_CLASS(SpeakClass, one, TYPE_SPEAK)->speak(one),
                    ==, 1);
    g_assert_cmpint(INTERFACE_GET_CLASS(SpeakClass, two, TYPE_SING)->speak(two),
                    ==, 2);
    g_assert(object_dynamic_cast(one, TYPE_SING) == one);
    g_assert_null(object_dynamic_cast(one, "test-leaf-two"));
    g_assert_null(object_dynamic_cast(NULL, TYPE_LEAF));
    g_assert(object_dynamic_cast(two, TYPE_OBJECT) == two);
    object_unref(one);
    object_unref(two);
    g_string_free(trail, true);
    trail = NULL;
}

static void test_class_list_sorted_and_filtered(void)
{
    GSList *list = object_class_get_list(TYPE_SPEAK, false);

    g_assert_cmpint(g_slist_length(list), ==, 2);
    g_assert_cmpstr(object_class_get_name(list->data), ==, TYPE_LEAF);
    g_slist_free(list);
    list = object_class_get_list(TYPE_BASE, true);
    g_assert_cmpint(g_slist_length(list), ==, 3);
    g_assert_cmpstr(object_class_get_name(list->data), ==, TYPE_BASE);
    g_slist_free(list);
}

static void test_user_name_errors(void)
{
    static const struct {
        const char *name, *text, *hint;
    } cases[] = {
        { "test-lead", "'test-lead' is not a valid thing", TYPE_LEAF },
        { TYPE_BASE, "'test-base' is an abstract type", NULL },
        { TYPE_SPEAK, "'test-speak' is an abstract type", NULL },
        { "container", "'container' is not a valid thing", NULL },
        { "", "'' is not a valid thing", NULL },
    };

    type_register_alias("leaf-alias", TYPE_LEAF);
    g_assert_nonnull(object_class_by_user_name("leaf-alias", TYPE_SPEAK,
                                               "thing", NULL));
    g_assert_cmpstr(type_resolve_alias("leaf-alias"), ==, TYPE_LEAF);
    g_assert_cmpstr(type_resolve_alias("other"), ==, "other");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;

        g_assert_null(object_class_by_user_name(cases[i].name, TYPE_SPEAK,
                                                "thing", &err));
        assert_error(err, cases[i].text);
        if (cases[i].hint) {
            g_assert_nonnull(strstr(error_get_hint(err), cases[i].hint));
        }
        error_free(err);
    }
}

static void test_wrong_cast_aborts(void)
{
    if (g_test_subprocess()) {
        trail = g_string_new(NULL);
        object_check_cast(object_new(TYPE_LEAF), "test-leaf-two", __FILE__,
                          __LINE__);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qom/object/class/made-on-first-use",
                    test_class_made_on_first_use);
    g_test_add_func("/qom/object/life/order", test_init_and_finalize_order);
    g_test_add_func("/qom/object/interface/inherited",
                    test_interface_methods_inherited);
    g_test_add_func("/qom/object/class/list",
                    test_class_list_sorted_and_filtered);
    g_test_add_func("/qom/object/class/user-name-errors",
                    test_user_name_errors);
    g_test_add_func("/qom/object/cast/wrong-aborts", test_wrong_cast_aborts);
    return g_test_run();
}
