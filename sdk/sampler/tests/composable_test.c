/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/composable_sampler.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/sampler/tests/ask.h"
#include "sdk/tests/rig.h"

#define HALF UINT64_C(0x80000000000000)

/* Consumes part. */
static struct otel_sdk_sampler *composite_of(struct otel_sdk_composable *part)
{
    struct otel_sdk_sampler *sampler = NULL;

    assert_int_equal(otel_sdk_sampler_composite_new(part, &sampler), OTEL_OK);
    otel_sdk_composable_unref(part);
    return sampler;
}

static struct otel_sdk_composable *probability(double ratio)
{
    struct otel_sdk_composable *part = NULL;

    assert_int_equal(otel_sdk_composable_probability_new(ratio, &part), OTEL_OK);
    return part;
}

/* Consumes root. */
static struct otel_sdk_composable *parent_threshold(struct otel_sdk_composable *root)
{
    struct otel_sdk_composable *part = NULL;

    assert_int_equal(otel_sdk_composable_parent_threshold_new(root, &part), OTEL_OK);
    otel_sdk_composable_unref(root);
    return part;
}

static struct answer ask_child(struct otel_sdk_sampler *sampler, const char *state, uint8_t flags,
                               uint64_t randomness)
{
    struct question q = a_child(state, flags, randomness);
    struct answer answer = ask_sampler(sampler, &q);

    otel_trace_state_unref(q.parent.trace_state);
    return answer;
}

static void on_off_and_probability_write_their_threshold(void **state)
{
    struct otel_sdk_sampler *on = composite_of(otel_sdk_composable_always_on());
    struct otel_sdk_sampler *off = composite_of(otel_sdk_composable_always_off());
    struct otel_sdk_sampler *half = composite_of(probability(0.5));
    struct otel_sdk_sampler *none = composite_of(probability(0));
    struct otel_sdk_composable *part = NULL;

    (void)state;
    assert_string_equal(ask_child(on, "ot=th:c;x:1,v=1", 2, 0).state, "ot=th:0;x:1,v=1");
    assert_int_equal(ask_child(on, "", 2, 0).decision, OTEL_SDK_RECORD_AND_SAMPLE);
    assert_int_equal(ask_child(off, "", 3, OTEL_SDK_MAX_THRESHOLD).decision, OTEL_SDK_DROP);
    assert_string_equal(ask_child(off, "ot=th:c;x:1,v=1", 3, 0).state, "ot=x:1,v=1");
    assert_int_equal(ask_child(half, "", 3, HALF - 1).decision, OTEL_SDK_DROP);
    assert_string_equal(ask_child(half, "ot=th:0", 3, HALF - 1).state, "");
    assert_string_equal(ask_child(half, "", 2, HALF).state, "ot=th:8");
    assert_int_equal(ask_child(none, "", 3, OTEL_SDK_MAX_THRESHOLD).decision, OTEL_SDK_DROP);
    assert_int_equal(otel_sdk_composable_probability_new(1.5, &part), OTEL_ERR_ARGUMENT);
    otel_sdk_sampler_unref(none);
    otel_sdk_sampler_unref(half);
    otel_sdk_sampler_unref(off);
    otel_sdk_sampler_unref(on);
}

static void parent_threshold_follows_the_parent(void **state)
{
    static const struct {
        const char *state;
        uint8_t flags;
        bool kept;
        const char *out;
    } rows[] = {
        {"ot=th:8", 3, true, "ot=th:8"}, /* R = HALF */
        {"ot=th:9", 2, false, ""},       /* dropped: th erased */
        {"ot=th:9", 3, true, ""},        /* contradiction: the flag, but unreliable */
        {"ot=th:8", 2, false, ""},       /* likewise */
        {"v=1", 3, true, "v=1"},         /* no threshold: the flag */
        {"v=1", 2, false, "v=1"},
        {"ot=rv:ffffffffffffff;th:f", 3, true, "ot=rv:ffffffffffffff;th:f"},
        {"ot=th:f;rv:ffffffffffffff", 3, true, "ot=th:f;rv:ffffffffffffff"},
    };
    struct otel_sdk_sampler *sampler = composite_of(parent_threshold(probability(0.25)));
    struct question root = a_root(UINT64_C(0xc0000000000000), true);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer answer = ask_child(sampler, rows[i].state, rows[i].flags, HALF);
        assert_int_equal(answer.decision == OTEL_SDK_RECORD_AND_SAMPLE, rows[i].kept);
        if (i != 6) /* there the member is written again, th in front */
            assert_string_equal(answer.state, rows[i].out);
    }
    assert_string_equal(ask_sampler(sampler, &root).state, "ot=th:c");
    root = a_root(UINT64_C(0xbfffffffffffff), true);
    assert_int_equal(ask_sampler(sampler, &root).decision, OTEL_SDK_DROP);
    otel_sdk_sampler_unref(sampler);
}

