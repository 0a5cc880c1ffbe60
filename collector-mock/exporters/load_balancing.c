/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/exporters/around.h"
#include "collector-mock/exporters/backends.h"
#include "collector-mock/exporters/dns.h"
#include "collector-mock/exporters/otlp_settings.h"
#include "collector-mock/exporters/routing.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/*
 * load_balancing exporter (loadbalancing is its old name): to one of several collectors, by a key
 * of routing.h and the ring of ring.h, through an otlp exporter a backend.
 *
 * As in the Collector: a host name is hashed as it stands in the file, and sent to at port 4317 if
 * it names none. One backend that refuses makes the request fail though others have taken their
 * part: a client that sends again sends that part twice. Metrics without service.name, where that
 * is the key, go nowhere: a request of nothing else is refused for good (INTERNAL), of others they
 * are left out.
 *
 * With sending_queue, retry_on_failure or timeout at the outer level a sender stands before
 * the ring (around.h): an attempt is over when all backends have taken their part, or, where these
 * have no queue of their own, sent it. What is tried again is tried whole, as there. Of
 * retry_on_failure what is not given is as in the otlp exporter (there it is 0, so that a wait is).
 * A timeout gives up what the backends have not begun.
 *
 * A request for one backend is forwarded as the bytes that came; only one that has to be cut is
 * grouped anew.
 *
 * The resolver dns asks every interval; a backend that is gone is told nothing more and sends what
 * it holds. Without any backend requests are refused (UNAVAILABLE).
 */

enum { REQUEST_MAX = 1 << 30 };

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
    uint64_t *sent, *send_failed, *nameless;
    struct col_routing routing;
    struct col_otlp_settings outer;
    struct col_around *around; /* by them; NULL: none is set, and nothing stands before */
    struct { /* of the request at hand */
        bool any;
        size_t to;        /* who gets all of it; count of backends: it has to be cut */
        uint64_t nowhere; /* items */
    } seen;
};

static const char *const resolvers[] = {"k8s", "aws_cloud_map", NULL};

static const struct otl_schema host = {.type = OTL_SCHEMA_STRING, .min = 1, .max = 200};
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
    {.key = "routing_key", .type = OTL_SCHEMA_ENUM, .words = col_routing_words},
    {.key = "protocol", .type = OTL_SCHEMA_MAP, .child = protocol_keys, .nullable = true},
    {.key = "resolver", .type = OTL_SCHEMA_MAP, .child = resolver_keys, .nullable = true},
    {.key = "routing_attributes",
     .type = OTL_SCHEMA_LIST,
     .child = &col_routing_attribute,
     .max = COL_ROUTING_ATTRIBUTES_MAX,
     .nullable = true},
    {.key = "timeout", .type = OTL_SCHEMA_DURATION},
    {.key = "retry_on_failure",
     .type = OTL_SCHEMA_MAP,
     .child = col_otlp_retry_keys,
     .nullable = true},
    {.key = "sending_queue",
     .type = OTL_SCHEMA_MAP,
     .child = col_otlp_queue_keys,
     .nullable = true},
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
    enum otel_err err = refuse_resolvers(args, resolver, reterr);

    if (err == OTEL_OK)
        err = col_otlp_settings_read_around(args, &balancer->outer, reterr);
    if (err == OTEL_OK) /* in a copy of it they have no place */
        err = col_otlp_settings_refuse(args, true, otlp, reterr);
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
    err = col_routing_read(args, &balancer->routing, reterr);
    return err == OTEL_OK && by_name ? read_dns(args, balancer, reterr) : err;
}

static void free_balancer(void *self)
{
    struct balancer *balancer = self;

    col_around_free(balancer->around);
    col_dns_free(balancer->dns);
    col_backends_fini(&balancer->backends);
    col_otlp_settings_fini(&balancer->outer);
    col_routing_fini(&balancer->routing);
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

static bool count_items(struct balancer *balancer)
{
    const struct col_create *args = &balancer->create;
    char labels[160];

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", args->id);
    balancer->sent = col_host_items(args->host, args->signal, "otelcol_exporter_sent", labels,
                                    "What the exporter wrote or sent.");
    balancer->send_failed =
        col_host_items(args->host, args->signal, "otelcol_exporter_send_failed", labels,
                       "What the exporter could not write or send.");
    if (args->signal == COL_METRICS) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",reason=\"no_service_name\"", args->id);
        balancer->nameless =
            col_host_items(args->host, args->signal, "collector_mock_exporter_dropped", labels,
                           "What was not sent on, by reason.");
    }
    return balancer->sent != NULL && balancer->send_failed != NULL &&
           (balancer->nameless != NULL || args->signal != COL_METRICS);
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

/* ---- a request ---- */

/* Whose the whole request is. */
static enum otel_err look(void *context, const struct col_routed *routed)
{
    struct balancer *balancer = context;

    if (routed->to == COL_ROUTED_NOWHERE) {
        balancer->seen.nowhere += routed->count;
        return OTEL_OK;
    }
    if (balancer->seen.any && balancer->seen.to != routed->to)
        balancer->seen.to = balancer->backends.count;
    else if (!balancer->seen.any)
        balancer->seen.to = routed->to;
    balancer->seen.any = true;
    return OTEL_OK;
}

static enum otel_err cut(void *context, const struct col_routed *routed)
{
    struct balancer *balancer = context;

