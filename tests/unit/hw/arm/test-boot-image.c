/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm64 kernel images: headers good and hostile, gzip, placing, loading. */
#include "util/osdep.h"
#include <zlib.h>
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif
#include "hw/arm/boot.h"
#include "util/bytes.h"

#define IMAGE_BYTES 8192
#define RAM_BYTES   (16 * MiB)

static void make_image(uint8_t *image)
{
    memset(image, 0, IMAGE_BYTES);
    put_le64(image + 16, 1 * MiB);
    put_le32(image + 56, 0x644d5241);
    image[IMAGE_BYTES - 1] = 0x5a;
}

static BootImage image_of(const void *data, size_t size)
{
    return (BootImage){
        .file = { .fd = -1, .data = data, .size = size, .name = "k" },
    };
}

static GByteArray *gzip(const void *data, size_t size)
{
    GByteArray *out = g_byte_array_new();
    z_stream z = { .next_in = (uint8_t *)data, .avail_in = size };

    g_byte_array_set_size(out, size + 1024);
    g_assert_cmpint(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), ==, Z_OK);
    z.next_out = out->data;
    z.avail_out = out->len;
    g_assert_cmpint(deflate(&z, Z_FINISH), ==, Z_STREAM_END);
    g_byte_array_set_size(out, out->len - z.avail_out);
    deflateEnd(&z);
    return out;
}

static void test_plain(void)
{
    uint8_t data[IMAGE_BYTES];
    BootImage img;

    make_image(data);
    put_le64(data + 8, 0x10000);
    img = image_of(data, sizeof(data));
    g_assert_true(boot_image_parse(&img, NULL));
    g_assert_cmphex(img.text_offset, ==, 0x10000);
    g_assert_cmphex(img.image_bytes, ==, MiB);
    g_assert_cmphex(img.bytes, ==, IMAGE_BYTES);
    boot_image_close(&img);
}

/* Before Linux 3.17 the header told no size. */
static void test_old(void)
{
    uint8_t data[IMAGE_BYTES];
    BootImage img;

    make_image(data);
    put_le64(data + 16, 0);
    img = image_of(data, sizeof(data));
    g_assert_true(boot_image_parse(&img, NULL));
    g_assert_cmphex(img.text_offset, ==, 0x80000);
    g_assert_cmphex(img.image_bytes, ==, IMAGE_BYTES);
}

static void test_gzip(void)
{
    uint8_t data[IMAGE_BYTES];
    g_autoptr(GByteArray) packed = NULL;
    g_autofree uint8_t *ram = g_malloc0(RAM_BYTES);
    BootPlan plan = { .cmdline = "" };

    make_image(data);
    packed = gzip(data, sizeof(data));
    plan.kernel = image_of(packed->data, packed->len);
    g_assert_true(boot_image_parse(&plan.kernel, NULL));
    g_assert_cmpuint(plan.kernel.bytes, ==, IMAGE_BYTES);
    g_assert_true(boot_place(&plan, RAM_BYTES, NULL));
    g_assert_true(boot_load(&plan, ram, true, NULL));
    g_assert_cmpmem(ram + 2 * MiB, IMAGE_BYTES, data, IMAGE_BYTES);
    boot_plan_close(&plan);
}

/* Linux drivers/firmware/efi/libstub/zboot-header.S */
static GByteArray *zboot(const char *how, const GByteArray *packed)
{
    GByteArray *out = g_byte_array_new();
    uint8_t head[128] = "MZ";

    memcpy(head + 4, "zimg", 4);
    put_le32(head + 8, sizeof(head));
    put_le32(head + 12, packed->len);
    strcpy((char *)head + 24, how);
    g_byte_array_append(out, head, sizeof(head));
    g_byte_array_append(out, packed->data, packed->len);
    g_byte_array_append(out, head, sizeof(head));       /* and more code */
    return out;
}

#ifdef CONFIG_ZSTD
static GByteArray *zstd(const void *data, size_t size)
{
    GByteArray *out = g_byte_array_new();
    size_t n;

    g_byte_array_set_size(out, ZSTD_compressBound(size));
    n = ZSTD_compress(out->data, out->len, data, size, 3);
    g_assert_false(ZSTD_isError(n));
    g_byte_array_set_size(out, n);
    return out;
}
#endif

/* Whole, and cut or changed anywhere: refused or, where it does not matter,
 * the same. */
static void check_zboot(const char *how, const uint8_t *data,
                        const GByteArray *packed)
{
    g_autoptr(GByteArray) file = zboot(how, packed);
    BootImage img = image_of(file->data, file->len);

    g_assert_true(boot_image_parse(&img, NULL));
    g_assert_cmpmem(img.unpacked, img.bytes, data, IMAGE_BYTES);
    boot_image_close(&img);
    for (size_t len = 128; len < 128 + packed->len; len += 7) {
        Error *err = NULL;

        img = image_of(file->data, len);
        g_assert_false(boot_image_parse(&img, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), "truncated"));
        error_free(err);
        put_le32(file->data + 12, len - 128);
        img = image_of(file->data, file->len);
        g_assert_false(boot_image_parse(&img, NULL));
        put_le32(file->data + 12, packed->len);
    }
    for (size_t i = 128; i < 128 + packed->len; i += 3) {
        file->data[i] ^= 0x55;
        img = image_of(file->data, file->len);
        if (boot_image_parse(&img, NULL)) {
            boot_image_close(&img);
        }
        file->data[i] ^= 0x55;
    }
}

