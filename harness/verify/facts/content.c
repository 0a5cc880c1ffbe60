/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/facts/content.h"

#include <string.h>

static void add_element(struct hx_canon_value *array, const struct col_value *value)
{
    switch (value->kind) {
    case COL_VALUE_STRING:
        hx_canon_array_string(array, value->text.data, value->text.len);
        break;
    case COL_VALUE_BOOL:
        hx_canon_array_bool(array, value->boolean);
        break;
    case COL_VALUE_INT:
        hx_canon_array_int(array, value->integer);
        break;
    case COL_VALUE_DOUBLE:
        hx_canon_array_double(array, value->real);
        break;
    case COL_VALUE_EMPTY:
        hx_canon_array_other(array, NULL, 0);
        break;
    case COL_VALUE_BYTES:
        hx_canon_array_other(array, value->text.data, value->text.len);
        break;
    case COL_VALUE_ARRAY:
    case COL_VALUE_KVLIST:
        hx_canon_array_other(array, value->list.cursor.at,
                             (size_t)(value->list.cursor.end - value->list.cursor.at));
        break;
    }
}

static void add_attribute(struct hx_canon_attrs *attrs, const struct col_attribute *a)
{
    const struct col_value *value = &a->value;
    const char *key = a->key.data;
    size_t len = a->key.len;
    struct hx_canon_value array;
    struct col_list list;
    struct col_value item;

    switch (value->kind) {
    case COL_VALUE_STRING:
        hx_canon_string(attrs, key, len, value->text.data, value->text.len);
        break;
    case COL_VALUE_BOOL:
        hx_canon_bool(attrs, key, len, value->boolean);
        break;
    case COL_VALUE_INT:
        hx_canon_int(attrs, key, len, value->integer);
        break;
    case COL_VALUE_DOUBLE:
        hx_canon_double(attrs, key, len, value->real);
        break;
    case COL_VALUE_ARRAY:
        hx_canon_array_begin(&array);
        list = value->list;
        while (col_value_next(&list, &item))
            add_element(&array, &item);
        hx_canon_array(attrs, key, len, &array);
        break;
    case COL_VALUE_EMPTY:
        hx_canon_other(attrs, key, len, NULL, 0);
        break;
    case COL_VALUE_BYTES:
        hx_canon_other(attrs, key, len, value->text.data, value->text.len);
        break;
    case COL_VALUE_KVLIST:
        hx_canon_other(attrs, key, len, value->list.cursor.at,
                       (size_t)(value->list.cursor.end - value->list.cursor.at));
        break;
    }
}

/* A key that arrives twice would be hidden by "the last one wins": it makes another content.
 * Returns tracerig.seq, 0 when it is absent or no positive integer. */
static uint64_t add_attributes(struct hx_canon_attrs *attrs, struct col_list list)
{
    static const char twice[] = "\001key received twice", seq_key[] = "tracerig.seq";
    struct col_attribute a;
    uint64_t seq = 0;

    while (col_attribute_next(&list, &a)) {
        uint32_t before = attrs->count + attrs->dropped;

        add_attribute(attrs, &a);
        if (attrs->count + attrs->dropped == before && a.key.len > 0)
            hx_canon_bool(attrs, twice, sizeof twice - 1, true);
        if (a.value.kind == COL_VALUE_INT && a.key.len == sizeof seq_key - 1 &&
            memcmp(a.key.data, seq_key, sizeof seq_key - 1) == 0 && a.value.integer > 0)
            seq = (uint64_t)a.value.integer;
    }
    return seq;
}

static void add_events(struct hx_canon *canon, struct col_list list)
{
    struct hx_canon_attrs attrs;
    struct col_event event;

    while (col_event_next(&list, &event)) {
        hx_canon_attrs_init(&attrs);
        add_attributes(&attrs, event.attributes);
        hx_canon_event(canon, event.name.data, event.name.len, &attrs);
    }
}

static void add_links(struct hx_canon *canon, struct col_list list)
{
    struct hx_canon_attrs attrs;
    struct col_link link;

    while (col_link_next(&list, &link)) {
        hx_canon_attrs_init(&attrs);
        add_attributes(&attrs, link.attributes);
        hx_canon_link(canon, link.trace_id, link.span_id, link.trace_state.data,
                      link.trace_state.len, &attrs);
    }
}

