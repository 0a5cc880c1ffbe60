/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/load/schedule.h"
#include "harness/load/request.h"
#include "harness/load/target.h"
#include "harness/stats/id_bits.h"
#include "harness/stats/tails.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

static struct hx_schedule make_plan(enum hx_arrival arrival, double rate, uint64_t seed)
{
    const struct hx_schedule_options options = {rate, arrival, OTL_NS_PER_S, 9 * OTL_NS_PER_S,
                                                seed, 50};
    struct hx_schedule plan;

    assert_int_equal(hx_schedule_init(&plan, &options), OTEL_OK);
    return plan;
}

static void a_constant_plan_is_exact(void **state)
{
    struct hx_schedule plan = make_plan(HX_ARRIVAL_CONSTANT, 300, 1);
    struct hx_planned planned;
    uint64_t count = 0;

    (void)state;
    while (hx_schedule_next(&plan, &planned)) {
        assert_int_equal(planned.request, count + 1);
        assert_true(fabs((double)planned.offset_ns - (double)count * 1e9 / 300) <= 1);
        assert_int_equal(planned.warmup, planned.offset_ns < OTL_NS_PER_S);
        count++;
    }
    assert_int_equal(count, 3000);
}

static void a_bursty_plan_keeps_the_rate(void **state)
{
    struct hx_schedule plan = make_plan(HX_ARRIVAL_BURST, 1000, 1);
    struct hx_planned planned;
    uint64_t count = 0;

    (void)state;
    while (hx_schedule_next(&plan, &planned)) /* 50 at once, every 50 ms */
        assert_int_equal(planned.offset_ns, count++ / 50 * 50 * OTL_NS_PER_MS);
    assert_int_equal(count, 10000);
}

static void a_poisson_plan_is_poisson(void **state)
{
    struct hx_schedule plan = make_plan(HX_ARRIVAL_POISSON, 1000, 7);
    unsigned per_slot[1000] = {0}; /* 10 ms each: 10 expected */
    struct hx_planned planned;
    uint64_t last = 0;
    double sum = 0;

    (void)state;
    while (hx_schedule_next(&plan, &planned)) {
        assert_true(planned.offset_ns >= last);
        last = planned.offset_ns;
        per_slot[planned.offset_ns / (10 * OTL_NS_PER_MS)]++;
    }
    for (int i = 0; i < 1000; i++)
        sum += (per_slot[i] - 10.0) * (per_slot[i] - 10.0) / 10.0;
    assert_true(hx_chi_square_above(sum, 1000) > 1e-6); /* not too uneven, */
    assert_true(hx_chi_square_below(sum, 1000) > 1e-6); /* not too even */
    assert_true(plan.count > 10000 - 600 && plan.count < 10000 + 600);
}

static void the_same_seed_gives_the_same_instants(void **state)
{
    struct hx_schedule a = make_plan(HX_ARRIVAL_POISSON, 500, 42);
    struct hx_schedule b = make_plan(HX_ARRIVAL_POISSON, 500, 42);
    struct hx_schedule c = make_plan(HX_ARRIVAL_POISSON, 500, 43);
    struct hx_planned x, y, z;
    unsigned different = 0;

    (void)state;
    while (hx_schedule_next(&a, &x)) {
        assert_true(hx_schedule_next(&b, &y));
        assert_int_equal(x.offset_ns, y.offset_ns);
        assert_int_equal(x.draw, y.draw);
        if (hx_schedule_next(&c, &z))
            different += z.offset_ns != x.offset_ns && z.draw != x.draw;
    }
    assert_false(hx_schedule_next(&b, &y));
    assert_true(different > 4000);
}

static void impossible_rates_are_refused(void **state)
{
    const double rates[] = {0, -1, 1e-9, 1e9, (double)NAN, (double)INFINITY};
    struct hx_schedule plan;

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        const struct hx_schedule_options options = {rates[i], HX_ARRIVAL_CONSTANT, 0, OTL_NS_PER_S,
                                                    1, 1};

        assert_int_equal(hx_schedule_init(&plan, &options), OTEL_ERR_ARGUMENT);
    }
}

