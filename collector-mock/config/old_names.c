/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/config/old_names.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/config/version.h"
#include "collector-mock/pipeline/registry.h"

static const struct {
    enum col_kind kind;
    const char *old, *now;
    unsigned since; /* 0: at some time in 2026 */
} renamed[] = {
    {COL_EXPORTER, "otlp", "otlp_grpc", 144},
    {COL_EXPORTER, "otlphttp", "otlp_http", 144},
    {COL_EXPORTER, "loadbalancing", "load_balancing", 153},
    {COL_EXPORTER, "prometheusremotewrite", "prometheus_remote_write", 0},
    {COL_CONNECTOR, "spanmetrics", "span_metrics", 155},
    {COL_CONNECTOR, "signaltometrics", "signal_to_metrics", 0},
    {COL_PROCESSOR, "k8sattributes", "k8s_attributes", 0},
    {COL_RECEIVER, "filelog", "file_log", 0},
};

static const struct {
    enum col_kind kind;
    const char *word;
    const char *said;
    const char *instead; /* a type that lenient mode takes for it; NULL: a stand-in */
    unsigned since;      /* the version without it; 0: not known, or before all of these */
} removed[] = {
    {COL_EXPORTER, "logging",
     "the logging exporter is deprecated and was removed; use the debug exporter instead",
     "debug", 111},
    {COL_EXPORTER, "jaeger",
     "the jaeger exporter was removed in v0.86; Jaeger takes OTLP, use the otlp_grpc exporter "
     "instead",
     NULL, 86},
    {COL_EXPORTER, "jaeger_thrift",
     "the jaeger_thrift exporter was removed in v0.86; Jaeger takes OTLP, use the otlp_http "
     "exporter instead",
     NULL, 86},
    {COL_EXPORTER, "loki",
     "the loki exporter was removed in v0.131; Loki takes OTLP, use the otlp_http exporter "
     "instead",
     NULL, 131},
    {COL_EXPORTER, "opencensus", "the opencensus exporter was removed; use otlp_grpc instead",
     NULL, 0},
    {COL_RECEIVER, "opencensus", "the opencensus receiver was removed; use otlp instead", NULL, 0},
    {COL_EXPORTER, "sapm", "the sapm exporter was removed; use otlp_http instead", NULL, 0},
    {COL_RECEIVER, "sapm", "the sapm receiver was removed; use otlp instead", NULL, 0},
    {COL_PROCESSOR, "queued_retry",
     "the queued_retry processor was removed; use sending_queue and retry_on_failure of the "
     "exporter instead",
     NULL, 0},
    {COL_PROCESSOR, "spanmetrics",
     "the spanmetrics processor was removed; use the span_metrics connector instead", NULL, 0},
    {COL_PROCESSOR, "servicegraph",
     "the servicegraph processor was removed; use the servicegraph connector instead", NULL, 0},
    {COL_EXTENSION, "memory_ballast",
     "the memory_ballast extension was removed in v0.109; use GOMEMLIMIT and memory_limiter "
     "instead",
     NULL, 109},
};

enum {
    RENAMED_COUNT = sizeof(renamed) / sizeof(renamed[0]),
    REMOVED_COUNT = sizeof(removed) / sizeof(removed[0])
};

static const struct col_component_type *find_renamed(struct col_config *config,
                                                     const struct col_named *named)
{
    const struct col_component_type *type = col_registry_find(named->kind, named->word);

    for (size_t i = 0; i < RENAMED_COUNT; i++) {
        bool is_old = strcmp(renamed[i].old, named->word) == 0;
        if (renamed[i].kind != named->kind ||
            (!is_old && strcmp(renamed[i].now, named->word) != 0))
            continue;
        if (type == NULL)
            type = col_registry_find(named->kind, is_old ? renamed[i].now : renamed[i].old);
        if (is_old && !col_version_before(config->as_version, renamed[i].since))
            col_findings_note(config->findings, COL_WARNING, named->pos,
                              "%s '%s': '%s' is the old name of '%s'", col_kind_name(named->kind),
                              named->id, renamed[i].old, renamed[i].now);
    }
    return type;
}

static enum otel_err not_here(struct col_config *config, const struct col_named *named,
                              const char *text, const struct col_component_type **ret,
                              struct otl_detail *reterr)
{
    static const char *const instead[COL_KIND_COUNT] = {
        "nothing is received", "spans are counted and handed on unchanged",
        "spans are counted and go nowhere", "spans are counted and go nowhere", "it does nothing"};

    *ret = col_stand_in(named->kind);
    if (!config->lenient)
        return otl_yaml_error(reterr, named->pos, "%s", text);
    col_findings_note(config->findings, COL_WARNING, named->pos, "%s; here %s", text,
                      instead[named->kind]);
    return OTEL_OK;
}

static enum otel_err find_removed(struct col_config *config, const struct col_named *named,
                                  size_t index, const struct col_component_type **ret,
                                  struct otl_detail *reterr)
{
    const char *instead = removed[index].instead;
    char text[384];

