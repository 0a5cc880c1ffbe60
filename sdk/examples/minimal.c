/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest program worth tracing: one request, two spans, an error.
 *
 *     cc -o minimal minimal.c $(pkg-config --cflags --libs otel_sdk)
 *     OTEL_SERVICE_NAME=minimal OTEL_TRACES_EXPORTER=console ./minimal
 */
#include <otel/sdk/config.h>
#include <otel/trace.h>
#include <stdio.h>

/* Told about mistakes in OTEL_* variables and about exports that fail, from threads of the SDK.
 * Without it a wrong variable goes by in silence. */
static void report(void *arg, enum otel_err err, const char *text)
{
    (void)arg;
    fprintf(stderr, "tracing: %s%s\n", err == OTEL_OK ? "" : "failed: ", text);
}

/* Library code: it knows otel/trace.h alone, and works the same when no SDK is there. */
static int look_up(struct otel_tracer *tracer, const char *user)
{
    struct otel_span_options options;
    struct otel_span *span;

    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_CLIENT;
    /* No parent is given: it is the span of the context that is current on this thread. */
    span = otel_span_start(tracer, "SELECT users", &options);
    otel_span_set_str(span, "db.system.name", "sqlite");
    otel_span_add_event_named(span, "cache miss");
    otel_span_set_status(span, OTEL_STATUS_ERROR, "no such user");
    otel_span_set_str(span, "error.type", "not_found");
    /* The end of the span and of our reference to it. A span that is never ended is never sent. */
    otel_span_finish(span);
    return user[0] == '\0';
}

int main(void)
{
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;
    struct otel_tracer *tracer;
    struct otel_span *span;
    struct otel_context *context;
    struct otel_context_token token;

    otel_sdk_env_options_init(&options); /* always first: it fills in the defaults */
    options.error = report;
    if (otel_sdk_from_env(&options, &sdk) == OTEL_OK)
        otel_sdk_install(sdk);
    /* On an error the program runs on, untraced: every call below is safe without an SDK. */

    tracer = otel_tracer("example.minimal", "1.0.0"); /* once, not for each span */
    span = otel_span_start(tracer, "GET /users", NULL);
    otel_span_set_str(span, "user.id", "42");

    /* A started span is not current yet: what is to find it as its parent needs its context. */
    context = otel_context_with_span(otel_context_current(), span);
    token = otel_context_attach(context);
    otel_span_set_bool(span, "example.found", look_up(tracer, "42"));
    otel_context_detach(token);
    otel_context_unref(context);

    otel_span_finish(span);
    otel_tracer_unref(tracer);
    /* The batch processor sends every 5 s: without this the last spans would be lost. */
    if (sdk != NULL && otel_sdk_shutdown(sdk, 5000) != OTEL_OK)
        fprintf(stderr, "some spans were not sent\n");
    otel_sdk_free(sdk);
    return 0;
}
