/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of the graph: edges, opening, rights, quiet times. Main thread,
 * big lock, where nothing else is said.
 */
#ifndef BLOCK_GRAPH_INTERNAL_H
#define BLOCK_GRAPH_INTERNAL_H

#include "block/block-backend.h"
#include "block/create.h"

typedef struct BdrvAccess BdrvAccess;

/* ---- Graph (graph.c) ---- */

/* Nodes below one another, at most: what bounds recursion, and stops an image
 * that is its own backing file. */
#define BDRV_MAX_DEPTH 200

/*
 * bdrv_attach_child: make an edge from @parent or @blk to @bs, whose reference
 * is given away. NULL when the rights do not fit. A node's edges get the
 * rights that its driver wants for them, and @perm and @shared are for @blk.
 */
BdrvChild *bdrv_attach_child(BlockDriverState *parent, BlockBackend *blk,
                             BlockDriverState *bs, const char *name,
                             BdrvChildRole role, uint64_t perm, uint64_t shared,
                             Error **errp);
void bdrv_detach_child(BdrvChild *c);
/*
 * The same in steps, for changes of several edges at once: rights are the
 * caller's to refresh at the end. A new edge has none and shares all; it takes
 * over the reference to @bs. The nodes are drained.
 */
bool bdrv_check_place(BlockDriverState *parent, BlockDriverState *bs,
                      const char *name, Error **errp);
BdrvChild *bdrv_edge_new(BlockDriverState *parent, BlockBackend *blk,
                         BlockDriverState *bs, const char *name,
                         BdrvChildRole role);
void bdrv_edge_move(BdrvChild *c, BlockDriverState *to);
void bdrv_edge_drop(BdrvChild *c);
/*
 * bdrv_replace_node: all parents of @from become parents of @to, but @to
 * itself. Both drained, or nothing happens and the rights' conflict is the
 * error.
 */
bool bdrv_replace_node(BlockDriverState *from, BlockDriverState *to,
                       Error **errp);
/* bdrv_set_backing: another backing node; NULL: none. @bs is drained. */
bool bdrv_set_backing(BlockDriverState *bs, BlockDriverState *backing,
                      Error **errp);
/* bdrv_append: put @overlay on top of @bs, under its parents. */
bool bdrv_append(BlockDriverState *overlay, BlockDriverState *bs, Error **errp);
/* bdrv_reopen_read_only: the same node for reading only, or for writing; with
 * a file that only it knows. */
bool bdrv_reopen_read_only(BlockDriverState *bs, bool read_only, Error **errp);
/* bdrv_is_below: whether @bs is @top or can be reached from it. */
bool bdrv_is_below(BlockDriverState *bs, BlockDriverState *top);
/* bdrv_skip_filters: the first node from @bs down that is not a filter. */
BlockDriverState *bdrv_skip_filters(BlockDriverState *bs);
BdrvChild *bdrv_filter_or_cow_child(BlockDriverState *bs);

/*
 * bdrv_set_aio_context: move @bs and all that is connected to it. Fails when
 * another user's device is bound to its context. @ignore: the edge whose owner
 * asks.
 */
bool bdrv_set_aio_context(BlockDriverState *bs, AioContext *ctx,
                          const BdrvChild *ignore, Error **errp);
/* bdrv_length_changed: tell the users of @bs, and let the nodes above take it
 * over whose length is that of a child. Main thread. */
void bdrv_length_changed(BlockDriverState *bs);
int bdrv_flush_node(BlockDriverState *bs);      /* 0 or -errno */
void bdrv_refresh_limits(BlockDriverState *bs);
/* bdrv_refresh_limits_above: also of all that is on top of it. */
void bdrv_refresh_limits_above(BlockDriverState *bs);
bool bdrv_can_grow(const BlockDriverState *bs);
/* bdrv_refresh_exact_name: name @bs, which has a file, by options if it takes
 * more than its file's name: @own, the options that change what it shows, or
 * NULL. */
void bdrv_refresh_exact_name(BlockDriverState *bs, struct json_object *own);

/* ---- Opening (open.c) ---- */

BlockDriverState *bdrv_open_flags(BlockdevOptions *options, BdrvOpenFlags flags,
                                  Error **errp);
/* bdrv_open_on_file: as bdrv_open_image(), with the options of the file's
 * node; it gets defaults put in. */
BlockDriverState *bdrv_open_on_file(struct json_object *file,
                                    const char *format,
                                    struct json_object *extra,
                                    BdrvOpenFlags flags, Error **errp);
/* bdrv_parse_access: members of @o that all nodes have. */
bool bdrv_parse_access(BdrvAccess *a, const BlockdevOptions *o, Error **errp);
void bdrv_get_access(const BlockDriverState *bs, BdrvAccess *a);
void bdrv_set_access(BlockDriverState *bs, const BdrvAccess *a);
BlockdevOptions *bdrv_options_from_json(struct json_object *json, Error **errp);
/* bdrv_open_reference: the node of that name, with a reference. */
BlockDriverState *bdrv_open_reference(const char *name, Error **errp);

