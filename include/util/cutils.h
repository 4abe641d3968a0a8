/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to numbers and back, and the "did you mean" search. All parse the whole
 * string (white space around is an error), take any input, and leave the
 * result alone when they fail. Pure functions.
 */
#ifndef UTIL_CUTILS_H
#define UTIL_CUTILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Error;

/* Decimal, or hexadecimal with 0x. Errors quote the text: "'12q' is not ...". */
bool parse_uint64(const char *s, uint64_t *val, struct Error **errp);
bool parse_int64(const char *s, int64_t *val, struct Error **errp);

/* parse_bool: on/off, yes/no, true/false, y/n. */
bool parse_bool(const char *s, bool *val, struct Error **errp);

/*
 * parse_size: a number of bytes with an optional suffix B K M G T P E (powers
 * of 1024, either case). A fraction ("1.5G") is allowed with K and above when
 * the result is whole bytes or is rounded down to them. Hexadecimal takes no
 * suffix.
 * @default_suffix: what a bare number counts; 'B' for bytes
 */
bool parse_size(const char *s, char default_suffix, uint64_t *val,
                struct Error **errp);

/* size_to_str: "512 B", "1.5 GiB": three digits or so, for people. g_free()
 * it. */
char *size_to_str(uint64_t bytes);

/*
 * closest_string: the candidate that a typing error most likely meant, or NULL
 * when nothing is close. @candidates ends with NULL.
 */
const char *closest_string(const char *needle, const char *const *candidates);

/* error_hint_closest: "did you mean 'x'?" as the hint of *@errp, if any. false:
 * nothing is close. */
bool error_hint_closest(struct Error **errp, const char *needle,
                        const char *const *candidates);

/* UUIDs, bytes in the order they are printed (RFC 9562). */
typedef struct Uuid {
    uint8_t data[16];
} Uuid;

#define UUID_STR_LEN 36

bool uuid_from_string(const char *s, Uuid *uuid, struct Error **errp);
void uuid_to_string(const Uuid *uuid, char out[UUID_STR_LEN + 1]);
bool uuid_is_null(const Uuid *uuid);
/* uuid_generate_random: version 4, from getrandom(2). */
void uuid_generate_random(Uuid *uuid);

/* Ethernet addresses, "52:54:00:12:34:56" ('-' works too). */
typedef struct MacAddr {
    uint8_t a[6];
} MacAddr;

#define MAC_STR_LEN 17

bool mac_from_string(const char *s, MacAddr *mac, struct Error **errp);
void mac_to_string(const MacAddr *mac, char out[MAC_STR_LEN + 1]);

#endif
