/* SPDX-License-Identifier: Apache-2.0 */
/* Which runs of a directory have a verdict, and which should have one. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "harness/gate/runs.h"
#include "sdk/base/file.h"

#define REPORT "reports/tests/fixtures/minimal.json"

static char set[64];
static struct hx_runs runs;

static int start(void **state)
{
    (void)state;
    snprintf(set, sizeof(set), "/tmp/tracerig-runs.XXXXXX");
    return mkdtemp(set) == NULL;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static int stop(void **state)
{
    (void)state;
    hx_runs_fini(&runs);
    return nftw(set, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", set, dir);
    assert_int_equal(otl_make_dirs(path, NULL), OTEL_OK);
    snprintf(path, sizeof(path), "%s/%s/%s", set, dir, name);
    assert_int_equal(otl_file_write(path, text, strlen(text), NULL), OTEL_OK);
}

/* A run of a scenario that came to an end. */
static void put_report(const char *dir, const char *scenario, const char *verdict)
{
    json_t *report = json_load_file(REPORT, 0, NULL);
    char *text;

    assert_non_null(report);
    json_object_set_new(json_object_get(report, "scenario"), "name", json_string(scenario));
    json_object_set_new(report, "verdict", json_string(verdict));
    text = json_dumps(report, 0);
    assert_non_null(text);
    put(dir, "report.json", text);
    free(text);
    json_decref(report);
}

static void load(size_t count)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (hx_runs_load(set, &runs, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    assert_int_equal(runs.count, count);
}

static void each_run_that_has_no_verdict_is_counted(void **state)
{
    (void)state;
    put_report("shop-1", "shop", "pass");
    put_report("shop-2", "shop", "fail");
    put_report("shop-3", "shop", "none");
    put("shop-4", "scenario.yaml", "# Killed before its report.\nname: shop\nservices: {}\n");
    put("pay-1", "scenario.yaml", "name: pay\n");
    put("plots", "p50.svg", "<svg/>");
    load(2);
    assert_int_equal(hx_runs_without(&runs, "shop"), 2);
    assert_int_equal(hx_runs_without(&runs, "pay"), 1);
    assert_int_equal(json_object_size(runs.without), 2);
}

static void what_a_set_has_not_begun_is_counted(void **state)
{
    (void)state;
    put_report("shop-1", "shop", "pass");
    put(".", "set.json",
        "{\"runs\": [{\"scenario\": \"shop\", \"dir\": \"shop-1\", \"verdict\": \"pass\"},"
        " {\"scenario\": \"shop\", \"dir\": \"\", \"verdict\": \"not_begun\"},"
        " {\"scenario\": \"pay\", \"dir\": \"\", \"verdict\": \"not_begun\"}]}");
    load(1);
    assert_int_equal(hx_runs_without(&runs, "shop"), 1);
    assert_int_equal(hx_runs_without(&runs, "pay"), 1);
}

static void a_whole_set_lacks_nothing(void **state)
{
    (void)state;
    put_report("shop-1", "shop", "pass");
    put("shop-1", "scenario.yaml", "name: shop\n");
    put_report("shop-2", "shop", "inconclusive");
    load(2);
    assert_int_equal(hx_runs_without(&runs, "shop"), 0);
}

static void runs_of_which_none_has_a_verdict_are_no_runs(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    put_report("shop-1", "shop", "none");
    assert_int_equal(hx_runs_load(set, &runs, &detail), OTEL_ERR_NOT_FOUND);
    assert_non_null(strstr(detail.text, "holds no report.json of a judged run"));
}

/* What is no JSON, what is another schema's, and what has this one's name and not its form. */
static void what_is_no_report_is_told_as_what_it_is(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"# a scenario\n", "no report.json: '[' or '{' expected near '#'"},
        {"{\"schema\": \"tracerig.report/2\"}",
         "no report of schema tracerig.report/1 (it says 'tracerig.report/2'): "},
        {"{\"schema\": 5}", "no report of schema tracerig.report/1: "},
        {"{\"schema\": \"tracerig.report/1\"}", "not what tracerig.report/1 says: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        put("shop-1", "report.json", cases[i].text);
        assert_int_not_equal(hx_runs_load(set, &runs, &detail), OTEL_OK);
        hx_runs_fini(&runs);
        if (strncmp(detail.text, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("said: %s", detail.text);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_run_that_has_no_verdict_is_counted),
        TEST(what_a_set_has_not_begun_is_counted),
        TEST(a_whole_set_lacks_nothing),
        TEST(runs_of_which_none_has_a_verdict_are_no_runs),
        TEST(what_is_no_report_is_told_as_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
