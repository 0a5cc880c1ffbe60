/* SPDX-License-Identifier: Apache-2.0 */
/* Consistent probability sampling: thresholds, randomness, the member ot, in ProbabilitySampler and
 * under ParentBased. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/sampler/ot.h"
#include "sdk/sampler/tests/ask.h"
#include "sdk/tests/rig.h"

#define TENTH UINT64_C(0xe6660000000000)

static struct otel_sdk_sampler *with_ratio(double ratio)
{
    struct otel_sdk_probability_options options;
    struct otel_sdk_sampler *sampler = NULL;

    otel_sdk_probability_options_init(&options);
    options.ratio = ratio;
    options.seeded = true;
    options.seed = 1;
    assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_OK);
    return sampler;
}

static struct answer ask_child(struct otel_sdk_sampler *sampler, const char *state, uint8_t flags,
                               uint64_t randomness)
{
    struct question q = a_child(state, flags, randomness);
    struct answer answer = ask_sampler(sampler, &q);

    otel_trace_state_unref(q.parent.trace_state);
    return answer;
}

static void thresholds_are_written_as_the_specification_writes_them(void **state)
{
    static const struct {
        double ratio;
        const char *th;
    } rows[] = {
        {1, "0"},           {0.75, "4"},        {0.5, "8"},
        {1.0 / 3, "aaab"},  {0.25, "c"},        {0.2, "cccd"},
        {0.125, "e"},       {0.1, "e666"},      {1.0 / 16, "f"},
        {0.01, "fd70a"},    {0.001, "ffbe77"},  {1e-4, "fff9724"},
        {1e-5, "ffff583a"}, {1e-6, "ffffef39"}, {0x1p-56, "ffffffffffffff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char th[OTL_OT_DIGITS + 1], expected[64];
        struct otel_sdk_sampler *sampler = with_ratio(rows[i].ratio);
        struct question q = a_root(OTEL_SDK_MAX_THRESHOLD, true);
        otl_ot_encode(otl_ot_threshold(rows[i].ratio, 4), th);
        assert_string_equal(th, rows[i].th);
        snprintf(expected, sizeof(expected), "ot=th:%s", rows[i].th);
        assert_string_equal(ask_sampler(sampler, &q).state, expected);
        otel_sdk_sampler_unref(sampler);
    }
    assert_int_equal(otl_ot_threshold(0.1, 14), UINT64_C(0xe6666666666666));
}

static void the_threshold_itself_is_kept_and_one_below_is_not(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);

    (void)state;
    for (int delta = -1; delta <= 1; delta++)
        for (int random = 0; random < 2; random++) {
            struct question q = a_root(TENTH + (uint64_t)delta, true);
            struct answer answer = ask_sampler(sampler, &q);
            struct answer child =
                ask_child(sampler, "", random ? OTEL_FLAG_RANDOM : 0, TENTH + (uint64_t)delta);
            assert_int_equal(answer.decision,
                             delta < 0 ? OTEL_SDK_DROP : OTEL_SDK_RECORD_AND_SAMPLE);
            assert_string_equal(answer.state, delta < 0 ? "" : "ot=th:e666");
            assert_int_equal(child.decision, answer.decision);
        }
    otel_sdk_sampler_unref(sampler);
}

static const struct {
    const char *state;
    uint8_t flags;
    uint64_t randomness;
    bool kept;
    const char *out;
} children[] = {
    /* rv decides, whatever the trace id and the parent's flag say, and is never changed */
    {"ot=rv:e6660000000000", 2, 0, true, "ot=th:e666;rv:e6660000000000"},
    {"ot=rv:e665ffffffffff", 3, OTEL_SDK_MAX_THRESHOLD, false, "ot=rv:e665ffffffffff"},
    {"ot=rv:ffffffffffffff;th:0", 0, 0, true, "ot=th:e666;rv:ffffffffffffff"},
    /* the flag is ignored */
    {"", 1, TENTH - 1, false, ""},
    {"", 0, TENTH, true, "ot=th:e666"},
    /* the parent's th is replaced, or erased */
    {"ot=th:8", 3, TENTH, true, "ot=th:e666"},
    {"ot=th:8", 3, TENTH - 1, false, ""},
    {"ot=th:8;rv:00000000000000", 3, TENTH, false, "ot=rv:00000000000000"},
    /* other sub-keys and other vendors stay; ot moves to the front when it changes */
    {"ot=p:8;th:8;x:a.b_C-1,v=2", 3, TENTH, true, "ot=th:e666;p:8;x:a.b_C-1,v=2"},
    {"v=2,ot=x:1", 3, TENTH, true, "ot=th:e666;x:1,v=2"},
    {"v=2,ot=x:1", 3, 0, false, "v=2,ot=x:1"},
    {"v=2,ot=th:8,w=3", 3, 0, false, "v=2,w=3"},
    {"v=2,ot=th:e666", 3, TENTH, true, "v=2,ot=th:e666"}, /* nothing changed */
    /* malformed values count as absent, malformed lists as no list */
    {"ot=rv:ff", 2, TENTH, true, "ot=th:e666"},
    {"ot=rv:FFFFFFFFFFFFFF", 2, TENTH - 1, false, ""},
    {"ot=rv:fffffffffffffff", 2, TENTH - 1, false, ""},
    {"ot=th:xyz", 2, TENTH, true, "ot=th:e666"},
    {"ot=nonsense", 2, TENTH, true, "ot=th:e666"},
    {"ot=rv:ffffffffffffff;", 2, 0, false, ""},
    {"ot=;rv:ffffffffffffff", 2, 0, false, ""},
    {"ot=X:1;rv:ffffffffffffff", 2, 0, false, ""},
};

