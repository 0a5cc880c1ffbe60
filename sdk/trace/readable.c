/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/processor.h>
#include <otel/sdk/readable_span.h>

#include "sdk/trace/span_impl.h"

static struct otl_span *of(const struct otel_sdk_readable_span *span)
{
    return (struct otl_span *)(uintptr_t)span;
}

struct otel_sdk_readable_span *otel_sdk_readable_span_ref(struct otel_sdk_readable_span *span)
{
    if (span != NULL)
        __atomic_fetch_add(&of(span)->refs, 1, __ATOMIC_RELAXED);
    return span;
}

void otel_sdk_readable_span_unref(struct otel_sdk_readable_span *span)
{
    if (span != NULL)
        otl_span_release(of(span));
}

const struct otel_sdk_readable_span *otel_sdk_span_readable(const struct otel_span *span)
{
    return span != NULL && span->ops == &otl_span_ops ? (const struct otel_sdk_readable_span *)span
                                                      : NULL;
}

static struct otel_str bytes_of(const struct otl_span *span)
{
    return otel_strn((const char *)span->body, span->body_len);
}

void otel_sdk_span_info(const struct otel_sdk_readable_span *span,
                        struct otel_sdk_span_info *ret_info)
{
    const struct otl_span *inner = of(span);

    otel_sdk_decode_info(bytes_of(inner), ret_info);
    ret_info->context = inner->api.context;
    ret_info->parent.trace_state = inner->parent_state;
    ret_info->has_ended = __atomic_load_n(&inner->state, __ATOMIC_ACQUIRE) == OTL_SPAN_ENDED;
    ret_info->dropped_attributes = inner->dropped_attributes;
    ret_info->dropped_events = inner->dropped_events;
    ret_info->dropped_links = inner->dropped_links;
}

const struct otel_span_context *otel_sdk_span_context(const struct otel_sdk_readable_span *span)
{
    return &of(span)->api.context;
}

const struct otel_sdk_scope *otel_sdk_span_scope(const struct otel_sdk_readable_span *span)
{
    return &of(span)->tracer->scope;
}

const struct otel_sdk_resource *otel_sdk_span_resource(const struct otel_sdk_readable_span *span)
{
    return of(span)->tracer->provider->resource;
}

struct otel_str otel_sdk_span_encoded(const struct otel_sdk_readable_span *span)
{
    const struct otl_span *inner = of(span);

    return inner->state == OTL_SPAN_ENDED ? bytes_of(inner) : otel_strn(NULL, 0);
}

struct otel_sdk_iter otel_sdk_span_attributes(const struct otel_sdk_readable_span *span)
{
    return otel_sdk_decode_attributes(bytes_of(of(span)));
}

struct otel_sdk_iter otel_sdk_span_events(const struct otel_sdk_readable_span *span)
{
    return otel_sdk_decode_events(bytes_of(of(span)));
}

struct otel_sdk_iter otel_sdk_span_links(const struct otel_sdk_readable_span *span)
{
    return otel_sdk_decode_links(bytes_of(of(span)));
}
