/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of the feature tables, for the files of this folder.
 */
#ifndef TARGET_I386_FEATURES_INTERNAL_H
#define TARGET_I386_FEATURES_INTERNAL_H

#include "qom/property.h"

extern const PropertyInfo x86_prop_info_feature;

/* One row per name; "kvmclock" stands for two bits, see features.c. */
extern const Property x86_feature_props[];
extern const size_t x86_nr_feature_props;
extern const Property x86_feature_alias_props[];
extern const size_t x86_nr_feature_alias_props;

/* The rows above and the properties of cpu-props.c. */
void x86_cpu_class_add_props(ObjectClass *oc);
/* Name of the Hyper-V flag of bit @bit in hv_asked. */
const char *x86_cpu_hv_name(unsigned bit);

#endif
