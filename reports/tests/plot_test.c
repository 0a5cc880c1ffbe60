/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "reports/plot/gnuplot.h"
#include "reports/plot/plot.h"
#include "reports/tests/help.h"
#include "sdk/base/mem.h"

/* A PATH on which gnuplot is what script says (NULL: there is none). */
static void set_gnuplot(const char *dir, const char *script)
{
    if (script != NULL)
        help_write(dir, "gnuplot", script, 0755);
    assert_int_equal(setenv("PATH", dir, 1), 0);
}

static char *old_path;

static int keep_path(void **state)
{
    (void)state;
    old_path = otl_mem_strdup(getenv("PATH"));
    return 0;
}

static int restore_path(void **state)
{
    (void)state;
    setenv("PATH", old_path, 1);
    otl_mem_free(old_path);
    return 0;
}

static void draw(const char *dir)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err = rep_render_all(dir, &detail);

    if (err != OTEL_OK)
        fail_msg("%s: %s", detail.source, detail.text);
}

static void every_plot_is_a_file_and_inside_the_report(void **state)
{
    static const char *const files[] = {"plots/percentiles.svg", "plots/percentiles-dark.svg",
                                        "plots/percentiles.gp",  "plots/percentiles.dat",
                                        "plots/histogram.svg",   "plots/time-rate.svg",
                                        "plots/time-latency.svg"};
    char dir[300];
    char *html;

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    draw(dir);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *text = help_read(dir, files[i]);
        if (text == NULL || *text == '\0')
            fail_msg("%s is missing", files[i]);
        if (strstr(files[i], ".svg") != NULL)
            assert_non_null(strstr(text, "</svg>"));
        otl_mem_free(text);
    }
    html = help_read(dir, "report.html");
    assert_null(strstr(html, "is missing:"));
    assert_non_null(
        strstr(html, "<img alt=\"Latency by percentile\" src=\"data:image/svg+xml;base64,"));
    assert_null(help_markup_problem(html, true));
    assert_true(help_exists(dir, "junit.xml") && help_exists(dir, "summary.md"));
    otl_mem_free(html);
    help_remove(dir);
}

/* report.json in dir with at most so many points a series, and a warm-up of no length. */
static void shorten(const char *dir, size_t points)
{
    char *text = help_read(dir, "report.json");
    json_t *root = json_loads(text, 0, NULL), *row;
    size_t i;

    otl_mem_free(text);
    json_array_foreach(json_object_get(root, "series"), i, row) {
        json_t *list = json_object_get(row, "points");
        while (json_array_size(list) > points)
            json_array_remove(list, json_array_size(list) - 1);
    }
    json_array_foreach(json_object_get(root, "phases"), i, row) {
        if (strcmp(json_string_value(json_object_get(row, "name")), "warm-up") == 0)
            json_object_set_new(row, "end_s", json_real(0.001));
    }
    text = json_dumps(root, JSON_COMPACT);
    help_write(dir, "report.json", text, 0644);
    free(text);
    json_decref(root);
}

