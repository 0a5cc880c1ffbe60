/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/proc_world.h"
#include "collector-mock/processors/trace_state.h"

/* probabilistic_sampler against the numbers of the Collector. */

#define A "0123456789abcdef0123456789abcdef"
#define B "4bf92f3577b34da6a3ce929d0e0e4736"
#define C "00000000000000000000000000000001"
#define F "ffffffffffffffffffffffffffffffff"
#define NONE "00000000000000000000000000000000"
#define COUNTS "otelcol_processor_probabilistic_sampler_count_traces_sampled"

enum { COUNT_OF_LABELS = 96 };

static void good(struct proc_world *world, const char *config)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (proc_world_init(world, "probabilistic_sampler", config, &detail) != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
}

/* A percentage half a bucket above and below: which bucket a trace is in. */
static void hash_seed_puts_traces_into_their_buckets(void **state)
{
    static const struct {
        const char *trace;
        unsigned seed, bucket;
    } cases[] = {{A, 0, 8725},  {A, 22, 8355}, {B, 0, 141},  {B, 22, 12395},
                 {C, 0, 8898}, {C, 22, 11568}, {F, 0, 5445}, {F, 22, 9651}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (unsigned over = 0; over < 2; over++) {
            const struct tail_span span = {.trace_hex = cases[i].trace};
            struct proc_world world;
            char config[128];

            snprintf(config, sizeof(config), "{sampling_percentage: %.6f, hash_seed: %u}",
                     (cases[i].bucket + over + 0.5) / 163.84, cases[i].seed);
            good(&world, config);
            assert_int_equal(proc_feed(&world, &span, 1, false), OTEL_OK);
            if (world.spans != over)
                fail_msg("%s, trace %s: %llu spans", config, cases[i].trace,
                         (unsigned long long)world.spans);
            proc_world_fini(&world);
        }
}

/* A trace id whose bucket with seed 0 is this one: FNV-1a of four zeros and the id. */
static void id_in_bucket(unsigned bucket, char out[33])
{
    for (uint32_t n = 1;; n++) {
        uint8_t bytes[20] = {0};
        uint32_t hash = 2166136261u;
        bytes[17] = (uint8_t)(n >> 16);
        bytes[18] = (uint8_t)(n >> 8);
        bytes[19] = (uint8_t)n;
        for (size_t i = 0; i < sizeof(bytes); i++)
            hash = (hash ^ bytes[i]) * 16777619u;
        if ((hash & 0x3fff) == bucket) {
            snprintf(out, 33, "%026x%06x", 0u, n);
            return;
        }
    }
}

/* The number of buckets is float32(percentage) times float32(163.84), rounded to float32, cut off.
 * Computed apart from this program in exact fractions, rounded as IEEE 754 says. Pairs are two
 * neighbours among the numbers of float32, on both sides of an edge. */
static void hash_seed_rounds_percentages_as_float32_does(void **state)
{
    static const struct {
        const char *percentage;
        unsigned buckets;
    } rows[] = {
        {"0.00610351516", 0}, {"0.00610351562", 1}, {"0.0122070303", 1}, {"0.0122070312", 2},
        {"0.018310545", 2}, {"0.0183105469", 3}, {"0.610351503", 99}, {"0.610351562", 100},
        {"0.860595644", 140}, {"0.860595703", 141}, {"0.866699159", 141}, {"0.866699219", 142},
        {"10.0036612", 1638}, {"10.0036621", 1639}, {"24.9999981", 4095}, {"25", 4096},
        {"49.9999962", 8191}, {"50", 8192}, {"50.0060997", 8192}, {"50.0061035", 8193},
        {"75.6530685", 12394}, {"75.6530762", 12395}, {"99.9938889", 16382},
        {"99.9938965", 16383}, {"99.9999924", 16383}, {"100", 16384}, {"1e9", 16384},
        /* where exact or double arithmetic gives one less */
        {"0.0061035156", 1}, {"0.012207031", 2}, {"39.4104", 6457}, {"39.4165039", 6458},
        {"99.9694824", 16379}, {"99.981689", 16381}, {"99.98779", 16382},
        /* as people write them */
        {"0.0061", 0}, {"0.05", 8}, {"0.1", 16}, {"0.9", 147}, {"1", 163}, {"3.7", 606},
        {"5", 819}, {"10", 1638}, {"33.3", 5455}, {"66.6", 10911}, {"90", 14745}, {"99", 16220},
        {"99.9", 16367}, {"99.99", 16382}, {"99.999", 16383},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char config[64], below[33] = "", at[33] = "";
        struct tail_span spans[2];
        struct proc_world world;
        struct col_traces traces;
        struct col_span span;
        size_t count = 0;
        if (rows[i].buckets > 0)
            id_in_bucket(rows[i].buckets - 1, below);
        if (rows[i].buckets < 16384)
            id_in_bucket(rows[i].buckets, at);
        if (below[0] != '\0')
            spans[count++] = (struct tail_span){.trace_hex = below, .name = "below"};
        if (at[0] != '\0')
            spans[count++] = (struct tail_span){.trace_hex = at, .name = "at"};
        snprintf(config, sizeof(config), "{sampling_percentage: %s}", rows[i].percentage);
        good(&world, config);
        assert_int_equal(proc_feed(&world, spans, count, false), OTEL_OK);
        if (world.spans != (below[0] != '\0'))
            fail_msg("%s %%: %llu of %zu", rows[i].percentage, (unsigned long long)world.spans,
                     count);
        if (world.spans > 0) {
            assert_true(proc_span(&world, 0, &traces, &span));
            assert_true(otl_view_is(span.name, "below"));
        }
        proc_world_fini(&world);
    }
}

struct verdict {
    const char *config, *trace, *arrives;
    const char *leaves; /* NULL: dropped */
    const char *policy;
    struct tail_attr attr;
};

static void check(const struct verdict *it)
{
    const struct tail_span span = {
        .trace_hex = it->trace, .trace_state = it->arrives, .attrs = {it->attr}};
    char labels[COUNT_OF_LABELS];
    struct proc_world world;
    struct col_traces traces;
    struct col_span out;
    bool kept;

    good(&world, it->config);
    assert_int_equal(proc_feed(&world, &span, 1, false), OTEL_OK);
    kept = proc_span(&world, 0, &traces, &out);
    if (kept != (it->leaves != NULL))
        fail_msg("%s, %s, '%s': kept %d", it->config, it->trace, it->arrives, kept);
    if (kept && !otl_view_is(out.trace_state, it->leaves))
        fail_msg("%s, %s, '%s': '%.*s' instead of '%s'", it->config, it->trace, it->arrives,
                 (int)out.trace_state.len, out.trace_state.data, it->leaves);
    if (kept)
        assert_true(otl_view_is(out.name, "work"));
    snprintf(labels, sizeof(labels), "policy=\"%s\",sampled=\"%s\"", it->policy,
             kept ? "true" : "false");
    if (proc_counter(&world, COUNTS, labels) != 1)
        fail_msg("%s, %s, '%s': not counted under %s", it->config, it->trace, it->arrives, labels);
    proc_world_fini(&world);
}

static void hash_seed_writes_what_it_decided(void **state)
{
    static const struct verdict cases[] = {
        {"{sampling_percentage: 100}", A, NULL, "ot=rv:77a80e52946215;th:0", "trace_id_hash", {0}},
        {"{sampling_percentage: 100, hash_seed: 22, mode: hash_seed}", B, NULL,
         "ot=rv:3e50158161306b;th:0", "trace_id_hash", {0}},
        {"{sampling_percentage: 25}", B, NULL, "ot=rv:fdc80d0b42008d;th:c", "trace_id_hash", {0}},
        {"{sampling_percentage: 1}", B, "x=1", "ot=rv:fdc80d0b42008d;th:fd74,x=1",
         "trace_id_hash", {0}},
        {"{sampling_percentage: 0.1}", B, NULL, NULL, "trace_id_hash", {0}},
        {"{sampling_percentage: 50}", C, NULL, NULL, "trace_id_hash", {0}},
        {"{sampling_percentage: 200}", C, NULL, "ot=rv:74f42e348fe2c2;th:0", "trace_id_hash",
         {0}},
        {"{sampling_percentage: 100}", A, "ot=rv:12345678901234", NULL, "trace_id_hash", {0}},
        {"{sampling_percentage: 100}", A, "ot=th:8", NULL, "trace_id_hash", {0}},
        {"{sampling_percentage: 1, fail_closed: false}", A, "ot=th:8", "ot=th:8",
         "trace_id_hash", {0}},
        {"{sampling_percentage: 100}", A, "ot=rv:1", NULL, "trace_id_hash", {0}},
        {"{sampling_percentage: 1, fail_closed: false}", A, "no state", "no state",
         "trace_id_hash", {0}},
        {"{sampling_percentage: 100}", NONE, NULL, NULL, "missing_randomness", {0}},
        {"{sampling_percentage: 1, fail_closed: false}", NONE, NULL,
         "ot=rv:ffffffffffffff;th:0", "missing_randomness", {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

/* Randomness: the last 56 bits of A are 23456789abcdef, of B ce929d0e0e4736. */
static void equalizing_raises_thresholds_to_its_own(void **state)
{
    static const struct verdict cases[] = {
        {"{mode: equalizing, sampling_percentage: 25}", B, NULL, "ot=th:c", "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 25}", A, NULL, NULL, "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 50}", B, "ot=th:c", "ot=th:c", "trace_id_w3c",
         {0}},
        {"{mode: equalizing, sampling_percentage: 50}", B, "ot=th:4;k:v,a=b",
         "ot=th:8;k:v,a=b", "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 50}", A, "ot=rv:80000000000000",
         "ot=rv:80000000000000;th:8", "sampling_randomness", {0}},
        {"{mode: equalizing, sampling_percentage: 50}", B, "ot=rv:7fffffffffffff", NULL,
         "sampling_randomness", {0}},
        {"{mode: equalizing, sampling_percentage: 100}", A, "ot=th:8", NULL, "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 1, fail_closed: false}", A, "ot=th:8",
         "ot=th:0", "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 100}", NONE, NULL, NULL, "missing_randomness",
         {0}},
        {"{mode: equalizing, sampling_percentage: 33.333333333}", F, NULL, "ot=th:aaab",
         "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 33.333333333, sampling_precision: 1}", F, NULL,
         "ot=th:b", "trace_id_w3c", {0}},
        {"{mode: equalizing, sampling_percentage: 0.1}", F, NULL, "ot=th:ffbe77", "trace_id_w3c",
         {0}},
        {"{mode: equalizing, sampling_percentage: 0}", F, NULL, NULL, "sampling_priority", {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

static void proportional_multiplies_probabilities(void **state)
{
    static const struct verdict cases[] = {
        {"{mode: proportional, sampling_percentage: 50}", B, NULL, "ot=th:8", "trace_id_w3c",
         {0}},
        {"{mode: proportional, sampling_percentage: 50}", B, "ot=th:8", "ot=th:c", "trace_id_w3c",
         {0}},
        {"{mode: proportional, sampling_percentage: 50}", B, "ot=th:c", NULL, "trace_id_w3c",
         {0}},
        {"{mode: proportional, sampling_percentage: 100}", B, "ot=th:c", "ot=th:c",
         "trace_id_w3c", {0}},
        {"{mode: proportional, sampling_percentage: 50}", F, "ot=th:ffffffffffffff", NULL,
         "trace_id_w3c", {0}},
        {"{mode: proportional, sampling_percentage: 25}", A,
         "ot=rv:ffffffffffffff;th:c,z=9", "ot=rv:ffffffffffffff;th:f,z=9",
         "sampling_randomness", {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

static void a_priority_decides_by_itself(void **state)
{
    static const struct verdict cases[] = {
        {"{sampling_percentage: 100}", A, NULL, NULL, "sampling_priority",
         {.key = "sampling.priority", .number = 0}},
        {"{sampling_percentage: 0}", A, NULL, "ot=th:0", "sampling_priority",
         {.key = "sampling.priority", .number = 1}},
        {"{mode: equalizing, sampling_percentage: 1}", A, NULL, "ot=th:0", "sampling_priority",
         {.key = "sampling.priority", .real = 0.5}},
        {"{mode: equalizing, sampling_percentage: 1}", A, NULL, "ot=th:0", "sampling_priority",
         {.key = "sampling.priority", .text = "2"}},
        {"{mode: equalizing, sampling_percentage: 100}", A, NULL, NULL, "sampling_priority",
         {.key = "sampling.priority", .text = "0.0"}},
        {"{mode: equalizing, sampling_percentage: 1}", A, NULL, NULL, "trace_id_w3c",
         {.key = "sampling.priority", .text = "high"}},
        {"{mode: equalizing, sampling_percentage: 1}", A, NULL, NULL, "trace_id_w3c",
         {.key = "sampling.priority", .number = -1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

static void thresholds_get_digits_near_zero_and_one(void **state)
{
    static const struct {
        double probability;
        unsigned precision;
        uint64_t threshold;
    } cases[] = {
        {1, 4, 0},
        {0.5, 4, 0x80000000000000},
        {0.01, 4, 0xfd70a000000000},
        {0.001, 4, 0xffbe7700000000},
        {1.0 / 3, 14, 0xaaaaaaaaaaaaac},
        {1.0 / 3, 3, 0xaab00000000000},
        {0.99, 4, 0x028f6000000000},
        {1 - 1.0 / 4096, 1, 0x00100000000000},
        {1.0 / (1ULL << 56), 4, 0xffffffffffffff},
        {0.5 / (1ULL << 56), 4, (uint64_t)1 << 56},
        {0, 4, (uint64_t)1 << 56},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (col_threshold_of(cases[i].probability, cases[i].precision) != cases[i].threshold)
            fail_msg("%.17g to %u digits is %llx", cases[i].probability, cases[i].precision,
                     (unsigned long long)col_threshold_of(cases[i].probability,
                                                          cases[i].precision));
}

static void only_what_is_kept_goes_on(void **state)
{
    const struct tail_span spans[] = {{.trace_hex = A}, {.trace_hex = B}, {.trace_hex = C},
                                      {.trace_hex = B, .name = "second"}};
    struct proc_world world;
    struct col_traces traces;
    struct col_span span;

    (void)state;
    for (unsigned apart = 0; apart < 2; apart++) {
        good(&world, "{mode: equalizing, sampling_percentage: 25}");
        assert_int_equal(proc_feed(&world, spans, 4, apart != 0), OTEL_OK);
        assert_int_equal(world.spans, 2);
        assert_int_equal(world.batches, 1);
        assert_true(proc_span(&world, 1, &traces, &span));
        assert_true(otl_view_is(span.name, "second"));
        assert_int_equal(proc_feed(&world, spans, 1, false), OTEL_OK); /* nothing is left */
        assert_int_equal(world.batches, 1);
        world.answer = OTEL_ERR_UNAVAILABLE;
        assert_int_equal(proc_feed(&world, &spans[1], 1, false), OTEL_ERR_UNAVAILABLE);
        proc_world_fini(&world);
    }
}

static void wrong_settings_are_refused(void **state)
{
    static const struct proc_refusal cases[] = {
        {"{sampling_percentage: -1}", ":1:23: processor 'probabilistic_sampler': sampling rate is "
                                      "negative"},
        {"{sampling_percentage: 1e300}", "sampling rate is invalid"},
        {"{sampling_percentage: 1e-16}", "sampling rate is too small"},
        {"{sampling_precision: 0}", "invalid sampling precision: 0"},
        {"{sampling_precision: 15}", "1 to 14"},
        {"{mode: equalising}", "did you mean 'equalizing'?"},
        {"{attribute_source: recrd}", "did you mean 'record'?"},
        {"{sampling_percent: 1}", "did you mean 'sampling_percentage'?"},
        {"{hash_seed: -1}", "hash_seed"},
        {"{hash_seed: 4294967296}", "hash_seed"},
        {"{fail_closed: maybe}", "fail_closed"},
    };

    (void)state;
    proc_check_refusals("probabilistic_sampler", cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_seed_puts_traces_into_their_buckets),
        cmocka_unit_test(hash_seed_rounds_percentages_as_float32_does),
        cmocka_unit_test(hash_seed_writes_what_it_decided),
        cmocka_unit_test(equalizing_raises_thresholds_to_its_own),
        cmocka_unit_test(proportional_multiplies_probabilities),
        cmocka_unit_test(a_priority_decides_by_itself),
        cmocka_unit_test(thresholds_get_digits_near_zero_and_one),
        cmocka_unit_test(only_what_is_kept_goes_on),
        cmocka_unit_test(wrong_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
