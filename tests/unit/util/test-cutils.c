/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, sizes, UUIDs and MAC addresses from text; the closest word. */
#include "util/osdep.h"
#include "util/cutils.h"
#include "util/error.h"
#include "tests/unit/lib/assert-error.h"

static void check_error(Error *err, const char *want)
{
    assert_error(err, want);
    error_free(err);
}

static const struct {
    const char *text;
    uint64_t val;
    const char *err;
} uint64_cases[] = {
    { "0", 0 }, { "18446744073709551615", UINT64_MAX }, { "0x1F", 31 },
    { "0xffffffffffffffff", UINT64_MAX }, { "007", 7 },
    { "18446744073709551616", 0, "too large" },
    { "0x10000000000000000", 0, "too large" },
    { "99999999999999999999999", 0, "too large" },
    { "", 0, "''" }, { "-1", 0, "'-1'" }, { "+1", 0, "'+1'" },
    { " 1", 0, "' 1'" }, { "1 ", 0, "'1 '" }, { "12q", 0, "'12q'" },
    { "0x", 0, "'0x'" }, { "1e3", 0, "'1e3'" }, { "ff", 0, "'ff'" },
};

static void test_uint64(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(uint64_cases); i++) {
        uint64_t v = 42;
        Error *err = NULL;

        if (uint64_cases[i].err) {
            g_assert_false(parse_uint64(uint64_cases[i].text, &v, &err));
            check_error(err, uint64_cases[i].err);
            g_assert_cmpuint(v, ==, 42);
        } else {
            g_assert_true(parse_uint64(uint64_cases[i].text, &v, &err));
            g_assert_cmpuint(v, ==, uint64_cases[i].val);
        }
    }
}

static const struct {
    const char *text;
    int64_t val;
    const char *err;
} int64_cases[] = {
    { "0", 0 }, { "-0", 0 }, { "9223372036854775807", INT64_MAX },
    { "-9223372036854775808", INT64_MIN }, { "-0x10", -16 },
    { "9223372036854775808", 0, "range" },
    { "-9223372036854775809", 0, "range" },
    { "0x8000000000000000", 0, "range" },
    { "--1", 0, "'--1'" }, { "-", 0, "'-'" }, { "", 0, "''" },
};

static void test_int64(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(int64_cases); i++) {
        int64_t v = 42;
        Error *err = NULL;

        if (int64_cases[i].err) {
            g_assert_false(parse_int64(int64_cases[i].text, &v, &err));
            check_error(err, int64_cases[i].err);
            g_assert_cmpint(v, ==, 42);
        } else {
            g_assert_true(parse_int64(int64_cases[i].text, &v, &err));
            g_assert_cmpint(v, ==, int64_cases[i].val);
        }
    }
}

static void test_bool(void)
{
    Error *err = NULL;
    bool v = false;

    g_assert_true(parse_bool("on", &v, NULL) && v);
    g_assert_true(parse_bool("no", &v, NULL) && !v);
    g_assert_true(parse_bool("true", &v, NULL) && v);
    g_assert_false(parse_bool("On", &v, &err));
    check_error(err, "'On'");
    g_assert_true(v);
}

static const struct {
    const char *text;
    char suffix;
    uint64_t val;
    const char *err;
} size_cases[] = {
    { "0", 'B', 0 }, { "512", 'B', 512 }, { "512", 'M', 512 * MiB },
    { "512B", 'M', 512 }, { "4G", 'B', 4 * GiB }, { "4g", 'M', 4 * GiB },
    { "1.5M", 'B', 3 * MiB / 2 }, { "1.5", 'G', 3 * GiB / 2 },
    { "0.1k", 'B', 102 }, { "15E", 'B', 15ULL << 60 },
    { "15.9999999999999999999999999E", 'B', 0xffffffffffffffff },
    { "0x1000", 'B', 4096 }, { "0x10", 'M', 16 * MiB },
    { "18446744073709551615", 'B', UINT64_MAX },
    { "1.000000000000000001T", 'B', TiB },
    { "16E", 'B', 0, "too large" }, { "16777216T", 'B', 0, "too large" },
    { "18446744073709551616", 'B', 0, "too large" },
    { "18014398509481984", 'K', 0, "too large" },
    { "", 'B', 0, "''" }, { "G", 'B', 0, "'G'" }, { "1.G", 'B', 0, "'1.G'" },
    { ".5G", 'B', 0, "'.5G'" }, { "1.5", 'B', 0, "'1.5'" },
    { "1.5B", 'M', 0, "'1.5B'" }, { "-1M", 'B', 0, "'-1M'" },
    { "1MB", 'B', 0, "'1MB'" }, { "1 M", 'B', 0, "'1 M'" },
    { "0x10M", 'B', 0, "'0x10M'" }, { "1.5.5G", 'B', 0, "'1.5.5G'" },
    { "1X", 'B', 0, "'1X'" }, { "1,5G", 'B', 0, "'1,5G'" },
};

