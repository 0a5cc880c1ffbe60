/* SPDX-License-Identifier: Apache-2.0 */
/* load: and expect:, and what joins them with the fleet. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "harness/scenario/internal.h"
#include "harness/scenario/plan.h"
#include "sdk/base/text.h"

enum { RATE_MAX = 1000000, WORDS_MAX = 512, NAME_SIZE = 200, NEAR_SIZE = 260, REQUESTS_MAX_E9 = 4 };

/* ---- load --------------------------------------------------------------------------------- */

static enum otel_err load_header(struct hx_loader *l, const json_t *headers, const char *name,
                                 struct hx_load_header *ret)
{
    static const char *const own[] = {"traceparent",    "tracestate",        "tracerig-request",
                                      "content-length", "transfer-encoding", "connection",
                                      "host",           NULL};
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const json_t *value = json_object_get(headers, name);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    const char **values = hx_loader_array(l, count, sizeof(*values));
    struct otl_yaml_pos pos = otl_yaml_key_pos(l->doc, headers, name);

    if (values == NULL)
        return OTEL_ERR_MEMORY;
    if (*name == '\0' || name[strspn(name, token)] != '\0')
        return otl_yaml_error(l->reterr, pos, "'%.80s' cannot be the name of a header", name);
    for (const char *const *word = own; *word != NULL; word++)
        if (strcasecmp(*word, name) == 0)
            return otl_yaml_error(l->reterr, pos, "header '%s' is set by the load client itself",
                                  name);
    for (size_t i = 0; i < count; i++) {
        values[i] =
            json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
        if (strpbrk(values[i], "\r\n") != NULL)
            return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, headers, name),
                                  "a header's value cannot hold a line break");
    }
    *ret = (struct hx_load_header){name, values, count};
    return OTEL_OK;
}

static enum otel_err load_headers(struct hx_loader *l, const json_t *map, struct hx_load *load)
{
    struct hx_load_header *headers = hx_loader_array(l, json_object_size(map), sizeof(*headers));
    enum otel_err err = headers ? OTEL_OK : OTEL_ERR_MEMORY;
    const char *name;
    json_t *value;

    load->headers = headers;
    json_object_foreach((json_t *)map, name, value) {
        if (err == OTEL_OK)
            err = load_header(l, map, name, &headers[load->header_count++]);
    }
    return err;
}

static enum otel_err check_rate(struct hx_loader *l, const json_t *map, const struct hx_load *load)
{
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "rate");
    double seconds = (double)(load->duration_ns + load->warmup_ns) / 1e9;
    const char *duration = otl_tree_text(map, "duration", "");

    if (!(load->rate > 0))
        return otl_yaml_error(l->reterr, pos,
                              "impossible rate: %g requests a second; it must be above 0",
                              load->rate);
    if (load->rate > RATE_MAX)
        return otl_yaml_error(l->reterr, pos,
                              "impossible rate: %g requests a second; at most %d", load->rate,
                              RATE_MAX);
    if (load->rate * (double)load->duration_ns / 1e9 < 1)
        return otl_yaml_error(l->reterr, pos,
                              "impossible rate: %g requests a second are not one in %s",
                              load->rate, duration);
    if (load->rate * seconds > REQUESTS_MAX_E9 * 1e9)
        return otl_yaml_error(l->reterr, pos, "impossible rate: %g requests a second are more than "
                                              "%d,000,000,000 requests in %s",
                              load->rate, REQUESTS_MAX_E9, duration);
    return OTEL_OK;
}

static enum hx_arrival arrival_named(const char *word)
{
    if (strcmp(word, "constant") == 0)
        return HX_ARRIVAL_CONSTANT;
    return strcmp(word, "burst") == 0 ? HX_ARRIVAL_BURST : HX_ARRIVAL_POISSON;
}

static enum otel_err load_load(struct hx_loader *l, struct hx_load *load)
{
    const json_t *map = json_object_get(l->scenario->tree, "load");
    const json_t *incoming = json_object_get(map, "incoming");
    enum otel_err err = hx_find_route(l, otl_tree_text(map, "route", ""),
                                      otl_yaml_value_pos(l->doc, map, "route"), "load on",
                                      &load->route);
    double any;

