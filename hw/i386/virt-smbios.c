/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS 3.3 (DMTF DSP0134): a 64-bit entry point and the structures that
 * describe the machine: types 0, 1, 3, 4, 16, 17, 19, 32, 127. Built once for
 * a boot without firmware.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "system/guest-info.h"
#include "util/bytes.h"

#define ENTRY_BYTES     0x18
#define STRUCTS_OFFSET  0x20
#define HANDLE_NONE     0xffff
#define NO_ERROR_INFO   0xfffe
#define HANDLE_CHASSIS  0x300
#define HANDLE_CPU      0x400
#define HANDLE_ARRAY    0x1000
#define HANDLE_DIMM     0x1100
#define HANDLE_RANGE    0x1300
#define UNKNOWN         2
#define SAFE            3

typedef struct Smbios {
    GByteArray *out;
    size_t start;                   /* of the structure under construction */
    GString *strings;               /* its strings, each with a NUL */
    uint8_t nstrings;
} Smbios;

static void sm_put(Smbios *s, uint64_t val, unsigned int nbytes)
{
    uint8_t buf[8];

    put_le64(buf, val);
    g_byte_array_append(s->out, buf, nbytes);
}

static void sm_begin(Smbios *s, uint8_t type, uint16_t handle)
{
    s->start = s->out->len;
    s->nstrings = 0;
    g_string_truncate(s->strings, 0);
    sm_put(s, type, 1);
    sm_put(s, 0, 1);
    sm_put(s, handle, 2);
}

static void sm_string(Smbios *s, const char *text)
{
    g_string_append_len(s->strings, text, strlen(text) + 1);
    sm_put(s, ++s->nstrings, 1);
}

/* The formatted area ends with its length known; strings end with two NULs. */
static void sm_end(Smbios *s)
{
    s->out->data[s->start + 1] = s->out->len - s->start;
    g_byte_array_append(s->out, (uint8_t *)s->strings->str, s->strings->len);
    if (!s->nstrings) {
        sm_put(s, 0, 1);
    }
    sm_put(s, 0, 1);
}

static void sm_firmware(Smbios *s)
{
    sm_begin(s, 0, 0);
    sm_string(s, "NEMU");
    sm_string(s, NEMU_VERSION);
    sm_put(s, 0, 2);
    sm_string(s, "01/01/2024");
    sm_put(s, 0, 1);
    sm_put(s, BIT(3), 8);           /* characteristics: not supported */
    sm_put(s, 0, 1);
    sm_put(s, BIT(4), 1);           /* a virtual machine */
    sm_put(s, 0, 2);
    sm_put(s, 0xffff, 2);           /* no embedded controller */
    sm_end(s);
}

/* RFC 4122 fields; the first three are little endian here (7.2.1). */
static void sm_uuid(Smbios *s, const Uuid *uuid)
{
    static const uint8_t order[16] = {
        3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
    };

    for (int i = 0; i < 16; i++) {
        sm_put(s, uuid->data[order[i]], 1);
    }
}

static void sm_system(Smbios *s, const char *machine)
{
    sm_begin(s, 1, 0x100);
    sm_string(s, "NEMU");
    sm_string(s, "NEMU Virtual Machine");
    sm_string(s, machine);
    sm_put(s, 0, 1);                /* serial number */
    sm_uuid(s, guest_info_get_uuid());
    sm_put(s, 6, 1);                /* wake-up: power switch */
    sm_put(s, 0, 2);                /* SKU, family */
    sm_end(s);
}

static void sm_chassis(Smbios *s)
{
    sm_begin(s, 3, HANDLE_CHASSIS);
    sm_string(s, "NEMU");
    sm_put(s, 1, 1);                /* type: other */
    sm_put(s, 0, 3);                /* version, serial number, asset tag */
    sm_put(s, SAFE, 1);             /* state at boot */
    sm_put(s, SAFE, 1);             /* power supply */
    sm_put(s, SAFE, 1);             /* temperature */
    sm_put(s, UNKNOWN, 1);          /* security */
    sm_put(s, 0, 4);
    sm_put(s, 0, 4);                /* height, cords, no elements */
    sm_end(s);
}

