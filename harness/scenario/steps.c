/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of routes and consumers, and the numbering of operations in document order. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "harness/scenario/schema.h"

enum { NEAR_SIZE = 160 };

/* Where a list of steps stands. */
struct place {
    const struct hx_service *service;
    unsigned entry;
    unsigned parent; /* operation of the span around */
    unsigned depth;
    bool consumer;
    bool parallel;
};

static enum otel_err load_steps(struct hx_loader *l, const json_t *list, struct place place,
                                const struct hx_step **ret, size_t *ret_count);

/* ---- parts -------------------------------------------------------------------------------- */

static enum otel_err load_delay(struct hx_loader *l, const json_t *map, const char *key,
                                struct hx_delay *ret)
{
    const json_t *value = json_object_get(map, key);
    const json_t *uniform = json_object_get(value, "uniform");
    const json_t *lognormal = json_object_get(value, "lognormal");
    json_t *bounds;

    if (lognormal != NULL) {
        ret->kind = HX_DELAY_LOGNORMAL;
        ret->low_ns = otl_tree_duration_ns(lognormal, "median", 0);
        ret->sigma = otl_tree_double(lognormal, "sigma", 0);
        return OTEL_OK;
    }
    if (uniform == NULL) {
        ret->kind = HX_DELAY_CONSTANT;
        ret->low_ns = otl_tree_duration_ns(map, key, 0);
        return OTEL_OK;
    }
    bounds = json_pack("{sOsO}", "low", json_array_get(uniform, 0), "high",
                       json_array_get(uniform, 1));
    if (bounds == NULL)
        return OTEL_ERR_MEMORY;
    ret->kind = HX_DELAY_UNIFORM;
    ret->low_ns = otl_tree_duration_ns(bounds, "low", 0);
    ret->high_ns = otl_tree_duration_ns(bounds, "high", 0);
    json_decref(bounds);
    if (ret->low_ns > ret->high_ns)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, value, "uniform"),
                              "uniform: the first bound is larger than the second");
    return OTEL_OK;
}

/* An event is its name, or a map with name and attributes. */
static enum otel_err load_event(struct hx_loader *l, const json_t *value, struct hx_event *ret)
{
    ret->name = json_is_string(value) ? json_string_value(value) : otl_tree_text(value, "name", "");
    return hx_load_attributes(l, json_object_get(value, "attributes"), &ret->attributes);
}

static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return 0;
}

/* Attributes, events and status of the span that the step makes; its number. */
static enum otel_err load_span_part(struct hx_loader *l, const json_t *map, struct place place,
                                    struct hx_step *step)
{
    static const char *const statuses[] = {"unset", "ok", "error", NULL};
    const json_t *list = json_object_get(map, "events");
    struct hx_event *events = hx_loader_array(l, json_array_size(list), sizeof(*events));
    enum otel_err err = events ? OTEL_OK : OTEL_ERR_MEMORY;
    struct hx_operation *operation;

    if (err == OTEL_OK)
        err = hx_load_attributes(l, json_object_get(map, "attributes"), &step->attributes);
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++)
        err = load_event(l, json_array_get(list, i), &events[i]);
    if (err == OTEL_OK)
        err = hx_loader_operation(l, map, otl_yaml_container_pos(l->doc, map), &step->op);
    if (err != OTEL_OK)
        return err;
    step->events = events;
    step->event_count = json_array_size(list);
    step->status = (enum hx_status)word_index(statuses, otl_tree_text(map, "status", "unset"));
    step->status_message = otl_tree_text(map, "status_message", "");
    operation = &l->operations[step->op];
    operation->name = step->name;
    operation->kind = step->span_kind;
    operation->service = place.service;
    operation->parent = (int)place.parent;
    operation->entry = place.entry;
    operation->step = step;
    return OTEL_OK;
}

/* ---- one function a verb ------------------------------------------------------------------ */

