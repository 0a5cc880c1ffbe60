/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/otlp/read.h"

#include <otel/sdk/exporter.h>

#include "sdk/otlp/wire.h"

static bool take_varint(struct otel_str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && rest->len != 0; shift += 7) {
        uint8_t byte = (uint8_t)*rest->data;
        rest->data++;
        rest->len--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take_fixed(struct otel_str *rest, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (rest->len < size)
        return false;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)(uint8_t)rest->data[i] << (8 * i);
    rest->data += size;
    rest->len -= size;
    *ret_value = value;
    return true;
}

bool otl_read_field(struct otel_str *rest, struct otl_field *ret_field)
{
    uint64_t tag, len;

    if (!take_varint(rest, &tag))
        return false;
    ret_field->number = (uint32_t)(tag >> 3);
    ret_field->wire_type = (unsigned)(tag & 7);
    ret_field->value = 0;
    ret_field->bytes = otel_strn(NULL, 0);
    switch (ret_field->wire_type) {
    case 0:
        return take_varint(rest, &ret_field->value);
    case 1:
        return take_fixed(rest, 8, &ret_field->value);
    case 5:
        return take_fixed(rest, 4, &ret_field->value);
    case 2:
        if (!take_varint(rest, &len) || len > rest->len)
            return false;
        ret_field->bytes = otel_strn(rest->data, (size_t)len);
        rest->data += len;
        rest->len -= (size_t)len;
        return true;
    default:
        return false;
    }
}

static struct otel_sdk_iter iter_over(struct otel_str bytes, uint32_t field)
{
    struct otel_sdk_iter iter;

    iter.rest = bytes;
    iter.field = field;
    return iter;
}

struct otel_sdk_iter otel_sdk_scope_attributes(const struct otel_sdk_scope *scope)
{
    return iter_over(scope != NULL ? scope->encoded : otel_strn(NULL, 0),
                     OTL_TAG_SCOPE_ATTRIBUTE >> 3);
}

/* The next sub-message of the iterator's field. */
static bool next_message(struct otel_sdk_iter *iter, struct otel_str *ret_message)
{
    struct otl_field field;

    while (otl_read_field(&iter->rest, &field))
        if (field.number == iter->field && field.wire_type == 2) {
            *ret_message = field.bytes;
            return true;
        }
    return false;
}

static void read_value(struct otel_str bytes, struct otel_sdk_read_attribute *ret)
{
    struct otl_field field;

    ret->type = OTEL_VALUE_EMPTY;
    if (!otl_read_field(&bytes, &field))
        return;
    ret->text = field.bytes;
    ret->integer = (int64_t)field.value;
    switch (field.number) {
    case 1:
        ret->type = OTEL_VALUE_STRING;
        break;
    case 2:
        ret->type = OTEL_VALUE_BOOL;
        break;
    case 3:
        ret->type = OTEL_VALUE_INT;
        break;
    case 4:
        ret->type = OTEL_VALUE_DOUBLE;
        memcpy(&ret->real, &field.value, 8);
        break;
    case 5:
        ret->type = OTEL_VALUE_ARRAY;
        ret->elements = iter_over(field.bytes, 1);
        break;
    case 6:
        ret->type = OTEL_VALUE_MAP;
        ret->elements = iter_over(field.bytes, 1);
        break;
    case 7:
        ret->type = OTEL_VALUE_BYTES;
        break;
    default:
        break;
    }
}

bool otel_sdk_next_attribute(struct otel_sdk_iter *iter,
                             struct otel_sdk_read_attribute *ret_attribute)
{
    struct otel_str message;
    struct otl_field field;

    if (!next_message(iter, &message))
        return false;
    memset(ret_attribute, 0, sizeof(*ret_attribute));
    while (otl_read_field(&message, &field)) {
        if (field.number == 1)
            ret_attribute->key = field.bytes;
        else if (field.number == 2)
            read_value(field.bytes, ret_attribute);
    }
    return true;
}

bool otel_sdk_next_element(struct otel_sdk_iter *iter, struct otel_sdk_read_attribute *ret_element)
{
    struct otel_str message;

    if (!next_message(iter, &message))
        return false;
    memset(ret_element, 0, sizeof(*ret_element));
    read_value(message, ret_element);
    return true;
}

