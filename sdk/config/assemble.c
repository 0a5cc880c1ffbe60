/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to a provider with its processor, exporter, sampler, resource and propagator. */
#include <string.h>
#include <unistd.h>

#include <otel/propagators.h>
#include <otel/sdk/config.h>
#include <otel/sdk/file_exporter.h>
#include <otel/vendor_propagators.h>

#include "sdk/base/library.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/config/hook.h"
#include "sdk/config/level.h"
#include "sdk/config/settings.h"
#include "sdk/config/steered.h"
#include "sdk/resource/detect.h"
#include "sdk/resource/environment.h"

extern const struct otl_config_hook otel_config_hook_0 __attribute__((weak));

struct otel_sdk {
    struct otel_sdk_provider *provider; /* NULL: disabled */
    struct otel_propagator *propagator;
    const struct otel_sdk_exporter *otlp; /* the provider's */
    struct otel_config_provider *config_provider; /* NULL: none */
};

enum { SHUTDOWN_MILLIS = 5000, MORE_MAX = 63 };

void otel_sdk_env_options_init(struct otel_sdk_env_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->console_fd = STDOUT_FILENO;
}

static struct otel_propagator *propagator_of(int word)
{
    static struct otel_propagator *(*const makers[])(void) = {
        [OTL_PROPAGATOR_TRACECONTEXT] = otel_propagator_tracecontext,
        [OTL_PROPAGATOR_BAGGAGE] = otel_propagator_baggage,
        [OTL_PROPAGATOR_B3] = otel_propagator_b3,
        [OTL_PROPAGATOR_B3_MULTI] = otel_propagator_b3_multi,
        [OTL_PROPAGATOR_JAEGER] = otel_propagator_jaeger,
        [OTL_PROPAGATOR_XRAY] = otel_propagator_xray,
        [OTL_PROPAGATOR_OTTRACE] = otel_propagator_ottrace,
        [OTL_PROPAGATOR_DATADOG] = otel_propagator_datadog,
        [OTL_PROPAGATOR_NONE] = otel_propagator_noop,
    };

    return makers[word]();
}

static enum otel_err make_propagator(const struct otl_settings *s, struct otel_propagator **ret)
{
    struct otel_propagator *members[OTL_ENV_LIST_MAX];

    if (s->propagator_count == 2 && s->propagators[0] == OTL_PROPAGATOR_TRACECONTEXT &&
        s->propagators[1] == OTL_PROPAGATOR_BAGGAGE) {
        *ret = otel_propagator_ref(otel_propagator_w3c());
        return OTEL_OK;
    }
    for (unsigned i = 0; i < s->propagator_count; i++)
        members[i] = propagator_of(s->propagators[i]);
    if (s->propagator_count > 1)
        return otel_propagator_composite_new(members, s->propagator_count, ret);
    *ret = otel_propagator_ref(s->propagator_count == 1 ? members[0] : otel_propagator_noop());
    return OTEL_OK;
}

static enum otel_err make_remote_sampler(const struct otel_sdk_env_options *options,
                                         const struct otl_settings *s,
                                         const struct otel_sdk_resource *resource,
                                         struct otel_sdk_sampler **ret)
{
    struct otel_sdk_jaeger_remote_options remote;
    enum otel_err err;

    otl_steered_jaeger(options, resource, &remote);
    if (s->sampler_endpoint[0] != '\0')
        remote.endpoint = otel_str(s->sampler_endpoint);
    if (s->sampler_interval_millis != 0)
        remote.polling_interval_millis = s->sampler_interval_millis;
    err = otel_sdk_sampler_traceidratio_new(s->sampler_ratio, &remote.initial);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_jaeger_remote_new(&remote, ret);
    if (err == OTEL_ERR_LIMIT || err == OTEL_ERR_ARGUMENT || err == OTEL_ERR_THREAD) {
        if (options->error != NULL)
            options->error(options->error_arg, err,
                           err == OTEL_ERR_THREAD
                               ? "jaeger_remote: it gets no thread; its initial rate is used"
                               : "jaeger_remote: a service cannot be asked for by this name; its "
                                 "initial rate is used");
        *ret = otel_sdk_sampler_ref(remote.initial);
        err = OTEL_OK;
    }
    otel_sdk_sampler_unref(remote.initial);
    return err;
}

