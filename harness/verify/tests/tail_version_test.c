/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions as old versions of the Collector made them, predicted by the oracle's own table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/config/version.h"
#include "harness/verify/tail/as_version.h"
#include "harness/verify/tests/tail_life.h"

enum { STEP_MS = 50 };

/* Ten traces of three spans: an error, an attribute, a duration of 100 ms to the nanosecond. */
static void each_version_is_predicted_as_it_decides(void **state)
{
    static const char invert[] =
        "{decision_wait: 2s, policies: [{name: i, type: string_attribute, string_attribute: {key: "
        "k, values: [a], invert_match: true}}, {name: e, type: status_code, status_code: "
        "{status_codes: [ERROR]}}]}";
    static const char latency[] =
        "{decision_wait: 2s, policies: [{name: l, type: latency, latency: {threshold_ms: 100}}]}";
    static const char limiting[] =
        "{decision_wait: 2s, policies: [{name: r, type: rate_limiting, rate_limiting: "
        "{spans_per_second: 2}}]}";
    static const char unlisted[] =
        "{decision_wait: 2s, policies: [{name: c, type: composite, composite: "
        "{max_total_spans_per_second: 100, policy_order: [b], composite_sub_policy: [{name: n, "
        "type: probabilistic}, {name: b, type: always_sample}]}}]}";
    static const char said[] =
        "{decision_wait: 2s, compat: {latency_lower_bound: inclusive}, policies: [{name: l, type: "
        "latency, latency: {threshold_ms: 100}}]}";
    static const struct {
        const char *config;
        unsigned runs, asked; /* the version that decides, and the one that is asked for */
        bool differs;
    } cases[] = {
        {invert, 143, 143, false},   {invert, 143, 144, true},    {invert, 144, 143, true},
        {invert, 144, 0, false},     {invert, 0, 100, true},      {latency, 156, 156, false},
        {latency, 156, 157, true},   {latency, 157, 156, true},   {latency, 0, 157, false},
        {limiting, 152, 152, false}, {limiting, 0, 152, true},    {limiting, 0, 153, false},
        {unlisted, 157, 157, false}, {unlisted, 0, 157, true},    {unlisted, 0, 158, false},
        {said, 0, 0, false},         {said, 157, 158, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct verdict verdict;
        struct life life;

        life_begin_as(&life, cases[i].config, cases[i].runs);
        for (unsigned trace = 1; trace <= 10; trace++) {
            const struct tail_span span = {.trace = trace, .ms = 100, .status = 2,
                                           .attrs = {{.key = "k", .text = "a"}}};
            const struct tail_span spans[] = {span, span, span};
            life.world.now_ns += STEP_MS * OTL_NS_PER_MS;
            life_feed(&life, spans, 3, false);
        }
        tail_ticks(&life.world, 5);
        life_end(&life);
        life_ask_as(&life, cases[i].config, cases[i].asked, &verdict);
        if ((verdict.differences > 0) != cases[i].differs)
            fail_msg("case %zu: %llu differences, the first: %s", i,
                     (unsigned long long)verdict.differences, verdict.first);
        life_clean(&life);
    }
}

static void versions_are_read_twice_alike(void **state)
{
    static const char *const texts[] = {
        "latest", "0.100",  "v0.115", "0.115.0", "v0.115.12", "0.99999", "",       "0",
        "1.0.0",  "0.",     "0.x",    "0.115.x", "0.115.",    "0.1.0.1", "0.-5",   "0.115 ",
        "0.0",    "0.01",   "v",      "vlatest", "0.999999",  "0.1 .2",  "0.100000", "v0.1.2x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        unsigned a = 7, b = 7;
        enum otel_err there = col_version_read(texts[i], &a, NULL);
        enum otel_err here = hx_as_version_read(texts[i], &b, NULL);
        if ((there == OTEL_OK) != (here == OTEL_OK) || (here == OTEL_OK && a != b))
            fail_msg("'%s': %u there, %u here", texts[i], a, b);
    }
}

static void check_refused(const char *text, unsigned version, const char *says)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_oracle *oracle;
    struct otl_yaml *doc;

    assert_int_equal(otl_yaml_load_text(text, strlen(text), NULL, &doc, &detail), OTEL_OK);
    assert_int_equal(hx_tail_oracle_new(&(struct hx_tail_asked){.doc = doc,
                                                                .config = otl_yaml_root(doc),
                                                                .as_version = version},
                                        &oracle, &detail),
                     OTEL_ERR_UNSUPPORTED);
    if (strstr(detail.text, says) == NULL)
        fail_msg("%s: %s", text, detail.text);
    otl_yaml_free(doc);
}

