/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/call.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"

struct call {
    struct hx_frame *frame;
    const struct hx_step *step;
    struct hx_span *span;
    struct hx_carrier headers;
    char status[16];
};

static void close_row(const struct call *call, enum hx_led_outcome outcome, int status)
{
    struct hx_led_send_close row = {.head.seq = call->span->seq,
                                    .mono_ns = otl_clock_mono(otl_clock_real()),
                                    .outcome = outcome,
                                    .status = status,
                                    .partition = -1,
                                    .offset = -1};

    hx_led_send_close_row(call->frame->request->runtime->rig.ledger, &row);
}

/* The span of a call that went wrong, then the operation around it. */
static void fail(struct call *call, enum hx_led_outcome outcome, int answer, const char *type)
{
    hx_span_set(call->span, "error.type", otel_value_str(type));
    hx_span_status(call->span, HX_STATUS_ERROR, "");
    hx_step_span_end(call->frame->request, call->step, call->span);
    hx_frame_fail(call->frame, outcome, answer, type, call->step->name);
}

static void finish(struct call *call, enum hx_http_outcome outcome, int status)
{
    switch (outcome) {
    case HX_HTTP_ANSWERED:
        close_row(call, status < 400 ? HX_LED_OUTCOME_OK : HX_LED_OUTCOME_FAILED, status);
        hx_span_set(call->span, "http.response.status_code", otel_value_int(status));
        if (status < 400) {
            hx_step_span_end(call->frame->request, call->step, call->span);
            break;
        }
        snprintf(call->status, sizeof(call->status), "%d", status);
        fail(call, HX_LED_OUTCOME_FAILED, status < 500 ? status : 502, call->status);
        break;
    case HX_HTTP_UNREACHABLE:
        close_row(call, HX_LED_OUTCOME_UNREACHABLE, 0);
        fail(call, HX_LED_OUTCOME_UNREACHABLE, 503, "connection_error");
        break;
    case HX_HTTP_TIMED_OUT:
        close_row(call, HX_LED_OUTCOME_TIMEOUT, 0);
        fail(call, HX_LED_OUTCOME_TIMEOUT, 504, "timeout");
        break;
    }
}

static void on_done(void *arg, enum hx_http_outcome outcome, int status)
{
    struct call *call = arg;

    finish(call, outcome, status);
    hx_frame_resume(call->frame);
}

/* Endpoint and path put together in the arena; empty when it is full. */
static struct otel_value full_url(struct otl_arena *arena, const struct hx_endpoint *endpoint,
                                  const char *path)
{
    size_t len = strlen(path);
    char *url = otl_arena_alloc(arena, endpoint->url_len + len);

    if (url == NULL)
        return otel_value_str("");
    memcpy(url, endpoint->url, endpoint->url_len);
    memcpy(url + endpoint->url_len, path, len);
    return otel_value_strn(url, endpoint->url_len + len);
}

static struct hx_span *start_span(struct call *call, const struct hx_endpoint *endpoint)
{
    const struct hx_route *route = call->step->route;
    struct otel_attribute attributes[] = {
        otel_attr_str("http.request.method", route->method),
        otel_attr("url.full",
                  full_url(&call->frame->request->arena, endpoint, route->path)),
        otel_attr_str("server.address", endpoint->host),
        otel_attr_int("server.port", endpoint->port),
        otel_attr_str("network.protocol.version", "1.1"),
    };

    return hx_step_span(call->frame, call->step, attributes,
                        sizeof(attributes) / sizeof(attributes[0]), false);
}

enum hx_progress hx_call_step(struct hx_frame *frame, const struct hx_step *step,
                              struct hx_peers *peers, uint64_t timeout_ns)
{
    struct otl_arena *arena = &frame->request->arena;
    const struct hx_endpoint *endpoint = hx_peers_next(peers, step->to);
    struct call *call = otl_arena_alloc(arena, sizeof(*call));
    struct hx_http_call options = {.method = step->route->method,
                                   .path = step->route->path,
                                   .timeout_ns = timeout_ns,
                                   .done = on_done,
                                   .arg = call};

    if (call == NULL || endpoint == NULL) {
        hx_frame_fail(frame, HX_LED_OUTCOME_UNREACHABLE, 503, "no_endpoint", step->name);
        return HX_GO_ON;
    }
    call->frame = frame;
    call->step = step;
    call->span = start_span(call, endpoint);
    if (call->span == NULL)
        return HX_GO_ON;
    hx_carrier_init(&call->headers, arena);
    hx_step_inject(frame, step, call->span, step->route->op, UINT32_MAX, &call->headers);
    options.headers = call->headers.items;
    options.header_count = call->headers.count;
    if (hx_http_call(endpoint->client, &options) == OTEL_OK)
        return HX_WAITING;
    finish(call, HX_HTTP_UNREACHABLE, 0);
    return HX_GO_ON;
}
