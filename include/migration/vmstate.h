/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMState: tables that describe the state of a device on the wire.
 *
 *     static const VMStateDescription vmstate_rng = {
 *         .name = "virtio-rng",
 *         .version_id = 1,
 *         .minimum_version_id = 1,
 *         .post_load = virtio_rng_post_load,
 *         .fields = (const VMStateField[]) {
 *             VMSTATE_UINT64(quota, VirtIORng),
 *             VMSTATE_TIMER(period_timer, VirtIORng),
 *             VMSTATE_END_OF_LIST()
 *         },
 *     };
 *
 * One table serves saving and loading. The encodings are those of QEMU's
 * stream: integers big-endian, bool one byte 0 or 1, arrays as their elements,
 * a timer as its due time in a signed 64-bit (-1: disarmed), a subsection as
 * byte 0x05, byte length, name, be32 version, its fields.
 *
 * What is loaded is hostile: a counted array is checked against its capacity
 * before it is read, a bool must be 0 or 1, post_load revalidates the rest and
 * refuses with an error. After a failed load the state is undefined but safe
 * to reset or free.
 *
 * Threading: the caller owns the state; the migration does this under the big
 * lock with CPUs stopped.
 */
#ifndef MIGRATION_VMSTATE_H
#define MIGRATION_VMSTATE_H

#include "util/osdep.h"
#include "util/error.h"

typedef struct VMStateDescription VMStateDescription;
typedef struct VMStateField VMStateField;
typedef struct VMStateInfo VMStateInfo;
typedef struct VMStateReader VMStateReader;
typedef struct VMStateWriter VMStateWriter;

/* ---- The two ends of the wire ---- */

/*
 * A reader takes bytes from @data; when they run out it calls @fill, which
 * must move the window such that at least @need bytes are at data + pos (a
 * stream over a channel does that), or fail. NULL: @data is all there is.
 */
struct VMStateReader {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool (*fill)(VMStateReader *r, size_t need, Error **errp);
    void *opaque;
};

void vmstate_reader_init(VMStateReader *r, const void *data, size_t len);
/* Bytes left in the window. */
size_t vmstate_reader_left(const VMStateReader *r);
/* @need bytes from here on without taking them, or NULL; @errp may be NULL. */
const uint8_t *vmstate_peek(VMStateReader *r, size_t need, Error **errp);
bool vmstate_read(VMStateReader *r, void *buf, size_t len, Error **errp);
bool vmstate_skip(VMStateReader *r, size_t len, Error **errp);
bool vmstate_read_u8(VMStateReader *r, uint8_t *v, Error **errp);
bool vmstate_read_be16(VMStateReader *r, uint16_t *v, Error **errp);
bool vmstate_read_be32(VMStateReader *r, uint32_t *v, Error **errp);
bool vmstate_read_be64(VMStateReader *r, uint64_t *v, Error **errp);

/*
 * A writer collects bytes in @buf; when more than @flush_size are there it
 * calls @flush, which empties @buf or fails. NULL: it just grows.
 */
struct VMStateWriter {
    GByteArray *buf;
    size_t flush_size;
    bool (*flush)(VMStateWriter *w, Error **errp);
    void *opaque;
};

void vmstate_writer_init(VMStateWriter *w);
void vmstate_writer_cleanup(VMStateWriter *w);
bool vmstate_write(VMStateWriter *w, const void *buf, size_t len, Error **errp);
bool vmstate_write_u8(VMStateWriter *w, uint8_t v, Error **errp);
bool vmstate_write_be16(VMStateWriter *w, uint16_t v, Error **errp);
bool vmstate_write_be32(VMStateWriter *w, uint32_t v, Error **errp);
bool vmstate_write_be64(VMStateWriter *w, uint64_t v, Error **errp);

/* ---- Tables ---- */

/* How one element is read and written. @size: the element's size in memory. */
struct VMStateInfo {
    const char *name;
    bool (*get)(VMStateReader *r, void *pv, size_t size,
                const VMStateField *field, Error **errp);
    bool (*put)(VMStateWriter *w, const void *pv, size_t size,
                const VMStateField *field, Error **errp);
};

