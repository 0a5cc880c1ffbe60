/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/header.h"

#include <string.h>
#include <strings.h>

bool col_header_may_be_set(const char *name, const char *value, const char *const *own)
{
    if (name[0] == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789!#$%&'*+-.^_`|~") != strlen(name))
        return false;
    for (; *own != NULL; own++)
        if (strcasecmp(name, *own) == 0)
            return false;
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < ' ' || *value == 0x7f)
            return false;
    return true;
}
