/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON text to values and back; see include/qapi/json.h for the dialect. */
#include "util/osdep.h"
#include "json-internal.h"

#include <json-c/json.h>

#include "util/error.h"

/* The longest number that surely fits int64 has 18 digits. */
#define SAFE_DIGITS 18

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What may stand outside of strings: punctuation, numbers, and the letters of
 * true, false and null. That leaves no room for comments or NaN. */
static bool is_plain(unsigned char c)
{
    return g_ascii_isdigit(c) || (c && strchr("{}[]:,+-.eEaflnrstu", c));
}

static JsonScanResult scan_fail(const char **why, const char *text)
{
    *why = text;
    return SCAN_ERROR;
}

static JsonScanResult scan_string_byte(JsonScanner *sc, unsigned char c,
                                       const char **why)
{
    if (c < 0x20) {
        return scan_fail(why, "control character in a string");
    }
    switch (sc->state) {
    case SCAN_ESCAPE:
        sc->state = c == 'u' ? SCAN_UNICODE : SCAN_STRING;
        sc->hex_left = 4;
        sc->hex_nonzero = false;
        return SCAN_MORE;
    case SCAN_UNICODE:
        if (!g_ascii_isxdigit(c)) {
            return scan_fail(why, "invalid \\u sequence");
        }
        sc->hex_nonzero |= c != '0';
        if (--sc->hex_left) {
            return SCAN_MORE;
        }
        sc->state = SCAN_STRING;
        return sc->hex_nonzero ? SCAN_MORE
                               : scan_fail(why, "NUL in a string");
    default:
        break;
    }
    if (c == '\\') {
        sc->state = SCAN_ESCAPE;
    } else if (c == (unsigned char)sc->quote) {
        sc->state = sc->depth ? SCAN_NESTED : SCAN_BETWEEN;
        return sc->depth ? SCAN_MORE : SCAN_DONE;
    }
    return SCAN_MORE;
}

static JsonScanResult scan_close(JsonScanner *sc, const char **why)
{
    if (!sc->depth) {
        return scan_fail(why, "closing bracket without an opening one");
    }
    if (sc->last == ',') {
        return scan_fail(why, "comma before a closing bracket");
    }
    if (--sc->depth) {
        return SCAN_MORE;
    }
    sc->state = SCAN_BETWEEN;
    return SCAN_DONE;
}

/* A byte that is neither in a string nor white space. */
static JsonScanResult scan_plain_byte(JsonScanner *sc, unsigned char c,
                                      const char **why)
{
    JsonScanResult result = SCAN_MORE;

    if (c == '"' || c == '\'') {
        if (sc->state == SCAN_WORD) {
            return scan_fail(why, "stray quote");
        }
        sc->quote = c;
        sc->state = SCAN_STRING;
    } else if (c == '{' || c == '[') {
        if (sc->state == SCAN_WORD) {
            return scan_fail(why, "stray bracket");
        }
        if (++sc->depth > JSON_DEPTH_MAX) {
            return scan_fail(why, "nested too deeply");
        }
        sc->state = SCAN_NESTED;
    } else if (c == '}' || c == ']') {
        result = scan_close(sc, why);
    } else if (!is_plain(c)) {
        return scan_fail(why, "stray character");
    } else if (sc->state == SCAN_BETWEEN) {
        sc->state = SCAN_WORD;
    }
    sc->digits = g_ascii_isdigit(c) ? sc->digits + 1 : 0;
    sc->long_number |= sc->digits > SAFE_DIGITS;
    if (strchr("{}[]:,\"'", c) && ++sc->tokens > JSON_TOKENS_MAX) {
        return scan_fail(why, "too many tokens");
    }
    sc->last = c;
    return result;
}

JsonScanResult json_scan_byte(JsonScanner *sc, unsigned char c,
                              const char **why)
{
    JsonScanResult result;

    if (sc->state == SCAN_BETWEEN) {
        if (is_space(c)) {
            return SCAN_SKIP;
        }
        memset(sc, 0, sizeof(*sc));
    }
    if (++sc->len > JSON_TEXT_MAX) {
        return scan_fail(why, "too long");
    }
    if (sc->state >= SCAN_STRING) {
        return scan_string_byte(sc, c, why);
    }
    if (is_space(c)) {
        sc->digits = 0;
        result = sc->state == SCAN_WORD ? SCAN_DONE_BEFORE : SCAN_MORE;
        if (result == SCAN_DONE_BEFORE) {
            sc->state = SCAN_BETWEEN;
        }
        return result;
    }
    return scan_plain_byte(sc, c, why);
}