static const char *const REGIONS[] = {"eu", "us", "asia"};
static const char *const TENANT[] = {"acme"};
static const struct hx_load_header HEADERS[] = {{"x-tenant", TENANT, 1}, {"x-region", REGIONS, 3}};

static struct hx_request_template *make_request(double sampled, double not_sampled)
{
    const struct hx_request_options options = {
        "POST", "/checkout?a=b", "shop:8080", HEADERS, 2, {"{}", 2},
        {.sampled = sampled, .not_sampled = not_sampled}};
    struct hx_request_template *request = NULL;

    assert_int_equal(hx_request_template_new(&options, &request, NULL), OTEL_OK);
    return request;
}

static void a_request_is_what_was_asked_for(void **state)
{
    struct hx_request_template *request = make_request(0, 0);
    const struct hx_planned planned = {0xabc, 0, 5, false};
    struct hx_rendered rendered;
    char head[1024];

    (void)state;
    assert_true(hx_request_head_max(request) < sizeof(head));
    hx_request_render(request, &planned, head, &rendered);
    head[rendered.len] = '\0';
    assert_non_null(strstr(head, "POST /checkout?a=b HTTP/1.1\r\n"
                                 "tracerig-request: 0000000000000abc-0000000000000000\r\n"
                                 "host: shop:8080\r\n"));
    assert_non_null(strstr(head, "\r\ncontent-length: 2\r\n"));
    assert_non_null(strstr(head, "\r\nx-tenant: acme\r\n"));
    assert_non_null(strstr(head, "\r\nx-region: "));
    assert_null(strstr(head, "traceparent"));
    assert_string_equal(head + rendered.len - 4, "\r\n\r\n");
    assert_true(otl_view_is(hx_request_body(request), "{}"));
    hx_request_template_free(request);
}

static void values_are_drawn_evenly_and_repeatably(void **state)
{
    struct hx_request_template *request = make_request(0, 0);
    struct hx_schedule plan = make_plan(HX_ARRIVAL_CONSTANT, 600, 3);
    unsigned seen[3] = {0};
    struct hx_planned planned;
    struct hx_rendered a, b;
    char one[1024], two[1024];

    (void)state;
    while (hx_schedule_next(&plan, &planned)) {
        hx_request_render(request, &planned, one, &a);
        hx_request_render(request, &planned, two, &b);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(one, two, a.len);
        one[a.len] = '\0';
        for (int i = 0; i < 3; i++) {
            char line[32];

            snprintf(line, sizeof(line), "x-region: %s\r\n", REGIONS[i]);
            seen[i] += strstr(one, line) != NULL;
        }
    }
    assert_int_equal(seen[0] + seen[1] + seen[2], 6000);
    for (int i = 0; i < 3; i++) {
        struct hx_interval share = hx_binomial_interval(seen[i], 6000, 1e-6);

        assert_true(share.low < 1.0 / 3 && share.high > 1.0 / 3);
    }
    hx_request_template_free(request);
}

static void remote_parents_have_random_ids_and_the_asked_share(void **state)
{
    struct hx_request_template *request = make_request(0.3, 0.2);
    struct hx_schedule plan = make_plan(HX_ARRIVAL_CONSTANT, 1000, 9);
    unsigned sampled = 0, not_sampled = 0;
    struct hx_id_bits bits;
    struct hx_planned planned;
    struct hx_rendered rendered;
    char head[1024];

    (void)state;
    hx_id_bits_init(&bits, 0, 128);
    while (hx_schedule_next(&plan, &planned)) {
        uint8_t id[16];

        hx_request_render(request, &planned, head, &rendered);
        if (rendered.incoming.traceparent.len == 0)
            continue;
        assert_int_equal(rendered.incoming.traceparent.len, 55);
        assert_memory_equal(rendered.incoming.traceparent.data, "00-", 3);
        assert_true(otl_unhex(rendered.incoming.traceparent.data + 3, 16, id));
        assert_memory_equal(rendered.incoming.traceparent.data + 52,
                            rendered.incoming.sampled ? "-01\r\n" : "-00\r\n", 5);
        hx_id_bits_add(&bits, id);
        *(rendered.incoming.sampled ? &sampled : &not_sampled) += 1;
    }
    assert_true(hx_binomial_interval(sampled, 10000, 1e-6).low < 0.3);
    assert_true(hx_binomial_interval(sampled, 10000, 1e-6).high > 0.3);
    assert_true(hx_binomial_interval(not_sampled, 10000, 1e-6).low < 0.2);
    assert_true(hx_binomial_interval(not_sampled, 10000, 1e-6).high > 0.2);
    assert_true(hx_id_bits_judge(&bits).p_high > 1e-6);
    hx_request_template_free(request);
}

