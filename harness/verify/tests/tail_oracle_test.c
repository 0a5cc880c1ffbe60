/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/verify/tail/rules.h"
#include "harness/verify/tests/tail_life.h"
#include "sdk/base/file.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

/* The oracle against the sampler that it predicts, which shares no code with it: random
 * configurations, random lives, the same files as in a run. */

enum { STEP_MS = 50, STEPS = 500, TRACES = 120 };

/* ---- random lives ---- */

static const char *const stateless[] = {
    "{name: NAME, type: latency, latency: {threshold_ms: 100}}",
    "{name: NAME, type: latency, latency: {threshold_ms: 50, upper_threshold_ms: 120}}",
    "{name: NAME, type: status_code, status_code: {status_codes: [ERROR]}}",
    "{name: NAME, type: status_code, status_code: {status_codes: [OK, ERROR]}}",
    "{name: NAME, type: probabilistic, probabilistic: {sampling_percentage: 17.3}}",
    "{name: NAME, type: probabilistic, probabilistic: {sampling_percentage: 5, hash_salt: x}}",
    "{name: NAME, type: string_attribute, string_attribute: {key: k, values: [a, b]}}",
    "{name: NAME, type: string_attribute, string_attribute: {key: k, values: ['^c', 'd.$'], "
    "enabled_regex_matching: true}}",
    "{name: NAME, type: string_attribute, string_attribute: {key: k, values: [a], invert_match: "
    "true}}",
    "{name: NAME, type: numeric_attribute, numeric_attribute: {key: n, min_value: 40, max_value: "
    "60}}",
    "{name: NAME, type: numeric_attribute, numeric_attribute: {key: k, max_value: 3}}",
    "{name: NAME, type: boolean_attribute, boolean_attribute: {key: b, value: true}}",
    "{name: NAME, type: span_count, span_count: {min_spans: 3, max_spans: 5}}",
    "{name: NAME, type: trace_state, trace_state: {key: s, values: [v1, v2]}}",
    "{name: NAME, type: trace_flags}",
    "{name: NAME, type: ottl_condition, ottl_condition: {span: ['attributes[\"n\"] > 95 and not "
    "IsMatch(name, \"^s\")', 'status.code == STATUS_CODE_ERROR and attributes[\"k\"] == nil']}}",
    "{name: NAME, type: ottl_condition, ottl_condition: {spanevent: ['attributes[\"e\"] >= 9']}}",
    "{name: NAME, type: ottl_condition, ottl_condition: {span: ['IsMatch(attributes[\"n\"], "
    "\"^9\") and kind == 0', 'IsMatch(attributes[\"b\"], \"^t\") and attributes[\"n\"] > 80']}}",
    "{name: NAME, type: ottl_condition, ottl_condition: {span: ['not (HasPrefix(attributes[\"k\"], "
    "\"a\") and not false) and attributes[\"n\"] > 95', 'attributes[\"n\"] > 97 and "
    "(HasSuffix(attributes[\"k\"], \"x\") or true)']}}",
    "{name: NAME, type: ottl_condition, ottl_condition: {span: ['not HasPrefix(attributes[\"k\"], "
    "\"a\") and attributes[\"n\"] > 90']}}",
    "{name: NAME, type: ottl_condition, ottl_condition: {span: ['attributes[\"n\"] > 97 or not "
    "(HasSuffix(attributes[\"k\"], \"1\") or attributes[\"n\"] < 80)']}}",
    "{name: NAME, type: ottl_condition, ottl_condition: {span: ['(end_time_unix_nano - "
    "start_time_unix_nano) / 1000000 > 180', 'Int(attributes[\"n\"]) * 2 - 1 == 97', "
    "'not (attributes[\"k\"] + 1 > 0) and Double(attributes[\"n\"]) >= 99']}}",
    "{name: NAME, type: and, and: {and_sub_policy: [{name: x, type: span_count, span_count: "
    "{min_spans: 2}}, {name: y, type: probabilistic, probabilistic: {sampling_percentage: 40}}]}}",
    "{name: NAME, type: not, not: {not_sub_policy: {name: x, type: span_count, span_count: "
    "{min_spans: 2}}}}",
    "{name: NAME, type: drop, drop: {drop_sub_policy: [{name: x, type: string_attribute, "
    "string_attribute: {key: k, values: [b]}}, {name: y, type: probabilistic, probabilistic: "
    "{sampling_percentage: 50}}]}}",
};
enum { STATELESS = sizeof(stateless) / sizeof(stateless[0]) };
static const char *const stateful[] = {
    "{name: NAME, type: rate_limiting, rate_limiting: {spans_per_second: 4}}",
    "{name: NAME, type: bytes_limiting, bytes_limiting: {bytes_per_second: 500}}",
    "{name: NAME, type: composite, composite: {max_total_spans_per_second: 8, policy_order: [x, "
    "y], composite_sub_policy: [{name: x, type: status_code, status_code: {status_codes: "
    "[ERROR]}}, {name: y, type: always_sample}], rate_allocation: [{policy: x, percent: 60}]}}",
};

