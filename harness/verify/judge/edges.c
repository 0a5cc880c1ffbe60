/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/judge/edges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/summary.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

static const char *const MODES[] = {
    [HX_EDGE_PARENT] = "parent", [HX_EDGE_LINK] = "link", [HX_EDGE_BOTH] = "both",
    [HX_EDGE_NONE] = "none",
};

/* What the scenario says of the callee: how it is tied to its caller, over what. */
static void describe(const struct hx_scenario *scenario, struct hx_edge *edge)
{
    for (size_t i = 0; i < scenario->service_count; i++) {
        const struct hx_service *service = &scenario->services[i];

        for (size_t k = 0; k < service->route_count; k++) {
            if (service->routes[k].op == edge->to_op)
                edge->mode = service->routes[k].span ? HX_EDGE_PARENT : HX_EDGE_NONE;
        }
        for (size_t k = 0; k < service->consumer_count; k++) {
            if (service->consumers[k].op != edge->to_op)
                continue;
            edge->mode = service->consumers[k].edge;
            edge->topic = service->consumers[k].topic->name;
        }
    }
}

static const char *claimed(const struct hx_edge_claim *claims, size_t count,
                           const struct hx_edge *edge, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (claims[i].from_op == edge->from_op && claims[i].to_op == edge->to_op)
            return word;
    }
    return NULL;
}

static const char *expectation(const struct hx_claims *claims, const struct hx_edge *edge)
{
    const char *word = claimed(claims->broken, claims->broken_count, edge, "broken");

    if (word == NULL)
        word = claimed(claims->forbidden, claims->forbidden_count, edge, "forbidden");
    if (word == NULL)
        word = claimed(claims->required, claims->required_count, edge, "required");
    return word;
}

static const char *op_text(const struct hx_scenario *scenario, uint32_t op, char *out, size_t size)
{
    if (op >= scenario->operation_count)
        snprintf(out, size, "load");
    else
        snprintf(out, size, "%.60s %.60s", scenario->operations[op].service->name,
                 scenario->operations[op].name);
    return out;
}

const struct hx_edge *hx_edge_find(const struct hx_judgement *j, uint32_t from_op, uint32_t to_op)
{
    for (size_t i = 0; i < j->edge_count; i++) {
        if (j->edges[i].from_op == from_op && j->edges[i].to_op == to_op)
            return &j->edges[i];
    }
    return NULL;
}

struct hx_edge *hx_edge_of(struct hx_judgement *j, uint32_t from_op, uint32_t to_op)
{
    struct hx_edge *edge = (struct hx_edge *)(uintptr_t)hx_edge_find(j, from_op, to_op);
    char from[128], to[128];

    if (edge != NULL)
        return edge;
    if (j->edge_count == HX_MAX_EDGES) {
        hx_unknown(&j->checks, HX_CHECK_LEDGER, 1, "more than %d edges", HX_MAX_EDGES);
        return NULL;
    }
    if (j->edge_count == j->edge_cap) {
        size_t cap = j->edge_cap > 0 ? j->edge_cap * 2 : 16;
        void *grown = otl_mem_realloc(j->edges, cap * sizeof *j->edges);

        if (grown == NULL) {
            j->checks.memory = true;
            return NULL;
        }
        j->edges = grown;
        j->edge_cap = cap;
    }
    edge = &j->edges[j->edge_count++];
    memset(edge, 0, sizeof *edge);
    edge->from_op = from_op;
    edge->to_op = to_op;
    edge->lacks_span = edge->first_span = HX_NONE;
    describe(j->scenario, edge);
    edge->expectation = expectation(&j->scenario->claims, edge);
    snprintf(edge->text, sizeof edge->text, "%.120s -> %.120s",
             op_text(j->scenario, from_op, from, sizeof from),
             op_text(j->scenario, to_op, to, sizeof to));
    return edge;
}

void hx_edge_latency(struct hx_judgement *j, struct hx_edge *edge, uint64_t from_ns,
                     uint64_t to_ns)
{
    struct hx_hdr_params params = HX_HDR_LATENCY_PARAMS;

    if (from_ns == 0 || to_ns < from_ns)
        return;
    if (edge->latency == NULL && hx_hdr_new(&params, &edge->latency) != OTEL_OK) {
        j->checks.memory = true;
        return;
    }
    hx_hdr_record(edge->latency, to_ns - from_ns);
}

/* ---- json ----------------------------------------------------------------------------------- */

static int by_ops(const void *left, const void *right)
{
    const struct hx_edge *a = left, *b = right;
    uint32_t from_a = a->from_op + 1, from_b = b->from_op + 1; /* the load client first */

    if (from_a != from_b)
        return from_a < from_b ? -1 : 1;
    return a->to_op < b->to_op ? -1 : a->to_op > b->to_op;
}

static int put_ns(json_t *item, const char *key, uint64_t value)
{
    return json_object_set_new(item, key, json_integer((json_int_t)value));
}

static json_t *edge_json(const struct hx_judgement *j, const struct hx_edge *edge)
{
    const struct hx_scenario *s = j->scenario;
    bool from_load = edge->from_op >= s->operation_count;
    char from[128], to[128], id[33];
    json_t *item = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "from",
        op_text(s, edge->from_op, from, sizeof from), "to", op_text(s, edge->to_op, to, sizeof to),
        "from_service", from_load ? "" : s->operations[edge->from_op].service->name, "to_service",
        edge->to_op < s->operation_count ? s->operations[edge->to_op].service->name : "", "kind",
        edge->topic != NULL ? "kafka" : "http", "mode",
        MODES[edge->calls > 0 && edge->tied == 0 ? HX_EDGE_NONE : edge->mode], "calls",
        (json_int_t)edge->calls, "sampled", (json_int_t)edge->sampled, "complete",
        (json_int_t)edge->complete, "broken", (json_int_t)edge->broken, "errors",
        (json_int_t)edge->errors, "redelivered", (json_int_t)edge->redelivered);
    int bad = item == NULL;

    if (edge->not_judged > 0)
        bad |= json_object_set_new(item, "not_judged",
                                   json_integer((json_int_t)edge->not_judged));
    if (edge->topic != NULL)
        bad |= json_object_set_new(item, "topic", json_string(edge->topic));
    if (edge->expectation != NULL)
        bad |= json_object_set_new(item, "expectation", json_string(edge->expectation));
    if (edge->latency != NULL) {
        if (hx_percentile_known(edge->latency->total, 50))
            bad |= put_ns(item, "p50_ns", hx_hdr_value_at(edge->latency, 50));
        if (hx_percentile_known(edge->latency->total, 99))
            bad |= put_ns(item, "p99_ns", hx_hdr_value_at(edge->latency, 99));
        if (edge->latency->total > 0)
            bad |= put_ns(item, "min_ns", hx_hdr_min(edge->latency));
        bad |= put_ns(item, "max_ns", hx_hdr_max(edge->latency));
    }
    if (edge->why[0] != '\0')
        bad |= json_object_set_new(item, "why", json_string(edge->why));
    if (edge->has_example) {
        otl_hex(edge->example, 16, id);
        bad |= json_object_set_new(item, "example", json_string(id));
    }
    if (bad == 0)
        return item;
    json_decref(item);
    return NULL;
}

json_t *hx_edges_json(struct hx_judgement *j)
{
    json_t *list = json_array();

    if (j->edge_count > 0)
        qsort(j->edges, j->edge_count, sizeof *j->edges, by_ops);
    for (size_t i = 0; i < j->edge_count; i++) {
        if (json_array_append_new(list, edge_json(j, &j->edges[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