    if (err != OTEL_OK)
        return err;
    load->rate = otl_tree_double(map, "rate", 0);
    load->arrival = arrival_named(otl_tree_text(map, "arrival", ""));
    load->burst = (unsigned)otl_tree_int(map, "burst", 1);
    load->spins = strcmp(otl_tree_text(map, "pacer", ""), "spin") == 0;
    load->warmup_ns = otl_tree_duration_ns(map, "warmup", 0);
    load->duration_ns = otl_tree_duration_ns(map, "duration", 0);
    load->timeout_ns = otl_tree_duration_ns(map, "timeout", 0);
    load->connections = (unsigned)otl_tree_int(map, "connections", 1);
    load->queue = (size_t)otl_tree_int(map, "queue", 65536);
    load->body_bytes = (size_t)otl_tree_int(map, "body_bytes", 0);
    load->parent_sampled = otl_tree_double(incoming, "sampled", 0);
    load->parent_not_sampled = otl_tree_double(incoming, "not_sampled", 0);
    load->parent_malformed = otl_tree_double(incoming, "malformed", 0);
    load->parent_oversized = otl_tree_double(incoming, "oversized", 0);
    any = load->parent_sampled + load->parent_not_sampled + load->parent_malformed +
          load->parent_oversized;
    if (any > 1 + 1e-9)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "incoming"),
                              "incoming: the shares sum to %g, more than 1", any);
    err = check_rate(l, map, load);
    return err == OTEL_OK ? load_headers(l, json_object_get(map, "headers"), load) : err;
}

/* ---- overhead ----------------------------------------------------------------------------- */

static enum otel_err load_overhead(struct hx_loader *l, struct hx_overhead *ret)
{
    const json_t *map = json_object_get(l->scenario->tree, "overhead");
    const json_t *arms = json_object_get(map, "arms");
    size_t index;
    json_t *item;

    if (map == NULL)
        return OTEL_OK;
    ret->wanted = true;
    ret->arms[HX_ARM_NONE] = ret->arms[HX_ARM_NONE_AGAIN] = true;
    json_array_foreach(arms, index, item)
        for (size_t i = 0; i < HX_ARMS; i++) {
            if (strcmp(hx_arms[i].word, json_string_value(item)) != 0)
                continue;
            if (hx_arms[i].injected && json_object_get(map, "inject") == NULL)
                return otl_yaml_error(l->reterr, otl_yaml_item_pos(l->doc, arms, index),
                                      "the arm '%s' needs overhead.inject, which says what is "
                                      "added", hx_arms[i].word);
            ret->arms[i] = true;
        }
    ret->blocks = (unsigned)otl_tree_int(map, "blocks", 10);
    ret->warmup_ns = otl_tree_duration_ns(map, "warmup", 0);
    ret->slice_ns = otl_tree_duration_ns(map, "slice", 0);
    ret->saturation_rate = otl_tree_double(map, "saturation_rate", 0);
    ret->collector_delay_ns = otl_tree_duration_ns(map, "collector_delay", 0);
    ret->instructions = otl_tree_bool(map, "instructions", false);
    return OTEL_OK;
}

/* ---- expect ------------------------------------------------------------------------------- */

/* text[0..len) is "SERVICE ENTRY". */
static enum otel_err find_entry(struct hx_loader *l, const char *text, size_t len,
                                struct otl_yaml_pos pos, unsigned *ret_op)
{
    const char *words[WORDS_MAX + 1];
    char wanted[NAME_SIZE], near[NEAR_SIZE];
    size_t count = 0;

    snprintf(wanted, sizeof(wanted), "%.*s", (int)(len < NAME_SIZE ? len : NAME_SIZE - 1), text);
    for (unsigned i = 0; i < l->scenario->operation_count; i++) {
        char name[NAME_SIZE];
        if (l->operations[i].entry != i)
            continue;
        hx_plan_entry_text(l->scenario, i, name, sizeof(name));
        if (strcmp(name, wanted) == 0) {
            *ret_op = i;
            return OTEL_OK;
        }
        if (count < WORDS_MAX) {
            words[count] = otl_arena_strdup(l->arena, name);
            if (words[count++] == NULL)
                return OTEL_ERR_MEMORY;
        }
    }
    words[count] = NULL;
    otl_words_suggest(words, wanted, near, sizeof(near));
    if (near[0] == '\0')
        snprintf(near, sizeof(near), "; an entry is a service and its route or consumer, such as "
                                     "'%s'",
                 count ? words[0] : "");
    return otl_yaml_error(l->reterr, pos, "no entry '%s'%s", wanted, near);
}

static bool is_planned(const struct hx_plan *plan, unsigned from, unsigned to)
{
    for (size_t i = 0; i < plan->edge_count; i++)
        if (plan->edges[i].from_op == from && plan->edges[i].to_op == to)
            return true;
    return false;
}

