/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/condition.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/condition_tree.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { TEXT_MAX = 65536, TERMS_MAX = 256, DEPTH_MAX = 32, ARENA_MAX = 4 << 20, WORD_MAX = 64 };

struct col_term *col_parse_fail(struct col_parser *p, const char *what)
{
    otl_detail_set(p->reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "'%.200s', character %zu: %s", p->text,
                   (size_t)(p->at - p->text) + 1, what);
    return NULL;
}

void col_parse_skip(struct col_parser *p)
{
    while (*p->at != '\0' && isspace((unsigned char)*p->at))
        p->at++;
}

bool col_parse_take(struct col_parser *p, const char *mark)
{
    size_t len = strlen(mark);

    col_parse_skip(p);
    if (strncmp(p->at, mark, len) != 0)
        return false;
    p->at += len;
    return true;
}

/* A word of letters, digits, underscores and dots; not taken. */
size_t col_parse_word_length(struct col_parser *p)
{
    size_t len = 0;

    col_parse_skip(p);
    while (isalnum((unsigned char)p->at[len]) || p->at[len] == '_' || p->at[len] == '.')
        len++;
    return len;
}

bool col_parse_word(struct col_parser *p, const char *word)
{
    size_t len = col_parse_word_length(p);

    if (len != strlen(word) || strncmp(p->at, word, len) != 0)
        return false;
    p->at += len;
    return true;
}

struct col_term *col_parse_term(struct col_parser *p, enum col_term_kind kind)
{
    struct col_term *term;

    if (++p->terms > TERMS_MAX)
        return col_parse_fail(p, "more than 256 terms");
    term = otl_arena_zalloc(&p->condition->arena, sizeof(*term));
    if (term == NULL)
        otl_detail_set(p->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    else
        term->kind = kind;
    return term;
}

/* A text in double quotes, with \" and \\ and \n and \t; NULL: none, or an error. */
char *col_parse_string(struct col_parser *p)
{
    size_t len = 0;
    char *out;

    col_parse_skip(p);
    if (*p->at != '"')
        return NULL;
    out = otl_arena_alloc(&p->condition->arena, strlen(p->at));
    if (out == NULL)
        return NULL;
    for (p->at++; *p->at != '"'; p->at++) {
        if (*p->at == '\\' && p->at[1] != '\0') {
            p->at++;
            out[len++] = (char)(*p->at == 'n' ? '\n' : *p->at == 't' ? '\t' : *p->at);
        } else if (*p->at == '\0') {
            (void)col_parse_fail(p, "the text has no end");
            return NULL;
        } else {
            out[len++] = *p->at;
        }
    }
    p->at++;
    out[len] = '\0';
    return out;
}

/* ---- values ---- */

static struct col_term *number(struct col_parser *p)
{
    struct col_term *term;
    char text[WORD_MAX];
    size_t len = *p->at == '-' || *p->at == '+';

