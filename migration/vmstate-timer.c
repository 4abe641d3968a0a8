/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers on the wire: when due on their clock, -1 when disarmed. */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "util/timer.h"

static bool timer_put(VMStateWriter *w, const void *pv, size_t size,
                      const VMStateField *field, Error **errp)
{
    return vmstate_write_be64(w, timer_expire_time_ns(pv), errp);
}

static bool timer_get(VMStateReader *r, void *pv, size_t size,
                      const VMStateField *field, Error **errp)
{
    uint64_t value;

    if (!vmstate_read_be64(r, &value, errp)) {
        return false;
    }
    if ((int64_t)value < 0) {
        timer_del(pv);
    } else {
        timer_mod_ns(pv, value);
    }
    return true;
}

const VMStateInfo vmstate_info_timer = {
    .name = "timer", .get = timer_get, .put = timer_put,
};
