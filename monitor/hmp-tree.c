/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "info qom-tree", "info qtree", "info mtree", "info registers": what stands in
 * the process rather than in the answer of a query. */
#include "util/osdep.h"
#include "hmp-internal.h"
#include <json-c/json.h>
#include "hw/core/cpu.h"
#include "qapi/qapi-types.h"
#include "qapi/visitor.h"
#include "system/memory.h"

/* ---- Objects ---- */

typedef struct TreeWalk {
    GString *out;
    int indent;
    const char *name;               /* of the first; NULL: its own */
} TreeWalk;

static int qom_tree(Object *obj, void *opaque)
{
    TreeWalk *w = opaque;
    TreeWalk inner = { w->out, w->indent + 2, NULL };

    g_string_append_printf(w->out, "%*s/%s (%s)\n", w->indent, "", w->name ?
                           w->name : object_get_canonical_path_component(obj),
                           object_get_typename(obj));
    return object_child_foreach(obj, qom_tree, &inner);
}

void hmp_info_qom_tree(const char *args, GString *out)
{
    const char *path = args ? args : "/machine";
    Object *obj = object_resolve_path(path, NULL);
    TreeWalk w = { out, 0, NULL };

    if (!obj) {
        g_string_append_printf(out, "Path '%s' could not be resolved.\n", path);
        return;
    }
    w.name = path + (path[0] == '/');
    qom_tree(obj, &w);
}

/* What each type is for; the manual is made from it. */
void hmp_info_qom_types(const char *args, GString *out)
{
    GSList *classes = object_class_get_list(NULL, true);

    for (GSList *e = classes; e; e = e->next) {
        const char *help = object_class_get_help(e->data);

        g_string_append_printf(out, "%s: %s\n", object_class_get_name(e->data),
                               help ? help : "");
    }
    g_slist_free(classes);
}

/* ---- Devices ---- */

typedef struct PropWalk {
    Object *obj;
    GString *out;
    int indent;
} PropWalk;

static char *value_text(struct json_object *val)
{
    int64_t num = json_object_get_int64(val);

    if (json_object_is_type(val, json_type_string)) {
        return g_strdup_printf("\"%s\"", json_object_get_string(val));
    }
    if (!json_object_is_type(val, json_type_int)) {
        return qapi_value_to_string(val, true);
    }
    return num < 0 ? g_strdup_printf("%" PRId64, num) :
           g_strdup_printf("%" PRIu64 " (0x%" PRIx64 ")",
                           json_object_get_uint64(val),
                           json_object_get_uint64(val));
}

static char *prop_text(Object *obj, const char *name)
{
    Visitor *v = output_visitor_new();
    struct json_object *val;
    char *text = NULL;

    if (object_property_get(obj, name, v, NULL)) {
        val = output_visitor_take(v);
        text = value_text(val);
        json_object_put(val);
    }
    visit_free(v);
    return text;
}

/* Those of the property table: what -device takes. */
static bool qtree_prop(ObjectProperty *prop, void *opaque)
{
    PropWalk *w = opaque;
    g_autofree char *text = NULL;

    if (!prop->row || prop->row->flags & PROP_F_HIDDEN) {
        return true;
    }
    text = prop_text(w->obj, prop->name);
    if (text) {
        g_string_append_printf(w->out, "%*s%s = %s\n", w->indent, "",
                               prop->name, text);
    }
    return true;
}

/* The depth is that of the machine's buses: bridges behind bridges. */
static void qtree_bus(BusState *bus, int indent, GString *out)
{
    DeviceState *dev;
    BusState *child;

    g_string_append_printf(out, "%*sbus: %s\n%*s  type %s\n", indent, "",
                           bus->name, indent, "",
                           object_get_typename(OBJECT(bus)));
    TAILQ_FOREACH(dev, &bus->children, sibling) {
        PropWalk w = { OBJECT(dev), out, indent + 4 };

        g_string_append_printf(out, "%*s  dev: %s, id \"%s\"\n", indent, "",
                               object_get_typename(OBJECT(dev)),
                               dev->id ? dev->id : "");
        object_property_foreach(OBJECT(dev), qtree_prop, &w);
        TAILQ_FOREACH(child, &dev->child_buses, sibling) {
            qtree_bus(child, indent + 4, out);
        }
    }
}

/* A bridge to the board sits on no bus. */
static void qtree_root(BusState *bus, void *opaque)
{
    if (!bus->parent || !bus->parent->parent_bus) {
        qtree_bus(bus, 0, opaque);
    }
}

void hmp_info_qtree(const char *args, GString *out)
{
    qbus_foreach(qtree_root, out);
}

/* ---- Memory ---- */

static const char *region_kind(const MemoryRegion *mr)
{
    return mr->ram ? mr->readonly ? "rom" : "ram" : "i/o";
}

static uint64_t region_last(const MemoryRegion *mr, uint64_t base)
{
    return base + (mr->size ? mr->size - 1 : 0) +
           (mr->size == UINT64_MAX ? 1 : 0);
}

static void mtree_region(const MemoryRegion *mr, uint64_t base, int indent,
                         GString *out)
{
    MemoryRegion *sub;

    g_string_append_printf(out, "%*s%016" PRIx64 "-%016" PRIx64 " (prio %d, %s"
                           "): ", indent, "", base, region_last(mr, base),
                           mr->priority, region_kind(mr->alias ? mr->alias :
                                                     mr));
    if (mr->alias) {
        g_string_append_printf(out, "alias %s @%s %016" PRIx64 "-%016" PRIx64,
                               mr->name, mr->alias->name, mr->alias_offset,
                               region_last(mr, mr->alias_offset));
    } else {
        g_string_append(out, mr->name);
    }
    g_string_append(out, mr->enabled ? "\n" : " [disabled]\n");
    TAILQ_FOREACH(sub, &mr->subregions, link) {
        mtree_region(sub, base + sub->addr, indent + 2, out);
    }
}

void hmp_info_mtree(const char *args, GString *out)
{
    g_string_append(out, "address-space: memory\n");
    mtree_region(get_system_memory(), 0, 2, out);
    g_string_append(out, "\naddress-space: I/O\n");
    mtree_region(get_system_io(), 0, 2, out);
}

/* ---- Registers ---- */

void hmp_info_registers(const char *args, GString *out)
{
    bool all = args && g_str_equal(args, "-a");
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        CPUClass *cc = CPU_GET_CLASS(cpu);

        if (!cc->describe_regs) {
            g_string_append(out, "registers are not shown for this CPU\n");
            return;
        }
        g_string_append_printf(out, "\nCPU#%u\n", cpu->cpu_index);
        cpu_synchronize_state(cpu);
        cc->describe_regs(cpu, out);
        if (!all) {
            return;
        }
    }
}
