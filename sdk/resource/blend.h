/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BLEND_H
#define OTL_BLEND_H

#include <otel/sdk/entity.h>

#include "sdk/base/arena.h"

/*
 * A resource in the making: the rules by which attributes and entities come together.
 *
 * Life      init -> add, add_entities... -> finish.
 * Threads   one owner.
 * Memory    everything is copied into the arena, which outlives the blend; keys and names are
 *           repaired on the way, so that those that are equal then are found.
 * Limits    those of a resource; OTEL_ERR_LIMIT.
 *
 * Invariant: a key is among the loose attributes or in one entity, never in two places.
 */

struct otl_blend {
    struct otl_arena *arena;
    struct otel_attribute *loose;
    size_t loose_count;
    struct otel_sdk_entity *entities;
    size_t entity_count;
};

/* With room for so many in all. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_blend_init(struct otl_blend *blend, struct otl_arena *arena,
                                           size_t attributes, size_t entities);
OTEL_MUST_USE enum otel_err otl_blend_add(struct otl_blend *blend,
                                          const struct otel_attribute *attributes, size_t count);
/* The most important first. OTEL_ERR_ARGUMENT: one has no type or no identity. */
OTEL_MUST_USE enum otel_err otl_blend_add_entities(struct otl_blend *blend,
                                                   const struct otel_sdk_entity *entities,
                                                   size_t count);
/* All attributes in one list, the loose ones first; those of blend->entities are parts of it. */
OTEL_MUST_USE enum otel_err otl_blend_finish(struct otl_blend *blend,
                                             const struct otel_attribute **ret, size_t *ret_count);

/* The attribute of that key, or NULL. */
const struct otel_attribute *otl_attribute_find(const struct otel_attribute *attributes,
                                                size_t count, struct otel_str key);
/* The same type, the same identifying attributes. */
bool otl_entity_same(const struct otel_sdk_entity *a, const struct otel_sdk_entity *b);

#endif
