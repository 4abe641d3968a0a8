/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM on x86: setting up the VM and its vCPUs, and the exits of this
 * architecture.
 */
#include "util/osdep.h"
#include <sys/syscall.h>
#include "hw/core/machine.h"
#include "target/i386/host.h"
#include "util/bql.h"
#include "util/log.h"
#include "i386-internal.h"

/*
 * Four pages that KVM on Intel processors uses while the guest is in real
 * mode, just below the reset vector's ROM at most 16 MiB; the board keeps them
 * out of its memory map.
 */
#define KVM_I386_IDENTITY_GPA 0xfeffc000ULL
#define KVM_I386_TSS_GPA      0xfeffd000ULL

#define KVM_I386_CR4_PSE 0x10

/* arch_prctl(2): let guests use AMX's tile data. */
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#define XFEATURE_XTILEDATA        18

bool kvm_i386_ioctl_error(int ret, const char *what, Error **errp)
{
    error_setg_errno(errp, -ret, "%s", what);
    return false;
}

/* ---- What the host gives (target/i386/host.h) ---- */

static void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    kvm_i386_supported_cpuid(kvm_state(), leaf, subleaf, regs);
}

static uint64_t host_feature_msr(uint32_t msr)
{
    return kvm_i386_feature_msr(kvm_state(), msr);
}

static uint32_t host_tsc_khz(void)
{
    return kvm_i386(kvm_state())->tsc_khz;
}

static const X86HostOps kvm_host_ops = {
    .name = "KVM",
    .cpuid = host_cpuid,
    .feature_msr = host_feature_msr,
    .tsc_khz = host_tsc_khz,
};

/* ---- The VM ---- */

/* Without the permission KVM hides AMX: ask before asking for CPUID. */
static void request_amx(void)
{
    uint32_t r[4];

    x86_host_cpuid(7, 0, r);
    if (r[X86_REG_EDX] & BIT(X86_FEAT_AMX_TILE.bit)) {
        syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, XFEATURE_XTILEDATA);
    }
}

static void probe_state_caps(KVMState *s)
{
    KVMI386 *k = kvm_i386(s);

    k->has_xsave = kvm_check_extension(s, KVM_CAP_XSAVE);
    k->has_xcrs = kvm_check_extension(s, KVM_CAP_XCRS);
    k->has_debugregs = kvm_check_extension(s, KVM_CAP_DEBUGREGS);
    k->has_sregs2 = kvm_check_extension(s, KVM_CAP_SREGS2);
    k->has_tsc_control = kvm_check_extension(s, KVM_CAP_TSC_CONTROL);
    k->xsave_bytes = kvm_check_extension(s, KVM_CAP_XSAVE2);
    k->has_xsave2 = k->xsave_bytes > sizeof(struct kvm_xsave);
    k->xsave_bytes = MAX(k->xsave_bytes, sizeof(struct kvm_xsave));
    k->nested_bytes = kvm_check_extension(s, KVM_CAP_NESTED_STATE);
    k->nested_bytes = MIN(k->nested_bytes, (uint32_t)X86_NESTED_MAX_BYTES);
    k->has_triple_fault_event =
        kvm_check_extension(s, KVM_CAP_X86_TRIPLE_FAULT_EVENT) &&
        kvm_vm_enable_cap(s, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1, 0) == 0;
    k->has_payload =
        kvm_check_extension(s, KVM_CAP_EXCEPTION_PAYLOAD) &&
        kvm_vm_enable_cap(s, KVM_CAP_EXCEPTION_PAYLOAD, 1, 0) == 0;
}

static bool set_real_mode_pages(KVMState *s, Error **errp)
{
    uint64_t identity = KVM_I386_IDENTITY_GPA;
    int ret;

    if (kvm_check_extension(s, KVM_CAP_SET_IDENTITY_MAP_ADDR)) {
        ret = kvm_vm_ioctl(s, KVM_SET_IDENTITY_MAP_ADDR, &identity);
        if (ret < 0) {
            return kvm_i386_ioctl_error(ret, "KVM_SET_IDENTITY_MAP_ADDR",
                                        errp);
        }
    }
    ret = kvm_vm_ioctl_num(s, KVM_SET_TSS_ADDR, KVM_I386_TSS_GPA);
    return ret == 0 || kvm_i386_ioctl_error(ret, "KVM_SET_TSS_ADDR", errp);
}

