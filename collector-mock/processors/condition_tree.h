/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_CONDITION_TREE_H
#define COL_PROCESSORS_CONDITION_TREE_H

#include "collector-mock/processors/path.h"
#include "collector-mock/processors/tail/patterns.h"
#include "sdk/base/arena.h"

/* Between condition.c, which reads the text, and condition_value.c, which asks the subject. */

enum col_term_kind {
    COL_TERM_LITERAL,
    COL_TERM_PATH,
    COL_TERM_MATH,   /* left sign right */
    COL_TERM_INT,    /* Int(left) */
    COL_TERM_DOUBLE, /* Double(left) */
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
    COL_TERM_IS_LIST,
    COL_TERM_IS_MAP,
    COL_TERM_IS_ROOT,
    COL_TERM_HAS_POINT /* text: a key of its attributes; left: the value, NULL: any */
};

enum col_compare { COL_EQ, COL_NE, COL_LT, COL_LE, COL_GT, COL_GE };

struct col_term {
    enum col_term_kind kind;
    enum col_compare compare;
    struct col_value literal; /* COL_VALUE_EMPTY: nil */
    enum col_value_type type; /* of a literal or path */
    char sign;                /* + - * / */
    const struct col_path *path;
    const char *text; /* key, prefix, suffix */
    struct col_patterns *patterns;
    struct col_term *left, *right;
    struct col_term *next; /* of those with patterns */
};

enum { COL_CONDITIONS_MAX = 256 };

struct col_condition {
    enum col_condition_on on;
    bool named;         /* each path says its context */
    bool without_scope;
    struct otl_arena arena;
    struct col_term *any[COL_CONDITIONS_MAX];
    size_t count;
    struct col_term *with_patterns;
};

/* Asked for a part of a body that is no map, or for a number that cannot be reckoned: there is no
 * value, not even nil. */
bool col_term_fails(const struct col_term *term, const struct col_condition_subject *subject);
/* The value of a term that is one; it may point into scratch. */
struct col_value col_term_value(const struct col_term *term,
                                const struct col_condition_subject *subject,
                                char scratch[COL_SCALAR_TEXT]);
/* Of a term that is reckoned: of MATH, INT, DOUBLE. false: it fails. */
bool col_term_number(const struct col_term *term, const struct col_condition_subject *subject,
                     struct col_value *ret);
bool col_term_compare(enum col_compare compare, const struct col_value *a,
                      const struct col_value *b);

enum col_truth { COL_FALSE, COL_TRUE, COL_FAILED };
enum col_truth col_term_judge(const struct col_term *term,
                              const struct col_condition_subject *subject);

/* ---- reading: shared with statement.c ---- */

struct col_parser {
    struct col_condition *condition; /* owns what is made */
    const char *text, *at;
    unsigned terms, depth;
    struct otl_detail *reterr;
};

struct col_term *col_parse_fail(struct col_parser *p, const char *what); /* NULL */
/* The same, of what the Collector has and this one does not: OTEL_ERR_UNSUPPORTED. */
struct col_term *col_parse_not_here(struct col_parser *p, const char *what);
/* The function that was expected is not known, or not here; near: those that are. */
struct col_term *col_parse_no_function(struct col_parser *p, const char *const *near);
void col_parse_skip(struct col_parser *p);
bool col_parse_take(struct col_parser *p, const char *mark);
size_t col_parse_word_length(struct col_parser *p);
bool col_parse_word(struct col_parser *p, const char *word);
char *col_parse_string(struct col_parser *p);
struct col_term *col_parse_term(struct col_parser *p, enum col_term_kind kind);
struct col_term *col_parse_value(struct col_parser *p);
/* A path to a map as a whole. */
const struct col_path *col_parse_map(struct col_parser *p);
struct col_term *col_parse_any_of(struct col_parser *p);

/* ---- not_here.c ---- */

bool col_function_is_not_here(const char *word, size_t len);
bool col_path_is_not_here(enum col_condition_on on, const char *word, size_t len);

#endif
