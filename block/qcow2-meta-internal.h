/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2 images as a whole: what is not needed to read and write them. Part of
 * qcow2-internal.h. */
#ifndef BLOCK_QCOW2_META_INTERNAL_H
#define BLOCK_QCOW2_META_INTERNAL_H

#include "qcow2-internal.h"

/* ---- qcow2-header.c ---- */

bool qcow2_read_header(BlockDriverState *bs, Error **errp);
/* qcow2_write_header: the whole of it; 0 or -errno. Main thread or lock. */
int coroutine_fn qcow2_write_header(BlockDriverState *bs);
void qcow2_free_header(Qcow2State *s);
/* qcow2_set_width: counts of 2^@order bits, and what follows from it. */
void qcow2_set_width(Qcow2State *s, unsigned order);
/* qcow2_mark_dirty: counts in the file may be too low from now on. */
int coroutine_fn qcow2_mark_dirty(BlockDriverState *bs);
/* qcow2_mark_clean: they are right, and on the disk. */
int coroutine_fn qcow2_mark_clean(BlockDriverState *bs);

/* ---- qcow2-resize.c, qcow2-create.c ---- */

/* qcow2_l1_entries: those that a disk of @size bytes needs. */
uint64_t qcow2_l1_entries(const Qcow2State *s, uint64_t size);
int coroutine_fn qcow2_grow_l1(BlockDriverState *bs, uint64_t entries);
int coroutine_fn qcow2_co_truncate(BlockDriverState *bs, int64_t size,
                                   bool exact, PreallocMode prealloc,
                                   int flags, Error **errp);
/* qcow2_create: a new image in @file, which is written over. Main thread. */
bool qcow2_create(BlockDriverState *file, const BlockdevCreateOptionsQcow2 *o,
                  Error **errp);

/* ---- qcow2-snapshot.c ---- */

typedef struct Qcow2Snapshot {
    uint64_t l1_offset;
    uint32_t l1_size;               /* entries */
    BdrvSnapshot facts;
    uint8_t *extra;                 /* behind the extra data that we know */
    uint32_t extra_bytes;
} Qcow2Snapshot;

/* qcow2_read_snapshots: the table; s->snapshots has what could be read. */
bool qcow2_read_snapshots(BlockDriverState *bs, Error **errp);
void qcow2_snapshot_free(gpointer sn);
/*
 * qcow2_write_snapshots: a new table of @list, to which the header switches;
 * the old one is freed with the next flush. Lock held.
 */
int coroutine_fn qcow2_write_snapshots(BlockDriverState *bs,
                                       const GPtrArray *list);
void qcow2_snapshot_list(BlockDriverState *bs, GPtrArray *list);
/* qcow2_l1_valid: whether a table may be there and be so long. */
bool qcow2_l1_valid(const Qcow2State *s, uint64_t offset, uint32_t entries);

/* ---- qcow2-snapshot-ops.c ---- */

int coroutine_fn qcow2_co_snapshot_create(BlockDriverState *bs,
                                          const BdrvSnapshot *facts,
                                          Error **errp);
int coroutine_fn qcow2_co_snapshot_goto(BlockDriverState *bs, const char *id,
                                        Error **errp);
int coroutine_fn qcow2_co_snapshot_delete(BlockDriverState *bs, const char *id,
                                          Error **errp);
int coroutine_fn qcow2_co_snapshot_load_tmp(BlockDriverState *bs,
                                            const char *id, Error **errp);

/* ---- qcow2-tree.c ---- */

/*
 * qcow2_tree_raise: one more to the counts of all that @l1 leads to; all or
 * nothing. -EINVAL: one cannot be counted. Lock held, as for the others.
 */
int coroutine_fn qcow2_tree_raise(BlockDriverState *bs, const uint64_t *l1,
                                  uint32_t entries);
/* qcow2_tree_free: one less, with the next flush. */
int coroutine_fn qcow2_tree_free(BlockDriverState *bs, const uint64_t *l1,
                                 uint32_t entries);
/* qcow2_tree_has_zeros: 1: a snapshot has entries that say zeros; 0: none. */
int coroutine_fn qcow2_tree_has_zeros(BlockDriverState *bs);
/* qcow2_tree_flags: COPIED in the active tables, by the counts. */
int coroutine_fn qcow2_tree_flags(BlockDriverState *bs);

/* ---- qcow2-check.c ---- */

int coroutine_fn qcow2_co_check(BlockDriverState *bs, BdrvCheckResult *result,
                                int fix);
/* The same, lock held. */
int coroutine_fn qcow2_check_locked(BlockDriverState *bs,
                                    BdrvCheckResult *result, int fix);

/* qcow2_change_width: counts of 2^@order bits. Lock held. */
int coroutine_fn qcow2_change_width(BlockDriverState *bs, unsigned order,
                                    Error **errp);

