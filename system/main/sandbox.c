/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -sandbox: a system call filter for the whole process, in QEMU's categories:
 * what a category denies fails with a kill of the process, except fork, which
 * fails with EPERM (spawn=deny).
 *
 * The filter is set last, when all files are open and all threads but the
 * ones made on demand exist.
 */
#include "util/osdep.h"
#include "main-internal.h"
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include "qapi/qapi-options-apply.h"

enum {
    DENY_DEFAULT  = 1u << 0,
    DENY_OBSOLETE = 1u << 1,
    DENY_PRIVILEGED = 1u << 2,
    DENY_SPAWN    = 1u << 3,
    DENY_RESOURCE = 1u << 4,
};

static unsigned denied;             /* 0: no sandbox */

static const struct {
    int nr;
    unsigned category;
} rules[] = {
    /* Never needed by a hypervisor. */
    { SCMP_SYS(reboot), DENY_DEFAULT },
    { SCMP_SYS(swapon), DENY_DEFAULT },
    { SCMP_SYS(swapoff), DENY_DEFAULT },
    { SCMP_SYS(syslog), DENY_DEFAULT },
    { SCMP_SYS(mount), DENY_DEFAULT },
    { SCMP_SYS(umount2), DENY_DEFAULT },
    { SCMP_SYS(kexec_load), DENY_DEFAULT },
    { SCMP_SYS(init_module), DENY_DEFAULT },
    { SCMP_SYS(finit_module), DENY_DEFAULT },
    { SCMP_SYS(delete_module), DENY_DEFAULT },
    { SCMP_SYS(pivot_root), DENY_DEFAULT },
    { SCMP_SYS(ptrace), DENY_DEFAULT },
    { SCMP_SYS(bpf), DENY_DEFAULT },
    { SCMP_SYS(add_key), DENY_DEFAULT },
    { SCMP_SYS(keyctl), DENY_DEFAULT },
    { SCMP_SYS(request_key), DENY_DEFAULT },
    { SCMP_SYS(acct), DENY_DEFAULT },
    { SCMP_SYS(quotactl), DENY_DEFAULT },
    { SCMP_SYS(settimeofday), DENY_DEFAULT },
    { SCMP_SYS(clock_settime), DENY_DEFAULT },
    { SCMP_SYS(adjtimex), DENY_DEFAULT },
    { SCMP_SYS(sethostname), DENY_DEFAULT },
    { SCMP_SYS(setdomainname), DENY_DEFAULT },
    /* from here to vfork: not on every architecture */
    { SCMP_SYS(iopl), DENY_DEFAULT },
    { SCMP_SYS(ioperm), DENY_DEFAULT },
    { SCMP_SYS(modify_ldt), DENY_OBSOLETE },
    { SCMP_SYS(uselib), DENY_OBSOLETE },
    { SCMP_SYS(ustat), DENY_OBSOLETE },
    { SCMP_SYS(sysfs), DENY_OBSOLETE },
    { SCMP_SYS(_sysctl), DENY_OBSOLETE },
    { SCMP_SYS(create_module), DENY_OBSOLETE },
    { SCMP_SYS(query_module), DENY_OBSOLETE },
    { SCMP_SYS(fork), DENY_SPAWN },
    { SCMP_SYS(vfork), DENY_SPAWN },
    { SCMP_SYS(setuid), DENY_PRIVILEGED },
    { SCMP_SYS(setgid), DENY_PRIVILEGED },
    { SCMP_SYS(setreuid), DENY_PRIVILEGED },
    { SCMP_SYS(setregid), DENY_PRIVILEGED },
    { SCMP_SYS(setresuid), DENY_PRIVILEGED },
    { SCMP_SYS(setresgid), DENY_PRIVILEGED },
    { SCMP_SYS(setgroups), DENY_PRIVILEGED },
    { SCMP_SYS(setfsuid), DENY_PRIVILEGED },
    { SCMP_SYS(setfsgid), DENY_PRIVILEGED },
    { SCMP_SYS(execve), DENY_SPAWN },
    { SCMP_SYS(execveat), DENY_SPAWN },
    { SCMP_SYS(setpriority), DENY_RESOURCE },
    { SCMP_SYS(sched_setparam), DENY_RESOURCE },
    { SCMP_SYS(sched_setscheduler), DENY_RESOURCE },
    { SCMP_SYS(sched_setaffinity), DENY_RESOURCE },
    { SCMP_SYS(ioprio_set), DENY_RESOURCE },
    { SCMP_SYS(setrlimit), DENY_RESOURCE },
};

bool cli_option_sandbox(SandboxOptions *val, Error **errp)
{
    if (!val->enable) {
        denied = 0;
        return true;
    }
    denied = DENY_DEFAULT;
    if (!val->has_obsolete || val->obsolete == SANDBOX_POLICY_DENY) {
        denied |= DENY_OBSOLETE;
    }
    if (val->has_elevateprivileges &&
        val->elevateprivileges != SANDBOX_PRIVILEGES_ALLOW) {
        denied |= DENY_PRIVILEGED;
    }
    if (val->has_spawn && val->spawn == SANDBOX_POLICY_DENY) {
        denied |= DENY_SPAWN;
    }
    if (val->has_resourcecontrol &&
        val->resourcecontrol == SANDBOX_POLICY_DENY) {
        denied |= DENY_RESOURCE;
    }
    return true;
}

/* A new process, as opposed to a thread: clone without CLONE_THREAD. */
static int deny_processes(scmp_filter_ctx ctx)
{
    int ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));

    /* Its flags are in memory: the C library falls back to clone. */
    return ret ? ret : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
                                        SCMP_SYS(clone3), 0);
}

bool sandbox_apply(Error **errp)
{
    scmp_filter_ctx ctx;
    int ret = 0;

    if (!cli_apply(start.cli, cli_apply_table, CLI_OPTION_SANDBOX, errp)) {
        return false;
    }
    if (!denied) {
        return true;
    }
    if ((denied & DENY_PRIVILEGED) &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        error_setg_errno(errp, errno, "-sandbox: cannot set no_new_privs");
        return false;
    }
    ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!ctx) {
        error_setg(errp, "-sandbox: cannot make a filter");
        return false;
    }
    /* Threads that exist get it too. */
    ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    for (size_t i = 0; !ret && i < G_N_ELEMENTS(rules); i++) {
        /* libseccomp gives a negative number to calls this one lacks */
        if (rules[i].nr >= 0 && (rules[i].category & denied)) {
            ret = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, rules[i].nr, 0);
        }
    }
    if (!ret && (denied & DENY_SPAWN)) {
        ret = deny_processes(ctx);
    }
    if (!ret) {
        ret = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    if (ret) {
        error_setg_errno(errp, -ret, "-sandbox: cannot install the filter");
        return false;
    }
    return true;
}
