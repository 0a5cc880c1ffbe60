/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/resource.h>

#include <errno.h>

#include "sdk/base/arena.h"
#include "sdk/base/mem.h"
#include "sdk/otlp/value.h"
#include "sdk/otlp/wire.h"

enum { MAX_DEPTH = 64 };

struct otel_sdk_resource {
    size_t refs;
    struct otl_arena arena; /* all text and values below */
    struct otel_attribute *attributes;
    size_t count;
    struct otel_str schema_url;
    struct otel_str encoded;
};

static const struct otl_value_limits no_limits = {UINT32_MAX, MAX_DEPTH};

static bool copy_value(struct otl_arena *arena, struct otel_value *value, unsigned depth);

static bool copy_str(struct otl_arena *arena, struct otel_str *str)
{
    char *copy = otl_arena_strndup(arena, str->data, str->len);

    if (copy == NULL)
        return false;
    *str = otel_strn(copy, str->len);
    return true;
}

/* Keys are kept as they are written, so that those that are equal then are found here. */
static bool copy_key(struct otl_arena *arena, struct otel_str *key)
{
    size_t len = otl_text_size(*key, UINT32_MAX);
    char *copy = otl_arena_alloc(arena, len + 1);

    if (copy == NULL)
        return false;
    otl_text_write((uint8_t *)copy, *key, UINT32_MAX);
    *key = otel_strn(copy, len);
    return true;
}

static const void *copy_items(struct otl_arena *arena, const void *items, size_t size)
{
    void *copy = otl_arena_alloc(arena, size + 1);

    if (copy != NULL && size != 0)
        memcpy(copy, items, size);
    return copy;
}

static bool copy_strings(struct otl_arena *arena, struct otel_value *value)
{
    struct otel_str *copy = otl_arena_alloc(arena, (value->count + 1) * sizeof(*copy));

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        copy[i] = value->as.strings[i];
        if (!copy_str(arena, &copy[i]))
            return false;
    }
    value->as.strings = copy;
    return true;
}

static bool copy_array(struct otl_arena *arena, struct otel_value *value, unsigned depth)
{
    struct otel_value *copy = otl_arena_alloc(arena, (value->count + 1) * sizeof(*copy));

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        copy[i] = value->as.values[i];
        if (!copy_value(arena, &copy[i], depth + 1))
            return false;
    }
    value->as.values = copy;
    return true;
}

static bool copy_map(struct otl_arena *arena, struct otel_value *value, unsigned depth)
{
    struct otel_attribute *copy = otl_arena_alloc(arena, (value->count + 1) * sizeof(*copy));

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->count; i++) {
        copy[i] = value->as.attributes[i];
        if (!copy_str(arena, &copy[i].key) || !copy_value(arena, &copy[i].value, depth + 1))
            return false;
    }
    value->as.attributes = copy;
    return true;
}

static size_t item_size(enum otel_value_type type)
{
    switch (type) {
    case OTEL_VALUE_STRING:
    case OTEL_VALUE_BYTES:
        return 1;
    case OTEL_VALUE_BOOL_ARRAY:
        return sizeof(bool);
    case OTEL_VALUE_INT_ARRAY:
        return sizeof(int64_t);
    case OTEL_VALUE_DOUBLE_ARRAY:
        return sizeof(double);
    case OTEL_VALUE_EMPTY:
    case OTEL_VALUE_BOOL:
    case OTEL_VALUE_INT:
    case OTEL_VALUE_DOUBLE:
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_ARRAY:
    case OTEL_VALUE_MAP:
        break;
    }
    return 0;
}

static bool holds_others(enum otel_value_type type)
{
    switch (type) {
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_BOOL_ARRAY:
    case OTEL_VALUE_INT_ARRAY:
    case OTEL_VALUE_DOUBLE_ARRAY:
    case OTEL_VALUE_ARRAY:
    case OTEL_VALUE_MAP:
        return true;
    case OTEL_VALUE_EMPTY:
    case OTEL_VALUE_STRING:
    case OTEL_VALUE_BOOL:
    case OTEL_VALUE_INT:
    case OTEL_VALUE_DOUBLE:
    case OTEL_VALUE_BYTES:
        break;
    }
    return false;
}

static bool copy_value(struct otl_arena *arena, struct otel_value *value, unsigned depth)
{
    size_t size = item_size(value->type);

    if (depth > MAX_DEPTH && holds_others(value->type)) {
        *value = otel_value_empty();
        return true;
    }
    if (size != 0) {
        value->as.bytes = copy_items(arena, value->as.bytes, value->count * size);
        return value->as.bytes != NULL;
    }
    switch (value->type) {
    case OTEL_VALUE_STRING_ARRAY:
        return copy_strings(arena, value);
    case OTEL_VALUE_ARRAY:
        return copy_array(arena, value, depth);
    case OTEL_VALUE_MAP:
        return copy_map(arena, value, depth);
    default:
        return true;
    }
}

