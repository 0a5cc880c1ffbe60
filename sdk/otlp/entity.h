/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OTLP_ENTITY_H
#define OTL_OTLP_ENTITY_H

#include <otel/sdk/entity.h>

/*
 * Entities as OTLP bytes: the field entity_refs of message Resource, which names keys of the
 * resource's attributes.
 *
 * Threads   no state.
 * Memory    the caller makes room: _write writes exactly what _size measures.
 * Limits    none. Text and keys are well-formed already: a resource repairs what it keeps.
 */

size_t otl_entity_refs_size(const struct otel_sdk_entity *entities, size_t count);
uint8_t *otl_entity_refs_write(uint8_t *at, const struct otel_sdk_entity *entities, size_t count);

#endif
