/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named CPU models, as tables. A model's first version is its base's first
 * version plus its own features; each later version changes the one before.
 */
#ifndef TARGET_I386_MODELS_INTERNAL_H
#define TARGET_I386_MODELS_INTERNAL_H

#include "target/i386/cpu.h"

typedef struct X86CPUVersion {
    uint8_t version;                /* 2, 3 ...; 0 ends the list */
    const char *changes;            /* "spec-ctrl -hle" */
    const char *alias;              /* name of this version, or NULL */
    const char *model_id;           /* NULL: as the version before */
    uint16_t model, stepping;       /* 0: as the version before */
} X86CPUVersion;

typedef struct X86CPUModelInfo {
    const char *name;
    const char *base;               /* features come on top of it; or NULL */
    const char *vendor;
    uint16_t family, model, stepping;
    uint32_t level, xlevel;
    const char *model_id;
    const char *features;
    const X86Caches *caches;        /* NULL: the vendor's usual ones */
    const X86CPUVersion *versions;  /* after the first; NULL: none */
} X86CPUModelInfo;

/* What a class knows: a model and which version of it. */
typedef struct X86CPUModel {
    const X86CPUModelInfo *info;
    uint8_t version;
    const char *name;               /* "Haswell-noTSX" */
    const char *alias_of;           /* "Haswell-v2", or NULL for a version */
} X86CPUModel;

extern const X86CPUModelInfo x86_cpu_models[];
extern const size_t x86_nr_cpu_models;

extern const X86Caches x86_caches_intel, x86_caches_amd;

/* Features, id and so on of @model into @cpu; returns false at a bad table. */
bool x86_cpu_load_model(X86CPU *cpu, const X86CPUModel *model);
/* Vendor, family, levels and name of the machine we run on; the features come
 * with x86_cpu_expand(), when "migratable" is known. */
void x86_cpu_load_host(X86CPU *cpu);

/* The model properties of libvirt and of the user's -cpu; NULL: none. */
typedef void X86CPUModelFn(ObjectClass *oc, const char *name, void *opaque);
/* Every model that a user can name, sorted as -cpu help lists them. */
void x86_cpu_model_foreach(X86CPUModelFn *fn, void *opaque);

#endif