enum {
    VMS_POINTER   = 1u << 0,        /* the field points to the data */
    VMS_ARRAY     = 1u << 1,        /* num elements */
    VMS_VARRAY    = 1u << 2,        /* as many as the count field says */
    VMS_STRUCT    = 1u << 3,        /* elements are described by vmsd */
    VMS_ALLOC     = 1u << 4,        /* load allocates; the old is g_free()d */
    VMS_VBUFFER   = 1u << 5,        /* size in bytes from the count field */
    VMS_VALIDATE  = 1u << 6,        /* no data; field_exists must say yes */
};

struct VMStateField {
    const char *name;
    size_t offset;
    size_t size;                    /* of an element in memory */
    size_t num;                     /* elements; capacity of a VARRAY */
    size_t count_offset;            /* of the count field */
    uint8_t count_size;             /* 1, 2 or 4 bytes */
    uint16_t flags;
    int version_id;                 /* first version that has it */
    uint64_t arg;                   /* for the info: expected value ... */
    const VMStateInfo *info;
    const VMStateDescription *vmsd;
    bool (*field_exists)(void *opaque, int version_id);
};

typedef enum VMStatePriority {
    VMSTATE_PRI_DEFAULT,
    VMSTATE_PRI_IOMMU,              /* before the devices behind it */
    VMSTATE_PRI_PCI_BUS,
    VMSTATE_PRI_INTC,               /* interrupt controllers come first */
    VMSTATE_PRI__MAX,
} VMStatePriority;

struct VMStateDescription {
    const char *name;
    int version_id;
    int minimum_version_id;         /* oldest that can be loaded */
    VMStatePriority priority;
    const char *unmigratable;       /* why not, for the user; else NULL */
    bool (*pre_load)(void *opaque, Error **errp);
    bool (*post_load)(void *opaque, int version_id, Error **errp);
    bool (*pre_save)(void *opaque, Error **errp);
    void (*post_save)(void *opaque);
    bool (*needed)(void *opaque);   /* of a subsection; NULL: always */
    const VMStateField *fields;     /* ends with VMSTATE_END_OF_LIST */
    const VMStateDescription *const *subsections;   /* NULL-terminated */
};

/*
 * vmstate_save, vmstate_load: fields and subsections, no header. @version_id:
 * as read from the header; checked against the description. A description
 * marked unmigratable is refused.
 */
bool vmstate_save(const VMStateDescription *vmsd, void *opaque,
                  VMStateWriter *w, Error **errp);
bool vmstate_load(const VMStateDescription *vmsd, void *opaque, int version_id,
                  VMStateReader *r, Error **errp);

extern const VMStateInfo vmstate_info_bool, vmstate_info_uint8,
    vmstate_info_uint16, vmstate_info_uint32, vmstate_info_uint64,
    vmstate_info_uint8_equal, vmstate_info_uint16_equal,
    vmstate_info_uint32_equal, vmstate_info_uint64_equal,
    vmstate_info_uint8_max, vmstate_info_uint16_max, vmstate_info_uint32_max,
    vmstate_info_uint64_max,
    vmstate_info_buffer, vmstate_info_unused, vmstate_info_timer;

/* Offset of @f in @S, refused by the compiler unless it has type @T. */
#define VMS_OFFSET(S, f, T)                                                    \
    (offsetof(S, f) + 0 * sizeof((T *)0 == &((S *)0)->f))
#define VMS_OFFSET_ARRAY(S, f, T, n)                                           \
    (offsetof(S, f) + 0 * sizeof((T (*)[n])0 == &((S *)0)->f))
/* Elements that fit into array @f. */
#define VMS_CAPACITY(S, f) (sizeof(((S *)0)->f) / sizeof(((S *)0)->f[0]))

/* One scalar, since version @v, when @test (may be NULL) says so. */
#define VMSTATE_SCALAR_TEST_V(f, S, test, v, inf, T)                           \
    { .name = #f, .offset = VMS_OFFSET(S, f, T), .size = sizeof(T),            \
      .version_id = (v), .info = &(inf), .field_exists = (test) }

#define VMSTATE_BOOL_V(f, S, v)   VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_bool, bool)
#define VMSTATE_UINT8_V(f, S, v)  VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_V(f, S, v) VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_V(f, S, v) VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_V(f, S, v) VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint64, uint64_t)
#define VMSTATE_INT8_V(f, S, v)   VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint8, int8_t)
#define VMSTATE_INT16_V(f, S, v)  VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint16, int16_t)
#define VMSTATE_INT32_V(f, S, v)  VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint32, int32_t)
#define VMSTATE_INT64_V(f, S, v)  VMSTATE_SCALAR_TEST_V(f, S, NULL, v, vmstate_info_uint64, int64_t)

