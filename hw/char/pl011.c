/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PrimeCell UART PL011, r1p4 (Arm DDI 0183): FIFOs of 16 characters with their
 * trigger levels, receive time-out, loop-back. Left out: the time that
 * characters take on a wire (divisors are kept and mean nothing), DMA, IrDA,
 * and flow control: the modem inputs say that the other end is ready.
 *
 * Characters go to the stream when the guest writes them; what the stream does
 * not take waits in the FIFO. Context: big lock.
 */
#include "util/osdep.h"
#include "hw/char/pl011.h"
#include "migration/vmstate.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "trace/trace-hw_char.h"

/* Registers (3.2) */
enum {
    REG_DR = 0x00, REG_RSR = 0x04, REG_FR = 0x18, REG_ILPR = 0x20,
    REG_IBRD = 0x24, REG_FBRD = 0x28, REG_LCR = 0x2c, REG_CR = 0x30,
    REG_IFLS = 0x34, REG_IMSC = 0x38, REG_RIS = 0x3c, REG_MIS = 0x40,
    REG_ICR = 0x44, REG_DMACR = 0x48, REG_ID = 0xfe0,
};

#define DR_BE           BIT(10)     /* a break */
#define DR_OE           BIT(11)     /* some were lost */
#define DR_ERRORS       0xf00

#define FR_CTS          BIT(0)
#define FR_DSR          BIT(1)
#define FR_DCD          BIT(2)
#define FR_BUSY         BIT(3)
#define FR_RXFE         BIT(4)
#define FR_TXFF         BIT(5)
#define FR_RXFF         BIT(6)
#define FR_TXFE         BIT(7)

#define LCR_FEN         BIT(4)
#define LCR_MASK        0xff
#define CR_UARTEN       BIT(0)
#define CR_LBE          BIT(7)
#define CR_TXE          BIT(8)
#define CR_RXE          BIT(9)
#define CR_MASK         0xff87
#define IFLS_MASK       0x3f
#define ILPR_MASK       0xff
#define FBRD_MASK       0x3f
#define DMACR_MASK      0x7

#define INT_RX          BIT(4)
#define INT_TX          BIT(5)
#define INT_RT          BIT(6)
#define INT_BE          BIT(9)
#define INT_OE          BIT(10)
#define INT_MASK        0x7ff

/* 32 bit periods (2.8.1) at 115200 baud */
#define RX_TIMEOUT_NS   (32 * NSEC_PER_SEC / 115200)

