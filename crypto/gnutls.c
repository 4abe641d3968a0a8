/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include <dlfcn.h>
#include <pthread.h>
#include "gnutls-internal.h"

#define GNUTLS_LIBRARY "libgnutls.so.30"

static pthread_mutex_t gnutls_lock = PTHREAD_MUTEX_INITIALIZER;
static GnuTLS gnutls_functions;
static bool gnutls_loaded;

/* ISO C has no conversion of an object's pointer to a function's. */
static bool find_function(void *lib, const char *name, void *function,
                          Error **errp)
{
    void *symbol = dlsym(lib, name);

    if (!symbol) {
        error_setg(errp, "%s has no function %s", GNUTLS_LIBRARY, name);
        return false;
    }
    memcpy(function, &symbol, sizeof(symbol));
    return true;
}

static bool find_functions(void *lib, GnuTLS *g, Error **errp)
{
#define FIND(name)                                                             \
    if (!find_function(lib, "gnutls_" #name, &g->name, errp)) {                \
        return false;                                                          \
    }
    GNUTLS_FUNCTIONS(FIND)
#undef FIND
    return true;
}

static bool load(Error **errp)
{
    void *lib = dlopen(GNUTLS_LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (!lib) {
        error_setg(errp, "encryption needs GnuTLS: %s", dlerror());
        error_append_hint(errp, "Install it (Debian's package is "
                          "libgnutls30).");
        return false;
    }
    if (!find_functions(lib, &gnutls_functions, errp)) {
        dlclose(lib);
        return false;
    }
    return true;
}

const GnuTLS *gnutls_load(Error **errp)
{
    bool ok;

    pthread_mutex_lock(&gnutls_lock);
    ok = gnutls_loaded || load(errp);
    gnutls_loaded = ok;
    pthread_mutex_unlock(&gnutls_lock);
    return ok ? &gnutls_functions : NULL;
}
