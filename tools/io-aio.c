/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nemu-io: requests that go on while the next command runs. They tell of
 * themselves when they complete; aio_flush waits for all.
 */
#include "util/osdep.h"
#include "io-internal.h"
#include "util/main-loop.h"

#define DEFAULT_PATTERN 0xcd

typedef struct IoAio {
    IoFlags f;
    BlockBackend *blk;
    int64_t offset, bytes, start;
    uint8_t *buf;
    IoVec iov;
    int pattern;
    bool verify, write;
} IoAio;

static void aio_free(IoAio *a)
{
    iovec_destroy(&a->iov);
    free(a->buf);
    blk_unref(a->blk);
    g_free(a);
}

static void aio_done(void *opaque, int ret)
{
    IoAio *a = opaque;

    if (ret < 0) {
        printf("%s failed: %s\n", a->write ? "aio_write" : "readv",
               g_strerror(-ret));
        aio_free(a);
        return;
    }
    if (a->verify) {
        io_verify(a->buf, a->pattern, a->offset, a->bytes);
    }
    if (a->f.v_v && !a->f.v_q) {
        io_dump(a->buf, a->offset, a->bytes);
    }
    io_print_report(a->write ? "wrote" : "read", a->start, a->offset, a->bytes,
                    a->bytes, &a->f);
    aio_free(a);
}

static bool add_buffers(IoAio *a, char **lengths, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t bytes = io_length(lengths[i]);

        if (bytes < 0 || bytes > BDRV_REQUEST_MAX_BYTES - a->bytes) {
            return false;
        }
        a->bytes += bytes;
    }
    a->buf = aligned_alloc(4096, ROUND_UP(MAX(a->bytes, 1), 4096));
    if (!a->buf) {
        printf("cannot allocate %" PRId64 " bytes\n", a->bytes);
        return false;
    }
    memset(a->buf, a->write ? a->pattern : DEFAULT_PATTERN, a->bytes);
    iovec_init(&a->iov, 1);
    iovec_add(&a->iov, a->buf, a->bytes);
    return true;
}

/* The words of both commands. NULL: reported. */
static IoAio *aio_parse(IoState *s, int argc, char **argv, bool write)
{
    IoAio *a = g_new0(IoAio, 1);
    int first;

    a->write = write;
    a->pattern = DEFAULT_PATTERN;
    a->blk = s->blk;
    blk_ref(a->blk);
    if (!io_parse_flags(argc, argv, write ? "CfiP:quz" : "CP:iqv", &a->f,
                        &first) ||
        (a->f.pattern && !io_parse_pattern(a->f.pattern, &a->pattern))) {
        goto err;
    }
    a->verify = !write && a->f.pattern;
    if (first > argc - 2 || (a->f.v_z && first != argc - 2)) {
        io_usage(argv[0]);
        goto err;
    }
    if (a->f.v_u && !a->f.v_z) {
        printf("-u requires -z to be specified\n");
        goto err;
    }
    if (a->f.v_z && a->f.pattern) {
        printf("-z and -P cannot be specified at the same time\n");
        goto err;
    }
    a->offset = io_number(argv[first]);
    if (a->offset < 0 ||
        !add_buffers(a, argv + first + 1, argc - first - 1)) {
        goto err;
    }
    return a;
err:
    aio_free(a);
    return NULL;
}

static int inject_invalid(IoAio *a)
{
    printf("injecting invalid %s request\n", a->write ? "write" : "read");
    blk_acct_invalid(a->blk, a->write ? BLOCK_ACCT_WRITE : BLOCK_ACCT_READ);
    aio_free(a);
    return 0;
}

static int cmd_aio_read(IoState *s, int argc, char **argv)
{
    IoAio *a = aio_parse(s, argc, argv, false);

    if (!a) {
        return -EINVAL;
    }
    if (a->f.v_i) {
        return inject_invalid(a);
    }
    a->start = clock_get_ns(CLOCK_REALTIME_NS);
    blk_aio_preadv(a->blk, a->offset, &a->iov, 0, aio_done, a);
    return 0;
}

static int cmd_aio_write(IoState *s, int argc, char **argv)
{
    IoAio *a = aio_parse(s, argc, argv, true);
    int flags;

    if (!a) {
        return -EINVAL;
    }
    if (a->f.v_i) {
        return inject_invalid(a);
    }
    flags = (a->f.v_f ? BDRV_REQ_FUA : 0) |
            (a->f.v_u ? BDRV_REQ_MAY_UNMAP : 0);
    a->start = clock_get_ns(CLOCK_REALTIME_NS);
    if (a->f.v_z) {
        blk_aio_pwrite_zeroes(a->blk, a->offset, a->bytes, flags, aio_done, a);
    } else {
        blk_aio_pwritev(a->blk, a->offset, &a->iov, flags, aio_done, a);
    }
    return 0;
}

static int cmd_aio_flush(IoState *s, int argc, char **argv)
{
    blk_drain(s->blk);
    return 0;
}

const IoCommand io_aio_commands[] = {
    { "aio_read", NULL, cmd_aio_read, 2, -1,
      .args = "[-Ciqv] [-P pattern] off len [len..]",
      .oneline = "asynchronously reads a number of bytes",
      .help = " Options as for read. What it finds is told when it is done.\n" },
    { "aio_write", NULL, cmd_aio_write, 2, -1, BLK_PERM_WRITE,
      .args = "[-Cfiquz] [-P pattern] off len [len..]",
      .oneline = "asynchronously writes a number of bytes",
      .help = " Options as for write. What comes of it is told when it is "
              "done.\n" },
    { "aio_flush", NULL, cmd_aio_flush, 0, 0,
      .oneline = "completes all outstanding aio requests" },
    { NULL },
};
