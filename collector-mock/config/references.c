/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/config/config.h"
#include "collector-mock/pipeline/registry.h"

/* service.pipelines and service.extensions: names into components, and the shape of the graph. */

enum { NOWHERE = COL_COMPONENTS_MAX };

static size_t find(const struct col_config *config, enum col_kind kind, const char *id)
{
    for (size_t i = 0; i < config->component_count; i++)
        if (config->components[i].type->kind == kind && strcmp(config->components[i].id, id) == 0)
            return i;
    return NOWHERE;
}

/* A name as it stands in a pipeline. */
struct reference {
    enum col_kind kind; /* what it stands there as */
    const char *id;
    const char *where; /* "pipeline 'traces'" */
    struct otl_yaml_pos pos;
    bool left_out; /* the pipeline that names it */
};

static enum otel_err undefined(const struct col_config *config, const struct reference *reference,
                               struct otl_detail *reterr)
{
    const char *known[COL_COMPONENTS_MAX + 1];
    enum col_kind kind = reference->kind;
    char near[128];
    size_t count = 0;

    for (size_t i = 0; i < config->component_count; i++) {
        enum col_kind other = config->components[i].type->kind;
        bool fits = other == kind || (other == COL_CONNECTOR &&
                                      (kind == COL_RECEIVER || kind == COL_EXPORTER));
        if (fits)
            known[count++] = config->components[i].id;
    }
    known[count] = NULL;
    return otl_yaml_error(reterr, reference->pos,
                          "%s references %s '%s', which is not configured%s", reference->where,
                          col_kind_name(kind), reference->id,
                          otl_words_suggest(known, reference->id, near, sizeof(near)));
}

/* Connectors fit on both ends of a pipeline. */
static enum otel_err resolve(struct col_config *config, const struct reference *reference,
                             size_t *ret, struct otl_detail *reterr)
{
    size_t own = find(config, reference->kind, reference->id), connector = NOWHERE;

    if (reference->kind != COL_PROCESSOR)
        connector = find(config, COL_CONNECTOR, reference->id);
    if (own != NOWHERE && connector != NOWHERE)
        return otl_yaml_error(reterr, reference->pos,
                              "'%s' is ambiguous: it is the id of %s %s and of a connector",
                              reference->id, reference->kind == COL_EXPORTER ? "an" : "a",
                              col_kind_name(reference->kind));
    if (own == NOWHERE && connector == NOWHERE)
        return undefined(config, reference, reterr);
    *ret = own != NOWHERE ? own : connector;
    config->components[*ret].named = true;
    if (reference->left_out && connector == NOWHERE)
        return OTEL_OK;
    if (reference->kind == COL_EXPORTER)
        config->components[*ret].uses_as_exporter++;
    else
        config->components[*ret].uses_as_receiver++;
    return OTEL_OK;
}

struct refs {
    size_t *items;
    size_t *count;
};

static struct refs refs_of(struct col_config_pipeline *pipeline, enum col_kind kind)
{
    struct refs refs = {pipeline->exporters, &pipeline->exporter_count};

    if (kind == COL_RECEIVER) {
        refs.items = pipeline->receivers;
        refs.count = &pipeline->receiver_count;
    } else if (kind == COL_PROCESSOR) {
        refs.items = pipeline->processors;
        refs.count = &pipeline->processor_count;
    }
    return refs;
}

static bool contains(struct refs refs, size_t item)
{
    for (size_t i = 0; i < *refs.count; i++)
        if (refs.items[i] == item)
            return true;
    return false;
}

/* Whether the pipeline names the connector on this side. */
static bool names_connector(const struct col_config_pipeline *pipeline, enum col_kind side,
                            size_t connector)
{
    const size_t *items = side == COL_RECEIVER ? pipeline->receivers : pipeline->exporters;
    size_t count = side == COL_RECEIVER ? pipeline->receiver_count : pipeline->exporter_count;

    for (size_t i = 0; i < count; i++)
        if (items[i] == connector)
            return true;
    return false;
}

