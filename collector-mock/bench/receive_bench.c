/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "collector-mock/bench/process.h"
#include "collector-mock/bench/stream.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/clock.h"

/*
 * What a received span costs collector-mock: the minimum of interleaved repeats, and its ratio to
 * a calibration loop of the same run. The stream is prepared, so that the sender is not the limit;
 * the figure is the CPU time of the collector process, kernel included, on a span.
 *
 *     receive_bench                every row
 *     receive_bench workers        what two workers cost beside one
 *     receive_bench standing       10,000 connections, 100 of them active; from start to ready
 *     receive_bench peer PROGRAM   a real Collector beside ours, over HTTP: to its nop exporter,
 *                                  and to its file exporter, if it has one, as ours to the tap
 *     receive_bench check N        check a request of 512 spans N times: for callgrind
 *     receive_bench count ROW N FILE   N requests of a row to a collector under callgrind, which
 *                                  says in FILE what it counted; ROW is http, grpc (both recorded),
 *                                  tail_http or tail_grpc
 *
 * A span: 8 attributes, 4 texts of 19 or 20 characters and 4 numbers (its size is printed).
 */

enum { REPEATS = 11, REQUESTS = 400, SINGLES = 20000, CHECKS = 200 };

/* What is sent: by protocol, HTTP first. */
struct streams {
    struct otl_view body;
    struct stream batches[2], tails[2], singles[2];
};

static void make_streams(struct streams *streams)
{
    struct otl_view body = stream_body(STREAM_SPANS), single = stream_body(1);

    streams->body = body;
    for (int grpc = 0; grpc < 2; grpc++) {
        streams->batches[grpc] = (struct stream){grpc ? stream_grpc(body) : stream_http(body),
                                                 STREAM_SPANS, REQUESTS, grpc, NULL, 0};
        streams->tails[grpc] = stream_tail(&streams->batches[grpc], body);
        streams->singles[grpc] = (struct stream){grpc ? stream_grpc(single) : stream_http(single),
                                                 1, SINGLES, grpc, NULL, 0};
    }
}

/* ---- one measurement ---- */

struct cost { /* CPU nanoseconds on a span */
    double all;     /* of all threads */
    double busiest; /* of the thread that had most of it */
};

static double check(struct otl_view request, int times)
{
    uint64_t before = otl_clock_thread_cpu_ns(), spans = 0;

    for (int i = 0; i < times; i++) {
        uint64_t count = 0;
        if (col_traces_check(request, &count, NULL) != OTEL_OK || count != STREAM_SPANS)
            stream_die("the request is not good");
        spans += count;
    }
    return (double)(otl_clock_thread_cpu_ns() - before) / (double)spans;
}

static struct cost receive(const struct setup *setup, const struct stream *stream)
{
    struct collector collector;
    uint64_t before, after, busiest, life;
    double spans =
        (double)(stream->requests / STREAM_CONNECTIONS * STREAM_CONNECTIONS) * stream->spans;

    collector_start(&collector, setup);
    before = collector_cpu_ns(&collector);
    stream_send(stream, collector.port);
    after = collector_cpu_ns(&collector);
    busiest = collector_busiest_ns(&collector);
    life = collector_stop(&collector);
    if (stream->ids != NULL)
        after = life;
    if (setup->tap != NULL)
        unlink(setup->tap);
    return (struct cost){(double)(after - before) / spans, (double)busiest / spans};
}

/* ---- connections that stand, and starts ---- */

static double minimum(double a, double b)
{
    return b < a ? b : a;
}

enum { STANDING = 10000, ACTIVE = 100, ROUNDS = 8, SPARE = 100, STARTS = 11 };

/* What a span costs over the last ACTIVE of so many connections, one request after another. They
 * are accepted in their order: once the last has its answer, all are there. */
