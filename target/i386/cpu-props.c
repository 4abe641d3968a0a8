/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of x86 CPUs that are no feature bits: identity, topology ids,
 * address width, levels, the Hyper-V flags, and the read-only reports.
 */
#include "util/osdep.h"
#include <json-c/json.h>
#include "target/i386/cpu.h"
#include "qapi/visitor.h"
#include "util/cutils.h"
#include "features-internal.h"

/* ---- Numbers with a range of their own ---- */

/* Family is 4 bits plus 8 of the extension, model and stepping as in CPUID. */
typedef struct RangeProp {
    const char *name;
    uint32_t max;
} RangeProp;

static const RangeProp family_range = { "family", 0xff + 0xf };
static const RangeProp model_range = { "model", 0xff };
static const RangeProp stepping_range = { "stepping", 0xf };

static uint32_t *range_field(X86CPU *cpu, const RangeProp *r)
{
    if (r == &family_range) {
        return &cpu->family;
    }
    return r == &model_range ? &cpu->model : &cpu->stepping;
}

static bool range_get(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    int64_t value = *range_field(X86_CPU(obj), opaque);

    return visit_type_int(v, name, &value, errp);
}

static bool range_set(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    const RangeProp *r = opaque;
    int64_t value;

    if (!visit_type_int(v, name, &value, errp)) {
        return false;
    }
    if (value < 0 || value > r->max) {
        error_setg(errp, "parameter '%s' takes 0 to %u, not '%" PRId64 "'",
                   name, r->max, value);
        return false;
    }
    *range_field(X86_CPU(obj), r) = value;
    return true;
}

static void add_range(ObjectClass *oc, const RangeProp *r, const char *text)
{
    object_class_property_add(oc, r->name, "int", text, range_get, range_set,
                              (void *)r);
}

/* ---- Strings ---- */

static char *vendor_get(Object *obj, Error **errp)
{
    return g_strdup(X86_CPU(obj)->vendor);
}

static bool vendor_set(Object *obj, const char *value, Error **errp)
{
    if (strlen(value) != 12) {
        error_setg(errp, "parameter 'vendor' takes 12 characters, not '%s'",
                   value);
        return false;
    }
    g_strlcpy(X86_CPU(obj)->vendor, value, sizeof(X86_CPU(obj)->vendor));
    return true;
}

static char *model_id_get(Object *obj, Error **errp)
{
    return g_strdup(X86_CPU(obj)->model_id);
}

static bool model_id_set(Object *obj, const char *value, Error **errp)
{
    X86CPU *cpu = X86_CPU(obj);

    if (strlen(value) >= sizeof(cpu->model_id)) {
        error_setg(errp, "parameter 'model-id' takes up to 48 characters");
        return false;
    }
    g_strlcpy(cpu->model_id, value, sizeof(cpu->model_id));
    return true;
}

/* ---- TSC frequency ---- */

static bool tsc_freq_get(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    return visit_type_int(v, name, &X86_CPU(obj)->tsc_hz, errp);
}

static bool tsc_freq_set(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    int64_t value;

    if (!visit_type_int(v, name, &value, errp)) {
        return false;
    }
    /* KVM counts kHz in 32 bits */
    if (value < 0 || value / 1000 > UINT32_MAX) {
        error_setg(errp, "parameter 'tsc-frequency' takes 0 to %" PRIu64
                   " Hz, not '%" PRId64 "'", (uint64_t)UINT32_MAX * 1000,
                   value);
        return false;
    }
    X86_CPU(obj)->tsc_hz = value;
    X86_CPU(obj)->env.tsc_khz = value / 1000;
    return true;
}

/* ---- Reports ---- */

static struct json_object *missing_names(const uint64_t *words)
{
    struct json_object *list = json_object_new_array();

    for (int w = 0; w < X86_FW__COUNT; w++) {
        for (uint64_t bits = words[w]; bits; bits &= bits - 1) {
            const char *name = x86_feature_name(w, __builtin_ctzll(bits));

            if (name) {
                json_object_array_add(list, json_object_new_string(name));
            }
        }
    }
    return list;
}

