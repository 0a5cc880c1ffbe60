/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/provider.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "ci/bench/row.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"
#include "sdk/bench/mallocs.h"
#include "sdk/otlp/batch.h"

/*
 * What a span costs the thread that makes it. Prints one table: the minimum of interleaved
 * repeats of thread CPU time, and its ratio to a calibration loop of the same run.
 *
 *     span_bench               every row
 *     span_bench ROW SPANS     one row, once, that many spans: for callgrind, and the mallocs of
 *                              the last 2,000; also the row of a full queue, whose processor
 *                              would cost the others a look, and that of the encoder
 */

enum { REPEATS = 25, PARTS = 3, QUEUE = 2048, SPANS = 2000, BATCH = 512, NAME_WIDTH = 48 };

struct rig {
    struct otel_sdk_provider *provider;
    struct otel_tracer *tracer;
    bool full; /* its export never ends, its queue is full: there is nothing to flush */
};

/* Keeps nothing, so that only the producer's side is measured. */
static void discard(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                    otel_sdk_export_done_fn *done, void *done_arg)
{
    struct otel_sdk_export_result result = {.requests = 1};

    (void)exporter, (void)batch;
    done(done_arg, &result);
}

/* Never done, unless given up. */
static otel_sdk_export_done_fn *held_done;
static void *held_arg;
static atomic_bool held;

static void hold(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                 otel_sdk_export_done_fn *done, void *done_arg)
{
    (void)exporter, (void)batch;
    held_done = done;
    held_arg = done_arg;
    atomic_store(&held, true);
}

static void give_up(struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_export_result result = {.err = OTEL_ERR_TIMEOUT, .requests = 1};

    (void)exporter;
    held_done(held_arg, &result);
}

static void keep(struct otel_sdk_exporter *exporter)
{
    (void)exporter;
}

static const struct otel_sdk_exporter_ops discard_ops = {
    .struct_size = sizeof(discard_ops), .export_batch = discard, .free = keep};
static struct otel_sdk_exporter discarder = {&discard_ops};
static const struct otel_sdk_exporter_ops hold_ops = {
    .struct_size = sizeof(hold_ops), .export_batch = hold, .cancel = give_up, .free = keep};
static struct otel_sdk_exporter holder = {&hold_ops};

static void die(const char *what)
{
    fprintf(stderr, "span_bench: %s\n", what);
    exit(3);
}

static void rig_init(struct rig *rig, struct otel_sdk_sampler *sampler,
                     struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_batch_options batch;
    struct otel_sdk_provider_options options;
    struct otel_sdk_processor *processor;
    struct otel_tracer_options scope;

    otel_sdk_batch_options_init(&batch);
    batch.max_queue_size = QUEUE;
    batch.max_export_batch_size = QUEUE; /* the worker stays parked until the flush */
    batch.schedule_delay_millis = 3600 * 1000;
    if (otel_sdk_batch_new(&batch, exporter, &processor) != OTEL_OK)
        die("no batch processor");
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    options.sampler = sampler;
    if (otel_sdk_provider_new(&options, &rig->provider) != OTEL_OK)
        die("no provider");
    otel_tracer_options_init(&scope);
    scope.name = otel_str("bench");
    rig->tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &scope);
}

static void rig_fini(struct rig *rig)
{
    otel_tracer_unref(rig->tracer);
    otel_sdk_provider_free(rig->provider);
}

static uint64_t dropped(struct rig *rig)
{
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};

    otel_sdk_provider_stats(rig->provider, &stats);
    return stats.total.dropped[OTEL_SDK_DROP_QUEUE_FULL];
}

/* Until the export that is held has taken its spans and the queue is full behind it. */
static void fill(struct rig *rig)
{
    uint64_t before;
    bool behind;

    rig_init(rig, otel_sdk_sampler_always_on(), &holder);
    rig->full = true;
    do {
        behind = atomic_load(&held);
        before = dropped(rig);
        for (int i = 0; i < QUEUE; i++)
            otel_span_finish(otel_span_start(rig->tracer, "operation", NULL));
    } while (!behind || dropped(rig) < before + QUEUE);
}

static void set_8(struct otel_span *span)
{
    otel_span_set_str(span, "http.request.method", "POST /api/v1/orders");
    otel_span_set_str(span, "url.path", "/api/v1/orders/12345");
    otel_span_set_str(span, "server.address", "orders.internal.svc");
    otel_span_set_str(span, "user_agent.original", "tracerig-load/1.0.0");
    otel_span_set_int(span, "http.response.status_code", 200);
    otel_span_set_int(span, "server.port", 8080);
    otel_span_set_int(span, "order.items", 3);
    otel_span_set_int(span, "order.total_cents", 129900);
}

typedef void row_fn(struct rig *rig, int spans);

static void spans_0(struct rig *rig, int spans)
{
    for (int i = 0; i < spans; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "operation", NULL);
        otel_span_finish(span);
    }
}

static void spans_8(struct rig *rig, int spans)
{
    for (int i = 0; i < spans; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "operation", NULL);
        set_8(span);
        otel_span_finish(span);
    }
}

