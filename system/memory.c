/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of memory regions: making, placing and changing them, and the
 * transactions that turn changes into new views of the address spaces.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "util/bql.h"

AddressSpace address_space_memory, address_space_io;
bool memory_map_shared;

/* All below: big lock */
static MemoryRegion system_memory, system_io;
struct AddressSpaceList address_spaces =
    TAILQ_HEAD_INITIALIZER(address_spaces);
static unsigned int transaction_depth;
static bool topology_changed, ioeventfds_changed;

/* ---- Making regions ---- */

void memory_region_init(MemoryRegion *mr, Object *owner, const char *name,
                        uint64_t size)
{
    memset(mr, 0, sizeof(*mr));
    mr->name = g_strdup(name);
    mr->owner = owner;
    mr->size = size;
    mr->enabled = true;
    TAILQ_INIT(&mr->subregions);
}

void memory_region_init_io(MemoryRegion *mr, Object *owner,
                           const MemoryRegionOps *ops, void *opaque,
                           const char *name, uint64_t size)
{
    memory_region_init(mr, owner, name, size);
    mr->ops = ops;
    mr->opaque = opaque;
    mr->terminates = true;
}

void memory_region_init_alias(MemoryRegion *mr, Object *owner,
                              const char *name, MemoryRegion *orig,
                              hwaddr offset, uint64_t size)
{
    memory_region_init(mr, owner, name, size);
    mr->alias = orig;
    mr->alias_offset = offset;
}

static void memory_region_init_ram_common(MemoryRegion *mr, Object *owner,
                                          const char *name, uint64_t size)
{
    memory_region_init(mr, owner, name, size);
    mr->ram = true;
    mr->terminates = true;
}

bool memory_region_init_ram(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp)
{
    memory_region_init_ram_common(mr, owner, name, size);
    if (!ram_block_new_anon(mr, size, errp)) {
        error_prepend(errp, "memory region '%s': ", name);
        memory_region_deinit(mr);
        return false;
    }
    return true;
}

bool memory_region_init_rom(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp)
{
    if (!memory_region_init_ram(mr, owner, name, size, errp)) {
        return false;
    }
    mr->readonly = true;
    return true;
}

bool memory_region_init_rom_device(MemoryRegion *mr, Object *owner,
                                   const MemoryRegionOps *ops, void *opaque,
                                   const char *name, uint64_t size,
                                   Error **errp)
{
    if (!memory_region_init_ram(mr, owner, name, size, errp)) {
        return false;
    }
    mr->ram = false;
    mr->rom_device = true;
    mr->romd = true;
    mr->ops = ops;
    mr->opaque = opaque;
    return true;
}

void memory_region_init_ram_mapping(MemoryRegion *mr, Object *owner,
                                    const char *name, const RamMapping *map)
{
    memory_region_init_ram_common(mr, owner, name, map->size);
    mr->readonly = map->readonly;
    ram_block_new_mapping(mr, map);
}

void memory_region_deinit(MemoryRegion *mr)
{
    if (mr->name == NULL) {
        return;
    }
    if (mr->container) {
        memory_region_del_subregion(mr->container, mr);
    }
    while (!TAILQ_EMPTY(&mr->subregions)) {
        memory_region_del_subregion(mr, TAILQ_FIRST(&mr->subregions));
    }
    memory_region_free_ioeventfds(mr);
    if (mr->ram_block) {
        ram_block_destroy(mr->ram_block);
    }
    g_free(mr->name);
    memset(mr, 0, sizeof(*mr));
}

/* ---- Placing and changing them ---- */

static void memory_region_link(MemoryRegion *mr, MemoryRegion *sub)
{
    MemoryRegion *other;

    TAILQ_FOREACH(other, &mr->subregions, link) {
        if (sub->priority >= other->priority) {
            TAILQ_INSERT_BEFORE(other, sub, link);
            return;
        }
    }
    TAILQ_INSERT_TAIL(&mr->subregions, sub, link);
}

void memory_region_add_subregion_overlap(MemoryRegion *mr, hwaddr offset,
                                         MemoryRegion *sub, int priority)
{
    g_assert(sub->container == NULL);
    memory_region_transaction_begin();
    sub->container = mr;
    sub->addr = offset;
    sub->priority = priority;
    memory_region_link(mr, sub);
    topology_changed |= mr->enabled && sub->enabled;
    memory_region_transaction_commit();
}

void memory_region_add_subregion(MemoryRegion *mr, hwaddr offset,
                                 MemoryRegion *sub)
{
    memory_region_add_subregion_overlap(mr, offset, sub, 0);
}

void memory_region_del_subregion(MemoryRegion *mr, MemoryRegion *sub)
{
    g_assert(sub->container == mr);
    memory_region_transaction_begin();
    TAILQ_REMOVE(&mr->subregions, sub, link);
    sub->container = NULL;
    topology_changed |= mr->enabled && sub->enabled;
    memory_region_transaction_commit();
}

void memory_region_set_enabled(MemoryRegion *mr, bool enabled)
{
    if (mr->enabled == enabled) {
        return;
    }
    memory_region_transaction_begin();
    mr->enabled = enabled;
    topology_changed = true;
    memory_region_transaction_commit();
}

