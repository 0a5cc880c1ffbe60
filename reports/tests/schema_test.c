/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/schema.h"

#define SCHEMA "reports/schema/report.schema.json"
#define FIXTURES "reports/tests/fixtures/"

/* Judge document by schema; *detail says why not. */
static enum otel_err judge(const char *schema, const char *document, struct otl_detail *detail)
{
    static const struct otl_detail none = OTL_DETAIL_NONE;
    json_t *schema_tree = json_loads(schema, JSON_DECODE_ANY, NULL);
    json_t *document_tree = json_loads(document, JSON_DECODE_ANY, NULL);
    enum otel_err err;

    assert_non_null(schema_tree);
    assert_non_null(document_tree);
    *detail = none;
    err = rep_schema_check(schema_tree, document_tree, detail);
    json_decref(schema_tree);
    json_decref(document_tree);
    return err;
}

struct keyword_case {
    const char *schema;
    const char *good;
    const char *bad;
    const char *path; /* what the refusal names */
    const char *text;
};

static const struct keyword_case keyword_cases[] = {
    {"{\"type\":\"object\"}", "{}", "[]", "(document)", "must be of type \"object\""},
    {"{\"type\":\"integer\"}", "3", "3.5", "(document)", "must be of type \"integer\""},
    {"{\"type\":\"number\"}", "3.5", "\"3\"", "(document)", "must be of type \"number\""},
    {"{\"type\":[\"string\",\"null\"]}", "null", "1", "(document)", "string, null"},
    {"{\"required\":[\"a\"]}", "{\"a\":1}", "{\"b\":1}", "(document)", "must have the field \"a\""},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":\"\"}", "{\"a\":1}", "a",
     "must be of type \"string\""},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1}", "{\"b\":1}", "b",
     "is not a known field"},
    {"{\"additionalProperties\":{\"minimum\":0}}", "{\"x\":0}", "{\"x\":-1}", "x",
     "must be at least \"0\""},
    {"{\"items\":{\"maximum\":2}}", "[1,2]", "[1,3]", "[1]", "must be at most \"2\""},
    {"{\"properties\":{\"a\":{\"items\":{\"enum\":[\"x\",\"y\"]}}}}", "{\"a\":[\"x\"]}",
     "{\"a\":[\"x\",\"z\"]}", "a[1]", "must be one of"},
    {"{\"const\":\"k\"}", "\"k\"", "\"l\"", "(document)", "must be \"k\""},
    {"{\"minItems\":1,\"maxItems\":2}", "[1]", "[]", "(document)", "at least so many"},
    {"{\"minItems\":1,\"maxItems\":2}", "[1,2]", "[1,2,3]", "(document)", "at most so many"},
    {"{\"pattern\":\"^[0-9a-f]{4}$\"}", "\"01ef\"", "\"01eg\"", "(document)", "must match"},
};

static void each_keyword_accepts_and_refuses(void **state)
{
    size_t count = sizeof(keyword_cases) / sizeof(keyword_cases[0]);
    struct otl_detail detail;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct keyword_case *c = &keyword_cases[i];
        assert_int_equal(judge(c->schema, c->good, &detail), OTEL_OK);
        assert_int_equal(judge(c->schema, c->bad, &detail), OTEL_ERR_SYNTAX);
        assert_string_equal(detail.source, c->path);
        assert_non_null(strstr(detail.text, c->text));
    }
}

static void a_schema_that_cannot_be_judged_is_refused(void **state)
{
    static const char *const schemas[] = {
        "{\"oneOf\":[]}",
        "{\"properties\":{\"deep\":{\"items\":{\"format\":\"date\"}}}}",
        "{\"type\":\"text\"}",
        "{\"pattern\":\"[\"}",
        "{\"properties\":{\"a\":{\"$ref\":\"#/$defs/none\"}}}",
        "{\"$defs\":{\"a\":{}},"
        "\"properties\":{\"b\":{\"$ref\":\"#/$defs/a\",\"type\":\"string\"}}}",
        "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}},\"items\":{\"$ref\":\"#/$defs/a\"}}",
        "[]",
    };
    struct otl_detail detail;

    (void)state;
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        assert_int_equal(judge(schemas[i], "[1]", &detail), OTEL_ERR_ARGUMENT);
        assert_non_null(strstr(detail.text, "schema"));
    }
}

static void references_are_followed(void **state)
{
    static const char schema[] =
        "{\"$defs\":{\"n\":{\"$ref\":\"#/$defs/m\"},\"m\":{\"type\":\"integer\"}},"
        "\"items\":{\"$ref\":\"#/$defs/n\"}}";
    struct otl_detail detail;

    (void)state;
    assert_int_equal(judge(schema, "[1,2]", &detail), OTEL_OK);
    assert_int_equal(judge(schema, "[1,\"2\"]", &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, "[1]");
}

static void a_document_may_not_nest_for_ever(void **state)
{
    static const char schema[] = "{\"$defs\":{\"n\":{\"items\":{\"$ref\":\"#/$defs/n\"}}},"
                                 "\"items\":{\"$ref\":\"#/$defs/n\"}}";
    struct otl_detail detail;
    char deep[2 * 200 + 1];

    (void)state;
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[400] = '\0';
    assert_int_equal(judge(schema, deep, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.text, "nests too deep");
}

static void every_fixture_follows_the_published_schema(void **state)
{
    static const char *const fixtures[] = {FIXTURES "minimal.json", FIXTURES "failed.json",
                                           FIXTURES "hostile.json", FIXTURES "checkout.json",
                                           FIXTURES "broken.json"};

    (void)state;
    for (size_t i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        enum otel_err err = rep_schema_check_files(SCHEMA, fixtures[i], &detail);
        if (err != OTEL_OK)
            print_error("%s: %s: %s\n", fixtures[i], detail.source, detail.text);
        assert_int_equal(err, OTEL_OK);
    }
}

static void a_file_that_is_no_json_is_refused_with_its_place(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(rep_schema_check_files(SCHEMA, "reports/module.mk", &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, "reports/module.mk");
    assert_int_equal(detail.line, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_keyword_accepts_and_refuses),
        cmocka_unit_test(a_schema_that_cannot_be_judged_is_refused),
        cmocka_unit_test(references_are_followed),
        cmocka_unit_test(a_document_may_not_nest_for_ever),
        cmocka_unit_test(every_fixture_follows_the_published_schema),
        cmocka_unit_test(a_file_that_is_no_json_is_refused_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
