/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -bios: a 64 KiB image whose last 16 bytes are at the reset vector. Checks the
 * registers after power-on in real mode and ends; status 1 when fine.
 */
        .code16
        .section .text
        .globl _start
_start:
rom_start:
entry:
        movw    $2, %bx                 /* status: failed */
        movl    %cr0, %eax
        cmpl    $0x60000010, %eax
        jne     end
        movw    %cs, %ax
        cmpw    $0xf000, %ax
        jne     end
        /* the image is read only: writes are dropped */
        movw    %cs:marker, %ax
        movw    $0xf000, %dx
        movw    %dx, %ds
        movw    $0, marker
        cmpw    %ax, marker
        jne     end
        /* firmware has an RTC: "valid RAM and time" */
        movb    $0x0d, %al
        outb    %al, $0x70
        inb     $0x71, %al
        cmpb    $0x80, %al
        jne     end
        movw    $1, %bx
end:
        movw    $0x501, %dx
        movb    %bl, %al
        outb    %al, %dx
1:      hlt
        jmp     1b
marker: .word   0x4e4d

        .org    0xfff0
        .byte   0xe9                    /* jmp entry, wrapping at 64 KiB */
        .word   (entry - vector_end) & 0xffff
vector_end:
        .org    0x10000
        .section .note.GNU-stack, "", @progbits
