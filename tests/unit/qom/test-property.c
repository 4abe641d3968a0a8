/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property tables: each row type, its default, its text and its limits. */
#include "util/osdep.h"
#include "qom/property.h"
#include <json-c/json.h>
#include "util/cutils.h"
#include "qapi/qapi-types-common.h"
#include "tests/unit/lib/assert-error.h"

#define TYPE_THING "test-thing"

typedef struct Thing {
    Object parent_obj;
    bool flag;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32, bits, size32, n_names, n_words;
    uint64_t u64, bits64, size;
    int32_t i32;
    int64_t i64;
    char *str;
    int auto_mode, color;
    uint8_t mac[6];
    Uuid uuid;
    char **names;
    uint16_t *words;
    Object *friend;
    uint32_t kept;
} Thing;

static const QEnumLookup color_lookup = { "red\0green\0blue", 3 };
static DEFINE_PROP_ENUM_INFO(prop_info_color, "Color", color_lookup);

static const Property thing_props[] = {
    PROP_BOOL("flag", Thing, flag, true, "a flag"),
    PROP_UINT8("u8", Thing, u8, 8, "8 bits"),
    PROP_UINT16("u16", Thing, u16, 16, "16 bits"),
    PROP_UINT32("u32", Thing, u32, 32, "32 bits"),
    PROP_UINT64("u64", Thing, u64, UINT64_MAX, "64 bits"),
    PROP_INT32("i32", Thing, i32, -32, "signed 32 bits"),
    PROP_INT64("i64", Thing, i64, -64, "signed 64 bits"),
    PROP_SIZE("size", Thing, size, 4096, "bytes"),
    PROP_SIZE32("size32", Thing, size32, 512, "bytes"),
    PROP_STRING("str", Thing, str, "hello", "a text"),
    PROP_BIT("bit31", Thing, bits, 31, true, "the last bit"),
    PROP_BIT("bit0", Thing, bits, 0, false, "the first bit"),
    PROP_BIT64("bit63", Thing, bits64, 63, true, "the very last bit"),
    PROP_ON_OFF_AUTO("auto", Thing, auto_mode, ON_OFF_AUTO_AUTO, "a mode"),
    PROP_ENUM("color", Thing, color, prop_info_color, 2, "a colour"),
    PROP_MACADDR("mac", Thing, mac, "an address"),
    PROP_CUSTOM("uuid", Thing, uuid, prop_info_uuid, "an id"),
    PROP_ARRAY("names", Thing, n_names, names, prop_info_string, char *,
               "some names"),
    PROP_ARRAY("words", Thing, n_words, words, prop_info_uint16, uint16_t,
               "some words"),
    PROP_LINK("friend", Thing, friend, TYPE_THING, "another thing"),
    { .name = "kept", .info = &prop_info_uint32,
      .offset = offsetof(Thing, kept), .def.u = 5,
      .flags = PROP_F_NO_DEF | PROP_F_LIVE, .help = "set by init" },
};

static bool frozen;

static bool thing_may_set(Object *obj, const Property *prop, Error **errp)
{
    if (frozen) {
        error_setg(errp, "frozen '%s'", prop->name);
    }
    return !frozen;
}

static void thing_init(Object *obj)
{
    Thing *t = (Thing *)obj;

    /* defaults are there already */
    g_assert_cmpuint(t->u32, ==, 32);
    t->kept = 77;
}

static void thing_class_init(ObjectClass *oc, const void *data)
{
    oc->prop_may_set = thing_may_set;
    object_class_add_props(oc, thing_props);
}

static const TypeInfo types[] = {
    {
        .name = TYPE_THING, .parent = TYPE_OBJECT,
        .instance_size = sizeof(Thing), .instance_init = thing_init,
        .class_init = thing_class_init,
    }, {
        .name = "test-sub-thing", .parent = TYPE_THING,
    }, {
        .name = "test-plain", .parent = TYPE_OBJECT,
        .instance_size = sizeof(Object),
    },
};
DEFINE_TYPES(types)

static void test_defaults(void)
{
    g_autoptr(Object) obj = object_new("test-sub-thing");
    Thing *t = (Thing *)obj;

    g_assert_true(t->flag);
    g_assert_cmpuint(t->u8, ==, 8);
    g_assert_cmpuint(t->u16, ==, 16);
    g_assert_cmpuint(t->u64, ==, UINT64_MAX);
    g_assert_cmpint(t->i32, ==, -32);
    g_assert_cmpint(t->i64, ==, -64);
    g_assert_cmpuint(t->size, ==, 4096);
    g_assert_cmpuint(t->size32, ==, 512);
    g_assert_cmpstr(t->str, ==, "hello");
    g_assert_cmphex(t->bits, ==, 0x80000000);
    g_assert_cmphex(t->bits64, ==, 1ULL << 63);
    g_assert_cmpint(t->auto_mode, ==, ON_OFF_AUTO_AUTO);
    g_assert_cmpint(t->color, ==, 2);
    g_assert_cmpuint(t->kept, ==, 77);
}