static void consumers_lie_on_one_axis(void **state)
{
    static const char more[] =
        "[{\"id\": \"handler.0.0\", \"title\": \"it's-0\", \"panel\": \"handler\","
        "  \"unit\": \"ns\","
        "  \"points\": [[1, 2e6], [2, 4.2e9]], \"tags\": {\"instance\": \"it's-0\"}},"
        " {\"id\": \"lag.0.0\", \"title\": \"it's-0\", \"panel\": \"lag\","
        "  \"unit\": \"count\","
        "  \"points\": [[1, 0], [2, 90]], \"tags\": {\"instance\": \"it's-0\"}}]";
    json_t *root, *list = json_loads(more, 0, NULL);
    char dir[300];
    char *text;

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    text = help_read(dir, "report.json");
    root = json_loads(text, 0, NULL);
    otl_mem_free(text);
    json_array_extend(json_object_get(root, "series"), list);
    json_object_set_new(root, "events",
                        json_loads("[{\"at_s\": 1.5, \"what\": \"expelled\", \"target\": \"x\","
                                   "  \"text\": \"t\"}]", 0, NULL));
    text = json_dumps(root, JSON_COMPACT);
    help_write(dir, "report.json", text, 0644);
    free(text);
    json_decref(root);
    json_decref(list);
    draw(dir);
    assert_true(help_exists(dir, "plots/group.svg") && help_exists(dir, "plots/group-dark.svg"));
    assert_false(help_exists(dir, "plots/time-handler.svg"));
    text = help_read(dir, "plots/group.svg");
    assert_non_null(strstr(text, "put out"));
    assert_non_null(strstr(text, "it_s-0"));
    otl_mem_free(text);
    text = help_read(dir, "report.html");
    assert_non_null(strstr(text, "alt=\"Consumers on one time axis\""));
    otl_mem_free(text);
    help_remove(dir);
}

static void a_run_of_one_sample_is_said_to_be_too_short(void **state)
{
    char dir[300];
    char *html, *script;

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    draw(dir);
    assert_true(help_exists(dir, "plots/time-rate.svg"));
    shorten(dir, 2);
    draw(dir);
    assert_true(help_exists(dir, "plots/time-rate.svg"));
    script = help_read(dir, "plots/time-rate.gp");
    assert_null(strstr(script, "'warm-up'")); /* the window cannot be seen */
    otl_mem_free(script);
    shorten(dir, 1);
    draw(dir);
    assert_false(help_exists(dir, "plots/time-rate.svg"));
    html = help_read(dir, "report.html");
    assert_non_null(strstr(html, "Too short to plot"));
    assert_null(strstr(html, "is missing:"));
    otl_mem_free(html);
    help_remove(dir);
}

static void hostile_names_draw_and_start_nothing(void **state)
{
    char dir[300];
    char *script;
    char *html;

    (void)state;
    help_run_dir(dir, sizeof(dir), "hostile");
    draw(dir);
    html = help_read(dir, "report.html");
    assert_null(strstr(html, "is missing:"));
    assert_null(help_markup_problem(html, true));
    otl_mem_free(html);
    script = help_read(dir, "plots/time-rate.gp");
    assert_non_null(strstr(script, "_script_alert(1)"));
    assert_null(strchr(script, '`'));
    assert_null(strstr(script, "<script"));
    otl_mem_free(script);
    help_remove(dir);
}

static void without_gnuplot_the_report_names_what_is_missing(void **state)
{
    char dir[300];
    char bin[300];
    char *html;

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    help_run_dir(bin, sizeof(bin), NULL);
    draw(dir);
    assert_true(help_exists(dir, "plots/histogram.svg"));
    set_gnuplot(bin, NULL);
    draw(dir);
    setenv("PATH", old_path, 1);
    html = help_read(dir, "report.html");
    assert_non_null(strstr(html, "Plot <code>plots/percentiles.svg</code> is missing: gnuplot is "
                                 "not installed."));
    assert_non_null(strstr(html, "plots/time-rate.svg</code> is missing"));
    assert_null(help_markup_problem(html, true));
    assert_false(help_exists(dir, "plots/histogram.svg")); /* of the earlier run */
    assert_true(help_exists(dir, "plots/histogram.gp"));
    otl_mem_free(html);
    help_remove(dir);
    help_remove(bin);
}

