/* SPDX-License-Identifier: Apache-2.0 */
/* agents: Collectors between services and the recording one; what they may be made of. */
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/agents.h"
#include "harness/scenario/internal.h"
#include "harness/scenario/scenario.h"

enum { NEAR_SIZE = 160 };

static const char default_config[] =
    "{receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'},"
    "                               http: {endpoint: '127.0.0.1:0'}}}},"
    " exporters: {otlp_grpc: {endpoint: '${env:" HX_AGENT_GRPC "}', tls: {insecure: true}}},"
    " service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}}}";

const struct hx_agent *hx_scenario_agent(const struct hx_scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->agent_count; i++)
        if (strcmp(scenario->agents[i].name, name) == 0)
            return &scenario->agents[i];
    return NULL;
}

/* ---- defaults ------------------------------------------------------------------------------- */

/* As a Collector lays several files over each other: maps key by key; null is an empty map. May be
 * done again. */
static enum otel_err fill(struct otl_yaml *doc, const json_t *from, json_t *to,
                          struct otl_detail *reterr)
{
    struct otl_yaml_options options;
    enum otel_err err = OTEL_OK;
    const char *key;
    json_t *value;

    otl_yaml_options_init(&options);
    options.source = "default"; /* as of the grammar's fallbacks */
    options.without_lines = true;
    json_object_foreach((json_t *)(uintptr_t)from, key, value) {
        json_t *own = json_object_get(to, key);
        if (json_is_object(own) && json_is_object(value)) {
            err = fill(doc, value, own, reterr);
        } else if (own == NULL || (json_is_null(own) && json_is_object(value))) {
            char *text = json_dumps(value, JSON_ENCODE_ANY);
            err = text != NULL ? otl_yaml_put(doc, to, key, text, &options, reterr)
                               : OTEL_ERR_MEMORY;
            free(text);
        }
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

enum otel_err hx_resolve_agents(struct otl_yaml *doc, struct otl_detail *reterr)
{
    json_t *agents = json_object_get(otl_yaml_root(doc), "agents"), *agent;
    struct otl_yaml *defaults = NULL;
    enum otel_err err;
    const char *name;

    if (json_object_size(agents) == 0)
        return OTEL_OK;
    err = otl_yaml_load_text(default_config, sizeof(default_config) - 1, NULL, &defaults, reterr);
    json_object_foreach(agents, name, agent)
        if (err == OTEL_OK && json_is_object(agent)) /* else the grammar will refuse it */
            err = fill(doc, otl_yaml_root(defaults), agent, reterr);
    if (defaults != NULL)
        otl_yaml_free(defaults);
    return err;
}

/* ---- what it is made of --------------------------------------------------------------------- */

/* "otlp/near" is of the type "otlp". */
static bool is_type(const char *id, const char *type)
{
    size_t len = strcspn(id, "/");

    return strlen(type) == len && strncmp(id, type, len) == 0;
}

static bool is_one_of(const char *id, const char *const *types)
{
    for (; *types != NULL; types++)
        if (is_type(id, *types))
            return true;
    return false;
}

static enum otel_err check_types(struct hx_loader *l, const struct hx_agent *agent,
                                 const char *section, const char *const *types, const char *only)
{
    const json_t *map = json_object_get(agent->config, section);
    const char *id;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)map, id, value)
        if (!is_one_of(id, types))
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, id),
                                  "an agent passes on what it takes: of %s it may have %s, found "
                                  "'%.80s'",
                                  section, only, id);
    return OTEL_OK;
}

static bool any_port(const char *endpoint)
{
    const char *colon = strrchr(endpoint, ':');

    return colon != NULL && strcmp(colon, ":0") == 0;
}