static double receive_standing(const struct setup *setup, const struct stream *stream, int count)
{
    static int fds[STANDING];
    struct collector collector;
    uint64_t before = 0, after;
    char *bytes = malloc(stream->bytes.len);

    if (bytes == NULL)
        stream_die("memory");
    memcpy(bytes, stream->bytes.data, stream->bytes.len);
    collector_start(&collector, setup);
    for (int i = 0; i < count; i++) {
        fds[i] = stream_connect(collector.port);
        if (!stream_greet(fds[i], stream))
            stream_die("sending");
    }
    for (unsigned round = 0; round <= ROUNDS; round++) { /* the first is not counted */
        for (int i = 0; i < ACTIVE; i++)
            if (!stream_exchange(fds[count - 1 - i], stream, bytes, round))
                stream_die("sending");
        if (round == 0)
            before = collector_cpu_ns(&collector);
    }
    after = collector_cpu_ns(&collector);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    collector_stop(&collector);
    unlink(setup->tap);
    free(bytes);
    return (double)(after - before) / (ROUNDS * ACTIVE * (double)stream->spans);
}

/* Seconds from the fork to the line that says ready. */
static double start_once(const struct setup *setup)
{
    struct timespec from, to;
    struct collector collector;

    clock_gettime(CLOCK_MONOTONIC, &from);
    collector_start(&collector, setup);
    clock_gettime(CLOCK_MONOTONIC, &to);
    collector_stop(&collector);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Of one protocol: ACTIVE connections alone, and among STANDING. */
static void stand(const char *dir, const struct stream *stream, double *few, double *many)
{
    char config[64], tap[64];
    const struct setup setup = {.config = config, .tap = tap, .workers = "1"};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    collector_config(config, &(struct config){.protocol = stream->grpc ? "grpc" : "http"});
    bench_keep_least(few, receive_standing(&setup, stream, ACTIVE));
    bench_keep_least(many, receive_standing(&setup, stream, STANDING));
    unlink(config);
}

static void standing(const char *dir, const struct streams *streams)
{
    struct rlimit limit;
    double many[2] = {0, 0}, few[2] = {0, 0}, loop = 0;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        stream_die("RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < STANDING + SPARE || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        printf("%d connections: not measured here: %llu descriptors are allowed\n", STANDING,
               (unsigned long long)limit.rlim_max);
        return;
    }
    for (int i = 0; i < REPEATS; i++) {
        bench_keep_least(&loop, bench_loop_ns());
        for (int grpc = 0; grpc < 2; grpc++)
            stand(dir, &streams->batches[grpc], &few[grpc], &many[grpc]);
    }
    for (int grpc = 0; grpc < 2; grpc++) {
        printf("%s: record, 100 connections active, 10,000 open %9.1f ns/span, with those 100 "
               "alone %.1f (%.2fx)\n",
               grpc ? "gRPC" : "HTTP", many[grpc], few[grpc], many[grpc] / few[grpc]);
        bench_row_ns(grpc ? "standing_grpc" : "standing_http", many[grpc], loop, -1);
    }
}

static void starts(const char *dir)
{
    char config[64];
    const struct setup setup = {.config = config, .workers = "1"};
    double seconds[STARTS], least = 1e9, most = 0;

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    collector_config(config, &(struct config){.protocol = "http"});
    for (int i = 0; i < STARTS; i++) {
        seconds[i] = start_once(&setup);
        least = minimum(least, seconds[i]);
        most = seconds[i] > most ? seconds[i] : most;
    }
    unlink(config);
    printf("from start to ready, %d times                   %9.1f ms, the slowest %.1f ms\n",
           STARTS, least * 1e3, most * 1e3);
    bench_row("start_ready", least * 1e3, "ms");
}

/* The same stream by one worker and by two: what both cost together, and what the busier one does
 * (which bounds the throughput where there are cores enough; senders have theirs here). */
struct scale {
    struct cost one, two;
};

static void keep_least(struct cost *least, struct cost cost)
{
    least->all = minimum(least->all, cost.all);
    least->busiest = minimum(least->busiest, cost.busiest);
}

