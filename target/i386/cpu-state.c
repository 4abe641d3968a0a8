/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register state after RESET (Intel SDM volume 3, table 10-1) and access to
 * single registers for boot loaders.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"

/* Local APIC registers that are not zero after RESET (SDM volume 3, 11.4.7),
 * by offset. */
enum {
    APIC_ID = 0x20,
    APIC_DFR = 0xe0,
    APIC_SVR = 0xf0,
    APIC_LVT_CMCI = 0x2f0,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_ERROR = 0x370,
    APIC_LVT_MASKED = 1 << 16,
    APIC_MODE_EXTINT = 7 << 8,
};

enum {
    XSAVE_FCW = 0,                  /* offsets in the legacy region */
    XSAVE_MXCSR = 24,
    XSAVE_MXCSR_MASK = 28,
    XSAVE_XSTATE_BV = 512,
};

enum {
    APIC_BASE_DEFAULT = 0xfee00000,
    APIC_BASE_BSP = BIT(8),
    APIC_BASE_ENABLE = BIT(11),
};

void x86_cpu_set_segment(X86CPUState *env, int seg, uint16_t selector,
                         uint64_t base, uint32_t limit, uint32_t attr)
{
    env->segs[seg] = (X86Segment){
        .base = base, .limit = limit, .attr = attr, .selector = selector,
    };
}

static X86Msr *find_msr(const X86CPUState *env, uint32_t index)
{
    for (uint32_t i = 0; i < env->nr_msrs; i++) {
        if (env->msrs[i].index == index) {
            return &env->msrs[i];
        }
    }
    return NULL;
}

bool x86_cpu_set_msr(X86CPU *cpu, uint32_t index, uint64_t value)
{
    X86Msr *msr = find_msr(&cpu->env, index);

    if (!msr) {
        return false;
    }
    msr->value = value;
    cpu->env.msrs_dirty = true;
    return true;
}

bool x86_cpu_get_msr(const X86CPU *cpu, uint32_t index, uint64_t *value)
{
    const X86Msr *msr = find_msr(&cpu->env, index);

    if (!msr) {
        return false;
    }
    *value = msr->value;
    return true;
}

void x86_cpu_set_msr_list(X86CPU *cpu, const X86Msr *reset, uint32_t n)
{
    X86CPUState *env = &cpu->env;

    g_free(env->msrs);
    env->nr_msrs = MIN(n, (uint32_t)X86_MSRS_MAX);
    env->msrs = g_memdup2(reset, env->nr_msrs * sizeof(*reset));
    env->msrs_reset = reset;
}

bool x86_cpu_is_bsp(const X86CPU *cpu)
{
    return cpu->apic_id == 0;
}

static void set_lapic(X86CPUState *env, unsigned offset, uint32_t value)
{
    memcpy(env->lapic + offset, &value, sizeof(value));
}

static void reset_lapic(const X86CPU *cpu, X86CPUState *env)
{
    memset(env->lapic, 0, sizeof(env->lapic));
    set_lapic(env, APIC_ID, cpu->apic_id << 24);
    set_lapic(env, APIC_DFR, 0xffffffff);
    set_lapic(env, APIC_SVR, 0xff);
    set_lapic(env, APIC_LVT_CMCI, APIC_LVT_MASKED);
    for (unsigned off = APIC_LVT_TIMER; off <= APIC_LVT_ERROR; off += 0x10) {
        set_lapic(env, off, APIC_LVT_MASKED);
    }
    if (x86_cpu_is_bsp(cpu)) {
        /* virtual wire: firmware of old expects the PIC on LINT0 */
        set_lapic(env, APIC_LVT_LINT0, APIC_MODE_EXTINT);
    }
}

static void reset_xsave(X86CPUState *env)
{
    static const uint16_t fcw = 0x37f;
    static const uint32_t mxcsr[2] = { 0x1f80, 0xffff };
    static const uint64_t xstate_bv = 3;

    env->xcr0 = 1;
    if (env->xsave) {
        memset(env->xsave, 0, env->xsave_bytes);
        memcpy(env->xsave + XSAVE_FCW, &fcw, sizeof(fcw));
        memcpy(env->xsave + XSAVE_MXCSR, mxcsr, sizeof(mxcsr));
        memcpy(env->xsave + XSAVE_XSTATE_BV, &xstate_bv, sizeof(xstate_bv));
    }
}

static void reset_segments(X86CPUState *env)
{
    /* present, writable data or readable code, accessed, S */
    for (int i = 0; i < X86_NR_SEGS; i++) {
        x86_cpu_set_segment(env, i, 0, 0, 0xffff, 0x93);
    }
    x86_cpu_set_segment(env, X86_SEG_CS, 0xf000, 0xffff0000, 0xffff, 0x9b);
    env->ldt = (X86Segment){ .limit = 0xffff, .attr = 0x82 };
    env->tr = (X86Segment){ .limit = 0xffff, .attr = 0x8b };
    env->gdt = (X86Table){ .limit = 0xffff };
    env->idt = (X86Table){ .limit = 0xffff };
}

/* Family, model and stepping, which RESET leaves in EDX. */
static uint32_t reset_edx(const X86CPU *cpu)
{
    return cpu->cpuid ? cpu->cpuid[1].regs[X86_REG_EAX] : 0x600;
}

static void reset_msrs(X86CPUState *env)
{
    for (uint32_t i = 0; i < env->nr_msrs; i++) {
        env->msrs[i] = env->msrs_reset[i];
    }
    env->msrs_dirty = false;
}

void x86_cpu_reset_regs(CPUState *cs)
{
    X86CPU *cpu = X86_CPU(cs);
    X86CPUState *env = &cpu->env;

    memset(env->regs, 0, sizeof(env->regs));
    env->regs[X86_RDX] = reset_edx(cpu);
    env->rip = 0xfff0;
    env->rflags = 2;
    reset_segments(env);
    env->cr0 = 0x60000010;          /* CD, NW, ET */
    env->cr2 = env->cr3 = env->cr4 = env->cr8 = env->efer = 0;
    env->apic_base = APIC_BASE_DEFAULT | APIC_BASE_ENABLE |
                     (x86_cpu_is_bsp(cpu) ? APIC_BASE_BSP : 0);
    memset(env->interrupt_bitmap, 0, sizeof(env->interrupt_bitmap));
    memset(env->dr, 0, sizeof(env->dr));
    env->dr6 = 0xffff0ff0;
    env->dr7 = 0x400;
    env->pdptrs_valid = false;
    memset(&env->events, 0, sizeof(env->events));
    env->mp_state = x86_cpu_is_bsp(cpu) ? X86_MP_RUNNABLE
                                        : X86_MP_UNINITIALIZED;
    env->nested_bytes = 0;
    reset_xsave(env);
    reset_lapic(cpu, env);
    reset_msrs(env);
    cs->halted = !x86_cpu_is_bsp(cpu);
    cpu->dirty_level = X86_DIRTY_RESET;
    cs->vcpu_dirty = true;
}
