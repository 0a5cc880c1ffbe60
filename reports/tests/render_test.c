/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reports/format.h"
#include "reports/tests/help.h"
#include "sdk/base/mem.h"

static const char *const fixtures[] = {"minimal", "failed", "hostile", "checkout", "broken"};
enum { FIXTURES = sizeof(fixtures) / sizeof(fixtures[0]) };

/* ---- numbers ------------------------------------------------------------------------------ */

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    assert_string_equal(rep_format_count(0).text, "0");
    assert_string_equal(rep_format_count(999).text, "999");
    assert_string_equal(rep_format_count(1234567).text, "1,234,567");
    assert_string_equal(rep_format_count(-1234).text, "-1,234");
    assert_string_equal(rep_format_count(INT64_MAX).text, "9,223,372,036,854,775,807");
    assert_string_equal(rep_format_count(INT64_MIN).text, "-9,223,372,036,854,775,808");
    assert_string_equal(rep_format_things(1, "run").text, "1 run");
    assert_string_equal(rep_format_things(0, "run").text, "0 runs");
    assert_string_equal(rep_format_things(117254, "span").text, "117,254 spans");
    assert_string_equal(rep_format_ns(0).text, "0 ns");
    assert_string_equal(rep_format_ns(999).text, "999 ns");
    assert_string_equal(rep_format_ns(742.4).text, "742 ns");
    assert_string_equal(rep_format_ns(1000).text, "1.00 \xc2\xb5s");
    assert_string_equal(rep_format_ns(45120).text, "45.1 \xc2\xb5s");
    assert_string_equal(rep_format_ns(999600).text, "1.00 ms");
    assert_string_equal(rep_format_ns(1234567).text, "1.23 ms");
    assert_string_equal(rep_format_ns(118.6e6).text, "119 ms");
    assert_string_equal(rep_format_ns(61e9).text, "61.0 s");
    assert_string_equal(rep_format_ns(5000e9).text, "5,000 s");
    assert_string_equal(rep_format_ns(-1365).text, "-1.36 \xc2\xb5s");
    assert_string_equal(rep_format_ns(-12).text, "-12 ns");
    assert_string_equal(rep_format_bytes(312).text, "312 B");
    assert_string_equal(rep_format_bytes(12345).text, "12.1 KiB");
    assert_string_equal(rep_format_bytes(8.0 * 1024 * 1024 * 1024).text, "8.00 GiB");
    assert_string_equal(rep_format_share(0.0713).text, "7.1 %");
    assert_string_equal(rep_format_share(1).text, "100 %");
    assert_string_equal(rep_format_number(499.6).text, "499.6");
    assert_string_equal(rep_format_number(12345.6).text, "12,346");
    assert_string_equal(rep_format_number(0.002941).text, "0.00294");
    assert_string_equal(rep_format_seconds(0.47).text, "470 ms");
}

/* ---- golden files ------------------------------------------------------------------------- */

static void hold_against_golden(const char *fixture, const char *format, const char *file)
{
    struct rep_model *model = help_fixture(fixture, "runs/checkout");
    char *text = help_render(model, format, NULL);
    char *golden;

    if (getenv("REP_WRITE_GOLDEN") != NULL)
        help_write("reports/tests/golden", file, text, 0644);
    golden = help_read("reports/tests/golden", file);
    assert_non_null(golden);
    assert_string_equal(text, golden);
    otl_mem_free(golden);
    otl_mem_free(text);
    rep_model_free(model);
}

static void junit_is_as_agreed(void **state)
{
    (void)state;
    hold_against_golden("failed", "junit", "failed.junit.golden");
    hold_against_golden("minimal", "junit", "minimal.junit.golden");
    hold_against_golden("hostile", "junit", "hostile.junit.golden");
    hold_against_golden("checkout", "junit", "checkout.junit.golden");
    hold_against_golden("broken", "junit", "broken.junit.golden");
}

static void markdown_is_as_agreed(void **state)
{
    (void)state;
    hold_against_golden("failed", "markdown", "failed.markdown.golden");
    hold_against_golden("minimal", "markdown", "minimal.markdown.golden");
    hold_against_golden("hostile", "markdown", "hostile.markdown.golden");
    hold_against_golden("checkout", "markdown", "checkout.markdown.golden");
    hold_against_golden("broken", "markdown", "broken.markdown.golden");
}

