/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator object: /dev/kvm, the VM, what the kernel must be able to
 * do, and the options of -accel kvm. Linux Documentation/virt/kvm/api.rst.
 */
#include "util/osdep.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include "hw/core/machine.h"
#include "qapi/qapi-types.h"
#include "qom/property.h"
#include "util/file.h"
#include "util/log.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

#define KVM_DEVICE "/dev/kvm"

KVMState *kvm_state(void)
{
    return KVM_ACCEL(current_accel);
}

static int do_ioctl(int fd, unsigned long request, unsigned long arg)
{
    int ret = RETRY_ON_EINTR(ioctl(fd, request, arg));

    return ret == -1 ? -errno : ret;
}

int kvm_ioctl(KVMState *s, unsigned long request, void *arg)
{
    return do_ioctl(s->fd, request, (unsigned long)arg);
}

int kvm_vm_ioctl(KVMState *s, unsigned long request, void *arg)
{
    return do_ioctl(s->vm_fd, request, (unsigned long)arg);
}

int kvm_vm_ioctl_num(KVMState *s, unsigned long request, unsigned long num)
{
    return do_ioctl(s->vm_fd, request, num);
}

int kvm_vcpu_ioctl(CPUState *cpu, unsigned long request, void *arg)
{
    return do_ioctl(cpu->kvm_fd, request, (unsigned long)arg);
}

int kvm_check_extension(KVMState *s, int cap)
{
    int ret = kvm_vm_ioctl_num(s, KVM_CHECK_EXTENSION, cap);

    return ret < 0 ? 0 : ret;
}

int kvm_vm_enable_cap(KVMState *s, uint32_t cap, uint64_t arg0, uint64_t arg1)
{
    struct kvm_enable_cap ec = { .cap = cap, .args = { arg0, arg1 } };

    return kvm_vm_ioctl(s, KVM_ENABLE_CAP, &ec);
}

/* ---- Start ---- */

static bool check_version(KVMState *s, Error **errp)
{
    int version = kvm_ioctl(s, KVM_GET_API_VERSION, NULL);

    if (version < 0) {
        error_setg_errno(errp, -version, "'%s' is no KVM device", s->device);
        return false;
    }
    if (version != KVM_API_VERSION) {
        error_setg(errp, "the kernel has KVM API version %d, not %d", version,
                   KVM_API_VERSION);
        return false;
    }
    return true;
}

static bool open_device(KVMState *s, Error **errp)
{
    s->fd = file_open(s->device, O_RDWR, 0, NULL);
    if (s->fd < 0 && (errno == EACCES || errno == EPERM)) {
        error_setg_errno(errp, errno, "no permission to open '%s'", s->device);
        error_append_hint(errp, "Add the user to the group that owns %s, "
                          "usually 'kvm', and log in again", s->device);
        return false;
    }
    if (s->fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
        error_setg_errno(errp, errno, "KVM is not there: cannot open '%s'",
                         s->device);
        error_append_hint(errp, "Load the kernel module for this processor "
                          "(kvm_intel, kvm_amd), and check that the firmware "
                          "has virtualization turned on");
        return false;
    }
    if (s->fd < 0) {
        error_setg_errno(errp, errno, "cannot open '%s'", s->device);
        return false;
    }
    return check_version(s, errp);
}

static bool create_vm(KVMState *s, MachineState *ms, Error **errp)
{
    int fd = do_ioctl(s->fd, KVM_CREATE_VM, kvm_arch_vm_type(s, ms));

    if (fd < 0) {
        error_setg_errno(errp, -fd, "cannot create a KVM virtual machine");
        if (fd == -EBUSY) {
            error_append_hint(errp, "Another hypervisor uses the processor's "
                              "virtualization: stop it first");
        }
        return false;
    }
    s->vm_fd = fd;
    return true;
}

