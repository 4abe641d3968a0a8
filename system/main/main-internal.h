/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the command line share: main.c (the order of things),
 * cli-*.c (the options), daemon.c (background, pid file).
 */
#ifndef SYSTEM_MAIN_INTERNAL_H
#define SYSTEM_MAIN_INTERNAL_H

#include "hw/core/machine.h"
#include "qapi/options.h"

struct json_object;

/* Collected from options until their turn comes. */
typedef struct StartOptions {
    CliOptions *cli;
    MachineState *machine;
    GArray *accels;                 /* of AccelChoice, in order; or NULL */
    bool enable_kvm;
    char *pidfile;
    char *chroot_dir;
    char *runas;                    /* "user" or "uid:gid" */
    bool daemonize;
    bool nodefaults;
    bool nographic;
    bool stopped;                   /* -S */
    bool mem_lock;
} StartOptions;
extern StartOptions start;

/* cli-machine.c */
bool start_make_machine(Error **errp);
bool start_set_accel_options(Error **errp);
bool start_configure_machine(Error **errp);
bool start_init_accel(Error **errp);

/* cli-devices.c */
bool start_serials(Error **errp);
bool start_devices(Error **errp);
bool start_default_monitor(Error **errp);

/* cli-help.c: true when the command line only asked for help (done). */
bool start_print_help(bool *failed);

/* daemon.c */
bool daemon_fork(Error **errp);     /* the parent never returns */
bool daemon_write_pidfile(const char *path, Error **errp);
void daemon_remove_pidfile(void);
/* -chroot and -runas. Every file is open by now. */
bool daemon_drop_rights(Error **errp);
/* All is set up: let the parent exit 0, close standard streams. */
bool daemon_ready(Error **errp);

/* sandbox.c, only with libseccomp */
bool sandbox_apply(Error **errp);

#endif
