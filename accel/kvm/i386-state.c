/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers between X86CPUState and the kernel.
 *
 * Order of a full put: nested state before the registers that it changes,
 * system registers (EFER, APIC base) before MSRs and LAPIC, the LAPIC before
 * its deadline MSR, the multi-processor state and events last.
 */
#include "util/osdep.h"
#include "i386-internal.h"
#include "trace/trace-accel_kvm.h"

static bool vcpu_call(X86CPU *cpu, unsigned long request, void *arg,
                      const char *what, Error **errp)
{
    int ret = kvm_vcpu_ioctl(CPU(cpu), request, arg);

    return ret >= 0 || kvm_i386_ioctl_error(ret, what, errp);
}

/* ---- General registers ---- */

static bool get_regs(X86CPU *cpu, Error **errp)
{
    uint64_t *r = cpu->env.regs;
    struct kvm_regs k;

    if (!vcpu_call(cpu, KVM_GET_REGS, &k, "KVM_GET_REGS", errp)) {
        return false;
    }
    r[X86_RAX] = k.rax;
    r[X86_RBX] = k.rbx;
    r[X86_RCX] = k.rcx;
    r[X86_RDX] = k.rdx;
    r[X86_RSI] = k.rsi;
    r[X86_RDI] = k.rdi;
    r[X86_RSP] = k.rsp;
    r[X86_RBP] = k.rbp;
    memcpy(&r[X86_R8], &k.r8, 8 * sizeof(uint64_t));
    cpu->env.rip = k.rip;
    cpu->env.rflags = k.rflags;
    return true;
}

static bool put_regs(X86CPU *cpu, Error **errp)
{
    const uint64_t *r = cpu->env.regs;
    struct kvm_regs k = {
        .rax = r[X86_RAX], .rbx = r[X86_RBX],
        .rcx = r[X86_RCX], .rdx = r[X86_RDX],
        .rsi = r[X86_RSI], .rdi = r[X86_RDI],
        .rsp = r[X86_RSP], .rbp = r[X86_RBP],
        .rip = cpu->env.rip, .rflags = cpu->env.rflags,
    };

    memcpy(&k.r8, &r[X86_R8], 8 * sizeof(uint64_t));
    return vcpu_call(cpu, KVM_SET_REGS, &k, "KVM_SET_REGS", errp);
}

/* ---- System registers ---- */

static void segment_from_kvm(X86Segment *s, const struct kvm_segment *k)
{
    s->base = k->base;
    s->limit = k->limit;
    s->selector = k->selector;
    s->attr = (k->type & 0xf) | (k->s & 1) << 4 | (k->dpl & 3) << 5 |
              (k->present & 1) << 7 | (k->avl & 1) << 12 | (k->l & 1) << 13 |
              (k->db & 1) << 14 | (k->g & 1) << 15 |
              (uint32_t)(k->unusable & 1) << 16;
}

static void segment_to_kvm(struct kvm_segment *k, const X86Segment *s)
{
    *k = (struct kvm_segment){
        .base = s->base,
        .limit = s->limit,
        .selector = s->selector,
        .type = s->attr & 0xf,
        .s = s->attr >> 4 & 1,
        .dpl = s->attr >> 5 & 3,
        .present = s->attr >> 7 & 1,
        .avl = s->attr >> 12 & 1,
        .l = s->attr >> 13 & 1,
        .db = s->attr >> 14 & 1,
        .g = s->attr >> 15 & 1,
        .unusable = s->attr >> 16 & 1 || !(s->attr >> 7 & 1),
    };
}

/* Of either structure: the fields have the same names. */
#define SEGMENTS(convert, env, k)                                              \
    do {                                                                       \
        convert(env, X86_SEG_ES, k.es);                                        \
        convert(env, X86_SEG_CS, k.cs);                                        \
        convert(env, X86_SEG_SS, k.ss);                                        \
        convert(env, X86_SEG_DS, k.ds);                                        \
        convert(env, X86_SEG_FS, k.fs);                                        \
        convert(env, X86_SEG_GS, k.gs);                                        \
    } while (0)
#define FROM_KVM(env, nr, seg) segment_from_kvm(&(env)->segs[nr], &(seg))
#define TO_KVM(env, nr, seg)   segment_to_kvm(&(seg), &(env)->segs[nr])

