/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "-object iothread,id=X": a thread that runs an AioContext. Devices that are
 * given one serve their queues there, without the big lock.
 *
 * Life cycle: the thread starts when the object is complete and ends when the
 * last reference goes; users take one and leave the context first.
 *
 * Threading: big lock, but iothread_get_aio_context() is for any thread.
 */
#ifndef SYSTEM_IOTHREAD_H
#define SYSTEM_IOTHREAD_H

#include "qom/object.h"
#include "util/aio.h"

#define TYPE_IOTHREAD "iothread"
OBJECT_DECLARE_SIMPLE_TYPE(IOThread, IOTHREAD)

/* The longest busy-poll when the user gives none, nanoseconds: about what a
 * sleep and wake-up cost on both sides. */
#define IOTHREAD_POLL_MAX_NS_DEFAULT 32768

IOThread *iothread_by_id(const char *id);       /* NULL when there is none */
AioContext *iothread_get_aio_context(IOThread *iothread);

#endif