static enum otel_err load_edges(struct hx_loader *l, const struct hx_plan *plan, const char *key,
                                const struct hx_edge_claim **ret, size_t *ret_count)
{
    const json_t *list = json_object_get(json_object_get(l->scenario->tree, "expect"), key);
    struct hx_edge_claim *edges = hx_loader_array(l, json_array_size(list), sizeof(*edges));

    if (edges == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct otl_yaml_pos pos = otl_yaml_item_pos(l->doc, list, i);
        const char *text = json_string_value(json_array_get(list, i));
        const char *arrow = strstr(text, " -> ");
        enum otel_err err;
        if (arrow == NULL)
            return otl_yaml_error(l->reterr, pos,
                                  "'%.100s' is no edge; expected 'SERVICE ENTRY -> SERVICE ENTRY'",
                                  text);
        edges[i].text = text;
        err = find_entry(l, text, (size_t)(arrow - text), pos, &edges[i].from_op);
        if (err == OTEL_OK)
            err = find_entry(l, arrow + 4, strlen(arrow + 4), pos, &edges[i].to_op);
        if (err == OTEL_OK && strcmp(key, "forbidden") != 0 &&
            !is_planned(plan, edges[i].from_op, edges[i].to_op))
            err = otl_yaml_error(l->reterr, pos,
                                 "'%.100s' can never be seen: the one neither calls the other nor "
                                 "publishes to it",
                                 text);
        if (err != OTEL_OK)
            return err;
    }
    *ret = edges;
    *ret_count = json_array_size(list);
    return OTEL_OK;
}

static enum otel_err load_checks(struct hx_loader *l, const json_t *map, struct hx_claims *claims)
{
    const json_t *list = json_object_get(map, "checks");
    const char **checks;

    if (list == NULL)
        return OTEL_OK; /* all of them */
    checks = hx_loader_array(l, json_array_size(list), sizeof(*checks));
    if (checks == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        checks[i] = json_string_value(json_array_get(list, i));
        for (size_t k = 0; k < i; k++)
            if (strcmp(checks[k], checks[i]) == 0)
                return otl_yaml_error(l->reterr, otl_yaml_item_pos(l->doc, list, i),
                                      "check '%s' is named twice", checks[i]);
    }
    claims->checks = checks;
    claims->check_count = json_array_size(list);
    return OTEL_OK;
}

/* A claim that the plan cannot keep is a mistake in the file, not a verdict. */
static enum otel_err check_spans(struct hx_loader *l, const json_t *map,
                                 const struct hx_plan *plan)
{
    uint64_t planned = plan->spans[hx_plan_start(l->scenario)];

    if ((double)planned < l->scenario->claims.spans_per_request_min)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "spans_per_request_min"),
                              "spans_per_request_min is %g, but the plan makes %llu spans",
                              l->scenario->claims.spans_per_request_min,
                              (unsigned long long)planned);
    return OTEL_OK;
}

/* Samples without regard to its parent, so that a trace may be kept in part. */
static bool may_split_traces(const struct hx_service *service)
{
    const struct hx_tracing *tracing = &service->tracing;

    if (service->broken.sample_on_its_own)
        return true;
    return tracing->enabled && tracing->instrumented &&
           strncmp(tracing->sampler, "parentbased_", 12) != 0;
}

static enum otel_err check_partial(struct hx_loader *l, const json_t *map)
{
    for (size_t i = 0; i < l->scenario->service_count; i++)
        if (may_split_traces(&l->services[i]))
            return OTEL_OK;
    if (!l->scenario->claims.partial_traces)
        return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "partial_traces"),
                          "partial_traces cannot hold: every service takes its parent's decision "
                          "(parentbased_...), so every trace is kept whole or not at all");
}

/* expect.namer: an instance of a service that consumes, or none. */
static enum otel_err load_namer(struct hx_loader *l, const json_t *map, struct hx_claims *claims)
{
    const char *words[WORDS_MAX + 1];
    char near[NEAR_SIZE];
    size_t count = 0;

    claims->namer = otl_tree_text(map, "namer", "");
    if (*claims->namer == '\0')
        return OTEL_OK;
    words[count++] = "none";
    for (size_t i = 0; i < l->scenario->service_count; i++) {
        const struct hx_service *service = &l->services[i];
        for (unsigned r = 0; r < service->replicas && service->consumer_count > 0; r++) {
            if (count == WORDS_MAX)
                break;
            words[count] = hx_loader_format(l, "%s-%u", service->name, r);
            if (words[count++] == NULL)
                return OTEL_ERR_MEMORY;
        }
    }
    words[count] = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], claims->namer) == 0)
            return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "namer"),
                          "'%.100s' is no instance that consumes messages, nor 'none'%s",
                          claims->namer,
                          otl_words_suggest(words, claims->namer, near, sizeof(near)));
}

/* expect.critical_path: "SERVICE SPAN", "SERVICE STATEMENT", or none. */
static enum otel_err load_path(struct hx_loader *l, const json_t *map, struct hx_claims *claims)
{
    const char *words[WORDS_MAX + 1];
    char near[NEAR_SIZE];
    size_t count = 0;

