/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing the accelerator, and the way from devices to it. */
#include "util/osdep.h"
#include "system/accel.h"
#include "hw/core/machine.h"
#include "util/cutils.h"

AccelState *current_accel;
static const AccelClass *accel_class;           /* of current_accel */

static bool accel_is(const char *name)
{
    return accel_class && g_str_equal(accel_class->name, name);
}

bool kvm_enabled(void)
{
    return accel_is("kvm");
}

bool qtest_enabled(void)
{
    return accel_is("qtest");
}

/* ---- Choosing ---- */

static void accel_set_current(AccelState *as)
{
    current_accel = as;
    accel_class = as ? ACCEL_GET_CLASS(as) : NULL;
}

static const char *accel_wanted_irqchip(const MachineState *ms)
{
    if (!ms) {
        return NULL;
    }
    return ms->kernel_irqchip ? ms->kernel_irqchip
                              : MACHINE_GET_CLASS(ms)->default_irqchip;
}

/* "-machine kernel-irqchip=" first, so that -accel has the last word. An
 * accelerator without it has nothing to choose. */
static bool accel_configure(Object *as, MachineState *ms,
                            struct json_object *props, Error **errp)
{
    const char *irqchip = accel_wanted_irqchip(ms);

    if (irqchip && object_property_find(as, "kernel-irqchip") &&
        !object_property_parse(as, "kernel-irqchip", irqchip, errp)) {
        return false;
    }
    return !props || object_set_props(as, props, errp);
}

/* Takes @as. */
static bool accel_try(MachineState *ms, AccelState *as, Error **errp)
{
    AccelClass *ac = ACCEL_GET_CLASS(as);

    accel_set_current(as);
    if (ac->init_machine && !ac->init_machine(as, ms, errp)) {
        accel_set_current(NULL);
        object_unref(as);
        return false;
    }
    return true;
}

static AccelClass *accel_find(const char *name)
{
    g_autofree char *type = g_strconcat(name, TYPE_ACCEL_SUFFIX, NULL);
    ObjectClass *oc = object_class_by_name(type);

    if (oc == NULL || object_class_is_abstract(oc) ||
        !object_class_dynamic_cast(oc, TYPE_ACCEL)) {
        return NULL;
    }
    return ACCEL_CLASS(oc);
}

/* Emulators and other hypervisors' interfaces, asked for by name. */
static const char *const accel_absent[] = { "tcg", "xen", "hax", "hvf", "whpx",
                                            "nvmm", "mshv" };

static bool accel_is_absent(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(accel_absent); i++) {
        if (g_str_equal(accel_absent[i], name)) {
            return true;
        }
    }
    return false;
}

static void accel_unknown(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GSList *classes = object_class_get_list(TYPE_ACCEL, false), *item;

    if (accel_is_absent(name)) {
        g_slist_free(classes);
        error_setg(errp, "accelerator '%s' was left out on purpose", name);
        error_append_hint(errp, "guests run on KVM only: use 'kvm'");
        return;
    }
    error_setg(errp, "unknown accelerator '%s'", name);
    for (item = classes; item; item = item->next) {
        g_ptr_array_add(names, (char *)ACCEL_CLASS(item->data)->name);
    }
    g_slist_free(classes);
    g_ptr_array_add(names, NULL);
    if (closest_string(name, (const char *const *)names->pdata)) {
        error_hint_closest(errp, name, (const char *const *)names->pdata);
    } else {
        error_append_hint(errp, "guests run on KVM only: use 'kvm'");
    }
}

/* @fatal: a wrong option is no reason to look further. */
static bool accel_try_choice(MachineState *ms, const AccelChoice *choice,
                             bool *fatal, Error **errp)
{
    AccelClass *ac = accel_find(choice->name);
    AccelState *as;

    if (!ac) {
        accel_unknown(choice->name, errp);
        return false;
    }
    as = ACCEL(object_new_from_class(OBJECT_CLASS(ac)));
    if (!accel_configure(OBJECT(as), ms, choice->props, errp)) {
        *fatal = true;
        object_unref(as);
        return false;
    }
    return accel_try(ms, as, errp);
}

