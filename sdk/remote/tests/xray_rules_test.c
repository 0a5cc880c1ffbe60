/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and targets of X-Ray: which fits, what it keeps, what is told about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/xray_sampler.h>

#include "sdk/base/clock.h"
#include "sdk/remote/xray_rules.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

#define S OTL_NS_PER_S
#define WALL 1700000000u /* seconds since 1970 at monotonic 1000 s */
#define CLIENT "0123456789abcdef01234567"

static const struct otl_xray_now g_start = {1000 * S, WALL * S};

static struct otl_xray_now after(double seconds)
{
    uint64_t ns = (uint64_t)(seconds * (double)S);

    return (struct otl_xray_now){g_start.mono_ns + ns, g_start.wall_ns + ns};
}

static struct otl_xray_rules *read_rules(const char *records)
{
    static char text[40000];
    struct otl_xray_rules *rules = NULL;

    snprintf(text, sizeof(text), "{\"NextToken\":null,\"SamplingRuleRecords\":[%s]}", records);
    assert_int_equal(otl_xray_rules_read(otl_view_str(text), &rules), OTEL_OK);
    return rules;
}

/* A record with these members, and what a rule must have. */
#define RULE(name, members)                                                                        \
    "{\"CreatedAt\":0.0,\"SamplingRule\":{\"Version\":1,\"RuleName\":\"" name "\"," members "}}"

