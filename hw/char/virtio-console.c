/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports of virtio-serial that have a character device behind them:
 * virtconsole, which the guest uses as a terminal (hvc), and virtserialport, a
 * stream with a name for agents. They differ in what they tell the guest.
 *
 * What the character device does not take at once waits in the guest's buffer.
 * Context: main loop.
 */
#include "util/osdep.h"
#include "hw/virtio/virtio-serial.h"
#include "chardev/char.h"
#include "qapi/qapi-events-char.h"
#include "trace/trace-hw_char.h"

#define TYPE_VIRTCONSOLE    "virtconsole"
#define TYPE_VIRTSERIALPORT "virtserialport"
#define TYPE_VIRTIO_CHARDEV_PORT "virtio-chardev-port"
OBJECT_DECLARE_SIMPLE_TYPE(VirtConsole, VIRTIO_CHARDEV_PORT)

struct VirtConsole {
    VirtIOSerialPort parent_obj;

    /* Properties */
    CharFrontend chr;
};

static void console_writable(void *opaque)
{
    virtio_serial_resume_tx(opaque);
}

static size_t console_have_data(VirtIOSerialPort *port, const void *buf,
                                size_t len)
{
    VirtConsole *c = VIRTIO_CHARDEV_PORT(port);
    ssize_t n;

    if (!chr_fe_backend_connected(&c->chr)) {
        return len;
    }
    n = chr_fe_write(&c->chr, buf, len);
    if (n < 0) {
        return len;                 /* broken: the output goes nowhere */
    }
    if ((size_t)n < len &&
        !chr_fe_add_write_watch(&c->chr, console_writable, port)) {
        return len;
    }
    trace_virtio_console_output(port->nr, len, n);
    return n;
}

static size_t console_can_read(void *opaque)
{
    VirtConsole *c = opaque;

    return virtio_serial_can_write(&c->parent_obj);
}

static void console_read(void *opaque, const uint8_t *buf, size_t size)
{
    VirtConsole *c = opaque;

    virtio_serial_write(&c->parent_obj, buf, size);
}

static void console_event(void *opaque, ChrEvent event)
{
    VirtConsole *c = opaque;

    if (event == CHR_EVENT_OPENED) {
        virtio_serial_set_host_open(&c->parent_obj, true);
    } else if (event == CHR_EVENT_CLOSED) {
        virtio_serial_set_host_open(&c->parent_obj, false);
        chr_fe_remove_write_watch(&c->chr);
        virtio_serial_resume_tx(&c->parent_obj);
    }
}

static void console_guest_writable(VirtIOSerialPort *port)
{
    chr_fe_accept_input(&VIRTIO_CHARDEV_PORT(port)->chr);
}

static void console_guest_open(VirtIOSerialPort *port, bool open)
{
    VirtConsole *c = VIRTIO_CHARDEV_PORT(port);
    DeviceState *dev = DEVICE(port);
    bool console = VIRTIO_SERIAL_PORT_GET_CLASS(port)->is_console;

    if (console || c->chr.open == open) {
        return;
    }
    chr_fe_set_open(&c->chr, open);
    if (dev->id) {
        qapi_event_send_vserport_change(dev->id, open);
    }
}

static bool console_realize(VirtIOSerialPort *port, Error **errp)
{
    VirtConsole *c = VIRTIO_CHARDEV_PORT(port);
    bool console = VIRTIO_SERIAL_PORT_GET_CLASS(port)->is_console;

    if (!chr_fe_backend_connected(&c->chr)) {
        return true;
    }
    chr_fe_set_handlers(&c->chr, console_can_read, console_read, console_event,
                        c, NULL);
    if (console) {
        /* A terminal is there whether somebody looks or not. */
        port->host_connected = true;
        chr_fe_set_open(&c->chr, true);
    }
    return true;
}

static void console_unrealize(VirtIOSerialPort *port)
{
    VirtConsole *c = VIRTIO_CHARDEV_PORT(port);

    chr_fe_remove_write_watch(&c->chr);
    chr_fe_set_handlers(&c->chr, NULL, NULL, NULL, NULL, NULL);
    chr_fe_set_open(&c->chr, false);
}

static const Property console_props[] = {
    PROP_CHARDEV("chardev", VirtConsole, chr,
                 "id of the character device behind the port"),
};

static void chardev_port_class_init(ObjectClass *oc, const void *data)
{
    VirtIOSerialPortClass *pc = VIRTIO_SERIAL_PORT_CLASS(oc);

    pc->realize = console_realize;
    pc->unrealize = console_unrealize;
    pc->have_data = console_have_data;
    pc->guest_open = console_guest_open;
    pc->guest_writable = console_guest_writable;
    device_class_set_props(DEVICE_CLASS(oc), console_props);
}

static void virtconsole_class_init(ObjectClass *oc, const void *data)
{
    VIRTIO_SERIAL_PORT_CLASS(oc)->is_console = true;
}

static const TypeInfo virtio_console_types[] = {
    {
        .name = TYPE_VIRTIO_CHARDEV_PORT,
        .parent = TYPE_VIRTIO_SERIAL_PORT,
        .help = "base of the ports with a character device",
        .instance_size = sizeof(VirtConsole),
        .class_init = chardev_port_class_init,
        .abstract = true,
    }, {
        .name = TYPE_VIRTCONSOLE,
        .parent = TYPE_VIRTIO_CHARDEV_PORT,
        .help = "virtio console, hvc in Linux",
        .class_init = virtconsole_class_init,
    }, {
        .name = TYPE_VIRTSERIALPORT,
        .parent = TYPE_VIRTIO_CHARDEV_PORT,
        .help = "virtio serial port with a name",
    },
};
DEFINE_TYPES(virtio_console_types)
