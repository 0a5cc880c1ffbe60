/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/tests/compare.h"

#define DIFFERS_IF(condition, name)                                                                \
    do {                                                                                           \
        if (condition)                                                                             \
            return (name);                                                                         \
    } while (0)

static bool same(struct otl_view mine, ProtobufCBinaryData theirs)
{
    return mine.len == theirs.len &&
           (mine.len == 0 || memcmp(mine.data, theirs.data, mine.len) == 0);
}

static bool same_id(const uint8_t *mine, size_t size, ProtobufCBinaryData theirs)
{
    static const uint8_t zero[16];

    return memcmp(mine, theirs.len == size ? theirs.data : zero, size) == 0;
}

static const char *compare_value(const struct col_value *mine, const Otlp__AnyValue *theirs);

static const char *compare_attributes(struct col_list mine, Otlp__KeyValue **theirs, size_t count)
{
    struct col_attribute attribute;
    const char *difference;
    size_t at = 0;

    DIFFERS_IF(mine.count != count, "attribute count");
    while (col_attribute_next(&mine, &attribute)) {
        DIFFERS_IF(!same(attribute.key, theirs[at]->key), "attribute.key");
        difference = compare_value(&attribute.value, theirs[at]->value);
        if (difference != NULL)
            return difference;
        at++;
    }
    DIFFERS_IF(at != count, "attributes seen");
    return NULL;
}

static const char *compare_array(struct col_list mine, const Otlp__ArrayValue *theirs)
{
    const char *difference;
    struct col_value value;
    size_t at = 0;

    DIFFERS_IF(mine.count != theirs->n_values, "array count");
    while (col_value_next(&mine, &value)) {
        difference = compare_value(&value, theirs->values[at++]);
        if (difference != NULL)
            return difference;
    }
    DIFFERS_IF(at != theirs->n_values, "array values seen");
    return NULL;
}

static const char *compare_value(const struct col_value *mine, const Otlp__AnyValue *theirs)
{
    if (theirs == NULL) {
        DIFFERS_IF(mine->kind != COL_VALUE_EMPTY, "value of nothing");
        return NULL;
    }
    switch (theirs->value_case) {
    case OTLP__ANY_VALUE__VALUE__NOT_SET:
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE_STRINDEX:
        DIFFERS_IF(mine->kind != COL_VALUE_EMPTY, "empty value");
        return NULL;
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_STRING, "string value kind");
        DIFFERS_IF(!same(mine->text, theirs->string_value), "string value");
        return NULL;
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_BOOL, "bool value kind");
        DIFFERS_IF(mine->boolean != (theirs->bool_value != 0), "bool value");
        return NULL;
    case OTLP__ANY_VALUE__VALUE_INT_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_INT, "int value kind");
        DIFFERS_IF(mine->integer != theirs->int_value, "int value");
        return NULL;
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_DOUBLE, "double value kind");
        DIFFERS_IF(memcmp(&mine->real, &theirs->double_value, 8) != 0, "double value");
        return NULL;
    case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_ARRAY, "array value kind");
        return compare_array(mine->list, theirs->array_value);
    case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_KVLIST, "kvlist value kind");
        return compare_attributes(mine->list, theirs->kvlist_value->values,
                                  theirs->kvlist_value->n_values);
    case OTLP__ANY_VALUE__VALUE_BYTES_VALUE:
        DIFFERS_IF(mine->kind != COL_VALUE_BYTES, "bytes value kind");
        DIFFERS_IF(!same(mine->text, theirs->bytes_value), "bytes value");
        return NULL;
    default:
        return "unknown value case";
    }
}

