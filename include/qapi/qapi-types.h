/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the generated schema types share.
 *
 * A struct Foo of the schema is `struct Foo` in C:
 *   - a mandatory member is a field of its C type;
 *   - an optional member of a pointer type (string, struct, union, alternate,
 *     list, any) is absent when NULL; any other has a `bool has_x` beside it;
 *   - a union carries its branches in `u`, the tag tells which one is valid;
 *   - an array is a singly linked list, FooList, NULL when empty. An optional
 *     empty list is therefore the same as an absent one.
 * Everything reachable is owned by the outermost struct and came from GLib's
 * allocator; qapi_free_Foo() releases all of it, NULL is fine, and
 * g_autoptr(Foo) works. Plain memory: no locking, any thread, one at a time.
 */
#ifndef QAPI_QAPI_TYPES_H
#define QAPI_QAPI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

struct Error;
struct json_object;

/*
 * Names of an enum: @size strings, each ended by NUL, one after the other. A
 * blob needs no relocation, so that start-up does not pay for it. @absent has
 * pairs of strings in the same way, up to an empty one: a value that was left
 * out on purpose, and what to use instead. NULL: none was.
 */
typedef struct QEnumLookup {
    const char *names;
    int size;
    const char *absent;
} QEnumLookup;

/* qapi_enum_str: name of @val, or NULL when out of range. */
const char *qapi_enum_str(const QEnumLookup *lookup, int val);

/* qapi_enum_find: the value called @name, or -1. */
int qapi_enum_find(const QEnumLookup *lookup, const char *name);

/* qapi_enum_closest: the name that @name most likely meant, or NULL. */
const char *qapi_enum_closest(const QEnumLookup *lookup, const char *name);

/*
 * qapi_enum_unknown: the end of an error about the unknown value @name: the
 * closest one, or why it was left out, or all there are when these are few;
 * "" when nothing helps. g_free() it.
 */
char *qapi_enum_unknown(const QEnumLookup *lookup, const char *name);

/*
 * qapi_enum_parse: as qapi_enum_find, with @def for NULL, and an error that
 * names the closest valid value. Returns -1 with *@errp set when unknown.
 */
int qapi_enum_parse(const QEnumLookup *lookup, const char *name, int def,
                    struct Error **errp);

/* The layouts that all lists and alternates begin with. */
typedef struct GenericList {
    struct GenericList *next;
    char value[];
} GenericList;

typedef enum QapiKind {
    QAPI_KIND_NULL,
    QAPI_KIND_BOOL,
    QAPI_KIND_NUMBER,
    QAPI_KIND_STRING,
    QAPI_KIND_OBJECT,
    QAPI_KIND_ARRAY,
    QAPI_KIND__MAX,
} QapiKind;

typedef struct GenericAlternate {
    QapiKind type;
} GenericAlternate;

/* Put @element, which the list then owns, in front of @list. */
#define QAPI_LIST_PREPEND(list, element)                                       \
    do {                                                                       \
        __typeof__(list) node_ = g_malloc0(sizeof(*(list)));                   \
        node_->value = (element);                                              \
        node_->next = (list);                                                  \
        (list) = node_;                                                        \
    } while (0)

/*
 * Put @element at the end; @tail is a `FooList **` that starts as the address
 * of the list's head and moves along.
 */
#define QAPI_LIST_APPEND(tail, element)                                        \
    do {                                                                       \
        *(tail) = g_malloc0(sizeof(**(tail)));                                 \
        (*(tail))->value = (element);                                          \
        (tail) = &(*(tail))->next;                                             \
    } while (0)

#endif
