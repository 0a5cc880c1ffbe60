/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/exporter.h>

/* The readers behind readable_span.h must stay inside any bytes at all. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t walk(struct otel_sdk_iter iter, int depth)
{
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_iter elements = iter;
    uint64_t sum = 0;

    if (depth > 16)
        return 0;
    while (otel_sdk_next_attribute(&iter, &attribute)) {
        sum += attribute.key.len + attribute.text.len;
        for (size_t i = 0; i < attribute.text.len; i++)
            sum += (uint8_t)attribute.text.data[i];
        sum += walk(attribute.elements, depth + 1);
    }
    while (otel_sdk_next_element(&elements, &attribute))
        sum += (uint64_t)attribute.integer;
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otel_str bytes = otel_strn((const char *)data, size);
    struct otel_sdk_iter events = otel_sdk_decode_events(bytes);
    struct otel_sdk_iter links = otel_sdk_decode_links(bytes);
    struct otel_sdk_read_event event;
    struct otel_sdk_read_link link;
    struct otel_sdk_span_info info;
    static volatile uint64_t sum;

    otel_sdk_decode_info(bytes, &info);
    sum = sum + walk(otel_sdk_decode_attributes(bytes), 0);
    while (otel_sdk_next_event(&events, &event))
        sum = sum + walk(event.attributes, 0);
    while (otel_sdk_next_link(&links, &link))
        sum = sum + walk(link.attributes, 0);
    return 0;
}
