/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets: in the open, in files, encrypted. */
#include "util/osdep.h"
#include "crypto/secret.h"
#include <glib/gstdio.h>
#include <json-c/json.h>
#include "util/bql.h"
#include "tests/unit/lib/assert-error.h"

/* "123456" encrypted by `openssl enc -aes-256-cbc` with the key below */
#define KEY_BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define IV_BASE64  "AAECAwQFBgcICQoLDA0ODw=="
#define CIPHER_BASE64 "ZAETodKTx4svTYAmaIyeXg=="

static bool add(const char *id, const char *props, Error **errp)
{
    struct json_object *json = json_tokener_parse(props);
    Object *obj = user_creatable_add(TYPE_SECRET, id, json, errp);

    json_object_put(json);
    return obj != NULL;
}

static void assert_secret(const char *id, const char *want)
{
    g_autoptr(Error) err = NULL;
    char *text = secret_lookup_utf8(id, &err);

    g_assert_null(err);
    g_assert_cmpstr(text, ==, want);
    secret_free(text, strlen(text));
}

static void test_data_raw(void)
{
    g_assert_true(add("s", "{\"data\":\"hello\"}", NULL));
    assert_secret("s", "hello");
    g_assert_false(object_property_set_str(
        object_resolve_path_component(object_get_objects_root(), "s"), "data",
        "other", NULL));
    g_assert_true(user_creatable_del("s", NULL));
}

static void test_data_base64(void)
{
    g_autoptr(Error) err = NULL;
    uint8_t *data;
    size_t len;

    g_assert_true(add("s", "{\"data\":\"AAEC/w==\",\"format\":\"base64\"}",
                      &err));
    g_assert_true(secret_lookup("s", &data, &len, &err));
    g_assert_cmpmem(data, len, "\x00\x01\x02\xff", 4);
    secret_free(data, len);
    g_assert_null(secret_lookup_utf8("s", &err));
    g_assert_nonnull(err);
    g_assert_true(user_creatable_del("s", NULL));
}

static void test_file(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(),
                                             "nemu-secret-XXXXXX", NULL);
    g_autofree char *props = NULL;
    int fd = g_mkstemp(path);

    g_assert_cmpint(write(fd, "from file", 9), ==, 9);
    close(fd);
    props = g_strdup_printf("{\"file\":\"%s\"}", path);
    g_assert_true(add("s", props, NULL));
    assert_secret("s", "from file");
    g_assert_true(user_creatable_del("s", NULL));
    g_unlink(path);
}

static void test_encrypted(void)
{
#ifdef CONFIG_GNUTLS
    g_autoptr(Error) err = NULL;

    g_assert_true(add("master", "{\"data\":\"" KEY_BASE64 "\","
                      "\"format\":\"base64\"}", NULL));
    add("s", "{\"data\":\"" CIPHER_BASE64 "\",\"format\":\"base64\","
        "\"keyid\":\"master\",\"iv\":\"" IV_BASE64 "\"}", &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    assert_secret("s", "123456");
    g_assert_true(user_creatable_del("s", NULL));
    g_assert_true(user_creatable_del("master", NULL));
#else
    g_test_skip("built without GnuTLS");
#endif
}

static void test_bad_properties(void)
{
    static const struct {
        const char *props, *text;
    } cases[] = {
        { "{}", "'file' or 'data'" },
        { "{\"data\":\"a\",\"file\":\"b\"}", "mutually exclusive" },
        { "{\"file\":\"/nonexistent\"}", "/nonexistent" },
        { "{\"data\":\"!!\",\"format\":\"base64\"}", "base64" },
        { "{\"data\":\"a\",\"format\":\"hex\"}", "hex" },
        { "{\"data\":\"YQ==\",\"format\":\"base64\",\"keyid\":\"master\"}",
          "iv" },
        { "{\"data\":\"YQ==\",\"format\":\"base64\",\"keyid\":\"master\","
          "\"iv\":\"YQ==\"}", "16 bytes" },
        { "{\"data\":\"YQ==\",\"format\":\"base64\",\"keyid\":\"none\","
          "\"iv\":\"" IV_BASE64 "\"}", "'none'" },
        { "{\"data\":\"YQ==\",\"format\":\"base64\",\"keyid\":\"short\","
          "\"iv\":\"" IV_BASE64 "\"}", "32 bytes" },
#ifdef CONFIG_GNUTLS
        { "{\"data\":\"YQ==\",\"format\":\"base64\",\"keyid\":\"master\","
          "\"iv\":\"" IV_BASE64 "\"}", "multiple of 16" },
        /* 16 bytes that decrypt to rubbish: the padding is wrong */
        { "{\"data\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"format\":\"base64\","
          "\"keyid\":\"master\",\"iv\":\"" IV_BASE64 "\"}", "padding" },
#endif
    };

    g_assert_true(add("master", "{\"data\":\"" KEY_BASE64 "\","
                      "\"format\":\"base64\"}", NULL));
    g_assert_true(add("short", "{\"data\":\"abc\"}", NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        add("s", cases[i].props, &err);
        assert_error_of(cases[i].props, err, cases[i].text);
    }
    user_creatable_cleanup();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bql_lock();
    g_test_add_func("/crypto/secret/raw", test_data_raw);
    g_test_add_func("/crypto/secret/base64", test_data_base64);
    g_test_add_func("/crypto/secret/file", test_file);
    g_test_add_func("/crypto/secret/encrypted", test_encrypted);
    g_test_add_func("/crypto/secret/bad", test_bad_properties);
    return g_test_run();
}
