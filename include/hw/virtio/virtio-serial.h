/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus of virtio-serial-device and the ports on it: virtconsole and
 * virtserialport. hw/char/virtio-serial.c is the device, virtio-console.c the
 * ports.
 *
 * A port is given pieces of the guest's output and says how much it took; what
 * is left waits until virtio_serial_resume_tx(). In the other direction it
 * asks how much the guest takes and writes at most that.
 *
 * Context: main loop, big lock.
 */
#ifndef HW_VIRTIO_VIRTIO_SERIAL_H
#define HW_VIRTIO_VIRTIO_SERIAL_H

#include "hw/virtio/virtio.h"

#define TYPE_VIRTIO_SERIAL      "virtio-serial-device"
#define TYPE_VIRTIO_SERIAL_BUS  "virtio-serial-bus"
#define TYPE_VIRTIO_SERIAL_PORT "virtio-serial-port"
OBJECT_DECLARE_SIMPLE_TYPE(VirtIOSerial, VIRTIO_SERIAL)
OBJECT_DECLARE_TYPE(VirtIOSerialPort, VirtIOSerialPortClass, VIRTIO_SERIAL_PORT)

#define VIRTIO_SERIAL_MAX_PORTS 511 /* two queues each, and two for control */

struct VirtIOSerialPortClass {
    DeviceClass parent_class;
    bool is_console;
    bool (*realize)(VirtIOSerialPort *port, Error **errp);
    void (*unrealize)(VirtIOSerialPort *port);
    /* Output of the guest; returns the bytes taken. */
    size_t (*have_data)(VirtIOSerialPort *port, const void *buf, size_t len);
    void (*guest_open)(VirtIOSerialPort *port, bool open);
    /* the guest added buffers: virtio_serial_can_write may say more */
    void (*guest_writable)(VirtIOSerialPort *port);
};

struct VirtIOSerialPort {
    DeviceState parent_obj;

    /* Properties */
    uint32_t nr;                    /* UINT32_MAX: choose */
    char *name;

    /* Guest-visible (migrated by the device) */
    bool guest_connected, host_connected;

    /* Runtime */
    VirtIOSerial *vser;
    VirtQueue *rx_vq, *tx_vq;
    VirtQueueElement *tx_elem;      /* partly taken by the port */
    size_t tx_offset;
    VirtQueueElement *rx_elem;      /* next buffer for the guest's input */
    bool throttled;
};

/* Bytes the guest takes now; 0: wait for guest_writable. */
size_t virtio_serial_can_write(VirtIOSerialPort *port);
/* Give it @len <= virtio_serial_can_write() bytes; returns those taken. */
size_t virtio_serial_write(VirtIOSerialPort *port, const void *buf, size_t len);
/* The port can take output again. */
void virtio_serial_resume_tx(VirtIOSerialPort *port);
/* The host's side of the port was opened or closed. */
void virtio_serial_set_host_open(VirtIOSerialPort *port, bool open);

#endif
