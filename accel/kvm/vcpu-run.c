/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of a vCPU's thread: enter the guest, handle what made it leave.
 *
 * The big lock is held by the loop and released around the guest and around
 * port and memory accesses, which take it themselves for devices that want it.
 */
#include "util/osdep.h"
#include <signal.h>
#include <sys/ioctl.h>
#include "system/memory.h"
#include "system/runstate.h"
#include "util/bql.h"
#include "util/log.h"
#include "util/thread.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

/* ---- In and out of the guest ---- */

static void wait_for_resume(KVMState *s)
{
    pthread_mutex_lock(&s->inhibit_lock);
    pthread_cond_broadcast(&s->inhibit_cond);
    while (__atomic_load_n(&s->inhibit, __ATOMIC_SEQ_CST)) {
        pthread_cond_wait(&s->inhibit_cond, &s->inhibit_lock);
    }
    pthread_mutex_unlock(&s->inhibit_lock);
}

/* Pairs with kvm_vcpus_inhibit(): one of the two sees the other's store. */
static void enter(KVMState *s, KVMVcpu *v)
{
    __atomic_store_n(&v->in_guest, true, __ATOMIC_SEQ_CST);
    while (unlikely(__atomic_load_n(&s->inhibit, __ATOMIC_SEQ_CST))) {
        __atomic_store_n(&v->in_guest, false, __ATOMIC_SEQ_CST);
        wait_for_resume(s);
        __atomic_store_n(&v->in_guest, true, __ATOMIC_SEQ_CST);
    }
}

static void leave(KVMState *s, KVMVcpu *v)
{
    __atomic_store_n(&v->in_guest, false, __ATOMIC_SEQ_CST);
    if (unlikely(__atomic_load_n(&s->inhibit, __ATOMIC_SEQ_CST))) {
        pthread_mutex_lock(&s->inhibit_lock);
        pthread_cond_broadcast(&s->inhibit_cond);
        pthread_mutex_unlock(&s->inhibit_lock);
    }
}

/* 0 or -errno. Without the big lock. */
static int run_once(KVMState *s, CPUState *cpu, KVMVcpu *v)
{
    int ret;

    __atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    /* a kick from here on sets immediate_exit again */
    if (__atomic_load_n(&cpu->exit_request, __ATOMIC_SEQ_CST)) {
        /*
         * KVM_RUN finishes the access of the last exit before it looks at
         * immediate_exit: registers are then those of the next instruction.
         */
        v->run->immediate_exit = 1;
    }
    enter(s, v);
    trace_kvm_run_enter(cpu->cpu_index);
    ret = ioctl(v->fd, KVM_RUN, 0) < 0 ? -errno : 0;
    trace_kvm_run_exit(cpu->cpu_index, ret, v->run->exit_reason);
    leave(s, v);
    return ret;
}

/* ---- Exits ---- */

/* What to do after an exit. */
typedef enum ExitAction {
    EXIT_RUN_ON,
    EXIT_LEAVE,                     /* back to the loop's head */
} ExitAction;

static void handle_io(CPUState *cpu, struct kvm_run *run)
{
    trace_kvm_run_io(cpu->cpu_index, run->io.direction == KVM_EXIT_IO_OUT,
                     run->io.port, run->io.size, run->io.count);
    address_space_io_exit(run->io.port,
                          (uint8_t *)run + run->io.data_offset,
                          run->io.size, run->io.count,
                          run->io.direction == KVM_EXIT_IO_OUT);
}

static void handle_mmio(struct kvm_run *run)
{
    address_space_rw(&address_space_memory, run->mmio.phys_addr,
                     MEMTXATTRS_UNSPECIFIED, run->mmio.data, run->mmio.len,
                     run->mmio.is_write);
}

/* What a PC's chipset makes of it. */
static ExitAction handle_triple_fault(CPUState *cpu)
{
    BQL_GUARD();

    kvm_arch_shutdown_exit(cpu);
    system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    return EXIT_LEAVE;
}

