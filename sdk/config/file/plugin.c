/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/config/file/plugin.h"

#include <string.h>

#include "sdk/base/mem.h"

struct otel_config_node {
    const struct otl_plugin_place *place;
};

enum kind { SAMPLER, EXPORTER, PROCESSOR, PROPAGATOR, COMPOSABLE, DETECTOR, ID_GENERATOR, KINDS };

struct plugin {
    union {
        otel_config_sampler_fn *sampler;
        otel_config_exporter_fn *exporter;
        otel_config_processor_fn *processor;
        otel_config_propagator_fn *propagator;
        otel_config_composable_fn *composable;
        otel_config_detector_fn *detector;
        otel_config_id_generator_fn *id_generator;
    } make;
    void *arg;
};

static struct {
    const char *names[OTEL_CONFIG_PLUGINS_MAX + 1];
    struct plugin plugins[OTEL_CONFIG_PLUGINS_MAX];
    size_t count;
} g_registered[KINDS];

/* --- registering --- */

/* The schema's own. */
static bool is_known(const struct otl_schema *rows, const char *name)
{
    for (; rows->type != OTL_SCHEMA_NONE; rows++)
        if (strcmp(rows->key, name) == 0)
            return true;
    return false;
}

static const struct plugin *find(enum kind kind, const char *name)
{
    for (size_t i = 0; i < g_registered[kind].count; i++)
        if (strcmp(g_registered[kind].names[i], name) == 0)
            return &g_registered[kind].plugins[i];
    return NULL;
}

static enum otel_err add(enum kind kind, const char *name, struct plugin plugin)
{
    static const struct otl_schema *const own[] = {
        otl_config_samplers,    otl_config_exporters,   otl_config_processors,
        otl_config_propagators, otl_config_composables, otl_config_detectors,
        otl_config_id_generators};
    size_t at = g_registered[kind].count;
    char *copy;

    if (name == NULL || name[0] == '\0' || strcmp(name, "none") == 0 ||
        is_known(own[kind], name) || find(kind, name) != NULL)
        return OTEL_ERR_ARGUMENT;
    if (at == OTEL_CONFIG_PLUGINS_MAX)
        return OTEL_ERR_LIMIT;
    copy = otl_mem_strdup(name);
    if (copy == NULL)
        return OTEL_ERR_MEMORY;
    g_registered[kind].plugins[at] = plugin;
    g_registered[kind].names[at] = copy;
    g_registered[kind].count++;
    return OTEL_OK;
}

enum otel_err otel_config_register_sampler(const char *name, otel_config_sampler_fn *make,
                                           void *arg)
{
    struct plugin plugin = {.make.sampler = make, .arg = arg};

    return make != NULL ? add(SAMPLER, name, plugin) : OTEL_ERR_ARGUMENT;
}

enum otel_err otel_config_register_exporter(const char *name, otel_config_exporter_fn *make,
                                            void *arg)
{
    struct plugin plugin = {.make.exporter = make, .arg = arg};

    return make != NULL ? add(EXPORTER, name, plugin) : OTEL_ERR_ARGUMENT;
}

enum otel_err otel_config_register_processor(const char *name, otel_config_processor_fn *make,
                                             void *arg)
{
    struct plugin plugin = {.make.processor = make, .arg = arg};

    return make != NULL ? add(PROCESSOR, name, plugin) : OTEL_ERR_ARGUMENT;
}

enum otel_err otel_config_register_propagator(const char *name, otel_config_propagator_fn *make,
                                              void *arg)
{
    struct plugin plugin = {.make.propagator = make, .arg = arg};

    return make != NULL ? add(PROPAGATOR, name, plugin) : OTEL_ERR_ARGUMENT;
}

enum otel_err otel_config_register_composable(const char *name, otel_config_composable_fn *make,
                                              void *arg)
{
    struct plugin plugin = {.make.composable = make, .arg = arg};

    return make != NULL ? add(COMPOSABLE, name, plugin) : OTEL_ERR_ARGUMENT;
}

