/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SMBIOS: structures byte for byte where DSP0134 has them, options and their
 * mistakes, and what dmidecode reads. */
#include "util/osdep.h"
#include "hw/smbios/smbios.h"
#include <glib/gstdio.h>
#include <json-c/json.h>
#include "tests/unit/lib/assert-error.h"
#include "util/bytes.h"

static const Uuid no_uuid;

static bool add(SmbiosConfig *c, const char *json, Error **errp)
{
    struct json_object *tree = json_tokener_parse(json);
    bool ok;

    g_assert_nonnull(tree);
    ok = smbios_config_add(c, tree, errp);
    json_object_put(tree);
    return ok;
}

static SmbiosConfig *config(const char *const *options)
{
    SmbiosConfig *c = smbios_config_new();

    for (; *options; options++) {
        Error *err = NULL;

        if (!add(c, *options, &err)) {
            g_error("%s: %s", *options, error_get_pretty(err));
        }
    }
    return c;
}

static bool find_pci(const char *id, uint8_t *devfn, Error **errp)
{
    *devfn = 0x28;
    if (strcmp(id, "net0")) {
        error_setg(errp, "no '%s'", id);
    }
    return !strcmp(id, "net0");
}

static GByteArray *try_build(const SmbiosConfig *c, bool firmware,
                             Error **errp)
{
    const SmbiosMachine m = {
        .config = c, .name = "virt-1.0", .uuid = &no_uuid,
        .sockets = 2, .cores = 4, .threads = 8,
        .ram = { { 0, 3 * GiB }, { 4 * GiB, 5 * GiB } }, .nram = 2,
        .is_firmware = firmware, .find_pci = find_pci,
    };

    return smbios_build(&m, errp);
}

static GByteArray *build(const SmbiosConfig *c, bool firmware)
{
    GByteArray *t = try_build(c, firmware, NULL);

    g_assert_nonnull(t);
    return t;
}

/* The next structure, or NULL after the last; all must be whole. */
static const uint8_t *next(const GByteArray *t, const uint8_t *p)
{
    const uint8_t *end = t->data + t->len;

    if (!p) {
        return t->data;
    }
    for (p += p[1]; p + 1 < end && (p[0] || p[1]); p++) {
    }
    g_assert_true(p + 2 <= end);
    return p + 2 == end ? NULL : p + 2;
}

static const uint8_t *find(const GByteArray *t, uint8_t type, unsigned int nth)
{
    const uint8_t *p = next(t, NULL);

    while (p && (p[0] != type || nth--)) {
        p = next(t, p);
    }
    return p;
}

static char *types(const GByteArray *t)
{
    GString *text = g_string_new(NULL);

    for (const uint8_t *p = next(t, NULL); p; p = next(t, p)) {
        g_string_append_printf(text, "%u ", p[0]);
    }
    return g_string_free(text, FALSE);
}

/* The string that the byte at @offset names, "" for none. */
static const char *str(const uint8_t *p, unsigned int offset)
{
    const char *s = (const char *)p + p[1];

    g_assert_cmpuint(offset, <, p[1]);
    if (!p[offset]) {
        return "";
    }
    for (unsigned int n = 1; n < p[offset]; n++) {
        s += strlen(s) + 1;
        g_assert_true(*s);
    }
    return s;
}

static void test_defaults(void)
{
    GByteArray *t = build(NULL, false);
    g_autofree char *all = types(t), *direct = NULL;
    const uint8_t *p;

    g_assert_cmpstr(all, ==, "1 3 4 4 16 17 19 19 32 127 ");
    p = find(t, 1, 0);
    g_assert_cmpuint(p[1], ==, 0x1b);
    g_assert_cmpstr(str(p, 4), ==, "NEMU");
    g_assert_cmpstr(str(p, 6), ==, "virt-1.0");
    g_assert_cmpstr(str(p, 7), ==, "");
    p = find(t, 3, 0);
    g_assert_cmpuint(p[1], ==, 0x16);
    p = find(t, 4, 1);
    g_assert_cmpuint(p[1], ==, 0x30);
    g_assert_cmpstr(str(p, 4), ==, "CPU 1");
    g_assert_cmpuint(p[0x23], ==, 4);
    g_assert_cmpuint(p[0x25], ==, 8);
    p = find(t, 16, 0);
    g_assert_cmpuint(get_le64(p + 0xf), ==, 8 * GiB);
    p = find(t, 17, 0);
    g_assert_cmpuint(p[1], ==, 0x28);
    g_assert_cmpuint(get_le32(p + 0x1c), ==, 8192);
    p = find(t, 19, 1);
    g_assert_cmphex(get_le64(p + 0x0f), ==, 4 * GiB);
    g_assert_cmphex(get_le64(p + 0x17), ==, 9 * GiB - 1);
    g_byte_array_unref(t);

    t = build(NULL, true);
    direct = types(t);
    g_assert_cmpstr(direct, ==, "0 1 3 4 4 16 17 19 19 32 127 ");
    g_byte_array_unref(t);
}

