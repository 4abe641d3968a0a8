/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SMBIOS_INTERNAL_H
#define SMBIOS_INTERNAL_H

#include "hw/smbios/smbios.h"
#include "qapi/qapi-types-smbios.h"

#define SMBIOS_HEADER_BYTES 4       /* type, length, handle */
#define SMBIOS_MAX_STRINGS  255     /* of one structure: their number is a byte */
#define SMBIOS_END          127

struct SmbiosConfig {
    GPtrArray *options;             /* of SmbiosOptions, in order */
    GPtrArray *strings;             /* of char, type 11 */
    GByteArray *files;              /* structures of the user's */
    bool from_file[256];            /* types that are among them */
};

#endif