void memory_region_set_address(MemoryRegion *mr, hwaddr addr)
{
    MemoryRegion *container = mr->container;

    if (mr->addr == addr) {
        return;
    }
    memory_region_transaction_begin();
    mr->addr = addr;
    if (container) {
        /* counts as a later addition */
        TAILQ_REMOVE(&container->subregions, mr, link);
        memory_region_link(container, mr);
        topology_changed |= mr->enabled;
    }
    memory_region_transaction_commit();
}

void memory_region_set_size(MemoryRegion *mr, uint64_t size)
{
    g_assert(!mr->ram_block);
    if (mr->size == size) {
        return;
    }
    memory_region_transaction_begin();
    mr->size = size;
    topology_changed |= mr->enabled;
    memory_region_transaction_commit();
}

void memory_region_set_readonly(MemoryRegion *mr, bool readonly)
{
    if (mr->readonly == readonly) {
        return;
    }
    memory_region_transaction_begin();
    mr->readonly = readonly;
    topology_changed |= mr->enabled;
    memory_region_transaction_commit();
}

void memory_region_rom_device_set_romd(MemoryRegion *mr, bool romd)
{
    g_assert(mr->rom_device);
    if (mr->romd == romd) {
        return;
    }
    memory_region_transaction_begin();
    mr->romd = romd;
    topology_changed |= mr->enabled;
    memory_region_transaction_commit();
}

void memory_region_set_lockless(MemoryRegion *mr)
{
    mr->lockless = true;
}

/* ---- Questions ---- */

uint64_t memory_region_size(const MemoryRegion *mr)
{
    return mr->size;
}

bool memory_region_is_ram(const MemoryRegion *mr)
{
    return mr->ram;
}

void *memory_region_get_ram_ptr(const MemoryRegion *mr)
{
    hwaddr offset = 0;

    while (mr->alias) {
        offset += mr->alias_offset;
        mr = mr->alias;
    }
    return mr->ram_block ? mr->ram_block->host + offset : NULL;
}

int memory_region_get_fd(const MemoryRegion *mr)
{
    while (mr->alias) {
        mr = mr->alias;
    }
    return mr->ram_block ? mr->ram_block->fd : -1;
}

/* ---- Transactions ---- */

void memory_region_transaction_begin(void)
{
    g_assert(bql_locked());
    transaction_depth++;
}

void memory_transaction_mark_ioeventfds(void)
{
    ioeventfds_changed = true;
}

/*
 * The view @as shall show now; @seen maps the roots rendered in this commit to
 * their views. An old view that still fits is kept, so that nothing happens to
 * address spaces that did not change.
 */
static FlatView *address_space_new_view(AddressSpace *as, GHashTable *seen)
{
    MemoryRegion *root = flatview_root(as->root);
    FlatView *view = g_hash_table_lookup(seen, root);

    if (view == NULL) {
        view = flatview_render(root);
        if (as->view && flatview_equal(view, as->view)) {
            flatview_discard(view);
            view = flatview_ref(as->view);
        }
        g_hash_table_insert(seen, root, view);
    }
    return view;
}

static void memory_topology_commit(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(
        g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)flatview_unref);
    AddressSpace *as;

    TAILQ_FOREACH(as, &address_spaces, link) {
        FlatView *view = address_space_new_view(as, seen);

        if (view != as->view) {
            address_space_listeners_begin(as);
            address_space_set_view(as, flatview_ref(view));
            address_space_update_ioeventfds(as);
            address_space_listeners_commit(as);
        } else if (ioeventfds_changed) {
            address_space_update_ioeventfds(as);
        }
    }
}

void memory_region_transaction_commit(void)
{
    AddressSpace *as;

    g_assert(transaction_depth > 0);
    if (--transaction_depth > 0) {
        return;
    }
    if (topology_changed) {
        topology_changed = false;
        memory_topology_commit();
    } else if (ioeventfds_changed) {
        TAILQ_FOREACH(as, &address_spaces, link) {
            address_space_update_ioeventfds(as);
        }
    }
    ioeventfds_changed = false;
}

/* ---- Address spaces ---- */

void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name)
{
    memset(as, 0, sizeof(*as));
    as->name = g_strdup(name);
    as->root = root;
    as->ioeventfds = g_array_new(false, false, sizeof(Ioeventfd));
    TAILQ_INIT(&as->listeners);

    memory_region_transaction_begin();
    TAILQ_INSERT_TAIL(&address_spaces, as, link);
    topology_changed = true;
    memory_region_transaction_commit();
}

void address_space_destroy(AddressSpace *as)
{
    g_assert(bql_locked() && TAILQ_EMPTY(&as->listeners));
    TAILQ_REMOVE(&address_spaces, as, link);
    if (as->view) {
        flatview_unref(as->view);
        rcu_assign_pointer(as->view, NULL);
    }
    g_array_free(as->ioeventfds, true);
    g_free(as->name);
    as->name = NULL;
}

MemoryRegion *get_system_memory(void)
{
    return &system_memory;
}

MemoryRegion *get_system_io(void)
{
    return &system_io;
}

void memory_map_share(void)
{
    memory_map_shared = true;
}

void memory_map_init(void)
{
    flatview_init_reclaim();
    memory_region_init(&system_memory, NULL, "system", UINT64_MAX);
    memory_region_init(&system_io, NULL, "io", 65536);
    address_space_init(&address_space_memory, &system_memory, "memory");
    address_space_init(&address_space_io, &system_io, "I/O");
}
