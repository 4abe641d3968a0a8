/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading back what a ringbuf chardev holds. Each takes a Chardev of
 * TYPE_CHARDEV_RINGBUF.
 *
 * Threading: big lock.
 */
#ifndef CHARDEV_CHAR_RINGBUF_H
#define CHARDEV_CHAR_RINGBUF_H

#include "chardev/char.h"

/* chr_ringbuf_count: bytes held. */
size_t chr_ringbuf_count(Chardev *chr);
/* chr_ringbuf_read: take out up to @len of the oldest bytes. */
size_t chr_ringbuf_read(Chardev *chr, uint8_t *buf, size_t len);
/* chr_ringbuf_write: add bytes as a front end would. */
void chr_ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len);

#endif
