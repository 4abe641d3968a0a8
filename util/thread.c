/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads; see include/util/thread.h. */
#include "util/osdep.h"
#include "util/thread.h"
#include <signal.h>
#include <time.h>
#include "util/error.h"
#include "util/rcu.h"

#define THREAD_NAME_MAX 15              /* the kernel's, without the NUL */

typedef struct ThreadStart {
    char name[THREAD_NAME_MAX + 1];
    void *(*fn)(void *opaque);
    void *opaque;
} ThreadStart;

static void *thread_main(void *arg)
{
    ThreadStart start = *(ThreadStart *)arg;
    void *ret;

    g_free(arg);
    pthread_setname_np(pthread_self(), start.name);
    rcu_register_thread();
    ret = start.fn(start.opaque);
    rcu_unregister_thread();
    return ret;
}

bool thread_create(Thread *t, const char *name, void *(*fn)(void *),
                   void *opaque, int flags, Error **errp)
{
    ThreadStart *start = g_new0(ThreadStart, 1);
    sigset_t all, old;
    pthread_attr_t attr;
    pthread_t handle;
    int err;

    g_strlcpy(start->name, name, sizeof(start->name));
    start->fn = fn;
    start->opaque = opaque;
    pthread_attr_init(&attr);
    if (flags & THREAD_DETACHED) {
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&handle, &attr, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (err) {
        g_free(start);
        error_setg_errno(errp, err, "cannot start thread '%s'", name);
        return false;
    }
    if (t) {
        t->handle = handle;
    }
    return true;
}

void *thread_join(Thread *t)
{
    void *ret = NULL;

    pthread_join(t->handle, &ret);
    return ret;
}

bool thread_is_self(const Thread *t)
{
    return pthread_equal(t->handle, pthread_self());
}

int thread_get_id(void)
{
    static __thread int id;

    if (!id) {
        id = gettid();
    }
    return id;
}

bool cond_timedwait_ns(pthread_cond_t *cond, pthread_mutex_t *mutex,
                       int64_t ns)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns = MAX(ns, 0);
    until.tv_sec += ns / NSEC_PER_SEC;
    until.tv_nsec += ns % NSEC_PER_SEC;
    if (until.tv_nsec >= NSEC_PER_SEC) {
        until.tv_nsec -= NSEC_PER_SEC;
        until.tv_sec++;
    }
    return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &until) == 0;
}
