/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tools and QMP do with an image as a whole: check and repair it, change
 * how it is made, keep and restore snapshots in it.
 *
 * The node is open as for requests; what writes needs it writable and leaves
 * the rights of its users alone. Requests may go on meanwhile only where that
 * is said.
 *
 * Threading: main thread, big lock held, not in a coroutine.
 */
#ifndef BLOCK_IMAGE_H
#define BLOCK_IMAGE_H

#include "block/block.h"
#include "qapi/qapi-types-block-image.h"

/* ---- Check ---- */

/* What a check of an image found and mended. */
typedef struct BdrvCheckResult {
    int64_t corruptions, leaks, check_errors;
    int64_t corruptions_fixed, leaks_fixed;
    int64_t image_end_offset;       /* bytes */
    int64_t total_clusters, allocated_clusters, fragmented_clusters,
            compressed_clusters;
} BdrvCheckResult;

enum {
    BDRV_FIX_LEAKS  = 1 << 0,
    BDRV_FIX_ERRORS = 1 << 1,
};

/*
 * bdrv_check: look through all metadata. @fix: BDRV_FIX_*, of what is found.
 * @result: counters, set to 0 before. Returns 0 or -errno: -ENOTSUP when the
 * format has no check; another when it could not be finished (then
 * result->check_errors says how many things could not be looked at).
 */
int bdrv_check(BlockDriverState *bs, BdrvCheckResult *result, int fix);

/* ---- Facts ---- */

/* bdrv_get_backing: the backing node; NULL: none. */
BlockDriverState *bdrv_get_backing(const BlockDriverState *bs);
/* As the image names them; NULL: it does not. */
const char *bdrv_get_backing_file(const BlockDriverState *bs);
const char *bdrv_get_backing_format(const BlockDriverState *bs);
/* bdrv_get_full_backing_name: with its folder. g_free() it. NULL with an error
 * when the image names none, or has no place to start from. */
char *bdrv_get_full_backing_name(BlockDriverState *bs, Error **errp);
/* bdrv_path_from: @filename, that the image file @image names, relative to
 * where that is. g_free() it. */
char *bdrv_path_from(const char *image, const char *filename);
/* bdrv_find_backing_image: @bs or the node below it of that file name, whole
 * or as the image above names it. NULL: none. */
BlockDriverState *bdrv_find_backing_image(BlockDriverState *bs,
                                          const char *name);
/* bdrv_get_allocated_file_size: bytes on the host, or -errno. */
int64_t bdrv_get_allocated_file_size(BlockDriverState *bs);
bool bdrv_is_encrypted(const BlockDriverState *bs);
/* bdrv_allow_legacy_crypto: images with the old encryption of qcow2 can be read
 * and written, as they can by tools, but not by guests. */
void bdrv_allow_legacy_crypto(void);
/* bdrv_has_driver: whether @name is a driver of this build. */
bool bdrv_has_driver(const char *name);
/* bdrv_format_compresses: whether images of that format can have compressed
 * clusters. */
bool bdrv_format_compresses(const char *format);
/* bdrv_format_reads_zeros: whether new images of that format do. */
bool bdrv_format_reads_zeros(const char *format);
/* bdrv_list_drivers: their names, sorted; free with g_free(). */
const char **bdrv_list_drivers(void);
/* bdrv_get_cluster_size: bytes; 0: the format has none. */
uint32_t bdrv_get_cluster_size(BlockDriverState *bs);
/* bdrv_get_specific_info: what only this format has. NULL without an error:
 * nothing. Free it with qapi_free_ImageInfoSpecific(). */
ImageInfoSpecific *bdrv_get_specific_info(BlockDriverState *bs, Error **errp);
/* bdrv_image_info: all of it but @backing-image. Free it with
 * qapi_free_ImageInfo(). */
ImageInfo *bdrv_image_info(BlockDriverState *bs, Error **errp);
/*
 * bdrv_measure: what a new image of @format takes. @options: members of
 * BlockdevCreateOptions<format> ("size", "cluster-size", ...), "size" left out
 * when @in, whose content it gets, is not NULL.
 */
