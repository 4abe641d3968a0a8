/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells: writes that signal an event notifier. A region has a list of
 * its own; what an address space shows of the lists is compared with what its
 * listeners know at the end of each transaction. The kernel then takes most of
 * the writes; those that still arrive here (qtest) are matched by us.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"

static int ioeventfd_cmp(const void *pa, const void *pb)
{
    const Ioeventfd *a = pa, *b = pb;

    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    if (a->match_data != b->match_data) {
        return a->match_data ? 1 : -1;
    }
    if (a->match_data && a->data != b->data) {
        return a->data < b->data ? -1 : 1;
    }
    if (a->e != b->e) {
        return a->e < b->e ? -1 : 1;
    }
    return 0;
}

/* ---- A region's list ---- */

static void memory_region_publish_ioeventfds(MemoryRegion *mr,
                                             IoeventfdList *list)
{
    IoeventfdList *old = mr->ioeventfds;

    rcu_assign_pointer(mr->ioeventfds, list);
    if (old) {
        memory_defer_free(&old->rcu, rcu_free_cb);
    }
    memory_transaction_mark_ioeventfds();
}

void memory_region_add_eventfd(MemoryRegion *mr, hwaddr addr, unsigned int size,
                               bool match_data, uint64_t data,
                               EventNotifier *e)
{
    IoeventfdList *old = mr->ioeventfds, *list;
    uint32_t nr = old ? old->nr : 0;

    memory_region_transaction_begin();
    list = g_malloc0(sizeof(*list) + (nr + 1) * sizeof(Ioeventfd));
    if (nr) {
        memcpy(list->fds, old->fds, nr * sizeof(Ioeventfd));
    }
    list->fds[nr] = (Ioeventfd){
        .addr = addr, .size = size, .match_data = match_data,
        .data = match_data ? data : 0, .e = e,
    };
    list->nr = nr + 1;
    qsort(list->fds, list->nr, sizeof(Ioeventfd), ioeventfd_cmp);
    memory_region_publish_ioeventfds(mr, list);
    memory_region_transaction_commit();
}

void memory_region_del_eventfd(MemoryRegion *mr, hwaddr addr, unsigned int size,
                               bool match_data, uint64_t data,
                               EventNotifier *e)
{
    const Ioeventfd key = {
        .addr = addr, .size = size, .match_data = match_data, .data = data,
        .e = e,
    };
    IoeventfdList *old = mr->ioeventfds, *list = NULL;
    Ioeventfd *hit;

    hit = old ? bsearch(&key, old->fds, old->nr, sizeof(key), ioeventfd_cmp) :
          NULL;
    g_assert(hit);
    memory_region_transaction_begin();
    if (old->nr > 1) {
        uint32_t i = hit - old->fds;

        list = g_malloc0(sizeof(*list) + (old->nr - 1) * sizeof(Ioeventfd));
        list->nr = old->nr - 1;
        memcpy(list->fds, old->fds, i * sizeof(Ioeventfd));
        memcpy(list->fds + i, hit + 1, (list->nr - i) * sizeof(Ioeventfd));
    }
    memory_region_publish_ioeventfds(mr, list);
    memory_region_transaction_commit();
}

void memory_region_free_ioeventfds(MemoryRegion *mr)
{
    if (mr->ioeventfds) {
        memory_region_publish_ioeventfds(mr, NULL);
    }
}

bool memory_region_dispatch_ioeventfd(MemoryRegion *mr, hwaddr offset,
                                      uint64_t data, unsigned int size)
{
    const IoeventfdList *list;
    uint32_t i;

    MEMORY_MAP_GUARD();
    list = rcu_dereference(mr->ioeventfds);
    for (i = 0; list && i < list->nr; i++) {
        const Ioeventfd *fd = &list->fds[i];

        if (fd->addr == offset && (fd->size == 0 || fd->size == size) &&
            (!fd->match_data || fd->data == data)) {
            event_notifier_set(fd->e);
            return true;
        }
    }
    return false;
}

/* ---- An address space's ---- */

static GArray *address_space_collect_ioeventfds(AddressSpace *as)
{
    GArray *all = g_array_new(false, false, sizeof(Ioeventfd));
    uint32_t i, k;

    for (i = 0; i < as->view->nr; i++) {
        const FlatRange *fr = &as->view->ranges[i];
        const IoeventfdList *list = fr->mr->ioeventfds;

        for (k = 0; list && k < list->nr; k++) {
            Ioeventfd fd = list->fds[k];

            if (fd.addr < fr->offset ||
                fd.addr - fr->offset > fr->last - fr->first) {
                continue;
            }
            fd.mr = fr->mr;
            fd.offset_in_region = fd.addr;
            fd.addr = fd.addr - fr->offset + fr->first;
            g_array_append_val(all, fd);
        }
    }
    g_array_sort(all, ioeventfd_cmp);
    return all;
}

static void ioeventfd_tell(AddressSpace *as, MemoryListener *l,
                           const Ioeventfd *fd, bool add)
{
    MemoryRegionSection s = {
        .mr = fd->mr, .as = as, .offset_in_region = fd->offset_in_region,
        .size = fd->size, .offset_in_as = fd->addr,
    };

    if (add && l->eventfd_add) {
        l->eventfd_add(l, &s, fd->match_data, fd->data, fd->e);
    }
    if (!add && l->eventfd_del) {
        l->eventfd_del(l, &s, fd->match_data, fd->data, fd->e);
    }
}

static void ioeventfd_tell_all(AddressSpace *as, const Ioeventfd *fd, bool add)
{
    MemoryListener *l;

    TAILQ_FOREACH(l, &as->listeners, link) {
        ioeventfd_tell(as, l, fd, add);
    }
}

/* Tell what is in @a and not in @b, both sorted. */
static void ioeventfd_tell_missing(AddressSpace *as, const GArray *a,
                                   const GArray *b, bool add)
{
    guint i, k = 0;

    for (i = 0; i < a->len; i++) {
        const Ioeventfd *fd = &g_array_index(a, Ioeventfd, i);
        int cmp = 1;

        while (k < b->len) {
            cmp = ioeventfd_cmp(&g_array_index(b, Ioeventfd, k), fd);
            if (cmp >= 0) {
                break;
            }
            k++;
        }
        if (k == b->len || cmp != 0) {
            ioeventfd_tell_all(as, fd, add);
        }
    }
}

void address_space_update_ioeventfds(AddressSpace *as)
{
    GArray *fresh;

    if (TAILQ_EMPTY(&as->listeners)) {
        return;
    }
    fresh = address_space_collect_ioeventfds(as);
    ioeventfd_tell_missing(as, as->ioeventfds, fresh, false);
    ioeventfd_tell_missing(as, fresh, as->ioeventfds, true);
    g_array_free(as->ioeventfds, true);
    as->ioeventfds = fresh;
}

void address_space_tell_ioeventfds(AddressSpace *as, MemoryListener *l,
                                   bool add)
{
    guint i;

    for (i = 0; i < as->ioeventfds->len; i++) {
        ioeventfd_tell(as, l, &g_array_index(as->ioeventfds, Ioeventfd, i),
                       add);
    }
}

void address_space_reload_ioeventfds(AddressSpace *as)
{
    g_array_free(as->ioeventfds, true);
    as->ioeventfds = address_space_collect_ioeventfds(as);
}
