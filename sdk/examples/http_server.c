/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server on libevent's evhttp: extracts the caller's context, serves in a SERVER span, and
 * where it is given another server's port, asks that one with the context injected.
 *
 *     cc -o http_server http_server.c $(pkg-config --cflags --libs otel_sdk libevent)
 *     OTEL_SERVICE_NAME=hello OTEL_TRACES_EXPORTER=console ./http_server [PORT_OF_ANOTHER]
 *     curl http://127.0.0.1:PORT/hello
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <otel/header_carrier.h>
#include <otel/sdk/config.h>
#include <otel/trace.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* ---- headers of evhttp as a carrier --------------------------------------------------------- */

enum { HEADERS_MAX = 100 }; /* further ones are not looked at */

/* All of them, not evhttp_find_header(), which knows the first value only: tracestate may come in
 * several headers, and of two traceparents none counts. */
static struct otel_context *extract(const struct evkeyvalq *headers)
{
    struct otel_header items[HEADERS_MAX];
    struct otel_header_view view = {items, 0};
    const struct evkeyval *header;

    TAILQ_FOREACH (header, headers, next)
        if (view.count < HEADERS_MAX) {
            items[view.count].name = otel_str(header->key);
            items[view.count++].value = otel_str(header->value);
        }
    /* Onto the root context: of headers that are missing or no good a new trace begins. */
    return otel_propagator_extract(NULL, otel_context_root(), &view, otel_http_header_getter());
}

static void set(void *carrier, struct otel_str key, struct otel_str value)
{
    /* What the SDK hands out need not end with a NUL. */
    char *name = strndup(key.data, key.len), *text = strndup(value.data, value.len);

    if (name != NULL && text != NULL) {
        evhttp_remove_header(carrier, name);
        evhttp_add_header(carrier, name, text);
    }
    free(name);
    free(text);
}

static const struct otel_text_map_setter setter = {set};

/* ---- a request in hand ---------------------------------------------------------------------- */

struct server {
    struct event_base *base;
    struct otel_tracer *tracer;
    unsigned short next_port; /* 0: nobody to ask */
};

/* Many requests are in hand on one thread. So nothing is attached to it: each request has its
 * spans here, and every start says whose child it is. */
struct hello {
    struct evhttp_request *incoming;
    struct otel_span *span;
    struct otel_span *call; /* while we wait for the other server */
    struct evhttp_connection *connection;
};

static void answer(struct hello *hello, int status, struct evbuffer *body)
{
    otel_span_set_int(hello->span, "http.response.status_code", status);
    /* What the caller did wrong (4xx) is no error of the server. */
    if (status >= 500)
        otel_span_set_status(hello->span, OTEL_STATUS_ERROR, NULL);
    evhttp_send_reply(hello->incoming, status, NULL, body);
    otel_span_finish(hello->span);
    free(hello);
}

static void on_answer(struct evhttp_request *outgoing, void *arg)
{
    struct hello *hello = arg;
    /* NULL or 0: no answer came */
    int status = outgoing != NULL ? evhttp_request_get_response_code(outgoing) : 0;
    struct evbuffer *body = evbuffer_new();

    if (status > 0)
        otel_span_set_int(hello->call, "http.response.status_code", status);
    else
        otel_span_set_str(hello->call, "error.type", "no_answer");
    if (status == 0 || status >= 400)
        otel_span_set_status(hello->call, OTEL_STATUS_ERROR, NULL);
    otel_span_finish(hello->call);

    if (body != NULL && status == 200) {
        evbuffer_add_printf(body, "hello, and from there: ");
        evbuffer_add_buffer(body, evhttp_request_get_input_buffer(outgoing));
    }
    answer(hello, status == 200 ? 200 : 502, body);
    if (body != NULL)
        evbuffer_free(body);
}

static void ask(const struct server *server, struct hello *hello, struct otel_context *context)
{
    struct evhttp_request *outgoing = evhttp_request_new(on_answer, hello);
    struct otel_span_options options;
    struct otel_context *inner;

    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_CLIENT;
    options.parent = context;
    hello->call = otel_span_start(server->tracer, "GET", &options);
    otel_span_set_str(hello->call, "http.request.method", "GET");
    otel_span_set_int(hello->call, "server.port", server->next_port);

    hello->connection = evhttp_connection_base_new(server->base, NULL, "127.0.0.1",
                                                   server->next_port);
    if (outgoing == NULL || hello->connection == NULL) {
        on_answer(NULL, hello);
        return;
    }
    evhttp_connection_free_on_completion(hello->connection);
    /* Inject the CLIENT span: it is the parent of the other side's SERVER span. */
    inner = otel_context_with_span(context, hello->call);
    otel_propagator_inject(NULL, inner, evhttp_request_get_output_headers(outgoing), &setter);
    otel_context_unref(inner);
    evhttp_add_header(evhttp_request_get_output_headers(outgoing), "Host", "127.0.0.1");
    if (evhttp_make_request(hello->connection, outgoing, EVHTTP_REQ_GET, "/hello") != 0)
        on_answer(NULL, hello);
}

