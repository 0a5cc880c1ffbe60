/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/draft.h"

#include <string.h>

#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/text.h"

#define MESSAGE_MAX ((size_t)1 << 30)

/* The value of a number's point, which has one of both fields. */
enum { VALUES = 1u << 4 | 1u << 6 };
enum { BODY = 5, BODY_MAP = 6 }; /* of a log record; of a value */

/* ---- the messages ---- */

static struct otl_view raw_of(const struct col_draft *draft, enum col_condition_on of)
{
    switch (of) {
    case COL_ON_RESOURCE:
        return draft->resource->raw;
    case COL_ON_SCOPE:
        return draft->scope->raw;
    case COL_ON_SPAN:
        return draft->span->raw;
    case COL_ON_EVENT:
        return *draft->event_raw;
    case COL_ON_LOG:
        return draft->log->raw;
    case COL_ON_METRIC:
        return draft->metric->raw;
    default:
        return draft->point->raw;
    }
}

static void read_scope(struct otl_view raw, struct col_scope *scope)
{
    const struct otl_view schema_url = scope->schema_url;
    struct col_reader r;

    memset(scope, 0, sizeof(*scope));
    scope->schema_url = schema_url;
    scope->present = true;
    scope->raw = raw;
    col_reader_init(&r, col_cursor_of(raw), NULL);
    while (col_reader_next(&r)) {
        if (r.field.number == 1)
            (void)col_take_text(&r, &scope->name, "");
        else if (r.field.number == 2)
            (void)col_take_text(&r, &scope->version, "");
        else if (r.field.number == 3)
            (void)col_take_item(&r, &scope->attributes, "");
        else if (r.field.number == 4)
            (void)col_take_u32(&r, &scope->dropped_attributes_count, "");
    }
}

static void read_span(struct otl_view raw, struct col_span *span)
{
    const struct col_resource *resource = span->resource;
    const struct col_scope *scope = span->scope;

    col_span_split(raw, span);
    span->resource = resource;
    span->scope = scope;
}

static void read_metric(struct otl_view raw, struct col_metric *metric)
{
    const struct col_resource *resource = metric->resource;
    const struct col_scope *scope = metric->scope;

    col_metric_split(raw, metric);
    metric->resource = resource;
    metric->scope = scope;
}

static void take_raw(const struct col_draft *draft, enum col_condition_on of, struct otl_view raw)
{
    switch (of) {
    case COL_ON_RESOURCE:
        draft->resource->present = true;
        draft->resource->raw = raw;
        col_resource_split(raw, &draft->resource->attributes);
        break;
    case COL_ON_SCOPE:
        read_scope(raw, draft->scope);
        break;
    case COL_ON_SPAN:
        read_span(raw, draft->span);
        break;
    case COL_ON_EVENT:
        *draft->event_raw = raw;
        (void)col_read_event(raw, draft->event, NULL);
        break;
    case COL_ON_LOG:
        col_log_split(raw, draft->log);
        break;
    case COL_ON_METRIC:
        read_metric(raw, draft->metric);
        break;
    default:
        col_point_split(draft->metric->kind, raw, draft->point);
        draft->point->raw = raw;
    }
}

/* ---- fields ---- */

/* What a field becomes. */
struct field {
    uint32_t number, wire;
    uint64_t scalar;
    struct otl_view bytes;
};

static struct field scalar_field(uint32_t number, uint32_t wire, uint64_t scalar)
{
    const struct field field = {number, wire, scalar, {NULL, 0}};

    return field;
}

static struct field bytes_field(uint32_t number, struct otl_view bytes)
{
    const struct field field = {number, COL_WIRE_BYTES, 0, bytes};

    return field;
}

static enum otel_err put(struct otl_buf *out, const struct field *field)
{
    int size = field->wire == COL_WIRE_FIXED64 ? 8 : 4;
    enum otel_err err;

    if (field->wire == COL_WIRE_BYTES)
        return col_put_field(out, field->number, field->bytes);
    err = otl_buf_append_byte(out, (uint8_t)(field->number << 3 | field->wire));
    if (err == OTEL_OK && field->wire == COL_WIRE_VARINT)
        return col_put_varint(out, field->scalar);
    for (int i = 0; i < size && err == OTEL_OK; i++)
        err = otl_buf_append_byte(out, (uint8_t)(field->scalar >> (8 * i)));
    return err;
}

