/* SPDX-License-Identifier: Apache-2.0 */
/* Services that are somebody else's programs: started with OTEL_* set, behind the relay. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/scenario/foreign.h"
#include "harness/topology/parts.h"
#include "harness/topology/program.h"
#include "sdk/base/mem.h"
#include "sdk/base/percent.h"
#include "sdk/base/text.h"

enum { PATH_SIZE = 4096, ENV_MAX = 160, VALUE_MAX = 16 * 1024 };

static bool has_topics(const struct hx_scenario *scenario, const struct hx_service *service)
{
    for (size_t i = 0; i < scenario->topic_count; i++)
        if (hx_foreign_topic_use(scenario, service, &scenario->topics[i]) != 0)
            return true;
    return false;
}

json_t *hx_run_replicas(struct hx_run *run)
{
    const struct hx_scenario *scenario = run->options.scenario;
    json_t *list = json_array();
    char name[128];

    for (size_t s = 0; s < scenario->service_count; s++) {
        const struct hx_service *service = &scenario->services[s];
        if (service->foreign != NULL && has_topics(scenario, service))
            json_array_append_new(list, json_pack("{s:s, s:i}", "service", service->name, "process",
                                                  (int)run->next_process++));
        for (unsigned r = 0; service->foreign != NULL && r < service->replicas; r++) {
            snprintf(name, sizeof(name), "%s-%u", service->name, r);
            json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s}", "service", service->name,
                                                  "replica", (int)r, "process",
                                                  (int)run->next_process++, "instance", name));
        }
    }
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

/* ---- environment ---------------------------------------------------------------------------- */

struct env {
    const char *items[ENV_MAX + 1];
    size_t count;
    bool full; /* or no memory */
};

static void put(struct env *env, const char *format, ...) OTEL_PRINTF(2, 3);

static void put(struct env *env, const char *format, ...)
{
    char text[VALUE_MAX];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || len >= (int)sizeof(text) || env->count == ENV_MAX ||
        (env->items[env->count] = otl_mem_strdup(text)) == NULL)
        env->full = true;
    else
        env->count++;
}

static void env_fini(struct env *env)
{
    for (size_t i = 0; i < env->count; i++)
        otl_mem_free((char *)(uintptr_t)env->items[i]);
}

/* "service.instance.id=payment-0,service.version=1.2" */
static void put_resource(struct env *env, const struct hx_service *service, const char *instance)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, VALUE_MAX - 64);
    err = otl_buf_append_str(&text, "service.instance.id=");
    if (err == OTEL_OK)
        err = otl_percent_encode(otl_view_str(instance), &text);
    if (err == OTEL_OK && service->version[0] != '\0')
        err = otl_buf_append_str(&text, ",service.version=");
    if (err == OTEL_OK)
        err = otl_percent_encode(otl_view_str(service->version), &text);
    for (size_t i = 0; i < service->resource.count && err == OTEL_OK; i++) {
        const struct hx_attribute *item = &service->resource.items[i];
        err = otl_buf_printf(&text, ",%s=", item->key);
        if (err == OTEL_OK)
            err = otl_percent_encode(otl_view_str(json_string_value(item->value)), &text);
    }
    if (err == OTEL_OK)
        put(env, "OTEL_RESOURCE_ATTRIBUTES=%s", text.data);
    else
        env->full = true;
    otl_buf_fini(&text);
}

