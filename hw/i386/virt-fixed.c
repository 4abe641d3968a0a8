/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches of other x86 boards that clients set to what this one is anyway.
 * They take that value, and have no field. They are not listed: who finds them
 * there would take it that they can be chosen.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "qapi/qapi-visit-common.h"

static bool fixed_get_bool(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    const Property *row = opaque;
    bool on = row->def.u;

    return visit_type_bool(v, name, &on, errp);
}

static bool fixed_get_auto(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    const Property *row = opaque;
    OnOffAuto value = row->def.u ? ON_OFF_AUTO_ON : ON_OFF_AUTO_OFF;

    return visit_type_OnOffAuto(v, name, &value, errp);
}

static bool fixed_accept(const Property *row, bool on, Error **errp)
{
    if (on != row->def.u) {
        error_setg(errp, "%s=%s: %s", row->name, on ? "on" : "off", row->help);
        error_append_hint(errp, "Leave it out, or use %s=%s.", row->name,
                          on ? "off" : "on");
    }
    return on == row->def.u;
}

static bool fixed_set_bool(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    bool on;

    return visit_type_bool(v, name, &on, errp) &&
           fixed_accept(opaque, on, errp);
}

static bool fixed_set_auto(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    OnOffAuto value;

    return visit_type_OnOffAuto(v, name, &value, errp) &&
           (value == ON_OFF_AUTO_AUTO ||
            fixed_accept(opaque, value == ON_OFF_AUTO_ON, errp));
}

static const PropertyInfo fixed_bool = {
    .type = "bool", .get = fixed_get_bool, .set = fixed_set_bool,
};

static const PropertyInfo fixed_auto = {
    .type = "OnOffAuto", .get = fixed_get_auto, .set = fixed_set_auto,
};

#define FIXED(n, inf, on, h)                                                   \
    { .name = (n), .info = &(inf), .flags = PROP_F_HIDDEN | PROP_F_NO_DEF,     \
      .def.u = (on), .help = (h) }

static const Property fixed_props[] = {
    FIXED("acpi", fixed_auto, true,
          "the guest finds its devices by ACPI and PCI alone"),
    FIXED("hpet", fixed_bool, false, "there is no HPET"),
    FIXED("pit", fixed_auto, false, "there is no interval timer (i8254)"),
    FIXED("smm", fixed_auto, false, "there is no system management mode"),
    FIXED("vmport", fixed_auto, false, "there is no port of VMware's"),
};

void virt_add_fixed_props(ObjectClass *oc)
{
    object_class_add_props(oc, fixed_props);
}
