/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_CONFIG_PLUGIN_H
#define OTEL_SDK_CONFIG_PLUGIN_H

#include <otel/propagators.h>
#include <otel/sdk/composable_sampler.h>
#include <otel/sdk/config_file.h>

/*
 * Components of a program's own in configuration files, by name.
 *
 *     static enum otel_err make(void *arg, const struct otel_config_node *node,
 *                               struct otel_sdk_sampler **ret)
 *     {
 *         static const char *const keys[] = {"user", NULL};
 *         struct otel_str user = otel_str("");
 *         enum otel_err err = otel_config_keys(node, keys);
 *         if (err == OTEL_OK)
 *             err = otel_config_text(node, "user", &user);
 *         ...
 *     }
 *     otel_config_register_sampler("by_user", make, NULL);
 *
 *     tracer_provider:
 *       sampler: {parent_based: {root: {by_user: {user: "42"}}}}
 *
 * Needs libotel_config linked, not only loaded. Not for components that programs put together in
 * C anyway: give those to the provider directly.
 *
 * Life      register -> files are read and created; names stay for the life of the process. A node
 *           lives during the call that got it.
 * Threads   register before files are read, from one thread.
 * Memory    names are copied.
 * Limits    OTEL_CONFIG_PLUGINS_MAX of a kind.
 *
 * Where the file is wrong, a function below or make returns an error, and otel_config_create()
 * tells the place. An error of make's own without otel_config_refuse() is told with the place of
 * its name.
 *
 * Spec: OpenTelemetry configuration SDK, "PluginComponentProvider".
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { OTEL_CONFIG_PLUGINS_MAX = 32 };

/* What stands behind a component's name. */
struct otel_config_node;

/* Sets *ret with a reference of the caller's, or returns an error and leaves it. */
typedef enum otel_err otel_config_sampler_fn(void *arg, const struct otel_config_node *node,
                                             struct otel_sdk_sampler **ret);
typedef enum otel_err otel_config_exporter_fn(void *arg, const struct otel_config_node *node,
                                              struct otel_sdk_exporter **ret);
typedef enum otel_err otel_config_processor_fn(void *arg, const struct otel_config_node *node,
                                               struct otel_sdk_processor **ret);
typedef enum otel_err otel_config_propagator_fn(void *arg, const struct otel_config_node *node,
                                                struct otel_propagator **ret);
/* A part of composite/development. */
typedef enum otel_err otel_config_composable_fn(void *arg, const struct otel_config_node *node,
                                                struct otel_sdk_composable **ret);
/* Of resource: detection/development: detectors. OTEL_OK with *ret left NULL: nothing was found.
 * Of the same name the attribute of the later detector in the list counts. Its entities (otel/sdk/
 * entity.h) are kept where no attributes filter stands beside the detectors. */
typedef enum otel_err otel_config_detector_fn(void *arg, const struct otel_config_node *node,
                                              struct otel_sdk_resource **ret);
/* *ret starts as all zero; trace_id or span_id left NULL is the built-in one. state must outlive
 * what is made from the file. One that the program gave in its options wins over it. */
typedef enum otel_err otel_config_id_generator_fn(void *arg, const struct otel_config_node *node,
                                                  struct otel_sdk_id_generator *ret);

/* OTEL_ERR_ARGUMENT: no name or no function, or the name is the schema's or registered already.
 * OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. An exporter may be asked for several times in one file. A
 * propagator's node has no keys where it was named in composite_list. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_sampler(const char *name, otel_config_sampler_fn *make, void *arg);
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_exporter(const char *name, otel_config_exporter_fn *make, void *arg);
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_processor(const char *name, otel_config_processor_fn *make, void *arg);
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_propagator(const char *name, otel_config_propagator_fn *make, void *arg);
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_composable(const char *name, otel_config_composable_fn *make, void *arg);
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_detector(const char *name, otel_config_detector_fn *make, void *arg);
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_register_id_generator(const char *name, otel_config_id_generator_fn *make, void *arg);

/* --- what make reads. A key that is missing or null leaves *value as it is. --- */

/* OTEL_ERR_SYNTAX, with its place and the nearest of keys (NULL behind the last): there is
 * another. */
OTEL_API OTEL_MUST_USE enum otel_err otel_config_keys(const struct otel_config_node *node,
                                                      const char *const *keys);
/* OTEL_ERR_SYNTAX, with the place: it is of another type. Text lives as long as the node. */
OTEL_API OTEL_MUST_USE enum otel_err otel_config_text(const struct otel_config_node *node,
                                                      const char *key, struct otel_str *value);
OTEL_API OTEL_MUST_USE enum otel_err otel_config_int(const struct otel_config_node *node,
                                                     const char *key, int64_t *value);
OTEL_API OTEL_MUST_USE enum otel_err otel_config_double(const struct otel_config_node *node,
                                                        const char *key, double *value);
OTEL_API OTEL_MUST_USE enum otel_err otel_config_bool(const struct otel_config_node *node,
                                                      const char *key, bool *value);
/* Components below this one, the schema's or registered ones; *ret stays where there is none. */
OTEL_API OTEL_MUST_USE enum otel_err otel_config_sampler(const struct otel_config_node *node,
                                                         const char *key,
                                                         struct otel_sdk_sampler **ret);
OTEL_API OTEL_MUST_USE enum otel_err otel_config_exporter(const struct otel_config_node *node,
                                                          const char *key,
                                                          struct otel_sdk_exporter **ret);
OTEL_API OTEL_MUST_USE enum otel_err otel_config_composable(const struct otel_config_node *node,
                                                            const char *key,
                                                            struct otel_sdk_composable **ret);
/* Say what is wrong with the value of key (NULL, or not there: with the component). Returns
 * OTEL_ERR_SYNTAX, to be returned. */
OTEL_API enum otel_err otel_config_refuse(const struct otel_config_node *node, const char *key,
                                          const char *text);

#ifdef __cplusplus
}
#endif
#endif
