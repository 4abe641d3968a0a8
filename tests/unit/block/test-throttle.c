/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of the rate: buckets against the clock, groups, drained sections. */
#include "block-test.h"

#define MS 1000000ll

/* ---- Buckets, with a clock of our own ---- */

/* Requests of @bytes that go in @ns when there are always more. */
static int64_t requests_in(ThrottleState *s, int64_t bytes, int64_t ns)
{
    int64_t now = s->last_ns, end = now + ns, n = 0;

    while (now < end) {
        int64_t delay = throttle_delay(s, true, now);

        if (delay) {
            /* A nanosecond more: the delay is rounded down. */
            now += delay + 1;
            continue;
        }
        throttle_account(s, true, bytes);
        n++;
    }
    return n;
}

static const struct {
    int bucket;
    ThrottleLimit limit;
    int64_t bytes, ns, min, max;
} rates[] = {
    /* An even 100 a second, a tenth of which may come at once. */
    { THROTTLE_IOPS_TOTAL, { 100, 0, 1 }, 512, 10000 * MS, 1000, 1012 },
    { THROTTLE_IOPS_WRITE, { 100, 0, 1 }, 512, 1000 * MS, 100, 112 },
    { THROTTLE_BPS_TOTAL, { 1000000, 0, 1 }, 10000, 5000 * MS, 500, 512 },
    /* A burst of 1000 at once, then 100 a second. */
    { THROTTLE_IOPS_TOTAL, { 100, 1000, 1 }, 512, 1 * MS, 1000, 1001 },
    { THROTTLE_IOPS_TOTAL, { 100, 1000, 1 }, 512, 10000 * MS, 1990, 2002 },
    /* 1000 a second for about 5 seconds, then 100. */
    { THROTTLE_IOPS_TOTAL, { 100, 1000, 5 }, 512, 1000 * MS, 1000, 1110 },
    { THROTTLE_IOPS_TOTAL, { 100, 1000, 5 }, 512, 20000 * MS, 6900, 7010 },
    /* Reads do not count for writes. */
    { THROTTLE_IOPS_READ, { 1, 0, 1 }, 512, 0, 0, 0 },
};

static void test_rates(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
        ThrottleState s = { 0 };
        int64_t n;

        throttle_config_init(&s.cfg);
        s.cfg.limits[rates[i].bucket] = rates[i].limit;
        g_assert_true(throttle_config_check(&s.cfg, NULL));
        n = requests_in(&s, rates[i].bytes, rates[i].ns);
        g_test_message("case %zu: %" PRId64, i, n);
        g_assert_cmpint(n, >=, rates[i].min);
        g_assert_cmpint(n, <=, rates[i].max);
    }
}

static void test_op_size(void)
{
    ThrottleState s = { 0 };

    throttle_config_init(&s.cfg);
    s.cfg.limits[THROTTLE_IOPS_TOTAL].avg = 100;
    s.cfg.op_size = 4096;
    g_assert_cmpint(requests_in(&s, 8192, 10000 * MS), <, 510);
}

static void test_config_refused(void)
{
    static const struct {
        int bucket;
        ThrottleLimit limit;
        const char *error;
    } cases[] = {
        { THROTTLE_BPS_TOTAL, { -1, 0, 1 }, "must be within" },
        { THROTTLE_BPS_TOTAL, { INT64_MAX, 0, 1 }, "must be within" },
        { THROTTLE_BPS_TOTAL, { 1, 0, 0 }, "length cannot be 0" },
        { THROTTLE_BPS_TOTAL, { 1, 0, 2 }, "without burst rate" },
        { THROTTLE_BPS_TOTAL, { 1, 10, INT64_MAX }, "too high" },
        { THROTTLE_BPS_TOTAL, { 0, 10, 1 }, "require corresponding" },
        { THROTTLE_BPS_TOTAL, { 10, 9, 1 }, "cannot be lower" },
        { THROTTLE_IOPS_READ, { 10, 0, 1 }, "at the same time" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        ThrottleConfig cfg;

        throttle_config_init(&cfg);
        cfg.limits[THROTTLE_IOPS_TOTAL].avg = 5;
        cfg.limits[cases[i].bucket] = cases[i].limit;
        g_assert_false(throttle_config_check(&cfg, &err));
        assert_error(err, cases[i].error);
    }
}

/* ---- Groups ---- */

typedef struct Load {
    BlockBackend *blk;
    uint8_t buf[512];
    IoVec iov;
    unsigned done, in_flight;
    bool more;
} Load;

static void load_done(void *opaque, int ret);

static void load_next(Load *l)
{
    l->in_flight++;
    blk_aio_pwritev(l->blk, 0, &l->iov, 0, load_done, l);
}

static void load_done(void *opaque, int ret)
{
    Load *l = opaque;

    g_assert_cmpint(ret, ==, 0);
    l->done++;
    l->in_flight--;
    if (l->more) {
        load_next(l);
    }
}

static void load_start(Load *l, BlockDriverState *bs, unsigned depth)
{
    l->blk = blk_new(NULL, BLK_PERM_WRITE, BLK_PERM_ALL);
    l->more = true;
    l->done = l->in_flight = 0;
    iovec_init_buf(&l->iov, l->buf, sizeof(l->buf));
    g_assert_true(blk_insert_bs(l->blk, bs, NULL));
    while (depth--) {
        load_next(l);
    }
}

static void load_end(Load *l)
{
    l->more = false;
    blk_drain(l->blk);
    g_assert_cmpuint(l->in_flight, ==, 0);
    blk_unref(l->blk);
}

static void poll_for(int64_t ns)
{
    int64_t end = clock_get_ns(CLOCK_REALTIME_NS) + ns;

    while (clock_get_ns(CLOCK_REALTIME_NS) < end) {
        aio_poll(main_context(), false);
        g_usleep(200);
    }
}

static ThrottleGroup *new_group(const char *name, int64_t iops)
{
    ThrottleGroup *g = throttle_group_get(name);
    ThrottleConfig cfg;

    throttle_config_init(&cfg);
    cfg.limits[THROTTLE_IOPS_TOTAL].avg = iops;
    throttle_group_set_config(g, &cfg);
    return g;
}

static BlockDriverState *throttled(const char *name, const char *group)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"throttle\",\"node-name\":\"%s\",\"throttle-group\":"
        "\"%s\",\"file\":{\"driver\":\"null-co\"}}", name, group);

    return test_open_ok(json);
}

