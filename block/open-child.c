/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The children of nodes, as options or an image's header name them.
 *
 * What a child's description leaves open is as its parent has it. A backing
 * file is only read. Main thread, big lock.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>

/* ---- Children ---- */

/* What an image's header cannot say of the files it names. */
static struct json_object *child_options(const BlockDriverState *bs,
                                         bool backing)
{
    struct json_object *o = json_object_new_object();
    struct json_object *cache = json_object_new_object();

    json_object_object_add(o, "read-only",
                           json_object_new_boolean(backing || bs->read_only));
    json_object_object_add(o, "force-share",
                           json_object_new_boolean(bs->force_share));
    json_object_object_add(o, "discard", json_object_new_string("unmap"));
    json_object_object_add(cache, "direct",
                           json_object_new_boolean(bs->direct));
    json_object_object_add(cache, "no-flush",
                           json_object_new_boolean(bs->no_flush));
    json_object_object_add(o, "cache", cache);
    return o;
}

void bdrv_inherit_options(BlockdevOptions *o, const BdrvAccess *parent,
                          BdrvChildRole role)
{
    if (!o->has_read_only) {
        o->has_read_only = true;
        o->read_only = parent->read_only || (role & BDRV_CHILD_COW);
    }
    if (!o->has_force_share) {
        o->has_force_share = true;
        o->force_share = parent->force_share;
    }
    if (!o->has_discard) {
        o->has_discard = true;
        o->discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP;
    }
    if (!o->cache) {
        o->cache = g_new0(BlockdevCacheOptions, 1);
        o->cache->has_direct = o->cache->has_no_flush = true;
        o->cache->direct = parent->direct;
        o->cache->no_flush = parent->no_flush;
    }
}

static BlockDriverState *open_definition(BlockDriverState *parent,
                                         BlockdevOptions *o, BdrvChildRole role,
                                         Error **errp)
{
    BdrvAccess access;

    bdrv_get_access(parent, &access);
    bdrv_inherit_options(o, &access, role);
    return bdrv_open_flags(o, parent->open_flags, errp);
}

BdrvChild *bdrv_open_child(BlockDriverState *parent, BlockdevRef *ref,
                           const char *name, BdrvChildRole role, Error **errp)
{
    BlockDriverState *bs = ref->type == QAPI_KIND_STRING ?
        bdrv_open_reference(ref->u.reference, errp) :
        open_definition(parent, &ref->u.definition, role, errp);

    return bs ? bdrv_attach_child(parent, NULL, bs, name, role, 0,
                                  BLK_PERM_ALL, errp) : NULL;
}

/* In the same place as the parent, unless it has a path of its own. */
BdrvChild *bdrv_open_named_child(BlockDriverState *parent, const char *filename,
                                 const char *format, const char *name,
                                 BdrvChildRole role, Error **errp)
{
    g_autofree char *path = bdrv_resolve_backing(parent, filename, errp);
    struct json_object *options = path ? child_options(parent, false) : NULL;
    BlockDriverState *bs;

    if (!path) {
        return NULL;
    }
    bs = bdrv_open_image(path, format, options, NULL, parent->open_flags, errp);
    json_object_put(options);
    return bs ? bdrv_attach_child(parent, NULL, bs, name, role, 0,
                                  BLK_PERM_ALL, errp) : NULL;
}

bool bdrv_open_file_child(BlockDriverState *parent, BlockdevRef *ref,
                          BdrvChildRole role, Error **errp)
{
    parent->file = bdrv_open_child(parent, ref, "file",
                                   role | BDRV_CHILD_PRIMARY, errp);
    return parent->file != NULL;
}

/* ---- Backing files ---- */

char *bdrv_path_from(const char *image, const char *filename)
{
    g_autofree char *dir = NULL;

    if (*filename == '/' || bdrv_has_protocol(filename) ||
        !strchr(image, '/')) {
        return g_strdup(filename);
    }
    dir = g_path_get_dirname(image);
    return g_build_filename(dir, filename, NULL);
}

char *bdrv_resolve_backing(BlockDriverState *bs, const char *backing,
                           Error **errp)
{
    const BlockDriverState *bottom = bs;
    const char *top;

    /* Filters may have names of their own. */
    while (bottom->file) {
        bottom = bottom->file->bs;
    }
    top = bdrv_get_filename(bottom);
    if (*backing != '/' && !bdrv_has_protocol(backing) &&
        (!*top || bdrv_has_protocol(top))) {
        error_setg(errp, "Cannot generate a base directory for '%s' to find "
                   "'%s' in", *top ? top : bs->node_name, backing);
        error_append_hint(errp, "Give the backing file with its whole path.");
        return NULL;
    }
    return bdrv_path_from(top, backing);
}

/* Images that name each other as backing files would go on for ever. */
static bool enter_chain(const char *path, unsigned *nested, Error **errp)
{
    if (*nested >= BDRV_MAX_DEPTH / 2) {
        error_setg(errp, "the chain of backing files is longer than %d at "
                   "'%s'", BDRV_MAX_DEPTH / 2, path);
        error_append_hint(errp, "Is the image its own backing file?");
        return false;
    }
    (*nested)++;
    return true;
}

static BlockDriverState *open_named_backing(BlockDriverState *bs, Error **errp)
{
    static unsigned nested;         /* opens that wait for this one */
    g_autofree char *path = bdrv_resolve_backing(bs, bs->backing_file, errp);
    struct json_object *options;
    BlockDriverState *backing;

    if (!path || !enter_chain(path, &nested, errp)) {
        return NULL;
    }
    options = child_options(bs, true);
    backing = bdrv_open_image(path, bs->backing_format, options, NULL,
                              bs->open_flags, errp);
    nested--;
    json_object_put(options);
    if (!backing && !nested) {
        error_prepend(errp, "Could not open backing file: ");
    }
    return backing;
}

bool bdrv_open_backing(BlockDriverState *bs, BlockdevRefOrNull *ref,
                       Error **errp)
{
    BlockDriverState *backing;

    bs->backing_overridden = ref != NULL;
    if (ref && ref->type == QAPI_KIND_NULL) {
        return true;
    }
    if (ref) {
        backing = ref->type == QAPI_KIND_STRING ?
            bdrv_open_reference(ref->u.reference, errp) :
            open_definition(bs, &ref->u.definition, BDRV_CHILD_COW, errp);
    } else if (!bs->backing_file || (bs->open_flags & BDRV_O_NO_BACKING)) {
        return true;
    } else {
        backing = open_named_backing(bs, errp);
    }
    if (!backing) {
        return false;
    }
    bs->backing = bdrv_attach_child(bs, NULL, backing, "backing",
                                    BDRV_CHILD_COW, 0, BLK_PERM_ALL, errp);
    return bs->backing != NULL;
}
