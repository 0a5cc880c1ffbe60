/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/threshold.h"

#include <stdio.h>
#include <string.h>

#include "harness/gate/figure.h"
#include "sdk/base/text.h"

enum { NUMBER_BYTES = 40, UNIT_BYTES = 12, OP_BYTES = 8 };

struct cursor {
    const char *text;
    size_t at;
    struct otl_detail *reterr;
};

static const char *const ops[] = {"<", "<=", ">", ">=", "==", "!=", NULL};

static const struct {
    const char *word;
    enum hx_figure_kind kind;
    double factor;
} units[] = {
    {"ns", HX_FIGURE_NS, 1},         {"us", HX_FIGURE_NS, 1e3},
    {"\xc2\xb5s", HX_FIGURE_NS, 1e3}, {"ms", HX_FIGURE_NS, 1e6},
    {"s", HX_FIGURE_NS, 1e9},        {"m", HX_FIGURE_NS, 60e9},
    {"B", HX_FIGURE_BYTES, 1},       {"kB", HX_FIGURE_BYTES, 1e3},
    {"KB", HX_FIGURE_BYTES, 1e3},    {"MB", HX_FIGURE_BYTES, 1e6},
    {"GB", HX_FIGURE_BYTES, 1e9},    {"KiB", HX_FIGURE_BYTES, 1024},
    {"MiB", HX_FIGURE_BYTES, 1048576}, {"GiB", HX_FIGURE_BYTES, 1073741824},
    {"/s", HX_FIGURE_RATE, 1},       {"%", HX_FIGURE_PERCENT, 1},
};

static enum otel_err wrong(const struct cursor *c, size_t at, const char *what, const char *word)
{
    return otl_detail_set(c->reterr, OTEL_ERR_SYNTAX, NULL, 0, (unsigned)at + 1, "%s%s%.80s%s",
                          what, word ? " '" : "", word ? word : "", word ? "'" : "");
}

static void skip_blanks(struct cursor *c)
{
    while (c->text[c->at] == ' ' || c->text[c->at] == '\t')
        c->at++;
}

/* ---- path --------------------------------------------------------------------------------- */

static bool is_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

static enum otel_err read_row(struct cursor *c, struct hx_figure_step *step)
{
    const char *start = c->text + c->at + 1, *end = strchr(start, ']');
    size_t len;

    if (end == NULL)
        return wrong(c, c->at, "'[' without its ']'", NULL);
    for (len = (size_t)(end - start); len > 0 && start[len - 1] == ' '; len--)
        ;
    for (; len > 0 && *start == ' '; len--)
        start++;
    if (len == 0)
        return wrong(c, c->at, "nothing stands between '[' and ']'", NULL);
    if (len >= sizeof(step->row))
        return wrong(c, c->at, "what stands in brackets is too long", NULL);
    memcpy(step->row, start, len);
    step->row[len] = '\0';
    c->at = (size_t)(end - c->text) + 1;
    return OTEL_OK;
}

static enum otel_err read_step(struct cursor *c, struct hx_figure_step *step)
{
    size_t len = 0;

    while (is_name(c->text[c->at + len]))
        len++;
    if (len == 0)
        return wrong(c, c->at, "expected the name of a figure, such as load.latency.p99", NULL);
    if (len >= sizeof(step->name))
        return wrong(c, c->at, "this name is too long", NULL);
    memcpy(step->name, c->text + c->at, len);
    step->name[len] = '\0';
    step->row[0] = '\0';
    c->at += len;
    return c->text[c->at] == '[' ? read_row(c, step) : OTEL_OK;
}

static enum otel_err read_path(struct cursor *c, const json_t *schema, struct hx_figure *figure)
{
    size_t places[HX_FIGURE_STEPS];
    struct otl_detail inner = OTL_DETAIL_NONE;
    enum otel_err err = OTEL_OK;
    size_t bad = 0;

    figure->step_count = 0;
    for (;;) {
        if (figure->step_count == HX_FIGURE_STEPS)
            return wrong(c, c->at, "this path is too long", NULL);
        places[figure->step_count] = c->at;
        err = read_step(c, &figure->steps[figure->step_count++]);
        if (err != OTEL_OK)
            return err;
        if (c->text[c->at] != '.')
            break;
        c->at++;
    }
    err = hx_figure_check(figure, schema, &bad, &inner);
    return err == OTEL_OK ? OTEL_OK : wrong(c, places[bad], inner.text, NULL);
}

/* ---- operator and limit ------------------------------------------------------------------- */

static enum otel_err read_op(struct cursor *c, enum hx_threshold_op *ret)
{
    size_t start = c->at, len = strspn(c->text + c->at, "<>=!~&|");
    char word[OP_BYTES];
    const char *meant = "";

    snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1),
             c->text + c->at);
    c->at += len;
    for (int i = 0; len < sizeof(word) && ops[i] != NULL; i++)
        if (strcmp(ops[i], word) == 0) {
            *ret = (enum hx_threshold_op)i;
            return OTEL_OK;
        }
    if (len == 0)
        return wrong(c, start, "expected an operator: < <= > >= == or !=", NULL);
    if (strcmp(word, "=") == 0)
        meant = " (did you mean '=='?)";
    else if (strcmp(word, "=<") == 0)
        meant = " (did you mean '<='?)";
    else if (strcmp(word, "=>") == 0)
        meant = " (did you mean '>='?)";
    else if (strcmp(word, "<>") == 0 || strcmp(word, "!") == 0)
        meant = " (did you mean '!='?)";
    return otl_detail_set(c->reterr, OTEL_ERR_SYNTAX, NULL, 0, (unsigned)start + 1,
                          "unknown operator '%s'%s; there are < <= > >= == !=", word, meant);
}

