/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of a hop: a service that answers each request after one call to the next service. CPU time
 * of the hop's thread a request, at saturation, best of interleaved repeats:
 *   bare      the HTTP back end alone
 *   ledger    the whole service, tracing disabled
 *   not sampled, sampled   the whole service with the SDK (exporting to a sink)
 * The client, the next service and the sink run on threads of their own and are not counted.
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

#include "harness/service/app.h"
#include "sdk/base/clock.h"

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

/* Lets the loop run against a client; nanoseconds of the loop's thread a request. */
static double run_loop(struct event_base *base, uint16_t port, const uint64_t *handled)
{
    struct client client = {.port = port};
    struct timeval warm = {0, 100 * 1000}, time = {0, RUN_MILLIS * 1000};
    uint64_t start, count;
    double ns;

    must(pthread_create(&client.thread, NULL, client_main, &client) == 0, "thread");
    event_base_once(base, -1, EV_TIMEOUT, on_time, base, &warm);
    event_base_dispatch(base);
    count = *handled;
    start = otl_clock_thread_cpu_ns();
    event_base_once(base, -1, EV_TIMEOUT, on_time, base, &time);
    event_base_dispatch(base);
    ns = (double)(otl_clock_thread_cpu_ns() - start) / (double)(*handled - count);
    atomic_store(&client.stop, true);
    event_base_once(base, -1, EV_TIMEOUT, on_time, base, &warm); /* what is in hand ends */
    event_base_dispatch(base);
    pthread_join(client.thread, NULL);
    event_base_loop(base, EVLOOP_NONBLOCK);
    return ns;
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

static double run_bare(const struct hx_http_ops *ops, uint16_t leaf)
{
    struct event_base *base = new_base();
    struct bare bare = {NULL, 0};
    struct hx_http_server_options options = {base, "127.0.0.1", 0, on_bare_request, &bare};
    struct hx_http_server *server = NULL;
    double ns;

    must(ops->server_new(&options, &server, NULL) == OTEL_OK, "server");
    must(ops->client_new(base, "127.0.0.1", leaf, &bare.next) == OTEL_OK, "client");
    ns = run_loop(base, ops->server_port(server), &bare.handled);
    ops->client_free(bare.next);
    ops->server_free(server);
    event_base_free(base);
    return ns;
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

static double run_service(const char *backend, const char *tracing, uint16_t leaf, uint16_t sink)
{
    struct event_base *base = new_base();
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_process_close row;
    struct hx_app *app = NULL;
    struct hx_role role;
    char dir[64];
    json_t *peers;
    double ns;

    snprintf(dir, sizeof(dir), "/tmp/hop-bench-XXXXXX");
    must(mkdtemp(dir) != NULL, "mkdtemp");
    load_role(dir, backend, tracing, &role);
    must(hx_app_new(base, &role, &app, &detail) == OTEL_OK, detail.text);
    peers = json_pack("{s:{s:[o]}, s:o}", "services", "leaf", json_sprintf("127.0.0.1:%d", leaf),
                      "otlp", json_sprintf("http://127.0.0.1:%d", sink));
    must(hx_app_peers(app, peers, &detail) == OTEL_OK, detail.text);
    json_decref(peers);
    ns = run_loop(base, hx_app_port(app), &app->runtime.handled);
    hx_app_stop(app, 5000, &row);
    hx_app_free(app);
    hx_role_fini(&role);
    event_base_free(base);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return ns;
}

/* ---- the table ------------------------------------------------------------------------------ */

static double calibrate(void)
{
    uint64_t start = otl_clock_thread_cpu_ns(), x = 88172645463325252ULL;

    for (int i = 0; i < 20000000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return (double)(otl_clock_thread_cpu_ns() - start) / 20e6 + (x == 0 ? 1 : 0);
}

static const struct row {
    const char *name;
    const char *backend;
    const char *tracing; /* NULL: bare */
} rows[] = {
    {"lean hop, bare", "lean", NULL},
    {"lean hop, service and ledger", "lean", "enabled: false"},
    {"lean hop, 2 spans not sampled", "lean", "sampler: always_off"},
    {"lean hop, 2 spans sampled", "lean", "sampler: always_on"},
    {"evhttp hop, bare", "evhttp", NULL},
    {"evhttp hop, 2 spans sampled", "evhttp", "sampler: always_on"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

int main(void)
{
    struct hx_http_server_options options;
    struct hx_http_server *sink = NULL;
    struct event_base *sink_base = event_base_new();
    pthread_t threads[2];
    double best[ROWS], loop = 1e9;
    uint16_t leaf;
    int listener = listen_any(&leaf);

    options = (struct hx_http_server_options){sink_base, "127.0.0.1", 0, on_export, NULL};
    must(hx_http_evhttp.server_new(&options, &sink, NULL) == OTEL_OK, "sink");
    must(pthread_create(&threads[0], NULL, leaf_main, &listener) == 0, "thread");
    must(pthread_create(&threads[1], NULL, sink_main, sink_base) == 0, "thread");
    for (int i = 0; i < ROWS; i++)
        best[i] = 1e18;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double ns = calibrate();
        loop = ns < loop ? ns : loop;
        for (int i = 0; i < ROWS; i++) {
            const struct hx_http_ops *ops =
                rows[i].backend[0] == 'l' ? &hx_http_lean : &hx_http_evhttp;
            ns = rows[i].tracing == NULL
                     ? run_bare(ops, leaf)
                     : run_service(rows[i].backend, rows[i].tracing, leaf,
                                   hx_http_evhttp.server_port(sink));
            best[i] = ns < best[i] ? ns : best[i];
        }
    }
    for (int i = 0; i < ROWS; i++)
        printf("%-32s %8.0f ns of CPU a request %9.0f requests/s a core %7.0f x loop\n",
               rows[i].name, best[i], 1e9 / best[i], best[i] / loop);
    printf("%-32s %8.2f ns\n", "calibration loop, one round", loop);
    return 0;
}
