/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iothread objects: a thread each, which runs an AioContext until told to
 * stop. See include/system/iothread.h.
 */
#include "util/osdep.h"
#include "system/iothread.h"
#include "util/thread.h"
#include "util/thread-pool.h"
#include "qapi/qapi-commands-misc.h"
#include "qom/property.h"

/* One request more than this at a time helps no queue, by experience with
 * io_uring; also bounds what one io_uring_enter may carry. */
#define IOTHREAD_AIO_MAX_BATCH_MAX 65536

struct IOThread {
    Object parent_obj;

    /* Properties; live */
    int64_t poll_max_ns, poll_grow, poll_shrink;
    int64_t aio_max_batch;          /* 0: the engine's choice */
    int64_t thread_pool_min, thread_pool_max;

    /* Runtime */
    AioContext *ctx;                /* NULL: not complete */
    Thread thread;
    bool running;                   /* written in its home only */
    int thread_id;
    GMutex lock;                    /* of thread_id at the start */
    GCond started;
};

static void *iothread_run(void *opaque)
{
    IOThread *s = opaque;

    aio_context_set_current(s->ctx);
    g_mutex_lock(&s->lock);
    s->thread_id = thread_get_id();
    g_cond_signal(&s->started);
    g_mutex_unlock(&s->lock);
    while (s->running) {
        aio_poll(s->ctx, true);
    }
    aio_context_set_current(NULL);
    return NULL;
}

static bool iothread_check(IOThread *s, Error **errp)
{
    if (s->poll_max_ns < 0 || s->poll_grow < 0 || s->poll_shrink < 0) {
        error_setg(errp, "poll-max-ns, poll-grow and poll-shrink must not be "
                   "negative");
        return false;
    }
    if (s->aio_max_batch < 0 ||
        s->aio_max_batch > IOTHREAD_AIO_MAX_BATCH_MAX) {
        error_setg(errp, "aio-max-batch '%" PRId64 "' is not from 0 to %d",
                   s->aio_max_batch, IOTHREAD_AIO_MAX_BATCH_MAX);
        return false;
    }
    if (s->thread_pool_min < 0 || s->thread_pool_max <= 0 ||
        s->thread_pool_max > INT_MAX ||
        s->thread_pool_min > s->thread_pool_max) {
        error_setg(errp, "thread-pool-min '%" PRId64 "' and thread-pool-max '%"
                   PRId64 "' are not in order", s->thread_pool_min,
                   s->thread_pool_max);
        return false;
    }
    return true;
}

/* Apply the properties, and again when one changes. */
static bool iothread_apply(IOThread *s, Error **errp)
{
    if (!iothread_check(s, errp) ||
        !aio_context_set_poll_params(s->ctx, s->poll_max_ns, s->poll_grow,
                                     s->poll_shrink, errp)) {
        return false;
    }
    aio_context_set_max_batch(s->ctx, s->aio_max_batch);
    thread_pool_set_limits(s->ctx, s->thread_pool_min, s->thread_pool_max);
    return true;
}

static bool iothread_complete(Object *obj, Error **errp)
{
    IOThread *s = IOTHREAD(obj);
    g_autofree char *name = NULL;

    s->ctx = aio_context_new(errp);
    if (!s->ctx) {
        return false;
    }
    if (!iothread_apply(s, errp)) {
        return false;
    }
    name = g_strdup_printf("IO %s", object_get_canonical_path_component(obj));
    s->running = true;
    if (!thread_create(&s->thread, name, iothread_run, s, THREAD_JOINABLE,
                       errp)) {
        s->running = false;
        return false;
    }
    g_mutex_lock(&s->lock);
    while (!s->thread_id) {
        g_cond_wait(&s->started, &s->lock);
    }
    g_mutex_unlock(&s->lock);
    return true;
}

static void iothread_stop(void *opaque)
{
    IOThread *s = opaque;

    s->running = false;
}

static void iothread_finalize(Object *obj)
{
    IOThread *s = IOTHREAD(obj);

    if (s->thread_id) {
        aio_bh_schedule_oneshot(s->ctx, iothread_stop, s);
        thread_join(&s->thread);
    }
    aio_context_unref(s->ctx);
    g_mutex_clear(&s->lock);
    g_cond_clear(&s->started);
}

static void iothread_instance_init(Object *obj)
{
    IOThread *s = IOTHREAD(obj);

    g_mutex_init(&s->lock);
    g_cond_init(&s->started);
}

