/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/exporters/otlp_settings.h"
#include "collector-mock/exporters/ring.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/wire/regroup.h"
#include "sdk/base/mem.h"

/*
 * load_balancing exporter (loadbalancing is its old name): each trace, or each service, to one of
 * several collectors by the ring of ring.h, through an otlp exporter a backend.
 *
 * As in the Collector: a host name is hashed as it stands in the file, and sent to at port 4317 if
 * it names none; with routing_key service the text "service.name=NAME|" is hashed, where NAME is an
 * attribute of the resource, else of the scope, else of the span, else nothing. One backend that
 * refuses makes the request fail though others have taken their part: a client that sends again
 * sends those spans twice.
 *
 * A request for one backend is forwarded as the bytes that came; only one that has to be cut is
 * grouped anew. Backends never change: static is the only resolver.
 */

enum { REQUEST_MAX = 1 << 30, ARENA_MAX = 64 << 20, BACKENDS_MAX = 64 };

struct backend {
    char id[256]; /* "otlp/collector-a:4317", as the Collector names it in its metrics */
    json_t *config;
    void *exporter;
    struct col_regroup part;
    uint64_t *taken, *refused;
};

struct balancer {
    const char *hosts[BACKENDS_MAX];
    struct backend *backends;
    size_t count;
    struct col_ring *ring;
    struct otl_buf key; /* scratch */
    bool by_service;
};

static const char *const routing_keys[] = {"traceID", "service",  "attributes", "resource",
                                           "metric",  "streamID", "",           NULL};
static const char *const not_yet[] = {"timeout", "retry_on_failure", "sending_queue",
                                      "routing_attributes", NULL};
static const char *const resolvers[] = {"dns", "k8s", "aws_cloud_map", NULL};

#define TAKEN(name) {.key = (name), .type = OTL_SCHEMA_ANY, .nullable = true}
static const struct otl_schema host = {.type = OTL_SCHEMA_STRING, .min = 1, .max = 200};
static const struct otl_schema static_keys[] = {
    {.key = "hostnames", .type = OTL_SCHEMA_LIST, .child = &host, .max = BACKENDS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema resolver_keys[] = {
    {.key = "static", .type = OTL_SCHEMA_MAP, .child = static_keys, .nullable = true},
    TAKEN("dns"), TAKEN("k8s"), TAKEN("aws_cloud_map"), OTL_SCHEMA_END};
static const struct otl_schema protocol_keys[] = {
    {.key = "otlp", .type = OTL_SCHEMA_ONE_OF, .child = col_otlp_grpc_row, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "routing_key", .type = OTL_SCHEMA_ENUM, .words = routing_keys},
    {.key = "protocol", .type = OTL_SCHEMA_MAP, .child = protocol_keys, .nullable = true},
    {.key = "resolver", .type = OTL_SCHEMA_MAP, .child = resolver_keys, .nullable = true},
    TAKEN("timeout"), TAKEN("retry_on_failure"), TAKEN("sending_queue"),
    TAKEN("routing_attributes"), OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err no_memory(struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

static enum otel_err refuse_what_is_not_here(const struct col_create *args, const json_t *map,
                                             const char *const *words, struct otl_detail *reterr)
{
    for (; *words != NULL; words++) {
        const json_t *value = json_object_get(map, *words);
        if (value != NULL && !json_is_null(value))
            return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, map, *words),
                                  "exporter '%s': '%s' is not supported here yet", args->id,
                                  *words);
    }
    return OTEL_OK;
}

static enum otel_err read_settings(const struct col_create *args, struct balancer *balancer,
                                   struct otl_detail *reterr)
{
    const json_t *resolver = json_object_get(args->config, "resolver");
    const json_t *fixed = json_object_get(resolver, "static");
    const json_t *names = json_object_get(fixed, "hostnames");
    const char *key = otl_tree_text(args->config, "routing_key", "traceID");
    enum otel_err err = refuse_what_is_not_here(args, args->config, not_yet, reterr);

    if (err == OTEL_OK)
        err = refuse_what_is_not_here(args, resolver, resolvers, reterr);
    if (err != OTEL_OK)
        return err;
    if (!json_is_object(fixed))
        return otl_yaml_error(reterr, args->pos,
                              "exporter '%s': no resolvers specified for the exporter", args->id);
    if (json_array_size(names) == 0)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, resolver, "static"),
                              "exporter '%s': no endpoints specified for the static resolver",
                              args->id);
    balancer->by_service = strcmp(key, "service") == 0;
    if (!balancer->by_service && key[0] != '\0' && strcmp(key, "traceID") != 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, args->config, "routing_key"),
                              "exporter '%s': routing_key '%s' is not supported here %s (there "
                              "are: traceID, service)",
                              args->id, key, strcmp(key, "attributes") == 0 ? "yet" : "for traces");
    balancer->count = json_array_size(names);
    for (size_t i = 0; i < balancer->count; i++)
        balancer->hosts[i] = json_string_value(json_array_get(names, i));
    return OTEL_OK;
}

