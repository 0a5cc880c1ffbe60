/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_VALUE_H
#define OTL_VALUE_H

#include <otel/types.h>

/*
 * Values and attributes as OTLP bytes (messages AnyValue, KeyValue).
 *
 * Every function comes as a pair: ..._size measures, ..._write writes exactly that many bytes.
 *
 * Threads   no state.
 * Memory    nothing is allocated; the caller makes room.
 * Limits    strings are cut after value_length characters, bytes after value_length bytes, arrays
 *           and maps deeper than depth become the empty value. Ill-formed UTF-8 is repaired.
 */

struct otl_value_limits {
    uint32_t value_length; /* UINT32_MAX: none */
    uint32_t depth;        /* a top-level value has depth 1 */
};

/* Text cut to max_chars characters and repaired: its length, and its bytes. */
size_t otl_text_size(struct otel_str text, uint32_t max_chars);
uint8_t *otl_text_write(uint8_t *at, struct otel_str text, uint32_t max_chars);

/* The content of an AnyValue, without tag and length. */
size_t otl_value_size(const struct otel_value *value, const struct otl_value_limits *limits);
uint8_t *otl_value_write(uint8_t *at, const struct otel_value *value,
                         const struct otl_value_limits *limits);

/* A KeyValue field with its tag and length. */
size_t otl_attribute_size(struct otel_str key, const struct otel_value *value,
                          const struct otl_value_limits *limits);
uint8_t *otl_attribute_write(uint8_t *at, uint8_t tag, struct otel_str key,
                             const struct otel_value *value, const struct otl_value_limits *limits);

/* Many KeyValue fields with unique keys: empty keys are left out, of keys that are equal
 * once repaired the last value takes the first one's place, keys beyond max_count are left out
 * and counted. */
size_t otl_attributes_size(const struct otel_attribute *attributes, size_t count,
                           uint32_t max_count, const struct otl_value_limits *limits,
                           uint32_t *ret_dropped);
uint8_t *otl_attributes_write(uint8_t *at, uint8_t tag, const struct otel_attribute *attributes,
                              size_t count, uint32_t max_count,
                              const struct otl_value_limits *limits);

#endif
