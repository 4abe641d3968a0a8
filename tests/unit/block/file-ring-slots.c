/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in the tables that rings keep. */
#include "util/osdep.h"
#include <fcntl.h>
#include "util/file.h"
#include "file-ring-test.h"

/* A file full of @byte, that has a slot. */
static int slot_file(uint8_t byte)
{
    uint8_t data[BYTES];
    int fd = new_file();

    g_assert_cmpint(fd, <, MAX_FD);
    slots[fd] = file_ring_slot_new() + 1;
    memset(data, byte, sizeof(data));
    g_assert_cmpint(pwrite(fd, data, sizeof(data), 0), ==, BYTES);
    return fd;
}

static void close_slot_file(int fd)
{
    file_ring_slot_free(slots[fd] - 1);
    slots[fd] = 0;
    close(fd);
}

typedef struct ByteJob {
    int fd;
    uint8_t byte;
    bool done;
} ByteJob;

static void coroutine_fn byte_job(void *opaque)
{
    ByteJob *job = opaque;
    uint8_t buf[BYTES];
    IoVec iov;

    iovec_init_buf(&iov, buf, sizeof(buf));
    g_assert_cmpint(ring_rw(job->fd, 0, &iov, false), ==, 0);
    job->byte = buf[0];
    job->done = true;
}

/* By the ring of the context that runs. */
static int read_byte(int fd)
{
    ByteJob job = { .fd = fd };

    coroutine_enter(coroutine_create(byte_job, &job));
    while (!job.done) {
        aio_poll(aio_get_current(), true);
    }
    return job.byte;
}

/* Files above those that have slots work as well, and slots come back. */
void test_more_files_than_slots(void)
{
    int fds[FILE_RING_SLOTS + 6];

    for (int i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = slot_file(i);
        g_assert_cmpint(slots[fds[i]] - 1, ==, i < FILE_RING_SLOTS ? i : -1);
    }
    for (int i = 0; i < G_N_ELEMENTS(fds); i++) {
        g_assert_cmpint(read_byte(fds[i]), ==, i);
    }
    close_slot_file(fds[5]);
    fds[5] = slot_file(0xaa);
    g_assert_cmpint(slots[fds[5]] - 1, ==, 5);
    g_assert_cmpint(read_byte(fds[5]), ==, 0xaa);
    for (int i = 0; i < G_N_ELEMENTS(fds); i++) {
        close_slot_file(fds[i]);
    }
}

/* A context that reads from the files whose numbers it gets. */
typedef struct Reader {
    GAsyncQueue *fds, *bytes;
    GThread *thread;
} Reader;

static void *reader_home(void *opaque)
{
    Reader *reader = opaque;
    AioContext *ctx = aio_context_new(NULL);
    int fd;

    aio_context_set_current(ctx);
    while ((fd = GPOINTER_TO_INT(g_async_queue_pop(reader->fds))) > 0) {
        g_async_queue_push(reader->bytes, GINT_TO_POINTER(read_byte(fd)));
    }
    aio_context_set_current(NULL);
    aio_context_unref(ctx);
    return NULL;
}

static void reader_start(Reader *reader)
{
    reader->fds = g_async_queue_new();
    reader->bytes = g_async_queue_new();
    reader->thread = g_thread_new("home", reader_home, reader);
}

static int reader_read(Reader *reader, int fd)
{
    g_async_queue_push(reader->fds, GINT_TO_POINTER(fd));
    return GPOINTER_TO_INT(g_async_queue_pop(reader->bytes));
}

static void reader_stop(Reader *reader)
{
    g_async_queue_push(reader->fds, GINT_TO_POINTER(-1));
    g_thread_join(reader->thread);
    g_async_queue_unref(reader->fds);
    g_async_queue_unref(reader->bytes);
}

/* A file moves between contexts, is closed by one of them while the other has
 * requests to another file on its way, and its slot goes to the next. */
void test_slot_of_closed_file(void)
{
    int other = slot_file(7);
    Reader reader;

    reader_start(&reader);
    for (int i = 1; i < 100; i++) {
        int fd = slot_file(i);

        g_assert_cmpint(slots[fd], ==, slots[other] + 1);
        g_assert_cmpint(reader_read(&reader, fd), ==, i);
        g_assert_cmpint(read_byte(fd), ==, i);
        g_async_queue_push(reader.fds, GINT_TO_POINTER(other));
        close_slot_file(fd);
        g_assert_cmpint(GPOINTER_TO_INT(g_async_queue_pop(reader.bytes)), ==,
                        7);
    }
    reader_stop(&reader);
    close_slot_file(other);
}

/* The same file, opened once more. */
static int open_again(int fd)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    int again = open(name, O_RDWR | O_CLOEXEC);

    g_assert_cmpint(again, >=, 0);
    return again;
}

/* What the kernel keeps in a table past the end of the process has no lock. */
void test_slot_keeps_no_lock(void)
{
    int fd = slot_file(1), again = open_again(fd);

    g_assert_cmpint(fd_lock(fd, 100, 1, true), ==, 0);
    g_assert_cmpint(read_byte(fd), ==, 1);
    g_assert_cmpint(fd_lock_test(again, 100, 1, true), !=, 0);
    close(fd);
    g_assert_cmpint(fd_lock_test(again, 100, 1, true), ==, 0);
    file_ring_slot_free(slots[fd] - 1);
    slots[fd] = 0;
    close(again);
}

/* A lease is for those who alone have a file open. */
static bool can_lease(int fd)
{
    return fcntl(fd, F_SETLEASE, F_WRLCK) == 0 &&
           fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

/* Linux before 6.4 takes a second. */
void test_slot_lets_go(void)
{
    int fd = slot_file(1), again = open_again(fd);
    bool leases, alone = false;

    close_slot_file(fd);
    leases = can_lease(again);
    fd = open_again(again);
    slots[fd] = file_ring_slot_new() + 1;
    g_assert_cmpint(read_byte(fd), ==, 1);
    g_assert_false(can_lease(again));
    close_slot_file(fd);
    for (int i = 0; leases && !alone && i < 500; i++) {
        alone = can_lease(again);
        g_usleep(alone ? 0 : 10000);
    }
    close(again);
    if (!leases) {
        g_test_skip("no leases on this file system");
    }
    g_assert_true(alone || !leases);
}
