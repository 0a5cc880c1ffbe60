/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <otel/sdk/detectors.h>
#include <otel/sdk/entity.h>

#include "sdk/base/mem.h"
#include "sdk/config/file/plugin.h"
#include "sdk/resource/pairs.h"

enum { TEXT_MAX = 64 * 1024, ARENA_MAX = 4 << 20 };

/* Attributes under way, with what they point at. */
struct pile {
    struct otl_arena arena;
    struct otel_attribute *items;
    size_t count;
};

static enum otel_err pile_init(struct pile *pile, size_t most)
{
    otl_arena_init(&pile->arena, ARENA_MAX);
    pile->count = 0;
    pile->items = otl_mem_alloc((most + 1) * sizeof(*pile->items));
    return pile->items != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

static void pile_fini(struct pile *pile)
{
    otl_mem_free(pile->items);
    otl_arena_fini(&pile->arena);
}

/* *base becomes itself overridden by update, which is consumed. */
static enum otel_err merge(struct otel_sdk_resource **base, struct otel_sdk_resource *update)
{
    struct otel_sdk_resource *merged = NULL;
    enum otel_err err = otel_sdk_resource_merge(*base, update, &merged);

    otel_sdk_resource_unref(update);
    if (err != OTEL_OK)
        return err;
    otel_sdk_resource_unref(*base);
    *base = merged;
    return OTEL_OK;
}

static enum otel_err merge_pile(struct otel_sdk_resource **base, const struct pile *pile,
                                const char *schema_url)
{
    struct otel_sdk_resource *update = NULL;
    enum otel_err err =
        otel_sdk_resource_new(pile->items, pile->count, otel_str(schema_url), &update);

    return err == OTEL_OK ? merge(base, update) : err;
}

/* ---- attributes ---- */

static bool is_kind(const json_t *value, char kind)
{
    switch (kind) {
    case 's':
        return json_is_string(value);
    case 'b':
        return json_is_boolean(value);
    case 'i':
        return json_is_integer(value);
    default:
        return json_is_number(value);
    }
}

static bool copy_array(struct otl_arena *arena, const json_t *list, char kind,
                       struct otel_value *ret)
{
    static const size_t sizes[] = {['s'] = sizeof(struct otel_str), ['b'] = sizeof(bool),
                                   ['i'] = sizeof(int64_t), ['d'] = sizeof(double)};
    static const enum otel_value_type types[] = {['s'] = OTEL_VALUE_STRING_ARRAY,
                                                 ['b'] = OTEL_VALUE_BOOL_ARRAY,
                                                 ['i'] = OTEL_VALUE_INT_ARRAY,
                                                 ['d'] = OTEL_VALUE_DOUBLE_ARRAY};
    size_t count = json_array_size(list);
    void *items = otl_arena_alloc(arena, count * sizes[(unsigned char)kind]);

    if (items == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (kind == 's')
            ((struct otel_str *)items)[i] = otel_str(json_string_value(value));
        else if (kind == 'b')
            ((bool *)items)[i] = json_is_true(value);
        else if (kind == 'i')
            ((int64_t *)items)[i] = json_integer_value(value);
        else
            ((double *)items)[i] = json_number_value(value);
    }
    *ret = otel_value_many(types[(unsigned char)kind], items, count);
    return true;
}

static struct otel_value scalar(const json_t *value, char kind)
{
    switch (kind) {
    case 's':
        return otel_value_str(json_string_value(value));
    case 'b':
        return otel_value_bool(json_is_true(value));
    case 'i':
        return otel_value_int(json_integer_value(value));
    default:
        return otel_value_double(json_number_value(value));
    }
}

static enum otel_err one_attribute(struct otl_config_work *work, const json_t *entry,
                                   struct pile *pile)
{
    struct otel_attribute *to = &pile->items[pile->count];
    const json_t *value = json_object_get(entry, "value");
    const char *type = otl_tree_text(entry, "type", "string");
    const char *name = otl_tree_text(entry, "name", "");
    bool is_array = strstr(type, "_array") != NULL;
    char found[64];