    while (isalnum((unsigned char)p->at[len]) || p->at[len] == '.')
        len++;
    if (len >= sizeof(text))
        return col_parse_fail(p, "too long for a number");
    memcpy(text, p->at, len);
    text[len] = '\0';
    term = col_parse_term(p, COL_TERM_LITERAL);
    if (term == NULL)
        return NULL;
    term->literal.kind = COL_VALUE_INT;
    if (otl_parse_int(text, INT64_MIN, INT64_MAX, &term->literal.integer) != OTEL_OK) {
        double real;
        if (otl_parse_double(text, -1e308, 1e308, &real) != OTEL_OK)
            return col_parse_fail(p, "this is no number");
        term->literal.kind = COL_VALUE_DOUBLE;
        term->literal.real = real;
    }
    p->at += len;
    return term;
}

static const struct {
    const char *word;
    int64_t number;
} enums[] = {
    {"STATUS_CODE_UNSET", 0}, {"STATUS_CODE_OK", 1},       {"STATUS_CODE_ERROR", 2},
    {"SPAN_KIND_UNSPECIFIED", 0}, {"SPAN_KIND_INTERNAL", 1}, {"SPAN_KIND_SERVER", 2},
    {"SPAN_KIND_CLIENT", 3}, {"SPAN_KIND_PRODUCER", 4}, {"SPAN_KIND_CONSUMER", 5},
};

static const struct {
    const char *word;
    enum col_term_kind kind;
} paths[] = {
    {"span.attributes", COL_TERM_ATTRIBUTE},
    {"resource.attributes", COL_TERM_RESOURCE_ATTRIBUTE},
    {"spanevent.attributes", COL_TERM_EVENT_ATTRIBUTE},
    {"span.name", COL_TERM_NAME},
    {"spanevent.name", COL_TERM_EVENT_NAME},
    {"span.kind", COL_TERM_KIND},
    {"span.status.code", COL_TERM_STATUS_CODE},
    {"span.status.message", COL_TERM_STATUS_MESSAGE},
    {"span.trace_state", COL_TERM_TRACE_STATE},
    {"span.start_time_unix_nano", COL_TERM_START},
    {"span.end_time_unix_nano", COL_TERM_END},
    {"span.trace_id.string", COL_TERM_TRACE_ID},
    {"span.span_id.string", COL_TERM_SPAN_ID},
    {"span.parent_span_id.string", COL_TERM_PARENT_ID},
};

static struct col_term *literal(struct col_parser *p, enum col_value_kind kind,
                                int64_t number_value)
{
    struct col_term *term = col_parse_term(p, COL_TERM_LITERAL);

    if (term == NULL)
        return NULL;
    term->literal.kind = kind;
    if (kind == COL_VALUE_BOOL)
        term->literal.boolean = number_value != 0;
    else if (kind == COL_VALUE_INT)
        term->literal.integer = number_value;
    return term;
}

struct col_term *col_parse_key(struct col_parser *p, struct col_term *term)
{
    if (!col_parse_take(p, "["))
        return col_parse_fail(p, "attributes need a key: [\"...\"]");
    term->text = col_parse_string(p);
    if (term->text == NULL || !col_parse_take(p, "]"))
        return col_parse_fail(p, "a key in quotes and ] were expected");
    return term;
}

static bool needs_key(enum col_term_kind kind)
{
    return kind == COL_TERM_ATTRIBUTE || kind == COL_TERM_RESOURCE_ATTRIBUTE ||
           kind == COL_TERM_EVENT_ATTRIBUTE;
}

/* The word as a path; bare ones belong to the event, where the condition is on events. */
static struct col_term *path(struct col_parser *p, size_t len)
{
    bool event_word = p->condition->on == COL_ON_EVENT &&
                      ((len == 4 && strncmp(p->at, "name", 4) == 0) ||
                       (len == 10 && strncmp(p->at, "attributes", 10) == 0));
    struct col_term *term;
    char word[WORD_MAX * 2];

    if (len == 0 || len >= WORD_MAX)
        return col_parse_fail(p, "a value was expected");
    if (p->condition->on_resource) {
        if (!col_parse_word(p, "attributes") && !col_parse_word(p, "resource.attributes"))
            return col_parse_fail(p, "of a resource there are attributes only");
        term = col_parse_term(p, COL_TERM_RESOURCE_ATTRIBUTE);
        return term != NULL ? col_parse_key(p, term) : NULL;
    }
    if (p->condition->on > COL_ON_EVENT)
        return col_parse_item_path(p, len);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        bool is_event = strncmp(paths[i].word, "spanevent.", 10) == 0;
        const char *bare = strchr(paths[i].word, '.') + 1;
        bool whole = strlen(paths[i].word) == len && strncmp(p->at, paths[i].word, len) == 0;
        bool prefixless = strlen(bare) == len && strncmp(p->at, bare, len) == 0 &&
                          is_event == event_word && paths[i].word[0] == 's';
        if (!whole && !prefixless)
            continue;
        if (is_event && p->condition->on != COL_ON_EVENT)
            return col_parse_fail(p, "there is no event in a condition on spans");
        p->at += len;
        term = col_parse_term(p, paths[i].kind);
        return term != NULL && needs_key(term->kind) ? col_parse_key(p, term) : term;
    }
    snprintf(word, sizeof(word), "'%.*s' is not known here", (int)len, p->at);
    return col_parse_fail(p, word);
}

struct col_term *col_parse_value(struct col_parser *p)
{
    size_t len = col_parse_word_length(p);
    int64_t item_number;
    char *text;

    if (*p->at == '"') {
        struct col_term *term;
        text = col_parse_string(p);
        term = text != NULL ? literal(p, COL_VALUE_STRING, 0) : NULL;
        if (term != NULL)
            term->literal.text = otl_view_str(text);
        return term;
    }
    if (*p->at == '-' || *p->at == '+' || isdigit((unsigned char)*p->at))
        return number(p);
    if (col_parse_word(p, "nil"))
        return literal(p, COL_VALUE_EMPTY, 0);
    if (col_parse_word(p, "true"))
        return literal(p, COL_VALUE_BOOL, 1);
    if (col_parse_word(p, "false"))
        return literal(p, COL_VALUE_BOOL, 0);
    for (size_t i = 0; i < sizeof(enums) / sizeof(enums[0]); i++)
        if (col_parse_word(p, enums[i].word))
            return literal(p, COL_VALUE_INT, enums[i].number);
    if (col_parse_item_enum(p, &item_number))
        return literal(p, COL_VALUE_INT, item_number);
    return path(p, len);
}

