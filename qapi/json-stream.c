/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON values out of a stream of bytes, as soon as each is complete. */
#include "util/osdep.h"
#include "json-internal.h"

#include "util/error.h"

/* No byte of UTF-8: peers send it to have the parser start afresh. */
#define RESET_BYTE 0xff

/* A buffer that grew beyond this is given back after its value. */
#define KEEP_BYTES 65536

struct JsonStream {
    JsonStreamFn *fn;
    void *opaque;
    JsonScanner sc;
    GString *text;      /* of the value that has begun */
    bool skipping;      /* to the next newline, after an error */
};

JsonStream *json_stream_new(JsonStreamFn *fn, void *opaque)
{
    JsonStream *s = g_new0(JsonStream, 1);

    s->fn = fn;
    s->opaque = opaque;
    s->text = g_string_new(NULL);
    return s;
}

void json_stream_free(JsonStream *s)
{
    if (s) {
        g_string_free(s->text, TRUE);
        g_free(s);
    }
}

static void stream_reset(JsonStream *s)
{
    memset(&s->sc, 0, sizeof(s->sc));
    if (s->text->allocated_len > KEEP_BYTES) {
        g_string_free(s->text, TRUE);
        s->text = g_string_new(NULL);
    } else {
        g_string_truncate(s->text, 0);
    }
}

static void stream_fail(JsonStream *s, const char *why)
{
    Error *err = NULL;

    error_setg(&err, "JSON parse error, %s", why);
    stream_reset(s);
    s->fn(s->opaque, NULL, err);
}

static void stream_deliver(JsonStream *s)
{
    struct json_object *value;
    Error *err = NULL;

    json_convert(&s->sc, s->text->str, s->text->len, &value, &err);
    stream_reset(s);
    s->fn(s->opaque, value, err);
}

static void stream_byte(JsonStream *s, unsigned char c)
{
    const char *why = NULL;

    if (c == RESET_BYTE) {
        s->skipping = false;
        if (!json_stream_idle(s)) {
            stream_fail(s, "incomplete value");
        }
        return;
    }
    if (s->skipping) {
        s->skipping = c != '\n';
        return;
    }
    switch (json_scan_byte(&s->sc, c, &why)) {
    case SCAN_SKIP:
        break;
    case SCAN_MORE:
        g_string_append_c(s->text, c);
        break;
    case SCAN_DONE:
        g_string_append_c(s->text, c);
        stream_deliver(s);
        break;
    case SCAN_DONE_BEFORE:
        stream_deliver(s);
        break;
    case SCAN_ERROR:
        s->skipping = c != '\n';
        stream_fail(s, why);
        break;
    }
}

void json_stream_feed(JsonStream *s, const char *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        stream_byte(s, buf[i]);
    }
}

void json_stream_end(JsonStream *s)
{
    s->skipping = false;
    /* A number has no end of its own. */
    if (s->sc.state == SCAN_WORD) {
        stream_byte(s, '\n');
    } else if (!json_stream_idle(s)) {
        stream_fail(s, "incomplete value");
    }
}

bool json_stream_idle(const JsonStream *s)
{
    return s->sc.state == SCAN_BETWEEN && !s->skipping;
}
