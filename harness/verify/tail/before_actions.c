/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "harness/verify/tail/before.h"
#include "harness/verify/tail/rules.h"
#include "sdk/base/text.h"

/* attributes and resource: the actions, read from the configuration anew for every span. */

static const char *word(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text != NULL ? text : "";
}

static bool verb_is(const json_t *action, const char *verb)
{
    const char *text = word(action, "action");

    while (*verb != '\0' && tolower((unsigned char)*text) == *verb) {
        text++;
        verb++;
    }
    return *verb == '\0' && *text == '\0';
}

static struct hx_tail_value value_of(const json_t *tree)
{
    struct hx_tail_value value = {.kind = HX_TAIL_OTHER};

    if (json_is_string(tree)) {
        value.kind = HX_TAIL_TEXT;
        value.text = otl_view(json_string_value(tree), json_string_length(tree));
    } else if (json_is_integer(tree)) {
        value.kind = HX_TAIL_INT;
        value.integer = json_integer_value(tree);
    } else if (json_is_real(tree)) {
        value.kind = HX_TAIL_REAL;
        value.real = json_real_value(tree);
    } else if (json_is_boolean(tree)) {
        value.kind = HX_TAIL_BOOL;
        value.integer = json_is_true(tree);
    }
    return value;
}

static void put(const struct hx_stage *stage, const json_t *action, struct hx_draft *draft)
{
    const json_t *tree = json_object_get(action, "value");
    struct otl_view key = otl_view_str(word(action, "key"));
    struct hx_draft_list *list = hx_draft_attributes(draft, stage->where, 0);
    struct hx_tail_attribute *from;
    struct hx_tail_value value;

    if (hx_draft_find(list, key) != NULL ? verb_is(action, "insert") : verb_is(action, "update"))
        return;
    if (tree != NULL && !json_is_null(tree)) {
        value = value_of(tree);
    } else {
        from = hx_draft_find(list, otl_view_str(word(action, "from_attribute")));
        if (from == NULL)
            return;
        value = from->value;
    }
    hx_draft_set(draft, list, key, &value);
}

/* delete and hash: the key, and every key that the pattern is found in. */
static void sweep(struct hx_before *before, const struct hx_stage *stage, const json_t *action,
                  struct hx_draft *draft)
{
    struct hx_draft_list *list = hx_draft_attributes(draft, stage->where, 0);
    const json_t *pattern = json_object_get(action, "pattern");
    struct otl_view key = otl_view_str(word(action, "key"));
    bool hash = verb_is(action, "hash");

    for (size_t i = list->count; i-- > 0;) {
        struct hx_tail_attribute *entry = &list->items[i];
        bool named = key.len > 0 && otl_view_equal(entry->key, key);
        bool found =
            pattern != NULL && hx_pattern_in(hx_before_pattern(before, pattern), entry->key);
        if (!named && !found)
            continue;
        if (!hash)
            hx_draft_remove(list, i);
        else
            for (int times = named + found; times > 0; times--)
                entry->value = hx_draft_sha256(draft, &entry->value);
    }
}

static void extract(struct hx_before *before, const struct hx_stage *stage, const json_t *action,
                    struct hx_draft *draft)
{
    struct hx_draft_list *list = hx_draft_attributes(draft, stage->where, 0);
    struct hx_tail_attribute *entry = hx_draft_find(list, otl_view_str(word(action, "key")));
    const pcre2_code *code = hx_before_pattern(before, json_object_get(action, "pattern"));
    pcre2_match_data *data;
    struct otl_view text;
    uint32_t names = 0, width = 0;
    PCRE2_SPTR table = NULL;
    PCRE2_SIZE *ends;

