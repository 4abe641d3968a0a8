/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM on Arm: setting up the VM and its vCPUs, and the exits of this
 * architecture. Linux Documentation/virt/kvm/api.rst; PSCI is the kernel's.
 */
#include "util/osdep.h"
#include <sys/ioctl.h>
#include "hw/core/machine.h"
#include "hw/intc/arm_gic.h"
#include "util/bql.h"
#include "util/log.h"
#include "arm-internal.h"
#include "trace/trace-accel_kvm.h"

/* What a VM of type 0 has, and what larger ones are given at most. */
#define IPA_BITS_DEFAULT 40
#define IPA_BITS_MAX     48
/* The machines put PCI at 512 GiB when memory ends below 256 GiB. */
#define IPA_DEFAULT_MAX_RAM (255 * GiB)

/* MPIDR_EL1: Op0 3, Op1 0, CRn 0, CRm 0, Op2 5; bits of the affinity. */
#define REG_MPIDR ARM64_SYS_REG(3, 0, 0, 0, 5)
#define MPIDR_AFFINITY 0xff00ffffffULL

bool kvm_arm_ioctl_error(int ret, const char *what, Error **errp)
{
    error_setg_errno(errp, -ret, "%s", what);
    return false;
}

/* ---- The VM ---- */

static uint32_t host_ipa_bits(KVMState *s)
{
    int bits = kvm_ioctl(s, KVM_CHECK_EXTENSION,
                         GSIZE_TO_POINTER(KVM_CAP_ARM_VM_IPA_SIZE));

    return bits > 0 ? bits : IPA_BITS_DEFAULT;
}

static uint32_t choose_ipa_bits(KVMState *s, const MachineState *ms)
{
    uint32_t bits = host_ipa_bits(s);

    return ms->maxram_size > IPA_DEFAULT_MAX_RAM
           ? MIN(bits, (uint32_t)IPA_BITS_MAX)
           : MIN(bits, (uint32_t)IPA_BITS_DEFAULT);
}

unsigned long kvm_arch_vm_type(KVMState *s, MachineState *ms)
{
    uint32_t bits = choose_ipa_bits(s, ms);

    return bits == IPA_BITS_DEFAULT ? 0 : KVM_VM_TYPE_ARM_IPA_SIZE(bits);
}

static bool read_sve_lengths(int vcpu_fd, struct kvm_vcpu_init *init,
                             uint16_t *lengths)
{
    uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = { 0 };
    struct kvm_one_reg reg = {
        .id = KVM_REG_ARM64_SVE_VLS, .addr = (uintptr_t)vls,
    };

    init->features[0] = BIT(KVM_ARM_VCPU_SVE);
    if (ioctl(vcpu_fd, KVM_ARM_VCPU_INIT, init) < 0 ||
        ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg) < 0) {
        return false;
    }
    *lengths = vls[0];
    return true;
}

/* A vCPU cannot be taken away again, so a VM is made to ask one. */
static bool probe_sve(KVMState *s, struct kvm_vcpu_init *init,
                      uint16_t *lengths)
{
    int vm = kvm_ioctl(s, KVM_CREATE_VM, NULL), vcpu = -1;
    bool ok;

    if (vm >= 0) {
        vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    }
    ok = vcpu >= 0 && read_sve_lengths(vcpu, init, lengths);
    if (vcpu >= 0) {
        close(vcpu);
    }
    if (vm >= 0) {
        close(vm);
    }
    return ok;
}

static void probe_host(KVMState *s, MachineState *ms,
                       struct kvm_vcpu_init *init)
{
    KVMArm *k = kvm_arm(s);
    ARMHostInfo *h = &k->host;

