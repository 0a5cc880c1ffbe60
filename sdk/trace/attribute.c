/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/otlp/wire.h"
#include "sdk/trace/span_impl.h"

#define HIGH_BITS 0x8080808080808080ULL

static inline uint64_t load64(const void *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static inline uint32_t load32(const void *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

/* Copy and look at every byte at once; not 0 if one is not ASCII. */
static inline uint64_t copy_ascii(uint8_t *to, const char *from, size_t len)
{
    uint64_t seen = 0, word;

    if (len >= 8) {
        for (size_t i = 0; i + 8 <= len; i += 8) {
            word = load64(from + i);
            memcpy(to + i, &word, 8);
            seen |= word;
        }
        word = load64(from + len - 8);
        memcpy(to + len - 8, &word, 8);
        seen |= word;
    } else if (len >= 4) {
        uint32_t first = load32(from), last = load32(from + len - 4);
        memcpy(to, &first, 4);
        memcpy(to + len - 4, &last, 4);
        seen = first | last;
    } else {
        for (size_t i = 0; i < len; i++) {
            to[i] = (uint8_t)from[i];
            seen |= (uint8_t)from[i];
        }
    }
    return seen & HIGH_BITS;
}

/* Equal keys have equal prints; the ends of a key say most about it. */
static inline uint32_t print_of(struct otel_str key)
{
    uint64_t first = 0, last = 0;

    if (key.len >= 8) {
        first = load64(key.data);
        last = load64(key.data + key.len - 8);
    } else if (key.len >= 4) {
        first = load32(key.data);
        last = load32(key.data + key.len - 4);
    } else {
        for (size_t i = 0; i < key.len; i++)
            first = first << 8 | (uint8_t)key.data[i];
    }
    first = (first ^ (last << 29 | last >> 35) ^ key.len) * 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(first >> 32);
}

/* The key text of the attribute field at offset at. */
static struct otel_str key_at(const struct otl_span *span, uint32_t at)
{
    const uint8_t *p = span->body + at + 1;
    size_t len = 0;
    unsigned shift = 0;

    while (*p++ & 0x80)
        continue;
    p++; /* the key's tag */
    do {
        len |= (size_t)(*p & 0x7f) << shift;
        shift += 7;
    } while (*p++ & 0x80);
    return otel_strn((const char *)p, len);
}

static struct otl_key *find(const struct otl_span *span, uint32_t print, struct otel_str key)
{
    for (uint32_t i = 0; i < span->attribute_count; i++)
        if (__builtin_expect(span->keys[i].print == print, 0) &&
            otel_str_equal(key_at(span, span->keys[i].at), key))
            return &span->keys[i];
    return NULL;
}

static bool grow_index(struct otl_span *span)
{
    size_t cap = (size_t)span->key_cap * 2;
    bool heap = span->keys != span->few_keys;
    struct otl_key *keys = otl_mem_realloc(heap ? span->keys : NULL, cap * sizeof(*keys));

    if (keys == NULL)
        return false;
    if (!heap)
        memcpy(keys, span->few_keys, sizeof(span->few_keys));
    span->keys = keys;
    span->key_cap = (uint32_t)cap;
    return true;
}

/* Size of a value that the fast path writes; 0: it does not. */
static inline size_t plain_size(const struct otel_value *value, uint32_t max_chars)
{
    switch (value->type) {
    case OTEL_VALUE_STRING:
        return value->count <= max_chars ? otl_wire_field_size(value->count) : 0;
    case OTEL_VALUE_INT:
        return 1 + otl_wire_varint_size((uint64_t)value->as.integer);
    case OTEL_VALUE_BOOL:
        return 2;
    case OTEL_VALUE_DOUBLE:
        return 9;
    default:
        return 0;
    }
}

/* Write an attribute behind the body; its size, or 0 when a text has to be repaired. */
static inline size_t write_plain(uint8_t *start, size_t kv_size, size_t any_size,
                                 struct otel_str key, const struct otel_value *value)
{
    uint8_t *at = otl_wire_head(start, OTL_TAG_SPAN_ATTRIBUTE, kv_size);
    uint64_t odd;

    at = otl_wire_head(at, OTL_TAG_KEY, key.len);
    odd = copy_ascii(at, key.data, key.len);
    at += key.len;
    at = otl_wire_head(at, OTL_TAG_VALUE, any_size);
    switch (value->type) {
    case OTEL_VALUE_STRING:
        at = otl_wire_head(at, OTL_TAG_ANY_STRING, value->count);
        odd |= copy_ascii(at, value->as.string, value->count);
        at += value->count;
        break;
    case OTEL_VALUE_INT:
        *at++ = OTL_TAG_ANY_INT;
        at = otl_wire_varint(at, (uint64_t)value->as.integer);
        break;
    case OTEL_VALUE_DOUBLE:
        *at++ = OTL_TAG_ANY_DOUBLE;
        at = otl_wire_fixed64(at, otl_wire_double_bits(value->as.real));
        break;
    default:
        *at++ = OTL_TAG_ANY_BOOL;
        *at++ = value->as.boolean ? 1 : 0;
        break;
    }
    if (__builtin_expect(odd != 0, 0) &&
        (!otl_utf8_valid(key.data, key.len) ||
         (value->type == OTEL_VALUE_STRING && !otl_utf8_valid(value->as.string, value->count))))
        return 0;
    return (size_t)(at - start);
}

/* Write the attribute behind the body, not yet counted; 0: no room. */
static size_t write_behind(struct otl_span *span, struct otel_str key,
                           const struct otel_value *value)
{
    const struct otl_value_limits *limits = &span->tracer->provider->value_limits;
    size_t any_size = plain_size(value, limits->value_length);
    size_t size;
    uint8_t *at;

    if (__builtin_expect(any_size != 0, 1)) {
        size_t kv_size = otl_wire_field_size(key.len) + otl_wire_field_size(any_size);
        at = otl_body_room(span, otl_wire_field_size(kv_size));
        if (at == NULL)
            return 0;
        size = write_plain(at, kv_size, any_size, key, value);
        if (__builtin_expect(size != 0, 1))
            return size;
    }
    size = otl_attribute_size(key, value, limits);
    at = otl_body_room(span, size);
    if (at == NULL)
        return 0;
    otl_attribute_write(at, OTL_TAG_SPAN_ATTRIBUTE, key, value, limits);
    return size;
}

static void replace(struct otl_span *span, struct otl_key *entry, size_t size)
{
    if (otl_body_field_size(span, entry->at) == size) {
        memcpy(span->body + entry->at, span->body + span->body_len, size);
        return;
    }
    otl_body_kill(span, entry->at);
    entry->at = span->body_len;
    span->body_len += (uint32_t)size;
}

static void record(struct otl_span *span, struct otel_str key, const struct otel_value *value)
{
    uint32_t print = print_of(key);
    struct otl_key *entry = find(span, print, key);
    uint32_t count = span->attribute_count;
    size_t size;

    if (entry == NULL && (count >= span->tracer->provider->limits.attribute_count_limit ||
                          (count == span->key_cap && !grow_index(span)))) {
        span->dropped_attributes++;
        return;
    }
    size = write_behind(span, key, value);
    if (size == 0) {
        span->dropped_attributes++;
        return;
    }
    if (__builtin_expect(entry != NULL, 0)) {
        replace(span, entry, size);
        return;
    }
    span->keys[count].print = print;
    span->keys[count].at = span->body_len;
    span->attribute_count = count + 1;
    span->body_len += (uint32_t)size;
}

/* A key that is not UTF-8 is repaired before it is compared with others. */
static void record_repaired(struct otl_span *span, struct otel_str key,
                            const struct otel_value *value)
{
    size_t len = otl_utf8_repair(key.data, key.len, NULL);
    char *copy = otl_mem_alloc(len);

    if (copy == NULL) {
        span->dropped_attributes++;
        return;
    }
    otl_utf8_repair(key.data, key.len, copy);
    record(span, otel_strn(copy, len), value);
    otl_mem_free(copy);
}

static bool is_ascii(struct otel_str text)
{
    uint64_t seen = 0;
    size_t i = 0;

    for (; i + 8 <= text.len; i += 8)
        seen |= load64(text.data + i);
    for (; i < text.len; i++)
        seen |= (uint8_t)text.data[i] & 0x80;
    return (seen & HIGH_BITS) == 0;
}

void otl_record_attribute(struct otl_span *span, struct otel_str key,
                          const struct otel_value *value)
{
    if (key.len == 0)
        return;
    if (__builtin_expect(!is_ascii(key), 0) && !otl_utf8_valid(key.data, key.len)) {
        record_repaired(span, key, value);
        return;
    }
    record(span, key, value);
}

void otl_record_attributes(struct otl_span *span, const struct otel_attribute *attributes,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        otl_record_attribute(span, attributes[i].key, &attributes[i].value);
}
