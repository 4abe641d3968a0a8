/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From trees of regions to flat views; transactions; lifetime of views. */
#include "util/osdep.h"
#include "memory-test-util.h"
#include "qom/object.h"

#define MAX_REGIONS 6

static const MemoryRegionOps null_ops;

typedef struct RegionRow {
    const char *name;
    const char *kind;               /* io, box, ro, alias of a name */
    uint64_t size;
    const char *parent;             /* NULL: root */
    hwaddr addr;
    int priority;
    hwaddr alias_offset;
    bool disabled;
} RegionRow;

typedef struct ViewCase {
    const char *name;
    uint64_t root_size;
    RegionRow rows[MAX_REGIONS];
    const char *expect;
} ViewCase;

static const ViewCase view_cases[] = {
    { "empty", 0x10000, { { NULL } }, "" },
    { "one", 0x10000, { { "a", "io", 0x100, NULL, 0x1000 } },
      "1000-10ff:a@0" },
    { "later-wins", 0x10000,
      { { "a", "io", 0x1000, NULL, 0 }, { "b", "io", 0x100, NULL, 0x800 } },
      "0-7ff:a@0 800-8ff:b@0 900-fff:a@900" },
    { "priority-wins", 0x10000,
      { { "a", "io", 0x100, NULL, 0x800, 1 }, { "b", "io", 0x1000, NULL, 0 } },
      "0-7ff:b@0 800-8ff:a@0 900-fff:b@900" },
    { "negative-priority", 0x10000,
      { { "a", "io", 0x1000, NULL, 0 },
        { "b", "io", 0x2000, NULL, 0, -1 } },
      "0-fff:a@0 1000-1fff:b@1000" },
    { "same-priority-covers", 0x10000,
      { { "a", "io", 0x100, NULL, 0 }, { "b", "io", 0x100, NULL, 0 } },
      "0-ff:b@0" },
    { "container-clips", 0x10000,
      { { "box", "box", 0x1000, NULL, 0x2000 },
        { "a", "io", 0x4000, "box", 0x800 } },
      "2800-2fff:a@0" },
    { "container-is-transparent", 0x10000,
      { { "a", "io", 0x3000, NULL, 0 },
        { "box", "box", 0x1000, NULL, 0x1000, 1 },
        { "b", "io", 0x100, "box", 0x100 } },
      "0-10ff:a@0 1100-11ff:b@0 1200-2fff:a@1200" },
    { "priority-is-local", 0x10000,
      { { "box", "box", 0x1000, NULL, 0, 0 },
        { "a", "io", 0x1000, "box", 0, 99 },
        { "b", "io", 0x100, NULL, 0, 1 } },
      "0-ff:b@0 100-fff:a@100" },
    { "children-above-terminating-parent", 0x10000,
      { { "a", "io", 0x1000, NULL, 0 }, { "b", "io", 0x10, "a", 0x20 } },
      "0-1f:a@0 20-2f:b@0 30-fff:a@30" },
    { "disabled", 0x10000,
      { { "a", "io", 0x1000, NULL, 0, 0, 0, true },
        { "b", "io", 0x1000, NULL, 0x1000 } },
      "1000-1fff:b@0" },
    { "disabled-container", 0x10000,
      { { "box", "box", 0x1000, NULL, 0, 0, 0, true },
        { "a", "io", 0x1000, "box", 0 } },
      "" },
    { "zero-size", 0x10000, { { "a", "io", 0, NULL, 0 } }, "" },
    { "alias", 0x10000,
      { { "a", "io", 0x1000, NULL, 0x8000 },
        { "v", "alias a", 0x200, NULL, 0, 0, 0x300 } },
      "0-1ff:a@300 8000-8fff:a@0" },
    { "alias-longer-than-target", 0x10000,
      { { "a", "io", 0x1000, NULL, 0x8000 },
        { "v", "alias a", 0x2000, NULL, 0, 0, 0x800 } },
      "0-7ff:a@800 8000-8fff:a@0" },
    { "alias-of-container", 0x10000,
      { { "box", "box", 0x1000, NULL, 0x8000 },
        { "a", "io", 0x100, "box", 0x400 },
        { "v", "alias box", 0x1000, NULL, 0, 0, 0x400 } },
      "0-ff:a@0 8400-84ff:a@0" },
    { "alias-of-alias", 0x10000,
      { { "a", "io", 0x1000, NULL, 0x8000 },
        { "v", "alias a", 0x800, NULL, 0x4000, 0, 0x100 },
        { "w", "alias v", 0x100, NULL, 0, 0, 0x200 } },
      "0-ff:a@300 4000-47ff:a@100 8000-8fff:a@0" },
    { "readonly-alias", 0x10000,
      { { "a", "io", 0x1000, NULL, 0x8000 },
        { "v", "ro a", 0x1000, NULL, 0 } },
      "0-fff:a@0r 8000-8fff:a@0" },
    { "aliases-merge", 0x10000,
      { { "a", "io", 0x1000, NULL, 0x8000 },
        { "v", "alias a", 0x800, NULL, 0, 0, 0 },
        { "w", "alias a", 0x800, NULL, 0x800, 0, 0x800 } },
      "0-fff:a@0 8000-8fff:a@0" },
    { "whole-space", UINT64_MAX,
      { { "a", "io", UINT64_MAX, NULL, 0 },
        { "b", "io", 0x1000, NULL, 0xfffffffffffff000ull } },
      "0-ffffffffffffefff:a@0 fffffffffffff000-ffffffffffffffff:b@0" },
    { "beyond-the-end", UINT64_MAX,
      { { "a", "io", 0x2000, NULL, 0xfffffffffffff000ull } },
      "fffffffffffff000-ffffffffffffffff:a@0" },
    { "hole-through-three", 0x10000,
      { { "a", "io", 0x1000, NULL, 0x1000 }, { "b", "io", 0x1000, NULL, 0x3000 },
        { "c", "io", 0x10000, NULL, 0, -1 } },
      "0-fff:c@0 1000-1fff:a@0 2000-2fff:c@2000 3000-3fff:b@0 "
      "4000-ffff:c@4000" },
};

