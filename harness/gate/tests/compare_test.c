/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/gate/compare.h"

/* What one synthetic run measured. */
struct made {
    double p99_ms;
    int lost;
    int failed; /* requests */
    int bytes;  /* a span */
    double steal;
    const char *cpu, *revision, *check; /* check: verdict of the check "parents" */
};

static const struct made quiet = {.p99_ms = 10, .bytes = 300, .cpu = "one", .revision = "r1",
                                  .check = "pass"};
static struct hx_runs a, b;

static void add(struct hx_runs *runs, const char *scenario, const struct made *m)
{
    json_t *report = json_pack(
        "{s:{s:s}, s:[{s:s, s:s}], s:[], s:{s:i, s:i, s:i, s:i, s:i, s:f},"
        " s:{s:i, s:i}, s:{s:i, s:{s:i}, s:b, s:{s:i, s:f, s:f}}, s:[{s:i, s:i}],"
        " s:{s:s, s:i, s:s, s:f}}",
        "scenario", "name", scenario, "checks", "id", "parents", "verdict", m->check,
        "expectations", "spans", "started", 10000, "lost_total", m->lost, "lost_unexplained", 0,
        "duplicated", 0, "altered", 0, "per_request", 10.0, "traces", "expected", 1000,
        "complete", 1000, "load", "requests", 1000, "errors", "status_5xx", m->failed,
        "generator_limited", 0, "latency", "count", 1000, "p50", 5e6, "p99", m->p99_ms * 1e6,
        "sdk", "exported", 10000, "export_bytes", 10000 * m->bytes, "environment", "cpu_model",
        m->cpu, "cores", 2, "git_revision", m->revision, "steal_percent", m->steal);

    assert_non_null(report);
    runs->reports[runs->count++] = report;
}

/* count runs, each a little slower than the one before it. */
static void fill(struct hx_runs *runs, size_t count, struct made m)
{
    for (size_t i = 0; i < count; i++) {
        m.p99_ms *= 1.01;
        add(runs, "shop", &m);
    }
}

static int start(void **state)
{
    (void)state;
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    a.path = "then";
    b.path = "now";
    return 0;
}

