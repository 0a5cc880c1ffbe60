/* SPDX-License-Identifier: Apache-2.0 */
/* Critical paths of small traces, and what they say of slow ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/verify/path/paths.h"
#include "sdk/base/clock.h"

enum { INTERNAL = 1, SERVER, CLIENT, PRODUCER, MS = 1000 * 1000 };

static struct hx_path_node node(uint8_t id, uint8_t parent, uint8_t kind, uint64_t from_ms,
                                uint64_t to_ms)
{
    struct hx_path_node n = {.start_ns = from_ms * MS, .end_ns = to_ms * MS, .kind = kind};

    n.span_id[7] = id;
    n.parent_id[7] = parent;
    return n;
}

/* "1[0-2 2[2-8 1(8-10": node's id, ( where it is a gap, from and to in ms. */
static void say(struct hx_path_node *nodes, size_t count, char *out, size_t size)
{
    struct hx_path_piece pieces[64];
    size_t used, len = 0;
    uint32_t root;
    uint64_t at;

    hx_path_find(nodes, count, pieces, &used, &root);
    out[0] = '\0';
    at = root != HX_PATH_NONE ? nodes[root].start_ns : 0;
    for (size_t i = 0; i < used; i++) {
        assert_true(pieces[i].from_ns == at); /* no instant is left out, none is in two pieces */
        at = pieces[i].to_ns;
        len += (size_t)snprintf(out + len, size - len, "%s%d%s%d-%d", len > 0 ? " " : "",
                                nodes[pieces[i].node].span_id[7],
                                pieces[i].gap != HX_PATH_EXPLAINED ? "(" : "[",
                                (int)(pieces[i].from_ns / MS), (int)(pieces[i].to_ns / MS));
    }
    assert_true(root == HX_PATH_NONE || at == nodes[root].end_ns);
}

static void a_call_is_on_the_path_and_the_network_is_a_gap(void **state)
{
    struct hx_path_node nodes[] = {node(3, 2, SERVER, 3, 7), node(1, 0, SERVER, 0, 10),
                                   node(2, 1, CLIENT, 2, 8)};
    char text[200];

    (void)state;
    say(nodes, 3, text, sizeof text);
    assert_string_equal(text, "1(0-2 2(2-3 3[3-7 2(7-8 1(8-10");
}

static void of_parallel_calls_the_last_to_end_counts(void **state)
{
    struct hx_path_node nodes[] = {node(1, 0, SERVER, 0, 10), node(2, 1, INTERNAL, 1, 9),
                                   node(3, 1, INTERNAL, 1, 4), node(4, 1, INTERNAL, 9, 10)};
    char text[200];

    (void)state;
    say(nodes, 4, text, sizeof text);
    assert_string_equal(text, "1(0-1 2[1-9 4[9-10");
}

static void what_nobody_waits_for_is_not_on_it(void **state)
{
    struct hx_path_node nodes[] = {node(1, 0, SERVER, 0, 10), node(2, 1, PRODUCER, 2, 30)};
    char text[200];

    (void)state;
    say(nodes, 2, text, sizeof text);
    assert_string_equal(text, "1[0-10");
}

static void a_call_without_callee_is_a_gap_and_a_statement_is_not(void **state)
{
    struct hx_path_node nodes[] = {node(1, 0, SERVER, 0, 10), node(2, 1, CLIENT, 0, 4),
                                   node(3, 1, CLIENT, 4, 10)};
    char text[200];

    (void)state;
    nodes[2].names_statement = true;
    say(nodes, 3, text, sizeof text);
    assert_string_equal(text, "2(0-4 3[4-10");
}

static void odd_traces_end_too(void **state)
{
    struct hx_path_node ring[] = {node(1, 2, SERVER, 0, 10), node(2, 1, SERVER, 0, 10)};
    struct hx_path_node own[] = {node(1, 1, SERVER, 0, 10)};
    char text[200];

    (void)state;
    say(ring, 2, text, sizeof text);
    assert_string_equal(text, "");
    say(own, 1, text, sizeof text);
    assert_string_equal(text, "1[0-10");
    say(own, 0, text, sizeof text);
    assert_string_equal(text, "");
}