static bool set_notify(KVMState *s, Error **errp)
{
    int ret;

    if (s->notify_mode == KVM_NOTIFY_MODE_DISABLE ||
        !kvm_check_extension(s, KVM_CAP_X86_NOTIFY_VMEXIT)) {
        return true;
    }
    ret = kvm_vm_enable_cap(s, KVM_CAP_X86_NOTIFY_VMEXIT,
                            (uint64_t)s->notify_window << 32 |
                            KVM_X86_NOTIFY_VMEXIT_ENABLED |
                            KVM_X86_NOTIFY_VMEXIT_USER, 0);
    return ret == 0 || kvm_i386_ioctl_error(ret, "notify-vmexit", errp);
}

unsigned long kvm_arch_vm_type(KVMState *s, MachineState *ms)
{
    return 0;
}

bool kvm_arch_init(KVMState *s, MachineState *ms, Error **errp)
{
    s->arch = g_new0(KVMI386, 1);
    request_amx();
    probe_state_caps(s);
    if (!kvm_i386_load_supported(s, errp) || !set_real_mode_pages(s, errp) ||
        !set_notify(s, errp) || !kvm_i386_clock_init(s, errp)) {
        return false;
    }
    x86_host = &kvm_host_ops;
    return true;
}

void kvm_arch_cleanup(KVMState *s)
{
    KVMI386 *k = kvm_i386(s);

    if (k) {
        x86_host = NULL;
        kvm_i386_clock_cleanup(s);
        g_free(k->supported);
        g_free(k->msrs);
        g_free(k);
        s->arch = NULL;
    }
}

uint32_t kvm_arch_gsi_line(int gsi)
{
    return gsi;
}

bool kvm_arch_create_irqchip(KVMState *s, Error **errp)
{
    return kvm_i386_create_irqchip(s, errp);
}

void kvm_arch_vm_state_change(KVMState *s, bool running)
{
    kvm_i386_clock_change(s, running);
}

/* ---- vCPUs ---- */

uint64_t kvm_arch_vcpu_id(CPUState *cpu)
{
    return X86_CPU(cpu)->apic_id;
}

static bool setup_tsc(KVMState *s, X86CPU *cpu, Error **errp)
{
    KVMI386 *k = kvm_i386(s);
    CPUState *cs = CPU(cpu);
    uint32_t want = cpu->tsc_hz / 1000;
    int khz;

    if (k->tsc_khz == 0) {
        khz = kvm_vcpu_ioctl(cs, KVM_GET_TSC_KHZ, NULL);
        k->tsc_khz = MAX(khz, 0);
        /* the first CPU's leaves were made before anybody knew */
        cpu->nr_cpuid = x86_cpu_build_cpuid(cpu, cpu->cpuid);
    }
    if (want == 0 || want == k->tsc_khz) {
        return true;
    }
    if (!k->has_tsc_control) {
        error_setg(errp, "tsc-frequency=%" PRId64 ": this processor runs at "
                   "%u kHz and cannot scale", cpu->tsc_hz, k->tsc_khz);
        error_append_hint(errp, "Leave out tsc-frequency");
        return false;
    }
    khz = kvm_vcpu_ioctl(cs, KVM_SET_TSC_KHZ, GSIZE_TO_POINTER(want));
    return khz == 0 || kvm_i386_ioctl_error(khz, "tsc-frequency", errp);
}

/* Banks of machine check registers: fewer than KVM's 32, since a guest sets up
 * each of them at boot. */
static void setup_mce(KVMState *s, X86CPU *cpu)
{
    uint64_t supported = 0, cap;

    if (!x86_feature_test(cpu->features, X86_FEAT_MCA) ||
        kvm_ioctl(s, KVM_X86_GET_MCE_CAP_SUPPORTED, &supported) < 0) {
        return;
    }
    /* MCG_CTL present, software error recovery */
    cap = KVM_I386_MCE_BANKS | (supported & (BIT(8) | BIT(24)));
    kvm_vcpu_ioctl(CPU(cpu), KVM_X86_SETUP_MCE, &cap);
}

