/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's name and UUID. */
#include "util/osdep.h"
#include "system/guest-info.h"

static char *guest_name;
static Uuid guest_uuid;

void guest_info_set_name(const char *name)
{
    g_free(guest_name);
    guest_name = g_strdup(name);
}

const char *guest_info_get_name(void)
{
    return guest_name;
}

void guest_info_set_uuid(const Uuid *uuid)
{
    guest_uuid = *uuid;
}

const Uuid *guest_info_get_uuid(void)
{
    return &guest_uuid;
}
