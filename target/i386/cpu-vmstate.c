/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The migrated state of an x86 CPU: all architectural registers. The model
 * (CPUID) is not part of it: both sides are started with the same -cpu.
 *
 * MSRs travel as pairs of index and value, so kernels that know other ones
 * can meet: a value that cannot be put anywhere is an error, one that is zero
 * is not.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "migration/vmstate.h"
#include "util/log.h"

static const VMStateDescription vmstate_segment = {
    .name = "segment",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(base, X86Segment),
        VMSTATE_UINT32(limit, X86Segment),
        VMSTATE_UINT32(attr, X86Segment),
        VMSTATE_UINT16(selector, X86Segment),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_table = {
    .name = "table",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(base, X86Table),
        VMSTATE_UINT16(limit, X86Table),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_msr = {
    .name = "msr",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(index, X86Msr),
        VMSTATE_UINT64(value, X86Msr),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_events = {
    .name = "events",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(exception_injected, X86Events),
        VMSTATE_UINT8(exception_pending, X86Events),
        VMSTATE_UINT8(exception_nr, X86Events),
        VMSTATE_UINT8(exception_has_error_code, X86Events),
        VMSTATE_UINT8(exception_has_payload, X86Events),
        VMSTATE_UINT32(exception_error_code, X86Events),
        VMSTATE_UINT64(exception_payload, X86Events),
        VMSTATE_UINT8(interrupt_injected, X86Events),
        VMSTATE_UINT8(interrupt_nr, X86Events),
        VMSTATE_UINT8(interrupt_soft, X86Events),
        VMSTATE_UINT8(interrupt_shadow, X86Events),
        VMSTATE_UINT8(nmi_injected, X86Events),
        VMSTATE_UINT8(nmi_pending, X86Events),
        VMSTATE_UINT8(nmi_masked, X86Events),
        VMSTATE_UINT32(sipi_vector, X86Events),
        VMSTATE_UINT8(smi_smm, X86Events),
        VMSTATE_UINT8(smi_pending, X86Events),
        VMSTATE_UINT8(smi_inside_nmi, X86Events),
        VMSTATE_UINT8(smi_latched_init, X86Events),
        VMSTATE_UINT8(triple_fault_pending, X86Events),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- MSRs ---- */

static void drop_wire_msrs(X86CPUState *env)
{
    g_clear_pointer(&env->wire_msrs, g_free);
    env->nr_wire_msrs = 0;
}

static void fill_wire_msrs(X86CPUState *env)
{
    env->wire_msrs = g_new(X86Msr, X86_MSRS_MAX);
    env->nr_wire_msrs = 0;
    for (uint32_t i = 0; i < env->nr_msrs; i++) {
        if (env->msrs[i].value || env->msrs_reset[i].value) {
            env->wire_msrs[env->nr_wire_msrs++] = env->msrs[i];
        }
    }
}

static bool take_wire_msrs(X86CPU *cpu, Error **errp)
{
    X86CPUState *env = &cpu->env;

    /* a zero is not sent */
    for (uint32_t i = 0; i < env->nr_msrs; i++) {
        env->msrs[i].value = 0;
    }
    for (uint32_t i = 0; i < env->nr_wire_msrs; i++) {
        const X86Msr *m = &env->wire_msrs[i];

        if (!x86_cpu_set_msr(cpu, m->index, m->value) && m->value) {
            error_setg(errp, "MSR 0x%x with value 0x%" PRIx64
                       " cannot be restored on this host", m->index, m->value);
            return false;
        }
    }
    return true;
}

/* ---- Hooks ---- */

static bool x86_cpu_pre_save(void *opaque, Error **errp)
{
    X86CPU *cpu = opaque;

    drop_wire_msrs(&cpu->env);
    fill_wire_msrs(&cpu->env);
    return true;
}

static void x86_cpu_post_save(void *opaque)
{
    drop_wire_msrs(&((X86CPU *)opaque)->env);
}

static bool x86_cpu_pre_load(void *opaque, Error **errp)
{
    X86CPU *cpu = opaque;

    drop_wire_msrs(&cpu->env);
    cpu->env.wire_msrs = g_new0(X86Msr, X86_MSRS_MAX);
    /* large enough for whatever comes; the kernel checks the contents */
    if (!cpu->env.nested) {
        cpu->env.nested = g_malloc0(X86_NESTED_MAX_BYTES);
    }
    return true;
}

static bool x86_cpu_post_load(void *opaque, int version_id, Error **errp)
{
    X86CPU *cpu = opaque;
    X86CPUState *env = &cpu->env;
    bool ok;

    if (env->mp_state > X86_MP_SIPI_RECEIVED) {
        error_setg(errp, "CPU %u: unknown multi-processor state '%u'",
                   cpu->parent_obj.cpu_index, env->mp_state);
        return false;
    }
    ok = take_wire_msrs(cpu, errp);
    drop_wire_msrs(env);
    cpu->parent_obj.halted = env->mp_state == X86_MP_HALTED ||
                             env->mp_state == X86_MP_UNINITIALIZED;
    cpu->parent_obj.vcpu_dirty = true;
    cpu->dirty_level = X86_DIRTY_ALL;
    return ok;
}

/* ---- Subsections ---- */

static bool nested_needed(void *opaque)
{
    return ((X86CPU *)opaque)->env.nested_bytes != 0;
}

static const VMStateDescription vmstate_nested = {
    .name = "cpu/nested",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = nested_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_MAX(env.nested_bytes, X86CPU, X86_NESTED_MAX_BYTES),
        VMSTATE_VBUFFER(env.nested, X86CPU, env.nested_bytes,
                        X86_NESTED_MAX_BYTES),
        VMSTATE_END_OF_LIST()
    },
};

static bool pdptrs_needed(void *opaque)
{
    return ((X86CPU *)opaque)->env.pdptrs_valid;
}

static const VMStateDescription vmstate_pdptrs = {
    .name = "cpu/pdptrs",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = pdptrs_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(env.pdptrs_valid, X86CPU),
        VMSTATE_UINT64_ARRAY(env.pdptrs, X86CPU, 4),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription *const subsections[] = {
    &vmstate_nested, &vmstate_pdptrs, NULL,
};

const VMStateDescription vmstate_x86_cpu = {
    .name = "cpu",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = x86_cpu_pre_save,
    .post_save = x86_cpu_post_save,
    .pre_load = x86_cpu_pre_load,
    .post_load = x86_cpu_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(env.regs, X86CPU, X86_NR_REGS),
        VMSTATE_UINT64(env.rip, X86CPU),
        VMSTATE_UINT64(env.rflags, X86CPU),
        VMSTATE_STRUCT_ARRAY(env.segs, X86CPU, X86_NR_SEGS, vmstate_segment,
                             X86Segment),
        VMSTATE_STRUCT(env.ldt, X86CPU, vmstate_segment, X86Segment),
        VMSTATE_STRUCT(env.tr, X86CPU, vmstate_segment, X86Segment),
        VMSTATE_STRUCT(env.gdt, X86CPU, vmstate_table, X86Table),
        VMSTATE_STRUCT(env.idt, X86CPU, vmstate_table, X86Table),
        VMSTATE_UINT64(env.cr0, X86CPU),
        VMSTATE_UINT64(env.cr2, X86CPU),
        VMSTATE_UINT64(env.cr3, X86CPU),
        VMSTATE_UINT64(env.cr4, X86CPU),
        VMSTATE_UINT64(env.cr8, X86CPU),
        VMSTATE_UINT64(env.efer, X86CPU),
        VMSTATE_UINT64(env.apic_base, X86CPU),
        VMSTATE_UINT64_ARRAY(env.interrupt_bitmap, X86CPU, 4),
        VMSTATE_UINT64_ARRAY(env.dr, X86CPU, 4),
        VMSTATE_UINT64(env.dr6, X86CPU),
        VMSTATE_UINT64(env.dr7, X86CPU),
        VMSTATE_UINT64(env.xcr0, X86CPU),
        VMSTATE_UINT32_EQUAL(env.xsave_bytes, X86CPU),
        VMSTATE_VBUFFER(env.xsave, X86CPU, env.xsave_bytes,
                        X86_XSAVE_MAX_BYTES),
        VMSTATE_STRUCT(env.events, X86CPU, vmstate_events, X86Events),
        VMSTATE_UINT32(env.mp_state, X86CPU),
        VMSTATE_BUFFER(env.lapic, X86CPU),
        VMSTATE_UINT32(env.tsc_khz, X86CPU),
        VMSTATE_UINT32_MAX(env.nr_wire_msrs, X86CPU, X86_MSRS_MAX),
        VMSTATE_STRUCT_VARRAY_POINTER(env.wire_msrs, X86CPU, env.nr_wire_msrs,
                                      X86_MSRS_MAX, vmstate_msr, X86Msr),
        VMSTATE_END_OF_LIST()
    },
    .subsections = subsections,
};
