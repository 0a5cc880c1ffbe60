/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span costs the program that exports it over loopback, to a process that reads and
 * answers. Prints one table: the minimum of interleaved repeats, and the ratio to a calibration
 * loop of the same run. "worker" is the batch processor's thread alone (encode, compress, send,
 * read the answer); "all" adds the thread that makes the spans.
 *
 *     export_bench               every row
 *     export_bench ROW SPANS     one row, once, that many spans: for callgrind
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ci/bench/row.h"
#include "sdk/base/text.h"
#include "sdk/bench/mallocs.h"
#include "sdk/bench/pipeline.h"
#include "sdk/bench/sink.h"

enum { REPEATS = 25, SPANS = 8192, ROWS = 3 };

struct row {
    const char *key; /* in the speed table */
    const char *name;
    enum otel_sdk_otlp_protocol protocol;
    enum otel_sdk_compression compression;
    double worker_ns, all_ns, bytes, mallocs;
    struct pipeline pipeline;
    pid_t sink;
    uint16_t port;
};

static void make_spans(struct otel_tracer *tracer, int count)
{
    for (int i = 0; i < count; i++) {
        struct otel_span *span = otel_span_start(tracer, "operation", NULL);
        otel_span_set_str(span, "http.request.method", "POST /api/v1/orders");
        otel_span_set_str(span, "url.path", "/api/v1/orders/12345");
        otel_span_set_str(span, "server.address", "orders.internal.svc");
        otel_span_set_str(span, "user_agent.original", "tracerig-load/1.0.0");
        otel_span_set_int(span, "http.response.status_code", 200);
        otel_span_set_int(span, "server.port", 8080);
        otel_span_set_int(span, "order.items", 3);
        otel_span_set_int(span, "order.total_cents", 129900);
        otel_span_finish(span);
    }
}

static void measure(struct row *row, int spans)
{
    struct otel_sdk_processor_stats before = pipeline_stats(&row->pipeline), after;
    uint64_t cpu = process_cpu_ns(), calls = mallocs();

    make_spans(row->pipeline.tracer, spans);
    pipeline_flush(&row->pipeline, &before, (uint64_t)spans);
    cpu = process_cpu_ns() - cpu;
    after = pipeline_stats(&row->pipeline);
    bench_keep_least(&row->all_ns, (double)cpu / spans);
    bench_keep_least(&row->worker_ns, (double)(after.worker_cpu_ns - before.worker_cpu_ns) / spans);
    row->bytes = (double)(after.bytes - before.bytes) / spans;
    row->mallocs = (double)(mallocs() - calls) / spans;
}

static void start(struct row *row)
{
    struct pipeline_options options;

    pipeline_options_init(&options);
    options.port = row->port;
    options.protocol = row->protocol;
    options.compression = row->compression;
    options.queue = SPANS;
    pipeline_init(&row->pipeline, &options);
}

static void table(struct row *rows)
{
    double loop = 0;

    for (int repeat = 0; repeat < REPEATS; repeat++) {
        bench_keep_least(&loop, bench_loop_ns());
        for (int i = 0; i < ROWS; i++)
            measure(&rows[i], SPANS);
    }
    printf("%-32s %10s %10s %8s %8s %8s\n", "export of a span, 8 attributes", "worker ns", "all ns",
           "bytes", "mallocs", "ratio");
    for (int i = 0; i < ROWS; i++)
        printf("%-32s %10.0f %10.0f %8.0f %8.3f %8.2f\n", rows[i].name, rows[i].worker_ns,
               rows[i].all_ns, rows[i].bytes, rows[i].mallocs, rows[i].all_ns / loop);
    for (int i = 0; i < ROWS; i++)
        bench_row_ns(rows[i].key, rows[i].all_ns, loop, rows[i].mallocs);
}

/* As much as it may ever hold at once is queued once: whether the worker falls further behind later
 * than before, which hangs on the machine, then costs no allocation. */
static void fill(struct row *row)
{
    kill(row->sink, SIGSTOP);
    make_spans(row->pipeline.tracer, SPANS + SPANS / 4); /* what is beyond the queue is dropped */
    kill(row->sink, SIGCONT);
    if (otel_sdk_provider_force_flush(row->pipeline.provider, 300000) != OTEL_OK)
        fprintf(stderr, "export_bench: the first flush failed\n");
}

static void one_row(struct row *row, int spans)
{
    start(row);
    fill(row);
    for (int left = spans; left > 0; left -= SPANS)
        measure(row, left < SPANS ? left : SPANS);
    printf("mallocs a span: %.3f\n", row->mallocs); /* of the last SPANS, warm */
    pipeline_fini(&row->pipeline);
}

int main(int argc, char **argv)
{
    static struct row rows[ROWS] = {
        {.key = "export_http", .name = "OTLP/HTTP, no compression",
         .protocol = OTEL_SDK_OTLP_HTTP_PROTOBUF},
        {.key = "export_grpc", .name = "OTLP/gRPC, no compression", .protocol = OTEL_SDK_OTLP_GRPC},
        {.key = "export_gzip", .name = "OTLP/HTTP, gzip", .protocol = OTEL_SDK_OTLP_HTTP_PROTOBUF,
         .compression = OTEL_SDK_COMPRESSION_GZIP},
    };
    uint64_t row = 0, spans = 0;
    int status = 0;

    if (argc != 1 && (argc != 3 || otl_parse_uint(argv[1], 1, ROWS, &row) != OTEL_OK ||
                      otl_parse_uint(argv[2], 1, INT32_MAX, &spans) != OTEL_OK)) {
        fprintf(stderr, "usage: export_bench [ROW SPANS]\n");
        return 2;
    }
    for (int i = 0; i < ROWS; i++) /* before there are threads */
        rows[i].sink = rows[i].protocol == OTEL_SDK_OTLP_GRPC ? sink_grpc(&rows[i].port)
                                                                  : sink_http(&rows[i].port);
    if (row != 0) {
        one_row(&rows[row - 1], (int)spans);
    } else {
        for (int i = 0; i < ROWS; i++) {
            start(&rows[i]);
            fill(&rows[i]);
        }
        table(rows);
        for (int i = 0; i < ROWS; i++)
            pipeline_fini(&rows[i].pipeline);
    }
    for (int i = 0; i < ROWS; i++)
        sink_stop(rows[i].sink);
    return status;
}
