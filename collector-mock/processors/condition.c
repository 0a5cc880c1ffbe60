/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/condition.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/condition_tree.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/schema.h"

enum { TEXT_MAX = 65536, TERMS_MAX = 256, DEPTH_MAX = 32, ARENA_MAX = 4 << 20, WORD_MAX = 64 };

static struct col_term *fail(struct col_parser *p, enum otel_err err, const char *what)
{
    otl_detail_set(p->reterr, err, NULL, 0, 0, "'%.200s', character %zu: %s", p->text,
                   (size_t)(p->at - p->text) + 1, what);
    return NULL;
}

struct col_term *col_parse_fail(struct col_parser *p, const char *what)
{
    return fail(p, OTEL_ERR_SYNTAX, what);
}

struct col_term *col_parse_not_here(struct col_parser *p, const char *what)
{
    return fail(p, OTEL_ERR_UNSUPPORTED, what);
}

struct col_term *col_parse_no_function(struct col_parser *p, const char *const *near)
{
    size_t len = col_parse_word_length(p);
    char word[WORD_MAX], suggestion[WORD_MAX], said[256];

    if (col_function_is_not_here(p->at, len)) {
        snprintf(said, sizeof(said), "'%.*s' is a function of the Collector that this one does not "
                 "have yet", (int)len, p->at);
        return col_parse_not_here(p, said);
    }
    snprintf(word, sizeof(word), "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1), p->at);
    snprintf(said, sizeof(said), "'%s' is no function that is known here%s", word,
             otl_words_suggest(near, word, suggestion, sizeof(suggestion)));
    return col_parse_fail(p, said);
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
    size_t len = *p->at == '-';

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

static struct col_term *take_key(struct col_parser *p, struct col_term *term)
{
    if (!col_parse_take(p, "["))
        return col_parse_fail(p, "attributes need a key: [\"...\"]");
    term->text = col_parse_string(p);
    if (term->text == NULL || !col_parse_take(p, "]"))
        return col_parse_fail(p, "a key in quotes and ] were expected");
    if (col_parse_take(p, "["))
        return col_parse_not_here(p, "a part of an attribute is not here yet");
    return term;
}

/* Of a body that is a map: behind body[ . */
static struct col_term *take_part(struct col_parser *p, struct col_term *term)
{
    term->text = col_parse_string(p);
    if (term->text == NULL)
        return col_parse_not_here(p, "of bodies, only parts with a key in quotes are here yet");
    if (!col_parse_take(p, "]"))
        return col_parse_fail(p, "] was expected");
    if (col_parse_take(p, "["))
        return col_parse_not_here(p, "a part of a part of a body is not here yet");
    return term;
}

static struct col_term *path_not_here(struct col_parser *p, size_t len)
{
    char said[200];

    snprintf(said, sizeof(said),
             "'%.*s' is a path of the Collector that this one does not have yet",
             (int)(len < WORD_MAX ? len : WORD_MAX), p->at);
    return col_parse_not_here(p, said);
}

/* Functions that give a value, and those that are true or false. */
static const char *const value_functions[] = {
    "TraceID", "SpanID",   "Int",    "Double", "Concat", "SHA256", "IsMatch", "HasPrefix",
    "HasSuffix", "IsInt",   "IsString", "IsBool", "IsDouble", "IsList", "IsMap",
    "IsRootSpan", "HasAttrKeyOnDatapoint", "HasAttrOnDatapoint", NULL};

/* The word that stands next, as a path of the context; taken. */
static const struct col_path *find_path(struct col_parser *p)
{
    size_t len = col_parse_word_length(p);
    char said[400];
    const struct col_path *path =
        col_path_find(p->condition->on, p->condition->named, p->at, len, said, sizeof(said));

    if (path != NULL && path->of == COL_ON_SCOPE && p->condition->without_scope) {
        snprintf(said, sizeof(said), "the scope is not known here");
        path = NULL;
    }
    if (path != NULL)
        p->at += len;
    else if (len > 0 && p->at[len] == '(')
        (void)col_parse_no_function(p, value_functions);
    else if (col_path_is_not_here(p->condition->on, p->at, len))
        (void)path_not_here(p, len);
    else
        (void)col_parse_fail(p, said);
    return path;
}

static struct col_term *parse_path(struct col_parser *p)
{
    const struct col_path *path = find_path(p);
    struct col_term *term = path != NULL ? col_parse_term(p, COL_TERM_PATH) : NULL;

    if (term == NULL)
        return NULL;
    term->path = path;
    term->type = col_path_value_type(path);
    if (path->type == COL_PATH_BODY && col_parse_take(p, "["))
        return take_part(p, term);
    return path->type == COL_PATH_MAP ? take_key(p, term) : term;
}

const struct col_path *col_parse_map(struct col_parser *p)
{
    const char *from = p->at;
    const struct col_path *path = find_path(p);

    if (path == NULL || path->type == COL_PATH_MAP)
        return path;
    p->at = from;
    (void)col_parse_fail(p, "attributes were expected");
    return NULL;
}

/* Behind TraceID or SpanID: ( 0x and so many digits ). */
static struct col_term *parse_id(struct col_parser *p, enum col_value_type type)
{
    struct col_term *term = literal(p, COL_VALUE_BYTES, 0);
    size_t size = type == COL_TYPE_TRACE_ID ? 16 : 8, len;
    uint8_t *bytes = otl_arena_alloc(&p->condition->arena, size);

    if (term == NULL || bytes == NULL)
        return col_parse_fail(p, "out of memory");
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected");
    len = col_parse_word_length(p);
    if (len != 2 + 2 * size || strncmp(p->at, "0x", 2) != 0 ||
        !otl_unhex(p->at + 2, size, bytes))
        return col_parse_fail(p, size == 16 ? "0x and 32 hexadecimal digits were expected"
                                            : "0x and 16 hexadecimal digits were expected");
    p->at += len;
    term->type = type;
    term->literal.text = otl_view((const char *)bytes, size);
    return col_parse_take(p, ")") ? term : col_parse_fail(p, ") was expected");
}

static bool nest(struct col_parser *p)
{
    return ++p->depth <= DEPTH_MAX || col_parse_fail(p, "nested too deeply") != NULL;
}

/* Behind Int or Double: (value). */
static struct col_term *parse_number_of(struct col_parser *p, enum col_term_kind kind)
{
    struct col_term *term = col_parse_term(p, kind);
    struct col_value value;

    if (term == NULL)
        return NULL;
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected");
    term->left = nest(p) ? col_parse_value(p) : NULL;
    p->depth--;
    if (term->left == NULL)
        return NULL;
    if (term->left->type != COL_TYPE_PLAIN)
        return col_parse_fail(p, "an id or a moment is no number: times have ..._unix_nano");
    if (term->left->kind == COL_TERM_LITERAL && !col_term_number(term, NULL, &value))
        return col_parse_fail(p, "this is no number");
    return col_parse_take(p, ")") ? term : col_parse_fail(p, ") was expected");
}

/* May stand beside + - * / and behind a sign. */
static bool can_be_reckoned(struct col_parser *p, const struct col_term *term)
{
    if (term == NULL)
        return false;
    if (term->type != COL_TYPE_PLAIN)
        return col_parse_not_here(p, "+ - * / of ids and moments are not here yet: times have "
                                     "..._unix_nano") != NULL;
    return term->kind != COL_TERM_LITERAL || term->literal.kind == COL_VALUE_INT ||
           term->literal.kind == COL_VALUE_DOUBLE ||
           col_parse_fail(p, "+ - * / and signs need numbers, paths or functions") != NULL;
}

static struct col_term *parse_operand(struct col_parser *p);

static struct col_term *reckoned(struct col_parser *p, char sign, struct col_term *left,
                                 struct col_term *right)
{
    struct col_term *term;

    if (!can_be_reckoned(p, left) || !can_be_reckoned(p, right))
        return NULL;
    term = col_parse_term(p, COL_TERM_MATH);
    if (term == NULL)
        return NULL;
    term->sign = sign;
    term->left = left;
    term->right = right;
    return term;
}

/* -x, that is -1 times it, and +x. */
static struct col_term *parse_signed(struct col_parser *p)
{
    bool minus = *p->at++ == '-';
    struct col_term *term = nest(p) ? parse_operand(p) : NULL;

    p->depth--;
    if (term == NULL || !minus)
        return can_be_reckoned(p, term) ? term : NULL;
    return reckoned(p, '*', literal(p, COL_VALUE_INT, -1), term);
}

static struct col_term *parse_in_parentheses(struct col_parser *p)
{
    struct col_term *term = nest(p) ? col_parse_value(p) : NULL;

    p->depth--;
    if (term == NULL || !can_be_reckoned(p, term))
        return NULL;
    return col_parse_take(p, ")") ? term : col_parse_fail(p, ") was expected");
}

/* A value without + - * / of its own. */
static struct col_term *parse_operand(struct col_parser *p)
{
    size_t len = col_parse_word_length(p);
    int64_t constant;
    char *text;

    if (*p->at == '"') {
        struct col_term *term;
        text = col_parse_string(p);
        term = text != NULL ? literal(p, COL_VALUE_STRING, 0) : NULL;
        if (term != NULL)
            term->literal.text = otl_view_str(text);
        return term;
    }
    if (isdigit((unsigned char)p->at[*p->at == '-']))
        return number(p);
    if (*p->at == '-' || *p->at == '+')
        return parse_signed(p);
    if (col_parse_take(p, "("))
        return parse_in_parentheses(p);
    if (col_parse_word(p, "nil"))
        return literal(p, COL_VALUE_EMPTY, 0);
    if (col_parse_word(p, "true"))
        return literal(p, COL_VALUE_BOOL, 1);
    if (col_parse_word(p, "false"))
        return literal(p, COL_VALUE_BOOL, 0);
    if (col_path_constant(p->condition->on, p->at, len, &constant)) {
        p->at += len;
        return literal(p, COL_VALUE_INT, constant);
    }
    if (col_parse_word(p, "TraceID"))
        return parse_id(p, COL_TYPE_TRACE_ID);
    if (col_parse_word(p, "SpanID"))
        return parse_id(p, COL_TYPE_SPAN_ID);
    if (col_parse_word(p, "Int"))
        return parse_number_of(p, COL_TERM_INT);
    if (col_parse_word(p, "Double"))
        return parse_number_of(p, COL_TERM_DOUBLE);
    return parse_path(p);
}

/* Parts with one of these two signs between them, from left to right. */
static struct col_term *parse_chain(struct col_parser *p, const char *signs,
                                    struct col_term *(*part)(struct col_parser *p))
{
    struct col_term *left = part(p);

    for (;;) {
        col_parse_skip(p);
        if (left == NULL || (*p->at != signs[0] && *p->at != signs[1]))
            return left;
        char sign = *p->at++;
        left = can_be_reckoned(p, left) ? reckoned(p, sign, left, part(p)) : NULL;
    }
}

static struct col_term *parse_product(struct col_parser *p)
{
    return parse_chain(p, "*/", parse_operand);
}

struct col_term *col_parse_value(struct col_parser *p)
{
    return parse_chain(p, "+-", parse_product);
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
    {"IsBool", COL_TERM_IS_BOOL, 1},        {"IsList", COL_TERM_IS_LIST, 1},
    {"IsMap", COL_TERM_IS_MAP, 1},          {"IsRootSpan", COL_TERM_IS_ROOT, 0},
    {"HasAttrKeyOnDatapoint", COL_TERM_HAS_POINT, 1},
    {"HasAttrOnDatapoint", COL_TERM_HAS_POINT, 2},
};

/* (key) or (key, value), both texts. */
static struct col_term *call_on_points(struct col_parser *p, struct col_term *term,
                                       bool with_value)
{
    if (p->condition->on != COL_ON_METRIC)
        return col_parse_fail(p, "this function is of the context metric alone");
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected");
    term->text = col_parse_string(p);
    if (term->text == NULL)
        return col_parse_fail(p, "a text in quotes was expected");
    if (with_value && !col_parse_take(p, ","))
        return col_parse_fail(p, ", was expected");
    if (with_value) {
        const char *value = col_parse_string(p);
        term->left = value != NULL ? literal(p, COL_VALUE_STRING, 0) : NULL;
        if (term->left == NULL)
            return col_parse_fail(p, "a text in quotes was expected");
        term->left->literal.text = otl_view_str(value);
    }
    return col_parse_take(p, ")") ? term : col_parse_fail(p, ") was expected");
}

static struct col_term *call(struct col_parser *p, size_t function)
{
    struct col_term *term = col_parse_term(p, functions[function].kind);

    if (term == NULL)
        return NULL;
    if (term->kind == COL_TERM_HAS_POINT)
        return call_on_points(p, term, functions[function].arguments > 1);
    if (term->kind == COL_TERM_IS_ROOT && p->condition->on != COL_ON_SPAN)
        return col_parse_fail(p, "IsRootSpan is of the context span alone");
    if (!col_parse_take(p, "("))
        return col_parse_fail(p, "( was expected");
    if (functions[function].arguments > 0 && (term->left = col_parse_value(p)) == NULL)
        return NULL;
    if (functions[function].arguments > 1) {
        if (term->left->type != COL_TYPE_PLAIN)
            return col_parse_fail(p, "an id or a moment is no text: write .string behind the id");
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

/* What stands in these parentheses is a value: one more of what values have stands behind them. */
static bool is_value_in_parentheses(struct col_parser *p)
{
    const char *at;
    size_t depth = 0;

    col_parse_skip(p);
    for (at = p->at; *at != '\0' && (at == p->at || depth > 0); at++) {
        depth += *at == '(';
        depth -= *at == ')';
        if (*at != '"')
            continue;
        for (at++; *at != '"' && *at != '\0'; at++)
            at += *at == '\\' && at[1] != '\0';
        if (*at == '\0')
            return false;
    }
    while (isspace((unsigned char)*at))
        at++;
    return *p->at == '(' && *at != '\0' && strchr("=!<>+-*/", *at) != NULL;
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
        if (term->left == NULL || term->left->kind != COL_TERM_LITERAL)
            return term->left != NULL ? term : NULL;
        return literal(p, COL_VALUE_BOOL, !term->left->literal.boolean);
    }
    if (is_value_in_parentheses(p))
        return comparison(p);
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

/* A literal settles it, or does not count, whatever stands beside it. */
static struct col_term *fold(struct col_term *term, struct col_term *literal_one,
                             struct col_term *other)
{
    bool settles = term->kind == COL_TERM_OR;

    if (literal_one->kind != COL_TERM_LITERAL)
        return NULL;
    return literal_one->literal.boolean == settles ? literal_one : other;
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
        if (term->right == NULL)
            return NULL;
        left = fold(term, term->left, term->right);
        if (left == NULL)
            left = fold(term, term->right, term->left);
        if (left == NULL)
            left = term;
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

void col_condition_named(struct col_condition *condition)
{
    condition->named = true;
}

void col_condition_without_scope(struct col_condition *condition)
{
    condition->without_scope = true;
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
