/* SPDX-License-Identifier: Apache-2.0 */
/* faults: what is done to the fleet, and when. */
#include "harness/scenario/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"

enum { NEAR_SIZE = 160, NAME_SIZE = 128, WORDS_MAX = 256 };

const char *const hx_fault_verbs[] = {"kill", "stop", "continue",  "restart", "remove",
                                      "set",  "slow", "sql",       "collector", "broker"};
static const char *const *const verbs = hx_fault_verbs;
static unsigned index_of(const char *const *words, unsigned count, const char *word)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return 0;
}

/* ---- which keys go with which verb ---------------------------------------------------------- */

enum {
    BIT_RESTART = 1 << HX_FAULT_RESTART,
    BIT_REMOVE = 1 << HX_FAULT_REMOVE,
    BIT_SET = 1 << HX_FAULT_SET,
    BIT_SLOW = 1 << HX_FAULT_SLOW,
    BIT_SQL = 1 << HX_FAULT_SQL,
    BIT_COL = 1 << HX_FAULT_COLLECTOR,
    BIT_BROKER = 1 << HX_FAULT_BROKER,
    BITS_SERVICE = BIT_COL - 1 /* those before it are done to services */
};

static enum otel_err check_keys(struct hx_loader *l, const json_t *map, const struct hx_fault *f)
{
    static const struct {
        const char *key;
        unsigned verbs;
    } rows[] = {{"service", BITS_SERVICE},
                {"replica", BITS_SERVICE},
                {"grace", BIT_RESTART | BIT_REMOVE},
                {"set", BIT_RESTART | BIT_SET},
                {"route", BIT_SLOW},
                {"statement", BIT_SQL},
                {"fault", BIT_COL | BIT_BROKER},
                {"agent", BIT_COL},
                {"delay", BIT_COL | BIT_BROKER | BIT_SLOW},
                {"status", BIT_COL},
                {"with", BIT_COL},
                {"retry_after", BIT_COL},
                {"for", BIT_COL | BIT_BROKER | BIT_SLOW},
                {"probability", BIT_COL},
                {"request", BIT_BROKER},
                {"error", BIT_BROKER},
                {"count", BIT_BROKER}};
    static const char *const needed[HX_FAULT_BROKER + 1] = {
        [HX_FAULT_SET] = "set",         [HX_FAULT_SLOW] = "route",
        [HX_FAULT_SQL] = "statement",   [HX_FAULT_COLLECTOR] = "fault",
        [HX_FAULT_BROKER] = "fault"};
    unsigned bit = 1u << f->what;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (json_object_get(map, rows[i].key) != NULL && (rows[i].verbs & bit) == 0)
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, rows[i].key),
                                  "'%s' has no meaning for 'do: %s'", rows[i].key, verbs[f->what]);
    if (f->what < HX_FAULT_COLLECTOR && json_object_get(map, "service") == NULL)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "do"),
                              "'do: %s' needs a service", verbs[f->what]);
    if (needed[f->what] != NULL && json_object_get(map, needed[f->what]) == NULL)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "do"),
                              "'do: %s' needs '%s'", verbs[f->what], needed[f->what]);
    return OTEL_OK;
}

/* ---- who ------------------------------------------------------------------------------------ */

static enum otel_err unknown_service(struct hx_loader *l, const json_t *map, const char *name)
{
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "service");
    const char *broker = l->scenario->broker;
    char near[NEAR_SIZE];

    if (strcmp(name, "broker") == 0 && strcmp(broker, "embedded") == 0)
        return otl_yaml_error(l->reterr, pos,
                              "the embedded broker cannot be stopped or restarted: its log and its "
                              "groups live in its memory alone; use 'broker: HOST:PORT' and "
                              "restart that one, or 'do: broker' (fault: down is an outage)");
    if (strcmp(name, "broker") == 0 && broker[0] != '\0')
        return otl_yaml_error(l->reterr, pos, "the broker %.100s was not started by the runner, "
                                              "which therefore cannot restart it",
                              broker);
    if (strcmp(name, "collector") == 0)
        return otl_yaml_error(l->reterr, pos,
                              "the collector is no service: use 'do: collector' (fault: refuse is "
                              "an outage)");
    if (hx_scenario_agent(l->scenario, name) != NULL)
        return otl_yaml_error(l->reterr, pos,
                              "'%.80s' is an agent, no service: use 'do: collector' with 'agent: "
                              "%.80s' (fault: refuse is an outage)",
                              name, name);
    return otl_yaml_error(l->reterr, pos, "fault on the unknown service '%.80s'%s", name,
                          otl_tree_suggest(json_object_get(l->scenario->tree, "services"), name,
                                           near, sizeof(near)));
}

