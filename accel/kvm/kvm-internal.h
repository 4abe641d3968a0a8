/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM accelerator, shared by its files: one capability a file, the
 * architecture's part behind the kvm_arch_* functions of <arch>.c.
 *
 * Threading: KVMState is set up under the big lock before the first vCPU runs.
 * Slots belong to the big lock; the routing table has its own lock, since MSI
 * routes come from any thread; a KVMVcpu belongs to its thread, save for the
 * atomic members.
 */
#ifndef ACCEL_KVM_KVM_INTERNAL_H
#define ACCEL_KVM_KVM_INTERNAL_H

#include <linux/kvm.h>
#include "system/accel.h"
#include "system/memory.h"

#define TYPE_KVM_ACCEL "kvm-accel"
OBJECT_DECLARE_SIMPLE_TYPE(KVMState, KVM_ACCEL)

/* -accel kvm,kernel-irqchip= */
typedef enum KVMIrqchipMode {
    KVM_IRQCHIP_MODE_OFF,
    KVM_IRQCHIP_MODE_ON,            /* PIC, IOAPIC and LAPIC in the kernel */
    KVM_IRQCHIP_MODE_SPLIT,         /* only the LAPIC */
} KVMIrqchipMode;

/* -accel kvm,notify-vmexit= */
typedef enum KVMNotifyMode {
    KVM_NOTIFY_MODE_RUN,
    KVM_NOTIFY_MODE_INTERNAL_ERROR,
    KVM_NOTIFY_MODE_DISABLE,
} KVMNotifyMode;

typedef struct KVMSlot {
    uint64_t gpa, size;             /* bytes; size 0: free */
    uint8_t *hva;
    uint32_t flags;                 /* as the kernel has them */
    RamBlock *rb;
    uint64_t rb_offset;
    unsigned long *dirty;           /* bit a page, made on demand */
} KVMSlot;

typedef struct KVMVcpu KVMVcpu;

struct KVMState {
    AccelState parent_obj;

    /* Properties */
    int irqchip_mode;               /* KVMIrqchipMode */
    uint32_t dirty_ring_entries;    /* per vCPU; 0: bitmaps */
    int notify_mode;                /* KVMNotifyMode */
    uint32_t notify_window;         /* TSC ticks on top of the hardware's */
    char *device;                   /* path of the KVM device */

    int fd, vm_fd;
    uint32_t vcpu_mmap_bytes;
    uint32_t max_vcpu_id;
    bool readonly_mem;
    bool ring_with_bitmap;
    MemoryListener memory_listener, io_listener;
    bool listening;

    /* Slots */
    GArray *slots;                  /* of KVMSlot */
    uint32_t max_slots;
    GArray *pending_add, *pending_del;      /* of MemoryRegionSection */

    /* Routing */
    pthread_mutex_t routes_lock;
    struct kvm_irq_routing *routes; /* the whole table */
    uint32_t routes_capacity;
    uint32_t nr_gsis;
    unsigned long *gsis_used;
    bool routes_changed;
    bool irqchip_made;

    /* vCPUs */
    GPtrArray *parked;              /* of KVMVcpu, for hot-plug after unplug */
    bool inhibit;                   /* atomic: stay out of KVM_RUN */
    pthread_mutex_t inhibit_lock;
    pthread_cond_t inhibit_cond;

    void *arch;
};

struct KVMVcpu {
    CPUState *cpu;                  /* NULL: parked */
    uint64_t id;
    int fd;
    struct kvm_run *run;
    bool in_guest;                  /* atomic */
    bool fresh;                     /* never ran: kernel state is RESET's */
    bool start_failed;
    struct kvm_dirty_gfn *ring;     /* NULL: none */
    uint32_t ring_next;
};

/* The accelerator when it is KVM. */
KVMState *kvm_state(void);
KVMVcpu *kvm_vcpu(CPUState *cpu);

/* ioctls that retry on EINTR; -errno on failure. */
int kvm_ioctl(KVMState *s, unsigned long request, void *arg);
int kvm_vm_ioctl(KVMState *s, unsigned long request, void *arg);
int kvm_vcpu_ioctl(CPUState *cpu, unsigned long request, void *arg);
/* For requests that take a number. */
int kvm_vm_ioctl_num(KVMState *s, unsigned long request, unsigned long num);
/* Value of KVM_CHECK_EXTENSION on the VM; 0: not there. */
int kvm_check_extension(KVMState *s, int cap);
int kvm_vm_enable_cap(KVMState *s, uint32_t cap, uint64_t arg0, uint64_t arg1);

/* memslots.c */
bool kvm_memory_init(KVMState *s, Error **errp);
void kvm_memory_cleanup(KVMState *s);
/* Slot by kernel slot number, NULL when free; for the dirty ring. */
KVMSlot *kvm_slot_by_id(KVMState *s, uint32_t id);