static void text_is_as_agreed(void **state)
{
    (void)state;
    hold_against_golden("failed", "text", "failed.text.golden");
    hold_against_golden("minimal", "text", "minimal.text.golden");
    hold_against_golden("checkout", "text", "checkout.text.golden");
    hold_against_golden("broken", "text", "broken.text.golden");
}

/* An edge's p99 that too few calls tell: the same words in every format. */
static void a_figure_that_too_few_tell_is_said_to_be(void **state)
{
    static const char *const formats[] = {"markdown", "text", "html"};
    static const char *const cells[] = {"| 1.55 ms | n/a |", "1.55 ms       n/a",
                                        "<td class=\"n\">1.55 ms</td><td class=\"n\">n/a</td>"};
    struct rep_model *model = help_fixture("checkout", "runs/checkout");

    (void)state;
    json_object_del(json_array_get(json_object_get(model->root, "edges"), 0), "p99_ns");
    for (size_t i = 0; i < 3; i++) {
        char *text = help_render(model, formats[i], NULL);
        assert_non_null(strstr(text, cells[i]));
        otl_mem_free(text);
    }
    rep_model_free(model);
}

/* ---- structure ---------------------------------------------------------------------------- */

/* Who stands out is told with what the same spans say without the attribute that names him. */
static void every_report_says_what_hiding_the_instances_does(void **state)
{
    static const char *const formats[] = {"markdown", "text", "html"};
    static const char *const said[] = {
        "**Stands out:** pod-3, named 17.7 s after the first symptom: 4 of 4. Without "
        "service.instance.id: whose cannot be told.\n",
        "  stands out pod-3, named 17.8 s after the first span and 17.7 s after the first symptom: "
        "4 of 4\n             without service.instance.id: whose cannot be told\n",
        "<code>service.instance.id</code>: whose cannot be told."};
    struct rep_model *model = help_fixture("checkout", "runs/checkout");

    (void)state;
    json_object_set_new(
        model->root, "namer",
        json_pack("{s:b, s:s, s:s, s:s, s:f, s:f, s:{s:b, s:s}}", "named", 1, "reason", "4 of 4",
                  "service", "pod", "instance", "pod-3", "after_s", 17.8, "named_after_symptom_s",
                  17.7, "without_instance_id", "named", 0, "reason", "whose cannot be told"));
    for (size_t i = 0; i < 3; i++) {
        char *text = help_render(model, formats[i], NULL);
        if (strstr(text, said[i]) == NULL)
            fail_msg("%s: %s", formats[i], text);
        otl_mem_free(text);
    }
    rep_model_free(model);
}

static void html_is_well_formed_whatever_the_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        struct rep_model *model = help_fixture(fixtures[i], "runs/x");
        char *html = help_render(model, "html", NULL);
        const char *problem = help_markup_problem(html, true);
        if (problem != NULL)
            fail_msg("%s: %s", fixtures[i], problem);
        otl_mem_free(html);
        rep_model_free(model);
    }
}

static void html_asks_nobody_for_anything(void **state)
{
    static const char *const never[] = {"<script", "javascript:", "src=\"http", "href=\"http",
                                        "url(",    "@import",     "<iframe",    "<link",
                                        "onload=", "<object",     NULL};

    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        struct rep_model *model = help_fixture(fixtures[i], "runs/x");
        char *html = help_render(model, "html", NULL);
        for (size_t k = 0; never[k] != NULL; k++)
            if (strstr(html, never[k]) != NULL)
                fail_msg("%s: %s", fixtures[i], never[k]);
        assert_non_null(strstr(html, "default-src 'none'"));
        otl_mem_free(html);
        rep_model_free(model);
    }
}

static void html_says_the_verdict_before_all_else(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    char *html = help_render(model, "html", NULL);
    const char *banner = strstr(html, "class=\"banner fail\"");
    const char *failed = strstr(html, "<section id=\"failed\"");
    const char *books = strstr(html, "<section id=\"books\"");

    (void)state;
    assert_non_null(banner);
    assert_non_null(strstr(banner, "One edge loses the context"));
    assert_true(failed > banner && books > failed);
    assert_non_null(strstr(books, ">174,469<"));
    otl_mem_free(html);
    rep_model_free(model);
}