static void sm_processor(Smbios *s, unsigned int socket, const CpuTopology *t)
{
    g_autofree char *name = g_strdup_printf("CPU %u", socket);
    unsigned int cores = t->dies * t->clusters * t->cores;
    unsigned int threads = cores * t->threads;

    sm_begin(s, 4, HANDLE_CPU + socket);
    sm_string(s, name);
    sm_put(s, 3, 1);                /* central processor */
    sm_put(s, 1, 1);                /* family: other */
    sm_string(s, "NEMU");
    sm_put(s, 0, 8);                /* id */
    sm_put(s, 0, 1);                /* version */
    sm_put(s, 0, 7);                /* voltage, clock, speeds: unknown */
    sm_put(s, 0x41, 1);             /* populated, enabled */
    sm_put(s, 1, 1);                /* upgrade: other */
    for (int i = 0; i < 3; i++) {
        sm_put(s, HANDLE_NONE, 2);  /* caches */
    }
    sm_put(s, 0, 3);                /* serial number, asset tag, part number */
    sm_put(s, MIN(cores, 255), 1);
    sm_put(s, MIN(cores, 255), 1);
    sm_put(s, MIN(threads, 255), 1);
    sm_put(s, UNKNOWN, 2);          /* characteristics */
    sm_put(s, 1, 2);
    sm_put(s, cores, 2);
    sm_put(s, cores, 2);
    sm_put(s, threads, 2);
    sm_end(s);
}

static void sm_memory(Smbios *s, uint64_t bytes)
{
    sm_begin(s, 16, HANDLE_ARRAY);
    sm_put(s, 1, 1);                /* location: other */
    sm_put(s, 3, 1);                /* system memory */
    sm_put(s, 3, 1);                /* no error correction */
    sm_put(s, 0x80000000, 4);       /* see the extended capacity */
    sm_put(s, NO_ERROR_INFO, 2);
    sm_put(s, 1, 2);
    sm_put(s, bytes, 8);
    sm_end(s);

    sm_begin(s, 17, HANDLE_DIMM);
    sm_put(s, HANDLE_ARRAY, 2);
    sm_put(s, NO_ERROR_INFO, 2);
    sm_put(s, UINT32_MAX, 4);       /* widths: unknown */
    sm_put(s, 0x7fff, 2);           /* see the extended size */
    sm_put(s, 9, 1);                /* DIMM */
    sm_put(s, 0, 1);
    sm_string(s, "DIMM 0");
    sm_put(s, 0, 1);
    sm_put(s, 7, 1);                /* RAM */
    sm_put(s, BIT(1), 2);           /* other */
    sm_put(s, 0, 2);                /* speed */
    sm_string(s, "NEMU");
    sm_put(s, 0, 4);                /* numbers, tags, attributes */
    sm_put(s, bytes / MiB, 4);
    sm_put(s, 0, 8);                /* speed, voltages */
    sm_end(s);
}

static void sm_range(Smbios *s, uint16_t n, uint64_t addr, uint64_t bytes)
{
    sm_begin(s, 19, HANDLE_RANGE + n);
    sm_put(s, UINT32_MAX, 4);
    sm_put(s, UINT32_MAX, 4);
    sm_put(s, HANDLE_ARRAY, 2);
    sm_put(s, 1, 1);
    sm_put(s, addr, 8);
    sm_put(s, addr + bytes - 1, 8);
    sm_end(s);
}

static void sm_tail(Smbios *s)
{
    sm_begin(s, 32, 0x2000);
    sm_put(s, 0, 6);
    sm_put(s, 0, 1);                /* no errors */
    sm_end(s);
    sm_begin(s, 127, 0x7f00);
    sm_end(s);
}

/* 5.2.2 */
static void sm_entry_point(Smbios *s, uint64_t gpa)
{
    uint8_t *p = s->out->data;
    uint8_t sum = 0;

    memset(p, 0, STRUCTS_OFFSET);
    memcpy(p, "_SM3_", 5);
    p[6] = ENTRY_BYTES;
    p[7] = 3;
    p[8] = 3;
    p[10] = 1;
    put_le32(p + 12, s->out->len - STRUCTS_OFFSET);
    put_le64(p + 16, gpa + STRUCTS_OFFSET);
    for (int i = 0; i < ENTRY_BYTES; i++) {
        sum += p[i];
    }
    p[5] = -sum;
}

GByteArray *virt_build_smbios(VirtMachine *v, uint64_t gpa)
{
    MachineState *ms = MACHINE(v);
    Smbios s = { .out = g_byte_array_sized_new(1024),
                 .strings = g_string_new(NULL) };

    g_byte_array_set_size(s.out, STRUCTS_OFFSET);
    sm_firmware(&s);
    sm_system(&s, MACHINE_GET_CLASS(ms)->name);
    sm_chassis(&s);
    for (unsigned int i = 0; i < ms->smp.sockets; i++) {
        sm_processor(&s, i, &ms->smp);
    }
    sm_memory(&s, ms->ram_size);
    sm_range(&s, 0, 0, v->low_ram_size);
    if (v->high_ram_size) {
        sm_range(&s, 1, VIRT_HIGH_RAM_BASE, v->high_ram_size);
    }
    sm_tail(&s);
    sm_entry_point(&s, gpa);
    g_string_free(s.strings, TRUE);
    return s.out;
}
