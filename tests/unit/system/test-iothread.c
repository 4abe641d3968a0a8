/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iothread objects and the memory regions of memory backends. */
#include "util/osdep.h"
#include "system/iothread.h"
#include <json-c/json.h>
#include "util/thread.h"
#include "util/thread-pool.h"
#include "qapi/qapi-commands-misc.h"
#include "system/hostmem.h"
#include "tests/unit/lib/loop.h"

static bool add(const char *type, const char *id, const char *props,
                Error **errp)
{
    struct json_object *json = json_tokener_parse(props);
    Object *obj = user_creatable_add(type, id, json, errp);

    json_object_put(json);
    return obj != NULL;
}

static void note_thread(void *opaque)
{
    *(int *)opaque = thread_get_id();
}

static void test_runs_its_own_thread(void)
{
    int tid = 0;
    IOThread *io;
    IOThreadInfoList *list;

    g_assert_true(add(TYPE_IOTHREAD, "io0", "{\"poll-max-ns\":\"1000\"}",
                      NULL));
    io = iothread_by_id("io0");
    g_assert_nonnull(io);
    g_assert_null(iothread_by_id("io1"));
    aio_wait_bh_oneshot(iothread_get_aio_context(io), note_thread, &tid);
    g_assert_cmpint(tid, !=, 0);
    g_assert_cmpint(tid, !=, thread_get_id());
    list = qmp_query_iothreads(NULL);
    g_assert_nonnull(list);
    g_assert_null(list->next);
    g_assert_cmpstr(list->value->id, ==, "io0");
    g_assert_cmpint(list->value->thread_id, ==, tid);
    g_assert_cmpint(list->value->poll_max_ns, ==, 1000);
    qapi_free_IOThreadInfoList(list);
    g_assert_true(user_creatable_del("io0", NULL));
}

static void test_numbers_change_while_it_runs(void)
{
    g_autoptr(Error) err = NULL;
    Object *obj;

    g_assert_true(add(TYPE_IOTHREAD, "io0", "{}", NULL));
    obj = OBJECT(iothread_by_id("io0"));
    g_assert_cmpint(object_property_get_int(obj, "poll-max-ns", NULL), ==,
                    IOTHREAD_POLL_MAX_NS_DEFAULT);
    g_assert_true(object_property_set_int(obj, "poll-max-ns", 5, NULL));
    g_assert_false(object_property_set_int(obj, "poll-max-ns", -5, &err));
    g_assert_nonnull(err);
    g_assert_cmpint(object_property_get_int(obj, "poll-max-ns", NULL), ==, 5);
    g_assert_true(user_creatable_del("io0", NULL));
}

static void test_numbers_are_applied(void)
{
    Object *obj;
    AioContext *ctx;

    thread_pool_set_idle_ms(1);
    g_assert_true(add(TYPE_IOTHREAD, "io0", "{\"aio-max-batch\":7,"
                      "\"thread-pool-min\":2,\"thread-pool-max\":3}", NULL));
    obj = OBJECT(iothread_by_id("io0"));
    ctx = iothread_get_aio_context(IOTHREAD(obj));
    g_assert_cmpuint(aio_context_get_max_batch(ctx), ==, 7);
    g_assert_cmpint(thread_pool_get_thread_count(), ==, 2);
    g_assert_true(object_property_set_int(obj, "aio-max-batch", 9, NULL));
    g_assert_true(object_property_set_int(obj, "thread-pool-min", 3, NULL));
    g_assert_cmpuint(aio_context_get_max_batch(ctx), ==, 9);
    g_assert_cmpint(thread_pool_get_thread_count(), ==, 3);
    g_assert_true(user_creatable_del("io0", NULL));
    for (int i = 0; thread_pool_get_thread_count() && i < 5000; i++) {
        g_usleep(1000);
    }
    g_assert_cmpint(thread_pool_get_thread_count(), ==, 0);
}

static void test_bad_numbers(void)
{
    static const char *const cases[] = {
        "{\"poll-max-ns\":-1}", "{\"aio-max-batch\":100000}",
        "{\"thread-pool-min\":5,\"thread-pool-max\":4}",
        "{\"thread-pool-max\":0}", "{\"bogus\":1}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        g_assert_false(add(TYPE_IOTHREAD, "io0", cases[i], &err));
        g_assert_nonnull(err);
        g_assert_null(iothread_by_id("io0"));
    }
}

static void test_memory_backend_has_a_region(void)
{
    HostMemoryBackend *mem;
    MemoryRegion *mr;

    g_assert_true(add(TYPE_MEMORY_BACKEND_MEMFD, "mem", "{\"size\":65536}",
                      NULL));
    mem = MEMORY_BACKEND(object_resolve_path_component(
        object_get_objects_root(), "mem"));
    mr = host_memory_backend_get_memory(mem);
    g_assert_true(mr == host_memory_backend_get_memory(mem));
    g_assert_true(memory_region_is_ram(mr));
    g_assert_cmpuint(memory_region_size(mr), ==, 65536);
    g_assert_true(memory_region_get_ram_ptr(mr) ==
                  host_memory_backend_get_ptr(mem));
    g_assert_cmpint(memory_region_get_fd(mr), ==,
                    host_memory_backend_get_fd(mem));
    g_assert_true(user_creatable_del("mem", NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/system/iothread/thread", test_runs_its_own_thread);
    g_test_add_func("/system/iothread/live", test_numbers_change_while_it_runs);
    g_test_add_func("/system/iothread/applied", test_numbers_are_applied);
    g_test_add_func("/system/iothread/bad", test_bad_numbers);
    g_test_add_func("/system/hostmem/region", test_memory_backend_has_a_region);
    return g_test_run();
}
