/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor ROM MIB: the least any hypervisor can do: map memory and a 64 KiB
 * ROM below 4 GiB, run one CPU from the reset vector until it writes to port
 * 0xf4, exit with (value << 1) | 1 as isa-debug-exit does.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROM_SIZE 0x10000ul

static int call(int fd, unsigned long request, void *arg, const char *name)
{
    int ret = ioctl(fd, request, arg);

    if (ret < 0) {
        err(77, "%s", name);
    }
    return ret;
}
#define CALL(fd, request, arg) \
    call(fd, request, (void *)(uintptr_t)(arg), #request)

static void *map(size_t size, int fd)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

    if (p == MAP_FAILED) {
        err(1, "mmap");
    }
    return p;
}

int main(int argc, char **argv)
{
    size_t ram_size = (size_t)(argc > 2 ? atoi(argv[2]) : 256) << 20;
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int rom = open(argc > 1 ? argv[1] : "", O_RDONLY | O_CLOEXEC);
    int vm, vcpu;
    struct kvm_run *run;
    struct kvm_userspace_memory_region ram = {
        .slot = 0, .memory_size = ram_size,
        .userspace_addr = (uintptr_t)map(ram_size, -1),
    };
    struct kvm_userspace_memory_region bios = {
        .slot = 1, .flags = KVM_MEM_READONLY, .memory_size = ROM_SIZE,
        .guest_phys_addr = 0x100000000ul - ROM_SIZE,
        .userspace_addr = (uintptr_t)map(ROM_SIZE, rom),
    };

    vm = CALL(kvm, KVM_CREATE_VM, 0);
    CALL(vm, KVM_SET_TSS_ADDR, 0xfffbd000);
    CALL(vm, KVM_CREATE_IRQCHIP, 0);
    CALL(vm, KVM_SET_USER_MEMORY_REGION, &ram);
    CALL(vm, KVM_SET_USER_MEMORY_REGION, &bios);
    vcpu = CALL(vm, KVM_CREATE_VCPU, 0);
    run = mmap(NULL, CALL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0),
               PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    for (;;) {
        CALL(vcpu, KVM_RUN, 0);
        if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0xf4) {
            errx(1, "exit reason %u", run->exit_reason);
        }
        return ((uint8_t *)run)[run->io.data_offset] << 1 | 1;
    }
}
