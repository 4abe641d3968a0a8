/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells: a guest write to a certain address signals an eventfd inside the
 * kernel, without an exit to us.
 */
#include "util/osdep.h"
#include "util/log.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

static void assign(MemoryRegionSection *sec, bool match, uint64_t data,
                   EventNotifier *e, uint32_t flags)
{
    struct kvm_ioeventfd req = {
        .addr = sec->offset_in_as,
        .len = sec->size,           /* 0: any length */
        .fd = event_notifier_get_fd(e),
        .datamatch = match ? data : 0,
        .flags = flags | (match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
    };
    int ret = kvm_vm_ioctl(kvm_state(), KVM_IOEVENTFD, &req);

    trace_kvm_ioeventfd(req.fd, req.addr, req.len, req.flags, ret);
    if (ret < 0) {
        error_report("cannot %s the doorbell of '%s' at 0x%" PRIx64
                     " in the kernel: %s",
                     flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? "remove" : "place",
                     sec->mr->name, sec->offset_in_as, strerror(-ret));
    }
}

void kvm_eventfd_add(MemoryListener *l, MemoryRegionSection *sec,
                     bool match_data, uint64_t data, EventNotifier *e)
{
    assign(sec, match_data, data, e, 0);
}

void kvm_eventfd_del(MemoryListener *l, MemoryRegionSection *sec,
                     bool match_data, uint64_t data, EventNotifier *e)
{
    assign(sec, match_data, data, e, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

void kvm_io_eventfd_add(MemoryListener *l, MemoryRegionSection *sec,
                        bool match_data, uint64_t data, EventNotifier *e)
{
    assign(sec, match_data, data, e, KVM_IOEVENTFD_FLAG_PIO);
}

void kvm_io_eventfd_del(MemoryListener *l, MemoryRegionSection *sec,
                        bool match_data, uint64_t data, EventNotifier *e)
{
    assign(sec, match_data, data, e,
           KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN);
}