    h->name = "KVM";
    h->ipa_bits = choose_ipa_bits(s, ms);
    h->gicv2 = kvm_arm_device_create(s, KVM_DEV_TYPE_ARM_VGIC_V2, true) == 0;
    h->gicv3 = kvm_arm_device_create(s, KVM_DEV_TYPE_ARM_VGIC_V3, true) == 0;
    h->its = kvm_arm_device_create(s, KVM_DEV_TYPE_ARM_VGIC_ITS, true) == 0;
    h->pmu = kvm_check_extension(s, KVM_CAP_ARM_PMU_V3);
    h->aarch32 = kvm_check_extension(s, KVM_CAP_ARM_EL1_32BIT);
    h->pauth = kvm_check_extension(s, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
               kvm_check_extension(s, KVM_CAP_ARM_PTRAUTH_GENERIC);
    h->sve = kvm_check_extension(s, KVM_CAP_ARM_SVE) &&
             probe_sve(s, init, &h->sve_lengths) && h->sve_lengths;
    h->steal_time = kvm_check_extension(s, KVM_CAP_STEAL_TIME);
    k->has_events = kvm_check_extension(s, KVM_CAP_VCPU_EVENTS);
    k->has_ext_dabt = kvm_check_extension(s, KVM_CAP_ARM_INJECT_EXT_DABT);
    /* an access without syndrome comes to us instead of failing KVM_RUN */
    kvm_vm_enable_cap(s, KVM_CAP_ARM_NISV_TO_USER, 0, 0);
}

bool kvm_arch_init(KVMState *s, MachineState *ms, Error **errp)
{
    struct kvm_vcpu_init init = { 0 };
    KVMArm *k = g_new0(KVMArm, 1);
    int ret;

    s->arch = k;
    k->gic_fd = -1;
    if (!kvm_check_extension(s, KVM_CAP_ARM_PSCI_0_2) ||
        !kvm_check_extension(s, KVM_CAP_DEVICE_CTRL)) {
        error_setg(errp, "the kernel's KVM lacks PSCI 0.2 or devices");
        return false;
    }
    ret = kvm_vm_ioctl(s, KVM_ARM_PREFERRED_TARGET, &init);
    if (ret < 0) {
        return kvm_arm_ioctl_error(ret, "KVM_ARM_PREFERRED_TARGET", errp);
    }
    k->target = init.target;
    probe_host(s, ms, &init);
    arm_host = &k->host;
    return true;
}

void kvm_arch_cleanup(KVMState *s)
{
    KVMArm *k = kvm_arm(s);

    if (k) {
        arm_host = NULL;
        if (k->gic_fd >= 0) {
            close(k->gic_fd);
        }
        g_free(k->reg_ids);
        g_free(k);
        s->arch = NULL;
    }
}

/* The board makes the controller it wants: devices of arm-gic.c. */
bool kvm_arch_create_irqchip(KVMState *s, Error **errp)
{
    if (s->irqchip_mode == KVM_IRQCHIP_MODE_SPLIT) {
        error_setg(errp, "kernel-irqchip=split is for x86");
        error_append_hint(errp, "Use kernel-irqchip=on");
        return false;
    }
    return true;
}

int kvm_arch_pin_route_set(AccelState *as, int pin, const MSIMessage *msg)
{
    return -ENOSYS;
}

uint32_t kvm_arch_gsi_line(int gsi)
{
    return KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
           (gsi + ARM_GIC_FIRST_SPI);
}

/* ---- Virtual time ---- */

/* All vCPUs have the same: a write to one moves the VM's offset. */
void kvm_arch_vm_state_change(KVMState *s, bool running)
{
    KVMArm *k = kvm_arm(s);
    CPUState *cpu = TAILQ_FIRST(&cpus);

    if (!cpu || ARM_CPU(cpu)->no_adjvtime) {
        return;
    }
    if (!running) {
        k->vtime_valid = kvm_arm_get_reg(cpu, KVM_REG_ARM_TIMER_CNT,
                                         &k->vtime) == 0;
    } else if (k->vtime_valid) {
        kvm_arm_set_reg(cpu, KVM_REG_ARM_TIMER_CNT, &k->vtime);
        k->vtime_valid = false;
    }
}

/* ---- vCPUs ---- */

uint64_t kvm_arch_vcpu_id(CPUState *cpu)
{
    return cpu->cpu_index;
}

static void vcpu_features(const ARMCPU *cpu, uint32_t *features)
{
    *features = BIT(KVM_ARM_VCPU_PSCI_0_2);
    if (cpu->env.powered_off) {
        *features |= BIT(KVM_ARM_VCPU_POWER_OFF);
    }
    if (!cpu->has_aarch64) {
        *features |= BIT(KVM_ARM_VCPU_EL1_32BIT);
    }
    if (cpu->has_pmu) {
        *features |= BIT(KVM_ARM_VCPU_PMU_V3);
    }
    if (cpu->has_sve) {
        *features |= BIT(KVM_ARM_VCPU_SVE);
    }
    if (cpu->has_pauth) {
        *features |= BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |
                     BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC);
    }
}

