/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How single values look on the wire; see include/migration/vmstate.h. */
#include "util/osdep.h"
#include "migration/vmstate.h"

/* ---- Numbers, of 1, 2, 4 or 8 bytes ---- */

static uint64_t number_load(const void *pv, size_t size)
{
    switch (size) {
    case 1:
        return *(const uint8_t *)pv;
    case 2:
        return *(const uint16_t *)pv;
    case 4:
        return *(const uint32_t *)pv;
    default:
        return *(const uint64_t *)pv;
    }
}

static void number_store(void *pv, size_t size, uint64_t value)
{
    switch (size) {
    case 1:
        *(uint8_t *)pv = value;
        break;
    case 2:
        *(uint16_t *)pv = value;
        break;
    case 4:
        *(uint32_t *)pv = value;
        break;
    default:
        *(uint64_t *)pv = value;
        break;
    }
}

static bool number_put(VMStateWriter *w, const void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    uint64_t value = number_load(pv, size);
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++) {
        bytes[i] = value >> (8 * (size - 1 - i));
    }
    return vmstate_write(w, bytes, size, errp);
}

static bool number_read(VMStateReader *r, size_t size, uint64_t *value,
                        Error **errp)
{
    uint8_t bytes[8];

    if (!vmstate_read(r, bytes, size, errp)) {
        return false;
    }
    *value = 0;
    for (size_t i = 0; i < size; i++) {
        *value = *value << 8 | bytes[i];
    }
    return true;
}

static bool number_get(VMStateReader *r, void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    uint64_t value;

    if (!number_read(r, size, &value, errp)) {
        return false;
    }
    number_store(pv, size, value);
    return true;
}

static bool number_get_equal(VMStateReader *r, void *pv, size_t size,
                             const VMStateField *field, Error **errp)
{
    uint64_t have = number_load(pv, size);
    uint64_t value;

    if (!number_read(r, size, &value, errp)) {
        return false;
    }
    if (value != have) {
        error_setg(errp, "value %" PRIu64 " differs from %" PRIu64 " here",
                   value, have);
        return false;
    }
    return true;
}

static bool number_get_max(VMStateReader *r, void *pv, size_t size,
                           const VMStateField *field, Error **errp)
{
    uint64_t value;

    if (!number_read(r, size, &value, errp)) {
        return false;
    }
    if (value > field->arg) {
        error_setg(errp, "value %" PRIu64 " is above %" PRIu64, value,
                   field->arg);
        return false;
    }
    number_store(pv, size, value);
    return true;
}

#define DEFINE_NUMBER(T)                                                       \
    const VMStateInfo vmstate_info_##T = {                                     \
        .name = #T, .get = number_get, .put = number_put,                      \
    };                                                                         \
    const VMStateInfo vmstate_info_##T##_equal = {                             \
        .name = #T " equal", .get = number_get_equal, .put = number_put,       \
    };                                                                         \
    const VMStateInfo vmstate_info_##T##_max = {                               \
        .name = #T " max", .get = number_get_max, .put = number_put,           \
    }

DEFINE_NUMBER(uint8);
DEFINE_NUMBER(uint16);
DEFINE_NUMBER(uint32);
DEFINE_NUMBER(uint64);

/* ---- Booleans ---- */

static bool bool_put(VMStateWriter *w, const void *pv, size_t size,
                     const VMStateField *field, Error **errp)
{
    return vmstate_write_u8(w, *(const bool *)pv, errp);
}

static bool bool_get(VMStateReader *r, void *pv, size_t size,
                     const VMStateField *field, Error **errp)
{
    uint8_t byte;

    if (!vmstate_read_u8(r, &byte, errp)) {
        return false;
    }
    if (byte > 1) {
        error_setg(errp, "value %u is no boolean", byte);
        return false;
    }
    *(bool *)pv = byte;
    return true;
}

const VMStateInfo vmstate_info_bool = {
    .name = "bool", .get = bool_get, .put = bool_put,
};

/* ---- Bytes ---- */

static bool buffer_put(VMStateWriter *w, const void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    return vmstate_write(w, pv, size, errp);
}

static bool buffer_get(VMStateReader *r, void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    return vmstate_read(r, pv, size, errp);
}

const VMStateInfo vmstate_info_buffer = {
    .name = "buffer", .get = buffer_get, .put = buffer_put,
};

static bool unused_put(VMStateWriter *w, const void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    static const uint8_t zeros[64];

    for (size_t done = 0; done < size; done += sizeof(zeros)) {
        if (!vmstate_write(w, zeros, MIN(size - done, sizeof(zeros)), errp)) {
            return false;
        }
    }
    return true;
}

static bool unused_get(VMStateReader *r, void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    return vmstate_skip(r, size, errp);
}

const VMStateInfo vmstate_info_unused = {
    .name = "unused", .get = unused_get, .put = unused_put,
};
