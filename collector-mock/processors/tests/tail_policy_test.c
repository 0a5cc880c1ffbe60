/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/tail_world.h"
#include "sdk/base/text.h"

/* What each policy says, and what they say together: tables of configurations and traces. */

#define ONE(type, rest) "{decision_wait: 1s, policies: [{name: p, type: " type rest "}]}"
#define TWO(a, b) "{decision_wait: 1s, policies: [" a ", " b "]}"
#define LEGACY(list)                                                                               \
    "{decision_wait: 1s, compat: {invert_decisions: legacy}, policies: [" list "]}"
#define ALWAYS "{name: always, type: always_sample}"
#define NEVER "{name: never, type: probabilistic, probabilistic: {sampling_percentage: 0}}"
#define STRING(name, rest)                                                                         \
    "{name: " name ", type: string_attribute, string_attribute: {key: k, " rest "}}"
#define ERRORS "{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}"

#define FIRST(rest) "{decision_wait: 1s, sample_on_first_match: true, " rest "}"
/* Asked for the prefix of a number, which is an error. */
#define FAILS                                                                                      \
    "{name: bad, type: ottl_condition, ottl_condition: {error_mode: propagate, span: "             \
    "['HasPrefix(kind, \"x\")']}}"
#define DROPS(what) "{name: d, type: drop, drop: {drop_sub_policy: [" what "]}}"

struct row {
    const char *config;
    struct tail_span spans[4]; /* those with ms or start_ms, or the first one */
    size_t count;
    bool kept;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct tail_world world;

        if (tail_world_init(&world, rows[i].config, &detail) != OTEL_OK)
            fail_msg("row %zu: %s: %s", i, rows[i].config, detail.text);
        assert_int_equal(tail_feed(&world, rows[i].spans, rows[i].count, true), OTEL_OK);
        tail_ticks(&world, 2);
        if ((world.kept == rows[i].count) != rows[i].kept || (world.kept != 0) != rows[i].kept)
            fail_msg("row %zu: %s: kept %llu of %zu spans", i, rows[i].config,
                     (unsigned long long)world.kept, rows[i].count);
        tail_world_fini(&world);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))
#define ATTR(...) .attrs = {{.key = "k", __VA_ARGS__}}

static void latency_is_the_whole_of_the_trace_and_its_bound_is_outside(void **state)
{
    static const struct row rows[] = {
        {ONE("latency", ", latency: {threshold_ms: 100}"), {{.ms = 100}}, 1, false},
        {ONE("latency", ", latency: {threshold_ms: 100}"), {{.ms = 101}}, 1, true},
        {"{decision_wait: 1s, compat: {latency_lower_bound: inclusive}, policies: [{name: p, type: "
         "latency, latency: {threshold_ms: 100}}]}", {{.ms = 100}}, 1, true},
        {ONE("latency", ", latency: {threshold_ms: 100}"),
         {{.ms = 60}, {.start_ms = 60, .ms = 60}}, 2, true},
        {ONE("latency", ", latency: {threshold_ms: 100}"),
         {{.start_ms = 60, .ms = 60}, {.ms = 10}}, 2, true},
        {ONE("latency", ", latency: {threshold_ms: 100, upper_threshold_ms: 200}"),
         {{.ms = 100}}, 1, false},
        {ONE("latency", ", latency: {threshold_ms: 100, upper_threshold_ms: 200}"),
         {{.ms = 200}}, 1, true},
        {ONE("latency", ", latency: {threshold_ms: 100, upper_threshold_ms: 200}"),
         {{.ms = 201}}, 1, false},
        /* a part of the trace lies in the range, the whole does not: kept, as upstream */
        {ONE("latency", ", latency: {threshold_ms: 100, upper_threshold_ms: 200}"),
         {{.ms = 150}, {.ms = 500}}, 2, true},
        {ONE("latency", ", latency: {threshold_ms: 100, upper_threshold_ms: 200}"),
         {{.ms = 500}, {.ms = 150}}, 2, false},
        {ONE("latency", ""), {{.ms = 1}}, 1, true},
        {ONE("latency", ""), {{.ms = 0}}, 1, false},
    };

    (void)state;
    CHECK(rows);
}

