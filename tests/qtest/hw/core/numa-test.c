/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -numa: where CPUs and memory go, what firmware is told of it, and mistakes
 * on the command line. */
#include "qtest-fw_cfg.h"
#include <glib/gstdio.h>
#include "firmware.h"
#include "util/bytes.h"

#define TWO_RAMS "-m 256M " \
    "-object memory-backend-ram,id=m0,size=160M " \
    "-object memory-backend-ram,id=m1,size=96M "

#define TWO_NODES TWO_RAMS "-numa node,memdev=m0,cpus=0 -numa node,memdev=m1 "
#define HMAT "-machine hmat=on -numa node -numa hmat-"
#define ACCESS "hierarchy=memory,data-type=access-latency"

/* The machine as firmware finds it: x86 describes it only to a ROM. */
static QTest *start(const char *args)
{
    QTest *qts;
#ifdef TARGET_AARCH64
    qts = qtest_startf("-M virt %s", args);
#else
    g_autofree uint8_t *rom = g_malloc0(64 * KiB);
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("nemu-rom-XXXXXX", &path, NULL);

    g_assert_cmpint(write(fd, rom, 64 * KiB), ==, 64 * KiB);
    close(fd);
    qts = qtest_startf("-M virt -bios %s %s", path, args);
    g_unlink(path);
#endif
    return qts;
}

typedef struct Tables {
    GByteArray *script, *tables, *rsdp;
} Tables;

static void read_tables(QTest *qts, Tables *t)
{
    t->script = qtest_fw_cfg_file(qts, "etc/table-loader");
    t->tables = qtest_fw_cfg_file(qts, "etc/acpi/tables");
    t->rsdp = qtest_fw_cfg_file(qts, "etc/acpi/rsdp");
    g_assert_true(t->script && t->tables && t->rsdp);
    firmware_run_loader(t->script, t->tables, t->rsdp);
    g_free(firmware_check_tables(t->tables, t->rsdp));
}

static void free_tables(Tables *t)
{
    g_byte_array_unref(t->script);
    g_byte_array_unref(t->tables);
    g_byte_array_unref(t->rsdp);
}

/* "cpu:node ... base+bytes:node ..." of the SRAT */
static char *srat_text(const Tables *t)
{
    const uint8_t *p = firmware_find_table(t->tables, t->rsdp, "SRAT");
    GString *text = g_string_new(NULL);

    g_assert_nonnull(p);
    for (uint32_t off = 48; off < get_le32(p + 4); off += p[off + 1]) {
        const uint8_t *s = p + off;

        g_assert_cmpuint(s[1], >=, 16);
        switch (s[0]) {
        case 0:
            g_string_append_printf(text, "%u:%u ", s[3], s[2]);
            break;
        case 3:
            g_string_append_printf(text, "%u:%u ", get_le32(s + 6),
                                   get_le32(s + 2));
            break;
        case 1:
            g_string_append_printf(text, "%" PRIx64 "+%" PRIx64 ":%u ",
                                   (uint64_t)(get_le64(s + 8) -
                                              QTEST_RAM_BASE),
                                   get_le64(s + 16), get_le32(s + 2));
            break;
        default:
            g_error("SRAT structure %u", s[0]);
        }
    }
    return g_string_free(text, FALSE);
}

/* Nodes of the CPUs as QMP has them. */
static char *cpu_nodes(QTest *qts)
{
    struct json_object *cpus = qtest_qmp_ok(qts, "{'execute': "
                                            "'query-cpus-fast'}");
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < json_object_array_length(cpus); i++) {
        struct json_object *cpu = json_object_array_get_idx(cpus, i);
        struct json_object *props, *node = NULL;

        g_assert_true(json_object_object_get_ex(cpu, "props", &props));
        json_object_object_get_ex(props, "node-id", &node);
        g_string_append_printf(text, "%s ", node ? json_object_get_string(node)
                                                 : "-");
    }
    json_object_put(cpus);
    return g_string_free(text, FALSE);
}

