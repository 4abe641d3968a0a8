/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSRs: which ones there are, reading and writing them all.
 *
 * The kernel's own list (KVM_GET_MSR_INDEX_LIST) plus the MTRRs and machine
 * check banks, which it leaves out. What it lists is not always what it takes:
 * an MSR that cannot be read is dropped from the list when the first vCPU is
 * made; one that cannot be written is skipped. Either way the operator gets
 * one warning and the guest goes on.
 */
#include "util/osdep.h"
#include "target/i386/host.h"
#include "util/log.h"
#include "i386-internal.h"
#include "trace/trace-accel_kvm.h"

/* ---- The list ---- */

/* Handled as system registers, by KVM_SET_SREGS. */
static bool is_sreg_msr(uint32_t index)
{
    return index == X86_MSR_APIC_BASE || index == X86_MSR_EFER ||
           index == X86_MSR_FS_BASE || index == X86_MSR_GS_BASE;
}

static void list_add(KVMI386 *k, uint32_t index)
{
    if (k->nr_msrs == X86_MSRS_MAX || is_sreg_msr(index)) {
        return;
    }
    for (uint32_t i = 0; i < k->nr_msrs; i++) {
        if (k->msrs[i].index == index) {
            return;
        }
    }
    k->msrs[k->nr_msrs++] = (X86Msr){ .index = index };
}

static void list_add_range(KVMI386 *k, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        list_add(k, first + i);
    }
}

static bool list_add_kernels(KVMState *s, KVMI386 *k, Error **errp)
{
    g_autofree struct kvm_msr_list *list =
        g_malloc0(sizeof(*list) + X86_MSRS_MAX * sizeof(list->indices[0]));
    int ret;

    list->nmsrs = X86_MSRS_MAX;
    ret = kvm_ioctl(s, KVM_GET_MSR_INDEX_LIST, list);
    if (ret < 0) {
        return kvm_i386_ioctl_error(ret, "KVM_GET_MSR_INDEX_LIST", errp);
    }
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        list_add(k, list->indices[i]);
    }
    return true;
}

static void list_add_ours(KVMI386 *k, const X86CPU *cpu)
{
    if (x86_feature_test(cpu->features, X86_FEAT_MTRR)) {
        list_add_range(k, X86_MSR_MTRR_PHYS_BASE0, 16);
        list_add(k, X86_MSR_MTRR_FIX_64K);
        list_add_range(k, X86_MSR_MTRR_FIX_16K, 2);
        list_add_range(k, X86_MSR_MTRR_FIX_4K, 8);
        list_add(k, X86_MSR_MTRR_DEF_TYPE);
    }
    if (x86_feature_test(cpu->features, X86_FEAT_MCA)) {
        list_add_range(k, X86_MSR_MC0_CTL, 4 * KVM_I386_MCE_BANKS);
    }
}

/* ---- Tables for the ioctls ---- */

static void table_add(KVMMsrTable *t, uint32_t index, uint64_t value)
{
    t->entries[t->head.nmsrs++] = (struct kvm_msr_entry){
        .index = index, .data = value,
    };
}

static void warn_msr(KVMI386 *k, const char *verb,
                     const struct kvm_msr_entry *e)
{
    trace_kvm_msr_refused(e->index, e->data, verb);
    if (!k->msr_warned) {
        k->msr_warned = true;
        warn_report("the kernel does not let MSR 0x%x be %s: it is left out, "
                    "and others that are refused", e->index, verb);
    }
}

static void table_remove(KVMMsrTable *t, uint32_t i)
{
    t->head.nmsrs--;
    memmove(&t->entries[i], &t->entries[i + 1],
            (t->head.nmsrs - i) * sizeof(t->entries[0]));
}

/* Read all of @t; entries that cannot be read are removed from it. */
static bool read_table(KVMI386 *k, X86CPU *cpu, KVMMsrTable *t, Error **errp)
{
    while (t->head.nmsrs) {
        int n = kvm_vcpu_ioctl(CPU(cpu), KVM_GET_MSRS, t);

        if (n < 0) {
            return kvm_i386_ioctl_error(n, "cannot read MSRs", errp);
        }
        if (n >= (int)t->head.nmsrs) {
            return true;
        }
        warn_msr(k, "read", &t->entries[n]);
        table_remove(t, n);
    }
    return true;
}

/* Write all of @t, skipping what is refused. */
static bool write_table(KVMI386 *k, X86CPU *cpu, KVMMsrTable *t, Error **errp)
{
    while (t->head.nmsrs) {
        int n = kvm_vcpu_ioctl(CPU(cpu), KVM_SET_MSRS, t);

        if (n < 0) {
            return kvm_i386_ioctl_error(n, "cannot write MSRs", errp);
        }
        if (n >= (int)t->head.nmsrs) {
            return true;
        }
        if (t->entries[n].data) {
            warn_msr(k, "set", &t->entries[n]);
        }
        /* the first n are done */
        t->head.nmsrs -= n + 1;
        memmove(&t->entries[0], &t->entries[n + 1],
                t->head.nmsrs * sizeof(t->entries[0]));
    }
    return true;
}

