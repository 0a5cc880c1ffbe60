/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/gate/judge.h"
#include "sdk/base/mem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int make_schema(void **state)
{
    *state = hx_report_schema();
    return *state == NULL;
}

static int drop_schema(void **state)
{
    json_decref(*state);
    return 0;
}

static void read_as(const json_t *schema, const char *text, struct hx_threshold *ret)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (hx_threshold_parse(text, schema, ret, &detail) != OTEL_OK)
        fail_msg("%s: %u: %s", text, detail.column, detail.text);
}

static void a_limit_is_read_in_the_unit_of_its_figure(void **state)
{
    static const struct {
        const char *text;
        enum hx_figure_kind kind;
        double limit;
        bool timing;
    } cases[] = {
        {"load.latency.p99 < 50ms", HX_FIGURE_NS, 50e6, true},
        {"  load.latency.p99<1.5 s ", HX_FIGURE_NS, 1.5e9, true},
        {"load.latency.max <= 200\xc2\xb5s", HX_FIGURE_NS, 200e3, true},
        {"load.latency.p50 > 0", HX_FIGURE_NS, 0, true},
        {"duration_s < 2m", HX_FIGURE_SECONDS, 120, true},
        {"services[order].cpu_s < 500ms", HX_FIGURE_SECONDS, 0.5, true},
        {"spans.lost_unexplained == 0", HX_FIGURE_COUNT, 0, false},
        {"spans.lost.queue_full <= 10", HX_FIGURE_COUNT, 10, false},
        {"spans.per_request >= 8", HX_FIGURE_COUNT, 8, false},
        {"services[order-0].rss_peak_bytes < 64MiB", HX_FIGURE_BYTES, 64.0 * 1048576, false},
        {"sdk[*].bytes_per_span < 400", HX_FIGURE_BYTES, 400, false},
        {"load.rate_achieved >= 480/s", HX_FIGURE_RATE, 480, true},
        {"load.client_cpu_share < 80%", HX_FIGURE_SHARE, 0.8, true},
        {"environment.steal_percent < 5 %", HX_FIGURE_PERCENT, 5, true},
        {"load.generator_limited == false", HX_FIGURE_TRUTH, 0, false},
        {"sdk[order-0].export_cpu_ns_per_span < 2us", HX_FIGURE_NS, 2000, true},
        {"edges[a GET / -> b GET /x].p99_ns < 20ms", HX_FIGURE_NS, 20e6, true},
        {"spans.lost_total <= 0", HX_FIGURE_COUNT, 0, false},
        {"spans.lost_total > 0", HX_FIGURE_COUNT, 0, false},
        {"overhead.rows[batch rss_anon_bytes held].difference < 0", HX_FIGURE_COUNT, 0, false},
    };
    struct hx_threshold t;

    for (size_t i = 0; i < COUNT(cases); i++) {
        read_as(*state, cases[i].text, &t);
        assert_string_equal(t.text, cases[i].text);
        assert_int_equal(t.figure.kind, cases[i].kind);
        assert_true(t.limit == cases[i].limit);
        assert_int_equal(t.figure.timing, cases[i].timing);
    }
}