static void test_two_nodes(void)
{
    QTest *qts = start(TWO_RAMS "-smp 4 "
                       "-numa node,nodeid=0,cpus=0-1,memdev=m0 "
                       "-numa node,nodeid=1,cpus=2,cpus=3,memdev=m1 "
                       "-numa dist,src=0,dst=1,val=21");
    g_autofree char *srat = NULL, *nodes = cpu_nodes(qts);
    const uint8_t *slit;
    Tables t;

    read_tables(qts, &t);
    srat = srat_text(&t);
    g_assert_cmpstr(srat, ==, "0:0 1:0 2:1 3:1 0+a000000:0 a000000+6000000:1 ");
    g_assert_cmpstr(nodes, ==, "0 0 1 1 ");
    slit = firmware_find_table(t.tables, t.rsdp, "SLIT");
    g_assert_nonnull(slit);
    g_assert_cmpmem(slit + 44, 4, ((uint8_t[]){ 10, 21, 21, 10 }), 4);
    free_tables(&t);
    qtest_quit(qts);
}

/* A node with CPUs and one without. */
static void test_hmat(void)
{
    QTest *qts = start("-machine hmat=on " TWO_RAMS
                       "-numa node,memdev=m0,cpus=0 "
                       "-numa node,memdev=m1,initiator=0 "
                       "-numa hmat-lb,initiator=0,target=1," ACCESS
                       ",latency=7 -numa hmat-cache,node-id=1,size=10K,"
                       "level=1,associativity=direct,policy=write-back,"
                       "line=8");
    const uint8_t *p;
    Tables t;

    read_tables(qts, &t);
    p = firmware_find_table(t.tables, t.rsdp, "HMAT");
    g_assert_nonnull(p);
    g_assert_cmpuint(get_le32(p + 4), ==, 40 + 40 + 40 + 48 + 32);
    g_assert_cmpuint(get_le16(p + 80 + 8), ==, 1);
    g_assert_cmpuint(get_le32(p + 80 + 12), ==, 0);
    g_assert_cmpuint(get_le32(p + 80 + 16), ==, 1);
    g_assert_cmpuint(get_le16(p + 120 + 44), ==, 0);
    g_assert_cmpuint(get_le16(p + 120 + 46), ==, 7);
    g_assert_cmpuint(get_le64(p + 168 + 16), ==, 10 * KiB);
    g_assert_cmphex(get_le32(p + 168 + 24), ==, 0x00081111);
    free_tables(&t);
    qtest_quit(qts);
}

#ifndef TARGET_AARCH64
/* The hole below 4 GiB parts a node's memory. */
static void test_hole(void)
{
    QTest *qts = start("-m 5G -smp 2,sockets=2 "
                       "-object memory-backend-ram,id=m0,size=2G "
                       "-object memory-backend-ram,id=m1,size=3G "
                       "-numa node,memdev=m0 -numa node,memdev=m1");
    g_autofree char *srat = NULL;
    Tables t;

    read_tables(qts, &t);
    srat = srat_text(&t);
    g_assert_cmpstr(srat, ==, "0:0 1:1 0+80000000:0 80000000+40000000:1 "
                    "100000000+80000000:1 ");
    qtest_writel(qts, 0xbffffffc, 1);
    qtest_writel(qts, 0x17ffffffc, 2);
    g_assert_cmphex(qtest_readl(qts, 0xbffffffc), ==, 1);
    g_assert_cmphex(qtest_readl(qts, 0x17ffffffc), ==, 2);
    free_tables(&t);
    qtest_quit(qts);
}
#endif

/* All memory is there, across the border of the nodes. */
static void test_memory(void)
{
    QTest *qts = start(TWO_RAMS "-numa node,memdev=m0 -numa node,memdev=m1");
    uint64_t border = QTEST_RAM_BASE + 160 * MiB;
    uint8_t bytes[16], back[16];

    memset(bytes, 0x5a, sizeof(bytes));
    qtest_memwrite(qts, border - 8, bytes, sizeof(bytes));
    qtest_memread(qts, border - 8, back, sizeof(back));
    g_assert_cmpmem(bytes, 16, back, 16);
    qtest_writel(qts, QTEST_RAM_BASE + 256 * MiB - 4, 0x12345678);
    g_assert_cmphex(qtest_readl(qts, QTEST_RAM_BASE + 256 * MiB - 4), ==,
                    0x12345678);
    qtest_quit(qts);
}