static void random_config(struct otl_random *random, bool with_limits, char *out, size_t size)
{
    static const char *const settings[] = {
        "decision_wait: 2s",
        "decision_wait: 3s, sample_on_first_match: true",
        "decision_wait: 2s, decision_wait_after_root_received: 1s",
        "decision_wait: 2s, num_traces: 30",
        "decision_wait: 2s, compat: {invert_decisions: legacy, latency_lower_bound: inclusive}",
        "decision_wait: 2s, maximum_trace_size_bytes: 600",
        "decision_wait: 2s, decision_cache: {sampled_cache_size: 500, non_sampled_cache_size: 500}",
        "decision_wait: 2s, decision_cache: {sampled_cache_size: 5, non_sampled_cache_size: 5}",
        "decision_wait: 2s, drop_pending_traces_on_shutdown: true",
        "decision_wait: 2s, compat: {max_bytes: 4000}",
        "decision_wait: 2s, compat: {use_tracestate: true}",
    };
    size_t count = 1 + otl_random_below(random, 4), used;

    used = (size_t)snprintf(out, size, "{%s, policies: [",
                            settings[otl_random_below(random, 11)]);
    for (size_t i = 0; i < count; i++) {
        bool limit = with_limits && i == 0;
        const char *policy = limit ? stateful[otl_random_below(random, 3)]
                                   : stateless[otl_random_below(random, STATELESS)];
        const char *name = strstr(policy, "NAME");
        used += (size_t)snprintf(out + used, size - used, "%s%.*sp%zu%s", i > 0 ? ", " : "",
                                 (int)(name - policy), policy, i, name + 4);
    }
    snprintf(out + used, size - used, "]}");
}

static struct tail_span random_span(struct otl_random *random)
{
    static const char *const texts[] = {"a", "b", "c1", "d2", "e"};
    static const char *const states[] = {
        NULL, "s=v1", "x=y,s=v2", "s=v1,BAD", "s=other", "ot=th:c", "s=v2,ot=rv:fe000000000000",
        "ot=th:0;rv:c0000000000001", "ot=rv:00000000000001", "ot=rv:12"};
    struct tail_span span = {.trace = (unsigned)otl_random_below(random, TRACES) + 1};

    span.child = otl_random_below(random, 3) > 0;
    span.start_ms = (unsigned)otl_random_below(random, 60);
    span.ms = (unsigned)otl_random_below(random, 90);
    span.status = (unsigned)(otl_random_below(random, 8) == 0 ? 2 : otl_random_below(random, 2));
    span.flags = (unsigned)otl_random_below(random, 30) == 0;
    span.name = otl_random_below(random, 2) == 0 ? "start" : "work";
    span.trace_state = states[otl_random_below(random, 10)];
    if (otl_random_below(random, 3) == 0)
        span.attrs[0] = (struct tail_attr){.key = "k", .text = texts[otl_random_below(random, 5)]};
    if (otl_random_below(random, 3) == 0)
        span.attrs[1] = (struct tail_attr){
            .key = "n", .number = (int64_t)otl_random_below(random, 100),
            .real = otl_random_below(random, 9) == 0 ? 50.0 : 0};
    if (otl_random_below(random, 6) == 0)
        span.attrs[2] = (struct tail_attr){.key = "b", .is_bool = true,
                                           .number = (int64_t)otl_random_below(random, 2)};
    if (otl_random_below(random, 6) == 0)
        span.event = (struct tail_attr){.key = "e",
                                        .number = (int64_t)otl_random_below(random, 11)};
    return span;
}

static void live(struct life *life, struct otl_random *random)
{
    for (unsigned step = 1; step <= STEPS; step++) {
        struct tail_span spans[5];
        size_t count = 1 + otl_random_below(random, 5);

        life->world.now_ns += STEP_MS * OTL_NS_PER_MS;
        for (size_t i = 0; i < count; i++)
            spans[i] = random_span(random);
        /* traces come in order, each for about a second; some spans are late */
        for (size_t i = 0; i < count; i++)
            spans[i].trace = 1 + step * TRACES / STEPS +
                             (unsigned)otl_random_below(random, otl_random_below(random, 12) == 0
                                                                    ? 40 : 6);
        life_pass(life);
        if (otl_random_below(random, 2) == 0)
            life_feed(life, spans, count, otl_random_below(random, 2) == 0);
        if (step * STEP_MS % 1000 == 0)
            col_tail_tick(life->world.tail);
    }
}

