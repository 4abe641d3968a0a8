/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LUKS: public vectors, an image that qemu-img made, headers of all ciphers
 * made and opened, passphrases added and erased, and headers that lie.
 *
 * The argument is the sample: the header and the first key slot of
 *   qemu-img create -f luks -o cipher-alg=aes-128,cipher-mode=cbc,
 *     ivgen-alg=essiv,hash-alg=sha1,iter-time=1,key-secret=... 64k
 * with the passphrase "hunter2".
 */
#include "util/osdep.h"
#include "crypto/luks-internal.h"
#include <json-c/json.h>
#include "crypto/secret.h"
#include "util/bql.h"
#include "util/bytes.h"
#include "tests/unit/lib/assert-error.h"

static const char *sample_path;

/* ---- Headers in memory ---- */

typedef struct Mem {
    uint8_t *data;
    CryptoBlockIo io;
} Mem;

static bool mem_read(void *opaque, uint64_t offset, void *buf, size_t len,
                     Error **errp)
{
    Mem *m = opaque;

    g_assert_cmpuint(offset + len, <=, m->io.bytes);
    memcpy(buf, m->data + offset, len);
    return true;
}

static bool mem_write(void *opaque, uint64_t offset, const void *buf,
                      size_t len, Error **errp)
{
    Mem *m = opaque;

    g_assert_cmpuint(offset + len, <=, m->io.bytes);
    memcpy(m->data + offset, buf, len);
    return true;
}

static void mem_init(Mem *m, size_t bytes)
{
    m->data = g_malloc0(bytes);
    m->io = (CryptoBlockIo) { mem_read, mem_write, m, bytes };
}

static void add_secret(const char *id, const char *data)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "data", json_object_new_string(data));
    g_assert_nonnull(user_creatable_add(TYPE_SECRET, id, json, NULL));
    json_object_put(json);
}

static CryptoBlock *open_ok(Mem *m, const char *secret)
{
    Error *err = NULL;
    CryptoBlock *c = crypto_block_open_luks(&m->io, secret, "key-secret", false,
                                            &err);

    if (!c) {
        g_error("%s", error_get_pretty(err));
    }
    return c;
}

static void open_fails(Mem *m, const char *secret, const char *text)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(crypto_block_open_luks(&m->io, secret, "key-secret", false,
                                         &err));
    assert_error(err, text);
}

/* A key that can be tried at once. */
static const QCryptoBlockCreateOptionsLUKS quick = {
    .key_secret = (char *)"a", .has_iter_time = true, .iter_time = 0,
};

static CryptoBlock *create(Mem *m, const QCryptoBlockCreateOptionsLUKS *o)
{
    Error *err = NULL;
    CryptoBlock *c = crypto_block_create_luks(o, "key-secret", &err);

    if (!c) {
        g_error("%s", error_get_pretty(err));
    }
    mem_init(m, crypto_block_payload_offset(c));
    g_assert_true(crypto_block_write_luks(c, &m->io, NULL));
    return c;
}

/* ---- Vectors ---- */

static const uint8_t xts_key[32] = {
    0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45,
    0x23, 0x53, 0x60, 0x28, 0x74, 0x71, 0x35, 0x26,
    0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97, 0x93,
    0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95,
};

/* IEEE 1619, vectors 4 and 5: sectors 0 and 1, which encrypts sector 0. */
static void test_xts_vectors(void)
{
    static const uint8_t want[2][16] = {
        { 0x27, 0xa7, 0x47, 0x9b, 0xef, 0xa1, 0xd4, 0x76,
          0x48, 0x9f, 0x30, 0x8c, 0xd4, 0xcf, 0xa6, 0xe2 },
        { 0x26, 0x4d, 0x3c, 0xa8, 0x51, 0x21, 0x94, 0xfe,
          0xc3, 0x12, 0xc8, 0xc9, 0x89, 0x1f, 0x27, 0x9f },
    };
    const CipherSpec spec = { CRYPTO_CIPHER_AES_128, CRYPTO_MODE_XTS,
                              CRYPTO_IVGEN_PLAIN64, 0 };
    SectorCipher *c = sector_cipher_new(cipher_ops(NULL), &spec, xts_key, NULL);
    uint8_t buf[512];

    g_assert_nonnull(c);
    for (int i = 0; i < 512; i++) {
        buf[i] = i;
    }
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(sector_cipher_crypt(c, true, i, buf, buf, 512), ==, 0);
        g_assert_cmpmem(buf, 16, want[i], 16);
    }
    for (int i = 1; i >= 0; i--) {
        g_assert_cmpint(sector_cipher_crypt(c, false, i, buf, buf, 512), ==, 0);
    }
    for (int i = 0; i < 512; i++) {
        g_assert_cmpuint(buf[i], ==, (uint8_t)i);
    }
    sector_cipher_free(c);
}