static void put_tracing(struct env *env, const struct hx_tracing *tracing,
                        const struct hx_run *run)
{
    bool grpc = tracing->grpc && hx_run_otlp(run, tracing, true)[0] != '\0';
    const char *rule = strstr(tracing->sampler, "traceidratio");

    put(env, "OTEL_SDK_DISABLED=%s", tracing->enabled ? "false" : "true");
    put(env, "OTEL_TRACES_EXPORTER=otlp");
    put(env, "OTEL_METRICS_EXPORTER=none");
    put(env, "OTEL_LOGS_EXPORTER=none");
    put(env, "OTEL_EXPORTER_OTLP_ENDPOINT=http://%s", hx_run_otlp(run, tracing, grpc));
    put(env, "OTEL_EXPORTER_OTLP_PROTOCOL=%s", grpc ? "grpc" : "http/protobuf");
    put(env, "OTEL_EXPORTER_OTLP_COMPRESSION=%s", tracing->gzip ? "gzip" : "none");
    /* a foreign SDK has a rule of its own and no word for it */
    put(env, "OTEL_TRACES_SAMPLER=%.*s", (int)(rule != NULL ? rule + 12 - tracing->sampler : 80),
        tracing->sampler);
    if (hx_sampler_has_ratio(tracing->sampler))
        put(env, "OTEL_TRACES_SAMPLER_ARG=%.17g", tracing->sampler_arg);
    put(env, "OTEL_PROPAGATORS=%s%s%s%s", tracing->propagate_tracecontext ? "tracecontext" : "",
        tracing->propagate_tracecontext && tracing->propagate_baggage ? "," : "",
        tracing->propagate_baggage ? "baggage" : "",
        tracing->propagate_tracecontext || tracing->propagate_baggage ? "" : "none");
    put(env, "OTEL_BSP_MAX_QUEUE_SIZE=%zu", tracing->max_queue_size);
    put(env, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=%zu", tracing->max_export_batch_size);
    put(env, "OTEL_BSP_SCHEDULE_DELAY=%llu",
        (unsigned long long)(tracing->schedule_delay_ns / OTL_NS_PER_MS));
    put(env, "OTEL_BSP_EXPORT_TIMEOUT=%llu",
        (unsigned long long)(tracing->export_timeout_ns / OTL_NS_PER_MS));
    if (tracing->export_timeout_ns != 0) /* the exporter's own limit would be 10 s */
        put(env, "OTEL_EXPORTER_OTLP_TIMEOUT=%llu",
            (unsigned long long)(tracing->export_timeout_ns / OTL_NS_PER_MS));
}

/* RULES_ENGINE for "rules-engine" */
static const char *shout(const char *name, char out[80])
{
    size_t i;

    for (i = 0; name[i] != '\0' && i < 79; i++)
        out[i] = isalnum((unsigned char)name[i]) ? (char)toupper((unsigned char)name[i]) : '_';
    out[i] = '\0';
    return out;
}

/* KAFKA_TOPIC_ORDER_CREATED=tracerig.audit.order.created for the topic "order.created" */
static void put_topics(struct env *env, const struct hx_run *run,
                       const struct hx_scenario *scenario, const struct hx_service *service)
{
    char name[80], value[HX_FOREIGN_NAME_SIZE];

    if (!has_topics(scenario, service))
        return;
    put(env, "KAFKA_BOOTSTRAP_SERVERS=%s", hx_run_kafka(run));
    for (size_t i = 0; i < scenario->topic_count; i++) {
        const struct hx_topic *topic = &scenario->topics[i];
        if (hx_foreign_topic_use(scenario, service, topic) == 0)
            continue;
        hx_foreign_name(service, topic->name, value);
        put(env, "KAFKA_TOPIC_%s=%s", shout(topic->name, name), value);
    }
    for (size_t i = 0; i < service->consumer_count; i++) {
        hx_foreign_name(service, service->consumers[i].group, value);
        put(env, "KAFKA_GROUP_%s=%s", shout(service->consumers[i].topic->name, name), value);
    }
}

/* One process of a service, at the place that the relay gave it. */
struct start {
    const struct hx_scenario *scenario; /* the run's, or one with other settings */
    const struct hx_service *service;   /* of that */
    const json_t *place;
    unsigned incarnation;
};

static void fill_env(const struct hx_run *run, const struct start *what, struct env *env)
{
    const struct hx_service *service = what->service;
    const json_t *place = what->place;
    const char *instance = json_string_value(json_object_get(place, "instance"));
    const char *name;
    char upper[80];
    json_t *port;

    put(env, "PORT=%d", (int)json_integer_value(json_object_get(place, "port")));
    put(env, "TRACERIG_INSTANCE=%s", instance);
    put(env, "OTEL_SERVICE_NAME=%s", service->name);
    put_resource(env, service, instance);
    put_tracing(env, &service->tracing, run);
    json_object_foreach(json_object_get(place, "calls"), name, port)
        put(env, "TRACERIG_URL_%s=http://127.0.0.1:%d", shout(name, upper),
            (int)json_integer_value(port));
    put_topics(env, run, what->scenario, service);
    for (const char *const *item = service->foreign->env; *item != NULL; item++)
        put(env, "%s", *item);
}

/* ---- start ---------------------------------------------------------------------------------- */

static enum otel_err fail(const struct hx_service *service, struct otl_detail *reterr,
                          const char *format, ...) OTEL_PRINTF(3, 4);

/* At the place of the command in its file. */
static enum otel_err fail(const struct hx_service *service, struct otl_detail *reterr,
                          const char *format, ...)
{
    const struct hx_foreign *foreign = service->foreign;
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return otl_detail_set(reterr, OTEL_ERR_IO, foreign->file, foreign->line, foreign->column, "%s",
                          text);
}

static enum otel_err start(struct hx_run *run, const struct start *what, struct hx_child **ret,
                           struct otl_detail *reterr)
{
    const char *instance = json_string_value(json_object_get(what->place, "instance"));
    const struct hx_service *service = what->service;
    char log[PATH_SIZE], program[HX_PROGRAM_PATH], why[HX_PROGRAM_WHY];
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *argv[128] = {program};
    struct env env = {.count = 0};
    struct hx_child_options options = {.role = HX_ROLE_FOREIGN, .name = instance, .argv = argv,
                                       .env = env.items, .log = log, .service = service->index,
                                       .incarnation = what->incarnation};
    enum otel_err err;

    options.replica = (unsigned)strtoul(strrchr(instance, '-') + 1, NULL, 10);
    snprintf(log, sizeof(log), "%s/logs/%s.log", run->options.dir, instance);
    if (!hx_program_find(service->foreign->argv[0], program, why))
        return fail(service, reterr, "%s: %s", instance, why);
    for (size_t i = 1; service->foreign->argv[i] != NULL; i++)
        argv[i] = service->foreign->argv[i];
    fill_env(run, what, &env);
    env.items[env.count] = NULL;
    err = env.full ? fail(service, reterr, "%s: its environment is too large", instance)
                   : hx_fleet_add(&run->fleet, &options, ret, &detail);
    if (err != OTEL_OK && !env.full)
        err = fail(service, reterr, "%s: '%s' %s%s", instance, program, detail.text,
                   hx_program_hint(program, why));
    env_fini(&env);
    if (err == OTEL_OK)
        snprintf((*ret)->version, sizeof((*ret)->version), "%s", service->version);
    return err;
}

enum otel_err hx_run_start_foreign(struct hx_run *run, struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < json_array_size(run->relay->places) && err == OTEL_OK; i++) {
        struct start what = {.scenario = run->options.scenario,
                             .place = json_array_get(run->relay->places, i)};
        const char *instance = json_string_value(json_object_get(what.place, "instance"));
        char name[128];
        struct hx_child *child;
        snprintf(name, sizeof(name), "%.*s", (int)(strrchr(instance, '-') - instance), instance);
        what.service = hx_scenario_service(run->options.scenario, name);
        err = start(run, &what, &child, reterr);
    }
    return err;
}

