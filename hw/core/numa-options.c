/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -numa: nodes, CPUs and distances, one by one. */
#include "util/osdep.h"
#include "numa-internal.h"
#include "qapi/qapi-types-numa.h"

static bool node_exists(const NumaState *numa, uint64_t id)
{
    return numa && id < NUMA_MAX_NODES && numa->nodes[id].present;
}

/* ---- -numa cpu, and cpus= of a node ---- */

static bool slot_set_node(CpuSlot *slot, unsigned int node, Error **errp)
{
    if (slot->ids.node_id >= 0 && slot->ids.node_id != node) {
        error_setg(errp, "CPU is already assigned to node-id: %" PRId64,
                   slot->ids.node_id);
        return false;
    }
    slot->ids.node_id = node;
    return true;
}

typedef struct LevelMatch {
    const char *name;
    bool given;
    int64_t value;
    size_t offset;                  /* in CpuIds */
} LevelMatch;

static int64_t level_of(const CpuIds *ids, const LevelMatch *m)
{
    return *(const int64_t *)((const char *)ids + m->offset);
}

static bool levels_match(const CpuIds *ids, const LevelMatch *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (m[i].given && level_of(ids, &m[i]) != m[i].value) {
            return false;
        }
    }
    return true;
}

static bool levels_exist(const CpuIds *ids, const LevelMatch *m, size_t n,
                         Error **errp)
{
    for (size_t i = 0; i < n; i++) {
        if (m[i].given && level_of(ids, &m[i]) < 0) {
            error_setg(errp, "%s is not supported", m[i].name);
            return false;
        }
    }
    return true;
}

static bool numa_add_cpu(MachineState *ms, const NumaCpuOptions *o,
                         Error **errp)
{
    CpuSlotList *slots = (CpuSlotList *)machine_possible_cpus(ms);
    const LevelMatch levels[] = {
        { "socket-id", o->has_socket_id, o->socket_id,
          offsetof(CpuIds, socket_id) },
        { "die-id", o->has_die_id, o->die_id, offsetof(CpuIds, die_id) },
        { "cluster-id", o->has_cluster_id, o->cluster_id,
          offsetof(CpuIds, cluster_id) },
        { "core-id", o->has_core_id, o->core_id, offsetof(CpuIds, core_id) },
        { "thread-id", o->has_thread_id, o->thread_id,
          offsetof(CpuIds, thread_id) },
    };
    bool found = false;

    if (!o->has_node_id) {
        error_setg(errp, "Missing mandatory node-id property");
        return false;
    }
    if (o->node_id < 0 || !node_exists(ms->numa, o->node_id)) {
        error_setg(errp, "Invalid node-id=%" PRId64 ", NUMA node must be "
                   "defined with -numa node,nodeid=ID before it's used with "
                   "-numa cpu,node-id=ID", o->node_id);
        return false;
    }
    for (unsigned int i = 0; i < slots->len; i++) {
        CpuSlot *slot = &slots->slots[i];

        if (!levels_exist(&slot->ids, levels, G_N_ELEMENTS(levels), errp)) {
            return false;
        }
        if (!levels_match(&slot->ids, levels, G_N_ELEMENTS(levels))) {
            continue;
        }
        found = true;
        if (!slot_set_node(slot, o->node_id, errp)) {
            return false;
        }
    }
    if (!found) {
        error_setg(errp, "no match found");
        error_append_hint(errp, "-smp says which sockets, cores and threads "
                          "there are");
    }
    return found;
}

/* ---- -numa node ---- */

static bool node_set_cpus(MachineState *ms, unsigned int node,
                          const uint16List *cpus, Error **errp)
{
    CpuSlotList *slots = (CpuSlotList *)machine_possible_cpus(ms);

    for (; cpus; cpus = cpus->next) {
        if (cpus->value >= slots->len) {
            error_setg(errp, "CPU index (%u) should be smaller than maxcpus "
                       "(%u)", cpus->value, slots->len);
            return false;
        }
        if (!slot_set_node(&slots->slots[cpus->value], node, errp)) {
            return false;
        }
    }
    return true;
}

