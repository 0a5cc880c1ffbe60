/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/otlp_http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "collector-mock/extensions/guard.h"
#include "collector-mock/faults/faults.h"
#include "collector-mock/pipeline/metadata.h"
#include "collector-mock/receivers/damage.h"
#include "collector-mock/receivers/dealer.h"
#include "collector-mock/receivers/http_headers.h"
#include "collector-mock/receivers/intake.h"
#include "collector-mock/receivers/served.h"
#include "collector-mock/receivers/tls_settings.h"
#include "sdk/base/mem.h"

static const char protobuf_media[] = "application/x-protobuf";
static const char json_media[] = "application/json";
static const char text_type[] = "text/plain; charset=utf-8";

struct col_otlp_http {
    struct col_host *host;
    struct col_dealer *dealer; /* worker 0, of several */
    struct col_tls *tls; /* NULL: in the clear */
    struct col_guard *guard; /* NULL: everybody may send */
    bool include_metadata;
    const struct col_http_headers *headers; /* NULL: answers have none more */
    const char *paths[COL_SIGNALS]; /* NULL: the signal is not taken */
    struct col_http_server *server;
    struct col_intake *intake;
    struct col_served *served; /* NULL: not measured */
    struct otl_buf status; /* the error body at hand */
    const char *const *encodings; /* that are taken, ending with NULL */
    void (*on_drained)(void *context);
    void *on_drained_context;
};

static bool is_type(struct otl_view value, const char *type)
{
    const char *semicolon = value.len > 0 ? memchr(value.data, ';', value.len) : NULL;
    size_t len = semicolon ? (size_t)(semicolon - value.data) : value.len;

    while (len > 0 && value.data[len - 1] == ' ')
        len--;
    return len == strlen(type) && strncasecmp(value.data, type, len) == 0;
}

static bool is_json(const struct col_http_request *request)
{
    return is_type(col_http_header_of(request, "Content-Type"), json_media);
}

/* ---- answers ---- */

static void answer_plain(struct col_otlp_http *http, struct col_http_request *request,
                         unsigned status, const char *text)
{
    struct col_http_answer answer = {
        .status = status, .content_type = text_type, .body = otl_view_str(text)};

    col_intake_count(http->intake, status);
    col_http_answer(request, &answer);
}

/* In the encoding of the request, as the Collector does. */
static struct otl_view status_body(struct col_otlp_http *http, bool json, enum col_grpc_code code,
                                   const char *message)
{
    otl_buf_reset(&http->status);
    if ((json ? col_status_write_json(code, message, &http->status)
              : col_status_write(code, message, &http->status)) != OTEL_OK)
        return otl_view("", 0);
    return otl_view(http->status.data, http->status.len);
}

/* ---- answers that a fault holds back ---- */

struct late {
    struct col_http_request *request;
    struct col_http_answer answer;
    struct otl_buf body;
};

static void on_release(void *arg, bool answer)
{
    struct late *late = arg;

    if (answer)
        col_http_answer(late->request, &late->answer);
    else
        col_http_abandon(late->request);
    otl_buf_fini(&late->body);
    otl_mem_free(late);
}

/* Keep the request; the answer is what a delay gives later. */
static bool hold(struct col_otlp_http *http, const struct col_outcome *outcome,
                 struct col_http_request *request, const struct col_http_answer *answer)
{
    struct late *late = otl_mem_zalloc(sizeof(*late));

    if (late == NULL)
        return false;
    late->request = request;
    late->answer = *answer;
    otl_buf_init(&late->body, answer->body.len + 1);
    if (otl_buf_append(&late->body, answer->body.data, answer->body.len) == OTEL_OK) {
        late->answer.body = otl_view(late->body.data, late->body.len);
        if (col_faults_hold(http->host->faults, outcome->fault, outcome->delay_ns, on_release,
                            late))
            return true;
    }
    otl_buf_fini(&late->body);
    otl_mem_free(late);
    return false;
}

