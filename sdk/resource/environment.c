/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/environment.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/arena.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"
#include "sdk/resource/blend.h"
#include "sdk/resource/pairs.h"

enum { TEXT_MAX = 64 * 1024, ATTRIBUTES_MAX = 1024, ARENA_MAX = 1 << 20 };

struct list {
    struct otel_attribute *items; /* ATTRIBUTES_MAX + 1 */
    size_t count;
};

const char *otl_uuid(char *out)
{
    uint64_t words[2] = {otl_random_os_seed(), otl_random_os_seed()};
    uint8_t bytes[16];
    char hex[33];

    memcpy(bytes, words, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* the RFC's variant */
    otl_hex(bytes, sizeof(bytes), hex);
    snprintf(out, OTL_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    return out;
}

/* All or nothing: one pair that cannot be decoded discards the variable. */
static enum otel_err read_attributes(const char *text, struct otl_arena *arena, struct list *list)
{
    enum otel_err err = OTEL_OK;
    struct otl_pairs pairs;
    struct otl_buf decoded;
    struct otl_view key, value;

    if (strlen(text) > TEXT_MAX)
        return OTEL_ERR_LIMIT;
    otl_buf_init(&decoded, TEXT_MAX);
    otl_pairs_init(&pairs, text, &decoded);
    while (err == OTEL_OK && otl_pairs_next(&pairs, &err, &key, &value)) {
        char *key_copy, *value_copy;
        if (err != OTEL_OK)
            break;
        if (list->count == ATTRIBUTES_MAX) {
            err = OTEL_ERR_LIMIT;
            break;
        }
        if (!otl_utf8_valid(key.data, key.len) || !otl_utf8_valid(value.data, value.len)) {
            err = OTEL_ERR_SYNTAX;
            break;
        }
        key_copy = otl_arena_strndup(arena, key.data, key.len);
        value_copy = otl_arena_strndup(arena, value.data, value.len);
        if (key_copy == NULL || value_copy == NULL) {
            err = OTEL_ERR_MEMORY;
            break;
        }
        list->items[list->count].key = otel_strn(key_copy, key.len);
        list->items[list->count++].value = otel_value_strn(value_copy, value.len);
    }
    otl_buf_fini(&decoded);
    if (err != OTEL_OK)
        list->count = 0;
    return err;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum otel_err merge_into(struct otel_sdk_resource **resource,
                                const struct otel_sdk_resource *updating)
{
    struct otel_sdk_resource *merged = NULL;
    enum otel_err err = otel_sdk_resource_merge(*resource, updating, &merged);

    if (err != OTEL_OK)
        return err;
    otel_sdk_resource_unref(*resource);
    *resource = merged;
    return OTEL_OK;
}

static enum otel_err add_list(struct otel_sdk_resource **resource, const struct list *list)
{
    struct otel_sdk_resource *more = NULL;
    enum otel_err err = otel_sdk_resource_new(list->items, list->count, otel_str(NULL), &more);

    if (err == OTEL_OK)
        err = merge_into(resource, more);
    otel_sdk_resource_unref(more);
    return err;
}

/* Attributes and, behind them, service name. */
static enum otel_err collect(const struct otl_resource_environment *environment,
                             struct otl_arena *arena, bool *ret_discarded, struct list *list)
{
    enum otel_err err = OTEL_OK;

    *ret_discarded = false;
    list->items = otl_arena_alloc(arena, (ATTRIBUTES_MAX + 1) * sizeof(list->items[0]));
    if (list->items == NULL)
        return OTEL_ERR_MEMORY;
    if (is_set(environment->attributes))
        err = read_attributes(environment->attributes, arena, list);
    if (err == OTEL_ERR_MEMORY)
        return err;
    *ret_discarded = err != OTEL_OK;
    if (is_set(environment->service_name))
        list->items[list->count++] = otel_attr_str("service.name", environment->service_name);
    return OTEL_OK;
}

static enum otel_err add_instance_id(struct otel_sdk_resource **resource, const char *given)
{
    char uuid[OTL_UUID_SIZE];
    struct otel_attribute id =
        otel_attr_str("service.instance.id", is_set(given) ? given : otl_uuid(uuid));
    struct list list = {&id, 1};

    return add_list(resource, &list);
}

static enum otel_err add_entities(struct otel_sdk_resource **resource,
                                  const struct otel_sdk_entity *entities, size_t count)
{
    struct otel_sdk_resource *more = NULL;
    enum otel_err err = count != 0 ? otel_sdk_resource_of_entities(entities, count, &more)
                                   : OTEL_OK;

    if (more != NULL)
        err = merge_into(resource, more);
    otel_sdk_resource_unref(more);
    return err;
}

static bool has_entity(const struct otel_sdk_resource *resource,
                       const struct otel_sdk_entity *entity)
{
    for (size_t i = 0; i < otel_sdk_resource_entity_count(resource); i++)
        if (otl_entity_same(&otel_sdk_resource_entities(resource)[i], entity))
            return true;
    return false;
}

/* An entity that was well-formed and is not there in the end. */
static void tell_lost(const struct otl_resource_environment *environment,
                      const struct otl_entity_list *entities,
                      const struct otel_sdk_resource *resource)
{
    for (size_t i = entities->count; i-- > 0;) {
        const struct otel_sdk_entity *entity = &entities->items[i];
        if (has_entity(resource, entity))
            continue;
        otl_tell(&environment->teller, OTEL_OK,
                 "%.*s: another entity, or an attribute of the resource, says otherwise; the "
                 "entity is left out",
                 entity->type.len < 80 ? (int)entity->type.len : 80, entity->type.data);
    }
}

/* All that stands below the program's own resource, code. */
static enum otel_err add_environment(const struct otl_resource_environment *environment,
                                     const struct otel_sdk_resource *code,
                                     const struct otl_entity_list *entities, bool *ret_discarded,
                                     struct otel_sdk_resource **resource)
{
    struct list list = {NULL, 0};
    struct otl_arena arena;
    enum otel_err err = add_instance_id(resource, environment->instance_id);

    otl_arena_init(&arena, ARENA_MAX);
    if (err == OTEL_OK) /* of a type the first that comes stays */
        err = add_entities(resource, otel_sdk_resource_entities(code),
                           otel_sdk_resource_entity_count(code));
    if (err == OTEL_OK)
        err = add_entities(resource, entities->items, entities->count);
    if (err == OTEL_OK)
        err = collect(environment, &arena, ret_discarded, &list);
    if (err == OTEL_OK)
        err = add_list(resource, &list);
    otl_arena_fini(&arena);
    return err;
}

enum otel_err otl_resource_from_environment(const struct otl_resource_environment *environment,
                                            const struct otel_sdk_resource *code,
                                            bool *ret_discarded, struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource = NULL;
    struct otl_entity_list entities;
    bool discarded = false;
    enum otel_err err =
        otl_entity_list_read(environment->entities != NULL ? environment->entities : "",
                             &environment->teller, &entities);

    if (err == OTEL_OK)
        err = otel_sdk_resource_default(&resource);
    if (err == OTEL_OK && environment->detected != NULL)
        err = merge_into(&resource, environment->detected);
    if (err == OTEL_OK)
        err = add_environment(environment, code, &entities, &discarded, &resource);
    if (err == OTEL_OK && code != NULL)
        err = merge_into(&resource, code);
    if (err == OTEL_OK)
        tell_lost(environment, &entities, resource);
    otl_entity_list_fini(&entities);
    if (err != OTEL_OK) {
        otel_sdk_resource_unref(resource);
        return err;
    }
    *ret_discarded = discarded;
    *ret = resource;
    return OTEL_OK;
}