static enum otel_err load_target(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    const char *name = otl_tree_text(map, "service", NULL);
    int64_t replica = otl_tree_int(map, "replica", -1);

    if (name == NULL)
        return OTEL_OK;
    f->service = hx_scenario_service(l->scenario, name);
    if (f->service == NULL)
        return unknown_service(l, map, name);
    if (f->service->foreign != NULL && f->what == HX_FAULT_SQL)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "do"),
                              "%s runs a command of its own, whose database is not the harness's",
                              name);
    if (f->service->foreign != NULL && f->what == HX_FAULT_SET)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "do"),
                              "%s runs a command of its own, which takes no settings while it "
                              "runs; 'do: restart' with 'set: {env.NAME: TEXT}' starts it with "
                              "others",
                              name);
    f->replica_count = f->service->replicas;
    if (replica < 0)
        return OTEL_OK;
    if (replica >= (int64_t)f->service->replicas)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "replica"),
                              "%s has %u replica%s, numbered from 0; there is no replica %lld",
                              name, f->service->replicas, f->service->replicas == 1 ? "" : "s",
                              (long long)replica);
    f->first_replica = (unsigned)replica;
    f->replica_count = 1;
    return OTEL_OK;
}

/* ---- when ----------------------------------------------------------------------------------- */

/* "order-0" -> service and replica; a service alone is its replica 0 if it has but one. */
static bool find_instance(const struct hx_loader *l, const char *name, struct hx_condition *ret)
{
    const char *dash = strrchr(name, '-');
    char service[NAME_SIZE];
    uint64_t replica = 0;

    ret->service = hx_scenario_service(l->scenario, name);
    if (ret->service != NULL)
        return ret->service->replicas == 1;
    if (dash == NULL || otl_parse_uint(dash + 1, 0, HX_MAX_REPLICAS, &replica) != OTEL_OK)
        return false;
    snprintf(service, sizeof(service), "%.*s", (int)(dash - name), name);
    ret->service = hx_scenario_service(l->scenario, service);
    ret->replica = (unsigned)replica;
    return ret->service != NULL && replica < ret->service->replicas;
}

static enum otel_err no_instance(struct hx_loader *l, struct otl_yaml_pos pos, const char *figure,
                                 const char *name)
{
    const struct hx_scenario *scenario = l->scenario;
    const char *words[WORDS_MAX + 1];
    char near[NEAR_SIZE] = "";
    size_t count = 0;

    for (size_t s = 0; s < scenario->service_count; s++)
        for (unsigned r = 0; r < scenario->services[s].replicas && count < WORDS_MAX; r++)
            words[count++] = hx_loader_format(l, "%s-%u", scenario->services[s].name, r);
    words[count] = NULL;
    for (size_t i = 0; i < count; i++)
        if (words[i] == NULL)
            return OTEL_ERR_MEMORY;
    if (name[0] == '\0')
        return otl_yaml_error(l->reterr, pos, "'%s' needs an instance such as %s(%s)", figure,
                              figure, words[0]);
    return otl_yaml_error(l->reterr, pos,
                          "'%s' needs an instance such as %s(%s); there is no '%.80s'%s", figure,
                          figure, words[0], name,
                          otl_words_suggest(words, name, near, sizeof(near)));
}

static enum otel_err load_condition(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    static const char *const figures[] = {"spans_received", "handled", "in_hand", "committed",
                                          NULL};
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "when");
    char name[NAME_SIZE + 1] = "", instance[NAME_SIZE + 1] = "", near[NEAR_SIZE], sign[3] = "";
    char *end;
    const char *text = f->when, *rest;
    int used = 0;

    if (sscanf(text, " %128[a-z_]%n", name, &used) != 1)
        name[0] = '\0';
    for (unsigned i = 0; figures[i] != NULL; i++)
        if (strcmp(figures[i], name) == 0)
            goto known;
    return otl_yaml_error(l->reterr, pos,
                          "'%.100s' is no condition%s; expected such as 'spans_received > 1000' or "
                          "'handled(order-0) > 500'",
                          text, otl_words_suggest(figures, name, near, sizeof(near)));
