/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/tracing.h"

#include <stdio.h>
#include <string.h>

#include <otel/propagators.h>
#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>

#include "harness/service/broken.h"
#include "harness/service/inject.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { RESOURCE_ATTRIBUTES_MAX = 64, SAMPLER_TEXT = 96, URL_SIZE = 256 };

struct hx_tracing_setup {
    struct hx_rig rig;
    struct otel_sdk_provider *provider; /* NULL: no SDK */
    struct hx_drops *drops;
    const struct otl_log *log;
    uint64_t resource_hash;
    char sampler[SAMPLER_TEXT];
};

/* ---- resource ------------------------------------------------------------------------------- */

struct resource_list {
    struct otel_attribute items[RESOURCE_ATTRIBUTES_MAX];
    size_t count;
};

static void add_text(struct resource_list *list, struct hx_canon_attrs *canon, const char *key,
                     const char *text)
{
    if (list->count == RESOURCE_ATTRIBUTES_MAX || text == NULL)
        return;
    list->items[list->count++] = otel_attr_str(key, text);
    hx_canon_string(canon, key, strlen(key), text, strlen(text));
}

static enum otel_err make_resource(struct hx_tracing_setup *setup,
                                   const struct hx_tracing_options *options,
                                   struct otel_sdk_resource **ret)
{
    const struct hx_service *service = options->service;
    struct otel_sdk_resource *base = NULL, *own = NULL;
    struct hx_canon_attrs canon;
    struct resource_list list = {.count = 0};
    enum otel_err err;

    hx_canon_attrs_init(&canon);
    add_text(&list, &canon, "service.name", service->name);
    add_text(&list, &canon, "service.instance.id", options->instance);
    if (service->version[0] != '\0')
        add_text(&list, &canon, "service.version", service->version);
    for (size_t i = 0; i < service->resource.count; i++)
        add_text(&list, &canon, service->resource.items[i].key,
                 json_string_value(service->resource.items[i].value));
    setup->resource_hash = hx_canon_attrs_sum(&canon);
    err = otel_sdk_resource_default(&base);
    if (err == OTEL_OK)
        err = otel_sdk_resource_new(list.items, list.count, otel_str(""), &own);
    if (err == OTEL_OK)
        err = otel_sdk_resource_merge(base, own, ret);
    otel_sdk_resource_unref(own);
    otel_sdk_resource_unref(base);
    return err;
}

/* ---- sampler -------------------------------------------------------------------------------- */

static enum otel_err make_root(const char *word, double ratio, struct otel_sdk_sampler **ret)
{
    static const char *const rules[] = {
        [OTEL_SDK_RATIO_GO] = "traceidratio",
        [OTEL_SDK_RATIO_JAVA] = "traceidratio_java",
        [OTEL_SDK_RATIO_DOTNET] = "traceidratio_dotnet",
        [OTEL_SDK_RATIO_CPP] = "traceidratio_cpp",
        [OTEL_SDK_RATIO_JS] = "traceidratio_js",
    };
    struct otel_sdk_probability_options probability;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(word, rules[i]) == 0)
            return otel_sdk_sampler_ratio_rule_new((enum otel_sdk_ratio_rule)i, ratio, ret);
    if (strcmp(word, "probability") == 0 && ratio > 0) {
        otel_sdk_probability_options_init(&probability);
        probability.ratio = ratio;
        return otel_sdk_sampler_probability_new(&probability, ret);
    }
    *ret = strcmp(word, "always_on") == 0 ? otel_sdk_sampler_always_on()
                                          : otel_sdk_sampler_always_off(); /* or probability 0 */
    return OTEL_OK;
}

static enum otel_err make_sampler(const struct hx_tracing *tracing, struct otel_sdk_sampler **ret)
{
    static const char prefix[] = "parentbased_";
    struct otel_sdk_parentbased_options options;
    enum otel_err err;

    if (strncmp(tracing->sampler, prefix, strlen(prefix)) != 0)
        return make_root(tracing->sampler, tracing->sampler_arg, ret);
    otel_sdk_parentbased_options_init(&options);
    err = make_root(tracing->sampler + strlen(prefix), tracing->sampler_arg, &options.root);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_parentbased_new(&options, ret);
    otel_sdk_sampler_unref(options.root);
    return err;
}

