/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID between the CPU model and KVM: what the kernel can show a guest, and
 * giving a vCPU its leaves.
 */
#include "util/osdep.h"
#include "target/i386/host.h"
#include "util/log.h"
#include "i386-internal.h"

static struct kvm_cpuid_entry2 *find(KVMCpuidTable *t, uint32_t leaf,
                                     uint32_t subleaf)
{
    for (uint32_t i = 0; i < t->head.nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];

        if (e->function == leaf &&
            (e->index == subleaf ||
             !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX))) {
            return e;
        }
    }
    return NULL;
}

/* What the kernel can do but leaves to us to tell. */
static void correct_supported(KVMState *s)
{
    KVMCpuidTable *t = kvm_i386(s)->supported;
    struct kvm_cpuid_entry2 *e;

    e = find(t, 1, 0);
    if (e) {
        e->ecx |= BIT(X86_FEAT_X2APIC.bit);     /* in-kernel LAPIC */
        if (kvm_check_extension(s, KVM_CAP_TSC_DEADLINE_TIMER)) {
            e->ecx |= BIT(X86_FEAT_TSC_DEADLINE.bit);
        }
    }
    e = find(t, 6, 0);
    if (e) {
        /* the emulated timer never stops */
        e->eax |= BIT(X86_FEAT_ARAT.bit);
    }
    e = find(t, 0x40000001, 0);
    if (e) {
        e->edx |= BIT(0);           /* kvm-hint-dedicated: the user's word */
        if (s->irqchip_mode == KVM_IRQCHIP_MODE_SPLIT) {
            e->eax |= BIT(15);      /* kvm-msi-ext-dest-id: done by us */
        }
    }
}

bool kvm_i386_load_supported(KVMState *s, Error **errp)
{
    KVMI386 *k = kvm_i386(s);
    int ret;

    k->supported = g_new0(KVMCpuidTable, 1);
    k->supported->head.nent = G_N_ELEMENTS(k->supported->entries);
    ret = kvm_ioctl(s, KVM_GET_SUPPORTED_CPUID, k->supported);
    if (ret < 0) {
        return kvm_i386_ioctl_error(ret, "KVM_GET_SUPPORTED_CPUID", errp);
    }
    correct_supported(s);
    return true;
}

void kvm_i386_supported_cpuid(KVMState *s, uint32_t leaf, uint32_t subleaf,
                              uint32_t regs[4])
{
    const struct kvm_cpuid_entry2 *e = find(kvm_i386(s)->supported, leaf,
                                            subleaf);

    memset(regs, 0, 4 * sizeof(regs[0]));
    if (e) {
        regs[X86_REG_EAX] = e->eax;
        regs[X86_REG_EBX] = e->ebx;
        regs[X86_REG_ECX] = e->ecx;
        regs[X86_REG_EDX] = e->edx;
    }
}

/* ---- Giving a vCPU its leaves ---- */

/* All of @cpu's entries, save those of leaf @without (when @drop). */
static void fill_table(const X86CPU *cpu, KVMCpuidTable *t, bool drop,
                       uint32_t without)
{
    t->head.nent = 0;
    for (uint32_t i = 0; i < cpu->nr_cpuid; i++) {
        const X86CpuidEntry *e = &cpu->cpuid[i];

        if (drop && e->leaf == without) {
            continue;
        }
        t->entries[t->head.nent++] = (struct kvm_cpuid_entry2){
            .function = e->leaf,
            .index = e->subleaf,
            .flags = e->has_subleaf ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = e->regs[X86_REG_EAX],
            .ebx = e->regs[X86_REG_EBX],
            .ecx = e->regs[X86_REG_ECX],
            .edx = e->regs[X86_REG_EDX],
        };
    }
}

/*
 * The kernel refused the table and does not say why: find the leaf without
 * which it takes it.
 */
static bool retry_without_one(X86CPU *cpu, KVMCpuidTable *t)
{
    uint32_t last = UINT32_MAX;

    for (uint32_t i = 0; i < cpu->nr_cpuid; i++) {
        uint32_t leaf = cpu->cpuid[i].leaf;

        if (leaf == last) {
            continue;
        }
        last = leaf;
        fill_table(cpu, t, true, leaf);
        if (kvm_vcpu_ioctl(CPU(cpu), KVM_SET_CPUID2, t) == 0) {
            warn_report_once("the kernel refuses CPUID leaf 0x%x: the guest "
                             "does not get it", leaf);
            return true;
        }
    }
    return false;
}

bool kvm_i386_set_cpuid(KVMState *s, X86CPU *cpu, Error **errp)
{
    g_autofree KVMCpuidTable *t = g_new0(KVMCpuidTable, 1);
    int ret;

    fill_table(cpu, t, false, 0);
    ret = kvm_vcpu_ioctl(CPU(cpu), KVM_SET_CPUID2, t);
    if (ret == 0 || retry_without_one(cpu, t)) {
        return true;
    }
    error_setg_errno(errp, -ret, "the kernel refuses the CPUID of the model");
    error_append_hint(errp, "Use -cpu host, or turn features off");
    return false;
}
