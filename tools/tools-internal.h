/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nemu-img and nemu-io share: options, opening images, numbers, output.
 *
 * A tool is one thread that holds the big lock for its whole life. Texts,
 * numbers and exit statuses are those of QEMU's tools, which scripts rely on.
 */
#ifndef TOOLS_INTERNAL_H
#define TOOLS_INTERNAL_H

#include "block/block-backend.h"
#include "block/block-io.h"
#include "block/create.h"
#include "block/image.h"
#include "util/cutils.h"
#include "util/log.h"

struct json_object;

/* tool_init: main loop, big lock, program name. */
void tool_init(const char *argv0);
/* tool_cleanup: close what is open. */
void tool_cleanup(void);
void tool_print_version(const char *name);

/* ---- Options (tool-options.c) ---- */

typedef enum ToolKind {
    TOOL_FLAG,                      /* bool *: set to true */
    TOOL_TEXT,                      /* const char **: the argument */
    TOOL_LIST,                      /* GPtrArray **: the arguments, borrowed */
    TOOL_OBJECT,                    /* an object is made at once */
    TOOL_OUTPUT,                    /* bool *: human or json */
    TOOL_TRACE,
    TOOL_HELP,
} ToolKind;

typedef struct ToolOption {
    int ch;                         /* its letter; 0: none */
    const char *name;               /* its long name; NULL: none */
    ToolKind kind;
    void *to;
} ToolOption;

typedef enum ToolParsed {
    TOOL_PARSED,
    TOOL_PARSED_HELP,
    TOOL_PARSE_ERROR,               /* reported */
} ToolParsed;

/*
 * tool_parse: take the options off @argv (the first is skipped); ends with a
 * row without letter and name. *@first: index of the first argument that is no
 * option. @stop: that is where to stop, also when options follow.
 */
ToolParsed tool_parse(int argc, char **argv, const ToolOption *options,
                      bool stop, int *first);
/* tool_usage_error: the message, and where help is. Returns 1. */
int tool_usage_error(const char *fmt, ...) PRINTF(1, 2);
/* tool_report_err: print and free it; the hint has lines of its own. */
void tool_report_err(Error *err);
bool tool_add_object(const char *text, Error **errp);

/* ---- Numbers ---- */

/* tool_parse_number: bytes with suffixes, from @min to @max; @what is said in
 * the error. -1: reported. */
int64_t tool_parse_number(const char *what, const char *text, int64_t min,
                          int64_t max);
#define tool_parse_bytes(what, text)                                           \
    tool_parse_number(what, text, 0, INT64_MAX)

/* tool_parse_prealloc: false: reported. */
bool tool_parse_prealloc(const char *text, PreallocMode *mode);

/* ---- Images (tool-open.c) ---- */

/* How an image is opened. */
typedef struct ToolOpen {
    const char *format;             /* NULL: guess */
    const char *cache;              /* NULL: writeback */
    const char *aio;                /* NULL: as it comes */
    bool image_opts;                /* the name is key=value options */
    bool write, unmap, force_share;
    bool resize;                    /* ask for the right to */
    bool no_share;                  /* nobody may write meanwhile */
    BdrvOpenFlags flags;
    struct json_object *extra;      /* more members of the node's options */
} ToolOpen;

/* tool_add_common: what the command line says of all images, to the options
 * of @node where those do not. The cache mode has been checked, here and in
 * tool_cache_writeback(). */
void tool_add_common(struct json_object *node, const ToolOpen *o);
bool tool_cache_writeback(const char *mode);
bool tool_check_cache(const char *mode);
/* tool_open: NULL: reported. blk_unref() closes it. */
BlockBackend *tool_open(const char *name, const ToolOpen *o);
/* tool_open_err: the same with an error instead. */
BlockBackend *tool_open_err(const char *name, const ToolOpen *o, Error **errp);
/* tool_close: write what is still in memory, and close. @blk may be NULL.
 * false: not all could be written, which is reported. */
bool tool_close(BlockBackend *blk, const char *name);

/* tool_add_perm: take more rights on the image. */
bool tool_add_perm(BlockBackend *blk, uint64_t perm, Error **errp);
/* tool_length: bytes in whole sectors, as images are seen. */
int64_t tool_length(BlockBackend *blk);
/* tool_co_read: past the end of the file's last sector are zeros. */
int coroutine_fn tool_co_read(BlockBackend *blk, int64_t offset, void *buf,
                              int64_t bytes);

/* ---- Output (tool-output.c) ---- */

/* tool_print_json: for people, indented by four. */
void tool_print_json(struct json_object *value);

/* tool_print_specific: "Format specific information:" and so on. */
void tool_print_specific(const ImageInfoSpecific *info);

/* Percentages, as -p prints them. @min_skip: of the whole, in percent. */
void tool_progress_init(bool on, double min_skip);
void tool_progress_end(void);
void tool_progress_add(double percent);
void tool_progress_set(double percent);

#endif