static void what_an_old_version_refuses_is_not_predicted(void **state)
{
    static const struct {
        const char *text;
        const char *says;
        unsigned version;
    } cases[] = {
#define SETTING(words)                                                                             \
    "{processors: {tail_sampling: {" words "}}, service: {pipelines: {traces: {processors: "       \
    "[tail_sampling]}}}}"
        {SETTING("num_shards: 2"), "v0.158 refuses 'num_shards': only v0.159", 158},
        {SETTING("sampling_strategy: span-ingest"), "v0.148 refuses 'sampling_strategy'", 148},
        {SETTING("decision_wait_after_root_received: 1s"), "only v0.144 and later", 143},
        {SETTING("block_on_overflow: true"), "only v0.133 and later take it", 132},
        {SETTING("decision_wait: 100ms"), "refuses 'decision_wait' below 1s: only v0.86", 85},
        {SETTING("sample_on_first_match: true"), "only v0.127 and later take it", 126},
        {SETTING("maximum_trace_size_bytes: 1"), "only v0.145 and later take it", 144},
        {SETTING("drop_pending_traces_on_shutdown: true"), "only v0.141 and later", 140},
        {SETTING("policies: [{name: a, type: trace_flags}]"),
         "v0.144 refuses the policy 'trace_flags': only v0.145", 144},
        {SETTING("policies: [{name: a, type: and, and: {and_sub_policy: [{name: b, type: "
                 "bytes_limiting}]}}]"), "v0.140 refuses the policy 'bytes_limiting'", 140},
        {SETTING("policies: [{name: a, type: not, not: {not_sub_policy: {name: b, type: "
                 "always_sample}}}]"), "v0.144 refuses the policy 'not'", 144},
        {SETTING("policies: [{name: a, type: drop}]"), "v0.125 refuses the policy 'drop'", 125},
        {SETTING("decision_wait: 100"), "refuses 'decision_wait' below 1s: only v0.86", 85},
#define BEFORE(id, config)                                                                         \
    "{processors: {tail_sampling: {}, " id ": " config "}, service: {pipelines: {traces: "         \
    "{processors: [" id ", tail_sampling]}}}}"
        {BEFORE("filter", "{traces: {span: ['HasPrefix(name, \"x\")']}}"),
         "error_mode propagate where a function can fail", 152},
        {BEFORE("transform", "{trace_statements: ['set(span.name, span.kind)']}"),
         "is not predicted", 152},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refused(cases[i].text, cases[i].version, cases[i].says);
}

static void what_fails_is_predicted_since_it_is_passed_over(void **state)
{
    static const char *const texts[] = {
        BEFORE("filter", "{traces: {span: ['HasPrefix(name, \"x\")']}}"),
        BEFORE("transform", "{trace_statements: ['set(span.name, span.kind)']}")};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_tail_oracle *oracle;
        struct otl_yaml *doc;
        assert_int_equal(otl_yaml_load_text(texts[i], strlen(texts[i]), NULL, &doc, &detail),
                         OTEL_OK);
        if (hx_tail_oracle_new(&(struct hx_tail_asked){.doc = doc,
                                                       .config = otl_yaml_root(doc),
                                                       .as_version = 153},
                               &oracle, &detail) != OTEL_OK)
            fail_msg("%s: %s", texts[i], detail.text);
        hx_tail_oracle_free(oracle);
        otl_yaml_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_version_is_predicted_as_it_decides),
        cmocka_unit_test(versions_are_read_twice_alike),
        cmocka_unit_test(what_an_old_version_refuses_is_not_predicted),
        cmocka_unit_test(what_fails_is_predicted_since_it_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
