/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/tail/tail.h"
#include "collector-mock/processors/trace_state.h"
#include "collector-mock/wire/put.h"

/* What is kept says by which threshold (compat.use_tracestate) and by which policy
 * (compat.record_policy). */

enum { SCOPE_ATTRIBUTES = 3, KEY = 1, VALUE = 2, TEXT = 1 };

/* ---- thresholds ---- */

/* One that has a higher one keeps it; one whose tracestate is none is left as it is. */
static enum otel_err mark_span(struct col_tail *tail, uint64_t threshold, struct col_span *span)
{
    struct col_trace_state state;
    struct otl_view text;
    enum otel_err err;

    if (!col_trace_state_read(span->trace_state, &state)) {
        col_tail_count_unparseable(tail);
        return OTEL_OK;
    }
    if (state.has_th && state.th > threshold)
        return OTEL_OK;
    state.has_th = threshold != COL_THRESHOLD_NEVER; /* that one has no text */
    state.th = threshold;
    state.th_text = otl_view(NULL, 0);
    otl_buf_reset(&tail->mark_text);
    otl_buf_reset(&tail->mark_span);
    err = col_trace_state_write(&state, &tail->mark_text);
    text = otl_view(tail->mark_text.data, tail->mark_text.len);
    if (err != OTEL_OK || otl_view_equal(text, span->trace_state))
        return err;
    err = col_edit_copy(&tail->mark_span, span->raw, 1u << COL_SPAN_TRACE_STATE);
    if (err == OTEL_OK)
        err = col_put_field(&tail->mark_span, COL_SPAN_TRACE_STATE, text);
    span->raw = otl_view(tail->mark_span.data, tail->mark_span.len);
    return err;
}

enum otel_err col_tail_mark_spans(struct col_tail *tail, struct col_batch *batch,
                                  uint64_t threshold)
{
    struct col_traces *traces = col_rewrite_begin(&tail->marked, batch);
    enum otel_err err = OTEL_OK;
    struct col_span span;
    uint64_t count;

    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        err = mark_span(tail, threshold, &span);
        if (err == OTEL_OK)
            err = col_rewrite_add(&tail->marked, &span);
    }
    return err == OTEL_OK ? col_rewrite_finish(&tail->marked, &batch->request, &count) : err;
}

/* ---- policies ---- */

/* value: an AnyValue. */
static enum otel_err put_attribute(struct otl_buf *out, const char *key, struct otl_view value)
{
    struct otl_view name = otl_view_str(key);
    enum otel_err err = col_put_head(out, SCOPE_ATTRIBUTES,
                                     col_field_size(name.len) + col_field_size(value.len));

    if (err == OTEL_OK)
        err = col_put_field(out, KEY, name);
    return err == OTEL_OK ? col_put_field(out, VALUE, value) : err;
}

static enum otel_err put_name(struct col_tail *tail, const char *key, const char *name)
{
    enum otel_err err;

    if (name == NULL)
        return OTEL_OK;
    otl_buf_reset(&tail->mark_text);
    err = col_put_field(&tail->mark_text, TEXT, otl_view_str(name));
    if (err != OTEL_OK)
        return err;
    return put_attribute(&tail->mark_scope, key,
                         otl_view(tail->mark_text.data, tail->mark_text.len));
}

enum otel_err col_tail_mark_scopes(struct col_tail *tail, const struct col_tail_mark *mark,
                                   struct otl_view *ret)
{
    static const char yes[] = {2 << 3 | COL_WIRE_VARINT, 1};
    enum otel_err err;

    otl_buf_reset(&tail->mark_scope);
    err = put_name(tail, "tailsampling.composite_policy", mark->sub_policy);
    if (err == OTEL_OK)
        err = put_name(tail, "tailsampling.policy", mark->policy);
    if (err == OTEL_OK && mark->cached)
        err = put_attribute(&tail->mark_scope, "tailsampling.cached_decision",
                            otl_view(yes, sizeof(yes)));
    *ret = otl_view(tail->mark_scope.data, tail->mark_scope.len);
    return err;
}
