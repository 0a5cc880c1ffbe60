/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tests/before_spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "collector-mock/wire/json.h"
#include "sdk/base/text.h"

/* ---- made ---- */

static size_t below(struct otl_random *random, size_t count)
{
    return (size_t)otl_random_below(random, count);
}

#define ONE_OF(random, list) (list)[below(random, sizeof(list) / sizeof((list)[0]))]

static json_t *random_value(struct otl_random *random, const char *key)
{
    static const char *const urls[] = {"/users/42/list/7", "aaa/9", "banana", "", "/naïve/été",
                                       "aab/1aab/2"};
    static const char *const texts[] = {"a", "ab\xc3\xa9" "d", "\xe6\x97\xa5\xe6\x9c\xac", "42",
                                        "x y z"};
    static const double reals[] = {0.5, 1e21, -3, 0, 1.5e-7, 123456.75};

    if (strcmp(key, "url") == 0)
        return json_pack("{s:s}", "stringValue", ONE_OF(random, urls));
    if (strcmp(key, "b") == 0)
        return json_pack("{s:b}", "boolValue", (int)below(random, 2));
    if (strcmp(key, "r") == 0)
        return json_pack("{s:f}", "doubleValue", ONE_OF(random, reals));
    if (strcmp(key, "n") == 0 && below(random, 4) > 0)
        return json_pack("{s:o}", "intValue",
                         json_sprintf("%d", (int)below(random, 100) - 10));
    if (strcmp(key, "list") == 0)
        return below(random, 2) == 0
                   ? json_pack("{s:{s:[{s:s}]}}", "arrayValue", "values", "stringValue", "t")
                   : json_pack("{s:s}", "bytesValue", "AAEC");
    return json_pack("{s:s}", "stringValue", ONE_OF(random, texts));
}

static void add(json_t *list, const char *key, json_t *value)
{
    json_array_append_new(list, json_pack("{s:s, s:o}", "key", key, "value", value));
}

static json_t *attributes(struct otl_random *random, size_t one_in)
{
    static const char *const keys[] = {"url", "n", "b", "r", "text", "list", "h"};
    size_t first = below(random, 7);
    json_t *list = json_array();

    for (size_t i = 0; i < 7; i++)
        if (below(random, one_in) == 0)
            add(list, keys[(first + i) % 7], random_value(random, keys[(first + i) % 7]));
    return list;
}

static json_t *events(struct otl_random *random)
{
    static const char *const names[] = {"retry", "exception", "log"};
    json_t *list = json_array();

    for (size_t i = below(random, 4); i > 0; i--) {
        json_t *own = attributes(random, 4);
        if (below(random, 2) == 0)
            add(own, "type", json_pack("{s:s}", "stringValue", "io"));
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:i}", "timeUnixNano",
                                              json_sprintf("%d", 10 + (int)below(random, 90)),
                                              "name", ONE_OF(random, names), "attributes", own,
                                              "droppedAttributesCount", (int)below(random, 2)));
    }
    return list;
}

static json_t *one_span(struct otl_random *random, unsigned number)
{
    static const char *const names[] = {"GET /users/42", "SELECT", "send", "bad/9/list/10", ""};
    static const char *const states[] = {"", "vendor=a", "ot=th:c"};
    static const char *const messages[] = {"", "bad", "b"};
    int start = (int)below(random, 60);

    return json_pack(
        "{s:o, s:o, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:{s:i, s:s}}",
        "traceId", json_sprintf("%032d", 1 + (int)below(random, 3)), "spanId",
        json_sprintf("%016x", number + 1), "parentSpanId",
        below(random, 2) == 0 ? "" : "00f067aa0ba902b7", "traceState", ONE_OF(random, states),
        "name", ONE_OF(random, names), "kind", (int)below(random, 6), "startTimeUnixNano",
        json_sprintf("%d", start), "endTimeUnixNano",
        json_sprintf("%d", start + (int)below(random, 90)), "attributes", attributes(random, 2),
        "events", events(random), "droppedAttributesCount", (int)below(random, 2),
        "droppedEventsCount", (int)below(random, 2), "droppedLinksCount", (int)below(random, 2),
        "status", "code", (int)below(random, 3), "message", ONE_OF(random, messages));
}

