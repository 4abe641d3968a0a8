/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GLib's locks for the thread sanitizer, which does not see them: GLib is not
 * compiled with it and makes them of futexes. Included by util/osdep.h in
 * builds with that sanitizer only. What a lock orders is told; who holds it is
 * not, so there are no reports of deadlocks.
 */
#ifndef UTIL_TSAN_GLIB_H
#define UTIL_TSAN_GLIB_H

#include <glib.h>
#include <sanitizer/tsan_interface.h>

static inline void tsan_g_mutex_lock(GMutex *m)
{
    g_mutex_lock(m);
    __tsan_acquire(m);
}

static inline void tsan_g_mutex_unlock(GMutex *m)
{
    __tsan_release(m);
    g_mutex_unlock(m);
}

static inline void tsan_g_cond_wait(GCond *cond, GMutex *m)
{
    __tsan_release(m);
    g_cond_wait(cond, m);
    __tsan_acquire(m);
}

static inline void tsan_g_async_queue_push(GAsyncQueue *q, gpointer data)
{
    __tsan_release(q);
    g_async_queue_push(q, data);
}

static inline gpointer tsan_g_async_queue_pop(GAsyncQueue *q)
{
    gpointer data = g_async_queue_pop(q);

    __tsan_acquire(q);
    return data;
}

#define g_mutex_lock(m)           tsan_g_mutex_lock(m)
#define g_mutex_unlock(m)         tsan_g_mutex_unlock(m)
#define g_cond_wait(c, m)         tsan_g_cond_wait(c, m)
#define g_async_queue_push(q, d)  tsan_g_async_queue_push(q, d)
#define g_async_queue_pop(q)      tsan_g_async_queue_pop(q)

#endif
