/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot header and entry of a payload, as KVM's unit tests have them: ELF
 * at 4 MiB, or with AOUT_KLUDGE a plain file that has its addresses here.
 */
#define MAGIC   0x1badb002
#ifdef AOUT_KLUDGE
#define FLAGS   0x00010000
#else
#define FLAGS   0
#endif

        .section .multiboot, "ax"
        .align  4
header: .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
#ifdef AOUT_KLUDGE
        .long   header, image_start, image_end, bss_end, multiboot_start
#endif
        .code32
        .globl  multiboot_start
multiboot_start:
        cli
        movl    %eax, multiboot_magic
        movl    %ebx, boot_info
        movl    $stack_top, %esp
        jmp     enter_long_mode
        .section .note.GNU-stack, "", @progbits
