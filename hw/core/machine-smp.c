/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -smp: numbers of CPUs and their topology. */
#include "util/osdep.h"
#include "hw/core/machine.h"
#include "qapi/qapi-types-machine.h"

/* No host has more; keeps products of six levels within 64 bits. */
#define LEVEL_MAX 1024

typedef struct SmpParse {
    uint64_t cpus, sockets, dies, clusters, cores, threads, maxcpus;
} SmpParse;

/* A level: what was given (0: nothing). */
static bool smp_take(const char *name, bool given, int64_t value,
                     uint64_t *out, Error **errp)
{
    if (!given) {
        return true;
    }
    if (value <= 0) {
        error_setg(errp, "Invalid CPU topology: '%s' must be greater than zero",
                   name);
        return false;
    }
    if (value > LEVEL_MAX) {
        error_setg(errp, "Invalid CPU topology: '%s' is %" PRId64
                   ", at most %d are supported", name, value, LEVEL_MAX);
        return false;
    }
    *out = value;
    return true;
}

static bool smp_read(const SMPConfiguration *c, SmpParse *p, Error **errp)
{
    return smp_take("cpus", c->has_cpus, c->cpus, &p->cpus, errp) &&
           smp_take("sockets", c->has_sockets, c->sockets, &p->sockets, errp) &&
           smp_take("dies", c->has_dies, c->dies, &p->dies, errp) &&
           smp_take("clusters", c->has_clusters, c->clusters, &p->clusters,
                    errp) &&
           smp_take("cores", c->has_cores, c->cores, &p->cores, errp) &&
           smp_take("threads", c->has_threads, c->threads, &p->threads, errp) &&
           smp_take("maxcpus", c->has_maxcpus, c->maxcpus, &p->maxcpus, errp);
}

static bool smp_check_levels(MachineClass *mc, const SmpParse *p, Error **errp)
{
    if (p->dies > 1 && !mc->smp_dies_supported) {
        error_setg(errp, "dies not supported by this machine's CPU topology");
        return false;
    }
    if (p->clusters > 1 && !mc->smp_clusters_supported) {
        error_setg(errp,
                   "clusters not supported by this machine's CPU topology");
        return false;
    }
    return true;
}

static uint64_t or_one(uint64_t n)
{
    return n ? n : 1;
}

/*
 * Levels that were left out. Only the first missing one of cores, sockets,
 * threads takes what @maxcpus leaves; the others are 1. A quotient that is not
 * whole makes the product check fail.
 */
static void smp_complete(SmpParse *p)
{
    uint64_t max = p->maxcpus ? p->maxcpus : p->cpus;

    p->dies = or_one(p->dies);
    p->clusters = or_one(p->clusters);
    if (!max) {
        p->sockets = or_one(p->sockets);
        p->cores = or_one(p->cores);
        p->threads = or_one(p->threads);
    } else if (!p->cores) {
        p->sockets = or_one(p->sockets);
        p->threads = or_one(p->threads);
        p->cores = max / (p->sockets * p->dies * p->clusters * p->threads);
    } else if (!p->sockets) {
        p->threads = or_one(p->threads);
        p->sockets = max / (p->dies * p->clusters * p->cores * p->threads);
    } else if (!p->threads) {
        p->threads = max / (p->sockets * p->dies * p->clusters * p->cores);
    }
    p->maxcpus = max ? max : p->sockets * p->dies * p->clusters * p->cores *
                             p->threads;
    p->cpus = p->cpus ? p->cpus : p->maxcpus;
}

/* "sockets (1) * cores (2) * threads (1)", with the levels that count. */
static char *smp_product_text(MachineClass *mc, const SmpParse *p)
{
    GString *s = g_string_new(NULL);

    g_string_append_printf(s, "sockets (%" PRIu64 ")", p->sockets);
    if (mc->smp_dies_supported) {
        g_string_append_printf(s, " * dies (%" PRIu64 ")", p->dies);
    }
    if (mc->smp_clusters_supported) {
        g_string_append_printf(s, " * clusters (%" PRIu64 ")", p->clusters);
    }
    g_string_append_printf(s, " * cores (%" PRIu64 ") * threads (%" PRIu64 ")",
                           p->cores, p->threads);
    return g_string_free(s, false);
}

static bool smp_check(MachineClass *mc, const SmpParse *p, Error **errp)
{
    uint64_t total = p->sockets * p->dies * p->clusters * p->cores * p->threads;
    g_autofree char *product = smp_product_text(mc, p);
    unsigned max = mc->max_cpus ? mc->max_cpus : 1;

    if (total != p->maxcpus) {
        error_setg(errp, "Invalid CPU topology: product of the hierarchy must "
                   "match maxcpus: %s != maxcpus (%" PRIu64 ")", product,
                   p->maxcpus);
        return false;
    }
    if (p->maxcpus < p->cpus) {
        error_setg(errp, "Invalid CPU topology: maxcpus must be equal to or "
                   "greater than smp: %s == maxcpus (%" PRIu64 ") < smp_cpus "
                   "(%" PRIu64 ")", product, p->maxcpus, p->cpus);
        return false;
    }
    if (p->cpus < mc->min_cpus) {
        error_setg(errp, "Invalid SMP CPUs %" PRIu64 ". The min CPUs supported "
                   "by machine '%s' is %u", p->cpus, mc->name, mc->min_cpus);
        return false;
    }
    if (p->maxcpus > max) {
        error_setg(errp, "Invalid SMP CPUs %" PRIu64 ". The max CPUs supported "
                   "by machine '%s' is %u", p->maxcpus, mc->name, max);
        return false;
    }
    return true;
}

bool machine_set_smp(MachineState *ms, const SMPConfiguration *config,
                     Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);
    SmpParse p = { 0 };

    if (!config) {
        p.cpus = or_one(mc->default_cpus);
    } else if (!smp_read(config, &p, errp) || !smp_check_levels(mc, &p, errp)) {
        return false;
    }
    smp_complete(&p);
    if (!smp_check(mc, &p, errp)) {
        return false;
    }
    ms->smp = (CpuTopology){
        .cpus = p.cpus, .sockets = p.sockets, .dies = p.dies,
        .clusters = p.clusters, .cores = p.cores, .threads = p.threads,
        .max_cpus = p.maxcpus,
    };
    ms->smp_given = config != NULL;
    return true;
}