#define VMSTATE_BOOL(f, S)   VMSTATE_BOOL_V(f, S, 0)
#define VMSTATE_UINT8(f, S)  VMSTATE_UINT8_V(f, S, 0)
#define VMSTATE_UINT16(f, S) VMSTATE_UINT16_V(f, S, 0)
#define VMSTATE_UINT32(f, S) VMSTATE_UINT32_V(f, S, 0)
#define VMSTATE_UINT64(f, S) VMSTATE_UINT64_V(f, S, 0)
#define VMSTATE_INT8(f, S)   VMSTATE_INT8_V(f, S, 0)
#define VMSTATE_INT16(f, S)  VMSTATE_INT16_V(f, S, 0)
#define VMSTATE_INT32(f, S)  VMSTATE_INT32_V(f, S, 0)
#define VMSTATE_INT64(f, S)  VMSTATE_INT64_V(f, S, 0)

#define VMSTATE_BOOL_TEST(f, S, test)   VMSTATE_SCALAR_TEST_V(f, S, test, 0, vmstate_info_bool, bool)
#define VMSTATE_UINT8_TEST(f, S, test)  VMSTATE_SCALAR_TEST_V(f, S, test, 0, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_TEST(f, S, test) VMSTATE_SCALAR_TEST_V(f, S, test, 0, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_TEST(f, S, test) VMSTATE_SCALAR_TEST_V(f, S, test, 0, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_TEST(f, S, test) VMSTATE_SCALAR_TEST_V(f, S, test, 0, vmstate_info_uint64, uint64_t)

/*
 * Values both sides must agree on (queue count, ring size): loading another
 * value than the field already holds is an error.
 */
#define VMSTATE_UINT8_EQUAL(f, S)  VMSTATE_SCALAR_TEST_V(f, S, NULL, 0, vmstate_info_uint8_equal, uint8_t)
#define VMSTATE_UINT16_EQUAL(f, S) VMSTATE_SCALAR_TEST_V(f, S, NULL, 0, vmstate_info_uint16_equal, uint16_t)
#define VMSTATE_UINT32_EQUAL(f, S) VMSTATE_SCALAR_TEST_V(f, S, NULL, 0, vmstate_info_uint32_equal, uint32_t)
#define VMSTATE_UINT64_EQUAL(f, S) VMSTATE_SCALAR_TEST_V(f, S, NULL, 0, vmstate_info_uint64_equal, uint64_t)

/* A number that may be at most @max; indexes and counts use these. */
#define VMSTATE_MAX_(f, S, inf, T, max)                                        \
    { .name = #f, .offset = VMS_OFFSET(S, f, T), .size = sizeof(T),            \
      .info = &(inf), .arg = (max) }
#define VMSTATE_UINT8_MAX(f, S, max)  VMSTATE_MAX_(f, S, vmstate_info_uint8_max, uint8_t, max)
#define VMSTATE_UINT16_MAX(f, S, max) VMSTATE_MAX_(f, S, vmstate_info_uint16_max, uint16_t, max)
#define VMSTATE_UINT32_MAX(f, S, max) VMSTATE_MAX_(f, S, vmstate_info_uint32_max, uint32_t, max)
#define VMSTATE_UINT64_MAX(f, S, max) VMSTATE_MAX_(f, S, vmstate_info_uint64_max, uint64_t, max)

/* T f[n] */
#define VMSTATE_ARRAY_INFO(f, S, n, inf, T)                                    \
    { .name = #f, .offset = VMS_OFFSET_ARRAY(S, f, T, n), .size = sizeof(T),   \
      .num = (n), .flags = VMS_ARRAY, .info = &(inf) }
#define VMSTATE_BOOL_ARRAY(f, S, n)   VMSTATE_ARRAY_INFO(f, S, n, vmstate_info_bool, bool)
#define VMSTATE_UINT8_ARRAY(f, S, n)  VMSTATE_ARRAY_INFO(f, S, n, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_ARRAY(f, S, n) VMSTATE_ARRAY_INFO(f, S, n, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_ARRAY(f, S, n) VMSTATE_ARRAY_INFO(f, S, n, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_ARRAY(f, S, n) VMSTATE_ARRAY_INFO(f, S, n, vmstate_info_uint64, uint64_t)
#define VMSTATE_INT32_ARRAY(f, S, n)  VMSTATE_ARRAY_INFO(f, S, n, vmstate_info_uint32, int32_t)

