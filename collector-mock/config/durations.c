/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/config/config.h"

/* Durations without a unit are nanoseconds, as Go reads them: rarely what was meant. */

enum { DEPTH_MAX = 64 };

struct walk {
    const struct col_config *config;
    const char *id;
    enum col_severity severity;
};

static void walk(const struct walk *at, const struct otl_schema *row, const json_t *value,
                 unsigned depth);

static void walk_map(const struct walk *at, const struct otl_schema *rows, const json_t *map,
                     unsigned depth)
{
    for (const struct otl_schema *row = rows; row->type != OTL_SCHEMA_NONE; row++) {
        const json_t *value = row->key != NULL ? json_object_get(map, row->key) : NULL;
        if (value == NULL)
            continue;
        if (row->type == OTL_SCHEMA_DURATION && json_is_integer(value) &&
            json_integer_value(value) > 0)
            col_findings_note(at->config->findings, at->severity,
                              otl_yaml_value_pos(at->config->doc, map, row->key),
                              "'%s': %s without a unit is %lld nanoseconds; write %llds, or ms",
                              at->id, row->key, (long long)json_integer_value(value),
                              (long long)json_integer_value(value));
        walk(at, row, value, depth + 1);
    }
}

static void walk(const struct walk *at, const struct otl_schema *row, const json_t *value,
                 unsigned depth)
{
    if (depth > DEPTH_MAX || row->child == NULL)
        return;
    if (row->type == OTL_SCHEMA_MAP && json_is_object(value))
        walk_map(at, row->child, value, depth);
    for (size_t i = 0; row->type == OTL_SCHEMA_LIST && i < json_array_size(value); i++)
        walk(at, row->child, json_array_get(value, i), depth + 1);
    if (row->type == OTL_SCHEMA_ONE_OF)
        for (const struct otl_schema *one = row->child; one->type != OTL_SCHEMA_NONE; one++)
            walk(at, one, value, depth + 1);
}

void col_note_integers(const struct col_config *config, enum col_severity severity)
{
    for (size_t i = 0; i < config->component_count; i++) {
        const struct walk at = {config, config->components[i].id, severity};
        const struct otl_schema *schema = config->components[i].type->schema;
        if (schema != NULL)
            walk(&at, schema, config->components[i].config, 0);
    }
}
