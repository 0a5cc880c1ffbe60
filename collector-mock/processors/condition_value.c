/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/processors/condition_tree.h"
#include "collector-mock/wire/metrics.h"

static bool is_reckoned(const struct col_term *term)
{
    return term->kind >= COL_TERM_MATH && term->kind <= COL_TERM_DOUBLE;
}

bool col_term_fails(const struct col_term *term, const struct col_condition_subject *subject)
{
    struct col_value value;

    if (is_reckoned(term))
        return !col_term_number(term, subject, &value);
    return term->kind == COL_TERM_PATH && term->path->type == COL_PATH_BODY &&
           term->text != NULL && !col_path_has_parts(subject->log);
}

struct col_value col_term_value(const struct col_term *term,
                                const struct col_condition_subject *subject,
                                char scratch[COL_SCALAR_TEXT])
{
    struct col_value value = {.kind = COL_VALUE_EMPTY};

    if (term->kind == COL_TERM_PATH)
        return col_path_value(term->path, term->text, subject, scratch);
    if (!is_reckoned(term))
        return term->literal;
    if (!col_term_number(term, subject, &value))
        value.kind = COL_VALUE_EMPTY;
    return value;
}

static bool holds(enum col_compare compare, int order)
{
    switch (compare) {
    case COL_EQ:
        return order == 0;
    case COL_NE:
        return order != 0;
    case COL_LT:
        return order < 0;
    case COL_LE:
        return order <= 0;
    case COL_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static int order_of_text(struct otl_view a, struct otl_view b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_number(const struct col_value *value)
{
    return value->kind == COL_VALUE_INT || value->kind == COL_VALUE_DOUBLE;
}

static double real_of(const struct col_value *value)
{
    return value->kind == COL_VALUE_INT ? (double)value->integer : value->real;
}

static bool compare_reals(enum col_compare compare, double a, double b)
{
    if (a != a || b != b)
        return compare == COL_NE;
    return holds(compare, (a > b) - (a < b));
}

/* Bytes of no length are nothing upstream: their copy is nil. */
static bool is_nil(const struct col_value *value)
{
    return value->kind == COL_VALUE_EMPTY ||
           (value->kind == COL_VALUE_BYTES && value->text.len == 0);
}

bool col_term_compare(enum col_compare compare, const struct col_value *a,
                      const struct col_value *b)
{
    if (is_nil(a) && is_nil(b))
        return holds(compare, 0);
    if (a->kind == COL_VALUE_INT && b->kind == COL_VALUE_INT)
        return holds(compare, (a->integer > b->integer) - (a->integer < b->integer));
    if (is_number(a) && is_number(b))
        return compare_reals(compare, real_of(a), real_of(b));
    if (a->kind != b->kind)
        return compare == COL_NE;
    switch (a->kind) {
    case COL_VALUE_STRING:
    case COL_VALUE_BYTES:
        return holds(compare, order_of_text(a->text, b->text));
    case COL_VALUE_BOOL:
        return holds(compare, a->boolean - b->boolean);
    default:
        return compare == COL_NE;
    }
}

/* ---- truth ---- */

static enum col_truth truth_of(bool yes)
{
    return yes ? COL_TRUE : COL_FALSE;
}

/* Numbers and truths are matched as they are written. */
static bool matches(const struct col_term *term, const struct col_value *value)
{
    char scratch[COL_SCALAR_TEXT];
    struct otl_view text;

    return value->kind != COL_VALUE_EMPTY && col_edit_scalar_text(value, scratch, &text) &&
           col_patterns_match(term->patterns, text);
}

static enum col_truth begins_or_ends(const struct col_term *term, const struct col_value *value)
{
    size_t len = strlen(term->text);

    if (value->kind != COL_VALUE_STRING)
        return COL_FAILED;
    if (value->text.len < len)
        return COL_FALSE;
    return truth_of(memcmp(term->kind == COL_TERM_HAS_PREFIX
                               ? value->text.data
                               : value->text.data + value->text.len - len,
                           term->text, len) == 0);
}

static bool is_root(const struct col_span *span)
{
    static const uint8_t none[8];

    return memcmp(span->parent_span_id, none, 8) == 0;
}

/* The first point that has the key decides. */
static enum col_truth has_point(const struct col_term *term, const struct col_metric *metric)
{
    struct col_list points = metric->points;
    struct col_point point;
    struct col_value value;

    if (metric->kind == COL_METRIC_NONE)
        return COL_FAILED;
    while (col_point_next(metric->kind, &points, &point)) {
        if (!col_attribute_find(&point.attributes, term->text, &value))
            continue;
        return truth_of(term->left == NULL ||
                        otl_view_equal(value.kind == COL_VALUE_STRING ? value.text
                                                                      : otl_view("", 0),
                                       term->left->literal.text));
    }
    return COL_FALSE;
}

/* Ids are equal or not; moments have an order, too. */
static bool compare(const struct col_term *term, const struct col_value *left,
                    const struct col_condition_subject *subject)
{
    char scratch[COL_SCALAR_TEXT];
    struct col_value right;

    if (term->left->type != term->right->type)
        return term->compare == COL_NE;
    if (term->left->type > COL_TYPE_TIME && term->compare != COL_EQ && term->compare != COL_NE)
        return false;
    right = col_term_value(term->right, subject, scratch);
    return col_term_compare(term->compare, left, &right);
}

/* Of a value: a comparison, or what a function says of it. */
static enum col_truth judge_value(const struct col_term *term,
                                  const struct col_condition_subject *subject)
{
    char scratch[COL_SCALAR_TEXT];
    struct col_value value;

    if (term->kind != COL_TERM_COMPARE && term->left->type != COL_TYPE_PLAIN)
        return COL_FALSE; /* neither a text nor a number */
    if (col_term_fails(term->left, subject) ||
        (term->kind == COL_TERM_COMPARE && col_term_fails(term->right, subject)))
        return COL_FAILED;
    value = col_term_value(term->left, subject, scratch);
    switch (term->kind) {
    case COL_TERM_COMPARE:
        return truth_of(compare(term, &value, subject));
    case COL_TERM_IS_STRING:
        return truth_of(value.kind == COL_VALUE_STRING);
    case COL_TERM_IS_INT:
        return truth_of(value.kind == COL_VALUE_INT);
    case COL_TERM_IS_DOUBLE:
        return truth_of(value.kind == COL_VALUE_DOUBLE);
    case COL_TERM_IS_BOOL:
        return truth_of(value.kind == COL_VALUE_BOOL);
    case COL_TERM_IS_LIST:
        return truth_of(value.kind == COL_VALUE_ARRAY);
    case COL_TERM_IS_MAP:
        return truth_of(value.kind == COL_VALUE_KVLIST);
    case COL_TERM_IS_MATCH:
        return truth_of(matches(term, &value));
    default:
        return begins_or_ends(term, &value);
    }
}

enum col_truth col_term_judge(const struct col_term *term,
                              const struct col_condition_subject *subject)
{
    enum col_truth left;

    switch (term->kind) {
    case COL_TERM_AND:
    case COL_TERM_OR: /* the left one decides, if it can */
        left = col_term_judge(term->left, subject);
        return left == truth_of(term->kind == COL_TERM_AND) ? col_term_judge(term->right, subject)
                                                            : left;
    case COL_TERM_NOT:
        left = col_term_judge(term->left, subject);
        return left == COL_FAILED ? left : truth_of(left == COL_FALSE);
    case COL_TERM_IS_ROOT:
        return truth_of(is_root(subject->span));
    case COL_TERM_HAS_POINT:
        return has_point(term, subject->metric);
    case COL_TERM_LITERAL:
        return truth_of(term->literal.boolean);
    default:
        return judge_value(term, subject);
    }
}

enum otel_err col_condition_judge(struct col_condition *condition,
                                  const struct col_condition_subject *subject, bool *ret_true)
{
    enum otel_err err = OTEL_OK;

    *ret_true = false;
    for (size_t i = 0; i < condition->count && !*ret_true; i++) {
        enum col_truth truth = col_term_judge(condition->any[i], subject);
        *ret_true = truth == COL_TRUE;
        if (truth == COL_FAILED)
            err = OTEL_ERR_ARGUMENT;
    }
    return err;
}

bool col_condition_true(struct col_condition *condition,
                        const struct col_condition_subject *subject)
{
    bool is_true;
    enum otel_err err = col_condition_judge(condition, subject, &is_true);

    return (err == OTEL_OK || err == OTEL_ERR_ARGUMENT) && is_true;
}
