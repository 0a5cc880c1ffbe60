/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CONFIG_IMPL_H
#define OTL_CONFIG_IMPL_H

#include <otel/sdk/composable_sampler.h>
#include <otel/sdk/config_file.h>

#include "sdk/base/arena.h"
#include "sdk/base/yaml/schema.h"

/*
 * Inside of libotel_config: the schema's tables, and one maker a part of the tree.
 *
 * Trees have passed the schema when a maker sees them; what remains to be wrong is told by
 * otl_config_bad() with the place of the value.
 *
 * Threads   one owner.
 */

extern const struct otl_schema otl_config_schema[];   /* of the whole document: one row */
/* By kind; the last row stands for registered ones. */
extern const struct otl_schema otl_config_samplers[], otl_config_exporters[],
    otl_config_processors[], otl_config_propagators[], otl_config_composables[],
    otl_config_detectors[], otl_config_id_generators[];

/* By enum otel_sdk_ratio_rule. */
extern const char *const otl_config_ratio_rules[];

/* log_level, as a severity (sdk/config/level.h). */
int otl_config_level(const json_t *root);

struct otl_config_work {
    const struct otl_yaml *doc;
    const struct otel_sdk_env_options *options; /* never NULL */
    struct otl_detail *detail;
    const struct otel_sdk_exporter *otlp; /* the first that was made */
    const struct otel_sdk_resource *resource; /* made before the samplers; NULL: the default */
};

/* Set the detail with the place of map's key; returns err. */
enum otel_err otl_config_bad(struct otl_config_work *work, enum otel_err err, const json_t *map,
                             const char *key, const char *format, ...) OTEL_PRINTF(5, 6);
/* Tell options->error, as a warning. */
void otl_config_warn(struct otl_config_work *work, const json_t *map, const char *key,
                     const char *format, ...) OTEL_PRINTF(4, 5);

/* The one key of a map like {batch: {...}} and its value (maybe null). */
const char *otl_config_kind(const json_t *map, const json_t **ret_properties);

/* NULL or null: *ret is NULL, the default. */
OTEL_MUST_USE enum otel_err otl_config_sampler(struct otl_config_work *work, const json_t *node,
                                               struct otel_sdk_sampler **ret);
OTEL_MUST_USE enum otel_err otl_config_rules(struct otl_config_work *work, const json_t *node,
                                             struct otel_sdk_composable **ret);
OTEL_MUST_USE enum otel_err otl_config_composable(struct otl_config_work *work,
                                                  const json_t *node,
                                                  struct otel_sdk_composable **ret);
OTEL_MUST_USE enum otel_err otl_config_processor(struct otl_config_work *work, const json_t *node,
                                                 struct otel_sdk_processor **ret);
OTEL_MUST_USE enum otel_err otl_config_exporter(struct otl_config_work *work, const json_t *node,
                                                struct otel_sdk_exporter **ret);
OTEL_MUST_USE enum otel_err otl_config_resource(struct otl_config_work *work, const json_t *node,
                                                struct otel_sdk_resource **ret);
OTEL_MUST_USE enum otel_err otl_config_propagator(struct otl_config_work *work,
                                                  const json_t *node,
                                                  struct otel_propagator **ret);

/* tracer_configurator/development; NULL or null: nothing changes. What it sets is released by the
 * provider. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_config_tracers(const json_t *node,
                                               struct otel_sdk_provider_options *provider);

/* Wildcards: '?' is one character, '*' any number of them. */
bool otl_config_matches(const char *pattern, const char *text, size_t len);

#endif
