/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP/HTTP: one attempt as a POST, its answer judged by its status. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sdk/exporter/otlp_impl.h"

static enum otel_err http_open(struct otl_otlp *e)
{
    const char *type = e->json ? "Content-Type: application/json\r\n"
                               : "Content-Type: application/x-protobuf\r\n";
    struct otl_http_options options = {.base = e->base,
                                       .clock = &e->clock,
                                       .url = &e->url,
                                       .tls = e->tls,
                                       .max_age_ns = e->max_connection_age_ns,
                                       .threads = e->threads,
                                       .max_response = (size_t)e->max_response_bytes};
    struct otl_buf lines;
    enum otel_err err;

    if (e->http != NULL)
        return OTEL_OK;
    otl_buf_init(&lines, e->header_lines.len + 64);
    err = otl_buf_append_str(&lines, type);
    if (err == OTEL_OK)
        err = otl_buf_append(&lines, e->header_lines.data, e->header_lines.len);
    options.header_lines = otl_view(lines.data, lines.len);
    if (err == OTEL_OK)
        err = otl_http_new(&options, &e->http);
    otl_buf_fini(&lines);
    return err;
}

static void http_close(struct otl_otlp *e)
{
    otl_http_free(e->http);
    e->http = NULL;
}

static void http_abandon(struct otl_otlp *e)
{
    otl_http_abandon(e->http);
    e->http = NULL;
}

static void http_cancel(struct otl_otlp *e)
{
    otl_http_cancel(e->http);
}

static const struct otl_http_stats *http_stats(const struct otl_otlp *e)
{
    return otl_http_stats(e->http);
}

/* Of the type that was sent, and not compressed. */
static bool is_readable(const struct otl_otlp *e, const struct otl_http_result *result)
{
    const char *wanted = e->json ? "application/json" : "application/x-protobuf";
    size_t len = strlen(wanted);
    struct otl_view type = result->content_type;

    return type.len >= len && strncasecmp(type.data, wanted, len) == 0 &&
           (type.len == len || type.data[len] == ';' || type.data[len] == ' ') &&
           (result->content_encoding.len == 0 ||
            (result->content_encoding.len == 8 &&
             strncasecmp(result->content_encoding.data, "identity", 8) == 0));
}

/* A base endpoint where the whole URL was asked for is the usual reason. */
static bool lacks_path(const struct otl_otlp *e)
{
    static const char usual[] = "v1/traces";
    size_t len = strcspn(e->url.path, "?"), end = sizeof(usual) - 1;

    return len < end || memcmp(e->url.path + len - end, usual, end) != 0;
}

static void answered(struct otl_otlp *e, const struct otl_http_result *result)
{
    char text[80];
    uint64_t asked_ns;
    bool asked;

    e->http_status = result->status;
    if (result->status >= 200 && result->status < 300) {
        otl_otlp_accepted(e, result->body,
                          !result->truncated && (result->body.len == 0 || is_readable(e, result)));
        return;
    }
    snprintf(text, sizeof(text), "the answer was %u%s", result->status,
             result->status == 404 && lacks_path(e) ? " (does the endpoint lack /v1/traces?)" : "");
    asked = otl_retry_after_parse(result->retry_after, otl_clock_wall(&e->clock), &asked_ns);
    if (otl_retry_status(result->status))
        otl_otlp_try_again(e, asked ? &asked_ns : NULL, text);
    else
        otl_otlp_refused(e, text);
}

static void on_result(void *context, const struct otl_http_result *result)
{
    struct otl_otlp *e = context;
    struct otl_otlp_failure failure = {result->outcome, result->err,
                                       result->reused && result->bytes_received == 0, result->why};

    otl_otlp_sync(e);
    if (result->outcome == OTL_HTTP_ANSWERED)
        answered(e, result);
    else
        otl_otlp_failed(e, &failure);
}

static enum otel_err http_send(struct otl_otlp *e, struct otl_view body, bool gzip)
{
    struct otl_http_request request = {.body = body,
                                       .content_encoding = gzip ? "gzip" : NULL,
                                       .deadline_ns = e->deadline_ns,
                                       .done = on_result,
                                       .context = e};

    return otl_http_post(e->http, &request);
}

const struct otl_otlp_wire otl_otlp_over_http = {
    .open = http_open,
    .close = http_close,
    .abandon = http_abandon,
    .cancel = http_cancel,
    .stats = http_stats,
    .send = http_send,
};
