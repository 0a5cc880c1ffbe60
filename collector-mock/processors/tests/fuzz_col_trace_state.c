/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/trace_state.h"

/* Any bytes as a tracestate: what is read is written in a form that says the same and is written so
 * again, also with another threshold. Any eight bytes as a probability: its threshold is one. */

enum { TEXT_MAX = 1024, ROOM_MAX = 700, OT_ROOM_MAX = 200 }; /* room: for a threshold more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool same(const struct col_trace_state *a, const struct col_trace_state *b)
{
    return a->has_rv == b->has_rv && (!a->has_rv || a->rv == b->rv) && a->has_th == b->has_th &&
           (!a->has_th || a->th == b->th);
}

static void write_text(const struct col_trace_state *state, struct otl_buf *out)
{
    otl_buf_init(out, 1 << 16);
    require(col_trace_state_write(state, out) == OTEL_OK);
}

/* Written, read and written: the same numbers, the same text. */
static void round_trip(const struct col_trace_state *state, bool must_fit)
{
    struct otl_buf once, twice;
    struct col_trace_state again;
    bool fits;

    write_text(state, &once);
    fits = col_trace_state_read(otl_view(once.data, once.len), &again);
    require(fits || !must_fit);
    if (fits) {
        require(same(state, &again));
        write_text(&again, &twice);
        require(once.len == twice.len &&
                (once.len == 0 || memcmp(once.data, twice.data, once.len) == 0));
        otl_buf_fini(&twice);
    }
    otl_buf_fini(&once);
}

static void read_text(const char *text, size_t len)
{
    struct col_trace_state state;

    if (!col_trace_state_read(otl_view(text, len), &state))
        return;
    require(len <= TEXT_MAX);
    require(!state.has_rv || state.rv <= COL_RANDOMNESS_MAX);
    require(!state.has_th || state.th <= COL_RANDOMNESS_MAX);
    round_trip(&state, true);
    state.has_th = true;
    state.th = (uint64_t)len * 0x9e3779b97f4a7c15u & COL_RANDOMNESS_MAX;
    state.th_text = otl_view("", 0);
    round_trip(&state, len < ROOM_MAX && state.ot.len > 0 && state.ot.len < OT_ROOM_MAX);
}

static void read_probability(const uint8_t *data)
{
    double probability;
    uint64_t threshold;

    memcpy(&probability, data, sizeof(probability));
    for (unsigned precision = 1; precision <= 14; precision++) {
        threshold = col_threshold_of(probability, precision);
        require(threshold <= COL_THRESHOLD_NEVER);
        require(!(probability >= 1) || threshold == 0);
        require(col_threshold_probability(threshold) >= 0 &&
                col_threshold_probability(threshold) <= 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1); /* just so much: reading behind it is noticed */

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    if (size >= sizeof(double))
        read_probability(data);
    read_text(text, size);
    free(text);
    return 0;
}
