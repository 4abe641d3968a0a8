/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-io: reads, writes and discards that are waited for. */
#include "util/osdep.h"
#include "io-internal.h"
#include "util/main-loop.h"

#define DEFAULT_PATTERN 0xcd

typedef struct IoCall {
    BlockBackend *blk;
    int64_t offset, bytes;
    IoVec iov;
    int flags;
    enum { CALL_READ, CALL_WRITE, CALL_ZERO, CALL_COMPRESS,
           CALL_DISCARD } kind;
} IoCall;

static int coroutine_fn call_co(void *opaque)
{
    IoCall *c = opaque;

    switch (c->kind) {
    case CALL_READ:
        return blk_co_preadv(c->blk, c->offset, &c->iov, 0);
    case CALL_WRITE:
        return blk_co_pwritev(c->blk, c->offset, &c->iov, c->flags);
    case CALL_ZERO:
        return blk_co_pwrite_zeroes(c->blk, c->offset, c->bytes, c->flags);
    case CALL_COMPRESS:
        return bdrv_co_pwritev_compressed(blk_get_bs(c->blk), c->offset,
                                          &c->iov, NULL);
    default:
        return blk_co_pdiscard(c->blk, c->offset, c->bytes);
    }
}

static int run_call(IoCall *c)
{
    return bdrv_run(main_context(), call_co, c);
}

static int failed(const char *what, int ret)
{
    printf("%s failed: %s\n", what, g_strerror(-ret));
    return ret;
}

static uint8_t *new_buffer(int64_t bytes, int fill)
{
    uint8_t *buf = aligned_alloc(4096, ROUND_UP(MAX(bytes, 1), 4096));

    if (buf) {
        memset(buf, fill, bytes);
    } else {
        printf("cannot allocate %" PRId64 " bytes\n", bytes);
    }
    return buf;
}

static bool offset_and_length(char **argv, int first, int argc,
                              int64_t *offset, int64_t *bytes)
{
    if (first != argc - 2) {
        io_usage(argv[0]);
        return false;
    }
    *offset = io_number(argv[first]);
    *bytes = *offset < 0 ? -1 : io_length(argv[first + 1]);
    return *bytes >= 0;
}

/* ---- read ---- */

/* What -P looks at: all, or from -s on, -l of it. */
static bool verify_range(const IoFlags *f, int64_t bytes, int64_t *from,
                         int64_t *len)
{
    *from = f->start ? io_number(f->start) : 0;
    *len = f->length ? io_number(f->length) : MAX(bytes - *from, 0);
    if (*from < 0 || *len < 0) {
        return false;
    }
    if (*from > bytes || *len > bytes - *from) {
        printf("pattern verification range exceeds end of read data\n");
        return false;
    }
    return true;
}

static int finish_read(const char *buf, const IoFlags *f, const IoCall *c,
                       int64_t start, const int64_t range[2])
{
    int pattern = 0, ret = 0;

    if (f->pattern && io_parse_pattern(f->pattern, &pattern) &&
        !io_verify((const uint8_t *)buf + range[0], pattern,
                   c->offset + range[0], range[1])) {
        ret = -EINVAL;
    }
    if (f->v_v && !f->v_q) {
        io_dump((const uint8_t *)buf, c->offset, c->bytes);
    }
    io_print_report("read", start, c->offset, c->bytes, c->bytes, f);
    return ret;
}

static int cmd_read(IoState *s, int argc, char **argv)
{
    IoFlags f = { 0 };
    IoCall c = { .blk = s->blk, .kind = CALL_READ };
    int64_t range[2] = { 0, 0 }, start;
    g_autofree uint8_t *buf = NULL;
    int first, pattern, ret;

    if (!io_parse_flags(argc, argv, "bCl:pP:qs:v", &f, &first) ||
        !offset_and_length(argv, first, argc, &c.offset, &c.bytes)) {
        return -EINVAL;
    }
    if (f.pattern && !io_parse_pattern(f.pattern, &pattern)) {
        return -EINVAL;
    }
    if (!f.pattern && (f.start || f.length)) {
        return io_usage(argv[0]);
    }
    if (f.v_b) {
        return failed("read", -ENOTSUP);
    }
    if (!verify_range(&f, c.bytes, &range[0], &range[1])) {
        return -EINVAL;
    }
    buf = new_buffer(c.bytes, 0xab);
    if (!buf) {
        return -ENOMEM;
    }
    iovec_init_buf(&c.iov, buf, c.bytes);
    start = clock_get_ns(CLOCK_REALTIME_NS);
    ret = run_call(&c);
    return ret < 0 ? failed("read", ret) :
           finish_read((char *)buf, &f, &c, start, range);
}

