/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of entropy for virtio-rng: rng-random reads a host file,
 * rng-builtin calls getrandom(2).
 *
 * Threading: requests are for the home of the context given, where the
 * completion runs; never before rng_backend_request() has returned. Answers
 * come in the order of the requests.
 */
#ifndef BACKENDS_RNG_H
#define BACKENDS_RNG_H

#include "qom/object.h"
#include "util/aio.h"

#define TYPE_RNG_BACKEND "rng-backend"
#define TYPE_RNG_RANDOM  "rng-random"
#define TYPE_RNG_BUILTIN "rng-builtin"
OBJECT_DECLARE_TYPE(RngBackend, RngBackendClass, RNG_BACKEND)

/* What one request may ask for; a longer one is cut. */
#define RNG_REQUEST_MAX_BYTES 65536

/* @size is 1..what was asked for; 0 when the source is broken for good. */
typedef void RngEntropyFn(void *opaque, const void *data, size_t size);

/* rng_backend_request: ask for @size bytes, given to @fn in @ctx (NULL: the
 * main context). All requests pending at a time share one context. */
void rng_backend_request(RngBackend *s, size_t size, AioContext *ctx,
                         RngEntropyFn *fn, void *opaque);

/* rng_backend_cancel: forget the requests of @opaque; no callback after. */
void rng_backend_cancel(RngBackend *s, void *opaque);

#endif
