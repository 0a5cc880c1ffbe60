/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exporter of your own that has to wait: it sends each batch as lines of text to a server, which
 * answers "ok" when it has them.
 *
 *     cc -o own_exporter own_exporter.c $(pkg-config --cflags --libs otel_sdk)
 *     ./own_exporter PORT [EXPORT_TIMEOUT_MILLIS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <otel/sdk/loop.h>
#include <otel/sdk/metrics.h>
#include <otel/sdk/provider.h>
#include <otel/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct liner {
    struct otel_sdk_exporter exporter; /* first: the SDK's pointer is ours */
    struct sockaddr_in server;
    struct otel_sdk_loop *loop;
    struct otel_sdk_watch *watch; /* of fd */
    int fd;                       /* -1: not connected */
    char text[128 * 1024];
    size_t len, sent;
    otel_sdk_export_done_fn *done;
    void *done_arg;
};

static void disconnect(struct liner *liner)
{
    otel_sdk_watch_free(liner->watch); /* before what it watches is closed */
    liner->watch = NULL;
    if (liner->fd >= 0)
        close(liner->fd);
    liner->fd = -1;
}

/* Each export ends here, exactly once. */
static void finish(struct liner *liner, enum otel_err err)
{
    struct otel_sdk_export_result result = {
        .err = err, .requests = 1, .bytes = err == OTEL_OK ? liner->len : 0};

    if (err != OTEL_OK)
        disconnect(liner); /* an answer that comes late must not count for the next batch */
    liner->done(liner->done_arg, &result);
}

/* Called by the loop when the socket is ready, and once to begin. Nothing here blocks: while it
 * does, the time limits of this processor could not be kept. */
static void go_on(void *arg, unsigned came)
{
    struct liner *liner = arg;
    unsigned next = OTEL_SDK_WATCH_WRITE;
    char answer[4];
    ssize_t n = 1;

    if (liner->sent < liner->len) {
        n = send(liner->fd, liner->text + liner->sent, liner->len - liner->sent, MSG_NOSIGNAL);
        liner->sent += n > 0 ? (size_t)n : 0;
    } else if (came & OTEL_SDK_WATCH_READ) {
        n = recv(liner->fd, answer, 3, 0);
        if (n == 3 && memcmp(answer, "ok\n", 3) == 0) {
            finish(liner, OTEL_OK);
            return;
        }
        n = 0;
    }
    if (liner->sent == liner->len)
        next = OTEL_SDK_WATCH_READ;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN) ||
        otel_sdk_watch_start(liner->watch, next, OTEL_SDK_WATCH_NO_DELAY) != OTEL_OK)
        finish(liner, OTEL_ERR_UNAVAILABLE);
}

static bool connected(struct liner *liner)
{
    const struct sockaddr *server = (const struct sockaddr *)&liner->server;

    if (liner->fd >= 0)
        return true;
    liner->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return liner->fd >= 0 &&
           (connect(liner->fd, server, sizeof(liner->server)) == 0 || errno == EINPROGRESS) &&
           otel_sdk_watch_new(liner->loop, liner->fd, go_on, liner, &liner->watch) == OTEL_OK;
}

/* The loop is the processor's; it stays until free. */
static enum otel_err start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    ((struct liner *)exporter)->loop = loop;
    return OTEL_OK;
}

/* A line a span, an empty one behind the last. */
static bool write_lines(struct liner *liner, const struct otel_sdk_batch *batch)
{
    liner->len = liner->sent = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct otel_sdk_span_info info;
        char trace_id[33];
        size_t left = sizeof(liner->text) - liner->len - 1;
        int n;
        otel_sdk_span_info(batch->spans[i], &info);
        otel_trace_id_hex(info.context.trace_id, trace_id);
        n = snprintf(liner->text + liner->len, left, "%s %.*s\n", trace_id, (int)info.name.len,
                     info.name.data);
        if (n < 0 || (size_t)n >= left)
            return false;
        liner->len += (size_t)n;
    }
    liner->text[liner->len++] = '\n';
    return true;
}

