/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events -> tree and places. */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/document.h"
#include "sdk/base/yaml/scalar.h"

enum { ANCHORS_MAX = 1000, SUBSTITUTED_MAX = 1024 * 1024 };

struct anchor {
    char *name;
    json_t *value; /* a reference of our own */
};

struct builder {
    yaml_parser_t parser;
    const struct otl_yaml_options *options;
    const char *source; /* in the document's arena */
    const char *text;
    size_t len;
    struct otl_yaml *doc;
    struct otl_detail *reterr;
    struct anchor *anchors;
    size_t anchor_count, anchor_cap;
    size_t nodes;
    struct otl_yaml_pos copying; /* the alias or map for which values are being copied */
};

/* One value and where it began. */
struct node {
    json_t *value;
    struct otl_yaml_pos pos;
};

static struct otl_yaml_pos position(const struct builder *b, yaml_mark_t mark)
{
    struct otl_yaml_pos pos = {b->source, 0, 0};

    if (!b->options->without_lines) {
        pos.line = (unsigned)mark.line + 1;
        pos.column = (unsigned)mark.column + 1;
    }
    return pos;
}

static enum otel_err limit(struct builder *b, struct otl_yaml_pos pos, const char *what,
                           size_t max)
{
    return otl_detail_set(b->reterr, OTEL_ERR_LIMIT, pos.source, pos.line, pos.column,
                          "%s (limit %zu)", what, max);
}

/* The rest of the line in which the mark stands, and how far into it the mark is. (The mark's own
 * index counts characters, not bytes.) */
static struct otl_view line_of(const struct builder *b, yaml_mark_t mark, size_t *ret_at)
{
    const char *line = b->text, *end = b->text + b->len, *stop;

    for (size_t i = 0; i < mark.line && line < end; i++) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        line = next ? next + 1 : end;
    }
    stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
    stop = stop ? stop : end;
    *ret_at = otl_utf8_cut(line, (size_t)(stop - line), mark.column);
    return otl_view(line, (size_t)(stop - line));
}

/* Inside of { } and [ ] a plain ${...} ends at its brace, which puzzles everyone once. */
static const char *flow_hint(const struct builder *b, const yaml_parser_t *parser)
{
    size_t at;
    struct otl_view line = line_of(b, parser->problem_mark, &at);

    if (strstr(parser->context, "flow") == NULL || line.len == 0 ||
        memmem(line.data, at + 1 < line.len ? at + 1 : line.len, "${", 2) == NULL)
        return "";
    return "; a text with ${...} inside of { } or [ ] needs quotes";
}

static enum otel_err parser_error(struct builder *b)
{
    const yaml_parser_t *parser = &b->parser;
    struct otl_view line;
    size_t at;
    const char *problem = parser->problem ? parser->problem : "not YAML";

    if (parser->error == YAML_MEMORY_ERROR)
        return OTEL_ERR_MEMORY;
    if (parser->error == YAML_READER_ERROR)
        return otl_detail_set(b->reterr, OTEL_ERR_SYNTAX, b->source, 0, 0,
                              "%s at byte %zu (the text must be UTF-8)", problem,
                              parser->problem_offset);
    line = line_of(b, parser->problem_mark, &at);
    if (at < line.len && line.data[at] == '\t')
        return otl_yaml_error(b->reterr, position(b, parser->problem_mark),
                              "a tab cannot indent YAML; use blanks");
    if (parser->context != NULL && !b->options->without_lines)
        return otl_yaml_error(b->reterr, position(b, parser->problem_mark), "%s (%s, line %u)%s",
                              problem, parser->context, (unsigned)parser->context_mark.line + 1,
                              flow_hint(b, parser));
    return otl_yaml_error(b->reterr, position(b, parser->problem_mark), "%s", problem);
}

static enum otel_err next_event(struct builder *b, yaml_event_t *event)
{
    return yaml_parser_parse(&b->parser, event) ? OTEL_OK : parser_error(b);
}

static enum otel_err count_node(struct builder *b, struct otl_yaml_pos pos, size_t depth)
{
    if (++b->nodes > b->options->max_nodes)
        return limit(b, pos, "too many values, copies of aliases included", b->options->max_nodes);
    if (depth > b->options->max_depth)
        return limit(b, pos, "nested too deeply", b->options->max_depth);
    return OTEL_OK;
}