static bool decide(struct otl_xray_rules *rules, double at, bool *ret_keep,
                   const struct otel_attribute *attributes, size_t count)
{
    static const struct otl_xray_place place = {"shop", "AWS::ECS::Container", "arn:1", false};
    static const uint8_t high[OTEL_TRACE_ID_SIZE] = {1, 2,    3,    4,    5,    6,    7,    8,
                                                     9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t id[OTEL_TRACE_ID_SIZE];
    struct otel_sdk_sampling_input input = {
        .trace_id = id, .attributes = attributes, .attribute_count = count};

    memcpy(id, high, sizeof(id));
    id[8] = 0xff; /* kept by a rate of 1 alone */
    return otl_xray_rules_decide(rules, &place, &input, after(at).mono_ns, ret_keep);
}

static bool fits(const char *members, const struct otel_attribute *attributes, size_t count)
{
    char record[1000];
    struct otl_xray_rules *rules;
    bool keep = false, fitted;

    snprintf(record, sizeof(record), RULE("r", "%s,\"FixedRate\":1"), members);
    rules = read_rules(record);
    assert_int_equal(rules->count, 1);
    fitted = decide(rules, 0, &keep, attributes, count);
    assert_int_equal(keep, fitted);
    otl_xray_rules_free(rules);
    return fitted;
}

static void wildcards_fit_any_text_or_one_character_without_case(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {{"*", "", true},          {"*", "a", true},        {"", "", true},
                {"", "a", false},         {"a", "A", true},        {"a", "", false},
                {"?", "", false},         {"?", "x", true},        {"??", "x", false},
                {"a*", "a", true},        {"a*c", "abc", true},    {"a*c", "abcd", false},
                {"*b*", "abc", true},     {"a*b*c", "aXbYbZc", true}, {"*.txt", "a.txt.txt", true},
                {"/api/*/x", "/api/1/x", true}, {"/api/?/x", "/api/12/x", false},
                {"a.c", "abc", false},    {"**", "", true},        {"*?", "", false},
                {"*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (otl_xray_fits(rows[i].pattern, otel_str(rows[i].text)) != rows[i].fits)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
}

static void a_rule_fits_by_place_and_request(void **state)
{
    static const char cart[] =
        "\"HTTPMethod\":\"GET\",\"Host\":\"*.example\",\"URLPath\":\"/cart/*\"";
    struct otel_attribute now[] = {
        otel_attr_str("http.request.method", "GET"),
        otel_attr_str("server.address", "shop.example"),
        otel_attr_str("url.path", "/cart/7"), otel_attr_str("user", "al"), otel_attr_int("n", 7),
        otel_attr_bool("vip", true), otel_attr_double("share", 0.5)};
    struct otel_attribute then[] = {otel_attr_str("http.method", "get"),
                                    otel_attr_str("http.host", "shop.example"),
                                    otel_attr_str("net.host.name", "no"),
                                    otel_attr_str("http.url", "https://shop.example/cart/7?x=1")};
    struct otel_attribute other[] = {otel_attr_str("http.request.method", "_OTHER"),
                                     otel_attr_str("http.request.method_original", "PROPFIND"),
                                     otel_attr_str("url.full", "http://shop.example")};

    (void)state;
    assert_true(fits("\"ServiceName\":\"SH*\"", NULL, 0));
    assert_false(fits("\"ServiceName\":\"sh\"", NULL, 0));
    assert_true(fits("\"ServiceType\":\"AWS::E?S::*\"", NULL, 0));
    assert_false(fits("\"ServiceType\":\"AWS::Lambda*\"", NULL, 0));
    assert_true(fits("\"ResourceARN\":\"arn:?\"", NULL, 0));
    assert_false(fits("\"ResourceARN\":\"arn:2\"", NULL, 0));
    assert_false(fits("\"HTTPMethod\":\"GET\"", NULL, 0)); /* there is none */
    assert_true(fits("\"HTTPMethod\":\"*\",\"Host\":\"*\",\"URLPath\":\"*\"", NULL, 0));
    assert_true(fits(cart, now, 7));
    assert_true(fits(cart, then, 4));
    assert_false(fits("\"Host\":\"no\"", then, 4));
    assert_true(fits("\"HTTPMethod\":\"PROPFIND\",\"URLPath\":\"/\"", other, 3));
    assert_false(fits("\"HTTPMethod\":\"POST\"", now, 7));
    assert_true(fits("\"Attributes\":{\"user\":\"A?\",\"n\":\"7\",\"vip\":\"true\","
                     "\"share\":\"0.5\"}",
                     now, 7));
    assert_false(fits("\"Attributes\":{\"user\":\"al\",\"absent\":\"*\"}", now, 7));
    assert_false(fits("\"Attributes\":{\"user\":\"bo\"}", now, 7));
    assert_true(fits("\"Attributes\":{}", NULL, 0));
}

static void the_place_is_what_the_resource_says(void **state)
{
    struct otel_attribute attributes[] = {otel_attr_str("service.name", "shop"),
                                          otel_attr_str("cloud.platform", "aws_lambda"),
                                          otel_attr_str("cloud.resource_id", "arn:f")};
    struct otel_sdk_resource *resource = NULL;
    struct otl_xray_place place;
    struct otl_arena arena;

    (void)state;
    otl_arena_init(&arena, 64 * 1024);
    assert_int_equal(otel_sdk_resource_new(attributes, 3, otel_str(""), &resource), OTEL_OK);
    assert_int_equal(otl_xray_place_of(resource, &arena, &place), OTEL_OK);
    assert_string_equal(place.service_name, "shop");
    assert_string_equal(place.service_type, "AWS::Lambda::Function");
    assert_string_equal(place.arn, "arn:f");
    otel_sdk_resource_unref(resource);
    attributes[1] = otel_attr_str("cloud.platform", "aws_ec2"); /* its id is no function's */
    assert_int_equal(otel_sdk_resource_new(attributes, 3, otel_str(""), &resource), OTEL_OK);
    assert_int_equal(otl_xray_place_of(resource, &arena, &place), OTEL_OK);
    assert_string_equal(place.service_type, "AWS::EC2::Instance");
    assert_null(place.arn);
    assert_int_equal(otl_xray_place_of(NULL, &arena, &place), OTEL_OK);
    assert_null(place.service_name);
    otel_sdk_resource_unref(resource);
    otl_arena_fini(&arena);
}

static void the_first_by_priority_then_by_name_decides(void **state)
{
    struct otl_xray_rules *rules =
        read_rules(RULE("Default", "\"Priority\":10000,\"FixedRate\":1") ","
                   RULE("b", "\"Priority\":5,\"FixedRate\":1") ","
                   RULE("a", "\"Priority\":5,\"FixedRate\":0,\"ServiceName\":\"shop\"") ","
                   RULE("first", "\"Priority\":1,\"FixedRate\":1,\"ServiceName\":\"other\"") ","
                   "{\"SamplingRule\":{\"RuleName\":\"no version\",\"Priority\":0}},"
                   "{\"SamplingRule\":{\"RuleName\":\"v2\",\"Version\":2,\"Priority\":0}},"
                   "{\"SamplingRule\":{\"Version\":1,\"Priority\":0}},{\"Else\":1},null");
    bool keep = true;

    (void)state;
    assert_int_equal(rules->count, 4);
    assert_string_equal(rules->rules[1].name, "a");
    assert_true(decide(rules, 0, &keep, NULL, 0));
    assert_false(keep); /* a's */
    assert_int_equal(rules->rules[1].counts.matched, 1);
    assert_int_equal(rules->rules[2].counts.matched, 0);
    otl_xray_rules_free(rules);
    rules = read_rules(RULE("x", "\"ServiceName\":\"other\""));
    assert_false(decide(rules, 0, &keep, NULL, 0));
    otl_xray_rules_free(rules);
}

static unsigned kept(struct otl_xray_rules *rules, double from, double to, unsigned count)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++) {
        bool keep = false;

        assert_true(decide(rules, from + (to - from) * i / count, &keep, NULL, 0));
        sum += keep;
    }
    return sum;
}

static struct otl_xray_news target(struct otl_xray_rules *rules, double at, const char *body)
{
    struct otl_xray_now now = after(at);
    struct otl_xray_news news;

    assert_int_equal(otl_xray_rules_target(rules, otl_view_str(body), &now, 10 * S, &news),
                     OTEL_OK);
    return news;
}

static void a_reservoir_is_borrowed_from_until_there_is_a_quota(void **state)
{
    struct otl_xray_rules *rules = read_rules(RULE("r", "\"ReservoirSize\":10,\"FixedRate\":0"));
    struct otl_xray_news news;
    char body[300];

    (void)state;
    assert_int_equal(kept(rules, 0, 10, 1000), 10); /* one a second */
    assert_int_equal(rules->rules[0].counts.borrowed, 10);
    assert_int_equal(rules->rules[0].counts.sampled, 10);
    assert_int_equal(rules->rules[0].counts.matched, 1000);
    snprintf(body, sizeof(body),
             "{\"SamplingTargetDocuments\":[{\"RuleName\":\"r\",\"FixedRate\":0.0,"
             "\"ReservoirQuota\":5,\"ReservoirQuotaTTL\":%u,\"Interval\":20},"
             "{\"RuleName\":\"unknown\",\"FixedRate\":1}],\"LastRuleModification\":1.5}",
             WALL + 30);
    news = target(rules, 10, body);
    assert_true(news.interval_ns == 20 * S && !news.ask_rules && !news.refused);
    assert_true(news.changed_at_s > 1.4 && news.changed_at_s < 1.6);
    assert_in_range(kept(rules, 11, 29, 1800), 90, 95); /* five a second, and five at once */
    assert_int_equal(rules->rules[0].counts.borrowed, 10);
    assert_int_equal(kept(rules, 31, 41, 1000), 10); /* its time is over */
    assert_int_equal(rules->rules[0].counts.borrowed, 20);
    otl_xray_rules_free(rules);
    rules = read_rules(RULE("r", "\"ReservoirSize\":0,\"FixedRate\":0"));
    assert_int_equal(kept(rules, 0, 10, 1000), 0);
    target(rules, 10, "{\"SamplingTargetDocuments\":[{\"RuleName\":\"r\",\"FixedRate\":1}]}");
    assert_int_equal(kept(rules, 10, 11, 100), 100);
    otl_xray_rules_free(rules);
}

static void the_rate_keeps_a_share_of_trace_ids(void **state)
{
    struct otl_xray_rules *rules = read_rules(RULE("r", "\"FixedRate\":0.25"));
    const struct otl_xray_place place = {NULL, NULL, NULL, false};
    unsigned sum = 0;

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t id[OTEL_TRACE_ID_SIZE] = {1, [8] = (uint8_t)i};
        struct otel_sdk_sampling_input input = {.trace_id = id};
        bool keep = false;

        assert_true(otl_xray_rules_decide(rules, &place, &input, 1, &keep));
        sum += keep;
    }
    assert_int_equal(sum, 64);
    otl_xray_rules_free(rules);
}

