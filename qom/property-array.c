/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property rows that hold a list: a pointer field with the elements and a
 * uint32_t field with their count. An element is handled by the row's element
 * info, which sees a row whose field is that element.
 */
#include "util/osdep.h"
#include "qom/property.h"
#include "qapi/visitor.h"

/* More elements than any device of ours takes; bounds what a user can ask. */
#define PROP_ARRAY_MAX 4096

static uint32_t *array_count(Object *obj, const Property *row)
{
    return (uint32_t *)((char *)obj + row->array_len_offset);
}

static Property array_element(Object *obj, const Property *row, void *element)
{
    Property prop = *row;

    prop.info = row->array_info;
    prop.offset = (char *)element - (char *)obj;
    return prop;
}

static void array_free(Object *obj, const Property *row, char *elements,
                       uint32_t n)
{
    for (uint32_t i = 0; row->array_info->release && i < n; i++) {
        Property el = array_element(obj, row,
                                    elements + i * row->array_elem_size);

        row->array_info->release(obj, row->name, &el);
    }
    g_free(elements);
}

static void prop_array_release(Object *obj, const char *name, void *opaque)
{
    const Property *row = opaque;
    char **field = property_field(obj, row);

    array_free(obj, row, *field, *array_count(obj, row));
    *field = NULL;
    *array_count(obj, row) = 0;
}

static bool prop_array_get(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    const Property *row = opaque;
    char *elements = *(char **)property_field(obj, row);
    bool ok = true;

    if (!visit_start_list(v, name, errp)) {
        return false;
    }
    for (uint32_t i = 0; ok && i < *array_count(obj, row); i++) {
        Property el = array_element(obj, row,
                                    elements + i * row->array_elem_size);

        visit_next_list(v);
        ok = row->array_info->get(obj, v, NULL, &el, errp);
    }
    visit_end_list(v);
    return ok;
}

static bool prop_array_set(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    const Property *row = opaque;
    size_t size = row->array_elem_size;
    char *elements = NULL;
    uint32_t n = 0;
    bool ok = true;

    if (!visit_start_list(v, name, errp)) {
        return false;
    }
    while (ok && visit_next_list(v)) {
        Property el;

        if (n == PROP_ARRAY_MAX) {
            error_setg(errp, "Property '%s.%s' takes at most %d elements",
                       object_get_typename(obj), row->name, PROP_ARRAY_MAX);
            ok = false;
            break;
        }
        elements = g_realloc_n(elements, n + 1, size);
        memset(elements + n * size, 0, size);
        el = array_element(obj, row, elements + n * size);
        n++;
        ok = row->array_info->set(obj, v, NULL, &el, errp);
    }
    visit_end_list(v);
    if (!ok) {
        array_free(obj, row, elements, n);
        return false;
    }
    prop_array_release(obj, name, opaque);
    *(char **)property_field(obj, row) = elements;
    *array_count(obj, row) = n;
    return true;
}

const PropertyInfo prop_info_array = {
    .type = "list", .get = prop_array_get, .set = prop_array_set,
    .release = prop_array_release,
};