static void each_mistake_is_told_with_its_place_and_the_nearest_word(void **state)
{
    static const struct {
        const char *text;
        unsigned column;
        const char *says;
    } cases[] = {
        {"", 1, "expected the name of a figure"},
        {"lod.latency.p99 < 5ms", 1, "no figure 'lod' in report.json (did you mean 'load'?)"},
        {"load.latncy.p99 < 5ms", 6, "(did you mean 'latency'?)"},
        {"load.latency.p98 < 5ms", 14, "(did you mean 'p"},
        {"load.latency < 5ms", 6, "is not one figure; it has count, min, mean, p50"},
        {"spans.lost < 5", 7, "is not one figure; it has queue_full, export_failed"},
        {"spans.lost.queue_ful == 0", 12, "(did you mean 'queue_full'?)"},
        {"load.errors.status_6xx == 0", 13, "(did you mean 'status_"},
        {"sdk[a].drops.process_killed == 0", 14, "here are queue_full, export_failed"},
        {"load.latency.p99.x < 5ms", 18, "no figure 'x'"},
        {"verdict == 1", 1, "'verdict' is no number"},
        {"sdk.exports < 1", 1, "say which row: sdk[NAME], or sdk[*] for each"},
        {"edges[a].calls > 1", 1, "'a' is no edge; expected 'SERVICE ENTRY -> SERVICE ENTRY'"},
        {"edges[a -> b.calls > 1", 6, "'[' without its ']'"},
        {"edges[ ].calls > 1", 6, "nothing stands between"},
        {"load[x].requests > 1", 1, "'load' is no list"},
        {"load.requests", 14, "expected an operator"},
        {"load.requests = 5", 15, "unknown operator '=' (did you mean '=='?)"},
        {"load.requests => 5", 15, "unknown operator '=>' (did you mean '>='?)"},
        {"load.requests <> 5", 15, "unknown operator '<>' (did you mean '!='?)"},
        {"load.requests >", 16, "expected a number"},
        {"load.requests > many", 17, "expected a number"},
        {"load.requests > 1.2.3", 17, "expected a number, found '1.2.3'"},
        {"load.requests > 5ms", 18, "the unit 'ms' does not fit: the figure is a count"},
        {"load.latency.p99 < 5MB", 21, "the unit 'MB' does not fit: the figure is a time"},
        {"load.latency.p99 < 5", 21, "a time needs a unit"},
        {"load.latency.p99 < 5sec", 21, "unknown unit 'sec'; the figure is a time"},
        {"load.latency.p99 == 5ms", 21, "never is exactly so"},
        {"load.generator_limited < 1", 26, "true or false; found '1'"},
        {"load.generator_limited < true", 26, "compared by == or !="},
        {"load.requests > 5 and more", 19, "unknown unit 'and'"},
        {"load.latency.p50 < 5ms or so", 24, "goes on with 'or so'"},
        {"spans.lost_total >= 0", 18, "this holds whatever happens: the figure is never below 0"},
        {"spans.lost_total != -1", 18, "this holds whatever happens"},
        {"load.latency.p99 < -5ms", 18, "this can never hold: the figure is never below 0"},
        {"load.requests < 0", 15, "this can never hold"},
        {"load.errors_total == -1", 19, "this can never hold"},
        {"a.b.c.d.e.f.g < 1", 13, "this path is too long"},
    };
    struct hx_threshold t;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        assert_int_not_equal(hx_threshold_parse(cases[i].text, *state, &t, &detail), OTEL_OK);
        if (detail.column != cases[i].column || strstr(detail.text, cases[i].says) == NULL)
            fail_msg("%s: said %u: %s", cases[i].text, detail.column, detail.text);
    }
}

/* ---- judging ------------------------------------------------------------------------------ */

static json_t *report_with(double steal, bool limited)
{
    return json_pack("{s:{s:i, s:b, s:f, s:{s:i, s:i, s:i, s:i}, s:{s:i}}, s:{s:i, s:{s:i}},"
                     " s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}], s:{s:f}}",
                     "load", "requests", 2000, "generator_limited", limited, "rate_achieved",
                     490.0, "latency", "count", 2000, "p50", 1000000, "p99", 40000000, "p999",
                     90000000, "errors", "timeout", 3, "spans", "lost_unexplained", 0, "lost",
                     "queue_full", 7, "sdk", "instance", "order-0", "service", "order",
                     "queue_high_water", 100, "instance", "order-1", "service", "order",
                     "queue_high_water", 900, "environment", "steal_percent", steal);
}

