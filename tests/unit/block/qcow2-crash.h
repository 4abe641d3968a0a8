/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of test-qcow2-crash share: what was asked of a disk, written
 * down, so that a disk after a power cut can be compared with it. */
#ifndef TESTS_UNIT_BLOCK_QCOW2_CRASH_H
#define TESTS_UNIT_BLOCK_QCOW2_CRASH_H

#include "qcow2-test.h"
#include "../lib/mem-node.h"
#include "block/dirty-bitmap.h"
#include "block/image.h"

#define SECTOR    512
#define MAX_BYTES (512 * KiB)

/* ---- What was asked for ---- */

typedef struct Op {
    guint start, end;               /* length of the log, before and after */
    bool flush;
    int64_t size;                   /* of the disk after it */
    int64_t offset, bytes;          /* what it may have changed */
    uint8_t *after;                 /* that range, after it */
    bool anything;                  /* it may be, until a flush */
} Op;

typedef struct Snap {
    char name[16];
    guint made;                     /* log when it was there for sure */
    guint gone;                     /* log when it began to go */
    int64_t size;
    uint8_t *data;
} Snap;

/* A persistent bitmap, and what the disk had when it was made. */
typedef struct Marks {
    char name[16];
    int64_t size;
    uint8_t *data;
} Marks;

typedef enum Extras {
    EXTRA_BASE = 1,                 /* there is a backing file */
    EXTRA_SNAPSHOTS = 2,
    EXTRA_FIXED = 4,                /* it is not resized */
    EXTRA_BITMAPS = 8,              /* with closing and opening again */
    EXTRA_AMEND = 16,
    EXTRA_DATA_FILE = 32,
    EXTRA_RAW_DATA = 64,            /* and it is what the guest sees */
    EXTRA_LUKS = 128,
    EXTRA_COMPRESS = 256,           /* more than now and then */
} Extras;

typedef struct Kind {
    const char *name;
    BlockdevCreateOptionsQcow2 options;
    unsigned extras;                /* Extras */
} Kind;

/* The image, and its data file or nothing: MemNode.id is the index. */
enum { FILE_IMAGE, FILE_DATA, FILE__MAX };

typedef struct Crash {
    const Kind *kind;
    BlockDriverState *base, *files[FILE__MAX];
    QTest t;
    GArray *log;                    /* of both files */
    MemNode first[FILE__MAX];       /* before all of it */
    GArray *ops;                    /* Op */
    GPtrArray *snaps;               /* Snap */
    GPtrArray *marks;               /* Marks */
    uint8_t model[MAX_BYTES];
    uint8_t base_data[MAX_BYTES];
    int64_t size;
    unsigned next_snap;
    bool has_key;                   /* a second one */
    uint64_t tried;                 /* images after a cut */
    uint64_t bitmaps_seen;          /* in them, and not in use */
} Crash;

BlockDriverState *crash_open(const Crash *c, BlockDriverState *const *files,
                             BdrvOpenFlags flags, bool read_only);
/* Cut the power after every @every'th step of the log. */
void crash_cut(Crash *c, guint every);

#endif