static enum otel_err load_span(struct hx_loader *l, const json_t *map, struct place place,
                               struct hx_step *step)
{
    static const char *const kinds[] = {"internal", "server", "client", "producer", "consumer",
                                        NULL};
    enum otel_err err;

    step->name = otl_tree_text(map, "span", "");
    step->span_kind =
        (enum hx_span_kind)(word_index(kinds, otl_tree_text(map, "kind", "internal")) + 1);
    err = load_span_part(l, map, place, step);
    if (err != OTEL_OK)
        return err;
    place.parent = step->op;
    place.depth++;
    return load_steps(l, json_object_get(map, "steps"), place, &step->steps, &step->step_count);
}

static void load_sometimes(const json_t *map, struct hx_step *step)
{
    step->probability = otl_tree_double(map, "probability", 1);
    step->only_key = otl_tree_text(map, "only_key", "");
}

static enum otel_err load_work(struct hx_loader *l, const json_t *map, struct place place,
                               struct hx_step *step)
{
    (void)place;
    load_sometimes(map, step);
    return load_delay(l, map, "work", &step->delay);
}

static enum otel_err load_wait(struct hx_loader *l, const json_t *map, struct place place,
                               struct hx_step *step)
{
    (void)place;
    load_sometimes(map, step);
    return load_delay(l, map, "wait", &step->delay);
}

static enum otel_err load_call(struct hx_loader *l, const json_t *map, struct place place,
                               struct hx_step *step)
{
    enum otel_err err = hx_find_route(l, otl_tree_text(map, "call", ""),
                                      otl_yaml_value_pos(l->doc, map, "call"), "call to",
                                      &step->route);

    if (err != OTEL_OK)
        return err;
    load_sometimes(map, step);
    step->to = step->route->service;
    step->name = otl_tree_text(map, "name", step->route->name);
    step->span_kind = HX_CLIENT;
    step->inject = otl_tree_bool(map, "inject", true);
    return load_span_part(l, map, place, step);
}

static enum otel_err load_parallel(struct hx_loader *l, const json_t *map, struct place place,
                                   struct hx_step *step)
{
    place.parallel = true;
    place.depth++;
    return load_steps(l, json_object_get(map, "parallel"), place, &step->steps, &step->step_count);
}

/* "SELECT * FROM orders WHERE ..." -> "SELECT orders" */
static const char *sql_name(struct hx_loader *l, const char *statement)
{
    static const char *const before_table[] = {"FROM", "INTO", "UPDATE", "TABLE", NULL};
    char verb[32] = "", word[64], table[64] = "";
    bool next = false;

    for (const char *p = statement; *p != '\0' && table[0] == '\0';) {
        size_t skip = strspn(p, " \t\r\n(),;\"`"), len;
        p += skip;
        len = strcspn(p, " \t\r\n(),;\"`");
        snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), p);
        p += len;
        if (next) {
            snprintf(table, sizeof(table), "%s", word);
            break;
        }
        for (char *c = word; *c != '\0'; c++)
            *c = (char)toupper((unsigned char)*c);
        if (verb[0] == '\0')
            snprintf(verb, sizeof(verb), "%.31s", word);
        for (const char *const *b = before_table; *b != NULL; b++)
            next = next || strcmp(*b, word) == 0;
    }
    return hx_loader_format(l, "%s%s%s", verb[0] ? verb : "SQL", table[0] ? " " : "", table);
}

static enum otel_err load_sql(struct hx_loader *l, const json_t *map, struct place place,
                              struct hx_step *step)
{
    const json_t *list = json_object_get(map, "parameters");
    const char **parameters = hx_loader_array(l, json_array_size(list), sizeof(*parameters));
    enum otel_err err = OTEL_OK;

