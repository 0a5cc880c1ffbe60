/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/otlp_http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "collector-mock/http/inflate.h"
#include "collector-mock/receivers/status.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/mem.h"

static const char protobuf_type[] = "application/x-protobuf";
static const char text_type[] = "text/plain; charset=utf-8";

struct col_otlp_http {
    struct col_host *host;
    struct col_consumer next;
    const char *path;
    struct col_http_server *server;
    struct otl_buf inflated; /* reused; the request at hand, decompressed */
    struct otl_buf status;   /* the error body at hand */
    uint64_t connection_base; /* of this server's numbers within the tap */
    uint64_t traces_requests; /* for --broken */
    uint64_t *accepted, *refused, *failed;
    uint64_t *outcome_success, *outcome_refused, *outcome_failure;
    uint64_t *tap_records, *tap_bytes, *tap_failures, *lost_on_purpose;
    uint64_t *decompressed_bytes;
};

/* ---- answers ---- */

static void count_status(struct col_otlp_http *http, unsigned status)
{
    char labels[96];
    uint64_t *counter;

    snprintf(labels, sizeof(labels), "transport=\"http\",status=\"%u\"", status);
    counter = col_metrics_counter(http->host->metrics, "collector_mock_requests", labels,
                                  "Requests by the status of their answer.");
    if (counter != NULL)
        ++*counter;
}

static void answer_plain(struct col_otlp_http *http, struct col_http_request *request,
                         unsigned status, const char *text)
{
    struct col_http_answer answer = {
        .status = status, .content_type = text_type, .body = otl_view_str(text)};

    count_status(http, status);
    col_http_answer(request, &answer);
}

static struct otl_view status_body(struct col_otlp_http *http, enum col_grpc_code code,
                                   const char *message)
{
    otl_buf_reset(&http->status);
    if (col_status_write(code, message, &http->status) != OTEL_OK)
        return otl_view("", 0);
    return otl_view(http->status.data, http->status.len);
}

static void answer_error(struct col_otlp_http *http, struct col_http_request *request,
                         unsigned status, enum col_grpc_code code, const char *message)
{
    struct col_http_answer answer = {.status = status,
                                     .content_type = protobuf_type,
                                     .body = status_body(http, code, message)};

    count_status(http, status);
    col_http_answer(request, &answer);
}

static void answer_success(struct col_otlp_http *http, struct col_http_request *request)
{
    /* an ExportTraceServiceResponse that says nothing has no bytes */
    struct col_http_answer answer = {
        .status = 200, .content_type = protobuf_type, .body = otl_view("", 0)};

    count_status(http, 200);
    ++*http->outcome_success;
    col_http_answer(request, &answer);
}

/* ---- the tap ---- */

static void tap_counters(struct col_otlp_http *http)
{
    *http->tap_records = http->host->tap.records;
    *http->tap_bytes = http->host->tap.bytes;
    *http->tap_failures = http->host->tap.failures;
}

/* Remembers the number of the record in request->tag. */
static enum otel_err tap_request(struct col_otlp_http *http, struct col_http_request *request,
                                 struct otl_view body, uint64_t spans, bool decodable)
{
    struct col_tap_record record = {
        .type = COL_TAP_REQUEST,
        .encoding = COL_TAP_PROTOBUF,
        .transport = COL_TAP_HTTP,
        .signal = COL_TAP_TRACES,
        .connection = http->connection_base + request->connection,
        .request = ++http->host->tap_requests,
        .mono_ns = request->mono_ns,
        .wall_ns = request->wall_ns,
        .spans = (uint32_t)spans,
        .flags = decodable ? 0 : COL_TAP_UNDECODABLE,
        .body = body,
    };
    enum otel_err err = col_tap_write(&http->host->tap, &record);

    request->tag = err == OTEL_OK ? (void *)(uintptr_t)record.request : NULL;
    tap_counters(http);
    return err;
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *answer, bool sent)
{
    struct col_otlp_http *http = context;
    struct col_tap_record record = {
        .type = COL_TAP_ANSWER,
        .encoding = COL_TAP_PROTOBUF,
        .transport = COL_TAP_HTTP,
        .signal = COL_TAP_TRACES,
        .connection = http->connection_base + request->connection,
        .request = (uint64_t)(uintptr_t)request->tag,
        .mono_ns = otl_clock_mono(http->host->clock),
        .wall_ns = otl_clock_wall(http->host->clock),
        .status = answer->status,
        .flags = sent ? 0 : COL_TAP_UNSENT,
    };

    if (request->tag == NULL) /* not in the tap */
        return;
    if (col_tap_write(&http->host->tap, &record) != OTEL_OK)
        otl_log_line(&http->host->log, OTL_LOG_ERROR, "cannot write the tap: %s",
                     strerror(http->host->tap.error));
    tap_counters(http);
}

/* ---- a request ---- */

