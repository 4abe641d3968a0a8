/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fixed newstyle handshake of NBD (proto.md, "Newstyle negotiation"):
 * TLS if asked for, structured replies, a meta context, and the export by GO
 * or, with an older server, by EXPORT_NAME. Runs in a worker thread; all
 * that waits ends at the connection's deadline.
 */
#include "util/osdep.h"
#include "nbd-internal.h"

#define NBD_MAX_OPTION_REPLIES 64   /* to one option; GO has a dozen kinds */
#define NBD_MAX_MIN_BLOCK (64 * KiB)    /* proto.md, "Block sizes" */

typedef struct NbdReply {
    uint32_t option, type, len;
} NbdReply;

static const char *option_name(uint32_t option)
{
    switch (option) {
    case NBD_OPT_EXPORT_NAME: return "export name";
    case NBD_OPT_STARTTLS: return "starttls";
    case NBD_OPT_GO: return "go";
    case NBD_OPT_STRUCTURED_REPLY: return "structured reply";
    case NBD_OPT_SET_META_CONTEXT: return "set meta context";
    default: return "<unknown>";
    }
}

static bool recv_or_fail(NbdConn *c, void *buf, size_t len, const char *what,
                         Error **errp)
{
    int ret = nbd_conn_recv(c, buf, len);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to read %s", what);
        return false;
    }
    return true;
}

static bool skip_or_fail(NbdConn *c, size_t len, Error **errp)
{
    int ret = nbd_conn_skip(c, len);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to read option reply");
        return false;
    }
    return true;
}

static bool send_or_fail(NbdConn *c, const void *buf, size_t len, Error **errp)
{
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
    int ret = nbd_conn_send(c, &iov, 1);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to send to the NBD server");
        return false;
    }
    return true;
}

/* ---- Options ---- */

static bool send_option(NbdConn *c, uint32_t option, const GByteArray *data,
                        Error **errp)
{
    g_autoptr(GByteArray) msg = g_byte_array_new();
    uint8_t head[16];

    put_be64(head, NBD_OPT_MAGIC);
    put_be32(head + 8, option);
    put_be32(head + 12, data ? data->len : 0);
    g_byte_array_append(msg, head, sizeof(head));
    if (data) {
        g_byte_array_append(msg, data->data, data->len);
    }
    return send_or_fail(c, msg->data, msg->len, errp);
}

static bool recv_reply(NbdConn *c, uint32_t option, NbdReply *r, Error **errp)
{
    uint8_t head[20];

    if (!recv_or_fail(c, head, sizeof(head), "option reply", errp)) {
        return false;
    }
    r->option = get_be32(head + 8);
    r->type = get_be32(head + 12);
    r->len = get_be32(head + 16);
    if (get_be64(head) != NBD_REP_MAGIC) {
        error_setg(errp, "Unexpected option reply magic 0x%" PRIx64,
                   get_be64(head));
        return false;
    }
    if (r->option != option) {
        error_setg(errp, "Unexpected option type %u (%s), expected %u (%s)",
                   r->option, option_name(r->option), option,
                   option_name(option));
        return false;
    }
    if (r->len > NBD_MAX_PAYLOAD) {
        error_setg(errp, "option reply of %u bytes is too long", r->len);
        return false;
    }
    return true;
}

static const struct {
    uint32_t type;
    const char *text;               /* of option, %s */
} refusals[] = {
    { NBD_REP_ERR_UNSUP, "Unsupported option" },
    { NBD_REP_ERR_POLICY, "Denied by server for option" },
    { NBD_REP_ERR_INVALID, "Invalid parameters for option" },
    { NBD_REP_ERR_PLATFORM, "Server lacks support for option" },
    { NBD_REP_ERR_TLS_REQD, "Server requires TLS for option" },
    { NBD_REP_ERR_UNKNOWN, "Requested export not available for option" },
    { NBD_REP_ERR_SHUTDOWN, "Server shutting down before option" },
    { NBD_REP_ERR_BLOCK_SIZE_REQD, "Server requires INFO_BLOCK_SIZE for "
                                   "option" },
    { NBD_REP_ERR_TOO_BIG, "Too large a request for option" },
};

