/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An eventfd that one side sets and another waits for: ioeventfd, irqfd,
 * doorbells between threads.
 *
 * The descriptor is non-blocking and close-on-exec. All functions may be
 * called from any thread; init and cleanup once.
 */
#ifndef UTIL_EVENT_NOTIFIER_H
#define UTIL_EVENT_NOTIFIER_H

#include <stdbool.h>

struct Error;

typedef struct EventNotifier {
    int fd;                         /* -1: not initialized */
    bool owned;                     /* cleanup closes it */
} EventNotifier;

#define EVENT_NOTIFIER_INIT { .fd = -1 }

/* event_notifier_init: make an eventfd; @active: set from the start. */
bool event_notifier_init(EventNotifier *e, bool active, struct Error **errp);

/* event_notifier_init_fd: wrap @fd, which stays the caller's to close. */
void event_notifier_init_fd(EventNotifier *e, int fd);

/* event_notifier_cleanup: close it. Fine on one that is not initialized. */
void event_notifier_cleanup(EventNotifier *e);

int event_notifier_get_fd(const EventNotifier *e);

/* event_notifier_set: wake the waiter. One write(2). */
void event_notifier_set(const EventNotifier *e);

/*
 * event_notifier_test_and_clear: whether it was set since the last call. One
 * read(2). A handler given to aio_set_event_notifier() need not call it.
 */
bool event_notifier_test_and_clear(const EventNotifier *e);

#endif
