/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MICRO "\xc2\xb5"

/* Digits of a non-negative number with commas between the thousands; returns the length. */
static size_t group(unsigned long long number, char *out)
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", number);
    size_t put = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[put++] = ',';
        out[put++] = digits[i];
    }
    out[put] = '\0';
    return put;
}

struct rep_text rep_format_count(long long count)
{
    struct rep_text out;

    if (count < 0) {
        out.text[0] = '-';
        group(0 - (unsigned long long)count, out.text + 1);
    } else {
        group((unsigned long long)count, out.text);
    }
    return out;
}

struct rep_text rep_format_number(double number)
{
    struct rep_text out;
    double size = fabs(number);

    if (size >= 1e18)
        snprintf(out.text, sizeof(out.text), "%.4g", number);
    else if (size >= 999.95)
        out = rep_format_count(llround(number));
    else if (size == floor(size))
        snprintf(out.text, sizeof(out.text), "%.0f", number);
    else if (size >= 99.995)
        snprintf(out.text, sizeof(out.text), "%.1f", number);
    else if (size >= 0.9995)
        snprintf(out.text, sizeof(out.text), "%.2f", number);
    else
        snprintf(out.text, sizeof(out.text), "%.3g", number);
    return out;
}

/* Three significant digits, thousands apart. */
static struct rep_text three(double number)
{
    struct rep_text out;

    if (number >= 999.5)
        out = rep_format_count(llround(number));
    else
        snprintf(out.text, sizeof(out.text), "%.*f",
                 number >= 99.95   ? 0
                 : number >= 9.995 ? 1
                                   : 2,
                 number);
    return out;
}

static struct rep_text with_unit(double number, const char *unit)
{
    struct rep_text digits = three(number);
    struct rep_text out;

    snprintf(out.text, sizeof(out.text), "%.30s %s", digits.text, unit);
    return out;
}

struct rep_text rep_format_ns(double ns)
{
    if (ns < 0) {
        struct rep_text out;
        snprintf(out.text, sizeof(out.text), "-%.40s", rep_format_ns(-ns).text);
        return out;
    }
    if (ns >= 999.5e6)
        return with_unit(ns / 1e9, "s");
    if (ns >= 999.5e3)
        return with_unit(ns / 1e6, "ms");
    if (ns >= 999.5)
        return with_unit(ns / 1e3, MICRO "s");
    if (ns == floor(ns)) {
        struct rep_text out;
        snprintf(out.text, sizeof(out.text), "%.0f ns", ns);
        return out;
    }
    return with_unit(ns, "ns");
}

struct rep_text rep_format_bytes(double bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    struct rep_text out;
    double value = bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(out.text, sizeof(out.text), "%.30s B", rep_format_number(bytes).text);
        return out;
    }
    for (value /= 1024; value >= 1000 && unit < 3; unit++)
        value /= 1024;
    return with_unit(value, units[unit]);
}

struct rep_text rep_format_share(double share)
{
    struct rep_text out;
    double percent = share * 100;

    if (percent == floor(percent))
        snprintf(out.text, sizeof(out.text), "%.0f %%", percent);
    else
        snprintf(out.text, sizeof(out.text), percent < 1 ? "%.2f %%" : "%.1f %%", percent);
    return out;
}

struct rep_text rep_format_seconds(double seconds)
{
    if (seconds > 0 && seconds < 0.9995)
        return rep_format_ns(seconds * 1e9);
    return with_unit(seconds, "s");
}

struct rep_text rep_format_things(long long count, const char *thing)
{
    struct rep_text out;

    snprintf(out.text, sizeof(out.text), "%.26s %.18s%s", rep_format_count(count).text, thing,
             count == 1 ? "" : "s");
    return out;
}

struct rep_text rep_format_unit(double value, const char *unit)
{
    struct rep_text out;

    if (strcmp(unit, "ns") == 0)
        return rep_format_ns(value);
    if (strcmp(unit, "bytes") == 0)
        return rep_format_bytes(value);
    if (strcmp(unit, "percent") == 0)
        return rep_format_share(value / 100);
    out = rep_format_number(value);
    if (strcmp(unit, "1/s") == 0)
        return with_unit(value, "/s");
    return out;
}