static void a_child_is_decided_by_randomness_and_its_state_is_kept(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);

    (void)state;
    for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
        struct answer answer =
            ask_child(sampler, children[i].state, children[i].flags, children[i].randomness);
        if ((answer.decision == OTEL_SDK_RECORD_AND_SAMPLE) != children[i].kept ||
            strcmp(answer.state, children[i].out) != 0)
            fail_msg("%s: decision %d, '%s'", children[i].state, (int)answer.decision,
                     answer.state);
    }
    otel_sdk_sampler_unref(sampler);
}

static void a_member_of_256_bytes_is_not_exceeded(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);
    char in[300], filler[260], out[300];

    (void)state;
    memset(filler, 'y', sizeof(filler));
    /* "ot=x:" and 246 bytes leave room for ";th:e666"; one more does not */
    for (int len = 246; len <= 247; len++) {
        snprintf(in, sizeof(in), "ot=x:%.*s", len, filler);
        snprintf(out, sizeof(out), "ot=th:e666;x:%.*s", len, filler);
        assert_string_equal(ask_child(sampler, in, 3, TENTH).state, len == 246 ? out : in);
    }
    /* a threshold that is there and cannot stay true is erased even then */
    snprintf(in, sizeof(in), "ot=x:%.*s;th:8", 249, filler);
    snprintf(out, sizeof(out), "ot=x:%.*s", 249, filler);
    assert_string_equal(ask_child(sampler, in, 3, TENTH).state, out);
    otel_sdk_sampler_unref(sampler);
}

/* A trace state of these sizes, member by member; 0: the member ot. Without omitted, if it is one
 * of them. Returns the length. */
static size_t make_state(char *out, const size_t *sizes, size_t count, size_t omitted,
                         const char *ot)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        size_t value = sizes[i] > 258 ? 256 : sizes[i] - 2;
        if (i == omitted || (sizes[i] == 0 && ot == NULL))
            continue;
        if (len != 0)
            out[len++] = ',';
        if (sizes[i] == 0) {
            memcpy(out + len, ot, strlen(ot));
            len += strlen(ot);
            continue;
        }
        memset(out + len, letters[i], sizes[i]);
        len += sizes[i];
        out[len - value - 1] = '=';
    }
    out[len] = '\0';
    return len;
}

enum { ROOMY = 8400, OVER_128 = 28, NONE = 99 };

static const char long_ot[] = "ot=rv:ffffffffffffff;x:1";

