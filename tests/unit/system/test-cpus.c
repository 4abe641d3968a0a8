/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU threads under an accelerator that counts instead of running. */
#include "util/osdep.h"
#include "system-test-util.h"
#include "hw/core/cpu.h"
#include "qapi/qapi-commands-machine.h"
#include "system/accel.h"

typedef struct TestCPU {
    CPUState parent_obj;

    uint64_t rounds;                    /* atomic: times in the "guest" */
    bool in_guest;                      /* atomic */
    unsigned int resets, puts, gets, nmis;
    bool get_fails;
} TestCPU;

static void test_cpu_reset_regs(CPUState *cpu)
{
    ((TestCPU *)cpu)->resets++;
}

static void test_cpu_class_init(ObjectClass *oc, const void *data)
{
    CPU_CLASS(oc)->reset_regs = test_cpu_reset_regs;
}

static void *test_vcpu_thread(void *opaque)
{
    CPUState *cpu = opaque;
    TestCPU *t = opaque;

    bql_lock();
    cpu_thread_started(cpu);
    while (!cpu->unplug) {
        if (cpu_can_run(cpu)) {
            bql_unlock();
            __atomic_store_n(&t->in_guest, true, __ATOMIC_SEQ_CST);
            __atomic_fetch_add(&t->rounds, 1, __ATOMIC_SEQ_CST);
            while (!__atomic_load_n(&cpu->exit_request, __ATOMIC_SEQ_CST)) {
                g_usleep(100);
            }
            __atomic_store_n(&t->in_guest, false, __ATOMIC_SEQ_CST);
            bql_lock();
            cpu->exit_request = false;
        }
        cpu_wait_io_event(cpu);
    }
    bql_unlock();
    return NULL;
}

static bool test_vcpu_create(CPUState *cpu, Error **errp)
{
    return cpu_thread_create(cpu, "TEST", test_vcpu_thread, errp);
}

static bool test_get_state(CPUState *cpu, Error **errp)
{
    TestCPU *t = (TestCPU *)cpu;

    g_assert_true(cpu == current_cpu);
    if (t->get_fails) {
        error_setg(errp, "broken");
        return false;
    }
    t->gets++;
    return true;
}

static bool test_put_state(CPUState *cpu, Error **errp)
{
    g_assert_true(cpu == current_cpu);
    ((TestCPU *)cpu)->puts++;
    return true;
}

static bool test_nmi(CPUState *cpu, Error **errp)
{
    ((TestCPU *)cpu)->nmis++;
    return true;
}

static void test_accel_class_init(ObjectClass *oc, const void *data)
{
    AccelClass *ac = ACCEL_CLASS(oc);

    ac->name = "test";
    ac->vcpu_create = test_vcpu_create;
    ac->vcpu_destroy = cpu_thread_join;
    ac->vcpu_get_state = test_get_state;
    ac->vcpu_put_state = test_put_state;
    ac->vcpu_inject_nmi = test_nmi;
}

static bool broken_init_machine(AccelState *as, MachineState *ms, Error **errp)
{
    error_setg(errp, "out of order");
    return false;
}

static void broken_accel_class_init(ObjectClass *oc, const void *data)
{
    ACCEL_CLASS(oc)->name = "broken";
    ACCEL_CLASS(oc)->init_machine = broken_init_machine;
}

static const TypeInfo test_types[] = {
    {
        .name = "test-cpu",
        .parent = TYPE_CPU,
        .instance_size = sizeof(TestCPU),
        .class_init = test_cpu_class_init,
    }, {
        .name = ACCEL_TYPE_NAME("test"),
        .parent = TYPE_ACCEL,
        .class_init = test_accel_class_init,
    }, {
        .name = ACCEL_TYPE_NAME("broken"),
        .parent = TYPE_ACCEL,
        .class_init = broken_accel_class_init,
    },
};
DEFINE_TYPES(test_types)

static TestCPU *new_cpu(void)
{
    Object *obj = object_new("test-cpu");

    g_assert_true(DEVICE_GET_CLASS(obj)->realize(DEVICE(obj), NULL));
    return (TestCPU *)obj;
}

static void free_cpu(TestCPU *t)
{
    DEVICE_GET_CLASS(t)->unrealize(DEVICE(t));
    object_unref(t);
}

static bool in_guest(TestCPU *t)
{
    return __atomic_load_n(&t->in_guest, __ATOMIC_SEQ_CST);
}

static void wait_in_guest(TestCPU *t)
{
    bql_unlock();
    while (!in_guest(t)) {
        g_usleep(100);
    }
    bql_lock();
}

static void test_run_and_pause(void)
{
    TestCPU *a = new_cpu(), *b = new_cpu();

    g_assert_cmpuint(a->parent_obj.cpu_index, ==, 0);
    g_assert_cmpuint(b->parent_obj.cpu_index, ==, 1);
    g_assert_true(cpu_get(1) == &b->parent_obj);
    g_assert_null(cpu_get(2));
    g_assert_cmpuint(a->resets, ==, 1);
    g_assert_cmpint(a->parent_obj.host_tid, >, 0);

    vm_start();
    wait_in_guest(a);
    wait_in_guest(b);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_false(in_guest(a));
    g_assert_false(in_guest(b));
    g_assert_true(a->parent_obj.stopped);
    vm_start();
    wait_in_guest(a);
    vm_stop(RUN_STATE_PAUSED);
    free_cpu(a);
    free_cpu(b);
    g_assert_true(TAILQ_EMPTY(&cpus));
}

