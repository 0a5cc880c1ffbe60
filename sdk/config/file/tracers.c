/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_configurator: which instrumentation scopes trace, by the names of tracers. */
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/config/file/impl.h"

struct row {
    char *pattern;
    bool enabled;
};

/* Outlives the file: the provider has it until its end. */
struct tracers {
    bool (*first)(void *arg, const struct otel_sdk_scope *scope); /* the program's; or NULL */
    void *first_arg;
    bool otherwise;
    size_t count;
    struct row rows[]; /* the first that matches decides */
};

static bool tracer_enabled(void *arg, const struct otel_sdk_scope *scope)
{
    const struct tracers *tracers = arg;

    if (tracers->first != NULL && !tracers->first(tracers->first_arg, scope))
        return false;
    for (size_t i = 0; i < tracers->count; i++)
        if (otl_config_matches(tracers->rows[i].pattern, scope->name.data, scope->name.len))
            return tracers->rows[i].enabled;
    return tracers->otherwise;
}

static void release(void *arg)
{
    struct tracers *tracers = arg;

    for (size_t i = 0; i < tracers->count; i++)
        otl_mem_free(tracers->rows[i].pattern);
    otl_mem_free(tracers);
}

static bool is_enabled(const json_t *config)
{
    return otl_tree_bool(config, "enabled", true);
}

enum otel_err otl_config_tracers(const json_t *node, struct otel_sdk_provider_options *provider)
{
    const json_t *list = json_object_get(node, "tracers"), *item;
    struct tracers *tracers;
    size_t i;

    if (node == NULL || json_is_null(node))
        return OTEL_OK;
    tracers = otl_mem_zalloc(sizeof(*tracers) + json_array_size(list) * sizeof(tracers->rows[0]));
    if (tracers == NULL)
        return OTEL_ERR_MEMORY;
    tracers->first = provider->tracer_enabled;
    tracers->first_arg = provider->tracer_enabled_arg;
    tracers->otherwise = is_enabled(json_object_get(node, "default_config"));
    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
        struct row *row = &tracers->rows[i];
        row->enabled = is_enabled(json_object_get(item, "config"));
        row->pattern = otl_mem_strdup(otl_tree_text(item, "name", ""));
        if (row->pattern == NULL) {
            release(tracers);
            return OTEL_ERR_MEMORY;
        }
        tracers->count++;
    }
    provider->tracer_enabled = tracer_enabled;
    provider->tracer_enabled_arg = tracers;
    provider->tracer_enabled_release = release;
    return OTEL_OK;
}
