/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/match.h"

#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/match_parts.h"
#include "sdk/base/mem.h"

const char *const col_match_kind_names[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                         "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                         "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER", NULL};

static void free_pairs(struct col_match_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        col_patterns_free(pairs->list[i].texts.patterns);
}

static void free_properties(struct col_match_properties *p)
{
    if (p == NULL)
        return;
    col_patterns_free(p->services.patterns);
    col_patterns_free(p->names.patterns);
    col_patterns_free(p->kinds.patterns);
    col_patterns_free(p->bodies.patterns);
    col_patterns_free(p->severities.patterns);
    free_pairs(&p->attributes);
    free_pairs(&p->resources);
    for (size_t i = 0; i < p->library_count; i++) {
        col_patterns_free(p->libraries[i].name.patterns);
        col_patterns_free(p->libraries[i].version.patterns);
    }
}

void col_match_free(struct col_match *match)
{
    if (match == NULL)
        return;
    free_properties(match->include);
    free_properties(match->exclude);
    otl_arena_fini(&match->arena);
    otl_mem_free(match);
}

static bool is_text(const json_t *text, struct otl_view view)
{
    return otl_view_equal(otl_view(json_string_value(text), json_string_length(text)), view);
}

static bool holds(const struct col_match_texts *texts, struct otl_view text)
{
    if (!texts->any)
        return true;
    if (texts->patterns != NULL)
        return col_patterns_match(texts->patterns, text);
    if (json_is_string(texts->list))
        return is_text(texts->list, text);
    for (size_t i = 0; i < json_array_size(texts->list); i++)
        if (is_text(json_array_get(texts->list, i), text))
            return true;
    return false;
}

static bool pair_holds(const struct col_match_pair *pair, const struct col_list *list)
{
    struct col_value value, wanted;
    char scratch[COL_SCALAR_TEXT];
    struct otl_view text;

    if (!col_attribute_find(list, pair->key, &value))
        return false;
    if (pair->value == NULL)
        return true;
    if (pair->texts.patterns != NULL)
        return value.kind != COL_VALUE_EMPTY && col_edit_scalar_text(&value, scratch, &text) &&
               holds(&pair->texts, text);
    col_value_split(pair->bytes, &wanted);
    return value.kind == wanted.kind && col_term_compare(COL_EQ, &value, &wanted);
}

static bool pairs_hold(const struct col_match_pairs *pairs, const struct col_list *list)
{
    bool good = true;

    for (size_t i = 0; i < pairs->count && good; i++)
        good = pair_holds(&pairs->list[i], list);
    return good;
}

/* All of them, as upstream: of two different names none is ever found. */
static bool library_holds(const struct col_match_properties *p, const struct col_scope *scope)
{
    for (size_t i = 0; i < p->library_count; i++)
        if (!holds(&p->libraries[i].name, scope->name) ||
            !holds(&p->libraries[i].version, scope->version))
            return false;
    return true;
}

static bool severity_holds(const struct col_match_severity *severity, int32_t number)
{
    if (!severity->asked)
        return true;
    return number == 0 ? severity->undefined : number >= severity->least;
}

/* As the Collector calls a service without a name. */
static bool service_holds(const struct col_match_texts *services,
                          const struct col_resource *resource)
{
    struct otl_view name = otl_view_str("<nil-service-name>");
    struct col_value value;
    struct otl_arena arena;
    bool is_true;

    if (!services->any)
        return true;
    if (!col_attribute_find(&resource->attributes, "service.name", &value))
        return holds(services, name);
    otl_arena_init(&arena, 64u << 20);
    is_true = col_edit_text(&arena, &value, &name) && holds(services, name);
    otl_arena_fini(&arena);
    return is_true;
}

static bool properties_hold(const struct col_match_properties *p,
                            const struct col_match_subject *subject)
{
    unsigned kind = subject->kind >= 0 && subject->kind <= 5 ? (unsigned)subject->kind : 0;

    if (p->either)
        return (p->resources.count > 0 &&
                pairs_hold(&p->resources, &subject->resource->attributes)) ||
               (p->names.any && holds(&p->names, subject->name));
    if (!service_holds(&p->services, subject->resource))
        return false;
    return holds(&p->names, subject->name) &&
           holds(&p->kinds, otl_view_str(col_match_kind_names[kind])) &&
           holds(&p->bodies, subject->body) && holds(&p->severities, subject->severity) &&
           severity_holds(&p->severity, subject->severity_number) &&
           library_holds(p, subject->scope) && pairs_hold(&p->attributes, subject->attributes) &&
           pairs_hold(&p->resources, &subject->resource->attributes);
}

bool col_match_true(struct col_match *match, const struct col_match_subject *subject)
{
    return (match->include == NULL || properties_hold(match->include, subject)) &&
           (match->exclude == NULL || !properties_hold(match->exclude, subject));
}

bool col_match_span(struct col_match *match, const struct col_span *span)
{
    const struct col_match_subject subject = {.resource = span->resource,
                                              .scope = span->scope,
                                              .attributes = &span->attributes,
                                              .name = span->name,
                                              .kind = span->kind};

    return col_match_true(match, &subject);
}

bool col_match_log(struct col_match *match, const struct col_log *log,
                   const struct col_resource *resource, const struct col_scope *scope)
{
    struct col_match_subject subject = {.resource = resource,
                                        .scope = scope,
                                        .attributes = &log->attributes,
                                        .severity = log->severity_text,
                                        .severity_number = log->severity_number};
    struct otl_arena arena;
    struct col_value body;
    bool is_true;

    otl_arena_init(&arena, 64u << 20);
    col_value_split(log->body, &body);
    if (!col_edit_text(&arena, &body, &subject.body))
        subject.body = otl_view("", 0);
    is_true = col_match_true(match, &subject);
    otl_arena_fini(&arena);
    return is_true;
}