static const char *const many[] = {
    "{'type':'0','vendor':'V','version':'W','date':'02/03/2004',"
    "'release':'5.6','uefi':'on'}",
    "{'type':'1','manufacturer':'M','product':'P','version':'1','serial':'S',"
    "'uuid':'33db4d5b-1ff7-401c-9657-7441c03dd766','sku':'K','family':'F'}",
    "{'type':'1','product':'other'}",
    "{'type':'2','product':'board','asset':'tag','location':'here'}",
    "{'type':'3','sku':'chassis-sku'}",
    "{'type':'4','sock_pfx':'Socket','max-speed':'4000',"
    "'current-speed':'3000','processor-id':'0x1122334455667788'}",
    "{'type':'8','internal_reference':'in','external_reference':'out',"
    "'connector_type':'0x0b','port_type':'31'}",
    "{'type':'11','value':['first','second']}",
    "{'type':'11','value':'third'}",
    "{'type':'17','loc_pfx':'Slot','bank':'B','speed':'3200','part':'X'}",
    NULL,
};

static void test_fields(void)
{
    SmbiosConfig *c = config(many);
    GByteArray *t = build(c, false);
    g_autofree char *all = types(t);
    const uint8_t *p;

    g_assert_cmpstr(all, ==, "0 1 2 3 4 4 8 11 16 17 19 19 32 127 ");
    p = find(t, 0, 0);
    g_assert_cmpuint(p[1], ==, 0x18);
    g_assert_cmpstr(str(p, 4), ==, "V");
    g_assert_cmpstr(str(p, 8), ==, "02/03/2004");
    g_assert_cmphex(p[0x13], ==, 0x18);
    g_assert_cmpuint(p[0x14], ==, 5);
    g_assert_cmpuint(p[0x15], ==, 6);
    p = find(t, 1, 0);
    g_assert_cmpstr(str(p, 4), ==, "M");
    g_assert_cmpstr(str(p, 5), ==, "other");
    g_assert_cmphex(get_le32(p + 8), ==, 0x33db4d5b);
    g_assert_cmpstr(str(p, 0x19), ==, "K");
    g_assert_cmpstr(str(p, 0x1a), ==, "F");
    p = find(t, 2, 0);
    g_assert_cmpuint(p[1], ==, 0x0f);
    g_assert_cmpstr(str(p, 0x0a), ==, "here");
    p = find(t, 3, 0);
    g_assert_cmpstr(str(p, 0x15), ==, "chassis-sku");
    p = find(t, 4, 0);
    g_assert_cmpstr(str(p, 4), ==, "Socket 0");
    g_assert_cmphex(get_le64(p + 8), ==, 0x1122334455667788);
    g_assert_cmpuint(get_le16(p + 0x14), ==, 4000);
    g_assert_cmpuint(get_le16(p + 0x16), ==, 3000);
    p = find(t, 8, 0);
    g_assert_cmpuint(p[1], ==, 9);
    g_assert_cmpstr(str(p, 6), ==, "out");
    g_assert_cmpuint(p[7], ==, 11);
    g_assert_cmpuint(p[8], ==, 31);
    p = find(t, 11, 0);
    g_assert_cmpuint(p[4], ==, 3);
    g_assert_cmpmem(p + 5, 20, "first\0second\0third\0\0", 20);
    p = find(t, 17, 0);
    g_assert_cmpstr(str(p, 0x10), ==, "Slot 0");
    g_assert_cmpuint(get_le16(p + 0x15), ==, 3200);
    g_byte_array_unref(t);
    smbios_config_free(c);
}

