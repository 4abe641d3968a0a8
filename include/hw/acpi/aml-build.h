/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing AML (ACPI 6.5, chapter 20) into a growing buffer.
 *
 * AML is a prefix language, and so is this: each call appends one opcode or
 * operand, in the order of the byte stream. Blocks are opened by a call and
 * closed by aml_end(), which fills in the package length. For example
 *
 *     If (Local0 & 2) { Notify (PWRB, 0x80) }
 *
 * is
 *     aml_if(a);
 *     aml_op(a, AML_AND), aml_local(a, 0), aml_int(a, 2), aml_no_target(a);
 *         aml_notify(a, "PWRB", 0x80);
 *     aml_end(a);
 *
 * Names are paths as in ASL: "\\_SB.PCI0", "^FOO", "_CRS"; segments shorter
 * than four characters are padded.
 *
 * Threading: none; a buffer has one owner. Nothing here fails: an impossible
 * call (a block too many, a bad name) is a bug of the caller and asserts.
 */
#ifndef HW_ACPI_AML_BUILD_H
#define HW_ACPI_AML_BUILD_H

#include "util/osdep.h"

#define AML_MAX_DEPTH 16

typedef enum AmlBlock {
    AML_BLOCK_PLAIN,
    AML_BLOCK_RESOURCES,
} AmlBlock;

typedef struct Aml {
    uint8_t *data;
    size_t len;                     /* bytes in use */
    size_t cap;
    unsigned int depth;             /* open blocks */
    struct {
        size_t pos;                 /* where the package length goes */
        AmlBlock kind;
    } open[AML_MAX_DEPTH];
} Aml;

void aml_init(Aml *a);
void aml_cleanup(Aml *a);
void aml_bytes(Aml *a, const void *data, size_t len);
void aml_u8(Aml *a, uint8_t v);
void aml_le(Aml *a, uint64_t v, unsigned int nbytes);

/* Opcodes without a helper of their own; 0x5bxx is ExtOpPrefix xx. */
typedef enum AmlOp {
    AML_ZERO = 0x00, AML_ONE = 0x01, AML_ONES = 0xff,
    AML_STORE = 0x70, AML_ADD = 0x72, AML_CONCAT = 0x73, AML_SUBTRACT = 0x74,
    AML_INCREMENT = 0x75, AML_DECREMENT = 0x76, AML_MULTIPLY = 0x77,
    AML_SHIFT_LEFT = 0x79, AML_SHIFT_RIGHT = 0x7a, AML_AND = 0x7b,
    AML_OR = 0x7d, AML_XOR = 0x7f, AML_NOT = 0x80,
    AML_DEREF_OF = 0x83, AML_NOTIFY = 0x86, AML_SIZE_OF = 0x87,
    AML_INDEX = 0x88, AML_CREATE_DWORD_FIELD = 0x8a,
    AML_CREATE_WORD_FIELD = 0x8b, AML_CREATE_BYTE_FIELD = 0x8c,
    AML_CREATE_QWORD_FIELD = 0x8f,
    AML_LAND = 0x90, AML_LOR = 0x91, AML_LNOT = 0x92, AML_LEQUAL = 0x93,
    AML_LGREATER = 0x94, AML_LLESS = 0x95,
    AML_TO_BUFFER = 0x96, AML_TO_HEX_STRING = 0x98, AML_TO_INTEGER = 0x99,
    AML_CONTINUE = 0x9f, AML_NOOP = 0xa3, AML_RETURN = 0xa4, AML_BREAK = 0xa5,
    AML_ACQUIRE = 0x5b23, AML_RELEASE = 0x5b27, AML_DEBUG = 0x5b31,
} AmlOp;
void aml_op(Aml *a, AmlOp op);

/* ---- Operands ---- */

