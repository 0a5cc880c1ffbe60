/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/otlp_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/wire/traces.h"
#include "sdk/base/text.h"

/* The first error sticks; everything behind it does nothing. */
struct json {
    struct otl_buf *out;
    enum otel_err err;
    bool comma; /* the next member or item needs one before it */
};

static void put(struct json *j, const char *data, size_t len)
{
    if (j->err == OTEL_OK)
        j->err = otl_buf_append(j->out, data, len);
}

static void put_str(struct json *j, const char *text)
{
    put(j, text, strlen(text));
}

static void put_text(struct json *j, struct otl_view text)
{
    size_t start = 0;

    put(j, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escape[8];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(j, text.data + start, i - start);
        start = i + 1;
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof(escape), "\\%c", c);
        else
            snprintf(escape, sizeof(escape), "\\u%04x", c);
        put_str(j, escape);
    }
    if (text.len > start)
        put(j, text.data + start, text.len - start);
    put(j, "\"", 1);
}

static void put_base64(struct json *j, struct otl_view bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = (const uint8_t *)bytes.data;

    put(j, "\"", 1);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t word = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? in[i + 2] : 0);
        char quad[4] = {digits[word >> 18], digits[(word >> 12) & 63],
                        left > 1 ? digits[(word >> 6) & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        put(j, quad, 4);
    }
    put(j, "\"", 1);
}

static void key(struct json *j, const char *name)
{
    if (j->comma)
        put(j, ",", 1);
    j->comma = true;
    put(j, "\"", 1);
    put_str(j, name);
    put(j, "\":", 2);
}

static void open_with(struct json *j, const char *bracket)
{
    put(j, bracket, 1);
    j->comma = false;
}

static void close_with(struct json *j, const char *bracket)
{
    put(j, bracket, 1);
    j->comma = true;
}

static void item(struct json *j)
{
    if (j->comma)
        put(j, ",", 1);
    j->comma = true;
}

static void member_text(struct json *j, const char *name, struct otl_view text)
{
    if (text.len == 0)
        return;
    key(j, name);
    put_text(j, text);
}

static void member_id(struct json *j, const char *name, const uint8_t *id, size_t size)
{
    static const uint8_t zero[16];
    char hex[33];

    if (memcmp(id, zero, size) == 0)
        return;
    key(j, name);
    otl_hex(id, size, hex);
    put_text(j, otl_view(hex, size * 2));
}

static void member_number(struct json *j, const char *name, int64_t value)
{
    char text[32];

    if (value == 0)
        return;
    key(j, name);
    snprintf(text, sizeof(text), "%lld", (long long)value);
    put_str(j, text);
}

static void member_time(struct json *j, const char *name, uint64_t value)
{
    char text[32];

    if (value == 0)
        return;
    key(j, name);
    snprintf(text, sizeof(text), "\"%llu\"", (unsigned long long)value);
    put_str(j, text);
}