/* 7.42: on PCI and not. */
static void test_onboard(void)
{
    static const char *const options[] = {
        "{'type':'41','designation':'LAN','kind':'ethernet','instance':'3',"
        "'pcidev':'net0'}",
        "{'type':'41','designation':'two'}", "{'type':'41','kind':'sas'}", NULL
    };
    static const uint8_t lan[] = { 41, 11, 0x00, 0x29, 1, 0x85, 3, 0, 0, 0,
                                   0x28, 'L', 'A', 'N', 0, 0 };
    static const uint8_t two[] = { 41, 11, 0x01, 0x29, 1, 0x81, 1, 0, 0, 0xff,
                                   0xff, 't', 'w', 'o', 0, 0 };
    static const uint8_t sas[] = { 41, 11, 0x02, 0x29, 0, 0x8a, 1, 0, 0, 0xff,
                                   0xff, 0, 0 };
    SmbiosConfig *c = config(options);
    GByteArray *t = build(c, false);
    Error *err = NULL;

    g_assert_cmpmem(find(t, 41, 0), sizeof(lan), lan, sizeof(lan));
    g_assert_cmpmem(find(t, 41, 1), sizeof(two), two, sizeof(two));
    g_assert_cmpmem(find(t, 41, 2), sizeof(sas), sas, sizeof(sas));
    g_byte_array_unref(t);

    g_assert_true(add(c, "{'type':'41','pcidev':'gone'}", NULL));
    g_assert_null(try_build(c, false, &err));
    assert_error(err, "type=41,pcidev=gone: no 'gone'");
    error_free(err);
    smbios_config_free(c);
}

static char *write_tmp(const void *data, size_t len)
{
    char *path = NULL;
    int fd = g_file_open_tmp("nemu-smbios-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, len), ==, len);
    close(fd);
    return path;
}

static bool add_file(SmbiosConfig *c, const char *path, Error **errp)
{
    g_autofree char *json = g_strdup_printf("{'file':'%s'}", path);

    return add(c, json, errp);
}

/* The user's structures replace ours of the same type. */
static void test_file(void)
{
    static const char data[] = "\x03\x04\x01\x30mine\0\0\x80\x05\x02\x80\x07\0";
    g_autofree char *path = write_tmp(data, sizeof(data));
    SmbiosConfig *c = smbios_config_new();
    g_autofree char *all = NULL;
    GByteArray *t;
    Error *err = NULL;

    g_assert_true(add_file(c, path, NULL));
    t = build(c, false);
    all = types(t);
    g_assert_cmpstr(all, ==, "3 128 1 4 4 16 17 19 19 32 127 ");
    g_assert_false(add(c, "{'type':'3','sku':'x'}", &err));
    assert_error(err, "can't process fields for type 3");
    error_free(err);
    g_unlink(path);
    g_byte_array_unref(t);
    smbios_config_free(c);
}

static void test_file_mistakes(void)
{
    static const struct { const char *data; size_t len; } bad[] = {
        { "", 0 }, { "\x03", 1 }, { "\x03\x04\x01", 3 },
        { "\x03\x03\x01\x30\0\0", 6 },      /* shorter than its header */
        { "\x03\x04\x01\x30", 4 }, { "\x03\x04\x01\x30\0", 5 },
        { "\x03\xff\x01\x30\0\0", 6 },      /* longer than the file */
        { "\x03\x04\x01\x30mine\0", 9 },    /* one zero byte at the end */
        { "\x03\x04\x01\x30\0\0\x03", 7 },  /* half of a second one */
        { "\x7f\x04\x01\x30\0\0", 6 },      /* the end is ours to say */
        { "\x01\x04\x01\x30\0\0", 6 },      /* has fields already */
    };
    static const char *const options[] = { "{'type':'1','sku':'x'}", NULL };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = write_tmp(bad[i].data, bad[i].len);
        SmbiosConfig *c = config(options);
        Error *err = NULL;

        g_test_message("file %zu", i);
        g_assert_false(add_file(c, path, &err));
        g_assert_nonnull(err);
        error_free(err);
        g_unlink(path);
        smbios_config_free(c);
    }
}

