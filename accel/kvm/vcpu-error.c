/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to say when a vCPU cannot go on: the reason in words, the registers,
 * and the run state "internal-error", in which QMP can still look around.
 */
#include "util/osdep.h"
#include "system/runstate.h"
#include "util/bql.h"
#include "util/log.h"
#include "kvm-internal.h"

static const char *suberror_text(uint32_t suberror)
{
    switch (suberror) {
    case KVM_INTERNAL_ERROR_EMULATION:
        return "the kernel cannot emulate the guest's instruction";
    case KVM_INTERNAL_ERROR_SIMUL_EX:
        return "exceptions at the same time";
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
        return "an exit while an event was delivered";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
        return "an exit of the processor that the kernel does not know";
    default:
        return "an error inside KVM";
    }
}

static void describe_exit(const struct kvm_run *run, GString *out)
{
    switch (run->exit_reason) {
    case KVM_EXIT_INTERNAL_ERROR:
        g_string_append(out, suberror_text(run->internal.suberror));
        g_string_append_printf(out, " (suberror %u", run->internal.suberror);
        for (uint32_t i = 0; i < MIN(run->internal.ndata, 16u); i++) {
            g_string_append_printf(out, ", data[%u]=0x%llx", i,
                                   (unsigned long long)run->internal.data[i]);
        }
        g_string_append(out, ")");
        break;
    case KVM_EXIT_FAIL_ENTRY:
        g_string_append_printf(out, "the processor refuses to enter the guest:"
                               " hardware reason 0x%llx on host CPU %u",
                               (unsigned long long)
                               run->fail_entry.hardware_entry_failure_reason,
                               run->fail_entry.cpu);
        break;
    case KVM_EXIT_UNKNOWN:
        g_string_append_printf(out, "unknown hardware exit 0x%llx",
                               (unsigned long long)
                               run->hw.hardware_exit_reason);
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        g_string_append_printf(out, "unknown system event %u",
                               run->system_event.type);
        break;
    default:
        g_string_append_printf(out, "KVM exit %u is not handled",
                               run->exit_reason);
        break;
    }
}

static void report(CPUState *cpu, const GString *what)
{
    g_autoptr(GString) regs = g_string_new(NULL);
    BQL_GUARD();

    error_report("vCPU %u stopped: %s", cpu->cpu_index, what->str);
    kvm_arch_describe_state(cpu, regs);
    error_printf("%s", regs->str);
    cpu->stopped = true;                /* until somebody says cont */
    vm_stop_request(RUN_STATE_INTERNAL_ERROR);
}

void kvm_vcpu_report_exit(CPUState *cpu, const struct kvm_run *run)
{
    g_autoptr(GString) what = g_string_new(NULL);

    describe_exit(run, what);
    report(cpu, what);
}

void kvm_vcpu_report_failure(CPUState *cpu, int err)
{
    g_autoptr(GString) what = g_string_new(NULL);

    g_string_append_printf(what, "KVM_RUN failed: %s", strerror(err));
    if (err == EFAULT) {
        g_string_append(what, " (the memory behind a guest page is gone)");
    }
    report(cpu, what);
}
