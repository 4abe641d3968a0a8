/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The accelerator that runs no CPUs. */
#include "util/osdep.h"
#include "qtest-internal.h"
#include "system/accel.h"
#include "system/memory.h"
#include "util/bql.h"
#include "util/timer.h"

#define TYPE_QTEST_ACCEL ACCEL_TYPE_NAME("qtest")

static bool qtest_init_machine(AccelState *as, MachineState *ms, Error **errp)
{
    virtual_clock_set_manual();
    return true;
}

static bool qtest_create_irqchip(AccelState *as, MachineState *ms,
                                 Error **errp)
{
    return true;
}

static void qtest_gsi_set(AccelState *as, int gsi, int level)
{
    BQL_GUARD();
    qtest_gsi_changed(gsi, level);
}

/* The test gives its vectors addresses in RAM and looks there. */
static int qtest_msi_send(AccelState *as, const MSIMessage *msg)
{
    uint32_t data = msg->data;
    MemTxResult r = address_space_write(&address_space_memory, msg->address,
                                        MEMTXATTRS_UNSPECIFIED, &data,
                                        sizeof(data));

    return r == MEMTX_OK ? 0 : -EFAULT;
}

static void qtest_accel_class_init(ObjectClass *oc, const void *data)
{
    AccelClass *ac = ACCEL_CLASS(oc);

    ac->name = "qtest";
    ac->init_machine = qtest_init_machine;
    ac->create_irqchip = qtest_create_irqchip;
    ac->gsi_set = qtest_gsi_set;
    ac->msi_send = qtest_msi_send;
}

static const TypeInfo qtest_accel_types[] = {
    {
        .name = TYPE_QTEST_ACCEL,
        .parent = TYPE_ACCEL,
        .help = "no CPUs; a test drives the devices through -qtest",
        .class_init = qtest_accel_class_init,
    },
};
DEFINE_TYPES(qtest_accel_types)
