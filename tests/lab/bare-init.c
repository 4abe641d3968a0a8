/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest /init: no libc. Prints the time since boot and the number of
 * CPUs the kernel brought up, then powers the machine off.
 */
enum {
#ifdef __aarch64__
    SYS_WRITE = 64, SYS_REBOOT = 142, SYS_SCHED_GETAFFINITY = 123,
    SYS_CLOCK_GETTIME = 113,
#else
    SYS_WRITE = 1, SYS_REBOOT = 169, SYS_SCHED_GETAFFINITY = 204,
    SYS_CLOCK_GETTIME = 228,
#endif
};
#define CLOCK_BOOTTIME 7
#define LINUX_REBOOT_MAGIC1 0xfee1dead
#define LINUX_REBOOT_MAGIC2 0x28121969
#define LINUX_REBOOT_POWER_OFF 0x4321fedc

/* The compiler may call it even in freestanding code. */
void *memset(void *dst, int byte, unsigned long len);

void *memset(void *dst, int byte, unsigned long len)
{
    volatile char *p = dst;

    while (len--) {
        *p++ = byte;
    }
    return dst;
}

static long syscall4(long nr, long a, long b, long c)
{
#ifdef __aarch64__
    register long x8 asm("x8") = nr;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;

    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
    long ret;

    asm volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c)
                 : "rcx", "r11", "memory");
    return ret;
#endif
}

static char text[] = "BARE-INIT-OK 0000.000 cpus 00\n";
#define TIME_FIRST 13
#define TIME_DOT 17
#define TIME_LAST 20
#define CPUS_LAST 28

void _start(void);

void _start(void)
{
    long time[2] = { 0, 0 };
    unsigned long mask[16] = { 0 };
    long ms;
    int cpus = 0;

    syscall4(SYS_CLOCK_GETTIME, CLOCK_BOOTTIME, (long)time, 0);
    ms = time[0] * 1000 + time[1] / 1000000;
    for (int i = TIME_LAST; i >= TIME_FIRST; i--) {
        if (i != TIME_DOT) {
            text[i] = '0' + ms % 10;
            ms /= 10;
        }
    }
    syscall4(SYS_SCHED_GETAFFINITY, 0, sizeof(mask), (long)mask);
    for (; mask[0]; mask[0] &= mask[0] - 1) {
        cpus++;
    }
    text[CPUS_LAST - 1] += cpus / 10;
    text[CPUS_LAST] += cpus % 10;
    syscall4(SYS_WRITE, 1, (long)text, sizeof(text) - 1);
    syscall4(SYS_REBOOT, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
             LINUX_REBOOT_POWER_OFF);
    for (;;) {
    }
}
