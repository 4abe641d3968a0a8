/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a machine puts into a guest's memory: kernel, initrd,
 * firmware. Contents are hostile: what is read is checked against the size
 * first. Life cycle: open, read any number of times, close. Threading: none.
 */
#ifndef HW_CORE_BOOT_SOURCE_H
#define HW_CORE_BOOT_SOURCE_H

#include "util/osdep.h"
#include "util/error.h"

/* The bytes of an image: a file, or memory (tests). */
typedef struct BootSource {
    int fd;                         /* -1: memory */
    const uint8_t *data;
    uint64_t size;                  /* bytes */
    const char *name;               /* for messages */
} BootSource;

/* boot_source_open: @what, "kernel", is for messages; @path must stay. */
bool boot_source_open(BootSource *src, const char *path, const char *what,
                      Error **errp);
void boot_source_close(BootSource *src);
/* boot_source_read: all of @len bytes at @offset; error: truncated. */
bool boot_source_read(const BootSource *src, uint64_t offset, void *buf,
                      uint64_t len, Error **errp);

#endif
