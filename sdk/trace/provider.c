/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/provider.h>
#include <stdio.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/trace/span_impl.h"

enum {
    DEFAULT_COUNT = 128,
    MAX_DEPTH = 64,
    DEFAULT_LIVE_SPANS = 65536,
    DEFAULT_SPAN_BYTES = 1 << 20,
    LEAST_SPAN_BYTES = 1024,
    MOST_SPAN_BYTES = 1 << 30,
    MOST_LIGHTS = 1 << 20,
    FREE_TIMEOUT_MILLIS = 5000
};

#define DEFAULT_OVERFLOW_BYTES (64ULL << 20)

/* Providers that nobody holds but spans of theirs are alive. Locked before the registry. */
static pthread_mutex_t g_waiting_lock = PTHREAD_MUTEX_INITIALIZER;
static struct otel_sdk_provider *g_waiting;

void otl_provider_lock_waiting(void)
{
    pthread_mutex_lock(&g_waiting_lock);
}

void otl_provider_unlock_waiting(void)
{
    pthread_mutex_unlock(&g_waiting_lock);
}

void otel_sdk_span_limits_init(struct otel_sdk_span_limits *limits)
{
    limits->attribute_count_limit = DEFAULT_COUNT;
    limits->attribute_value_length_limit = OTEL_SDK_NO_LIMIT;
    limits->attribute_value_depth_limit = MAX_DEPTH;
    limits->event_count_limit = DEFAULT_COUNT;
    limits->link_count_limit = DEFAULT_COUNT;
    limits->event_attribute_count_limit = DEFAULT_COUNT;
    limits->link_attribute_count_limit = DEFAULT_COUNT;
}

void otel_sdk_provider_options_init(struct otel_sdk_provider_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    otel_sdk_span_limits_init(&options->limits);
    options->max_live_spans = DEFAULT_LIVE_SPANS;
    options->max_span_bytes = DEFAULT_SPAN_BYTES;
    options->max_overflow_bytes = DEFAULT_OVERFLOW_BYTES;
}

void otl_provider_count(struct otel_sdk_provider *provider, enum otl_count which, uint64_t n)
{
    struct otl_local *local = otl_local(provider);

    if (local != NULL)
        otl_count(local, which, n);
    else
        __atomic_fetch_add(&provider->lost_counts[which], n, __ATOMIC_RELEASE);
}