/* "plain" forgets the high bits of a number, "plain64" does not. */
static void test_high_sectors(void)
{
    CipherSpec spec = { CRYPTO_CIPHER_AES_128, CRYPTO_MODE_XTS,
                        CRYPTO_IVGEN_PLAIN, 0 };
    uint8_t in[512] = { 1 }, low[512], high[512];

    for (int pass = 0; pass < 2; pass++) {
        SectorCipher *c;

        spec.ivgen = pass ? CRYPTO_IVGEN_PLAIN64 : CRYPTO_IVGEN_PLAIN;
        c = sector_cipher_new(cipher_ops(NULL), &spec, xts_key, NULL);
        sector_cipher_crypt(c, true, 5, in, low, 512);
        sector_cipher_crypt(c, true, 5 + (1ULL << 32), in, high, 512);
        g_assert_cmpint(!memcmp(low, high, 512), ==, pass == 0);
        sector_cipher_free(c);
    }
}

static void test_splitter(void)
{
    static const QCryptoHashAlgorithm hashes[] = {
        CRYPTO_HASH_SHA1, CRYPTO_HASH_SHA256, CRYPTO_HASH_SHA512,
    };
    static const uint32_t stripes[] = { 1, 2, 3, 4000 };
    g_autofree uint8_t *split = g_malloc(64 * 4000);
    uint8_t key[64], back[64];

    for (int i = 0; i < 64; i++) {
        key[i] = i * 7;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(stripes); k++) {
            const LuksHash h = { cipher_ops(NULL), hashes[i] };
            size_t bytes = 16 + 8 * i, n = stripes[k];
            Error *err = NULL;

            if (!luks_af_split(&h, key, bytes, n, split, &err)) {
                g_error("%s", error_get_pretty(err));
            }
            g_assert_true(luks_af_merge(&h, split, bytes, n, back, NULL));
            g_assert_cmpmem(back, bytes, key, bytes);
            /* Any part counts. */
            split[n * bytes / 2] ^= 1;
            g_assert_true(luks_af_merge(&h, split, bytes, n, back, NULL));
            g_assert_cmpint(memcmp(back, key, bytes), !=, 0);
        }
    }
}

/* What qemu-img made: key slot, splitter, digest, essiv. */
static void test_sample(void)
{
    static const uint8_t sectors[2][8] = {  /* 0 and 2, all bytes 7 */
        { 0xd4, 0x1d, 0xda, 0x8e, 0xe7, 0x63, 0xfa, 0x01 },
        { 0xb9, 0x1a, 0x32, 0xf0, 0x31, 0xec, 0xaf, 0xb4 },
    };
    g_autofree char *data = NULL;
    QCryptoBlockInfoLUKS *info;
    uint8_t buf[1536];
    CryptoBlock *c;
    gsize bytes;
    Mem m;

    g_assert_true(g_file_get_contents(sample_path, &data, &bytes, NULL));
    mem_init(&m, bytes);
    memcpy(m.data, data, bytes);
    c = open_ok(&m, "hunter2");
    info = crypto_block_info_luks(c);
    g_assert_cmpint(info->cipher_alg, ==, CRYPTO_CIPHER_AES_128);
    g_assert_cmpint(info->payload_offset, ==, 528384);
    g_assert_cmpint(info->slots->value->iters, ==, 8521);
    qapi_free_QCryptoBlockInfoLUKS(info);
    memset(buf, 7, sizeof(buf));
    g_assert_cmpint(crypto_block_encrypt(c, 0, buf, buf, sizeof(buf)), ==, 0);
    g_assert_cmpmem(buf, 8, sectors[0], 8);
    g_assert_cmpmem(buf + 1024, 8, sectors[1], 8);
    crypto_block_free(c);
    open_fails(&m, "a", "Invalid password, cannot unlock any keyslot");
    m.io.bytes = bytes - 1;
    open_fails(&m, "hunter2", "key slot 0 ends at byte 68096, after the end");
    g_free(m.data);
}

/* ---- Made and opened ---- */