static const uint8_t pl011_id[8] = {
    0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

/* ---- FIFOs ---- */

static void fifo_push(PL011Fifo *f, uint16_t c)
{
    f->data[(f->head + f->len) % PL011_FIFO_SIZE] = c;
    f->len++;
}

static uint16_t fifo_pop(PL011Fifo *f)
{
    uint16_t c = f->data[f->head];

    f->head = (f->head + 1) % PL011_FIFO_SIZE;
    f->len--;
    return c;
}

static unsigned fifo_room(const PL011State *s)
{
    return s->lcr & LCR_FEN ? PL011_FIFO_SIZE : 1;
}

/* Characters at which IFLS makes an interrupt; @sel: 0 to 4. */
static unsigned trigger_level(const PL011State *s, unsigned sel)
{
    static const uint8_t eighths[8] = { 1, 2, 4, 6, 7, 7, 7, 7 };

    return s->lcr & LCR_FEN ? PL011_FIFO_SIZE * eighths[sel & 7] / 8 : 1;
}

static void pl011_update_irq(PL011State *s)
{
    irq_set(s->irq, (s->ris & s->imsc) != 0);
}

/* ---- Transmit ---- */

static void pl011_writable(void *opaque);

static void pl011_tx(PL011State *s)
{
    while (s->tx.len && !s->tx_blocked) {
        uint8_t byte = s->tx.data[s->tx.head];

        if (chr_fe_backend_connected(&s->chr) &&
            chr_fe_write(&s->chr, &byte, 1) == 0 &&
            chr_fe_add_write_watch(&s->chr, pl011_writable, s)) {
            s->tx_blocked = true;
            break;
        }
        fifo_pop(&s->tx);
    }
    if (s->tx.len <= trigger_level(s, s->ifls)) {
        s->ris |= INT_TX;
    }
    pl011_update_irq(s);
}

static void pl011_writable(void *opaque)
{
    PL011State *s = opaque;

    s->tx_blocked = false;
    pl011_tx(s);
}

/* ---- Receive ---- */

static void pl011_receive_char(PL011State *s, uint16_t c)
{
    if (s->rx.len >= fifo_room(s)) {
        s->ris |= INT_OE;
        s->rsr |= DR_OE >> 8;
    } else {
        fifo_push(&s->rx, c);
    }
    if (s->rx.len >= trigger_level(s, s->ifls >> 3)) {
        s->ris |= INT_RX;
    }
    if (s->lcr & LCR_FEN) {
        timer_mod_ns(&s->timeout_timer,
                     clock_get_ns(CLOCK_VIRTUAL) + RX_TIMEOUT_NS);
    }
    pl011_update_irq(s);
}

static void pl011_rx_timeout(void *opaque)
{
    PL011State *s = opaque;

    if (s->rx.len) {
        s->ris |= INT_RT;
        pl011_update_irq(s);
    }
}

static bool pl011_can_hear(const PL011State *s)
{
    return (s->cr & (CR_UARTEN | CR_RXE | CR_LBE)) == (CR_UARTEN | CR_RXE);
}

static size_t pl011_can_receive(void *opaque)
{
    PL011State *s = opaque;
    unsigned room = fifo_room(s);

    return pl011_can_hear(s) && s->rx.len < room ? room - s->rx.len : 0;
}

static void pl011_receive(void *opaque, const uint8_t *buf, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        pl011_receive_char(opaque, buf[i]);
    }
}

static void pl011_event(void *opaque, ChrEvent event)
{
    PL011State *s = opaque;

    if (event == CHR_EVENT_BREAK && pl011_can_hear(s)) {
        s->ris |= INT_BE;
        pl011_receive_char(s, DR_BE);
    }
}

static uint32_t pl011_read_dr(PL011State *s)
{
    uint32_t c = 0;

    if (s->rx.len) {
        c = fifo_pop(&s->rx);
        s->rsr = (s->rsr & (DR_OE >> 8)) | (c & DR_ERRORS) >> 8;
        c |= (s->rsr & (DR_OE >> 8)) << 8;
    }
    if (s->rx.len < trigger_level(s, s->ifls >> 3)) {
        s->ris &= ~INT_RX;
    }
    if (!s->rx.len) {
        s->ris &= ~INT_RT;
        timer_del(&s->timeout_timer);
    }
    pl011_update_irq(s);
    if (pl011_can_hear(s)) {
        chr_fe_accept_input(&s->chr);
    }
    return c;
}

/* ---- Registers ---- */

static uint32_t pl011_flags(const PL011State *s)
{
    unsigned room = fifo_room(s);

    return FR_CTS | FR_DSR | FR_DCD | (s->rx.len ? 0 : FR_RXFE) |
           (s->rx.len >= room ? FR_RXFF : 0) |
           (s->tx.len ? FR_BUSY : FR_TXFE) |
           (s->tx.len >= room ? FR_TXFF : 0);
}

static uint32_t pl011_read_reg(PL011State *s, hwaddr addr)
{
    switch (addr) {
    case REG_DR:
        return pl011_read_dr(s);
    case REG_RSR:
        return s->rsr;
    case REG_FR:
        return pl011_flags(s);
    case REG_ILPR:
        return s->ilpr;
    case REG_IBRD:
        return s->ibrd;
    case REG_FBRD:
        return s->fbrd;
    case REG_LCR:
        return s->lcr;
    case REG_CR:
        return s->cr;
    case REG_IFLS:
        return s->ifls;
    case REG_IMSC:
        return s->imsc;
    case REG_RIS:
        return s->ris;
    case REG_MIS:
        return s->ris & s->imsc;
    case REG_DMACR:
        return s->dmacr;
    default:
        return addr >= REG_ID ? pl011_id[(addr - REG_ID) / 4] : 0;
    }
}

