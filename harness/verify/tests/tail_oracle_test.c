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

#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/wire/tap.h"
#include "harness/verify/tail/compare.h"
#include "harness/verify/tail/read.h"
#include "harness/verify/tail/rules.h"
#include "sdk/base/file.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

/* The oracle against the sampler that it predicts, which shares no code with it: random
 * configurations, random lives, the same files as in a run. */

enum { STEP_MS = 50, STEPS = 500, TRACES = 120 };

struct life {
    struct tail_world world;
    struct otl_buf tap;
    uint64_t requests;
    char dir[64], tap_path[96], decisions[96], kept[96];
};

/* ---- files ---- */

static void put_record(struct life *life, struct col_tap_record record)
{
    uint8_t head[COL_TAP_HEADER_SIZE];

    record.encoding = COL_TAP_PROTOBUF;
    record.transport = COL_TAP_HTTP;
    record.signal = COL_TAP_TRACES;
    record.mono_ns = life->world.now_ns;
    col_tap_encode(&record, head);
    assert_int_equal(otl_buf_append(&life->tap, head, sizeof(head)), OTEL_OK);
    if (record.body.len > 0)
        assert_int_equal(otl_buf_append(&life->tap, record.body.data, record.body.len), OTEL_OK);
}

static void save(const char *path, const void *head, size_t head_len, const struct otl_buf *bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(head, 1, head_len, file), head_len);
    assert_int_equal(fwrite(bytes->data != NULL ? bytes->data : "", 1, bytes->len, file),
                     bytes->len);
    fclose(file);
}

static void begin(struct life *life, const char *config)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err;

    memset(life, 0, sizeof(*life));
    snprintf(life->dir, sizeof(life->dir), "/tmp/tail-oracle-XXXXXX");
    assert_non_null(mkdtemp(life->dir));
    snprintf(life->tap_path, sizeof(life->tap_path), "%s/tap.bin", life->dir);
    snprintf(life->decisions, sizeof(life->decisions), "%s/decisions.jsonl", life->dir);
    snprintf(life->kept, sizeof(life->kept), "%s/kept.bin", life->dir);
    err = tail_world_init(&life->world, config, &detail);
    if (err != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
    assert_int_equal(col_decisions_open(life->decisions, &life->world.host.decisions, NULL),
                     OTEL_OK);
    otl_buf_init(&life->tap, 256u << 20);
    put_record(life, (struct col_tap_record){.type = COL_TAP_START});
}

static void feed(struct life *life, const struct tail_span *spans, size_t count, bool apart)
{
    enum otel_err err;

    life->requests++;
    err = tail_feed(&life->world, spans, count, apart);
    put_record(life, (struct col_tap_record){
                         .type = COL_TAP_REQUEST, .request = life->requests,
                         .spans = (uint32_t)count,
                         .body = otl_view(life->world.last.data, life->world.last.len)});
    put_record(life, (struct col_tap_record){.type = COL_TAP_ANSWER, .request = life->requests,
                                             .status = err == OTEL_OK ? 200 : 503});
}

static void end(struct life *life)
{
    uint8_t head[4];

    col_tail_finish(life->world.tail);
    col_decisions_close(&life->world.host.decisions);
    save(life->tap_path, "", 0, &life->tap);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(life->world.out.len >> (24 - 8 * i));
    save(life->kept, head, 4, &life->world.out);
}

static void clean(struct life *life)
{
    unlink(life->tap_path);
    unlink(life->decisions);
    unlink(life->kept);
    rmdir(life->dir);
    otl_buf_fini(&life->tap);
    tail_world_fini(&life->world);
}

/* ---- asking ---- */

struct verdict {
    uint64_t differences;
    char first[500];
    struct hx_tail_counts counts;
};

static void tell(void *context, const uint8_t *trace_id, const char *text)
{
    struct verdict *verdict = context;
    char hex[33] = "";

    if (trace_id != NULL)
        otl_hex(trace_id, 16, hex);
    if (verdict->differences++ == 0)
        snprintf(verdict->first, sizeof(verdict->first), "%s: %s", hex, text);
}

static enum otel_err take_span(void *context, const struct hx_tail_span *span)
{
    return hx_tail_oracle_span(context, span);
}

static void take_life(void *context)
{
    hx_tail_oracle_life(context);
}