BlockMeasureInfo *bdrv_measure(const char *format, struct json_object *options,
                               BlockDriverState *in, Error **errp);

/* ---- Changes ---- */

/*
 * bdrv_change_backing: write another name of the backing file into the image.
 * The graph stays. @filename, @format: NULL: none. 0 or -errno (-ENOTSUP; or
 * -ENOSPC, -EINVAL: the name is too long or is not for this image).
 */
int bdrv_change_backing(BlockDriverState *bs, const char *filename,
                        const char *format);

/* bdrv_make_empty: nothing of its own is left, all comes from the backing
 * file. 0 or -errno; -ENOTSUP: it stays as it is. */
int bdrv_make_empty(BlockDriverState *bs);

/* What changes; a member that is not set stays. */
typedef struct BdrvAmend {
    bool has_compat, has_size, has_lazy_refcounts, has_refcount_bits,
         has_data_file_raw, has_backing_file, has_backing_fmt;
    const char *compat;             /* "0.10", "v2", "1.1", "v3" */
    int64_t size;                   /* bytes */
    bool lazy_refcounts, data_file_raw;
    uint64_t refcount_bits;
    const char *data_file;          /* NULL: stays; "": no name */
    const char *backing_file, *backing_fmt;     /* NULL or "": none */
    const QCryptoBlockAmendOptionsLUKS *encrypt;        /* NULL: stays */
    bool force;                     /* also what loses all data for ever */
    /* Told now and then; NULL: not. */
    void (*progress)(void *opaque, int64_t done, int64_t total);
    void *opaque;
} BdrvAmend;

/* bdrv_amend: 0 or -errno. What was changed before an error stays so. */
int bdrv_amend(BlockDriverState *bs, const BdrvAmend *amend, Error **errp);

/* ---- Snapshots in the image ---- */

typedef struct BdrvSnapshot {
    char *id;                       /* a number, unique in the image */
    char *name;
    uint64_t vm_state_bytes;
    uint32_t date_sec, date_nsec;   /* since 1970 */
    uint64_t vm_clock_nsec;
    uint64_t disk_bytes;            /* the guest saw then */
    bool has_icount;
    uint64_t icount;
} BdrvSnapshot;

void bdrv_snapshot_free(BdrvSnapshot *sn);
bool bdrv_can_snapshot(BlockDriverState *bs);   /* the format can */
/* bdrv_snapshot_list: all of them, as BdrvSnapshot *; g_ptr_array_unref() it.
 * Empty where the format has none. */
GPtrArray *bdrv_snapshot_list(BlockDriverState *bs);
/* bdrv_snapshot_find: the first with that id, else with that name; NULL: none.
 * bdrv_snapshot_free() it. */
BdrvSnapshot *bdrv_snapshot_find(BlockDriverState *bs, const char *id_or_name);
/* bdrv_snapshot_find_by: the one with that id and that name; NULL: any. */
BdrvSnapshot *bdrv_snapshot_find_by(BlockDriverState *bs, const char *id,
                                    const char *name);
/*
 * The rest: 0 or -errno with an error.
 * create: of the disk as it is. facts->id NULL: choose one. disk_bytes is
 *     not looked at. Drains; users may go on after.
 * goto: the disk becomes what it was, also in size. Drained by the caller, who
 *     tells users of another size.
 * delete: forget it and free what only it had.
 * load_tmp: a read-only node shows it until it is closed.
 */
int bdrv_snapshot_create(BlockDriverState *bs, const BdrvSnapshot *facts,
                         Error **errp);
int bdrv_snapshot_goto(BlockDriverState *bs, const char *id_or_name,
                       Error **errp);
int bdrv_snapshot_delete(BlockDriverState *bs, const char *id,
                         const char *name, Error **errp);
int bdrv_snapshot_load_tmp(BlockDriverState *bs, const char *id,
                           const char *name, Error **errp);
/* bdrv_snapshot_info: the same facts as QMP shows them. */
SnapshotInfo *bdrv_snapshot_info(const BdrvSnapshot *sn);

#endif
