/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virt machine with two root ports and some functions; the input is a list
 * of 8-byte records that access configuration space by ports and ECAM, and
 * whatever lies where BARs may have been put.
 *
 *     byte 0: what to do    1-3: address    4-7: data
 */
#include "fuzz-machine.h"
#include "hw/core/reset.h"
#include "system/memory.h"
#include "util/bytes.h"

#define RECORD_BYTES    8
#define ECAM            0xe8000000
#define PCI32           0xc0000000

static void start(void)
{
    fuzz_start_machine();
    fuzz_add_device("{\"driver\":\"pcie-root-port\",\"id\":\"a\"}");
    fuzz_add_device("{\"driver\":\"pcie-root-port\",\"id\":\"b\"}");
    fuzz_add_device("{\"driver\":\"virtio-rng-pci\",\"bus\":\"a\"}");
    fuzz_add_device("{\"driver\":\"pvpanic-pci\"}");
    fuzz_add_device("{\"driver\":\"virtio-balloon-pci\",\"bus\":\"b\"}");
    fuzz_run_machine();
}

static void io(uint16_t port, uint32_t val, unsigned int size, bool is_write)
{
    uint8_t buf[4];

    put_le32(buf, val);
    address_space_io_exit(port, buf, size, 1, is_write);
}

static void mem(hwaddr addr, uint32_t val, unsigned int size, bool is_write)
{
    uint8_t buf[4];

    put_le32(buf, val);
    address_space_rw(&address_space_memory, addr, MEMTXATTRS_UNSPECIFIED, buf,
                     size, is_write);
}

static void one(const uint8_t *r)
{
    static const unsigned int sizes[] = { 1, 2, 4, 4 };
    uint32_t addr = r[1] | r[2] << 8 | (uint32_t)r[3] << 16;
    unsigned int size = sizes[r[0] >> 4 & 3];
    bool is_write = r[0] & 0x40;
    uint32_t val = get_le32(r + 4);

    switch (r[0] & 7) {
    case 0:                         /* slots 0..7 of buses 0..15, by port */
    case 1:
        io(0xcf8, 0x80000000 | (addr & 0xf3fff), 4, true);
        io(0xcfc + (addr & 3 & ~(size - 1)), val, size, is_write);
        break;
    case 2:
        mem(ECAM + (uint64_t)addr, val, size, is_write);
        break;
    case 3:
    case 4:
        mem(PCI32 + (uint64_t)addr, val, size, is_write);
        break;
    case 5:
        mem(4 * GiB + addr, val, size, is_write);
        break;
    case 6:
        io(addr, val, size, is_write && addr != 0x600 && addr != 0xcf9);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;

    if (!started) {
        start();
        started = true;
    }
    for (; size >= RECORD_BYTES; size -= RECORD_BYTES, data += RECORD_BYTES) {
        one(data);
    }
    reset_all();
    return 0;
}
