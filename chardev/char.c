/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making, naming and dropping chardevs, and the device property.
 */
#include "util/osdep.h"
#include "chardev/char.h"
#include <fcntl.h>
#include "util/cutils.h"
#include "util/file.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "qapi/visitor.h"
#include "qapi/qapi-types-char.h"
#include "chardev/char-internal.h"
#include "trace/trace-chardev.h"

static Object *chardevs_root(void)
{
    return object_get_container("/chardevs");
}

/* All branches of the schema's union are a pointer to a struct that begins
 * with the members of ChardevCommon. */
static ChardevCommon *backend_common(ChardevBackend *backend)
{
    return backend->u.null.data;
}

static bool chardev_open_log(Chardev *chr, ChardevCommon *common, Error **errp)
{
    int flags = O_WRONLY | O_CREAT;

    if (!common || !common->logfile) {
        return true;
    }
    flags |= common->has_logappend && common->logappend ? O_APPEND : O_TRUNC;
    chr->logfd = file_open(common->logfile, flags, 0666, errp);
    return chr->logfd >= 0;
}

static bool chardev_start(Chardev *chr, ChardevBackend *backend, Error **errp)
{
    ChardevClass *cc = CHARDEV_GET_CLASS(chr);
    bool be_opened = true;

    if (!chardev_open_log(chr, backend_common(backend), errp) ||
        !cc->open(chr, backend, &be_opened, errp)) {
        return false;
    }
    if (!chr->filename) {
        chr->filename = g_strdup(ChardevBackendKind_str(backend->type));
    }
    trace_chardev_open(chr->id ? chr->id : "", object_get_typename(OBJECT(chr)),
                       chr->filename);
    if (be_opened) {
        chr_be_event(chr, CHR_EVENT_OPENED);
    }
    return true;
}

static bool chardev_check_id(const char *id, Error **errp)
{
    if (!id_wellformed(id)) {
        error_setg(errp, "chardev id '%s' is not an identifier", id);
        error_append_hint(errp, "identifiers consist of letters, digits, '-', "
                          "'.', '_', starting with a letter");
        return false;
    }
    if (chardev_find(id)) {
        error_setg(errp, "chardev with id '%s' already exists", id);
        return false;
    }
    return true;
}

Chardev *chardev_new(const char *id, ChardevBackend *backend, Error **errp)
{
    g_autofree char *type = g_strdup_printf("chardev-%s",
        ChardevBackendKind_str(backend->type));
    Chardev *chr;

    if (id && !chardev_check_id(id, errp)) {
        return NULL;
    }
    if (!object_class_by_name(type)) {
        error_setg(errp, "chardev backend '%s' is not built in",
                   ChardevBackendKind_str(backend->type));
        return NULL;
    }
    chr = CHARDEV(object_new(type));
    chr->ctx = main_context();
    chr->id = g_strdup(id);
    if (!chardev_start(chr, backend, errp)) {
        if (id) {
            error_prepend(errp, "chardev '%s': ", id);
        }
        object_unref(chr);
        return NULL;
    }
    if (id) {
        object_property_add_child(chardevs_root(), id, OBJECT(chr));
        object_unref(chr);
    }
    return chr;
}

Chardev *chardev_find(const char *id)
{
    Object *obj = object_resolve_path_component(chardevs_root(), id);

    return obj ? CHARDEV(obj) : NULL;
}

const char *chardev_get_id(const Chardev *chr)
{
    return chr->id;
}

const char *chardev_get_filename(const Chardev *chr)
{
    return chr->filename;
}

bool chardev_is_busy(const Chardev *chr)
{
    return chr->is_mux ? chr_mux_is_full(chr) : chr->fe != NULL;
}

bool chardev_remove(const char *id, Error **errp)
{
    Chardev *chr = chardev_find(id);

    if (!chr) {
        error_setg(errp, "chardev '%s' not found", id);
        return false;
    }
    if (chr->is_mux ? chr_mux_any_open(chr) : chr->fe != NULL) {
        error_setg(errp, "chardev '%s' is busy", id);
        return false;
    }
    object_unparent(OBJECT(chr));
    return true;
}

static int chardev_collect(Object *child, void *opaque)
{
    g_ptr_array_add(opaque, object_ref(child));
    return 0;
}

void chardev_cleanup(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(object_unref);

    object_child_foreach(chardevs_root(), chardev_collect, all);
    /* muxes first: they are front ends of others */
    for (int muxes = 1; muxes >= 0; muxes--) {
        for (guint i = 0; i < all->len; i++) {
            if (CHARDEV(all->pdata[i])->is_mux == muxes) {
                object_unparent(all->pdata[i]);
            }
        }
    }
}

void chardev_print_help(void)
{
    g_autoptr(GSList) list = object_class_get_list(TYPE_CHARDEV, false);

    printf("Available chardev backend types:\n");
    for (GSList *l = list; l; l = l->next) {
        const char *name = object_class_get_name(l->data);

        if (g_str_has_prefix(name, "chardev-") &&
            strcmp(name, TYPE_CHARDEV_MUX)) {
            printf("  %-9s %s\n", name + strlen("chardev-"),
                   object_class_get_help(l->data));
        }
    }
}

/* ---- The property of devices ---- */

static bool prop_chardev_get(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    CharFrontend *fe = property_field(obj, opaque);
    g_autofree char *id = g_strdup(fe->chr && fe->chr->id ? fe->chr->id : "");

    return visit_type_str(v, name, &id, errp);
}

static bool prop_chardev_set(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    CharFrontend *fe = property_field(obj, opaque);
    g_autofree char *id = NULL;
    Chardev *chr;

    if (!visit_type_str(v, name, &id, errp)) {
        return false;
    }
    chr_fe_deinit(fe, false);
    if (!id[0]) {
        return true;
    }
    chr = chardev_find(id);
    if (!chr) {
        error_setg(errp, "Property '%s.%s' can't find value '%s'",
                   object_get_typename(obj), name, id);
        return false;
    }
    if (!chr_fe_init(fe, chr, errp)) {
        error_prepend(errp, "Property '%s.%s' can't take value '%s': ",
                      object_get_typename(obj), name, id);
        return false;
    }
    return true;
}

static void prop_chardev_release(Object *obj, const char *name, void *opaque)
{
    chr_fe_deinit(property_field(obj, opaque), false);
}

const PropertyInfo prop_info_chardev = {
    .type = "str",
    .get = prop_chardev_get,
    .set = prop_chardev_set,
    .release = prop_chardev_release,
};

/* ---- Base class ---- */

static void chardev_instance_init(Object *obj)
{
    CHARDEV(obj)->logfd = -1;
}

static void chardev_instance_finalize(Object *obj)
{
    Chardev *chr = CHARDEV(obj);
    ChardevClass *cc = CHARDEV_GET_CLASS(chr);

    trace_chardev_close(chr->id ? chr->id : "");
    if (chr->fe) {
        chr->fe->chr = NULL;
        chr->fe = NULL;
    }
    if (cc->close) {
        cc->close(chr);
    }
    if (chr->logfd >= 0) {
        close(chr->logfd);
    }
    g_free(chr->filename);
    g_free(chr->id);
}

static const TypeInfo chardev_types[] = {
    {
        .name = TYPE_CHARDEV,
        .parent = TYPE_OBJECT,
        .help = "byte stream to the host",
        .abstract = true,
        .instance_size = sizeof(Chardev),
        .instance_init = chardev_instance_init,
        .instance_finalize = chardev_instance_finalize,
        .class_size = sizeof(ChardevClass),
    },
};

DEFINE_TYPES(chardev_types)
