/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/entity_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"
#include "sdk/otlp/copy.h"
#include "sdk/resource/blend.h"
#include "sdk/resource/pairs.h"

enum { TEXT_MAX = 64 * 1024, ENTITIES_MAX = 32, ATTRIBUTES_MAX = 1024, ARENA_MAX = 8 << 20 };

struct reading {
    struct otl_entity_list *list;
    struct otl_buf decoded;
    const struct otl_teller *teller;
    unsigned number;   /* of the definition at hand, from 1 */
    size_t attributes; /* so far */
};

/* One definition, cut into its parts. */
struct parts {
    struct otl_view type, id, description, url;
    bool has_url;
};

/* The start of a name, for "%.*s". */
static int shown(struct otel_str name)
{
    return name.len < 80 ? (int)name.len : 80;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Of types and keys. */
static bool is_name(struct otl_view text)
{
    if (text.len == 0 || !is_letter(text.data[0]))
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (!is_letter(text.data[i]) && !is_digit(text.data[i]) &&
            (text.data[i] == '\0' || strchr("._-", text.data[i]) == NULL))
            return false;
    return true;
}

bool otl_is_uri(const char *text, size_t len)
{
    uint8_t byte;
    size_t i = 0;

    if (len == 0 || !is_letter(text[0]))
        return false;
    while (i < len && (is_letter(text[i]) || is_digit(text[i]) || text[i] == '+' ||
                       text[i] == '-' || text[i] == '.'))
        i++;
    if (i + 1 >= len || text[i] != ':')
        return false;
    while (++i < len) {
        if (is_letter(text[i]) || is_digit(text[i]))
            continue;
        if (text[i] == '\0' || strchr("-._~:/?#[]@!$&'()*+,;=%", text[i]) == NULL)
            return false;
        if (text[i] == '%' && (len - i < 3 || !otl_unhex(text + i + 1, 1, &byte)))
            return false;
    }
    return true;
}

/* From the opening bracket that text starts with to the closing one; false: it is not there. */
static bool take_block(struct otl_view *text, char closing, struct otl_view *ret)
{
    const char *end = memchr(text->data, closing, text->len);

    if (end == NULL)
        return false;
    *ret = otl_view(text->data + 1, (size_t)(end - text->data) - 1);
    text->len -= (size_t)(end + 1 - text->data);
    text->data = end + 1;
    *text = otl_pairs_trim(*text);
    return true;
}

/* NULL, or what is wrong. */
static const char *cut(struct otl_view text, struct parts *ret)
{
    const char *open = memchr(text.data, '{', text.len);

    memset(ret, 0, sizeof(*ret));
    if (open == NULL)
        return "it has no identifying attributes in {}";
    ret->type = otl_pairs_trim(otl_view(text.data, (size_t)(open - text.data)));
    if (!is_name(ret->type))
        return "its type is no name of letters, digits and ._-";
    text.len -= (size_t)(open - text.data);
    text.data = open;
    if (!take_block(&text, '}', &ret->id))
        return "its { is not closed";
    if (text.len > 0 && text.data[0] == '[' && !take_block(&text, ']', &ret->description))
        return "its [ is not closed";
    if (text.len > 0 && text.data[0] == '@') {
        ret->url = otl_pairs_trim(otl_view(text.data + 1, text.len - 1));
        ret->has_url = true;
        return NULL;
    }
    return text.len > 0 ? "something stands behind its attributes" : NULL;
}

/* Keys as they are, one '=' each, and nothing that has to be encoded. */
static bool is_plain(struct otl_view list)
{
    bool in_value = false;

    for (size_t i = 0; i < list.len; i++) {
        char c = list.data[i];
        if (c == '\0' || strchr(in_value ? "{}[]@=" : "{}[]@%", c) != NULL)
            return false;
        if (c == '=' || c == ',')
            in_value = c == '=';
    }
    return true;
}

static size_t count_members(struct otl_view list)
{
    size_t count = 1;

    for (size_t i = 0; i < list.len; i++)
        count += list.data[i] == ',';
    return count;
}

static enum otel_err copy_pair(struct reading *r, struct otl_view key, struct otl_view value,
                               struct otel_attribute *ret)
{
    ret->key = otel_strn(otl_arena_strndup(&r->list->arena, key.data, key.len), key.len);
    ret->value = otel_value_strn(otl_arena_strndup(&r->list->arena, value.data, value.len),
                                 value.len);
    return ret->key.data != NULL && ret->value.as.string != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

/* OTEL_ERR_SYNTAX, OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. Of equal keys the last counts. */
static enum otel_err read_list(struct reading *r, struct otl_view list,
                               const struct otel_attribute **ret_items, size_t *ret_count)
{
    size_t members = count_members(list), count = 0;
    struct otel_attribute *items;
    enum otel_err err = OTEL_OK;
    struct otl_view key, value;
    struct otl_pairs pairs;

    if (!is_plain(list))
        return OTEL_ERR_SYNTAX;
    if (members > ATTRIBUTES_MAX - r->attributes)
        return OTEL_ERR_LIMIT;
    items = otl_arena_alloc(&r->list->arena, members * sizeof(*items));
    if (items == NULL)
        return OTEL_ERR_MEMORY;
    otl_pairs_init_view(&pairs, list, &r->decoded);
    while (err == OTEL_OK && otl_pairs_next(&pairs, &err, &key, &value)) {
        const struct otel_attribute *there;
        if (err == OTEL_OK && (!is_name(key) || !otl_utf8_valid(value.data, value.len)))
            err = OTEL_ERR_SYNTAX;
        if (err != OTEL_OK)
            break;
        there = otl_attribute_find(items, count, otel_strn(key.data, key.len));
        err = copy_pair(r, key, value, &items[there != NULL ? (size_t)(there - items) : count]);
        count += there == NULL;
    }
    r->attributes += count;
    *ret_items = items;
    *ret_count = count;
    return err;
}

/* Attributes and schema URL of a definition; what is wrong is told. */
static enum otel_err read_parts(struct reading *r, const struct parts *parts,
                                struct otel_sdk_entity *ret)
{
    enum otel_err err = read_list(r, parts->id, &ret->id, &ret->id_count);

    if (err == OTEL_OK && ret->id_count == 0) {
        otl_tell(r->teller, OTEL_OK,
                 "entity %u: it has no identifying attributes in {}; left out", r->number);
        return OTEL_ERR_SYNTAX;
    }
    if (err == OTEL_OK)
        err = read_list(r, parts->description, &ret->description, &ret->description_count);
    if (err == OTEL_ERR_SYNTAX || err == OTEL_ERR_LIMIT)
        otl_tell(r->teller, OTEL_OK, "entity %u: %s; left out", r->number,
                 err == OTEL_ERR_LIMIT ? "too many attributes"
                                       : "its attributes are not key=value,... with {}[]@;,= and "
                                         "what is no UTF-8 text percent-encoded");
    if (err != OTEL_OK)
        return err;
    ret->type = otel_strn(parts->type.data, parts->type.len);
    if (parts->has_url && otl_is_uri(parts->url.data, parts->url.len))
        ret->schema_url = otel_strn(parts->url.data, parts->url.len);
    else if (parts->has_url)
        otl_tell(r->teller, OTEL_OK,
                 "entity %u: its schema URL is no URI; the entity counts without", r->number);
    return otl_copy_str(&r->list->arena, &ret->type) &&
                   otl_copy_str(&r->list->arena, &ret->schema_url)
               ? OTEL_OK
               : OTEL_ERR_MEMORY;
}

static void add(struct reading *r, const struct otel_sdk_entity *entity)
{
    struct otl_entity_list *list = r->list;

    for (size_t i = 0; i < list->count; i++) {
        struct otel_sdk_entity *there = &list->items[i];
        if (!otel_str_equal(there->type, entity->type))
            continue;
        otl_tell(r->teller, OTEL_OK, "%.*s: %s; the last counts", shown(entity->type),
                 entity->type.data,
                 otl_entity_same(there, entity)
                     ? "the same entity is there twice"
                     : "two entities of the type, of different identity");
        memmove(there, there + 1, (--list->count - i) * sizeof(*there));
        break;
    }
    if (list->count == ENTITIES_MAX)
        otl_tell(r->teller, OTEL_OK, "entity %u: more than %d entities; left out", r->number,
                 ENTITIES_MAX);
    else
        list->items[list->count++] = *entity;
}

/* MEMORY only. */
static enum otel_err read_definition(struct reading *r, struct otl_view text)
{
    struct otel_sdk_entity entity = {.id_count = 0};
    struct parts parts;
    const char *wrong = cut(text, &parts);
    enum otel_err err = OTEL_ERR_SYNTAX;

    if (wrong != NULL)
        otl_tell(r->teller, OTEL_OK, "entity %u: %s; left out", r->number, wrong);
    else
        err = read_parts(r, &parts, &entity);
    if (err == OTEL_OK)
        add(r, &entity);
    return err == OTEL_ERR_MEMORY ? err : OTEL_OK;
}

/* Whether a descriptive attribute of item i belongs to another one. */
static bool is_anothers(const struct reading *r, size_t i, const struct otel_attribute *attribute)
{
    const struct otel_sdk_entity *items = r->list->items;
    int len = shown(attribute->key);

    for (size_t j = 0; j < r->list->count; j++) {
        const struct otel_attribute *other;
        if (otl_attribute_find(items[j].id, items[j].id_count, attribute->key) != NULL) {
            otl_tell(r->teller, OTEL_OK,
                     "%.*s: %.*s describes it, but identifies %.*s; left out of the description",
                     shown(items[i].type), items[i].type.data, len, attribute->key.data,
                     shown(items[j].type), items[j].type.data);
            return true;
        }
        other = j > i ? otl_attribute_find(items[j].description, items[j].description_count,
                                           attribute->key)
                      : NULL;
        if (other != NULL && !otl_value_same(&other->value, &attribute->value))
            otl_tell(r->teller, OTEL_OK, "%.*s: %.*s is another for %.*s; only the last counts",
                     shown(items[i].type), items[i].type.data, len, attribute->key.data,
                     shown(items[j].type), items[j].type.data);
        if (other != NULL)
            return true;
    }
    return false;
}

static void settle_descriptions(struct reading *r)
{
    for (size_t i = 0; i < r->list->count; i++) {
        struct otel_sdk_entity *entity = &r->list->items[i];
        struct otel_attribute *items = (struct otel_attribute *)(uintptr_t)entity->description;
        size_t kept = 0;
        for (size_t k = 0; k < entity->description_count; k++)
            if (!is_anothers(r, i, &items[k]))
                items[kept++] = items[k];
        entity->description_count = kept;
    }
}

static void reverse(struct otl_entity_list *list)
{
    for (size_t i = 0; i < list->count / 2; i++) {
        struct otel_sdk_entity swap = list->items[i];
        list->items[i] = list->items[list->count - 1 - i];
        list->items[list->count - 1 - i] = swap;
    }
}

enum otel_err otl_entity_list_read(const char *text, const struct otl_teller *teller,
                                   struct otl_entity_list *ret)
{
    struct reading r = {.list = ret, .teller = teller};
    enum otel_err err = OTEL_OK;

    memset(ret, 0, sizeof(*ret));
    otl_arena_init(&ret->arena, ARENA_MAX);
    if (strlen(text) > TEXT_MAX) {
        otl_tell(teller, OTEL_OK, "longer than 64 KiB; ignored");
        return OTEL_OK;
    }
    ret->items = otl_arena_alloc(&ret->arena, ENTITIES_MAX * sizeof(ret->items[0]));
    if (ret->items == NULL)
        return OTEL_ERR_MEMORY;
    otl_buf_init(&r.decoded, TEXT_MAX);
    while (err == OTEL_OK && *text != '\0') {
        size_t len = strcspn(text, ";");
        struct otl_view definition = otl_pairs_trim(otl_view(text, len));
        if (definition.len > 0) {
            r.number++;
            err = read_definition(&r, definition);
        }
        text += len + (text[len] == ';');
    }
    otl_buf_fini(&r.decoded);
    settle_descriptions(&r);
    reverse(ret);
    return err;
}

void otl_entity_list_fini(struct otl_entity_list *list)
{
    otl_arena_fini(&list->arena);
}
