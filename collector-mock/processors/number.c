/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/condition_tree.h"

/* Values that are reckoned: + - * /, Int(x), Double(x). What they cannot be made of fails, but a
 * text that is no whole number, and nil, are nil to Int. */

enum { REAL_TEXT_MAX = 512 };

static struct col_value of_int(int64_t number)
{
    return (struct col_value){.kind = COL_VALUE_INT, .integer = number};
}

static struct col_value of_real(double real)
{
    return (struct col_value){.kind = COL_VALUE_DOUBLE, .real = real};
}

/* Towards zero; what does not fit is the least, as upstream on x86-64. */
static int64_t cut(double real)
{
    return real >= -0x1p63 && real < 0x1p63 ? (int64_t)real : INT64_MIN;
}

/* Decimal digits behind at most one sign, in the range. */
static bool whole_of_text(struct otl_view text, int64_t *ret)
{
    bool minus = text.len > 0 && text.data[0] == '-';
    size_t i = minus || (text.len > 0 && text.data[0] == '+');
    uint64_t most = (uint64_t)INT64_MAX + minus, sum = 0;

    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9 || sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *ret = (int64_t)(minus ? -sum : sum);
    return true;
}

/* As Go reads it, without its hexadecimal form. */
static bool real_of_text(struct otl_view text, double *ret)
{
    char copy[REAL_TEXT_MAX], *end;
    size_t sign;

    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    sign = copy[0] == '-' || copy[0] == '+';
    if (strpbrk(copy, " \t\n\v\f\rxX(") != NULL || (sign == 1 && strchr("nN", copy[1]) != NULL))
        return false;
    errno = 0;
    *ret = strtod(copy, &end);
    return *end == '\0' && end != copy && !(errno == ERANGE && isinf(*ret));
}

static bool to_int(const struct col_value *value, struct col_value *ret)
{
    int64_t number;

    *ret = (struct col_value){.kind = COL_VALUE_EMPTY};
    switch (value->kind) {
    case COL_VALUE_EMPTY:
        return true;
    case COL_VALUE_STRING:
        if (whole_of_text(value->text, &number))
            *ret = of_int(number);
        return true;
    case COL_VALUE_INT:
        *ret = *value;
        return true;
    case COL_VALUE_DOUBLE:
        *ret = of_int(cut(value->real));
        return true;
    case COL_VALUE_BOOL:
        *ret = of_int(value->boolean);
        return true;
    default:
        return false;
    }
}

static bool to_double(const struct col_value *value, struct col_value *ret)
{
    *ret = of_real(0);
    switch (value->kind) {
    case COL_VALUE_EMPTY:
        ret->kind = COL_VALUE_EMPTY;
        return true;
    case COL_VALUE_STRING:
        return real_of_text(value->text, &ret->real);
    case COL_VALUE_INT:
        ret->real = (double)value->integer;
        return true;
    case COL_VALUE_DOUBLE:
        ret->real = value->real;
        return true;
    case COL_VALUE_BOOL:
        ret->real = value->boolean;
        return true;
    default:
        return false;
    }
}

static bool is_number(const struct col_value *value, double *ret)
{
    *ret = value->kind == COL_VALUE_INT ? (double)value->integer : value->real;
    return value->kind == COL_VALUE_INT || value->kind == COL_VALUE_DOUBLE;
}

/* It wraps around, as in Go. */
static bool reckon_whole(char sign, int64_t a, int64_t b, int64_t *ret)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;

    if (sign == '/' && b == 0)
        return false;
    if (sign == '/')
        *ret = b == -1 ? (int64_t)(0 - x) : a / b;
    else
        *ret = (int64_t)(sign == '+' ? x + y : sign == '-' ? x - y : x * y);
    return true;
}

static bool reckon(char sign, const struct col_value *a, const struct col_value *b,
                   struct col_value *ret)
{
    double x, y;

    if (!is_number(a, &x) || !is_number(b, &y))
        return false;
    *ret = of_int(0);
    if (a->kind == COL_VALUE_INT && b->kind == COL_VALUE_INT)
        return reckon_whole(sign, a->integer, b->integer, &ret->integer);
    if (sign == '/' && y == 0)
        return false;
    *ret = of_real(sign == '+' ? x + y : sign == '-' ? x - y : sign == '*' ? x * y : x / y);
    return true;
}

static bool value_of(const struct col_term *term, const struct col_condition_subject *subject,
                     char scratch[COL_SCALAR_TEXT], struct col_value *ret)
{
    if (term->kind == COL_TERM_PATH || term->kind == COL_TERM_LITERAL) {
        *ret = col_term_value(term, subject, scratch);
        return !col_term_fails(term, subject);
    }
    return col_term_number(term, subject, ret);
}

bool col_term_number(const struct col_term *term, const struct col_condition_subject *subject,
                     struct col_value *ret)
{
    char scratch[COL_SCALAR_TEXT];
    struct col_value left, right;

    if (!value_of(term->left, subject, scratch, &left))
        return false;
    if (term->kind == COL_TERM_INT)
        return to_int(&left, ret);
    if (term->kind == COL_TERM_DOUBLE)
        return to_double(&left, ret);
    return value_of(term->right, subject, scratch, &right) &&
           reckon(term->sign, &left, &right, ret);
}
