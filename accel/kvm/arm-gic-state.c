/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of the kernel's GIC: to and from the stream, and at a reset.
 * Which there are is in tables: Linux Documentation/virt/kvm/devices/
 * arm-vgic.rst and arm-vgic-v3.rst; Arm IHI 0048 (GICv2), IHI 0069 (GICv3).
 *
 * A state is the values of all rows, first those of the distributor, then for
 * each CPU its own, in the order of the table. The VM is stopped meanwhile.
 */
#include "util/osdep.h"
#include "hw/intc/arm_gic.h"
#include "util/log.h"
#include "arm-gic-internal.h"

enum {
    ROW_SYSREG  = 1 << 0,           /* 64 bits, for CPUs only */
    ROW_LEVEL   = 1 << 1,           /* lines, not a register */
    ROW_KEEP    = 1 << 2,           /* a reset leaves it */
    ROW_LOW2    = 1 << 3,           /* a reset clears bits 0 and 1 alone */
    ROW_MAYBE   = 1 << 4,           /* not on every host */
    ROW_SAME    = 1 << 5,           /* a reset writes what is there */
};

/*
 * @bits of each interrupt, in words of 32; 0: that many words, @words. Bits
 * that are set by writing ones to @offset are cleared at @clear first.
 */
typedef struct GicRow {
    uint32_t group, offset, clear;
    uint8_t bits, words, flags;
} GicRow;

#define DIST    KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST  KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define CPUIF   KVM_DEV_ARM_VGIC_GRP_CPU_REGS
#define SYSREGS KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS
#define LEVEL   KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO

/* Op0 3, Op1 0 for all: where the instruction's fields stand. */
#define ICC(crn, crm, op2) (3 << 14 | (crn) << 7 | (crm) << 3 | (op2))

/* Of all CPUs: interrupts from 32 on. */
static const GicRow v3_dist[] = {
    { DIST, 0x0008, 0, 0, 1, ROW_SAME },            /* IIDR: what all means */
    { DIST, 0x0010, 0, 0, 1, ROW_KEEP },            /* STATUSR */
    { DIST, 0x0080, 0, 1 },                         /* IGROUPR */
    { DIST, 0x0100, 0x0180, 1 },                    /* ISENABLER */
    { DIST, 0x0400, 0, 8 },                         /* IPRIORITYR */
    { DIST, 0x0c00, 0, 2 },                         /* ICFGR */
    { DIST, 0x6000, 0, 64 },                        /* IROUTER */
    { DIST, 0x0300, 0x0380, 1 },                    /* ISACTIVER */
    { LEVEL, 0, 0, 1, 0, ROW_LEVEL },
    { DIST, 0x0200, 0, 1 },                         /* ISPENDR */
    { DIST, 0x0000, 0, 0, 1 },                      /* CTLR */
};

/* Of each CPU: interrupts below 32, and its interface. LPIs are enabled when
 * their tables are known. */
static const GicRow v3_cpu[] = {
    { REDIST, 0x00070, 0, 0, 2 },                   /* PROPBASER */
    { REDIST, 0x00078, 0, 0, 2 },                   /* PENDBASER */
    { REDIST, 0x00000, 0, 0, 1 },                   /* CTLR */
    { REDIST, 0x10080, 0, 0, 1 },                   /* IGROUPR0 */
    { REDIST, 0x10100, 0x10180, 0, 1 },             /* ISENABLER0 */
    { REDIST, 0x10400, 0, 0, 8 },                   /* IPRIORITYR */
    { REDIST, 0x10c04, 0, 0, 1 },                   /* ICFGR1 */
    { REDIST, 0x10300, 0x10380, 0, 1 },             /* ISACTIVER0 */
    { LEVEL, 0, 0, 0, 1, ROW_LEVEL },
    { REDIST, 0x10200, 0, 0, 1 },                   /* ISPENDR0 */
    { SYSREGS, ICC(12, 12, 5), 0, 0, 1, ROW_SYSREG | ROW_KEEP },    /* SRE */
    { SYSREGS, ICC(12, 12, 4), 0, 0, 1, ROW_SYSREG | ROW_LOW2 },    /* CTLR */
    { SYSREGS, ICC(12, 12, 6), 0, 0, 1, ROW_SYSREG },               /* GRPEN0 */
    { SYSREGS, ICC(12, 12, 7), 0, 0, 1, ROW_SYSREG },               /* GRPEN1 */
    { SYSREGS, ICC(4, 6, 0), 0, 0, 1, ROW_SYSREG },                 /* PMR */
    { SYSREGS, ICC(12, 8, 3), 0, 0, 1, ROW_SYSREG },                /* BPR0 */
    { SYSREGS, ICC(12, 12, 3), 0, 0, 1, ROW_SYSREG },               /* BPR1 */
    { SYSREGS, ICC(12, 8, 4), 0, 0, 1, ROW_SYSREG },                /* AP0R0 */
    { SYSREGS, ICC(12, 8, 5), 0, 0, 1, ROW_SYSREG | ROW_MAYBE },
    { SYSREGS, ICC(12, 8, 6), 0, 0, 1, ROW_SYSREG | ROW_MAYBE },
    { SYSREGS, ICC(12, 8, 7), 0, 0, 1, ROW_SYSREG | ROW_MAYBE },
    { SYSREGS, ICC(12, 9, 0), 0, 0, 1, ROW_SYSREG },                /* AP1R0 */
    { SYSREGS, ICC(12, 9, 1), 0, 0, 1, ROW_SYSREG | ROW_MAYBE },
    { SYSREGS, ICC(12, 9, 2), 0, 0, 1, ROW_SYSREG | ROW_MAYBE },
    { SYSREGS, ICC(12, 9, 3), 0, 0, 1, ROW_SYSREG | ROW_MAYBE },
};

