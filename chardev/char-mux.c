/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mux: several front ends share one stream. Output of all goes out as it
 * comes, input goes to the one that has the focus. The escape character starts
 * a command of one letter (C-a h lists them).
 */
#include "util/osdep.h"
#include "chardev/char-mux.h"
#include "util/main-loop.h"
#include "util/timer.h"
#include "chardev/char-internal.h"
#include "qapi/qapi-types-char.h"
#include "trace/trace-chardev.h"

/* Input kept for a front end that has no room: a line or so of typing. */
#define MUX_BUFFER_BYTES 512

OBJECT_DECLARE_SIMPLE_TYPE(CharMux, CHARDEV_MUX)

typedef struct MuxPort {
    CharFrontend *fe;               /* NULL: free */
    size_t n_buf;
    uint8_t buf[MUX_BUFFER_BYTES];
} MuxPort;

struct CharMux {
    Chardev parent_obj;
    CharFrontend down;              /* on the stream below */
    MuxPort ports[CHR_MUX_MAX];
    int focus;                      /* index; -1: nobody */
    bool escaped;                   /* the last character was the escape */
    bool timestamps, line_start;
    int64_t start_ns;
};

static uint8_t mux_escape = 1;
static void (*mux_quit)(void);

void chr_mux_set_quit(void (*quit)(void))
{
    mux_quit = quit;
}

static CharFrontend *mux_focus_fe(CharMux *d)
{
    return d->focus >= 0 ? d->ports[d->focus].fe : NULL;
}

static void mux_send(CharFrontend *fe, ChrEvent event)
{
    if (fe && fe->event) {
        fe->event(fe->opaque, event);
    }
}

static void chr_mux_set_focus(Chardev *chr, int index)
{
    CharMux *d = CHARDEV_MUX(chr);

    if (index == d->focus || index < 0 || index >= CHR_MUX_MAX ||
        !d->ports[index].fe) {
        return;
    }
    trace_chardev_mux_focus(chr->id ? chr->id : "", index);
    mux_send(mux_focus_fe(d), CHR_EVENT_MUX_OUT);
    d->focus = index;
    mux_send(mux_focus_fe(d), CHR_EVENT_MUX_IN);
    chr_fe_accept_input(&d->down);
}

static void mux_next_focus(CharMux *d)
{
    for (int i = 1; i <= CHR_MUX_MAX; i++) {
        int index = (d->focus + i + CHR_MUX_MAX) % CHR_MUX_MAX;

        if (d->ports[index].fe && d->ports[index].fe->handlers_set) {
            chr_mux_set_focus(CHARDEV(d), index);
            return;
        }
    }
}

/* ---- Front ends come and go ---- */

bool chr_mux_is_full(const Chardev *chr)
{
    const CharMux *d = CHARDEV_MUX(chr);

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        if (!d->ports[i].fe) {
            return false;
        }
    }
    return true;
}

bool chr_mux_any_open(const Chardev *chr)
{
    const CharMux *d = CHARDEV_MUX(chr);

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        if (d->ports[i].fe && d->ports[i].fe->open) {
            return true;
        }
    }
    return false;
}

bool chr_mux_attach(Chardev *chr, CharFrontend *fe, Error **errp)
{
    CharMux *d = CHARDEV_MUX(chr);

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        if (!d->ports[i].fe) {
            d->ports[i].fe = fe;
            d->ports[i].n_buf = 0;
            fe->mux_index = i;
            return true;
        }
    }
    error_setg(errp, "too many uses of multiplexed chardev '%s' (maximum is "
               "%d)", chr->id ? chr->id : "", CHR_MUX_MAX);
    return false;
}

void chr_mux_detach(Chardev *chr, CharFrontend *fe)
{
    CharMux *d = CHARDEV_MUX(chr);

    d->ports[fe->mux_index].fe = NULL;
    if (d->focus == fe->mux_index) {
        d->focus = -1;
        mux_next_focus(d);
    }
}

/* The one that sets its handlers last gets the input first. */
void chr_mux_handlers_changed(Chardev *chr, CharFrontend *fe)
{
    CharMux *d = CHARDEV_MUX(chr);

    chr->ctx = main_context();
    if (fe->handlers_set) {
        chr_mux_set_focus(chr, fe->mux_index);
    } else if (d->focus == fe->mux_index) {
        mux_next_focus(d);
    }
}