static enum otel_err make_xray_sampler(const struct otel_sdk_env_options *options,
                                       const struct otl_settings *s,
                                       const struct otel_sdk_resource *resource,
                                       struct otel_sdk_sampler **ret)
{
    struct otel_sdk_xray_options xray;
    enum otel_err err;

    otl_steered_xray(options, resource, &xray);
    if (s->sampler_endpoint[0] != '\0')
        xray.endpoint = otel_str(s->sampler_endpoint);
    if (s->sampler_interval_millis != 0)
        xray.polling_interval_millis = s->sampler_interval_millis;
    err = otel_sdk_sampler_xray_new(&xray, ret);
    if (err != OTEL_ERR_THREAD && err != OTEL_ERR_LIMIT)
        return err;
    return otl_steered_without_xray(
        options, err,
        err == OTEL_ERR_THREAD
            ? "xray: it gets no thread; a share of 0.05 is used"
            : "xray: the resource or the endpoint is too long for it; a share of 0.05 is used",
        ret);
}

static enum otel_err make_sampler(const struct otel_sdk_env_options *env_options,
                                  const struct otl_settings *s,
                                  const struct otel_sdk_resource *resource,
                                  struct otel_sdk_sampler **ret)
{
    struct otel_sdk_parentbased_options options;
    struct otel_sdk_sampler *root = NULL;
    enum otel_err err = OTEL_OK;

    switch (s->sampler & ~OTL_SAMPLER_PARENTBASED) {
    case OTL_SAMPLER_ALWAYS_ON:
        root = otel_sdk_sampler_ref(otel_sdk_sampler_always_on());
        break;
    case OTL_SAMPLER_ALWAYS_OFF:
        root = otel_sdk_sampler_ref(otel_sdk_sampler_always_off());
        break;
    case OTL_SAMPLER_JAEGER_REMOTE:
        err = make_remote_sampler(env_options, s, resource, &root);
        break;
    case OTL_SAMPLER_XRAY:
        err = make_xray_sampler(env_options, s, resource, &root);
        break;
    default:
        err = otel_sdk_sampler_ratio_rule_new(s->ratio_rule, s->sampler_ratio, &root);
        break;
    }
    if (err != OTEL_OK || !(s->sampler & OTL_SAMPLER_PARENTBASED)) {
        *ret = root;
        return err;
    }
    otel_sdk_parentbased_options_init(&options);
    options.root = root;
    err = otel_sdk_sampler_parentbased_new(&options, ret);
    otel_sdk_sampler_unref(root);
    return err;
}

static void tell_of_entities(void *teller, enum otel_err err, const char *text)
{
    otl_tell(teller, err, "OTEL_ENTITIES: %s", text);
}

static enum otel_err make_resource(const struct otel_sdk_env_options *options,
                                   const struct otl_env_source *source, const struct otl_env *env,
                                   struct otel_sdk_resource **ret)
{
    const struct otl_detect_source place = {"", options->getenv, options->getenv_arg};
    struct otl_resource_environment described = {.attributes = env->resource_attributes,
                                                 .service_name = env->service_name,
                                                 .instance_id = options->instance_id,
                                                 .entities = env->entities,
                                                 .teller = {tell_of_entities,
                                                            (void *)(uintptr_t)&source->teller}};
    struct otel_sdk_resource *detected = NULL;
    bool discarded = false;
    enum otel_err err = OTEL_OK;

    if (options->detectors != 0)
        err = otl_detect(&place, options->detectors, &detected);
    described.detected = detected;
    if (err == OTEL_OK)
        err = otl_resource_from_environment(&described, options->resource, &discarded, ret);
    otel_sdk_resource_unref(detected);
    if (err == OTEL_OK && discarded)
        otl_tell(&source->teller, OTEL_OK,
                 "OTEL_RESOURCE_ATTRIBUTES cannot be decoded; all of it is discarded");
    return err;
}