static const char *compare_events(struct col_list mine, const Otlp__Span *theirs)
{
    const char *difference;
    struct col_event event;
    size_t at = 0;

    DIFFERS_IF(mine.count != theirs->n_events, "event count");
    while (col_event_next(&mine, &event)) {
        const Otlp__Event *other = theirs->events[at++];
        DIFFERS_IF(event.time_unix_nano != other->time_unix_nano, "event.time_unix_nano");
        DIFFERS_IF(!same(event.name, other->name), "event.name");
        DIFFERS_IF(event.dropped_attributes_count != other->dropped_attributes_count,
                   "event.dropped_attributes_count");
        difference = compare_attributes(event.attributes, other->attributes, other->n_attributes);
        if (difference != NULL)
            return difference;
    }
    DIFFERS_IF(at != theirs->n_events, "events seen");
    return NULL;
}

static const char *compare_links(struct col_list mine, const Otlp__Span *theirs)
{
    const char *difference;
    struct col_link link;
    size_t at = 0;

    DIFFERS_IF(mine.count != theirs->n_links, "link count");
    while (col_link_next(&mine, &link)) {
        const Otlp__Link *other = theirs->links[at++];
        DIFFERS_IF(!same_id(link.trace_id, 16, other->trace_id), "link.trace_id");
        DIFFERS_IF(!same_id(link.span_id, 8, other->span_id), "link.span_id");
        DIFFERS_IF(!same(link.trace_state, other->trace_state), "link.trace_state");
        DIFFERS_IF(link.dropped_attributes_count != other->dropped_attributes_count,
                   "link.dropped_attributes_count");
        DIFFERS_IF(link.flags != other->flags, "link.flags");
        difference = compare_attributes(link.attributes, other->attributes, other->n_attributes);
        if (difference != NULL)
            return difference;
    }
    DIFFERS_IF(at != theirs->n_links, "links seen");
    return NULL;
}

static const char *compare_span(const struct col_span *mine, const Otlp__Span *theirs)
{
    static const Otlp__Status none = OTLP__STATUS__INIT;
    const Otlp__Status *status = theirs->status ? theirs->status : &none;
    const char *difference;

    DIFFERS_IF(!same_id(mine->trace_id, 16, theirs->trace_id), "span.trace_id");
    DIFFERS_IF(!same_id(mine->span_id, 8, theirs->span_id), "span.span_id");
    DIFFERS_IF(!same_id(mine->parent_span_id, 8, theirs->parent_span_id), "span.parent_span_id");
    DIFFERS_IF(!same(mine->trace_state, theirs->trace_state), "span.trace_state");
    DIFFERS_IF(!same(mine->name, theirs->name), "span.name");
    DIFFERS_IF(mine->kind != theirs->kind, "span.kind");
    DIFFERS_IF(mine->start_time_unix_nano != theirs->start_time_unix_nano, "span.start");
    DIFFERS_IF(mine->end_time_unix_nano != theirs->end_time_unix_nano, "span.end");
    DIFFERS_IF(mine->dropped_attributes_count != theirs->dropped_attributes_count,
               "span.dropped_attributes_count");
    DIFFERS_IF(mine->dropped_events_count != theirs->dropped_events_count,
               "span.dropped_events_count");
    DIFFERS_IF(mine->dropped_links_count != theirs->dropped_links_count,
               "span.dropped_links_count");
    DIFFERS_IF(mine->flags != theirs->flags, "span.flags");
    DIFFERS_IF(mine->status_code != status->code, "status.code");
    DIFFERS_IF(!same(mine->status_message, status->message), "status.message");
    difference = compare_attributes(mine->attributes, theirs->attributes, theirs->n_attributes);
    if (difference == NULL)
        difference = compare_events(mine->events, theirs);
    if (difference == NULL)
        difference = compare_links(mine->links, theirs);
    return difference;
}

static const char *compare_texts(struct col_list mine, const ProtobufCBinaryData *theirs,
                                 size_t count)
{
    struct otl_view text;
    size_t at = 0;

    DIFFERS_IF(mine.count != count, "text count");
    while (col_text_next(&mine, &text))
        DIFFERS_IF(!same(text, theirs[at++]), "text");
    DIFFERS_IF(at != count, "texts seen");
    return NULL;
}

