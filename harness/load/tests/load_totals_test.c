/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/load/report.h"
#include "harness/load/totals.h"
#include "sdk/base/clock.h"

struct fixture {
    struct hx_hdr *response;
    struct hx_hdr *own_lag;
    struct hx_hdr *lateness;
    struct hx_load_totals totals;
};

/* 1000 requests planned and sent in 10 s, answered in 5 ms, own lag 50 us. */
static int set_up(void **state)
{
    static struct fixture f;
    struct hx_load_counts *counts = &f.totals.counts[HX_LOAD_MEASURE];

    memset(&f, 0, sizeof(f));
    if (hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &f.response) != OTEL_OK ||
        hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &f.own_lag) != OTEL_OK ||
        hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &f.lateness) != OTEL_OK)
        return -1;
    hx_hdr_record_n(f.response, 5 * OTL_NS_PER_MS, 1000);
    hx_hdr_record_n(f.own_lag, 50 * OTL_NS_PER_US, 1000);
    hx_hdr_record_n(f.lateness, 40 * OTL_NS_PER_US, 1000);
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        f.totals.series[kind] = f.response;
    f.totals.own_lag = f.own_lag;
    f.totals.lateness = f.lateness;
    f.totals.rate_asked = 100;
    f.totals.measured_ns = f.totals.elapsed_ns = 10 * OTL_NS_PER_S;
    f.totals.cpu_ns = OTL_NS_PER_S;
    counts->planned = counts->sent = counts->sent_inside = counts->ok = 1000;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    hx_hdr_free(f->response);
    hx_hdr_free(f->own_lag);
    hx_hdr_free(f->lateness);
    return 0;
}

/* Judge; *ret_warnings counts the rows that warn. */
static bool judge(const struct fixture *f, unsigned *ret_warnings)
{
    struct hx_load_trust rows[HX_LOAD_TRUST_ROWS];
    bool limited = hx_load_judge(&f->totals, rows);

    *ret_warnings = 0;
    for (int i = 0; i < HX_LOAD_TRUST_ROWS; i++) {
        assert_true(rows[i].observed[0] != '\0' && rows[i].limit[0] != '\0');
        assert_true(rows[i].warning || !rows[i].limits);
        *ret_warnings += rows[i].warning;
    }
    return limited;
}

static void a_load_that_kept_up_is_trusted(void **state)
{
    struct fixture *f = *state;
    unsigned warnings;

    assert_false(judge(f, &warnings));
    assert_int_equal(warnings, 0);
    assert_true(hx_load_rate_achieved(&f->totals) == 100);
    f->totals.counts[HX_LOAD_MEASURE].sent_inside = 990; /* 99 % is enough */
    assert_false(judge(f, &warnings));
    assert_int_equal(warnings, 0);
}

static void a_missed_rate_is_the_generators_unless_it_waited(void **state)
{
    struct fixture *f = *state;
    struct hx_load_counts *counts = &f->totals.counts[HX_LOAD_MEASURE];
    unsigned warnings;

    counts->sent_inside = 980;
    assert_true(judge(f, &warnings));
    counts->delayed = 500; /* all connections were busy: the target was slow */
    assert_false(judge(f, &warnings));
    assert_int_equal(warnings, 2);
    f->totals.cpu_ns = 9 * OTL_NS_PER_S; /* or the generator could not read the answers */
    assert_true(judge(f, &warnings));
    f->totals.cpu_ns = OTL_NS_PER_S;
    counts->delayed = 0;
    counts->errors[HX_LOAD_ERROR_CONNECT] = 20; /* nobody was there to send to */
    assert_false(judge(f, &warnings));
}

static void lateness_counts_against_the_response_time(void **state)
{
    struct fixture *f = *state;
    unsigned warnings;

    hx_hdr_record_n(f->own_lag, 700 * OTL_NS_PER_US, 100); /* > 10 % of 5 ms, but below 1 ms */
    assert_false(judge(f, &warnings));
    assert_int_equal(warnings, 1);
    hx_hdr_record_n(f->own_lag, 2 * OTL_NS_PER_MS, 1000);
    assert_true(judge(f, &warnings));
    hx_hdr_record_n(f->response, 50 * OTL_NS_PER_MS, 9000); /* 2 ms of 50 ms do not matter */
    assert_false(judge(f, &warnings));
    assert_int_equal(warnings, 0);
}

