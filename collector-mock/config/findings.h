/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONFIG_FINDINGS_H
#define COL_CONFIG_FINDINGS_H

#include <stdbool.h>

#include "sdk/base/yaml/yaml.h"

/*
 * What was noticed about a configuration, with its places, in the order it was noticed.
 *
 * Memory    the caller's; it is large: not for the stack.
 * Limits    COL_FINDINGS_MAX are kept, the others are counted.
 */

enum col_severity {
    COL_ADVICE,  /* it works, and is probably not what was meant */
    COL_WARNING, /* an old name, or something that is replaced or left out */
    COL_ERROR    /* the configuration cannot be used */
};

enum { COL_FINDINGS_MAX = 256 };

struct col_finding {
    enum col_severity severity;
    struct otl_detail detail;
};

struct col_findings {
    struct col_finding items[COL_FINDINGS_MAX];
    size_t count;
    size_t more; /* found, and no room for them */
    size_t errors;
};

/* findings NULL: nothing is noted. The same finding at the same place is noted once. */
void col_findings_add(struct col_findings *findings, enum col_severity severity,
                      const struct otl_detail *detail);
void col_findings_note(struct col_findings *findings, enum col_severity severity,
                       struct otl_yaml_pos pos, const char *format, ...) OTEL_PRINTF(4, 5);
/* "error", "warning", "advice" */
const char *col_severity_name(enum col_severity severity);

#endif
