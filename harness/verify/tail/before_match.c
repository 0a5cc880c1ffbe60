/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before.h"
#include "harness/verify/tail/rules.h"

/* include and exclude of the attributes processor. */

static bool by_pattern(const json_t *properties)
{
    const char *type = json_string_value(json_object_get(properties, "match_type"));

    return type != NULL && strcmp(type, "regexp") == 0;
}

static bool fits(struct hx_before *before, const json_t *wanted, bool regexp,
                 struct otl_view text)
{
    if (regexp)
        return hx_pattern_in(hx_before_pattern(before, wanted), text);
    return otl_view_equal(otl_view(json_string_value(wanted), json_string_length(wanted)), text);
}

/* One of the list, or there is no list. */
static bool one_of(struct hx_before *before, const json_t *properties, const char *key,
                   struct otl_view text)
{
    const json_t *list = json_object_get(properties, key), *item;
    size_t i;

    json_array_foreach(list, i, item)
        if (fits(before, item, by_pattern(properties), text))
            return true;
    return json_array_size(list) == 0;
}

static bool same(const json_t *wanted, const struct hx_tail_value *value)
{
    if (json_is_string(wanted))
        return value->kind == HX_TAIL_TEXT &&
               otl_view_equal(value->text, otl_view(json_string_value(wanted),
                                                    json_string_length(wanted)));
    if (json_is_integer(wanted))
        return value->kind == HX_TAIL_INT && value->integer == json_integer_value(wanted);
    if (json_is_boolean(wanted))
        return value->kind == HX_TAIL_BOOL && (value->integer != 0) == json_is_true(wanted);
    return value->kind == HX_TAIL_REAL && json_is_real(wanted) &&
           value->real == json_real_value(wanted);
}

static bool pairs_fit(struct hx_before *before, const json_t *properties, const char *key,
                      struct hx_draft *draft, enum hx_tail_where where)
{
    const json_t *pair;
    size_t i;

    json_array_foreach(json_object_get(properties, key), i, pair) {
        const json_t *wanted = json_object_get(pair, "value");
        const char *name = json_string_value(json_object_get(pair, "key"));
        struct hx_tail_attribute *entry =
            hx_draft_find(hx_draft_attributes(draft, where, 0), otl_view_str(name));
        struct otl_view text;
        if (entry == NULL)
            return false;
        if (wanted == NULL || json_is_null(wanted))
            continue;
        if (!by_pattern(properties)) {
            if (!same(wanted, &entry->value))
                return false;
        } else if (!hx_draft_text(draft, &entry->value, &text)) {
            draft->span.guessed = true;
        } else if (!fits(before, wanted, true, text)) {
            return false;
        }
    }
    return true;
}

/* All of them: of two different names none is ever found. */
static bool libraries_fit(struct hx_before *before, const json_t *properties,
                          const struct hx_tail_span *span)
{
    const json_t *library;
    size_t i;

    json_array_foreach(json_object_get(properties, "libraries"), i, library) {
        const json_t *version = json_object_get(library, "version");
        if (!fits(before, json_object_get(library, "name"), by_pattern(properties),
                  span->scope_name) ||
            (json_is_string(version) &&
             !fits(before, version, by_pattern(properties), span->scope_version)))
            return false;
    }
    return true;
}

static bool properties_fit(struct hx_before *before, const json_t *properties,
                           struct hx_draft *draft)
{
    static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                        "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                        "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
    struct hx_tail_attribute *entry = hx_draft_find(
        hx_draft_attributes(draft, HX_TAIL_RESOURCE, 0), otl_view_str("service.name"));
    struct otl_view service = otl_view_str("<nil-service-name>");
    int32_t kind = draft->span.kind >= 0 && draft->span.kind <= 5 ? draft->span.kind : 0;

    if (entry != NULL && !hx_draft_text(draft, &entry->value, &service))
        draft->span.guessed = true;
    return one_of(before, properties, "services", service) &&
           one_of(before, properties, "span_names", draft->span.name) &&
           one_of(before, properties, "span_kinds", otl_view_str(kinds[kind])) &&
           libraries_fit(before, properties, &draft->span) &&
           pairs_fit(before, properties, "resources", draft, HX_TAIL_RESOURCE) &&
           pairs_fit(before, properties, "attributes", draft, HX_TAIL_SPAN);
}

bool hx_before_matches(struct hx_before *before, const json_t *config, struct hx_draft *draft)
{
    const json_t *include = json_object_get(config, "include");
    const json_t *exclude = json_object_get(config, "exclude");

    return (!json_is_object(include) || properties_fit(before, include, draft)) &&
           (!json_is_object(exclude) || !properties_fit(before, exclude, draft));
}

/* Of the texts in a list, or of what its maps have under this key. */
static bool all_compile(struct hx_before *before, const json_t *list, const char *key)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        const json_t *text = json_is_object(item) ? json_object_get(item, key) : item;
        if (text != NULL && !json_is_null(text) && hx_before_pattern(before, text) == NULL)
            return false;
    }
    return true;
}

enum otel_err hx_before_match_check(struct hx_before *before, const struct hx_stage *stage,
                                    const json_t *config)
{
    static const char *const sides[] = {"include", "exclude"};
    static const char *const lists[][2] = {
        {"services", ""},      {"span_names", ""},      {"span_kinds", ""},
        {"attributes", "value"}, {"resources", "value"}, {"libraries", "name"},
        {"libraries", "version"}};

    for (size_t i = 0; i < 2; i++) {
        const json_t *properties = json_object_get(config, sides[i]);
        for (size_t k = 0; by_pattern(properties) && k < sizeof(lists) / sizeof(lists[0]); k++)
            if (!all_compile(before, json_object_get(properties, lists[k][0]), lists[k][1]))
                return hx_before_refuse(before, stage, "a pattern that does not compile");
    }
    return OTEL_OK;
}
