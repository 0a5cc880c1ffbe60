/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a segment and as a drop record: the reader stays inside them and comes to an end. */
#include <stdlib.h>
#include <string.h>

#include "harness/ledger/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum;

static void touch(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.data[i];
}

static void touch_record(const struct hx_led_record *record)
{
    const struct hx_led_entry *entry = (const void *)record;
    const struct hx_led_baggage *baggage = (const void *)record;

    for (size_t i = 0; i < record->size; i++)
        sum += ((const unsigned char *)record)[i];
    if (record->type == HX_LED_ENTRY) {
        touch(hx_led_view(record, entry->traceparent));
        touch(hx_led_view(record, entry->tracestate));
        touch(hx_led_view(record, entry->baggage));
    }
    if (record->type == HX_LED_BAGGAGE) {
        touch(hx_led_view(record, baggage->name));
        touch(hx_led_view(record, baggage->value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *copy = malloc(size + 1); /* aligned, and its end is the sanitizer's */
    struct hx_led_segment segment;
    const struct hx_led_record *record;
    struct hx_led_drops drops;

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    if (hx_led_segment_init(&segment, otl_view(copy, size), NULL) == OTEL_OK) {
        while ((record = hx_led_segment_next(&segment)) != NULL)
            touch_record(record);
    }
    if (hx_led_drops_init(&drops, otl_view(copy, size), NULL) == OTEL_OK) {
        for (size_t i = 0; i < drops.count; i++)
            sum += drops.rows[i].reason;
    }
    free(copy);
    return 0;
}