/* What is set (JSON text), and what reads back, or the error. */
static const struct {
    const char *name, *json, *result, *error;
} cases[] = {
    { "flag", "false", "false" },
    { "flag", "\"on\"", "true" },
    { "flag", "\"maybe\"", NULL, "flag" },
    { "flag", "3", NULL, "flag" },
    { "u8", "255", "255" },
    { "u8", "\"0x10\"", "16" },
    { "u8", "256", NULL, "u8" },
    { "u8", "-1", NULL, "u8" },
    { "u16", "\"65535\"", "65535" },
    { "u16", "65536", NULL, "u16" },
    { "u32", "4294967295", "4294967295" },
    { "u32", "4294967296", NULL, "u32" },
    { "u64", "18446744073709551615", "18446744073709551615" },
    { "i32", "-2147483648", "-2147483648" },
    { "i32", "2147483648", NULL, "i32" },
    { "i64", "-5", "-5" },
    { "size", "\"4G\"", "4294967296" },
    { "size", "\"17E\"", NULL, "size" },
    { "size32", "\"1M\"", "1048576" },
    { "size32", "\"4G\"", NULL, "4294967295" },
    { "str", "\"\"", "\"\"" },
    { "str", "\"x\"", "\"x\"" },
    { "bit0", "true", "true" },
    { "bit31", "\"off\"", "false" },
    { "bit63", "false", "false" },
    { "auto", "\"off\"", "\"off\"" },
    { "auto", "true", "\"on\"" },
    { "auto", "\"perhaps\"", NULL, "perhaps" },
    { "color", "\"green\"", "\"green\"" },
    { "color", "true", NULL, "on" },
    { "color", "\"gren\"", NULL, "gren" },
    { "color", "{}", NULL, "color" },
    { "mac", "\"52:54:00:12:34:56\"", "\"52:54:00:12:34:56\"" },
    { "mac", "\"52:54:00:12:34\"", NULL, "mac" },
    { "uuid", "\"00112233-4455-6677-8899-aabbccddeeff\"",
      "\"00112233-4455-6677-8899-aabbccddeeff\"" },
    { "uuid", "\"0011\"", NULL, "uuid" },
    { "names", "[\"a\",\"b\"]", "[\"a\",\"b\"]" },
    { "names", "[]", "[]" },
    { "words", "[1,2,65535]", "[1,2,65535]" },
    { "words", "[1,65536]", NULL, "words" },
    { "nmaes", "1", NULL, "Property 'test-thing.nmaes' not found" },
    { "type", "\"x\"", NULL, "Property 'test-thing.type' is not writable" },
};

static void test_set_get_table(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct json_object *in = json_tokener_parse(cases[i].json);
        struct json_object *out;
        Error *err = NULL;
        bool ok = object_property_set_json(obj, cases[i].name, in, &err);

        g_test_message("%s=%s", cases[i].name, cases[i].json);
        json_object_put(in);
        if (cases[i].error) {
            g_assert_false(ok);
            g_test_message("%s", error_get_pretty(err));
            assert_error(err, cases[i].error);
            error_free(err);
            continue;
        }
        g_assert_true(ok);
        out = object_property_get_json(obj, cases[i].name, NULL);
        g_assert_cmpstr(json_object_to_json_string_ext(out, 0), ==,
                        cases[i].result);
        json_object_put(out);
    }
}

static void test_array_failure_keeps_old(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);
    struct json_object *good = json_tokener_parse("[7,8]");
    struct json_object *bad = json_tokener_parse("[1,2,\"x\"]");
    Thing *t = (Thing *)obj;

    g_assert_true(object_property_set_json(obj, "words", good, NULL));
    g_assert_false(object_property_set_json(obj, "words", bad, NULL));
    g_assert_cmpuint(t->n_words, ==, 2);
    g_assert_cmpuint(t->words[1], ==, 8);
    json_object_put(good);
    json_object_put(bad);
}

static void test_hint_names_closest(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);
    Error *err = NULL;

    g_assert_false(object_property_parse(obj, "nmaes", "x", &err));
    g_assert_nonnull(strstr(error_get_hint(err), "'names'"));
    error_free(err);
}

