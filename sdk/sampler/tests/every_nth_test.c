/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of every kind of sampler, made and asked while every n-th allocation fails: nothing is
 * left behind, and what is made decides as always. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/composable_sampler.h>

#include "sdk/sampler/tests/ask.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

static void by_name(void *arg, const struct otel_sdk_sampling_input *input,
                    struct otel_sdk_sampling_result *result)
{
    if (otel_str_equal(input->name, otel_str(arg)))
        result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
}

/* Half of all, annotated, whole traces by the parent's threshold, behind a rule. */
static enum otel_err make_composite(struct otel_sdk_sampler **ret)
{
    struct otel_sdk_composable *half = NULL, *noted = NULL, *whole = NULL, *rules = NULL;
    struct otel_attribute note = otel_attr_str("rule", "half");
    struct otel_sdk_rule rule = {NULL, NULL, NULL};
    enum otel_err err = otel_sdk_composable_probability_new(0.5, &half);

    if (err == OTEL_OK)
        err = otel_sdk_composable_annotating_new(&note, 1, half, &noted);
    if (err == OTEL_OK)
        err = otel_sdk_composable_parent_threshold_new(noted, &whole);
    rule.part = whole;
    if (err == OTEL_OK)
        err = otel_sdk_composable_rule_based_new(&rule, 1, &rules);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_composite_new(rules, ret);
    otel_sdk_composable_unref(rules);
    otel_sdk_composable_unref(whole);
    otel_sdk_composable_unref(noted);
    otel_sdk_composable_unref(half);
    return err;
}

static enum otel_err make_tree(struct otel_sdk_sampler **ret)
{
    static char wanted[] = "wanted";
    struct otel_sdk_sampler *composite = NULL, *ratio = NULL, *consistent = NULL, *own = NULL,
                            *parents = NULL;
    struct otel_sdk_probability_options probability;
    struct otel_sdk_parentbased_options options;
    enum otel_err err = make_composite(&composite);

    otel_sdk_probability_options_init(&probability);
    otel_sdk_parentbased_options_init(&options);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_traceidratio_new(0.5, &ratio);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_probability_new(&probability, &consistent);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_custom_new(by_name, "by name", NULL, wanted, &own);
    options.root = options.remote_parent_sampled = composite;
    options.local_parent_sampled = ratio;
    options.remote_parent_not_sampled = consistent;
    options.local_parent_not_sampled = own;
    if (err == OTEL_OK)
        err = otel_sdk_sampler_parentbased_new(&options, &parents);
    if (err == OTEL_OK)
        err = otel_sdk_sampler_always_record_new(parents, ret);
    otel_sdk_sampler_unref(parents);
    otel_sdk_sampler_unref(own);
    otel_sdk_sampler_unref(consistent);
    otel_sdk_sampler_unref(ratio);
    otel_sdk_sampler_unref(composite);
    return err;
}

/* Kept and dropped children and roots; without memory a trace state may stay as it came. */
static void decides(struct otel_sdk_sampler *tree, const struct question *questions)
{
    assert_int_equal(ask_sampler(tree, &questions[0]).decision, OTEL_SDK_RECORD_AND_SAMPLE);
    assert_int_equal(ask_sampler(tree, &questions[1]).decision, OTEL_SDK_RECORD_ONLY);
    assert_int_equal(ask_sampler(tree, &questions[2]).decision, OTEL_SDK_RECORD_AND_SAMPLE);
    assert_int_equal(ask_sampler(tree, &questions[3]).decision, OTEL_SDK_RECORD_AND_SAMPLE);
}

static enum otel_err make_and_ask(void *questions)
{
    struct otel_sdk_sampler *tree = NULL;
    enum otel_err err = make_tree(&tree);

    assert_true((err == OTEL_OK) == (tree != NULL));
    if (tree != NULL)
        decides(tree, questions);
    otel_sdk_sampler_unref(tree);
    return err;
}

static void a_tree_of_samplers(void **state)
{
    struct question questions[] = {
        a_child("ot=th:8;x:1,v=1", 3, OTEL_SDK_MAX_THRESHOLD), /* by its parent's threshold */
        a_root(1, true),                                       /* half of all */
        a_root(OTEL_SDK_MAX_THRESHOLD, true),
        a_child("v=1", 2, 5), /* the probability sampler, which writes a threshold */
    };
    struct every_nth test = {.live = make_and_ask, .arg = questions, .most = 200};

    (void)state;
    every_nth(&test);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        otel_trace_state_unref(questions[i].parent.trace_state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_of_samplers),
    };

    heap_install();
    return cmocka_run_group_tests_name("sampler_every_nth", tests, NULL, NULL);
}
