/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of throttled drives and nodes, and the object "throttle-group".
 *
 * Requests that may not go wait on their member's list. A timer of the group,
 * one for each direction, lets them go when the buckets allow: one of each
 * member in turn, whichever thread it is in. A request counts when it is let
 * go, so that the order of wake-ups does not matter.
 */
#include "util/osdep.h"
#include "throttle-internal.h"
#include "qapi/qapi-visit-block-throttle.h"
#include "qapi/visitor.h"
#include "qom/object.h"
#include "qom/property.h"
#include "util/main-loop.h"

struct ThrottleWaiter {
    Coroutine *co;
    int64_t bytes;
    STAILQ_ENTRY(ThrottleWaiter) next;
};

struct ThrottleGroup {
    char *name;
    unsigned refcnt;
    GMutex lock;                    /* of all below */
    ThrottleState state;
    TAILQ_HEAD(, ThrottleMember) members;
    ThrottleMember *turn[2];        /* who was let go last */
    unsigned waiting[2];
    AioTimer *timers[2];
    TAILQ_ENTRY(ThrottleGroup) next;
};

static TAILQ_HEAD(, ThrottleGroup) groups = TAILQ_HEAD_INITIALIZER(groups);

/* ---- Letting requests go; the lock is held ---- */

typedef STAILQ_HEAD(, ThrottleWaiter) WaiterList;

static ThrottleMember *next_member(ThrottleGroup *g, bool is_write)
{
    ThrottleMember *m = g->turn[is_write];

    /* As often as there are members, with one that has been removed. */
    do {
        m = m ? TAILQ_NEXT(m, next) : NULL;
        m = m ? m : TAILQ_FIRST(&g->members);
    } while (STAILQ_EMPTY(&m->waiters[is_write]));
    return m;
}

static void take_waiter(ThrottleMember *m, bool is_write, WaiterList *ready)
{
    ThrottleWaiter *w = STAILQ_FIRST(&m->waiters[is_write]);

    STAILQ_REMOVE_HEAD(&m->waiters[is_write], next);
    m->group->waiting[is_write]--;
    throttle_account(&m->group->state, is_write, w->bytes);
    STAILQ_INSERT_TAIL(ready, w, next);
}

static void release(ThrottleGroup *g, bool is_write, WaiterList *ready)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS), delay = 0;

    while (g->waiting[is_write] &&
           !(delay = throttle_delay(&g->state, is_write, now))) {
        g->turn[is_write] = next_member(g, is_write);
        take_waiter(g->turn[is_write], is_write, ready);
    }
    if (g->waiting[is_write]) {
        timer_mod_ns(g->timers[is_write], now + delay);
    }
}

/* Without the lock: a coroutine of this thread may run at once. */
static void wake(WaiterList *ready)
{
    ThrottleWaiter *w;

    while ((w = STAILQ_FIRST(ready))) {
        STAILQ_REMOVE_HEAD(ready, next);
        aio_co_wake(w->co);
    }
}

static void group_tick(ThrottleGroup *g, bool is_write)
{
    WaiterList ready = STAILQ_HEAD_INITIALIZER(ready);

    g_mutex_lock(&g->lock);
    release(g, is_write, &ready);
    g_mutex_unlock(&g->lock);
    wake(&ready);
}

static void tick_reads(void *opaque)
{
    group_tick(opaque, false);
}

static void tick_writes(void *opaque)
{
    group_tick(opaque, true);
}

void coroutine_fn throttle_wait(ThrottleMember *m, bool is_write,
                                int64_t bytes)
{
    ThrottleWaiter w = { .co = coroutine_self(), .bytes = bytes };
    ThrottleGroup *g = m->group;
    int64_t now, delay;

    if (!g) {
        return;
    }
    g_mutex_lock(&g->lock);
    now = clock_get_ns(CLOCK_REALTIME_NS);
    delay = m->unlimited ? 0 : throttle_delay(&g->state, is_write, now);
    if (m->unlimited || (!delay && !g->waiting[is_write])) {
        throttle_account(&g->state, is_write, bytes);
        g_mutex_unlock(&g->lock);
        return;
    }
    STAILQ_INSERT_TAIL(&m->waiters[is_write], &w, next);
    if (g->waiting[is_write]++ == 0) {
        timer_mod_ns(g->timers[is_write], now + delay);
    }
    g_mutex_unlock(&g->lock);
    coroutine_yield();
}

/* ---- Members ---- */

void throttle_join(ThrottleMember *m, ThrottleGroup *g)
{
    STAILQ_INIT(&m->waiters[0]);
    STAILQ_INIT(&m->waiters[1]);
    g_mutex_lock(&g->lock);
    TAILQ_INSERT_TAIL(&g->members, m, next);
    g->refcnt++;
    m->group = g;
    g_mutex_unlock(&g->lock);
}

