/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the users of a file may do with it, towards other programs.
 *
 * Locks on byte ranges, the ones that QEMU documents for images, keep two
 * programs from using an image in ways that exclude each other:
 *
 *   100 + n  right n is used            200 + n  right n is not shared
 *
 * A file is open for writing only while somebody has the right to write, so
 * with the rights comes another descriptor.
 */
#include "util/osdep.h"
#include "file-internal.h"
#include <fcntl.h>
#include "util/file.h"

#define LOCK_PERM_BASE    100
#define LOCK_SHARED_BASE  200
#define PERM_BITS         4

/* ---- Locks ---- */

static void unlock_bits(FileState *s, uint64_t base, uint64_t bits)
{
    for (int i = 0; i < PERM_BITS; i++) {
        if (bits & BIT64(i)) {
            fd_unlock(s->fd, base + i, 1);
        }
    }
}

static bool lock_bits(FileState *s, uint64_t base, uint64_t bits, Error **errp)
{
    for (int i = 0; i < PERM_BITS; i++) {
        int ret = bits & BIT64(i) ? fd_lock(s->fd, base + i, 1, false) : 0;

        if (ret < 0) {
            error_setg_errno(errp, -ret, "Failed to lock byte %" PRIu64,
                             base + i);
            return false;
        }
    }
    return true;
}

/* Nobody else may hold any of the locks @bits at @base. */
static bool check_bits(BlockDriverState *bs, uint64_t base, uint64_t bits,
                       const char *what, Error **errp)
{
    FileState *s = bs->opaque;

    for (int i = 0; i < PERM_BITS; i++) {
        g_autofree char *name = NULL;

        if (!(bits & BIT64(i)) ||
            fd_lock_test(s->fd, base + i, 1, true) == 0) {
            continue;
        }
        name = bdrv_perm_names(BIT64(i));
        error_setg(errp, "Failed to get %s\"%s\" lock", what, name);
        error_append_hint(errp, "Is another process using the image [%s]?",
                          bs->filename);
        return false;
    }
    return true;
}

/* The flags to open it with, for these rights. */
static int file_wanted_flags(const FileState *s, uint64_t perm)
{
    int flags = s->reopening ? s->want_flags : s->flags;

    return perm & ~(uint64_t)BLK_PERM_CONSISTENT_READ ?
           (flags & ~O_ACCMODE) | O_RDWR : flags;
}

static bool file_open_next(BlockDriverState *bs, uint64_t perm,
                           uint64_t unshared, Error **errp)
{
    FileState *s = bs->opaque;
    int old_fd = s->fd;
    bool ok;

    s->next_flags = file_wanted_flags(s, perm);
    s->next_fd = file_open(bs->filename, s->next_flags, 0, errp);
    if (s->next_fd < 0 || !s->locking) {
        return s->next_fd >= 0;
    }
    /* The locks go with the descriptor: they are taken on the new one. */
    s->fd = s->next_fd;
    ok = lock_bits(s, LOCK_PERM_BASE, perm, errp) &&
         lock_bits(s, LOCK_SHARED_BASE, unshared, errp);
    s->fd = old_fd;
    return ok;
}

void file_abort_perm(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    unlock_bits(s, LOCK_PERM_BASE, s->add_perm);
    unlock_bits(s, LOCK_SHARED_BASE, s->add_unshared);
    s->add_perm = s->add_unshared = 0;
    if (s->next_fd >= 0) {
        close(s->next_fd);
        s->next_fd = -1;
    }
}

/* New locks first, then the checks: two that start at once both see it. */
bool file_check_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared,
                     Error **errp)
{
    FileState *s = bs->opaque;
    uint64_t unshared = ~shared & BLK_PERM_ALL;
    bool ok = true;

    if (s->locking) {
        s->add_perm = perm & ~s->locked_perm;
        s->add_unshared = unshared & ~s->locked_unshared;
        ok = lock_bits(s, LOCK_PERM_BASE, s->add_perm, errp) &&
             lock_bits(s, LOCK_SHARED_BASE, s->add_unshared, errp) &&
             check_bits(bs, LOCK_SHARED_BASE, perm, "", errp) &&
             check_bits(bs, LOCK_PERM_BASE, unshared, "shared ", errp);
    }
    if (ok && file_wanted_flags(s, perm) != s->flags) {
        ok = file_open_next(bs, perm, unshared, errp);
    }
    if (!ok) {
        file_abort_perm(bs);
    }
    return ok;
}

/* Requests on their way still use the old descriptor. */
static void file_switch_fd(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    bdrv_drained_begin(bs);
    file_ring_slot_free(s->slot);
    s->slot = file_ring_slot_new();
    close(s->fd);
    s->fd = s->next_fd;
    s->next_fd = -1;
    s->flags = s->next_flags;
    bdrv_drained_end(bs);
}

void file_set_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared)
{
    FileState *s = bs->opaque;
    uint64_t unshared = ~shared & BLK_PERM_ALL;

    if (s->next_fd >= 0) {
        file_switch_fd(bs);
    } else if (s->locking) {
        unlock_bits(s, LOCK_PERM_BASE, s->locked_perm & ~perm);
        unlock_bits(s, LOCK_SHARED_BASE, s->locked_unshared & ~unshared);
    }
    s->locked_perm = s->locking ? perm : 0;
    s->locked_unshared = s->locking ? unshared : 0;
    s->add_perm = s->add_unshared = 0;
}