    step->statement = otl_tree_text(map, "sql", "");
    step->name = otl_tree_text(map, "name", NULL);
    if (step->name == NULL)
        step->name = sql_name(l, step->statement);
    if (parameters == NULL || step->name == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        parameters[i] = json_string_value(item);
        if (parameters[i] == NULL && json_is_integer(item))
            parameters[i] = hx_loader_format(l, "%lld", (long long)json_integer_value(item));
        else if (parameters[i] == NULL && json_is_real(item))
            parameters[i] = hx_loader_format(l, "%.17g", json_real_value(item));
        else if (parameters[i] == NULL)
            parameters[i] = json_is_true(item) ? "1" : "0";
        if (parameters[i] == NULL)
            return OTEL_ERR_MEMORY;
        err = hx_check_template(l, parameters[i], otl_yaml_item_pos(l->doc, list, i));
    }
    step->parameters = parameters;
    step->parameter_count = json_array_size(list);
    step->span_kind = HX_CLIENT;
    return err == OTEL_OK ? load_span_part(l, map, place, step) : err;
}

static enum otel_err load_publish(struct hx_loader *l, const json_t *map, struct place place,
                                  struct hx_step *step)
{
    const char *topic = otl_tree_text(map, "publish", "");
    char near[NEAR_SIZE];
    enum otel_err err;

    step->topic = hx_scenario_topic(l->scenario, topic);
    if (step->topic == NULL)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "publish"),
                              "publish to the unknown topic '%.80s'%s", topic,
                              otl_tree_suggest(json_object_get(l->scenario->tree, "topics"), topic,
                                               near, sizeof(near)));
    step->name = otl_tree_text(map, "name", NULL);
    if (step->name == NULL)
        step->name = hx_loader_format(l, "publish %s", topic);
    if (step->name == NULL)
        return OTEL_ERR_MEMORY;
    step->span_kind = HX_PRODUCER;
    step->message_key = otl_tree_text(map, "key", "");
    step->hot_key = otl_tree_text(json_object_get(map, "hot_key"), "key", "");
    step->hot_share = otl_tree_double(json_object_get(map, "hot_key"), "share", 0);
    step->message_bytes = (size_t)otl_tree_int(map, "bytes", 2048);
    step->inject = otl_tree_bool(map, "inject", true);
    err = hx_check_template(l, step->message_key, otl_yaml_value_pos(l->doc, map, "key"));
    return err == OTEL_OK ? load_span_part(l, map, place, step) : err;
}

static enum otel_err load_fail(struct hx_loader *l, const json_t *map, struct place place,
                               struct hx_step *step)
{
    const json_t *fail = json_object_get(map, "fail");

    (void)l;
    (void)place;
    step->probability = otl_tree_double(fail, "probability", 1);
    step->http_status = (int)otl_tree_int(fail, "status", 500);
    step->exception_type = otl_tree_text(fail, "type", "failed");
    step->exception_message = otl_tree_text(fail, "message", "");
    return OTEL_OK;
}

static enum otel_err load_exception(struct hx_loader *l, const json_t *map, struct place place,
                                    struct hx_step *step)
{
    const json_t *exception = json_object_get(map, "exception");

    (void)l;
    (void)place;
    step->probability = otl_tree_double(exception, "probability", 1);
    step->exception_type = otl_tree_text(exception, "type", "");
    step->exception_message = otl_tree_text(exception, "message", "");
    step->pass_on = otl_tree_bool(exception, "pass_on", true);
    step->http_status = 500;
    return OTEL_OK;
}

static enum otel_err load_event_step(struct hx_loader *l, const json_t *map, struct place place,
                                     struct hx_step *step)
{
    struct hx_event *event = hx_loader_array(l, 1, sizeof(*event));

    (void)place;
    if (event == NULL)
        return OTEL_ERR_MEMORY;
    step->event = event;
    return load_event(l, json_object_get(map, "event"), event);
}