void throttle_leave(ThrottleMember *m)
{
    ThrottleGroup *g = g_steal_pointer(&m->group);

    if (!g) {
        return;
    }
    g_mutex_lock(&g->lock);
    TAILQ_REMOVE(&g->members, m, next);
    for (int i = 0; i < 2; i++) {
        g->turn[i] = g->turn[i] == m ? NULL : g->turn[i];
    }
    g_mutex_unlock(&g->lock);
    throttle_group_put(g);
}

void throttle_unlimited_begin(ThrottleMember *m)
{
    WaiterList ready = STAILQ_HEAD_INITIALIZER(ready);
    ThrottleGroup *g = m->group;

    if (!g) {
        m->unlimited++;
        return;
    }
    g_mutex_lock(&g->lock);
    m->unlimited++;
    for (int i = 0; i < 2; i++) {
        while (!STAILQ_EMPTY(&m->waiters[i])) {
            take_waiter(m, i, &ready);
        }
    }
    g_mutex_unlock(&g->lock);
    wake(&ready);
}

void throttle_unlimited_end(ThrottleMember *m)
{
    ThrottleGroup *g = m->group;

    if (g) {
        g_mutex_lock(&g->lock);
    }
    m->unlimited--;
    if (g) {
        g_mutex_unlock(&g->lock);
    }
}

/* ---- Groups ---- */

ThrottleGroup *throttle_group_find(const char *name)
{
    ThrottleGroup *g;

    TAILQ_FOREACH(g, &groups, next) {
        if (g_str_equal(g->name, name)) {
            return g;
        }
    }
    return NULL;
}

ThrottleGroup *throttle_group_get(const char *name)
{
    ThrottleGroup *g = throttle_group_find(name);

    if (g) {
        g->refcnt++;
        return g;
    }
    g = g_new0(ThrottleGroup, 1);
    g->name = g_strdup(name);
    g->refcnt = 1;
    g_mutex_init(&g->lock);
    throttle_config_init(&g->state.cfg);
    g->state.last_ns = clock_get_ns(CLOCK_REALTIME_NS);
    TAILQ_INIT(&g->members);
    g->timers[0] = timer_new_ns(main_context(), CLOCK_REALTIME_NS, tick_reads,
                                g);
    g->timers[1] = timer_new_ns(main_context(), CLOCK_REALTIME_NS,
                                tick_writes, g);
    TAILQ_INSERT_TAIL(&groups, g, next);
    return g;
}

void throttle_group_put(ThrottleGroup *g)
{
    if (!g || --g->refcnt) {
        return;
    }
    TAILQ_REMOVE(&groups, g, next);
    timer_free(g->timers[0]);
    timer_free(g->timers[1]);
    g_mutex_clear(&g->lock);
    g_free(g->name);
    g_free(g);
}

const char *throttle_group_name(const ThrottleGroup *g)
{
    return g->name;
}

void throttle_group_get_config(ThrottleGroup *g, ThrottleConfig *cfg)
{
    g_mutex_lock(&g->lock);
    *cfg = g->state.cfg;
    g_mutex_unlock(&g->lock);
}

/* What was poured in by the old limits does not count for the new ones. */
void throttle_group_set_config(ThrottleGroup *g, const ThrottleConfig *cfg)
{
    g_mutex_lock(&g->lock);
    g->state = (ThrottleState) {
        .cfg = *cfg, .last_ns = clock_get_ns(CLOCK_REALTIME_NS),
    };
    g_mutex_unlock(&g->lock);
    group_tick(g, false);
    group_tick(g, true);
}

/* ---- The object ---- */

#define TYPE_THROTTLE_GROUP "throttle-group"
OBJECT_DECLARE_SIMPLE_TYPE(ThrottleGroupObject, THROTTLE_GROUP)

struct ThrottleGroupObject {
    Object parent_obj;

    ThrottleConfig cfg;             /* before it is complete */
    ThrottleGroup *group;           /* NULL: not complete */
};

static bool group_complete(Object *obj, Error **errp)
{
    ThrottleGroupObject *s = THROTTLE_GROUP(obj);
    const char *name = object_get_canonical_path_component(obj);

    if (throttle_group_find(name)) {
        error_setg(errp, "A group with this name already exists");
        return false;
    }
    if (!throttle_config_check(&s->cfg, errp)) {
        return false;
    }
    s->group = throttle_group_get(name);
    throttle_group_set_config(s->group, &s->cfg);
    return true;
}

static bool group_can_be_deleted(Object *obj, Error **errp)
{
    ThrottleGroupObject *s = THROTTLE_GROUP(obj);

    if (s->group && s->group->refcnt > 1) {
        error_setg(errp, "object '%s' is in use, can not be deleted",
                   s->group->name);
        return false;
    }
    return true;
}

static void group_instance_init(Object *obj)
{
    throttle_config_init(&THROTTLE_GROUP(obj)->cfg);
}

