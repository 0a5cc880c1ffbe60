/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/routing.h"

#include <string.h>

#include "collector-mock/exporters/identity.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/wire/logs.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { KEY_MAX = 1 << 30, ARENA_MAX = 64 << 20 };

/* Where the spans of a trace in one ScopeSpans go. */
struct col_routing_slot {
    uint64_t group; /* the number of the ScopeSpans, from 1; 0: free */
    uint8_t trace_id[16];
    size_t to;
};

/* In the order of enum col_routing_by; "" is the default of the signal. */
const char *const col_routing_words[] = {"traceID",  "service",    "resource", "metric",
                                         "streamID", "attributes", "",         NULL};
const struct otl_schema col_routing_attribute = {.type = OTL_SCHEMA_STRING, .min = 1};

#define BIT(by) (1u << (by))
static const struct {
    enum col_routing_by otherwise; /* the default */
    unsigned allowed;
} of_signal[COL_SIGNALS] = {
    [COL_TRACES] = {COL_BY_TRACE_ID,
                    BIT(COL_BY_TRACE_ID) | BIT(COL_BY_SERVICE) | BIT(COL_BY_ATTRIBUTES)},
    [COL_METRICS] = {COL_BY_SERVICE, BIT(COL_BY_SERVICE) | BIT(COL_BY_RESOURCE) |
                                         BIT(COL_BY_METRIC) | BIT(COL_BY_STREAM) |
                                         BIT(COL_BY_ATTRIBUTES)},
    [COL_LOGS] = {COL_BY_SERVICE, BIT(COL_BY_TRACE_ID) | BIT(COL_BY_SERVICE) |
                                      BIT(COL_BY_RESOURCE) | BIT(COL_BY_ATTRIBUTES)}};

/* ---- settings ---- */

static enum otel_err read_attributes(const struct col_create *args, struct col_routing *routing,
                                     struct otl_detail *reterr)
{
    const json_t *list = json_object_get(args->config, "routing_attributes");
    size_t count = json_array_size(list);

    if (routing->by == COL_BY_ATTRIBUTES && count == 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, args->config, "routing_key"),
                              "exporter '%s': routing_attributes must be specified when "
                              "routing_key is \"attributes\"",
                              args->id);
    if (routing->by != COL_BY_ATTRIBUTES && count > 0)
        return otl_yaml_error(
            reterr, otl_yaml_key_pos(args->doc, args->config, "routing_attributes"),
            "exporter '%s': routing_attributes can only be used when routing_key is "
            "\"attributes\"; got \"%s\"",
            args->id, otl_tree_text(args->config, "routing_key", ""));
    for (size_t i = 0; i < count && i < COL_ROUTING_ATTRIBUTES_MAX; i++)
        routing->attributes[routing->attribute_count++] =
            json_string_value(json_array_get(list, i));
    return OTEL_OK;
}

enum otel_err col_routing_read(const struct col_create *args, struct col_routing *routing,
                               struct otl_detail *reterr)
{
    const char *word = otl_tree_text(args->config, "routing_key", "");
    unsigned allowed = of_signal[args->signal].allowed;

    routing->signal = args->signal;
    routing->seed = otl_random_os_seed();
    otl_buf_init(&routing->key, KEY_MAX);
    otl_buf_init(&routing->scratch, KEY_MAX);
    routing->by = of_signal[args->signal].otherwise;
    for (unsigned i = 0; word[0] != '\0' && col_routing_words[i] != NULL; i++)
        if (strcmp(col_routing_words[i], word) == 0)
            routing->by = (enum col_routing_by)i;
    if ((allowed & BIT(routing->by)) == 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, args->config, "routing_key"),
                              "exporter '%s': unsupported routing_key: \"%s\" (not for %s)",
                              args->id, word, col_signal_name(args->signal));
    return read_attributes(args, routing, reterr);
}

void col_routing_fini(struct col_routing *routing)
{
    otl_buf_fini(&routing->key);
    otl_buf_fini(&routing->scratch);
    otl_mem_free(routing->slots);
    routing->slots = NULL;
}

void col_routing_turn(struct col_routing *routing)
{
    routing->seed = otl_random_mix(routing->seed, 1);
}

/* ---- keys ---- */

static enum otel_err put_view(struct otl_buf *key, struct otl_view text)
{
    return text.len > 0 ? otl_buf_append(key, text.data, text.len) : OTEL_OK;
}

static enum otel_err put_pair(struct otl_buf *key, const char *name, struct otl_view value)
{
    enum otel_err err = otl_buf_printf(key, "%s=", name);