static const json_t *place_of(const struct hx_run *run, const char *instance)
{
    for (size_t i = 0; i < json_array_size(run->relay->places); i++) {
        const json_t *place = json_array_get(run->relay->places, i);
        if (strcmp(json_string_value(json_object_get(place, "instance")), instance) == 0)
            return place;
    }
    return NULL;
}

enum otel_err hx_run_foreign_again(struct hx_run *run, const struct hx_child *old,
                                   const json_t *tree, struct hx_child **ret,
                                   struct otl_detail *reterr)
{
    const char *name = run->options.scenario->services[old->service].name;
    struct hx_scenario *changed = NULL;
    struct start what = {.place = place_of(run, old->name), .incarnation = old->incarnation + 1};
    enum otel_err err = hx_scenario_load_tree(tree, &changed, reterr);

    if (err == OTEL_OK) {
        what.scenario = changed;
        what.service = hx_scenario_service(changed, name);
        json_object_del(run->relay->served, old->name);
        err = start(run, &what, ret, reterr);
    }
    hx_scenario_free(changed);
    if (err == OTEL_OK)
        hx_fleet_tell(run->relay, json_pack("{s:s, s:s}", "do", "again", "instance", old->name));
    return err;
}

void hx_run_foreign_peers(const struct hx_run *run, json_t *services)
{
    const json_t *places = run->relay ? run->relay->places : NULL;
    char text[64], name[128];

    for (size_t i = 0; i < json_array_size(places); i++) {
        const json_t *place = json_array_get(places, i);
        const char *instance = json_string_value(json_object_get(place, "instance"));
        snprintf(name, sizeof(name), "%.*s", (int)(strrchr(instance, '-') - instance), instance);
        if (json_object_get(services, name) == NULL)
            json_object_set_new(services, name, json_array());
        snprintf(text, sizeof(text), "127.0.0.1:%d",
                 (int)json_integer_value(json_object_get(place, "listen")));
        json_array_append_new(json_object_get(services, name), json_string(text));
    }
}