/* dirty-ring.c */
bool kvm_dirty_ring_init(KVMState *s, Error **errp);
bool kvm_dirty_ring_map(KVMState *s, KVMVcpu *v, Error **errp);
void kvm_dirty_ring_unmap(KVMState *s, KVMVcpu *v);
/* Take the entries of all rings; big lock. */
void kvm_dirty_ring_collect(KVMState *s);

/* ioeventfd.c */
void kvm_eventfd_add(MemoryListener *l, MemoryRegionSection *sec,
                     bool match_data, uint64_t data, EventNotifier *e);
void kvm_eventfd_del(MemoryListener *l, MemoryRegionSection *sec,
                     bool match_data, uint64_t data, EventNotifier *e);
void kvm_io_eventfd_add(MemoryListener *l, MemoryRegionSection *sec,
                        bool match_data, uint64_t data, EventNotifier *e);
void kvm_io_eventfd_del(MemoryListener *l, MemoryRegionSection *sec,
                        bool match_data, uint64_t data, EventNotifier *e);

/* routing.c, irqfd.c */
bool kvm_routing_init(KVMState *s, Error **errp);
void kvm_routing_cleanup(KVMState *s);
/* Set the route of a GSI the board knows (IOAPIC pin); not yet visible. */
void kvm_route_set(KVMState *s, const struct kvm_irq_routing_entry *entry);
void kvm_route_clear(KVMState *s, uint32_t gsi);
int kvm_msi_route_add(AccelState *as, const MSIMessage *msg);
int kvm_msi_route_update(AccelState *as, int virq, const MSIMessage *msg);
void kvm_msi_route_commit(AccelState *as);
void kvm_msi_route_release(AccelState *as, int virq);
int kvm_msi_send(AccelState *as, const MSIMessage *msg);
void kvm_gsi_set(AccelState *as, int gsi, int level);
int kvm_irqfd_add(AccelState *as, EventNotifier *n, EventNotifier *resample,
                  int virq);
int kvm_irqfd_del(AccelState *as, EventNotifier *n, int virq);

/* vcpu.c */
bool kvm_vcpu_create(CPUState *cpu, Error **errp);
void kvm_vcpu_destroy(CPUState *cpu);
void kvm_vcpu_kick(CPUState *cpu);
void kvm_vcpus_cleanup(KVMState *s);
/* vcpu-run.c: the loop of the thread, opaque is the CPUState */
void *kvm_vcpu_thread(void *opaque);
/* Get every vCPU out of KVM_RUN and keep it out until resume; big lock. */
void kvm_vcpus_inhibit(KVMState *s);
void kvm_vcpus_resume(KVMState *s);
/* vcpu-error.c: say why the guest cannot go on, stop the VM. */
void kvm_vcpu_report_exit(CPUState *cpu, const struct kvm_run *run);
void kvm_vcpu_report_failure(CPUState *cpu, int err);

/* ---- <arch>.c ---- */

/* What KVM_CREATE_VM takes; /dev/kvm is open. */
unsigned long kvm_arch_vm_type(KVMState *s, MachineState *ms);
bool kvm_arch_init(KVMState *s, MachineState *ms, Error **errp);
void kvm_arch_cleanup(KVMState *s);
bool kvm_arch_create_irqchip(KVMState *s, Error **errp);
/* New vCPU: CPUID and the like. */
bool kvm_arch_vcpu_init(KVMState *s, CPUState *cpu, Error **errp);
uint64_t kvm_arch_vcpu_id(CPUState *cpu);
bool kvm_arch_get_state(CPUState *cpu, Error **errp);
bool kvm_arch_put_state(CPUState *cpu, Error **errp);
bool kvm_arch_inject_nmi(CPUState *cpu, Error **errp);
void kvm_arch_vm_state_change(KVMState *s, bool running);
/* The line of that number as KVM_IRQ_LINE wants it. */
uint32_t kvm_arch_gsi_line(int gsi);
/* The message of an interrupt controller's pin, for a split irqchip. */
int kvm_arch_pin_route_set(AccelState *as, int pin, const MSIMessage *msg);
/* An exit that only the architecture knows; false: nobody does. */
bool kvm_arch_handle_exit(CPUState *cpu, struct kvm_run *run);
/* After KVM_EXIT_SHUTDOWN, before the reset. On the vCPU's thread. */
void kvm_arch_shutdown_exit(CPUState *cpu);
/* Registers for an error message. */
void kvm_arch_describe_state(CPUState *cpu, GString *out);
/* The MSI's address as the kernel wants it. */
void kvm_arch_msi_address(KVMState *s, uint64_t address, uint32_t *lo,
                          uint32_t *hi);
/* The pin of the interrupt controller that the MSI stands for, or -1: the
 * kernel knows what to do with it. */
int kvm_arch_msi_pin(KVMState *s, const MSIMessage *msg);
/* Whether an MSI has to say who sends it. */
bool kvm_arch_msi_has_requester(KVMState *s);

#endif