    if (routed->to == COL_ROUTED_NOWHERE)
        return OTEL_OK;
    return col_regroup_part(&balancer->backends.list[routed->to]->part, routed->items,
                            routed->item, routed->first, routed->count);
}

static enum otel_err send_parts(struct balancer *balancer, const struct col_batch *batch,
                                struct otl_detail *reterr)
{
    enum otel_err result = col_routing_walk(&balancer->routing, balancer->backends.ring, batch,
                                            cut, balancer);
    enum otel_err err;
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

static enum otel_err balance(struct balancer *balancer, const struct col_batch *batch,
                             struct otl_detail *reterr)
{
    enum otel_err err;

    balancer->seen.any = false;
    balancer->seen.to = balancer->backends.count;
    balancer->seen.nowhere = 0;
    if (balancer->backends.count == 0)
        return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0,
                              "couldn't find the exporter for the endpoint \"\"");
    err = col_routing_walk(&balancer->routing, balancer->backends.ring, batch, look, balancer);
    if (err != OTEL_OK)
        return no_memory(reterr);
    if (balancer->seen.nowhere == batch->items)
        return otl_detail_set(reterr, OTEL_ERR_REFUSED, NULL, 0, 0,
                              "unable to get service name from resource metric");
    if (balancer->seen.nowhere == 0 && balancer->seen.to < balancer->backends.count)
        err = col_backends_send(&balancer->backends, balancer->seen.to, batch, reterr);
    else
        err = send_parts(balancer, batch, reterr);
    col_routing_turn(&balancer->routing);
    return err;
}

static void count_nameless(struct balancer *balancer, uint64_t points)
{
    if (points == 0)
        return;
    *balancer->nameless += points;
    otl_log_line(&balancer->create.host->log, OTL_LOG_ERROR,
                 "exporter '%s': failed to export metric: unable to get service name from "
                 "resource metric",
                 balancer->create.id);
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct balancer *balancer = self;
    enum otel_err err;

    if (balancer->around != NULL)
        return col_around_put(balancer->around, batch, reterr);
    err = balance(balancer, batch, reterr);
    if (err != OTEL_OK) {
        *balancer->send_failed += batch->items;
        return err;
    }
    *balancer->sent += batch->items - balancer->seen.nowhere;
    count_nameless(balancer, balancer->seen.nowhere);
    return OTEL_OK;
}

/* ---- life ---- */

/* What the consumers of the outer queue hand on. */
static enum otel_err hand_on(void *context, const struct col_batch *batch, uint64_t *ret_left_out,
                             struct otl_detail *reterr)
{
    struct balancer *balancer = context;
    enum otel_err err = balance(balancer, batch, reterr);

    *ret_left_out = balancer->seen.nowhere;
    if (err == OTEL_OK)
        count_nameless(balancer, balancer->seen.nowhere);
    return err;
}

/* Also where backends let the client wait: what becomes of a request is known only then, and the
 * Collector's timeout (5 s) is there without being set. */
static bool is_around(const json_t *config)
{
    const json_t *otlp = json_object_get(json_object_get(config, "protocol"), "otlp");
    const json_t *inner = json_object_get(otlp, "sending_queue");

    return json_object_get(config, "sending_queue") != NULL ||
           json_object_get(config, "timeout") != NULL ||
           otl_tree_bool(json_object_get(config, "retry_on_failure"), "enabled", false) ||
           !otl_tree_bool(inner, "enabled", true) ||
           otl_tree_bool(inner, "wait_for_result", false);
}

static bool make_around(struct balancer *balancer)
{
    const struct col_around_options options = {.settings = &balancer->outer,
                                               .host = balancer->create.host,
                                               .id = balancer->create.id,
                                               .context = balancer,
                                               .hand_on = hand_on};

    return col_around_new(&options, &balancer->around) == OTEL_OK;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct balancer *balancer = otl_mem_zalloc(sizeof(*balancer));
    enum otel_err err;

    if (balancer == NULL)
        return no_memory(reterr);
    balancer->create = *args;
    col_backends_begin(&balancer->backends, args);
    err = read_settings(args, balancer, reterr);
    if (err == OTEL_OK && (!count_resolver(balancer) || !count_items(balancer)))
        err = no_memory(reterr);
    if (err == OTEL_OK)
        err = balancer->ask.host != NULL ? col_backends_check(args, reterr)
                                         : set_fixed(balancer, reterr);
    if (err == OTEL_OK && is_around(args->config) && !make_around(balancer))
        err = no_memory(reterr);
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

static enum otel_err flush(void *self, struct otl_detail *reterr)
{
    struct balancer *balancer = self;

    if (balancer->around != NULL)
        col_around_flush(balancer->around);
    col_dns_free(balancer->dns); /* nobody comes and goes any more */
    balancer->dns = NULL;
    return col_backends_flush(&balancer->backends, reterr);
}

#define LOAD_BALANCING(word)                                                                      \
    {                                                                                             \
        .name = (word), .kind = COL_EXPORTER, .schema = row, .create = create,                    \
        .start = start,                                                                           \
        .consume = consume, .signals = COL_ALL_SIGNALS, .counts_itself = true, .flush = flush,    \
        .free = free_balancer                                                                     \
    }

const struct col_component_type col_load_balancing_exporter = LOAD_BALANCING("load_balancing");
const struct col_component_type col_loadbalancing_exporter = LOAD_BALANCING("loadbalancing");