static uint64_t pl011_read(void *opaque, hwaddr addr, unsigned int size)
{
    uint32_t val = pl011_read_reg(opaque, addr & ~(hwaddr)3);

    trace_pl011_read(opaque, addr, val);
    return addr & 3 ? 0 : val;
}

static void pl011_write_dr(PL011State *s, uint8_t c)
{
    if (s->cr & CR_LBE) {
        pl011_receive_char(s, c);
        s->ris |= INT_TX;
        pl011_update_irq(s);
        return;
    }
    if (s->tx.len >= fifo_room(s)) {
        fifo_pop(&s->tx);           /* written when full: the oldest is lost */
    }
    fifo_push(&s->tx, c);
    s->ris &= ~INT_TX;
    pl011_tx(s);
}

/* Going without FIFOs keeps what one register can hold. */
static void pl011_write_lcr(PL011State *s, uint32_t val)
{
    if ((s->lcr ^ val) & LCR_FEN) {
        s->rx.len = 0;
        s->ris &= ~(INT_RX | INT_RT);
        timer_del(&s->timeout_timer);
        while (!(val & LCR_FEN) && s->tx.len > 1) {
            fifo_pop(&s->tx);
        }
    }
    s->lcr = val & LCR_MASK;
}

static void pl011_write_reg(PL011State *s, hwaddr addr, uint32_t val)
{
    switch (addr) {
    case REG_DR:
        pl011_write_dr(s, val);
        return;
    case REG_RSR:
        s->rsr = 0;
        break;
    case REG_ILPR:
        s->ilpr = val & ILPR_MASK;
        break;
    case REG_IBRD:
        s->ibrd = val & UINT16_MAX;
        break;
    case REG_FBRD:
        s->fbrd = val & FBRD_MASK;
        break;
    case REG_LCR:
        pl011_write_lcr(s, val);
        break;
    case REG_CR:
        s->cr = val & CR_MASK;
        break;
    case REG_IFLS:
        s->ifls = val & IFLS_MASK;
        break;
    case REG_IMSC:
        s->imsc = val & INT_MASK;
        break;
    case REG_ICR:
        s->ris &= ~val;
        break;
    case REG_DMACR:
        s->dmacr = val & DMACR_MASK;
        break;
    default:
        guest_error(TYPE_PL011, "write to offset 0x%" PRIx64, addr);
        return;
    }
    pl011_update_irq(s);
    if (pl011_can_hear(s)) {
        chr_fe_accept_input(&s->chr);
    }
}

static void pl011_write(void *opaque, hwaddr addr, uint64_t data,
                        unsigned int size)
{
    trace_pl011_write(opaque, addr, data);
    if ((addr & 3) == 0) {
        pl011_write_reg(opaque, addr, data);
    }
}