/* json-c clamps an integer that fits neither of its types: refuse it. */
static bool check_number(const char *start, const char *end)
{
    g_autofree char *num = g_strndup(start, end - start);
    char *stop;

    if (strpbrk(num, ".eE")) {
        return true;
    }
    errno = 0;
    if (*num == '-') {
        g_ascii_strtoll(num, &stop, 10);
    } else {
        g_ascii_strtoull(num, &stop, 10);
    }
    return errno == 0;
}

static bool check_numbers(const char *text, const char *end)
{
    char quote = 0;

    while (text < end) {
        const char *start = text;

        if (quote) {
            if (*text == '\\') {
                text++;
            } else if (*text == quote) {
                quote = 0;
            }
        } else if (*text == '"' || *text == '\'') {
            quote = *text;
        } else if (*text == '-' || g_ascii_isdigit(*text)) {
            text += strspn(text, "0123456789+-.eE");
            if (!check_number(start, text)) {
                return false;
            }
            continue;
        }
        text++;
    }
    return true;
}

bool json_convert(const JsonScanner *sc, const char *text, size_t len,
                  struct json_object **value, Error **errp)
{
    struct json_tokener *tok;
    enum json_tokener_error code;
    bool complete;

    *value = NULL;
    if (sc->long_number && !check_numbers(text, text + len)) {
        error_setg(errp, "JSON parse error, integer out of range");
        return false;
    }
    /* Two more than the scanner lets pass, so that it is never reached. */
    tok = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    json_tokener_set_flags(tok, JSON_TOKENER_VALIDATE_UTF8);
    *value = json_tokener_parse_ex(tok, text, len + 1);
    code = json_tokener_get_error(tok);
    complete = json_tokener_get_parse_end(tok) >= len;
    json_tokener_free(tok);
    if (code == json_tokener_success && complete) {
        return true;
    }
    json_object_put(*value);
    *value = NULL;
    error_setg(errp, "JSON parse error, %s",
               code == json_tokener_success || code == json_tokener_continue
               ? "incomplete value" : json_tokener_error_desc(code));
    return false;
}

/* Where the only value of @text lies: from *@first to before *@last. Returns
 * NULL, or what is wrong. */
static const char *find_value(const char *text, size_t len, JsonScanner *found,
                              size_t *first, size_t *last)
{
    JsonScanner sc = { 0 };
    const char *why = NULL;
    bool done = false;

    *first = 0;
    for (size_t i = 0; i <= len; i++) {
        /* White space after the end completes a number. */
        JsonScanResult res = json_scan_byte(&sc, i < len ? text[i] : '\n',
                                            &why);

        if (res == SCAN_ERROR) {
            return why;
        }
        if (res == SCAN_SKIP) {
            *first = done ? *first : i + 1;
            continue;
        }
        if (done) {
            return "more than one value";
        }
        if (res != SCAN_MORE) {
            done = true;
            *found = sc;
            *last = res == SCAN_DONE ? i + 1 : i;
        }
    }
    return done ? NULL : "incomplete value";
}

bool json_parse(const char *text, size_t len, struct json_object **value,
                Error **errp)
{
    g_autofree char *copy = NULL;
    JsonScanner sc = { 0 };
    size_t first, last = 0;
    const char *why;

    *value = NULL;
    why = find_value(text, len, &sc, &first, &last);
    if (why) {
        error_setg(errp, "JSON parse error, %s", why);
        return false;
    }
    copy = g_strndup(text + first, last - first);
    return json_convert(&sc, copy, last - first, value, errp);
}

char *json_print(struct json_object *value, bool pretty)
{
    int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

    flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                    : JSON_C_TO_STRING_PLAIN;
    return g_strdup(json_object_to_json_string_ext(value, flags));
}
