/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory backends: what they map, what they refuse. */
#include "util/osdep.h"
#include "backends/hostmem.h"
#include <glib/gstdio.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include "util/bql.h"
#include "tests/unit/lib/assert-error.h"

static HostMemoryBackend *add(const char *type, const char *props,
                              Error **errp)
{
    struct json_object *json = json_tokener_parse(props);
    Object *obj = user_creatable_add(type, "mem", json, errp);

    json_object_put(json);
    return obj ? MEMORY_BACKEND(obj) : NULL;
}

static void del(void)
{
    g_assert_true(user_creatable_del("mem", NULL));
}

static void assert_fails(const char *type, const char *props,
                         const char *text)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(add(type, props, &err));
    assert_error(err, text);
    /* nothing is left behind: the id is free */
    g_assert_null(object_resolve_path_component(object_get_objects_root(),
                                                "mem"));
}

static void test_ram_maps_zeroed_memory(void)
{
    g_autoptr(Error) err = NULL;
    HostMemoryBackend *mem = add(TYPE_MEMORY_BACKEND_RAM,
                                 "{\"size\":\"4M\",\"dump\":false}", &err);
    uint8_t *p;

    g_assert_null(err);
    g_assert_cmpuint(host_memory_backend_get_size(mem), ==, 4 * MiB);
    g_assert_cmpint(host_memory_backend_get_fd(mem), ==, -1);
    g_assert_false(host_memory_backend_is_shared(mem));
    p = host_memory_backend_get_ptr(mem);
    g_assert_cmpint(p[0], ==, 0);
    p[4 * MiB - 1] = 1;
    del();
}

static void test_ram_prealloc_by_threads(void)
{
    g_autoptr(Error) err = NULL;
    HostMemoryBackend *mem = add(TYPE_MEMORY_BACKEND_RAM,
        "{\"size\":8388608,\"prealloc\":true,\"prealloc-threads\":3}", &err);

    g_assert_null(err);
    g_assert_nonnull(mem);
    del();
}

static void test_mapped_cannot_be_deleted(void)
{
    g_autoptr(Error) err = NULL;
    HostMemoryBackend *mem = add(TYPE_MEMORY_BACKEND_RAM, "{\"size\":4096}",
                                 NULL);

    host_memory_backend_set_mapped(mem, true);
    g_assert_false(user_creatable_del("mem", &err));
    g_assert_nonnull(err);
    host_memory_backend_set_mapped(mem, false);
    del();
}

static void test_complete_is_frozen(void)
{
    g_autoptr(Error) err = NULL;
    HostMemoryBackend *mem = add(TYPE_MEMORY_BACKEND_RAM, "{\"size\":4096}",
                                 NULL);

    g_assert_false(object_property_set_uint(OBJECT(mem), "size", 8192, &err));
    assert_error(err, "'size'");
    del();
}

static void test_memfd_is_shared_and_sealed(void)
{
    g_autoptr(Error) err = NULL;
    HostMemoryBackend *mem = add(TYPE_MEMORY_BACKEND_MEMFD,
                                 "{\"size\":\"1M\"}", &err);
    uint8_t *p, byte = 0;
    int fd;

    g_assert_null(err);
    fd = host_memory_backend_get_fd(mem);
    g_assert_cmpint(fd, >=, 0);
    g_assert_true(host_memory_backend_is_shared(mem));
    p = host_memory_backend_get_ptr(mem);
    p[100] = 0x5a;
    g_assert_cmpint(pread(fd, &byte, 1, 100), ==, 1);
    g_assert_cmpint(byte, ==, 0x5a);
    g_assert_cmpint(ftruncate(fd, 2 * MiB), ==, -1);
    del();
}

