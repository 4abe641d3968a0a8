/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "mc146818rtc": the clock and battery-backed RAM of PCs (Motorola MC146818A
 * data sheet) at ports 0x70 and 0x71, for firmware.
 *
 * Life cycle: made by the board, which writes what firmware expects in the RAM
 * with mc146818_set_cmos() after realize. Context: big lock.
 */
#ifndef HW_RTC_MC146818RTC_H
#define HW_RTC_MC146818RTC_H

#include "hw/isa/isa.h"

#define TYPE_MC146818_RTC "mc146818rtc"
OBJECT_DECLARE_SIMPLE_TYPE(MC146818State, MC146818_RTC)

#define MC146818_PORT       0x70
#define MC146818_PORTS      2
#define MC146818_RAM_FIRST  0x0e
#define MC146818_RAM_BYTES  128     /* clock registers included */
#define MC146818_CENTURY    0x32    /* in BCD or binary, as the year */

/* @addr from MC146818_RAM_FIRST on. It outlives resets, as the guest's own
 * writes do. */
void mc146818_set_cmos(MC146818State *s, unsigned int addr, uint8_t val);

/*
 * mc146818_set_memory: sizes where firmware for PCs looks for them: base
 * memory, memory above 1 MiB (two places), above 16 MiB, above 4 GiB; and the
 * number of CPUs less one.
 */
void mc146818_set_memory(MC146818State *s, uint64_t low_bytes,
                         uint64_t high_bytes, unsigned int cpus);

#endif
