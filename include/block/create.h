/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New images by format, file name and options in text, as tools and -snapshot
 * give them.
 *
 * Context: main thread, big lock, not in a coroutine.
 */
#ifndef BLOCK_CREATE_H
#define BLOCK_CREATE_H

#include "block/block.h"

typedef enum BdrvOptionType {
    BDRV_OPTION_STRING,
    BDRV_OPTION_BOOL,
    BDRV_OPTION_NUMBER,
    BDRV_OPTION_SIZE,               /* bytes; suffixes */
} BdrvOptionType;

/* An option of new images ("create -o"); tables end with a NULL name. */
typedef struct BdrvCreateOption {
    const char *name;
    BdrvOptionType type;
    const char *def;                /* what is shown when not given, or NULL */
    const char *help;
} BdrvCreateOption;

/*
 * bdrv_create_options: the options of @format, in the order in which they are
 * shown, then those of the protocol of @filename (NULL: only the format's).
 * Free with g_free(). NULL: there is no such format, or none can be made.
 */
BdrvCreateOption *bdrv_create_options(const char *format, const char *filename,
                                      Error **errp);
/*
 * bdrv_create_option_value: @text as a value of @option: on or off, a decimal
 * number (of bytes). g_free() it.
 */
char *bdrv_create_option_value(const BdrvCreateOption *option, const char *text,
                               Error **errp);
/*
 * bdrv_create_image: make @filename, over what was there. @options: an object
 * of strings, the values of bdrv_create_option_value().
 */
bool bdrv_create_image(const char *filename, const char *format,
                       struct json_object *options, Error **errp);

#endif
