/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator: what runs the CPUs and delivers interrupts. KVM, or qtest
 * (a clock and a command socket instead of CPUs). Devices never see it: they
 * use irq lines, MSI and event notifiers through the calls below.
 */
#ifndef SYSTEM_ACCEL_H
#define SYSTEM_ACCEL_H

#include "qom/object.h"
#include "util/event-notifier.h"
#include "hw/core/cpu.h"

struct json_object;

#define TYPE_ACCEL "accel"
#define TYPE_ACCEL_SUFFIX "-accel"
#define ACCEL_TYPE_NAME(name) name TYPE_ACCEL_SUFFIX
OBJECT_DECLARE_TYPE(AccelState, AccelClass, ACCEL)

typedef struct MachineState MachineState;

typedef struct MSIMessage {
    uint64_t address;
    uint32_t data;
    uint16_t requester;             /* PCI bus << 8 | devfn: for a GIC's ITS */
} MSIMessage;

struct AccelState {
    Object parent_obj;
};

struct AccelClass {
    ObjectClass parent_class;
    const char *name;                           /* "kvm" */
    /* open /dev/kvm, make the VM; errors say what to do about them */
    bool (*init_machine)(AccelState *as, MachineState *ms, Error **errp);
    /* in-kernel interrupt controllers, called by the board */
    bool (*create_irqchip)(AccelState *as, MachineState *ms, Error **errp);

    /* vCPUs; see hw/core/cpu.h for the rules of the threads */
    bool (*vcpu_create)(CPUState *cpu, Error **errp);   /* makes the thread */
    void (*vcpu_destroy)(CPUState *cpu);
    void (*vcpu_kick)(CPUState *cpu);                   /* any thread */
    void (*vcpu_reset)(CPUState *cpu);
    /* registers kernel <-> CPUState; on the vCPU's own thread, stopped */
    bool (*vcpu_get_state)(CPUState *cpu, Error **errp);
    bool (*vcpu_put_state)(CPUState *cpu, Error **errp);
    bool (*vcpu_inject_nmi)(CPUState *cpu, Error **errp);

    /* interrupts */
    void (*gsi_set)(AccelState *as, int gsi, int level);
    int (*msi_send)(AccelState *as, const MSIMessage *msg);
    int (*msi_route_add)(AccelState *as, const MSIMessage *msg);
    int (*msi_route_update)(AccelState *as, int virq, const MSIMessage *msg);
    void (*msi_route_commit)(AccelState *as);
    void (*msi_route_release)(AccelState *as, int virq);
    int (*irqfd_add)(AccelState *as, EventNotifier *n,
                     EventNotifier *resample, int virq);
    int (*irqfd_del)(AccelState *as, EventNotifier *n, int virq);
    /* the board emulates the interrupt controllers for lines */
    bool (*irqchip_is_split)(AccelState *as);
    int (*pin_route_set)(AccelState *as, int pin, const MSIMessage *msg);

    /* the VM stopped or runs: clock save and restore; CPUs are stopped */
    void (*vm_state_change)(AccelState *as, bool running);
};

extern AccelState *current_accel;               /* NULL before it is chosen */
bool kvm_enabled(void);
bool qtest_enabled(void);

/* An accelerator to try. */
typedef struct AccelChoice {
    const char *name;
    struct json_object *props;                  /* object, or NULL */
} AccelChoice;

/*
 * accel_init_choices: set @ms up on the first of @choices that works, with its
 * own properties; those of others are not looked at. Accelerators we do not
 * have are skipped; the last error of one we have is reported when none works.
 * A property that is not there or refused is an error at once.
 * A machine that has nothing to run ("none") does without one: clients probe
 * the program with it where there is no KVM; current_accel stays NULL then.
 */
bool accel_init_choices(MachineState *ms, const AccelChoice *choices, size_t n,
                        Error **errp);
/* accel_init_machine: the same from the list "kvm:tcg" of -machine accel=, with
 * @props (may be NULL) for the one that is tried. */
bool accel_init_machine(MachineState *ms, const char *list,
                        struct json_object *props, Error **errp);
/* accel_print_help: -accel help, on stdout. */
void accel_print_help(void);

/* Devices' side. All may be called from any thread. -ENOSYS without an
 * accelerator. */
void accel_gsi_set(int gsi, int level);
/* Deliver @msg now; 0 or -errno. */
int accel_msi_send(const MSIMessage *msg);
/* A route for @msg: virq >= 0 or -errno. update/release take it again; several
 * changes become visible with commit. */
int accel_msi_route_add(const MSIMessage *msg);
int accel_msi_route_update(int virq, const MSIMessage *msg);
void accel_msi_route_commit(void);
void accel_msi_route_release(int virq);
/* A signal of @n raises @virq without leaving the kernel; -ENOSYS when the
 * accelerator cannot (the caller then reads @n itself). */
int accel_irqfd_add(EventNotifier *n, EventNotifier *resample, int virq);
int accel_irqfd_del(EventNotifier *n, int virq);

/*
 * For a split irqchip (kernel-irqchip=split): the board's IOAPIC sends MSIs
 * for its pins. It tells the accelerator what each pin's message is (@msg NULL:
 * masked), visible with accel_msi_route_commit(), so that irqfds of the pins
 * work and the end of a level-triggered interrupt is reported: @fn then runs
 * with the big lock on the vCPU's thread.
 */
bool accel_irqchip_is_split(void);
int accel_pin_route_set(int pin, const MSIMessage *msg);
typedef void AccelEoiFn(void *opaque, uint8_t vector);
void accel_set_eoi_handler(AccelEoiFn *fn, void *opaque);
/* By accelerators; big lock. */
void accel_eoi(uint8_t vector);

#endif
