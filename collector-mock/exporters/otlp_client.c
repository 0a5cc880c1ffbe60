/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/otlp_client.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "collector-mock/http/inflate.h"
#include "collector-mock/wire/field.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/transport/grpc.h"
#include "sdk/transport/http.h"
#include "sdk/transport/retry.h"

static const char *const methods[COL_SIGNALS] = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export"};
#define RESPONSE_MAX ((size_t)4 * 1024 * 1024)

struct col_otlp_client {
    const struct col_otlp_settings *settings;
    const struct otl_clock *clock;
    struct otl_http *http;
    struct otl_grpc *grpc;
    col_otlp_done_fn done;
    void *context;
};

/* ---- what the answer says ---- */

/* partial_success = 1 {rejected_... = 1}; false: no such message. */
static bool read_partial(struct otl_view body, uint64_t *ret_rejected)
{
    struct col_cursor outer = {(const uint8_t *)body.data, (const uint8_t *)body.data + body.len};
    struct col_field field;
    enum col_next next = COL_NEXT_END;

    *ret_rejected = 0;
    while (body.len > 0 && (next = col_field_next(&outer, &field)) == COL_NEXT_FIELD) {
        struct col_cursor inner;
        if (field.number != 1 || field.wire != COL_WIRE_BYTES)
            continue;
        inner.at = field.data;
        inner.end = field.data + field.scalar;
        while ((next = col_field_next(&inner, &field)) == COL_NEXT_FIELD)
            if (field.number == 1 && field.wire == COL_WIRE_VARINT)
                *ret_rejected = field.scalar;
        if (next == COL_NEXT_DAMAGED)
            return false;
    }
    return next != COL_NEXT_DAMAGED;
}

static bool read_partial_json(enum col_signal signal, struct otl_view body,
                              uint64_t *ret_rejected)
{
    static const char *const words[COL_SIGNALS] = {"rejectedSpans", "rejectedDataPoints",
                                                   "rejectedLogRecords"};
    json_t *tree = json_loadb(body.data, body.len, 0, NULL), *count;

    *ret_rejected = 0;
    if (tree == NULL)
        return false;
    count = json_object_get(json_object_get(tree, "partialSuccess"), words[signal]);
    if (json_is_integer(count))
        *ret_rejected = (uint64_t)json_integer_value(count);
    else if (json_is_string(count) &&
             otl_parse_uint(json_string_value(count), 0, INT64_MAX, ret_rejected) != OTEL_OK)
        *ret_rejected = 0;
    json_decref(tree);
    return true;
}

static bool is_type(struct otl_view type, const char *wanted)
{
    size_t len = strlen(wanted);

    return type.len >= len && strncasecmp(type.data, wanted, len) == 0 &&
           (type.len == len || type.data[len] == ';' || type.data[len] == ' ');
}

static void no_answer(enum otl_http_outcome outcome, enum otel_err err, const char *why,
                      struct col_otlp_answer *ret)
{
    static const char *const words[] = {
        [OTL_HTTP_NO_CONNECTION] = "no connection",
        [OTL_HTTP_UNTRUSTED] = "the two sides do not agree on TLS",
        [OTL_HTTP_CUT] = "the connection ended without an answer",
        [OTL_HTTP_TIMEOUT] = "no answer within the timeout",
        [OTL_HTTP_GARBAGE] = "the answer is none",
        [OTL_HTTP_TOO_LARGE] = "the answer is too large",
        [OTL_HTTP_MEMORY] = "out of memory",
    };

    ret->verdict = outcome == OTL_HTTP_TOO_LARGE ? COL_OTLP_REFUSED : COL_OTLP_AGAIN;
    ret->look_ups_busy = outcome == OTL_HTTP_NO_CONNECTION && err == OTEL_ERR_LIMIT;
    snprintf(ret->why, sizeof(ret->why), "%s%s%s", words[outcome],
             why != NULL && why[0] ? ": " : "", why != NULL ? why : "");
}

