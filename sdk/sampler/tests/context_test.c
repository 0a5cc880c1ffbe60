/* SPDX-License-Identifier: Apache-2.0 */
/* Samplers that look at the context a span is started in: its baggage, values of the program's. */
#include <string.h>

#include <otel/baggage.h>
#include <otel/sdk/composable_sampler.h>

#include "sdk/tests/rig.h"

static bool wants_debug(const struct otel_sdk_sampling_input *input)
{
    struct otel_baggage_entry entry;

    return otel_baggage_get(otel_context_baggage(input->context), otel_str("debug"), &entry) &&
           otel_str_equal(entry.value, otel_str("yes"));
}

static void by_baggage(void *arg, const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_result *result)
{
    size_t *asked = arg;

    assert_int_equal(input->struct_size, sizeof(*input));
    ++*asked;
    result->decision = wants_debug(input) ? OTEL_SDK_RECORD_AND_SAMPLE : OTEL_SDK_DROP;
}

/* parent (may be NULL) with baggage debug=value. */
static struct otel_context *with_debug(const struct otel_context *parent, const char *value)
{
    struct otel_baggage_entry entry = {otel_str("debug"), otel_str(value), otel_str(NULL)};
    struct otel_baggage *baggage = NULL;
    struct otel_context *context;

    assert_int_equal(otel_baggage_set(NULL, &entry, &baggage), OTEL_OK);
    context = otel_context_with_baggage(parent, baggage);
    otel_baggage_unref(baggage);
    return context;
}

/* Whether a span that is started in context is sampled. */
static bool keeps(struct rig *rig, const struct otel_context *context, bool root)
{
    struct otel_span_options options;
    struct otel_span *span;
    bool kept;

    otel_span_options_init(&options);
    options.parent = context;
    options.root = root;
    span = otel_span_start(rig->tracer, "op", &options);
    kept = (otel_span_get_context(span)->flags & OTEL_FLAG_SAMPLED) != 0;
    otel_span_finish(span);
    return kept;
}

static void a_sampler_decides_by_baggage(void **state)
{
    struct otel_context *yes = with_debug(NULL, "yes"), *no = with_debug(NULL, "no");
    struct otel_context *remote = remote_parent(OTEL_FLAG_SAMPLED);
    struct otel_context *remote_yes = with_debug(remote, "yes");
    struct otel_context_token token;
    size_t asked = 0;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(
        otel_sdk_sampler_custom_new(by_baggage, "ByBaggage", NULL, &asked, &rig.options.sampler),
        OTEL_OK);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    assert_true(keeps(&rig, yes, false));
    assert_false(keeps(&rig, no, false));
    assert_false(keeps(&rig, remote, false)); /* whatever its parent's flag says */
    assert_true(keeps(&rig, remote_yes, false));
    assert_true(keeps(&rig, remote_yes, true)); /* a root keeps the baggage it is started in */
    assert_false(keeps(&rig, NULL, false));
    token = otel_context_attach(yes);
    assert_true(keeps(&rig, NULL, false)); /* the thread's current context */
    assert_false(keeps(&rig, no, false));  /* an explicit one wins over it */
    assert_true(otel_context_detach(token));
    assert_int_equal(asked, 8);
    otel_context_unref(remote_yes);
    otel_context_unref(remote);
    otel_context_unref(no);
    otel_context_unref(yes);
    rig_fini(&rig);
}

static void delegates_get_the_context_too(void **state)
{
    struct otel_context *yes = with_debug(NULL, "yes"), *no = with_debug(NULL, "no");
    struct otel_sdk_sampler *own = NULL, *recording = NULL;
    struct otel_sdk_parentbased_options options;
    size_t asked = 0;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(otel_sdk_sampler_custom_new(by_baggage, "ByBaggage", NULL, &asked, &own),
                     OTEL_OK);
    assert_int_equal(otel_sdk_sampler_always_record_new(own, &recording), OTEL_OK);
    otel_sdk_parentbased_options_init(&options);
    options.root = recording;
    assert_int_equal(otel_sdk_sampler_parentbased_new(&options, &rig.options.sampler), OTEL_OK);
    otel_sdk_sampler_unref(recording);
    otel_sdk_sampler_unref(own);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    assert_true(keeps(&rig, yes, false));
    assert_false(keeps(&rig, no, false));
    assert_int_equal(asked, 2);
    assert_int_equal(rig_stats(&rig).record_only, 1);
    otel_context_unref(no);
    otel_context_unref(yes);
    rig_fini(&rig);
}

static bool debug_rule(void *arg, const struct otel_sdk_sampling_input *input)
{
    (void)arg;
    return wants_debug(input);
}

static void a_rule_looks_at_baggage(void **state)
{
    const struct otel_sdk_rule rules[] = {{debug_rule, NULL, otel_sdk_composable_always_on()},
                                          {NULL, NULL, otel_sdk_composable_always_off()}};
    struct otel_context *yes = with_debug(NULL, "yes"), *no = with_debug(NULL, "no");
    struct otel_sdk_composable *part = NULL;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(otel_sdk_composable_rule_based_new(rules, 2, &part), OTEL_OK);
    assert_int_equal(otel_sdk_sampler_composite_new(part, &rig.options.sampler), OTEL_OK);
    otel_sdk_composable_unref(part);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    assert_true(keeps(&rig, yes, false));
    assert_false(keeps(&rig, no, false));
    assert_false(keeps(&rig, NULL, false));
    otel_context_unref(no);
    otel_context_unref(yes);
    rig_fini(&rig);
}

static const struct otel_context_key tenant = {"tenant", NULL, NULL};

static void by_value(void *arg, const struct otel_sdk_sampling_input *input,
                     struct otel_sdk_sampling_result *result)
{
    result->decision = otel_context_value(input->context, &tenant) == arg
                           ? OTEL_SDK_RECORD_AND_SAMPLE
                           : OTEL_SDK_DROP;
}

static void values_of_the_program_are_there(void **state)
{
    static char gold[] = "gold", other[] = "other";
    struct otel_context *in_gold = otel_context_with_value(NULL, &tenant, gold);
    struct otel_context *in_other = otel_context_with_value(NULL, &tenant, other);
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(
        otel_sdk_sampler_custom_new(by_value, "ByValue", NULL, gold, &rig.options.sampler),
        OTEL_OK);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    assert_true(keeps(&rig, in_gold, false));
    assert_false(keeps(&rig, in_other, false));
    otel_context_unref(in_other);
    otel_context_unref(in_gold);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sampler_decides_by_baggage),
        cmocka_unit_test(delegates_get_the_context_too),
        cmocka_unit_test(a_rule_looks_at_baggage),
        cmocka_unit_test(values_of_the_program_are_there),
    };

    return cmocka_run_group_tests_name("sampler_context", tests, NULL, NULL);
}
