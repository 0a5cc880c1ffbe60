/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that forks its children before it serves, as nginx, PostgreSQL and PHP-FPM do. The SDK
 * is set up once, in the parent; each child goes on tracing after fork().
 *
 *     cc -o prefork prefork.c $(pkg-config --cflags --libs otel_sdk)
 *     OTEL_SERVICE_NAME=prefork OTEL_TRACES_EXPORTER=console ./prefork 3 5
 */
#include <otel/sdk/config.h>
#include <otel/trace.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(struct otel_tracer *tracer, int requests)
{
    for (int i = 0; i < requests; i++) {
        struct otel_span_options options;
        struct otel_span *span;

        otel_span_options_init(&options);
        options.kind = OTEL_SPAN_KIND_SERVER;
        /* What the parent had attached when it forked is current in the child as well; a request
         * from outside is no part of it. */
        options.root = true;
        span = otel_span_start(tracer, "request", &options);
        /* The resource was read before the fork and is one for all: what differs from child to
         * child belongs on the spans. */
        otel_span_set_int(span, "process.pid", getpid());
        otel_span_set_int(span, "example.request", i);
        otel_span_finish(span);
    }
}

static void child(struct otel_sdk *sdk, struct otel_tracer *tracer, int requests)
{
    serve(tracer, requests);
    /* Each process sends what it has itself. The child took over nothing that was queued in the
     * parent when it forked, so nothing is sent twice. */
    if (sdk != NULL)
        otel_sdk_shutdown(sdk, 5000);
    /* _exit, not exit: what the parent has registered with atexit() is the parent's. */
    _exit(0);
}

int main(int argc, char **argv)
{
    int children = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
    int requests = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 3;
    struct otel_sdk *sdk = NULL;
    struct otel_tracer *tracer;
    struct otel_span *boot;
    int status, bad = 0;

    if (otel_sdk_from_env(NULL, &sdk) == OTEL_OK)
        otel_sdk_install(sdk);
    tracer = otel_tracer("example.prefork", NULL);

    /* One span that is in the queue and one that is open when we fork: the parent's alone. */
    otel_span_finish(otel_span_start(tracer, "read configuration", NULL));
    boot = otel_span_start(tracer, "start children", NULL);
    for (int i = 0; i < children; i++) {
        pid_t pid = fork();

        if (pid == 0)
            child(sdk, tracer, requests);
        bad |= pid < 0;
    }
    otel_span_set_int(boot, "example.children", children);
    otel_span_finish(boot);

    while (wait(&status) > 0)
        bad |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    otel_tracer_unref(tracer);
    if (sdk != NULL)
        otel_sdk_shutdown(sdk, 5000);
    otel_sdk_free(sdk);
    return bad;
}
