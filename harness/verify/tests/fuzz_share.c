/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/trace_state.h"
#include "harness/verify/tail/before.h"

/* Any bytes as the tracestate of a span before probabilistic_sampler: what the prediction makes of
 * it is what the collector's reader of tracestates says, with which it shares no code. The share is
 * the whole, so that a span is dropped for its tracestate alone. */

#define RANDOMNESS 0x0a0b0c0d0e0f10u /* the last seven bytes of the trace id below */

static struct otl_arena arena;
static struct hx_before before;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void start(void)
{
    json_t *config = json_pack("{s:s, s:i}", "mode", "equalizing", "sampling_percentage", 100);

    otl_arena_init(&arena, 1 << 20);
    hx_before_init(&before, &arena);
    require(config != NULL &&
            hx_before_add(&before, "probabilistic_sampler", config, NULL) == OTEL_OK);
}

/* As the collector reads it. */
static void compare(struct otl_view text, const struct hx_tail_span *predicted)
{
    struct col_trace_state state, after;
    bool good = col_trace_state_read(text, &state);
    uint64_t randomness = state.has_rv ? state.rv : RANDOMNESS;
    bool kept = good && !(state.has_th && state.th > randomness);

    require((predicted != NULL) == kept);
    if (!kept || predicted->trace_state.len > 1024)
        return; /* with one threshold more it may be too long to be read again */
    if (!col_trace_state_read(predicted->trace_state, &after)) {
        require(state.ot.len == 0 || state.ot.len > 200);
        return; /* likewise */
    }
    require(after.has_th && after.th == (state.has_th ? state.th : 0));
    require(after.has_rv == state.has_rv && (!state.has_rv || after.rv == state.rv));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1); /* just so much: reading behind it is noticed */
    struct hx_tail_span span = hx_draft_nothing;
    struct hx_draft draft;

    require(text != NULL);
    if (before.count == 0)
        start();
    if (size > 0)
        memcpy(text, data, size);
    for (unsigned i = 0; i < sizeof(span.trace_id); i++)
        span.trace_id[i] = (uint8_t)(i + 1);
    span.trace_state = otl_view(text, size);
    memset(&draft, 0, sizeof(draft));
    compare(span.trace_state, hx_before_run(&before, &span, &draft));
    free(text);
    return 0;
}
