/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assertions on the text of an Error. A missing error fails them too. */
#ifndef TESTS_UNIT_LIB_ASSERT_ERROR_H
#define TESTS_UNIT_LIB_ASSERT_ERROR_H

#include "util/osdep.h"
#include "util/error.h"

/* @err is there and its text contains @text. */
#define assert_error(err, text)                                                \
    test_assert_error(__FILE__, __LINE__, G_STRFUNC, NULL, err, text)

/* The same in a table of cases: @what tells which one it was. */
#define assert_error_of(what, err, text)                                       \
    test_assert_error(__FILE__, __LINE__, G_STRFUNC, what, err, text)

static inline void test_assert_error(const char *file, int line,
                                     const char *func, const char *what,
                                     const Error *err, const char *text)
{
    g_autofree char *message = NULL;

    if (err && strstr(error_get_pretty(err), text)) {
        return;
    }
    message = g_strdup_printf("%s%s%s%s%s does not contain '%s'",
                              what ? what : "", what ? ": " : "",
                              err ? "'" : "",
                              err ? error_get_pretty(err) : "no error",
                              err ? "'" : "", text);
    g_assertion_message(G_LOG_DOMAIN, file, line, func, message);
}

#endif