    if (entry == NULL || entry->value.kind != HX_TAIL_TEXT)
        return;
    text = entry->value.text;
    data = pcre2_match_data_create_from_pattern(code, NULL);
    draft->failed |= data == NULL;
    if (data == NULL)
        return;
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &names);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &width);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
    ends = pcre2_get_ovector_pointer(data);
    if (pcre2_match(code, (PCRE2_SPTR)(text.len > 0 ? text.data : ""), text.len, 0, 0, data,
                    NULL) <= 0)
        names = 0;
    for (uint32_t i = 0; i < names; i++) {
        const uint8_t *row = table + (size_t)i * width;
        size_t group = (size_t)(row[0] << 8 | row[1]);
        struct hx_tail_value value = {.kind = HX_TAIL_TEXT, .text = {"", 0}};
        if (ends[2 * group] != PCRE2_UNSET)
            value.text = otl_view(text.data + ends[2 * group],
                                  ends[2 * group + 1] - ends[2 * group]);
        hx_draft_set(draft, list, otl_view_str((const char *)row + 2), &value);
    }
    pcre2_match_data_free(data);
}

static bool to_number(struct hx_draft *draft, struct hx_tail_value *value, bool whole)
{
    struct otl_view text = value->text;
    const char *digits;

    if (value->kind == HX_TAIL_TEXT) {
        text = hx_draft_copy(draft, text);
        digits = text.data + (*text.data == '+' && isdigit((unsigned char)text.data[1]));
        if (whole ? otl_parse_int(digits, INT64_MIN, INT64_MAX, &value->integer) != OTEL_OK
                  : otl_parse_double(digits, -1e308, 1e308, &value->real) != OTEL_OK)
            return false;
    } else if (value->kind == HX_TAIL_REAL && whole) {
        bool fits = value->real >= -0x1p63 && value->real < 0x1p63;
        value->integer = fits ? (int64_t)value->real : INT64_MIN;
    } else if (value->kind == HX_TAIL_INT || value->kind == HX_TAIL_BOOL) {
        value->real = (double)value->integer;
    } else if (value->kind != HX_TAIL_REAL) {
        return false;
    }
    value->kind = whole ? HX_TAIL_INT : HX_TAIL_REAL;
    return true;
}

static void convert(const struct hx_stage *stage, const json_t *action, struct hx_draft *draft)
{
    struct hx_tail_attribute *entry = hx_draft_find(hx_draft_attributes(draft, stage->where, 0),
                                                    otl_view_str(word(action, "key")));
    const char *to = word(action, "converted_type");

    if (entry == NULL)
        return;
    if (strcmp(to, "string") != 0) {
        (void)to_number(draft, &entry->value, strcmp(to, "int") == 0);
        return;
    }
    if (!hx_draft_text(draft, &entry->value, &entry->value.text))
        draft->span.guessed = true;
    entry->value.kind = HX_TAIL_TEXT;
}

static bool run(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft)
{
    const char *key = stage->where == HX_TAIL_RESOURCE ? "attributes" : "actions";
    const json_t *action;
    size_t i;

    if (stage->where == HX_TAIL_SPAN && !hx_before_matches(before, stage->config, draft))
        return true;
    json_array_foreach(json_object_get(stage->config, key), i, action) {
        if (verb_is(action, "delete") || verb_is(action, "hash"))
            sweep(before, stage, action, draft);
        else if (verb_is(action, "extract"))
            extract(before, stage, action, draft);
        else if (verb_is(action, "convert"))
            convert(stage, action, draft);
        else
            put(stage, action, draft);
    }
    return true;
}

enum otel_err hx_before_actions(struct hx_before *before, struct hx_stage *stage, const char *key)
{
    const json_t *action, *pattern;
    size_t i;

    stage->where = strcmp(key, "actions") == 0 ? HX_TAIL_SPAN : HX_TAIL_RESOURCE;
    stage->run = run;
    json_array_foreach(json_object_get(stage->config, key), i, action) {
        pattern = json_object_get(action, "pattern");
        if (json_object_get(action, "from_context") != NULL)
            return hx_before_refuse(before, stage, "from_context");
        if (pattern != NULL && hx_before_pattern(before, pattern) == NULL)
            return hx_before_refuse(before, stage, "a pattern that does not compile");
    }
    return hx_before_match_check(before, stage, stage->config);
}
