/* SPDX-License-Identifier: Apache-2.0 */
/* Rebalance rounds, from what the members' own callbacks said: events on the report's time axis.
 * A round is a train of assignments in one group; a member that was too long between two polls is
 * an event of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/topology/parts.h"
#include "sdk/base/mem.h"

/* The members of a round hear of it within a heartbeat or two; rounds are further apart. */
#define ROUND_NS (800 * OTL_NS_PER_MS)

enum { ROWS_MAX = 20000 };

struct row {
    uint64_t mono_ns;
    const struct hx_child *child;
    const char *group;
    const char *what;
    int partitions;
};

struct rows {
    struct row *items;
    size_t count;
};

static int by_group_and_time(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    int order = strcmp(a->group, b->group);

    return order != 0 ? order : a->mono_ns < b->mono_ns ? -1 : a->mono_ns > b->mono_ns;
}

static struct rows collect(const struct hx_run *run)
{
    struct rows rows = {otl_mem_zalloc(ROWS_MAX * sizeof(*rows.items)), 0};

    for (size_t i = 0; rows.items != NULL && i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        const json_t *event;
        size_t n;
        json_array_foreach(child->membership, n, event) {
            struct row row = {
                .mono_ns = (uint64_t)json_integer_value(json_object_get(event, "mono_ns")),
                .child = child,
                .group = json_string_value(json_object_get(event, "group")),
                .what = json_string_value(json_object_get(event, "what")),
                .partitions = (int)json_integer_value(json_object_get(event, "partitions"))};
            if (row.group != NULL && row.what != NULL && rows.count < ROWS_MAX)
                rows.items[rows.count++] = row;
        }
    }
    if (rows.count > 0)
        qsort(rows.items, rows.count, sizeof(*rows.items), by_group_and_time);
    return rows;
}

static void add(const struct hx_run *run, json_t *events, const struct row *row,
                uint64_t mono_ns, const char *what, const char *text)
{
    double at = ((double)mono_ns - (double)run->load_start_ns) / 1e9;
    bool round = strcmp(what, "rebalance") == 0;

    json_array_append_new(events, json_pack("{s:f, s:s, s:s, s:s, s:s}", "at_s", at, "what", what,
                                            "target", round ? row->group : row->child->name,
                                            "group", row->group, "text", text));
}

/* The assignments from row on that belong together; returns the row behind them. */
static size_t add_round(const struct hx_run *run, json_t *events, const struct rows *rows,
                        size_t from, unsigned round)
{
    const struct row *first = &rows->items[from];
    uint64_t last = first->mono_ns;
    unsigned members = 0;
    int partitions = 0;
    char text[200];
    size_t i = from;

    for (; i < rows->count; i++) {
        const struct row *row = &rows->items[i];
        if (strcmp(row->group, first->group) != 0 || row->mono_ns > last + ROUND_NS)
            break;
        if (strcmp(row->what, "assigned") != 0)
            continue;
        last = row->mono_ns;
        members++;
        partitions += row->partitions;
    }
    snprintf(text, sizeof(text), "rebalance round %u of %.80s: %u member%s, %d partitions", round,
             first->group, members, members == 1 ? "" : "s", partitions);
    add(run, events, first, last, "rebalance", text);
    return i;
}

static void add_expelled(const struct hx_run *run, json_t *events, const struct row *row)
{
    char text[192];

    snprintf(text, sizeof(text),
             "%.80s was too long between two polls: max.poll.interval.ms was exceeded",
             row->child->name);
    add(run, events, row, row->mono_ns, "expelled", text);
}

static void add_group_events(const struct hx_run *run, json_t *events, const struct rows *rows)
{
    const char *group = "";
    unsigned round = 0;
    size_t behind = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->items[i];
        if (strcmp(row->group, group) != 0)
            round = 0;
        group = row->group;
        if (strcmp(row->what, "expelled") == 0)
            add_expelled(run, events, row);
        else if (strcmp(row->what, "assigned") == 0 && i >= behind)
            behind = add_round(run, events, rows, i, ++round);
    }
}

