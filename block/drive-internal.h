/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of -drive: nodes here (drive-open.c), the rest in drive.c. */
#ifndef BLOCK_DRIVE_INTERNAL_H
#define BLOCK_DRIVE_INTERNAL_H

#include "block-internal.h"

typedef struct DriveCaches {
    bool writeback, direct, no_flush;
} DriveCaches;

void drive_caches(const DriveOptions *o, DriveCaches *c);
/* drive_limits: returns the group's name, or NULL. */
const char *drive_limits(const DriveOptions *o, ThrottleConfig *cfg);
BlockDriverState *drive_open(const DriveOptions *o, Error **errp);

#endif
