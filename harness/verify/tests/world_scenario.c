/* SPDX-License-Identifier: Apache-2.0 */
/* The scenario of the small world, as its loader would give it. */
#include <stdlib.h>
#include <string.h>

#include "harness/verify/judge/ratio.h"
#include "harness/verify/tests/world.h"

static const struct {
    const char *name;
    enum hx_span_kind kind;
    int service, parent;
    unsigned entry;
} OPERATIONS[OPS] = {
    [OP_CHECKOUT] = {"POST /checkout", HX_SERVER, W_GATEWAY, -1, OP_CHECKOUT},
    [OP_CALL] = {"POST", HX_CLIENT, W_GATEWAY, OP_CHECKOUT, OP_CHECKOUT},
    [OP_ORDERS] = {"POST /orders", HX_SERVER, W_ORDER, -1, OP_ORDERS},
    [OP_PROCESS] = {"order.process", HX_INTERNAL, W_ORDER, OP_ORDERS, OP_ORDERS},
    [OP_PUBLISH] = {"send order.created", HX_PRODUCER, W_ORDER, OP_PROCESS, OP_ORDERS},
    [OP_CONSUME] = {"process order.created", HX_CONSUMER, W_PROJECTOR, -1, OP_CONSUME},
};

static void services(struct world *w)
{
    static const char *const names[W_SERVICES] = {"gateway", "order", "projector"};
    static json_t *team;

    if (team == NULL)
        team = json_string("shop");
    w->resource_attribute = (struct hx_attribute){"team", team};
    for (int i = 0; i < W_SERVICES; i++) {
        struct hx_service *s = &w->services[i];

        s->name = names[i];
        s->index = (unsigned)i;
        s->replicas = 1;
        s->version = "1.2";
        s->resource = (struct hx_attributes){&w->resource_attribute, 1};
        s->tracing.enabled = s->tracing.instrumented = true;
        s->tracing.propagate_tracecontext = true;
        s->tracing.propagate_baggage = true;
        s->tracing.max_queue_size = 32;
        s->tracing.max_export_batch_size = W_BATCH;
        s->broken.drop_context = "";
    }
}

static void routes(struct world *w)
{
    w->routes[0] = (struct hx_route){.service = &w->services[W_GATEWAY], .method = "POST",
                                     .path = "/checkout", .name = "POST /checkout",
                                     .op = OP_CHECKOUT, .span = true};
    w->routes[1] = (struct hx_route){.service = &w->services[W_ORDER], .method = "POST",
                                     .path = "/orders", .name = "POST /orders", .op = OP_ORDERS,
                                     .span = true};
    w->topic = (struct hx_topic){"order.created", 0, 6};
    w->consumer = (struct hx_consumer){.service = &w->services[W_PROJECTOR], .topic = &w->topic,
                                       .name = "process order.created", .op = OP_CONSUME,
                                       .group = "projector", .edge = w->options.edge,
                                       .max_in_hand = 1};
    w->services[W_GATEWAY].routes = &w->routes[0];
    w->services[W_GATEWAY].route_count = 1;
    w->services[W_ORDER].routes = &w->routes[1];
    w->services[W_ORDER].route_count = 1;
    w->services[W_PROJECTOR].consumers = &w->consumer;
    w->services[W_PROJECTOR].consumer_count = 1;
}

void world_scenario(struct world *w)
{
    static json_t *collector;
    struct hx_scenario *s = &w->scenario;

    services(w);
    routes(w);
    for (unsigned i = 0; i < OPS; i++) {
        w->operations[i].index = i;
        w->operations[i].name = OPERATIONS[i].name;
        w->operations[i].kind = OPERATIONS[i].kind;
        w->operations[i].service = &w->services[OPERATIONS[i].service];
        w->operations[i].parent = OPERATIONS[i].parent;
        w->operations[i].entry = OPERATIONS[i].entry;
    }
    s->name = s->title = s->claim = "small world";
    s->file = "";
    s->services = w->services;
    s->service_count = W_SERVICES;
    s->topics = &w->topic;
    s->topic_count = 1;
    s->broker = "embedded";
    if (collector == NULL)
        collector = json_loads("{\"exporters\": {\"file\": {\"path\": \"spans/traces.bin\","
                               " \"format\": \"proto\"}}, \"service\": {\"pipelines\":"
                               " {\"traces\": {\"receivers\": [\"otlp\"],"
                               " \"exporters\": [\"file\"]}}}}", 0, NULL);
    s->collector = collector;
    s->load.route = &w->routes[0];
    s->claims.namer = "";
    s->claims.critical_path = "";
    s->operations = w->operations;
    s->operation_count = OPS;
}

void world_agent(struct world *w, int process)
{
    w->agent = (struct hx_agent){.name = "side", .exporter = "otlp"};
    w->agent_of = process;
    w->scenario.agents = &w->agent;
    w->scenario.agent_count = 1;
    w->services[process].tracing.agent = &w->agent;
    for (size_t i = 0; i < w->request_count; i++)
        if (w->requests[i].process == process)
            w->requests[i].at_agent = 1;
}

bool world_root_decision(const char *sampler, const uint8_t trace_id[16])
{
    static const char *const words[HX_RULES] = {"go ", "_java", "_dotnet", "_cpp", "_js",
                                                "probability"};
    const char *ratio = strchr(sampler, ' ');
    uint64_t x = 0;

    if (strstr(sampler, "always_on") != NULL)
        return true;
    if (strstr(sampler, "always_off") != NULL || ratio == NULL)
        return false;
    for (int i = 0; i < HX_RULES; i++)
        if (strstr(sampler, words[i]) != NULL)
            return hx_ratio_says((enum hx_ratio_rule)i, strtod(ratio, NULL), trace_id);
    for (int i = 8; i < 16; i++)
        x = x << 8 | trace_id[i];
    return (double)(x >> 1) < strtod(ratio, NULL) * 9223372036854775808.0;
}
