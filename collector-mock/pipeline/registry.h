/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_REGISTRY_H
#define COL_PIPELINE_REGISTRY_H

#include "collector-mock/pipeline/component.h"

/* The components that exist. To add one: a file with a const record, and a row here. */

extern const struct col_component_type col_otlp_receiver;
extern const struct col_component_type col_batch_processor;
extern const struct col_component_type col_memory_limiter_processor;
extern const struct col_component_type col_tail_sampling_processor;
extern const struct col_component_type col_probabilistic_sampler_processor;
extern const struct col_component_type col_attributes_processor;
extern const struct col_component_type col_resource_processor;
extern const struct col_component_type col_filter_processor;
extern const struct col_component_type col_transform_processor;
extern const struct col_component_type col_groupbytrace_processor;
extern const struct col_component_type col_file_exporter;
extern const struct col_component_type col_debug_exporter;
extern const struct col_component_type col_nop_exporter;
extern const struct col_component_type col_otlp_exporter, col_otlp_grpc_exporter;
extern const struct col_component_type col_otlphttp_exporter, col_otlp_http_exporter;
extern const struct col_component_type col_load_balancing_exporter, col_loadbalancing_exporter;
extern const struct col_component_type col_prometheus_exporter;
extern const struct col_component_type col_span_metrics_connector, col_spanmetrics_connector;
extern const struct col_component_type col_forward_connector;
extern const struct col_component_type col_health_check_extension;
extern const struct col_component_type col_pprof_extension, col_zpages_extension;
extern const struct col_component_type col_basicauth_extension, col_basic_auth_extension;
extern const struct col_component_type col_bearertokenauth_extension;
extern const struct col_component_type col_bearer_token_auth_extension;

/* NULL: there is none. */
const struct col_component_type *col_registry_find(enum col_kind kind, const char *name);
/* The names of a kind, ending with NULL; into out, which has room for COL_REGISTRY_MAX. */
enum { COL_REGISTRY_MAX = 32 };
void col_registry_names(enum col_kind kind, const char **out);
/* "receiver", "exporter" ... and the section of the configuration: "receivers" ... */
const char *col_kind_name(enum col_kind kind);
const char *col_kind_section(enum col_kind kind);

#endif
