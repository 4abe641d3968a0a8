/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libqtest: start the program with the qtest accelerator and drive its devices
 * from a test. The protocol is described in include/accel/qtest.h.
 *
 *     QTest *qts = qtest_start("-M virt -device virtio-rng-pci");
 *     g_assert_cmphex(qtest_inb(qts, 0x3fd), ==, 0x60);
 *     json_object_put(qtest_qmp_ok(qts, "{'execute': 'query-status'}"));
 *     qtest_quit(qts);
 *
 * The binary is $NEMU_BINARY; a test is skipped without it (qtest_main). A
 * lost connection, a FAIL answer or 60 seconds without an answer
 * ($QTEST_TIMEOUT_S) fail the test.
 *
 * One thread.
 */
#ifndef LIBQTEST_H
#define LIBQTEST_H

#include "util/osdep.h"
#include <json-c/json.h>

typedef struct QTest QTest;

/*
 * Where the virt machine of this architecture has things, in bytes: RAM, PCI
 * configuration (ECAM), and where a test may put BARs.
 */
#ifdef TARGET_AARCH64
#define QTEST_RAM_BASE  0x40000000ull
#define QTEST_PIO_BASE  0x3eff0000ull   /* ports of PCI, in memory */
#define QTEST_ECAM_BASE 0x4010000000ull
#define QTEST_BAR_BASE  0x10000000ull
#define QTEST_BAR_END   0x3eff0000ull
#else
#define QTEST_RAM_BASE  0ull
#define QTEST_ECAM_BASE 0xe8000000ull
#define QTEST_BAR_BASE  0xc0000000ull
#define QTEST_BAR_END   0xe0000000ull
#endif

/* ---- The process ---- */

/* For main(): g_test_run() with the tests added, or a skip of them all when
 * there is no binary. */
int qtest_main(void);

/*
 * Start it. @args are split like a shell does. Comes on top:
 * "-nodefaults -display none -accel qtest", the qtest and a QMP socket, with
 * QMP past its negotiation. The VM runs unless -S is in @args.
 */
QTest *qtest_start(const char *args);
QTest *qtest_startf(const char *fmt, ...) PRINTF(1, 2);

/* End it by a signal; its exit status must be 0. */
void qtest_quit(QTest *qts);
/* Wait until it ends by itself; frees @qts. Returns the exit status. */
int qtest_wait_exit(QTest *qts);
int qtest_pid(const QTest *qts);

/*
 * Run the binary with nothing but @args to its end, for tests of the command
 * line. Returns the exit status; *@out and *@err (may be NULL) get what it
 * printed, g_free().
 */
int qtest_run(const char *args, char **out, char **err);

/* A path in a directory of the test's own that goes away with @qts; borrowed
 * until then. */
const char *qtest_tmp_path(QTest *qts, const char *name);

/* ---- Accesses: physical addresses and ports ---- */

uint8_t qtest_readb(QTest *qts, uint64_t addr);
uint16_t qtest_readw(QTest *qts, uint64_t addr);
uint32_t qtest_readl(QTest *qts, uint64_t addr);
uint64_t qtest_readq(QTest *qts, uint64_t addr);
void qtest_writeb(QTest *qts, uint64_t addr, uint8_t val);
void qtest_writew(QTest *qts, uint64_t addr, uint16_t val);
void qtest_writel(QTest *qts, uint64_t addr, uint32_t val);
void qtest_writeq(QTest *qts, uint64_t addr, uint64_t val);
void qtest_memread(QTest *qts, uint64_t addr, void *buf, size_t size);
void qtest_memwrite(QTest *qts, uint64_t addr, const void *buf, size_t size);
void qtest_memset(QTest *qts, uint64_t addr, uint8_t byte, size_t size);

uint8_t qtest_inb(QTest *qts, uint16_t port);
uint16_t qtest_inw(QTest *qts, uint16_t port);
uint32_t qtest_inl(QTest *qts, uint16_t port);
void qtest_outb(QTest *qts, uint16_t port, uint8_t val);
void qtest_outw(QTest *qts, uint16_t port, uint16_t val);
void qtest_outl(QTest *qts, uint16_t port, uint32_t val);

/* ---- The virtual clock, nanoseconds; all return the new time ---- */

int64_t qtest_clock_step(QTest *qts, int64_t ns);
int64_t qtest_clock_step_next(QTest *qts);      /* to the next timer */
int64_t qtest_clock_set(QTest *qts, int64_t ns);

/* ---- Interrupt lines ---- */

/* @path: a device, or "gsi" */
void qtest_irq_intercept_in(QTest *qts, const char *path);
void qtest_irq_intercept_out(QTest *qts, const char *path);
/* The level of an intercepted line as of the last answer. */
bool qtest_get_irq(QTest *qts, int n);
/* How often it rose since the start. */
unsigned int qtest_irq_rises(QTest *qts, int n);
/* @name NULL: the unnamed set */
void qtest_set_irq_in(QTest *qts, const char *path, const char *name, int n,
                      int level);

/* ---- QMP ---- */

/*
 * Send a command, JSON text in which ' stands for ", and return the whole
 * response; json_object_put() it. Events that come before are kept. The format
 * is printf's: quote what you put in yourself.
 */
struct json_object *qtest_qmp(QTest *qts, const char *fmt, ...) PRINTF(2, 3);
/* The same; it must succeed. Returns a reference to its "return" value. */
struct json_object *qtest_qmp_ok(QTest *qts, const char *fmt, ...)
    PRINTF(2, 3);
/* It must fail. Returns the description, g_free(); *@cls (may be NULL) gets
 * the error class, g_free(). */
char *qtest_qmp_fail(QTest *qts, char **cls, const char *fmt, ...)
    PRINTF(3, 4);
/* Wait for event @name and return it; earlier other events are dropped. */
struct json_object *qtest_qmp_event(QTest *qts, const char *name);
/* Whether event @name has come; takes it off the queue. Does not wait for
 * events that are not sent yet. */
bool qtest_qmp_event_seen(QTest *qts, const char *name);
/* SCM_RIGHTS: @fd goes along with the next command. */
void qtest_qmp_send_fd(QTest *qts, int fd);

/* json_object accessors that fail the test when a member is missing. The path
 * has dots: "return.status", numbers index arrays. */
struct json_object *qjson_get(struct json_object *obj, const char *path);
const char *qjson_str(struct json_object *obj, const char *path);
int64_t qjson_int(struct json_object *obj, const char *path);
bool qjson_bool(struct json_object *obj, const char *path);

/* ---- Memory of the guest ---- */

/* Hand out guest RAM from 1 MiB on, zeroed; never given back. @align is a
 * power of 2. */
uint64_t qtest_alloc(QTest *qts, size_t size, size_t align);

/* Wait up to the time-out for @cond; the program's main loop runs meanwhile. */
#define QTEST_WAIT(qts, cond)                                                  \
    do {                                                                       \
        int64_t end_ = qtest_deadline_us();                                    \
        while (!(cond)) {                                                      \
            g_assert_cmpint(g_get_monotonic_time(), <, end_);                  \
            qtest_pause(qts);                                                  \
        }                                                                      \
    } while (0)
int64_t qtest_deadline_us(void);
void qtest_pause(QTest *qts);

#endif
