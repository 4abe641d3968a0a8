/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM layer on the real /dev/kvm: memory slots, exits, doorbells, routes,
 * stop and go, registers there and back, dirty log, several CPUs.
 */
#include "util/osdep.h"
#include "system/accel.h"
#include "system/runstate.h"
#include "util/bitmap.h"
#include "util/bql.h"
#include "kvm-test.h"

#define SKIP_WITHOUT_KVM()                                                     \
    do {                                                                       \
        if (!kt_setup()) {                                                     \
            return;                                                            \
        }                                                                      \
    } while (0)

static AccelClass *accel(void)
{
    return ACCEL_GET_CLASS(current_accel);
}

/* Give the kernel our registers, so that the next look comes from there. */
static void put_state(X86CPU *cpu)
{
    Error *err = NULL;

    g_assert_true(accel()->vcpu_put_state(CPU(cpu), &err));
    g_assert_null(err);
    CPU(cpu)->vcpu_dirty = false;
}

/* ---- Exits ---- */

static void test_port_out(void)
{
    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(0x2a), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 0x2a);
}

static void test_port_in(void)
{
    SKIP_WITHOUT_KVM();
    /* say 5; in eax, dx; inc eax; out dx, eax */
    KT_LOAD(KT_SAY(5), 0x66, 0xed, 0x66, 0x40, 0x66, 0xef, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 5);
    g_assert_cmphex(kt_continue(), ==, 1);      /* it read 0 */
}

static void test_mmio(void)
{
    SKIP_WITHOUT_KVM();
    /* mov ax, 0xb000; mov ds, ax; mov eax, [0]; mov [4], eax; say eax */
    KT_LOAD(0xb8, 0x00, 0xb0, 0x8e, 0xd8, 0x66, 0xa1, 0x00, 0x00,
            0x66, 0xa3, 0x04, 0x00, KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 0x11223344);
    g_assert_cmpuint(kt.mmio_reads, ==, 1);
    g_assert_cmpuint(kt.mmio_writes, ==, 1);
    g_assert_cmphex(kt.mmio_value, ==, 0x11223344);
}

static void test_ram_and_rom(void)
{
    uint8_t *ram;

    SKIP_WITHOUT_KVM();
    ram = memory_region_get_ram_ptr(&kt.ram);
    memset(ram, 0, 0x2000);
    /* mov byte [0x1000], 0x5a; mov byte cs:[0], 0; mov al, cs:[0]; say */
    KT_LOAD(0xc6, 0x06, 0x00, 0x10, 0x5a,
            0x2e, 0xc6, 0x06, 0x00, 0x00, 0x00,
            0x66, 0x31, 0xc0, 0x2e, 0xa0, 0x00, 0x00, KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 0xc6);
    g_assert_cmphex(ram[0x1000], ==, 0x5a);
}

#define FLASH_GPA 0xc0000

static MemoryRegion flash;
static unsigned flash_reads;

static uint64_t flash_read(void *opaque, hwaddr addr, unsigned size)
{
    flash_reads++;
    return 0x77;
}

/* The value tells whether the RAM is shown. */
static void flash_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    memory_region_rom_device_set_romd(&flash, data);
}

/* A slot that comes and goes by the guest's own writes. */
static void test_rom_device(void)
{
    static const MemoryRegionOps ops = {
        .read = flash_read, .write = flash_write,
    };

    SKIP_WITHOUT_KVM();
    g_assert_true(memory_region_init_rom_device(&flash, NULL, &ops, NULL,
                                                "flash", 0x10000, NULL));
    memset(memory_region_get_ram_ptr(&flash), 0x11, 16);
    memory_region_add_subregion_overlap(get_system_memory(), FLASH_GPA, &flash,
                                        1);
    /* mov ax, 0xc000; mov es, ax; xor eax, eax; mov al, es:[0]
     * mov byte es:[1], 0; mov ah, es:[0]; mov byte es:[1], 1
     * shl eax, 16; mov al, es:[0]; say */
    KT_LOAD(0xb8, 0x00, 0xc0, 0x8e, 0xc0, 0x66, 0x31, 0xc0,
            0x26, 0xa0, 0x00, 0x00,
            0x26, 0xc6, 0x06, 0x01, 0x00, 0x00, 0x26, 0x8a, 0x26, 0x00, 0x00,
            0x26, 0xc6, 0x06, 0x01, 0x00, 0x01,
            0x66, 0xc1, 0xe0, 0x10, 0x26, 0xa0, 0x00, 0x00,
            KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 0x77110011);
    g_assert_cmpuint(flash_reads, ==, 1);
    memory_region_deinit(&flash);
}

