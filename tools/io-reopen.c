/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-io: the open image with other options. What was given before stays as
 * it is; the node goes on, with what waits for it and what is open of it.
 */
#include "util/osdep.h"
#include "io-internal.h"
#include <getopt.h>
#include <json-c/json.h>
#include "util/keyval.h"

typedef struct Reopen {
    struct json_object *given;      /* by -o; NULL: none */
    const char *cache;
    bool has_write, write;
} Reopen;

/* What other options can be given for than those at the start. */
static bool can_change(const char *format, const char *key)
{
    static const char *const common[] = {
        "read-only", "auto-read-only", "force-share", "discard",
        "detect-zeroes", "cache", NULL
    };
    static const char *const qcow2[] = {
        "lazy-refcounts", "overlap-check", "cache-size", "l2-cache-size",
        "l2-cache-entry-size", "refcount-cache-size", "cache-clean-interval",
        "pass-discard-request", "pass-discard-snapshot", "pass-discard-other",
        NULL
    };
    static const char *const raw[] = { "offset", "size", NULL };

    return g_strv_contains(common, key) ||
           (g_str_equal(format, "qcow2") && g_strv_contains(qcow2, key)) ||
           (g_str_equal(format, "raw") && g_strv_contains(raw, key));
}

static bool set_option(Reopen *r, int ch, const char *arg, Error **errp)
{
    if (ch == 'c') {
        r->cache = g_intern_string(arg);
        if (!tool_check_cache(arg)) {
            error_setg(errp, "Invalid cache option: %s", arg);
            return false;
        }
    } else if (ch == 'o') {
        json_object_put(r->given);
        r->given = keyval_parse(arg, NULL, NULL, errp);
        return r->given != NULL;
    } else if (r->has_write) {
        error_setg(errp, "Only one -r/-w option may be given");
        return false;
    } else {
        r->has_write = true;
        r->write = ch == 'w';
    }
    return true;
}

/* 0, -1: reported. */
static int parse(Reopen *r, int argc, char **argv)
{
    Error *err = NULL;
    int ch;

    optind = 0;
    while ((ch = getopt(argc, argv, "c:o:rw")) != -1) {
        if (ch == '?') {
            io_usage(argv[0]);
            return -1;
        }
        if (!set_option(r, ch, optarg, &err)) {
            tool_report_err(err);
            return -1;
        }
    }
    if (optind != argc) {
        io_usage(argv[0]);
        return -1;
    }
    return 0;
}

static bool check_keys(const char *format, struct json_object *given,
                       Error **errp)
{
    json_object_object_foreach(given, key, val) {
        (void)val;
        if (!can_change(format, key)) {
            error_setg(errp, "Cannot change the option '%s'", key);
            return false;
        }
    }
    return true;
}

static bool check(IoState *s, const Reopen *r, Error **errp)
{
    const char *format = bdrv_get_format_name(blk_get_bs(s->blk));

    if (!r->given) {
        return true;
    }
    if (r->has_write && json_object_object_get_ex(r->given, "read-only", NULL)) {
        error_setg(errp, "Cannot set both -r/-w and 'read-only'");
        return false;
    }
    if (r->cache && json_object_object_get_ex(r->given, "cache", NULL)) {
        error_setg(errp, "Cannot set both -c and the cache options");
        return false;
    }
    return check_keys(format, r->given, errp);
}

static void copy_members(struct json_object *to, struct json_object *from)
{
    if (from) {
        json_object_object_foreach(from, key, val) {
            json_object_object_add(to, key, json_object_get(val));
        }
    }
}

/* Who may write keeps an image from being read-only: with -r the rights go. */
static bool change(IoState *s, const ToolOpen *open, struct json_object *o,
                   Error **errp)
{
    BlockDriverState *bs = blk_get_bs(s->blk);
    struct json_object *all = json_object_new_object();
    bool ok;

    copy_members(all, o);
    tool_add_common(all, open);
    ok = (open->write || blk_set_perm(s->blk, BLK_PERM_CONSISTENT_READ,
                                      BLK_PERM_ALL, errp)) &&
         bdrv_reopen_options(bs, all, errp);
    json_object_put(all);
    if (!open->write && blk_supports_write_perm(s->blk)) {
        ok = tool_add_perm(s->blk, 0, ok ? errp : NULL) && ok;
    }
    if (ok) {
        blk_set_enable_write_cache(s->blk, tool_cache_writeback(open->cache));
    }
    return ok;
}

static int reopen(IoState *s, const Reopen *r, Error **errp)
{
    struct json_object *all = json_object_new_object();
    ToolOpen open = s->open;

    copy_members(all, s->reopened);
    copy_members(all, r->given);
    if (r->has_write) {
        open.write = r->write;
        json_object_object_del(all, "read-only");
    }
    if (r->cache) {
        open.cache = r->cache;
        json_object_object_del(all, "cache");
    }
    if (!check(s, r, errp) || !change(s, &open, all, errp)) {
        json_object_put(all);
        return -EINVAL;
    }
    s->open = open;
    json_object_put(s->reopened);
    s->reopened = all;
    return 0;
}

int io_reopen(IoState *s, int argc, char **argv)
{
    Error *err = NULL;
    Reopen r = { 0 };
    int ret = parse(&r, argc, argv);

    if (ret == 0) {
        ret = reopen(s, &r, &err);
        if (ret < 0) {
            tool_report_err(err);
        }
    }
    json_object_put(r.given);
    return ret;
}
