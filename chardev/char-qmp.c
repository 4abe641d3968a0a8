/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP commands about chardevs.
 */
#include "util/osdep.h"
#include "chardev/char-ringbuf.h"
#include "qapi/qapi-commands-char.h"
#include "chardev/char-internal.h"

static int query_chardev_one(Object *child, void *opaque)
{
    ChardevInfoList ***tail = opaque;
    Chardev *chr = CHARDEV(child);
    ChardevInfo *info = g_new0(ChardevInfo, 1);

    info->label = g_strdup(chr->id);
    info->filename = g_strdup(chr->filename);
    info->frontend_open = chr->is_mux ? chr_mux_any_open(chr) :
                          chr->fe && chr->fe->open;
    QAPI_LIST_APPEND(*tail, info);
    return 0;
}

ChardevInfoList *qmp_query_chardev(Error **errp)
{
    ChardevInfoList *list = NULL, **tail = &list;

    object_child_foreach(object_get_container("/chardevs"), query_chardev_one,
                         &tail);
    return list;
}

ChardevReturn *qmp_chardev_add(const char *id, ChardevBackend *backend,
                               Error **errp)
{
    Chardev *chr = chardev_new(id, backend, errp);
    ChardevReturn *ret;

    if (!chr) {
        return NULL;
    }
    ret = g_new0(ChardevReturn, 1);
    if (backend->type == CHARDEV_BACKEND_KIND_PTY) {
        ret->pty = g_strdup(chr->filename + strlen("pty:"));
    }
    return ret;
}

bool qmp_chardev_remove(const char *id, Error **errp)
{
    return chardev_remove(id, errp);
}

static Chardev *ringbuf_find(const char *id, Error **errp)
{
    Chardev *chr = chardev_find(id);

    if (!chr) {
        error_setg(errp, "Device '%s' not found", id);
        return NULL;
    }
    if (!object_dynamic_cast(OBJECT(chr), TYPE_CHARDEV_RINGBUF)) {
        error_setg(errp, "%s is not a ringbuf device", id);
        return NULL;
    }
    return chr;
}

bool qmp_ringbuf_write(const char *device, const char *data, bool has_format,
                       DataFormat format, Error **errp)
{
    Chardev *chr = ringbuf_find(device, errp);
    g_autofree guchar *bytes = NULL;
    gsize len;

    if (!chr) {
        return false;
    }
    if (has_format && format == DATA_FORMAT_BASE64) {
        bytes = g_base64_decode(data, &len);
        chr_ringbuf_write(chr, bytes, len);
    } else {
        chr_ringbuf_write(chr, (const uint8_t *)data, strlen(data));
    }
    return true;
}

char *qmp_ringbuf_read(const char *device, int64_t size, bool has_format,
                       DataFormat format, Error **errp)
{
    Chardev *chr = ringbuf_find(device, errp);
    g_autofree uint8_t *buf = NULL;
    size_t len;

    if (!chr) {
        return NULL;
    }
    if (size <= 0) {
        error_setg(errp, "size must be greater than zero");
        return NULL;
    }
    len = chr_ringbuf_count(chr);
    len = MIN(len, (uint64_t)size);
    buf = g_malloc(len + 1);
    chr_ringbuf_read(chr, buf, len);
    buf[len] = 0;
    if (has_format && format == DATA_FORMAT_BASE64) {
        return g_base64_encode(buf, len);
    }
    /* JSON has no other bytes than UTF-8, and C strings no NUL */
    for (size_t i = 0; i < len; i++) {
        buf[i] = buf[i] ? buf[i] : ' ';
    }
    return g_utf8_make_valid((char *)buf, len);
}
