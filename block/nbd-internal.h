/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NBD, the client's side. The constants are those of the protocol document
 * (doc/proto.md of the NBD project); all numbers go big endian.
 *
 * A NbdConn is one connection after its handshake. It is made whole in a
 * worker thread (nbd-connect.c, nbd-negotiate.c), handed to nbd-link.c, which
 * replaces a lost one, and used by the requests (nbd-request.c). Nothing watches
 * the socket while no request is in flight, so a node moves between threads
 * without telling it.
 */
#ifndef BLOCK_NBD_INTERNAL_H
#define BLOCK_NBD_INTERNAL_H

#include "block-internal.h"
#include "crypto/tls.h"
#include "util/bytes.h"

struct SocketAddress;

/* ---- Handshake ---- */

#define NBD_MAGIC         0x4e42444d41474943ULL     /* "NBDMAGIC" */
#define NBD_OPT_MAGIC     0x49484156454f5054ULL     /* "IHAVEOPT" */
#define NBD_OLD_MAGIC     0x0000420281861253ULL
#define NBD_REP_MAGIC     0x0003e889045565a9ULL

enum {
    NBD_FLAG_FIXED_NEWSTYLE = 1 << 0,   /* both sides have the same bits */
    NBD_FLAG_NO_ZEROES      = 1 << 1,
};

enum {
    NBD_OPT_EXPORT_NAME      = 1,
    NBD_OPT_ABORT            = 2,
    NBD_OPT_STARTTLS         = 5,
    NBD_OPT_GO               = 7,
    NBD_OPT_STRUCTURED_REPLY = 8,
    NBD_OPT_SET_META_CONTEXT = 10,
};

enum {
    NBD_REP_ACK          = 1,
    NBD_REP_INFO         = 3,
    NBD_REP_META_CONTEXT = 4,
    NBD_REP_ERR          = 0x80000000u, /* this bit: an error */
    NBD_REP_ERR_UNSUP    = 0x80000001u,
    NBD_REP_ERR_POLICY   = 0x80000002u,
    NBD_REP_ERR_INVALID  = 0x80000003u,
    NBD_REP_ERR_PLATFORM = 0x80000004u,
    NBD_REP_ERR_TLS_REQD = 0x80000005u,
    NBD_REP_ERR_UNKNOWN  = 0x80000006u,
    NBD_REP_ERR_SHUTDOWN = 0x80000007u,
    NBD_REP_ERR_BLOCK_SIZE_REQD = 0x80000008u,
    NBD_REP_ERR_TOO_BIG  = 0x80000009u,
};

enum {
    NBD_INFO_EXPORT     = 0,
    NBD_INFO_BLOCK_SIZE = 3,
};

/* Flags of an export. */
enum {
    NBD_FLAG_HAS_FLAGS         = 1 << 0,
    NBD_FLAG_READ_ONLY         = 1 << 1,
    NBD_FLAG_SEND_FLUSH        = 1 << 2,
    NBD_FLAG_SEND_FUA          = 1 << 3,
    NBD_FLAG_SEND_TRIM         = 1 << 5,
    NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6,
    NBD_FLAG_SEND_DF           = 1 << 7,
    NBD_FLAG_SEND_FAST_ZERO    = 1 << 11,
};

/* ---- Transmission ---- */

#define NBD_REQUEST_MAGIC          0x25609513u
#define NBD_SIMPLE_REPLY_MAGIC     0x67446698u
#define NBD_STRUCTURED_REPLY_MAGIC 0x668e33efu
#define NBD_REQUEST_BYTES          28
#define NBD_SIMPLE_REPLY_BYTES     16
#define NBD_STRUCTURED_REPLY_BYTES 20

enum {
    NBD_CMD_READ         = 0,
    NBD_CMD_WRITE        = 1,
    NBD_CMD_DISC         = 2,
    NBD_CMD_FLUSH        = 3,
    NBD_CMD_TRIM         = 4,
    NBD_CMD_WRITE_ZEROES = 6,
    NBD_CMD_BLOCK_STATUS = 7,
};

enum {
    NBD_CMD_FLAG_FUA       = 1 << 0,
    NBD_CMD_FLAG_NO_HOLE   = 1 << 1,
    NBD_CMD_FLAG_DF        = 1 << 2,
    NBD_CMD_FLAG_REQ_ONE   = 1 << 3,
    NBD_CMD_FLAG_FAST_ZERO = 1 << 4,
};

enum {
    NBD_REPLY_FLAG_DONE         = 1 << 0,
    NBD_REPLY_TYPE_NONE         = 0,
    NBD_REPLY_TYPE_OFFSET_DATA  = 1,
    NBD_REPLY_TYPE_OFFSET_HOLE  = 2,
    NBD_REPLY_TYPE_BLOCK_STATUS = 5,
    NBD_REPLY_TYPE_ERR_BIT      = 1 << 15,
    NBD_REPLY_TYPE_ERROR        = (1 << 15) + 1,
    NBD_REPLY_TYPE_ERROR_OFFSET = (1 << 15) + 2,
};

/* Flags of base:allocation. */
enum {
    NBD_STATE_HOLE = 1 << 0,
    NBD_STATE_ZERO = 1 << 1,
};

#define NBD_DEFAULT_PORT "10809"
#define NBD_BASE_ALLOCATION "base:allocation"
#define NBD_MAX_STRING 4096         /* of a name or message: proto.md */
/* What a server must take without having said its limits: proto.md. */
#define NBD_MAX_PAYLOAD (32 * MiB)
/* What a server may send that we have no use for. */
#define NBD_MAX_IGNORED (1 * MiB)
/* Time for a server to answer all of a handshake. */
#define NBD_HANDSHAKE_NS (30 * 1000000000LL)