static json_t *one_scope(struct otl_random *random, unsigned *number)
{
    static const char *const names[] = {"lib.a", "lib.b", ""};
    json_t *own = attributes(random, 4), *spans = json_array();

    if (below(random, 2) == 0)
        add(own, "kind", json_pack("{s:s}", "stringValue", "db"));
    for (size_t i = 1 + below(random, 4); i > 0; i--)
        json_array_append_new(spans, one_span(random, (*number)++));
    return json_pack("{s:{s:s, s:s, s:o}, s:o}", "scope", "name", ONE_OF(random, names), "version",
                     below(random, 2) == 0 ? "1.0" : "", "attributes", own, "spans", spans);
}

static json_t *one_resource(struct otl_random *random, unsigned *number)
{
    static const char *const services[] = {"shop", "pay", "order"};
    json_t *own = attributes(random, 4), *scopes = json_array();

    add(own, "service.name", json_pack("{s:s}", "stringValue", ONE_OF(random, services)));
    if (below(random, 2) == 0)
        add(own, "env", json_pack("{s:s}", "stringValue", "prod"));
    for (size_t i = 1 + below(random, 2); i > 0; i--)
        json_array_append_new(scopes, one_scope(random, number));
    return json_pack("{s:{s:o}, s:o}", "resource", "attributes", own, "scopeSpans", scopes);
}

void before_spans(struct otl_random *random, struct otl_buf *ret)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *groups = json_array(), *tree;
    unsigned number = 0;
    char *text;

    for (size_t i = 0; i < 3; i++)
        json_array_append_new(groups, one_resource(random, &number));
    tree = json_pack("{s:o}", "resourceSpans", groups);
    text = json_dumps(tree, JSON_COMPACT);
    assert_non_null(text);
    otl_buf_init(ret, 1 << 20);
    if (col_json_decode(COL_TRACES, otl_view_str(text), ret, &detail) != OTEL_OK)
        fail_msg("%s: %s", detail.text, text);
    free(text);
    json_decref(tree);
}

/* ---- told ---- */

static void say_value(FILE *out, struct otl_view key, const struct hx_tail_value *value)
{
    fprintf(out, " %.*s=%d:", (int)key.len, key.data, (int)value->kind);
    if (value->kind == HX_TAIL_TEXT)
        fprintf(out, "'%.*s'", (int)value->text.len, value->text.data);
    else if (value->kind == HX_TAIL_REAL)
        fprintf(out, "%.17g", value->real);
    else if (value->kind == HX_TAIL_INT || value->kind == HX_TAIL_BOOL)
        fprintf(out, "%lld", (long long)value->integer);
}

static void say_map(FILE *out, const struct hx_tail_span *span, enum hx_tail_where where,
                    unsigned event)
{
    struct hx_tail_attribute item;

    for (size_t i = 0; span->attribute_at(span, where, event, i, &item); i++) {
        char *key = strndup(item.key.data, item.key.len);
        struct hx_tail_value found = span->attribute(span, where, event, key);
        say_value(out, item.key, &item.value);
        assert_int_equal(found.kind, item.value.kind); /* keys are met once */
        free(key);
    }
}

static void say_text(FILE *out, const char *what, struct otl_view text)
{
    fprintf(out, " %s '%.*s'", what, (int)text.len, text.len > 0 ? text.data : "");
}

char *before_span_text(const struct hx_tail_span *span)
{
    struct hx_tail_event event;
    char *ret = NULL, hex[33];
    size_t size;
    FILE *out = open_memstream(&ret, &size);

    assert_non_null(out);
    otl_hex(span->trace_id, 16, hex);
    fprintf(out, "%s", hex);
    otl_hex(span->span_id, 8, hex);
    fprintf(out, " %s", hex);
    otl_hex(span->parent_span_id, 8, hex);
    fprintf(out, " < %s kind %d status %d start %llu end %llu dropped %u %u %u", hex, span->kind,
            span->status, (unsigned long long)span->start_ns, (unsigned long long)span->end_ns,
            span->dropped_attributes, span->dropped_events, span->dropped_links);
    say_text(out, "name", span->name);
    say_text(out, "message", span->status_message);
    say_text(out, "state", span->trace_state);
    say_map(out, span, HX_TAIL_SPAN, 0);
    fprintf(out, "; resource");
    say_map(out, span, HX_TAIL_RESOURCE, 0);
    fprintf(out, "; scope");
    say_text(out, "name", span->scope_name);
    say_text(out, "version", span->scope_version);
    say_map(out, span, HX_TAIL_SCOPE, 0);
    for (unsigned i = 0; span->event_at(span, i, &event); i++) {
        fprintf(out, "; event %llu %u", (unsigned long long)event.time_ns,
                event.dropped_attributes);
        say_text(out, "name", event.name);
        say_map(out, span, HX_TAIL_EVENT, i);
    }
    fclose(out);
    return ret;
}
