/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine and how far its start has come; see hw/core/machine.h. */
#include "util/osdep.h"
#include "hw/core/machine.h"
#include "util/cutils.h"
#include "backends/hostmem.h"
#include "hw/core/reset.h"
#include "machine-internal.h"
#include "trace/trace-hw_core.h"

static MachineState *the_machine;
static MachinePhase phase;

/* ---- Types ---- */

static bool machine_class_is(MachineClass *mc, const char *name)
{
    return g_str_equal(mc->name, name) ||
           (mc->alias && g_str_equal(mc->alias, name));
}

/* Boards that were left out on purpose; names begin with these. */
static const char *const machine_absent[] = { "pc", "q35", "microvm", "isapc",
                                              "xenpv", "xenfv", "x-remote" };

static bool machine_is_absent(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(machine_absent); i++) {
        size_t len = strlen(machine_absent[i]);

        if (strncmp(name, machine_absent[i], len) == 0 &&
            (!name[len] || name[len] == '-')) {
            return true;
        }
    }
    return false;
}

static void machine_unsupported(const char *name, GSList *classes,
                                Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (GSList *e = classes; e; e = e->next) {
        MachineClass *mc = e->data;

        g_ptr_array_add(names, (void *)mc->name);
        if (mc->alias) {
            g_ptr_array_add(names, (void *)mc->alias);
        }
    }
    g_ptr_array_add(names, NULL);
    error_setg(errp, "unsupported machine type '%s'", name);
    if (machine_is_absent(name)) {
        error_append_hint(errp, "this program leaves it out on purpose; use "
                          "'virt'");
    } else if (closest_string(name, (const char *const *)names->pdata)) {
        error_hint_closest(errp, name, (const char *const *)names->pdata);
    } else {
        error_append_hint(errp, "-machine help lists the machines");
    }
}

MachineClass *machine_class_by_name(const char *name, Error **errp)
{
    GSList *classes = object_class_get_list(TYPE_MACHINE, false);
    MachineClass *found = NULL;

    for (GSList *e = classes; e && !found; e = e->next) {
        if (machine_class_is(e->data, name)) {
            found = e->data;
        }
    }
    if (!found) {
        machine_unsupported(name, classes, errp);
    }
    g_slist_free(classes);
    return found;
}

MachineClass *machine_class_default(void)
{
    GSList *classes = object_class_get_list(TYPE_MACHINE, false);
    MachineClass *found = NULL;

    for (GSList *e = classes; e && !found; e = e->next) {
        if (MACHINE_CLASS(e->data)->is_default) {
            found = e->data;
        }
    }
    g_slist_free(classes);
    return found;
}

void machine_print_help(void)
{
    GSList *classes = object_class_get_list(TYPE_MACHINE, false);

    printf("Supported machines are:\n");
    for (GSList *e = classes; e; e = e->next) {
        MachineClass *mc = e->data;

        if (mc->alias) {
            printf("%-20s %s (alias of %s)\n", mc->alias, mc->desc, mc->name);
        }
        printf("%-20s %s%s%s\n", mc->name, mc->desc,
               mc->is_default ? " (default)" : "",
               mc->deprecation_reason ? " (deprecated)" : "");
    }
    g_slist_free(classes);
}

void machine_class_add_compat_props(MachineClass *mc,
                                    const GlobalProperty *props, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_ptr_array_add(mc->compat_props, (void *)&props[i]);
    }
}

/* ---- The machine ---- */

MachineState *machine_create(MachineClass *mc)
{
    Object *obj;

    g_assert(!the_machine);
    obj = object_new_from_class(OBJECT_CLASS(mc));
    the_machine = MACHINE(obj);
    object_property_add_child(object_get_root(), "machine", obj);
    object_unref(obj);
    qdev_container("peripheral");
    qdev_container("peripheral-anon");
    qdev_container("unattached");
    return the_machine;
}

MachineState *machine_get(void)
{
    return the_machine;
}

