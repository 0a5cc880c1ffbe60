/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CONFIG_STEERED_H
#define OTL_CONFIG_STEERED_H

#include <otel/sdk/config.h>
#include <otel/sdk/remote_sampler.h>
#include <otel/sdk/xray_sampler.h>

/*
 * Samplers that a server steers, as the environment and as the file make them.
 *
 * Threads   no state.
 */

/* Defaults, and what does not depend on where the sampler was named. */
static inline void otl_steered_jaeger(const struct otel_sdk_env_options *options,
                                      const struct otel_sdk_resource *resource,
                                      struct otel_sdk_jaeger_remote_options *ret)
{
    struct otel_value service;

    otel_sdk_jaeger_remote_options_init(ret);
    if (otel_sdk_resource_get(resource, otel_str("service.name"), &service) &&
        service.type == OTEL_VALUE_STRING)
        ret->service = otel_strn(service.as.string, service.count);
    ret->error = options->error;
    ret->error_arg = options->error_arg;
    ret->create_thread = options->create_thread;
    ret->create_thread_arg = options->create_thread_arg;
}

static inline void otl_steered_xray(const struct otel_sdk_env_options *options,
                                    const struct otel_sdk_resource *resource,
                                    struct otel_sdk_xray_options *ret)
{
    otel_sdk_xray_options_init(ret);
    ret->resource = resource;
    ret->clock = options->clock;
    ret->error = options->error;
    ret->error_arg = options->error_arg;
    ret->create_thread = options->create_thread;
    ret->create_thread_arg = options->create_thread_arg;
}

/* What stands in for X-Ray's sampler, and why, is told. */
static inline enum otel_err otl_steered_without_xray(const struct otel_sdk_env_options *options,
                                                     enum otel_err err, const char *why,
                                                     struct otel_sdk_sampler **ret)
{
    if (options->error != NULL)
        options->error(options->error_arg, err, why);
    return otel_sdk_sampler_traceidratio_new(0.05, ret);
}

#endif
