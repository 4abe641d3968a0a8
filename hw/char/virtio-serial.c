/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console device, VIRTIO 1.2, 5.3: a bus of ports, multiport always.
 *
 *   queue 0, 1            input and output of port 0
 *   queue 2, 3            control, to and from the guest
 *   queue 2n+2, 2n+3      input and output of port n > 0
 *
 * Port 0 is for the first console; serial ports begin at 1. Control messages
 * that the guest has no buffer for wait in a bounded list. Emergency writes
 * are not offered. Ports come and go at run time. Main loop.
 */
#include "util/osdep.h"
#include "hw/virtio/virtio-serial.h"
#include <linux/virtio_console.h>
#include "hw/core/hotplug.h"
#include "hw/virtio/virtio-bus.h"
#include "util/log.h"
#include "trace/trace-hw_char.h"

#define SERIAL_QUEUE_SIZE     128
#define SERIAL_CTRL_SIZE      32
#define SERIAL_PORTS_DEFAULT  31
/* Of a port's output at a time, which may be the same memory many times over:
 * then the others of the main loop have their turn. */
#define SERIAL_TURN_BYTES     MiB
/* A round of all messages for each port fits. */
#define SERIAL_CTRL_PENDING   (4 * (VIRTIO_SERIAL_MAX_PORTS + 1))

struct VirtIOSerial {
    VirtIODevice parent_obj;

    /* Properties */
    uint32_t max_ports;
    bool emergency_write;

    /* Guest-visible (migrated) */
    bool driver_ready;

    /* Runtime */
    BusState *bus;
    VirtIOSerialPort **ports;       /* max_ports, by number */
    VirtQueue **rx, **tx;           /* max_ports */
    VirtQueue *ctrl_rx, *ctrl_tx;
    GQueue pending;                 /* of GBytes: control messages */
};

static VirtIOSerialPort *serial_port_of(VirtIOSerial *s, VirtQueue *vq)
{
    uint32_t i = virtio_queue_get_index(vq);

    return s->ports[i < 2 ? 0 : i / 2 - 1];
}

/* ---- Control messages to the guest ---- */

static void ctrl_flush(VirtIOSerial *s)
{
    bool sent = false;
    GBytes *msg;

    while ((msg = g_queue_peek_head(&s->pending))) {
        VirtQueueElement *elem = virtqueue_pop(s->ctrl_rx, sizeof(*elem));
        size_t len;

        if (!elem) {
            break;
        }
        len = iov_from_buf(elem->in_sg, elem->in_num, 0,
                           g_bytes_get_data(msg, NULL), g_bytes_get_size(msg));
        virtqueue_push(s->ctrl_rx, elem, len);
        g_free(elem);
        g_bytes_unref(g_queue_pop_head(&s->pending));
        sent = true;
    }
    if (sent) {
        virtio_notify(&s->parent_obj, s->ctrl_rx);
    }
}

static void ctrl_send_buf(VirtIOSerial *s, const void *buf, size_t len)
{
    if (!virtio_vdev_has_feature(&s->parent_obj, VIRTIO_CONSOLE_F_MULTIPORT) ||
        !s->driver_ready) {
        return;
    }
    if (g_queue_get_length(&s->pending) >= SERIAL_CTRL_PENDING) {
        guest_error("virtio-serial", "driver takes no control messages");
        return;
    }
    g_queue_push_tail(&s->pending, g_bytes_new(buf, len));
    ctrl_flush(s);
}

static void ctrl_send(VirtIOSerial *s, uint32_t nr, uint16_t event,
                      uint16_t value)
{
    struct virtio_console_control c = {
        .id = nr, .event = event, .value = value,
    };

    trace_virtio_serial_send(s, nr, event, value);
    ctrl_send_buf(s, &c, sizeof(c));
}

static void ctrl_send_name(VirtIOSerial *s, VirtIOSerialPort *port)
{
    size_t head = sizeof(struct virtio_console_control);
    size_t len = strlen(port->name);
    g_autofree struct virtio_console_control *c = g_malloc0(head + len + 1);

    c->id = port->nr;
    c->event = VIRTIO_CONSOLE_PORT_NAME;
    c->value = 1;
    memcpy((char *)c + head, port->name, len);
    ctrl_send_buf(s, c, head + len + 1);
}

