/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/exporters/backends.h"
#include "collector-mock/exporters/dns.h"
#include "collector-mock/exporters/otlp_settings.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/edit.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/*
 * load_balancing exporter (loadbalancing is its old name): each trace, or each service, to one of
 * several collectors by the ring of ring.h, through an otlp exporter a backend.
 *
 * As in the Collector: a host name is hashed as it stands in the file, and sent to at port 4317 if
 * it names none; with routing_key attributes the text "NAME=VALUE|" of each of routing_attributes
 * is hashed, where VALUE is an attribute of the resource, else of the scope, else span.kind or
 * span.name, else an attribute of the span, else nothing; routing_key service is the same with
 * service.name. The spans of a trace in one ScopeSpans go with the first of them. One backend
 * that refuses makes the request fail though others have taken their part: a client that sends
 * again sends those spans twice. A list or a map counts as nothing, which it does not there.
 *
 * A request for one backend is forwarded as the bytes that came; only one that has to be cut is
 * grouped anew.
 *
 * The resolver dns asks every interval; a backend that is gone is told nothing more and sends what
 * it holds. Without any backend requests are refused (UNAVAILABLE).
 */

enum { REQUEST_MAX = 1 << 30, ARENA_MAX = 64 << 20, ATTRIBUTES_MAX = 64 };

/* Where the spans of a trace in one ScopeSpans go; of the request at hand. */
struct routed {
    uint64_t group; /* the number of the ScopeSpans, from 1; 0: free */
    uint8_t trace_id[16];
    size_t to;
};

struct balancer {
    struct col_create create;
    struct col_backends backends;
    struct col_dns *dns; /* NULL: static */
    struct {
        const char *host;
        char port[16];
        uint64_t interval_ns, timeout_ns;
    } ask;
    uint64_t *resolved, *unresolved, *number, *updates;
    struct otl_buf key; /* scratch */
    const char *attributes[ATTRIBUTES_MAX];
    size_t attribute_count; /* 0: by trace id */
    struct routed *routed;  /* a hash table, while a request is looked at */
    size_t slots;           /* of it; a power of 2 */
    uint64_t seed;
};

static const char *const routing_keys[] = {"traceID", "service",  "attributes", "resource",
                                           "metric",  "streamID", "",           NULL};
static const char *const not_yet[] = {"timeout", "retry_on_failure", "sending_queue", NULL};
static const char *const resolvers[] = {"k8s", "aws_cloud_map", NULL};

static const struct otl_schema host = {.type = OTL_SCHEMA_STRING, .min = 1, .max = 200};
static const struct otl_schema attribute = {.type = OTL_SCHEMA_STRING, .min = 1};
static const struct otl_schema port_forms[] = {
    {.type = OTL_SCHEMA_STRING, .max = 5}, {.type = OTL_SCHEMA_UINT, .max = 65535},
    OTL_SCHEMA_END};