static bool is_type(struct otl_view value, const char *type)
{
    const char *semicolon = value.len > 0 ? memchr(value.data, ';', value.len) : NULL;
    size_t len = semicolon ? (size_t)(semicolon - value.data) : value.len;

    while (len > 0 && value.data[len - 1] == ' ')
        len--;
    return len == strlen(type) && strncasecmp(value.data, type, len) == 0;
}

/* The body as OTLP bytes; false: answered. */
static bool decompress(struct col_otlp_http *http, struct col_http_request *request,
                       struct otl_view *ret)
{
    struct otl_view encoding = col_http_header_of(request, "Content-Encoding");
    struct otl_detail detail = OTL_DETAIL_NONE;

    *ret = request->body;
    if (encoding.len == 0 || otl_view_is(encoding, "identity"))
        return true;
    otl_buf_reset(&http->inflated);
    if (col_inflate(encoding, request->body, &http->inflated, &detail) != OTEL_OK) {
        ++*http->outcome_failure;
        answer_error(http, request, detail.code == OTEL_ERR_MEMORY ? 503 : 400,
                     detail.code == OTEL_ERR_MEMORY ? COL_GRPC_UNAVAILABLE
                                                    : COL_GRPC_INVALID_ARGUMENT,
                     detail.text);
        return false;
    }
    *ret = otl_view(http->inflated.data, http->inflated.len);
    return true;
}

/* The test's broken collector: true if this request is acknowledged and lost. */
static bool loses(struct col_otlp_http *http)
{
    http->traces_requests++;
    return http->host->lose_after_ack != 0 &&
           http->traces_requests % http->host->lose_after_ack == 0;
}

static void hand_on(struct col_otlp_http *http, struct col_http_request *request,
                    struct otl_view body, uint64_t spans)
{
    struct col_batch batch = {body, spans, request->mono_ns, http->host->tap_requests};
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err = http->next.consume(http->next.self, &batch, &detail);
    bool permanent = otel_err_class(err) == OTEL_CLASS_PERMANENT ||
                     otel_err_class(err) == OTEL_CLASS_USAGE;

    if (err == OTEL_OK) {
        *http->accepted += spans;
        answer_success(http, request);
        return;
    }
    *http->refused += spans;
    ++*http->outcome_refused;
    answer_error(http, request, permanent ? 500 : 503,
                 permanent ? COL_GRPC_INTERNAL : COL_GRPC_UNAVAILABLE,
                 detail.text[0] ? detail.text : otel_err_text(err));
}

static void take_traces(struct col_otlp_http *http, struct col_http_request *request)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_view body;
    uint64_t spans = 0;
    enum otel_err err;

    if (!decompress(http, request, &body))
        return;
    *http->decompressed_bytes += body.len;
    err = col_traces_check(body, &spans, &detail);
    if (err == OTEL_OK && spans > 0 && loses(http)) {
        *http->lost_on_purpose += spans;
        *http->accepted += spans;
        answer_success(http, request);
        return;
    }
    if (tap_request(http, request, body, spans, err == OTEL_OK) != OTEL_OK) {
        *http->failed += spans;
        ++*http->outcome_failure;
        snprintf(detail.text, sizeof(detail.text), "cannot record the request: %s",
                 strerror(http->host->tap.error));
        otl_log_line(&http->host->log, OTL_LOG_ERROR, "%s", detail.text);
        answer_error(http, request, 503, COL_GRPC_UNAVAILABLE, detail.text);
    } else if (err != OTEL_OK) {
        ++*http->outcome_failure;
        answer_error(http, request, 400, COL_GRPC_INVALID_ARGUMENT, detail.text);
    } else if (spans == 0) {
        answer_success(http, request);
    } else {
        hand_on(http, request, body, spans);
    }
    if (http->inflated.cap > (1u << 20))
        otl_buf_fini(&http->inflated);
}

static void on_request(void *context, struct col_http_request *request)
{
    struct col_otlp_http *http = context;
    struct otl_view type = col_http_header_of(request, "Content-Type");

    request->tag = NULL;
    if (!otl_view_is(request->path, http->path))
        answer_plain(http, request, 404, "404 page not found\n");
    else if (!otl_view_is(request->method, "POST"))
        answer_plain(http, request, 405, "405 method not allowed, supported: [POST]");
    else if (!is_type(type, protobuf_type))
        answer_plain(http, request, 415,
                     "415 unsupported media type, supported: [application/x-protobuf]");
    else
        take_traces(http, request);
}

static void on_refused(void *context, const struct col_http_request *request,
                       struct col_http_answer *answer)
{
    struct col_otlp_http *http = context;
    char message[256];