/* One with many requests and one with few get the same. */
static void test_fair(void)
{
    ThrottleGroup *g = new_group("g", 200);
    BlockDriverState *a = throttled("a", "g"), *b = throttled("b", "g");
    Load many, few;
    unsigned sum;

    load_start(&many, a, 32);
    load_start(&few, b, 2);
    poll_for(1000 * MS);
    sum = many.done + few.done;
    g_test_message("%u and %u", many.done, few.done);
    /* A loaded machine may be late, but never early. */
    g_assert_cmpuint(sum, <=, 240);
    g_assert_cmpuint(sum, >=, 50);
    g_assert_cmpuint(few.done, >=, sum / 3);
    load_end(&many);
    load_end(&few);
    bdrv_unref(a);
    bdrv_unref(b);
    throttle_group_put(g);
    g_assert_null(throttle_group_find("g"));
}

/* 1 a second, and yet the drain ends at once. */
static void test_drain_lets_through(void)
{
    ThrottleGroup *g = new_group("g", 1);
    BlockDriverState *bs = throttled("a", "g");
    int64_t start = clock_get_ns(CLOCK_REALTIME_NS);
    Load l;

    load_start(&l, bs, 20);
    l.more = false;
    g_assert_cmpuint(l.in_flight, >, 10);
    bdrv_drained_begin(bs);
    g_assert_cmpuint(l.in_flight, ==, 0);
    bdrv_drained_end(bs);
    g_assert_cmpint(clock_get_ns(CLOCK_REALTIME_NS) - start, <, 5000 * MS);
    load_end(&l);
    bdrv_unref(bs);
    throttle_group_put(g);
}

/* Limits of the drive itself, and other limits while requests wait. */
static void test_backend(void)
{
    BlockDriverState *bs = test_null_node("n");
    ThrottleConfig cfg;
    Load l;

    throttle_config_init(&cfg);
    cfg.limits[THROTTLE_BPS_WRITE].avg = 512;
    load_start(&l, bs, 0);
    g_assert_true(blk_set_throttling(l.blk, "g", &cfg, NULL));
    l.more = false;
    for (int i = 0; i < 10; i++) {
        load_next(&l);
    }
    poll_for(20 * MS);
    g_assert_cmpuint(l.in_flight, >=, 8);
    cfg.limits[THROTTLE_BPS_WRITE].avg = 10000000;
    throttle_group_set_config(throttle_group_find("g"), &cfg);
    RUN_UNTIL(l.in_flight == 0);
    throttle_config_init(&cfg);
    g_assert_true(blk_set_throttling(l.blk, NULL, &cfg, NULL));
    g_assert_null(throttle_group_find("g"));
    load_end(&l);
    bdrv_unref(bs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/throttle/rates", test_rates);
    g_test_add_func("/throttle/op_size", test_op_size);
    g_test_add_func("/throttle/config_refused", test_config_refused);
    g_test_add_func("/throttle/fair", test_fair);
    g_test_add_func("/throttle/drain_lets_through", test_drain_lets_through);
    g_test_add_func("/throttle/backend", test_backend);
    return g_test_run();
}
