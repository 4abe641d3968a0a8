/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's side of the qtest protocol. */
#include "util/osdep.h"
#include "libqtest-internal.h"

/* Blocks go in pieces, so that lines stay short. */
#define BLOCK_BYTES (32 * KiB)

static void qtest_take_irq(QTest *qts, const char *line)
{
    char what[8];
    int n;

    g_assert_cmpint(sscanf(line, "IRQ %7s %d", what, &n), ==, 2);
    g_assert_cmpint(n, >=, 0);
    g_assert_cmpint(n, <, QTEST_IRQS);
    if (g_str_equal(what, "raise")) {
        qts->irq_level[n] = true;
        qts->irq_rises[n]++;
    } else {
        qts->irq_level[n] = false;
    }
}

/* Send @cmd; what comes after "OK ", g_free(). */
static char *qtest_command(QTest *qts, const char *cmd)
{
    char *line;

    qstream_write(&qts->qtest, cmd);
    qstream_write(&qts->qtest, "\n");
    while ((line = qstream_read_line(&qts->qtest)) != NULL) {
        if (g_str_has_prefix(line, "IRQ ")) {
            qtest_take_irq(qts, line);
            g_free(line);
            continue;
        }
        if (!g_str_has_prefix(line, "OK")) {
            g_error("'%.60s': %s", cmd, line);
        }
        memmove(line, line + 2, strlen(line) - 1);
        return g_strchug(line);
    }
    g_error("'%.60s': the program under test is gone", cmd);
}

static char *qtest_commandf(QTest *qts, const char *fmt, ...) PRINTF(2, 3);

static char *qtest_commandf(QTest *qts, const char *fmt, ...)
{
    g_autofree char *cmd = NULL;
    va_list ap;

    va_start(ap, fmt);
    cmd = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return qtest_command(qts, cmd);
}

static uint64_t qtest_load(QTest *qts, const char *op, uint64_t addr)
{
    g_autofree char *ans = qtest_commandf(qts, "%s 0x%" PRIx64, op, addr);

    return g_ascii_strtoull(ans, NULL, 0);
}

static void qtest_store(QTest *qts, const char *op, uint64_t addr,
                        uint64_t val)
{
    g_free(qtest_commandf(qts, "%s 0x%" PRIx64 " 0x%" PRIx64, op, addr, val));
}

#define DEFINE_ACCESS(suffix, type)                                            \
    type qtest_read##suffix(QTest *qts, uint64_t addr)                         \
    {                                                                          \
        return qtest_load(qts, "read" #suffix, addr);                          \
    }                                                                          \
    void qtest_write##suffix(QTest *qts, uint64_t addr, type val)              \
    {                                                                          \
        qtest_store(qts, "write" #suffix, addr, val);                          \
    }
#define DEFINE_PORT(suffix, type)                                              \
    type qtest_in##suffix(QTest *qts, uint16_t port)                           \
    {                                                                          \
        return qtest_load(qts, "in" #suffix, port);                            \
    }                                                                          \
    void qtest_out##suffix(QTest *qts, uint16_t port, type val)                \
    {                                                                          \
        qtest_store(qts, "out" #suffix, port, val);                            \
    }

DEFINE_ACCESS(b, uint8_t)
DEFINE_ACCESS(w, uint16_t)
DEFINE_ACCESS(l, uint32_t)
DEFINE_ACCESS(q, uint64_t)
DEFINE_PORT(b, uint8_t)
DEFINE_PORT(w, uint16_t)
DEFINE_PORT(l, uint32_t)

void qtest_memread(QTest *qts, uint64_t addr, void *buf, size_t size)
{
    uint8_t *to = buf;

    while (size > 0) {
        size_t n = MIN(size, BLOCK_BYTES);
        g_autofree char *ans = qtest_commandf(
            qts, "b64read 0x%" PRIx64 " 0x%zx", addr, n);
        g_autofree uint8_t *data = NULL;
        gsize got;

        data = g_base64_decode(ans, &got);
        g_assert_cmpuint(got, ==, n);
        memcpy(to, data, n);
        to += n;
        addr += n;
        size -= n;
    }
}

void qtest_memwrite(QTest *qts, uint64_t addr, const void *buf, size_t size)
{
    const uint8_t *from = buf;

    while (size > 0) {
        size_t n = MIN(size, BLOCK_BYTES);
        g_autofree char *text = g_base64_encode(from, n);

        g_free(qtest_commandf(qts, "b64write 0x%" PRIx64 " 0x%zx %s", addr, n,
                              text));
        from += n;
        addr += n;
        size -= n;
    }
}

void qtest_memset(QTest *qts, uint64_t addr, uint8_t byte, size_t size)
{
    g_free(qtest_commandf(qts, "memset 0x%" PRIx64 " 0x%zx 0x%x", addr, size,
                          byte));
}

static int64_t qtest_clock(QTest *qts, const char *cmd)
{
    g_autofree char *ans = qtest_command(qts, cmd);

    return g_ascii_strtoll(ans, NULL, 10);
}

int64_t qtest_clock_step(QTest *qts, int64_t ns)
{
    g_autofree char *cmd = g_strdup_printf("clock_step %" PRIi64, ns);

    return qtest_clock(qts, cmd);
}

int64_t qtest_clock_step_next(QTest *qts)
{
    return qtest_clock(qts, "clock_step");
}

int64_t qtest_clock_set(QTest *qts, int64_t ns)
{
    g_autofree char *cmd = g_strdup_printf("clock_set %" PRIi64, ns);

    return qtest_clock(qts, cmd);
}

void qtest_irq_intercept_in(QTest *qts, const char *path)
{
    g_free(qtest_commandf(qts, "irq_intercept_in %s", path));
}

void qtest_irq_intercept_out(QTest *qts, const char *path)
{
    g_free(qtest_commandf(qts, "irq_intercept_out %s", path));
}

/* A line may have changed on its own: any command brings the news. */
bool qtest_get_irq(QTest *qts, int n)
{
    qtest_pause(qts);
    return qts->irq_level[n];
}

unsigned int qtest_irq_rises(QTest *qts, int n)
{
    qtest_pause(qts);
    return qts->irq_rises[n];
}

void qtest_set_irq_in(QTest *qts, const char *path, const char *name, int n,
                      int level)
{
    g_free(qtest_commandf(qts, "set_irq_in %s %s %d %d", path,
                          name ? name : "unnamed-gpio-in", n, level));
}

void qtest_pause(QTest *qts)
{
    g_free(qtest_command(qts, "endianness"));
}