/* A new map or list, kept by the document, its place noted. */
static enum otel_err container(struct builder *b, bool map, struct otl_yaml_pos pos, json_t **ret)
{
    json_t *made = map ? json_object() : json_array();
    struct otl_yaml_place place = {.container = made, .index = OTL_YAML_SELF, .key_pos = pos,
                                   .value_pos = pos};

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
static enum otel_err add_entry(struct builder *b, json_t *map, const char *key,
                               struct otl_yaml_pos key_pos, struct node entry)
{
    struct otl_yaml_place place = {.container = map, .key = key, .key_pos = key_pos,
                                   .value_pos = entry.pos};

    if (otl_yaml_note(b->doc, &place) != OTEL_OK) {
        json_decref(entry.value);
        return OTEL_ERR_MEMORY;
    }
    return json_object_set_new_nocheck(map, key, entry.value) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

static enum otel_err add_item(struct builder *b, json_t *list, struct node item)
{
    struct otl_yaml_place place = {.container = list, .index = json_array_size(list),
                                   .key_pos = item.pos, .value_pos = item.pos};

    if (otl_yaml_note(b->doc, &place) != OTEL_OK) {
        json_decref(item.value);
        return OTEL_ERR_MEMORY;
    }
    return json_array_append_new(list, item.value) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
}

static enum otel_err copy(struct builder *b, const json_t *value, struct otl_yaml_pos pos,
                          size_t depth, json_t **ret);

static enum otel_err copy_map(struct builder *b, const json_t *from, json_t *to, size_t depth)
{
    const char *key;
    json_t *value;
    enum otel_err err = OTEL_OK;

    json_object_foreach((json_t *)from, key, value) {
        struct node entry = {NULL, otl_yaml_value_pos(b->doc, from, key)};
        struct otl_yaml_pos key_pos = otl_yaml_key_pos(b->doc, from, key);
        if (json_object_get(to, key) != NULL)
            continue; /* merging: what the map says itself wins */
        err = copy(b, value, entry.pos, depth + 1, &entry.value);
        if (err == OTEL_OK)
            err = add_entry(b, to, key, key_pos, entry);
        if (err != OTEL_OK)
            break;
    }
    return err;
}

static enum otel_err copy_list(struct builder *b, const json_t *from, json_t *to, size_t depth)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < json_array_size(from); i++) {
        struct node item = {NULL, otl_yaml_item_pos(b->doc, from, i)};
        err = copy(b, json_array_get(from, i), item.pos, depth + 1, &item.value);
        if (err == OTEL_OK)
            err = add_item(b, to, item);
    }
    return err;
}

static enum otel_err copy(struct builder *b, const json_t *value, struct otl_yaml_pos pos,
                          size_t depth, json_t **ret)
{
    enum otel_err err = count_node(b, b->copying, depth);
    json_t *made;

    if (err != OTEL_OK)
        return err;
    if (!json_is_object(value) && !json_is_array(value)) {
        *ret = json_incref((json_t *)value);
        return OTEL_OK;
    }
    err = container(b, json_is_object(value), pos, &made);
    if (err != OTEL_OK)
        return err;
    err = json_is_object(value) ? copy_map(b, value, made, depth)
                                : copy_list(b, value, made, depth);
    if (err != OTEL_OK) {
        json_decref(made);
        return err;
    }
    *ret = made;
    return OTEL_OK;
}

/* The anchor named on the value, which has just been read, is known from here on. */
static enum otel_err remember(struct builder *b, const char *name, const struct node *node)
{
    struct anchor *slot;

    if (name == NULL)
        return OTEL_OK;
    if (b->anchor_count == ANCHORS_MAX)
        return limit(b, node->pos, "too many anchors", ANCHORS_MAX);
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

static enum otel_err alias(struct builder *b, const yaml_event_t *event, size_t depth,
                           struct node *ret)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct otl_yaml_pos pos = position(b, event->start_mark);

    for (size_t i = b->anchor_count; i > 0; i--) {
        if (strcmp(b->anchors[i - 1].name, name) == 0) {
            ret->pos = pos;
            b->copying = pos;
            return copy(b, b->anchors[i - 1].value, pos, depth, &ret->value);
        }
    }
    return otl_yaml_error(b->reterr, pos, "alias *%s: no anchor &%s is complete above", name,
                          name);
}

static enum otel_err plain(struct builder *b, const char *text, struct otl_yaml_pos pos,
                           json_t **ret)
{
    enum otel_err err = otl_yaml_plain_value(text, ret);

    if (err == OTEL_ERR_UNSUPPORTED)
        return otl_yaml_error(b->reterr, pos, "'%s' is no number that can be used here", text);
    if (err == OTEL_ERR_LIMIT)
        return otl_yaml_error(b->reterr, pos, "the number %s is too large", text);
    return err;
}

