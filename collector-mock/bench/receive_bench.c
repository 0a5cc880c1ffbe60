/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
 *     receive_bench workers    what two workers cost beside one
 *     receive_bench standing   10,000 connections, 100 of them active; from start to ready
 *     receive_bench check N    check a request of 512 spans N times: for callgrind
 *
 * A span: 8 attributes, 4 texts of 19 or 20 characters and 4 numbers (its size is printed).
 */

enum { TAIL_SPANS = 5 }; /* of one trace in a request; the next request has as many more */
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

struct setup {
    const char *config, *tap; /* tap NULL: none */
    const char *workers;
};

struct cost { /* CPU nanoseconds on a span */
    double all;     /* of all threads */
    double busiest; /* of the thread that had most of it */
};

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

static void start(struct collector *collector, const struct setup *setup)
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
        execl(path, path, "--config", setup->config, "--workers", setup->workers, "--ready-fd", fd,
              setup->tap ? "--tap" : NULL, setup->tap, NULL);
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

/* CPU of its whole life: what tail sampling holds it decides at the end. */
static uint64_t stop(struct collector *collector)
{
    struct rusage usage;
    int status;

    kill(collector->pid, SIGTERM);
    if (wait4(collector->pid, &status, 0, &usage) < 0 || status != 0)
        die("collector-mock did not end well");
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * OTL_NS_PER_S +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

static uint64_t cpu_ns(const struct collector *collector)
{
    struct timespec ts;

    if (clock_gettime(collector->cpu, &ts) != 0)
        die("CPU clock of the collector");
    return (uint64_t)ts.tv_sec * OTL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Of its busiest thread; 0: the system does not say. */
static uint64_t busiest_ns(const struct collector *collector)
{
    char path[300];
    uint64_t most = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)collector->pid);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unsigned long long ns = 0;
        FILE *file;
        snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)collector->pid,
                 entry->d_name);
        file = entry->d_name[0] != '.' ? fopen(path, "re") : NULL;
        if (file != NULL && fscanf(file, "%llu", &ns) == 1 && ns > most)
            most = ns;
        if (file != NULL)
            fclose(file);
    }
    if (dir != NULL)
        closedir(dir);
    return most;
}

struct stream {
    struct otl_view bytes; /* one request: head and body, or frames */
    int spans;             /* in it */
    int requests;
    int grpc;
    const size_t *ids; /* NULL: each request is the same; else where its trace ids stand, */
    size_t id_count;   /* and pairs of requests get trace ids of their own */
};

struct sender {
    unsigned port;
    const struct stream *stream;
    unsigned number;
    int failed;
};

static int send_whole(int fd, const char *data, size_t len)
{
    ssize_t sent = 0;

    for (size_t done = 0; done < len && sent >= 0; done += (size_t)sent)
        sent = send(fd, data + done, len - done, MSG_NOSIGNAL);
    return sent >= 0;
}

/* bytes is this sender's own copy. */
static void renew_ids(char *bytes, const struct stream *stream, unsigned sender, unsigned number)
{
    const uint32_t words[2] = {sender, number / 2};

    for (size_t i = 0; i < stream->id_count; i++)
        memcpy(bytes + stream->ids[i], words, sizeof(words));
}

static int exchange_http(int fd, const char *bytes, size_t len)
{
    char answer[512];

    return send_whole(fd, bytes, len) &&
           recv(fd, answer, sizeof(answer), 0) >= 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

/* Frames until the one that ends the stream; success is an answer in three parts. */
static int read_grpc_answer(int fd)
{
    int data = 0;

    for (;;) {
        unsigned char head[9], payload[16384];
        size_t len;
        if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head))
            return 0;
        len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (len > sizeof(payload) ||
            (len > 0 && recv(fd, payload, len, MSG_WAITALL) != (ssize_t)len))
            return 0;
        data += head[3] == 0 && len == 5;
        if (head[3] == 3 || head[3] == 7) /* RST_STREAM, GOAWAY */
            return 0;
        if (head[3] == 1 && (head[4] & 1) != 0)
            return data == 1;
    }
}

/* frames is this sender's own copy: the stream's number is written into each. */
static int exchange_grpc(int fd, char *frames, size_t len, unsigned number)
{
    for (size_t at = 0; at < len;) {
        const unsigned char *head = (unsigned char *)frames + at;
        frames[at + 5] = (char)(number >> 24);
        frames[at + 6] = (char)(number >> 16);
        frames[at + 7] = (char)(number >> 8);
        frames[at + 8] = (char)number;
        at += 9 + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
    }
    return send_whole(fd, frames, len) && read_grpc_answer(fd);
}