static void scale_row(const char *name, const struct scale *scale)
{
    printf("%-46s %9.1f and %.1f ns/span by all (%.2fx)", name, scale->one.all, scale->two.all,
           scale->two.all / scale->one.all);
    if (scale->one.busiest > 0)
        printf(", %.1f by the busier (%.2fx)", scale->two.busiest,
               scale->two.busiest / scale->one.busiest);
    printf("\n");
}

/* ---- the table ---- */

enum { ROWS = 8 };

static const struct {
    const char *name, *key;
} rows[ROWS] = {
    {"HTTP: receive, decode, validate", "plain_http"},
    {"HTTP: the same, record (tmpfs)", "receive_http"},
    {"HTTP: the same, one span a request", NULL},
    {"HTTP: receive, tail sampling, forward", "tail_http"},
    {"gRPC: receive, decode, validate", NULL},
    {"gRPC: the same, record (tmpfs)", "receive_grpc"},
    {"gRPC: the same, one span a request", NULL},
    {"gRPC: receive, tail sampling, forward", "tail_grpc"},
};

struct figures {
    double loop, checked, least[ROWS];
    double peer[2]; /* of a span at the real Collector: to nothing, to a file */
    struct scale scales[2];
};

static void print_row(const char *name, double ns, double loop)
{
    printf("%-46s %9.1f ns/span %9.2f M/s %8.2fx\n", name, ns, 1e3 / ns, ns / loop);
}

/* One repeat of the rows that need a collector, each kept where it is the least so far. */
static void repeat(const char *dir, const struct streams *streams, double least[ROWS])
{
    char config[64], tap[64];
    const struct setup plain = {.config = config, .workers = "1"};
    const struct setup recording = {.config = config, .tap = tap, .workers = "1"};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    for (int grpc = 0; grpc < 2; grpc++) {
        double *row = least + 4 * grpc;
        struct config file = {.protocol = grpc ? "grpc" : "http"};
        collector_config(config, &file);
        row[0] = minimum(row[0], receive(&plain, &streams->batches[grpc]).all);
        row[1] = minimum(row[1], receive(&recording, &streams->batches[grpc]).all);
        row[2] = minimum(row[2], receive(&recording, &streams->singles[grpc]).all);
        file.tail = 1;
        collector_config(config, &file);
        row[3] = minimum(row[3], receive(&plain, &streams->tails[grpc]).all);
    }
    unlink(config);
}

/* With the tap, which both workers write; then cut by trace and handed over, for tail sampling. */
static void repeat_scale(const char *dir, const struct streams *streams, struct scale least[2])
{
    char config[64], tap[64];
    const struct setup one = {.config = config, .tap = tap, .workers = "1"};
    const struct setup two = {.config = config, .tap = tap, .workers = "2"};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    for (int i = 0; i < 2; i++) {
        const struct stream *stream = i == 0 ? &streams->batches[0] : &streams->tails[0];
        collector_config(config, &(struct config){.protocol = "http", .tail = i});
        keep_least(&least[i].one, receive(&one, stream));
        keep_least(&least[i].two, receive(&two, stream));
    }
    unlink(config);
}

static void repeat_peer(const char *dir, const struct streams *streams, const char *peer,
                        double least[2])
{
    char config[64], file[64];
    struct setup setup = {.config = config, .peer = peer};

    snprintf(config, sizeof(config), "%s/peer.yaml", dir);
    snprintf(file, sizeof(file), "%s/peer.bin", dir);
    for (int i = 0; i < 2; i++) {
        setup.peer_port = collector_free_port();
        collector_config(config, &(struct config){.protocol = "http", .port = setup.peer_port,
                                                  .foreign = 1, .file = i == 1 ? file : NULL});
        if (i == 0 || collector_takes(peer, config))
            bench_keep_least(&least[i], receive(&setup, &streams->batches[0]).all);
        unlink(file);
    }
    unlink(config);
}