static bool get_sregs(X86CPU *cpu, Error **errp)
{
    X86CPUState *env = &cpu->env;
    struct kvm_sregs k;

    if (!vcpu_call(cpu, KVM_GET_SREGS, &k, "KVM_GET_SREGS", errp)) {
        return false;
    }
    SEGMENTS(FROM_KVM, env, k);
    segment_from_kvm(&env->tr, &k.tr);
    segment_from_kvm(&env->ldt, &k.ldt);
    env->gdt = (X86Table){ k.gdt.base, k.gdt.limit };
    env->idt = (X86Table){ k.idt.base, k.idt.limit };
    env->cr0 = k.cr0;
    env->cr2 = k.cr2;
    env->cr3 = k.cr3;
    env->cr4 = k.cr4;
    env->cr8 = k.cr8;
    env->efer = k.efer;
    env->apic_base = k.apic_base;
    memcpy(env->interrupt_bitmap, k.interrupt_bitmap,
           sizeof(env->interrupt_bitmap));
    return true;
}

static bool put_sregs(X86CPU *cpu, Error **errp)
{
    X86CPUState *env = &cpu->env;
    struct kvm_sregs k = {
        .gdt = { .base = env->gdt.base, .limit = env->gdt.limit },
        .idt = { .base = env->idt.base, .limit = env->idt.limit },
        .cr0 = env->cr0, .cr2 = env->cr2, .cr3 = env->cr3, .cr4 = env->cr4,
        .cr8 = env->cr8, .efer = env->efer, .apic_base = env->apic_base,
    };

    SEGMENTS(TO_KVM, env, k);
    segment_to_kvm(&k.tr, &env->tr);
    segment_to_kvm(&k.ldt, &env->ldt);
    memcpy(k.interrupt_bitmap, env->interrupt_bitmap,
           sizeof(k.interrupt_bitmap));
    return vcpu_call(cpu, KVM_SET_SREGS, &k, "KVM_SET_SREGS", errp);
}

/* PAE page directory pointers, which memory may no longer have. */
static bool get_pdptrs(KVMState *s, X86CPU *cpu, Error **errp)
{
    X86CPUState *env = &cpu->env;
    struct kvm_sregs2 k;

    env->pdptrs_valid = false;
    if (!kvm_i386(s)->has_sregs2) {
        return true;
    }
    if (!vcpu_call(cpu, KVM_GET_SREGS2, &k, "KVM_GET_SREGS2", errp)) {
        return false;
    }
    env->pdptrs_valid = k.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
    memcpy(env->pdptrs, k.pdptrs, sizeof(env->pdptrs));
    return true;
}

static bool put_pdptrs(KVMState *s, X86CPU *cpu, Error **errp)
{
    X86CPUState *env = &cpu->env;
    struct kvm_sregs2 k;

    if (!env->pdptrs_valid || !kvm_i386(s)->has_sregs2) {
        return true;
    }
    if (!vcpu_call(cpu, KVM_GET_SREGS2, &k, "KVM_GET_SREGS2", errp)) {
        return false;
    }
    memcpy(k.pdptrs, env->pdptrs, sizeof(k.pdptrs));
    k.flags |= KVM_SREGS2_FLAGS_PDPTRS_VALID;
    return vcpu_call(cpu, KVM_SET_SREGS2, &k, "KVM_SET_SREGS2", errp);
}

/* ---- Floating point and vectors ---- */

static bool get_fpu(KVMState *s, X86CPU *cpu, Error **errp)
{
    KVMI386 *k = kvm_i386(s);
    struct kvm_xcrs xcrs;

    if (!k->has_xsave) {
        return vcpu_call(cpu, KVM_GET_FPU, cpu->env.xsave, "KVM_GET_FPU",
                         errp);
    }
    if (!vcpu_call(cpu, k->has_xsave2 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE,
                   cpu->env.xsave, "KVM_GET_XSAVE", errp)) {
        return false;
    }
    if (!k->has_xcrs) {
        return true;
    }
    if (!vcpu_call(cpu, KVM_GET_XCRS, &xcrs, "KVM_GET_XCRS", errp)) {
        return false;
    }
    if (xcrs.nr_xcrs >= 1 && xcrs.xcrs[0].xcr == 0) {
        cpu->env.xcr0 = xcrs.xcrs[0].value;
    }
    return true;
}

static bool put_fpu(KVMState *s, X86CPU *cpu, Error **errp)
{
    KVMI386 *k = kvm_i386(s);
    struct kvm_xcrs xcrs = {
        .nr_xcrs = 1, .xcrs[0].value = cpu->env.xcr0,
    };

    if (!k->has_xsave) {
        return vcpu_call(cpu, KVM_SET_FPU, cpu->env.xsave, "KVM_SET_FPU",
                         errp);
    }
    if (!vcpu_call(cpu, KVM_SET_XSAVE, cpu->env.xsave, "KVM_SET_XSAVE",
                   errp)) {
        return false;
    }
    return !k->has_xcrs || !x86_feature_test(cpu->features, X86_FEAT_XSAVE) ||
           vcpu_call(cpu, KVM_SET_XCRS, &xcrs, "KVM_SET_XCRS", errp);
}

