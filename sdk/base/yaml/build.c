/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events -> tree and places. */
#include "sdk/base/yaml/build.h"

#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/scalar.h"

enum { SUBSTITUTED_MAX = 1024 * 1024 };

static enum otel_err next_event(struct otl_yaml_builder *b, yaml_event_t *event)
{
    return yaml_parser_parse(&b->parser, event) ? OTEL_OK : otl_yaml_problem(b);
}

static enum otel_err alias(struct otl_yaml_builder *b, const yaml_event_t *event, size_t depth,
                           struct otl_yaml_node *ret)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct otl_yaml_pos pos = otl_yaml_at(b, event->start_mark);

    for (size_t i = b->anchor_count; i > 0; i--) {
        if (strcmp(b->anchors[i - 1].name, name) == 0) {
            ret->pos = pos;
            b->copying = pos;
            return otl_yaml_copy_value(b, b->anchors[i - 1].value, pos, depth, &ret->value);
        }
    }
    return otl_yaml_error(b->reterr, pos, "alias *%s: no anchor &%s is complete above", name, name);
}

/* "100_000": digits with underscores between them. The number without them; NULL: it is none. */
static const char *separated(const char *text, char *out, size_t size)
{
    size_t len = 0;

    if (*text < '0' || *text > '9' || strchr(text, '_') == NULL)
        return NULL;
    for (; *text != '\0' && len + 1 < size; text++) {
        if (*text >= '0' && *text <= '9')
            out[len++] = *text;
        else if (*text != '_')
            return NULL;
    }
    out[len] = '\0';
    return *text == '\0' ? out : NULL;
}

static enum otel_err plain(struct otl_yaml_builder *b, const char *text, struct otl_yaml_pos pos,
                           json_t **ret)
{
    char digits[32];
    const char *number =
        b->options->digit_separators ? separated(text, digits, sizeof(digits)) : NULL;
    enum otel_err err = otl_yaml_plain_value(number != NULL ? number : text, ret);

    if (err == OTEL_ERR_UNSUPPORTED)
        return otl_yaml_error(b->reterr, pos, "'%s' is no number that can be used here", text);
    if (err == OTEL_ERR_LIMIT)
        return otl_yaml_error(b->reterr, pos, "the number %s is too large", text);
    return err;
}

/* Core tags force a kind; anything else is refused. */
static enum otel_err tagged(struct otl_yaml_builder *b, const char *tag, const char *text,
                            struct otl_yaml_pos pos, json_t **ret)
{
    static const struct {
        const char *tag;
        enum otl_yaml_kind kind;
    } tags[] = {{YAML_NULL_TAG, OTL_YAML_NULL},
                {YAML_BOOL_TAG, OTL_YAML_BOOL},
                {YAML_INT_TAG, OTL_YAML_INT},
                {YAML_FLOAT_TAG, OTL_YAML_FLOAT}};
    enum otl_yaml_kind kind = otl_yaml_plain_kind(text);

    if (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0) {
        *ret = json_string_nocheck(text);
        return *ret ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (strcmp(tag, tags[i].tag) != 0)
            continue;
        if (kind != tags[i].kind && !(kind == OTL_YAML_INT && tags[i].kind == OTL_YAML_FLOAT))
            return otl_yaml_error(b->reterr, pos, "'%s' is no %s", text, strrchr(tag, ':') + 1);
        if (kind == tags[i].kind)
            return plain(b, text, pos, ret);
        *ret = json_real(strtod(text, NULL));
        return *ret ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    return otl_yaml_error(b->reterr, pos, "the tag %s is not supported", tag);
}

static enum otel_err typed(struct otl_yaml_builder *b, const yaml_event_t *event, const char *text,
                           struct otl_yaml_pos pos, json_t **ret)
{
    const char *tag = (const char *)event->data.scalar.tag;

    if (tag != NULL)
        return tagged(b, tag, text, pos, ret);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return plain(b, text, pos, ret);
    *ret = json_string_nocheck(text);
    return *ret ? OTEL_OK : OTEL_ERR_MEMORY;
}

static enum otel_err scalar(struct otl_yaml_builder *b, const yaml_event_t *event, size_t depth,
                            struct otl_yaml_node *ret)
{
    const char *text = (const char *)event->data.scalar.value, *why;
    struct otl_yaml_pos pos = otl_yaml_at(b, event->start_mark);
    enum otel_err err = otl_yaml_count(b, pos, depth);
    struct otl_buf buf;