/* Names of baggage travel in a header: tokens of RFC 9110. */
static enum otel_err check_token(struct hx_loader *l, const char *text, struct otl_yaml_pos pos,
                                 const char *what)
{
    const char *p = text;

    while (isalnum((unsigned char)*p) || (*p != '\0' && strchr("!#$%&'*+-.^_`|~", *p) != NULL))
        p++;
    if (*p == '\0' && p != text)
        return OTEL_OK;
    return otl_yaml_error(l->reterr, pos, "'%.80s' cannot be the name of %s", text, what);
}

static enum otel_err load_set_baggage(struct hx_loader *l, const json_t *map, struct place place,
                                      struct hx_step *step)
{
    const json_t *values = json_object_get(map, "set_baggage");
    struct hx_baggage_item *items = hx_loader_array(l, json_object_size(values), sizeof(*items));
    const char *name;
    json_t *value;

    if (items == NULL)
        return OTEL_ERR_MEMORY;
    step->baggage = items;
    json_object_foreach((json_t *)values, name, value) {
        struct hx_baggage_item *item = &items[step->baggage_count++];
        struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, values, name);
        enum otel_err err = check_token(l, name, otl_yaml_key_pos(l->doc, values, name),
                                        "a baggage entry");
        item->name = name;
        item->value = json_is_string(value) ? json_string_value(value) : "";
        item->from_header = otl_tree_text(value, "header", "");
        if (err == OTEL_OK && *item->from_header != '\0' && place.consumer)
            err = otl_yaml_error(l->reterr, pos, "a consumer has no request header to read");
        if (err == OTEL_OK && *item->from_header != '\0')
            err = check_token(l, item->from_header, pos, "a header");
        if (err == OTEL_OK)
            err = hx_check_template(l, item->value, pos);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err load_read_baggage(struct hx_loader *l, const json_t *map, struct place place,
                                       struct hx_step *step)
{
    const json_t *list = json_object_get(map, "read_baggage");
    struct hx_baggage_item *items = hx_loader_array(l, json_array_size(list), sizeof(*items));
    enum otel_err err = items ? OTEL_OK : OTEL_ERR_MEMORY;

    (void)place;
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++) {
        items[i] = (struct hx_baggage_item){json_string_value(json_array_get(list, i)), "", ""};
        err = check_token(l, items[i].name, otl_yaml_item_pos(l->doc, list, i), "a baggage entry");
    }
    step->baggage = items;
    step->baggage_count = json_array_size(list);
    return err;
}

static const struct {
    const char *verb;
    enum hx_step_kind kind;
    enum otel_err (*load)(struct hx_loader *, const json_t *, struct place, struct hx_step *);
} verbs[] = {
    {"span", HX_STEP_SPAN, load_span},
    {"work", HX_STEP_WORK, load_work},
    {"wait", HX_STEP_WAIT, load_wait},
    {"call", HX_STEP_CALL, load_call},
    {"parallel", HX_STEP_PARALLEL, load_parallel},
    {"sql", HX_STEP_SQL, load_sql},
    {"publish", HX_STEP_PUBLISH, load_publish},
    {"fail", HX_STEP_FAIL, load_fail},
    {"exception", HX_STEP_EXCEPTION, load_exception},
    {"event", HX_STEP_EVENT, load_event_step},
    {"set_baggage", HX_STEP_SET_BAGGAGE, load_set_baggage},
    {"read_baggage", HX_STEP_READ_BAGGAGE, load_read_baggage},
};

/* ---- lists -------------------------------------------------------------------------------- */

static enum otel_err check_sometimes(struct hx_loader *l, const json_t *map, struct place place,
                                     const struct hx_step *step)
{
    if (*step->only_key != '\0' && !place.consumer)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "only_key"),
                              "only_key looks at a message's key, and a route has no message");
    return OTEL_OK;
}

static enum otel_err load_step(struct hx_loader *l, const json_t *map, struct place place,
                               struct hx_step *step)
{
    const struct otl_schema *kind = otl_schema_kind(hx_scenario_step, map);