void machine_destroy(void)
{
    if (the_machine) {
        object_unparent(OBJECT(the_machine));
    }
    the_machine = NULL;
    phase = PHASE_NO_MACHINE;
}

bool machine_prepare(MachineState *ms, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    for (guint i = 0; i < mc->compat_props->len; i++) {
        object_add_compat_props(mc->compat_props->pdata[i], 1);
    }
    host_memory_set_defaults(ms->mem_merge, ms->dump_guest_core);
    if (!ms->smp_given && !machine_set_smp(ms, NULL, errp)) {
        return false;
    }
    if (!ms->cpu_type) {
        ms->cpu_type = mc->default_cpu_type;
    }
    return machine_settle_memory(ms, errp);
}

bool machine_run_board_init(MachineState *ms, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    if (!machine_create_ram(ms, errp) || (mc->init && !mc->init(ms, errp))) {
        return false;
    }
    machine_phase_advance(PHASE_MACHINE_INITIALIZED);
    return true;
}

bool machine_creation_done(MachineState *ms, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    if (mc->finish && !mc->finish(ms, errp)) {
        return false;
    }
    machine_phase_advance(PHASE_MACHINE_READY);
    notifier_list_notify(&ms->init_done, NULL);
    return true;
}

void machine_add_init_done_notifier(MachineState *ms, Notifier *n)
{
    if (machine_phase_reached(PHASE_MACHINE_READY)) {
        n->notify(n, NULL);
    } else {
        notifier_list_add(&ms->init_done, n);
    }
}

void machine_reset(MachineState *ms)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    if (mc->reset) {
        mc->reset(ms);
    } else {
        reset_all();
    }
}

/* ---- Phases ---- */

bool machine_phase_reached(MachinePhase p)
{
    return phase >= p;
}

void machine_phase_advance(MachinePhase p)
{
    g_assert(p == phase + 1);
    phase = p;
    trace_machine_phase(p);
}

/* ---- CPU slots ---- */

bool machine_set_cpu_type(MachineState *ms, const char *type, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);
    const char *const *valid = mc->valid_cpu_types;
    ObjectClass *oc = object_class_by_user_name(type, "cpu", "CPU model", errp);
    g_autofree char *list = NULL;

    if (!oc) {
        return false;
    }
    for (; valid && *valid; valid++) {
        if (object_class_dynamic_cast(oc, *valid)) {
            break;
        }
    }
    if (mc->valid_cpu_types && !*valid) {
        list = g_strjoinv(", ", (char **)mc->valid_cpu_types);
        error_setg(errp, "Invalid CPU type: %s", type);
        error_append_hint(errp, "machine '%s' takes: %s", mc->name, list);
        return false;
    }
    ms->cpu_type = object_class_get_name(oc);
    return true;
}

const CpuSlotList *machine_possible_cpus(MachineState *ms)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    return mc->possible_cpus ? mc->possible_cpus(ms) : NULL;
}

CpuSlotList *cpu_slot_list_new(unsigned n)
{
    CpuSlotList *list = g_malloc0(sizeof(*list) + n * sizeof(list->slots[0]));

    list->len = n;
    for (unsigned i = 0; i < n; i++) {
        list->slots[i].ids = (CpuIds){ -1, -1, -1, -1, -1, -1 };
    }
    return list;
}

char *cpu_ids_to_string(const CpuIds *ids)
{
    const struct {
        const char *name;
        int64_t id;
    } parts[] = {
        { "socket-id", ids->socket_id }, { "die-id", ids->die_id },
        { "cluster-id", ids->cluster_id }, { "core-id", ids->core_id },
        { "thread-id", ids->thread_id },
    };
    GString *s = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].id >= 0) {
            g_string_append_printf(s, "%s%s: %" PRId64, s->len ? ", " : "",
                                   parts[i].name, parts[i].id);
        }
    }
    return g_string_free(s, false);
}