    if (err != OTEL_OK)
        return err;
    if (strlen(text) != event->data.scalar.length)
        return otl_yaml_error(b->reterr, pos, "a text cannot hold a NUL character");
    ret->pos = pos;
    if (!b->options->substitute_env || strchr(text, '$') == NULL)
        return typed(b, event, text, pos, &ret->value);
    otl_buf_init(&buf, SUBSTITUTED_MAX);
    err = otl_buf_append(&buf, "", 0);
    if (err == OTEL_OK)
        err = otl_yaml_substitute(text, pos, b->options, &buf, &why);
    if (err == OTEL_ERR_SYNTAX)
        err = otl_yaml_error(b->reterr, pos, "%s", why);
    else if (err == OTEL_OK && !otl_utf8_valid(buf.data, buf.len))
        err = otl_yaml_error(b->reterr, pos, "the variable's value is not UTF-8");
    else if (err == OTEL_OK)
        err = typed(b, event, buf.data, pos, &ret->value);
    otl_buf_fini(&buf);
    return err;
}

static enum otel_err build(struct otl_yaml_builder *b, const yaml_event_t *event, size_t depth,
                           struct otl_yaml_node *ret);

static enum otel_err read_key(struct otl_yaml_builder *b, const yaml_event_t *event,
                              const json_t *map, bool *ret_merge)
{
    const char *key = (const char *)event->data.scalar.value;
    struct otl_yaml_pos pos = otl_yaml_at(b, event->start_mark), first;
    bool is_plain =
        event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (event->type != YAML_SCALAR_EVENT)
        return otl_yaml_error(b->reterr, pos, "a key must be a word, not a %s",
                              event->type == YAML_MAPPING_START_EVENT    ? "map"
                              : event->type == YAML_SEQUENCE_START_EVENT ? "list"
                                                                         : "alias");
    if (is_plain && *key == '\0')
        return otl_yaml_error(b->reterr, pos, "a key is missing before ':'");
    if (strlen(key) != event->data.scalar.length)
        return otl_yaml_error(b->reterr, pos, "a key cannot hold a NUL character");
    *ret_merge = is_plain && strcmp(key, "<<") == 0;
    if (*ret_merge || json_object_get(map, key) == NULL)
        return OTEL_OK;
    first = otl_yaml_key_pos(b->doc, map, key);
    return otl_yaml_error(b->reterr, pos, "key '%s' is given twice (first in line %u)", key,
                          first.line);
}

/* Values of << are added when the map is complete. */
static enum otel_err merge(struct otl_yaml_builder *b, json_t *map, const json_t *merges,
                           size_t depth)
{
    enum otel_err err = OTEL_OK;

    b->copying = otl_yaml_container_pos(b->doc, map);
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(merges); i++) {
        const json_t *from = json_array_get(merges, i);
        if (json_is_array(from))
            err = merge(b, map, from, depth);
        else if (json_is_object(from))
            err = otl_yaml_copy_entries(b, from, map, depth);
        else
            err = otl_yaml_error(b->reterr, otl_yaml_container_pos(b->doc, map),
                                 "<< merges a map or a list of maps, nothing else");
    }
    return err;
}

static enum otel_err fill_map(struct otl_yaml_builder *b, json_t *map, json_t *merges, size_t depth)
{
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK) {
        yaml_event_t key, event;
        struct otl_yaml_node entry = {NULL, {NULL, 0, 0}};
        bool is_merge = false;
        err = next_event(b, &key);
        if (err != OTEL_OK)
            return err;
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            return merge(b, map, merges, depth);
        }
        err = read_key(b, &key, map, &is_merge);
        if (err == OTEL_OK)
            err = next_event(b, &event);
        if (err == OTEL_OK) {
            err = build(b, &event, depth + 1, &entry);
            yaml_event_delete(&event);
        }
        if (err == OTEL_OK && is_merge)
            err = json_array_append_new(merges, entry.value) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
        else if (err == OTEL_OK)
            err = otl_yaml_add_entry(b, map, (const char *)key.data.scalar.value,
                                     otl_yaml_at(b, key.start_mark), entry);
        yaml_event_delete(&key);
    }
    return err;
}

static enum otel_err build_map(struct otl_yaml_builder *b, struct otl_yaml_pos pos, size_t depth,
                               json_t **ret)
{
    json_t *map, *merges = json_array();
    enum otel_err err = merges ? otl_yaml_new_container(b, true, pos, &map) : OTEL_ERR_MEMORY;

    if (err == OTEL_OK) {
        err = fill_map(b, map, merges, depth);
        if (err == OTEL_OK)
            *ret = map;
        else
            json_decref(map);
    }
    json_decref(merges);
    return err;
}

