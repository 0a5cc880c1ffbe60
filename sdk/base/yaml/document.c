/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/yaml/document.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { FIRST_SLOTS = 64, ARENA_MAX = 64 * 1024 * 1024 };

void otl_yaml_options_init(struct otl_yaml_options *options)
{
    memset(options, 0, sizeof(*options));
    options->source = "<text>";
    options->max_bytes = (size_t)4 * 1024 * 1024;
    options->max_nodes = 200 * 1000;
    options->max_depth = 64;
}

static uint64_t hash_place(const json_t *container, const char *key, size_t index)
{
    uint64_t hash = (uint64_t)(uintptr_t)container * 0x9e3779b97f4a7c15ULL;

    if (key == NULL)
        return (hash ^ index) * 0xff51afd7ed558ccdULL;
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3ULL;
    return hash * 0xff51afd7ed558ccdULL;
}

static struct otl_yaml_place *slot_of(struct otl_yaml_place *places, size_t slots,
                                      const json_t *container, const char *key, size_t index)
{
    size_t at = (size_t)(hash_place(container, key, index) >> 20) & (slots - 1);

    for (;; at = (at + 1) & (slots - 1)) {
        struct otl_yaml_place *place = &places[at];
        if (place->container == NULL)
            return place;
        if (place->container != container || (place->key == NULL) != (key == NULL))
            continue;
        if (key != NULL ? strcmp(place->key, key) == 0 : place->index == index)
            return place;
    }
}

static enum otel_err grow(struct otl_yaml *doc)
{
    size_t slots = doc->place_slots ? doc->place_slots * 2 : FIRST_SLOTS;
    struct otl_yaml_place *places = otl_mem_zalloc(slots * sizeof(*places));

    if (places == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < doc->place_slots; i++) {
        const struct otl_yaml_place *old = &doc->places[i];
        if (old->container != NULL)
            *slot_of(places, slots, old->container, old->key, old->index) = *old;
    }
    otl_mem_free(doc->places);
    doc->places = places;
    doc->place_slots = slots;
    return OTEL_OK;
}

enum otel_err otl_yaml_note(struct otl_yaml *doc, const struct otl_yaml_place *place)
{
    struct otl_yaml_place *slot;
    const char *key = NULL;

    if ((doc->place_count + 1) * 4 > doc->place_slots * 3 && grow(doc) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    slot = slot_of(doc->places, doc->place_slots, place->container, place->key, place->index);
    if (slot->container != NULL) {
        slot->key_pos = place->key_pos;
        slot->value_pos = place->value_pos;
        return OTEL_OK;
    }
    if (place->key != NULL) {
        key = otl_arena_strdup(&doc->arena, place->key);
        if (key == NULL)
            return OTEL_ERR_MEMORY;
    }
    *slot = *place;
    slot->key = key;
    doc->place_count++;
    return OTEL_OK;
}

const struct otl_yaml_place *otl_yaml_find(const struct otl_yaml *doc, const json_t *container,
                                           const char *key, size_t index)
{
    const struct otl_yaml_place *slot;

    if (doc->place_slots == 0 || container == NULL)
        return NULL;
    slot = slot_of(doc->places, doc->place_slots, container, key, index);
    return slot->container != NULL ? slot : NULL;
}

static struct otl_yaml_pos unknown(const struct otl_yaml *doc)
{
    struct otl_yaml_pos pos = {doc->source, 0, 0};
    return pos;
}

struct otl_yaml_pos otl_yaml_key_pos(const struct otl_yaml *doc, const json_t *map,
                                     const char *key)
{
    const struct otl_yaml_place *place = otl_yaml_find(doc, map, key, 0);
    return place ? place->key_pos : unknown(doc);
}

struct otl_yaml_pos otl_yaml_value_pos(const struct otl_yaml *doc, const json_t *map,
                                       const char *key)
{
    const struct otl_yaml_place *place = otl_yaml_find(doc, map, key, 0);
    return place ? place->value_pos : unknown(doc);
}

struct otl_yaml_pos otl_yaml_item_pos(const struct otl_yaml *doc, const json_t *list,
                                      size_t index)
{
    const struct otl_yaml_place *place = otl_yaml_find(doc, list, NULL, index);
    return place ? place->value_pos : unknown(doc);
}

struct otl_yaml_pos otl_yaml_container_pos(const struct otl_yaml *doc, const json_t *container)
{
    return otl_yaml_item_pos(doc, container, OTL_YAML_SELF);
}

json_t *otl_yaml_root(const struct otl_yaml *doc)
{
    return doc->root;
}

void otl_yaml_free(struct otl_yaml *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    json_decref(doc->kept);
    otl_mem_free(doc->places);
    otl_arena_fini(&doc->arena);
    otl_mem_free(doc);
}

static enum otel_err new_document(const char *source, struct otl_yaml **ret)
{
    struct otl_yaml *doc = otl_mem_zalloc(sizeof(*doc));

    if (doc == NULL)
        return OTEL_ERR_MEMORY;
    otl_arena_init(&doc->arena, ARENA_MAX);
    doc->source = otl_arena_strdup(&doc->arena, source);
    doc->kept = json_array();
    if (doc->source == NULL || doc->kept == NULL) {
        otl_yaml_free(doc);
        return OTEL_ERR_MEMORY;
    }
    *ret = doc;
    return OTEL_OK;
}

static enum otel_err fill_in(enum otel_err err, const char *source, struct otl_detail *reterr)
{
    if (err != OTEL_OK) /* the first error wins: this one speaks when nobody did */
        otl_detail_set(reterr, err, source, 0, 0, "%s", otel_err_text(err));
    return err;
}

enum otel_err otl_yaml_load_text(const char *text, size_t len,
                                 const struct otl_yaml_options *options, struct otl_yaml **ret,
                                 struct otl_detail *reterr)
{
    struct otl_yaml_options defaults;
    struct otl_yaml_pos pos;
    struct otl_yaml *doc;
    enum otel_err err;

