/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening, flags, locks and whole reads of files. */
#include "util/osdep.h"
#include "util/file.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include "util/error.h"
#include "tests/unit/lib/assert-error.h"

static char *dir;

static char *tmp_path(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static void test_open(void)
{
    g_autofree char *path = tmp_path("open");
    Error *err = NULL;
    int fd;

    g_assert_cmpint(file_open(path, O_RDONLY, 0, &err), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
    assert_error(err, path);
    error_free(err);
    fd = file_open(path, O_RDWR | O_CREAT, 0600, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, !=, 0);
    g_assert_cmpint(fd_set_cloexec(fd, false), ==, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, 0);
    g_assert_cmpint(fd_set_nonblock(fd, true), ==, 0);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, !=, 0);
    g_assert_true(fd_is_valid(fd));
    close(fd);
    g_assert_false(fd_is_valid(fd));
    g_assert_cmpint(fd_set_nonblock(fd, true), ==, -EBADF);
}

static int fdset_open(int64_t id, int flags)
{
    if (id == 7) {
        return open("/dev/null", flags);
    }
    errno = ENOENT;
    return -1;
}

static void test_fdset(void)
{
    int fd;

    g_assert_cmpint(file_open("/dev/fdset/7", O_RDONLY, 0, NULL), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
    file_set_fdset_handler(fdset_open);
    fd = file_open("/dev/fdset/7", O_RDONLY, 0, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_cmpint(file_open("/dev/fdset/x", O_RDONLY, 0, NULL), ==, -1);
    g_assert_cmpint(errno, ==, EINVAL);
    file_set_fdset_handler(NULL);
}

static void test_lock(void)
{
    g_autofree char *path = tmp_path("lock");
    int a = file_open(path, O_RDWR | O_CREAT, 0600, NULL);
    int b = file_open(path, O_RDWR, 0, NULL);

    g_assert_cmpint(fd_lock(a, 100, 1, false), ==, 0);
    g_assert_cmpint(fd_lock_test(b, 100, 1, false), ==, 0);
    g_assert_cmpint(fd_lock_test(b, 100, 1, true), ==, -EAGAIN);
    g_assert_cmpint(fd_lock_test(b, 101, 1, true), ==, 0);
    g_assert_cmpint(fd_lock(b, 100, 1, false), ==, 0);
    g_assert_cmpint(fd_lock(a, 100, 1, true), ==, -EAGAIN);
    g_assert_cmpint(fd_unlock(b, 100, 1), ==, 0);
    g_assert_cmpint(fd_lock(a, 100, 1, true), ==, 0);
    g_assert_cmpint(fd_lock_test(b, 100, 1, false), ==, -EAGAIN);
    close(a);
    g_assert_cmpint(fd_lock(b, 100, 1, true), ==, 0);
    close(b);
}

static void test_full_io(void)
{
    char big[100000], back[100000];
    g_autofree char *path = tmp_path("io");
    int fd = file_open(path, O_RDWR | O_CREAT, 0600, NULL);

    memset(big, 'x', sizeof(big));
    g_assert_cmpint(fd_write_full(fd, big, sizeof(big)), ==, 0);
    lseek(fd, 0, SEEK_SET);
    g_assert_cmpint(fd_read_full(fd, back, sizeof(back)), ==, 0);
    g_assert_cmpmem(back, sizeof(back), big, sizeof(big));
    g_assert_cmpint(fd_read_full(fd, back, 1), ==, -ENODATA);
    close(fd);
    g_assert_cmpint(fd_write_full(fd, big, 1), ==, -EBADF);
}

static void test_read_all(void)
{
    g_autofree char *path = tmp_path("all");
    g_autofree char *text = NULL;
    Error *err = NULL;
    size_t len;

    g_assert_true(g_file_set_contents(path, "hello\0you", 9, NULL));
    text = file_read_all(path, 9, &len, NULL);
    g_assert_cmpuint(len, ==, 9);
    g_assert_cmpmem(text, 10, "hello\0you", 10);
    g_assert_null(file_read_all(path, 8, &len, &err));
    assert_error(err, "larger than 8");
    error_free(err);
    g_assert_null(file_read_all(dir, 8, &len, NULL));
    g_assert_null(file_read_all("/nonexistent", 8, &len, NULL));
}

int main(int argc, char **argv)
{
    static const char *const files[] = { "open", "lock", "io", "all" };
    int ret;

    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("nemu-test-XXXXXX", NULL);
    g_test_add_func("/file/open", test_open);
    g_test_add_func("/file/open/fdset", test_fdset);
    g_test_add_func("/file/lock", test_lock);
    g_test_add_func("/file/full-io", test_full_io);
    g_test_add_func("/file/read-all", test_read_all);
    ret = g_test_run();
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = tmp_path(files[i]);

        g_unlink(path);
    }
    g_rmdir(dir);
    g_free(dir);
    return ret;
}
