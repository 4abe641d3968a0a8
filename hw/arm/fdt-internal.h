/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a device tree from top to bottom (Devicetree Specification 0.4;
 * libfdt's sequential writer). The first error sticks, so that only
 * fdt_writer_finish() needs to be looked at. Threading: none.
 */
#ifndef HW_ARM_FDT_INTERNAL_H
#define HW_ARM_FDT_INTERNAL_H

#include "util/osdep.h"
#include "util/error.h"

typedef struct FdtWriter {
    void *buf;
    size_t bytes;
    int err;                        /* of libfdt, 0: none */
    uint32_t phandles;              /* given so far */
} FdtWriter;

/* @bytes: room for the tree. */
void fdt_writer_init(FdtWriter *w, size_t bytes);
/* fdt_writer_finish: the tree in its final size, or NULL; frees the writer. */
GByteArray *fdt_writer_finish(FdtWriter *w, Error **errp);

void fdt_node(FdtWriter *w, const char *name);
void fdt_nodef(FdtWriter *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void fdt_end(FdtWriter *w);

/* fdt_phandle: a new one for the open node. */
uint32_t fdt_phandle(FdtWriter *w);
/* A number to give a node later, with fdt_cells(w, "phandle", 1, ...). */
uint32_t fdt_new_phandle(FdtWriter *w);

void fdt_empty(FdtWriter *w, const char *name);
void fdt_str(FdtWriter *w, const char *name, const char *value);
/* fdt_strs: a list; the strings follow each other, NULL at the end. */
void fdt_strs(FdtWriter *w, const char *name, ...)
    __attribute__((sentinel));
void fdt_cells(FdtWriter *w, const char *name, unsigned n,
               const uint32_t *cells);
void fdt_cell(FdtWriter *w, const char *name, uint32_t value);
/* fdt_reg: pairs of address and size, two cells each. */
void fdt_reg(FdtWriter *w, const char *name, unsigned n,
             const uint64_t (*pairs)[2]);
void fdt_reg1(FdtWriter *w, uint64_t base, uint64_t size);

#define FDT_CELLS(w, name, ...)                                                \
    fdt_cells(w, name, G_N_ELEMENTS(((uint32_t[]){ __VA_ARGS__ })),            \
              (const uint32_t[]){ __VA_ARGS__ })

#endif