static void attributes_are_those_of_any_span_or_resource(void **state)
{
    static const struct row rows[] = {
        {ONE("string_attribute", ", string_attribute: {key: k, values: [a, b]}"),
         {{.ms = 1}, {ATTR(.text = "b")}}, 2, true},
        {ONE("string_attribute", ", string_attribute: {key: k, values: [a, b]}"),
         {{ATTR(.text = "bb")}}, 1, false},
        {ONE("string_attribute", ", string_attribute: {key: k, values: ['']}"),
         {{ATTR(.text = "")}}, 1, false},
        {ONE("string_attribute", ", string_attribute: {key: k, values: [r]}"),
         {{.resource = {.key = "k", .text = "r"}}}, 1, true},
        {ONE("string_attribute", ", string_attribute: {key: k, values: ['^a.c$', 'x+'], "
             "enabled_regex_matching: true}"), {{ATTR(.text = "abc")}}, 1, true},
        {ONE("string_attribute", ", string_attribute: {key: k, values: ['x+'], "
             "enabled_regex_matching: true, cache_max_size: 2}"),
         {{ATTR(.text = "axxb")}}, 1, true},
        {ONE("string_attribute", ", string_attribute: {key: k, values: ['^a.c$'], "
             "enabled_regex_matching: true}"), {{ATTR(.text = "abcd")}}, 1, false},
        {ONE("string_attribute", ", string_attribute: {key: k, values: [a], invert_match: true}"),
         {{ATTR(.text = "a")}}, 1, false},
        {ONE("string_attribute", ", string_attribute: {key: k, values: [a], invert_match: true}"),
         {{ATTR(.text = "b")}}, 1, true},
        {ONE("string_attribute", ", string_attribute: {key: k, values: [a], invert_match: true}"),
         {{.ms = 1}}, 1, true},
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, min_value: 50, max_value: 100}"),
         {{ATTR(.number = 50)}}, 1, true},
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, min_value: 50, max_value: 100}"),
         {{ATTR(.number = 100)}}, 1, true},
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, min_value: 50, max_value: 100}"),
         {{ATTR(.number = 101)}}, 1, false},
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, min_value: 50, max_value: 100}"),
         {{ATTR(.real = 70.0)}}, 1, false},
        /* 0 counts as not set: no upper bound */
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, min_value: 50, max_value: 0}"),
         {{ATTR(.number = 1000000)}}, 1, true},
        /* ... and what is no int reads as 0 */
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, max_value: 10}"),
         {{ATTR(.text = "77")}}, 1, true},
        {ONE("numeric_attribute", ", numeric_attribute: {key: k, min_value: 5, "
             "invert_match: true}"),
         {{ATTR(.number = 5)}}, 1, false},
        {ONE("boolean_attribute", ", boolean_attribute: {key: k, value: true}"),
         {{ATTR(.is_bool = true, .number = 1)}}, 1, true},
        {ONE("boolean_attribute", ", boolean_attribute: {key: k, value: true}"),
         {{ATTR(.text = "true")}}, 1, false},
        {ONE("boolean_attribute", ", boolean_attribute: {key: k, value: false}"),
         {{ATTR(.text = "true")}}, 1, true},
        {ONE("boolean_attribute", ", boolean_attribute: {key: k, value: true, invert_match: true}"),
         {{.ms = 1}}, 1, true},
    };

    (void)state;
    CHECK(rows);
}

static void status_flags_state_and_count_are_seen_on_any_span(void **state)
{
    static const struct row rows[] = {
        {ONE("status_code", ", status_code: {status_codes: [ERROR]}"),
         {{.status = 1}, {.status = 2}}, 2, true},
        {ONE("status_code", ", status_code: {status_codes: [ERROR]}"), {{.status = 1}}, 1, false},
        {ONE("status_code", ", status_code: {status_codes: [UNSET]}"), {{.status = 0}}, 1, true},
        {ONE("status_code", ", status_code: {status_codes: [OK, UNSET]}"), {{.status = 2}}, 1,
         false},
        {ONE("trace_flags", ""), {{.flags = 0x100}, {.flags = 0x101}}, 2, true},
        {ONE("trace_flags", ""), {{.flags = 0x100}}, 1, false},
        {ONE("trace_state", ", trace_state: {key: k, values: [a, b]}"),
         {{.trace_state = "x=1, k=b"}}, 1, true},
        {ONE("trace_state", ", trace_state: {key: k, values: [a, b]}"),
         {{.trace_state = "k=c"}}, 1, false},
        {ONE("trace_state", ", trace_state: {key: k, values: [a]}"),
         {{.trace_state = "k=a,BAD=1"}}, 1, false},
        {ONE("trace_state", ", trace_state: {key: k, values: [a]}"),
         {{.trace_state = "k=a,k=a"}}, 1, false},
        {ONE("trace_state", ", trace_state: {key: 1t@v, values: [a]}"),
         {{.trace_state = "1t@v=a"}}, 1, true},
        {ONE("span_count", ", span_count: {min_spans: 2, max_spans: 3}"), {{.ms = 1}}, 1, false},
        {ONE("span_count", ", span_count: {min_spans: 2, max_spans: 3}"), {{.ms = 1}, {.ms = 1}},
         2, true},
        {ONE("span_count", ", span_count: {min_spans: 2, max_spans: 3}"),
         {{.ms = 1}, {.ms = 1}, {.ms = 1}, {.ms = 1}}, 4, false},
        {ONE("span_count", ", span_count: {min_spans: 2}"),
         {{.ms = 1}, {.ms = 1}, {.ms = 1}, {.ms = 1}}, 4, true},
    };

    (void)state;
    CHECK(rows);
}