static enum otel_err make_otlp(const struct otel_sdk_env_options *options, struct otl_settings *s,
                               struct otel_sdk *sdk, struct otel_sdk_processor **ret)
{
    struct otel_sdk_exporter *exporter = NULL, *more[MORE_MAX];
    size_t count = 0;
    enum otel_err err;

    s->otlp.error = options->error;
    s->otlp.error_arg = options->error_arg;
    s->otlp.seeded = options->seeded;
    s->otlp.seed = options->seed;
    s->otlp.create_thread = options->create_thread;
    s->otlp.create_thread_arg = options->create_thread_arg;
    if (options->clock != NULL) {
        s->otlp.wall_ns = options->clock->wall_ns;
        s->otlp.wall_state = options->clock->state;
    }
    err = otel_sdk_otlp_new(&s->otlp, &exporter);
    while (err == OTEL_OK && count + 1 < options->concurrent_exports && count < MORE_MAX) {
        err = otel_sdk_otlp_new(&s->otlp, &more[count]);
        count += err == OTEL_OK;
    }
    if (err != OTEL_OK) {
        otel_sdk_exporter_free(exporter);
        while (count > 0)
            otel_sdk_exporter_free(more[--count]);
        return err;
    }
    s->batch.more_exporters = more;
    s->batch.more_exporter_count = count;
    s->batch.create_thread = options->create_thread;
    s->batch.create_thread_arg = options->create_thread_arg;
    err = otel_sdk_batch_new(&s->batch, exporter, ret); /* consumes exporter */
    if (err == OTEL_OK)
        sdk->otlp = exporter;
    return err;
}

/* What goes to the program's own output goes at once, under a simple processor, as the
 * specification wants it. */
static enum otel_err make_output(const struct otel_sdk_env_options *options, int word,
                                 struct otel_sdk_processor **ret)
{
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_console_options console;
    struct otel_sdk_file_options file;
    enum otel_err err;

    otel_sdk_file_options_init(&file);
    otel_sdk_console_options_init(&console);
    console.fd = options->console_fd;
    file.error = console.error = options->error;
    file.error_arg = console.error_arg = options->error_arg;
    err = word == OTL_EXPORTER_CONSOLE ? otel_sdk_console_exporter_new(&console, &exporter)
                                       : otel_sdk_file_exporter_new(&file, &exporter);
    return err == OTEL_OK ? otel_sdk_simple_new(NULL, exporter, ret) : err;
}

/* A processor for each exporter, so that none holds up another; those that make the end of a span
 * wait come last. */
static enum otel_err make_processors(const struct otel_sdk_env_options *options,
                                     struct otl_settings *s, struct otel_sdk *sdk,
                                     struct otel_sdk_processor **processors, size_t *ret_count)
{
    enum otel_err err = OTEL_OK;
    size_t count = 0;

    for (unsigned i = 0; err == OTEL_OK && i < s->exporter_count; i++)
        if (s->exporters[i] == OTL_EXPORTER_OTLP) {
            err = make_otlp(options, s, sdk, &processors[count]);
            count += err == OTEL_OK;
        }
    for (unsigned i = 0; err == OTEL_OK && i < s->exporter_count; i++)
        if (s->exporters[i] != OTL_EXPORTER_OTLP) {
            err = make_output(options, s->exporters[i], &processors[count]);
            count += err == OTEL_OK;
        }
    while (err != OTEL_OK && count > 0)
        otel_sdk_processor_free(processors[--count]);
    *ret_count = count;
    return err;
}

static enum otel_err make_provider(const struct otel_sdk_env_options *options,
                                   const struct otl_env_source *source, const struct otl_env *env,
                                   struct otl_settings *s, struct otel_sdk *sdk)
{
    struct otel_sdk_provider_options provider;
    struct otel_sdk_processor *processors[OTL_ENV_LIST_MAX];
    enum otel_err err;