static int stop(void **state)
{
    (void)state;
    hx_runs_fini(&a);
    hx_runs_fini(&b);
    return 0;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static const json_t *row_of(const json_t *comparison, const char *id)
{
    const json_t *scenario = json_array_get(json_object_get(comparison, "scenarios"), 0), *row;
    size_t i;

    json_array_foreach(json_object_get(scenario, "rows"), i, row) {
        if (strcmp(text(row, "id"), id) == 0)
            return row;
    }
    fail_msg("no row %s", id);
    return NULL;
}

/* Compare; the row's verdict and what its reason holds; how many rows are worse. */
static void compared(const char *id, const char *verdict, const char *reason, long long worse)
{
    json_t *comparison = hx_compare(&a, &b, false);
    const json_t *row;

    assert_non_null(comparison);
    row = row_of(comparison, id);
    if (strcmp(text(row, "verdict"), verdict) != 0 || strstr(text(row, "reason"), reason) == NULL)
        fail_msg("%s: %s: %s", id, text(row, "verdict"), text(row, "reason"));
    assert_int_equal(hx_compare_worse(comparison), worse);
    json_decref(comparison);
}

static void runs_alike_are_the_same_in_every_row(void **state)
{
    json_t *comparison;

    (void)state;
    fill(&a, 5, quiet);
    fill(&b, 5, quiet);
    compared("latency_p99", "same", "", 0);
    comparison = hx_compare(&a, &b, false);
    assert_int_equal(hx_compare_not_judged(comparison), 0);
    json_decref(comparison);
}

static void slower_runs_are_worse_and_faster_ones_better(void **state)
{
    struct made slow = quiet;

    (void)state;
    slow.p99_ms = 20;
    fill(&a, 6, quiet);
    fill(&b, 6, slow);
    compared("latency_p99", "worse", "", 1);
    compared("latency_p50", "same", "", 1);
    stop(NULL);
    fill(&a, 6, slow);
    fill(&b, 6, quiet);
    compared("latency_p99", "better", "", 0);
}

static void too_few_runs_say_nothing_of_time(void **state)
{
    struct made slow = quiet;

    (void)state;
    slow.p99_ms = 500;
    fill(&a, 4, quiet);
    fill(&b, 6, slow);
    compared("latency_p99", "not judged", "4 and 6 quiet runs; 5 on each side are needed", 0);
}

static void times_of_another_machine_are_refused_by_name(void **state)
{
    struct made other = quiet;
    json_t *comparison;
    const json_t *difference;

    (void)state;
    other.cpu = "two";
    other.revision = "r2";
    other.p99_ms = 500;
    other.lost = 3;
    fill(&a, 6, quiet);
    fill(&b, 6, other);
    compared("latency_p99", "not judged", "other machines: cpu_model differs", 1);
    compared("spans_lost", "worse", "there was none before", 1);
    comparison = hx_compare(&a, &b, true);
    assert_int_equal(hx_compare_not_judged(comparison), 0); /* counts alone were asked for */
    difference = json_array_get(
        json_object_get(json_array_get(json_object_get(comparison, "scenarios"), 0),
                        "differences"), 0);
    assert_string_equal(text(difference, "key"), "cpu_model");
    assert_string_equal(text(difference, "a"), "one");
    assert_string_equal(text(difference, "b"), "two");
    json_decref(comparison);
}

static void another_revision_is_named_but_is_no_other_machine(void **state)
{
    struct made other = quiet;
    json_t *comparison;

    (void)state;
    other.revision = "r2";
    fill(&a, 5, quiet);
    fill(&b, 5, other);
    compared("latency_p99", "same", "", 0);
    comparison = hx_compare(&a, &b, false);
    assert_int_equal(json_array_size(json_object_get(
                         json_array_get(json_object_get(comparison, "scenarios"), 0),
                         "differences")), 1);
    json_decref(comparison);
}

static void noisy_runs_do_not_speak_of_time_but_of_counts(void **state)
{
    struct made noisy = quiet;

    (void)state;
    noisy.steal = 30;
    noisy.p99_ms = 900;
    noisy.lost = 1;
    fill(&a, 5, quiet);
    fill(&b, 4, quiet);
    fill(&b, 3, noisy);
    compared("latency_p99", "not judged", "5 and 4 quiet runs", 1);
    compared("spans_lost", "worse", "there was none before", 1);
}

static void counts_that_come_by_chance_need_a_difference_beyond_chance(void **state)
{
    struct made some = quiet, more = quiet, many = quiet;

    (void)state;
    some.failed = 10;
    more.failed = 17;
    many.failed = 90;
    add(&a, "shop", &some);
    add(&b, "shop", &more);
    compared("requests_failed", "same", "", 0);
    add(&b, "shop", &many);
    compared("requests_failed", "worse", "", 1);
}

static void larger_spans_are_worse(void **state)
{
    struct made larger = quiet;

    (void)state;
    larger.bytes = 305; /* 1.7 % */
    add(&a, "shop", &quiet);
    add(&b, "shop", &larger);
    compared("bytes_per_span", "same", "", 0);
    larger.bytes = 330;
    add(&b, "shop", &larger);
    add(&b, "shop", &larger);
    compared("bytes_per_span", "worse", "more than 5 %", 1);
}

/* A run of another machine that counted so many instructions a request; 0: it counted none. */
static void add_counted(struct hx_runs *runs, const char *cpu, double batch)
{
    struct made m = quiet;
    json_t *rows;

    m.cpu = cpu;
    add(runs, "shop", &m);
    rows = json_pack("{s:[{s:s, s:f}, {s:s, s:f}]}", "instructions", "name", "none",
                     "app_per_request", 30000.0, "name", "batch", "app_per_request", batch);
    assert_non_null(rows);
    if (batch > 0)
        json_object_set(runs->reports[runs->count - 1], "overhead", rows);
    json_decref(rows);
}

static void instructions_are_compared_between_machines(void **state)
{
    (void)state;
    add_counted(&a, "one", 50000);
    add_counted(&b, "two", 50900); /* 1.8 % */
    compared("instructions_batch", "same", "", 0);
    compared("instructions_none", "same", "", 0);
    compared("latency_p99", "not judged", "other machines: cpu_model differs", 0);
    stop(NULL);
    add_counted(&a, "one", 50000);
    add_counted(&b, "two", 51100);
    compared("instructions_batch", "worse", "more than 2 %", 1);
    compared("instructions_none", "same", "", 1);
    stop(NULL);
    add_counted(&a, "one", 50000);
    add_counted(&b, "two", 48000);
    compared("instructions_batch", "better", "", 0);
}

/* With --counts alone they are still gated on: they are no wall-clock figure. */
static void instructions_that_one_side_lacks_are_not_judged(void **state)
{
    json_t *comparison;

    (void)state;
    add_counted(&a, "one", 50000);
    add_counted(&b, "two", 0);
    compared("instructions_batch", "not judged", "one side does not know it", 0);
    comparison = hx_compare(&a, &b, true);
    assert_int_equal(hx_compare_not_judged(comparison), 2);
    json_decref(comparison);
    stop(NULL);
    add_counted(&a, "one", 0); /* nobody asked for them: there is no row */
    add_counted(&b, "two", 0);
    comparison = hx_compare(&a, &b, true);
    assert_int_equal(hx_compare_not_judged(comparison), 0);
    json_decref(comparison);
    stop(NULL);
    add_counted(&a, "one", 50000);
    add_counted(&b, "two", 60000);
    comparison = hx_compare(&a, &b, true);
    assert_int_equal(hx_compare_worse(comparison), 1);
    json_decref(comparison);
}

static void a_check_that_fails_now_is_named(void **state)
{
    struct made broken = quiet;

    (void)state;
    broken.check = "fail";
    add(&a, "shop", &quiet);
    add(&b, "shop", &quiet);
    add(&b, "shop", &broken);
    compared("checks", "worse", "fail now: parents", 1);
    add(&a, "shop", &broken); /* it failed before, too */
    compared("checks", "same", "", 0);
}

static void scenarios_are_compared_each_with_itself(void **state)
{
    json_t *comparison, *list;

    (void)state;
    add(&a, "shop", &quiet);
    add(&a, "old", &quiet);
    add(&b, "new", &quiet);
    add(&b, "shop", &quiet);
    comparison = hx_compare(&a, &b, false);
    list = json_object_get(comparison, "scenarios");
    assert_int_equal(json_array_size(list), 3);
    assert_non_null(json_object_get(json_array_get(list, 0), "rows"));
    assert_string_equal(text(json_array_get(list, 1), "only"), "a");
    assert_string_equal(text(json_array_get(list, 2), "only"), "b");
    json_decref(comparison);
}

static void a_baseline_gives_expectations_on_counts_and_sizes(void **state)
{
    struct made worse = quiet;
    json_t *list;
    const json_t *row;
    size_t i, failed = 0;

    (void)state;
    worse.lost = 5;
    worse.p99_ms = 5000;
    add(&a, "shop", &quiet);
    add(&b, "shop", &worse);
    assert_int_equal(hx_compare_expect(&a, b.reports[0]), OTEL_OK);
    list = json_object_get(b.reports[0], "expectations");
    json_array_foreach(list, i, row) {
        assert_int_equal(strncmp(text(row, "id"), "baseline.", 9), 0);
        assert_null(strstr(text(row, "id"), "latency"));
        if (strcmp(text(row, "verdict"), "fail") != 0)
            continue;
        failed++;
        assert_string_equal(text(row, "id"), "baseline.spans_lost");
        assert_string_equal(text(row, "expected"), "as before: 0 of 10,000");
        assert_string_equal(text(row, "observed"), "5 of 10,000");
    }
    assert_int_equal(failed, 1);
    assert_string_equal(text(json_object_get(b.reports[0], "baseline"), "path"), "then");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_alike_are_the_same_in_every_row),
        TEST(slower_runs_are_worse_and_faster_ones_better),
        TEST(too_few_runs_say_nothing_of_time),
        TEST(times_of_another_machine_are_refused_by_name),
        TEST(another_revision_is_named_but_is_no_other_machine),
        TEST(noisy_runs_do_not_speak_of_time_but_of_counts),
        TEST(counts_that_come_by_chance_need_a_difference_beyond_chance),
        TEST(larger_spans_are_worse),
        TEST(instructions_are_compared_between_machines),
        TEST(instructions_that_one_side_lacks_are_not_judged),
        TEST(a_check_that_fails_now_is_named),
        TEST(scenarios_are_compared_each_with_itself),
        TEST(a_baseline_gives_expectations_on_counts_and_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
