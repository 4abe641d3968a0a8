/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86 CPU types: "x86_64-cpu" and below it max, host, base and one per
 * named model and version. An instance starts with its model's features, takes
 * the user's changes as properties, and is frozen by realize, which fits it to
 * the host and builds CPUID. The accelerator takes it from there.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "hw/core/machine.h"
#include "migration/vmstate.h"
#include "util/log.h"
#include "cpuid-internal.h"
#include "features-internal.h"
#include "models-internal.h"

enum {
    X86_PHYS_BITS_DEFAULT = 40,
    X86_PHYS_BITS_MIN = 32,
    X86_PHYS_BITS_MAX = 52,
};

static void read_topology(X86CPU *cpu)
{
    MachineState *ms = machine_get();

    if (ms) {
        cpu->topo.dies = ms->smp.dies;
        cpu->topo.cores = ms->smp.cores;
        cpu->topo.threads = ms->smp.threads;
    }
}

static bool check_hyperv(X86CPU *cpu, Error **errp)
{
    const char *name = "hv-passthrough";

    if (cpu->hv_asked) {
        name = x86_cpu_hv_name(__builtin_ctz(cpu->hv_asked));
    } else if (!cpu->hv_passthrough) {
        return true;
    }
    error_setg(errp, "CPU property '%s' is not available in this version",
               name);
    error_append_hint(errp, "Leave it out, or set it to off");
    return false;
}

static bool choose_phys_bits(X86CPU *cpu, Error **errp)
{
    unsigned host = x86_host_phys_bits();

    if (cpu->host_phys_bits && cpu->phys_bits == 0) {
        cpu->phys_bits = host;
        if (cpu->host_phys_bits_limit) {
            cpu->phys_bits = MIN(cpu->phys_bits, cpu->host_phys_bits_limit);
        }
    }
    if (cpu->phys_bits == 0) {
        cpu->phys_bits = x86_host ? MIN(X86_PHYS_BITS_DEFAULT, host)
                                  : X86_PHYS_BITS_DEFAULT;
    }
    if (cpu->phys_bits < X86_PHYS_BITS_MIN ||
        cpu->phys_bits > X86_PHYS_BITS_MAX) {
        error_setg(errp, "phys-bits takes %d to %d, not '%u'",
                   X86_PHYS_BITS_MIN, X86_PHYS_BITS_MAX, cpu->phys_bits);
        return false;
    }
    if (x86_host && cpu->phys_bits > host) {
        warn_report_once("phys-bits=%u is more than the %u of this host",
                         cpu->phys_bits, host);
    }
    return true;
}

/* One line for all features: a model on an older host lacks dozens. */
static bool fit_to_host(X86CPU *cpu, Error **errp)
{
    g_autofree char *names = NULL;

    if (x86_cpu_filter(cpu)) {
        return true;
    }
    names = x86_cpu_filtered_names(cpu);
    if (cpu->enforce) {
        error_setg(errp, "the host does not have features that were asked "
                   "for: %s", names);
        error_append_hint(errp, "Turn them off, or leave out enforce");
        return false;
    }
    if (cpu->check && x86_cpu_is_bsp(cpu)) {
        warn_report("host doesn't support requested features: %s", names);
    }
    return true;
}

static bool x86_cpu_realize(DeviceState *dev, Error **errp)
{
    X86CPU *cpu = X86_CPU(dev);
    X86CPUClass *xcc = X86_CPU_GET_CLASS(dev);

    if (cpu->apic_id == X86_APIC_ID_UNSET) {
        error_setg(errp, "CPU property 'apic-id' is not set");
        return false;
    }
    read_topology(cpu);
    if (!check_hyperv(cpu, errp) || !x86_cpu_expand(cpu, errp) ||
        !fit_to_host(cpu, errp) || !choose_phys_bits(cpu, errp)) {
        return false;
    }
    cpu->cpuid = g_new(X86CpuidEntry, X86_CPUID_MAX_ENTRIES);
    cpu->nr_cpuid = x86_cpu_build_cpuid(cpu, cpu->cpuid);
    if (!xcc->parent_realize(dev, errp)) {
        g_clear_pointer(&cpu->cpuid, g_free);
        return false;
    }
    return true;
}