static const struct {
    QCryptoCipherAlgorithm alg;
    QCryptoCipherMode mode;
    QCryptoIVGenAlgorithm ivgen;
    QCryptoHashAlgorithm ivgen_hash, hash;
} ciphers[] = {
    { CRYPTO_CIPHER_AES_256, CRYPTO_MODE_XTS, CRYPTO_IVGEN_PLAIN64,
      CRYPTO_HASH_SHA256, CRYPTO_HASH_SHA256 },
    { CRYPTO_CIPHER_AES_128, CRYPTO_MODE_XTS, CRYPTO_IVGEN_PLAIN,
      CRYPTO_HASH_SHA256, CRYPTO_HASH_SHA1 },
    { CRYPTO_CIPHER_AES_128, CRYPTO_MODE_CBC, CRYPTO_IVGEN_ESSIV,
      CRYPTO_HASH_SHA256, CRYPTO_HASH_SHA512 },
    /* Its key material does not end at a sector. */
    { CRYPTO_CIPHER_AES_192, CRYPTO_MODE_CBC, CRYPTO_IVGEN_PLAIN64,
      CRYPTO_HASH_SHA256, CRYPTO_HASH_SHA1 },
    { CRYPTO_CIPHER_AES_256, CRYPTO_MODE_CBC, CRYPTO_IVGEN_ESSIV,
      CRYPTO_HASH_MD5, CRYPTO_HASH_SHA384 },
    { CRYPTO_CIPHER_AES_256, CRYPTO_MODE_XTS, CRYPTO_IVGEN_ESSIV,
      CRYPTO_HASH_SHA256, CRYPTO_HASH_SHA224 },
};

static void test_create(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ciphers); i++) {
        QCryptoBlockCreateOptionsLUKS o = quick;
        uint8_t plain[1024], a[1024], b[1024];
        CryptoBlock *made, *opened;
        Mem m;

        o.has_cipher_alg = o.has_cipher_mode = o.has_ivgen_alg = true;
        o.has_ivgen_hash_alg = o.has_hash_alg = true;
        o.cipher_alg = ciphers[i].alg;
        o.cipher_mode = ciphers[i].mode;
        o.ivgen_alg = ciphers[i].ivgen;
        o.ivgen_hash_alg = ciphers[i].ivgen_hash;
        o.hash_alg = ciphers[i].hash;
        made = create(&m, &o);
        opened = open_ok(&m, "a");
        memset(plain, i, sizeof(plain));
        crypto_block_encrypt(made, 7 * 512, plain, a, sizeof(a));
        crypto_block_encrypt(opened, 7 * 512, plain, b, sizeof(b));
        g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
        g_assert_cmpint(memcmp(a, a + 512, 512), !=, 0);
        crypto_block_decrypt(opened, 7 * 512, a, a, sizeof(a));
        g_assert_cmpmem(a, sizeof(a), plain, sizeof(plain));
        open_fails(&m, "b", "Invalid password");
        crypto_block_free(made);
        crypto_block_free(opened);
        g_free(m.data);
    }
}

static void create_fails(const QCryptoBlockCreateOptionsLUKS *o,
                         const char *text)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(crypto_block_create_luks(o, "key-secret", &err));
    assert_error(err, text);
}

static void test_create_errors(void)
{
    QCryptoBlockCreateOptionsLUKS o = quick;

    o.has_cipher_alg = true;
    o.cipher_alg = CRYPTO_CIPHER_SERPENT_256;
    create_fails(&o, "cipher 'serpent-256' in mode 'xts' is not supported");
    o.cipher_alg = CRYPTO_CIPHER_AES_192;
    create_fails(&o, "Algorithm 'aes-192' not supported in mode 'xts'");
    o.cipher_alg = CRYPTO_CIPHER_DES;
    create_fails(&o, "Algorithm 'des' not supported");
    o = quick;
    o.has_ivgen_alg = o.has_ivgen_hash_alg = true;
    o.ivgen_alg = CRYPTO_IVGEN_ESSIV;
    o.ivgen_hash_alg = CRYPTO_HASH_SHA1;
    create_fails(&o, "hash 'sha1' cannot be used for essiv");
    o = quick;
    o.iter_time = -1;
    create_fails(&o, "iter-time -1");
    o.key_secret = NULL;
    create_fails(&o, "Parameter 'key-secret' is required for cipher");
    o = quick;
    o.key_secret = (char *)"none";
    create_fails(&o, "No secret with id 'none'");
}

