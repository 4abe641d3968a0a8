/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration symbols for test-schema.json. */
#define CONFIG_YES 1
#undef CONFIG_NO