static bool count(struct backend *backend, const struct col_create *args, const char *endpoint)
{
    char labels[300];

    for (size_t i = 0; i < 2; i++) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",endpoint=\"%s\",success=\"%s\"", args->id,
                 endpoint, i == 0 ? "true" : "false");
        *(i == 0 ? &backend->taken : &backend->refused) = col_metrics_counter(
            args->host->metrics, "otelcol_loadbalancer_backend_outcome", labels,
            "Requests that the backend's queue has taken, or not.");
    }
    return backend->taken != NULL && backend->refused != NULL;
}

/* The otlp exporter of one backend: protocol.otlp with an endpoint. */
static enum otel_err make_backend(const struct col_create *args, const char *hostname,
                                  struct backend *backend, struct otl_detail *reterr)
{
    json_t *otlp = json_object_get(json_object_get(args->config, "protocol"), "otlp");
    const char *slash = strchr(args->id, '/');
    struct col_create inner = *args;
    struct otl_detail detail = OTL_DETAIL_NONE;
    char endpoint[224];
    enum otel_err err;

    snprintf(endpoint, sizeof(endpoint), "%s%s", hostname,
             strchr(hostname, ':') == NULL ? ":4317" : "");
    snprintf(backend->id, sizeof(backend->id), "otlp/%s%s%s",
             slash != NULL ? slash + 1 : "", slash != NULL ? "_" : "", endpoint);
    backend->config = json_is_object(otlp) ? json_copy(otlp) : json_object();
    if (backend->config == NULL || !count(backend, args, endpoint) ||
        json_object_set_new(backend->config, "endpoint", json_string(endpoint)) != 0)
        return no_memory(reterr);
    inner.id = backend->id;
    inner.config = backend->config;
    err = col_otlp_exporter.create(&inner, &backend->exporter, &detail);
    /* what it finds wrong in the copy has no place in the file of its own */
    if (err != OTEL_OK && detail.line == 0 && otel_err_class(err) == OTEL_CLASS_USAGE)
        return otl_yaml_error(reterr, args->pos, "%s", detail.text);
    if (err != OTEL_OK)
        *reterr = detail;
    return err;
}

static void free_balancer(void *self)
{
    struct balancer *balancer = self;

    for (size_t i = 0; balancer->backends != NULL && i < balancer->count; i++) {
        struct backend *backend = &balancer->backends[i];
        if (backend->exporter != NULL)
            col_otlp_exporter.free(backend->exporter);
        col_regroup_fini(&backend->part);
        json_decref(backend->config);
    }
    otl_mem_free(balancer->backends);
    col_ring_free(balancer->ring);
    otl_buf_fini(&balancer->key);
    otl_mem_free(balancer);
}

static enum otel_err count_resolver(const struct col_create *args, size_t backends,
                                    struct otl_detail *reterr)
{
    struct col_metrics *metrics = args->host->metrics;
    uint64_t *resolutions, *number, *updates;
    char labels[200];

    snprintf(labels, sizeof(labels), "exporter=\"%s\",resolver=\"static\",success=\"true\"",
             args->id);
    resolutions = col_metrics_counter(metrics, "otelcol_loadbalancer_num_resolutions", labels,
                                      "Times that the resolver was asked.");
    snprintf(labels, sizeof(labels), "exporter=\"%s\",resolver=\"static\"", args->id);
    number = col_metrics_gauge(metrics, "otelcol_loadbalancer_num_backends", labels,
                               "Backends in use.");
    updates = col_metrics_counter(metrics, "otelcol_loadbalancer_num_backend_updates", labels,
                                  "Times that the list of backends was set.");
    if (resolutions == NULL || number == NULL || updates == NULL)
        return no_memory(reterr);
    if (args->host->worker == 0) { /* they are the same for all */
        *resolutions = *updates = 1;
        *number = backends;
    }
    return OTEL_OK;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct balancer *balancer = otl_mem_zalloc(sizeof(*balancer));
    enum otel_err err;

    if (balancer == NULL)
        return no_memory(reterr);
    otl_buf_init(&balancer->key, REQUEST_MAX);
    err = read_settings(args, balancer, reterr);
    if (err == OTEL_OK) {
        balancer->backends = otl_mem_zalloc(balancer->count * sizeof(*balancer->backends));
        err = balancer->backends != NULL ? OTEL_OK : no_memory(reterr);
    }
    for (size_t i = 0; i < balancer->count && err == OTEL_OK; i++)
        col_regroup_init(&balancer->backends[i].part, REQUEST_MAX);
    for (size_t i = 0; i < balancer->count && err == OTEL_OK; i++)
        err = make_backend(args, balancer->hosts[i], &balancer->backends[i], reterr);
    if (err == OTEL_OK &&
        col_ring_new(balancer->hosts, balancer->count, &balancer->ring) != OTEL_OK)
        err = no_memory(reterr);
    if (err == OTEL_OK)
        err = count_resolver(args, balancer->count, reterr);
    if (err == OTEL_OK)
        *ret = balancer;
    else
        free_balancer(balancer);
    return err;
}

