/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers as "info registers" shows them, always in their 64-bit form. */
#include "util/osdep.h"
#include "target/i386/cpu.h"

/* Bits of a segment's attributes (SDM volume 3, 3.4.5, shifted down by 8). */
#define SEG_DPL(attr)  ((attr) >> 5 & 3)

static void describe_general(const X86CPUState *env, GString *out)
{
    static const struct {
        const char *name;
        int reg;
    } order[X86_NR_REGS] = {
        { "RAX", 0 }, { "RBX", 3 }, { "RCX", 1 }, { "RDX", 2 },
        { "RSI", 6 }, { "RDI", 7 }, { "RBP", 5 }, { "RSP", 4 },
        { "R8 ", 8 }, { "R9 ", 9 }, { "R10", 10 }, { "R11", 11 },
        { "R12", 12 }, { "R13", 13 }, { "R14", 14 }, { "R15", 15 },
    };

    for (int i = 0; i < X86_NR_REGS; i++) {
        g_string_append_printf(out, "%s=%016" PRIx64 "%c", order[i].name,
                               env->regs[order[i].reg], i % 4 == 3 ? '\n' :
                               ' ');
    }
}

/* Flags from the direction flag down to carry (SDM volume 1, 3.4.3). */
static void describe_flags(const X86CPUState *env, GString *out)
{
    static const struct {
        char name;
        int bit;
    } flags[] = { { 'D', 10 }, { 'O', 11 }, { 'S', 7 }, { 'Z', 6 },
                  { 'A', 4 }, { 'P', 2 }, { 'C', 0 } };

    g_string_append_printf(out, "RIP=%016" PRIx64 " RFL=%08" PRIx64 " [",
                           env->rip, env->rflags);
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_string_append_c(out, env->rflags >> flags[i].bit & 1 ?
                          flags[i].name : '-');
    }
    g_string_append_printf(out, "] CPL=%u II=%u A20=1 SMM=%u HLT=%u\n",
                           SEG_DPL(env->segs[X86_SEG_SS].attr),
                           env->events.interrupt_shadow != 0,
                           env->events.smi_smm,
                           env->mp_state == X86_MP_HALTED);
}

static void describe_segment(const char *name, const X86Segment *seg,
                             GString *out)
{
    g_string_append_printf(out, "%s=%04x %016" PRIx64 " %08x %08x\n", name,
                           seg->selector, seg->base, seg->limit,
                           seg->attr << 8);
}

static void describe_system(const X86CPUState *env, GString *out)
{
    g_string_append_printf(out, "GDT=     %016" PRIx64 " %08x\n"
                           "IDT=     %016" PRIx64 " %08x\n", env->gdt.base,
                           env->gdt.limit, env->idt.base, env->idt.limit);
    g_string_append_printf(out, "CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016"
                           PRIx64 " CR4=%08" PRIx64 "\n", env->cr0, env->cr2,
                           env->cr3, env->cr4);
    for (int i = 0; i < 4; i++) {
        g_string_append_printf(out, "DR%d=%016" PRIx64 "%c", i, env->dr[i],
                               i == 3 ? '\n' : ' ');
    }
    g_string_append_printf(out, "DR6=%016" PRIx64 " DR7=%016" PRIx64 "\n"
                           "EFER=%016" PRIx64 "\n", env->dr6, env->dr7,
                           env->efer);
}

void x86_cpu_describe_regs(CPUState *cs, GString *out)
{
    static const struct {
        const char *name;
        int seg;
    } segs[] = {
        { "ES ", X86_SEG_ES }, { "CS ", X86_SEG_CS }, { "SS ", X86_SEG_SS },
        { "DS ", X86_SEG_DS }, { "FS ", X86_SEG_FS }, { "GS ", X86_SEG_GS },
    };
    const X86CPUState *env = &X86_CPU(cs)->env;

    describe_general(env, out);
    describe_flags(env, out);
    for (size_t i = 0; i < G_N_ELEMENTS(segs); i++) {
        describe_segment(segs[i].name, &env->segs[segs[i].seg], out);
    }
    describe_segment("LDT", &env->ldt, out);
    describe_segment("TR ", &env->tr, out);
    describe_system(env, out);
}
