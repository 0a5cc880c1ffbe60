/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/statement.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/processors/action.h"
#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/processors/draft.h"
#include "collector-mock/processors/parsed.h"
#include "collector-mock/processors/replace.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum verb {
    SET,
    DELETE_KEY,
    DELETE_MATCHING,
    KEEP_KEYS,
    KEEP_MATCHING,
    MERGE,
    REPLACE,
    REPLACE_MATCH,
    REPLACE_MATCHES,
    REPLACE_PATTERNS,
    TRUNCATE,
    LIMIT
};

enum { ITEMS_MAX = 64, STATEMENTS_MAX = 256 };

enum value_kind { PLAIN, CONCAT, SHA256_OF, JSON_OF };

struct value {
    enum value_kind kind;
    const struct col_term *term; /* PLAIN, SHA256_OF, JSON_OF */
    const struct col_term *parts[ITEMS_MAX];
    size_t count;
    const char *between;
};

struct statement {
    enum verb verb;
    const struct col_term *target, *where; /* where NULL: always */
    const struct col_path *map, *from;     /* from: the other one of merge_maps; NULL: value */
    unsigned merges;
    struct value value;
    struct col_replacing replacing; /* its regex is that of the others, too */
    bool in_keys;
    const char *keys[ITEMS_MAX];
    size_t key_count;
    uint64_t number;
};

struct col_statements {
    struct col_condition *owner, *gate; /* gate NULL: none */
    struct statement *list[STATEMENTS_MAX];
    size_t count;
};

static const char *const verbs[] = {"set",
                                    "delete_key",
                                    "delete_matching_keys",
                                    "keep_keys",
                                    "keep_matching_keys",
                                    "merge_maps",
                                    "replace_pattern",
                                    "replace_match",
                                    "replace_all_matches",
                                    "replace_all_patterns",
                                    "truncate_all",
                                    "limit",
                                    NULL};

/* What becomes of a key by merge_maps; upsert is both. */
enum { INSERTS = 1, UPDATES = 2 };
static const struct {
    const char *name;
    unsigned does;
} strategies[] = {{"insert", INSERTS}, {"update", UPDATES}, {"upsert", INSERTS | UPDATES}};

/* ---- reading ---- */

static bool comma(struct col_parser *p)
{
    if (col_parse_take(p, ","))
        return true;
    col_parse_fail(p, ", was expected");
    return false;
}

static bool read_key(struct col_parser *p, struct statement *it)
{
    const char *text = col_parse_string(p);

    if (text == NULL)
        col_parse_fail(p, "a text in quotes was expected");
    else if (it->key_count == ITEMS_MAX)
        col_parse_fail(p, "more than 64 keys");
    else
        it->keys[it->key_count++] = text;
    return text != NULL && p->reterr->code == OTEL_OK;
}

static bool read_keys(struct col_parser *p, struct statement *it)
{
    bool good = col_parse_take(p, "[");

    if (!good)
        col_parse_fail(p, "[ was expected");
    if (good && col_parse_take(p, "]"))
        return true;
    do
        good = good && read_key(p, it);
    while (good && col_parse_take(p, ","));
    if (good && !col_parse_take(p, "]")) {
        col_parse_fail(p, "] was expected");
        good = false;
    }
    return good;
}

static bool read_map(struct col_parser *p, const struct col_path **ret)
{
    *ret = col_parse_map(p);
    return *ret != NULL;
}

static bool read_strategy(struct col_parser *p, struct statement *it)
{
    const char *text = col_parse_string(p);

    for (size_t i = 0; text != NULL && i < sizeof(strategies) / sizeof(strategies[0]); i++)
        if (strcmp(text, strategies[i].name) == 0)
            it->merges = strategies[i].does;
    return it->merges != 0 ||
           col_parse_fail(p, "\"insert\", \"update\" or \"upsert\" was expected") != NULL;
}

static bool read_target(struct col_parser *p, struct statement *it)
{
    it->target = col_parse_value(p);
    return it->target != NULL && (it->target->kind == COL_TERM_PATH ||
                                  col_parse_fail(p, "this cannot be set") != NULL);
}

