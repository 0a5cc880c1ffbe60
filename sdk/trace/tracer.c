/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/mem.h"
#include "sdk/otlp/wire.h"
#include "sdk/trace/provider_impl.h"

static const struct otl_value_limits scope_limits = {UINT32_MAX, 64};

static struct otl_tracer *of(struct otel_tracer *api)
{
    return (struct otl_tracer *)api;
}

/* A tracer holds one reference to its provider while it is itself held; it stays in the
 * provider's list to be found again. */
static void tracer_ref(struct otel_tracer *api)
{
    __atomic_fetch_add(&of(api)->refs, 1, __ATOMIC_RELAXED);
}

static void tracer_unref(struct otel_tracer *api)
{
    if (__atomic_fetch_sub(&of(api)->refs, 1, __ATOMIC_ACQ_REL) == 1)
        otl_provider_unref(of(api)->provider);
}

static bool tracer_enabled(const struct otel_tracer *api)
{
    const struct otel_sdk_provider *provider = ((const struct otl_tracer *)api)->provider;

    return !__atomic_load_n(&provider->shut_down, __ATOMIC_RELAXED) &&
           __atomic_load_n(&provider->processors, __ATOMIC_ACQUIRE)->count != 0;
}

static bool never_enabled(const struct otel_tracer *api)
{
    (void)api;
    return false;
}

static struct otel_span *start_nothing(struct otel_tracer *api, struct otel_str name,
                                       const struct otel_span_options *options)
{
    (void)api, (void)name;
    return otel_span_passed_through(options);
}

static const struct otel_tracer_ops tracer_ops = {tracer_ref, tracer_unref, tracer_enabled,
                                                  otl_tracer_start};
static const struct otel_tracer_ops disabled_ops = {tracer_ref, tracer_unref, never_enabled,
                                                    start_nothing};

static size_t text_field_size(struct otel_str text)
{
    return text.len != 0 ? otl_wire_field_size(otl_text_size(text, UINT32_MAX)) : 0;
}

static uint8_t *put_text(uint8_t *at, uint8_t tag, struct otel_str text)
{
    if (text.len == 0)
        return at;
    at = otl_wire_head(at, tag, otl_text_size(text, UINT32_MAX));
    return otl_text_write(at, text, UINT32_MAX);
}

/* The bytes of message InstrumentationScope; they also tell equal scopes. NULL: no memory. */
static char *encode(const struct otel_tracer_options *options, size_t *ret_len)
{
    uint32_t dropped;
    size_t size = text_field_size(options->name) + text_field_size(options->version) +
                  otl_attributes_size(options->attributes, options->attribute_count, UINT32_MAX,
                                      &scope_limits, &dropped);
    uint8_t *bytes = otl_mem_alloc(size + 1);
    uint8_t *at = bytes;

    if (bytes == NULL)
        return NULL;
    at = put_text(at, OTL_TAG_SCOPE_NAME, options->name);
    at = put_text(at, OTL_TAG_SCOPE_VERSION, options->version);
    otl_attributes_write(at, OTL_TAG_SCOPE_ATTRIBUTE, options->attributes, options->attribute_count,
                         UINT32_MAX, &scope_limits);
    *ret_len = size;
    return (char *)bytes;
}

void otl_tracer_free(struct otl_tracer *tracer)
{
    if (tracer == NULL)
        return;
    otl_mem_free((char *)(uintptr_t)tracer->scope.name.data);
    otl_mem_free((char *)(uintptr_t)tracer->scope.version.data);
    otl_mem_free((char *)(uintptr_t)tracer->scope.schema_url.data);
    otl_mem_free((char *)(uintptr_t)tracer->scope.encoded.data);
    otl_mem_free(tracer);
}

/* A repaired copy, NUL-terminated. */
static bool copy_text(struct otel_str text, struct otel_str *ret)
{
    size_t len = otl_text_size(text, UINT32_MAX);
    char *copy = otl_mem_alloc(len + 1);

    if (copy == NULL)
        return false;
    otl_text_write((uint8_t *)copy, text, UINT32_MAX);
    copy[len] = '\0';
    *ret = otel_strn(copy, len);
    return true;
}

static struct otl_tracer *make(struct otel_sdk_provider *provider,
                               const struct otel_tracer_options *options)
{
    struct otl_tracer *tracer = otl_mem_zalloc(sizeof(*tracer));
    size_t len = 0;
    char *encoded;

    if (tracer == NULL)
        return NULL;
    tracer->api.ops = &tracer_ops;
    tracer->provider = provider;
    encoded = encode(options, &len);
    tracer->scope.encoded = otel_strn(encoded, len);
    if (encoded == NULL || !copy_text(options->name, &tracer->scope.name) ||
        !copy_text(options->version, &tracer->scope.version) ||
        !copy_text(options->schema_url, &tracer->scope.schema_url)) {
        otl_tracer_free(tracer);
        return NULL;
    }
    if (provider->tracer_enabled != NULL &&
        !provider->tracer_enabled(provider->tracer_enabled_arg, &tracer->scope))
        tracer->api.ops = &disabled_ops;
    return tracer;
}

static struct otl_tracer *find_locked(struct otel_sdk_provider *provider,
                                      const struct otl_tracer *wanted)
{
    for (struct otl_tracer *tracer = provider->tracers; tracer != NULL; tracer = tracer->next)
        if (otel_str_equal(tracer->scope.encoded, wanted->scope.encoded) &&
            otel_str_equal(tracer->scope.schema_url, wanted->scope.schema_url))
            return tracer;
    return NULL;
}

/* Take a reference; the first one of a tracer that nobody held takes the provider's, too. */
static struct otel_tracer *hold_locked(struct otl_tracer *tracer)
{
    if (__atomic_fetch_add(&tracer->refs, 1, __ATOMIC_RELAXED) == 0)
        otl_provider_ref(tracer->provider);
    return &tracer->api;
}

struct otel_tracer *otl_tracer_get(struct otel_tracer_provider *api,
                                   const struct otel_tracer_options *options)
{
    struct otel_sdk_provider *provider = (struct otel_sdk_provider *)api;
    struct otl_tracer *made, *found;
    struct otel_tracer *result = NULL;

    if (__atomic_load_n(&provider->shut_down, __ATOMIC_RELAXED))
        return otel_tracer_noop();
    if (options->name.len == 0)
        otl_provider_error(provider, OTEL_ERR_ARGUMENT, "tracer without a name");
    made = make(provider, options);
    if (made == NULL)
        return otel_tracer_noop();
    pthread_mutex_lock(&provider->lock);
    found = find_locked(provider, made);
    if (found != NULL) {
        result = hold_locked(found);
    } else if (provider->tracer_count < OTL_MAX_TRACERS) {
        provider->tracer_count++;
        made->next = provider->tracers;
        provider->tracers = made;
        result = hold_locked(made);
    }
    pthread_mutex_unlock(&provider->lock);
    if (found != NULL || result == NULL)
        otl_tracer_free(made);
    if (result == NULL)
        otl_provider_error(provider, OTEL_ERR_LIMIT,
                           "at most 1024 tracers in a provider: this one is a no-op");
    return result != NULL ? result : otel_tracer_noop();
}
