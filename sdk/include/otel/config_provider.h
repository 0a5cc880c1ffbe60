/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_CONFIG_PROVIDER_H
#define OTEL_CONFIG_PROVIDER_H

#include <otel/types.h>

/*
 * ConfigProvider: what the configuration says to instrumentation libraries, and ConfigProperties,
 * a mapping of it.
 *
 *     struct otel_config_provider *provider = otel_config_provider_global();
 *     struct otel_properties all = otel_config_provider_instrumentation(provider), mine;
 *     bool bodies = false;
 *     if (otel_properties_mapping(&all, "c", &mine))
 *         otel_properties_bool(&mine, "capture_bodies", &bodies);
 *     otel_config_provider_unref(provider);
 *
 * For the start of a library, not for each request. Not for settings of the SDK itself: those are
 * no business of instrumentation. Where no configuration file says anything (otel/sdk/
 * config_file.h: instrumentation/development), the global provider is the no-op one, whose
 * properties are empty; the specification has it in development.
 *
 * Life      providers are counted: ref/unref. The global slot holds a reference.
 * Threads   immutable; all calls from any thread.
 * Memory    nothing is allocated. Properties and what is got from them are views that live as long
 *           as their provider.
 * Limits    none here; those of the file.
 *
 * Properties are what YAML says: strings, booleans, 64-bit integers, real numbers, null,
 * mappings and sequences. A getter that finds what it is asked for sets *value and returns true;
 * otherwise (missing, null, of another type) it leaves *value as it is, so that a default stays.
 * An integer is a real number, too; nothing else is converted. properties NULL are empty, value may
 * be NULL.
 *
 * Spec: OpenTelemetry configuration API, "ConfigProvider", "ConfigProperties".
 */

#ifdef __cplusplus
extern "C" {
#endif

/* A mapping. Its keys are items[0 .. count). Of equal keys the last counts. */
struct otel_properties {
    const struct otel_attribute *items;
    size_t count;
};

/* NULL: there is no such key. Null in the file is OTEL_VALUE_EMPTY, a mapping OTEL_VALUE_MAP, a
 * sequence OTEL_VALUE_ARRAY. */
OTEL_API const struct otel_value *otel_properties_find(const struct otel_properties *properties,
                                                       const char *key);
OTEL_API bool otel_properties_string(const struct otel_properties *properties, const char *key,
                                     struct otel_str *value);
OTEL_API bool otel_properties_bool(const struct otel_properties *properties, const char *key,
                                   bool *value);
OTEL_API bool otel_properties_int(const struct otel_properties *properties, const char *key,
                                  int64_t *value);
OTEL_API bool otel_properties_double(const struct otel_properties *properties, const char *key,
                                     double *value);
OTEL_API bool otel_properties_mapping(const struct otel_properties *properties, const char *key,
                                      struct otel_properties *value);

/* How many elements the sequence has; 0: it is none. Then each of them, from 0. */
OTEL_API size_t otel_properties_length(const struct otel_properties *properties, const char *key);
OTEL_API bool otel_properties_string_at(const struct otel_properties *properties, const char *key,
                                        size_t at, struct otel_str *value);
OTEL_API bool otel_properties_bool_at(const struct otel_properties *properties, const char *key,
                                      size_t at, bool *value);
OTEL_API bool otel_properties_int_at(const struct otel_properties *properties, const char *key,
                                     size_t at, int64_t *value);
OTEL_API bool otel_properties_double_at(const struct otel_properties *properties, const char *key,
                                        size_t at, double *value);
OTEL_API bool otel_properties_mapping_at(const struct otel_properties *properties, const char *key,
                                         size_t at, struct otel_properties *value);

/* For those who make one (an SDK), with refs at 1; for all others opaque. */
struct otel_config_provider {
    struct otel_properties instrumentation;
    void (*free)(struct otel_config_provider *provider); /* NULL: static, not counted */
    size_t refs;                                         /* owned by ref/unref */
};

OTEL_API struct otel_config_provider *
otel_config_provider_ref(struct otel_config_provider *provider);
OTEL_API void otel_config_provider_unref(struct otel_config_provider *provider);

/* The mapping "instrumentation" of the configuration; empty if there is none, or no provider. */
OTEL_API struct otel_properties
otel_config_provider_instrumentation(const struct otel_config_provider *provider);

/* Says nothing. Static. */
OTEL_API struct otel_config_provider *otel_config_provider_noop(void);
/* A new reference to the global provider; the no-op one until one is set. */
OTEL_API OTEL_MUST_USE struct otel_config_provider *otel_config_provider_global(void);
/* Takes a reference of its own; NULL restores the no-op one. */
OTEL_API void otel_config_provider_set_global(struct otel_config_provider *provider);

#ifdef __cplusplus
}
#endif
#endif