static void name_sampler(struct hx_tracing_setup *setup, const struct hx_tracing *tracing)
{
    if (hx_sampler_has_ratio(tracing->sampler))
        snprintf(setup->sampler, sizeof(setup->sampler), "%.40s %.17g", tracing->sampler,
                 tracing->sampler_arg);
    else
        snprintf(setup->sampler, sizeof(setup->sampler), "%.40s", tracing->sampler);
}

/* ---- exporter and processors ----------------------------------------------------------------- */

static void on_error(void *arg, enum otel_err err, const char *text)
{
    const struct hx_tracing_setup *setup = arg;

    if (setup->log != NULL)
        otl_log_line(setup->log, OTL_LOG_WARN, "tracing: %s: %s", otel_err_name(err), text);
}

static uint32_t millis(uint64_t ns)
{
    uint64_t ms = ns / OTL_NS_PER_MS;

    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX - 1;
}

static uint64_t id_seed(const struct hx_tracing_options *options)
{
    const char *name = options->service->name;
    uint64_t seed = otl_random_mix_text(options->seed, name, strlen(name));

    return otl_random_mix(otl_random_mix(seed, options->replica), options->incarnation);
}

void hx_tracing_exporter(const struct hx_tracing_options *options,
                         struct otel_sdk_otlp_options *ret)
{
    const struct hx_tracing *tracing = &options->service->tracing;

    otel_sdk_otlp_options_init(ret);
    if (tracing->grpc)
        ret->protocol = OTEL_SDK_OTLP_GRPC;
    if (tracing->gzip)
        ret->compression = OTEL_SDK_COMPRESSION_GZIP;
    ret->timeout_millis = millis(tracing->export_timeout_ns);
    ret->seeded = true;
    ret->seed = otl_random_mix_text(id_seed(options), "back-off", 8);
}

static enum otel_err make_exporter(struct hx_tracing_setup *setup,
                                   const struct hx_tracing_options *options,
                                   struct otel_sdk_exporter **ret)
{
    struct otel_sdk_otlp_options otlp;
    char url[URL_SIZE];
    enum otel_err err;

    hx_tracing_exporter(options, &otlp);
    snprintf(url, sizeof(url), "%s%s", options->otlp,
             options->service->tracing.grpc ? "" : "/v1/traces");
    otlp.endpoint = otel_str(url);
    otlp.error = on_error;
    otlp.error_arg = setup;
    err = otel_sdk_otlp_new(&otlp, ret);
    if (err == OTEL_OK)
        err = hx_inject_exporter(setup->rig.injector, ret);
    return err == OTEL_OK ? hx_broken_exporter(setup->rig.broken, ret) : err;
}

static enum otel_err make_processor(struct hx_tracing_setup *setup,
                                    const struct hx_tracing_options *options,
                                    struct otel_sdk_processor **ret)
{
    const struct hx_tracing *tracing = &options->service->tracing;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_simple_options simple;
    struct otel_sdk_batch_options batch;
    enum otel_err err = make_exporter(setup, options, &exporter);

    if (err != OTEL_OK)
        return err;
    if (tracing->simple) {
        otel_sdk_simple_options_init(&simple);
        simple.export_timeout_millis = millis(tracing->export_timeout_ns);
        return otel_sdk_simple_new(&simple, exporter, ret);
    }
    otel_sdk_batch_options_init(&batch);
    batch.max_queue_size = tracing->max_queue_size;
    batch.max_export_batch_size = tracing->max_export_batch_size;
    batch.schedule_delay_millis = millis(tracing->schedule_delay_ns);
    batch.export_timeout_millis = millis(tracing->export_timeout_ns);
    return otel_sdk_batch_new(&batch, exporter, ret);
}

/* ---- drops ---------------------------------------------------------------------------------- */