known:
    f->condition.figure = (enum hx_watched)index_of(figures, 4, name);
    rest = text + used;
    used = 0;
    if (sscanf(rest, " ( %128[^() ] )%n", instance, &used) == 1 && used > 0)
        rest += used;
    else
        instance[0] = '\0';
    if (f->condition.figure == HX_WATCHED_SPANS_RECEIVED && instance[0] != '\0')
        return otl_yaml_error(l->reterr, pos, "'spans_received' is the collector's and names no "
                                              "instance");
    if (f->condition.figure != HX_WATCHED_SPANS_RECEIVED &&
        !find_instance(l, instance, &f->condition))
        return no_instance(l, pos, name, instance);
    if (f->condition.service != NULL && f->condition.service->foreign != NULL &&
        f->condition.figure == HX_WATCHED_COMMITTED)
        return otl_yaml_error(l->reterr, pos, "%s runs a command of its own: of it 'handled' and "
                                              "'in_hand' are known, not 'committed'",
                              f->condition.service->name);
    used = 0;
    if (sscanf(rest, " %2[>=] %n", sign, &used) != 1 || rest[used] == '\0' ||
        (strcmp(sign, ">") != 0 && strcmp(sign, ">=") != 0))
        return otl_yaml_error(l->reterr, pos, "'%.100s' is no condition: expected > or >= and a "
                                              "number after '%s'",
                              text, name);
    f->condition.or_equal = strcmp(sign, ">=") == 0;
    f->condition.value = strtod(rest + used, &end);
    if (end == rest + used || *end != '\0' || !(f->condition.value >= 0) ||
        f->condition.value > 1e15)
        return otl_yaml_error(l->reterr, pos, "'%.100s': '%.40s' is no number that it can reach",
                              text, rest + used);
    return OTEL_OK;
}

static enum otel_err load_time(struct hx_loader *l, const json_t *map, size_t index,
                               struct hx_fault *f)
{
    const struct hx_load *load = &l->scenario->load;
    const json_t *list = json_object_get(l->scenario->tree, "faults");
    uint64_t end = load->warmup_ns + load->duration_ns;
    bool at = json_object_get(map, "at") != NULL;
    char one[32], two[32];

    f->when = otl_tree_text(map, "when", NULL);
    if (at == (f->when != NULL))
        return otl_yaml_error(l->reterr, otl_yaml_item_pos(l->doc, list, index),
                              at ? "a fault has a time or a condition, not both 'at' and 'when'"
                                 : "a fault needs 'at: TIME' from the start of the load, or "
                                   "'when: CONDITION'");
    if (f->when != NULL)
        return load_condition(l, map, f);
    f->at_ns = otl_tree_duration_ns(map, "at", 0);
    if (f->at_ns >= end)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "at"),
                              "impossible time: at %s the load is over, which lasts %s (warm-up "
                              "included)",
                              otl_format_duration(f->at_ns, one, sizeof(one)),
                              otl_format_duration(end, two, sizeof(two)));
    return OTEL_OK;
}

/* ---- what ----------------------------------------------------------------------------------- */

static enum otel_err load_settings(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    return hx_load_settings(l, json_object_get(map, "set"), f->service->name,
                            f->what == HX_FAULT_RESTART, &f->settings, &f->setting_count);
}

static enum otel_err check_together(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    for (size_t i = 0; i < f->setting_count; i++)
        f->together = f->together || hx_setting_is_of_group(&f->settings[i]);
    if (!f->together || f->replica_count == f->service->replicas)
        return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "replica"),
                          "the members of a group have one assignor in common, and a Kafka refuses "
                          "a member with another (INCONSISTENT_GROUP_PROTOCOL): restart all "
                          "replicas of %s, or give it to a service beside this one, with a group "
                          "of its own",
                          f->service->name);
}