    otel_sdk_provider_options_init(&provider);
    provider.limits = s->limits;
    provider.clock = options->clock;
    provider.id_generator = options->id_generator;
    provider.seeded = options->seeded;
    provider.seed = options->seed;
    provider.drop = options->drop;
    provider.drop_arg = options->drop_arg;
    provider.error = options->error;
    provider.error_arg = options->error_arg;
    provider.tracer_enabled = options->tracer_enabled;
    provider.tracer_enabled_arg = options->tracer_enabled_arg;
    err = make_resource(options, source, env, &provider.resource);
    if (err == OTEL_OK)
        err = make_sampler(options, s, provider.resource, &provider.sampler);
    if (err == OTEL_OK)
        err = make_processors(options, s, sdk, processors, &provider.processor_count);
    if (err == OTEL_OK) {
        provider.processors = processors;
        err = otel_sdk_provider_new(&provider, &sdk->provider); /* consumes processors */
    }
    otel_sdk_sampler_unref(provider.sampler);
    otel_sdk_resource_unref(provider.resource);
    return err;
}

static enum otel_err build(const struct otel_sdk_env_options *options,
                           const struct otl_env_source *source, const struct otl_env *env,
                           struct otel_sdk *sdk)
{
    struct otl_settings *s = otl_mem_alloc(sizeof(*s));
    enum otel_err err;

    if (s == NULL)
        return OTEL_ERR_MEMORY;
    err = otl_settings_from_env(source, env, s);
    if (err == OTEL_OK) {
        err = make_propagator(s, &sdk->propagator);
        if (err == OTEL_OK && !s->disabled)
            err = make_provider(options, source, env, s, sdk);
        otl_settings_fini(s);
    }
    otl_mem_free(s);
    return err;
}

/* Everything else in the environment is ignored then. */
static enum otel_err from_file(const char *path, const struct otel_sdk_env_options *options,
                               const struct otl_env_source *source, struct otel_sdk **ret)
{
    const struct otl_config_hook *hook = &otel_config_hook_0; /* NULL unless it is linked */

    if (hook == NULL)
        hook = otl_library_symbol(OTL_CONFIG_LIBRARY, OTL_CONFIG_SYMBOL);
    if (hook == NULL || hook->struct_size < sizeof(*hook)) {
        otl_tell(&source->teller, OTEL_ERR_UNSUPPORTED,
                 "OTEL_CONFIG_FILE needs " OTL_CONFIG_LIBRARY ", which cannot be loaded");
        return OTEL_ERR_UNSUPPORTED;
    }
    return hook->from_file(path, options, ret);
}

enum otel_err otel_sdk_assemble(struct otel_sdk_provider *provider,
                                struct otel_propagator *propagator,
                                const struct otel_sdk_exporter *otlp, struct otel_sdk **ret)
{
    struct otel_sdk *sdk = otl_mem_zalloc(sizeof(*sdk));

    if (sdk == NULL) {
        otel_sdk_provider_free(provider);
        return OTEL_ERR_MEMORY;
    }
    sdk->provider = provider;
    sdk->propagator =
        otel_propagator_ref(propagator != NULL ? propagator : otel_propagator_noop());
    sdk->otlp = otlp;
    *ret = sdk;
    return OTEL_OK;
}

enum otel_err otel_sdk_from_env(const struct otel_sdk_env_options *options, struct otel_sdk **ret)
{
    struct otel_sdk_env_options all;
    struct otl_env_source source;
    struct otel_sdk *sdk;
    struct otl_env env;
    const char *path;
    enum otel_err err;