enum otel_err otel_config_register_detector(const char *name, otel_config_detector_fn *make,
                                            void *arg)
{
    struct plugin plugin = {.make.detector = make, .arg = arg};

    return make != NULL ? add(DETECTOR, name, plugin) : OTEL_ERR_ARGUMENT;
}

enum otel_err otel_config_register_id_generator(const char *name,
                                                otel_config_id_generator_fn *make, void *arg)
{
    struct plugin plugin = {.make.id_generator = make, .arg = arg};

    return make != NULL ? add(ID_GENERATOR, name, plugin) : OTEL_ERR_ARGUMENT;
}

const char *const *otl_plugin_samplers(void)
{
    return g_registered[SAMPLER].names;
}

const char *const *otl_plugin_exporters(void)
{
    return g_registered[EXPORTER].names;
}

const char *const *otl_plugin_processors(void)
{
    return g_registered[PROCESSOR].names;
}

const char *const *otl_plugin_propagators(void)
{
    return g_registered[PROPAGATOR].names;
}

const char *const *otl_plugin_composables(void)
{
    return g_registered[COMPOSABLE].names;
}

const char *const *otl_plugin_detectors(void)
{
    return g_registered[DETECTOR].names;
}

const char *const *otl_plugin_id_generators(void)
{
    return g_registered[ID_GENERATOR].names;
}

/* --- making --- */

/* An error has a place, if the plug-in gave none; success has something to show. */
static enum otel_err judge(const struct otl_plugin_place *place, enum otel_err err, bool made)
{
    if (err == OTEL_OK && !made)
        err = OTEL_ERR_ARGUMENT;
    if (err != OTEL_OK && place->work->detail->code == OTEL_OK)
        return otl_config_bad(place->work, err, place->parent, place->key, "%s: %s", place->name,
                              otel_err_text(err));
    return err;
}

#define MAKE(KIND, member)                                                                         \
    const struct plugin *plugin = find(KIND, place->name);                                         \
    const struct otel_config_node node = {place};                                                  \
                                                                                                   \
    if (plugin == NULL)                                                                            \
        return false;                                                                              \
    *ret = NULL;                                                                                   \
    *ret_err = plugin->make.member(plugin->arg, &node, ret);                                       \
    *ret_err = judge(place, *ret_err, *ret != NULL);                                               \
    return true

bool otl_plugin_sampler(const struct otl_plugin_place *place, struct otel_sdk_sampler **ret,
                        enum otel_err *ret_err)
{
    MAKE(SAMPLER, sampler);
}

bool otl_plugin_exporter(const struct otl_plugin_place *place, struct otel_sdk_exporter **ret,
                         enum otel_err *ret_err)
{
    MAKE(EXPORTER, exporter);
}

bool otl_plugin_processor(const struct otl_plugin_place *place, struct otel_sdk_processor **ret,
                          enum otel_err *ret_err)
{
    MAKE(PROCESSOR, processor);
}

bool otl_plugin_propagator(const struct otl_plugin_place *place, struct otel_propagator **ret,
                           enum otel_err *ret_err)
{
    MAKE(PROPAGATOR, propagator);
}

bool otl_plugin_composable(const struct otl_plugin_place *place, struct otel_sdk_composable **ret,
                           enum otel_err *ret_err)
{
    MAKE(COMPOSABLE, composable);
}

bool otl_plugin_detector(const struct otl_plugin_place *place, struct otel_sdk_resource **ret,
                         enum otel_err *ret_err)
{
    const struct plugin *plugin = find(DETECTOR, place->name);
    const struct otel_config_node node = {place};

    if (plugin == NULL)
        return false;
    *ret = NULL;
    *ret_err = judge(place, plugin->make.detector(plugin->arg, &node, ret), true);
    return true;
}

bool otl_plugin_id_generator(const struct otl_plugin_place *place,
                             struct otel_sdk_id_generator *ret, enum otel_err *ret_err)
{
    const struct plugin *plugin = find(ID_GENERATOR, place->name);
    const struct otel_config_node node = {place};

