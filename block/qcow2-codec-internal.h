/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packing and unpacking of clusters of qcow2 images, for qcow2-compress.c. Any
 * thread. */
#ifndef BLOCK_QCOW2_CODEC_INTERNAL_H
#define BLOCK_QCOW2_CODEC_INTERNAL_H

/* qcow2_compression_available: whether this build knows the format's @type. */
bool qcow2_compression_available(unsigned type);
/* qcow2_codec_new: what packs, or unpacks, one cluster after the other. NULL:
 * no memory. */
typedef struct Qcow2Codec Qcow2Codec;
Qcow2Codec *qcow2_codec_new(unsigned type, bool packs);
void qcow2_codec_free(Qcow2Codec *c);
/* qcow2_codec_run: bytes written (packing) or 0; -ENOSPC: @dst is too small;
 * or -errno. @src may go on past what belongs to a cluster, and that has to
 * fill @dst. */
int qcow2_codec_run(Qcow2Codec *c, void *dst, size_t dst_bytes,
                    const void *src, size_t src_bytes);

#endif
