/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"

enum colour { WHITE, GREY, BLACK };

struct search {
    struct hx_plan *plan;
    unsigned char *colours; /* by operation */
    unsigned *path;         /* entries being searched */
    size_t depth;
    struct hx_plan_cycle *cycle;
};

static const struct hx_consumer *consumer_of(const struct hx_scenario *scenario, unsigned op)
{
    const struct hx_service *service = scenario->operations[op].service;

    for (size_t i = 0; i < service->consumer_count; i++)
        if (service->consumers[i].op == op)
            return &service->consumers[i];
    return NULL;
}

static const struct hx_route *route_of(const struct hx_scenario *scenario, unsigned op)
{
    const struct hx_service *service = scenario->operations[op].service;

    for (size_t i = 0; i < service->route_count; i++)
        if (service->routes[i].op == op)
            return &service->routes[i];
    return NULL;
}

/* ---- edges -------------------------------------------------------------------------------- */

static void add(struct hx_plan *plan, bool count_only, struct hx_plan_edge edge)
{
    if (!count_only)
        plan->edges[plan->edge_count] = edge;
    plan->edge_count++;
}

static void add_consumers(struct hx_plan *plan, bool count_only, struct hx_plan_edge edge,
                          const struct hx_topic *topic)
{
    const struct hx_scenario *scenario = plan->scenario;

    edge.kafka = true;
    for (size_t s = 0; s < scenario->service_count; s++) {
        const struct hx_service *service = &scenario->services[s];
        for (size_t c = 0; c < service->consumer_count; c++) {
            if (service->consumers[c].topic != topic)
                continue;
            edge.to_op = service->consumers[c].op;
            add(plan, count_only, edge);
        }
    }
}

static void collect_edges(struct hx_plan *plan, bool count_only)
{
    const struct hx_scenario *scenario = plan->scenario;

    plan->edge_count = 0;
    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *operation = &scenario->operations[i];
        const struct hx_step *step = operation->step;
        struct hx_plan_edge edge = {operation->entry, 0, operation->index, false};
        if (step != NULL && step->kind == HX_STEP_CALL) {
            edge.to_op = step->route->op;
            add(plan, count_only, edge);
        } else if (step != NULL && step->kind == HX_STEP_PUBLISH) {
            add_consumers(plan, count_only, edge, step->topic);
        }
    }
}

/* ---- sums --------------------------------------------------------------------------------- */

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static double expected_ns(const struct hx_delay *delay)
{
    switch (delay->kind) {
    case HX_DELAY_CONSTANT:
        return (double)delay->low_ns;
    case HX_DELAY_UNIFORM:
        return ((double)delay->low_ns + (double)delay->high_ns) / 2;
    case HX_DELAY_LOGNORMAL:
        return (double)delay->low_ns * exp(delay->sigma * delay->sigma / 2);
    }
    return 0;
}

static double work_of(const struct hx_step *steps, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (steps[i].kind == HX_STEP_WORK)
            sum += expected_ns(&steps[i].delay) * steps[i].probability;
        sum += work_of(steps[i].steps, steps[i].step_count);
    }
    return sum;
}

/* Of the consumers that one message reaches in one group, does the one at index count? (The edges
 * of one publish step stand side by side.) */
static bool counts(const struct hx_plan *plan, size_t index)
{
    const struct hx_plan_edge *mine = &plan->edges[index];
    const struct hx_consumer *me = consumer_of(plan->scenario, mine->to_op);
    size_t first = index;

    if (!mine->kafka)
        return true;
    while (first > 0 && plan->edges[first - 1].via_op == mine->via_op)
        first--;
    for (size_t i = first; i < plan->edge_count && plan->edges[i].via_op == mine->via_op; i++) {
        unsigned other = plan->edges[i].to_op;
        if (i == index || strcmp(consumer_of(plan->scenario, other)->group, me->group) != 0)
            continue;
        if (plan->spans[other] > plan->spans[mine->to_op] ||
            (plan->spans[other] == plan->spans[mine->to_op] && i < index))
            return false;
    }
    return true;
}

