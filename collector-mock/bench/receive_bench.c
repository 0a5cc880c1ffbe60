/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/clock.h"
#include "sdk/base/random.h"

/*
 * What a received span costs collector-mock: the minimum of interleaved repeats, and its ratio to
 * a calibration loop of the same run. The stream is prepared, so that the sender is not the limit;
 * the figure is the CPU time of the collector process, kernel included, on a span.
 *
 *     receive_bench            every row
 *     receive_bench check N    check a request of 512 spans N times: for callgrind
 *
 * A span: 8 attributes, 4 texts of 19 or 20 characters and 4 numbers (its size is printed).
 */

enum { SPANS = 512, REPEATS = 11, REQUESTS = 400, SINGLES = 20000, CHECKS = 200, CONNECTIONS = 2 };

static void die(const char *what)
{
    perror(what);
    exit(3);
}

/* ---- the request ---- */

static Otlp__KeyValue *attribute(const char *key, const char *text, int64_t number)
{
    Otlp__KeyValue *kv = calloc(1, sizeof(*kv));
    Otlp__AnyValue *value = calloc(1, sizeof(*value));

    if (kv == NULL || value == NULL)
        die("memory");
    otlp__key_value__init(kv);
    otlp__any_value__init(value);
    kv->key.data = (uint8_t *)(uintptr_t)key;
    kv->key.len = strlen(key);
    kv->value = value;
    if (text != NULL) {
        value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        value->string_value.data = (uint8_t *)(uintptr_t)text;
        value->string_value.len = strlen(text);
    } else {
        value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
        value->int_value = number;
    }
    return kv;
}

static uint8_t *random_bytes(struct otl_random *random, size_t len)
{
    uint8_t *bytes = malloc(len);

    if (bytes == NULL)
        die("memory");
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)otl_random_next(random);
    return bytes;
}

/* Everything it allocates stays until the end of the program. */
static uint8_t *make_request(size_t count, size_t *ret_len)
{
    static Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
    static Otlp__ResourceSpans rs = OTLP__RESOURCE_SPANS__INIT, *rss[] = {&rs};
    static Otlp__ScopeSpans ss = OTLP__SCOPE_SPANS__INIT, *sss[] = {&ss};
    static Otlp__Resource resource = OTLP__RESOURCE__INIT;
    static Otlp__Span spans[SPANS], *slots[SPANS];
    static Otlp__KeyValue *attributes[8], *resource_attributes[1];
    struct otl_random random;
    uint8_t *out;

    otl_random_seed(&random, 1);
    attributes[0] = attribute("http.request.method", "POST /api/v1/orders", 0);
    attributes[1] = attribute("url.path", "/api/v1/orders/12345", 0);
    attributes[2] = attribute("server.address", "orders.internal.svc", 0);
    attributes[3] = attribute("user_agent.original", "tracerig-load/1.0.0", 0);
    attributes[4] = attribute("http.response.status_code", NULL, 200);
    attributes[5] = attribute("server.port", NULL, 8080);
    attributes[6] = attribute("order.items", NULL, 3);
    attributes[7] = attribute("order.total_cents", NULL, 129900);
    resource_attributes[0] = attribute("service.name", "order", 0);
    for (size_t i = 0; i < count; i++) {
        otlp__span__init(&spans[i]);
        spans[i].trace_id.data = random_bytes(&random, 16);
        spans[i].trace_id.len = 16;
        spans[i].span_id.data = random_bytes(&random, 8);
        spans[i].span_id.len = 8;
        spans[i].parent_span_id.data = random_bytes(&random, 8);
        spans[i].parent_span_id.len = 8;
        spans[i].name.data = (uint8_t *)(uintptr_t)"POST /api/v1/orders/{id}";
        spans[i].name.len = 24;
        spans[i].kind = 2;
        spans[i].flags = 0x101;
        spans[i].start_time_unix_nano = 1700000000000000000ULL + i;
        spans[i].end_time_unix_nano = 1700000000000500000ULL + i;
        spans[i].n_attributes = 8;
        spans[i].attributes = attributes;
        slots[i] = &spans[i];
    }
    ss.n_spans = count;
    ss.spans = slots;
    resource.n_attributes = 1;
    resource.attributes = resource_attributes;
    rs.resource = &resource;
    rs.n_scope_spans = 1;
    rs.scope_spans = sss;
    request.n_resource_spans = 1;
    request.resource_spans = rss;
    *ret_len = otlp__export_trace_service_request__get_packed_size(&request);
    out = malloc(*ret_len);
    if (out == NULL)
        die("memory");
    otlp__export_trace_service_request__pack(&request, out);
    return out;
}

/* ---- rows inside this process ---- */

static uint64_t sink;

static double calibrate(void)
{
    uint64_t before = otl_clock_thread_cpu_ns(), x = 88172645463325252ULL;

    for (int i = 0; i < 1000 * 32; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    sink += x;
    return (double)(otl_clock_thread_cpu_ns() - before) / 1000;
}

static double check(struct otl_view request, int times)
{
    uint64_t before = otl_clock_thread_cpu_ns(), spans = 0;

    for (int i = 0; i < times; i++) {
        uint64_t count = 0;
        if (col_traces_check(request, &count, NULL) != OTEL_OK || count != SPANS)
            die("the request is not good");
        spans += count;
    }
    return (double)(otl_clock_thread_cpu_ns() - before) / (double)spans;
}

/* ---- a collector of its own ---- */

struct collector {
    pid_t pid;
    unsigned port;
    clockid_t cpu;
};

static void program(char *out, size_t size)
{
    char self[1024];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0)
        die("/proc/self/exe");
    self[len] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(self, '/') = '\0';
    snprintf(out, size, "%s/bin/collector-mock", self);
}

