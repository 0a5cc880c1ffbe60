/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/path.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "sdk/base/text.h"

/* What stands behind a path. */

static struct col_value nothing(void)
{
    return (struct col_value){.kind = COL_VALUE_EMPTY};
}

static struct col_value integer(int64_t number)
{
    return (struct col_value){.kind = COL_VALUE_INT, .integer = number};
}

static struct col_value real(double number)
{
    return (struct col_value){.kind = COL_VALUE_DOUBLE, .real = number};
}

static struct col_value text(struct otl_view view)
{
    return (struct col_value){.kind = COL_VALUE_STRING, .text = view};
}

static struct col_value truth(bool yes)
{
    return (struct col_value){.kind = COL_VALUE_BOOL, .boolean = yes};
}

static const void *base_of(enum col_condition_on of, const struct col_condition_subject *subject)
{
    switch (of) {
    case COL_ON_RESOURCE:
        return subject->resource;
    case COL_ON_SCOPE:
        return subject->scope;
    case COL_ON_SPAN:
        return subject->span;
    case COL_ON_EVENT:
        return subject->event;
    case COL_ON_LOG:
        return subject->log;
    case COL_ON_METRIC:
        return subject->metric;
    default:
        return subject->point;
    }
}

static struct col_value id(const struct col_path *path, const void *bytes, char *hex)
{
    if (path->type == COL_PATH_ID)
        return (struct col_value){.kind = COL_VALUE_BYTES, .text = otl_view(bytes, path->size)};
    otl_hex(bytes, path->size, hex);
    return text(otl_view(hex, 2 * path->size));
}

static struct col_value body_of(const struct col_log *log)
{
    struct col_value value = nothing();

    if (log->has_body)
        col_value_split(log->body, &value);
    return value;
}

bool col_path_has_parts(const struct col_log *log)
{
    return body_of(log).kind == COL_VALUE_KVLIST;
}

static struct col_value body_part(const struct col_log *log, const char *key)
{
    struct col_value body = body_of(log), value = nothing();

    return col_path_has_parts(log) && col_attribute_find(&body.list, key, &value) ? value
                                                                                  : nothing();
}

/* Of bytes, a list or a map there is none. */
static struct col_value body_text(const struct col_log *log, char *scratch)
{
    struct col_value body = body_of(log);
    struct otl_view view;

    return col_edit_scalar_text(&body, scratch, &view) ? text(view) : nothing();
}

static struct col_value kind_text(int32_t kind)
{
    static const char *const kinds[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};

    return text(otl_view_str(kind >= 0 && kind < 6 ? kinds[kind] : ""));
}

static bool is_aggregated(enum col_metric_kind kind)
{
    return kind == COL_METRIC_SUM || kind == COL_METRIC_HISTOGRAM ||
           kind == COL_METRIC_EXPONENTIAL;
}

static struct col_value metric_value(enum col_path_type type, const struct col_metric *metric)
{
    static const uint8_t types[] = {[COL_METRIC_GAUGE] = 1,       [COL_METRIC_SUM] = 2,
                                    [COL_METRIC_HISTOGRAM] = 3,   [COL_METRIC_EXPONENTIAL] = 4,
                                    [COL_METRIC_SUMMARY] = 5};

    if (type == COL_PATH_METRIC_TYPE)
        return integer(types[metric->kind]);
    if (type == COL_PATH_MONOTONIC)
        return metric->kind == COL_METRIC_SUM ? truth(metric->monotonic) : nothing();
    return is_aggregated(metric->kind) ? integer(metric->temporality) : nothing();
}

/* A gauge's or sum's point has both values, the one that it was not given as 0. */
static struct col_value point_value(enum col_path_type type, const struct col_metric *metric,
                                    const struct col_point *point)
{
    bool one = metric->kind == COL_METRIC_GAUGE || metric->kind == COL_METRIC_SUM;

    if (type == COL_PATH_POINT_INT || type == COL_PATH_POINT_REAL) {
        if (!one)
            return nothing();
        return type == COL_PATH_POINT_INT
                   ? integer(point->value_kind == COL_NUMBER_INT ? point->integer : 0)
                   : real(point->value_kind == COL_NUMBER_DOUBLE ? point->real : 0);
    }
    if (one || metric->kind == COL_METRIC_NONE)
        return nothing();
    return type == COL_PATH_POINT_COUNT ? integer((int64_t)point->count) : real(point->sum);
}

struct col_value col_path_value(const struct col_path *path, const char *key,
                                const struct col_condition_subject *subject,
                                char scratch[COL_SCALAR_TEXT])
{
    const char *at = (const char *)base_of(path->of, subject) + path->offset;
    struct col_value value = nothing();

    switch (path->type) {
    case COL_PATH_TEXT:
    case COL_PATH_SCHEMA:
        return text(*(const struct otl_view *)(const void *)at);
    case COL_PATH_INT:
        return integer(*(const int32_t *)(const void *)at);
    case COL_PATH_COUNT:
    case COL_PATH_FLAGS:
        return integer(*(const uint32_t *)(const void *)at);
    case COL_PATH_NANO:
    case COL_PATH_TIME:
        return integer((int64_t) * (const uint64_t *)(const void *)at);
    case COL_PATH_ID:
    case COL_PATH_ID_TEXT:
        return id(path, at, scratch);
    case COL_PATH_KIND_TEXT:
        return kind_text(subject->span->kind);
    case COL_PATH_MAP:
        return col_attribute_find((const struct col_list *)(const void *)at, key, &value)
                   ? value
                   : nothing();
    case COL_PATH_BODY:
        return key != NULL ? body_part(subject->log, key) : body_of(subject->log);
    case COL_PATH_BODY_TEXT:
        return body_text(subject->log, scratch);
    case COL_PATH_METRIC_TYPE:
    case COL_PATH_TEMPORALITY:
    case COL_PATH_MONOTONIC:
        return metric_value(path->type, subject->metric);
    default:
        return point_value(path->type, subject->metric, subject->point);
    }
}