/* Where it would listen, anywhere below this map. */
static enum otel_err check_ports(struct hx_loader *l, const json_t *map)
{
    enum otel_err err = OTEL_OK;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)map, key, value) {
        bool address = strcmp(key, "endpoint") == 0 || strcmp(key, "address") == 0;
        bool bad = json_is_string(value) && address && !any_port(json_string_value(value));
        bad = bad || (strcmp(key, "port") == 0 && json_integer_value(value) != 0);
        if (bad)
            return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, key),
                                  "an agent names no port: runs beside each other would meet "
                                  "there; write 127.0.0.1:0, and the runner tells the services");
        if (json_is_object(value))
            err = check_ports(l, value);
        for (size_t i = 0; i < json_array_size(value) && err == OTEL_OK; i++)
            err = check_ports(l, json_array_get(value, i));
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

/* A protocol without an endpoint would listen at the Collector's own 4317 or 4318. */
static enum otel_err check_receivers(struct hx_loader *l, const struct hx_agent *agent)
{
    const json_t *receivers = json_object_get(agent->config, "receivers");
    const char *id, *protocol;
    json_t *receiver, *value;

    json_object_foreach((json_t *)(uintptr_t)receivers, id, receiver) {
        const json_t *protocols = json_object_get(receiver, "protocols");
        json_object_foreach((json_t *)(uintptr_t)protocols, protocol, value)
            if (json_string_value(json_object_get(value, "endpoint")) == NULL)
                return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, protocols, protocol),
                                      "an agent names no port, and %s without an endpoint is the "
                                      "Collector's own: write 'endpoint: 127.0.0.1:0'",
                                      protocol);
    }
    return check_ports(l, receivers);
}

static enum otel_err check_parts(struct hx_loader *l, const struct hx_agent *agent)
{
    static const char *const receivers[] = {"otlp", NULL};
    static const char *const processors[] = {"batch", "memory_limiter", NULL};
    static const char *const exporters[] = {"otlp", "otlphttp", "otlp_grpc", "otlp_http", "debug",
                                            "nop", NULL};
    static const char *const others[] = {"connectors", "extensions", NULL};
    enum otel_err err = check_types(l, agent, "receivers", receivers, "otlp");

    if (err == OTEL_OK)
        err = check_types(l, agent, "processors", processors, "batch and memory_limiter");
    if (err == OTEL_OK)
        err = check_types(l, agent, "exporters", exporters,
                          "otlp_grpc and otlp_http (to the collector of the scenario), debug and "
                          "nop");
    for (size_t i = 0; others[i] != NULL && err == OTEL_OK; i++)
        if (json_object_get(agent->config, others[i]) != NULL)
            err = otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, agent->config, others[i]),
                                 "an agent passes on what it takes: it has no %s", others[i]);
    if (err == OTEL_OK)
        err = check_receivers(l, agent);
    return err == OTEL_OK ? check_ports(l, json_object_get(agent->config, "service")) : err;
}

/* What nobody wrote is told at the agent's name. */
static struct otl_yaml_pos place(const struct hx_loader *l, const struct hx_agent *agent,
                                 const json_t *map, const char *key)
{
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, key);

    return strcmp(pos.source, "default") != 0
               ? pos
               : otl_yaml_key_pos(l->doc, json_object_get(l->scenario->tree, "agents"),
                                  agent->name);
}

/* ---- its way to the collector --------------------------------------------------------------- */

static bool leads_there(const struct hx_agent *agent, const char *exporter)
{
    const json_t *exporters = json_object_get(agent->config, "exporters");
    const char *endpoint =
        otl_tree_text(json_object_get(exporters, exporter), "endpoint", "");

    return strncmp(exporter, "otlp", 4) == 0 && (strstr(endpoint, "${env:" HX_AGENT_GRPC "}") ||
                                                 strstr(endpoint, "${env:" HX_AGENT_HTTP "}"));
}

/* Of one pipeline of traces; how many of its exporters lead to the collector. */
static size_t read_pipeline(const json_t *pipeline, struct hx_agent *agent)
{
    const json_t *item;
    bool hears = false;
    size_t ways = 0, i;

    json_array_foreach(json_object_get(pipeline, "receivers"), i, item)
        hears = hears || (json_is_string(item) && is_type(json_string_value(item), "otlp"));
    json_array_foreach(json_object_get(pipeline, "exporters"), i, item) {
        const char *id = json_is_string(item) ? json_string_value(item) : "";
        if (!leads_there(agent, id))
            continue;
        ways++;
        agent->exporter = id;
    }
    json_array_foreach(json_object_get(pipeline, "processors"), i, item)
        if (json_is_string(item) && is_type(json_string_value(item), "batch"))
            agent->acknowledges_first = true;
    return hears ? ways : 0;
}