static bool unavailable_get(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    struct json_object *list = missing_names(X86_CPU(obj)->filtered);
    bool ok = visit_type_any(v, name, &list, errp);

    json_object_put(list);
    return ok;
}

/* One element of feature-words, as QMP's X86CPUFeatureWordInfo. */
static struct json_object *word_info(X86FeatureWord w, uint64_t value)
{
    static const char *const regs[] = { "EAX", "EBX", "ECX", "EDX" };
    const X86FeatureWordInfo *info = &x86_feature_words[w];
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "cpuid-input-eax",
                           json_object_new_int64(info->leaf));
    if (info->has_subleaf) {
        json_object_object_add(o, "cpuid-input-ecx",
                               json_object_new_int64(info->subleaf));
    }
    json_object_object_add(o, "cpuid-register",
                           json_object_new_string(regs[info->reg]));
    json_object_object_add(o, "features",
                           json_object_new_int64((uint32_t)value));
    return o;
}

/* @opaque: offset of the words in X86CPU. */
static bool words_get(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    const uint64_t *words = (void *)((char *)obj + GPOINTER_TO_SIZE(opaque));
    struct json_object *list = json_object_new_array();
    bool ok;

    for (int w = 0; w < X86_FW__COUNT; w++) {
        if (x86_feature_words[w].leaf) {
            json_object_array_add(list, word_info(w, words[w]));
        }
    }
    ok = visit_type_any(v, name, &list, errp);
    json_object_put(list);
    return ok;
}

/* ---- Hyper-V: known names, not built yet ---- */

static const char *const hv_flags[] = {
    "hv-relaxed", "hv-vapic", "hv-time", "hv-crash", "hv-reset", "hv-vpindex",
    "hv-runtime", "hv-synic", "hv-stimer", "hv-frequencies",
    "hv-reenlightenment", "hv-tlbflush", "hv-evmcs", "hv-ipi",
    "hv-stimer-direct", "hv-avic", "hv-emsr-bitmap", "hv-xmm-input",
    "hv-tlbflush-ext", "hv-tlbflush-direct", "hv-enforce-cpuid",
};

const char *x86_cpu_hv_name(unsigned bit)
{
    return bit < G_N_ELEMENTS(hv_flags) ? hv_flags[bit] : NULL;
}

static bool hv_get(Object *obj, Visitor *v, const char *name, void *opaque,
                   Error **errp)
{
    bool on = X86_CPU(obj)->hv_asked >> GPOINTER_TO_UINT(opaque) & 1;

    return visit_type_bool(v, name, &on, errp);
}

static bool hv_set(Object *obj, Visitor *v, const char *name, void *opaque,
                   Error **errp)
{
    uint32_t bit = BIT(GPOINTER_TO_UINT(opaque));
    X86CPU *cpu = X86_CPU(obj);
    bool on;

    if (!visit_type_bool(v, name, &on, errp)) {
        return false;
    }
    cpu->hv_asked = on ? cpu->hv_asked | bit : cpu->hv_asked & ~bit;
    return true;
}

/* ---- The plain rows ---- */