static enum otel_err read_truth(struct cursor *c, struct hx_threshold *t)
{
    bool truth = strncmp(c->text + c->at, "true", 4) == 0;

    if (!truth && strncmp(c->text + c->at, "false", 5) != 0)
        return wrong(c, c->at, "this figure is true or false; found", c->text + c->at);
    if (t->op != HX_EQUAL && t->op != HX_UNEQUAL)
        return wrong(c, c->at, "true and false are compared by == or !=", NULL);
    t->limit = truth ? 1 : 0;
    c->at += truth ? 4 : 5;
    return OTEL_OK;
}

static bool unit_fits(enum hx_figure_kind unit, enum hx_figure_kind figure)
{
    return unit == figure || (unit == HX_FIGURE_NS && figure == HX_FIGURE_SECONDS) ||
           (unit == HX_FIGURE_PERCENT && figure == HX_FIGURE_SHARE);
}

static enum otel_err read_unit(struct cursor *c, struct hx_threshold *t)
{
    enum hx_figure_kind kind = t->figure.kind;
    size_t start = c->at, len = strcspn(c->text + c->at, " \t");
    char word[UNIT_BYTES];

    if (len == 0) {
        if (t->limit != 0 && (kind == HX_FIGURE_NS || kind == HX_FIGURE_SECONDS))
            return wrong(c, start, "a time needs a unit: ns, us, ms, s or m", NULL);
        return OTEL_OK;
    }
    snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1),
             c->text + c->at);
    c->at += len;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(units[i].word, word) != 0)
            continue;
        if (!unit_fits(units[i].kind, kind))
            return otl_detail_set(c->reterr, OTEL_ERR_SYNTAX, NULL, 0, (unsigned)start + 1,
                                  "the unit '%s' does not fit: the figure is %s", word,
                                  hx_figure_kind_text(kind));
        t->limit *= units[i].factor;
        if (kind == HX_FIGURE_SECONDS)
            t->limit /= 1e9;
        else if (kind == HX_FIGURE_SHARE)
            t->limit /= 100;
        return OTEL_OK;
    }
    return otl_detail_set(c->reterr, OTEL_ERR_SYNTAX, NULL, 0, (unsigned)start + 1,
                          "unknown unit '%.12s'; the figure is %s", word,
                          hx_figure_kind_text(kind));
}

static enum otel_err read_limit(struct cursor *c, struct hx_threshold *t)
{
    size_t start = c->at, len = strspn(c->text + c->at, "0123456789.-");
    char number[NUMBER_BYTES];

    if (t->figure.kind == HX_FIGURE_TRUTH)
        return read_truth(c, t);
    if (len == 0 || len >= sizeof(number))
        return wrong(c, start, "expected a number", NULL);
    memcpy(number, c->text + c->at, len);
    number[len] = '\0';
    if (otl_parse_double(number, -1e18, 1e18, &t->limit) != OTEL_OK)
        return wrong(c, start, "expected a number, found", number);
    if (t->figure.timing && (t->op == HX_EQUAL || t->op == HX_UNEQUAL))
        return wrong(c, start, "what was measured never is exactly so; compare by < <= > or >=",
                     NULL);
    c->at += len;
    if (c->text[c->at] == ' ' && c->text[c->at + 1] > ' ')
        c->at++; /* "50 ms" */
    return read_unit(c, t);
}

const char *hx_threshold_op_text(enum hx_threshold_op op)
{
    return ops[op];
}

/* A line that no run can fail says nothing, and one that none can pass not what was meant. */
static enum otel_err check_sense(struct cursor *c, const struct hx_threshold *t, size_t at)
{
    bool below = t->limit < 0, at_most = t->limit <= 0;
    bool never = (t->op == HX_BELOW && at_most) || (t->op == HX_AT_MOST && below) ||
                 (t->op == HX_EQUAL && below);
    bool always = (t->op == HX_AT_LEAST && at_most) || (t->op == HX_ABOVE && below) ||
                  (t->op == HX_UNEQUAL && below);

    if (!t->figure.from_zero || (!never && !always))
        return OTEL_OK;
    return otl_detail_set(c->reterr, OTEL_ERR_SYNTAX, NULL, 0, (unsigned)at + 1,
                          "this %s: the figure is never below 0",
                          never ? "can never hold" : "holds whatever happens");
}

enum otel_err hx_threshold_parse(const char *text, const json_t *schema, struct hx_threshold *ret,
                                 struct otl_detail *reterr)
{
    struct cursor c = {text, 0, reterr};
    struct hx_threshold t;
    enum otel_err err;
    size_t op_at;

    memset(&t, 0, sizeof(t));
    if (strlen(text) >= sizeof(t.text))
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 1, "longer than %d bytes",
                              HX_THRESHOLD_BYTES - 1);
    snprintf(t.text, sizeof(t.text), "%s", text);
    skip_blanks(&c);
    err = read_path(&c, schema, &t.figure);
    skip_blanks(&c);
    op_at = c.at;
    if (err == OTEL_OK)
        err = read_op(&c, &t.op);
    skip_blanks(&c);
    if (err == OTEL_OK)
        err = read_limit(&c, &t);
    skip_blanks(&c);
    if (err == OTEL_OK && text[c.at] != '\0')
        err = wrong(&c, c.at, "the line should end here, but goes on with", text + c.at);
    if (err == OTEL_OK)
        err = check_sense(&c, &t, op_at);
    if (err == OTEL_OK)
        *ret = t;
    return err;
}
