/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM as KVM memory slots, and the kernel's dirty log.
 *
 * The memory listener collects the changes of one transaction; commit carries
 * them out, deletions first. A range that goes and comes back within one
 * transaction (resized, made read-only) must not be missed by a vCPU in
 * between: then all of them are kept out of the guest meanwhile.
 */
#include "util/osdep.h"
#include "util/bitmap.h"
#include "util/log.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

#define KVM_PAGE_BYTES 4096ULL

/* ---- Slots ---- */

static KVMSlot *slot_at(KVMState *s, uint32_t id)
{
    return &g_array_index(s->slots, KVMSlot, id);
}

KVMSlot *kvm_slot_by_id(KVMState *s, uint32_t id)
{
    if (id >= s->slots->len || slot_at(s, id)->size == 0) {
        return NULL;
    }
    return slot_at(s, id);
}

static int slot_update(KVMState *s, uint32_t id)
{
    const KVMSlot *slot = slot_at(s, id);
    struct kvm_userspace_memory_region r = {
        .slot = id,
        .flags = slot->flags,
        .guest_phys_addr = slot->gpa,
        .memory_size = slot->size,
        .userspace_addr = (uintptr_t)slot->hva,
    };
    int ret = kvm_vm_ioctl(s, KVM_SET_USER_MEMORY_REGION, &r);

    trace_kvm_slot_set(id, r.guest_phys_addr, r.memory_size, r.flags, ret);
    return ret;
}

/* A free slot number, or -1 when the kernel has no more. */
static int slot_alloc(KVMState *s)
{
    KVMSlot empty = { 0 };
    uint32_t id;

    for (id = 0; id < s->slots->len; id++) {
        if (slot_at(s, id)->size == 0) {
            return id;
        }
    }
    if (id == s->max_slots) {
        return -1;
    }
    g_array_append_val(s->slots, empty);
    return id;
}

/* The part of a section that whole pages cover; false: none. */
static bool section_to_slot(KVMState *s, const MemoryRegionSection *sec,
                            KVMSlot *slot)
{
    uint64_t start = ROUND_UP(sec->offset_in_as, KVM_PAGE_BYTES);
    uint64_t skip = start - sec->offset_in_as;
    RamBlock *rb = sec->mr->ram_block;

    *slot = (KVMSlot){ 0 };
    if (!sec->direct || sec->size <= skip || (sec->readonly && !s->readonly_mem)) {
        return false;
    }
    slot->gpa = start;
    slot->size = ROUND_DOWN(sec->size - skip, KVM_PAGE_BYTES);
    slot->rb = rb;
    slot->rb_offset = sec->offset_in_region + skip;
    slot->hva = rb->host + slot->rb_offset;
    slot->flags = sec->readonly ? KVM_MEM_READONLY : 0;
    return slot->size != 0;
}

static KVMSlot *slot_find(KVMState *s, uint64_t gpa, uint64_t size)
{
    for (uint32_t id = 0; id < s->slots->len; id++) {
        KVMSlot *slot = slot_at(s, id);

        if (slot->size == size && slot->gpa == gpa) {
            return slot;
        }
    }
    return NULL;
}

static uint32_t slot_id(KVMState *s, const KVMSlot *slot)
{
    return slot - slot_at(s, 0);
}

static KVMSlot *section_find_slot(KVMState *s, const MemoryRegionSection *sec)
{
    KVMSlot want;

    return section_to_slot(s, sec, &want) ? slot_find(s, want.gpa, want.size)
                                          : NULL;
}

/* ---- Dirty log ---- */

/* Runs of set bits to the RAM block's own bitmap. */
static void report_dirty(const KVMSlot *slot)
{
    uint64_t pages = slot->size / KVM_PAGE_BYTES;
    uint64_t first = find_next_bit(slot->dirty, pages, 0);

    while (first < pages) {
        uint64_t end = find_next_zero_bit(slot->dirty, pages, first);

        ram_block_set_dirty(slot->rb, slot->rb_offset + first * KVM_PAGE_BYTES,
                            (end - first) * KVM_PAGE_BYTES);
        first = find_next_bit(slot->dirty, pages, end);
    }
}

