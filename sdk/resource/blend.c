/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/blend.h"

#include "sdk/otlp/copy.h"
#include "sdk/otlp/value.h"

static enum otel_err no_room(const struct otl_blend *blend)
{
    return blend->arena->total >= OTEL_SDK_RESOURCE_MAX_BYTES ? OTEL_ERR_LIMIT : OTEL_ERR_MEMORY;
}

static struct otel_attribute *room_for(struct otl_blend *blend, size_t count)
{
    if (count > OTEL_SDK_RESOURCE_MAX_ATTRIBUTES)
        count = OTEL_SDK_RESOURCE_MAX_ATTRIBUTES;
    return otl_arena_alloc(blend->arena, (count + 1) * sizeof(struct otel_attribute));
}

static bool copy_text(struct otl_blend *blend, struct otel_str *text)
{
    size_t len = otl_text_size(*text, UINT32_MAX);
    char *copy = otl_arena_alloc(blend->arena, len + 1);

    if (copy == NULL)
        return false;
    otl_text_write((uint8_t *)copy, *text, UINT32_MAX);
    *text = otel_strn(copy, len);
    return true;
}

static bool copy_attribute(struct otl_blend *blend, struct otel_attribute *attribute)
{
    return copy_text(blend, &attribute->key) && otl_copy_value(blend->arena, &attribute->value);
}

const struct otel_attribute *otl_attribute_find(const struct otel_attribute *attributes,
                                                size_t count, struct otel_str key)
{
    for (size_t i = 0; i < count; i++)
        if (otel_str_equal(attributes[i].key, key))
            return &attributes[i];
    return NULL;
}

/* Of equal keys the last value counts. False: it would be one too many. */
static bool place(struct otel_attribute *items, size_t *count,
                  const struct otel_attribute *attribute)
{
    const struct otel_attribute *there = otl_attribute_find(items, *count, attribute->key);

    if (there == NULL && *count == OTEL_SDK_RESOURCE_MAX_ATTRIBUTES)
        return false;
    items[there != NULL ? (size_t)(there - items) : (*count)++] = *attribute;
    return true;
}

enum otel_err otl_blend_init(struct otl_blend *blend, struct otl_arena *arena, size_t attributes,
                             size_t entities)
{
    *blend = (struct otl_blend){.arena = arena};
    if (entities > OTEL_SDK_RESOURCE_MAX_ENTITIES)
        entities = OTEL_SDK_RESOURCE_MAX_ENTITIES;
    blend->loose = room_for(blend, attributes);
    if (entities != 0)
        blend->entities = otl_arena_alloc(arena, entities * sizeof(blend->entities[0]));
    return blend->loose != NULL && (entities == 0 || blend->entities != NULL) ? OTEL_OK
                                                                              : OTEL_ERR_MEMORY;
}

/* ---- entities ---- */

static const struct otel_attribute *find_in(const struct otel_sdk_entity *entity,
                                            struct otel_str key)
{
    const struct otel_attribute *found = otl_attribute_find(entity->id, entity->id_count, key);

    return found != NULL ? found
                         : otl_attribute_find(entity->description, entity->description_count, key);
}

bool otl_entity_same(const struct otel_sdk_entity *a, const struct otel_sdk_entity *b)
{
    if (!otel_str_equal(a->type, b->type) || a->id_count != b->id_count)
        return false;
    for (size_t i = 0; i < a->id_count; i++) {
        const struct otel_attribute *found =
            otl_attribute_find(b->id, b->id_count, a->id[i].key);
        if (found == NULL || !otl_value_same(&a->id[i].value, &found->value))
            return false;
    }
    return true;
}

static void remove_entity(struct otl_blend *blend, size_t at)
{
    blend->entity_count--;
    for (; at < blend->entity_count; at++)
        blend->entities[at] = blend->entities[at + 1];
}

/* A list of its own, without the keys of but. */
static enum otel_err copy_list(struct otl_blend *blend, const struct otel_sdk_entity *but,
                               const struct otel_attribute **items, size_t *count)
{
    struct otel_attribute *list = room_for(blend, *count);
    size_t used = 0;

    if (list == NULL)
        return no_room(blend);
    for (size_t i = 0; i < *count; i++) {
        struct otel_attribute copy = (*items)[i];
        if (copy.key.len == 0)
            continue;
        if (!copy_attribute(blend, &copy))
            return no_room(blend);
        if (otl_attribute_find(but->id, but->id_count, copy.key) == NULL &&
            !place(list, &used, &copy))
            return OTEL_ERR_LIMIT;
    }
    *items = list;
    *count = used;
    return OTEL_OK;
}

static enum otel_err copy_entity(struct otl_blend *blend, struct otel_sdk_entity *entity)
{
    const struct otel_sdk_entity none = {.id_count = 0};
    enum otel_err err;

    if (!copy_text(blend, &entity->type) || !copy_text(blend, &entity->schema_url))
        return no_room(blend);
    err = copy_list(blend, &none, &entity->id, &entity->id_count);
    if (err == OTEL_OK)
        err = copy_list(blend, entity, &entity->description, &entity->description_count);
    if (err == OTEL_OK && (entity->type.len == 0 || entity->id_count == 0))
        err = OTEL_ERR_ARGUMENT;
    return err;
}

