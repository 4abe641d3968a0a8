/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process under test: start, end, and the bytes to and from it. */
#include "util/osdep.h"
#include "libqtest-internal.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define DEFAULT_TIMEOUT_S 60

static const char *qtest_binary(void)
{
    return g_getenv("NEMU_BINARY");
}

static int qtest_timeout_s(void)
{
    const char *s = g_getenv("QTEST_TIMEOUT_S");

    return s ? atoi(s) : DEFAULT_TIMEOUT_S;
}

int qtest_main(void)
{
    if (qtest_binary() == NULL) {
        printf("1..0 # SKIP NEMU_BINARY is not set\n");
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    return g_test_run();
}

int64_t qtest_deadline_us(void)
{
    return g_get_monotonic_time() + qtest_timeout_s() * G_USEC_PER_SEC;
}

/* ---- Streams ---- */

bool qstream_fill(QStream *s)
{
    struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
    char buf[4096];
    ssize_t n;

    if (RETRY_ON_EINTR(poll(&pfd, 1, qtest_timeout_s() * 1000)) == 0) {
        g_error("the program under test does not answer");
    }
    n = RETRY_ON_EINTR(read(s->fd, buf, sizeof(buf)));
    if (n <= 0) {
        return false;
    }
    g_string_append_len(s->in, buf, n);
    return true;
}

char *qstream_read_line(QStream *s)
{
    char *end, *line;

    while ((end = memchr(s->in->str, '\n', s->in->len)) == NULL) {
        if (!qstream_fill(s)) {
            return NULL;
        }
    }
    line = g_strndup(s->in->str, end - s->in->str);
    g_string_erase(s->in, 0, end - s->in->str + 1);
    return line;
}

void qstream_write(QStream *s, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = RETRY_ON_EINTR(send(s->fd, text, len, MSG_NOSIGNAL));

        if (n <= 0) {
            g_error("the program under test is gone");
        }
        text += n;
        len -= n;
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpuint(strlen(path), <, sizeof(sun.sun_path));
    strcpy(sun.sun_path, path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}

/* The child's death shows as a socket nobody connects to. */
static void qstream_accept(QStream *s, int listener, int pid)
{
    struct pollfd pfd = { .fd = listener, .events = POLLIN };
    int64_t end = qtest_deadline_us();
    int status;

    while (poll(&pfd, 1, 50) != 1) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            g_error("the program under test ended at start, status 0x%x",
                    status);
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
    }
    s->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    g_assert_cmpint(s->fd, >=, 0);
    s->in = g_string_new(NULL);
    close(listener);
}

/* ---- The process ---- */

static char **qtest_split(const char *args)
{
    GError *err = NULL;
    char **argv = NULL;

    if (!g_shell_parse_argv(args, NULL, &argv, &err)) {
        g_error("'%s': %s", args, err->message);
    }
    return argv;
}

static int qtest_spawn(char **argv)
{
    int pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        /* nothing of a test that was killed stays */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

QTest *qtest_start(const char *args)
{
    QTest *qts = g_new0(QTest, 1);
    g_autofree char *line = NULL;
    g_auto(GStrv) argv = NULL;
    int qtest_listener, qmp_listener;

    qts->dir = g_dir_make_tmp("qtest-XXXXXX", NULL);
    g_assert_nonnull(qts->dir);
    qts->paths = g_ptr_array_new_with_free_func(g_free);
    qts->qmp_fd_to_send = -1;
    qts->alloc_next = QTEST_RAM_BASE + 4 * MiB;
    qtest_listener = listen_at(qtest_tmp_path(qts, "qtest.sock"));
    qmp_listener = listen_at(qtest_tmp_path(qts, "qmp.sock"));
    line = g_strdup_printf(
        "'%s' -nodefaults -display none -accel qtest -qtest unix:%s/qtest.sock "
        "-qtest-log none -chardev socket,id=qmp0,path=%s/qmp.sock "
        "-mon chardev=qmp0,mode=control %s", qtest_binary(), qts->dir,
        qts->dir, args);
    argv = qtest_split(line);
    g_test_message("%s", line);
    qts->pid = qtest_spawn(argv);
    qstream_accept(&qts->qtest, qtest_listener, qts->pid);
    qstream_accept(&qts->qmp, qmp_listener, qts->pid);
    qtest_qmp_negotiate(qts);
    return qts;
}

QTest *qtest_startf(const char *fmt, ...)
{
    g_autofree char *args = NULL;
    va_list ap;

    va_start(ap, fmt);
    args = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return qtest_start(args);
}

int qtest_pid(const QTest *qts)
{
    return qts->pid;
}

const char *qtest_tmp_path(QTest *qts, const char *name)
{
    char *path = g_build_filename(qts->dir, name, NULL);

    g_ptr_array_add(qts->paths, path);
    return path;
}

static void qtest_free(QTest *qts)
{
    guint i;

    close(qts->qtest.fd);
    close(qts->qmp.fd);
    g_string_free(qts->qtest.in, true);
    g_string_free(qts->qmp.in, true);
    qtest_qmp_clear(qts);
    for (i = 0; i < qts->paths->len; i++) {
        unlink(g_ptr_array_index(qts->paths, i));
    }
    rmdir(qts->dir);
    g_ptr_array_free(qts->paths, true);
    g_free(qts->dir);
    g_free(qts);
}

static int qtest_reap(int pid)
{
    int64_t end = qtest_deadline_us();
    int status;

    while (waitpid(pid, &status, WNOHANG) != pid) {
        if (g_get_monotonic_time() > end) {
            kill(pid, SIGKILL);
            g_error("the program under test does not end");
        }
        g_usleep(1000);
    }
    if (!WIFEXITED(status)) {
        g_error("the program under test died of signal %d", WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}

int qtest_wait_exit(QTest *qts)
{
    int status = qtest_reap(qts->pid);

    qtest_free(qts);
    return status;
}

void qtest_quit(QTest *qts)
{
    kill(qts->pid, SIGTERM);
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
}

int qtest_run(const char *args, char **out, char **err)
{
    g_autofree char *line = g_strdup_printf("'%s' %s", qtest_binary(), args);
    g_auto(GStrv) argv = qtest_split(line);
    GError *gerr = NULL;
    int status;

    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, out, err,
                      &status, &gerr)) {
        g_error("cannot run '%s': %s", line, gerr->message);
    }
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

uint64_t qtest_alloc(QTest *qts, size_t size, size_t align)
{
    uint64_t addr = (qts->alloc_next + align - 1) & ~(uint64_t)(align - 1);

    qts->alloc_next = addr + size;
    qtest_memset(qts, addr, 0, size);
    return addr;
}