    otel_sdk_env_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    options = &all;
    source = (struct otl_env_source){options->getenv, options->getenv_arg,
                                     {options->error, options->error_arg}};
    path = otl_env_config_file(&source);
    if (path != NULL)
        return from_file(path, options, &source, ret);
    otl_level_apply(otl_env_log_level(&source), &all);
    source.teller = (struct otl_teller){all.error, all.error_arg};
    sdk = otl_mem_zalloc(sizeof(*sdk));
    if (sdk == NULL)
        return OTEL_ERR_MEMORY;
    err = otl_env_read(&source, &env);
    otl_env_misspelt(&source);
    if (err == OTEL_OK) {
        err = build(options, &source, &env, sdk);
        otl_env_fini(&env);
    }
    if (err != OTEL_OK) {
        otl_tell(&source.teller, err, "the SDK could not be assembled: %s", otel_err_text(err));
        otel_sdk_free(sdk);
        return err;
    }
    *ret = sdk;
    return OTEL_OK;
}

void otel_sdk_install(struct otel_sdk *sdk)
{
    if (sdk == NULL)
        return;
    if (sdk->provider != NULL)
        otel_tracer_provider_set_global(otel_sdk_provider_api(sdk->provider));
    otel_propagator_set_global(sdk->propagator);
    if (sdk->config_provider != NULL)
        otel_config_provider_set_global(sdk->config_provider);
}

void otel_sdk_set_config_provider(struct otel_sdk *sdk, struct otel_config_provider *provider)
{
    if (sdk == NULL)
        return;
    provider = otel_config_provider_ref(provider);
    otel_config_provider_unref(sdk->config_provider);
    sdk->config_provider = provider;
}

struct otel_config_provider *otel_sdk_config_provider_of(struct otel_sdk *sdk)
{
    return sdk != NULL && sdk->config_provider != NULL ? sdk->config_provider
                                                       : otel_config_provider_noop();
}

struct otel_sdk_provider *otel_sdk_provider_of(struct otel_sdk *sdk)
{
    return sdk != NULL ? sdk->provider : NULL;
}

struct otel_propagator *otel_sdk_propagator_of(struct otel_sdk *sdk)
{
    return sdk != NULL ? sdk->propagator : otel_propagator_noop();
}

const struct otel_sdk_exporter *otel_sdk_otlp_of(struct otel_sdk *sdk)
{
    return sdk != NULL ? sdk->otlp : NULL;
}

enum otel_err otel_sdk_force_flush(struct otel_sdk *sdk, uint32_t timeout_millis)
{
    return sdk != NULL && sdk->provider != NULL
               ? otel_sdk_provider_force_flush(sdk->provider, timeout_millis)
               : OTEL_OK;
}

enum otel_err otel_sdk_shutdown(struct otel_sdk *sdk, uint32_t timeout_millis)
{
    return sdk != NULL && sdk->provider != NULL
               ? otel_sdk_provider_shutdown(sdk->provider, timeout_millis)
               : OTEL_OK;
}

/* Leave the global slots if this SDK is in them. */
static void uninstall(struct otel_sdk *sdk)
{
    struct otel_tracer_provider *provider = otel_tracer_provider_global();
    struct otel_propagator *propagator = otel_propagator_global();
    struct otel_config_provider *config_provider = otel_config_provider_global();

    if (sdk->provider != NULL && provider == otel_sdk_provider_api(sdk->provider))
        otel_tracer_provider_set_global(NULL);
    if (sdk->propagator != NULL && propagator == sdk->propagator)
        otel_propagator_set_global(NULL);
    if (config_provider == sdk->config_provider)
        otel_config_provider_set_global(NULL);
    otel_config_provider_unref(config_provider);
    otel_tracer_provider_unref(provider);
    otel_propagator_unref(propagator);
}

void otel_sdk_free(struct otel_sdk *sdk)
{
    if (sdk == NULL)
        return;
    uninstall(sdk);
    if (sdk->provider != NULL)
        (void)otel_sdk_provider_shutdown(sdk->provider, SHUTDOWN_MILLIS);
    otel_sdk_provider_free(sdk->provider);
    otel_propagator_unref(sdk->propagator);
    otel_config_provider_unref(sdk->config_provider);
    otl_mem_free(sdk);
}