static void test_typed_access(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);
    g_autofree char *str = NULL;
    Error *err = NULL;

    g_assert_true(object_property_set_uint(obj, "u64", UINT64_MAX - 1, NULL));
    g_assert_cmpuint(object_property_get_uint(obj, "u64", NULL), ==,
                     UINT64_MAX - 1);
    g_assert_true(object_property_set_int(obj, "i64", INT64_MIN, NULL));
    g_assert_cmpint(object_property_get_int(obj, "i64", NULL), ==, INT64_MIN);
    g_assert_true(object_property_set_bool(obj, "flag", false, NULL));
    g_assert_false(object_property_get_bool(obj, "flag", NULL));
    str = object_property_get_str(obj, "color", NULL);
    g_assert_cmpstr(str, ==, "blue");
    g_assert_null(object_property_get_str(obj, "u8", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Property 'test-thing.u8' is not a string");
    error_free(err);
}

static void test_frozen(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);
    Error *err = NULL;

    frozen = true;
    g_assert_false(object_property_set_uint(obj, "u8", 1, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "frozen 'u8'");
    g_assert_true(object_property_set_uint(obj, "kept", 1, NULL));
    frozen = false;
    error_free(err);
}

static void test_link_row(void)
{
    Object *objects = object_get_objects_root();
    Object *a = object_new(TYPE_THING);
    Object *b = object_new(TYPE_THING);

    object_property_add_child(objects, "a", a);
    object_property_add_child(objects, "b", b);
    g_assert_cmpstr(object_property_find(a, "friend")->type, ==,
                    "link<test-thing>");
    g_assert_true(object_property_set_str(a, "friend", "b", NULL));
    g_assert(((Thing *)a)->friend == b);
    g_assert_cmpuint(b->ref, ==, 3);
    g_assert(object_resolve_path("/objects/a/friend", NULL) == b);
    object_unparent(a);
    object_unref(a);
    g_assert_cmpuint(b->ref, ==, 2);
    object_unparent(b);
    object_unref(b);
}

static void test_default_json(void)
{
    ObjectClass *oc = object_class_by_name(TYPE_THING);
    static const struct {
        const char *name, *json;
    } defaults[] = {
        { "flag", "true" }, { "u64", "18446744073709551615" },
        { "i32", "-32" }, { "str", "\"hello\"" }, { "auto", "\"auto\"" },
        { "color", "\"blue\"" }, { "bit0", "false" }, { "kept", NULL },
        { "mac", NULL }, { "type", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++) {
        struct json_object *def = object_property_get_default(
            object_class_property_find(oc, defaults[i].name));

        g_assert_cmpstr(def ? json_object_to_json_string_ext(def, 0) : NULL,
                        ==, defaults[i].json);
        json_object_put(def);
    }
}

static void test_alias_of_row(void)
{
    g_autoptr(Object) target = object_new(TYPE_THING);
    g_autoptr(Object) front = object_new("test-plain");
    ObjectProperty *prop;
    struct json_object *def;

    prop = object_property_add_alias(front, "power", target, "u16");
    def = object_property_get_default(prop);
    g_assert_cmpint(json_object_get_int(def), ==, 16);
    json_object_put(def);
    g_assert_true(object_property_set_uint(front, "power", 5, NULL));
    g_assert_cmpuint(((Thing *)target)->u16, ==, 5);
}

static bool collect(ObjectProperty *prop, void *opaque)
{
    GString *s = opaque;

    g_assert_nonnull(prop->description);
    g_string_append_printf(s, "%s ", prop->name);
    return s->len < 20;
}

static void test_foreach_sorted(void)
{
    GString *s = g_string_new(NULL);

    object_class_property_foreach(object_class_by_name("test-sub-thing"),
                                  collect, s);
    g_assert_cmpstr(s->str, ==, "auto bit0 bit31 bit63 ");
    g_string_free(s, true);
}

static void test_set_props(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);
    struct json_object *props =
        json_tokener_parse("{\"u8\": 1, \"flag\": \"off\", \"zz\": 1,"
                           " \"u16\": 9}");
    Error *err = NULL;

    g_assert_true(object_set_props(obj, NULL, NULL));
    g_assert_false(object_set_props(obj, props, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Property 'test-thing.zz' not found");
    g_assert_cmpuint(((Thing *)obj)->u8, ==, 1);
    g_assert_cmpuint(((Thing *)obj)->u16, ==, 16);
    error_free(err);
    json_object_put(props);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qom/property/defaults", test_defaults);
    g_test_add_func("/qom/property/set-get", test_set_get_table);
    g_test_add_func("/qom/property/array/failure-keeps-old",
                    test_array_failure_keeps_old);
    g_test_add_func("/qom/property/hint", test_hint_names_closest);
    g_test_add_func("/qom/property/typed-access", test_typed_access);
    g_test_add_func("/qom/property/frozen", test_frozen);
    g_test_add_func("/qom/property/link", test_link_row);
    g_test_add_func("/qom/property/default-json", test_default_json);
    g_test_add_func("/qom/property/alias", test_alias_of_row);
    g_test_add_func("/qom/property/foreach/sorted", test_foreach_sorted);
    g_test_add_func("/qom/property/set-props", test_set_props);
    return g_test_run();
}
