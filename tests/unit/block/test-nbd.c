/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NBD node that several threads use at once, while it moves from one to the
 * next, is drained, and loses its server now and then. nbdkit is the server.
 */
#include "block-test.h"
#include <signal.h>
#include <sys/wait.h>
#include "util/coroutine.h"
#include "../util/iothread-util.h"

#define DISK_BYTES (4 * MiB)
#define JOBS       12               /* each has its own part of the disk */
#define PART_BYTES (DISK_BYTES / JOBS / 4096 * 4096)
#define PIECES     8                /* of a part */
#define MOVES      60

typedef struct Job {
    BlockBackend *blk;
    AioContext *home;
    int64_t offset;
    GRand *rand;
    uint8_t model[PIECES];          /* what each piece is filled with */
    uint8_t buf[PART_BYTES / PIECES];
    const bool *stop;
    unsigned rounds;
    bool done;
} Job;

/* ---- Requests ---- */

static void coroutine_fn job_step(Job *j)
{
    unsigned i = g_rand_int_range(j->rand, 0, PIECES);
    int64_t offset = j->offset + i * sizeof(j->buf);
    IoVec iov;

    iovec_init_buf(&iov, j->buf, sizeof(j->buf));
    if (g_rand_boolean(j->rand)) {
        uint8_t byte = g_rand_int_range(j->rand, 1, 256);

        memset(j->buf, byte, sizeof(j->buf));
        g_assert_cmpint(blk_co_pwritev(j->blk, offset, &iov, 0), ==, 0);
        j->model[i] = byte;
        return;
    }
    memset(j->buf, ~j->model[i], sizeof(j->buf));
    g_assert_cmpint(blk_co_preadv(j->blk, offset, &iov, 0), ==, 0);
    for (size_t k = 0; k < sizeof(j->buf); k++) {
        g_assert_cmpuint(j->buf[k], ==, j->model[i]);
    }
}

static void coroutine_fn job_run(void *opaque)
{
    Job *j = opaque;

    while (!__atomic_load_n(j->stop, __ATOMIC_ACQUIRE)) {
        job_step(j);
        __atomic_fetch_add(&j->rounds, 1, __ATOMIC_RELAXED);
        /* Others of this thread, too. */
        co_sleep_ns(CLOCK_REALTIME_NS, 10000);
    }
    __atomic_store_n(&j->done, true, __ATOMIC_RELEASE);
    aio_wait_kick();
}

static void job_start(void *opaque)
{
    coroutine_enter(coroutine_create(job_run, opaque));
}

/* ---- The server ---- */

static GPid server_start(const char *dir)
{
    g_autofree char *socket = g_build_filename(dir, "s", NULL);
    g_autofree char *disk = g_build_filename(dir, "disk", NULL);
    const char *const argv[] = { "nbdkit", "-f", "-U", socket, "file", disk,
                                 NULL };
    GPid pid;

    g_assert_true(g_spawn_async(NULL, (char **)argv, NULL,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL
                                | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                                NULL));
    return pid;
}

static void server_end(const char *dir, GPid pid)
{
    g_autofree char *socket = g_build_filename(dir, "s", NULL);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    g_unlink(socket);
}

static BlockBackend *open_server(const char *dir)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"nbd\",\"server\":{\"type\":\"unix\",\"path\":\"%s/s\"},"
        "\"reconnect-delay\":60,\"open-timeout\":30}", dir);
    BlockDriverState *bs = test_open_ok(json);
    BlockBackend *blk = blk_new(NULL, BLK_PERM_ALL, BLK_PERM_ALL);

    g_assert_true(blk_insert_bs(blk, bs, NULL));
    bdrv_unref(bs);
    return blk;
}

/* ---- The test ---- */

static unsigned rounds_of(const Job *jobs)
{
    unsigned sum = 0;

    for (int i = 0; i < JOBS; i++) {
        sum += __atomic_load_n(&jobs[i].rounds, __ATOMIC_RELAXED);
    }
    return sum;
}

static bool all_done(const Job *jobs)
{
    for (int i = 0; i < JOBS; i++) {
        if (!__atomic_load_n(&jobs[i].done, __ATOMIC_ACQUIRE)) {
            return false;
        }
    }
    return true;
}

/* Some requests get through wherever the node is. */
static void move_around(Job *jobs, AioContext *const *homes, const char *dir,
                        GPid *server)
{
    BlockBackend *blk = jobs[0].blk;
    BlockDriverState *bs = blk_get_bs(blk);

    for (int i = 0; i < MOVES; i++) {
        unsigned before = rounds_of(jobs);

        if (i % 20 == 10) {
            server_end(dir, *server);
            *server = server_start(dir);
        }
        /* As a device that stops its queues: requests wait meanwhile. */
        bdrv_drained_begin(bs);
        g_assert_true(blk_set_aio_context(blk, homes[i % 3], NULL));
        bdrv_drained_end(bs);
        AIO_WAIT_WHILE(NULL, rounds_of(jobs) < before + JOBS);
        if (i % 4 == 0) {
            bdrv_drain_all();
        }
    }
    bdrv_drained_begin(bs);
    g_assert_true(blk_set_aio_context(blk, main_context(), NULL));
    bdrv_drained_end(bs);
}

static void run_jobs(const char *dir, GPid *server)
{
    IoThread threads[2];
    AioContext *homes[3] = { main_context() };
    Job *jobs = g_new0(Job, JOBS);
    BlockBackend *blk = open_server(dir);
    bool stop = false;

    for (int i = 0; i < 2; i++) {
        iothread_start(&threads[i]);
        homes[i + 1] = threads[i].ctx;
    }
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (Job) { .blk = blk, .home = homes[i % 3], .stop = &stop,
                          .offset = i * PART_BYTES, .rand = g_rand_new() };
        aio_bh_schedule_oneshot(jobs[i].home, job_start, &jobs[i]);
    }
    move_around(jobs, homes, dir, server);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    AIO_WAIT_WHILE(NULL, !all_done(jobs));
    g_test_message("%u rounds", rounds_of(jobs));
    for (int i = 0; i < JOBS; i++) {
        g_rand_free(jobs[i].rand);
    }
    g_free(jobs);
    blk_unref(blk);
    iothread_end(&threads[0]);
    iothread_end(&threads[1]);
}

static void test_moves_under_load(void)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-nbd-XXXXXX", NULL);
    g_autofree char *disk = g_build_filename(dir, "disk", NULL);
    g_autofree char *nbdkit = g_find_program_in_path("nbdkit");
    g_autofree uint8_t *zeros = g_malloc0(DISK_BYTES);
    GPid server;

    if (!nbdkit) {
        g_rmdir(dir);
        g_test_skip("nbdkit is not installed");
        return;
    }
    g_assert_true(g_file_set_contents(disk, (char *)zeros, DISK_BYTES, NULL));
    server = server_start(dir);
    run_jobs(dir, &server);
    server_end(dir, server);
    g_unlink(disk);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/nbd/moves_under_load", test_moves_under_load);
    return g_test_run();
}
