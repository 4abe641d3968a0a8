/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes through an address space; DMA; ioeventfds; the dirty log. */
#include "util/osdep.h"
#include "memory-test-util.h"
#include "system/dma.h"
#include "util/bitmap.h"
#include "util/thread.h"

#define MMIO_BASE 0x8000
#define RAM_BASE  0x10000
#define RAM_SIZE  0x4000
#define ROM_BASE  0x20000

typedef struct Fixture {
    MemoryRegion root, ram, rom, mmio;
    AddressSpace as;
    MemoryRegionOps ops;
    GString *log;                       /* of the device's callbacks */
    bool reenter;
    MemTxResult inner;
    bool was_locked;
} Fixture;

static uint64_t dev_read(void *opaque, hwaddr addr, unsigned int size)
{
    Fixture *f = opaque;
    uint64_t v = 0;

    g_string_append_printf(f->log, "r%" PRIx64 ".%u ", addr, size);
    f->was_locked = bql_locked();
    for (unsigned int i = 0; i < size; i++) {
        v |= ((addr + i) & 0xff) << (8 * i);
    }
    if (f->reenter) {
        uint32_t x;

        f->inner = address_space_read(&f->as, MMIO_BASE,
                                      MEMTXATTRS_UNSPECIFIED, &x, 4);
        g_assert_cmphex(x, ==, 0xffffffff);
    }
    return v;
}

static void dev_write(void *opaque, hwaddr addr, uint64_t data,
                      unsigned int size)
{
    Fixture *f = opaque;

    g_string_append_printf(f->log, "w%" PRIx64 ".%u=%" PRIx64 " ", addr, size,
                           data);
}

static bool dev_accepts_even(void *opaque, hwaddr addr, unsigned int size,
                             bool is_write)
{
    return (addr & 2) == 0;
}

static void fixture_init(Fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->ops = (MemoryRegionOps){ .read = dev_read, .write = dev_write };
    f->log = g_string_new(NULL);
    memory_region_transaction_begin();
    memory_region_init(&f->root, NULL, "root", UINT64_MAX);
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", RAM_SIZE, NULL));
    g_assert_true(memory_region_init_rom(&f->rom, NULL, "rom", 0x1000, NULL));
    memory_region_init_io(&f->mmio, NULL, &f->ops, f, "mmio", 0x1006);
    memory_region_add_subregion(&f->root, RAM_BASE, &f->ram);
    memory_region_add_subregion(&f->root, ROM_BASE, &f->rom);
    memory_region_add_subregion(&f->root, MMIO_BASE, &f->mmio);
    address_space_init(&f->as, &f->root, "test");
    memory_region_transaction_commit();
}

static void fixture_clear(Fixture *f)
{
    memory_region_deinit(&f->ram);
    memory_region_deinit(&f->rom);
    memory_region_deinit(&f->mmio);
    address_space_destroy(&f->as);
    memory_region_deinit(&f->root);
    g_string_free(f->log, true);
}

static MemTxResult rw(Fixture *f, hwaddr addr, void *buf, uint64_t len,
                      bool is_write)
{
    return address_space_rw(&f->as, addr, MEMTXATTRS_UNSPECIFIED, buf, len,
                            is_write);
}

typedef struct SplitCase {
    const char *name;
    uint8_t valid_min, valid_max, impl_min, impl_max;
    bool valid_unaligned, impl_unaligned, even_only;
    hwaddr addr;
    unsigned int len;
    MemTxResult result;
    const char *reads, *writes;
    uint64_t value;                     /* that a read gives */
} SplitCase;

