/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "sdk/base/text.h"

/* What conditions on log records, metrics and data points know. */

enum { WORD_MAX = 64 };

static const struct {
    enum col_condition_on on;
    const char *word;
    enum col_term_kind kind;
} paths[] = {
    {COL_ON_LOG, "log.attributes", COL_TERM_ITEM_ATTRIBUTE},
    {COL_ON_LOG, "log.body", COL_TERM_BODY},
    {COL_ON_LOG, "log.body.string", COL_TERM_BODY_TEXT},
    {COL_ON_LOG, "log.severity_number", COL_TERM_SEVERITY_NUMBER},
    {COL_ON_LOG, "log.severity_text", COL_TERM_SEVERITY_TEXT},
    {COL_ON_LOG, "log.event_name", COL_TERM_ITEM_EVENT_NAME},
    {COL_ON_LOG, "log.time_unix_nano", COL_TERM_ITEM_TIME},
    {COL_ON_LOG, "log.observed_time_unix_nano", COL_TERM_ITEM_START},
    {COL_ON_LOG, "log.flags", COL_TERM_ITEM_FLAGS},
    {COL_ON_LOG, "log.trace_id.string", COL_TERM_ITEM_TRACE_ID},
    {COL_ON_LOG, "log.span_id.string", COL_TERM_ITEM_SPAN_ID},
    {COL_ON_METRIC, "metric.name", COL_TERM_METRIC_NAME},
    {COL_ON_METRIC, "metric.description", COL_TERM_METRIC_DESCRIPTION},
    {COL_ON_METRIC, "metric.unit", COL_TERM_METRIC_UNIT},
    {COL_ON_METRIC, "metric.type", COL_TERM_METRIC_TYPE},
    {COL_ON_METRIC, "metric.aggregation_temporality", COL_TERM_METRIC_TEMPORALITY},
    {COL_ON_METRIC, "metric.is_monotonic", COL_TERM_METRIC_MONOTONIC},
    {COL_ON_POINT, "datapoint.attributes", COL_TERM_ITEM_ATTRIBUTE},
    {COL_ON_POINT, "datapoint.value_int", COL_TERM_POINT_INT},
    {COL_ON_POINT, "datapoint.value_double", COL_TERM_POINT_DOUBLE},
    {COL_ON_POINT, "datapoint.count", COL_TERM_POINT_COUNT},
    {COL_ON_POINT, "datapoint.sum", COL_TERM_POINT_SUM},
    {COL_ON_POINT, "datapoint.flags", COL_TERM_ITEM_FLAGS},
    {COL_ON_POINT, "datapoint.time_unix_nano", COL_TERM_ITEM_TIME},
    {COL_ON_POINT, "datapoint.start_time_unix_nano", COL_TERM_ITEM_START},
};

static const struct {
    const char *word;
    int64_t number;
} enums[] = {
    {"SEVERITY_NUMBER_UNSPECIFIED", 0}, {"SEVERITY_NUMBER_TRACE", 1},
    {"SEVERITY_NUMBER_DEBUG", 5},       {"SEVERITY_NUMBER_INFO", 9},
    {"SEVERITY_NUMBER_WARN", 13},       {"SEVERITY_NUMBER_ERROR", 17},
    {"SEVERITY_NUMBER_FATAL", 21},      {"METRIC_DATA_TYPE_NONE", 0},
    {"METRIC_DATA_TYPE_GAUGE", 1},      {"METRIC_DATA_TYPE_SUM", 2},
    {"METRIC_DATA_TYPE_HISTOGRAM", 3},  {"METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM", 4},
    {"METRIC_DATA_TYPE_SUMMARY", 5},    {"AGGREGATION_TEMPORALITY_UNSPECIFIED", 0},
    {"AGGREGATION_TEMPORALITY_DELTA", 1}, {"AGGREGATION_TEMPORALITY_CUMULATIVE", 2},
};

bool col_parse_item_enum(struct col_parser *p, int64_t *ret)
{
    size_t len = col_parse_word_length(p);

    for (size_t i = 0; i < sizeof(enums) / sizeof(enums[0]); i++)
        if (col_parse_word(p, enums[i].word)) {
            *ret = enums[i].number;
            return true;
        }
    /* SEVERITY_NUMBER_WARN3: two behind WARN */
    if (len < WORD_MAX && len > 17 && strncmp(p->at, "SEVERITY_NUMBER_", 16) == 0 &&
        p->at[len - 1] >= '2' && p->at[len - 1] <= '4')
        for (size_t i = 1; i < 7; i++)
            if (strlen(enums[i].word) == len - 1 && strncmp(p->at, enums[i].word, len - 1) == 0) {
                *ret = enums[i].number + p->at[len - 1] - '1';
                p->at += len;
                return true;
            }
    return false;
}

struct col_term *col_parse_item_path(struct col_parser *p, size_t len)
{
    enum col_condition_on on = p->condition->on;
    char word[WORD_MAX * 2];
    struct col_term *term;