    claims->critical_path = otl_tree_text(map, "critical_path", "");
    if (*claims->critical_path == '\0')
        return OTEL_OK;
    words[count++] = "none";
    for (size_t i = 0; i < l->scenario->operation_count && count + 2 < WORDS_MAX; i++) {
        const struct hx_operation *op = &l->operations[i];
        words[count++] = hx_loader_format(l, "%s %s", op->service->name, op->name);
        if (op->step != NULL && op->step->kind == HX_STEP_SQL)
            words[count++] = hx_loader_format(l, "%s %s", op->service->name, op->step->statement);
        if (words[count - 1] == NULL || words[count - 2] == NULL)
            return OTEL_ERR_MEMORY;
    }
    words[count] = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], claims->critical_path) == 0)
            return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "critical_path"),
                          "'%.100s' is no span or statement of a service, nor 'none'%s",
                          claims->critical_path,
                          otl_words_suggest(words, claims->critical_path, near, sizeof(near)));
}

static enum otel_err load_expect(struct hx_loader *l, const struct hx_plan *plan)
{
    struct hx_claims *claims = &l->scenario->claims;
    const json_t *map = json_object_get(l->scenario->tree, "expect");
    enum otel_err err = load_checks(l, map, claims);

    claims->spans_per_request_min = otl_tree_double(map, "spans_per_request_min", 0);
    claims->allow_unknown = otl_tree_bool(map, "allow_unknown", false);
    claims->partial_traces = otl_tree_bool(map, "partial_traces", false);
    if (err == OTEL_OK)
        err = check_partial(l, map);
    if (err == OTEL_OK)
        err = load_namer(l, map, claims);
    if (err == OTEL_OK)
        err = load_path(l, map, claims);
    if (err == OTEL_OK)
        err = load_edges(l, plan, "required", &claims->required, &claims->required_count);
    if (err == OTEL_OK)
        err = load_edges(l, plan, "forbidden", &claims->forbidden, &claims->forbidden_count);
    if (err == OTEL_OK)
        err = load_edges(l, plan, "broken", &claims->broken, &claims->broken_count);
    if (err == OTEL_OK)
        err = hx_load_thresholds(l, plan);
    return err == OTEL_OK ? check_spans(l, map, plan) : err;
}

/* ---- broker, broken players --------------------------------------------------------------- */

static enum otel_err check_broker(struct hx_loader *l)
{
    const char *broker = l->scenario->broker, *colon = strrchr(broker, ':');
    uint64_t port;

    if (*broker == '\0' || strcmp(broker, "embedded") == 0)
        return OTEL_OK;
    if (colon != NULL && colon != broker && strpbrk(broker, " ,/") == NULL &&
        otl_parse_uint(colon + 1, 1, 65535, &port) == OTEL_OK)
        return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, l->scenario->tree, "broker"),
                          "broker must be 'embedded' or HOST:PORT, found '%.80s'", broker);
}

/* drop_context names a call or publish that the service makes. */
static enum otel_err check_broken(struct hx_loader *l, const struct hx_service *service)
{
    const json_t *map = json_object_get(
        json_object_get(json_object_get(l->scenario->tree, "services"), service->name), "broken");
    const char *words[WORDS_MAX + 1], *wanted = service->broken.drop_context;
    char near[NEAR_SIZE];
    size_t count = 0;

    if (*wanted == '\0')
        return OTEL_OK;
    for (size_t i = 0; i < l->scenario->operation_count && count < WORDS_MAX; i++) {
        const struct hx_operation *operation = &l->operations[i];
        const char *text = NULL;
        if (operation->service != service || operation->step == NULL)
            continue;
        if (operation->step->kind == HX_STEP_CALL)
            text = hx_loader_format(l, "call %s %s", operation->step->to->name,
                                    operation->step->route->name);
        else if (operation->step->kind == HX_STEP_PUBLISH)
            text = hx_loader_format(l, "publish %s", operation->step->topic->name);
        else
            continue;
        if (text == NULL)
            return OTEL_ERR_MEMORY;
        if (strcmp(text, wanted) == 0)
            return OTEL_OK;
        words[count++] = text;
    }
    words[count] = NULL;
    otl_words_suggest(words, wanted, near, sizeof(near));
    return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "drop_context"),
                          "service '%s' does no '%.100s'%s", service->name, wanted, near);
}

enum otel_err hx_load_claims(struct hx_loader *l)
{
    struct hx_plan *plan;
    enum otel_err err = load_load(l, &l->scenario->load);

    if (err == OTEL_OK)
        err = check_broker(l);
    for (size_t i = 0; err == OTEL_OK && i < l->scenario->service_count; i++)
        err = check_broken(l, &l->scenario->services[i]);
    if (err == OTEL_OK)
        err = hx_plan_new(l->scenario, &plan, NULL);
    if (err != OTEL_OK)
        return err;
    err = load_overhead(l, &l->scenario->overhead);
    if (err == OTEL_OK)
        err = load_expect(l, plan);
    hx_plan_free(plan);
    return err;
}