/* ---- what went wrong ------------------------------------------------------------------------ */

static const struct hx_service *service_of(const struct hx_run *run, const struct hx_child *child)
{
    return &run->options.scenario->services[child->service];
}

static const struct hx_child *named(const struct hx_run *run, const char *instance)
{
    for (size_t i = 0; i < run->fleet.count; i++)
        if (strcmp(run->fleet.children[i].name, instance) == 0)
            return &run->fleet.children[i];
    return run->relay;
}

/* The program that the relay speaks of. */
static const struct hx_child *spoken_of(const struct hx_run *run, const char *text)
{
    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        size_t len = strlen(child->name);
        if (child->role == HX_ROLE_FOREIGN && strncmp(text, child->name, len) == 0 &&
            text[len] == ' ')
            return child;
    }
    return NULL;
}

enum otel_err hx_run_blame_foreign(const struct hx_run *run, struct otl_detail *reterr)
{
    const struct hx_child *child;
    char end[64], said[HX_LAST_OUTPUT_SIZE];

    for (size_t i = 0; i < run->fleet.count; i++) {
        child = &run->fleet.children[i];
        if (child->role != HX_ROLE_FOREIGN || !child->exited)
            continue;
        hx_run_last_output(run, child, said, sizeof(said));
        if (child->exit.code == 0)
            return fail(service_of(run, child), reterr,
                        "%s left (exit 0) before it was ready: a command must stay in the "
                        "foreground and not fork away%s", child->name, said);
        return fail(service_of(run, child), reterr, "%s ended before it was ready (%s)%s",
                    child->name, hx_child_exit_text(child, end, sizeof(end)), said);
    }
    child = run->relay && run->relay->fault[0] ? spoken_of(run, run->relay->fault) : NULL;
    if (child == NULL)
        return OTEL_OK;
    return fail(service_of(run, child), reterr, "%s%s", run->relay->fault,
                hx_run_last_output(run, child, said, sizeof(said)));
}

/* The latest process of each of its replicas has ended, and no other is to follow. */
static bool is_deserted(const struct hx_run *run, unsigned service)
{
    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if (child->role == HX_ROLE_FOREIGN && child->service == service &&
            (!child->exited || hx_run_is_restarting(run, child)))
            return false;
    }
    return true;
}

static bool is_followed(const struct hx_run *run, const struct hx_child *child)
{
    for (size_t i = child->id + 1; i < run->fleet.count; i++)
        if (strcmp(run->fleet.children[i].name, child->name) == 0)
            return true;
    return false;
}

