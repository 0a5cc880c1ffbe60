/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/path.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/schema.h"

/* ---- contexts ---- */

#define BIT(on) (1u << (on))

/* The innermost first: of those that are named, the first one is meant. */
static const struct {
    const char *name;
    enum col_condition_on on;
    unsigned sees;
} contexts[] = {
    {"log", COL_ON_LOG, BIT(COL_ON_LOG) | BIT(COL_ON_SCOPE) | BIT(COL_ON_RESOURCE)},
    {"datapoint", COL_ON_POINT,
     BIT(COL_ON_POINT) | BIT(COL_ON_METRIC) | BIT(COL_ON_SCOPE) | BIT(COL_ON_RESOURCE)},
    {"metric", COL_ON_METRIC, BIT(COL_ON_METRIC) | BIT(COL_ON_SCOPE) | BIT(COL_ON_RESOURCE)},
    {"spanevent", COL_ON_EVENT,
     BIT(COL_ON_EVENT) | BIT(COL_ON_SPAN) | BIT(COL_ON_SCOPE) | BIT(COL_ON_RESOURCE)},
    {"span", COL_ON_SPAN, BIT(COL_ON_SPAN) | BIT(COL_ON_SCOPE) | BIT(COL_ON_RESOURCE)},
    {"scope", COL_ON_SCOPE, BIT(COL_ON_SCOPE) | BIT(COL_ON_RESOURCE)},
    {"resource", COL_ON_RESOURCE, BIT(COL_ON_RESOURCE)},
};

enum { CONTEXTS = sizeof(contexts) / sizeof(contexts[0]), WORD_MAX = 64 };

static size_t place_of(enum col_condition_on on)
{
    size_t i = 0;

    while (contexts[i].on != on)
        i++;
    return i;
}

const char *col_context_name(enum col_condition_on on)
{
    return contexts[place_of(on)].name;
}

unsigned col_context_sees(enum col_condition_on on)
{
    return contexts[place_of(on)].sees;
}

static bool word_is(const char *word, size_t len, const char *other)
{
    return strlen(other) == len && memcmp(word, other, len) == 0;
}

bool col_context_find(const char *name, size_t len, enum col_condition_on *ret)
{
    if (word_is(name, len, "instrumentation_scope")) {
        *ret = COL_ON_SCOPE;
        return true;
    }
    for (size_t i = 0; i < CONTEXTS; i++)
        if (word_is(name, len, contexts[i].name)) {
            *ret = contexts[i].on;
            return true;
        }
    return false;
}

/* ---- constants ---- */

enum {
    SPANS = BIT(COL_ON_SPAN) | BIT(COL_ON_EVENT),
    LOGS = BIT(COL_ON_LOG),
    METRICS = BIT(COL_ON_METRIC) | BIT(COL_ON_POINT),
    POINTS = BIT(COL_ON_POINT)
};

static const struct {
    const char *word;
    int64_t number;
    unsigned in;
} constants[] = {
    {"STATUS_CODE_UNSET", 0, SPANS},
    {"STATUS_CODE_OK", 1, SPANS},
    {"STATUS_CODE_ERROR", 2, SPANS},
    {"SPAN_KIND_UNSPECIFIED", 0, SPANS},
    {"SPAN_KIND_INTERNAL", 1, SPANS},
    {"SPAN_KIND_SERVER", 2, SPANS},
    {"SPAN_KIND_CLIENT", 3, SPANS},
    {"SPAN_KIND_PRODUCER", 4, SPANS},
    {"SPAN_KIND_CONSUMER", 5, SPANS},
    {"SEVERITY_NUMBER_UNSPECIFIED", 0, LOGS},
    {"SEVERITY_NUMBER_TRACE", 1, LOGS},
    {"SEVERITY_NUMBER_DEBUG", 5, LOGS},
    {"SEVERITY_NUMBER_INFO", 9, LOGS},
    {"SEVERITY_NUMBER_WARN", 13, LOGS},
    {"SEVERITY_NUMBER_ERROR", 17, LOGS},
    {"SEVERITY_NUMBER_FATAL", 21, LOGS},
    {"METRIC_DATA_TYPE_NONE", 0, METRICS},
    {"METRIC_DATA_TYPE_GAUGE", 1, METRICS},
    {"METRIC_DATA_TYPE_SUM", 2, METRICS},
    {"METRIC_DATA_TYPE_HISTOGRAM", 3, METRICS},
    {"METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM", 4, METRICS},
    {"METRIC_DATA_TYPE_SUMMARY", 5, METRICS},
    {"AGGREGATION_TEMPORALITY_UNSPECIFIED", 0, METRICS},
    {"AGGREGATION_TEMPORALITY_DELTA", 1, METRICS},
    {"AGGREGATION_TEMPORALITY_CUMULATIVE", 2, METRICS},
    {"FLAG_NONE", 0, POINTS},
    {"FLAG_NO_RECORDED_VALUE", 1, POINTS},
};

