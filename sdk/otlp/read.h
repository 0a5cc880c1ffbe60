/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_READ_H
#define OTL_READ_H

#include <otel/types.h>

/*
 * Reads protocol-buffer fields in place: for the readable span's view over its own bytes, and for
 * tests. It is lenient about what our writer never writes; the collector has its own strict one.
 *
 * Threads   no state.
 * Memory    results are views into the message.
 */

struct otl_field {
    uint32_t number;
    unsigned wire_type;    /* 0 varint, 1 fixed64, 2 bytes, 5 fixed32 */
    uint64_t value;        /* varint, fixed */
    struct otel_str bytes; /* wire type 2 */
};

/* Take the first field off *rest; false at the end or where the bytes are damaged. */
bool otl_read_field(struct otel_str *rest, struct otl_field *ret_field);

#endif