static void oracle_and_sampler_agree_on_random_lives(void **state)
{
    uint64_t traces = 0, depends = 0, kept = 0;
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 20260821);
    for (int round = 0; round < 150; round++) {
        struct verdict verdict;
        struct life life;
        char config[4096];

        random_config(&random, round % 5 == 4, config, sizeof(config));
        life_begin(&life, config);
        live(&life, &random);
        life_end(&life);
        life_ask(&life, config, &verdict);
        if (verdict.differences > 0)
            fail_msg("round %d: %s: %llu differences, the first: %s", round, config,
                     (unsigned long long)verdict.differences, verdict.first);
        assert_true(verdict.counts.traces > 50);
        traces += verdict.counts.traces;
        depends += verdict.counts.depends;
        kept += verdict.counts.keep;
        life_clean(&life);
    }
    print_message("# %llu traces: keep %llu, depends on timing %llu\n",
                  (unsigned long long)traces, (unsigned long long)kept,
                  (unsigned long long)depends);
    assert_true(kept > traces / 20);
    assert_true(depends < traces / 2);
}

/* Told of the groupbytrace before it, the oracle answers most, and right; told of none, or of one
 * with another wait, it is wrong. */
static void spans_that_groupbytrace_holds_are_foretold(void **state)
{
    static const struct {
        uint64_t runs_s;
        const char *asked;
        bool differs;
    } cases[] = {{1, "{wait_duration: 1s}", false}, {3, "{wait_duration: 3s}", false},
                 {10, "{wait_duration: 10s}", false}, {3, "{wait_duration: 8s}", true},
                 {10, "{wait_duration: 3s}", true},  {10, NULL, true},
                 {3, "{wait_duration: 3s, num_traces: 9}", false},
                 {3, "{wait_duration: 3s, compat: {max_bytes: 999}}", false}};
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 20261121);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t traces = 0, depends = 0, differences = 0;
        bool tight = cases[i].asked != NULL && strchr(cases[i].asked, ',') != NULL;
        for (int round = 0; round < 12; round++) {
            struct verdict verdict;
            struct life life;
            char config[4096];
            random_config(&random, false, config, sizeof(config));
            life_begin(&life, config);
            life.group_ns = cases[i].runs_s * OTL_NS_PER_S;
            live(&life, &random);
            life_end(&life);
            life_ask_of(&life, &(struct life_asked){.config = config, .group = cases[i].asked},
                        &verdict);
            if (verdict.differences > 0 && !cases[i].differs)
                fail_msg("%s: %s: %llu differences, the first: %s", cases[i].asked, config,
                         (unsigned long long)verdict.differences, verdict.first);
            traces += verdict.counts.traces;
            depends += verdict.counts.depends;
            differences += verdict.differences;
            life_clean(&life);
        }
        if ((differences > 0) != cases[i].differs)
            fail_msg("%s: it goes unnoticed", cases[i].asked != NULL ? cases[i].asked : "none");
        print_message("# %llu s, asked %s: %llu of %llu traces depend on timing\n",
                      (unsigned long long)cases[i].runs_s,
                      cases[i].asked != NULL ? cases[i].asked : "of none",
                      (unsigned long long)depends, (unsigned long long)traces);
        if (!cases[i].differs) /* many spans of these lives are late on purpose */
            assert_true(tight ? depends * 10 > traces * 9 : depends * 10 < traces * 9);
    }
}

