/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <otel/trace_state.h>
#include <string.h>

#include "sdk/base/random.h"
#include "sdk/tests/rig.h"

static struct otel_sdk_sampling_result ask(struct otel_sdk_sampler *sampler,
                                           const struct otel_span_context *parent,
                                           const uint8_t *trace_id)
{
    static const struct otel_span_context none;
    struct otel_sdk_sampling_result result;
    struct otel_sdk_sampling_input input;

    memset(&input, 0, sizeof(input));
    memset(&result, 0, sizeof(result));
    input.parent = parent != NULL ? parent : &none;
    input.trace_id = trace_id;
    input.name = otel_str("op");
    input.kind = OTEL_SPAN_KIND_INTERNAL;
    sampler->ops->should_sample(sampler, &input, &result);
    return result;
}

static void describes(struct otel_sdk_sampler *sampler, const char *text)
{
    assert_str(otel_sdk_sampler_description(sampler), text);
}

static void descriptions_are_the_specifications(void **state)
{
    struct otel_sdk_sampler *ratio = NULL, *based = NULL;

    (void)state;
    describes(otel_sdk_sampler_always_on(), "AlwaysOnSampler");
    describes(otel_sdk_sampler_always_off(), "AlwaysOffSampler");
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0.05, &ratio), OTEL_OK);
    describes(ratio, "TraceIdRatioBased{0.05}");
    assert_int_equal(otel_sdk_sampler_parentbased_new(NULL, &based), OTEL_OK);
    describes(based, "ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOnSampler,"
                     "remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,"
                     "localParentNotSampled:AlwaysOffSampler}");
    otel_sdk_sampler_unref(ratio);
    otel_sdk_sampler_unref(based);
}

static void a_ratio_outside_zero_to_one_is_refused(void **state)
{
    struct otel_sdk_sampler *sampler = NULL;

    (void)state;
    assert_int_equal(otel_sdk_sampler_traceidratio_new(-0.1, &sampler), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_sampler_traceidratio_new(1.1, &sampler), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_sampler_traceidratio_new(NAN, &sampler), OTEL_ERR_ARGUMENT);
}

static void an_id(struct otl_random *random, uint8_t *id)
{
    uint64_t words[2] = {otl_random_next(random), otl_random_next(random)};

    memcpy(id, words, 16);
}

static void ratio_zero_and_one_are_exact_and_others_keep_their_share(void **state)
{
    static const double ratios[] = {0.0, 0.1, 0.5, 1.0};
    enum { IDS = 100000 };
    struct otl_random random;

    (void)state;
    for (int i = 0; i < 4; i++) {
        double p = ratios[i], kept = 0, sigma = sqrt(IDS * p * (1 - p));
        struct otel_sdk_sampler *sampler = NULL;
        uint8_t id[16];
        otl_random_seed(&random, 42);
        assert_int_equal(otel_sdk_sampler_traceidratio_new(p, &sampler), OTEL_OK);
        for (int n = 0; n < IDS; n++) {
            an_id(&random, id);
            kept += ask(sampler, NULL, id).decision == OTEL_SDK_RECORD_AND_SAMPLE;
        }
        assert_true(fabs(kept - IDS * p) <= 5 * sigma);
        otel_sdk_sampler_unref(sampler);
    }
}

static void a_higher_ratio_keeps_all_that_a_lower_one_kept(void **state)
{
    struct otel_sdk_sampler *low = NULL, *high = NULL;
    struct otl_random random;
    uint8_t id[16];
    int kept = 0;

    (void)state;
    otl_random_seed(&random, 7);
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0.05, &low), OTEL_OK);
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0.2, &high), OTEL_OK);
    for (int n = 0; n < 20000; n++) {
        an_id(&random, id);
        if (ask(low, NULL, id).decision == OTEL_SDK_DROP)
            continue;
        kept++;
        assert_int_equal(ask(high, NULL, id).decision, OTEL_SDK_RECORD_AND_SAMPLE);
    }
    assert_true(kept > 0);
    otel_sdk_sampler_unref(low);
    otel_sdk_sampler_unref(high);
}

