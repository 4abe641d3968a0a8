/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor, small on purpose: a prompt, and commands that stand for
 * QMP commands; "info X" (hmp-info.c) shows the answers of queries in lines
 * that people and scripts know. Everything else is QMP's.
 *
 * Lines end in CR or LF; backspace and control-U edit, there is no history.
 */
#include "util/osdep.h"
#include "hmp-internal.h"
#include "monitor-internal.h"
#include <json-c/json.h>
#include "net/net.h"
#include "qapi/dispatch.h"
#include "qapi/json.h"
#include "qapi/qapi-command-table.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-visit-qom.h"
#include "qom/object.h"
#include "util/cutils.h"
#include "util/keyval.h"
#include "util/main-loop.h"

#define HMP_LINE_MAX  4096          /* bytes */
#define HMP_PROMPT    "(qemu) "
#define HMP_GREETING  "NEMU " NEMU_VERSION " monitor - type 'help' for more " \
                      "information\r\n" HMP_PROMPT

struct HmpSession {
    CharFrontend chr;
    GString *line;
    GString *out;                   /* waits until the stream takes it */
    AioBH *bh;                      /* runs complete lines, outermost */
    GQueue lines;                   /* of char * */
    bool mux_out;                   /* another front end has the terminal */
    bool greeted;
    bool prompt_due;                /* the terminal is ours since */
    AioBH *prompt_bh;
    LIST_ENTRY(HmpSession) next;
};

static LIST_HEAD(, HmpSession) sessions = LIST_HEAD_INITIALIZER(sessions);

typedef struct HmpCommand {
    const char *name;
    const char *alias;              /* NULL: none */
    const char *args;               /* for help; NULL: none */
    const char *help;
    const char *qmp;                /* command it stands for */
    const char *key;                /* first word goes to this argument ... */
    const char *key2;               /* ... and the second to this one */
    bool keyval;                    /* the argument is key=value, this implied */
    /* instead of @qmp: takes key=value, texts for all types */
    bool (*add)(const char *arg, Error **errp);
    void (*run)(char **words, GString *out);    /* likewise: one word or two */
} HmpCommand;

static bool add_chardev(const char *arg, Error **errp)
{
    return chardev_new_from_arg(arg, errp) != NULL;
}

static bool add_object(const char *arg, Error **errp)
{
    struct json_object *tree = keyval_parse(arg, "qom-type", NULL, errp);
    g_autoptr(ObjectOptions) opts = NULL;
    Visitor *v;

    if (!tree) {
        return false;
    }
    v = input_visitor_new(tree, VISIT_INPUT_KEYVAL);
    visit_type_ObjectOptions(v, NULL, &opts, errp);
    visit_free(v);
    json_object_put(tree);
    return opts && qmp_object_add(opts, errp);
}

static const HmpCommand commands[] = {
    { "balloon", NULL, "megabytes", "ask the guest for this size", "balloon",
      "value" },
    { "chardev-add", NULL, "backend,id=id[,prop=value...]",
      "make a character device", .add = add_chardev },
    { "chardev-remove", NULL, "id", "remove a character device",
      "chardev-remove", "id" },
    { "cont", "c", NULL, "let the guest run", "cont" },
    { "device_add", NULL, "driver[,prop=value...]", "plug a device in",
      "device_add", "driver", NULL, true },
    { "device_del", NULL, "id", "unplug a device", "device_del", "id" },
    { "hostfwd_add", NULL, "[netdev_id] [tcp|udp]:[hostaddr]:hostport-"
      "[guestaddr]:guestport", "lead a port of the host to the guest",
      .run = hmp_hostfwd_add },
    { "hostfwd_remove", NULL, "[netdev_id] [tcp|udp]:[hostaddr]:hostport",
      "no longer do so", .run = hmp_hostfwd_remove },
    { "netdev_add", NULL, "type,id=id[,prop=value...]",
      "make a network back end", .add = net_client_init_from_arg },
    { "netdev_del", NULL, "id", "remove a network back end", "netdev_del",
      "id" },
    { "nmi", NULL, NULL, "send an NMI to the guest", "inject-nmi" },
    { "object_add", NULL, "type,id=id[,prop=value...]", "make an object",
      .add = add_object },
    { "object_del", NULL, "id", "delete an object", "object-del", "id" },
    { "qom-get", NULL, "path property", "print a property", "qom-get", "path",
      "property" },
    { "qom-list", NULL, "path", "list the properties of an object", "qom-list",
      "path" },
    { "quit", "q", NULL, "end the process", "quit" },
    { "set_link", NULL, "name on|off", "set the link of a network client",
      "set_link", "name", "up" },
    { "stop", "s", NULL, "stop the guest", "stop" },
    { "system_powerdown", NULL, NULL, "press the power button",
      "system_powerdown" },
    { "system_reset", NULL, NULL, "reset the machine", "system_reset" },
    { "system_wakeup", NULL, NULL, "wake the guest up", "system_wakeup" },
};

