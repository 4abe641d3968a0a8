/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the tree of regions to a flat view, and the life of views.
 *
 * Regions are visited from the most to the least visible; each fills the gaps
 * that those before it left. Views are reclaimed in two steps: call_rcu waits
 * for the readers, then a bottom half of the main loop drops the references
 * of the owners, because finalizing an object needs the big lock. The bottom
 * half is an outermost one: whoever holds the big lock, and runs a nested
 * loop at most, sees no owner of a mapped region disappear.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "qom/object.h"
#include "util/bql.h"
#include "util/main-loop.h"

/* Wider than any address: an alias may start below 0 of its address space. */
typedef __int128 wideaddr;

typedef struct Render {
    GArray *ranges;                     /* of FlatRange, sorted */
} Render;

/* What is visible of a region: a part of the address space, attributes. */
typedef struct Clip {
    wideaddr first, last;
    bool readonly;
    bool nonvolatile;
} Clip;

static wideaddr region_last(const MemoryRegion *mr)
{
    return mr->size == UINT64_MAX ? UINT64_MAX : (wideaddr)mr->size - 1;
}

/* ---- Which tree an address space shows ---- */

static MemoryRegion *only_enabled_child(MemoryRegion *mr, bool *one)
{
    MemoryRegion *sub, *found = NULL;

    *one = true;
    TAILQ_FOREACH(sub, &mr->subregions, link) {
        if (!sub->enabled || sub->size == 0) {
            continue;
        }
        if (found) {
            *one = false;
            return NULL;
        }
        found = sub;
    }
    return found;
}

/* What stands for @mr: itself, the one thing it shows whole, or NULL. */
static MemoryRegion *flatview_root_step(MemoryRegion *mr)
{
    MemoryRegion *inner;
    bool one;

    if (!mr->enabled || mr->size == 0) {
        return NULL;
    }
    if (mr->readonly || mr->nonvolatile || mr->terminates) {
        return mr;
    }
    if (mr->alias) {
        return mr->alias_offset == 0 && mr->size >= mr->alias->size ?
               mr->alias : mr;
    }
    inner = only_enabled_child(mr, &one);
    if (!one) {
        return mr;
    }
    if (inner && (inner->addr != 0 || mr->size < inner->size)) {
        return mr;
    }
    return inner;
}

MemoryRegion *flatview_root(MemoryRegion *mr)
{
    MemoryRegion *next;

    while (mr) {
        next = flatview_root_step(mr);
        if (next == mr) {
            break;
        }
        mr = next;
    }
    return mr;
}

/* ---- Rendering ---- */

