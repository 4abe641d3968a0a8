/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "crypto-internal.h"
#include "util/thread-pool.h"

static bool allow_legacy;

void bdrv_allow_legacy_crypto(void)
{
    allow_legacy = true;
}

bool bdrv_legacy_crypto_allowed(void)
{
    return allow_legacy;
}

/* ---- The header ---- */

static bool in_area(const BdrvCryptoArea *a, uint64_t offset, size_t len,
                    Error **errp)
{
    if (offset > a->bytes || len > a->bytes - offset) {
        error_setg(errp, "%zu bytes at %" PRIu64 " are outside of the header of "
                   "encryption, which has %" PRIu64, len, offset, a->bytes);
        return false;
    }
    return true;
}

static bool done(int ret, const char *what, Error **errp)
{
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not %s the header of encryption",
                         what);
    }
    return ret >= 0;
}

static bool open_read(void *opaque, uint64_t offset, void *buf, size_t len,
                      Error **errp)
{
    BdrvCryptoArea *a = opaque;

    return in_area(a, offset, len, errp) &&
           done(bdrv_pread(a->file, a->offset + offset, buf, len), "read",
                errp);
}

static bool coroutine_fn co_read(void *opaque, uint64_t offset, void *buf,
                                 size_t len, Error **errp)
{
    BdrvCryptoArea *a = opaque;

    return in_area(a, offset, len, errp) &&
           done(bdrv_co_pread(a->file, a->offset + offset, buf, len), "read",
                errp);
}

static bool coroutine_fn co_write(void *opaque, uint64_t offset,
                                  const void *buf, size_t len, Error **errp)
{
    BdrvCryptoArea *a = opaque;

    return in_area(a, offset, len, errp) &&
           done(bdrv_co_pwrite(a->file, a->offset + offset, buf, len, 0),
                "write", errp);
}

CryptoBlockIo bdrv_crypto_open_io(BdrvCryptoArea *area)
{
    return (CryptoBlockIo) { .read = open_read, .opaque = area,
                             .bytes = area->bytes };
}

CryptoBlockIo bdrv_crypto_co_io(BdrvCryptoArea *area)
{
    return (CryptoBlockIo) { .read = co_read, .write = co_write,
                             .opaque = area, .bytes = area->bytes };
}

int coroutine_fn bdrv_crypto_co_amend(CryptoBlock *crypto, BdrvCryptoArea *area,
                                      const BdrvAmend *amend, Error **errp)
{
    CryptoBlockIo io = bdrv_crypto_co_io(area);
    int ret;

    if (!crypto_block_amend_luks(crypto, &io, amend->encrypt, amend->force,
                                 errp)) {
        return -EINVAL;
    }
    ret = bdrv_co_flush(area->file);
    done(ret, "flush", errp);
    return ret;
}

/* ---- Data ---- */

/* A worker costs more than the work until here. */
#define INLINE_BYTES (64 * KiB)
#define PIECE_BYTES  (1 * MiB)

typedef struct CryptTask {
    CryptoBlock *crypto;
    bool encrypt;
    uint64_t offset;
    uint8_t *buf;
    size_t bytes;
} CryptTask;

static int run_task(void *opaque)
{
    CryptTask *t = opaque;

    return (t->encrypt ? crypto_block_encrypt : crypto_block_decrypt)
           (t->crypto, t->offset, t->buf, t->buf, t->bytes);
}

static int coroutine_fn crypt_piece(CryptTask *t)
{
    return t->bytes <= INLINE_BYTES ? run_task(t) :
                                      thread_pool_submit_co(run_task, t);
}

/* Piece by piece, through a buffer that the guest does not see. */
static int coroutine_fn crypt_request(const BdrvCryptoRequest *r, bool write)
{
    size_t room = ROUND_UP(MIN(r->bytes, PIECE_BYTES), 4 * KiB);
    g_autofree uint8_t *buf = aligned_alloc(4 * KiB, room);
    int ret = buf ? 0 : -ENOMEM;

    for (size_t at = 0; at < r->bytes && ret >= 0; at += room) {
        CryptTask t = { r->crypto, write, r->offset + at, buf,
                        MIN(room, r->bytes - at) };
        uint64_t place = r->file_offset + at;

        if (write) {
            iovec_to_buf(r->iov, r->done + at, buf, t.bytes);
            ret = crypt_piece(&t);
            ret = ret < 0 ? ret : bdrv_co_pwrite(r->file, place, buf, t.bytes,
                                                 r->flags);
        } else {
            ret = bdrv_co_pread(r->file, place, buf, t.bytes);
            ret = ret < 0 ? ret : crypt_piece(&t);
            if (ret >= 0) {
                iovec_from_buf(r->iov, r->done + at, buf, t.bytes);
            }
        }
    }
    return ret;
}

int coroutine_fn bdrv_crypto_co_read(const BdrvCryptoRequest *r)
{
    return crypt_request(r, false);
}

int coroutine_fn bdrv_crypto_co_write(const BdrvCryptoRequest *r)
{
    return crypt_request(r, true);
}
