/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/trace_state.h>

#include "sdk/otlp/ascii.h"
#include "sdk/otlp/wire.h"
#include "sdk/trace/span_impl.h"

/* Put a text field, in place of the one at *at if there is one; false: no room. */
static bool put_text(struct otl_span *span, uint8_t tag, struct otel_str text, uint32_t *at)
{
    size_t len = otl_text_size(text, UINT32_MAX);
    uint8_t *to = otl_body_room(span, otl_wire_field_size(len));

    if (to == NULL)
        return false;
    if (*at != 0)
        otl_body_kill(span, *at);
    *at = span->body_len;
    to = otl_wire_head(to, tag, len);
    to = otl_text_write(to, text, UINT32_MAX);
    span->body_len = (uint32_t)(to - span->body);
    return true;
}

void otl_record_name(struct otl_span *span, struct otel_str name)
{
    uint8_t *at = span->body + span->body_len;

    if (span->name_at == 0 && name.len < 0x80 && name.len + 2 <= otl_body_left(span)) {
        at[0] = OTL_TAG_SPAN_NAME;
        at[1] = (uint8_t)name.len;
        if (__builtin_expect(otl_copy_ascii(at + 2, name.data, name.len), 1)) {
            span->name_at = span->body_len;
            span->body_len += (uint32_t)name.len + 2;
            return;
        }
    }
    put_text(span, OTL_TAG_SPAN_NAME, name, &span->name_at);
}

static size_t dropped_size(uint32_t dropped)
{
    return dropped != 0 ? 1 + otl_wire_varint_size(dropped) : 0;
}

static uint8_t *put_dropped(uint8_t *at, uint8_t tag, uint32_t dropped)
{
    if (dropped == 0)
        return at;
    *at++ = tag;
    return otl_wire_varint(at, dropped);
}

void otl_record_event(struct otl_span *span, const struct otel_event *event,
                      uint64_t time_unix_nanos)
{
    const struct otel_sdk_provider *provider = span->tracer->provider;
    uint32_t limit = provider->limits.event_attribute_count_limit, dropped;
    size_t name = otl_text_size(event->name, UINT32_MAX);
    size_t size = 9 + otl_wire_field_size(name) +
                  otl_attributes_size(event->attributes, event->attribute_count, limit,
                                      &provider->value_limits, &dropped) +
                  dropped_size(dropped);
    uint8_t *at;

    if (span->event_count >= provider->limits.event_count_limit ||
        (at = otl_body_room(span, otl_wire_field_size(size))) == NULL) {
        span->dropped_events++;
        return;
    }
    at = otl_wire_head(at, OTL_TAG_SPAN_EVENT, size);
    *at++ = OTL_TAG_EVENT_TIME;
    at = otl_wire_fixed64(at, time_unix_nanos);
    at = otl_wire_head(at, OTL_TAG_EVENT_NAME, name);
    at = otl_text_write(at, event->name, UINT32_MAX);
    at = otl_attributes_write(at, OTL_TAG_EVENT_ATTRIBUTE, event->attributes,
                              event->attribute_count, limit, &provider->value_limits);
    at = put_dropped(at, OTL_TAG_EVENT_DROPPED, dropped);
    span->body_len = (uint32_t)(at - span->body);
    span->event_count++;
    span->dropped_elsewhere += dropped;
}

static uint8_t *put_link_ids(uint8_t *at, const struct otel_span_context *context,
                             struct otel_str state)
{
    at = otl_wire_head(at, OTL_TAG_LINK_TRACE_ID, OTEL_TRACE_ID_SIZE);
    at = otl_wire_bytes(at, context->trace_id, OTEL_TRACE_ID_SIZE);
    at = otl_wire_head(at, OTL_TAG_LINK_SPAN_ID, OTEL_SPAN_ID_SIZE);
    at = otl_wire_bytes(at, context->span_id, OTEL_SPAN_ID_SIZE);
    if (state.len == 0)
        return at;
    at = otl_wire_head(at, OTL_TAG_LINK_TRACE_STATE, state.len);
    return otl_wire_bytes(at, state.data, state.len);
}

void otl_record_link(struct otl_span *span, const struct otel_link *link)
{
    const struct otel_sdk_provider *provider = span->tracer->provider;
    uint32_t limit = provider->limits.link_attribute_count_limit, dropped;
    struct otel_str state = otel_trace_state_header(link->context.trace_state);
    size_t size = otl_wire_field_size(OTEL_TRACE_ID_SIZE) + otl_wire_field_size(OTEL_SPAN_ID_SIZE) +
                  otl_wire_text_size(state) +
                  otl_attributes_size(link->attributes, link->attribute_count, limit,
                                      &provider->value_limits, &dropped) +
                  dropped_size(dropped) + 5;
    uint8_t *at;

    if (!otel_span_context_is_valid(&link->context) && link->attribute_count == 0 && state.len == 0)
        return;
    if (span->link_count >= provider->limits.link_count_limit ||
        (at = otl_body_room(span, otl_wire_field_size(size))) == NULL) {
        span->dropped_links++;
        return;
    }
    at = otl_wire_head(at, OTL_TAG_SPAN_LINK, size);
    at = put_link_ids(at, &link->context, state);
    at = otl_attributes_write(at, OTL_TAG_LINK_ATTRIBUTE, link->attributes, link->attribute_count,
                              limit, &provider->value_limits);
    at = put_dropped(at, OTL_TAG_LINK_DROPPED, dropped);
    *at++ = OTL_TAG_LINK_FLAGS;
    at = otl_wire_fixed32(at, link->context.flags | OTL_FLAG_REMOTE_KNOWN |
                                  (link->context.is_remote ? OTL_FLAG_REMOTE : 0));
    span->body_len = (uint32_t)(at - span->body);
    span->link_count++;
    span->dropped_elsewhere += dropped;
}

void otl_record_status(struct otl_span *span, enum otel_status status, struct otel_str description)
{
    size_t text, size;
    uint8_t *at;

    if (status == OTEL_STATUS_UNSET || span->status == OTEL_STATUS_OK)
        return;
    if (status != OTEL_STATUS_ERROR)
        description.len = 0;
    text = otl_text_size(description, UINT32_MAX);
    size = (text != 0 ? otl_wire_field_size(text) : 0) + 2;
    at = otl_body_room(span, otl_wire_field_size(size));
    if (at == NULL) { /* the code matters more than its description */
        text = 0;
        size = 2;
        at = otl_body_room(span, otl_wire_field_size(size));
        if (at == NULL)
            return;
    }
    if (span->status_at != 0)
        otl_body_kill(span, span->status_at);
    span->status_at = span->body_len;
    span->status = (uint8_t)status;
    at = otl_wire_head(at, OTL_TAG_SPAN_STATUS, size);
    if (text != 0) {
        at = otl_wire_head(at, OTL_TAG_STATUS_MESSAGE, text);
        at = otl_text_write(at, description, UINT32_MAX);
    }
    *at++ = OTL_TAG_STATUS_CODE;
    *at++ = (uint8_t)status;
    span->body_len = (uint32_t)(at - span->body);
}
