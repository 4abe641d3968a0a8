/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts that an eventfd raises inside the kernel, and interrupt lines.
 */
#include "util/osdep.h"
#include "util/log.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

static int irqfd_call(KVMState *s, struct kvm_irqfd *req)
{
    int ret = kvm_vm_ioctl(s, KVM_IRQFD, req);

    trace_kvm_irqfd(req->fd, req->gsi, req->flags, ret);
    return ret;
}

int kvm_irqfd_add(AccelState *as, EventNotifier *n, EventNotifier *resample,
                  int virq)
{
    KVMState *s = KVM_ACCEL(as);
    struct kvm_irqfd req = {
        .fd = event_notifier_get_fd(n),
        .gsi = virq,
    };

    if (!s->irqchip_made) {
        return -ENOSYS;
    }
    if (resample) {
        req.flags = KVM_IRQFD_FLAG_RESAMPLE;
        req.resamplefd = event_notifier_get_fd(resample);
    }
    return irqfd_call(s, &req);
}

int kvm_irqfd_del(AccelState *as, EventNotifier *n, int virq)
{
    struct kvm_irqfd req = {
        .fd = event_notifier_get_fd(n),
        .gsi = virq,
        .flags = KVM_IRQFD_FLAG_DEASSIGN,
    };

    return irqfd_call(KVM_ACCEL(as), &req);
}

void kvm_gsi_set(AccelState *as, int gsi, int level)
{
    struct kvm_irq_level req = {
        .irq = kvm_arch_gsi_line(gsi), .level = level != 0,
    };
    int ret = kvm_vm_ioctl(KVM_ACCEL(as), KVM_IRQ_LINE, &req);

    trace_kvm_gsi(gsi, level);
    if (ret < 0) {
        warn_report_once("interrupt line %d cannot be set: %s", gsi,
                         strerror(-ret));
    }
}
