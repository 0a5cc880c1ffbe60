/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/ottl_walk.h"
#include "sdk/base/text.h"

/* Values of the transformation language: literals, and what stands behind paths. */

static void blanks(struct hx_walk *w)
{
    while (isspace((unsigned char)*w->at))
        w->at++;
}

bool hx_walk_eat(struct hx_walk *w, const char *what)
{
    size_t len = strlen(what);

    blanks(w);
    if (strncmp(w->at, what, len) != 0 ||
        (isalpha((unsigned char)*what) &&
         (isalnum((unsigned char)w->at[len]) || w->at[len] == '_' || w->at[len] == '.')))
        return false;
    w->at += len;
    return true;
}

bool hx_walk_ended(struct hx_walk *w)
{
    blanks(w);
    return *w->at == '\0';
}

void hx_walk_must(struct hx_walk *w, const char *what)
{
    if (!hx_walk_eat(w, what))
        w->wrong = true;
}

struct otl_view hx_walk_quoted(struct hx_walk *w, int side)
{
    char *out = w->texts[side];
    size_t len = 0;

    blanks(w);
    if (*w->at != '"') {
        w->wrong = true;
        return otl_view("", 0);
    }
    for (w->at++; *w->at != '"' && *w->at != '\0' && len < HX_WALK_TEXT_MAX - 1; w->at++) {
        char c = *w->at;
        if (c == '\\' && w->at[1] != '\0') {
            c = *++w->at;
            c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
        }
        out[len++] = c;
    }
    out[len] = '\0';
    w->wrong |= *w->at != '"';
    w->at += *w->at == '"';
    return otl_view(out, len);
}

/* ---- values ---- */

static struct hx_tail_value nothing(void)
{
    return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
}

static struct hx_tail_value of_text(struct otl_view text)
{
    struct hx_tail_value value = {.kind = HX_TAIL_TEXT, .text = text};

    return value;
}

static struct hx_tail_value of_int(int64_t number)
{
    struct hx_tail_value value = {.kind = HX_TAIL_INT, .integer = number};

    return value;
}

static struct hx_tail_value of_number(struct hx_walk *w)
{
    struct hx_tail_value value = {.kind = HX_TAIL_INT};
    char *end, *real_end;

    value.integer = strtoll(w->at, &end, 10);
    value.real = strtod(w->at, &real_end);
    if (real_end > end)
        value.kind = HX_TAIL_REAL;
    w->wrong |= real_end == w->at;
    w->at = real_end;
    return value;
}

static struct hx_tail_value of_moment(uint64_t ns)
{
    return (struct hx_tail_value){.kind = HX_TAIL_MOMENT, .integer = (int64_t)ns};
}

static struct hx_tail_value attribute(struct hx_walk *w, enum hx_tail_where where, int side)
{
    hx_walk_must(w, "[");
    hx_walk_quoted(w, side);
    hx_walk_must(w, "]");
    return w->wrong ? nothing() : w->span->attribute(w->span, where, w->event, w->texts[side]);
}

/* trace_id, trace_id.string and the like. */
static bool id_at(struct hx_walk *w, int side, struct hx_tail_value *ret)
{
    const struct {
        const char *word, *as_text;
        const uint8_t *id;
        size_t len;
    } ids[] = {{"trace_id", "trace_id.string", w->span->trace_id, 16},
               {"span_id", "span_id.string", w->span->span_id, 8},
               {"parent_span_id", "parent_span_id.string", w->span->parent_span_id, 8}};

    for (size_t i = 0; i < 3; i++) {
        if (hx_walk_eat(w, ids[i].word)) {
            *ret = of_text(otl_view((const char *)ids[i].id, ids[i].len));
            ret->kind = HX_TAIL_ID;
            return true;
        }
        if (hx_walk_eat(w, ids[i].as_text)) {
            otl_hex(ids[i].id, ids[i].len, w->texts[side]);
            *ret = of_text(otl_view(w->texts[side], 2 * ids[i].len));
            return true;
        }
    }
    return false;
}

/* TraceID(0x...), SpanID(0x...): behind the word. */
static struct hx_tail_value id_of(struct hx_walk *w, size_t len, int side)
{
    struct hx_tail_value value = {.kind = HX_TAIL_ID, .text = otl_view(w->texts[side], len)};