/* What the user asked for; shared with the worker that connects. */
typedef struct NbdConfig {
    unsigned refcnt;                /* atomic */
    struct SocketAddress *server;
    int fd;                         /* of an "fd" address; -1: used */
    char *export;
    char *context;                  /* of block status */
    TlsCreds *tls_creds;            /* a reference; NULL: none */
    char *tls_hostname;
} NbdConfig;

/* What the server said. */
typedef struct NbdInfo {
    uint64_t size;
    uint16_t flags;
    uint32_t min_block, preferred_block, max_block;     /* 0: not said */
    bool structured;
    bool has_context;
    uint32_t context_id;
} NbdInfo;

typedef struct NbdRequest NbdRequest;

typedef struct NbdConn {
    unsigned refcnt;                /* atomic */
    int fd;
    int write_fd;                   /* the same: to wait for writing */
    TlsSession *tls;                /* NULL: none */
    NbdInfo info;
    int64_t deadline_ns;            /* of the handshake */

    CoMutex send_lock;
    uint8_t buf[4096];              /* received, not looked at; the reader's */
    size_t buf_pos, buf_len;

    GMutex guard;                   /* of the rest */
    bool broken;                    /* nothing more will come */
    bool violated;                  /* because the server broke the protocol */
    bool reading;                   /* one of the requests reads for all */
    uint64_t last_cookie;
    LIST_HEAD(, NbdRequest) requests;
} NbdConn;

struct NbdRequest {
    uint16_t type, flags;
    uint64_t offset;
    uint32_t bytes;
    IoVec *iov;                     /* of a read or a write */

    uint64_t cookie;
    Coroutine *co;
    bool waiting;                   /* yielded; whoever wakes it clears this */
    bool done;
    int error;                      /* -errno of the first error chunk */
    uint64_t received, next;        /* of a read */
    bool unordered;
    bool got_status;
    uint32_t status_bytes, status_flags;
    LIST_ENTRY(NbdRequest) link;
};

/* ---- nbd-conn.c ---- */

/* Takes @fd. */
NbdConn *nbd_conn_new(int fd, int64_t deadline_ns);
NbdConn *nbd_conn_ref(NbdConn *c);
void nbd_conn_unref(NbdConn *c);
/* Make whoever uses it fail. Any thread. */
void nbd_conn_shutdown(NbdConn *c);
/*
 * All of the bytes; 0, -errno, -ECONNRESET at the end of the stream. In a
 * coroutine it yields; elsewhere it waits until the deadline: -ETIMEDOUT.
 */
int nbd_conn_recv(NbdConn *c, void *buf, size_t len);
int nbd_conn_recv_iov(NbdConn *c, IoVec *iov, size_t offset, size_t len);
int nbd_conn_skip(NbdConn *c, size_t len);
/* @iov is used up. */
int nbd_conn_send(NbdConn *c, struct iovec *iov, unsigned niov);
int nbd_conn_handshake_tls(NbdConn *c, const NbdConfig *cfg, Error **errp);
/* Tell the server good-bye, if that takes no waiting. */
void nbd_conn_say_disconnect(NbdConn *c);

/* ---- nbd-negotiate.c: in a worker ---- */

bool nbd_negotiate(NbdConn *c, const NbdConfig *cfg, Error **errp);

/* ---- nbd-request.c ---- */

/*
 * 0; -errno of the server; -ECONNRESET: the connection is lost and what became
 * of the request is unknown; -EPROTO: the same, and the server is not to be
 * trusted any more.
 */
int coroutine_fn nbd_conn_request(NbdConn *c, NbdRequest *r);

/* ---- nbd-connect.c ---- */

NbdConfig *nbd_config_new(const BlockdevOptionsNbd *o, Error **errp);
NbdConfig *nbd_config_ref(NbdConfig *cfg);
void nbd_config_unref(NbdConfig *cfg);      /* main thread */

/* One try, in a worker; then @fn in the main thread with a connection, or NULL
 * and @err, which @fn frees. */
typedef struct NbdConnect NbdConnect;
typedef void NbdConnectFn(void *opaque, NbdConn *c, Error *err);
NbdConnect *nbd_connect(NbdConfig *cfg, NbdConnectFn *fn, void *opaque);
/* @fn does not run any more. Main thread. */
void nbd_connect_cancel(NbdConnect *job);

/* ---- nbd-link.c: the connection that lasts. Made and freed in the main
 * thread, used by coroutines of any ---- */

typedef struct NbdLink NbdLink;
/* Connects; tries again for @open_timeout seconds. @name: the node's. */
NbdLink *nbd_link_new(NbdConfig *cfg, const char *name,
                      uint32_t reconnect_delay, uint32_t open_timeout,
                      Error **errp);
/* No request is in flight. */
void nbd_link_free(NbdLink *l);
/* Of the first connection; each later one is as good. */
const NbdInfo *nbd_link_info(const NbdLink *l);
/* Sends it again after a reconnect. 0 or -errno. */
int coroutine_fn nbd_link_request(NbdLink *l, const NbdRequest *r,
                                  NbdRequest *result);

/* ---- nbd-name.c ---- */

extern const char *const nbd_protocols[];
bool nbd_parse_filename(const char *filename, struct json_object *options,
                        Error **errp);
/* nbd_complete_options: "host" and "port", or "path", become "server". */
void nbd_complete_options(struct json_object *options);
/* NULL: it has none. */
char *nbd_make_filename(const NbdConfig *cfg);

#endif