static void test_facts_only(void)
{
    uint8_t buf[512] = { 0 };
    CryptoBlock *c;
    Mem m;

    crypto_block_free(create(&m, &quick));
    c = crypto_block_open_luks(&m.io, NULL, "key-secret", true, NULL);
    g_assert_nonnull(c);
    g_assert_false(crypto_block_has_key(c));
    g_assert_cmpuint(crypto_block_payload_offset(c), ==, 2068480);
    g_assert_cmpint(crypto_block_decrypt(c, 0, buf, buf, 512), ==, -EACCES);
    crypto_block_free(c);
    open_fails(&m, NULL, "Parameter 'key-secret' is required for cipher");
    g_free(m.data);
}

static void test_alignment(void)
{
    uint8_t buf[1024] = { 0 };
    Mem m;
    CryptoBlock *c = create(&m, &quick);

    g_assert_cmpint(crypto_block_encrypt(c, 1, buf, buf, 512), ==, -EINVAL);
    g_assert_cmpint(crypto_block_encrypt(c, 0, buf, buf, 100), ==, -EINVAL);
    crypto_block_free(c);
    g_free(m.data);
}

/* ---- Passphrases ---- */

static const QCryptoBlockAmendOptionsLUKS add_b = {
    .state = CRYPTO_KEYSLOT_ACTIVE, .new_secret = (char *)"b",
    .has_iter_time = true, .iter_time = 0,
};
static const QCryptoBlockAmendOptionsLUKS drop = {
    .state = CRYPTO_KEYSLOT_INACTIVE,
};

static void amend_fails(CryptoBlock *c, Mem *m,
                        const QCryptoBlockAmendOptionsLUKS *o, const char *text)
{
    g_autofree uint8_t *before = g_memdup2(m->data, m->io.bytes);
    g_autoptr(Error) err = NULL;

    g_assert_false(crypto_block_amend_luks(c, &m->io, o, false, &err));
    assert_error(err, text);
    g_assert_cmpmem(m->data, m->io.bytes, before, m->io.bytes);
}

static void test_passphrases(void)
{
    QCryptoBlockAmendOptionsLUKS o = add_b;
    g_autofree uint8_t *material = NULL;
    Mem m;
    CryptoBlock *c = create(&m, &quick);

    g_assert_true(crypto_block_amend_luks(c, &m.io, &o, false, NULL));
    crypto_block_free(open_ok(&m, "a"));
    crypto_block_free(open_ok(&m, "b"));
    material = g_memdup2(m.data + 4096, 256000);
    o = drop;
    o.old_secret = (char *)"a";
    g_assert_true(crypto_block_amend_luks(c, &m.io, &o, false, NULL));
    g_assert_cmpint(memcmp(m.data + 4096, material, 512), !=, 0);
    g_assert_cmpint(memcmp(m.data + 4096 + 255488, material + 255488, 512), !=,
                    0);
    open_fails(&m, "a", "Invalid password");
    crypto_block_free(open_ok(&m, "b"));
    o = add_b;
    o.has_keyslot = true;
    o.keyslot = 1;
    g_assert_true(crypto_block_amend_luks(c, &m.io, &o, true, NULL));
    crypto_block_free(open_ok(&m, "b"));
    o = drop;
    o.has_keyslot = true;
    o.keyslot = 1;
    g_assert_true(crypto_block_amend_luks(c, &m.io, &o, true, NULL));
    open_fails(&m, "b", "Invalid password");
    crypto_block_free(c);
    g_free(m.data);
}

static void test_passphrase_errors(void)
{
    QCryptoBlockAmendOptionsLUKS o = add_b;
    Mem m;
    CryptoBlock *c = create(&m, &quick);

    o.has_keyslot = true;
    o.keyslot = 0;
    amend_fails(c, &m, &o, "Refusing to overwrite active keyslot 0");
    o.keyslot = 8;
    amend_fails(c, &m, &o, "Invalid keyslot 8");
    o.keyslot = -1;
    amend_fails(c, &m, &o, "Invalid keyslot -1");
    o = add_b;
    o.secret = (char *)"b";
    amend_fails(c, &m, &o, "Invalid password");
    o = add_b;
    o.new_secret = NULL;
    amend_fails(c, &m, &o, "'new-secret' is required");
    o = add_b;
    o.old_secret = (char *)"a";
    amend_fails(c, &m, &o, "'old-secret' must not be given");
    amend_fails(c, &m, &drop, "To erase keyslot(s)");
    o = drop;
    o.old_secret = (char *)"a";
    amend_fails(c, &m, &o, "All active keyslots would be erased");
    o.old_secret = (char *)"b";
    amend_fails(c, &m, &o, "No keyslots match");
    o = drop;
    o.has_keyslot = true;
    o.keyslot = 3;
    amend_fails(c, &m, &o, "keyslot 3 is already erased");
    o.new_secret = (char *)"a";
    amend_fails(c, &m, &o, "'new-secret' must not be given");
    for (int i = 1; i < LUKS_SLOTS; i++) {
        g_assert_true(crypto_block_amend_luks(c, &m.io, &add_b, false, NULL));
    }
    amend_fails(c, &m, &add_b, "all keyslots are in use");
    crypto_block_free(c);
    g_free(m.data);
}

