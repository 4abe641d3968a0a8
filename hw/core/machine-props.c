/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine type and the properties that all machines have. */
#include "util/osdep.h"
#include "hw/core/machine.h"
#include "hw/core/boot-order.h"
#include "hw/core/numa.h"
#include <json-c/json.h>
#include "hw/smbios/smbios.h"
#include "qapi/qapi-visit-machine.h"
#include "machine-internal.h"

/* Once the board stands, its description no longer changes. */
static bool machine_is_open(const char *name, Error **errp)
{
    if (machine_phase_reached(PHASE_MACHINE_INITIALIZED)) {
        error_setg(errp, "property '%s' can not be set after the machine was "
                   "initialized", name);
        return false;
    }
    return true;
}

/* ---- Properties with a structure ---- */

static bool machine_get_smp(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    CpuTopology *smp = &MACHINE(obj)->smp;
    SMPConfiguration config = {
        .has_cpus = true, .cpus = smp->cpus,
        .has_sockets = true, .sockets = smp->sockets,
        .has_dies = true, .dies = smp->dies,
        .has_clusters = true, .clusters = smp->clusters,
        .has_cores = true, .cores = smp->cores,
        .has_threads = true, .threads = smp->threads,
        .has_maxcpus = true, .maxcpus = smp->max_cpus,
    }, *p = &config;

    return visit_type_SMPConfiguration(v, name, &p, errp);
}

static bool machine_set_smp_prop(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    g_autoptr(SMPConfiguration) config = NULL;

    return machine_is_open(name, errp) &&
           visit_type_SMPConfiguration(v, name, &config, errp) &&
           machine_set_smp(MACHINE(obj), config, errp);
}

static bool machine_get_mem(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    MachineState *ms = MACHINE(obj);
    MemorySizeConfiguration config = {
        .has_size = true, .size = ms->ram_size,
        .has_max_size = ms->ram_slots > 0, .max_size = ms->maxram_size,
        .has_slots = ms->ram_slots > 0, .slots = ms->ram_slots,
    }, *p = &config;

    return visit_type_MemorySizeConfiguration(v, name, &p, errp);
}

static bool machine_set_mem_prop(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    g_autoptr(MemorySizeConfiguration) config = NULL;

    return machine_is_open(name, errp) &&
           visit_type_MemorySizeConfiguration(v, name, &config, errp) &&
           machine_set_memory(MACHINE(obj), config, errp);
}

static bool machine_get_boot(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    MachineState *ms = MACHINE(obj);
    BootConfiguration config = {
        .order = ms->boot_order, .once = ms->boot_once,
        .splash = ms->boot_splash,
        .has_menu = true, .menu = ms->boot_menu,
        .has_strict = true, .strict = ms->boot_strict,
        .has_splash_time = ms->boot_splash_time_ms >= 0,
        .splash_time = ms->boot_splash_time_ms,
        .has_reboot_timeout = ms->boot_reboot_timeout_ms >= 0,
        .reboot_timeout = ms->boot_reboot_timeout_ms,
    }, *p = &config;

    return visit_type_BootConfiguration(v, name, &p, errp);
}

static bool machine_set_boot_prop(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    g_autoptr(BootConfiguration) config = NULL;

    return machine_is_open(name, errp) &&
           visit_type_BootConfiguration(v, name, &config, errp) &&
           machine_set_boot(MACHINE(obj), config, errp);
}

/* ---- What old command lines switch off, and we do not have ---- */

static bool machine_get_off(Object *obj)
{
    return false;
}

static bool machine_set_usb(Object *obj, bool value, Error **errp)
{
    if (value) {
        error_setg(errp, "this machine has no USB controller");
        error_append_hint(errp, "use virtio devices, or usb=off");
    }
    return !value;
}

static bool machine_set_graphics(Object *obj, bool value, Error **errp)
{
    MACHINE(obj)->enable_graphics = value;
    return true;
}

static bool machine_get_graphics(Object *obj)
{
    return MACHINE(obj)->enable_graphics;
}

bool machine_set_props(MachineState *ms, struct json_object *props,
                       Error **errp)
{
    struct json_object_iterator it = json_object_iter_begin(props);
    struct json_object_iterator end = json_object_iter_end(props);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        g_autofree char *name = g_strdup(json_object_iter_peek_name(&it));

        g_strdelimit(name, "_", '-');
        if (!object_property_set_json(OBJECT(ms), name,
                                      json_object_iter_peek_value(&it),
                                      errp)) {
            return false;
        }
    }
    return true;
}

