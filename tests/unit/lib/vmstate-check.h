/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of VMState descriptions, for the unit test of each device:
 *
 *     g_assert_true(vmstate_check_table(&vmstate_rng, &err));
 *     g_assert_true(vmstate_check_roundtrip(&vmstate_rng, rng, &err));
 *     vmstate_check_hostile(&vmstate_rng, rng);
 *
 * One thread.
 */
#ifndef VMSTATE_CHECK_H
#define VMSTATE_CHECK_H

#include "migration/vmstate.h"

/*
 * vmstate_check_table: the table is well formed: names, versions, element
 * sizes; the count of each counted array is loaded before the array;
 * subsections are optional and called "NAME/...".
 */
bool vmstate_check_table(const VMStateDescription *vmsd, Error **errp);

/*
 * vmstate_check_roundtrip: save @opaque, load that into it again, save once
 * more: both saves are equal, and the load took all bytes.
 */
bool vmstate_check_roundtrip(const VMStateDescription *vmsd, void *opaque,
                             Error **errp);

/*
 * vmstate_check_hostile: load what was saved cut at each length, and with each
 * byte changed. Loads may fail; the process must live (run it under the
 * sanitizers). At the end @opaque is loaded from what it was at the start.
 */
void vmstate_check_hostile(const VMStateDescription *vmsd, void *opaque);

#endif
