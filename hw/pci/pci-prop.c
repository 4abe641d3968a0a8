/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The "addr" property: written as slot.function or a number, read as devfn. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "hw/pci/pci.h"
#include "qapi/visitor.h"

static bool pci_parse_hex(const char **s, unsigned int max, unsigned int *out)
{
    char *end;
    unsigned long v;

    if (!g_ascii_isxdigit(**s)) {
        return false;
    }
    v = strtoul(*s, &end, 16);
    if (v > max) {
        return false;
    }
    *s = end;
    *out = v;
    return true;
}

/* Both parts are hexadecimal, with or without 0x. */
static bool pci_parse_addr(const char *s, int32_t *devfn)
{
    unsigned int slot, fn = 0;

    if (!pci_parse_hex(&s, PCI_SLOT_MAX - 1, &slot)) {
        return false;
    }
    if (*s == '.') {
        s++;
        if (!pci_parse_hex(&s, PCI_FUNC_MAX - 1, &fn)) {
            return false;
        }
    }
    *devfn = PCI_DEVFN_OF(slot, fn);
    return *s == '\0';
}

/* Clients compute with it, so that it reads as a number. */
static bool pci_devfn_get(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    return visit_type_int32(v, name, property_field(obj, opaque), errp);
}

static bool pci_devfn_set(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    int32_t *field = property_field(obj, opaque);
    g_autoptr(Error) err = NULL;
    g_autofree char *s = NULL;
    int32_t devfn;

    if (!visit_type_str(v, name, &s, &err)) {
        if (!visit_type_int32(v, name, &devfn, errp)) {
            return false;
        }
        if (devfn < -1 || devfn >= PCI_DEVFN_MAX) {
            error_setg(errp, "property '%s': %d is not a PCI address, must be "
                       "-1 to %d", name, devfn, PCI_DEVFN_MAX - 1);
            return false;
        }
        *field = devfn;
        return true;
    }
    if (!strcmp(s, "-1")) {
        *field = -1;
        return true;
    }
    if (!pci_parse_addr(s, &devfn)) {
        error_setg(errp, "property '%s': '%s' is not a PCI address", name, s);
        error_append_hint(errp, "Give slot or slot.function in hexadecimal: "
                          "slot 0 to 1f, function 0 to 7.");
        return false;
    }
    *field = devfn;
    return true;
}

static void pci_devfn_set_default(Object *obj, const Property *prop)
{
    *(int32_t *)property_field(obj, prop) = prop->def.i;
}

static struct json_object *pci_devfn_default_json(const Property *prop)
{
    return json_object_new_int(prop->def.i);
}

const PropertyInfo prop_info_pci_devfn = {
    .type = "int32",
    .get = pci_devfn_get,
    .set = pci_devfn_set,
    .set_default = pci_devfn_set_default,
    .default_json = pci_devfn_default_json,
};
