/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual CPU, the part that is the same for every architecture. The
 * architecture's object (X86CPU, ARMCPU) embeds it, holds the registers and
 * the CPU model; the accelerator owns the thread that runs it.
 *
 * The thread sleeps until the VM runs, calls KVM_RUN, handles exits, and
 * serves work items. Register state is the kernel's while it runs; another
 * thread that wants registers queues work (cpu_run_on) or stops the VM first.
 */
#ifndef HW_CORE_CPU_H
#define HW_CORE_CPU_H

#include <pthread.h>
#include <sys/queue.h>
#include "hw/core/qdev.h"

#define TYPE_CPU "cpu"
OBJECT_DECLARE_TYPE(CPUState, CPUClass, CPU)

struct json_object;
struct kvm_run;

/* A unit of work on the vCPU's own thread; see cpu_run_on. */
typedef void CPUWorkFn(CPUState *cpu, void *opaque);

/* What the kernel said by an exit that only the architecture understands. */
struct CPUClass {
    DeviceClass parent_class;
    /* registers to their values after reset; big lock, CPU stopped */
    void (*reset_regs)(CPUState *cpu);
    /* what to say of this CPU in query-cpus-fast, query-hotpluggable-cpus */
    uint64_t (*get_arch_id)(CPUState *cpu);         /* APIC id, MPIDR */
    bool (*set_pc)(CPUState *cpu, uint64_t pc);
    const char *arch_name;                          /* "x86_64", "aarch64" */
};

typedef struct CPUWork {
    CPUWorkFn *fn;
    void *opaque;
    bool *done;                         /* NULL: asynchronous */
    STAILQ_ENTRY(CPUWork) link;
} CPUWork;

struct CPUState {
    DeviceState parent_obj;

    /* Fixed after realize */
    uint32_t cpu_index;
    int32_t node_id, socket_id, die_id, cluster_id, core_id, thread_id;
    int kvm_fd;                         /* -1 without KVM */
    struct kvm_run *kvm_run;
    uint32_t kvm_run_size;              /* bytes */

    /* Thread */
    pthread_t thread;
    int host_tid;
    bool created, unplug, thread_exit;  /* big lock */
    bool stop, stopped;                 /* big lock */
    bool exit_request;                  /* atomic */
    bool halted;                        /* as of the last state read */
    bool vcpu_dirty;                    /* registers are ours, not KVM's */
    bool crash_occurred;
    pthread_cond_t halt_cond;
    GMutex work_lock;
    STAILQ_HEAD(, CPUWork) work;

    TAILQ_ENTRY(CPUState) link;
};

TAILQ_HEAD(CPUList, CPUState);
extern struct CPUList cpus;             /* big lock to change */
#define CPU_FOREACH(cpu) TAILQ_FOREACH(cpu, &cpus, link)
extern __thread CPUState *current_cpu;
CPUState *cpu_get(uint32_t index);

/* Run @fn on @cpu's thread and wait (the big lock is let go meanwhile); called
 * on that thread itself it runs at once. */
void cpu_run_on(CPUState *cpu, CPUWorkFn *fn, void *opaque);
void cpu_run_on_async(CPUState *cpu, CPUWorkFn *fn, void *opaque);
void cpu_kick(CPUState *cpu);
/* Stop all vCPUs and wait until they are out of the guest; let them go on. */
void cpus_pause_all(void);
void cpus_resume_all(void);
void cpu_reset(CPUState *cpu);
/* Bring registers to / from CPUState (cpu->vcpu_dirty). */
void cpu_synchronize_state(CPUState *cpu);
void cpu_synchronize_all_states(void);
void cpu_synchronize_all_post_reset(void);
void cpu_synchronize_all_post_init(void);
/* Used by accelerators from the vCPU thread. */
bool cpu_thread_is_idle(CPUState *cpu);
void cpu_wait_io_event(CPUState *cpu);
void cpu_process_work(CPUState *cpu);

#endif