static const MemoryRegionOps pl011_ops = {
    .read = pl011_read,
    .write = pl011_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

/* ---- Life ---- */

static void pl011_reset_hold(Object *obj)
{
    PL011State *s = PL011(obj);

    s->rsr = s->ilpr = s->ibrd = s->fbrd = s->lcr = 0;
    s->imsc = s->ris = s->dmacr = 0;
    s->cr = CR_TXE | CR_RXE;
    s->ifls = 0x12;                 /* both at half */
    s->rx.len = s->tx.len = 0;
    timer_del(&s->timeout_timer);
    pl011_update_irq(s);
}

static bool pl011_realize(DeviceState *dev, Error **errp)
{
    PL011State *s = PL011(dev);

    timer_init_ns(&s->timeout_timer, main_context(), CLOCK_VIRTUAL,
                  pl011_rx_timeout, s);
    chr_fe_set_handlers(&s->chr, pl011_can_receive, pl011_receive, pl011_event,
                        s, NULL);
    chr_fe_set_open(&s->chr, true);
    return true;
}

static void pl011_unrealize(DeviceState *dev)
{
    PL011State *s = PL011(dev);

    timer_del(&s->timeout_timer);
    chr_fe_remove_write_watch(&s->chr);
    chr_fe_set_handlers(&s->chr, NULL, NULL, NULL, NULL, NULL);
}

static void pl011_instance_init(Object *obj)
{
    PL011State *s = PL011(obj);

    memory_region_init_io(&s->io, obj, &pl011_ops, s, TYPE_PL011, PL011_BYTES);
    qdev_init_gpio_out_named(DEVICE(obj), &s->irq, NULL, 1);
}

static void pl011_instance_finalize(Object *obj)
{
    memory_region_deinit(&PL011(obj)->io);
}

static bool pl011_post_load(void *opaque, int version_id, Error **errp)
{
    PL011State *s = opaque;

    if (s->rx.len > PL011_FIFO_SIZE || s->rx.head >= PL011_FIFO_SIZE ||
        s->tx.len > PL011_FIFO_SIZE || s->tx.head >= PL011_FIFO_SIZE) {
        error_setg(errp, "pl011: FIFO positions out of range");
        return false;
    }
    s->tx_blocked = false;
    if (s->tx.len) {
        pl011_tx(s);
    }
    if (s->rx.len && (s->lcr & LCR_FEN)) {
        timer_mod_ns(&s->timeout_timer,
                     clock_get_ns(CLOCK_VIRTUAL) + RX_TIMEOUT_NS);
    }
    return true;
}

static const VMStateDescription vmstate_fifo = {
    .name = "pl011-fifo",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16_ARRAY(data, PL011Fifo, PL011_FIFO_SIZE),
        VMSTATE_UINT8(head, PL011Fifo),
        VMSTATE_UINT8(len, PL011Fifo),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_pl011 = {
    .name = TYPE_PL011,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = pl011_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(rsr, PL011State),
        VMSTATE_UINT32(ilpr, PL011State),
        VMSTATE_UINT32(ibrd, PL011State),
        VMSTATE_UINT32(fbrd, PL011State),
        VMSTATE_UINT32(lcr, PL011State),
        VMSTATE_UINT32(cr, PL011State),
        VMSTATE_UINT32(ifls, PL011State),
        VMSTATE_UINT32(imsc, PL011State),
        VMSTATE_UINT32(ris, PL011State),
        VMSTATE_UINT32(dmacr, PL011State),
        VMSTATE_STRUCT(rx, PL011State, vmstate_fifo, PL011Fifo),
        VMSTATE_STRUCT(tx, PL011State, vmstate_fifo, PL011Fifo),
        VMSTATE_END_OF_LIST()
    },
};

static const Property pl011_props[] = {
    PROP_CHARDEV("chardev", PL011State, chr,
                 "id of the character device behind the port"),
};

static void pl011_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = pl011_realize;
    dc->unrealize = pl011_unrealize;
    dc->reset_hold = pl011_reset_hold;
    dc->vmsd = &vmstate_pl011;
    dc->categories = BIT(DEVICE_CATEGORY_INPUT);
    dc->user_creatable = false;
    dc->hotpluggable = false;
    device_class_set_props(dc, pl011_props);
}

static const TypeInfo pl011_types[] = {
    {
        .name = TYPE_PL011,
        .parent = TYPE_DEVICE,
        .help = "PL011 serial port",
        .instance_size = sizeof(PL011State),
        .instance_init = pl011_instance_init,
        .instance_finalize = pl011_instance_finalize,
        .class_init = pl011_class_init,
    },
};
DEFINE_TYPES(pl011_types)