static void a_picture_is_whole_or_not_there(void **state)
{
    static const struct {
        const char *script, *problem;
    } cases[] = {
        {"#!/bin/sh\necho '<svg>half' > \"$3\"\necho \"$2\" >&2\necho 'line 3: bad <word>' >&2\n"
         "exit 1\n",
         "gnuplot failed: line 3: bad &lt;word&gt;"},
        {"#!/bin/sh\necho '<svg>half' > \"$3\"\n", "gnuplot left no whole picture"},
        {"#!/bin/sh\nexit 0\n", "gnuplot left no whole picture"},
        {"#!/bin/sh\nkill -9 $$\n", "gnuplot was killed by signal 9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char dir[300];
        char bin[300];
        char *html;
        help_run_dir(dir, sizeof(dir), "failed");
        help_run_dir(bin, sizeof(bin), NULL);
        set_gnuplot(bin, cases[i].script);
        draw(dir);
        setenv("PATH", old_path, 1);
        html = help_read(dir, "report.html");
        if (strstr(html, cases[i].problem) == NULL)
            fail_msg("not said: %s", cases[i].problem);
        assert_false(help_exists(dir, "plots/percentiles.svg"));
        assert_false(help_exists(dir, "plots/percentiles.svg.part"));
        otl_mem_free(html);
        help_remove(dir);
        help_remove(bin);
    }
}

static void a_gnuplot_that_hangs_is_ended(void **state)
{
    struct rep_gnuplot_run run = {
        .script = "x.gp", .output = "x", .theme = "light", .limit_seconds = 1};
    struct timespec before;
    struct timespec after;
    char problem[200] = "";
    char bin[300];

    (void)state;
    help_run_dir(bin, sizeof(bin), NULL);
    /* Bytes without end on stderr, too, faster than they are read: they must neither block nor
     * pile up nor keep it alive. */
    set_gnuplot(bin, "#!/bin/sh\nexec /bin/cat /dev/zero >&2\n");
    run.dir = bin;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(rep_gnuplot(&run, problem, sizeof(problem)), OTEL_ERR_TIMEOUT);
    clock_gettime(CLOCK_MONOTONIC, &after);
    setenv("PATH", old_path, 1);
    assert_string_equal(problem, "gnuplot took longer than 1 s");
    assert_in_range(after.tv_sec - before.tv_sec, 1, 20);
    help_remove(bin);
}

static void the_scripts_draw_again_by_hand(void **state)
{
    struct rep_gnuplot_run run = {
        .script = "percentiles.gp", .output = "again.svg", .theme = "dark", .limit_seconds = 20};
    char problem[200] = "";
    char dir[300];
    char plots[320];

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    draw(dir);
    snprintf(plots, sizeof(plots), "%s/plots", dir);
    run.dir = plots;
    assert_int_equal(rep_gnuplot(&run, problem, sizeof(problem)), OTEL_OK);
    assert_true(help_exists(plots, "again.svg"));
    help_remove(dir);
}

/* A disk that is full: the report of before stays, nothing half-written is left. */
static void a_full_disk_leaves_the_old_report(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rlimit limit;
    struct rlimit small;
    char dir[300];
    char *before;
    char *after;

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    draw(dir);
    before = help_read(dir, "report.html");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 6000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(rep_render_all(dir, &detail), OTEL_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_non_null(strstr(detail.source, "report.html"));
    assert_non_null(strstr(detail.text, "cannot write"));
    after = help_read(dir, "report.html");
    assert_string_equal(before, after);
    assert_false(help_exists(dir, "report.html.tmp"));
    otl_mem_free(before);
    otl_mem_free(after);
    help_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plot_is_a_file_and_inside_the_report),
        cmocka_unit_test(a_run_of_one_sample_is_said_to_be_too_short),
        cmocka_unit_test(consumers_lie_on_one_axis),
        cmocka_unit_test(hostile_names_draw_and_start_nothing),
        cmocka_unit_test(without_gnuplot_the_report_names_what_is_missing),
        cmocka_unit_test(a_picture_is_whole_or_not_there),
        cmocka_unit_test(a_gnuplot_that_hangs_is_ended),
        cmocka_unit_test(the_scripts_draw_again_by_hand),
        cmocka_unit_test(a_full_disk_leaves_the_old_report),
    };

    return cmocka_run_group_tests(tests, keep_path, restore_path);
}