    if (plugin == NULL)
        return false;
    memset(ret, 0, sizeof(*ret));
    *ret_err = plugin->make.id_generator(plugin->arg, &node, ret);
    *ret_err = judge(place, *ret_err, ret->trace_id != NULL || ret->span_id != NULL);
    return true;
}

/* --- what a plug-in reads --- */

enum otel_err otel_config_keys(const struct otel_config_node *node, const char *const *keys)
{
    const struct otl_plugin_place *place = node->place;
    const char *key;
    json_t *value;
    char near[128];

    json_object_foreach((json_t *)(uintptr_t)place->map, key, value) {
        struct otl_yaml_pos pos = otl_yaml_key_pos(place->work->doc, place->map, key);
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i] == NULL)
            return otl_yaml_error(place->work->detail, pos, "unknown key '%s' of %s%s", key,
                                  place->name, otl_words_suggest(keys, key, near, sizeof(near)));
    }
    return OTEL_OK;
}

/* *ret_value is NULL when there is none. */
static enum otel_err look(const struct otel_config_node *node, const struct otl_schema *row,
                          const json_t **ret_value)
{
    const struct otl_plugin_place *place = node->place;
    const json_t *value = json_object_get(place->map, row->key);

    *ret_value = NULL;
    if (value == NULL || json_is_null(value))
        return OTEL_OK;
    *ret_value = value;
    return otl_schema_check_part(place->work->doc, row, value,
                                 otl_yaml_value_pos(place->work->doc, place->map, row->key),
                                 place->work->detail);
}

enum otel_err otel_config_text(const struct otel_config_node *node, const char *key,
                               struct otel_str *value)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_STRING};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    if (err == OTEL_OK && found != NULL)
        *value = otel_strn(json_string_value(found), json_string_length(found));
    return err;
}

enum otel_err otel_config_int(const struct otel_config_node *node, const char *key, int64_t *value)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_INT};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    if (err == OTEL_OK && found != NULL)
        *value = json_integer_value(found);
    return err;
}

enum otel_err otel_config_double(const struct otel_config_node *node, const char *key,
                                 double *value)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_DOUBLE};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    if (err == OTEL_OK && found != NULL)
        *value = json_number_value(found);
    return err;
}

enum otel_err otel_config_bool(const struct otel_config_node *node, const char *key, bool *value)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_BOOL};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    if (err == OTEL_OK && found != NULL)
        *value = json_is_true(found);
    return err;
}

enum otel_err otel_config_sampler(const struct otel_config_node *node, const char *key,
                                  struct otel_sdk_sampler **ret)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_MAP, .min = 1, .max = 1,
                                   .child = otl_config_samplers};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    return err == OTEL_OK && found != NULL ? otl_config_sampler(node->place->work, found, ret)
                                           : err;
}

enum otel_err otel_config_exporter(const struct otel_config_node *node, const char *key,
                                   struct otel_sdk_exporter **ret)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_MAP, .min = 1, .max = 1,
                                   .child = otl_config_exporters};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    return err == OTEL_OK && found != NULL ? otl_config_exporter(node->place->work, found, ret)
                                           : err;
}

enum otel_err otel_config_composable(const struct otel_config_node *node, const char *key,
                                     struct otel_sdk_composable **ret)
{
    const struct otl_schema row = {.key = key, .type = OTL_SCHEMA_MAP, .min = 1, .max = 1,
                                   .child = otl_config_composables};
    const json_t *found;
    enum otel_err err = look(node, &row, &found);

    return err == OTEL_OK && found != NULL ? otl_config_composable(node->place->work, found, ret)
                                           : err;
}

enum otel_err otel_config_refuse(const struct otel_config_node *node, const char *key,
                                 const char *text)
{
    const struct otl_plugin_place *place = node->place;

    if (key != NULL && json_object_get(place->map, key) != NULL)
        return otl_config_bad(place->work, OTEL_ERR_SYNTAX, place->map, key, "%s", text);
    return otl_config_bad(place->work, OTEL_ERR_SYNTAX, place->parent, place->key, "%s", text);
}