/* ---- many traces ---------------------------------------------------------------------------- */

/* Trace n at n x 100 ms: 10 ms own time, then a statement of sql_ms. */
static void add_trace(struct hx_paths *paths, unsigned n, uint64_t sql_ms)
{
    struct hx_paths_operation get = {"shop", "GET /", ""}, sql = {"shop", "SELECT t", "SELECT 1"};
    uint64_t start = 1000 + n * 100ull;
    struct hx_paths_span span = {.operation = hx_paths_operation(paths, &get)};

    memcpy(span.trace_id, &n, sizeof n);
    span.trace_id[15] = 1;
    span.arrived_ns = (start + 20 + sql_ms) * MS;
    span.node = node(1, 0, SERVER, start, start + 10 + sql_ms);
    assert_int_equal(hx_paths_add(paths, &span), OTEL_OK);
    span.operation = hx_paths_operation(paths, &sql);
    span.node = node(2, 1, CLIENT, start + 10, start + 10 + sql_ms);
    span.node.names_statement = true;
    assert_int_equal(hx_paths_add(paths, &span), OTEL_OK);
    assert_int_equal(hx_paths_add(paths, &span), OTEL_OK); /* it came twice */
}

static void judge(struct hx_paths *paths, struct hx_paths_finding *f)
{
    assert_int_equal(hx_paths_seal(paths), OTEL_OK);
    assert_int_equal(hx_paths_judge(paths, f), OTEL_OK);
}

static void the_statement_that_grew_is_named_and_since_when(void **state)
{
    struct hx_paths paths;
    struct hx_paths_finding f;

    (void)state;
    assert_int_equal(hx_paths_init(&paths), OTEL_OK);
    for (unsigned n = 0; n < 40; n++)
        add_trace(&paths, n, n < 20 ? 2 : 150);
    judge(&paths, &f);
    assert_true(f.named);
    assert_string_equal(paths.operations[f.row / HX_PATH_GAPS].statement, "SELECT 1");
    assert_int_equal(f.row % HX_PATH_GAPS, HX_PATH_EXPLAINED);
    assert_int_equal(f.slow.count, 20);
    assert_int_equal(f.slow.p50_ns, 160 * MS);
    assert_true(f.added_ns > 147.9 * MS && f.added_ns < 148.1 * MS);
    assert_true(f.symptom_s > 1.99 && f.symptom_s < 2.01);
    assert_true(f.after_s > 2.56 && f.after_s < 2.58); /* the fifth slow one has arrived */
    assert_true(f.slow.unexplained_ns > 9.9 * MS && f.slow.unexplained_ns < 10.1 * MS);
    assert_non_null(strstr(f.reason, "SELECT 1"));
    hx_paths_finding_fini(&f);
    hx_paths_fini(&paths);
}

static void without_slow_traces_nothing_is_named(void **state)
{
    struct hx_paths paths;
    struct hx_paths_finding f;
    json_t *json;

    (void)state;
    assert_int_equal(hx_paths_init(&paths), OTEL_OK);
    for (unsigned n = 0; n < 40; n++)
        add_trace(&paths, n, n == 7 ? 150 : 2);
    judge(&paths, &f);
    assert_false(f.named);
    assert_non_null(strstr(f.reason, "nothing to compare"));
    json = hx_paths_json(&paths, &f);
    assert_non_null(json);
    assert_null(json_object_get(json, "service"));
    json_decref(json);
    hx_paths_finding_fini(&f);
    hx_paths_fini(&paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_on_the_path_and_the_network_is_a_gap),
        cmocka_unit_test(of_parallel_calls_the_last_to_end_counts),
        cmocka_unit_test(what_nobody_waits_for_is_not_on_it),
        cmocka_unit_test(a_call_without_callee_is_a_gap_and_a_statement_is_not),
        cmocka_unit_test(odd_traces_end_too),
        cmocka_unit_test(the_statement_that_grew_is_named_and_since_when),
        cmocka_unit_test(without_slow_traces_nothing_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