static const Property x86_cpu_props[] = {
    PROP_UINT32("apic-id", X86CPU, apic_id, X86_APIC_ID_UNSET,
                "APIC id; the board chooses it from the topology"),
    PROP_INT32("node-id", X86CPU, parent_obj.node_id, -1, "NUMA node"),
    PROP_INT32("socket-id", X86CPU, parent_obj.socket_id, -1,
               "package the CPU is in"),
    PROP_INT32("die-id", X86CPU, parent_obj.die_id, -1,
               "die of the package"),
    PROP_INT32("core-id", X86CPU, parent_obj.core_id, -1, "core of the die"),
    PROP_INT32("thread-id", X86CPU, parent_obj.thread_id, -1,
               "thread of the core"),
    PROP_UINT32("level", X86CPU, level, UINT32_MAX,
                "highest basic CPUID leaf; default: what the features need"),
    PROP_UINT32("xlevel", X86CPU, xlevel, UINT32_MAX,
                "highest extended CPUID leaf; default: what the features need"),
    PROP_UINT32("min-level", X86CPU, min_level, 0,
                "lower bound of an automatic level"),
    PROP_UINT32("min-xlevel", X86CPU, min_xlevel, 0,
                "lower bound of an automatic xlevel"),
    PROP_UINT32("level-func7", X86CPU, level_func7, 0,
                "highest subleaf of leaf 7; 0: what the features need"),
    PROP_UINT32("phys-bits", X86CPU, phys_bits, 0,
                "physical address bits; 0: 40, or the host's"),
    PROP_BOOL("host-phys-bits", X86CPU, host_phys_bits, false,
              "take physical address bits from the host"),
    PROP_UINT8("host-phys-bits-limit", X86CPU, host_phys_bits_limit, 0,
               "upper bound of host-phys-bits; 0: none"),
    PROP_UINT64("ucode-rev", X86CPU, ucode_rev, 0,
                "microcode revision; 0: the kernel's choice"),
    PROP_BOOL("check", X86CPU, check, true,
              "warn of features that this host lacks"),
    PROP_BOOL("enforce", X86CPU, enforce, false,
              "refuse to start without a feature that was asked for"),
    PROP_BOOL("kvm", X86CPU, kvm, true, "show the KVM leaves to the guest"),
    PROP_BOOL("vmware-cpuid-freq", X86CPU, expose_tsc_leaves, true,
              "tell TSC and APIC timer frequency by CPUID"),
    PROP_BOOL("pmu", X86CPU, pmu, false, "performance counters"),
    PROP_BOOL("l3-cache", X86CPU, l3_cache, true, "show a level 3 cache"),
    PROP_BOOL("host-cache-info", X86CPU, host_cache_info, false,
              "show the caches of the host"),
    PROP_BOOL("cpuid-0xb", X86CPU, cpuid_0xb, true,
              "show the extended topology leaf"),
    PROP_BOOL("fill-mtrr-mask", X86CPU, fill_mtrr_mask, true,
              "fill MTRR masks up to the highest address bit"),
    PROP_BOOL("full-cpuid-auto-level", X86CPU, full_cpuid_auto_level, true,
              "raise automatic levels for every feature"),
    PROP_BOOL("hv-passthrough", X86CPU, hv_passthrough, false,
              "give all Hyper-V features of the host"),
};

void x86_cpu_class_add_props(ObjectClass *oc)
{
    object_class_add_props(oc, x86_cpu_props);
    object_class_add_props_n(oc, x86_feature_props, x86_nr_feature_props);
    object_class_add_props_n(oc, x86_feature_alias_props,
                             x86_nr_feature_alias_props);
    add_range(oc, &family_range, "CPU family, 0 to 270");
    add_range(oc, &model_range, "CPU model, 0 to 255");
    add_range(oc, &stepping_range, "CPU stepping, 0 to 15");
    object_class_property_add_str(oc, "vendor",
        "vendor as CPUID tells it, 12 characters", vendor_get, vendor_set);
    object_class_property_add_str(oc, "model-id",
        "processor name, up to 48 characters", model_id_get, model_id_set);
    object_class_property_add(oc, "tsc-frequency", "int",
        "TSC frequency in Hz; 0: the host's", tsc_freq_get, tsc_freq_set,
        NULL);
    object_class_property_add(oc, "unavailable-features", "strList",
        "features that were asked for and this host lacks", unavailable_get,
        NULL, NULL);
    object_class_property_add(oc, "feature-words", "X86CPUFeatureWordInfo",
        "CPUID registers that carry features", words_get, NULL,
        GSIZE_TO_POINTER(offsetof(X86CPU, features)));
    object_class_property_add(oc, "filtered-features", "X86CPUFeatureWordInfo",
        "features taken away because the host lacks them", words_get, NULL,
        GSIZE_TO_POINTER(offsetof(X86CPU, filtered)));
    for (size_t i = 0; i < G_N_ELEMENTS(hv_flags); i++) {
        object_class_property_add(oc, hv_flags[i], "bool",
            "Hyper-V enlightenment; not available in this version", hv_get,
            hv_set, GUINT_TO_POINTER(i));
    }
}
