/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/otlp/ascii.h"
#include "sdk/otlp/wire.h"
#include "sdk/trace/span_impl.h"

/* Equal keys have equal prints; the ends of a key say most about it. */
static inline uint32_t print_of(struct otel_str key)
{
    uint64_t first = 0, last = 0;

    if (key.len >= 8) {
        first = otl_load64(key.data);
        last = otl_load64(key.data + key.len - 8);
    } else if (key.len >= 4) {
        first = otl_load32(key.data);
        last = otl_load32(key.data + key.len - 4);
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

static __attribute__((noinline)) struct otl_key *find(const struct otl_span *span, uint32_t print,
                                                      struct otel_str key)
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
    otl_span_limit_keys(span);
    return true;
}

enum {
    SHORT = 0x80, /* lengths below it take one byte */
    INT_MOST = 11 /* tag and longest varint */
};

/* Any value, cut and repaired. Not yet counted; 0: no room. */
static __attribute__((noinline)) size_t write_any(struct otl_span *span, struct otel_str key,
                                                  const struct otel_value *value)
{
    const struct otl_value_limits *limits = &span->tracer->provider->value_limits;
    size_t size = otl_attribute_size(key, value, limits);
    uint8_t *at = otl_body_room(span, size);

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

/* Make the bytes behind the body an attribute. */
static void append(struct otl_span *span, uint32_t print, size_t size)
{
    struct otl_key *key = &span->keys[span->attribute_count++];

    key->print = print;
    key->at = span->body_len;
    span->key_bits |= 1ULL << (print & 63);
    span->body_len += (uint32_t)size;
}

static bool may_append(struct otl_span *span)
{
    uint32_t limit = span->tracer->provider->limits.attribute_count_limit;

    if (span->attribute_count < span->key_room)
        return true;
    return span->attribute_count < limit && grow_index(span);
}

/* The way of everything that is not short plain text: key is well-formed. */
static __attribute__((noinline)) void record(struct otl_span *span, struct otel_str key,
                                             const struct otel_value *value)
{
    uint32_t print = print_of(key);
    struct otl_key *entry = find(span, print, key);
    size_t size = entry != NULL || may_append(span) ? write_any(span, key, value) : 0;

    if (size == 0)
        span->dropped_attributes++;
    else if (entry != NULL)
        replace(span, entry, size);
    else
        append(span, print, size);
}

/* A key that is not UTF-8 is repaired before it is compared with others. */
static __attribute__((noinline)) void record_checked(struct otl_span *span, struct otel_str key,
                                                     const struct otel_value *value)
{
    size_t len;
    char *copy;

    if (key.len == 0)
        return;
    if (otl_utf8_valid(key.data, key.len)) {
        record(span, key, value);
        return;
    }
    len = otl_utf8_repair(key.data, key.len, NULL);
    copy = otl_mem_alloc(len);
    if (copy == NULL) {
        span->dropped_attributes++;
        return;
    }
    otl_utf8_repair(key.data, key.len, copy);
    record(span, otel_strn(copy, len), value);
    otl_mem_free(copy);
}

/* The bits answer for most keys; two keys of one bit take a look at the index. */
static inline bool key_may_be_there(const struct otl_span *span, uint32_t print,
                                    struct otel_str key)
{
    return __builtin_expect((span->key_bits >> (print & 63) & 1) != 0, 0) &&
           find(span, print, key) != NULL;
}

/* A short attribute behind the body, up to the tag of its value; NULL: not so simple. value_size
 * counts the AnyValue's content. */
static inline __attribute__((always_inline)) uint8_t *
begin_short(struct otl_span *span, struct otel_str key, uint32_t print, size_t value_size)
{
    size_t size = key.len + 4 + value_size;
    uint8_t *at = span->body + span->body_len;

    /* one test for an empty key and a long one */
    if (__builtin_expect(((key.len - 1) | size) >= SHORT || size + 2 > otl_body_left(span) ||
                             span->attribute_count >= span->key_room ||
                             key_may_be_there(span, print, key),
                         0))
        return NULL;
    otl_wire_fixed32(at, OTL_TAG_SPAN_ATTRIBUTE | (uint32_t)size << 8 | OTL_TAG_KEY << 16 |
                             (uint32_t)key.len << 24);
    if (__builtin_expect(!otl_copy_ascii(at + 4, key.data, key.len), 0))
        return NULL;
    return at + 4 + key.len;
}

static void record_string(struct otl_span *span, struct otel_str key,
                          const struct otel_value *value)
{
    uint32_t print = print_of(key);
    size_t len = value->count;
    uint8_t *at = NULL;

    if (__builtin_expect(len < SHORT && !span->long_values_cut, 1))
        at = begin_short(span, key, print, len + 2);
    if (__builtin_expect(at != NULL, 1)) {
        otl_wire_fixed32(at, OTL_TAG_VALUE | (uint32_t)(len + 2) << 8 | OTL_TAG_ANY_STRING << 16 |
                                 (uint32_t)len << 24);
        if (__builtin_expect(otl_copy_ascii(at + 4, value->as.string, len), 1)) {
            append(span, print, key.len + len + 8);
            return;
        }
    }
    record_checked(span, key, value);
}

static void record_int(struct otl_span *span, struct otel_str key, const struct otel_value *value)
{
    uint32_t print = print_of(key);
    uint8_t *start = span->body + span->body_len;
    uint8_t *at = begin_short(span, key, print, INT_MOST), *end;

    if (__builtin_expect(at == NULL, 0)) {
        record_checked(span, key, value);
        return;
    }
    at[0] = OTL_TAG_VALUE;
    at[2] = OTL_TAG_ANY_INT;
    end = otl_wire_varint(at + 3, (uint64_t)value->as.integer);
    at[1] = (uint8_t)(end - at - 2); /* known only now */
    start[1] = (uint8_t)(end - start - 2);
    append(span, print, (size_t)(end - start));
}

void otl_record_attribute(struct otl_span *span, struct otel_str key,
                          const struct otel_value *value)
{
    if (value->type == OTEL_VALUE_STRING)
        record_string(span, key, value);
    else if (value->type == OTEL_VALUE_INT)
        record_int(span, key, value);
    else
        record_checked(span, key, value);
}

void otl_record_attributes(struct otl_span *span, const struct otel_attribute *attributes,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        otl_record_attribute(span, attributes[i].key, &attributes[i].value);
}
