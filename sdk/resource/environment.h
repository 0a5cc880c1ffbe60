/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_RESOURCE_ENVIRONMENT_H
#define OTL_RESOURCE_ENVIRONMENT_H

#include <otel/sdk/resource.h>

#include "sdk/resource/entity_list.h"

/*
 * The resource that a process's environment describes.
 *
 * Threads   no state.
 * Limits    those of a resource; the text of the attributes 64 KiB; entities as in entity_list.h.
 * Spec      OpenTelemetry resource SDK, "Specifying resource information via an environment
 *           variable", and the service detector for service.instance.id; entities, "Entity
 *           Propagation", with OTEL_ENTITIES below the stable variables.
 */

struct otl_resource_environment {
    const char *attributes;   /* OTEL_RESOURCE_ATTRIBUTES; NULL or "": unset */
    const char *service_name; /* OTEL_SERVICE_NAME; likewise; beats attributes */
    /* service.instance.id where attributes name none; NULL: a random UUID (version 4) */
    const char *instance_id;
    const struct otel_sdk_resource *detected; /* by detectors; may be NULL */
    const char *entities;                     /* OTEL_ENTITIES; NULL or "": unset */
    struct otl_teller teller;                 /* of mistakes in entities */
};

/* Merged, the later winning: the SDK's own attributes, what was detected, instance id, entities,
 * attributes, service name, code (may be NULL). An entity that code has is not overruled by one of
 * the environment. *ret_discarded: attributes could not be decoded and count as
 * unset. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err
otl_resource_from_environment(const struct otl_resource_environment *environment,
                              const struct otel_sdk_resource *code, bool *ret_discarded,
                              struct otel_sdk_resource **ret);

enum { OTL_UUID_SIZE = 37 };
/* A random UUID, version 4, as text. Returns out. */
const char *otl_uuid(char *out);

#endif
