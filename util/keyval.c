/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * key=value strings; the grammar is in include/util/keyval.h.
 *
 * Items go one after the other into a tree of objects, in which an index is a
 * member like any other. When all are in, objects with indexes become arrays.
 */
#include "util/osdep.h"
#include "util/keyval.h"
#include <json-c/json.h>
#include "util/error.h"

/* Longer is no key of ours; the depth bounds recursion in all who walk the
 * tree. */
#define KEY_FRAGMENT_MAX 127
#define KEY_DEPTH_MAX    16
/* An array has no more elements than a command line can give one by one. */
#define INDEX_DIGITS_MAX 5

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

static bool fragment_is_index(const char *s)
{
    size_t len = strspn(s, "0123456789");

    return len > 0 && len <= INDEX_DIGITS_MAX && !s[len] &&
           (s[0] != '0' || len == 1);
}

/* A letter or underscore, then also digits and '-'. */
static bool fragment_is_name(const char *s)
{
    if (!g_ascii_isalpha(*s) && *s != '_') {
        return false;
    }
    for (; *s; s++) {
        if (!g_ascii_isalnum(*s) && *s != '-' && *s != '_') {
            return false;
        }
    }
    return true;
}

static bool fragment_check(const char *key, char *const *frags, Error **errp)
{
    guint n = g_strv_length((char **)frags);

    if (n == 0 || n > KEY_DEPTH_MAX || fragment_is_index(frags[0])) {
        error_setg(errp, "invalid parameter '%.*s'", KEY_FRAGMENT_MAX, key);
        return false;
    }
    for (guint i = 0; i < n; i++) {
        if (strlen(frags[i]) > KEY_FRAGMENT_MAX ||
            (!fragment_is_name(frags[i]) && !fragment_is_index(frags[i]))) {
            error_setg(errp, "invalid parameter '%.*s'", KEY_FRAGMENT_MAX,
                       key);
            return false;
        }
    }
    return true;
}

/* Add @value to @old, a text or the members of an array, as a next element.
 * Returns what is then the member's value. */
static json_object *keyval_repeat(json_object *old, json_object *value)
{
    json_object *list = old;
    char index[16];

    if (json_object_is_type(old, json_type_object)) {
        json_object_get(list);
    } else {
        list = json_object_new_object();
        json_object_object_add(list, "0", json_object_get(old));
    }
    snprintf(index, sizeof(index), "%d", json_object_object_length(list));
    json_object_object_add(list, index, value);
    return list;
}

/* The object with @value beside members to come. */
static json_object *keyval_mixed(json_object *value)
{
    json_object *both = json_object_new_object();

    json_object_object_add(both, "", json_object_get(value));
    return both;
}

/* What is at @frag of @obj, a new object if nothing is. */
static json_object *keyval_child(json_object *obj, const char *frag)
{
    json_object *child;

    if (!json_object_object_get_ex(obj, frag, &child)) {
        child = json_object_new_object();
        json_object_object_add(obj, frag, child);
    }
    return child;
}

/* Put @value at @key, making the objects on the way. */
static bool keyval_put(json_object *root, const char *key, const char *value,
                       int flags, Error **errp)
{
    g_auto(GStrv) frags = g_strsplit(key, ".", -1);
    json_object *obj = root, *child;
    char **f = frags;

    if (!fragment_check(key, frags, errp)) {
        return false;
    }
    for (; f[1]; f++) {
        child = keyval_child(obj, *f);
        if ((flags & KEYVAL_MIXED) &&
            json_object_is_type(child, json_type_string)) {
            child = keyval_mixed(child);
            json_object_object_add(obj, *f, child);
        }
        if (!json_object_is_type(child, json_type_object)) {
            error_setg(errp, "parameter '%s' given, but '%s' is a value "
                       "already", key, *f);
            return false;
        }
        obj = child;
    }
    if ((flags & KEYVAL_REPEAT_LIST) &&
        json_object_object_get_ex(obj, *f, &child)) {
        child = keyval_repeat(child, json_object_new_string(value));
        json_object_object_add(obj, *f, child);
        return true;
    }
    if (json_object_object_get_ex(obj, *f, &child) &&
        json_object_is_type(child, json_type_object)) {
        if (flags & KEYVAL_MIXED) {
            json_object_object_add(child, "", json_object_new_string(value));
            return true;
        }
        error_setg(errp, "parameter '%s' given both as a value and with "
                   "members", key);
        return false;
    }
    json_object_object_add(obj, *f, json_object_new_string(value));
    return true;
}

/* Take the text up to the next single comma; *@s moves behind that. */
static char *keyval_take_value(const char **s)
{
    GString *value = g_string_new(NULL);
    const char *p = *s;

    for (; *p; p++) {
        if (*p == ',') {
            if (p[1] != ',') {
                p++;
                break;
            }
            p++;
        }
        g_string_append_c(value, *p);
    }
    *s = p;
    return g_string_free(value, FALSE);
}

typedef struct KeyvalParser {
    json_object *root;
    const char *implied_key;            /* NULL after the first item */
    int flags;
    bool *help;
} KeyvalParser;

/* An item without "=". */
static bool keyval_parse_bare(KeyvalParser *kp, const char **s, Error **errp)
{
    g_autofree char *item = keyval_take_value(s);

    if (kp->help && (g_str_equal(item, "help") || g_str_equal(item, "?"))) {
        *kp->help = true;
        return true;
    }
    if (kp->implied_key) {
        return keyval_put(kp->root, kp->implied_key, item, kp->flags, errp);
    }
    if (kp->flags & KEYVAL_BARE_BOOL) {
        bool off = g_str_has_prefix(item, "no") && item[2];

        return keyval_put(kp->root, off ? item + 2 : item, off ? "off" : "on",
                          kp->flags, errp);
    }
    error_setg(errp, "expected '=' after parameter '%s'", item);
    return false;
}