static const struct otl_schema static_keys[] = {
    {.key = "hostnames", .type = OTL_SCHEMA_LIST, .child = &host, .max = COL_BACKENDS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema dns_keys[] = {
    {.key = "hostname", .type = OTL_SCHEMA_STRING},
    {.key = "port", .type = OTL_SCHEMA_ONE_OF, .child = port_forms},
    {.key = "interval", .type = OTL_SCHEMA_DURATION},
    {.key = "timeout", .type = OTL_SCHEMA_DURATION},
    OTL_SCHEMA_END};
static const struct otl_schema resolver_keys[] = {
    {.key = "static", .type = OTL_SCHEMA_MAP, .child = static_keys, .nullable = true},
    {.key = "dns", .type = OTL_SCHEMA_MAP, .child = dns_keys, .nullable = true},
    COL_NOT_YET("k8s"), COL_NOT_YET("aws_cloud_map"), OTL_SCHEMA_END};
static const struct otl_schema protocol_keys[] = {
    {.key = "otlp", .type = OTL_SCHEMA_ONE_OF, .child = col_otlp_grpc_row, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "routing_key", .type = OTL_SCHEMA_ENUM, .words = routing_keys},
    {.key = "protocol", .type = OTL_SCHEMA_MAP, .child = protocol_keys, .nullable = true},
    {.key = "resolver", .type = OTL_SCHEMA_MAP, .child = resolver_keys, .nullable = true},
    {.key = "routing_attributes",
     .type = OTL_SCHEMA_LIST,
     .child = &attribute,
     .max = ATTRIBUTES_MAX,
     .nullable = true},
    COL_NOT_YET("timeout"), COL_NOT_YET("retry_on_failure"), COL_NOT_YET("sending_queue"),
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err no_memory(struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

/* An error in lenient mode too: nobody is sent to without it. */
static enum otel_err refuse_resolvers(const struct col_create *args, const json_t *resolver,
                                      struct otl_detail *reterr)
{
    for (size_t i = 0; resolvers[i] != NULL; i++) {
        const json_t *value = json_object_get(resolver, resolvers[i]);
        if (value != NULL && !json_is_null(value))
            return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, resolver, resolvers[i]),
                                  "exporter '%s': '%s' is not supported here yet", args->id,
                                  resolvers[i]);
    }
    return OTEL_OK;
}

static enum otel_err read_key(const struct col_create *args, struct balancer *balancer,
                              struct otl_detail *reterr)
{
    const char *key = otl_tree_text(args->config, "routing_key", "traceID");
    const json_t *list = json_object_get(args->config, "routing_attributes");
    bool by_attributes = strcmp(key, "attributes") == 0;
    size_t count = json_array_size(list);

    if (by_attributes && count == 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, args->config, "routing_key"),
                              "exporter '%s': routing_attributes must be specified when "
                              "routing_key is \"attributes\"",
                              args->id);
    if (!by_attributes && count > 0)
        return otl_yaml_error(
            reterr, otl_yaml_key_pos(args->doc, args->config, "routing_attributes"),
            "exporter '%s': routing_attributes can only be used when routing_key is "
            "\"attributes\"; got \"%s\"",
            args->id, key);
    for (; balancer->attribute_count < count; balancer->attribute_count++)
        balancer->attributes[balancer->attribute_count] =
            json_string_value(json_array_get(list, balancer->attribute_count));
    if (strcmp(key, "service") == 0)
        balancer->attributes[balancer->attribute_count++] = "service.name";
    if (balancer->attribute_count == 0 && key[0] != '\0' && strcmp(key, "traceID") != 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, args->config, "routing_key"),
                              "exporter '%s': routing_key '%s' is not supported here for traces "
                              "(there are: traceID, service, attributes)",
                              args->id, key);
    return OTEL_OK;
}

static enum otel_err read_dns(const struct col_create *args, struct balancer *balancer,
                              struct otl_detail *reterr)
{
    const json_t *resolver = json_object_get(args->config, "resolver");
    const json_t *dns = json_object_get(resolver, "dns"), *port = json_object_get(dns, "port");

    balancer->ask.host = otl_tree_text(dns, "hostname", "");
    if (balancer->ask.host[0] == '\0')
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, resolver, "dns"),
                              "exporter '%s': no hostname specified to resolve the backends",
                              args->id);
    if (json_is_integer(port))
        snprintf(balancer->ask.port, sizeof(balancer->ask.port), "%d",
                 (int)json_integer_value(port));
    else
        snprintf(balancer->ask.port, sizeof(balancer->ask.port), "%.5s",
                 otl_tree_text(dns, "port", ""));
    balancer->ask.interval_ns = otl_tree_duration_ns(dns, "interval", 5 * OTL_NS_PER_S);
    balancer->ask.timeout_ns = otl_tree_duration_ns(dns, "timeout", OTL_NS_PER_S);
    if (balancer->ask.interval_ns == 0)
        balancer->ask.interval_ns = 5 * OTL_NS_PER_S;
    if (balancer->ask.timeout_ns == 0)
        balancer->ask.timeout_ns = OTL_NS_PER_S;
    return OTEL_OK;
}

static enum otel_err read_settings(const struct col_create *args, struct balancer *balancer,
                                   struct otl_detail *reterr)
{
    const json_t *resolver = json_object_get(args->config, "resolver");
    const json_t *fixed = json_object_get(resolver, "static");
    const json_t *otlp = json_object_get(json_object_get(args->config, "protocol"), "otlp");
    bool by_name = json_object_get(resolver, "dns") != NULL;
    enum otel_err err = col_refuse_not_yet(args, "exporter", args->config, not_yet, reterr);