/* Vectors computed by hand from the rule in the header. */
static void the_ratio_rule_is_that_of_go_and_rust(void **state)
{
    struct otel_sdk_sampler *quarter = NULL;
    uint8_t id[16];

    (void)state;
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0.25, &quarter), OTEL_OK);
    memset(id, 0xff, sizeof(id)); /* the first eight bytes do not matter */
    id[8] = 0x3f;                 /* 0x3fffffffffffffff >> 1 is one below a quarter of 2^63 */
    assert_int_equal(ask(quarter, NULL, id).decision, OTEL_SDK_RECORD_AND_SAMPLE);
    id[8] = 0x40;
    memset(id + 9, 0, 7);
    assert_int_equal(ask(quarter, NULL, id).decision, OTEL_SDK_DROP);
    otel_sdk_sampler_unref(quarter);
}

static void the_ratio_ignores_the_parents_flag(void **state)
{
    struct otel_span_context parent;
    struct otel_sdk_sampler *none = NULL;

    (void)state;
    memset(&parent, 0, sizeof(parent));
    memset(parent.trace_id, 1, 16);
    memset(parent.span_id, 1, 8);
    parent.flags = OTEL_FLAG_SAMPLED;
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0, &none), OTEL_OK);
    assert_int_equal(ask(none, &parent, parent.trace_id).decision, OTEL_SDK_DROP);
    otel_sdk_sampler_unref(none);
}

/* Says by its count of attributes which delegate it is. */
static void number_of_delegate(void *arg, const struct otel_sdk_sampling_input *input,
                               struct otel_sdk_sampling_result *result)
{
    (void)input;
    result->attribute_count = *(size_t *)arg;
}

static void parentbased_asks_the_right_delegate(void **state)
{
    static size_t numbers[5] = {0, 1, 2, 3, 4};
    struct otel_sdk_sampler *delegates[5], *based = NULL;
    struct otel_sdk_parentbased_options options;
    struct otel_span_context parent;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            otel_sdk_sampler_custom_new(number_of_delegate, "d", NULL, &numbers[i], &delegates[i]),
            OTEL_OK);
    otel_sdk_parentbased_options_init(&options);
    options.root = delegates[0];
    options.remote_parent_sampled = delegates[1];
    options.remote_parent_not_sampled = delegates[2];
    options.local_parent_sampled = delegates[3];
    options.local_parent_not_sampled = delegates[4];
    assert_int_equal(otel_sdk_sampler_parentbased_new(&options, &based), OTEL_OK);
    for (int i = 0; i < 5; i++)
        otel_sdk_sampler_unref(delegates[i]);
    memset(&parent, 0, sizeof(parent));
    assert_int_equal(ask(based, &parent, parent.trace_id).attribute_count, 0);
    memset(parent.trace_id, 1, 16);
    memset(parent.span_id, 1, 8);
    for (size_t i = 0; i < 4; i++) {
        parent.is_remote = i < 2;
        parent.flags = i % 2 == 0 ? OTEL_FLAG_SAMPLED : 0;
        assert_int_equal(ask(based, &parent, parent.trace_id).attribute_count, i + 1);
    }
    otel_sdk_sampler_unref(based);
}

static void parentbased_takes_the_members_that_its_options_have_and_no_others(void **state)
{
    struct otel_sdk_sampler *based = NULL;
    struct otel_sdk_parentbased_options options;

    (void)state;
    otel_sdk_parentbased_options_init(&options);
    options.root = otel_sdk_sampler_always_off();
    options.local_parent_not_sampled = (struct otel_sdk_sampler *)1;
    options.struct_size = 0;
    assert_int_equal(otel_sdk_sampler_parentbased_new(&options, &based), OTEL_ERR_ARGUMENT);
    options.struct_size = sizeof(options) + 1;
    assert_int_equal(otel_sdk_sampler_parentbased_new(&options, &based), OTEL_ERR_ARGUMENT);
    assert_null(based);
    options.struct_size = offsetof(struct otel_sdk_parentbased_options, local_parent_not_sampled);
    assert_int_equal(otel_sdk_sampler_parentbased_new(&options, &based), OTEL_OK);
    assert_str(otel_sdk_sampler_description(based),
               "ParentBased{root:AlwaysOffSampler,remoteParentSampled:AlwaysOnSampler,"
               "remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,"
               "localParentNotSampled:AlwaysOffSampler}");
    otel_sdk_sampler_unref(based);
}

