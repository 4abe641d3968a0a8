/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The null chardev: takes everything, gives nothing.
 */
#include "util/osdep.h"
#include "chardev/char.h"

static bool char_null_open(Chardev *chr, ChardevBackend *backend,
                           bool *be_opened, Error **errp)
{
    *be_opened = false;
    return true;
}

static ssize_t char_null_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return len;
}

static void char_null_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->open = char_null_open;
    cc->write = char_null_write;
}

static const TypeInfo char_null_types[] = {
    {
        .name = TYPE_CHARDEV_NULL,
        .parent = TYPE_CHARDEV,
        .help = "drops all output, has no input",
        .class_init = char_null_class_init,
    },
};

DEFINE_TYPES(char_null_types)