/* ---- Control messages from the guest ---- */

static void port_set_guest_open(VirtIOSerialPort *port, bool open)
{
    VirtIOSerialPortClass *pc = VIRTIO_SERIAL_PORT_GET_CLASS(port);

    port->guest_connected = open;
    if (pc->guest_open) {
        pc->guest_open(port, open);
    }
    if (open && pc->guest_writable) {
        pc->guest_writable(port);
    }
}

static void port_ready(VirtIOSerial *s, VirtIOSerialPort *port)
{
    if (VIRTIO_SERIAL_PORT_GET_CLASS(port)->is_console) {
        ctrl_send(s, port->nr, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
    }
    if (port->name) {
        ctrl_send_name(s, port);
    }
    if (port->host_connected) {
        ctrl_send(s, port->nr, VIRTIO_CONSOLE_PORT_OPEN, 1);
    }
}

static void ctrl_handle(VirtIOSerial *s, const struct virtio_console_control *c)
{
    VirtIOSerialPort *port;

    trace_virtio_serial_receive(s, c->id, c->event, c->value);
    if (c->event == VIRTIO_CONSOLE_DEVICE_READY) {
        s->driver_ready = c->value;
        for (uint32_t i = 0; c->value && i < s->max_ports; i++) {
            if (s->ports[i]) {
                ctrl_send(s, i, VIRTIO_CONSOLE_PORT_ADD, 1);
            }
        }
        return;
    }
    port = c->id < s->max_ports ? s->ports[c->id] : NULL;
    if (!port) {
        guest_error("virtio-serial", "control message %u for port %u, which "
                    "does not exist", c->event, c->id);
        return;
    }
    switch (c->event) {
    case VIRTIO_CONSOLE_PORT_READY:
        if (c->value) {
            port_ready(s, port);
        } else {
            guest_error("virtio-serial", "driver failed to add port %u", c->id);
        }
        break;
    case VIRTIO_CONSOLE_PORT_OPEN:
        port_set_guest_open(port, c->value);
        break;
    default:
        guest_error("virtio-serial", "control message %u", c->event);
        break;
    }
}

static void serial_handle_ctrl_tx(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOSerial *s = VIRTIO_SERIAL(vdev);
    VirtQueueElement *elem;

    while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
        struct virtio_console_control c;

        if (iov_to_buf(elem->out_sg, elem->out_num, 0, &c, sizeof(c)) ==
            sizeof(c)) {
            ctrl_handle(s, &c);
        }
        virtqueue_push(vq, elem, 0);
        g_free(elem);
    }
    virtio_notify(vdev, vq);
}

static void serial_handle_ctrl_rx(VirtIODevice *vdev, VirtQueue *vq)
{
    ctrl_flush(VIRTIO_SERIAL(vdev));
}

/* ---- Data: from the guest ---- */

static void port_drop_tx(VirtIOSerialPort *port)
{
    if (port->tx_elem) {
        virtqueue_detach(port->tx_vq, port->tx_elem);
        g_clear_pointer(&port->tx_elem, g_free);
    }
    port->tx_offset = 0;
    port->throttled = false;
}

/* Stop: the buffer is taken again, from where the port left it. */
static void port_put_back_tx(VirtIOSerialPort *port)
{
    if (port->tx_elem) {
        virtqueue_unpop(port->tx_vq, port->tx_elem);
        g_clear_pointer(&port->tx_elem, g_free);
    }
}

/* Offer the rest of the current buffer, *@turn bytes at most; true when all of
 * it was taken. */
