/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the virt machine hands to firmware by fw_cfg, read as firmware does. */
#ifndef QTEST_FW_CFG_H
#define QTEST_FW_CFG_H

#include "libqtest.h"

/* The file @name, or NULL; g_byte_array_unref(). */
GByteArray *qtest_fw_cfg_file(QTest *qts, const char *name);

#endif
