/* SPDX-License-Identifier: Apache-2.0 */
/* Sampler trees. */
#include <string.h>

#include "sdk/config/file/plugin.h"
#include "sdk/config/steered.h"

static enum otel_err parent_based(struct otl_config_work *work, const json_t *map,
                                  struct otel_sdk_sampler **ret)
{
    static const char *const keys[] = {"root", "remote_parent_sampled", "remote_parent_not_sampled",
                                       "local_parent_sampled", "local_parent_not_sampled"};
    struct otel_sdk_sampler *made[5] = {NULL};
    struct otel_sdk_parentbased_options options;
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < 5; i++)
        err = otl_config_sampler(work, json_object_get(map, keys[i]), &made[i]);
    if (err == OTEL_OK) {
        otel_sdk_parentbased_options_init(&options);
        options.root = made[0];
        options.remote_parent_sampled = made[1];
        options.remote_parent_not_sampled = made[2];
        options.local_parent_sampled = made[3];
        options.local_parent_not_sampled = made[4];
        err = otel_sdk_sampler_parentbased_new(&options, ret);
    }
    for (size_t i = 0; i < 5; i++)
        otel_sdk_sampler_unref(made[i]);
    return err;
}

static enum otel_err probability(struct otl_config_work *work, double ratio,
                                 struct otel_sdk_sampler **ret)
{
    struct otel_sdk_probability_options options;

    if (!(ratio > 0)) {
        *ret = otel_sdk_sampler_ref(otel_sdk_sampler_always_off());
        return OTEL_OK;
    }
    otel_sdk_probability_options_init(&options);
    options.ratio = ratio;
    options.seeded = work->options->seeded;
    options.seed = work->options->seed;
    options.error = work->options->error;
    options.error_arg = work->options->error_arg;
    return otel_sdk_sampler_probability_new(&options, ret);
}

static enum otel_err ratio_rule(const json_t *map, struct otel_sdk_sampler **ret)
{
    const char *word = otl_tree_text(map, "rule", "go"); /* the schema has seen to it */
    unsigned rule = 0;

    while (otl_config_ratio_rules[rule + 1] != NULL &&
           strcmp(otl_config_ratio_rules[rule], word) != 0)
        rule++;
    return otel_sdk_sampler_ratio_rule_new((enum otel_sdk_ratio_rule)rule,
                                           otl_tree_double(map, "ratio", 1.0), ret);
}

static enum otel_err always_record(struct otl_config_work *work, const json_t *map,
                                   struct otel_sdk_sampler **ret)
{
    struct otel_sdk_sampler *root = NULL;
    enum otel_err err = otl_config_sampler(work, json_object_get(map, "root"), &root);

    if (err == OTEL_OK)
        err = otel_sdk_sampler_always_record_new(root, ret);
    otel_sdk_sampler_unref(root);
    return err;
}

/* A reference: the resource that samplers are told of. */
static enum otel_err resource_of(const struct otl_config_work *work, struct otel_sdk_resource **ret)
{
    if (work->resource == NULL)
        return otel_sdk_resource_default(ret);
    *ret = otel_sdk_resource_ref((struct otel_sdk_resource *)(uintptr_t)work->resource);
    return OTEL_OK;
}

/* err of a sampler that a server steers: where it is the file's fault, with the place. */
static enum otel_err judge(struct otl_config_work *work, const json_t *map, enum otel_err err,
                           const char *what)
{
    if (err == OTEL_ERR_SYNTAX || err == OTEL_ERR_LIMIT || err == OTEL_ERR_ARGUMENT ||
        err == OTEL_ERR_UNSUPPORTED)
        return otl_config_bad(work, err, map, "endpoint", "it cannot be asked for %s", what);
    return err;
}

static uint32_t interval_of(const json_t *map, uint32_t otherwise)
{
    const json_t *interval = json_object_get(map, "interval");

    return json_is_integer(interval) && json_integer_value(interval) > 0
               ? (uint32_t)json_integer_value(interval)
               : otherwise;
}

static enum otel_err jaeger_remote(struct otl_config_work *work, const json_t *map,
                                   struct otel_sdk_sampler **ret)
{
    struct otel_sdk_jaeger_remote_options options;
    struct otel_sdk_resource *resource = NULL;
    struct otel_sdk_sampler *initial = NULL;
    enum otel_err err = otl_config_sampler(work, json_object_get(map, "initial_sampler"), &initial);