/* ---- what is true or false ---- */

static struct col_term *add_pattern(struct col_parser *p, struct col_term *term)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char why[300];

    if (col_patterns_new(0, &term->patterns) != OTEL_OK)
        return col_parse_fail(p, "out of memory");
    term->next = p->condition->with_patterns;
    p->condition->with_patterns = term;
    if (col_patterns_add(term->patterns, otl_view_str(term->text), &detail) == OTEL_OK)
        return term;
    snprintf(why, sizeof(why), "the regular expression: %.250s", detail.text);
    return col_parse_fail(p, why);
}

static const struct {
    const char *word;
    enum col_term_kind kind;
    unsigned arguments;
} functions[] = {
    {"IsMatch", COL_TERM_IS_MATCH, 2},      {"HasPrefix", COL_TERM_HAS_PREFIX, 2},
    {"HasSuffix", COL_TERM_HAS_SUFFIX, 2},  {"IsString", COL_TERM_IS_STRING, 1},
    {"IsInt", COL_TERM_IS_INT, 1},          {"IsDouble", COL_TERM_IS_DOUBLE, 1},
    {"IsBool", COL_TERM_IS_BOOL, 1},        {"IsRootSpan", COL_TERM_IS_ROOT, 0},
};

static struct col_term *call(struct col_parser *p, size_t function)
{
    struct col_term *term = col_parse_term(p, functions[function].kind);

    if (term == NULL)
        return NULL;
    if (term->kind == COL_TERM_IS_ROOT &&
        (p->condition->on_resource || p->condition->on > COL_ON_EVENT))
        return col_parse_fail(p, "there is no span in a condition on resources");
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected");
    if (functions[function].arguments > 0 && (term->left = col_parse_value(p)) == NULL)
        return NULL;
    if (functions[function].arguments > 1) {
        if (!col_parse_take(p, ","))
            return col_parse_fail(p, ", was expected");
        term->text = col_parse_string(p);
        if (term->text == NULL)
            return col_parse_fail(p, "a text in quotes was expected");
        if (term->kind == COL_TERM_IS_MATCH && add_pattern(p, term) == NULL)
            return NULL;
    }
    return col_parse_take(p, ")") ? term : col_parse_fail(p, ") was expected");
}

static bool take_comparison(struct col_parser *p, enum col_compare *ret)
{
    static const char *const marks[] = {"==", "!=", "<=", ">=", "<", ">"};
    static const enum col_compare compares[] = {COL_EQ, COL_NE, COL_LE, COL_GE, COL_LT, COL_GT};

    for (size_t i = 0; i < 6; i++) {
        if (!col_parse_take(p, marks[i]))
            continue;
        *ret = compares[i];
        return true;
    }
    return false;
}

static struct col_term *comparison(struct col_parser *p)
{
    struct col_term *left = col_parse_value(p), *term;
    enum col_compare compare;

    if (left == NULL)
        return NULL;
    if (!take_comparison(p, &compare)) {
        if (left->kind == COL_TERM_LITERAL && left->literal.kind == COL_VALUE_BOOL)
            return left;
        return col_parse_fail(p, "a comparison (== != < <= > >=) was expected");
    }
    term = col_parse_term(p, COL_TERM_COMPARE);
    if (term == NULL)
        return NULL;
    term->compare = compare;
    term->left = left;
    term->right = col_parse_value(p);
    return term->right != NULL ? term : NULL;
}

static struct col_term *primary(struct col_parser *p)
{
    struct col_term *term;

    if (col_parse_word(p, "not")) {
        term = col_parse_term(p, COL_TERM_NOT);
        if (term == NULL || ++p->depth > DEPTH_MAX)
            return term == NULL ? NULL : col_parse_fail(p, "nested too deeply");
        term->left = primary(p);
        p->depth--;
        return term->left != NULL ? term : NULL;
    }
    if (col_parse_take(p, "(")) {
        if (++p->depth > DEPTH_MAX)
            return col_parse_fail(p, "nested too deeply");
        term = col_parse_any_of(p);
        p->depth--;
        return term == NULL || col_parse_take(p, ")") ? term : col_parse_fail(p, ") was expected");
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (col_parse_word(p, functions[i].word))
            return call(p, i);
    return comparison(p);
}

static struct col_term *join(struct col_parser *p, enum col_term_kind kind, const char *word,
                             struct col_term *(*part)(struct col_parser *p))
{
    struct col_term *left = part(p);