static void start(struct collector *collector, const char *config, const char *tap)
{
    char path[1100], fd[16], line[512] = "";
    const char *colon;
    int pipes[2];

    program(path, sizeof(path));
    if (pipe(pipes) != 0)
        die("pipe");
    snprintf(fd, sizeof(fd), "%d", pipes[1]);
    collector->pid = fork();
    if (collector->pid == 0) {
        close(pipes[0]);
        execl(path, path, "--config", config, "--ready-fd", fd, tap ? "--tap" : NULL, tap, NULL);
        _exit(127);
    }
    close(pipes[1]);
    if (collector->pid < 0 || read(pipes[0], line, sizeof(line) - 1) <= 0)
        die("collector-mock");
    close(pipes[0]);
    colon = strrchr(line, ':');
    collector->port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
    if (clock_getcpuclockid(collector->pid, &collector->cpu) != 0)
        die("CPU clock of the collector");
}

static void stop(struct collector *collector)
{
    int status;

    kill(collector->pid, SIGTERM);
    if (waitpid(collector->pid, &status, 0) < 0 || status != 0)
        die("collector-mock did not end well");
}

static uint64_t cpu_ns(const struct collector *collector)
{
    struct timespec ts;

    if (clock_gettime(collector->cpu, &ts) != 0)
        die("CPU clock of the collector");
    return (uint64_t)ts.tv_sec * OTL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

struct stream {
    struct otl_view http; /* head and body of one request */
    int spans;            /* in it */
    int requests;
};

struct sender {
    unsigned port;
    const struct stream *stream;
    int failed;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)sender->port)};
    char answer[512];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sender->failed = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0;
    for (int i = 0; i < sender->stream->requests / CONNECTIONS && !sender->failed; i++) {
        const struct otl_view *http = &sender->stream->http;
        ssize_t sent = 0, got;
        for (size_t done = 0; done < http->len && sent >= 0; done += (size_t)sent)
            sent = send(fd, http->data + done, http->len - done, MSG_NOSIGNAL);
        got = sent < 0 ? -1 : recv(fd, answer, sizeof(answer), 0);
        sender->failed = got < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0;
    }
    close(fd);
    return NULL;
}

/* CPU nanoseconds of a collector on a span. */
static double receive(const char *config, const char *tap, const struct stream *stream)
{
    struct sender senders[CONNECTIONS];
    pthread_t threads[CONNECTIONS];
    struct collector collector;
    uint64_t before;
    double result;

    start(&collector, config, tap);
    before = cpu_ns(&collector);
    for (int i = 0; i < CONNECTIONS; i++) {
        senders[i] = (struct sender){collector.port, stream, 0};
        if (pthread_create(&threads[i], NULL, send_all, &senders[i]) != 0)
            die("thread");
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
        if (senders[i].failed)
            die("sending");
    }
    result = (double)(cpu_ns(&collector) - before) /
             ((double)(stream->requests / CONNECTIONS * CONNECTIONS) * stream->spans);
    stop(&collector);
    if (tap != NULL)
        unlink(tap);
    return result;
}

/* ---- the table ---- */

static double minimum(double a, double b)
{
    return b < a ? b : a;
}

static void row(const char *name, double ns, double calibration)
{
    printf("%-46s %9.1f ns/span %9.2f M/s %8.2fx\n", name, ns, 1e3 / ns, ns / calibration);
}

static struct otl_view as_http(const uint8_t *body, size_t len)
{
    char *http = malloc(len + 256);
    int head;

    if (http == NULL)
        die("memory");
    head = snprintf(http, 256,
                    "POST /v1/traces HTTP/1.1\r\nHost: bench\r\n"
                    "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                    len);
    memcpy(http + head, body, len);
    return otl_view(http, (size_t)head + len);
}

static void write_config(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        die(path);
    fputs("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
          "exporters: {nop: }\n"
          "service:\n"
          "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n"
          "  telemetry: {logs: {level: error}}\n",
          file);
    if (fclose(file) != 0)
        die(path);
}

int main(int argc, char **argv)
{
    char dir[] = "/dev/shm/receive_bench.XXXXXX", config[64], tap[64];
    double calibration = 1e9, checked = 1e9, received = 1e9, recorded = 1e9, alone = 1e9;
    size_t len, single_len;
    uint8_t *body = make_request(SPANS, &len), *single = make_request(1, &single_len);
    struct otl_view request = otl_view((char *)body, len);
    const struct stream batches = {as_http(body, len), SPANS, REQUESTS};
    const struct stream singles = {as_http(single, single_len), 1, SINGLES};

    if (argc == 3 && strcmp(argv[1], "check") == 0) {
        printf("%.1f ns/span\n", check(request, (int)strtol(argv[2], NULL, 10)));
        return 0;
    }
    if (mkdtemp(dir) == NULL)
        die(dir);
    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    write_config(config);
    for (int i = 0; i < REPEATS; i++) {
        calibration = minimum(calibration, calibrate());
        checked = minimum(checked, check(request, CHECKS));
        received = minimum(received, receive(config, NULL, &batches));
        recorded = minimum(recorded, receive(config, tap, &batches));
        alone = minimum(alone, receive(config, tap, &singles));
    }
    unlink(config);
    rmdir(dir);
    printf("%d spans a request, %.1f bytes a span, %d repeats, minimum; calibration %.1f ns\n",
           SPANS, (double)len / SPANS, REPEATS, calibration);
    row("decode and validate", checked, calibration);
    row("receive, decode, validate", received, calibration);
    row("receive, decode, validate, record (tmpfs)", recorded, calibration);
    row("the same, one span a request", alone, calibration);
    return 0;
}
