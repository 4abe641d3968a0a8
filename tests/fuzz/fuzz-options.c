/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -device, -object, -blockdev and -chardev, as text or JSON, acted on: the
 * input is lines that begin with the option's letter. What they make is taken
 * away again after each input, so what stays behind adds up and shows.
 *
 * Nobody attacks by the command line, but QMP clients pass on what others
 * chose. Left out is what reaches beyond the process: paths, sockets.
 */
#include "fuzz-machine.h"
#include <json-c/json.h>
#include "chardev/char.h"
#include "hw/core/qdev-monitor.h"
#include "qapi/qapi-commands-block-core.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-options.h"
#include "qapi/qapi-visit-block-core.h"
#include "qapi/qapi-visit-options.h"
#include "qapi/qapi-visit-qom.h"
#include "util/error.h"

#define LINES_MAX 8

typedef struct Made {
    DeviceState *dev;
    char *object, *node, *chardev;
} Made;

static bool is_harmless_text(const char *s)
{
    static const char *const beyond[] = {
        "/", ":\"file\"", "-file", "filename", "path", "host", "socket", "udp",
        "stdio", "pty", "pipe", "tcp", "unix", "telnet", "prealloc", "tap",
        "vhost", "fd", "serial,", "mon:",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(beyond); i++) {
        if (strstr(s, beyond[i])) {
            return false;
        }
    }
    return true;
}

/* Of a value as it was read: escapes are gone. */
static bool is_harmless(struct json_object *v)
{
    g_autofree char *text = g_ascii_strdown(
        json_object_to_json_string_ext(v, JSON_C_TO_STRING_NOSLASHESCAPE), -1);

    return is_harmless_text(text);
}

static char *member(struct json_object *tree, const char *key)
{
    struct json_object *v = NULL;

    return json_object_object_get_ex(tree, key, &v) ?
           g_strdup(json_object_get_string(v)) : NULL;
}

static void make_device(const CliItem *item, Made *m, Error **errp)
{
    m->dev = qdev_device_add(item->tree, errp);
}

static void make_object(const CliItem *item, Made *m, Error **errp)
{
    g_autoptr(Visitor) v = cli_item_visitor(item);
    g_autoptr(ObjectOptions) opts = NULL;

    if (visit_type_ObjectOptions(v, NULL, &opts, errp) &&
        qmp_object_add(opts, errp)) {
        m->object = member(item->tree, "id");
    }
}

static void make_node(const CliItem *item, Made *m, Error **errp)
{
    g_autoptr(Visitor) v = cli_item_visitor(item);
    g_autoptr(BlockdevOptions) opts = NULL;

    if (visit_type_BlockdevOptions(v, NULL, &opts, errp) &&
        qmp_blockdev_add(opts, errp)) {
        m->node = member(item->tree, "node-name");
    }
}

static void make_chardev(const CliItem *item, Made *m, Error **errp)
{
    g_autoptr(Visitor) v = cli_item_visitor(item);
    g_autoptr(ChardevOptions) opts = NULL;

    if (visit_type_ChardevOptions(v, NULL, &opts, errp) &&
        chardev_new_from_options(opts, errp)) {
        m->chardev = member(item->tree, "id");
    }
}

static void unmake(Made *m)
{
    if (m->dev) {
        qdev_unrealize(m->dev);
        object_unparent(OBJECT(m->dev));
    }
    if (m->object) {
        user_creatable_del(m->object, NULL);
    }
    if (m->node) {
        qmp_blockdev_del(m->node, NULL);
    }
    if (m->chardev) {
        chardev_remove(m->chardev, NULL);
    }
    g_free(m->object);
    g_free(m->node);
    g_free(m->chardev);
}

static const struct {
    char letter;
    const char *option;
    int id;
    void (*make)(const CliItem *item, Made *m, Error **errp);
} options[] = {
    { 'd', "device", CLI_OPTION_DEVICE, make_device },
    { 'o', "object", CLI_OPTION_OBJECT, make_object },
    { 'b', "blockdev", CLI_OPTION_BLOCKDEV, make_node },
    { 'c', "chardev", CLI_OPTION_CHARDEV, make_chardev },
};

static void run_line(const char *line, Made *m)
{
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autoptr(CliOptions) cli = NULL;
        g_autoptr(Error) err = NULL;
        const CliItem *item;

        if (line[0] != options[i].letter) {
            continue;
        }
        cli = cli_new(&cli_table);
        if (!cli_add(cli, options[i].option, line + 1, &err)) {
            return;
        }
        item = cli_get(cli, options[i].id, 0);
        if (!item->help && is_harmless(item->tree)) {
            options[i].make(item, m, &err);
        }
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
    Made made[LINES_MAX] = { { NULL, NULL, NULL, NULL } };

    if (!started) {
        fuzz_start_machine();
        started = true;
    }
    for (int i = 0; lines[i]; i++) {
        run_line(lines[i], &made[i]);
    }
    fuzz_poll();
    for (int i = LINES_MAX - 1; i >= 0; i--) {
        unmake(&made[i]);
    }
    fuzz_poll();
    return 0;
}
