/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/config/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool same(const struct otl_detail *a, const struct otl_detail *b)
{
    return a->line == b->line && a->column == b->column && strcmp(a->source, b->source) == 0 &&
           strcmp(a->text, b->text) == 0;
}

void col_findings_add(struct col_findings *findings, enum col_severity severity,
                      const struct otl_detail *detail)
{
    if (findings == NULL)
        return;
    for (size_t i = 0; i < findings->count; i++)
        if (same(&findings->items[i].detail, detail))
            return;
    findings->errors += severity == COL_ERROR;
    if (findings->count == COL_FINDINGS_MAX) {
        findings->more++;
        return;
    }
    findings->items[findings->count].severity = severity;
    findings->items[findings->count++].detail = *detail;
}

void col_findings_note(struct col_findings *findings, enum col_severity severity,
                       struct otl_yaml_pos pos, const char *format, ...)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char text[sizeof(detail.text)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    otl_yaml_error(&detail, pos, "%s", text);
    col_findings_add(findings, severity, &detail);
}

const char *col_severity_name(enum col_severity severity)
{
    static const char *const names[] = {"advice", "warning", "error"};

    return names[severity];
}
