/* SPDX-License-Identifier: Apache-2.0 */
/*
 * w3c-service: what the trace-context suite of the W3C expects of a service under test, with the
 * extract and inject of the product: the services' header carrier, the SDK's propagator and spans.
 *
 * POST of [{"url": U, "arguments": A}...]: A is posted to each U in turn, in the name of a span
 * that continues what came in; then the answer is 200. The port is the first line of its output;
 * it ends when its input does. "--forget" plants a mistake: it sends no context on.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <jansson.h>

#include <otel/propagators.h>
#include <otel/sdk/provider.h>

#include "harness/service/carrier.h"
#include "harness/service/http.h"

struct service {
    struct event_base *base;
    struct otel_tracer *tracer;
    bool forget;
};

struct task {
    const struct service *service;
    struct evhttp_request *incoming;
    json_t *calls;
    size_t at;
    struct otel_context *context; /* of the SERVER span */
    struct otel_span *span;
};

static void next_call(struct task *task);

static void finish(struct task *task, int status)
{
    evhttp_send_reply(task->incoming, status, NULL, NULL);
    otel_context_unref(task->context);
    otel_span_finish(task->span);
    json_decref(task->calls);
    free(task);
}

static void on_answer(struct evhttp_request *outgoing, void *arg)
{
    (void)outgoing;
    next_call(arg);
}

/* As steps.c does it for a call: a CLIENT span, its context into the carrier of the services. */
static void inject(const struct task *task, struct evkeyvalq *headers)
{
    struct otl_arena arena;
    struct hx_carrier carrier;
    struct otel_span_options options;
    struct otel_span *span;
    struct otel_context *context;

    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_CLIENT;
    options.parent = task->context;
    span = otel_span_start(task->service->tracer, "POST", &options);
    context = otel_context_with_span(task->context, span);
    otl_arena_init(&arena, 1 << 20);
    hx_carrier_init(&carrier, &arena);
    otel_propagator_inject(otel_propagator_w3c(), context, &carrier, &hx_carrier_setter);
    for (size_t i = 0; i < carrier.count && !task->service->forget; i++) {
        char *name = strndup(carrier.items[i].name.data, carrier.items[i].name.len);
        char *value = strndup(carrier.items[i].value.data, carrier.items[i].value.len);

        evhttp_add_header(headers, name, value);
        free(name);
        free(value);
    }
    otl_arena_fini(&arena);
    otel_context_unref(context);
    otel_span_finish(span);
}

/* False: the URL is none, or nobody can be asked there. */
static bool call(struct task *task, const json_t *one)
{
    const char *url = json_string_value(json_object_get(one, "url"));
    struct evhttp_uri *uri = url != NULL ? evhttp_uri_parse(url) : NULL;
    char *body = json_dumps(json_object_get(one, "arguments"), JSON_COMPACT | JSON_ENCODE_ANY);
    struct evhttp_connection *connection = NULL;
    struct evhttp_request *outgoing;
    const char *path;
    bool asked = false;

    if (uri != NULL && body != NULL && evhttp_uri_get_host(uri) != NULL)
        connection = evhttp_connection_base_new(task->service->base, NULL,
                                                evhttp_uri_get_host(uri),
                                                (unsigned short)evhttp_uri_get_port(uri));
    outgoing = connection != NULL ? evhttp_request_new(on_answer, task) : NULL;
    if (outgoing != NULL) {
        path = evhttp_uri_get_path(uri);
        evhttp_connection_free_on_completion(connection);
        evhttp_add_header(evhttp_request_get_output_headers(outgoing), "Host", "127.0.0.1");
        evhttp_add_header(evhttp_request_get_output_headers(outgoing), "Content-Type",
                          "application/json");
        inject(task, evhttp_request_get_output_headers(outgoing));
        evbuffer_add(evhttp_request_get_output_buffer(outgoing), body, strlen(body));
        asked = evhttp_make_request(connection, outgoing, EVHTTP_REQ_POST,
                                    path != NULL && *path != '\0' ? path : "/") == 0;
    }
    free(body);
    if (uri != NULL)
        evhttp_uri_free(uri);
    return asked;
}

static void next_call(struct task *task)
{
    if (task->at == json_array_size(task->calls))
        finish(task, 200);
    else if (!call(task, json_array_get(task->calls, task->at++)))
        finish(task, 400);
}

static struct otel_context *extract(struct evhttp_request *incoming)
{
    struct otl_arena arena;
    struct hx_carrier carrier;
    struct evkeyval *header;
    struct otel_context *context;

    otl_arena_init(&arena, 1 << 20);
    hx_carrier_init(&carrier, &arena);
    TAILQ_FOREACH (header, evhttp_request_get_input_headers(incoming), next)
        hx_carrier_add(&carrier, otl_view_str(header->key),
                       hx_http_trim(otl_view_str(header->value)));
    context = otel_propagator_extract(otel_propagator_w3c(), otel_context_root(), &carrier,
                                      &hx_carrier_getter);
    otl_arena_fini(&arena);
    return context;
}

static void on_request(struct evhttp_request *incoming, void *arg)
{
    const struct service *service = arg;
    struct evbuffer *body = evhttp_request_get_input_buffer(incoming);
    size_t len = evbuffer_get_length(body);
    const char *text = (const char *)evbuffer_pullup(body, -1);
    struct task *task = calloc(1, sizeof(*task));
    struct otel_context *caller;
    struct otel_span_options options;

    if (task == NULL)
        abort();
    task->service = service;
    task->incoming = incoming;
    task->calls = json_loadb(text != NULL ? text : "", len, 0, NULL);
    caller = extract(incoming);
    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_SERVER;
    options.parent = caller;
    task->span = otel_span_start(service->tracer, "POST /test", &options);
    task->context = otel_context_with_span(caller, task->span);
    otel_context_unref(caller);
    if (json_is_array(task->calls))
        next_call(task);
    else
        finish(task, 400);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    char byte;

    (void)what;
    if (read((int)fd, &byte, 1) <= 0)
        event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
    struct service service = {event_base_new(), NULL, argc > 1 && strcmp(argv[1], "--forget") == 0};
    struct evhttp *http = evhttp_new(service.base);
    struct evhttp_bound_socket *socket = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    struct event *input = event_new(service.base, 0, EV_READ | EV_PERSIST, on_input, service.base);
    struct otel_sdk_provider *provider = NULL;

    if (socket == NULL || input == NULL || event_add(input, NULL) != 0 ||
        otel_sdk_provider_new(NULL, &provider) != OTEL_OK)
        return 3;
    otel_tracer_provider_set_global(otel_sdk_provider_api(provider));
    service.tracer = otel_tracer("w3c-service", NULL);
    evhttp_set_gencb(http, on_request, &service);
    printf("%u\n", (unsigned)hx_http_port_of(evhttp_bound_socket_get_fd(socket)));
    fflush(stdout);
    event_base_dispatch(service.base);
    event_free(input);
    evhttp_free(http);
    event_base_free(service.base);
    otel_tracer_unref(service.tracer);
    otel_tracer_provider_set_global(NULL);
    otel_sdk_provider_free(provider);
    return 0;
}
