/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "mc146818rtc": Motorola MC146818A, Real-Time Clock plus RAM, as PCs have it:
 * 128 bytes behind an index (port 0x70, whose bit 7 masks NMIs elsewhere) and
 * a data port (0x71), and a century byte at 0x32.
 *
 *     0..9  seconds, its alarm, minutes, alarm, hours, alarm, day of the week,
 *           day, month, year: BCD or binary, 12 or 24 hours as register B says
 *     A     update in progress, divider, rate      C   flags, cleared by a read
 *     B     set, interrupt enables, formats        D   valid RAM and time
 *
 * For firmware, which polls it: the clock, the update flag and RAM. Left out:
 * interrupts (periodic, alarm, update), the square wave, daylight saving. No
 * timer runs: the time is computed when it is read.
 *
 * Threading: big lock.
 */
#include "util/osdep.h"
#include "hw/rtc/mc146818rtc.h"
#include <time.h>
#include "migration/vmstate.h"
#include "system/rtc.h"
#include "trace/trace-hw_rtc.h"

#define NS_PER_S        1000000000LL
#define UIP_NS          244000      /* before an update; data sheet, UIP */
#define RESTART_NS      500000000   /* from divider reset to first update */

#define REG_SECONDS     0x00
#define REG_MINUTES     0x02
#define REG_HOURS       0x04
#define REG_WEEKDAY     0x06
#define REG_DAY         0x07
#define REG_MONTH       0x08
#define REG_YEAR        0x09
#define REG_A           0x0a
#define REG_B           0x0b
#define REG_C           0x0c
#define REG_D           0x0d

#define A_UIP           BIT(7)
#define A_DIVIDER       0x70
#define A_DIVIDER_RUN   0x20        /* 32768 Hz */
#define A_DIVIDER_RESET 0x60        /* and 0x70 */
#define A_RATE_1024     0x06
#define B_SET           BIT(7)
#define B_ENABLES       0x78        /* interrupts and square wave */
#define B_BINARY        BIT(2)
#define B_24H           BIT(1)
#define C_UPDATED       BIT(4)
#define D_VALID         BIT(7)
#define HOUR_PM         0x80
#define INDEX_MASK      0x7f
#define PORT_DATA       1

struct MC146818State {
    ISADevice parent_obj;

    /* Guest-visible (migrated) */
    uint8_t ram[MC146818_RAM_BYTES];
    uint8_t index;
    int64_t saved_offset_ns;        /* the same in the migration stream */
    int64_t seen_s;                 /* second of the last read of C */

    /* Runtime */
    int64_t offset_ns;              /* time - rtc_clock_ns() */
    MemoryRegion io;
};

/* ---- Formats ---- */

static uint8_t mc146818_encode(const MC146818State *s, unsigned int v)
{
    return s->ram[REG_B] & B_BINARY ? v : v / 10 % 10 << 4 | v % 10;
}

static unsigned int mc146818_decode(const MC146818State *s, uint8_t v)
{
    return s->ram[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 0xf);
}

