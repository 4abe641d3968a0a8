/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A UART (National Semiconductor PC16550D): FIFOs of 16 bytes, receive
 * trigger levels and time-out, modem lines that follow the stream. Left out:
 * the time that bytes take on a wire (a divisor is kept and means nothing),
 * break and parity errors on receive.
 *
 * Bytes go to the stream when the guest writes them; what the stream does not
 * take waits in the FIFO, and the transmitter is not empty meanwhile.
 * Context: big lock.
 */
#include "util/osdep.h"
#include "hw/char/serial.h"
#include "hw/isa/isa.h"
#include "util/main-loop.h"
#include "trace/trace-hw_char.h"

/* Registers by offset; RBR/THR and IER are the divisor while LCR.DLAB. */
enum { REG_RBR_THR, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR,
       REG_SCR };

#define IER_RDI         0x01        /* received data */
#define IER_THRI        0x02        /* transmitter empty */
#define IER_RLSI        0x04        /* line status */
#define IER_MSI         0x08        /* modem status */

#define IIR_NONE        0x01
#define IIR_MSI         0x00
#define IIR_THRI        0x02
#define IIR_RDI         0x04
#define IIR_RLSI        0x06
#define IIR_CTI         0x0c        /* receive time-out */
#define IIR_ID          0x0f
#define IIR_FIFOS       0xc0

#define FCR_ENABLE      0x01
#define FCR_CLEAR_RX    0x02
#define FCR_CLEAR_TX    0x04

#define LCR_DLAB        0x80

#define MCR_DTR         0x01
#define MCR_RTS         0x02
#define MCR_OUT1        0x04
#define MCR_OUT2        0x08
#define MCR_LOOP        0x10

#define LSR_DR          0x01
#define LSR_OE          0x02
#define LSR_BI          0x10
#define LSR_ERRORS      0x1e
#define LSR_THRE        0x20
#define LSR_TEMT        0x40

#define MSR_ANY_DELTA   0x0f
#define MSR_CTS         0x10
#define MSR_DSR         0x20
#define MSR_RI          0x40
#define MSR_DCD         0x80

/* Four characters at 115200 baud (PC16550D, 8.4.2). */
#define RX_TIMEOUT_NS   (4 * 10 * NSEC_PER_SEC / 115200)

static void fifo_push(SerialFifo *f, uint8_t byte)
{
    f->data[(f->head + f->len) % SERIAL_FIFO_SIZE] = byte;
    f->len++;
}

static uint8_t fifo_pop(SerialFifo *f)
{
    uint8_t byte = f->data[f->head];

    f->head = (f->head + 1) % SERIAL_FIFO_SIZE;
    f->len--;
    return byte;
}

static unsigned rx_trigger(const SerialState *s)
{
    static const uint8_t levels[4] = { 1, 4, 8, 14 };

    return levels[s->fcr >> 6];
}

/* The highest pending source, and the wire. */
static void serial_update_irq(SerialState *s)
{
    uint8_t id = IIR_NONE;

    if ((s->ier & IER_RLSI) && (s->lsr & LSR_ERRORS)) {
        id = IIR_RLSI;
    } else if ((s->ier & IER_RDI) && s->timeout_ipending) {
        id = IIR_CTI;
    } else if ((s->ier & IER_RDI) && (s->lsr & LSR_DR) &&
               (!(s->fcr & FCR_ENABLE) || s->rx.len >= rx_trigger(s))) {
        id = IIR_RDI;
    } else if ((s->ier & IER_THRI) && s->thr_ipending) {
        id = IIR_THRI;
    } else if ((s->ier & IER_MSI) && (s->msr & MSR_ANY_DELTA)) {
        id = IIR_MSI;
    }
    s->iir = id | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
    irq_set(s->irq, id != IIR_NONE);
}

/* ---- Transmit ---- */

static void serial_writable(void *opaque);

static void serial_tx(SerialState *s)
{
    while (s->tx.len && !s->tx_blocked) {
        uint8_t byte = s->tx.data[s->tx.head];

        if (chr_fe_backend_connected(s->chr) &&
            chr_fe_write(s->chr, &byte, 1) == 0 &&
            chr_fe_add_write_watch(s->chr, serial_writable, s)) {
            s->tx_blocked = true;
            break;
        }
        fifo_pop(&s->tx);
    }
    if (s->tx.len == 0) {
        s->lsr |= LSR_THRE | LSR_TEMT;
        s->thr_ipending = true;
    }
    serial_update_irq(s);
}

static void serial_writable(void *opaque)
{
    SerialState *s = opaque;

    s->tx_blocked = false;
    serial_tx(s);
}

/* ---- Receive ---- */

