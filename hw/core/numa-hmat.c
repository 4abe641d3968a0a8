/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -numa hmat-lb, hmat-cache and node,initiator=. */
#include "util/osdep.h"
#include "numa-internal.h"
#include "qapi/qapi-types-numa.h"

static NumaHmat *open_hmat(MachineState *ms, const char *what, Error **errp)
{
    if (!ms->hmat) {
        error_setg(errp, "%s: the Heterogeneous Memory Attribute Table (HMAT) "
                   "is disabled", what);
        error_append_hint(errp, "Enable it with -machine hmat=on");
        return NULL;
    }
    if (!ms->numa->hmat) {
        ms->numa->hmat = g_new0(NumaHmat, 1);
        for (unsigned int i = 0; i < NUMA_MAX_NODES; i++) {
            ms->numa->hmat->node[i].initiator = -1;
        }
    }
    return ms->numa->hmat;
}

bool numa_set_initiator(MachineState *ms, unsigned int node, uint16_t initiator,
                        Error **errp)
{
    NumaHmat *h = open_hmat(ms, "initiator", errp);

    if (h) {
        h->node[node].initiator = initiator;
    }
    return h != NULL;
}

static bool check_node(MachineState *ms, const char *name, unsigned int node,
                       Error **errp)
{
    if (node >= NUMA_MAX_NODES || !ms->numa->nodes[node].present) {
        error_setg(errp, "%s=%u: there is no such NUMA node", name, node);
        error_append_hint(errp, "Declare it before with -numa node");
        return false;
    }
    return true;
}

/* ---- Latency and bandwidth ---- */

static bool lb_value(const NumaHmatLBOptions *o, uint64_t *value, Error **errp)
{
    bool latency = (unsigned int)o->data_type < NUMA_LATENCIES;

    if (o->has_latency != latency || o->has_bandwidth == latency) {
        error_setg(errp, "data-type=%s takes %s= and no %s=",
                   qapi_enum_str(&HmatLBDataType_lookup, o->data_type),
                   latency ? "latency" : "bandwidth",
                   latency ? "bandwidth" : "latency");
        return false;
    }
    if (latency) {
        *value = o->latency;
    } else if (o->bandwidth % MiB) {
        error_setg(errp, "bandwidth=%" PRIu64 " is no multiple of 1 MiB",
                   o->bandwidth);
        return false;
    } else {
        *value = o->bandwidth / MiB;
    }
    if (!*value) {
        error_setg(errp, "a latency or bandwidth of 0 says nothing");
        error_append_hint(errp, "Leave out this -numa hmat-lb");
        return false;
    }
    return true;
}

bool numa_add_hmat_lb(MachineState *ms, const NumaHmatLBOptions *o,
                      Error **errp)
{
    NumaHmat *h = open_hmat(ms, "hmat-lb", errp);
    uint64_t **all, *slot, value;

    if (!h || !check_node(ms, "initiator", o->initiator, errp) ||
        !check_node(ms, "target", o->target, errp) ||
        !lb_value(o, &value, errp)) {
        return false;
    }
    all = &h->values[o->hierarchy][o->data_type];
    if (!*all) {
        *all = g_new0(uint64_t, NUMA_MAX_NODES * NUMA_MAX_NODES);
    }
    slot = *all + o->initiator * NUMA_MAX_NODES + o->target;
    if (*slot) {
        error_setg(errp, "the %s from node %u to node %u was given already",
                   qapi_enum_str(&HmatLBDataType_lookup, o->data_type),
                   o->initiator, o->target);
        return false;
    }
    *slot = value;
    return true;
}

/* ---- Caches ---- */