static uint64_t content_of(const struct col_span *span, struct hx_canon *ret)
{
    uint64_t seq;

    hx_canon_init(ret, span->name.data, span->name.len);
    seq = add_attributes(&ret->attributes, span->attributes);
    add_events(ret, span->events);
    add_links(ret, span->links);
    hx_canon_status(ret, span->status_code < 0 ? 99 : (uint32_t)span->status_code,
                    span->status_message.data, span->status_message.len);
    return seq;
}

uint16_t hx_content_compare(const struct hx_fact_span *span, const struct hx_fact_received *row,
                            const struct hx_led_content *content)
{
    const struct hx_led_span *open = span->open;
    unsigned altered = 0;

    if (memcmp(open->trace_id, row->trace_id, 16) != 0 ||
        memcmp(open->span_id, row->span_id, 8) != 0)
        altered |= HX_ALTERED_IDS;
    if (memcmp(open->parent_span_id, row->parent_span_id, 8) != 0)
        altered |= HX_ALTERED_PARENT;
    if (open->kind != row->kind)
        altered |= HX_ALTERED_KIND;
    if (((open->trace_flags ^ row->trace_flags) & 0xff) != 0)
        altered |= HX_ALTERED_FLAGS;
    if (span->close == NULL)
        return (uint16_t)altered;
    altered |= content->name != span->close->content.name ? HX_ALTERED_NAME : 0u;
    altered |= content->attributes != span->close->content.attributes ? HX_ALTERED_ATTRIBUTES : 0u;
    altered |= content->events != span->close->content.events ? HX_ALTERED_EVENTS : 0u;
    altered |= content->links != span->close->content.links ? HX_ALTERED_LINKS : 0u;
    altered |= content->status != span->close->content.status ? HX_ALTERED_STATUS : 0u;
    return (uint16_t)altered;
}

void hx_content_row(const struct col_span *span, struct hx_fact_received *row,
                    struct hx_led_content *ret_content)
{
    struct hx_canon canon;

    memcpy(row->trace_id, span->trace_id, 16);
    memcpy(row->span_id, span->span_id, 8);
    memcpy(row->parent_span_id, span->parent_span_id, 8);
    row->start_ns = span->start_time_unix_nano;
    row->end_ns = span->end_time_unix_nano;
    row->trace_flags = span->flags;
    row->kind = (uint8_t)(span->kind < 0 || span->kind > 255 ? 255 : span->kind);
    row->span = row->request = row->resource = row->next = HX_NONE;
    row->flags = span->status_code == HX_STATUS_ERROR ? HX_RECEIVED_STATUS_ERROR : 0;
    row->altered = 0;
    row->seq = content_of(span, &canon);
    hx_canon_finish(&canon, ret_content);
}

void hx_content_resource(const struct col_resource *resource, struct hx_fact_resource *ret)
{
    static const char sdk[] = "telemetry.sdk.";
    struct col_list list = resource->attributes;
    struct hx_canon_attrs attrs;
    struct col_attribute a;
    unsigned named = 0;

    hx_canon_attrs_init(&attrs);
    while (col_attribute_next(&list, &a)) {
        if (a.key.len >= sizeof sdk - 1 && memcmp(a.key.data, sdk, sizeof sdk - 1) == 0) {
            if (a.value.kind == COL_VALUE_STRING && a.value.text.len > 0)
                named |= otl_view_is(a.key, "telemetry.sdk.name")       ? 1u
                         : otl_view_is(a.key, "telemetry.sdk.language") ? 2u
                         : otl_view_is(a.key, "telemetry.sdk.version")  ? 4u
                                                                        : 0u;
            continue;
        }
        add_attribute(&attrs, &a);
        if (a.value.kind == COL_VALUE_STRING && otl_view_is(a.key, "service.name"))
            ret->service = a.value.text;
        if (a.value.kind == COL_VALUE_STRING && otl_view_is(a.key, "service.instance.id"))
            ret->instance = a.value.text;
    }
    ret->sum = hx_canon_attrs_sum(&attrs);
    ret->sdk_named = named == 7;
}

bool hx_content_links_to(const struct col_list *links, const uint8_t trace_id[16],
                         const uint8_t span_id[8])
{
    struct col_list list = *links;
    struct col_link link;

    while (col_link_next(&list, &link)) {
        if (memcmp(link.trace_id, trace_id, 16) == 0 && memcmp(link.span_id, span_id, 8) == 0)
            return true;
    }
    return false;
}