static bool is_named(void *arg, const struct otel_sdk_sampling_input *input)
{
    return otel_str_equal(input->name, otel_str(arg));
}

static void the_first_rule_that_matches_decides(void **state)
{
    static char checkout[] = "checkout", health[] = "health";
    struct otel_sdk_composable *half = probability(0.5), *rules = NULL;
    const struct otel_sdk_rule table[] = {
        {is_named, health, otel_sdk_composable_always_off()},
        {is_named, checkout, otel_sdk_composable_always_on()},
        {is_named, checkout, otel_sdk_composable_always_off()},
        {NULL, NULL, half},
    };
    struct otel_sdk_sampler *sampler;
    struct question q = a_root(HALF - 1, true);

    (void)state;
    assert_int_equal(otel_sdk_composable_rule_based_new(table, 4, &rules), OTEL_OK);
    otel_sdk_composable_unref(half);
    assert_str(otel_sdk_composable_description(rules),
               "ComposableRuleBased{ComposableAlwaysOff,ComposableAlwaysOn,ComposableAlwaysOff,"
               "ComposableProbability{0.5}}");
    sampler = composite_of(rules);
    q.name = "checkout";
    assert_string_equal(ask_sampler(sampler, &q).state, "ot=th:0");
    q.name = "health";
    assert_int_equal(ask_sampler(sampler, &q).decision, OTEL_SDK_DROP);
    q.name = "other";
    assert_int_equal(ask_sampler(sampler, &q).decision, OTEL_SDK_DROP);
    otel_sdk_sampler_unref(sampler);
    assert_int_equal(otel_sdk_composable_rule_based_new(table, 2, &rules), OTEL_OK);
    sampler = composite_of(rules);
    assert_int_equal(ask_sampler(sampler, &q).decision, OTEL_SDK_DROP); /* none matches */
    otel_sdk_sampler_unref(sampler);
}

static void annotations_are_on_what_is_kept_and_only_there(void **state)
{
    struct otel_attribute outer[] = {otel_attr_str("rule", "all"), otel_attr_int("n", 7)};
    struct otel_attribute inner = otel_attr_bool("inner", true);
    struct otel_sdk_composable *half = probability(0.5), *first = NULL, *second = NULL;
    struct answer answer;
    struct seen seen;
    struct rig rig;
    char text[] = "all";

    (void)state;
    outer[0] = otel_attr_str("rule", text);
    assert_int_equal(otel_sdk_composable_annotating_new(&inner, 1, half, &first), OTEL_OK);
    assert_int_equal(otel_sdk_composable_annotating_new(outer, 2, first, &second), OTEL_OK);
    memset(text, 'x', 3); /* the part has its own copy */
    otel_sdk_composable_unref(half);
    otel_sdk_composable_unref(first);
    assert_str(
        otel_sdk_composable_description(second),
        "ComposableAnnotating{ComposableAnnotating{ComposableProbability{0.5},inner},rule,n}");
    rig_init(&rig);
    rig.options.sampler = composite_of(second);
    answer = ask_child(rig.options.sampler, "", 3, HALF);
    assert_int_equal(answer.attribute_count, 3);
    answer = ask_child(rig.options.sampler, "", 3, HALF - 1);
    assert_int_equal(answer.attribute_count, 0);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    for (int i = 0; i < 64; i++)
        one_span(&rig, "op");
    seen = rig_seen(&rig, "op");
    assert_str(seen_attribute(&seen, "rule").text, "all");
    assert_int_equal(seen_attribute(&seen, "n").integer, 7);
    assert_true(seen_has(&seen, "inner"));
    rig_fini(&rig);
}

/* Keeps with a threshold that nobody can trust. */
static void unsure_intent(struct otel_sdk_composable *part,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_intent *intent)
{
    (void)part, (void)input;
    intent->keep = true;
    intent->threshold = HALF;
}

static struct otel_str unsure_description(const struct otel_sdk_composable *part)
{
    (void)part;
    return otel_str("Unsure");
}

