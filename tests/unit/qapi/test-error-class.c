/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error classes of util are those of the schema, in the same order. */
#include "util/osdep.h"
#include "qapi/qapi-types-error.h"
#include "util/error.h"

static void test_equal(void)
{
    g_assert_cmpint(ERROR_CLASS__MAX, ==, QAPI_ERROR_CLASS__MAX);
    for (int i = 0; i < ERROR_CLASS__MAX; i++) {
        g_assert_cmpstr(error_class_name(i), ==, QapiErrorClass_str(i));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/error-class/equal", test_equal);
    return g_test_run();
}
