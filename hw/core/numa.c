/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NUMA nodes: is the whole complete, and the memory of the nodes. */
#include "util/osdep.h"
#include "numa-internal.h"
#include "util/log.h"

static bool check_ids(const NumaState *numa, Error **errp)
{
    for (unsigned int i = numa->end; i-- > 0;) {
        if (!numa->nodes[i].present) {
            error_setg(errp, "numa: Node ID missing: %u", i);
            return false;
        }
    }
    return true;
}

static bool check_memory(MachineState *ms, Error **errp)
{
    NumaState *numa = ms->numa;
    uint64_t total = 0;

    if (numa->end == 1 && !numa->nodes[0].memdev) {
        numa->nodes[0].bytes = ms->ram_size;
    }
    for (unsigned int i = 0; i < numa->end; i++) {
        total += numa->nodes[i].bytes;
        if (numa->nodes[i].memdev && ms->memory_backend) {
            error_setg(errp, "'-machine memory-backend' and '-numa memdev' "
                       "properties are mutually exclusive");
            return false;
        }
    }
    if (total != ms->ram_size) {
        error_setg(errp, "total memory for NUMA nodes (0x%" PRIx64 ") should "
                   "equal RAM size (0x%" PRIx64 ")", total, ms->ram_size);
        error_append_hint(errp, "Give each node its memory with memdev=, and "
                          "the sum with -m");
        return false;
    }
    return true;
}

/* Where nothing is said, sockets take turns; else node 0 has what is left. */
static void assign_cpus(MachineState *ms)
{
    CpuSlotList *slots = (CpuSlotList *)machine_possible_cpus(ms);
    unsigned int given = 0, left = 0;

    for (unsigned int i = 0; i < slots->len; i++) {
        given += slots->slots[i].ids.node_id >= 0;
    }
    for (unsigned int i = 0; i < slots->len; i++) {
        CpuIds *ids = &slots->slots[i].ids;

        if (ids->node_id < 0) {
            ids->node_id = given ? 0 : MAX(ids->socket_id, 0) % ms->numa->end;
            left++;
        }
    }
    if (given && left) {
        warn_report("%u of %u CPUs are in no NUMA node and go to node 0", left,
                    slots->len);
    }
}

static bool pair_is_asymmetric(const NumaState *numa, unsigned int i,
                               unsigned int j)
{
    uint8_t there = numa->nodes[i].distance[j];
    uint8_t back = numa->nodes[j].distance[i];

    return there && back && there != back;
}

/* One direction does for both, unless some pair differs in its own. */
static bool complete_pair(NumaState *numa, unsigned int i, unsigned int j,
                          bool asymmetric, Error **errp)
{
    uint8_t *there = &numa->nodes[i].distance[j];
    uint8_t *back = &numa->nodes[j].distance[i];

    if (!*there && !*back) {
        error_setg(errp, "The distance between node %u and %u is missing, at "
                   "least one distance value between each nodes should be "
                   "provided.", i, j);
        return false;
    }
    if (asymmetric && (!*there || !*back)) {
        error_setg(errp, "At least one asymmetrical pair of distances is "
                   "given, please provide distances for both directions of "
                   "all node pairs.");
        return false;
    }
    *there = *there ? *there : *back;
    *back = *back ? *back : *there;
    return true;
}

static bool complete_distances(NumaState *numa, Error **errp)
{
    bool asymmetric = false;

    if (!numa->has_distances) {
        return true;
    }
    for (unsigned int i = 0; i < numa->end; i++) {
        for (unsigned int j = 0; j < i; j++) {
            asymmetric |= pair_is_asymmetric(numa, i, j);
        }
    }
    for (unsigned int i = 0; i < numa->end; i++) {
        for (unsigned int j = 0; j < i; j++) {
            if (!complete_pair(numa, i, j, asymmetric, errp)) {
                return false;
            }
        }
    }
    return true;
}

bool numa_complete(MachineState *ms, Error **errp)
{
    if (!ms->numa) {
        return true;
    }
    if (!check_ids(ms->numa, errp) || !check_memory(ms, errp) ||
        !complete_distances(ms->numa, errp)) {
        return false;
    }
    assign_cpus(ms);
    return numa_complete_hmat(ms, errp);
}

