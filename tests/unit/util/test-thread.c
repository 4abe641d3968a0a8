/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads, the big lock, event notifiers, RCU and notifier lists. */
#include "util/osdep.h"
#include "util/thread.h"
#include <signal.h>
#include <time.h>
#include "util/bql.h"
#include "util/error.h"
#include "util/event-notifier.h"
#include "util/notify.h"
#include "util/rcu.h"

static void *report_name(void *opaque)
{
    sigset_t set;
    char *name = opaque;

    pthread_getname_np(pthread_self(), name, 16);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    g_assert_true(sigismember(&set, SIGTERM));
    g_assert_cmpint(thread_get_id(), ==, gettid());
    rcu_read_lock();
    rcu_read_unlock();
    return name + 1;
}

static void test_create(void)
{
    char name[16];
    Thread t;

    g_assert_true(thread_create(&t, "a-name-that-is-too-long", report_name,
                                name, THREAD_JOINABLE, NULL));
    g_assert_false(thread_is_self(&t));
    g_assert_true(thread_join(&t) == name + 1);
    g_assert_cmpstr(name, ==, "a-name-that-is-");
}

static int counter;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;

static void *count_up(void *opaque)
{
    for (int i = 0; i < 10000; i++) {
        BQL_GUARD();
        counter++;
        if (counter == 40000) {
            pthread_cond_signal(&turn);
        }
    }
    g_assert_false(bql_locked());
    return NULL;
}

static void test_bql(void)
{
    Thread t[4];

    g_assert_false(bql_locked());
    bql_lock();
    g_assert_true(bql_locked());
    for (int i = 0; i < 4; i++) {
        g_assert_true(thread_create(&t[i], "count", count_up, NULL, 0, NULL));
    }
    while (counter < 40000) {
        bql_cond_wait(&turn);
        g_assert_true(bql_locked());
    }
    g_assert_false(bql_cond_timedwait_ns(&turn, 1000));
    g_assert_true(bql_locked());
    {
        BQL_GUARD();
    }
    g_assert_true(bql_locked());
    bql_unlock();
    for (int i = 0; i < 4; i++) {
        thread_join(&t[i]);
    }
    g_assert_cmpint(counter, ==, 40000);
}

static void test_timedwait(void)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    int64_t start = g_get_monotonic_time();

    MUTEX_GUARD(&m);
    g_assert_false(cond_timedwait_ns(&c, &m, -5));
    g_assert_false(cond_timedwait_ns(&c, &m, 20 * NSEC_PER_MSEC));
    g_assert_cmpint(g_get_monotonic_time() - start, >=, 20000);
}

static void test_event_notifier(void)
{
    EventNotifier e = EVENT_NOTIFIER_INIT, wrap;

    event_notifier_cleanup(&e);
    g_assert_true(event_notifier_init(&e, true, NULL));
    g_assert_true(event_notifier_test_and_clear(&e));
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_init_fd(&wrap, event_notifier_get_fd(&e));
    event_notifier_set(&wrap);
    event_notifier_set(&wrap);
    g_assert_true(event_notifier_test_and_clear(&e));
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_cleanup(&wrap);
    event_notifier_set(&e);
    g_assert_true(event_notifier_test_and_clear(&e));
    event_notifier_cleanup(&e);
    g_assert_cmpint(e.fd, ==, -1);
}

typedef struct Published {
    struct rcu_head rcu;
    int value;
} Published;

static void test_rcu(void)
{
    Published *p = g_new0(Published, 1);

    {
        RCU_READ_GUARD();
        p->value = 1;
    }
    rcu_free_after(p, rcu);
    rcu_barrier();
}

typedef struct TestNotifier {
    Notifier n;
    int calls;
    bool remove;
} TestNotifier;

static void test_notify_cb(Notifier *n, void *data)
{
    TestNotifier *t = container_of(n, TestNotifier, n);

    t->calls += *(int *)data;
    if (t->remove) {
        notifier_remove(n);
    }
}

static void test_notify(void)
{
    TestNotifier a = { { test_notify_cb } }, b = { { test_notify_cb } };
    NotifierList l = { { 0 } };
    int inc = 2;

    notifier_remove(&a.n);
    g_assert_true(notifier_list_empty(&l));
    notifier_list_add(&l, &a.n);
    notifier_list_add(&l, &b.n);
    b.remove = true;
    notifier_list_notify(&l, &inc);
    notifier_list_notify(&l, &inc);
    g_assert_cmpint(a.calls, ==, 4);
    g_assert_cmpint(b.calls, ==, 2);
    notifier_remove(&b.n);
    notifier_remove(&a.n);
    g_assert_true(notifier_list_empty(&l));
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    rcu_register_thread();
    g_test_add_func("/thread/create", test_create);
    g_test_add_func("/thread/timedwait", test_timedwait);
    g_test_add_func("/bql/contended", test_bql);
    g_test_add_func("/event-notifier", test_event_notifier);
    g_test_add_func("/rcu/free-after", test_rcu);
    g_test_add_func("/notify", test_notify);
    ret = g_test_run();
    rcu_unregister_thread();
    return ret;
}