/* An instance that has a part of what its configuration says, as one of several workers has. */
static void workers_share_what_is_for_all_traces(void **state)
{
    static const struct {
        const char *part, *whole;
    } cases[] = {
        {"{decision_wait: 2s, num_traces: 10, policies: [{name: e, type: status_code, "
         "status_code: {status_codes: [ERROR]}}]}",
         "{decision_wait: 2s, num_traces: 640, policies: [{name: e, type: status_code, "
         "status_code: {status_codes: [ERROR]}}]}"},
        {"{decision_wait: 2s, compat: {max_bytes: 8000}, policies: [{name: e, type: status_code, "
         "status_code: {status_codes: [ERROR]}}]}",
         "{decision_wait: 2s, compat: {max_bytes: 512000}, policies: [{name: e, type: status_code, "
         "status_code: {status_codes: [ERROR]}}]}"},
    };
    const struct col_create create = {.instances = 64};
    char sharded[400];

    (void)state;
    assert_int_equal(col_share(&create, 640), 10);
    assert_int_equal(col_share(&create, 512000), 8000);
    for (size_t i = 0; i < 2; i++) {
        struct otl_random random;
        struct verdict verdict;
        struct life life;

        otl_random_seed(&random, 5);
        life_begin(&life, cases[i].part);
        live(&life, &random);
        life_end(&life);
        life_ask_of(&life, &(struct life_asked){.config = cases[i].whole, .workers = 64}, &verdict);
        if (verdict.differences > 0)
            fail_msg("%s: %s", cases[i].whole, verdict.first);
        life_ask(&life, cases[i].whole, &verdict);
        if (verdict.differences == 0)
            fail_msg("%s: that it is divided goes unnoticed", cases[i].whole);
        snprintf(sharded, sizeof(sharded), "{num_shards: 64, %s", cases[i].whole + 1);
        life_ask(&life, sharded, &verdict);
        assert_int_equal(verdict.differences, 0);
        life_clean(&life);
    }
}

/* ---- fleets ---- */

enum { FLEET_PARTS = 3, FLEET_WAIT_TRACES = 2500 }; /* so many traces begin within the wait */

static void feed_part(struct life *life, struct otl_random *random, unsigned trace)
{
    struct tail_span spans[5];

    for (unsigned i = 0; i < 5; i++) {
        spans[i] = random_span(random);
        spans[i].trace = trace + i;
    }
    life_feed(life, spans, 5, false);
}

/* Traces that are complete well within the wait (of 5 s), 500 a second; or the last part of each
 * comes when its time is up. */
static void ask_fleet_behind(const char *group, const char *config, unsigned traces, bool late,
                             struct verdict *ret)
{
    struct otl_random random;
    struct life life;

    otl_random_seed(&random, 3);
    life_begin(&life, config);
    life.group_ns = group != NULL ? OTL_NS_PER_S : 0;
    for (unsigned trace = 1; trace <= traces; trace += 5) {
        life_pass(&life);
        for (unsigned part = late ? 1 : 0; part < FLEET_PARTS; part++)
            feed_part(&life, &random, trace);
        if (late && trace > FLEET_WAIT_TRACES)
            feed_part(&life, &random, trace - FLEET_WAIT_TRACES);
        life.world.now_ns += 10 * OTL_NS_PER_MS;
        if (trace % 500 == 1)
            col_tail_tick(life.world.tail);
    }
    life_end(&life);
    life_ask_of(&life, &(struct life_asked){.config = config, .group = group}, ret);
    if (ret->differences > 0)
        fail_msg("%s: %s", config, ret->first);
    assert_int_equal(ret->counts.traces, traces);
    assert_int_equal(ret->counts.keep + ret->counts.drop + ret->counts.depends, traces);
    life_clean(&life);
}

static void ask_fleet(const char *config, unsigned traces, bool late, struct verdict *ret)
{
    ask_fleet_behind(NULL, config, traces, late, ret);
}

/* Keep or drop for at least 999 of 1000 traces. */
static bool is_answered(const struct hx_tail_counts *counts)
{
    return counts->traces > 0 && counts->depends * 1000 <= counts->traces;
}

static void stateless_policies_are_answered_for_999_of_1000_traces(void **state)
{
    static const char config[] =
        "{decision_wait: 5s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: l, type: latency, latency: {threshold_ms: 100}}, "
        "{name: p, type: probabilistic, probabilistic: {sampling_percentage: 10}}]}";
    struct verdict verdict;
    uint64_t keep = 0, drop = 0;

    (void)state;
    ask_fleet(config, 5000, false, &verdict);
    assert_true(is_answered(&verdict.counts));
    assert_true(verdict.counts.keep > 500 && verdict.counts.drop > 500);
    for (size_t i = 0; i < sizeof(stateless) / sizeof(stateless[0]); i++) {
        const char *name = strstr(stateless[i], "NAME");
        char one[1024];
        snprintf(one, sizeof(one), "{decision_wait: 5s, policies: [%.*sp%s]}",
                 (int)(name - stateless[i]), stateless[i], name + 4);
        ask_fleet(one, 1000, false, &verdict);
        if (!is_answered(&verdict.counts))
            fail_msg("%s: %llu of 1000 depend on timing", one,
                     (unsigned long long)verdict.counts.depends);
        keep += verdict.counts.keep;
        drop += verdict.counts.drop;
    }
    assert_true(keep > 1000 && drop > 1000);
}

