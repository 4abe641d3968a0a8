/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an NBD server sends: the input is all of it, handshake and replies, and
 * then the end of the stream. The client makes one request of each kind,
 * together, so cookies are small numbers; its own bytes go nowhere.
 */
#include "util/osdep.h"
#include "../unit/lib/mem-node.h"
#include "fuzz-loop.h"
#include <sys/socket.h>
#include "qapi/qapi-types-sockets.h"

#define REQUEST_BYTES 4096

static BlockDriverState *open_server(int fd)
{
    g_autofree char *number = g_strdup_printf("%d", fd);
    SocketAddress server = { .type = SOCKET_ADDRESS_TYPE_FD,
                             .u.fd.str = number };
    BlockdevOptions o = {
        .driver = BLOCKDEV_DRIVER_NBD,
        .has_auto_read_only = true,
        .auto_read_only = true,
    };

    o.u.nbd.server = &server;
    return bdrv_open(&o, NULL);
}

static unsigned pending;

typedef struct Request {
    BlockDriverState *bs;
    unsigned kind;
} Request;

static void coroutine_fn request_co(void *opaque)
{
    Request *r = opaque;
    BlockDriverState *bs = r->bs;
    int64_t bytes = MIN(REQUEST_BYTES, bs->total_bytes);
    uint8_t buf[REQUEST_BYTES];
    BdrvStatus st;

    memset(buf, 1, sizeof(buf));
    switch (r->kind) {
    case 0:
    case 1:
        bdrv_co_pread(bs, 0, buf, bytes);
        break;
    case 2:
        bdrv_co_block_status(bs, true, 0, bytes, &st);
        break;
    case 3:
        bdrv_co_pwrite(bs, 0, buf, bytes, 0);
        break;
    case 4:
        bdrv_co_pwrite_zeroes(bs, 0, bytes, BDRV_REQ_MAY_UNMAP);
        break;
    default:
        bdrv_co_flush(bs);
        break;
    }
    pending--;
}

static void make_requests(BlockDriverState *bs)
{
    Request r[6];

    pending = bs->read_only ? 3 : G_N_ELEMENTS(r);
    for (unsigned i = 0, n = pending; i < n; i++) {
        r[i] = (Request) { .bs = bs, .kind = i };
        coroutine_enter(coroutine_create(request_co, &r[i]));
    }
    while (pending) {
        aio_poll(main_context(), true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BlockDriverState *bs;
    int fds[2];

    fuzz_start_loop();
    if (size > 65536 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        return 0;
    }
    if (write(fds[1], data, size) == (ssize_t)size) {
        shutdown(fds[1], SHUT_WR);
        bs = open_server(fds[0]);
        if (bs) {
            make_requests(bs);
            bdrv_unref(bs);
        }
    } else {
        close(fds[0]);
    }
    close(fds[1]);
    return 0;
}
