/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers in VMState: armed, disarmed, and times that no save makes. */
#include "util/osdep.h"
#include "vmstate-check.h"
#include "util/aio.h"
#include "util/timer.h"

typedef struct Clocked {
    AioTimer in;
    AioTimer *ptr;
} Clocked;

static const VMStateDescription vmstate_clocked = {
    .name = "clocked",
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER(in, Clocked),
        VMSTATE_TIMER_PTR(ptr, Clocked),
        VMSTATE_END_OF_LIST()
    },
};

static void ignore(void *opaque)
{
}

static bool load(Clocked *c, const uint8_t *wire, size_t len)
{
    VMStateReader r;

    vmstate_reader_init(&r, wire, len);
    return vmstate_load(&vmstate_clocked, c, 0, &r, NULL);
}

static void test_due_times(void)
{
    static const uint8_t wire[] = {
        0, 0, 0, 0x10, 0, 0, 0, 1,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    static const uint8_t odd[] = {
        0x80, 0, 0, 0, 0, 0, 0, 0,
        0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    AioContext *ctx = aio_context_new(NULL);
    Clocked c = { .ptr = timer_new_ns(ctx, CLOCK_VIRTUAL, ignore, NULL) };
    VMStateWriter w;

    timer_init_ns(&c.in, ctx, CLOCK_VIRTUAL, ignore, NULL);
    timer_mod_ns(&c.in, 0x1000000001);
    vmstate_writer_init(&w);
    g_assert_true(vmstate_save(&vmstate_clocked, &c, &w, NULL));
    g_assert_cmpmem(w.buf->data, w.buf->len, wire, sizeof(wire));
    vmstate_writer_cleanup(&w);

    timer_del(&c.in);
    timer_mod_ns(c.ptr, 5);
    g_assert_true(load(&c, wire, sizeof(wire)));
    g_assert_cmpint(timer_expire_time_ns(&c.in), ==, 0x1000000001);
    g_assert_false(timer_pending(c.ptr));
    g_assert_true(vmstate_check_table(&vmstate_clocked, NULL));
    g_assert_true(vmstate_check_roundtrip(&vmstate_clocked, &c, NULL));

    /* below zero is disarmed; the end of time is just late */
    g_assert_true(load(&c, odd, sizeof(odd)));
    g_assert_false(timer_pending(&c.in));
    g_assert_true(timer_pending(c.ptr));

    timer_del(&c.in);
    timer_free(c.ptr);
    aio_context_unref(ctx);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration/vmstate-timer/due-times", test_due_times);
    return g_test_run();
}