/* Of 10 seconds, those of the last three may have been in the hands of groupbytrace at the end. */
static void so_are_those_that_groupbytrace_has_handed_on(void **state)
{
    static const char config[] =
        "{decision_wait: 5s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: l, type: latency, latency: {threshold_ms: 100}}]}";
    struct verdict verdict;

    (void)state;
    ask_fleet_behind("{wait_duration: 1s}", config, 5000, false, &verdict);
    assert_in_range(verdict.counts.depends, 500, 1510); /* lost or dropped is one to them */
}

/* What that promise is not made for is not claimed to be known. */
static void what_comes_when_the_time_is_up_is_not_answered(void **state)
{
    static const char stateless_config[] =
        "{decision_wait: 5s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}]}";
    static const char stateful_config[] =
        "{decision_wait: 5s, policies: ["
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 500}}]}";
    struct verdict verdict;

    (void)state;
    ask_fleet(stateless_config, 5000, true, &verdict);
    assert_false(is_answered(&verdict.counts));
    ask_fleet(stateful_config, 1000, false, &verdict);
    assert_false(is_answered(&verdict.counts));
}

/* What is planted is found, each by its own words. */
static void a_collector_that_errs_is_caught(void **state)
{
    static const char config[] =
        "{decision_wait: 2s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 2}}]}";
    static const char other[] =
        "{decision_wait: 2s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR, OK]}}, "
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 2}}]}";
    static const char lower[] =
        "{decision_wait: 2s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, "
        "burst_capacity: 4}}]}";
    static const char bounded[] =
        "{decision_wait: 2s, compat: {max_bytes: 2000}, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 2}}]}";
    static const char shares[] =
        "{decision_wait: 2s, policies: [{name: p, type: probabilistic, probabilistic: "
        "{sampling_percentage: 50}}]}";
    static const char states[] =
        "{decision_wait: 2s, compat: {use_tracestate: true}, policies: [{name: p, type: "
        "probabilistic, probabilistic: {sampling_percentage: 50}}]}";
    static const char longer[] =
        "{decision_wait: 9s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 2}}]}";
    static const struct {
        uint64_t flip;
        bool silently;
        const char *blind;
        const char *runs, *asked; /* the collector's configuration, and what the oracle is told */
        const char *says;
    } cases[] = {
        {0, false, NULL, config, config, NULL},
        {7, false, NULL, config, config, "the collector recorded"},
        {7, true, NULL, config, config, "stand behind"},
        {0, false, "e", config, config, "e: the policy samples it"},
        {0, false, NULL, config, other, "the collector recorded"},
        {0, false, NULL, config, lower, "let more pass than its limit"},
        {0, false, NULL, config, longer, "before its time"},
        {0, false, NULL, states, states, NULL},
        {0, false, NULL, states, shares, "the collector recorded"},
        {0, false, NULL, shares, states, "the collector recorded"},
        {0, false, NULL, bounded, bounded, NULL},
        {0, false, NULL, bounded, config, "the collector recorded"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_random random;
        struct verdict verdict;
        struct life life;

        otl_random_seed(&random, 11);
        life_begin(&life, cases[i].runs);
        life.world.host.flip_decision = cases[i].flip;
        life.world.host.flip_silently = cases[i].silently;
        life.world.host.blind_policy = cases[i].blind;
        live(&life, &random);
        life_end(&life);
        life_ask(&life, cases[i].asked, &verdict);
        if ((verdict.differences > 0) != (cases[i].says != NULL) ||
            (cases[i].says != NULL && strstr(verdict.first, cases[i].says) == NULL))
            fail_msg("case %zu: %llu differences, the first: %s", i,
                     (unsigned long long)verdict.differences, verdict.first);
        life_clean(&life);
    }
}

static void thresholds_and_hashes_are_found_twice(void **state)
{
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 1);
    for (int i = 0; i < 200000; i++) {
        double percentage = i < 1000 ? i / 10.0 : otl_random_unit(&random) * 100;
        uint8_t id[16];
        for (size_t k = 0; k < 16; k++)
            id[k] = (uint8_t)otl_random_next(&random);
        if (i % 7 == 0)
            percentage /= 1e6;
        if (hx_rules_threshold(percentage) != col_tail_threshold(percentage))
            fail_msg("%.17g: %016llx, %016llx", percentage,
                     (unsigned long long)hx_rules_threshold(percentage),
                     (unsigned long long)col_tail_threshold(percentage));
        assert_true(hx_rules_hash("salt", id) == col_tail_hash(otl_view_str("salt"), id));
    }
}

