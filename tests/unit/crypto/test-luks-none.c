/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUKS in a build without a crypto library: it says what is missing. */
#include "util/osdep.h"
#include "crypto/block.h"
#include "tests/unit/lib/assert-error.h"

static void test_create(void)
{
    const QCryptoBlockCreateOptionsLUKS o = { .key_secret = (char *)"s" };
    g_autoptr(Error) err = NULL;

    g_assert_null(crypto_block_create_luks(&o, "key-secret", &err));
    assert_error(err, "encrypted images are not built in");
    g_assert_nonnull(strstr(error_get_hint(err), "--enable-gnutls"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crypto/luks/no_library", test_create);
    return g_test_run();
}
