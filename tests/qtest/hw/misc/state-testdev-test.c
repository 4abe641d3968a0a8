/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine is saved, reset and loaded under a driver that works on. */
#include "libqtest/qtest-virtio.h"

#define RNG_ID  4
#define TIMES   5

static void wait_cycle(QTest *qts)
{
    json_object_put(qtest_qmp_event(qts, "STOP"));
    json_object_put(qtest_qmp_event(qts, "RESUME"));
}

/* A device that lost its queue, or its place on the bus, would not answer. */
static void test_driver_goes_on(void)
{
    QTest *qts = qtest_start("-M virt -m 64M -device virtio-rng-pci -device "
                             "state-testdev,period-ms=20");
    uint64_t buf;
    QVirtio v;
    QVirtQueue q;
    QPci pci;

    qpci_init(&pci, qts);
    qvirtio_init(&v, &pci, RNG_ID, 0);
    qvirtio_enable_msix(&v);
    qvirtio_negotiate(&v, QVIRTIO_VERSION_1);
    qvirtio_queue_setup(&v, &q, 0, 8);
    qvirtio_driver_ok(&v);
    buf = qtest_alloc(qts, 64, 64);
    for (int i = 0; i < TIMES; i++) {
        uint16_t head;

        wait_cycle(qts);
        g_assert_cmphex(qvirtio_get_status(&v) & QVIRTIO_DRIVER_OK, !=, 0);
        head = qvq_add(&q, &(QVirtBuf){ buf, 64, true }, 1);
        qvq_kick(&q);
        qvq_wait_used(&q, head, NULL);
        QTEST_WAIT(qts, qvq_interrupted(&q));
    }
    qvirtio_clear(&v);
    qtest_quit(qts);
}

static void test_refuses(void)
{
    g_autofree char *err = NULL;

    g_assert_cmpint(qtest_run("-M virt -accel qtest -display none -device "
                              "state-testdev,period-ms=0", NULL, &err), ==, 1);
    g_assert_nonnull(strstr(err, "period-ms"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state-testdev/driver-goes-on", test_driver_goes_on);
    g_test_add_func("/state-testdev/refuses", test_refuses);
    return qtest_main();
}