/* Index of the first range whose last byte is not below @addr. */
static uint32_t ranges_search(const FlatRange *ranges, uint32_t nr,
                              hwaddr addr)
{
    uint32_t lo = 0, hi = nr;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (ranges[mid].last < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static FlatRange render_piece(const FlatRange *whole, hwaddr first,
                              hwaddr last)
{
    FlatRange fr = *whole;

    fr.offset += first - whole->first;
    if (fr.host) {
        fr.host += first - whole->first;
    }
    fr.first = first;
    fr.last = last;
    return fr;
}

/* Put those parts of @whole into the view that nothing covers yet. */
static void render_fill_gaps(Render *r, const FlatRange *whole)
{
    hwaddr first = whole->first;
    uint32_t i = ranges_search((FlatRange *)r->ranges->data, r->ranges->len,
                               first);

    for (;;) {
        FlatRange *next = i < r->ranges->len ?
                          &g_array_index(r->ranges, FlatRange, i) : NULL;
        hwaddr last = whole->last;
        FlatRange piece;

        if (next && next->first <= first) {
            if (next->last >= whole->last) {
                return;
            }
            first = next->last + 1;
            i++;
            continue;
        }
        if (next && next->first <= last) {
            last = next->first - 1;
        }
        piece = render_piece(whole, first, last);
        g_array_insert_val(r->ranges, i, piece);
        if (last == whole->last) {
            return;
        }
        i++;
        first = last + 1;
    }
}

/* @base: where offset 0 of @mr is */
static void render_region(Render *r, MemoryRegion *mr, wideaddr base,
                          Clip clip)
{
    wideaddr last;
    MemoryRegion *sub;
    FlatRange fr;

    if (!mr->enabled || mr->size == 0) {
        return;
    }
    clip.first = MAX(clip.first, base);
    last = base + region_last(mr);
    clip.last = MIN(clip.last, last);
    if (clip.first > clip.last) {
        return;
    }
    clip.readonly |= mr->readonly;
    clip.nonvolatile |= mr->nonvolatile;

    if (mr->alias) {
        render_region(r, mr->alias, base - (wideaddr)mr->alias_offset, clip);
        return;
    }
    TAILQ_FOREACH(sub, &mr->subregions, link) {
        render_region(r, sub, base + (wideaddr)sub->addr, clip);
    }
    if (!mr->terminates) {
        return;
    }
    fr = (FlatRange){
        .first = clip.first, .last = clip.last,
        .offset = clip.first - base, .mr = mr, .owner = mr->owner,
        .readonly = clip.readonly, .nonvolatile = clip.nonvolatile,
    };
    if (mr->ram_block && (!mr->rom_device || mr->romd)) {
        fr.host = mr->ram_block->host + fr.offset;
        fr.readonly |= mr->rom_device;
    }
    render_fill_gaps(r, &fr);
}

static bool ranges_mergeable(const FlatRange *a, const FlatRange *b)
{
    return a->mr == b->mr && a->last + 1 == b->first &&
           a->offset + (b->first - a->first) == b->offset &&
           a->readonly == b->readonly && a->nonvolatile == b->nonvolatile;
}

/* Join neighbours that several aliases of one region made. */
static void render_merge(Render *r)
{
    FlatRange *v = (FlatRange *)r->ranges->data;
    uint32_t i, out = 0;

    for (i = 1; i < r->ranges->len; i++) {
        if (ranges_mergeable(&v[out], &v[i])) {
            v[out].last = v[i].last;
        } else {
            v[++out] = v[i];
        }
    }
    if (r->ranges->len) {
        g_array_set_size(r->ranges, out + 1);
    }
}

FlatView *flatview_render(MemoryRegion *root)
{
    Render r = { .ranges = g_array_new(false, false, sizeof(FlatRange)) };
    FlatView *view;
    uint32_t i;

    if (root) {
        render_region(&r, root, 0, (Clip){ .first = 0, .last = UINT64_MAX });
        render_merge(&r);
    }
    view = g_malloc0(sizeof(*view) + r.ranges->len * sizeof(FlatRange));
    view->ref = 1;
    view->nr = r.ranges->len;
    if (view->nr) {
        memcpy(view->ranges, r.ranges->data, view->nr * sizeof(FlatRange));
    }
    g_array_free(r.ranges, true);
    for (i = 0; i < view->nr; i++) {
        if (view->ranges[i].owner) {
            object_ref(view->ranges[i].owner);
        }
    }
    return view;
}

bool flat_range_equal(const FlatRange *a, const FlatRange *b)
{
    return a->mr == b->mr && a->first == b->first && a->last == b->last &&
           a->offset == b->offset && a->host == b->host &&
           a->readonly == b->readonly && a->nonvolatile == b->nonvolatile;
}

bool flatview_equal(const FlatView *a, const FlatView *b)
{
    uint32_t i;

    if (a->nr != b->nr) {
        return false;
    }
    for (i = 0; i < a->nr; i++) {
        if (!flat_range_equal(&a->ranges[i], &b->ranges[i])) {
            return false;
        }
    }
    return true;
}

const FlatRange *flatview_search(const FlatView *view, hwaddr addr)
{
    uint32_t i = ranges_search(view->ranges, view->nr, addr);

    return i < view->nr ? &view->ranges[i] : NULL;
}

/* ---- The end of views ---- */

static AioBH *reclaim_bh;
static FlatView *retired_views;         /* lock-free stack */
static GSList *retired_owners;          /* retired_lock */
static pthread_mutex_t retired_lock = PTHREAD_MUTEX_INITIALIZER;

static void flatview_free(FlatView *view)
{
    uint32_t i;

    for (i = 0; i < view->nr; i++) {
        object_unref(view->ranges[i].owner);
    }
    g_free(view);
}

/* Main loop, big lock. */
static void flatview_reclaim(void *opaque)
{
    FlatView *view = __atomic_exchange_n(&retired_views, NULL,
                                         __ATOMIC_ACQ_REL);
    GSList *owners;

    while (view) {
        FlatView *next = view->next_retired;

        flatview_free(view);
        view = next;
    }
    pthread_mutex_lock(&retired_lock);
    owners = retired_owners;
    retired_owners = NULL;
    pthread_mutex_unlock(&retired_lock);
    g_slist_free_full(owners, object_unref);
}

/* liburcu's thread. */
static void flatview_retire(struct rcu_head *head)
{
    FlatView *view = container_of(head, FlatView, rcu);

    view->next_retired = __atomic_load_n(&retired_views, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&retired_views, &view->next_retired,
                                        view, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
        /* next_retired holds the new top now */
    }
    aio_bh_schedule(reclaim_bh);
}

void flatview_discard(FlatView *view)
{
    flatview_free(view);
}

FlatView *flatview_ref(FlatView *view)
{
    view->ref++;
    return view;
}

void flatview_unref(FlatView *view)
{
    if (--view->ref > 0) {
        return;
    }
    if (memory_map_shared) {
        call_rcu(&view->rcu, flatview_retire);
    } else {
        flatview_free(view);
    }
}

void flatview_init_reclaim(void)
{
    reclaim_bh = main_loop_bh_new(flatview_reclaim, NULL);
}

/* Drop a reference unless it is the last one. */
static bool owner_unref_unless_last(Object *owner)
{
    uint32_t ref = __atomic_load_n(&owner->ref, __ATOMIC_RELAXED);

    while (ref > 1) {
        if (__atomic_compare_exchange_n(&owner->ref, &ref, ref - 1, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

void memory_owner_unref(Object *owner)
{
    if (owner == NULL) {
        return;
    }
    if (bql_locked()) {
        object_unref(owner);
    } else if (!owner_unref_unless_last(owner)) {
        pthread_mutex_lock(&retired_lock);
        retired_owners = g_slist_prepend(retired_owners, owner);
        pthread_mutex_unlock(&retired_lock);
        aio_bh_schedule(reclaim_bh);
    }
}