struct producer {
    struct rig *rig;
    pthread_barrier_t *start;
    uint64_t cpu_ns;
};

static void *produce(void *arg)
{
    struct producer *producer = arg;
    uint64_t before;

    spans_8(producer->rig, 1); /* this thread's caches */
    pthread_barrier_wait(producer->start);
    before = otl_clock_thread_cpu_ns();
    spans_8(producer->rig, SPANS / 2 - 2);
    producer->cpu_ns = otl_clock_thread_cpu_ns() - before;
    return NULL;
}

/* CPU time a span, over both producers. */
static double two_producers(struct rig *rig)
{
    pthread_barrier_t start;
    struct producer producers[2];
    pthread_t threads[2];

    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0; i < 2; i++) {
        producers[i].rig = rig;
        producers[i].start = &start;
        if (pthread_create(&threads[i], NULL, produce, &producers[i]) != 0)
            die("no thread");
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    otel_sdk_provider_force_flush(rig->provider, 10000);
    return (double)(producers[0].cpu_ns + producers[1].cpu_ns) / (2 * (SPANS / 2 - 2));
}

static double once(row_fn *row, struct rig *rig, int spans)
{
    uint64_t before = otl_clock_thread_cpu_ns(), took;

    row(rig, spans);
    took = otl_clock_thread_cpu_ns() - before;
    if (rig != NULL && rig->provider != NULL && !rig->full)
        otel_sdk_provider_force_flush(rig->provider, 10000);
    return (double)took / spans;
}

/* An exporter that encodes each batch it gets, PARTS times 20 times, and keeps the best time. */
struct encoder {
    struct otel_sdk_exporter exporter;
    struct otl_buf buf;
    bool once; /* each batch, for callgrind */
    double best_ns;
    double bytes;
};

static void encode(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                   otel_sdk_export_done_fn *done, void *done_arg)
{
    struct encoder *encoder = (struct encoder *)exporter;
    struct otel_sdk_export_result result = {.requests = 1};

    otl_buf_reset(&encoder->buf);
    if (encoder->once && otl_otlp_encode_batch(batch, &encoder->buf) != OTEL_OK)
        die("encode");
    for (int part = 0; part < PARTS && !encoder->once && batch->count == BATCH; part++) {
        uint64_t before = otl_clock_thread_cpu_ns();
        double ns;
        for (int i = 0; i < 20; i++) {
            otl_buf_reset(&encoder->buf);
            if (otl_otlp_encode_batch(batch, &encoder->buf) != OTEL_OK)
                die("encode");
        }
        ns = (double)(otl_clock_thread_cpu_ns() - before) / (20 * BATCH);
        encoder->bytes = (double)encoder->buf.len / BATCH;
        bench_keep_least(&encoder->best_ns, ns);
    }
    done(done_arg, &result);
}

static const struct otel_sdk_exporter_ops encode_ops = {
    .struct_size = sizeof(encode_ops), .export_batch = encode, .free = keep};

static void measure_encode(struct encoder *encoder)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_processor *processor;
    struct rig rig;
    struct otel_tracer_options scope;

    if (otel_sdk_batch_new(NULL, &encoder->exporter, &processor) != OTEL_OK)
        die("no batch processor");
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    if (otel_sdk_provider_new(&options, &rig.provider) != OTEL_OK)
        die("no provider");
    otel_tracer_options_init(&scope);
    scope.name = otel_str("bench");
    rig.tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(rig.provider), &scope);
    spans_8(&rig, BATCH);
    otel_sdk_provider_force_flush(rig.provider, 10000);
    rig_fini(&rig);
}

/* As in a program: default options, the worker running beside. Prints its own row. */
static void flow(double calibration)
{
    enum { FLOW = 200000 };
    struct otel_sdk_processor *processor;
    struct otel_sdk_provider_options options;
    struct otel_sdk_stats stats;
    struct rig rig;
    uint64_t before;
    double ns;

    if (otel_sdk_batch_new(NULL, &discarder, &processor) != OTEL_OK)
        die("no batch processor");
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    if (otel_sdk_provider_new(&options, &rig.provider) != OTEL_OK)
        die("no provider");
    rig.tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(rig.provider), NULL);
    before = otl_clock_thread_cpu_ns();
    spans_8(&rig, FLOW);
    ns = (double)(otl_clock_thread_cpu_ns() - before) / FLOW;
    otel_sdk_provider_force_flush(rig.provider, 10000);
    stats.struct_size = sizeof(stats);
    otel_sdk_provider_stats(rig.provider, &stats);
    printf("%-*s %9.1f %8.2f   worker %.1f ns/span, queue_full %.2f %%, %llu wakes for %llu "
           "batches\n",
           NAME_WIDTH, "8 attributes flat out, defaults, worker running", ns, ns / calibration,
           (double)stats.total.worker_cpu_ns / FLOW,
           100.0 * (double)stats.total.dropped[OTEL_SDK_DROP_QUEUE_FULL] / FLOW,
           (unsigned long long)stats.total.wakes, (unsigned long long)stats.total.batches);
    rig_fini(&rig);
}

