/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include <json-c/json.h>
#include "hw/core/machine.h"
#include "hw/core/reset.h"
#include "system/accel.h"
#include "system/runstate.h"
#include "util/bql.h"
#include "util/main-loop.h"
#include "util/rcu.h"
#include "kvm-test.h"

KvmTest kt;

/* ---- What the guest says ---- */

static uint64_t port_read(void *opaque, hwaddr addr, unsigned size)
{
    return kt.said;
}

static void port_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    if (addr == KT_PORT_NOTE - KT_PORT_SAY) {
        if (kt.nr_notes < G_N_ELEMENTS(kt.notes)) {
            kt.notes[kt.nr_notes] = data;
        }
        __atomic_add_fetch(&kt.nr_notes, 1, __ATOMIC_SEQ_CST);
        return;
    }
    kt.said = data;
    vm_stop(RUN_STATE_PAUSED);
}

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    kt.mmio_reads++;
    return 0x11223344u >> 8 * addr;
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    kt.mmio_writes++;
    kt.mmio_value = data;
}

static const MemoryRegionOps port_ops = {
    .read = port_read, .write = port_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
};
static const MemoryRegionOps mmio_ops = {
    .read = mmio_read, .write = mmio_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
};

/* ---- The machine ---- */

static void make_memory(void)
{
    Error *err = NULL;

    memory_region_init_ram(&kt.ram, NULL, "ram", KT_RAM_BYTES, &err);
    g_assert_null(err);
    memory_region_init_rom(&kt.rom, NULL, "rom", KT_ROM_BYTES, &err);
    g_assert_null(err);
    memory_region_init_io(&kt.ports, NULL, &port_ops, NULL, "ports", 8);
    memory_region_init_io(&kt.mmio, NULL, &mmio_ops, NULL, "mmio", 4096);
    memory_region_transaction_begin();
    memory_region_add_subregion(get_system_memory(), 0, &kt.ram);
    memory_region_add_subregion_overlap(get_system_memory(), KT_MMIO_GPA,
                                        &kt.mmio, 1);
    memory_region_add_subregion(get_system_memory(), 4 * GiB - KT_ROM_BYTES,
                                &kt.rom);
    memory_region_add_subregion(get_system_io(), KT_PORT_SAY, &kt.ports);
    memory_region_transaction_commit();
}

X86CPU *kt_add_cpu(uint32_t apic_id)
{
    Object *obj = object_new(X86_CPU_TYPE_NAME("max"));
    Error *err = NULL;

    object_property_set_uint(obj, "apic-id", apic_id, &err);
    g_assert_null(err);
    if (!qdev_realize(DEVICE(obj), NULL, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    return X86_CPU(obj);
}

/* NEMU_TEST_ACCEL has the property to set, "dirty-ring-size=4096". */
static struct json_object *accel_props(void)
{
    const char *text = g_getenv("NEMU_TEST_ACCEL");
    struct json_object *props = NULL;

    if (text) {
        g_auto(GStrv) kv = g_strsplit(text, "=", 2);

        props = json_object_new_object();
        json_object_object_add(props, kv[0], json_object_new_string(kv[1]));
    }
    return props;
}

/* The machine "none" gives the tree that resets walk; it starts without KVM. */
static bool start_kvm(void)
{
    MachineClass *mc = machine_class_by_name("none", NULL);
    struct json_object *props = accel_props();
    AccelClass *ac;
    Error *err = NULL;

    g_assert_nonnull(mc);
    g_assert_true(accel_init_machine(machine_create(mc), "kvm", props, &err));
    json_object_put(props);
    if (!current_accel) {
        g_test_skip("no usable /dev/kvm");
        return false;
    }
    ac = ACCEL_GET_CLASS(current_accel);
    if (!ac->create_irqchip(current_accel, NULL, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    return true;
}

bool kt_setup(void)
{
    static bool done, usable;
    Error *err = NULL;

    if (done) {
        if (!usable) {
            g_test_skip("no usable KVM");
        }
        return usable;
    }
    done = true;
    rcu_register_thread();
    bql_lock();
    g_assert_true(main_loop_init(&err));
    memory_map_init();
    runstate_init();
    usable = start_kvm();
    if (usable) {
        make_memory();
        kt.cpu = kt_add_cpu(0);
    }
    return usable;
}

void kt_load(const void *code, size_t len)
{
    uint8_t *rom = memory_region_get_ram_ptr(&kt.rom);
    /* jmp to offset 0 of the segment, which stays below 4 GiB */
    static const uint8_t reset[] = { 0xe9, 0x0d, 0x00 };

    g_assert_cmpuint(len, <, 0xfff0);
    memset(rom, 0xf4, KT_ROM_BYTES);
    memcpy(rom, code, len);
    memcpy(rom + 0xfff0, reset, sizeof(reset));
}

uint32_t kt_continue(void)
{
    kt.said = 0;
    vm_start();
    while (runstate_is_running()) {
        main_loop_iterate();
    }
    return kt.said;
}

uint32_t kt_run(void)
{
    kt.nr_notes = 0;
    kt.mmio_reads = kt.mmio_writes = 0;
    if (runstate_needs_reset()) {
        runstate_set(RUN_STATE_PRELAUNCH);
    }
    system_reset(SHUTDOWN_CAUSE_NONE);
    return kt_continue();
}

void kt_wait_notes(uint32_t n)
{
    while (__atomic_load_n(&kt.nr_notes, __ATOMIC_SEQ_CST) < n) {
        bql_unlock();
        g_usleep(100);
        bql_lock();
    }
}