static const SplitCase split_cases[] = {
    { "plain", .addr = 0x10, .len = 4, .reads = "r10.4 ",
      .writes = "w10.4=44332211 ", .value = 0x13121110 },
    { "byte", .addr = 3, .len = 1, .reads = "r3.1 ", .writes = "w3.1=11 ",
      .value = 3 },
    { "eight-in-two", .addr = 0x10, .len = 8, .reads = "r10.4 r14.4 ",
      .writes = "w10.4=44332211 w14.4=88776655 ",
      .value = 0x1716151413121110ull },
    { "eight", 0, 8, 0, 8, .addr = 0x10, .len = 8, .reads = "r10.8 ",
      .writes = "w10.8=8877665544332211 ", .value = 0x1716151413121110ull },
    { "valid-eight-impl-four", 0, 8, .addr = 0x10, .len = 8,
      .reads = "r10.4 r14.4 ", .writes = "w10.4=44332211 w14.4=88776655 ",
      .value = 0x1716151413121110ull },
    { "odd-length", .addr = 0x10, .len = 7, .reads = "r10.4 r14.2 r16.1 ",
      .writes = "w10.4=44332211 w14.2=6655 w16.1=77 ",
      .value = 0x16151413121110ull },
    { "unaligned-in-pieces", .addr = 0x11, .len = 4,
      .reads = "r11.1 r12.2 r14.1 ", .writes = "w11.1=11 w12.2=3322 w14.1=44 ",
      .value = 0x14131211 },
    { "unaligned-whole", 0, 4, 0, 4, true, true, .addr = 0x11, .len = 4,
      .reads = "r11.4 ", .writes = "w11.4=44332211 ", .value = 0x14131211 },
    { "unaligned-valid-only", 0, 4, 0, 4, true, false, .addr = 0x11, .len = 4,
      .reads = "r11.1 r12.1 r13.1 r14.1 ",
      .writes = "w11.1=11 w12.1=22 w13.1=33 w14.1=44 ", .value = 0x14131211 },
    { "impl-one", 0, 4, 1, 1, .addr = 4, .len = 2, .reads = "r4.1 r5.1 ",
      .writes = "w4.1=11 w5.1=22 ", .value = 0x0504 },
    { "impl-wide", 0, 4, 4, 4, .addr = 6, .len = 1, .reads = "r4.4 ",
      .writes = "w4.4=110000 ", .value = 6 },
    { "too-narrow", 4, 4, .addr = 4, .len = 2, .result = MEMTX_ERROR,
      .reads = "", .writes = "", .value = 0xffff },
    { "narrow-tail-refused", 2, 4, .addr = 4, .len = 5, .result = MEMTX_ERROR,
      .reads = "r4.4 ", .writes = "w4.4=44332211 ", .value = 0xff07060504ull },
    { "not-accepted", .even_only = true, .addr = 2, .len = 2,
      .result = MEMTX_ERROR, .reads = "", .writes = "", .value = 0xffff },
    { "past-the-end", .addr = 0x1004, .len = 4, .result = MEMTX_DECODE_ERROR,
      .reads = "r1004.2 ", .writes = "w1004.2=2211 ", .value = 0xffff0504 },
    { "wide-past-the-end", 0, 4, 4, 4, .addr = 0x1004, .len = 2,
      .reads = "", .writes = "", .value = 0xffff },
};

static void test_split(gconstpointer data)
{
    const SplitCase *c = data;
    uint8_t out[8] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
    uint64_t in = 0;
    Fixture f;

    fixture_init(&f);
    f.ops.valid.min_access_size = c->valid_min;
    f.ops.valid.max_access_size = c->valid_max;
    f.ops.valid.unaligned = c->valid_unaligned;
    f.ops.valid.accepts = c->even_only ? dev_accepts_even : NULL;
    f.ops.impl.min_access_size = c->impl_min;
    f.ops.impl.max_access_size = c->impl_max;
    f.ops.impl.unaligned = c->impl_unaligned;

    g_assert_cmphex(rw(&f, MMIO_BASE + c->addr, &in, c->len, false), ==,
                    c->result);
    g_assert_cmpstr(f.log->str, ==, c->reads);
    g_assert_cmphex(in, ==, c->value);
    g_string_truncate(f.log, 0);
    g_assert_cmphex(rw(&f, MMIO_BASE + c->addr, out, c->len, true), ==,
                    c->result);
    g_assert_cmpstr(f.log->str, ==, c->writes);
    fixture_clear(&f);
}