static const GicRow v2_dist[] = {
    /* IIDR: until it is written, groups cannot be */
    { DIST, 0x008, 0, 0, 1, ROW_SAME },
    { DIST, 0x080, 0, 1 },                          /* IGROUPR */
    { DIST, 0x100, 0x180, 1 },                      /* ISENABLER */
    { DIST, 0x400, 0, 8 },                          /* IPRIORITYR */
    { DIST, 0x800, 0, 8 },                          /* ITARGETSR */
    { DIST, 0xc00, 0, 2 },                          /* ICFGR */
    { DIST, 0x200, 0x280, 1 },                      /* ISPENDR */
    { DIST, 0x300, 0x380, 1 },                      /* ISACTIVER */
    { DIST, 0x000, 0, 0, 1 },                       /* CTLR */
};

static const GicRow v2_cpu[] = {
    { DIST, 0x080, 0, 0, 1 },                       /* IGROUPR0 */
    { DIST, 0x100, 0x180, 0, 1 },                   /* ISENABLER0 */
    { DIST, 0x400, 0, 0, 8 },                       /* IPRIORITYR */
    { DIST, 0xc04, 0, 0, 1 },                       /* ICFGR1 */
    { DIST, 0x200, 0x280, 0, 1 },                   /* ISPENDR0 */
    { DIST, 0x300, 0x380, 0, 1 },                   /* ISACTIVER0 */
    { DIST, 0xf20, 0xf10, 0, 4 },                   /* SPENDSGIR */
    { CPUIF, 0x00, 0, 0, 1 },                       /* CTLR */
    { CPUIF, 0x04, 0, 0, 1 },                       /* PMR */
    { CPUIF, 0x08, 0, 0, 1 },                       /* BPR */
    { CPUIF, 0x1c, 0, 0, 1 },                       /* ABPR */
    { CPUIF, 0xd0, 0, 0, 4 },                       /* APR */
};

/* ---- One value ---- */

/* Which CPU, in the upper half of an attribute. */
static uint64_t cpu_attr(const KVMGic *g, const CPUState *cs)
{
    uint64_t id = !cs ? 0 : g->version == 2
                  ? cs->cpu_index
                  : (uint32_t)ARM_CPU((CPUState *)cs)->mp_affinity;

    return id << 32;
}

static unsigned row_words(const KVMGic *g, const GicRow *r)
{
    return r->bits ? (g->num_irq - ARM_GIC_FIRST_SPI) * r->bits / 32
                   : r->words;
}

/* Attribute of word @i; rows of the distributor start after the 32 of CPUs. */
static uint64_t row_attr(const GicRow *r, uint32_t offset, unsigned i)
{
    if (r->flags & ROW_LEVEL) {
        uint32_t first = r->bits ? ARM_GIC_FIRST_SPI : 0;

        return VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT
               | (first + i * 32);
    }
    return offset + (r->bits ? r->bits * 4 : 0) + i * 4;
}

static int get_value(const KVMGic *g, const GicRow *r, uint64_t cpu,
                     unsigned i, uint64_t *value)
{
    uint64_t attr = cpu | row_attr(r, r->offset, i);
    uint32_t word = 0;
    int ret;

    *value = 0;
    if (r->flags & ROW_SYSREG) {
        ret = kvm_arm_device_get(g->fd, r->group, attr, value);
    } else {
        ret = kvm_arm_device_get(g->fd, r->group, attr, &word);
        *value = word;
    }
    return r->flags & ROW_MAYBE ? 0 : ret;
}

static int put_value(const KVMGic *g, const GicRow *r, uint64_t cpu,
                     unsigned i, uint64_t value)
{
    static const uint32_t all = UINT32_MAX;
    uint64_t attr = cpu | row_attr(r, r->offset, i);
    uint32_t word = value;
    int ret = 0;

    if (r->flags & ROW_SYSREG) {
        ret = kvm_arm_device_set(g->fd, r->group, attr, &value);
        return (r->flags & ROW_MAYBE) && !value ? 0 : ret;
    }
    if (r->clear) {
        ret = kvm_arm_device_set(g->fd, r->group,
                                 cpu | row_attr(r, r->clear, i), &all);
    }
    return ret ? ret : kvm_arm_device_set(g->fd, r->group, attr, &word);
}

/* ---- All rows ---- */

/* What is done to each value (NULL when there are none); -errno ends the
 * walk. */