static void serial_receive_byte(SerialState *s, uint8_t byte)
{
    unsigned room = s->fcr & FCR_ENABLE ? SERIAL_FIFO_SIZE : 1;

    if (s->rx.len >= room) {
        s->lsr |= LSR_OE;
    } else {
        fifo_push(&s->rx, byte);
    }
    s->lsr |= LSR_DR;
    if (s->fcr & FCR_ENABLE) {
        timer_mod_ns(&s->timeout_timer,
                     clock_get_ns(CLOCK_VIRTUAL) + RX_TIMEOUT_NS);
    }
    serial_update_irq(s);
}

static void serial_rx_timeout(void *opaque)
{
    SerialState *s = opaque;

    if (s->rx.len) {
        s->timeout_ipending = true;
        serial_update_irq(s);
    }
}

static size_t serial_can_receive(void *opaque)
{
    SerialState *s = opaque;

    if (s->mcr & MCR_LOOP) {
        return 0;
    }
    return (s->fcr & FCR_ENABLE ? SERIAL_FIFO_SIZE : 1) - s->rx.len;
}

static void serial_receive(void *opaque, const uint8_t *buf, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        serial_receive_byte(opaque, buf[i]);
    }
}

static void serial_event(void *opaque, ChrEvent event)
{
    SerialState *s = opaque;

    if (event == CHR_EVENT_BREAK) {
        s->lsr |= LSR_BI;
        serial_receive_byte(s, 0);
    }
}

static uint8_t serial_read_rbr(SerialState *s)
{
    uint8_t byte = s->rbr;

    if (s->rx.len) {
        byte = s->rbr = fifo_pop(&s->rx);
    }
    s->timeout_ipending = false;
    if (s->rx.len == 0) {
        s->lsr &= ~(LSR_DR | LSR_BI);
        timer_del(&s->timeout_timer);
    } else {
        timer_mod_ns(&s->timeout_timer,
                     clock_get_ns(CLOCK_VIRTUAL) + RX_TIMEOUT_NS);
    }
    serial_update_irq(s);
    if (!(s->mcr & MCR_LOOP)) {
        chr_fe_accept_input(s->chr);
    }
    return byte;
}

/* ---- Registers ---- */

static uint64_t serial_read(void *opaque, hwaddr addr, unsigned int size)
{
    SerialState *s = opaque;
    uint8_t val;

    switch (addr) {
    case REG_RBR_THR:
        return s->lcr & LCR_DLAB ? s->divider & 0xff : serial_read_rbr(s);
    case REG_IER:
        return s->lcr & LCR_DLAB ? s->divider >> 8 : s->ier;
    case REG_IIR_FCR:
        val = s->iir;
        if ((val & IIR_ID) == IIR_THRI) {
            s->thr_ipending = false;
            serial_update_irq(s);
        }
        return val;
    case REG_LCR:
        return s->lcr;
    case REG_MCR:
        return s->mcr;
    case REG_LSR:
        val = s->lsr;
        if (s->lsr & LSR_ERRORS) {
            s->lsr &= ~LSR_ERRORS;
            serial_update_irq(s);
        }
        return val;
    case REG_MSR:
        if (s->mcr & MCR_LOOP) {
            /* Outputs are the inputs: OUT2, OUT1, DTR, RTS. */
            return (s->mcr & (MCR_OUT1 | MCR_OUT2)) << 4 |
                   (s->mcr & MCR_RTS) << 3 | (s->mcr & MCR_DTR) << 5;
        }
        val = s->msr;
        if (s->msr & MSR_ANY_DELTA) {
            s->msr &= ~MSR_ANY_DELTA;
            serial_update_irq(s);
        }
        return val;
    default:
        return s->scr;
    }
}

static void serial_write_thr(SerialState *s, uint8_t byte)
{
    if (s->mcr & MCR_LOOP) {
        serial_receive_byte(s, byte);
        s->thr_ipending = true;
        serial_update_irq(s);
        return;
    }
    if (s->tx.len == SERIAL_FIFO_SIZE) {
        fifo_pop(&s->tx);           /* overrun: the oldest is lost */
    }
    fifo_push(&s->tx, byte);
    s->thr_ipending = false;
    s->lsr &= ~(LSR_THRE | LSR_TEMT);
    serial_tx(s);
}

static void serial_write_fcr(SerialState *s, uint8_t val)
{
    bool toggled = (val ^ s->fcr) & FCR_ENABLE;

    if (toggled || (val & FCR_CLEAR_RX)) {
        s->rx.len = 0;
        s->lsr &= ~(LSR_DR | LSR_BI);
        s->timeout_ipending = false;
        timer_del(&s->timeout_timer);
    }
    if (toggled || (val & FCR_CLEAR_TX)) {
        s->tx.len = 0;
        s->lsr |= LSR_THRE | LSR_TEMT;
        s->thr_ipending = true;
    }
    s->fcr = val & FCR_ENABLE ? val & ~(FCR_CLEAR_RX | FCR_CLEAR_TX) : 0;
    serial_update_irq(s);
    chr_fe_accept_input(s->chr);
}

