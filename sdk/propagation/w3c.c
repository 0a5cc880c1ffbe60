/* SPDX-License-Identifier: Apache-2.0 */
/* Trace context and baggage as one static propagator. */
#include <otel/propagators.h>

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    (void)propagator;
    otel_propagator_inject(otel_propagator_tracecontext(), context, carrier, setter);
    otel_propagator_inject(otel_propagator_baggage(), context, carrier, setter);
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct otel_context *with_span, *with_both;

    (void)propagator;
    with_span = otel_propagator_extract(otel_propagator_tracecontext(), context, carrier, getter);
    with_both = otel_propagator_extract(otel_propagator_baggage(), with_span, carrier, getter);
    otel_context_unref(with_span);
    return with_both;
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    otel_propagator_fields(otel_propagator_tracecontext(), visit, arg);
    otel_propagator_fields(otel_propagator_baggage(), visit, arg);
}

struct otel_propagator *otel_propagator_w3c(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator w3c = {&ops, 1};

    return &w3c;
}