static bool read_parts(struct col_parser *p, struct value *value)
{
    if (!col_parse_take(p, "(") || !col_parse_take(p, "["))
        return col_parse_fail(p, "([ was expected") != NULL;
    do {
        if (value->count == ITEMS_MAX)
            return col_parse_fail(p, "more than 64 parts") != NULL;
        const struct col_term *part = col_parse_value(p);
        if (part == NULL)
            return false;
        if (part->type != COL_TYPE_PLAIN)
            return col_parse_fail(p, "an id or a moment cannot be a part") != NULL;
        value->parts[value->count++] = part;
    } while (col_parse_take(p, ","));
    if (!col_parse_take(p, "]") || !comma(p))
        return col_parse_fail(p, "] and , were expected") != NULL;
    value->between = col_parse_string(p);
    if (value->between == NULL || !col_parse_take(p, ")"))
        return col_parse_fail(p, "a text in quotes and ) were expected") != NULL;
    return true;
}

/* SHA256(value), ParseJSON(value): behind the word. */
static bool read_value_of(struct col_parser *p, enum value_kind kind, struct value *value)
{
    value->kind = kind;
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected") != NULL;
    value->term = col_parse_value(p);
    if (value->term == NULL)
        return false;
    if (kind == JSON_OF && value->term->kind == COL_TERM_LITERAL &&
        value->term->literal.kind != COL_VALUE_STRING)
        return col_parse_fail(p, "a text was expected") != NULL;
    if (!col_parse_take(p, ")"))
        return col_parse_fail(p, ") was expected") != NULL;
    return kind != JSON_OF || !col_parse_take(p, "[") ||
           col_parse_not_here(p, "a part of what ParseJSON gives is not here yet") != NULL;
}

static bool read_value(struct col_parser *p, struct value *value)
{
    if (col_parse_word(p, "Concat")) {
        value->kind = CONCAT;
        return read_parts(p, value);
    }
    if (col_parse_word(p, "SHA256"))
        return read_value_of(p, SHA256_OF, value);
    if (col_parse_word(p, "ParseJSON"))
        return read_value_of(p, JSON_OF, value);
    value->term = col_parse_value(p);
    return value->term != NULL;
}

static bool read_regex(struct col_parser *p, struct statement *it)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    const char *text = col_parse_string(p);
    char said[600];

    if (text == NULL)
        return col_parse_fail(p, "a text in quotes was expected") != NULL;
    if (col_regex_new(text, &it->replacing.regex, &why) == OTEL_OK)
        return true;
    snprintf(said, sizeof(said), "the regular expression: %s", why.text);
    return col_parse_fail(p, said) != NULL;
}

static bool read_glob(struct col_parser *p, struct statement *it)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    const char *from, *text;

    col_parse_skip(p);
    from = p->at;
    text = col_parse_string(p);
    if (text == NULL)
        return col_parse_fail(p, "a text in quotes was expected") != NULL;
    if (col_glob_new(&p->condition->arena, text, &it->replacing.glob, &why) == OTEL_OK)
        return true;
    p->at = from;
    return (why.code == OTEL_ERR_UNSUPPORTED ? col_parse_not_here(p, why.text)
                                             : col_parse_fail(p, why.text)) != NULL;
}

static bool read_mode(struct col_parser *p, struct statement *it)
{
    const char *text = col_parse_string(p);

    it->in_keys = text != NULL && strcmp(text, "key") == 0;
    return it->in_keys || (text != NULL && strcmp(text, "value") == 0) ||
           col_parse_fail(p, "\"key\" or \"value\" was expected") != NULL;
}

/* What to replace with. The Collector takes a function behind it that has the last word. */
static bool read_with(struct col_parser *p, struct statement *it)
{
    it->replacing.with = col_parse_string(p);
    if (it->replacing.with == NULL)
        return col_parse_fail(p, "a text in quotes was expected") != NULL;
    if (!col_parse_take(p, ","))
        return true;
    col_parse_skip(p);
    return col_parse_not_here(p, "a function or a format for what is replaced with is of the "
                                 "Collector and not here yet") != NULL;
}

static bool read_number(struct col_parser *p, struct statement *it)
{
    const struct col_term *term = col_parse_value(p);

    if (term == NULL)
        return false;
    if (term->kind != COL_TERM_LITERAL || term->literal.kind != COL_VALUE_INT ||
        term->literal.integer < 0)
        return col_parse_fail(p, "a number from 0 was expected") != NULL;
    it->number = (uint64_t)term->literal.integer;
    return true;
}

/* The other map of merge_maps. */
static bool read_from(struct col_parser *p, struct statement *it)
{
    return col_parse_word(p, "ParseJSON") ? read_value_of(p, JSON_OF, &it->value)
                                          : read_map(p, &it->from);
}

