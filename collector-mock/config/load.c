/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/config/lint.h"
#include "collector-mock/config/old_names.h"
#include "collector-mock/config/version.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/* Sections and component types; pipelines are in references.c, the collector's own log and numbers
 * in telemetry.c. */

static const struct otl_schema any_key[] = {
    {.key = "*", .type = OTL_SCHEMA_ANY, .nullable = true}, OTL_SCHEMA_END};
static const struct otl_schema id_row[] = {
    {.type = OTL_SCHEMA_STRING, .min = 1, .what = "a component id"}, OTL_SCHEMA_END};
static const struct otl_schema pipeline_keys[] = {
    {.key = "receivers", .type = OTL_SCHEMA_LIST, .child = id_row, .nullable = true},
    {.key = "processors", .type = OTL_SCHEMA_LIST, .child = id_row, .nullable = true},
    {.key = "exporters", .type = OTL_SCHEMA_LIST, .child = id_row, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema pipelines_keys[] = {
    {.key = "*", .type = OTL_SCHEMA_MAP, .child = pipeline_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema service_keys[] = {
    {.key = "extensions", .type = OTL_SCHEMA_LIST, .child = id_row, .nullable = true},
    {.key = "pipelines", .type = OTL_SCHEMA_MAP, .child = pipelines_keys, .nullable = true},
    {.key = "telemetry", .type = OTL_SCHEMA_MAP, .child = col_telemetry_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema root_keys[] = {
    {.key = "receivers", .type = OTL_SCHEMA_MAP, .child = any_key, .nullable = true},
    {.key = "processors", .type = OTL_SCHEMA_MAP, .child = any_key, .nullable = true},
    {.key = "exporters", .type = OTL_SCHEMA_MAP, .child = any_key, .nullable = true},
    {.key = "connectors", .type = OTL_SCHEMA_MAP, .child = any_key, .nullable = true},
    {.key = "extensions", .type = OTL_SCHEMA_MAP, .child = any_key, .nullable = true},
    {.key = "service", .type = OTL_SCHEMA_MAP, .child = service_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema root_row[] = {{.type = OTL_SCHEMA_MAP, .child = root_keys},
                                             OTL_SCHEMA_END};

/* ---- components ---- */

/* "type" or "type/name": letters, digits, underscores, beginning with a letter. */
static bool split_id(const char *id, char *type, size_t size)
{
    const char *slash = strchr(id, '/');
    size_t len = slash ? (size_t)(slash - id) : strlen(id);

    if (len == 0 || len >= size || (slash != NULL && slash[1] == '\0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        bool letter = (id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z');
        bool digit = (id[i] >= '0' && id[i] <= '9') || id[i] == '_';
        if (!letter && (i == 0 || !digit))
            return false;
    }
    memcpy(type, id, len);
    type[len] = '\0';
    return true;
}

bool col_config_drop(const struct col_config *config, json_t *value,
                     const struct otl_detail *where)
{
    const char *key;
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        if (col_config_drop(config, item, where))
            return true;
    }
    json_object_foreach(value, key, item)
    {
        struct otl_yaml_pos pos = otl_yaml_value_pos(config->doc, value, key);
        struct otl_yaml_pos key_pos = otl_yaml_key_pos(config->doc, value, key);
        bool at_value = pos.line == where->line && pos.column == where->column;
        bool at_key = key_pos.line == where->line && key_pos.column == where->column;
        bool here = (at_value || at_key) && strcmp(pos.source, where->source) == 0;
        if (here && where->line != 0)
            return json_object_del(value, key) == 0;
        if (col_config_drop(config, item, where))
            return true;
    }
    return false;
}

/* options.all: what is wrong is noted and taken out until the rest passes. */
static enum otel_err check_value(struct col_config *config, const struct otl_schema *row,
                                 json_t *value, struct otl_yaml_pos pos, bool *ret_passed,
                                 struct otl_detail *reterr)
{
    *ret_passed = true;
    for (size_t i = 0; i < COL_FINDINGS_MAX; i++) {
        struct otl_detail where;
        enum otel_err err = otl_schema_check_part(config->doc, row, value, pos, reterr);
        if (err == OTEL_OK)
            return OTEL_OK;
        *ret_passed = false;
        if (!config->all)
            return err;
        where = *reterr;
        err = col_config_fault(config, err, reterr);
        if (err != OTEL_OK || !col_config_drop(config, value, &where))
            return err;
    }
    return OTEL_OK;
}

static enum otel_err add_component(struct col_config *config, enum col_kind kind,
                                   const json_t *section, const char *id,
                                   struct otl_detail *reterr)
{
    struct otl_yaml_pos pos = otl_yaml_key_pos(config->doc, section, id);
    json_t *value = json_object_get(section, id);
    struct col_config_component *component;
    char word[64];
    const struct col_named named = {kind, word, id, pos};
    const struct col_component_type *type = NULL;
    enum otel_err err;
    bool passed = true;

    if (!split_id(id, word, sizeof(word)))
        return otl_yaml_error(reterr, pos, "'%s' is no component id (type or type/name)", id);
    err = col_find_type(config, &named, &type, reterr);
    if (err != OTEL_OK)
        err = col_config_fault(config, err, reterr);
    if (err != OTEL_OK)
        return err;
    if (config->component_count == COL_COMPONENTS_MAX)
        return otl_yaml_error(reterr, pos, "more than %d components", COL_COMPONENTS_MAX);
    if (!json_is_null(value))
        err = check_value(config, type->schema, value,
                          otl_yaml_value_pos(config->doc, section, id), &passed, reterr);
    if (err != OTEL_OK)
        return err;
    component = &config->components[config->component_count++];
    component->id = id;
    component->type = type;
    component->config = value;
    component->pos = pos;
    component->wrong = !passed;
    return OTEL_OK;
}

static enum otel_err add_sections(struct col_config *config, struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(config->doc);

    for (int kind = 0; kind < COL_KIND_COUNT; kind++) {
        json_t *section = json_object_get(root, col_kind_section((enum col_kind)kind));
        const char *id;
        json_t *value;
        json_object_foreach(section, id, value)
        {
            enum otel_err err = add_component(config, (enum col_kind)kind, section, id, reterr);
            if (err != OTEL_OK)
                err = col_config_fault(config, err, reterr);
            if (err != OTEL_OK)
                return err;
        }
    }
    return OTEL_OK;
}

/* ---- the whole ---- */

enum otel_err col_config_fault(struct col_config *config, enum otel_err err,
                               struct otl_detail *reterr)
{
    static const struct otl_detail none = OTL_DETAIL_NONE;

    if (!config->all || otel_err_class(err) != OTEL_CLASS_USAGE)
        return err;
    col_findings_add(config->findings, COL_ERROR, reterr);
    *reterr = none;
    return OTEL_OK;
}

static enum otel_err check_root(struct col_config *config, struct otl_detail *reterr)
{
    json_t *root = otl_yaml_root(config->doc);
    struct otl_yaml_pos start = {otl_yaml_container_pos(config->doc, root).source, 0, 0};
    enum otel_err err;
    bool passed;

    if (json_is_null(root) || (json_is_object(root) && json_object_size(root) == 0))
        return otl_yaml_error(reterr, start, "the configuration is empty");
    err = check_value(config, root_row, root, otl_yaml_container_pos(config->doc, root), &passed,
                      reterr);
    if (err != OTEL_OK || !json_is_object(root))
        return err;
    if (json_object_size(json_object_get(root, "receivers")) == 0)
        err = col_config_fault(
            config, otl_yaml_error(reterr, start, "no receiver is configured"), reterr);
    if (err == OTEL_OK && json_object_size(json_object_get(root, "exporters")) == 0)
        err = col_config_fault(
            config, otl_yaml_error(reterr, start, "no exporter is configured"), reterr);
    return err;
}

static enum otel_err interpret(struct col_config *config, struct otl_detail *reterr)
{
    enum otel_err err = check_root(config, reterr);

    if (err == OTEL_OK)
        err = col_version_check(config, reterr);
    if (err == OTEL_OK)
        err = col_modernize(config, reterr);
    if (err == OTEL_OK)
        err = add_sections(config, reterr);
    if (err == OTEL_OK)
        err = col_config_telemetry(config, reterr);
    return err == OTEL_OK ? col_config_pipelines(config, reterr) : err;
}

enum otel_err col_config_load(const struct col_config_options *options, struct col_config **ret,
                              struct otl_detail *reterr)
{
    static const struct col_config_options nothing = {.paths = NULL};
    struct col_config *config = otl_mem_zalloc(sizeof(*config));
    struct otl_detail unread = OTL_DETAIL_NONE;
    enum otel_err err;

    if (config == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    options = options ? options : &nothing;
    reterr = reterr ? reterr : &unread;
    config->lenient = options->lenient;
    config->as_version = options->as_version;
    config->findings = options->findings;
    config->all = options->all && options->findings != NULL;
    err = col_config_read(options, &config->doc, reterr);
    if (err == OTEL_ERR_LIMIT) /* an alias bomb is the file's fault, not the environment's */
        err = reterr->code = OTEL_ERR_SYNTAX;
    if (err == OTEL_OK)
        err = interpret(config, reterr);
    if (err == OTEL_OK && config->lenient && !config->all) {
        col_note_integers(config, COL_WARNING);
        err = col_config_rehearse(config, reterr);
    }
    if (err == OTEL_OK)
        *ret = config;
    else
        col_config_free(config);
    return err;
}

void col_config_free(struct col_config *config)
{
    if (config == NULL)
        return;
    otl_yaml_free(config->doc);
    otl_mem_free(config);
}