/* For callgrind, which the collector runs under. */
static int count(const char *dir, const struct streams *streams, char **argv)
{
    int grpc = strstr(argv[2], "grpc") != NULL, tail = strncmp(argv[2], "tail_", 5) == 0;
    struct stream stream = tail ? streams->tails[grpc] : streams->batches[grpc];
    char config[64], tap[64];
    struct setup setup = {.config = config, .tap = tail ? NULL : tap, .workers = "1",
                          .count = argv[4]};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    stream.requests = (int)strtol(argv[3], NULL, 10);
    collector_config(config, &(struct config){.protocol = grpc ? "grpc" : "http", .tail = tail});
    receive(&setup, &stream);
    unlink(config);
    return 0;
}

static void print(const struct figures *figures, const struct streams *streams, int only_scale)
{
    printf("%d spans a request, %.1f bytes a span, %d repeats, minimum; calibration %.1f ns\n",
           STREAM_SPANS, (double)streams->body.len / STREAM_SPANS, REPEATS, figures->loop);
    print_row("decode and validate", figures->checked, figures->loop);
    for (int i = 0; i < ROWS && !only_scale; i++)
        print_row(rows[i].name, figures->least[i], figures->loop);
    for (int i = 0; i < ROWS && !only_scale; i++)
        if (rows[i].key != NULL)
            bench_row_ns(rows[i].key, figures->least[i], figures->loop, -1);
    for (int i = 0; i < 2; i++)
        if (figures->peer[i] > 0) {
            print_row(i == 0 ? "HTTP: a real Collector, to its nop exporter"
                             : "HTTP: a real Collector, to its file exporter",
                      figures->peer[i], figures->loop);
            bench_row_ns(i == 0 ? "plain_http@otelcol" : "receive_http@otelcol",
                         figures->peer[i], figures->loop, -1);
        }
    if (figures->scales[0].one.all < 1e9) {
        scale_row("HTTP: receive, record: 1 worker and 2", &figures->scales[0]);
        scale_row("HTTP: the same, tail sampling: 1 worker and 2", &figures->scales[1]);
    }
}

static void measure(const char *dir, const struct streams *streams, const char *peer,
                    int only_scale, struct figures *figures)
{
    for (int i = 0; i < ROWS; i++)
        figures->least[i] = 1e9;
    for (int i = 0; i < 2; i++)
        figures->scales[i].one = figures->scales[i].two = (struct cost){1e9, 1e9};
    for (int i = 0; i < REPEATS; i++) {
        bench_keep_least(&figures->loop, bench_loop_ns());
        bench_keep_least(&figures->checked, check(streams->body, CHECKS));
        if (!only_scale)
            repeat(dir, streams, figures->least);
        if (peer != NULL)
            repeat_peer(dir, streams, peer, figures->peer);
        else
            repeat_scale(dir, streams, figures->scales);
    }
}

int main(int argc, char **argv)
{
    char dir[] = "/dev/shm/receive_bench.XXXXXX";
    const char *what = argc > 1 ? argv[1] : "";
    int only_scale = strcmp(what, "workers") == 0, only_standing = strcmp(what, "standing") == 0;
    const char *peer = argc == 3 && strcmp(what, "peer") == 0 ? argv[2] : NULL;
    struct figures figures = {0};
    struct streams streams;
    int status = 0;

    make_streams(&streams);
    if (argc == 3 && strcmp(what, "check") == 0) {
        printf("%.1f ns/span\n", check(streams.body, (int)strtol(argv[2], NULL, 10)));
        return 0;
    }
    if (mkdtemp(dir) == NULL)
        stream_die(dir);
    if (argc == 5 && strcmp(what, "count") == 0) {
        status = count(dir, &streams, argv);
    } else if (argc > 1 && !only_scale && !only_standing && peer == NULL) {
        fprintf(stderr, "usage: receive_bench [workers | standing | peer PROGRAM | check N | "
                        "count ROW N FILE]\n");
        status = 2;
    } else {
        if (!only_standing)
            measure(dir, &streams, peer, only_scale, &figures);
        if (!only_scale && peer == NULL) {
            standing(dir, &streams);
            starts(dir);
        }
        if (!only_standing)
            print(&figures, &streams, only_scale);
    }
    rmdir(dir);
    return status;
}