/* The numbers may change while the thread runs: apply each, or undo it. */
static bool prop_iothread_get(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    return prop_info_int64.get(obj, v, name, opaque, errp);
}

static bool prop_iothread_set(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    IOThread *s = IOTHREAD(obj);
    int64_t *field = property_field(obj, opaque);
    int64_t old = *field;

    if (!prop_info_int64.set(obj, v, name, opaque, errp)) {
        return false;
    }
    if (s->ctx && !iothread_apply(s, errp)) {
        *field = old;
        return false;
    }
    return true;
}

static void prop_iothread_set_default(Object *obj, const Property *prop)
{
    *(int64_t *)property_field(obj, prop) = prop->def.i;
}

static struct json_object *prop_iothread_default_json(const Property *prop)
{
    return prop_info_int64.default_json(prop);
}

static const PropertyInfo prop_info_iothread = {
    .type = "int",
    .get = prop_iothread_get,
    .set = prop_iothread_set,
    .set_default = prop_iothread_set_default,
    .default_json = prop_iothread_default_json,
};

#define PROP_IOTHREAD(n, f, d, h)                                              \
    PROP_ROW(n, IOThread, f, prop_info_iothread, int64_t, .def.i = (d),        \
             .flags = PROP_F_LIVE, .help = (h))

static const Property iothread_props[] = {
    PROP_IOTHREAD("poll-max-ns", poll_max_ns, IOTHREAD_POLL_MAX_NS_DEFAULT,
                  "longest busy wait in nanoseconds; 0: never"),
    PROP_IOTHREAD("poll-grow", poll_grow, 0,
                  "factor by which the busy wait grows; 0: 2"),
    PROP_IOTHREAD("poll-shrink", poll_shrink, 0,
                  "divisor by which it shrinks; 0: to nothing at once"),
    PROP_IOTHREAD("aio-max-batch", aio_max_batch, 0,
                  "requests handed to the kernel at once, up to 65536; 0: the "
                  "engine chooses"),
    PROP_IOTHREAD("thread-pool-min", thread_pool_min, 0,
                  "worker threads kept ready at rest; they come on demand "
                  "anyway"),
    PROP_IOTHREAD("thread-pool-max", thread_pool_max, 64,
                  "most worker threads, from 1; the process has 64 at most"),
};

static void iothread_class_init(ObjectClass *oc, const void *data)
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = iothread_complete;
    object_class_add_props(oc, iothread_props);
}

static const char *const iothread_interfaces[] = { TYPE_USER_CREATABLE, NULL };

static const TypeInfo iothread_types[] = {
    {
        .name = TYPE_IOTHREAD,
        .parent = TYPE_OBJECT,
        .help = "a thread that serves devices",
        .instance_size = sizeof(IOThread),
        .instance_init = iothread_instance_init,
        .instance_finalize = iothread_finalize,
        .class_init = iothread_class_init,
        .interfaces = iothread_interfaces,
    },
};

DEFINE_TYPES(iothread_types)

/* ---- Use ---- */

IOThread *iothread_by_id(const char *id)
{
    Object *obj = object_resolve_path_component(object_get_objects_root(), id);

    return (IOThread *)(obj ? object_dynamic_cast(obj, TYPE_IOTHREAD) : NULL);
}

static const char *iothread_get_id(const IOThread *iothread)
{
    return object_get_canonical_path_component((const Object *)iothread);
}

AioContext *iothread_get_aio_context(IOThread *iothread)
{
    return iothread->ctx;
}

static int query_one_iothread(Object *child, void *opaque)
{
    IOThreadInfoList ***tail = opaque;
    IOThread *s = (IOThread *)object_dynamic_cast(child, TYPE_IOTHREAD);
    IOThreadInfo *info;

    if (!s) {
        return 0;
    }
    info = g_new0(IOThreadInfo, 1);
    info->id = g_strdup(iothread_get_id(s));
    info->thread_id = s->thread_id;
    info->poll_max_ns = s->poll_max_ns;
    info->poll_grow = s->poll_grow;
    info->poll_shrink = s->poll_shrink;
    info->aio_max_batch = s->aio_max_batch;
    QAPI_LIST_APPEND(*tail, info);
    return 0;
}

IOThreadInfoList *qmp_query_iothreads(Error **errp)
{
    IOThreadInfoList *list = NULL, **tail = &list;

    object_child_foreach(object_get_objects_root(), query_one_iothread, &tail);
    return list;
}
