/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/processors/tests/proc_world.h"
#include "collector-mock/wire/json.h"

/* transform and filter on three signals, by the table of vectors/ottl.json: what each makes of the
 * request of its signal. A real Collector was held against the same table (tests/real/ottl.py). */

#define TABLE "collector-mock/processors/tests/vectors/ottl.json"

static const char *const groups[COL_SIGNALS][3] = {
    {"resourceSpans", "scopeSpans", "spans"},
    {"resourceMetrics", "scopeMetrics", "metrics"},
    {"resourceLogs", "scopeLogs", "logRecords"}};
static const char *const statements[COL_SIGNALS] = {"trace_statements", "metric_statements",
                                                    "log_statements"};

/* ---- requests as trees ---- */

static void to_wire(enum col_signal signal, const json_t *tree, struct otl_buf *out)
{
    char *text = json_dumps(tree, JSON_COMPACT);
    struct otl_detail detail = OTL_DETAIL_NONE;

    assert_non_null(text);
    if (col_json_decode(signal, otl_view_str(text), out, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    free(text);
}

static json_t *to_tree(enum col_signal signal, struct otl_view request)
{
    struct otl_buf text;
    json_t *tree;

    otl_buf_init(&text, 1 << 20);
    assert_int_equal(col_json_request(signal, request, &text), OTEL_OK);
    tree = json_loadb(text.data, text.len, 0, NULL);
    assert_non_null(tree);
    otl_buf_fini(&text);
    return tree;
}

static int by_key(const void *a, const void *b)
{
    const json_t *const *left = a, *const *right = b;

    return strcmp(json_string_value(json_object_get(*left, "key")),
                  json_string_value(json_object_get(*right, "key")));
}

/* Lists of pairs in the order of their keys, and none that are empty. */
static void sort(json_t *tree)
{
    json_t *part, *list[64];
    const char *key;
    size_t i, count;
    void *next;

    json_array_foreach(tree, i, part)
        sort(part);
    json_object_foreach_safe(tree, next, key, part) {
        count = json_array_size(part);
        if (strcmp(key, "attributes") == 0 && count > 0) {
            assert_true(count < 64);
            for (i = 0; i < count; i++)
                list[i] = json_incref(json_array_get(part, i));
            qsort(list, count, sizeof(list[0]), by_key);
            json_array_clear(part);
            for (i = 0; i < count; i++)
                json_array_append_new(part, list[i]);
        }
        sort(part);
        if (json_is_array(part) && count == 0)
            json_object_del(tree, key);
    }
}

/* ---- what is to become of one ---- */

/* The list that r, s, i, p or e is a member of. */
static json_t *list_of(json_t *at, char kind, enum col_signal signal)
{
    static const char *const data[] = {"gauge", "sum", "histogram", "exponentialHistogram",
                                       "summary"};

    if (kind == 'e')
        return json_object_get(at, "events");
    if (kind != 'p')
        return json_object_get(at, groups[signal][kind == 'r' ? 0 : kind == 's' ? 1 : 2]);
    for (size_t i = 0; i < 5; i++)
        if (json_object_get(at, data[i]) != NULL)
            return json_object_get(json_object_get(at, data[i]), "dataPoints");
    return NULL;
}

static bool is_member(const char *token)
{
    return strchr("rsipe", token[0]) != NULL && token[1] >= '0' && token[1] <= '9';
}

static size_t number_of(const char *token)
{
    return strtoul(token + 1, NULL, 10);
}

/* 5 is {"intValue": "5"}, and so on. */
static json_t *value_of(json_t *value)
{
    if (json_is_boolean(value))
        return json_pack("{s:O}", "boolValue", value);
    if (json_is_integer(value))
        return json_pack("{s:o}", "intValue", json_sprintf("%lld", json_integer_value(value)));
    if (json_is_real(value))
        return json_pack("{s:O}", "doubleValue", value);
    return json_is_string(value) ? json_pack("{s:O}", "stringValue", value) : json_incref(value);
}

static void change_attribute(json_t *at, const char *key, json_t *value)
{
    json_t *pairs = json_object_get(at, "attributes");
    size_t i = 0;

    if (pairs == NULL) {
        json_object_set_new(at, "attributes", json_array());
        pairs = json_object_get(at, "attributes");
    }
    while (i < json_array_size(pairs) &&
           strcmp(json_string_value(json_object_get(json_array_get(pairs, i), "key")), key) != 0)
        i++;
    if (i < json_array_size(pairs))
        json_array_remove(pairs, i);
    if (!json_is_null(value))
        json_array_append_new(pairs, json_pack("{s:s, s:o}", "key", key, "value",
                                               value_of(value)));
}

static void change(json_t *at, enum col_signal signal, const char *path, json_t *value)
{
    char token[128];

    for (;;) {
        size_t len = strcspn(path, "/");
        bool last = path[len] == '\0';
        snprintf(token, sizeof(token), "%.*s", (int)len, path);
        if (strcmp(token, "attributes") == 0 && !last) {
            change_attribute(at, path + len + 1, value);
            return;
        }
        if (is_member(token) && last) {
            json_array_remove(list_of(at, token[0], signal), number_of(token));
            return;
        }
        if (last) {
            if (json_is_null(value))
                json_object_del(at, token);
            else
                json_object_set(at, token, value);
            return;
        }
        if (!is_member(token) && json_object_get(at, token) == NULL)
            json_object_set_new(at, token, json_object());
        at = is_member(token) ? json_array_get(list_of(at, token[0], signal), number_of(token))
                              : json_object_get(at, token);
        if (at == NULL)
            fail_msg("the table: there is no %s", path);
        path += len + 1;
    }
}

/* ---- cases ---- */

/* transform: a list of groups; transform-logs: those of another signal; filter: as it is. */
static char *configuration(enum col_signal signal, const json_t *processor, char *ret_type)
{
    void *first = json_object_iter((json_t *)(uintptr_t)processor);
    const char *name = json_object_iter_key(first);
    json_t *settings = json_object_iter_value(first), *whole;
    char *text;

    snprintf(ret_type, 16, "%.*s", (int)strcspn(name, "-"), name);
    if (strcmp(ret_type, "transform") == 0)
        whole = json_pack("{s:s, s:O}", "error_mode", "silent",
                          statements[name[9] == '-' ? COL_LOGS : signal], settings);
    else
        whole = json_copy(settings);
    assert_non_null(whole);
    text = json_dumps(whole, JSON_COMPACT);
    json_decref(whole);
    return text;
}

static void run(const char *name, enum col_signal signal, const json_t *request,
                const json_t *processor, json_t *changes)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_batch batch = {.signal = signal, .mono_ns = 1};
    struct proc_world world;
    struct otl_buf wire;
    char type[16], *config = configuration(signal, processor, type), *ours, *theirs;
    const struct proc_options options = {.type = type, .signal = signal};
    json_t *wanted, *made, *value;
    const char *path;

    otl_buf_init(&wire, 1 << 20);
    to_wire(signal, request, &wire);
    batch.request = otl_view(wire.data, wire.len);
    assert_int_equal(col_request_check(signal, batch.request, &batch.items, &detail), OTEL_OK);
    if (proc_world_init_for(&world, &options, config, &detail) != OTEL_OK)
        fail_msg("%s: %s", name, detail.text);
    assert_int_equal(world.type->consume(world.self, &batch, &detail), OTEL_OK);
    wanted = to_tree(signal, batch.request);
    json_object_foreach(changes, path, value)
        change(wanted, signal, path, value);
    made = to_tree(signal, otl_view(world.out.data, world.out.len));
    sort(wanted);
    sort(made);
    ours = json_dumps(made, JSON_COMPACT | JSON_SORT_KEYS);
    theirs = json_dumps(wanted, JSON_COMPACT | JSON_SORT_KEYS);
    if (strcmp(ours, theirs) != 0)
        fail_msg("%s:\n    %s\n  and not\n    %s", name, ours, theirs);
    if (json_object_size(changes) == 0) /* not a byte of it */
        assert_true(otl_view_equal(batch.request, otl_view(world.out.data, world.out.len)));
    free(ours);
    free(theirs);
    free(config);
    json_decref(made);
    json_decref(wanted);
    proc_world_fini(&world);
    otl_buf_fini(&wire);
}

static void each_case_of_the_table_holds(void **state)
{
    json_error_t error;
    json_t *table = json_load_file(TABLE, 0, &error), *one;
    size_t i, count = 0;

    (void)state;
    if (table == NULL)
        fail_msg(TABLE ":%d: %s", error.line, error.text);
    json_array_foreach(json_object_get(table, "cases"), i, one)
        for (int s = COL_TRACES; s < COL_SIGNALS; s++) {
            enum col_signal signal = (enum col_signal)s;
            const char *key = col_signal_name(signal);
            json_t *request = json_object_get(json_object_get(table, "requests"), key);
            if (json_object_get(one, key) == NULL)
                continue;
            run(json_string_value(json_object_get(one, "name")), signal, request,
                json_object_get(one, key), json_object_get(one, "changes"));
            count++;
        }
    assert_true(count > 60);
    json_decref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_case_of_the_table_holds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
