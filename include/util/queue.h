/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive lists: the BSD macros of the C library (queue(7)), plus the
 * _SAFE walks that glibc leaves out. No allocation, no locks of their own.
 *
 *   LIST_    doubly linked, head of one pointer: registries, O(1) removal
 *   STAILQ_  singly linked with tail: first-in first-out queues
 *   TAILQ_   doubly linked with tail: queues with removal in the middle
 *
 * SLIST_, SIMPLEQ_ and CIRCLEQ_ exist in <sys/queue.h> but are not used here.
 *
 *     typedef struct Item {
 *         LIST_ENTRY(Item) next;
 *     } Item;
 *     static LIST_HEAD(, Item) items = LIST_HEAD_INITIALIZER(items);
 */
#ifndef UTIL_QUEUE_H
#define UTIL_QUEUE_H

#include <stddef.h>
#include <sys/queue.h>

/* Walks in which the body may remove and free @var (and no other element). */
#ifndef LIST_FOREACH_SAFE
#define LIST_FOREACH_SAFE(var, head, field, tmp)                               \
    for ((var) = LIST_FIRST(head);                                             \
         (var) && ((tmp) = LIST_NEXT(var, field), 1); (var) = (tmp))
#endif
#ifndef STAILQ_FOREACH_SAFE
#define STAILQ_FOREACH_SAFE(var, head, field, tmp)                             \
    for ((var) = STAILQ_FIRST(head);                                           \
         (var) && ((tmp) = STAILQ_NEXT(var, field), 1); (var) = (tmp))
#endif
#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(var, head, field, tmp)                              \
    for ((var) = TAILQ_FIRST(head);                                            \
         (var) && ((tmp) = TAILQ_NEXT(var, field), 1); (var) = (tmp))
#endif

/* Whether an element of a LIST_, zeroed before its first use, is on a list. */
#define LIST_IS_LINKED(elm, field) ((elm)->field.le_prev != NULL)

/* LIST_REMOVE, and leave the element such that LIST_IS_LINKED is false. */
#define LIST_REMOVE_CLEAR(elm, field)                                          \
    do {                                                                       \
        LIST_REMOVE(elm, field);                                               \
        (elm)->field.le_prev = NULL;                                           \
    } while (0)

/* The same two for TAILQ_. */
#define TAILQ_IS_LINKED(elm, field) ((elm)->field.tqe_prev != NULL)
#define TAILQ_REMOVE_CLEAR(head, elm, field)                                   \
    do {                                                                       \
        TAILQ_REMOVE(head, elm, field);                                        \
        (elm)->field.tqe_prev = NULL;                                          \
    } while (0)

#endif
