/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors that a user reads.
 *
 * A function that can fail for such a reason takes `Error **errp` last and
 * returns true (or a pointer) on success and false (or NULL) on failure, with
 * *errp set. @errp may be NULL when the caller does not want the text; nobody
 * ever dereferences errp to learn whether a call failed.
 *
 *     if (!thing_open(path, errp)) {
 *         error_prepend(errp, "device '%s': ", id);
 *         return false;
 *     }
 *
 * Texts are lower-case phrases with the offending value in single quotes, no
 * full stop and no newline. A remedy goes into the hint. Each level adds its
 * context in front. Who consumes an error reports or frees it.
 *
 * Errors are plain memory and may be passed between threads.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include <stdarg.h>
#include <glib.h>

typedef struct Error Error;

/* QMP's error classes, in the order of the schema's QapiErrorClass. */
typedef enum ErrorClass {
    ERROR_CLASS_GENERIC_ERROR,
    ERROR_CLASS_COMMAND_NOT_FOUND,
    ERROR_CLASS_DEVICE_NOT_ACTIVE,
    ERROR_CLASS_DEVICE_NOT_FOUND,
    ERROR_CLASS_KVM_MISSING_CAP,
    ERROR_CLASS__MAX,
} ErrorClass;

/*
 * error_setg: make a GenericError and store it in *@errp. No effect when @errp
 * is NULL; *@errp must be NULL before.
 */
void error_setg(Error **errp, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* error_setg_errno: as error_setg, then ": " and the text of @os_errno (> 0). */
void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* error_set: as error_setg with a QMP error class. */
void error_set(Error **errp, ErrorClass cls, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* error_prepend: put text in front of *@errp's message, if there is one. */
void error_prepend(Error **errp, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * error_append_hint: add a sentence that tells the remedy. Shown to people on
 * a line of its own, never sent over QMP. No newline at the end.
 */
void error_append_hint(Error **errp, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * error_propagate: hand @local (may be NULL) to *@dst. When *@dst is already
 * set or @dst is NULL, @local is freed: the first error wins.
 */
void error_propagate(Error **dst, Error *local);

const char *error_get_pretty(const Error *err);
const char *error_get_hint(const Error *err);        /* NULL when none */
ErrorClass error_get_class(const Error *err);
const char *error_class_name(ErrorClass cls);        /* "GenericError" ... */

void error_free(Error *err);                         /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)

/* Print "PROG: text" (plus the hint) to the log as an error or a warning, and
 * free @err. */
void error_report_err(Error *err);
void warn_report_err(Error *err);

#endif