static void test_free_index(void)
{
    TestCPU *a = new_cpu(), *b = new_cpu(), *c;

    free_cpu(a);
    c = new_cpu();
    g_assert_cmpuint(c->parent_obj.cpu_index, ==, 0);
    g_assert_true(TAILQ_FIRST(&cpus) == &c->parent_obj);
    free_cpu(b);
    free_cpu(c);
}

static void work(CPUState *cpu, void *opaque)
{
    int *n = opaque;

    g_assert_true(bql_locked());
    g_assert_true(current_cpu == cpu);
    __atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
}

static void test_work(void)
{
    TestCPU *a = new_cpu();
    int n = 0;

    cpu_run_on(&a->parent_obj, work, &n);           /* stopped */
    g_assert_cmpint(n, ==, 1);
    vm_start();
    wait_in_guest(a);
    cpu_run_on(&a->parent_obj, work, &n);
    g_assert_cmpint(n, ==, 2);
    for (int i = 0; i < 100; i++) {
        cpu_run_on_async(&a->parent_obj, work, &n);
    }
    cpu_run_on(&a->parent_obj, work, &n);
    g_assert_cmpint(n, ==, 103);
    vm_stop(RUN_STATE_PAUSED);
    free_cpu(a);
}

static void test_unplug_running(void)
{
    TestCPU *a = new_cpu(), *b;

    vm_start();
    wait_in_guest(a);
    b = new_cpu();                      /* not let go: not hotplugged */
    free_cpu(b);
    g_assert_true(in_guest(a));
    free_cpu(a);
    vm_stop(RUN_STATE_PAUSED);
}

static void test_synchronize(void)
{
    TestCPU *a = new_cpu(), *b = new_cpu();

    g_assert_true(a->parent_obj.vcpu_dirty);
    cpu_synchronize_all_post_reset();
    g_assert_cmpuint(a->puts, ==, 1);
    g_assert_cmpuint(b->puts, ==, 1);
    g_assert_false(a->parent_obj.vcpu_dirty);
    cpu_synchronize_state(&a->parent_obj);
    cpu_synchronize_state(&a->parent_obj);
    g_assert_cmpuint(a->gets, ==, 1);
    g_assert_true(a->parent_obj.vcpu_dirty);
    free_cpu(b);
    /* one alone does it when it runs */
    cpu_synchronize_all_post_reset();
    g_assert_cmpuint(a->puts, ==, 1);
    free_cpu(a);
}

static void stop_self(CPUState *cpu, void *opaque)
{
    system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    g_assert_false(cpu_can_run(cpu));
}

static void test_guest_reset_stops_cpu(void)
{
    TestCPU *a = new_cpu();

    vm_start();
    wait_in_guest(a);
    g_string_truncate(test_events, 0);
    cpu_run_on(&a->parent_obj, stop_self, NULL);
    test_loop_once();
    assert_events("RESET(guest-reset) ");
    wait_in_guest(a);
    vm_stop(RUN_STATE_PAUSED);
    free_cpu(a);
}

static void test_state_error_stops_vm(void)
{
    TestCPU *a = new_cpu(), *b = new_cpu();

    vm_start();
    cpu_synchronize_all_post_reset();
    a->get_fails = true;
    cpu_synchronize_state(&a->parent_obj);
    test_loop_once();
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_INTERNAL_ERROR);
    runstate_set(RUN_STATE_PRELAUNCH);
    free_cpu(a);
    free_cpu(b);
}

static void test_qmp(void)
{
    TestCPU *a = new_cpu(), *b = new_cpu();
    g_autoptr(Error) err = NULL;
    CpuInfoFastList *list = qmp_query_cpus_fast(NULL);

    g_assert_cmpint(list->value->cpu_index, ==, 0);
    g_assert_cmpint(list->value->thread_id, ==, a->parent_obj.host_tid);
    g_assert_cmpint(list->next->value->cpu_index, ==, 1);
    g_assert_null(list->next->next);
    qapi_free_CpuInfoFastList(list);

    g_assert_true(qmp_inject_nmi(NULL));
    g_assert_cmpuint(a->nmis, ==, 1);
    g_assert_cmpuint(b->nmis, ==, 1);
    free_cpu(a);
    free_cpu(b);
    g_assert_false(qmp_inject_nmi(&err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "machine does not provide NMIs");
}

static void test_accel_choice(void)
{
    g_autoptr(Error) err = NULL, err2 = NULL;

    g_assert_false(accel_init_machine(NULL, "nothing:broken", NULL, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "out of order");
    g_assert_null(current_accel);
    g_assert_false(accel_init_machine(NULL, "nothing", NULL, &err2));
    g_assert_cmpstr(error_get_pretty(err2), ==,
                    "unknown accelerator 'nothing'");
    g_assert_cmpint(accel_msi_send(&(MSIMessage){ 0 }), ==, -ENOSYS);
    g_assert_true(accel_init_machine(NULL, "broken:nothing:test", NULL, NULL));
    g_assert_nonnull(current_accel);
    g_assert_false(kvm_enabled());
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    system_test_init();
    g_test_add_func("/system/accel/choice", test_accel_choice);
    g_test_add_func("/system/cpus/run-and-pause", test_run_and_pause);
    g_test_add_func("/system/cpus/free-index", test_free_index);
    g_test_add_func("/system/cpus/work", test_work);
    g_test_add_func("/system/cpus/unplug-running", test_unplug_running);
    g_test_add_func("/system/cpus/synchronize", test_synchronize);
    g_test_add_func("/system/cpus/guest-reset", test_guest_reset_stops_cpu);
    g_test_add_func("/system/cpus/state-error", test_state_error_stops_vm);
    g_test_add_func("/system/cpus/qmp", test_qmp);
    return g_test_run();
}