static void test_ram_and_holes(void)
{
    uint8_t buf[0x30], *host;
    Fixture f;

    fixture_init(&f);
    host = memory_region_get_ram_ptr(&f.ram);
    memset(buf, 0x5a, sizeof(buf));
    g_assert_cmphex(rw(&f, RAM_BASE - 0x10, buf, 0x20, true), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(host[0], ==, 0x5a);
    g_assert_cmphex(host[0xf], ==, 0x5a);
    g_assert_cmphex(host[0x10], ==, 0);
    g_assert_cmphex(rw(&f, RAM_BASE + RAM_SIZE - 0x10, buf, 0x30, false), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(buf[0], ==, 0);
    g_assert_cmphex(buf[0x10], ==, 0xff);
    g_assert_cmphex(buf[0x2f], ==, 0xff);

    /* the last bytes of the address space */
    g_assert_cmphex(rw(&f, UINT64_MAX - 7, buf, 8, false), ==,
                    MEMTX_DECODE_ERROR);
    fixture_clear(&f);
}

static void test_words(void)
{
    Fixture f;

    fixture_init(&f);
    stq_le_phys(&f.as, RAM_BASE, 0x1122334455667788ull);
    g_assert_cmphex(ldub_phys(&f.as, RAM_BASE), ==, 0x88);
    g_assert_cmphex(lduw_le_phys(&f.as, RAM_BASE + 2), ==, 0x5566);
    g_assert_cmphex(ldl_le_phys(&f.as, RAM_BASE + 4), ==, 0x11223344);
    stb_phys(&f.as, RAM_BASE, 1);
    stw_le_phys(&f.as, RAM_BASE + 2, 2);
    stl_le_phys(&f.as, RAM_BASE + 4, 3);
    g_assert_cmphex(ldq_le_phys(&f.as, RAM_BASE), ==, 0x300027701ull);
    g_assert_cmphex(ldl_le_phys(&f.as, 0), ==, UINT32_MAX);
    fixture_clear(&f);
}

static void test_port_string(void)
{
    uint16_t items[3] = { 0x1111, 0x2222, 0x3333 };
    Fixture f;

    fixture_init(&f);
    memory_region_del_subregion(&f.root, &f.mmio);
    memory_region_add_subregion(get_system_io(), 0x100, &f.mmio);
    address_space_io_exit(0x110, items, 2, 3, true);
    g_assert_cmpstr(f.log->str, ==, "w10.2=1111 w10.2=2222 w10.2=3333 ");
    address_space_io_exit(0x110, items, 2, 3, false);
    g_assert_cmphex(items[0], ==, 0x1110);
    g_assert_cmphex(items[2], ==, 0x1110);
    address_space_io_exit(0xfffe, items, 2, 1, false);
    g_assert_cmphex(items[0], ==, 0xffff);
    fixture_clear(&f);
}

/* A PC's port 0xcf8: 4 bytes belong to one device though another has a byte
 * in their middle. */
static void test_access_belongs_to_where_it_starts(void)
{
    MemoryRegion over;
    uint32_t v = 0;
    Fixture f;

    fixture_init(&f);
    memory_region_init_io(&over, NULL, &f.ops, &f, "over", 1);
    memory_region_add_subregion_overlap(&f.root, MMIO_BASE + 0x11, &over, 1);
    g_assert_cmpint(rw(&f, MMIO_BASE + 0x10, &v, 4, false), ==, MEMTX_OK);
    g_assert_cmphex(v, ==, 0x13121110);
    g_assert_cmpstr(f.log->str, ==, "r10.4 ");
    g_string_truncate(f.log, 0);
    g_assert_cmpint(rw(&f, MMIO_BASE + 0x11, &v, 1, false), ==, MEMTX_OK);
    g_assert_cmpstr(f.log->str, ==, "r0.1 ");
    memory_region_deinit(&over);
    fixture_clear(&f);
}

static void test_rom_is_read_only(void)
{
    uint8_t *host, b = 1;
    uint64_t len = 1;
    Fixture f;

    fixture_init(&f);
    host = memory_region_get_ram_ptr(&f.rom);
    host[5] = 0x77;
    g_assert_cmphex(rw(&f, ROM_BASE + 5, &b, 1, false), ==, MEMTX_OK);
    g_assert_cmphex(b, ==, 0x77);
    b = 1;
    g_assert_cmphex(rw(&f, ROM_BASE + 5, &b, 1, true), ==, MEMTX_ACCESS_ERROR);
    g_assert_cmphex(host[5], ==, 0x77);
    g_assert_null(address_space_map(&f.as, ROM_BASE, &len, true,
                                    MEMTXATTRS_UNSPECIFIED));
    g_assert_null(address_space_ram_ptr(&f.as, ROM_BASE, 4, true));
    g_assert_nonnull(address_space_ram_ptr(&f.as, ROM_BASE, 4, false));
    fixture_clear(&f);
}

static void test_reentrancy_refused(void)
{
    uint32_t v;
    Fixture f;

    fixture_init(&f);
    f.reenter = true;
    g_assert_cmphex(rw(&f, MMIO_BASE, &v, 4, false), ==, MEMTX_OK);
    g_assert_cmphex(f.inner, ==, MEMTX_ACCESS_ERROR);
    g_assert_cmpstr(f.log->str, ==, "r0.4 ");
    f.reenter = false;
    g_assert_cmphex(rw(&f, MMIO_BASE, &v, 4, false), ==, MEMTX_OK);
    fixture_clear(&f);
}

static void *read_unlocked(void *opaque)
{
    Fixture *f = opaque;
    uint32_t v;

    g_assert_cmphex(rw(f, MMIO_BASE, &v, 4, false), ==, MEMTX_OK);
    g_assert_false(bql_locked());
    return NULL;
}

static void test_lock_taken_unless_lockless(void)
{
    Fixture f;
    Thread t;

    for (int lockless = 0; lockless < 2; lockless++) {
        fixture_init(&f);
        if (lockless) {
            memory_region_set_lockless(&f.mmio);
        }
        g_assert_true(thread_create(&t, "reader", read_unlocked, &f,
                                    THREAD_JOINABLE, NULL));
        bql_unlock();
        thread_join(&t);
        bql_lock();
        g_assert_cmpint(f.was_locked, ==, !lockless);
        fixture_clear(&f);
    }
}

#define FLASH_BASE 0x30000

/* The device hears of writes always, of reads only while it hides its RAM. */
static void test_rom_device(void)
{
    MemoryRegion flash;
    uint64_t len = 4;
    uint32_t v;
    Fixture f;

    fixture_init(&f);
    g_assert_true(memory_region_init_rom_device(&flash, NULL, &f.ops, &f,
                                                "flash", 0x1000, NULL));
    memory_region_add_subregion(&f.root, FLASH_BASE, &flash);
    memset(memory_region_get_ram_ptr(&flash), 0x5a, 0x1000);
    g_assert_cmphex(rw(&f, FLASH_BASE + 8, &v, 4, false), ==, MEMTX_OK);
    g_assert_cmphex(v, ==, 0x5a5a5a5a);
    g_assert_cmpstr(f.log->str, ==, "");
    g_assert_cmphex(rw(&f, FLASH_BASE + 8, &v, 4, true), ==, MEMTX_OK);
    g_assert_cmpstr(f.log->str, ==, "w8.4=5a5a5a5a ");
    g_assert_cmphex(dma_write(&f.as, FLASH_BASE, &v, 4), ==,
                    MEMTX_ACCESS_ERROR);
    g_assert_null(dma_map(&f.as, FLASH_BASE, &len, true));
    g_assert_cmphex(dma_read(&f.as, FLASH_BASE, &v, 4), ==, MEMTX_OK);

    memory_region_rom_device_set_romd(&flash, false);
    g_string_truncate(f.log, 0);
    g_assert_cmphex(rw(&f, FLASH_BASE + 8, &v, 4, false), ==, MEMTX_OK);
    g_assert_cmphex(v, ==, 0x0b0a0908);
    g_assert_cmphex(rw(&f, FLASH_BASE + 12, &v, 2, true), ==, MEMTX_OK);
    g_assert_cmpstr(f.log->str, ==, "r8.4 wc.2=908 ");
    g_assert_cmphex(dma_read(&f.as, FLASH_BASE, &v, 4), ==,
                    MEMTX_ACCESS_ERROR);
    memory_region_rom_device_set_romd(&flash, true);
    g_assert_cmphex(rw(&f, FLASH_BASE + 8, &v, 4, false), ==, MEMTX_OK);
    g_assert_cmphex(v, ==, 0x5a5a5a5a);
    memory_region_deinit(&flash);
    fixture_clear(&f);
}

static void test_dma_ram_only(void)
{
    uint8_t buf[0x20] = { 0 };
    Fixture f;

    fixture_init(&f);
    g_assert_cmphex(dma_write(&f.as, RAM_BASE, "abcd", 4), ==, MEMTX_OK);
    g_assert_cmphex(dma_read(&f.as, RAM_BASE, buf, 4), ==, MEMTX_OK);
    g_assert_cmpmem(buf, 4, "abcd", 4);
    g_assert_cmphex(dma_read(&f.as, MMIO_BASE, buf, 4), ==, MEMTX_ACCESS_ERROR);
    g_assert_cmphex(buf[0], ==, 0xff);
    g_assert_cmphex(dma_write(&f.as, MMIO_BASE, buf, 4), ==,
                    MEMTX_ACCESS_ERROR);
    g_assert_cmphex(dma_write(&f.as, ROM_BASE, buf, 4), ==,
                    MEMTX_ACCESS_ERROR);
    g_assert_cmphex(dma_read(&f.as, RAM_BASE + RAM_SIZE - 4, buf, 8), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(dma_read(&f.as, UINT64_MAX - 3, buf, 8), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmpstr(f.log->str, ==, "");
    fixture_clear(&f);
}

static void test_map(void)
{
    uint64_t len = 0x100000;
    uint8_t *p, *host;
    Fixture f;

    fixture_init(&f);
    host = memory_region_get_ram_ptr(&f.ram);
    p = dma_map(&f.as, RAM_BASE + 0x100, &len, true);
    g_assert_true(p == host + 0x100);
    g_assert_cmphex(len, ==, RAM_SIZE - 0x100);
    dma_unmap(&f.as, p, len, true, len);
    g_assert_null(dma_map(&f.as, MMIO_BASE, &len, false));
    g_assert_null(dma_map(&f.as, 0x100, &len, false));
    len = 0;
    g_assert_null(dma_map(&f.as, RAM_BASE, &len, false));

    g_assert_true(address_space_ram_ptr(&f.as, RAM_BASE, RAM_SIZE, true) ==
                  host);
    g_assert_null(address_space_ram_ptr(&f.as, RAM_BASE, RAM_SIZE + 1, true));
    g_assert_null(address_space_ram_ptr(&f.as, RAM_BASE + 1, UINT64_MAX, true));
    g_assert_null(address_space_ram_ptr(&f.as, MMIO_BASE, 4, true));
    fixture_clear(&f);
}

/* ---- ioeventfds ---- */

typedef struct FdListener {
    MemoryListener l;
    GString *log;
} FdListener;

static void fd_log(MemoryListener *l, char sign, MemoryRegionSection *s,
                   bool match, uint64_t data)
{
    g_string_append_printf(container_of(l, FdListener, l)->log,
                           "%c%" PRIx64 ".%u", sign, s->offset_in_as,
                           (unsigned int)s->size);
    if (match) {
        g_string_append_printf(container_of(l, FdListener, l)->log,
                               "=%" PRIx64, data);
    }
    g_string_append_c(container_of(l, FdListener, l)->log, ' ');
}

static void fd_add(MemoryListener *l, MemoryRegionSection *s, bool match,
                   uint64_t data, EventNotifier *e)
{
    fd_log(l, '+', s, match, data);
}

static void fd_del(MemoryListener *l, MemoryRegionSection *s, bool match,
                   uint64_t data, EventNotifier *e)
{
    fd_log(l, '-', s, match, data);
}

#define assert_fd_log(fl, expect)                                              \
    do {                                                                       \
        g_assert_cmpstr((fl)->log->str, ==, expect);                           \
        g_string_truncate((fl)->log, 0);                                       \
    } while (0)

static void test_ioeventfd_diff(void)
{
    FdListener fl = { .l = { .eventfd_add = fd_add, .eventfd_del = fd_del },
                      .log = g_string_new(NULL) };
    EventNotifier e[3];
    Fixture f;

    fixture_init(&f);
    for (int i = 0; i < 3; i++) {
        g_assert_true(event_notifier_init(&e[i], false, NULL));
    }
    memory_region_add_eventfd(&f.mmio, 0x10, 2, true, 7, &e[0]);
    memory_listener_register(&fl.l, &f.as);
    assert_fd_log(&fl, "+8010.2=7 ");

    memory_region_transaction_begin();
    memory_region_add_eventfd(&f.mmio, 0x20, 0, false, 0, &e[1]);
    memory_region_add_eventfd(&f.mmio, 0x10, 2, true, 6, &e[2]);
    assert_fd_log(&fl, "");
    memory_region_transaction_commit();
    assert_fd_log(&fl, "+8010.2=6 +8020.0 ");

    memory_region_set_address(&f.mmio, MMIO_BASE - 0x1000);
    assert_fd_log(&fl, "-8010.2=6 -8010.2=7 -8020.0 "
                       "+7010.2=6 +7010.2=7 +7020.0 ");
    memory_region_set_size(&f.mmio, 0x18);
    assert_fd_log(&fl, "-7020.0 ");
    memory_region_set_enabled(&f.mmio, false);
    assert_fd_log(&fl, "-7010.2=6 -7010.2=7 ");
    memory_region_set_enabled(&f.mmio, true);
    assert_fd_log(&fl, "+7010.2=6 +7010.2=7 ");
    memory_region_del_eventfd(&f.mmio, 0x10, 2, true, 7, &e[0]);
    assert_fd_log(&fl, "-7010.2=7 ");
    memory_listener_unregister(&fl.l);
    assert_fd_log(&fl, "-7010.2=6 ");

    fixture_clear(&f);
    for (int i = 0; i < 3; i++) {
        event_notifier_cleanup(&e[i]);
    }
    g_string_free(fl.log, true);
}

static void test_ioeventfd_dispatch(void)
{
    EventNotifier any, match;
    uint16_t v = 5;
    Fixture f;

    fixture_init(&f);
    g_assert_true(event_notifier_init(&any, false, NULL));
    g_assert_true(event_notifier_init(&match, false, NULL));
    memory_region_add_eventfd(&f.mmio, 0x20, 0, false, 0, &any);
    memory_region_add_eventfd(&f.mmio, 0x10, 2, true, 7, &match);

    rw(&f, MMIO_BASE + 0x20, &v, 2, true);
    g_assert_true(event_notifier_test_and_clear(&any));
    g_assert_cmpstr(f.log->str, ==, "");
    rw(&f, MMIO_BASE + 0x10, &v, 2, true);
    g_assert_false(event_notifier_test_and_clear(&match));
    g_assert_cmpstr(f.log->str, ==, "w10.2=5 ");
    v = 7;
    rw(&f, MMIO_BASE + 0x10, &v, 2, true);
    g_assert_true(event_notifier_test_and_clear(&match));
    rw(&f, MMIO_BASE + 0x10, &v, 1, true);
    g_assert_false(event_notifier_test_and_clear(&match));
    g_assert_cmpstr(f.log->str, ==, "w10.2=5 w10.1=7 ");

    memory_region_del_eventfd(&f.mmio, 0x20, 0, false, 0, &any);
    memory_region_del_eventfd(&f.mmio, 0x10, 2, true, 7, &match);
    fixture_clear(&f);
    event_notifier_cleanup(&any);
    event_notifier_cleanup(&match);
}

/* ---- The dirty log ---- */

static int log_starts, log_stops, log_syncs;

static void log_start(MemoryListener *l, MemoryRegionSection *s)
{
    log_starts++;
}

static void log_stop(MemoryListener *l, MemoryRegionSection *s)
{
    log_stops++;
}

static void log_sync(MemoryListener *l, MemoryRegionSection *s)
{
    log_syncs++;
    ram_block_set_dirty(s->mr->ram_block, s->offset_in_region, 1);
}

static void test_dirty_log(void)
{
    MemoryListener l = { .log_start = log_start, .log_stop = log_stop,
                         .log_sync = log_sync };
    uint8_t buf[16] = { 0 }, *p;
    uint64_t len = 0x1001, offset;
    unsigned long *map;
    MemoryRegion late;
    RamBlock *rb;
    Fixture f;

    fixture_init(&f);
    memory_listener_register(&l, &f.as);
    rb = f.ram.ram_block;
    rw(&f, RAM_BASE, buf, 16, true);
    g_assert_true(memory_global_dirty_log_start(NULL));
    g_assert_cmpint(log_starts, ==, 2);             /* RAM and ROM */
    map = rb->dirty;
    g_assert_true(bitmap_empty(map, RAM_SIZE / RAM_DIRTY_PAGE));

    rw(&f, RAM_BASE + 0xff8, buf, 16, true);
    g_assert_cmphex(map[0], ==, 3);
    rw(&f, RAM_BASE + 0x2000, buf, 16, false);
    g_assert_cmphex(map[0], ==, 3);
    p = dma_map(&f.as, RAM_BASE + 0x2000, &len, true);
    dma_unmap(&f.as, p, len, true, 0x1001);
    g_assert_cmphex(map[0], ==, 0xf);
    map[0] = 0;
    p = dma_map(&f.as, RAM_BASE + 0x2000, &len, true);
    dma_unmap(&f.as, p, len, true, 0);
    g_assert_cmphex(map[0], ==, 0);
    memory_mark_dirty(p, 1);
    g_assert_cmphex(map[0], ==, 4);
    g_assert_true(ram_block_from_host(p + 5, &offset) == rb);
    g_assert_cmphex(offset, ==, 0x2005);
    ram_block_set_dirty(rb, RAM_SIZE - 1, UINT64_MAX);
    g_assert_cmphex(map[0], ==, 0xc);
    ram_block_set_dirty(rb, RAM_SIZE, 1);
    g_assert_cmphex(map[0], ==, 0xc);

    /* RAM that comes while the log is on is logged too */
    g_assert_true(memory_region_init_ram(&late, NULL, "late", 0x1000, NULL));
    g_assert_nonnull(late.ram_block->dirty);
    memory_region_add_subregion(&f.root, 0x40000, &late);
    g_assert_cmpint(log_starts, ==, 3);
    memory_region_deinit(&late);
    g_assert_cmpint(log_stops, ==, 1);

    memory_global_dirty_log_sync();
    g_assert_cmpint(log_syncs, ==, 2);
    g_assert_cmphex(map[0], ==, 0xd);
    memory_global_dirty_log_stop();
    g_assert_cmpint(log_stops, ==, 3);
    rw(&f, RAM_BASE + 0x1000, buf, 16, true);
    g_assert_cmphex(map[0], ==, 0xd);
    g_assert_true(memory_global_dirty_log_start(NULL));
    g_assert_cmphex(map[0], ==, 0);
    memory_global_dirty_log_stop();
    memory_listener_unregister(&l);
    fixture_clear(&f);
}

static void test_ram_blocks(void)
{
    MemoryRegion mapped, none;
    g_autoptr(Error) err = NULL;
    static uint8_t mem[8192];
    RamMapping map = { .host = mem, .size = sizeof(mem), .page_size = 4096,
                       .fd = 7, .fd_offset = 0x1000, .shared = true };
    uint64_t before = ram_block_total_bytes(), offset;

    memory_region_init_ram_mapping(&mapped, NULL, "mapped", &map);
    g_assert_cmpint(memory_region_get_fd(&mapped), ==, 7);
    g_assert_true(memory_region_get_ram_ptr(&mapped) == mem);
    g_assert_cmpuint(ram_block_total_bytes() - before, ==, 8192);
    g_assert_true(ram_block_from_host(mem + 8191, &offset) ==
                  mapped.ram_block);
    g_assert_null(ram_block_from_host(mem + 8192, &offset));
    memory_region_deinit(&mapped);
    g_assert_null(ram_block_from_host(mem, &offset));
    g_assert_cmpuint(ram_block_total_bytes(), ==, before);

    g_assert_false(memory_region_init_ram(&none, NULL, "none", 0, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "memory region 'none': the size is 0");
}

/* ---- Readers while the map changes ---- */

typedef struct Race {
    Fixture f;
    bool stop;
    uint64_t reads;
} Race;

static void *race_reader(void *opaque)
{
    Race *r = opaque;
    uint64_t v;

    while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
        rw(&r->f, RAM_BASE + 0x100, &v, 8, false);
        g_assert_true(v == 0x0123456789abcdefull || v == UINT64_MAX);
        rw(&r->f, RAM_BASE + RAM_SIZE - 4, &v, 8, false);
        __atomic_fetch_add(&r->reads, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void test_concurrent_readers(void)
{
    const uint64_t magic = 0x0123456789abcdefull;
    Thread t[2];
    Race r = { .stop = false };

    fixture_init(&r.f);
    memcpy((char *)memory_region_get_ram_ptr(&r.f.ram) + 0x100, &magic, 8);
    for (int i = 0; i < 2; i++) {
        g_assert_true(thread_create(&t[i], "reader", race_reader, &r,
                                    THREAD_JOINABLE, NULL));
    }
    /* until the readers had their share, however loaded the host is */
    for (int i = 0; i < 2000 ||
         __atomic_load_n(&r.reads, __ATOMIC_RELAXED) < 1000; i++) {
        memory_region_set_enabled(&r.f.ram, i & 1);
        memory_region_set_address(&r.f.mmio, MMIO_BASE + (i & 7) * 0x10);
    }
    __atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        thread_join(&t[i]);
    }
    memory_test_reclaim();
    fixture_clear(&r.f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    memory_test_init();
    for (size_t i = 0; i < G_N_ELEMENTS(split_cases); i++) {
        g_autofree char *path = g_strdup_printf("/system/memory/split/%s",
                                                split_cases[i].name);

        g_test_add_data_func(path, &split_cases[i], test_split);
    }
    g_test_add_func("/system/memory/ram-and-holes", test_ram_and_holes);
    g_test_add_func("/system/memory/words", test_words);
    g_test_add_func("/system/memory/port-string", test_port_string);
    g_test_add_func("/system/memory/overlap",
                    test_access_belongs_to_where_it_starts);
    g_test_add_func("/system/memory/rom", test_rom_is_read_only);
    g_test_add_func("/system/memory/reentrancy", test_reentrancy_refused);
    g_test_add_func("/system/memory/lock", test_lock_taken_unless_lockless);
    g_test_add_func("/system/memory/dma", test_dma_ram_only);
    g_test_add_func("/system/memory/rom-device", test_rom_device);
    g_test_add_func("/system/memory/map", test_map);
    g_test_add_func("/system/memory/ioeventfd/diff", test_ioeventfd_diff);
    g_test_add_func("/system/memory/ioeventfd/dispatch",
                    test_ioeventfd_dispatch);
    g_test_add_func("/system/memory/dirty-log", test_dirty_log);
    g_test_add_func("/system/memory/ram-blocks", test_ram_blocks);
    g_test_add_func("/system/memory/concurrent-readers",
                    test_concurrent_readers);
    return g_test_run();
}
