/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between runstate.c and requests.c. */
#ifndef SYSTEM_RUNSTATE_INTERNAL_H
#define SYSTEM_RUNSTATE_INTERNAL_H

/* A stop that was asked for and not done yet is overtaken by a start. */
void vm_cancel_stop_request(void);

#endif
