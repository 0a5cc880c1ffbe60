/* SPDX-License-Identifier: Apache-2.0 */
/* Services, routes, consumers and topics: everything that a step can name. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"

enum { NAME_MAX_LEN = 64, WORDS_MAX = 256, NEAR_SIZE = 160, NS_PER_MS = 1000 * 1000 };

/* Names of services, topics and agents stand in file names, host lists and edges. */
enum otel_err hx_loader_name(struct hx_loader *l, const json_t *map, const char *name,
                             const char *what)
{
    size_t len = strlen(name);
    bool ok = len > 0 && len <= NAME_MAX_LEN && isalnum((unsigned char)name[0]);

    for (size_t i = 0; ok && i < len; i++)
        ok = isalnum((unsigned char)name[i]) || strchr("._-", name[i]) != NULL;
    if (ok && strcmp(name, "load") == 0)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, name),
                              "'load' is the load client's name; %s needs another", what);
    if (ok)
        return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, name),
                          "the name '%.80s' of %s must be 1 to %d letters, digits, '.', '_' or "
                          "'-' and begin with a letter or digit",
                          name, what, NAME_MAX_LEN);
}

static enum otel_err load_topics(struct hx_loader *l)
{
    const json_t *map = json_object_get(l->scenario->tree, "topics");
    const char *name;
    json_t *value;
    size_t count = 0;

    l->topics = hx_loader_array(l, json_object_size(map), sizeof(*l->topics));
    if (l->topics == NULL)
        return OTEL_ERR_MEMORY;
    json_object_foreach((json_t *)map, name, value) {
        enum otel_err err = hx_loader_name(l, map, name, "a topic");
        if (err != OTEL_OK)
            return err;
        l->topics[count] = (struct hx_topic){.name = name, .index = (unsigned)count};
        l->topics[count++].partitions = (unsigned)otl_tree_int(value, "partitions", 0);
    }
    l->scenario->topics = l->topics;
    l->scenario->topic_count = count;
    return OTEL_OK;
}

/* ---- tracing ------------------------------------------------------------------------------ */

static bool list_holds(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    return false;
}

bool hx_sampler_has_ratio(const char *word)
{
    return strstr(word, "traceidratio") != NULL || strstr(word, "probability") != NULL;
}

static enum otel_err load_tracing(struct hx_loader *l, const json_t *map, struct hx_tracing *ret)
{
    const json_t *propagators = json_object_get(map, "propagators");
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "max_export_batch_size");

    ret->instrumented = otl_tree_bool(map, "instrumented", true);
    ret->enabled = ret->instrumented && otl_tree_bool(map, "enabled", true);
    ret->sampler = otl_tree_text(map, "sampler", "");
    ret->sampler_arg = otl_tree_double(map, "sampler_arg", 1);
    ret->propagate_tracecontext = list_holds(propagators, "tracecontext");
    ret->propagate_baggage = list_holds(propagators, "baggage");
    ret->simple = strcmp(otl_tree_text(map, "processor", ""), "simple") == 0;
    ret->max_queue_size = (size_t)otl_tree_int(map, "max_queue_size", 0);
    ret->max_export_batch_size = (size_t)otl_tree_int(map, "max_export_batch_size", 0);
    ret->schedule_delay_ns = otl_tree_duration_ns(map, "schedule_delay", 0);
    ret->export_timeout_ns = otl_tree_duration_ns(map, "export_timeout", 0);
    ret->gzip = strcmp(otl_tree_text(map, "compression", ""), "gzip") == 0;
    ret->grpc = strcmp(otl_tree_text(map, "protocol", ""), "grpc") == 0;
    if (strcmp(pos.source, "default") == 0)
        pos = otl_yaml_value_pos(l->doc, map, "max_queue_size");
    if (ret->max_export_batch_size > ret->max_queue_size)
        return otl_yaml_error(l->reterr, pos,
                              "max_export_batch_size (%zu) is larger than max_queue_size (%zu)",
                              ret->max_export_batch_size, ret->max_queue_size);
    return OTEL_OK;
}