static void answer_status(struct col_otlp_http *http, const struct col_fault_plan *fault,
                          struct col_http_request *request, struct col_http_answer *answer)
{
    char extra[96], value[40];

    answer->status =
        fault->status != 0 ? fault->status : col_status_http((enum col_grpc_code)fault->code);
    col_damage_retry_after(fault, otl_clock_wall(http->host->clock), value, sizeof(value));
    snprintf(extra, sizeof(extra), "Retry-After: %s\r\n", value);
    answer->extra = fault->retry_after_s > 0 ? extra : NULL;
    col_intake_count(http->intake, answer->status);
    col_http_answer(request, answer);
}

/* As the fault wants it; false: it wants nothing of this one, answer now. */
static bool answer_by_fault(struct col_otlp_http *http, const struct col_outcome *outcome,
                            struct col_http_request *request, struct col_http_answer *answer)
{
    const struct col_fault_plan *fault = outcome->fault;
    struct otl_buf message;

    switch (fault->kind) {
    case COL_FAULT_DELAY:
        if (!hold(http, outcome, request, answer))
            return false;
        col_intake_count(http->intake, answer->status);
        return true;
    case COL_FAULT_STALL:
    case COL_FAULT_HALF_OPEN: /* a request in hand, and HTTP/1 reads no more */
        if (!hold(http, outcome, request, answer))
            col_http_abandon(request);
        return true;
    case COL_FAULT_RST_STREAM:
        col_http_abandon(request);
        return true;
    case COL_FAULT_GOAWAY:
        col_http_hang_up(request);
        return true;
    case COL_FAULT_STATUS:
        answer_status(http, fault, request, answer);
        return true;
    default:
        break;
    }
    if (outcome->code != COL_GRPC_OK)
        return false; /* the pipeline refused it: that is told */
    otl_buf_init(&message, (size_t)fault->size + 4096);
    if (col_damage_message(fault, outcome, is_json(request), &message))
        answer->body = otl_view(message.data, message.len);
    if (col_damage_type(fault) != NULL)
        answer->content_type = col_damage_type(fault);
    if (fault->kind == COL_FAULT_CORRUPT_GZIP)
        answer->extra = "Content-Encoding: gzip\r\n";
    answer->cut = col_damage_cut(fault, answer->body.len);
    answer->rate = fault->kind == COL_FAULT_SLOW_ANSWER ? fault->rate : 0;
    request->note = outcome->rejected;
    col_intake_count(http->intake, answer->status);
    col_http_answer(request, answer);
    otl_buf_fini(&message);
    return true;
}

static void answer_outcome(struct col_otlp_http *http, struct col_http_request *request,
                           const struct col_outcome *outcome)
{
    /* an export response that says nothing has no bytes */
    bool json = is_json(request);
    struct col_http_answer answer = {.status = col_status_http(outcome->code),
                                     .content_type = json ? json_media : protobuf_media,
                                     .body = otl_view_str(json ? "{\"partialSuccess\":{}}" : "")};

    if (outcome->code != COL_GRPC_OK)
        answer.body = status_body(http, json, outcome->code, outcome->detail.text);
    if (outcome->fault != NULL && answer_by_fault(http, outcome, request, &answer))
        return;
    col_intake_count(http->intake, answer.status);
    col_http_answer(request, &answer);
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *answer, bool sent)
{
    struct col_otlp_http *http = context;
    const struct col_served_request done = {.method = request->method,
                                            .route = request->route,
                                            .status = answer->status,
                                            .minor = request->minor,
                                            .secure = http->tls != NULL,
                                            .begun_ns = request->begun_ns,
                                            .read_bytes = request->read_bytes,
                                            .sent_bytes = answer->sent_bytes};

    col_intake_answered(http->intake, request->connection, request->tag, request->note,
                        answer->status, sent);
    if (sent)
        col_served_http(http->served, &done);
}

