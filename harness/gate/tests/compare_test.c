/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* What hx_compare_print() says of a row; title: how the row begins. */
static void print_row(const char *title, char *out, size_t size)
{
    json_t *comparison = hx_compare(&a, &b, false);
    FILE *file = tmpfile();
    int old = dup(STDOUT_FILENO);
    char line[400];

    assert_true(comparison != NULL && file != NULL && old >= 0);
    fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    hx_compare_print(comparison);
    fflush(stdout);
    assert_true(dup2(old, STDOUT_FILENO) >= 0);
    close(old);
    rewind(file);
    out[0] = '\0';
    while (fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, title, strlen(title)) == 0)
            snprintf(out, size, "%s", line);
    fclose(file);
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

/* The last run is as good as any other: what is shown of noisy ones is their median. */
static void noisy_runs_are_shown_by_their_median(void **state)
{
    struct made noisy = quiet;
    json_t *comparison;
    const json_t *row;

    (void)state;
    noisy.steal = 30;
    fill(&a, 1, quiet);
    for (int i = 0; i < 3; i++) {
        noisy.p99_ms = i == 0 ? 25 : i == 1 ? 40 : 12;
        add(&b, "shop", &noisy);
    }
    comparison = hx_compare(&a, &b, false);
    row = row_of(comparison, "latency_p99");
    assert_string_equal(text(json_object_get(row, "a"), "text"), "10.1 ms");
    assert_string_equal(text(json_object_get(row, "b"), "text"), "25.0 ms, noisy");
    json_decref(comparison);
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

/* As if a threshold of the scenario had been judged in the last run of that side. */
static void claim(struct hx_runs *runs, const char *id, const char *text_, const char *verdict)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "id", id, "text", text_, "verdict", verdict);

    assert_non_null(row);
    json_array_append_new(
        json_object_get(runs->reports[runs->count - 1], "expectations"), row);
}

static void gate(long long worse, long long not_judged)
{
    json_t *comparison = hx_compare(&a, &b, true);

    assert_non_null(comparison);
    assert_int_equal(hx_compare_worse(comparison), worse);
    assert_int_equal(hx_compare_not_judged(comparison), not_judged);
    json_decref(comparison);
}

static void a_check_that_cannot_be_judged_now_is_not_judged(void **state)
{
    struct made unknown = quiet, broken = quiet;

    (void)state;
    unknown.check = "inconclusive";
    broken.check = "fail";
    add(&a, "shop", &quiet);
    add(&b, "shop", &quiet);
    add(&b, "shop", &unknown);
    compared("checks", "not judged", "inconclusive or gone now: parents", 0);
    gate(0, 1);
    add(&b, "shop", &broken); /* what is worse is told alone */
    compared("checks", "worse", "fail now: parents", 1);
    gate(1, 0);
    add(&a, "shop", &unknown); /* a failure where nothing was known is one, too */
    gate(1, 0);
    hx_runs_fini(&b);
    add(&b, "shop", &unknown); /* as before */
    compared("checks", "same", "", 0);
    gate(0, 0);
}

static void an_expectation_that_only_b_has_is_judged_by_itself(void **state)
{
    (void)state;
    add(&a, "shop", &quiet);
    claim(&a, "threshold.1", "spans.lost_total == 0", "pass");
    add(&b, "shop", &quiet);
    claim(&b, "threshold.1", "spans.started > 0", "pass"); /* it has the other's old number */
    claim(&b, "threshold.2", "spans.lost_total == 0", "pass");
    gate(0, 0);
    claim(&b, "threshold.3", "traces.broken == 0", "inconclusive");
    compared("checks", "not judged", "inconclusive or gone now: traces.broken == 0", 0);
    claim(&b, "threshold.4", "spans.altered == 0", "fail");
    compared("checks", "worse", "fail now: spans.altered == 0; inconclusive or gone now: t", 1);
}