static void test_mistakes(void)
{
    static const struct { const char *option, *error; } bad[] = {
        { "{'type':'1','colour':'red'}", "colour" },
        { "{'type':'5'}", "'5'" },
        { "{'type':'9'}", "file=" },
        { "{'type':'41','kind':'toaster'}", "toaster" },
        { "{'type':'41','instance':'256'}", "instance" },
        { "{}", "type" },
        { "{'type':'1','uuid':'xyz'}", "xyz" },
        { "{'type':'0','release':'1'}", "Invalid release '1'" },
        { "{'type':'0','release':'1.256'}", "Invalid release" },
        { "{'type':'0','release':'1.2.3'}", "Invalid release" },
        { "{'type':'4','max-speed':'65536'}", "max-speed" },
        { "{'type':'11','path':'/nonexistent'}", "/nonexistent" },
        { "{'file':'/nonexistent'}", "/nonexistent" },
        { "{'file':'x','type':'1'}", "type" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        SmbiosConfig *c = smbios_config_new();
        Error *err = NULL;

        g_assert_false(add(c, bad[i].option, &err));
        if (!strstr(error_get_pretty(err), bad[i].error) &&
            !(error_get_hint(err) &&
              strstr(error_get_hint(err), bad[i].error))) {
            g_error("%s: '%s'", bad[i].option, error_get_pretty(err));
        }
        error_free(err);
        smbios_config_free(c);
    }
}

static void test_too_many_strings(void)
{
    SmbiosConfig *c = smbios_config_new();
    Error *err = NULL;

    for (int i = 0; i < 255; i++) {
        g_assert_true(add(c, "{'type':'11','value':'x'}", NULL));
    }
    g_assert_false(add(c, "{'type':'11','value':'x'}", &err));
    assert_error(err, "255 strings");
    error_free(err);
    smbios_config_free(c);
}

static void test_entry_point(void)
{
    uint8_t ep[SMBIOS_ENTRY_BYTES], sum = 0;

    smbios_entry_point(ep, 0x123, 0xf0020);
    for (size_t i = 0; i < sizeof(ep); i++) {
        sum += ep[i];
    }
    g_assert_cmphex(sum, ==, 0);
    g_assert_cmpmem(ep, 5, "_SM3_", 5);
    g_assert_cmpuint(get_le32(ep + 12), ==, 0x123);
    g_assert_cmphex(get_le64(ep + 16), ==, 0xf0020);
}

/* A dump has the entry point first, structures at 0x20. */
static char *dmidecode(const GByteArray *t)
{
    g_autofree uint8_t *dump = g_malloc0(0x20 + t->len);
    g_autofree char *path = NULL, *err = NULL;
    const char *argv[] = { "dmidecode", "--from-dump", NULL, NULL };
    char *out = NULL;
    int status = -1;

    smbios_entry_point(dump, t->len, 0x20);
    memcpy(dump + 0x20, t->data, t->len);
    path = write_tmp(dump, 0x20 + t->len);
    argv[2] = path;
    if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                     NULL, &out, &err, &status, NULL)) {
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpstr(err, ==, "");
    }
    g_unlink(path);
    return out;
}

static void test_dmidecode(void)
{
    static const char *const words[] = {
        "SMBIOS 3.3", "Vendor: V", "UEFI is supported", "BIOS Revision: 5.6",
        "UUID: 33db4d5b-1ff7-401c-9657-7441c03dd766", "SKU Number: K",
        "Location In Chassis: here", "Socket Designation: Socket 1",
        "Max Speed: 4000 MHz", "Core Count: 4", "Thread Count: 8",
        "External Reference Designator: out", "String 3: third",
        "Maximum Capacity: 8 GB", "Size: 8 GB", "Locator: Slot 0",
        "Ending Address: 0x000000023FFFFFFFk", "End Of Table",
    };
    static const char *const trouble[] = { "<BAD INDEX>", "<OUT OF SPEC>",
                                           "Invalid", "Wrong", "TRUNCATED" };
    SmbiosConfig *c = config(many);
    GByteArray *t = build(c, false);
    g_autofree char *out = dmidecode(t);

    if (!out) {
        g_test_skip("dmidecode does not start");
    }
    for (size_t i = 0; out && i < G_N_ELEMENTS(words); i++) {
        if (!strstr(out, words[i])) {
            g_error("no '%s' in:\n%s", words[i], out);
        }
    }
    for (size_t i = 0; out && i < G_N_ELEMENTS(trouble); i++) {
        if (strstr(out, trouble[i])) {
            g_error("'%s' in:\n%s", trouble[i], out);
        }
    }
    g_byte_array_unref(t);
    smbios_config_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smbios/build/defaults", test_defaults);
    g_test_add_func("/smbios/build/fields", test_fields);
    g_test_add_func("/smbios/build/onboard", test_onboard);
    g_test_add_func("/smbios/file/replaces", test_file);
    g_test_add_func("/smbios/file/mistakes", test_file_mistakes);
    g_test_add_func("/smbios/options/mistakes", test_mistakes);
    g_test_add_func("/smbios/options/too-many-strings",
                    test_too_many_strings);
    g_test_add_func("/smbios/entry-point", test_entry_point);
    g_test_add_func("/smbios/dmidecode", test_dmidecode);
    return g_test_run();
}