static enum hx_drop_reason reason_of(enum otel_sdk_drop_reason reason)
{
    switch (reason) {
    case OTEL_SDK_DROP_QUEUE_FULL:
        return HX_DROP_QUEUE_FULL;
    case OTEL_SDK_DROP_EXPORT_FAILED:
    case OTEL_SDK_DROP_EXPORT_TIMEOUT:
        return HX_DROP_EXPORT_FAILED;
    case OTEL_SDK_DROP_REJECTED:
        return HX_DROP_REJECTED;
    case OTEL_SDK_DROP_AFTER_SHUTDOWN:
        return HX_DROP_AFTER_SHUTDOWN;
    case OTEL_SDK_DROP_NO_MEMORY:
    case OTEL_SDK_DROP_COUNT:
        break;
    }
    return HX_DROP_NO_MEMORY;
}

static void on_drop(void *arg, const struct otel_sdk_drop *drop)
{
    if (drop->trace_id != NULL && drop->span_id != NULL)
        hx_drops_add(arg, drop->trace_id, drop->span_id, reason_of(drop->reason));
    else
        hx_drops_add_unnamed(arg, drop->count, reason_of(drop->reason));
}

/* ---- assembly ------------------------------------------------------------------------------- */

/* Puts the processors together, broken ones first; consumes what it does not give away. */
static enum otel_err make_processors(struct hx_tracing_setup *setup,
                                     const struct hx_tracing_options *options,
                                     struct otel_sdk_processor **processors, size_t *count)
{
    enum otel_err err = hx_broken_processor(setup->rig.broken, &processors[0]);

    if (err != OTEL_OK)
        return err;
    *count = processors[0] != NULL ? 1 : 0;
    err = make_processor(setup, options, &processors[*count]);
    if (err != OTEL_OK) {
        if (*count != 0)
            otel_sdk_processor_free(processors[0]);
        return err;
    }
    (*count)++;
    return OTEL_OK;
}

static enum otel_err make_provider(struct hx_tracing_setup *setup,
                                   const struct hx_tracing_options *options)
{
    const struct hx_tracing *tracing = &options->service->tracing;
    struct otel_sdk_processor *processors[2] = {NULL, NULL};
    struct otel_sdk_provider_options provider;
    size_t count = 0;
    enum otel_err err;

    otel_sdk_provider_options_init(&provider);
    provider.seeded = true;
    provider.seed = id_seed(options);
    provider.drop = on_drop;
    provider.drop_arg = options->drops;
    provider.error = on_error;
    provider.error_arg = setup;
    hx_broken_options(setup->rig.broken, &provider);
    err = make_resource(setup, options, &provider.resource);
    if (err == OTEL_OK)
        err = make_sampler(tracing, &provider.sampler);
    if (err == OTEL_OK)
        err = hx_broken_sampler(setup->rig.broken, tracing->sampler_arg, &provider.sampler);
    if (err == OTEL_OK)
        err = make_processors(setup, options, processors, &count);
    if (err == OTEL_OK) {
        provider.processors = processors;
        provider.processor_count = count;
        err = otel_sdk_provider_new(&provider, &setup->provider);
    }
    otel_sdk_sampler_unref(provider.sampler);
    otel_sdk_resource_unref(provider.resource);
    return err;
}

static struct otel_propagator *propagator_of(const struct hx_tracing *tracing)
{
    if (tracing->propagate_tracecontext && tracing->propagate_baggage)
        return otel_propagator_w3c();
    if (tracing->propagate_tracecontext)
        return otel_propagator_tracecontext();
    if (tracing->propagate_baggage)
        return otel_propagator_baggage();
    return otel_propagator_noop();
}

enum otel_err hx_tracing_new(const struct hx_tracing_options *options,
                             struct hx_tracing_setup **ret, struct otl_detail *reterr)
{
    struct hx_tracing_setup *setup = otl_mem_zalloc(sizeof(*setup));
    struct otel_tracer_options tracer;
    enum otel_err err;