bool kvm_arm_vcpu_reset(KVMState *s, ARMCPU *cpu, Error **errp)
{
    struct kvm_vcpu_init init = { .target = kvm_arm(s)->target };
    int ret;

    vcpu_features(cpu, &init.features[0]);
    ret = kvm_vcpu_ioctl(CPU(cpu), KVM_ARM_VCPU_INIT, &init);
    return ret == 0 || kvm_arm_ioctl_error(ret, "KVM_ARM_VCPU_INIT", errp);
}

static bool setup_sve(ARMCPU *cpu, Error **errp)
{
    uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = { cpu->sve_lengths };
    int feature = KVM_ARM_VCPU_SVE, ret;

    if (!cpu->has_sve) {
        return true;
    }
    ret = kvm_arm_set_reg(CPU(cpu), KVM_REG_ARM64_SVE_VLS, vls);
    if (ret < 0) {
        return kvm_arm_ioctl_error(ret, "cannot set SVE vector lengths", errp);
    }
    ret = kvm_vcpu_ioctl(CPU(cpu), KVM_ARM_VCPU_FINALIZE, &feature);
    return ret == 0 || kvm_arm_ioctl_error(ret, "KVM_ARM_VCPU_FINALIZE", errp);
}

/* The kernel derives it from the vCPU's id, tables from the property. */
static bool check_affinity(ARMCPU *cpu, Error **errp)
{
    uint64_t mpidr;
    int ret = kvm_arm_get_reg(CPU(cpu), REG_MPIDR, &mpidr);

    if (ret < 0) {
        return kvm_arm_ioctl_error(ret, "cannot read MPIDR_EL1", errp);
    }
    if ((mpidr & MPIDR_AFFINITY) != cpu->mp_affinity) {
        error_setg(errp, "the kernel gives affinity 0x%" PRIx64 ", not 0x%"
                   PRIx64, (uint64_t)(mpidr & MPIDR_AFFINITY),
                   cpu->mp_affinity);
        return false;
    }
    return true;
}

bool kvm_arch_vcpu_init(KVMState *s, CPUState *cs, Error **errp)
{
    KVMArm *k = kvm_arm(s);
    ARMCPU *cpu = ARM_CPU(cs);

    cpu->env.powered_off = cpu->start_powered_off;
    if (!kvm_arm_vcpu_reset(s, cpu, errp) || !setup_sve(cpu, errp) ||
        !check_affinity(cpu, errp) ||
        (!k->reg_ids && !kvm_arm_load_reg_list(s, cpu, errp))) {
        return false;
    }
    if (!arm_cpu_set_reg_list(cpu, k->reg_ids, k->nr_regs)) {
        error_setg(errp, "the kernel lists %u registers: too many, or of a "
                   "size unknown", k->nr_regs);
        return false;
    }
    return true;
}

static bool setup_pmu(CPUState *cs, Error **errp)
{
    int irq = ARM_PPI_PMU, ret;

    ret = kvm_arm_device_set(cs->kvm_fd, KVM_ARM_VCPU_PMU_V3_CTRL,
                             KVM_ARM_VCPU_PMU_V3_IRQ, &irq);
    if (ret == 0) {
        ret = kvm_arm_device_set(cs->kvm_fd, KVM_ARM_VCPU_PMU_V3_CTRL,
                                 KVM_ARM_VCPU_PMU_V3_INIT, NULL);
    }
    if (ret < 0) {
        kvm_arm_ioctl_error(ret, "cannot set up the PMU", errp);
        error_append_hint(errp, "Use -cpu ...,pmu=off");
        return false;
    }
    return true;
}

bool kvm_arm_vcpus_finish(KVMState *s, Error **errp)
{
    CPUState *cs;

    CPU_FOREACH(cs) {
        if (ARM_CPU(cs)->has_pmu && !setup_pmu(cs, errp)) {
            return false;
        }
    }
    return true;
}

