/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "collector-mock/bench/process.h"
#include "collector-mock/bench/standing.h"
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
 *     receive_bench standing       10,000 connections, 100 of them active: CPU and memory; from
 *                                  start to ready
 *     receive_bench peer OTELCOL [ROTEL]
 *                                  a real Collector beside ours, over HTTP and gRPC: to its nop
 *                                  exporter; to its file exporter, if it has one, as ours to the
 *                                  tap; through its tail_sampling, if it has that; and Rotel, to
 *                                  its blackhole exporter; "-" for a program that is not there
 *     receive_bench row ROW        one row alone, for a profiler around it; ROW as below, or
 *                                  plain_http, plain_grpc
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
                                                 STREAM_SPANS, REQUESTS, grpc, 0, NULL, 0};
        streams->tails[grpc] = stream_tail(&streams->batches[grpc], body);
        streams->singles[grpc] = (struct stream){grpc ? stream_grpc(single) : stream_http(single),
                                                 1, SINGLES, grpc, 0, NULL, 0};
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

static double minimum(double a, double b)
{
    return b < a ? b : a;
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
    {"gRPC: receive, decode, validate", "plain_grpc"},
    {"gRPC: the same, record (tmpfs)", "receive_grpc"},
    {"gRPC: the same, one span a request", NULL},
    {"gRPC: receive, tail sampling, forward", "tail_grpc"},
};

enum { PEERS = 8 };

static const struct {
    const char *name, *key;
    int grpc, file, tail, rotel;
} peers[PEERS] = {
    {"HTTP: a real Collector, to its nop exporter", "plain_http@otelcol", 0, 0, 0, 0},
    {"HTTP: a real Collector, to its file exporter", "receive_http@otelcol", 0, 1, 0, 0},
    {"HTTP: a real Collector, tail sampling", "tail_http@otelcol", 0, 0, 1, 0},
    {"gRPC: a real Collector, to its nop exporter", "plain_grpc@otelcol", 1, 0, 0, 0},
    {"gRPC: a real Collector, to its file exporter", "receive_grpc@otelcol", 1, 1, 0, 0},
    {"gRPC: a real Collector, tail sampling", "tail_grpc@otelcol", 1, 0, 1, 0},
    {"HTTP: Rotel, to its blackhole exporter", "plain_http@rotel", 0, 0, 0, 1},
    {"gRPC: Rotel, to its blackhole exporter", "plain_grpc@rotel", 1, 0, 0, 1},
};

struct figures {
    double loop, checked, least[ROWS];
    double peer[PEERS]; /* of a span there; 0: not measured */
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

/* Programs of peers that are there; NULL: not. */
struct programs {
    const char *otelcol, *rotel;
};

static void repeat_peer(const char *dir, const struct streams *streams,
                        const struct programs *programs, double least[PEERS])
{
    char config[64], file[64];

    snprintf(config, sizeof(config), "%s/peer.yaml", dir);
    snprintf(file, sizeof(file), "%s/peer.bin", dir);
    for (int i = 0; i < PEERS; i++) {
        int grpc = peers[i].grpc, rotel = peers[i].rotel;
        struct stream stream = peers[i].tail ? streams->tails[grpc] : streams->batches[grpc];
        struct setup setup = {.config = config, .rotel = rotel, .grpc = grpc,
                              .peer = rotel ? programs->rotel : programs->otelcol,
                              .peer_port = collector_free_port()};
        if (setup.peer == NULL)
            continue;
        stream.polite = grpc;
        collector_config(config, &(struct config){.protocol = grpc ? "grpc" : "http",
                                                  .port = setup.peer_port, .foreign = 1,
                                                  .tail = peers[i].tail,
                                                  .file = peers[i].file ? file : NULL});
        if (rotel || collector_takes(setup.peer, config))
            bench_keep_least(&least[i], receive(&setup, &stream).all);
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

/* One row alone. */
static void one_row(const char *dir, const struct streams *streams, const char *name)
{
    int grpc = strstr(name, "grpc") != NULL, tail = strncmp(name, "tail_", 5) == 0;
    int plain = strncmp(name, "plain_", 6) == 0;
    char config[64], tap[64];
    const struct setup setup = {.config = config, .tap = tail || plain ? NULL : tap,
                                .workers = "1"};
    double loop = 0, least = 0;

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    collector_config(config, &(struct config){.protocol = grpc ? "grpc" : "http", .tail = tail});
    for (int i = 0; i < REPEATS; i++) {
        bench_keep_least(&loop, bench_loop_ns());
        bench_keep_least(&least, receive(&setup, tail ? &streams->tails[grpc]
                                                      : &streams->batches[grpc]).all);
    }
    print_row(name, least, loop);
    unlink(config);
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
    for (int i = 0; i < PEERS; i++)
        if (figures->peer[i] > 0) {
            print_row(peers[i].name, figures->peer[i], figures->loop);
            bench_row_ns(peers[i].key, figures->peer[i], figures->loop, -1);
        }
    if (figures->scales[0].one.all < 1e9) {
        scale_row("HTTP: receive, record: 1 worker and 2", &figures->scales[0]);
        scale_row("HTTP: the same, tail sampling: 1 worker and 2", &figures->scales[1]);
    }
}

static void measure(const char *dir, const struct streams *streams,
                    const struct programs *programs, int only_scale, struct figures *figures)
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
        if (programs != NULL)
            repeat_peer(dir, streams, programs, figures->peer);
        else
            repeat_scale(dir, streams, figures->scales);
    }
}

static const char *program(int argc, char **argv, int i)
{
    return i < argc && strcmp(argv[i], "-") != 0 ? argv[i] : NULL;
}

int main(int argc, char **argv)
{
    char dir[] = "/dev/shm/receive_bench.XXXXXX";
    const char *what = argc > 1 ? argv[1] : "";
    int only_scale = strcmp(what, "workers") == 0, only_standing = strcmp(what, "standing") == 0;
    int with_peers = strcmp(what, "peer") == 0 && (argc == 3 || argc == 4);
    struct programs programs = {program(argc, argv, 2), program(argc, argv, 3)};
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
    } else if (argc == 3 && strcmp(what, "row") == 0) {
        one_row(dir, &streams, argv[2]);
    } else if (argc > 1 && !only_scale && !only_standing && !with_peers) {
        fprintf(stderr, "usage: receive_bench [workers | standing | peer OTELCOL [ROTEL] | "
                        "row ROW | check N | count ROW N FILE]\n");
        status = 2;
    } else {
        if (!only_standing)
            measure(dir, &streams, with_peers ? &programs : NULL, only_scale, &figures);
        if (!only_scale && !with_peers) {
            bench_standing(dir, streams.batches);
            bench_starts(dir, &streams.batches[0]);
        }
        if (!only_standing)
            print(&figures, &streams, only_scale);
    }
    rmdir(dir);
    return status;
}