static void test_size(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(size_cases); i++) {
        uint64_t v = 42;
        Error *err = NULL;
        bool ok = parse_size(size_cases[i].text, size_cases[i].suffix, &v,
                             &err);

        if (size_cases[i].err) {
            g_assert_false(ok);
            check_error(err, size_cases[i].err);
            g_assert_cmpuint(v, ==, 42);
        } else {
            if (!ok) {
                g_test_message("%s: %s", size_cases[i].text,
                               error_get_pretty(err));
            }
            g_assert_true(ok);
            if (i != 10) {
                g_assert_cmpuint(v, ==, size_cases[i].val);
            } else {
                /* The fraction keeps 18 digits, which is within 64 bytes. */
                g_assert_cmpuint(size_cases[i].val - v, <=, 64);
            }
        }
    }
}

static void test_size_to_str(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0 B" }, { 999, "999 B" }, { 1000, "0.977 KiB" },
        { 1023, "0.999 KiB" }, { 999 * KiB + 800, "1000 KiB" },
        { 1024, "1 KiB" }, { 1536, "1.5 KiB" }, { 4 * GiB, "4 GiB" },
        { MiB - 1, "1 MiB" }, { 123 * MiB, "123 MiB" },
        { UINT64_MAX, "16 EiB" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *s = size_to_str(cases[i].bytes);

        g_assert_cmpstr(s, ==, cases[i].text);
    }
}

static void test_closest(void)
{
    static const char *const words[] = {
        "virtio-blk-pci", "virtio-net-pci", "virtio-rng-pci", "pvpanic-pci",
        "kvm", "q", NULL
    };
    static const struct {
        const char *needle, *found;
    } cases[] = {
        { "virtio-blk-pci", "virtio-blk-pci" },
        { "virtio-blk-cpi", "virtio-blk-pci" },
        { "virtio-nte-pci", "virtio-net-pci" },
        { "Virtio-Net-PCI", "virtio-net-pci" },
        { "virtio-net", "virtio-net-pci" }, { "pvpanic", "pvpanic-pci" },
        { "kvn", "kvm" }, { "kv", "kvm" }, { "x", NULL }, { "", NULL },
        { "e1000", NULL },
    };
    g_autofree char *huge = g_strnfill(1000, 'v');
    Error *err = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpstr(closest_string(cases[i].needle, words), ==,
                        cases[i].found);
    }
    g_assert_null(closest_string(huge, words));
    error_setg(&err, "no device '%s'", "kvn");
    error_hint_closest(&err, "kvn", words);
    g_assert_cmpstr(error_get_hint(err), ==, "did you mean 'kvm'?");
    error_free(err);
}

static void test_uuid(void)
{
    static const char *const bad[] = {
        "", "550e8400", "550e8400-e29b-41d4-a716-44665544000",
        "550e8400-e29b-41d4-a716-4466554400000",
        "550e8400xe29b-41d4-a716-446655440000",
        "550e8400-e29b-41d4-a716-44665544000g",
    };
    char out[UUID_STR_LEN + 1];
    Uuid u, v;

    g_assert_true(uuid_from_string("550E8400-e29b-41d4-a716-446655440000", &u,
                                   NULL));
    uuid_to_string(&u, out);
    g_assert_cmpstr(out, ==, "550e8400-e29b-41d4-a716-446655440000");
    g_assert_false(uuid_is_null(&u));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;

        g_assert_false(uuid_from_string(bad[i], &u, &err));
        check_error(err, bad[i]);
    }
    uuid_generate_random(&u);
    uuid_generate_random(&v);
    g_assert_cmpint(memcmp(&u, &v, sizeof(u)), !=, 0);
    g_assert_cmpint(u.data[6] >> 4, ==, 4);
    g_assert_cmpint(u.data[8] >> 6, ==, 2);
}

static void test_mac(void)
{
    static const char *const bad[] = {
        "", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:5",
        "52:54:00:12:34:567", "g2:54:00:12:34:56", "525400123456",
        "52.54.00.12.34.56",
    };
    char out[MAC_STR_LEN + 1];
    MacAddr m = { { 0 } };

    g_assert_true(mac_from_string("52:54:00:Ab:34:56", &m, NULL));
    mac_to_string(&m, out);
    g_assert_cmpstr(out, ==, "52:54:00:ab:34:56");
    g_assert_true(mac_from_string("00-01-02-03-04-05", &m, NULL));
    g_assert_cmpint(m.a[5], ==, 5);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;

        g_assert_false(mac_from_string(bad[i], &m, &err));
        check_error(err, bad[i]);
        g_assert_cmpint(m.a[5], ==, 5);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cutils/uint64", test_uint64);
    g_test_add_func("/cutils/int64", test_int64);
    g_test_add_func("/cutils/bool", test_bool);
    g_test_add_func("/cutils/size/parse", test_size);
    g_test_add_func("/cutils/size/print", test_size_to_str);
    g_test_add_func("/cutils/closest", test_closest);
    g_test_add_func("/cutils/uuid", test_uuid);
    g_test_add_func("/cutils/mac", test_mac);
    return g_test_run();
}
