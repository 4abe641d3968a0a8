/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual CPU, the part that is the same for every architecture. The
 * architecture's object (X86CPU, ARMCPU) embeds it, holds the registers and
 * the CPU model; the accelerator owns the thread that runs it.
 *
 * Life cycle: the architecture's realize does its part, then calls the one it
 * found (TYPE_CPU's): that gives a free cpu_index (unless set), makes the
 * thread through the accelerator, lists the CPU and resets it. Unrealize stops
 * and joins the thread. A system reset reaches CPUs as devices.
 *
 * The thread's loop, in the accelerator, with the big lock held:
 *
 *     cpu_thread_started(cpu);
 *     while (!cpu->unplug) {
 *         if (cpu_can_run(cpu)) {
 *             run the guest, without the lock; handle the exit
 *         }
 *         cpu_wait_io_event(cpu);         sleeps while there is nothing to do
 *     }
 *
 * Before it enters the guest the accelerator clears cpu->exit_request or does
 * not enter; cpu_kick sets it. Register state is the kernel's while the guest
 * runs; another thread that wants registers queues work (cpu_run_on) or stops
 * the VM first.
 *
 * An accelerator without vcpu_create (qtest) has no threads: work for a CPU
 * then runs in the caller.
 */
#ifndef HW_CORE_CPU_H
#define HW_CORE_CPU_H

#include <pthread.h>
#include "util/queue.h"
#include "util/thread.h"
#include "hw/core/qdev.h"

#define TYPE_CPU "cpu"
OBJECT_DECLARE_TYPE(CPUState, CPUClass, CPU)

struct json_object;
struct kvm_run;

/* A unit of work on the vCPU's own thread; see cpu_run_on. */
typedef void CPUWorkFn(CPUState *cpu, void *opaque);

struct CPUClass {
    DeviceClass parent_class;
    /* registers to their values after reset; big lock, CPU stopped */
    void (*reset_regs)(CPUState *cpu);
    /* what to say of this CPU in query-cpus-fast, query-hotpluggable-cpus */
    uint64_t (*get_arch_id)(CPUState *cpu);         /* APIC id, MPIDR */
    bool (*set_pc)(CPUState *cpu, uint64_t pc);
    /* the registers as text for people, synchronized before; may be NULL */
    void (*describe_regs)(CPUState *cpu, GString *out);
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
    void *accel_data;                   /* the accelerator's own */

    /* Thread */
    Thread thread;
    int host_tid;                       /* 0: no thread */
    bool created, unplug;               /* big lock */
    bool stop, stopped;                 /* big lock */
    bool exit_request;                  /* atomic */
    bool halted;                        /* as of the last state read */
    bool vcpu_dirty;                    /* registers are ours, not KVM's */
    bool crash_occurred;
    pthread_cond_t halt_cond;
    pthread_mutex_t work_lock;
    STAILQ_HEAD(CPUWorkList, CPUWork) work;     /* work_lock */
    bool has_work;                      /* atomic: the list is not empty */

    TAILQ_ENTRY(CPUState) link;
};

TAILQ_HEAD(CPUList, CPUState);
extern struct CPUList cpus;             /* by index; big lock */
#define CPU_FOREACH(cpu) TAILQ_FOREACH(cpu, &cpus, link)
extern __thread CPUState *current_cpu;  /* in a vCPU's thread, else NULL */
CPUState *cpu_get(uint32_t index);      /* NULL: none; big lock */

/*
 * Run @fn on @cpu's thread and wait (the big lock is held, and let go while
 * waiting); called on that thread itself it runs at once. The big lock is
 * held in @fn.
 */
void cpu_run_on(CPUState *cpu, CPUWorkFn *fn, void *opaque);
/* The same without waiting. Any thread. */
void cpu_run_on_async(CPUState *cpu, CPUWorkFn *fn, void *opaque);
/* Out of the guest, or out of its sleep, to look around. Any thread. */
void cpu_kick(CPUState *cpu);

/* Stop all vCPUs and wait until they are out of the guest; let them go on.
 * Only the run state calls these; others use vm_stop. Big lock. */
void cpus_pause_all(void);
void cpus_resume_all(void);

/* Called in a vCPU's thread by what ends its run (reset, power off): it does
 * not enter the guest again until the main loop has done that. Elsewhere it
 * does nothing. Big lock. */
void cpu_stop_current(void);

/* Registers to their values after reset. Big lock, CPU stopped. */
void cpu_reset(CPUState *cpu);
/*
 * Bring registers to CPUState (cpu->vcpu_dirty), or give them back at a reset
 * or after an incoming migration. Big lock.
 */
void cpu_synchronize_state(CPUState *cpu);
void cpu_synchronize_post_init(CPUState *cpu);
void cpu_synchronize_all_post_reset(void);

/* ---- For accelerators, on the vCPU's thread with the big lock ---- */

/*
 * cpu_thread_create: start @fn(cpu) as the thread "CPU N/@suffix" and wait for
 * its cpu_thread_started(). For vcpu_create. Big lock of the main thread.
 */
bool cpu_thread_create(CPUState *cpu, const char *suffix, void *(*fn)(void *),
                       Error **errp);
/* Sets current_cpu, host_tid, created. */
void cpu_thread_started(CPUState *cpu);
/* cpu_thread_join: for vcpu_destroy: have the loop end, and wait for it. */
void cpu_thread_join(CPUState *cpu);
/* Whether it may enter the guest: the VM runs and nothing stops the CPU. */
bool cpu_can_run(CPUState *cpu);
/* Sleep while idle, then serve stop requests and work. */
void cpu_wait_io_event(CPUState *cpu);

#endif
