/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block node in memory that can write down every write and flush it gets.
 * It is opened as "null-co" and then given a driver of its own.
 */
#ifndef TESTS_UNIT_LIB_MEM_NODE_H
#define TESTS_UNIT_LIB_MEM_NODE_H

#include "util/osdep.h"
#include "block/block-internal.h"

typedef enum MemLogKind { MEM_LOG_WRITE, MEM_LOG_FLUSH, MEM_LOG_LENGTH }
    MemLogKind;

typedef struct MemLogEntry {
    MemLogKind kind;
    unsigned id;                    /* of the node */
    int64_t offset, bytes;          /* of a length: bytes */
    uint8_t *data;
} MemLogEntry;

typedef struct MemNode {
    uint8_t *data;
    int64_t bytes, allocated;
    int64_t max_bytes;              /* a longer file is refused; 0: any */
    GArray *log;                    /* MemLogEntry; NULL: none is kept */
    unsigned id;                    /* in a log of several nodes */
} MemNode;

static inline void mem_log_entry_clear(gpointer entry)
{
    g_free(((MemLogEntry *)entry)->data);
}

static inline GArray *mem_log_new(void)
{
    GArray *log = g_array_new(FALSE, FALSE, sizeof(MemLogEntry));

    g_array_set_clear_func(log, mem_log_entry_clear);
    return log;
}

/* At least that long; what is new reads as zeros. */
static inline int mem_node_grow(MemNode *m, int64_t bytes)
{
    if (m->max_bytes && bytes > m->max_bytes) {
        return -EFBIG;
    }
    if (bytes > m->allocated) {
        int64_t n = MAX(bytes, m->allocated * 2);

        m->data = g_realloc(m->data, n);
        memset(m->data + m->allocated, 0, n - m->allocated);
        m->allocated = n;
    }
    m->bytes = MAX(m->bytes, bytes);
    return 0;
}

static inline void mem_node_set_length(MemNode *m, int64_t bytes)
{
    if (bytes < m->bytes) {
        memset(m->data + bytes, 0, m->bytes - bytes);
    }
    mem_node_grow(m, bytes);
    m->bytes = bytes;
}

static inline void mem_node_write(MemNode *m, int64_t offset, const void *data,
                                  int64_t bytes)
{
    mem_node_grow(m, offset + bytes);
    memcpy(m->data + offset, data, bytes);
}

static inline void mem_node_note(MemNode *m, MemLogKind kind, int64_t offset,
                                 int64_t bytes, uint8_t *data)
{
    MemLogEntry e = { kind, m->id, offset, bytes, data };

    if (m->log) {
        g_array_append_val(m->log, e);
    } else {
        g_free(data);
    }
}

static inline void mem_node_close(BlockDriverState *bs)
{
    g_free(((MemNode *)bs->opaque)->data);
}

static inline int64_t mem_node_get_length(BlockDriverState *bs)
{
    return ((MemNode *)bs->opaque)->bytes;
}

static inline bool mem_node_can_grow(const BlockDriverState *bs)
{
    return true;
}

static inline int coroutine_fn mem_node_co_preadv(BlockDriverState *bs,
                                                  int64_t offset, int64_t bytes,
                                                  IoVec *iov)
{
    MemNode *m = bs->opaque;

    iovec_from_buf(iov, 0, m->data + offset, bytes);
    return 0;
}

static inline int coroutine_fn mem_node_co_pwritev(BlockDriverState *bs,
                                                   int64_t offset,
                                                   int64_t bytes, IoVec *iov,
                                                   int flags)
{
    MemNode *m = bs->opaque;
    int ret = mem_node_grow(m, offset + bytes);
    uint8_t *copy;

    if (ret < 0) {
        return ret;
    }
    iovec_to_buf(iov, 0, m->data + offset, bytes);
    copy = m->log ? g_memdup2(m->data + offset, bytes) : NULL;
    mem_node_note(m, MEM_LOG_WRITE, offset, bytes, copy);
    return 0;
}

static inline int coroutine_fn mem_node_co_flush(BlockDriverState *bs)
{
    mem_node_note(bs->opaque, MEM_LOG_FLUSH, 0, 0, NULL);
    return 0;
}

/* What is given back loses its content. */
static inline int coroutine_fn mem_node_co_pdiscard(BlockDriverState *bs,
                                                    int64_t offset,
                                                    int64_t bytes)
{
    MemNode *m = bs->opaque;

    bytes = MIN(bytes, m->bytes - offset);
    if (bytes > 0) {
        memset(m->data + offset, 0, bytes);
        mem_node_note(m, MEM_LOG_WRITE, offset, bytes, g_malloc0(bytes));
    }
    return 0;
}

static inline int coroutine_fn mem_node_co_truncate(BlockDriverState *bs,
                                                    int64_t size, bool exact,
                                                    PreallocMode prealloc,
                                                    int flags, Error **errp)
{
    MemNode *m = bs->opaque;

    if (m->max_bytes && size > m->max_bytes) {
        error_setg(errp, "the file would be too long");
        return -EFBIG;
    }
    mem_node_set_length(m, size);
    mem_node_note(m, MEM_LOG_LENGTH, 0, size, NULL);
    return 0;
}

static const BlockDriver mem_node_driver = {
    .name = "null-co",
    .close = mem_node_close,
    .get_length = mem_node_get_length,
    .can_grow = mem_node_can_grow,
    .co_preadv = mem_node_co_preadv,
    .co_pwritev = mem_node_co_pwritev,
    .co_flush = mem_node_co_flush,
    .co_pdiscard = mem_node_co_pdiscard,
    .co_truncate = mem_node_co_truncate,
};

/* One reference; a copy of @data is its content. */
static inline BlockDriverState *mem_node_new(const char *name,
                                             const void *data, int64_t bytes)
{
    BlockdevOptions o = {
        .driver = BLOCKDEV_DRIVER_NULL_CO, .node_name = (char *)name,
        .has_discard = true, .discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP,
    };
    BlockDriverState *bs = bdrv_open(&o, NULL);
    MemNode *m;

    g_assert_nonnull(bs);
    g_free(bs->opaque);
    bs->opaque = m = g_new0(MemNode, 1);
    bs->drv = &mem_node_driver;
    if (bytes) {
        mem_node_write(m, 0, data, bytes);
    }
    bs->total_bytes = bytes;
    return bs;
}

#endif