/* ---- a request ---- */

static bool decompress(struct col_otlp_http *http, const struct col_http_request *request,
                       struct otl_view *body, struct otl_detail *reterr)
{
    struct otl_view encoding = col_http_header_of(request, "Content-Encoding");
    const char *const *known = http->encodings;

    if (encoding.len == 0 || otl_view_is(encoding, "identity"))
        return true;
    while (*known != NULL && (strlen(*known) != encoding.len ||
                              strncasecmp(*known, encoding.data, encoding.len) != 0))
        known++;
    if (*known == NULL) {
        otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                       "unsupported Content-Encoding: %.*s",
                       (int)(encoding.len > 64 ? 64 : encoding.len), encoding.data);
        return false;
    }
    return col_intake_inflate(http->intake, encoding, request->body, body, reterr) == OTEL_OK;
}

/* A request that has waited. */
static void on_outcome(void *owner, void *arg, const struct col_outcome *outcome)
{
    struct col_http_request *request = arg;

    request->note = 0;
    answer_outcome(owner, request, outcome);
}

static void on_gone(void *context, struct col_http_request *request)
{
    (void)context;
    if (request->note != 0)
        col_intake_gone((struct col_waiting *)(uintptr_t)request->note);
}

/* COL_SIGNALS: none that is taken. */
static enum col_signal signal_of(const struct col_otlp_http *http, struct otl_view path)
{
    int signal = COL_TRACES;

    while (signal < COL_SIGNALS &&
           (http->paths[signal] == NULL || !otl_view_is(path, http->paths[signal])))
        signal++;
    return (enum col_signal)signal;
}

static struct otl_view header_of(const void *from, const char *name, size_t index)
{
    return col_http_header_nth(from, name, index);
}

static bool address_of(const void *from, char *out, size_t size)
{
    return col_http_peer(from, out, size);
}

static struct otl_view credentials_of(const struct col_otlp_http *http,
                                      const struct col_http_request *request)
{
    if (http->guard == NULL)
        return otl_view("", 0);
    return col_guard_credentials(http->guard,
                                 col_http_header_of(request, col_guard_header(http->guard)));
}

static void take_request(struct col_otlp_http *http, struct col_http_request *request,
                         enum col_signal signal)
{
    const struct col_metadata metadata = {http->include_metadata ? header_of : NULL, address_of,
                                          request, credentials_of(http, request)};
    struct col_intake_request taken = {
        signal,           request->connection, request->mono_ns,
        request->wall_ns, request->body,       is_json(request),
        &metadata};
    const struct col_intake_wait wait = {http, request, on_outcome};
    struct col_outcome outcome = COL_OUTCOME_INIT;
    struct col_waiting *waiting = NULL;

    request->read_bytes = request->body.len;
    if (decompress(http, request, &taken.body, &outcome.detail)) {
        waiting = col_intake_take(http->intake, &taken, &wait, &outcome);
    } else {
        outcome.code = outcome.detail.code == OTEL_ERR_MEMORY ? COL_GRPC_UNAVAILABLE
                                                              : COL_GRPC_INVALID_ARGUMENT;
        col_intake_failed(http->intake);
    }
    request->tag = col_intake_tag(&outcome);
    if (waiting != NULL) {
        request->note = (uint64_t)(uintptr_t)waiting;
        col_http_watch(request);
    } else {
        answer_outcome(http, request, &outcome);
    }
    col_intake_tidy(http->intake);
}

static void serve(struct col_otlp_http *http, struct col_http_request *request)
{
    struct otl_view type = col_http_header_of(request, "Content-Type");
    enum col_signal signal = signal_of(http, request->path);

    request->route = signal != COL_SIGNALS ? http->paths[signal] : NULL;
    if (signal == COL_SIGNALS)
        answer_plain(http, request, 404, "404 page not found\n");
    else if (!otl_view_is(request->method, "POST"))
        answer_plain(http, request, 405, "405 method not allowed, supported: [POST]");
    else if (!is_type(type, protobuf_media) && !is_type(type, json_media))
        answer_plain(http, request, 415,
                     "415 unsupported media type, supported: [application/json, "
                     "application/x-protobuf]");
    else
        take_request(http, request, signal);
}

