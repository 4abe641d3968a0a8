/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -smbios: fields of structures, and structures from files. */
#include "util/osdep.h"
#include "smbios-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-smbios.h"
#include "util/file.h"

/* What a table's 32-bit length and a sane machine allow; we read it whole. */
#define SMBIOS_FILE_MAX     (1 * MiB)

static void free_options(void *opts)
{
    qapi_free_SmbiosOptions(opts);
}

SmbiosConfig *smbios_config_new(void)
{
    SmbiosConfig *c = g_new0(SmbiosConfig, 1);

    c->options = g_ptr_array_new_with_free_func(free_options);
    c->strings = g_ptr_array_new_with_free_func(g_free);
    c->files = g_byte_array_new();
    return c;
}

void smbios_config_free(SmbiosConfig *c)
{
    if (c) {
        g_ptr_array_unref(c->options);
        g_ptr_array_unref(c->strings);
        g_byte_array_unref(c->files);
        g_free(c);
    }
}

/* ---- file= ---- */

/* Length of the structure at @p with its strings; 0: it has no end. */
static size_t structure_len(const uint8_t *p, size_t max)
{
    size_t len = max >= SMBIOS_HEADER_BYTES ? p[1] : 0;

    if (len < SMBIOS_HEADER_BYTES) {
        return 0;
    }
    for (; len + 2 <= max; len++) {
        if (!p[len] && !p[len + 1]) {
            return len + 2;
        }
    }
    return 0;
}

static bool type_has_fields(const SmbiosConfig *c, uint8_t type)
{
    for (guint i = 0; i < c->options->len; i++) {
        const SmbiosOptions *o = c->options->pdata[i];

        if (atoi(qapi_enum_str(&SmbiosType_lookup, o->type)) == type) {
            return true;
        }
    }
    return false;
}

static bool add_structures(SmbiosConfig *c, const char *path,
                           const uint8_t *data, size_t size, Error **errp)
{
    for (size_t off = 0, len; off < size; off += len) {
        uint8_t type = data[off];

        len = structure_len(data + off, size - off);
        if (!len || type == SMBIOS_END) {
            error_setg(errp, "'%s' has no whole SMBIOS structure at offset "
                       "%zu", path, off);
            error_append_hint(errp, "A structure is its formatted area and "
                              "its strings, ended by two zero bytes");
            return false;
        }
        if (type_has_fields(c, type)) {
            error_setg(errp, "can't load type %u struct, fields already "
                       "specified!", type);
            return false;
        }
        c->from_file[type] = true;
    }
    g_byte_array_append(c->files, data, size);
    return true;
}

static bool add_file(SmbiosConfig *c, const char *path, Error **errp)
{
    g_autofree char *data = NULL;
    size_t size;

    data = file_read_all(path, SMBIOS_FILE_MAX, &size, errp);
    if (!data) {
        return false;
    }
    if (!size) {
        error_setg(errp, "'%s' is empty", path);
        return false;
    }
    return add_structures(c, path, (uint8_t *)data, size, errp);
}

/* ---- type= ---- */

static bool add_vendor_string(SmbiosConfig *c, char *text, Error **errp)
{
    if (c->strings->len == SMBIOS_MAX_STRINGS) {
        error_setg(errp, "type=11 has at most %u strings", SMBIOS_MAX_STRINGS);
        g_free(text);
        return false;
    }
    g_ptr_array_add(c->strings, text);
    return true;
}

static bool add_vendor_strings(SmbiosConfig *c, const SmbiosType11Options *o,
                               Error **errp)
{
    for (const strList *s = o->value; s; s = s->next) {
        if (!add_vendor_string(c, g_strdup(s->value), errp)) {
            return false;
        }
    }
    for (const strList *s = o->path; s; s = s->next) {
        size_t len;
        char *text = file_read_all(s->value, SMBIOS_FILE_MAX, &len, errp);

        if (!text) {
            return false;
        }
        if (strlen(text) != len) {
            error_setg(errp, "'%s' has a zero byte, a string can't", s->value);
            g_free(text);
            return false;
        }
        if (!add_vendor_string(c, text, errp)) {
            return false;
        }
    }
    return true;
}

static bool check_release(const char *text, Error **errp)
{
    unsigned int major, minor;
    char rest;

    if (text && (sscanf(text, "%3u.%3u%c", &major, &minor, &rest) != 2 ||
                 major > 255 || minor > 255)) {
        error_setg(errp, "Invalid release '%s'", text);
        error_append_hint(errp, "Use MAJOR.MINOR, each from 0 to 255");
        return false;
    }
    return true;
}

static bool check_fields(SmbiosConfig *c, const SmbiosOptions *o, Error **errp)
{
    const char *type = qapi_enum_str(&SmbiosType_lookup, o->type);
    Uuid uuid;

    if (c->from_file[atoi(type)]) {
        error_setg(errp, "can't process fields for type %s, SMBIOS structure "
                   "already loaded via file!", type);
        return false;
    }
    switch (o->type) {
    case SMBIOS_TYPE_0:
        return check_release(o->u.q_0.release, errp);
    case SMBIOS_TYPE_1:
        return !o->u.q_1.uuid ||
               uuid_from_string(o->u.q_1.uuid, &uuid, errp);
    case SMBIOS_TYPE_11:
        return add_vendor_strings(c, &o->u.q_11, errp);
    default:
        return true;
    }
}

bool smbios_config_add(SmbiosConfig *c, struct json_object *option,
                       Error **errp)
{
    bool is_file = json_object_object_get_ex(option, "file", NULL);
    Visitor *v = input_visitor_new(option, VISIT_INPUT_KEYVAL);
    g_autoptr(SmbiosFileOptions) file = NULL;
    SmbiosOptions *opts = NULL;
    bool ok;

    ok = is_file ? visit_type_SmbiosFileOptions(v, NULL, &file, errp)
                 : visit_type_SmbiosOptions(v, NULL, &opts, errp);
    visit_free(v);
    if (!ok) {
        return false;
    }
    if (is_file) {
        return add_file(c, file->file, errp);
    }
    if (!check_fields(c, opts, errp)) {
        qapi_free_SmbiosOptions(opts);
        return false;
    }
    g_ptr_array_add(c->options, opts);
    return true;
}
