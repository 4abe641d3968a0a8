/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvmclock over a stop: the guest's clock stands still while the VM does, and
 * goes on from there, also in another process.
 */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "util/log.h"
#include "i386-internal.h"

static bool clock_post_load(void *opaque, int version_id, Error **errp)
{
    KVMI386 *k = opaque;

    k->clock_valid = true;
    return true;
}

static const VMStateDescription vmstate_kvmclock = {
    .name = "kvmclock",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = clock_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(clock_ns, KVMI386),
        VMSTATE_END_OF_LIST()
    },
};

/* Tell guests that watch for lost time that they were stopped. */
static void tell_guests(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        if (cpu->kvm_fd >= 0) {
            /* -EINVAL: the guest does not use kvmclock */
            kvm_vcpu_ioctl(cpu, KVM_KVMCLOCK_CTRL, NULL);
        }
    }
}

static void start_clock(KVMState *s)
{
    KVMI386 *k = kvm_i386(s);
    struct kvm_clock_data data = { .clock = k->clock_ns };
    int ret;

    if (!k->clock_valid) {
        return;                     /* the first start: nothing to restore */
    }
    k->clock_valid = false;
    ret = kvm_vm_ioctl(s, KVM_SET_CLOCK, &data);
    if (ret < 0) {
        warn_report_once("kvmclock cannot be set: %s", strerror(-ret));
        return;
    }
    tell_guests();
}

static void stop_clock(KVMState *s)
{
    KVMI386 *k = kvm_i386(s);
    struct kvm_clock_data data = { 0 };
    int ret;

    if (k->clock_valid) {
        return;
    }
    ret = kvm_vm_ioctl(s, KVM_GET_CLOCK, &data);
    if (ret < 0) {
        warn_report_once("kvmclock cannot be read: %s", strerror(-ret));
        return;
    }
    k->clock_ns = data.clock;
    k->clock_valid = true;
}

void kvm_i386_clock_change(KVMState *s, bool running)
{
    if (running) {
        start_clock(s);
    } else {
        stop_clock(s);
    }
}

bool kvm_i386_clock_init(KVMState *s, Error **errp)
{
    KVMI386 *k = kvm_i386(s);

    k->clock_registered = vmstate_register(NULL, &vmstate_kvmclock, k, errp);
    return k->clock_registered;
}

void kvm_i386_clock_cleanup(KVMState *s)
{
    KVMI386 *k = kvm_i386(s);

    if (k->clock_registered) {
        vmstate_unregister(&vmstate_kvmclock, k);
        k->clock_registered = false;
    }
}