/* By the letter of W3C Trace Context, version 00. */
static bool is_traceparent(const char *text)
{
    regex_t form, zeros;
    bool valid;

    assert_int_equal(regcomp(&form, "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                             REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(regcomp(&zeros, "^00-0{32}-|-0{16}-", REG_EXTENDED | REG_NOSUB), 0);
    valid = regexec(&form, text, 0, NULL, 0) == 0 && regexec(&zeros, text, 0, NULL, 0) != 0;
    regfree(&form);
    regfree(&zeros);
    return valid;
}

static void malformed_parents_are_malformed_and_known_as_such(void **state)
{
    const struct hx_request_options options = {
        .method = "GET", .path = "/", .authority = "a", .incoming = {.malformed = 1}};
    struct hx_request_template *request = NULL;
    struct hx_schedule plan = make_plan(HX_ARRIVAL_CONSTANT, 100, 9);
    struct hx_planned planned;
    struct hx_rendered rendered;
    char head[2048], value[100];
    unsigned valid = 0, all = 0;

    (void)state;
    assert_int_equal(hx_request_template_new(&options, &request, NULL), OTEL_OK);
    assert_true(hx_request_head_max(request) < sizeof(head));
    while (hx_schedule_next(&plan, &planned)) {
        hx_request_render(request, &planned, head, &rendered);
        snprintf(value, sizeof(value), "%.*s", (int)rendered.incoming.traceparent.len,
                 rendered.incoming.traceparent.data);
        assert_int_equal(rendered.incoming.valid, is_traceparent(value));
        assert_non_null(memmem(head, rendered.len, "\r\ntracestate: UPPER=1", 21));
        assert_memory_equal(head + rendered.len - 4, "\r\n\r\n", 4);
        valid += rendered.incoming.valid;
        all++;
    }
    assert_true(hx_binomial_interval(valid, all, 1e-6).low < 1.0 / HX_INCOMING_MALFORMED);
    assert_true(hx_binomial_interval(valid, all, 1e-6).high > 1.0 / HX_INCOMING_MALFORMED);
    hx_request_template_free(request);
}

static void oversized_state_and_baggage_are_over_every_limit(void **state)
{
    const struct hx_request_options options = {
        .method = "GET", .path = "/", .authority = "a", .incoming = {.oversized = 1}};
    struct hx_planned planned = {.request = 1, .draw = 5};
    struct hx_request_template *request = NULL;
    struct hx_rendered rendered;
    char *head, *states, *baggage;

    (void)state;
    assert_int_equal(hx_request_template_new(&options, &request, NULL), OTEL_OK);
    head = otl_mem_alloc(hx_request_head_max(request) + 1);
    assert_non_null(head);
    hx_request_render(request, &planned, head, &rendered);
    assert_true(rendered.len <= hx_request_head_max(request));
    assert_true(rendered.incoming.valid && rendered.incoming.sampled);
    head[rendered.len] = '\0';
    states = strstr(head, "tracestate: ");
    baggage = strstr(head, "baggage: ");
    assert_true(states != NULL && baggage != NULL);
    assert_true(strcspn(states, "\r") > 512);
    assert_true(strcspn(baggage, "\r") > 8192);
    assert_non_null(strstr(states, ",vendor39=")); /* 32 are allowed */
    assert_non_null(strstr(baggage, ",member99=")); /* 64 are */
    otl_mem_free(head);
    hx_request_template_free(request);
}

static void unfit_requests_are_refused(void **state)
{
    static const char *const evil[] = {"a\r\nx: y"};
    static const struct hx_load_header headers[] = {
        {"content-length", TENANT, 1}, {"Transfer-Encoding", TENANT, 1},
        {"tracerig-request", TENANT, 1}, {"bad name", TENANT, 1}, {"", TENANT, 1},
        {"x", evil, 1}};
    struct hx_request_options options = {.method = "GET", .path = "/", .authority = "a"};
    struct hx_request_template *request = NULL;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        options.headers = &headers[i];
        options.header_count = 1;
        assert_int_equal(hx_request_template_new(&options, &request, NULL), OTEL_ERR_ARGUMENT);
    }
    options.header_count = 0;
    options.method = "GE T";
    assert_int_equal(hx_request_template_new(&options, &request, &detail), OTEL_ERR_ARGUMENT);
    assert_non_null(strstr(detail.text, "not an HTTP method"));
    options.method = "GET";
    options.path = "/a b";
    assert_int_equal(hx_request_template_new(&options, &request, NULL), OTEL_ERR_ARGUMENT);
    options.path = "/";
    options.incoming.sampled = 0.7;
    options.incoming.not_sampled = 0.7;
    assert_int_equal(hx_request_template_new(&options, &request, NULL), OTEL_ERR_ARGUMENT);
}

static void a_template_survives_failing_allocation(void **state)
{
    const struct hx_request_options options = {
        "POST", "/checkout", "shop:8080", HEADERS, 2, {"{}", 2},
        {.sampled = 0.1, .not_sampled = 0.1}};
    struct hx_request_template *request = NULL;
    unsigned long n = 0;

    (void)state;
    do {
        otl_mem_fail_at(++n);
    } while (hx_request_template_new(&options, &request, NULL) == OTEL_ERR_MEMORY);
    otl_mem_fail_at(0);
    assert_true(n > 4);
    assert_non_null(request);
    hx_request_template_free(request);
}

static void urls_are_taken_apart(void **state)
{
    static const char *const good[][5] = {
        {"http://shop/x?y=1#z", "shop", "80", "shop", "/x?y=1"},
        {"http://shop:80", "shop", "80", "shop", "/"},
        {"localhost:8080/a", "localhost", "8080", "localhost:8080", "/a"},
        {"http://[::1]:9/", "::1", "9", "[::1]:9", "/"},
        {"http://h?q", "h", "80", "h", "/?q"}};
    static const char *const bad[] = {"", "http://", "http://:80/", "http://h:0/", "http://h:x/",
                                      "http://h:123456789/", "ftp://h/", "http://u@h/",
                                      "http://[::1/"};
    struct hx_target target;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(hx_target_parse(good[i][0], &target, NULL), OTEL_OK);
        assert_string_equal(target.host, good[i][1]);
        assert_string_equal(target.port, good[i][2]);
        assert_string_equal(target.authority, good[i][3]);
        assert_string_equal(target.path, good[i][4]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (hx_target_parse(bad[i], &target, NULL) != OTEL_ERR_SYNTAX)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(hx_target_parse("https://h/", &target, &detail), OTEL_ERR_UNSUPPORTED);
    assert_non_null(strstr(detail.text, "http only"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_plan_is_exact),
        cmocka_unit_test(a_bursty_plan_keeps_the_rate),
        cmocka_unit_test(a_poisson_plan_is_poisson),
        cmocka_unit_test(the_same_seed_gives_the_same_instants),
        cmocka_unit_test(impossible_rates_are_refused),
        cmocka_unit_test(a_request_is_what_was_asked_for),
        cmocka_unit_test(values_are_drawn_evenly_and_repeatably),
        cmocka_unit_test(remote_parents_have_random_ids_and_the_asked_share),
        cmocka_unit_test(unfit_requests_are_refused),
        cmocka_unit_test(malformed_parents_are_malformed_and_known_as_such),
        cmocka_unit_test(oversized_state_and_baggage_are_over_every_limit),
        cmocka_unit_test(a_template_survives_failing_allocation),
        cmocka_unit_test(urls_are_taken_apart),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