/* ---- Events ---- */

static bool get_events(KVMState *s, X86CPU *cpu, Error **errp)
{
    X86Events *e = &cpu->env.events;
    struct kvm_vcpu_events k = { 0 };

    if (!vcpu_call(cpu, KVM_GET_VCPU_EVENTS, &k, "KVM_GET_VCPU_EVENTS",
                   errp)) {
        return false;
    }
    *e = (X86Events){
        .exception_injected = k.exception.injected,
        .exception_pending = k.exception.pending,
        .exception_nr = k.exception.nr,
        .exception_has_error_code = k.exception.has_error_code,
        .exception_error_code = k.exception.error_code,
        .exception_has_payload = k.exception_has_payload,
        .exception_payload = k.exception_payload,
        .interrupt_injected = k.interrupt.injected,
        .interrupt_nr = k.interrupt.nr,
        .interrupt_soft = k.interrupt.soft,
        .interrupt_shadow = k.interrupt.shadow,
        .nmi_injected = k.nmi.injected,
        .nmi_pending = k.nmi.pending,
        .nmi_masked = k.nmi.masked,
        .sipi_vector = k.sipi_vector,
        .smi_smm = k.smi.smm,
        .smi_pending = k.smi.pending,
        .smi_inside_nmi = k.smi.smm_inside_nmi,
        .smi_latched_init = k.smi.latched_init,
        .triple_fault_pending = k.triple_fault.pending,
    };
    return true;
}

static bool put_events(KVMState *s, X86CPU *cpu, Error **errp)
{
    const X86Events *e = &cpu->env.events;
    struct kvm_vcpu_events k = {
        .exception.injected = e->exception_injected,
        .exception.pending = e->exception_pending,
        .exception.nr = e->exception_nr,
        .exception.has_error_code = e->exception_has_error_code,
        .exception.error_code = e->exception_error_code,
        .exception_has_payload = e->exception_has_payload,
        .exception_payload = e->exception_payload,
        .interrupt.injected = e->interrupt_injected,
        .interrupt.nr = e->interrupt_nr,
        .interrupt.soft = e->interrupt_soft,
        .interrupt.shadow = e->interrupt_shadow,
        .nmi.injected = e->nmi_injected,
        .nmi.pending = e->nmi_pending,
        .nmi.masked = e->nmi_masked,
        .sipi_vector = e->sipi_vector,
        .smi.smm = e->smi_smm,
        .smi.pending = e->smi_pending,
        .smi.smm_inside_nmi = e->smi_inside_nmi,
        .smi.latched_init = e->smi_latched_init,
        .triple_fault.pending = e->triple_fault_pending,
        .flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
                 KVM_VCPUEVENT_VALID_SIPI_VECTOR |
                 KVM_VCPUEVENT_VALID_SHADOW,
    };

    if (e->smi_smm || e->smi_pending || e->smi_latched_init) {
        k.flags |= KVM_VCPUEVENT_VALID_SMM;
    }
    if (kvm_i386(s)->has_payload) {
        k.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
    }
    if (kvm_i386(s)->has_triple_fault_event) {
        k.flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
    }
    return vcpu_call(cpu, KVM_SET_VCPU_EVENTS, &k, "KVM_SET_VCPU_EVENTS",
                     errp);
}

/* ---- Debug registers, LAPIC, multi-processor state ---- */

static bool get_debug(KVMState *s, X86CPU *cpu, Error **errp)
{
    struct kvm_debugregs k;

    if (!kvm_i386(s)->has_debugregs) {
        return true;
    }
    if (!vcpu_call(cpu, KVM_GET_DEBUGREGS, &k, "KVM_GET_DEBUGREGS", errp)) {
        return false;
    }
    memcpy(cpu->env.dr, k.db, sizeof(cpu->env.dr));
    cpu->env.dr6 = k.dr6;
    cpu->env.dr7 = k.dr7;
    return true;
}

static bool put_debug(KVMState *s, X86CPU *cpu, Error **errp)
{
    struct kvm_debugregs k = { .dr6 = cpu->env.dr6, .dr7 = cpu->env.dr7 };

    if (!kvm_i386(s)->has_debugregs) {
        return true;
    }
    memcpy(k.db, cpu->env.dr, sizeof(cpu->env.dr));
    return vcpu_call(cpu, KVM_SET_DEBUGREGS, &k, "KVM_SET_DEBUGREGS", errp);
}

static bool get_lapic(KVMState *s, X86CPU *cpu, Error **errp)
{
    G_STATIC_ASSERT(sizeof(cpu->env.lapic) == sizeof(struct kvm_lapic_state));
    return !s->irqchip_made ||
           vcpu_call(cpu, KVM_GET_LAPIC, cpu->env.lapic, "KVM_GET_LAPIC",
                     errp);
}