/* ---- write ---- */

static bool check_write_flags(const IoFlags *f)
{
    const char *wrong = NULL;

    if (f->v_b && f->v_z) {
        wrong = "-b and -z cannot be specified at the same time";
    } else if (f->v_n && !f->v_z) {
        wrong = "-n requires -z to be specified";
    } else if (f->v_f && (f->v_b || f->v_c)) {
        wrong = "-f and -b or -c cannot be specified at the same time";
    } else if (f->v_u && !f->v_z) {
        wrong = "-u requires -z to be specified";
    } else if (f->v_z + !!f->pattern + !!f->start > 1) {
        wrong = "Only one of -z, -P, and -s can be specified at the same time";
    }
    if (wrong) {
        printf("%s\n", wrong);
    }
    return !wrong;
}

/* -s: the file's content over and over. */
static bool fill_from_file(uint8_t *buf, int64_t bytes, const char *name)
{
    g_autofree char *data = NULL;
    gsize len;

    if (!g_file_get_contents(name, &data, &len, NULL)) {
        fprintf(stderr, "%s: %s\n", name, g_strerror(errno));
        return false;
    }
    if (!len) {
        fprintf(stderr, "%s: file is empty\n", name);
        return false;
    }
    for (int64_t i = 0; i < bytes; i += len) {
        memcpy(buf + i, data, MIN((int64_t)len, bytes - i));
    }
    return true;
}

static int write_flags(const IoFlags *f)
{
    return (f->v_f ? BDRV_REQ_FUA : 0) | (f->v_u ? BDRV_REQ_MAY_UNMAP : 0) |
           (f->v_n ? BDRV_REQ_NO_FALLBACK : 0);
}

static int cmd_write(IoState *s, int argc, char **argv)
{
    IoFlags f = { 0 };
    IoCall c = { .blk = s->blk };
    g_autofree uint8_t *buf = NULL;
    int first, ret, pattern = DEFAULT_PATTERN;
    int64_t start;

    if (!io_parse_flags(argc, argv, "bcCfnpP:qs:uz", &f, &first) ||
        (f.pattern && !io_parse_pattern(f.pattern, &pattern))) {
        return -EINVAL;
    }
    if (first != argc - 2) {
        return io_usage(argv[0]);
    }
    if (!check_write_flags(&f) ||
        !offset_and_length(argv, first, argc, &c.offset, &c.bytes)) {
        return -EINVAL;
    }
    if (f.v_b) {
        return failed("write", -ENOTSUP);
    }
    c.kind = f.v_z ? CALL_ZERO : f.v_c ? CALL_COMPRESS : CALL_WRITE;
    c.flags = write_flags(&f);
    if (!f.v_z) {
        buf = new_buffer(c.bytes, pattern);
        if (!buf || (f.start && !fill_from_file(buf, c.bytes, f.start))) {
            return -EINVAL;
        }
        iovec_init_buf(&c.iov, buf, c.bytes);
    }
    start = clock_get_ns(CLOCK_REALTIME_NS);
    ret = run_call(&c);
    if (ret < 0) {
        return failed("write", ret);
    }
    io_print_report("wrote", start, c.offset, c.bytes, c.bytes, &f);
    return 0;
}

/* ---- Several buffers ---- */

/* The sum of the lengths; the vector over one buffer. -1: reported. */
static int64_t make_vector(IoVec *iov, uint8_t **buf, char **lengths, int n,
                           int fill)
{
    g_autofree int64_t *each = g_new(int64_t, n);
    int64_t sum = 0, pos = 0;

    for (int i = 0; i < n; i++) {
        each[i] = io_length(lengths[i]);
        if (each[i] < 0) {
            return -1;
        }
        if (each[i] > BDRV_REQUEST_MAX_BYTES - sum) {
            printf("The total number of bytes exceed the maximum size %" PRId64
                   "\n", (int64_t)BDRV_REQUEST_MAX_BYTES);
            return -1;
        }
        sum += each[i];
    }
    *buf = new_buffer(sum, fill);
    if (!*buf) {
        return -1;
    }
    iovec_init(iov, n);
    for (int i = 0; i < n; i++) {
        iovec_add(iov, *buf + pos, each[i]);
        pos += each[i];
    }
    return sum;
}