static MemoryRegion *region_by_name(MemoryRegion *regions, const char *name)
{
    for (int i = 0; i < MAX_REGIONS; i++) {
        if (g_strcmp0(regions[i].name, name) == 0) {
            return &regions[i];
        }
    }
    g_assert_not_reached();
}

static void make_region(MemoryRegion *mr, const RegionRow *row,
                        MemoryRegion *regions)
{
    const char *target = strchr(row->kind, ' ');

    if (target) {
        memory_region_init_alias(mr, NULL, row->name,
                                 region_by_name(regions, target + 1),
                                 row->alias_offset, row->size);
        memory_region_set_readonly(mr, g_str_has_prefix(row->kind, "ro"));
    } else if (g_str_equal(row->kind, "box")) {
        memory_region_init(mr, NULL, row->name, row->size);
    } else {
        memory_region_init_io(mr, NULL, &null_ops, NULL, row->name, row->size);
    }
    memory_region_set_enabled(mr, !row->disabled);
}

static void test_view_table(gconstpointer data)
{
    const ViewCase *c = data;
    MemoryRegion root, regions[MAX_REGIONS] = { 0 };
    AddressSpace as = { 0 };

    memory_region_init(&root, NULL, "root", c->root_size);
    address_space_init(&as, &root, "test");
    for (int i = 0; i < MAX_REGIONS && c->rows[i].name; i++) {
        const RegionRow *row = &c->rows[i];

        make_region(&regions[i], row, regions);
        memory_region_add_subregion_overlap(
            row->parent ? region_by_name(regions, row->parent) : &root,
            row->addr, &regions[i], row->priority);
    }
    assert_view(&as, c->expect);

    for (int i = MAX_REGIONS - 1; i >= 0; i--) {
        memory_region_deinit(&regions[i]);
    }
    assert_view(&as, "");
    address_space_destroy(&as);
    memory_region_deinit(&root);
}

typedef struct Counter {
    MemoryListener l;
    GString *log;
} Counter;

static void counter_begin(MemoryListener *l)
{
    g_string_append(container_of(l, Counter, l)->log, "(");
}

static void counter_commit(MemoryListener *l)
{
    g_string_append(container_of(l, Counter, l)->log, ")");
}

static void counter_add(MemoryListener *l, MemoryRegionSection *s)
{
    g_string_append_printf(container_of(l, Counter, l)->log,
                           "+%s:%" PRIx64 "+%" PRIx64, s->mr->name,
                           s->offset_in_as, s->size);
}

static void counter_del(MemoryListener *l, MemoryRegionSection *s)
{
    g_string_append_printf(container_of(l, Counter, l)->log,
                           "-%s:%" PRIx64 "+%" PRIx64, s->mr->name,
                           s->offset_in_as, s->size);
}

