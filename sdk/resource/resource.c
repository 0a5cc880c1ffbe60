/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/entity.h>

#include <errno.h>

#include "sdk/base/arena.h"
#include "sdk/base/mem.h"
#include "sdk/otlp/copy.h"
#include "sdk/otlp/entity.h"
#include "sdk/otlp/value.h"
#include "sdk/otlp/wire.h"
#include "sdk/resource/blend.h"

enum { MAX_DEPTH = 64 };

struct otel_sdk_resource {
    size_t refs;
    struct otl_arena arena; /* all text and values below */
    const struct otel_attribute *attributes; /* the loose ones first */
    size_t count, loose_count;
    const struct otel_sdk_entity *entities;
    size_t entity_count;
    struct otel_str schema_url;
    struct otel_str encoded;
};

static const struct otl_value_limits no_limits = {UINT32_MAX, MAX_DEPTH};

static enum otel_err encode(struct otel_sdk_resource *resource)
{
    uint32_t dropped;
    size_t size = otl_attributes_size(resource->attributes, resource->count, UINT32_MAX, &no_limits,
                                      &dropped) +
                  otl_entity_refs_size(resource->entities, resource->entity_count);
    uint8_t *bytes, *at;

    if (size > OTEL_SDK_RESOURCE_MAX_BYTES)
        return OTEL_ERR_LIMIT;
    bytes = otl_arena_alloc(&resource->arena, size + 1);
    if (bytes == NULL)
        return OTEL_ERR_MEMORY;
    at = otl_attributes_write(bytes, OTL_TAG_RESOURCE_ATTRIBUTE, resource->attributes,
                              resource->count, UINT32_MAX, &no_limits);
    otl_entity_refs_write(at, resource->entities, resource->entity_count);
    resource->encoded = otel_strn((char *)bytes, size);
    return OTEL_OK;
}

static void destroy(struct otel_sdk_resource *resource)
{
    otl_arena_fini(&resource->arena);
    otl_mem_free(resource);
}

/* A resource and its blend with room for so many. OTEL_ERR_MEMORY. */
static enum otel_err begin(size_t attributes, size_t entities, struct otl_blend *blend,
                           struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource = otl_mem_zalloc(sizeof(*resource));
    enum otel_err err;

    if (resource == NULL)
        return OTEL_ERR_MEMORY;
    resource->refs = 1;
    /* The source's bytes, their encoding, and the arena's own slack. */
    otl_arena_init(&resource->arena, (size_t)4 * OTEL_SDK_RESOURCE_MAX_BYTES);
    err = otl_blend_init(blend, &resource->arena, attributes, entities);
    if (err != OTEL_OK) {
        destroy(resource);
        return err;
    }
    *ret = resource;
    return OTEL_OK;
}

static enum otel_err finish(struct otel_sdk_resource *resource, struct otl_blend *blend,
                            struct otel_str schema_url, enum otel_err err,
                            struct otel_sdk_resource **ret)
{
    resource->schema_url = schema_url;
    if (err == OTEL_OK && !otl_copy_str(&resource->arena, &resource->schema_url))
        err = OTEL_ERR_MEMORY;
    if (err == OTEL_OK)
        err = otl_blend_finish(blend, &resource->attributes, &resource->count);
    resource->loose_count = blend->loose_count;
    resource->entities = blend->entities;
    resource->entity_count = blend->entity_count;
    if (err == OTEL_OK)
        err = encode(resource);
    if (err != OTEL_OK) {
        destroy(resource);
        return err;
    }
    *ret = resource;
    return OTEL_OK;
}

enum otel_err otel_sdk_resource_new(const struct otel_attribute *attributes, size_t count,
                                    struct otel_str schema_url, struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource;
    struct otl_blend blend;
    enum otel_err err = begin(count, 0, &blend, &resource);

    if (err != OTEL_OK)
        return err;
    err = otl_blend_add(&blend, attributes, count);
    return finish(resource, &blend, schema_url, err, ret);
}

static struct otel_str url_of_all(const struct otl_blend *blend)
{
    for (size_t i = 1; i < blend->entity_count; i++)
        if (!otel_str_equal(blend->entities[i].schema_url, blend->entities[0].schema_url))
            return otel_strn(NULL, 0);
    return blend->entity_count != 0 ? blend->entities[0].schema_url : otel_strn(NULL, 0);
}

