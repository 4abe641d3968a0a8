/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listeners: who has to follow an address space (KVM slots, vhost tables)
 * hears the differences between the old and the new view, and the dirty log's
 * calls.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "trace/trace-system.h"

MemoryRegionSection section_from_range(AddressSpace *as, const FlatRange *fr)
{
    return (MemoryRegionSection){
        .mr = fr->mr, .as = as, .offset_in_region = fr->offset,
        .size = flat_range_size(fr), .offset_in_as = fr->first,
        .direct = fr->host != NULL,
        .readonly = fr->readonly, .nonvolatile = fr->nonvolatile,
    };
}

static void listener_add_range(MemoryListener *l, const FlatRange *fr)
{
    MemoryRegionSection s = section_from_range(l->as, fr);

    if (l->region_add) {
        l->region_add(l, &s);
    }
    if (fr->host && dirty_log_on && l->log_start) {
        l->log_start(l, &s);
    }
}

static void listener_del_range(MemoryListener *l, const FlatRange *fr)
{
    MemoryRegionSection s = section_from_range(l->as, fr);

    if (fr->host && dirty_log_on && l->log_stop) {
        l->log_stop(l, &s);
    }
    if (l->region_del) {
        l->region_del(l, &s);
    }
}

/* ---- Differences of two views ---- */

static void listeners_tell_range(AddressSpace *as, const FlatRange *fr,
                                 bool add)
{
    MemoryListener *l;

    if (add) {
        TAILQ_FOREACH(l, &as->listeners, link) {
            listener_add_range(l, fr);
        }
    } else {
        TAILQ_FOREACH_REVERSE(l, &as->listeners, MemoryListenerList, link) {
            listener_del_range(l, fr);
        }
    }
}

/* Tell of each range of @a that @b does not have just so. */
static void listeners_tell_missing(AddressSpace *as, const FlatView *a,
                                   const FlatView *b, bool add)
{
    uint32_t i, k = 0;

    for (i = 0; i < a->nr; i++) {
        const FlatRange *fr = &a->ranges[i];

        while (k < b->nr && b->ranges[k].first < fr->first) {
            k++;
        }
        if (k == b->nr || !flat_range_equal(&b->ranges[k], fr)) {
            listeners_tell_range(as, fr, add);
        }
    }
}

void address_space_set_view(AddressSpace *as, FlatView *view)
{
    static const FlatView nothing;
    FlatView *old = as->view;

    /* A guest may hit the old range in the kernel until del; that is the
     * same race as one in hardware. */
    if (old) {
        listeners_tell_missing(as, old, view, false);
    }
    rcu_assign_pointer(as->view, view);
    trace_memory_view_published(as->name, view->nr);
    listeners_tell_missing(as, view, old ? old : &nothing, true);
    if (old) {
        flatview_unref(old);
    }
}

void address_space_listeners_begin(AddressSpace *as)
{
    MemoryListener *l;

    TAILQ_FOREACH(l, &as->listeners, link) {
        if (l->begin) {
            l->begin(l);
        }
    }
}

void address_space_listeners_commit(AddressSpace *as)
{
    MemoryListener *l;

    TAILQ_FOREACH(l, &as->listeners, link) {
        if (l->commit) {
            l->commit(l);
        }
    }
}

/* ---- Registration ---- */

static void listener_link(MemoryListener *l, AddressSpace *as)
{
    MemoryListener *other;

    TAILQ_FOREACH(other, &as->listeners, link) {
        if (other->priority > l->priority) {
            TAILQ_INSERT_BEFORE(other, l, link);
            return;
        }
    }
    TAILQ_INSERT_TAIL(&as->listeners, l, link);
}

void memory_listener_register(MemoryListener *l, AddressSpace *as)
{
    uint32_t i;

    g_assert(bql_locked());
    if (TAILQ_EMPTY(&as->listeners)) {
        address_space_reload_ioeventfds(as);
    }
    l->as = as;
    listener_link(l, as);
    if (l->begin) {
        l->begin(l);
    }
    for (i = 0; i < as->view->nr; i++) {
        listener_add_range(l, &as->view->ranges[i]);
    }
    address_space_tell_ioeventfds(as, l, true);
    if (l->commit) {
        l->commit(l);
    }
}

void memory_listener_unregister(MemoryListener *l)
{
    AddressSpace *as = l->as;
    uint32_t i;

    g_assert(bql_locked());
    if (as == NULL) {
        return;
    }
    if (l->begin) {
        l->begin(l);
    }
    address_space_tell_ioeventfds(as, l, false);
    for (i = as->view->nr; i-- > 0;) {
        listener_del_range(l, &as->view->ranges[i]);
    }
    if (l->commit) {
        l->commit(l);
    }
    TAILQ_REMOVE(&as->listeners, l, link);
    l->as = NULL;
}

/* ---- The dirty log ---- */

/* Call what @pick chooses of @l, if anything, for each range of memory. */
static void listener_log(AddressSpace *as, MemoryListener *l,
                         MemoryListenerLogFn *pick)
{
    void (*fn)(MemoryListener *, MemoryRegionSection *) = pick(l);

    for (uint32_t i = 0; fn && i < as->view->nr; i++) {
        const FlatRange *fr = &as->view->ranges[i];
        MemoryRegionSection s = section_from_range(as, fr);

        if (fr->host) {
            fn(l, &s);
        }
    }
}

void memory_listeners_log(MemoryListenerLogFn *pick)
{
    AddressSpace *as;
    MemoryListener *l;

    TAILQ_FOREACH(as, &address_spaces, link) {
        TAILQ_FOREACH(l, &as->listeners, link) {
            listener_log(as, l, pick);
        }
    }
}
