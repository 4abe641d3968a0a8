/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds where a JSON value ends, one byte at a time, and refuses what json-c
 * would be too lenient about. It knows brackets, strings and characters, not
 * grammar: json-c checks the rest when the value is complete.
 */
#ifndef QAPI_JSON_INTERNAL_H
#define QAPI_JSON_INTERNAL_H

#include "qapi/json.h"

typedef enum JsonScanState {
    SCAN_BETWEEN,       /* no value has begun */
    SCAN_WORD,          /* in a number or word that is a value by itself */
    SCAN_NESTED,        /* in an object or array */
    SCAN_STRING,
    SCAN_ESCAPE,        /* after a backslash */
    SCAN_UNICODE,       /* in the digits of \uXXXX */
} JsonScanState;

typedef struct JsonScanner {
    JsonScanState state;
    size_t len;         /* bytes of the value so far */
    size_t tokens;
    unsigned depth;
    unsigned digits;    /* in a row: a number that may be too large */
    unsigned hex_left;  /* digits of \uXXXX to come */
    bool hex_nonzero;
    bool long_number;   /* a number needs check_numbers() */
    char quote;
    char last;          /* last byte that is no white space, out of strings */
} JsonScanner;

typedef enum JsonScanResult {
    SCAN_SKIP,          /* the byte is white space between values */
    SCAN_MORE,          /* the byte belongs to a value that goes on */
    SCAN_DONE,          /* the byte is the last one of the value */
    SCAN_DONE_BEFORE,   /* white space that ends the value before it */
    SCAN_ERROR,         /* *@why says what is wrong */
} JsonScanResult;

JsonScanResult json_scan_byte(JsonScanner *sc, unsigned char c,
                              const char **why);

/* json_convert: the complete value @text, with a NUL after @len bytes. */
bool json_convert(const JsonScanner *sc, const char *text, size_t len,
                  struct json_object **value, struct Error **errp);

#endif