static bool port_tx_elem(VirtIOSerialPort *port, size_t *turn)
{
    VirtIOSerialPortClass *pc = VIRTIO_SERIAL_PORT_GET_CLASS(port);
    VirtQueueElement *elem = port->tx_elem;
    size_t skip = port->tx_offset;

    for (uint32_t i = 0; i < elem->out_num; i++) {
        size_t len = elem->out_sg[i].iov_len, part, took;

        if (skip >= len) {
            skip -= len;
            continue;
        }
        part = MIN(len - skip, *turn);
        took = part ? pc->have_data(port, (char *)elem->out_sg[i].iov_base +
                                    skip, part) : 0;
        port->tx_offset += took;
        *turn -= took;
        port->throttled = took < part;
        if (took < len - skip) {
            return false;
        }
        skip = 0;
    }
    return true;
}

static void port_flush_tx(VirtIOSerialPort *port)
{
    size_t turn = SERIAL_TURN_BYTES;
    bool any = false;

    while (!port->throttled) {
        if (!port->tx_elem) {
            port->tx_elem = virtqueue_pop(port->tx_vq, sizeof(*port->tx_elem));
        }
        if (!port->tx_elem || !port_tx_elem(port, &turn)) {
            break;
        }
        virtqueue_push(port->tx_vq, port->tx_elem, 0);
        g_clear_pointer(&port->tx_elem, g_free);
        port->tx_offset = 0;
        any = true;
    }
    if (port->tx_elem && !port->throttled) {
        virtio_queue_kick(port->tx_vq);
    }
    if (any) {
        virtio_notify(&port->vser->parent_obj, port->tx_vq);
    }
}

/* Output to a port that does not exist is dropped. */
static void serial_discard(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtQueueElement *elem;

    while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
        virtqueue_push(vq, elem, 0);
        g_free(elem);
    }
    virtio_notify(vdev, vq);
}

static void serial_handle_tx(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOSerialPort *port = serial_port_of(VIRTIO_SERIAL(vdev), vq);

    if (port) {
        port_flush_tx(port);
    } else {
        serial_discard(vdev, vq);
    }
}

void virtio_serial_resume_tx(VirtIOSerialPort *port)
{
    port->throttled = false;
    if (port->vser->parent_obj.ioeventfd_started) {
        port_flush_tx(port);
    }
}

/* ---- Data: to the guest ---- */

static void port_drop_rx(VirtIOSerialPort *port)
{
    if (port->rx_elem) {
        virtqueue_unpop(port->rx_vq, port->rx_elem);
        g_clear_pointer(&port->rx_elem, g_free);
    }
}

size_t virtio_serial_can_write(VirtIOSerialPort *port)
{
    VirtIODevice *vdev = &port->vser->parent_obj;

    if (!vdev->ioeventfd_started ||
        (virtio_vdev_has_feature(vdev, VIRTIO_CONSOLE_F_MULTIPORT) &&
         !port->guest_connected)) {
        return 0;
    }
    if (!port->rx_elem) {
        port->rx_elem = virtqueue_pop(port->rx_vq, sizeof(*port->rx_elem));
    }
    if (port->rx_elem && port->rx_elem->in_num == 0) {
        virtio_error(vdev, "port %u: input buffer that the device cannot write",
                     port->nr);
        port_drop_rx(port);
    }
    return port->rx_elem ? iov_size(port->rx_elem->in_sg,
                                    port->rx_elem->in_num) : 0;
}

size_t virtio_serial_write(VirtIOSerialPort *port, const void *buf, size_t len)
{
    VirtQueueElement *elem = g_steal_pointer(&port->rx_elem);

    if (!elem) {
        return 0;
    }
    len = iov_from_buf(elem->in_sg, elem->in_num, 0, buf, len);
    virtqueue_push(port->rx_vq, elem, len);
    virtio_notify(&port->vser->parent_obj, port->rx_vq);
    g_free(elem);
    return len;
}

static void serial_handle_rx(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIOSerialPort *port = serial_port_of(VIRTIO_SERIAL(vdev), vq);

    if (port && VIRTIO_SERIAL_PORT_GET_CLASS(port)->guest_writable) {
        VIRTIO_SERIAL_PORT_GET_CLASS(port)->guest_writable(port);
    }
}

void virtio_serial_set_host_open(VirtIOSerialPort *port, bool open)
{
    if (port->host_connected == open) {
        return;
    }
    port->host_connected = open;
    ctrl_send(port->vser, port->nr, VIRTIO_CONSOLE_PORT_OPEN, open);
}