/* As the Collector says it: in the encoding of the request, JSON if it names none, and 500 if it
 * names another. */
static void turn_away(struct col_otlp_http *http, struct col_http_request *request,
                      enum col_guard_word word, const char *text)
{
    struct otl_view type = col_http_header_of(request, "Content-Type");
    bool protobuf = is_type(type, protobuf_media), busy = word == COL_GUARD_BUSY;
    struct col_http_answer answer = {.status = busy ? 503 : 401};

    answer.content_type = protobuf ? protobuf_media : json_media;
    answer.body = status_body(http, !protobuf,
                              busy ? COL_GRPC_UNAVAILABLE : COL_GRPC_UNAUTHENTICATED, text);
    if (!protobuf && type.len > 0 && !is_type(type, json_media)) {
        answer.status = 500;
        answer.body =
            otl_view_str("{\"code\": 13, \"message\": \"failed to marshal error message\"}");
    }
    col_intake_count(http->intake, answer.status);
    col_http_answer(request, &answer);
}

static void on_word(void *owner, void *arg, enum col_guard_word word, const char *text)
{
    if (word == COL_GUARD_GRANTED)
        serve(owner, arg);
    else
        turn_away(owner, arg, word, text);
}

static void on_request(void *context, struct col_http_request *request)
{
    struct col_otlp_http *http = context;
    const struct col_guard_wait wait = {http, request, on_word};
    enum col_guard_word word = COL_GUARD_GRANTED;
    const char *text = "";

    request->tag = NULL;
    request->note = request->read_bytes = 0;
    request->route = NULL;
    if (col_http_headers_preflight(http->headers, request)) {
        const struct col_http_answer answer = {.status = 204};
        col_intake_count(http->intake, answer.status);
        col_http_answer(request, &answer);
        return;
    }
    if (http->guard != NULL)
        word = col_guard_ask(http->guard,
                             col_http_header_of(request, col_guard_header(http->guard)), &wait,
                             &text);
    if (word != COL_GUARD_LATER)
        on_word(http, request, word, text);
}

static void on_refused(void *context, const struct col_http_request *request,
                       struct col_http_answer *answer)
{
    struct col_otlp_http *http = context;
    char message[256];

    col_intake_count(http->intake, answer->status);
    col_intake_failed(http->intake);
    if ((answer->status != 400 && answer->status != 503) ||
        signal_of(http, request->path) == COL_SIGNALS)
        return;
    snprintf(message, sizeof(message), "%.*s", (int)answer->body.len, answer->body.data);
    answer->body = status_body(http, is_json(request),
                               answer->status == 400 ? COL_GRPC_INVALID_ARGUMENT
                                                     : COL_GRPC_UNAVAILABLE,
                               message);
    answer->content_type = is_json(request) ? json_media : protobuf_media;
}

static void more_headers(void *context, const struct col_http_request *request, char *out,
                         size_t size)
{
    struct col_otlp_http *http = context;

    col_http_headers_write(http->headers, request, out, size);
}

static void on_drained(void *context)
{
    struct col_otlp_http *http = context;

    http->on_drained(http->on_drained_context);
}

/* ---- life ---- */

static double read_bytes_received(void *context)
{
    return (double)col_http_counters(context)->bytes_received;
}

static double read_connections(void *context)
{
    return (double)col_http_counters(context)->connections_open;
}

static double read_connections_refused(void *context)
{
    return (double)col_http_counters(context)->connections_refused;
}

static double read_bad_requests(void *context)
{
    return (double)col_http_counters(context)->bad_requests;
}

static double read_timeouts(void *context)
{
    return (double)col_http_counters(context)->timeouts;
}