static void an_unreliable_threshold_draws_its_own_number_and_leaves_none_behind(void **state)
{
    static const struct otel_sdk_composable_ops ops = {unsure_intent, unsure_description, NULL};
    struct otel_sdk_composable part = {&ops, 1};
    struct otel_sdk_sampler *sampler = composite_of(&part);
    int kept = 0;

    (void)state;
    assert_str(otel_sdk_sampler_description(sampler), "CompositeSampler{Unsure}");
    for (int i = 0; i < 4000; i++) {
        struct answer answer = ask_child(sampler, "ot=th:1;x:1", 3, 0); /* R = 0 */
        kept += answer.decision == OTEL_SDK_RECORD_AND_SAMPLE;
        assert_string_equal(answer.state, "ot=x:1");
    }
    assert_true(kept > 2000 - 6 * 32 && kept < 2000 + 6 * 32);
    otel_sdk_sampler_unref(sampler);
}

/* A part of a program's own: as its delegate, and changes the trace state. */
struct saying {
    struct otel_sdk_composable part;
    struct otel_sdk_composable *delegate;
    struct otel_sdk_trace_state_provider says;
};

static void saying_intent(struct otel_sdk_composable *part,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_intent *intent)
{
    struct saying *mine = (struct saying *)part;

    mine->delegate->ops->get_intent(mine->delegate, input, intent);
    if (intent->trace_state_count < OTEL_SDK_INTENT_MAX_TRACE_STATES)
        intent->trace_states[intent->trace_state_count++] = mine->says;
}

static struct otel_str saying_description(const struct otel_sdk_composable *part)
{
    (void)part;
    return otel_str("Saying");
}

static struct saying saying(struct otel_sdk_composable *delegate, otel_sdk_trace_state_fn *change,
                            char *arg)
{
    static const struct otel_sdk_composable_ops ops = {saying_intent, saying_description, NULL};
    struct saying made = {{&ops, 1}, delegate, {change, arg}};

    return made;
}

static enum otel_err say_decision(void *arg, enum otel_sdk_decision decision,
                                  const struct otel_trace_state *state,
                                  struct otel_trace_state **ret)
{
    return otel_trace_state_set(state, otel_str(arg),
                                otel_str(decision == OTEL_SDK_DROP ? "dropped" : "kept"), ret);
}

static enum otel_err say_nothing(void *arg, enum otel_sdk_decision decision,
                                 const struct otel_trace_state *state,
                                 struct otel_trace_state **ret)
{
    (void)arg, (void)decision, (void)state, (void)ret;
    return OTEL_ERR_MEMORY;
}

static enum otel_err say_empty(void *arg, enum otel_sdk_decision decision,
                               const struct otel_trace_state *state, struct otel_trace_state **ret)
{
    (void)arg, (void)decision, (void)state;
    *ret = NULL;
    return OTEL_OK;
}

static enum otel_err say_ot(void *arg, enum otel_sdk_decision decision,
                            const struct otel_trace_state *state, struct otel_trace_state **ret)
{
    (void)decision;
    return otel_trace_state_set(state, otel_str("ot"), otel_str(arg), ret);
}

static void parts_change_the_trace_state_one_after_the_other(void **state)
{
    char inner_key[] = "inner", outer_key[] = "outer";
    struct otel_sdk_composable *half = probability(0.5), *whole = NULL;
    struct saying inner = saying(half, say_decision, inner_key);
    struct saying failing = saying(&inner.part, say_nothing, NULL);
    struct saying outer = saying(&failing.part, say_decision, outer_key);
    struct otel_attribute note = otel_attr_str("k", "v");
    struct otel_sdk_sampler *sampler;
    struct answer answer;

    (void)state;
    assert_int_equal(otel_sdk_composable_annotating_new(&note, 1, &outer.part, &whole), OTEL_OK);
    sampler = composite_of(whole);
    answer = ask_child(sampler, "v=1,ot=x:1", 3, HALF);
    assert_string_equal(answer.state, "ot=th:8;x:1,outer=kept,inner=kept,v=1");
    assert_int_equal(answer.attribute_count, 1);
    answer = ask_child(sampler, "ot=th:8;x:1,v=1", 3, HALF - 1);
    assert_string_equal(answer.state, "ot=x:1,outer=dropped,inner=dropped,v=1");
    answer = ask_child(sampler, "", 3, HALF - 1);
    assert_string_equal(answer.state, "outer=dropped,inner=dropped");
    otel_sdk_sampler_unref(sampler);
    otel_sdk_composable_unref(half);
}