/* ---- The device ---- */

static void serial_get_config(VirtIODevice *vdev, uint8_t *config)
{
    struct virtio_console_config cfg = {
        .max_nr_ports = VIRTIO_SERIAL(vdev)->max_ports,
    };

    memcpy(config, &cfg, vdev->config_len);
}

static uint64_t serial_get_features(VirtIODevice *vdev, uint64_t f)
{
    return f | BIT64(VIRTIO_CONSOLE_F_MULTIPORT);
}

static void serial_running(VirtIODevice *vdev, bool running)
{
    VirtIOSerial *s = VIRTIO_SERIAL(vdev);

    for (uint32_t i = 0; i < s->max_ports; i++) {
        VirtIOSerialPort *port = s->ports[i];

        if (!port) {
            continue;
        }
        if (!running) {
            port_drop_rx(port);
            port_put_back_tx(port);
        } else if (VIRTIO_SERIAL_PORT_GET_CLASS(port)->guest_writable) {
            VIRTIO_SERIAL_PORT_GET_CLASS(port)->guest_writable(port);
        }
    }
}

static void serial_reset(VirtIODevice *vdev)
{
    VirtIOSerial *s = VIRTIO_SERIAL(vdev);

    s->driver_ready = false;
    g_queue_clear_full(&s->pending, (GDestroyNotify)g_bytes_unref);
    for (uint32_t i = 0; i < s->max_ports; i++) {
        if (s->ports[i]) {
            port_drop_tx(s->ports[i]);
            port_set_guest_open(s->ports[i], false);
        }
    }
}

static void serial_queue_reset(VirtIODevice *vdev, uint32_t n)
{
    VirtIOSerial *s = VIRTIO_SERIAL(vdev);

    for (uint32_t i = 0; i < s->max_ports; i++) {
        if (s->ports[i] && virtio_queue_get_index(s->tx[i]) == n) {
            port_drop_tx(s->ports[i]);
        }
    }
}

/* "virtio-serial0.0": after the id that the user gave. */
static BusState *serial_make_bus(VirtIOSerial *s)
{
    DeviceState *dev = virtio_get_user_device(VIRTIO_DEVICE(s));
    g_autofree char *name = NULL;
    BusState *bus;

    if (dev->id) {
        name = g_strdup_printf("%s.0", dev->id);
    }
    bus = qbus_new(TYPE_VIRTIO_SERIAL_BUS, DEVICE(s), name);
    qbus_set_hotplug_handler(bus, OBJECT(s));
    return bus;
}

static bool serial_realize(VirtIODevice *vdev, Error **errp)
{
    VirtIOSerial *s = VIRTIO_SERIAL(vdev);

    if (s->max_ports == 0 || s->max_ports > VIRTIO_SERIAL_MAX_PORTS) {
        error_setg(errp, "max_ports must be from 1 to %d, not %u",
                   VIRTIO_SERIAL_MAX_PORTS, s->max_ports);
        return false;
    }
    virtio_init(vdev, offsetof(struct virtio_console_config, emerg_wr));
    s->ports = g_new0(VirtIOSerialPort *, s->max_ports);
    s->rx = g_new0(VirtQueue *, s->max_ports);
    s->tx = g_new0(VirtQueue *, s->max_ports);
    for (uint32_t i = 0; i < s->max_ports; i++) {
        s->rx[i] = virtio_add_queue(vdev, SERIAL_QUEUE_SIZE, serial_handle_rx);
        s->tx[i] = virtio_add_queue(vdev, SERIAL_QUEUE_SIZE, serial_handle_tx);
        if (i == 0) {
            s->ctrl_rx = virtio_add_queue(vdev, SERIAL_CTRL_SIZE,
                                          serial_handle_ctrl_rx);
            s->ctrl_tx = virtio_add_queue(vdev, SERIAL_CTRL_SIZE,
                                          serial_handle_ctrl_tx);
        }
    }
    g_queue_init(&s->pending);
    s->bus = serial_make_bus(s);
    return true;
}