/* ---- Children (open-child.c) ---- */

/* bdrv_open_child: the child @ref of @parent, as @name. NULL with an error. */
BdrvChild *bdrv_open_child(BlockDriverState *parent, BlockdevRef *ref,
                           const char *name, BdrvChildRole role, Error **errp);
/* bdrv_open_named_child: the same by a file name that the image has. */
BdrvChild *bdrv_open_named_child(BlockDriverState *parent, const char *filename,
                                 const char *format, const char *name,
                                 BdrvChildRole role, Error **errp);
/* bdrv_open_file_child: the same as "file", kept in parent->file. */
bool bdrv_open_file_child(BlockDriverState *parent, BlockdevRef *ref,
                          BdrvChildRole role, Error **errp);
/*
 * bdrv_open_backing: the backing file that options (@ref) or, when they say
 * nothing, the image's header (bs->backing_file) name. For the end of a
 * driver's open.
 */
bool bdrv_open_backing(BlockDriverState *bs, BlockdevRefOrNull *ref,
                       Error **errp);
/* bdrv_inherit_options: what a child's description leaves open. */
void bdrv_inherit_options(BlockdevOptions *o, const BdrvAccess *parent,
                          BdrvChildRole role);
/* bdrv_resolve_backing: @backing, relative to where @bs is. g_free() it. */
char *bdrv_resolve_backing(BlockDriverState *bs, const char *backing,
                           Error **errp);

/* ---- Drivers (driver.c) ---- */

const BlockDriver *bdrv_find_driver(const char *name);
/* bdrv_find_protocol: the driver for the file that @filename names. */
const BlockDriver *bdrv_find_protocol(const char *filename, Error **errp);
/* bdrv_has_protocol: whether @filename begins as "nbd:" does. */
bool bdrv_has_protocol(const char *filename);
/* bdrv_skip_file_prefix: @filename behind "file:". */
const char *bdrv_skip_file_prefix(const char *filename);
/* bdrv_probe: the driver for what is in @file; "raw" when none knows it. */
const BlockDriver *bdrv_probe(BlockDriverState *file, Error **errp);
/* bdrv_probes_as_raw: whether an image that starts so would be taken for
 * one without a format. */
bool bdrv_probes_as_raw(const uint8_t *buf, size_t bytes);

/* ---- New images (create.c) ---- */

/* bdrv_create_value: the value of an option; NULL: not given. */
const char *bdrv_create_value(struct json_object *options, const char *name);
/* bdrv_create_file_options: those of a format's options that are for the file
 * below it; bdrv_create_own_options: the others. json_object_put() them. */
struct json_object *bdrv_create_file_options(struct json_object *options);
struct json_object *bdrv_create_own_options(struct json_object *options);
/* file-create.c: "file" */
extern const BdrvCreateOption bdrv_file_create_options[];
bool bdrv_create_posix_file(const char *filename, struct json_object *options,
                            Error **errp);
/* bdrv_create_file: the file below an image, by its protocol. */
bool bdrv_create_file(const char *filename, struct json_object *options,
                      Error **errp);

/* ---- Rights (perm.c) ---- */

char *bdrv_perm_names(uint64_t perm);
void bdrv_get_cumulative_perm(const BlockDriverState *bs, uint64_t *perm,
                              uint64_t *shared);
/*
 * bdrv_default_child_perm: what a node that its parents use with @perm and
 * @shared asks of a child in @role.
 */
void bdrv_default_child_perm(const BlockDriverState *bs, BdrvChildRole role,
                             uint64_t perm, uint64_t shared, uint64_t *nperm,
                             uint64_t *nshared);
/* bdrv_refresh_perms: derive the rights below @nodes again; all or nothing. */
bool bdrv_refresh_perms(BlockDriverState *const *nodes, unsigned n,
                        Error **errp);
bool bdrv_child_set_perm(BdrvChild *c, uint64_t perm, uint64_t shared,
                         Error **errp);

/* ---- Quiet (drain.c) ---- */

/*
 * bdrv_drained_begin: when it returns, no request of @bs is in flight, and
 * none comes before bdrv_drained_end(). Nests. Main thread.
 */
void bdrv_drained_begin(BlockDriverState *bs);
void bdrv_drained_end(BlockDriverState *bs);

/* Sections of bdrv_drain_all_begin() that are open: a node made in one starts
 * with that many. */
extern unsigned bdrv_all_drained;
/* block-backend.c: the same for a root edge. */
void blk_root_drained_begin(BlockBackend *blk);
void blk_root_drained_end(BlockBackend *blk);
bool blk_root_drained_poll(BlockBackend *blk);
void blk_root_resized(BlockBackend *blk);
/* blk_is_held: whether new requests wait for the end of a drain. */
bool blk_is_held(const BlockBackend *blk);
void coroutine_fn blk_wait_while_drained(BlockBackend *blk);

/* For edges that come and go meanwhile: pause, or let go on, the parent. */
void bdrv_parent_drained_begin(BdrvChild *c);
void bdrv_parent_drained_end(BdrvChild *c);

#endif