    hx_walk_must(w, "(");
    blanks(w);
    w->wrong |= strlen(w->at) < 2 + 2 * len || strncmp(w->at, "0x", 2) != 0 ||
                !otl_unhex(w->at + 2, len, (uint8_t *)w->texts[side]);
    w->at += w->wrong ? 0 : 2 + 2 * len;
    hx_walk_must(w, ")");
    return value;
}

/* Words for numbers: those of statuses and of kinds. */
static bool constant(struct hx_walk *w, int64_t *ret)
{
    static const char *const status[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                         "STATUS_CODE_ERROR"};
    static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                        "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                        "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};

    for (*ret = 0; *ret < 3; ++*ret)
        if (hx_walk_eat(w, status[*ret]))
            return true;
    for (*ret = 0; *ret < 6; ++*ret)
        if (hx_walk_eat(w, kinds[*ret]))
            return true;
    return false;
}

bool hx_walk_prefix(struct hx_walk *w, const char *what)
{
    blanks(w);
    if (strncmp(w->at, what, strlen(what)) != 0)
        return false;
    w->at += strlen(what);
    return true;
}

enum hx_tail_where hx_walk_where(struct hx_walk *w)
{
    if (hx_walk_prefix(w, "resource."))
        return HX_TAIL_RESOURCE;
    if (hx_walk_prefix(w, "scope.") || hx_walk_prefix(w, "instrumentation_scope."))
        return HX_TAIL_SCOPE;
    if (hx_walk_prefix(w, "span."))
        return HX_TAIL_SPAN;
    return hx_walk_prefix(w, "spanevent.") ? HX_TAIL_EVENT : w->context;
}

const char *const hx_walk_kinds[6] = {"Unspecified", "Internal", "Server",
                                      "Client",      "Producer", "Consumer"};

static struct hx_tail_value span_number(struct hx_walk *w)
{
    const struct hx_tail_span *span = w->span;

    if (hx_walk_eat(w, "kind"))
        return of_int(span->kind);
    if (hx_walk_eat(w, "status.code"))
        return of_int(span->status);
    if (hx_walk_eat(w, "start_time_unix_nano"))
        return of_int((int64_t)span->start_ns);
    if (hx_walk_eat(w, "end_time_unix_nano"))
        return of_int((int64_t)span->end_ns);
    if (hx_walk_eat(w, "start_time"))
        return of_moment(span->start_ns);
    if (hx_walk_eat(w, "end_time"))
        return of_moment(span->end_ns);
    if (hx_walk_eat(w, "dropped_attributes_count"))
        return of_int(span->dropped_attributes);
    if (hx_walk_eat(w, "dropped_events_count"))
        return of_int(span->dropped_events);
    if (hx_walk_eat(w, "dropped_links_count"))
        return of_int(span->dropped_links);
    w->wrong = true;
    return nothing();
}

static struct hx_tail_value span_value(struct hx_walk *w, int side)
{
    const struct hx_tail_span *span = w->span;
    struct hx_tail_value value;

    if (hx_walk_eat(w, "attributes"))
        return attribute(w, HX_TAIL_SPAN, side);
    if (hx_walk_eat(w, "name"))
        return of_text(span->name);
    if (hx_walk_eat(w, "status.message"))
        return of_text(span->status_message);
    if (hx_walk_eat(w, "trace_state"))
        return of_text(span->trace_state);
    if (hx_walk_eat(w, "kind.string"))
        return of_text(otl_view_str(span->kind >= 0 && span->kind < 6 ? hx_walk_kinds[span->kind]
                                                                     : ""));
    return id_at(w, side, &value) ? value : span_number(w);
}

static struct hx_tail_value event_value(struct hx_walk *w, int side)
{
    struct hx_tail_event event;

    if (hx_walk_eat(w, "attributes"))
        return attribute(w, HX_TAIL_EVENT, side);
    memset(&event, 0, sizeof(event));
    (void)w->span->event_at(w->span, w->event, &event);
    if (hx_walk_eat(w, "name"))
        return of_text(event.name);
    if (hx_walk_eat(w, "time_unix_nano"))
        return of_int((int64_t)event.time_ns);
    if (hx_walk_eat(w, "time"))
        return of_moment(event.time_ns);
    if (hx_walk_eat(w, "dropped_attributes_count"))
        return of_int(event.dropped_attributes);
    w->wrong = true;
    return nothing();
}