void aml_path(Aml *a, const char *path);    /* name, or call of a method */
void aml_int(Aml *a, uint64_t v);           /* shortest encoding */
void aml_string(Aml *a, const char *s);
void aml_eisa_id(Aml *a, const char *id);   /* "PNP0A08" as an integer */
void aml_buffer(Aml *a, const void *data, size_t len);
void aml_uuid(Aml *a, const char *uuid);    /* ToUUID("...") */
void aml_local(Aml *a, unsigned int n);     /* 0..7 */
void aml_arg(Aml *a, unsigned int n);       /* 0..6 */
void aml_no_target(Aml *a);                 /* the result is not stored */

/* ---- Blocks; each ends with aml_end() ---- */

void aml_scope(Aml *a, const char *path);
void aml_device(Aml *a, const char *name);
void aml_method(Aml *a, const char *name, unsigned int nargs, bool serialized);
void aml_if(Aml *a);                        /* a predicate follows */
void aml_else(Aml *a);
void aml_while(Aml *a);                     /* a predicate follows */
void aml_package(Aml *a, uint8_t nelems);
void aml_end(Aml *a);

/* ---- Named objects ---- */

void aml_name(Aml *a, const char *name);    /* a data object follows */
void aml_name_int(Aml *a, const char *name, uint64_t v);
void aml_name_string(Aml *a, const char *name, const char *v);
void aml_name_eisa_id(Aml *a, const char *name, const char *id);
void aml_mutex(Aml *a, const char *name);
void aml_acquire(Aml *a, const char *name); /* waits without limit */
void aml_release(Aml *a, const char *name);
/* Notify (path, value) */
void aml_notify(Aml *a, const char *path, uint8_t value);

typedef enum AmlSpace {
    AML_SYSTEM_MEMORY = 0, AML_SYSTEM_IO = 1, AML_PCI_CONFIG = 2,
} AmlSpace;
void aml_region(Aml *a, const char *name, AmlSpace space, uint64_t offset,
                uint64_t len);
/* Field flags: access width, locking, what happens to bits not written. */
enum {
    AML_ANY_ACC = 0, AML_BYTE_ACC = 1, AML_WORD_ACC = 2, AML_DWORD_ACC = 3,
    AML_QWORD_ACC = 4,
    AML_LOCK = 1 << 4,
    AML_PRESERVE = 0 << 5, AML_WRITE_AS_ONES = 1 << 5,
    AML_WRITE_AS_ZEROS = 2 << 5,
};
/* Field (region, flags) { units... } aml_end() */
void aml_field(Aml *a, const char *region, uint8_t flags);
void aml_field_unit(Aml *a, const char *name, uint32_t nbits);
void aml_field_skip(Aml *a, uint32_t nbits);

/* ---- Resource templates (ACPI 6.5, 6.4): a buffer; aml_end() adds the end
 * tag and the sizes ---- */

void aml_resources(Aml *a);

/* Address windows; @min..@max inclusive, no translation. */
typedef enum AmlWindow {
    AML_WINDOW_MEM, AML_WINDOW_MEM_PREF, AML_WINDOW_IO, AML_WINDOW_BUS,
} AmlWindow;
void aml_res_window16(Aml *a, AmlWindow kind, uint16_t min, uint16_t max);
void aml_res_window32(Aml *a, AmlWindow kind, uint32_t min, uint32_t max);
void aml_res_window64(Aml *a, AmlWindow kind, uint64_t min, uint64_t max);
/* I/O ports 0..@bytes - 1 that the host bridge shows in memory at @addr */
void aml_res_io_mapped(Aml *a, uint64_t addr, uint32_t bytes);
void aml_res_io(Aml *a, uint16_t base, uint8_t len);
void aml_res_mem32(Aml *a, uint32_t base, uint32_t len, bool writable);
void aml_res_mem64(Aml *a, uint64_t base, uint64_t len);    /* registers */
enum { AML_IRQ_LEVEL = 0, AML_IRQ_EDGE = 1 << 1, AML_IRQ_LOW = 1 << 2,
       AML_IRQ_SHARED = 1 << 3 };
void aml_res_irq(Aml *a, uint32_t gsi, uint8_t flags);

#endif
