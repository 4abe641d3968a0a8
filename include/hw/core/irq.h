/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interrupt line, or any other one-way wire between two devices.
 *
 * The receiver makes an Irq with irq_new() (or gets a set of them as named
 * GPIO inputs, see hw/core/qdev.h); the sender keeps a borrowed pointer and
 * drives it with irq_set(). A line has no level of its own: the receiver's
 * handler is called on each irq_set(), also when the level does not change.
 * Every function takes NULL for a wire that leads nowhere.
 *
 * MSI and irqfd do not pass through here.
 *
 * Threading: the handler runs in the caller. Wires are made, connected and
 * intercepted under the big lock; who drives a wire from another thread must
 * know that its receiver allows that.
 */
#ifndef HW_CORE_IRQ_H
#define HW_CORE_IRQ_H

#include "util/osdep.h"

typedef struct Irq Irq;

/* @n: the number given to irq_new(); @level: 0 low, else high. */
typedef void IrqHandler(void *opaque, int n, int level);

struct Irq {
    IrqHandler *handler;
    void *opaque;
    int n;
};

/* irq_new: a wire that ends in @handler. Free it with irq_free(), after every
 * sender has let go of it. */
Irq *irq_new(IrqHandler *handler, void *opaque, int n);
void irq_free(Irq *irq);

static inline void irq_set(Irq *irq, int level)
{
    if (irq) {
        irq->handler(irq->opaque, irq->n, level);
    }
}

static inline void irq_raise(Irq *irq)
{
    irq_set(irq, 1);
}

static inline void irq_lower(Irq *irq)
{
    irq_set(irq, 0);
}

/* irq_pulse: high, then low: one edge. */
static inline void irq_pulse(Irq *irq)
{
    irq_set(irq, 1);
    irq_set(irq, 0);
}

/*
 * irq_intercept: from now on call @handler(opaque, n, level) in place of
 * @irq's own handler. Returns a new wire to the old one, so that the
 * interceptor can pass levels on; it belongs to the caller. For qtest.
 */
Irq *irq_intercept(Irq *irq, IrqHandler *handler, void *opaque, int n);

#endif
