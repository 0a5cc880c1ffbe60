/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LED_SEGMENT_H
#define HX_LED_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/ledger/format.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Reads one ledger segment, or one drop record, in place. Pure: bytes in, records out.
 *
 * Life      a value over bytes that outlive it; nothing to free.
 * Threads   values only.
 * Memory    nothing is copied. The bytes must be 8-byte aligned (a mapping or malloc is).
 * Limits    never reads outside the bytes, whatever they hold.
 *
 * A record that comes out is whole: its type is known, its size fits type and segment, all its
 * texts lie inside it. After damage no more records come out of that segment: where the next one
 * would begin is not known.
 */

struct hx_led_segment {
    const struct hx_led_header *header;
    const uint8_t *data;
    size_t len;
    size_t at;         /* offset of the next record */
    const char *error; /* static; NULL: none */
};

/* OTEL_ERR_CORRUPT: shorter than a header, another magic, another version. */
OTEL_MUST_USE enum otel_err hx_led_segment_init(struct hx_led_segment *segment,
                                                struct otl_view bytes, struct otl_detail *reterr);
/* The next record, or NULL at the end and at damage (then segment->error is set, at its place). */
const struct hx_led_record *hx_led_segment_next(struct hx_led_segment *segment);

/* A text of a record that came out of a segment; absent = {NULL, 0}. */
static inline struct otl_view hx_led_view(const struct hx_led_record *record,
                                          struct hx_led_text text)
{
    return otl_view(text.len > 0 ? (const char *)record + text.offset : NULL, text.len);
}

struct hx_led_drops {
    const struct hx_drop_header *header;
    const struct hx_drop_row *rows;
    size_t count; /* rows given out; one without reason was never finished: its writer ended */
    size_t kept;  /* those with a reason; header->count may be higher */
};

/* OTEL_ERR_CORRUPT: no header, another magic or version, fewer rows than were given out. */
OTEL_MUST_USE enum otel_err hx_led_drops_init(struct hx_led_drops *drops, struct otl_view bytes,
                                              struct otl_detail *reterr);

#endif
