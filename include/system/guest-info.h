/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator calls the guest: -name and -uuid. Set once at start,
 * constant then; any thread.
 */
#ifndef SYSTEM_GUEST_INFO_H
#define SYSTEM_GUEST_INFO_H

#include "util/cutils.h"

void guest_info_set_name(const char *name);     /* copied; NULL: none */
const char *guest_info_get_name(void);          /* NULL: none */
void guest_info_set_uuid(const Uuid *uuid);
/* All zero when none was given. */
const Uuid *guest_info_get_uuid(void);

#endif
