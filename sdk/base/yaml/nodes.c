/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into the tree and into the table of places; copies of aliases. */
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/yaml/build.h"

enum { ANCHORS_MAX = 1000 };

enum otel_err otl_yaml_count(struct otl_yaml_builder *b, struct otl_yaml_pos pos, size_t depth)
{
    if (++b->nodes > b->options->max_nodes)
        return otl_yaml_over(b, pos, "too many values, copies of aliases included",
                             b->options->max_nodes);
    if (depth > b->options->max_depth)
        return otl_yaml_over(b, pos, "nested too deeply", b->options->max_depth);
    return OTEL_OK;
}

/* A new map or list, kept by the document, its place noted. */
enum otel_err otl_yaml_new_container(struct otl_yaml_builder *b, bool map, struct otl_yaml_pos pos,
                                     json_t **ret)
{
    json_t *made = map ? json_object() : json_array();
    struct otl_yaml_place place = {
        .container = made, .index = OTL_YAML_SELF, .key_pos = pos, .value_pos = pos};

    if (made == NULL)
        return OTEL_ERR_MEMORY;
    if (json_array_append(b->doc->kept, made) != 0 || otl_yaml_note(b->doc, &place) != OTEL_OK) {
        json_decref(made);
        return OTEL_ERR_MEMORY;
    }
    *ret = made;
    return OTEL_OK;
}

/* value is consumed. */
enum otel_err otl_yaml_add_entry(struct otl_yaml_builder *b, json_t *map, const char *key,
                                 struct otl_yaml_pos key_pos, struct otl_yaml_node entry)
{
    struct otl_yaml_place place = {
        .container = map, .key = key, .key_pos = key_pos, .value_pos = entry.pos};

    if (otl_yaml_note(b->doc, &place) != OTEL_OK) {
        json_decref(entry.value);
        return OTEL_ERR_MEMORY;
    }
    return json_object_set_new_nocheck(map, key, entry.value) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

enum otel_err otl_yaml_add_item(struct otl_yaml_builder *b, json_t *list, struct otl_yaml_node item)
{
    struct otl_yaml_place place = {.container = list,
                                   .index = json_array_size(list),
                                   .key_pos = item.pos,
                                   .value_pos = item.pos};

    if (otl_yaml_note(b->doc, &place) != OTEL_OK) {
        json_decref(item.value);
        return OTEL_ERR_MEMORY;
    }
    return json_array_append_new(list, item.value) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

enum otel_err otl_yaml_copy_entries(struct otl_yaml_builder *b, const json_t *from, json_t *to,
                                    size_t depth)
{
    const char *key;
    json_t *value;
    enum otel_err err = OTEL_OK;

    json_object_foreach((json_t *)from, key, value)
    {
        struct otl_yaml_node entry = {NULL, otl_yaml_value_pos(b->doc, from, key)};
        struct otl_yaml_pos key_pos = otl_yaml_key_pos(b->doc, from, key);
        if (json_object_get(to, key) != NULL)
            continue; /* merging: what the map says itself wins */
        err = otl_yaml_copy_value(b, value, entry.pos, depth + 1, &entry.value);
        if (err == OTEL_OK)
            err = otl_yaml_add_entry(b, to, key, key_pos, entry);
        if (err != OTEL_OK)
            break;
    }
    return err;
}

static enum otel_err copy_list(struct otl_yaml_builder *b, const json_t *from, json_t *to,
                               size_t depth)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < json_array_size(from); i++) {
        struct otl_yaml_node item = {NULL, otl_yaml_item_pos(b->doc, from, i)};
        err = otl_yaml_copy_value(b, json_array_get(from, i), item.pos, depth + 1, &item.value);
        if (err == OTEL_OK)
            err = otl_yaml_add_item(b, to, item);
    }
    return err;
}

enum otel_err otl_yaml_copy_value(struct otl_yaml_builder *b, const json_t *value,
                                  struct otl_yaml_pos pos, size_t depth, json_t **ret)
{
    enum otel_err err = otl_yaml_count(b, b->copying, depth);
    json_t *made;

    if (err != OTEL_OK)
        return err;
    if (!json_is_object(value) && !json_is_array(value)) {
        *ret = json_incref((json_t *)value);
        return OTEL_OK;
    }
    err = otl_yaml_new_container(b, json_is_object(value), pos, &made);
    if (err != OTEL_OK)
        return err;
    err = json_is_object(value) ? otl_yaml_copy_entries(b, value, made, depth)
                                : copy_list(b, value, made, depth);
    if (err != OTEL_OK) {
        json_decref(made);
        return err;
    }
    *ret = made;
    return OTEL_OK;
}

/* The anchor named on the value, which has just been read, is known from here on. */
enum otel_err otl_yaml_remember(struct otl_yaml_builder *b, const char *name,
                                const struct otl_yaml_node *node)
{
    struct otl_yaml_anchor *slot;

    if (name == NULL)
        return OTEL_OK;
    if (b->anchor_count == ANCHORS_MAX)
        return otl_yaml_over(b, node->pos, "too many anchors", ANCHORS_MAX);
    if (b->anchor_count == b->anchor_cap) {
        size_t cap = b->anchor_cap ? b->anchor_cap * 2 : 8;
        slot = otl_mem_realloc(b->anchors, cap * sizeof(*slot));
        if (slot == NULL)
            return OTEL_ERR_MEMORY;
        b->anchors = slot;
        b->anchor_cap = cap;
    }
    slot = &b->anchors[b->anchor_count];
    slot->name = otl_mem_strdup(name);
    if (slot->name == NULL)
        return OTEL_ERR_MEMORY;
    slot->value = json_incref(node->value);
    b->anchor_count++;
    return OTEL_OK;
}