static void load_broken(const json_t *map, struct hx_broken *ret)
{
    ret->drop_context = otl_tree_text(map, "drop_context", "");
    ret->trust_malformed = otl_tree_bool(map, "trust_malformed", false);
    ret->sample_on_its_own = otl_tree_bool(map, "sample_on_its_own", false);
    ret->swap_parents_every = (unsigned)otl_tree_int(map, "swap_parents_every", 0);
    ret->lose_one_in = (unsigned)otl_tree_int(map, "lose_one_in", 0);
    ret->lose_and_overcount = (unsigned)otl_tree_int(map, "lose_and_overcount", 0);
    ret->duplicate_every = (unsigned)otl_tree_int(map, "duplicate_every", 0);
    ret->lose_link_every = (unsigned)otl_tree_int(map, "lose_link_every", 0);
    ret->reuse_id_every = (unsigned)otl_tree_int(map, "reuse_id_every", 0);
    ret->alter_every = (unsigned)otl_tree_int(map, "alter_every", 0);
    ret->stale_log_ids = otl_tree_bool(map, "stale_log_ids", false);
    ret->clock_offset_ns = otl_tree_int(map, "clock_offset_ms", 0) * NS_PER_MS;
    ret->clock_step_ns = otl_tree_int(map, "clock_step_ms", 0) * NS_PER_MS;
    ret->clock_step_every = (unsigned)otl_tree_int(map, "clock_step_every", 0);
}

static void load_inject(const json_t *map, struct hx_inject *ret)
{
    ret->instructions = (uint64_t)otl_tree_int(map, "instructions", 0);
    ret->slow_share = otl_tree_double(map, "slow_share", 0);
    ret->slow_ns = otl_tree_duration_ns(map, "slow", 0);
    ret->exporter_ns = otl_tree_duration_ns(map, "exporter", 0);
    ret->bytes = (unsigned)otl_tree_int(map, "bytes", 0);
}

/* ---- routes, consumers -------------------------------------------------------------------- */

static enum otel_err split_route(struct hx_loader *l, const json_t *routes, const char *name,
                                 struct hx_route *ret)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", NULL};
    struct otl_yaml_pos pos = otl_yaml_key_pos(l->doc, routes, name);
    size_t len = strcspn(name, " ");
    const char *path = name[len] == ' ' ? name + len + 1 : "";
    char method[16], near[NEAR_SIZE];

    snprintf(method, sizeof(method), "%.*s", (int)(len < 15 ? len : 15), name);
    if (path[0] != '/' || strpbrk(path, " ?#\t\r\n") != NULL || strlen(path) > 256)
        return otl_yaml_error(l->reterr, pos,
                              "'%.80s' is no route; expected a method and a path such as "
                              "'POST /orders'",
                              name);
    for (const char *const *word = methods; *word != NULL; word++)
        if (strcmp(*word, method) == 0)
            ret->method = *word;
    if (ret->method == NULL)
        return otl_yaml_error(l->reterr, pos, "unknown method '%s'%s", method,
                              otl_words_suggest(methods, method, near, sizeof(near)));
    ret->path = path;
    ret->name = name;
    return OTEL_OK;
}

static enum otel_err load_consumer(struct hx_loader *l, const json_t *map, const json_t *consumers,
                                   const char *topic, struct hx_consumer *ret)
{
    struct otl_yaml_pos pos = otl_yaml_key_pos(l->doc, consumers, topic);
    static const char *const edges[] = {"parent", "link", "both", "none"};
    const char *edge = otl_tree_text(map, "edge", "link");
    char near[NEAR_SIZE];

    ret->topic = hx_scenario_topic(l->scenario, topic);
    if (ret->topic == NULL)
        return otl_yaml_error(l->reterr, pos, "consumer of the unknown topic '%.80s'%s", topic,
                              otl_tree_suggest(json_object_get(l->scenario->tree, "topics"), topic,
                                               near, sizeof(near)));
    ret->name = otl_tree_text(map, "name", NULL);
    if (ret->name == NULL)
        ret->name = hx_loader_format(l, "process %s", topic);
    ret->group = otl_tree_text(map, "group", ret->service->name);
    for (int i = 0; i < 4; i++)
        if (strcmp(edges[i], edge) == 0)
            ret->edge = (enum hx_edge_mode)i;
    ret->max_in_hand = (unsigned)otl_tree_int(map, "max_in_hand", 1);
    ret->session_timeout_ns = otl_tree_duration_ns(map, "session_timeout", 0);
    ret->max_poll_interval_ns = otl_tree_duration_ns(map, "max_poll_interval", 0);
    ret->batch = (unsigned)otl_tree_int(map, "batch", 1);
    ret->batch_wait_ns = otl_tree_duration_ns(map, "batch_wait", 0);
    if (ret->batch > 1 && ret->edge == HX_EDGE_PARENT)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "edge"),
                              "a batch of %u messages cannot have each sender as its parent; use "
                              "link, or both (the first one's is the parent, all are linked)",
                              ret->batch);
    ret->assignor = otl_tree_text(map, "assignor", "range");
    ret->static_membership = otl_tree_bool(map, "static_membership", false);
    if (ret->max_poll_interval_ns < ret->session_timeout_ns)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "max_poll_interval"),
                              "max_poll_interval must not be shorter than session_timeout");
    return ret->name ? hx_load_attributes(l, json_object_get(map, "attributes"), &ret->attributes)
                     : OTEL_ERR_MEMORY;
}