struct json_object *hmp_qmp_call(const char *name, struct json_object *args,
                                 GString *out)
{
    const QmpDispatchContext ctx = { 0 };
    struct json_object *req = json_object_new_object();
    struct json_object *resp, *val = NULL, *desc;

    json_object_object_add(req, "execute", json_object_new_string(name));
    json_object_object_add(req, "arguments",
                           args ? args : json_object_new_object());
    resp = qmp_dispatch(&qmp_command_table, req, &ctx);
    json_object_put(req);
    if (resp && json_object_object_get_ex(resp, "error", &val)) {
        json_object_object_get_ex(val, "desc", &desc);
        g_string_append_printf(out, "Error: %s\n",
                               json_object_get_string(desc));
        val = NULL;
    } else if (resp && json_object_object_get_ex(resp, "return", &val)) {
        json_object_get(val);
    }
    json_object_put(resp);
    return val;
}

static const HmpCommand *hmp_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(commands[i].name, name) ||
            !g_strcmp0(commands[i].alias, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

static void hmp_help_command(const HmpCommand *c, GString *out)
{
    g_string_append_printf(out, "%s%s%s %s -- %s\n", c->name,
                           c->alias ? "|" : "", c->alias ? c->alias : "",
                           c->args ? c->args : "", c->help);
}

/* @name NULL: all */
static void hmp_help(const char *name, GString *out)
{
    const HmpCommand *c = name ? hmp_find(name) : NULL;

    if (c) {
        hmp_help_command(c, out);
        return;
    }
    if (name && !g_str_equal(name, "info")) {
        g_string_append_printf(out, "unknown command: '%s'\n", name);
        return;
    }
    for (size_t i = 0; !name && i < G_N_ELEMENTS(commands); i++) {
        hmp_help_command(&commands[i], out);
    }
    hmp_info_help(out);
}

/* Words to the arguments of the QMP command. */
static struct json_object *hmp_args(const HmpCommand *c, char **words,
                                    GString *out)
{
    struct json_object *args = json_object_new_object();
    Error *err = NULL;

    if (c->keyval) {
        json_object_put(args);
        args = keyval_parse(words[0], c->key, NULL, &err);
        if (!args) {
            g_string_append_printf(out, "Error: %s\n", error_get_pretty(err));
            error_free(err);
        }
        return args;
    }
    if (g_str_equal(c->name, "balloon")) {
        json_object_object_add(args, "value", json_object_new_int64(
            g_ascii_strtoll(words[0], NULL, 0) * (int64_t)MiB));
    } else if (c->key) {
        json_object_object_add(args, c->key, json_object_new_string(words[0]));
    }
    if (c->key2 && g_str_equal(c->key2, "up")) {
        json_object_object_add(args, c->key2,
            json_object_new_boolean(g_str_equal(words[1], "on")));
    } else if (c->key2) {
        json_object_object_add(args, c->key2, json_object_new_string(words[1]));
    }
    return args;
}

static void hmp_add(const HmpCommand *c, const char *arg, GString *out)
{
    g_autoptr(Error) err = NULL;

    if (!c->add(arg, &err)) {
        g_string_append_printf(out, "Error: %s\n", error_get_pretty(err));
    }
}

static void hmp_command(const HmpCommand *c, char **words, GString *out)
{
    guint need = (c->key != NULL) + (c->key2 != NULL) + (c->add || c->run);
    struct json_object *args, *val;
    g_autofree char *text = NULL;

    if (g_strv_length(words) < need) {
        g_string_append_printf(out, "%s: expects %s\n", c->name, c->args);
        return;
    }
    if (c->add) {
        hmp_add(c, words[0], out);
        return;
    }
    if (c->run) {
        c->run(words, out);
        return;
    }
    args = hmp_args(c, words, out);
    if (!args) {
        return;
    }
    val = hmp_qmp_call(c->qmp, args, out);
    if (val && !(json_object_is_type(val, json_type_object) &&
                 json_object_object_length(val) == 0)) {
        text = json_print(val, true);
        g_string_append_printf(out, "%s\n", text);
    }
    json_object_put(val);
}

char *hmp_run(const char *line)
{
    g_autofree char *copy = g_strstrip(g_strdup(line));
    g_auto(GStrv) words = g_strsplit_set(copy, " \t", 3);
    GString *out = g_string_new(NULL);
    const HmpCommand *c;

    if (!words[0] || !*words[0]) {
        return g_string_free(out, FALSE);
    }
    c = hmp_find(words[0]);
    if (c) {
        hmp_command(c, words + 1, out);
    } else if (g_str_equal(words[0], "info") && words[1]) {
        hmp_info(words[1], words[2], out);
    } else if (g_str_equal(words[0], "info")) {
        hmp_info_help(out);
    } else if (g_str_equal(words[0], "help") || g_str_equal(words[0], "?")) {
        hmp_help(words[1], out);
    } else {
        g_string_append_printf(out, "unknown command: '%s'\n", words[0]);
    }
    return g_string_free(out, FALSE);
}

/* ---- The terminal ---- */

static void hmp_writable(void *opaque);

static void hmp_flush(HmpSession *s)
{
    ssize_t n = 1;

    while (n > 0 && s->out->len) {
        n = chr_fe_write(&s->chr, s->out->str, s->out->len);
        g_string_erase(s->out, 0, MAX(n, 0));
    }
    if (n < 0 || (s->out->len &&
                  !chr_fe_add_write_watch(&s->chr, hmp_writable, s))) {
        g_string_truncate(s->out, 0);
    }
}

static void hmp_writable(void *opaque)
{
    HmpSession *s = opaque;

    hmp_flush(s);
    if (!s->out->len) {
        chr_fe_accept_input(&s->chr);
    }
}

static void hmp_put(HmpSession *s, const char *text, size_t len)
{
    g_string_append_len(s->out, text, len);
    hmp_flush(s);
}

static void hmp_run_lines(void *opaque)
{
    HmpSession *s = opaque;
    char *line;

    while ((line = g_queue_pop_head(&s->lines))) {
        g_autofree char *out = hmp_run(line);
        g_auto(GStrv) parts = g_strsplit(out, "\n", -1);
        g_autofree char *crlf = g_strjoinv("\r\n", parts);

        g_free(line);
        hmp_put(s, crlf, strlen(crlf));
        hmp_put(s, HMP_PROMPT, strlen(HMP_PROMPT));
    }
    chr_fe_accept_input(&s->chr);
}

static void hmp_key(HmpSession *s, char c)
{
    switch (c) {
    case '\r':
    case '\n':
        hmp_put(s, "\r\n", 2);
        g_queue_push_tail(&s->lines, g_strdup(s->line->str));
        g_string_truncate(s->line, 0);
        aio_bh_schedule(s->bh);
        break;
    case '\b':
    case 0x7f:
        if (s->line->len) {
            g_string_truncate(s->line, s->line->len - 1);
            hmp_put(s, "\b \b", 3);
        }
        break;
    case 'U' & 0x1f:
        while (s->line->len) {
            g_string_truncate(s->line, s->line->len - 1);
            hmp_put(s, "\b \b", 3);
        }
        break;
    default:
        if (!g_ascii_iscntrl(c) && s->line->len < HMP_LINE_MAX) {
            g_string_append_c(s->line, c);
            hmp_put(s, &c, 1);
        }
        break;
    }
}

static size_t hmp_can_read(void *opaque)
{
    HmpSession *s = opaque;

    return g_queue_is_empty(&s->lines) && !s->out->len ? 1 : 0;
}

/* Not at once: at the start the terminal goes from hand to hand, and nothing
 * is to be seen of one that the guest has in the end. */
static void hmp_prompt(void *opaque)
{
    HmpSession *s = opaque;
    const char *text = s->greeted ? HMP_PROMPT : HMP_GREETING;

    if (s->prompt_due && !s->mux_out) {
        s->prompt_due = false;
        s->greeted = true;
        hmp_put(s, text, strlen(text));
    }
}

static void hmp_want_prompt(HmpSession *s)
{
    s->prompt_due = true;
    aio_bh_schedule(s->prompt_bh);
}

static void hmp_read(void *opaque, const uint8_t *buf, size_t size)
{
    hmp_prompt(opaque);
    for (size_t i = 0; i < size; i++) {
        hmp_key(opaque, buf[i]);
    }
}

static void hmp_event(void *opaque, ChrEvent event)
{
    HmpSession *s = opaque;

    switch (event) {
    case CHR_EVENT_MUX_IN:
        s->mux_out = false;
        hmp_want_prompt(s);
        break;
    case CHR_EVENT_MUX_OUT:
        s->mux_out = true;
        break;
    case CHR_EVENT_OPENED:
        g_string_truncate(s->line, 0);
        g_string_truncate(s->out, 0);
        s->greeted = false;
        if (!s->mux_out) {
            hmp_want_prompt(s);
        }
        break;
    default:
        break;
    }
}

bool hmp_session_new(Chardev *chr, Error **errp)
{
    HmpSession *s = g_new0(HmpSession, 1);

    if (!chr_fe_init(&s->chr, chr, errp)) {
        g_free(s);
        return false;
    }
    s->line = g_string_new(NULL);
    s->out = g_string_new(NULL);
    s->bh = main_loop_bh_new(hmp_run_lines, s);
    s->prompt_bh = main_loop_bh_new(hmp_prompt, s);
    s->mux_out = chr->is_mux;
    g_queue_init(&s->lines);
    LIST_INSERT_HEAD(&sessions, s, next);
    chr_fe_set_echo(&s->chr, false);
    chr_fe_set_handlers(&s->chr, hmp_can_read, hmp_read, hmp_event, s, NULL);
    return true;
}

void hmp_sessions_cleanup(void)
{
    HmpSession *s;

    while ((s = LIST_FIRST(&sessions))) {
        LIST_REMOVE(s, next);
        chr_fe_remove_write_watch(&s->chr);
        chr_fe_deinit(&s->chr, false);
        aio_bh_delete(s->bh);
        aio_bh_delete(s->prompt_bh);
        g_queue_clear_full(&s->lines, g_free);
        g_string_free(s->line, TRUE);
        g_string_free(s->out, TRUE);
        g_free(s);
    }
}
