/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_RESOURCE_H
#define OTEL_SDK_RESOURCE_H

#include <otel/types.h>

/*
 * Resource: who produces the telemetry (service.name, host.name ...). Immutable.
 *
 * Life      made with one reference; ref/unref.
 * Threads   immutable, references are counted atomically; share freely.
 * Memory    attributes are copied and encoded once; ill-formed UTF-8 in keys is repaired first.
 * Limits    4096 attributes, 1 MiB; span limits do not apply. Of duplicate keys the last counts;
 *           empty keys are left out; arrays and maps deeper than 64 are the empty value.
 *
 * Spec: OpenTelemetry resource SDK.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* telemetry.sdk.name and .version: an implementation of our own, not the project's. */
#define OTEL_SDK_NAME "tracerig"
#define OTEL_SDK_VERSION "0.1.0"

struct otel_sdk_resource;

enum { OTEL_SDK_RESOURCE_MAX_ATTRIBUTES = 4096, OTEL_SDK_RESOURCE_MAX_BYTES = 1 << 20 };

/* schema_url may be empty. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_resource_new(const struct otel_attribute *attributes, size_t count,
                      struct otel_str schema_url, struct otel_sdk_resource **ret);
/* telemetry.sdk.language, .name, .version and service.name = unknown_service:EXECUTABLE.
 * OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_resource_default(struct otel_sdk_resource **ret);
/* All of old, overridden by all of updating. Equal or one empty schema URL is kept; with two
 * different ones the result has none (the specification leaves it open).
 * OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_resource_merge(const struct otel_sdk_resource *old,
                        const struct otel_sdk_resource *updating,
                        struct otel_sdk_resource **ret);

OTEL_API struct otel_sdk_resource *otel_sdk_resource_ref(struct otel_sdk_resource *resource);
OTEL_API void otel_sdk_resource_unref(struct otel_sdk_resource *resource);

/* Views that live as long as the resource. */
OTEL_API size_t otel_sdk_resource_count(const struct otel_sdk_resource *resource);
OTEL_API const struct otel_attribute *
otel_sdk_resource_attributes(const struct otel_sdk_resource *resource);
OTEL_API bool otel_sdk_resource_get(const struct otel_sdk_resource *resource, struct otel_str key,
                                    struct otel_value *ret_value);
OTEL_API struct otel_str
otel_sdk_resource_schema_url(const struct otel_sdk_resource *resource);
/* The OTLP bytes of message Resource. */
OTEL_API struct otel_str otel_sdk_resource_encoded(const struct otel_sdk_resource *resource);

#ifdef __cplusplus
}
#endif
#endif