/* ---- Memory ---- */

bool numa_has_memdevs(const MachineState *ms)
{
    const NumaState *numa = ms->numa;

    /* check_memory() lets no other set through than all or a single none. */
    return numa && numa->end && (numa->end > 1 || numa->nodes[0].memdev);
}

void numa_create_ram(MachineState *ms)
{
    NumaState *numa = ms->numa;
    uint64_t offset = 0;

    if (numa->end == 1) {
        ms->ram = host_memory_backend_get_memory(numa->nodes[0].memdev);
        return;
    }
    memory_region_init(&numa->ram, OBJECT(ms),
                       MACHINE_GET_CLASS(ms)->default_ram_id, ms->ram_size);
    numa->has_container = true;
    for (unsigned int i = 0; i < numa->end; i++) {
        if (numa->nodes[i].memdev) {
            memory_region_add_subregion(&numa->ram, offset,
                host_memory_backend_get_memory(numa->nodes[i].memdev));
            offset += numa->nodes[i].bytes;
        }
    }
    ms->ram = &numa->ram;
}

uint8_t *machine_ram_ptr(const MachineState *ms, uint64_t *len)
{
    const NumaState *numa = ms->numa;
    unsigned int i = 0;

    if (!numa || !numa->has_container) {
        if (len) {
            *len = ms->ram_size;
        }
        return memory_region_get_ram_ptr(ms->ram);
    }
    while (!numa->nodes[i].memdev) {
        i++;
    }
    if (len) {
        *len = numa->nodes[i].bytes;
    }
    return host_memory_backend_get_ptr(numa->nodes[i].memdev);
}

void numa_free(NumaState *numa)
{
    if (!numa) {
        return;
    }
    if (numa->has_container) {
        memory_region_deinit(&numa->ram);
    }
    for (unsigned int i = 0; i < numa->end; i++) {
        if (numa->nodes[i].memdev) {
            host_memory_backend_set_mapped(numa->nodes[i].memdev, false);
            object_unref(numa->nodes[i].memdev);
        }
    }
    numa_free_hmat(numa->hmat);
    g_free(numa);
}

/* ---- Questions ---- */

unsigned int numa_num_nodes(const MachineState *ms)
{
    return ms->numa ? ms->numa->end : 0;
}

uint64_t numa_node_bytes(const MachineState *ms, unsigned int node)
{
    return node < numa_num_nodes(ms) ? ms->numa->nodes[node].bytes : 0;
}

bool numa_has_distances(const MachineState *ms)
{
    return ms->numa && ms->numa->has_distances;
}

uint8_t numa_distance(const MachineState *ms, unsigned int src,
                      unsigned int dst)
{
    if (src == dst) {
        return NUMA_DISTANCE_SELF;
    }
    return numa_has_distances(ms) && MAX(src, dst) < ms->numa->end
               ? ms->numa->nodes[src].distance[dst] : NUMA_DISTANCE_OTHER;
}

uint8_t *numa_distances(const MachineState *ms)
{
    unsigned int n = numa_num_nodes(ms);
    uint8_t *matrix = g_malloc((size_t)n * n);

    for (unsigned int i = 0; i < n * n; i++) {
        matrix[i] = numa_distance(ms, i / n, i % n);
    }
    return matrix;
}

unsigned int numa_split_ram(const MachineState *ms, const NumaRange *ram,
                            unsigned int n, NumaRange *out)
{
    unsigned int node = 0, nodes = numa_num_nodes(ms), found = 0;
    uint64_t left = numa_node_bytes(ms, 0);

    for (unsigned int i = 0; i < n; i++) {
        uint64_t done = 0;

        while (done < ram[i].size && node < nodes) {
            uint64_t len = MIN(left, ram[i].size - done);

            if (len) {
                out[found++] = (NumaRange){ ram[i].base + done, len, node };
            }
            done += len;
            left -= len;
            if (!left) {
                left = numa_node_bytes(ms, ++node);
            }
        }
    }
    return found;
}