static uint8_t mc146818_encode_hour(const MC146818State *s, unsigned int hour)
{
    if (s->ram[REG_B] & B_24H) {
        return mc146818_encode(s, hour);
    }
    return mc146818_encode(s, hour % 12 ? hour % 12 : 12) |
           (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int mc146818_decode_hour(const MC146818State *s, uint8_t v)
{
    if (s->ram[REG_B] & B_24H) {
        return mc146818_decode(s, v);
    }
    return mc146818_decode(s, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* ---- Time ---- */

static int64_t mc146818_now_ns(const MC146818State *s)
{
    return rtc_clock_ns() + s->offset_ns;
}

/* Rounds down, before 1970 too. */
static int64_t mc146818_seconds(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

static bool mc146818_stopped(const MC146818State *s)
{
    return s->ram[REG_B] & B_SET ||
           (s->ram[REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

/* Put the time into the registers, unless they stand still. */
static void mc146818_update(MC146818State *s)
{
    time_t t = mc146818_seconds(mc146818_now_ns(s));
    struct tm tm = { 0 };

    if (mc146818_stopped(s) || !gmtime_r(&t, &tm)) {
        return;
    }
    s->ram[REG_SECONDS] = mc146818_encode(s, tm.tm_sec);
    s->ram[REG_MINUTES] = mc146818_encode(s, tm.tm_min);
    s->ram[REG_HOURS] = mc146818_encode_hour(s, tm.tm_hour);
    s->ram[REG_WEEKDAY] = mc146818_encode(s, tm.tm_wday + 1);
    s->ram[REG_DAY] = mc146818_encode(s, tm.tm_mday);
    s->ram[REG_MONTH] = mc146818_encode(s, tm.tm_mon + 1);
    s->ram[REG_YEAR] = mc146818_encode(s, (tm.tm_year + 1900) % 100);
    s->ram[MC146818_CENTURY] = mc146818_encode(s, (tm.tm_year + 1900) / 100);
}

/* The clock goes on from what the registers say, after @first_ns of it. */
static void mc146818_set_time(MC146818State *s, int64_t first_ns)
{
    g_autofree char *path = object_get_canonical_path(OBJECT(s));
    const uint8_t *r = s->ram;
    unsigned int year = mc146818_decode(s, r[MC146818_CENTURY]) * 100 +
                        mc146818_decode(s, r[REG_YEAR]);
    struct tm tm = {
        .tm_sec = mc146818_decode(s, r[REG_SECONDS]),
        .tm_min = mc146818_decode(s, r[REG_MINUTES]),
        .tm_hour = mc146818_decode_hour(s, r[REG_HOURS]),
        .tm_mday = mc146818_decode(s, r[REG_DAY]),
        .tm_mon = (int)mc146818_decode(s, r[REG_MONTH]) - 1,
        .tm_year = (int)year - 1900,
    };
    int64_t seconds;

    /* Any bytes make some date; nanoseconds reach the year 2262. */
    seconds = timegm(&tm);
    seconds = CLAMP(seconds, -INT64_MAX / NS_PER_S / 2,
                    INT64_MAX / NS_PER_S - 1);
    s->offset_ns = seconds * NS_PER_S + first_ns - rtc_clock_ns();
    s->seen_s = mc146818_seconds(mc146818_now_ns(s));
    trace_mc146818_set_time(s, s->offset_ns);
    rtc_report_change(path, s->offset_ns);
}

static bool mc146818_in_update(const MC146818State *s)
{
    int64_t now = mc146818_now_ns(s);

    return !mc146818_stopped(s) &&
           mc146818_seconds(now + UIP_NS) != mc146818_seconds(now);
}

/* ---- Registers ---- */

static bool mc146818_is_time(unsigned int index)
{
    return index == REG_SECONDS || index == REG_MINUTES ||
           index == REG_HOURS || (index >= REG_WEEKDAY && index <= REG_YEAR) ||
           index == MC146818_CENTURY;
}

/* An update since the last read; reading clears it. */
static uint8_t mc146818_take_flags(MC146818State *s)
{
    int64_t now = mc146818_seconds(mc146818_now_ns(s));
    uint8_t flags = !mc146818_stopped(s) && now != s->seen_s ? C_UPDATED : 0;

    s->seen_s = now;
    return flags;
}

static uint64_t mc146818_read(void *opaque, hwaddr addr, unsigned int size)
{
    MC146818State *s = opaque;
    uint8_t val;

    if (addr != PORT_DATA) {
        return 0xff;
    }
    switch (s->index) {
    case REG_A:
        val = s->ram[REG_A] | (mc146818_in_update(s) ? A_UIP : 0);
        break;
    case REG_C:
        val = mc146818_take_flags(s);
        break;
    case REG_D:
        val = D_VALID;
        break;
    default:
        mc146818_update(s);
        val = s->ram[s->index];
        break;
    }
    trace_mc146818_read(s, s->index, val);
    return val;
}

static void mc146818_write_a(MC146818State *s, uint8_t val)
{
    bool was_stopped = mc146818_stopped(s);

    mc146818_update(s);
    s->ram[REG_A] = val & ~A_UIP;
    if (was_stopped && !mc146818_stopped(s)) {
        mc146818_set_time(s, NS_PER_S - RESTART_NS);
    }
}

/* The formats may change with it: the time is stored anew in the new ones. */
static void mc146818_write_b(MC146818State *s, uint8_t val)
{
    bool was_stopped = mc146818_stopped(s);

    mc146818_update(s);
    s->ram[REG_B] = val;
    if (was_stopped && !mc146818_stopped(s)) {
        mc146818_set_time(s, 0);
    }
}

static void mc146818_write_data(MC146818State *s, uint8_t val)
{
    switch (s->index) {
    case REG_A:
        mc146818_write_a(s, val);
        break;
    case REG_B:
        mc146818_write_b(s, val);
        break;
    case REG_C:
    case REG_D:
        break;
    default:
        mc146818_update(s);
        s->ram[s->index] = val;
        if (mc146818_is_time(s->index) && !mc146818_stopped(s)) {
            mc146818_set_time(s, 0);
        }
        break;
    }
}

static void mc146818_write(void *opaque, hwaddr addr, uint64_t val,
                           unsigned int size)
{
    MC146818State *s = opaque;

    if (addr == PORT_DATA) {
        trace_mc146818_write(s, s->index, val);
        mc146818_write_data(s, val);
    } else {
        s->index = val & INDEX_MASK;
    }
}

static const MemoryRegionOps mc146818_ops = {
    .read = mc146818_read,
    .write = mc146818_write,
    .impl = { .min_access_size = 1, .max_access_size = 1 },
};

/* ---- What the board says ---- */

void mc146818_set_cmos(MC146818State *s, unsigned int addr, uint8_t val)
{
    g_assert(addr >= MC146818_RAM_FIRST && addr < MC146818_RAM_BYTES);
    s->ram[addr] = val;
}

static void mc146818_set_cmos16(MC146818State *s, unsigned int addr,
                                uint64_t val)
{
    val = MIN(val, UINT16_MAX);
    mc146818_set_cmos(s, addr, val);
    mc146818_set_cmos(s, addr + 1, val >> 8);
}

void mc146818_set_memory(MC146818State *s, uint64_t low_bytes,
                         uint64_t high_bytes, unsigned int cpus)
{
    uint64_t above_1m = low_bytes > MiB ? (low_bytes - MiB) / KiB : 0;
    uint64_t above_16m = low_bytes > 16 * MiB
                             ? (low_bytes - 16 * MiB) / (64 * KiB) : 0;
    uint64_t above_4g = high_bytes / (64 * KiB);

    mc146818_set_cmos16(s, 0x15, 640);
    mc146818_set_cmos16(s, 0x17, above_1m);
    mc146818_set_cmos16(s, 0x30, above_1m);
    mc146818_set_cmos16(s, 0x34, above_16m);
    mc146818_set_cmos16(s, 0x5b, above_4g & UINT16_MAX);
    mc146818_set_cmos(s, 0x5d, MIN(above_4g >> 16, UINT8_MAX));
    mc146818_set_cmos(s, 0x5f, MIN(cpus, UINT8_MAX + 1) - 1);
}

/* ---- Life ---- */

/* Time, formats and RAM run on a battery. */
static void mc146818_reset_hold(Object *obj)
{
    MC146818State *s = MC146818_RTC(obj);

    s->ram[REG_B] &= ~B_ENABLES;
    s->index = 0;
}

static bool mc146818_realize(DeviceState *dev, Error **errp)
{
    MC146818State *s = MC146818_RTC(dev);

    s->ram[REG_A] = A_DIVIDER_RUN | A_RATE_1024;
    s->ram[REG_B] = B_24H;
    s->offset_ns = rtc_base_offset_ns();
    s->seen_s = mc146818_seconds(mc146818_now_ns(s));
    memory_region_init_io(&s->io, OBJECT(s), &mc146818_ops, s,
                          TYPE_MC146818_RTC, MC146818_PORTS);
    return isa_register_io(&s->parent_obj, &s->io, MC146818_PORT, errp);
}

static void mc146818_finalize(Object *obj)
{
    memory_region_deinit(&MC146818_RTC(obj)->io);
}

static bool mc146818_pre_save(void *opaque, Error **errp)
{
    MC146818State *s = opaque;

    s->saved_offset_ns = rtc_offset_save(s->offset_ns);
    return true;
}

static bool mc146818_post_load(void *opaque, int version_id, Error **errp)
{
    MC146818State *s = opaque;

    s->index &= INDEX_MASK;
    s->ram[REG_A] &= ~A_UIP;
    s->offset_ns = rtc_offset_load(s->saved_offset_ns);
    return true;
}

static const VMStateDescription vmstate_mc146818 = {
    .name = TYPE_MC146818_RTC,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = mc146818_pre_save,
    .post_load = mc146818_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BUFFER(ram, MC146818State),
        VMSTATE_UINT8(index, MC146818State),
        VMSTATE_INT64(saved_offset_ns, MC146818State),
        VMSTATE_INT64(seen_s, MC146818State),
        VMSTATE_END_OF_LIST()
    },
};

static void mc146818_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = mc146818_realize;
    dc->reset_hold = mc146818_reset_hold;
    dc->vmsd = &vmstate_mc146818;
    dc->user_creatable = false;
}

static const TypeInfo mc146818_types[] = {
    {
        .name = TYPE_MC146818_RTC,
        .parent = TYPE_ISA_DEVICE,
        .help = "real-time clock and battery-backed RAM, for firmware",
        .instance_size = sizeof(MC146818State),
        .instance_finalize = mc146818_finalize,
        .class_init = mc146818_class_init,
    },
};
DEFINE_TYPES(mc146818_types)
