/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS 3.3 (DMTF DSP0134): structures that describe the machine, and the
 * 64-bit entry point that leads to them. Types 1, 3, 4, 16, 17, 19, 32 and
 * 127; 0, 2, 8, 11 and 41 when they are asked for; what the user brings.
 *
 * Life cycle: -smbios options go into a SmbiosConfig, which the machine keeps;
 * the board builds the tables once, when all else is known.
 *
 * Threading: main thread, big lock.
 */
#ifndef HW_SMBIOS_SMBIOS_H
#define HW_SMBIOS_SMBIOS_H

#include "util/cutils.h"
#include "util/error.h"

struct FWCfg;
struct json_object;

#define SMBIOS_ENTRY_BYTES  24
#define SMBIOS_ANCHOR_FILE  "etc/smbios/smbios-anchor"
#define SMBIOS_TABLES_FILE  "etc/smbios/smbios-tables"

/* ---- What the user says: -smbios ---- */

typedef struct SmbiosConfig SmbiosConfig;

SmbiosConfig *smbios_config_new(void);
void smbios_config_free(SmbiosConfig *c);       /* NULL is fine */
/*
 * smbios_config_add: one option: "type=N,field=value..." or "file=path", as
 * text in a tree. Later ones win. Errors: unknown fields, values that do not
 * fit, a file that holds no whole structures, a type from both sources.
 */
bool smbios_config_add(SmbiosConfig *c, struct json_object *option,
                       Error **errp);

/* ---- What the board says ---- */

typedef struct SmbiosRange {
    uint64_t addr, bytes;
} SmbiosRange;

#define SMBIOS_MAX_RANGES   4

typedef struct SmbiosMachine {
    const SmbiosConfig *config;     /* NULL: nothing was said */
    const char *name;               /* the machine type */
    const Uuid *uuid;
    unsigned int sockets;
    unsigned int cores, threads;    /* of a socket */
    SmbiosRange ram[SMBIOS_MAX_RANGES];
    unsigned int nram;
    bool is_firmware;               /* nobody else tells of firmware: type 0 */
    /* where PCI device @id is on the root bus, for type 41 */
    bool (*find_pci)(const char *id, uint8_t *devfn, Error **errp);
} SmbiosMachine;

/* smbios_build: the structures. Errors: a device that type 41 names and that
 * is not there. */
GByteArray *smbios_build(const SmbiosMachine *m, Error **errp);
/* smbios_entry_point: for structures of @len bytes at @gpa (5.2.2). */
void smbios_entry_point(uint8_t ep[SMBIOS_ENTRY_BYTES], uint32_t len,
                        uint64_t gpa);
/* smbios_add: both to fw_cfg, where firmware looks; it sets the address. */
bool smbios_add(struct FWCfg *s, const SmbiosMachine *m, Error **errp);
/* smbios_find_pci: for SmbiosMachine. Errors: no such device, not on PCI, behind
 * a bridge. */
bool smbios_find_pci(const char *id, uint8_t *devfn, Error **errp);

#endif
