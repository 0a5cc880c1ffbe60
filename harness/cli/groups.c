/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/groups.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"

enum { SECONDS_MAX = 3600, WINDOWS_MAX = 32, TEXT_SIZE = 300 };

/* Faults nearer than this are one deed: six replicas of a service restarted together. */
#define TOGETHER_S 1.0

struct window {
    double from_s, to_s;
    char after[TEXT_SIZE]; /* what began it; "" = the load */
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static bool is(const json_t *object, const char *key, const char *word)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL && strcmp(text, word) == 0;
}

static bool is_fault(const json_t *event)
{
    return !is(event, "what", "rebalance") && !is(event, "what", "expelled") &&
           number(event, "at_s") >= 0;
}

static double load_end(const json_t *report)
{
    const json_t *phase;
    double end = 0;
    size_t i;

    json_array_foreach(json_object_get(report, "phases"), i, phase)
        if (is(phase, "name", "measure") || is(phase, "name", "drain"))
            end = number(phase, "end_s") > end ? number(phase, "end_s") : end;
    return end;
}

/* Between the faults; the time that a fault lasts belongs to none. */
static size_t cut(const json_t *report, struct window *windows)
{
    double over = 0, end = load_end(report);
    const json_t *event;
    size_t count = 0, i;

    windows[0] = (struct window){0, end, ""};
    json_array_foreach(json_object_get(report, "events"), i, event) {
        double at = number(event, "at_s");
        double until = json_object_get(event, "until_s") != NULL ? number(event, "until_s") : at;
        const char *text = json_string_value(json_object_get(event, "text"));
        if (!is_fault(event))
            continue;
        if (at - over >= TOGETHER_S || count == 0) {
            if (count + 1 == WINDOWS_MAX)
                break;
            windows[count++].to_s = at;
            snprintf(windows[count].after, TEXT_SIZE, "%s", text ? text : "");
        }
        over = until > over ? until : over;
        windows[count].from_s = over;
        windows[count].to_s = end > over ? end : over;
    }
    return count + 1;
}

static bool inside(const struct window *window, double at_s)
{
    return at_s > window->from_s && at_s <= window->to_s;
}

static bool of_group(const json_t *series, const char *panel, const char *group)
{
    return is(series, "panel", panel) && is(json_object_get(series, "tags"), "group", group);
}

/* What nobody looked at is left out of the row: 0 would be a claim. (A group of one member has no
 * series of its handlings, nor has a service that reads in several groups.) */
static bool is_measured(const json_t *report, const char *group, const char *panel)
{
    const json_t *series;
    size_t i;

    json_array_foreach(json_object_get(report, "series"), i, series)
        if (of_group(series, panel, group))
            return true;
    return false;
}

/* The greatest value of any line of the panel, or their sum over the window. */
static double over_window(const json_t *report, const char *group, const char *panel, bool sum,
                          const struct window *window)
{
    const json_t *series, *pair;
    double value = 0;
    size_t i, k;

    json_array_foreach(json_object_get(report, "series"), i, series) {
        if (!of_group(series, panel, group))
            continue;
        json_array_foreach(json_object_get(series, "points"), k, pair) {
            double one = json_number_value(json_array_get(pair, 1));
            if (!inside(window, json_number_value(json_array_get(pair, 0))))
                continue;
            value = sum ? value + one : one > value ? one : value;
        }
    }
    return value;
}

/* Handlings of more than a second, as far as the series tells them apart: one a second of each
 * instance. */
static double long_handlings(const json_t *report, const char *group, const struct window *window)
{
    const json_t *series, *pair;
    size_t count = 0, i, k;

    json_array_foreach(json_object_get(report, "series"), i, series) {
        if (!of_group(series, "handler", group))
            continue;
        json_array_foreach(json_object_get(series, "points"), k, pair)
            count += inside(window, json_number_value(json_array_get(pair, 0))) &&
                     json_number_value(json_array_get(pair, 1)) > 1e9;
    }
    return (double)count;
}

/* All members together, second by second. */
static double greatest_lag(const json_t *report, const char *group, const struct window *window)
{
    double *seconds = otl_mem_zalloc(SECONDS_MAX * sizeof *seconds), most = 0;
    const json_t *series, *pair;
    size_t i, k;

    json_array_foreach(json_object_get(report, "series"), i, series) {
        if (seconds == NULL || !of_group(series, "lag", group))
            continue;
        json_array_foreach(json_object_get(series, "points"), k, pair) {
            double at = json_number_value(json_array_get(pair, 0));
            if (inside(window, at) && at < SECONDS_MAX)
                seconds[(size_t)at] += json_number_value(json_array_get(pair, 1));
        }
    }
    for (i = 0; seconds != NULL && i < SECONDS_MAX; i++)
        most = seconds[i] > most ? seconds[i] : most;
    otl_mem_free(seconds);
    return most;
}

static void put_count(json_t *row, const char *key, double value)
{
    json_object_set_new(row, key, json_integer((json_int_t)value));
}

static void put_events(const json_t *report, const char *group, const struct window *window,
                       json_t *row)
{
    const json_t *event;
    size_t rounds = 0, expelled = 0, i;

    json_array_foreach(json_object_get(report, "events"), i, event) {
        if (!is(event, "group", group) || !inside(window, number(event, "at_s")))
            continue;
        rounds += is(event, "what", "rebalance");
        expelled += is(event, "what", "expelled");
    }
    put_count(row, "rounds", (double)rounds);
    put_count(row, "expelled", (double)expelled);
}

static void put_series(const json_t *report, const char *group, const struct window *window,
                       json_t *row)
{
    if (is_measured(report, group, "lag"))
        put_count(row, "lag_max", greatest_lag(report, group, window));
    if (is_measured(report, group, "redelivered"))
        put_count(row, "redelivered", over_window(report, group, "redelivered", true, window));
    if (is_measured(report, group, "staleness"))
        put_count(row, "staleness_max_ns", over_window(report, group, "staleness", false, window));
    if (is_measured(report, group, "handler")) {
        put_count(row, "long_handlings", long_handlings(report, group, window));
        put_count(row, "longest_ns", over_window(report, group, "handler", false, window));
    }
}

static json_t *window_json(const json_t *report, const char *group, const struct window *window,
                           size_t n)
{
    char name[32];
    json_t *row;

    snprintf(name, sizeof name, n == 0 ? "before" : "after %zu", n);
    row = json_pack("{s:s, s:f, s:f}", "name", name, "from_s", window->from_s, "to_s",
                    window->to_s);
    if (n > 0)
        json_object_set_new(row, "after", json_string(window->after));
    put_events(report, group, window, row);
    put_series(report, group, window, row);
    return row;
}

void hx_groups_measure(json_t *report)
{
    static struct window windows[WINDOWS_MAX]; /* too large for the stack */
    const struct window whole = {-1, 1e9, ""};
    size_t count = cut(report, windows), i;
    json_t *row;

    json_array_foreach(json_object_get(report, "groups"), i, row) {
        const char *group = json_string_value(json_object_get(row, "name"));
        json_t *list = json_array();
        put_series(report, group, &whole, row);
        for (size_t n = 0; count > 1 && n < count; n++)
            json_array_append_new(list, window_json(report, group, &windows[n], n));
        if (json_array_size(list) > 0)
            json_object_set(row, "windows", list);
        json_decref(list);
    }
}