/* What more says of the same entity wins. */
static enum otel_err add_description(struct otl_blend *blend, struct otel_sdk_entity *entity,
                                     const struct otel_sdk_entity *more)
{
    struct otel_attribute *list =
        room_for(blend, entity->description_count + more->description_count);
    size_t count = entity->description_count;

    if (list == NULL)
        return no_room(blend);
    for (size_t i = 0; i < count; i++)
        list[i] = entity->description[i];
    for (size_t i = 0; i < more->description_count; i++)
        if (!place(list, &count, &more->description[i]))
            return OTEL_ERR_LIMIT;
    entity->description = list;
    entity->description_count = count;
    return OTEL_OK;
}

static enum otel_err add_entity(struct otl_blend *blend, const struct otel_sdk_entity *entity)
{
    struct otel_sdk_entity copy = *entity;
    enum otel_err err = copy_entity(blend, &copy);

    if (err != OTEL_OK)
        return err;
    for (size_t i = 0; i < blend->entity_count; i++) {
        struct otel_sdk_entity *there = &blend->entities[i];
        if (!otel_str_equal(there->type, copy.type))
            continue;
        if (!otl_entity_same(there, &copy) || !otel_str_equal(there->schema_url, copy.schema_url))
            return OTEL_OK; /* another of that type: no change */
        return add_description(blend, there, &copy);
    }
    if (blend->entity_count == OTEL_SDK_RESOURCE_MAX_ENTITIES)
        return OTEL_ERR_LIMIT;
    blend->entities[blend->entity_count++] = copy;
    return OTEL_OK;
}

static bool is_in_entity(const struct otl_blend *blend, struct otel_str key)
{
    for (size_t i = 0; i < blend->entity_count; i++)
        if (find_in(&blend->entities[i], key) != NULL)
            return true;
    return false;
}

static bool have_common_key(const struct otel_sdk_entity *a, const struct otel_sdk_entity *b)
{
    for (size_t i = 0; i < a->id_count; i++)
        if (find_in(b, a->id[i].key) != NULL)
            return true;
    for (size_t i = 0; i < a->description_count; i++)
        if (find_in(b, a->description[i].key) != NULL)
            return true;
    return false;
}

/* In the order of the specification: loose attributes yield to all entities, also to those that
 * then yield to others. */
static void settle(struct otl_blend *blend)
{
    size_t kept = 0;

    for (size_t i = 0; i < blend->loose_count; i++)
        if (!is_in_entity(blend, blend->loose[i].key))
            blend->loose[kept++] = blend->loose[i];
    blend->loose_count = kept;
    for (size_t i = 1; i < blend->entity_count;) {
        size_t earlier = 0;
        while (earlier < i && !have_common_key(&blend->entities[earlier], &blend->entities[i]))
            earlier++;
        if (earlier < i)
            remove_entity(blend, i);
        else
            i++;
    }
}

enum otel_err otl_blend_add_entities(struct otl_blend *blend,
                                     const struct otel_sdk_entity *entities, size_t count)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < count; i++)
        err = add_entity(blend, &entities[i]);
    if (err == OTEL_OK)
        settle(blend);
    return err;
}

/* ---- loose attributes ---- */

/* True: an entity says the same. One that says otherwise goes. */
static bool is_said(struct otl_blend *blend, const struct otel_attribute *attribute)
{
    for (size_t i = 0; i < blend->entity_count; i++) {
        const struct otel_attribute *found = find_in(&blend->entities[i], attribute->key);
        if (found == NULL)
            continue;
        if (otl_value_same(&found->value, &attribute->value))
            return true;
        remove_entity(blend, i);
        break; /* no other has the key */
    }
    return false;
}

enum otel_err otl_blend_add(struct otl_blend *blend, const struct otel_attribute *attributes,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct otel_attribute copy = attributes[i];
        if (copy.key.len == 0)
            continue;
        if (!copy_attribute(blend, &copy))
            return no_room(blend);
        if (!is_said(blend, &copy) && !place(blend->loose, &blend->loose_count, &copy))
            return OTEL_ERR_LIMIT;
    }
    return OTEL_OK;
}

static const struct otel_attribute *append(struct otel_attribute *all, size_t *used,
                                           const struct otel_attribute *items, size_t count)
{
    struct otel_attribute *start = all + *used;

    for (size_t i = 0; i < count; i++)
        start[i] = items[i];
    *used += count;
    return start;
}

enum otel_err otl_blend_finish(struct otl_blend *blend, const struct otel_attribute **ret,
                               size_t *ret_count)
{
    size_t total = blend->loose_count, used = 0;
    struct otel_attribute *all;

    if (blend->entity_count == 0) {
        *ret = blend->loose;
        *ret_count = blend->loose_count;
        return OTEL_OK;
    }
    for (size_t i = 0; i < blend->entity_count; i++)
        total += blend->entities[i].id_count + blend->entities[i].description_count;
    if (total > OTEL_SDK_RESOURCE_MAX_ATTRIBUTES)
        return OTEL_ERR_LIMIT;
    all = room_for(blend, total);
    if (all == NULL)
        return no_room(blend);
    append(all, &used, blend->loose, blend->loose_count);
    for (size_t i = 0; i < blend->entity_count; i++) {
        struct otel_sdk_entity *entity = &blend->entities[i];
        entity->id = append(all, &used, entity->id, entity->id_count);
        entity->description = append(all, &used, entity->description, entity->description_count);
    }
    *ret = all;
    *ret_count = used;
    return OTEL_OK;
}