static const char *compare_resource(const struct col_resource *mine, const Otlp__Resource *theirs)
{
    struct col_list refs = mine->entity_refs;
    struct col_entity_ref ref;
    const char *difference = NULL;
    size_t at = 0;

    DIFFERS_IF(mine->present != (theirs != NULL), "resource presence");
    if (theirs == NULL)
        return NULL;
    DIFFERS_IF(mine->dropped_attributes_count != theirs->dropped_attributes_count,
               "resource.dropped_attributes_count");
    DIFFERS_IF(refs.count != theirs->n_entity_refs, "entity_ref count");
    while (difference == NULL && col_entity_ref_next(&refs, &ref)) {
        const Otlp__EntityRef *other = theirs->entity_refs[at++];
        DIFFERS_IF(!same(ref.schema_url, other->schema_url), "entity_ref.schema_url");
        DIFFERS_IF(!same(ref.type, other->type), "entity_ref.type");
        difference = compare_texts(ref.id_keys, other->id_keys, other->n_id_keys);
        if (difference == NULL)
            difference = compare_texts(ref.description_keys, other->description_keys,
                                       other->n_description_keys);
    }
    if (difference != NULL)
        return difference;
    return compare_attributes(mine->attributes, theirs->attributes, theirs->n_attributes);
}

static const char *compare_scope(const struct col_scope *mine,
                                 const Otlp__InstrumentationScope *theirs)
{
    DIFFERS_IF(mine->present != (theirs != NULL), "scope presence");
    if (theirs == NULL)
        return NULL;
    DIFFERS_IF(!same(mine->name, theirs->name), "scope.name");
    DIFFERS_IF(!same(mine->version, theirs->version), "scope.version");
    DIFFERS_IF(mine->dropped_attributes_count != theirs->dropped_attributes_count,
               "scope.dropped_attributes_count");
    return compare_attributes(mine->attributes, theirs->attributes, theirs->n_attributes);
}

static const char *compare_scope_spans(struct col_traces *traces, const Otlp__ScopeSpans *theirs)
{
    const char *difference = compare_scope(&traces->scope, theirs->scope);
    struct col_span span;
    size_t at = 0;

    DIFFERS_IF(!same(traces->scope.schema_url, theirs->schema_url), "scope_spans.schema_url");
    while (difference == NULL && col_traces_next_span(traces, &span)) {
        DIFFERS_IF(at == theirs->n_spans, "more spans");
        difference = compare_span(&span, theirs->spans[at++]);
    }
    if (difference == NULL && at != theirs->n_spans)
        difference = "spans seen";
    return difference;
}

const char *compare_request(struct otl_view request,
                            const Otlp__ExportTraceServiceRequest *witness)
{
    const char *difference = NULL;
    struct col_traces traces;
    size_t r = 0;

    col_traces_init(&traces, request);
    while (difference == NULL && col_traces_next_resource(&traces)) {
        const Otlp__ResourceSpans *theirs;
        size_t s = 0;
        DIFFERS_IF(r == witness->n_resource_spans, "more resource_spans");
        theirs = witness->resource_spans[r++];
        DIFFERS_IF(!same(traces.resource.schema_url, theirs->schema_url),
                   "resource_spans.schema_url");
        difference = compare_resource(&traces.resource, theirs->resource);
        while (difference == NULL && col_traces_next_scope(&traces)) {
            DIFFERS_IF(s == theirs->n_scope_spans, "more scope_spans");
            difference = compare_scope_spans(&traces, theirs->scope_spans[s++]);
        }
        if (difference == NULL && s != theirs->n_scope_spans)
            difference = "scope_spans seen";
    }
    if (difference == NULL && r != witness->n_resource_spans)
        difference = "resource_spans seen";
    return difference;
}
