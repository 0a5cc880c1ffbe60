/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of a hop: a service that answers each request after one call to the next service. CPU time
 * of the hop's thread a request, at saturation, best of interleaved repeats:
 *   bare      the HTTP back end alone
 *   ledger    the whole service, tracing disabled
 *   not sampled, sampled   the whole service with the SDK (exporting to a sink)
 * The client, the next service and the sink run on threads of their own and are not counted.
 *
 *     hop_bench                 every row
 *     hop_bench ROW MILLIS      one row of the table, once, for so long: for callgrind, which
 *                               counts what is inside of handle_requests(); says how many requests
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "harness/service/app.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"

enum { REPEATS = 11, CONNECTIONS = 64, EVENTS = 64, RUN_MILLIS = 250, BODY_MAX = 65536 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(3);
}

/* ---- whoever answers at once: the next service, and the sink of the exports ----------------- */

static int listen_any(uint16_t *ret_port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(fd, (struct sockaddr *)&name, len) == 0 && listen(fd, 1024) == 0, "listen");
    getsockname(fd, (struct sockaddr *)&name, &len);
    *ret_port = ntohs(name.sin_port);
    return fd;
}

/* Requests come whole: one recv, one answer. */
static void *leaf_main(void *arg)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
    static char block[BODY_MAX];
    int listener = *(int *)arg, epoll = epoll_create1(0), on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];

    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                event.data.fd = accept(listener, NULL, NULL);
                setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
            } else if (recv(fd, block, sizeof(block), 0) <= 0 ||
                       send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0) {
                close(fd);
            }
        }
    }
    return NULL;
}

static void on_export(void *arg, struct hx_http_request *request)
{
    (void)arg;
    hx_http_reply(request, 200, otl_view(NULL, 0));
}

static void *sink_main(void *arg)
{
    event_base_dispatch(arg);
    return NULL;
}

/* ---- the client: as many requests as are answered ------------------------------------------- */

struct client {
    pthread_t thread;
    uint16_t port;
    atomic_bool stop;
};

