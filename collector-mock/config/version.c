/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/config/version.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/registry.h"
#include "sdk/base/text.h"

enum otel_err col_version_read(const char *text, unsigned *ret, struct otl_detail *reterr)
{
    const char *at = text[0] == 'v' ? text + 1 : text;
    char minor[8] = "", patch[8] = "", more[2] = "";
    uint64_t number = 0;

    *ret = 0;
    if (strcmp(text, "latest") == 0)
        return OTEL_OK;
    if (sscanf(at, "0.%7[0-9].%7[0-9]%1s", minor, patch, more) >= 1 && more[0] == '\0' &&
        strlen(at) == 2 + strlen(minor) + (patch[0] != '\0' ? 1 + strlen(patch) : 0) &&
        otl_parse_uint(minor, 1, 100000, &number) == OTEL_OK) {
        *ret = (unsigned)number;
        return OTEL_OK;
    }
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                          "'%s' is no version of the Collector (0.115, v0.115.0, latest)", text);
}

/* ---- settings and names that are newer ---- */

static const struct {
    enum col_kind kind;
    const char *type, *key;
    unsigned since;
} newer[] = {
    {COL_PROCESSOR, "tail_sampling", "sample_on_first_match", 127},
    {COL_PROCESSOR, "tail_sampling", "block_on_overflow", 133},
    {COL_PROCESSOR, "tail_sampling", "drop_pending_traces_on_shutdown", 141},
    {COL_PROCESSOR, "tail_sampling", "decision_wait_after_root_received", 144},
    {COL_PROCESSOR, "tail_sampling", "maximum_trace_size_bytes", 145},
    {COL_PROCESSOR, "tail_sampling", "sampling_strategy", 149},
    {COL_PROCESSOR, "tail_sampling", "num_shards", 159},
    {COL_PROCESSOR, "memory_limiter", "max_gc_interval_when_soft_limited", 156},
    {COL_PROCESSOR, "memory_limiter", "max_gc_interval_when_hard_limited", 156},
};

static const struct {
    enum col_kind kind;
    const char *now, *old;
    unsigned since;
} named[] = {
    {COL_EXPORTER, "otlp_grpc", "otlp", 144},
    {COL_EXPORTER, "otlp_http", "otlphttp", 144},
    {COL_EXPORTER, "load_balancing", "loadbalancing", 153},
    {COL_CONNECTOR, "span_metrics", "spanmetrics", 155},
};

static bool is_type(const char *id, const char *type)
{
    size_t len = strlen(type);

    return strncmp(id, type, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

static const char *find_newer(enum col_kind kind, const char *id, const json_t *value,
                              unsigned version, size_t *index)
{
    for (; *index < sizeof(newer) / sizeof(newer[0]); ++*index)
        if (newer[*index].kind == kind && is_type(id, newer[*index].type) &&
            json_object_get(value, newer[*index].key) != NULL &&
            (version == 0 || version < newer[*index].since))
            return newer[(*index)++].key;
    return NULL;
}

static enum otel_err check_component(struct col_config *config, enum col_kind kind,
                                     const json_t *section, const char *id, const json_t *value,
                                     struct otl_detail *reterr)
{
    size_t index = 0;

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (named[i].kind == kind && is_type(id, named[i].now) &&
            col_version_before(config->as_version, named[i].since))
            return otl_yaml_error(reterr, otl_yaml_key_pos(config->doc, section, id),
                                  "%s '%s': unknown type '%s' in v0.%u: it is called so since "
                                  "v0.%u, before it was '%s'",
                                  col_kind_name(kind), id, named[i].now, config->as_version,
                                  named[i].since, named[i].old);
    if (config->as_version != 0 &&
        find_newer(kind, id, value, config->as_version, &index) != NULL)
        return otl_yaml_error(reterr, otl_yaml_key_pos(config->doc, value, newer[index - 1].key),
                              "%s '%s': unknown key '%s' in v0.%u: it is there since v0.%u",
                              col_kind_name(kind), id, newer[index - 1].key, config->as_version,
                              newer[index - 1].since);
    return OTEL_OK;
}

static bool is_short(const json_t *value)
{
    return otl_tree_duration_ns(value, "decision_wait", 30000000000u) < 1000000000u;
}

static enum otel_err check_wait(const struct col_config *config, const char *id,
                                const json_t *value, struct otl_detail *reterr)
{
    if (!col_version_before(config->as_version, 86) || !is_type(id, "tail_sampling") ||
        !is_short(value))
        return OTEL_OK;
    return otl_yaml_error(reterr, otl_yaml_value_pos(config->doc, value, "decision_wait"),
                          "processor '%s': a decision_wait below 1s is an error before v0.86", id);
}

/* Policies of tail_sampling that are newer, and what holds others. */
static const struct {
    const char *type;
    unsigned since;
} newer_policies[] = {{"drop", 126}, {"bytes_limiting", 141}, {"not", 145}, {"trace_flags", 145}};
static const char *const nested[][2] = {{"and", "and_sub_policy"},
                                        {"composite", "composite_sub_policy"},
                                        {"drop", "drop_sub_policy"}};
enum { NESTED = sizeof(nested) / sizeof(nested[0]), DEPTH_MAX = 4 };

static enum otel_err check_policy(const struct col_config *config, const char *id,
                                  const json_t *policy, unsigned depth, struct otl_detail *reterr)
{
    const char *type = otl_tree_text(policy, "type", "");
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < sizeof(newer_policies) / sizeof(newer_policies[0]); i++)
        if (strcmp(type, newer_policies[i].type) == 0 &&
            col_version_before(config->as_version, newer_policies[i].since))
            return otl_yaml_error(reterr, otl_yaml_value_pos(config->doc, policy, "type"),
                                  "processor '%s': unknown sampling policy type '%s' in v0.%u: it "
                                  "is there since v0.%u",
                                  id, type, config->as_version, newer_policies[i].since);
    for (size_t i = 0; i < NESTED && depth < DEPTH_MAX; i++) {
        const json_t *list =
            json_object_get(json_object_get(policy, nested[i][0]), nested[i][1]);
        for (size_t k = 0; k < json_array_size(list) && err == OTEL_OK; k++)
            err = check_policy(config, id, json_array_get(list, k), depth + 1, reterr);
    }
    return err;
}

static enum otel_err check_policies(const struct col_config *config, const char *id,
                                    const json_t *value, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(value, "policies");
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK &&
                       is_type(id, "tail_sampling"); i++)
        err = check_policy(config, id, json_array_get(list, i), 0, reterr);
    return err;
}