static enum otel_err load_routes(struct hx_loader *l, const json_t *map, struct hx_service *service)
{
    struct hx_route *routes = hx_loader_array(l, json_object_size(map), sizeof(*routes));
    const char *name;
    json_t *value;
    enum otel_err err = routes ? OTEL_OK : OTEL_ERR_MEMORY;

    if (err != OTEL_OK)
        return err;
    service->routes = routes;
    json_object_foreach((json_t *)map, name, value) {
        struct hx_route *route = &routes[service->route_count];
        route->service = service;
        route->span = otl_tree_bool(value, "span", true);
        err = split_route(l, map, name, route);
        if (err == OTEL_OK)
            err = hx_load_attributes(l, json_object_get(value, "attributes"), &route->attributes);
        if (err != OTEL_OK)
            return err;
        service->route_count++;
    }
    return OTEL_OK;
}

static enum otel_err load_consumers(struct hx_loader *l, const json_t *map,
                                    struct hx_service *service)
{
    struct hx_consumer *consumers = hx_loader_array(l, json_object_size(map), sizeof(*consumers));
    const char *topic;
    json_t *value;
    enum otel_err err = consumers ? OTEL_OK : OTEL_ERR_MEMORY;

    if (err != OTEL_OK)
        return err;
    service->consumers = consumers;
    json_object_foreach((json_t *)map, topic, value) {
        struct hx_consumer *consumer = &consumers[service->consumer_count];
        consumer->service = service;
        err = load_consumer(l, value, map, topic, consumer);
        for (size_t i = 0; err == OTEL_OK && i < service->consumer_count; i++)
            if (strcmp(consumers[i].name, consumer->name) == 0)
                err = otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, value, "name"),
                                     "two consumers of %s are named '%.80s'", service->name,
                                     consumer->name);
        if (err != OTEL_OK)
            return err;
        service->consumer_count++;
    }
    return OTEL_OK;
}

static enum hx_stop_way stop_way(const char *word)
{
    static const char *const ways[] = {"drain", "flush_and_stay", "flush_and_exit", "none"};
    unsigned way = 0;

    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(ways[i], word) == 0)
            way = i;
    return (enum hx_stop_way)way;
}

static enum otel_err load_database(struct hx_loader *l, const json_t *list, struct hx_service *ret)
{
    const char **statements = hx_loader_array(l, json_array_size(list), sizeof(*statements));

    if (statements == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++)
        statements[i] = json_string_value(json_array_get(list, i));
    ret->database = statements;
    ret->database_count = json_array_size(list);
    return OTEL_OK;
}

static enum otel_err load_service(struct hx_loader *l, const json_t *services, const char *name,
                                  struct hx_service *ret)
{
    const json_t *map = json_object_get(services, name);
    enum otel_err err = hx_loader_name(l, services, name, "a service");