static void x86_cpu_unrealize(DeviceState *dev)
{
    X86CPU *cpu = X86_CPU(dev);

    X86_CPU_GET_CLASS(dev)->parent_unrealize(dev);
    g_clear_pointer(&cpu->cpuid, g_free);
}

static uint64_t x86_cpu_get_arch_id(CPUState *cs)
{
    return X86_CPU(cs)->apic_id;
}

static void x86_cpu_instance_init(Object *obj)
{
    X86CPU *cpu = X86_CPU(obj);
    X86CPUClass *xcc = X86_CPU_GET_CLASS(obj);

    g_strlcpy(cpu->vendor, "GenuineIntel", sizeof(cpu->vendor));
    cpu->caches = &x86_caches_intel;
    cpu->migratable = true;
    if (xcc->model && !x86_cpu_load_model(cpu, xcc->model)) {
        warn_report("CPU model '%s' names an unknown feature",
                    xcc->model->name);
    }
    if (xcc->host_model) {
        x86_cpu_load_host(cpu);
        cpu->host_phys_bits = true;
        cpu->pmu = true;
    }
}

static void x86_cpu_instance_finalize(Object *obj)
{
    X86CPU *cpu = X86_CPU(obj);

    g_free(cpu->cpuid);
    g_free(cpu->env.xsave);
    g_free(cpu->env.msrs);
    g_free(cpu->env.nested);
}

static void x86_cpu_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    CPUClass *cc = CPU_CLASS(oc);
    X86CPUClass *xcc = X86_CPU_CLASS(oc);

    device_class_set_parent_realize(dc, x86_cpu_realize,
                                    &xcc->parent_realize);
    device_class_set_parent_unrealize(dc, x86_cpu_unrealize,
                                      &xcc->parent_unrealize);
    dc->vmsd = &vmstate_x86_cpu;
    dc->categories = BIT(DEVICE_CATEGORY_CPU);
    dc->user_creatable = true;
    cc->reset_regs = x86_cpu_reset_regs;
    cc->describe_regs = x86_cpu_describe_regs;
    cc->get_arch_id = x86_cpu_get_arch_id;
    cc->arch_name = "x86_64";
    x86_cpu_class_add_props(oc);
}

/* ---- max and host ---- */

static const Property max_cpu_props[] = {
    PROP_BOOL("migratable", X86CPU, migratable, true,
              "leave out features that no other host could continue with"),
};

static void max_cpu_class_init(ObjectClass *oc, const void *data)
{
    X86_CPU_CLASS(oc)->host_model = true;
    DEVICE_CLASS(oc)->desc = "All features that KVM gives on this host";
    object_class_add_props(oc, max_cpu_props);
}

static void host_cpu_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->desc = "The CPU of this host, as far as KVM gives it";
}

static void base_cpu_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->desc = "No features: the start of a model expansion";
}

static const TypeInfo x86_cpu_types[] = {
    {
        .name = TYPE_X86_CPU,
        .parent = TYPE_CPU,
        .help = "x86-64 CPU",
        .abstract = true,
        .instance_size = sizeof(X86CPU),
        .instance_init = x86_cpu_instance_init,
        .instance_finalize = x86_cpu_instance_finalize,
        .class_size = sizeof(X86CPUClass),
        .class_init = x86_cpu_class_init,
    },
    {
        .name = X86_CPU_TYPE_NAME("max"),
        .parent = TYPE_X86_CPU,
        .help = "all features that KVM gives on this host",
        .class_init = max_cpu_class_init,
    },
    {
        .name = X86_CPU_TYPE_NAME("host"),
        .parent = X86_CPU_TYPE_NAME("max"),
        .help = "the CPU of this host, as far as KVM gives it",
        .class_init = host_cpu_class_init,
    },
    {
        .name = X86_CPU_TYPE_NAME("base"),
        .parent = TYPE_X86_CPU,
        .help = "no features: the start of a model expansion",
        .class_init = base_cpu_class_init,
    },
};
DEFINE_TYPES(x86_cpu_types)
