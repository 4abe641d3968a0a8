/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPUs as threads: their list, work that others want done on them, and
 * pausing them all.
 *
 * A thread sleeps on its halt_cond; one that waits for vCPUs (to stop, to
 * finish work) sleeps on cpus_cond. Both go with the big lock, so no wake-up
 * is lost: whoever changes what is waited for either holds it or, for the
 * work queues, takes it to signal.
 */
#include "util/osdep.h"
#include "hw/core/cpu.h"
#include "system/accel.h"
#include "system/runstate.h"
#include "util/bql.h"
#include "util/log.h"
#include "trace/trace-system.h"

struct CPUList cpus = TAILQ_HEAD_INITIALIZER(cpus);
__thread CPUState *current_cpu;
static pthread_cond_t cpus_cond = PTHREAD_COND_INITIALIZER;

static AccelClass *cpus_accel(void)
{
    return current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;
}

CPUState *cpu_get(uint32_t index)
{
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        if (cpu->cpu_index == index) {
            return cpu;
        }
    }
    return NULL;
}

/* ---- Work ---- */

static void cpu_queue_work(CPUState *cpu, CPUWork *w)
{
    pthread_mutex_lock(&cpu->work_lock);
    STAILQ_INSERT_TAIL(&cpu->work, w, link);
    __atomic_store_n(&cpu->has_work, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&cpu->work_lock);
    cpu_kick(cpu);
}

void cpu_run_on(CPUState *cpu, CPUWorkFn *fn, void *opaque)
{
    bool done = false;
    CPUWork w = { .fn = fn, .opaque = opaque, .done = &done };

    g_assert(bql_locked());
    if (!cpu->created || cpu == current_cpu) {
        fn(cpu, opaque);
        return;
    }
    cpu_queue_work(cpu, &w);
    while (!done) {
        bql_cond_wait(&cpus_cond);
    }
}

void cpu_run_on_async(CPUState *cpu, CPUWorkFn *fn, void *opaque)
{
    CPUWork *w = g_new0(CPUWork, 1);

    w->fn = fn;
    w->opaque = opaque;
    cpu_queue_work(cpu, w);
}

static CPUWork *cpu_take_work(CPUState *cpu)
{
    CPUWork *w;

    pthread_mutex_lock(&cpu->work_lock);
    w = STAILQ_FIRST(&cpu->work);
    if (w) {
        STAILQ_REMOVE_HEAD(&cpu->work, link);
    }
    if (STAILQ_EMPTY(&cpu->work)) {
        __atomic_store_n(&cpu->has_work, false, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&cpu->work_lock);
    return w;
}

static void cpu_process_work(CPUState *cpu)
{
    bool waited_for = false;
    CPUWork *w;

    if (!__atomic_load_n(&cpu->has_work, __ATOMIC_ACQUIRE)) {
        return;
    }
    while ((w = cpu_take_work(cpu)) != NULL) {
        w->fn(cpu, w->opaque);
        if (w->done) {
            *w->done = true;            /* @w is on the waiter's stack */
            waited_for = true;
        } else {
            g_free(w);
        }
    }
    if (waited_for) {
        pthread_cond_broadcast(&cpus_cond);
    }
}

void cpu_kick(CPUState *cpu)
{
    AccelClass *ac = cpus_accel();

    __atomic_store_n(&cpu->exit_request, true, __ATOMIC_SEQ_CST);
    if (cpu == current_cpu) {
        return;
    }
    /* Between its check and its sleep a thread holds the big lock. */
    if (bql_locked()) {
        pthread_cond_broadcast(&cpu->halt_cond);
    } else {
        BQL_GUARD();
        pthread_cond_broadcast(&cpu->halt_cond);
    }
    if (cpu->created && ac && ac->vcpu_kick) {
        ac->vcpu_kick(cpu);
    }
}

/* ---- The loop's help ---- */

bool cpu_can_run(CPUState *cpu)
{
    return !cpu->stop && !cpu->stopped && !cpu->unplug &&
           runstate_is_running();
}

static bool cpu_thread_is_idle(CPUState *cpu)
{
    if (cpu->stop || cpu->unplug ||
        __atomic_load_n(&cpu->has_work, __ATOMIC_ACQUIRE)) {
        return false;
    }
    return cpu->stopped || !runstate_is_running();
}

void cpu_wait_io_event(CPUState *cpu)
{
    while (cpu_thread_is_idle(cpu)) {
        bql_cond_wait(&cpu->halt_cond);
    }
    if (cpu->stop) {
        cpu->stop = false;
        cpu->stopped = true;
        pthread_cond_broadcast(&cpus_cond);
    }
    cpu_process_work(cpu);
}

/* ---- Threads ---- */

bool cpu_thread_create(CPUState *cpu, const char *suffix, void *(*fn)(void *),
                       Error **errp)
{
    g_autofree char *name = g_strdup_printf("CPU %u/%s", cpu->cpu_index,
                                            suffix);

    if (!thread_create(&cpu->thread, name, fn, cpu, THREAD_JOINABLE, errp)) {
        error_prepend(errp, "vCPU %u: ", cpu->cpu_index);
        return false;
    }
    while (!cpu->created) {
        bql_cond_wait(&cpus_cond);
    }
    return true;
}

void cpu_thread_started(CPUState *cpu)
{
    current_cpu = cpu;
    cpu->host_tid = thread_get_id();
    cpu->created = true;
    trace_cpu_thread_started(cpu->cpu_index, cpu->host_tid);
    pthread_cond_broadcast(&cpus_cond);
}

void cpu_thread_join(CPUState *cpu)
{
    if (!cpu->created) {
        return;
    }
    cpu->unplug = true;
    cpu_kick(cpu);
    bql_unlock();
    thread_join(&cpu->thread);
    bql_lock();
    cpu->created = false;
    cpu->host_tid = 0;
    cpu_process_work(cpu);              /* nobody waits for ever */
}

/* ---- All of them ---- */

static bool cpus_all_stopped(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        if (cpu->created && !cpu->stopped) {
            return false;
        }
    }
    return true;
}