bool kvm_arch_vcpu_init(KVMState *s, CPUState *cs, Error **errp)
{
    KVMI386 *k = kvm_i386(s);
    X86CPU *cpu = X86_CPU(cs);
    X86CPUState *env = &cpu->env;

    if (!setup_tsc(s, cpu, errp) || !kvm_i386_set_cpuid(s, cpu, errp)) {
        return false;
    }
    setup_mce(s, cpu);
    kvm_i386_init_feature_msrs(s, cpu);
    if (!k->msrs && !kvm_i386_load_msr_list(s, cpu, errp)) {
        return false;
    }
    x86_cpu_set_msr_list(cpu, k->msrs, k->nr_msrs);
    if (!env->xsave) {
        env->xsave_bytes = k->xsave_bytes;
        env->xsave = g_malloc0(env->xsave_bytes);
    }
    if (!env->nested && k->nested_bytes) {
        env->nested = g_malloc0(X86_NESTED_MAX_BYTES);
    }
    return true;
}

bool kvm_arch_inject_nmi(CPUState *cpu, Error **errp)
{
    int ret = kvm_vcpu_ioctl(cpu, KVM_NMI, NULL);

    return ret == 0 || kvm_i386_ioctl_error(ret, "cannot inject an NMI", errp);
}

/* ---- Exits ---- */

bool kvm_arch_handle_exit(CPUState *cpu, struct kvm_run *run)
{
    switch (run->exit_reason) {
    case KVM_EXIT_IOAPIC_EOI: {
        BQL_GUARD();
        accel_eoi(run->eoi.vector);
        return true;
    }
    case KVM_EXIT_HLT:
        /* only without an in-kernel LAPIC, which is refused earlier */
        return false;
    default:
        return false;
    }
}

/*
 * KVM on AMD clears its control block here, and with it the root of the nested
 * page tables, which it sets again only when the guest had paging on (seen
 * with Linux 6.1): the next run would fault for ever. A change of CR4 makes it
 * load the root; the reset puts the right value.
 */
void kvm_arch_shutdown_exit(CPUState *cpu)
{
    struct kvm_sregs sregs;

    if (kvm_vcpu_ioctl(cpu, KVM_GET_SREGS, &sregs) == 0) {
        sregs.cr4 ^= KVM_I386_CR4_PSE;
        kvm_vcpu_ioctl(cpu, KVM_SET_SREGS, &sregs);
    }
}

void kvm_arch_describe_state(CPUState *cpu, GString *out)
{
    static const char *const names[] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    };
    const X86CPUState *env = &X86_CPU(cpu)->env;
    Error *err = NULL;

    if (!cpu->vcpu_dirty && !kvm_arch_get_state(cpu, &err)) {
        g_string_append_printf(out, "registers: %s\n", error_get_pretty(err));
        error_free(err);
        return;
    }
    for (int i = 0; i < X86_NR_REGS; i++) {
        g_string_append_printf(out, "%s=%016" PRIx64 "%c", names[i],
                               env->regs[i], i % 4 == 3 ? '\n' : ' ');
    }
    g_string_append_printf(out, "rip=%016" PRIx64 " rflags=%" PRIx64
                           " cs=%04x base=%" PRIx64 " attr=%x ss=%04x\n",
                           env->rip, env->rflags, env->segs[X86_SEG_CS].selector,
                           env->segs[X86_SEG_CS].base,
                           env->segs[X86_SEG_CS].attr,
                           env->segs[X86_SEG_SS].selector);
    g_string_append_printf(out, "cr0=%" PRIx64 " cr2=%" PRIx64 " cr3=%" PRIx64
                           " cr4=%" PRIx64 " efer=%" PRIx64 "\n", env->cr0,
                           env->cr2, env->cr3, env->cr4, env->efer);
}

/* ---- MSI addresses ---- */

/*
 * 15-bit destinations put bits 8..14 of the APIC id into address bits 5..11,
 * which are otherwise zero; KVM wants them in the upper half from bit 8 on.
 */
void kvm_arch_msi_address(KVMState *s, uint64_t address, uint32_t *lo,
                          uint32_t *hi)
{
    uint32_t ext = address >> 5 & 0x7f;

    *lo = address;
    *hi = address >> 32;
    if (kvm_i386(s)->ext_dest_id && ext) {
        *lo &= ~(0x7fu << 5);
        *hi |= ext << 8;
    }
}

bool kvm_arch_msi_has_requester(KVMState *s)
{
    return false;
}

int kvm_arch_msi_pin(KVMState *s, const MSIMessage *msg)
{
    return -1;
}
