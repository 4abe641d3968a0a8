/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to save; see include/migration/vmstate.h. */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "util/queue.h"
#include "trace/trace-migration.h"

typedef struct RegistryEntry {
    VMStateEntry se;
    TAILQ_ENTRY(RegistryEntry) next;
} RegistryEntry;

/* Sorted: higher priority first, then in order of registration. */
static TAILQ_HEAD(Registry, RegistryEntry) registry =
    TAILQ_HEAD_INITIALIZER(registry);

/* The wire has one byte for the length of a name. */
#define IDSTR_MAX 255

static void registry_insert(RegistryEntry *e)
{
    RegistryEntry *pos;

    TAILQ_FOREACH(pos, &registry, next) {
        if (pos->se.vmsd->priority < e->se.vmsd->priority) {
            TAILQ_INSERT_BEFORE(pos, e, next);
            return;
        }
    }
    TAILQ_INSERT_TAIL(&registry, e, next);
}

bool vmstate_register(const char *path, const VMStateDescription *vmsd,
                      void *opaque, Error **errp)
{
    g_autofree char *idstr = path ? g_strdup_printf("%s/%s", path, vmsd->name)
                                  : g_strdup(vmsd->name);
    uint32_t instance_id = 0;
    RegistryEntry *e;

    if (strlen(idstr) > IDSTR_MAX) {
        error_setg(errp, "the path of '%s' is longer than %d characters",
                   vmsd->name, IDSTR_MAX);
        error_append_hint(errp, "use shorter ids or fewer bridges");
        return false;
    }
    TAILQ_FOREACH(e, &registry, next) {
        if (!g_str_equal(e->se.idstr, idstr)) {
            continue;
        }
        if (path) {
            error_setg(errp, "the state of '%s' is registered already", idstr);
            return false;
        }
        instance_id = MAX(instance_id, e->se.instance_id + 1);
    }
    e = g_new0(RegistryEntry, 1);
    e->se.idstr = g_steal_pointer(&idstr);
    e->se.instance_id = instance_id;
    e->se.vmsd = vmsd;
    e->se.opaque = opaque;
    registry_insert(e);
    trace_vmstate_register(e->se.idstr, instance_id, opaque);
    return true;
}

void vmstate_unregister(const VMStateDescription *vmsd, void *opaque)
{
    RegistryEntry *e, *tmp;

    TAILQ_FOREACH_SAFE(e, &registry, next, tmp) {
        if (e->se.vmsd == vmsd && e->se.opaque == opaque) {
            trace_vmstate_unregister(e->se.idstr, e->se.instance_id, opaque);
            TAILQ_REMOVE(&registry, e, next);
            g_free(e->se.idstr);
            g_free(e);
        }
    }
}

bool vmstate_foreach(VMStateEntryFn *fn, void *opaque, Error **errp)
{
    RegistryEntry *e;

    TAILQ_FOREACH(e, &registry, next) {
        if (!fn(&e->se, opaque, errp)) {
            return false;
        }
    }
    return true;
}