static enum otel_err load_slow(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    char text[2 * NAME_SIZE + 1024];

    if (json_object_get(map, "delay") == NULL)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "do"),
                              "'do: slow' needs 'delay', what the route takes longer");
    f->delay_ns = otl_tree_duration_ns(map, "delay", 0);
    f->for_ns = otl_tree_duration_ns(map, "for", 0);
    snprintf(text, sizeof(text), "%s %s", f->service->name, otl_tree_text(map, "route", ""));
    return hx_find_route(l, text, otl_yaml_value_pos(l->doc, map, "route"), "slow", &f->route);
}

static const char *describe(struct hx_loader *l, const struct hx_fault *f)
{
    char extra[200] = "";

    if (f->what == HX_FAULT_COLLECTOR) {
        char delay[32];
        if (f->collector == HX_COLLECTOR_DELAY)
            snprintf(extra, sizeof(extra), " %s",
                     otl_format_duration(f->delay_ns, delay, sizeof(delay)));
        else if (f->collector == HX_COLLECTOR_STATUS && f->status != 0)
            snprintf(extra, sizeof(extra), " %u", f->status);
        return hx_loader_format(l, "%s %s%s", f->agent != NULL ? f->agent->name : "collector",
                                hx_collector_fault_word(f->collector), extra);
    }
    if (f->what == HX_FAULT_SQL)
        snprintf(extra, sizeof(extra), ": %.180s", f->statement);
    if (f->what == HX_FAULT_SLOW) {
        char delay[32];
        snprintf(extra, sizeof(extra), " %.80s by %s", f->route->name,
                 otl_format_duration(f->delay_ns, delay, sizeof(delay)));
    }
    for (size_t i = 0; i < f->setting_count && i < 3; i++)
        snprintf(extra + strlen(extra), sizeof(extra) - strlen(extra), "%s%.60s=%.30s",
                 i ? ", " : " ", f->settings[i].path, f->settings[i].value);
    if (f->replica_count == 1)
        return hx_loader_format(l, "%s %s-%u%s", verbs[f->what], f->service->name,
                                f->first_replica, extra);
    return hx_loader_format(l, "%s all %u %s%s", verbs[f->what], f->replica_count,
                            f->service->name, extra);
}

static enum otel_err load_fault(struct hx_loader *l, const json_t *list, size_t index,
                                struct hx_fault *f)
{
    const json_t *map = json_array_get(list, index);
    enum otel_err err;

    f->what = (enum hx_fault_do)index_of(verbs, HX_FAULT_BROKER + 1, otl_tree_text(map, "do", ""));
    f->statement = otl_tree_text(map, "statement", "");
    f->grace_ns = otl_tree_duration_ns(map, "grace", 10 * OTL_NS_PER_S);
    err = load_target(l, map, f);
    if (err == OTEL_OK)
        err = check_keys(l, map, f);
    if (err == OTEL_OK)
        err = load_time(l, map, index, f);
    if (err == OTEL_OK && json_object_get(map, "set") != NULL)
        err = load_settings(l, map, f);
    if (err == OTEL_OK && f->what == HX_FAULT_RESTART)
        err = check_together(l, map, f);
    if (err == OTEL_OK && f->what == HX_FAULT_COLLECTOR)
        err = hx_load_collector_fault(l, map, f);
    if (err == OTEL_OK && f->what == HX_FAULT_SLOW)
        err = load_slow(l, map, f);
    if (err != OTEL_OK)
        return err;
    if (f->what == HX_FAULT_BROKER)
        return hx_load_broker_fault(l, map, f);
    f->text = describe(l, f);
    return f->text ? OTEL_OK : OTEL_ERR_MEMORY;
}

enum otel_err hx_load_faults(struct hx_loader *l)
{
    const json_t *list = json_object_get(l->scenario->tree, "faults");
    struct hx_fault *faults = hx_loader_array(l, json_array_size(list), sizeof(*faults));
    enum otel_err err;

    if (faults == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        err = load_fault(l, list, i, &faults[i]);
        if (err != OTEL_OK)
            return err;
    }
    l->scenario->faults = faults;
    l->scenario->fault_count = json_array_size(list);
    err = hx_check_fault_sql(l);
    return err == OTEL_OK ? hx_check_fault_order(l) : err;
}
