/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "io/yank.h"
#include "qapi/qapi-commands-yank.h"
#include "util/error.h"
#include "util/queue.h"

struct Yank {
    YankInstanceType type;
    char *name;
    YankFn *fn;
    void *opaque;
    TAILQ_ENTRY(Yank) next;
};

static TAILQ_HEAD(, Yank) yanks = TAILQ_HEAD_INITIALIZER(yanks);

Yank *yank_new(YankInstanceType type, const char *name, YankFn *fn,
               void *opaque)
{
    Yank *y = g_new0(Yank, 1);

    y->type = type;
    y->name = g_strdup(name);
    y->fn = fn;
    y->opaque = opaque;
    TAILQ_INSERT_TAIL(&yanks, y, next);
    return y;
}

void yank_free(Yank *y)
{
    if (y) {
        TAILQ_REMOVE(&yanks, y, next);
        g_free(y->name);
        g_free(y);
    }
}

static Yank *find(const YankInstance *i)
{
    const char *name = i->type == YANK_INSTANCE_TYPE_CHARDEV ?
                       i->u.chardev.id : i->u.block_node.node_name;
    Yank *y;

    TAILQ_FOREACH(y, &yanks, next) {
        if (y->type == i->type && g_str_equal(y->name, name)) {
            break;
        }
    }
    return y;
}

bool qmp_yank(YankInstanceList *instances, Error **errp)
{
    for (const YankInstanceList *i = instances; i; i = i->next) {
        if (!find(i->value)) {
            error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND,
                      "Instance not found");
            return false;
        }
    }
    for (const YankInstanceList *i = instances; i; i = i->next) {
        Yank *y = find(i->value);

        /* The one before may have been its end. */
        if (y) {
            y->fn(y->opaque);
        }
    }
    return true;
}

YankInstanceList *qmp_query_yank(Error **errp)
{
    YankInstanceList *list = NULL, **tail = &list;
    const Yank *y;

    TAILQ_FOREACH(y, &yanks, next) {
        YankInstance *i = g_new0(YankInstance, 1);

        i->type = y->type;
        if (y->type == YANK_INSTANCE_TYPE_CHARDEV) {
            i->u.chardev.id = g_strdup(y->name);
        } else {
            i->u.block_node.node_name = g_strdup(y->name);
        }
        *tail = g_new0(YankInstanceList, 1);
        (*tail)->value = i;
        tail = &(*tail)->next;
    }
    return list;
}