/* One short, ot, many long, one of 129 behind them, one of 128, one short. */
static void long_sizes(size_t *sizes, size_t first)
{
    sizes[0] = first;
    sizes[1] = 0;
    for (size_t i = 2; i < OVER_128; i++)
        sizes[i] = 300;
    sizes[OVER_128] = 129;
    sizes[OVER_128 + 1] = 128;
    sizes[OVER_128 + 2] = 3;
}

static void a_long_trace_state_loses_its_last_long_member_and_nothing_else(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);
    size_t sizes[OVER_128 + 3];
    char in[ROOMY], out[ROOMY];

    (void)state;
    /* 70 leaves room for "th:e666;" and not a byte more */
    for (size_t first = 70; first <= 71; first++) {
        size_t head = (size_t)snprintf(out, sizeof(out), "ot=th:e666;%s,", long_ot + 3);
        long_sizes(sizes, first);
        assert_int_equal(make_state(in, sizes, OVER_128 + 3, NONE, long_ot), 8114 + first);
        head += make_state(out + head, sizes, OVER_128 + 3, first == 70 ? NONE : OVER_128, NULL);
        assert_int_equal(head, first == 70 ? 8192 : 8193 - 130);
        assert_string_equal(ask_child(sampler, in, 3, 0).state, out);
    }
    otel_sdk_sampler_unref(sampler);
}

/* The one of 129 goes for the bytes, and then the last one need not go for the number. */
static void a_full_and_long_trace_state_keeps_its_last_member(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);
    size_t sizes[OTEL_TRACE_STATE_MAX_MEMBERS];
    char in[ROOMY], out[ROOMY];
    size_t head;

    (void)state;
    long_sizes(sizes, 89);
    sizes[1] = sizes[OVER_128 + 3] = 3;
    assert_int_equal(make_state(in, sizes, OTEL_TRACE_STATE_MAX_MEMBERS, NONE, NULL), 8186);
    head = (size_t)snprintf(out, sizeof(out), "ot=th:e666,");
    make_state(out + head, sizes, OTEL_TRACE_STATE_MAX_MEMBERS, OVER_128, NULL);
    assert_string_equal(ask_child(sampler, in, 3, TENTH).state, out);
    otel_sdk_sampler_unref(sampler);
}

/* The long ot is the last long member, and is not the one that goes. */
static void a_long_ot_never_goes(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);
    size_t sizes[OVER_128 + 1];
    char ot[300], in[ROOMY], out[ROOMY];
    size_t head;

    (void)state;
    for (size_t i = 0; i < OVER_128; i++)
        sizes[i] = 282;
    sizes[0] = 295;
    sizes[OVER_128] = 0;
    snprintf(ot, sizeof(ot), "ot=rv:ffffffffffffff;x:%0225d", 0);
    assert_int_equal(make_state(in, sizes, OVER_128 + 1, NONE, ot), 8185);
    head = (size_t)snprintf(out, sizeof(out), "ot=th:e666;%s,", ot + 3);
    make_state(out + head, sizes, OVER_128, OVER_128 - 1, NULL);
    assert_string_equal(ask_child(sampler, in, 3, 0).state, out);
    otel_sdk_sampler_unref(sampler);
}

static void a_long_trace_state_without_memory_is_whole_or_empty(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);
    size_t sizes[OVER_128 + 3];
    char in[ROOMY];
    unsigned empty = 0;

    (void)state;
    long_sizes(sizes, 71);
    make_state(in, sizes, OVER_128 + 3, NONE, long_ot);
    for (unsigned long n = 1; n <= 3; n++) {
        struct question q = a_child(in, 3, 0);
        struct answer answer;
        otl_mem_fail_at(n);
        answer = ask_sampler(sampler, &q);
        otl_mem_fail_at(0);
        assert_true(answer.state[0] == '\0' || strlen(answer.state) == 8193 - 130);
        empty += answer.state[0] == '\0';
        otel_trace_state_unref(q.parent.trace_state);
    }
    assert_int_equal(empty, 2);
    otel_sdk_sampler_unref(sampler);
}

