/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/ottl_walk.h"

/* What is calculated in the transformation language, while it is read: signs, + - * / with
 * parentheses, Int(...) and Double(...). 64-bit whole numbers wrap around, as in Go. */

enum { DEEPEST = 32, LONGEST = 512 };

static struct hx_tail_value failure(struct hx_walk *w)
{
    w->failed = true;
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

static double as_real(const struct hx_tail_value *value)
{
    return value->kind == HX_TAIL_REAL ? value->real : (double)value->integer;
}

static bool is_numeric(const struct hx_tail_value *value)
{
    return value->kind == HX_TAIL_INT || value->kind == HX_TAIL_REAL;
}

static struct hx_tail_value calculate(struct hx_walk *w, char sign, const struct hx_tail_value *a,
                                      const struct hx_tail_value *b)
{
    struct hx_tail_value result = {.kind = HX_TAIL_INT};
    double x = as_real(a), y = as_real(b);

    if (!is_numeric(a) || !is_numeric(b) || (sign == '/' && y == 0))
        return failure(w);
    if (a->kind == HX_TAIL_REAL || b->kind == HX_TAIL_REAL) {
        result.kind = HX_TAIL_REAL;
        result.real = sign == '*' ? x * y : sign == '/' ? x / y : x + (sign == '-' ? -y : y);
        return result;
    }
    if (sign == '+')
        (void)__builtin_add_overflow(a->integer, b->integer, &result.integer);
    else if (sign == '*')
        (void)__builtin_mul_overflow(a->integer, b->integer, &result.integer);
    else if (sign == '-' || b->integer == -1)
        (void)__builtin_sub_overflow(sign == '-' ? a->integer : 0,
                                     sign == '-' ? b->integer : a->integer, &result.integer);
    else
        result.integer = a->integer / b->integer;
    return result;
}

/* ---- Int and Double ---- */

/* Whether the text as a whole is a number to C and to Go alike; what only one of them takes, or
 * what is too long, is unsure. */
static bool number_in(struct hx_walk *w, struct otl_view text, bool whole,
                      struct hx_tail_value *ret)
{
    char copy[LONGEST], *end = copy;
    bool fits;

    if (text.len >= sizeof(copy)) {
        w->ottl->unsure = true;
        return false;
    }
    memcpy(copy, text.len > 0 ? text.data : "", text.len);
    copy[text.len] = '\0';
    if (text.len == 0 || strlen(copy) != text.len || isspace((unsigned char)copy[0]))
        return false;
    errno = 0;
    if (whole)
        ret->integer = strtoll(copy, &end, 10);
    else
        ret->real = strtod(copy, &end);
    fits = errno == 0 || (!whole && isfinite(ret->real));
    if (!whole &&
        (strpbrk(copy, "xX(") != NULL || (isnan(ret->real) && !isalpha((unsigned char)copy[0])))) {
        w->ottl->unsure = true;
        return false;
    }
    return *end == '\0' && end != copy && fits;
}

static struct hx_tail_value to_int(struct hx_walk *w, const struct hx_tail_value *from)
{
    struct hx_tail_value result = {.kind = HX_TAIL_INT, .integer = from->integer};

    if (from->kind == HX_TAIL_REAL)
        result.integer =
            from->real >= 9223372036854775808.0 || !(from->real >= -9223372036854775808.0)
                ? INT64_MIN
                : (int64_t)trunc(from->real);
    if (from->kind == HX_TAIL_NOTHING ||
        (from->kind == HX_TAIL_TEXT && !number_in(w, from->text, true, &result)))
        result.kind = HX_TAIL_NOTHING; /* which is no failure */
    return result;
}

static struct hx_tail_value to_double(struct hx_walk *w, const struct hx_tail_value *from)
{
    struct hx_tail_value result = {.kind = HX_TAIL_REAL, .real = as_real(from)};

    if (from->kind == HX_TAIL_NOTHING)
        result.kind = HX_TAIL_NOTHING;
    if (from->kind == HX_TAIL_TEXT && !number_in(w, from->text, false, &result))
        return failure(w);
    return result;
}

static struct hx_tail_value converted(struct hx_walk *w, int side, bool whole)
{
    struct hx_tail_value from;

