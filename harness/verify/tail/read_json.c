/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/read_json.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sdk/base/text.h"

struct source {
    const json_t *span, *resource, *scope;
};

static struct otl_view text_of(const json_t *map, const char *key)
{
    const json_t *value = json_object_get(map, key);

    return json_is_string(value) ? otl_view(json_string_value(value), json_string_length(value))
                                 : otl_view("", 0);
}

/* 64-bit numbers stand as texts, also where the writer left the quotes out. */
static uint64_t number_of(const json_t *value)
{
    if (json_is_integer(value))
        return (uint64_t)json_integer_value(value);
    return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10) : 0;
}

static int32_t word_of(const json_t *value, const char *const *words, int32_t count)
{
    if (!json_is_string(value))
        return (int32_t)number_of(value);
    for (int32_t i = 0; i < count; i++)
        if (strcmp(words[i], json_string_value(value)) == 0)
            return i;
    return 0;
}

static struct hx_tail_value value_of(const json_t *value)
{
    struct hx_tail_value ret = {.kind = HX_TAIL_OTHER};
    const json_t *part = json_object_get(value, "bytesValue");

    if (json_object_size(value) == 0 || (json_is_string(part) && json_string_length(part) == 0))
        ret.kind = HX_TAIL_EMPTY;
    else if ((part = json_object_get(value, "stringValue")) != NULL) {
        ret.kind = HX_TAIL_TEXT;
        ret.text = otl_view(json_string_value(part), json_string_length(part));
    } else if ((part = json_object_get(value, "intValue")) != NULL) {
        ret.kind = HX_TAIL_INT;
        ret.integer = json_is_string(part) ? strtoll(json_string_value(part), NULL, 10)
                                           : (int64_t)json_integer_value(part);
    } else if ((part = json_object_get(value, "boolValue")) != NULL) {
        ret.kind = HX_TAIL_BOOL;
        ret.integer = json_is_true(part);
    } else if ((part = json_object_get(value, "doubleValue")) != NULL) {
        ret.kind = HX_TAIL_REAL;
        ret.real = json_is_string(part) ? strtod(json_string_value(part), NULL)
                                        : json_number_value(part);
    }
    return ret;
}

static struct hx_tail_value find(const json_t *attributes, const char *key)
{
    const json_t *item;
    size_t i;

    json_array_foreach(attributes, i, item)
        if (otl_view_is(text_of(item, "key"), key))
            return value_of(json_object_get(item, "value"));
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

static const json_t *attributes_of(const struct source *source, enum hx_tail_where where,
                                   unsigned event)
{
    const json_t *holder = where == HX_TAIL_RESOURCE ? source->resource
                           : where == HX_TAIL_SCOPE  ? source->scope
                                                     : source->span;

    if (where == HX_TAIL_EVENT)
        holder = json_array_get(json_object_get(source->span, "events"), event);
    return json_object_get(holder, "attributes");
}

static struct hx_tail_value json_attribute(const struct hx_tail_span *span,
                                           enum hx_tail_where where, unsigned event,
                                           const char *key)
{
    return find(attributes_of(span->source, where, event), key);
}

static bool json_attribute_at(const struct hx_tail_span *span, enum hx_tail_where where,
                              unsigned event, size_t n, struct hx_tail_attribute *ret)
{
    const json_t *item = json_array_get(attributes_of(span->source, where, event), n);

    if (item == NULL)
        return false;
    ret->key = text_of(item, "key");
    ret->value = value_of(json_object_get(item, "value"));
    return true;
}

static bool json_event_at(const struct hx_tail_span *span, unsigned event,
                          struct hx_tail_event *ret)
{
    const struct source *source = span->source;
    const json_t *found = json_array_get(json_object_get(source->span, "events"), event);