#define OTTL(condition) ONE("ottl_condition", ", ottl_condition: {span: ['" condition "']}")
#define OTTL_EVENT(condition)                                                                      \
    ONE("ottl_condition", ", ottl_condition: {spanevent: ['" condition "']}")

static void conditions_of_the_transformation_language_are_read_and_held(void **state)
{
    static const struct row rows[] = {
        {OTTL("attributes[\"k\"] == \"v\""), {{ATTR(.text = "v")}}, 1, true},
        {OTTL("attributes[\"k\"] != \"v\""), {{ATTR(.text = "v")}}, 1, false},
        {OTTL("attributes[\"k\"] != \"v\""), {{.ms = 1}}, 1, true},
        {OTTL("attributes[\"k\"] == nil"), {{.ms = 1}}, 1, true},
        {OTTL("attributes[\"k\"] > 5"), {{ATTR(.number = 6)}}, 1, true},
        {OTTL("attributes[\"k\"] > 5.5"), {{ATTR(.number = 6)}}, 1, true},
        {OTTL("attributes[\"k\"] > 5"), {{ATTR(.text = "6")}}, 1, false},
        {OTTL("attributes[\"k\"] == true"), {{ATTR(.is_bool = true, .number = 1)}}, 1, true},
        {OTTL("name == \"work\" and status.code == STATUS_CODE_ERROR"), {{.status = 2}}, 1, true},
        {OTTL("name == \"work\" and status.code == STATUS_CODE_ERROR"), {{.status = 1}}, 1, false},
        {OTTL("false or not (name == \"other\")"), {{.ms = 1}}, 1, true},
        {OTTL("resource.attributes[\"service.name\"] == \"shop\""), {{.ms = 1}}, 1, true},
        {OTTL("IsMatch(span.name, \"^wo\")"), {{.ms = 1}}, 1, true},
        {OTTL("IsMatch(attributes[\"k\"], \"^wo\")"), {{.ms = 1}}, 1, false},
        {OTTL("HasPrefix(name, \"wor\") and HasSuffix(name, \"rk\")"), {{.ms = 1}}, 1, true},
        {OTTL("IsMatch(attributes[\"k\"], \"^4.$\")"), {{ATTR(.number = 42)}}, 1, true},
        {OTTL("IsMatch(attributes[\"k\"], \"^1.5$\")"), {{ATTR(.real = 1.5)}}, 1, true},
        {OTTL("IsMatch(attributes[\"none\"], \"\")"), {{.ms = 1}}, 1, false},
        {OTTL("not HasPrefix(attributes[\"k\"], \"x\")"), {{ATTR(.text = "v")}}, 1, true},
        {OTTL("not HasPrefix(attributes[\"k\"], \"x\")"), {{ATTR(.number = 5)}}, 1, false},
        {OTTL("HasPrefix(kind, \"x\") or true"), {{.ms = 1}}, 1, true},
        {OTTL("HasPrefix(kind, \"x\") or name != nil"), {{.ms = 1}}, 1, false},
        {OTTL("name != nil or HasPrefix(kind, \"x\")"), {{.ms = 1}}, 1, true},
        {ONE("ottl_condition", ", ottl_condition: {span: ['HasPrefix(attributes[\"k\"], \"v\")']}"),
         {{ATTR(.number = 1)}, {ATTR(.text = "v")}}, 2, true},
        {ONE("ottl_condition", ", ottl_condition: {error_mode: propagate, span: "
                               "['HasPrefix(attributes[\"k\"], \"v\")']}"),
         {{ATTR(.number = 1)}, {ATTR(.text = "v")}}, 2, false},
        {OTTL("IsRootSpan()"), {{.child = true}}, 1, false},
        {OTTL("end_time_unix_nano >= 1700000000005000000"), {{.ms = 5}}, 1, true},
        {OTTL("trace_id.string == \"00000000000000000000000000000007\""), {{.trace = 7}}, 1, true},
        {OTTL_EVENT("name == \"happened\""), {{.event = {.key = "e", .number = 3}}}, 1, true},
        {OTTL_EVENT("attributes[\"e\"] == 3 and span.name == \"work\""),
         {{.event = {.key = "e", .number = 3}}}, 1, true},
        {OTTL_EVENT("name != \"happened\""), {{.ms = 1}}, 1, false},
    };

    (void)state;
    CHECK(rows);
}

