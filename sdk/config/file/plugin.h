/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CONFIG_PLUGIN_H
#define OTL_CONFIG_PLUGIN_H

#include <otel/sdk/config_plugin.h>

#include "sdk/config/file/impl.h"

/*
 * Components that programs have registered.
 *
 * Life      of the process.
 * Threads   registered by one, before files are read.
 */

/* Their names, NULL behind the last: for the schema's rows. */
const char *const *otl_plugin_samplers(void);
const char *const *otl_plugin_exporters(void);
const char *const *otl_plugin_processors(void);
const char *const *otl_plugin_propagators(void);
const char *const *otl_plugin_composables(void);
const char *const *otl_plugin_detectors(void);
const char *const *otl_plugin_id_generators(void);

/* Make the one that parent names. False: none of that name; *ret_err is set when true. map may be
 * NULL: it has no keys. */
struct otl_plugin_place {
    struct otl_config_work *work;
    const json_t *parent; /* the map that holds the name, or the list as text */
    const char *key;      /* of parent */
    const char *name;
    const json_t *map;
};
bool otl_plugin_sampler(const struct otl_plugin_place *place, struct otel_sdk_sampler **ret,
                        enum otel_err *ret_err);
bool otl_plugin_exporter(const struct otl_plugin_place *place, struct otel_sdk_exporter **ret,
                         enum otel_err *ret_err);
bool otl_plugin_processor(const struct otl_plugin_place *place, struct otel_sdk_processor **ret,
                          enum otel_err *ret_err);
bool otl_plugin_propagator(const struct otl_plugin_place *place, struct otel_propagator **ret,
                           enum otel_err *ret_err);
bool otl_plugin_composable(const struct otl_plugin_place *place, struct otel_sdk_composable **ret,
                           enum otel_err *ret_err);
/* *ret is NULL where nothing was found. */
bool otl_plugin_detector(const struct otl_plugin_place *place, struct otel_sdk_resource **ret,
                         enum otel_err *ret_err);
bool otl_plugin_id_generator(const struct otl_plugin_place *place,
                             struct otel_sdk_id_generator *ret, enum otel_err *ret_err);

#endif