    if (found == NULL)
        return false;
    *ret = (struct hx_tail_event){
        text_of(found, "name"), number_of(json_object_get(found, "timeUnixNano")),
        (uint32_t)number_of(json_object_get(found, "droppedAttributesCount"))};
    return true;
}

static bool id_of(const json_t *span, const char *key, size_t len, uint8_t *out)
{
    struct otl_view text = text_of(span, key);

    if (text.len == 0)
        return true;
    return text.len == 2 * len && otl_unhex(text.data, len, out);
}

/* ---- how long the protobuf of it would be, near enough ---- */

static uint64_t field_size(uint64_t len)
{
    uint64_t head = 2;

    for (uint64_t rest = len; rest > 127; rest >>= 7)
        head++;
    return head + len;
}

static uint64_t attributes_size(const json_t *attributes);

static uint64_t value_size(const json_t *value)
{
    const json_t *part, *item;
    uint64_t size = 0;
    size_t i;

    if ((part = json_object_get(value, "stringValue")) != NULL)
        return field_size(json_string_length(part));
    if ((part = json_object_get(value, "bytesValue")) != NULL)
        return field_size(json_string_length(part) / 4 * 3);
    if ((part = json_object_get(value, "intValue")) != NULL)
        return field_size(number_of(part)) - number_of(part); /* its digits are like a length's */
    if ((part = json_object_get(value, "kvlistValue")) != NULL)
        return field_size(attributes_size(json_object_get(part, "values")));
    if ((part = json_object_get(value, "arrayValue")) == NULL)
        return json_object_get(value, "doubleValue") != NULL ? 9 : 2;
    json_array_foreach(json_object_get(part, "values"), i, item)
        size += field_size(value_size(item));
    return field_size(size);
}

static uint64_t attributes_size(const json_t *attributes)
{
    const json_t *item;
    uint64_t size = 0;
    size_t i;

    json_array_foreach(attributes, i, item)
        size += field_size(field_size(text_of(item, "key").len) +
                           field_size(value_size(json_object_get(item, "value"))));
    return size;
}

static uint64_t text_size(struct otl_view text)
{
    return text.len > 0 ? field_size(text.len) : 0;
}

static uint64_t parts_size(const json_t *list, uint64_t each)
{
    const json_t *part;
    uint64_t size = 0;
    size_t i;

    json_array_foreach(list, i, part)
        size += field_size(each + text_size(text_of(part, "name")) +
                           text_size(text_of(part, "traceState")) +
                           attributes_size(json_object_get(part, "attributes")));
    return size;
}

static uint64_t span_size(const struct hx_tail_span *span, const json_t *tree)
{
    enum { IDS_AND_TIMES = 18 + 10 + 9 + 9, TIME = 9, LINK_IDS = 18 + 10 };
    uint64_t parent = text_of(tree, "parentSpanId").len > 0 ? 10 : 2;

    return IDS_AND_TIMES + parent + (span->flags != 0 ? 5 : 0) + (span->kind != 0 ? 2 : 0) +
           text_size(span->name) + text_size(span->trace_state) +
           field_size(text_size(span->status_message) + (span->status != 0 ? 2 : 0)) +
           attributes_size(json_object_get(tree, "attributes")) +
           parts_size(json_object_get(tree, "events"), TIME) +
           parts_size(json_object_get(tree, "links"), LINK_IDS);
}

static bool fill(struct hx_tail_span *out, const struct source *source)
{
    static const char *const codes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                        "STATUS_CODE_ERROR"};
    static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                        "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                        "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
    const json_t *span = source->span, *status = json_object_get(span, "status");

    memset(out, 0, sizeof(*out));
    out->start_ns = number_of(json_object_get(span, "startTimeUnixNano"));
    out->end_ns = number_of(json_object_get(span, "endTimeUnixNano"));
    out->name = text_of(span, "name");
    out->trace_state = text_of(span, "traceState");
    out->status_message = text_of(status, "message");
    out->status = word_of(json_object_get(status, "code"), codes, 3);
    out->kind = word_of(json_object_get(span, "kind"), kinds, 6);
    out->flags = (uint32_t)number_of(json_object_get(span, "flags"));
    out->scope_name = text_of(source->scope, "name");
    out->scope_version = text_of(source->scope, "version");
    out->dropped_attributes =
        (uint32_t)number_of(json_object_get(span, "droppedAttributesCount"));
    out->dropped_events = (uint32_t)number_of(json_object_get(span, "droppedEventsCount"));
    out->dropped_links = (uint32_t)number_of(json_object_get(span, "droppedLinksCount"));
    out->attribute = json_attribute;
    out->attribute_at = json_attribute_at;
    out->event_at = json_event_at;
    out->size = span_size(out, span);
    out->resource_size = attributes_size(json_object_get(source->resource, "attributes"));
    out->scope_size = text_size(text_of(source->scope, "name")) +
                      text_size(text_of(source->scope, "version")) +
                      attributes_size(json_object_get(source->scope, "attributes"));
    out->source = source;
    return id_of(span, "traceId", 16, out->trace_id) && id_of(span, "spanId", 8, out->span_id) &&
           id_of(span, "parentSpanId", 8, out->parent_span_id);
}

static enum otel_err read_tree(const json_t *tree, const struct hx_tail_sink *sink,
                               uint64_t *fragment, uint64_t *spans)
{
    const json_t *resource_spans, *scope_spans;
    struct hx_tail_span out;
    struct source source;
    size_t r, s, i;

    json_array_foreach(json_object_get(tree, "resourceSpans"), r, resource_spans) {
        source.resource = json_object_get(resource_spans, "resource");
        ++*fragment;
        json_array_foreach(json_object_get(resource_spans, "scopeSpans"), s, scope_spans) {
            source.scope = json_object_get(scope_spans, "scope");
            json_array_foreach(json_object_get(scope_spans, "spans"), i, source.span) {
                enum otel_err err;
                if (!fill(&out, &source))
                    return OTEL_ERR_SYNTAX;
                out.fragment = *fragment;
                out.scope = s + 1;
                err = sink->span(sink->context, &out);
                if (err != OTEL_OK)
                    return err;
                ++*spans;
            }
        }
    }
    return OTEL_OK;
}

enum otel_err hx_tail_read_json(struct otl_view text, const struct hx_tail_sink *sink,
                                uint64_t *fragment, uint64_t *spans)
{
    json_t *tree = json_loadb(text.data, text.len, 0, NULL);
    enum otel_err err;

    if (tree == NULL || !json_is_object(tree)) {
        json_decref(tree);
        return text.len == 0 ? OTEL_OK : OTEL_ERR_SYNTAX;
    }
    err = read_tree(tree, sink, fragment, spans);
    json_decref(tree);
    return err;
}
