/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Visitors walk a value that has a schema type.
 *
 * The generated visit_type_Foo(v, name, &obj, errp) describes the type once;
 * the visitor decides what happens: input visitors build the C value from
 * JSON or from key=value text, the output visitor makes JSON of it, the
 * dealloc visitor frees it. QOM properties are read and written through the
 * same functions.
 *
 * @name is the member's name inside a struct, NULL for list elements and for
 * the root (there it may be given to name the root in errors); an input visitor
 * keeps the pointer until visit_end_struct(). All functions
 * return true when fine; on false *@errp is set and, when reading input, *obj
 * is NULL or untouched: nothing half-built reaches the caller. Only input
 * visitors fail.
 *
 * Hostile input: nesting is bounded by VISIT_DEPTH_MAX, numbers are checked
 * against their C type, strings with NUL inside are refused, unknown members
 * are errors, and memory is bounded by the size of the input.
 *
 * A visitor is used by one thread, once, and released by visit_free().
 */
#ifndef QAPI_VISITOR_H
#define QAPI_VISITOR_H

#include "qapi/qapi-types.h"

/* Deeper than any schema type nests; recursive types stop here. */
#define VISIT_DEPTH_MAX 256

typedef struct Visitor Visitor;

typedef bool QapiMembersFn(Visitor *v, void *obj, struct Error **errp);

/* Kinds of visitors */

/* How an input visitor reads scalars. */
typedef enum VisitInputMode {
    VISIT_INPUT_JSON,   /* JSON types only: QMP, -blockdev '{...}' */
    VISIT_INPUT_KEYVAL, /* text makes any type: key=value, device_add */
} VisitInputMode;

/*
 * input_visitor_new: read from @root, which must outlive the visitor and stay
 * unchanged. In KEYVAL mode text becomes a number (decimal or 0x), a size
 * (with suffix), a boolean (on/off, yes/no, true/false) as the type asks; a
 * single text stands for a list of one (lists of numbers take "1,3-5" too),
 * and for a struct made of `str` alone. Real JSON types work in it as well.
 */
Visitor *input_visitor_new(struct json_object *root, VisitInputMode mode);

/* output_visitor_new: make JSON. After the visit take the result with
 * output_visitor_take(), which the caller owns (NULL is JSON's null). */
Visitor *output_visitor_new(void);
struct json_object *output_visitor_take(Visitor *v);

/* dealloc_visitor_new: free what is visited; the generated qapi_free_Foo()
 * functions are all that uses it. */
Visitor *dealloc_visitor_new(void);

void visit_free(Visitor *v);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Visitor, visit_free)

/* Structure */

/*
 * visit_start_struct: enter a struct. Input: allocates @size zeroed bytes into
 * *@obj, unless @obj is NULL (the caller has the memory). After true, visit
 * the members, then (if all went well) visit_check_struct(), which refuses
 * members nobody asked for, and always visit_end_struct().
 */
bool visit_start_struct(Visitor *v, const char *name, void **obj, size_t size,
                        struct Error **errp);
bool visit_check_struct(Visitor *v, struct Error **errp);
void visit_end_struct(Visitor *v);

/*
 * visit_start_list: enter a list, for code that visits by hand:
 *     if (!visit_start_list(v, name, &has_first, errp)) return false;
 *     while (visit_next_list(v)) { visit_type_int(v, NULL, &x, errp); }
 *     visit_end_list(v);
 * Output: visit_next_list() always returns true; the caller knows the end.
 */
bool visit_start_list(Visitor *v, const char *name, struct Error **errp);
bool visit_next_list(Visitor *v);
void visit_end_list(Visitor *v);

/*
 * visit_optional: input sets *@present to whether the member is there; the
 * others leave it as it is.
 */
void visit_optional(Visitor *v, const char *name, bool *present);

/* Scalars. Strings read are g_malloc()ed and the caller's; @obj of an output
 * visit is only read. */
bool visit_type_int(Visitor *v, const char *name, int64_t *obj,
                    struct Error **errp);
bool visit_type_int8(Visitor *v, const char *name, int8_t *obj,
                     struct Error **errp);
bool visit_type_int16(Visitor *v, const char *name, int16_t *obj,
                      struct Error **errp);
bool visit_type_int32(Visitor *v, const char *name, int32_t *obj,
                      struct Error **errp);
