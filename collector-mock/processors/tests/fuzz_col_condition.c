/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/tests/fuzz_text.h"

/* Any text as a condition: taken and held against a span, or refused with a message. */

static void hold(struct col_condition *condition, bool on_events)
{
    static const uint8_t attribute[] = "\x4a\x09\x0a\x01k\x12\x04\x0a\x02vv"; /* field 9 */
    struct col_span span;
    struct col_event event;
    struct col_list none;
    const struct col_condition_subject subject = {
        .span = &span, .resource = &none, .event = on_events ? &event : NULL};

    memset(&none, 0, sizeof(none));
    memset(&event, 0, sizeof(event));
    col_span_split(otl_view((const char *)attribute, sizeof(attribute) - 1), &span);
    (void)col_condition_true(condition, &subject);
}

static void take(const char *text, bool on_events)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_condition *condition;

    if (col_condition_new(on_events ? COL_ON_EVENT : COL_ON_SPAN, &condition) != OTEL_OK)
        abort();
    if (col_condition_add(condition, text, &detail) == OTEL_OK)
        hold(condition, on_events);
    else if (detail.text[0] == '\0')
        abort();
    col_condition_free(condition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_text(data, size, take);
    return 0;
}