static void an_expectation_that_b_has_no_more_is_not_judged(void **state)
{
    (void)state;
    add(&a, "shop", &quiet);
    claim(&a, "threshold.1", "spans.lost_total == 0", "pass");
    add(&b, "shop", &quiet);
    compared("checks", "not judged", "inconclusive or gone now: spans.lost_total == 0", 0);
    gate(0, 1);
}

static void a_scenario_that_only_a_has_is_not_judged(void **state)
{
    char line[400];

    (void)state;
    add(&a, "shop", &quiet);
    add(&a, "old", &quiet);
    add(&b, "shop", &quiet);
    add(&b, "new", &quiet);
    gate(0, 1);
    print_row("old:", line, sizeof(line));
    assert_string_equal(line, "old: only in A, not judged\n");
    print_row("new:", line, sizeof(line));
    assert_string_equal(line, "new: only in B\n");
}

static void what_was_not_asked_for_of_a_baseline_is_left_out(void **state)
{
    json_t *comparison;

    (void)state;
    fill(&a, 5, quiet);
    add(&a, "old", &quiet);
    fill(&b, 5, quiet);
    gate(0, 1);
    comparison = hx_compare_asked(&a, &b);
    assert_non_null(comparison);
    assert_int_equal(json_array_size(json_object_get(comparison, "scenarios")), 1);
    assert_int_equal(hx_compare_worse(comparison), 0);
    assert_int_equal(hx_compare_not_judged(comparison), 0);
    json_decref(comparison);
    b.without = json_pack("{s:i}", "old", 1); /* it was asked for, and came to nothing */
    comparison = hx_compare_asked(&a, &b);
    assert_non_null(comparison);
    assert_int_equal(json_array_size(json_object_get(comparison, "scenarios")), 2);
    assert_int_equal(hx_compare_not_judged(comparison), 1);
    json_decref(comparison);
}

static void runs_of_other_scenarios_do_not_make_a_baseline_of_times(void **state)
{
    (void)state;
    fill(&b, 5, quiet);
    fill(&a, 4, quiet);
    add(&a, "old", &quiet);
    add(&a, "new", &quiet);
    assert_false(hx_compare_has_clocks(&a, &b));
    add(&a, "shop", &quiet);
    assert_true(hx_compare_has_clocks(&a, &b));
}

static void a_scenario_that_only_b_has_is_worse_if_it_fails(void **state)
{
    struct made broken = quiet;

    (void)state;
    broken.check = "fail";
    add(&a, "shop", &quiet);
    add(&b, "shop", &quiet);
    add(&b, "new", &broken);
    gate(1, 0);
}

