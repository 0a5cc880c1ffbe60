/* SPDX-License-Identifier: Apache-2.0 */
/* What the ratio rules of five languages keep, and how little they agree. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/random.h"
#include "sdk/base/text.h"
#include "sdk/sampler/tests/ask.h"

enum { RULES = 5, SAMPLERS = 6, IDS = 400000 };

static struct otel_sdk_sampler *make(int which, double ratio)
{
    struct otel_sdk_probability_options options;
    struct otel_sdk_sampler *sampler = NULL;

    otel_sdk_probability_options_init(&options);
    options.ratio = ratio;
    if (which == RULES)
        assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_OK);
    else
        assert_int_equal(
            otel_sdk_sampler_ratio_rule_new((enum otel_sdk_ratio_rule)which, ratio, &sampler),
            OTEL_OK);
    return sampler;
}

static bool keeps(struct otel_sdk_sampler *sampler, const uint8_t *id)
{
    struct question q = {.random = true};

    memcpy(q.trace_id, id, 16);
    return ask_sampler(sampler, &q).decision == OTEL_SDK_RECORD_AND_SAMPLE;
}

/* Ids at the edges of each rule's bound, worked out by hand from the rules in the header. */
static void each_rule_keeps_what_its_language_keeps(void **state)
{
    static const struct {
        enum otel_sdk_ratio_rule rule;
        double ratio;
        const char *id;
        bool kept;
    } rows[] = {
        {OTEL_SDK_RATIO_GO, 0.25, "ffffffffffffffff3fffffffffffffff", true},
        {OTEL_SDK_RATIO_GO, 0.25, "00000000000000004000000000000000", false},
        {OTEL_SDK_RATIO_JAVA, 0.25, "ffffffffffffffff1fffffffffffffff", true},
        {OTEL_SDK_RATIO_JAVA, 0.25, "00000000000000002000000000000000", false},
        {OTEL_SDK_RATIO_JAVA, 0.25, "0000000000000000e000000000000001", true}, /* negative */
        {OTEL_SDK_RATIO_JAVA, 0.25, "0000000000000000e000000000000000", false},
        {OTEL_SDK_RATIO_JAVA, 0.25, "00000000000000008000000000000000", true}, /* |LONG_MIN| < 0 */
        {OTEL_SDK_RATIO_JAVA, 0, "00000000000000018000000000000000", false},
        {OTEL_SDK_RATIO_JAVA, 0, "00000000000000010000000000000000", false},
        {OTEL_SDK_RATIO_JAVA, 1, "00000000000000017ffffffffffffffe", true},
        {OTEL_SDK_RATIO_JAVA, 1, "00000000000000017fffffffffffffff", false},
        {OTEL_SDK_RATIO_DOTNET, 0.25, "1fffffffffffffffffffffffffffffff", true},
        {OTEL_SDK_RATIO_DOTNET, 0.25, "20000000000000000000000000000000", false},
        {OTEL_SDK_RATIO_DOTNET, 0.25, "9fffffffffffffff0000000000000000", true}, /* its first bit */
        {OTEL_SDK_RATIO_DOTNET, 0.25, "a0000000000000000000000000000000", false},
        {OTEL_SDK_RATIO_DOTNET, 0.25, "e0000000000000010000000000000000", false}, /* kept once */
        {OTEL_SDK_RATIO_DOTNET, 0.25, "80000000000000000000000000000000", true},
        {OTEL_SDK_RATIO_DOTNET, 0, "00000000000000000000000000000001", false},
        {OTEL_SDK_RATIO_DOTNET, 0, "80000000000000000000000000000001", false},
        {OTEL_SDK_RATIO_DOTNET, 1, "fffffffffffffffe0000000000000000", true},
        {OTEL_SDK_RATIO_DOTNET, 1, "ffffffffffffffff0000000000000000", false},
        {OTEL_SDK_RATIO_CPP, 0.25, "3fffffff00000000ffffffffffffffff", true},
        {OTEL_SDK_RATIO_CPP, 0.25, "40000001000000000000000000000000", false},
        {OTEL_SDK_RATIO_CPP, 0.25, "ffffffffffffff000000000000000000", false}, /* kept once */
        {OTEL_SDK_RATIO_CPP, 0, "00000000000000000000000000000001", false},
        {OTEL_SDK_RATIO_CPP, 1, "ffffffffffffffffffffffffffffffff", true},
        {OTEL_SDK_RATIO_JS, 0.25, "00000000000000000000000000000001", true},
        {OTEL_SDK_RATIO_JS, 0.25, "3ffffffe000000000000000000000000", true},
        {OTEL_SDK_RATIO_JS, 0.25, "3fffffff000000000000000000000000", false},
        {OTEL_SDK_RATIO_JS, 0.25, "f0000000f0000000f0000000cfffffff", false},
        {OTEL_SDK_RATIO_JS, 0.25, "f0000000f0000000f0000000f0000001", true},
        {OTEL_SDK_RATIO_JS, 1, "ffffffff000000000000000000000000", true}, /* since 2.10.0 */
        {OTEL_SDK_RATIO_JS, 0, "00000001000000010000000100000001", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct otel_sdk_sampler *sampler = make((int)rows[i].rule, rows[i].ratio);
        uint8_t id[16];
        assert_true(otl_unhex(rows[i].id, 16, id));
        if (keeps(sampler, id) != rows[i].kept)
            fail_msg("row %zu: %s", i, rows[i].id);
        otel_sdk_sampler_unref(sampler);
    }
}

static void an_id(struct otl_random *random, uint8_t *id)
{
    uint64_t words[2] = {otl_random_next(random), otl_random_next(random)};

    memcpy(id, words, 16);
}

/* At 10 % on 400,000 ids: of what one keeps, another keeps 10 %; only Go and Java share half, as
 * do .NET and C++. */
static void at_one_ratio_the_languages_disagree(void **state)
{
    static const double expected[SAMPLERS][SAMPLERS] = {
        /*           go  java dotnet cpp  js  probability */
        /* go     */ {1, .5, .1, .1, .1, .1}, /* java   */ {.5, 1, .1, .1, .1, .1},
        /* dotnet */ {.1, .1, 1, .5, .1, .1}, /* cpp    */ {.1, .1, .5, 1, .1, .1},
        /* js     */ {.1, .1, .1, .1, 1, .1}, /* prob.  */ {.1, .1, .1, .1, .1, 1},
    };
    struct otel_sdk_sampler *samplers[SAMPLERS];
    uint32_t kept[SAMPLERS] = {0}, both[SAMPLERS][SAMPLERS] = {{0}};
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 1);
    for (int i = 0; i < SAMPLERS; i++)
        samplers[i] = make(i, 0.1);
    for (int n = 0; n < IDS; n++) {
        bool keep[SAMPLERS];
        uint8_t id[16];
        an_id(&random, id);
        for (int i = 0; i < SAMPLERS; i++)
            kept[i] += keep[i] = keeps(samplers[i], id);
        for (int i = 0; i < SAMPLERS; i++)
            for (int j = 0; j < SAMPLERS; j++)
                both[i][j] += keep[i] && keep[j];
    }
    for (int i = 0; i < SAMPLERS; i++) {
        assert_true(fabs(kept[i] - IDS * 0.1) < 6 * sqrt(IDS * 0.1 * 0.9));
        for (int j = 0; j < SAMPLERS; j++)
            if (fabs((double)both[i][j] / kept[i] - expected[i][j]) > 0.015)
                fail_msg("of %d's traces %d keeps %.3f", i, j, (double)both[i][j] / kept[i]);
        otel_sdk_sampler_unref(samplers[i]);
    }
}

