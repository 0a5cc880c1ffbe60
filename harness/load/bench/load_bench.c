/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of the load generator: requests per CPU second of its thread at saturation, and its send
 * lag at a held rate, each the best of interleaved repeats, against a trivial server in a process
 * of its own. With a ledger, as in a run.
 *
 * CPU seconds, not wall time: the server and whoever else is here take none of them. A calibration
 * loop of the same run tells how fast the core was.
 *
 *     load_bench                every row
 *     load_bench wrk PROGRAM    with wrk against the same server in each repeat
 *     load_bench count N        N requests, all due at once: for callgrind
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "harness/load/gen.h"
#include "harness/stats/summary.h"
#include "sdk/base/clock.h"

enum { REPEATS = 11, EVENTS = 256 };
static const double SATURATING_RATE = 400000;
static const double HELD_RATE = 5000;

/* ---- the server ----------------------------------------------------------------------------- */

static void serve_one(int epoll, int listener, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello world\n";
    static char received[65536];
    int one = 1;

    if (fd == listener) {
        struct epoll_event event = {.events = EPOLLIN};

        event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (event.data.fd >= 0) {
            setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
        }
    } else if (recv(fd, received, sizeof(received), 0) <= 0 ||
               send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0) {
        close(fd);
    }
}

static void serve(int listener)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(0);

    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++)
            serve_one(epoll, listener, events[i].data.fd);
    }
}

static pid_t start_server(struct hx_address *ret_address)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    pid_t child;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(ret_address, 0, sizeof(*ret_address));
    ret_address->len = sizeof(ret_address->bytes);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&ret_address->bytes, &ret_address->len) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener);
    }
    close(listener);
    return child;
}

/* ---- one load ------------------------------------------------------------------------------- */

struct bench {
    struct hx_address address;
    struct hx_request_template *request;
    struct hx_led_writer *ledger;
    const char *wrk; /* NULL: not there */
};

struct session {
    struct hx_gen *gen;
    struct hx_load_totals totals;
    bool failed;
};

static void on_ready(void *state)
{
    struct session *session = state;

    session->failed = hx_gen_start(session->gen, NULL) != OTEL_OK;
    if (session->failed)
        hx_gen_leave(session->gen);
}

static void on_finished(void *state)
{
    struct session *session = state;

    hx_gen_totals(session->gen, &session->totals);
    hx_gen_leave(session->gen);
}

static void on_fault(void *state, const struct otl_detail *detail)
{
    struct session *session = state;

    fprintf(stderr, "%s\n", detail->text);
    session->failed = true;
}

/* Run one load; the caller frees session->gen. */
static bool run(struct session *session, const struct bench *bench, double rate,
                uint64_t duration_ms, size_t queue_max)
{
    struct hx_gen_options options;

    memset(session, 0, sizeof(*session));
    hx_gen_options_init(&options);
    options.plan = (struct hx_schedule_options){rate, HX_ARRIVAL_CONSTANT, 0,
                                                duration_ms * OTL_NS_PER_MS, 1, 1};
    options.request = bench->request;
    options.addresses = &bench->address;
    options.address_count = 1;
    options.ledger = bench->ledger;
    options.queue_max = queue_max;
    options.timeout_ns = 100 * OTL_NS_PER_S;
    options.callbacks = (struct hx_gen_callbacks){on_ready, NULL, on_finished, on_fault, session};
    if (hx_gen_new(&options, &session->gen, NULL) != OTEL_OK)
        return false;
    hx_gen_prepare(session->gen);
    hx_gen_run(session->gen);
    return !session->failed;
}

/* ---- wrk ------------------------------------------------------------------------------------ */

/* CPU nanoseconds a request of wrk, as many connections as ours; 0: it said nothing. */
static double run_wrk(const struct bench *bench)
{
    const struct sockaddr_in *at = (const struct sockaddr_in *)&bench->address.bytes;
    unsigned long long requests = 0;
    char url[64], line[256];
    struct rusage usage;
    int ends[2], status;
    FILE *said;
    pid_t child;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)ntohs(at->sin_port));
    if (pipe(ends) != 0 || (child = fork()) < 0)
        return 0;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(bench->wrk, bench->wrk, "-t1", "-c64", "-d1s", url, NULL);
        _exit(127);
    }
    close(ends[1]);
    said = fdopen(ends[0], "r");
    while (said != NULL && fgets(line, sizeof(line), said) != NULL)
        if (strstr(line, " requests in ") != NULL)
            requests = strtoull(line, NULL, 10);
    if (said != NULL)
        fclose(said);
    if (wait4(child, &status, 0, &usage) != child || status != 0 || requests == 0)
        return 0;
    return ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3) /
           (double)requests;
}

/* ---- the table ------------------------------------------------------------------------------ */

struct samples {
    double request_ns[REPEATS]; /* CPU a request at saturation */
    double lag_p50_us[REPEATS];
    double lag_p99_us[REPEATS];
    double held[REPEATS]; /* share of the held rate that was achieved */
    double held_cpu[REPEATS];
    double loop_ns[REPEATS];
    double wrk_ns; /* the least of the repeats; 0: not measured */
};

