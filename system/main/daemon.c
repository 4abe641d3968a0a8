/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -daemonize, -pidfile, -chroot and -runas.
 *
 * The parent waits for one byte over a pipe: it exits 0 when the child says
 * that sockets and pid file exist, 1 when the child ended before that; errors
 * were printed by then, since the child keeps standard error until it is ready.
 */
#include "util/osdep.h"
#include "main-internal.h"
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "util/file.h"
#include "util/log.h"

static int ready_fd = -1;
static char *pidfile;
static struct stat pidfile_stat;

bool daemon_fork(Error **errp)
{
    int fds[2];
    pid_t pid;
    char byte;
    ssize_t n;

    if (pipe2(fds, O_CLOEXEC) < 0) {
        error_setg_errno(errp, errno, "cannot create a pipe");
        return false;
    }
    pid = fork();
    if (pid < 0) {
        error_setg_errno(errp, errno, "cannot fork");
        close(fds[0]);
        close(fds[1]);
        return false;
    }
    if (pid > 0) {
        close(fds[1]);
        n = RETRY_ON_EINTR(read(fds[0], &byte, 1));
        _exit(n == 1 && byte == 0 ? 0 : 1);
    }
    close(fds[0]);
    ready_fd = fds[1];
    setsid();
    umask(027);
    return true;
}

/* ---- -chroot, -runas ---- */

typedef struct Account {
    const char *name;               /* NULL: numbers were given */
    uid_t uid;
    gid_t gid;
} Account;

/* Looked up before chroot(): the files about users are outside. */
static bool account_find(const char *text, Account *a, Error **errp)
{
    unsigned int uid, gid;
    char end;
    struct passwd *pw = getpwnam(text);

    if (pw) {
        *a = (Account){ text, pw->pw_uid, pw->pw_gid };
        return true;
    }
    if (sscanf(text, "%u:%u%c", &uid, &gid, &end) == 2) {
        *a = (Account){ NULL, uid, gid };
        return true;
    }
    error_setg(errp, "-runas: there is no user '%s'", text);
    error_append_hint(errp, "give a name of the user list, or uid:gid");
    return false;
}

static bool account_become(const Account *a, Error **errp)
{
    bool ok = a->name ? initgroups(a->name, a->gid) == 0 :
                        setgroups(1, &a->gid) == 0;

    if (!ok || setgid(a->gid) < 0 || setuid(a->uid) < 0) {
        error_setg_errno(errp, errno, "-runas: cannot become user %u:%u",
                         (unsigned)a->uid, (unsigned)a->gid);
        return false;
    }
    return true;
}

bool daemon_drop_rights(Error **errp)
{
    Account account;

    if (start.runas && !account_find(start.runas, &account, errp)) {
        return false;
    }
    if (start.chroot_dir &&
        (chroot(start.chroot_dir) < 0 || chdir("/") < 0)) {
        error_setg_errno(errp, errno, "cannot make '%s' the root directory",
                         start.chroot_dir);
        return false;
    }
    return !start.runas || account_become(&account, errp);
}

/* ---- -daemonize, -pidfile ---- */

bool daemon_ready(Error **errp)
{
    const char byte = 0;
    int null;

    if (ready_fd < 0) {
        return true;
    }
    if (chdir("/") < 0) {
        error_setg_errno(errp, errno, "cannot change to '/'");
        return false;
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        error_setg_errno(errp, errno, "cannot open '/dev/null'");
        return false;
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        dup2(null, fd);
    }
    /* Nobody reads our standard error any more; the log may be read. */
    if (log_get_fd() >= 0) {
        dup2(log_get_fd(), STDERR_FILENO);
    }
    close(null);
    if (RETRY_ON_EINTR(write(ready_fd, &byte, 1)) != 1) {
        error_setg_errno(errp, errno, "cannot tell the parent process");
        return false;
    }
    close(ready_fd);
    ready_fd = -1;
    return true;
}

/* Only if it is still ours: somebody may have replaced it. Nor a device that
 * was named instead of a file. */
static void pidfile_unlink(void)
{
    struct stat st;

    if (pidfile && S_ISREG(pidfile_stat.st_mode) &&
        stat(pidfile, &st) == 0 && st.st_dev == pidfile_stat.st_dev &&
        st.st_ino == pidfile_stat.st_ino) {
        unlink(pidfile);
    }
}

/* Until the main loop takes signals: die as if they were not handled. */
static void pidfile_signal(int signo)
{
    pidfile_unlink();
    raise(signo);
}

static void pidfile_guard(void)
{
    static const int signals[] = { SIGINT, SIGHUP, SIGTERM };
    struct sigaction sa = { .sa_handler = pidfile_signal,
                            .sa_flags = SA_RESETHAND };
    struct sigaction old;

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (sigaction(signals[i], NULL, &old) == 0 &&
            old.sa_handler == SIG_DFL) {
            sigaction(signals[i], &sa, NULL);
        }
    }
}

/* Its descriptor, with our lock on it until exit; -1 and an error: another
 * process has that. */
static int pidfile_open(const char *path, Error **errp)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat now;

    while (true) {
        int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

        if (fd < 0) {
            error_setg_errno(errp, errno, "cannot create PID file '%s'", path);
            return -1;
        }
        if (fcntl(fd, F_SETLK, &lock) < 0) {
            error_setg_errno(errp, errno, "cannot lock PID file '%s'", path);
            error_append_hint(errp, "Another process is running with it.");
            close(fd);
            return -1;
        }
        /* Who had it may have removed it between our open and our lock. */
        if (fstat(fd, &pidfile_stat) == 0 && stat(path, &now) == 0 &&
            now.st_dev == pidfile_stat.st_dev &&
            now.st_ino == pidfile_stat.st_ino) {
            return fd;
        }
        close(fd);
    }
}

bool daemon_write_pidfile(const char *path, Error **errp)
{
    char text[32];
    int len, fd = pidfile_open(path, errp);

    if (fd < 0) {
        return false;
    }
    pidfile = g_canonicalize_filename(path, NULL);
    pidfile_guard();
    len = snprintf(text, sizeof(text), "%" PRId64 "\n", (int64_t)getpid());
    if ((S_ISREG(pidfile_stat.st_mode) && ftruncate(fd, 0) < 0) ||
        write(fd, text, len) != len) {
        error_setg_errno(errp, errno, "cannot write PID file '%s'", path);
        daemon_remove_pidfile();
        close(fd);
        return false;
    }
    return true;
}

void daemon_remove_pidfile(void)
{
    pidfile_unlink();
    g_clear_pointer(&pidfile, g_free);
}
