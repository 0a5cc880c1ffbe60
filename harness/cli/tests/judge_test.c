/* SPDX-License-Identifier: Apache-2.0 */
/* The one sentence under the verdict: causes by title, the nearest to the root first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/commands.h"
#include "harness/cli/judge.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_are_told_by_title_and_cause_first),
        cmocka_unit_test(a_claim_alone_is_told_by_its_text),
        cmocka_unit_test(what_could_not_be_judged_is_told_with_its_reason),
        cmocka_unit_test(long_titles_are_cut_between_characters),
    };

    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