static struct otel_attribute *find(struct otel_sdk_resource *resource, struct otel_str key)
{
    for (size_t i = 0; i < resource->count; i++)
        if (otel_str_equal(resource->attributes[i].key, key))
            return &resource->attributes[i];
    return NULL;
}

static enum otel_err add_all(struct otel_sdk_resource *resource,
                             const struct otel_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct otel_attribute copy = attributes[i];
        struct otel_attribute *place;
        if (copy.key.len == 0)
            continue;
        if (!copy_key(&resource->arena, &copy.key) || !copy_value(&resource->arena, &copy.value, 1))
            return resource->arena.total >= OTEL_SDK_RESOURCE_MAX_BYTES ? OTEL_ERR_LIMIT
                                                                        : OTEL_ERR_MEMORY;
        place = find(resource, copy.key);
        if (place == NULL && resource->count == OTEL_SDK_RESOURCE_MAX_ATTRIBUTES)
            return OTEL_ERR_LIMIT;
        if (place == NULL)
            place = &resource->attributes[resource->count++];
        *place = copy;
    }
    return OTEL_OK;
}

static enum otel_err encode(struct otel_sdk_resource *resource)
{
    uint32_t dropped;
    size_t size = otl_attributes_size(resource->attributes, resource->count, UINT32_MAX, &no_limits,
                                      &dropped);
    uint8_t *bytes;

    if (size > OTEL_SDK_RESOURCE_MAX_BYTES)
        return OTEL_ERR_LIMIT;
    bytes = otl_arena_alloc(&resource->arena, size + 1);
    if (bytes == NULL)
        return OTEL_ERR_MEMORY;
    otl_attributes_write(bytes, OTL_TAG_RESOURCE_ATTRIBUTE, resource->attributes, resource->count,
                         UINT32_MAX, &no_limits);
    resource->encoded = otel_strn((char *)bytes, size);
    return OTEL_OK;
}

static void destroy(struct otel_sdk_resource *resource)
{
    otl_arena_fini(&resource->arena);
    otl_mem_free(resource);
}

static struct otel_sdk_resource *allocate(size_t count)
{
    struct otel_sdk_resource *resource = otl_mem_zalloc(sizeof(*resource));

    if (resource == NULL)
        return NULL;
    if (count > OTEL_SDK_RESOURCE_MAX_ATTRIBUTES)
        count = OTEL_SDK_RESOURCE_MAX_ATTRIBUTES;
    resource->refs = 1;
    /* The source's bytes, their encoding, and the arena's own slack. */
    otl_arena_init(&resource->arena, (size_t)4 * OTEL_SDK_RESOURCE_MAX_BYTES);
    resource->attributes =
        otl_arena_alloc(&resource->arena, (count + 1) * sizeof(resource->attributes[0]));
    if (resource->attributes == NULL) {
        destroy(resource);
        return NULL;
    }
    return resource;
}

static enum otel_err finish(struct otel_sdk_resource *resource, struct otel_str schema_url,
                            enum otel_err err, struct otel_sdk_resource **ret)
{
    resource->schema_url = schema_url;
    if (err == OTEL_OK && !copy_str(&resource->arena, &resource->schema_url))
        err = OTEL_ERR_MEMORY;
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
    struct otel_sdk_resource *resource = allocate(count);

    if (resource == NULL)
        return OTEL_ERR_MEMORY;
    return finish(resource, schema_url, add_all(resource, attributes, count), ret);
}

static struct otel_str merged_url(struct otel_str old, struct otel_str updating)
{
    if (old.len == 0 || otel_str_equal(old, updating))
        return updating;
    return updating.len == 0 ? old : otel_strn(NULL, 0);
}

enum otel_err otel_sdk_resource_merge(const struct otel_sdk_resource *old,
                                      const struct otel_sdk_resource *updating,
                                      struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource =
        allocate(otel_sdk_resource_count(old) + otel_sdk_resource_count(updating));
    enum otel_err err;

    if (resource == NULL)
        return OTEL_ERR_MEMORY;
    err = add_all(resource, otel_sdk_resource_attributes(old), otel_sdk_resource_count(old));
    if (err == OTEL_OK)
        err = add_all(resource, otel_sdk_resource_attributes(updating),
                      otel_sdk_resource_count(updating));
    return finish(
        resource,
        merged_url(otel_sdk_resource_schema_url(old), otel_sdk_resource_schema_url(updating)), err,
        ret);
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
    for (size_t i = 0; i < otel_sdk_resource_count(resource); i++)
        if (otel_str_equal(resource->attributes[i].key, key)) {
            *ret_value = resource->attributes[i].value;
            return true;
        }
    return false;
}

struct otel_str otel_sdk_resource_schema_url(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->schema_url : otel_str(NULL);
}

struct otel_str otel_sdk_resource_encoded(const struct otel_sdk_resource *resource)
{
    return resource != NULL ? resource->encoded : otel_str(NULL);
}