/* map[section] into the pipeline's references of that kind. */
static enum otel_err read_refs(struct col_config *config, struct col_config_pipeline *pipeline,
                               const json_t *map, enum col_kind kind, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(map, col_kind_section(kind));
    struct refs refs = refs_of(pipeline, kind);
    char where[128];

    snprintf(where, sizeof(where), "pipeline '%s'", pipeline->name);
    if (json_array_size(list) > COL_REFS_MAX)
        return otl_yaml_error(reterr, otl_yaml_value_pos(config->doc, map, col_kind_section(kind)),
                              "more than %d %s", COL_REFS_MAX, col_kind_section(kind));
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct reference reference = {kind, json_string_value(json_array_get(list, i)), where,
                                      otl_yaml_item_pos(config->doc, list, i),
                                      pipeline->left_out};
        size_t ref = NOWHERE;
        enum otel_err err;
        if (reference.id == NULL)
            continue; /* no text: it was noted, and the rest is looked at */
        err = resolve(config, &reference, &ref, reterr);
        if (err == OTEL_OK && !contains(refs, ref))
            refs.items[(*refs.count)++] = ref;
        else if (err == OTEL_OK && kind == COL_PROCESSOR) /* others count once, as upstream */
            err = otl_yaml_error(reterr, reference.pos, "%s names processor '%s' twice", where,
                                 reference.id);
        if (err != OTEL_OK)
            err = col_config_fault(config, err, reterr);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err unknown_signal(struct otl_yaml_pos pos, const char *name, size_t len,
                                    struct otl_detail *reterr)
{
    static const char *const signals[] = {"traces", "metrics", "logs", NULL};
    char near[64];

    return otl_yaml_error(reterr, pos, "pipeline \"%s\": unknown signal \"%.*s\"%s", name, (int)len,
                          name, otl_words_suggest(signals, name, near, sizeof(near)));
}

static enum otel_err check_name(struct col_config *config, struct col_config_pipeline *pipeline,
                                struct otl_detail *reterr)
{
    static const char gate[] = "profiling signal support is at alpha level, gated under the "
                               "\"service.profilesSupport\" feature gate";
    const char *name = pipeline->name, *slash = strchr(name, '/');
    size_t len = slash != NULL ? (size_t)(slash - name) : strlen(name);
    struct otl_view signal = otl_view(name, len);
    struct otl_yaml_pos pos = pipeline->pos;

    pipeline->left_out = true;
    if (slash != NULL && (len == 0 || slash[1] == '\0'))
        return otl_yaml_error(reterr, pos, "in \"%s\" id: the part %s / should not be empty", name,
                              len == 0 ? "before" : "after");
    for (int s = COL_TRACES; s < COL_SIGNALS; s++) {
        if (!otl_view_is(signal, col_signal_name((enum col_signal)s)))
            continue;
        pipeline->signal = (enum col_signal)s;
        pipeline->left_out = false;
        return OTEL_OK;
    }
    if (!otl_view_is(signal, "profiles"))
        return unknown_signal(pos, name, len, reterr);
    if (!config->lenient)
        return otl_yaml_error(reterr, pos, "pipeline \"%s\": %s (--lenient leaves it out)", name,
                              gate);
    col_findings_note(config->findings, COL_WARNING, pos, "pipeline \"%s\": %s; it is left out",
                      name, gate);
    return OTEL_OK;
}

static enum otel_err add_pipeline(struct col_config *config, const json_t *pipelines,
                                  const char *name, struct otl_detail *reterr)
{
    static const enum col_kind kinds[] = {COL_RECEIVER, COL_PROCESSOR, COL_EXPORTER};
    struct col_config_pipeline *pipeline = &config->pipelines[config->pipeline_count];
    const json_t *map = json_object_get(pipelines, name);
    struct otl_yaml_pos pos = otl_yaml_key_pos(config->doc, pipelines, name);
    enum otel_err err;

    if (config->pipeline_count == COL_PIPELINES_MAX)
        return otl_yaml_error(reterr, pos, "more than %d pipelines", COL_PIPELINES_MAX);
    memset(pipeline, 0, sizeof(*pipeline));
    pipeline->name = name;
    pipeline->pos = pos;
    err = check_name(config, pipeline, reterr);
    if (err != OTEL_OK)
        err = col_config_fault(config, err, reterr);
    for (size_t i = 0; i < 3 && err == OTEL_OK; i++)
        err = read_refs(config, pipeline, map, kinds[i], reterr);
    if (err != OTEL_OK)
        return err;
    if (json_array_size(json_object_get(map, "receivers")) == 0)
        return otl_yaml_error(reterr, pos, "pipeline '%s' has no receivers", name);
    if (json_array_size(json_object_get(map, "exporters")) == 0)
        return otl_yaml_error(reterr, pos, "pipeline '%s' has no exporters", name);
    config->pipeline_count += !pipeline->left_out;
    return OTEL_OK;
}

/* ---- signals ---- */

static enum col_signal signal_after(const struct col_component_type *type, enum col_signal before)
{
    return type->to_metrics ? COL_METRICS : before;
}

static bool takes(const struct col_component_type *type, enum col_signal signal)
{
    return (type->signals & COL_SIGNAL_BIT(signal)) != 0;
}

/* Whether pipelines of this signal name the connector on this side. */
static bool stands_in(const struct col_config *config, size_t connector, enum col_kind side,
                      enum col_signal signal)
{
    for (size_t p = 0; p < config->pipeline_count; p++) {
        const struct col_config_pipeline *pipeline = &config->pipelines[p];
        if (pipeline->signal == signal && names_connector(pipeline, side, connector))
            return true;
    }
    return false;
}

/* Whether the other side has a pipeline that fits to pipelines of this signal on this one. */
static bool other_side_fits(const struct col_config *config, size_t connector,
                            enum col_kind side, enum col_signal signal)
{
    const struct col_component_type *type = config->components[connector].type;

    if (side == COL_EXPORTER)
        return takes(type, signal) &&
               stands_in(config, connector, COL_RECEIVER, signal_after(type, signal));
    for (int s = COL_TRACES; s < COL_SIGNALS; s++)
        if (takes(type, (enum col_signal)s) && signal_after(type, (enum col_signal)s) == signal &&
            stands_in(config, connector, COL_EXPORTER, (enum col_signal)s))
            return true;
    return false;
}

/* "traces/a traces/b": the pipelines of a signal that name the connector on this side. */
static void list_pipelines(const struct col_config *config, size_t connector, enum col_kind side,
                           enum col_signal signal, char out[192])
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t p = 0; p < config->pipeline_count && at < 192; p++) {
        const struct col_config_pipeline *pipeline = &config->pipelines[p];
        if (pipeline->signal == signal && names_connector(pipeline, side, connector))
            at += (size_t)snprintf(out + at, 192 - at, "%s%s", at > 0 ? " " : "", pipeline->name);
    }
}

