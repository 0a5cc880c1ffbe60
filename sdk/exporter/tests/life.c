/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/tests/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void make_spans(struct otel_tracer *tracer, int count)
{
    static char large[5001];

    memset(large, 'x', sizeof(large) - 1);
    for (int i = 0; i < count; i++) {
        struct otel_span *span = otel_span_start(tracer, "work", NULL);
        otel_span_set_str(span, "large", large);
        otel_span_set_int(span, "n", i);
        otel_span_add_event_named(span, "event");
        otel_span_set_status(span, OTEL_STATUS_ERROR, "why");
        otel_span_finish(span);
    }
}

static enum otel_err set_up(const struct life_kind *kind, struct otel_sdk_provider **ret)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_batch_options batch;
    enum otel_err err = kind->make(&exporter);

    if (err != OTEL_OK)
        return err;
    otel_sdk_batch_options_init(&batch);
    batch.schedule_delay_millis = 3600 * 1000;
    err = kind->simple ? otel_sdk_simple_new(NULL, exporter, &processor)
                       : otel_sdk_batch_new(&batch, exporter, &processor);
    if (err != OTEL_OK)
        return err;
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    return otel_sdk_provider_new(&options, ret);
}

enum otel_err life_of(const struct life_kind *kind, int spans, struct otel_sdk_stats *ret_stats)
{
    struct otel_sdk_provider *provider = NULL;
    struct otel_tracer *tracer;
    enum otel_err err = set_up(kind, &provider);

    memset(ret_stats, 0, sizeof(*ret_stats));
    ret_stats->struct_size = sizeof(*ret_stats);
    if (err == OTEL_OK) {
        tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(provider), NULL);
        make_spans(tracer, spans);
        (void)otel_sdk_provider_force_flush(provider, 60000);
        make_spans(tracer, spans);
        (void)otel_sdk_provider_shutdown(provider, 60000);
        otel_tracer_unref(tracer);
        otel_sdk_provider_stats(provider, ret_stats);
    }
    otel_sdk_provider_free(provider);
    return err;
}

void life_books_balance(const struct otel_sdk_stats *stats)
{
    uint64_t lost = 0;

    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        lost += i == OTEL_SDK_DROP_NO_MEMORY ? 0 : stats->total.dropped[i];
    if (stats->started != stats->sampled + stats->not_recorded ||
        stats->sampled != stats->total.exported + lost)
        fail_msg("started %llu, sampled %llu, exported %llu, lost %llu",
                 (unsigned long long)stats->started, (unsigned long long)stats->sampled,
                 (unsigned long long)stats->total.exported, (unsigned long long)lost);
}
