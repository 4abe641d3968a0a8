/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the qtest protocol; see include/accel/qtest.h. */
#include "util/osdep.h"
#include "qtest-internal.h"
#include "system/memory.h"
#include "util/timer.h"

/* A client may not make us allocate without bound. */
#define QTEST_MAX_BYTES (256 * MiB)
#define QTEST_MAX_ARGS  4

typedef struct QtestCommand {
    const char *name;
    unsigned int min_args, max_args;
    void (*fn)(const struct QtestCommand *c, char **args);
    unsigned int size;                  /* bytes of the access */
    bool flag;                          /* ports; outputs; base 64 */
} QtestCommand;

static bool parse_number(const char *text, uint64_t *val)
{
    char *end;

    errno = 0;
    *val = g_ascii_strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == 0;
}

/* Numbers of the first @n arguments; says so when they are not. */
static bool parse_numbers(char **args, unsigned int n, uint64_t *vals)
{
    unsigned int i;

    for (i = 0; i < n; i++) {
        if (!parse_number(args[i], &vals[i])) {
            qtest_send("FAIL '%s' is not a number", args[i]);
            return false;
        }
    }
    return true;
}

static bool parse_range(char **args, uint64_t *addr, uint64_t *size)
{
    uint64_t v[2];

    if (!parse_numbers(args, 2, v)) {
        return false;
    }
    if (v[1] > QTEST_MAX_BYTES) {
        qtest_send("FAIL size %s is too large", args[1]);
        return false;
    }
    *addr = v[0];
    *size = v[1];
    return true;
}

static void guest_read(uint64_t addr, void *buf, uint64_t size)
{
    address_space_read(&address_space_memory, addr, MEMTXATTRS_UNSPECIFIED,
                       buf, size);
}

static void guest_write(uint64_t addr, const void *buf, uint64_t size)
{
    address_space_write(&address_space_memory, addr, MEMTXATTRS_UNSPECIFIED,
                        buf, size);
}

/* ---- Single accesses ---- */

static AddressSpace *command_space(const QtestCommand *c)
{
    return c->flag ? &address_space_io : &address_space_memory;
}

static void qtest_do_store(const QtestCommand *c, char **args)
{
    uint64_t v[2];

    if (!parse_numbers(args, 2, v)) {
        return;
    }
    address_space_write(command_space(c), v[0], MEMTXATTRS_UNSPECIFIED, &v[1],
                        c->size);
    qtest_send("OK");
}

static void qtest_do_load(const QtestCommand *c, char **args)
{
    uint64_t addr, val = 0;

    if (!parse_numbers(args, 1, &addr)) {
        return;
    }
    address_space_read(command_space(c), addr, MEMTXATTRS_UNSPECIFIED, &val,
                       c->size);
    qtest_send(c->flag ? "OK 0x%04" PRIx64 : "OK 0x%016" PRIx64, val);
}

/* ---- Blocks ---- */

