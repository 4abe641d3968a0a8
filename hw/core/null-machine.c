/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine "none": no CPU, no memory, no bus. Management programs start it
 * to ask what this program can do.
 */
#include "util/osdep.h"
#include "hw/core/machine.h"

static void null_machine_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->desc = "empty machine";
    mc->max_cpus = 1;
    mc->default_ram_size = 0;
    mc->no_ram = true;
}

static const TypeInfo null_machine_types[] = {
    {
        .name = MACHINE_TYPE_NAME("none"),
        .parent = TYPE_MACHINE,
        .help = "empty machine",
        .class_init = null_machine_class_init,
    },
};
DEFINE_TYPES(null_machine_types)