/* What the code takes for granted; all there since Linux 4.12. */
static bool check_required(KVMState *s, Error **errp)
{
    static const struct { int cap; const char *name; } required[] = {
        { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
        { KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
        { KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
        { KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
        { KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI" },
        { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(required); i++) {
        if (!kvm_check_extension(s, required[i].cap)) {
            error_setg(errp, "the kernel's KVM lacks %s", required[i].name);
            error_append_hint(errp, "Linux 4.12 or later is needed");
            return false;
        }
    }
    return true;
}

static bool setup_vm(KVMState *s, MachineState *ms, Error **errp)
{
    int bytes = kvm_ioctl(s, KVM_GET_VCPU_MMAP_SIZE, NULL);

    if (bytes < (int)sizeof(struct kvm_run)) {
        error_setg(errp, "the kernel gives %d bytes to share with a vCPU",
                   bytes);
        return false;
    }
    s->vcpu_mmap_bytes = bytes;
    s->readonly_mem = kvm_check_extension(s, KVM_CAP_READONLY_MEM);
    s->max_vcpu_id = kvm_check_extension(s, KVM_CAP_MAX_VCPU_ID);
    trace_kvm_vm_created(s->vm_fd, s->max_vcpu_id);
    return kvm_arch_init(s, ms, errp) &&
           kvm_dirty_ring_init(s, errp) &&
           kvm_routing_init(s, errp) &&
           kvm_memory_init(s, errp);
}

static void close_all(KVMState *s)
{
    kvm_memory_cleanup(s);
    kvm_vcpus_cleanup(s);
    kvm_routing_cleanup(s);
    kvm_arch_cleanup(s);
    if (s->vm_fd >= 0) {
        close(s->vm_fd);
        s->vm_fd = -1;
    }
    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
}

static bool kvm_init_machine(AccelState *as, MachineState *ms, Error **errp)
{
    KVMState *s = KVM_ACCEL(as);

    if (open_device(s, errp) && create_vm(s, ms, errp) &&
        check_required(s, errp) && setup_vm(s, ms, errp)) {
        return true;
    }
    close_all(s);
    return false;
}

static bool kvm_create_irqchip(AccelState *as, MachineState *ms, Error **errp)
{
    KVMState *s = KVM_ACCEL(as);

    if (s->irqchip_mode == KVM_IRQCHIP_MODE_OFF) {
        error_setg(errp, "kernel-irqchip=off is not supported");
        error_append_hint(errp, "Use kernel-irqchip=on or split: interrupt "
                          "controllers of processors live in the kernel");
        return false;
    }
    if (!kvm_arch_create_irqchip(s, errp)) {
        return false;
    }
    s->irqchip_made = true;
    return true;
}

static bool kvm_irqchip_is_split(AccelState *as)
{
    return KVM_ACCEL(as)->irqchip_mode == KVM_IRQCHIP_MODE_SPLIT;
}

static void kvm_vm_state_change(AccelState *as, bool running)
{
    kvm_arch_vm_state_change(KVM_ACCEL(as), running);
}

/* ---- The object ---- */

static const QEnumLookup irqchip_lookup = { "off\0on\0split", 3 };
static DEFINE_PROP_ENUM_INFO(prop_info_irqchip, "on|off|split",
                             irqchip_lookup);
static const QEnumLookup notify_lookup = {
    "run\0internal-error\0disable", 3
};
static DEFINE_PROP_ENUM_INFO(prop_info_notify, "NotifyVmexitOption",
                             notify_lookup);

static const Property kvm_props[] = {
    PROP_ENUM("kernel-irqchip", KVMState, irqchip_mode, prop_info_irqchip,
              KVM_IRQCHIP_MODE_ON,
              "interrupt controllers in the kernel: on, or split (LAPIC only)"),
    { .name = "kernel_irqchip", .info = &prop_info_irqchip,
      .offset = offsetof(KVMState, irqchip_mode),
      .flags = PROP_F_HIDDEN | PROP_F_NO_DEF,
      .help = "another spelling of kernel-irqchip" },
    PROP_UINT32("dirty-ring-size", KVMState, dirty_ring_entries, 0,
                "entries of each vCPU's ring of dirty pages, a power of 2; 0: "
                "use bitmaps"),
    PROP_ENUM("notify-vmexit", KVMState, notify_mode, prop_info_notify,
              KVM_NOTIFY_MODE_RUN,
              "when a guest blocks all events: run on, stop, or do not watch"),
    PROP_UINT32("notify-window", KVMState, notify_window, 0,
                "TSC ticks without an event window before notify-vmexit acts"),
    PROP_STRING("device", KVMState, device, KVM_DEVICE,
                "path of the KVM device, or /dev/fdset/N for an inherited one"),
};

static void kvm_accel_instance_init(Object *obj)
{
    KVMState *s = KVM_ACCEL(obj);

    s->fd = s->vm_fd = -1;
    pthread_mutex_init(&s->routes_lock, NULL);
    pthread_mutex_init(&s->inhibit_lock, NULL);
    pthread_cond_init(&s->inhibit_cond, NULL);
}

static void kvm_accel_instance_finalize(Object *obj)
{
    close_all(KVM_ACCEL(obj));
}

static void kvm_accel_class_init(ObjectClass *oc, const void *data)
{
    AccelClass *ac = ACCEL_CLASS(oc);

    ac->name = "kvm";
    ac->init_machine = kvm_init_machine;
    ac->create_irqchip = kvm_create_irqchip;
    ac->vcpu_create = kvm_vcpu_create;
    ac->vcpu_destroy = kvm_vcpu_destroy;
    ac->vcpu_kick = kvm_vcpu_kick;
    ac->vcpu_get_state = kvm_arch_get_state;
    ac->vcpu_put_state = kvm_arch_put_state;
    ac->vcpu_inject_nmi = kvm_arch_inject_nmi;
    ac->gsi_set = kvm_gsi_set;
    ac->msi_send = kvm_msi_send;
    ac->msi_route_add = kvm_msi_route_add;
    ac->msi_route_update = kvm_msi_route_update;
    ac->msi_route_commit = kvm_msi_route_commit;
    ac->msi_route_release = kvm_msi_route_release;
    ac->irqfd_add = kvm_irqfd_add;
    ac->irqfd_del = kvm_irqfd_del;
    ac->irqchip_is_split = kvm_irqchip_is_split;
    ac->pin_route_set = kvm_arch_pin_route_set;
    ac->vm_state_change = kvm_vm_state_change;
    object_class_add_props(oc, kvm_props);
}

static const TypeInfo kvm_accel_types[] = {
    {
        .name = TYPE_KVM_ACCEL,
        .parent = TYPE_ACCEL,
        .help = "hardware virtualization by the Linux kernel",
        .instance_size = sizeof(KVMState),
        .instance_init = kvm_accel_instance_init,
        .instance_finalize = kvm_accel_instance_finalize,
        .class_init = kvm_accel_class_init,
    },
};
DEFINE_TYPES(kvm_accel_types)
