/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set-up of the specification's performance benchmark: AlwaysOn, OTLP to a receiver in a
 * process of its own that answers at once; the spans of spec_spans.h.
 *
 *     spec_bench [SECONDS]     how long the load of 10,000 spans a second lasts (15)
 *     spec_bench ROW SPANS     one row, once, that many spans: for callgrind, and the mallocs of
 *                              the last 4,096; 1: what a span costs, 2: what its export costs
 *
 * What a span costs and what its export costs are the least of interleaved repeats of CPU time,
 * beside a calibration loop of the same run; the load is once, as the specification has it.
 * Ends with status 3 when a span was lost.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"
#include "sdk/bench/mallocs.h"
#include "sdk/bench/pipeline.h"
#include "sdk/bench/sink.h"
#include "sdk/bench/spec_spans.h"

enum { REPEATS = 25, SPANS = 8192, RATE = 10000, TICKS = 100, CORES_MAX = 64, SECONDS_MAX = 3600 };
enum { HALF = SPANS / 2 }; /* of a queue: nothing is lost, the worker beside */

static void die(const char *what)
{
    fprintf(stderr, "spec_bench: %s\n", what);
    exit(3);
}

static uint64_t now_ns(void)
{
    return otl_clock_mono(otl_clock_real());
}

/* --- what a span costs, and its export --- */

struct least {
    double loop_ns;
    double span_ns, span_mallocs; /* create and end; with the export */
    double one_ns, all_ns;        /* export of a span: with one producer, with one on each core */
    double bytes;                 /* of a span */
};

/* Not inlined: its instructions are counted by its name. */
static __attribute__((noipa)) void make_small(struct otel_tracer *tracer, int spans)
{
    for (int i = 0; i < spans; i++)
        spec_small(tracer);
}

static void instrumentation_cost(struct pipeline *pipeline, int spans, struct least *least)
{
    struct otel_sdk_processor_stats before = pipeline_stats(pipeline);
    uint64_t calls = mallocs(), cpu = otl_clock_thread_cpu_ns();

    make_small(pipeline->tracer, spans);
    bench_keep_least(&least->span_ns, (double)(otl_clock_thread_cpu_ns() - cpu) / spans);
    pipeline_flush(pipeline, &before, (uint64_t)spans);
    least->span_mallocs = (double)(mallocs() - calls) / spans;
}

struct producer {
    struct pipeline *pipeline;
    int spans;
};

static void *make_large(void *arg)
{
    struct producer *producer = arg;

    for (int i = 0; i < producer->spans; i++)
        spec_large(producer->pipeline->tracer);
    return NULL;
}

/* Each core has a pipeline and a producer of its own; CPU nanoseconds of this process a span. */
static double throughput(struct pipeline *pipelines, int cores, int spans, double *ret_bytes)
{
    struct otel_sdk_processor_stats before[CORES_MAX];
    struct producer producers[CORES_MAX];
    pthread_t threads[CORES_MAX];
    uint64_t cpu = process_cpu_ns();

    for (int i = 0; i < cores; i++) {
        before[i] = pipeline_stats(&pipelines[i]);
        producers[i] = (struct producer){&pipelines[i], spans};
        if (pthread_create(&threads[i], NULL, make_large, &producers[i]) != 0)
            die("no thread");
    }
    for (int i = 0; i < cores; i++) {
        pthread_join(threads[i], NULL);
        pipeline_flush(&pipelines[i], &before[i], (uint64_t)spans);
    }
    *ret_bytes = (double)(pipeline_stats(&pipelines[0]).bytes - before[0].bytes) / spans;
    return (double)(process_cpu_ns() - cpu) / ((double)spans * cores);
}

static void export_row(const char *key, int cores, double ns, const struct least *least)
{
    printf("10 attributes of 20 + 20 characters, %2d producer%s     %8.0f spans/s a core exported, "
           "%.0f bytes each\n", cores, cores == 1 ? " " : "s", 1e9 / ns, least->bytes);
    bench_row_ns(key, ns, least->loop_ns, -1);
}

static void costs(struct pipeline *pipelines, int cores)
{
    struct least least = {0};

    for (int repeat = 0; repeat < REPEATS; repeat++) {
        bench_keep_least(&least.loop_ns, bench_loop_ns());
        instrumentation_cost(&pipelines[0], HALF, &least);
        bench_keep_least(&least.one_ns, throughput(pipelines, 1, SPANS, &least.bytes));
        bench_keep_least(&least.all_ns, throughput(pipelines, cores, SPANS, &least.bytes));
    }
    printf("%-52s %8.0f ns, %.3f mallocs with the export\n",
           "root span, 1 int attribute, 1 event: create and end", least.span_ns,
           least.span_mallocs);
    bench_row_ns("spec_span", least.span_ns, least.loop_ns, least.span_mallocs);
    export_row("spec_export", 1, least.one_ns, &least);
    export_row("spec_export_wide", cores, least.all_ns, &least);
}