    count_status(http, answer->status);
    ++*http->outcome_failure;
    if ((answer->status != 400 && answer->status != 503) ||
        !otl_view_is(request->path, http->path))
        return;
    snprintf(message, sizeof(message), "%.*s", (int)answer->body.len, answer->body.data);
    answer->body = status_body(http,
                               answer->status == 400 ? COL_GRPC_INVALID_ARGUMENT
                                                     : COL_GRPC_UNAVAILABLE,
                               message);
    answer->content_type = protobuf_type;
}

static void on_drained(void *context)
{
    struct col_otlp_http *http = context;

    if (http->host->on_drained != NULL)
        http->host->on_drained(http->host->on_drained_context);
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
    };
    enum otel_err err = OTEL_OK;

    snprintf(labels, sizeof(labels), "receiver=\"%s\"", id);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && err == OTEL_OK; i++)
        err = col_metrics_observe(http->host->metrics, &sources[i]);
    return err;
}

static bool register_counters(struct col_otlp_http *http, const char *id)
{
    struct col_metrics *metrics = http->host->metrics;
    char labels[192], with_outcome[256];
    static const char *const outcomes[] = {"success", "refused", "failure"};
    uint64_t **targets[] = {&http->outcome_success, &http->outcome_refused,
                            &http->outcome_failure};

    snprintf(labels, sizeof(labels), "receiver=\"%s\",transport=\"http\"", id);
    http->accepted = col_metrics_counter(metrics, "otelcol_receiver_accepted_spans", labels,
                                         "Spans pushed into the pipeline.");
    http->refused = col_metrics_counter(metrics, "otelcol_receiver_refused_spans", labels,
                                        "Spans that the pipeline refused.");
    http->failed = col_metrics_counter(metrics, "otelcol_receiver_failed_spans", labels,
                                       "Spans lost to an internal error of the receiver.");
    for (size_t i = 0; i < 3; i++) {
        snprintf(with_outcome, sizeof(with_outcome), "%s,outcome=\"%s\"", labels, outcomes[i]);
        *targets[i] = col_metrics_counter(metrics, "otelcol_receiver_requests", with_outcome,
                                          "Requests by outcome.");
    }
    http->tap_records = col_metrics_counter(metrics, "collector_mock_tap_records", "",
                                            "Records written to the tap.");
    http->tap_bytes =
        col_metrics_counter(metrics, "collector_mock_tap_bytes", "", "Bytes written to the tap.");
    http->tap_failures = col_metrics_counter(metrics, "collector_mock_tap_failures", "",
                                             "Records that could not be written to the tap.");
    http->lost_on_purpose = col_metrics_counter(metrics, "collector_mock_lost_on_purpose_spans",
                                                "", "Spans acknowledged and lost by --broken.");
    http->decompressed_bytes =
        col_metrics_counter(metrics, "collector_mock_request_bytes", labels,
                            "Bytes of request bodies, after decompression.");
    return http->accepted && http->refused && http->failed && http->outcome_success &&
           http->outcome_refused && http->outcome_failure && http->tap_records &&
           http->tap_bytes && http->tap_failures && http->lost_on_purpose &&
           http->decompressed_bytes;
}

static enum otel_err listen_on(struct col_otlp_http *http,
                               const struct col_otlp_http_options *options,
                               struct otl_detail *reterr)
{
    struct col_http_options server;
    char host[256];

    col_http_options_init(&server);
    if (col_endpoint_split(options->endpoint, host, sizeof(host), &server.port) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "receiver %s: '%s' is no HOST:PORT", options->id,
                              options->endpoint);
    server.host = host;
    server.base = options->host->base;
    server.clock = options->host->clock;
    server.max_body_bytes = options->max_request_body_size;
    server.context = http;
    server.on_request = on_request;
    server.on_answered = on_answered;
    server.on_refused = on_refused;
    server.on_drained = on_drained;
    return col_http_new(&server, &http->server, reterr);
}

enum otel_err col_otlp_http_new(const struct col_otlp_http_options *options,
                                struct col_otlp_http **ret, struct otl_detail *reterr)
{
    struct col_otlp_http *http = otl_mem_zalloc(sizeof(*http));
    enum otel_err err = OTEL_ERR_MEMORY;

    if (http == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    http->host = options->host;
    http->next = options->next;
    http->path = options->traces_url_path;
    /* each listener numbers its connections from 1: keep them apart in the tap */
    http->connection_base = options->host->tap_connections;
    options->host->tap_connections += 1ULL << 40;
    otl_buf_init(&http->inflated, options->max_request_body_size);
    otl_buf_init(&http->status, 4096);
    if (register_counters(http, options->id))
        err = listen_on(http, options, reterr);
    if (err == OTEL_OK)
        err = observe_server(http, options->id);
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
    col_http_drain(http->server, grace_ns);
}

void col_otlp_http_free(struct col_otlp_http *http)
{
    if (http == NULL)
        return;
    col_http_free(http->server);
    otl_buf_fini(&http->inflated);
    otl_buf_fini(&http->status);
    otl_mem_free(http);
}
