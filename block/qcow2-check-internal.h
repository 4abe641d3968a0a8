/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check of an image, in parts (qcow2-check*.c):
 *
 *   check           what is done in which order, and the header's bits
 *   check-walk      all tables: what refers to which cluster
 *   check-counts    the references that were found, against the counts
 *   check-rebuild   new counts, when the old ones cannot be mended
 *
 * Memory. References are counted in pages of 4096 clusters, with 1, 2 or 4
 * bytes for each by the width of the image's own counts; a page is there when
 * something refers to a cluster of it. Nothing outside the file is counted, so
 * an image of n clusters needs n entries, and never more than
 * QCOW2_CHECK_MAX_BYTES. An L2 table is read once for each pass, however many
 * L1 entries lead to it.
 */
#ifndef BLOCK_QCOW2_CHECK_INTERNAL_H
#define BLOCK_QCOW2_CHECK_INTERNAL_H

#include "qcow2-internal.h"

/* 2^31 bytes are 64 TiB of data in clusters of 64 KiB with counts of 16 bits */
#define QCOW2_CHECK_MAX_BYTES   (2 * GiB)
#define QCOW2_CHECK_MAX_LINES   2000        /* of text on what was found */
#define QCOW2_CHECK_PAGE_BITS   12

typedef struct Qcow2Counts {
    GHashTable *pages;              /* index to page */
    unsigned width;                 /* bytes of an entry */
    uint64_t max;                   /* of a count */
    uint64_t bytes;                 /* of all pages */
    uint64_t last_index;            /* of @last */
    void *last;
} Qcow2Counts;

typedef struct Qcow2L2Ref {
    uint64_t offset;
    uint64_t active, total;         /* L1 entries that lead here */
} Qcow2L2Ref;

typedef struct Qcow2Check {
    BlockDriverState *bs;
    BdrvCheckResult *r;
    int fix;
    uint64_t file_bytes;
    Qcow2Counts counts;
    GHashTable *l2;                 /* &offset to Qcow2L2Ref */
    GArray *l2_order;               /* the same by offset, Qcow2L2Ref * */
    GHashTable *tables;             /* cluster of the others to how many */
    GArray *own;                    /* Qcow2Range: counts' own clusters */
    uint64_t end_cluster;           /* behind the last one in use */
    uint64_t count_corruptions, count_leaks;    /* a new table mends them */
    bool mending;                   /* of counts; all was told before */
    bool rebuild;                   /* the counts are beyond repair */
    bool unsure;                    /* some tables could not be read */
    unsigned lines;
    bool quiet;
} Qcow2Check;

/* ---- qcow2-check.c ---- */

void qcow2_check_say(Qcow2Check *c, const char *fmt, ...) PRINTF(2, 3);
static inline bool qcow2_check_fixes(const Qcow2Check *c, int what)
{
    return c->fix & what;
}

/* ---- qcow2-check-counts.c ---- */

void qcow2_counts_init(Qcow2Counts *n, const Qcow2State *s);
void qcow2_counts_destroy(Qcow2Counts *n);
uint64_t qcow2_counts_get(Qcow2Counts *n, uint64_t cluster);
/* 0, -ENOMEM, -ERANGE: it stays what it is */
int qcow2_counts_add(Qcow2Counts *n, uint64_t cluster, int64_t add);
/* qcow2_counts_find_above: one that is more than @max. */
bool qcow2_counts_find_above(Qcow2Counts *n, uint64_t max, uint64_t *cluster,
                             uint64_t *count);
/*
 * qcow2_check_refer: @times references to the clusters of a range. *@inside:
 * whether it is in the file; if not, that is noted. 0, or -errno: give up.
 */
int qcow2_check_refer(Qcow2Check *c, uint64_t offset, uint64_t bytes,
                      uint64_t times, bool *inside);
/* qcow2_check_table: the same for tables, once; L2 tables do not lie there. */
int qcow2_check_table(Qcow2Check *c, uint64_t offset, uint64_t bytes,
                      bool *inside);
/* qcow2_check_stored: the image's own count; false: not to be known. */
bool coroutine_fn qcow2_check_stored(Qcow2Check *c, uint64_t cluster,
                                     uint64_t *count);
int coroutine_fn qcow2_check_own(Qcow2Check *c);
/* qcow2_check_forget_own: what the last one counted is free. */
void qcow2_check_forget_own(Qcow2Check *c);
int coroutine_fn qcow2_check_compare(Qcow2Check *c);

/* ---- qcow2-check-rebuild.c ---- */

int coroutine_fn qcow2_check_rebuild(Qcow2Check *c);

/* ---- qcow2-check-walk.c ---- */

int coroutine_fn qcow2_check_walk(Qcow2Check *c);
/* qcow2_check_flags: COPIED, and what can be mended in entries. */
int coroutine_fn qcow2_check_flags(Qcow2Check *c);

#endif
