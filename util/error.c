/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors that a user reads; see include/util/error.h. */
#include "util/osdep.h"
#include "util/error.h"
#include "util/log.h"

struct Error {
    char *msg;
    GString *hint;
    ErrorClass cls;
};

static const char *const class_names[ERROR_CLASS__MAX] = {
    [ERROR_CLASS_GENERIC_ERROR]     = "GenericError",
    [ERROR_CLASS_COMMAND_NOT_FOUND] = "CommandNotFound",
    [ERROR_CLASS_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
    [ERROR_CLASS_DEVICE_NOT_FOUND]  = "DeviceNotFound",
    [ERROR_CLASS_KVM_MISSING_CAP]   = "KVMMissingCap",
};

static void PRINTF(4, 0) error_make(Error **errp, ErrorClass cls, int os_errno,
                                    const char *fmt, va_list ap)
{
    Error *err;
    int saved_errno = errno;

    if (!errp) {
        return;
    }
    g_assert(!*errp);
    err = g_new0(Error, 1);
    err->msg = g_strdup_vprintf(fmt, ap);
    err->cls = cls;
    if (os_errno) {
        char *msg = err->msg;

        err->msg = g_strdup_printf("%s: %s", msg, g_strerror(os_errno));
        g_free(msg);
    }
    *errp = err;
    errno = saved_errno;
}

void error_setg(Error **errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_make(errp, ERROR_CLASS_GENERIC_ERROR, 0, fmt, ap);
    va_end(ap);
}

void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_make(errp, ERROR_CLASS_GENERIC_ERROR, os_errno, fmt, ap);
    va_end(ap);
}

void error_set(Error **errp, ErrorClass cls, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_make(errp, cls, 0, fmt, ap);
    va_end(ap);
}

void error_prepend(Error **errp, const char *fmt, ...)
{
    g_autofree char *prefix = NULL;
    char *msg;
    va_list ap;

    if (!errp || !*errp) {
        return;
    }
    va_start(ap, fmt);
    prefix = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    msg = g_strconcat(prefix, (*errp)->msg, NULL);
    g_free((*errp)->msg);
    (*errp)->msg = msg;
}

void error_append_hint(Error **errp, const char *fmt, ...)
{
    va_list ap;

    if (!errp || !*errp) {
        return;
    }
    if (!(*errp)->hint) {
        (*errp)->hint = g_string_new(NULL);
    } else {
        g_string_append_c((*errp)->hint, '\n');
    }
    va_start(ap, fmt);
    g_string_append_vprintf((*errp)->hint, fmt, ap);
    va_end(ap);
}

void error_propagate(Error **dst, Error *local)
{
    if (!local) {
        return;
    }
    if (!dst || *dst) {
        error_free(local);
        return;
    }
    *dst = local;
}

const char *error_get_pretty(const Error *err)
{
    return err->msg;
}

const char *error_get_hint(const Error *err)
{
    return err->hint ? err->hint->str : NULL;
}

ErrorClass error_get_class(const Error *err)
{
    return err->cls;
}

const char *error_class_name(ErrorClass cls)
{
    return class_names[cls];
}

void error_free(Error *err)
{
    if (!err) {
        return;
    }
    g_free(err->msg);
    if (err->hint) {
        g_string_free(err->hint, TRUE);
    }
    g_free(err);
}

/* A short hint stands on the error's own line: programs that show the last
 * line, or the first, show both. */
static const char *hint_inline(const Error *err)
{
    return err->hint && !strchr(err->hint->str, '\n') ? err->hint->str : NULL;
}

/* A sentence follows a full stop, a phrase a colon. */
static const char *hint_separator(const char *hint)
{
    return !hint ? "" : g_ascii_isupper(hint[0]) ? ". " : ": ";
}

static void hint_print_rest(const Error *err)
{
    if (err->hint && !hint_inline(err)) {
        error_printf("%s\n", err->hint->str);
    }
}

void error_report_err(Error *err)
{
    const char *hint = hint_inline(err);

    error_report("%s%s%s", err->msg, hint_separator(hint),
                 hint ? hint : "");
    hint_print_rest(err);
    error_free(err);
}

void warn_report_err(Error *err)
{
    const char *hint = hint_inline(err);

    warn_report("%s%s%s", err->msg, hint_separator(hint),
                 hint ? hint : "");
    hint_print_rest(err);
    error_free(err);
}