static int by_time(const void *left, const void *right)
{
    double a = json_number_value(json_object_get(*(json_t *const *)left, "at_s"));
    double b = json_number_value(json_object_get(*(json_t *const *)right, "at_s"));

    return a < b ? -1 : a > b;
}

static json_t *sorted(json_t *events)
{
    size_t count = json_array_size(events);
    json_t **items = otl_mem_zalloc((count + 1) * sizeof(json_t *)), *ret = json_array();

    if (items == NULL || ret == NULL || count == 0) {
        otl_mem_free(items);
        json_decref(ret);
        return events;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(events, i);
    qsort(items, count, sizeof(json_t *), by_time);
    for (size_t i = 0; i < count; i++)
        json_array_append(ret, items[i]);
    otl_mem_free(items);
    json_decref(events);
    return ret;
}

json_t *hx_run_events_with_membership(const struct hx_run *run)
{
    json_t *events = json_copy(run->events);
    struct rows rows = collect(run);

    if (events != NULL && rows.items != NULL && run->load_start_ns != 0)
        add_group_events(run, events, &rows);
    otl_mem_free(rows.items);
    return events != NULL ? sorted(events) : NULL;
}

/* ---- in figures ----------------------------------------------------------------------------- */

/* Of the scenario's faults: when the first was over, when the last began and was over. */
struct span_of_faults {
    double first_end_s, last_start_s, last_end_s;
};

static struct span_of_faults faults_of(const json_t *events)
{
    struct span_of_faults span = {1e9, -1e9, -1e9};
    json_t *event;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)events, i, event) {
        double start = json_number_value(json_object_get(event, "at_s"));
        const json_t *until = json_object_get(event, "until_s");
        double end = until ? json_number_value(until) : start;
        span.first_end_s = end < span.first_end_s ? end : span.first_end_s;
        span.last_start_s = start > span.last_start_s ? start : span.last_start_s;
        span.last_end_s = end > span.last_end_s ? end : span.last_end_s;
    }
    return span;
}

static json_t *group_row(json_t *groups, const char *name)
{
    json_t *row;
    size_t i;

    json_array_foreach(groups, i, row)
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return row;
    row = json_pack("{s:s, s:i, s:i}", "name", name, "rounds", 0, "expelled", 0);
    json_array_append_new(groups, row);
    return row;
}

static void count(json_t *row, const char *key)
{
    json_object_set_new(row, key, json_integer(json_integer_value(json_object_get(row, key)) + 1));
}

json_t *hx_run_groups(const struct hx_run *run)
{
    json_t *groups = json_array();
    struct rows rows = collect(run);
    struct span_of_faults span = faults_of(run->events);
    bool faults = json_array_size(run->events) > 0;
    uint64_t until_ns = 0;

    for (size_t i = 0; groups != NULL && run->load_start_ns != 0 && i < rows.count; i++) {
        const struct row *row = &rows.items[i];
        json_t *group = group_row(groups, row->group);
        double at = ((double)row->mono_ns - (double)run->load_start_ns) / 1e9;
        if (faults && json_object_get(group, "expelled_after_faults") == NULL) {
            json_object_set_new(group, "expelled_between_faults", json_integer(0));
            json_object_set_new(group, "expelled_after_faults", json_integer(0));
        }
        if (strcmp(row->what, "expelled") == 0) {
            count(group, "expelled");
            if (faults && at > span.last_end_s)
                count(group, "expelled_after_faults");
            else if (faults && at > span.first_end_s && at < span.last_start_s)
                count(group, "expelled_between_faults");
        } else if (strcmp(row->what, "assigned") == 0 && at > 0) {
            bool first = i == 0 || strcmp(rows.items[i - 1].group, row->group) != 0;
            if (first || row->mono_ns > until_ns)
                count(group, "rounds");
            until_ns = row->mono_ns + ROUND_NS;
        }
    }
    otl_mem_free(rows.items);
    return groups;
}
