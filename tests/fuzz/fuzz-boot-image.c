/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images: parse, place, load into a small guest. The first byte chooses
 * the memory size, the rest is the file.
 */
#include "util/osdep.h"
#include "hw/i386/boot.h"
#ifdef CONFIG_TEST_DEVICES
#include "hw/i386/boot-multiboot.h"
#endif

#define RAM_MAX (32 * MiB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const E820Entry map[] = { { 0, 0xa0000, E820_RAM } };
    static uint8_t *ram;
    BootPlan plan = { .cmdline = "x", .e820 = map, .ne820 = 1 };
    uint64_t low;

    if (size < 1) {
        return 0;
    }
    if (!ram) {
        ram = g_malloc0(RAM_MAX);
#ifdef CONFIG_TEST_DEVICES
        boot_format_register(&boot_multiboot);
#endif
    }
    low = MIN((1 + data[0] % 32) * MiB, RAM_MAX);
    plan.kernel = (BootSource){ .fd = -1, .data = data + 1, .size = size - 1,
                                .name = "fuzz" };
    plan.initrd = plan.kernel;
    if (boot_image_parse(&plan.kernel, &plan.image, NULL) &&
        boot_place(&plan, low, NULL)) {
        boot_load(&plan, ram, false, NULL);
    }
    boot_plan_close(&plan);
    return 0;
}