static double read_cut_off(void *context)
{
    return (double)col_http_counters(context)->cut_off;
}

static enum otel_err observe_server(struct col_otlp_http *http, const char *id)
{
    char labels[192];
    const struct col_metrics_source sources[] = {
        {"collector_mock_http_received_bytes", labels,
         "Bytes from OTLP/HTTP sockets, before decompression.", true, read_bytes_received,
         http->server},
        {"collector_mock_http_connections", labels, "Open OTLP/HTTP connections.", false,
         read_connections, http->server},
        {"collector_mock_http_connections_refused", labels, "Connections over the limit.", true,
         read_connections_refused, http->server},
        {"collector_mock_http_bad_requests", labels,
         "Requests that the server itself refused: no HTTP, too large, too slow.", true,
         read_bad_requests, http->server},
        {"collector_mock_http_timeouts", labels, "Of these: too slow.", true, read_timeouts,
         http->server},
        {"collector_mock_http_cut_off", labels, "Requests that the peer did not finish.", true,
         read_cut_off, http->server},
    };
    enum otel_err err = OTEL_OK;

    snprintf(labels, sizeof(labels), "receiver=\"%s\"", id);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && err == OTEL_OK; i++)
        err = col_metrics_observe(http->host->metrics, &sources[i]);
    return err;
}

/* ---- what a fault makes of the listener ---- */

static int64_t on_refuse(void *arg, bool refuse, bool in_order, struct otl_detail *reterr)
{
    struct col_otlp_http *http = arg;
    size_t reset = 0;

    return col_http_refuse(http->server, refuse, in_order, &reset, reterr) == OTEL_OK
               ? (int64_t)reset
               : -1;
}

static void on_meet(void *arg)
{
    col_http_meet(((struct col_otlp_http *)arg)->server);
}

static void on_thaw(void *arg)
{
    col_http_thaw(((struct col_otlp_http *)arg)->server);
}

static enum otel_err on_certificate(void *arg, const char *cert_file, const char *key_file,
                                    struct otl_detail *reterr)
{
    struct col_otlp_http *http = arg;

    return http->tls != NULL ? col_tls_other(http->tls, cert_file, key_file, reterr)
                             : OTEL_ERR_UNSUPPORTED;
}

static void on_connection(void *context, uint64_t connection, bool open, struct col_fate *ret)
{
    struct col_otlp_http *http = context;

    col_intake_meet(http->intake, connection, open, http->tls != NULL, ret);
}

static void on_ended(void *context, uint64_t connection)
{
    col_intake_ended(((struct col_otlp_http *)context)->intake, connection);
}

static void take(void *server, int fd)
{
    col_http_take(server, fd);
}

/* One of several workers: who accepts, and who is given. */
static void sit_down(struct col_otlp_http *http, const struct col_otlp_http *first)
{
    struct col_dealer *dealer = first != NULL ? first->dealer : http->dealer;

    if (dealer != NULL)
        col_dealer_sit(dealer, http->host->worker, http->server, take);
}

static void set_timeouts(const struct col_otlp_http_options *options,
                         struct col_http_options *server)
{
    if (options->head_timeout_ns != 0)
        server->head_timeout_ns = options->head_timeout_ns;
    if (options->body_timeout_ns != 0)
        server->body_timeout_ns = options->body_timeout_ns;
    if (options->send_timeout_ns != 0)
        server->send_timeout_ns = options->send_timeout_ns;
    if (options->idle_timeout_ns != 0)
        server->idle_timeout_ns = options->idle_timeout_ns;
}

static enum otel_err listen_on(struct col_otlp_http *http,
                               const struct col_otlp_http_options *options,
                               struct otl_detail *reterr)
{
    struct col_http_options server;
    enum otel_err err;
    char host[256];

