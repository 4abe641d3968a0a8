/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the machine share. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "hw/core/machine.h"

/* Sizes that nobody gave: the backend's, else the class's. */
bool machine_settle_memory(MachineState *ms, Error **errp);
/* Set ms->ram, of the user's backend or of one made here. */
bool machine_create_ram(MachineState *ms, Error **errp);

#endif