    hx_walk_must(w, "(");
    from = hx_walk_value(w, side);
    hx_walk_must(w, ")");
    w->wrong |= from.kind == HX_TAIL_MOMENT || from.kind == HX_TAIL_ID;
    if (w->wrong || from.kind == HX_TAIL_OTHER)
        return failure(w);
    if (from.kind == HX_TAIL_EMPTY) { /* nothing, or bytes of no length */
        w->ottl->unsure = true;
        from.kind = HX_TAIL_NOTHING;
    }
    return whole ? to_int(w, &from) : to_double(w, &from);
}

/* ---- reading ---- */

#define BLANKS " \t\n\v\f\r"

/* Only what can be calculated with at all stands beside a sign: no text, nil, true, false. */
static bool is_beside_sign(struct hx_walk *w, const char *from, const struct hx_tail_value *value)
{
    static const char *const others[] = {"\"", "nil", "true", "false"};
    size_t len = 0;

    from += strspn(from, BLANKS);
    while (isalpha((unsigned char)from[len]) || from[len] == '_' || from[len] == '.')
        len++;
    for (size_t i = 0; i < 4; i++)
        w->wrong |= strncmp(from, others[i], i == 0 ? 1 : strlen(others[i])) == 0 &&
                    (i == 0 || len == strlen(others[i]));
    w->wrong |= value->kind == HX_TAIL_MOMENT || value->kind == HX_TAIL_ID;
    return !w->wrong;
}

static struct hx_tail_value operand(struct hx_walk *w, int side);

static struct hx_tail_value signed_operand(struct hx_walk *w, int side)
{
    struct hx_tail_value minus_one = {.kind = HX_TAIL_INT, .integer = -1};
    char sign = *w->at++;
    const char *from = w->at;
    struct hx_tail_value value = operand(w, side);

    if (!is_beside_sign(w, from, &value) || sign == '+')
        return value;
    return calculate(w, '*', &minus_one, &value);
}

static struct hx_tail_value operand(struct hx_walk *w, int side)
{
    struct hx_tail_value value = {.kind = HX_TAIL_NOTHING};
    const char *from;

    if (hx_walk_eat(w, "Int"))
        return converted(w, side, true);
    if (hx_walk_eat(w, "Double"))
        return converted(w, side, false);
    if ((*w->at == '-' || *w->at == '+') && !isdigit((unsigned char)w->at[1])) {
        if (++w->depth > DEEPEST)
            w->wrong = true;
        else
            value = signed_operand(w, side);
        w->depth--;
        return value;
    }
    if (*w->at != '(')
        return hx_walk_single(w, side);
    from = ++w->at;
    value = hx_walk_value(w, side);
    hx_walk_must(w, ")");
    (void)is_beside_sign(w, from, &value);
    return value;
}

/* level 0: sums, 1: products, 2: what they are made of. */
static struct hx_tail_value calculated(struct hx_walk *w, int side, int level)
{
    static const char signs[2][3] = {"+-", "*/"};
    struct hx_tail_value left, right;
    const char *from = w->at;
    char sign;

    if (level == 2)
        return operand(w, side);
    left = calculated(w, side, level + 1);
    for (;;) {
        w->at += strspn(w->at, BLANKS);
        sign = *w->at;
        if (w->wrong || sign == '\0' || strchr(signs[level], sign) == NULL ||
            !is_beside_sign(w, from, &left))
            return left;
        from = ++w->at;
        right = calculated(w, side, level + 1);
        if (!is_beside_sign(w, from, &right))
            return right;
        left = calculate(w, sign, &left, &right);
    }
}

struct hx_tail_value hx_walk_value(struct hx_walk *w, int side)
{
    struct hx_tail_value value = {.kind = HX_TAIL_NOTHING};

    if (++w->depth > DEEPEST)
        w->wrong = true;
    else
        value = calculated(w, side, 0);
    w->depth--;
    return value;
}

bool hx_walk_is_calculated(const struct hx_walk *w)
{
    const char *at = w->at + strspn(w->at, BLANKS);
    bool quoted = false;
    int open = 0;

    if (*at != '(')
        return false;
    do {
        if (*at == '\0')
            return false;
        if (quoted && *at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted)
            open += (*at == '(') - (*at == ')');
        at++;
    } while (open > 0);
    at += strspn(at, BLANKS);
    return *at != '\0' && strchr("=!<>+-*/", *at) != NULL;
}
