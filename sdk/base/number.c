/* SPDX-License-Identifier: Apache-2.0 */
/* Strict numbers and durations of text.h: the C library's parsers accept too much. */
#include "sdk/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/clock.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum otel_err otl_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    char *end;
    long long value;

    if (!is_digit(text[0]) && !(text[0] == '-' && is_digit(text[1])))
        return OTEL_ERR_SYNTAX;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (*end != '\0')
        return OTEL_ERR_SYNTAX;
    if (errno == ERANGE || value < min || value > max)
        return OTEL_ERR_LIMIT;
    *ret = value;
    return OTEL_OK;
}

enum otel_err otl_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    char *end;
    unsigned long long value;

    if (!is_digit(text[0]))
        return OTEL_ERR_SYNTAX;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (*end != '\0')
        return OTEL_ERR_SYNTAX;
    if (errno == ERANGE || value < min || value > max)
        return OTEL_ERR_LIMIT;
    *ret = value;
    return OTEL_OK;
}

enum otel_err otl_parse_double(const char *text, double min, double max, double *ret)
{
    const char *start = text[0] == '-' ? text + 1 : text;
    char *end;
    double value;

    if (!is_digit(start[0]) && !(start[0] == '.' && is_digit(start[1])))
        return OTEL_ERR_SYNTAX;
    if (strspn(start, "0123456789.eE+-") != strlen(start))
        return OTEL_ERR_SYNTAX;
    value = strtod(text, &end);
    if (*end != '\0')
        return OTEL_ERR_SYNTAX;
    if (!isfinite(value) || value < min || value > max)
        return OTEL_ERR_LIMIT;
    *ret = value;
    return OTEL_OK;
}

static const struct {
    const char *name;
    double ns;
} units[] = {{"ns", 1},          {"us", 1e3},  {"\xc2\xb5s", 1e3}, {"ms", 1e6}, {"s", 1e9},
             {"m", 60.0 * 1e9}, {"h", 3600.0 * 1e9}};

static double unit_ns(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, text, len) == 0)
            return units[i].ns;
    return 0;
}

enum otel_err otl_parse_duration(const char *text, uint64_t *ret_ns)
{
    double total = 0;

    if (strcmp(text, "0") == 0) {
        *ret_ns = 0;
        return OTEL_OK;
    }
    if (*text == '\0')
        return OTEL_ERR_SYNTAX;
    while (*text != '\0') {
        char *end;
        size_t number = strspn(text, "0123456789."), unit;
        double value;
        if (number == 0 || !(is_digit(text[0]) || is_digit(text[1])))
            return OTEL_ERR_SYNTAX;
        value = strtod(text, &end);
        if (end != text + number)
            return OTEL_ERR_SYNTAX;
        unit = strcspn(end, "0123456789.");
        if (unit_ns(end, unit) <= 0)
            return OTEL_ERR_SYNTAX;
        total += value * unit_ns(end, unit);
        text = end + unit;
    }
    if (total > 9.2e18)
        return OTEL_ERR_LIMIT;
    *ret_ns = (uint64_t)(total + 0.5);
    return OTEL_OK;
}

const char *otl_format_duration(uint64_t ns, char *out, size_t size)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } steps[] = {{OTL_NS_PER_S, "s"}, {OTL_NS_PER_MS, "ms"}, {OTL_NS_PER_US, "us"}, {1, "ns"}};
    size_t i = 0;
    char number[32];

    while (i < 3 && ns < steps[i].ns)
        i++;
    snprintf(number, sizeof(number), "%.3f", (double)ns / (double)steps[i].ns);
    for (size_t n = strlen(number); n > 0 && (number[n - 1] == '0' || number[n - 1] == '.'); n--) {
        bool point = number[n - 1] == '.';
        number[n - 1] = '\0';
        if (point)
            break;
    }
    snprintf(out, size, "%s%s", number, steps[i].name);
    return out;
}
