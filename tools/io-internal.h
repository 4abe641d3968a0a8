/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-io: commands on one open image. A command gets its words; it returns 0
 * or a negative number when it failed, which makes the exit status 1.
 */
#ifndef TOOLS_IO_INTERNAL_H
#define TOOLS_IO_INTERNAL_H

#include "tools-internal.h"

typedef struct IoState {
    BlockBackend *blk;              /* NULL: none is open */
    ToolOpen open;                  /* as it was opened */
    bool image_opts;                /* --image-opts, for "open", too */
    struct json_object *reopened;   /* what reopen gave so far; NULL: none */
    bool snapshot, copy_on_read;
    bool quit;
} IoState;

typedef int IoCommandFn(IoState *s, int argc, char **argv);

typedef struct IoCommand {
    const char *name, *alias;       /* alias: one letter or NULL */
    IoCommandFn *run;
    int min, max;                   /* arguments; -1: any */
    uint64_t perm;                  /* rights it needs */
    bool no_file;                   /* works without an open file */
    const char *args, *oneline;
    const char *help;               /* NULL: there is no more to say */
} IoCommand;

/* Tables; they end with a NULL name. */
extern const IoCommand io_rw_commands[], io_aio_commands[], io_misc_commands[],
                       io_open_commands[];

const IoCommand *io_find_command(const char *name);
int io_run_line(IoState *s, const char *line);
/* io_set_discard: what -d says of images that are opened. false: reported. */
bool io_set_discard(IoState *s, const char *mode);
/* io_usage: the one line about the command. Returns -EINVAL. */
int io_usage(const char *name);

/* io_open: as @s->open says. false: reported. */
bool io_open(IoState *s, const char *name, Error **errp);
void io_close(IoState *s);
/* io_reopen: the command (io-reopen.c). */
IoCommandFn io_reopen;

/* ---- Numbers, flags (io-cmd.c) ---- */

/* io_number: bytes with suffixes; -1: reported. */
int64_t io_number(const char *text);
/* io_length: the same, up to what one request may have. */
int64_t io_length(const char *text);

/* Options of the commands that move data. */
typedef struct IoFlags {
    bool v_b, v_C, v_c, v_f, v_i, v_n, v_q, v_u, v_v, v_z;
    const char *pattern, *start, *length;   /* -P, -s, -l */
} IoFlags;

/*
 * io_parse_flags: getopt() with @letters; @f is filled in. *@first: index of
 * the first other argument. false: reported.
 */
bool io_parse_flags(int argc, char **argv, const char *letters, IoFlags *f,
                    int *first);
bool io_parse_pattern(const char *text, int *pattern);

/* ---- Output ---- */

void io_print_report(const char *op, int64_t start_ns, int64_t offset,
                     int64_t count, int64_t total, const IoFlags *f);
void io_dump(const uint8_t *buf, int64_t offset, int64_t bytes);
/* io_size_text: "1.500 KiB"; g_free() it. */
char *io_size_text(double bytes);
/* io_verify: false: said so. */
bool io_verify(const uint8_t *buf, int pattern, int64_t offset, int64_t bytes);

#endif