static int connect_to(uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void *client_main(void *arg)
{
    static const char request[] =
        "POST /hop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
        "tracerig-request: 0000000000000001-0000000000000000\r\n"
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
    struct client *client = arg;
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    int epoll = epoll_create1(0), fds[CONNECTIONS];
    char block[4096];

    for (int i = 0; i < CONNECTIONS; i++) {
        event.data.fd = fds[i] = connect_to(client->port);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
        must(send(fds[i], request, sizeof(request) - 1, MSG_NOSIGNAL) > 0, "send");
    }
    while (!atomic_load(&client->stop)) {
        int count = epoll_wait(epoll, events, EVENTS, 50);
        for (int i = 0; i < count; i++)
            if (recv(events[i].data.fd, block, sizeof(block), 0) > 0)
                must(send(events[i].data.fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0,
                     "send");
    }
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    close(epoll);
    return NULL;
}

/* ---- the hop -------------------------------------------------------------------------------- */

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

static int run_millis = RUN_MILLIS; /* before there are threads */

/* Not inlined: its instructions are counted by its name. */
static __attribute__((noipa)) void handle_requests(struct event_base *base)
{
    struct timeval time = {run_millis / 1000, run_millis % 1000 * 1000};

    event_base_once(base, -1, EV_TIMEOUT, on_time, base, &time);
    event_base_dispatch(base);
}

struct hop {
    double ns; /* of the loop's thread, a request */
    uint64_t requests;
};

/* Lets the loop run against a client. */
static struct hop run_loop(struct event_base *base, uint16_t port, const uint64_t *handled)
{
    struct client client = {.port = port};
    struct timeval warm = {0, 100 * 1000};
    struct hop hop;
    uint64_t start;

    must(pthread_create(&client.thread, NULL, client_main, &client) == 0, "thread");
    event_base_once(base, -1, EV_TIMEOUT, on_time, base, &warm);
    event_base_dispatch(base);
    hop.requests = *handled;
    start = otl_clock_thread_cpu_ns();
    handle_requests(base);
    hop.requests = *handled - hop.requests;
    hop.ns = (double)(otl_clock_thread_cpu_ns() - start) / (double)hop.requests;
    atomic_store(&client.stop, true);
    event_base_once(base, -1, EV_TIMEOUT, on_time, base, &warm); /* what is in hand ends */
    event_base_dispatch(base);
    pthread_join(client.thread, NULL);
    event_base_loop(base, EVLOOP_NONBLOCK);
    return hop;
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    event_config_set_flag(config,
                          EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct bare {
    struct hx_http_client *next;
    uint64_t handled;
};

struct bare_call {
    struct bare *bare;
    struct hx_http_request *request;
};

static void on_answer(void *arg, enum hx_http_outcome outcome, int status)
{
    struct bare_call *call = arg;

    hx_http_reply(call->request, outcome == HX_HTTP_ANSWERED ? status : 503, otl_view_str("ok\n"));
    call->bare->handled++;
    free(call);
}

static void count_header(void *arg, const struct hx_http_header *header)
{
    (void)header;
    ++*(unsigned *)arg;
}

static void on_bare_request(void *arg, struct hx_http_request *request)
{
    struct bare_call *bare_call = malloc(sizeof(*bare_call));
    struct hx_http_header header = {
        otl_view_str("traceparent"),
        otl_view_str("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")};
    struct hx_http_call call = {"POST", "/leaf", &header, 1, {NULL, 0}, 10 * OTL_NS_PER_S,
                                on_answer, bare_call};
    unsigned headers = 0;

    hx_http_headers(request, count_header, &headers);
    bare_call->bare = arg;
    bare_call->request = request;
    must(hx_http_call(bare_call->bare->next, &call) == OTEL_OK, "call");
}

static struct hop run_bare(const struct hx_http_ops *ops, uint16_t leaf)
{
    struct event_base *base = new_base();
    struct bare bare = {NULL, 0};
    struct hx_http_server_options options = {base, "127.0.0.1", 0, on_bare_request, &bare};
    struct hx_http_server *server = NULL;
    struct hop hop;

    must(ops->server_new(&options, &server, NULL) == OTEL_OK, "server");
    must(ops->client_new(base, "127.0.0.1", leaf, &bare.next) == OTEL_OK, "client");
    hop = run_loop(base, ops->server_port(server), &bare.handled);
    ops->client_free(bare.next);
    ops->server_free(server);
    event_base_free(base);
    return hop;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void load_role(const char *dir, const char *backend, const char *tracing,
                      struct hx_role *role)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario = NULL;
    char path[128], text[1024];
    json_t *tree;
    FILE *file;

    snprintf(path, sizeof(path), "%s/scenario.yaml", dir);
    file = fopen(path, "w");
    fprintf(file,
            "# Bench.\ntracing: {max_queue_size: 65536, schedule_delay: 100ms, %s}\nservices:\n"
            "  hop: {http: %s, routes: {POST /hop: {steps: [{call: leaf POST /leaf}]}}}\n"
            "  leaf: {routes: {POST /leaf: {}}}\n"
            "load: {route: hop POST /hop, rate: 1, duration: 1s}\n",
            tracing, backend);
    fclose(file);
    if (hx_scenario_load_file(path, NULL, &scenario, &detail) != OTEL_OK) {
        fprintf(stderr, "%s\n", otl_detail_format(&detail, text, sizeof(text)));
        exit(3);
    }
    tree = json_pack("{s:O, s:s, s:i, s:s, s:i, s:s}", "scenario", scenario->tree, "service",
                     "hop", "process", 1, "instance", "hop-0", "seed", 1, "dir", dir);
    snprintf(path, sizeof(path), "%s/role.json", dir);
    must(json_dump_file(tree, path, 0) == 0, "role");
    json_decref(tree);
    hx_scenario_free(scenario);
    must(hx_role_read(path, role, &detail) == OTEL_OK, detail.text);
}

static struct hop run_service(const char *backend, const char *tracing, uint16_t leaf,
                              uint16_t sink)
{
    struct event_base *base = new_base();
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_process_close row;
    struct hx_app *app = NULL;
    struct hx_role role;
    char dir[64];
    json_t *peers;
    struct hop hop;

    snprintf(dir, sizeof(dir), "/tmp/hop-bench-XXXXXX");
    must(mkdtemp(dir) != NULL, "mkdtemp");
    load_role(dir, backend, tracing, &role);
    must(hx_app_new(base, &role, &app, &detail) == OTEL_OK, detail.text);
    peers = json_pack("{s:{s:[o]}, s:o}", "services", "leaf", json_sprintf("127.0.0.1:%d", leaf),
                      "otlp", json_sprintf("http://127.0.0.1:%d", sink));
    must(hx_app_peers(app, peers, &detail) == OTEL_OK, detail.text);
    json_decref(peers);
    hop = run_loop(base, hx_app_port(app), &app->runtime.handled);
    hx_app_stop(app, 5000, &row);
    hx_app_free(app);
    hx_role_fini(&role);
    event_base_free(base);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return hop;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct row {
    const char *key; /* in the speed table, or NULL */
    const char *name;
    const char *backend;
    const char *tracing; /* NULL: bare */
} rows[] = {
    {"hop_bare", "lean hop, bare", "lean", NULL},
    {"hop_ledger", "lean hop, service and ledger", "lean", "enabled: false"},
    {NULL, "lean hop, 2 spans not sampled", "lean", "sampler: always_off"},
    {"hop_sampled", "lean hop, 2 spans sampled", "lean", "sampler: always_on"},
    {"hop_bare@evhttp", "evhttp hop, bare", "evhttp", NULL},
    {NULL, "evhttp hop, 2 spans sampled", "evhttp", "sampler: always_on"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), MILLIS_MAX = 3600 * 1000 };

static struct hop measure(const struct row *row, uint16_t leaf, uint16_t sink)
{
    const struct hx_http_ops *ops = row->backend[0] == 'l' ? &hx_http_lean : &hx_http_evhttp;

    return row->tracing == NULL ? run_bare(ops, leaf)
                                : run_service(row->backend, row->tracing, leaf, sink);
}

static void table(uint16_t leaf, uint16_t sink)
{
    double best[ROWS] = {0}, loop = 0;

    for (int repeat = 0; repeat < REPEATS; repeat++) {
        bench_keep_least(&loop, bench_loop_ns());
        for (int i = 0; i < ROWS; i++)
            bench_keep_least(&best[i], measure(&rows[i], leaf, sink).ns);
    }
    for (int i = 0; i < ROWS; i++)
        printf("%-32s %8.0f ns of CPU a request %9.0f requests/s a core %7.1f x loop\n",
               rows[i].name, best[i], 1e9 / best[i], best[i] / loop);
    printf("%-32s %8.2f ns\n", "calibration loop", loop);
    for (int i = 0; i < ROWS; i++)
        if (rows[i].key != NULL)
            bench_row_ns(rows[i].key, best[i], loop, -1);
}

int main(int argc, char **argv)
{
    struct hx_http_server_options options;
    struct hx_http_server *server = NULL;
    struct event_base *sink_base = event_base_new();
    uint64_t row = 0, millis = RUN_MILLIS;
    pthread_t threads[2];
    uint16_t leaf, sink;
    int listener = listen_any(&leaf);

    if (argc != 1 && (argc != 3 || otl_parse_uint(argv[1], 1, ROWS, &row) != OTEL_OK ||
                      otl_parse_uint(argv[2], 1, MILLIS_MAX, &millis) != OTEL_OK)) {
        fprintf(stderr, "usage: hop_bench [ROW MILLIS]\n");
        return 2;
    }
    run_millis = (int)millis;
    options = (struct hx_http_server_options){sink_base, "127.0.0.1", 0, on_export, NULL};
    must(hx_http_evhttp.server_new(&options, &server, NULL) == OTEL_OK, "sink");
    sink = hx_http_evhttp.server_port(server);
    must(pthread_create(&threads[0], NULL, leaf_main, &listener) == 0, "thread");
    must(pthread_create(&threads[1], NULL, sink_main, sink_base) == 0, "thread");
    if (row == 0)
        table(leaf, sink);
    else
        printf("requests: %llu\n",
               (unsigned long long)measure(&rows[row - 1], leaf, sink).requests);
    return 0;
}