static void test_cpus(void)
{
    static const struct { const char *args, *nodes; } cases[] = {
        { "-smp 4,sockets=2,cores=2", "- - - - " },
        { "-smp 4,sockets=2,cores=2 -numa node", "0 0 0 0 " },
        { "-m 64M -object memory-backend-ram,id=m,size=64M "
          "-machine memory-backend=m -numa node", "0 " },
        /* nothing said of CPUs: sockets take turns */
        { TWO_RAMS "-smp 4,sockets=2,cores=2 -numa node,memdev=m0 "
          "-numa node,memdev=m1", "0 0 1 1 " },
        { TWO_RAMS "-smp 4,sockets=2,cores=2 -numa node,memdev=m0 "
          "-numa node,memdev=m1 -numa cpu,node-id=1,socket-id=0 "
          "-numa cpu,node-id=0,socket-id=1", "1 1 0 0 " },
        { TWO_RAMS "-smp 4,sockets=2,cores=2 -numa node,memdev=m0 "
          "-numa node,memdev=m1 "
          "-numa cpu,node-id=1,socket-id=1,core-id=1", "0 0 0 1 " },
        /* one without memory, and the numbers in any order */
        { "-m 160M -object memory-backend-ram,id=m0,size=160M -smp 2 "
          "-numa node,nodeid=1,cpus=0 -numa node,nodeid=0,cpus=1,memdev=m0",
          "1 0 " },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        QTest *qts = qtest_startf("-M virt %s", cases[i].args);
        g_autofree char *nodes = cpu_nodes(qts);

        g_assert_cmpstr(nodes, ==, cases[i].nodes);
        qtest_quit(qts);
    }
}

static void test_memdev(void)
{
    QTest *qts = qtest_start("-M virt -m 64M -object memory-backend-ram,"
                             "id=ram0,size=64M,share=on,prealloc=on "
                             "-numa node,memdev=ram0");
    struct json_object *list = qtest_qmp_ok(qts, "{'execute': "
                                            "'query-memdev'}"), *m, *v;

    g_assert_cmpuint(json_object_array_length(list), ==, 1);
    m = json_object_array_get_idx(list, 0);
    g_assert_true(json_object_object_get_ex(m, "id", &v));
    g_assert_cmpstr(json_object_get_string(v), ==, "ram0");
    g_assert_true(json_object_object_get_ex(m, "size", &v));
    g_assert_cmpuint(json_object_get_int64(v), ==, 64 * MiB);
    g_assert_true(json_object_object_get_ex(m, "share", &v));
    g_assert_true(json_object_get_boolean(v));
    g_assert_true(json_object_object_get_ex(m, "prealloc", &v));
    g_assert_true(json_object_get_boolean(v));
    g_assert_true(json_object_object_get_ex(m, "policy", &v));
    g_assert_cmpstr(json_object_get_string(v), ==, "default");
    g_assert_true(json_object_object_get_ex(m, "host-nodes", &v));
    g_assert_cmpuint(json_object_array_length(v), ==, 0);
    json_object_put(list);
    qtest_quit(qts);
}

typedef struct Mistake {
    const char *args, *error;
} Mistake;

static void check_mistakes(const Mistake *bad, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *err = NULL;
        g_autofree char *line = g_strdup_printf(
            "-accel qtest -nodefaults -display none -M virt %s", bad[i].args);

        g_assert_cmpint(qtest_run(line, NULL, &err), ==, 1);
        if (!strstr(err, bad[i].error)) {
            g_error("%s: '%s' has no '%s'", bad[i].args, err, bad[i].error);
        }
    }
}

static void test_mistakes(void)
{
    static const Mistake bad[] = {
        { "-numa node,nodeid=128", "Max number of NUMA nodes reached: 128" },
        { "-numa node -numa node,nodeid=0", "Duplicate NUMA nodeid: 0" },
        { "-numa node,nodeid=1", "Node ID missing: 0" },
        { "-numa node,cpus=1", "CPU index (1) should be smaller" },
        { "-numa node,cpus=0 -numa node,cpus=0",
          "CPU is already assigned to node-id: 0" },
        { "-numa node,mem=128M", "Use -numa node,memdev instead" },
        { "-numa node,memdev=nope", "memdev=nope is not" },
        { "-numa node,initiator=0", "-machine hmat=on" },
        { "-numa node -numa node", "should equal RAM size" },
        { TWO_RAMS "-numa node,memdev=m0 -numa node,memdev=m0",
          "m0 is used multiple times" },
        { TWO_RAMS "-numa node,memdev=m0", "(0xa000000) should equal RAM size "
          "(0x10000000)" },
        { "-m 96M -object memory-backend-ram,id=m1,size=96M "
          "-object memory-backend-ram,id=m2,size=96M "
          "-machine memory-backend=m2 -numa node,memdev=m1",
          "mutually exclusive" },
        { "-numa dist,src=0,dst=1,val=20", "NUMA node is missing" },
        { "-numa node -numa dist,src=0,dst=200,val=20", "Invalid node 200" },
        { "-numa node -numa dist,src=0,dst=0,val=9", "distance (9)" },
        { "-numa node -numa dist,src=0,dst=0,val=11", "Local distance" },
        { TWO_RAMS "-numa node,memdev=m0 -numa node,memdev=m1 "
          "-numa dist,src=0,dst=0,val=10", "between node 1 and 0 is missing" },
        { TWO_RAMS "-numa node,memdev=m0 -numa node,memdev=m1 -numa node "
          "-numa dist,src=0,dst=1,val=20 -numa dist,src=1,dst=0,val=30 "
          "-numa dist,src=0,dst=2,val=20 -numa dist,src=1,dst=2,val=20",
          "asymmetrical" },
        { "-numa cpu,socket-id=0", "node-id" },
        { "-numa cpu,node-id=0,socket-id=0", "Invalid node-id=0" },
        { "-numa node -numa cpu,node-id=0,socket-id=7", "no match found" },
        { "-numa node,colour=red", "'colour'" },
        { "-numa tree", "'tree'" },
        { "-machine none -numa node", "NUMA is not supported" },
    };

    check_mistakes(bad, G_N_ELEMENTS(bad));
}