static const char *field(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

/* Judge text on report; verdict and, where given, what observed and reason hold. */
static void judged(const json_t *schema, const json_t *report, const char *text,
                   const char *verdict, const char *observed, const char *reason)
{
    struct hx_threshold t;
    json_t *row;

    read_as(schema, text, &t);
    row = hx_threshold_judge(&t, 3, report);
    assert_non_null(row);
    assert_string_equal(field(row, "id"), "threshold.3");
    assert_string_equal(field(row, "text"), text);
    if (strcmp(field(row, "verdict"), verdict) != 0 ||
        strstr(field(row, "observed"), observed) == NULL ||
        strstr(field(row, "reason"), reason) == NULL)
        fail_msg("%s: %s, observed %s, reason %s", text, field(row, "verdict"),
                 field(row, "observed"), field(row, "reason"));
    json_decref(row);
}

static void a_figure_is_held_against_its_limit(void **state)
{
    json_t *report = report_with(0, false);

    judged(*state, report, "load.latency.p99 < 50ms", "pass", "40", "");
    judged(*state, report, "load.latency.p99 < 30ms", "fail", "40", "");
    judged(*state, report, "spans.lost_unexplained == 0", "pass", "0", "");
    judged(*state, report, "spans.lost.queue_full == 0", "fail", "7", "");
    judged(*state, report, "spans.lost.no_memory == 0", "pass", "0", "");
    judged(*state, report, "load.errors.timeout <= 3", "pass", "3", "");
    judged(*state, report, "load.generator_limited == false", "pass", "false", "");
    judged(*state, report, "sdk[order].queue_high_water <= 500", "fail", "900 (order-1, of 2", "");
    judged(*state, report, "sdk[order-0].queue_high_water <= 500", "pass", "100", "");
    judged(*state, report, "sdk[*].queue_high_water > 99", "pass", "100 (order-0, of 2", "");
    json_decref(report);
}

static void the_margin_says_how_far_the_limit_was(void **state)
{
    json_t *report = report_with(0, false), *row;
    struct hx_threshold t;

    read_as(*state, "load.latency.p99 < 50ms", &t);
    row = hx_threshold_judge(&t, 1, report);
    assert_string_equal(field(row, "expected"), "< 50.0 ms");
    assert_string_equal(field(row, "margin"), "10.0 ms below the limit (20.0 % of it)");
    json_decref(row);
    read_as(*state, "load.errors.timeout <= 3", &t);
    row = hx_threshold_judge(&t, 1, report);
    assert_string_equal(field(row, "margin"), "none: it is the limit itself");
    json_decref(row);
    json_decref(report);
}

static void what_cannot_be_known_is_inconclusive(void **state)
{
    json_t *report = report_with(0, false);

    judged(*state, report, "load.service_time.p99 < 50ms", "inconclusive", "not in the report",
           "no such figure");
    judged(*state, report, "sdk[pay].queue_high_water < 5", "inconclusive", "not in the report",
           "no such row or figure");
    judged(*state, report, "load.latency.p999 < 1s", "inconclusive", "90",
           "2000 requests are too few for this percentile: 10000 are needed");
    json_object_del(json_object_get(json_object_get(report, "load"), "latency"), "p999");
    /* its producer leaves it out */
    judged(*state, report, "load.latency.p999 < 1s", "inconclusive", "not in the report",
           "2000 requests are too few for this percentile: 10000 are needed");
    json_decref(report);
}

/* Of a handful of traces there is a median, and nothing beyond it. */
static void a_median_of_six_is_told(void **state)
{
    json_t *report = report_with(0, false);
    json_t *slow = json_pack("{s:i, s:f}", "count", 6, "p50_ns", 2e9);

    json_object_set_new(report, "critical_path", json_pack("{s:O}", "slow", slow));
    judged(*state, report, "critical_path.slow.p50_ns > 1s", "pass", "2.00 s", "");
    judged(*state, report, "critical_path.slow.p50_ns < 1s", "fail", "2.00 s", "");
    json_object_set_new(slow, "count", json_integer(5));
    judged(*state, report, "critical_path.slow.p50_ns > 1s", "inconclusive", "2.00 s",
           "5 requests are too few for this percentile: 6 are needed");
    json_object_set_new(slow, "count", json_integer(6));
    json_object_del(slow, "p50_ns"); /* left out: its producer has the stricter rule */
    judged(*state, report, "critical_path.slow.p50_ns > 1s", "inconclusive", "not in the report",
           "6 requests are too few for this percentile: 20 are needed");
    json_decref(slow);
    json_decref(report);
}

static void noise_touches_times_only(void **state)
{
    json_t *noisy = report_with(9.5, false), *limited = report_with(0, true);

    judged(*state, noisy, "load.latency.p99 < 50ms", "inconclusive", "40",
           "too noisy: 9.5 % of its time was stolen");
    judged(*state, noisy, "load.latency.p99 < 1ms", "inconclusive", "40", "too noisy");
    judged(*state, noisy, "spans.lost_unexplained == 0", "pass", "0", "");
    judged(*state, noisy, "spans.lost.queue_full < 7", "fail", "7", "");
    judged(*state, limited, "load.rate_achieved >= 100/s", "inconclusive", "490",
           "the load client itself was late or slow");
    judged(*state, limited, "load.generator_limited == false", "fail", "true", "");
    json_decref(noisy);
    json_decref(limited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_read_in_the_unit_of_its_figure),
        cmocka_unit_test(each_mistake_is_told_with_its_place_and_the_nearest_word),
        cmocka_unit_test(a_figure_is_held_against_its_limit),
        cmocka_unit_test(the_margin_says_how_far_the_limit_was),
        cmocka_unit_test(what_cannot_be_known_is_inconclusive),
        cmocka_unit_test(a_median_of_six_is_told),
        cmocka_unit_test(noise_touches_times_only),
    };

    return cmocka_run_group_tests(tests, make_schema, drop_schema);
}