static void opinions_join_in_the_order_of_the_collector(void **state)
{
    static const struct tail_span plain[4] = {{.ms = 1}};
    static const struct {
        const char *config;
        bool kept;
    } cases[] = {
        {TWO(ALWAYS, NEVER), true},
        {TWO(NEVER, "{name: n2, type: probabilistic}"), false},
        {TWO(ALWAYS, "{name: d, type: drop, drop: {drop_sub_policy: [" ALWAYS "]}}"), false},
        {TWO(ALWAYS, "{name: d, type: drop, drop: {drop_sub_policy: [" ALWAYS ", {name: n, type: "
             "probabilistic}]}}"), true},
        {ONE("and", ", and: {and_sub_policy: [" ALWAYS ", " ALWAYS "]}"), true},
        {ONE("and", ", and: {and_sub_policy: [" ALWAYS ", " NEVER "]}"), false},
        {ONE("not", ", not: {not_sub_policy: " NEVER "}"), true},
        {ONE("not", ", not: {not_sub_policy: " ALWAYS "}"), false},
        {ONE("and", ", and: {and_sub_policy: [{name: n, type: not, not: {not_sub_policy: " NEVER
             "}}]}"), true},
        /* inverted decisions: plain ones by default, vetoes under compat */
        {TWO(ALWAYS, STRING("i", "values: [a], invert_match: true")), true},
        {LEGACY(ALWAYS ", " STRING("i", "values: [work], invert_match: true")), true},
        {LEGACY(STRING("i", "values: [a], invert_match: true")), true},
        {LEGACY(NEVER ", " STRING("i", "values: [a], invert_match: true")), false},
        {LEGACY("{name: a, type: and, and: {and_sub_policy: [" STRING("i", "values: [a], "
                "invert_match: true") "]}}, " NEVER), true},
        /* one that fails says nothing; in another one it is that one that fails */
        {TWO(FAILS, ALWAYS), true},
        {TWO(ALWAYS, FAILS), true},
        {TWO(FAILS, NEVER), false},
        {"{decision_wait: 1s, policies: [" FAILS "]}", false},
        {ONE("and", ", and: {and_sub_policy: [" ALWAYS ", " FAILS "]}"), false},
        {ONE("and", ", and: {and_sub_policy: [" NEVER ", " FAILS "]}"), false},
        {TWO("{name: a, type: and, and: {and_sub_policy: [" FAILS "]}}", ALWAYS), true},
        {ONE("not", ", not: {not_sub_policy: " FAILS "}"), false},
        {TWO(ALWAYS, DROPS(FAILS)), true},
        {TWO(ALWAYS, DROPS(ALWAYS ", " FAILS)), true},
        {TWO(FAILS, DROPS(ALWAYS)), false},
        {ONE("composite", ", composite: {max_total_spans_per_second: 100, composite_sub_policy: ["
             FAILS ", " ALWAYS "]}"), false},
        {ONE("composite", ", composite: {max_total_spans_per_second: 100, composite_sub_policy: ["
             ALWAYS ", " FAILS "]}"), true},
        {LEGACY(FAILS ", " STRING("i", "values: [a], invert_match: true")), true},
        /* the first that samples ends it, one that does not or fails does not; drop comes before */
        {FIRST("policies: [" ALWAYS ", " NEVER "]"), true},
        {FIRST("policies: [" NEVER ", " ALWAYS "]"), true},
        {FIRST("policies: [" NEVER "]"), false},
        {FIRST("policies: [" FAILS ", " ALWAYS "]"), true},
        {FIRST("policies: [" FAILS ", " NEVER "]"), false},
        {FIRST("policies: [" ALWAYS ", " DROPS(ALWAYS) "]"), false},
        {FIRST("policies: [" ALWAYS ", " DROPS(NEVER) "]"), true},
        {FIRST("policies: [" ALWAYS ", " DROPS(FAILS) "]"), true},
    };
    static const struct row veto[] = {
        {LEGACY(ALWAYS ", " STRING("i", "values: [v], invert_match: true")),
         {{ATTR(.text = "v")}}, 1, false},
        {TWO(ALWAYS, STRING("i", "values: [v], invert_match: true")), {{ATTR(.text = "v")}}, 1,
         true},
        /* a veto that nobody asks for is none */
        {FIRST("compat: {invert_decisions: legacy}, policies: [" ALWAYS ", "
               STRING("i", "values: [v], invert_match: true") "]"),
         {{ATTR(.text = "v")}}, 1, true},
        {FIRST("compat: {invert_decisions: legacy}, policies: ["
               STRING("i", "values: [v], invert_match: true") ", " ALWAYS "]"),
         {{ATTR(.text = "v")}}, 1, false},
        {FIRST("compat: {invert_decisions: legacy}, policies: [" FAILS ", "
               STRING("i", "values: [v], invert_match: true") ", " ALWAYS "]"),
         {{ATTR(.text = "v")}}, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct row row = {.config = cases[i].config, .count = 1, .kept = cases[i].kept};
        row.spans[0] = plain[0];
        check_rows(&row, 1);
    }
    CHECK(veto);
}

/* reference: collector.md 1.7 */
static void probabilistic_hash_and_threshold_have_the_known_values(void **state)
{
    static const struct {
        const char *id;
        uint64_t hash;
    } hashes[] = {
        {"0123456789abcdef0123456789abcdef", 0x854248234c26b03dULL},
        {"4bf92f3577b34da6a3ce929d0e0e4736", 0xa54533ba2e4970b5ULL},
        {"00000000000000000000000000000001", 0xe19535eed1bbaa8aULL},
        {"ffffffffffffffffffffffffffffffff", 0x17bec3739634fe2dULL},
    };
    static const struct {
        double percentage;
        uint64_t threshold;
    } thresholds[] = {
        {0.1, 0x004189374bc6a7efULL}, {1, 0x028f5c28f5c28f5fULL}, {10, 0x19999999999999ffULL},
        {25, 0x3fffffffffffffffULL},  {50, 0x7fffffffffffffffULL}, {100, UINT64_MAX},
        {250, UINT64_MAX},            {0, 0},                     {-3, 0},
    };
    uint8_t id[16];

    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        assert_true(otl_unhex(hashes[i].id, 16, id));
        assert_true(col_tail_hash(otl_view_str("default-hash-seed"), id) == hashes[i].hash);
    }
    for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++)
        if (col_tail_threshold(thresholds[i].percentage) != thresholds[i].threshold)
            fail_msg("%g %%: %016llx", thresholds[i].percentage,
                     (unsigned long long)col_tail_threshold(thresholds[i].percentage));
}