    while (left != NULL && col_parse_word(p, word)) {
        struct col_term *term = col_parse_term(p, kind);
        if (term == NULL)
            return NULL;
        term->left = left;
        term->right = part(p);
        left = term->right != NULL ? term : NULL;
    }
    return left;
}

static struct col_term *all_of(struct col_parser *p)
{
    return join(p, COL_TERM_AND, "and", primary);
}

struct col_term *col_parse_any_of(struct col_parser *p)
{
    return join(p, COL_TERM_OR, "or", all_of);
}

/* ---- life ---- */

enum otel_err col_condition_new(enum col_condition_on on, struct col_condition **ret)
{
    struct col_condition *condition = otl_mem_zalloc(sizeof(*condition));

    if (condition == NULL)
        return OTEL_ERR_MEMORY;
    condition->on = on;
    otl_arena_init(&condition->arena, ARENA_MAX);
    *ret = condition;
    return OTEL_OK;
}

enum otel_err col_condition_add(struct col_condition *condition, const char *text,
                                struct otl_detail *reterr)
{
    struct otl_detail own = OTL_DETAIL_NONE;
    struct col_parser p = {condition, text, text, 0, 0, reterr != NULL ? reterr : &own};
    struct col_term *term;

    if (condition->count == COL_CONDITIONS_MAX || strlen(text) > TEXT_MAX)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "too many or too long");
    term = col_parse_any_of(&p);
    col_parse_skip(&p);
    if (term != NULL && *p.at != '\0')
        term = col_parse_fail(&p, "and, or, or the end was expected");
    if (term == NULL)
        return p.reterr->code != OTEL_OK ? p.reterr->code : OTEL_ERR_MEMORY;
    condition->any[condition->count++] = term;
    return OTEL_OK;
}

void col_condition_free(struct col_condition *condition)
{
    if (condition == NULL)
        return;
    for (struct col_term *term = condition->with_patterns; term != NULL; term = term->next)
        col_patterns_free(term->patterns);
    otl_arena_fini(&condition->arena);
    otl_mem_free(condition);
}

/* ---- truth ---- */

static bool text_function(const struct col_term *term, const struct col_value *value)
{
    size_t len = strlen(term->text);

    if (value->kind != COL_VALUE_STRING)
        return false;
    if (term->kind == COL_TERM_IS_MATCH)
        return col_patterns_match(term->patterns, value->text);
    if (value->text.len < len)
        return false;
    return memcmp(term->kind == COL_TERM_HAS_PREFIX ? value->text.data
                                                    : value->text.data + value->text.len - len,
                  term->text, len) == 0;
}

static bool is_root(const struct col_span *span)
{
    static const uint8_t none[8];

    return memcmp(span->parent_span_id, none, 8) == 0;
}

bool col_term_true(const struct col_term *term, const struct col_condition_subject *subject)
{
    struct col_value left, right;
    char hex[2][33];

    switch (term->kind) {
    case COL_TERM_AND:
        return col_term_true(term->left, subject) && col_term_true(term->right, subject);
    case COL_TERM_OR:
        return col_term_true(term->left, subject) || col_term_true(term->right, subject);
    case COL_TERM_NOT:
        return !col_term_true(term->left, subject);
    case COL_TERM_IS_ROOT:
        return is_root(subject->span);
    case COL_TERM_LITERAL:
        return term->literal.boolean;
    default:
        break;
    }
    left = col_term_value(term->left, subject, hex[0]);
    switch (term->kind) {
    case COL_TERM_COMPARE:
        right = col_term_value(term->right, subject, hex[1]);
        return col_term_compare(term->compare, &left, &right);
    case COL_TERM_IS_STRING:
        return left.kind == COL_VALUE_STRING;
    case COL_TERM_IS_INT:
        return left.kind == COL_VALUE_INT;
    case COL_TERM_IS_DOUBLE:
        return left.kind == COL_VALUE_DOUBLE;
    case COL_TERM_IS_BOOL:
        return left.kind == COL_VALUE_BOOL;
    default:
        return text_function(term, &left);
    }
}

bool col_condition_true(struct col_condition *condition,
                        const struct col_condition_subject *subject)
{
    for (size_t i = 0; i < condition->count; i++)
        if (col_term_true(condition->any[i], subject))
            return true;
    return false;
}
