/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty rings: each vCPU lists the pages it writes in a ring it shares with
 * us, instead of a bitmap for each slot. Linux Documentation/virt/kvm/api.rst
 * 8.29. Entries are taken when the log is read and when a ring is full.
 */
#include "util/osdep.h"
#include <sys/mman.h>
#include "system/memory.h"
#include "util/log.h"
#include "kvm-internal.h"

/* Linux 6.3; headers of the build host may be older. */
#ifndef KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP
#define KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP 225
#endif

#define KVM_PAGE_BYTES 4096ULL

static uint32_t ring_bytes(KVMState *s)
{
    return s->dirty_ring_entries * sizeof(struct kvm_dirty_gfn);
}

bool kvm_dirty_ring_init(KVMState *s, Error **errp)
{
    uint32_t n = s->dirty_ring_entries;
    int cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL;
    int max = kvm_check_extension(s, cap);
    int ret;

    if (n == 0) {
        return true;
    }
    if (max == 0) {
        cap = KVM_CAP_DIRTY_LOG_RING;
        max = kvm_check_extension(s, cap);
    }
    if (max == 0) {
        error_setg(errp, "the kernel's KVM has no dirty ring");
        error_append_hint(errp, "Leave out dirty-ring-size");
        return false;
    }
    if (!IS_POWER_OF_2(n) || n > max / sizeof(struct kvm_dirty_gfn)) {
        error_setg(errp, "dirty-ring-size takes a power of 2 up to %zu, not "
                   "'%u'", max / sizeof(struct kvm_dirty_gfn), n);
        return false;
    }
    ret = kvm_vm_enable_cap(s, cap, ring_bytes(s), 0);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "cannot make dirty rings of %u entries",
                         n);
        return false;
    }
    s->ring_with_bitmap =
        kvm_check_extension(s, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP) &&
        kvm_vm_enable_cap(s, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0, 0) == 0;
    return true;
}

bool kvm_dirty_ring_map(KVMState *s, KVMVcpu *v, Error **errp)
{
    void *p;

    if (s->dirty_ring_entries == 0) {
        return true;
    }
    p = mmap(NULL, ring_bytes(s), PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
             KVM_DIRTY_LOG_PAGE_OFFSET * KVM_PAGE_BYTES);
    if (p == MAP_FAILED) {
        error_setg_errno(errp, errno, "cannot map the dirty ring");
        return false;
    }
    v->ring = p;
    v->ring_next = 0;
    return true;
}

void kvm_dirty_ring_unmap(KVMState *s, KVMVcpu *v)
{
    if (v->ring) {
        munmap(v->ring, ring_bytes(s));
        v->ring = NULL;
    }
}

/* One page of a slot. The kernel wrote the numbers: still, check them. */
static void mark_page(KVMState *s, uint32_t slot_id, uint64_t page)
{
    KVMSlot *slot = kvm_slot_by_id(s, slot_id & 0xffff);

    if (slot && page < slot->size / KVM_PAGE_BYTES) {
        ram_block_set_dirty(slot->rb, slot->rb_offset + page * KVM_PAGE_BYTES,
                            KVM_PAGE_BYTES);
    }
}

static uint32_t collect_ring(KVMState *s, KVMVcpu *v)
{
    uint32_t n = 0;

    while (v->ring && n < s->dirty_ring_entries) {
        struct kvm_dirty_gfn *e =
            &v->ring[v->ring_next & (s->dirty_ring_entries - 1)];
        uint32_t flags = __atomic_load_n(&e->flags, __ATOMIC_ACQUIRE);

        if (!(flags & KVM_DIRTY_GFN_F_DIRTY)) {
            break;
        }
        mark_page(s, e->slot, e->offset);
        __atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
        v->ring_next++;
        n++;
    }
    return n;
}

void kvm_dirty_ring_collect(KVMState *s)
{
    uint32_t n = 0;
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        if (cpu->kvm_fd >= 0) {
            n += collect_ring(s, kvm_vcpu(cpu));
        }
    }
    if (n && kvm_vm_ioctl_num(s, KVM_RESET_DIRTY_RINGS, 0) < 0) {
        warn_report_once("the kernel does not take its dirty ring back");
    }
}