    if (err == OTEL_OK)
        err = put_view(key, value);
    return err == OTEL_OK ? otl_buf_append_byte(key, '|') : err;
}

/* The value of this name in the list, as text; false: it is not there. */
static bool find(const struct col_list *list, const char *name, struct otl_arena *arena,
                 struct otl_view *ret)
{
    struct col_value value;

    if (!col_attribute_find(list, name, &value))
        return false;
    if (!col_edit_text(arena, &value, ret))
        *ret = otl_view("", 0);
    return true;
}

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};

    return kind >= 0 && kind <= 5 ? names[kind] : "";
}

static enum otel_err put_span(struct col_routing *routing, const struct col_span *span,
                              const char *name, struct otl_arena *arena)
{
    struct otl_view text = {"", 0};

    if (!find(&span->resource->attributes, name, arena, &text) &&
        !find(&span->scope->attributes, name, arena, &text)) {
        if (strcmp(name, "span.kind") == 0)
            text = otl_view_str(kind_name(span->kind));
        else if (strcmp(name, "span.name") == 0)
            text = span->name;
        else
            find(&span->attributes, name, arena, &text);
    }
    return put_pair(&routing->key, name, text);
}

/* The attributes of a record or a data point; log: what stands beside them, or NULL. */
static enum otel_err put_own(struct col_routing *routing, const struct col_list *attributes,
                             const struct col_log *log, const char *name)
{
    struct otl_view text = {"", 0};
    enum otel_err err;
    struct col_value body;
    struct otl_arena arena;

    otl_arena_init(&arena, ARENA_MAX);
    if (log != NULL && strcmp(name, "log.severity") == 0) {
        text = log->severity_text;
    } else if (log != NULL && strcmp(name, "log.body") == 0) {
        col_value_split(log->body, &body);
        if (!col_edit_text(&arena, &body, &text))
            text = otl_view("", 0);
    } else {
        find(attributes, name, &arena, &text);
    }
    err = put_pair(&routing->key, name, text);
    otl_arena_fini(&arena);
    return err;
}

/* Those that the list has; the names of the others stay in pending. */
static enum otel_err put_found(struct col_routing *routing, const struct col_list *list,
                               const char **pending, size_t *count)
{
    enum otel_err err = OTEL_OK;
    struct otl_arena arena;
    size_t left = 0;

    otl_arena_init(&arena, ARENA_MAX);
    for (size_t i = 0; i < *count && err == OTEL_OK; i++) {
        struct otl_view text;
        if (find(list, pending[i], &arena, &text))
            err = put_pair(&routing->key, pending[i], text);
        else
            pending[left++] = pending[i];
    }
    *count = left;
    otl_arena_fini(&arena);
    return err;
}

/* What resource and scope say of the attributes; the names of the others: pending. */
static enum otel_err begin_attributes(struct col_routing *routing, const struct col_item *item,
                                      const char **pending, size_t *count)
{
    enum otel_err err;

    otl_buf_reset(&routing->key);
    *count = routing->attribute_count;
    memcpy(pending, routing->attributes, *count * sizeof(pending[0]));
    err = put_found(routing, &item->resource->attributes, pending, count);
    return err == OTEL_OK ? put_found(routing, &item->scope->attributes, pending, count) : err;
}

static size_t ask(const struct col_routing *routing)
{
    return col_ring_endpoint(routing->ring, routing->key.len > 0 ? routing->key.data : "",
                             routing->key.len);
}

static enum otel_err ask_text(struct col_routing *routing, struct otl_view text, size_t *ret)
{
    *ret = col_ring_endpoint(routing->ring, text.len > 0 ? text.data : "", text.len);
    return OTEL_OK;
}

/* ---- by resource: one answer for the whole group ---- */

static enum otel_err ask_service(struct col_routing *routing, const struct col_resource *resource,
                                 size_t *ret)
{
    struct col_value name;

    if (!col_attribute_find(&resource->attributes, "service.name", &name)) {
        if (routing->signal == COL_METRICS) {
            *ret = COL_ROUTED_NOWHERE;
            return OTEL_OK;
        }
        name.kind = COL_VALUE_EMPTY;
    }
    return ask_text(routing, name.kind == COL_VALUE_STRING ? name.text : otl_view("", 0), ret);
}