static ExitAction handle_system_event(CPUState *cpu, struct kvm_run *run)
{
    BQL_GUARD();

    switch (run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
        return EXIT_LEAVE;
    case KVM_SYSTEM_EVENT_RESET:
        system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
        return EXIT_LEAVE;
    case KVM_SYSTEM_EVENT_CRASH:
        cpu_synchronize_state(cpu);
        system_guest_panicked(NULL);
        return EXIT_LEAVE;
    default:
        kvm_vcpu_report_exit(cpu, run);
        return EXIT_LEAVE;
    }
}

static ExitAction handle_notify(KVMState *s, CPUState *cpu,
                                struct kvm_run *run)
{
    warn_report_once("vCPU %u: the guest kept events out for a long time",
                     cpu->cpu_index);
    if (s->notify_mode == KVM_NOTIFY_MODE_RUN &&
        !(run->notify.flags & KVM_NOTIFY_CONTEXT_INVALID)) {
        return EXIT_RUN_ON;
    }
    kvm_vcpu_report_exit(cpu, run);
    return EXIT_LEAVE;
}

static ExitAction handle_exit(KVMState *s, CPUState *cpu, struct kvm_run *run)
{
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        handle_io(cpu, run);
        return EXIT_RUN_ON;
    case KVM_EXIT_MMIO:
        handle_mmio(run);
        return EXIT_RUN_ON;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        return EXIT_RUN_ON;
    case KVM_EXIT_INTR:
        return EXIT_LEAVE;
    case KVM_EXIT_SHUTDOWN:
        return handle_triple_fault(cpu);
    case KVM_EXIT_SYSTEM_EVENT:
        return handle_system_event(cpu, run);
    case KVM_EXIT_DIRTY_RING_FULL: {
        BQL_GUARD();
        kvm_dirty_ring_collect(s);
        return EXIT_RUN_ON;
    }
    case KVM_EXIT_NOTIFY:
        return handle_notify(s, cpu, run);
    default:
        if (kvm_arch_handle_exit(cpu, run)) {
            return EXIT_RUN_ON;
        }
        kvm_vcpu_report_exit(cpu, run);
        return EXIT_LEAVE;
    }
}

/* ---- The loop ---- */

static bool put_dirty_state(CPUState *cpu)
{
    Error *err = NULL;

    if (!cpu->vcpu_dirty) {
        return true;
    }
    if (!kvm_arch_put_state(cpu, &err)) {
        error_prepend(&err, "vCPU %u: cannot set the registers: ",
                      cpu->cpu_index);
        error_report_err(err);
        cpu->stopped = true;            /* until somebody says cont */
        vm_stop_request(RUN_STATE_INTERNAL_ERROR);
        return false;
    }
    cpu->vcpu_dirty = false;
    return true;
}

/* Run until something outside wants this CPU. With the big lock. */
static void run_guest(KVMState *s, CPUState *cpu, KVMVcpu *v)
{
    ExitAction action = EXIT_RUN_ON;

    /* Cleared before the look at the work: a later kick is seen inside. */
    __atomic_store_n(&cpu->exit_request, false, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&cpu->has_work, __ATOMIC_SEQ_CST) ||
        !put_dirty_state(cpu)) {
        return;
    }
    v->fresh = false;
    bql_unlock();
    while (action == EXIT_RUN_ON) {
        int ret = run_once(s, cpu, v);

        if (ret == 0) {
            action = handle_exit(s, cpu, v->run);
        } else if (ret == -EINTR || ret == -EAGAIN) {
            action = __atomic_load_n(&cpu->exit_request, __ATOMIC_SEQ_CST)
                     ? EXIT_LEAVE : EXIT_RUN_ON;
        } else {
            kvm_vcpu_report_failure(cpu, -ret);
            action = EXIT_LEAVE;
        }
    }
    bql_lock();
}

void *kvm_vcpu_thread(void *opaque)
{
    CPUState *cpu = opaque;
    KVMState *s = kvm_state();
    KVMVcpu *v = kvm_vcpu(cpu);
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);

    bql_lock();
    cpu_thread_started(cpu);
    while (!cpu->unplug) {
        if (cpu_can_run(cpu)) {
            run_guest(s, cpu, v);
        }
        cpu_wait_io_event(cpu);
    }
    bql_unlock();
    return NULL;
}
