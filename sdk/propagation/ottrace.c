/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/vendor_propagators.h>

#include "sdk/propagation/vendor.h"

static const char trace_key[] = "ot-tracer-traceid";
static const char span_key[] = "ot-tracer-spanid";
static const char sampled_key[] = "ot-tracer-sampled";
static const char prefix[] = "ot-baggage-";

static bool read_headers(const void *carrier, const struct otel_text_map_getter *getter,
                         struct otel_span_context *remote)
{
    struct otl_view trace, span, sampled;

    if (!otl_carrier_first(carrier, getter, trace_key, &trace) ||
        !otl_carrier_first(carrier, getter, span_key, &span) ||
        (trace.len != 16 && trace.len != 32) || span.len != 16 ||
        !otl_hex_id(trace, remote->trace_id, OTEL_TRACE_ID_SIZE) ||
        !otl_hex_id(span, remote->span_id, OTEL_SPAN_ID_SIZE))
        return false;
    if (!otl_carrier_first(carrier, getter, sampled_key, &sampled))
        return true;
    if (otl_view_is(sampled, "true") || otl_view_is(sampled, "1"))
        remote->flags = OTEL_FLAG_SAMPLED;
    return remote->flags != 0 || otl_view_is(sampled, "false") || otl_view_is(sampled, "0");
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct otel_span_context remote = {.is_remote = true};
    struct otel_context *with_span, *with_both;

    (void)propagator;
    if (!read_headers(carrier, getter, &remote))
        return otel_context_ref(context);
    with_span = otl_context_with_remote(context, &remote, OTL_WISH_NONE);
    with_both = otl_prefixed_extract(with_span, carrier, getter, prefix);
    otel_context_unref(with_span);
    return with_both;
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    char text[33];

    (void)propagator;
    if (!otel_span_context_is_valid(span))
        return;
    otel_trace_id_hex(span->trace_id, text);
    setter->set(carrier, otel_str(trace_key), otel_strn(text + 16, 16));
    otel_span_id_hex(span->span_id, text);
    setter->set(carrier, otel_str(span_key), otel_strn(text, 16));
    setter->set(carrier, otel_str(sampled_key),
                otel_str(otel_span_context_is_sampled(span) ? "true" : "false"));
    otl_prefixed_inject(context, carrier, setter, prefix);
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str(trace_key));
    visit(arg, otel_str(span_key));
    visit(arg, otel_str(sampled_key));
}

struct otel_propagator *otel_propagator_ottrace(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator ottrace = {&ops, 1};

    return &ottrace;
}
