/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/shown.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

OTEL_PRINTF(2, 3) static void add(struct shown *shown, const char *format, ...)
{
    size_t left = sizeof(shown->text) - shown->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(shown->text + shown->len, left, format, args);
    va_end(args);
    assert_in_range(len, 0, left - 1);
    shown->len += (size_t)len;
}

void shown_put(void *arg, const struct otel_sdk_metric *metric)
{
    static const char *const types[] = {"counter", "updowncounter", "histogram"};
    struct shown *shown = arg;

    add(shown, "%s{", metric->name);
    for (size_t i = 0; i < metric->attribute_count; i++) {
        const struct otel_attribute *attribute = &metric->attributes[i];
        add(shown, "%s%.*s=", i != 0 ? "," : "", (int)attribute->key.len, attribute->key.data);
        if (attribute->value.type == OTEL_VALUE_INT)
            add(shown, "%" PRId64, attribute->value.as.integer);
        else
            add(shown, "%.*s", (int)attribute->value.count, attribute->value.as.string);
    }
    add(shown, "} %s %s %" PRId64 "\n", types[metric->type], metric->unit,
        metric->type == OTEL_SDK_METRIC_HISTOGRAM ? (int64_t)metric->count : metric->value);
    assert_true(strlen(metric->description) > 10);
    if (metric->type == OTEL_SDK_METRIC_HISTOGRAM) {
        assert_true(metric->min <= metric->max && metric->max <= metric->sum);
        assert_true(metric->min * (double)metric->count <= metric->sum * 1.0001);
        shown->seconds += metric->sum;
    }
    shown->metrics++;
}

struct shown show(struct otel_sdk_provider *provider)
{
    struct shown shown;

    memset(&shown, 0, sizeof(shown));
    otel_sdk_provider_metrics(provider, shown_put, &shown);
    return shown;
}

/* The next line from *at on that begins so; *at: behind it. */
static const char *next_line(const char **at, const char *begin)
{
    while (**at != '\0') {
        const char *line = *at;
        *at = strchr(line, '\n') + 1;
        if (strncmp(line, begin, strlen(begin)) == 0)
            return line;
    }
    return NULL;
}

static int64_t number_of(const char *line)
{
    const char *end = strchr(line, '\n');

    while (end[-1] != ' ')
        end--;
    return strtoll(end, NULL, 10);
}

size_t shown_lines(const struct shown *shown, const char *begin)
{
    const char *at = shown->text;
    size_t count = 0;

    while (next_line(&at, begin) != NULL)
        count++;
    return count;
}

int64_t shown_sum(const struct shown *shown, const char *begin)
{
    const char *at = shown->text, *line;
    int64_t sum = 0;

    while ((line = next_line(&at, begin)) != NULL)
        sum += number_of(line);
    return sum;
}

int64_t shown_number(const struct shown *shown, const char *line)
{
    char begin[512];

    snprintf(begin, sizeof(begin), "%s ", line);
    if (shown_lines(shown, begin) == 0)
        return -1;
    if (shown_lines(shown, begin) != 1)
        fail_msg("several of '%s':\n%s", line, shown->text);
    return shown_sum(shown, begin);
}
