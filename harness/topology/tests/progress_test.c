/* SPDX-License-Identifier: Apache-2.0 */
/* What is said while it runs: of the load as long as there is one, and no figure that there is
 * none of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/topology/parts.h"

static struct hx_run run;
static struct hx_child load;
static int ends[2];

static int start(void **state)
{
    (void)state;
    memset(&run, 0, sizeof(run));
    memset(&load, 0, sizeof(load));
    run.series = json_array();
    run.load = &load;
    run.started_mono_ns = run.load_start_ns = otl_clock_mono(otl_clock_real());
    run.spans_received = 4321;
    run.phases[0].name = "measure";
    run.phase_count = 1;
    assert_int_equal(pipe(ends), 0);
    run.options.progress_fd = ends[1];
    return 0;
}

static int stop(void **state)
{
    (void)state;
    json_decref(run.series);
    json_decref(load.progress);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void said(double asked, double achieved, uint64_t p50_ns, uint64_t p99_ns)
{
    json_decref(load.progress);
    load.progress = json_pack("{s:f, s:f, s:i, s:I, s:I, s:i}", "rate_asked", asked,
                              "rate_achieved", achieved, "in_flight", 1, "p50_ns",
                              (json_int_t)p50_ns, "p99_ns", (json_int_t)p99_ns, "errors", 0);
}

/* One tick; the line that came of it has this in it. */
static void tick(const char *text, bool there)
{
    char line[600];
    ssize_t len;

    hx_run_tick(&run);
    len = read(ends[0], line, sizeof(line) - 1);
    assert_true(len > 0);
    line[len] = '\0';
    if ((strstr(line, text) != NULL) != there)
        fail_msg("'%s' %s '%s'", line, there ? "has no" : "has", text);
}

static size_t points(const char *id)
{
    const json_t *series;
    size_t index;

    json_array_foreach(run.series, index, series)
        if (strcmp(json_string_value(json_object_get(series, "id")), id) == 0)
            return json_array_size(json_object_get(series, "points"));
    return 0;
}

static void figures_of_the_load_end_with_it(void **state)
{
    (void)state;
    said(150, 144, 2000000, 3000000);
    tick("144 of 150 req/s  in flight 1  p50 2ms  p99 3ms", true);
    assert_int_equal(points("rate_asked"), 1);
    run.load_end_ns = run.load_start_ns + 1;
    run.phases[0].name = "drain";
    tick("drain    spans 4321  dropped 0", true);
    tick("req/s", false);
    tick("in flight", false);
    assert_int_equal(points("rate_asked"), 1);
    assert_int_equal(points("rate_achieved"), 1);
    assert_int_equal(points("in_flight"), 1);
    assert_int_equal(points("errors"), 1);
    assert_int_equal(points("spans_received"), 4);
}

static void a_second_without_an_answer_has_no_median(void **state)
{
    (void)state;
    said(500, 487, 0, 0);
    tick("487 of 500 req/s  in flight 1  p50 -  p99 -  errors 0", true);
}

static void low_rates_have_a_decimal(void **state)
{
    (void)state;
    said(0.5, 0.4, 0, 0);
    tick("  0.4 of 0.5 req/s", true);
    said(9.96, 9.94, 0, 0);
    tick("  9.9 of 10 req/s", true);
    said(12.4, 0, 0, 0);
    tick("  0 of 12 req/s", true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(figures_of_the_load_end_with_it),
        TEST(a_second_without_an_answer_has_no_median),
        TEST(low_rates_have_a_decimal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