static void slot_sync(KVMState *s, KVMSlot *slot)
{
    uint64_t pages = slot->size / KVM_PAGE_BYTES;
    struct kvm_dirty_log log = { .slot = slot_id(s, slot) };
    int ret;

    if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES) ||
        (s->dirty_ring_entries && !s->ring_with_bitmap)) {
        return;
    }
    if (!slot->dirty) {
        slot->dirty = bitmap_new(pages);
    }
    log.dirty_bitmap = slot->dirty;
    ret = kvm_vm_ioctl(s, KVM_GET_DIRTY_LOG, &log);
    if (ret < 0) {
        /* nobody knows what changed: everything did */
        warn_report_once("cannot read KVM's dirty log: %s", strerror(-ret));
        ram_block_set_dirty(slot->rb, slot->rb_offset, slot->size);
        return;
    }
    report_dirty(slot);
}

static void slot_set_log(KVMState *s, KVMSlot *slot, bool on)
{
    uint32_t flags = on ? slot->flags | KVM_MEM_LOG_DIRTY_PAGES
                        : slot->flags & ~KVM_MEM_LOG_DIRTY_PAGES;
    int ret;

    if (flags == slot->flags || (slot->flags & KVM_MEM_READONLY)) {
        return;
    }
    slot->flags = flags;
    ret = slot_update(s, slot_id(s, slot));
    if (ret < 0) {
        error_report("cannot turn the dirty log of memory at 0x%" PRIx64
                     " %s: %s", slot->gpa, on ? "on" : "off", strerror(-ret));
    }
}

/* ---- Listener ---- */

static KVMState *listener_state(MemoryListener *l)
{
    return container_of(l, KVMState, memory_listener);
}

static void kvm_region_add(MemoryListener *l, MemoryRegionSection *sec)
{
    KVMState *s = listener_state(l);

    if (sec->direct) {
        g_array_append_val(s->pending_add, *sec);
    }
}

static void kvm_region_del(MemoryListener *l, MemoryRegionSection *sec)
{
    KVMState *s = listener_state(l);

    if (sec->direct) {
        g_array_append_val(s->pending_del, *sec);
    }
}

static void del_section(KVMState *s, const MemoryRegionSection *sec)
{
    KVMSlot *slot = section_find_slot(s, sec);
    int ret;

    if (!slot) {
        return;
    }
    if (s->dirty_ring_entries && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES)) {
        kvm_dirty_ring_collect(s);
    }
    slot_sync(s, slot);
    slot->size = 0;
    ret = slot_update(s, slot_id(s, slot));
    if (ret < 0) {
        error_report("cannot remove memory at 0x%" PRIx64 " from the guest: "
                     "%s", slot->gpa, strerror(-ret));
    }
    g_free(slot->dirty);
    *slot = (KVMSlot){ 0 };
}

static void add_section(KVMState *s, const MemoryRegionSection *sec)
{
    KVMSlot slot;
    int id, ret;

    if (!section_to_slot(s, sec, &slot)) {
        return;
    }
    id = slot_alloc(s);
    if (id < 0) {
        error_report("no KVM memory slot is left for memory at 0x%" PRIx64
                     ": the kernel has %u", slot.gpa, s->max_slots);
        return;
    }
    *slot_at(s, id) = slot;
    ret = slot_update(s, id);
    if (ret < 0) {
        /* the guest would read all ones: say why */
        error_report("cannot give %" PRIu64 " bytes of memory at 0x%" PRIx64
                     " to the guest: %s", slot.size, slot.gpa,
                     strerror(-ret));
        slot_at(s, id)->size = 0;
    }
}

static bool sections_overlap(const MemoryRegionSection *a,
                             const MemoryRegionSection *b)
{
    return a->offset_in_as - b->offset_in_as < b->size ||
           b->offset_in_as - a->offset_in_as < a->size;
}

