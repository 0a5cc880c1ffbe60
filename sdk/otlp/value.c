/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/otlp/value.h"

#include "sdk/base/text.h"
#include "sdk/otlp/wire.h"

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes of text's first character, 0 if it is ill-formed; text is not empty. */
static size_t first_char(struct otel_str text)
{
    size_t good = otl_utf8_prefix(text.data, min_size(text.len, 4));

    return good != 0 ? otl_utf8_cut(text.data, good, 1) : 0;
}

/* The longest prefix of at most max_chars characters; an ill-formed byte counts as one. */
static size_t cut(struct otel_str text, uint32_t max_chars)
{
    size_t at = 0;

    if (text.len <= max_chars)
        return text.len;
    while (at < text.len && max_chars > 0) {
        size_t one = first_char(otel_strn(text.data + at, text.len - at));
        at += one != 0 ? one : 1; /* an ill-formed byte is replaced by one character */
        max_chars--;
    }
    return at;
}

size_t otl_text_size(struct otel_str text, uint32_t max_chars)
{
    text.len = cut(text, max_chars);
    if (otl_utf8_valid(text.data, text.len))
        return text.len;
    return otl_utf8_repair(text.data, text.len, NULL);
}

uint8_t *otl_text_write(uint8_t *at, struct otel_str text, uint32_t max_chars)
{
    text.len = cut(text, max_chars);
    return at + otl_utf8_repair(text.data, text.len, (char *)at);
}

/* Element i of any array or map as a value; a map's keys are handled by the caller. */
static struct otel_value element(const struct otel_value *array, size_t i)
{
    switch (array->type) {
    case OTEL_VALUE_STRING_ARRAY:
        return otel_value_strn(array->as.strings[i].data, array->as.strings[i].len);
    case OTEL_VALUE_BOOL_ARRAY:
        return otel_value_bool(array->as.booleans[i]);
    case OTEL_VALUE_INT_ARRAY:
        return otel_value_int(array->as.integers[i]);
    case OTEL_VALUE_DOUBLE_ARRAY:
        return otel_value_double(array->as.reals[i]);
    case OTEL_VALUE_ARRAY:
        return array->as.values[i];
    case OTEL_VALUE_EMPTY:
    case OTEL_VALUE_STRING:
    case OTEL_VALUE_BOOL:
    case OTEL_VALUE_INT:
    case OTEL_VALUE_DOUBLE:
    case OTEL_VALUE_BYTES:
    case OTEL_VALUE_MAP:
        break;
    }
    return otel_value_empty();
}

/* The limits of what an array or map holds, which is there only where depth is not 0. */
static struct otl_value_limits deeper(const struct otl_value_limits *limits)
{
    struct otl_value_limits next = *limits;

    next.depth--;
    return next;
}

static size_t array_size(const struct otel_value *array, const struct otl_value_limits *limits)
{
    struct otl_value_limits next = deeper(limits);
    size_t size = 0;

    for (size_t i = 0; i < array->count; i++) {
        struct otel_value value = element(array, i);
        size += otl_wire_field_size(otl_value_size(&value, &next));
    }
    return size;
}

static uint8_t *write_array(uint8_t *at, const struct otel_value *array,
                            const struct otl_value_limits *limits)
{
    struct otl_value_limits next = deeper(limits);

    at = otl_wire_head(at, OTL_TAG_ANY_ARRAY, array_size(array, limits));
    for (size_t i = 0; i < array->count; i++) {
        struct otel_value value = element(array, i);
        at = otl_wire_head(at, OTL_TAG_ITEM, otl_value_size(&value, &next));
        at = otl_value_write(at, &value, &next);
    }
    return at;
}

static size_t map_size(const struct otel_value *map, const struct otl_value_limits *limits)
{
    struct otl_value_limits next = deeper(limits);
    uint32_t dropped;

    return otl_attributes_size(map->as.attributes, map->count, UINT32_MAX, &next, &dropped);
}

