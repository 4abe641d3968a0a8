/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines: the object at /machine that makes CPUs, memory and the first
 * devices.
 *
 * Each machine is a concrete type "NAME-machine". Order of events, driven by
 * the command line (system/main):
 *
 *     machine_class_by_name()        -machine, or the default
 *     machine_create()               object at /machine
 *     properties, smp, memory        -machine, -smp, -m
 *     machine_prepare()              compat properties, checks
 *     machine_run_board_init()       MachineClass.init: PHASE_INITIALIZED
 *     -device
 *     machine_creation_done()        machine-done notifiers: PHASE_READY;
 *                                    devices from here on are hot-plugged
 *
 * Context: main thread, big lock held.
 */
#ifndef HW_CORE_MACHINE_H
#define HW_CORE_MACHINE_H

#include "util/notify.h"
#include "hw/core/qdev.h"
#include "hw/core/hotplug.h"

struct MemoryRegion;
struct NumaState;
struct SmbiosConfig;
struct SMPConfiguration;
struct BootConfiguration;
struct MemorySizeConfiguration;

#define TYPE_MACHINE        "machine"
#define TYPE_MACHINE_SUFFIX "-machine"
#define MACHINE_TYPE_NAME(name) name TYPE_MACHINE_SUFFIX

OBJECT_DECLARE_TYPE(MachineState, MachineClass, MACHINE)

/* Counts per next higher level; cpus and max_cpus are totals. */
typedef struct CpuTopology {
    unsigned cpus;                  /* present at start */
    unsigned sockets;
    unsigned dies;                  /* per socket */
    unsigned clusters;              /* per die */
    unsigned cores;                 /* per cluster */
    unsigned threads;               /* per core */
    unsigned max_cpus;
} CpuTopology;

/* Where a CPU stands; -1: the level does not exist on this machine. */
typedef struct CpuIds {
    int64_t node_id;
    int64_t socket_id;
    int64_t die_id;
    int64_t cluster_id;
    int64_t core_id;
    int64_t thread_id;
} CpuIds;

/* One place for a CPU, filled or hot-pluggable. */
typedef struct CpuSlot {
    uint64_t arch_id;               /* APIC id, MPIDR */
    CpuIds ids;
    const char *type;               /* CPU type that fits; borrowed */
    Object *cpu;                    /* NULL: empty */
} CpuSlot;

typedef struct CpuSlotList {
    unsigned len;
    CpuSlot slots[];
} CpuSlotList;

struct MachineClass {
    ObjectClass parent_class;

    const char *name;               /* type name without "-machine" */
    const char *alias;
    const char *desc;
    const char *deprecation_reason;
    bool is_default;
    unsigned min_cpus;              /* 0 counts as 1 */
    unsigned max_cpus;
    unsigned default_cpus;          /* 0 counts as 1 */
    bool smp_dies_supported;
    bool smp_clusters_supported;
    bool has_hotpluggable_cpus;
    bool numa_mem_supported;
    bool no_ram;                    /* -m is not used ("none") */
    uint64_t default_ram_size;      /* bytes; 128 MiB */
    const char *default_ram_id;     /* "virt.ram": name of the RAM backend */
    const char *default_cpu_type;   /* QOM type */
    const char *default_boot_order;
    const char *const *valid_cpu_types;     /* NULL-terminated; NULL: any */
    const char *default_nic;        /* driver of a NIC nobody named, or NULL */
    const char *default_irqchip;    /* kernel-irqchip=, or NULL: the
                                     * accelerator's choice */

    /* Make the board. RAM is in ms->ram, CPU slots are known. */
    bool (*init)(MachineState *ms, Error **errp);
    /* All devices of the command line are there: tables, first load of the
     * kernel. Before the init_done notifiers; may be NULL. */
    bool (*finish)(MachineState *ms, Error **errp);
    /* System reset; NULL: reset_all(). */
    void (*reset)(MachineState *ms);
    /* Round or refuse @size; NULL: any. */
    bool (*fixup_ram_size)(MachineState *ms, uint64_t *size, Error **errp);
    /* Fill ms->possible_cpus from ms->smp; NULL: no CPU slots. */
    const CpuSlotList *(*possible_cpus)(MachineState *ms);
    /* The handler for @dev when the machine wants to plug it, else NULL. */
    Object *(*get_hotplug_handler)(MachineState *ms, DeviceState *dev);
    /* Refuse a hot-plug for the whole machine; NULL: all are allowed. */
    bool (*hotplug_allowed)(MachineState *ms, DeviceState *dev, Error **errp);

    GPtrArray *compat_props;        /* of GlobalProperty; see below */
};

struct MachineState {
    Object parent_obj;

    /* Properties; strings are NULL when not given */
    char *kernel_filename;
    char *kernel_cmdline;
    char *initrd_filename;
    char *dtb;
    char *firmware;                 /* -bios */
    char *accel_names;              /* "kvm:tcg": a list to try in order */
    char *kernel_irqchip;           /* for the accelerator: on, off, split */
    bool dump_guest_core;
    bool mem_merge;
    bool enable_graphics;
    bool suppress_vmdesc;
    Object *memory_backend;         /* strong; NULL: the machine makes one */
    Object *confidential_guest_support;

