/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virt machine without CPUs inside a fuzz target. Made once, at the first
 * input; the big lock stays held.
 */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include "util/osdep.h"

#define FUZZ_RAM_BYTES (16 * MiB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The board; its devices follow. */
void fuzz_start_machine(void);
/* Back ends and devices as QMP describes them; they must be right. */
void fuzz_add_blockdev(const char *json);
void fuzz_add_device(const char *json);
/* The last step: reset and run. */
void fuzz_run_machine(void);
/* Let the main loop do what is due; a limit stops what never ends. */
void fuzz_poll(void);

/* ---- Taking an input apart ---- */

typedef struct FuzzInput {
    const uint8_t *data;
    size_t left;
} FuzzInput;

/* Zero at the end of the input. */
uint8_t fuzz_u8(FuzzInput *in);
uint16_t fuzz_u16(FuzzInput *in);
uint32_t fuzz_u32(FuzzInput *in);
uint64_t fuzz_u64(FuzzInput *in);
/* At most @len bytes; how many there are. */
size_t fuzz_bytes(FuzzInput *in, const uint8_t **bytes, size_t len);

#endif