static void on_http(void *context, const struct otl_http_result *result)
{
    struct col_otlp_client *client = context;
    struct col_otlp_answer answer = {.verdict = COL_OTLP_SENT};
    uint64_t wall_ns = otl_clock_wall(client->clock);
    bool readable = true;

    if (result->outcome != OTL_HTTP_ANSWERED) {
        no_answer(result->outcome, result->err, result->why, &answer);
    } else if (result->status >= 200 && result->status < 300) {
        if (is_type(result->content_type, "application/x-protobuf"))
            readable = read_partial(result->body, &answer.rejected);
        else if (is_type(result->content_type, "application/json"))
            readable = read_partial_json(client->settings->signal, result->body,
                                         &answer.rejected);
        if (!readable || result->truncated) {
            answer.verdict = COL_OTLP_REFUSED;
            snprintf(answer.why, sizeof(answer.why), "the answer %u cannot be read",
                     result->status);
        }
    } else {
        bool again = otl_retry_status(result->status);
        answer.verdict = again ? COL_OTLP_AGAIN : COL_OTLP_REFUSED;
        answer.throttled =
            (result->status == 429 || result->status == 503) &&
            otl_retry_after_parse(result->retry_after, wall_ns, &answer.throttle_ns);
        snprintf(answer.why, sizeof(answer.why), "the answer was %u", result->status);
    }
    client->done(client->context, &answer);
}

/* The answer to a call may be compressed as the call was. */
static bool read_message(const struct otl_grpc_result *result, uint64_t *ret_rejected)
{
    struct otl_view body = result->body;
    struct otl_buf plain;
    bool readable;

    otl_buf_init(&plain, RESPONSE_MAX);
    readable = result->encoding == NULL ||
               col_inflate(otl_view_str(result->encoding), body, &plain, NULL) == OTEL_OK;
    if (result->encoding != NULL)
        body = otl_view(plain.data, plain.len);
    readable = readable && read_partial(body, ret_rejected);
    otl_buf_fini(&plain);
    return readable;
}

static void on_grpc(void *context, const struct otl_grpc_result *result)
{
    struct col_otlp_client *client = context;
    struct col_otlp_answer answer = {.verdict = COL_OTLP_SENT};

    if (result->outcome != OTL_HTTP_ANSWERED) {
        no_answer(result->outcome, result->err, result->why, &answer);
    } else if (result->grpc_status == 0) {
        if (!read_message(result, &answer.rejected)) {
            answer.verdict = COL_OTLP_REFUSED;
            snprintf(answer.why, sizeof(answer.why), "the answer cannot be read");
        }
    } else {
        bool again = otl_grpc_retryable(result->grpc_status, result->has_retry_info);
        answer.verdict = again ? COL_OTLP_AGAIN : COL_OTLP_REFUSED;
        answer.throttled = again && result->has_retry_info;
        answer.throttle_ns = result->retry_delay_ns;
        snprintf(answer.why, sizeof(answer.why), "gRPC status %u: %.*s", result->grpc_status,
                 (int)(result->message.len < 100 ? result->message.len : 100),
                 result->message.len > 0 ? result->message.data : "");
    }
    client->done(client->context, &answer);
}

/* ---- life ---- */

enum otel_err col_otlp_client_new(const struct col_otlp_settings *settings,
                                  const struct col_host *host, col_otlp_done_fn done,
                                  void *context, struct col_otlp_client **ret)
{
    struct otl_view lines = otl_view(settings->header_lines.data, settings->header_lines.len);
    const struct otl_http_options http = {.base = host->base,
                                          .clock = host->clock,
                                          .url = &settings->url,
                                          .tls = settings->tls,
                                          .header_lines = lines,
                                          .max_response = RESPONSE_MAX};
    const struct otl_grpc_options grpc = {.base = host->base,
                                          .clock = host->clock,
                                          .url = &settings->url,
                                          .tls = settings->tls,
                                          .method = methods[settings->signal],
                                          .header_lines = lines,
                                          .max_response = RESPONSE_MAX};
    struct col_otlp_client *client = otl_mem_zalloc(sizeof(*client));
    enum otel_err err;

    if (client == NULL)
        return OTEL_ERR_MEMORY;
    client->settings = settings;
    client->clock = host->clock;
    client->done = done;
    client->context = context;
    err = settings->grpc ? otl_grpc_new(&grpc, &client->grpc) : otl_http_new(&http, &client->http);
    if (err == OTEL_OK)
        *ret = client;
    else
        otl_mem_free(client);
    return err;
}

void col_otlp_client_free(struct col_otlp_client *client)
{
    if (client == NULL)
        return;
    if (client->grpc != NULL)
        otl_grpc_free(client->grpc);
    if (client->http != NULL)
        otl_http_free(client->http);
    otl_mem_free(client);
}

enum otel_err col_otlp_client_send(struct col_otlp_client *client, struct otl_view body,
                                   uint64_t deadline_ns)
{
    const char *encoding = col_compression_word(client->settings->compression);
    const struct otl_grpc_request call = {body, encoding, deadline_ns, on_grpc, client};
    const struct otl_http_request post = {body, encoding, deadline_ns, on_http, client};

    return client->settings->grpc ? otl_grpc_call(client->grpc, &call)
                                  : otl_http_post(client->http, &post);
}
