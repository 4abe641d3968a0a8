/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-serial: control messages, output and input of a console and two
 * ports, one of whose character devices takes what the input says.
 */
#include "fuzz-virtio.h"
#include <linux/virtio_console.h>
#include "chardev/char.h"

static VirtIODevice *serial;
static size_t room;                     /* the slow one takes so much */

static ssize_t slow_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    size_t n = MIN(len, room);
    volatile uint8_t seen;

    /* Read it, as a real one would. */
    for (size_t i = 0; i < n; i++) {
        seen = buf[i];
        (void)seen;
    }
    room -= n;
    return n;
}

static void slow_watch(Chardev *chr, bool on)
{
}

static void serial_event(VirtIODevice *vdev, uint8_t what, FuzzInput *in)
{
    static const char *const ids[] = { "c0", "c1", "c2" };
    Chardev *chr = chardev_find(ids[what % 3]);
    const uint8_t *bytes;
    size_t n;

    switch (what / 3 % 3) {
    case 0:
        n = fuzz_bytes(in, &bytes, fuzz_u8(in));
        if (n && chr_be_can_read(chr) >= n) {
            chr_be_read(chr, bytes, n);
        }
        break;
    case 1:
        room = fuzz_u16(in);
        chr_be_writable(chr);
        break;
    default:
        chr_be_event(chr, fuzz_u8(in) & 1 ? CHR_EVENT_OPENED :
                                            CHR_EVENT_CLOSED);
        break;
    }
}

static const FuzzVirtio fuzz = {
    .always = BIT64(VIRTIO_CONSOLE_F_MULTIPORT),
    .queues = { 0, 1, 2, 3, 4, 5, 6, 7 },
    .n_queues = 8,
    .event = serial_event,
};

static void start(void)
{
    ChardevClass *cc;

    fuzz_start_machine();
    chardev_new_from_arg("null,id=c0", NULL);
    chardev_new_from_arg("null,id=c1", NULL);
    chardev_new_from_arg("ringbuf,id=c2", NULL);
    cc = CHARDEV_GET_CLASS(chardev_find("c0"));
    cc->write = slow_write;
    cc->set_write_watch = slow_watch;
    fuzz_add_device("{\"driver\":\"virtio-serial-pci\",\"id\":\"s\","
                    "\"max_ports\":4,\"packed\":true,\"in_order\":true,"
                    "\"ioeventfd\":false}");
    fuzz_add_device("{\"driver\":\"virtconsole\",\"chardev\":\"c0\"}");
    fuzz_add_device("{\"driver\":\"virtserialport\",\"chardev\":\"c1\","
                    "\"name\":\"org.example.one\",\"id\":\"p1\"}");
    fuzz_add_device("{\"driver\":\"virtserialport\",\"chardev\":\"c2\","
                    "\"name\":\"two\"}");
    serial = fuzz_virtio_find("s");
    fuzz_run_machine();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };

    if (!serial) {
        start();
    }
    room = SIZE_MAX;
    fuzz_virtio_run(&fuzz, serial, &in);
    return 0;
}