/* SEVERITY_NUMBER_WARN3 is two behind WARN. The contexts that have the constant; 0: none is. */
static unsigned constant(const char *word, size_t len, int64_t *ret)
{
    bool stepped = len > 17 && len < WORD_MAX && strncmp(word, "SEVERITY_NUMBER_", 16) == 0 &&
                   word[len - 1] >= '2' && word[len - 1] <= '4';
    int64_t step = stepped ? word[len - 1] - '1' : 0;

    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
        if (word_is(word, len - stepped, constants[i].word) &&
            !(stepped && constants[i].number == 0)) {
            *ret = constants[i].number + step;
            return constants[i].in;
        }
    return 0;
}

bool col_path_constant(enum col_condition_on on, const char *word, size_t len, int64_t *ret)
{
    return (constant(word, len, ret) & BIT(on)) != 0;
}

/* ---- inference ---- */

static void infer_word(struct col_inference *state, const char *word, size_t len)
{
    const char *dot = memchr(word, '.', len);
    enum col_condition_on on;
    unsigned in;
    int64_t number;

    if (dot != NULL && col_context_find(word, (size_t)(dot - word), &on))
        state->named |= BIT(on);
    if (word_is(word, len, "IsRootSpan"))
        in = BIT(COL_ON_SPAN);
    else if (word_is(word, len, "HasAttrKeyOnDatapoint") ||
             word_is(word, len, "HasAttrOnDatapoint"))
        in = BIT(COL_ON_METRIC);
    else
        in = constant(word, len, &number);
    if (in != 0)
        state->able |= ~in;
}

void col_context_infer(struct col_inference *state, const char *text)
{
    while (*text != '\0') {
        size_t len = 0;
        if (*text == '"') {
            for (text++; *text != '"' && *text != '\0'; text++)
                text += *text == '\\' && text[1] != '\0';
            text += *text == '"';
            continue;
        }
        while (isalnum((unsigned char)text[len]) || text[len] == '_' || text[len] == '.')
            len++;
        if (len > 0)
            infer_word(state, text, len);
        text += len > 0 ? len : 1;
    }
}

bool col_context_inferred(const struct col_inference *state, unsigned of_signal,
                          enum col_condition_on *ret)
{
    size_t innermost = 0;

    while (innermost < CONTEXTS && (state->named & BIT(contexts[innermost].on)) == 0)
        innermost++;
    if (innermost == CONTEXTS)
        return false;
    *ret = contexts[innermost].on;
    if ((state->able & BIT(*ret)) == 0 || (of_signal & BIT(*ret)) == 0)
        return true; /* one of another signal is told as that */
    for (size_t i = 0; i < CONTEXTS; i++)
        if ((contexts[i].sees & BIT(contexts[innermost].on)) != 0 &&
            (of_signal & ~state->able & BIT(contexts[i].on)) != 0) {
            *ret = contexts[i].on;
            return true;
        }
    return true; /* what it has not is told when it is read */
}

/* ---- paths ---- */

#define SPAN(name, type, member, field)                                                            \
    {name, COL_ON_SPAN, type, offsetof(struct col_span, member), field, 0, 0}
#define STATUS(name, type, member, field)                                                          \
    {name, COL_ON_SPAN, type, offsetof(struct col_span, member), field, 15, 0}
#define EVENT(name, type, member, field)                                                           \
    {name, COL_ON_EVENT, type, offsetof(struct col_event, member), field, 0, 0}