static void qtest_do_read(const QtestCommand *c, char **args)
{
    g_autofree uint8_t *data = NULL;
    g_autofree char *text = NULL;
    uint64_t addr, size, i;

    if (!parse_range(args, &addr, &size)) {
        return;
    }
    data = g_malloc(size + 1);
    guest_read(addr, data, size);
    if (c->flag) {
        text = g_base64_encode(data, size);
        qtest_send("OK %s", text);
        return;
    }
    text = g_malloc(2 * size + 1);
    for (i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[data[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
    text[2 * size] = 0;
    qtest_send("OK 0x%s", text);
}

/* @size bytes from hexadecimal digits after 0x; missing ones are 0. */
static bool parse_hex(const char *text, uint8_t *data, uint64_t size)
{
    uint64_t i;

    if (!g_str_has_prefix(text, "0x")) {
        return false;
    }
    text += 2;
    for (i = 0; i < size && text[0]; i++, text += 2) {
        int hi = g_ascii_xdigit_value(text[0]);
        int lo = hi < 0 ? -1 : g_ascii_xdigit_value(text[1]);

        if (lo < 0) {
            return false;
        }
        data[i] = hi << 4 | lo;
    }
    return true;
}

static void qtest_do_write(const QtestCommand *c, char **args)
{
    g_autofree uint8_t *data = NULL;
    uint64_t addr, size;

    if (!parse_range(args, &addr, &size)) {
        return;
    }
    data = g_malloc0(size + 1);
    if (!parse_hex(args[2], data, size)) {
        qtest_send("FAIL the data is not hexadecimal");
        return;
    }
    guest_write(addr, data, size);
    qtest_send("OK");
}

static void qtest_do_b64write(const QtestCommand *c, char **args)
{
    g_autofree uint8_t *data = NULL;
    uint64_t addr, size;
    gsize len;

    if (!parse_range(args, &addr, &size)) {
        return;
    }
    data = g_base64_decode(args[2], &len);
    if (len != size) {
        qtest_send("FAIL the data has %zu bytes", (size_t)len);
        return;
    }
    guest_write(addr, data, size);
    qtest_send("OK");
}

static void qtest_do_memset(const QtestCommand *c, char **args)
{
    g_autofree uint8_t *data = NULL;
    uint64_t addr, size, byte;

    if (!parse_range(args, &addr, &size) ||
        !parse_numbers(args + 2, 1, &byte)) {
        return;
    }
    data = g_malloc(size + 1);
    memset(data, byte, size);
    guest_write(addr, data, size);
    qtest_send("OK");
}

static void qtest_do_endianness(const QtestCommand *c, char **args)
{
    qtest_send("OK little");
}

/* ---- Time ---- */

static void clock_advance_to(int64_t ns)
{
    virtual_clock_step_to(ns);
    qtest_send("OK %" PRIi64, clock_get_ns(CLOCK_VIRTUAL));
}

static void qtest_do_clock_step(const QtestCommand *c, char **args)
{
    int64_t now = clock_get_ns(CLOCK_VIRTUAL);
    int64_t due = virtual_clock_deadline_ns();
    uint64_t ns;

    if (args[0] == NULL) {
        clock_advance_to(due == INT64_MAX ? now : MAX(due, now));
    } else if (parse_numbers(args, 1, &ns)) {
        clock_advance_to(now + MIN(ns, (uint64_t)(INT64_MAX - now)));
    }
}

static void qtest_do_clock_set(const QtestCommand *c, char **args)
{
    uint64_t ns;

    if (!parse_numbers(args, 1, &ns)) {
        return;
    }
    if (ns > INT64_MAX || (int64_t)ns < clock_get_ns(CLOCK_VIRTUAL)) {
        qtest_send("FAIL the clock does not go back");
        return;
    }
    clock_advance_to(ns);
}

/* ---- Interrupt lines ---- */

static void qtest_answer(const char *failure)
{
    if (failure) {
        qtest_send("FAIL %s", failure);
    } else {
        qtest_send("OK");
    }
}

static void qtest_do_intercept(const QtestCommand *c, char **args)
{
    qtest_answer(qtest_intercept(args[0], c->flag));
}

static void qtest_do_set_irq(const QtestCommand *c, char **args)
{
    uint64_t v[2];

    if (parse_numbers(args + 2, 2, v)) {
        qtest_answer(qtest_set_irq(args[0], args[1],
                                   v[0] > INT_MAX ? -1 : (int)v[0], !!v[1]));
    }
}

/* ---- The table ---- */

static const QtestCommand qtest_commands[] = {
    { "outb", 2, 2, qtest_do_store, 1, true },
    { "outw", 2, 2, qtest_do_store, 2, true },
    { "outl", 2, 2, qtest_do_store, 4, true },
    { "inb", 1, 1, qtest_do_load, 1, true },
    { "inw", 1, 1, qtest_do_load, 2, true },
    { "inl", 1, 1, qtest_do_load, 4, true },
    { "writeb", 2, 2, qtest_do_store, 1 },
    { "writew", 2, 2, qtest_do_store, 2 },
    { "writel", 2, 2, qtest_do_store, 4 },
    { "writeq", 2, 2, qtest_do_store, 8 },
    { "readb", 1, 1, qtest_do_load, 1 },
    { "readw", 1, 1, qtest_do_load, 2 },
    { "readl", 1, 1, qtest_do_load, 4 },
    { "readq", 1, 1, qtest_do_load, 8 },
    { "read", 2, 2, qtest_do_read },
    { "write", 3, 3, qtest_do_write },
    { "b64read", 2, 2, qtest_do_read, 0, true },
    { "b64write", 3, 3, qtest_do_b64write },
    { "memset", 3, 3, qtest_do_memset },
    { "endianness", 0, 0, qtest_do_endianness },
    { "clock_step", 0, 1, qtest_do_clock_step },
    { "clock_set", 1, 1, qtest_do_clock_set },
    { "irq_intercept_in", 1, 1, qtest_do_intercept },
    { "irq_intercept_out", 1, 1, qtest_do_intercept, 0, true },
    { "set_irq_in", 4, 4, qtest_do_set_irq },
};

static const QtestCommand *qtest_find_command(const char *name)
{
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(qtest_commands); i++) {
        if (g_str_equal(qtest_commands[i].name, name)) {
            return &qtest_commands[i];
        }
    }
    return NULL;
}

void qtest_run_line(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", QTEST_MAX_ARGS + 2);
    guint n = g_strv_length(words);
    const QtestCommand *c;

    if (n == 0 || words[0][0] == 0) {
        return;
    }
    c = qtest_find_command(words[0]);
    if (c == NULL) {
        qtest_send("FAIL Unknown command '%s'", words[0]);
    } else if (n - 1 < c->min_args || n - 1 > c->max_args) {
        qtest_send("FAIL wrong number of arguments for '%s'", c->name);
    } else {
        c->fn(c, words + 1);
    }
}
