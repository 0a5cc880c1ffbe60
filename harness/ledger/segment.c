/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/ledger/segment.h"

#include <string.h>

enum { MAX_TEXTS = 3 };

struct shape {
    size_t size;
    size_t texts[MAX_TEXTS]; /* offsets of the hx_led_text fields; 0 = no more */
};

static const struct shape SHAPES[] = {
    [HX_LED_PROCESS] = {sizeof(struct hx_led_process),
                        {offsetof(struct hx_led_process, instance),
                         offsetof(struct hx_led_process, sampler)}},
    [HX_LED_PROCESS_CLOSE] = {sizeof(struct hx_led_process_close), {0}},
    [HX_LED_ENTRY] = {sizeof(struct hx_led_entry),
                      {offsetof(struct hx_led_entry, traceparent),
                       offsetof(struct hx_led_entry, tracestate),
                       offsetof(struct hx_led_entry, baggage)}},
    [HX_LED_ENTRY_CLOSE] = {sizeof(struct hx_led_entry_close), {0}},
    [HX_LED_SPAN] = {sizeof(struct hx_led_span), {0}},
    [HX_LED_SPAN_CLOSE] = {sizeof(struct hx_led_span_close), {0}},
    [HX_LED_SEND] = {sizeof(struct hx_led_send),
                     {offsetof(struct hx_led_send, traceparent),
                      offsetof(struct hx_led_send, tracestate),
                      offsetof(struct hx_led_send, baggage)}},
    [HX_LED_SEND_CLOSE] = {sizeof(struct hx_led_send_close), {0}},
    [HX_LED_BAGGAGE] = {sizeof(struct hx_led_baggage),
                        {offsetof(struct hx_led_baggage, name),
                         offsetof(struct hx_led_baggage, value)}},
    [HX_LED_LOAD] = {sizeof(struct hx_led_load), {offsetof(struct hx_led_load, traceparent)}},
    [HX_LED_LOAD_CLOSE] = {sizeof(struct hx_led_load_close), {0}},
};

_Static_assert(sizeof(struct hx_led_header) == 64, "ledger header");
_Static_assert(sizeof(struct hx_drop_header) == 64, "drop header");
_Static_assert(sizeof(struct hx_drop_row) == 40, "drop row");

enum otel_err hx_led_segment_init(struct hx_led_segment *segment, struct otl_view bytes,
                                  struct otl_detail *reterr)
{
    const struct hx_led_header *header = (const void *)bytes.data;

    if (bytes.len < sizeof *header)
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                              "%zu bytes are no ledger segment", bytes.len);
    if (memcmp(header->magic, HX_LED_MAGIC, sizeof header->magic) != 0)
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0, "not a ledger segment");
    if (header->version != HX_LED_VERSION)
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                              "ledger version %u, this program reads %d",
                              (unsigned)header->version, HX_LED_VERSION);
    segment->header = header;
    segment->data = (const void *)bytes.data;
    segment->len = bytes.len;
    segment->at = sizeof *header;
    segment->error = NULL;
    return OTEL_OK;
}

static bool texts_fit(const struct hx_led_record *record, const struct shape *shape)
{
    for (size_t i = 0; i < MAX_TEXTS && shape->texts[i] != 0; i++) {
        struct hx_led_text text;

        memcpy(&text, (const char *)record + shape->texts[i], sizeof text);
        if (text.len == 0)
            continue;
        if (text.offset < shape->size || text.offset > record->size ||
            text.len > record->size - text.offset)
            return false;
    }
    return true;
}

static const struct hx_led_record *damaged(struct hx_led_segment *segment, const char *error)
{
    segment->error = error;
    return NULL;
}

const struct hx_led_record *hx_led_segment_next(struct hx_led_segment *segment)
{
    const struct hx_led_record *record = (const void *)(segment->data + segment->at);
    size_t room = segment->len - segment->at;
    size_t types = sizeof SHAPES / sizeof SHAPES[0];

    if (segment->error != NULL || room < sizeof record->size || record->size == 0)
        return NULL;
    if (record->size > room)
        return damaged(segment, "a record goes beyond the end of the segment");
    if (record->size % 8 != 0 || record->size < sizeof *record)
        return damaged(segment, "impossible record size");
    if (record->type >= types || SHAPES[record->type].size == 0)
        return damaged(segment, "unknown record type");
    if (record->size < SHAPES[record->type].size)
        return damaged(segment, "a record is too short for its type");
    if (!texts_fit(record, &SHAPES[record->type]))
        return damaged(segment, "a text lies outside its record");
    segment->at += record->size;
    return record;
}

enum otel_err hx_led_drops_init(struct hx_led_drops *drops, struct otl_view bytes,
                                struct otl_detail *reterr)
{
    const struct hx_drop_header *header = (const void *)bytes.data;
    size_t room, given;

    if (bytes.len < sizeof *header ||
        memcmp(header->magic, HX_DROP_MAGIC, sizeof header->magic) != 0)
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0, "not a drop record");
    if (header->version != HX_LED_VERSION)
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                              "drop record version %u, this program reads %d",
                              (unsigned)header->version, HX_LED_VERSION);
    room = (bytes.len - sizeof *header) / sizeof(struct hx_drop_row);
    given = header->count < header->capacity ? (size_t)header->count : (size_t)header->capacity;
    if (given > room) /* a clean end cuts the file behind the last row given out */
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                              "the drop record is cut off: %zu of %zu rows", room, given);
    drops->header = header;
    drops->rows = (const void *)(header + 1);
    drops->count = given;
    drops->kept = 0;
    for (size_t i = 0; i < given; i++)
        drops->kept += drops->rows[i].reason != 0;
    return OTEL_OK;
}