bool numa_add_hmat_cache(MachineState *ms, const NumaHmatCacheOptions *o,
                         Error **errp)
{
    NumaHmat *h = open_hmat(ms, "hmat-cache", errp);
    NumaCache *c;

    if (!h || !check_node(ms, "node-id", o->node_id, errp)) {
        return false;
    }
    if (!o->level || o->level > NUMA_CACHE_LEVELS || !o->size) {
        error_setg(errp, "a cache has a size and a level from 1 to %u, not "
                   "size=%" PRIu64 ",level=%u", NUMA_CACHE_LEVELS, o->size,
                   o->level);
        return false;
    }
    c = &h->node[o->node_id].cache[o->level - 1];
    if (c->bytes) {
        error_setg(errp, "node %u has a cache of level %u already", o->node_id,
                   o->level);
        return false;
    }
    *c = (NumaCache){ .bytes = o->size, .line_bytes = o->line,
                      .associativity = o->associativity,
                      .policy = o->policy };
    return true;
}

/* ---- The whole ---- */

static void set_presence(MachineState *ms, NumaHmat *h)
{
    const CpuSlotList *slots = machine_possible_cpus(ms);

    h->nodes = ms->numa->end;
    for (unsigned int i = 0; i < h->nodes; i++) {
        h->node[i].has_memory = ms->numa->nodes[i].bytes;
    }
    for (unsigned int i = 0; i < slots->len; i++) {
        h->node[slots->slots[i].ids.node_id].has_cpus = true;
    }
}

static bool complete_initiators(NumaHmat *h, Error **errp)
{
    for (unsigned int i = 0; i < h->nodes; i++) {
        NumaHmatNode *n = &h->node[i];

        if (n->has_cpus && n->initiator >= 0 && n->initiator != (int)i) {
            error_setg(errp, "node %u has CPUs: it is its own initiator, not "
                       "node %d", i, n->initiator);
            return false;
        }
        if (n->has_cpus) {
            n->initiator = i;
        } else if (n->initiator >= 0 && (n->initiator >= (int)h->nodes ||
                   !h->node[n->initiator].has_cpus)) {
            error_setg(errp, "initiator=%d of node %u: that node has no CPUs",
                       n->initiator, i);
            return false;
        }
    }
    return true;
}

static bool check_values(const NumaHmat *h, const uint64_t *values,
                         Error **errp)
{
    for (unsigned int i = 0; values && i < h->nodes; i++) {
        for (unsigned int j = 0; j < h->nodes; j++) {
            if (values[i * NUMA_MAX_NODES + j] && !h->node[i].has_cpus) {
                error_setg(errp, "hmat-lb,initiator=%u: that node has no CPUs",
                           i);
                return false;
            }
        }
    }
    return true;
}

static bool check_caches(const NumaHmat *h, Error **errp)
{
    for (unsigned int i = 0; i < h->nodes; i++) {
        const NumaCache *c = h->node[i].cache;

        for (unsigned int k = 1; k < NUMA_CACHE_LEVELS; k++) {
            if (c[k].bytes && !c[k - 1].bytes) {
                error_setg(errp, "node %u has a cache of level %u and none of "
                           "level %u", i, k + 1, k);
                return false;
            }
        }
    }
    return true;
}

bool numa_complete_hmat(MachineState *ms, Error **errp)
{
    NumaHmat *h;

    if (!ms->hmat) {
        return true;
    }
    h = open_hmat(ms, "hmat", NULL);
    set_presence(ms, h);
    for (unsigned int i = 0; i < NUMA_HIERARCHIES * NUMA_DATA_TYPES; i++) {
        if (!check_values(h, h->values[i / NUMA_DATA_TYPES]
                                      [i % NUMA_DATA_TYPES], errp)) {
            return false;
        }
    }
    return complete_initiators(h, errp) && check_caches(h, errp);
}

const NumaHmat *numa_hmat(const MachineState *ms)
{
    return ms->numa ? ms->numa->hmat : NULL;
}

void numa_free_hmat(NumaHmat *h)
{
    for (unsigned int i = 0; h && i < NUMA_HIERARCHIES; i++) {
        for (unsigned int k = 0; k < NUMA_DATA_TYPES; k++) {
            g_free(h->values[i][k]);
        }
    }
    g_free(h);
}