bool accel_init_choices(MachineState *ms, const AccelChoice *choices, size_t n,
                        Error **errp)
{
    bool fatal = false, known = false;
    Error *err = NULL;

    for (size_t i = 0; i < n && !fatal; i++) {
        Error *this_err = NULL;

        if (accel_try_choice(ms, &choices[i], &fatal, &this_err)) {
            error_free(err);
            return true;
        }
        /* of several, one that we have says more than one that we have not */
        if (err && known && !fatal && !accel_find(choices[i].name)) {
            error_free(this_err);
            continue;
        }
        known |= accel_find(choices[i].name) != NULL;
        error_free(err);
        err = this_err;
    }
    if (!fatal && known && ms && MACHINE_GET_CLASS(ms)->no_ram) {
        error_free(err);
        return true;
    }
    error_propagate(errp, err);
    return false;
}

bool accel_init_machine(MachineState *ms, const char *list,
                        struct json_object *props, Error **errp)
{
    g_auto(GStrv) names = g_strsplit(list, ":", -1);
    guint n = g_strv_length(names);
    g_autofree AccelChoice *choices = g_new0(AccelChoice, n);

    for (guint i = 0; i < n; i++) {
        choices[i] = (AccelChoice){ names[i], props };
    }
    return accel_init_choices(ms, choices, n, errp);
}

void accel_print_help(void)
{
    GSList *classes = object_class_get_list(TYPE_ACCEL, false), *item;

    printf("Accelerators in this build:\n");
    for (item = classes; item; item = item->next) {
        printf("%s\n", ACCEL_CLASS(item->data)->name);
    }
    g_slist_free(classes);
}

/* ---- Interrupts ---- */

void accel_gsi_set(int gsi, int level)
{
    if (accel_class && accel_class->gsi_set) {
        accel_class->gsi_set(current_accel, gsi, level);
    }
}

int accel_msi_send(const MSIMessage *msg)
{
    if (!accel_class || !accel_class->msi_send) {
        return -ENOSYS;
    }
    return accel_class->msi_send(current_accel, msg);
}

int accel_msi_route_add(const MSIMessage *msg)
{
    if (!accel_class || !accel_class->msi_route_add) {
        return -ENOSYS;
    }
    return accel_class->msi_route_add(current_accel, msg);
}

int accel_msi_route_update(int virq, const MSIMessage *msg)
{
    if (!accel_class || !accel_class->msi_route_update) {
        return -ENOSYS;
    }
    return accel_class->msi_route_update(current_accel, virq, msg);
}

void accel_msi_route_commit(void)
{
    if (accel_class && accel_class->msi_route_commit) {
        accel_class->msi_route_commit(current_accel);
    }
}

void accel_msi_route_release(int virq)
{
    if (accel_class && accel_class->msi_route_release) {
        accel_class->msi_route_release(current_accel, virq);
    }
}

int accel_irqfd_add(EventNotifier *n, EventNotifier *resample, int virq)
{
    if (!accel_class || !accel_class->irqfd_add) {
        return -ENOSYS;
    }
    return accel_class->irqfd_add(current_accel, n, resample, virq);
}

int accel_irqfd_del(EventNotifier *n, int virq)
{
    if (!accel_class || !accel_class->irqfd_del) {
        return -ENOSYS;
    }
    return accel_class->irqfd_del(current_accel, n, virq);
}

static const TypeInfo accel_types[] = {
    {
        .name = TYPE_ACCEL,
        .parent = TYPE_OBJECT,
        .help = "what runs the CPUs",
        .instance_size = sizeof(AccelState),
        .abstract = true,
        .class_size = sizeof(AccelClass),
    },
};
DEFINE_TYPES(accel_types)

/* ---- Split irqchip ---- */

static AccelEoiFn *eoi_fn;
static void *eoi_opaque;

bool accel_irqchip_is_split(void)
{
    return accel_class && accel_class->irqchip_is_split &&
           accel_class->irqchip_is_split(current_accel);
}

int accel_pin_route_set(int pin, const MSIMessage *msg)
{
    if (!accel_class || !accel_class->pin_route_set) {
        return -ENOSYS;
    }
    return accel_class->pin_route_set(current_accel, pin, msg);
}

void accel_set_eoi_handler(AccelEoiFn *fn, void *opaque)
{
    eoi_fn = fn;
    eoi_opaque = opaque;
}

void accel_eoi(uint8_t vector)
{
    if (eoi_fn) {
        eoi_fn(eoi_opaque, vector);
    }
}