/* The message with this field in place of those in without; out is appended to. */
static enum otel_err replace(struct otl_buf *out, struct otl_view raw, uint32_t without,
                             const struct field *field)
{
    enum otel_err err = col_edit_copy(out, raw, without);

    return err == OTEL_OK ? put(out, field) : err;
}

/* The message in a field of raw; none is an empty one. */
static struct otl_view inner(struct otl_view raw, uint32_t number)
{
    struct col_cursor cursor = col_cursor_of(raw);
    struct otl_view found = {NULL, 0};
    struct col_field field;

    while (col_field_next(&cursor, &field) == COL_NEXT_FIELD)
        if (field.number == number && field.wire == COL_WIRE_BYTES)
            found = col_bytes_of(&field);
    return found;
}

static bool is_histogram(enum col_metric_kind kind)
{
    return kind == COL_METRIC_HISTOGRAM || kind == COL_METRIC_EXPONENTIAL;
}

static bool is_number(enum col_metric_kind kind)
{
    return kind == COL_METRIC_GAUGE || kind == COL_METRIC_SUM;
}

/* within: the number of the message inside that the field is of; 0: it is of the message itself. */
static enum otel_err set_field(const struct col_draft *draft, enum col_condition_on of,
                               uint32_t within, const struct field *field)
{
    struct otl_view raw = raw_of(draft, of);
    uint32_t without = 1u << field->number;
    struct otl_buf out, part;
    char *copy = NULL;
    enum otel_err err;

    otl_buf_init(&out, MESSAGE_MAX);
    otl_buf_init(&part, MESSAGE_MAX);
    if (of == COL_ON_POINT && is_number(draft->metric->kind) && (without & VALUES) != 0)
        without = VALUES;
    if (within == 0) {
        err = replace(&out, raw, without, field);
    } else {
        err = replace(&part, inner(raw, within), without, field);
        if (err == OTEL_OK) {
            const struct field whole = bytes_field(within, otl_view(part.data, part.len));
            err = replace(&out, raw, 1u << within, &whole);
        }
    }
    if (err == OTEL_OK && (copy = otl_arena_strndup(draft->arena, out.data, out.len)) == NULL)
        err = OTEL_ERR_MEMORY;
    if (copy != NULL)
        take_raw(draft, of, otl_view(copy, out.len));
    otl_buf_fini(&part);
    otl_buf_fini(&out);
    return err;
}

/* ---- what a path is set to ---- */

/* What is to be done: a field, nothing, or an error. */
struct plan {
    enum otel_err err;
    bool nothing;
    uint32_t within;
    struct field field;
};

static struct plan plan_field(const struct col_path *path, struct field field)
{
    const struct plan plan = {OTEL_OK, false, path->within, field};

    return plan;
}

static struct plan plan_nothing(void)
{
    const struct plan plan = {.nothing = true};

    return plan;
}

static struct plan plan_error(void)
{
    const struct plan plan = {.err = OTEL_ERR_ARGUMENT};

    return plan;
}

static uint64_t bits_of(double real)
{
    uint64_t bits;

    memcpy(&bits, &real, sizeof(bits));
    return bits;
}

/* The field that a number goes into. */
static struct plan plan_number(const struct col_draft *draft, const struct col_path *path,
                               int64_t number)
{
    uint32_t flags = is_histogram(path->of == COL_ON_POINT ? draft->metric->kind
                                                           : COL_METRIC_NONE)
                         ? 10
                         : 8;

    switch (path->type) {
    case COL_PATH_INT:
        return plan_field(path, scalar_field(path->field, COL_WIRE_VARINT,
                                             (uint64_t)(int32_t)number));
    case COL_PATH_COUNT:
        return plan_field(path, scalar_field(path->field != 0 ? path->field : flags,
                                             COL_WIRE_VARINT, (uint32_t)number));
    case COL_PATH_FLAGS:
        return plan_field(path, scalar_field(path->field, COL_WIRE_FIXED32, (uint32_t)number));
    default:
        return plan_field(path, scalar_field(path->field, COL_WIRE_FIXED64, (uint64_t)number));
    }
}

/* Of 32 or 16 digits. */
static struct plan plan_id_text(const struct col_draft *draft, const struct col_path *path,
                                struct otl_view digits)
{
    uint8_t *id = otl_arena_alloc(draft->arena, path->size);
    struct plan plan = plan_error();

    if (id == NULL)
        plan.err = OTEL_ERR_MEMORY;
    else if (digits.len == 2 * path->size && otl_unhex(digits.data, path->size, id))
        plan = plan_field(path, bytes_field(path->field, otl_view((const char *)id, path->size)));
    return plan;
}