static void drops_and_stops_are_told(void **state)
{
    struct fixture *f = *state;
    unsigned warnings;

    f->totals.counts[HX_LOAD_MEASURE].errors[HX_LOAD_ERROR_DROPPED] = 1;
    f->totals.stopped = true;
    assert_false(judge(f, &warnings));
    assert_int_equal(warnings, 2);
    assert_int_equal(hx_load_errors(&f->totals.counts[HX_LOAD_MEASURE]), 1);
    assert_string_equal(hx_load_error_text(HX_LOAD_ERROR_DROPPED), "queue_full");
}

static json_t *latency_of(const json_t *load, const char *key)
{
    return json_object_get(json_object_get(load, "latency"), key);
}

static void the_report_leaves_out_what_too_few_can_tell(void **state)
{
    struct fixture *f = *state;
    static const unsigned counts[] = {999, 1000, 9999, 10000};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct hx_hdr *few;
        json_t *load;

        assert_int_equal(hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &few), OTEL_OK);
        hx_hdr_record_n(few, 5 * OTL_NS_PER_MS, counts[i]);
        f->totals.series[HX_SERIES_RESPONSE] = few;
        load = hx_load_report(&f->totals, NULL);
        assert_int_equal(json_integer_value(latency_of(load, "count")), counts[i]);
        assert_non_null(latency_of(load, "p95"));
        assert_true((latency_of(load, "p99") != NULL) == (counts[i] >= 1000));
        assert_true((latency_of(load, "p999") != NULL) == (counts[i] >= 10000));
        assert_non_null(latency_of(load, "max"));
        assert_null(json_object_get(load, "generator_limited_by"));
        json_decref(load);
        hx_hdr_free(few);
    }
}

static void the_report_says_what_limited_the_generator(void **state)
{
    struct fixture *f = *state;
    const char *why;
    json_t *load;

    f->totals.counts[HX_LOAD_MEASURE].sent_inside = 980;
    load = hx_load_report(&f->totals, NULL);
    assert_true(json_is_true(json_object_get(load, "generator_limited")));
    why = json_string_value(json_object_get(load, "generator_limited_by"));
    assert_non_null(why);
    assert_non_null(strstr(why, "Requests sent in time, of those planned: 98.00 %"));
    assert_non_null(strstr(why, "limit at least 99 %"));
    assert_null(strstr(why, "Lateness"));
    json_decref(load);
}

static void errors_have_a_sum_and_a_share(void **state)
{
    struct fixture *f = *state;
    struct hx_load_counts *counts = &f->totals.counts[HX_LOAD_MEASURE];
    json_t *report;

    report = hx_load_report(&f->totals, NULL);
    assert_int_equal(json_integer_value(json_object_get(report, "errors_total")), 0);
    assert_true(json_real_value(json_object_get(report, "error_share")) == 0);
    json_decref(report);
    counts->errors[HX_LOAD_ERROR_TIMEOUT] = 20;
    counts->errors[HX_LOAD_ERROR_STATUS_5XX] = 5;
    counts->ok = 975;
    report = hx_load_report(&f->totals, NULL);
    assert_int_equal(json_integer_value(json_object_get(report, "errors_total")), 25);
    assert_true(json_real_value(json_object_get(report, "error_share")) == 0.025);
    json_decref(report);
    memset(counts, 0, sizeof(*counts)); /* no request at all */
    report = hx_load_report(&f->totals, NULL);
    assert_true(json_real_value(json_object_get(report, "error_share")) == 0);
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_load_that_kept_up_is_trusted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missed_rate_is_the_generators_unless_it_waited, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lateness_counts_against_the_response_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(drops_and_stops_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_report_leaves_out_what_too_few_can_tell, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_report_says_what_limited_the_generator, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(errors_have_a_sum_and_a_share, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("load totals", tests, NULL, NULL);
}
