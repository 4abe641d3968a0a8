/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest accelerator: instead of CPUs a test program drives the devices,
 * through a socket with a text protocol, one command a line, one answer a
 * line:
 *
 *   outb|outw|outl ADDR VALUE          inb|inw|inl ADDR
 *   writeb|writew|writel|writeq ADDR VALUE
 *   readb|readw|readl|readq ADDR
 *   read ADDR SIZE                     write ADDR SIZE 0xHEX
 *   b64read ADDR SIZE                  b64write ADDR SIZE BASE64
 *   memset ADDR SIZE BYTE              endianness
 *   clock_step [NS]                    clock_set NS
 *   irq_intercept_in|irq_intercept_out PATH
 *   set_irq_in PATH NAME N LEVEL
 *
 * Numbers are decimal, 0x hexadecimal or 0 octal. Answers are "OK", "OK VALUE"
 * or "FAIL reason". A change of an intercepted line comes unasked as "IRQ
 * raise N" or "IRQ lower N", before the answer of the command that caused it.
 * PATH is a QOM path of a device, or "gsi" for the lines of the interrupt
 * controller that lives in the kernel otherwise ("ioapic" means the same).
 *
 * The virtual clock moves by clock_step and clock_set only. An MSI is written
 * to guest memory, where the test finds it.
 */
#ifndef ACCEL_QTEST_H
#define ACCEL_QTEST_H

#include "util/error.h"

/*
 * qtest_server_init: -qtest SPEC (a chardev short form) and -qtest-log FILE
 * ("none" or NULL: no log). Main thread, after the accelerator was chosen.
 */
bool qtest_server_init(const char *spec, const char *log_path, Error **errp);

#endif