static enum otel_err ask_group(struct col_routing *routing, const struct col_traces *items,
                               const struct col_item *item, size_t *ret)
{
    char text[COL_IDENTITY_TEXT];
    enum otel_err err;

    if (routing->group == items->resources) {
        *ret = routing->to;
        return OTEL_OK;
    }
    if (routing->by == COL_BY_SERVICE) {
        err = ask_service(routing, item->resource, ret);
    } else {
        err = col_identity_of_resource(&routing->scratch, item->resource, text);
        if (err == OTEL_OK)
            err = ask_text(routing, otl_view_str(text), ret);
    }
    if (err != OTEL_OK)
        return err;
    routing->group = items->resources;
    routing->to = *ret;
    return OTEL_OK;
}

/* ---- spans ---- */

static struct col_routing_slot *find_slot(const struct col_routing *routing,
                                          const struct col_span *span, uint64_t group)
{
    uint64_t hash = routing->seed ^ group;
    size_t at;

    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ span->trace_id[i]) * 1099511628211u;
    at = (size_t)(hash ^ hash >> 32) & (routing->slot_count - 1);
    while (routing->slots[at].group != 0 &&
           (routing->slots[at].group != group ||
            memcmp(routing->slots[at].trace_id, span->trace_id, 16) != 0))
        at = (at + 1) & (routing->slot_count - 1);
    return &routing->slots[at];
}

static enum otel_err ask_span(struct col_routing *routing, const struct col_traces *traces,
                              const struct col_span *span, size_t *ret)
{
    static const char *const service[] = {"service.name"};
    bool by_service = routing->by == COL_BY_SERVICE;
    const char *const *names = by_service ? service : routing->attributes;
    size_t count = by_service ? 1 : routing->attribute_count;
    struct col_routing_slot *slot = find_slot(routing, span, traces->scopes);
    enum otel_err err = OTEL_OK;
    struct otl_arena arena;

    if (slot->group == 0) {
        otl_arena_init(&arena, ARENA_MAX);
        otl_buf_reset(&routing->key);
        for (size_t i = 0; i < count && err == OTEL_OK; i++)
            err = put_span(routing, span, names[i], &arena);
        otl_arena_fini(&arena);
        if (err != OTEL_OK)
            return err;
        slot->to = ask(routing);
        slot->group = traces->scopes;
        memcpy(slot->trace_id, span->trace_id, 16);
    }
    *ret = slot->to;
    return OTEL_OK;
}

static enum otel_err walk_spans(struct col_routing *routing, struct col_traces *traces,
                                col_routed_fn *fn, void *context)
{
    enum otel_err err = OTEL_OK;
    struct col_span span;

    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        const struct col_item item = {span.raw, 1, span.resource, span.scope};
        struct col_routed routed = {traces, &item, 0, 1, 0};
        if (routing->by == COL_BY_TRACE_ID)
            routed.to = col_ring_endpoint(routing->ring, span.trace_id, sizeof(span.trace_id));
        else
            err = ask_span(routing, traces, &span, &routed.to);
        if (err == OTEL_OK)
            err = fn(context, &routed);
    }
    return err;
}

/* ---- records ---- */

static size_t ask_trace_id(struct col_routing *routing, const uint8_t id[16])
{
    static const uint8_t none[16] = {0};
    uint64_t drawn = otl_random_next(&routing->random);
    uint8_t own[16];
    char text[33];

    memcpy(own, id, 16);
    if (memcmp(id, none, 16) == 0)
        memcpy(own, &drawn, 4);
    otl_hex(own, sizeof(own), text);
    return col_ring_endpoint(routing->ring, text, 32);
}

static enum otel_err ask_record(struct col_routing *routing, const struct col_traces *items,
                                const struct col_item *item, size_t *ret)
{
    const char *pending[COL_ROUTING_ATTRIBUTES_MAX];
    enum otel_err err = OTEL_OK;
    struct col_log log;
    size_t count;

    if (routing->by == COL_BY_SERVICE || routing->by == COL_BY_RESOURCE)
        return ask_group(routing, items, item, ret);
    col_log_split(item->raw, &log);
    if (routing->by == COL_BY_TRACE_ID) {
        *ret = ask_trace_id(routing, log.trace_id);
        return OTEL_OK;
    }
    err = begin_attributes(routing, item, pending, &count);
    for (size_t i = 0; i < count && err == OTEL_OK; i++)
        err = put_own(routing, &log.attributes, &log, pending[i]);
    *ret = ask(routing);
    return err;
}

static enum otel_err walk_records(struct col_routing *routing, struct col_traces *items,
                                  col_routed_fn *fn, void *context)
{
    enum otel_err err = OTEL_OK;
    struct col_item item;

    while (err == OTEL_OK && col_items_next(items, &item)) {
        struct col_routed routed = {items, &item, 0, 1, 0};
        err = ask_record(routing, items, &item, &routed.to);
        if (err == OTEL_OK)
            err = fn(context, &routed);
    }
    return err;
}