static void a_root_whose_id_is_not_random_gets_an_rv(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.25);
    int kept = 0;

    (void)state;
    for (int i = 0; i < 4000; i++) {
        struct question q = a_root(0, false); /* always the same id */
        struct answer answer = ask_sampler(sampler, &q);
        uint64_t rv = 0;
        const char *at = strstr(answer.state, "rv:");
        assert_non_null(at);
        assert_int_equal(sscanf(at + 3, "%14" SCNx64, &rv), 1);
        assert_int_equal(answer.decision == OTEL_SDK_RECORD_AND_SAMPLE,
                         rv >= UINT64_C(0xc0000000000000));
        assert_int_equal(strncmp(answer.state, "ot=th:c;rv:", 11) == 0,
                         answer.decision == OTEL_SDK_RECORD_AND_SAMPLE);
        kept += answer.decision == OTEL_SDK_RECORD_AND_SAMPLE;
    }
    assert_true(abs(kept - 1000) < 6 * 28);
    otel_sdk_sampler_unref(sampler);
}

static void count_told(void *arg, enum otel_err err, const char *text)
{
    assert_int_equal(err, OTEL_OK);
    assert_non_null(strstr(text, "Random flag"));
    ++*(int *)arg;
}

static void a_child_without_the_random_flag_is_warned_about_once(void **state)
{
    struct otel_sdk_probability_options options;
    struct otel_sdk_sampler *sampler = NULL;
    int told = 0;

    (void)state;
    otel_sdk_probability_options_init(&options);
    options.error = count_told;
    options.error_arg = &told;
    assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_OK);
    ask_child(sampler, "", 3, 1);
    ask_child(sampler, "ot=rv:00000000000001", 1, 1);
    assert_int_equal(told, 0);
    ask_child(sampler, "", 1, 1);
    ask_child(sampler, "", 1, 1);
    assert_int_equal(told, 1);
    otel_sdk_sampler_unref(sampler);
}

static void wrong_options_are_refused(void **state)
{
    static const double wrong[] = {0, -1, 1.1, 0x1p-57, NAN, INFINITY};
    struct otel_sdk_probability_options options;
    struct otel_sdk_sampler *sampler = NULL;

    (void)state;
    otel_sdk_probability_options_init(&options);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        options.ratio = wrong[i];
        assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_ERR_ARGUMENT);
    }
    options.ratio = 1;
    options.precision = 15;
    assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_ERR_ARGUMENT);
    options.precision = 0;
    assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_ERR_ARGUMENT);
}

/* Below ParentBased: a threshold that contradicts the flag, or the decision, is erased. */
static void parentbased_erases_a_threshold_that_contradicts_the_flag(void **state)
{
    static const struct {
        const char *state;
        uint8_t flags;
        const char *out;
    } rows[] = {
        {"ot=th:8,v=1", 3, "ot=th:8,v=1"}, /* R = 0x90..., sampled: consistent */
        {"ot=th:a,v=1", 3, "v=1"},
        {"ot=th:8,v=1", 2, "v=1"},
        {"ot=th:a,v=1", 2, "ot=th:a,v=1"},
        {"ot=th:8;rv:00000000000000;x:1", 3, "ot=rv:00000000000000;x:1"},
        {"ot=rv:00000000000000", 3, "ot=rv:00000000000000"},
        {"v=1", 3, "v=1"},
        {"", 3, ""},
    };
    struct otel_sdk_sampler *based = NULL;

    (void)state;
    assert_int_equal(otel_sdk_sampler_parentbased_new(NULL, &based), OTEL_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer answer =
            ask_child(based, rows[i].state, rows[i].flags, UINT64_C(0x90000000000000));
        assert_string_equal(answer.state, rows[i].out);
        assert_int_equal(answer.decision == OTEL_SDK_RECORD_AND_SAMPLE, rows[i].flags & 1);
    }
    otel_sdk_sampler_unref(based);
}