static void note_death(struct hx_run *run, struct hx_child *child)
{
    char end[64], text[600], said[HX_LAST_OUTPUT_SIZE];

    hx_child_exit_text(child, end, sizeof(end));
    if (child->exit.code == 0 && child->exit.signal == 0)
        snprintf(text, sizeof(text),
                 "%.100s left (exit 0) during the run: a command must stay in the foreground, not "
                 "fork away and not end before it is asked to", child->name);
    else
        snprintf(text, sizeof(text), "%.100s died during the run: %s%s", child->name, end,
                 hx_run_last_output(run, child, said, sizeof(said)));
    child->death_noted = true;
    hx_run_incident(run, "died", child, "%s", text);
    hx_run_event(run, "died", child->name, "%s", end);
    hx_run_say(run, "%s", text);
    if (run->deserted || !is_deserted(run, child->service))
        return;
    run->deserted = true;
    if (run->load_end_ns == 0)
        hx_run_say(run, "nobody is left of %s: the load ends here", service_of(run, child)->name);
}

void hx_run_watch_programs(struct hx_run *run)
{
    for (size_t i = 0; i < run->fleet.count; i++) {
        struct hx_child *child = &run->fleet.children[i];
        if (child->role != HX_ROLE_FOREIGN || !child->exited || child->gone_told ||
            hx_run_is_restarting(run, child) || is_followed(run, child))
            continue;
        child->gone_told = true;
        hx_fleet_tell(run->relay, json_pack("{s:s, s:s}", "do", "gone", "instance", child->name));
        if (!child->exit_expected && !child->ended_by_fault && !child->death_noted)
            note_death(run, child);
    }
}

/* The first process of a service. */
static const struct hx_child *first_of(const struct hx_run *run, const char *service)
{
    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if (child->role == HX_ROLE_FOREIGN && strcmp(service_of(run, child)->name, service) == 0)
            return child;
    }
    return run->relay;
}

const char *hx_run_busy_programs(const struct hx_run *run, char *out, size_t size)
{
    const char *name;
    json_t *row;
    size_t len = 0;

    out[0] = '\0';
    json_object_foreach(json_object_get(run->relay->progress, "instances"), name, row) {
        if (json_integer_value(json_object_get(row, "in_hand")) == 0 || len >= size)
            continue;
        len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", name);
    }
    return out[0] != '\0' ? out : run->relay->name;
}

void hx_run_relay_incidents(struct hx_run *run)
{
    const json_t *final = run->relay ? run->relay->final : NULL;
    long long refused = json_integer_value(json_object_get(final, "refused"));
    long long unrouted = json_integer_value(json_object_get(final, "unrouted"));
    long long turned_away = json_integer_value(json_object_get(final, "turned_away"));
    long long undelivered = json_integer_value(json_object_get(final, "undelivered"));
    const char *why = json_string_value(json_object_get(final, "why")), *service, *instance;
    json_t *count;
    char limit[40];

    otl_format_duration(run->options.scenario->load.timeout_ns, limit, sizeof(limit));
    json_object_foreach(json_object_get(final, "unanswered"), instance, count)
        hx_run_incident(run, "relay", named(run, instance),
                        "%s left %lld requests unanswered for more than load.timeout, %s, and "
                        "nobody waits for them any more",
                        instance, (long long)json_integer_value(count), limit);
    json_object_foreach(json_object_get(final, "uncommitted"), service, count)
        hx_run_incident(run, "relay", first_of(run, service),
                        "%s never committed %lld of the messages that it was given", service,
                        (long long)json_integer_value(count));
    if (undelivered > 0)
        hx_run_incident(run, "relay", run->relay,
                        "the broker did not take %lld of the messages that the relay carried over",
                        undelivered);
    if (refused + unrouted + turned_away > 0)
        hx_run_incident(run, "relay", run->relay,
                        "the relay refused %lld messages, met %lld requests that the scenario does "
                        "not have and turned %lld connections away; the first: %s",
                        refused, unrouted, turned_away, why && why[0] ? why : "too many");
}
