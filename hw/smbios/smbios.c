/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structures: DSP0134 3.3, chapter 7; entry point: 5.2.2. */
#include "util/osdep.h"
#include "smbios-internal.h"
#include "util/bytes.h"

#define HANDLE_NONE     0xffff
#define NO_ERROR_INFO   0xfffe
#define HANDLE_FIRMWARE 0
#define HANDLE_SYSTEM   0x100
#define HANDLE_BOARD    0x200
#define HANDLE_CHASSIS  0x300
#define HANDLE_CPU      0x400
#define HANDLE_PORT     0x800
#define HANDLE_STRINGS  0xe00
#define HANDLE_ARRAY    0x1000
#define HANDLE_DIMM     0x1100
#define HANDLE_RANGE    0x1300
#define HANDLE_BOOT     0x2000
#define HANDLE_ONBOARD  0x2900
#define HANDLE_END      0x7f00
#define UNKNOWN         2
#define SAFE            3
#define NO_PCI_ADDRESS  0xff
#define ONBOARD_ENABLED BIT(7)

#define VENDOR          "NEMU"

typedef struct Smbios {
    const SmbiosMachine *m;
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

/* Number of a string for its field; none and an empty one are 0 (6.1.3). */
static uint8_t sm_add_string(Smbios *s, const char *text)
{
    if (!text || !*text || s->nstrings == SMBIOS_MAX_STRINGS) {
        return 0;
    }
    g_string_append_len(s->strings, text, strlen(text) + 1);
    return ++s->nstrings;
}

static void sm_string(Smbios *s, const char *text)
{
    sm_put(s, sm_add_string(s, text), 1);
}

/* The formatted area ends with its length known; strings end with two NULs. */
static void sm_end_at(Smbios *s, size_t end)
{
    s->out->data[s->start + 1] = end - s->start;
    g_byte_array_append(s->out, (uint8_t *)s->strings->str, s->strings->len);
    if (!s->nstrings) {
        sm_put(s, 0, 1);
    }
    sm_put(s, 0, 1);
}

static void sm_end(Smbios *s)
{
    sm_end_at(s, s->out->len);
}

/* ---- What the user set ---- */

/* The last option of that type for which @has, or NULL. */
static const SmbiosOptions *sm_find(const Smbios *s, SmbiosType type,
                                    size_t flag, size_t flag_bytes)
{
    const SmbiosConfig *c = s->m->config;

    for (guint i = c ? c->options->len : 0; i-- > 0;) {
        const SmbiosOptions *o = c->options->pdata[i];
        const char *p = (const char *)&o->u + flag;

        for (size_t j = 0; o->type == type && j < flag_bytes; j++) {
            if (p[j]) {
                return o;
            }
        }
    }
    return NULL;
}

static bool sm_has_type(const Smbios *s, SmbiosType type)
{
    const SmbiosConfig *c = s->m->config;

    for (guint i = 0; c && i < c->options->len; i++) {
        if (((const SmbiosOptions *)c->options->pdata[i])->type == type) {
            return true;
        }
    }
    return false;
}

static const char *sm_text_at(const Smbios *s, SmbiosType type, size_t offset,
                              const char *otherwise)
{
    const SmbiosOptions *o = sm_find(s, type, offset, sizeof(char *));

    return o ? *(char *const *)((const char *)&o->u + offset) : otherwise;
}

/* Value of a member of SmbiosTypeNOptions. */
#define TEXT(n, member, otherwise)                                             \
    sm_text_at(s, SMBIOS_TYPE_##n, offsetof(SmbiosType##n##Options, member),   \
               otherwise)
#define FIND(n, member)                                                        \
    sm_find(s, SMBIOS_TYPE_##n,                                                \
            offsetof(SmbiosType##n##Options, has_##member), sizeof(bool))

/* Whether the machine is to make structures of that type. */
static bool sm_is_ours(const Smbios *s, uint8_t type)
{
    return !s->m->config || !s->m->config->from_file[type];
}

/* ---- Structures ---- */

static void sm_firmware(Smbios *s)
{
    const char *release = TEXT(0, release, NULL);
    const SmbiosOptions *uefi = FIND(0, uefi);
    unsigned int major = 0, minor = 0;

    if (!s->m->is_firmware && !sm_has_type(s, SMBIOS_TYPE_0)) {
        return;
    }
    if (release) {
        sscanf(release, "%3u.%3u", &major, &minor);
    }
    sm_begin(s, 0, HANDLE_FIRMWARE);
    sm_string(s, TEXT(0, vendor, VENDOR));
    sm_string(s, TEXT(0, version, NEMU_VERSION));
    sm_put(s, 0, 2);
    sm_string(s, TEXT(0, date, "01/01/2024"));
    sm_put(s, 0, 1);
    sm_put(s, BIT(3), 8);           /* characteristics: not supported */
    sm_put(s, 0, 1);
    sm_put(s, BIT(4) | (uefi && uefi->u.q_0.uefi ? BIT(3) : 0), 1); /* a VM */
    sm_put(s, major, 1);
    sm_put(s, minor, 1);
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

static void sm_system(Smbios *s)
{
    const char *text = TEXT(1, uuid, NULL);
    Uuid uuid = *s->m->uuid;

    if (text) {
        uuid_from_string(text, &uuid, NULL);    /* was checked */
    }
    sm_begin(s, 1, HANDLE_SYSTEM);
    sm_string(s, TEXT(1, manufacturer, VENDOR));
    sm_string(s, TEXT(1, product, "NEMU Virtual Machine"));
    sm_string(s, TEXT(1, version, s->m->name));
    sm_string(s, TEXT(1, serial, NULL));
    sm_uuid(s, &uuid);
    sm_put(s, 6, 1);                /* wake-up: power switch */
    sm_string(s, TEXT(1, sku, NULL));
    sm_string(s, TEXT(1, family, NULL));
    sm_end(s);
}

static void sm_board(Smbios *s)
{
    if (!sm_has_type(s, SMBIOS_TYPE_2)) {
        return;
    }
    sm_begin(s, 2, HANDLE_BOARD);
    sm_string(s, TEXT(2, manufacturer, VENDOR));
    sm_string(s, TEXT(2, product, "NEMU Virtual Machine"));
    sm_string(s, TEXT(2, version, s->m->name));
    sm_string(s, TEXT(2, serial, NULL));
    sm_string(s, TEXT(2, asset, NULL));
    sm_put(s, BIT(0), 1);           /* a hosting board */
    sm_string(s, TEXT(2, location, NULL));
    sm_put(s, HANDLE_CHASSIS, 2);
    sm_put(s, 10, 1);               /* motherboard */
    sm_put(s, 0, 1);                /* contains no objects */
    sm_end(s);
}

static void sm_chassis(Smbios *s)
{
    sm_begin(s, 3, HANDLE_CHASSIS);
    sm_string(s, TEXT(3, manufacturer, VENDOR));
    sm_put(s, 1, 1);                /* type: other */
    sm_string(s, TEXT(3, version, s->m->name));
    sm_string(s, TEXT(3, serial, NULL));
    sm_string(s, TEXT(3, asset, NULL));
    sm_put(s, SAFE, 1);             /* state at boot */
    sm_put(s, SAFE, 1);             /* power supply */
    sm_put(s, SAFE, 1);             /* temperature */
    sm_put(s, UNKNOWN, 1);          /* security */
    sm_put(s, 0, 4);
    sm_put(s, 0, 4);                /* height, cords, no elements */
    sm_string(s, TEXT(3, sku, NULL));
    sm_end(s);
}

static void sm_processor(Smbios *s, unsigned int socket)
{
    g_autofree char *name = g_strdup_printf("%s %u", TEXT(4, sock_pfx, "CPU"),
                                            socket);
    const SmbiosOptions *id = FIND(4, processor_id);
    const SmbiosOptions *max = FIND(4, max_speed);
    const SmbiosOptions *now = FIND(4, current_speed);

    sm_begin(s, 4, HANDLE_CPU + socket);
    sm_string(s, name);
    sm_put(s, 3, 1);                /* central processor */
    sm_put(s, 1, 1);                /* family: other */
    sm_string(s, TEXT(4, manufacturer, VENDOR));
    sm_put(s, id ? id->u.q_4.processor_id : 0, 8);
    sm_string(s, TEXT(4, version, s->m->name));
    sm_put(s, 0, 3);                /* voltage, external clock: unknown */
    sm_put(s, max ? max->u.q_4.max_speed : 0, 2);
    sm_put(s, now ? now->u.q_4.current_speed : 0, 2);
    sm_put(s, 0x41, 1);             /* populated, enabled */
    sm_put(s, 1, 1);                /* upgrade: other */
    for (int i = 0; i < 3; i++) {
        sm_put(s, HANDLE_NONE, 2);  /* caches */
    }
    sm_string(s, TEXT(4, serial, NULL));
    sm_string(s, TEXT(4, asset, NULL));
    sm_string(s, TEXT(4, part, NULL));
    sm_put(s, MIN(s->m->cores, 255u), 1);
    sm_put(s, MIN(s->m->cores, 255u), 1);
    sm_put(s, MIN(s->m->threads, 255u), 1);
    sm_put(s, UNKNOWN, 2);          /* characteristics */
    sm_put(s, 1, 2);
    sm_put(s, s->m->cores, 2);
    sm_put(s, s->m->cores, 2);
    sm_put(s, s->m->threads, 2);
    sm_end(s);
}

static void sm_ports(Smbios *s)
{
    const SmbiosConfig *c = s->m->config;

    for (guint i = 0; c && i < c->options->len; i++) {
        const SmbiosOptions *o = c->options->pdata[i];
        const SmbiosType8Options *port = &o->u.q_8;

        if (o->type == SMBIOS_TYPE_8) {
            sm_begin(s, 8, HANDLE_PORT + i);
            sm_string(s, port->internal_reference);
            sm_put(s, 0, 1);        /* no connector inside */
            sm_string(s, port->external_reference);
            sm_put(s, port->connector_type, 1);
            sm_put(s, port->port_type, 1);
            sm_end(s);
        }
    }
}

static void sm_vendor_strings(Smbios *s)
{
    const SmbiosConfig *c = s->m->config;
    size_t end;

    if (!c || !c->strings->len) {
        return;
    }
    sm_begin(s, 11, HANDLE_STRINGS);
    sm_put(s, 0, 1);
    end = s->out->len;
    for (guint i = 0; i < c->strings->len; i++) {
        sm_add_string(s, c->strings->pdata[i]);
    }
    s->out->data[end - 1] = s->nstrings;
    sm_end_at(s, end);
}

static uint64_t sm_ram_bytes(const Smbios *s)
{
    uint64_t bytes = 0;

    for (unsigned int i = 0; i < s->m->nram; i++) {
        bytes += s->m->ram[i].bytes;
    }
    return bytes;
}

static void sm_memory_array(Smbios *s)
{
    sm_begin(s, 16, HANDLE_ARRAY);
    sm_put(s, 1, 1);                /* location: other */
    sm_put(s, 3, 1);                /* system memory */
    sm_put(s, 3, 1);                /* no error correction */
    sm_put(s, 0x80000000, 4);       /* see the extended capacity */
    sm_put(s, NO_ERROR_INFO, 2);
    sm_put(s, 1, 2);
    sm_put(s, sm_ram_bytes(s), 8);
    sm_end(s);
}

static void sm_memory_device(Smbios *s)
{
    g_autofree char *name = g_strdup_printf("%s 0", TEXT(17, loc_pfx, "DIMM"));
    const SmbiosOptions *speed = FIND(17, speed);
    uint16_t mts = speed ? speed->u.q_17.speed : 0;

    sm_begin(s, 17, HANDLE_DIMM);
    sm_put(s, HANDLE_ARRAY, 2);
    sm_put(s, NO_ERROR_INFO, 2);
    sm_put(s, UINT32_MAX, 4);       /* widths: unknown */
    sm_put(s, 0x7fff, 2);           /* see the extended size */
    sm_put(s, 9, 1);                /* DIMM */
    sm_put(s, 0, 1);
    sm_string(s, name);
    sm_string(s, TEXT(17, bank, NULL));
    sm_put(s, 7, 1);                /* RAM */
    sm_put(s, BIT(1), 2);           /* other */
    sm_put(s, mts, 2);
    sm_string(s, TEXT(17, manufacturer, VENDOR));
    sm_string(s, TEXT(17, serial, NULL));
    sm_string(s, TEXT(17, asset, NULL));
    sm_string(s, TEXT(17, part, NULL));
    sm_put(s, 0, 1);                /* attributes */
    sm_put(s, sm_ram_bytes(s) / MiB, 4);
    sm_put(s, mts, 2);
    sm_put(s, 0, 6);                /* voltages: unknown */
    sm_end(s);
}

static void sm_range(Smbios *s, uint16_t n, const SmbiosRange *r)
{
    sm_begin(s, 19, HANDLE_RANGE + n);
    sm_put(s, UINT32_MAX, 4);
    sm_put(s, UINT32_MAX, 4);
    sm_put(s, HANDLE_ARRAY, 2);
    sm_put(s, 1, 1);
    sm_put(s, r->addr, 8);
    sm_put(s, r->addr + r->bytes - 1, 8);
    sm_end(s);
}

static void sm_processors(Smbios *s)
{
    for (unsigned int i = 0; i < s->m->sockets; i++) {
        sm_processor(s, i);
    }
}

static void sm_ranges(Smbios *s)
{
    for (unsigned int i = 0; i < s->m->nram; i++) {
        sm_range(s, i, &s->m->ram[i]);
    }
}

static void sm_boot(Smbios *s)
{
    sm_begin(s, 32, HANDLE_BOOT);
    sm_put(s, 0, 6);
    sm_put(s, 0, 1);                /* no errors */
    sm_end(s);
}

/* The nth option for an on-board device; NULL after the last. */
static const SmbiosType41Options *onboard(const SmbiosMachine *m,
                                          unsigned int nth)
{
    for (guint i = 0; m->config && i < m->config->options->len; i++) {
        const SmbiosOptions *o = m->config->options->pdata[i];

        if (o->type == SMBIOS_TYPE_41 && nth-- == 0) {
            return &o->u.q_41;
        }
    }
    return NULL;
}

static void sm_onboard(Smbios *s)
{
    const SmbiosType41Options *o;

    for (unsigned int i = 0; (o = onboard(s->m, i)); i++) {
        unsigned int kind = o->has_kind ? o->kind : SMBIOS_ONBOARD_KIND_OTHER;
        uint8_t bus = NO_PCI_ADDRESS, devfn = NO_PCI_ADDRESS;

        if (o->pcidev && s->m->find_pci(o->pcidev, &devfn, NULL)) {
            bus = 0;
        }
        sm_begin(s, 41, HANDLE_ONBOARD + i);
        sm_string(s, o->designation);
        sm_put(s, ONBOARD_ENABLED | (kind + 1), 1);
        sm_put(s, o->has_instance ? o->instance : 1, 1);
        sm_put(s, 0, 2);            /* segment */
        sm_put(s, bus, 1);
        sm_put(s, devfn, 1);
        sm_end(s);
    }
}

static bool check_onboard(const SmbiosMachine *m, Error **errp)
{
    const SmbiosType41Options *o;
    uint8_t devfn;

    for (unsigned int i = 0; (o = onboard(m, i)); i++) {
        if (o->pcidev && !m->find_pci(o->pcidev, &devfn, errp)) {
            error_prepend(errp, "-smbios type=41,pcidev=%s: ", o->pcidev);
            return false;
        }
    }
    return true;
}

GByteArray *smbios_build(const SmbiosMachine *m, Error **errp)
{
    static const struct { uint8_t type; void (*make)(Smbios *); } all[] = {
        { 0, sm_firmware }, { 1, sm_system }, { 2, sm_board },
        { 3, sm_chassis }, { 4, sm_processors }, { 8, sm_ports },
        { 11, sm_vendor_strings }, { 16, sm_memory_array },
        { 17, sm_memory_device }, { 19, sm_ranges }, { 32, sm_boot },
        { 41, sm_onboard },
    };
    Smbios s = { .m = m };

    if (!check_onboard(m, errp)) {
        return NULL;
    }
    s.out = g_byte_array_sized_new(1024);
    s.strings = g_string_new(NULL);
    if (m->config) {
        g_byte_array_append(s.out, m->config->files->data,
                            m->config->files->len);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        if (sm_is_ours(&s, all[i].type)) {
            all[i].make(&s);
        }
    }
    sm_begin(&s, SMBIOS_END, HANDLE_END);
    sm_end(&s);
    g_string_free(s.strings, TRUE);
    return s.out;
}

void smbios_entry_point(uint8_t ep[SMBIOS_ENTRY_BYTES], uint32_t len,
                        uint64_t gpa)
{
    uint8_t sum = 0;

    memset(ep, 0, SMBIOS_ENTRY_BYTES);
    memcpy(ep, "_SM3_", 5);
    ep[6] = SMBIOS_ENTRY_BYTES;
    ep[7] = 3;                      /* version 3.3 */
    ep[8] = 3;
    ep[10] = 1;                     /* revision of this */
    put_le32(ep + 12, len);
    put_le64(ep + 16, gpa);
    for (int i = 0; i < SMBIOS_ENTRY_BYTES; i++) {
        sum += ep[i];
    }
    ep[5] = -sum;
}
