/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource descriptors: ACPI 6.5, 6.4. */
#include "util/osdep.h"
#include "hw/acpi/aml-build.h"

#define RES_IO              0x47    /* small, 6.4.2.5 */
#define RES_MEM32_FIXED     0x86    /* 6.4.3.4 */
#define RES_DWORD_SPACE     0x87    /* 6.4.3.5.2 */
#define RES_WORD_SPACE      0x88
#define RES_EXT_IRQ         0x89    /* 6.4.3.6 */
#define RES_QWORD_SPACE     0x8a

/* 6.4.3.5: types; general flags: min and max are fixed, positive decode */
#define SPACE_MEM           0
#define SPACE_IO            1
#define SPACE_BUS           2
#define SPACE_CONSUMER      BIT(0)
#define SPACE_MIN_FIXED     BIT(2)
#define SPACE_MAX_FIXED     BIT(3)
#define MEM_READ_WRITE      BIT(0)
#define MEM_CACHEABLE       (1 << 1)
#define MEM_PREFETCHABLE    (3 << 1)
#define IO_ENTIRE_RANGE     3

typedef struct Window {
    uint8_t tag, type, general, flags;
    unsigned int width;             /* bytes of each address field */
    uint64_t min, max, translation;
} Window;

static void aml_res_put(Aml *a, const Window *w)
{
    aml_u8(a, w->tag);
    aml_le(a, 3 + 5 * w->width, 2);
    aml_u8(a, w->type);
    aml_u8(a, SPACE_MIN_FIXED | SPACE_MAX_FIXED | w->general);
    aml_u8(a, w->flags);
    aml_le(a, 0, w->width);         /* granularity */
    aml_le(a, w->min, w->width);
    aml_le(a, w->max, w->width);
    aml_le(a, w->translation, w->width);
    aml_le(a, w->max - w->min + 1, w->width);
}

static void aml_res_window(Aml *a, uint8_t tag, unsigned int width,
                           AmlWindow kind, uint64_t min, uint64_t max)
{
    static const uint8_t types[] = {
        [AML_WINDOW_MEM] = SPACE_MEM, [AML_WINDOW_MEM_PREF] = SPACE_MEM,
        [AML_WINDOW_IO] = SPACE_IO, [AML_WINDOW_BUS] = SPACE_BUS,
    };
    static const uint8_t flags[] = {
        [AML_WINDOW_MEM] = MEM_READ_WRITE,
        [AML_WINDOW_MEM_PREF] = MEM_READ_WRITE | MEM_PREFETCHABLE,
        [AML_WINDOW_IO] = IO_ENTIRE_RANGE,
        [AML_WINDOW_BUS] = 0,
    };

    aml_res_put(a, &(Window){ .tag = tag, .type = types[kind],
                              .flags = flags[kind], .width = width,
                              .min = min, .max = max });
}

void aml_res_window16(Aml *a, AmlWindow kind, uint16_t min, uint16_t max)
{
    aml_res_window(a, RES_WORD_SPACE, 2, kind, min, max);
}

void aml_res_window32(Aml *a, AmlWindow kind, uint32_t min, uint32_t max)
{
    aml_res_window(a, RES_DWORD_SPACE, 4, kind, min, max);
}

void aml_res_window64(Aml *a, AmlWindow kind, uint64_t min, uint64_t max)
{
    aml_res_window(a, RES_QWORD_SPACE, 8, kind, min, max);
}

void aml_res_io_mapped(Aml *a, uint64_t addr, uint32_t bytes)
{
    aml_res_put(a, &(Window){ .tag = RES_DWORD_SPACE, .type = SPACE_IO,
                              .flags = IO_ENTIRE_RANGE, .width = 4,
                              .max = bytes - 1, .translation = addr });
}

void aml_res_mem64(Aml *a, uint64_t base, uint64_t len)
{
    aml_res_put(a, &(Window){ .tag = RES_QWORD_SPACE, .type = SPACE_MEM,
                              .general = SPACE_CONSUMER,
                              .flags = MEM_READ_WRITE, .width = 8,
                              .min = base, .max = base + len - 1 });
}

void aml_res_io(Aml *a, uint16_t base, uint8_t len)
{
    aml_u8(a, RES_IO);
    aml_u8(a, 1);                   /* decodes 16 bits */
    aml_le(a, base, 2);
    aml_le(a, base, 2);
    aml_u8(a, 1);                   /* alignment */
    aml_u8(a, len);
}

void aml_res_mem32(Aml *a, uint32_t base, uint32_t len, bool writable)
{
    aml_u8(a, RES_MEM32_FIXED);
    aml_le(a, 9, 2);
    aml_u8(a, writable);
    aml_le(a, base, 4);
    aml_le(a, len, 4);
}

void aml_res_irq(Aml *a, uint32_t gsi, uint8_t flags)
{
    aml_u8(a, RES_EXT_IRQ);
    aml_le(a, 6, 2);
    aml_u8(a, 1 | flags);           /* consumer */
    aml_u8(a, 1);                   /* one interrupt */
    aml_le(a, gsi, 4);
}
