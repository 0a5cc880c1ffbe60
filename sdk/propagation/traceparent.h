/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TRACEPARENT_H
#define OTL_TRACEPARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * The traceparent header as a pure function on bytes.
 *
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *
 * Threads   no state.
 * Spec      W3C Trace Context Level 2, 3.2. Lower-case digits only; ids of zeros and version ff
 *           are invalid; version 00 is exactly 55 bytes; of a later version the first 55 are read
 *           and must be followed by '-' or nothing. Blanks and tabs around the value are ignored.
 */

enum { OTL_TRACEPARENT_LEN = 55, OTL_TRACEPARENT_FLAGS = 0x03 /* sampled, random */ };

struct otl_traceparent {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags; /* only the bits of OTL_TRACEPARENT_FLAGS */
};

/* False: not valid, *ret is untouched. */
bool otl_traceparent_parse(struct otl_view text, struct otl_traceparent *ret);
/* Version 00 with only the known flags; out has OTL_TRACEPARENT_LEN + 1 bytes. */
void otl_traceparent_format(const struct otl_traceparent *traceparent, char *out);

/* text without blanks and tabs at both ends. */
struct otl_view otl_trim_ows(struct otl_view text);

#endif