static void probabilistic_keeps_by_the_hash_of_the_trace_id(void **state)
{
    static const struct row rows[] = { /* as fractions: 0.520543 and 0.092755 */
        {ONE("probabilistic", ", probabilistic: {sampling_percentage: 53}"),
         {{.trace_hex = "0123456789abcdef0123456789abcdef"}}, 1, true},
        {ONE("probabilistic", ", probabilistic: {sampling_percentage: 52}"),
         {{.trace_hex = "0123456789abcdef0123456789abcdef"}}, 1, false},
        {ONE("probabilistic", ", probabilistic: {sampling_percentage: 9.28}"),
         {{.trace_hex = "ffffffffffffffffffffffffffffffff"}}, 1, true},
        {ONE("probabilistic", ", probabilistic: {sampling_percentage: 9.27}"),
         {{.trace_hex = "ffffffffffffffffffffffffffffffff"}}, 1, false},
    };

    (void)state;
    CHECK(rows);
}

#define GATED(list)                                                                                \
    "{decision_wait: 1s, compat: {use_tracestate: true}, policies: [" list "]}"
#define SHARE(percent)                                                                             \
    "{name: p" percent ", type: probabilistic, probabilistic: {sampling_percentage: " percent "}}"
#define ONES "ffffffffffffffffffffffffffffffff"