/* The agent whose name stands in an endpoint of this one's exporters, "gateway:4317"; NULL: none.
 * *ret_exporter has that endpoint. */
static const char *next_agent(const struct hx_loader *l, const struct hx_agent *agent,
                              const json_t **ret_exporter)
{
    const json_t *exporters = json_object_get(agent->config, "exporters");
    const json_t *agents = json_object_get(l->scenario->tree, "agents");
    const char *id, *name;
    json_t *exporter, *other;

    json_object_foreach((json_t *)(uintptr_t)exporters, id, exporter) {
        const char *host = otl_tree_text(exporter, "endpoint", "");
        const char *scheme = strstr(host, "://");
        host = scheme != NULL ? scheme + 3 : host;
        *ret_exporter = exporter;
        json_object_foreach((json_t *)(uintptr_t)agents, name, other)
            if (strcspn(host, ":/") == strlen(name) && strncmp(host, name, strlen(name)) == 0)
                return name;
    }
    return NULL;
}

static enum otel_err no_way(struct hx_loader *l, const struct hx_agent *agent,
                            const json_t *service)
{
    const json_t *exporter = NULL;
    const char *next = next_agent(l, agent, &exporter);

    if (next != NULL)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, exporter, "endpoint"),
                              "agent '%s' sends to the agent '%s': agents stand beside each "
                              "other, not in a row; behind an agent is the scenario's collector, "
                              "and what a gateway does is for its 'collector:'",
                              agent->name, next);
    return otl_yaml_error(l->reterr, place(l, agent, service, "pipelines"),
                          "agent '%s' has no way to the scenario's collector: a pipeline of "
                          "traces from otlp to otlp_grpc with 'endpoint: ${env:" HX_AGENT_GRPC
                          "}' (or otlp_http with 'http://${env:"
                          HX_AGENT_HTTP "}')",
                          agent->name);
}

static enum otel_err check_way(struct hx_loader *l, struct hx_agent *agent)
{
    const json_t *service = json_object_get(agent->config, "service");
    const json_t *pipelines = json_object_get(service, "pipelines"), *pipeline;
    size_t ways = 0, of_traces = 0;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)pipelines, name, pipeline) {
        if (!is_type(name, "traces"))
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, pipelines, name),
                                  "an agent has a pipeline of traces, found '%.80s'", name);
        of_traces++;
        ways += read_pipeline(pipeline, agent);
    }
    if (ways == 1 && of_traces == 1)
        return OTEL_OK;
    if (ways == 0)
        return no_way(l, agent, service);
    return otl_yaml_error(l->reterr, place(l, agent, service, "pipelines"),
                          "agent '%s' has %zu ways to the scenario's collector: each span would "
                          "arrive so often",
                          agent->name, ways > of_traces ? ways : of_traces);
}

/* The collector must listen where the agent's exporter sends. */
static enum otel_err check_other_end(struct hx_loader *l, const struct hx_agent *agent)
{
    const json_t *exporter =
        json_object_get(json_object_get(agent->config, "exporters"), agent->exporter);
    bool grpc = strstr(otl_tree_text(exporter, "endpoint", ""), HX_AGENT_GRPC) != NULL;
    const json_t *receivers = json_object_get(l->scenario->collector, "receivers"), *receiver;
    const char *id, *wanted = grpc ? "grpc" : "http";

