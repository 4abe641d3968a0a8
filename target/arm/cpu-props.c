/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of Arm CPUs: the optional features, each true or false for
 * clients and undecided until the user or realize says which.
 */
#include "util/osdep.h"
#include "qom/property.h"
#include "qapi/visitor.h"
#include "target/arm/host.h"
#include "cpu-internal.h"

/* A feature that is on when the host has it. */
typedef struct FeatureProp {
    const char *name;
    size_t choice;                  /* offset of the ARMChoice */
    size_t host;                    /* offset of the bool in ARMHostInfo */
    const char *text;
} FeatureProp;

static const FeatureProp feature_props[] = {
    { "pmu", offsetof(ARMCPU, pmu), offsetof(ARMHostInfo, pmu),
      "performance counters (PMUv3)" },
    { "sve", offsetof(ARMCPU, sve), offsetof(ARMHostInfo, sve),
      "scalable vectors" },
    { "pauth", offsetof(ARMCPU, pauth), offsetof(ARMHostInfo, pauth),
      "pointer authentication" },
    { "kvm-steal-time", offsetof(ARMCPU, steal_time),
      offsetof(ARMHostInfo, steal_time),
      "tell the guest the time that others took its CPU" },
};

const char *const arm_feature_names[] = {
    "aarch64", "pmu", "sve", "sve128", "sve256", "sve384", "sve512", "sve640",
    "sve768", "sve896", "sve1024", "sve1152", "sve1280", "sve1408", "sve1536",
    "sve1664", "sve1792", "sve1920", "sve2048", "kvm-no-adjvtime",
    "kvm-steal-time", "pauth", NULL,
};

static bool feature_get(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    const FeatureProp *f = opaque;
    ARMChoice choice = *(ARMChoice *)((char *)obj + f->choice);
    bool value = choice == ARM_ON;

    if (choice == ARM_AUTO && arm_host) {
        value = *(const bool *)((const char *)arm_host + f->host);
    }
    return visit_type_bool(v, name, &value, errp);
}

static bool feature_set(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    const FeatureProp *f = opaque;
    bool value;

    if (!visit_type_bool(v, name, &value, errp)) {
        return false;
    }
    *(ARMChoice *)((char *)obj + f->choice) = value ? ARM_ON : ARM_OFF;
    return true;
}

static bool aarch64_get(Object *obj)
{
    return ARM_CPU(obj)->aarch64 != ARM_OFF;
}

static bool aarch64_set(Object *obj, bool value, Error **errp)
{
    ARM_CPU(obj)->aarch64 = value ? ARM_ON : ARM_OFF;
    return true;
}

/* ---- Vector lengths ---- */

static bool sve_length_get(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    ARMCPU *cpu = ARM_CPU(obj);
    uint16_t bit = BIT(GPOINTER_TO_UINT(opaque));
    bool value = (cpu->sve_lengths | cpu->sve_on) & bit;

    return visit_type_bool(v, name, &value, errp);
}

static bool sve_length_set(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    ARMCPU *cpu = ARM_CPU(obj);
    uint16_t bit = BIT(GPOINTER_TO_UINT(opaque));
    bool value;

    if (!visit_type_bool(v, name, &value, errp)) {
        return false;
    }
    cpu->sve_on = value ? cpu->sve_on | bit : cpu->sve_on & ~bit;
    cpu->sve_off = value ? cpu->sve_off & ~bit : cpu->sve_off | bit;
    return true;
}

static void add_sve_lengths(ObjectClass *oc)
{
    static char names[ARM_SVE_LENGTHS][8];

    for (unsigned i = 0; i < ARM_SVE_LENGTHS; i++) {
        snprintf(names[i], sizeof(names[i]), "sve%u", (i + 1) * 128);
        object_class_property_add(oc, names[i], "bool",
            "vectors of that many bits", sve_length_get, sve_length_set,
            GUINT_TO_POINTER(i));
    }
}

static const Property arm_cpu_props[] = {
    PROP_UINT64("mp-affinity", ARMCPU, mp_affinity, 0,
                "affinity fields of MPIDR_EL1, by which interrupts find it"),
    PROP_BOOL("start-powered-off", ARMCPU, start_powered_off, false,
              "wait for another CPU to turn it on"),
    PROP_BOOL("kvm-no-adjvtime", ARMCPU, no_adjvtime, false,
              "let virtual time run on while the VM is stopped"),
};

void arm_cpu_class_add_props(ObjectClass *oc)
{
    object_class_add_props(oc, arm_cpu_props);
    for (size_t i = 0; i < G_N_ELEMENTS(feature_props); i++) {
        const FeatureProp *f = &feature_props[i];

        object_class_property_add(oc, f->name, "bool", f->text, feature_get,
                                  feature_set, (void *)f);
    }
    object_class_property_add_bool(oc, "aarch64",
        "start in 64-bit state; off: a 32-bit guest", aarch64_get,
        aarch64_set);
    add_sve_lengths(oc);
}
