/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/processors/condition_tree.h"
#include "sdk/base/text.h"

static struct col_value nil_value(void)
{
    struct col_value value;

    memset(&value, 0, sizeof(value));
    value.kind = COL_VALUE_EMPTY;
    return value;
}

static struct col_value text_value(struct otl_view text)
{
    struct col_value value = nil_value();

    value.kind = COL_VALUE_STRING;
    value.text = text;
    return value;
}

static struct col_value int_value(int64_t number)
{
    struct col_value value = nil_value();

    value.kind = COL_VALUE_INT;
    value.integer = number;
    return value;
}

static struct col_value attribute(const struct col_list *attributes, const char *key)
{
    struct col_value value;

    return col_attribute_find(attributes, key, &value) ? value : nil_value();
}

static struct col_value id_value(const void *id, size_t len, char *hex)
{
    otl_hex(id, len, hex);
    return text_value(otl_view(hex, 2 * len));
}

struct col_value col_term_value(const struct col_term *term,
                                const struct col_condition_subject *subject, char *hex)
{
    const struct col_span *span = subject->span;

    switch (term->kind) {
    case COL_TERM_LITERAL:
        return term->literal;
    case COL_TERM_ATTRIBUTE:
        return attribute(&span->attributes, term->text);
    case COL_TERM_RESOURCE_ATTRIBUTE:
        return attribute(subject->resource, term->text);
    case COL_TERM_EVENT_ATTRIBUTE:
        return attribute(&subject->event->attributes, term->text);
    case COL_TERM_NAME:
        return text_value(span->name);
    case COL_TERM_EVENT_NAME:
        return text_value(subject->event->name);
    case COL_TERM_KIND:
        return int_value(span->kind);
    case COL_TERM_STATUS_CODE:
        return int_value(span->status_code);
    case COL_TERM_STATUS_MESSAGE:
        return text_value(span->status_message);
    case COL_TERM_TRACE_STATE:
        return text_value(span->trace_state);
    case COL_TERM_START:
        return int_value((int64_t)span->start_time_unix_nano);
    case COL_TERM_END:
        return int_value((int64_t)span->end_time_unix_nano);
    case COL_TERM_TRACE_ID:
        return id_value(span->trace_id, 16, hex);
    case COL_TERM_SPAN_ID:
        return id_value(span->span_id, 8, hex);
    case COL_TERM_PARENT_ID:
        return id_value(span->parent_span_id, 8, hex);
    default:
        return col_term_item_value(term, subject, hex);
    }
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
