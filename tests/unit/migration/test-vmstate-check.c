/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks that devices' tests use find what they are meant to find. */
#include "util/osdep.h"
#include "vmstate-check.h"
#include "tests/unit/lib/assert-error.h"

typedef struct Toy {
    uint8_t count;
    uint32_t regs[4];
    uint32_t lost;
} Toy;

static bool never(void *opaque)
{
    return false;
}

static const VMStateField good_fields[] = {
    VMSTATE_UINT8(count, Toy),
    VMSTATE_VARRAY_UINT32(regs, Toy, count),
    VMSTATE_END_OF_LIST()
};
static const VMStateField late_count_fields[] = {
    VMSTATE_VARRAY_UINT32(regs, Toy, count),
    VMSTATE_UINT8(count, Toy),
    VMSTATE_END_OF_LIST()
};
static const VMStateField newer_fields[] = {
    VMSTATE_UINT8_V(count, Toy, 2),
    VMSTATE_END_OF_LIST()
};
static const VMStateField empty_fields[] = {
    { .name = "nothing", .size = 1 },
    VMSTATE_END_OF_LIST()
};

static const VMStateDescription good_sub = {
    .name = "toy/sub", .needed = never, .fields = good_fields,
};
static const VMStateDescription misnamed_sub = {
    .name = "toysub", .needed = never, .fields = good_fields,
};
static const VMStateDescription constant_sub = {
    .name = "toy/const", .fields = good_fields,
};

#define SUBS(...) (const VMStateDescription *const[]) { __VA_ARGS__, NULL }

static const struct {
    VMStateDescription vmsd;
    const char *error;
} cases[] = {
    { { .name = "toy", .fields = good_fields }, NULL },
    { { .name = "toy", .subsections = SUBS(&good_sub) }, NULL },
    { { .name = "" }, "needs a name" },
    { { .name = "toy", .version_id = 1, .minimum_version_id = 2 },
      "cannot load its own version" },
    { { .name = "toy", .fields = late_count_fields },
      "'regs' of 'toy' is loaded before its count" },
    { { .name = "toy", .version_id = 1, .fields = newer_fields },
      "'count' of 'toy' is newer" },
    { { .name = "toy", .fields = empty_fields }, "needs either an info" },
    { { .name = "toy", .subsections = SUBS(&misnamed_sub) },
      "must be called 'toy/...'" },
    { { .name = "toy", .subsections = SUBS(&constant_sub) },
      "is always there" },
    { { .name = "toy", .subsections = SUBS(&good_sub, &good_sub) },
      "is there twice" },
};

static void test_tables(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;
        bool ok = vmstate_check_table(&cases[i].vmsd, &err);

        g_test_message("%zu: %s", i, ok ? "fine" : error_get_pretty(err));
        g_assert_true(ok == !cases[i].error);
        if (!ok) {
            assert_error(err, cases[i].error);
        }
        error_free(err);
    }
}

static bool forgetful_post_load(void *opaque, int version_id, Error **errp)
{
    ((Toy *)opaque)->regs[0]++;
    return true;
}

static void test_roundtrip(void)
{
    VMStateDescription vmsd = { .name = "toy", .fields = good_fields };
    Toy toy = { .count = 2, .regs = { 1, 2 } };
    Error *err = NULL;

    g_assert_true(vmstate_check_roundtrip(&vmsd, &toy, NULL));
    vmstate_check_hostile(&vmsd, &toy);
    g_assert_cmpuint(toy.count, ==, 2);
    g_assert_cmpuint(toy.regs[1], ==, 2);
    vmsd.post_load = forgetful_post_load;
    g_assert_false(vmstate_check_roundtrip(&vmsd, &toy, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "'toy': byte 4 differs after a load");
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration/vmstate-check/tables", test_tables);
    g_test_add_func("/migration/vmstate-check/roundtrip", test_roundtrip);
    return g_test_run();
}
