/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/clock.h"
#include "sdk/base/random.h"
#include "sdk/remote/strategy.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

static struct otl_strategy *read(const char *text)
{
    struct otl_strategy *strategy = NULL;

    assert_int_equal(otl_strategy_read(otl_view_str(text), &strategy), OTEL_OK);
    return strategy;
}

static enum otel_err refused(const char *text)
{
    struct otl_strategy *strategy = NULL;
    enum otel_err err = otl_strategy_read(otl_view_str(text), &strategy);

    assert_null(strategy);
    return err;
}

/* How many of count random traces of that name are kept, all at this moment. */
static unsigned kept(struct otl_strategy *strategy, const char *name, unsigned count, uint64_t now)
{
    struct otl_random random;
    unsigned result = 0;

    otl_random_seed(&random, 11);
    for (unsigned i = 0; i < count; i++) {
        uint64_t words[2] = {otl_random_next(&random), otl_random_next(&random)};
        uint8_t id[OTEL_TRACE_ID_SIZE];
        struct otel_sdk_sampling_input input = {.trace_id = id, .name = otel_str(name)};
        memcpy(id, words, sizeof(id));
        result += otl_strategy_keeps(strategy, &input, now);
    }
    return result;
}

static void a_share_keeps_what_traceidratio_keeps(void **state)
{
    struct otl_strategy *strategy =
        read("{\"strategyType\":\"PROBABILISTIC\","
             "\"probabilisticSampling\":{\"samplingRate\":0.25}}");
    struct otel_sdk_sampler *ratio = NULL;
    struct otl_random random;

    (void)state;
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0.25, &ratio), OTEL_OK);
    otl_random_seed(&random, 5);
    for (int i = 0; i < 10000; i++) {
        uint64_t words[2] = {otl_random_next(&random), otl_random_next(&random)};
        uint8_t id[OTEL_TRACE_ID_SIZE];
        struct otel_sdk_sampling_input input = {.trace_id = id};
        struct otel_sdk_sampling_result result = {.decision = OTEL_SDK_DROP};
        memcpy(id, words, sizeof(id));
        ratio->ops->should_sample(ratio, &input, &result);
        assert_int_equal(otl_strategy_keeps(strategy, &input, 1),
                         result.decision == OTEL_SDK_RECORD_AND_SAMPLE);
    }
    otel_sdk_sampler_unref(ratio);
    otl_strategy_free(strategy);
}

static void a_rate_lets_so_many_through_a_second(void **state)
{
    struct otl_strategy *strategy =
        read("{\"strategyType\":1,\"rateLimitingSampling\":{\"maxTracesPerSecond\":10}}");
    unsigned all = 0;

    (void)state;
    assert_int_equal(kept(strategy, "a", 100, 1), 10);
    assert_int_equal(kept(strategy, "a", 100, 1 + 100 * OTL_NS_PER_MS), 1);
    for (unsigned i = 1; i <= 1000; i++) /* ten seconds, a trace every 10 ms */
        all += kept(strategy, "a", 1, (10 + i / 100) * OTL_NS_PER_S + i % 100 * 10 * OTL_NS_PER_MS);
    assert_in_range(all, 100, 111);
    otl_strategy_free(strategy);
    strategy = read("{\"rateLimitingSampling\":{\"maxTracesPerSecond\":0.5}}");
    assert_int_equal(kept(strategy, "a", 100, 1), 1);
    assert_int_equal(kept(strategy, "a", 100, 1 + OTL_NS_PER_S), 0);
    assert_int_equal(kept(strategy, "a", 100, 1 + 2 * OTL_NS_PER_S), 1);
    otl_strategy_free(strategy);
    strategy = read("{\"rateLimitingSampling\":{\"maxTracesPerSecond\":0}}");
    assert_int_equal(kept(strategy, "a", 100, 1), 0);
    otl_strategy_free(strategy);
}