/* As people write it: every policy once, numbers with underscores, flow and quotes mixed. */
static void both_read_every_policy_as_people_write_it(void **state)
{
    static const char config[] =
        "{decision_wait: 10s, num_traces: 100, expected_new_traces_per_sec: 10,\n"
        " decision_cache: {sampled_cache_size: 100_000, non_sampled_cache_size: 100_000},\n"
        " policies: [\n"
        "  {name: p1, type: always_sample},\n"
        "  {name: p2, type: latency, latency: {threshold_ms: 5000, upper_threshold_ms: 10000}},\n"
        "  {name: p3, type: numeric_attribute, numeric_attribute: {key: k1, min_value: 50, "
        "max_value: 100}},\n"
        "  {name: p4, type: probabilistic, probabilistic: {sampling_percentage: 10}},\n"
        "  {name: p5, type: status_code, status_code: {status_codes: [ERROR, UNSET]}},\n"
        "  {name: p6, type: string_attribute, string_attribute: {key: k2, values: [v1, val*], "
        "enabled_regex_matching: true, cache_max_size: 10}},\n"
        "  {name: p7, type: rate_limiting, rate_limiting: {spans_per_second: 35}},\n"
        "  {name: p8, type: bytes_limiting, bytes_limiting: {bytes_per_second: 1024000, "
        "burst_capacity: 2048000}},\n"
        "  {name: p9, type: span_count, span_count: {min_spans: 2, max_spans: 20}},\n"
        "  {name: p10, type: trace_state, trace_state: { key: k3, values: [v1, v2] }},\n"
        "  {name: p11, type: boolean_attribute, boolean_attribute: {key: k4, value: true}},\n"
        "  {name: p12, type: ottl_condition, ottl_condition: {error_mode: ignore, span: "
        "[\"attributes[\\\"a\\\"] == \\\"b\\\"\"], spanevent: [\"name != \\\"n\\\"\"]}},\n"
        "  {name: p13, type: and, and: {and_sub_policy: [{name: x, type: numeric_attribute, "
        "numeric_attribute: {key: k1, min_value: 50}}, {name: y, type: string_attribute, "
        "string_attribute: {key: k2, values: [v]}}]}},\n"
        "  {name: p14, type: drop, drop: {drop_sub_policy: [{name: z, type: string_attribute, "
        "string_attribute: {key: url.path, values: [\\/health, \\/metrics], "
        "enabled_regex_matching: true}}]}},\n"
        "  {name: p15, type: composite, composite: {max_total_spans_per_second: 1000, "
        "policy_order: [a, b], composite_sub_policy: [{name: a, type: numeric_attribute, "
        "numeric_attribute: {key: k1, min_value: 50}}, {name: b, type: always_sample}], "
        "rate_allocation: [{policy: a, "
        "percent: 50}]}},\n"
        "  {name: p16, type: trace_flags},\n"
        "  {name: p17, type: not, not: {not_sub_policy: {name: n, type: always_sample}}},\n"
        " ]}";
    const struct tail_span span = {.trace = 1};
    struct verdict verdict;
    struct life life;

    (void)state;
    life_begin(&life, config);
    life_feed(&life, &span, 1, false);
    life_end(&life);
    life_ask(&life, config, &verdict);
    assert_int_equal(verdict.differences, 0);
    assert_int_equal(verdict.counts.keep, 1);
    life_clean(&life);
}

/* says NULL: it is not. */
static void check_refused(const char *text, const char *says)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_oracle *oracle = NULL;
    struct otl_yaml *doc;
    enum otel_err err;

    assert_int_equal(otl_yaml_load_text(text, strlen(text), NULL, &doc, &detail), OTEL_OK);
    err = hx_tail_oracle_new(&(struct hx_tail_asked){.doc = doc, .config = otl_yaml_root(doc)},
                             &oracle, &detail);
    if (err != (says != NULL ? OTEL_ERR_UNSUPPORTED : OTEL_OK) ||
        (says != NULL && strstr(detail.text, says) == NULL))
        fail_msg("%s: %d %s", text, (int)err, detail.text);
    hx_tail_oracle_free(oracle);
    otl_yaml_free(doc);
}