static int vector_command(IoState *s, int argc, char **argv, bool write)
{
    IoFlags f = { 0 };
    IoCall c = { .blk = s->blk, .kind = write ? CALL_WRITE : CALL_READ };
    g_autofree uint8_t *buf = NULL;
    int first, ret, pattern = DEFAULT_PATTERN;
    int64_t start, range[2];

    if (!io_parse_flags(argc, argv, write ? "CfqP:" : "CP:qv", &f, &first) ||
        (f.pattern && !io_parse_pattern(f.pattern, &pattern))) {
        return -EINVAL;
    }
    if (first > argc - 2) {
        return io_usage(argv[0]);
    }
    c.offset = io_number(argv[first]);
    c.bytes = c.offset < 0 ? -1 :
              make_vector(&c.iov, &buf, argv + first + 1, argc - first - 1,
                          write ? pattern : 0xab);
    if (c.bytes < 0) {
        return -EINVAL;
    }
    c.flags = write_flags(&f);
    start = clock_get_ns(CLOCK_REALTIME_NS);
    ret = run_call(&c);
    iovec_destroy(&c.iov);
    if (ret < 0) {
        return failed(argv[0], ret);
    }
    if (write) {
        io_print_report("wrote", start, c.offset, c.bytes, c.bytes, &f);
        return 0;
    }
    range[0] = 0;
    range[1] = c.bytes;
    return finish_read((char *)buf, &f, &c, start, range);
}

static int cmd_readv(IoState *s, int argc, char **argv)
{
    return vector_command(s, argc, argv, false);
}

static int cmd_writev(IoState *s, int argc, char **argv)
{
    return vector_command(s, argc, argv, true);
}

/* ---- discard ---- */

static int cmd_discard(IoState *s, int argc, char **argv)
{
    IoFlags f = { 0 };
    IoCall c = { .blk = s->blk, .kind = CALL_DISCARD };
    int64_t start;
    int first, ret;

    if (!io_parse_flags(argc, argv, "Cq", &f, &first) ||
        !offset_and_length(argv, first, argc, &c.offset, &c.bytes)) {
        return -EINVAL;
    }
    start = clock_get_ns(CLOCK_REALTIME_NS);
    ret = run_call(&c);
    if (ret < 0) {
        return failed("discard", ret);
    }
    io_print_report("discard", start, c.offset, c.bytes, c.bytes, &f);
    return 0;
}

const IoCommand io_rw_commands[] = {
    { "read", "r", cmd_read, 2, -1,
      .args = "[-abCqv] [-P pattern [-s off] [-l len]] off len",
      .oneline = "reads a number of bytes at a specified offset",
      .help = " -C  figures separated by commas\n"
              " -P  check that every byte is the pattern; -s, -l: from there, "
              "so many\n -q  say nothing\n -v  print the bytes\n" },
    { "readv", "rv", cmd_readv, 2, -1, .args = "[-Cqv] [-P pattern] off len "
      "[len..]", .oneline = "reads a number of bytes at a specified offset",
      .help = " Into one buffer for each length; options as for read.\n" },
    { "write", "w", cmd_write, 2, -1, BLK_PERM_WRITE,
      .args = "[-bcCfnquz] [-P pattern | -s source_file] off len",
      .oneline = "writes a number of bytes at a specified offset",
      .help = " -c  compressed\n -C  figures separated by commas\n"
              " -f  durable before it completes\n"
              " -n  with -z: fail where that is not fast\n"
              " -P  write that byte (0xcd)\n -q  say nothing\n"
              " -s  write a file's content\n"
              " -u  with -z: space may be given back\n -z  write zeroes\n" },
    { "writev", "wv", cmd_writev, 2, -1, BLK_PERM_WRITE,
      .args = "[-Cfq] [-P pattern] off len [len..]",
      .oneline = "writes a number of bytes at a specified offset",
      .help = " From one buffer for each length; options as for write.\n" },
    { "discard", "d", cmd_discard, 2, -1, BLK_PERM_WRITE,
      .args = "[-Cq] off len",
      .oneline = "discards a number of bytes at a specified offset",
      .help = " -C  figures separated by commas\n -q  say nothing\n" },
    { NULL },
};