size_t otl_value_size(const struct otel_value *value, const struct otl_value_limits *limits)
{
    switch (value->type) {
    case OTEL_VALUE_EMPTY:
        return 0;
    case OTEL_VALUE_STRING:
        return otl_wire_field_size(
            otl_text_size(otel_strn(value->as.string, value->count), limits->value_length));
    case OTEL_VALUE_BOOL:
        return 2;
    case OTEL_VALUE_INT:
        return 1 + otl_wire_varint_size((uint64_t)value->as.integer);
    case OTEL_VALUE_DOUBLE:
        return 9;
    case OTEL_VALUE_BYTES:
        return otl_wire_field_size(min_size(value->count, limits->value_length));
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_BOOL_ARRAY:
    case OTEL_VALUE_INT_ARRAY:
    case OTEL_VALUE_DOUBLE_ARRAY:
    case OTEL_VALUE_ARRAY:
        return limits->depth != 0 ? otl_wire_field_size(array_size(value, limits)) : 0;
    case OTEL_VALUE_MAP:
        return limits->depth != 0 ? otl_wire_field_size(map_size(value, limits)) : 0;
    }
    return 0;
}

static uint8_t *write_string(uint8_t *at, const struct otel_value *value, uint32_t max_chars)
{
    struct otel_str text = otel_strn(value->as.string, value->count);

    at = otl_wire_head(at, OTL_TAG_ANY_STRING, otl_text_size(text, max_chars));
    return otl_text_write(at, text, max_chars);
}

static uint8_t *write_map(uint8_t *at, const struct otel_value *map,
                          const struct otl_value_limits *limits)
{
    struct otl_value_limits next = deeper(limits);

    at = otl_wire_head(at, OTL_TAG_ANY_MAP, map_size(map, limits));
    return otl_attributes_write(at, OTL_TAG_ITEM, map->as.attributes, map->count, UINT32_MAX,
                                &next);
}

uint8_t *otl_value_write(uint8_t *at, const struct otel_value *value,
                         const struct otl_value_limits *limits)
{
    size_t len;

    switch (value->type) {
    case OTEL_VALUE_EMPTY:
        return at;
    case OTEL_VALUE_STRING:
        return write_string(at, value, limits->value_length);
    case OTEL_VALUE_BOOL:
        *at++ = OTL_TAG_ANY_BOOL;
        *at++ = value->as.boolean ? 1 : 0;
        return at;
    case OTEL_VALUE_INT:
        *at++ = OTL_TAG_ANY_INT;
        return otl_wire_varint(at, (uint64_t)value->as.integer);
    case OTEL_VALUE_DOUBLE:
        *at++ = OTL_TAG_ANY_DOUBLE;
        return otl_wire_fixed64(at, otl_wire_double_bits(value->as.real));
    case OTEL_VALUE_BYTES:
        len = min_size(value->count, limits->value_length);
        at = otl_wire_head(at, OTL_TAG_ANY_BYTES, len);
        return otl_wire_bytes(at, value->as.bytes, len);
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_BOOL_ARRAY:
    case OTEL_VALUE_INT_ARRAY:
    case OTEL_VALUE_DOUBLE_ARRAY:
    case OTEL_VALUE_ARRAY:
        return limits->depth != 0 ? write_array(at, value, limits) : at;
    case OTEL_VALUE_MAP:
        return limits->depth != 0 ? write_map(at, value, limits) : at;
    }
    return at;
}

static size_t key_value_size(struct otel_str key, const struct otel_value *value,
                             const struct otl_value_limits *limits)
{
    return otl_wire_field_size(otl_text_size(key, UINT32_MAX)) +
           otl_wire_field_size(otl_value_size(value, limits));
}

size_t otl_attribute_size(struct otel_str key, const struct otel_value *value,
                          const struct otl_value_limits *limits)
{
    return otl_wire_field_size(key_value_size(key, value, limits));
}