    col_http_options_init(&server);
    if (col_endpoint_split(options->endpoint, host, sizeof(host), &server.port) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "receiver %s: '%s' is no HOST:PORT", options->id,
                              options->endpoint);
    server.host = host;
    server.base = options->host->base;
    server.clock = options->host->clock;
    server.tls = options->tls;
    server.max_body_bytes = options->max_request_body_size;
    server.budget = options->host->budget;
    set_timeouts(options, &server);
    server.context = http;
    if (options->host->faults != NULL) {
        server.on_connection = on_connection;
        server.on_ended = on_ended;
    }
    server.on_request = on_request;
    server.on_answered = on_answered;
    server.on_gone = on_gone;
    server.on_refused = on_refused;
    server.on_drained = on_drained;
    server.more_headers = options->headers != NULL ? more_headers : NULL;
    server.close_each = options->close_each;
    server.deaf = options->first != NULL;
    if (options->host->crew != NULL && !server.deaf) {
        if (col_dealer_new(options->host, &http->dealer) != OTEL_OK)
            return OTEL_ERR_MEMORY;
        server.deal = col_dealer_deal;
        server.deal_context = http->dealer;
    }
    err = col_http_new(&server, &http->server, reterr);
    if (err == OTEL_OK)
        sit_down(http, options->first);
    return err;
}

enum otel_err col_otlp_http_new(const struct col_otlp_http_options *options,
                                struct col_otlp_http **ret, struct otl_detail *reterr)
{
    const struct col_intake_options intake = {.id = options->id,
                                              .transport = COL_TAP_HTTP,
                                              .max_body_bytes = options->max_request_body_size,
                                              .host = options->host,
                                              .signals = options->signals,
                                              .next = options->next};
    struct col_otlp_http *http = otl_mem_zalloc(sizeof(*http));
    const struct col_fault_socket socket = {http, on_refuse, on_meet, on_thaw, on_certificate};
    enum otel_err err;

    if (http == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    http->host = options->host;
    for (int s = COL_TRACES; s < COL_SIGNALS; s++)
        if ((options->signals & COL_SIGNAL_BIT(s)) != 0)
            http->paths[s] = options->url_paths[s];
    http->encodings = options->encodings;
    http->on_drained = options->on_drained;
    http->on_drained_context = options->on_drained_context;
    otl_buf_init(&http->status, 4096);
    http->tls = options->tls;
    http->guard = options->guard;
    http->include_metadata = options->include_metadata;
    http->headers = options->headers;
    err = col_intake_new(&intake, &http->intake);
    if (err == OTEL_OK)
        err = col_served_new(options->host, &http->served);
    if (err == OTEL_OK)
        err = listen_on(http, options, reterr);
    if (err == OTEL_OK)
        err = observe_server(http, options->id);
    if (err == OTEL_OK)
        err = col_tls_observe(options->tls, options->host, options->id, "http");
    if (err == OTEL_OK)
        err = col_faults_attach(options->host->faults, &socket);
    if (err == OTEL_OK)
        err = col_host_endpoint(options->host, options->id, "http",
                                col_http_address(http->server));
    if (err != OTEL_OK) {
        otl_detail_set(reterr, err, NULL, 0, 0, "receiver %s: %s", options->id,
                       otel_err_text(err));
        col_otlp_http_free(http);
        return err;
    }
    *ret = http;
    return OTEL_OK;
}

void col_otlp_http_drain(struct col_otlp_http *http, uint64_t grace_ns)
{
    col_intake_drain(http->intake);
    col_http_drain(http->server, grace_ns);
}

void col_otlp_http_free(struct col_otlp_http *http)
{
    if (http == NULL)
        return;
    if (http->host != NULL)
        col_faults_detach(http->host->faults, http);
    col_guard_forget(http->guard, http);
    col_http_free(http->server);
    col_dealer_free(http->dealer);
    col_intake_free(http->intake);
    col_served_free(http->served);
    otl_buf_fini(&http->status);
    otl_mem_free(http);
}
