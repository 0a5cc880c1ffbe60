/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_TYPES_H
#define OTEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <otel/err.h>

/*
 * Strings, values and attributes: what instrumented code hands to the API.
 *
 * Not for keeping data: everything here is a view that borrows the caller's memory for the time
 * of one call. Whoever keeps something copies it.
 *
 * Life      plain values, made by the inline constructors below, usually on the stack.
 * Threads   no state.
 * Memory    nothing is allocated here.
 * Limits    none here; see otel/sdk/provider.h for what an SDK cuts.
 *
 * Text is UTF-8. Ill-formed text is accepted everywhere and repaired (U+FFFD) where it is
 * recorded; it never costs more than the bytes that were wrong.
 *
 * Spec: OpenTelemetry common, "Attribute" and "AnyValue".
 */

#ifdef __cplusplus
extern "C" {
#endif

/* Text with a length; need not be NUL-terminated. data may be NULL when len is 0. */
struct otel_str {
    const char *data;
    size_t len;
};

enum otel_value_type {
    OTEL_VALUE_EMPTY,
    OTEL_VALUE_STRING,
    OTEL_VALUE_BOOL,
    OTEL_VALUE_INT,
    OTEL_VALUE_DOUBLE,
    OTEL_VALUE_BYTES,
    OTEL_VALUE_STRING_ARRAY,
    OTEL_VALUE_BOOL_ARRAY,
    OTEL_VALUE_INT_ARRAY,
    OTEL_VALUE_DOUBLE_ARRAY,
    OTEL_VALUE_ARRAY, /* of any values, also mixed ones */
    OTEL_VALUE_MAP    /* of attributes; of equal keys the last one counts */
};

struct otel_attribute;

struct otel_value {
    enum otel_value_type type;
    size_t count; /* bytes of STRING and BYTES, elements of arrays and maps, else 0 */
    union {
        const char *string;
        const void *bytes;
        bool boolean;
        int64_t integer;
        double real;
        const struct otel_str *strings;
        const bool *booleans;
        const int64_t *integers;
        const double *reals;
        const struct otel_value *values;
        const struct otel_attribute *attributes;
    } as;
};

struct otel_attribute {
    struct otel_str key;
    struct otel_value value;
};

/* A view of NUL-terminated text; NULL gives the empty string. */
static inline struct otel_str otel_str(const char *text)
{
    struct otel_str str;
    str.data = text;
    str.len = text != NULL ? strlen(text) : 0;
    return str;
}

static inline struct otel_str otel_strn(const char *data, size_t len)
{
    struct otel_str str;
    str.data = data;
    str.len = data != NULL ? len : 0;
    return str;
}

static inline bool otel_str_equal(struct otel_str a, struct otel_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline struct otel_value otel_value_empty(void)
{
    struct otel_value value;
    value.type = OTEL_VALUE_EMPTY;
    value.count = 0;
    value.as.integer = 0;
    return value;
}

static inline struct otel_value otel_value_strn(const char *data, size_t len)
{
    struct otel_value value;
    value.type = OTEL_VALUE_STRING;
    value.count = data != NULL ? len : 0;
    value.as.string = data;
    return value;
}

static inline struct otel_value otel_value_str(const char *text)
{
    return otel_value_strn(text, text != NULL ? strlen(text) : 0);
}

static inline struct otel_value otel_value_bool(bool boolean)
{
    struct otel_value value = otel_value_empty();
    value.type = OTEL_VALUE_BOOL;
    value.as.boolean = boolean;
    return value;
}

static inline struct otel_value otel_value_int(int64_t integer)
{
    struct otel_value value;
    value.type = OTEL_VALUE_INT;
    value.count = 0;
    value.as.integer = integer;
    return value;
}

static inline struct otel_value otel_value_double(double real)
{
    struct otel_value value;
    value.type = OTEL_VALUE_DOUBLE;
    value.count = 0;
    value.as.real = real;
    return value;
}

/* BYTES or any array or map: type says what items points at. */
static inline struct otel_value otel_value_many(enum otel_value_type type, const void *items,
                                                size_t count)
{
    struct otel_value value;
    value.type = type;
    value.count = items != NULL ? count : 0;
    value.as.bytes = items;
    return value;
}

static inline struct otel_attribute otel_attr(const char *key, struct otel_value value)
{
    struct otel_attribute attribute;
    attribute.key = otel_str(key);
    attribute.value = value;
    return attribute;
}

static inline struct otel_attribute otel_attr_str(const char *key, const char *text)
{
    return otel_attr(key, otel_value_str(text));
}

static inline struct otel_attribute otel_attr_bool(const char *key, bool boolean)
{
    return otel_attr(key, otel_value_bool(boolean));
}

static inline struct otel_attribute otel_attr_int(const char *key, int64_t integer)
{
    return otel_attr(key, otel_value_int(integer));
}

static inline struct otel_attribute otel_attr_double(const char *key, double real)
{
    return otel_attr(key, otel_value_double(real));
}

#ifdef __cplusplus
}
#endif
#endif