    if (err == OTEL_OK)
        err = resource_of(work, &resource);
    if (err == OTEL_OK) {
        otl_steered_jaeger(work->options, resource, &options);
        options.endpoint = otel_str(otl_tree_text(map, "endpoint", ""));
        options.polling_interval_millis = interval_of(map, options.polling_interval_millis);
        options.initial = initial;
        err = judge(work, map, otel_sdk_sampler_jaeger_remote_new(&options, ret), "strategies");
    }
    if (err == OTEL_ERR_THREAD && initial != NULL) { /* else it is the initial sampler's own */
        if (work->options->error != NULL)
            work->options->error(work->options->error_arg, err,
                                 "jaeger_remote: it gets no thread; its initial sampler is used");
        *ret = otel_sdk_sampler_ref(initial);
        err = OTEL_OK;
    }
    otel_sdk_resource_unref(resource);
    otel_sdk_sampler_unref(initial);
    return err;
}

static enum otel_err xray(struct otl_config_work *work, const json_t *map,
                          struct otel_sdk_sampler **ret)
{
    struct otel_sdk_xray_options options;
    struct otel_sdk_resource *resource = NULL;
    enum otel_err err = resource_of(work, &resource);

    if (err == OTEL_OK) {
        otl_steered_xray(work->options, resource, &options);
        if (otl_tree_text(map, "endpoint", NULL) != NULL)
            options.endpoint = otel_str(otl_tree_text(map, "endpoint", NULL));
        options.polling_interval_millis = interval_of(map, options.polling_interval_millis);
        err = judge(work, map, otel_sdk_sampler_xray_new(&options, ret), "rules");
    }
    otel_sdk_resource_unref(resource);
    if (err == OTEL_ERR_THREAD)
        return otl_steered_without_xray(work->options, err,
                                        "xray: it gets no thread; a share of 0.05 is used", ret);
    return err;
}

static enum otel_err composite(struct otl_config_work *work, const json_t *map,
                               struct otel_sdk_sampler **ret)
{
    struct otel_sdk_composable *part = NULL;
    enum otel_err err = otl_config_composable(work, map, &part);

    if (err == OTEL_OK)
        err = otel_sdk_sampler_composite_new(part, ret);
    otel_sdk_composable_unref(part);
    return err;
}

enum otel_err otl_config_sampler(struct otl_config_work *work, const json_t *node,
                                 struct otel_sdk_sampler **ret)
{
    const json_t *map = NULL;
    const char *kind;
    enum otel_err err;

    *ret = NULL;
    if (node == NULL || json_is_null(node))
        return OTEL_OK;
    kind = otl_config_kind(node, &map);
    if (otl_plugin_sampler(&(struct otl_plugin_place){work, node, kind, kind, map}, ret, &err))
        return err;
    if (strcmp(kind, "trace_id_ratio_based") == 0)
        return otel_sdk_sampler_traceidratio_new(otl_tree_double(map, "ratio", 1.0), ret);
    if (strcmp(kind, "trace_id_ratio_rule") == 0)
        return ratio_rule(map, ret);
    if (strcmp(kind, "parent_based") == 0)
        return parent_based(work, map, ret);
    if (strcmp(kind, "probability/development") == 0)
        return probability(work, otl_tree_double(map, "ratio", 1.0), ret);
    if (strcmp(kind, "always_record") == 0)
        return always_record(work, map, ret);
    if (strcmp(kind, "composite/development") == 0)
        return composite(work, map, ret);
    if (strcmp(kind, "jaeger_remote/development") == 0)
        return jaeger_remote(work, map, ret);
    if (strcmp(kind, "xray") == 0)
        return xray(work, map, ret);
    *ret = otel_sdk_sampler_ref(strcmp(kind, "always_on") == 0 ? otel_sdk_sampler_always_on()
                                                               : otel_sdk_sampler_always_off());
    return OTEL_OK;
}

enum otel_err otl_config_composable(struct otl_config_work *work, const json_t *node,
                                    struct otel_sdk_composable **ret)
{
    struct otel_sdk_composable *root = NULL;
    const json_t *map = NULL;
    const char *kind = otl_config_kind(node, &map);
    enum otel_err err;

    if (otl_plugin_composable(&(struct otl_plugin_place){work, node, kind, kind, map}, ret, &err))
        return err;
    if (strcmp(kind, "probability") == 0)
        return otel_sdk_composable_probability_new(otl_tree_double(map, "ratio", 1.0), ret);
    if (strcmp(kind, "rule_based") == 0)
        return otl_config_rules(work, map, ret);
    if (strcmp(kind, "parent_threshold") == 0) {
        err = otl_config_composable(work, json_object_get(map, "root"), &root);
        if (err == OTEL_OK)
            err = otel_sdk_composable_parent_threshold_new(root, ret);
        otel_sdk_composable_unref(root);
        return err;
    }
    *ret = otel_sdk_composable_ref(strcmp(kind, "always_on") == 0
                                       ? otel_sdk_composable_always_on()
                                       : otel_sdk_composable_always_off());
    return OTEL_OK;
}