    if (json_is_null(value))
        return OTEL_OK;
    if (!is_array && !is_kind(value, type[0]))
        return otl_config_bad(work, OTEL_ERR_SYNTAX, entry, "value",
                              "attribute %s is of type %s, found %s%s", name, type,
                              otl_tree_describe(value, found, sizeof(found)),
                              type[0] == 's' ? " (write it in quotes, or say its type)" : "");
    if (is_array && (!json_is_array(value) || json_array_size(value) == 0))
        return otl_config_bad(work, OTEL_ERR_SYNTAX, entry, "value",
                              "attribute %s is of type %s, found %s", name, type,
                              otl_tree_describe(value, found, sizeof(found)));
    for (size_t i = 0; is_array && i < json_array_size(value); i++)
        if (!is_kind(json_array_get(value, i), type[0]))
            return otl_config_bad(work, OTEL_ERR_SYNTAX, entry, "value",
                                  "attribute %s is of type %s, item %zu is %s", name, type, i + 1,
                                  otl_tree_describe(json_array_get(value, i), found,
                                                    sizeof(found)));
    to->key = otel_str(name);
    if (!is_array)
        to->value = scalar(value, type[0]);
    else if (!copy_array(&pile->arena, value, type[0], &to->value))
        return OTEL_ERR_MEMORY;
    pile->count++;
    return OTEL_OK;
}

static enum otel_err add_attributes(struct otl_config_work *work, const json_t *node,
                                    struct otel_sdk_resource **base)
{
    const json_t *list = json_object_get(node, "attributes");
    struct pile pile;
    enum otel_err err = pile_init(&pile, json_array_size(list));

    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++)
        err = one_attribute(work, json_array_get(list, i), &pile);
    if (err == OTEL_OK)
        err = merge_pile(base, &pile, otl_tree_text(node, "schema_url", ""));
    pile_fini(&pile);
    return err;
}

/* ---- attributes_list ---- */

static bool copy_view(struct otl_arena *arena, struct otl_view view, struct otel_str *ret)
{
    *ret = otel_strn(otl_arena_strndup(arena, view.data, view.len), view.len);
    return ret->data != NULL;
}

static enum otel_err read_pairs(const char *text, struct otl_buf *decoded, struct pile *pile)
{
    struct otl_view key, value;
    struct otl_pairs pairs;
    enum otel_err err = OTEL_OK;
    struct otel_str copy;

    otl_pairs_init(&pairs, text, decoded);
    while (err == OTEL_OK && otl_pairs_next(&pairs, &err, &key, &value)) {
        struct otel_attribute *to = &pile->items[pile->count++];
        if (err != OTEL_OK)
            break;
        if (!copy_view(&pile->arena, key, &to->key) || !copy_view(&pile->arena, value, &copy))
            return OTEL_ERR_MEMORY;
        to->value = otel_value_strn(copy.data, copy.len);
    }
    return err;
}

static enum otel_err add_list(struct otl_config_work *work, const json_t *node,
                              struct otel_sdk_resource **base)
{
    const char *text = otl_tree_text(node, "attributes_list", "");
    struct otl_buf decoded;
    struct pile pile;
    size_t most = 1;
    enum otel_err err;

    for (const char *at = text; *at != '\0'; at++)
        most += *at == ',';
    err = pile_init(&pile, most);
    otl_buf_init(&decoded, TEXT_MAX);
    if (err == OTEL_OK)
        err = read_pairs(text, &decoded, &pile);
    if (err == OTEL_ERR_SYNTAX || err == OTEL_ERR_LIMIT)
        otl_config_bad(work, err, node, "attributes_list",
                       "attributes_list: expected key=value,... with percent-encoding: %s",
                       otel_err_text(err));
    if (err == OTEL_OK)
        err = merge_pile(base, &pile, "");
    otl_buf_fini(&decoded);
    pile_fini(&pile);
    return err;
}

/* ---- detectors ---- */

static const struct {
    const char *name;
    unsigned detectors;
} known[] = {{"container", OTEL_SDK_DETECT_CONTAINER},
             {"host", OTEL_SDK_DETECT_HOST | OTEL_SDK_DETECT_OS},
             {"process", OTEL_SDK_DETECT_PROCESS},
             {"service", OTEL_SDK_DETECT_SERVICE}};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

