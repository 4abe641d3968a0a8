/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Save and load by table; see include/migration/vmstate.h. */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "trace/trace-migration.h"

/* In front of a subsection's name (docs of the stream: QEMU_VM_SUBSECTION). */
#define SUBSECTION_MARK 0x05

static bool field_exists(const VMStateField *f, void *opaque, int version_id)
{
    return f->field_exists ? f->field_exists(opaque, version_id)
                           : f->version_id <= version_id;
}

static uint64_t count_load(const VMStateField *f, const void *opaque)
{
    const char *p = (const char *)opaque + f->count_offset;

    switch (f->count_size) {
    case 1:
        return *(const uint8_t *)p;
    case 2:
        return *(const uint16_t *)p;
    default:
        return *(const uint32_t *)p;
    }
}

/* What the table makes of one field of one object. */
typedef struct FieldData {
    char *base;
    size_t n;                       /* elements */
    size_t size;                    /* bytes of each */
} FieldData;

/* Elements and their size; false when the count exceeds the capacity. */
static bool field_measure(const VMStateField *f, const void *opaque,
                          FieldData *d, Error **errp)
{
    uint64_t count;

    d->n = f->flags & VMS_ARRAY ? f->num : 1;
    d->size = f->size;
    if (!(f->flags & (VMS_VARRAY | VMS_VBUFFER))) {
        return true;
    }
    count = count_load(f, opaque);
    if (count > f->num) {
        error_setg(errp, "%" PRIu64 " elements, at most %zu fit", count,
                   f->num);
        return false;
    }
    if (f->flags & VMS_VARRAY) {
        d->n = count;
    } else {
        d->n = count ? 1 : 0;
        d->size = count;
    }
    return true;
}

/* Where the data stands; for a load, storage is made when the table says so. */
static bool field_locate(const VMStateField *f, void *opaque, bool load,
                         FieldData *d, Error **errp)
{
    char *p = (char *)opaque + f->offset;

    if (!field_measure(f, opaque, d, errp)) {
        return false;
    }
    if (!(f->flags & VMS_POINTER)) {
        d->base = p;
        return true;
    }
    if (load && (f->flags & VMS_ALLOC)) {
        g_free(*(void **)p);
        *(void **)p = d->n ? g_malloc0_n(d->n, d->size) : NULL;
    }
    d->base = *(char **)p;
    if (d->n && !d->base) {
        error_setg(errp, "it has no storage here");
        return false;
    }
    return true;
}

/* ---- Saving ---- */

