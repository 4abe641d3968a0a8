/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk: queues in several iothreads. Either every item of the list names
 * its queues, and each queue is named once, or none does, and the iothreads
 * take queues in turn.
 */
#include "util/osdep.h"
#include "virtio-blk-internal.h"
#include "qapi/qapi-visit-virtio.h"
#include "qapi/visitor.h"
#include "system/iothread.h"

struct VirtIOBlockMapping {
    IOThreadVirtQueueMappingList *list;
    GPtrArray *iothreads;           /* references */
};

static void mapping_free(VirtIOBlockMapping *m)
{
    if (m) {
        g_ptr_array_unref(m->iothreads);
        qapi_free_IOThreadVirtQueueMappingList(m->list);
        g_free(m);
    }
}

static void unref_object(gpointer obj)
{
    object_unref(obj);
}

/* ---- The property ---- */

static bool mapping_get(Object *obj, Visitor *v, const char *name, void *opaque,
                        Error **errp)
{
    VirtIOBlockMapping *m = *(VirtIOBlockMapping **)property_field(obj, opaque);
    IOThreadVirtQueueMappingList *list = m ? m->list : NULL;

    return visit_type_IOThreadVirtQueueMappingList(v, name, &list, errp);
}

static bool mapping_set(Object *obj, Visitor *v, const char *name, void *opaque,
                        Error **errp)
{
    VirtIOBlockMapping **field = property_field(obj, opaque), *m;
    IOThreadVirtQueueMappingList *list = NULL;

    if (!visit_type_IOThreadVirtQueueMappingList(v, name, &list, errp)) {
        return false;
    }
    m = g_new0(VirtIOBlockMapping, 1);
    m->list = list;
    m->iothreads = g_ptr_array_new_with_free_func(unref_object);
    mapping_free(*field);
    *field = m;
    return true;
}

static void mapping_release(Object *obj, const char *name, void *opaque)
{
    VirtIOBlockMapping **field = property_field(obj, opaque);

    mapping_free(g_steal_pointer(field));
}

const PropertyInfo prop_info_virtio_blk_mapping = {
    .type = "IOThreadVirtQueueMappingList", .get = mapping_get,
    .set = mapping_set, .release = mapping_release,
};

/* ---- Its meaning ---- */

static bool find_iothread(VirtIOBlockMapping *m, const char *name, Error **errp)
{
    IOThread *t = iothread_by_id(name);

    if (!t) {
        error_setg(errp, "IOThread \"%s\" object does not exist", name);
        return false;
    }
    if (g_ptr_array_find(m->iothreads, t, NULL)) {
        error_setg(errp, "duplicate iothread name \"%s\" in "
                   "iothread-vq-mapping", name);
        return false;
    }
    object_ref(OBJECT(t));
    g_ptr_array_add(m->iothreads, t);
    return true;
}

static bool assign(AioContext **contexts, uint16_t num_queues,
                   const IOThreadVirtQueueMapping *item, IOThread *t,
                   Error **errp)
{
    for (const uint16List *vq = item->vqs; vq; vq = vq->next) {
        if (vq->value >= num_queues) {
            error_setg(errp, "vq index %u for IOThread \"%s\" must be less "
                       "than num_queues %u in iothread-vq-mapping", vq->value,
                       item->iothread, num_queues);
            return false;
        }
        if (contexts[vq->value]) {
            error_setg(errp, "cannot assign vq %u to IOThread \"%s\" because "
                       "it is already assigned", vq->value, item->iothread);
            return false;
        }
        contexts[vq->value] = iothread_get_aio_context(t);
    }
    return true;
}

static bool assign_all(VirtIOBlockMapping *m, AioContext **contexts,
                       uint16_t num_queues, Error **errp)
{
    bool in_turn = !m->list->value->vqs;
    unsigned n = 0;

    for (IOThreadVirtQueueMappingList *e = m->list; e; e = e->next) {
        if (!e->value->vqs != in_turn) {
            error_setg(errp, "either all items in iothread-vq-mapping must "
                       "have vqs or none of them must have it");
            return false;
        }
        if (!find_iothread(m, e->value->iothread, errp) ||
            !assign(contexts, num_queues, e->value,
                    g_ptr_array_index(m->iothreads, n), errp)) {
            return false;
        }
        n++;
    }
    for (uint16_t i = 0; i < num_queues; i++) {
        if (in_turn) {
            contexts[i] = iothread_get_aio_context(
                g_ptr_array_index(m->iothreads, i % n));
        } else if (!contexts[i]) {
            error_setg(errp, "missing vq %u IOThread assignment in "
                       "iothread-vq-mapping", i);
            return false;
        }
    }
    return true;
}

AioContext **virtio_blk_mapping_apply(VirtIOBlockMapping *m,
                                      uint16_t num_queues, Error **errp)
{
    AioContext **contexts;

    if (!m->list) {
        error_setg(errp, "iothread-vq-mapping must not be empty");
        return NULL;
    }
    g_ptr_array_set_size(m->iothreads, 0);
    contexts = g_new0(AioContext *, num_queues);
    if (!assign_all(m, contexts, num_queues, errp)) {
        g_clear_pointer(&contexts, g_free);
    }
    return contexts;
}