static void serial_unrealize(VirtIODevice *vdev)
{
    VirtIOSerial *s = VIRTIO_SERIAL(vdev);

    g_queue_clear_full(&s->pending, (GDestroyNotify)g_bytes_unref);
    virtio_cleanup(vdev);
    g_clear_pointer(&s->ports, g_free);
    g_clear_pointer(&s->rx, g_free);
    g_clear_pointer(&s->tx, g_free);
}

/* For each number: is there a port, is it open, and how much of the next buffer
 * of output it has taken. */
static bool get_ports(VMStateReader *r, void *pv, size_t size,
                      const VMStateField *field, Error **errp)
{
    VirtIOSerial *s = container_of(pv, VirtIOSerial, ports);

    for (uint32_t i = 0; i < s->max_ports; i++) {
        uint8_t state;

        if (!vmstate_read_u8(r, &state, errp)) {
            return false;
        }
        if (!!s->ports[i] != (state & 1)) {
            error_setg(errp, "port %u is only on one side", i);
            return false;
        }
        if (s->ports[i]) {
            uint32_t offset;

            if (!vmstate_read_be32(r, &offset, errp)) {
                return false;
            }
            s->ports[i]->tx_offset = offset;
            port_set_guest_open(s->ports[i], state & 2);
        }
    }
    return true;
}

static bool put_ports(VMStateWriter *w, const void *pv, size_t size,
                      const VMStateField *field, Error **errp)
{
    const VirtIOSerial *s = container_of(pv, VirtIOSerial, ports);

    for (uint32_t i = 0; i < s->max_ports; i++) {
        VirtIOSerialPort *p = s->ports[i];

        if (!vmstate_write_u8(w, p ? 1 | (p->guest_connected ? 2 : 0) : 0,
                              errp) ||
            (p && !vmstate_write_be32(w, p->tx_offset, errp))) {
            return false;
        }
    }
    return true;
}

static const VMStateInfo vmstate_info_ports = {
    .name = "ports", .get = get_ports, .put = put_ports,
};

static const VMStateDescription vmstate_virtio_serial = {
    .name = TYPE_VIRTIO_SERIAL,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(max_ports, VirtIOSerial),
        VMSTATE_BOOL(driver_ready, VirtIOSerial),
        VMSTATE_CUSTOM(ports, VirtIOSerial, vmstate_info_ports,
                       VirtIOSerialPort **),
        VMSTATE_END_OF_LIST()
    },
};

static const Property virtio_serial_props[] = {
    PROP_UINT32("max_ports", VirtIOSerial, max_ports, SERIAL_PORTS_DEFAULT,
                "ports the bus has room for, 1 to 511"),
    PROP_BOOL("emergency-write", VirtIOSerial, emergency_write, false,
              "accepted; emergency writes are not offered"),
};

static void virtio_serial_class_init(ObjectClass *oc, const void *data)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);

    vdc->device_id = VIRTIO_ID_CONSOLE;
    vdc->realize = serial_realize;
    vdc->unrealize = serial_unrealize;
    vdc->get_config = serial_get_config;
    vdc->get_features = serial_get_features;
    vdc->reset = serial_reset;
    vdc->queue_reset = serial_queue_reset;
    vdc->running = serial_running;
    vdc->vmsd = &vmstate_virtio_serial;
    DEVICE_CLASS(oc)->categories = BIT(DEVICE_CATEGORY_INPUT);
    device_class_set_props(DEVICE_CLASS(oc), virtio_serial_props);
}

/* ---- Ports on the bus ---- */

static bool port_choose_nr(VirtIOSerialPort *port, Error **errp)
{
    VirtIOSerial *s = port->vser;
    bool console = VIRTIO_SERIAL_PORT_GET_CLASS(port)->is_console;

    if (port->nr == UINT32_MAX) {
        port->nr = console ? 0 : 1;
        while (port->nr < s->max_ports && s->ports[port->nr]) {
            port->nr++;
        }
        if (port->nr >= s->max_ports) {
            error_setg(errp, "virtio-serial-bus: maximum port limit of %u "
                       "reached", s->max_ports);
            error_append_hint(errp, "Give the device a higher max_ports.");
            return false;
        }
        return true;
    }
    if (port->nr >= s->max_ports) {
        error_setg(errp, "virtio-serial-bus: port number %u is out of range, "
                   "max. allowed: %u", port->nr, s->max_ports - 1);
        return false;
    }
    if (s->ports[port->nr]) {
        error_setg(errp, "virtio-serial-bus: a port already exists at id %u",
                   port->nr);
        return false;
    }
    if (port->nr == 0 && !console) {
        error_setg(errp, "Port number 0 on virtio-serial devices reserved for "
                   "virtconsole devices for backward compatibility.");
        return false;
    }
    return true;
}