static void junit_is_valid_xml_whatever_the_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIXTURES; i++) {
        struct rep_model *model = help_fixture(fixtures[i], "runs/x");
        char *xml = help_render(model, "junit", NULL);
        const char *problem = help_markup_problem(xml, false);
        if (problem != NULL)
            fail_msg("%s: %s", fixtures[i], problem);
        otl_mem_free(xml);
        rep_model_free(model);
    }
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *p = text; (p = strstr(p, word)) != NULL; p += strlen(word))
        count++;
    return count;
}

/* A fixture with its verdict changed and no row that shows it. */
static char *junit_of_bare_verdict(const char *verdict, int status)
{
    struct rep_model *model = help_fixture("minimal", "runs/x");
    char *xml;

    json_object_set_new(model->root, "verdict", json_string(verdict));
    json_object_set_new(model->root, "exit_status", json_integer(status));
    xml = help_render(model, "junit", NULL);
    rep_model_free(model);
    return xml;
}

static void junit_shows_a_verdict_that_no_row_explains(void **state)
{
    static const struct {
        const char *verdict, *element;
        int status;
    } cases[] = {{"fail", "<failure", 1}, {"inconclusive", "<skipped", 4}, {"none", "<error", 3}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *xml = junit_of_bare_verdict(cases[i].verdict, cases[i].status);
        assert_int_equal(occurrences(xml, cases[i].element), 1);
        assert_int_equal(occurrences(xml, "<testcase"), 1);
        otl_mem_free(xml);
    }
}

static void junit_with_nothing_claimed_is_valid_and_empty(void **state)
{
    char *xml = junit_of_bare_verdict("pass", 0);

    (void)state;
    assert_null(help_markup_problem(xml, false));
    assert_int_equal(occurrences(xml, "<testcase"), 0);
    assert_non_null(strstr(xml, "<testsuites name=\"nothing\" tests=\"0\""));
    otl_mem_free(xml);
}

static void inconclusive_is_skipped_and_never_a_pass(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    char *xml = help_render(model, "junit", NULL);
    const char *baggage = strstr(xml, "name=\"baggage:");

    (void)state;
    assert_non_null(baggage);
    assert_ptr_equal(strstr(baggage, "<skipped message=\"nothing to judge\"/>"),
                     strchr(baggage, '<'));
    assert_non_null(strstr(xml, "failures=\"2\" errors=\"0\" skipped=\"1\""));
    otl_mem_free(xml);
    rep_model_free(model);
}

static void no_name_reaches_the_terminal_as_a_command(void **state)
{
    struct rep_model *model = help_fixture("hostile", "runs/x");
    char *text = help_render(model, "text", NULL);

    (void)state;
    for (const char *p = text; *p != '\0'; p++)
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
    assert_null(strstr(text, "\xe2\x80\xae"));
    otl_mem_free(text);
    rep_model_free(model);
}

static void colour_is_only_for_those_who_want_it(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    struct rep_render_options options = {.colour = true, .columns = 80};
    char *text = help_render(model, "text", &options);
    int fd = fileno(tmpfile());

    (void)state;
    assert_ptr_equal(strstr(text, "\033[1;31mFAIL"), text);
    otl_mem_free(text);
    rep_render_options_for(&options, fd);
    assert_false(options.colour);
    text = help_render(model, "text", &options);
    assert_null(strchr(text, '\033'));
    otl_mem_free(text);
    rep_model_free(model);
}

static void json_passes_through_byte_for_byte(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_render_options options;
    struct rep_out out;
    char dir[300];
    char *source;

    (void)state;
    help_run_dir(dir, sizeof(dir), "failed");
    source = help_read(dir, "report.json");
    rep_render_options_init(&options);
    rep_out_init(&out);
    assert_int_equal(rep_render_one(dir, rep_renderer_find("json"), &options, &out, &detail),
                     OTEL_OK);
    assert_string_equal(out.buf.data, source);
    rep_out_fini(&out);
    otl_mem_free(source);
    help_remove(dir);
}

/* ---- what is no report -------------------------------------------------------------------- */

