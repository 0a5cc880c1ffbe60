/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reports/set/set.h"

static json_t *load(const char *name)
{
    char path[200];
    json_t *report;

    snprintf(path, sizeof(path), "reports/tests/fixtures/%s.json", name);
    report = json_load_file(path, 0, NULL);
    assert_non_null(report);
    return report;
}

static void add(json_t *set, const char *scenario, unsigned nth, const json_t *report,
                const char *error)
{
    const struct rep_set_run run = {.scenario = scenario,
                                    .title = "A <b>title</b>",
                                    .claim = "It holds & \"holds\".",
                                    .dir = scenario,
                                    .nth = nth,
                                    .exit_status = report ? 1 : 3,
                                    .error = error,
                                    .report = report};

    assert_int_equal(rep_set_add(set, &run), OTEL_OK);
}

/* A set of a run that failed, one that was fine, one that never came to be and one that was not
 * begun. */
static json_t *some_set(void)
{
    json_t *set = rep_set_new("2026-01-02T03:04:05.678Z"), *failed = load("failed");
    json_t *minimal = load("minimal");
    const struct rep_set_run later = {.scenario = "later", .title = "Later", .claim = "It would.",
                                      .dir = "", .exit_status = 130, .not_begun = true};

    assert_non_null(set);
    add(set, "shop", 0, failed, NULL);
    add(set, "small", 2, minimal, NULL);
    add(set, "never", 0, NULL, "port 1 is <taken>");
    json_decref(failed);
    json_decref(minimal);
    assert_int_equal(rep_set_add(set, &later), OTEL_OK);
    return set;
}

static void holds(const struct rep_out *out, const char *text)
{
    assert_int_equal(out->err, OTEL_OK);
    if (memmem(out->buf.data, out->buf.len, text, strlen(text)) == NULL)
        fail_msg("not there: %s\n%.*s", text, (int)out->buf.len, out->buf.data);
}

static void holds_not(const struct rep_out *out, const char *text)
{
    if (memmem(out->buf.data, out->buf.len, text, strlen(text)) != NULL)
        fail_msg("is there: %s", text);
}

static void the_page_has_claim_verdict_measure_and_link(void **state)
{
    json_t *set = some_set();
    struct rep_out out;

    (void)state;
    rep_out_init(&out);
    rep_set_html(set, &out);
    holds(&out, "A &lt;b&gt;title&lt;/b&gt;");
    holds(&out, "href=\"./shop/report.html\"");
    holds(&out, "port 1 is &lt;taken&gt;");
    holds(&out, "run 2");
    holds(&out, "<div class=\"banner fail\"");
    holds(&out, "2 without a verdict, 1 not begun");
    holds(&out, "<b>Later</b><br>It would.</td><td><span class=\"badge not_begun\">NOT BEGUN");
    holds(&out, "the set was interrupted before it");
    holds_not(&out, "href=\".//report.html\"");
    holds_not(&out, "never/report.html"); /* there is none */
    holds_not(&out, "<script");
    rep_out_fini(&out);
    json_decref(set);
}

/* A row's cells behind the claim: held or not, why and what was measured, the time, the link. */
static void each_row_has_what_was_measured_the_time_and_a_link(void **state)
{
    json_t *set = some_set();
    struct rep_out out;

    (void)state;
    rep_out_init(&out);
    rep_set_html(set, &out);
    holds(&out, "<tr><th>claim</th><th>held?</th><th>measured</th><th class=\"n\">time</th>"
                "<th></th></tr>");
    holds(&out, "It holds &amp; &quot;holds&quot;.</td><td><span class=\"badge fail\">FAIL</span>"
                "</td><td class=\"w\"><b>One edge loses the context: order POST /orders -&gt; "
                "shipping process order.created.</b><br>15,000 requests, 174,469 spans, 17,500 "
                "traces, 240 spans lost, p99 13.6 ms</td><td class=\"n\">48.2 s</td><td>"
                "<a href=\"./shop/report.html\">report</a></td></tr>");
    /* No latency and no time are known of it, but it left a report. */
    holds(&out, "0 requests, 0 spans, 0 traces, 0 spans lost</td><td class=\"n\"></td><td>"
                "<a href=\"./small/report.html\">report</a></td></tr>");
    /* It left none. */
    holds(&out, "port 1 is &lt;taken&gt;</b><br></td><td class=\"n\"></td><td>never</td></tr>");
    rep_out_fini(&out);
    json_decref(set);
}

static void junit_has_a_suite_a_run_and_a_case_a_claim(void **state)
{
    json_t *set = some_set(), *failed = load("failed");
    size_t rows = json_array_size(json_object_get(failed, "checks")) +
                  json_array_size(json_object_get(failed, "expectations"));
    struct rep_out out;
    char text[120];

    (void)state;
    rep_out_init(&out);
    rep_set_junit(set, &out);
    snprintf(text, sizeof(text), "name=\"shop: It holds &amp; &quot;holds&quot;.\" tests=\"%zu\"",
             rows);
    holds(&out, text);
    holds(&out, "<failure type=\"verdict\" message=\"expected ");
    holds(&out, "<skipped message=");
    holds(&out, "<error type=\"fault\" message=\"port 1 is &lt;taken&gt;\"/>");
    holds(&out, "name=\"small run 2: ");
    holds(&out, "name=\"later: It would.\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"1\"");
    holds(&out, "<skipped message=\"the set was interrupted before it\"/>");
    rep_out_fini(&out);
    json_decref(failed);
    json_decref(set);
}

static void text_and_markdown_say_why_what_did_not_hold(void **state)
{
    const struct rep_render_options plain = {.colour = false, .columns = 100};
    json_t *set = some_set();
    struct rep_out out;

    (void)state;
    rep_out_init(&out);
    rep_set_text(set, &plain, &out);
    holds(&out, "FAIL");
    holds(&out, "port 1 is <taken>");
    holds(&out, "small, run 2");
    holds(&out, "2 without a verdict, 1 not begun\n");
    holds(&out, "NOT BEGUN     later");
    rep_out_fini(&out);
    rep_out_init(&out);
    rep_set_markdown(set, &out);
    holds(&out, "| FAIL | shop | It holds");
    holds(&out, "| NOT BEGUN | later | It would. | the set was interrupted before it |");
    rep_out_fini(&out);
    json_decref(set);
}

static void the_files_follow_their_schema(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char dir[] = "/tmp/set-test-XXXXXX", path[100];
    static const char *const files[] = {"set.json", "index.html", "junit.xml", "summary.md"};
    json_t *set = some_set();

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(rep_set_write(set, dir, &detail), OTEL_OK);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        assert_int_equal(access(path, R_OK), 0);
        unlink(path);
    }
    json_object_set_new(json_array_get(json_object_get(set, "runs"), 0), "verdict",
                        json_string("fine"));
    assert_int_equal(rep_set_write(set, dir, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, "runs[0].verdict");
    rmdir(dir);
    json_decref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_claim_verdict_measure_and_link),
        cmocka_unit_test(each_row_has_what_was_measured_the_time_and_a_link),
        cmocka_unit_test(junit_has_a_suite_a_run_and_a_case_a_claim),
        cmocka_unit_test(text_and_markdown_say_why_what_did_not_hold),
        cmocka_unit_test(the_files_follow_their_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