static struct otl_buf report_of(struct otl_xray_rules *rules, double at)
{
    struct otl_xray_now now = after(at);
    struct otl_buf out;

    otl_buf_init(&out, 1 << 20);
    assert_int_equal(otl_xray_rules_report(rules, CLIENT, &now, &out), OTEL_OK);
    return out;
}

static void is_reported(struct otl_xray_rules *rules, double at, const char *expected)
{
    struct otl_buf report = report_of(rules, at);

    assert_int_equal(report.len, strlen(expected));
    assert_memory_equal(report.data, expected, report.len);
    otl_buf_fini(&report);
}

static void what_matched_is_reported_until_it_is_answered(void **state)
{
    struct otl_xray_rules *rules =
        read_rules(RULE("a \\\"b\\\"", "\"ReservoirSize\":1,\"FixedRate\":0") ","
                   RULE("silent", "\"Priority\":2"));
    const struct otl_xray_now at_two = after(2);
    struct otl_xray_news news;

    (void)state;
    is_reported(rules, 0, "");
    kept(rules, 0, 1, 3);
    is_reported(rules, 1,
                "{\"SamplingStatisticsDocuments\":[{\"ClientID\":\"" CLIENT
                "\",\"RuleName\":\"a \\\"b\\\"\",\"Timestamp\":1700000001,\"RequestCount\":3,"
                "\"SampledCount\":1,\"BorrowCount\":1}]}");
    /* no answer: it is told again, with what came meanwhile */
    kept(rules, 1, 2, 1);
    is_reported(rules, 2,
                "{\"SamplingStatisticsDocuments\":[{\"ClientID\":\"" CLIENT
                "\",\"RuleName\":\"a \\\"b\\\"\",\"Timestamp\":1700000002,\"RequestCount\":4,"
                "\"SampledCount\":2,\"BorrowCount\":2}]}");
    kept(rules, 2.1, 2.2, 2); /* while the question is under way */
    assert_int_equal(otl_xray_rules_target(rules, otl_view_str("no"), &at_two, S, &news),
                     OTEL_ERR_SYNTAX);
    assert_int_equal(rules->rules[0].counts.matched, 6);
    target(rules, 3, "{\"SamplingTargetDocuments\":[{\"RuleName\":\"a \\\"b\\\"\",\"FixedRate\":0,"
                     "\"Interval\":7}]}");
    assert_int_equal(rules->rules[0].counts.matched, 2);
    is_reported(rules, 9.9, ""); /* before its interval is over */
    is_reported(rules, 10,
                "{\"SamplingStatisticsDocuments\":[{\"ClientID\":\"" CLIENT
                "\",\"RuleName\":\"a \\\"b\\\"\",\"Timestamp\":1700000010,\"RequestCount\":2,"
                "\"SampledCount\":1,\"BorrowCount\":1}]}");
    otl_xray_rules_free(rules);
}

