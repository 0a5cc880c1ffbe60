/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/propagators.h>
#include <otel/trace_state.h>

#include "sdk/propagation/carrier.h"
#include "sdk/propagation/traceparent.h"

/* What visit_traceparent and visit_tracestate collect. */
struct reading {
    unsigned traceparents;
    bool valid;
    struct otl_traceparent traceparent;
    bool states_lost; /* over the limit, or no memory */
    struct otl_buf states;
};

static void visit_traceparent(void *arg, struct otel_str text)
{
    struct reading *reading = arg;

    reading->traceparents++;
    reading->valid = reading->traceparents == 1 &&
                     otl_traceparent_parse(otl_view(text.data, text.len), &reading->traceparent);
}

static void visit_tracestate(void *arg, struct otel_str text)
{
    struct reading *reading = arg;
    enum otel_err err = OTEL_OK;

    if (reading->states_lost)
        return;
    if (reading->states.len > 0)
        err = otl_buf_append_byte(&reading->states, ',');
    if (err == OTEL_OK)
        err = otl_buf_append(&reading->states, text.data, text.len);
    reading->states_lost = err != OTEL_OK;
}

static struct otel_trace_state *read_states(const void *carrier,
                                            const struct otel_text_map_getter *getter,
                                            struct reading *reading)
{
    struct otel_trace_state *state = NULL;

    otl_buf_init(&reading->states, OTEL_TRACE_STATE_MAX_BYTES);
    otl_carrier_each(carrier, getter, "tracestate", visit_tracestate, reading);
    if (reading->states_lost || reading->states.len == 0 ||
        otel_trace_state_parse(otel_strn(reading->states.data, reading->states.len), &state) !=
            OTEL_OK)
        state = NULL; /* an unusable tracestate does not touch the traceparent */
    otl_buf_fini(&reading->states);
    return state;
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct reading reading = {.traceparents = 0};
    struct otel_span_context remote = {.is_remote = true};

    (void)propagator;
    otl_carrier_each(carrier, getter, "traceparent", visit_traceparent, &reading);
    if (!reading.valid)
        return otel_context_ref(context);
    memcpy(remote.trace_id, reading.traceparent.trace_id, sizeof(remote.trace_id));
    memcpy(remote.span_id, reading.traceparent.span_id, sizeof(remote.span_id));
    remote.flags = reading.traceparent.flags;
    remote.trace_state = read_states(carrier, getter, &reading);
    context = otel_context_with_span_context(context, &remote);
    otel_trace_state_unref(remote.trace_state);
    return context;
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    char text[OTL_TRACEPARENT_LEN + 1];
    struct otl_traceparent traceparent;
    struct otel_str states;

    (void)propagator;
    if (!otel_span_context_is_valid(span))
        return;
    memcpy(traceparent.trace_id, span->trace_id, sizeof(traceparent.trace_id));
    memcpy(traceparent.span_id, span->span_id, sizeof(traceparent.span_id));
    traceparent.flags = span->flags;
    otl_traceparent_format(&traceparent, text);
    setter->set(carrier, otel_str("traceparent"), otel_strn(text, OTL_TRACEPARENT_LEN));
    states = otel_trace_state_header(span->trace_state);
    if (states.len > 0)
        setter->set(carrier, otel_str("tracestate"), states);
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str("traceparent"));
    visit(arg, otel_str("tracestate"));
}

struct otel_propagator *otel_propagator_tracecontext(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator tracecontext = {&ops, 1};

    return &tracecontext;
}