static void a_part_may_empty_the_trace_state_but_for_the_member_ot(void **state)
{
    char mine[] = "rv:00000000000000;th:1;x:9", vendor[] = "v";
    struct otel_sdk_composable *half = probability(0.5);
    struct saying empty = saying(half, say_empty, NULL), wrong = saying(half, say_ot, mine);
    struct saying beside = saying(&wrong.part, say_decision, vendor);
    struct otel_sdk_sampler *emptying = composite_of(&empty.part);
    struct otel_sdk_sampler *meddling = composite_of(&beside.part);

    (void)state;
    assert_string_equal(ask_child(emptying, "v=1", 3, HALF - 1).state, "");
    assert_string_equal(ask_child(emptying, "v=1", 3, HALF).state, "ot=th:8");
    assert_string_equal(ask_child(emptying, "v=1,ot=x:1", 3, HALF).state, "ot=th:8;x:1");
    assert_string_equal(ask_child(emptying, "v=1,ot=rv:ffffffffffffff", 3, 0).state,
                        "ot=th:8;rv:ffffffffffffff");
    assert_string_equal(ask_child(meddling, "ot=rv:ffffffffffffff", 3, 0).state,
                        "ot=th:8;rv:ffffffffffffff,v=kept");
    assert_string_equal(ask_child(meddling, "", 3, HALF - 1).state, "v=dropped");
    otel_sdk_sampler_unref(meddling);
    otel_sdk_sampler_unref(emptying);
    otel_sdk_composable_unref(half);
}

static void a_full_trace_state_that_a_part_adds_to_keeps_its_member_ot(void **state)
{
    char key[] = "new", full[512] = "";
    struct otel_sdk_composable *half = probability(0.5);
    struct saying says = saying(half, say_decision, key);
    struct otel_sdk_sampler *sampler = composite_of(&says.part);
    struct answer answer;
    size_t at = 0;

    (void)state;
    for (int i = 0; i < OTEL_TRACE_STATE_MAX_MEMBERS - 1; i++)
        at += (size_t)snprintf(full + at, sizeof(full) - at, "m%d=1,", i);
    snprintf(full + at, sizeof(full) - at, "ot=rv:ffffffffffffff"); /* the last: goes first */
    answer = ask_child(sampler, full, 3, 0);
    assert_int_equal(answer.decision, OTEL_SDK_RECORD_AND_SAMPLE);
    assert_ptr_equal(strstr(answer.state, "ot=th:8;rv:ffffffffffffff,new=kept,m0=1"), answer.state);
    assert_null(strstr(answer.state, "m30=1"));
    assert_non_null(strstr(answer.state, "m29=1"));
    otel_sdk_sampler_unref(sampler);
    otel_sdk_composable_unref(half);
}

/* Values as deep as a caller likes, copied: what they were made of may change afterwards. */
static void annotations_may_be_arrays_and_maps(void **state)
{
    int64_t numbers[] = {1, 2, 3};
    char word[] = "word";
    struct otel_str words[] = {otel_str(word), otel_str("other")};
    struct otel_attribute inside[] = {
        otel_attr_str("text", word),
        otel_attr("numbers", otel_value_many(OTEL_VALUE_INT_ARRAY, numbers, 3))};
    struct otel_value mixed[] = {otel_value_bool(true), otel_value_str(word)};
    struct otel_attribute notes[] = {
        otel_attr("words", otel_value_many(OTEL_VALUE_STRING_ARRAY, words, 2)),
        otel_attr("map", otel_value_many(OTEL_VALUE_MAP, inside, 2)),
        otel_attr("mixed", otel_value_many(OTEL_VALUE_ARRAY, mixed, 2))};
    struct otel_sdk_read_attribute value, element;
    struct otel_sdk_composable *part = NULL;
    struct seen seen;
    struct rig rig;

    (void)state;
    assert_int_equal(
        otel_sdk_composable_annotating_new(notes, 3, otel_sdk_composable_always_on(), &part),
        OTEL_OK);
    memset(word, 'x', 4);
    memset(numbers, 0, sizeof(numbers));
    memset(inside, 0, sizeof(inside));
    memset(mixed, 0, sizeof(mixed));
    rig_init(&rig);
    rig.options.sampler = composite_of(part);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    one_span(&rig, "op");
    seen = rig_seen(&rig, "op");
    value = seen_attribute(&seen, "words");
    assert_true(otel_sdk_next_element(&value.elements, &element));
    assert_str(element.text, "word");
    value = seen_attribute(&seen, "mixed");
    assert_true(otel_sdk_next_element(&value.elements, &element));
    assert_int_equal(element.type, OTEL_VALUE_BOOL);
    assert_true(otel_sdk_next_element(&value.elements, &element));
    assert_str(element.text, "word");
    value = seen_attribute(&seen, "map");
    assert_true(otel_sdk_next_attribute(&value.elements, &element));
    assert_str(element.key, "text");
    assert_str(element.text, "word");
    assert_true(otel_sdk_next_attribute(&value.elements, &element));
    assert_str(element.key, "numbers");
    for (int i = 1; i <= 3; i++) {
        assert_true(otel_sdk_next_element(&element.elements, &value));
        assert_int_equal(value.integer, i);
    }
    rig_fini(&rig);
}

