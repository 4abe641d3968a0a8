/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the block layer share: nodes from JSON, files to use. */
#ifndef TESTS_UNIT_BLOCK_TEST_H
#define TESTS_UNIT_BLOCK_TEST_H

#include "util/osdep.h"
#include "block/block-internal.h"
#include <glib/gstdio.h>
#include <json-c/json.h>
#include "qapi/json.h"
#include "../lib/assert-error.h"
#include "../lib/loop.h"

/* A node from the JSON of blockdev-add; NULL with an error. */
static inline BlockDriverState *test_open(const char *json, Error **errp)
{
    struct json_object *tree = NULL;
    BlockdevOptions *o;
    BlockDriverState *bs = NULL;

    g_assert_true(json_parse(json, strlen(json), &tree, NULL));
    o = bdrv_options_from_json(tree, errp);
    json_object_put(tree);
    if (o) {
        bs = bdrv_open(o, errp);
        qapi_free_BlockdevOptions(o);
    }
    return bs;
}

static inline BlockDriverState *test_open_ok(const char *json)
{
    Error *err = NULL;
    BlockDriverState *bs = test_open(json, &err);

    if (!bs) {
        g_error("%s: %s", json, error_get_pretty(err));
    }
    return bs;
}

static inline BlockDriverState *test_null_node(const char *name)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"null-co\",\"node-name\":\"%s\",\"size\":1048576,"
        "\"read-zeroes\":true}", name);

    return test_open_ok(json);
}

/* A new file of that content, in memory where the host has a place for that;
 * g_free() the path, g_unlink() the file. */
static inline char *test_file(const void *data, size_t bytes)
{
    const char *dir = g_access("/dev/shm", W_OK) ? g_get_tmp_dir() : "/dev/shm";
    char *path = g_build_filename(dir, "nemu-block-XXXXXX", NULL);
    int fd = g_mkstemp(path);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, bytes), ==, bytes);
    close(fd);
    return path;
}

#endif