static void put_double(struct json *j, double value)
{
    char text[40];

    if (isnan(value) || isinf(value)) {
        put_str(j, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back the same */
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put_str(j, text);
    if (strpbrk(text, ".e") == NULL)
        put(j, ".0", 2);
}

static void put_value(struct json *j, const struct col_value *value);

static void member_attributes(struct json *j, const char *name, struct col_list list)
{
    struct col_attribute attribute;

    if (list.count == 0)
        return;
    key(j, name);
    open_with(j, "[");
    while (col_attribute_next(&list, &attribute)) {
        item(j);
        open_with(j, "{");
        member_text(j, "key", attribute.key);
        key(j, "value");
        put_value(j, &attribute.value);
        close_with(j, "}");
    }
    close_with(j, "]");
}

static void put_array(struct json *j, struct col_list list)
{
    struct col_value value;

    open_with(j, "{");
    if (list.count > 0) {
        key(j, "values");
        open_with(j, "[");
        while (col_value_next(&list, &value)) {
            item(j);
            put_value(j, &value);
        }
        close_with(j, "]");
    }
    close_with(j, "}");
}

static void put_integer(struct json *j, int64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "\"%lld\"", (long long)value);
    put_str(j, text);
}

static void put_value(struct json *j, const struct col_value *value)
{
    open_with(j, "{");
    switch (value->kind) {
    case COL_VALUE_EMPTY:
        break;
    case COL_VALUE_STRING:
        key(j, "stringValue");
        put_text(j, value->text);
        break;
    case COL_VALUE_BOOL:
        key(j, "boolValue");
        put_str(j, value->boolean ? "true" : "false");
        break;
    case COL_VALUE_INT:
        key(j, "intValue");
        put_integer(j, value->integer);
        break;
    case COL_VALUE_DOUBLE:
        key(j, "doubleValue");
        put_double(j, value->real);
        break;
    case COL_VALUE_ARRAY:
        key(j, "arrayValue");
        put_array(j, value->list);
        break;
    case COL_VALUE_KVLIST:
        key(j, "kvlistValue");
        open_with(j, "{");
        member_attributes(j, "values", value->list);
        close_with(j, "}");
        break;
    case COL_VALUE_BYTES:
        key(j, "bytesValue");
        put_base64(j, value->text);
        break;
    }
    close_with(j, "}");
}

static void put_events(struct json *j, struct col_list list)
{
    struct col_event event;

    if (list.count == 0)
        return;
    key(j, "events");
    open_with(j, "[");
    while (col_event_next(&list, &event)) {
        item(j);
        open_with(j, "{");
        member_time(j, "timeUnixNano", event.time_unix_nano);
        member_text(j, "name", event.name);
        member_attributes(j, "attributes", event.attributes);
        member_number(j, "droppedAttributesCount", event.dropped_attributes_count);
        close_with(j, "}");
    }
    close_with(j, "]");
}

static void put_links(struct json *j, struct col_list list)
{
    struct col_link link;

    if (list.count == 0)
        return;
    key(j, "links");
    open_with(j, "[");
    while (col_link_next(&list, &link)) {
        item(j);
        open_with(j, "{");
        member_id(j, "traceId", link.trace_id, 16);
        member_id(j, "spanId", link.span_id, 8);
        member_text(j, "traceState", link.trace_state);
        member_attributes(j, "attributes", link.attributes);
        member_number(j, "droppedAttributesCount", link.dropped_attributes_count);
        member_number(j, "flags", link.flags);
        close_with(j, "}");
    }
    close_with(j, "]");
}

static void put_span(struct json *j, const struct col_span *span)
{
    open_with(j, "{");
    member_id(j, "traceId", span->trace_id, 16);
    member_id(j, "spanId", span->span_id, 8);
    member_text(j, "traceState", span->trace_state);
    member_id(j, "parentSpanId", span->parent_span_id, 8);
    member_number(j, "flags", span->flags);
    member_text(j, "name", span->name);
    member_number(j, "kind", span->kind);
    member_time(j, "startTimeUnixNano", span->start_time_unix_nano);
    member_time(j, "endTimeUnixNano", span->end_time_unix_nano);
    member_attributes(j, "attributes", span->attributes);
    member_number(j, "droppedAttributesCount", span->dropped_attributes_count);
    put_events(j, span->events);
    member_number(j, "droppedEventsCount", span->dropped_events_count);
    put_links(j, span->links);
    member_number(j, "droppedLinksCount", span->dropped_links_count);
    if (span->has_status) {
        key(j, "status");
        open_with(j, "{");
        member_text(j, "message", span->status_message);
        member_number(j, "code", span->status_code);
        close_with(j, "}");
    }
    close_with(j, "}");
}

static void put_texts(struct json *j, const char *name, struct col_list list)
{
    struct otl_view text;

    if (list.count == 0)
        return;
    key(j, name);
    open_with(j, "[");
    while (col_text_next(&list, &text)) {
        item(j);
        put_text(j, text);
    }
    close_with(j, "]");
}

static void put_resource(struct json *j, const struct col_resource *resource)
{
    struct col_list refs = resource->entity_refs;
    struct col_entity_ref ref;

    if (!resource->present)
        return;
    key(j, "resource");
    open_with(j, "{");
    member_attributes(j, "attributes", resource->attributes);
    member_number(j, "droppedAttributesCount", resource->dropped_attributes_count);
    if (refs.count > 0) {
        key(j, "entityRefs");
        open_with(j, "[");
        while (col_entity_ref_next(&refs, &ref)) {
            item(j);
            open_with(j, "{");
            member_text(j, "schemaUrl", ref.schema_url);
            member_text(j, "type", ref.type);
            put_texts(j, "idKeys", ref.id_keys);
            put_texts(j, "descriptionKeys", ref.description_keys);
            close_with(j, "}");
        }
        close_with(j, "]");
    }
    close_with(j, "}");
}

static void put_scope(struct json *j, const struct col_scope *scope)
{
    if (!scope->present)
        return;
    key(j, "scope");
    open_with(j, "{");
    member_text(j, "name", scope->name);
    member_text(j, "version", scope->version);
    member_attributes(j, "attributes", scope->attributes);
    member_number(j, "droppedAttributesCount", scope->dropped_attributes_count);
    close_with(j, "}");
}

/* key("name") and an opening bracket at the first item only. */
static void list_item(struct json *j, const char *name, bool *opened)
{
    if (!*opened) {
        key(j, name);
        open_with(j, "[");
        *opened = true;
    }
    item(j);
}

static void put_scope_spans(struct json *j, struct col_traces *traces)
{
    struct col_span span;
    bool opened = false;

    open_with(j, "{");
    put_scope(j, &traces->scope);
    while (col_traces_next_span(traces, &span)) {
        list_item(j, "spans", &opened);
        put_span(j, &span);
    }
    if (opened)
        close_with(j, "]");
    member_text(j, "schemaUrl", traces->scope.schema_url);
    close_with(j, "}");
}

static void put_resource_spans(struct json *j, struct col_traces *traces)
{
    bool opened = false;

    open_with(j, "{");
    put_resource(j, &traces->resource);
    while (col_traces_next_scope(traces)) {
        list_item(j, "scopeSpans", &opened);
        put_scope_spans(j, traces);
    }
    if (opened)
        close_with(j, "]");
    member_text(j, "schemaUrl", traces->resource.schema_url);
    close_with(j, "}");
}

enum otel_err col_json_traces(struct otl_view request, struct otl_buf *out)
{
    struct json j = {out, OTEL_OK, false};
    struct col_traces traces;
    bool opened = false;

    col_traces_init(&traces, request);
    open_with(&j, "{");
    while (col_traces_next_resource(&traces)) {
        list_item(&j, "resourceSpans", &opened);
        put_resource_spans(&j, &traces);
    }
    if (opened)
        close_with(&j, "]");
    close_with(&j, "}");
    return j.err == OTEL_OK ? col_traces_error(&traces, NULL) : j.err;
}

/* ---- for people ---- */

static void put_plain(struct json *j, const struct col_value *value)
{
    struct col_list list = value->list;
    struct col_attribute attribute;
    struct col_value inner;
    char text[32];

    switch (value->kind) {
    case COL_VALUE_EMPTY:
        put_str(j, "null");
        return;
    case COL_VALUE_STRING:
        put_text(j, value->text);
        return;
    case COL_VALUE_BOOL:
        put_str(j, value->boolean ? "true" : "false");
        return;
    case COL_VALUE_INT:
        snprintf(text, sizeof(text), "%lld", (long long)value->integer);
        put_str(j, text);
        return;
    case COL_VALUE_DOUBLE:
        put_double(j, value->real);
        return;
    case COL_VALUE_BYTES:
        put_base64(j, value->text);
        return;
    case COL_VALUE_ARRAY:
        open_with(j, "[");
        while (col_value_next(&list, &inner)) {
            item(j);
            put_plain(j, &inner);
        }
        close_with(j, "]");
        return;
    case COL_VALUE_KVLIST:
        open_with(j, "{");
        while (col_attribute_next(&list, &attribute)) {
            item(j);
            put_text(j, attribute.key);
            put(j, ":", 1);
            put_plain(j, &attribute.value);
        }
        close_with(j, "}");
        return;
    }
}

enum otel_err col_json_plain(const struct col_value *value, struct otl_buf *out)
{
    struct json j = {out, OTEL_OK, false};

    put_plain(&j, value);
    return j.err;
}