static bool read_arguments(struct col_parser *p, struct statement *it)
{
    switch (it->verb) {
    case SET:
        return read_target(p, it) && comma(p) && read_value(p, &it->value);
    case REPLACE:
        return read_target(p, it) && comma(p) && read_regex(p, it) && comma(p) && read_with(p, it);
    case REPLACE_MATCH:
        return read_target(p, it) && comma(p) && read_glob(p, it) && comma(p) && read_with(p, it);
    case REPLACE_MATCHES:
        return read_map(p, &it->map) && comma(p) && read_glob(p, it) && comma(p) &&
               read_with(p, it);
    case REPLACE_PATTERNS:
        return read_map(p, &it->map) && comma(p) && read_mode(p, it) && comma(p) &&
               read_regex(p, it) && comma(p) && read_with(p, it);
    case DELETE_KEY:
        return read_map(p, &it->map) && comma(p) && read_key(p, it);
    case DELETE_MATCHING:
    case KEEP_MATCHING:
        return read_map(p, &it->map) && comma(p) && read_regex(p, it);
    case MERGE:
        return read_map(p, &it->map) && comma(p) && read_from(p, it) && comma(p) &&
               read_strategy(p, it);
    case KEEP_KEYS:
        return read_map(p, &it->map) && comma(p) && read_keys(p, it);
    case TRUNCATE:
        return read_map(p, &it->map) && comma(p) && read_number(p, it);
    default:
        return read_map(p, &it->map) && comma(p) && read_number(p, it) && comma(p) &&
               read_keys(p, it);
    }
}

static bool read_verb(struct col_parser *p, struct statement *it)
{
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (col_parse_word(p, verbs[i])) {
            it->verb = (enum verb)i;
            return true;
        }
    return col_parse_no_function(p, verbs) != NULL;
}

static bool read_statement(struct col_parser *p, struct statement *it)
{
    if (!read_verb(p, it))
        return false;
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected") != NULL;
    if (!read_arguments(p, it))
        return false;
    if (!col_parse_take(p, ")"))
        return col_parse_fail(p, ") was expected") != NULL;
    if (col_parse_word(p, "where") && (it->where = col_parse_any_of(p)) == NULL)
        return false;
    col_parse_skip(p);
    return *p->at == '\0' || col_parse_fail(p, "where, or the end was expected") != NULL;
}

enum otel_err col_statements_new(enum col_condition_on on, bool named,
                                 struct col_statements **ret)
{
    struct col_statements *statements = otl_mem_zalloc(sizeof(*statements));

    if (statements == NULL || col_condition_new(on, &statements->owner) != OTEL_OK ||
        col_condition_new(on, &statements->gate) != OTEL_OK) {
        col_statements_free(statements);
        return OTEL_ERR_MEMORY;
    }
    statements->owner->named = statements->gate->named = named;
    *ret = statements;
    return OTEL_OK;
}

enum otel_err col_statements_add(struct col_statements *statements, const char *text,
                                 struct otl_detail *reterr)
{
    struct otl_detail own = OTL_DETAIL_NONE;
    struct col_parser p = {.condition = statements->owner, .text = text, .at = text,
                           .reterr = reterr != NULL ? reterr : &own};
    struct statement *it;

    if (statements->count == STATEMENTS_MAX || strlen(text) > 65536)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "too many or too long");
    it = otl_arena_zalloc(&statements->owner->arena, sizeof(*it));
    if (it == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    statements->list[statements->count++] = it;
    if (read_statement(&p, it))
        return OTEL_OK;
    if (p.reterr->code == OTEL_ERR_UNSUPPORTED)
        return OTEL_ERR_UNSUPPORTED;
    return otl_detail_set(p.reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "'%.200s' is no statement", text);
}

enum otel_err col_statements_add_condition(struct col_statements *statements, const char *text,
                                           struct otl_detail *reterr)
{
    return col_condition_add(statements->gate, text, reterr);
}

void col_statements_free(struct col_statements *statements)
{
    if (statements == NULL)
        return;
    for (size_t i = 0; i < statements->count; i++)
        col_regex_free(statements->list[i]->replacing.regex);
    col_condition_free(statements->owner);
    col_condition_free(statements->gate);
    otl_mem_free(statements);
}

/* ---- running ---- */

static struct col_condition_subject subject_of(const struct col_draft *draft)
{
    struct col_condition_subject subject = {.span = draft->span,
                                            .resource = &draft->resource->attributes,
                                            .scope = draft->scope,
                                            .event = draft->event,
                                            .log = draft->log,
                                            .metric = draft->metric,
                                            .point = draft->point};

    return subject;
}

static struct col_value value_of(const struct col_term *term, const struct col_draft *draft,
                                 char scratch[COL_SCALAR_TEXT])
{
    const struct col_condition_subject subject = subject_of(draft);

    return col_term_value(term, &subject, scratch);
}