/* The reply is an error: its text becomes part of ours. */
static void refused(NbdConn *c, const NbdReply *r, Error **errp)
{
    g_autofree char *msg = NULL;
    const char *text = "Unknown error from server for option";

    if (r->len && r->len <= NBD_MAX_STRING) {
        msg = g_malloc0(r->len + 1);
        if (nbd_conn_recv(c, msg, r->len) < 0 ||
            !g_utf8_validate(msg, -1, NULL)) {
            g_clear_pointer(&msg, g_free);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        if (refusals[i].type == r->type) {
            text = refusals[i].text;
        }
    }
    error_setg(errp, "%s %u (%s)%s%s", text, r->option, option_name(r->option),
               msg ? ": server reported: " : "", msg ? msg : "");
    if (r->type == NBD_REP_ERR_TLS_REQD) {
        error_append_hint(errp, "Did you forget a valid tls-creds?");
    }
}

/* An option that is answered by yes or no. 1, 0, or -1 with *@errp set. */
static int simple_option(NbdConn *c, uint32_t option, bool must, Error **errp)
{
    NbdReply r;

    if (!send_option(c, option, NULL, errp) ||
        !recv_reply(c, option, &r, errp)) {
        return -1;
    }
    if (r.type == NBD_REP_ACK && r.len == 0) {
        return 1;
    }
    if (!(r.type & NBD_REP_ERR) || must || r.type == NBD_REP_ERR_TLS_REQD) {
        if (r.type & NBD_REP_ERR) {
            refused(c, &r, errp);
        } else {
            error_setg(errp, "Unexpected reply type %u to option %u (%s)",
                       r.type, option, option_name(option));
        }
        return -1;
    }
    return skip_or_fail(c, r.len, errp) ? 0 : -1;
}

static void append_be32(GByteArray *a, uint32_t v)
{
    uint8_t buf[4];

    put_be32(buf, v);
    g_byte_array_append(a, buf, sizeof(buf));
}

static void append_be16(GByteArray *a, uint16_t v)
{
    uint8_t buf[2];

    put_be16(buf, v);
    g_byte_array_append(a, buf, sizeof(buf));
}

static void append_string(GByteArray *a, const char *s)
{
    append_be32(a, strlen(s));
    g_byte_array_append(a, (const uint8_t *)s, strlen(s));
}

/* ---- Meta contexts ---- */

static bool recv_context(NbdConn *c, const NbdConfig *cfg, const NbdReply *r,
                         Error **errp)
{
    char name[NBD_MAX_STRING + 1] = "";
    uint8_t id[4];

    if (r->len < sizeof(id) || r->len - sizeof(id) > NBD_MAX_STRING) {
        error_setg(errp, "meta context reply of %u bytes has a wrong length",
                   r->len);
        return false;
    }
    if (!recv_or_fail(c, id, sizeof(id), "meta context", errp) ||
        !recv_or_fail(c, name, r->len - sizeof(id), "meta context", errp)) {
        return false;
    }
    if (!g_str_equal(name, cfg->context)) {
        g_autofree char *shown = g_utf8_make_valid(name, -1);

        error_setg(errp, "the server gave meta context '%s' instead of '%s'",
                   shown, cfg->context);
        return false;
    }
    if (c->info.has_context) {
        error_setg(errp, "the server gave meta context '%s' twice", name);
        return false;
    }
    c->info.has_context = true;
    c->info.context_id = get_be32(id);
    return true;
}

static bool negotiate_context(NbdConn *c, const NbdConfig *cfg, Error **errp)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    NbdReply r;

    append_string(data, cfg->export);
    append_be32(data, 1);
    append_string(data, cfg->context);
    if (!send_option(c, NBD_OPT_SET_META_CONTEXT, data, errp)) {
        return false;
    }
    for (;;) {
        if (!recv_reply(c, NBD_OPT_SET_META_CONTEXT, &r, errp)) {
            return false;
        }
        if (r.type == NBD_REP_META_CONTEXT) {
            if (!recv_context(c, cfg, &r, errp)) {
                return false;
            }
        } else if (r.type == NBD_REP_ACK) {
            return skip_or_fail(c, r.len, errp);
        } else if (r.type & NBD_REP_ERR) {
            c->info.has_context = false;
            return skip_or_fail(c, r.len, errp);
        } else {
            error_setg(errp, "Unexpected reply type %u to a meta context",
                       r.type);
            return false;
        }
    }
}