static bool port_name_is_free(VirtIOSerialPort *port, Error **errp)
{
    VirtIOSerial *s = port->vser;

    for (uint32_t i = 0; port->name && i < s->max_ports; i++) {
        if (s->ports[i] && !g_strcmp0(s->ports[i]->name, port->name)) {
            error_setg(errp, "virtio-serial-bus: A port already exists by name "
                       "%s", port->name);
            return false;
        }
    }
    return true;
}

static bool serial_port_realize(DeviceState *dev, Error **errp)
{
    VirtIOSerialPort *port = VIRTIO_SERIAL_PORT(dev);
    VirtIOSerialPortClass *pc = VIRTIO_SERIAL_PORT_GET_CLASS(dev);
    VirtIOSerial *s = VIRTIO_SERIAL(dev->parent_bus->parent);

    port->vser = s;
    if (!port_choose_nr(port, errp) || !port_name_is_free(port, errp)) {
        return false;
    }
    port->rx_vq = s->rx[port->nr];
    port->tx_vq = s->tx[port->nr];
    if (!pc->realize(port, errp)) {
        return false;
    }
    s->ports[port->nr] = port;
    ctrl_send(s, port->nr, VIRTIO_CONSOLE_PORT_ADD, 1);
    return true;
}

static void serial_port_unrealize(DeviceState *dev)
{
    VirtIOSerialPort *port = VIRTIO_SERIAL_PORT(dev);
    VirtIOSerialPortClass *pc = VIRTIO_SERIAL_PORT_GET_CLASS(dev);
    VirtIOSerial *s = port->vser;

    if (s->ports) {
        port_drop_rx(port);
        port_drop_tx(port);
        ctrl_send(s, port->nr, VIRTIO_CONSOLE_PORT_REMOVE, 1);
        s->ports[port->nr] = NULL;
    }
    pc->unrealize(port);
}

static const Property serial_port_props[] = {
    PROP_UINT32("nr", VirtIOSerialPort, nr, UINT32_MAX,
                "port number; default: the first free one"),
    PROP_STRING("name", VirtIOSerialPort, name, NULL,
                "name of the port, by which the guest finds it"),
};

static void serial_port_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->bus_type = TYPE_VIRTIO_SERIAL_BUS;
    dc->realize = serial_port_realize;
    dc->unrealize = serial_port_unrealize;
    dc->categories = BIT(DEVICE_CATEGORY_INPUT);
    device_class_set_props(dc, serial_port_props);
}

static const TypeInfo virtio_serial_types[] = {
    {
        .name = TYPE_VIRTIO_SERIAL,
        .parent = TYPE_VIRTIO_DEVICE,
        .help = "bus of consoles and serial ports",
        .instance_size = sizeof(VirtIOSerial),
        .class_init = virtio_serial_class_init,
        .interfaces = (const char *const[]) { TYPE_HOTPLUG_HANDLER, NULL },
    }, {
        .name = TYPE_VIRTIO_SERIAL_BUS,
        .parent = TYPE_BUS,
        .help = "ports of a virtio-serial device",
    }, {
        .name = TYPE_VIRTIO_SERIAL_PORT,
        .parent = TYPE_DEVICE,
        .help = "base of the ports of a virtio-serial device",
        .instance_size = sizeof(VirtIOSerialPort),
        .class_size = sizeof(VirtIOSerialPortClass),
        .class_init = serial_port_class_init,
        .abstract = true,
    },
};
DEFINE_TYPES(virtio_serial_types)