static void on_hello(struct evhttp_request *incoming, void *arg)
{
    const struct server *server = arg;
    struct hello *hello = calloc(1, sizeof(*hello));
    struct otel_context *caller, *context;
    struct otel_span_options options;
    struct evbuffer *body;

    if (hello == NULL) {
        evhttp_send_reply(incoming, 503, NULL, NULL);
        return;
    }
    hello->incoming = incoming;
    caller = extract(evhttp_request_get_input_headers(incoming));
    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_SERVER;
    options.parent = caller;
    /* Named by the route, never by the path: names must be few. */
    hello->span = otel_span_start(server->tracer, "GET /hello", &options);
    otel_span_set_str(hello->span, "http.request.method", "GET");
    otel_span_set_str(hello->span, "http.route", "/hello");
    otel_span_set_str(hello->span, "url.path", evhttp_request_get_uri(incoming));

    if (server->next_port != 0) {
        context = otel_context_with_span(caller, hello->span); /* the caller's baggage goes along */
        ask(server, hello, context);
        otel_context_unref(context);
    } else {
        body = evbuffer_new();
        if (body != NULL)
            evbuffer_add_printf(body, "hello\n");
        answer(hello, 200, body);
        if (body != NULL)
            evbuffer_free(body);
    }
    otel_context_unref(caller);
}

/* ---- the program ---------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    event_base_loopbreak(arg);
}

static void accept_again(evutil_socket_t none, short what, void *arg)
{
    (void)none;
    (void)what;
    evconnlistener_enable(arg);
}

/* No descriptor is left, perhaps. Left to itself libevent would try again at once, and again. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    static const struct timeval rest = {0, 100000};

    (void)arg;
    fprintf(stderr, "http_server: accept: %s\n", strerror(errno));
    if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, accept_again, listener,
                        &rest) == 0)
        evconnlistener_disable(listener);
}

static void print_port(struct evhttp_bound_socket *socket)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    if (getsockname(evhttp_bound_socket_get_fd(socket), (struct sockaddr *)&at, &len) == 0)
        printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct server server = {event_base_new(), NULL, 0};
    struct evhttp *http = server.base != NULL ? evhttp_new(server.base) : NULL;
    struct evhttp_bound_socket *socket = NULL;
    struct event *terminate = NULL, *interrupt = NULL;
    struct otel_sdk *sdk = NULL;

    if (argc > 1)
        server.next_port = (unsigned short)strtol(argv[1], NULL, 10);
    signal(SIGPIPE, SIG_IGN); /* for evhttp; the SDK needs no such thing */
    if (http != NULL)
        socket = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    if (socket == NULL)
        return 3;
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(socket), on_accept_error);
    /* Ctrl-C, too: a program that a signal ends sends nothing of what is queued. */
    terminate = evsignal_new(server.base, SIGTERM, on_signal, server.base);
    interrupt = evsignal_new(server.base, SIGINT, on_signal, server.base);
    if (terminate == NULL || interrupt == NULL || event_add(terminate, NULL) != 0 ||
        event_add(interrupt, NULL) != 0)
        return 3;

    /* The SDK exports on a thread and an event base of its own: this loop never waits for it.
     * install() sets the propagator as well (OTEL_PROPAGATORS; W3C by default). */
    if (otel_sdk_from_env(NULL, &sdk) == OTEL_OK)
        otel_sdk_install(sdk);
    server.tracer = otel_tracer("example.http", NULL);
    /* Any other path is answered 404 and not traced: neither are health checks. */
    evhttp_set_cb(http, "/hello", on_hello, &server);
    print_port(socket);
    event_base_dispatch(server.base);

    event_free(terminate);
    event_free(interrupt);
    evhttp_free(http);
    event_base_free(server.base);
    otel_tracer_unref(server.tracer);
    if (sdk != NULL)
        otel_sdk_shutdown(sdk, 5000);
    otel_sdk_free(sdk);
    return 0;
}
