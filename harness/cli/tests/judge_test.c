/* SPDX-License-Identifier: Apache-2.0 */
/* The one sentence under the verdict: causes by title, the nearest to the root first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/commands.h"
#include "harness/cli/judge.h"
#include "sdk/base/file.h"

static json_t *check(const char *id, const char *title, const char *verdict, const char *observed)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "id", id, "title", title, "verdict", verdict,
                     "observed", observed);
}

static json_t *claim(const char *id, const char *text, const char *verdict)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "id", id, "text", text, "verdict", verdict,
                     "observed", "12 calls, 11 complete");
}

static const char *reason_of(json_t *report, int status)
{
    const struct hx_run_end end = {.interrupted = false};

    assert_int_equal(hx_judge(report, &end), status);
    return json_string_value(json_object_get(report, "reason"));
}

static void failures_are_told_by_title_and_cause_first(void **state)
{
    json_t *report = json_pack(
        "{s:[o,o,o], s:[o,o]}", "checks",
        check("processes", "Every process ran", "fail", "1 incidents"),
        check("propagation", "The context is carried over every hop", "fail", "2 wrong of 9"),
        check("traces", "Received traces hang together", "fail", "1 wrong of 4"), "expectations",
        claim("required.1", "required: a -> b", "fail"),
        claim("check.traces", "check traces", "fail"));

    (void)state;
    assert_string_equal(
        reason_of(report, HX_EXIT_VERDICT),
        "4 failed: \"Every process ran\" (1 incidents); \"The context is carried over every hop\" "
        "(2 wrong of 9); \"Received traces hang together\" (1 wrong of 4); and 1 more.");
    json_decref(report);
}

static void a_claim_alone_is_told_by_its_text(void **state)
{
    json_t *report = json_pack("{s:[o], s:[o]}", "checks", check("a", "A", "pass", ""),
                               "expectations", claim("required.1", "required: a -> b", "fail"));

    (void)state;
    assert_string_equal(reason_of(report, HX_EXIT_VERDICT),
                        "1 failed: \"required: a -> b\" (12 calls, 11 complete).");
    json_decref(report);
}

static void what_could_not_be_judged_is_told_with_its_reason(void **state)
{
    json_t *report = json_pack("{s:[o], s:[]}", "checks",
                               check("a", "Counters agree", "inconclusive", "none"),
                               "expectations");

    (void)state;
    json_object_set_new(json_array_get(json_object_get(report, "checks"), 0), "reason",
                        json_string("explained by count only"));
    assert_string_equal(reason_of(report, HX_EXIT_INCONCLUSIVE),
                        "Not to be judged: \"Counters agree\" (explained by count only).");
    json_decref(report);
}

static void long_titles_are_cut_between_characters(void **state)
{
    char title[400] = "";
    json_t *report;

    (void)state;
    for (size_t i = 0; i < 130; i++)
        strncat(title, "\xe2\x82\xac", sizeof(title) - strlen(title) - 1);
    report = json_pack("{s:[o,o,o,o], s:[]}", "checks", check("a", title, "fail", title),
                       check("b", title, "fail", title), check("c", title, "fail", title),
                       check("d", title, "fail", title), "expectations");
    assert_non_null(reason_of(report, HX_EXIT_VERDICT)); /* jansson refuses what is no UTF-8 */
    assert_non_null(strstr(reason_of(report, HX_EXIT_VERDICT), "and 1 more."));
    json_decref(report);
}

static void what_holds_is_told_in_numbers_that_can_be_read(void **state)
{
    json_t *report = json_pack("{s:[o,o], s:[], s:{s:i, s:i}, s:{s:i}}", "checks",
                               check("a", "A", "pass", "-"), check("b", "B", "pass", "-"),
                               "expectations", "spans", "started", 117254, "lost_unexplained", 0,
                               "traces", "expected", 1);

    (void)state;
    assert_string_equal(reason_of(report, HX_EXIT_OK),
                        "All 2 checks and claims hold: 117,254 spans of 1 trace accounted for, 0 "
                        "lost without an explanation.");
    json_decref(report);
}

/* One that reads the reason alone knows what happened. */
static void what_a_process_did_is_told_not_counted(void **state)
{
    json_t *one = json_pack("[{s:s, s:s}]", "text", "pay-0 died during the run: exit 7", "service",
                            "pay-0");
    json_t *two = json_pack("[{s:s}, {s:s}]", "text", "pay-0 died", "text", "tax-1 did not stop");
    json_t *row, *report;

    (void)state;
    row = hx_judge_processes(one);
    report = json_pack("{s:[o], s:[]}", "checks", row, "expectations");
    assert_string_equal(reason_of(report, HX_EXIT_VERDICT),
                        "1 failed: \"Every process ran until it was asked to stop\" (pay-0 died "
                        "during the run: exit 7).");
    json_decref(report);
    row = hx_judge_processes(two);
    assert_string_equal(json_string_value(json_object_get(row, "observed")),
                        "2 incidents, the first: pay-0 died");
    assert_int_equal(json_array_size(json_object_get(row, "evidence")), 2);
    json_decref(row);
    json_decref(one);
    json_decref(two);
}