static bool node_set_memdev(NumaNode *node, const char *id, Error **errp)
{
    Object *obj = object_resolve_path_type(id, TYPE_MEMORY_BACKEND, NULL);

    if (!obj) {
        error_setg(errp, "memdev=%s is not a memory backend", id);
        error_append_hint(errp, "make it with -object "
                          "memory-backend-ram,id=%s,size=SIZE", id);
        return false;
    }
    if (host_memory_backend_is_mapped(MEMORY_BACKEND(obj))) {
        error_setg(errp, "memory backend %s is used multiple times. Each "
                   "-numa option must use a different memdev value.", id);
        return false;
    }
    node->memdev = MEMORY_BACKEND(object_ref(obj));
    host_memory_backend_set_mapped(node->memdev, true);
    node->bytes = host_memory_backend_get_size(node->memdev);
    return true;
}

static bool node_refuse_absent(const NumaNodeOptions *o, Error **errp)
{
    if (o->has_mem) {
        error_setg(errp, "Parameter -numa node,mem is not supported by this "
                   "machine type");
        error_append_hint(errp, "Use -numa node,memdev instead");
        return false;
    }
    return true;
}

static bool numa_add_node(MachineState *ms, const NumaNodeOptions *o,
                          Error **errp)
{
    NumaState *numa = ms->numa;
    unsigned int id = o->has_nodeid ? o->nodeid : numa->count;

    if (id >= NUMA_MAX_NODES) {
        error_setg(errp, "Max number of NUMA nodes reached: %u", id);
        return false;
    }
    if (numa->nodes[id].present) {
        error_setg(errp, "Duplicate NUMA nodeid: %u", id);
        return false;
    }
    if (!node_refuse_absent(o, errp) ||
        !node_set_cpus(ms, id, o->cpus, errp) ||
        (o->memdev && !node_set_memdev(&numa->nodes[id], o->memdev, errp)) ||
        (o->has_initiator && !numa_set_initiator(ms, id, o->initiator, errp))) {
        return false;
    }
    numa->nodes[id].present = true;
    numa->end = MAX(numa->end, id + 1);
    numa->count++;
    return true;
}

/* ---- -numa dist ---- */

static bool numa_add_dist(MachineState *ms, const NumaDistOptions *o,
                          Error **errp)
{
    if (MAX(o->src, o->dst) >= NUMA_MAX_NODES) {
        error_setg(errp, "Invalid node %u, max possible could be %u",
                   MAX(o->src, o->dst), NUMA_MAX_NODES - 1);
        return false;
    }
    if (!node_exists(ms->numa, o->src) || !node_exists(ms->numa, o->dst)) {
        error_setg(errp, "Source/Destination NUMA node is missing. Please use "
                   "'-numa node' option to declare it first.");
        return false;
    }
    if (o->val < NUMA_DISTANCE_SELF) {
        error_setg(errp, "NUMA distance (%u) is invalid, it shouldn't be less "
                   "than %u.", o->val, NUMA_DISTANCE_SELF);
        return false;
    }
    if (o->src == o->dst && o->val != NUMA_DISTANCE_SELF) {
        error_setg(errp, "Local distance of node %u should be %u.", o->src,
                   NUMA_DISTANCE_SELF);
        return false;
    }
    ms->numa->nodes[o->src].distance[o->dst] = o->val;
    ms->numa->has_distances = true;
    return true;
}

bool numa_add_option(MachineState *ms, const NumaOptions *opts, Error **errp)
{
    if (!machine_possible_cpus(ms)) {
        error_setg(errp, "NUMA is not supported by this machine-type");
        return false;
    }
    if (!ms->numa) {
        ms->numa = g_new0(NumaState, 1);
    }
    switch (opts->type) {
    case NUMA_OPTIONS_TYPE_NODE:
        return numa_add_node(ms, &opts->u.node, errp);
    case NUMA_OPTIONS_TYPE_DIST:
        return numa_add_dist(ms, &opts->u.dist, errp);
    case NUMA_OPTIONS_TYPE_HMAT_LB:
        return numa_add_hmat_lb(ms, &opts->u.hmat_lb, errp);
    case NUMA_OPTIONS_TYPE_HMAT_CACHE:
        return numa_add_hmat_cache(ms, &opts->u.hmat_cache, errp);
    default:
        return numa_add_cpu(ms, &opts->u.cpu, errp);
    }
}
