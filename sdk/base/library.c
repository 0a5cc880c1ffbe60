/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

/* The directory that this code is in, with its slash, and library behind it. */
static bool path_beside(const char *library, char *out, size_t size)
{
    static const char here = 0;
    Dl_info info;
    const char *slash;
    int len;

    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL)
        return false;
    slash = strrchr(info.dli_fname, '/');
    if (slash == NULL)
        return false;
    len = snprintf(out, size, "%.*s%s", (int)(slash + 1 - info.dli_fname), info.dli_fname, library);
    return len > 0 && (size_t)len < size;
}

/* Never unloaded: its threads' locks and exit handlers must stay valid. */
const void *otl_library_symbol(const char *library, const char *symbol)
{
    const int how = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
    char path[PATH_SIZE];
    void *handle = path_beside(library, path, sizeof(path)) ? dlopen(path, how) : NULL;

    if (handle == NULL)
        handle = dlopen(library, how);
    return handle != NULL ? dlsym(handle, symbol) : NULL;
}
