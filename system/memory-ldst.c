/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses of one word, and the port accesses of vCPU exits. Guests and hosts
 * are little endian here. */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "util/bql.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the accesses below are for little-endian hosts"
#endif

#define DEFINE_LD(name, type)                                                  \
    type name##_phys(AddressSpace *as, hwaddr addr)                            \
    {                                                                          \
        type val;                                                              \
                                                                               \
        address_space_read(as, addr, MEMTXATTRS_UNSPECIFIED, &val,             \
                           sizeof(val));                                       \
        return val;                                                            \
    }
#define DEFINE_ST(name, type)                                                  \
    void name##_phys(AddressSpace *as, hwaddr addr, type val)                  \
    {                                                                          \
        address_space_write(as, addr, MEMTXATTRS_UNSPECIFIED, &val,            \
                            sizeof(val));                                      \
    }

DEFINE_LD(ldub, uint8_t)
DEFINE_LD(lduw_le, uint16_t)
DEFINE_LD(ldl_le, uint32_t)
DEFINE_LD(ldq_le, uint64_t)
DEFINE_ST(stb, uint8_t)
DEFINE_ST(stw_le, uint16_t)
DEFINE_ST(stl_le, uint32_t)
DEFINE_ST(stq_le, uint64_t)

static void io_exit_items(uint16_t port, uint8_t *data, unsigned int size,
                          uint32_t count, bool is_write)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        address_space_rw(&address_space_io, port, MEMTXATTRS_UNSPECIFIED,
                         data + (size_t)i * size, size, is_write);
    }
}

void address_space_io_exit(uint16_t port, void *data, unsigned int size,
                           uint32_t count, bool is_write)
{
    if (count == 1) {
        io_exit_items(port, data, size, 1, is_write);
    } else {
        /* a string instruction: the lock once for all */
        BQL_GUARD();
        io_exit_items(port, data, size, count, is_write);
    }
}
