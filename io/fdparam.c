/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "io/fdparam.h"
#include "util/cutils.h"
#include "util/file.h"

static FdParamFn *fd_param_handler;

void fd_param_set_handler(FdParamFn *fn)
{
    fd_param_handler = fn;
}

int fd_param_get(const char *text, Error **errp)
{
    uint64_t num;

    if (g_ascii_isdigit(text[0])) {
        if (!parse_uint64(text, &num, errp)) {
            error_prepend(errp, "file descriptor: ");
            return -1;
        }
        if (num > INT_MAX || !fd_is_valid(num)) {
            error_setg(errp, "file descriptor '%s' is not open", text);
            error_append_hint(errp, "start the program with it open, or pass "
                              "it by getfd and use that name");
            return -1;
        }
        fd_set_cloexec(num, true);
        return num;
    }
    if (!fd_param_handler) {
        error_setg(errp, "no file descriptor is called '%s'", text);
        return -1;
    }
    return fd_param_handler(text, errp);
}
