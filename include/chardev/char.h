/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: byte streams between the guest (or the monitor) and the
 * host. A Chardev is the host side: a terminal, a socket, a file. A
 * CharFrontend is the other end: a serial port, a virtio console, a QMP
 * server. One Chardev has one front end, a mux has several.
 *
 * Life cycle: a Chardev is made by -chardev, chardev-add or one of the short
 * forms of -serial, -monitor and so on, lives as "/chardevs/<id>" and goes by
 * chardev_remove() or at exit. A front end is zeroed memory (or a property
 * row PROP_CHARDEV), bound by chr_fe_init(), let go by chr_fe_deinit().
 *
 * Threading: all functions are for the home of the front end's AioContext
 * (aio_in_home), by default the main context, and call back there. The QMP
 * commands and chardev_*() need the big lock.
 */
#ifndef CHARDEV_CHAR_H
#define CHARDEV_CHAR_H

#include "util/aio.h"
#include "qom/object.h"
#include "qom/property.h"

typedef struct ChardevBackend ChardevBackend;   /* schema: qapi/char.json */
typedef struct ChardevOptions ChardevOptions;
typedef struct CharFrontend CharFrontend;

#define TYPE_CHARDEV         "chardev"
#define TYPE_CHARDEV_STDIO   "chardev-stdio"
#define TYPE_CHARDEV_SOCKET  "chardev-socket"
#define TYPE_CHARDEV_FILE    "chardev-file"
#define TYPE_CHARDEV_PIPE    "chardev-pipe"
#define TYPE_CHARDEV_NULL    "chardev-null"
#define TYPE_CHARDEV_PTY     "chardev-pty"
#define TYPE_CHARDEV_RINGBUF "chardev-ringbuf"
#define TYPE_CHARDEV_MUX     "chardev-mux"
OBJECT_DECLARE_TYPE(Chardev, ChardevClass, CHARDEV)

typedef enum ChrEvent {
    CHR_EVENT_OPENED,       /* the other side is there */
    CHR_EVENT_CLOSED,       /* the other side went away */
    CHR_EVENT_BREAK,        /* a break condition on the line */
    CHR_EVENT_MUX_IN,       /* this front end of a mux has the input now */
    CHR_EVENT_MUX_OUT,      /* it has lost it */
} ChrEvent;

/* How many bytes the front end takes now; 0: none, until
 * chr_fe_accept_input(). */
typedef size_t CharCanReadFn(void *opaque);
/* @size <= what CharCanReadFn returned. */
typedef void CharReadFn(void *opaque, const uint8_t *buf, size_t size);
typedef void CharEventFn(void *opaque, ChrEvent event);
/* The stream takes bytes again, or is closed. One shot. */
typedef void CharWritableFn(void *opaque);

/* ---- Front ends ---- */

struct CharFrontend {
    Chardev *chr;                   /* NULL: not bound, all calls are no-ops */
    CharCanReadFn *can_read;
    CharReadFn *read;
    CharEventFn *event;
    void *opaque;
    CharWritableFn *watch_fn;
    void *watch_opaque;
    bool open;                      /* the guest side, chr_fe_set_open() */
    bool handlers_set;
    int mux_index;                  /* on a mux */
};

/*
 * chr_fe_init: bind @fe to @chr (NULL: to nothing, which is fine: output is
 * dropped). Fails when @chr has a front end already and is no mux.
 */
bool chr_fe_init(CharFrontend *fe, Chardev *chr, Error **errp);

/* chr_fe_deinit: unbind; no callback comes after. @del: drop the Chardev too. */
void chr_fe_deinit(CharFrontend *fe, bool del);

/*
 * chr_fe_set_handlers: who takes input and events; any may be NULL, all NULL
 * stops input. CHR_EVENT_OPENED is sent at once when the stream is open.
 * @ctx: where the callbacks run and whose home the caller must be from then
 *     on; NULL: the main context. Only stdio, socket, file, pipe, pty and null
 *     can leave the main context.
 */
void chr_fe_set_handlers(CharFrontend *fe, CharCanReadFn *can_read,
                         CharReadFn *read, CharEventFn *event, void *opaque,
                         AioContext *ctx);

/*
 * chr_fe_write: hand over what fits without waiting.
 * Returns the bytes taken (0..@len; all of them when nobody listens, which is
 * how a line without a peer behaves), or -errno when the stream is broken.
 */
ssize_t chr_fe_write(CharFrontend *fe, const void *buf, size_t len);

/* chr_fe_write_all: the same, but wait until all is taken. For start-up
 * messages and debug ports; stalls its thread while the peer does not read. */
ssize_t chr_fe_write_all(CharFrontend *fe, const void *buf, size_t len);

/*
 * chr_fe_add_write_watch: call @fn(@opaque) once when more can be written (or
 * the stream closes). One per front end: a new one replaces the old.
 * Returns false when this kind of stream never fills: just write.
 */
bool chr_fe_add_write_watch(CharFrontend *fe, CharWritableFn *fn, void *opaque);
void chr_fe_remove_write_watch(CharFrontend *fe);

/* chr_fe_accept_input: CharCanReadFn would say more than before. */
void chr_fe_accept_input(CharFrontend *fe);