static struct plan plan_kind_text(const struct col_path *path, struct otl_view name)
{
    static const char *const kinds[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};

    for (uint64_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (otl_view_is(name, kinds[i]))
            return plan_field(path, scalar_field(path->field, COL_WIRE_VARINT, i));
    return plan_error();
}

static struct plan plan_text(const struct col_draft *draft, const struct col_path *path,
                             struct otl_view text)
{
    if (path->type == COL_PATH_ID_TEXT)
        return plan_id_text(draft, path, text);
    if (path->type == COL_PATH_KIND_TEXT)
        return plan_kind_text(path, text);
    return plan_field(path, bytes_field(path->field, text));
}

static struct plan plan_body(const struct col_draft *draft, const struct col_path *path,
                             const struct col_value *value)
{
    struct plan plan = plan_field(path, bytes_field(path->field, otl_view("", 0)));

    plan.err = col_edit_value(draft->arena, value, &plan.field.bytes);
    return plan;
}

static struct plan plan_of_metric(const struct col_draft *draft, const struct col_path *path,
                                  const struct col_value *value)
{
    enum col_metric_kind kind = draft->metric->kind;
    bool monotonic = path->type == COL_PATH_MONOTONIC;
    struct plan plan;

    if (path->type == COL_PATH_METRIC_TYPE)
        return plan_nothing();
    if (value->kind != (monotonic ? COL_VALUE_BOOL : COL_VALUE_INT))
        return plan_error();
    if (kind != COL_METRIC_SUM && (monotonic || !is_histogram(kind)))
        return plan_nothing();
    plan = plan_field(path, scalar_field(path->field, COL_WIRE_VARINT,
                                         monotonic ? value->boolean
                                                   : (uint64_t)(int32_t)value->integer));
    plan.within = kind;
    return plan;
}

static struct plan plan_of_point(const struct col_draft *draft, const struct col_path *path,
                                 const struct col_value *value)
{
    enum col_metric_kind kind = draft->metric->kind;
    bool real = path->type == COL_PATH_POINT_REAL || path->type == COL_PATH_POINT_SUM;
    bool of_number = path->type == COL_PATH_POINT_REAL || path->type == COL_PATH_POINT_INT;

    if (value->kind != (real ? COL_VALUE_DOUBLE : COL_VALUE_INT))
        return plan_error();
    if (of_number != is_number(kind))
        return plan_nothing();
    return plan_field(path, scalar_field(path->field, COL_WIRE_FIXED64,
                                         real ? bits_of(value->real) : (uint64_t)value->integer));
}

static struct plan plan_plain(const struct col_draft *draft, const struct col_path *path,
                              const struct col_value *value)
{
    switch (path->type) {
    case COL_PATH_INT:
    case COL_PATH_COUNT:
    case COL_PATH_FLAGS:
    case COL_PATH_NANO:
        return value->kind == COL_VALUE_INT ? plan_number(draft, path, value->integer)
                                            : plan_error();
    case COL_PATH_BODY:
        return plan_body(draft, path, value);
    case COL_PATH_TEXT:
    case COL_PATH_ID_TEXT:
    case COL_PATH_KIND_TEXT:
        return value->kind == COL_VALUE_STRING ? plan_text(draft, path, value->text)
                                               : plan_error();
    case COL_PATH_BODY_TEXT:
        return value->kind == COL_VALUE_STRING ? plan_body(draft, path, value) : plan_error();
    case COL_PATH_METRIC_TYPE:
    case COL_PATH_TEMPORALITY:
    case COL_PATH_MONOTONIC:
        return plan_of_metric(draft, path, value);
    case COL_PATH_POINT_INT:
    case COL_PATH_POINT_REAL:
    case COL_PATH_POINT_COUNT:
    case COL_PATH_POINT_SUM:
        return plan_of_point(draft, path, value);
    default: /* ids and moments are not plain */
        return plan_error();
    }
}

/* Moments and ids: into paths of their kind alone. A body that is set to one stays. */
static struct plan plan_typed(const struct col_draft *draft, const struct col_path *path,
                              const struct col_value *value, enum col_value_type type)
{
    if (path->type == COL_PATH_BODY || path->type == COL_PATH_METRIC_TYPE)
        return plan_nothing();
    if (type != col_path_value_type(path))
        return plan_error();
    return type == COL_TYPE_TIME ? plan_number(draft, path, value->integer)
                                 : plan_field(path, bytes_field(path->field, value->text));
}

/* An attribute can be neither moment nor id: its value is empty then. */
static enum otel_err set_attribute(const struct col_draft *draft, const struct col_term *target,
                                   const struct col_value *value, enum col_value_type type)
{
    struct otl_view key = otl_view_str(target->text), bytes = {"", 0};
    struct col_attributes attributes;
    enum otel_err err = col_draft_open(draft, target->path, &attributes);

    if (err == OTEL_OK && type != COL_TYPE_PLAIN && col_attributes_find(&attributes, key) != NULL)
        return OTEL_OK;
    if (err == OTEL_OK && type == COL_TYPE_PLAIN)
        err = col_edit_value(draft->arena, value, &bytes);
    if (err == OTEL_OK)
        err = col_attributes_set(&attributes, key, bytes);
    return err == OTEL_OK ? col_draft_close(draft, target->path, &attributes) : err;
}

/* A part of a body that is a map; what it can not be is empty, as an attribute is. */
static enum otel_err set_part(const struct col_draft *draft, const char *name,
                              const struct col_value *value, enum col_value_type type)
{
    const struct otl_view map = inner(draft->log->body, BODY_MAP);
    struct otl_view key = otl_view_str(name), bytes = {"", 0};
    struct col_attributes parts;
    struct otl_buf body;
    enum otel_err err;

    if (!col_path_has_parts(draft->log))
        return OTEL_ERR_ARGUMENT;
    err = col_attributes_read(draft->arena, map, 1, &parts);
    if (err == OTEL_OK && type != COL_TYPE_PLAIN && col_attributes_find(&parts, key) != NULL)
        return OTEL_OK;
    if (err == OTEL_OK && type == COL_TYPE_PLAIN)
        err = col_edit_value(draft->arena, value, &bytes);
    if (err == OTEL_OK)
        err = col_attributes_set(&parts, key, bytes);
    if (err == OTEL_OK)
        err = col_attributes_put(&parts, map, 1, &bytes);
    otl_buf_init(&body, MESSAGE_MAX);
    if (err == OTEL_OK)
        err = col_put_field(&body, BODY_MAP, bytes);
    if (err == OTEL_OK) {
        const struct field field = bytes_field(BODY, otl_view(body.data, body.len));
        err = set_field(draft, COL_ON_LOG, 0, &field);
    }
    otl_buf_fini(&body);
    return err;
}

static enum otel_err set_schema(const struct col_draft *draft, const struct col_value *value)
{
    char *copy;