/* Where spans say something of sampling, their randomness decides, else that of the trace id. */
static void probabilistic_can_go_by_tracestates(void **state)
{
    static const struct row rows[] = {
        {GATED(SHARE("50")), {{.trace_state = "ot=rv:80000000000000"}}, 1, true},
        {GATED(SHARE("50")), {{.trace_state = "ot=rv:7fffffffffffff"}}, 1, false},
        {GATED(SHARE("50")), {{.trace_state = "ot=th:1;rv:80000000000000"}}, 1, true},
        {GATED(SHARE("50")), {{.trace_hex = ONES, .trace_state = "ot=th:8"}}, 1, true},
        {GATED(SHARE("50")), {{.trace = 1, .trace_state = "ot=th:8"}}, 1, false},
        {GATED(SHARE("50")), {{.trace = 1, .trace_state = "ot=th:8"},
                              {.trace = 1, .trace_state = "a=b,ot=rv:fff00000000000"}}, 2, true},
        {GATED(SHARE("50")), {{.trace = 1, .trace_state = "ot=rv:00000000000fff"},
                              {.trace = 1, .trace_state = "ot=rv:fff00000000000"}}, 2, false},
        {GATED(SHARE("50")), {{.trace = 1, .trace_state = "no state,ot=rv:00000000000000"},
                              {.trace = 1, .trace_state = "ot=rv:fff00000000000"}}, 2, true},
        {GATED(SHARE("0")), {{.trace_state = "ot=rv:ffffffffffffff"}}, 1, false},
        {GATED(SHARE("100")), {{.trace_state = "ot=rv:00000000000000"}}, 1, true},
        {GATED("{name: n, type: not, not: {not_sub_policy: " SHARE("50") "}}"),
         {{.trace_state = "ot=rv:00000000000000"}}, 1, true},
        /* nothing is said, or nobody asks for it: the hash, 0.093 of the ones, 0.881 of 1 */
        {GATED(SHARE("50")), {{.trace_hex = ONES, .trace_state = "a=b,ot=k:v"}}, 1, true},
        {GATED(SHARE("50")), {{.trace = 1}}, 1, false},
        {GATED(SHARE("90")), {{.trace = 1}}, 1, true},
        {ONE("probabilistic", ", probabilistic: {sampling_percentage: 50}"),
         {{.trace_hex = ONES, .trace_state = "ot=rv:00000000000000"}}, 1, true},
    };

    (void)state;
    CHECK(rows);
}

/* What is kept says by which threshold: the lowest of the policies that sampled it, of sub-policies
 * the highest; a higher one that stands there stays. */