void cpus_pause_all(void)
{
    CPUState *cpu;

    trace_cpus_pause_all();
    CPU_FOREACH(cpu) {
        if (cpu == current_cpu) {
            cpu->stop = false;
            cpu->stopped = true;
            __atomic_store_n(&cpu->exit_request, true, __ATOMIC_SEQ_CST);
        } else if (cpu->created && !cpu->stopped) {
            cpu->stop = true;
            cpu_kick(cpu);
        }
    }
    while (!cpus_all_stopped()) {
        bql_cond_wait(&cpus_cond);
    }
}

void cpus_resume_all(void)
{
    CPUState *cpu;

    if (!runstate_is_running()) {
        return;
    }
    trace_cpus_resume_all();
    CPU_FOREACH(cpu) {
        cpu->stop = false;
        cpu->stopped = false;
        pthread_cond_broadcast(&cpu->halt_cond);
    }
}

void cpu_stop_current(void)
{
    if (current_cpu && bql_locked()) {
        current_cpu->stop = true;
        __atomic_store_n(&current_cpu->exit_request, true, __ATOMIC_SEQ_CST);
    }
}

/* ---- Registers ---- */

static void cpu_do_get_state(CPUState *cpu, void *opaque)
{
    AccelClass *ac = cpus_accel();
    Error *err = NULL;

    if (cpu->vcpu_dirty || !ac || !ac->vcpu_get_state) {
        return;
    }
    if (!ac->vcpu_get_state(cpu, &err)) {
        error_prepend(&err, "vCPU %u: cannot read the registers: ",
                      cpu->cpu_index);
        error_report_err(err);
        vm_stop_request(RUN_STATE_INTERNAL_ERROR);
        return;
    }
    cpu->vcpu_dirty = true;
}

static void cpu_do_put_state(CPUState *cpu, void *opaque)
{
    AccelClass *ac = cpus_accel();
    Error *err = NULL;

    if (!ac || !ac->vcpu_put_state) {
        return;
    }
    if (!ac->vcpu_put_state(cpu, &err)) {
        error_prepend(&err, "vCPU %u: cannot set the registers: ",
                      cpu->cpu_index);
        error_report_err(err);
        vm_stop_request(RUN_STATE_INTERNAL_ERROR);
        return;
    }
    cpu->vcpu_dirty = false;
}

void cpu_synchronize_state(CPUState *cpu)
{
    if (!cpu->vcpu_dirty) {
        cpu_run_on(cpu, cpu_do_get_state, NULL);
    }
}

void cpu_synchronize_post_init(CPUState *cpu)
{
    cpu_run_on(cpu, cpu_do_put_state, NULL);
}

static void cpu_put_state_and_count(CPUState *cpu, void *opaque)
{
    unsigned int *left = opaque;

    cpu_do_put_state(cpu, NULL);
    if (--*left == 0) {
        pthread_cond_broadcast(&cpus_cond);
    }
}

/*
 * All at the same time. None may run before all are done: an interrupt that
 * the first one sends must not be overwritten by a late setting of another.
 * One alone takes its registers when it enters the guest.
 */
void cpu_synchronize_all_post_reset(void)
{
    unsigned int left = 0;
    CPUState *cpu;

    if (TAILQ_FIRST(&cpus) == TAILQ_LAST(&cpus, CPUList)) {
        return;
    }
    CPU_FOREACH(cpu) {
        if (cpu->created && cpu != current_cpu) {
            left++;
            cpu_run_on_async(cpu, cpu_put_state_and_count, &left);
        } else {
            cpu_do_put_state(cpu, NULL);
        }
    }
    while (left > 0) {
        bql_cond_wait(&cpus_cond);
    }
}
