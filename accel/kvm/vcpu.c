/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's life: kernel object, shared page, thread; the kick that gets it out
 * of the guest; and keeping all of them out while memory is rearranged.
 *
 * KVM cannot delete a single vCPU: one that is unplugged is parked and taken
 * up again when a CPU of the same id is plugged.
 */
#include "util/osdep.h"
#include <signal.h>
#include <sys/mman.h>
#include "util/log.h"
#include "util/thread.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

KVMVcpu *kvm_vcpu(CPUState *cpu)
{
    return cpu->accel_data;
}

/* ---- Kick ---- */

/*
 * The handler does nothing: the signal makes KVM_RUN return when the guest
 * runs; immediate_exit does when it is just about to.
 */
static void kick_signal(int sig)
{
}

static void install_kick_signal(void)
{
    struct sigaction sa = { .sa_handler = kick_signal };

    sigaction(SIGUSR1, &sa, NULL);
}

void kvm_vcpu_kick(CPUState *cpu)
{
    KVMVcpu *v = kvm_vcpu(cpu);

    if (!v) {
        return;
    }
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    pthread_kill(cpu->thread.handle, SIGUSR1);
}

/* ---- Inhibit ---- */

static bool any_in_guest(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        KVMVcpu *v = kvm_vcpu(cpu);

        if (v && __atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

void kvm_vcpus_inhibit(KVMState *s)
{
    CPUState *cpu;

    __atomic_store_n(&s->inhibit, true, __ATOMIC_SEQ_CST);
    CPU_FOREACH(cpu) {
        KVMVcpu *v = kvm_vcpu(cpu);

        if (v && __atomic_load_n(&v->in_guest, __ATOMIC_SEQ_CST)) {
            kvm_vcpu_kick(cpu);
        }
    }
    pthread_mutex_lock(&s->inhibit_lock);
    while (any_in_guest()) {
        pthread_cond_wait(&s->inhibit_cond, &s->inhibit_lock);
    }
    pthread_mutex_unlock(&s->inhibit_lock);
    trace_kvm_vcpus_inhibited();
}

void kvm_vcpus_resume(KVMState *s)
{
    pthread_mutex_lock(&s->inhibit_lock);
    __atomic_store_n(&s->inhibit, false, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&s->inhibit_cond);
    pthread_mutex_unlock(&s->inhibit_lock);
}

/* ---- Create and destroy ---- */

static KVMVcpu *take_parked(KVMState *s, uint64_t id)
{
    for (guint i = 0; s->parked && i < s->parked->len; i++) {
        KVMVcpu *v = g_ptr_array_index(s->parked, i);

        if (v->id == id) {
            g_ptr_array_remove_index_fast(s->parked, i);
            return v;
        }
    }
    return NULL;
}

static void park(KVMState *s, KVMVcpu *v)
{
    v->cpu = NULL;
    if (!s->parked) {
        s->parked = g_ptr_array_new();
    }
    g_ptr_array_add(s->parked, v);
}

static bool map_vcpu(KVMState *s, KVMVcpu *v, Error **errp)
{
    void *p = mmap(NULL, s->vcpu_mmap_bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED, v->fd, 0);

    if (p == MAP_FAILED) {
        error_setg_errno(errp, errno, "cannot map the run page");
        return false;
    }
    v->run = p;
    return kvm_dirty_ring_map(s, v, errp);
}

static void close_vcpu(KVMState *s, KVMVcpu *v)
{
    kvm_dirty_ring_unmap(s, v);
    if (v->run) {
        munmap(v->run, s->vcpu_mmap_bytes);
    }
    close(v->fd);
    g_free(v);
}

static KVMVcpu *open_vcpu(KVMState *s, uint64_t id, Error **errp)
{
    KVMVcpu *v;
    int fd;

    if (s->max_vcpu_id && id >= s->max_vcpu_id) {
        error_setg(errp, "the kernel's KVM takes vCPU ids up to %u, not '%"
                   PRIu64 "'", s->max_vcpu_id - 1, id);
        return NULL;
    }
    fd = kvm_vm_ioctl_num(s, KVM_CREATE_VCPU, id);
    if (fd < 0) {
        error_setg_errno(errp, -fd, "cannot create the vCPU");
        return NULL;
    }
    v = g_new0(KVMVcpu, 1);
    v->fd = fd;
    v->id = id;
    v->fresh = true;
    if (!map_vcpu(s, v, errp)) {
        close_vcpu(s, v);
        return NULL;
    }
    return v;
}

static void attach(KVMState *s, CPUState *cpu, KVMVcpu *v)
{
    v->cpu = cpu;
    cpu->accel_data = v;
    cpu->kvm_fd = v->fd;
    cpu->kvm_run = v->run;
    cpu->kvm_run_size = s->vcpu_mmap_bytes;
}

static void detach(KVMState *s, CPUState *cpu)
{
    KVMVcpu *v = kvm_vcpu(cpu);

    cpu->accel_data = NULL;
    cpu->kvm_fd = -1;
    cpu->kvm_run = NULL;
    v->fresh = false;
    park(s, v);
}

bool kvm_vcpu_create(CPUState *cpu, Error **errp)
{
    KVMState *s = kvm_state();
    uint64_t id = kvm_arch_vcpu_id(cpu);
    KVMVcpu *v = take_parked(s, id);

    install_kick_signal();
    if (!v) {
        v = open_vcpu(s, id, errp);
    }
    if (!v) {
        goto err_name;
    }
    attach(s, cpu, v);
    trace_kvm_vcpu_created(cpu->cpu_index, id, v->fd);
    if (!kvm_arch_vcpu_init(s, cpu, errp) ||
        !cpu_thread_create(cpu, "KVM", kvm_vcpu_thread, errp)) {
        goto err_detach;
    }
    return true;

err_detach:
    detach(s, cpu);
err_name:
    error_prepend(errp, "vCPU %u: ", cpu->cpu_index);
    return false;
}

void kvm_vcpu_destroy(CPUState *cpu)
{
    if (kvm_vcpu(cpu)) {
        cpu_thread_join(cpu);
        trace_kvm_vcpu_destroyed(cpu->cpu_index);
        detach(kvm_state(), cpu);
    }
}

void kvm_vcpus_cleanup(KVMState *s)
{
    for (guint i = 0; s->parked && i < s->parked->len; i++) {
        close_vcpu(s, g_ptr_array_index(s->parked, i));
    }
    if (s->parked) {
        g_ptr_array_unref(s->parked);
        s->parked = NULL;
    }
}
