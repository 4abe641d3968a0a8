/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng: entropy, its quota in virtual time, stop and reset while a
 * buffer waits. VirtIO 1.2, 5.4.
 */
#include "libqtest/qtest-virtio.h"

#define RNG_ID  4
#define MS      1000000ll

typedef struct Rig {
    QTest *qts;
    QPci pci;
    QVirtio v;
    QVirtQueue q;
    uint64_t buf;
} Rig;

static void rig_start_driver(Rig *r)
{
    qvirtio_init(&r->v, &r->pci, RNG_ID, 0);
    qvirtio_negotiate(&r->v, QVIRTIO_VERSION_1);
    qvirtio_queue_setup(&r->v, &r->q, 0, 0);
    qvirtio_driver_ok(&r->v);
}

static void rig_init(Rig *r, const char *props)
{
    r->qts = qtest_startf("-M virt -m 64M -object rng-builtin,id=rng0 "
                          "-device virtio-rng-pci%s", props);
    qpci_init(&r->pci, r->qts);
    rig_start_driver(r);
    r->buf = qtest_alloc(r->qts, 1 * MiB, 4096);
}

static void rig_end(Rig *r)
{
    qvirtio_clear(&r->v);
    qtest_quit(r->qts);
}

static uint16_t ask(Rig *r, uint32_t len)
{
    uint16_t head = qvq_add(&r->q, &(QVirtBuf){ r->buf, len, true }, 1);

    qvq_kick(&r->q);
    return head;
}

/* A few round trips through the program's main loop. */
static void expect_nothing(Rig *r)
{
    for (int i = 0; i < 20; i++) {
        qtest_pause(r->qts);
        g_assert_cmpuint(qvq_get_used_idx(&r->q), ==, r->q.used_idx);
    }
}

static void test_entropy(gconstpointer props)
{
    Rig r;
    uint8_t a[256], b[256];
    uint32_t len;

    rig_init(&r, props);
    qvq_wait_used(&r.q, ask(&r, sizeof(a)), &len);
    g_assert_cmpuint(len, ==, sizeof(a));
    qtest_memread(r.qts, r.buf, a, sizeof(a));
    g_assert_cmphex(qtest_readb(r.qts, r.buf + sizeof(a)), ==, 0);
    qvq_wait_used(&r.q, ask(&r, sizeof(b)), &len);
    qtest_memread(r.qts, r.buf, b, sizeof(b));
    g_assert_cmpint(memcmp(a, b, sizeof(a)), !=, 0);
    /* A large one gets something, at most what it has room for. */
    qvq_wait_used(&r.q, ask(&r, 1 * MiB), &len);
    g_assert_cmpuint(len, >, 0);
    g_assert_cmpuint(len, <=, 1 * MiB);
    rig_end(&r);
}

static void test_quota(void)
{
    Rig r;
    uint32_t len;
    uint16_t head;

    rig_init(&r, ",max-bytes=100,period=1000");
    qvq_wait_used(&r.q, ask(&r, 60), &len);
    g_assert_cmpuint(len, ==, 60);
    qvq_wait_used(&r.q, ask(&r, 60), &len);
    g_assert_cmpuint(len, ==, 40);
    head = ask(&r, 60);
    expect_nothing(&r);
    qtest_clock_step(r.qts, 900 * MS);
    expect_nothing(&r);
    qtest_clock_step(r.qts, 200 * MS);
    qvq_wait_used(&r.q, head, &len);
    g_assert_cmpuint(len, ==, 60);
    rig_end(&r);
}

/* What waits for quota survives stop and is gone after reset. */
static void test_quota_stop_reset(void)
{
    Rig r;
    uint16_t head;

    rig_init(&r, ",max-bytes=16,period=1000");
    qvq_wait_used(&r.q, ask(&r, 16), NULL);
    head = ask(&r, 16);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'stop'}"));
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
    expect_nothing(&r);
    qtest_clock_step(r.qts, 1100 * MS);
    qvq_wait_used(&r.q, head, NULL);
    ask(&r, 16);
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    qtest_clock_step(r.qts, 1100 * MS);
    expect_nothing(&r);
    head = ask(&r, 16);
    qtest_clock_step(r.qts, 1100 * MS);
    qvq_wait_used(&r.q, head, NULL);
    rig_end(&r);
}

/* A source that ends: the buffer stays with the device, a reset frees it. */
static void test_broken_source(void)
{
    Rig r;

    rig_init(&r, ",rng=rng1 -object rng-random,id=rng1,filename=/dev/null");
    ask(&r, 16);
    expect_nothing(&r);
    ask(&r, 16);
    expect_nothing(&r);
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    rig_end(&r);
}

static void test_properties(void)
{
    static const char *const bad[] = {
        "period=0", "max-bytes=0", "max-bytes=0x8000000000000000",
        "rng=nothing",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *args = NULL, *err = NULL;

        args = g_strdup_printf("-M virt -accel qtest -nodefaults "
                               "-display none -device virtio-rng-pci,%s",
                               bad[i]);
        g_assert_cmpint(qtest_run(args, NULL, &err), ==, 1);
        g_assert_cmpuint(strlen(err), >, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/virtio-rng/default", "", test_entropy);
    g_test_add_data_func("/virtio-rng/builtin", ",rng=rng0", test_entropy);
    g_test_add_func("/virtio-rng/quota", test_quota);
    g_test_add_func("/virtio-rng/quota/stop-reset", test_quota_stop_reset);
    g_test_add_func("/virtio-rng/broken-source", test_broken_source);
    g_test_add_func("/virtio-rng/properties", test_properties);
    return qtest_main();
}
