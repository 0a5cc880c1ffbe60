/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/detail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"

static void cut_utf8(char *text)
{
    size_t len = strlen(text);
    text[otl_utf8_prefix(text, len)] = '\0';
}

enum otel_err otl_detail_set(struct otl_detail *detail, enum otel_err code, const char *source,
                             unsigned line, unsigned column, const char *format, ...)
{
    va_list args;

    if (detail == NULL || detail->code != OTEL_OK)
        return code;
    detail->code = code;
    detail->line = line;
    detail->column = column;
    snprintf(detail->source, sizeof(detail->source), "%s", source ? source : "");
    va_start(args, format);
    vsnprintf(detail->text, sizeof(detail->text), format, args);
    va_end(args);
    cut_utf8(detail->text);
    return code;
}

const char *otl_detail_format(const struct otl_detail *detail, char *out, size_t size)
{
    if (detail->source[0] == '\0')
        snprintf(out, size, "%s", detail->text);
    else if (detail->line == 0)
        snprintf(out, size, "%s: %s", detail->source, detail->text);
    else if (detail->column == 0)
        snprintf(out, size, "%s:%u: %s", detail->source, detail->line, detail->text);
    else
        snprintf(out, size, "%s:%u:%u: %s", detail->source, detail->line, detail->column,
                 detail->text);
    return out;
}