static void one_row(struct pipeline *pipeline, int row, int spans)
{
    uint64_t calls = 0;

    for (int left = spans; left > 0; left -= HALF) {
        struct least least = {0};
        int some = left < HALF ? left : HALF;
        calls = mallocs();
        if (row == 1)
            instrumentation_cost(pipeline, some, &least);
        else
            throughput(pipeline, 1, some, &least.bytes);
        calls = mallocs() - calls;
    }
    printf("mallocs a span: %.3f\n", (double)calls / HALF);
}

/* --- CPU and memory at a rate --- */

static uint64_t resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu %lu", &all, &resident) != 2)
        die("/proc/self/statm");
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void wait_until(uint64_t mono_ns)
{
    struct timespec at = {(time_t)(mono_ns / OTL_NS_PER_S), (long)(mono_ns % OTL_NS_PER_S)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        continue;
}

static void at_rate(struct pipeline *pipeline, const char *key, const char *name, int seconds)
{
    struct otel_sdk_processor_stats before = pipeline_stats(pipeline);
    uint64_t cpu = process_cpu_ns(), began = now_ns(), memory = 0, took, second_began = began;
    uint64_t due = began;
    double peak = 0;

    for (int second = 0; second < seconds; second++) {
        uint64_t spent = process_cpu_ns(), resident;
        double share;
        for (int tick = 0; tick < TICKS; tick++) {
            for (int i = 0; i < RATE / TICKS; i++)
                spec_large(pipeline->tracer);
            due += OTL_NS_PER_S / TICKS;
            wait_until(due);
        }
        share = (double)(process_cpu_ns() - spent) / (double)(now_ns() - second_began);
        second_began = now_ns();
        peak = share > peak ? share : peak;
        resident = resident_bytes();
        memory = resident > memory ? resident : memory;
    }
    took = now_ns() - began;
    cpu = process_cpu_ns() - cpu;
    pipeline_flush(pipeline, &before, (uint64_t)seconds * RATE);
    printf("%6.0f spans/s for %2d s, %-27s %8.2f %% CPU, peak %.2f %%, at most %.1f MiB\n",
           (double)seconds * RATE * OTL_NS_PER_S / (double)took, seconds, name,
           100.0 * (double)cpu / (double)took, 100 * peak, (double)memory / (1 << 20));
    printf("= spec_%s_cpu %.4f %% - -\n", key, 100.0 * (double)cpu / (double)took);
    printf("= spec_%s_memory %.4f MiB - -\n", key, (double)memory / (1 << 20));
}

/* The load at a rate, with the batch processor and with the simple one. */
static void rates(struct pipeline_options options, const uint16_t ports[2], int seconds)
{
    struct pipeline defaults, simple;

    options.port = ports[0];
    pipeline_init(&defaults, &options);
    options.port = ports[1];
    options.simple = true;
    pipeline_init(&simple, &options);
    at_rate(&defaults, "batch", "batch processor, defaults:", seconds);
    at_rate(&simple, "simple", "simple processor:", seconds);
    pipeline_fini(&simple);
    pipeline_fini(&defaults);
}

int main(int argc, char **argv)
{
    struct pipeline wide[CORES_MAX];
    pid_t sinks[CORES_MAX + 2];
    uint16_t ports[CORES_MAX + 2];
    struct pipeline_options options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t seconds = 15, row = 0, spans = 0;
    int count = 0;

    if (argc > 3 ||
        (argc == 2 && otl_parse_uint(argv[1], 1, SECONDS_MAX, &seconds) != OTEL_OK) ||
        (argc == 3 && (otl_parse_uint(argv[1], 1, 2, &row) != OTEL_OK ||
                       otl_parse_uint(argv[2], 1, INT32_MAX, &spans) != OTEL_OK))) {
        fprintf(stderr, "usage: spec_bench [SECONDS | ROW SPANS]\n");
        return 2;
    }
    cores = cores < 1 || row != 0 ? 1 : cores > CORES_MAX ? CORES_MAX : cores;
    for (; count < cores + 2; count++) /* before there are threads */
        sinks[count] = sink_http(&ports[count]);
    pipeline_options_init(&options);
    if (spec_resource(&options.resource) != OTEL_OK)
        die("no resource");
    if (row == 0) {
        printf("the specification's performance benchmark: AlwaysOn, OTLP/HTTP to another "
               "process\n");
        rates(options, ports, (int)seconds);
    }
    options.queue = SPANS;
    for (int i = 0; i < cores; i++) {
        options.port = ports[2 + i];
        pipeline_init(&wide[i], &options);
    }
    if (row == 0)
        costs(wide, (int)cores);
    else
        one_row(&wide[0], (int)row, (int)spans);
    for (int i = 0; i < cores; i++)
        pipeline_fini(&wide[i]);
    otel_sdk_resource_unref(options.resource);
    while (count-- > 0)
        sink_stop(sinks[count]);
    return 0;
}