static void a_higher_ratio_keeps_all_that_a_lower_one_kept(void **state)
{
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 3);
    for (int i = 0; i < SAMPLERS; i++) {
        struct otel_sdk_sampler *low = make(i, 0.05), *high = make(i, 0.2);
        int kept = 0;
        for (int n = 0; n < 20000; n++) {
            uint8_t id[16];
            an_id(&random, id);
            if (!keeps(low, id))
                continue;
            kept++;
            assert_true(keeps(high, id));
        }
        assert_true(kept > 0);
        otel_sdk_sampler_unref(low);
        otel_sdk_sampler_unref(high);
    }
}

static void describes(struct otel_sdk_sampler *sampler, const char *text)
{
    struct otel_str description = otel_sdk_sampler_description(sampler);

    assert_true(otel_str_equal(description, otel_str(text)));
    otel_sdk_sampler_unref(sampler);
}

static void descriptions_name_the_rule(void **state)
{
    struct otel_sdk_sampler *sampler = NULL;

    (void)state;
    describes(make(OTEL_SDK_RATIO_GO, 0.1), "TraceIdRatioBased{0.1}");
    describes(make(OTEL_SDK_RATIO_JAVA, 0.1), "TraceIdRatioBased{0.1;java}");
    describes(make(OTEL_SDK_RATIO_DOTNET, 1), "TraceIdRatioBased{1;dotnet}");
    describes(make(OTEL_SDK_RATIO_CPP, 1e-7), "TraceIdRatioBased{1e-07;cpp}");
    describes(make(OTEL_SDK_RATIO_JS, 1.0 / 3), "TraceIdRatioBased{0.3333333333333333;js}");
    assert_int_equal(otel_sdk_sampler_ratio_rule_new((enum otel_sdk_ratio_rule)5, 0.1, &sampler),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_sampler_ratio_rule_new(OTEL_SDK_RATIO_JS, NAN, &sampler),
                     OTEL_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_keeps_what_its_language_keeps),
        cmocka_unit_test(at_one_ratio_the_languages_disagree),
        cmocka_unit_test(a_higher_ratio_keeps_all_that_a_lower_one_kept),
        cmocka_unit_test(descriptions_name_the_rule),
    };

    return cmocka_run_group_tests_name("ratio_rules", tests, NULL, NULL);
}