    if (grpc != (is_type(agent->exporter, "otlp") || is_type(agent->exporter, "otlp_grpc")))
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, exporter, "endpoint"),
                              "'%.40s' sends OTLP/%s, and ${env:%s} is the other port",
                              agent->exporter, grpc ? "HTTP" : "gRPC",
                              grpc ? HX_AGENT_GRPC : HX_AGENT_HTTP);
    json_object_foreach((json_t *)(uintptr_t)receivers, id, receiver)
        if (is_type(id, "otlp") &&
            json_object_get(json_object_get(receiver, "protocols"), wanted) != NULL)
            return OTEL_OK;
    return otl_yaml_error(l->reterr, place(l, agent, exporter, "endpoint"),
                          "agent '%s' sends to the scenario's collector over %s, which has no otlp "
                          "receiver with it",
                          agent->name, wanted);
}

/* ---- all ------------------------------------------------------------------------------------ */

/* Logs, metrics and taps of the run's processes stand beside each other, by their names. */
static enum otel_err check_agent_name(struct hx_loader *l, const json_t *agents, const char *name)
{
    static const char *const taken[] = {"collector", "broker", "relay", NULL};
    const char *dash = strrchr(name, '-');
    struct otl_yaml_pos pos = otl_yaml_key_pos(l->doc, agents, name);
    enum otel_err err = hx_loader_name(l, agents, name, "an agent");

    for (size_t i = 0; taken[i] != NULL && err == OTEL_OK; i++)
        if (strcmp(taken[i], name) == 0)
            err = otl_yaml_error(l->reterr, pos, "'%s' is another process of the run; an agent "
                                                 "needs another name", name);
    for (size_t i = 0; i < l->scenario->service_count && err == OTEL_OK; i++) {
        const char *service = l->scenario->services[i].name;
        size_t len = strlen(service);
        if (strcmp(service, name) == 0 || (dash != NULL && (size_t)(dash - name) == len &&
                                           strncmp(service, name, len) == 0 &&
                                           strspn(dash + 1, "0123456789") == strlen(dash + 1)))
            err = otl_yaml_error(l->reterr, pos, "'%s' is a service; an agent needs another name",
                                 name);
    }
    return err;
}

static enum otel_err load_uses(struct hx_loader *l)
{
    const json_t *services = json_object_get(l->scenario->tree, "services");
    const json_t *agents = json_object_get(l->scenario->tree, "agents");
    char near[NEAR_SIZE];

    for (size_t i = 0; i < l->scenario->service_count; i++) {
        struct hx_service *service = &l->services[i];
        const json_t *tracing =
            json_object_get(json_object_get(services, service->name), "tracing");
        const char *name = otl_tree_text(tracing, "agent", NULL);
        struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, tracing, "agent");
        if (name == NULL)
            continue;
        service->tracing.agent = hx_scenario_agent(l->scenario, name);
        if (service->tracing.agent == NULL)
            return otl_yaml_error(l->reterr, pos, "%s sends to the unknown agent '%.80s'%s",
                                  service->name, name,
                                  json_object_size(agents) == 0
                                      ? ": the scenario has no 'agents'"
                                      : otl_tree_suggest(agents, name, near, sizeof(near)));
    }
    return OTEL_OK;
}

enum otel_err hx_load_agents(struct hx_loader *l)
{
    const json_t *map = json_object_get(l->scenario->tree, "agents");
    struct hx_agent *agents = hx_loader_array(l, json_object_size(map), sizeof(*agents));
    enum otel_err err = OTEL_OK;
    const char *name;
    json_t *value;
    size_t count = 0;

    if (agents == NULL)
        return OTEL_ERR_MEMORY;
    json_object_foreach((json_t *)(uintptr_t)map, name, value) {
        struct hx_agent *agent = &agents[count];
        *agent = (struct hx_agent){.name = name, .index = (unsigned)count, .config = value};
        err = check_agent_name(l, map, name);
        if (err == OTEL_OK)
            err = check_parts(l, agent);
        if (err == OTEL_OK)
            err = check_way(l, agent);
        if (err == OTEL_OK)
            err = check_other_end(l, agent);
        if (err != OTEL_OK)
            return err;
        count++;
    }
    l->scenario->agents = agents;
    l->scenario->agent_count = count;
    return load_uses(l);
}