/* ---- Input ---- */

static void mux_print_help(CharMux *d)
{
    char name[8];

    if (mux_escape > 0 && mux_escape < 27) {
        snprintf(name, sizeof(name), "C-%c", mux_escape - 1 + 'a');
    } else {
        snprintf(name, sizeof(name), "C-a?");
    }
    chr_fe_printf(&d->down,
                  "\r\n%s h    print this help\r\n"
                  "%s x    exit\r\n"
                  "%s t    toggle console timestamps\r\n"
                  "%s b    send break (magic sysrq)\r\n"
                  "%s c    switch between console and monitor\r\n"
                  "%s %s  send %s\r\n",
                  name, name, name, name, name, name, name, name);
}

static void mux_command(CharMux *d, uint8_t ch)
{
    switch (ch) {
    case 'h':
    case '?':
        mux_print_help(d);
        break;
    case 'x':
        chr_fe_printf(&d->down, "QEMU: Terminated\n\r");
        if (mux_quit) {
            mux_quit();
        }
        break;
    case 'b':
        mux_send(mux_focus_fe(d), CHR_EVENT_BREAK);
        break;
    case 'c':
        mux_next_focus(d);
        break;
    case 't':
        d->timestamps = !d->timestamps;
        d->start_ns = clock_get_ns(CLOCK_REALTIME_NS);
        d->line_start = false;
        break;
    }
}

/* Whether @ch is data for the front end. */
static bool mux_filter(CharMux *d, uint8_t ch)
{
    if (d->escaped) {
        d->escaped = false;
        if (ch == mux_escape) {
            return true;
        }
        mux_command(d, ch);
        return false;
    }
    if (ch == mux_escape) {
        d->escaped = true;
        return false;
    }
    return true;
}

static void mux_deliver(CharMux *d, MuxPort *port)
{
    CharFrontend *fe = port->fe;
    uint8_t chunk[MUX_BUFFER_BYTES];

    while (port->n_buf && fe && fe->read) {
        size_t room = fe->can_read ? fe->can_read(fe->opaque) : 0;
        size_t n = MIN(room, port->n_buf);

        if (!n) {
            return;
        }
        /* out of the buffer first: the reader may come back here */
        memcpy(chunk, port->buf, n);
        port->n_buf -= n;
        memmove(port->buf, port->buf + n, port->n_buf);
        fe->read(fe->opaque, chunk, n);
        fe = port->fe;
    }
}

static size_t mux_can_read(void *opaque)
{
    CharMux *d = opaque;

    if (d->focus < 0) {
        return 1;                   /* dropped, unless it is a command */
    }
    mux_deliver(d, &d->ports[d->focus]);
    return sizeof(d->ports[d->focus].buf) - d->ports[d->focus].n_buf;
}

static void mux_read(void *opaque, const uint8_t *buf, size_t size)
{
    CharMux *d = opaque;

    for (size_t i = 0; i < size; i++) {
        MuxPort *port;

        if (!mux_filter(d, buf[i]) || d->focus < 0) {
            continue;
        }
        port = &d->ports[d->focus];
        if (port->n_buf == sizeof(port->buf)) {
            mux_deliver(d, port);
        }
        /* after a switch of the focus there may be no room: typed in vain */
        if (port->n_buf < sizeof(port->buf)) {
            port->buf[port->n_buf++] = buf[i];
        }
    }
    for (int i = 0; i < CHR_MUX_MAX; i++) {
        mux_deliver(d, &d->ports[i]);
    }
}

static void mux_event(void *opaque, ChrEvent event)
{
    CharMux *d = opaque;
    Chardev *chr = CHARDEV(d);

    if (event == CHR_EVENT_OPENED || event == CHR_EVENT_CLOSED) {
        chr->be_open = event == CHR_EVENT_OPENED;
    }
    for (int i = 0; i < CHR_MUX_MAX; i++) {
        mux_send(d->ports[i].fe, event);
    }
}

static void char_mux_accept_input(Chardev *chr)
{
    CharMux *d = CHARDEV_MUX(chr);

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        mux_deliver(d, &d->ports[i]);
    }
    chr_fe_accept_input(&d->down);
}

