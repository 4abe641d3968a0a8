/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of the drivers "file" and "host_device": file-posix.c opens and
 * reopens, file-rights.c has the locks, and file-io.c the requests.
 */
#ifndef BLOCK_FILE_INTERNAL_H
#define BLOCK_FILE_INTERNAL_H

#include "block-internal.h"
#include "file-ring-internal.h"

typedef struct FileState {
    int fd;
    int flags;                      /* of open(2) */
    bool reopening;                 /* and these follow with the rights: */
    int want_flags;
    const FileRingOps *next_ring;
    unsigned next_max_batch;
    bool is_device;
    bool locking;
    const FileRingOps *ring;        /* NULL: threads */
    unsigned max_batch;             /* of the ring; 0: any */
    int slot;                       /* file_ring_slot_new() */
    bool has_discard, has_zero_range;
    uint64_t locked_perm, locked_unshared;
    /* Between check_perm and set_perm or abort_perm: */
    int next_fd, next_flags;        /* open in another way; -1: not needed */
    uint64_t add_perm, add_unshared;        /* locks taken for it */
} FileState;

/* Callbacks of BlockDriver, as block-internal.h has them. */

int64_t file_get_length(BlockDriverState *bs);

/* file-rights.c */
bool file_check_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared,
                     Error **errp);
void file_set_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared);
void file_abort_perm(BlockDriverState *bs);

/* file-io.c */
int coroutine_fn file_co_preadv(BlockDriverState *bs, int64_t offset,
                                int64_t bytes, IoVec *iov);
int coroutine_fn file_co_pwritev(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, IoVec *iov, int flags);
int coroutine_fn file_co_copy_from(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, const BdrvPlace *to,
                                   int flags);
int coroutine_fn file_co_copy_to(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, const BdrvPlace *from,
                                 int flags);
int coroutine_fn file_co_flush(BlockDriverState *bs);
int coroutine_fn file_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes);
int coroutine_fn file_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, int flags);
int coroutine_fn file_co_block_status(BlockDriverState *bs, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st);
int coroutine_fn file_co_truncate(BlockDriverState *bs, int64_t size,
                                  bool exact, PreallocMode prealloc, int flags,
                                  Error **errp);

#endif