enum otel_err col_version_check(struct col_config *config, struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(config->doc), *value;
    enum otel_err err = OTEL_OK;
    const char *id;

    for (int kind = 0; kind < COL_KIND_COUNT; kind++) {
        json_t *section = json_object_get(root, col_kind_section((enum col_kind)kind));
        json_object_foreach(section, id, value)
        {
            err = check_component(config, (enum col_kind)kind, section, id, value, reterr);
            if (err == OTEL_OK)
                err = check_wait(config, id, value, reterr);
            if (err == OTEL_OK && kind == COL_PROCESSOR)
                err = check_policies(config, id, value, reterr);
            if (err != OTEL_OK)
                err = col_config_fault(config, err, reterr);
            if (err != OTEL_OK)
                return err;
        }
    }
    return OTEL_OK;
}

/* ---- what depends on the version ---- */

struct place {
    const struct col_config *config;
    const char *id;
    struct otl_yaml_pos pos;
};

static void say(const struct place *at, unsigned since, const char *what, const char *before,
                const char *now)
{
    bool old = col_version_before(at->config->as_version, since);

    col_findings_note(at->config->findings, COL_ADVICE, at->pos,
                      "'%s' depends on the version: %s: before v0.%u %s, since then %s (here: %s)",
                      at->id, what, since, before, now, old ? "as before" : "as since then");
}

/* Policies and their sub-policies. */
static void advise_policy(const struct place *at, const json_t *compat, const json_t *policy,
                          unsigned depth)
{
    static const char *const inverting[] = {"string_attribute", "numeric_attribute",
                                            "boolean_attribute"};
    const json_t *latency = json_object_get(policy, "latency");
    const json_t *composite = json_object_get(policy, "composite");

    for (size_t i = 0; i < 3; i++)
        if (otl_tree_bool(json_object_get(policy, inverting[i]), "invert_match", false) &&
            depth == 0 && json_object_get(compat, "invert_decisions") == NULL)
            say(at, 144, "invert_match",
                "a trace that matches is kept out whatever other policies say",
                "the answer of the policy is only turned round");
    if (json_is_object(latency) && otl_tree_int(latency, "upper_threshold_ms", 0) == 0 &&
        json_object_get(compat, "latency_lower_bound") == NULL)
        say(at, 157, "latency.threshold_ms", "a trace of exactly so long is sampled",
            "it is not");
    if (json_is_object(json_object_get(policy, "rate_limiting")) &&
        json_object_get(compat, "rate_limiting") == NULL)
        say(at, 153, "rate_limiting",
            "spans of each second are counted, a trace larger than the limit never passes",
            "a token bucket lets bursts pass");
    if (json_array_size(json_object_get(composite, "policy_order")) > 0)
        col_findings_note(at->config->findings, COL_ADVICE, at->pos,
                          "'%s': policy_order is not looked at, as in the Collector: sub-policies "
                          "are asked in the order in which they stand",
                          at->id);
    if (json_is_object(composite) &&
        json_array_size(json_object_get(composite, "composite_sub_policy")) >
            json_array_size(json_object_get(composite, "rate_allocation")) &&
        json_object_get(compat, "composite_unlisted") == NULL)
        say(at, 158, "a sub-policy without rate_allocation", "it never samples",
            "it has an equal share");
    for (size_t i = 0; i < NESTED && depth < DEPTH_MAX; i++) {
        const json_t *list =
            json_object_get(json_object_get(policy, nested[i][0]), nested[i][1]);
        for (size_t k = 0; k < json_array_size(list); k++)
            advise_policy(at, compat, json_array_get(list, k), depth + 1);
    }
}