static void group_finalize(Object *obj)
{
    throttle_group_put(THROTTLE_GROUP(obj)->group);
}

static bool limits_get(Object *obj, Visitor *v, const char *name, void *opaque,
                       Error **errp)
{
    ThrottleGroupObject *s = THROTTLE_GROUP(obj);
    ThrottleConfig cfg = s->cfg;
    ThrottleLimits *l;
    bool ok;

    if (s->group) {
        throttle_group_get_config(s->group, &cfg);
    }
    l = throttle_config_to_limits(&cfg);
    ok = visit_type_ThrottleLimits(v, name, &l, errp);
    qapi_free_ThrottleLimits(l);
    return ok;
}

/* What is not given stays. */
static bool limits_set(Object *obj, Visitor *v, const char *name, void *opaque,
                       Error **errp)
{
    ThrottleGroupObject *s = THROTTLE_GROUP(obj);
    ThrottleConfig cfg = s->cfg;
    ThrottleLimits *l = NULL;
    bool ok;

    if (!visit_type_ThrottleLimits(v, name, &l, errp)) {
        return false;
    }
    if (s->group) {
        throttle_group_get_config(s->group, &cfg);
    }
    throttle_config_from_limits(&cfg, l);
    qapi_free_ThrottleLimits(l);
    ok = throttle_config_check(&cfg, errp);
    if (ok) {
        s->cfg = cfg;
    }
    if (ok && s->group) {
        throttle_group_set_config(s->group, &cfg);
    }
    return ok;
}

static const PropertyInfo prop_info_limits = {
    .type = "ThrottleLimits", .get = limits_get, .set = limits_set,
};

static bool x_get(Object *obj, Visitor *v, const char *name, void *opaque,
                  Error **errp)
{
    ThrottleGroupObject *s = THROTTLE_GROUP(obj);

    if (s->group) {
        throttle_group_get_config(s->group, &s->cfg);
    }
    return visit_type_int64(v, name, property_field(obj, opaque), errp);
}

static bool x_set(Object *obj, Visitor *v, const char *name, void *opaque,
                  Error **errp)
{
    if (THROTTLE_GROUP(obj)->group) {
        error_setg(errp, "Property cannot be set after initialization");
        error_append_hint(errp, "Set 'limits'.");
        return false;
    }
    return visit_type_int64(v, name, property_field(obj, opaque), errp);
}

static const PropertyInfo prop_info_x_limit = {
    .type = "int", .get = x_get, .set = x_set,
};

#define X_PROP(n, f, h)                                                        \
    { .name = (n), .info = &prop_info_x_limit,                                 \
      .offset = offsetof(ThrottleGroupObject, cfg.f),                          \
      .flags = PROP_F_NO_DEF | PROP_F_LIVE, .help = (h) }
#define X_LIMIT(n, index, unit, which)                                         \
    X_PROP(n, limits[index].avg, unit " a second, " which "; 0: no limit"),    \
    X_PROP(n "-max", limits[index].max, unit " a second in bursts, " which),   \
    X_PROP(n "-max-length", limits[index].burst_length,                        \
           "seconds that a burst may take, " which)

static const Property group_props[] = {
    { .name = "limits", .info = &prop_info_limits,
      .flags = PROP_F_NO_DEF | PROP_F_LIVE,
      .help = "all limits, as in blockdev's schema" },
    X_LIMIT("x-iops-total", THROTTLE_IOPS_TOTAL, "requests", "all"),
    X_LIMIT("x-iops-read", THROTTLE_IOPS_READ, "requests", "reads"),
    X_LIMIT("x-iops-write", THROTTLE_IOPS_WRITE, "requests", "writes"),
    X_LIMIT("x-bps-total", THROTTLE_BPS_TOTAL, "bytes", "all"),
    X_LIMIT("x-bps-read", THROTTLE_BPS_READ, "bytes", "reads"),
    X_LIMIT("x-bps-write", THROTTLE_BPS_WRITE, "bytes", "writes"),
    X_PROP("x-iops-size", op_size, "bytes that count as one request; 0: any "
           "size does"),
};

static void group_class_init(ObjectClass *oc, const void *data)
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = group_complete;
    ucc->can_be_deleted = group_can_be_deleted;
    object_class_add_props(oc, group_props);
}

static const char *const group_interfaces[] = { TYPE_USER_CREATABLE, NULL };

static const TypeInfo throttle_group_types[] = {
    {
        .name = TYPE_THROTTLE_GROUP,
        .parent = TYPE_OBJECT,
        .help = "limits of the rate of requests that drives share",
        .instance_size = sizeof(ThrottleGroupObject),
        .instance_init = group_instance_init,
        .instance_finalize = group_finalize,
        .class_init = group_class_init,
        .interfaces = group_interfaces,
    },
};
DEFINE_TYPES(throttle_group_types)