static const Property machine_props[] = {
    PROP_STRING("accel", MachineState, accel_names, NULL,
                "accelerators to try, separated by colons"),
    PROP_STRING("kernel-irqchip", MachineState, kernel_irqchip, NULL,
                "where interrupt controllers live: on, split"),
    PROP_STRING("kernel", MachineState, kernel_filename, NULL,
                "kernel image to boot"),
    PROP_STRING("initrd", MachineState, initrd_filename, NULL,
                "initial RAM disk of the kernel"),
    PROP_STRING("append", MachineState, kernel_cmdline, NULL,
                "command line of the kernel"),
    PROP_STRING("dtb", MachineState, dtb, NULL, "device tree of the kernel"),
    PROP_STRING("firmware", MachineState, firmware, NULL, "firmware image"),
    PROP_BOOL("dump-guest-core", MachineState, dump_guest_core, true,
              "whether a core dump of the process has the guest's memory"),
    PROP_BOOL("mem-merge", MachineState, mem_merge, true,
              "whether the host may merge equal pages"),
    PROP_BOOL("suppress-vmdesc", MachineState, suppress_vmdesc, false,
              "leave the description of the state out of the migration stream"),
    PROP_BOOL("hmat", MachineState, hmat, false,
              "describe the speed of NUMA memory by an ACPI HMAT"),
    PROP_LINK("memory-backend", MachineState, memory_backend,
              "memory-backend", "memory of the machine"),
    PROP_LINK("confidential-guest-support", MachineState,
              confidential_guest_support, "confidential-guest-support",
              "object that makes the guest confidential"),
};

static void machine_add_struct_props(ObjectClass *oc)
{
    object_class_property_add(oc, "smp", "SMPConfiguration",
                              "CPU topology", machine_get_smp,
                              machine_set_smp_prop, NULL);
    object_class_property_add(oc, "memory", "MemorySizeConfiguration",
                              "memory size", machine_get_mem,
                              machine_set_mem_prop, NULL);
    object_class_property_add(oc, "boot", "BootConfiguration",
                              "what firmware boots", machine_get_boot,
                              machine_set_boot_prop, NULL);
}

/* ---- Type ---- */

static bool machine_may_set(Object *obj, const Property *prop, Error **errp)
{
    return machine_is_open(prop->name, errp);
}

static void machine_instance_init(Object *obj)
{
    MachineState *ms = MACHINE(obj);
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    ms->boot_splash_time_ms = -1;
    ms->boot_reboot_timeout_ms = -1;
    ms->boot_order = g_strdup(mc->default_boot_order);
    notifier_list_init(&ms->init_done);
}

static void machine_finalize(Object *obj)
{
    MachineState *ms = MACHINE(obj);

    g_free(ms->boot_order);
    g_free(ms->boot_once);
    g_free(ms->boot_splash);
    boot_order_free(ms);
    g_free(ms->possible_cpus);
    numa_free(ms->numa);
    smbios_config_free(ms->smbios);
}

/* What must not be inherited, and the name. */
static void machine_class_base_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    const char *type = object_class_get_name(oc);
    GPtrArray *inherited = mc->compat_props;

    mc->alias = NULL;
    mc->is_default = false;
    mc->compat_props = g_ptr_array_new();
    for (guint i = 0; inherited && i < inherited->len; i++) {
        g_ptr_array_add(mc->compat_props, inherited->pdata[i]);
    }
    if (!object_class_is_abstract(oc)) {
        g_assert(g_str_has_suffix(type, TYPE_MACHINE_SUFFIX));
        mc->name = g_strndup(type, strlen(type) - strlen(TYPE_MACHINE_SUFFIX));
    }
}

static void machine_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->default_ram_size = 128 * MiB;
    oc->prop_may_set = machine_may_set;
    object_class_add_props(oc, machine_props);
    machine_add_struct_props(oc);
    object_class_property_add_bool(oc, "usb", "accepted as off: there is none",
                                   machine_get_off, machine_set_usb);
    object_class_property_add_bool(oc, "graphics",
                                   "whether a display may be used",
                                   machine_get_graphics, machine_set_graphics);
}

static const TypeInfo machine_types[] = {
    {
        .name = TYPE_MACHINE,
        .parent = TYPE_OBJECT,
        .help = "base of all machines",
        .abstract = true,
        .instance_size = sizeof(MachineState),
        .instance_init = machine_instance_init,
        .instance_finalize = machine_finalize,
        .class_size = sizeof(MachineClass),
        .class_base_init = machine_class_base_init,
        .class_init = machine_class_init,
    },
};
DEFINE_TYPES(machine_types)