/*
 * The first S.cnt elements of array f inside S; cnt (uint8_t, uint16_t or
 * uint32_t) is an earlier field of the table and checked against the array's
 * capacity.
 */
#define VMSTATE_VARRAY_INFO(f, S, cnt, inf, T)                                 \
    { .name = #f, .offset = offsetof(S, f) +                                   \
          0 * sizeof((T *)0 == &((S *)0)->f[0]),                               \
      .size = sizeof(T), .num = VMS_CAPACITY(S, f),                            \
      .count_offset = offsetof(S, cnt), .count_size = sizeof(((S *)0)->cnt),   \
      .flags = VMS_VARRAY, .info = &(inf) }
#define VMSTATE_VARRAY_UINT8(f, S, cnt)  VMSTATE_VARRAY_INFO(f, S, cnt, vmstate_info_uint8, uint8_t)
#define VMSTATE_VARRAY_UINT16(f, S, cnt) VMSTATE_VARRAY_INFO(f, S, cnt, vmstate_info_uint16, uint16_t)
#define VMSTATE_VARRAY_UINT32(f, S, cnt) VMSTATE_VARRAY_INFO(f, S, cnt, vmstate_info_uint32, uint32_t)
#define VMSTATE_VARRAY_UINT64(f, S, cnt) VMSTATE_VARRAY_INFO(f, S, cnt, vmstate_info_uint64, uint64_t)
/*
 * The same for T *f, whose storage has at least @max elements: allocated by
 * realize (_POINTER; cnt must then not exceed what was allocated: make cnt an
 * _EQUAL or _MAX field), or made by the load (_ALLOC).
 */
#define VMSTATE_VARRAY_POINTER_INFO(f, S, cnt, max, inf, T, fl)                \
    { .name = #f, .offset = VMS_OFFSET(S, f, T *), .size = sizeof(T),          \
      .num = (max), .count_offset = offsetof(S, cnt),                          \
      .count_size = sizeof(((S *)0)->cnt),                                     \
      .flags = VMS_VARRAY | VMS_POINTER | (fl), .info = &(inf) }
#define VMSTATE_VARRAY_UINT32_POINTER(f, S, cnt, max) VMSTATE_VARRAY_POINTER_INFO(f, S, cnt, max, vmstate_info_uint32, uint32_t, 0)
#define VMSTATE_VARRAY_UINT64_POINTER(f, S, cnt, max) VMSTATE_VARRAY_POINTER_INFO(f, S, cnt, max, vmstate_info_uint64, uint64_t, 0)
#define VMSTATE_VARRAY_UINT32_ALLOC(f, S, cnt, max) VMSTATE_VARRAY_POINTER_INFO(f, S, cnt, max, vmstate_info_uint32, uint32_t, VMS_ALLOC)

/* A structure inside S, with a description of its own. */
#define VMSTATE_STRUCT_TEST_V(f, S, test, v, desc, T)                          \
    { .name = #f, .offset = VMS_OFFSET(S, f, T), .size = sizeof(T),            \
      .version_id = (v), .flags = VMS_STRUCT, .vmsd = &(desc),                 \
      .field_exists = (test) }
#define VMSTATE_STRUCT(f, S, desc, T) VMSTATE_STRUCT_TEST_V(f, S, NULL, 0, desc, T)
#define VMSTATE_STRUCT_TEST(f, S, test, desc, T) VMSTATE_STRUCT_TEST_V(f, S, test, 0, desc, T)
/* T *f, which exists on both sides. */
#define VMSTATE_STRUCT_POINTER(f, S, desc, T)                                  \
    { .name = #f, .offset = VMS_OFFSET(S, f, T *), .size = sizeof(T),          \
      .flags = VMS_STRUCT | VMS_POINTER, .vmsd = &(desc) }
#define VMSTATE_STRUCT_ARRAY(f, S, n, desc, T)                                 \
    { .name = #f, .offset = VMS_OFFSET_ARRAY(S, f, T, n), .size = sizeof(T),   \
      .num = (n), .flags = VMS_STRUCT | VMS_ARRAY, .vmsd = &(desc) }