typedef int GicVisitFn(const KVMGic *g, const GicRow *r, uint64_t cpu,
                       unsigned i, uint64_t *value);

static int walk_rows(KVMGic *g, const GicRow *rows, size_t n, uint64_t cpu,
                     GicVisitFn *fn, uint64_t **values)
{
    for (size_t k = 0; k < n; k++) {
        unsigned words = row_words(g, &rows[k]);

        for (unsigned i = 0; i < words; i++) {
            int ret = fn(g, &rows[k], cpu, i, *values ? (*values)++ : NULL);

            if (ret < 0) {
                warn_report_once("GICv%u: group %u offset 0x%x: %s",
                                 g->version, rows[k].group, rows[k].offset,
                                 strerror(-ret));
                return ret;
            }
        }
    }
    return 0;
}

static int walk(KVMGic *g, GicVisitFn *fn, uint64_t *values)
{
    bool v2 = g->version == 2;
    const GicRow *cpu = v2 ? v2_cpu : v3_cpu;
    size_t n = v2 ? G_N_ELEMENTS(v2_cpu) : G_N_ELEMENTS(v3_cpu);
    CPUState *cs;
    int ret = walk_rows(g, v2 ? v2_dist : v3_dist,
                        v2 ? G_N_ELEMENTS(v2_dist) : G_N_ELEMENTS(v3_dist), 0,
                        fn, &values);

    CPU_FOREACH(cs) {
        if (ret == 0) {
            ret = walk_rows(g, cpu, n, cpu_attr(g, cs), fn, &values);
        }
    }
    return ret;
}

static int get_fn(const KVMGic *g, const GicRow *r, uint64_t cpu, unsigned i,
                  uint64_t *value)
{
    return get_value(g, r, cpu, i, value);
}

static int put_fn(const KVMGic *g, const GicRow *r, uint64_t cpu, unsigned i,
                  uint64_t *value)
{
    return put_value(g, r, cpu, i, *value);
}

static int reset_fn(const KVMGic *g, const GicRow *r, uint64_t cpu, unsigned i,
                    uint64_t *unused)
{
    uint64_t value = 0;
    int ret;

    if (r->flags & ROW_KEEP) {
        return 0;
    }
    if (r->flags & (ROW_LOW2 | ROW_SAME)) {
        ret = get_value(g, r, cpu, i, &value);
        if (ret < 0) {
            return ret;
        }
        value &= r->flags & ROW_LOW2 ? ~(uint64_t)3 : UINT64_MAX;
    }
    return put_value(g, r, cpu, i, value);
}

/* How many values a state has. */
static uint32_t state_size(KVMGic *g)
{
    uint32_t n = 0;
    CPUState *cs;
    bool v2 = g->version == 2;
    const GicRow *rows[] = { v2 ? v2_dist : v3_dist, v2 ? v2_cpu : v3_cpu };
    const size_t len[] = {
        v2 ? G_N_ELEMENTS(v2_dist) : G_N_ELEMENTS(v3_dist),
        v2 ? G_N_ELEMENTS(v2_cpu) : G_N_ELEMENTS(v3_cpu),
    };

    for (size_t k = 0; k < len[0]; k++) {
        n += row_words(g, &rows[0][k]);
    }
    CPU_FOREACH(cs) {
        for (size_t k = 0; k < len[1]; k++) {
            n += row_words(g, &rows[1][k]);
        }
    }
    return n;
}

/* GICR_CTLR off, or the kernel refuses other tables of LPIs. */
static int disable_lpis(KVMGic *g)
{
    static const GicRow ctlr = { REDIST, 0, 0, 0, 1, 0 };
    CPUState *cs;
    int ret = 0;

    CPU_FOREACH(cs) {
        if (ret == 0 && g->version == 3) {
            ret = put_value(g, &ctlr, cpu_attr(g, cs), 0, 0);
        }
    }
    return ret;
}

int kvm_gic_reset(KVMGic *g)
{
    int ret = disable_lpis(g);

    return ret ? ret : walk(g, reset_fn, NULL);
}

bool kvm_gic_save(KVMGic *g, Error **errp)
{
    int ret;

    kvm_gic_drop_state(g);
    g->nr_values = state_size(g);
    g->values = g_new0(uint64_t, g->nr_values);
    ret = walk(g, get_fn, g->values);
    return ret == 0 || kvm_arm_ioctl_error(ret, "cannot read the interrupt "
                                           "controller", errp);
}

bool kvm_gic_prepare_load(KVMGic *g, Error **errp)
{
    kvm_gic_drop_state(g);
    g->nr_values = state_size(g);
    g->values = g_new0(uint64_t, g->nr_values);
    return true;
}

bool kvm_gic_load(KVMGic *g, Error **errp)
{
    int ret = disable_lpis(g);

    if (ret == 0) {
        ret = walk(g, put_fn, g->values);
    }
    kvm_gic_drop_state(g);
    return ret == 0 || kvm_arm_ioctl_error(ret, "cannot restore the interrupt "
                                           "controller", errp);
}

void kvm_gic_drop_state(KVMGic *g)
{
    g_clear_pointer(&g->values, g_free);
    g->nr_values = 0;
}