static bool save_field(const VMStateField *f, void *opaque, VMStateWriter *w,
                       Error **errp)
{
    FieldData d;

    if (f->flags & VMS_VALIDATE) {
        return true;
    }
    if (!field_locate(f, opaque, false, &d, errp)) {
        return false;
    }
    for (size_t i = 0; i < d.n; i++) {
        void *element = d.base + i * d.size;
        bool ok = f->flags & VMS_STRUCT
                  ? vmstate_save(f->vmsd, element, w, errp)
                  : f->info->put(w, element, d.size, f, errp);

        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool save_fields(const VMStateDescription *vmsd, void *opaque,
                        VMStateWriter *w, Error **errp)
{
    for (const VMStateField *f = vmsd->fields; f && f->name; f++) {
        if (!field_exists(f, opaque, vmsd->version_id)) {
            continue;
        }
        if (!save_field(f, opaque, w, errp)) {
            error_prepend(errp, "'%s' of '%s': ", f->name, vmsd->name);
            return false;
        }
    }
    return true;
}

static bool save_subsections(const VMStateDescription *vmsd, void *opaque,
                             VMStateWriter *w, Error **errp)
{
    const VMStateDescription *const *sub = vmsd->subsections;

    for (; sub && *sub; sub++) {
        size_t len = strlen((*sub)->name);

        if ((*sub)->needed && !(*sub)->needed(opaque)) {
            continue;
        }
        g_assert(len <= UINT8_MAX);
        if (!vmstate_write_u8(w, SUBSECTION_MARK, errp) ||
            !vmstate_write_u8(w, len, errp) ||
            !vmstate_write(w, (*sub)->name, len, errp) ||
            !vmstate_write_be32(w, (*sub)->version_id, errp) ||
            !vmstate_save(*sub, opaque, w, errp)) {
            return false;
        }
    }
    return true;
}

bool vmstate_save(const VMStateDescription *vmsd, void *opaque,
                  VMStateWriter *w, Error **errp)
{
    bool ok;

    trace_vmstate_save(vmsd->name, vmsd->version_id);
    if (vmsd->unmigratable) {
        error_setg(errp, "State blocked by non-migratable device '%s': %s",
                   vmsd->name, vmsd->unmigratable);
        return false;
    }
    if (vmsd->pre_save && !vmsd->pre_save(opaque, errp)) {
        error_prepend(errp, "'%s': ", vmsd->name);
        return false;
    }
    ok = save_fields(vmsd, opaque, w, errp) &&
         save_subsections(vmsd, opaque, w, errp);
    if (vmsd->post_save) {
        vmsd->post_save(opaque);
    }
    return ok;
}

/* ---- Loading ---- */

static bool load_field(const VMStateField *f, void *opaque, VMStateReader *r,
                       Error **errp)
{
    FieldData d;

    if (!field_locate(f, opaque, true, &d, errp)) {
        return false;
    }
    for (size_t i = 0; i < d.n; i++) {
        void *element = d.base + i * d.size;
        bool ok = f->flags & VMS_STRUCT
                  ? vmstate_load(f->vmsd, element, f->vmsd->version_id, r,
                                 errp)
                  : f->info->get(r, element, d.size, f, errp);

        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool load_fields(const VMStateDescription *vmsd, void *opaque,
                        int version_id, VMStateReader *r, Error **errp)
{
    for (const VMStateField *f = vmsd->fields; f && f->name; f++) {
        bool exists = field_exists(f, opaque, version_id);

        if (f->flags & VMS_VALIDATE) {
            if (!exists) {
                error_setg(errp, "'%s': check '%s' failed", vmsd->name,
                           f->name);
                return false;
            }
        } else if (exists && !load_field(f, opaque, r, errp)) {
            error_prepend(errp, "'%s' of '%s': ", f->name, vmsd->name);
            return false;
        }
    }
    return true;
}

/*
 * Whether what comes next is a subsection of @vmsd: the mark, and a name that
 * starts with @vmsd's and a slash. Anything else belongs to who embeds us.
 * Returns the length of the name, or 0.
 */
static size_t peek_subsection(const VMStateDescription *vmsd, VMStateReader *r)
{
    size_t stem = strlen(vmsd->name);
    const uint8_t *p = vmstate_peek(r, 1, NULL);
    size_t len;

    if (!p || p[0] != SUBSECTION_MARK || !(p = vmstate_peek(r, 2, NULL))) {
        return 0;
    }
    len = p[1];
    if (len <= stem + 1 || !(p = vmstate_peek(r, 2 + len, NULL)) ||
        memcmp(p + 2, vmsd->name, stem) || p[2 + stem] != '/') {
        return 0;
    }
    return len;
}

static const VMStateDescription *find_subsection(const VMStateDescription *vmsd,
                                                 const char *name)
{
    const VMStateDescription *const *sub = vmsd->subsections;

    for (; sub && *sub; sub++) {
        if (g_str_equal((*sub)->name, name)) {
            return *sub;
        }
    }
    return NULL;
}

static bool load_subsections(const VMStateDescription *vmsd, void *opaque,
                             VMStateReader *r, Error **errp)
{
    size_t len;

    while ((len = peek_subsection(vmsd, r)) != 0) {
        const VMStateDescription *sub;
        uint32_t version;
        char name[UINT8_MAX + 1];

        if (!vmstate_skip(r, 2, errp) || !vmstate_read(r, name, len, errp) ||
            !vmstate_read_be32(r, &version, errp)) {
            return false;
        }
        name[len] = '\0';
        sub = find_subsection(vmsd, name);
        if (!sub) {
            g_autofree char *shown = g_strescape(name, NULL);

            error_setg(errp, "'%s': unknown subsection '%s'", vmsd->name,
                       shown);
            return false;
        }
        if (version > INT_MAX) {
            error_setg(errp, "'%s': incoming version %" PRIu32 " is too new",
                       name, version);
            return false;
        }
        if (!vmstate_load(sub, opaque, version, r, errp)) {
            return false;
        }
    }
    return true;
}

bool vmstate_load(const VMStateDescription *vmsd, void *opaque, int version_id,
                  VMStateReader *r, Error **errp)
{
    trace_vmstate_load(vmsd->name, version_id);
    if (vmsd->unmigratable) {
        error_setg(errp, "'%s' cannot be loaded: %s", vmsd->name,
                   vmsd->unmigratable);
        return false;
    }
    if (version_id > vmsd->version_id || version_id < vmsd->minimum_version_id) {
        error_setg(errp, "'%s': incoming version %d is too %s, %d to %d can be "
                   "loaded", vmsd->name, version_id,
                   version_id > vmsd->version_id ? "new" : "old",
                   vmsd->minimum_version_id, vmsd->version_id);
        return false;
    }
    if (vmsd->pre_load && !vmsd->pre_load(opaque, errp)) {
        error_prepend(errp, "'%s': ", vmsd->name);
        return false;
    }
    if (!load_fields(vmsd, opaque, version_id, r, errp) ||
        !load_subsections(vmsd, opaque, r, errp)) {
        trace_vmstate_load_failed(vmsd->name, version_id);
        return false;
    }
    if (vmsd->post_load && !vmsd->post_load(opaque, version_id, errp)) {
        error_prepend(errp, "'%s': ", vmsd->name);
        return false;
    }
    return true;
}