/* Whether some address has RAM before and after the transaction. */
static bool replaces_memory(KVMState *s)
{
    for (guint i = 0; i < s->pending_del->len; i++) {
        for (guint k = 0; k < s->pending_add->len; k++) {
            if (sections_overlap(
                    &g_array_index(s->pending_del, MemoryRegionSection, i),
                    &g_array_index(s->pending_add, MemoryRegionSection, k))) {
                return true;
            }
        }
    }
    return false;
}

static void kvm_commit(MemoryListener *l)
{
    KVMState *s = listener_state(l);
    bool careful = replaces_memory(s);

    if (careful) {
        kvm_vcpus_inhibit(s);
    }
    for (guint i = 0; i < s->pending_del->len; i++) {
        del_section(s, &g_array_index(s->pending_del, MemoryRegionSection, i));
    }
    for (guint i = 0; i < s->pending_add->len; i++) {
        add_section(s, &g_array_index(s->pending_add, MemoryRegionSection, i));
    }
    if (careful) {
        kvm_vcpus_resume(s);
    }
    g_array_set_size(s->pending_del, 0);
    g_array_set_size(s->pending_add, 0);
}

static void kvm_log_start(MemoryListener *l, MemoryRegionSection *sec)
{
    KVMState *s = listener_state(l);
    KVMSlot *slot;

    /* one that was added in this very transaction has no slot yet */
    if (s->pending_add->len) {
        kvm_commit(l);
    }
    slot = section_find_slot(s, sec);
    if (slot) {
        slot_set_log(s, slot, true);
    }
}

static void kvm_log_stop(MemoryListener *l, MemoryRegionSection *sec)
{
    KVMState *s = listener_state(l);
    KVMSlot *slot = section_find_slot(s, sec);

    if (slot) {
        slot_sync(s, slot);
        slot_set_log(s, slot, false);
    }
}

static void kvm_log_sync(MemoryListener *l, MemoryRegionSection *sec)
{
    KVMState *s = listener_state(l);
    KVMSlot *slot = section_find_slot(s, sec);

    if (s->dirty_ring_entries) {
        kvm_dirty_ring_collect(s);
    }
    if (slot) {
        slot_sync(s, slot);
    }
}

/* ---- Life cycle ---- */

bool kvm_memory_init(KVMState *s, Error **errp)
{
    s->max_slots = kvm_check_extension(s, KVM_CAP_NR_MEMSLOTS);
    if (s->max_slots == 0) {
        s->max_slots = 32;
    }
    s->slots = g_array_new(false, true, sizeof(KVMSlot));
    s->pending_add = g_array_new(false, false, sizeof(MemoryRegionSection));
    s->pending_del = g_array_new(false, false, sizeof(MemoryRegionSection));
    s->memory_listener = (MemoryListener){
        .name = "kvm-memory",
        .priority = 10,
        .commit = kvm_commit,
        .region_add = kvm_region_add,
        .region_del = kvm_region_del,
        .log_start = kvm_log_start,
        .log_stop = kvm_log_stop,
        .log_sync = kvm_log_sync,
        .eventfd_add = kvm_eventfd_add,
        .eventfd_del = kvm_eventfd_del,
    };
    s->io_listener = (MemoryListener){
        .name = "kvm-io",
        .priority = 10,
        .eventfd_add = kvm_io_eventfd_add,
        .eventfd_del = kvm_io_eventfd_del,
    };
    memory_listener_register(&s->memory_listener, &address_space_memory);
    memory_listener_register(&s->io_listener, &address_space_io);
    s->listening = true;
    return true;
}

void kvm_memory_cleanup(KVMState *s)
{
    if (!s->listening) {
        return;
    }
    memory_listener_unregister(&s->io_listener);
    memory_listener_unregister(&s->memory_listener);
    s->listening = false;
    for (guint i = 0; i < s->slots->len; i++) {
        g_free(slot_at(s, i)->dirty);
    }
    g_array_unref(s->slots);
    g_array_unref(s->pending_add);
    g_array_unref(s->pending_del);
}