static void *send_all(void *arg)
{
    /* the server's own SETTINGS, which open its windows, are acknowledged as well */
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                                "\0\0\0\4\1\0\0\0\0";
    struct sender *sender = arg;
    const struct stream *stream = sender->stream;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)sender->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    char *frames = malloc(stream->bytes.len);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    sender->failed =
        frames == NULL || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0;
    if (!sender->failed)
        memcpy(frames, stream->bytes.data, stream->bytes.len);
    if (!sender->failed && stream->grpc)
        sender->failed = !send_whole(fd, hello, sizeof(hello) - 1);
    for (int i = 0; i < stream->requests / CONNECTIONS && !sender->failed; i++) {
        renew_ids(frames, stream, sender->number, (unsigned)i);
        sender->failed =
            stream->grpc ? !exchange_grpc(fd, frames, stream->bytes.len, 2 * (unsigned)i + 1)
                         : !exchange_http(fd, frames, stream->bytes.len);
    }
    close(fd);
    free(frames);
    return NULL;
}

static struct cost receive(const struct setup *setup, const struct stream *stream)
{
    struct sender senders[CONNECTIONS];
    pthread_t threads[CONNECTIONS];
    struct collector collector;
    uint64_t before, after, busiest;
    double spans = (double)(stream->requests / CONNECTIONS * CONNECTIONS) * stream->spans;

    start(&collector, setup);
    before = cpu_ns(&collector);
    for (int i = 0; i < CONNECTIONS; i++) {
        senders[i] = (struct sender){collector.port, stream, (unsigned)i, 0};
        if (pthread_create(&threads[i], NULL, send_all, &senders[i]) != 0)
            die("thread");
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
        if (senders[i].failed)
            die("sending");
    }
    after = cpu_ns(&collector);
    busiest = busiest_ns(&collector);
    if (stream->ids != NULL)
        after = stop(&collector);
    else
        stop(&collector);
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

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("connect");
    return fd;
}

/* What a span costs over the last ACTIVE of so many connections, one request after another. They
 * are accepted in their order: once the last has its answer, all are there. */
static double receive_standing(const struct setup *setup, const struct stream *stream, int count)
{
    static int fds[STANDING];
    struct collector collector;
    uint64_t before, after;

    start(&collector, setup);
    for (int i = 0; i < count; i++)
        fds[i] = connect_to(collector.port);
    for (int i = 0; i < ACTIVE; i++)
        if (!exchange_http(fds[count - 1 - i], stream->bytes.data, stream->bytes.len))
            die("sending");
    before = cpu_ns(&collector);
    for (int i = 0; i < ROUNDS * ACTIVE; i++)
        if (!exchange_http(fds[count - 1 - i % ACTIVE], stream->bytes.data, stream->bytes.len))
            die("sending");
    after = cpu_ns(&collector);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    stop(&collector);
    return (double)(after - before) / (ROUNDS * ACTIVE * (double)stream->spans);
}

/* Seconds from the fork to the line that says ready. */
static double start_once(const struct setup *setup)
{
    struct timespec from, to;
    struct collector collector;

    clock_gettime(CLOCK_MONOTONIC, &from);
    start(&collector, setup);
    clock_gettime(CLOCK_MONOTONIC, &to);
    stop(&collector);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void standing(const char *config, const struct stream *stream)
{
    const struct setup setup = {config, NULL, "1"};
    struct rlimit limit;
    double many = 1e9, few = 1e9, seconds[STARTS], least = 1e9, most = 0;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < STANDING + SPARE || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        printf("HTTP: %d connections: not measured here: %llu descriptors are allowed\n", STANDING,
               (unsigned long long)limit.rlim_max);
    } else {
        for (int i = 0; i < 3; i++) {
            few = minimum(few, receive_standing(&setup, stream, ACTIVE));
            many = minimum(many, receive_standing(&setup, stream, STANDING));
        }
        printf("HTTP: 100 connections active, 10,000 open      %9.1f ns/span, with those 100 alone "
               "%.1f (%.2fx)\n",
               many, few, many / few);
    }
    for (int i = 0; i < STARTS; i++) {
        seconds[i] = start_once(&setup);
        least = minimum(least, seconds[i]);
        most = seconds[i] > most ? seconds[i] : most;
    }
    printf("from start to ready, %d times                   %9.1f ms, the slowest %.1f ms\n",
           STARTS, least * 1e3, most * 1e3);
}

