/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of functions to call when something happens. The owner of the list
 * says in which thread it notifies; lists have no lock of their own. A
 * notifier may remove itself (not another) while it runs.
 */
#ifndef UTIL_NOTIFY_H
#define UTIL_NOTIFY_H

#include <stdbool.h>
#include "util/queue.h"

typedef struct Notifier Notifier;

struct Notifier {
    void (*notify)(Notifier *n, void *data);
    LIST_ENTRY(Notifier) next;
};

typedef struct NotifierList {
    LIST_HEAD(, Notifier) list;
} NotifierList;

/* notifier_list_init: a zeroed list is initialized too. */
static inline void notifier_list_init(NotifierList *l)
{
    LIST_INIT(&l->list);
}

/* notifier_list_add: @n is called from now on, before those added earlier. */
static inline void notifier_list_add(NotifierList *l, Notifier *n)
{
    LIST_INSERT_HEAD(&l->list, n, next);
}

/* notifier_remove: fine on a zeroed notifier that was never added. */
static inline void notifier_remove(Notifier *n)
{
    if (LIST_IS_LINKED(n, next)) {
        LIST_REMOVE_CLEAR(n, next);
    }
}

/* notifier_list_notify: call all with @data, whose type the list's owner
 * documents. */
static inline void notifier_list_notify(NotifierList *l, void *data)
{
    Notifier *n, *tmp;

    LIST_FOREACH_SAFE(n, &l->list, next, tmp) {
        n->notify(n, data);
    }
}

static inline bool notifier_list_empty(const NotifierList *l)
{
    return LIST_EMPTY(&l->list);
}

#endif
