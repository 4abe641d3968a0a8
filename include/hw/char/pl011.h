/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PL011 UART. Life cycle: the board makes it, sets "chardev", realizes it,
 * maps @io and connects the unnamed output 0, its interrupt (UARTINTR).
 * Context: big lock.
 */
#ifndef HW_CHAR_PL011_H
#define HW_CHAR_PL011_H

#include "chardev/char.h"
#include "hw/core/qdev.h"
#include "system/memory.h"

#define TYPE_PL011 "pl011"
OBJECT_DECLARE_SIMPLE_TYPE(PL011State, PL011)

#define PL011_FIFO_SIZE 16          /* characters, revision r1p4 */
#define PL011_BYTES     0x1000

typedef struct PL011Fifo {
    uint16_t data[PL011_FIFO_SIZE]; /* received: with error bits 8 to 11 */
    uint8_t head, len;
} PL011Fifo;

struct PL011State {
    DeviceState parent_obj;

    /* Properties */
    CharFrontend chr;

    MemoryRegion io;
    Irq *irq;

    /* Guest-visible registers (migrated) */
    uint32_t rsr, ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr;
    PL011Fifo rx, tx;

    /* Runtime */
    bool tx_blocked;                /* the stream is full */
    AioTimer timeout_timer;
};

#endif
