/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text in and out, over json-c.
 *
 * What is accepted is RFC 8259 plus single-quoted strings. Refused, although
 * json-c would take it: comments, NaN and Infinity, trailing commas, integers
 * that fit neither int64 nor uint64, NUL in strings, invalid UTF-8. Of equal
 * keys the last one counts.
 *
 * Limits, so that hostile input can't take all memory: JSON_TEXT_MAX bytes,
 * JSON_TOKENS_MAX tokens and JSON_DEPTH_MAX levels in one value.
 */
#ifndef QAPI_JSON_H
#define QAPI_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct Error;
struct json_object;

#define JSON_TEXT_MAX   (64u << 20)
#define JSON_TOKENS_MAX (2u << 20)
#define JSON_DEPTH_MAX  1024

/*
 * json_parse: the value that @text of @len bytes holds, which may have white
 * space around it. On success *@value is the caller's; NULL is JSON's null.
 */
bool json_parse(const char *text, size_t len, struct json_object **value,
                struct Error **errp);

/* json_print: @value as text without blanks, or for people when @pretty.
 * g_free() it. */
char *json_print(struct json_object *value, bool pretty);

/*
 * A stream of JSON values, from a socket for example. Values need nothing
 * between them: an object or array is delivered with its last byte. After an
 * error in the middle of a value the stream skips to the next newline; a byte
 * 0xFF, which no JSON text has, always starts afresh.
 *
 * One thread at a time.
 */
typedef struct JsonStream JsonStream;

/*
 * A value (@err is NULL) or an error (@value is NULL); both become the
 * callee's. It must not free the stream.
 */
typedef void JsonStreamFn(void *opaque, struct json_object *value,
                          struct Error *err);

JsonStream *json_stream_new(JsonStreamFn *fn, void *opaque);
void json_stream_free(JsonStream *s);

/* json_stream_feed: take @len bytes, of any content. */
void json_stream_feed(JsonStream *s, const char *buf, size_t len);

/* json_stream_end: no more bytes come: an unfinished value is an error. The
 * stream is as new afterwards. */
void json_stream_end(JsonStream *s);

/* json_stream_idle: whether the last value was complete. */
bool json_stream_idle(const JsonStream *s);

#endif
