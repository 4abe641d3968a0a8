/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 16550A UART as registers, without an address: boards and buses put it
 * somewhere. See hw/char/serial.c. Context: big lock.
 */
#ifndef HW_CHAR_SERIAL_H
#define HW_CHAR_SERIAL_H

#include "chardev/char.h"
#include "hw/core/irq.h"
#include "migration/vmstate.h"
#include "system/memory.h"

#define TYPE_ISA_SERIAL "isa-serial"
#define SERIAL_FIFO_SIZE 16         /* bytes */

typedef struct SerialFifo {
    uint8_t data[SERIAL_FIFO_SIZE];
    uint8_t head, len;
} SerialFifo;

typedef struct SerialState {
    MemoryRegion io;                /* 8 ports */
    CharFrontend *chr;
    Irq *irq;

    /* Registers (migrated) */
    uint16_t divider;
    uint8_t rbr, ier, iir, lcr, mcr, lsr, msr, scr, fcr;
    bool thr_ipending;              /* THR empty, not yet told */
    bool timeout_ipending;          /* bytes wait below the trigger level */
    SerialFifo rx, tx;

    /* Runtime */
    bool tx_blocked;                /* the stream is full */
    AioTimer timeout_timer;
} SerialState;

void serial_init(SerialState *s, Object *owner, CharFrontend *chr, Irq *irq);
void serial_exit(SerialState *s);
void serial_reset(SerialState *s);
extern const VMStateDescription vmstate_serial;

#endif
