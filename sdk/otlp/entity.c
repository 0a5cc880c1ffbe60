/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/otlp/entity.h"

#include "sdk/otlp/wire.h"

static size_t keys_size(const struct otel_attribute *attributes, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += otl_wire_text_size(attributes[i].key);
    return size;
}

static uint8_t *keys_write(uint8_t *at, uint8_t tag, const struct otel_attribute *attributes,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        at = otl_wire_text(at, tag, attributes[i].key);
    return at;
}

static size_t ref_size(const struct otel_sdk_entity *entity)
{
    return otl_wire_text_size(entity->schema_url) + otl_wire_text_size(entity->type) +
           keys_size(entity->id, entity->id_count) +
           keys_size(entity->description, entity->description_count);
}

size_t otl_entity_refs_size(const struct otel_sdk_entity *entities, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += otl_wire_field_size(ref_size(&entities[i]));
    return size;
}

uint8_t *otl_entity_refs_write(uint8_t *at, const struct otel_sdk_entity *entities, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct otel_sdk_entity *entity = &entities[i];
        at = otl_wire_head(at, OTL_TAG_RESOURCE_ENTITY_REF, ref_size(entity));
        at = otl_wire_text(at, OTL_TAG_ENTITY_SCHEMA_URL, entity->schema_url);
        at = otl_wire_text(at, OTL_TAG_ENTITY_TYPE, entity->type);
        at = keys_write(at, OTL_TAG_ENTITY_ID_KEY, entity->id, entity->id_count);
        at = keys_write(at, OTL_TAG_ENTITY_DESCRIPTION_KEY, entity->description,
                        entity->description_count);
    }
    return at;
}
