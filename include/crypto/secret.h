/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "-object secret": passwords and keys, given in the open, in a file, or
 * encrypted by another secret (AES-256-CBC, needs GnuTLS).
 *
 * Threading: big lock.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "qom/object.h"

#define TYPE_SECRET "secret"
OBJECT_DECLARE_SIMPLE_TYPE(Secret, SECRET)

/* secret_lookup: a copy of the plain bytes of secret @id (a NUL follows them).
 * Returns false with *@errp set. Free by secret_free(). */
bool secret_lookup(const char *id, uint8_t **data, size_t *len, Error **errp);
/* secret_lookup_utf8: the same as text; fails when it is not UTF-8. */
char *secret_lookup_utf8(const char *id, Error **errp);
/* secret_free: wipe and free. */
void secret_free(void *data, size_t len);

#endif