/* ---- The export ---- */

static bool is_pow2(uint32_t v)
{
    return v && !(v & (v - 1));
}

static bool check_block_sizes(NbdInfo *i, Error **errp)
{
    if (!is_pow2(i->min_block) || i->min_block > NBD_MAX_MIN_BLOCK) {
        error_setg(errp, "server's minimum block size %u is not a power of two "
                   "up to %llu", i->min_block, NBD_MAX_MIN_BLOCK);
        return false;
    }
    if (!is_pow2(i->preferred_block) || i->preferred_block < i->min_block) {
        error_setg(errp, "server's preferred block size %u is not a power of "
                   "two of at least %u", i->preferred_block, i->min_block);
        return false;
    }
    if (i->max_block < i->min_block) {
        error_setg(errp, "server's maximum block size %u is smaller than the "
                   "minimum %u", i->max_block, i->min_block);
        return false;
    }
    i->max_block -= i->max_block % i->min_block;
    return true;
}

static bool recv_info(NbdConn *c, uint32_t len, bool *got_export, Error **errp)
{
    uint8_t buf[14];
    uint16_t type;
    uint32_t need;

    if (len < 2) {
        error_setg(errp, "info reply of %u bytes is too short", len);
        return false;
    }
    if (!recv_or_fail(c, buf, 2, "info", errp)) {
        return false;
    }
    type = get_be16(buf);
    need = type == NBD_INFO_EXPORT ? 10 : type == NBD_INFO_BLOCK_SIZE ? 12 : 0;
    len -= 2;
    if (!need) {
        return skip_or_fail(c, len, errp);
    }
    if (len != need) {
        error_setg(errp, "info %u of %u bytes instead of %u", type, len, need);
        return false;
    }
    if (!recv_or_fail(c, buf, need, "info", errp)) {
        return false;
    }
    if (type == NBD_INFO_EXPORT) {
        c->info.size = get_be64(buf);
        c->info.flags = get_be16(buf + 8);
        *got_export = true;
        return true;
    }
    c->info.min_block = get_be32(buf);
    c->info.preferred_block = get_be32(buf + 4);
    c->info.max_block = get_be32(buf + 8);
    return check_block_sizes(&c->info, errp);
}

/* 1: in transmission; 0: the server does not know GO; -1. */
static int negotiate_go(NbdConn *c, const NbdConfig *cfg, Error **errp)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    bool got_export = false;
    NbdReply r;

    append_string(data, cfg->export);
    append_be16(data, 1);
    append_be16(data, NBD_INFO_BLOCK_SIZE);
    if (!send_option(c, NBD_OPT_GO, data, errp)) {
        return -1;
    }
    for (unsigned i = 0; i < NBD_MAX_OPTION_REPLIES; i++) {
        if (!recv_reply(c, NBD_OPT_GO, &r, errp)) {
            return -1;
        }
        if (r.type == NBD_REP_ERR_UNSUP) {
            return skip_or_fail(c, r.len, errp) ? 0 : -1;
        }
        if (r.type & NBD_REP_ERR) {
            refused(c, &r, errp);
            return -1;
        }
        if (r.type == NBD_REP_ACK) {
            if (r.len || !got_export) {
                error_setg(errp, "the server ended option 7 (go) without the "
                           "size of the export");
                return -1;
            }
            return 1;
        }
        if (r.type != NBD_REP_INFO) {
            error_setg(errp, "Unexpected reply type %u to option 7 (go)",
                       r.type);
            return -1;
        }
        if (!recv_info(c, r.len, &got_export, errp)) {
            return -1;
        }
    }
    error_setg(errp, "more than %d replies to option 7 (go)",
               NBD_MAX_OPTION_REPLIES);
    return -1;
}