enum otel_err otel_sdk_resource_of_entities(const struct otel_sdk_entity *entities, size_t count,
                                            struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource;
    struct otl_blend blend;
    enum otel_err err = begin(0, count, &blend, &resource);

    if (err != OTEL_OK)
        return err;
    err = otl_blend_add_entities(&blend, entities, count);
    return finish(resource, &blend, url_of_all(&blend), err, ret);
}

static struct otel_str merged_url(const struct otl_blend *blend,
                                  const struct otel_sdk_resource *one,
                                  const struct otel_sdk_resource *two)
{
    struct otel_str old = otel_sdk_resource_schema_url(one);
    struct otel_str updating = otel_sdk_resource_schema_url(two);

    if (blend->entity_count != 0)
        return url_of_all(blend);
    if (old.len == 0 || otel_str_equal(old, updating))
        return updating;
    return updating.len == 0 ? old : otel_strn(NULL, 0);
}

/* Loose attributes before entities, as in a resource that is made of both. */
static enum otel_err add(struct otl_blend *blend, const struct otel_sdk_resource *resource)
{
    enum otel_err err = otl_blend_add(blend, otel_sdk_resource_attributes(resource),
                                      otel_sdk_resource_loose_count(resource));

    if (err == OTEL_OK && otel_sdk_resource_entity_count(resource) != 0)
        err = otl_blend_add_entities(blend, otel_sdk_resource_entities(resource),
                                     otel_sdk_resource_entity_count(resource));
    return err;
}

enum otel_err otel_sdk_resource_merge(const struct otel_sdk_resource *old,
                                      const struct otel_sdk_resource *updating,
                                      struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource;
    struct otl_blend blend;
    enum otel_err err =
        begin(otel_sdk_resource_count(old) + otel_sdk_resource_count(updating),
              otel_sdk_resource_entity_count(old) + otel_sdk_resource_entity_count(updating),
              &blend, &resource);

    if (err != OTEL_OK)
        return err;
    err = add(&blend, old);
    if (err == OTEL_OK)
        err = add(&blend, updating);
    return finish(resource, &blend, merged_url(&blend, old, updating), err, ret);
}

enum otel_err otel_sdk_resource_default(struct otel_sdk_resource **ret)
{
    char service[256] = "unknown_service:";
    size_t at = strlen(service);
    struct otel_attribute attributes[4];

    /* Names are cut by bytes; an ill-formed rest is repaired when it is encoded. */
    for (const char *name = program_invocation_short_name; *name && at < sizeof(service) - 1;)
        service[at++] = *name++;
    service[at] = '\0';
    if (at == strlen("unknown_service:"))
        service[at - 1] = '\0';
    attributes[0] = otel_attr_str("telemetry.sdk.language", "c");
    attributes[1] = otel_attr_str("telemetry.sdk.name", OTEL_SDK_NAME);
    attributes[2] = otel_attr_str("telemetry.sdk.version", OTEL_SDK_VERSION);
    attributes[3] = otel_attr_str("service.name", service);
    return otel_sdk_resource_new(attributes, 4, otel_str(NULL), ret);
}

struct otel_sdk_resource *otel_sdk_resource_ref(struct otel_sdk_resource *resource)
{
    if (resource != NULL)
        __atomic_fetch_add(&resource->refs, 1, __ATOMIC_RELAXED);
    return resource;
}

void otel_sdk_resource_unref(struct otel_sdk_resource *resource)
{
    if (resource != NULL && __atomic_fetch_sub(&resource->refs, 1, __ATOMIC_ACQ_REL) == 1)
        destroy(resource);
}

size_t otel_sdk_resource_count(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->count : 0;
}

const struct otel_attribute *otel_sdk_resource_attributes(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->attributes : NULL;
}

bool otel_sdk_resource_get(const struct otel_sdk_resource *resource, struct otel_str key,
                           struct otel_value *ret_value)
{
    const struct otel_attribute *found = otl_attribute_find(
        otel_sdk_resource_attributes(resource), otel_sdk_resource_count(resource), key);

    if (found != NULL)
        *ret_value = found->value;
    return found != NULL;
}

size_t otel_sdk_resource_loose_count(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->loose_count : 0;
}

size_t otel_sdk_resource_entity_count(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->entity_count : 0;
}

const struct otel_sdk_entity *otel_sdk_resource_entities(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->entities : NULL;
}

struct otel_str otel_sdk_resource_schema_url(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->schema_url : otel_str(NULL);
}

struct otel_str otel_sdk_resource_encoded(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->encoded : otel_str(NULL);
}
