/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEXT_H
#define OTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Text: UTF-8, hexadecimal, numbers and durations read strictly, the nearest known word.
 *
 * Threads   no state.
 * Memory    nothing is allocated; outputs go to the caller's memory.
 */

/* True if data[0..len) is well-formed UTF-8 (no surrogates, no over-long forms). */
bool otl_utf8_valid(const char *data, size_t len);
/* Length of the longest well-formed prefix. */
size_t otl_utf8_prefix(const char *data, size_t len);
/* Byte length of the first chars characters of well-formed UTF-8. */
size_t otl_utf8_cut(const char *data, size_t len, size_t chars);

/* Copy with every ill-formed byte replaced by U+FFFD (3 bytes); returns the length, which is at
 * most 3 * len. out may be NULL to measure only. */
size_t otl_utf8_repair(const char *data, size_t len, char *out);

/* Lower-case hex of len bytes; out has 2 * len + 1 bytes. */
void otl_hex(const void *data, size_t len, char *out);
/* 2 * len lower- or upper-case digits into out; false if any is not a digit. */
bool otl_unhex(const char *text, size_t len, uint8_t *out);

/* Whole text, no blanks, no sign except a leading '-' for the signed one.
 * OTEL_ERR_SYNTAX: not a number. OTEL_ERR_LIMIT: out of [min, max]. */
OTEL_MUST_USE enum otel_err otl_parse_int(const char *text, int64_t min, int64_t max,
                                          int64_t *ret);
OTEL_MUST_USE enum otel_err otl_parse_uint(const char *text, uint64_t min, uint64_t max,
                                           uint64_t *ret);
OTEL_MUST_USE enum otel_err otl_parse_double(const char *text, double min, double max,
                                             double *ret);
/* Go duration: "1.5s", "250ms", "1m30s", "10us", "0". Units ns us ms s m h. */
OTEL_MUST_USE enum otel_err otl_parse_duration(const char *text, uint64_t *ret_ns);
/* "1.5s", "250ms": the shortest form with at most three decimals; returns out. */
const char *otl_format_duration(uint64_t ns, char *out, size_t size);

/* The member of words (NULL-terminated) nearest to text by edit distance, or NULL if none is
 * near enough to be worth suggesting (distance at most 2, or a third of the length). Upper and
 * lower case are one. */
const char *otl_nearest(const char *text, const char *const *words);
/* The same, at a distance of at most limit. */
const char *otl_nearest_within(const char *text, const char *const *words, size_t limit);

#endif
