/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GSI routing table: which interrupt a GSI (a number an irqfd or a line
 * raises) becomes: a pin of an interrupt controller or an MSI.
 *
 * The kernel takes the table as a whole, so changes are made here and handed
 * over by commit. Low GSIs are the pins of the board's controllers and are
 * placed by the architecture; MSI routes get numbers above.
 */
#include "util/osdep.h"
#include "util/bitmap.h"
#include "util/log.h"
#include "util/thread.h"
#include "kvm-internal.h"
#include "trace/trace-accel_kvm.h"

enum {
    /* GSIs below are never given to an MSI: IOAPIC and GIC pins */
    KVM_FIRST_MSI_GSI = 256,
    KVM_ROUTES_START = 64,
};

static struct kvm_irq_routing_entry *find_entry(KVMState *s, uint32_t gsi)
{
    for (uint32_t i = 0; i < s->routes->nr; i++) {
        if (s->routes->entries[i].gsi == gsi) {
            return &s->routes->entries[i];
        }
    }
    return NULL;
}

static struct kvm_irq_routing_entry *new_entry(KVMState *s)
{
    if (s->routes->nr == s->routes_capacity) {
        s->routes_capacity *= 2;
        s->routes = g_realloc(s->routes, sizeof(*s->routes) +
                              s->routes_capacity *
                              sizeof(s->routes->entries[0]));
    }
    return &s->routes->entries[s->routes->nr++];
}

static void set_entry(KVMState *s, const struct kvm_irq_routing_entry *entry)
{
    struct kvm_irq_routing_entry *e = find_entry(s, entry->gsi);

    if (e && memcmp(e, entry, sizeof(*e)) == 0) {
        return;
    }
    if (!e) {
        e = new_entry(s);
    }
    *e = *entry;
    s->routes_changed = true;
}

static void del_entry(KVMState *s, uint32_t gsi)
{
    struct kvm_irq_routing_entry *e = find_entry(s, gsi);

    if (e) {
        *e = s->routes->entries[--s->routes->nr];
        s->routes_changed = true;
    }
}

void kvm_route_set(KVMState *s, const struct kvm_irq_routing_entry *entry)
{
    MUTEX_GUARD(&s->routes_lock);
    set_entry(s, entry);
}

void kvm_route_clear(KVMState *s, uint32_t gsi)
{
    MUTEX_GUARD(&s->routes_lock);
    del_entry(s, gsi);
}

static int commit_locked(KVMState *s)
{
    int ret;

    if (!s->routes_changed) {
        return 0;
    }
    ret = kvm_vm_ioctl(s, KVM_SET_GSI_ROUTING, s->routes);
    trace_kvm_routes_committed(s->routes->nr, ret);
    if (ret == 0) {
        s->routes_changed = false;
    }
    return ret;
}

static int kvm_routes_commit(KVMState *s)
{
    MUTEX_GUARD(&s->routes_lock);
    return commit_locked(s);
}

/* ---- MSI ---- */

static void msi_entry(KVMState *s, const MSIMessage *msg, uint32_t gsi,
                      struct kvm_irq_routing_entry *e)
{
    int pin = kvm_arch_msi_pin(s, msg);

    *e = (struct kvm_irq_routing_entry){
        .gsi = gsi,
        .type = KVM_IRQ_ROUTING_MSI,
        .u.msi.data = msg->data,
    };
    kvm_arch_msi_address(s, msg->address, &e->u.msi.address_lo,
                         &e->u.msi.address_hi);
    if (pin >= 0) {
        e->type = KVM_IRQ_ROUTING_IRQCHIP;
        e->u.irqchip = (struct kvm_irq_routing_irqchip){ .pin = pin };
    } else if (kvm_arch_msi_has_requester(s)) {
        e->flags = KVM_MSI_VALID_DEVID;
        e->u.msi.devid = msg->requester;
    }
    trace_kvm_msi_route(gsi, msg->address, msg->data);
}

int kvm_msi_route_add(AccelState *as, const MSIMessage *msg)
{
    KVMState *s = KVM_ACCEL(as);
    struct kvm_irq_routing_entry e;
    uint32_t gsi;

    MUTEX_GUARD(&s->routes_lock);

    if (!s->irqchip_made) {
        return -ENOSYS;
    }
    gsi = find_next_zero_bit(s->gsis_used, s->nr_gsis, KVM_FIRST_MSI_GSI);
    if (gsi >= s->nr_gsis) {
        return -ENOSPC;
    }
    set_bit(gsi, s->gsis_used);
    msi_entry(s, msg, gsi, &e);
    set_entry(s, &e);
    return gsi;
}

int kvm_msi_route_update(AccelState *as, int virq, const MSIMessage *msg)
{
    KVMState *s = KVM_ACCEL(as);
    struct kvm_irq_routing_entry e;

    MUTEX_GUARD(&s->routes_lock);
    if (virq < KVM_FIRST_MSI_GSI || (uint32_t)virq >= s->nr_gsis ||
        !test_bit(virq, s->gsis_used)) {
        return -EINVAL;
    }
    msi_entry(s, msg, virq, &e);
    set_entry(s, &e);
    return 0;
}

void kvm_msi_route_commit(AccelState *as)
{
    int ret = kvm_routes_commit(KVM_ACCEL(as));

    if (ret < 0) {
        error_report("the kernel refuses the interrupt routes: %s",
                     strerror(-ret));
    }
}

void kvm_msi_route_release(AccelState *as, int virq)
{
    KVMState *s = KVM_ACCEL(as);

    MUTEX_GUARD(&s->routes_lock);
    if (virq < KVM_FIRST_MSI_GSI || (uint32_t)virq >= s->nr_gsis) {
        return;
    }
    clear_bit(virq, s->gsis_used);
    /* goes with the next commit; nothing raises it any more */
    del_entry(s, virq);
}

int kvm_msi_send(AccelState *as, const MSIMessage *msg)
{
    KVMState *s = KVM_ACCEL(as);
    struct kvm_msi msi = { .data = msg->data };
    int ret, pin = kvm_arch_msi_pin(s, msg);

    if (pin >= 0) {
        kvm_gsi_set(as, pin, 1);
        kvm_gsi_set(as, pin, 0);
        return 0;
    }
    kvm_arch_msi_address(s, msg->address, &msi.address_lo, &msi.address_hi);
    if (kvm_arch_msi_has_requester(s)) {
        msi.flags = KVM_MSI_VALID_DEVID;
        msi.devid = msg->requester;
    }
    ret = kvm_vm_ioctl(s, KVM_SIGNAL_MSI, &msi);
    trace_kvm_msi_sent(msg->address, msg->data, ret);
    /* 0: the guest blocks it, 1: delivered */
    return MIN(ret, 0);
}

/* ---- Life cycle ---- */

bool kvm_routing_init(KVMState *s, Error **errp)
{
    s->nr_gsis = kvm_check_extension(s, KVM_CAP_IRQ_ROUTING);
    s->gsis_used = bitmap_new(MAX(s->nr_gsis, (uint32_t)KVM_FIRST_MSI_GSI));
    s->routes_capacity = KVM_ROUTES_START;
    s->routes = g_malloc0(sizeof(*s->routes) +
                          s->routes_capacity * sizeof(s->routes->entries[0]));
    return true;
}

void kvm_routing_cleanup(KVMState *s)
{
    g_clear_pointer(&s->gsis_used, g_free);
    g_clear_pointer(&s->routes, g_free);
}