uint8_t *otl_attribute_write(uint8_t *at, uint8_t tag, struct otel_str key,
                             const struct otel_value *value, const struct otl_value_limits *limits)
{
    at = otl_wire_head(at, tag, key_value_size(key, value, limits));
    at = otl_wire_head(at, OTL_TAG_KEY, otl_text_size(key, UINT32_MAX));
    at = otl_text_write(at, key, UINT32_MAX);
    at = otl_wire_head(at, OTL_TAG_VALUE, otl_value_size(value, limits));
    return otl_value_write(at, value, limits);
}

/* Walks attributes so that each key comes once; see otl_attributes_size(). */
struct unique {
    const struct otel_attribute *attributes;
    size_t count;
    size_t at;
    uint32_t left;
    uint32_t dropped;
    bool repairs; /* a key is not UTF-8: unequal keys may be written as equal ones */
};

static struct unique unique_keys(const struct otel_attribute *attributes, size_t count,
                                 uint32_t max_count)
{
    struct unique unique = {attributes, attributes != NULL ? count : 0, 0, max_count, 0, false};

    if (unique.count > 1)
        for (size_t i = 0; i < unique.count && !unique.repairs; i++)
            unique.repairs = !otl_utf8_valid(attributes[i].key.data, attributes[i].key.len);
    return unique;
}

/* Takes the first character off text, as it will be written; text is not empty. */
static struct otel_str take_char(struct otel_str *text)
{
    size_t len = first_char(*text);
    struct otel_str one = len != 0 ? otel_strn(text->data, len) : otel_str("\xef\xbf\xbd");

    *text = otel_strn(text->data + (len != 0 ? len : 1), text->len - (len != 0 ? len : 1));
    return one;
}

static bool equal_repaired(struct otel_str a, struct otel_str b)
{
    while (a.len != 0 && b.len != 0)
        if (!otel_str_equal(take_char(&a), take_char(&b)))
            return false;
    return a.len == b.len;
}

/* Keys are compared as they will be written. */
static bool same_key(const struct unique *unique, size_t i, size_t j)
{
    struct otel_str a = unique->attributes[i].key, b = unique->attributes[j].key;

    return otel_str_equal(a, b) || (unique->repairs && equal_repaired(a, b));
}

static bool seen_before(const struct unique *unique, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_key(unique, i, j))
            return true;
    return false;
}

static const struct otel_attribute *last_of(const struct unique *unique, size_t i)
{
    for (size_t j = unique->count - 1; j > i; j--)
        if (same_key(unique, i, j))
            return &unique->attributes[j];
    return &unique->attributes[i];
}

static const struct otel_attribute *next_unique(struct unique *unique)
{
    while (unique->at < unique->count) {
        size_t i = unique->at++;
        if (unique->attributes[i].key.len == 0 || seen_before(unique, i))
            continue;
        if (unique->left == 0) {
            unique->dropped++;
            continue;
        }
        unique->left--;
        return last_of(unique, i);
    }
    return NULL;
}

size_t otl_attributes_size(const struct otel_attribute *attributes, size_t count,
                           uint32_t max_count, const struct otl_value_limits *limits,
                           uint32_t *ret_dropped)
{
    struct unique unique = unique_keys(attributes, count, max_count);
    const struct otel_attribute *attribute;
    size_t size = 0;

    while ((attribute = next_unique(&unique)) != NULL)
        size += otl_attribute_size(attribute->key, &attribute->value, limits);
    *ret_dropped = unique.dropped;
    return size;
}

uint8_t *otl_attributes_write(uint8_t *at, uint8_t tag, const struct otel_attribute *attributes,
                              size_t count, uint32_t max_count,
                              const struct otl_value_limits *limits)
{
    struct unique unique = unique_keys(attributes, count, max_count);
    const struct otel_attribute *attribute;

    while ((attribute = next_unique(&unique)) != NULL)
        at = otl_attribute_write(at, tag, attribute->key, &attribute->value, limits);
    return at;
}
