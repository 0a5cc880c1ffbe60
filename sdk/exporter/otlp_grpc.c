/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP/gRPC: one attempt as a unary call, its answer judged by its status code. */
#include <stdio.h>

#include "sdk/exporter/otlp_impl.h"
#include "sdk/transport/grpc.h"

enum { MESSAGE_SHOWN = 200 };

static enum otel_err grpc_open(struct otl_otlp *e)
{
    struct otl_grpc_options options = {
        .base = e->base,
        .clock = &e->clock,
        .url = &e->url,
        .tls = e->tls,
        .method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        .header_lines = otl_view(e->header_lines.data, e->header_lines.len),
        .max_age_ns = e->max_connection_age_ns,
        .threads = e->threads,
        .max_response = (size_t)e->max_response_bytes};

    return e->grpc != NULL ? OTEL_OK : otl_grpc_new(&options, &e->grpc);
}

static void grpc_close(struct otl_otlp *e)
{
    otl_grpc_free(e->grpc);
    e->grpc = NULL;
}

static void grpc_abandon(struct otl_otlp *e)
{
    otl_grpc_abandon(e->grpc);
    e->grpc = NULL;
}

static void grpc_cancel(struct otl_otlp *e)
{
    otl_grpc_cancel(e->grpc);
}

static const struct otl_http_stats *grpc_stats(const struct otl_otlp *e)
{
    return otl_grpc_stats(e->grpc);
}

static void answered(struct otl_otlp *e, const struct otl_grpc_result *result)
{
    char text[MESSAGE_SHOWN + 80], message[MESSAGE_SHOWN + 1];

    e->rpc_status = otl_grpc_status_name(result->grpc_status);
    if (result->grpc_status == 0) {
        otl_otlp_accepted(e, result->body, result->encoding == NULL);
        return;
    }
    snprintf(text, sizeof(text), "the answer was gRPC status %u%s%s", result->grpc_status,
             otl_otlp_quote(result->message, message, sizeof(message)) > 0 ? ": " : "", message);
    if (otl_grpc_retryable(result->grpc_status, result->has_retry_info))
        otl_otlp_try_again(e, result->has_retry_info ? &result->retry_delay_ns : NULL, text);
    else
        otl_otlp_refused(e, text);
}

static void on_result(void *context, const struct otl_grpc_result *result)
{
    struct otl_otlp *e = context;
    struct otl_otlp_failure failure = {result->outcome, result->err,
                                       result->reused && result->http_status == 0, result->why};

    otl_otlp_sync(e);
    if (result->outcome == OTL_HTTP_ANSWERED)
        answered(e, result);
    else
        otl_otlp_failed(e, &failure);
}

static enum otel_err grpc_send(struct otl_otlp *e, struct otl_view body, bool gzip)
{
    struct otl_grpc_request request = {.message = body,
                                       .encoding = gzip ? "gzip" : NULL,
                                       .deadline_ns = e->deadline_ns,
                                       .done = on_result,
                                       .context = e};

    return otl_grpc_call(e->grpc, &request);
}

const struct otl_otlp_wire otl_otlp_over_grpc = {
    .open = grpc_open,
    .close = grpc_close,
    .abandon = grpc_abandon,
    .cancel = grpc_cancel,
    .stats = grpc_stats,
    .send = grpc_send,
};
