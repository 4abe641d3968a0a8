/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure COMMAND...: run a command and print what it cost as one line of
 * JSON to file descriptor 3. A program of its own,
 * because the peak memory of a process counts from its fork: a child of
 * Python would start with Python's.
 */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(const struct timeval *tv)
{
    return tv->tv_sec + tv->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct timespec start, end;
    struct rusage use;
    int status;
    pid_t pid;

    if (argc < 2) {
        errx(2, "usage: measure COMMAND...");
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid = fork();
    if (pid == 0) {
        close(3);
        execvp(argv[1], argv + 1);
        err(127, "%s", argv[1]);
    }
    if (pid < 0 || wait4(pid, &status, 0, &use) != pid) {
        err(1, "fork");
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    dprintf(3, "{\"status\": %d, \"wall_s\": %.6f, \"cpu_s\": %.6f, "
            "\"rss_kib\": %ld}\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9,
            seconds(&use.ru_utime) + seconds(&use.ru_stime), use.ru_maxrss);
    return 0;
}
