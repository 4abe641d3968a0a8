/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest programs and erases goes to the drive at once, but from the
 * main loop, where requests live: the chip is busy meanwhile. A bitmap of
 * pages keeps what has still to be written, so however fast a guest that does
 * not look at the status register is, there is one request of bounded size.
 *
 * A failing write sets the status bits of what the guest did last. Under the
 * policy "stop" its pages wait until the VM runs again.
 */
#include "util/osdep.h"
#include "hw/block/pflash_cfi01.h"
#include "util/bitmap.h"
#include "util/iov.h"
#include "util/main-loop.h"
#include "trace/trace-hw_block.h"

#define REQUEST_BYTES   (256 * KiB)     /* the most for one */
#define LOAD_BYTES      (1 * MiB)

static uint32_t store_pages(const PFlashCFI01 *s)
{
    return s->bytes / PFLASH_PAGE_BYTES;
}

/* ---- Loading ---- */

/* Pages of zeros, most of any image, cost no memory. */
static void store_fill(PFlashCFI01 *s, uint32_t at, uint8_t *buf, uint32_t len)
{
    for (uint32_t i = 0; i < len; i += PFLASH_PAGE_BYTES) {
        struct iovec page = { buf + i, PFLASH_PAGE_BYTES };

        if (!iov_is_zero(&page, 1, 0, PFLASH_PAGE_BYTES)) {
            memcpy(s->array + at + i, buf + i, PFLASH_PAGE_BYTES);
        }
    }
}

bool pflash_store_load(PFlashCFI01 *s, Error **errp)
{
    g_autofree uint8_t *buf = g_malloc(LOAD_BYTES);

    for (uint32_t at = 0, n; at < s->bytes; at += n) {
        int ret;

        n = MIN(s->bytes - at, LOAD_BYTES);
        ret = blk_pread(s->conf.blk, at, buf, n);
        if (ret < 0) {
            error_setg_errno(errp, -ret, "cannot read the content of flash "
                             "'%s'", s->name);
            return false;
        }
        store_fill(s, at, buf, n);
    }
    return true;
}

/* ---- Storing ---- */

/* From here on something is always in flight until nothing is to be done. */
static void store_start(PFlashCFI01 *s)
{
    blk_inc_in_flight(s->conf.blk);
    aio_bh_schedule(s->store_bh);
}

static void store_failed(PFlashCFI01 *s, int error)
{
    BlkErrorAction action = blk_get_error_action(s->conf.blk, false, error);

    if (action == BLK_ERROR_STOP) {
        s->stalled = true;
        bitmap_set(s->dirty, s->request.at / PFLASH_PAGE_BYTES,
                   s->request.bytes / PFLASH_PAGE_BYTES);
    } else if (action == BLK_ERROR_REPORT) {
        s->status |= s->fail_status;
    }
    blk_error_action(s->conf.blk, action, false, error);
}

static void store_next(PFlashCFI01 *s);

static void store_done(void *opaque, int ret)
{
    PFlashCFI01 *s = opaque;

    trace_pflash_store_done(s->name, s->request.at, s->request.bytes, ret);
    g_clear_pointer(&s->bounce, g_free);
    iovec_destroy(&s->iov);
    if (ret < 0) {
        blk_acct_failed(s->conf.blk, &s->acct);
        store_failed(s, -ret);
    } else {
        blk_acct_done(s->conf.blk, &s->acct);
    }
    if (!s->stalled) {
        store_next(s);
    }
}

/* The next run of pages; the chip is ready when there is none. */
static void store_next(PFlashCFI01 *s)
{
    uint32_t pages = store_pages(s), end;
    uint32_t first = find_next_bit(s->dirty, pages, 0);

    if (first == pages) {
        s->busy = false;
        return;
    }
    end = find_next_zero_bit(s->dirty, pages, first);
    end = MIN(end, first + REQUEST_BYTES / PFLASH_PAGE_BYTES);
    bitmap_clear(s->dirty, first, end - first);
    s->request.at = first * PFLASH_PAGE_BYTES;
    s->request.bytes = (end - first) * PFLASH_PAGE_BYTES;
    s->bounce = g_memdup2(s->array + s->request.at, s->request.bytes);
    iovec_init(&s->iov, 1);
    iovec_add(&s->iov, s->bounce, s->request.bytes);
    blk_acct_start(s->conf.blk, &s->acct, s->request.bytes, BLOCK_ACCT_WRITE);
    blk_aio_pwritev(s->conf.blk, s->request.at, &s->iov, 0, store_done, s);
}

static void store_bh(void *opaque)
{
    PFlashCFI01 *s = opaque;

    store_next(s);
    blk_dec_in_flight(s->conf.blk);
}

void pflash_store_changed(PFlashCFI01 *s, uint32_t at, uint32_t bytes,
                          uint8_t fail)
{
    uint32_t first = at / PFLASH_PAGE_BYTES;

    memory_mark_dirty(s->array + at, bytes);
    if (!s->dirty) {
        return;
    }
    bitmap_set(s->dirty, first,
               DIV_ROUND_UP(at + bytes, PFLASH_PAGE_BYTES) - first);
    s->fail_status = fail;
    if (!s->busy) {
        s->busy = true;
        store_start(s);
    }
}

/* A VM that stops has written everything, unless its drives do not work. */
static void store_vm_change(void *opaque, bool running, RunState state)
{
    PFlashCFI01 *s = opaque;

    if (!running) {
        blk_drain(s->conf.blk);
    } else if (s->stalled) {
        s->stalled = false;
        store_start(s);
    }
}

/* ---- Life ---- */

void pflash_store_init(PFlashCFI01 *s)
{
    s->dirty = bitmap_new(store_pages(s));
    s->store_bh = aio_bh_new(main_context(), store_bh, s);
    s->vm_change = vm_change_state_add(store_vm_change, s, 0);
}

void pflash_store_cleanup(PFlashCFI01 *s)
{
    if (!s->dirty) {
        return;
    }
    blk_drain(s->conf.blk);
    vm_change_state_del(s->vm_change);
    aio_bh_delete(s->store_bh);
    g_clear_pointer(&s->dirty, g_free);
}
