/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_WIRE_H
#define OTL_WIRE_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <otel/types.h>

/*
 * Protocol-buffer wire format, writing side: sizes first, then bytes forward.
 *
 * Threads   no state.
 * Memory    the caller has measured and made room; nothing is checked here.
 */

/* Bytes that value takes as a varint, 1..10. */
static inline size_t otl_wire_varint_size(uint64_t value)
{
    if (value < 0x80)
        return 1;
    return (size_t)((63 - __builtin_clzll(value)) / 7 + 1);
}

static inline uint8_t *otl_wire_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *otl_wire_fixed32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, 4);
    return at + 4;
}

static inline uint8_t *otl_wire_fixed64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, 8);
    return at + 8;
}

static inline uint64_t otl_wire_double_bits(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, 8);
    return bits;
}

/* A one-byte tag and a length. */
static inline uint8_t *otl_wire_head(uint8_t *at, uint8_t tag, size_t len)
{
    *at++ = tag;
    return otl_wire_varint(at, len);
}

/* Bytes of a length-delimited field with a one-byte tag. */
static inline size_t otl_wire_field_size(size_t len)
{
    return 1 + otl_wire_varint_size(len) + len;
}

static inline uint8_t *otl_wire_bytes(uint8_t *at, const void *data, size_t len)
{
    if (len != 0)
        memcpy(at, data, len);
    return at + len;
}

/* A field of text, which is left out where there is none. */
static inline size_t otl_wire_text_size(struct otel_str text)
{
    return text.len != 0 ? otl_wire_field_size(text.len) : 0;
}

static inline uint8_t *otl_wire_text(uint8_t *at, uint8_t tag, struct otel_str text)
{
    if (text.len == 0)
        return at;
    at = otl_wire_head(at, tag, text.len);
    return otl_wire_bytes(at, text.data, text.len);
}

/* Tags of the messages written here: field << 3 | wire type. */
enum {
    OTL_TAG_SPAN_TRACE_ID = 0x0a,
    OTL_TAG_SPAN_ID = 0x12,
    OTL_TAG_SPAN_TRACE_STATE = 0x1a,
    OTL_TAG_SPAN_PARENT = 0x22,
    OTL_TAG_SPAN_NAME = 0x2a,
    OTL_TAG_SPAN_KIND = 0x30,
    OTL_TAG_SPAN_START = 0x39,
    OTL_TAG_SPAN_END = 0x41,
    OTL_TAG_SPAN_ATTRIBUTE = 0x4a,
    OTL_TAG_SPAN_DROPPED_ATTRIBUTES = 0x50,
    OTL_TAG_SPAN_EVENT = 0x5a,
    OTL_TAG_SPAN_DROPPED_EVENTS = 0x60,
    OTL_TAG_SPAN_LINK = 0x6a,
    OTL_TAG_SPAN_DROPPED_LINKS = 0x70,
    OTL_TAG_SPAN_STATUS = 0x7a,
    OTL_TAG_SPAN_FLAGS = 0x85, /* and 0x01: field 16, fixed32 */

    OTL_TAG_STATUS_MESSAGE = 0x12,
    OTL_TAG_STATUS_CODE = 0x18,

    OTL_TAG_EVENT_TIME = 0x09,
    OTL_TAG_EVENT_NAME = 0x12,
    OTL_TAG_EVENT_ATTRIBUTE = 0x1a,
    OTL_TAG_EVENT_DROPPED = 0x20,

    OTL_TAG_LINK_TRACE_ID = 0x0a,
    OTL_TAG_LINK_SPAN_ID = 0x12,
    OTL_TAG_LINK_TRACE_STATE = 0x1a,
    OTL_TAG_LINK_ATTRIBUTE = 0x22,
    OTL_TAG_LINK_DROPPED = 0x28,
    OTL_TAG_LINK_FLAGS = 0x35,

    OTL_TAG_KEY = 0x0a,
    OTL_TAG_VALUE = 0x12,
    OTL_TAG_ANY_STRING = 0x0a,
    OTL_TAG_ANY_BOOL = 0x10,
    OTL_TAG_ANY_INT = 0x18,
    OTL_TAG_ANY_DOUBLE = 0x21,
    OTL_TAG_ANY_ARRAY = 0x2a,
    OTL_TAG_ANY_MAP = 0x32,
    OTL_TAG_ANY_BYTES = 0x3a,
    OTL_TAG_ITEM = 0x0a, /* of ArrayValue and KeyValueList */

    OTL_TAG_SCOPE_NAME = 0x0a,
    OTL_TAG_SCOPE_VERSION = 0x12,
    OTL_TAG_SCOPE_ATTRIBUTE = 0x1a,
    OTL_TAG_RESOURCE_ATTRIBUTE = 0x0a,
    OTL_TAG_RESOURCE_ENTITY_REF = 0x1a,
    OTL_TAG_ENTITY_SCHEMA_URL = 0x0a,
    OTL_TAG_ENTITY_TYPE = 0x12,
    OTL_TAG_ENTITY_ID_KEY = 0x1a,
    OTL_TAG_ENTITY_DESCRIPTION_KEY = 0x22,

    OTL_TAG_REQUEST_RESOURCE_SPANS = 0x0a,
    OTL_TAG_RESOURCE_SPANS_RESOURCE = 0x0a,
    OTL_TAG_RESOURCE_SPANS_SCOPE_SPANS = 0x12,
    OTL_TAG_RESOURCE_SPANS_SCHEMA_URL = 0x1a,
    OTL_TAG_SCOPE_SPANS_SCOPE = 0x0a,
    OTL_TAG_SCOPE_SPANS_SPAN = 0x12,
    OTL_TAG_SCOPE_SPANS_SCHEMA_URL = 0x1a
};

/* Span.flags and Span.Link.flags beyond the W3C byte. */
enum { OTL_FLAG_REMOTE_KNOWN = 0x100, OTL_FLAG_REMOTE = 0x200 };

#endif
