/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -global and compat properties. */
#include "util/osdep.h"
#include "qom/property.h"
#include "tests/unit/lib/assert-error.h"

typedef struct Gadget {
    Object parent_obj;
    uint32_t speed;
} Gadget;

static const Property gadget_props[] = {
    PROP_UINT32("speed", Gadget, speed, 1, "how fast"),
};

static void gadget_class_init(ObjectClass *oc, const void *data)
{
    object_class_add_props(oc, gadget_props);
}

static const TypeInfo types[] = {
    {
        .name = "gadget", .parent = TYPE_OBJECT,
        .instance_size = sizeof(Gadget), .class_init = gadget_class_init,
        .instance_post_init = object_apply_globals,
    },
    { .name = "fast-gadget", .parent = "gadget" },
};
DEFINE_TYPES(types)

static uint32_t speed_of(const char *type)
{
    g_autoptr(Object) obj = object_new(type);

    return ((Gadget *)obj)->speed;
}

static void test_order(void)
{
    static const GlobalProperty compat[] = {
        { "gadget", "speed", "10" },
        { "gadget", "gone", "1", .optional = true },
        { "fast-gadget", "speed", "20" },
    };

    object_add_global("gadget-alias", "speed", "30");
    object_add_compat_props(compat, G_N_ELEMENTS(compat));
    /* compat values give way to -global, whenever they were added */
    g_assert_cmpuint(speed_of("fast-gadget"), ==, 30);
    object_globals_reset();
    object_add_compat_props(compat, G_N_ELEMENTS(compat));
    g_assert_cmpuint(speed_of("gadget"), ==, 10);
    g_assert_cmpuint(speed_of("fast-gadget"), ==, 20);
    g_assert_false(object_globals_take_error(NULL));
    object_globals_reset();
    g_assert_cmpuint(speed_of("gadget"), ==, 1);
}

static void test_error_is_kept(void)
{
    Error *err = NULL;

    object_add_global("gadget", "speed", "fast");
    speed_of("gadget");
    g_assert_true(object_globals_take_error(&err));
    assert_error(err, "can't apply global gadget.speed=fast: ");
    error_free(err);
    g_assert_false(object_globals_take_error(NULL));
    object_globals_reset();
}

static void test_unused_counted(void)
{
    object_add_global("no-such-gadget", "speed", "1");
    object_add_global("fast-gadget", "no-such-prop", "1");
    object_add_global("fast-gadget", "speed", "3");
    g_assert_cmpuint(speed_of("gadget"), ==, 1);
    g_assert_cmpint(object_globals_warn_unused(), ==, 2);
    object_globals_reset();
    g_assert_cmpint(object_globals_warn_unused(), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    type_register_alias("gadget-alias", "gadget");
    g_test_add_func("/qom/globals/order", test_order);
    g_test_add_func("/qom/globals/error-is-kept", test_error_is_kept);
    g_test_add_func("/qom/globals/unused", test_unused_counted);
    return g_test_run();
}
