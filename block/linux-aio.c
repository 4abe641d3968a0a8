/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aio=native: file requests by the kernel's older interface, io_submit(2).
 *
 * It is asynchronous for direct I/O alone, which is why that is demanded.
 * Completions are told by an event notifier, which nobody reads back; what
 * completed stands in a ring that the kernel maps into our memory
 * (struct aio_ring of Linux' fs/aio.c), and is read and consumed there without
 * a system call when it has the layout known here.
 */
#include "util/osdep.h"
#include "file-ring-internal.h"
#include <libaio.h>
#include "util/error.h"

#define MAX_BATCH 32

/* Linux, fs/aio.c */
#define AIO_RING_MAGIC 0xa10a10a1

typedef struct AioRing {
    uint32_t id;
    uint32_t num;                   /* of events[] */
    uint32_t head;                  /* ours */
    uint32_t tail;                  /* the kernel's */
    uint32_t magic;
    uint32_t compat_features;
    uint32_t incompat_features;
    uint32_t header_bytes;
    struct io_event events[];
} AioRing;
G_STATIC_ASSERT(sizeof(AioRing) == 32);

typedef struct LinuxAio {
    FileRing *r;
    io_context_t io;
    AioRing *ring;                  /* NULL: not as we know it */
    EventNotifier done;
} LinuxAio;

static void linux_aio_completed(EventNotifier *n)
{
    file_ring_reap(container_of(n, LinuxAio, done)->r);
}

static bool linux_aio_poll(EventNotifier *n)
{
    LinuxAio *s = container_of(n, LinuxAio, done);

    return s->ring && s->ring->head !=
           __atomic_load_n(&s->ring->tail, __ATOMIC_ACQUIRE);
}

/* io_destroy() of none says that there is none, not that there is no such
 * call. Making one to see would take the kernel milliseconds to undo. */
static bool linux_aio_available(void)
{
    return io_destroy(NULL) != -ENOSYS;
}

static int linux_aio_init(FileRing *r)
{
    g_autofree LinuxAio *s = g_new0(LinuxAio, 1);
    int ret;

    s->r = r;
    if (!event_notifier_init(&s->done, false, NULL)) {
        return -EMFILE;
    }
    ret = io_setup(FILE_RING_ENTRIES, &s->io);
    if (ret < 0) {
        event_notifier_cleanup(&s->done);
        return ret;
    }
    s->ring = (AioRing *)s->io;
    if (s->ring->magic != AIO_RING_MAGIC || s->ring->incompat_features ||
        s->ring->header_bytes != sizeof(AioRing)) {
        s->ring = NULL;
    }
    aio_set_event_notifier(r->ctx, &s->done, linux_aio_completed,
                           s->ring ? linux_aio_poll : NULL);
    r->engine = g_steal_pointer(&s);
    return 0;
}

static void linux_aio_exit(FileRing *r)
{
    LinuxAio *s = r->engine;

    aio_set_event_notifier(r->ctx, &s->done, NULL, NULL);
    io_destroy(s->io);
    event_notifier_cleanup(&s->done);
    g_free(s);
}

static void linux_aio_prepare(LinuxAio *s, struct iocb *cb, FileRingReq *req)
{
    if (req->op == FILE_RING_WRITE) {
        io_prep_pwritev(cb, req->fd, req->iov->iov, req->iov->niov,
                        req->offset);
    } else {
        io_prep_preadv(cb, req->fd, req->iov->iov, req->iov->niov,
                       req->offset);
    }
    io_set_eventfd(cb, event_notifier_get_fd(&s->done));
    cb->data = req;
}

/* What io_submit() made of the first requests; the kernel has copied them. */
static int linux_aio_submit_some(FileRing *r)
{
    LinuxAio *s = r->engine;
    struct iocb cbs[MAX_BATCH], *list[MAX_BATCH];
    unsigned max = MIN(MAX_BATCH, FILE_RING_ENTRIES - r->in_kernel), n = 0;
    FileRingReq *req;

    STAILQ_FOREACH(req, &r->waiting, next) {
        if (n == max) {
            break;
        }
        linux_aio_prepare(s, &cbs[n], req);
        list[n] = &cbs[n];
        n++;
    }
    return n ? io_submit(s->io, n, list) : 0;
}

static bool linux_aio_submit(FileRing *r)
{
    while (!STAILQ_EMPTY(&r->waiting) && r->in_kernel < FILE_RING_ENTRIES) {
        int n = linux_aio_submit_some(r);

        if (n == -EAGAIN || n == 0) {
            /* Its ring is full, or memory short: when something completes. */
            return r->in_kernel > 0;
        }
        if (n < 0 && n != -EINTR) {
            file_ring_refuse(r, n);
        }
        for (; n > 0; n--) {
            file_ring_take(r);
        }
    }
    return true;
}

static FileRingReq *linux_aio_next_done(FileRing *r)
{
    LinuxAio *s = r->engine;
    struct timespec no_time = { 0 };
    struct io_event event;
    FileRingReq *req;

    if (s->ring) {
        uint32_t head = s->ring->head;

        if (head == __atomic_load_n(&s->ring->tail, __ATOMIC_ACQUIRE)) {
            return NULL;
        }
        event = s->ring->events[head];
        __atomic_store_n(&s->ring->head, (head + 1) % s->ring->num,
                         __ATOMIC_RELEASE);
    } else if (io_getevents(s->io, 0, 1, &event, &no_time) != 1) {
        return NULL;
    }
    req = event.data;
    req->ret = (long)event.res;
    return req;
}

static const FileRingOps linux_aio_ops = {
    .name = "native",
    .available = linux_aio_available,
    .init = linux_aio_init,
    .exit = linux_aio_exit,
    .submit = linux_aio_submit,
    .next_done = linux_aio_next_done,
};

static void linux_aio_register(void)
{
    file_ring_register(&linux_aio_ops);
}
type_init(linux_aio_register)