static void always_record_keeps_for_processors_what_root_drops(void **state)
{
    struct otel_sdk_sampler *tenth = with_ratio(0.1), *record = NULL;
    struct answer answer;
    struct rig rig;

    (void)state;
    assert_int_equal(otel_sdk_sampler_always_record_new(tenth, &record), OTEL_OK);
    assert_str(otel_sdk_sampler_description(record),
               "AlwaysRecordSampler{ProbabilitySampler{0.1}}");
    answer = ask_child(record, "", 3, TENTH - 1);
    assert_int_equal(answer.decision, OTEL_SDK_RECORD_ONLY);
    answer = ask_child(record, "", 3, TENTH);
    assert_int_equal(answer.decision, OTEL_SDK_RECORD_AND_SAMPLE);
    assert_string_equal(answer.state, "ot=th:e666");
    otel_sdk_sampler_unref(tenth);
    otel_sdk_sampler_unref(record);
    assert_int_equal(otel_sdk_sampler_always_record_new(NULL, &record), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_sampler_always_record_new(otel_sdk_sampler_always_off(), &record),
                     OTEL_OK);
    rig_init(&rig);
    rig.options.sampler = record;
    rig_start(&rig);
    otel_sdk_sampler_unref(record);
    one_span(&rig, "only recorded");
    assert_int_equal(rig_stats(&rig).record_only, 1);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 0);
    rig_fini(&rig);
}

/* Through the provider: the trace state of the span on the wire, and of its child. */
static void the_threshold_is_on_the_exported_span_and_its_child(void **state)
{
    struct otel_span *root, *child;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.sampler = with_ratio(1);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    root = otel_span_start(rig.tracer, "root", NULL);
    child = child_of(rig.tracer, root, "child");
    assert_str(otel_trace_state_header(otel_span_get_context(root)->trace_state), "ot=th:0");
    assert_ptr_equal(otel_span_get_context(child)->trace_state,
                     otel_span_get_context(root)->trace_state); /* nothing was allocated */
    otel_span_finish(child);
    otel_span_finish(root);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 2);
    rig_fini(&rig);
}

static void failing_memory_never_leaves_a_wrong_threshold(void **state)
{
    struct otel_sdk_sampler *sampler = with_ratio(0.1);

    (void)state;
    for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
        struct question q = a_child(children[i].state, children[i].flags, children[i].randomness);
        struct answer answer;
        otl_mem_fail_at(1);
        answer = ask_sampler(sampler, &q);
        otl_mem_fail_at(0);
        assert_true(answer.state[0] == '\0' || strcmp(answer.state, children[i].out) == 0);
        otel_trace_state_unref(q.parent.trace_state);
    }
    otel_sdk_sampler_unref(sampler);
    for (unsigned long n = 1; n < 4; n++) {
        struct otel_sdk_sampler *made = NULL, *record = NULL;
        otl_mem_fail_at(n);
        if (otel_sdk_sampler_probability_new(NULL, &made) == OTEL_OK &&
            otel_sdk_sampler_always_record_new(made, &record) == OTEL_OK)
            assert_int_equal(n, 4);
        otl_mem_fail_at(0);
        otel_sdk_sampler_unref(record);
        otel_sdk_sampler_unref(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_are_written_as_the_specification_writes_them),
        cmocka_unit_test(the_threshold_itself_is_kept_and_one_below_is_not),
        cmocka_unit_test(a_child_is_decided_by_randomness_and_its_state_is_kept),
        cmocka_unit_test(a_member_of_256_bytes_is_not_exceeded),
        cmocka_unit_test(a_long_trace_state_loses_its_last_long_member_and_nothing_else),
        cmocka_unit_test(a_full_and_long_trace_state_keeps_its_last_member),
        cmocka_unit_test(a_long_ot_never_goes),
        cmocka_unit_test(a_long_trace_state_without_memory_is_whole_or_empty),
        cmocka_unit_test(a_root_whose_id_is_not_random_gets_an_rv),
        cmocka_unit_test(a_child_without_the_random_flag_is_warned_about_once),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(parentbased_erases_a_threshold_that_contradicts_the_flag),
        cmocka_unit_test(always_record_keeps_for_processors_what_root_drops),
        cmocka_unit_test(the_threshold_is_on_the_exported_span_and_its_child),
        cmocka_unit_test(failing_memory_never_leaves_a_wrong_threshold),
    };

    return cmocka_run_group_tests_name("probability", tests, NULL, NULL);
}