    /* Memory */
    uint64_t ram_size;              /* bytes */
    uint64_t maxram_size;           /* with what can be plugged */
    uint64_t ram_slots;             /* slots for DIMMs */
    bool ram_size_given;
    struct MemoryRegion *ram;       /* of the backend, owned by it; or
                                     * a container of several */
    bool hmat;                      /* tell of them by ACPI's HMAT as well */
    struct NumaState *numa;         /* -numa; NULL: no nodes (numa.h) */

    struct SmbiosConfig *smbios;    /* -smbios; NULL: not given */

    /* CPUs */
    CpuTopology smp;
    bool smp_given;
    const char *cpu_type;           /* QOM type; -cpu or the default */
    CpuSlotList *possible_cpus;     /* NULL until asked for */

    /* Boot; -boot */
    char *boot_order;
    char *boot_once;
    bool boot_menu;
    bool boot_strict;
    int64_t boot_splash_time_ms;    /* -1: not given */
    int64_t boot_reboot_timeout_ms; /* -1: not given */
    char *boot_splash;
    struct BootDevice *boot_devices;    /* boot-order.h */

    NotifierList init_done;
};

/* ---- Machine types ---- */

/*
 * machine_class_by_name: by name or alias. Error: "unsupported machine type
 * 'x'" with the closest name and how to list them as hints.
 */
MachineClass *machine_class_by_name(const char *name, Error **errp);
MachineClass *machine_class_default(void);      /* NULL when none is */
void machine_print_help(void);                  /* -machine help, on stdout */

/*
 * machine_class_add_compat_props: defaults of other classes in this machine
 * version. Rows given later win. @props stays valid for ever.
 */
void machine_class_add_compat_props(MachineClass *mc,
                                    const GlobalProperty *props, size_t n);

/* ---- The machine ---- */

/* machine_create: make the object and put it at /machine, once. */
MachineState *machine_create(MachineClass *mc);
/*
 * machine_set_props: the members of @props as -machine gives them: a name may
 * be written with '_' for '-', as older command lines do.
 */
bool machine_set_props(MachineState *ms, struct json_object *props,
                       Error **errp);
/* machine_get: the machine, or NULL before machine_create(). */
MachineState *machine_get(void);
/* machine_destroy: for tests: everything below goes away, phases restart. */
void machine_destroy(void);

/*
 * machine_set_smp: -smp. What is not given is computed: sockets come last, so
 * `-smp 1,maxcpus=4` is one socket of four cores. Errors name the product that
 * does not fit. @config NULL: the machine's default.
 */
bool machine_set_smp(MachineState *ms, const struct SMPConfiguration *config,
                     Error **errp);
/* machine_set_memory: -m; checks size, maxmem and slots against each other. */
bool machine_set_memory(MachineState *ms,
                        const struct MemorySizeConfiguration *config,
                        Error **errp);
/* machine_set_boot: -boot; unknown letters are errors. */
bool machine_set_boot(MachineState *ms, const struct BootConfiguration *config,
                      Error **errp);
/* machine_check_boot_options: -append and -initrd need -kernel. */
bool machine_check_boot_options(const MachineState *ms, Error **errp);
/* machine_set_cpu_type: must be in valid_cpu_types when the class has them. */
bool machine_set_cpu_type(MachineState *ms, const char *type, Error **errp);

/* machine_prepare: defaults for what nobody set; compat properties. */
bool machine_prepare(MachineState *ms, Error **errp);
/* machine_run_board_init: make the RAM (ms->ram), then MachineClass.init. */
bool machine_run_board_init(MachineState *ms, Error **errp);
/* machine_creation_done: PHASE_MACHINE_READY, notifiers. The caller resets. */
bool machine_creation_done(MachineState *ms, Error **errp);
/* @n->notify(n, NULL) when all devices of the command line are there, or now
 * when that has been. */
void machine_add_init_done_notifier(MachineState *ms, Notifier *n);
void machine_reset(MachineState *ms);

/*
 * machine_ram_ptr: the memory's start in the host. Nodes have memory of their
 * own: only the first *@len bytes follow each other (@len may be NULL).
 */
uint8_t *machine_ram_ptr(const MachineState *ms, uint64_t *len);

/* Slots in order, or NULL when the machine has none. */
const CpuSlotList *machine_possible_cpus(MachineState *ms);
/* A slot list of @n empty slots, all ids -1; g_free(). */
CpuSlotList *cpu_slot_list_new(unsigned n);
/* "socket-id: 0, core-id: 1, thread-id: 0"; g_free(). */
char *cpu_ids_to_string(const CpuIds *ids);

/* ---- How far the start has come ---- */

typedef enum MachinePhase {
    PHASE_NO_MACHINE,
    PHASE_MACHINE_CREATED,          /* /machine exists */
    PHASE_ACCEL_CREATED,            /* the accelerator is set up */
    PHASE_LATE_BACKENDS,            /* back ends that need the former exist */
    PHASE_MACHINE_INITIALIZED,      /* the board exists; -device now */
    PHASE_MACHINE_READY,            /* all there; the rest is hot-plug */
} MachinePhase;

bool machine_phase_reached(MachinePhase phase);
/* One step at a time, forward only. */
void machine_phase_advance(MachinePhase phase);

#endif
