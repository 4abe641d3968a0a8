/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main loop of a fuzz target that needs no machine. */
#ifndef FUZZ_LOOP_H
#define FUZZ_LOOP_H

#include "../unit/lib/loop.h"
#include "util/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* At each input. Returns whether it was the first one, which made the loop; the
 * big lock stays held, and what the inputs provoke is not logged. */
static inline bool fuzz_start_loop(void)
{
    static bool started;

    if (started) {
        return false;
    }
    started = true;
    test_loop_init();
    log_set_file("/dev/null", NULL);
    return true;
}

#endif