static void test_zboot(void)
{
    uint8_t data[IMAGE_BYTES];
    g_autoptr(GByteArray) packed = NULL;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = i * i >> 3;
    }
    make_image(data);
    packed = gzip(data, sizeof(data));
    check_zboot("gzip", data, packed);
}

static void test_zboot_zstd(void)
{
#ifdef CONFIG_ZSTD
    uint8_t data[IMAGE_BYTES];
    g_autoptr(GByteArray) packed = NULL;

    make_image(data);
    packed = zstd(data, sizeof(data));
    check_zboot("zstd", data, packed);
#else
    g_test_skip("built without zstd");
#endif
}

static void test_zboot_hostile(void)
{
    static const struct { const char *how; uint32_t at, len; const char *error; }
    bad[] = {
        { "lzma", 128, 10, "'lzma'" },
        { "", 128, 10, "''" },
        { "gzip", 128, UINT32_MAX, "too large" },
        { "gzip", UINT32_MAX, 10, "truncated" },
        { "gzip", 0, 0, "damaged" },
        { "gzip", 0, 64, "damaged" },
    };
    g_autoptr(GByteArray) nothing = g_byte_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GByteArray) file = zboot(bad[i].how, nothing);
        BootImage img = image_of(file->data, file->len);
        Error *err = NULL;

        put_le32(file->data + 8, bad[i].at);
        put_le32(file->data + 12, bad[i].len);
        g_assert_false(boot_image_parse(&img, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), bad[i].error));
        error_free(err);
    }
}

static void test_gzip_damaged(void)
{
    uint8_t data[IMAGE_BYTES];
    g_autoptr(GByteArray) packed = NULL;
    BootImage img;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = i * i >> 3;
    }
    make_image(data);
    packed = gzip(data, sizeof(data));
    for (size_t len = 64; len < packed->len; len += 5) {
        Error *err = NULL;

        img = image_of(packed->data, len);
        g_assert_false(boot_image_parse(&img, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), "'k'"));
        error_free(err);
        boot_image_close(&img);
    }
}

static void test_hostile(void)
{
    static const struct {
        unsigned offset;
        uint64_t value;
        const char *error;
    } bad[] = {
        { 56, 0, "no arm64 Linux kernel" },
        { 16, UINT64_MAX, "must be below" },
        { 16, 2 * GiB, "must be below" },
        { 8, 2 * MiB, "must be below" },
        { 8, UINT64_MAX, "must be below" },
        { 24, 1, "big-endian" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        uint8_t data[IMAGE_BYTES];
        Error *err = NULL;
        BootImage img;

        make_image(data);
        put_le64(data + bad[i].offset, bad[i].value);
        img = image_of(data, sizeof(data));
        g_assert_false(boot_image_parse(&img, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), bad[i].error));
        error_free(err);
    }
}

static void test_place(void)
{
    uint8_t data[IMAGE_BYTES], initrd[16] = { 1 };
    g_autofree char *cmdline = g_strnfill(2048, 'x');
    g_autofree uint8_t *ram = g_malloc(RAM_BYTES);
    BootPlan plan = {
        .cmdline = "",
        .initrd = { .fd = -1, .data = initrd, .size = 16, .name = "i" },
    };
    Error *err = NULL;

    make_image(data);
    plan.kernel = image_of(data, sizeof(data));
    g_assert_true(boot_image_parse(&plan.kernel, NULL));
    g_assert_true(boot_place(&plan, RAM_BYTES, NULL));
    g_assert_cmphex(plan.initrd_offset, ==, 4 * MiB);
    memset(ram, 0xff, RAM_BYTES);
    g_assert_true(boot_load(&plan, ram, false, NULL));
    g_assert_cmpint(ram[2 * MiB + IMAGE_BYTES], ==, 0);
    g_assert_cmpint(ram[3 * MiB - 1], ==, 0);
    g_assert_cmpint(ram[3 * MiB], ==, 0xff);
    g_assert_cmpint(ram[4 * MiB], ==, 1);

    g_assert_false(boot_place(&plan, 3 * MiB - 1, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "kernel 'k'"));
    g_clear_pointer(&err, error_free);
    g_assert_false(boot_place(&plan, 4 * MiB + 15, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "initrd 'i'"));
    g_clear_pointer(&err, error_free);
    plan.initrd.size = UINT64_MAX;
    g_assert_false(boot_place(&plan, RAM_BYTES, NULL));
    plan.initrd.size = 0;
    plan.cmdline = cmdline;
    g_assert_false(boot_place(&plan, RAM_BYTES, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "2048 characters"));
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/boot-image/plain", test_plain);
    g_test_add_func("/arm/boot-image/old", test_old);
    g_test_add_func("/arm/boot-image/gzip", test_gzip);
    g_test_add_func("/arm/boot-image/gzip-damaged", test_gzip_damaged);
    g_test_add_func("/arm/boot-image/zboot/gzip", test_zboot);
    g_test_add_func("/arm/boot-image/zboot/zstd", test_zboot_zstd);
    g_test_add_func("/arm/boot-image/zboot/hostile", test_zboot_hostile);
    g_test_add_func("/arm/boot-image/hostile", test_hostile);
    g_test_add_func("/arm/boot-image/place", test_place);
    return g_test_run();
}
