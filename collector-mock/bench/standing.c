/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/bench/standing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "collector-mock/bench/crowd.h"
#include "collector-mock/bench/process.h"

enum { REPEATS = 11, STANDING = 10000, ACTIVE = 100, ROUNDS = 8, SPARE = 100, STARTS = 11 };

struct stood { /* of the repeats so far; 0: nothing yet */
    double ns;   /* CPU of a span, the least */
    double peak; /* bytes of the process at its largest, the largest */
};

/* The last ACTIVE of so many connections send, all of them at once, each one request after
 * another. They are accepted in their order: once the last has its answer, all are there. */
static void receive_standing(const struct setup *setup, const struct stream *stream, int count,
                             struct stood *least)
{
    static int fds[STANDING];
    struct collector collector;
    struct crowd *crowd;
    uint64_t before, after;
    double peak;

    collector_start(&collector, setup);
    for (int i = 0; i < count; i++) {
        fds[i] = stream_connect(collector.port);
        if (!stream_greet(fds[i], stream))
            stream_die("sending");
    }
    crowd = crowd_new(fds + count - ACTIVE, ACTIVE, stream);
    if (crowd_send(crowd, 1) == 0) /* is not counted */
        stream_die("sending");
    before = collector_cpu_ns(&collector);
    if (crowd_send(crowd, ROUNDS) != ACTIVE)
        stream_die("sending by all at once");
    after = collector_cpu_ns(&collector);
    peak = (double)collector_peak_bytes(&collector);
    least->peak = peak > least->peak ? peak : least->peak;
    crowd_free(crowd);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    collector_stop(&collector);
    unlink(setup->tap);
    bench_keep_least(&least->ns,
                     (double)(after - before) / (ROUNDS * ACTIVE * (double)stream->spans));
}

/* Of one protocol: ACTIVE connections alone, and among STANDING. */
static void stand(const char *dir, const struct stream *stream, struct stood *few,
                  struct stood *many)
{
    char config[64], tap[64];
    const struct setup setup = {.config = config, .tap = tap, .workers = "1"};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    collector_config(config, &(struct config){.protocol = stream->grpc ? "grpc" : "http"});
    receive_standing(&setup, stream, ACTIVE, few);
    receive_standing(&setup, stream, STANDING, many);
    unlink(config);
}

/* As many descriptors as are allowed; the rows say why where these are too few. */
static int raise_descriptors(void)
{
    static const char *const rows[] = {"standing_http", "standing_grpc", "standing_http_bytes",
                                       "standing_grpc_bytes", "standing_memory"};
    struct rlimit limit;
    char why[100];

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        stream_die("RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max >= STANDING + SPARE && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 1;
    snprintf(why, sizeof(why), "needs %d descriptors, %llu are allowed", STANDING + SPARE,
             (unsigned long long)limit.rlim_max);
    printf("%d connections: skipped: %s\n", STANDING, why);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_row_skipped(rows[i], why);
    return 0;
}

void bench_standing(const char *dir, const struct stream batches[2])
{
    struct stood many[2] = {{0, 0}}, few[2] = {{0, 0}};
    double loop = 0, largest = 0;

    if (!raise_descriptors())
        return;
    for (int i = 0; i < REPEATS; i++) {
        bench_keep_least(&loop, bench_loop_ns());
        for (int grpc = 0; grpc < 2; grpc++)
            stand(dir, &batches[grpc], &few[grpc], &many[grpc]);
    }
    for (int grpc = 0; grpc < 2; grpc++) {
        double bytes = (many[grpc].peak - few[grpc].peak) / (STANDING - ACTIVE);
        printf("%s: record, 100 connections active at once, 10,000 open %9.1f ns/span, with those "
               "100 alone %.1f (%.2fx); %.0f bytes an idle connection, %.1f MiB in all\n",
               grpc ? "gRPC" : "HTTP", many[grpc].ns, few[grpc].ns, many[grpc].ns / few[grpc].ns,
               bytes, many[grpc].peak / (1 << 20));
        bench_row_ns(grpc ? "standing_grpc" : "standing_http", many[grpc].ns, loop, -1);
        bench_row(grpc ? "standing_grpc_bytes" : "standing_http_bytes", bytes, "bytes");
        largest = many[grpc].peak > largest ? many[grpc].peak : largest;
    }
    bench_row("standing_memory", largest / (1 << 20), "MiB");
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

/* Seconds from SIGTERM, which finds a connection open and spans in tail sampling, to the first
 * answer of the next one on the same port; both with the same configuration. */
static double restart_once(const struct setup *setup, const struct stream *stream)
{
    struct timespec from, to;
    struct collector collector;
    char *bytes = malloc(stream->bytes.len);
    int fd, good;

    if (bytes == NULL)
        stream_die("memory");
    memcpy(bytes, stream->bytes.data, stream->bytes.len);
    collector_start(&collector, setup);
    fd = stream_connect(collector.port);
    good = stream_exchange(fd, stream, bytes, 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    collector_stop(&collector);
    collector_start(&collector, setup);
    close(fd);
    fd = stream_connect(collector.port);
    good = good && stream_exchange(fd, stream, bytes, 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (!good)
        stream_die("sending");
    close(fd);
    collector_stop(&collector);
    free(bytes);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void restarts(const char *config, const struct setup *setup, const struct stream *stream)
{
    double least = 0, most = 0;

    for (int i = 0; i < STARTS; i++) {
        double seconds;
        collector_config(config, &(struct config){.protocol = "http", .tail = 1,
                                                  .port = collector_free_port()});
        seconds = restart_once(setup, stream);
        bench_keep_least(&least, seconds);
        most = seconds > most ? seconds : most;
    }
    printf("from SIGTERM to the first answer of the next one, %d times %9.1f ms, the slowest %.1f "
           "ms\n",
           STARTS, least * 1e3, most * 1e3);
    bench_row("restart_ready", least * 1e3, "ms");
}

void bench_starts(const char *dir, const struct stream *stream)
{
    char config[64];
    const struct setup setup = {.config = config, .workers = "1"};
    double least = 0, most = 0;

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    collector_config(config, &(struct config){.protocol = "http"});
    for (int i = 0; i < STARTS; i++) {
        double seconds = start_once(&setup);
        bench_keep_least(&least, seconds);
        most = seconds > most ? seconds : most;
    }
    restarts(config, &setup, stream);
    unlink(config);
    printf("from start to ready, %d times                   %9.1f ms, the slowest %.1f ms\n",
           STARTS, least * 1e3, most * 1e3);
    bench_row("start_ready", least * 1e3, "ms");
}
