/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event notifiers; see include/util/event-notifier.h. */
#include "util/osdep.h"
#include "util/event-notifier.h"
#include <sys/eventfd.h>
#include "util/error.h"

bool event_notifier_init(EventNotifier *e, bool active, Error **errp)
{
    e->fd = eventfd(active, EFD_NONBLOCK | EFD_CLOEXEC);
    e->owned = e->fd >= 0;
    if (e->fd < 0) {
        error_setg_errno(errp, errno, "cannot create an event descriptor");
        if (errno == EMFILE) {
            error_append_hint(errp, "raise the limit on open files (ulimit -n)");
        }
        return false;
    }
    return true;
}

void event_notifier_init_fd(EventNotifier *e, int fd)
{
    e->fd = fd;
    e->owned = false;
}

void event_notifier_cleanup(EventNotifier *e)
{
    if (e->owned) {
        close(e->fd);
    }
    e->fd = -1;
    e->owned = false;
}

int event_notifier_get_fd(const EventNotifier *e)
{
    return e->fd;
}

void event_notifier_set(const EventNotifier *e)
{
    static const uint64_t one = 1;
    ssize_t ret;

    /* EAGAIN: the counter is full, so the other side is awake already; it
     * would take 2^64 sets without a single clear. */
    ret = RETRY_ON_EINTR(write(e->fd, &one, sizeof(one)));
    (void)ret;
}

bool event_notifier_test_and_clear(const EventNotifier *e)
{
    uint64_t count;

    return RETRY_ON_EINTR(read(e->fd, &count, sizeof(count))) ==
           sizeof(count);
}
