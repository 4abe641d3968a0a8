/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's state out of the kernel, through VMState and back: all that is
 * registered is saved while the guest is stopped, everything is reset, loaded,
 * and the guest goes on as if nothing had been.
 */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "system/accel.h"
#include "system/runstate.h"
#include "util/bql.h"
#include "kvm-test.h"

typedef struct Saved {
    const VMStateDescription *vmsd;
    void *opaque;
    VMStateWriter w;
} Saved;

static bool save_entry(const VMStateEntry *se, void *opaque, Error **errp)
{
    Saved *s = g_new0(Saved, 1);

    s->vmsd = se->vmsd;
    s->opaque = se->opaque;
    vmstate_writer_init(&s->w);
    g_ptr_array_add(opaque, s);
    return vmstate_save(s->vmsd, s->opaque, &s->w, errp);
}

static void saved_free(gpointer p)
{
    Saved *s = p;

    vmstate_writer_cleanup(&s->w);
    g_free(s);
}

static GPtrArray *save_all(void)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(saved_free);
    Error *err = NULL;
    CPUState *cs;

    CPU_FOREACH(cs) {
        cpu_synchronize_state(cs);
    }
    if (!vmstate_foreach(save_entry, all, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    return all;
}

static void load_all(GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++) {
        Saved *s = all->pdata[i];
        VMStateReader r;
        Error *err = NULL;

        vmstate_reader_init(&r, s->w.buf->data, s->w.buf->len);
        if (!vmstate_load(s->vmsd, s->opaque, s->vmsd->version_id, &r, &err)) {
            g_error("%s: %s", s->vmsd->name, error_get_pretty(err));
        }
    }
}

/* Reset reaches the kernel before the load, so nothing is there by chance. */
static void save_reset_load(void)
{
    GPtrArray *all = save_all();
    AccelClass *ac = ACCEL_GET_CLASS(current_accel);
    CPUState *cs;

    system_reset(SHUTDOWN_CAUSE_NONE);
    CPU_FOREACH(cs) {
        g_assert_true(ac->vcpu_put_state(cs, NULL));
        cs->vcpu_dirty = false;
    }
    load_all(all);
    /* all before one runs: what it sends another must not be overwritten */
    CPU_FOREACH(cs) {
        cpu_synchronize_post_init(cs);
    }
    g_ptr_array_free(all, TRUE);
}

/* Each register holds a bit of the sum that the guest tells afterwards. */
static void test_registers(void)
{
    uint8_t *ram;

    if (!kt_setup()) {
        return;
    }
    KT_LOAD(
        0x0f, 0x20, 0xe0, 0x66, 0x0d, KT_LE32(0x600),   /* CR4: SSE */
        0x0f, 0x22, 0xe0,
        0x0f, 0x28, 0x2e, 0x00, 0x30,                   /* xmm5 = [3000] */
        0x66, 0xb8, KT_LE32(0x20), 0x0f, 0x23, 0xc0,    /* dr0 */
        KT_WRMSR(X86_MSR_LSTAR, 0x300),
        KT_WRMSR(0x1b, 0xfee00d00),                     /* x2APIC: */
        KT_WRMSR(0x808, 0x80),                          /* TPR */
        0xb8, 0x34, 0x02, 0x8e, 0xe8,                   /* gs = 0x234 */
        0x66, 0xbf, KT_LE32(0x10000),                   /* edi */
        KT_SAY(1),
        0x0f, 0x29, 0x2e, 0x10, 0x30,                   /* [3010] = xmm5 */
        0x66, 0xa1, 0x10, 0x30, 0x66, 0x01, 0xc7,       /* edi += that */
        0x0f, 0x21, 0xc0, 0x66, 0x01, 0xc7,             /* += dr0 */
        KT_RDMSR(X86_MSR_LSTAR), 0x66, 0x01, 0xc7,
        KT_RDMSR(0x808), 0x66, 0x01, 0xc7,
        0x66, 0x31, 0xc0, 0x65, 0xa0, 0x00, 0x00,       /* al = gs:[0] */
        0x66, 0x01, 0xc7,
        0x66, 0x89, 0xf8, KT_SAY_EAX, KT_HALT);
    ram = memory_region_get_ram_ptr(&kt.ram);
    memset(ram + 0x3000, 0, 32);
    ram[0x3000] = 0x1;
    ram[0x2340] = 0x40;
    ram[0] = 0;
    g_assert_cmphex(kt_run(), ==, 1);
    save_reset_load();
    g_assert_cmphex(kt_continue(), ==, 0x103e1);
}