static bool find_service(const struct col_span *span, struct col_value *ret)
{
    return col_attribute_find(&span->resource->attributes, "service.name", ret) ||
           col_attribute_find(&span->scope->attributes, "service.name", ret) ||
           col_attribute_find(&span->attributes, "service.name", ret);
}

static enum otel_err route_by_service(struct balancer *balancer, const struct col_span *span,
                                      size_t *ret)
{
    struct otl_view name = {"", 0};
    struct col_value service;
    struct otl_arena arena;
    enum otel_err err;

    otl_arena_init(&arena, ARENA_MAX);
    if (find_service(span, &service) && !col_edit_text(&arena, &service, &name))
        name = otl_view("", 0);
    otl_buf_reset(&balancer->key);
    err = otl_buf_append_str(&balancer->key, "service.name=");
    if (err == OTEL_OK)
        err = otl_buf_append(&balancer->key, name.data, name.len);
    if (err == OTEL_OK)
        err = otl_buf_append_str(&balancer->key, "|");
    *ret = col_ring_endpoint(balancer->ring, balancer->key.data, balancer->key.len);
    otl_arena_fini(&arena);
    return err;
}

static enum otel_err route(struct balancer *balancer, const struct col_span *span, size_t *ret)
{
    if (balancer->by_service)
        return route_by_service(balancer, span, ret);
    *ret = col_ring_endpoint(balancer->ring, span->trace_id, sizeof(span->trace_id));
    return OTEL_OK;
}

static enum otel_err send(struct backend *backend, const struct col_batch *batch,
                          struct otl_detail *reterr)
{
    enum otel_err err = col_otlp_exporter.consume(backend->exporter, batch, reterr);

    ++*(err == OTEL_OK ? backend->taken : backend->refused);
    return err;
}

/* Whose the whole request is; count of backends: it has to be cut. */
static enum otel_err look(struct balancer *balancer, const struct col_batch *batch, size_t *ret,
                          struct otl_detail *reterr)
{
    struct col_traces traces;
    struct col_span span;
    size_t to, first = SIZE_MAX;

    col_traces_init(&traces, batch->request);
    *ret = balancer->count;
    while (col_traces_next(&traces, &span)) {
        if (route(balancer, &span, &to) != OTEL_OK)
            return no_memory(reterr);
        if (first == SIZE_MAX)
            *ret = first = to;
        else if (to != first)
            *ret = balancer->count;
    }
    return OTEL_OK;
}

static enum otel_err cut(struct balancer *balancer, const struct col_batch *batch)
{
    enum otel_err err = OTEL_OK;
    struct col_traces traces;
    struct col_span span;
    size_t to = 0;

    col_traces_init(&traces, batch->request);
    while (err == OTEL_OK && col_traces_next(&traces, &span)) {
        err = route(balancer, &span, &to);
        if (err == OTEL_OK)
            err = col_regroup_add(&balancer->backends[to].part, &traces, &span);
    }
    return err;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct balancer *balancer = self;
    bool sending = false;
    size_t whole = 0;
    enum otel_err err = look(balancer, batch, &whole, reterr), result;

    if (err != OTEL_OK)
        return err;
    if (whole < balancer->count)
        return send(&balancer->backends[whole], batch, reterr);
    result = cut(balancer, batch);
    for (size_t i = 0; i < balancer->count && (result == OTEL_OK || sending); i++) {
        struct backend *backend = &balancer->backends[i];
        struct col_batch part = *batch;
        sending = true; /* nothing is sent of what could not be cut whole */
        part.items = backend->part.count;
        if (part.items == 0)
            continue;
        err = col_regroup_finish(&backend->part, &part.request);
        if (err == OTEL_OK)
            err = send(backend, &part, reterr);
        if (result == OTEL_OK)
            result = err;
    }
    for (size_t i = 0; i < balancer->count; i++) { /* what a request needed is given back */
        col_regroup_fini(&balancer->backends[i].part);
        col_regroup_init(&balancer->backends[i].part, REQUEST_MAX);
    }
    return result;
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct balancer *balancer = self;
    enum otel_err result = OTEL_OK;

    for (size_t i = 0; i < balancer->count; i++) {
        enum otel_err err =
            col_otlp_exporter.flush(balancer->backends[i].exporter, reterr);
        if (result == OTEL_OK)
            result = err;
    }
    return result;
}

#define LOAD_BALANCING(word)                                                                      \
    {                                                                                             \
        .name = (word), .kind = COL_EXPORTER, .schema = row, .create = create,                    \
        .consume = consume, .signals = COL_SIGNAL_BIT(COL_TRACES), .flush = flush,                \
        .free = free_balancer                                                                     \
    }

const struct col_component_type col_load_balancing_exporter = LOAD_BALANCING("load_balancing");
const struct col_component_type col_loadbalancing_exporter = LOAD_BALANCING("loadbalancing");
