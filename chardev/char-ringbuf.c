/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last so many bytes of output, kept in memory for ringbuf-read.
 */
#include "util/osdep.h"
#include "chardev/char-ringbuf.h"
#include "qapi/qapi-types-char.h"

#define RINGBUF_DEFAULT_BYTES 65536
/* More than anybody reads by one QMP command. */
#define RINGBUF_MAX_BYTES (64 * MiB)

OBJECT_DECLARE_SIMPLE_TYPE(CharRingbuf, CHARDEV_RINGBUF)

struct CharRingbuf {
    Chardev parent_obj;
    uint8_t *data;
    size_t size;                    /* a power of 2 */
    uint64_t prod, cons;            /* bytes ever; index: modulo size */
};

static ssize_t char_ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    CharRingbuf *s = CHARDEV_RINGBUF(chr);
    size_t skip = len > s->size ? len - s->size : 0;

    /* What it would not keep anyway. */
    s->prod += skip;
    for (size_t i = skip; i < len; i++) {
        s->data[s->prod++ & (s->size - 1)] = buf[i];
    }
    if (s->prod - s->cons > s->size) {
        s->cons = s->prod - s->size;
    }
    return len;
}

size_t chr_ringbuf_read(Chardev *chr, uint8_t *buf, size_t len)
{
    CharRingbuf *s = CHARDEV_RINGBUF(chr);
    size_t n = 0;

    while (n < len && s->cons != s->prod) {
        buf[n++] = s->data[s->cons++ & (s->size - 1)];
    }
    return n;
}

size_t chr_ringbuf_count(Chardev *chr)
{
    CharRingbuf *s = CHARDEV_RINGBUF(chr);

    return s->prod - s->cons;
}

void chr_ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    char_ringbuf_write(chr, buf, len);
}

static bool char_ringbuf_open(Chardev *chr, ChardevBackend *backend,
                              bool *be_opened, Error **errp)
{
    CharRingbuf *s = CHARDEV_RINGBUF(chr);
    ChardevRingbuf *opts = backend->u.ringbuf.data;
    int64_t size = opts->has_size ? opts->size : RINGBUF_DEFAULT_BYTES;

    if (size < 1 || size > (int64_t)RINGBUF_MAX_BYTES || !IS_POWER_OF_2(size)) {
        error_setg(errp, "size of ringbuf must be a power of two up to 64 MiB, "
                   "not '%" PRId64 "'", size);
        return false;
    }
    s->size = size;
    s->data = g_malloc0(size);
    chr->filename = g_strdup("ringbuf");
    return true;
}

static void char_ringbuf_close(Chardev *chr)
{
    g_clear_pointer(&CHARDEV_RINGBUF(chr)->data, g_free);
}

static void char_ringbuf_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->open = char_ringbuf_open;
    cc->close = char_ringbuf_close;
    cc->write = char_ringbuf_write;
}

static const TypeInfo char_ringbuf_types[] = {
    {
        .name = TYPE_CHARDEV_RINGBUF,
        .parent = TYPE_CHARDEV,
        .help = "keeps the last output in memory",
        .instance_size = sizeof(CharRingbuf),
        .class_init = char_ringbuf_class_init,
    },
};

DEFINE_TYPES(char_ringbuf_types)
