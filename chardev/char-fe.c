/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front end's side, and what drivers tell it.
 */
#include "util/osdep.h"
#include "chardev/char.h"
#include "util/file.h"
#include "util/main-loop.h"
#include "chardev/char-internal.h"
#include "trace/trace-chardev.h"

bool chr_fe_init(CharFrontend *fe, Chardev *chr, Error **errp)
{
    memset(fe, 0, sizeof(*fe));
    if (!chr) {
        return true;
    }
    if (chr->is_mux) {
        if (!chr_mux_attach(chr, fe, errp)) {
            return false;
        }
    } else if (chr->fe) {
        error_setg(errp, "chardev '%s' is in use", chr->id ? chr->id : "");
        error_append_hint(errp, "mux=on lets it be used more than once");
        return false;
    } else {
        chr->fe = fe;
    }
    fe->chr = chr;
    return true;
}

void chr_fe_deinit(CharFrontend *fe, bool del)
{
    Chardev *chr = fe->chr;

    if (!chr) {
        return;
    }
    chr_fe_set_handlers(fe, NULL, NULL, NULL, NULL, NULL);
    chr_fe_remove_write_watch(fe);
    if (chr->is_mux) {
        chr_mux_detach(chr, fe);
    } else {
        chr->fe = NULL;
    }
    fe->chr = NULL;
    if (del) {
        if (OBJECT(chr)->parent) {
            object_unparent(OBJECT(chr));
        } else {
            object_unref(chr);
        }
    }
}

static void chr_update_handlers(Chardev *chr)
{
    ChardevClass *cc = CHARDEV_GET_CLASS(chr);

    if (cc->update_read_handler) {
        cc->update_read_handler(chr);
    }
}

void chr_fe_set_handlers(CharFrontend *fe, CharCanReadFn *can_read,
                         CharReadFn *read, CharEventFn *event, void *opaque,
                         AioContext *ctx)
{
    Chardev *chr = fe->chr;

    if (!chr) {
        return;
    }
    fe->can_read = can_read;
    fe->read = read;
    fe->event = event;
    fe->opaque = opaque;
    fe->handlers_set = can_read || read || event;
    fe->open = fe->handlers_set;
    if (chr->is_mux) {
        chr_mux_handlers_changed(chr, fe);
    } else {
        chr->ctx = ctx ? ctx : main_context();
        chr_update_handlers(chr);
    }
    if (fe->event && chr->be_open) {
        fe->event(fe->opaque, CHR_EVENT_OPENED);
    }
}

/* What goes out is copied to the log file; a broken log is no reason to stop
 * the stream. */
static void chr_log(Chardev *chr, const void *buf, size_t len)
{
    if (chr->logfd >= 0 && len) {
        (void)fd_write_full(chr->logfd, buf, len);
    }
}

ssize_t chr_fe_write(CharFrontend *fe, const void *buf, size_t len)
{
    Chardev *chr = fe->chr;
    ssize_t ret;

    if (!chr || !len) {
        return len;
    }
    ret = CHARDEV_GET_CLASS(chr)->write(chr, buf, len);
    if (ret > 0) {
        chr_log(chr, buf, ret);
    }
    return ret;
}

ssize_t chr_fe_write_all(CharFrontend *fe, const void *buf, size_t len)
{
    const uint8_t *p = buf;
    size_t done = 0;

    while (done < len) {
        ssize_t n = chr_fe_write(fe, p + done, len - done);
        ChardevClass *cc;

        if (n < 0) {
            return done ? (ssize_t)done : n;
        }
        done += n;
        if (n || !fe->chr) {
            continue;
        }
        cc = CHARDEV_GET_CLASS(fe->chr);
        if (!cc->wait_writable) {
            break;
        }
        cc->wait_writable(fe->chr);
    }
    return done;
}

bool chr_fe_add_write_watch(CharFrontend *fe, CharWritableFn *fn, void *opaque)
{
    ChardevClass *cc = fe->chr ? CHARDEV_GET_CLASS(fe->chr) : NULL;

    if (!cc || !cc->set_write_watch) {
        return false;
    }
    fe->watch_fn = fn;
    fe->watch_opaque = opaque;
    cc->set_write_watch(fe->chr, true);
    return true;
}

void chr_fe_remove_write_watch(CharFrontend *fe)
{
    if (!fe->chr || !fe->watch_fn) {
        return;
    }
    fe->watch_fn = NULL;
    CHARDEV_GET_CLASS(fe->chr)->set_write_watch(fe->chr, false);
}

void chr_fe_accept_input(CharFrontend *fe)
{
    ChardevClass *cc = fe->chr ? CHARDEV_GET_CLASS(fe->chr) : NULL;

    if (cc && cc->accept_input) {
        cc->accept_input(fe->chr);
    }
}

void chr_fe_set_open(CharFrontend *fe, bool open)
{
    fe->open = open;
}

void chr_fe_set_echo(CharFrontend *fe, bool echo)
{
    ChardevClass *cc = fe->chr ? CHARDEV_GET_CLASS(fe->chr) : NULL;

    if (cc && cc->set_echo) {
        cc->set_echo(fe->chr, echo);
    }
}

void chr_fe_printf(CharFrontend *fe, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    chr_fe_write_all(fe, text, strlen(text));
}

int chr_fe_get_msgfds(CharFrontend *fe, int *fds, int max)
{
    ChardevClass *cc = fe->chr ? CHARDEV_GET_CLASS(fe->chr) : NULL;

    return cc && cc->get_msgfds ? cc->get_msgfds(fe->chr, fds, max) : 0;
}

bool chr_fe_backend_open(const CharFrontend *fe)
{
    return fe->chr && fe->chr->be_open;
}

/* ---- From the driver ---- */

size_t chr_be_can_read(Chardev *chr)
{
    CharFrontend *fe = chr->fe;

    return fe && fe->can_read ? fe->can_read(fe->opaque) : 0;
}

void chr_be_read(Chardev *chr, const uint8_t *buf, size_t len)
{
    CharFrontend *fe = chr->fe;

    if (fe && fe->read) {
        fe->read(fe->opaque, buf, len);
    }
}

void chr_be_event(Chardev *chr, ChrEvent event)
{
    CharFrontend *fe = chr->fe;

    trace_chardev_event(chr->id ? chr->id : "", event);
    if (event == CHR_EVENT_OPENED) {
        chr->be_open = true;
    } else if (event == CHR_EVENT_CLOSED) {
        chr->be_open = false;
    }
    if (fe && fe->event) {
        fe->event(fe->opaque, event);
    }
}

void chr_be_writable(Chardev *chr)
{
    CharFrontend *fe = chr->fe;
    CharWritableFn *fn = fe ? fe->watch_fn : NULL;

    if (fn) {
        fe->watch_fn = NULL;
        fn(fe->watch_opaque);
    }
}