static void advise_tail(const struct col_config *config, const char *id, const json_t *value)
{
    const json_t *policies = json_object_get(value, "policies");
    const json_t *compat = json_object_get(value, "compat");

    for (size_t i = 0; i < json_array_size(policies); i++) {
        const struct place at = {config, id, otl_yaml_item_pos(config->doc, policies, i)};
        advise_policy(&at, compat, json_array_get(policies, i), 0);
    }
    if (is_short(value)) {
        const struct place at = {config, id,
                                 otl_yaml_value_pos(config->doc, value, "decision_wait")};
        say(&at, 86, "a decision_wait below 1s", "it is an error", "it is one bucket");
    }
}

static void advise_endpoint(const struct col_config *config, const char *id, const json_t *value)
{
    static const char *const names[] = {"grpc", "http"};
    const json_t *protocols = json_object_get(value, "protocols");

    for (size_t i = 0; i < 2; i++) {
        const json_t *protocol = json_object_get(protocols, names[i]);
        const struct place at = {config, id, otl_yaml_key_pos(config->doc, protocols, names[i])};
        if (protocol != NULL && json_object_get(protocol, "endpoint") == NULL)
            say(&at, 104, "a protocol without endpoint", "it listens on 0.0.0.0",
                "it listens on localhost");
    }
}

static void advise_balancer(const struct col_config *config, const json_t *section,
                            const char *id)
{
    static const char what[] = "which backend gets a key";
    const struct place at = {config, id, otl_yaml_key_pos(config->doc, section, id)};

    say(&at, 130, what, "a point is left out where its place is taken", "it goes on upwards");
    say(&at, 157, what, "there are 36,000 places and 100 points a backend",
        "131,071 and 200, whatever order backends come in");
}

/* Of filter and transform. */
static void advise_errors(const struct col_config *config, const json_t *section, const char *id,
                          const json_t *value)
{
    const struct place at = {config, id, otl_yaml_key_pos(config->doc, section, id)};

    if (json_object_get(value, "error_mode") == NULL)
        say(&at, 153, "what fails where error_mode is not set", "its request is refused",
            "it is passed over");
}

void col_version_advise(const struct col_config *config)
{
    const json_t *root = otl_yaml_root(config->doc), *value;
    const char *id;

    for (int kind = 0; kind < COL_KIND_COUNT; kind++) {
        json_t *section = json_object_get(root, col_kind_section((enum col_kind)kind));
        json_object_foreach(section, id, value)
        {
            size_t index = 0;
            if (kind == COL_PROCESSOR && is_type(id, "tail_sampling"))
                advise_tail(config, id, value);
            if (kind == COL_PROCESSOR && (is_type(id, "filter") || is_type(id, "transform")))
                advise_errors(config, section, id, value);
            if (kind == COL_RECEIVER && is_type(id, "otlp"))
                advise_endpoint(config, id, value);
            if (kind == COL_EXPORTER &&
                (is_type(id, "load_balancing") || is_type(id, "loadbalancing")))
                advise_balancer(config, section, id);
            while (config->as_version == 0 &&
                   find_newer((enum col_kind)kind, id, value, 0, &index) != NULL) {
                const struct place at = {
                    config, id, otl_yaml_key_pos(config->doc, value, newer[index - 1].key)};
                say(&at, newer[index - 1].since, newer[index - 1].key, "it is an unknown key",
                    "it is there");
            }
        }
    }
}
