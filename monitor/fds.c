/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File descriptors that clients pass: by name (getfd, closefd) and in sets
 * (add-fd, remove-fd, -add-fd), which block devices open as "/dev/fdset/N".
 *
 * A name is known to the monitor that it was given to, also after another
 * client connects to it; the sets are the process's. Context: big lock.
 */
#include "util/osdep.h"
#include "monitor-internal.h"
#include <fcntl.h>
#include "io/fdparam.h"
#include "qapi/qapi-commands-misc.h"
#include "util/file.h"

typedef struct SetFd {
    int fd;
    char *opaque;
} SetFd;

typedef struct FdSet {
    int64_t id;
    GPtrArray *fds;                 /* of SetFd */
} FdSet;

static GPtrArray *sets;             /* of FdSet, by id */

/* ---- By name ---- */

bool qmp_getfd(const char *fdname, Error **errp)
{
    QmpSession *s = qmp_session_current();
    int fd = s ? qmp_session_take_fd(s) : -1;
    GHashTable *named;
    void *old;

    if (fd < 0) {
        error_setg(errp, "No file descriptor supplied via SCM_RIGHTS");
        return false;
    }
    if (g_ascii_isdigit(fdname[0])) {
        close(fd);
        error_setg(errp, "Parameter 'fdname' expects a name not starting with "
                   "a digit");
        return false;
    }
    named = qmp_session_named_fds(s);
    if (g_hash_table_lookup_extended(named, fdname, NULL, &old)) {
        close(GPOINTER_TO_INT(old));
    }
    g_hash_table_replace(named, g_strdup(fdname), GINT_TO_POINTER(fd));
    return true;
}

/* What is called @name where the running command came from, or -1. */
static int named_take(const char *name)
{
    QmpSession *s = qmp_session_current();
    void *fd;

    if (!s || !g_hash_table_lookup_extended(qmp_session_named_fds(s), name,
                                            NULL, &fd)) {
        return -1;
    }
    g_hash_table_remove(qmp_session_named_fds(s), name);
    return GPOINTER_TO_INT(fd);
}

/* The descriptor that a client named @name by getfd; the caller's then. */
static int monitor_fd_param(const char *name, Error **errp)
{
    int fd = named_take(name);

    if (fd < 0) {
        error_setg(errp, "File descriptor named '%s' has not been found", name);
    }
    return fd;
}

bool qmp_closefd(const char *fdname, Error **errp)
{
    int fd = named_take(fdname);

    if (fd < 0) {
        error_setg(errp, "File descriptor named '%s' not found", fdname);
        return false;
    }
    close(fd);
    return true;
}

/* ---- Sets ---- */

static void set_fd_free(void *p)
{
    SetFd *f = p;

    close(f->fd);
    g_free(f->opaque);
    g_free(f);
}

static void set_free(void *p)
{
    FdSet *set = p;

    g_ptr_array_unref(set->fds);
    g_free(set);
}

static FdSet *set_find(int64_t id, guint *index)
{
    for (guint i = 0; i < sets->len; i++) {
        FdSet *set = g_ptr_array_index(sets, i);

        if (set->id == id) {
            if (index) {
                *index = i;
            }
            return set;
        }
    }
    return NULL;
}

static FdSet *set_new(int64_t id)
{
    FdSet *set = g_new0(FdSet, 1);
    guint at = 0;

    set->id = id;
    set->fds = g_ptr_array_new_with_free_func(set_fd_free);
    while (at < sets->len &&
           ((FdSet *)g_ptr_array_index(sets, at))->id < id) {
        at++;
    }
    g_ptr_array_insert(sets, at, set);
    return set;
}

int64_t monitor_fdset_add(int64_t id, int fd, const char *opaque, Error **errp)
{
    FdSet *set;
    SetFd *f;

    if (id < 0) {
        for (id = 0; set_find(id, NULL); id++) {
        }
    }
    set = set_find(id, NULL);
    if (!set) {
        set = set_new(id);
    }
    f = g_new0(SetFd, 1);
    f->fd = fd;
    f->opaque = g_strdup(opaque);
    g_ptr_array_add(set->fds, f);
    return id;
}

AddfdInfo *qmp_add_fd(bool has_fdset_id, int64_t fdset_id, const char *opaque,
                      Error **errp)
{
    QmpSession *s = qmp_session_current();
    AddfdInfo *info;
    int fd;

    if (has_fdset_id && fdset_id < 0) {
        error_setg(errp, "Parameter 'fdset-id' expects a non-negative value");
        return NULL;
    }
    fd = s ? qmp_session_take_fd(s) : -1;
    if (fd < 0) {
        error_setg(errp, "No file descriptor supplied via SCM_RIGHTS");
        return NULL;
    }
    info = g_new0(AddfdInfo, 1);
    info->fdset_id = monitor_fdset_add(has_fdset_id ? fdset_id : -1, fd, opaque,
                                       errp);
    info->fd = fd;
    return info;
}

bool qmp_remove_fd(int64_t fdset_id, bool has_fd, int64_t fd, Error **errp)
{
    guint index;
    FdSet *set = set_find(fdset_id, &index);
    bool found = !has_fd;

    for (guint i = 0; set && has_fd && i < set->fds->len; i++) {
        if (((SetFd *)g_ptr_array_index(set->fds, i))->fd == fd) {
            g_ptr_array_remove_index(set->fds, i);
            found = true;
            break;
        }
    }
    if (!set || !found) {
        error_setg(errp, "File descriptor named '%s%" PRId64 "%s%.0" PRId64
                   "' not found", "fdset-id:", fdset_id,
                   has_fd ? ", fd:" : "", has_fd ? fd : 0);
        return false;
    }
    if (!has_fd || set->fds->len == 0) {
        g_ptr_array_remove_index(sets, index);
    }
    return true;
}

FdsetInfoList *qmp_query_fdsets(Error **errp)
{
    FdsetInfoList *list = NULL;

    for (guint i = sets->len; i > 0; i--) {
        FdSet *set = g_ptr_array_index(sets, i - 1);
        FdsetInfoList *e = g_new0(FdsetInfoList, 1);

        e->value = g_new0(FdsetInfo, 1);
        e->value->fdset_id = set->id;
        for (guint k = set->fds->len; k > 0; k--) {
            SetFd *f = g_ptr_array_index(set->fds, k - 1);
            FdsetFdInfoList *fe = g_new0(FdsetFdInfoList, 1);

            fe->value = g_new0(FdsetFdInfo, 1);
            fe->value->fd = f->fd;
            fe->value->opaque = g_strdup(f->opaque);
            fe->next = e->value->fds;
            e->value->fds = fe;
        }
        e->next = list;
        list = e;
    }
    return list;
}

/* Open "/dev/fdset/N": a copy of the descriptor whose access mode fits. */
static int fdset_open(int64_t id, int flags)
{
    FdSet *set = set_find(id, NULL);

    if (!set) {
        errno = ENOENT;
        return -1;
    }
    for (guint i = 0; i < set->fds->len; i++) {
        SetFd *f = g_ptr_array_index(set->fds, i);
        int have = fcntl(f->fd, F_GETFL);

        if (have >= 0 && (have & O_ACCMODE) == (flags & O_ACCMODE)) {
            return fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
        }
    }
    errno = EACCES;
    return -1;
}

void monitor_fds_init(void)
{
    sets = g_ptr_array_new_with_free_func(set_free);
    fd_param_set_handler(monitor_fd_param);
    file_set_fdset_handler(fdset_open);
}

void monitor_fds_cleanup(void)
{
    g_clear_pointer(&sets, g_ptr_array_unref);
}