static enum otel_err check_side(struct col_config *config, size_t connector, enum col_kind side,
                                struct otl_detail *reterr)
{
    const struct col_config_component *component = &config->components[connector];
    enum col_kind other = side == COL_EXPORTER ? COL_RECEIVER : COL_EXPORTER;
    enum otel_err err = OTEL_OK;
    char names[192];

    for (int s = COL_TRACES; s < COL_SIGNALS && err == OTEL_OK; s++) {
        enum col_signal signal = (enum col_signal)s;
        if (!stands_in(config, connector, side, signal) ||
            other_side_fits(config, connector, side, signal))
            continue;
        list_pipelines(config, connector, side, signal, names);
        err = otl_yaml_error(reterr, component->pos,
                             "connector \"%s\" used as %s in [%s] pipeline but not used in any "
                             "supported %s pipeline",
                             component->id, col_kind_name(side), names, col_kind_name(other));
        err = col_config_fault(config, err, reterr);
    }
    return err;
}

static enum otel_err check_connectors(struct col_config *config, struct otl_detail *reterr)
{
    for (size_t i = 0; i < config->component_count; i++) {
        const struct col_config_component *component = &config->components[i];
        bool both = component->uses_as_exporter > 0 && component->uses_as_receiver > 0;
        enum otel_err err = OTEL_OK;
        if (component->type->kind != COL_CONNECTOR)
            continue;
        if (both && config->lenient)
            continue; /* a stand-in, or a pipeline that is left out */
        err = check_side(config, i, COL_EXPORTER, reterr);
        if (err == OTEL_OK)
            err = check_side(config, i, COL_RECEIVER, reterr);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err check_signal(const struct col_config *config,
                                  const struct col_config_pipeline *pipeline, size_t item,
                                  struct otl_detail *reterr)
{
    const struct col_config_component *component = &config->components[item];
    const struct col_component_type *type = component->type;

    if (type->kind == COL_CONNECTOR || takes(type, pipeline->signal))
        return OTEL_OK;
    return otl_yaml_error(reterr, pipeline->pos,
                          "failed to create \"%s\" %s for data type \"%s\": telemetry type is not "
                          "supported",
                          component->id, col_kind_name(type->kind),
                          col_signal_name(pipeline->signal));
}

static enum otel_err check_signals(const struct col_config *config, struct otl_detail *reterr)
{
    static const enum col_kind kinds[] = {COL_RECEIVER, COL_PROCESSOR, COL_EXPORTER};

    for (size_t p = 0; p < config->pipeline_count; p++) {
        struct col_config_pipeline pipeline = config->pipelines[p];
        for (size_t k = 0; k < 3; k++) {
            struct refs refs = refs_of(&pipeline, kinds[k]);
            for (size_t i = 0; i < *refs.count; i++) {
                enum otel_err err = check_signal(config, &pipeline, refs.items[i], reterr);
                if (err != OTEL_OK)
                    return err;
            }
        }
    }
    return OTEL_OK;
}

/* ---- cycles: pipeline -> connector -> pipeline ---- */

struct walk {
    struct col_config *config;
    size_t path[COL_PIPELINES_MAX]; /* pipelines on the way */
    size_t depth;
    bool done[COL_PIPELINES_MAX];
};

static enum otel_err report_cycle(const struct walk *walk, size_t again,
                                  struct otl_detail *reterr)
{
    const struct col_config_pipeline *pipelines = walk->config->pipelines;
    char path[384];
    size_t at = 0, first = 0;

    while (walk->path[first] != again)
        first++;
    for (size_t i = first; i < walk->depth && at < sizeof(path); i++)
        at += (size_t)snprintf(path + at, sizeof(path) - at, "%s -> ",
                               pipelines[walk->path[i]].name);
    return otl_yaml_error(reterr, pipelines[again].pos, "cycle of pipelines: %s%s", path,
                          pipelines[again].name);
}

static enum otel_err visit(struct walk *walk, size_t at, struct otl_detail *reterr)
{
    struct col_config *config = walk->config;
    const struct col_config_pipeline *pipeline = &config->pipelines[at];

    for (size_t i = 0; i < walk->depth; i++)
        if (walk->path[i] == at)
            return report_cycle(walk, at, reterr);
    if (walk->done[at])
        return OTEL_OK;
    walk->path[walk->depth++] = at;
    for (size_t e = 0; e < pipeline->exporter_count; e++) {
        size_t component = pipeline->exporters[e];
        if (config->components[component].type->kind != COL_CONNECTOR)
            continue;
        for (size_t p = 0; p < config->pipeline_count; p++) {
            enum otel_err err = OTEL_OK;
            if (names_connector(&config->pipelines[p], COL_RECEIVER, component))
                err = visit(walk, p, reterr);
            if (err != OTEL_OK)
                return err;
        }
    }
    walk->depth--;
    walk->done[at] = true;
    return OTEL_OK;
}

static enum otel_err check_cycles(struct col_config *config, struct otl_detail *reterr)
{
    struct walk walk = {.config = config, .depth = 0};

    for (size_t p = 0; p < config->pipeline_count; p++) {
        enum otel_err err = visit(&walk, p, reterr);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err check_extensions(struct col_config *config, const json_t *service,
                                      struct otl_detail *reterr)
{
    const json_t *list = json_object_get(service, "extensions");

    for (size_t i = 0; i < json_array_size(list); i++) {
        struct reference reference = {COL_EXTENSION, json_string_value(json_array_get(list, i)),
                                      "service", otl_yaml_item_pos(config->doc, list, i), false};
        struct refs refs = {config->extensions, &config->extension_count};
        size_t ref = reference.id ? find(config, COL_EXTENSION, reference.id) : NOWHERE;
        enum otel_err err = OTEL_OK;
        if (reference.id == NULL)
            continue;
        if (ref == NOWHERE)
            err = col_config_fault(config, undefined(config, &reference, reterr), reterr);
        if (err != OTEL_OK)
            return err;
        if (ref == NOWHERE || contains(refs, ref))
            continue;
        if (config->extension_count == COL_REFS_MAX)
            return otl_yaml_error(reterr, reference.pos, "more than %d extensions", COL_REFS_MAX);
        config->components[ref].named = true;
        config->extensions[config->extension_count++] = ref;
    }
    return OTEL_OK;
}

enum otel_err col_config_pipelines(struct col_config *config, struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(config->doc);
    const json_t *service = json_object_get(root, "service");
    json_t *pipelines = json_object_get(service, "pipelines"), *value;
    enum otel_err err = check_extensions(config, service, reterr);
    const char *name;

    if (err != OTEL_OK)
        return err;
    if (json_object_size(pipelines) == 0)
        return otl_yaml_error(reterr,
                              json_is_object(service) ? otl_yaml_key_pos(config->doc, root,
                                                                         "service")
                                                      : otl_yaml_container_pos(config->doc, root),
                              "service has no pipelines");
    json_object_foreach(pipelines, name, value)
    {
        err = add_pipeline(config, pipelines, name, reterr);
        if (err != OTEL_OK)
            err = col_config_fault(config, err, reterr);
        if (err != OTEL_OK)
            return err;
    }
    if (config->pipeline_count == 0 && !config->all)
        return otl_yaml_error(reterr, otl_yaml_key_pos(config->doc, service, "pipelines"),
                              "no pipeline is left");
    err = check_connectors(config, reterr);
    if (err == OTEL_OK)
        err = check_signals(config, reterr);
    return err == OTEL_OK ? check_cycles(config, reterr) : err;
}
