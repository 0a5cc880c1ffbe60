/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set-up of the specification's performance benchmark: AlwaysOn, OTLP to a receiver in a
 * process of its own that answers at once; the spans of spec_spans.h.
 *
 *     spec_bench [SECONDS]    how long the load of 10,000 spans a second lasts (15)
 *
 * Ends with status 3 when a span was lost.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/text.h"
#include "sdk/bench/mallocs.h"
#include "sdk/bench/pipeline.h"
#include "sdk/bench/sink.h"
#include "sdk/bench/spec_spans.h"

enum { REPEATS = 25, SPANS = 8192, RATE = 10000, TICKS = 100, CORES_MAX = 64, SECONDS_MAX = 3600 };

static void die(const char *what)
{
    fprintf(stderr, "spec_bench: %s\n", what);
    exit(3);
}

static uint64_t now_ns(void)
{
    return otl_clock_mono(otl_clock_real());
}

/* --- what a span costs --- */

static void instrumentation_cost(struct pipeline *pipeline)
{
    double best = 0;
    uint64_t calls = 0;

    for (int repeat = 0; repeat < REPEATS; repeat++) {
        struct otel_sdk_processor_stats before = pipeline_stats(pipeline);
        uint64_t cpu;
        double ns;
        calls = mallocs();
        cpu = otl_clock_thread_cpu_ns();
        for (int i = 0; i < SPANS / 2; i++) /* half a queue: nothing is lost, the worker beside */
            spec_small(pipeline->tracer);
        ns = (double)(otl_clock_thread_cpu_ns() - cpu) / (SPANS / 2);
        if (repeat == 0 || ns < best)
            best = ns;
        pipeline_flush(pipeline, &before, SPANS / 2);
        calls = mallocs() - calls;
    }
    printf("%-52s %8.0f ns, %.3f mallocs with the export\n",
           "root span, 1 int attribute, 1 event: create and end", best,
           (double)calls / (SPANS / 2));
}

/* --- how many are exported --- */

static void *make_large(void *arg)
{
    struct pipeline *pipeline = arg;

    for (int i = 0; i < SPANS; i++)
        spec_large(pipeline->tracer);
    return NULL;
}

/* Each core has a pipeline and a producer of its own; spans a second of this process's CPU. */
static void throughput(struct pipeline *pipelines, int cores)
{
    double best = 0, bytes = 0;

    for (int repeat = 0; repeat < REPEATS; repeat++) {
        struct otel_sdk_processor_stats before[CORES_MAX];
        pthread_t threads[CORES_MAX];
        uint64_t cpu = process_cpu_ns();
        double rate;
        for (int i = 0; i < cores; i++) {
            before[i] = pipeline_stats(&pipelines[i]);
            if (pthread_create(&threads[i], NULL, make_large, &pipelines[i]) != 0)
                die("no thread");
        }
        for (int i = 0; i < cores; i++) {
            pthread_join(threads[i], NULL);
            pipeline_flush(&pipelines[i], &before[i], SPANS);
        }
        rate = (double)SPANS * cores * OTL_NS_PER_S / (double)(process_cpu_ns() - cpu);
        best = rate > best ? rate : best;
        bytes = (double)(pipeline_stats(&pipelines[0]).bytes - before[0].bytes) / SPANS;
    }
    printf("10 attributes of 20 + 20 characters, %2d producer%s     %8.0f spans/s a core exported, "
           "%.0f bytes each\n", cores, cores == 1 ? " " : "s", best, bytes);
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

static void at_rate(struct pipeline *pipeline, const char *name, int seconds)
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
}

int main(int argc, char **argv)
{
    struct pipeline defaults, simple, wide[CORES_MAX];
    pid_t sinks[CORES_MAX + 2];
    uint16_t ports[CORES_MAX + 2];
    struct pipeline_options options;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t seconds = 15;
    int count = 0;

    if (argc > 2 ||
        (argc == 2 && otl_parse_uint(argv[1], 1, SECONDS_MAX, &seconds) != OTEL_OK)) {
        fprintf(stderr, "usage: spec_bench [SECONDS]\n");
        return 2;
    }
    cores = cores < 1 ? 1 : cores > CORES_MAX ? CORES_MAX : cores;
    for (; count < cores + 2; count++)
        sinks[count] = sink_http(&ports[count]);
    pipeline_options_init(&options);
    if (spec_resource(&options.resource) != OTEL_OK)
        die("no resource");
    options.port = ports[0];
    pipeline_init(&defaults, &options);
    options.port = ports[1];
    options.simple = true;
    pipeline_init(&simple, &options);
    printf("the specification's performance benchmark: AlwaysOn, OTLP/HTTP to another process\n");
    at_rate(&defaults, "batch processor, defaults:", (int)seconds);
    at_rate(&simple, "simple processor:", (int)seconds);
    options.simple = false;
    options.queue = SPANS;
    for (int i = 0; i < cores; i++) {
        options.port = ports[2 + i];
        pipeline_init(&wide[i], &options);
    }
    instrumentation_cost(&wide[0]);
    throughput(wide, 1);
    if (cores > 1)
        throughput(wide, (int)cores);
    for (int i = 0; i < cores; i++)
        pipeline_fini(&wide[i]);
    pipeline_fini(&simple);
    pipeline_fini(&defaults);
    otel_sdk_resource_unref(options.resource);
    while (count-- > 0)
        sink_stop(sinks[count]);
    return 0;
}