/* One file for a fleet in many languages names detectors that only some of them have: no error. */
static void tell_unknown(struct otl_config_work *work, const json_t *item, const char *name)
{
    const char *names[KNOWN + OTEL_CONFIG_PLUGINS_MAX + 1] = {NULL};
    char near[128];
    size_t count = 0;

    for (; count < KNOWN; count++)
        names[count] = known[count].name;
    for (const char *const *plugin = otl_plugin_detectors(); *plugin != NULL; plugin++)
        names[count++] = *plugin;
    otl_config_warn(work, item, name, "unknown detector '%s'%s; it has no effect", name,
                    otl_words_suggest(names, name, near, sizeof(near)));
}

/* *ret stays NULL where nothing is found. */
static enum otel_err detect(const struct otl_plugin_place *place, struct otel_sdk_resource **ret)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i].name, place->name) == 0)
            return otel_sdk_detect(known[i].detectors, ret);
    if (!otl_plugin_detector(place, ret, &err))
        tell_unknown(place->work, place->parent, place->name);
    return err;
}

static bool any_matches(const json_t *list, struct otel_str key)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (otl_config_matches(json_string_value(json_array_get(list, i)), key.data, key.len))
            return true;
    return false;
}

/* What the filter lets through; entities only where there is none. */
static enum otel_err add_found(const json_t *filter, struct otel_sdk_resource *found,
                               struct otel_sdk_resource **base)
{
    const json_t *included = json_object_get(filter, "included");
    const json_t *excluded = json_object_get(filter, "excluded");
    struct pile pile;
    enum otel_err err;

    if (filter == NULL && otel_sdk_resource_entity_count(found) != 0)
        return merge(base, otel_sdk_resource_ref(found));
    err = pile_init(&pile, otel_sdk_resource_count(found));
    for (size_t i = 0; err == OTEL_OK && i < otel_sdk_resource_count(found); i++) {
        const struct otel_attribute *one = &otel_sdk_resource_attributes(found)[i];
        if ((included == NULL || any_matches(included, one->key)) &&
            !any_matches(excluded, one->key))
            pile.items[pile.count++] = *one;
    }
    if (err == OTEL_OK)
        err = merge_pile(base, &pile, "");
    pile_fini(&pile);
    return err;
}

/* One after the other, so that the later one's attributes win. */
static enum otel_err add_detected(struct otl_config_work *work, const json_t *node,
                                  struct otel_sdk_resource **base)
{
    const json_t *list = json_object_get(node, "detectors");
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *map = NULL;
        const char *kind = otl_config_kind(item, &map);
        struct otl_plugin_place place = {work, item, kind, kind, map};
        struct otel_sdk_resource *found = NULL;
        err = detect(&place, &found);
        if (err == OTEL_OK && found != NULL)
            err = add_found(json_object_get(node, "attributes"), found, base);
        otel_sdk_resource_unref(found);
    }
    return err;
}

/* What the program says wins over the file. */
static enum otel_err add_program(const struct otel_sdk_env_options *options,
                                 struct otel_sdk_resource **base)
{
    struct otel_attribute id;
    struct otel_sdk_resource *update = NULL;
    enum otel_err err = OTEL_OK;

    if (options->instance_id != NULL) {
        id = otel_attr_str("service.instance.id", options->instance_id);
        err = otel_sdk_resource_new(&id, 1, otel_str(""), &update);
        if (err == OTEL_OK)
            err = merge(base, update);
    }
    if (err == OTEL_OK && options->resource != NULL) {
        struct otel_sdk_resource *merged = NULL;
        err = otel_sdk_resource_merge(*base, options->resource, &merged);
        if (err == OTEL_OK) {
            otel_sdk_resource_unref(*base);
            *base = merged;
        }
    }
    return err;
}

enum otel_err otl_config_resource(struct otl_config_work *work, const json_t *node,
                                  struct otel_sdk_resource **ret)
{
    const json_t *detection = json_object_get(node, "detection/development");
    struct otel_sdk_resource *base = NULL;
    enum otel_err err = otel_sdk_resource_default(&base);

    if (err == OTEL_OK && detection != NULL)
        err = add_detected(work, detection, &base);
    if (err == OTEL_OK && node != NULL)
        err = add_list(work, node, &base);
    if (err == OTEL_OK && node != NULL)
        err = add_attributes(work, node, &base);
    if (err == OTEL_OK)
        err = add_program(work->options, &base);
    if (err != OTEL_OK) {
        otel_sdk_resource_unref(base);
        return err;
    }
    *ret = base;
    return OTEL_OK;
}
