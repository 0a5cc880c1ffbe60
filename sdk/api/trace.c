/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/trace.h>

#include <otel/impl.h>

#include "sdk/api/global.h"
#include "sdk/api/passing_span.h"

static void provider_keep(struct otel_tracer_provider *provider)
{
    (void)provider;
}

static struct otel_tracer *provider_tracer(struct otel_tracer_provider *provider,
                                           const struct otel_tracer_options *options)
{
    (void)provider, (void)options;
    return otel_tracer_noop();
}

static const struct otel_tracer_provider_ops noop_provider_ops = {provider_keep, provider_keep,
                                                                  provider_tracer};
static struct otel_tracer_provider g_noop_provider = {&noop_provider_ops};

/* The global slot; global.h has its lock. */
static struct otel_tracer_provider *g_provider = &g_noop_provider;

struct otel_tracer_provider *otel_tracer_provider_global(void)
{
    struct otel_tracer_provider *provider;

    otl_global_lock();
    provider = g_provider;
    provider->ops->ref(provider);
    otl_global_unlock();
    return provider;
}

void otel_tracer_provider_set_global(struct otel_tracer_provider *provider)
{
    struct otel_tracer_provider *old;

    if (provider == NULL)
        provider = &g_noop_provider;
    provider->ops->ref(provider);
    otl_global_lock_to_set();
    old = g_provider;
    g_provider = provider;
    otl_global_unlock();
    old->ops->unref(old);
}

struct otel_tracer_provider *otel_tracer_provider_ref(struct otel_tracer_provider *provider)
{
    if (provider != NULL)
        provider->ops->ref(provider);
    return provider;
}

void otel_tracer_provider_unref(struct otel_tracer_provider *provider)
{
    if (provider != NULL)
        provider->ops->unref(provider);
}

struct otel_tracer *otel_tracer_provider_tracer(struct otel_tracer_provider *provider,
                                                const struct otel_tracer_options *options)
{
    struct otel_tracer_options none;
    struct otel_tracer *tracer;

    if (options == NULL) {
        otel_tracer_options_init(&none);
        options = &none;
    }
    if (provider != NULL)
        return provider->ops->tracer(provider, options);
    provider = otel_tracer_provider_global();
    tracer = provider->ops->tracer(provider, options);
    provider->ops->unref(provider);
    return tracer;
}

struct otel_tracer *otel_tracer(const char *name, const char *version)
{
    struct otel_tracer_options options;

    otel_tracer_options_init(&options);
    options.name = otel_str(name);
    options.version = otel_str(version);
    return otel_tracer_provider_tracer(NULL, &options);
}

struct otel_tracer *otel_tracer_ref(struct otel_tracer *tracer)
{
    if (tracer != NULL)
        tracer->ops->ref(tracer);
    return tracer;
}

void otel_tracer_unref(struct otel_tracer *tracer)
{
    if (tracer != NULL)
        tracer->ops->unref(tracer);
}

bool otel_tracer_enabled(const struct otel_tracer *tracer)
{
    return tracer != NULL && tracer->ops->enabled(tracer);
}

struct otel_span *otel_span_start_str(struct otel_tracer *tracer, struct otel_str name,
                                      const struct otel_span_options *options)
{
    if (tracer == NULL)
        return otel_span_passed_through(options);
    return tracer->ops->start(tracer, name, options);
}

struct otel_span *otel_span_ref(struct otel_span *span)
{
    if (span != NULL)
        span->ops->ref(span);
    return span;
}

void otel_span_unref(struct otel_span *span)
{
    if (span != NULL)
        span->ops->unref(span);
}

const struct otel_span_context *otel_span_get_context(const struct otel_span *span)
{
    return span != NULL ? &span->context : &otel_span_invalid()->context;
}

bool otel_span_is_recording(const struct otel_span *span)
{
    return span != NULL && span->ops->is_recording(span);
}

void otel_span_set(struct otel_span *span, struct otel_str key, const struct otel_value *value)
{
    if (span != NULL && value != NULL)
        span->ops->set(span, key, value);
}

void otel_span_set_many(struct otel_span *span, const struct otel_attribute *attributes,
                        size_t count)
{
    if (span != NULL && attributes != NULL)
        span->ops->set_many(span, attributes, count);
}

void otel_span_add_event(struct otel_span *span, const struct otel_event *event)
{
    if (span != NULL && event != NULL)
        span->ops->add_event(span, event);
}

void otel_span_add_link(struct otel_span *span, const struct otel_link *link)
{
    if (span != NULL && link != NULL)
        span->ops->add_link(span, link);
}

void otel_span_set_status_str(struct otel_span *span, enum otel_status status,
                              struct otel_str description)
{
    if (span != NULL)
        span->ops->set_status(span, status, description);
}

void otel_span_update_name(struct otel_span *span, struct otel_str name)
{
    if (span != NULL)
        span->ops->update_name(span, name);
}

void otel_span_record_exception(struct otel_span *span, const struct otel_exception *exception)
{
    if (span != NULL && exception != NULL)
        span->ops->record_exception(span, exception);
}

void otel_span_end_at(struct otel_span *span, uint64_t end_time_unix_nanos)
{
    if (span != NULL)
        span->ops->end(span, end_time_unix_nanos);
}

void otel_span_finish(struct otel_span *span)
{
    if (span == NULL || span == &otl_invalid_span)
        return;
    span->ops->end(span, 0);
    span->ops->unref(span);
}
