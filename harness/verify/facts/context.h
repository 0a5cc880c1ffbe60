/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CONTEXT_H
#define HX_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * Raw propagation headers, read a second time: W3C traceparent and baggage, apart from the SDK's
 * own parsers.
 *
 * Threads   no state.
 * Memory    outputs go to the caller's memory.
 */

struct hx_context {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
};

/* One traceparent, level 2: lower-case hex, no zero ids, version 00 of exactly 55 characters,
 * higher ones at least that, never ff. Several headers (joined by a line break) are none. */
bool hx_context_parse(struct otl_view header, struct hx_context *ret);

enum { HX_BAGGAGE_VALUE_MAX = 8192 };

/* The decoded value of the first member with this name; false: there is none, or it is longer than
 * HX_BAGGAGE_VALUE_MAX. out has that many bytes. Several headers are one list. */
bool hx_baggage_find(struct otl_view header, struct otl_view name, char *out, size_t *ret_len);

#endif