static void refused(const char *text, enum otel_err expected, const char *source, const char *why)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char dir[300];

    help_run_dir(dir, sizeof(dir), NULL);
    if (text != NULL)
        help_write(dir, "report.json", text, 0644);
    assert_int_equal(rep_render_all(dir, &detail), expected);
    assert_non_null(strstr(detail.source, source));
    assert_non_null(strstr(detail.text, why));
    assert_false(help_exists(dir, "report.html"));
    assert_false(help_exists(dir, "plots"));
    help_remove(dir);
}

static void what_is_no_report_is_refused_with_the_place(void **state)
{
    (void)state;
    refused(NULL, OTEL_ERR_NOT_FOUND, "report.json", "No such file");
    refused("", OTEL_ERR_SYNTAX, "report.json", "");
    refused("{\"schema\": \"tracerig.report/1\",", OTEL_ERR_SYNTAX, "report.json", "");
    refused("{\"schema\": \"tracerig.report/1\"}", OTEL_ERR_SYNTAX, "report.json", "must have");
    refused("[]", OTEL_ERR_SYNTAX, "report.json", "(document): must be of type");
}

static void a_wrong_field_is_named_by_its_path(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_model *good = help_fixture("failed", "runs/x");
    struct rep_model *model = NULL;
    json_t *root = json_deep_copy(good->root);
    json_t *edge = json_array_get(json_object_get(root, "edges"), 3);

    (void)state;
    json_object_set_new(edge, "kind", json_string("carrier pigeon"));
    assert_int_equal(rep_model_take(root, "runs/x", &model, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, "edges[3].kind");
    assert_null(model);
    rep_model_free(good);
}

/* Whatever allocation fails, a renderer says so or is right; it never writes half a text. */
static void memory_may_end_at_any_point(void **state)
{
    static const char *const formats[] = {"html", "junit", "markdown", "text", "json"};
    struct rep_model *model = help_fixture("failed", "runs/x");
    struct rep_render_options options;

    (void)state;
    rep_render_options_init(&options);
    for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
        char *whole = help_render(model, formats[f], NULL);
        enum otel_err err = OTEL_ERR_MEMORY;
        for (unsigned long n = 1; err != OTEL_OK && n < 200; n++) {
            struct rep_plots *none = otl_mem_zalloc(1u << 16); /* count 0 */
            struct rep_out out;
            rep_out_init(&out);
            otl_mem_fail_at(n);
            rep_renderer_find(formats[f])->render(model, none, &options, &out);
            otl_mem_fail_at(0);
            err = out.err;
            if (err != OTEL_OK) {
                assert_int_equal(err, OTEL_ERR_MEMORY);
            } else if (strcmp(out.buf.data, whole) != 0) {
                assert_string_equal(formats[f], "html"); /* only the topology may be left out */
                assert_non_null(strstr(out.buf.data, "no memory for a picture"));
                err = OTEL_ERR_MEMORY;
            }
            rep_out_fini(&out);
            otl_mem_free(none);
        }
        assert_int_equal(err, OTEL_OK);
        otl_mem_free(whole);
    }
    rep_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(junit_is_as_agreed),
        cmocka_unit_test(markdown_is_as_agreed),
        cmocka_unit_test(text_is_as_agreed),
        cmocka_unit_test(a_figure_that_too_few_tell_is_said_to_be),
        cmocka_unit_test(every_report_says_what_hiding_the_instances_does),
        cmocka_unit_test(html_is_well_formed_whatever_the_names),
        cmocka_unit_test(html_asks_nobody_for_anything),
        cmocka_unit_test(html_says_the_verdict_before_all_else),
        cmocka_unit_test(junit_is_valid_xml_whatever_the_names),
        cmocka_unit_test(junit_shows_a_verdict_that_no_row_explains),
        cmocka_unit_test(junit_with_nothing_claimed_is_valid_and_empty),
        cmocka_unit_test(inconclusive_is_skipped_and_never_a_pass),
        cmocka_unit_test(no_name_reaches_the_terminal_as_a_command),
        cmocka_unit_test(colour_is_only_for_those_who_want_it),
        cmocka_unit_test(json_passes_through_byte_for_byte),
        cmocka_unit_test(what_is_no_report_is_refused_with_the_place),
        cmocka_unit_test(a_wrong_field_is_named_by_its_path),
        cmocka_unit_test(memory_may_end_at_any_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
