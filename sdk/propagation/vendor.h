/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_VENDOR_H
#define OTL_VENDOR_H

#include <otel/propagation.h>

#include "sdk/base/buf.h"

/*
 * What the propagators of other formats share: single headers, ids of hexadecimal digits, the
 * state of a B3 or Jaeger parent beyond its flags, baggage in a header for each entry.
 *
 * Threads   no state.
 */

/* What the wire said beyond the sampled bit; kept in the context for inject. */
enum otl_wish {
    OTL_WISH_NONE,
    OTL_WISH_DEFER, /* the parent left the decision open */
    OTL_WISH_DENY,  /* DENY and ACCEPT: a decision that came without ids */
    OTL_WISH_ACCEPT,
    OTL_WISH_DEBUG
};

enum otl_wish otl_wish_of(const struct otel_context *context);

/* The first value of key, without blanks at its ends; false if absent. */
bool otl_carrier_first(const void *carrier, const struct otel_text_map_getter *getter,
                       const char *key, struct otl_view *ret);

/* size bytes from 1 to 2 * size digits, padded in front with zeros; false if there are none or too
 * many, one is no digit, or all of them are zero. */
bool otl_hex_id(struct otl_view text, uint8_t *out, size_t size);

/* A new context with *remote as its span and with wish; an invalid *remote leaves the span. */
struct otel_context *otl_context_with_remote(struct otel_context *context,
                                             const struct otel_span_context *remote,
                                             enum otl_wish wish);

/* Baggage as headers PREFIX + NAME, the values percent-encoded. */
struct otel_context *otl_prefixed_extract(struct otel_context *context, const void *carrier,
                                          const struct otel_text_map_getter *getter,
                                          const char *prefix);
void otl_prefixed_inject(const struct otel_context *context, void *carrier,
                         const struct otel_text_map_setter *setter, const char *prefix);

#endif
