/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events on their way to the QMP sessions.
 *
 * They may come from any thread; those of the big lock's holder go out at
 * once, others by a bottom half of the main loop, all in order. Events that a
 * guest can cause at will are limited to one a second each (of one device):
 * the first goes out, of those that follow only the last is kept.
 */
#include "util/osdep.h"
#include "monitor-internal.h"
#include <json-c/json.h>
#include "qapi/events.h"
#include "qapi/qapi-event-ids.h"
#include "util/main-loop.h"

#define EVENT_PERIOD_NS NSEC_PER_SEC

typedef struct QueuedEvent {
    int id;
    struct json_object *event;
} QueuedEvent;

typedef struct EventLimit {
    AioTimer timer;                 /* armed: one went out lately */
    struct json_object *pending;    /* the last one since, or NULL */
    char *key;
} EventLimit;

static GMutex lock;                 /* queue, bh */
static GQueue queue = G_QUEUE_INIT; /* of QueuedEvent */
static AioBH *bh;
static GHashTable *limits;          /* key to EventLimit; big lock */

/* The member of the data that tells devices apart; NULL: not limited. */
static const char *const limited_by[QAPI_EVENT__MAX] = {
    [QAPI_EVENT_BALLOON_CHANGE] = "",
    [QAPI_EVENT_RTC_CHANGE] = "qom-path",
    [QAPI_EVENT_VSERPORT_CHANGE] = "id",
};

static void limit_free(void *p)
{
    EventLimit *l = p;

    timer_del(&l->timer);
    json_object_put(l->pending);
    g_free(l->key);
    g_free(l);
}

static void limit_expired(void *opaque)
{
    EventLimit *l = opaque;

    if (!l->pending) {
        g_hash_table_remove(limits, l->key);
        return;
    }
    qmp_sessions_broadcast(l->pending);
    g_clear_pointer(&l->pending, json_object_put);
    timer_mod_ns(&l->timer, clock_get_ns(CLOCK_REALTIME_NS) + EVENT_PERIOD_NS);
}

static char *limit_key(const QueuedEvent *q)
{
    struct json_object *data = NULL, *val = NULL;

    if (json_object_object_get_ex(q->event, "data", &data)) {
        json_object_object_get_ex(data, limited_by[q->id], &val);
    }
    return g_strdup_printf("%d:%s", q->id,
                           val ? json_object_get_string(val) : "");
}

/* Whether to send it now; else it was kept or merged. */
static bool limit_pass(const QueuedEvent *q)
{
    g_autofree char *key = limit_key(q);
    EventLimit *l = g_hash_table_lookup(limits, key);

    if (l) {
        json_object_put(l->pending);
        l->pending = json_object_get(q->event);
        return false;
    }
    l = g_new0(EventLimit, 1);
    l->key = g_steal_pointer(&key);
    timer_init_ns(&l->timer, main_context(), CLOCK_REALTIME_NS, limit_expired,
                  l);
    timer_mod_ns(&l->timer, clock_get_ns(CLOCK_REALTIME_NS) + EVENT_PERIOD_NS);
    g_hash_table_insert(limits, l->key, l);
    return true;
}

static QueuedEvent *queue_pop(void)
{
    QueuedEvent *q;

    g_mutex_lock(&lock);
    q = g_queue_pop_head(&queue);
    g_mutex_unlock(&lock);
    return q;
}

static void events_flush(void *opaque)
{
    QueuedEvent *q;

    while ((q = queue_pop())) {
        if (!limited_by[q->id] || limit_pass(q)) {
            qmp_sessions_broadcast(q->event);
        }
        json_object_put(q->event);
        g_free(q);
    }
}

static void events_emit(int id, struct json_object *event)
{
    QueuedEvent *q = g_new(QueuedEvent, 1);

    q->id = id;
    q->event = event;
    g_mutex_lock(&lock);
    g_queue_push_tail(&queue, q);
    g_mutex_unlock(&lock);
    if (bql_locked()) {
        events_flush(NULL);
    } else {
        aio_bh_schedule(bh);
    }
}

void qmp_events_init(void)
{
    limits = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, limit_free);
    bh = aio_bh_new(main_context(), events_flush, NULL);
    qapi_event_set_emitter(events_emit);
}

void qmp_events_cleanup(void)
{
    if (!bh) {
        return;
    }
    events_flush(NULL);
    qapi_event_set_emitter(NULL);
    g_clear_pointer(&bh, aio_bh_delete);
    g_clear_pointer(&limits, g_hash_table_unref);
}
