/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/tell.h"

#include <stdarg.h>
#include <stdio.h>

void otl_tell(const struct otl_teller *teller, enum otel_err err, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (teller == NULL || teller->error == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    teller->error(teller->error_arg, err, text);
}
