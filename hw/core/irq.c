/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wires between devices; see include/hw/core/irq.h. */
#include "util/osdep.h"
#include "hw/core/irq.h"

Irq *irq_new(IrqHandler *handler, void *opaque, int n)
{
    Irq *irq = g_new(Irq, 1);

    irq->handler = handler;
    irq->opaque = opaque;
    irq->n = n;
    return irq;
}

void irq_free(Irq *irq)
{
    g_free(irq);
}

Irq *irq_intercept(Irq *irq, IrqHandler *handler, void *opaque, int n)
{
    Irq *old = irq_new(irq->handler, irq->opaque, irq->n);

    irq->handler = handler;
    irq->opaque = opaque;
    irq->n = n;
    return old;
}