/* ---- the table ---- */

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

static size_t put_frame(char *out, unsigned type, unsigned flags, const void *payload, size_t len)
{
    const unsigned char head[9] = {(unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                   (unsigned char)len, (unsigned char)type, (unsigned char)flags};

    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), payload, len);
    return sizeof(head) + len;
}

/* HEADERS whose fields are literals (the same bytes each time), DATA in frames of 16 KiB. */
static struct otl_view as_grpc(const uint8_t *body, size_t len)
{
    static const char *const fields[][2] = {
        {":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
        {":authority", "bench"},
        {"te", "trailers"},
        {"content-type", "application/grpc"},
        {"grpc-timeout", "10S"}};
    char *out = malloc(len + len / 16384 * 9 + 512), *message = malloc(len + 5);
    char head[256] = "\x83\x86"; /* :method POST, :scheme http */
    size_t at = 2, used, count = sizeof(fields) / sizeof(fields[0]);

    if (out == NULL || message == NULL)
        die("memory");
    for (size_t i = 0; i < count; i++) {
        size_t name = strlen(fields[i][0]), value = strlen(fields[i][1]);
        head[at++] = 0;
        head[at++] = (char)name;
        memcpy(head + at, fields[i][0], name);
        at += name;
        head[at++] = (char)value;
        memcpy(head + at, fields[i][1], value);
        at += value;
    }
    used = put_frame(out, 1, 4, head, at);
    for (int i = 0; i < 5; i++)
        message[i] = (char)(i == 0 ? 0 : len >> (8 * (4 - i)));
    memcpy(message + 5, body, len);
    for (size_t done = 0; done < len + 5;) {
        size_t part = len + 5 - done < 16384 ? len + 5 - done : 16384;
        used += put_frame(out + used, 0, done + part == len + 5, message + done, part);
        done += part;
    }
    free(message);
    return otl_view(out, used);
}

static const char tail_sampling[] =
    "processors:\n"
    "  tail_sampling:\n"
    "    decision_wait: 10s\n"
    "    num_traces: 1000000\n"
    "    policies:\n"
    "      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n"
    "      - {name: slow, type: latency, latency: {threshold_ms: 1000}}\n"
    "      - {name: gold, type: string_attribute, string_attribute: {key: tier, values: [gold]}}\n"
    "      - {name: base, type: probabilistic, probabilistic: {sampling_percentage: 10}}\n";

static void write_config(const char *path, const char *protocol, int tail)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        die(path);
    fprintf(file,
            "receivers: {otlp: {protocols: {%s: {endpoint: '127.0.0.1:0'}}}}\n"
            "exporters: {nop: }\n"
            "%s"
            "service:\n"
            "  pipelines: {traces: {receivers: [otlp], %s exporters: [nop]}}\n"
            "  telemetry: {logs: {level: error}}\n",
            protocol, tail ? tail_sampling : "", tail ? "processors: [tail_sampling]," : "");
    if (fclose(file) != 0)
        die(path);
}

enum { ROWS = 8 };

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

/* One repeat of the rows that need a collector, each kept where it is the least so far. */
static void repeat(const char *dir, const struct stream *batches, const struct stream *singles,
                   const struct stream *tails, double least[ROWS])
{
    char config[64], tap[64];
    const struct setup plain = {config, NULL, "1"}, recording = {config, tap, "1"};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    for (int grpc = 0; grpc < 2; grpc++) {
        double *row = least + 4 * grpc;
        write_config(config, grpc ? "grpc" : "http", 0);
        row[0] = minimum(row[0], receive(&plain, &batches[grpc]).all);
        row[1] = minimum(row[1], receive(&recording, &batches[grpc]).all);
        row[2] = minimum(row[2], receive(&recording, &singles[grpc]).all);
        write_config(config, grpc ? "grpc" : "http", 1);
        row[3] = minimum(row[3], receive(&plain, &tails[grpc]).all);
    }
    unlink(config);
}

/* With the tap, which both workers write; then cut by trace and handed over, for tail sampling. */
static void repeat_scale(const char *dir, const struct stream *batch, const struct stream *tail,
                         struct scale least[2])
{
    char config[64], tap[64];
    const struct setup one = {config, tap, "1"}, two = {config, tap, "2"};

    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    snprintf(tap, sizeof(tap), "%s/tap.bin", dir);
    for (int i = 0; i < 2; i++) {
        const struct stream *stream = i == 0 ? batch : tail;
        write_config(config, "http", i);
        keep_least(&least[i].one, receive(&one, stream));
        keep_least(&least[i].two, receive(&two, stream));
    }
    unlink(config);
}