static bool measure(struct samples *samples, int i, const struct bench *bench)
{
    struct session session;
    const struct hx_load_totals *totals = &session.totals;
    bool ok;

    samples->loop_ns[i] = bench_loop_ns();
    if (bench->wrk != NULL) {
        double ns = run_wrk(bench);
        if (ns <= 0)
            fprintf(stderr, "load_bench: %s said nothing\n", bench->wrk);
        if (ns <= 0)
            return false;
        bench_keep_least(&samples->wrk_ns, ns);
    }
    ok = run(&session, bench, SATURATING_RATE, 500, 1024);
    if (ok)
        samples->request_ns[i] =
            (double)totals->cpu_ns / (double)totals->counts[HX_LOAD_MEASURE].ok;
    hx_gen_free(session.gen);
    if (!ok || !run(&session, bench, HELD_RATE, 1000, 1024)) {
        if (ok)
            hx_gen_free(session.gen);
        return false;
    }
    samples->lag_p50_us[i] = (double)hx_hdr_value_at(totals->series[HX_SERIES_LAG], 50) / 1e3;
    samples->lag_p99_us[i] = (double)hx_hdr_value_at(totals->series[HX_SERIES_LAG], 99) / 1e3;
    samples->held[i] = hx_load_rate_achieved(totals) / HELD_RATE * 100;
    samples->held_cpu[i] = (double)totals->cpu_ns / (double)totals->elapsed_ns * 100;
    hx_gen_free(session.gen);
    return true;
}

static void print(struct samples *samples)
{
    hx_sort_doubles(samples->request_ns, REPEATS);
    hx_sort_doubles(samples->lag_p50_us, REPEATS);
    hx_sort_doubles(samples->lag_p99_us, REPEATS);
    hx_sort_doubles(samples->held, REPEATS);
    hx_sort_doubles(samples->held_cpu, REPEATS);
    hx_sort_doubles(samples->loop_ns, REPEATS);
    printf("%-44s %10.0f /CPU s   (median %.0f; %.0f loops a request)\n",
           "load client, requests a core, ledger on", 1e9 / samples->request_ns[0],
           1e9 / hx_median(samples->request_ns, REPEATS),
           samples->request_ns[0] / samples->loop_ns[0]);
    printf("%-44s %10.1f us       (median %.1f, worst %.1f)\n",
           "send lag p99 at 5,000/s held", samples->lag_p99_us[0],
           hx_median(samples->lag_p99_us, REPEATS), samples->lag_p99_us[REPEATS - 1]);
    printf("%-44s %10.1f us       (median %.1f)\n", "send lag p50 at 5,000/s held",
           samples->lag_p50_us[0], hx_median(samples->lag_p50_us, REPEATS));
    printf("%-44s %10.2f %%        (worst repeat %.2f)\n", "rate achieved at 5,000/s held",
           hx_median(samples->held, REPEATS), samples->held[0]);
    printf("%-44s %10.1f %%        (of one core)\n", "CPU at 5,000/s held",
           samples->held_cpu[0]);
    bench_row_ns("load_client", samples->request_ns[0], samples->loop_ns[0], -1);
    bench_row("load_lag", samples->lag_p99_us[0], "us");
    if (samples->wrk_ns > 0)
        bench_row_ns("load_client@wrk", samples->wrk_ns, samples->loop_ns[0], -1);
}

/* All are due within a tenth of a second and wait in the queue: paced by the answers alone. */
static bool count(const struct bench *bench, unsigned requests)
{
    struct session session;
    bool ok = run(&session, bench, requests * 10.0, 100, requests + 1);

    ok = ok && session.totals.counts[HX_LOAD_MEASURE].ok ==
                   session.totals.counts[HX_LOAD_MEASURE].planned;
    if (ok)
        printf("requests: %llu\n",
               (unsigned long long)session.totals.counts[HX_LOAD_MEASURE].ok);
    hx_gen_free(session.gen);
    return ok;
}

static void remove_ledger(const char *dir)
{
    char path[256];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "%s/bench.0.%04u.led", dir, i);
        if (unlink(path) != 0 && errno == ENOENT && i > 1)
            break;
    }
    rmdir(dir);
}

static bool table(const struct bench *bench)
{
    struct samples samples = {.wrk_ns = 0};
    bool ok = true;

    for (int i = 0; i < REPEATS && ok; i++)
        ok = measure(&samples, i, bench);
    if (ok)
        print(&samples);
    return ok;
}

int main(int argc, char **argv)
{
    const struct hx_request_options options = {.method = "GET", .path = "/", .authority = "bench"};
    char dir[] = "/tmp/load-bench-XXXXXX";
    const struct hx_led_writer_options led = {dir, "bench", 0, 1, 1};
    struct bench bench = {.request = NULL};
    pid_t server;
    bool ok, counting = argc == 3 && strcmp(argv[1], "count") == 0;

    if (argc == 3 && strcmp(argv[1], "wrk") == 0)
        bench.wrk = argv[2];
    if (argc != 1 && !counting && bench.wrk == NULL) {
        fprintf(stderr, "usage: load_bench [wrk PROGRAM | count N]\n");
        return 2;
    }
    server = start_server(&bench.address);
    ok = server > 0 && mkdtemp(dir) != NULL &&
         hx_request_template_new(&options, &bench.request, NULL) == OTEL_OK &&
         hx_led_writer_new(&led, &bench.ledger, NULL) == OTEL_OK;
    if (ok)
        ok = counting ? count(&bench, (unsigned)strtoul(argv[2], NULL, 10)) : table(&bench);
    hx_led_writer_free(bench.ledger);
    hx_request_template_free(bench.request);
    remove_ledger(dir);
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    return ok ? 0 : 3;
}
