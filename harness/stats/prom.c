/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/prom.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Does it stand whole between '{', ',' and ',', '}'? labels begins with '{'. */
static bool has_label(const char *labels, const char *end, const char *label)
{
    size_t len = strlen(label);

    for (const char *at = labels + 1; at + len <= end; at++)
        if ((at[-1] == '{' || at[-1] == ',') && strncmp(at, label, len) == 0 &&
            (at[len] == ',' || at[len] == '}'))
            return true;
    return false;
}

/* The value of a line's sample; rest is what stands behind the name. NULL: not of this kind. */
static const char *value_of(const char *rest, const char *line_end, const char *label)
{
    const char *close;

    if (*rest == ' ')
        return label == NULL ? rest + 1 : NULL;
    close = *rest == '{' ? strchr(rest, '}') : NULL;
    if (close == NULL || (line_end != NULL && close > line_end))
        return NULL;
    return label == NULL || has_label(rest, close, label) ? close + 1 : NULL;
}

bool hx_prom_sum(const char *text, const char *name, const char *label, double *ret)
{
    size_t len = strlen(name);
    double sum = 0;
    bool found = false;

    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *next = strchr(line, '\n');
        const char *rest = strncmp(line, name, len) == 0 ? line + len : NULL;
        const char *value = NULL;
        if (rest != NULL && strncmp(rest, "_total", 6) == 0)
            rest += 6; /* some expositions name counters so */
        if (rest != NULL)
            value = value_of(rest, next, label);
        if (value != NULL) {
            sum += strtod(value, NULL);
            found = true;
        }
        line = next ? next + 1 : NULL;
    }
    if (found)
        *ret = sum;
    return found;
}
