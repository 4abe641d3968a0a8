/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command server inside the lab's outer machine. Static, no dependency.
 *
 * One TCP connection (port 7777) is one command:
 *   request  u32 length, then that many bytes of shell script
 *   answer   frames 'O' u32 length bytes (stdout and stderr merged),
 *            at the end 'X' u32 exit status (128 + signal when killed)
 * All numbers are little endian. A client that hangs up kills the command's
 * process group, so a time-out on the host leaves nothing behind. Commands
 * run by /bin/sh, chrooted into /newroot once something is mounted there,
 * unless the script starts with "#initramfs".
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENT_PORT 7777
#define SCRIPT_MAX (1u << 20)
#define SEARCH_PATH \
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool read_all(int fd, void *buf, size_t len)
{
    char *p = buf;

    while (len > 0) {
        ssize_t got = read(fd, p, len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        p += got;
        len -= got;
    }
    return true;
}

static bool write_all(int fd, const void *buf, size_t len)
{
    const char *p = buf;

    while (len > 0) {
        ssize_t put = write(fd, p, len);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        p += put;
        len -= put;
    }
    return true;
}

static bool send_frame(int fd, char tag, uint32_t value)
{
    char head[5] = { tag };

    memcpy(head + 1, &value, sizeof(value));
    return write_all(fd, head, sizeof(head));
}

static bool is_mounted(const char *path)
{
    struct stat here, root;

    return stat(path, &here) == 0 && stat("/", &root) == 0 &&
           here.st_dev != root.st_dev;
}

static void run_script(const char *script, int out)
{
    setsid();
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (strncmp(script, "#initramfs", 10) != 0 && is_mounted("/newroot") &&
        chroot("/newroot") != 0) {
        _exit(126);
    }
    if (chdir("/") != 0) {
        _exit(126);
    }
    setenv("PATH", SEARCH_PATH, 1);
    setenv("HOME", "/root", 1);
    execl("/bin/sh", "sh", "-c", script, (char *)NULL);
    _exit(127);
}

/* Pass output on until the command has ended and the pipe is drained;
 * background children may hold the pipe open for ever. */
static void forward_output(int conn, int out, pid_t pid)
{
    static char buf[65536];
    bool exited = false;
    int status = 0;

    for (;;) {
        struct pollfd fds[2] = { { out, POLLIN, 0 }, { conn, POLLIN, 0 } };
        ssize_t got = 0;

        poll(fds, 2, exited ? 0 : 200);
        if (fds[0].revents & POLLIN) {
            got = read(out, buf, sizeof(buf));
        }
        if (got > 0) {
            if (send_frame(conn, 'O', got) && write_all(conn, buf, got)) {
                continue;
            }
            fds[1].revents = POLLHUP;
        }
        if (fds[1].revents) {
            kill(-pid, SIGKILL);
            return;
        }
        if (exited) {
            break;
        }
        if (waitpid(pid, &status, fds[0].revents & POLLHUP ? 0 : WNOHANG)
            == pid) {
            exited = true;
        }
    }
    send_frame(conn, 'X', WIFEXITED(status) ? WEXITSTATUS(status)
                                            : 128 + WTERMSIG(status));
}

static void serve(int conn)
{
    uint32_t len;
    char *script;
    int pipefd[2];
    pid_t pid;

    if (!read_all(conn, &len, sizeof(len)) || len > SCRIPT_MAX) {
        return;
    }
    script = calloc(1, len + 1);
    if (!script || !read_all(conn, script, len) || pipe(pipefd) != 0) {
        return;
    }
    pid = fork();
    if (pid == 0) {
        close(pipefd[0]);
        close(conn);
        run_script(script, pipefd[1]);
    }
    close(pipefd[1]);
    if (pid > 0) {
        forward_output(conn, pipefd[0], pid);
    }
}

int main(void)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(AGENT_PORT),
    };
    int one = 1;
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(sock, 16) != 0) {
        perror("agent");
        return 1;
    }
    for (;;) {
        int conn = accept(sock, NULL, NULL);

        if (conn < 0) {
            continue;
        }
        if (fork() == 0) {
            signal(SIGCHLD, SIG_DFL);
            setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            serve(conn);
            _exit(0);
        }
        close(conn);
    }
}