    if (err == OTEL_OK)
        err = refuse_resolvers(args, resolver, reterr);
    if (err == OTEL_OK) /* in a copy of it they have no place */
        err = col_otlp_settings_refuse(args, otlp, reterr);
    if (err != OTEL_OK)
        return err;
    if (by_name && fixed != NULL)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, resolver, "dns"),
                              "exporter '%s': resolver: exactly one is allowed", args->id);
    if (!by_name && !json_is_object(fixed))
        return otl_yaml_error(reterr, args->pos,
                              "exporter '%s': no resolvers specified for the exporter", args->id);
    if (!by_name && json_array_size(json_object_get(fixed, "hostnames")) == 0)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, resolver, "static"),
                              "exporter '%s': no endpoints specified for the static resolver",
                              args->id);
    err = read_key(args, balancer, reterr);
    return err == OTEL_OK && by_name ? read_dns(args, balancer, reterr) : err;
}

static void free_balancer(void *self)
{
    struct balancer *balancer = self;

    col_dns_free(balancer->dns);
    col_backends_fini(&balancer->backends);
    otl_buf_fini(&balancer->key);
    otl_mem_free(balancer);
}

/* ---- who is there ---- */

static bool count_resolver(struct balancer *balancer)
{
    const struct col_create *args = &balancer->create;
    const char *resolver = balancer->ask.host != NULL ? "dns" : "static";
    struct col_metrics *metrics = args->host->metrics;
    char labels[200];

    for (int good = 0; good < 2; good++) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",resolver=\"%s\",success=\"%s\"",
                 args->id, resolver, good ? "true" : "false");
        if (good || balancer->ask.host != NULL)
            *(good ? &balancer->resolved : &balancer->unresolved) =
                col_metrics_counter(metrics, "otelcol_loadbalancer_num_resolutions", labels,
                                    "Times that the resolver was asked.");
    }
    snprintf(labels, sizeof(labels), "exporter=\"%s\",resolver=\"%s\"", args->id, resolver);
    balancer->number = col_metrics_gauge(metrics, "otelcol_loadbalancer_num_backends", labels,
                                         "Backends in use.");
    balancer->updates =
        col_metrics_counter(metrics, "otelcol_loadbalancer_num_backend_updates", labels,
                            "Times that the list of backends was set.");
    return balancer->resolved != NULL && balancer->number != NULL && balancer->updates != NULL &&
           (balancer->unresolved != NULL || balancer->ask.host == NULL);
}

static bool is_same(const struct balancer *balancer, const char *const *names, size_t count)
{
    if (count != balancer->backends.count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], balancer->backends.list[i]->name) != 0)
            return false;
    return true;
}

/* What a resolver says; only worker 0 counts: it is the same for all. */
static enum otel_err set(struct balancer *balancer, const char *const *names, size_t count,
                         struct otl_detail *reterr)
{
    bool counts = balancer->create.host->worker == 0;
    enum otel_err err;

    *balancer->resolved += counts;
    if (is_same(balancer, names, count))
        return OTEL_OK;
    err = col_backends_set(&balancer->backends, names, count, reterr);
    *balancer->updates += counts;
    if (counts)
        *balancer->number = count;
    return err;
}

static void on_names(void *context, const char *const *names, size_t count)
{
    struct balancer *balancer = context;
    const struct col_create *args = &balancer->create;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (count == 0) {
        *balancer->unresolved += args->host->worker == 0;
        otl_log_line(&args->host->log, OTL_LOG_WARN, "exporter '%s': failed to resolve '%s'",
                     args->id, balancer->ask.host);
    } else if (set(balancer, names, count, &detail) != OTEL_OK) {
        otl_log_line(&args->host->log, OTL_LOG_ERROR,
                     "exporter '%s': failed to create new exporter for endpoint: %s", args->id,
                     detail.text);
    }
}

static enum otel_err set_fixed(struct balancer *balancer, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(
        json_object_get(json_object_get(balancer->create.config, "resolver"), "static"),
        "hostnames");
    const char *names[COL_BACKENDS_MAX];
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++)
        names[i] = json_string_value(json_array_get(list, i));
    return set(balancer, names, count, reterr);
}

/* protocol.otlp is looked at before anybody is there. */
static enum otel_err try_protocol(const struct col_create *args, struct otl_detail *reterr)
{
    json_t *otlp = json_object_get(json_object_get(args->config, "protocol"), "otlp");
    json_t *copy = json_is_object(otlp) ? json_copy(otlp) : json_object();
    struct col_otlp_settings settings = {.grpc = true};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_create inner = *args;
    enum otel_err err;