#define SCOPE(name, type, member, field)                                                           \
    {name, COL_ON_SCOPE, type, offsetof(struct col_scope, member), field, 0, 0}
#define LOG(name, type, member, field)                                                             \
    {name, COL_ON_LOG, type, offsetof(struct col_log, member), field, 0, 0}
#define METRIC(name, type, member, field)                                                          \
    {name, COL_ON_METRIC, type, offsetof(struct col_metric, member), field, 0, 0}
#define POINT(name, type, member, field)                                                           \
    {name, COL_ON_POINT, type, offsetof(struct col_point, member), field, 0, 0}
#define ID(name, on, kind, member, field, size)                                                    \
    {name, on, COL_PATH_ID, offsetof(struct kind, member), field, 0, size},                        \
        {name ".string", on, COL_PATH_ID_TEXT, offsetof(struct kind, member), field, 0, size}

static const struct col_path paths[] = {
    SPAN("attributes", COL_PATH_MAP, attributes, 9),
    SPAN("name", COL_PATH_TEXT, name, 5),
    SPAN("kind", COL_PATH_INT, kind, 6),
    SPAN("kind.string", COL_PATH_KIND_TEXT, kind, 6),
    STATUS("status.code", COL_PATH_INT, status_code, 3),
    STATUS("status.message", COL_PATH_TEXT, status_message, 2),
    SPAN("trace_state", COL_PATH_TEXT, trace_state, 3),
    SPAN("start_time_unix_nano", COL_PATH_NANO, start_time_unix_nano, 7),
    SPAN("end_time_unix_nano", COL_PATH_NANO, end_time_unix_nano, 8),
    SPAN("start_time", COL_PATH_TIME, start_time_unix_nano, 7),
    SPAN("end_time", COL_PATH_TIME, end_time_unix_nano, 8),
    ID("trace_id", COL_ON_SPAN, col_span, trace_id, 1, 16),
    ID("span_id", COL_ON_SPAN, col_span, span_id, 2, 8),
    ID("parent_span_id", COL_ON_SPAN, col_span, parent_span_id, 4, 8),
    SPAN("dropped_attributes_count", COL_PATH_COUNT, dropped_attributes_count, 10),
    SPAN("dropped_events_count", COL_PATH_COUNT, dropped_events_count, 12),
    SPAN("dropped_links_count", COL_PATH_COUNT, dropped_links_count, 14),
    EVENT("attributes", COL_PATH_MAP, attributes, 3),
    EVENT("name", COL_PATH_TEXT, name, 2),
    EVENT("time_unix_nano", COL_PATH_NANO, time_unix_nano, 1),
    EVENT("time", COL_PATH_TIME, time_unix_nano, 1),
    EVENT("dropped_attributes_count", COL_PATH_COUNT, dropped_attributes_count, 4),
    {"attributes", COL_ON_RESOURCE, COL_PATH_MAP, 0, 1, 0, 0},
    SCOPE("attributes", COL_PATH_MAP, attributes, 3),
    SCOPE("name", COL_PATH_TEXT, name, 1),
    SCOPE("version", COL_PATH_TEXT, version, 2),
    SCOPE("schema_url", COL_PATH_SCHEMA, schema_url, 0),
    SCOPE("dropped_attributes_count", COL_PATH_COUNT, dropped_attributes_count, 4),
    LOG("attributes", COL_PATH_MAP, attributes, 6),
    LOG("body", COL_PATH_BODY, body, 5),
    LOG("body.string", COL_PATH_BODY_TEXT, body, 5),
    LOG("severity_number", COL_PATH_INT, severity_number, 2),
    LOG("severity_text", COL_PATH_TEXT, severity_text, 3),
    LOG("event_name", COL_PATH_TEXT, event_name, 12),
    LOG("time_unix_nano", COL_PATH_NANO, time_unix_nano, 1),
    LOG("observed_time_unix_nano", COL_PATH_NANO, observed_time_unix_nano, 11),
    LOG("time", COL_PATH_TIME, time_unix_nano, 1),
    LOG("observed_time", COL_PATH_TIME, observed_time_unix_nano, 11),
    LOG("flags", COL_PATH_FLAGS, flags, 8),
    ID("trace_id", COL_ON_LOG, col_log, trace_id, 9, 16),
    ID("span_id", COL_ON_LOG, col_log, span_id, 10, 8),
    LOG("dropped_attributes_count", COL_PATH_COUNT, dropped_attributes_count, 7),
    METRIC("name", COL_PATH_TEXT, name, 1),
    METRIC("description", COL_PATH_TEXT, description, 2),
    METRIC("unit", COL_PATH_TEXT, unit, 3),
    METRIC("metadata", COL_PATH_MAP, metadata, 12),
    METRIC("type", COL_PATH_METRIC_TYPE, kind, 0),
    METRIC("aggregation_temporality", COL_PATH_TEMPORALITY, temporality, 2),
    METRIC("is_monotonic", COL_PATH_MONOTONIC, monotonic, 3),
    POINT("attributes", COL_PATH_MAP, attributes, 0),
    POINT("value_int", COL_PATH_POINT_INT, integer, 6),
    POINT("value_double", COL_PATH_POINT_REAL, real, 4),
    POINT("count", COL_PATH_POINT_COUNT, count, 4),
    POINT("sum", COL_PATH_POINT_SUM, sum, 5),
    POINT("flags", COL_PATH_COUNT, flags, 0),
    POINT("time_unix_nano", COL_PATH_NANO, time_unix_nano, 3),
    POINT("start_time_unix_nano", COL_PATH_NANO, start_time_unix_nano, 2),
    POINT("time", COL_PATH_TIME, time_unix_nano, 3),
    POINT("start_time", COL_PATH_TIME, start_time_unix_nano, 2),
};

enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

/* Why there is none: the nearest, and all that there are. */
static void say_unknown(enum col_condition_on of, const char *word, size_t len, char *said,
                        size_t size)
{
    const char *words[PATHS + 1];
    char given[WORD_MAX], near[WORD_MAX];
    size_t count = 0, used;

    for (size_t i = 0; i < PATHS; i++)
        if (paths[i].of == of)
            words[count++] = paths[i].name;
    words[count] = NULL;
    snprintf(given, sizeof(given), "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1), word);
    snprintf(said, size, "'%s' is not known in the context %s%s; there are", given,
             col_context_name(of), otl_words_suggest(words, given, near, sizeof(near)));
    for (size_t i = 0; i < count && (used = strlen(said)) + 1 < size; i++)
        snprintf(said + used, size - used, "%s %s", i > 0 ? "," : "", words[i]);
}

static void say_unseen(enum col_condition_on on, const char *word, size_t len, char *said,
                       size_t size)
{
    size_t used;

    snprintf(said, size, "'%.*s' is not known in the context %s: paths may begin with",
             (int)(len < WORD_MAX ? len : WORD_MAX), word, col_context_name(on));
    for (size_t i = 0; i < CONTEXTS && (used = strlen(said)) + 1 < size; i++)
        if ((col_context_sees(on) & BIT(contexts[i].on)) != 0)
            snprintf(said + used, size - used, " %s.", contexts[i].name);
}

const struct col_path *col_path_find(enum col_condition_on on, bool named, const char *word,
                                     size_t len, char *said, size_t size)
{
    const char *dot = memchr(word, '.', len);
    enum col_condition_on of = on;
    bool has_name = dot != NULL && col_context_find(word, (size_t)(dot - word), &of);

    if (len == 0) {
        snprintf(said, size, "a value was expected");
        return NULL;
    }
    if (has_name ? (col_context_sees(on) & BIT(of)) == 0 : named) {
        say_unseen(on, word, len, said, size);
        return NULL;
    }
    if (has_name) {
        len -= (size_t)(dot - word) + 1;
        word = dot + 1;
    }
    for (size_t i = 0; i < PATHS; i++)
        if (paths[i].of == of && word_is(word, len, paths[i].name))
            return &paths[i];
    say_unknown(of, word, len, said, size);
    return NULL;
}

enum col_value_type col_path_value_type(const struct col_path *path)
{
    if (path->type == COL_PATH_TIME)
        return COL_TYPE_TIME;
    if (path->type == COL_PATH_ID)
        return path->size == 16 ? COL_TYPE_TRACE_ID : COL_TYPE_SPAN_ID;
    return COL_TYPE_PLAIN;
}