static void what_could_not_be_taken_asks_for_the_rules_or_is_a_failure(void **state)
{
    struct otl_xray_rules *rules = read_rules(RULE("r", "\"FixedRate\":0"));
    struct otl_xray_news news;

    (void)state;
    news = target(rules, 0, "{\"SamplingTargetDocuments\":[],\"UnprocessedStatistics\":[{"
                            "\"RuleName\":\"r\",\"ErrorCode\":\"404\",\"Message\":\"\"}]}");
    assert_true(news.ask_rules && !news.refused && news.interval_ns == 0);
    news = target(rules, 0, "{\"SamplingTargetDocuments\":[],\"UnprocessedStatistics\":[{"
                            "\"ErrorCode\":\"500\"},{\"ErrorCode\":null},{}]}");
    assert_true(!news.ask_rules && news.refused);
    otl_xray_rules_free(rules);
}

static void rules_that_stay_go_on_and_changed_ones_begin_anew(void **state)
{
    struct otl_xray_rules *old =
        read_rules(RULE("a", "\"ReservoirSize\":1,\"FixedRate\":0,\"Attributes\":{\"k\":\"v\"}") ","
                   RULE("b", "\"ReservoirSize\":1,\"FixedRate\":0"));
    struct otl_xray_rules *fresh =
        read_rules(RULE("0", "\"ServiceName\":\"x\"") ","
                   RULE("a", "\"ReservoirSize\":1,\"FixedRate\":0,\"Attributes\":{\"k\":\"w\"}") ","
                   RULE("b", "\"ReservoirSize\":1,\"FixedRate\":0"));

    (void)state;
    assert_int_equal(kept(old, 0, 0.5, 5), 1); /* b's */
    target(old, 1, "{\"SamplingTargetDocuments\":[{\"RuleName\":\"a\",\"FixedRate\":1},"
                   "{\"RuleName\":\"b\",\"FixedRate\":1}]}");
    otl_xray_rules_inherit(fresh, old);
    otl_xray_rules_free(old);
    assert_int_equal(fresh->rules[2].counts.matched, 5);
    assert_int_equal(kept(fresh, 0.6, 0.9, 3), 3); /* by the rate that the service gave it */
    assert_true(fresh->rules[1].bound == 0);
    otl_xray_rules_forget_counts(fresh);
    assert_int_equal(fresh->rules[2].counts.matched, 0);
    otl_xray_rules_free(fresh);
}