    step->op = UINT_MAX;
    step->name = step->status_message = step->message_key = step->statement = "";
    step->hot_key = step->only_key = "";
    step->probability = 1;
    step->exception_type = step->exception_message = "";
    step->inject = true;
    if (place.parallel && strcmp(kind->key, "call") != 0)
        return otl_yaml_error(l->reterr, otl_yaml_container_pos(l->doc, map),
                              "parallel holds calls only, found '%s'", kind->key);
    place.parallel = false;
    if (place.service->foreign != NULL) {
        enum otel_err err = hx_check_foreign_step(l, map, kind->key);
        if (err != OTEL_OK)
            return err;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].verb, kind->key) != 0)
            continue;
        enum otel_err err;
        step->kind = verbs[i].kind;
        err = verbs[i].load(l, map, place, step);
        return err == OTEL_OK ? check_sometimes(l, map, place, step) : err;
    }
    return OTEL_ERR_UNSUPPORTED; /* a row of the grammar without a row above: tests see it */
}

static enum otel_err load_steps(struct hx_loader *l, const json_t *list, struct place place,
                                const struct hx_step **ret, size_t *ret_count)
{
    struct hx_step *steps = hx_loader_array(l, json_array_size(list), sizeof(*steps));
    struct otl_yaml_pos pos = otl_yaml_container_pos(l->doc, list);
    enum otel_err err = steps ? OTEL_OK : OTEL_ERR_MEMORY;

    if (place.depth > HX_MAX_STEP_DEPTH)
        return otl_detail_set(l->reterr, OTEL_ERR_LIMIT, pos.source, pos.line, pos.column,
                              "steps nested more than %d deep", HX_MAX_STEP_DEPTH);
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++)
        err = load_step(l, json_array_get(list, i), place, &steps[i]);
    if (err != OTEL_OK)
        return err;
    *ret = steps;
    *ret_count = json_array_size(list);
    return OTEL_OK;
}

/* A route or consumer: its own operation, then its steps. */
static enum otel_err load_entry(struct hx_loader *l, const json_t *map,
                                const struct hx_operation *entry, unsigned *ret_op,
                                const struct hx_step **ret, size_t *ret_count)
{
    struct place place = {.service = entry->service, .depth = 1,
                          .consumer = entry->kind == HX_CONSUMER};
    enum otel_err err =
        hx_loader_operation(l, map, otl_yaml_container_pos(l->doc, map), &place.entry);

    if (err != OTEL_OK)
        return err;
    l->operations[place.entry] = *entry;
    l->operations[place.entry].index = place.entry;
    l->operations[place.entry].entry = place.entry;
    l->operations[place.entry].parent = -1;
    place.parent = place.entry;
    *ret_op = place.entry;
    return load_steps(l, json_object_get(map, "steps"), place, ret, ret_count);
}

static enum otel_err load_service_steps(struct hx_loader *l, struct hx_service *service)
{
    const json_t *map =
        json_object_get(json_object_get(l->scenario->tree, "services"), service->name);
    struct hx_operation entry = {.service = service};
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < service->route_count; i++) {
        struct hx_route *route = (struct hx_route *)&service->routes[i];
        entry.name = route->name;
        entry.kind = HX_SERVER;
        err = load_entry(l, json_object_get(json_object_get(map, "routes"), route->name), &entry,
                         &route->op, &route->steps, &route->step_count);
    }
    for (size_t i = 0; err == OTEL_OK && i < service->consumer_count; i++) {
        struct hx_consumer *consumer = (struct hx_consumer *)&service->consumers[i];
        entry.name = consumer->name;
        entry.kind = HX_CONSUMER;
        err = load_entry(l,
                         json_object_get(json_object_get(map, "consumers"), consumer->topic->name),
                         &entry, &consumer->op, &consumer->steps, &consumer->step_count);
    }
    return err;
}

enum otel_err hx_load_all_steps(struct hx_loader *l)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < l->scenario->service_count; i++)
        err = load_service_steps(l, &l->services[i]);
    return err;
}