static void test_empty_address_reads_ones(void)
{
    SKIP_WITHOUT_KVM();
    /* in eax from an empty port */
    KT_LOAD(0xba, 0x00, 0x03, 0x66, 0xed, KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 0xffffffff);
}

/* ---- Stop and go ---- */

static void test_stop_and_continue(void)
{
    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(1), KT_SAY(2), KT_SAY(3), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    g_assert_cmphex(kt_continue(), ==, 2);
    g_assert_cmphex(kt_continue(), ==, 3);
}

static void test_stop_in_a_loop(void)
{
    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(1), 0xeb, 0xfe);
    g_assert_cmphex(kt_run(), ==, 1);
    for (int i = 0; i < 20; i++) {
        vm_start();
        if (i & 1) {
            bql_unlock();
            g_usleep(500);
            bql_lock();
        }
        vm_stop(RUN_STATE_PAUSED);
        g_assert_false(runstate_is_running());
    }
}

static void test_stop_in_halt(void)
{
    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(1), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    vm_start();
    bql_unlock();
    g_usleep(1000);
    bql_lock();
    vm_stop(RUN_STATE_PAUSED);
}

static void count_work(CPUState *cpu, void *opaque)
{
    g_assert_true(current_cpu == cpu);
    ++*(int *)opaque;
}

static void test_work_on_a_running_cpu(void)
{
    int n = 0;

    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(1), 0xeb, 0xfe);
    g_assert_cmphex(kt_run(), ==, 1);
    vm_start();
    for (int i = 0; i < 100; i++) {
        cpu_run_on(CPU(kt.cpu), count_work, &n);
    }
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmpint(n, ==, 100);
}

static void test_triple_fault_resets(void)
{
    SKIP_WITHOUT_KVM();
    /* lidt [zeros in ram]; protected mode; divide by 0 */
    KT_LOAD(KT_SAY(1), 0x0f, 0x01, 0x1e, 0x00, 0x20,
            0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,
            0x31, 0xc9, 0xf7, 0xf1);
    memset((uint8_t *)memory_region_get_ram_ptr(&kt.ram) + 0x2000, 0, 8);
    g_assert_cmphex(kt_run(), ==, 1);
    g_assert_cmphex(kt_continue(), ==, 1);
}

/* ---- Registers ---- */

static void test_state_after_reset(void)
{
    X86CPUState *env;
    uint64_t pat = 0;

    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(1), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    system_reset(SHUTDOWN_CAUSE_NONE);
    put_state(kt.cpu);
    cpu_synchronize_state(CPU(kt.cpu));
    env = &kt.cpu->env;
    g_assert_cmphex(env->rip, ==, 0xfff0);
    g_assert_cmphex(env->segs[X86_SEG_CS].base, ==, 0xffff0000);
    g_assert_cmphex(env->cr0, ==, 0x60000010);
    g_assert_cmphex(env->apic_base, ==, 0xfee00900);
    g_assert_cmphex(env->dr7, ==, 0x400);
    g_assert_true(x86_cpu_get_msr(kt.cpu, X86_MSR_PAT, &pat));
    g_assert_cmphex(pat, ==, 0x0007040600070406);
}

/* A put of all that was got changes nothing: the guest goes on. */
static void test_full_put_is_transparent(void)
{
    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_WRMSR(X86_MSR_LSTAR, 0x123456789abc), KT_SAY(1),
            KT_RDMSR(X86_MSR_LSTAR), KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    for (int i = 0; i < 3; i++) {
        cpu_synchronize_state(CPU(kt.cpu));
        kt.cpu->dirty_level = X86_DIRTY_ALL;
        put_state(kt.cpu);
    }
    g_assert_cmphex(kt_continue(), ==, 0x56789abc);
}