/* Returns at once; done is called when the answer is there. */
static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct liner *liner = (struct liner *)exporter;

    liner->done = done;
    liner->done_arg = done_arg;
    if (!write_lines(liner, batch))
        finish(liner, OTEL_ERR_LIMIT);
    else if (!connected(liner))
        finish(liner, OTEL_ERR_UNAVAILABLE);
    else
        go_on(liner, 0);
}

/* The export's time is over, or the program shuts down. */
static void cancel(struct otel_sdk_exporter *exporter)
{
    finish((struct liner *)exporter, OTEL_ERR_TIMEOUT);
}

/* In the child of a fork: the connection is the parent's, and so is what its loop knows. */
static void forked(struct otel_sdk_exporter *exporter)
{
    struct liner *liner = (struct liner *)exporter;

    otel_sdk_watch_forked(liner->watch);
    liner->watch = NULL;
    if (liner->fd >= 0)
        close(liner->fd);
    liner->fd = -1;
}

static void destroy(struct otel_sdk_exporter *exporter)
{
    disconnect((struct liner *)exporter);
    free(exporter);
}

/* What the SDK's metrics call it. */
static void describe(const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_exporter_description *ret)
{
    (void)exporter;
    ret->type = "com.example.liner";
}

static struct otel_sdk_exporter *liner_new(unsigned port)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .start = start,
                                                     .export_batch = export_batch,
                                                     .cancel = cancel,
                                                     .forked = forked,
                                                     .free = destroy,
                                                     .describe = describe};
    struct liner *liner = calloc(1, sizeof(*liner));

    if (liner == NULL)
        return NULL;
    liner->exporter.ops = &ops;
    liner->fd = -1;
    liner->server.sin_family = AF_INET;
    liner->server.sin_port = htons((uint16_t)port);
    liner->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return &liner->exporter;
}

/* Of the SDK's metrics those of one name, in a line each. */
static void show(void *name, const struct otel_sdk_metric *metric)
{
    if (strcmp(metric->name, name) != 0)
        return;
    printf("%s %lld", metric->name, (long long)metric->value);
    for (size_t i = 0; i < metric->attribute_count; i++) {
        const struct otel_attribute *attribute = &metric->attributes[i];
        if (attribute->value.type == OTEL_VALUE_STRING)
            printf(" %.*s=%.*s", (int)attribute->key.len, attribute->key.data,
                   (int)attribute->value.count, attribute->value.as.string);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    struct otel_sdk_exporter *exporter =
        argc > 1 ? liner_new((unsigned)strtoul(argv[1], NULL, 10)) : NULL;
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
    struct otel_sdk_provider_options options;
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_provider *provider = NULL;
    struct otel_sdk_batch_options batch;
    struct otel_tracer *tracer;

    otel_sdk_batch_options_init(&batch);
    if (argc > 2)
        batch.export_timeout_millis = (uint32_t)strtoul(argv[2], NULL, 10);
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    if (exporter == NULL || otel_sdk_batch_new(&batch, exporter, &processor) != OTEL_OK ||
        otel_sdk_provider_new(&options, &provider) != OTEL_OK) {
        fprintf(stderr, "usage: own_exporter PORT [EXPORT_TIMEOUT_MILLIS]\n");
        return 2;
    }
    otel_tracer_provider_set_global(otel_sdk_provider_api(provider));
    tracer = otel_tracer("example", "1.0.0");
    for (int i = 0; i < 1000; i++)
        otel_span_finish(otel_span_start(tracer, "work", NULL));
    otel_tracer_unref(tracer);
    otel_sdk_provider_shutdown(provider, 20000); /* waits for the answers */
    otel_sdk_provider_stats(provider, &stats);
    printf("%llu answered, %llu not in time, %llu failed\n",
           (unsigned long long)stats.total.exported,
           (unsigned long long)stats.total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT],
           (unsigned long long)stats.total.dropped[OTEL_SDK_DROP_EXPORT_FAILED]);
    otel_sdk_provider_metrics(provider, show, "otel.sdk.exporter.span.exported");
    otel_tracer_provider_set_global(NULL);
    otel_sdk_provider_free(provider);
    return 0;
}