    if (setup == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for tracing");
    setup->log = options->log;
    setup->drops = options->drops;
    setup->rig.ledger = options->ledger;
    setup->rig.propagator = propagator_of(&options->service->tracing);
    err = hx_broken_new(&options->service->broken, id_seed(options), &setup->rig.broken);
    if (err == OTEL_OK)
        err = hx_injector_new(&options->service->inject, id_seed(options), &setup->rig.injector);
    if (err == OTEL_OK)
        setup->rig.propagator = hx_broken_propagator(setup->rig.broken, setup->rig.propagator);
    if (err == OTEL_OK && options->service->tracing.enabled) {
        name_sampler(setup, &options->service->tracing);
        err = make_provider(setup, options);
    }
    if (err != OTEL_OK) {
        hx_tracing_free(setup);
        return otl_detail_set(reterr, err, NULL, 0, 0, "cannot set up tracing: %s",
                              otel_err_text(err));
    }
    otel_tracer_options_init(&tracer);
    tracer.name = otel_str("tracerig.service");
    if (options->service->tracing.instrumented)
        setup->rig.tracer = otel_tracer_provider_tracer(
            setup->provider != NULL ? otel_sdk_provider_api(setup->provider) : NULL, &tracer);
    *ret = setup;
    return OTEL_OK;
}

void hx_tracing_free(struct hx_tracing_setup *setup)
{
    if (setup == NULL)
        return;
    otel_tracer_unref(setup->rig.tracer);
    otel_sdk_provider_free(setup->provider);
    hx_broken_free(setup->rig.broken);
    hx_injector_free(setup->rig.injector);
    otl_mem_free(setup);
}

const struct hx_rig *hx_tracing_rig(const struct hx_tracing_setup *setup)
{
    return &setup->rig;
}

uint64_t hx_tracing_resource_hash(const struct hx_tracing_setup *setup)
{
    return setup->resource_hash;
}

const char *hx_tracing_sampler(const struct hx_tracing_setup *setup)
{
    return setup->sampler;
}

/* ---- while it runs and at its end ------------------------------------------------------------ */

bool hx_tracing_flush(struct hx_tracing_setup *setup, uint32_t timeout_millis)
{
    return setup->provider == NULL ||
           otel_sdk_provider_force_flush(setup->provider, timeout_millis) == OTEL_OK;
}

void hx_tracing_shutdown(struct hx_tracing_setup *setup, uint32_t timeout_millis)
{
    enum otel_err err = OTEL_OK;

    if (setup->provider != NULL)
        err = otel_sdk_provider_shutdown(setup->provider, timeout_millis);
    if (err != OTEL_OK && setup->log != NULL)
        otl_log_line(setup->log, OTL_LOG_WARN, "tracing: shutdown: %s", otel_err_text(err));
}

void hx_tracing_counters(const struct hx_tracing_setup *setup, struct hx_led_process_close *row)
{
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
    const uint64_t *dropped = stats.total.dropped;

    if (setup->provider == NULL) {
        hx_broken_counters(setup->rig.broken, row);
        return;
    }
    otel_sdk_provider_stats(setup->provider, &stats);
    row->started = stats.started;
    row->not_recorded = stats.not_recorded;
    row->record_only = stats.record_only;
    row->ended = stats.ended;
    row->exported = stats.total.exported;
    row->queue_full = dropped[OTEL_SDK_DROP_QUEUE_FULL];
    row->export_failed =
        dropped[OTEL_SDK_DROP_EXPORT_FAILED] + dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT];
    row->rejected = dropped[OTEL_SDK_DROP_REJECTED];
    row->after_shutdown = dropped[OTEL_SDK_DROP_AFTER_SHUTDOWN];
    row->no_memory = dropped[OTEL_SDK_DROP_NO_MEMORY];
    row->export_requests = stats.total.requests;
    row->export_bytes = stats.total.bytes;
    row->queue_high_water = stats.total.queue_high_water;
    row->export_latency_sum_ns = stats.total.export_latency_sum_ns;
    row->export_latency_max_ns = stats.total.export_latency_max_ns;
    row->exporter_cpu_ns = stats.total.worker_cpu_ns;
    row->open_spans = stats.record_only + stats.sampled - stats.ended;
    hx_broken_counters(setup->rig.broken, row);
}