static bool fails(const struct col_term *term, const struct col_draft *draft)
{
    const struct col_condition_subject subject = subject_of(draft);

    return col_term_fails(term, &subject);
}

static enum otel_err join(const struct value *value, const struct col_draft *draft,
                          struct col_value *ret)
{
    enum otel_err err = OTEL_OK;
    struct otl_view text;
    struct otl_buf out;
    char scratch[COL_SCALAR_TEXT], *copy;

    otl_buf_init(&out, 16 << 20);
    for (size_t i = 0; i < value->count && err == OTEL_OK; i++) {
        struct col_value part = value_of(value->parts[i], draft, scratch);
        if (fails(value->parts[i], draft))
            err = OTEL_ERR_ARGUMENT;
        else if (i > 0)
            err = otl_buf_append_str(&out, value->between);
        if (part.kind == COL_VALUE_EMPTY)
            text = otl_view_str("<nil>");
        else if (!col_edit_text(draft->arena, &part, &text))
            continue;
        if (err == OTEL_OK && text.len > 0)
            err = otl_buf_append(&out, text.data, text.len);
    }
    copy = err == OTEL_OK ? otl_arena_strndup(draft->arena, out.len > 0 ? out.data : "", out.len)
                          : NULL;
    memset(ret, 0, sizeof(*ret));
    ret->kind = COL_VALUE_STRING;
    ret->text = otl_view(copy, out.len);
    otl_buf_fini(&out);
    return err == OTEL_OK && copy == NULL ? OTEL_ERR_MEMORY : err;
}

/* What stands in the statement as a value; it may point into scratch. */
static enum otel_err evaluate(const struct value *it, const struct col_draft *draft,
                              char scratch[COL_SCALAR_TEXT], struct col_value *ret)
{
    if (it->kind == CONCAT)
        return join(it, draft, ret);
    if (fails(it->term, draft))
        return OTEL_ERR_ARGUMENT;
    *ret = value_of(it->term, draft, scratch);
    if (it->kind == PLAIN)
        return OTEL_OK;
    if (ret->kind != COL_VALUE_STRING)
        return OTEL_ERR_ARGUMENT;
    return it->kind == JSON_OF ? col_parsed_json(draft->arena, ret->text, ret)
                               : col_action_hash(draft->arena, ret, ret);
}

static enum otel_err set(const struct statement *it, const struct col_draft *draft)
{
    char scratch[COL_SCALAR_TEXT];
    struct col_value value;
    enum otel_err err = evaluate(&it->value, draft, scratch, &value);

    if (err != OTEL_OK || value.kind == COL_VALUE_EMPTY)
        return err;
    return col_draft_set(draft, it->target, &value,
                         it->value.kind == PLAIN ? it->value.term->type : COL_TYPE_PLAIN);
}

static enum otel_err replace(const struct statement *it, const struct col_draft *draft)
{
    char scratch[COL_SCALAR_TEXT];
    struct col_value value = value_of(it->target, draft, scratch);
    enum otel_err err;
    bool any = false;

    if (fails(it->target, draft))
        return OTEL_ERR_ARGUMENT;
    if (value.kind != COL_VALUE_STRING)
        return OTEL_OK;
    err = col_replace_text(&it->replacing, draft->arena, value.text, &value.text, &any);
    return err == OTEL_OK && any ? col_draft_set(draft, it->target, &value, COL_TYPE_PLAIN) : err;
}

static bool is_key(const struct statement *it, struct otl_view key)
{
    for (size_t i = 0; i < it->key_count; i++)
        if (otl_view_is(key, it->keys[i]))
            return true;
    return false;
}

static enum otel_err truncate_entry(const struct statement *it, struct col_attributes *map,
                                    struct col_entry *entry)
{
    struct col_value value;
    struct otl_view bytes;
    enum otel_err err;

    col_value_split(entry->value, &value);
    if (value.kind != COL_VALUE_STRING || value.text.len <= it->number)
        return OTEL_OK;
    value.text.len = otl_utf8_prefix(value.text.data, (size_t)it->number);
    err = col_edit_value(map->arena, &value, &bytes);
    return err == OTEL_OK ? col_attributes_set(map, entry->key, bytes) : err;
}

/* The first number of those that are left, the named ones before all. */
static void limit(const struct statement *it, struct col_attributes *map)
{
    uint64_t named = 0, room;

    for (size_t i = 0; i < map->count; i++)
        named += is_key(it, map->entries[i].key);
    room = it->number > named ? it->number - named : 0;
    for (size_t i = 0; i < map->count;) {
        if (is_key(it, map->entries[i].key) || room > 0) {
            room -= !is_key(it, map->entries[i].key);
            i++;
        } else {
            col_attributes_remove(map, i);
        }
    }
}

