/* SPDX-License-Identifier: Apache-2.0 */
/* Many spans at once, on one thread and on many. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/tests/put/put.h"

enum { THREADS_MAX = 64 };

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* burst N T NAME [bytes=N] [print=1] -> p99_ns=N max_ns=N sampled=N [TRACE_ID of sampled ones...]:
 * roots that are started and ended, how long end took */
static void do_burst(struct put *put, struct put_words *words)
{
    uint64_t count = put_number(words, 1), sampled = 0;
    struct otel_tracer *tracer = put_find(put, PUT_TRACER, put_next(words));
    struct otel_str name = put_next(words);
    size_t bytes = put_option_number(words, "bytes", 0);
    bool print = put_option_number(words, "print", 0) != 0;
    uint64_t *took = put_alloc(put, (count + 1) * sizeof(*took));
    char *text = put_alloc(put, bytes + 1);
    struct otel_span_options options;

    otel_span_options_init(&options);
    options.root = true;
    memset(text, 'x', bytes);
    fprintf(put->out, "ok");
    for (uint64_t i = 0; i < count; i++) {
        struct otel_span *span = otel_span_start_str(tracer, name, &options);
        const struct otel_span_context *context = otel_span_get_context(span);
        uint64_t began;

        otel_span_set_int(span, "n", (int64_t)i);
        if (bytes > 0)
            otel_span_set_str(span, "text", text);
        if (otel_span_context_is_sampled(context)) {
            char id[33];

            sampled++;
            otel_trace_id_hex(context->trace_id, id);
            if (print)
                fprintf(put->out, " %s", id);
        }
        began = put_mono_ns();
        otel_span_end(span);
        took[i] = put_mono_ns() - began;
        otel_span_unref(span);
    }
    qsort(took, count, sizeof(*took), by_size);
    put_say_number(put, "p99_ns", count > 0 ? took[count * 99 / 100] : 0);
    put_say_number(put, "max_ns", count > 0 ? took[count - 1] : 0);
    put_say_number(put, "sampled", sampled);
}

struct worker {
    pthread_t thread;
    struct put *put;
    struct otel_tracer *tracer;
    uint64_t index, spans, took_ns;
    uint32_t millis;
    enum otel_err err;
};

static void *make_spans(void *arg)
{
    struct worker *worker = arg;

    for (uint64_t i = 0; i < worker->spans; i++) {
        struct otel_span *parent = otel_span_start(worker->tracer, "parent", NULL);
        struct otel_context *context = otel_context_with_span(NULL, parent);
        struct otel_span_options options;
        struct otel_span *child;
        char text[64];

        otel_span_options_init(&options);
        options.parent = context;
        child = otel_span_start(worker->tracer, "child", &options);
        snprintf(text, sizeof(text), "%llu/%llu", (unsigned long long)worker->index,
                 (unsigned long long)i);
        otel_span_set_int(child, "thread", (int64_t)worker->index);
        otel_span_set_int(child, "n", (int64_t)i);
        otel_span_set_str(child, "both", text);
        otel_span_finish(child);
        otel_span_finish(parent);
        otel_context_unref(context);
    }
    return NULL;
}

static void *flush(void *arg)
{
    struct worker *worker = arg;
    uint64_t began = put_mono_ns();

    worker->err = otel_sdk_provider_force_flush(worker->put->provider, worker->millis);
    worker->took_ns = put_mono_ns() - began;
    return NULL;
}

static void *stop(void *arg)
{
    struct worker *worker = arg;
    uint64_t began = put_mono_ns();

    worker->err = otel_sdk_provider_shutdown(worker->put->provider, worker->millis);
    worker->took_ns = put_mono_ns() - began;
    return NULL;
}

static uint64_t on_threads(struct worker *workers, uint64_t count, void *(*run)(void *arg))
{
    uint64_t slowest = 0, started = 0;

    while (started < count &&
           pthread_create(&workers[started].thread, NULL, run, &workers[started]) == 0)
        started++;
    for (uint64_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].took_ns > slowest)
            slowest = workers[i].took_ns;
    }
    return slowest;
}