static void kept_spans_say_their_threshold(void **state)
{
    static const struct {
        const char *config, *in, *out; /* tracestates */
    } cases[] = {
        {GATED(SHARE("50")), "ot=rv:ffffffffffffff", "ot=rv:ffffffffffffff;th:8"},
        {GATED(SHARE("50")), "ot=th:4;rv:ffffffffffffff", "ot=rv:ffffffffffffff;th:8"},
        {GATED(SHARE("50")), "ot=rv:ffffffffffffff;th:c", "ot=rv:ffffffffffffff;th:c"},
        {GATED(SHARE("25") ", " SHARE("50")), "ot=rv:ffffffffffffff", "ot=rv:ffffffffffffff;th:8"},
        {GATED(SHARE("25") ", " SHARE("50")), "ot=rv:b0000000000000", "ot=rv:b0000000000000;th:8"},
        {GATED(SHARE("25") ", " ALWAYS), "ot=rv:ffffffffffffff", "ot=rv:ffffffffffffff;th:0"},
        {GATED("{name: a, type: and, and: {and_sub_policy: [" SHARE("50") ", " SHARE("25") "]}}"),
         "ot=rv:ffffffffffffff", "ot=rv:ffffffffffffff;th:c"},
        {GATED(ALWAYS), NULL, "ot=th:0"},
        {GATED(ALWAYS), "a=b,c=d", "ot=th:0,a=b,c=d"},
        {GATED(ALWAYS), "ot=th:fff,a=b", "ot=th:fff,a=b"},
        {GATED(ALWAYS), "a=b,ot=k:v;th:fff", "a=b,ot=k:v;th:fff"},
        {GATED(ALWAYS), "no state", "no state"},
        {GATED(SHARE("10")), NULL, "ot=th:e6666666666666"},
        {ONE("always_sample", ""), "a=b", "a=b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tail_span span = {.trace_hex = ONES, .trace_state = cases[i].in};
        const struct tail_span spans[] = {span, span};
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct tail_world world;
        struct col_traces traces;
        struct col_span kept;

        if (tail_world_init(&world, cases[i].config, &detail) != OTEL_OK)
            fail_msg("case %zu: %s", i, detail.text);
        assert_int_equal(tail_feed(&world, spans, 2, i % 2 == 0), OTEL_OK);
        tail_ticks(&world, 2);
        assert_int_equal(world.kept, 2);
        col_traces_init(&traces, otl_view(world.out.data, world.out.len));
        while (col_traces_next(&traces, &kept))
            if (!otl_view_is(kept.trace_state, cases[i].out))
                fail_msg("case %zu: '%.*s'", i, (int)kept.trace_state.len, kept.trace_state.data);
        tail_world_fini(&world);
    }
}

/* Of what may be kept in a second: products of doubles, cut off. Nobody looks at policy_order. */
static void composite_shares_are_those_of_the_collector(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_tail_policy *composite;
    struct tail_world world;

    (void)state;
    assert_int_equal(
        tail_world_init(&world,
                        "{policies: [{name: c, type: composite, composite: "
                        "{max_total_spans_per_second: 100, policy_order: [b, nobody], "
                        "composite_sub_policy: [{name: a, type: always_sample}, {name: b, type: "
                        "always_sample}, {name: d, type: always_sample}], rate_allocation: "
                        "[{policy: a, percent: 29}, {policy: b, percent: 57}]}}]}",
                        &detail),
        OTEL_OK);
    composite = world.tail->policies->list[0];
    assert_int_equal(composite->child_count, 3);
    assert_string_equal(composite->children[0]->name, "a");
    assert_int_equal(composite->children[0]->allocated, 28);
    assert_int_equal(composite->children[1]->allocated, 56);
    assert_int_equal(composite->children[2]->allocated, 33);
    tail_world_fini(&world);
}

#define NAMED(list)                                                                                \
    "{decision_wait: 1s, decision_cache: {sampled_cache_size: 9}, compat: {record_policy: true}, " \
    "policies: [" list "]}"
#define BUDGET                                                                                     \
    "{name: budget, type: composite, composite: {max_total_spans_per_second: 99, "                 \
    "composite_sub_policy: [{name: x, type: probabilistic}, {name: y, type: always_sample}]}}"

/* What a scope says of the sampling, behind the name of the attribute; "": nothing. */
static void check_scope(const struct col_scope *scope, const char *key, const char *text)
{
    struct col_value value;
    char name[64];

    snprintf(name, sizeof(name), "tailsampling.%s", key);
    assert_int_equal(col_attribute_find(&scope->attributes, name, &value), *text != '\0');
    if (*text != '\0' && !otl_view_is(value.text, text))
        fail_msg("%s is '%.*s', not '%s'", key, (int)value.text.len, value.text.data, text);
}

static void kept_scopes_say_the_policy(void **state)
{
    static const struct {
        const char *config, *policy, *sub_policy;
    } cases[] = {
        {NAMED(ALWAYS), "always", ""},
        {NAMED(NEVER ", " ALWAYS ", {name: more, type: always_sample}"), "always", ""},
        {NAMED(BUDGET), "budget", "y"},
        {NAMED(ALWAYS ", " BUDGET), "always", "y"},
        {ONE("always_sample", ""), "", ""},
    };
    const struct tail_span spans[] = {{.trace = 1}, {.trace = 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct col_value cached;
        struct tail_world world;
        struct col_traces traces;
        struct col_span kept;
        unsigned seen = 0;

        if (tail_world_init(&world, cases[i].config, &detail) != OTEL_OK)
            fail_msg("case %zu: %s", i, detail.text);
        assert_int_equal(tail_feed(&world, spans, 2, true), OTEL_OK);
        tail_ticks(&world, 2);
        assert_int_equal(tail_feed(&world, spans, 1, true), OTEL_OK); /* the cache answers */
        assert_int_equal(world.kept, 3);
        col_traces_init(&traces, otl_view(world.out.data, world.out.len));
        for (; col_traces_next(&traces, &kept); seen++) {
            bool late = seen == 2;
            check_scope(kept.scope, "policy", late && i == 4 ? "" : cases[i].policy);
            check_scope(kept.scope, "composite_policy", late ? "" : cases[i].sub_policy);
            assert_int_equal(col_attribute_find(&kept.scope->attributes,
                                                "tailsampling.cached_decision", &cached),
                             late && i < 4);
        }
        assert_int_equal(seen, 3);
        tail_world_fini(&world);
    }
}

static void wrong_policies_are_refused_at_their_place(void **state)
{
    static const struct {
        const char *config;
        const char *says;
        unsigned line;
    } cases[] = {
        {"{}", "policies must not be empty", 0},
        {"compat: {max_bytes: 0}\npolicies: [{name: a, type: always_sample}]\n", "max_bytes", 1},
        {"policies: [{name: a, type: always_sample}]\nsampling_strategy: span-ingest\n"
         "compat: {use_tracestate: true}\n", "use_tracestate is not there for", 3},
        {"policies:\n  - {type: always_sample}\n", "policy name cannot be empty", 2},
        {"policies:\n  - {name: a, type: always_sample}\n  - {name: a, type: always_sample}\n",
         "duplicate policy name 'a'", 3},
        {"policies:\n  - name: a\n    type: always_sampel\n", "did you mean 'always_sample'?", 3},
        {"policies:\n  - name: a\n    type: latency\n    latency: {treshold_ms: 5}\n",
         "did you mean 'threshold_ms'?", 4},
        {"policies:\n  - name: a\n    type: status_code\n", "status_codes must not be empty", 2},
        {"policies:\n  - name: a\n    type: status_code\n    status_code: {status_codes:\n"
         "      [EROR]}\n", "did you mean 'ERROR'?", 5},
        {"policies:\n  - name: a\n    type: string_attribute\n    string_attribute: {key: k,\n"
         "      enabled_regex_matching: true, values: ['(']}\n", "the regular expression '('", 5},
        {"policies:\n  - name: a\n    type: ottl_condition\n    ottl_condition:\n      span:\n"
         "        - nam == 5\n", "'nam' is not known in the context span", 6},
        {"policies:\n  - name: a\n    type: ottl_condition\n    ottl_condition:\n      span:\n"
         "        - scope.name == nil\n", "the scope is not known here", 6},
        {"policies:\n  - name: a\n    type: ottl_condition\n", "at least one condition", 2},
        {"policies:\n  - name: a\n    type: ottl_condition\n    ottl_condition: {span: ['name']}\n",
         "a comparison", 4},
        {"policies:\n  - name: a\n    type: numeric_attribute\n    numeric_attribute: {key: k}\n",
         "min_value or max_value must be set", 2},
        {"policies:\n  - name: a\n    type: and\n    and:\n      and_sub_policy:\n"
         "        - {name: b, type: composite}\n", "'composite' cannot stand below 'and'", 6},
        {"policies:\n  - name: a\n    type: composite\n    composite:\n"
         "      rate_allocation: [{policy: eror}]\n      composite_sub_policy:\n"
         "        - {name: error, type: always_sample}\n",
         "has no sub-policy 'eror' (did you mean 'error'?)", 5},
        {"policies: [{name: a, type: always_sample}]\nsampling_strategy: span-ingest\n"
         "compat: {record_policy: true}\n", "record_policy is not there for", 3},
        {"num_traces: 0\npolicies: [" ALWAYS "]\n", "num_traces must be above 0", 1},
        {"tail_storage: x\npolicies: [" ALWAYS "]\n", "this one does not have", 1},
        {"sampling_strategy: span-ingest\npolicies:\n  - {name: r, type: rate_limiting}\n",
         "cannot have policies that remember", 1},
        {"sampling_strategy: span-ingets\npolicies: [" ALWAYS "]\n",
         "did you mean 'span-ingest'?", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct tail_world world;

        assert_int_equal(otel_err_class(tail_world_init(&world, cases[i].config, &detail)),
                         OTEL_CLASS_USAGE);
        if (strstr(detail.text, cases[i].says) == NULL ||
            (cases[i].line != 0 && detail.line != cases[i].line))
            fail_msg("case %zu: line %u: %s", i, detail.line, detail.text);
        tail_world_fini(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_is_the_whole_of_the_trace_and_its_bound_is_outside),
        cmocka_unit_test(attributes_are_those_of_any_span_or_resource),
        cmocka_unit_test(status_flags_state_and_count_are_seen_on_any_span),
        cmocka_unit_test(conditions_of_the_transformation_language_are_read_and_held),
        cmocka_unit_test(opinions_join_in_the_order_of_the_collector),
        cmocka_unit_test(probabilistic_hash_and_threshold_have_the_known_values),
        cmocka_unit_test(probabilistic_keeps_by_the_hash_of_the_trace_id),
        cmocka_unit_test(probabilistic_can_go_by_tracestates),
        cmocka_unit_test(kept_spans_say_their_threshold),
        cmocka_unit_test(composite_shares_are_those_of_the_collector),
        cmocka_unit_test(kept_scopes_say_the_policy),
        cmocka_unit_test(wrong_policies_are_refused_at_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
