/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a CPU that starts in a kernel instead of firmware. Long mode:
 * Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"; PVH: xen/docs/misc/
 * pvh.pandoc. Attribute bits: Intel SDM volume 3, 25.4.1.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "virt-internal.h"

#define CR0_PE          BIT(0)
#define CR0_ET          BIT(4)
#define CR0_PG          BIT(31)
#define CR4_PAE         BIT(5)
#define EFER_LME        BIT(8)
#define EFER_LMA        BIT(10)
#define RFLAGS_FIXED    BIT(1)
#define SEL_CODE        0x10
#define SEL_DATA        0x18
#define ATTR_CODE64     0xa09b
#define ATTR_CODE32     0xc09b
#define ATTR_DATA       0xc093
#define ATTR_TSS32      0x008b
#define TSS_LIMIT       0x67
#define GDT_LIMIT       0x1f
#define MTRR_ENABLE_WB  0x806   /* all memory is write-back */

static void boot_cpu_segments(X86CPUState *env, uint32_t code_attr)
{
    x86_cpu_set_segment(env, X86_SEG_CS, SEL_CODE, 0, UINT32_MAX, code_attr);
    for (int seg = 0; seg < X86_NR_SEGS; seg++) {
        if (seg != X86_SEG_CS) {
            x86_cpu_set_segment(env, seg, SEL_DATA, 0, UINT32_MAX, ATTR_DATA);
        }
    }
    env->tr = (X86Segment){ .limit = TSS_LIMIT, .attr = ATTR_TSS32 };
}

static void boot_cpu_enter_linux64(X86CPUState *env, uint64_t entry)
{
    boot_cpu_segments(env, ATTR_CODE64);
    env->gdt = (X86Table){ BOOT_GDT_GPA, GDT_LIMIT };
    env->idt = (X86Table){ 0, 0 };
    env->cr3 = BOOT_PAGE_TABLES_GPA;
    env->cr4 = CR4_PAE;
    env->efer = EFER_LME | EFER_LMA;
    env->cr0 = CR0_PE | CR0_ET | CR0_PG;
    env->rip = entry;
    env->regs[X86_RSP] = env->regs[X86_RBP] = BOOT_STACK_GPA;
    env->regs[X86_RSI] = BOOT_PARAMS_GPA;
}

/* PVH, and what other formats want: protected mode without paging. */
static void boot_cpu_enter_32(X86CPUState *env, const BootImage *img)
{
    boot_cpu_segments(env, ATTR_CODE32);
    env->idt = (X86Table){ 0, 0 };
    env->cr0 = CR0_PE | CR0_ET;
    env->cr4 = 0;
    env->rip = img->entry;
    env->regs[X86_RAX] = img->eax;
    env->regs[X86_RBX] = img->ebx;
}

void boot_cpu_enter(X86CPU *cpu, const BootImage *img)
{
    X86CPUState *env = &cpu->env;

    env->rflags = RFLAGS_FIXED;
    if (img->protocol == BOOT_LINUX64) {
        boot_cpu_enter_linux64(env, img->entry);
    } else {
        boot_cpu_enter_32(env, img);
    }
}

/* Without it kernels run with PAT off and complain of CPUs that differ. */
void boot_cpu_init_any(X86CPU *cpu)
{
    x86_cpu_set_msr(cpu, X86_MSR_MTRR_DEF_TYPE, MTRR_ENABLE_WB);
}