/* Halted is a state too; what wakes it is a timer that was saved running. */
static void test_timer(void)
{
    static const uint8_t handler[] = { KT_SAY(7), KT_HALT };
    const uint16_t vector[2] = { 0x8000, 0 };
    uint8_t *ram;

    if (!kt_setup()) {
        return;
    }
    KT_LOAD(KT_WRMSR(0x1b, 0xfee00d00), KT_WRMSR(0x80f, 0x1ff),
            0x31, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x70,   /* ss:sp = 0:7000 */
            KT_WRMSR(0x83e, 0xb), KT_WRMSR(0x832, 0x40),
            KT_WRMSR(0x838, 20000000),                  /* 20 ms */
            KT_SAY(1), 0xfb, 0xf4, 0xeb, 0xfc);         /* sti; hlt */
    ram = memory_region_get_ram_ptr(&kt.ram);
    memcpy(ram + 0x8000, handler, sizeof(handler));
    memcpy(ram + 4 * 0x40, vector, sizeof(vector));
    g_assert_cmphex(kt_run(), ==, 1);
    save_reset_load();
    g_assert_cmphex(kt_continue(), ==, 7);
}

/* The interrupt mask of the kernel's PIC. */
static void test_pic(void)
{
    if (!kt_setup()) {
        return;
    }
    if (accel_irqchip_is_split()) {
        g_test_skip("the kernel has no PIC");
        return;
    }
    /* out 0x21, 0xfb; then in al, 0x21 */
    KT_LOAD(0xb0, 0xfb, 0xe6, 0x21, KT_SAY(1),
            0x66, 0x31, 0xc0, 0xe4, 0x21, KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    save_reset_load();
    g_assert_cmphex(kt_continue(), ==, 0xfb);
}

/* A CPU that waits for its start still does, one that runs still runs. */
static void test_two_cpus(void)
{
    static const uint8_t ap[] = {
        0x66, 0xb8, 77, 0, 0, 0, KT_NOTE_EAX, KT_HALT,
    };
    CPUState *cs;

    if (!kt_setup()) {
        return;
    }
    cs = CPU(kt_add_cpu(1));
    memcpy((uint8_t *)memory_region_get_ram_ptr(&kt.ram) + 0x9000, ap,
           sizeof(ap));
    KT_LOAD(KT_WRMSR(0x1b, 0xfee00d00), KT_WRMSR(0x80f, 0x1ff), KT_SAY(1),
            KT_WRMSR(0x830, 0x100004500), KT_WRMSR(0x830, 0x100004609),
            KT_SAY(2), 0xeb, 0xfe);
    g_assert_cmphex(kt_run(), ==, 1);
    save_reset_load();
    g_assert_true(cs->halted);
    g_assert_cmphex(kt_continue(), ==, 2);
    vm_start();
    kt_wait_notes(1);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmphex(kt.notes[0], ==, 77);
    save_reset_load();
    cpu_synchronize_state(cs);
    g_assert_cmphex(X86_CPU(cs)->env.segs[X86_SEG_CS].base, ==, 0x9000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/save-load/registers", test_registers);
    g_test_add_func("/kvm/save-load/timer", test_timer);
    g_test_add_func("/kvm/save-load/pic", test_pic);
    g_test_add_func("/kvm/save-load/two-cpus", test_two_cpus);
    return g_test_run();
}