static void test_hmat_mistakes(void)
{
    static const Mistake bad[] = {
        { "-numa node -numa hmat-cache,node-id=0,size=1M,level=1",
          "-machine hmat=on" },
        { HMAT "cache,node-id=9,size=1M,level=1", "node-id=9" },
        { HMAT "cache,node-id=4294967295,size=1M,level=1", "4294967295" },
        { HMAT "cache,node-id=0,size=1M,level=0", "level=0" },
        { HMAT "cache,node-id=0,size=1M,level=4", "level=4" },
        { HMAT "cache,node-id=0,size=0,level=1", "size=0" },
        { HMAT "cache,node-id=0,size=1M,level=2", "none of level 1" },
        { HMAT "cache,node-id=0,size=1M,level=1 -numa hmat-cache,node-id=0,"
          "size=1M,level=1", "level 1 already" },
        { HMAT "lb,initiator=0,target=300," ACCESS ",latency=1",
          "target=300" },
        { HMAT "lb,initiator=1,target=0," ACCESS ",latency=1", "initiator=1" },
        { HMAT "lb,initiator=0,target=0," ACCESS, "takes latency=" },
        { HMAT "lb,initiator=0,target=0," ACCESS ",latency=1,bandwidth=1M",
          "no bandwidth=" },
        { HMAT "lb,initiator=0,target=0," ACCESS ",latency=0", "of 0" },
        { HMAT "lb,initiator=0,target=0," ACCESS ",latency=1 -numa hmat-lb,"
          "initiator=0,target=0," ACCESS ",latency=2", "given already" },
        { HMAT "lb,initiator=0,target=0,hierarchy=memory,"
          "data-type=read-bandwidth,bandwidth=1000", "multiple of 1 MiB" },
        { "-machine hmat=on " TWO_NODES "-numa hmat-lb,initiator=1,target=0,"
          ACCESS ",latency=1", "initiator=1: that node has no CPUs" },
        { "-machine hmat=on " TWO_RAMS "-numa node,memdev=m0,cpus=0 "
          "-numa node,memdev=m1,initiator=1", "initiator=1 of node 1" },
        { "-machine hmat=on " TWO_RAMS "-numa node,memdev=m0,cpus=0 "
          "-numa node,memdev=m1,initiator=40000", "initiator=40000 of node" },
        { "-machine hmat=on " TWO_RAMS "-numa node,memdev=m0,cpus=0,"
          "initiator=1 -numa node,memdev=m1", "its own initiator" },
    };

    check_mistakes(bad, G_N_ELEMENTS(bad));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/numa/two-nodes", test_two_nodes);
    g_test_add_func("/numa/hmat", test_hmat);
#ifndef TARGET_AARCH64
    g_test_add_func("/numa/hole", test_hole);
#endif
    g_test_add_func("/numa/memory", test_memory);
    g_test_add_func("/numa/cpus", test_cpus);
    g_test_add_func("/numa/memdev", test_memdev);
    g_test_add_func("/numa/mistakes", test_mistakes);
    g_test_add_func("/numa/hmat/mistakes", test_hmat_mistakes);
    return qtest_main();
}
