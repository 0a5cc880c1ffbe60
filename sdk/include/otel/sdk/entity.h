/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_ENTITY_H
#define OTEL_SDK_ENTITY_H

#include <otel/sdk/resource.h>

/*
 * Entities: what a resource speaks of, each with a type, an identity and a description.
 *
 *     struct otel_attribute id[] = {otel_attr_str("host.id", "h-1")};
 *     struct otel_attribute text[] = {otel_attr_str("host.name", "web-01")};
 *     struct otel_sdk_entity host = {.type = otel_str("host"), .id = id, .id_count = 1,
 *                                    .description = text, .description_count = 1};
 *     otel_sdk_resource_of_entities(&host, 1, &resource)
 *
 * Not needed for plain attributes: otel_sdk_resource_new(). A resource of both is the merge of two:
 * first the attributes, then the entities. Nothing changes for who uses none; the specification
 * has entities in development. Operators name them in OTEL_ENTITIES (otel/sdk/config.h).
 *
 * Life      what is given is read during the call; what is got lives as long as the resource.
 * Threads   as resources: immutable.
 * Memory    copied into the resource.
 * Limits    OTEL_SDK_RESOURCE_MAX_ENTITIES a resource, one of a type; attributes count among those
 *           of the resource.
 *
 * otel_sdk_resource_merge() with entities on either side:
 *   - an entity of a type that the old resource lacks is added, and takes attributes of its keys
 *     from the loose ones
 *   - one of a type that is there adds its description (and wins in it) where schema URL and
 *     identity are the same, else it is left out
 *   - of two with a key in common the one that came later is left out
 *   - a loose attribute of the updating resource that says otherwise than an entity puts an end to
 *     that entity; one that says the same changes nothing
 *   - the schema URL is that of all entities, or empty where they differ
 * So that in every resource a key belongs to one entity or to none.
 *
 * In OTLP entities are references to keys of the resource (entity_refs).
 *
 * Spec: OpenTelemetry entities, "Data Model"; resource data model, "Merging Resources"; resource
 * SDK, "Retrieve entities". Where it is silent: a loose attribute of equal value is no conflict.
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { OTEL_SDK_RESOURCE_MAX_ENTITIES = 64 };

struct otel_sdk_entity {
    struct otel_str type;            /* "host"; not empty */
    struct otel_str schema_url;      /* of its attributes; may be empty */
    const struct otel_attribute *id; /* what tells it from others of its type; not none */
    size_t id_count;
    const struct otel_attribute *description;
    size_t description_count;
};

/**
 * A resource of entities alone, the most important first. Of equal keys within an entity the last
 * counts, of id and description id.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_ARGUMENT   one without type, or without an identifying attribute
 *   OTEL_ERR_LIMIT      too many, or too large
 *   OTEL_ERR_MEMORY
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_resource_of_entities(const struct otel_sdk_entity *entities, size_t count,
                              struct otel_sdk_resource **ret);

OTEL_API size_t otel_sdk_resource_entity_count(const struct otel_sdk_resource *resource);
OTEL_API const struct otel_sdk_entity *
otel_sdk_resource_entities(const struct otel_sdk_resource *resource);
/* So many of otel_sdk_resource_attributes(), the first ones, belong to no entity. */
OTEL_API size_t otel_sdk_resource_loose_count(const struct otel_sdk_resource *resource);

#ifdef __cplusplus
}
#endif
#endif