static void the_default_follows_a_remote_parent_and_samples_roots(void **state)
{
    struct rig rig;
    struct otel_context *remote = remote_parent(0);
    struct otel_span_options options;
    struct otel_span *span, *child;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    otel_span_options_init(&options);
    options.parent = remote;
    span = otel_span_start(rig.tracer, "not sampled", &options);
    child = child_of(rig.tracer, span, "nor its child");
    assert_false(otel_span_is_recording(span));
    assert_int_equal(otel_span_get_context(span)->flags, 0);
    assert_int_equal(otel_span_get_context(child)->flags, 0);
    assert_int_equal(otel_span_get_context(child)->trace_id[0], 0xab);
    otel_span_finish(child);
    otel_span_finish(span);
    one_span(&rig, "root");
    assert_int_equal(otel_sdk_memory_count(rig.memory), 1);
    otel_context_unref(remote);
    rig_fini(&rig);
}

static void a_dropped_span_has_a_new_id_and_no_sampled_flag(void **state)
{
    struct otel_context *remote = remote_parent(OTEL_FLAG_SAMPLED | OTEL_FLAG_RANDOM);
    struct otel_span_options options;
    struct otel_span *span;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.sampler = otel_sdk_sampler_always_off();
    rig_start(&rig);
    otel_span_options_init(&options);
    options.parent = remote;
    span = otel_span_start(rig.tracer, "off", &options);
    assert_int_equal(otel_span_get_context(span)->trace_id[0], 0xab);
    assert_memory_not_equal(otel_span_get_context(span)->span_id,
                            otel_context_span_context(remote)->span_id, 8);
    assert_true(otel_span_context_is_valid(otel_span_get_context(span)));
    assert_int_equal(otel_span_get_context(span)->flags, OTEL_FLAG_RANDOM);
    otel_span_finish(span);
    otel_context_unref(remote);
    assert_int_equal(rig_stats(&rig).not_recorded, 1);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 0);
    rig_fini(&rig);
}

static void decide(void *arg, const struct otel_sdk_sampling_input *input,
                   struct otel_sdk_sampling_result *result)
{
    static struct otel_attribute attribute;

    (void)arg;
    attribute = otel_attr_str("sampler", "mine");
    result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
    if (otel_str_equal(input->name, otel_str("only")))
        result->decision = OTEL_SDK_RECORD_ONLY;
    result->attributes = &attribute;
    result->attribute_count = 1;
    if (otel_trace_state_set(NULL, otel_str("my"), otel_str("1"), &result->trace_state) == OTEL_OK)
        result->owns_trace_state = true;
}

static void a_custom_sampler_sets_attributes_and_trace_state_and_records_only(void **state)
{
    struct otel_span *span;
    struct seen seen;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(otel_sdk_sampler_custom_new(decide, "Mine", NULL, NULL, &rig.options.sampler),
                     OTEL_OK);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    span = otel_span_start(rig.tracer, "both", NULL);
    assert_str(otel_trace_state_header(otel_span_get_context(span)->trace_state), "my=1");
    otel_span_finish(span);
    span = otel_span_start(rig.tracer, "only", NULL);
    assert_true(otel_span_is_recording(span));
    assert_int_equal(otel_span_get_context(span)->flags & OTEL_FLAG_SAMPLED, 0);
    otel_span_finish(span);
    seen = rig_seen(&rig, "both");
    assert_str(seen_attribute(&seen, "sampler").text, "mine");
    assert_int_equal(otel_sdk_memory_count(rig.memory), 1);
    assert_int_equal(rig_stats(&rig).record_only, 1);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions_are_the_specifications),
        cmocka_unit_test(a_ratio_outside_zero_to_one_is_refused),
        cmocka_unit_test(ratio_zero_and_one_are_exact_and_others_keep_their_share),
        cmocka_unit_test(a_higher_ratio_keeps_all_that_a_lower_one_kept),
        cmocka_unit_test(the_ratio_rule_is_that_of_go_and_rust),
        cmocka_unit_test(the_ratio_ignores_the_parents_flag),
        cmocka_unit_test(parentbased_asks_the_right_delegate),
        cmocka_unit_test(parentbased_takes_the_members_that_its_options_have_and_no_others),
        cmocka_unit_test(the_default_follows_a_remote_parent_and_samples_roots),
        cmocka_unit_test(a_dropped_span_has_a_new_id_and_no_sampled_flag),
        cmocka_unit_test(a_custom_sampler_sets_attributes_and_trace_state_and_records_only),
    };

    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