/* A statement that is not understood is in nobody's way, as long as nobody names what it sets. */
static void what_nobody_reads_is_not_asked_for(void **state)
{
#define AFTER(statement, more, tail)                                                               \
    "{processors: {tail_sampling: {policies: [{name: p, type: string_attribute, "                  \
    "string_attribute: {key: wanted, values: [a]}}], " tail "}, transform: {trace_statements: "    \
    "[{context: span, statements: ['" statement "'" more "]}]}}, service: {pipelines: {traces: "   \
    "{processors: [transform, tail_sampling]}}}}"
    static const struct {
        const char *text;
        const char *says; /* NULL: it is predicted */
    } cases[] = {
        {AFTER("set(attributes[\"x\"], ToLowerCase(name))", "", ""), NULL},
        {AFTER("set(attributes[\"wanted\"], ToLowerCase(name))", "", ""), "is not predicted"},
        {AFTER("set(attributes[\"x\"], ToLowerCase(name))",
               ", 'set(attributes[\"wanted\"], attributes[\"x\"])'", ""), "is not predicted"},
        {AFTER("set(attributes[\"x\"], ToLowerCase(name))", ", 'limit(attributes, 3, [])'", ""),
         "is not predicted"},
        {AFTER("set(attributes[\"x\"], ToLowerCase(name))", "", "maximum_trace_size_bytes: 5"),
         "is not predicted"},
        {AFTER("set(name, ToLowerCase(name))", "", ""), "is not predicted"},
        {AFTER("set(cache[\"x\"], ParseJSON(name))", "", ""), NULL},
        {AFTER("set(cache[\"x\"], ParseJSON(name))",
               ", 'merge_maps(attributes, cache, \"upsert\")'", ""), "is not predicted"},
        {AFTER("set(resource.attributes[\"x\"], name)", "", ""), NULL},
        {AFTER("set(resource.attributes[\"wanted\"], name)", "", ""),
         "a resource or scope that is set for one span after another"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refused(cases[i].text, cases[i].says);
}

static const struct {
    const char *text;
    const char *says;
} refused[] = {
    {"{}", "has no processor 'tail_sampling'"},
    {"{processors: {tail_sampling: {policies: []}}, service: {pipelines: {}}}",
     "no pipeline has the processor"},
#define BEFORE(id, config)                                                                         \
    "{processors: {tail_sampling: {policies: [{name: a, type: always_sample}]}, " id ": " config   \
    "}, service: {pipelines: {traces: {processors: [" id ", tail_sampling]}}}}"
    {"{processors: {tail_sampling: {}}, service: {pipelines: {traces: {processors: ["
     "groupbytrace/a, groupbytrace/b, tail_sampling]}}}}", "is the second groupbytrace"},
    {BEFORE("filter", "{profiles: {}}"), "and profiles is not predicted"},
    {BEFORE("filter", "{trace_conditions: [{context: log, conditions: []}]}"),
     "a context of another signal is not predicted"},
    {BEFORE("filter", "{spans: {include: {match_type: regexp, span_names: ['(']}}}"),
     "a pattern that does not compile is not predicted"},
    {BEFORE("filter", "{traces: {span: ['What(name)']}}"), "'What(name)' is not understood"},
    {BEFORE("attributes", "{actions: [{key: a, action: insert, from_context: b}]}"),
     "and from_context is not predicted"},
    {BEFORE("attributes", "{include: {match_type: regexp, libraries: [{name: '('}]}}"),
     "a pattern that does not compile is not predicted"},
    {BEFORE("resource", "{attributes: [{pattern: '(', action: delete}]}"),
     "a pattern that does not compile is not predicted"},
    {BEFORE("transform", "{trace_statements: [{context: span, statements: ['flatten("
            "attributes)']}]}"), "'flatten(attributes)' is not predicted"},
    {BEFORE("transform", "{trace_statements: [{context: log, statements: []}]}"),
     "'log' is not predicted"},
    {BEFORE("transform", "{trace_statements: ['set(spanevent.event_index, 1)']}"),
     "'set(spanevent.event_index, 1)' is not predicted"},
    {BEFORE("transform", "{trace_statements: ['set(span.trace_id, TraceID(0x"
            "00000000000000000000000000000001))']}"), "is not predicted"},
    {BEFORE("transform", "{trace_statements: [{context: span, statements: ['limit("
            "resource.attributes, 3, [])']}]}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{trace_statements: [{context: spanevent, statements: ['set("
            "resource.attributes[\"a\"], true)']}]}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{trace_statements: [{context: span, statements: ['replace_pattern("
            "scope.name, \"a\", \"aa\")']}]}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{trace_statements: ['set(resource.attributes[\"a\"], span.name)']}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{trace_statements: ['set(span.attributes[\"a\"], "
            "resource.attributes[\"a\"])', 'set(resource.attributes[\"a\"], 1)']}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{trace_statements: [{context: span, statements: ["
            "'delete_key(resource.attributes, \"a\") where kind == SPAN_KIND_SERVER']}]}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{error_mode: propagate, trace_statements: ['set(span.name, "
            "span.attributes[\"a\"])']}"), "is not predicted"},
    {BEFORE("transform", "{error_mode: propagate, trace_statements: ['set(span.name, \"x\") "
            "where HasPrefix(span.attributes[\"a\"], \"b\")']}"),
     "error_mode propagate where a function can fail"},
    {BEFORE("transform", "{trace_statements: [{conditions: ['span.kind == 2'], statements: "
            "['set(resource.attributes[\"a\"], 1)']}]}"),
     "a resource or scope that is set for one span after another"},
    {BEFORE("transform", "{trace_statements: [{conditions: ['What(span.name)'], statements: "
            "[]}]}"), "'What(span.name)' is not predicted"},
    {BEFORE("transform", "{trace_statements: [{error_mode: propagate, statements: "
            "['set(span.name, SHA256(span.name))']}]}"), "is not predicted"},
    {BEFORE("transform", "{trace_statements: [{error_mode: propagate, conditions: "
            "['HasPrefix(span.name, \"a\")'], statements: []}]}"),
     "error_mode propagate where a function can fail"},
    {BEFORE("filter", "{error_mode: propagate, traces: {span: ['HasSuffix(name, \"x\")']}}"),
     "error_mode propagate where a function can fail"},
    {BEFORE("filter", "{error_mode: propagate, traces: {span: ['kind == 5 -kind']}}"),
     "error_mode propagate where a function can fail"},
    {BEFORE("filter", "{error_mode: propagate, traces: {span: ['Int(name) == 5']}}"),
     "error_mode propagate where a function can fail"},
    {BEFORE("filter", "{error_mode: propagate, traces: {span: ['name == \"a + b\" and kind "
            ">-1']}}"), NULL},
    {BEFORE("filter", "{traces: {span: ['name + \"a\" == 5']}}"), "is not understood"},
    {BEFORE("filter", "{traces: {span: ['end_time - start_time == 5']}}"), "is not understood"},
    {"{processors: {tail_sampling: {policies: [{name: x, type: ottl_condition, ottl_condition: "
     "{error_mode: propagate, span: ['HasPrefix(name, \"a\")']}}]}}, service: {pipelines: "
     "{traces: {processors: [tail_sampling]}}}}",
     "error_mode propagate where a function can fail"},
    {"{processors: {tail_sampling: {}, filter: {}}, service: {pipelines: {traces/a: "
     "{processors: [filter, tail_sampling]}, traces/b: {processors: [tail_sampling, filter]}, "
     "traces/c: {processors: [filter, tail_sampling]}}}}", "stands in several pipelines"},
    {"{processors: {tail_sampling: {sampling_strategy: span-ingest}}, service: {pipelines: "
     "{traces: {processors: [tail_sampling]}}}}", "sampling_strategy span-ingest is not predicted"},
    {"{processors: {tail_sampling/a: {}, tail_sampling/b: {}}}", "name one with --processor"},
    {"{processors: {tail_sampling: {policies: [{name: x, type: y}]}}, service: {pipelines: "
     "{traces: {processors: [tail_sampling]}}}}", "a type that is not known"},
    {"{processors: {tail_sampling: {policies: [{name: x, type: ottl_condition, ottl_condition: "
     "{span: ['Unknown(name)']}}]}}, service: {pipelines: {traces: {processors: "
     "[tail_sampling]}}}}", "is not understood"},
};

static void what_is_not_predicted_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        check_refused(refused[i].text, refused[i].says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oracle_and_sampler_agree_on_random_lives),
        cmocka_unit_test(spans_that_groupbytrace_holds_are_foretold),
        cmocka_unit_test(workers_share_what_is_for_all_traces),
        cmocka_unit_test(stateless_policies_are_answered_for_999_of_1000_traces),
        cmocka_unit_test(so_are_those_that_groupbytrace_has_handed_on),
        cmocka_unit_test(what_comes_when_the_time_is_up_is_not_answered),
        cmocka_unit_test(a_collector_that_errs_is_caught),
        cmocka_unit_test(thresholds_and_hashes_are_found_twice),
        cmocka_unit_test(both_read_every_policy_as_people_write_it),
        cmocka_unit_test(what_is_not_predicted_is_refused),
        cmocka_unit_test(what_nobody_reads_is_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