static void wrong_parts_are_refused(void **state)
{
    static char text[(1 << 20) + 1];
    struct otel_attribute long_one = otel_attr("a", otel_value_strn(text, sizeof(text)));
    struct otel_attribute many[33];
    struct otel_sdk_rule rule = {NULL, NULL, NULL};
    struct otel_sdk_composable *part = NULL, *on = otel_sdk_composable_always_on();
    struct otel_sdk_sampler *sampler = NULL;

    (void)state;
    memset(many, 0, sizeof(many));
    assert_int_equal(otel_sdk_sampler_composite_new(NULL, &sampler), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_composable_parent_threshold_new(NULL, &part), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_composable_rule_based_new(&rule, 1, &part), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_composable_rule_based_new(&rule, 1025, &part), OTEL_ERR_LIMIT);
    memset(text, 'a', sizeof(text));
    assert_int_equal(otel_sdk_composable_annotating_new(&long_one, 1, on, &part), OTEL_ERR_LIMIT);
    assert_int_equal(otel_sdk_composable_annotating_new(many, 1, NULL, &part), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_composable_annotating_new(many, 33, on, &part), OTEL_ERR_LIMIT);
}

static void failing_memory_is_reported_and_nothing_leaks(void **state)
{
    const struct otel_str words[] = {otel_str("a"), otel_str("b")};
    struct otel_attribute attribute =
        otel_attr("k", otel_value_many(OTEL_VALUE_STRING_ARRAY, words, 2));
    bool whole = false;

    (void)state;
    for (unsigned long n = 1; n < 40 && !whole; n++) {
        struct otel_sdk_composable *base = NULL, *noted = NULL, *rules = NULL, *parent = NULL;
        struct otel_sdk_rule rule = {NULL, NULL, NULL};
        struct otel_sdk_sampler *sampler = NULL;
        enum otel_err err;
        otl_mem_fail_at(n);
        err = otel_sdk_composable_probability_new(0.5, &base);
        if (err == OTEL_OK)
            err = otel_sdk_composable_annotating_new(&attribute, 1, base, &noted);
        rule.part = noted;
        if (err == OTEL_OK)
            err = otel_sdk_composable_rule_based_new(&rule, 1, &rules);
        if (err == OTEL_OK)
            err = otel_sdk_composable_parent_threshold_new(rules, &parent);
        if (err == OTEL_OK)
            err = otel_sdk_sampler_composite_new(parent, &sampler);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
        whole = err == OTEL_OK;
        otel_sdk_sampler_unref(sampler);
        otel_sdk_composable_unref(parent);
        otel_sdk_composable_unref(rules);
        otel_sdk_composable_unref(noted);
        otel_sdk_composable_unref(base);
    }
    assert_true(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_off_and_probability_write_their_threshold),
        cmocka_unit_test(parent_threshold_follows_the_parent),
        cmocka_unit_test(the_first_rule_that_matches_decides),
        cmocka_unit_test(annotations_are_on_what_is_kept_and_only_there),
        cmocka_unit_test(parts_change_the_trace_state_one_after_the_other),
        cmocka_unit_test(a_part_may_empty_the_trace_state_but_for_the_member_ot),
        cmocka_unit_test(a_full_trace_state_that_a_part_adds_to_keeps_its_member_ot),
        cmocka_unit_test(annotations_may_be_arrays_and_maps),
        cmocka_unit_test(an_unreliable_threshold_draws_its_own_number_and_leaves_none_behind),
        cmocka_unit_test(wrong_parts_are_refused),
        cmocka_unit_test(failing_memory_is_reported_and_nothing_leaks),
    };

    return cmocka_run_group_tests_name("composable", tests, NULL, NULL);
}