static bool is_to_go(const struct statement *it, struct otl_view key)
{
    struct otl_view groups[COL_REGEX_GROUPS];

    if (it->verb == DELETE_MATCHING || it->verb == KEEP_MATCHING)
        return col_regex_match(it->replacing.regex, key, groups) == (it->verb == DELETE_MATCHING);
    return is_key(it, key) == (it->verb == DELETE_KEY);
}

static enum otel_err change_map(const struct statement *it, struct col_attributes *map)
{
    enum otel_err err = OTEL_OK;

    if (it->verb == LIMIT) {
        limit(it, map);
        return OTEL_OK;
    }
    if (it->verb == REPLACE_MATCHES || it->verb == REPLACE_PATTERNS)
        return it->in_keys ? col_replace_keys(&it->replacing, map)
                           : col_replace_values(&it->replacing, map);
    for (size_t i = map->count; i > 0 && err == OTEL_OK; i--) {
        struct col_entry *entry = &map->entries[i - 1];
        if (it->verb == TRUNCATE)
            err = truncate_entry(it, map, entry);
        else if (is_to_go(it, entry->key))
            col_attributes_remove(map, i - 1);
    }
    return err;
}

/* The other map of merge_maps: attributes, or what a text says. */
static enum otel_err open_from(const struct statement *it, const struct col_draft *draft,
                               struct col_attributes *ret)
{
    char scratch[COL_SCALAR_TEXT];
    struct col_value value;
    enum otel_err err;

    if (it->from != NULL)
        return col_draft_open(draft, it->from, ret);
    err = evaluate(&it->value, draft, scratch, &value);
    if (err != OTEL_OK || value.kind != COL_VALUE_KVLIST)
        return err != OTEL_OK ? err : OTEL_ERR_ARGUMENT;
    return col_attributes_read(draft->arena,
                               otl_view((const char *)value.list.cursor.at,
                                        (size_t)(value.list.cursor.end - value.list.cursor.at)),
                               value.list.field, ret);
}

/* The other map is read before this one is written. */
static enum otel_err merge(const struct statement *it, const struct col_draft *draft,
                           struct col_attributes *map)
{
    struct col_attributes from;
    enum otel_err err = open_from(it, draft, &from);

    for (size_t i = 0; err == OTEL_OK && i < from.count; i++) {
        const struct col_entry *entry = &from.entries[i];
        bool there = col_attributes_find(map, entry->key) != NULL;
        if ((it->merges & (there ? UPDATES : INSERTS)) != 0)
            err = col_attributes_set(map, entry->key, entry->value);
    }
    return err;
}

static enum otel_err run_on_map(const struct statement *it, const struct col_draft *draft)
{
    struct col_attributes map;
    enum otel_err err = col_draft_open(draft, it->map, &map);

    if (err == OTEL_OK)
        err = it->verb == MERGE ? merge(it, draft, &map) : change_map(it, &map);
    return err == OTEL_OK && map.changed ? col_draft_close(draft, it->map, &map) : err;
}

static enum otel_err run_one(const struct statement *it, const struct col_draft *draft)
{
    const struct col_condition_subject subject = subject_of(draft);
    enum col_truth holds = it->where != NULL ? col_term_judge(it->where, &subject) : COL_TRUE;

    if (holds != COL_TRUE)
        return holds == COL_FAILED ? OTEL_ERR_ARGUMENT : OTEL_OK;
    if (it->verb == SET)
        return set(it, draft);
    return it->target != NULL ? replace(it, draft) : run_on_map(it, draft);
}

enum otel_err col_statements_run(struct col_statements *statements, const struct col_draft *draft,
                                 bool go_on, uint64_t *failed)
{
    const struct col_condition_subject subject = subject_of(draft);
    enum otel_err err = OTEL_OK;
    bool gated = false;

    if (statements->gate->count > 0) {
        err = col_condition_judge(statements->gate, &subject, &gated);
        gated = !gated;
    }
    *failed += err != OTEL_OK;
    if (go_on)
        err = OTEL_OK;
    for (size_t i = 0; i < statements->count && err == OTEL_OK && !gated; i++) {
        err = run_one(statements->list[i], draft);
        *failed += err == OTEL_ERR_ARGUMENT;
        if (err == OTEL_ERR_ARGUMENT && go_on)
            err = OTEL_OK;
    }
    return err;
}