static void ask(const struct life *life, const char *config, struct verdict *ret)
{
    struct hx_tail_sink sink = {take_span, take_life, NULL};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_compare *compare;
    struct hx_tail_oracle *oracle;
    struct hx_tail_source source;
    struct otl_yaml_options options;
    struct otl_yaml *doc;
    char text[8192];

    snprintf(text, sizeof(text),
             "processors: {tail_sampling: %s}\nservice: {pipelines: {traces: {receivers: [otlp], "
             "processors: [tail_sampling], exporters: [file]}}}\n", config);
    otl_yaml_options_init(&options);
    options.digit_separators = true;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), &options, &doc, &detail), OTEL_OK);
    if (hx_tail_oracle_new(doc, otl_yaml_root(doc), NULL, &oracle, &detail) != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
    sink.context = oracle;
    assert_int_equal(hx_tail_read(life->tap_path, &sink, &source, &detail), OTEL_OK);
    assert_int_equal(hx_tail_oracle_end(oracle), OTEL_OK);
    assert_int_equal(hx_tail_compare_new(oracle, &compare), OTEL_OK);
    assert_int_equal(hx_tail_compare_decisions(compare, life->decisions, &detail), OTEL_OK);
    assert_int_equal(hx_tail_compare_kept(compare, life->kept, &detail), OTEL_OK);
    memset(ret, 0, sizeof(*ret));
    (void)hx_tail_compare_each(compare, tell, ret);
    hx_tail_compare_counts(compare, &ret->counts);
    hx_tail_compare_free(compare);
    hx_tail_oracle_free(oracle);
    otl_yaml_free(doc);
}

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
    "{name: NAME, type: and, and: {and_sub_policy: [{name: x, type: span_count, span_count: "
    "{min_spans: 2}}, {name: y, type: probabilistic, probabilistic: {sampling_percentage: 40}}]}}",
    "{name: NAME, type: not, not: {not_sub_policy: {name: x, type: span_count, span_count: "
    "{min_spans: 2}}}}",
    "{name: NAME, type: drop, drop: {drop_sub_policy: [{name: x, type: string_attribute, "
    "string_attribute: {key: k, values: [b]}}, {name: y, type: probabilistic, probabilistic: "
    "{sampling_percentage: 50}}]}}",
};
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
    };
    size_t count = 1 + otl_random_below(random, 4), used;

    used = (size_t)snprintf(out, size, "{%s, policies: [",
                            settings[otl_random_below(random, 9)]);
    for (size_t i = 0; i < count; i++) {
        bool limit = with_limits && i == 0;
        const char *policy = limit ? stateful[otl_random_below(random, 3)]
                                   : stateless[otl_random_below(random, 20)];
        const char *name = strstr(policy, "NAME");
        used += (size_t)snprintf(out + used, size - used, "%s%.*sp%zu%s", i > 0 ? ", " : "",
                                 (int)(name - policy), policy, i, name + 4);
    }
    snprintf(out + used, size - used, "]}");
}

static struct tail_span random_span(struct otl_random *random)
{
    static const char *const texts[] = {"a", "b", "c1", "d2", "e"};
    static const char *const states[] = {NULL, "s=v1", "x=y,s=v2", "s=v1,BAD", "s=other"};
    struct tail_span span = {.trace = (unsigned)otl_random_below(random, TRACES) + 1};

    span.child = otl_random_below(random, 3) > 0;
    span.start_ms = (unsigned)otl_random_below(random, 60);
    span.ms = (unsigned)otl_random_below(random, 90);
    span.status = (unsigned)(otl_random_below(random, 8) == 0 ? 2 : otl_random_below(random, 2));
    span.flags = (unsigned)otl_random_below(random, 30) == 0;
    span.name = otl_random_below(random, 2) == 0 ? "start" : "work";
    span.trace_state = states[otl_random_below(random, 5)];
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
        if (otl_random_below(random, 2) == 0)
            feed(life, spans, count, otl_random_below(random, 2) == 0);
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
        begin(&life, config);
        live(&life, &random);
        end(&life);
        ask(&life, config, &verdict);
        if (verdict.differences > 0)
            fail_msg("round %d: %s: %llu differences, the first: %s", round, config,
                     (unsigned long long)verdict.differences, verdict.first);
        assert_true(verdict.counts.traces > 50);
        traces += verdict.counts.traces;
        depends += verdict.counts.depends;
        kept += verdict.counts.keep;
        clean(&life);
    }
    print_message("# %llu traces: keep %llu, depends on timing %llu\n",
                  (unsigned long long)traces, (unsigned long long)kept,
                  (unsigned long long)depends);
    assert_true(kept > traces / 20);
    assert_true(depends < traces / 2);
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
    feed(life, spans, 5, false);
}

/* Traces that are complete well within the wait (of 5 s), 500 a second; or the last part of each
 * comes when its time is up. */