/* ---- Output ---- */

static void mux_write_stamp(CharMux *d)
{
    int64_t ms = (clock_get_ns(CLOCK_REALTIME_NS) - d->start_ns) /
                 NSEC_PER_MSEC;

    chr_fe_printf(&d->down, "[%02d:%02d:%02d.%03d] ", (int)(ms / 3600000),
                  (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
                  (int)(ms % 1000));
}

static ssize_t mux_write_stamped(CharMux *d, const uint8_t *buf, size_t len)
{
    size_t i = 0;

    while (i < len) {
        const uint8_t *nl = memchr(buf + i, '\n', len - i);
        size_t n = nl ? (size_t)(nl - buf - i + 1) : len - i;

        if (d->line_start) {
            mux_write_stamp(d);
        }
        chr_fe_write_all(&d->down, buf + i, n);
        d->line_start = nl != NULL;
        i += n;
    }
    return len;
}

static ssize_t char_mux_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    CharMux *d = CHARDEV_MUX(chr);

    if (d->timestamps) {
        return mux_write_stamped(d, buf, len);
    }
    return chr_fe_write(&d->down, buf, len);
}

static void mux_writable(void *opaque)
{
    CharMux *d = opaque;

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        CharFrontend *fe = d->ports[i].fe;
        CharWritableFn *fn = fe ? fe->watch_fn : NULL;

        if (fn) {
            fe->watch_fn = NULL;
            fn(fe->watch_opaque);
        }
    }
}

static void char_mux_set_write_watch(Chardev *chr, bool on)
{
    CharMux *d = CHARDEV_MUX(chr);

    /* Off: others may still wait; one call too many does no harm. */
    if (on && !chr_fe_add_write_watch(&d->down, mux_writable, d)) {
        mux_writable(d);
    }
}

static void char_mux_wait_writable(Chardev *chr)
{
    Chardev *down = CHARDEV_MUX(chr)->down.chr;
    ChardevClass *cc = down ? CHARDEV_GET_CLASS(down) : NULL;

    if (cc && cc->wait_writable) {
        cc->wait_writable(down);
    }
}

static void char_mux_set_echo(Chardev *chr, bool echo)
{
    chr_fe_set_echo(&CHARDEV_MUX(chr)->down, echo);
}

/* ---- Object ---- */

static bool char_mux_open(Chardev *chr, ChardevBackend *backend,
                          bool *be_opened, Error **errp)
{
    CharMux *d = CHARDEV_MUX(chr);
    const char *id = backend->u.mux.data->chardev;
    Chardev *down = chardev_find(id);

    if (!down) {
        error_setg(errp, "chardev '%s' not found", id);
        return false;
    }
    if (!chr_fe_init(&d->down, down, errp)) {
        return false;
    }
    *be_opened = false;
    chr->filename = g_strdup(chardev_get_filename(down));
    chr_fe_set_handlers(&d->down, mux_can_read, mux_read, mux_event, d, NULL);
    return true;
}

static void char_mux_close(Chardev *chr)
{
    CharMux *d = CHARDEV_MUX(chr);

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        if (d->ports[i].fe) {
            d->ports[i].fe->chr = NULL;
            d->ports[i].fe = NULL;
        }
    }
    chr_fe_deinit(&d->down, false);
}

static void char_mux_instance_init(Object *obj)
{
    CHARDEV(obj)->is_mux = true;
    CHARDEV_MUX(obj)->focus = -1;
}

static void char_mux_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->open = char_mux_open;
    cc->close = char_mux_close;
    cc->write = char_mux_write;
    cc->set_write_watch = char_mux_set_write_watch;
    cc->wait_writable = char_mux_wait_writable;
    cc->accept_input = char_mux_accept_input;
    cc->set_echo = char_mux_set_echo;
}

static const TypeInfo char_mux_types[] = {
    {
        .name = TYPE_CHARDEV_MUX,
        .parent = TYPE_CHARDEV,
        .help = "lets several front ends share a stream",
        .instance_size = sizeof(CharMux),
        .instance_init = char_mux_instance_init,
        .class_init = char_mux_class_init,
    },
};

DEFINE_TYPES(char_mux_types)
