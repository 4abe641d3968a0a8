/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -device help and -device TYPE,help. Programs read these lines too. */
#include "util/osdep.h"
#include "hw/core/qdev-monitor.h"
#include <json-c/json.h>
#include "qdev-internal.h"

static const char *const category_titles[DEVICE_CATEGORY__MAX + 1] = {
    [DEVICE_CATEGORY_BRIDGE]   = "Controller/Bridge/Hub",
    [DEVICE_CATEGORY_USB]      = "USB",
    [DEVICE_CATEGORY_STORAGE]  = "Storage",
    [DEVICE_CATEGORY_NETWORK]  = "Network",
    [DEVICE_CATEGORY_INPUT]    = "Input",
    [DEVICE_CATEGORY_DISPLAY]  = "Display",
    [DEVICE_CATEGORY_SOUND]    = "Sound",
    [DEVICE_CATEGORY_MISC]     = "Misc",
    [DEVICE_CATEGORY_CPU]      = "CPU",
    [DEVICE_CATEGORY_WATCHDOG] = "Watchdog",
    [DEVICE_CATEGORY__MAX]     = "Uncategorized",
};

static void print_alias(const char *alias, void *opaque)
{
    printf(", alias \"%s\"", alias);
}

static void print_device(DeviceClass *dc)
{
    const char *name = object_class_get_name(OBJECT_CLASS(dc));
    const char *desc = dc->desc ? dc->desc
                                : object_class_get_help(OBJECT_CLASS(dc));

    printf("name \"%s\"", name);
    if (dc->bus_type) {
        printf(", bus %s", dc->bus_type);
    }
    type_foreach_alias(name, print_alias, NULL);
    if (desc) {
        printf(", desc \"%s\"", desc);
    }
    printf("\n");
}

static bool in_category(const DeviceClass *dc, int category)
{
    return category == DEVICE_CATEGORY__MAX ? !dc->categories
                                            : dc->categories & BIT(category);
}

void qdev_print_device_help(void)
{
    GSList *classes = object_class_get_list(TYPE_DEVICE, false);
    bool first = true;

    for (int cat = 0; cat <= DEVICE_CATEGORY__MAX; cat++) {
        bool titled = false;

        for (GSList *e = classes; e; e = e->next) {
            DeviceClass *dc = e->data;

            if (!dc->user_creatable || !in_category(dc, cat)) {
                continue;
            }
            if (!titled) {
                printf("%s%s devices:\n", first ? "" : "\n",
                       category_titles[cat]);
                titled = true;
                first = false;
            }
            print_device(dc);
        }
    }
    g_slist_free(classes);
}

/* ---- One type ---- */

static bool print_property(ObjectProperty *prop, void *opaque)
{
    struct json_object *def;
    int width;

    if (!prop->set || (prop->row && prop->row->flags & PROP_F_HIDDEN)) {
        return true;
    }
    width = printf("  %s=<%s>", prop->name, prop->type);
    printf("%*s - %s", MAX(0, 24 - width), "", prop->description);
    def = object_property_get_default(prop);
    if (def) {
        printf(" (default: %s)", json_object_is_type(def, json_type_string)
               ? json_object_get_string(def)
               : json_object_to_json_string_ext(def, JSON_C_TO_STRING_PLAIN));
        json_object_put(def);
    }
    printf("\n");
    return true;
}

bool qdev_print_property_help(const char *driver, Error **errp)
{
    DeviceClass *dc = qdev_class_by_driver(driver, errp);
    g_autoptr(Object) obj = NULL;

    if (!dc) {
        return false;
    }
    /* properties that the instance adds, such as those of a part of it */
    obj = object_new_from_class(OBJECT_CLASS(dc));
    object_globals_take_error(NULL);
    printf("%s options:\n", object_get_typename(obj));
    object_property_foreach(obj, print_property, NULL);
    return true;
}
