/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_CONDITION_TREE_H
#define COL_PROCESSORS_CONDITION_TREE_H

#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/tail/patterns.h"
#include "sdk/base/arena.h"

/* Between condition.c, which reads the text, and condition_value.c, which asks a span. */

enum col_term_kind {
    COL_TERM_LITERAL,
    COL_TERM_ATTRIBUTE, /* text: the key */
    COL_TERM_RESOURCE_ATTRIBUTE,
    COL_TERM_EVENT_ATTRIBUTE,
    COL_TERM_NAME,
    COL_TERM_EVENT_NAME,
    COL_TERM_KIND,
    COL_TERM_STATUS_CODE,
    COL_TERM_STATUS_MESSAGE,
    COL_TERM_TRACE_STATE,
    COL_TERM_START,
    COL_TERM_END,
    COL_TERM_TRACE_ID,
    COL_TERM_SPAN_ID,
    COL_TERM_PARENT_ID,
    /* condition_items.c: of log records, metrics and points */
    COL_TERM_ITEM_ATTRIBUTE,
    COL_TERM_ITEM_EVENT_NAME,
    COL_TERM_ITEM_TIME,
    COL_TERM_ITEM_START,
    COL_TERM_ITEM_FLAGS,
    COL_TERM_ITEM_TRACE_ID,
    COL_TERM_ITEM_SPAN_ID,
    COL_TERM_BODY,
    COL_TERM_BODY_TEXT,
    COL_TERM_SEVERITY_NUMBER,
    COL_TERM_SEVERITY_TEXT,
    COL_TERM_POINT_INT,
    COL_TERM_POINT_DOUBLE,
    COL_TERM_POINT_COUNT,
    COL_TERM_POINT_SUM,
    COL_TERM_METRIC_NAME,
    COL_TERM_METRIC_DESCRIPTION,
    COL_TERM_METRIC_UNIT,
    COL_TERM_METRIC_TYPE,
    COL_TERM_METRIC_TEMPORALITY,
    COL_TERM_METRIC_MONOTONIC,
    /* what follows is true or false */
    COL_TERM_AND,
    COL_TERM_OR,
    COL_TERM_NOT,
    COL_TERM_COMPARE,
    COL_TERM_IS_MATCH,
    COL_TERM_HAS_PREFIX,
    COL_TERM_HAS_SUFFIX,
    COL_TERM_IS_STRING,
    COL_TERM_IS_INT,
    COL_TERM_IS_DOUBLE,
    COL_TERM_IS_BOOL,
    COL_TERM_IS_ROOT
};

enum col_compare { COL_EQ, COL_NE, COL_LT, COL_LE, COL_GT, COL_GE };

struct col_term {
    enum col_term_kind kind;
    enum col_compare compare;
    struct col_value literal; /* COL_VALUE_EMPTY: nil */
    const char *text;         /* key, prefix, suffix */
    struct col_patterns *patterns;
    struct col_term *left, *right;
    struct col_term *next; /* of those with patterns */
};

enum { COL_CONDITIONS_MAX = 256 };

struct col_condition {
    enum col_condition_on on;
    bool on_resource;
    struct otl_arena arena;
    struct col_term *any[COL_CONDITIONS_MAX];
    size_t count;
    struct col_term *with_patterns;
};

/* The value of a term that is one; hex is scratch of 33 bytes for ids. */
struct col_value col_term_value(const struct col_term *term,
                                const struct col_condition_subject *subject, char *hex);
struct col_value col_term_item_value(const struct col_term *term,
                                     const struct col_condition_subject *subject, char *hex);
bool col_term_compare(enum col_compare compare, const struct col_value *a,
                      const struct col_value *b);

bool col_term_true(const struct col_term *term, const struct col_condition_subject *subject);

/* ---- reading: shared with statement.c ---- */

struct col_parser {
    struct col_condition *condition; /* owns what is made */
    const char *text, *at;
    unsigned terms, depth;
    struct otl_detail *reterr;
};

struct col_term *col_parse_fail(struct col_parser *p, const char *what); /* NULL */
void col_parse_skip(struct col_parser *p);
bool col_parse_take(struct col_parser *p, const char *mark);
size_t col_parse_word_length(struct col_parser *p);
bool col_parse_word(struct col_parser *p, const char *word);
char *col_parse_string(struct col_parser *p);
struct col_term *col_parse_term(struct col_parser *p, enum col_term_kind kind);
/* ["key"] behind the term. */
struct col_term *col_parse_key(struct col_parser *p, struct col_term *term);
struct col_term *col_parse_value(struct col_parser *p);
/* condition_items.c */
bool col_parse_item_enum(struct col_parser *p, int64_t *ret);
struct col_term *col_parse_item_path(struct col_parser *p, size_t len);
struct col_term *col_parse_any_of(struct col_parser *p);

#endif
