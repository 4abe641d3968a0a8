/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main loop; see include/util/main-loop.h. */
#include "util/osdep.h"
#include "util/main-loop.h"
#include <sys/prctl.h>
#include "util/aio-internal.h"

static AioContext *main_ctx;
static bool quit;                       /* atomic */

bool main_loop_init(Error **errp)
{
    g_assert(bql_locked() && !main_ctx);
    /* Timers fire on time, not within the 50 us that the kernel allows itself;
     * threads started from here inherit it. */
    prctl(PR_SET_TIMERSLACK, 1);
    main_ctx = aio_context_new(errp);
    if (!main_ctx) {
        return false;
    }
    main_ctx->is_main = true;
    return true;
}

void main_loop_cleanup(void)
{
    aio_context_unref(main_ctx);
    main_ctx = NULL;
}

AioContext *main_context(void)
{
    return main_ctx;
}

void main_loop_iterate(void)
{
    aio_poll_level(main_ctx, true, true);
}

void main_loop_run(void)
{
    while (!__atomic_exchange_n(&quit, false, __ATOMIC_SEQ_CST)) {
        main_loop_iterate();
    }
}

void main_loop_quit(void)
{
    __atomic_store_n(&quit, true, __ATOMIC_SEQ_CST);
    aio_notify(main_ctx);
}