bool otel_sdk_next_event(struct otel_sdk_iter *iter, struct otel_sdk_read_event *ret_event)
{
    struct otel_str message;
    struct otl_field field;

    if (!next_message(iter, &message))
        return false;
    memset(ret_event, 0, sizeof(*ret_event));
    ret_event->attributes = iter_over(message, 3);
    while (otl_read_field(&message, &field)) {
        if (field.number == 1)
            ret_event->time_unix_nanos = field.value;
        else if (field.number == 2)
            ret_event->name = field.bytes;
        else if (field.number == 4)
            ret_event->dropped_attributes = (uint32_t)field.value;
    }
    return true;
}

static void copy_id(uint8_t *id, size_t size, struct otel_str bytes)
{
    if (bytes.len == size)
        memcpy(id, bytes.data, size);
}

bool otel_sdk_next_link(struct otel_sdk_iter *iter, struct otel_sdk_read_link *ret_link)
{
    struct otel_str message;
    struct otl_field field;

    if (!next_message(iter, &message))
        return false;
    memset(ret_link, 0, sizeof(*ret_link));
    ret_link->attributes = iter_over(message, 4);
    while (otl_read_field(&message, &field)) {
        if (field.number == 1) {
            copy_id(ret_link->context.trace_id, OTEL_TRACE_ID_SIZE, field.bytes);
        } else if (field.number == 2) {
            copy_id(ret_link->context.span_id, OTEL_SPAN_ID_SIZE, field.bytes);
        } else if (field.number == 3) {
            ret_link->trace_state = field.bytes;
        } else if (field.number == 5) {
            ret_link->dropped_attributes = (uint32_t)field.value;
        } else if (field.number == 6) {
            ret_link->context.flags = (uint8_t)field.value;
            ret_link->context.is_remote = (field.value & OTL_FLAG_REMOTE) != 0;
        }
    }
    return true;
}

struct otel_sdk_iter otel_sdk_decode_attributes(struct otel_str encoded)
{
    return iter_over(encoded, 9);
}

struct otel_sdk_iter otel_sdk_decode_events(struct otel_str encoded)
{
    return iter_over(encoded, 11);
}

struct otel_sdk_iter otel_sdk_decode_links(struct otel_str encoded)
{
    return iter_over(encoded, 13);
}

static void read_status(struct otel_str bytes, struct otel_sdk_span_info *ret_info)
{
    struct otl_field field;

    while (otl_read_field(&bytes, &field)) {
        if (field.number == 2)
            ret_info->status_description = field.bytes;
        else if (field.number == 3)
            ret_info->status = (enum otel_status)field.value;
    }
}

static void read_span_field(const struct otl_field *field, struct otel_sdk_span_info *ret_info)
{
    switch (field->number) {
    case 1:
        copy_id(ret_info->context.trace_id, OTEL_TRACE_ID_SIZE, field->bytes);
        break;
    case 2:
        copy_id(ret_info->context.span_id, OTEL_SPAN_ID_SIZE, field->bytes);
        break;
    case 4:
        copy_id(ret_info->parent.span_id, OTEL_SPAN_ID_SIZE, field->bytes);
        break;
    case 5:
        ret_info->name = field->bytes;
        break;
    case 6:
        ret_info->kind = (enum otel_span_kind)field->value;
        break;
    case 7:
        ret_info->start_unix_nanos = field->value;
        break;
    case 8:
        ret_info->end_unix_nanos = field->value;
        break;
    case 9:
        ret_info->attribute_count++;
        break;
    case 10:
        ret_info->dropped_attributes = (uint32_t)field->value;
        break;
    case 11:
        ret_info->event_count++;
        break;
    case 12:
        ret_info->dropped_events = (uint32_t)field->value;
        break;
    case 13:
        ret_info->link_count++;
        break;
    case 14:
        ret_info->dropped_links = (uint32_t)field->value;
        break;
    case 15:
        read_status(field->bytes, ret_info);
        break;
    case 16:
        ret_info->context.flags = (uint8_t)field->value;
        ret_info->parent.is_remote = (field->value & OTL_FLAG_REMOTE) != 0;
        break;
    default:
        break;
    }
}

void otel_sdk_decode_info(struct otel_str encoded, struct otel_sdk_span_info *ret_info)
{
    struct otl_field field;

    memset(ret_info, 0, sizeof(*ret_info));
    while (otl_read_field(&encoded, &field))
        read_span_field(&field, ret_info);
    if (otel_span_context_is_valid(&ret_info->context)) {
        uint64_t parent;
        memcpy(&parent, ret_info->parent.span_id, 8);
        if (parent != 0)
            memcpy(ret_info->parent.trace_id, ret_info->context.trace_id, OTEL_TRACE_ID_SIZE);
    }
    ret_info->has_ended = ret_info->end_unix_nanos != 0;
}