/* All that the entry leads to has been summed up. */
static void sum_up(struct hx_plan *plan, unsigned entry)
{
    const struct hx_scenario *scenario = plan->scenario;
    const struct hx_consumer *consumer = consumer_of(scenario, entry);
    const struct hx_route *route = route_of(scenario, entry);
    const bool ours = scenario->operations[entry].service->foreign == NULL;
    uint64_t spans = ours && (route == NULL || route->span) ? 1 : 0;
    double work = consumer ? work_of(consumer->steps, consumer->step_count)
                           : work_of(route->steps, route->step_count);

    for (size_t i = 0; i < scenario->operation_count; i++)
        if (ours && scenario->operations[i].entry == entry && i != entry)
            spans++;
    for (size_t i = 0; i < plan->edge_count; i++) {
        if (plan->edges[i].from_op != entry || !counts(plan, i))
            continue;
        spans = plus(spans, plan->spans[plan->edges[i].to_op]);
        work += plan->work_ns[plan->edges[i].to_op];
    }
    plan->spans[entry] = spans;
    plan->work_ns[entry] = work;
}

/* ---- search ------------------------------------------------------------------------------- */

static void tell_cycle(struct search *s, unsigned back_to, unsigned via_op)
{
    size_t first = 0;

    while (s->path[first] != back_to)
        first++;
    s->cycle->count = 0;
    for (size_t i = first; i < s->depth && s->cycle->count < 64; i++)
        s->cycle->ops[s->cycle->count++] = s->path[i];
    s->cycle->via_op = via_op;
}

static bool visit(struct search *s, unsigned entry)
{
    const struct hx_plan *plan = s->plan;

    s->colours[entry] = GREY;
    s->path[s->depth++] = entry;
    for (size_t i = 0; i < plan->edge_count; i++) {
        unsigned to = plan->edges[i].to_op;
        if (plan->edges[i].from_op != entry || s->colours[to] == BLACK)
            continue;
        if (s->colours[to] == GREY) {
            tell_cycle(s, to, plan->edges[i].via_op);
            return false;
        }
        if (!visit(s, to))
            return false;
    }
    s->depth--;
    s->colours[entry] = BLACK;
    sum_up(s->plan, entry);
    return true;
}

static enum otel_err search_all(struct search *s)
{
    const struct hx_scenario *scenario = s->plan->scenario;

    for (unsigned i = 0; i < scenario->operation_count; i++)
        if (scenario->operations[i].entry == i && s->colours[i] == WHITE && !visit(s, i))
            return OTEL_ERR_ARGUMENT;
    return OTEL_OK;
}

static enum otel_err fill(struct hx_plan *plan, struct hx_plan_cycle *ret_cycle)
{
    size_t count = plan->scenario->operation_count;
    struct search s = {.plan = plan, .cycle = ret_cycle};
    enum otel_err err = OTEL_ERR_MEMORY;

    collect_edges(plan, true);
    plan->edges = otl_mem_zalloc(plan->edge_count * sizeof(*plan->edges));
    plan->spans = otl_mem_zalloc(count * sizeof(*plan->spans));
    plan->work_ns = otl_mem_zalloc(count * sizeof(*plan->work_ns));
    s.colours = otl_mem_zalloc(count);
    s.path = otl_mem_zalloc(count * sizeof(*s.path));
    if (plan->edges && plan->spans && plan->work_ns && s.colours && s.path) {
        collect_edges(plan, false);
        err = search_all(&s);
    }
    otl_mem_free(s.colours);
    otl_mem_free(s.path);
    return err;
}

enum otel_err hx_plan_new(const struct hx_scenario *scenario, struct hx_plan **ret,
                          struct hx_plan_cycle *ret_cycle)
{
    struct hx_plan_cycle ignored;
    struct hx_plan *plan = otl_mem_zalloc(sizeof(*plan));
    enum otel_err err;

    if (plan == NULL)
        return OTEL_ERR_MEMORY;
    plan->scenario = scenario;
    err = fill(plan, ret_cycle ? ret_cycle : &ignored);
    if (err != OTEL_OK) {
        hx_plan_free(plan);
        return err;
    }
    *ret = plan;
    return OTEL_OK;
}

void hx_plan_free(struct hx_plan *plan)
{
    if (plan == NULL)
        return;
    otl_mem_free(plan->edges);
    otl_mem_free(plan->spans);
    otl_mem_free(plan->work_ns);
    otl_mem_free(plan);
}

const char *hx_plan_entry_text(const struct hx_scenario *scenario, unsigned entry_op, char *out,
                               size_t size)
{
    const struct hx_operation *operation = &scenario->operations[entry_op];

    snprintf(out, size, "%s %s", operation->service->name, operation->name);
    return out;
}

unsigned hx_plan_start(const struct hx_scenario *scenario)
{
    return scenario->load.route->op;
}
