/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"

#include <string.h>

static const struct col_component_type *const types[] = {
    &col_otlp_receiver,  &col_batch_processor, &col_memory_limiter_processor,
    &col_tail_sampling_processor, &col_probabilistic_sampler_processor,
    &col_attributes_processor, &col_resource_processor, &col_filter_processor,
    &col_transform_processor, &col_groupbytrace_processor,
    &col_file_exporter, &col_debug_exporter, &col_nop_exporter,
    &col_otlp_exporter, &col_otlp_grpc_exporter, &col_otlphttp_exporter, &col_otlp_http_exporter,
    &col_load_balancing_exporter, &col_loadbalancing_exporter, &col_prometheus_exporter,
    &col_span_metrics_connector, &col_spanmetrics_connector,
    &col_forward_connector,
    &col_health_check_extension, &col_pprof_extension, &col_zpages_extension,
    &col_basicauth_extension, &col_basic_auth_extension,
    &col_bearertokenauth_extension, &col_bearer_token_auth_extension,
};

enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };
_Static_assert((int)TYPE_COUNT < (int)COL_REGISTRY_MAX, "names must fit");

const struct col_component_type *col_registry_find(enum col_kind kind, const char *name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i]->kind == kind && strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

void col_registry_names(enum col_kind kind, const char **out)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i]->kind == kind)
            *out++ = types[i]->name;
    *out = NULL;
}

const char *col_kind_name(enum col_kind kind)
{
    static const char *const names[COL_KIND_COUNT] = {"receiver", "processor", "exporter",
                                                      "connector", "extension"};

    return names[kind];
}

const char *col_kind_section(enum col_kind kind)
{
    static const char *const names[COL_KIND_COUNT] = {"receivers", "processors", "exporters",
                                                      "connectors", "extensions"};

    return names[kind];
}
