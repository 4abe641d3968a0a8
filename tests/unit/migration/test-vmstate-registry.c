/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what there is to save. */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "tests/unit/lib/assert-error.h"

static const VMStateDescription vm_disk = { .name = "disk" };
static const VMStateDescription vm_bus = {
    .name = "bus", .priority = VMSTATE_PRI_PCI_BUS,
};

static bool list_entry(const VMStateEntry *se, void *opaque, Error **errp)
{
    g_string_append_printf(opaque, "%s:%u ", se->idstr, se->instance_id);
    return true;
}

static void assert_list(const char *want)
{
    GString *s = g_string_new(NULL);

    g_assert_true(vmstate_foreach(list_entry, s, NULL));
    g_assert_cmpstr(s->str, ==, want);
    g_string_free(s, true);
}

static void test_names_and_order(void)
{
    int a, b, c, d;
    Error *err = NULL;
    g_autofree char *longer = g_strnfill(251, 'x');

    g_assert_true(vmstate_register("0000:00:01.0", &vm_disk, &a, NULL));
    g_assert_true(vmstate_register(NULL, &vm_disk, &b, NULL));
    g_assert_true(vmstate_register(NULL, &vm_disk, &c, NULL));
    g_assert_true(vmstate_register(NULL, &vm_bus, &d, NULL));
    assert_list("bus:0 0000:00:01.0/disk:0 disk:0 disk:1 ");

    g_assert_false(vmstate_register("0000:00:01.0", &vm_disk, &d, &err));
    assert_error(err, "registered already");
    g_clear_pointer(&err, error_free);
    g_assert_false(vmstate_register(longer, &vm_disk, &d, &err));
    assert_error(err, "longer than 255");
    error_free(err);

    vmstate_unregister(&vm_disk, &b);
    assert_list("bus:0 0000:00:01.0/disk:0 disk:1 ");
    vmstate_unregister(&vm_disk, &a);
    vmstate_unregister(&vm_disk, &c);
    vmstate_unregister(&vm_bus, &d);
    assert_list("");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration/vmstate-registry/order", test_names_and_order);
    return g_test_run();
}
