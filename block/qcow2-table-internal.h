/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caches of qcow2: L2 slices and refcount blocks as they are in the file
 * (qcow2-table.c), and reading them ahead (qcow2-warm.c). Included by
 * qcow2-internal.h. The image's lock is held, unless said otherwise.
 */
#ifndef BLOCK_QCOW2_TABLE_INTERNAL_H
#define BLOCK_QCOW2_TABLE_INTERNAL_H

#include "block-internal.h"

#define QCOW2_MIN_TABLES        4               /* of a cache */

typedef struct Qcow2Table {
    uint64_t offset;                /* in the file; 0: unused */
    uint8_t *data;                  /* cache->table_bytes, as on the disk */
    unsigned pins;
    bool recent;                    /* used since the last cleaning */
    TAILQ_ENTRY(Qcow2Table) by_use;
    LIST_ENTRY(Qcow2Table) dirty;   /* linked while it is */
} Qcow2Table;

typedef struct Qcow2Load Qcow2Load; /* qcow2-warm.c */

typedef struct Qcow2Cache {
    unsigned table_bytes, num_tables;
    unsigned num_used;              /* the first of tables, so far */
    unsigned num_borrowed;          /* to be read without the lock */
    uint64_t changes;               /* after which the file may differ */
    LIST_HEAD(, Qcow2Load) loads;   /* under way without the lock */
    Qcow2Table *tables;
    Qcow2Table *found;              /* the last; NULL: none */
    uint8_t *memory;                /* of all tables; touched when used */
    GHashTable *by_offset;          /* &table->offset to table */
    TAILQ_HEAD(, Qcow2Table) by_use; /* the last at the end */
    LIST_HEAD(, Qcow2Table) dirty;
} Qcow2Cache;

bool qcow2_cache_init(Qcow2Cache *c, unsigned table_bytes,
                      unsigned num_tables);
void qcow2_cache_destroy(Qcow2Cache *c);
/* qcow2_cache_take: @from, which is not in use yet, becomes @c. */
void qcow2_cache_take(Qcow2Cache *c, Qcow2Cache *from);
/* qcow2_cache_clean: give up what was not used since the last call; how many
 * tables are left. */
unsigned qcow2_cache_clean(Qcow2Cache *c);
/*
 * qcow2_cache_get: the table at @offset, read if it is not there (@fresh: zeros
 * instead); pinned until qcow2_cache_put(). 0 or -errno. Lock held.
 */
int coroutine_fn qcow2_cache_get(BlockDriverState *bs, Qcow2Cache *c,
                                 uint64_t offset, bool fresh, Qcow2Table **t);
void qcow2_cache_put(Qcow2Table *t);
/* qcow2_cache_has: whether the table at @offset is there. */
bool qcow2_cache_has(Qcow2Cache *c, uint64_t offset);
/*
 * To read tables without the lock: qcow2_cache_borrow_unused takes @n places
 * next to each other that were never used, with their memory in one piece,
 * qcow2_cache_borrow_clean any one; NULL: there is none. qcow2_cache_give_back
 * returns each, with what is at @offset of the file in it (0: nothing).
 */
Qcow2Table *qcow2_cache_borrow_unused(Qcow2Cache *c, unsigned n);
Qcow2Table *qcow2_cache_borrow_clean(Qcow2Cache *c);
void qcow2_cache_give_back(Qcow2Cache *c, Qcow2Table *t, uint64_t offset);
void qcow2_cache_dirty(Qcow2Cache *c, Qcow2Table *t);
bool qcow2_cache_is_clean(const Qcow2Cache *c);
/* qcow2_cache_drop: forget what is cached of @bytes at @offset. */
void qcow2_cache_drop(Qcow2Cache *c, uint64_t offset, uint64_t bytes);
void qcow2_cache_forget_all(Qcow2Cache *c);
int coroutine_fn qcow2_cache_write(BlockDriverState *bs, Qcow2Cache *c);

/* ---- qcow2-warm.c ---- */

/*
 * qcow2_warm: see to it that the L2 slice for guest @offset is cached, if that
 * can be. Lock held; it is let go meanwhile.
 */
void coroutine_fn qcow2_warm(BlockDriverState *bs, uint64_t offset);

#endif
