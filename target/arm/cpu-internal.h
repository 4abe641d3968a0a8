/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the Arm CPU share. */
#ifndef TARGET_ARM_CPU_INTERNAL_H
#define TARGET_ARM_CPU_INTERNAL_H

#include "target/arm/cpu.h"

#define ARM_SVE_LENGTHS 16          /* 128 to 2048 bits */

/* cpu-props.c */
void arm_cpu_class_add_props(ObjectClass *oc);
/* Names of the properties that a model is described by; NULL at the end. */
extern const char *const arm_feature_names[];

/* model.c: the models, and the type of one; NULL: not found. */
extern const char *const arm_cpu_models[];
ObjectClass *arm_cpu_class_by_name(const char *name);

#endif