static void serial_write(void *opaque, hwaddr addr, uint64_t data,
                         unsigned int size)
{
    SerialState *s = opaque;
    uint8_t val = data;

    trace_serial_write(s, addr, val);
    switch (addr) {
    case REG_RBR_THR:
        if (s->lcr & LCR_DLAB) {
            s->divider = (s->divider & 0xff00) | val;
        } else {
            serial_write_thr(s, val);
        }
        break;
    case REG_IER:
        if (s->lcr & LCR_DLAB) {
            s->divider = (s->divider & 0xff) | val << 8;
            break;
        }
        if ((val & ~s->ier & IER_THRI) && (s->lsr & LSR_THRE)) {
            s->thr_ipending = true;
        }
        s->ier = val & 0x0f;
        serial_update_irq(s);
        break;
    case REG_IIR_FCR:
        serial_write_fcr(s, val);
        break;
    case REG_LCR:
        s->lcr = val;
        break;
    case REG_MCR:
        s->mcr = val & 0x1f;
        if (!(s->mcr & MCR_LOOP)) {
            chr_fe_accept_input(s->chr);
        }
        break;
    case REG_SCR:
        s->scr = val;
        break;
    default:
        break;                      /* LSR and MSR are read only */
    }
}

static const MemoryRegionOps serial_ops = {
    .read = serial_read,
    .write = serial_write,
    .valid = { .min_access_size = 1, .max_access_size = 1 },
};

void serial_reset(SerialState *s)
{
    s->rbr = s->ier = s->lcr = s->mcr = s->scr = s->fcr = 0;
    s->divider = 12;                /* 9600 baud */
    s->lsr = LSR_THRE | LSR_TEMT;
    s->msr = MSR_DCD | MSR_DSR | MSR_CTS;
    s->thr_ipending = s->timeout_ipending = false;
    s->rx.len = s->tx.len = 0;
    timer_del(&s->timeout_timer);
    serial_update_irq(s);
}

void serial_init(SerialState *s, Object *owner, CharFrontend *chr, Irq *irq)
{
    s->chr = chr;
    s->irq = irq;
    timer_init_ns(&s->timeout_timer, main_context(), CLOCK_VIRTUAL,
                  serial_rx_timeout, s);
    memory_region_init_io(&s->io, owner, &serial_ops, s, "serial", 8);
    serial_reset(s);
    chr_fe_set_handlers(chr, serial_can_receive, serial_receive, serial_event,
                        s, NULL);
    chr_fe_set_open(chr, true);
}

void serial_exit(SerialState *s)
{
    timer_del(&s->timeout_timer);
    chr_fe_remove_write_watch(s->chr);
    chr_fe_set_handlers(s->chr, NULL, NULL, NULL, NULL, NULL);
}

static bool serial_post_load(void *opaque, int version_id, Error **errp)
{
    SerialState *s = opaque;

    if (s->rx.len > SERIAL_FIFO_SIZE || s->rx.head >= SERIAL_FIFO_SIZE ||
        s->tx.len > SERIAL_FIFO_SIZE || s->tx.head >= SERIAL_FIFO_SIZE) {
        error_setg(errp, "serial: FIFO positions out of range");
        return false;
    }
    s->tx_blocked = false;
    /* an empty FIFO has nothing to send, and must not interrupt again */
    if (s->tx.len) {
        serial_tx(s);
    }
    if (s->rx.len && (s->fcr & FCR_ENABLE)) {
        timer_mod_ns(&s->timeout_timer,
                     clock_get_ns(CLOCK_VIRTUAL) + RX_TIMEOUT_NS);
    }
    return true;
}

static const VMStateDescription vmstate_fifo = {
    .name = "serial-fifo",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8_ARRAY(data, SerialFifo, SERIAL_FIFO_SIZE),
        VMSTATE_UINT8(head, SerialFifo),
        VMSTATE_UINT8(len, SerialFifo),
        VMSTATE_END_OF_LIST()
    },
};

const VMStateDescription vmstate_serial = {
    .name = "serial",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = serial_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(divider, SerialState),
        VMSTATE_UINT8(rbr, SerialState),
        VMSTATE_UINT8(ier, SerialState),
        VMSTATE_UINT8(iir, SerialState),
        VMSTATE_UINT8(lcr, SerialState),
        VMSTATE_UINT8(mcr, SerialState),
        VMSTATE_UINT8(lsr, SerialState),
        VMSTATE_UINT8(msr, SerialState),
        VMSTATE_UINT8(scr, SerialState),
        VMSTATE_UINT8(fcr, SerialState),
        VMSTATE_BOOL(thr_ipending, SerialState),
        VMSTATE_BOOL(timeout_ipending, SerialState),
        VMSTATE_STRUCT(rx, SerialState, vmstate_fifo, SerialFifo),
        VMSTATE_STRUCT(tx, SerialState, vmstate_fifo, SerialFifo),
        VMSTATE_END_OF_LIST()
    },
};