static void counter_init(Counter *c, AddressSpace *as)
{
    *c = (Counter){
        .l = { .begin = counter_begin, .commit = counter_commit,
               .region_add = counter_add, .region_del = counter_del },
        .log = g_string_new(NULL),
    };
    memory_listener_register(&c->l, as);
}

#define assert_log(c, expect)                                                  \
    do {                                                                       \
        g_assert_cmpstr((c)->log->str, ==, expect);                            \
        g_string_truncate((c)->log, 0);                                        \
    } while (0)

static void test_transaction_batches(void)
{
    MemoryRegion root, a, b;
    AddressSpace as = { 0 };
    Counter c;

    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(&a, NULL, &null_ops, NULL, "a", 0x1000);
    memory_region_init_io(&b, NULL, &null_ops, NULL, "b", 0x1000);
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, 0, &a);
    counter_init(&c, &as);
    assert_log(&c, "(+a:0+1000)");

    memory_region_transaction_begin();
    memory_region_add_subregion(&root, 0x4000, &b);
    memory_region_transaction_begin();
    memory_region_set_size(&b, 0x800);
    memory_region_transaction_commit();
    memory_region_set_address(&b, 0x5000);
    memory_region_set_enabled(&a, false);
    assert_view(&as, "0-fff:a@0");
    memory_region_transaction_commit();
    assert_view(&as, "5000-57ff:b@0");
    assert_log(&c, "(-a:0+1000+b:5000+800)");

    /* there and back: nothing happened */
    memory_region_transaction_begin();
    memory_region_set_address(&b, 0x7000);
    memory_region_set_address(&b, 0x5000);
    memory_region_transaction_commit();
    assert_log(&c, "");

    memory_region_set_enabled(&a, true);
    memory_region_set_address(&a, 0x5400);
    assert_log(&c, "(+a:0+1000)(-a:0+1000-b:5000+800+b:5000+400+a:5400+1000)");

    memory_listener_unregister(&c.l);
    assert_log(&c, "(-a:5400+1000-b:5000+400)");
    memory_region_deinit(&a);
    memory_region_deinit(&b);
    address_space_destroy(&as);
    memory_region_deinit(&root);
    g_string_free(c.log, true);
}

/* A bus master's window onto memory shares memory's view. */
static void test_view_shared_between_spaces(void)
{
    MemoryRegion sysmem, box, window, a;
    AddressSpace as = { 0 }, master = { 0 };

    memory_region_init(&sysmem, NULL, "sysmem", UINT64_MAX);
    memory_region_init(&box, NULL, "box", UINT64_MAX);
    memory_region_init_alias(&window, NULL, "window", &sysmem, 0, UINT64_MAX);
    memory_region_init_io(&a, NULL, &null_ops, NULL, "a", 0x1000);
    memory_region_set_enabled(&window, false);
    memory_region_add_subregion(&box, 0, &window);
    address_space_init(&as, &sysmem, "memory");
    address_space_init(&master, &box, "master");
    memory_region_add_subregion(&sysmem, 0x1000, &a);

    assert_view(&master, "");
    memory_region_set_enabled(&window, true);
    g_assert_true(master.view == as.view);
    assert_view(&master, "1000-1fff:a@0");
    memory_region_set_address(&a, 0x2000);
    g_assert_true(master.view == as.view);
    memory_region_set_size(&window, 0x2800);
    assert_view(&master, "2000-27ff:a@0");
    assert_view(&as, "2000-2fff:a@0");

    memory_region_deinit(&a);
    address_space_destroy(&master);
    address_space_destroy(&as);
    memory_region_deinit(&box);
    memory_region_deinit(&window);
    memory_region_deinit(&sysmem);
}

static int finalized;

static MemoryRegion *owner_region(Object *owner)
{
    return (MemoryRegion *)(owner + 1);
}

static void owner_finalize(Object *obj)
{
    g_assert_true(bql_locked());
    memory_region_deinit(owner_region(obj));
    finalized++;
}

static const TypeInfo owner_types[] = {
    {
        .name = "test-owner",
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(Object) + sizeof(MemoryRegion),
        .instance_finalize = owner_finalize,
    },
};
DEFINE_TYPES(owner_types)