/* ---- metrics ---- */

/* What is not said by resource and scope. */
struct own {
    const char *pending[COL_ROUTING_ATTRIBUTES_MAX];
    size_t count;
    size_t base; /* of the key: what they have said */
};

static enum otel_err ask_point(struct col_routing *routing, const struct col_metric *metric,
                               const struct col_point *point, const struct own *own, size_t *ret)
{
    char text[COL_IDENTITY_TEXT];
    enum otel_err err = OTEL_OK;

    if (routing->by == COL_BY_STREAM) {
        err = col_identity_of_stream(&routing->scratch, metric, point, text);
        return err == OTEL_OK ? ask_text(routing, otl_view_str(text), ret) : err;
    }
    routing->key.len = own->base;
    for (size_t i = 0; i < own->count && err == OTEL_OK; i++)
        err = put_own(routing, &point->attributes, NULL, own->pending[i]);
    *ret = ask(routing);
    return err;
}

/* Each point for itself; neighbours that go the same way are told together. */
static enum otel_err walk_points(struct col_routing *routing, struct col_routed *routed,
                                 const struct own *own, col_routed_fn *fn, void *context)
{
    enum otel_err err = OTEL_OK;
    struct col_metric metric;
    struct col_point point;
    struct col_list points;
    size_t to = 0;

    col_metric_split(routed->item->raw, &metric);
    metric.resource = routed->item->resource;
    metric.scope = routed->item->scope;
    points = metric.points;
    routed->count = 0;
    while (err == OTEL_OK && col_point_next(metric.kind, &points, &point)) {
        err = ask_point(routing, &metric, &point, own, &to);
        if (err == OTEL_OK && routed->count > 0 && to != routed->to) {
            err = fn(context, routed);
            routed->first += routed->count;
            routed->count = 0;
        }
        routed->to = to;
        routed->count++;
    }
    return err == OTEL_OK && routed->count > 0 ? fn(context, routed) : err;
}

static enum otel_err walk_metrics(struct col_routing *routing, struct col_traces *items,
                                  col_routed_fn *fn, void *context)
{
    enum otel_err err = OTEL_OK;
    struct col_metric metric;
    struct col_item item;
    struct own own = {.count = 0};

    while (err == OTEL_OK && col_items_next(items, &item)) {
        struct col_routed routed = {items, &item, 0, item.count, 0};
        bool by_points = routing->by == COL_BY_STREAM;
        if (routing->by == COL_BY_ATTRIBUTES) {
            err = begin_attributes(routing, &item, own.pending, &own.count);
            own.base = routing->key.len;
            by_points = own.count > 0;
            routed.to = ask(routing);
        } else if (routing->by == COL_BY_METRIC) {
            col_metric_split(item.raw, &metric);
            err = ask_text(routing, metric.name, &routed.to);
        } else if (!by_points) {
            err = ask_group(routing, items, &item, &routed.to);
        }
        if (err == OTEL_OK)
            err = by_points ? walk_points(routing, &routed, &own, fn, context)
                            : fn(context, &routed);
    }
    return err;
}

/* ---- all ---- */

/* For at most so many traces; false: no memory. */
static bool make_slots(struct col_routing *routing, uint64_t items)
{
    if (routing->signal != COL_TRACES || routing->by == COL_BY_TRACE_ID)
        return true;
    routing->slot_count = 16;
    while (routing->slot_count < 2 * items)
        routing->slot_count *= 2;
    routing->slots = otl_mem_zalloc(routing->slot_count * sizeof(*routing->slots));
    return routing->slots != NULL;
}

enum otel_err col_routing_walk(struct col_routing *routing, const struct col_ring *ring,
                               const struct col_batch *batch, col_routed_fn *fn, void *context)
{
    struct col_traces items;
    enum otel_err err;

    if (!make_slots(routing, batch->items))
        return OTEL_ERR_MEMORY;
    routing->ring = ring;
    routing->group = 0;
    otl_random_seed(&routing->random, routing->seed);
    col_items_init(&items, batch->signal, batch->request);
    if (batch->signal == COL_TRACES)
        err = walk_spans(routing, &items, fn, context);
    else if (batch->signal == COL_LOGS)
        err = walk_records(routing, &items, fn, context);
    else
        err = walk_metrics(routing, &items, fn, context);
    otl_mem_free(routing->slots);
    routing->slots = NULL;
    return err;
}
