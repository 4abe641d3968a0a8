/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commands about types share: qom-list-properties here,
 * device-list-properties in hw/core. Context: main thread.
 */
#ifndef QOM_QMP_H
#define QOM_QMP_H

#include "qom/object.h"

struct ObjectPropertyInfoList;

/*
 * qom_list_type_properties: the properties of @oc with their text and
 * defaults, sorted by name, without those named in @skip (NULL-terminated, or
 * NULL). The caller frees the list.
 */
struct ObjectPropertyInfoList *
qom_list_type_properties(ObjectClass *oc, const char *const *skip);

#endif
