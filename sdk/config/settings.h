/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_SETTINGS_H
#define OTL_SETTINGS_H

#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>

#include "sdk/base/buf.h"
#include "sdk/config/env.h"

/*
 * What the variables mean together: precedence between them, and defaults.
 *
 * Life      otl_settings_from_env -> read the members -> otl_settings_fini.
 * Threads   one owner.
 * Memory    texts live in env, the endpoint and the headers in the settings themselves.
 */

enum { OTL_SETTINGS_HEADERS_MAX = 64, OTL_SETTINGS_URL_MAX = 2400 };

struct otl_settings {
    bool disabled;
    int propagators[OTL_ENV_LIST_MAX]; /* OTL_PROPAGATOR_..., in the order of their naming */
    unsigned propagator_count;         /* 0: none */
    int exporters[OTL_ENV_LIST_MAX]; /* OTL_EXPORTER_..., likewise; none is not among them */
    unsigned exporter_count;
    int sampler; /* OTL_SAMPLER_... */
    enum otel_sdk_ratio_rule ratio_rule; /* of traceidratio */
    double sampler_ratio; /* of jaeger_remote: until it is told another */
    char sampler_endpoint[OTL_SETTINGS_URL_MAX]; /* of jaeger_remote, xray; "": the default */
    uint32_t sampler_interval_millis;            /* likewise; 0: the default */
    struct otel_sdk_batch_options batch;
    struct otel_sdk_span_limits limits;
    struct otel_sdk_otlp_options otlp; /* endpoint and headers point below */
    char endpoint[OTL_SETTINGS_URL_MAX];
    struct otel_sdk_header headers[OTL_SETTINGS_HEADERS_MAX];
    struct otl_arena arena;
};

/* Mistakes are told to the source. OTEL_ERR_MEMORY only. env must outlive the settings. */
OTEL_MUST_USE enum otel_err otl_settings_from_env(const struct otl_env_source *source,
                                                  const struct otl_env *env,
                                                  struct otl_settings *ret);
void otl_settings_fini(struct otl_settings *settings);

#endif