#define VMSTATE_STRUCT_VARRAY(f, S, cnt, desc, T)                              \
    { .name = #f, .offset = offsetof(S, f) +                                   \
          0 * sizeof((T *)0 == &((S *)0)->f[0]),                               \
      .size = sizeof(T), .num = VMS_CAPACITY(S, f),                            \
      .count_offset = offsetof(S, cnt), .count_size = sizeof(((S *)0)->cnt),   \
      .flags = VMS_STRUCT | VMS_VARRAY, .vmsd = &(desc) }
#define VMSTATE_STRUCT_VARRAY_POINTER(f, S, cnt, max, desc, T)                 \
    { .name = #f, .offset = VMS_OFFSET(S, f, T *), .size = sizeof(T),          \
      .num = (max), .count_offset = offsetof(S, cnt),                          \
      .count_size = sizeof(((S *)0)->cnt),                                     \
      .flags = VMS_STRUCT | VMS_VARRAY | VMS_POINTER, .vmsd = &(desc) }

/* Raw bytes of array f; or the first S.cnt bytes of uint8_t *f. */
#define VMSTATE_BUFFER(f, S)                                                   \
    { .name = #f, .offset = offsetof(S, f), .size = sizeof(((S *)0)->f),       \
      .info = &vmstate_info_buffer }
#define VMSTATE_VBUFFER(f, S, cnt, max)                                        \
    { .name = #f, .offset = VMS_OFFSET(S, f, uint8_t *), .num = (max),         \
      .count_offset = offsetof(S, cnt), .count_size = sizeof(((S *)0)->cnt),   \
      .flags = VMS_VBUFFER | VMS_POINTER, .info = &vmstate_info_buffer }
#define VMSTATE_VBUFFER_ALLOC(f, S, cnt, max)                                  \
    { .name = #f, .offset = VMS_OFFSET(S, f, uint8_t *), .num = (max),         \
      .count_offset = offsetof(S, cnt), .count_size = sizeof(((S *)0)->cnt),   \
      .flags = VMS_VBUFFER | VMS_POINTER | VMS_ALLOC,                          \
      .info = &vmstate_info_buffer }

/* An AioTimer inside S, or a pointer to one. */
#define VMSTATE_TIMER(f, S) VMSTATE_SCALAR_TEST_V(f, S, NULL, 0, vmstate_info_timer, AioTimer)
#define VMSTATE_TIMER_PTR(f, S)                                                \
    { .name = #f, .offset = VMS_OFFSET(S, f, AioTimer *),                      \
      .size = sizeof(AioTimer), .flags = VMS_POINTER,                          \
      .info = &vmstate_info_timer }

/* @n bytes that older versions used: zero on save, skipped on load. */
#define VMSTATE_UNUSED(n)                                                      \
    { .name = "unused", .size = (n), .info = &vmstate_info_unused }
/* No data: after the fields before it were loaded, @test must hold. */
#define VMSTATE_VALIDATE(what, test)                                           \
    { .name = (what), .flags = VMS_VALIDATE, .field_exists = (test) }
/* Any other encoding. */
#define VMSTATE_CUSTOM(f, S, inf, T)                                           \
    VMSTATE_SCALAR_TEST_V(f, S, NULL, 0, inf, T)

#define VMSTATE_END_OF_LIST() { .name = NULL }

/* ---- What there is to save ---- */

/*
 * vmstate_register: @opaque's state is part of the machine's. Its name on the
 * wire is "@path/NAME" (@path may be NULL: just NAME); objects that share a
 * name get instance ids from 0. Two registrations of one @path and name fail.
 * Fails as well when the name is longer than 255 bytes.
 */
bool vmstate_register(const char *path, const VMStateDescription *vmsd,
                      void *opaque, Error **errp);
void vmstate_unregister(const VMStateDescription *vmsd, void *opaque);

typedef struct VMStateEntry {
    char *idstr;
    uint32_t instance_id;
    const VMStateDescription *vmsd;
    void *opaque;
} VMStateEntry;

/* By priority (highest first), then in order of registration. */
typedef bool VMStateEntryFn(const VMStateEntry *se, void *opaque, Error **errp);
bool vmstate_foreach(VMStateEntryFn *fn, void *opaque, Error **errp);

#endif
