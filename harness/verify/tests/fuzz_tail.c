/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/read_json.h"
#include "harness/verify/tail/rules.h"

/* What the oracle of tail sampling reads: an OTLP/JSON line (first byte '{'), or a condition, held
 * against a span without anything. */

static struct hx_tail_value no_attribute(const struct hx_tail_span *span, enum hx_tail_where where,
                                         unsigned event, const char *key)
{
    (void)span;
    (void)where;
    (void)event;
    (void)key;
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

static struct hx_tail_value one_event(const struct hx_tail_span *span, unsigned event)
{
    (void)span;
    return (struct hx_tail_value){.kind = event == 0 ? HX_TAIL_TEXT : HX_TAIL_NOTHING,
                                  .text = otl_view("e", 1)};
}

static enum otel_err look(void *context, const struct hx_tail_span *span)
{
    uint64_t *sum = context;
    struct hx_tail_value value = span->attribute(span, HX_TAIL_SPAN, 0, "k");

    *sum += span->start_ns + value.text.len + (uint64_t)span->event_name(span, 0).kind;
    return OTEL_OK;
}

static void hold(const char *text)
{
    const struct hx_tail_span span = {.attribute = no_attribute, .event_name = one_event};
    json_t *list = json_pack("[s]", text);
    struct hx_ottl *ottl = NULL;
    struct otl_arena arena;

    otl_arena_init(&arena, 1 << 20);
    if (list != NULL && hx_ottl_load(&arena, list, list, &ottl, NULL) == OTEL_OK)
        (void)hx_ottl_true(ottl, &span);
    hx_ottl_fini(ottl);
    otl_arena_fini(&arena);
    json_decref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t fragment = 0, spans = 0, sum = 0;
    const struct hx_tail_sink sink = {look, NULL, &sum};
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (size > 0 && data[0] == '{')
        (void)!hx_tail_read_json(otl_view(text, size), &sink, &fragment, &spans);
    else
        hold(text);
    free(text);
    return 0;
}