/* ---- qcow2-amend.c ---- */

int coroutine_fn qcow2_co_amend(BlockDriverState *bs, const BdrvAmend *a,
                                Error **errp);

/* ---- qcow2-options.c ---- */

/* qcow2_set_options: those of a node that is being opened. */
bool qcow2_set_options(BlockDriverState *bs, const BlockdevOptionsQcow2 *o,
                       Error **errp);
void qcow2_free_options(BlockDriverState *bs);
/* qcow2_clean_wake: there is a table in memory (again). Lock held. */
void coroutine_fn qcow2_clean_wake(Qcow2State *s);
bool qcow2_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                          Error **errp);
void qcow2_reopen_commit(BlockDriverState *bs);
void qcow2_reopen_abort(BlockDriverState *bs);

/* ---- qcow2.c ---- */

/* qcow2_inactivate_co: of the node @opaque, all goes to the file: bitmaps,
 * tables, counts. */
int coroutine_fn qcow2_inactivate_co(void *opaque);

/* ---- qcow2-info.c ---- */

ImageInfoSpecific *qcow2_get_specific_info(BlockDriverState *bs, Error **errp);
bool qcow2_is_dirty(BlockDriverState *bs);
int coroutine_fn qcow2_co_change_backing(BlockDriverState *bs,
                                         const char *filename,
                                         const char *format);
BlockMeasureInfo *qcow2_measure(struct json_object *options,
                                BlockDriverState *in, Error **errp);

/* ---- qcow2-create-opts.c ---- */

extern const BdrvCreateOption qcow2_create_options[];
bool qcow2_create_by_name(const char *filename, struct json_object *options,
                          Error **errp);

/* ---- qcow2-overlap.c ---- */

enum {
    QCOW2_OL_MAIN_HEADER      = 1 << 0,
    QCOW2_OL_ACTIVE_L1        = 1 << 1,
    QCOW2_OL_ACTIVE_L2        = 1 << 2,
    QCOW2_OL_REFCOUNT_TABLE   = 1 << 3,
    QCOW2_OL_REFCOUNT_BLOCK   = 1 << 4,
    QCOW2_OL_SNAPSHOT_TABLE   = 1 << 5,
    QCOW2_OL_INACTIVE_L1      = 1 << 6,
    QCOW2_OL_INACTIVE_L2      = 1 << 7,
    QCOW2_OL_BITMAP_DIRECTORY = 1 << 8,
};

unsigned qcow2_overlap_mask(const Qcow2OverlapChecks *o);
/*
 * qcow2_overlap_check: before @bytes at @offset are written: -EIO, and the
 * image is corrupt, when a table is there but of types @ignore. Lock held.
 */
int coroutine_fn qcow2_overlap_check(BlockDriverState *bs, unsigned ignore,
                                     uint64_t offset, uint64_t bytes);
/* qcow2_overlap_moved: a table of that type is at @to, no more at @from; 0:
 * none. */
void qcow2_overlap_moved(Qcow2State *s, unsigned type, uint64_t from,
                         uint64_t to);
/* qcow2_overlap_forget: all tables may be elsewhere. */
void qcow2_overlap_forget(Qcow2State *s);

/* ---- qcow2-crypto.c ---- */

bool qcow2_crypto_take_extension(BlockDriverState *bs, const uint8_t *data,
                                 uint32_t bytes, Error **errp);
void qcow2_crypto_put_extension(const Qcow2State *s, uint8_t *data);
/* qcow2_open_crypto: s->crypto, when the header says that there is one. */
bool qcow2_open_crypto(BlockDriverState *bs, const BlockdevOptionsQcow2 *o,
                       Error **errp);
/* qcow2_crypto_new: @o may be NULL. Then qcow2_crypto_create() puts it into
 * @bs, which owns it from then on, also when that fails. */
bool qcow2_crypto_new(const QCryptoBlockCreateOptions *o, CryptoBlock **crypto,
                      Error **errp);
int coroutine_fn qcow2_crypto_create(BlockDriverState *bs, CryptoBlock *crypto,
                                     Error **errp);
/* qcow2_crypto_measure: bytes of the header of encryption. */
bool qcow2_crypto_measure(const QCryptoBlockCreateOptions *o, uint64_t *bytes,
                          Error **errp);
ImageInfoSpecificQCow2Encryption *qcow2_crypto_info(const Qcow2State *s);
int coroutine_fn qcow2_crypto_amend(BlockDriverState *bs, const BdrvAmend *a,
                                    Error **errp);

/* ---- qcow2-create-opts.c ---- */

/* qcow2_name_encryption: options of text ("encrypt.format=aes") in @o as the
 * schema has them. */
void qcow2_name_encryption(struct json_object *o);

#endif