/* The check is there, whatever the length of what is told: without it a run could pass. */
static void a_long_incident_is_cut_between_characters(void **state)
{
    char text[1200];

    (void)state;
    for (size_t lead = 0; lead < 3; lead++) {
        json_t *incidents, *row;
        memset(text, 'x', lead);
        text[lead] = '\0';
        while (strlen(text) + 4 < sizeof(text))
            strncat(text, "\xe2\x82\xac", sizeof(text) - strlen(text) - 1);
        for (size_t count = 1; count <= 2; count++) {
            incidents = json_array();
            for (size_t i = 0; i < count; i++)
                assert_int_equal(json_array_append_new(incidents, json_pack("{s:s}", "text", text)),
                                 0);
            row = hx_judge_processes(incidents);
            assert_non_null(row);
            assert_string_equal(json_string_value(json_object_get(row, "verdict")), "fail");
            json_decref(row);
            json_decref(incidents);
        }
    }
}

/* The longest that the runner tells, and as one of several. */
static void an_incident_of_the_runner_is_told_whole(void **state)
{
    char text[640];
    json_t *incidents, *row;
    const char *observed;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    incidents = json_pack("[{s:s}, {s:s}]", "text", text, "text", "pay-0 died");
    row = hx_judge_processes(incidents);
    observed = json_string_value(json_object_get(row, "observed"));
    assert_non_null(observed);
    assert_non_null(strstr(observed, text));
    json_decref(row);
    json_decref(incidents);
}

static json_t *failing(void)
{
    return json_pack("{s:[o], s:[]}", "checks", check("a", "A", "fail", "-"), "expectations");
}

/* What the directory dir says of how its run ended, and the exit status that comes of it. */
static int judged_end(const char *dir, struct hx_run_end *end)
{
    json_t *report = failing();
    int status;

    assert_int_equal(hx_run_end_read(dir, end, NULL), OTEL_OK);
    assert_true(json_is_array(end->incidents));
    json_decref(end->incidents);
    status = hx_judge(report, end);
    json_decref(report);
    return status;
}

static void a_run_is_judged_again_by_how_it_ended(void **state)
{
    char dir[] = "/tmp/tracerig-judge.XXXXXX", path[64];
    struct hx_run_end end = {.interrupted = true}, found;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/run.json", dir);
    assert_int_equal(judged_end(dir, &found), HX_EXIT_INCONCLUSIVE); /* nobody says how */
    assert_int_equal(hx_run_end_write(dir, &end, NULL), OTEL_OK);
    assert_int_equal(judged_end(dir, &found), HX_EXIT_INTERRUPTED);
    end.interrupted = false;
    snprintf(end.fault, sizeof(end.fault), "port 80: taken, cut in a sign: \xe2\x82");
    assert_int_equal(hx_run_end_write(dir, &end, NULL), OTEL_OK);
    assert_int_equal(judged_end(dir, &found), HX_EXIT_FAULT);
    assert_string_equal(found.fault, "port 80: taken, cut in a sign: ");
    end.fault[0] = '\0';
    assert_int_equal(hx_run_end_write(dir, &end, NULL), OTEL_OK);
    assert_int_equal(judged_end(dir, &found), HX_EXIT_VERDICT);
    assert_int_equal(otl_file_write(path, "[]", 2, NULL), OTEL_OK);
    assert_int_equal(hx_run_end_read(dir, &found, NULL), OTEL_ERR_SYNTAX);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* Neither a pass nor a verdict: it may have been killed while it was still sending. */
static void an_end_that_nobody_recorded_is_inconclusive_at_best(void **state)
{
    const struct hx_run_end end = {.unknown = true};
    json_t *good = json_pack("{s:[o], s:[]}", "checks", check("a", "A", "pass", "-"),
                             "expectations");
    json_t *bad = failing();

    (void)state;
    assert_int_equal(hx_judge(good, &end), HX_EXIT_INCONCLUSIVE);
    assert_int_equal(hx_judge(bad, &end), HX_EXIT_INCONCLUSIVE);
    assert_non_null(strstr(json_string_value(json_object_get(bad, "reason")), "no run.json"));
    json_decref(good);
    json_decref(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_are_told_by_title_and_cause_first),
        cmocka_unit_test(a_claim_alone_is_told_by_its_text),
        cmocka_unit_test(what_a_process_did_is_told_not_counted),
        cmocka_unit_test(a_long_incident_is_cut_between_characters),
        cmocka_unit_test(an_incident_of_the_runner_is_told_whole),
        cmocka_unit_test(what_could_not_be_judged_is_told_with_its_reason),
        cmocka_unit_test(long_titles_are_cut_between_characters),
        cmocka_unit_test(a_run_is_judged_again_by_how_it_ended),
        cmocka_unit_test(an_end_that_nobody_recorded_is_inconclusive_at_best),
        cmocka_unit_test(what_holds_is_told_in_numbers_that_can_be_read),
    };

    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