    otl_yaml_options_init(&defaults);
    options = options ? options : &defaults;
    err = new_document(options->source, &doc);
    if (err != OTEL_OK)
        return fill_in(err, options->source, reterr);
    doc->integer_durations = options->integer_durations;
    err = otl_yaml_build(doc, text, len, options, &doc->root, &pos, reterr);
    if (err != OTEL_OK) {
        otl_yaml_free(doc);
        return fill_in(err, options->source, reterr);
    }
    *ret = doc;
    return OTEL_OK;
}

enum otel_err otl_yaml_from_tree(const json_t *tree, const char *source, struct otl_yaml **ret,
                                 struct otl_detail *reterr)
{
    struct otl_yaml *doc;
    enum otel_err err = new_document(source, &doc);

    if (err != OTEL_OK)
        return fill_in(err, source, reterr);
    doc->root = json_deep_copy(tree);
    if (doc->root == NULL) {
        otl_yaml_free(doc);
        return fill_in(OTEL_ERR_MEMORY, source, reterr);
    }
    *ret = doc;
    return OTEL_OK;
}

enum otel_err otl_yaml_load_file(const char *path, const struct otl_yaml_options *options,
                                 struct otl_yaml **ret, struct otl_detail *reterr)
{
    struct otl_yaml_options with_path;
    struct otl_buf buf;
    enum otel_err err;

    otl_yaml_options_init(&with_path);
    if (options != NULL)
        with_path = *options;
    with_path.source = path;
    otl_buf_init(&buf, with_path.max_bytes);
    err = otl_file_read(path, &buf, reterr);
    if (err == OTEL_OK)
        err = otl_yaml_load_text(buf.data ? buf.data : "", buf.len, &with_path, ret, reterr);
    otl_buf_fini(&buf);
    return err;
}

/* Build text for a place of the tree that is there already. */
static enum otel_err build_part(struct otl_yaml *doc, const char *text,
                                const struct otl_yaml_options *options, json_t **ret,
                                struct otl_yaml_pos *ret_pos, struct otl_detail *reterr)
{
    struct otl_yaml_options defaults;

    otl_yaml_options_init(&defaults);
    options = options ? options : &defaults;
    return fill_in(otl_yaml_build(doc, text, strlen(text), options, ret, ret_pos, reterr),
                   options->source, reterr);
}

enum otel_err otl_yaml_put(struct otl_yaml *doc, json_t *map, const char *key, const char *text,
                           const struct otl_yaml_options *options, struct otl_detail *reterr)
{
    const struct otl_yaml_place *known = otl_yaml_find(doc, map, key, 0);
    bool was_there = known != NULL;
    /* a copy: the table may move while the value is built */
    struct otl_yaml_place place = was_there ? *known : (struct otl_yaml_place){.container = map};
    json_t *value;
    enum otel_err err = build_part(doc, text, options, &value, &place.value_pos, reterr);

    if (err != OTEL_OK)
        return err;
    place.key = key;
    if (!was_there)
        place.key_pos = place.value_pos;
    err = otl_yaml_note(doc, &place);
    if (err != OTEL_OK) {
        json_decref(value);
        return fill_in(err, doc->source, reterr);
    }
    if (json_object_set_new_nocheck(map, key, value) != 0)
        return fill_in(OTEL_ERR_MEMORY, doc->source, reterr);
    return OTEL_OK;
}

enum otel_err otl_yaml_put_item(struct otl_yaml *doc, json_t *list, size_t index,
                                const char *text, const struct otl_yaml_options *options,
                                struct otl_detail *reterr)
{
    struct otl_yaml_place place = {.container = list, .index = index};
    json_t *value;
    enum otel_err err;

    if (index >= json_array_size(list))
        return fill_in(OTEL_ERR_NOT_FOUND, doc->source, reterr);
    err = build_part(doc, text, options, &value, &place.value_pos, reterr);
    if (err != OTEL_OK)
        return err;
    place.key_pos = place.value_pos;
    err = otl_yaml_note(doc, &place);
    if (err != OTEL_OK) {
        json_decref(value);
        return fill_in(err, doc->source, reterr);
    }
    if (json_array_set_new(list, index, value) != 0)
        return fill_in(OTEL_ERR_MEMORY, doc->source, reterr);
    return OTEL_OK;
}

enum otel_err otl_yaml_copy(struct otl_yaml *doc, const json_t *from, const char *key, json_t *to,
                            struct otl_detail *reterr)
{
    struct otl_yaml_place place = {.container = to,
                                   .key = key,
                                   .key_pos = otl_yaml_key_pos(doc, from, key),
                                   .value_pos = otl_yaml_value_pos(doc, from, key)};
    json_t *value = json_deep_copy(json_object_get(from, key));

    if (value == NULL || otl_yaml_note(doc, &place) != OTEL_OK) {
        json_decref(value);
        return fill_in(OTEL_ERR_MEMORY, doc->source, reterr);
    }
    if (json_object_set_new_nocheck(to, key, value) != 0)
        return fill_in(OTEL_ERR_MEMORY, doc->source, reterr);
    return OTEL_OK;
}

enum otel_err otl_yaml_error(struct otl_detail *reterr, struct otl_yaml_pos pos,
                             const char *format, ...)
{
    char text[sizeof(reterr->text)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, pos.source, pos.line, pos.column, "%s", text);
}