static void operations_have_shares_and_a_least_rate_each(void **state)
{
    struct otl_strategy *strategy = read(
        "{\"strategyType\": \"PROBABILISTIC\", \"probabilisticSampling\": {\"samplingRate\": 1},\n"
        " \"operationSampling\": {\"defaultSamplingProbability\": 0,\n"
        "  \"defaultLowerBoundTracesPerSecond\": 2, \"unknown\": [1, {\"a\": null}],\n"
        "  \"perOperationStrategies\": [\n"
        "   {\"operation\": \"GET \\/w\\u00fcrfel\", \"probabilisticSampling\": "
        "{\"samplingRate\": 1}},\n"
        "   {\"operation\": \"a\", \"probabilisticSampling\": {\"samplingRate\": 0.5}},\n"
        "   {\"operation\": \"never\", \"probabilisticSampling\": {\"samplingRate\": 0.0}}]}}");

    (void)state;
    assert_int_equal(kept(strategy, "GET /w\xc3\xbcrfel", 1000, 1), 1000);
    assert_in_range(kept(strategy, "a", 10000, 1), 4700, 5300);
    assert_int_equal(kept(strategy, "never", 1000, 1), 2);
    assert_int_equal(kept(strategy, "never", 1000, 1 + OTL_NS_PER_S), 2);
    assert_int_equal(kept(strategy, "not named", 1000, 1), 2);
    assert_int_equal(kept(strategy, "not named either", 1000, 1), 0);
    otl_strategy_free(strategy);
}

static void what_is_no_strategy_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum otel_err err;
    } wrong[] = {
        {"", OTEL_ERR_SYNTAX},
        {"null", OTEL_ERR_SYNTAX},
        {"{}", OTEL_ERR_SYNTAX},
        {"[]", OTEL_ERR_SYNTAX},
        {"{\"probabilisticSampling\":{\"samplingRate\":1}} x", OTEL_ERR_SYNTAX},
        {"{\"probabilisticSampling\":{\"samplingRate\":1}", OTEL_ERR_SYNTAX},
        {"{\"probabilisticSampling\":3}", OTEL_ERR_SYNTAX},
        {"{\"probabilisticSampling\":{\"samplingRate\":1.5}}", OTEL_ERR_ARGUMENT},
        {"{\"probabilisticSampling\":{\"samplingRate\":-1}}", OTEL_ERR_ARGUMENT},
        {"{\"probabilisticSampling\":{\"samplingRate\":\"many\"}}", OTEL_ERR_ARGUMENT},
        {"{\"rateLimitingSampling\":{\"maxTracesPerSecond\":-1}}", OTEL_ERR_ARGUMENT},
        {"{\"strategyType\":\"ADAPTIVE\"}", OTEL_ERR_SYNTAX},
        {"{\"operationSampling\":{\"perOperationStrategies\":[{\"operation\":\"\\x\"}]}}",
         OTEL_ERR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (refused(wrong[i].text) != wrong[i].err)
            fail_msg("%s: not %s", wrong[i].text, otel_err_name(wrong[i].err));
}

static void more_operations_than_the_limit_are_refused(void **state)
{
    struct otl_buf text;

    (void)state;
    for (unsigned count = 2000; count <= 2001; count++) {
        struct otl_strategy *strategy = NULL;
        otl_buf_init(&text, 1 << 20);
        assert_int_equal(
            otl_buf_append_str(&text, "{\"operationSampling\":{\"perOperationStrategies\":["),
            OTEL_OK);
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(otl_buf_printf(&text, "%s{\"operation\":\"o%u\"}", i ? "," : "", i),
                             OTEL_OK);
        assert_int_equal(otl_buf_append_str(&text, "]}}"), OTEL_OK);
        assert_int_equal(otl_strategy_read(otl_view(text.data, text.len), &strategy),
                         count == 2000 ? OTEL_OK : OTEL_ERR_LIMIT);
        otl_strategy_free(strategy);
        otl_buf_fini(&text);
    }
}

static enum otel_err read_two_operations(void *arg)
{
    static const char text[] = "{\"operationSampling\":{\"perOperationStrategies\":["
                               "{\"operation\":\"a\"},{\"operation\":\"b\"}]}}";
    struct otl_strategy *strategy = NULL;
    enum otel_err err = otl_strategy_read(otl_view_str(text), &strategy);

    (void)arg;
    assert_true((err == OTEL_OK) == (strategy != NULL));
    otl_strategy_free(strategy);
    return err;
}

static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    struct every_nth test = {.live = read_two_operations, .most = 100};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_keeps_what_traceidratio_keeps),
        cmocka_unit_test(a_rate_lets_so_many_through_a_second),
        cmocka_unit_test(operations_have_shares_and_a_least_rate_each),
        cmocka_unit_test(what_is_no_strategy_is_refused),
        cmocka_unit_test(more_operations_than_the_limit_are_refused),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("strategy", tests, NULL, NULL);
}
