/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of images into one, by several coroutines. Each takes the next
 * range of the same kind, reads it, and, unless the order does not matter,
 * waits for its turn to write: the order of writes is that in which a format
 * gives out space. Compression does not wait for it. Memory: a buffer per
 * coroutine, and another for what it was compressed to.
 */
#ifndef TOOLS_IMG_COPY_INTERNAL_H
#define TOOLS_IMG_COPY_INTERNAL_H

#include "img-internal.h"

#define IMG_COPY_COROUTINES_MAX 16
#define IMG_COPY_CHUNK_BYTES    (2 * MiB)
#define IMG_COPY_PACK_BYTES     (512 * KiB)     /* at least a cluster */
#define IMG_COPY_BUFFER_BYTES   (32 * MiB)      /* of all coroutines */

typedef struct ImgSource {
    BlockBackend *blk;
    int64_t length;                 /* bytes, whole sectors */
} ImgSource;

typedef enum ImgRangeKind {
    RANGE_DATA,
    RANGE_ZERO,
    RANGE_BACKING,                  /* the target has it below itself */
} ImgRangeKind;

typedef struct ImgRange {
    ImgRangeKind kind;
    int64_t offset, bytes;
} ImgRange;

typedef struct ImgCopy {
    /* What to do */
    ImgSource *sources;             /* one after the other */
    unsigned num_sources;
    BlockBackend *target;
    int64_t total;                  /* bytes of all sources */
    int64_t sparse_bytes;           /* runs of zeros that become holes; 0: no */
    int64_t rate;                   /* bytes a second; 0: no limit */
    unsigned coroutines;
    bool compress, out_of_order, salvage, quiet, progress;
    bool offload;                   /* let the host copy, as long as it can */
    bool zero_init;                 /* the target reads as zeros */
    bool target_backing;            /* what the top layer lacks is there */
    int64_t target_backing_bytes;

    /* While it runs */
    int64_t next_read, next_write;  /* offsets */
    ImgRange found, behind;         /* what is at next_read, what follows */
    bool fixed_places;              /* the target has no order to keep */
    bool one_early;                 /* wrote on after it passed its turn */
    int64_t done, to_do;            /* bytes of data, for the progress */
    int64_t rate_start_ns, rate_bytes;
    unsigned running;
    int ret;
    CoMutex lock;                   /* of the choice of ranges */
    CoQueue turn;                   /* who waits to write */
} ImgCopy;

/* img_copy: 0 or -errno, reported. */
int img_copy(ImgCopy *c);

#endif