    if (err != OTEL_OK)
        return err;
    ret->name = name;
    ret->replicas = (unsigned)otl_tree_int(map, "replicas", 1);
    ret->version = otl_tree_text(map, "version", "");
    ret->http = strcmp(otl_tree_text(map, "http", ""), "lean") == 0 ? HX_HTTP_LEAN : HX_HTTP_EVHTTP;
    ret->stop = stop_way(otl_tree_text(map, "stop", "drain"));
    load_broken(json_object_get(map, "broken"), &ret->broken);
    load_inject(json_object_get(map, "inject"), &ret->inject);
    err = hx_load_attributes(l, json_object_get(map, "resource"), &ret->resource);
    if (err == OTEL_OK)
        err = load_database(l, json_object_get(map, "database"), ret);
    if (err == OTEL_OK)
        err = load_tracing(l, json_object_get(map, "tracing"), &ret->tracing);
    if (err == OTEL_OK)
        err = load_routes(l, json_object_get(map, "routes"), ret);
    if (err == OTEL_OK)
        err = load_consumers(l, json_object_get(map, "consumers"), ret);
    if (err == OTEL_OK && ret->route_count + ret->consumer_count == 0)
        err = otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, services, name),
                             "service '%s' has neither routes nor consumers", name);
    return err == OTEL_OK ? hx_load_foreign(l, services, ret) : err;
}

/* Members of one group that know no common assignor are refused by Kafka; the embedded broker
 * ends. */
static enum otel_err check_assignors(struct hx_loader *l, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < l->services[i].consumer_count; c++)
            for (size_t k = 0; k < i; k++)
                for (size_t d = 0; d < l->services[k].consumer_count; d++) {
                    const struct hx_consumer *a = &l->services[k].consumers[d];
                    const struct hx_consumer *b = &l->services[i].consumers[c];
                    if (strcmp(a->group, b->group) == 0 && strcmp(a->assignor, b->assignor) != 0)
                        return otl_yaml_error(l->reterr,
                                              otl_yaml_key_pos(l->doc,
                                                               json_object_get(
                                                                   l->scenario->tree, "services"),
                                                               b->service->name),
                                              "group %.64s: %s assigns by %s, %s by %s; one group "
                                              "has one assignor",
                                              a->group, a->service->name, a->assignor,
                                              b->service->name, b->assignor);
                }
    return OTEL_OK;
}

enum otel_err hx_load_fleet(struct hx_loader *l)
{
    const json_t *map = json_object_get(l->scenario->tree, "services");
    const char *name;
    json_t *value;
    size_t count = 0;
    enum otel_err err = load_topics(l);

    l->services = hx_loader_array(l, json_object_size(map), sizeof(*l->services));
    if (l->services == NULL)
        return OTEL_ERR_MEMORY;
    l->scenario->services = l->services;
    if (err != OTEL_OK)
        return err;
    json_object_foreach((json_t *)map, name, value) {
        l->services[count].index = (unsigned)count;
        err = load_service(l, map, name, &l->services[count]);
        if (err != OTEL_OK)
            return err;
        l->scenario->service_count = ++count;
    }
    return check_assignors(l, count);
}

/* ---- "SERVICE METHOD /path" --------------------------------------------------------------- */

enum otel_err hx_find_route(struct hx_loader *l, const char *text, struct otl_yaml_pos pos,
                            const char *what, const struct hx_route **ret)
{
    size_t len = strcspn(text, " ");
    const char *words[WORDS_MAX + 1], *route = text[len] == ' ' ? text + len + 1 : "";
    const struct hx_service *service;
    char name[NAME_MAX_LEN + 1], near[NEAR_SIZE];
    size_t count = 0;

    snprintf(name, sizeof(name), "%.*s", (int)(len < NAME_MAX_LEN ? len : NAME_MAX_LEN), text);
    service = hx_scenario_service(l->scenario, name);
    if (service == NULL)
        return otl_yaml_error(l->reterr, pos, "%s the unknown service '%s'%s", what, name,
                              otl_tree_suggest(json_object_get(l->scenario->tree, "services"),
                                               name, near, sizeof(near)));
    for (size_t i = 0; i < service->route_count; i++) {
        if (strcmp(service->routes[i].name, route) == 0) {
            *ret = &service->routes[i];
            return OTEL_OK;
        }
        if (count < WORDS_MAX)
            words[count++] = service->routes[i].name;
    }
    words[count] = NULL;
    otl_words_suggest(words, route, near, sizeof(near));
    if (near[0] == '\0' && count > 0)
        snprintf(near, sizeof(near), "; %s serves '%s'%s", name, words[0],
                 count > 1 ? ", ..." : "");
    return otl_yaml_error(l->reterr, pos, "%s a route that nobody serves: '%.120s'%s", what, text,
                          near);
}