    if (value->kind != COL_VALUE_STRING)
        return OTEL_ERR_ARGUMENT;
    copy = otl_arena_strndup(draft->arena, value->text.data, value->text.len);
    if (copy == NULL)
        return OTEL_ERR_MEMORY;
    draft->scope->schema_url = otl_view(copy, value->text.len);
    return OTEL_OK;
}

enum otel_err col_draft_set(const struct col_draft *draft, const struct col_term *target,
                            const struct col_value *value, enum col_value_type type)
{
    const struct col_path *path = target->path;
    struct plan plan;

    if (path->type == COL_PATH_MAP)
        return set_attribute(draft, target, value, type);
    if (path->type == COL_PATH_BODY && target->text != NULL)
        return set_part(draft, target->text, value, type);
    if (path->type == COL_PATH_SCHEMA)
        return type == COL_TYPE_PLAIN ? set_schema(draft, value) : OTEL_ERR_ARGUMENT;
    plan = type == COL_TYPE_PLAIN ? plan_plain(draft, path, value)
                                  : plan_typed(draft, path, value, type);
    if (plan.nothing)
        return OTEL_OK;
    return plan.err == OTEL_OK ? set_field(draft, path->of, plan.within, &plan.field) : plan.err;
}

/* ---- attributes ---- */

static uint32_t field_of(const struct col_draft *draft, const struct col_path *map)
{
    return map->field != 0 ? map->field : col_point_attributes_field(draft->metric->kind);
}

enum otel_err col_draft_open(const struct col_draft *draft, const struct col_path *map,
                             struct col_attributes *ret)
{
    return col_attributes_read(draft->arena, raw_of(draft, map->of), field_of(draft, map), ret);
}

enum otel_err col_draft_close(const struct col_draft *draft, const struct col_path *map,
                              const struct col_attributes *attributes)
{
    struct otl_view raw;
    enum otel_err err =
        col_attributes_put(attributes, raw_of(draft, map->of), field_of(draft, map), &raw);

    if (err == OTEL_OK)
        take_raw(draft, map->of, raw);
    return err;
}
