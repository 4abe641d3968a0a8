/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The default machine without CPUs that run, as the command line makes it. */
#ifndef TESTS_UNIT_LIB_MACHINE_H
#define TESTS_UNIT_LIB_MACHINE_H

#include "util/osdep.h"
#include "hw/core/machine.h"
#include "system/accel.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "tests/unit/lib/loop.h"

/* Up to the board; devices can be added then. @ram_bytes 0: the default. */
static inline MachineState *test_machine_new(uint64_t ram_bytes)
{
    MachineClass *mc = machine_class_default();
    MachineState *ms;

    g_assert_nonnull(mc);
    test_loop_init();
    memory_map_init();
    runstate_init();
    ms = machine_create(mc);
    if (ram_bytes) {
        ms->ram_size = ms->maxram_size = ram_bytes;
        ms->ram_size_given = true;
    }
    machine_phase_advance(PHASE_MACHINE_CREATED);
    g_assert_true(accel_init_machine(ms, "qtest", NULL, NULL));
    machine_phase_advance(PHASE_ACCEL_CREATED);
    machine_phase_advance(PHASE_LATE_BACKENDS);
    g_assert_true(machine_prepare(ms, NULL));
    g_assert_true(machine_run_board_init(ms, NULL));
    return ms;
}

/* All devices are there: reset, and the run state is "running". */
static inline void test_machine_start(MachineState *ms)
{
    g_assert_true(machine_creation_done(ms, NULL));
    system_reset(SHUTDOWN_CAUSE_NONE);
    vm_start();
}

#endif