struct row {
    const char *key; /* in the speed table */
    const char *name;
    row_fn *run;
    struct rig *rig;
    int scale; /* so that cheap rows take long enough to be measured */
    double best;
    double mallocs; /* a span, once everything is warm */
};

static void print_row(const char *name, double ns, double calibration)
{
    printf("%-*s %9.1f %8.2f\n", NAME_WIDTH, name, ns, ns / calibration);
}

/* rows[count - 1] is the one that two producers do, too. */
static void print(const struct row *rows, size_t count, double loop, double two,
                  const struct encoder *encoder)
{
    printf("%-*s %9s %8s\n", NAME_WIDTH, "row (minimum of 25 repeats)", "ns/span", "ratio");
    for (size_t i = 0; i < count; i++)
        print_row(rows[i].name, rows[i].best, loop);
    for (size_t i = 0; i < count; i++)
        if (rows[i].mallocs != 0)
            printf("  %.3f mallocs a span: %s\n", rows[i].mallocs, rows[i].name);
    print_row("sampled, 8 attributes, 2 producers: CPU a span", two, loop);
    print_row("encode a batch of 512 x 8 attributes", encoder->best_ns, loop);
    printf("%-*s %9.1f M spans/s, %.1f bytes a span\n", NAME_WIDTH, "  that is",
           1000 / encoder->best_ns, encoder->bytes);
    for (size_t i = 0; i < count; i++)
        bench_row_ns(rows[i].key, rows[i].best, loop, rows[i].mallocs);
    bench_row("two_producers", two / rows[count - 1].best, "x");
    bench_row_ns("encode", encoder->best_ns, loop, -1);
}

static void measure(struct row *rows, size_t count, struct rig *on)
{
    double two = 0, loop = 0;
    struct encoder encoder = {.exporter.ops = &encode_ops};

    otl_buf_init(&encoder.buf, 64 << 20);
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        bench_keep_least(&loop, bench_loop_ns());
        for (size_t i = 0; i < count; i++) {
            uint64_t calls = mallocs();
            double ns = once(rows[i].run, rows[i].rig, SPANS * rows[i].scale);
            rows[i].mallocs = (double)(mallocs() - calls) / (SPANS * rows[i].scale);
            bench_keep_least(&rows[i].best, ns);
        }
        bench_keep_least(&two, two_producers(on));
        measure_encode(&encoder);
    }
    print(rows, count, loop, two, &encoder);
    flow(loop);
    otl_buf_fini(&encoder.buf);
}

/* One row for callgrind; says how many mallocs the last SPANS of it took. */
static void one_row(const struct row *row, int spans)
{
    uint64_t calls = 0;

    for (; spans > 0; spans -= SPANS) {
        calls = mallocs();
        once(row->run, row->rig, spans < SPANS ? spans : SPANS);
        calls = mallocs() - calls;
    }
    printf("mallocs a span: %.3f\n", (double)calls / SPANS);
}

int main(int argc, char **argv)
{
    struct rig none = {NULL, NULL, false}, off = none, on = none, full = none, encoding = none;
    struct encoder encoder = {.exporter.ops = &encode_ops, .once = true};
    struct row rows[] = {
        {"no_sdk", "no SDK: start + end", spans_0, &none, 50, 0, 0},
        {"not_sampled", "not sampled: start + end", spans_0, &off, 10, 0, 0},
        {"sampled_0", "sampled, 0 attributes, to enqueued", spans_0, &on, 1, 0, 0},
        {"sampled_8", "sampled, 8 attributes, to enqueued", spans_8, &on, 1, 0, 0},
        /* for callgrind */
        {"sampled_8_dropped", "sampled, 8 attributes, queue full", spans_8, &full, 1, 0, 0},
        {"encode", "sampled, 8 attributes, encoded", spans_8, &encoding, 1, 0, 0},
    };
    enum { TABLE = 4, FULL = 5, ENCODING = 6, LAST = 6 }; /* rows are counted from 1 */
    uint64_t row = 0, spans = 0;

    if (argc != 1 && (argc != 3 || otl_parse_uint(argv[1], 1, LAST, &row) != OTEL_OK ||
                      otl_parse_uint(argv[2], SPANS, INT32_MAX, &spans) != OTEL_OK))
        die("usage: span_bench [ROW SPANS], at least 2000 of them");
    rig_init(&off, otel_sdk_sampler_always_off(), &discarder);
    rig_init(&on, otel_sdk_sampler_always_on(), &discarder);
    otl_buf_init(&encoder.buf, 64 << 20);
    if (row == FULL)
        fill(&full);
    if (row == ENCODING)
        rig_init(&encoding, otel_sdk_sampler_always_on(), &encoder.exporter);
    if (row != 0)
        one_row(&rows[row - 1], (int)spans);
    else
        measure(rows, TABLE, &on);
    if (row == FULL)
        rig_fini(&full);
    if (row == ENCODING)
        rig_fini(&encoding);
    rig_fini(&off);
    rig_fini(&on);
    otl_buf_fini(&encoder.buf);
    return 0;
}