static void test_view_keeps_owner(void)
{
    MemoryRegion root;
    AddressSpace as = { 0 };
    Object *owner = object_new("test-owner");
    MemoryRegion *mr = owner_region(owner);
    MemoryRegionSection s;

    finalized = 0;
    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(mr, owner, &null_ops, NULL, "a", 0x1000);
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, 0x1000, mr);
    s = memory_region_find(&as, 0x800, 0x1000);
    g_assert_true(s.mr == mr);
    g_assert_cmphex(s.offset_in_as, ==, 0x1000);
    g_assert_cmphex(s.size, ==, 0x800);

    memory_region_del_subregion(&root, mr);
    object_unref(owner);
    memory_test_reclaim();
    g_assert_cmpint(finalized, ==, 0);
    memory_region_section_unref(&s);
    g_assert_cmpint(finalized, ==, 1);
    address_space_destroy(&as);
    memory_region_deinit(&root);
}

static void test_view_reclaimed_by_main_loop(void)
{
    MemoryRegion root;
    AddressSpace as = { 0 };
    Object *owner = object_new("test-owner");

    finalized = 0;
    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(owner_region(owner), owner, &null_ops, NULL, "a",
                          0x1000);
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, 0x1000, owner_region(owner));
    memory_region_del_subregion(&root, owner_region(owner));
    object_unref(owner);
    g_assert_cmpint(finalized, ==, 0);
    memory_test_reclaim();
    g_assert_cmpint(finalized, ==, 1);
    address_space_destroy(&as);
    memory_region_deinit(&root);
}

/* Flash memory: read-only RAM, then registers, then RAM again. */
static void test_rom_device(void)
{
    MemoryRegion root, below, mr;
    AddressSpace as = { 0 };
    MemoryRegionSection s;

    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(&below, NULL, &null_ops, NULL, "below", 0x3000);
    g_assert_true(memory_region_init_rom_device(&mr, NULL, &null_ops, NULL,
                                                "flash", 0x1000, NULL));
    g_assert_false(memory_region_is_ram(&mr));
    g_assert_nonnull(memory_region_get_ram_ptr(&mr));
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, 0, &below);
    memory_region_add_subregion_overlap(&root, 0x1000, &mr, 1);
    assert_view(&as, "0-fff:below@0 1000-1fff:flash@0r 2000-2fff:below@2000");
    s = memory_region_find(&as, 0x1000, 1);
    g_assert_true(s.direct && s.readonly);

    memory_region_rom_device_set_romd(&mr, false);
    assert_view(&as, "0-fff:below@0 1000-1fff:flash@0 2000-2fff:below@2000");
    s = memory_region_find(&as, 0x1000, 1);
    g_assert_false(s.direct || s.readonly);
    memory_region_rom_device_set_romd(&mr, true);
    assert_view(&as, "0-fff:below@0 1000-1fff:flash@0r 2000-2fff:below@2000");

    memory_region_deinit(&mr);
    memory_region_deinit(&below);
    address_space_destroy(&as);
    memory_region_deinit(&root);
}

static void test_find(void)
{
    MemoryRegion root, a;
    AddressSpace as = { 0 };
    MemoryRegionSection s;

    memory_region_init(&root, NULL, "root", 0x10000);
    memory_region_init_io(&a, NULL, &null_ops, NULL, "a", 0x1000);
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, 0x1000, &a);

    s = memory_region_find(&as, 0x1400, 0x10);
    g_assert_true(s.mr == &a);
    g_assert_cmphex(s.offset_in_region, ==, 0x400);
    g_assert_cmphex(s.size, ==, 0x10);
    s = memory_region_find(&as, 0x1ff0, 0x100);
    g_assert_cmphex(s.size, ==, 0x10);
    g_assert_null(memory_region_find(&as, 0x800, 0x800).mr);
    g_assert_null(memory_region_find(&as, 0x2000, 0x1000).mr);
    g_assert_null(memory_region_find(&as, 0x1000, 0).mr);

    memory_region_deinit(&a);
    address_space_destroy(&as);
    memory_region_deinit(&root);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    memory_test_init();
    for (size_t i = 0; i < G_N_ELEMENTS(view_cases); i++) {
        g_autofree char *path = g_strdup_printf("/system/memory/view/%s",
                                                view_cases[i].name);

        g_test_add_data_func(path, &view_cases[i], test_view_table);
    }
    g_test_add_func("/system/memory/transaction/batches",
                    test_transaction_batches);
    g_test_add_func("/system/memory/view/shared",
                    test_view_shared_between_spaces);
    g_test_add_func("/system/memory/view/keeps-owner", test_view_keeps_owner);
    g_test_add_func("/system/memory/view/reclaimed",
                    test_view_reclaimed_by_main_loop);
    g_test_add_func("/system/memory/find", test_find);
    g_test_add_func("/system/memory/view/rom-device", test_rom_device);
    return g_test_run();
}