bool kvm_i386_load_msr_list(KVMState *s, X86CPU *cpu, Error **errp)
{
    KVMI386 *k = kvm_i386(s);
    g_autofree KVMMsrTable *t = g_new0(KVMMsrTable, 1);

    k->msrs = g_new(X86Msr, X86_MSRS_MAX);
    k->nr_msrs = 0;
    /* TSC first, what is relative to it later */
    list_add(k, X86_MSR_TSC);
    if (!list_add_kernels(s, k, errp)) {
        g_clear_pointer(&k->msrs, g_free);
        return false;
    }
    list_add_ours(k, cpu);
    for (uint32_t i = 0; i < k->nr_msrs; i++) {
        table_add(t, k->msrs[i].index, 0);
    }
    if (!read_table(k, cpu, t, errp)) {
        g_clear_pointer(&k->msrs, g_free);
        return false;
    }
    k->nr_msrs = t->head.nmsrs;
    for (uint32_t i = 0; i < k->nr_msrs; i++) {
        k->msrs[i].index = t->entries[i].index;
        k->msrs[i].value = t->entries[i].data;
        if (k->msrs[i].index == X86_MSR_TSC) {
            k->msrs[i].value = 0;
        }
    }
    return true;
}

/* ---- Get and put ---- */

bool kvm_i386_get_msrs(KVMState *s, X86CPU *cpu, Error **errp)
{
    X86CPUState *env = &cpu->env;
    g_autofree KVMMsrTable *t = g_new0(KVMMsrTable, 1);

    for (uint32_t i = 0; i < env->nr_msrs; i++) {
        table_add(t, env->msrs[i].index, 0);
    }
    if (!read_table(kvm_i386(s), cpu, t, errp)) {
        return false;
    }
    /* entries keep their order; some may be gone */
    for (uint32_t i = 0, k = 0; i < env->nr_msrs && k < t->head.nmsrs; i++) {
        if (env->msrs[i].index == t->entries[k].index) {
            env->msrs[i].value = t->entries[k++].data;
        }
    }
    env->msrs_dirty = false;
    return true;
}

bool kvm_i386_put_msrs(KVMState *s, X86CPU *cpu, bool all, Error **errp)
{
    X86CPUState *env = &cpu->env;
    g_autofree KVMMsrTable *t = g_new0(KVMMsrTable, 1);

    for (uint32_t i = 0; i < env->nr_msrs; i++) {
        const X86Msr *m = &env->msrs[i];

        if (m->index == X86_MSR_TSC_DEADLINE ||
            (!all && m->value == env->msrs_reset[i].value)) {
            continue;
        }
        table_add(t, m->index, m->value);
    }
    env->msrs_dirty = false;
    return write_table(kvm_i386(s), cpu, t, errp);
}

bool kvm_i386_put_deadline(KVMState *s, X86CPU *cpu, Error **errp)
{
    KVMMsrTable *t;
    uint64_t value;
    bool ok;

    if (!x86_cpu_get_msr(cpu, X86_MSR_TSC_DEADLINE, &value) || !value) {
        return true;
    }
    t = g_new0(KVMMsrTable, 1);
    table_add(t, X86_MSR_TSC_DEADLINE, value);
    ok = write_table(kvm_i386(s), cpu, t, errp);
    g_free(t);
    return ok;
}

/* ---- Feature MSRs ---- */

uint64_t kvm_i386_feature_msr(KVMState *s, uint32_t index)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } t = { .head.nmsrs = 1, .entry.index = index };

    return kvm_ioctl(s, KVM_GET_MSRS, &t) == 1 ? t.entry.data : 0;
}

void kvm_i386_init_feature_msrs(KVMState *s, X86CPU *cpu)
{
    static const struct { X86FeatureWord word; X86Feature needs; } table[] = {
        { X86_FW_ARCH_CAPABILITIES, X86_FEAT_ARCH_CAPABILITIES },
        { X86_FW_CORE_CAPABILITY, X86_FEAT_CORE_CAPABILITY },
        { X86_FW_PERF_CAPABILITIES, X86_FEAT_PDCM },
    };
    g_autofree KVMMsrTable *t = g_new0(KVMMsrTable, 1);
    uint64_t ucode = cpu->ucode_rev;

    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        uint64_t want = cpu->features[table[i].word];

        if (x86_feature_test(cpu->features, table[i].needs) && want) {
            table_add(t, x86_feature_words[table[i].word].msr, want);
        }
    }
    if (ucode == 0 && X86_CPU_GET_CLASS(cpu)->host_model) {
        ucode = kvm_i386_feature_msr(s, X86_MSR_UCODE_REV);
    }
    if (ucode) {
        table_add(t, X86_MSR_UCODE_REV, ucode);
    }
    write_table(kvm_i386(s), cpu, t, NULL);
}
