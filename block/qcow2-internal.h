/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2, versions 2 and 3, after the published specification ("The QCOW2 image
 * format"). What is where (qcow2-*.c):
 *
 *   header       the header and its extensions, read and written
 *   table        the caches of L2 slices and refcount blocks
 *   warm         L2 slices read ahead, many at a time
 *   refcount     reference counts; host clusters taken and given back
 *   cluster      guest offsets to host offsets; allocation, copy on write
 *   compress     compressed clusters
 *   crypto       encrypted images
 *   write-back   the order in which tables reach the disk
 *   options      caches and other options of the node; reopening
 *   io           reads and writes
 *   qcow2.c      the driver: open, zero, discard, status
 *   resize       another size; preallocation
 *   create       new images
 *   info         facts for users, sizes of new images, backing file's name
 *   bitmap*      dirty bitmaps: qcow2-bitmap-internal.h
 *   overlap      writes that would go into tables
 *   amend        changes of how an image is made
 *   snapshot*    snapshots in the image
 *   tree         counts and flags of all that an L1 table leads to
 *   check*       check and repair: qcow2-check-internal.h
 *
 * Order. A table that points to something is written when what it points to
 * is on the disk, and counts go down when nothing points there any more:
 *
 *   data, refcount blocks, refcount table -> flush -> L2 tables -> flush ->
 *   L1 table -> flush -> lower counts (in memory, written with the next round)
 *
 * So a write that is cut at any point leaves at worst clusters that are counted
 * and not used. Tables stay in memory until a flush, or until the cache needs
 * room; nothing but that order ever writes L1 and L2.
 *
 * Threading: s->lock covers all tables; it is held over reads and writes of
 * metadata (but see qcow2-warm.c), not over those of data. A cluster that is
 * being allocated is on s->allocs; who wants to write the same one waits for
 * it.
 */
#ifndef BLOCK_QCOW2_INTERNAL_H
#define BLOCK_QCOW2_INTERNAL_H

#include "block-internal.h"
#include "crypto/block.h"
#include "util/bytes.h"
#include "qcow2-table-internal.h"

#define QCOW2_MAGIC             0x514649fb      /* "QFI\xfb" */
#define QCOW2_V2_HEADER_BYTES   72
#define QCOW2_V3_HEADER_BYTES   104             /* the least a v3 has */
#define QCOW2_HEADER_BYTES      112             /* what we write */
#define QCOW2_MIN_CLUSTER_BITS  9
#define QCOW2_MAX_CLUSTER_BITS  21
#define QCOW2_SUBCLUSTERS       32              /* of a cluster; extended L2 */
#define QCOW2_MAX_L1_BYTES      (32 * MiB)
#define QCOW2_MAX_REFTABLE_BYTES (8 * MiB)
#define QCOW2_MAX_BACKING_NAME  1023
#define QCOW2_MAX_EXT_BYTES     (64 * KiB)      /* of one extension */

enum {
    QCOW2_INCOMPAT_DIRTY       = 1 << 0,
    QCOW2_INCOMPAT_CORRUPT     = 1 << 1,
    QCOW2_INCOMPAT_DATA_FILE   = 1 << 2,
    QCOW2_INCOMPAT_COMPRESSION = 1 << 3,
    QCOW2_INCOMPAT_EXTENDED_L2 = 1 << 4,
    QCOW2_INCOMPAT_KNOWN       = (1 << 5) - 1,
    QCOW2_COMPAT_LAZY_REFCOUNTS = 1 << 0,
    QCOW2_AUTOCLEAR_BITMAPS    = 1 << 0,
    QCOW2_AUTOCLEAR_RAW_DATA   = 1 << 1,
    QCOW2_AUTOCLEAR_KNOWN      = QCOW2_AUTOCLEAR_BITMAPS |
                                 QCOW2_AUTOCLEAR_RAW_DATA,
};

enum {
    QCOW2_EXT_END            = 0,
    QCOW2_EXT_BACKING_FORMAT = 0xe2792aca,
    QCOW2_EXT_FEATURE_NAMES  = 0x6803f857,
    QCOW2_EXT_BITMAPS        = 0x23852875,
    QCOW2_EXT_CRYPTO         = 0x0537be77,
    QCOW2_EXT_DATA_FILE      = 0x44415441,
};

enum {
    QCOW2_COMPRESSION_ZLIB = 0,
    QCOW2_COMPRESSION_ZSTD = 1,
};

enum {
    QCOW2_CRYPT_NONE = 0,
    QCOW2_CRYPT_AES  = 1,
    QCOW2_CRYPT_LUKS = 2,
};
#define QCOW2_CRYPTO_EXT_BYTES 16

/* Entries of L1 and L2 tables. */
#define QCOW2_OFFSET_MASK  0x00fffffffffffe00ULL
#define QCOW2_OFLAG_ZERO   (1ULL << 0)
#define QCOW2_OFLAG_COMPRESSED (1ULL << 62)
#define QCOW2_OFLAG_COPIED (1ULL << 63)
#define QCOW2_L1_RESERVED  0x7f000000000001ffULL
#define QCOW2_L2_RESERVED  0x3f000000000001feULL
#define QCOW2_REFT_RESERVED 0x1ffULL

/* An extension of the header that we keep as it is. */
typedef struct Qcow2Extension {
    uint32_t type, bytes;
    uint8_t *data;
    STAILQ_ENTRY(Qcow2Extension) next;
} Qcow2Extension;

/* ---- Allocations in flight (qcow2-cluster.c) ---- */

typedef struct Qcow2Alloc {
    uint64_t guest_offset;          /* of the first cluster */
    uint64_t host_offset;
    uint64_t clusters;
    uint64_t from, to;              /* guest bytes that the request writes */
    bool keep_old;                  /* same host clusters: nothing to free */
    bool prealloc;                  /* a place without content, if possible */
    bool fresh;                     /* past the end of the file: zeros */
    CoQueue waiters;
    LIST_ENTRY(Qcow2Alloc) next;
} Qcow2Alloc;

/* Why clusters are free, which says whether the file gives up their space. */
typedef enum Qcow2Freed {
    QCOW2_FREED_OTHER,
    QCOW2_FREED_REQUEST,            /* by a request that may unmap */
    QCOW2_FREED_SNAPSHOT,
    QCOW2_FREED_ALWAYS,             /* they are past the end */
    QCOW2_FREED__MAX
} Qcow2Freed;

typedef struct Qcow2Options Qcow2Options;

typedef struct Qcow2State {
    /* The header */
    unsigned version, cluster_bits, refcount_order;
    unsigned crypt_method, compression;
    uint64_t incompatible, compatible, autoclear;
    uint32_t header_bytes;
    uint64_t size;                  /* bytes the guest sees */
    uint64_t l1_offset, reftable_offset, snapshots_offset;
    uint32_t l1_size;               /* entries */
    uint32_t reftable_clusters, nb_snapshots;
    STAILQ_HEAD(, Qcow2Extension) extensions;
    char *data_file_name;
    uint8_t *tail;                  /* of a header longer than we know */
    uint32_t tail_bytes;

    /* Derived */
    unsigned cluster_bytes, l2_bits, l2_entry_bytes;
    unsigned l2_slice_entries, refblock_bits, refcount_bits;
    unsigned subcluster_bytes;
    bool extended_l2, lazy_refcounts;
    uint64_t refcount_max;

    BdrvChild *data_file;           /* bs->file without an external one */

    CoMutex lock;
    uint64_t *l1;                   /* host byte order */
    uint32_t l1_dirty_from, l1_dirty_to;        /* entries; equal: none */
    uint64_t *reftable;             /* host byte order */
    uint64_t reftable_entries;
    uint32_t reft_dirty_from, reft_dirty_to;
    Qcow2Cache l2_cache, ref_cache;
    uint64_t free_hint;             /* cluster where a search starts */
    uint64_t free_byte;             /* in a cluster of compressed data; 0 */
    GPtrArray *snapshots;           /* Qcow2Snapshot */
    uint64_t snapshots_bytes;       /* of their table */
    bool snapshots_bad;             /* it could not be read: only a check */
    GArray *pending_free;           /* Qcow2Range: counts to go down */
    Qcow2Freed freeing;             /* by what holds the lock */
    uint8_t *unpacked;              /* a compressed cluster; NULL: none */
    uint64_t unpacked_entry;        /* which one; 0: none */
    uint64_t reused;                /* times that clusters became free */
    bool pass_discard[QCOW2_FREED__MAX];
    AioTimer *clean_timer;          /* of the caches; NULL: never */
    int64_t clean_ns;
    bool clean_asleep;              /* there is nothing to clean */
    Qcow2Options *next_options;     /* between prepare and commit */
    LIST_HEAD(, Qcow2Alloc) allocs;
    unsigned overlap_check;         /* QCOW2_OL_* */
    GHashTable *table_clusters;     /* cluster to QCOW2_OL_*; NULL: not yet */
    uint32_t nb_bitmaps;
    uint64_t bitmap_dir_offset, bitmap_dir_bytes;
    GPtrArray *bitmaps;             /* Qcow2Bitmap: those in the file */
    bool dirty_bit_set;             /* in the file, by us or before */
    bool holes_checked, has_holes;  /* in clusters that are in use */
    bool corrupt, corrupt_told;

    CryptoBlock *crypto;            /* NULL: not encrypted */
    uint64_t crypto_offset, crypto_bytes;       /* its header in the file */
} Qcow2State;

typedef struct Qcow2Range {
    uint64_t offset, bytes;         /* whole clusters, host */
    Qcow2Freed freed;
} Qcow2Range;

/* qcow2_event: tell a blkdebug node below what happens next. It may stop the
 * request there, with the lock held or not. */
static inline void coroutine_fn qcow2_event(BlockDriverState *bs,
                                            BlkdebugEvent event)
{
    bdrv_co_debug_event(bs->file->bs, event);
}

static inline uint64_t qcow2_cluster_start(const Qcow2State *s, uint64_t off)
{
    return off & ~(uint64_t)(s->cluster_bytes - 1);
}

static inline unsigned qcow2_in_cluster(const Qcow2State *s, uint64_t off)
{
    return off & (s->cluster_bytes - 1);
}

static inline uint64_t qcow2_clusters(const Qcow2State *s, uint64_t bytes)
{
    return (bytes >> s->cluster_bits) + (qcow2_in_cluster(s, bytes) != 0);
}

/* ---- qcow2-write-back.c ---- */

/* qcow2_write_counts: refcount blocks and table. Lock held. */
int coroutine_fn qcow2_write_counts(BlockDriverState *bs);
/* qcow2_write_l1: what changed of it, after a flush. Lock held. */
int coroutine_fn qcow2_write_l1(BlockDriverState *bs);
/* qcow2_write_tables: all tables, in order. Lock held. */
int coroutine_fn qcow2_write_tables(BlockDriverState *bs);
/* qcow2_flush: the same, on the disk; then pending counts go down. */
int coroutine_fn qcow2_flush(BlockDriverState *bs);
/* qcow2_settle: and the counts; the image needs no repair from then on. */
int coroutine_fn qcow2_settle(BlockDriverState *bs);

/* ---- qcow2-refcount.c ---- */

bool qcow2_read_reftable(BlockDriverState *bs, Error **errp);
/* qcow2_get_refcount: of the cluster with that number. */
int coroutine_fn qcow2_get_refcount(BlockDriverState *bs, uint64_t cluster,
                                    uint64_t *count);
/* qcow2_add_refcount: @add to the count of each cluster of the range; -EINVAL
 * when one would leave its bounds (nothing is changed before it). */
int coroutine_fn qcow2_add_refcount(BlockDriverState *bs, uint64_t offset,
                                    uint64_t bytes, int add);
/*
 * qcow2_alloc: @bytes of consecutive host clusters with count 1, anywhere.
 * The offset or -errno.
 */
int64_t coroutine_fn qcow2_alloc(BlockDriverState *bs, uint64_t bytes);
/* qcow2_alloc_some: as many as are free in one piece, up to *@bytes. */
int64_t coroutine_fn qcow2_alloc_some(BlockDriverState *bs, uint64_t *bytes);
/* qcow2_free_later: after the next flush of the tables; for the reason
 * s->freeing. */
void qcow2_free_later(BlockDriverState *bs, uint64_t offset, uint64_t bytes);
int coroutine_fn qcow2_apply_frees(BlockDriverState *bs);
uint64_t qcow2_count_read(const Qcow2State *s, const uint8_t *block,
                          uint64_t index);
void qcow2_count_write(const Qcow2State *s, uint8_t *block, uint64_t index,
                       uint64_t count);

/* ---- qcow2-cluster.c ---- */

typedef enum Qcow2Kind {
    QCOW2_UNALLOCATED,              /* the backing file's, or zeros */
    QCOW2_ZERO,                     /* zeros; may have a host cluster */
    QCOW2_DATA,
    QCOW2_COMPRESSED,
} Qcow2Kind;

typedef struct Qcow2Map {
    Qcow2Kind kind;
    uint64_t host;                  /* of the first byte */
    bool has_host;
    uint64_t bytes;                 /* of this kind, in one piece */
    uint64_t entry;                 /* of a compressed cluster */
    uint64_t reused;                /* the state's, when it was looked up */
    bool copied;                    /* the host cluster is ours alone */
} Qcow2Map;

/* qcow2_l1_set: entry @i, to be written with the next round. */
void qcow2_l1_set(Qcow2State *s, uint64_t i, uint64_t entry);
/* qcow2_lookup: what is at @offset, for up to @bytes. Lock held. */
int coroutine_fn qcow2_lookup(BlockDriverState *bs, uint64_t offset,
                              uint64_t bytes, Qcow2Map *map);
/*
 * qcow2_prepare_write: a place for the first bytes of a write: *@host, good for
 * *@bytes. With an allocation *@alloc is for qcow2_link_alloc() once the data
 * and what surrounds them are there, or qcow2_abort_write(); else it is NULL.
 * All three with the lock held; may wait.
 */
int coroutine_fn qcow2_prepare_write(BlockDriverState *bs, uint64_t offset,
                                     uint64_t *bytes, uint64_t *host,
                                     Qcow2Alloc **alloc);
int coroutine_fn qcow2_link_alloc(BlockDriverState *bs, Qcow2Alloc *alloc);
void coroutine_fn qcow2_abort_write(BlockDriverState *bs, Qcow2Alloc *alloc);
/* Whether all of its clusters is filled, not just the subclusters written. */
bool qcow2_alloc_copies_all(const Qcow2State *s, const Qcow2Alloc *a,
                            uint64_t old_entry);
/*
 * qcow2_zero_clusters, qcow2_discard_clusters: whole (sub)clusters become
 * zeros, or unallocated. @unmap: give host clusters back.
 */
int coroutine_fn qcow2_zero_clusters(BlockDriverState *bs, uint64_t offset,
                                     uint64_t bytes, bool unmap);
int coroutine_fn qcow2_discard_clusters(BlockDriverState *bs, uint64_t offset,
                                        uint64_t bytes);
/* qcow2_drop_clusters: past the new end: nothing is left of them. */
int coroutine_fn qcow2_drop_clusters(BlockDriverState *bs, uint64_t offset,
                                     uint64_t bytes);
/* qcow2_set_compressed: the cluster at @offset is now that entry. */
int coroutine_fn qcow2_set_compressed(BlockDriverState *bs, uint64_t offset,
                                      uint64_t entry);
/* qcow2_wait_allocs: until nothing in flight touches the guest range. */
void coroutine_fn qcow2_wait_allocs(BlockDriverState *bs, uint64_t offset,
                                    uint64_t bytes);
/* qcow2_slice_offset: where the slice for @offset is in the file, and its
 * table. 0: nowhere, or where the table's place makes no sense. */
uint64_t qcow2_slice_offset(const Qcow2State *s, uint64_t offset,
                            uint64_t *l2_offset);
/* qcow2_l2_get: the slice for @offset (allocated for writing if @write) and
 * the index of its entry in it. *@t NULL: there is none. */
int coroutine_fn qcow2_l2_get(BlockDriverState *bs, uint64_t offset, bool write,
                              Qcow2Table **t, unsigned *index);

/* ---- qcow2-compress.c ---- */

/* qcow2_read_compressed: from @offset, where @m is, to the end of @iov or less:
 * m->bytes becomes what was read. Lock not held. */
int coroutine_fn qcow2_read_compressed(BlockDriverState *bs, uint64_t offset,
                                       Qcow2Map *m, IoVec *iov,
                                       size_t iov_offset);
/* qcow2_forget_unpacked: other data may come to where a cluster was unpacked
 * from. Lock held. */
void qcow2_forget_unpacked(Qcow2State *s);
int coroutine_fn qcow2_co_pack(BlockDriverState *bs, const IoVec *iov,
                               bool skip_zeroes, BdrvPacked **packed);
/* qcow2_store_packed: @n clusters from @guest, of @bytes each (not 0), one
 * after the other in @data. Lock not held. */
int coroutine_fn qcow2_store_packed(BlockDriverState *bs, uint64_t guest,
                                    const uint8_t *data, const int32_t *bytes,
                                    unsigned n);
/* qcow2_compressed_range: the host bytes that an entry covers. */
void qcow2_compressed_range(const Qcow2State *s, uint64_t entry,
                            uint64_t *offset, uint64_t *bytes);

/* ---- qcow2-crypto.c; the rest in qcow2-meta-internal.h ---- */

/* qcow2_read_data, qcow2_write_data: what the guest has at @guest, in clusters
 * at @host of the data file. Lock not held. */
int coroutine_fn qcow2_read_data(BlockDriverState *bs, uint64_t guest,
                                 uint64_t host, IoVec *iov);
int coroutine_fn qcow2_write_data(BlockDriverState *bs, uint64_t guest,
                                  uint64_t host, IoVec *iov);

/* ---- qcow2-io.c: callbacks of BlockDriver. Lock not held. ---- */

int coroutine_fn qcow2_co_preadv(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, IoVec *iov);
int coroutine_fn qcow2_co_copy_from(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes, const BdrvPlace *to,
                                    int flags);
int coroutine_fn qcow2_co_pwritev(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes, IoVec *iov, int flags);
int coroutine_fn qcow2_co_copy_to(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes, const BdrvPlace *from,
                                  int flags);
int coroutine_fn qcow2_co_pwritev_compressed(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             IoVec *iov,
                                             const BdrvPacked *packed);
/* qcow2_write_zeros: as data, wherever they go. */
int coroutine_fn qcow2_write_zeros(BlockDriverState *bs, uint64_t from,
                                   uint64_t to);

/* ---- qcow2.c ---- */

/*
 * qcow2_signal_corruption: mark the image, tell once, refuse to write on.
 * @offset, @bytes: what of the file it is about; 0 bytes: not one place. Lock
 * held.
 */
void coroutine_fn qcow2_signal_corruption(BlockDriverState *bs, uint64_t offset,
                                          uint64_t bytes, const char *fmt, ...)
    PRINTF(4, 5);

#include "qcow2-meta-internal.h"

#endif