/* Core tags force a kind; anything else is refused. */
static enum otel_err tagged(struct builder *b, const char *tag, const char *text,
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

static enum otel_err typed(struct builder *b, const yaml_event_t *event, const char *text,
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

static enum otel_err scalar(struct builder *b, const yaml_event_t *event, size_t depth,
                            struct node *ret)
{
    const char *text = (const char *)event->data.scalar.value, *why;
    struct otl_yaml_pos pos = position(b, event->start_mark);
    enum otel_err err = count_node(b, pos, depth);
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
        err = otl_yaml_substitute(text, b->options, &buf, &why);
    if (err == OTEL_ERR_SYNTAX)
        err = otl_yaml_error(b->reterr, pos, "%s", why);
    else if (err == OTEL_OK && !otl_utf8_valid(buf.data, buf.len))
        err = otl_yaml_error(b->reterr, pos, "the variable's value is not UTF-8");
    else if (err == OTEL_OK)
        err = typed(b, event, buf.data, pos, &ret->value);
    otl_buf_fini(&buf);
    return err;
}

static enum otel_err build(struct builder *b, const yaml_event_t *event, size_t depth,
                           struct node *ret);

static enum otel_err read_key(struct builder *b, const yaml_event_t *event, const json_t *map,
                              bool *ret_merge)
{
    const char *key = (const char *)event->data.scalar.value;
    struct otl_yaml_pos pos = position(b, event->start_mark), first;
    bool is_plain = event->type == YAML_SCALAR_EVENT &&
                    event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

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
static enum otel_err merge(struct builder *b, json_t *map, const json_t *merges, size_t depth)
{
    enum otel_err err = OTEL_OK;

    b->copying = otl_yaml_container_pos(b->doc, map);
    for (size_t i = 0; err == OTEL_OK && i < json_array_size(merges); i++) {
        const json_t *from = json_array_get(merges, i);
        if (json_is_array(from))
            err = merge(b, map, from, depth);
        else if (json_is_object(from))
            err = copy_map(b, from, map, depth);
        else
            err = otl_yaml_error(b->reterr, otl_yaml_container_pos(b->doc, map),
                                 "<< merges a map or a list of maps, nothing else");
    }
    return err;
}

static enum otel_err fill_map(struct builder *b, json_t *map, json_t *merges, size_t depth)
{
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK) {
        yaml_event_t key, event;
        struct node entry = {NULL, {NULL, 0, 0}};
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
            err = add_entry(b, map, (const char *)key.data.scalar.value,
                            position(b, key.start_mark), entry);
        yaml_event_delete(&key);
    }
    return err;
}

static enum otel_err build_map(struct builder *b, struct otl_yaml_pos pos, size_t depth,
                               json_t **ret)
{
    json_t *map, *merges = json_array();
    enum otel_err err = merges ? container(b, true, pos, &map) : OTEL_ERR_MEMORY;

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

static enum otel_err build_list(struct builder *b, struct otl_yaml_pos pos, size_t depth,
                                json_t **ret)
{
    json_t *list;
    enum otel_err err = container(b, false, pos, &list);

    if (err != OTEL_OK)
        return err;
    for (;;) {
        yaml_event_t event;
        struct node item = {NULL, {NULL, 0, 0}};
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
            err = add_item(b, list, item);
        if (err != OTEL_OK)
            break;
    }
    json_decref(list);
    return err;
}

static enum otel_err build_container(struct builder *b, const yaml_event_t *event, size_t depth,
                                     struct node *ret)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    const char *tag = (const char *)(map ? event->data.mapping_start.tag
                                         : event->data.sequence_start.tag);
    enum otel_err err;

    ret->pos = position(b, event->start_mark);
    if (tag != NULL && strcmp(tag, map ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
        return otl_yaml_error(b->reterr, ret->pos, "the tag %s is not supported", tag);
    err = count_node(b, ret->pos, depth);
    if (err != OTEL_OK)
        return err;
    return map ? build_map(b, ret->pos, depth, &ret->value)
               : build_list(b, ret->pos, depth, &ret->value);
}

static enum otel_err build(struct builder *b, const yaml_event_t *event, size_t depth,
                           struct node *ret)
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
        err = remember(b, (const char *)anchor, ret);
    if (err != OTEL_OK) {
        json_decref(ret->value);
        ret->value = NULL;
    }
    return err;
}

/* The stream's events around and after the one document. */
static enum otel_err build_stream(struct builder *b, struct node *ret)
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
            err = otl_yaml_error(b->reterr, position(b, event.start_mark),
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

static void fini(struct builder *b)
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
    struct builder b = {.options = options, .text = text, .len = len, .doc = doc,
                        .reterr = reterr};
    struct node root = {NULL, {NULL, 0, 0}};
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