    if (copy == NULL ||
        json_object_set_new(copy, "endpoint", json_string("placeholder:4317")) != 0) {
        json_decref(copy);
        return no_memory(reterr);
    }
    inner.config = copy;
    err = col_otlp_settings_read(&inner, true, &settings, &detail);
    col_otlp_settings_fini(&settings);
    json_decref(copy);
    if (err != OTEL_OK && detail.line == 0 && otel_err_class(err) == OTEL_CLASS_USAGE)
        return otl_yaml_error(reterr, args->pos, "%s", detail.text);
    if (err != OTEL_OK)
        *reterr = detail;
    return err;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct balancer *balancer = otl_mem_zalloc(sizeof(*balancer));
    enum otel_err err;

    if (balancer == NULL)
        return no_memory(reterr);
    balancer->create = *args;
    balancer->seed = otl_random_os_seed();
    otl_buf_init(&balancer->key, REQUEST_MAX);
    col_backends_begin(&balancer->backends, args);
    err = read_settings(args, balancer, reterr);
    if (err == OTEL_OK && !count_resolver(balancer))
        err = no_memory(reterr);
    if (err == OTEL_OK)
        err = balancer->ask.host != NULL ? try_protocol(args, reterr)
                                         : set_fixed(balancer, reterr);
    if (err == OTEL_OK)
        *ret = balancer;
    else
        free_balancer(balancer);
    return err;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct balancer *balancer = self;
    const struct col_dns_options options = {.base = balancer->create.host->base,
                                            .host = balancer->ask.host,
                                            .port = balancer->ask.port,
                                            .interval_ns = balancer->ask.interval_ns,
                                            .timeout_ns = balancer->ask.timeout_ns,
                                            .on_names = on_names,
                                            .context = balancer};

    if (balancer->ask.host == NULL || col_dns_new(&options, &balancer->dns) == OTEL_OK)
        return OTEL_OK;
    return no_memory(reterr);
}

/* ---- where a span goes ---- */

static const char *kind_name(int32_t kind)
{
    static const char *const names[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};

    return kind >= 0 && kind <= 5 ? names[kind] : "";
}

/* What an attribute is for this span; empty: nothing. */
static struct otl_view value_of(const struct col_span *span, const char *name,
                                struct otl_arena *arena)
{
    struct otl_view text = {"", 0};
    struct col_value value;

    if (!col_attribute_find(&span->resource->attributes, name, &value) &&
        !col_attribute_find(&span->scope->attributes, name, &value)) {
        if (strcmp(name, "span.kind") == 0)
            return otl_view_str(kind_name(span->kind));
        if (strcmp(name, "span.name") == 0)
            return span->name;
        if (!col_attribute_find(&span->attributes, name, &value))
            return text;
    }
    return col_edit_text(arena, &value, &text) ? text : otl_view("", 0);
}

static enum otel_err route_by_attributes(struct balancer *balancer, const struct col_span *span,
                                         size_t *ret)
{
    enum otel_err err = OTEL_OK;
    struct otl_arena arena;

    otl_arena_init(&arena, ARENA_MAX);
    otl_buf_reset(&balancer->key);
    for (size_t i = 0; i < balancer->attribute_count && err == OTEL_OK; i++) {
        struct otl_view value = value_of(span, balancer->attributes[i], &arena);
        err = otl_buf_printf(&balancer->key, "%s=", balancer->attributes[i]);
        if (err == OTEL_OK && value.len > 0)
            err = otl_buf_append(&balancer->key, value.data, value.len);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(&balancer->key, '|');
    }
    *ret = col_ring_endpoint(balancer->backends.ring, balancer->key.data, balancer->key.len);
    otl_arena_fini(&arena);
    return err;
}

static struct routed *find_routed(const struct balancer *balancer, const struct col_span *span,
                                  uint64_t group)
{
    uint64_t hash = balancer->seed ^ group;
    size_t at;

    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ span->trace_id[i]) * 1099511628211u;
    at = (size_t)(hash ^ hash >> 32) & (balancer->slots - 1);
    while (balancer->routed[at].group != 0 &&
           (balancer->routed[at].group != group ||
            memcmp(balancer->routed[at].trace_id, span->trace_id, 16) != 0))
        at = (at + 1) & (balancer->slots - 1);
    return &balancer->routed[at];
}

