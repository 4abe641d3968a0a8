/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that live in the kernel and their attributes; the same calls serve
 * attributes of vCPUs. Linux Documentation/virt/kvm/api.rst, 4.79 to 4.81.
 */
#include "util/osdep.h"
#include <sys/ioctl.h>
#include "arm-internal.h"

int kvm_arm_device_create(KVMState *s, uint32_t type, bool test)
{
    struct kvm_create_device req = {
        .type = type, .flags = test ? KVM_CREATE_DEVICE_TEST : 0,
    };
    int ret = kvm_vm_ioctl(s, KVM_CREATE_DEVICE, &req);

    if (ret < 0) {
        return ret;
    }
    return test ? 0 : (int)req.fd;
}

static int device_call(int fd, unsigned long request, uint32_t group,
                       uint64_t attr, const void *value)
{
    struct kvm_device_attr req = {
        .group = group, .attr = attr, .addr = (uintptr_t)value,
    };

    return RETRY_ON_EINTR(ioctl(fd, request, &req)) < 0 ? -errno : 0;
}

int kvm_arm_device_set(int fd, uint32_t group, uint64_t attr,
                       const void *value)
{
    return device_call(fd, KVM_SET_DEVICE_ATTR, group, attr, value);
}

int kvm_arm_device_get(int fd, uint32_t group, uint64_t attr, void *value)
{
    return device_call(fd, KVM_GET_DEVICE_ATTR, group, attr, value);
}

bool kvm_arm_device_has(int fd, uint32_t group, uint64_t attr)
{
    return device_call(fd, KVM_HAS_DEVICE_ATTR, group, attr, NULL) == 0;
}
