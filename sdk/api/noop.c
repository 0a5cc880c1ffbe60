/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/impl.h>
#include <otel/trace_state.h>

#include "sdk/api/passing_span.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

struct passing_span {
    struct otel_span span;
    size_t refs;
};

static void keep(struct otel_span *span)
{
    (void)span;
}

static bool never(const struct otel_span *span)
{
    (void)span;
    return false;
}

static void no_set(struct otel_span *span, struct otel_str key, const struct otel_value *value)
{
    (void)span, (void)key, (void)value;
}

static void no_set_many(struct otel_span *span, const struct otel_attribute *attributes,
                        size_t count)
{
    (void)span, (void)attributes, (void)count;
}

static void no_event(struct otel_span *span, const struct otel_event *event)
{
    (void)span, (void)event;
}

static void no_link(struct otel_span *span, const struct otel_link *link)
{
    (void)span, (void)link;
}

static void no_status(struct otel_span *span, enum otel_status status, struct otel_str description)
{
    (void)span, (void)status, (void)description;
}

static void no_name(struct otel_span *span, struct otel_str name)
{
    (void)span, (void)name;
}

static void no_exception(struct otel_span *span, const struct otel_exception *exception)
{
    (void)span, (void)exception;
}

static void no_end(struct otel_span *span, uint64_t end_time_unix_nanos)
{
    (void)span, (void)end_time_unix_nanos;
}

const struct otel_span_ops otel_span_noop_ops = {
    keep,    keep,      never,   no_set,       no_set_many, no_event,
    no_link, no_status, no_name, no_exception, no_end,
};

struct otel_span otl_invalid_span = {&otel_span_noop_ops, {{0}, {0}, 0, false, NULL}};

struct otel_span *otel_span_invalid(void)
{
    return &otl_invalid_span;
}

static void passing_ref(struct otel_span *span)
{
    struct passing_span *passing = (struct passing_span *)span;

    __atomic_fetch_add(&passing->refs, 1, __ATOMIC_RELAXED);
}

static void passing_unref(struct otel_span *span)
{
    struct passing_span *passing = (struct passing_span *)span;

    if (__atomic_fetch_sub(&passing->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    otel_trace_state_unref(span->context.trace_state);
    otl_mem_free(passing);
}

static const struct otel_span_ops passing_ops = {
    passing_ref, passing_unref, never,   no_set,       no_set_many, no_event,
    no_link,     no_status,     no_name, no_exception, no_end,
};

struct otel_span *otl_passing_span_new(const struct otel_span_context *context)
{
    struct passing_span *passing = otl_mem_alloc(sizeof(*passing));

    if (passing == NULL)
        return NULL;
    passing->span.ops = &passing_ops;
    passing->span.context = *context;
    otel_trace_state_ref(context->trace_state);
    passing->refs = 1;
    return &passing->span;
}

struct otel_span *otel_span_passed_through(const struct otel_span_options *options)
{
    const struct otel_context *context = options != NULL ? options->parent : NULL;
    struct otel_span *parent;

    if (context == NULL && otl_current.context == NULL)
        return &otl_invalid_span;
    if (options != NULL && options->root)
        return &otl_invalid_span;
    parent = otel_context_span(context != NULL ? context : otel_context_current());
    if (parent == &otl_invalid_span)
        return parent;
    if (!parent->ops->is_recording(parent)) {
        parent->ops->ref(parent);
        return parent;
    }
    parent = otl_passing_span_new(&parent->context);
    return parent != NULL ? parent : &otl_invalid_span;
}

static void tracer_keep(struct otel_tracer *tracer)
{
    (void)tracer;
}

static bool tracer_never(const struct otel_tracer *tracer)
{
    (void)tracer;
    return false;
}

static struct otel_span *tracer_start(struct otel_tracer *tracer, struct otel_str name,
                                      const struct otel_span_options *options)
{
    (void)tracer, (void)name;
    return otel_span_passed_through(options);
}

static const struct otel_tracer_ops tracer_ops = {tracer_keep, tracer_keep, tracer_never,
                                                  tracer_start};
static struct otel_tracer g_tracer = {&tracer_ops};

struct otel_tracer *otel_tracer_noop(void)
{
    return &g_tracer;
}

void otel_trace_id_hex(const uint8_t *trace_id, char *out)
{
    if (out != NULL)
        otl_hex(trace_id != NULL ? trace_id : otl_invalid_span.context.trace_id,
                OTEL_TRACE_ID_SIZE, out);
}

void otel_span_id_hex(const uint8_t *span_id, char *out)
{
    if (out != NULL)
        otl_hex(span_id != NULL ? span_id : otl_invalid_span.context.span_id, OTEL_SPAN_ID_SIZE,
                out);
}