static void test_changed_registers_reach_the_guest(void)
{
    uint64_t lstar;

    SKIP_WITHOUT_KVM();
    /* say 1; then esi + lstar */
    KT_LOAD(0x66, 0xbe, 0x44, 0x33, 0x22, 0x11, KT_SAY(1),
            KT_RDMSR(X86_MSR_LSTAR), 0x66, 0x01, 0xf0, KT_SAY_EAX, KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    cpu_synchronize_state(CPU(kt.cpu));
    g_assert_cmphex(kt.cpu->env.regs[X86_RSI], ==, 0x11223344);
    kt.cpu->env.regs[X86_RSI] = 0x1000;
    g_assert_true(x86_cpu_set_msr(kt.cpu, X86_MSR_LSTAR, 0x234));
    g_assert_cmphex(kt_continue(), ==, 0x1234);
    cpu_synchronize_state(CPU(kt.cpu));
    g_assert_true(x86_cpu_get_msr(kt.cpu, X86_MSR_LSTAR, &lstar));
    g_assert_cmphex(lstar, ==, 0x234);
}

static void test_reset_clears_registers(void)
{
    uint64_t lstar = 1;

    SKIP_WITHOUT_KVM();
    /* mov dr0, eax */
    KT_LOAD(KT_WRMSR(X86_MSR_LSTAR, 0x1234), KT_WRMSR(X86_MSR_PAT, 0x0606),
            0x66, 0xb8, 0x78, 0x56, 0x00, 0x00, 0x0f, 0x23, 0xc0,
            KT_SAY(1), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    system_reset(SHUTDOWN_CAUSE_NONE);
    put_state(kt.cpu);
    cpu_synchronize_state(CPU(kt.cpu));
    g_assert_true(x86_cpu_get_msr(kt.cpu, X86_MSR_LSTAR, &lstar));
    g_assert_cmphex(lstar, ==, 0);
    g_assert_true(x86_cpu_get_msr(kt.cpu, X86_MSR_PAT, &lstar));
    g_assert_cmphex(lstar, ==, 0x0007040600070406);
    g_assert_cmphex(kt.cpu->env.dr[0], ==, 0);
    g_assert_cmphex(kt.cpu->env.rip, ==, 0xfff0);
}

/* An MSR that KVM does not know is left out with a warning, no more. */
static void test_refused_msr_is_no_failure(void)
{
    X86CPUState *env;
    uint32_t index;

    SKIP_WITHOUT_KVM();
    KT_LOAD(KT_SAY(1), KT_SAY(2), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    cpu_synchronize_state(CPU(kt.cpu));
    env = &kt.cpu->env;
    g_assert_cmpuint(env->nr_msrs, >, 10);
    index = env->msrs[5].index;
    env->msrs[5].index = 0xbad0000;
    env->msrs[5].value = 1;
    kt.cpu->dirty_level = X86_DIRTY_ALL;
    put_state(kt.cpu);
    cpu_synchronize_state(CPU(kt.cpu));
    env->msrs[5].index = index;
    g_assert_cmphex(kt_continue(), ==, 2);
}

/* ---- Doorbells and interrupts ---- */

static void test_doorbells(void)
{
    EventNotifier any, match;

    SKIP_WITHOUT_KVM();
    g_assert_true(event_notifier_init(&any, false, NULL));
    g_assert_true(event_notifier_init(&match, false, NULL));
    memory_region_add_eventfd(&kt.mmio, 0x10, 4, false, 0, &any);
    memory_region_add_eventfd(&kt.mmio, 0x20, 4, true, 7, &match);
    /* ds = 0xb000; mov dword [0x10], 1; [0x20] = 6; [0x20] = 7 */
    KT_LOAD(0xb8, 0x00, 0xb0, 0x8e, 0xd8,
            0x66, 0xc7, 0x06, 0x10, 0x00, 1, 0, 0, 0,
            0x66, 0xc7, 0x06, 0x20, 0x00, 6, 0, 0, 0, KT_SAY(1),
            0x66, 0xc7, 0x06, 0x20, 0x00, 7, 0, 0, 0, KT_SAY(2), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    g_assert_true(event_notifier_test_and_clear(&any));
    g_assert_false(event_notifier_test_and_clear(&match));
    g_assert_cmpuint(kt.mmio_writes, ==, 1);
    g_assert_cmphex(kt_continue(), ==, 2);
    g_assert_true(event_notifier_test_and_clear(&match));
    g_assert_cmpuint(kt.mmio_writes, ==, 1);
    memory_region_del_eventfd(&kt.mmio, 0x10, 4, false, 0, &any);
    memory_region_del_eventfd(&kt.mmio, 0x20, 4, true, 7, &match);
    g_assert_cmphex(kt_run(), ==, 1);
    g_assert_false(event_notifier_test_and_clear(&any));
    g_assert_cmpuint(kt.mmio_writes, ==, 2);
    event_notifier_cleanup(&any);
    event_notifier_cleanup(&match);
}

/*
 * Real mode, x2APIC: vector 0x40 + n notes n. Handlers are at offset 0x100 and
 * 0x120 of the ROM; the vectors point to f000:, where RAM must have a copy.
 */
static void load_irq_guest(void)
{
    static const uint8_t code[] = {
        KT_WRMSR(0x1b, 0xfee00d00), KT_WRMSR(0x80f, 0x1ff),
        0x31, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x70,       /* ss:sp = 0:7000 */
        KT_SAY(1), 0xfb, 0xf4, 0xeb, 0xfc,              /* sti; hlt */
    };
    static const uint8_t handler[] = {
        0x66, 0x50, 0x66, 0x51, 0x66, 0x52,             /* eax ecx edx */
        0x66, 0xb8, 0x00, 0x00, 0x00, 0x00, KT_NOTE_EAX,
        KT_WRMSR(0x80b, 0), 0x66, 0x5a, 0x66, 0x59, 0x66, 0x58, 0xcf,
    };
    uint8_t *ram = memory_region_get_ram_ptr(&kt.ram);

    kt_load(code, sizeof(code));
    for (int i = 0; i < 2; i++) {
        uint16_t vector[2] = { 0x8000 + 0x100 * i, 0 };
        uint8_t *to = ram + vector[0];

        memcpy(to, handler, sizeof(handler));
        to[8] = 0x40 + i;
        memcpy(ram + 4 * (0x40 + i), vector, sizeof(vector));
    }
}

static void test_msi(void)
{
    const MSIMessage msg = { 0xfee00000, 0x40 };

    SKIP_WITHOUT_KVM();
    load_irq_guest();
    g_assert_cmphex(kt_run(), ==, 1);
    vm_start();
    g_assert_cmpint(accel_msi_send(&msg), ==, 0);
    kt_wait_notes(1);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmphex(kt.notes[0], ==, 0x40);
}

static void test_irqfd_route(void)
{
    MSIMessage msg = { 0xfee00000, 0x40 };
    EventNotifier n;
    int virq;

    SKIP_WITHOUT_KVM();
    g_assert_true(event_notifier_init(&n, false, NULL));
    virq = accel_msi_route_add(&msg);
    g_assert_cmpint(virq, >=, 24);
    accel_msi_route_commit();
    g_assert_cmpint(accel_irqfd_add(&n, NULL, virq), ==, 0);
    load_irq_guest();
    g_assert_cmphex(kt_run(), ==, 1);
    vm_start();
    event_notifier_set(&n);
    kt_wait_notes(1);
    g_assert_cmphex(kt.notes[0], ==, 0x40);
    msg.data = 0x41;
    g_assert_cmpint(accel_msi_route_update(virq, &msg), ==, 0);
    accel_msi_route_commit();
    event_notifier_set(&n);
    kt_wait_notes(2);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmphex(kt.notes[1], ==, 0x41);
    g_assert_cmpint(accel_irqfd_del(&n, virq), ==, 0);
    accel_msi_route_release(virq);
    g_assert_cmpint(accel_msi_route_update(virq, &msg), ==, -EINVAL);
    event_notifier_cleanup(&n);
}

static void test_routes_run_out(void)
{
    const MSIMessage msg = { 0xfee00000, 0x40 };
    g_autoptr(GArray) virqs = g_array_new(false, false, sizeof(int));
    int virq;

    SKIP_WITHOUT_KVM();
    while ((virq = accel_msi_route_add(&msg)) >= 0) {
        g_array_append_val(virqs, virq);
        g_assert_cmpuint(virqs->len, <, 1 << 20);
    }
    g_assert_cmpint(virq, ==, -ENOSPC);
    accel_msi_route_commit();
    for (guint i = 0; i < virqs->len; i++) {
        accel_msi_route_release(g_array_index(virqs, int, i));
    }
    accel_msi_route_commit();
}

static void test_nmi(void)
{
    uint8_t *ram;
    const uint16_t vector[2] = { 0x8000, 0 };
    Error *err = NULL;

    SKIP_WITHOUT_KVM();
    load_irq_guest();
    ram = memory_region_get_ram_ptr(&kt.ram);
    memcpy(ram + 4 * 2, vector, sizeof(vector));
    g_assert_cmphex(kt_run(), ==, 1);
    g_assert_true(accel()->vcpu_inject_nmi(CPU(kt.cpu), &err));
    vm_start();
    kt_wait_notes(1);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmphex(kt.notes[0], ==, 0x40);
}

/* ---- Memory ---- */

/* A guest that runs from RAM all the time must not notice that its slot comes
 * and goes: fetching from where nothing is stops it. */
static void test_memory_changes_under_a_running_guest(void)
{
    /* 1: inc ecx; mov [0x3000], ecx; cmp [0x3000], ecx; je 1b; say 0xbad */
    static const uint8_t loop[] = {
        0x66, 0x41, 0x66, 0x89, 0x0e, 0x00, 0x30,
        0x66, 0x3b, 0x0e, 0x00, 0x30, 0x74, 0xf2, KT_SAY(0xbad), KT_HALT,
    };
    MemoryRegion hole;

    SKIP_WITHOUT_KVM();
    memory_region_init_io(&hole, NULL, NULL, NULL, "hole", 4096);
    memcpy((uint8_t *)memory_region_get_ram_ptr(&kt.ram) + 0x8000, loop,
           sizeof(loop));
    KT_LOAD(KT_SAY(1), 0xea, 0x00, 0x80, 0x00, 0x00);
    g_assert_cmphex(kt_run(), ==, 1);
    vm_start();
    for (int i = 0; i < 200; i++) {
        /* splits the slot, and joins it again */
        memory_region_add_subregion_overlap(get_system_memory(), 0x5000, &hole,
                                            2);
        memory_region_del_subregion(get_system_memory(), &hole);
        bql_unlock();
        g_usleep(20);
        bql_lock();
    }
    g_assert_false(CPU(kt.cpu)->stopped);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmphex(kt.said, !=, 0xbad);
    memory_region_deinit(&hole);
}

static bool page_is_dirty(uint64_t gpa)
{
    return test_bit(gpa / RAM_DIRTY_PAGE, kt.ram.ram_block->dirty);
}

static void test_dirty_log(void)
{
    Error *err = NULL;

    SKIP_WITHOUT_KVM();
    /* say 1; write pages 4 and 6; say 2 */
    KT_LOAD(KT_SAY(1), 0xc6, 0x06, 0x00, 0x40, 1, 0xc6, 0x06, 0x00, 0x60, 1,
            KT_SAY(2), 0xc6, 0x06, 0x00, 0x50, 1, KT_SAY(3), KT_HALT);
    g_assert_cmphex(kt_run(), ==, 1);
    g_assert_true(memory_global_dirty_log_start(&err));
    g_assert_cmphex(kt_continue(), ==, 2);
    memory_global_dirty_log_sync();
    g_assert_true(page_is_dirty(0x4000));
    g_assert_false(page_is_dirty(0x5000));
    g_assert_true(page_is_dirty(0x6000));
    g_assert_cmphex(kt_continue(), ==, 3);
    memory_global_dirty_log_sync();
    g_assert_true(page_is_dirty(0x5000));
    memory_global_dirty_log_stop();
}

/* ---- More CPUs: last, since they stay ---- */

static void test_second_cpu_starts_by_sipi(void)
{
    static const uint8_t ap[] = {
        /* xor ax, ax; mov eax, 77; note; hlt */
        0x66, 0xb8, 77, 0, 0, 0, KT_NOTE_EAX, KT_HALT,
    };
    X86CPU *second;

    SKIP_WITHOUT_KVM();
    second = kt_add_cpu(1);
    memcpy((uint8_t *)memory_region_get_ram_ptr(&kt.ram) + 0x9000, ap,
           sizeof(ap));
    KT_LOAD(KT_WRMSR(0x1b, 0xfee00d00), KT_WRMSR(0x80f, 0x1ff),
            KT_WRMSR(0x830, 0x100004500), KT_WRMSR(0x830, 0x100004609),
            KT_SAY(1), 0xeb, 0xfe);
    g_assert_cmphex(kt_run(), ==, 1);
    vm_start();
    kt_wait_notes(1);
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmphex(kt.notes[0], ==, 77);
    cpu_synchronize_state(CPU(second));
    g_assert_cmphex(second->env.segs[X86_SEG_CS].base, ==, 0x9000);
    /* a reset sends it back to waiting */
    system_reset(SHUTDOWN_CAUSE_NONE);
    put_state(second);
    cpu_synchronize_state(CPU(second));
    g_assert_cmpuint(second->env.mp_state, ==, X86_MP_UNINITIALIZED);
    g_assert_true(CPU(second)->halted);
    g_assert_cmphex(kt_run(), ==, 1);
}

static void test_unplug_and_plug_again(void)
{
    X86CPU *third;

    SKIP_WITHOUT_KVM();
    for (int i = 0; i < 3; i++) {
        third = kt_add_cpu(5);
        KT_LOAD(KT_SAY(9), KT_HALT);
        g_assert_cmphex(kt_run(), ==, 9);
        object_unparent(OBJECT(third));
        object_unref(third);
        g_assert_null(cpu_get(2));
        g_assert_cmphex(kt_run(), ==, 9);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/exit/port-out", test_port_out);
    g_test_add_func("/kvm/exit/port-in", test_port_in);
    g_test_add_func("/kvm/exit/mmio", test_mmio);
    g_test_add_func("/kvm/exit/empty-address", test_empty_address_reads_ones);
    g_test_add_func("/kvm/memory/ram-and-rom", test_ram_and_rom);
    g_test_add_func("/kvm/memory/rom-device", test_rom_device);
    g_test_add_func("/kvm/run/stop-and-continue", test_stop_and_continue);
    g_test_add_func("/kvm/run/stop-in-a-loop", test_stop_in_a_loop);
    g_test_add_func("/kvm/run/stop-in-halt", test_stop_in_halt);
    g_test_add_func("/kvm/run/work", test_work_on_a_running_cpu);
    g_test_add_func("/kvm/run/triple-fault", test_triple_fault_resets);
    g_test_add_func("/kvm/state/after-reset", test_state_after_reset);
    g_test_add_func("/kvm/state/full-put", test_full_put_is_transparent);
    g_test_add_func("/kvm/state/changed",
                    test_changed_registers_reach_the_guest);
    g_test_add_func("/kvm/state/reset", test_reset_clears_registers);
    g_test_add_func("/kvm/state/refused-msr", test_refused_msr_is_no_failure);
    g_test_add_func("/kvm/irq/doorbells", test_doorbells);
    g_test_add_func("/kvm/irq/msi", test_msi);
    g_test_add_func("/kvm/irq/irqfd", test_irqfd_route);
    g_test_add_func("/kvm/irq/routes-run-out", test_routes_run_out);
    g_test_add_func("/kvm/irq/nmi", test_nmi);
    g_test_add_func("/kvm/memory/changes-under-guest",
                    test_memory_changes_under_a_running_guest);
    g_test_add_func("/kvm/memory/dirty-log", test_dirty_log);
    g_test_add_func("/kvm/smp/sipi", test_second_cpu_starts_by_sipi);
    g_test_add_func("/kvm/smp/unplug", test_unplug_and_plug_again);
    return g_test_run();
}