/* The stream with trace ids that change: TAIL_SPANS neighbours share one. */
static struct stream as_tail(const struct stream *stream, struct otl_view request)
{
    struct stream ret = *stream;
    size_t *ids = malloc(SPANS * sizeof(*ids)), count = 0;
    char *bytes = malloc(stream->bytes.len), *at = bytes;
    struct col_traces traces;
    struct col_span span;

    if (ids == NULL || bytes == NULL)
        die("memory");
    memcpy(bytes, stream->bytes.data, stream->bytes.len);
    col_traces_init(&traces, request);
    while (col_traces_next(&traces, &span)) {
        at = memmem(at, stream->bytes.len - (size_t)(at - bytes), span.trace_id, 16);
        if (at == NULL) /* a frame's head stands in it: this one stays */
            at = bytes + (count > 0 ? ids[count - 1] : 0);
        else {
            for (int i = 0; i < 8; i++)
                at[8 + i] = (char)(traces.spans / TAIL_SPANS >> (8 * i));
            ids[count++] = (size_t)(at - bytes);
        }
    }
    ret.bytes = otl_view(bytes, stream->bytes.len);
    ret.ids = ids;
    ret.id_count = count;
    return ret;
}

int main(int argc, char **argv)
{
    static const char *const names[ROWS] = {
        "HTTP: receive, decode, validate", "HTTP: the same, record (tmpfs)",
        "HTTP: the same, one span a request", "HTTP: receive, tail sampling, forward",
        "gRPC: receive, decode, validate", "gRPC: the same, record (tmpfs)",
        "gRPC: the same, one span a request", "gRPC: receive, tail sampling, forward"};
    char dir[] = "/dev/shm/receive_bench.XXXXXX";
    int only_scale = argc == 2 && strcmp(argv[1], "workers") == 0;
    int only_standing = argc == 2 && strcmp(argv[1], "standing") == 0;
    char config[64];
    double calibration = 1e9, checked = 1e9, least[ROWS];
    size_t len, single_len;
    uint8_t *body = make_request(SPANS, &len), *single = make_request(1, &single_len);
    struct otl_view request = otl_view((char *)body, len);
    const struct stream batches[] = {{as_http(body, len), SPANS, REQUESTS, 0, NULL, 0},
                                     {as_grpc(body, len), SPANS, REQUESTS, 1, NULL, 0}};
    const struct stream tails[] = {as_tail(&batches[0], request), as_tail(&batches[1], request)};
    const struct stream singles[] = {{as_http(single, single_len), 1, SINGLES, 0, NULL, 0},
                                     {as_grpc(single, single_len), 1, SINGLES, 1, NULL, 0}};

    struct scale scales[2];

    for (int i = 0; i < ROWS; i++)
        least[i] = 1e9;
    for (int i = 0; i < 2; i++)
        scales[i].one = scales[i].two = (struct cost){1e9, 1e9};
    if (argc == 3 && strcmp(argv[1], "check") == 0) {
        printf("%.1f ns/span\n", check(request, (int)strtol(argv[2], NULL, 10)));
        return 0;
    }
    if (mkdtemp(dir) == NULL)
        die(dir);
    snprintf(config, sizeof(config), "%s/config.yaml", dir);
    for (int i = 0; i < REPEATS && !only_standing; i++) {
        calibration = minimum(calibration, calibrate());
        checked = minimum(checked, check(request, CHECKS));
        if (!only_scale)
            repeat(dir, batches, singles, tails, least);
        repeat_scale(dir, &batches[0], &tails[0], scales);
    }
    write_config(config, "http", 0);
    if (!only_scale)
        standing(config, &batches[0]);
    unlink(config);
    rmdir(dir);
    if (only_standing)
        return 0;
    printf("%d spans a request, %.1f bytes a span, %d repeats, minimum; calibration %.1f ns\n",
           SPANS, (double)len / SPANS, REPEATS, calibration);
    row("decode and validate", checked, calibration);
    for (int i = 0; i < ROWS && !only_scale; i++)
        row(names[i], least[i], calibration);
    scale_row("HTTP: receive, record: 1 worker and 2", &scales[0]);
    scale_row("HTTP: the same, tail sampling: 1 worker and 2", &scales[1]);
    return 0;
}
