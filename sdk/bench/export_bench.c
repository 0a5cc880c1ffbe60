/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span costs the program that exports it over loopback: OTLP/HTTP to a process that reads
 * and answers. Prints one table: the minimum of interleaved repeats, and the ratio to a
 * calibration loop of the same run. "worker" is the batch processor's thread alone (encode,
 * compress, send, read the answer); "all" adds the thread that makes the spans.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sdk/base/clock.h"

enum { REPEATS = 25, SPANS = 8192, BATCH = 512 };

struct rig {
    struct otel_sdk_provider *provider;
    struct otel_tracer *tracer;
};

struct row {
    const char *name;
    double worker_ns, all_ns, bytes;
};

static void die(const char *what)
{
    fprintf(stderr, "export_bench: %s\n", what);
    exit(3);
}

static uint64_t process_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * OTL_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* One request after the other on one connection; only as much HTTP as our own client speaks. */
static void serve(int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static char bytes[4 << 20];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
        char *end, *length;
        if (n <= 0)
            return;
        len += (size_t)n;
        bytes[len] = '\0';
        end = memmem(bytes, len, "\r\n\r\n", 4);
        length = end ? strstr(bytes, "Content-Length: ") : NULL;
        if (length == NULL || len < (size_t)(end + 4 - bytes) + strtoul(length + 16, NULL, 10))
            continue;
        len = 0;
        if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
            return;
    }
}

/* A process of its own, so that its CPU is not ours. */
static pid_t start_server(uint16_t *ret_port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;

    if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &len) != 0)
        die("no socket");
    *ret_port = ntohs(in.sin_port);
    child = fork();
    if (child == 0) {
        for (;;) {
            int connection = accept(fd, NULL, NULL);
            if (connection >= 0) {
                serve(connection);
                close(connection);
            }
        }
    }
    close(fd);
    return child;
}

static void rig_init(struct rig *rig, uint16_t port, enum otel_sdk_compression compression)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_batch_options batch;
    struct otel_sdk_otlp_options otlp;
    struct otel_sdk_processor *processor;
    struct otel_sdk_exporter *exporter;
    struct otel_tracer_options scope;
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u/v1/traces", (unsigned)port);
    otel_sdk_otlp_options_init(&otlp);
    otlp.endpoint = otel_str(endpoint);
    otlp.compression = compression;
    otel_sdk_batch_options_init(&batch);
    batch.max_queue_size = SPANS;
    batch.max_export_batch_size = BATCH;
    if (otel_sdk_otlp_new(&otlp, &exporter) != OTEL_OK ||
        otel_sdk_batch_new(&batch, exporter, &processor) != OTEL_OK)
        die("no exporter");
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    if (otel_sdk_provider_new(&options, &rig->provider) != OTEL_OK)
        die("no provider");
    otel_tracer_options_init(&scope);
    scope.name = otel_str("bench");
    rig->tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &scope);
}

static void make_spans(struct rig *rig, int count)
{
    for (int i = 0; i < count; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "operation", NULL);
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

static void keep_least(double *least, double value)
{
    if (*least <= 0 || value < *least)
        *least = value;
}

static void measure(struct rig *rig, struct row *row)
{
    struct otel_sdk_processor_stats before, after;
    uint64_t cpu;

    otel_sdk_provider_processor_stats(rig->provider, 0, &before);
    cpu = process_cpu_ns();
    make_spans(rig, SPANS);
    if (otel_sdk_provider_force_flush(rig->provider, 30000) != OTEL_OK)
        die("flush");
    cpu = process_cpu_ns() - cpu;
    otel_sdk_provider_processor_stats(rig->provider, 0, &after);
    if (after.exported - before.exported != SPANS)
        die("spans were lost");
    keep_least(&row->all_ns, (double)cpu / SPANS);
    keep_least(&row->worker_ns, (double)(after.worker_cpu_ns - before.worker_cpu_ns) / SPANS);
    row->bytes = (double)(after.bytes - before.bytes) / SPANS;
}

static uint64_t g_sink;

static double calibrate(void)
{
    uint64_t x = 88172645463325252ULL, before = otl_clock_thread_cpu_ns();

    for (int i = 0; i < SPANS * 32; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    g_sink += x;
    return (double)(otl_clock_thread_cpu_ns() - before) / SPANS;
}

int main(void)
{
    struct row rows[2] = {{"OTLP/HTTP, no compression", 0, 0, 0}, {"OTLP/HTTP, gzip", 0, 0, 0}};
    double loop = 0;
    struct rig rigs[2];
    uint16_t ports[2];
    pid_t servers[2];

    for (int i = 0; i < 2; i++)
        servers[i] = start_server(&ports[i]); /* before there are threads */
    rig_init(&rigs[0], ports[0], OTEL_SDK_COMPRESSION_NONE);
    rig_init(&rigs[1], ports[1], OTEL_SDK_COMPRESSION_GZIP);
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        keep_least(&loop, calibrate());
        for (int i = 0; i < 2; i++)
            measure(&rigs[i], &rows[i]);
    }
    printf("%-32s %10s %10s %8s %8s\n", "export of a span, 8 attributes", "worker ns", "all ns",
           "bytes", "ratio");
    for (int i = 0; i < 2; i++)
        printf("%-32s %10.0f %10.0f %8.0f %8.2f%s\n", rows[i].name, rows[i].worker_ns,
               rows[i].all_ns, rows[i].bytes, rows[i].all_ns / loop,
               i == 0 ? "   all: must reach <= 800" : "");
    for (int i = 0; i < 2; i++) {
        otel_tracer_unref(rigs[i].tracer);
        otel_sdk_provider_free(rigs[i].provider);
        kill(servers[i], SIGKILL);
        waitpid(servers[i], NULL, 0);
    }
    return 0;
}