static enum otel_err route(struct balancer *balancer, const struct col_traces *traces,
                           const struct col_span *span, size_t *ret)
{
    enum otel_err err = OTEL_OK;
    struct routed *routed;

    if (balancer->attribute_count == 0) {
        *ret = col_ring_endpoint(balancer->backends.ring, span->trace_id, sizeof(span->trace_id));
        return OTEL_OK;
    }
    routed = find_routed(balancer, span, traces->scopes);
    if (routed->group == 0) {
        err = route_by_attributes(balancer, span, &routed->to);
        routed->group = traces->scopes;
        memcpy(routed->trace_id, span->trace_id, 16);
    }
    *ret = routed->to;
    return err;
}

/* For at most so many traces; false: no memory. */
static bool make_table(struct balancer *balancer, uint64_t items)
{
    if (balancer->attribute_count == 0)
        return true;
    balancer->slots = 16;
    while (balancer->slots < 2 * items)
        balancer->slots *= 2;
    balancer->routed = otl_mem_zalloc(balancer->slots * sizeof(*balancer->routed));
    return balancer->routed != NULL;
}

/* Whose the whole request is; count of backends: it has to be cut. */
static enum otel_err look(struct balancer *balancer, const struct col_batch *batch, size_t *ret,
                          struct otl_detail *reterr)
{
    struct col_traces traces;
    struct col_span span;
    size_t to, first = SIZE_MAX;

    col_traces_init(&traces, batch->request);
    *ret = balancer->backends.count;
    while (col_traces_next(&traces, &span)) {
        if (route(balancer, &traces, &span, &to) != OTEL_OK)
            return no_memory(reterr);
        if (first == SIZE_MAX)
            *ret = first = to;
        else if (to != first)
            *ret = balancer->backends.count;
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
        err = route(balancer, &traces, &span, &to);
        if (err == OTEL_OK)
            err = col_regroup_add(&balancer->backends.list[to]->part, &traces, &span);
    }
    return err;
}

static enum otel_err send_parts(struct balancer *balancer, const struct col_batch *batch,
                                struct otl_detail *reterr)
{
    enum otel_err result = cut(balancer, batch), err;
    bool sending = false;

    for (size_t i = 0; i < balancer->backends.count && (result == OTEL_OK || sending); i++) {
        struct col_backend *backend = balancer->backends.list[i];
        struct col_batch part = *batch;
        sending = true; /* nothing is sent of what could not be cut whole */
        part.items = backend->part.count;
        if (part.items == 0)
            continue;
        err = col_regroup_finish(&backend->part, &part.request);
        if (err == OTEL_OK)
            err = col_backends_send(&balancer->backends, i, &part, reterr);
        if (result == OTEL_OK)
            result = err;
    }
    for (size_t i = 0; i < balancer->backends.count; i++) {
        /* what a request needed is given back */
        struct col_regroup *part = &balancer->backends.list[i]->part;
        col_regroup_fini(part);
        col_regroup_init(part, REQUEST_MAX);
    }
    return result;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct balancer *balancer = self;
    enum otel_err err = OTEL_OK;
    size_t whole = 0;

    if (balancer->backends.count == 0)
        return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0,
                              "couldn't find the exporter for the endpoint \"\"");
    if (!make_table(balancer, batch->items))
        return no_memory(reterr);
    err = look(balancer, batch, &whole, reterr);
    if (err == OTEL_OK && whole < balancer->backends.count)
        err = col_backends_send(&balancer->backends, whole, batch, reterr);
    else if (err == OTEL_OK)
        err = send_parts(balancer, batch, reterr);
    otl_mem_free(balancer->routed);
    balancer->routed = NULL;
    return err;
}

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct balancer *balancer = self;

    col_dns_free(balancer->dns); /* nobody comes and goes any more */
    balancer->dns = NULL;
    return col_backends_flush(&balancer->backends, reterr);
}

#define LOAD_BALANCING(word)                                                                      \
    {                                                                                             \
        .name = (word), .kind = COL_EXPORTER, .schema = row, .create = create,                    \
        .start = start,                                                                           \
        .consume = consume, .signals = COL_SIGNAL_BIT(COL_TRACES), .flush = flush,                \
        .free = free_balancer                                                                     \
    }

const struct col_component_type col_load_balancing_exporter = LOAD_BALANCING("load_balancing");
const struct col_component_type col_loadbalancing_exporter = LOAD_BALANCING("loadbalancing");
