/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the test of block/file-ring.c share. */
#ifndef TESTS_UNIT_BLOCK_FILE_RING_TEST_H
#define TESTS_UNIT_BLOCK_FILE_RING_TEST_H

#include "block/file-ring-internal.h"

#define BYTES  512
#define MAX_FD 1024

/* The engine that a test runs with. */
extern const FileRingOps *ops;
/* The slots of descriptors, plus 1; 0: none. */
extern int slots[MAX_FD];

/* 16 blocks, each full of its number; no name is left. */
int new_file(void);
int coroutine_fn ring_rw(int fd, int64_t offset, IoVec *iov, bool write);

/* file-ring-slots.c */
void test_more_files_than_slots(void);
void test_slot_of_closed_file(void);
void test_slot_keeps_no_lock(void);
void test_slot_lets_go(void);

#endif