static bool put_lapic(KVMState *s, X86CPU *cpu, Error **errp)
{
    return !s->irqchip_made ||
           vcpu_call(cpu, KVM_SET_LAPIC, cpu->env.lapic, "KVM_SET_LAPIC",
                     errp);
}

static bool get_mp_state(X86CPU *cpu, Error **errp)
{
    struct kvm_mp_state k;

    if (!vcpu_call(cpu, KVM_GET_MP_STATE, &k, "KVM_GET_MP_STATE", errp)) {
        return false;
    }
    cpu->env.mp_state = k.mp_state;
    CPU(cpu)->halted = k.mp_state == X86_MP_HALTED ||
                       k.mp_state == X86_MP_UNINITIALIZED;
    return true;
}

static bool put_mp_state(X86CPU *cpu, Error **errp)
{
    struct kvm_mp_state k = { .mp_state = cpu->env.mp_state };

    return vcpu_call(cpu, KVM_SET_MP_STATE, &k, "KVM_SET_MP_STATE", errp);
}

/* ---- State of a nested hypervisor ---- */

static bool get_nested(KVMState *s, X86CPU *cpu, Error **errp)
{
    struct kvm_nested_state *k = (void *)cpu->env.nested;
    uint32_t room = kvm_i386(s)->nested_bytes;

    cpu->env.nested_bytes = 0;
    if (!k || room < sizeof(*k)) {
        return true;
    }
    k->size = room;
    if (!vcpu_call(cpu, KVM_GET_NESTED_STATE, k, "KVM_GET_NESTED_STATE",
                   errp)) {
        return false;
    }
    /* a header alone, without flags: the guest runs no hypervisor */
    if (k->size > sizeof(*k) || k->flags ||
        (k->format == KVM_STATE_NESTED_FORMAT_VMX &&
         k->hdr.vmx.vmxon_pa != UINT64_MAX)) {
        cpu->env.nested_bytes = k->size;
    }
    return true;
}

static bool put_nested(KVMState *s, X86CPU *cpu, Error **errp)
{
    struct kvm_nested_state *k = (void *)cpu->env.nested;
    uint32_t bytes = cpu->env.nested_bytes;

    if (bytes == 0) {
        return true;
    }
    if (!k || bytes < sizeof(*k) || bytes > kvm_i386(s)->nested_bytes ||
        k->size != bytes) {
        error_setg(errp, "%u bytes of nested state do not fit this host",
                   bytes);
        return false;
    }
    return vcpu_call(cpu, KVM_SET_NESTED_STATE, k, "KVM_SET_NESTED_STATE",
                     errp);
}

/* ---- All of it ---- */

bool kvm_arch_get_state(CPUState *cs, Error **errp)
{
    KVMState *s = kvm_state();
    X86CPU *cpu = X86_CPU(cs);

    return get_regs(cpu, errp) && get_sregs(cpu, errp) &&
           get_pdptrs(s, cpu, errp) && get_fpu(s, cpu, errp) &&
           kvm_i386_get_msrs(s, cpu, errp) && get_mp_state(cpu, errp) &&
           get_lapic(s, cpu, errp) && get_events(s, cpu, errp) &&
           get_debug(s, cpu, errp) && get_nested(s, cpu, errp);
}

static bool put_all(KVMState *s, X86CPU *cpu, Error **errp)
{
    return put_nested(s, cpu, errp) && put_fpu(s, cpu, errp) &&
           put_sregs(cpu, errp) && put_pdptrs(s, cpu, errp) &&
           kvm_i386_put_msrs(s, cpu, true, errp) &&
           put_lapic(s, cpu, errp) && kvm_i386_put_deadline(s, cpu, errp) &&
           put_debug(s, cpu, errp) && put_regs(cpu, errp) &&
           put_mp_state(cpu, errp) && put_events(s, cpu, errp);
}

bool kvm_arch_put_state(CPUState *cs, Error **errp)
{
    KVMState *s = kvm_state();
    X86CPU *cpu = X86_CPU(cs);
    bool fresh = kvm_vcpu(cs)->fresh && cpu->dirty_level != X86_DIRTY_ALL;
    bool ok;

    trace_kvm_put_state(cs->cpu_index, cpu->dirty_level, fresh);
    if (cpu->dirty_level == X86_DIRTY_RUNTIME || fresh) {
        ok = put_sregs(cpu, errp) && put_regs(cpu, errp) &&
             (!cpu->env.msrs_dirty ||
              kvm_i386_put_msrs(s, cpu, false, errp));
    } else {
        ok = put_all(s, cpu, errp);
    }
    if (ok) {
        cpu->dirty_level = X86_DIRTY_RUNTIME;
    }
    return ok;
}
