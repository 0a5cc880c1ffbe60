/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/read_json.h"
#include "harness/verify/tail/rules.h"

/* What the oracle of tail sampling reads: an OTLP/JSON line (first byte '{'), or a condition and a
 * statement, held against a span with next to nothing. */

static bool one_event(const struct hx_tail_span *span, unsigned event, struct hx_tail_event *ret)
{
    (void)span;
    *ret = (struct hx_tail_event){.name = otl_view("e", 1)};
    return event == 0;
}

static enum otel_err look(void *context, const struct hx_tail_span *span)
{
    uint64_t *sum = context;
    struct hx_tail_value value = span->attribute(span, HX_TAIL_SPAN, 0, "k");
    struct hx_tail_event event;

    *sum += span->start_ns + value.text.len + span->event_at(span, 0, &event);
    return OTEL_OK;
}

static void hold(const char *text)
{
    struct hx_tail_span span = hx_draft_nothing;
    json_t *list = json_pack("[s]", text);
    struct hx_ottl *ottl = NULL;
    struct otl_arena arena;

    span.event_at = one_event;
    otl_arena_init(&arena, 1 << 20);
    if (list != NULL && hx_ottl_load(&arena, list, list, &ottl, NULL) == OTEL_OK)
        (void)hx_ottl_true(ottl, &span);
    hx_ottl_fini(ottl);
    otl_arena_fini(&arena);
    json_decref(list);
}

/* As a statement, on the span and on its event. */
static void transform(const char *text)
{
    static const char *const contexts[] = {"span", "spanevent"};
    struct hx_tail_span span = hx_draft_nothing;
    struct hx_before before;
    struct otl_arena arena;
    struct hx_draft draft;

    span.event_at = one_event;
    for (size_t i = 0; i < 2; i++) {
        json_t *config = json_pack("{s:[{s:s, s:[s]}]}", "trace_statements", "context",
                                   contexts[i], "statements", text);
        otl_arena_init(&arena, 1 << 20);
        hx_before_init(&before, &arena);
        if (config != NULL && hx_before_add(&before, "transform", config, NULL) == OTEL_OK)
            (void)hx_before_run(&before, &span, &draft);
        hx_before_fini(&before);
        otl_arena_fini(&arena);
        json_decref(config);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t fragment = 0, spans = 0, sum = 0;
    const struct hx_tail_sink sink = {look, NULL, &sum, false};
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (size > 0 && data[0] == '{') {
        (void)!hx_tail_read_json(otl_view(text, size), &sink, &fragment, &spans);
    } else {
        hold(text);
        transform(text);
    }
    free(text);
    return 0;
}