bool visit_type_int64(Visitor *v, const char *name, int64_t *obj,
                      struct Error **errp);
bool visit_type_uint8(Visitor *v, const char *name, uint8_t *obj,
                      struct Error **errp);
bool visit_type_uint16(Visitor *v, const char *name, uint16_t *obj,
                       struct Error **errp);
bool visit_type_uint32(Visitor *v, const char *name, uint32_t *obj,
                       struct Error **errp);
bool visit_type_uint64(Visitor *v, const char *name, uint64_t *obj,
                       struct Error **errp);
bool visit_type_size(Visitor *v, const char *name, uint64_t *obj,
                     struct Error **errp);
bool visit_type_bool(Visitor *v, const char *name, bool *obj,
                     struct Error **errp);
bool visit_type_str(Visitor *v, const char *name, char **obj,
                    struct Error **errp);
bool visit_type_number(Visitor *v, const char *name, double *obj,
                       struct Error **errp);
/* Any JSON value; the reference read is the caller's (NULL is JSON's null). */
bool visit_type_any(Visitor *v, const char *name, struct json_object **obj,
                    struct Error **errp);
/* JSON's null; *@obj becomes true. */
bool visit_type_null(Visitor *v, const char *name, bool *obj,
                     struct Error **errp);
bool visit_type_enum(Visitor *v, const char *name, int *obj,
                     const QEnumLookup *lookup, struct Error **errp);

/* For generated code */

bool qapi_visit_struct(Visitor *v, const char *name, void **obj, size_t size,
                       QapiMembersFn *members, struct Error **errp);
bool qapi_visit_list(Visitor *v, const char *name, GenericList **list,
                     size_t node_size, QapiMembersFn *element,
                     struct Error **errp);
/* @kinds: a bit for each QapiKind that has a branch. */
bool qapi_visit_alternate(Visitor *v, const char *name, GenericAlternate **obj,
                          size_t size, unsigned kinds, QapiMembersFn *branch,
                          struct Error **errp);
bool qapi_visit_branch_struct(Visitor *v, void *obj, QapiMembersFn *members,
                              struct Error **errp);
void qapi_free_struct(void *obj, QapiMembersFn *members);
void qapi_free_list(GenericList *list, QapiMembersFn *element);

/*
 * qapi_visit_args: read members of @args (NULL: none) into the zeroed struct
 * @obj; qapi_free_args releases what the members own. Strict JSON.
 */
bool qapi_visit_args(struct json_object *args, void *obj,
                     QapiMembersFn *members, struct Error **errp);
void qapi_free_args(void *obj, QapiMembersFn *members);

/* qapi_no_members: the members of a struct that has none. */
QapiMembersFn qapi_no_members;

/* qapi_output_args: the members of @obj as a new JSON object. */
struct json_object *qapi_output_args(void *obj, QapiMembersFn *members);

/* Conveniences on top of visit_type_Foo() */

/* QAPI_TO_JSON: @src, a Foo *, as a new JSON value, which the caller owns. */
#define QAPI_TO_JSON(type, src)                                                \
    (__extension__({                                                           \
        type *from_ = (type *)(src);                                           \
        Visitor *ov_ = output_visitor_new();                                   \
        struct json_object *made_;                                             \
        visit_type_##type(ov_, NULL, &from_, NULL);                            \
        made_ = output_visitor_take(ov_);                                      \
        visit_free(ov_);                                                       \
        made_;                                                                 \
    }))

/* QAPI_CLONE: a deep copy of @src, a Foo *. */
#define QAPI_CLONE(type, src)                                                  \
    (__extension__({                                                           \
        struct json_object *json_ = QAPI_TO_JSON(type, src);                   \
        Visitor *iv_ = input_visitor_new(json_, VISIT_INPUT_JSON);             \
        type *copy_ = NULL;                                                    \
        visit_type_##type(iv_, NULL, &copy_, NULL);                            \
        visit_free(iv_);                                                       \
        json_put(json_);                                                       \
        copy_;                                                                 \
    }))

/* json_put: json_object_put() for callers without json-c's header. */
void json_put(struct json_object *value);

/*
 * qapi_value_to_string: @value for people or for "string" interfaces: scalars
 * as plain text, trees as compact JSON. @human adds units to sizes when it is
 * a number above 1023 ("4194304 (4 MiB)"). g_free() it.
 */
char *qapi_value_to_string(struct json_object *value, bool human);

#endif