static void what_is_no_such_answer_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum otel_err err;
    } rows[] = {{"", OTEL_ERR_SYNTAX},
                {"null", OTEL_ERR_SYNTAX},
                {"{}", OTEL_ERR_SYNTAX},
                {"{\"message\":\"Forbidden\"}", OTEL_ERR_SYNTAX},
                {"{\"SamplingRuleRecords\":null}", OTEL_ERR_SYNTAX},
                {"{\"SamplingRuleRecords\":[]} x", OTEL_ERR_SYNTAX},
                {"{\"SamplingRuleRecords\":[{\"SamplingRule\":{\"FixedRate\":1.5}}]}",
                 OTEL_ERR_ARGUMENT},
                {"{\"SamplingRuleRecords\":[{\"SamplingRule\":{\"Priority\":-1}}]}",
                 OTEL_ERR_ARGUMENT},
                {"{\"SamplingRuleRecords\":[{\"SamplingRule\":{\"Host\":7}}]}", OTEL_ERR_SYNTAX},
                {"{\"SamplingRuleRecords\":[{\"SamplingRule\":{\"Attributes\":[]}}]}",
                 OTEL_ERR_SYNTAX}};
    static char many[100000];
    struct otl_xray_rules *rules = NULL;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (otl_xray_rules_read(otl_view_str(rows[i].text), &rules) != rows[i].err)
            fail_msg("%s", rows[i].text);
    len = (size_t)snprintf(many, sizeof(many), "{\"SamplingRuleRecords\":[");
    for (int i = 0; i <= OTEL_SDK_XRAY_MAX_RULES; i++)
        len += (size_t)snprintf(many + len, sizeof(many) - len, "%s" RULE("r%d", "\"A\":0"),
                                i != 0 ? "," : "", i);
    snprintf(many + len, sizeof(many) - len, "]}");
    assert_int_equal(otl_xray_rules_read(otl_view_str(many), &rules), OTEL_ERR_LIMIT);
    assert_null(rules);
}

static enum otel_err read_report_and_target(void *arg)
{
    static const char text[] = "{\"SamplingRuleRecords\":[" RULE(
        "r", "\"FixedRate\":1,\"Host\":\"*\",\"Attributes\":{\"k\":\"v\"}") "," RULE(
        "s", "\"FixedRate\":1") "]}";
    const struct otl_xray_now now = after(1);
    struct otl_xray_rules *rules = NULL;
    struct otl_xray_news news;
    struct otl_buf report;
    enum otel_err err = otl_xray_rules_read(otl_view_str(text), &rules);
    bool keep;

    (void)arg;
    otl_buf_init(&report, 1 << 20);
    if (err == OTEL_OK) {
        assert_true(decide(rules, 0, &keep, NULL, 0));
        err = otl_xray_rules_report(rules, CLIENT, &now, &report);
    }
    if (err == OTEL_OK)
        err = otl_xray_rules_target(
            rules, otl_view_str("{\"SamplingTargetDocuments\":[{\"RuleName\":\"s\"}]}"), &now, S,
            &news);
    otl_buf_fini(&report);
    otl_xray_rules_free(rules);
    return err;
}

static void when_allocations_fail_nothing_is_left_behind(void **state)
{
    struct every_nth test = {.live = read_report_and_target, .most = 200};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wildcards_fit_any_text_or_one_character_without_case),
        cmocka_unit_test(a_rule_fits_by_place_and_request),
        cmocka_unit_test(the_place_is_what_the_resource_says),
        cmocka_unit_test(the_first_by_priority_then_by_name_decides),
        cmocka_unit_test(a_reservoir_is_borrowed_from_until_there_is_a_quota),
        cmocka_unit_test(the_rate_keeps_a_share_of_trace_ids),
        cmocka_unit_test(what_matched_is_reported_until_it_is_answered),
        cmocka_unit_test(what_could_not_be_taken_asks_for_the_rules_or_is_a_failure),
        cmocka_unit_test(rules_that_stay_go_on_and_changed_ones_begin_anew),
        cmocka_unit_test(what_is_no_such_answer_is_refused),
        cmocka_unit_test(when_allocations_fail_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("xray_rules", tests, NULL, NULL);
}
