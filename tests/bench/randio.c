/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * randio DEVICE read|write COUNT: that many requests of 4 KiB at random places
 * of a disk, 16 in flight, past the page cache. The places are the same in
 * each run. Exit status 0 when all of them were served whole.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 4096
#define DEPTH 16

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252u;     /* xorshift64 */

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static void submit(aio_context_t ctx, struct iocb **list, long n)
{
    if (syscall(SYS_io_submit, ctx, n, list) != n) {
        err(1, "io_submit");
    }
}

static void work(aio_context_t ctx, struct iocb *requests, uint64_t blocks,
                 long count)
{
    struct iocb *list[DEPTH];
    struct io_event events[DEPTH];
    long sent, done = 0, n = DEPTH;

    for (int i = 0; i < DEPTH; i++) {
        list[i] = &requests[i];
    }
    for (sent = 0; sent < count || done < sent; done += n) {
        long more = n < count - sent ? n : count - sent;

        for (long i = 0; i < more; i++) {
            list[i]->aio_offset = (int64_t)(next_random() % blocks * BLOCK);
        }
        if (more) {
            submit(ctx, list, more);
            sent += more;
        }
        n = syscall(SYS_io_getevents, ctx, 1, DEPTH, events, NULL);
        for (long i = 0; i < n; i++) {
            if (events[i].res != BLOCK) {
                errx(1, "a request returned %lld", (long long)events[i].res);
            }
            list[i] = (struct iocb *)(uintptr_t)events[i].obj;
        }
        if (n < 1) {
            err(1, "io_getevents");
        }
    }
}

int main(int argc, char **argv)
{
    struct iocb requests[DEPTH] = { 0 };
    aio_context_t ctx = 0;
    int is_write = argc == 4 && !strcmp(argv[2], "write");
    int fd = argc == 4 ? open(argv[1], O_RDWR | O_DIRECT) : -1;
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    void *data;

    if (size < BLOCK || posix_memalign(&data, BLOCK, DEPTH * BLOCK) ||
        syscall(SYS_io_setup, DEPTH, &ctx)) {
        err(1, "randio DEVICE read|write COUNT");
    }
    memset(data, 0x5a, DEPTH * BLOCK);
    for (int i = 0; i < DEPTH; i++) {
        requests[i].aio_fildes = fd;
        requests[i].aio_lio_opcode = is_write ? IOCB_CMD_PWRITE :
                                                IOCB_CMD_PREAD;
        requests[i].aio_buf = (uintptr_t)data + i * BLOCK;
        requests[i].aio_nbytes = BLOCK;
    }
    work(ctx, requests, size / BLOCK, atol(argv[3]));
    return 0;
}
