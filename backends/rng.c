/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rng-random and rng-builtin. Requests queue up in the context of their
 * device; a bottom half serves them one by one, and the file is watched while
 * it has nothing to read.
 */
#include "util/osdep.h"
#include "backends/rng.h"
#include <fcntl.h>
#include <sys/random.h>
#include "util/file.h"
#include "util/main-loop.h"
#include "util/queue.h"
#include "qom/property.h"

typedef struct RngRequest {
    STAILQ_ENTRY(RngRequest) next;
    size_t size;
    RngEntropyFn *fn;
    void *opaque;
} RngRequest;

struct RngBackend {
    Object parent_obj;
    AioContext *ctx;                /* of the pending requests */
    AioBH *bh;
    bool watching;
    int fd;                         /* -1: needs none */
    STAILQ_HEAD(, RngRequest) requests;
};

struct RngBackendClass {
    ObjectClass parent_class;
    /* Like read(2); -EAGAIN: watch fd. */
    ssize_t (*fill)(RngBackend *s, void *buf, size_t size);
};

static void rng_serve(void *opaque);

static void rng_set_watch(RngBackend *s, bool on)
{
    if (s->watching != on && s->fd >= 0) {
        s->watching = on;
        aio_set_fd_handler(s->ctx, s->fd, on ? rng_serve : NULL, NULL, NULL,
                           s);
    }
}

/*
 * One request a pass: who gets an answer asks for more at once, and a guest
 * that never stops asking must not keep the loop from all else.
 */
static void rng_serve(void *opaque)
{
    RngBackend *s = opaque;
    RngRequest *req = STAILQ_FIRST(&s->requests);
    g_autofree uint8_t *buf = NULL;
    ssize_t n;

    if (!req) {
        return;                     /* cancelled since */
    }
    buf = g_malloc(req->size);
    n = RNG_BACKEND_GET_CLASS(s)->fill(s, buf, req->size);
    if (n == -EAGAIN) {
        rng_set_watch(s, true);
        return;
    }
    STAILQ_REMOVE_HEAD(&s->requests, next);
    req->fn(req->opaque, buf, MAX(n, 0));
    g_free(req);
    if (STAILQ_EMPTY(&s->requests)) {
        rng_set_watch(s, false);
    } else if (!s->watching) {
        aio_bh_schedule(s->bh);
    }
}

void rng_backend_request(RngBackend *s, size_t size, AioContext *ctx,
                         RngEntropyFn *fn, void *opaque)
{
    RngRequest *req = g_new0(RngRequest, 1);

    ctx = ctx ? ctx : main_context();
    if (s->ctx != ctx) {            /* no request is pending */
        if (s->bh) {
            aio_bh_delete(s->bh);
        }
        s->ctx = ctx;
        s->bh = aio_bh_new(ctx, rng_serve, s);
    }
    req->size = CLAMP(size, 1, RNG_REQUEST_MAX_BYTES);
    req->fn = fn;
    req->opaque = opaque;
    STAILQ_INSERT_TAIL(&s->requests, req, next);
    if (!s->watching) {
        aio_bh_schedule(s->bh);
    }
}

void rng_backend_cancel(RngBackend *s, void *opaque)
{
    RngRequest *req, *tmp;

    STAILQ_FOREACH_SAFE(req, &s->requests, next, tmp) {
        if (req->opaque == opaque) {
            STAILQ_REMOVE(&s->requests, req, RngRequest, next);
            g_free(req);
        }
    }
    if (STAILQ_EMPTY(&s->requests)) {
        rng_set_watch(s, false);
    }
}

static void rng_backend_instance_init(Object *obj)
{
    RngBackend *s = RNG_BACKEND(obj);

    s->fd = -1;
    STAILQ_INIT(&s->requests);
}

static void rng_backend_finalize(Object *obj)
{
    RngBackend *s = RNG_BACKEND(obj);
    RngRequest *req, *tmp;

    rng_set_watch(s, false);
    if (s->bh) {
        aio_bh_delete(s->bh);
    }
    STAILQ_FOREACH_SAFE(req, &s->requests, next, tmp) {
        g_free(req);
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
}

/* ---- rng-builtin ---- */

static ssize_t rng_builtin_fill(RngBackend *s, void *buf, size_t size)
{
    ssize_t n = RETRY_ON_EINTR(getrandom(buf, size, 0));

    return n < 0 ? -errno : n;
}

static void rng_builtin_class_init(ObjectClass *oc, const void *data)
{
    RNG_BACKEND_CLASS(oc)->fill = rng_builtin_fill;
}

/* ---- rng-random ---- */

OBJECT_DECLARE_SIMPLE_TYPE(RngRandom, RNG_RANDOM)

struct RngRandom {
    RngBackend parent_obj;
    char *filename;
};

static ssize_t rng_random_fill(RngBackend *s, void *buf, size_t size)
{
    ssize_t n = RETRY_ON_EINTR(read(s->fd, buf, size));

    return n < 0 ? -errno : n;
}

static bool rng_random_complete(Object *obj, Error **errp)
{
    RngRandom *r = RNG_RANDOM(obj);
    RngBackend *s = RNG_BACKEND(obj);

    if (!r->filename || !r->filename[0]) {
        error_setg(errp, "filename of rng-random is empty");
        return false;
    }
    s->fd = file_open(r->filename, O_RDONLY | O_NONBLOCK, 0, errp);
    return s->fd >= 0;
}

static const Property rng_random_props[] = {
    PROP_STRING("filename", RngRandom, filename, "/dev/urandom",
                "file or character device to read"),
};

static void rng_random_class_init(ObjectClass *oc, const void *data)
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = rng_random_complete;
    RNG_BACKEND_CLASS(oc)->fill = rng_random_fill;
    object_class_add_props(oc, rng_random_props);
}

static const char *const rng_interfaces[] = { TYPE_USER_CREATABLE, NULL };

static const TypeInfo rng_types[] = {
    {
        .name = TYPE_RNG_BACKEND,
        .parent = TYPE_OBJECT,
        .help = "source of entropy",
        .abstract = true,
        .instance_size = sizeof(RngBackend),
        .instance_init = rng_backend_instance_init,
        .instance_finalize = rng_backend_finalize,
        .class_size = sizeof(RngBackendClass),
        .interfaces = rng_interfaces,
    }, {
        .name = TYPE_RNG_BUILTIN,
        .parent = TYPE_RNG_BACKEND,
        .help = "the host kernel's random numbers",
        .class_init = rng_builtin_class_init,
    }, {
        .name = TYPE_RNG_RANDOM,
        .parent = TYPE_RNG_BACKEND,
        .help = "random numbers from a file of the host",
        .instance_size = sizeof(RngRandom),
        .class_init = rng_random_class_init,
    },
};

DEFINE_TYPES(rng_types)
