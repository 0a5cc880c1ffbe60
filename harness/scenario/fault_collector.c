/* SPDX-License-Identifier: Apache-2.0 */
/* do: collector: what the collector is made to do, in the words of its own plans. */
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"
#include "sdk/base/clock.h"

#define DAY ((int64_t)86400 * (int64_t)OTL_NS_PER_S)

/* In the order of enum hx_collector_fault; the broker's two behind them share the key. */
const char *const hx_collector_words[] = {
    "delay",            "status",       "stall",              "refuse",
    "partial_success",  "rst_stream",   "goaway",             "half_open",
    "truncated_answer", "corrupt_gzip", "wrong_content_type", "oversized_answer",
    "slow_answer",      "duplicate",    "clock_skew",         "memory_pressure",
    "disk_full",        "accept_stall", "slow_read",          "tls_refuse",
    "tls_certificate",  "restart",      "down",               "error",
    NULL};
static const char *const laws[] = {"fixed", "uniform", "exponential", NULL};
static const char *const forms[] = {"seconds", "date", NULL};
const struct otl_schema hx_collector_with[] = {
    {.key = "delay_max", .type = OTL_SCHEMA_DURATION, .min = 1000000, .max = DAY / 24},
    {.key = "distribution", .type = OTL_SCHEMA_ENUM, .words = laws},
    {.key = "code", .type = OTL_SCHEMA_UINT, .min = 1, .max = 16},
    {.key = "retry_after_as", .type = OTL_SCHEMA_ENUM, .words = forms},
    {.key = "rejected", .type = OTL_SCHEMA_UINT},
    {.key = "error_code", .type = OTL_SCHEMA_UINT, .max = 13},
    {.key = "rate", .type = OTL_SCHEMA_UINT, .min = 1, .max = 1000000000},
    {.key = "size", .type = OTL_SCHEMA_UINT, .min = 1, .max = 1 << 28},
    {.key = "skew", .type = OTL_SCHEMA_DURATION, .min = 1, .max = DAY},
    {.key = "behind", .type = OTL_SCHEMA_BOOL},
    {.key = "cert_file", .type = OTL_SCHEMA_STRING, .min = 1, .max = 255},
    {.key = "key_file", .type = OTL_SCHEMA_STRING, .min = 1, .max = 255},
    {.key = "count", .type = OTL_SCHEMA_UINT, .min = 1, .max = INT64_MAX},
    OTL_SCHEMA_END};

const char *hx_collector_fault_word(enum hx_collector_fault fault)
{
    return hx_collector_words[fault];
}

static enum hx_collector_fault kind_of(const char *word)
{
    unsigned i = 0;

    while (strcmp(hx_collector_words[i], word) != 0)
        i++;
    return (enum hx_collector_fault)i;
}

/* What goes with which kind: needed by it, or at least allowed. */
static const struct {
    const char *key, *kind;
    bool needed;
} rows[] = {
    {"delay_max", "delay", false},
    {"distribution", "delay", false},
    {"code", "status", false},
    {"retry_after_as", "status", false},
    {"rejected", "partial_success", true},
    {"error_code", "rst_stream", false},
    {"rate", "slow_answer", true},
    {"rate", "slow_read", true},
    {"size", "oversized_answer", false},
    {"skew", "clock_skew", true},
    {"behind", "clock_skew", false},
    {"cert_file", "tls_certificate", true},
    {"key_file", "tls_certificate", true},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static bool belongs(const char *key, const char *kind)
{
    if (strcmp(key, "count") == 0)
        return strcmp(kind, "refuse") != 0 && strcmp(kind, "restart") != 0;
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].key, key) == 0 && strcmp(rows[i].kind, kind) == 0)
            return true;
    return false;
}

static enum otel_err check_with(struct hx_loader *l, const json_t *map, const struct hx_fault *f)
{
    const char *kind = hx_collector_words[f->collector], *key;
    json_t *value;

    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].needed && strcmp(rows[i].kind, kind) == 0 &&
            json_object_get(f->with, rows[i].key) == NULL)
            return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                                  "'fault: %s' needs 'with: {%s: ...}'", kind, rows[i].key);
    json_object_foreach((json_t *)(uintptr_t)f->with, key, value)
        if (!belongs(key, kind))
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, f->with, key),
                                  "'%s' has no meaning for 'fault: %s'", key, kind);
    if (strcmp(kind, "restart") == 0 && f->for_ns == 0)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                              "'fault: restart' needs 'for', how long nobody listens");
    return OTEL_OK;
}

static enum otel_err check_owners(struct hx_loader *l, const json_t *map,
                                  const struct hx_fault *f)
{
    static const char *const owner[] = {"delay", "status"};
    bool by_code = json_object_get(f->with, "code") != NULL;
    bool of_socket = f->collector == HX_COLLECTOR_REFUSE ||
                     strcmp(hx_collector_words[f->collector], "restart") == 0;

    for (unsigned i = 0; i < 2; i++) {
        bool there = json_object_get(map, owner[i]) != NULL;
        const char *joint = there ? "belongs to" : "is needed by";
        if (there != (f->collector == i) && !(i == 1 && !there && by_code))
            return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                                  "'%s' %s 'fault: %s'", owner[i], joint, owner[i]);
    }
    if (f->retry_after_ns != 0 && f->collector != HX_COLLECTOR_STATUS)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "retry_after"),
                              "'retry_after' belongs to 'fault: status'");
    if (of_socket && json_object_get(map, "probability") != NULL)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "probability"),
                              "'fault: %s' closes the port for everybody: no probability",
                              hx_collector_words[f->collector]);
    return OTEL_OK;
}

/* Which one it is: the recording collector, or an agent. */
static enum otel_err load_agent(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    const char *name = otl_tree_text(map, "agent", NULL);
    const json_t *agents = json_object_get(l->scenario->tree, "agents");
    char near[160];

    if (name == NULL)
        return OTEL_OK;
    f->agent = hx_scenario_agent(l->scenario, name);
    if (f->agent == NULL)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "agent"),
                              "fault on the unknown agent '%.80s'%s", name,
                              json_object_size(agents) == 0
                                  ? ": the scenario has no 'agents'"
                                  : otl_tree_suggest(agents, name, near, sizeof(near)));
    if (strcmp(hx_collector_words[f->collector], "partial_success") == 0)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                              "'fault: partial_success' at an agent cannot be judged: which spans "
                              "it did not take its answer does not say");
    return OTEL_OK;
}

enum otel_err hx_load_collector_fault(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    const char *word = otl_tree_text(map, "fault", "");
    enum otel_err err;

    if (strcmp(word, "down") == 0 || strcmp(word, "error") == 0)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                              "'fault: %s' is one of the broker's; the collector has delay, "
                              "status, stall and refuse; did you mean '%s'?",
                              word, word[0] == 'd' ? "refuse" : "status");
    f->collector = kind_of(word);
    err = load_agent(l, map, f);
    if (err != OTEL_OK)
        return err;
    f->with = json_object_get(map, "with");
    f->delay_ns = otl_tree_duration_ns(map, "delay", 0);
    f->status = (unsigned)otl_tree_int(map, "status", 0);
    f->retry_after_ns = otl_tree_duration_ns(map, "retry_after", 0);
    f->for_ns = otl_tree_duration_ns(map, "for", 0);
    f->probability = otl_tree_double(map, "probability", 1.0);
    err = check_owners(l, map, f);
    return err == OTEL_OK ? check_with(l, map, f) : err;
}
