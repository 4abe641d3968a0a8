/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * key=value strings, as options take them:
 *
 *     params   = [ item { "," item } [ "," ] ]
 *     item     = key "=" value | value-of-the-implied-key | "help" | "?"
 *     key      = fragment { "." fragment }
 *     fragment = name | index
 *     value    = any characters; a comma is written twice
 *
 * `a.b=1,a.c=2` makes an object inside, `l.0=x,l.1=y` an array: an object
 * whose keys are all indexes becomes an array, which must have no holes. All
 * leaves are strings; the visitor gives them types. A key given again
 * replaces the earlier one. Pure functions.
 */
#ifndef UTIL_KEYVAL_H
#define UTIL_KEYVAL_H

#include <stdbool.h>

struct Error;
struct json_object;

enum {
    /*
     * A bare "foo" means foo=on and "nofoo" foo=off, as the older options
     * (-chardev, -drive, -netdev ...) allow.
     */
    KEYVAL_BARE_BOOL = 1,
    /* A key given again makes an array instead of replacing the earlier one
     * (-netdev user,hostfwd=A,hostfwd=B). */
    KEYVAL_REPEAT_LIST = 2,
    /* A key may have a value and members (-drive file=PATH,file.locking=off):
     * the value is then the member "". */
    KEYVAL_MIXED = 4,
};

/*
 * keyval_parse: parse @params into an object of strings, objects and arrays.
 * @implied_key: key of a first item without "="; NULL: none
 * @help: set to whether an item was "help" or "?", which is then no key;
 *     NULL: treat it like any other
 * Returns the object (release with json_object_put), or NULL with *@errp set.
 */
struct json_object *keyval_parse(const char *params, const char *implied_key,
                                 bool *help, struct Error **errp);

/* keyval_parse_flags: the same with KEYVAL_* flags. */
struct json_object *keyval_parse_flags(const char *params,
                                       const char *implied_key, int flags,
                                       bool *help, struct Error **errp);

/*
 * keyval_merge: put the members of @src into @dst, as repeated options do
 * (-machine a=b -machine c=d): objects merge member by member, arrays append,
 * strings replace. Fails when a key is a string here and a tree there. @src
 * stays the caller's; @dst may be changed in part on failure.
 */
bool keyval_merge(struct json_object *dst, struct json_object *src,
                  struct Error **errp);

/*
 * keyval_nest: the tree that keys with dots in the object @flat stand for, as
 * in { "file.filename": "x", "server": { "0.host": "y" } }. Values that are no
 * objects stay as they are.
 * Returns a new object, or NULL with *@errp set.
 */
struct json_object *keyval_nest(struct json_object *flat, struct Error **errp);

#endif