static bool negotiate_export_name(NbdConn *c, const NbdConfig *cfg,
                                  bool no_zeroes, Error **errp)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    uint8_t buf[10];

    g_byte_array_append(data, (const uint8_t *)cfg->export,
                        strlen(cfg->export));
    /* A server that does not know the export just closes. */
    if (!send_option(c, NBD_OPT_EXPORT_NAME, data, errp) ||
        !recv_or_fail(c, buf, sizeof(buf), "export length", errp) ||
        (!no_zeroes && !skip_or_fail(c, 124, errp))) {
        return false;
    }
    c->info.size = get_be64(buf);
    c->info.flags = get_be16(buf + 8);
    return true;
}

static bool check_export(NbdConn *c, Error **errp)
{
    NbdInfo *i = &c->info;

    if (!(i->flags & NBD_FLAG_HAS_FLAGS)) {
        i->flags = 0;
    }
    if (i->min_block) {
        i->size -= i->size % i->min_block;
    }
    if (i->size > BDRV_MAX_LENGTH) {
        error_setg(errp, "export of %" PRIu64 " bytes is too large", i->size);
        return false;
    }
    return true;
}

/* ---- All of it ---- */

static bool negotiate_greeting(NbdConn *c, uint16_t *flags, Error **errp)
{
    uint8_t buf[16], answer[4];

    if (!recv_or_fail(c, buf, sizeof(buf), "initial magic", errp)) {
        return false;
    }
    if (get_be64(buf) != NBD_MAGIC) {
        error_setg(errp, "Bad initial magic received: 0x%016" PRIx64,
                   get_be64(buf));
        error_append_hint(errp, "Is it an NBD server?");
        return false;
    }
    if (get_be64(buf + 8) == NBD_OLD_MAGIC) {
        error_setg(errp, "the server has the old handshake of NBD, without "
                   "options");
        error_append_hint(errp, "Use one with the newstyle handshake.");
        return false;
    }
    if (get_be64(buf + 8) != NBD_OPT_MAGIC) {
        error_setg(errp, "Bad server magic received: 0x%016" PRIx64,
                   get_be64(buf + 8));
        return false;
    }
    if (!recv_or_fail(c, buf, 2, "server flags", errp)) {
        return false;
    }
    *flags = get_be16(buf) & (NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
    put_be32(answer, *flags);
    return send_or_fail(c, answer, sizeof(answer), errp);
}

bool nbd_negotiate(NbdConn *c, const NbdConfig *cfg, Error **errp)
{
    uint16_t flags;
    int ret;

    if (!negotiate_greeting(c, &flags, errp)) {
        return false;
    }
    if (cfg->tls_creds) {
        if (!(flags & NBD_FLAG_FIXED_NEWSTYLE)) {
            error_setg(errp, "Server does not support STARTTLS");
            return false;
        }
        if (simple_option(c, NBD_OPT_STARTTLS, true, errp) < 0 ||
            nbd_conn_handshake_tls(c, cfg, errp) < 0) {
            return false;
        }
    }
    ret = 0;
    if (flags & NBD_FLAG_FIXED_NEWSTYLE) {
        ret = simple_option(c, NBD_OPT_STRUCTURED_REPLY, false, errp);
        if (ret < 0) {
            return false;
        }
        c->info.structured = ret;
        if (ret && !negotiate_context(c, cfg, errp)) {
            return false;
        }
        ret = negotiate_go(c, cfg, errp);
    }
    if (ret < 0 || (!ret && !negotiate_export_name(c, cfg,
                                flags & NBD_FLAG_NO_ZEROES, errp))) {
        return false;
    }
    return check_export(c, errp);
}
