/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/app.h"

#include <string.h>

#include "sdk/base/mem.h"

enum otel_err hx_app_make_entries(struct hx_app *app)
{
    const struct hx_service *service = app->service;

    app->entries = otl_mem_zalloc((service->route_count + 1) * sizeof(*app->entries));
    if (app->entries == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < service->route_count; i++) {
        const struct hx_route *route = &service->routes[i];
        struct hx_entry *entry = &app->entries[i];
        entry->op = route->op;
        entry->kind = HX_LED_ENTRY_HTTP;
        entry->name = route->name;
        entry->span_kind = HX_SERVER;
        entry->span = route->span;
        entry->edge = HX_EDGE_PARENT;
        entry->attributes = &route->attributes;
        entry->steps = route->steps;
        entry->step_count = route->step_count;
    }
    return OTEL_OK;
}

void hx_app_slow(struct hx_app *app, const char *route, uint64_t delay_ns)
{
    for (size_t i = 0; i < app->service->route_count; i++)
        if (strcmp(app->entries[i].name, route) == 0)
            app->entries[i].slow_ns = delay_ns;
}

static const struct hx_route *find_route(const struct hx_service *service, struct otl_view method,
                                         struct otl_view path)
{
    for (size_t i = 0; i < service->route_count; i++)
        if (otl_view_is(path, service->routes[i].path) &&
            otl_view_is(method, service->routes[i].method))
            return &service->routes[i];
    return NULL;
}

static void answer(void *arg, struct hx_request *request)
{
    struct hx_http_request *raw = arg;
    struct hx_app *app = request->runtime->arg;

    app->http_in_hand--;

    hx_http_reply(raw, request->http_status,
                  request->failed ? otl_view_str("failed\n") : otl_view_str("ok\n"));
}

static void begin(struct hx_app *app, struct hx_request *request, const struct hx_route *route)
{
    struct otel_attribute attributes[] = {
        otel_attr_str("http.request.method", route->method),
        otel_attr_str("http.route", route->path),
        otel_attr_str("url.path", route->path),
        otel_attr_str("url.scheme", "http"),
        otel_attr_str("server.address", "127.0.0.1"),
        otel_attr_int("server.port", hx_app_port(app)),
        otel_attr_str("network.protocol.version", "1.1"),
    };

    hx_request_begin(request, &app->entries[route - app->service->routes], attributes,
                     sizeof(attributes) / sizeof(attributes[0]));
}

/* Too many in hand, or the peers are not known yet. */
static void refuse(struct hx_app *app, struct hx_http_request *raw, const struct hx_route *route)
{
    app->refused++;
    if (app->tracing != NULL) {
        otl_arena_reset(&app->refused_arena);
        hx_carrier_init(&app->refused_headers, &app->refused_arena);
        hx_http_headers(raw, hx_carrier_add_header, &app->refused_headers);
        hx_request_refused(&app->runtime, &app->entries[route - app->service->routes],
                           &app->refused_headers, 503);
    }
    hx_http_reply(raw, 503, otl_view_str("too many requests in hand\n"));
}

void hx_app_on_request(void *arg, struct hx_http_request *raw)
{
    struct hx_app *app = arg;
    const struct hx_route *route =
        find_route(app->service, hx_http_method(raw), hx_http_path(raw));
    struct hx_request *request = NULL;

    if (route == NULL) {
        hx_http_reply(raw, 404, otl_view_str("no such route\n"));
        return;
    }
    if (app->tracing != NULL && app->http_in_hand < HX_APP_MAX_IN_HAND)
        request = hx_request_take(&app->runtime);
    if (request == NULL) {
        refuse(app, raw, route);
        return;
    }
    hx_http_headers(raw, hx_carrier_add_header, &request->incoming);
    request->done = answer;
    request->done_arg = raw;
    app->http_in_hand++;
    begin(app, request, route);
}