static struct worker *workers_of(struct put *put, uint64_t *count)
{
    struct worker *workers = put_alloc(put, THREADS_MAX * sizeof(*workers));

    if (*count > THREADS_MAX)
        *count = THREADS_MAX;
    for (uint64_t i = 0; i < *count; i++) {
        workers[i].put = put;
        workers[i].index = i;
    }
    return workers;
}

/* threads THREADS PAIRS T: each thread makes PAIRS parents with a child */
static void do_threads(struct put *put, struct put_words *words)
{
    uint64_t count = put_number(words, 1), spans = put_number(words, 1);
    struct worker *workers = workers_of(put, &count);
    struct otel_tracer *tracer = put_find(put, PUT_TRACER, put_next(words));

    for (uint64_t i = 0; i < count; i++) {
        workers[i].tracer = tracer;
        workers[i].spans = spans;
    }
    on_threads(workers, count, make_spans);
    fprintf(put->out, "ok");
}

/* flushers THREADS MS, stoppers THREADS MS -> ERR... slowest_ns=N */
static void together(struct put *put, struct put_words *words, void *(*run)(void *arg))
{
    uint64_t count = put_number(words, 1), slowest;
    struct worker *workers = workers_of(put, &count);
    uint32_t millis = (uint32_t)put_number(words, 1000);

    for (uint64_t i = 0; i < count; i++)
        workers[i].millis = millis;
    slowest = on_threads(workers, count, run);
    fprintf(put->out, "ok");
    for (uint64_t i = 0; i < count; i++)
        fprintf(put->out, " %s", otel_err_name(workers[i].err));
    put_say_number(put, "slowest_ns", slowest);
}

static void do_flushers(struct put *put, struct put_words *words)
{
    together(put, words, flush);
}

static void do_stoppers(struct put *put, struct put_words *words)
{
    together(put, words, stop);
}

/* races N MS -> slowest_ns=N late=N: N times provider, span, flush and shutdown at once with a
 * delay of an hour; late ones took longer than MS */
static void do_races(struct put *put, struct put_words *words)
{
    uint64_t rounds = put_number(words, 1), limit_ns = put_number(words, 1000) * 1000000u;
    uint64_t slowest = 0, late = 0, failed = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        struct otel_sdk_provider_options options;
        struct otel_sdk_processor *processor = NULL;
        struct otel_sdk_provider *provider = NULL;
        struct otel_sdk_batch_options batch;
        struct otel_tracer *tracer;
        uint64_t began;

        otel_sdk_batch_options_init(&batch);
        batch.schedule_delay_millis = 3600 * 1000;
        otel_sdk_provider_options_init(&options);
        options.processors = &processor;
        options.processor_count = 1;
        if (otel_sdk_batch_new(&batch, put_exporter_double("fail"), &processor) != OTEL_OK ||
            otel_sdk_provider_new(&options, &provider) != OTEL_OK) {
            failed++;
            continue;
        }
        tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(provider), NULL);
        otel_span_finish(otel_span_start(tracer, "one", NULL));
        began = put_mono_ns();
        if (i % 2 == 0)
            (void)otel_sdk_provider_force_flush(provider, 60000);
        (void)otel_sdk_provider_shutdown(provider, 60000);
        began = put_mono_ns() - began;
        slowest = began > slowest ? began : slowest;
        late += began > limit_ns;
        otel_tracer_unref(tracer);
        otel_sdk_provider_free(provider);
    }
    fprintf(put->out, "ok");
    put_say_number(put, "slowest_ns", slowest);
    put_say_number(put, "late", late);
    put_say_number(put, "failed", failed);
}

const struct put_command put_load_commands[] = {{"burst", do_burst},
                                                {"threads", do_threads},
                                                {"flushers", do_flushers},
                                                {"stoppers", do_stoppers},
                                                {"races", do_races},
                                                {NULL, NULL}};
