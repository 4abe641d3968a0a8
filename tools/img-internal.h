/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img: its commands, each in a file of its own. */
#ifndef TOOLS_IMG_INTERNAL_H
#define TOOLS_IMG_INTERNAL_H

#include "tools-internal.h"

/* Returns the exit status. @argv[0] is the command's name. */
typedef int ImgCommandFn(int argc, char **argv);

ImgCommandFn img_amend, img_bench, img_bitmap, img_check, img_commit,
             img_compare, img_convert, img_create, img_dd, img_info, img_map,
             img_measure, img_rebase, img_resize, img_snapshot;

/* img_help: all of it. Returns 0. */
int img_help(void);

/* Options that many commands have. */
#define IMG_OPT_HELP      { 'h', "help", TOOL_HELP, NULL }
#define IMG_OPT_OBJECT    { 0, "object", TOOL_OBJECT, NULL }
#define IMG_OPT_IMAGE_OPTS(v) { 0, "image-opts", TOOL_FLAG, (v) }
#define IMG_OPT_END       { 0, NULL, TOOL_FLAG, NULL }

/* img_begin: take the options. true: the command goes on; else *@status is its
 * exit status. */
bool img_begin(int argc, char **argv, const ToolOption *options, int *first,
               int *status);
/* img_check_mode: --image-opts and -f do not go together. */
bool img_check_mode(bool image_opts, const char *format);

/* What -o said, in all: "a=b,c=d". NULL: nothing. */
char *img_join_options(const GPtrArray *list);
/* img_options_want_help: "help" or "?" is among them. */
bool img_options_want_help(const char *text);
void img_print_option_table(const BdrvCreateOption *table);
int img_print_create_options(const char *format, const char *filename);

/* What a new image is made from. */
typedef struct ImgCreate {
    const char *filename, *format;
    char *options;                  /* -o; NULL: none */
    const char *backing, *backing_format;
    int64_t size;                   /* bytes; -1: the backing file's */
    bool force_size;                /* whatever the options say */
    bool unsafe;                    /* do not look at the backing file */
    bool quiet;
} ImgCreate;

bool img_create_image(const ImgCreate *c, Error **errp);
/* img_parse_create_options: the text of -o as checked values, in the order of
 * the table. NULL with an error. */
struct json_object *img_parse_create_options(const BdrvCreateOption *table,
                                             const char *text, Error **errp);

void img_print_snapshots(const SnapshotInfoList *list);
/* img_load_snapshot: show that one of the image: "snapshot.id=...,
 * snapshot.name=..." or an id or name. false: reported. */
bool img_load_snapshot(BlockBackend *blk, const char *param);

bool img_truncate(BlockBackend *blk, int64_t size, PreallocMode prealloc,
                  Error **errp);

/* img_status: see bdrv_co_status_above(), waiting. */
int img_status(BlockDriverState *bs, BlockDriverState *base, bool want_zero,
               int64_t offset, int64_t bytes, BdrvStatus *st);

#endif
