/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SRAT, SLIT and HMAT: bytes where the specification has them, and iasl. */
#include "util/osdep.h"
#include "hw/acpi/numa.h"
#include "hw/core/numa-hmat.h"
#include "iasl-check.h"
#include "util/bytes.h"

#define AT(from, to)    ((from) * NUMA_MAX_NODES + (to))

/* CPUs in nodes 0 and 2, memory in 0 and 1. */
static void build_hmat(AcpiTables *t)
{
    g_autofree NumaHmat *h = g_new0(NumaHmat, 1);
    g_autofree uint64_t *ns = g_new0(uint64_t, NUMA_MAX_NODES * NUMA_MAX_NODES);
    g_autofree uint64_t *mib = g_new0(uint64_t,
                                      NUMA_MAX_NODES * NUMA_MAX_NODES);

    h->nodes = 3;
    h->node[0].has_cpus = h->node[2].has_cpus = true;
    h->node[0].has_memory = h->node[1].has_memory = true;
    h->node[0].initiator = 0;
    h->node[1].initiator = 2;
    h->node[1].cache[0] = (NumaCache){ 32 * MiB, 64, 1, 2 };
    h->node[1].cache[1] = (NumaCache){ 64 * MiB, 128, 2, 1 };
    ns[AT(0, 0)] = 5;
    ns[AT(0, 1)] = 10;
    ns[AT(2, 0)] = 65534;           /* the most that is told one by one */
    mib[AT(0, 0)] = 65535;          /* told by twos */
    mib[AT(0, 1)] = 1;              /* and yet not nothing */
    mib[AT(2, 1)] = 0x1fffc;
    h->values[0][2] = ns;
    h->values[1][3] = mib;
    acpi_add_hmat(t, h);
}

static void build(AcpiTables *t)
{
    static const uint8_t distance[] = { 10, 21, 31, 10 };
    Aml *a;

    acpi_tables_init(t);
    a = acpi_table_begin(t, "DSDT", 2);
    aml_name_int(a, "TEST", 1);
    acpi_table_end(t);
    a = acpi_srat_begin(t);
    acpi_srat_lapic(a, 7, 0x10203);
    acpi_srat_lapic(a, 300, 1);
    acpi_srat_gicc(a, 5, 1);
    acpi_srat_memory(a, 0x100000000, 0x40000000, 1);
    acpi_table_end(t);
    acpi_add_slit(t, distance, 2);
    build_hmat(t);
    acpi_tables_finish(t);
}

static void test_srat(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "SRAT");
    g_assert_cmpuint(get_le32(p + 4), ==, 48 + 16 + 24 + 18 + 40);
    g_assert_cmpuint(get_le32(p + 36), ==, 1);
    p += 48;
    g_assert_cmphex(p[0], ==, 0);
    g_assert_cmphex(p[2], ==, 3);
    g_assert_cmphex(p[3], ==, 7);
    g_assert_cmphex(get_le32(p + 4), ==, 1);
    g_assert_cmphex(p[9], ==, 2);
    g_assert_cmphex(get_le16(p + 10), ==, 1);
    p += p[1];
    g_assert_cmphex(p[0], ==, 2);
    g_assert_cmpuint(get_le32(p + 4), ==, 1);
    g_assert_cmpuint(get_le32(p + 8), ==, 300);
    p += p[1];
    g_assert_cmphex(p[0], ==, 3);
    g_assert_cmpuint(get_le32(p + 2), ==, 1);
    g_assert_cmpuint(get_le32(p + 6), ==, 5);
    p += p[1];
    g_assert_cmphex(p[0], ==, 1);
    g_assert_cmpuint(get_le32(p + 2), ==, 1);
    g_assert_cmphex(get_le64(p + 8), ==, 0x100000000);
    g_assert_cmphex(get_le64(p + 16), ==, 0x40000000);
    g_assert_cmphex(get_le32(p + 28), ==, 1);
    acpi_tables_cleanup(&t);
}

static void test_slit(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "SLIT");
    g_assert_cmpuint(get_le32(p + 4), ==, 48);
    g_assert_cmpuint(get_le64(p + 36), ==, 2);
    g_assert_cmpuint(p[45], ==, 21);
    g_assert_cmpuint(p[46], ==, 31);
    acpi_tables_cleanup(&t);
}

static const uint8_t *hmat_next(const uint8_t *p, uint16_t type, uint32_t len)
{
    p += get_le32(p + 4);
    g_assert_cmpuint(get_le16(p), ==, type);
    g_assert_cmpuint(get_le32(p + 4), ==, len);
    return p;
}

static void test_hmat(void)
{
    static const uint16_t ns[] = { 5, 10, 65534, 0 };
    static const uint16_t mib[] = { 32767, 1, 0, 0xfffe };
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "HMAT");
    g_assert_cmpuint(p[8], ==, 2);
    g_assert_cmpuint(get_le32(p + 4), ==, 40 + 2 * 40 + 2 * 56 + 2 * 32);
    p += 40;
    g_assert_cmpuint(get_le16(p), ==, 0);
    g_assert_cmpuint(get_le16(p + 8), ==, 1);
    g_assert_cmpuint(get_le32(p + 12), ==, 0);
    p = hmat_next(p, 0, 40);
    g_assert_cmpuint(get_le32(p + 12), ==, 2);
    g_assert_cmpuint(get_le32(p + 16), ==, 1);

    p = hmat_next(p, 1, 56);
    g_assert_cmpuint(p[8], ==, 0);
    g_assert_cmpuint(p[9], ==, 2);
    g_assert_cmpuint(get_le32(p + 12), ==, 2);
    g_assert_cmpuint(get_le32(p + 16), ==, 2);
    g_assert_cmpuint(get_le64(p + 24), ==, 1000);
    g_assert_cmpuint(get_le32(p + 36), ==, 2);
    g_assert_cmpuint(get_le32(p + 44), ==, 1);
    p = hmat_next(p, 1, 56);
    g_assert_cmpuint(p[8], ==, 1);
    g_assert_cmpuint(p[9], ==, 3);
    g_assert_cmpuint(get_le64(p + 24), ==, 2);
    for (unsigned int i = 0; i < 4; i++) {
        g_assert_cmpuint(get_le16(p - 56 + 48 + 2 * i), ==, ns[i]);
        g_assert_cmpuint(get_le16(p + 48 + 2 * i), ==, mib[i]);
    }

    p = hmat_next(p, 2, 32);
    g_assert_cmpuint(get_le32(p + 8), ==, 1);
    g_assert_cmphex(get_le64(p + 16), ==, 32 * MiB);
    g_assert_cmphex(get_le32(p + 24), ==, 0x00402112);
    p = hmat_next(p, 2, 32);
    g_assert_cmphex(get_le32(p + 24), ==, 0x00801222);
    acpi_tables_cleanup(&t);
}

static void test_iasl(void)
{
    AcpiTables t;

    build(&t);
    iasl_check_tables(&t);
    acpi_tables_cleanup(&t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/numa/srat", test_srat);
    g_test_add_func("/acpi/numa/slit", test_slit);
    g_test_add_func("/acpi/numa/hmat", test_hmat);
    g_test_add_func("/acpi/numa/iasl", test_iasl);
    return g_test_run();
}