static enum otel_err build_list(struct otl_yaml_builder *b, struct otl_yaml_pos pos, size_t depth,
                                json_t **ret)
{
    json_t *list;
    enum otel_err err = otl_yaml_new_container(b, false, pos, &list);

    if (err != OTEL_OK)
        return err;
    for (;;) {
        yaml_event_t event;
        struct otl_yaml_node item = {NULL, {NULL, 0, 0}};
        err = next_event(b, &event);
        if (err != OTEL_OK)
            break;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            *ret = list;
            return OTEL_OK;
        }
        err = build(b, &event, depth + 1, &item);
        yaml_event_delete(&event);
        if (err == OTEL_OK)
            err = otl_yaml_add_item(b, list, item);
        if (err != OTEL_OK)
            break;
    }
    json_decref(list);
    return err;
}

static enum otel_err build_container(struct otl_yaml_builder *b, const yaml_event_t *event,
                                     size_t depth, struct otl_yaml_node *ret)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    const char *tag =
        (const char *)(map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    enum otel_err err;

    ret->pos = otl_yaml_at(b, event->start_mark);
    if (tag != NULL && strcmp(tag, map ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
        return otl_yaml_error(b->reterr, ret->pos, "the tag %s is not supported", tag);
    err = otl_yaml_count(b, ret->pos, depth);
    if (err != OTEL_OK)
        return err;
    return map ? build_map(b, ret->pos, depth, &ret->value)
               : build_list(b, ret->pos, depth, &ret->value);
}

static enum otel_err build(struct otl_yaml_builder *b, const yaml_event_t *event, size_t depth,
                           struct otl_yaml_node *ret)
{
    const yaml_char_t *anchor = NULL;
    enum otel_err err;

    if (event->type == YAML_ALIAS_EVENT)
        return alias(b, event, depth, ret);
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        err = scalar(b, event, depth, ret);
    } else {
        anchor = event->type == YAML_MAPPING_START_EVENT ? event->data.mapping_start.anchor
                                                         : event->data.sequence_start.anchor;
        err = build_container(b, event, depth, ret);
    }
    if (err == OTEL_OK)
        err = otl_yaml_remember(b, (const char *)anchor, ret);
    if (err != OTEL_OK) {
        json_decref(ret->value);
        ret->value = NULL;
    }
    return err;
}

/* The stream's events around and after the one document. */
static enum otel_err build_stream(struct otl_yaml_builder *b, struct otl_yaml_node *ret)
{
    bool seen = false;
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK) {
        yaml_event_t event;
        bool end;
        err = next_event(b, &event);
        if (err != OTEL_OK)
            return err;
        end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && seen)
            err = otl_yaml_error(b->reterr, otl_yaml_at(b, event.start_mark),
                                 "a second document begins here; one is the most");
        else if (event.type == YAML_DOCUMENT_START_EVENT)
            seen = true;
        else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_END_EVENT &&
                 !end)
            err = build(b, &event, 1, ret);
        yaml_event_delete(&event);
        if (end)
            break;
    }
    return err;
}

static void fini(struct otl_yaml_builder *b)
{
    for (size_t i = 0; i < b->anchor_count; i++) {
        otl_mem_free(b->anchors[i].name);
        json_decref(b->anchors[i].value);
    }
    otl_mem_free(b->anchors);
    yaml_parser_delete(&b->parser);
}

enum otel_err otl_yaml_build(struct otl_yaml *doc, const char *text, size_t len,
                             const struct otl_yaml_options *options, json_t **ret,
                             struct otl_yaml_pos *ret_pos, struct otl_detail *reterr)
{
    struct otl_yaml_builder b = {
        .options = options, .text = text, .len = len, .doc = doc, .reterr = reterr};
    struct otl_yaml_node root = {NULL, {NULL, 0, 0}};
    enum otel_err err;

    if (len > options->max_bytes)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, options->source, 0, 0,
                              "longer than %zu bytes", options->max_bytes);
    b.source = otl_arena_strdup(&doc->arena, options->source);
    if (b.source == NULL || !yaml_parser_initialize(&b.parser))
        return OTEL_ERR_MEMORY;
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
    root.pos.source = b.source;
    err = build_stream(&b, &root);
    fini(&b);
    if (err != OTEL_OK) {
        json_decref(root.value);
        return err;
    }
    *ret = root.value ? root.value : json_null();
    *ret_pos = root.pos;
    return OTEL_OK;
}