bool kvm_arm_set_steal_time(ARMCPU *cpu, Error **errp)
{
    int ret;

    if (!cpu->has_steal_time || !cpu->steal_time_gpa) {
        return true;
    }
    ret = kvm_arm_device_set(CPU(cpu)->kvm_fd, KVM_ARM_VCPU_PVTIME_CTRL,
                             KVM_ARM_VCPU_PVTIME_IPA, &cpu->steal_time_gpa);
    if (ret < 0 && ret != -EEXIST) {        /* it is kept over a reset */
        kvm_arm_ioctl_error(ret, "cannot place the stolen time", errp);
        error_append_hint(errp, "Use -cpu ...,kvm-steal-time=off");
        return false;
    }
    return true;
}

/* What comes nearest: an asynchronous abort that no guest expects, on the
 * first CPU, since one is enough to make it stop and tell. */
bool kvm_arch_inject_nmi(CPUState *cpu, Error **errp)
{
    struct kvm_vcpu_events events = { .exception.serror_pending = 1 };
    int ret;

    if (cpu->cpu_index) {
        return true;
    }
    if (!kvm_arm(kvm_state())->has_events) {
        error_setg(errp, "this kernel injects no SError, which stands for an "
                   "NMI on Arm");
        return false;
    }
    ARM_CPU(cpu)->env.events.serror_pending = 1;
    ret = kvm_vcpu_ioctl(cpu, KVM_SET_VCPU_EVENTS, &events);
    return ret == 0 || kvm_arm_ioctl_error(ret, "KVM_SET_VCPU_EVENTS", errp);
}

/* ---- Exits ---- */

/* An access to nothing by an instruction that KVM cannot take apart: what a
 * bus would answer. */
static bool handle_nisv(CPUState *cpu, const struct kvm_run *run)
{
    struct kvm_vcpu_events events = { .exception.ext_dabt_pending = 1 };

    guest_error("cpu", "vCPU %u: access at 0x%" PRIx64 " by an instruction that "
                "cannot be decoded", cpu->cpu_index,
                (uint64_t)run->arm_nisv.fault_ipa);
    return kvm_arm(kvm_state())->has_ext_dabt &&
           kvm_vcpu_ioctl(cpu, KVM_SET_VCPU_EVENTS, &events) == 0;
}

bool kvm_arch_handle_exit(CPUState *cpu, struct kvm_run *run)
{
    switch (run->exit_reason) {
    case KVM_EXIT_ARM_NISV:
        return handle_nisv(cpu, run);
    default:
        return false;
    }
}

void kvm_arch_shutdown_exit(CPUState *cpu)
{
}

void kvm_arch_describe_state(CPUState *cpu, GString *out)
{
    const ARMCPUState *env = &ARM_CPU(cpu)->env;
    Error *err = NULL;

    if (!cpu->vcpu_dirty && !kvm_arch_get_state(cpu, &err)) {
        g_string_append_printf(out, "registers: %s\n", error_get_pretty(err));
        error_free(err);
        return;
    }
    for (int i = 0; i < ARM_NR_X; i++) {
        g_string_append_printf(out, "x%-2d=%016" PRIx64 "%c", i, env->x[i],
                               i % 4 == 3 ? '\n' : ' ');
    }
    g_string_append_printf(out, "\npc=%016" PRIx64 " sp_el0=%016" PRIx64
                           " pstate=%08" PRIx64 "\n", env->pc, env->sp,
                           env->pstate);
}

/* ---- MSI addresses ---- */

void kvm_arch_msi_address(KVMState *s, uint64_t address, uint32_t *lo,
                          uint32_t *hi)
{
    *lo = address;
    *hi = address >> 32;
}

bool kvm_arch_msi_has_requester(KVMState *s)
{
    return kvm_arm(s)->has_its;
}

/* Without an ITS messages go to a GICv2m frame: the data is the interrupt. */
int kvm_arch_msi_pin(KVMState *s, const MSIMessage *msg)
{
    uint32_t pin = (msg->data & 0x3ff) - ARM_GIC_FIRST_SPI;

    return kvm_arm(s)->has_its || pin >= ARM_GIC_MAX_IRQS - ARM_GIC_FIRST_SPI
           ? -1 : (int)pin;
}
