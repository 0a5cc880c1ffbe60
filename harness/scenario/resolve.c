/* SPDX-License-Identifier: Apache-2.0 */
/* What the file leaves out is filled in, so that the tree alone says everything. */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "harness/scenario/schema.h"
#include "sdk/base/random.h"
#include "sdk/base/yaml/emit.h"

/* One key of the fleet's tracing map into every service that does not say it itself. */
static enum otel_err spread(struct otl_yaml *doc, const json_t *tracing, const char *key,
                            struct otl_detail *reterr)
{
    json_t *services = json_object_get(otl_yaml_root(doc), "services"), *service;
    const char *name;
    bool taken = false;
    enum otel_err err = OTEL_OK;

    json_object_foreach(services, name, service) {
        json_t *own = json_object_get(service, "tracing");
        if (own == NULL) {
            err = otl_yaml_put(doc, service, "tracing", "{}", NULL, reterr);
            own = json_object_get(service, "tracing");
        }
        if (err == OTEL_OK && json_object_get(own, key) == NULL) {
            err = otl_yaml_copy(doc, tracing, key, own, reterr);
            taken = true;
        }
        if (err != OTEL_OK)
            return err;
    }
    if (!taken)
        return otl_yaml_error(reterr, otl_yaml_key_pos(doc, tracing, key),
                              "tracing.%s has no effect: every service says its own", key);
    return OTEL_OK;
}

static enum otel_err spread_tracing(struct otl_yaml *doc, struct otl_detail *reterr)
{
    json_t *root = otl_yaml_root(doc), *tracing = json_object_get(root, "tracing"), *value;
    const char *key;
    enum otel_err err = OTEL_OK;

    json_object_foreach(tracing, key, value) {
        err = spread(doc, tracing, key, reterr);
        if (err != OTEL_OK)
            return err;
    }
    json_object_del(root, "tracing");
    return OTEL_OK;
}

static enum otel_err put_text(json_t *root, const char *key, const char *text)
{
    if (json_object_get(root, key) != NULL)
        return OTEL_OK;
    return json_object_set_new(root, key, json_string(text)) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

/* "scenarios/checkout.yaml" -> "checkout" */
static void base_name(const char *file, char *out, size_t size)
{
    const char *slash = strrchr(file, '/');
    char *dot;

    snprintf(out, size, "%.63s", slash ? slash + 1 : file);
    dot = strrchr(out, '.');
    if (dot != NULL && dot != out)
        *dot = '\0';
    if (out[0] == '\0')
        snprintf(out, size, "scenario");
}

static enum otel_err put_seed(json_t *root, const struct hx_scenario_options *options,
                              struct otl_detail *reterr)
{
    uint64_t seed;

    if (options == NULL || !options->has_seed) {
        if (json_object_get(root, "seed") != NULL)
            return OTEL_OK;
        seed = otl_random_os_seed() >> 11; /* exact in every JSON reader */
    } else {
        seed = options->seed;
    }
    if (seed > INT64_MAX)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "the seed must be at most %lld", (long long)INT64_MAX);
    return json_object_set_new(root, "seed", json_integer((json_int_t)seed)) == 0
               ? OTEL_OK
               : OTEL_ERR_MEMORY;
}
/* A Kafka lets nobody in with the 3.1 s that the embedded broker's rounds go by: its own default
 * then. */
static enum otel_err put_session_timeouts(json_t *root)
{
    const char *broker = otl_tree_text(root, "broker", "embedded"), *name, *topic;
    json_t *service, *consumer;

    if (strcmp(broker, "embedded") == 0)
        return OTEL_OK;
    json_object_foreach(json_object_get(root, "services"), name, service)
        json_object_foreach(json_object_get(service, "consumers"), topic, consumer)
            if (json_is_object(consumer) &&
                put_text(consumer, "session_timeout", "45s") != OTEL_OK)
                return OTEL_ERR_MEMORY;
    return OTEL_OK;
}

enum otel_err hx_resolve(struct otl_yaml *doc, const char *file, const char *claim,
                         const struct hx_scenario_options *options, struct otl_detail *reterr)
{
    json_t *root = otl_yaml_root(doc);
    char name[64];
    enum otel_err err = spread_tracing(doc, reterr);

    base_name(file, name, sizeof(name));
    if (err == OTEL_OK)
        err = put_text(root, "name", name);
    if (err == OTEL_OK)
        err = put_text(root, "title", otl_tree_text(root, "name", name));
    if (err == OTEL_OK)
        err = put_text(root, "claim", claim);
    if (err == OTEL_OK)
        err = put_seed(root, options, reterr);
    if (err == OTEL_OK && json_object_size(json_object_get(root, "topics")) > 0)
        err = put_text(root, "broker", "embedded");
    if (err == OTEL_OK)
        err = put_session_timeouts(root);
    if (err == OTEL_OK)
        err = hx_resolve_agents(doc, reterr);
    return err == OTEL_OK ? otl_schema_fill(doc, hx_scenario_schema, reterr) : err;
}

/* Keys of the top in the order that people expect; what is not named follows. */
static json_t *in_order(const json_t *tree)
{
    static const char *const first[] = {"name",   "title",  "claim",     "seed",
                                        "services", "topics", "broker", "agents", "collector",
                                        "load",   "faults", "overhead", "expect",    NULL};
    json_t *ordered = json_object();

    for (const char *const *key = first; ordered != NULL && *key != NULL; key++)
        if (json_object_get(tree, *key) != NULL &&
            json_object_set(ordered, *key, json_object_get(tree, *key)) != 0) {
            json_decref(ordered);
            return NULL;
        }
    if (ordered != NULL && json_object_update_missing(ordered, (json_t *)tree) != 0) {
        json_decref(ordered);
        return NULL;
    }
    return ordered;
}

enum otel_err hx_scenario_emit(const struct hx_scenario *scenario, struct otl_buf *buf)
{
    json_t *ordered = in_order(scenario->tree);
    enum otel_err err = ordered ? OTEL_OK : OTEL_ERR_MEMORY;

    if (err == OTEL_OK && scenario->claim[0] != '\0')
        err = otl_buf_printf(buf, "# %s\n", scenario->claim);
    if (err == OTEL_OK)
        err = otl_yaml_emit(ordered, buf);
    json_decref(ordered);
    return err;
}
