/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/config/lint.h"

#include <string.h>

#include "collector-mock/config/version.h"
#include "collector-mock/pipeline/registry.h"

/* Advice about a configuration that may well be correct, and the order of looking at one. */

static bool is(const struct col_config_component *component, const char *type)
{
    return strcmp(component->type->name, type) == 0;
}

static void advise_unused(const struct col_config *config)
{
    for (size_t i = 0; i < config->component_count; i++) {
        const struct col_config_component *component = &config->components[i];
        if (component->named)
            continue;
        col_findings_note(config->findings, COL_ADVICE, component->pos, "%s '%s' is used by no %s",
                          col_kind_name(component->type->kind), component->id,
                          component->type->kind == COL_EXTENSION
                              ? "service: it is not in service.extensions"
                              : "pipeline");
    }
}

/* One protocol asks who the client is, the other takes everybody. */
static void advise_auth(const struct col_config *config)
{
    const json_t *root = otl_yaml_root(config->doc), *value;
    json_t *receivers = json_object_get(root, "receivers");
    const char *id;

    json_object_foreach(receivers, id, value)
    {
        const json_t *protocols = json_object_get(value, "protocols");
        const json_t *grpc = json_object_get(protocols, "grpc");
        const json_t *http = json_object_get(protocols, "http");
        bool at_grpc = json_object_get(grpc, "auth") != NULL;
        bool at_http = json_object_get(http, "auth") != NULL;
        if (grpc == NULL || http == NULL || at_grpc == at_http)
            continue;
        col_findings_note(config->findings, COL_ADVICE,
                          otl_yaml_key_pos(config->doc, protocols, at_grpc ? "http" : "grpc"),
                          "receiver '%s' asks for credentials over %s alone: over %s everybody "
                          "may send",
                          id, at_grpc ? "gRPC" : "HTTP", at_grpc ? "HTTP" : "gRPC");
    }
}

/* Where the pipeline names this processor. */
static struct otl_yaml_pos named_at(const struct col_config *config,
                                    const struct col_config_pipeline *pipeline, const char *id)
{
    const json_t *root = otl_yaml_root(config->doc);
    const json_t *pipelines = json_object_get(json_object_get(root, "service"), "pipelines");
    const json_t *list =
        json_object_get(json_object_get(pipelines, pipeline->name), "processors");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)) &&
            strcmp(json_string_value(json_array_get(list, i)), id) == 0)
            return otl_yaml_item_pos(config->doc, list, i);
    return pipeline->pos;
}

static bool loopback(const char *endpoint)
{
    static const char *const starts[] = {"localhost:", "127.", "[::1]:"};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(endpoint, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static bool local_only(const struct col_config *config, const struct col_config_pipeline *pipeline)
{
    static const char *const names[] = {"grpc", "http"};

    for (size_t i = 0; i < pipeline->receiver_count; i++) {
        const struct col_config_component *receiver = &config->components[pipeline->receivers[i]];
        const json_t *protocols = json_object_get(receiver->config, "protocols");
        if (!is(receiver, "otlp") || receiver->type->kind != COL_RECEIVER)
            return false;
        for (size_t k = 0; k < 2; k++) {
            const json_t *protocol = json_object_get(protocols, names[k]);
            if (!loopback(otl_tree_text(protocol, "endpoint", "localhost:")))
                return false;
        }
    }
    return pipeline->receiver_count > 0;
}

static void advise_pipeline(const struct col_config *config,
                            const struct col_config_pipeline *pipeline)
{
    bool batched = false, limited = false;

    for (size_t i = 0; i < pipeline->processor_count; i++) {
        const struct col_config_component *processor =
            &config->components[pipeline->processors[i]];
        struct otl_yaml_pos pos = named_at(config, pipeline, processor->id);
        if (is(processor, "memory_limiter") && i > 0)
            col_findings_note(config->findings, COL_ADVICE, pos,
                              "pipeline '%s': memory_limiter should be the first processor",
                              pipeline->name);
        if (is(processor, "tail_sampling") && batched)
            col_findings_note(config->findings, COL_ADVICE, pos,
                              "pipeline '%s': tail_sampling stands behind batch: what it lets "
                              "through is not batched any more; put batch last",
                              pipeline->name);
        if (is(processor, "tail_sampling") && local_only(config, pipeline))
            col_findings_note(config->findings, COL_ADVICE, pos,
                              "pipeline '%s': tail_sampling sees whole traces only where all of "
                              "their spans arrive, and every receiver here listens on loopback "
                              "alone (a sidecar?)",
                              pipeline->name);
        limited = limited || is(processor, "memory_limiter");
        batched = batched || is(processor, "batch");
    }
    if (!limited)
        col_findings_note(config->findings, COL_ADVICE, pipeline->pos,
                          "pipeline '%s' has no memory_limiter: a burst may end the process",
                          pipeline->name);
}

/* An error that ends the look is a finding like the others; what is no fault of the
 * configuration is handed on. */
static enum otel_err last_finding(enum otel_err err, struct col_findings *findings,
                                  struct otl_detail *reterr)
{
    static const struct otl_detail none = OTL_DETAIL_NONE;

    if (err == OTEL_ERR_NOT_FOUND || otel_err_class(err) != OTEL_CLASS_USAGE)
        return err;
    col_findings_add(findings, COL_ERROR, reterr);
    *reterr = none;
    return OTEL_OK;
}

enum otel_err col_lint(const struct col_config_options *options, struct col_findings *findings,
                       struct otl_detail *reterr)
{
    struct col_config_options all = *options;
    struct col_config *config = NULL;
    enum otel_err err;

    all.findings = findings;
    all.all = true;
    err = col_config_load(&all, &config, reterr);
    if (err != OTEL_OK)
        return last_finding(err, findings, reterr);
    advise_unused(config);
    advise_auth(config);
    col_version_advise(config);
    col_note_integers(config, config->lenient ? COL_WARNING : COL_ADVICE);
    for (size_t i = 0; i < config->pipeline_count; i++)
        advise_pipeline(config, &config->pipelines[i]);
    err = col_config_rehearse(config, reterr);
    col_config_free(config);
    return err == OTEL_OK ? OTEL_OK : last_finding(err, findings, reterr);
}
