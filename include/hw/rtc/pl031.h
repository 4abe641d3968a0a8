/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PL031 real-time clock. Life cycle: the board realizes it, maps @io and
 * connects the unnamed output 0, its interrupt. Context: big lock.
 */
#ifndef HW_RTC_PL031_H
#define HW_RTC_PL031_H

#include "hw/core/qdev.h"
#include "system/memory.h"
#include "util/timer.h"

#define TYPE_PL031 "pl031"
OBJECT_DECLARE_SIMPLE_TYPE(PL031State, PL031)

#define PL031_BYTES 0x1000

struct PL031State {
    DeviceState parent_obj;

    MemoryRegion io;
    Irq *irq;

    /* Guest-visible registers (migrated) */
    uint32_t match, load, imsc, ris;
    int64_t offset_ns;              /* time - rtc_clock_ns() */
    int64_t saved_offset_ns;        /* the same, in a stream */

    AioTimer alarm;
};

#endif