/* chr_fe_set_open: whether the guest (or server) listens, for query-chardev
 * ("frontend-open"). */
void chr_fe_set_open(CharFrontend *fe, bool open);

/* chr_fe_set_echo: echo of typed characters (stdio, pty under the human
 * monitor turn it off). */
void chr_fe_set_echo(CharFrontend *fe, bool echo);

/* chr_fe_printf: formatted chr_fe_write_all(). */
void chr_fe_printf(CharFrontend *fe, const char *fmt, ...) PRINTF(2, 3);

/*
 * chr_fe_get_msgfds: up to @max of the descriptors that came with the bytes
 * read last (SCM_RIGHTS on a unix socket); returns how many. The caller owns
 * them. Those not taken are closed before the next read.
 */
int chr_fe_get_msgfds(CharFrontend *fe, int *fds, int max);

/* chr_fe_backend_connected: bound to a Chardev. chr_fe_backend_open: and that
 * one has its peer. */
static inline bool chr_fe_backend_connected(const CharFrontend *fe)
{
    return fe->chr != NULL;
}
bool chr_fe_backend_open(const CharFrontend *fe);

/* The property of devices: "chardev=ID". Field: CharFrontend. */
extern const PropertyInfo prop_info_chardev;
#define PROP_CHARDEV(n, S, f, h)                                               \
    PROP_ROW(n, S, f, prop_info_chardev, CharFrontend, .help = (h))

/* ---- Making and finding ---- */

/*
 * chardev_new: make "/chardevs/@id" from the schema's type. @id NULL: an
 * anonymous one, owned by the caller. Returns a borrowed pointer, or NULL.
 */
Chardev *chardev_new(const char *id, ChardevBackend *backend, Error **errp);

/*
 * chardev_new_from_options: the same from the argument of -chardev. mux=on
 * makes "ID-base" with a mux called ID on top.
 */
Chardev *chardev_new_from_options(ChardevOptions *opts, Error **errp);

/* chardev_new_from_arg: the same from the text. */
Chardev *chardev_new_from_arg(const char *arg, Error **errp);

/*
 * chardev_new_from_spec: the short forms of -serial, -monitor, -qmp ...:
 * "stdio", "mon:stdio", "unix:PATH,server=on,wait=off", "tcp:HOST:PORT,...",
 * "telnet:", "pty", "null", "file:PATH", "pipe:PATH", "chardev:ID". Not
 * "none", which means no device and is the caller's to see.
 * @id: of the new one ("serial0"); not used by "chardev:ID"
 * @mux_mon: for "mon:": set to true when a human monitor is asked for on the
 *     same stream; NULL: "mon:" is an error
 */
Chardev *chardev_new_from_spec(const char *id, const char *spec, bool *mux_mon,
                               Error **errp);

Chardev *chardev_find(const char *id);      /* NULL when there is none */
const char *chardev_get_id(const Chardev *chr);
const char *chardev_get_filename(const Chardev *chr);   /* for people */
bool chardev_is_busy(const Chardev *chr);   /* no further front end fits */

/* chardev_remove: refuses a busy one. */
bool chardev_remove(const char *id, Error **errp);

/* chardev_cleanup: at exit: flush, restore the terminal, unlink sockets. Safe
 * to call twice, and without any chardev. */
void chardev_cleanup(void);

/* chardev_print_help: the names for -chardev help, one a line. */
void chardev_print_help(void);

/* chr_stdio_disable: the process has no terminal (-daemonize): from now on
 * "stdio" cannot be opened. */
void chr_stdio_disable(void);
/* chr_stdio_is_free: whether "stdio" can be opened. */
bool chr_stdio_is_free(void);

/* ---- For the drivers in chardev/ ---- */

struct Chardev {
    Object parent_obj;

    char *id;                       /* NULL: anonymous */
    char *filename;
    int logfd;                      /* -1: no log */
    AioContext *ctx;                /* of the front end; never NULL in use */
    CharFrontend *fe;               /* NULL: none (or a mux has many) */
    bool be_open;                   /* OPENED was sent last */
    bool is_mux;
};

struct ChardevClass {
    ObjectClass parent_class;

    /* Set *@be_opened false when the peer is yet to come. */
    bool (*open)(Chardev *chr, ChardevBackend *backend, bool *be_opened,
                 Error **errp);
    void (*close)(Chardev *chr);
    ssize_t (*write)(Chardev *chr, const uint8_t *buf, size_t len);
    /* Watch for room, or stop; chr_be_writable() follows once. NULL: never
     * full. */
    void (*set_write_watch)(Chardev *chr, bool on);
    void (*wait_writable)(Chardev *chr);
    /* Start, stop or move input: chr->ctx and chr->fe have changed. */
    void (*update_read_handler)(Chardev *chr);
    void (*accept_input)(Chardev *chr);
    void (*set_echo)(Chardev *chr, bool echo);
    int (*get_msgfds)(Chardev *chr, int *fds, int max);
};

/* What a driver tells its front end. */
size_t chr_be_can_read(Chardev *chr);
void chr_be_read(Chardev *chr, const uint8_t *buf, size_t len);
void chr_be_event(Chardev *chr, ChrEvent event);
void chr_be_writable(Chardev *chr);

#endif
