/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked tree to a running SDK. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/options.h"
#include "sdk/config/file/plugin.h"
#include "sdk/config/file/read.h"
#include "sdk/config/hook.h"
#include "sdk/config/level.h"

enum { PROCESSORS_MAX = 16 };

enum otel_err otl_config_bad(struct otl_config_work *work, enum otel_err err, const json_t *map,
                             const char *key, const char *format, ...)
{
    struct otl_yaml_pos pos = otl_yaml_value_pos(work->doc, map, key);
    char text[500];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return otl_detail_set(work->detail, err, pos.source, pos.line, pos.column, "%s", text);
}

void otl_config_warn(struct otl_config_work *work, const json_t *map, const char *key,
                     const char *format, ...)
{
    struct otl_yaml_pos pos = otl_yaml_key_pos(work->doc, map, key);
    struct otl_detail detail = OTL_DETAIL_NONE;
    char text[500], whole[900];
    va_list args;

    if (work->options->error == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    otl_detail_set(&detail, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column, "%s", text);
    work->options->error(work->options->error_arg, OTEL_OK,
                         otl_detail_format(&detail, whole, sizeof(whole)));
}

const char *otl_config_kind(const json_t *map, const json_t **ret_properties)
{
    void *iter = json_object_iter((json_t *)(uintptr_t)map);

    if (ret_properties != NULL)
        *ret_properties = json_object_iter_value(iter);
    return json_object_iter_key(iter);
}

static bool is_known(const char *key)
{
    for (const struct otl_schema *row = otl_config_schema->child; row->type != OTL_SCHEMA_NONE;
         row++)
        if (strcmp(row->key, key) == 0)
            return true;
    return false;
}

static void suggest(const char *key, char *out, size_t size)
{
    const char *words[32];
    size_t count = 0;

    for (const struct otl_schema *row = otl_config_schema->child;
         row->type != OTL_SCHEMA_NONE && count < 31; row++)
        if (strcmp(row->key, "*") != 0)
            words[count++] = row->key;
    words[count] = NULL;
    otl_words_suggest(words, key, out, size);
}

/* What the file asks for and does not get. */
static void warn_all(struct otl_config_work *work, const struct otel_config *config)
{
    static const char *const absent[] = {"meter_provider", "logger_provider", "distribution",
                                         NULL};
    const json_t *root = otl_yaml_root(work->doc);
    const char *key;
    json_t *value;
    char near[128];

    if (otl_config_is_newer(config))
        otl_config_warn(work, root, "file_format",
                        "file_format %s is newer than what is known here (1.2)",
                        otl_tree_text(root, "file_format", ""));
    for (size_t i = 0; absent[i] != NULL; i++)
        if (json_object_get(root, absent[i]) != NULL)
            otl_config_warn(work, root, absent[i],
                            "%s is not supported by this SDK and has no effect", absent[i]);
    json_object_foreach((json_t *)(uintptr_t)root, key, value) {
        if (is_known(key))
            continue;
        suggest(key, near, sizeof(near));
        otl_config_warn(work, root, key, "unknown key '%s'%s; it has no effect", key, near);
    }
}

static void set_limit(const json_t *map, const char *key, uint32_t *value)
{
    *value = (uint32_t)otl_tree_int(map, key, *value);
}

static void set_limits(const json_t *general, const json_t *own, struct otel_sdk_span_limits *l)
{
    const json_t *maps[] = {general, own};

    for (size_t i = 0; i < 2; i++) {
        set_limit(maps[i], "attribute_count_limit", &l->attribute_count_limit);
        set_limit(maps[i], "attribute_value_length_limit", &l->attribute_value_length_limit);
        set_limit(maps[i], "attribute_value_depth_limit", &l->attribute_value_depth_limit);
    }
    set_limit(own, "event_count_limit", &l->event_count_limit);
    set_limit(own, "link_count_limit", &l->link_count_limit);
    set_limit(own, "event_attribute_count_limit", &l->event_attribute_count_limit);
    set_limit(own, "link_attribute_count_limit", &l->link_attribute_count_limit);
}

static enum otel_err make_processors(struct otl_config_work *work, const json_t *list,
                                     struct otel_sdk_processor **processors, size_t *ret_count)
{
    enum otel_err err = OTEL_OK;
    size_t count = 0;

    while (err == OTEL_OK && count < json_array_size(list)) {
        err = otl_config_processor(work, json_array_get(list, count), &processors[count]);
        count += err == OTEL_OK;
    }
    while (err != OTEL_OK && count > 0)
        otel_sdk_processor_free(processors[--count]);
    *ret_count = count;
    return err;
}

static void set_provider(const struct otl_config_work *work, const json_t *root,
                         struct otel_sdk_provider_options *p)
{
    const struct otel_sdk_env_options *options = work->options;

    otel_sdk_provider_options_init(p);
    set_limits(json_object_get(root, "attribute_limits"),
               json_object_get(json_object_get(root, "tracer_provider"), "limits"), &p->limits);
    p->clock = options->clock;
    p->id_generator = options->id_generator;
    p->seeded = options->seeded;
    p->seed = options->seed;
    p->drop = options->drop;
    p->drop_arg = options->drop_arg;
    p->error = options->error;
    p->error_arg = options->error_arg;
    p->tracer_enabled = options->tracer_enabled;
    p->tracer_enabled_arg = options->tracer_enabled_arg;
}

/* One that the program gave wins. */
static enum otel_err set_ids(struct otl_config_work *work, const json_t *node,
                             struct otel_sdk_id_generator *ids,
                             struct otel_sdk_provider_options *p)
{
    const json_t *map = NULL;
    const char *kind = node != NULL ? otl_config_kind(node, &map) : "random";
    struct otl_plugin_place place = {work, node, kind, kind, map};
    enum otel_err err = OTEL_OK;

    if (otl_plugin_id_generator(&place, ids, &err) && err == OTEL_OK && p->id_generator == NULL)
        p->id_generator = ids;
    return err;
}

static enum otel_err make_provider(struct otl_config_work *work, const json_t *root,
                                   struct otel_sdk_provider **ret)
{
    const json_t *node = json_object_get(root, "tracer_provider");
    struct otel_sdk_processor *processors[PROCESSORS_MAX];
    struct otel_sdk_provider_options provider;
    struct otel_sdk_id_generator ids;
    enum otel_err err;

    set_provider(work, root, &provider);
    err = otl_config_resource(work, json_object_get(root, "resource"), &provider.resource);
    work->resource = provider.resource;
    if (err == OTEL_OK)
        err = otl_config_sampler(work, json_object_get(node, "sampler"), &provider.sampler);
    if (err == OTEL_OK)
        err = set_ids(work, json_object_get(node, "id_generator"), &ids, &provider);
    if (err == OTEL_OK)
        err = otl_config_tracers(json_object_get(node, "tracer_configurator/development"),
                                 &provider);
    if (err == OTEL_OK) {
        err = make_processors(work, json_object_get(node, "processors"), processors,
                              &provider.processor_count);
        if (err != OTEL_OK && provider.tracer_enabled_release != NULL)
            provider.tracer_enabled_release(provider.tracer_enabled_arg);
    }
    if (err == OTEL_OK) {
        provider.processors = processors;
        err = otel_sdk_provider_new(&provider, ret); /* consumes processors */
    }
    otel_sdk_sampler_unref(provider.sampler);
    otel_sdk_resource_unref(provider.resource);
    return err;
}

static enum otel_err build(struct otl_config_work *work, const struct otel_config *config,
                           struct otel_sdk **ret)
{
    const json_t *root = otl_yaml_root(work->doc);
    struct otel_sdk_provider *provider = NULL;
    struct otel_propagator *propagator = NULL;
    struct otel_config_provider *instrumentation = NULL;
    bool wanted = json_object_get(root, "tracer_provider") != NULL &&
                  !otl_tree_bool(root, "disabled", false);
    enum otel_err err =
        otl_config_propagator(work, json_object_get(root, "propagator"), &propagator);

    if (err == OTEL_OK)
        err = otel_config_instrumentation(config, &instrumentation);
    if (err == OTEL_OK && wanted)
        err = make_provider(work, root, &provider);
    if (err == OTEL_OK)
        err = otel_sdk_assemble(provider, propagator, work->otlp, ret);
    if (err == OTEL_OK && instrumentation != otel_config_provider_noop())
        otel_sdk_set_config_provider(*ret, instrumentation);
    otel_config_provider_unref(instrumentation);
    otel_propagator_unref(propagator);
    return err;
}

enum otel_err otel_config_create(const struct otel_config *config,
                                 const struct otel_sdk_env_options *options, struct otel_sdk **ret,
                                 struct otel_config_problem *ret_problem)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otel_sdk_env_options all;
    struct otl_config_work work = {.doc = config->doc, .options = &all, .detail = &detail};
    enum otel_err err;

    otel_sdk_env_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    otl_level_apply(otl_config_level(otl_yaml_root(config->doc)), &all);
    warn_all(&work, config);
    err = build(&work, config, ret);
    if (err != OTEL_OK)
        otl_config_problem_set(ret_problem, err, &detail);
    return err;
}

static enum otel_err from_file(const char *path, const struct otel_sdk_env_options *options,
                               struct otel_sdk **ret)
{
    struct otel_config_env env = {options->getenv, options->getenv_arg};
    struct otel_config_problem problem;
    struct otel_config *config = NULL;
    enum otel_err err = otel_config_read_file(path, &env, &config, &problem);
    char text[900];

    if (err == OTEL_OK)
        err = otel_config_create(config, options, ret, &problem);
    if (err != OTEL_OK && options->error != NULL)
        options->error(options->error_arg, err,
                       otel_config_problem_text(&problem, text, sizeof(text)));
    otel_config_free(config);
    return err;
}

const struct otl_config_hook otel_config_hook_0 = {sizeof(otel_config_hook_0), from_file};
