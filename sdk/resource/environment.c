/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/environment.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/arena.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"
#include "sdk/resource/pairs.h"

enum { TEXT_MAX = 64 * 1024, ATTRIBUTES_MAX = 1024, ARENA_MAX = 1 << 20 };

struct list {
    struct otel_attribute *items; /* ATTRIBUTES_MAX + 2 */
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

/* The instance id goes first in the list, so that attributes overrule it. */
static enum otel_err collect(const struct otl_resource_environment *environment,
                             struct otl_arena *arena, bool *ret_discarded, struct list *list)
{
    struct list read = {NULL, 0};
    enum otel_err err = OTEL_OK;
    char uuid[OTL_UUID_SIZE];
    const char *id;

    *ret_discarded = false;
    list->items = otl_arena_alloc(arena, (ATTRIBUTES_MAX + 2) * sizeof(list->items[0]));
    id = otl_arena_strdup(arena, is_set(environment->instance_id) ? environment->instance_id
                                                                  : otl_uuid(uuid));
    if (list->items == NULL || id == NULL)
        return OTEL_ERR_MEMORY;
    list->items[0] = otel_attr_str("service.instance.id", id);
    read.items = list->items + 1;
    if (is_set(environment->attributes))
        err = read_attributes(environment->attributes, arena, &read);
    if (err == OTEL_ERR_MEMORY)
        return err;
    *ret_discarded = err != OTEL_OK;
    list->count = 1 + read.count;
    if (is_set(environment->service_name))
        list->items[list->count++] = otel_attr_str("service.name", environment->service_name);
    return OTEL_OK;
}

enum otel_err otl_resource_from_environment(const struct otl_resource_environment *environment,
                                            const struct otel_sdk_resource *code,
                                            bool *ret_discarded, struct otel_sdk_resource **ret)
{
    struct otel_sdk_resource *resource = NULL;
    struct list list = {NULL, 0};
    struct otl_arena arena;
    bool discarded = false;
    enum otel_err err;

    otl_arena_init(&arena, ARENA_MAX);
    err = otel_sdk_resource_default(&resource);
    if (err == OTEL_OK && environment->detected != NULL)
        err = merge_into(&resource, environment->detected);
    if (err == OTEL_OK)
        err = collect(environment, &arena, &discarded, &list);
    if (err == OTEL_OK)
        err = add_list(&resource, &list);
    if (err == OTEL_OK && code != NULL)
        err = merge_into(&resource, code);
    otl_arena_fini(&arena);
    if (err != OTEL_OK) {
        otel_sdk_resource_unref(resource);
        return err;
    }
    *ret_discarded = discarded;
    *ret = resource;
    return OTEL_OK;
}