static void ask_fleet(const char *config, unsigned traces, bool late, struct verdict *ret)
{
    struct otl_random random;
    struct life life;

    otl_random_seed(&random, 3);
    begin(&life, config);
    for (unsigned trace = 1; trace <= traces; trace += 5) {
        for (unsigned part = late ? 1 : 0; part < FLEET_PARTS; part++)
            feed_part(&life, &random, trace);
        if (late && trace > FLEET_WAIT_TRACES)
            feed_part(&life, &random, trace - FLEET_WAIT_TRACES);
        life.world.now_ns += 10 * OTL_NS_PER_MS;
        if (trace % 500 == 1)
            col_tail_tick(life.world.tail);
    }
    end(&life);
    ask(&life, config, ret);
    if (ret->differences > 0)
        fail_msg("%s: %s", config, ret->first);
    assert_int_equal(ret->counts.traces, traces);
    assert_int_equal(ret->counts.keep + ret->counts.drop + ret->counts.depends, traces);
    clean(&life);
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
    static const char longer[] =
        "{decision_wait: 9s, policies: ["
        "{name: e, type: status_code, status_code: {status_codes: [ERROR]}}, "
        "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 2}}]}";
    static const struct {
        uint64_t flip;
        bool silently;
        const char *blind;
        const char *asked; /* the configuration that the oracle is told */
        const char *says;
    } cases[] = {
        {0, false, NULL, config, NULL},
        {7, false, NULL, config, "the collector recorded"},
        {7, true, NULL, config, "stand behind"},
        {0, false, "e", config, "e: the policy samples it"},
        {0, false, NULL, other, "the collector recorded"},
        {0, false, NULL, lower, "let more pass than its limit"},
        {0, false, NULL, longer, "before its time"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_random random;
        struct verdict verdict;
        struct life life;

        otl_random_seed(&random, 11);
        begin(&life, config);
        life.world.host.flip_decision = cases[i].flip;
        life.world.host.flip_silently = cases[i].silently;
        life.world.host.blind_policy = cases[i].blind;
        live(&life, &random);
        end(&life);
        ask(&life, cases[i].asked, &verdict);
        if ((verdict.differences > 0) != (cases[i].says != NULL) ||
            (cases[i].says != NULL && strstr(verdict.first, cases[i].says) == NULL))
            fail_msg("case %zu: %llu differences, the first: %s", i,
                     (unsigned long long)verdict.differences, verdict.first);
        clean(&life);
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
    begin(&life, config);
    feed(&life, &span, 1, false);
    end(&life);
    ask(&life, config, &verdict);
    assert_int_equal(verdict.differences, 0);
    assert_int_equal(verdict.counts.keep, 1);
    clean(&life);
}

static void what_is_not_predicted_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"{}", "has no processor 'tail_sampling'"},
        {"{processors: {tail_sampling: {policies: []}}, service: {pipelines: {}}}",
         "no pipeline has the processor"},
#define BEFORE(id, config)                                                                         \
    "{processors: {tail_sampling: {}, " id ": " config "}, service: {pipelines: {traces: "         \
    "{processors: [" id ", tail_sampling]}}}}"
        {BEFORE("groupbytrace", "{}"), "'groupbytrace' before tail_sampling changes spans"},
        {BEFORE("filter", "{spans: {}}"), "and spans is not predicted"},
        {BEFORE("filter", "{traces: {span: ['What(name)']}}"), "'What(name)' is not understood"},
        {BEFORE("attributes", "{actions: [{key: a, action: insert, from_context: b}]}"),
         "and from_context is not predicted"},
        {BEFORE("attributes", "{include: {match_type: strict, libraries: [{name: a}]}}"),
         "and 'libraries' is not predicted"},
        {BEFORE("resource", "{attributes: [{pattern: '(', action: delete}]}"),
         "a pattern that does not compile is not predicted"},
        {BEFORE("transform", "{trace_statements: [{context: span, statements: ['limit(attributes, "
                "3, [])']}]}"), "'limit(attributes, 3, [])' is not predicted"},
        {BEFORE("transform", "{trace_statements: [{context: scope, statements: []}]}"),
         "'scope' is not predicted"},
        {"{processors: {tail_sampling: {}, filter: {}}, service: {pipelines: {traces/a: "
         "{processors: [filter, tail_sampling]}, traces/b: {processors: [tail_sampling, filter]}, "
         "traces/c: {processors: [filter, tail_sampling]}}}}", "stands in several pipelines"},
        {"{processors: {tail_sampling/a: {}, tail_sampling/b: {}}}", "name one with --processor"},
        {"{processors: {tail_sampling: {policies: [{name: x, type: y}]}}, service: {pipelines: "
         "{traces: {processors: [tail_sampling]}}}}", "a type that is not known"},
        {"{processors: {tail_sampling: {policies: [{name: x, type: ottl_condition, ottl_condition: "
         "{span: ['Unknown(name)']}}]}}, service: {pipelines: {traces: {processors: "
         "[tail_sampling]}}}}", "is not understood"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_tail_oracle *oracle;
        struct otl_yaml *doc;

        assert_int_equal(otl_yaml_load_text(cases[i].text, strlen(cases[i].text), NULL, &doc,
                                            &detail), OTEL_OK);
        assert_int_equal(hx_tail_oracle_new(doc, otl_yaml_root(doc), NULL, &oracle, &detail),
                         OTEL_ERR_UNSUPPORTED);
        if (strstr(detail.text, cases[i].says) == NULL)
            fail_msg("case %zu: %s", i, detail.text);
        otl_yaml_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oracle_and_sampler_agree_on_random_lives),
        cmocka_unit_test(stateless_policies_are_answered_for_999_of_1000_traces),
        cmocka_unit_test(what_comes_when_the_time_is_up_is_not_answered),
        cmocka_unit_test(a_collector_that_errs_is_caught),
        cmocka_unit_test(thresholds_and_hashes_are_found_twice),
        cmocka_unit_test(both_read_every_policy_as_people_write_it),
        cmocka_unit_test(what_is_not_predicted_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