/* ---- Headers that lie ---- */

static const struct {
    const char *error;
    unsigned offset;
    uint32_t value;
} broken[] = {
    { "not in LUKS format", 0, 0x12345678 },
    { "LUKS version 2 is not supported", 4, 0xbabe0002 },
    { "has no key of 0 bytes", 108, 0 },
    { "has no key of 7 bytes", 108, 7 },
    { "has no key of 4294967295 bytes", 108, UINT32_MAX },
    { "cipher mode 'xxx'", 40, 0x7878782d },
    { "hash 'xxxx56'", 72, 0x78787878 },
    { "the data are in another file", 104, 0 },
    { "key slot 0 is in sectors 8 to 508", 104, 9 },
    { "the key's digest has 0 iterations", 164, 0 },
    { "the key's digest has 4294967295 iterations", 164, UINT32_MAX },
    { "key slot 0 is neither active nor not", 208, 1 },
    { "a key slot has 0 iterations", 212, 0 },
    { "a key slot has 4294967295 iterations", 212, UINT32_MAX },
    { "key slot 0 is in sectors 0 to", 248, 0 },
    { "key slot 0 is in sectors 1 to", 248, 1 },
    { "key slot 0 is in sectors 4294967295 to", 248, UINT32_MAX },
    { "key slot 0 has 0 stripes", 252, 0 },
    { "key slot 0 has 4294967295 stripes", 252, UINT32_MAX },
    { "key slots 0 and 1 overlap", 252, 8000 },
    { "key slot 1 has 0 stripes", 300, 0 },
    { "key slots 0 and 7 overlap", 208 + 7 * 48 + 40, 9 },
};

static void test_broken_headers(void)
{
    g_autofree uint8_t *good = NULL;
    Mem m;

    crypto_block_free(create(&m, &quick));
    good = g_memdup2(m.data, LUKS_HEADER_BYTES);
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        memcpy(m.data, good, LUKS_HEADER_BYTES);
        put_be32(m.data + broken[i].offset, broken[i].value);
        open_fails(&m, "a", broken[i].error);
    }
    /* Names that do not end. */
    for (unsigned at = 8; at <= 72; at += 32) {
        memcpy(m.data, good, LUKS_HEADER_BYTES);
        memset(m.data + at, 'x', 32);
        open_fails(&m, "a", "does not end");
    }
    memcpy(m.data, good, LUKS_HEADER_BYTES);
    memcpy(m.data + 8, "rot13", 6);
    open_fails(&m, "a", "cipher 'rot13' is not supported");
    memcpy(m.data + 8, "serpent", 8);
    open_fails(&m, "a", "cipher 'serpent-256' in mode 'xts' is not supported");
    memcpy(m.data, good, LUKS_HEADER_BYTES);
    m.io.bytes = LUKS_HEADER_BYTES - 1;
    open_fails(&m, "a", "too short");
    m.io.bytes = LUKS_HEADER_BYTES;
    open_fails(&m, "a", "key slot 0 ends at byte 260096, after the end at 592");
    g_free(m.data);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bql_lock();
    g_assert_cmpint(argc, ==, 2);
    sample_path = argv[1];
    add_secret("a", "first");
    add_secret("b", "second");
    add_secret("hunter2", "hunter2");
    g_test_add_func("/crypto/luks/xts_vectors", test_xts_vectors);
    g_test_add_func("/crypto/luks/high_sectors", test_high_sectors);
    g_test_add_func("/crypto/luks/splitter", test_splitter);
    g_test_add_func("/crypto/luks/sample", test_sample);
    g_test_add_func("/crypto/luks/create", test_create);
    g_test_add_func("/crypto/luks/create_errors", test_create_errors);
    g_test_add_func("/crypto/luks/facts_only", test_facts_only);
    g_test_add_func("/crypto/luks/alignment", test_alignment);
    g_test_add_func("/crypto/luks/passphrases", test_passphrases);
    g_test_add_func("/crypto/luks/passphrase_errors", test_passphrase_errors);
    g_test_add_func("/crypto/luks/broken_headers", test_broken_headers);
    return g_test_run();
}