static struct hx_tail_value scope_value(struct hx_walk *w, int side)
{
    if (hx_walk_eat(w, "attributes"))
        return attribute(w, HX_TAIL_SCOPE, side);
    if (hx_walk_eat(w, "name"))
        return of_text(w->span->scope_name);
    if (hx_walk_eat(w, "version"))
        return of_text(w->span->scope_version);
    w->wrong = true;
    return nothing();
}

static struct hx_tail_value path_value(struct hx_walk *w, int side)
{
    enum hx_tail_where where = hx_walk_where(w);

    w->saw |= 1u << where;
    w->wrong |= where > w->context;
    if (where == HX_TAIL_SPAN)
        return span_value(w, side);
    if (where == HX_TAIL_EVENT)
        return event_value(w, side);
    if (where == HX_TAIL_SCOPE)
        return scope_value(w, side);
    if (hx_walk_eat(w, "attributes"))
        return attribute(w, HX_TAIL_RESOURCE, side);
    w->wrong = true;
    return nothing();
}

struct hx_tail_value hx_walk_single(struct hx_walk *w, int side)
{
    struct hx_tail_value value = {.kind = HX_TAIL_NOTHING};
    int64_t number;

    blanks(w);
    if (*w->at == '"')
        return of_text(hx_walk_quoted(w, side));
    if (*w->at == '-' || *w->at == '+' || isdigit((unsigned char)*w->at))
        return of_number(w);
    if (hx_walk_eat(w, "nil"))
        return value;
    if (hx_walk_eat(w, "true") || hx_walk_eat(w, "false")) {
        value.kind = HX_TAIL_BOOL;
        value.integer = w->at[-2] == 'u'; /* tr-u-e */
        return value;
    }
    if (constant(w, &number))
        return of_int(number);
    if (hx_walk_eat(w, "TraceID"))
        return id_of(w, 16, side);
    if (hx_walk_eat(w, "SpanID"))
        return id_of(w, 8, side);
    return path_value(w, side);
}

/* ---- texts ---- */

/* The fewest digits that say this number, as JSON has it: from 1e-6 to 1e21 without an exponent.
 * False: it is no number. */
static bool real_text(double real, char scratch[HX_WALK_SCRATCH])
{
    const char *sign = signbit(real) ? "-" : "";
    double size = fabs(real);
    char digits[32], *mantissa, *exponent;
    int count = -1, power;

    if (!(size <= 1.7976931348623157e308))
        return false;
    do
        snprintf(digits, sizeof(digits), "%.*e", ++count, size);
    while (strtod(digits, NULL) != size && count < 17);
    exponent = strchr(digits, 'e');
    power = (int)strtol(exponent + 1, NULL, 10);
    *exponent = '\0';
    mantissa = digits + (count > 0); /* all digits together, 1 + count of them */
    mantissa[0] = digits[0];
    if (size != 0 && (size < 1e-6 || size >= 1e21))
        snprintf(scratch, HX_WALK_SCRATCH, "%s%c%s%se%+d", sign, mantissa[0], count > 0 ? "." : "",
                 mantissa + 1, power);
    else if (power < 0)
        snprintf(scratch, HX_WALK_SCRATCH, "%s0.%.*s%s", sign, -power - 1, "00000", mantissa);
    else
        snprintf(scratch, HX_WALK_SCRATCH, "%s%.*s%.*s%s%s", sign, power + 1, mantissa,
                 power > count ? power - count : 0, "00000000000000000000",
                 count > power ? "." : "", count > power ? mantissa + power + 1 : "");
    return true;
}

bool hx_walk_text(struct hx_walk *w, const struct hx_tail_value *value,
                  char scratch[HX_WALK_SCRATCH], struct otl_view *ret)
{
    bool good = true;

    *ret = value->text;
    if (value->kind == HX_TAIL_TEXT)
        return true;
    if (value->kind == HX_TAIL_BOOL)
        snprintf(scratch, HX_WALK_SCRATCH, "%s", value->integer != 0 ? "true" : "false");
    else if (value->kind == HX_TAIL_INT)
        snprintf(scratch, HX_WALK_SCRATCH, "%lld", (long long)value->integer);
    else
        good = value->kind == HX_TAIL_REAL && real_text(value->real, scratch);
    w->ottl->unsure |= !good && (value->kind == HX_TAIL_REAL || value->kind == HX_TAIL_OTHER);
    *ret = otl_view_str(good ? scratch : "");
    return good;
}