    if (col_parse_word(p, "resource.attributes")) {
        term = col_parse_term(p, COL_TERM_RESOURCE_ATTRIBUTE);
        return term != NULL ? col_parse_key(p, term) : NULL;
    }
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *bare = strchr(paths[i].word, '.') + 1;
        bool mine = paths[i].on == on;
        bool whole = (mine || (on == COL_ON_POINT && paths[i].on == COL_ON_METRIC)) &&
                     strlen(paths[i].word) == len && strncmp(p->at, paths[i].word, len) == 0;
        if (!whole && !(mine && strlen(bare) == len && strncmp(p->at, bare, len) == 0))
            continue;
        p->at += len;
        term = col_parse_term(p, paths[i].kind);
        return term != NULL && term->kind == COL_TERM_ITEM_ATTRIBUTE ? col_parse_key(p, term)
                                                                     : term;
    }
    snprintf(word, sizeof(word), "'%.*s' is not known here", (int)(len < WORD_MAX ? len : WORD_MAX),
             p->at);
    return col_parse_fail(p, word);
}

/* ---- values ---- */

static struct col_value nothing(void)
{
    struct col_value value;

    memset(&value, 0, sizeof(value));
    value.kind = COL_VALUE_EMPTY;
    return value;
}

static struct col_value integer(int64_t number)
{
    struct col_value value = nothing();

    value.kind = COL_VALUE_INT;
    value.integer = number;
    return value;
}

static struct col_value real(double number)
{
    struct col_value value = nothing();

    value.kind = COL_VALUE_DOUBLE;
    value.real = number;
    return value;
}

static struct col_value text(struct otl_view view)
{
    struct col_value value = nothing();

    value.kind = COL_VALUE_STRING;
    value.text = view;
    return value;
}

static struct col_value truth(bool yes)
{
    struct col_value value = nothing();

    value.kind = COL_VALUE_BOOL;
    value.boolean = yes;
    return value;
}

static struct col_value id(const void *bytes, size_t len, char *hex)
{
    otl_hex(bytes, len, hex);
    return text(otl_view(hex, 2 * len));
}

static struct col_value body_of(const struct col_log *log)
{
    struct col_value value = nothing();

    if (log->has_body)
        col_value_split(log->body, &value);
    return value;
}

static struct col_value log_value(const struct col_term *term, const struct col_log *log,
                                  char *hex)
{
    struct col_value value = nothing();

    switch (term->kind) {
    case COL_TERM_ITEM_ATTRIBUTE:
        return col_attribute_find(&log->attributes, term->text, &value) ? value : nothing();
    case COL_TERM_BODY:
        return body_of(log);
    case COL_TERM_BODY_TEXT:
        value = body_of(log);
        return value.kind == COL_VALUE_STRING ? value : nothing();
    case COL_TERM_SEVERITY_NUMBER:
        return integer(log->severity_number);
    case COL_TERM_SEVERITY_TEXT:
        return text(log->severity_text);
    case COL_TERM_ITEM_EVENT_NAME:
        return text(log->event_name);
    case COL_TERM_ITEM_TIME:
        return integer((int64_t)log->time_unix_nano);
    case COL_TERM_ITEM_START:
        return integer((int64_t)log->observed_time_unix_nano);
    case COL_TERM_ITEM_FLAGS:
        return integer(log->flags);
    case COL_TERM_ITEM_TRACE_ID:
        return id(log->trace_id, 16, hex);
    case COL_TERM_ITEM_SPAN_ID:
        return id(log->span_id, 8, hex);
    default:
        return value;
    }
}

static struct col_value metric_value(const struct col_term *term, const struct col_metric *metric)
{
    static const uint8_t types[] = {[COL_METRIC_GAUGE] = 1,       [COL_METRIC_SUM] = 2,
                                    [COL_METRIC_HISTOGRAM] = 3,   [COL_METRIC_EXPONENTIAL] = 4,
                                    [COL_METRIC_SUMMARY] = 5};

    switch (term->kind) {
    case COL_TERM_METRIC_NAME:
        return text(metric->name);
    case COL_TERM_METRIC_DESCRIPTION:
        return text(metric->description);
    case COL_TERM_METRIC_UNIT:
        return text(metric->unit);
    case COL_TERM_METRIC_TYPE:
        return integer(types[metric->kind]);
    case COL_TERM_METRIC_TEMPORALITY:
        return integer(metric->temporality);
    case COL_TERM_METRIC_MONOTONIC:
        return metric->kind == COL_METRIC_SUM ? truth(metric->monotonic) : nothing();
    default:
        return nothing();
    }
}

static struct col_value point_value(const struct col_term *term, const struct col_point *point)
{
    struct col_value value = nothing();

    switch (term->kind) {
    case COL_TERM_ITEM_ATTRIBUTE:
        return col_attribute_find(&point->attributes, term->text, &value) ? value : nothing();
    case COL_TERM_POINT_INT:
        return point->value_kind == COL_NUMBER_INT ? integer(point->integer) : value;
    case COL_TERM_POINT_DOUBLE:
        return point->value_kind == COL_NUMBER_DOUBLE ? real(point->real) : value;
    case COL_TERM_POINT_COUNT:
        return integer((int64_t)point->count);
    case COL_TERM_POINT_SUM:
        return real(point->sum);
    case COL_TERM_ITEM_TIME:
        return integer((int64_t)point->time_unix_nano);
    case COL_TERM_ITEM_START:
        return integer((int64_t)point->start_time_unix_nano);
    case COL_TERM_ITEM_FLAGS:
        return integer(point->flags);
    default:
        return value;
    }
}

struct col_value col_term_item_value(const struct col_term *term,
                                     const struct col_condition_subject *subject, char *hex)
{
    if (term->kind >= COL_TERM_METRIC_NAME && term->kind <= COL_TERM_METRIC_MONOTONIC)
        return metric_value(term, subject->metric);
    return subject->log != NULL ? log_value(term, subject->log, hex)
                                : point_value(term, subject->point);
}