    if (col_version_before(config->as_version, removed[index].since)) { /* it was there */
        *ret = instead != NULL ? col_registry_find(named->kind, instead)
                               : col_stand_in(named->kind);
        col_findings_note(config->findings, COL_ADVICE, named->pos,
                          "%s '%.100s' is there in v0.%u (removed in v0.%u); here %s",
                          col_kind_name(named->kind), named->id, config->as_version,
                          removed[index].since, instead != NULL ? instead : "it only counts");
        return OTEL_OK;
    }
    snprintf(text, sizeof(text), "%s '%.100s': %s", col_kind_name(named->kind), named->id,
             removed[index].said);
    if (!config->lenient || instead == NULL)
        return not_here(config, named, text, ret, reterr);
    col_findings_note(config->findings, COL_WARNING, named->pos, "%s", text);
    *ret = col_registry_find(named->kind, instead);
    return OTEL_OK;
}

enum otel_err col_find_type(struct col_config *config, const struct col_named *named,
                            const struct col_component_type **ret, struct otl_detail *reterr)
{
    const char *names[COL_REGISTRY_MAX];
    char list[256] = "", near[128], text[480];
    size_t at = 0;

    *ret = find_renamed(config, named);
    if (*ret != NULL)
        return OTEL_OK;
    for (size_t i = 0; i < REMOVED_COUNT; i++)
        if (removed[i].kind == named->kind && strcmp(removed[i].word, named->word) == 0)
            return find_removed(config, named, i, ret, reterr);
    col_registry_names(named->kind, names);
    for (size_t i = 0; names[i] != NULL && at < sizeof(list); i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", names[i]);
    snprintf(text, sizeof(text), "unknown type '%s' for %s '%.100s'%s (there are: %s)",
             named->word, col_kind_name(named->kind), named->id,
             otl_words_suggest(names, named->word, near, sizeof(near)),
             list[0] ? list : "none yet");
    return not_here(config, named, text, ret, reterr);
}

/* ---- settings ---- */

static enum otel_err put(struct col_config *config, json_t *map, const char *key,
                         const char *value, struct otl_detail *reterr)
{
    struct otl_yaml_options options;

    otl_yaml_options_init(&options);
    options.source = "--lenient";
    return otl_yaml_put(config->doc, map, key, value, &options, reterr);
}

static enum otel_err modernize_logging(struct col_config *config, json_t *map,
                                       struct otl_detail *reterr)
{
    const char *level = otl_tree_text(map, "loglevel", NULL);
    const char *verbosity = "basic";

    if (level == NULL)
        return OTEL_OK;
    if (strcmp(level, "debug") == 0)
        verbosity = "detailed";
    else if (strcmp(level, "info") == 0)
        verbosity = "normal";
    col_findings_note(config->findings, COL_WARNING, otl_yaml_key_pos(config->doc, map, "loglevel"),
                      "'loglevel' was removed; use verbosity: %s", verbosity);
    json_object_del(map, "loglevel");
    if (json_object_get(map, "verbosity") != NULL)
        return OTEL_OK;
    return put(config, map, "verbosity", verbosity, reterr);
}

static enum otel_err modernize_limiter(struct col_config *config, json_t *map,
                                       struct otl_yaml_pos pos, struct otl_detail *reterr)
{
    if (json_object_get(map, "ballast_size_mib") != NULL) {
        col_findings_note(config->findings, COL_WARNING,
                          otl_yaml_key_pos(config->doc, map, "ballast_size_mib"),
                          "'ballast_size_mib' was removed in v0.109; it is left out");
        json_object_del(map, "ballast_size_mib");
    }
    if (!json_is_object(map) || json_object_get(map, "check_interval") != NULL)
        return OTEL_OK;
    col_findings_note(config->findings, COL_WARNING, pos,
                      "memory_limiter: check_interval must be greater than zero; 1s is taken");
    return put(config, map, "check_interval", "1s", reterr);
}

/* "type" or "type/name" */
static bool is_type(const char *id, const char *type)
{
    size_t len = strlen(type);

    return strncmp(id, type, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

static void warn_address(struct col_config *config, const json_t *root)
{
    const json_t *service = json_object_get(root, "service");
    const json_t *metrics = json_object_get(json_object_get(service, "telemetry"), "metrics");

    if (json_object_get(metrics, "address") != NULL &&
        !col_version_before(config->as_version, 111))
        col_findings_note(config->findings, COL_WARNING,
                          otl_yaml_key_pos(config->doc, metrics, "address"),
                          "'address' is deprecated since v0.111; use readers with a pull exporter "
                          "prometheus and its host and port");
}

enum otel_err col_modernize(struct col_config *config, struct otl_detail *reterr)
{
    json_t *root = otl_yaml_root(config->doc), *map;
    const json_t *processors = json_object_get(root, "processors");
    enum otel_err err = OTEL_OK;
    const char *id;

    warn_address(config, root);
    json_object_foreach(json_object_get(root, "exporters"), id, map)
    {
        if (err == OTEL_OK && is_type(id, "logging") &&
            (config->lenient || col_version_before(config->as_version, 111)))
            err = modernize_logging(config, map, reterr);
    }
    if (!config->lenient)
        return err;
    json_object_foreach(json_object_get(root, "processors"), id, map)
    {
        if (err == OTEL_OK && is_type(id, "memory_limiter"))
            err = modernize_limiter(config, map, otl_yaml_key_pos(config->doc, processors, id),
                                    reterr);
    }
    return err;
}