static void test_file_is_created_and_kept(void)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "ram", NULL);
    g_autofree char *props = g_strdup_printf(
        "{\"size\":\"64k\",\"share\":true,\"mem-path\":\"%s\"}", path);
    g_autoptr(Error) err = NULL;
    HostMemoryBackend *mem = add(TYPE_MEMORY_BACKEND_FILE, props, &err);
    struct stat st;
    g_autofree char *content = NULL;

    g_assert_null(err);
    memcpy(host_memory_backend_get_ptr(mem), "hello", 6);
    del();
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 65536);
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "hello");

    /* readonly maps what is there */
    g_free(props);
    props = g_strdup_printf("{\"size\":\"64k\",\"share\":true,"
                            "\"readonly\":true,\"mem-path\":\"%s\"}", path);
    mem = add(TYPE_MEMORY_BACKEND_FILE, props, &err);
    g_assert_null(err);
    g_assert_true(host_memory_backend_is_readonly(mem));
    g_assert_cmpstr(host_memory_backend_get_ptr(mem), ==, "hello");
    del();

    /* a file that is too short would be a bus error later */
    g_free(props);
    props = g_strdup_printf("{\"size\":\"1M\",\"mem-path\":\"%s\"}", path);
    assert_fails(TYPE_MEMORY_BACKEND_FILE, props, "65536");
    g_unlink(path);

    /* a directory gets a file without a name */
    g_free(props);
    props = g_strdup_printf("{\"size\":\"64k\",\"mem-path\":\"%s\"}", dir);
    g_assert_nonnull(add(TYPE_MEMORY_BACKEND_FILE, props, &err));
    del();
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_bad_properties_are_refused(void)
{
    static const struct {
        const char *type, *props, *text;
    } cases[] = {
        { TYPE_MEMORY_BACKEND_RAM, "{}", "size 0" },
        { TYPE_MEMORY_BACKEND_RAM, "{\"size\":\"1X\"}", "1X" },
        { TYPE_MEMORY_BACKEND_RAM, "{\"size\":4096,\"policy\":\"bind\"}",
          "host-nodes" },
        { TYPE_MEMORY_BACKEND_RAM,
          "{\"size\":4096,\"policy\":\"bind\",\"host-nodes\":[2000]}",
          "2000" },
        { TYPE_MEMORY_BACKEND_RAM, "{\"size\":4096,\"host-nodes\":[0]}",
          "default" },
        { TYPE_MEMORY_BACKEND_RAM,
          "{\"size\":4096,\"prealloc\":true,\"reserve\":false}", "prealloc" },
        { TYPE_MEMORY_BACKEND_FILE, "{\"size\":4096}", "mem-path" },
        { TYPE_MEMORY_BACKEND_FILE,
          "{\"size\":4096,\"mem-path\":\"/nonexistent/x\"}", "/nonexistent" },
        { TYPE_MEMORY_BACKEND_FILE,
          "{\"size\":4096,\"mem-path\":\"/tmp\",\"pmem\":true}", "pmem" },
        { TYPE_MEMORY_BACKEND_FILE,
          "{\"size\":4096,\"mem-path\":\"/tmp\",\"align\":5}", "align" },
        { TYPE_MEMORY_BACKEND_FILE,
          "{\"size\":4095,\"mem-path\":\"/tmp\"}", "page size" },
        { TYPE_MEMORY_BACKEND_MEMFD,
          "{\"size\":4096,\"hugetlbsize\":2097152}", "hugetlb=on" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_fails(cases[i].type, cases[i].props, cases[i].text);
    }
}

static void test_create_internal(void)
{
    HostMemoryBackend *mem = host_memory_backend_create("pc.ram", 1 * MiB,
                                                        NULL);
    g_autofree char *name = host_memory_backend_get_ram_name(mem);

    g_assert_cmpstr(name, ==, "pc.ram");
    object_unparent(OBJECT(mem));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bql_lock();
    g_test_add_func("/backends/hostmem/ram", test_ram_maps_zeroed_memory);
    g_test_add_func("/backends/hostmem/prealloc", test_ram_prealloc_by_threads);
    g_test_add_func("/backends/hostmem/mapped", test_mapped_cannot_be_deleted);
    g_test_add_func("/backends/hostmem/frozen", test_complete_is_frozen);
    g_test_add_func("/backends/hostmem/memfd", test_memfd_is_shared_and_sealed);
    g_test_add_func("/backends/hostmem/file", test_file_is_created_and_kept);
    g_test_add_func("/backends/hostmem/bad", test_bad_properties_are_refused);
    g_test_add_func("/backends/hostmem/internal", test_create_internal);
    return g_test_run();
}
