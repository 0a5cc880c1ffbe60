/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_CONFIG_FILE_H
#define OTEL_SDK_CONFIG_FILE_H

#include <otel/sdk/config.h>

/*
 * The declarative configuration file: a whole SDK described in YAML (library libotel_config, which
 * needs libyaml and jansson; the SDK itself needs neither).
 *
 * Programs that call otel_sdk_from_env() need none of this: where the variable OTEL_CONFIG_FILE is
 * set it loads this library and does what the file says. Use these functions to read a file from
 * elsewhere, or to check one before using it.
 *
 *     otel_config_read_file("otel.yaml", NULL, &config, &problem)
 *     otel_config_create(config, NULL, &sdk, &problem)
 *
 * Life      read -> create... -> free. What was created outlives the configuration.
 * Threads   one owner; create reads only.
 * Memory    the file as a tree, until free.
 * Limits    4 MiB, 200,000 values, 64 levels.
 *
 * Schema 1.0 to 1.2 (file_format: "1.0"; a later minor version is read with a warning, another
 * major version refused). ${NAME}, ${env:NAME} and ${NAME:-default} are replaced in values before
 * they are typed, $$ is a $; all other variables of the environment are ignored. A key that the
 * schema does not know is an error, at the top level a warning, and so is a resource detector that
 * is not here: one file may serve a fleet in many languages. Nothing is guessed: a file with an
 * error makes nothing.
 *
 * Built: disabled, log_level (as OTEL_LOG_LEVEL in otel/sdk/config.h), attribute_limits,
 * propagator, resource with its detectors, tracer_provider with processors batch and simple;
 * exporters otlp_http, otlp_grpc, otlp_file/development, console (text, to console_fd of the
 * options in otel/sdk/config.h); samplers always_on, always_off, always_record,
 * trace_id_ratio_based, parent_based, probability/development, composite/development,
 * jaeger_remote/development (its protocol by the endpoint, as in otel/sdk/remote_sampler.h), and,
 * as extensions of this SDK by names that the schema leaves to components of an SDK's own,
 * trace_id_ratio_rule: {rule: java, ratio: 0.1}, with the rules go, java, dotnet, cpp, js of
 * otel/sdk/sampler.h, and xray: {endpoint: "http://localhost:2000", interval: 300000} (both may be
 * missing; milliseconds between questions for rules) of otel/sdk/xray_sampler.h, which is meant as
 * the root of parent_based; tracer_configurator/development (of tracers the first name that matches
 * decides); and by name what the program has registered (otel/sdk/config_plugin.h).
 * instrumentation/development is not read here but handed to instrumentation libraries as it is
 * (otel/config_provider.h), when the SDK is installed; it is in development in the specification.
 * Told as not supported and without effect: meter_provider, logger_provider, distribution.
 *
 * Spec: OpenTelemetry configuration SDK, "Parse", "Create"; data model, "Environment variable
 * substitution"; opentelemetry-configuration 1.2.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_config;

struct otel_config_problem {
    enum otel_err code;
    unsigned line; /* from 1; 0: no place */
    unsigned column;
    char source[256]; /* the file's name */
    char text[512];
};

/* "FILE:LINE:COLUMN: TEXT" into out; returns out. */
OTEL_API const char *otel_config_problem_text(const struct otel_config_problem *problem, char *out,
                                              size_t size);

/* What substitution asks; NULL: the process's environment. */
struct otel_config_env {
    const char *(*getenv)(void *arg, const char *name);
    void *arg;
};

/**
 * Read a file and hold it against the schema. env and ret_problem may be NULL.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_SYNTAX       no YAML, or not what the schema wants; *ret_problem says where and what
 *   OTEL_ERR_UNSUPPORTED  another major version of the schema
 *   OTEL_ERR_LIMIT        over a limit
 *   OTEL_ERR_NOT_FOUND, OTEL_ERR_IO   the file
 *   OTEL_ERR_MEMORY
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_read_file(const char *path, const struct otel_config_env *env,
                      struct otel_config **ret, struct otel_config_problem *ret_problem);
/* The same of a text; name stands for it in messages. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_read_text(struct otel_str text, const char *name, const struct otel_config_env *env,
                      struct otel_config **ret, struct otel_config_problem *ret_problem);
OTEL_API void otel_config_free(struct otel_config *config);

/* What the file says to instrumentation libraries; the no-op provider where it says nothing. A
 * reference of the caller's, which outlives config. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_instrumentation(const struct otel_config *config, struct otel_config_provider **ret);

/**
 * Build what it describes. options may be NULL; of them are used error (which gets warnings, too),
 * resource, instance_id, drop, clock, id_generator, seed, create_thread, concurrent_exports,
 * tracer_enabled (a tracer must be enabled there and in the file).
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_SYNTAX, OTEL_ERR_UNSUPPORTED   a value that cannot be used; *ret_problem says which
 *   and whatever exporters, processors and the provider return; no thread is left behind.
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_config_create(const struct otel_config *config, const struct otel_sdk_env_options *options,
                   struct otel_sdk **ret, struct otel_config_problem *ret_problem);

#ifdef __cplusplus
}
#endif
#endif