static void runs_of_b_without_a_verdict_are_not_judged(void **state)
{
    char line[400];

    (void)state;
    fill(&a, 5, quiet);
    fill(&b, 2, quiet);
    gate(0, 0);
    a.without = json_pack("{s:i}", "shop", 1); /* what was is no matter of the gate's */
    gate(0, 0);
    b.without = json_pack("{s:i}", "shop", 3);
    gate(0, 1);
    print_row("shop:", line, sizeof(line));
    assert_string_equal(line, "shop: 5 against 2 runs, 1 run of A without a verdict, "
                              "3 runs of B without a verdict\n");
    json_object_set_new(b.without, "new", json_integer(1)); /* of which nothing was judged yet */
    gate(0, 2);
    print_row("new:", line, sizeof(line));
    assert_string_equal(line, "new: nothing to compare, 1 run of B without a verdict\n");
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

static void row_is(const char *title, const char *expected)
{
    char line[400];

    print_row(title, line, sizeof(line));
    assert_string_equal(line, expected);
}

/* Median, its interval, and "~" where the difference is not beyond the noise. */
static void a_table_shows_medians_with_intervals_and_a_tilde_inside_the_noise(void **state)
{
    struct made slow = quiet;
    char line[400];

    (void)state;
    fill(&a, 8, quiet);
    fill(&b, 8, quiet);
    row_is("  latency p99", "  latency p99             10.5 ms [10.1 ms, 10.8 ms]        "
                           "10.5 ms [10.1 ms, 10.8 ms]        ~        same (p 1, n 8+8)\n");
    row_is("  spans lost,", "  spans lost, unexplained 0 of 80,000                       "
                           "0 of 80,000                       ~        same\n");
    hx_runs_fini(&b);
    memset(&b, 0, sizeof(b));
    b.path = "now";
    slow.p99_ms = 20;
    fill(&b, 8, slow);
    print_row("  latency p99", line, sizeof(line));
    assert_non_null(strstr(line, "10.5 ms [10.1 ms, 10.8 ms]"));
    assert_non_null(strstr(line, "20.9 ms [20.2 ms, 21.7 ms]"));
    assert_non_null(strstr(line, "+100.0 %"));
    assert_non_null(strstr(line, "worse (p "));
    assert_null(strchr(line, '~'));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

/* Named, with what it says; the rows are judged all the same. */
static void a_run_that_stood_still_is_named(void **state)
{
    json_t *result, *still, *row;

    (void)state;
    fill(&a, 5, quiet);
    fill(&b, 5, quiet);
    json_object_set_new(json_object_get(b.reports[3], "load"), "pauses",
                        json_pack("{s:i, s:i, s:i, s:f}", "count", 2, "longest_ns", 640000000,
                                  "total_ns", 800000000, "longest_at_s", 12.34));
    json_object_set_new(json_object_get(a.reports[1], "load"), "pauses",
                        json_pack("{s:i, s:i, s:i}", "count", 0, "longest_ns", 0, "total_ns", 0));
    json_object_set_new(b.reports[3], "started_at", json_string("2026-01-02T03:04:05.678Z"));
    result = hx_compare(&a, &b, false);
    still = json_object_get(json_array_get(json_object_get(result, "scenarios"), 0),
                            "stood_still");
    assert_int_equal(json_array_size(still), 1);
    row = json_array_get(still, 0);
    assert_string_equal(json_string_value(json_object_get(row, "side")), "b");
    assert_string_equal(json_string_value(json_object_get(row, "run")),
                        "2026-01-02T03:04:05.678Z");
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")),
                           "2 times for more than 100 ms, longest 640 ms at 12.3 s, 800 ms in "
                           "all"));
    assert_int_equal(hx_compare_worse(result), 0);
    json_decref(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_alike_are_the_same_in_every_row),
        TEST(slower_runs_are_worse_and_faster_ones_better),
        TEST(too_few_runs_say_nothing_of_time),
        TEST(times_of_another_machine_are_refused_by_name),
        TEST(another_revision_is_named_but_is_no_other_machine),
        TEST(noisy_runs_do_not_speak_of_time_but_of_counts),
        TEST(noisy_runs_are_shown_by_their_median),
        TEST(counts_that_come_by_chance_need_a_difference_beyond_chance),
        TEST(larger_spans_are_worse),
        TEST(instructions_are_compared_between_machines),
        TEST(instructions_that_one_side_lacks_are_not_judged),
        TEST(a_check_that_fails_now_is_named),
        TEST(a_run_that_stood_still_is_named),
        TEST(a_check_that_cannot_be_judged_now_is_not_judged),
        TEST(an_expectation_that_only_b_has_is_judged_by_itself),
        TEST(an_expectation_that_b_has_no_more_is_not_judged),
        TEST(a_scenario_that_only_a_has_is_not_judged),
        TEST(what_was_not_asked_for_of_a_baseline_is_left_out),
        TEST(runs_of_other_scenarios_do_not_make_a_baseline_of_times),
        TEST(a_scenario_that_only_b_has_is_worse_if_it_fails),
        TEST(runs_of_b_without_a_verdict_are_not_judged),
        TEST(scenarios_are_compared_each_with_itself),
        TEST(a_baseline_gives_expectations_on_counts_and_sizes),
        TEST(a_table_shows_medians_with_intervals_and_a_tilde_inside_the_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