void otl_provider_error(struct otel_sdk_provider *provider, enum otel_err err, const char *text)
{
    uint64_t due, now;

    if (provider->error == NULL)
        return;
    now = otl_clock_mono(otl_clock_real());
    due = __atomic_load_n(&provider->error_due, __ATOMIC_RELAXED);
    if (now < due || !__atomic_compare_exchange_n(&provider->error_due, &due, now + OTL_NS_PER_S,
                                                  false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    provider->error(provider->error_arg, err, text);
}

static void report(void *arg, enum otel_err err, const char *text)
{
    otl_provider_error(arg, err, text);
}

/* --- life --- */

static void destroy(struct otel_sdk_provider *provider)
{
    struct otl_processors *processors = provider->processors;

    otl_local_unregister(provider); /* first: a fork looks at every registered provider */
    for (size_t i = 0; processors != NULL && i < processors->count; i++)
        otel_sdk_processor_free(processors->items[i]);
    while (processors != NULL) {
        struct otl_processors *older = processors->older;
        otl_mem_free(processors);
        processors = older;
    }
    while (provider->tracers != NULL) {
        struct otl_tracer *tracer = provider->tracers;
        provider->tracers = tracer->next;
        otl_tracer_free(tracer);
    }
    otl_pool_fini(&provider->spans);
    otl_pool_fini(&provider->lights);
    otel_sdk_resource_unref(provider->resource);
    otel_sdk_sampler_unref(provider->sampler);
    if (provider->tracer_enabled_release != NULL)
        provider->tracer_enabled_release(provider->tracer_enabled_arg);
    pthread_mutex_destroy(&provider->lock);
    otl_mem_free(provider);
}

static bool is_idle(struct otel_sdk_provider *provider)
{
    uint64_t counts[OTL_COUNTS];

    otl_local_sum(provider, counts);
    return counts[OTL_COUNT_TAKEN] == counts[OTL_COUNT_RETURNED];
}

void otl_provider_sweep(void)
{
    struct otel_sdk_provider **link, *idle = NULL;

    pthread_mutex_lock(&g_waiting_lock);
    for (link = &g_waiting; *link != NULL;) {
        struct otel_sdk_provider *provider = *link;
        if (is_idle(provider)) {
            *link = provider->next;
            provider->next = idle;
            idle = provider;
        } else {
            link = &provider->next;
        }
    }
    pthread_mutex_unlock(&g_waiting_lock);
    while (idle != NULL) {
        struct otel_sdk_provider *next = idle->next;
        destroy(idle);
        idle = next;
    }
}

void otl_provider_ref(struct otel_sdk_provider *provider)
{
    __atomic_fetch_add(&provider->refs, 1, __ATOMIC_RELAXED);
}

void otl_provider_unref(struct otel_sdk_provider *provider)
{
    if (__atomic_fetch_sub(&provider->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    pthread_mutex_lock(&g_waiting_lock);
    provider->next = g_waiting;
    g_waiting = provider;
    pthread_mutex_unlock(&g_waiting_lock);
    otl_provider_sweep();
}

static void api_ref(struct otel_tracer_provider *api)
{
    otl_provider_ref((struct otel_sdk_provider *)api);
}

static void api_unref(struct otel_tracer_provider *api)
{
    otl_provider_unref((struct otel_sdk_provider *)api);
}

static const struct otel_tracer_provider_ops api_ops = {api_ref, api_unref, otl_tracer_get};

void otl_provider_forked(struct otel_sdk_provider *provider)
{
    struct otl_processors *processors = provider->processors;

    pthread_mutex_init(&provider->lock, NULL);
    otl_pool_forked(&provider->spans);
    otl_pool_forked(&provider->lights);
    provider->overflow_bytes = 0;
    memset(provider->lost_counts, 0, sizeof(provider->lost_counts));
    memset(provider->retired, 0, sizeof(provider->retired));
    for (size_t i = 0; i < processors->count; i++)
        if (processors->items[i]->ops->forked != NULL)
            processors->items[i]->ops->forked(processors->items[i]);
}

static uint64_t system_mono(void *state)
{
    (void)state;
    return otl_clock_mono(otl_clock_real());
}

static uint64_t system_wall(void *state)
{
    (void)state;
    return otl_clock_wall(otl_clock_real());
}

static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void take_options(struct otel_sdk_provider *provider,
                         const struct otel_sdk_provider_options *options)
{
    static const struct otel_sdk_clock system_clock = {system_mono, system_wall, NULL};

    provider->api.ops = &api_ops;
    provider->refs = 1;
    provider->real_clock = options->clock == NULL;
    provider->clock = options->clock != NULL ? *options->clock : system_clock;
    provider->ids_random = true;
    if (options->id_generator != NULL) {
        provider->ids = *options->id_generator;
        provider->ids_random = options->id_generator->random;
    }
    provider->limits = options->limits;
    provider->value_limits.value_length = options->limits.attribute_value_length_limit;
    provider->value_limits.depth =
        within(options->limits.attribute_value_depth_limit, 0, MAX_DEPTH);
    provider->max_span_bytes = within(options->max_span_bytes, LEAST_SPAN_BYTES, MOST_SPAN_BYTES);
    provider->max_overflow_bytes = options->max_overflow_bytes;
    provider->seeded = options->seeded;
    provider->seed = options->seed;
    provider->drop = options->drop;
    provider->drop_arg = options->drop_arg;
    provider->error = options->error;
    provider->error_arg = options->error_arg;
    provider->tracer_enabled = options->tracer_enabled;
    provider->tracer_enabled_arg = options->tracer_enabled_arg;
    provider->tracer_enabled_release = options->tracer_enabled_release;
    provider->anchor = (int64_t)(provider->clock.wall_ns(provider->clock.state) -
                                 provider->clock.mono_ns(provider->clock.state));
    pthread_mutex_init(&provider->lock, NULL);
    otl_pool_init(&provider->spans, OTL_SPAN_BLOCK, options->max_live_spans);
    otl_pool_init(&provider->lights, sizeof(struct otl_light) + 64 - sizeof(struct otl_light) % 64,
                  MOST_LIGHTS);
}

static enum otel_err set_parts(struct otel_sdk_provider *provider,
                               const struct otel_sdk_provider_options *options)
{
    provider->processors = otl_mem_zalloc(sizeof(*provider->processors));
    if (provider->processors == NULL)
        return OTEL_ERR_MEMORY;
    provider->resource = otel_sdk_resource_ref(options->resource);
    if (provider->resource == NULL) {
        enum otel_err err = otel_sdk_resource_default(&provider->resource);
        if (err != OTEL_OK)
            return err;
    }
    provider->sampler = otel_sdk_sampler_ref(options->sampler);
    if (provider->sampler == NULL)
        return otel_sdk_sampler_parentbased_new(NULL, &provider->sampler);
    return OTEL_OK;
}

/* At most so many of them: the code alone does not name the limit. */
static enum otel_err tell_limit(struct otel_sdk_provider *provider, unsigned most,
                                const char *of_what)
{
    char text[160];

    snprintf(text, sizeof(text), "at most %u %s", most, of_what);
    otl_provider_error(provider, OTEL_ERR_LIMIT, text);
    return OTEL_ERR_LIMIT;
}

static void free_processors(const struct otel_sdk_provider_options *options, size_t from)
{
    for (size_t i = from; i < options->processor_count; i++)
        otel_sdk_processor_free(options->processors[i]);
}

/* All that new takes over, where there is no provider to do it. */
static void consume(const struct otel_sdk_provider_options *options)
{
    free_processors(options, 0);
    if (options->tracer_enabled_release != NULL)
        options->tracer_enabled_release(options->tracer_enabled_arg);
}

enum otel_err otel_sdk_provider_new(const struct otel_sdk_provider_options *options,
                                    struct otel_sdk_provider **ret)
{
    struct otel_sdk_provider_options all;
    struct otel_sdk_provider *provider;
    enum otel_err err;

    otel_sdk_provider_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK) {
        free_processors(options, 0);
        return OTEL_ERR_ARGUMENT;
    }
    options = &all;
    otl_provider_sweep();
    provider = otl_mem_zalloc(sizeof(*provider));
    if (provider == NULL) {
        consume(options);
        return OTEL_ERR_MEMORY;
    }
    take_options(provider, options);
    err = set_parts(provider, options);
    if (err == OTEL_OK && !otl_local_register(provider))
        err = tell_limit(provider, OTL_MAX_PROVIDERS,
                         "tracer providers in a process, those included that were freed while a "
                         "span of theirs is still held");
    if (err != OTEL_OK) {
        consume(options);
        otl_mem_free(provider->processors);
        otel_sdk_resource_unref(provider->resource);
        otel_sdk_sampler_unref(provider->sampler);
        otl_mem_free(provider);
        return err;
    }
    for (size_t i = 0; i < options->processor_count; i++) {
        err = otel_sdk_provider_add_processor(provider, options->processors[i]);
        if (err != OTEL_OK) {
            free_processors(options, i + 1);
            otel_sdk_provider_free(provider);
            return err;
        }
    }
    *ret = provider;
    return OTEL_OK;
}

void otel_sdk_provider_free(struct otel_sdk_provider *provider)
{
    if (provider == NULL)
        return;
    (void)otel_sdk_provider_shutdown(provider, FREE_TIMEOUT_MILLIS);
    otl_provider_unref(provider);
}

struct otel_tracer_provider *otel_sdk_provider_api(struct otel_sdk_provider *provider)
{
    return provider != NULL ? &provider->api : NULL;
}

/* --- processors --- */

void otel_sdk_processor_free(struct otel_sdk_processor *processor)
{
    if (processor == NULL)
        return;
    if (processor->ops->shutdown != NULL)
        (void)processor->ops->shutdown(processor, FREE_TIMEOUT_MILLIS);
    processor->ops->free(processor);
}

static struct otl_processors *extended_locked(struct otel_sdk_provider *provider,
                                              struct otel_sdk_processor *processor)
{
    struct otl_processors *old = provider->processors;
    struct otl_processors *grown =
        otl_mem_zalloc(sizeof(*grown) + (old->count + 1) * sizeof(grown->items[0]));

    if (grown == NULL)
        return NULL;
    memcpy(grown->items, old->items, old->count * sizeof(grown->items[0]));
    grown->items[old->count] = processor;
    grown->count = old->count + 1;
    grown->older = old;
    grown->any_on_start = old->any_on_start || processor->ops->on_start != NULL;
    grown->any_on_ending = old->any_on_ending || processor->ops->on_ending != NULL;
    return grown;
}

static enum otel_err attach_locked(struct otel_sdk_provider *provider,
                                   struct otel_sdk_processor *processor)
{
    size_t index = provider->processors->count;
    struct otel_sdk_processor_host *host = &provider->hosts[index];

    host->index = (unsigned)index;
    host->resource = provider->resource;
    host->drop = provider->drop;
    host->drop_arg = provider->drop_arg;
    host->error = report;
    host->error_arg = provider;
    return processor->ops->attach != NULL ? processor->ops->attach(processor, host) : OTEL_OK;
}

enum otel_err otel_sdk_provider_add_processor(struct otel_sdk_provider *provider,
                                              struct otel_sdk_processor *processor)
{
    struct otl_processors *grown;
    enum otel_err err = OTEL_OK;
    bool full = false;

    if (processor == NULL)
        return OTEL_ERR_ARGUMENT;
    pthread_mutex_lock(&provider->lock);
    if (__atomic_load_n(&provider->shut_down, __ATOMIC_RELAXED))
        err = OTEL_ERR_CLOSED;
    else if (provider->processors->count == OTL_MAX_PROCESSORS)
        full = true;
    if (err == OTEL_OK && !full)
        err = attach_locked(provider, processor);
    if (err == OTEL_OK && !full) {
        grown = extended_locked(provider, processor);
        if (grown != NULL)
            __atomic_store_n(&provider->processors, grown, __ATOMIC_RELEASE);
        else
            err = OTEL_ERR_MEMORY;
    }
    pthread_mutex_unlock(&provider->lock);
    if (full)
        err = tell_limit(provider, OTL_MAX_PROCESSORS, "span processors in a provider");
    if (err == OTEL_OK)
        otl_pool_allow(&provider->spans, processor->span_capacity);
    else
        otel_sdk_processor_free(processor);
    return err;
}