static bool keyval_parse_item(KeyvalParser *kp, const char **s, Error **errp)
{
    size_t len = strcspn(*s, "=,");
    g_autofree char *key = NULL, *value = NULL;

    if ((*s)[len] != '=') {
        return keyval_parse_bare(kp, s, errp);
    }
    key = g_strndup(*s, len);
    *s += len + 1;
    value = keyval_take_value(s);
    return keyval_put(kp->root, key, value, kp->flags, errp);
}

/* An array of the members of @obj, which has indexes only. */
static json_object *keyval_to_array(json_object *obj, const char *path,
                                    Error **errp)
{
    int n = json_object_object_length(obj);
    json_object *array = json_object_new_array_ext(n);

    for (int i = 0; i < n; i++) {
        char key[16];
        json_object *child;

        snprintf(key, sizeof(key), "%d", i);
        if (!json_object_object_get_ex(obj, key, &child)) {
            error_setg(errp, "parameter '%s.%d' is missing: indexes start at 0 "
                       "and have no gaps", path, i);
            json_object_put(array);
            return NULL;
        }
        json_object_array_add(array, json_object_get(child));
    }
    return array;
}

/*
 * Turn the objects with indexes in and below @obj into arrays. Returns a new
 * reference to what stands for @obj, or NULL with an error.
 */
static json_object *keyval_listify(json_object *obj, const char *path,
                                   Error **errp)
{
    struct json_object_iterator it = json_object_iter_begin(obj);
    struct json_object_iterator end = json_object_iter_end(obj);
    int n_index = 0, n = json_object_object_length(obj);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);
        json_object *child = json_object_iter_peek_value(&it);
        g_autofree char *child_path =
            *path ? g_strdup_printf("%s.%s", path, key) : g_strdup(key);

        n_index += fragment_is_index(key);
        if (json_object_is_type(child, json_type_object)) {
            json_object *new = keyval_listify(child, child_path, errp);

            if (!new) {
                return NULL;
            }
            /* Replaces the value; the key stays where it is. */
            json_object_object_add(obj, key, new);
        }
    }
    if (n_index && n_index < n) {
        error_setg(errp, "parameter '%s' has both names and indexes", path);
        return NULL;
    }
    return n_index ? keyval_to_array(obj, path, errp) : json_object_get(obj);
}

json_object *keyval_parse_flags(const char *params, const char *implied_key,
                                int flags, bool *help, Error **errp)
{
    g_autoptr(json_object) root = json_object_new_object();
    KeyvalParser kp = { root, implied_key, flags, help };

    if (help) {
        *help = false;
    }
    while (*params) {
        if (!keyval_parse_item(&kp, &params, errp)) {
            return NULL;
        }
        kp.implied_key = NULL;
    }
    return keyval_listify(root, "", errp);
}

json_object *keyval_parse(const char *params, const char *implied_key,
                          bool *help, Error **errp)
{
    return keyval_parse_flags(params, implied_key, 0, help, errp);
}

/* What is at @frag of @at: an object that is there or a new one. */
static json_object *keyval_enter(json_object *at, const char *frag,
                                 const char *key, Error **errp)
{
    json_object *child = keyval_child(at, frag);

    if (!json_object_is_type(child, json_type_object)) {
        error_setg(errp, "parameter '%s' is given in two ways", key);
        return NULL;
    }
    return child;
}

static bool keyval_nest_into(json_object *dst, json_object *src, Error **errp)
{
    json_object_object_foreach(src, key, val) {
        g_auto(GStrv) frags = g_strsplit(key, ".", KEY_DEPTH_MAX);
        json_object *at = dst;
        unsigned i = 0;

        for (; frags[0] && frags[i + 1] && at; i++) {
            at = keyval_enter(at, frags[i], key, errp);
        }
        if (at && json_object_is_type(val, json_type_object)) {
            at = keyval_enter(at, frags[0] ? frags[i] : key, key, errp);
            if (!at || !keyval_nest_into(at, val, errp)) {
                return false;
            }
        } else if (at) {
            json_object_object_add(at, frags[0] ? frags[i] : key,
                                   json_object_get(val));
        } else {
            return false;
        }
    }
    return true;
}

json_object *keyval_nest(json_object *flat, Error **errp)
{
    g_autoptr(json_object) root = json_object_new_object();
    json_object *tree = keyval_nest_into(root, flat, errp) ?
                        keyval_listify(root, "", errp) : NULL;

    if (tree && !json_object_is_type(tree, json_type_object)) {
        error_setg(errp, "parameters have names, not only indexes");
        json_object_put(tree);
        tree = NULL;
    }
    return tree;
}

static void keyval_append(json_object *dst, json_object *src)
{
    for (size_t i = 0; i < json_object_array_length(src); i++) {
        json_object *copy = NULL;

        json_object_deep_copy(json_object_array_get_idx(src, i), &copy, NULL);
        json_object_array_add(dst, copy);
    }
}

bool keyval_merge(json_object *dst, json_object *src, Error **errp)
{
    json_object_object_foreach(src, key, from) {
        json_type type = json_object_get_type(from);
        json_object *to, *copy = NULL;
        bool have = json_object_object_get_ex(dst, key, &to);

        if (have && json_object_get_type(to) != type) {
            error_setg(errp, "parameter '%s' is given in two ways", key);
            return false;
        }
        if (have && type == json_type_object) {
            if (!keyval_merge(to, from, errp)) {
                return false;
            }
        } else if (have && type == json_type_array) {
            keyval_append(to, from);
        } else {
            json_object_deep_copy(from, &copy, NULL);
            json_object_object_add(dst, key, copy);
        }
    }
    return true;
}
